"""The functions that a non-linear formula may call.

`FUNCTIONS` are evaluated as they are, in Stan and in NumPy; `DERIVED` are R's other functions,
written in terms of the former where they are called.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from brmspy.formula.definitions import Definition

__all__ = ["ALIASES", "DERIVED", "FUNCTIONS", "OPERATORS", "REDUCTIONS", "Function", "known_names"]


@dataclass(frozen=True, slots=True)
class Function:
    """A function that is evaluated as it is.

    Attributes
    ----------
    name : str
        Its name in R, or in Stan where R has none.
    arguments : tuple of str
        Its arguments in order.
    aliases : tuple of str
        Other names for it.
    folds : bool
        Whether it takes two or more arguments and is applied from the left: ``pmin(a, b, c)``.
    """

    name: str
    arguments: tuple[str, ...] = ("x",)
    aliases: tuple[str, ...] = ()
    folds: bool = False

    @property
    def usage(self) -> str:
        """How it is called: ``atan2(y, x)``."""
        dots = ", ..." if self.folds else ""
        return f"{self.name}({', '.join(self.arguments)}{dots})"


_RECORDS = (
    Function("exp"),
    Function("expm1"),
    Function("log", aliases=("ln",)),
    Function("log2"),
    Function("log10"),
    Function("log1p"),
    Function("log1m"),
    Function("log1p_exp"),
    Function("log1m_exp"),
    Function("sqrt"),
    Function("cbrt"),
    Function("square"),
    Function("inv"),
    Function("inv_sqrt"),
    Function("inv_square"),
    Function("abs", aliases=("fabs",)),
    Function("floor"),
    Function("ceiling", aliases=("ceil",)),
    Function("trunc"),
    Function("sin"),
    Function("cos"),
    Function("tan"),
    Function("asin"),
    Function("acos"),
    Function("atan"),
    Function("sinh"),
    Function("cosh"),
    Function("tanh"),
    Function("asinh"),
    Function("acosh"),
    Function("atanh"),
    Function("atan2", ("y", "x")),
    Function("hypot", ("x", "y")),
    Function("inv_logit", aliases=("expit",)),
    Function("logit"),
    Function("log_inv_logit"),
    Function("log1m_inv_logit"),
    Function("inv_cloglog"),
    Function("Phi"),
    Function("Phi_approx"),
    Function("inv_Phi"),
    Function("erf"),
    Function("erfc"),
    Function("gamma", aliases=("tgamma",)),
    Function("lgamma"),
    Function("digamma"),
    Function("trigamma"),
    Function("beta", ("a", "b")),
    Function("lbeta", ("a", "b")),
    Function("lchoose", ("n", "k")),
    Function("lambert_w0"),
    Function("pmin", ("x", "y"), aliases=("fmin",), folds=True),
    Function("pmax", ("x", "y"), aliases=("fmax",), folds=True),
    Function("ifelse", ("test", "yes", "no")),
)

FUNCTIONS: Mapping[str, Function] = {record.name: record for record in _RECORDS}
"""Functions that are evaluated as they are, by name."""

ALIASES: Mapping[str, str] = {alias: record.name for record in _RECORDS for alias in record.aliases}
"""Other names of `FUNCTIONS`."""

OPERATORS: Mapping[str, int] = {
    "+": 2,
    "-": 2,
    "*": 2,
    "/": 2,
    "^": 2,
    "neg": 1,
    "<": 2,
    ">": 2,
    "<=": 2,
    ">=": 2,
    "==": 2,
    "!=": 2,
    "&": 2,
    "|": 2,
    "!": 1,
}
"""Operators of the typed expression, with their numbers of operands."""

_X = {"x": "argument"}
_LOCATION = {"location": "0", "scale": "1"}
_MEAN = {"mean": "0", "sd": "1"}

_DEFINITIONS = (
    Definition("log", {"x": "argument", "base": "base"}, "log(x) / log(base)"),
    Definition("logb", {"x": "argument", "base": "base"}, "log(x) / log(base)"),
    Definition("pow", {"x": "base", "y": "exponent"}, "x^y"),
    Definition("I", _X, "x"),
    Definition("as.numeric", _X, "x"),
    Definition("sign", _X, "ifelse(x > 0, 1, ifelse(x < 0, -1, 0))"),
    Definition("step", _X, "ifelse(x >= 0, 1, 0)"),
    Definition("int_step", _X, "ifelse(x > 0, 1, 0)"),
    Definition("factorial", _X, "gamma(x + 1)"),
    Definition("lfactorial", _X, "lgamma(x + 1)"),
    Definition("choose", {"n": "number", "k": "chosen"}, "exp(lchoose(n, k))"),
    Definition("cloglog", {"p": "probability"}, "log(-log1m(p))"),
    Definition("fmod", {"x": "dividend", "y": "divisor"}, "x - y * trunc(x / y)"),
    Definition(
        "plogis",
        {"q": "quantile", "location": "location", "scale": "scale"},
        "inv_logit((q - location) / scale)",
        _LOCATION,
    ),
    Definition(
        "qlogis",
        {"p": "probability", "location": "location", "scale": "scale"},
        "location + scale * logit(p)",
        _LOCATION,
    ),
    Definition(
        "pnorm",
        {"q": "quantile", "mean": "mean", "sd": "standard deviation"},
        "Phi((q - mean) / sd)",
        _MEAN,
    ),
    Definition(
        "qnorm",
        {"p": "probability", "mean": "mean", "sd": "standard deviation"},
        "mean + sd * inv_Phi(p)",
        _MEAN,
    ),
    Definition(
        "dnorm",
        {"x": "quantile", "mean": "mean", "sd": "standard deviation"},
        "exp(-0.5 * ((x - mean) / sd)^2) / (sqrt(2 * pi) * sd)",
        _MEAN,
    ),
    Definition(
        "pexp",
        {"q": "quantile", "rate": "rate"},
        "ifelse(q > 0, -expm1(-rate * q), 0)",
        {"rate": "1"},
    ),
    Definition(
        "pweibull",
        {"q": "quantile", "shape": "shape", "scale": "scale"},
        "ifelse(q > 0, -expm1(-(q / scale)^shape), 0)",
        {"scale": "1"},
    ),
)

DERIVED: Mapping[str, Definition] = {record.name: record for record in _DEFINITIONS}
"""Functions that are written in terms of `FUNCTIONS` where they are called, by name."""

REDUCTIONS: Mapping[str, str] = {
    "sum": "Make the sum a column of the data first.",
    "mean": "Make the mean a column of the data first.",
    "sd": "Make the standard deviation a column of the data first.",
    "scale": "Make the scaled values a column of the data first.",
    "min": "pmin() takes the smaller value row by row.",
    "max": "pmax() takes the larger value row by row.",
    "round": "floor(x + 0.5) rounds to whole numbers.",
    "factor": "Covariates of a non-linear formula are numbers; factors go into the formulas of its "
    "parameters.",
    "poly": "Polynomials go into the formulas of the parameters.",
}
"""R functions that make no sense row by row, with what to do instead."""


def known_names() -> tuple[str, ...]:
    """Return every name that a non-linear formula can call, curves excepted."""
    return (*FUNCTIONS, *ALIASES, *DERIVED)
