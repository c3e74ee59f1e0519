"""R's algebra of model formulas: operators expanded to plain terms.

A term is a set of variables, kept as the bits of a whole number, so that ``a:a`` is ``a`` and the
order of variables inside a term is the order in which they first appear. This is how R's
``terms.formula`` works, and it decides labels and column order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from brmspy.errors import FormulaError, did_you_mean
from brmspy.formula.expression import (
    Binary,
    Call,
    Constant,
    Expr,
    Name,
    Number,
    Paren,
    Text,
    Unary,
    deparse,
    name_nodes,
)
from brmspy.formula.specials import refuse_special_calls
from brmspy.formula.terms import FixedPart, FixedTerm

__all__ = ["Expanded", "bar_of", "expand"]

_BARS = ("|", "||")
_ARITHMETIC_ADVICE = "Write I(...) for arithmetic: 'I(x * 2)', 'I(x^2)'."
_INTERCEPT = Name("Intercept")


@dataclass(frozen=True)
class Expanded:
    """A right-hand side, expanded.

    Attributes
    ----------
    fixed : FixedPart
        Population-level terms.
    bars : tuple of Paren
        Group-level terms, not yet understood.
    """

    fixed: FixedPart
    bars: tuple[Paren, ...]


def expand(
    expr: Expr,
    source: str,
    *,
    dot: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
) -> Expanded:
    """Expand the right-hand side of a linear formula as R's ``terms.formula`` does.

    Parameters
    ----------
    expr : Expr
        The right-hand side.
    source : str
        The formula that it stands in, for messages.
    dot : sequence of str, optional
        What ``.`` stands for.
    columns : sequence of str, optional
        All columns of the data; unknown variables are errors if they are given.

    Returns
    -------
    Expanded

    Raises
    ------
    FormulaError
        If a term is not valid.
    """
    refuse_special_calls(expr, source)
    expansion = _Expansion(source, dot, columns)
    terms = expansion.encode(expr, additive=True)
    fixed = expansion.fixed_part(terms)
    return Expanded(fixed, tuple(expansion.bars))


def bar_of(expr: Expr) -> Binary | None:
    """Return the ``x | g`` inside a group-level term, or None for anything else."""
    if isinstance(expr, Paren) and isinstance(expr.inner, Binary) and expr.inner.op in _BARS:
        return expr.inner
    return None


_Terms = dict[int, None]


@dataclass
class _Expansion:
    """The state of one expansion: the variables met so far and whether there is an intercept."""

    source: str
    dot: Sequence[str] | None
    columns: Sequence[str] | None
    intercept: bool = True
    removing: bool = False
    variables: dict[Expr, int] = field(default_factory=dict)
    offsets: list[Expr] = field(default_factory=list)
    bars: list[Paren] = field(default_factory=list)

    def error(self, message: str, expr: Expr, hint: str | None = None) -> FormulaError:
        return FormulaError(message, self.source, expr.span, hint)

    def is_column(self, name: str) -> bool:
        return self.columns is not None and name in self.columns

    def fixed_part(self, terms: _Terms) -> FixedPart:
        """Put terms into R's order; the reserved intercept comes first."""
        reserved = self.variables.get(_INTERCEPT)
        first = None if reserved is None else 1 << reserved
        by_order = sorted(terms, key=lambda bits: (bits != first, bits.bit_count()))
        variables = list(self.variables)
        found = tuple(
            FixedTerm(tuple(v for i, v in enumerate(variables) if bits >> i & 1))
            for bits in by_order
        )
        part = FixedPart(self.intercept, found, tuple(self.offsets))
        self.check_reserved(part)
        return part

    def check_reserved(self, part: FixedPart) -> None:
        """Refuse ``1 + Intercept`` and ``Intercept:x``."""
        for term in part.terms:
            if term.is_intercept and part.intercept:
                raise self.error(
                    "'Intercept' stands for the intercept, which is here already.",
                    term.factors[0],
                    "Write '0 + Intercept + ...' to make it an ordinary coefficient.",
                )
            if term.order > 1 and _INTERCEPT in term.factors and not self.is_column("Intercept"):
                raise self.error(
                    "'Intercept' stands for the intercept, and interacts with nothing.",
                    term.factors[term.factors.index(_INTERCEPT)],
                )

    def encode(self, expr: Expr, additive: bool = False) -> _Terms:
        """Return the terms of an expression.

        `additive` says that `expr` is added to the formula as it is, so that it may hold offsets
        and group-level terms.
        """
        match expr:
            case Number():
                return self.number(expr)
            case Name(name="."):
                return self.all_columns(expr)
            case Paren(inner=inner):
                if bar_of(expr) is not None:
                    return self.group_term(expr, additive)
                return self.encode(inner, additive)
            case Unary(op="+", operand=operand):
                return self.encode(operand, additive)
            case Unary(op="-", operand=operand):
                return self.delete({}, operand)
            case Binary(op=op) if op in ("+", "-"):
                return self.sum(expr, additive)
            case Binary(op=op) if op in _BARS:
                raise self.error(
                    "A group-level term needs parentheses around it.",
                    expr,
                    f"Write '({deparse(expr)})'.",
                )
            case Binary(op="^", left=base, right=exponent):
                return self.power(expr, base, exponent)
            case Binary(op=op, left=left, right=right) if op in _PRODUCTS:
                return _PRODUCTS[op](self.factor(left, op), self.factor(right, op))
            case Call(function="offset"):
                return self.offset(expr, additive)
            case _:
                return self.variable(expr)

    def sum(self, expr: Binary, additive: bool) -> _Terms:
        """Add and remove terms from left to right; long sums are deep on their left side."""
        steps: list[Binary] = []
        first: Expr = expr
        while isinstance(first, Binary) and first.op in ("+", "-"):
            steps.append(first)
            first = first.left
        terms = self.encode(first, additive)
        for step in reversed(steps):
            if step.op == "+":
                terms |= self.encode(step.right, additive)
            else:
                terms = self.delete(terms, step.right)
        return terms

    def delete(self, terms: _Terms, removed: Expr) -> _Terms:
        """Remove terms; ``-1`` removes the intercept and ``-0`` adds it."""
        if removed == _INTERCEPT:
            raise self.error(
                "'Intercept' is no term that can be removed.",
                removed,
                "Write '0 + ...' or '- 1' for a formula without an intercept.",
            )
        self.removing = not self.removing
        gone = self.encode(removed)
        self.removing = not self.removing
        return {bits: None for bits in terms if bits not in gone}

    def factor(self, expr: Expr, op: str) -> _Terms:
        """Return the terms of an operand of a product."""
        inner = expr
        while isinstance(inner, Paren):
            inner = inner.inner
        if isinstance(inner, Number):
            raise self.error(
                f"A number is no operand of '{op}' in a formula.", expr, _ARITHMETIC_ADVICE
            )
        return self.encode(expr)

    def power(self, expr: Binary, base: Expr, exponent: Expr) -> _Terms:
        """Cross the terms of ``(a + b)^2`` with themselves."""
        while isinstance(exponent, Paren):
            exponent = exponent.inner
        if not isinstance(exponent, Number) or exponent.value < 1 or exponent.value % 1:
            raise self.error(
                "In a formula, '^' takes a whole number on its right: '(a + b)^2'.",
                exponent,
                _ARITHMETIC_ADVICE,
            )
        terms = self.factor(base, "^")
        if len(terms) == 1 and exponent.value > 1:
            raise self.error(
                f"In a formula, '{deparse(expr)}' is the same as '{deparse(base)}'.",
                expr,
                f"Write 'I({deparse(expr)})' for the power.",
            )
        result = terms
        for _ in range(min(int(exponent.value), len(self.variables)) - 1):
            result = _interact(terms, result)
        return result

    def number(self, expr: Number) -> _Terms:
        """Switch the intercept on or off."""
        if expr.value not in (0, 1):
            raise self.error(
                f"'{expr.text}' is not a term; of numbers, only 0 and 1 are.",
                expr,
                _ARITHMETIC_ADVICE,
            )
        self.intercept = bool(expr.value) != self.removing
        return {}

    def all_columns(self, expr: Name) -> _Terms:
        """Expand ``.``."""
        if self.dot is None:
            raise self.error(
                "'.' stands for all other columns, and cannot be used here.",
                expr,
                "Name the columns.",
            )
        return {self.bit(Name(name, expr.span)): None for name in self.dot}

    def group_term(self, expr: Paren, additive: bool) -> _Terms:
        """Keep a group-level term for later."""
        if not additive:
            raise self.error(
                "A group-level term can only be added to the other terms.",
                expr,
                "Interactions with it go inside: '(x:z | g)'.",
            )
        self.bars.append(expr)
        return {}

    def offset(self, expr: Call, additive: bool) -> _Terms:
        """Keep an offset."""
        if not additive:
            raise self.error("An offset can only be added to the other terms.", expr)
        if len(expr.args) != 1 or expr.args[0].name is not None:
            raise self.error("offset() takes one expression: 'offset(log(time))'.", expr)
        self.check_names(expr)
        self.offsets.append(expr.args[0].value)
        return {}

    def variable(self, expr: Expr) -> _Terms:
        """Take an expression as one variable."""
        if isinstance(expr, Constant | Text):
            raise self.error(
                f"{deparse(expr)} is not a term.",
                expr,
                "Names are written without quotes; odd ones go between backticks.",
            )
        self.check_names(expr)
        return {self.bit(expr): None}

    def bit(self, variable: Expr) -> int:
        """Return the bit of a variable."""
        return 1 << self.variables.setdefault(variable, len(self.variables))

    def check_names(self, expr: Expr) -> None:
        """Refuse unknown columns, and a group-level term that reads as a call."""
        if isinstance(expr, Call) and self.swallows_group_term(expr):
            raise self.error(
                f"There is no operator between '{expr.function}' and the group-level term.",
                expr,
                "Terms are joined by '+'.",
            )
        for node in name_nodes(expr):
            if node.name == ".":
                raise self.error("'.' cannot stand inside a function call.", node)
            if node is expr and node == _INTERCEPT:
                continue
            if self.columns is not None and node.name not in self.columns:
                raise unknown_column(node, self.source, self.columns)

    def swallows_group_term(self, call: Call) -> bool:
        """Say whether a call is rather a column and a group-level term: ``x (1 | g)``."""
        value = call.args[0].value if len(call.args) == 1 else None
        if not isinstance(value, Binary) or value.op not in _BARS:
            return False
        return self.is_column(call.function) or _begins_with_number(value.left)


