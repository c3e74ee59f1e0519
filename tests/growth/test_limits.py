"""What curves approach: by the records of named curves, and far out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from brmspy import BrmsFit, bf, prior
from brmspy.formula import CURVES, curve_body, curve_limit
from brmspy.growth import asymptotes
from brmspy.nonlinear import evaluate
from brmspy.predict import along

Make = Callable[..., BrmsFit]

DATA = pd.DataFrame({"t": np.arange(1.0, 13.0), "y": np.log(np.arange(2.0, 14.0))})
ROW = pd.DataFrame({"t": [1.0]})
SHAPE = (2, 150)


def limits(
    made_fit: Make, body: str, names: str, values: dict[str, object], family: str = "gaussian"
) -> np.ndarray:
    """Return the limits of a curve whose parameters are given, for all draws."""
    fit = made_fit(
        bf(f"y ~ {body}", f"{' + '.join(names)} ~ 1", nl=True),
        DATA,
        family,
        [prior("normal(0, 1)", nlpar=name) for name in names],
        draws={
            f"b_{name}": np.broadcast_to(np.asarray(values[name], float)[..., None], (*SHAPE, 1))
            for name in names
        },
    )
    return asymptotes(along(fit, ROW, "t", re_formula="NA"), 1.0, 12.0)[:, 0]


def spread(low: float, high: float) -> np.ndarray:
    return np.linspace(low, high, SHAPE[0] * SHAPE[1]).reshape(SHAPE)


@pytest.mark.parametrize("name", [c for c in CURVES if c.startswith("SS") and CURVES[c].limit])
@pytest.mark.parametrize("value", [0.4, 0.7])
def test_records_say_what_their_curves_approach(name: str, value: float) -> None:
    curve = CURVES[name]
    limit = curve_limit(curve)
    assert limit is not None
    values = {argument: value + 0.01 * i for i, argument in enumerate(curve.arguments)}
    far = evaluate(curve_body(curve), {**values, curve.inputs[-1]: 500.0})
    farther = evaluate(curve_body(curve), {**values, curve.inputs[-1]: 700.0})
    goal = float(evaluate(limit, values))
    assert abs(float(farther) - goal) <= abs(float(far) - goal)
    assert float(farther) == pytest.approx(goal, abs=0.03)


def test_falling_curves_end_at_the_other_level() -> None:
    values = {"A": 5.0, "B": 1.0, "xmid": 0.0, "scal": -2.0, "Asym": 3.0}
    for name, goal in (("SSfpl", 5.0), ("SSlogis", 0.0)):
        limit = curve_limit(CURVES[name])
        assert limit is not None
        assert float(evaluate(limit, values)) == goal


@pytest.mark.parametrize(
    ("body", "names", "values", "expected"),
    [
        ("a + b * exp(-t)", "ab", {"a": spread(-3, 5), "b": 2.0}, spread(-3, 5)),
        ("a * t / (b + t)", "ab", {"a": spread(1, 5), "b": 2.0}, spread(1, 5)),
        # Slow: no longer than numbers can count.
        ("a * t^0.05 / (b + t^0.05)", "ab", {"a": spread(1, 5), "b": 2.0}, spread(1, 5)),
        # Written so that it overflows.
        ("a * exp(b * t) / (1 + exp(b * t))", "ab", {"a": spread(1, 5), "b": 0.3}, spread(1, 5)),
        ("a * exp(-b * t)", "ab", {"a": spread(1, 5), "b": 0.3}, 0.0),
        ("a / t^0.5", "a", {"a": spread(1, 5)}, 0.0),
        # Long flat before it rises.
        ("a * plogis((t - b) / 50)", "ab", {"a": spread(1, 5), "b": 3000.0}, spread(1, 5)),
        ("SShill(t, a, b, 0.1)", "ab", {"a": spread(1, 5), "b": 2.0}, spread(1, 5)),
        ("SSasymp(t + 1, a, 0, b)", "ab", {"a": spread(1, 5), "b": -2.0}, spread(1, 5)),
        # The input falls as time goes on.
        ("SSlogis(-t, a, b, 2)", "ab", {"a": spread(1, 5), "b": -4.0}, 0.0),
    ],
)
def test_curves(
    made_fit: Make, body: str, names: str, values: dict[str, object], expected: object
) -> None:
    found = limits(made_fit, body, names, values)
    np.testing.assert_allclose(found.reshape(SHAPE), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("body", "names", "values"),
    [
        ("a * t^b", "ab", {"a": 1.0, "b": spread(0.2, 2)}),
        ("SSpowerlaw(t, a, b)", "ab", {"a": 1.0, "b": spread(0.2, 2)}),
        ("SSexpgrowth(t, a, b)", "ab", {"a": 1.0, "b": spread(-3, -1)}),
        ("a + b * log(t)", "ab", {"a": 1.0, "b": spread(1, 2)}),
        ("a * sin(t) + b", "ab", {"a": spread(1, 2), "b": 0.0}),
        ("a + b * t", "ab", {"a": 1.0, "b": spread(1, 2)}),
    ],
)
def test_curves_that_go_on(
    made_fit: Make, body: str, names: str, values: dict[str, object]
) -> None:
    assert np.isnan(limits(made_fit, body, names, values)).all()


def test_records_hold_within_bounds_only(made_fit: Make) -> None:
    # K below zero: the size leaves Linf ever faster.
    rate = spread(-1.0, 1.0)
    found = limits(made_fit, "SSvonbert(t, a, b, 0)", "ab", {"a": 2.0, "b": rate})
    rising = rate.ravel() > 0
    np.testing.assert_allclose(found[rising], 2.0)
    assert np.isnan(found[~rising]).all()


def test_limit_of_the_mean_not_of_the_predictor(made_fit: Make) -> None:
    counts = DATA.assign(y=np.arange(12))
    fit = made_fit(
        bf("y ~ SSasympOrig(t, a, b)", "a + b ~ 1", nl=True),
        counts,
        "poisson",
        [prior("normal(0, 1)", nlpar=name) for name in "ab"],
    )
    found = asymptotes(along(fit, ROW, "t", re_formula="NA"), 1.0, 12.0)
    a = fit["b_a_Intercept"].to_numpy().reshape(-1, 1)
    np.testing.assert_allclose(found, np.exp(a))


def test_probabilities_of_linear_models(made_fit: Make) -> None:
    fit = made_fit("y ~ t", DATA.assign(y=np.arange(12) % 2), "bernoulli",
                   draws={"b": np.stack([np.zeros(SHAPE), spread(-1, 1)], axis=-1)})  # fmt: skip
    found = asymptotes(along(fit, ROW, "t", re_formula="NA"), 1.0, 12.0)[:, 0]
    np.testing.assert_allclose(found, spread(-1, 1).ravel() > 0)
