"""The left-hand side of a model formula."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from brmspy.errors import FormulaError, did_you_mean
from brmspy.formula.arguments import boolean, match_arguments
from brmspy.formula.expansion import unknown_column
from brmspy.formula.expression import (
    Arg,
    Binary,
    Call,
    Expr,
    Name,
    Paren,
    calls_in,
    deparse,
    name_nodes,
    names_in,
)
from brmspy.formula.grammar import Sides
from brmspy.formula.specials import (
    ADDITIONS,
    REFUSED_ADDITIONS,
    refuse_special_calls,
    refused_addition,
)
from brmspy.formula.terms import Response

__all__ = ["read_response"]

_ADDITION_ARGUMENTS = {"trials": ("x",), "weights": ("x", "scale")}


def read_response(sides: Sides, columns: Sequence[str] | None = None) -> Response:
    """Read the response and its additional terms.

    Parameters
    ----------
    sides : Sides
        The main formula.
    columns : sequence of str, optional
        The columns of the data; unknown ones are errors if they are given.

    Returns
    -------
    Response

    Raises
    ------
    FormulaError
        If the left-hand side is not valid.
    """
    source, left = sides.source, sides.left
    if left is None:
        raise FormulaError(
            "The formula has no response.",
            source,
            (source.index("~"), source.index("~") + 1),
            "Write it on the left of '~': 'y ~ x'.",
        )
    additions: dict[str, Call] = {}
    if isinstance(left, Binary) and left.op in ("|", "||"):
        if left.op == "||":
            raise FormulaError("Response terms stand behind one '|'.", source, left.op_span)
        additions = _additions(left.right, source)
        left = left.left
    response = _response(left, source)
    given = {
        name: match_arguments(call, _ADDITION_ARGUMENTS[name], source, required=("x",))
        for name, call in additions.items()
    }
    trials, weights = (given[name]["x"].value if name in given else None for name in ADDITIONS)
    scale = _scale(given.get("weights", {}).get("scale"), source)
    for part in (response, trials, weights):
        if part is not None:
            _check_columns(part, source, columns)
    return Response(response, deparse(response), trials, weights, scale, source)


def _scale(arg: Arg | None, source: str) -> bool:
    """Read the argument ``scale`` of ``weights()``."""
    return arg is not None and boolean(arg.value, source, "scale")


def _response(expr: Expr, source: str) -> Expr:
    """Check the response itself."""
    while isinstance(expr, Paren):
        expr = expr.inner
    if isinstance(expr, Binary) and expr.op in ("|", "||"):
        raise FormulaError(
            "Response terms stand behind one '|', joined by '+'.",
            source,
            expr.span,
            "Write 'y | trials(n) + weights(w) ~ ...'.",
        )
    for call in calls_in(expr):
        if call.function in ("mvbind", "cbind"):
            raise FormulaError(
                f"Multivariate responses, {call.function}(), are not supported yet.",
                source,
                call.span,
                "For binomial counts write 'successes | trials(number) ~ ...'; for several "
                "responses fit one model for each.",
            )
        if call.function in ADDITIONS or call.function in REFUSED_ADDITIONS:
            raise FormulaError(
                f"{call.function}() is not a response.",
                source,
                call.span,
                f"It stands behind the response: 'y | {deparse(call)} ~ ...'.",
            )
    refuse_special_calls(expr, source)
    if not names_in(expr):
        raise FormulaError("The response reads no column of the data.", source, expr.span)
    return expr


def _additions(expr: Expr, source: str) -> dict[str, Call]:
    """Read the terms behind ``|``."""
    found: dict[str, Call] = {}
    for piece in _summands(expr):
        if not isinstance(piece, Call):
            raise FormulaError(
                f"'{deparse(piece)}' is not a response term.",
                source,
                piece.span,
                f"Write for example 'trials({deparse(piece)})'.",
            )
        name = piece.function
        if name in REFUSED_ADDITIONS:
            raise refused_addition(name, source, piece.span)
        if name not in ADDITIONS:
            raise FormulaError(
                f"There is no response term {name}().",
                source,
                (piece.span.start, piece.span.start + len(name)),
                did_you_mean(name, (*ADDITIONS, *REFUSED_ADDITIONS)),
            )
        if name in found:
            raise FormulaError(f"{name}() is there twice.", source, piece.span)
        found[name] = piece
    return found


def _summands(expr: Expr) -> Iterator[Expr]:
    """Yield what is joined by ``+``."""
    if isinstance(expr, Binary) and expr.op == "+":
        yield from _summands(expr.left)
        yield from _summands(expr.right)
    elif isinstance(expr, Paren):
        yield from _summands(expr.inner)
    else:
        yield expr


def _check_columns(expr: Expr, source: str, columns: Sequence[str] | None) -> None:
    """Refuse unknown columns."""
    for node in name_nodes(expr):
        if node == Name("."):
            raise FormulaError("'.' cannot stand on the left of '~'.", source, node.span)
        if columns is not None and node.name not in columns:
            raise unknown_column(node, source, columns)
