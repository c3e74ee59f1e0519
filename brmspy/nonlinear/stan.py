"""A non-linear formula as vectorised Stan."""

from __future__ import annotations

import math
from collections.abc import Mapping, MutableMapping, Set
from dataclasses import dataclass

from brmspy.formula.nonlinear import Apply, NonlinearExpr, Num
from brmspy.nonlinear.repeats import is_rowwise, repeated
from brmspy.nonlinear.table import FUNCTIONS, OPERATORS

__all__ = ["StanText", "is_scalar", "to_stan"]

_ATOM = 10
_UNARY = OPERATORS["neg"].precedence
_POWERS = {2.0: "square", 0.5: "sqrt", -0.5: "inv_sqrt", -1.0: "inv", -2.0: "inv_square"}
_LOGICAL = frozenset(("<", ">", "<=", ">=", "==", "!=", "&", "|", "!"))


@dataclass(frozen=True, slots=True)
class StanText:
    """A non-linear formula in Stan.

    Attributes
    ----------
    statements : tuple of str
        Local variables that the expression reads, in order.
    expression : str
        The value.
    is_scalar : bool
        Whether the value is a ``real``; otherwise it is a ``vector``.
    """

    statements: tuple[str, ...]
    expression: str
    is_scalar: bool


def is_scalar(expr: NonlinearExpr, scalars: Set[str]) -> bool:
    """Say whether an expression has one value for all rows.

    Parameters
    ----------
    expr : NonlinearExpr
        The expression.
    scalars : set of str
        Names that have one value for all rows.

    Returns
    -------
    bool
    """
    match expr:
        case Num():
            return True
        case Apply(args=args):
            return all(is_scalar(arg, scalars) for arg in args)
        case _:
            return expr.name in scalars


def to_stan(
    expr: NonlinearExpr,
    names: Mapping[str, str],
    scalars: Set[str] = frozenset(),
    *,
    local: str = "e_",
    rows: str = "N",
    shared: Set[NonlinearExpr] | None = None,
    known: MutableMapping[NonlinearExpr, str] | None = None,
) -> StanText:
    """Write a non-linear formula in Stan.

    Repeated subexpressions become local variables. Conditions and comparisons, which Stan has for
    single numbers only, become a loop over the rows in which only the branch that is taken is
    computed; the rest is vectorised. All numbers are reals, so that nothing is divided as whole
    numbers.

    Parameters
    ----------
    expr : NonlinearExpr
        The formula.
    names : mapping of str to str
        The Stan variable of every covariate and parameter.
    scalars : set of str
        Covariates and parameters whose Stan variable is a ``real``; all others are vectors.
    local : str
        What the names of local variables begin with.
    rows : str
        The number of rows.
    shared : set of NonlinearExpr, optional
        The subexpressions that become local variables; by default those that repeat in `expr`.
    known : mutable mapping of NonlinearExpr to str, optional
        Local variables of formulas that were written before; those of this one are added.

    Returns
    -------
    StanText

    Examples
    --------
    >>> from brmspy.formula import bf, parse
    >>> from brmspy.nonlinear import to_stan
    >>> body = parse(bf("y ~ a * x / (x + 1/3)", "a ~ 1", nl=True)).predictor("mu").body
    >>> to_stan(body, {"a": "nlp_a", "x": "C_1"}, {"a"}).expression
    'nlp_a * C_1 ./ (C_1 + 1.0 / 3.0)'
    """
    chosen = repeated(expr) if shared is None else shared
    writer = _Writer(names, scalars, chosen, local, rows, {} if known is None else known)
    value = writer.value(expr)
    return StanText(tuple(writer.statements), value.text, is_scalar(expr, scalars))


@dataclass(frozen=True, slots=True)
class _Piece:
    """Stan text and how tightly it binds."""

    text: str
    precedence: int = _ATOM

    def within(self, precedence: int) -> str:
        """Return the text, between parentheses if it binds less tightly than is asked for."""
        return f"({self.text})" if self.precedence < precedence else self.text


