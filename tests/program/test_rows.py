"""Equal rows are added up only where that changes nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from brmspy import bernoulli
from brmspy.model import build

RNG = np.random.default_rng(4)
DATA = pd.DataFrame(
    {
        "y": RNG.integers(2, size=400),
        "k": RNG.integers(4, size=400),
        "n": 3 + RNG.integers(3, size=400),
        "x": RNG.integers(3, size=400).astype(float),
        "g": pd.Categorical(RNG.integers(5, size=400)),
        "w": RNG.uniform(size=400),
    }
)


@pytest.mark.parametrize(
    ("formula", "family"),
    [("y ~ x + (1 | g)", "bernoulli"), ("k | trials(n) ~ x + (x | g)", "binomial")],
)
def test_the_sums_have_the_likelihood_of_the_rows(formula, family):
    model = build(formula, DATA, family)
    data = model.program.data
    assert data["N"] == 15
    p = stats.uniform.rvs(size=15, random_state=1)
    summed = stats.binom.logpmf(data["Y"], data["trials"], p).sum() + data["log_lik_constant"]
    # Rows are sorted by their columns: the intercept, x, the group.
    member = DATA["x"].astype(int) * 5 + DATA["g"].cat.codes
    first = dict.fromkeys(zip(DATA["x"], DATA["g"], strict=True))
    assert len(first) == 15
    trials = np.ones(400) if family == "bernoulli" else DATA["n"]
    response = DATA["y"] if family == "bernoulli" else DATA["k"]
    rows = stats.binom.logpmf(response, trials, p[member]).sum()
    assert summed == pytest.approx(rows, rel=1e-12)


def test_the_fit_keeps_all_rows():
    model = build("y ~ x", DATA, bernoulli(link="probit"))
    assert model.program.data["N"] == 3
    assert model.nobs == model.program.design.arrays.nobs == 400
    assert model.family.name == "bernoulli"


@pytest.mark.parametrize(
    ("formula", "family", "options"),
    [
        ("y | weights(w) ~ x", "bernoulli", {}),
        ("y ~ x", "bernoulli", {"marginalize": False}),
        ("y ~ w", "bernoulli", {}),
        ("k ~ x", "poisson", {}),
        ("y ~ x", "gaussian", {"marginalize": False}),
    ],
)
def test_other_rows_stay(formula, family, options):
    data = build(formula, DATA, family, **options).program.data
    assert data["N"] == 400
    assert "log_lik_constant" not in data


def test_many_rows_stand_in_the_order_of_their_levels(monkeypatch):
    data = DATA.assign(h=pd.Categorical(RNG.integers(30, size=len(DATA))))
    formula = "k | weights(w) ~ x + offset(n) + (1 | g) + (1 | h)"
    plain = build(formula, data, "poisson", parameterization="noncentered").program.data
    monkeypatch.setattr("brmspy.program.rows._MANY", 100)
    ordered = build(formula, data, "poisson", parameterization="noncentered").program.data
    order = np.argsort(data["h"].cat.codes, kind="stable")
    for name in ("Y", "weights", "offsets"):
        np.testing.assert_array_equal(ordered[name], np.asarray(plain[name])[order])
    np.testing.assert_array_equal(
        ordered["Zv"].reshape(-1, 2), np.asarray(plain["Zv"]).reshape(-1, 2)[order]
    )
    assert ordered["log_lik_left_out"] == pytest.approx(plain["log_lik_left_out"])
