"""Generalised linear mixed models: values of lme4 and glmmTMB, and numerical integration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special, stats

from brmspy import bernoulli, binomial, gaussian, load_dataset, negbinomial, poisson
from brmspy.errors import BrmspyError
from brmspy.twin import EffectBlock, generalized_mixed, linear_mixed

pytestmark = pytest.mark.slow

LME4 = {
    "cbpp_laplace": ("incidence | trials(size) ~ period + (1 | herd)", "cbpp", "binomial"),
    "cbpp_id_laplace": (
        "incidence | trials(size) ~ period + (1 | herd) + (1 | id)",
        load_dataset("cbpp").assign(id=[str(row) for row in range(56)]),
        "binomial",
    ),
    "poisson_sim_laplace": ("y ~ x1 + x2 + offset(log(o)) + (1 | g)", "poisson_sim", "poisson"),
    "epil_laplace": ("y ~ lbase * trt + lage + V4 + (1 | subject)", "epil", "poisson"),
    "salamander_laplace": (
        "Mate ~ 0 + Cross + (1 | Female) + (1 | Male)",
        "salamander",
        "bernoulli",
    ),
}


def fit(problem, **settings):
    given = {"trials": problem.trials, "offset": problem.offset, **settings}
    return generalized_mixed(problem.y, problem.X, problem.blocks, problem.family, **given)


@pytest.mark.parametrize("name", LME4)
def test_models_are_those_of_lme4(problem, agrees, name):
    arrays = problem(*LME4[name])
    agrees(fit(arrays), name, arrays.labels)


def test_quadrature_is_that_of_lme4(problem, agrees):
    arrays = problem(*LME4["cbpp_laplace"])
    found = fit(arrays, points=9)
    agrees(found, "cbpp_agq9", arrays.labels)
    # What lme4 leaves out: the saturated model's log-likelihood.
    saturated = stats.binom(arrays.trials, arrays.y / arrays.trials).logpmf(arrays.y).sum()
    assert found.log_likelihood_constant == pytest.approx(saturated)


def test_restricted_likelihood_is_that_of_glmmtmb(problem, agrees):
    arrays = problem(*LME4["cbpp_laplace"])
    found = fit(arrays, reml=True)
    agrees(found, "cbpp_glmmTMB_reml", arrays.labels)
    assert found.reml


def test_quadrature_is_the_integral(problem):
    """Each herd's likelihood integrated by Simpson's rule."""
    arrays = problem(*LME4["cbpp_laplace"])
    found = fit(arrays, points=25)
    sd = np.sqrt(found.covariances[0][0, 0])
    b = np.linspace(-7 * sd, 7 * sd, 1401)
    total = 0.0
    for herd in range(arrays.blocks[0].levels):
        rows = arrays.blocks[0].index == herd
        p = special.expit(arrays.X[rows] @ found.coefficients + b[:, None])
        density = stats.binom(arrays.trials[rows], p).pmf(arrays.y[rows]).prod(axis=1)
        total += np.log(integrate.simpson(density * stats.norm(0, sd).pdf(b), x=b))
    assert found.log_likelihood + found.log_likelihood_constant == pytest.approx(total, abs=1e-6)


def test_laplace_is_the_integral_of_the_parabola(problem):
    """Modes, their sds and the log-likelihood written out for correlated slopes."""
    arrays = problem("y ~ x + (x | g)", counts(), "poisson")
    found = fit(arrays)
    assert found.converged
    block, C = arrays.blocks[0], found.covariances[0]
    total = 0.0
    for level in range(block.levels):
        rows = block.index == level
        Z, b = block.Z[rows], found.modes[0][level]
        mean = np.exp(arrays.X[rows] @ found.coefficients + Z @ b)
        # The mode: where the slope of log-likelihood and log density is zero.
        assert Z.T @ (arrays.y[rows] - mean) == pytest.approx(np.linalg.solve(C, b), abs=1e-4)
        curvature = Z.T @ (mean[:, None] * Z) + np.linalg.inv(C)
        assert found.mode_sds[0][level] == pytest.approx(
            np.sqrt(np.diagonal(np.linalg.inv(curvature))), rel=1e-6
        )
        total += stats.poisson(mean).logpmf(arrays.y[rows]).sum()
        total += stats.multivariate_normal([0, 0], C).logpdf(b)
        total += np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(curvature)[1]
        assert found.fitted[rows] == pytest.approx(mean)
    assert found.log_likelihood == pytest.approx(total, abs=1e-8)
    # Maximum: a change of any sd or coefficient makes it worse.
    truth = np.array([0.5, 0.8])
    assert np.all(np.abs(found.coefficients - truth) < 4 * np.sqrt(np.diagonal(found.covariance)))


def test_coefficients_and_spreads_are_at_the_maximum(problem):
    """Quadrature of a two-parameter model, on a grid around the estimate."""
    arrays = problem("y ~ 1 + (1 | g)", counts(), "poisson")
    found = fit(arrays, points=15)
    nodes = np.linspace(-8, 8, 1601)
    weights = stats.norm.pdf(nodes)

    def deviance(beta, log_sd):
        eta = beta + np.exp(log_sd) * nodes[:, None]
        rows = stats.poisson(np.exp(eta)).logpmf(arrays.y)
        levels = [rows[:, arrays.blocks[0].index == g].sum(axis=1) for g in range(20)]
        values = special.logsumexp(np.array(levels), b=weights / weights.sum(), axis=1)
        return -2 * values.sum()

    at = np.array([found.coefficients[0], 0.5 * np.log(found.covariances[0][0, 0])])
    centre = deviance(*at)
    loglik = found.log_likelihood + found.log_likelihood_constant
    assert -2 * loglik == pytest.approx(centre, abs=1e-4)
    h = 1e-3
    bends = np.empty((2, 2))
    for i, di in enumerate(np.eye(2) * h):
        slope = (deviance(*(at + di)) - deviance(*(at - di))) / (2 * h)
        assert abs(slope) < 0.05
        for j, dj in enumerate(np.eye(2) * h):
            corners = (
                deviance(*(at + di + dj))
                - deviance(*(at + di - dj))
                - deviance(*(at - di + dj))
                + deviance(*(at - di - dj))
            )
            bends[i, j] = corners / (4 * h * h)
    expected = 2 * np.linalg.inv(bends)
    assert found.covariance[0, 0] == pytest.approx(expected[0, 0], rel=0.02)
    assert found.spreads_covariance[0, 0] == pytest.approx(expected[1, 1], rel=0.02)


def test_negative_binomial_finds_its_shape(problem):
    """One observation-level model against the marginal negative binomial without groups."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=400)
    y = rng.negative_binomial(2.0, 2.0 / (2.0 + np.exp(1 + 0.5 * x)))
    X = np.column_stack([np.ones(400), x])
    alone = generalized_mixed(y, X, [], negbinomial())
    shape = alone.family_parameters["shape"]
    mean = np.exp(X @ alone.coefficients)
    density = stats.nbinom(shape, shape / (shape + mean)).logpmf(y).sum()
    assert alone.log_likelihood == pytest.approx(density, abs=1e-8)
    score = X.T @ ((y - mean) / (1 + mean / shape))
    assert score == pytest.approx([0, 0], abs=1e-2)
    assert alone.family_parameters["shape"] == pytest.approx(2.0, abs=0.6)
    assert alone.spreads == pytest.approx([np.log(shape)])
    assert alone.spreads_covariance.shape == (1, 1)
    g = rng.integers(0, 40, 400)
    effects = rng.normal(0, 0.7, size=40)
    y = rng.negative_binomial(2.0, 2.0 / (2.0 + np.exp(1 + 0.5 * x + effects[g])))
    grouped = generalized_mixed(y, X, [EffectBlock(X[:, :1], g, 40)], negbinomial())
    assert grouped.converged
    assert grouped.parameters == 4
    assert grouped.family_parameters["shape"] == pytest.approx(2.0, abs=0.6)
    assert np.sqrt(grouped.covariances[0][0, 0]) == pytest.approx(0.7, abs=0.3)


