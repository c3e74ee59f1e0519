"""The R functions and operators that a term may call, on NumPy values.

Nothing else can be called from a formula: no names are looked up in the caller's code.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from brmspy.data.factors import Levels, as_factor, as_labels, encode, positions

__all__ = ["FUNCTIONS", "OPERATORS", "EvaluationError", "as_column", "numbers"]


class EvaluationError(Exception):
    """A function got values that it cannot take; becomes a DataError that names the term."""


# --- arguments --------------------------------------------------------------------------------


def numbers(x: Any, function: str) -> Any:
    """Return `x` as a float or float array; logicals count as 0 and 1."""
    if isinstance(x, (bool, int, float, np.number, np.bool_)):
        return float(x)
    if isinstance(x, np.ndarray) and x.dtype.kind in "fbiu":
        return x.astype(np.float64)
    raise EvaluationError(f"{function} needs numbers, but got {_described(x)}")


def as_column(x: Any, function: str) -> npt.NDArray[np.float64]:
    """Return `x` as one column of numbers."""
    values = np.asarray(numbers(x, function))
    if values.ndim != 1:
        raise EvaluationError(f"{function} needs one column of numbers")
    return values


def _logical(x: Any, function: str) -> Any:
    """Return `x` as True/False values."""
    if isinstance(x, (bool, np.bool_)):
        return bool(x)
    if isinstance(x, np.ndarray) and x.dtype.kind == "b":
        return x
    raise EvaluationError(f"{function} needs TRUE/FALSE values, but got {_described(x)}")


def _whole(x: Any, argument: str, least: int = 0) -> int:
    """Return an argument that must be one whole number."""
    if not isinstance(x, (int, float)) or x != int(x) or x < least:
        raise EvaluationError(f"{argument} must be a whole number of at least {least}")
    return int(x)


def _described(x: Any) -> str:
    """Return what a value is, in a user's words."""
    if isinstance(x, pd.Categorical):
        return "a factor"
    if x is None:
        return "NULL"
    if isinstance(x, str) or (isinstance(x, np.ndarray) and x.dtype.kind == "O"):
        return "text"
    return "TRUE/FALSE values" if isinstance(x, (bool, np.bool_)) else "numbers"


def _aligned(x: Any, y: Any, function: str) -> tuple[Any, Any]:
    """Return two values that NumPy can combine row by row."""
    if np.ndim(x) == 2 and np.ndim(y) == 1:
        y = y[:, None]
    elif np.ndim(x) == 1 and np.ndim(y) == 2:
        x = x[:, None]
    if np.ndim(x) and np.ndim(y) and np.shape(x)[0] != np.shape(y)[0]:
        raise EvaluationError(f"the two sides of {function} have different lengths")
    return x, y


# --- operators --------------------------------------------------------------------------------


