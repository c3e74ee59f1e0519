"""Linear mixed models: values of lme4, closed forms, the normal density itself, statsmodels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from brmspy import load_dataset
from brmspy.errors import BrmspyError
from brmspy.twin import EffectBlock, linear_mixed

pytestmark = pytest.mark.slow

LME4 = {
    "sleepstudy_reml": ("Reaction ~ Days + (Days | Subject)", "sleepstudy"),
    "sleepstudy_ml": ("Reaction ~ Days + (Days | Subject)", "sleepstudy"),
    "sleepstudy_uncorrelated_reml": ("Reaction ~ Days + (Days || Subject)", "sleepstudy"),
    "oats_reml": ("yields ~ varieties * nitrogen + (1 | blocks/varieties)", "oats"),
    "plant_growth_reml": ("weight ~ 1 + (1 | group)", "plant_growth"),
}

TOY = pd.DataFrame({"Resp": [10.0, 25, 3, 6], "Treat": [0, 1, 0, 1], "Ind": ["1", "1", "2", "2"]})


def fit(problem, **settings):
    return linear_mixed(
        problem.y, problem.X, problem.blocks, **{"offset": problem.offset, **settings}
    )


@pytest.mark.parametrize("name", LME4)
def test_models_are_those_of_lme4(problem, agrees, name):
    arrays = problem(*LME4[name])
    agrees(fit(arrays, reml=name.endswith("reml")), name, arrays.labels)


def test_the_four_point_example(problem, agrees):
    arrays = problem("Resp ~ Treat + (1 | Ind)", TOY)
    found = fit(arrays)
    agrees(found, "toy_ml", arrays.labels)
    # Balanced: closed forms. Sums of squares between and within individuals, in textbooks' names.
    assert found.coefficients == pytest.approx([6.5, 9.0])
    within, between = 36.0 / 2.0, 169.0 / 2.0
    assert found.scale**2 == pytest.approx(within, rel=1e-6)
    assert found.covariances[0][0, 0] == pytest.approx((between - within) / 2.0, rel=1e-5)


@pytest.mark.parametrize("reml", [False, True])
def test_likelihood_is_that_of_the_normal_density(problem, reml):
    """Crossed effects with slopes: the marginal density written out, and its maximum."""
    frame = crossed_data()
    arrays = problem("y ~ x + (x | g) + (1 | h)", frame)
    found = fit(arrays, reml=reml)
    V = marginal_covariance(arrays.blocks, found.covariances, found.scale)
    inverse = np.linalg.inv(V)
    information = arrays.X.T @ inverse @ arrays.X
    beta = np.linalg.solve(information, arrays.X.T @ inverse @ arrays.y)
    assert found.coefficients == pytest.approx(beta, rel=1e-8)
    assert found.covariance == pytest.approx(np.linalg.inv(information), rel=1e-6)
    value = stats.multivariate_normal(arrays.X @ beta, V).logpdf(arrays.y)
    if reml:
        k = len(beta)
        value += 0.5 * k * np.log(2 * np.pi) - 0.5 * np.linalg.slogdet(information)[1]
    assert found.log_likelihood == pytest.approx(value, abs=1e-8)

    def other(x):
        """Return the deviance at other sds, x in units of those found."""
        scaled = [C * np.outer(x[:2], x[:2]) if len(C) == 2 else C * x[2] ** 2 for C in found_C]
        W = marginal_covariance(arrays.blocks, scaled, found.scale * x[3])
        bread = arrays.X.T @ np.linalg.solve(W, arrays.X)
        b = np.linalg.solve(bread, arrays.X.T @ np.linalg.solve(W, arrays.y))
        log = stats.multivariate_normal(arrays.X @ b, W).logpdf(arrays.y)
        return -2 * log + (np.linalg.slogdet(bread)[1] if reml else 0.0)

    found_C = found.covariances
    moves = 1e-4 * np.eye(4)
    slopes = [(other(1 + move) - other(1 - move)) / 2e-4 for move in moves]
    assert np.abs(slopes).max() < 2e-3


def test_modes_are_best_linear_predictions(problem):
    arrays = problem("y ~ x + (x | g) + (1 | h)", crossed_data())
    found = fit(arrays)
    V = marginal_covariance(arrays.blocks, found.covariances, found.scale)
    residual = np.linalg.solve(V, arrays.y - arrays.X @ found.coefficients)
    fitted = arrays.X @ found.coefficients
    for block, C, modes in zip(arrays.blocks, found.covariances, found.modes, strict=True):
        for level in range(block.levels):
            rows = block.index == level
            expected = C @ block.Z[rows].T @ residual[rows]
            assert modes[level] == pytest.approx(expected, rel=1e-6, abs=1e-9)
        fitted = fitted + (block.Z * modes[block.index]).sum(axis=1)
    assert found.fitted == pytest.approx(fitted)


def test_sds_of_modes_given_the_parameters(problem):
    """One factor: inverse of the level's precision."""
    arrays = problem("Reaction ~ Days + (Days | Subject)", "sleepstudy")
    found = fit(arrays, reml=True)
    block = arrays.blocks[0]
    Z = block.Z[block.index == 3]
    precision = Z.T @ Z / found.scale**2 + np.linalg.inv(found.covariances[0])
    expected = np.sqrt(np.diagonal(np.linalg.inv(precision)))
    assert found.mode_sds[0][3] == pytest.approx(expected, rel=1e-8)


