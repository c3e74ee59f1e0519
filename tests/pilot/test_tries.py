"""Where pilot fits of non-linear formulas start, against the curves of least squares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy import bf, load_dataset, prior
from brmspy.model import build
from brmspy.pilot import best_start
from brmspy.program.compose import prior_scope

LOBLOLLY, PUROMYCIN = load_dataset("loblolly"), load_dataset("puromycin")


def started(formula: Any, data: Any, **options: Any) -> Mapping[str, np.ndarray]:
    model = build(formula, data, **options)
    scopes = {p.name: prior_scope(p) for p in model.terms.predictors}
    return best_start(model.design, model.family, model.response, model.priors, scopes)


def test_flat_priors_start_at_the_curve_of_least_squares() -> None:
    # R: nls(height ~ SSasymp(age, Asym, R0, lrc), Loblolly)
    found = started(
        bf("height ~ A + (B - A) * exp(-exp(k) * age)", "A + B + k ~ 1", nl=True), LOBLOLLY
    )
    assert found["A"].item() == pytest.approx(102.26, abs=0.1)
    assert found["B"].item() == pytest.approx(-8.53, abs=0.05)
    assert found["k"].item() == pytest.approx(-3.246, abs=0.005)


def test_all_coefficients_together_make_the_value() -> None:
    rate = bf("rate ~ V * conc / (K + conc)", "V ~ 0 + state", "K ~ state", nl=True)
    found = started(rate, PUROMYCIN)
    assert found["V"][0] == pytest.approx(found["V"][1])
    assert found["V"][0] == pytest.approx(190.81, abs=0.1)  # R: nls() of all rows
    assert found["K"] == pytest.approx([0.0603, 0.0], abs=1e-3)


def test_priors_and_bounds_are_kept() -> None:
    rate = bf("rate ~ V * conc / (K + conc)", "V + K ~ 1", nl=True)
    strong = [prior("normal(100, 0.1)", nlpar="V"), prior("normal(0, 1)", nlpar="K", lb=0.2)]
    found = started(rate, PUROMYCIN, prior=strong)
    assert found["V"].item() == pytest.approx(100.0, abs=1.0)
    assert found["K"].item() >= 0.2
    fixed = [prior("constant(0.1)", nlpar="K"), prior("normal(200, 100)", nlpar="V")]
    assert started(rate, PUROMYCIN, prior=fixed)["K"].item() == pytest.approx(0.1)


@pytest.mark.parametrize("family", ["poisson", "negbinomial", "bernoulli", "student"])
def test_other_families(family: str) -> None:
    rng = np.random.default_rng(1)
    x = np.tile(np.linspace(0.0, 5.0, 40), 20)
    eta = 2.0 - 3.0 * np.exp(-0.8 * x)
    draws = {
        "poisson": lambda: rng.poisson(np.exp(eta)),
        "negbinomial": lambda: rng.poisson(np.exp(eta)),
        "bernoulli": lambda: rng.binomial(1, 1 / (1 + np.exp(-eta))),
        "student": lambda: eta + 0.1 * rng.normal(size=len(x)),
    }
    data = pd.DataFrame({"x": x, "y": draws[family]()})
    formula = bf("y ~ a + (b - a) * exp(-exp(k) * x)", "a + b + k ~ 1", nl=True)
    found = started(formula, data, family=family)
    curve = found["a"] + (found["b"] - found["a"]) * np.exp(-np.exp(found["k"]) * x)
    assert np.abs(curve - eta).max() < (0.5 if family == "bernoulli" else 0.25)


def test_predicted_parameters_and_offsets() -> None:
    x = np.linspace(0.1, 5.0, 60)
    noise = np.random.default_rng(1).normal(size=60)
    data = pd.DataFrame({"x": x, "z": np.full(60, 2.0), "y": 3 * np.exp(-x) + 2.0 + 0.05 * noise})
    found = started(
        bf("y ~ a * exp(-x) + b", "a ~ 1", "b ~ 1 + offset(z)", "sigma ~ x", nl=True), data
    )
    assert found["a"].item() == pytest.approx(3.0, abs=0.1)
    assert found["b"].item() == pytest.approx(0.0, abs=0.05)
    assert found["sigma"][0] == pytest.approx(np.log(0.05), abs=0.3)


def test_there_is_nothing_to_try_in_linear_models() -> None:
    assert started("rate ~ conc", PUROMYCIN) == {}


def test_the_same_data_start_at_the_same_point() -> None:
    formula = bf("rate ~ V * conc / (K + conc)", "V + K ~ 1", nl=True)
    first, second = started(formula, PUROMYCIN), started(formula, PUROMYCIN)
    assert {k: v.tolist() for k, v in first.items()} == {k: v.tolist() for k, v in second.items()}


def test_no_point_with_a_density() -> None:
    data = pd.DataFrame({"x": np.arange(1.0, 9.0), "y": np.arange(8.0)})
    assert started(bf("y ~ log(-x) + a", "a ~ 1", nl=True), data) == {}


def test_chains_start_near_the_curve() -> None:
    formula = bf("height ~ A + (B - A) * exp(-exp(k) * age)", "A + B + k ~ 1 + (1 | Seed)", nl=True)
    model = build(formula, LOBLOLLY)
    assert model.program.start is not None
    # The residuals of the curve, not those of a flat line, which are 20.
    assert model.program.start.values["sigma"].value == pytest.approx(0.73, abs=0.1)
