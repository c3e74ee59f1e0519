"""The curves that come with brmspy: R's self-starting models, and others for growth and kinetics.

To add one, add a record here, and its self-start in `brmspy.selfstart`.

References
----------
Pinheiro, J. C. and Bates, D. M. (2000). Mixed-Effects Models in S and S-PLUS, appendix C. Springer.
Richards, F. J. (1959). A flexible growth function for empirical use. Journal of Experimental
Botany, 10(2). https://doi.org/10.1093/jxb/10.2.290
von Bertalanffy, L. (1938). A quantitative theory of organic growth. Human Biology, 10(2).
Holling, C. S. (1959). Some characteristics of simple types of predation and parasitism. The
Canadian Entomologist, 91(7). https://doi.org/10.4039/Ent91385-7
Hill, A. V. (1910). The possible effects of the aggregation of the molecules of haemoglobin on its
dissociation curves. The Journal of Physiology, 40.
"""

from __future__ import annotations

import math

from brmspy.formula.curve import INPUT, LOG_RATE, NUMBER, RATE, RESPONSE, WIDTH, Curve

__all__ = ["RECORDS"]

_ASYM = "horizontal asymptote for large input"
_INPUT = "input"
_XMID = "input at the inflection point"
_SCAL = "scale of the input; negative for a falling curve"
_LRC = "natural logarithm of the rate constant"
_POSITIVE = (0.0, math.inf)
_PER_INPUT = "unit of the response / unit of the input"

_ASYMPTOTIC = (
    Curve(
        "SSasymp",
        {"input": _INPUT, "Asym": _ASYM, "R0": "response at input zero", "lrc": _LRC},
        "Asym + (R0 - Asym) * exp(-exp(lrc) * input)",
        meaning="asymptotic regression",
        inputs=("input",),
        units={"Asym": RESPONSE, "R0": RESPONSE, "lrc": LOG_RATE},
        limit="Asym",
    ),
    Curve(
        "SSasympOff",
        {"input": _INPUT, "Asym": _ASYM, "lrc": _LRC, "c0": "input at which the response is zero"},
        "-Asym * expm1(-exp(lrc) * (input - c0))",
        meaning="asymptotic regression with an offset",
        inputs=("input",),
        units={"Asym": RESPONSE, "lrc": LOG_RATE, "c0": INPUT},
        limit="Asym",
    ),
    Curve(
        "SSasympOrig",
        {"input": _INPUT, "Asym": _ASYM, "lrc": _LRC},
        "-Asym * expm1(-exp(lrc) * input)",
        meaning="asymptotic regression through the origin",
        inputs=("input",),
        units={"Asym": RESPONSE, "lrc": LOG_RATE},
        limit="Asym",
    ),
    Curve(
        "SSvonbert",
        {
            "input": "age",
            "Linf": "size that is approached",
            "K": "rate at which it is approached",
            "t0": "age at which the size would be zero",
        },
        "-Linf * expm1(-K * (input - t0))",
        meaning="von Bertalanffy growth",
        inputs=("input",),
        units={"Linf": RESPONSE, "K": RATE, "t0": INPUT},
        bounds={"K": _POSITIVE},
        limit="Linf",
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
        units={
            "Asym": RESPONSE,
            "Drop": RESPONSE,
            "lrc": "log of 1 / unit of the input to the power pwr",
            "pwr": NUMBER,
        },
        bounds={"x": _POSITIVE, "pwr": _POSITIVE},
        limit="Asym",
    ),
)

_EXPONENTIAL = (
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
        units={"A1": RESPONSE, "lrc1": LOG_RATE, "A2": RESPONSE, "lrc2": LOG_RATE},
        limit="0",
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
        "Dose * exp(lKe + lKa - lCl) * exp(-exp(lKe) * input)"
        " * expm1((exp(lKe) - exp(lKa)) * input) / (exp(lKe) - exp(lKa))",
        meaning="first-order compartment model",
        inputs=("Dose", "input"),
        units={
            "lKe": LOG_RATE,
            "lKa": LOG_RATE,
            "lCl": "log of unit of the dose / (unit of the response * unit of the input)",
        },
        bounds={"Dose": _POSITIVE, "input": _POSITIVE},
        limit="0",
    ),
    Curve(
        "SSexpdecay",
        {"input": _INPUT, "R0": "response at input zero", "lrc": _LRC},
        "R0 * exp(-exp(lrc) * input)",
        meaning="exponential decay",
        inputs=("input",),
        units={"R0": RESPONSE, "lrc": LOG_RATE},
        limit="0",
    ),
    Curve(
        "SSexpgrowth",
        {"input": _INPUT, "R0": "response at input zero", "lrc": _LRC},
        "R0 * exp(exp(lrc) * input)",
        meaning="exponential growth",
        inputs=("input",),
        units={"R0": RESPONSE, "lrc": LOG_RATE},
    ),
)