def test_negative_binomial_is_that_of_gpboost(problem):
    """gpboost 1.8.0, whose Laplace approximation takes the observed information."""
    arrays = problem("y ~ lbase + V4 + trt + (1 | subject)", "epil", "negbinomial")
    found = fit(arrays, information="observed")
    assert found.log_likelihood == pytest.approx(-626.7866422815, abs=1e-5)
    assert found.coefficients == pytest.approx([1.84871, 1.010686, -0.117433, -0.334808], rel=1e-4)
    assert found.covariances[0][0, 0] == pytest.approx(0.237833, rel=1e-4)
    assert found.family_parameters["shape"] == pytest.approx(7.422091, rel=1e-4)


def test_observed_information_is_closer_to_quadrature(problem):
    arrays = problem("y ~ lbase + V4 + (1 | subject)", "epil", "negbinomial")
    exact = fit(arrays, points=15).coefficients[0]
    expected = fit(arrays, information="expected").coefficients[0]
    observed = fit(arrays, information="observed").coefficients[0]
    assert abs(observed - exact) < 1e-3 < abs(expected - exact)


def test_expected_and_observed_information_differ_for_other_links(problem):
    arrays = problem(*LME4["cbpp_laplace"])
    logit = [fit(arrays, information=kind) for kind in ("expected", "observed")]
    assert logit[0].log_likelihood == pytest.approx(logit[1].log_likelihood, abs=1e-5)
    assert logit[0].covariance == pytest.approx(logit[1].covariance, rel=1e-3)
    other = replace(arrays, family=binomial("cloglog"))
    cloglog = [fit(other, information=kind) for kind in ("expected", "observed")]
    for found in cloglog:
        assert found.converged
        assert found.log_likelihood == pytest.approx(logit[0].log_likelihood, abs=0.5)
    assert abs(cloglog[0].log_likelihood - cloglog[1].log_likelihood) > 1e-3


