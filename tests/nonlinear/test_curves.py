"""R's self-starting curves against the formulas of R's documentation, written out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from brmspy.formula import CURVES, bf, parse
from brmspy.formula.terms import NonlinearPredictor
from brmspy.nonlinear import evaluate

Array = NDArray[np.float64]
X = np.array([0.25, 1.0, 2.0, 5.5, 12.0, 24.0])
DOSE = np.array([4.0, 4.0, 3.2, 3.2, 5.5, 5.5])


def ss_asymp(x: Array, Asym: float, R0: float, lrc: float) -> Array:
    return Asym + (R0 - Asym) * np.exp(-np.exp(lrc) * x)


def ss_asymp_off(x: Array, Asym: float, lrc: float, c0: float) -> Array:
    return Asym * (1 - np.exp(-np.exp(lrc) * (x - c0)))


def ss_asymp_orig(x: Array, Asym: float, lrc: float) -> Array:
    return Asym * (1 - np.exp(-np.exp(lrc) * x))


def ss_biexp(x: Array, A1: float, lrc1: float, A2: float, lrc2: float) -> Array:
    return A1 * np.exp(-np.exp(lrc1) * x) + A2 * np.exp(-np.exp(lrc2) * x)


def ss_fol(dose: Array, x: Array, lKe: float, lKa: float, lCl: float) -> Array:
    ke, ka = np.exp(lKe), np.exp(lKa)
    return dose * ke * ka / np.exp(lCl) * (np.exp(-ke * x) - np.exp(-ka * x)) / (ka - ke)


def ss_fpl(x: Array, A: float, B: float, xmid: float, scal: float) -> Array:
    return A + (B - A) / (1 + np.exp((xmid - x) / scal))


def ss_gompertz(x: Array, Asym: float, b2: float, b3: float) -> Array:
    return Asym * np.exp(-b2 * b3**x)


def ss_logis(x: Array, Asym: float, xmid: float, scal: float) -> Array:
    return Asym / (1 + np.exp((xmid - x) / scal))


def ss_micmen(x: Array, Vm: float, K: float) -> Array:
    return Vm * x / (K + x)


def ss_weibull(x: Array, Asym: float, Drop: float, lrc: float, pwr: float) -> Array:
    return Asym - Drop * np.exp(-np.exp(lrc) * x**pwr)


def ss_vonbert(x: Array, Linf: float, K: float, t0: float) -> Array:
    return Linf * (1 - np.exp(-K * (x - t0)))


def ss_expdecay(x: Array, R0: float, lrc: float) -> Array:
    return R0 * np.exp(-np.exp(lrc) * x)


def ss_expgrowth(x: Array, R0: float, lrc: float) -> Array:
    return R0 * np.exp(np.exp(lrc) * x)


def ss_richards(x: Array, Asym: float, xmid: float, scal: float, nu: float) -> Array:
    return Asym * (1 + nu * np.exp(-(x - xmid) / scal)) ** (-1 / nu)


def ss_bilogis(x: Array, a1: float, m1: float, s1: float, a2: float, m2: float, s2: float) -> Array:
    return a1 / (1 + np.exp((m1 - x) / s1)) + a2 / (1 + np.exp((m2 - x) / s2))


def ss_hill(x: Array, Emax: float, EC50: float, n: float) -> Array:
    return Emax * x**n / (EC50**n + x**n)


def ss_holling2(x: Array, a: float, h: float) -> Array:
    return a * x / (1 + a * h * x)


def ss_powerlaw(x: Array, a: float, b: float) -> Array:
    return a * x**b


# curve -> R's formula, order of R's arguments, parameter values as in the examples of R's help
CLOSED_FORMS: dict[str, tuple[Callable[..., Array], tuple[str, ...], tuple[float, ...]]] = {
    "SSasymp": (ss_asymp, ("input", "Asym", "R0", "lrc"), (103.1, -8.6, -3.2)),
    "SSasympOff": (ss_asymp_off, ("input", "Asym", "lrc", "c0"), (29.1, -3.8, 0.2)),
    "SSasympOrig": (ss_asymp_orig, ("input", "Asym", "lrc"), (96.1, -3.4)),
    "SSbiexp": (ss_biexp, ("input", "A1", "lrc1", "A2", "lrc2"), (2.03, 0.58, 0.19, -1.8)),
    "SSfol": (ss_fol, ("Dose", "input", "lKe", "lKa", "lCl"), (-2.5, 0.5, -3.0)),
    "SSfpl": (ss_fpl, ("input", "A", "B", "xmid", "scal"), (27.5, 348.9, 19.4, 6.7)),
    "SSgompertz": (ss_gompertz, ("x", "Asym", "b2", "b3"), (4.6, 2.27, 0.7)),
    "SSlogis": (ss_logis, ("input", "Asym", "xmid", "scal"), (368.0, 14.0, 6.0)),
    "SSmicmen": (ss_micmen, ("input", "Vm", "K"), (212.7, 0.064)),
    "SSweibull": (ss_weibull, ("x", "Asym", "Drop", "lrc", "pwr"), (160.0, 115.0, -5.5, 2.5)),
    "SSvonbert": (ss_vonbert, ("input", "Linf", "K", "t0"), (80.0, 0.25, -0.6)),
    "SSexpdecay": (ss_expdecay, ("input", "R0", "lrc"), (5.0, -1.0)),
    "SSexpgrowth": (ss_expgrowth, ("input", "R0", "lrc"), (5.0, -1.0)),
    "SSrichards": (ss_richards, ("input", "Asym", "xmid", "scal", "nu"), (68.0, 9.0, 2.0, 2.3)),
    "SSbilogis": (
        ss_bilogis,
        ("input", "Asym1", "xmid1", "scal1", "Asym2", "xmid2", "scal2"),
        (30.0, 4.0, 1.0, 50.0, 15.0, 2.0),
    ),
    "SShill": (ss_hill, ("input", "Emax", "EC50", "n"), (212.7, 2.0, 1.8)),
    "SSholling2": (ss_holling2, ("input", "a", "h"), (0.8, 0.05)),
    "SSpowerlaw": (ss_powerlaw, ("input", "a", "b"), (1.3, 0.75)),
}


def curve_values(call: str, values: dict[str, Any]) -> Array:
    """Evaluate a call with every parameter given a formula."""
    parameters = [name for name in values if not isinstance(values[name], np.ndarray)]
    formula = bf(f"y ~ {call}", f"{' + '.join(parameters)} ~ 1", nl=True)
    predictor = parse(formula).predictor("mu")
    assert isinstance(predictor, NonlinearPredictor)
    return evaluate(predictor.body, values)


def test_all_curves_have_a_closed_form() -> None:
    assert set(CURVES) == set(CLOSED_FORMS)


def test_every_parameter_has_a_unit() -> None:
    for curve in CURVES.values():
        assert set(curve.units) == set(curve.parameters)
        assert set(curve.bounds) <= set(curve.arguments)


def test_new_curves_are_defined_where_their_textbook_forms_are_not() -> None:
    values = {"x": np.array([-1e5, 1e5]), "a": 2.0, "b": 0.0, "c": 1.0, "d": 0.5}
    np.testing.assert_array_equal(curve_values("SSrichards(x, a, b, c, d)", values), [0.0, 2.0])
    at_zero = {"x": np.array([0.0]), "a": 2.0, "b": 3.0, "c": 1.5}
    np.testing.assert_array_equal(curve_values("SShill(x, a, b, c)", at_zero), [0.0])


@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_closed_form(name: str) -> None:
    formula, arguments, parameters = CLOSED_FORMS[name]
    curve = CURVES[name]
    assert tuple(curve.arguments) == arguments
    data = {"Dose": DOSE, "input": X, "x": X}
    inputs = [data[argument] for argument in curve.inputs]
    values = dict(zip(arguments, (*inputs, *parameters), strict=True))
    result = curve_values(f"{name}({', '.join(arguments)})", values)
    np.testing.assert_allclose(result, formula(*inputs, *parameters), rtol=1e-12)


def test_logistic_curves_neither_overflow_nor_lose_their_limits() -> None:
    values = {"x": np.array([-1e5, 1e5]), "a": 2.0, "b": 0.0, "c": 1.0}
    np.testing.assert_array_equal(curve_values("SSlogis(x, a, b, c)", values), [0.0, 2.0])


def test_asymptotic_curves_keep_digits_near_zero() -> None:
    values = {"x": np.array([1e-18]), "a": 3.0, "b": 0.0}
    np.testing.assert_allclose(curve_values("SSasympOrig(x, a, b)", values), [3e-18], rtol=1e-12)


def test_curve_is_its_formula() -> None:
    values = {"age": X, "Asym": 103.0, "R0": -8.6, "lrc": -3.2}
    curve = curve_values("SSasymp(age, Asym, R0, lrc)", values)
    written = curve_values("Asym + (R0 - Asym) * exp(-exp(lrc) * age)", values)
    np.testing.assert_array_equal(curve, written)