class _Writer:
    """Writes one formula; collects its local variables."""

    def __init__(
        self,
        names: Mapping[str, str],
        scalars: Set[str],
        shared: Set[NonlinearExpr],
        local: str,
        rows: str,
        known: MutableMapping[NonlinearExpr, str],
    ) -> None:
        self.names = names
        self.scalars = scalars
        self.shared = shared
        self.local = local
        self.rows = rows
        self.statements: list[str] = []
        self.locals = known
        self.count = 0

    def value(self, expr: NonlinearExpr) -> _Piece:
        """Write an expression for all rows at once."""
        if expr in self.locals:
            return _Piece(self.locals[expr])
        scalar = is_scalar(expr, self.scalars)
        if is_rowwise(expr) and not scalar:
            return self.loop(expr)
        piece = self.row(expr) if is_rowwise(expr) else self.write(expr, by_row=False)
        if expr not in self.shared:
            return piece
        kind = "real" if scalar else f"vector[{self.rows}]"
        return self.keep(expr, f"{kind} {{name}} = {piece.text};")

    def loop(self, expr: NonlinearExpr) -> _Piece:
        """Compute an expression row by row into a local variable."""
        return self.keep(
            expr,
            f"vector[{self.rows}] {{name}};",
            f"for (n in 1:{self.rows}) {{name}}[n] = {self.row(expr).text};",
        )

    def keep(self, expr: NonlinearExpr, *statements: str) -> _Piece:
        """Give an expression a local variable."""
        self.count += 1
        name = f"{self.local}{self.count}"
        self.statements += [statement.format(name=name) for statement in statements]
        self.locals[expr] = name
        return _Piece(name)

    def row(self, expr: NonlinearExpr) -> _Piece:
        """Write an expression for row ``n``, or for all rows if it has one value."""
        if expr in self.locals:
            scalar = is_scalar(expr, self.scalars)
            return _Piece(self.locals[expr] + ("" if scalar else "[n]"))
        if isinstance(expr, Apply) and expr.function == "ifelse":
            test, yes, no = expr.args
            return _Piece(
                f"{self.condition(test).within(2)} ? {self.row(yes).within(2)} "
                f": {self.row(no).within(1)}",
                OPERATORS["ifelse"].precedence,
            )
        if isinstance(expr, Apply) and expr.function in _LOGICAL:
            return _Piece(
                f"{self.condition(expr).within(2)} ? 1.0 : 0.0", OPERATORS["ifelse"].precedence
            )
        return self.write(expr, by_row=True)

    def condition(self, expr: NonlinearExpr) -> _Piece:
        """Write an expression that is true or false, for row ``n``."""
        if not isinstance(expr, Apply) or expr.function not in _LOGICAL or expr in self.locals:
            return _Piece(f"{self.row(expr).within(5)} != 0.0", OPERATORS["!="].precedence)
        forms = OPERATORS[expr.function]
        operand = self.condition if expr.function in "&|!" else self.row
        if expr.function == "!":
            return _Piece(f"!{operand(expr.args[0]).within(_ATOM)}", forms.precedence)
        left, right = (operand(arg).within(forms.precedence + 1) for arg in expr.args)
        return _Piece(f"{left} {forms.stan} {right}", forms.precedence)

    def write(self, expr: NonlinearExpr, by_row: bool) -> _Piece:
        """Write anything that Stan has for vectors too."""
        if isinstance(expr, Num):
            return _number(expr.value)
        if not isinstance(expr, Apply):
            scalar = not by_row or expr.name in self.scalars
            return _Piece(self.names[expr.name] + ("" if scalar else "[n]"))
        inner = self.row if by_row else self.value
        if expr.function in FUNCTIONS:
            args = ", ".join(inner(arg).text for arg in expr.args)
            return _Piece(f"{FUNCTIONS[expr.function].stan}({args})")
        forms = OPERATORS[expr.function]
        if expr.function == "neg":
            return _Piece(f"-{inner(expr.args[0]).within(_UNARY + 1)}", _UNARY)
        left, right = expr.args
        vectors = [not by_row and not is_scalar(arg, self.scalars) for arg in expr.args]
        if expr.function == "^":
            return self.power(inner(left), inner(right), _exponent(right), any(vectors))
        elementwise = vectors[1] and (vectors[0] or expr.function == "/")
        symbol = forms.elementwise if elementwise else forms.stan
        return _Piece(
            f"{inner(left).within(forms.precedence)} {symbol} "
            f"{inner(right).within(forms.precedence + 1)}",
            forms.precedence,
        )

    def power(self, base: _Piece, exponent: _Piece, number: float | None, vector: bool) -> _Piece:
        """Write a power; whole exponents stay whole, which is exact for negative bases."""
        forms = OPERATORS["^"]
        if number in _POWERS:
            return _Piece(f"{_POWERS[number]}({base.text})")
        if number == 1.0:
            return base
        if number is not None and number.is_integer() and abs(number) < 2**31:
            exponent = _Piece(f"{number:.0f}", _ATOM if number >= 0 else _UNARY)
        symbol = forms.elementwise if vector else forms.stan
        left, right = base.within(_ATOM), exponent.within(_ATOM)
        return _Piece(f"{left} {symbol} {right}", forms.precedence)


def _exponent(expr: NonlinearExpr) -> float | None:
    """Return the value of an exponent that is a number."""
    match expr:
        case Num(value=value):
            return value
        case Apply(function="neg", args=(Num(value=value),)):
            return -value
        case _:
            return None


def _number(value: float) -> _Piece:
    """Write a number as a real."""
    if math.isinf(value):
        return _Piece("positive_infinity()")
    return _Piece(repr(value))