@pytest.mark.parametrize("link", ["probit", "cloglog", "cauchit", "softit", "probit_approx"])
def test_links_of_probabilities(problem, link):
    """Quadrature against SciPy's at the estimates, which are about those of the other links."""
    arrays = replace(problem(*LME4["cbpp_laplace"]), family=binomial(link))
    found = fit(arrays)
    assert found.converged
    mean = arrays.y.sum() / arrays.trials.sum()
    assert found.fitted.sum() / arrays.trials.sum() == pytest.approx(mean, abs=0.02)


def test_normal_response_is_the_linear_model(problem):
    """The Laplace approximation is exact there."""
    arrays = problem("Reaction ~ Days + (1 | Subject)", "sleepstudy")
    linear = linear_mixed(arrays.y, arrays.X, arrays.blocks)
    found = generalized_mixed(arrays.y, arrays.X, arrays.blocks, gaussian())
    assert found.log_likelihood == pytest.approx(linear.log_likelihood, abs=1e-4)
    assert found.coefficients == pytest.approx(linear.coefficients, rel=1e-4)
    assert found.scale == pytest.approx(linear.scale, rel=1e-3)
    assert found.covariances[0] == pytest.approx(linear.covariances[0], rel=5e-3)
    assert found.spreads == pytest.approx(linear.spreads, abs=2e-3)
    assert found.spreads_covariance == pytest.approx(linear.spreads_covariance, abs=1e-3)
    assert found.parameters == linear.parameters


def test_heavy_tails(problem):
    """Student's t: all but the outliers are as with normal errors."""
    frame = load_dataset("sleepstudy")
    frame.loc[[5, 77, 140], "Reaction"] += 400.0
    arrays = problem("Reaction ~ Days + (1 | Subject)", frame, "student")
    found = fit(arrays)
    assert found.converged
    assert found.coefficients == pytest.approx([251.4, 10.47], rel=0.06)
    assert set(found.family_parameters) == {"nu"}
    assert 1.0 < found.family_parameters["nu"] < 6.0
    assert 10.0 < found.scale < 30.0


def test_what_to_expect_must_be_known():
    family = replace(poisson(), name="another")
    one = np.ones((4, 1))
    with pytest.raises(BrmspyError, match="information='observed'"):
        generalized_mixed([1, 2, 0, 3], one, [], family, information="expected")
    found = generalized_mixed([1, 2, 0, 3], one, [], family)
    assert found.coefficients == pytest.approx([np.log(1.5)])


def test_weights_are_replicates(problem):
    frame = load_dataset("epil").iloc[:80]
    arrays = problem("y ~ V4 + (1 | subject)", frame, "poisson")
    twice = pd.concat([frame, frame.iloc[::2]])
    whole = fit(problem("y ~ V4 + (1 | subject)", twice, "poisson"))
    short = fit(arrays, weights=np.where(np.arange(80) % 2, 1.0, 2.0))
    assert short.log_likelihood == pytest.approx(whole.log_likelihood, abs=1e-6)
    assert short.coefficients == pytest.approx(whole.coefficients, abs=1e-4)
    assert short.covariance == pytest.approx(whole.covariance, rel=1e-2)


