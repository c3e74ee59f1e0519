"""What a fit looks like when it is printed: as text, and as HTML in a notebook.

Both are made from one `Report`, so that they say the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd

from brmspy.fit.advice import Finding, verdict
from brmspy.fit.contract import FittedModel
from brmspy.fit.record import Approximation, FitRecord
from brmspy.fit.variables import Variable
from brmspy.markup import (
    Table,
    block,
    decimals_for,
    field_lines,
    fields,
    number,
    paragraph,
    warning,
    wrapped,
)

__all__ = ["Report", "make_report", "model_fields"]

_TITLES = (
    ("group", "Multilevel Hyperparameters"),
    ("population", "Regression Coefficients"),
    ("family", "Further Distributional Parameters"),
)
_DIAGNOSTICS = (
    "Bulk_ESS and Tail_ESS are effective sample sizes; Rhat compares the chains and is 1 when they "
    "agree."
)
_DATA_SETS = (
    "These are {number} fits to {sets} data sets, combined. Chains of different data sets need not "
    "agree: Rhat is the largest of those within one data set, and the effective sample sizes are "
    "added up. `fit.rhats` has Rhat for each fit."
)
_PARETO_K = (
    "Pareto k says how well the approximation covers the posterior around its draws: below 0.5 "
    "well, up to 0.7 well enough to be of use. There are no chains to compare, hence no Rhat."
)


@dataclass(frozen=True)
class Report:
    """The content of a printed fit.

    Attributes
    ----------
    header : tuple of (str, str)
        Names and texts.
    sections : tuple of (str, tuple of Table)
        Titles and tables.
    findings : tuple of Finding
        What is wrong with the draws.
    footer : tuple of str
        Paragraphs at the end.
    """

    header: tuple[tuple[str, str], ...]
    sections: tuple[tuple[str, tuple[Table, ...]], ...]
    findings: tuple[Finding, ...]
    footer: tuple[str, ...]

    def text(self) -> str:
        """Return the report as text."""
        lines = field_lines(self.header)
        for title, tables in self.sections:
            lines += ["", f"{title}:"]
            for table in tables:
                lines += table.lines()
        for finding in self.findings:
            lines += ["", *wrapped(f"Warning: {finding}")]
        for text in self.footer:
            lines += ["", *wrapped(text)]
        return "\n".join(line.rstrip() for line in lines)

    def html(self) -> str:
        """Return the report as HTML."""
        parts = [fields(self.header)]
        for title, tables in self.sections:
            parts.append(f"<p><strong>{escape(title)}</strong></p>")
            parts += [table.html() for table in tables]
        parts += [warning(str(finding)) for finding in self.findings]
        parts += [paragraph(text) for text in self.footer]
        return block("fit", "Fitted model", parts)


def make_report(
    model: FittedModel,
    record: FitRecord,
    variables: Sequence[Variable],
    rows: pd.DataFrame,
    findings: tuple[Finding, ...],
    draws: tuple[int, int],
    diagnosis: str = "",
) -> Report:
    """Return what is printed for a fit.

    Parameters
    ----------
    model : FittedModel
        The model.
    record : FitRecord
        How the fit came about.
    variables : sequence of Variable
        The variables that are summarised.
    rows : DataFrame
        Their summary, one row for each element in the order of `variables`.
    findings : tuple of Finding
        What is wrong with the draws.
    draws : tuple of int
        Number of chains and of draws a chain.
    diagnosis : str
        What the diagnostics say, in a line; nothing of an approximation, which has Pareto k.

    Returns
    -------
    Report
    """
    return Report(
        header=_header(model, record, draws) + ((("Checks", diagnosis),) if diagnosis else ()),
        sections=_sections(model, variables, rows),
        findings=findings,
        footer=_footer(record),
    )


def _footer(record: FitRecord) -> tuple[str, ...]:
    """Return what is said below the tables."""
    explained = _DIAGNOSTICS if record.approximation is None else _PARETO_K
    sets = len(record.data_sets)
    if sets == 1 or record.approximation is not None:
        return _sampler(record), explained
    return _sampler(record), explained, _DATA_SETS.format(number=len(record.parts), sets=sets)


def _header(
    model: FittedModel, record: FitRecord, draws: tuple[int, int]
) -> tuple[tuple[str, str], ...]:
    """Return family, links, formula, data and draws."""
    rows = f"{model.design.arrays.nobs} observations"
    if len(record.data_sets) > 1:
        rows = f"{len(record.data_sets)} data sets of {rows} each"
    if record.dropped:
        rows += f"; missing values left out {record.dropped}"
    return (
        *model_fields(model),
        ("Data", rows),
        *_draws(model, record, draws),
    )


def model_fields(model: FittedModel) -> tuple[tuple[str, str], ...]:
    """Return family, links and formula of a model.

    Parameters
    ----------
    model : FittedModel
        The model.

    Returns
    -------
    tuple of (str, str)
        Names and texts.
    """
    predicted = model.design.predictors
    links = {
        dpar.name: dpar.link.name if dpar.name in predicted else "identity"
        for dpar in model.family.dpars
    }
    links["mu"] = model.family.link.name
    coded = "; ".join(f"{name} = {coding}" for name, coding in model.design.contrasts.items())
    return (
        ("Family", model.family.name),
        ("Links", "; ".join(f"{name} = {link}" for name, link in links.items())),
        ("Formula", str(model.formula)),
        *([("Contrasts", coded)] if coded else []),
    )


def _draws(
    model: FittedModel, record: FitRecord, draws: tuple[int, int]
) -> tuple[tuple[str, str], ...]:
    """Return where the draws come from and, of an approximation, how good it is."""
    prior = model.sample_prior == "only"
    if record.approximation is not None:
        found = record.approximation
        text = _approximate_draws(record, found, draws[0] * draws[1]) + (
            " of the prior" if prior else ""
        )
        return ("Draws", text), ("Pareto k", verdict(found.pareto_k))
    options = record.options
    total = draws[0] * draws[1]
    chains = f"{draws[0]} chain, with" if draws[0] == 1 else f"{draws[0]} chains, each with"
    source = "draws from the prior" if prior else "post-warmup draws"
    if record.parts:
        chains = f"{len(record.parts)} fits, {chains}"
    text = (
        f"{chains} iter = {options['iter_warmup'] + options['iter_sampling']}; "
        f"warmup = {options['iter_warmup']}; thin = {options['thin']};\n"
        f"total {source} = {total}"
    )
    return (("Draws", text),)


def _approximate_draws(record: FitRecord, found: Approximation, kept: int) -> str:
    """Say where the draws of an approximation come from."""
    wanted = record.options["paths"] * max(1, len(record.parts))
    finished = f"{found.paths} of {wanted}" if found.paths < wanted else f"{wanted}"
    source = found.title + (f" ({finished} paths)" if record.options["paths"] > 1 else "")
    if record.parts:
        source += f" of {len(record.parts)} fits"
    if not found.resampled:
        return f"{kept} from {source}"
    return (
        f"{kept}, resampled by importance from {found.candidates} draws\n"
        f"(worth {found.ess:.0f} independent ones) from {source}"
    )


def _sections(
    model: FittedModel, variables: Sequence[Variable], rows: pd.DataFrame
) -> tuple[tuple[str, tuple[Table, ...]], ...]:
    """Sort the summary's rows into sections."""
    members: dict[str, dict[str, list[tuple[str, int]]]] = {name: {} for name, _ in _TITLES}
    place = 0
    for variable in variables:
        section = variable.section if variable.section in members else "group"
        captioned = members[section].setdefault(variable.group, [])
        for label in variable.labels.flat:
            captioned.append((str(label), place))
            place += 1
    levels = {info.group: len(info.levels) for info in model.design.groups}
    sections = []
    for section, title in _TITLES:
        tables = tuple(
            _table(
                f"~{group} (Number of levels: {levels[group]})" if group else "",
                [label for label, _ in labelled],
                rows.iloc[[where for _, where in labelled]],
            )
            for group, labelled in members[section].items()
        )
        if tables:
            sections.append((title, tables))
    return tuple(sections)


