"""Derivatives of non-linear formulas, as expressions like themselves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeAlias

from brmspy.formula.nonlinear import Apply, Covariate, NonlinearExpr, Num, Parameter

__all__ = ["derivative"]

_Rule: TypeAlias = Callable[..., tuple[NonlinearExpr, ...]]

_ZERO, _ONE = Num(0.0), Num(1.0)


@lru_cache(maxsize=256)
def derivative(expr: NonlinearExpr, name: str) -> NonlinearExpr | None:
    """Differentiate an expression with respect to a covariate or a parameter.

    Where a function has a step or a corner, as ``floor()`` and ``abs()`` have, the value is that
    of one side.

    Parameters
    ----------
    expr : NonlinearExpr
        The expression.
    name : str
        The covariate or parameter.

    Returns
    -------
    NonlinearExpr or None
        ``Num(0.0)`` if the expression does not depend on the name; None if it does so through a
        function whose derivative cannot be written in such expressions, which is only trigamma.

    Examples
    --------
    >>> import numpy as np
    >>> from brmspy.formula import bf, parse
    >>> from brmspy.nonlinear import derivative, evaluate
    >>> body = parse(bf("y ~ a * x^2", "a ~ 1", nl=True)).predictor("mu").body
    >>> evaluate(derivative(body, "x"), {"a": 0.5, "x": np.array([1.0, 3.0])}).tolist()
    [1.0, 3.0]
    """
    if isinstance(expr, Covariate | Parameter):
        return _ONE if expr.name == name else _ZERO
    if not isinstance(expr, Apply):
        return _ZERO
    if expr.function == "ifelse":
        test, *branches = expr.args
        yes, no = (derivative(branch, name) for branch in branches)
        if yes is None or no is None:
            return None
        return yes if yes == no else Apply("ifelse", (test, yes, no))
    total: NonlinearExpr = _ZERO
    inner = [derivative(arg, name) for arg in expr.args]
    if all(change == _ZERO for change in inner):
        return _ZERO
    rule = _RULES.get(expr.function)
    if rule is None:
        return None
    for partial, change in zip(rule(*expr.args), inner, strict=True):
        if change is None:
            return None
        # A part that does not change is left out, rather than multiplied by zero: where it is
        # infinite, the product would not be a number.
        if change != _ZERO:
            total = _add(total, _times(partial, change))
    return total


def _add(a: NonlinearExpr, b: NonlinearExpr) -> NonlinearExpr:
    if a == _ZERO:
        return b
    return a if b == _ZERO else Apply("+", (a, b))


def _sub(a: NonlinearExpr, b: NonlinearExpr) -> NonlinearExpr:
    return a if b == _ZERO else Apply("-", (a, b))


def _times(a: NonlinearExpr, b: NonlinearExpr) -> NonlinearExpr:
    if _ZERO in (a, b):
        return _ZERO
    if a == _ONE:
        return b
    return a if b == _ONE else Apply("*", (a, b))


def _over(a: NonlinearExpr, b: NonlinearExpr) -> NonlinearExpr:
    return a if b == _ONE else Apply("/", (a, b))


def _neg(a: NonlinearExpr) -> NonlinearExpr:
    return Apply("neg", (a,))


def _of(function: str, *args: NonlinearExpr) -> NonlinearExpr:
    return Apply(function, args)


def _scaled(factor: float, a: NonlinearExpr) -> NonlinearExpr:
    return _times(Num(factor), a)


def _power(a: NonlinearExpr, exponent: float) -> NonlinearExpr:
    return Apply("^", (a, Num(exponent)))


def _one_plus(a: NonlinearExpr) -> NonlinearExpr:
    return Apply("+", (_ONE, a))


def _one_minus(a: NonlinearExpr) -> NonlinearExpr:
    return Apply("-", (_ONE, a))


def _square(a: NonlinearExpr) -> NonlinearExpr:
    return _of("square", a)


def _bell(a: NonlinearExpr, factor: float, rate: float) -> NonlinearExpr:
    """Return factor * exp(rate * a^2)."""
    return _scaled(factor, _of("exp", _scaled(rate, _square(a))))


def _to_the(a: NonlinearExpr, b: NonlinearExpr) -> tuple[NonlinearExpr, ...]:
    """Differentiate a^b by a and by b."""
    if isinstance(b, Num):
        lower: NonlinearExpr = Num(b.value - 1.0)
    else:
        lower = Apply("-", (b, _ONE))
    first = _times(b, _ONE if lower == _ZERO else Apply("^", (a, lower)))
    return first, _times(Apply("^", (a, b)), _of("log", a))


def _divided(a: NonlinearExpr, b: NonlinearExpr) -> tuple[NonlinearExpr, ...]:
    """Differentiate a / b by a and by b; b is not squared, which could overflow."""
    return _over(_ONE, b), _neg(_over(_over(a, b), b))


def _digamma_gap(a: NonlinearExpr, b: NonlinearExpr) -> NonlinearExpr:
    return _sub(_of("digamma", a), _of("digamma", b))


def _lbeta(a: NonlinearExpr, b: NonlinearExpr) -> tuple[NonlinearExpr, ...]:
    both = _add(a, b)
    return _digamma_gap(a, both), _digamma_gap(b, both)


def _beta(a: NonlinearExpr, b: NonlinearExpr) -> tuple[NonlinearExpr, ...]:
    return tuple(_times(_of("beta", a, b), part) for part in _lbeta(a, b))


def _lchoose(n: NonlinearExpr, k: NonlinearExpr) -> tuple[NonlinearExpr, ...]:
    rest = _one_plus(_sub(n, k))
    return _digamma_gap(_one_plus(n), rest), _digamma_gap(rest, _one_plus(k))


def _atan2(y: NonlinearExpr, x: NonlinearExpr) -> tuple[NonlinearExpr, ...]:
    size = _add(_square(y), _square(x))
    return _over(x, size), _neg(_over(y, size))


def _hypot(a: NonlinearExpr, b: NonlinearExpr) -> tuple[NonlinearExpr, ...]:
    size = _of("hypot", a, b)
    return _over(a, size), _over(b, size)


def _chosen(test: str) -> _Rule:
    """Return the rule of a function that returns one of its two operands."""

    def rule(a: NonlinearExpr, b: NonlinearExpr) -> tuple[NonlinearExpr, ...]:
        first = Apply(test, (a, b))
        return _of("ifelse", first, _ONE, _ZERO), _of("ifelse", first, _ZERO, _ONE)

    return rule


def _flat(*args: NonlinearExpr) -> tuple[NonlinearExpr, ...]:
    return (_ZERO,) * len(args)


def _phi_approx(u: NonlinearExpr) -> NonlinearExpr:
    inner = _add(_scaled(0.07056, _power(u, 3.0)), _scaled(1.5976, u))
    slope = _add(_scaled(3 * 0.07056, _square(u)), Num(1.5976))
    return _times(_logistic(inner), slope)


def _logistic(u: NonlinearExpr) -> NonlinearExpr:
    """Return the logistic density, which does not cancel as p * (1 - p) does."""
    return _times(_of("inv_logit", u), _of("inv_logit", _neg(u)))


def _lambert(u: NonlinearExpr) -> NonlinearExpr:
    w = _of("lambert_w0", u)
    return _over(_of("exp", _neg(w)), _one_plus(w))


_ONE_OPERAND: Mapping[str, Callable[[NonlinearExpr], NonlinearExpr]] = {
    "neg": lambda _: Num(-1.0),
    "exp": lambda u: _of("exp", u),
    "expm1": lambda u: _of("exp", u),
    "log": lambda u: _over(_ONE, u),
    "log2": lambda u: _over(Num(1.0 / math.log(2.0)), u),
    "log10": lambda u: _over(Num(1.0 / math.log(10.0)), u),
    "log1p": lambda u: _over(_ONE, _one_plus(u)),
    "log1m": lambda u: _over(Num(-1.0), _one_minus(u)),
    "log1p_exp": lambda u: _of("inv_logit", u),
    "log1m_exp": lambda u: _over(Num(-1.0), _of("expm1", _neg(u))),
    "sqrt": lambda u: _over(Num(0.5), _of("sqrt", u)),
    "cbrt": lambda u: _over(Num(1.0 / 3.0), _square(_of("cbrt", u))),
    "square": lambda u: _scaled(2.0, u),
    "inv": lambda u: _neg(_of("inv_square", u)),
    "inv_sqrt": lambda u: _scaled(-0.5, _over(_of("inv_sqrt", u), u)),
    "inv_square": lambda u: _scaled(-2.0, _over(_of("inv_square", u), u)),
    "abs": lambda u: _of("ifelse", Apply("<", (u, _ZERO)), Num(-1.0), _ONE),
    "sin": lambda u: _of("cos", u),
    "cos": lambda u: _neg(_of("sin", u)),
    "tan": lambda u: _one_plus(_square(_of("tan", u))),
    "asin": lambda u: _of("inv_sqrt", _one_minus(_square(u))),
    "acos": lambda u: _neg(_of("inv_sqrt", _one_minus(_square(u)))),
    "atan": lambda u: _over(_ONE, _one_plus(_square(u))),
    "sinh": lambda u: _of("cosh", u),
    "cosh": lambda u: _of("sinh", u),
    "tanh": lambda u: _of("inv_square", _of("cosh", u)),
    "asinh": lambda u: _of("inv_sqrt", _one_plus(_square(u))),
    "acosh": lambda u: _of("inv_sqrt", _sub(_square(u), _ONE)),
    "atanh": lambda u: _over(_ONE, _one_minus(_square(u))),
    "inv_logit": _logistic,
    "logit": lambda u: _over(_ONE, _times(u, _one_minus(u))),
    "log_inv_logit": lambda u: _of("inv_logit", _neg(u)),
    "log1m_inv_logit": lambda u: _neg(_of("inv_logit", u)),
    "inv_cloglog": lambda u: _of("exp", _sub(u, _of("exp", u))),
    "Phi": lambda u: _bell(u, 1.0 / math.sqrt(2.0 * math.pi), -0.5),
    "Phi_approx": _phi_approx,
    "inv_Phi": lambda u: _bell(_of("inv_Phi", u), math.sqrt(2.0 * math.pi), 0.5),
    "erf": lambda u: _bell(u, 2.0 / math.sqrt(math.pi), -1.0),
    "erfc": lambda u: _bell(u, -2.0 / math.sqrt(math.pi), -1.0),
    "gamma": lambda u: _times(_of("gamma", u), _of("digamma", u)),
    "lgamma": lambda u: _of("digamma", u),
    "digamma": lambda u: _of("trigamma", u),
    "lambert_w0": _lambert,
}


def _single(function: Callable[[NonlinearExpr], NonlinearExpr]) -> _Rule:
    return lambda u: (function(u),)


_RULES: Mapping[str, _Rule] = {
    **{name: _single(function) for name, function in _ONE_OPERAND.items()},
    **dict.fromkeys(
        ("floor", "ceiling", "trunc", "!", "&", "|", "==", "!=", "<", ">", "<=", ">="), _flat
    ),
    "+": lambda _a, _b: (_ONE, _ONE),
    "-": lambda _a, _b: (_ONE, Num(-1.0)),
    "*": lambda a, b: (b, a),
    "/": _divided,
    "^": _to_the,
    "beta": _beta,
    "lbeta": _lbeta,
    "lchoose": _lchoose,
    "atan2": _atan2,
    "hypot": _hypot,
    "pmin": _chosen("<="),
    "pmax": _chosen(">="),
}
"""The derivatives of functions and operators by each of their operands."""
