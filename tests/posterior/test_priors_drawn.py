"""Draws from the prior alone follow SciPy's distributions; constants stay where they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import arviz as az
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from brmspy import BrmsFit, PriorError, brm, load_dataset, prior

FORMULA = "Reaction ~ Days + I(Days^2) + (Days | Subject)"
PROPER = [
    prior("normal(2, 3)", coef="Days"),
    prior("normal(-1, 2)", coef="I(Days^2)", lb=0),
    prior("student_t(4, 250, 20)", class_="Intercept"),
    prior("exponential(0.2)", class_="sigma"),
    prior("student_t(5, 0, 8)", class_="sd"),
    prior("lkj(2)", class_="cor"),
]
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


@pytest.fixture(scope="module")
def drawn() -> BrmsFit:
    """Draw from the prior of a model with one kind of prior for each class."""
    return brm(
        FORMULA,
        load_dataset("sleepstudy"),
        prior=PROPER,
        sample_prior="only",
        iter_sampling=3000,
        adapt_delta=0.95,
        seed=20260101,
        progress=False,
    )


def centred_intercept(fit: BrmsFit) -> NDArray[np.float64]:
    """The intercept at the means of the columns, which is what priors of class Intercept mean."""
    days = load_dataset("sleepstudy")["Days"]
    slopes = fit["b_Days"] * days.mean() + fit["b_IDaysE2"] * (days**2).mean()
    return np.asarray(fit["b_Intercept"] + slopes)


def draws(name: str) -> Callable[[BrmsFit], NDArray[np.float64]]:
    return lambda fit: np.asarray(fit[name])


def standardised(fit: BrmsFit) -> NDArray[np.float64]:
    """The slope of one level over its standard deviation."""
    return np.asarray(fit["r_Subject[308,Days]"] / fit["sd_Subject__Days"])


EXPECTED: dict[str, tuple[Callable[[BrmsFit], NDArray[np.float64]], Callable[[float], float]]] = {
    "b": (draws("b_Days"), stats.norm(2, 3).ppf),
    "b, bounded": (draws("b_IDaysE2"), stats.truncnorm(0.5, np.inf, loc=-1, scale=2).ppf),
    "Intercept": (centred_intercept, stats.t(4, 250, 20).ppf),
    "sigma": (draws("sigma"), stats.expon(scale=5).ppf),
    # Half of Student's t: the upper half of its quantiles.
    "sd": (draws("sd_Subject__Intercept"), lambda p: stats.t(5, 0, 8).ppf((1 + p) / 2)),
    "sd of the slope": (draws("sd_Subject__Days"), lambda p: stats.t(5, 0, 8).ppf((1 + p) / 2)),
    # Of two coefficients, LKJ's correlation is beta's on (-1, 1).
    "cor": (draws("cor_Subject__Intercept__Days"), stats.beta(2, 2, loc=-1, scale=2).ppf),
    "r": (standardised, stats.norm().ppf),
}


@pytest.mark.compiled
@pytest.mark.parametrize("name", EXPECTED)
def test_draws_from_the_prior_follow_it(drawn: BrmsFit, name: str) -> None:
    values, quantile = EXPECTED[name]
    found = values(drawn)
    for level in LEVELS:
        below = found < quantile(level)
        effective = float(az.ess(found, method="quantile", prob=level))
        error = np.sqrt(level * (1 - level) / effective)
        assert effective > 300
        assert abs(below.mean() - level) < 4 * error, (level, below.mean())


@pytest.mark.compiled
def test_the_response_is_ignored(drawn: BrmsFit) -> None:
    assert "draws from the prior" in str(drawn)
    assert np.asarray(drawn["sigma"]).mean() == pytest.approx(5, rel=0.2)  # the data say 25


@pytest.mark.parametrize(
    ("left_out", "named"),
    [(0, "b_Days"), (1, "b_IDaysE2")],
)
def test_improper_priors_are_refused_by_name(left_out: int, named: str) -> None:
    rows = [row for place, row in enumerate(PROPER) if place != left_out]
    with pytest.raises(PriorError, match=rf"These are flat: {named}\."):
        brm(FORMULA, load_dataset("sleepstudy"), prior=rows, sample_prior="only")


@pytest.mark.compiled
@pytest.mark.filterwarnings("ignore::brmspy.SamplingWarning")  # so few draws
def test_constants_are_constant() -> None:
    fixed = {"b_Days": 9.5, "sd_Subject__Days": 6.0, "sigma": 26.0}
    options: dict[str, Any] = {"iter_warmup": 300, "iter_sampling": 200, "progress": False}
    fit = brm(
        FORMULA,
        load_dataset("sleepstudy"),
        prior=[
            prior("constant(9.5)", coef="Days"),
            prior("cauchy(0, 2)", coef="I(Days^2)", lb=-3),
            prior("constant(6)", class_="sd", coef="Days", group="Subject"),
            prior("constant(26)", class_="sigma"),
        ],
        seed=1,
        **options,
    )
    summary = fit.summary()
    for name, value in fixed.items():
        assert (np.asarray(fit[name]) == value).all()
        assert summary.loc[name, "Estimate"] == value
        assert summary.loc[name, "Est.Error"] == 0
        assert summary.loc[name, ["l-95% CI", "u-95% CI"]].tolist() == [value, value]
        assert summary.loc[name, ["Rhat", "Bulk_ESS", "Tail_ESS"]].isna().all()
    for name in ("b_Intercept", "b_IDaysE2", "sd_Subject__Intercept", "r_Subject[308,Days]"):
        assert np.asarray(fit[name]).std() > 0
    assert (np.asarray(fit["b_IDaysE2"]) > -3).all()
    assert not any(name in finding.message for finding in fit.findings for name in fixed)