def _arithmetic(symbol: str, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Make a binary operator on numbers."""

    def apply(x: Any, y: Any) -> Any:
        left, right = _aligned(numbers(x, symbol), numbers(y, symbol), symbol)
        return function(left, right)

    return apply


def _comparison(symbol: str, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Make a comparison of numbers or, for equality only, of text."""

    def apply(x: Any, y: Any) -> Any:
        if _is_text(x) and _is_text(y):
            if symbol not in {"==", "!="}:
                raise EvaluationError(f"{symbol} needs numbers; text can be compared with == or !=")
            return function(*_aligned(_as_text(x), _as_text(y), symbol))
        return function(*_aligned(numbers(x, symbol), numbers(y, symbol), symbol))

    return apply


def _minus(x: Any, y: Any = None) -> Any:
    """Subtract, or change the sign."""
    if y is None:
        return -numbers(x, "-")
    return _arithmetic("-", np.subtract)(x, y)


def _plus(x: Any, y: Any = None) -> Any:
    """Add, or leave as it is."""
    return numbers(x, "+") if y is None else _arithmetic("+", np.add)(x, y)


def _not(x: Any) -> Any:
    return np.logical_not(_logical(x, "!"))


def _and(x: Any, y: Any) -> Any:
    return np.logical_and(*_aligned(_logical(x, "&"), _logical(y, "&"), "&"))


def _or(x: Any, y: Any) -> Any:
    return np.logical_or(*_aligned(_logical(x, "|"), _logical(y, "|"), "|"))


def _in(x: Any, table: Any) -> Any:
    """Tell which values are in `table`."""
    if _is_text(x) != _is_text(table):
        raise EvaluationError("the two sides of %in% must both be numbers or both be text")
    if _is_text(x):
        return np.isin(_as_text(x).astype(str), np.atleast_1d(_as_text(table)).astype(str))
    return np.isin(numbers(x, "%in%"), numbers(table, "%in%"))


def _sequence(first: Any, last: Any) -> Any:
    """Return the whole numbers from `first` to `last`, as an argument such as levels = 1:3."""
    start, end = _whole(first, "the start of a sequence"), _whole(last, "the end of a sequence")
    return np.arange(start, end + 1, dtype=np.float64)


def _is_text(x: Any) -> bool:
    """Tell text and factors from numbers."""
    return isinstance(x, (str, pd.Categorical)) or (
        isinstance(x, np.ndarray) and x.dtype.kind == "O"
    )


def _as_text(x: Any) -> Any:
    """Return text; of a factor, the labels of its levels."""
    if isinstance(x, pd.Categorical):
        labels = np.array([*as_labels(x.categories.tolist()), None], dtype=object)
        return labels[x.codes]
    return x


# --- functions --------------------------------------------------------------------------------


def _elementwise(name: str, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Make a function of numbers, value by value."""

    def apply(x: Any) -> Any:
        return function(numbers(x, f"{name}()"))

    return apply


def _log(x: Any, base: Any = math.e) -> Any:
    values = np.log(numbers(x, "log()"))
    return values if base == math.e else values / np.log(numbers(base, "log()"))


def _round(x: Any, digits: Any = 0) -> Any:
    return np.round(numbers(x, "round()"), _whole(digits, "round(digits=)"))


def _extreme(name: str, function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Make pmin or pmax."""

    def apply(x: Any, *others: Any) -> Any:
        result = numbers(x, f"{name}()")
        for other in others:
            result = function(*_aligned(result, numbers(other, f"{name}()"), f"{name}()"))
        return result

    return apply


def _identity(x: Any) -> Any:
    return x


def _combine(*values: Any) -> Any:
    """Return c(...): an array of numbers or of text."""
    if all(isinstance(value, str) for value in values):
        return np.array(values, dtype=object)
    return np.array([numbers(value, "c()") for value in values], dtype=np.float64)


def _ifelse(test: Any, yes: Any, no: Any) -> Any:
    """Choose row by row."""
    condition = np.asarray(_logical(test, "ifelse()"))
    if _is_text(yes) and _is_text(no):
        return np.where(condition, _as_text(yes), _as_text(no)).astype(object)
    return np.where(condition, numbers(yes, "ifelse()"), numbers(no, "ifelse()"))


def _as_numeric(x: Any) -> Any:
    """Return numbers; text must hold nothing else."""
    if isinstance(x, pd.Categorical):
        raise EvaluationError(
            "as.numeric() of a factor would give the codes of its levels; make the numbers in the "
            "data frame first, or use as.numeric(as.character(...))"
        )
    if isinstance(x, np.ndarray) and x.dtype.kind == "O":
        try:
            return x.astype(np.float64)
        except ValueError as error:
            raise EvaluationError(f"as.numeric(): {error}") from error
    return numbers(x, "as.numeric()")


def _as_integer(x: Any) -> Any:
    return np.trunc(_as_numeric(x))


def _as_character(x: Any) -> Any:
    if _is_text(x):
        return _as_text(x)
    return np.array(as_labels(np.asarray(x).tolist()), dtype=object)


def _as_logical(x: Any) -> Any:
    values = x if isinstance(x, np.ndarray) and x.dtype.kind == "b" else numbers(x, "as.logical()")
    return np.asarray(values) != 0


def _factor(x: Any, levels: Any = None, labels: Any = None, ordered: Any = None) -> pd.Categorical:
    """Return a factor; values outside `levels` are missing."""
    codes, found = encode(x if isinstance(x, pd.Categorical) else np.asarray(x))
    wanted = found.labels
    if levels is not None:
        wanted = as_labels(np.atleast_1d(levels).tolist())
        if len(set(wanted)) < len(wanted):
            raise EvaluationError("factor(levels=) holds a level twice")
        codes = positions(wanted, found.labels)[codes]
    if labels is not None:
        renamed = as_labels(np.atleast_1d(labels).tolist())
        if len(renamed) != len(wanted) or len(set(renamed)) < len(renamed):
            raise EvaluationError(
                f"factor(labels=) needs {len(wanted)} different labels, one per level"
            )
        wanted = renamed
    return as_factor(codes, Levels(wanted, found.ordered if ordered is None else bool(ordered)))


def _ordered(x: Any, levels: Any = None, labels: Any = None) -> pd.Categorical:
    return _factor(x, levels, labels, ordered=True)


OPERATORS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "+": _plus,
        "-": _minus,
        "*": _arithmetic("*", np.multiply),
        "/": _arithmetic("/", np.divide),
        "^": _arithmetic("^", np.power),
        ":": _sequence,
        "%%": _arithmetic("%%", np.mod),
        "%/%": _arithmetic("%/%", np.floor_divide),
        "%in%": _in,
        "==": _comparison("==", operator.eq),
        "!=": _comparison("!=", operator.ne),
        "<": _comparison("<", operator.lt),
        "<=": _comparison("<=", operator.le),
        ">": _comparison(">", operator.gt),
        ">=": _comparison(">=", operator.ge),
        "!": _not,
        "&": _and,
        "&&": _and,
        "|": _or,
        "||": _or,
    }
)

_ELEMENTWISE: Mapping[str, Callable[[Any], Any]] = {
    "abs": np.abs,
    "acos": np.arccos,
    "asin": np.arcsin,
    "atan": np.arctan,
    "ceiling": np.ceil,
    "cos": np.cos,
    "cosh": np.cosh,
    "exp": np.exp,
    "expm1": np.expm1,
    "floor": np.floor,
    "inv_logit": special.expit,
    "lgamma": special.gammaln,
    "log10": np.log10,
    "log1p": np.log1p,
    "log2": np.log2,
    "logit": special.logit,
    "plogis": special.expit,
    "pnorm": special.ndtr,
    "qlogis": special.logit,
    "qnorm": special.ndtri,
    "sign": np.sign,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
    "trunc": np.trunc,
}

FUNCTIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        **{name: _elementwise(name, function) for name, function in _ELEMENTWISE.items()},
        "I": _identity,
        "as.character": _as_character,
        "as.factor": _factor,
        "as.integer": _as_integer,
        "as.logical": _as_logical,
        "as.numeric": _as_numeric,
        "c": _combine,
        "factor": _factor,
        "ifelse": _ifelse,
        "log": _log,
        "ordered": _ordered,
        "pmax": _extreme("pmax", np.maximum),
        "pmin": _extreme("pmin", np.minimum),
        "round": _round,
    }
)
