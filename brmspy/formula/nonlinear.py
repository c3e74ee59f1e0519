"""The typed expression of a non-linear formula.

Numbers, covariates and parameters are told apart, named curves and R's variants of a function are
written out, so that whoever evaluates it needs to know only the functions of
`brmspy.formula.functions.FUNCTIONS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from brmspy.formula.expression import Span

__all__ = ["Apply", "Covariate", "CurveCall", "NonlinearExpr", "Num", "Parameter", "walk"]

_NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Num:
    """A number."""

    value: float
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Covariate:
    """A column of the data."""

    name: str
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A non-linear parameter, which has a formula of its own."""

    name: str
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Apply:
    """A function or operator with its operands: ``Apply("+", (a, b))``, ``Apply("neg", (a,))``."""

    function: str
    args: tuple[NonlinearExpr, ...]
    span: Span = field(default=_NOWHERE, compare=False)


NonlinearExpr: TypeAlias = Num | Covariate | Parameter | Apply


@dataclass(frozen=True, slots=True)
class CurveCall:
    """A call of a named curve.

    Attributes
    ----------
    curve : str
        The curve's name.
    arguments : tuple of (str, NonlinearExpr)
        Its arguments in the curve's order, each with what is given for it.
    """

    curve: str
    arguments: tuple[tuple[str, NonlinearExpr], ...]


def walk(expr: NonlinearExpr) -> Iterator[NonlinearExpr]:
    """Yield `expr` and all expressions inside it, in the order of the text."""
    yield expr
    if isinstance(expr, Apply):
        for arg in expr.args:
            yield from walk(arg)
