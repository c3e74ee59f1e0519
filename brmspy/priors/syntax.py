"""The text of a prior, such as ``"student_t(df = 3, 0, 2.5)"``, read and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from brmspy.errors import FormulaError, PriorError, closest, did_you_mean
from brmspy.formula.expression import (
    CONSTANTS,
    Arg,
    Binary,
    Call,
    Constant,
    Expr,
    Name,
    Number,
    Paren,
    Unary,
)
from brmspy.formula.grammar import parse_expression
from brmspy.priors.distributions import DISTRIBUTIONS, Argument

__all__ = ["Density", "parse_density", "parse_number"]


@dataclass(frozen=True)
class Density:
    """What the text of a prior says.

    Attributes
    ----------
    name : str
        A distribution, ``"lkj"``, ``"constant"``, ``"flat"``, or empty if the text is empty.
    args : tuple of float
        Its arguments in Stan's order.
    """

    name: str
    args: tuple[float, ...] = ()


_ARGUMENTS: Mapping[str, tuple[Argument, ...]] = {
    **{name: record.arguments for name, record in DISTRIBUTIONS.items()},
    "std_normal": (),
    "lkj": (Argument("eta", "positive", ("shape",)),),
    "constant": (Argument("value", "real", ("x",)),),
}

_FLAT = ("flat", "(flat)")

_KINDS = {
    "real": "a finite number",
    "positive": "positive and finite",
    "unit": "between 0 and 1",
}

# What the same densities are called elsewhere.
_OTHER_NAMES: Mapping[str, str] = {
    "gaussian": "normal",
    "norm": "normal",
    "t": "student_t",
    "studentt": "student_t",
    "laplace": "double_exponential",
    "exp": "exponential",
    "expon": "exponential",
    "invgamma": "inv_gamma",
    "inverse_gamma": "inv_gamma",
    "chisq": "chi_square",
    "log_normal": "lognormal",
    "unif": "uniform",
    "lkj_corr": "lkj",
    "lkj_corr_cholesky": "lkj",
}

_NOT_YET = ("horseshoe", "R2D2", "lasso", "dirichlet")

_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": np.abs,
    "exp": np.exp,
    "log": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "sqrt": np.sqrt,
}

_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.float_power,
}


def parse_density(text: str) -> Density:
    """Read the text of a prior.

    Parameters
    ----------
    text : str
        A density as Stan writes it; arguments may carry Stan's or R's names.

    Returns
    -------
    Density

    Raises
    ------
    PriorError
        If the text is no density, or the arguments are not what it takes.

    Examples
    --------
    >>> from brmspy.priors.syntax import parse_density
    >>> parse_density("normal(sd = 1/2, mean = 3)")
    Density(name='normal', args=(3.0, 0.5))
    """
    source = " ".join(text.split())
    if not source:
        return Density("")
    if source in _FLAT:
        return Density("flat")
    call = _read(source)
    while isinstance(call, Paren):
        call = call.inner
    if not isinstance(call, Call):
        _refuse_text(source, call)
    if call.function not in _ARGUMENTS:
        _refuse_name(source, call)
    args = _bind(source, call)
    if call.function == "std_normal":
        return Density("normal", (0.0, 1.0))
    return Density(call.function, args)


def parse_number(text: str) -> float:
    """Return the value of a number or of arithmetic with numbers, such as ``"1/3"``.

    Parameters
    ----------
    text : str
        The text; infinity is ``Inf``.

    Returns
    -------
    float

    Raises
    ------
    PriorError
        If the text is no number.

    Examples
    --------
    >>> from brmspy.priors.syntax import parse_number
    >>> parse_number("2 * log(10)^2").__round__(3)
    10.604
    """
    source = " ".join(text.split())
    return _value(source, _read(source))


def _read(source: str) -> Expr:
    """Parse the text as an expression."""
    try:
        return parse_expression(source)
    except FormulaError as error:
        span = error.span or (0, len(source))
        raise _error(source, span, "cannot be read. " + error.message) from error


def _error(source: str, span: tuple[int, int], message: str, hint: str = "") -> PriorError:
    """Return an error that points at a part of the text."""
    start, end = span
    carets = " " * start + "^" * max(1, end - start)
    lines = [f"The prior {source!r} {message}", f"  {source}", f"  {carets}", hint]
    return PriorError("\n".join(lines).rstrip("\n"))


def _refuse_text(source: str, expr: Expr) -> NoReturn:
    """Say why a text that is no call is no prior."""
    if isinstance(expr, Name) and expr.name in _ARGUMENTS:
        raise _error(
            source, expr.span, "has no arguments.", f"Write {_signature(expr.name)} with numbers."
        )
    if isinstance(expr, Number | Unary):
        raise _error(
            source,
            expr.span,
            "is a number, not a density.",
            f'To fix the parameter at this value write "constant({source})".',
        )
    raise _error(
        source, expr.span, "is not a density.", 'Write for example "normal(0, 1)" or "flat".'
    )


def _refuse_name(source: str, call: Call) -> NoReturn:
    """Say what to write instead of an unknown density."""
    name = call.function
    folded = name.casefold()
    span = (call.span.start, call.span.start + len(name))
    near = closest(name, _ARGUMENTS)
    if name in _NOT_YET:
        hint = f"{name}() is a prior of brms that brmspy does not support yet."
    elif folded.startswith("half"):
        whole = closest(folded.removeprefix("half").strip("_"), _ARGUMENTS) or ["normal"]
        hint = (
            f"Write {_signature(whole[0])}, and lb=0 if the parameter is not bounded below by its "
            "nature; standard deviations are."
        )
    elif folded in _OTHER_NAMES:
        hint = f"Here it is called {_signature(_OTHER_NAMES[folded])}."
    elif near:
        hint = "Did you mean " + " or ".join(_signature(item) for item in near) + "?"
    else:
        hint = "The densities are " + ", ".join(_ARGUMENTS) + "."
    raise _error(source, span, f"names an unknown density, {name!r}.", hint)


def _signature(name: str) -> str:
    """Return a call of the density with the names of its arguments."""
    return f"{name}({', '.join(argument.name for argument in _ARGUMENTS[name])})"


def _bind(source: str, call: Call) -> tuple[float, ...]:
    """Return the values of the arguments of a density, in Stan's order."""
    arguments = _ARGUMENTS[call.function]
    given: dict[str, Arg] = {}
    for arg in call.args:
        if arg.name is not None:
            name = _canonical(source, call.function, arg, given)
            given[name] = arg
    free = [argument.name for argument in arguments if argument.name not in given]
    positional = [arg for arg in call.args if arg.name is None]
    if len(positional) > len(free):
        raise _error(
            source,
            positional[len(free)].value.span,
            f"has {_count(len(call.args))}, but {call.function} takes {len(arguments)}.",
            f"Write {_signature(call.function)}.",
        )
    given |= dict(zip(free, positional, strict=False))
    missing = [name for name in free if name not in given]
    if missing:
        raise _error(
            source,
            call.span,
            f"lacks {' and '.join(missing)}.",
            f"Write {_signature(call.function)} with numbers.",
        )
    values = [_checked(source, argument, given[argument.name].value) for argument in arguments]
    if call.function in DISTRIBUTIONS and DISTRIBUTIONS[call.function].ordered:
        _check_order(source, call, arguments, values)
    return tuple(values)


