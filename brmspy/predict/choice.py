"""Which group-level effects take part in a prediction: `re_formula`."""

from __future__ import annotations

from typing import Any

import pandas as pd

from brmspy.data import Design, GroupInfo
from brmspy.errors import BrmspyError, FormulaError
from brmspy.formula import GroupTerm, parse_groups

__all__ = ["chosen_effects"]

_NONE = ("NA", "~0", "~1", "~NA")


def chosen_effects(design: Design, re_formula: Any) -> tuple[tuple[bool, ...], ...]:
    """Return which coefficients of each block take part.

    Parameters
    ----------
    design : Design
        The design of the fitted model.
    re_formula : None, "NA" or str
        None for all, ``"NA"`` for none, or a formula of terms such as ``"~ (1 | g)"``. A term
        stands for all effects of its coefficients, to whichever parameter they belong.

    Returns
    -------
    tuple of tuple of bool
        For each block, one for each coefficient.

    Raises
    ------
    FormulaError
        If the formula is not valid or has a term that the model does not have.
    BrmspyError
        If it is no formula at all.
    """
    if re_formula is None:
        return tuple((True,) * len(info.coefs) for info in design.groups)
    if not isinstance(re_formula, str):
        if pd.api.types.is_scalar(re_formula) and pd.isna(re_formula):
            return _none(design)
        raise BrmspyError(
            f"re_formula = {re_formula!r} is not valid. It is None (all group-level effects), "
            '"NA" (none), or a formula such as "~ (1 | g)".'
        )
    if "".join(re_formula.split()) in _NONE:
        return _none(design)
    chosen = [[False] * len(info.coefs) for info in design.groups]
    for term in parse_groups(re_formula):
        _choose(design, term, chosen)
    return tuple(map(tuple, chosen))


def _none(design: Design) -> tuple[tuple[bool, ...], ...]:
    return tuple((False,) * len(info.coefs) for info in design.groups)


def _choose(design: Design, term: GroupTerm, chosen: list[list[bool]]) -> None:
    """Mark the coefficients that a term names."""
    blocks = [
        (info, marks)
        for info, marks in zip(design.groups, chosen, strict=True)
        if set(info.factors) == set(term.factors)
    ]
    if not blocks:
        raise _unknown(design, term, f"The model has no group-level effects of {term.group!r}.")
    wanted = design.effect_labels(term.effects)
    owned = {coef.name.label for info, _ in blocks for coef in info.coefs}
    missing = [label for label in wanted if label not in owned]
    if missing:
        raise _unknown(design, term, f"{missing[0]!r} does not vary by {term.group!r}.")
    for info, marks in blocks:
        for position, coef in enumerate(info.coefs):
            marks[position] |= coef.name.label in wanted


def _unknown(design: Design, term: GroupTerm, message: str) -> FormulaError:
    terms = dict.fromkeys(map(_as_term, design.groups))
    has = (
        f"Group-level effects of the model: {', '.join(terms)}."
        if terms
        else ("The model has no group-level effects: leave re_formula out.")
    )
    return FormulaError(message, term.source, term.span, has)


def _as_term(info: GroupInfo) -> str:
    """Return a block as it is written in a formula."""
    labels = dict.fromkeys(coef.name.label for coef in info.coefs)
    shown = ["1" if label == "Intercept" else label for label in labels]
    if "Intercept" not in labels:
        shown.insert(0, "0")
    return f"({' + '.join(shown)} {'|' if info.correlated else '||'} {info.group})"
