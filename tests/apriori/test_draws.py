"""Draws from the prior: against SciPy's distributions and the moments of the model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import brmspy
from brmspy import BrmsFit, prior
from brmspy.apriori import PriorDraws

COUNT = 40_000


def frame(rows: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "y": rng.normal(size=rows),
            "x": rng.uniform(1, 3, size=rows),
            "z": rng.uniform(1, 3, size=rows),
            "g": np.tile(list("abcd"), rows)[:rows],
        }
    )


def matches(draws: np.ndarray, variable: stats.rv_continuous) -> bool:
    return bool(stats.kstest(draws[:5000], variable.cdf).pvalue > 1e-3)


@pytest.fixture(scope="module")
def fit(made_fit: Callable[..., BrmsFit]) -> BrmsFit:
    return made_fit(
        "y ~ x + z + (x + z | g)",
        frame(),
        "student",
        [
            prior("normal(1, 2)"),
            prior("double_exponential(0, 1)", coef="z", lb=-1, ub=0.5),
            prior("normal(5, 3)", class_="Intercept"),
            prior("normal(0, 2)", class_="sd"),
            prior("exponential(3)", class_="sd", coef="x", group="g"),
            prior("student_t(4, -20, 2)", class_="sigma"),
            prior("lkj(2)", class_="cor"),
            prior("constant(4)", class_="nu"),
        ],
    )


def test_families_and_bounds(fit: BrmsFit) -> None:
    draws = PriorDraws(fit, COUNT, 1)
    assert matches(draws.parameter("b_x"), stats.norm(1, 2))
    cut = stats.laplace()
    mass = cut.cdf(0.5) - cut.cdf(-1)
    z = draws.parameter("b_z")
    assert z.min() >= -1
    assert z.max() <= 0.5
    assert np.mean(z < 0) == pytest.approx((cut.cdf(0) - cut.cdf(-1)) / mass, abs=0.01)
    assert matches(draws.parameter("sd_g__Intercept"), stats.halfnorm(scale=2))
    assert matches(draws.parameter("sd_g__x"), stats.expon(scale=1 / 3))
    assert (draws.parameter("nu") == 4).all()
    # Ten scales above its median: where a difference of probabilities would have no digits.
    far = stats.t(4, -20, 2)
    sigma = draws.parameter("sigma")
    assert np.mean(sigma > 5) == pytest.approx(far.sf(5) / far.sf(0), abs=0.01)
    assert not draws.improper


def test_the_intercept_is_that_of_the_formula(fit: BrmsFit) -> None:
    draws = PriorDraws(fit, COUNT, 1)
    intercept, x, z = (draws.parameter(f"b_{name}") for name in ("Intercept", "x", "z"))
    data = frame()
    at_the_means = intercept + data["x"].mean() * x + data["z"].mean() * z
    assert matches(at_the_means, stats.norm(5, 3))
    assert abs(np.corrcoef(at_the_means, x)[0, 1]) < 0.02


def test_correlations(fit: BrmsFit) -> None:
    # Under LKJ(eta) of size 3 each correlation is Beta(eta + 1/2, eta + 1/2) on (-1, 1).
    draws = PriorDraws(fit, COUNT, 1)
    expected = stats.beta(2.5, 2.5, loc=-1, scale=2)
    for name in ("Intercept__x", "Intercept__z", "x__z"):
        assert matches(draws.parameter(f"cor_g__{name}"), expected)


def test_effects_of_levels(fit: BrmsFit) -> None:
    draws = PriorDraws(fit, COUNT, 1)
    effect = draws.parameter("r_g[a,Intercept]")
    sd = draws.parameter("sd_g__Intercept")
    assert matches(effect / sd, stats.norm())
    other = draws.parameter("r_g[b,Intercept]") / sd
    assert abs(np.corrcoef(effect / sd, other)[0, 1]) < 0.02
    slope = draws.parameter("r_g[a,x]") / draws.parameter("sd_g__x")
    rho = draws.parameter("cor_g__Intercept__x")
    product = np.mean(effect / sd * slope * np.sign(rho))
    assert product == pytest.approx(np.mean(np.abs(rho)), abs=0.02)


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("b_x", (0.0, 2.5)),
        ("b_z", (0.2, -1.0)),
        ("sd_g__x", (0.0, 0.5)),
        ("sd_g__z", (0.0, 2.0)),
        ("cor_g__x__z", (0.0, 0.6)),
        ("sigma", (1.0,)),
    ],
)
def test_densities_are_those_of_the_draws(
    fit: BrmsFit, name: str, points: tuple[float, ...]
) -> None:
    draws = PriorDraws(fit, 400_000, 1)
    marginal = draws.marginal(name)
    assert marginal is not None
    values = draws.parameter(name)
    for point in points:
        low, high = max(point - 0.02, marginal.lower), min(point + 0.02, marginal.upper)
        share = np.mean((values >= low) & (values <= high)) / (high - low)
        assert np.exp(marginal.log_density(np.array(point))) == pytest.approx(share, rel=0.1)


def test_what_has_no_closed_form(fit: BrmsFit) -> None:
    draws = PriorDraws(fit, 10, 1)
    assert draws.marginal("b_Intercept") is None
    assert draws.marginal("r_g[a,x]") is None
    assert draws.marginal("nu") is None
    assert draws.marginal("lprior") is None


def test_flat_priors(made_fit: Callable[..., BrmsFit]) -> None:
    fit = made_fit("y ~ x + z", frame(), prior=prior("flat", coef="z", lb=0, ub=2))
    draws = PriorDraws(fit, COUNT, 1)
    assert matches(draws.parameter("b_z"), stats.uniform(0, 2))
    assert not draws.improper
    assert np.isnan(draws.parameter("b_Intercept")).all()
    assert list(draws.improper) == ["b_x"]
    assert draws.marginal("b_x") is None


def test_other_predictors_and_uncentred_intercepts(made_fit: Callable[..., BrmsFit]) -> None:
    formula = brmspy.bf("y ~ a * exp(-b * x)", "a ~ z + (1 | g)", "b ~ 1", nl=True)
    rows = [
        prior("normal(3, 1)", nlpar="a"),
        prior("normal(0, 1)", nlpar="b", lb=0),
        prior("gamma(3, 2)", class_="sd", nlpar="a"),
    ]
    fit = made_fit(formula, frame(), prior=rows)
    draws = PriorDraws(fit, COUNT, 1)
    assert matches(draws.parameter("b_a_Intercept"), stats.norm(3, 1))
    assert matches(draws.parameter("b_b_Intercept"), stats.halfnorm())
    assert matches(draws.parameter("sd_g__a_Intercept"), stats.gamma(3, scale=1 / 2))
    assert draws.marginal("b_a_Intercept") is not None
    row = prior("normal(7, 1)", "Intercept", dpar="sigma")
    predicted = made_fit(brmspy.bf("y ~ 1", "sigma ~ 1"), frame(), prior=row)
    draws = PriorDraws(predicted, COUNT, 1)
    assert matches(draws.parameter("b_sigma_Intercept"), stats.norm(7, 1))
    assert draws.marginal("b_sigma_Intercept") is not None


def test_draws_do_not_depend_on_what_else_is_drawn(fit: BrmsFit) -> None:
    first, second = PriorDraws(fit, 100, 1), PriorDraws(fit, 100, 1)
    second.parameter("b_z")
    np.testing.assert_array_equal(first.parameter("r_g[c,z]"), second.parameter("r_g[c,z]"))
    assert (PriorDraws(fit, 100, 2).parameter("b_x") != first.parameter("b_x")).all()
