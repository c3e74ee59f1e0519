"""The terms of brms that are understood but not supported yet, by name."""

from __future__ import annotations

from collections.abc import Mapping

from brmspy.errors import FormulaError
from brmspy.formula.curves import CURVES
from brmspy.formula.expression import Call, Expr, calls_in, names_in

__all__ = [
    "ADDITIONS",
    "REFUSED_ADDITIONS",
    "REFUSED_TERMS",
    "refuse_special_calls",
    "refused_addition",
]

ADDITIONS = ("trials", "weights")
"""Response terms that are supported."""

REFUSED_ADDITIONS: Mapping[str, str] = {
    "se": "Known standard errors",
    "cens": "Censored responses",
    "trunc": "Truncated responses",
    "rate": "Rate denominators",
    "mi": "Missing responses",
    "subset": "Subsets of rows",
    "index": "Row indices",
    "cat": "Numbers of categories",
    "thres": "Numbers of thresholds",
    "dec": "Decisions",
    "bhaz": "Baseline hazards",
    "vreal": "Data of custom families",
    "vint": "Data of custom families",
}

_ADDITION_ADVICE: Mapping[str, str] = {
    "rate": "For a log link, offset(log(denominator)) on the right-hand side does the same to the "
    "mean.",
    "subset": "Pass the rows you want as data.",
}

REFUSED_TERMS: Mapping[str, str] = {
    "s": "Smooth terms",
    "t2": "Tensor-product smooth terms",
    "te": "Tensor-product smooth terms",
    "ti": "Tensor-product smooth terms",
    "gp": "Gaussian processes",
    "mo": "Monotonic effects",
    "me": "Predictors with measurement error",
    "mi": "Predictors with missing values",
    "cs": "Category-specific effects",
    "cse": "Category-specific effects",
    "mm": "Multi-membership terms",
    "mmc": "Multi-membership covariates",
    "ar": "Autoregressive terms",
    "ma": "Moving-average terms",
    "arma": "ARMA terms",
    "cosy": "Compound-symmetry terms",
    "unstr": "Unstructured correlations",
    "sar": "Spatial autoregressive terms",
    "car": "Spatial conditional autoregressive terms",
    "fcor": "Fixed residual correlations",
}

_TERM_ADVICE: Mapping[str, str] = {
    "s": "poly(x, 3) or bs(x, df = 5) bend a line too.",
    "mo": "Without it, an ordered factor gets polynomial contrasts.",
}


def refused_addition(name: str, source: str, span: tuple[int, int]) -> FormulaError:
    """Return the error for a response term that is not supported yet."""
    return FormulaError(
        f"{REFUSED_ADDITIONS[name]}, {name}(), are not supported yet.",
        source,
        span,
        _ADDITION_ADVICE.get(name),
    )


def refuse_special_calls(expr: Expr, source: str, *, curves: bool = False) -> None:
    """Refuse calls of brms' special terms, and of named curves unless `curves` are welcome."""
    for call in calls_in(expr):
        if call.function in REFUSED_TERMS:
            raise FormulaError(
                f"{REFUSED_TERMS[call.function]}, {call.function}(), are not supported yet.",
                source,
                call.span,
                _TERM_ADVICE.get(call.function),
            )
        if call.function in CURVES and not curves:
            raise _linear_curve(call, source)


def _linear_curve(call: Call, source: str) -> FormulaError:
    """Return the error for a named curve in a linear formula."""
    curve = CURVES[call.function]
    given = [
        name
        for argument, arg in zip(curve.arguments, call.args, strict=False)
        if (arg.name or argument) not in curve.inputs
        for name in names_in(arg.value)
    ]
    parameters = " + ".join(given or curve.parameters)
    return FormulaError(
        f"{call.function}() is a non-linear curve, and this formula is linear.",
        source,
        call.span,
        "Make the formula non-linear and give the curve's parameters formulas of their own: "
        f"bf('{' '.join(source.split())}', '{parameters} ~ 1', nl=True). If it is the formula of a "
        f"parameter, nlf('{' '.join(source.split())}').",
    )
