"""The way back from the value of an expression to the one parameter in it that is unknown."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from brmspy.formula.nonlinear import Apply, Covariate, NonlinearExpr, Parameter, walk
from brmspy.nonlinear.numpy import evaluate

__all__ = ["solve"]

_INVERSES: Mapping[str, Callable[[float], float]] = {
    "exp": lambda v: math.log(v) if v > 0.0 else math.nan,
    "log": math.exp,
    "inv_logit": lambda v: math.log(v / (1.0 - v)) if 0.0 < v < 1.0 else math.nan,
    "logit": lambda v: 1.0 / (1.0 + math.exp(-v)),
    "log1p_exp": lambda v: v + math.log(-math.expm1(-v)) if v > 0.0 else math.nan,
    "neg": lambda v: -v,
    "inv": lambda v: 1.0 / v if v != 0.0 else math.nan,
    "square": lambda v: math.sqrt(v) if v >= 0.0 else math.nan,
    "sqrt": lambda v: v * v if v >= 0.0 else math.nan,
}


def solve(body: NonlinearExpr, value: float, known: Mapping[str, float]) -> float:
    """Return the unknown parameter of an expression whose value is known.

    Parameters
    ----------
    body : NonlinearExpr
        The expression.
    value : float
        Its value.
    known : mapping of str to float
        Parameters that are known; one is not.

    Returns
    -------
    float
        Not a number if there is no such value, or the expression has no inverse that is known.

    Examples
    --------
    >>> from brmspy.formula import bf, parse
    >>> from brmspy.nonlinear import solve
    >>> body = parse(bf("y ~ 2 + exp(a)", "a ~ 1", nl=True)).predictor("mu").body
    >>> solve(body, 3.0, {})
    0.0
    """
    if not isinstance(body, Apply):
        return value
    if body.function in _INVERSES and len(body.args) == 1:
        return solve(body.args[0], _INVERSES[body.function](value), known)
    if len(body.args) != 2 or body.function not in _RIGHT:
        return math.nan
    left, right = body.args
    known_left, known_right = _value(left, known), _value(right, known)
    with np.errstate(all="ignore"):
        if known_left is None and known_right is not None:
            undone = _RIGHT[body.function](np.float64(value), np.float64(known_right))
            return solve(left, float(undone), known)
        if known_right is None and known_left is not None:
            undone = _LEFT[body.function](np.float64(value), np.float64(known_left))
            return solve(right, float(undone), known)
    return math.nan


_RIGHT: Mapping[str, Callable[[np.float64, np.float64], np.float64]] = {
    "+": lambda value, known: value - known,
    "-": lambda value, known: value + known,
    "*": lambda value, known: value / known,
    "/": lambda value, known: value * known,
    "^": lambda value, known: np.power(value, 1.0 / known),
}
"""What solves ``x op known = value``."""

_LEFT: Mapping[str, Callable[[np.float64, np.float64], np.float64]] = {
    "+": lambda value, known: value - known,
    "-": lambda value, known: known - value,
    "*": lambda value, known: value / known,
    "/": lambda value, known: known / value,
    "^": lambda value, known: np.log(value) / np.log(known),
}
"""What solves ``known op x = value``."""


def _value(expr: NonlinearExpr, known: Mapping[str, float]) -> float | None:
    """Return the value of an expression of numbers and known parameters."""
    for node in walk(expr):
        if isinstance(node, Covariate) or (isinstance(node, Parameter) and node.name not in known):
            return None
    return float(evaluate(expr, known))