def test_agreement_with_statsmodels(problem):
    mixedlm = pytest.importorskip("statsmodels.regression.mixed_linear_model")
    frame = load_dataset("sleepstudy").iloc[3:].reset_index(drop=True)
    arrays = problem("Reaction ~ Days + (Days | Subject)", frame)
    found = fit(arrays, reml=True)
    model = mixedlm.MixedLM(arrays.y, arrays.X, arrays.blocks[0].index, exog_re=arrays.X)
    theirs = model.fit(reml=True)
    assert found.log_likelihood == pytest.approx(theirs.llf, abs=1e-3)
    assert found.coefficients == pytest.approx(theirs.fe_params, rel=1e-4)
    assert np.sqrt(np.diagonal(found.covariance)) == pytest.approx(theirs.bse_fe, rel=1e-3)
    assert found.covariances[0] == pytest.approx(np.asarray(theirs.cov_re), rel=0.02, abs=1.0)


def test_spreads_and_their_standard_errors(problem):
    """Balanced one-way layout: variances of the mean squares are known."""
    rng = np.random.default_rng(4)
    groups, size = 40, 6
    g = np.repeat(np.arange(groups), size)
    y = 3.0 + 2.0 * rng.normal(size=groups)[g] + rng.normal(size=len(g))
    one = np.ones((len(g), 1))
    found = linear_mixed(y, one, [EffectBlock(one, g, groups)], reml=True)
    means = y.reshape(groups, size).mean(axis=1)
    within = ((y.reshape(groups, size) - means[:, None]) ** 2).sum() / (groups * (size - 1))
    between = size * means.var(ddof=1)
    assert found.scale**2 == pytest.approx(within, rel=1e-6)
    variance = (between - within) / size
    assert found.covariances[0][0, 0] == pytest.approx(variance, rel=1e-5)
    assert found.spreads == pytest.approx(0.5 * np.log([variance, within]), rel=1e-5)
    # Variance of a mean square with f degrees of freedom: 2 E^2 / f.
    of_within = 2 * within**2 / (groups * (size - 1))
    of_variance = (2 * between**2 / (groups - 1) + of_within) / size**2
    expected = 0.5 * np.sqrt([of_variance, of_within]) / [variance, within]
    assert np.sqrt(np.diagonal(found.spreads_covariance)) == pytest.approx(expected, rel=0.01)


def test_spreads_hold_fishers_z_of_correlations(problem):
    found = fit(problem("Reaction ~ Days + (Days | Subject)", "sleepstudy"))
    C = found.covariances[0]
    sds = np.sqrt(np.diagonal(C))
    z = np.arctanh(C[0, 1] / sds.prod())
    assert found.spreads == pytest.approx([*np.log(sds), z, np.log(found.scale)])
    assert found.spreads_covariance.shape == (4, 4)
    assert np.all(np.linalg.eigvalsh(found.spreads_covariance) > 0)


