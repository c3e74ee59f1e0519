"""Every reference value of R, by the call that users make."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from brmspy import bf, frequentist, load_dataset

pytestmark = pytest.mark.slow

REFERENCE = json.loads((Path(__file__).parent / "reference.json").read_text(encoding="utf-8"))

TOY = pd.DataFrame({"Resp": [10.0, 25, 3, 6], "Treat": [0, 1, 0, 1], "Ind": [1, 1, 2, 2]})
CBPP = "incidence | trials(size) ~ period + (1 | herd)"
ASYMPTOTIC = "height ~ SSasymp(age, Asym, R0, lrc)"
MICHAELIS = bf("rate ~ SSmicmen(conc, Vm, K)", "Vm + K ~ 1", nl=True)


def one(name, column, level):
    """Return the rows of a data set at one level of a factor."""
    data = load_dataset(name)
    return data[data[column].astype(str) == level]


def cbpp():
    data = load_dataset("cbpp")
    return data.assign(id=np.arange(len(data)).astype(str))


MODELS = {
    "sleepstudy_reml": ("Reaction ~ Days + (Days | Subject)", "sleepstudy", {}),
    "sleepstudy_ml": ("Reaction ~ Days + (Days | Subject)", "sleepstudy", {"reml": False}),
    "sleepstudy_uncorrelated_reml": ("Reaction ~ Days + (Days || Subject)", "sleepstudy", {}),
    "sleepstudy_lm": ("Reaction ~ Days", "sleepstudy", {}),
    "cbpp_laplace": (CBPP, "cbpp", {"family": "binomial"}),
    "cbpp_agq9": (CBPP, "cbpp", {"family": "binomial", "nagq": 9}),
    "cbpp_id_laplace": (f"{CBPP} + (1 | id)", cbpp, {"family": "binomial"}),
    "cbpp_glmmTMB_reml": (CBPP, "cbpp", {"family": "binomial", "reml": True}),
    "poisson_sim_laplace": (
        "y ~ x1 + x2 + (1 | g) + offset(log(o))",
        "poisson_sim",
        {"family": "poisson"},
    ),
    "epil_laplace": (
        "y ~ lbase * trt + lage + V4 + (1 | subject)",
        "epil",
        {"family": "poisson"},
    ),
    "epil_glm": ("y ~ lbase * trt + lage + V4", "epil", {"family": "poisson"}),
    "salamander_laplace": (
        "Mate ~ 0 + Cross + (1 | Female) + (1 | Male)",
        "salamander",
        {"family": "bernoulli"},
    ),
    "oats_reml": ("yields ~ varieties * nitrogen + (1 | blocks/varieties)", "oats", {}),
    "plant_growth_reml": ("weight ~ 1 + (1 | group)", "plant_growth", {}),
    "loblolly_nlme_asym": (
        bf(ASYMPTOTIC, "Asym ~ 1 + (1 | Seed)", "R0 + lrc ~ 1", nl=True),
        "loblolly",
        {},
    ),
    "loblolly_nlme_diag": (
        bf(ASYMPTOTIC, "Asym + lrc ~ 1 + (1 | Seed)", "R0 ~ 1", nl=True),
        "loblolly",
        {},
    ),
    "loblolly_329_nls": (
        bf(ASYMPTOTIC, "Asym + R0 + lrc ~ 1", nl=True),
        lambda: one("loblolly", "Seed", "329"),
        {},
    ),
    "puromycin_treated_nls": (MICHAELIS, lambda: one("puromycin", "state", "treated"), {}),
    "puromycin_untreated_nls": (MICHAELIS, lambda: one("puromycin", "state", "untreated"), {}),
    "toy_ml": ("Resp ~ Treat + (1 | Ind)", lambda: TOY, {"reml": False}),
}

# R's names that differ from brms' by more than their signs.
NAMES = {"(Intercept)": "Intercept"} | {
    name: f"{name}_Intercept" for name in ("Asym", "R0", "lrc", "Vm", "K")
}


def fitted(name):
    formula, data, options = MODELS[name]
    frame = load_dataset(data) if isinstance(data, str) else data()
    return frequentist(formula, frame, **options)


def brms(name):
    return f"b_{NAMES.get(name, name)}".replace("/", "D")


def spread(row, table):
    """Return the estimate that a reference row of standard deviations and correlations is about."""
    if "Residual" in (row.get("group"), row.get("name")):
        return table.loc["sigma", "Estimate"]
    group = sorted(row.get("group", "Seed").removesuffix(".1").split(":"))
    own = table[[sorted(str(item).split(":")) == group for item in table["group"]]]
    first = row.get("var1") or row["name"]
    second = row.get("var2") or first
    names = [NAMES.get(item, item) for item in (first, second)]
    return own[(own["coef"] == names[0]) & (own["coef2"] == names[1])]["Estimate"].item()


def test_nothing_is_left_out():
    assert set(MODELS) == set(REFERENCE)


@pytest.mark.parametrize("name", MODELS)
def test_numbers_are_those_of_r(name):
    expected, found = REFERENCE[name], fitted(name)
    assert found.converged
    for label, row in expected["coefficients"].items():
        ours = found.table.loc[brms(label)]
        allowed = max(1e-3 * abs(row["estimate"]), 0.02 * row["se"])
        assert ours["Estimate"] == pytest.approx(row["estimate"], abs=allowed), label
        assert ours["Std.Error"] == pytest.approx(row["se"], rel=0.02), label
    spreads = expected.get("varcomp", [])
    for row in spreads:
        value = row.get("sdcor", row.get("sd"))
        assert spread(row, found.varcomp) == pytest.approx(value, rel=0.01), row
    assert len(found.varcomp) == len(spreads) or not spreads
    if "sd_herd" in expected:
        assert found.table.loc["sd_herd__Intercept", "Estimate"] == pytest.approx(
            expected["sd_herd"], rel=0.01
        )
    if "sigma" in expected:
        assert found.sigma == pytest.approx(expected["sigma"], rel=1e-4)
    if "logLik" in expected:
        assert found.log_likelihood == pytest.approx(expected["logLik"], abs=0.05)
        assert found.nobs == expected.get("nobs", found.fitted.size)
    if "AIC" in expected:
        assert found.aic == pytest.approx(expected["AIC"], abs=0.1)
    if "deviance" in expected:
        assert found.details["deviance"] == pytest.approx(expected["deviance"], abs=1e-3)


def test_quadrature_says_what_its_likelihood_leaves_out():
    """As in lme4; with the saturated model's it is near that of Laplace's approximation."""
    found, data = fitted("cbpp_agq9"), cbpp()
    y, n = data["incidence"], data["size"]
    full = REFERENCE["cbpp_agq9"]["logLik"] + stats.binom.logpmf(y, n, y / n).sum()
    assert full == pytest.approx(REFERENCE["cbpp_laplace"]["logLik"], abs=0.1)
    assert any("saturated" in note and f"{full:.2f}" in note for note in found.notes)


@pytest.mark.parametrize(
    "name",
    [
        "cbpp_laplace",
        "cbpp_id_laplace",
        "poisson_sim_laplace",
        "epil_laplace",
        "salamander_laplace",
    ],
)
def test_gpboost_agrees(name):
    """Without an intercept, as for the salamanders, its own search ends elsewhere."""
    pytest.importorskip("gpboost")
    formula, data, options = MODELS[name]
    frame = load_dataset(data) if isinstance(data, str) else data()
    found = frequentist(formula, frame, **options, method="gpboost")
    assert found.converged
    assert found.software.startswith("gpboost")
    expected = REFERENCE[name]
    assert found.log_likelihood == pytest.approx(expected["logLik"], abs=0.05)
    for label, row in expected["coefficients"].items():
        ours = found.table.loc[brms(label)]
        allowed = max(1e-3 * abs(row["estimate"]), 0.02 * row["se"])
        assert ours["Estimate"] == pytest.approx(row["estimate"], abs=allowed), label
        assert ours["Std.Error"] == pytest.approx(row["se"], rel=0.02), label
    for row in expected["varcomp"]:
        assert spread(row, found.varcomp) == pytest.approx(row["sdcor"], rel=0.01), row
