"""A model before it is sampled, on one card."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from brmspy.engine.cache import is_cached
from brmspy.engine.interface import CompileOptions
from brmspy.engine.toolchain import find_toolchain
from brmspy.errors import CompileError
from brmspy.families import Family
from brmspy.fit.naming import posterior_variables
from brmspy.fit.report import model_fields
from brmspy.formula import Formula
from brmspy.markup import Table, block, field_lines, fields
from brmspy.model import Model, build
from brmspy.priors import BlockPriors, Prior
from brmspy.priors.numbers import format_number
from brmspy.words import Latex
from brmspy.words.latex import model_latex

__all__ = ["ModelCard", "model_card"]

_SHOWN = 6  # names of parameters that share a prior

_KINDS = (
    ("population", "coefficient"),
    ("group_sd", "standard deviation"),
    ("group_cor", "correlation"),
    ("family", "family parameter"),
    ("group_effects", "effect of levels"),
)


@dataclass(frozen=True, eq=False, repr=False)
class ModelCard:
    """What would be fitted; printing it, or showing it in a notebook, shows the card.

    Attributes
    ----------
    model : Model
        The model.
    executable : str
        Whether the program has been compiled before, in words.
    """

    model: Model
    executable: str

    def latex(self) -> Latex:
        """Return the model in LaTeX, as `brmspy.latex` does for a fit.

        Returns
        -------
        Latex
        """
        return model_latex(self.model)

    @property
    def priors(self) -> pd.DataFrame:
        """The priors in use, as `BrmsFit.prior_summary` returns them."""
        return self.model.priors.table()

    @property
    def stancode(self) -> str:
        """The Stan program."""
        return self.model.program.code

    @cached_property
    def groups(self) -> pd.DataFrame:
        """Blocks of group-level effects.

        Columns group, effects, correlated, levels, and the smallest and largest number of rows of
        a level, min_rows and max_rows.
        """
        rows = []
        for info, arrays in zip(
            self.model.design.groups, self.model.design.arrays.groups, strict=True
        ):
            count = np.bincount(arrays.index, minlength=len(info.levels))
            rows.append(
                {
                    "group": info.group,
                    "effects": ", ".join(coef.label for coef in info.coefs),
                    "correlated": info.correlated and len(info.coefs) > 1,
                    "levels": len(info.levels),
                    "min_rows": int(count.min()),
                    "max_rows": int(count.max()),
                }
            )
        columns = ["group", "effects", "correlated", "levels", "min_rows", "max_rows"]
        return pd.DataFrame(rows, columns=columns)

    @cached_property
    def parameters(self) -> dict[str, int]:
        """How many parameters of each kind the posterior will have."""
        variables = posterior_variables(self.model.design, self.model.program)
        count = {
            title: sum(v.brms.size for v in variables if v.section == section)
            for section, title in _KINDS
        }
        return {title: number for title, number in count.items() if number}

    def __repr__(self) -> str:
        lines = field_lines(list(self._fields()))
        for title, table in self._tables():
            lines += ["", f"{title}:", *table.lines()]
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        parts = [fields(self._fields())]
        for title, table in self._tables():
            parts += [f"<p><strong>{title}</strong></p>", table.html()]
        return block("card", "Model before it is fitted", parts)

    def _fields(self) -> Iterator[tuple[str, str]]:
        """Yield names and texts of the card's upper part."""
        model = self.model
        yield "Model", "not fitted" + ("; to be drawn from the prior" * self._prior_only)
        yield from model_fields(model)
        dropped = model.design.dropped
        left_out = f"missing values left out {dropped}" if dropped.count else "no rows left out"
        yield "Data", f"{model.nobs} observations; {left_out}"
        total = sum(self.parameters.values())
        kinds = ", ".join(_count(number, title) for title, number in self.parameters.items())
        yield "Parameters", _folded(f"{total} ({kinds})")
        plan = model.program.plan
        effects = [f"{effect.group} {effect.coordinates}" for effect in plan.effects]
        yield "Sampler", _folded("; ".join([*effects, f"coefficients {plan.coefficients}"]))
        yield "Program", _folded(self.executable)

    @property
    def _prior_only(self) -> bool:
        return self.model.sample_prior == "only"

    def _tables(self) -> Iterator[tuple[str, Table]]:
        """Yield titles and tables of the card's lower part."""
        if len(self.groups):
            yield "Groups", _group_table(self.groups)
        rows = [row for priors in self.model.priors.blocks for row in _prior_rows(priors)]
        yield "Priors", Table("", ("prior", "source"), tuple(rows), frozenset({"prior", "source"}))


