"""Fits made of draws from the prior."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from brmspy import bf, load_dataset, prior
from brmspy.apriori import prior_draws_fit
from brmspy.errors import PriorError
from brmspy.fit import Fit
from brmspy.fit.variables import NameTable
from brmspy.model import build
from brmspy.predict import posterior_epred, posterior_predict

DATA = pd.DataFrame(
    {
        "obs": np.repeat(["p", "q", "r"], 4),
        "my x": np.tile([1.0, 2.0, 4.0, 8.0], 3),
        "y": np.arange(12.0),
        "k": np.arange(12) % 4,
        "n": np.full(12, 5),
    }
)
ROWS = [
    prior("normal(1, 2)"),
    prior("normal(5, 3)", class_="Intercept"),
    prior("exponential(1)", class_="sd"),
]


def named(fit: Fit, name: str) -> np.ndarray:
    """Return the draws of a parameter by its brms name."""
    variable, index = NameTable.of(fit.variables).find(name)
    return fit.groups["posterior"][variable.name].to_numpy()[0][(slice(None), *(index or ()))]


def test_every_variable_has_its_prior() -> None:
    model = build("y ~ `my x` + (`my x` | obs)", DATA, prior=ROWS)
    fit = prior_draws_fit(model, 4000, 1)
    posterior = fit.groups["posterior"]
    assert dict(posterior.sizes)["chain"] == 1
    assert posterior.sizes["draw"] == 4000
    slope = named(fit, "b_myx")
    assert stats.kstest(slope, stats.norm(1, 2).cdf).pvalue > 1e-3
    at_mean = named(fit, "b_Intercept") + slope * DATA["my x"].mean()
    assert stats.kstest(at_mean, stats.norm(5, 3).cdf).pvalue > 1e-3
    effects = named(fit, "r_obs[q,Intercept]") / named(fit, "sd_obs__Intercept")
    assert stats.kstest(effects, stats.norm().cdf).pvalue > 1e-3


def test_predicts_like_a_fit() -> None:
    model = build("y ~ `my x` + (1 | obs)", DATA, prior=ROWS)
    fit = prior_draws_fit(model, 3000, 1)
    mean = posterior_epred(fit, re_formula="NA").to_numpy()[0]
    x = DATA["my x"].to_numpy()
    assert mean[:, 3].std() == pytest.approx(np.hypot(3, 2 * (8 - x.mean())), rel=0.06)
    again = prior_draws_fit(model, 3000, 1)
    np.testing.assert_array_equal(posterior_predict(fit), posterior_predict(again))
    other = prior_draws_fit(model, 3000, 2)
    assert not np.allclose(posterior_epred(fit), posterior_epred(other))


@pytest.mark.parametrize(
    ("formula", "family"),
    [
        (bf("y ~ `my x`", "sigma ~ `my x`"), "student"),
        ("k | trials(n) ~ `my x`", "binomial"),
        ("k ~ `my x` + offset(log(n))", "poisson"),
        ("k ~ `my x`", "negbinomial"),
    ],
)
def test_families(formula: object, family: str) -> None:
    rows = [prior("normal(0, 1)"), prior("normal(0, 1)", class_="Intercept")]
    if family == "student":
        rows.append(prior("normal(0, 1)", dpar="sigma"))
    model = build(formula, DATA, family, rows)  # type: ignore[arg-type]
    fit = prior_draws_fit(model, 50, 1)
    assert np.isfinite(posterior_predict(fit).to_numpy()).all()


def test_named_curves_need_no_priors() -> None:
    growth = bf(
        "height ~ SSasymp(age, Asym, R0, lrc)", "R0 ~ 1", "Asym + lrc ~ 1 + (1 |i| Seed)", nl=True
    )
    model = build(growth, load_dataset("loblolly"))
    fit = prior_draws_fit(model, 2000, 1)
    element = model.priors.element("b", coef="Intercept", nlpar="Asym")
    assert stats.kstest(named(fit, "b_Asym_Intercept"), stats.norm(*element.args).cdf).pvalue > 1e-3
    (pair,) = (v.brms[0] for v in fit.variables if v.section == "group_cor")
    assert np.abs(named(fit, str(pair))).max() < 1.0


def test_flat_priors_are_named() -> None:
    model = build("y ~ `my x` + (1 | obs)", DATA)
    with pytest.raises(PriorError, match=r"(?s)which b_myx has.*\n  prior\(.*, class_='b'\)"):
        prior_draws_fit(model, 10, 1)
    free = build(bf("y ~ a * `my x`^b", "a + b ~ 1", nl=True), DATA, default_priors="brms")
    with pytest.raises(
        PriorError, match=r"(?s)which b_a_Intercept, b_b_Intercept have.*nlpar='a'\)\n"
    ):
        prior_draws_fit(free, 10, 1)