def test_singular_fit_is_reported(problem):
    """Group means that are closer together than chance: the sd is zero, the rest is regression."""
    frame = pd.DataFrame({"y": [1.0, 5, 9, 1.1, 5.2, 8.7, 0.9, 4.8, 9.3], "g": list("aaabbbccc")})
    found = fit(problem("y ~ 1 + (1 | g)", frame), reml=True)
    assert found.converged
    assert found.singular
    assert "singular" in found.message
    assert found.covariances[0] == pytest.approx(np.zeros((1, 1)), abs=1e-6)
    assert found.scale == pytest.approx(frame["y"].std())
    assert found.modes[0] == pytest.approx(np.zeros((3, 1)), abs=1e-6)
    assert np.isnan(found.spreads_covariance[0, 0])
    assert np.isfinite(found.spreads_covariance[1, 1])


def test_without_groups_it_is_regression(problem):
    arrays = problem("Reaction ~ Days", "sleepstudy")
    found = fit(arrays, reml=True)
    expected = stats.linregress(arrays.X[:, 1], arrays.y)
    assert found.coefficients == pytest.approx([expected.intercept, expected.slope])
    se = np.sqrt(np.diagonal(found.covariance))
    assert se == pytest.approx([expected.intercept_stderr, expected.stderr])
    assert found.scale == pytest.approx(47.7147197438)
    assert found.modes == ()


def test_weights_divide_the_residual_variance(problem):
    arrays = problem("Reaction ~ Days + (1 | Subject)", "sleepstudy")
    weights = np.where(np.arange(len(arrays.y)) % 2, 4.0, 1.0)
    found = fit(arrays, weights=weights)
    V = marginal_covariance(arrays.blocks, found.covariances, found.scale, weights)
    density = stats.multivariate_normal(arrays.X @ found.coefficients, V)
    assert found.log_likelihood == pytest.approx(density.logpdf(arrays.y), abs=1e-8)


def test_replicates_are_rows_written_once(problem):
    """Effects are shared by the replicates: the sum over rows, within the integral."""
    frame = load_dataset("sleepstudy").iloc[:60]
    twice = pd.concat([frame, frame.iloc[::3]], ignore_index=True)
    whole = fit(problem("Reaction ~ Days + (1 | Subject)", twice))
    weights = np.where(np.arange(60) % 3 == 0, 2.0, 1.0)
    short = fit(problem("Reaction ~ Days + (1 | Subject)", frame), weights=weights, replicates=True)
    assert short.coefficients == pytest.approx(whole.coefficients, rel=1e-6)
    assert short.covariance == pytest.approx(whole.covariance, rel=1e-4)
    assert short.scale == pytest.approx(whole.scale, rel=1e-5)
    assert short.log_likelihood == pytest.approx(whole.log_likelihood, abs=1e-6)


def test_rows_of_weight_zero_are_left_out(problem):
    frame = load_dataset("sleepstudy")
    kept = frame["Days"] < 8
    short = fit(problem("Reaction ~ Days + (1 | Subject)", frame[kept]))
    whole = fit(
        problem("Reaction ~ Days + (1 | Subject)", frame), weights=kept * 1.0, replicates=True
    )
    assert whole.coefficients == pytest.approx(short.coefficients, rel=1e-6)
    assert whole.log_likelihood == pytest.approx(short.log_likelihood, abs=1e-6)


def test_offset_is_added_to_the_mean(problem):
    arrays = problem("Reaction ~ Days + (1 | Subject)", "sleepstudy")
    plain = fit(arrays)
    shifted = fit(replace(arrays, y=arrays.y + 7.0 * arrays.X[:, 1]), offset=7.0 * arrays.X[:, 1])
    assert shifted.coefficients == pytest.approx(plain.coefficients, rel=1e-6)
    assert shifted.fitted == pytest.approx(plain.fitted + 7.0 * arrays.X[:, 1], rel=1e-6)