def model_card(
    formula: str | Formula,
    data: Any,
    family: str | Family | Any = "gaussian",
    prior: Prior | Sequence[Prior] | None = None,
    *,
    sample_prior: str = "no",
    marginalize: str | bool = "auto",
    parameterization: str = "auto",
    threads: int | None = None,
    contrasts: Mapping[str, Any] | None = None,
    default_priors: str = "auto",
    toolchain: str | None = None,
) -> ModelCard:
    """Show a model before it is fitted: formula, data, groups, priors, and the sampler's plan.

    Parameters
    ----------
    formula, data, family, prior, sample_prior, marginalize, parameterization, threads, \
contrasts, default_priors, toolchain
        As for `brmspy.brm`.

    Returns
    -------
    ModelCard
        ``print`` it, or show it in a notebook.

    Raises
    ------
    FormulaError, DataError, PriorError
        If the model is not valid.

    Examples
    --------
    >>> from brmspy import load_dataset, model_card
    >>> card = model_card("Reaction ~ Days + (Days | Subject)", load_dataset("sleepstudy"))
    >>> card.groups[["group", "effects", "levels", "min_rows", "max_rows"]]
         group          effects  levels  min_rows  max_rows
    0  Subject  Intercept, Days      18        10        10
    """
    model = build(
        formula,
        data,
        family,
        prior,
        sample_prior=sample_prior,
        marginalize=marginalize,
        parameterization=parameterization,
        threads=threads,
        contrasts=contrasts,
        default_priors=default_priors,
    )
    return ModelCard(model, _executable(model, toolchain))


def _folded(text: str) -> str:
    """Return a text in lines that a narrow page holds."""
    return "\n".join(textwrap.wrap(text, 66, break_long_words=False, break_on_hyphens=False))


def _executable(model: Model, toolchain: str | None) -> str:
    """Say whether the program has been compiled before."""
    try:
        tools = find_toolchain(toolchain)
        known = is_cached(model.program.code, tools, CompileOptions(threads=model.threads > 1))
    except CompileError as error:
        return f"cannot be compiled here: {error}"
    if known:
        return "compiled before, starts at once"
    return "not compiled yet: half a minute or so, once for all models of this structure"


def _group_table(groups: pd.DataFrame) -> Table:
    """Return the blocks of group-level effects as text."""
    rows = []
    for row in groups.to_dict("records"):
        least, most = row["min_rows"], row["max_rows"]
        each = f"{least}" if least == most else f"{least} to {most}"
        effects = str(row["effects"]) + (" (correlated)" if row["correlated"] else "")
        rows.append((str(row["group"]), (str(row["levels"]), each, effects)))
    return Table("", ("levels", "rows each", "effects"), tuple(rows), frozenset({"effects"}))


def _prior_rows(priors: BlockPriors) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the priors of a block; parameters that share one share a row."""
    sources = {row.coef: row.source for row in priors.rows}
    general = [row.source for row in priors.rows if not row.coef]
    inherited = "user" if "user" in general else "default"
    members = []
    for position, element in enumerate(priors.elements):
        coef = priors.block.coefs[position] if priors.block.has_coefs else ""
        source = sources.get(coef, inherited)
        bounds = _bounds(element.lower, element.upper) if priors.block.class_ != "cor" else ""
        shown = (element.text + bounds, inherited if source == "(vectorized)" else source)
        members.append((shown, priors.block.names[position]))
    for shown, found in groupby(members, key=lambda member: member[0]):
        names = [name for _, name in found]
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        yield ", ".join(names[:_SHOWN]) + more, shown


def _bounds(lower: float, upper: float) -> str:
    """Return the bounds of a parameter in words."""
    found = [f" above {format_number(lower)}"] if np.isfinite(lower) else []
    found += [f" below {format_number(upper)}"] if np.isfinite(upper) else []
    return ",".join(["", *found]) if found else ""


def _count(number: int, noun: str) -> str:
    """Return a number of things; "effect of levels" has its plural inside."""
    first, _, rest = noun.partition(" of ")
    many = first if number == 1 else f"{first}s"
    return f"{number} {many}" + (f" of {rest}" if rest else "")