def unknown_column(node: Name, source: str, columns: Iterable[str]) -> FormulaError:
    """Return the error for a variable that the data do not have."""
    return FormulaError(
        f"The data have no column '{node.name}'.",
        source,
        node.span,
        did_you_mean(node.name, columns),
    )


def _interact(left: _Terms, right: _Terms) -> _Terms:
    """Interact every term with every other: ``a:b``."""
    return {a | b: None for a in left for b in right}


def _cross(left: _Terms, right: _Terms) -> _Terms:
    """Return both and their interactions: ``a*b``."""
    return {**left, **right, **_interact(left, right)}


def _union(terms: _Terms) -> int:
    """Return the term that holds the variables of all terms."""
    bits = 0
    for term in terms:
        bits |= term
    return bits


def _nest(left: _Terms, right: _Terms) -> _Terms:
    """Return the left terms, and the right ones inside all of them: ``a/b``."""
    return {**left, **_interact({_union(left): None}, right)}


def _within(left: _Terms, right: _Terms) -> _Terms:
    """Return the left terms inside all of the right ones: ``b %in% a``."""
    return _interact(left, {_union(right): None})


_PRODUCTS = {":": _interact, "*": _cross, "/": _nest, "%in%": _within}


def _begins_with_number(expr: Expr) -> bool:
    """Say whether the expression is such as ``1`` or ``0 + x``."""
    while isinstance(expr, Binary):
        expr = expr.left
    return isinstance(expr, Number)