@pytest.mark.parametrize("unit", [1e-3, 1e4])
def test_units_do_not_matter(problem, unit):
    frame = load_dataset("sleepstudy")
    plain = fit(problem("Reaction ~ Days + (Days | Subject)", frame), reml=True)
    frame["Days"] *= unit
    scaled = fit(problem("Reaction ~ Days + (Days | Subject)", frame), reml=True)
    back = np.array([1.0, unit])
    assert scaled.coefficients * back == pytest.approx(plain.coefficients, rel=1e-5)
    expected = plain.covariances[0] / np.outer(back, back)
    assert scaled.covariances[0] == pytest.approx(expected, rel=1e-3)


def test_many_levels_are_as_few(problem):
    """More effects than dense matrices are used for: the same closed form."""
    rng = np.random.default_rng(1)
    groups, size = 700, 3
    g = rng.permutation(np.repeat(np.arange(groups), size))
    y = rng.normal(size=groups)[g] + 0.5 * rng.normal(size=len(g))
    one = np.ones((len(g), 1))
    found = linear_mixed(y, one, [EffectBlock(one, g, groups)], reml=True)
    table = pd.Series(y).groupby(g)
    within = (table.var() * (size - 1)).sum() / (groups * (size - 1))
    between = size * table.mean().var()
    assert found.scale**2 == pytest.approx(within, rel=1e-5)
    variance = (between - within) / size
    assert found.covariances[0][0, 0] == pytest.approx(variance, rel=1e-4)
    sd = np.sqrt(1 / (size / within + 1 / variance))
    assert found.mode_sds[0] == pytest.approx(np.full((groups, 1), sd), rel=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": [1.0, 2.0, np.nan, 4.0]}, "response holds values that are not finite"),
        ({"y": [[1.0, 2.0]]}, "must be a vector"),
        ({"X": np.ones((3, 1))}, "X must have 4 rows"),
        ({"X": np.full((4, 1), np.inf)}, "X holds values"),
        ({"X": np.ones((4, 2))}, r"Columns \[1\] of X .* combinations"),
        ({"X": np.eye(4)}, "do not determine 4 coefficients"),
        ({"offset": [1.0]}, "offset has shape"),
        ({"weights": [1.0, 0.0, 1.0, 1.0]}, "Weights must be positive"),
        ({"weights": [1.0, -1.0, 1.0, 1.0], "replicates": True}, "must not be negative"),
        ({"weights": np.zeros(4), "replicates": True}, "not all of them zero"),
        ({"blocks": [EffectBlock(np.ones((3, 1)), [0, 0, 1], 2)]}, "Block 0 .* must have 4 rows"),
        ({"blocks": [EffectBlock(np.ones((4, 1)), [0, 0, 1, 2], 2)]}, "levels 0 to 1"),
        ({"blocks": [EffectBlock(np.full((4, 1), np.nan), [0, 0, 1, 1], 2)]}, "Z of block 0"),
        ({"y": [2.0, 2.0, 2.0, 2.0]}, "fit the response perfectly"),
    ],
)
def test_bad_arrays_are_refused(change, message):
    given = {"y": [1.0, 2.0, 4.0, 3.0], "X": np.ones((4, 1)), **change}
    with pytest.raises(BrmspyError, match=message):
        linear_mixed(**given)


def crossed_data():
    """Return unbalanced data with two crossed factors."""
    rng = np.random.default_rng(11)
    n = 150
    g, h = rng.integers(0, 12, n), rng.integers(0, 7, n)
    x = rng.normal(size=n)
    b = rng.multivariate_normal([0, 0], [[1.0, 0.3], [0.3, 0.5]], size=12)
    y = 1 + 2 * x + b[g, 0] + b[g, 1] * x + rng.normal(size=7)[h] + 0.7 * rng.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "g": g.astype(str), "h": h.astype(str)})


def marginal_covariance(blocks, covariances, scale, weights=1.0):
    """Return the covariance of the response, effects integrated out."""
    V = np.diag(np.full(len(blocks[0].index), scale**2) / weights)
    for block, C in zip(blocks, covariances, strict=True):
        same = block.index[:, None] == block.index
        V = V + same * (block.Z @ C @ block.Z.T)
    return V