def test_rows_of_weight_zero_are_left_out(problem):
    frame = load_dataset("epil").iloc[:80]
    arrays = problem("y ~ V4 + (1 | subject)", frame, "poisson")
    short = fit(problem("y ~ V4 + (1 | subject)", frame.iloc[:60], "poisson"))
    whole = fit(arrays, weights=np.where(np.arange(80) < 60, 1.0, 0.0))
    assert whole.log_likelihood == pytest.approx(short.log_likelihood, abs=1e-6)
    assert whole.coefficients == pytest.approx(short.coefficients, abs=1e-4)


def test_singular_fit_is_the_model_without_groups(problem):
    """Less spread between groups than chance has."""
    rng = np.random.default_rng(3)
    g = np.tile(np.arange(10), 8)
    y = np.sort(rng.poisson(4.0, size=80))
    one = np.ones((80, 1))
    found = generalized_mixed(y, one, [EffectBlock(one, g, 10)], poisson())
    assert found.converged
    assert found.singular
    assert "singular" in found.message
    assert found.coefficients == pytest.approx([np.log(y.mean())], rel=1e-5)
    assert found.covariance[0, 0] == pytest.approx(1 / y.sum(), rel=1e-3)
    assert np.isnan(found.spreads_covariance[0, 0])


def test_separation_is_reported():
    """All successes on one side: the coefficient has no finite estimate."""
    rng = np.random.default_rng(2)
    x = np.repeat([0.0, 1.0], 40)
    y = np.where(x == 1, 1, rng.integers(0, 2, 80))
    g = np.tile(np.arange(8), 10)
    X = np.column_stack([np.ones(80), x])
    found = generalized_mixed(y, X, [EffectBlock(X[:, :1], g, 8)], bernoulli())
    assert not found.converged
    assert "separation" in found.message


def test_a_group_without_events_is_no_separation():
    """Effects are shrunken, coefficients are not: the others determine them."""
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(12), 10)
    y = rng.integers(0, 2, 120)
    y[g == 0] = 0
    one = np.ones((120, 1))
    found = generalized_mixed(y, one, [EffectBlock(one, g, 12)], bernoulli())
    assert found.converged
    assert found.modes[0][0, 0] < 0


def test_without_groups_it_is_a_generalised_linear_model(problem, agrees):
    arrays = problem("y ~ lbase * trt + lage + V4", "epil", "poisson")
    found = fit(arrays)
    agrees(found, "epil_glm", arrays.labels)
    assert 2 * found.parameters - 2 * found.log_likelihood == pytest.approx(1646.9767582526)


def test_many_levels(problem):
    """An effect for each of many rows: Poisson with lognormal means, sparse matrices."""
    rng = np.random.default_rng(12)
    n = 1500
    y = rng.poisson(np.exp(2.0 + 0.6 * rng.normal(size=n)))
    one = np.ones((n, 1))
    found = generalized_mixed(y, one, [EffectBlock(one, np.arange(n), n)], poisson())
    assert found.converged
    assert found.coefficients[0] == pytest.approx(2.0, abs=0.08)
    assert np.sqrt(found.covariances[0][0, 0]) == pytest.approx(0.6, abs=0.06)
    assert found.mode_sds[0].shape == (n, 1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"points": 0}, "points must be a whole number"),
        ({"points": 2.5}, "points must be a whole number"),
        ({"points": 5, "two": True}, "for one grouping factor with one coefficient"),
        ({"points": 5, "reml": True}, "use points=1"),
        ({"information": "exact"}, "information = 'exact' is not valid"),
        ({"family": binomial()}, "needs trials"),
        ({"trials": [1.0, 2.0]}, "trials has shape"),
    ],
)
def test_bad_arguments_are_refused(settings, message):
    given = dict(settings)
    one, g = np.ones((6, 1)), np.array([0, 0, 1, 1, 2, 2])
    block = EffectBlock(one, g, 3)
    blocks = [block, block] if given.pop("two", False) else [block]
    family = given.pop("family", poisson())
    with pytest.raises(BrmspyError, match=message):
        generalized_mixed([1, 2, 3, 0, 2, 1], one, blocks, family, **given)


def counts():
    """Return counts with correlated intercepts and slopes of 20 groups."""
    rng = np.random.default_rng(21)
    g = np.repeat(np.arange(20), 12)
    x = rng.normal(size=240)
    b = rng.multivariate_normal([0, 0], [[0.4, 0.1], [0.1, 0.2]], size=20)
    y = rng.poisson(np.exp(0.5 + 0.8 * x + b[g, 0] + b[g, 1] * x))
    return pd.DataFrame({"y": y, "x": x, "g": [f"g{i:02}" for i in g]})