_SIGMOID = (
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
        units={"A": RESPONSE, "B": RESPONSE, "xmid": INPUT, "scal": WIDTH},
        limit="ifelse(scal > 0, B, A)",
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
        units={"Asym": RESPONSE, "b2": NUMBER, "b3": NUMBER},
        bounds={"Asym": _POSITIVE, "b2": _POSITIVE, "b3": (0.0, 1.0)},
        limit="Asym",
    ),
    Curve(
        "SSlogis",
        {"input": _INPUT, "Asym": _ASYM, "xmid": _XMID, "scal": _SCAL},
        "Asym * plogis((input - xmid) / scal)",
        meaning="logistic growth",
        inputs=("input",),
        units={"Asym": RESPONSE, "xmid": INPUT, "scal": WIDTH},
        limit="ifelse(scal > 0, Asym, 0)",
    ),
    Curve(
        "SSrichards",
        {
            "input": _INPUT,
            "Asym": _ASYM,
            "xmid": _XMID,
            "scal": "scale of the input",
            "nu": "asymmetry: 1 is logistic growth, near 0 Gompertz growth",
        },
        "Asym * exp(-log1p_exp(log(nu) - (input - xmid) / scal) / nu)",
        meaning="Richards growth",
        inputs=("input",),
        units={"Asym": RESPONSE, "xmid": INPUT, "scal": WIDTH, "nu": NUMBER},
        bounds={"scal": _POSITIVE, "nu": _POSITIVE},
        limit="Asym",
    ),
    Curve(
        "SSbilogis",
        {
            "input": _INPUT,
            "Asym1": "height of the first phase",
            "xmid1": "input in the middle of the first phase",
            "scal1": "scale of the input in the first phase",
            "Asym2": "height of the second phase",
            "xmid2": "input in the middle of the second phase",
            "scal2": "scale of the input in the second phase",
        },
        "Asym1 * plogis((input - xmid1) / scal1) + Asym2 * plogis((input - xmid2) / scal2)",
        meaning="bi-logistic growth in two phases",
        inputs=("input",),
        units={
            "Asym1": RESPONSE,
            "xmid1": INPUT,
            "scal1": WIDTH,
            "Asym2": RESPONSE,
            "xmid2": INPUT,
            "scal2": WIDTH,
        },
        bounds={"scal1": _POSITIVE, "scal2": _POSITIVE},
        limit="Asym1 + Asym2",
    ),
)

_SATURATING = (
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
        units={"Vm": RESPONSE, "K": INPUT},
        bounds={"input": _POSITIVE, "K": _POSITIVE},
        limit="Vm",
    ),
    Curve(
        "SShill",
        {
            "input": "concentration",
            "Emax": "maximum of the response",
            "EC50": "input at which half the maximum is reached",
            "n": "Hill coefficient: steepness on the scale of log input",
        },
        "Emax * (input / EC50)^n / (1 + (input / EC50)^n)",
        meaning="Hill's equation",
        inputs=("input",),
        units={"Emax": RESPONSE, "EC50": INPUT, "n": NUMBER},
        bounds={"input": _POSITIVE, "EC50": _POSITIVE, "n": _POSITIVE},
        limit="Emax",
    ),
    Curve(
        "SSholling2",
        {
            "input": "density of the prey",
            "a": "attack rate: slope at input zero",
            "h": "handling time: 1 / maximum of the response",
        },
        "a * input / (1 + a * h * input)",
        meaning="Holling's functional response of type II",
        inputs=("input",),
        units={"a": _PER_INPUT, "h": "1 / unit of the response"},
        bounds={"input": _POSITIVE, "a": _POSITIVE, "h": _POSITIVE},
        limit="1 / h",
    ),
    Curve(
        "SSpowerlaw",
        {"input": _INPUT, "a": "response at input one", "b": "exponent"},
        "a * input^b",
        meaning="power law",
        inputs=("input",),
        units={"a": RESPONSE, "b": NUMBER},
        bounds={"input": _POSITIVE},
    ),
)

RECORDS = (*_ASYMPTOTIC, *_EXPONENTIAL, *_SIGMOID, *_SATURATING)
"""All curves that come with brmspy."""
