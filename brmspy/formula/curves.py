"""Named curves: R's self-starting models, one record each.

A curve is expanded where it is called, so that fit and prediction see nothing but its body.
To add one, add a record.

References
----------
Pinheiro, J. C. and Bates, D. M. (2000). Mixed-Effects Models in S and S-PLUS, appendix C. Springer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from brmspy.formula.definitions import Definition

__all__ = ["CURVES", "Curve"]


@dataclass(frozen=True)
class Curve(Definition):
    """A named curve.

    Attributes
    ----------
    name : str
        What it is called, as in R.
    arguments : mapping of str to str
        Its arguments in order, each with its meaning in words.
    body : str
        Its value, in R; written so that it neither overflows nor loses digits where R's documented
        form does.
    defaults : mapping of str to str
        Values of arguments that may be left out: none.
    meaning : str
        What it is, in words.
    inputs : tuple of str
        The arguments that are data; the others are parameters.
    """

    inputs: tuple[str, ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """The arguments that are parameters."""
        return tuple(name for name in self.arguments if name not in self.inputs)


_ASYM = "horizontal asymptote for large input"
_INPUT = "input"
_XMID = "input at the inflection point"
_SCAL = "scale of the input; negative for a falling curve"
_LRC = "natural logarithm of the rate constant"

_RECORDS = (
    Curve(
        "SSasymp",
        {"input": _INPUT, "Asym": _ASYM, "R0": "response at input zero", "lrc": _LRC},
        "Asym + (R0 - Asym) * exp(-exp(lrc) * input)",
        meaning="asymptotic regression",
        inputs=("input",),
    ),
    Curve(
        "SSasympOff",
        {"input": _INPUT, "Asym": _ASYM, "lrc": _LRC, "c0": "input at which the response is zero"},
        "-Asym * expm1(-exp(lrc) * (input - c0))",
        meaning="asymptotic regression with an offset",
        inputs=("input",),
    ),
    Curve(
        "SSasympOrig",
        {"input": _INPUT, "Asym": _ASYM, "lrc": _LRC},
        "-Asym * expm1(-exp(lrc) * input)",
        meaning="asymptotic regression through the origin",
        inputs=("input",),
    ),
    Curve(
        "SSbiexp",
        {
            "input": _INPUT,
            "A1": "multiplier of the first exponential",
            "lrc1": "natural logarithm of the first rate constant",
            "A2": "multiplier of the second exponential",
            "lrc2": "natural logarithm of the second rate constant",
        },
        "A1 * exp(-exp(lrc1) * input) + A2 * exp(-exp(lrc2) * input)",
        meaning="biexponential decay",
        inputs=("input",),
    ),
    Curve(
        "SSfol",
        {
            "Dose": "initial dose",
            "input": "time",
            "lKe": "natural logarithm of the elimination rate constant",
            "lKa": "natural logarithm of the absorption rate constant",
            "lCl": "natural logarithm of the clearance",
        },
        "Dose * exp(lKe + lKa - lCl) * (exp(-exp(lKe) * input) - exp(-exp(lKa) * input))"
        " / (exp(lKa) - exp(lKe))",
        meaning="first-order compartment model",
        inputs=("Dose", "input"),
    ),
    Curve(
        "SSfpl",
        {
            "input": _INPUT,
            "A": "horizontal asymptote for small input",
            "B": _ASYM,
            "xmid": _XMID,
            "scal": _SCAL,
        },
        "A + (B - A) * plogis((input - xmid) / scal)",
        meaning="four-parameter logistic",
        inputs=("input",),
    ),
    Curve(
        "SSgompertz",
        {
            "x": _INPUT,
            "Asym": _ASYM,
            "b2": "position of the curve at input zero",
            "b3": "factor per unit of input, between 0 and 1",
        },
        "Asym * exp(-b2 * b3^x)",
        meaning="Gompertz growth",
        inputs=("x",),
    ),
    Curve(
        "SSlogis",
        {"input": _INPUT, "Asym": _ASYM, "xmid": _XMID, "scal": _SCAL},
        "Asym * plogis((input - xmid) / scal)",
        meaning="logistic growth",
        inputs=("input",),
    ),
    Curve(
        "SSmicmen",
        {
            "input": _INPUT,
            "Vm": "maximum of the response",
            "K": "input at which half the maximum is reached",
        },
        "Vm * input / (K + input)",
        meaning="Michaelis-Menten kinetics",
        inputs=("input",),
    ),
    Curve(
        "SSweibull",
        {
            "x": _INPUT,
            "Asym": _ASYM,
            "Drop": "asymptote minus the response at input zero",
            "lrc": _LRC,
            "pwr": "power of the input",
        },
        "Asym - Drop * exp(-exp(lrc) * x^pwr)",
        meaning="Weibull growth",
        inputs=("x",),
    ),
)

CURVES: Mapping[str, Curve] = {curve.name: curve for curve in _RECORDS}
"""All named curves by name."""
