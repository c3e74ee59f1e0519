"""Reading the arguments of calls that a formula knows, such as ``weights(w, scale = TRUE)``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from brmspy.errors import FormulaError, did_you_mean
from brmspy.formula.expression import Arg, Call, Constant, Expr, Name, Number, Text

__all__ = ["boolean", "match_arguments", "word"]

_BOOLEANS = {"TRUE": True, "FALSE": False, "T": True, "F": False}


def match_arguments(
    call: Call,
    arguments: Sequence[str],
    source: str,
    *,
    required: Sequence[str],
    usage: str | None = None,
) -> Mapping[str, Arg]:
    """Match the arguments of a call as R does: by name first, then by position.

    Parameters
    ----------
    call : Call
        The call.
    arguments : sequence of str
        The names that the function's arguments have, in order.
    source : str
        The formula that the call stands in.
    required : sequence of str
        Arguments that may not be left out.
    usage : str, optional
        How the function is called, for messages.

    Returns
    -------
    mapping of str to Arg
        The arguments that were given, in the order of `arguments`.

    Raises
    ------
    FormulaError
        If an argument is unknown, too many, given twice or missing.
    """
    name = call.function
    usage = usage or f"{name}({', '.join(arguments)})"
    matched: dict[str, Arg] = {}
    for arg in call.args:
        if arg.name is None:
            continue
        if arg.name not in arguments:
            raise FormulaError(
                f"{name}() has no argument '{arg.name}'.",
                source,
                arg.value.span,
                f"{did_you_mean(arg.name, arguments)} It is called as {usage}.",
            )
        if arg.name in matched:
            raise FormulaError(f"{name}() is given '{arg.name}' twice.", source, arg.value.span)
        matched[arg.name] = arg
    free = [argument for argument in arguments if argument not in matched]
    unnamed = [arg for arg in call.args if arg.name is None]
    if len(unnamed) > len(free):
        raise FormulaError(
            f"{name}() is given too many arguments.",
            source,
            unnamed[len(free)].value.span,
            f"It is called as {usage}.",
        )
    matched |= dict(zip(free, unnamed, strict=False))
    for argument in required:
        if argument not in matched:
            raise FormulaError(
                f"{name}() lacks its argument '{argument}'.",
                source,
                call.span,
                f"It is called as {usage}.",
            )
    return {argument: matched[argument] for argument in arguments if argument in matched}


def boolean(expr: Expr, source: str, name: str) -> bool:
    """Read ``TRUE`` or ``FALSE``."""
    if isinstance(expr, Constant | Name) and expr.name in _BOOLEANS:
        return _BOOLEANS[expr.name]
    raise FormulaError(f"'{name}' is either TRUE or FALSE.", source, expr.span)


def word(expr: Expr, source: str, advice: str) -> str:
    """Read a name, a text or a number that is used as a label."""
    match expr:
        case Name(name=name):
            return name
        case Text(value=value) if value:
            return value
        case Number(text=text):
            return text
        case _:
            raise FormulaError("This is no ID.", source, expr.span, advice)