def _table(caption: str, labels: Sequence[str], rows: pd.DataFrame) -> Table:
    """Format numbers: estimates share their decimals, sample sizes have none."""
    decimals = decimals_for(rows["Est.Error"])
    digits = {"Rhat": 2, "Bulk_ESS": 0, "Tail_ESS": 0}
    columns = [
        [number(value, digits.get(str(name), decimals)) for value in rows[name]] for name in rows
    ]
    cells = zip(*columns, strict=True)
    return Table(caption, tuple(map(str, rows.columns)), tuple(zip(labels, cells, strict=True)))


def _sampler(record: FitRecord) -> str:
    """Return a sentence about sampler, toolchain and time."""
    tools = record.toolchain
    stan = f"Stan {tools['stan']}" if tools.get("stan") else "Stan"
    by = f" ({tools['toolchain']} toolchain)" if tools.get("toolchain") else ""
    seconds = record.sampling_time
    slowest = " (slowest chain)" if record.approximation is None else ""
    time = f", in {seconds:.1f} s{slowest}" if seconds else ""
    found = record.approximation
    how = "Sampled with NUTS" if found is None else f'Approximated (algorithm="{found.algorithm}")'
    return f"{how} by {stan}{by}, brmspy {record.version}, seed {record.seed}{time}."
