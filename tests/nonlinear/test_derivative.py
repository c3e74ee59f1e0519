"""Derivatives of non-linear formulas against those of higher precision, and of closed forms."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy import special

from brmspy.formula import CURVES, bf, curve_body, parse
from brmspy.formula.functions import FUNCTIONS
from brmspy.formula.nonlinear import Apply, Covariate, NonlinearExpr, Num, Parameter
from brmspy.nonlinear import derivative, evaluate

X = np.array([0.11, 0.35, 0.62, 0.93])

# Where the derivative of a function is to be looked at, if not between 0 and 1.
_ELSEWHERE = {"acosh": X + 1.2, "log1m_exp": -X, "lgamma": X + 0.4, "floor": X, "trunc": -X}


def body(text: str) -> NonlinearExpr:
    # Of each text the names a and b are parameters, at least one of which it reads.
    used = " + ".join(name for name in "ab" if re.search(rf"\b{name}\b", text))
    return parse(bf(f"y ~ {text}", f"{used} ~ 1", nl=True)).predictor("mu").body


def slope(expr: NonlinearExpr, name: str, values: dict[str, np.ndarray]) -> np.ndarray:
    """Return a derivative by Richardson's extrapolation of central differences."""
    at = np.asarray(values[name], dtype=float)

    def central(step: float) -> np.ndarray:
        ahead, behind = ({**values, name: at + sign * step} for sign in (1, -1))
        return (evaluate(expr, ahead) - evaluate(expr, behind)) / (2 * step)

    coarse, middle, fine = (central(step) for step in (4e-3, 2e-3, 1e-3))
    first, second = (4 * middle - coarse) / 3, (4 * fine - middle) / 3
    return (16 * second - first) / 15


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n not in ("trigamma", "ifelse")])
def test_every_function(name: str) -> None:
    x = Covariate("x")
    two = len(FUNCTIONS[name].arguments) == 2
    expr = Apply(name, (x, Apply("*", (Num(1.7), x))) if two else (x,))
    at = {"x": _ELSEWHERE.get(name, X)}
    found = derivative(expr, "x")
    assert found is not None
    np.testing.assert_allclose(
        np.broadcast_to(evaluate(found, at), X.shape), slope(expr, "x", at), rtol=1e-8, atol=1e-9
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a * x^2 - x / b", lambda x, a, b: 2 * a * x - 1 / b),
        ("x^b", lambda x, a, b: b * x ** (b - 1)),
        ("a^x", lambda x, a, b: np.log(a) * a**x),
        ("x^(a * x)", lambda x, a, b: a * x ** (a * x) * (1 + np.log(x))),
        ("ifelse(x > 0.5, a * x, x^2)", lambda x, a, b: np.where(x > 0.5, a, 2 * x)),
        ("plogis((x - a) / b)", lambda x, a, b: special.expit((x - a) / b)
         * special.expit((a - x) / b) / b),
        ("a + b", lambda x, a, b: 0.0 * x),
        ("-sqrt(x) * exp(-b * x)", lambda x, a, b: np.exp(-b * x) * (b * np.sqrt(x)
         - 0.5 / np.sqrt(x))),
    ],
)  # fmt: skip
def test_closed_forms(text: str, expected: object) -> None:
    a, b = 0.8, 1.6
    found = derivative(body(text), "x")
    assert found is not None
    value = np.broadcast_to(evaluate(found, {"x": X, "a": a, "b": b}), X.shape)
    np.testing.assert_allclose(value, expected(X, a, b), rtol=1e-12)  # type: ignore[operator]


@pytest.mark.parametrize("curve", [c for c in CURVES if c.startswith("SS")])
def test_every_curve_by_its_input_and_its_parameters(curve: str) -> None:
    record = CURVES[curve]
    expr = curve_body(record)
    rng = np.random.default_rng(1)
    values = {name: rng.uniform(0.3, 0.9, 4) for name in record.arguments}
    for name in record.arguments:
        found = derivative(expr, name)
        assert found is not None
        np.testing.assert_allclose(evaluate(found, values), slope(expr, name, values), rtol=1e-6)


def test_what_does_not_change_is_left_out() -> None:
    # 0^b is zero for positive b, though its derivative by b has a logarithm of zero in it.
    found = derivative(body("x^b"), "x")
    assert found is not None
    assert evaluate(found, {"x": np.zeros(1), "b": 2.0}).tolist() == [0.0]
    assert derivative(body("a * x"), "z") == Num(0.0)


def test_far_from_the_middle_digits_are_kept() -> None:
    found = derivative(body("a * plogis(x)"), "x")
    assert found is not None
    value = float(evaluate(found, {"a": 1.0, "x": np.array(40.0)}))
    assert value == pytest.approx(np.exp(-40.0), rel=1e-12)


def test_trigamma_has_none() -> None:
    expr = Apply("trigamma", (Parameter("a"),))
    assert derivative(expr, "a") is None
    assert derivative(Apply("*", (Num(2.0), expr)), "a") is None
    assert derivative(Apply("ifelse", (Covariate("x"), expr, Num(1.0))), "a") is None
    assert derivative(expr, "x") == Num(0.0)
