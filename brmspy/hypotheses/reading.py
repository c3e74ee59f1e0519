"""From the text of a hypothesis to an expression that is compared with zero."""

from __future__ import annotations

from dataclasses import dataclass

from brmspy.errors import BrmspyError, did_you_mean
from brmspy.formula.bodies import Vocabulary as BodyVocabulary
from brmspy.formula.bodies import read_body
from brmspy.formula.curves import CURVES
from brmspy.formula.expression import calls_in, names_in
from brmspy.formula.functions import known_names
from brmspy.formula.grammar import parse_expression
from brmspy.formula.lexer import tokenize
from brmspy.formula.nonlinear import Apply, NonlinearExpr, Num, Parameter, walk
from brmspy.hypotheses.names import Vocabulary

__all__ = ["Affine", "Statement", "affine", "read_statement"]

_COMPARISONS = {">": ">", "<": "<", ">=": ">", "<=": "<", "=": "=", "==": "="}
_EXAMPLE = "Write for example 'Days > 0' or 'Days = 10'."


@dataclass(frozen=True)
class Statement:
    """A hypothesis, understood.

    Attributes
    ----------
    text : str
        The user's text.
    difference : NonlinearExpr
        Its left side minus its right side.
    sign : {">", "<", "="}
        How the difference compares with zero.
    """

    text: str
    difference: NonlinearExpr
    sign: str

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters in it, each once."""
        nodes = (node for node in walk(self.difference) if isinstance(node, Parameter))
        return tuple(dict.fromkeys(node.name for node in nodes))


@dataclass(frozen=True)
class Affine:
    """A sum of multiples of parameters, and a constant."""

    slopes: dict[str, float]
    constant: float


def read_statement(text: object, vocabulary: Vocabulary) -> Statement:
    """Understand a hypothesis.

    Parameters
    ----------
    text : str
        The hypothesis, such as ``"Days > 2 * Age"``.
    vocabulary : Vocabulary
        The names that it may use.

    Returns
    -------
    Statement

    Raises
    ------
    BrmspyError
        If it is no comparison, or a name in it is unknown.
    """
    if not isinstance(text, str) or not text.strip():
        raise BrmspyError(f"{text!r} is no hypothesis. {_EXAMPLE}")
    shown = " ".join(text.split())
    marked = vocabulary.marked(shown)
    left, sign, right = _sides(marked, shown)
    sides = [_expression(side, shown, vocabulary) for side in (left, right)]
    zero = isinstance(sides[1], Num) and sides[1].value == 0
    statement = Statement(shown, sides[0] if zero else Apply("-", (sides[0], sides[1])), sign)
    if not statement.names:
        raise BrmspyError(f"{shown!r} names no parameter. {_EXAMPLE}")
    return statement


def _sides(marked: str, shown: str) -> tuple[str, str, str]:
    """Split a hypothesis at its comparison."""
    depth, found = 0, []
    for token in tokenize(marked):
        depth += (token.kind == "(") - (token.kind == ")")
        if depth == 0 and token.text in _COMPARISONS and token.kind in ("operator", "="):
            found.append(token)
        if token.kind == "operator" and token.text == "!=":
            raise BrmspyError(
                f"{shown!r}: '!=' is no hypothesis that draws could be evidence for. Test the "
                "opposite, with '=': an evidence ratio below 1 speaks against it."
            )
    if len(found) != 1:
        what = "compares nothing" if not found else "compares twice"
        advice = _EXAMPLE if not found else "Write one hypothesis for each comparison."
        raise BrmspyError(f"{shown!r} {what}. {advice}")
    span = found[0].span
    left, right = marked[: span.start].strip(), marked[span.end :].strip()
    if not left or not right:
        side = "left" if not left else "right"
        raise BrmspyError(f"{shown!r} has nothing on its {side} side. {_EXAMPLE}")
    return left, _COMPARISONS[found[0].text], right


def _expression(side: str, shown: str, vocabulary: Vocabulary) -> NonlinearExpr:
    """Read one side."""
    parsed = parse_expression(side)
    known = set(vocabulary.names.values())
    for name in names_in(parsed):
        if name not in known:
            raise BrmspyError(
                f"{shown!r}: there is no parameter {name!r}. "
                f"{did_you_mean(name, vocabulary.preferred)}"
            )
    functions = (*known_names(), *CURVES)
    for call in calls_in(parsed):
        if call.function not in functions:
            raise BrmspyError(
                f"{shown!r}: {call.function!r} is neither a function nor the beginning of a "
                f"parameter's name. {did_you_mean(call.function, [*functions, *vocabulary.names])}"
            )
    return read_body(parsed, side, BodyVocabulary(known, (), columns=()))


def affine(expr: NonlinearExpr) -> Affine | None:
    """Return an expression as a sum of multiples of parameters; None if it is no such sum.

    Parameters
    ----------
    expr : NonlinearExpr
        The expression.

    Returns
    -------
    Affine or None
    """
    match expr:
        case Num(value=value):
            return Affine({}, value)
        case Parameter(name=name):
            return Affine({name: 1.0}, 0.0)
        case Apply(function="neg", args=(inner,)):
            return _scaled(affine(inner), -1.0)
        case Apply(function="+" | "-" | "*" | "/" as op, args=(first, second)):
            return _combined(op, affine(first), affine(second))
        case _:
            return None


def _combined(op: str, left: Affine | None, right: Affine | None) -> Affine | None:
    """Return the sum, difference, product or quotient, if it is affine."""
    if left is None or right is None:
        return None
    if op in "+-":
        right = _scaled(right, 1.0 if op == "+" else -1.0)
        assert right is not None, "a multiple of what is affine"
        names = dict.fromkeys((*left.slopes, *right.slopes))
        slopes = {n: left.slopes.get(n, 0.0) + right.slopes.get(n, 0.0) for n in names}
        return Affine({n: v for n, v in slopes.items() if v}, left.constant + right.constant)
    if not right.slopes:
        if op == "*":
            return _scaled(left, right.constant)
        return _scaled(left, 1.0 / right.constant) if right.constant else None
    return _scaled(right, left.constant) if op == "*" and not left.slopes else None


def _scaled(expr: Affine | None, factor: float) -> Affine | None:
    """Return a multiple."""
    if expr is None or factor == 0:
        return None if expr is None else Affine({}, 0.0)
    slopes = {name: factor * value for name, value in expr.slopes.items()}
    return Affine(slopes, factor * expr.constant)
