"""From the text of a formula to the typed terms of a model."""

from __future__ import annotations

from collections.abc import Sequence

from brmspy.errors import FormulaError
from brmspy.formula.assembly import assemble, expand_sides
from brmspy.formula.expansion import expand
from brmspy.formula.formulas import Formula
from brmspy.formula.grammar import parse_sides
from brmspy.formula.groups import group_terms
from brmspy.formula.terms import FixedPart, GroupTerm, ModelTerms

__all__ = ["parse", "parse_groups", "parse_rhs"]


def parse(
    formula: str | Formula,
    dpars: Sequence[str] = ("mu", "sigma"),
    columns: Sequence[str] | None = None,
) -> ModelTerms:
    """Understand a formula: the typed terms of every predicted parameter.

    Parameters
    ----------
    formula : str or Formula
        The formula, as text or made by `bf`.
    dpars : sequence of str
        The family's distributional parameters, the predicted mean first.
    columns : sequence of str, optional
        The columns of the data. Without them names are not checked, and ``.`` cannot be used.

    Returns
    -------
    ModelTerms

    Raises
    ------
    FormulaError
        If the formula is not valid; the message points at the offending text.

    Examples
    --------
    >>> from brmspy.formula import parse
    >>> print(parse("y ~ a * b + (1 + a | g/h)"))
    response: y
    mu ~ 1 + a + b + a:b + (1 + a | g) + (1 + a | g:h)
    """
    if not isinstance(formula, Formula):
        formula = Formula(_require_text(formula))
    return assemble(formula, tuple(dpars), columns)


def parse_rhs(formula: str, columns: Sequence[str] | None = None) -> FixedPart:
    """Understand a formula of population-level terms alone; its left-hand side is ignored.

    Parameters
    ----------
    formula : str
        The formula, ``"~ f * x"``.
    columns : sequence of str, optional
        The columns of the data, for ``.`` and for checking names.

    Returns
    -------
    FixedPart

    Raises
    ------
    FormulaError
        If the formula is not valid, or if it has group-level terms.

    Examples
    --------
    >>> from brmspy.formula import parse_rhs
    >>> print(parse_rhs("~ 0 + f / x"))
    0 + f + f:x
    """
    sides = parse_sides(_require_text(formula))
    expanded = expand_sides(sides, columns)
    if expanded.bars:
        raise FormulaError(
            "Group-level terms have no place in this formula.", formula, expanded.bars[0].span
        )
    return expanded.fixed


def parse_groups(formula: str, columns: Sequence[str] | None = None) -> tuple[GroupTerm, ...]:
    """Understand a formula of group-level terms alone.

    Parameters
    ----------
    formula : str
        The formula, ``"~ (1 | g) + (0 + x | h)"``.
    columns : sequence of str, optional
        The columns of the data, for checking names.

    Returns
    -------
    tuple of GroupTerm

    Raises
    ------
    FormulaError
        If the formula is not valid, or if it has population-level terms.

    Examples
    --------
    >>> from brmspy.formula import parse_groups
    >>> [str(term) for term in parse_groups("~ (x | g/h)")]
    ['(1 + x | g)', '(1 + x | g:h)']
    """
    sides = parse_sides(_require_text(formula))
    expanded = expand(sides.right, formula, columns=columns)
    if expanded.fixed.terms or expanded.fixed.offsets:
        raise FormulaError(
            "This formula takes group-level terms only.",
            formula,
            sides.right.span,
            "Write for example '~ (1 | g)'.",
        )
    return group_terms(expanded.bars, formula, columns)


def _require_text(formula: object) -> str:
    """Check that a formula is text."""
    if isinstance(formula, str):
        return formula
    raise FormulaError(f"A formula is a text such as 'y ~ x', not {type(formula).__name__}.")
