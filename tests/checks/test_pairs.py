"""Coefficients that move together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from brmspy import BrmsFit, bf
from brmspy.checks.pairs import tied_pairs

MakeFit = Callable[..., BrmsFit]


def correlated(correlation: float, seed: int = 1) -> np.ndarray:
    """Return draws of two parameters with this correlation."""
    covariance = [[1.0, correlation], [correlation, 1.0]]
    return np.random.default_rng(seed).multivariate_normal([0.0, 0.0], covariance, size=4000)


def curve(make_fit: MakeFit, correlation: float) -> BrmsFit:
    data = pd.DataFrame({"x": np.linspace(1, 40, 12)})
    data["y"] = 100 - 108 * np.exp(-0.1 * data["x"]) + 0.1 * np.cos(data["x"])
    draws = correlated(correlation)
    return make_fit(
        bf("y ~ SSasymp(x, Asym, R0, lrc)", "Asym + R0 + lrc ~ 1", nl=True),
        data,
        {
            "b_Asym": 100 + 0.01 * draws[:, :1],
            "b_R0": np.random.default_rng(2).normal(-8, 0.01, size=(4000, 1)),
            "b_lrc": np.log(0.1) + 0.001 * draws[:, 1:],
            "sigma": np.random.default_rng(3).gamma(100, 0.001, size=4000),
        },
    )


def test_non_linear_parameters_that_are_not_told_apart(make_fit: MakeFit) -> None:
    fit = curve(make_fit, -0.98)
    (pair,) = tied_pairs(fit)
    assert {pair.first, pair.second} == {"b_Asym_Intercept", "b_lrc_Intercept"}
    assert pair.correlation == pytest.approx(-0.98, abs=0.005)
    assert pair.gain == pytest.approx(5.0, abs=0.3)  # 1 / sqrt(1 - 0.98^2)
    [found] = [item for item in fit.check().findings if "told apart" in item.finding]
    assert found.kind == "note"
    assert "The 12 rows" in found.evidence
    assert "correlation -0.98" in found.evidence
    assert found.call.startswith("fit.plot_pairs([")


def test_nearly_the_same_is_a_problem(make_fit: MakeFit) -> None:
    fit = curve(make_fit, 0.999)
    [found] = [item for item in fit.check().findings if "told apart" in item.finding]
    assert found.kind == "problem"


def test_a_usual_correlation_is_none(make_fit: MakeFit) -> None:
    fit = curve(make_fit, -0.9)
    assert tied_pairs(fit) == []
    assert not any("told apart" in item.finding for item in fit.check().findings)


@pytest.mark.parametrize(("formula", "tied"), [("y ~ x", False), ("y ~ 0 + x + z", True)])
def test_an_intercept_and_its_slope_only_tell_where_zero_is(
    formula: str, tied: bool, make_fit: MakeFit
) -> None:
    data = pd.DataFrame({"x": np.arange(30.0), "y": np.arange(30.0)})
    data["z"] = data["x"] + 0.1 * np.cos(data["x"])
    fit = make_fit(formula, data, {"b": correlated(-0.99), "sigma": np.ones(4000)})
    pairs = tied_pairs(fit)
    assert [(pair.first, pair.second, pair.linear) for pair in pairs] == (
        [("b_z", "b_x", True)] if tied else []
    )


def test_fixed_coefficients_are_left_alone(make_fit: MakeFit) -> None:
    draws = correlated(0.99)
    draws[:, 1] = 3.0
    fit = make_fit(
        "y ~ 0 + x + z",
        {"y": np.arange(9.0), "x": np.arange(9.0), "z": np.arange(9.0) ** 2},
        {"b": draws, "sigma": np.ones(4000)},
    )
    assert tied_pairs(fit) == []
