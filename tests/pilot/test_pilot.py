"""The pilot fit is close to what lme4, nlme and closed forms say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from brmspy import bf, prior

# lme4 1.1-35 and nlme 3.1-166: REML for normal responses, Laplace's approximation for others.
# Penalised quasi-likelihood is known to shrink binary data's variances; those tolerances are wide.
LME4 = [
    (
        ("Reaction ~ Days + (Days | Subject)", "sleepstudy"),
        {"Days": (10.467, 0.05)},
        {"Subject": ([24.741, 5.922], 0.05)},
    ),
    (
        ("Reaction ~ Days + (Days || Subject)", "sleepstudy"),
        {"Days": (10.467, 0.05)},
        {"Subject": ([25.051, 5.988], 0.05)},
    ),
    (
        ("yields ~ varieties * nitrogen + (1 | blocks/varieties)", "oats"),
        {"varietiesVictory": (-8.5, 0.05)},
        {"blocks": ([14.645], 0.12), "blocks:varieties": ([10.299], 0.4)},
    ),
    (
        ("incidence | trials(size) ~ period + (1 | herd)", "cbpp", "binomial"),
        {"period2": (-0.992, 0.1), "period4": (-1.580, 0.1)},
        {"herd": ([0.642], 0.1)},
    ),
    (
        ("y ~ x1 + x2 + (1 | g) + offset(log(o))", "poisson_sim", "poisson"),
        {"x1": (0.28442, 0.001), "x2": (0.20851, 0.001)},
        {"g": ([0.63828], 0.02)},
    ),
    (
        ("y ~ lbase * trt + lage + V4 + (1 | subject)", "epil", "poisson"),
        {"lbase": (0.8834, 0.03), "V4": (-0.1598, 0.01)},
        {"subject": ([0.5015], 0.05)},
    ),
    (
        ("Mate ~ 0 + Cross + (1 | Female) + (1 | Male)", "salamander", "bernoulli"),
        {"CrossR/R": (1.008, 0.35), "CrossW/R": (-1.896, 0.5)},
        {"Female": ([1.083], 0.4), "Male": ([1.021], 0.4)},
    ),
]


@pytest.mark.parametrize(("model", "coefs", "sds"), LME4, ids=[entry[0][0] for entry in LME4])
def test_estimates_are_close_to_those_of_lme4(pilot, model, coefs, sds):
    """Coefficients to an absolute tolerance, standard deviations to a relative one."""
    found, design = pilot(*model)
    assert found.converged
    labels = [coef.label for coef in design.predictors["mu"].coefs]
    for label, (value, tolerance) in coefs.items():
        ours = found.predictors["mu"].coefficients[labels.index(label)]
        assert ours == pytest.approx(value, abs=tolerance)
    for info, block in zip(design.groups, found.blocks, strict=True):
        values, tolerance = sds[info.group]
        np.testing.assert_allclose(block.sd, values, rtol=tolerance)


def test_a_growth_curve_is_close_to_that_of_nlme(pilot):
    formula = bf(
        "height ~ SSasymp(age, Asym, R0, lrc)", "Asym ~ 1 + (1 | Seed)", "R0 + lrc ~ 1", nl=True
    )
    priors = [
        prior("normal(100, 20)", nlpar="Asym"),
        prior("normal(-8, 4)", nlpar="R0"),
        prior("normal(-3, 1)", nlpar="lrc"),
    ]
    found, _ = pilot(formula, "loblolly", prior=priors)
    assert found.converged
    values = {name: part.coefficients[0] for name, part in found.predictors.items()}
    assert values["Asym"] == pytest.approx(101.45, abs=0.5)
    assert values["R0"] == pytest.approx(-8.627, abs=0.1)
    assert values["lrc"] == pytest.approx(-3.234, abs=0.01)
    assert found.scalars["sigma"] == pytest.approx(0.7189, rel=0.05)
    assert found.blocks[0].sd[0] == pytest.approx(3.651, rel=0.1)


def test_linear_regression_has_the_least_squares_estimate_and_its_precision(pilot):
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"x": rng.normal(size=50), "y": rng.normal(size=50)})
    found, _ = pilot("y ~ x", data, prior=[prior("normal(0, 1e6)", class_="Intercept")])
    line = stats.linregress(data["x"], data["y"])
    assert found.predictors["mu"].coefficients[1] == pytest.approx(line.slope, rel=1e-6)
    covariance = np.linalg.inv(found.precision)
    # The two differ in how sigma is estimated: posterior mode against N - 2.
    assert np.sqrt(covariance[1, 1]) == pytest.approx(line.stderr, rel=0.05)


def test_poisson_rows_have_their_mean_as_weight(pilot):
    found, _ = pilot("y ~ lbase", "epil", "poisson")
    part = found.predictors["mu"]
    np.testing.assert_allclose(part.weights, np.exp(part.eta), rtol=1e-4)


def test_information_is_what_finer_factors_let_through(pilot):
    """With normal rows, an effect nested above others meets their variance over their number."""
    rng = np.random.default_rng(2)
    outer, inner, _ = np.indices((12, 5, 4)).reshape(3, -1)
    y = rng.normal(size=12)[outer] + rng.normal(size=60)[outer * 5 + inner]
    data = pd.DataFrame({"y": y + rng.normal(size=y.size), "outer": outer, "inner": inner})
    data[["outer", "inner"]] = data[["outer", "inner"]].astype("category")
    found, design = pilot("y ~ 1 + (1 | outer/inner)", data)
    blocks = {info.group: block for info, block in zip(design.groups, found.blocks, strict=True)}
    row_variance = found.scalars["sigma"] ** 2
    inner_variance = blocks["outer:inner"].covariance[0, 0]
    expected = 5.0 / (inner_variance + row_variance / 4.0)
    np.testing.assert_allclose(blocks["outer"].information[:, 0, 0], expected, rtol=0.02)
    np.testing.assert_allclose(
        blocks["outer:inner"].information[:, 0, 0], 4.0 / row_variance, rtol=0.02
    )


def test_effects_that_can_stand_for_each_other_are_hardly_known(pilot):
    """Two copies of one column: the data know their sum, and neither of them."""
    data = pd.DataFrame({"g": pd.Categorical(np.arange(200) % 10)})
    data["z"] = np.random.default_rng(5).normal(size=10)[data["g"].cat.codes] + 2.0
    data["y"] = data["z"] + 0.1 * np.random.default_rng(6).normal(size=200)
    data["one"] = 1.0
    single, _ = pilot("y ~ 1 + (1 | g)", data)
    double, _ = pilot("y ~ 1 + (1 | g) + (0 + one | g)", data)
    assert single.blocks[0].odds.min() > 100
    assert double.blocks[0].odds.max() < 2


def test_it_is_deterministic(pilot):
    first, second = (pilot("y ~ lbase + (1 | subject)", "epil", "poisson")[0] for _ in range(2))
    np.testing.assert_array_equal(first.precision, second.precision)
    np.testing.assert_array_equal(first.blocks[0].odds, second.blocks[0].odds)


@pytest.mark.parametrize(
    ("formula", "family"),
    [
        ("y ~ 1 + (1 | g)", "bernoulli"),
        ("y ~ x + (x | g)", "poisson"),
        ("y ~ x + (1 | g)", "negbinomial"),
        ("z ~ x + (1 | g)", "student"),
        (bf("z ~ x + (1 | g)", "sigma ~ x + (1 | g)"), "gaussian"),
    ],
)
def test_awkward_data_do_not_stop_it(pilot, formula, family):
    """One row for each level, a response that never varies, a separating predictor."""
    data = pd.DataFrame({"y": [0, 0, 0, 1, 1, 1], "z": [1.0] * 5 + [1.0001], "x": range(6)})
    data["g"] = pd.Categorical(list("abcdef"))
    found, _ = pilot(formula, data, family)
    for part in found.predictors.values():
        assert np.isfinite(part.coefficients).all()
        assert np.isfinite(part.weights).all()
    for block in found.blocks:
        assert np.isfinite(block.odds).all()


def test_a_hundred_thousand_rows_take_seconds(pilot):
    rng = np.random.default_rng(1)
    nobs, levels = 100_000, 2_000
    g = rng.integers(levels, size=nobs)
    x = rng.normal(size=nobs)
    eta = 0.5 + 0.3 * x + 0.5 * rng.normal(size=levels)[g]
    data = pd.DataFrame({"x": x, "g": pd.Categorical(g), "y": rng.poisson(np.exp(eta))})
    found, _ = pilot("y ~ x + (x | g)", data, "poisson")
    assert found.predictors["mu"].coefficients[1] == pytest.approx(0.3, abs=0.02)
    assert found.blocks[0].sd[0] == pytest.approx(0.5, rel=0.06)
