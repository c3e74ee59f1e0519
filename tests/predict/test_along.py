"""The expected response as a function of one column: against closed forms, for every draw."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from brmspy import BrmsFit, bf, nlf, prior
from brmspy.errors import BrmspyError
from brmspy.predict import Along, along

Make = Callable[..., BrmsFit]

DATA = pd.DataFrame(
    {
        "g": np.repeat(["p", "q", "r"], 4),
        "t": np.tile([1.0, 2.0, 4.0, 8.0], 3) + np.repeat([0.0, 1.0, 0.0], 4),
        "z": np.arange(12.0),
        "n": np.tile([4, 6], 6),
        "y": np.arange(12.0) + 1.0,
        "k": np.arange(12) % 4,
        "one": np.arange(12) % 2,
    }
)
AT = pd.DataFrame({"t": [1.0, 3.0, 9.0], "z": [2.0, 5.0, 11.0], "n": [4, 4, 8]})
X = AT["t"].to_numpy()
FLAT = [prior("normal(0, 1)", nlpar=name) for name in "ab"]


def draws(fit: BrmsFit, name: str) -> np.ndarray:
    return fit[name].to_numpy().reshape(-1, 1)


def of(fit: BrmsFit, variable: str = "t", rows: pd.DataFrame = AT, **options: object) -> Along:
    return along(fit, rows, variable, **{"re_formula": "NA", **options})  # type: ignore[arg-type]


def test_nonlinear_formula_anywhere(made_fit: Make) -> None:
    fit = made_fit(bf("y ~ a * exp(-b * t)", "a + b ~ 1", nl=True), DATA, prior=FLAT)
    a, b = draws(fit, "b_a_Intercept"), draws(fit, "b_b_Intercept")
    found = of(fit)
    np.testing.assert_allclose(found.rate(X), -a * b * np.exp(-b * X), rtol=1e-12)
    each = X + np.random.default_rng(1).normal(size=found.shape)  # its own for every draw
    np.testing.assert_allclose(found.expected(each), a * np.exp(-b * each), rtol=1e-12)
    np.testing.assert_allclose(found.rate(each), -a * b * np.exp(-b * each), rtol=1e-12)


def test_through_transformed_and_nested_parameters(made_fit: Make) -> None:
    formula = bf("y ~ a * exp(-b * t)", "a ~ 1", "b ~ 1", nl=True, transform={"b": "log"})
    rows = [prior("normal(0, 1)", nlpar=name) for name in ("a", "logb")]
    fit = made_fit(formula, DATA, prior=rows)
    a, b = draws(fit, "b_a_Intercept"), np.exp(draws(fit, "b_logb_Intercept"))
    np.testing.assert_allclose(of(fit).rate(X), -a * b * np.exp(-b * X), rtol=1e-12)
    # The input stands in the formula of a parameter.
    deep = made_fit(
        bf("y ~ a * s", nlf("s ~ plogis(t - b)"), "a + b ~ 1", nl=True), DATA, prior=FLAT
    )
    a, b = draws(deep, "b_a_Intercept"), draws(deep, "b_b_Intercept")
    density = stats.logistic.pdf(X - b)
    np.testing.assert_allclose(of(deep).rate(X), a * density, rtol=1e-12)
    np.testing.assert_allclose(of(deep, nlpar="s").rate(X), density, rtol=1e-12)
    np.testing.assert_allclose(of(deep, nlpar="a").rate(X), 0.0)
    assert of(deep).moving == {"s", "mu"}


def test_parameter_that_the_input_predicts(made_fit: Make) -> None:
    fit = made_fit(bf("y ~ a * exp(-b * t)", "a ~ t", "b ~ 1", nl=True), DATA, prior=FLAT)
    a = draws(fit, "b_a_Intercept") + draws(fit, "b_a_t") * X
    b = draws(fit, "b_b_Intercept")
    expected = (draws(fit, "b_a_t") - a * b) * np.exp(-b * X)
    np.testing.assert_allclose(of(fit).rate(X), expected, rtol=1e-8, atol=1e-10)


def test_groups_and_their_slopes(made_fit: Make) -> None:
    fit = made_fit("y ~ t + z + (t | g)", DATA)
    rows = AT.assign(g=["p", "q", "p"])
    found = of(fit, rows=rows, re_formula=None)
    slope = draws(fit, "b_t") + np.concatenate(
        [draws(fit, f"r_g[{level},t]") for level in rows["g"]], axis=1
    )
    np.testing.assert_allclose(found.rate(X), slope, rtol=1e-9)
    there = X + 100.0
    base = fit.posterior_epred(rows).to_numpy().reshape(found.shape)
    np.testing.assert_allclose(found.expected(there), base + slope * 100.0, rtol=1e-7)


@pytest.mark.parametrize(
    ("family", "formula", "value", "rate"),
    [
        ("poisson", "k ~ t", np.exp, np.exp),
        ("bernoulli", "one ~ t", special.expit, stats.logistic.pdf),
        ("negbinomial", "k ~ t", np.exp, np.exp),
        ("student", "y ~ t", lambda eta: eta, np.ones_like),
    ],
)
def test_families(
    made_fit: Make,
    family: str,
    formula: str,
    value: Callable[[np.ndarray], np.ndarray],
    rate: Callable[[np.ndarray], np.ndarray],
) -> None:
    fit = made_fit(formula, DATA, family)
    slope = draws(fit, "b_t")
    eta = draws(fit, "b_Intercept") + slope * X
    np.testing.assert_allclose(of(fit).expected(X), value(eta), rtol=1e-9)
    np.testing.assert_allclose(of(fit).rate(X), rate(eta) * slope, rtol=1e-6, atol=1e-9)


def test_counts_among_trials(made_fit: Make) -> None:
    fit = made_fit("k | trials(n) ~ t", DATA, "binomial")
    slope = draws(fit, "b_t")
    eta = draws(fit, "b_Intercept") + slope * X
    expected = AT["n"].to_numpy() * stats.logistic.pdf(eta) * slope
    np.testing.assert_allclose(of(fit).rate(X), expected, rtol=1e-6, atol=1e-9)


def test_distributional_parameter(made_fit: Make) -> None:
    fit = made_fit(bf("y ~ 1", "sigma ~ t"), DATA)
    slope = draws(fit, "b_sigma_t")
    sigma = np.exp(draws(fit, "b_sigma_Intercept") + slope * X)
    np.testing.assert_allclose(of(fit, dpar="sigma").rate(X), sigma * slope, rtol=1e-8)
    np.testing.assert_allclose(of(fit).rate(X), 0.0)


def test_offset_and_terms_that_are_not_lines(made_fit: Make) -> None:
    fit = made_fit("k ~ offset(log(t)) + I(t^2)", DATA, "poisson")
    slope = draws(fit, "b_ItE2")
    found = of(fit)
    eta = draws(fit, "b_Intercept") + np.log(X) + slope * X**2
    relative = found.rate(X) / np.exp(eta)
    np.testing.assert_allclose(relative, 1 / X + 2 * slope * X, rtol=1e-5, atol=1e-5)
    assert found.bent == ("mu",)
    np.testing.assert_allclose(found.expected(X), np.exp(eta), rtol=1e-9)
    with pytest.raises(BrmspyError, match="'t' enters 'mu' through a function such as poly"):
        found.expected(X + 1.0)


def test_functions_without_derivative_rule(made_fit: Make) -> None:
    fit = made_fit(bf("y ~ a * trigamma(t) + b", "a + b ~ 1", nl=True), DATA, prior=FLAT)
    expected = draws(fit, "b_a_Intercept") * special.polygamma(2, X)
    np.testing.assert_allclose(of(fit).rate(X), expected, rtol=1e-7)


def test_some_draws_and_bad_parameters(made_fit: Make) -> None:
    fit = made_fit(bf("y ~ a * exp(-b * t)", "a + b ~ 1", nl=True), DATA, prior=FLAT)
    assert of(fit, ndraws=4).shape == (4, 3)
    with pytest.raises(BrmspyError, match="no non-linear parameter 'c'"):
        of(fit, nlpar="c")
    with pytest.raises(BrmspyError, match="no parameter 'sigmo'"):
        of(fit, dpar="sigmo")
