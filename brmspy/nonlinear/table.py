"""Every function and operator of non-linear formulas, in Stan and in NumPy: one row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy.special
from numpy.typing import NDArray

__all__ = ["FUNCTIONS", "OPERATORS", "Array", "FunctionForms", "OperatorForms"]

Array: TypeAlias = NDArray[np.float64]
NumPyFunction: TypeAlias = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class FunctionForms:
    """A function in both languages.

    Attributes
    ----------
    name : str
        Its name in the typed expression.
    numpy : callable
        The function in NumPy.
    stan : str
        Its name in Stan; it takes reals and vectors, also mixed.
    """

    name: str
    numpy: NumPyFunction
    stan: str


@dataclass(frozen=True, slots=True)
class OperatorForms:
    """An operator in both languages.

    Attributes
    ----------
    name : str
        Its name in the typed expression.
    numpy : callable
        The operator in NumPy.
    stan : str
        How Stan writes it.
    precedence : int
        How tightly it binds in Stan.
    elementwise : str
        How Stan writes it between vectors.
    rowwise : bool
        Whether Stan has it for single numbers only.
    """

    name: str
    numpy: NumPyFunction
    stan: str
    precedence: int
    elementwise: str = ""
    rowwise: bool = False


def _log1m(x: Array) -> Any:
    return np.log1p(-x)


def _log1m_exp(x: Array) -> Any:
    """Compute log(1 - exp(x)) for negative x; each branch keeps digits that the other loses."""
    return np.where(x > -np.log(2.0), np.log(-np.expm1(x)), np.log1p(-np.exp(x)))


def _log1m_inv_logit(x: Array) -> Any:
    return scipy.special.log_expit(-x)


def _inv_cloglog(x: Array) -> Any:
    return -np.expm1(-np.exp(x))


def _phi_approx(x: Array) -> Any:
    return scipy.special.expit(0.07056 * x**3 + 1.5976 * x)


def _inv_sqrt(x: Array) -> Any:
    return 1.0 / np.sqrt(x)


def _inv_square(x: Array) -> Any:
    return 1.0 / np.square(x)


def _trigamma(x: Array) -> Any:
    return scipy.special.polygamma(1, x)


def _lchoose(n: Array, k: Array) -> Any:
    return -np.log1p(n) - scipy.special.betaln(n - k + 1.0, k + 1.0)


def _lambert_w0(x: Array) -> Any:
    return np.where(x >= -np.exp(-1.0), scipy.special.lambertw(x, 0).real, np.nan)


def _ifelse(test: Array, yes: Array, no: Array) -> Any:
    return np.where(np.asarray(test) != 0, yes, no)


def _truth(function: NumPyFunction) -> NumPyFunction:
    """Let a comparison return zeros and ones, as R's arithmetic takes it."""

    def compare(*args: Array) -> Any:
        return np.asarray(function(*args), dtype=np.float64)

    return compare