def _count(number: int) -> str:
    """Return a number of arguments in words."""
    return f"{number} argument{'' if number == 1 else 's'}"


def _canonical(source: str, function: str, arg: Arg, given: Mapping[str, Arg]) -> str:
    """Return Stan's name of a named argument."""
    arguments = _ARGUMENTS[function]
    names = {alias: a.name for a in arguments for alias in (a.name, *a.aliases)}
    if arg.name not in names:
        raise _error(
            source,
            arg.value.span,
            f"gives {function} an argument {arg.name!r}, which it does not have.",
            did_you_mean(str(arg.name), names),
        )
    if names[arg.name] in given:
        raise _error(source, arg.value.span, f"gives {names[arg.name]} twice.")
    return names[arg.name]


def _checked(source: str, argument: Argument, expr: Expr) -> float:
    """Return the value of an argument if it can have it."""
    value = _value(source, expr)
    if not argument.accepts(value):
        raise _error(
            source,
            expr.span,
            f"is not valid: {argument.name} must be {_KINDS[argument.kind]}, but is {value:g}.",
        )
    return value


def _check_order(
    source: str, call: Call, arguments: Sequence[Argument], values: Sequence[float]
) -> None:
    """Refuse an interval whose ends are in the wrong order."""
    if not values[0] < values[1]:
        first, second = (argument.name for argument in arguments)
        raise _error(
            source,
            call.span,
            f"is not valid: {first} must be less than {second}, but they are {values[0]:g} and "
            f"{values[1]:g}.",
        )


def _value(source: str, expr: Expr) -> float:
    """Return the value of an expression made of numbers."""
    with np.errstate(all="ignore"):
        return float(_evaluate(source, expr))


def _evaluate(source: str, expr: Expr) -> Any:
    """Evaluate an expression made of numbers."""
    match expr:
        case Number(value=value):
            return value
        case Paren(inner=inner):
            return _evaluate(source, inner)
        case Constant(name=("pi" | "Inf") as name):
            return CONSTANTS[name]
        case Unary(op=("-" | "+") as sign, operand=operand):
            value = _evaluate(source, operand)
            return -value if sign == "-" else value
        case Binary(op=op, left=left, right=right) if op in _OPERATORS:
            return _OPERATORS[op](_evaluate(source, left), _evaluate(source, right))
        case Call(function="pi", args=()):
            return np.pi
        case Call(function=function, args=(Arg(value=inner, name=None),)) if function in _FUNCTIONS:
            return _FUNCTIONS[function](_evaluate(source, inner))
    raise _error(
        source,
        expr.span,
        f"needs a number where it says {source[expr.span.start : expr.span.end]!r}.",
        f"Numbers may be combined with {' '.join(_OPERATORS)} and {', '.join(_FUNCTIONS)}.",
    )
