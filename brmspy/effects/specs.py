"""What marginal means are asked for: ``"a"``, ``"~ a * b"``, ``"pairwise ~ a | b"``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from brmspy.effects.scenarios import as_names
from brmspy.effects.target import Target
from brmspy.errors import BrmspyError, FormulaError
from brmspy.formula.expression import Binary, Expr, Name, Number, Paren, Unary
from brmspy.formula.grammar import parse_expression

__all__ = ["Specs", "read_specs"]

_JOINING = ("+", "*", ":")


@dataclass(frozen=True)
class Specs:
    """What marginal means are asked for.

    Attributes
    ----------
    factors : tuple of str
        Columns whose combinations have means; none for the mean of all.
    by : tuple of str
        Columns within whose combinations means are contrasted.
    contrast : str
        A kind of contrast; empty if none is asked for.
    """

    factors: tuple[str, ...]
    by: tuple[str, ...]
    contrast: str = ""


def read_specs(target: Target, specs: Any, by: str | Sequence[str] | None) -> Specs:
    """Read what a user asked for.

    Parameters
    ----------
    target : Target
        What is predicted.
    specs : str or sequence of str
        A column, several, or a formula.
    by : str or sequence of str, optional
        Columns within whose combinations means are contrasted.

    Returns
    -------
    Specs

    Raises
    ------
    FormulaError
        If the formula is not of this kind.
    BrmspyError
        If predictions do not read a column.
    """
    within = as_names("by", by)
    contrast = ""
    if isinstance(specs, str) and "~" in specs and specs not in target.columns:
        contrast, names, conditioned = _read_formula(specs)
        within = list(dict.fromkeys([*conditioned, *within]))
    else:
        names = as_names("specs", specs)
    for name in (*names, *within):
        target.column(name)  # raises if predictions do not read it
    factors = [name for name in dict.fromkeys(names) if name not in within]
    if names and not factors:
        raise BrmspyError(
            f"specs = {specs!r} names no column besides those of by. Name a column of which means "
            'are to be taken: "treatment", or "~ treatment | by".'
        )
    return Specs(tuple(factors), tuple(within), contrast)


def _read_formula(source: str) -> tuple[str, list[str], list[str]]:
    """Return kind of contrast, columns, and columns after the bar."""
    tree = parse_expression(source)
    contrast = ""
    if isinstance(tree, Binary) and tree.op == "~":
        if not isinstance(tree.left, Name):
            raise _not_valid(source, tree.left)
        contrast, right = tree.left.name, tree.right
    elif isinstance(tree, Unary) and tree.op == "~":
        right = tree.operand
    else:
        raise _not_valid(source, tree)
    if isinstance(right, Binary) and right.op == "|":
        return contrast, _names(source, right.left), _names(source, right.right)
    return contrast, _names(source, right), []


def _names(source: str, tree: Expr) -> list[str]:
    """Return the columns that one side of the bar names."""
    if isinstance(tree, Name):
        return [tree.name]
    if isinstance(tree, Number) and tree.value == 1:
        return []
    if isinstance(tree, Paren):
        return _names(source, tree.inner)
    if isinstance(tree, Binary) and tree.op in _JOINING:
        return [*_names(source, tree.left), *_names(source, tree.right)]
    raise _not_valid(source, tree)


def _not_valid(source: str, tree: Expr) -> FormulaError:
    return FormulaError(
        "This does not say of which columns means are to be taken.",
        source,
        tree.span,
        'Write for example "~ a * b", "~ a | b" or "pairwise ~ a | b".',
    )