_FUNCTIONS = (
    FunctionForms("exp", np.exp, "exp"),
    FunctionForms("expm1", np.expm1, "expm1"),
    FunctionForms("log", np.log, "log"),
    FunctionForms("log2", np.log2, "log2"),
    FunctionForms("log10", np.log10, "log10"),
    FunctionForms("log1p", np.log1p, "log1p"),
    FunctionForms("log1m", _log1m, "log1m"),
    FunctionForms("log1p_exp", lambda x: np.logaddexp(0.0, x), "log1p_exp"),
    FunctionForms("log1m_exp", _log1m_exp, "log1m_exp"),
    FunctionForms("sqrt", np.sqrt, "sqrt"),
    FunctionForms("cbrt", np.cbrt, "cbrt"),
    FunctionForms("square", np.square, "square"),
    FunctionForms("inv", np.reciprocal, "inv"),
    FunctionForms("inv_sqrt", _inv_sqrt, "inv_sqrt"),
    FunctionForms("inv_square", _inv_square, "inv_square"),
    FunctionForms("abs", np.abs, "abs"),
    FunctionForms("floor", np.floor, "floor"),
    FunctionForms("ceiling", np.ceil, "ceil"),
    FunctionForms("trunc", np.trunc, "trunc"),
    FunctionForms("sin", np.sin, "sin"),
    FunctionForms("cos", np.cos, "cos"),
    FunctionForms("tan", np.tan, "tan"),
    FunctionForms("asin", np.arcsin, "asin"),
    FunctionForms("acos", np.arccos, "acos"),
    FunctionForms("atan", np.arctan, "atan"),
    FunctionForms("sinh", np.sinh, "sinh"),
    FunctionForms("cosh", np.cosh, "cosh"),
    FunctionForms("tanh", np.tanh, "tanh"),
    FunctionForms("asinh", np.arcsinh, "asinh"),
    FunctionForms("acosh", np.arccosh, "acosh"),
    FunctionForms("atanh", np.arctanh, "atanh"),
    FunctionForms("atan2", np.arctan2, "atan2"),
    FunctionForms("hypot", np.hypot, "hypot"),
    FunctionForms("inv_logit", scipy.special.expit, "inv_logit"),
    FunctionForms("logit", scipy.special.logit, "logit"),
    FunctionForms("log_inv_logit", scipy.special.log_expit, "log_inv_logit"),
    FunctionForms("log1m_inv_logit", _log1m_inv_logit, "log1m_inv_logit"),
    FunctionForms("inv_cloglog", _inv_cloglog, "inv_cloglog"),
    FunctionForms("Phi", scipy.special.ndtr, "Phi"),
    FunctionForms("Phi_approx", _phi_approx, "Phi_approx"),
    FunctionForms("inv_Phi", scipy.special.ndtri, "inv_Phi"),
    FunctionForms("erf", scipy.special.erf, "erf"),
    FunctionForms("erfc", scipy.special.erfc, "erfc"),
    FunctionForms("gamma", scipy.special.gamma, "tgamma"),
    FunctionForms("lgamma", scipy.special.gammaln, "lgamma"),
    FunctionForms("digamma", scipy.special.digamma, "digamma"),
    FunctionForms("trigamma", _trigamma, "trigamma"),
    FunctionForms("beta", scipy.special.beta, "beta"),
    FunctionForms("lbeta", scipy.special.betaln, "lbeta"),
    FunctionForms("lchoose", _lchoose, "lchoose"),
    FunctionForms("lambert_w0", _lambert_w0, "lambert_w0"),
    # Stan's take no notice of a missing operand, and so do NumPy's f-variants.
    FunctionForms("pmin", np.fmin, "fmin"),
    FunctionForms("pmax", np.fmax, "fmax"),
)

FUNCTIONS: Mapping[str, FunctionForms] = {forms.name: forms for forms in _FUNCTIONS}
"""Functions by name."""

_OPERATORS = (
    OperatorForms("ifelse", _ifelse, "?", 1, rowwise=True),
    OperatorForms("|", _truth(np.logical_or), "||", 2, rowwise=True),
    OperatorForms("&", _truth(np.logical_and), "&&", 3, rowwise=True),
    OperatorForms("==", _truth(np.equal), "==", 4, rowwise=True),
    OperatorForms("!=", _truth(np.not_equal), "!=", 4, rowwise=True),
    OperatorForms("<", _truth(np.less), "<", 5, rowwise=True),
    OperatorForms(">", _truth(np.greater), ">", 5, rowwise=True),
    OperatorForms("<=", _truth(np.less_equal), "<=", 5, rowwise=True),
    OperatorForms(">=", _truth(np.greater_equal), ">=", 5, rowwise=True),
    OperatorForms("+", np.add, "+", 6, elementwise="+"),
    OperatorForms("-", np.subtract, "-", 6, elementwise="-"),
    OperatorForms("*", np.multiply, "*", 7, elementwise=".*"),
    OperatorForms("/", np.divide, "/", 7, elementwise="./"),
    OperatorForms("neg", np.negative, "-", 8, elementwise="-"),
    OperatorForms("!", _truth(np.logical_not), "!", 8, rowwise=True),
    OperatorForms("^", np.power, "^", 9, elementwise=".^"),
)

OPERATORS: Mapping[str, OperatorForms] = {forms.name: forms for forms in _OPERATORS}
"""Operators by name; ``ifelse`` is one in Stan."""
