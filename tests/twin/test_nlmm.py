"""Non-linear mixed models: values of nlme and nls, and models that are linear after all."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from brmspy import load_dataset
from brmspy.errors import BrmspyError
from brmspy.twin import EffectBlock, linear_mixed, nonlinear_mixed

pytestmark = pytest.mark.slow


def loblolly(rows=slice(None)):
    """Return heights, the curve, and the grouping factor."""
    trees = load_dataset("loblolly").iloc[rows]
    age = trees["age"].to_numpy()
    seed = trees["Seed"].cat.remove_unused_categories().cat

    def curve(p):
        asym, first, rate = p.T
        return asym + (first - asym) * np.exp(-np.exp(rate) * age)

    def jacobian(p):
        asym, first, rate = p.T
        left = np.exp(-np.exp(rate) * age)
        return np.column_stack([1 - left, left, (asym - first) * left * np.exp(rate) * age])

    y = trees["height"].to_numpy()
    return y, np.ones((len(y), 1)), seed.codes.to_numpy(), len(seed.categories), curve, jacobian


LABELS = ["Asym", "R0", "lrc"]


@pytest.mark.parametrize("start", [[100, -8, -3], [80, 0, -2.5], [103, -8.5, -3.3]])
def test_one_varying_parameter_is_as_in_nlme(agrees, start):
    y, one, seed, levels, curve, _ = loblolly()
    found = nonlinear_mixed(y, [one] * 3, [EffectBlock(one, seed, levels)], curve, start)
    agrees(found, "loblolly_nlme_asym", LABELS)


def test_two_varying_parameters_are_as_in_nlme(agrees):
    y, one, seed, levels, curve, jacobian = loblolly()
    Z = np.ones((len(y), 2))
    block = EffectBlock(Z, seed, levels, correlated=False, predictors=(0, 2))
    found = nonlinear_mixed(y, [one] * 3, [block], curve, [100, -8, -3])
    # A zero correlation among the spreads would not be among nlme's.
    C = found.covariances[0]
    assert C[0, 1] == 0.0
    sds = np.sqrt(np.diagonal(C))
    assert sds == pytest.approx([2.80618464, 0.03449969], rel=0.01)
    assert found.scale == pytest.approx(0.69200034, rel=0.01)
    assert found.log_likelihood == pytest.approx(-113.4831131214, abs=0.05)
    assert found.coefficients == pytest.approx([101.8520, -8.59039, -3.240109], rel=1e-3)
    se = np.sqrt(np.diagonal(found.covariance))
    assert se == pytest.approx([2.3239828058, 0.30584410409, 0.034501667291], rel=0.02)
    assert found.converged
    assert found.parameters == 6
    two_blocks = [
        EffectBlock(one, seed, levels, predictors=(0,)),
        EffectBlock(one, seed, levels, predictors=(2,)),
    ]
    same = nonlinear_mixed(y, [one] * 3, two_blocks, curve, [100, -8, -3], jacobian=jacobian)
    assert same.log_likelihood == pytest.approx(found.log_likelihood, abs=1e-4)
    assert same.coefficients == pytest.approx(found.coefficients, rel=1e-4)


@pytest.mark.parametrize("start", [[100, -8, -3], [110, -5, -3.5]])
def test_correlated_parameters_are_no_worse_than_independent_ones(start):
    """The search is not caught at a correlation of one, where a lower maximum is."""
    y, one, seed, levels, curve, _ = loblolly()
    block = EffectBlock(np.ones((len(y), 2)), seed, levels, predictors=(0, 2))
    found = nonlinear_mixed(y, [one] * 3, [block], curve, start)
    assert found.converged
    assert not found.singular
    assert found.log_likelihood > -113.48
    C = found.covariances[0]
    assert C[0, 1] / np.sqrt(C[0, 0] * C[1, 1]) == pytest.approx(-0.805, abs=0.01)


def test_orange_trees():
    """Pinheiro and Bates (2000), chapter 8: the logistic curve, one asymptote for each tree."""
    data = load_dataset("orange")
    age, one = data["age"].to_numpy(), np.ones((len(data), 1))
    tree = data["Tree"].cat.codes.to_numpy()

    def curve(p):
        return p[:, 0] / (1 + np.exp((p[:, 1] - age) / p[:, 2]))

    found = nonlinear_mixed(
        data["circumference"], [one] * 3, [EffectBlock(one, tree, 5)], curve, [190, 700, 350]
    )
    assert found.coefficients == pytest.approx([191.05, 722.56, 344.16], abs=0.01)
    assert np.sqrt(np.diagonal(found.covariance)) == pytest.approx([16.15, 35.15, 27.15], abs=0.01)
    assert np.sqrt(found.covariances[0][0, 0]) == pytest.approx(31.48, abs=0.01)
    assert found.scale == pytest.approx(7.846, abs=0.001)
    assert found.log_likelihood == pytest.approx(-131.5846, abs=0.001)


def test_a_linear_curve_is_the_linear_model():
    data = load_dataset("sleepstudy")
    days, one = data["Days"].to_numpy(), np.ones((len(data), 1))
    subject = data["Subject"].cat.codes.to_numpy()
    X = np.column_stack([one, days])
    for reml in (False, True):
        linear = linear_mixed(data["Reaction"], X, [EffectBlock(X, subject, 18)], reml=reml)
        found = nonlinear_mixed(
            data["Reaction"],
            [one, one],
            [EffectBlock(np.ones((len(data), 2)), subject, 18, predictors=(0, 1))],
            lambda p: p[:, 0] + p[:, 1] * days,
            [200, 0],
            reml=reml,
        )
        assert found.log_likelihood == pytest.approx(linear.log_likelihood, abs=1e-6)
        assert found.coefficients == pytest.approx(linear.coefficients, rel=1e-6)
        assert found.covariances[0] == pytest.approx(linear.covariances[0], rel=5e-3)
        assert found.modes[0] == pytest.approx(linear.modes[0], abs=0.1)
        assert found.mode_sds[0] == pytest.approx(linear.mode_sds[0], rel=1e-2)
        assert found.fitted == pytest.approx(linear.fitted, rel=1e-3)
        # With ML, nlme's standard errors are larger by the degrees of freedom.
        scale = 1.0 if reml else 180 / 178
        assert found.covariance == pytest.approx(scale * linear.covariance, rel=1e-3)


def test_without_groups_it_is_least_squares():
    """Puromycin: estimates of nls; its standard errors divide by the degrees of freedom, too."""
    data = load_dataset("puromycin").query("state == 'treated'")
    conc, one = data["conc"].to_numpy(), np.ones((len(data), 1))

    def curve(p):
        return p[:, 0] * conc / (p[:, 1] + conc)

    found = nonlinear_mixed(data["rate"], [one, one], [], curve, [205, 0.08])
    assert found.coefficients == pytest.approx([212.6837072712, 0.064121225794], rel=1e-3)
    se = np.sqrt(np.diagonal(found.covariance))
    assert se == pytest.approx([6.9471531979, 0.0082809435242], rel=0.01)
    assert found.modes == ()
    theirs = optimize.curve_fit(lambda x, a, b: a * x / (b + x), conc, data["rate"], [205, 0.08])
    assert found.covariance == pytest.approx(theirs[1], rel=1e-4)


def test_predictors_with_covariates_and_offsets():
    """Puromycin: both states at once, with the treated ones' difference as a coefficient."""
    data = load_dataset("puromycin")
    conc = data["conc"].to_numpy()
    treated = (data["state"] == "treated").to_numpy(float)
    X = np.column_stack([np.ones(len(data)), treated])

    def curve(p):
        return p[:, 0] * conc / (p[:, 1] + conc)

    found = nonlinear_mixed(data["rate"], [X, X], [], curve, [160, 40, 0.05, 0.01])
    expected = [160.2801158935, 212.6837072712 - 160.2801158935]
    assert found.coefficients[:2] == pytest.approx(expected, rel=1e-3)
    shifted = nonlinear_mixed(
        data["rate"],
        [X, X],
        [],
        curve,
        [60, 40, 0.05, 0.01],
        offsets=[np.full(len(data), 100), None],
    )
    assert shifted.coefficients[0] == pytest.approx(found.coefficients[0] - 100, rel=1e-5)
    assert shifted.coefficients[1:] == pytest.approx(found.coefficients[1:], rel=1e-5)


def test_modes_minimise_the_penalised_sum_of_squares():
    y, one, seed, levels, curve, _ = loblolly()
    found = nonlinear_mixed(y, [one] * 3, [EffectBlock(one, seed, levels)], curve, [100, -8, -3])
    sd = np.sqrt(found.covariances[0][0, 0])
    own = seed == 4
    rows = np.tile(found.coefficients, (len(y), 1))

    def penalised(b):
        moved = rows + np.outer(own * b, [1, 0, 0])
        residuals = (y - curve(moved))[own]
        return np.square(residuals).sum() / found.scale**2 + (b / sd) ** 2

    best = optimize.minimize_scalar(penalised, bracket=(-5, 5))
    assert found.modes[0][4, 0] == pytest.approx(best.x, abs=1e-4)
    moved = rows + np.outer(own * best.x, [1, 0, 0])
    assert found.fitted[own] == pytest.approx(curve(moved)[own], rel=1e-5)


def test_weights_are_rows_of_smaller_variance():
    y, one, seed, levels, curve, _ = loblolly()
    weights = np.where(np.arange(len(y)) % 2, 2.0, 1.0)
    block = EffectBlock(one, seed, levels)
    found = nonlinear_mixed(y, [one] * 3, [block], curve, [100, -8, -3], weights=weights)
    plain = nonlinear_mixed(y, [one] * 3, [block], curve, [100, -8, -3])
    assert found.converged
    assert found.coefficients == pytest.approx(plain.coefficients, rel=0.1)
    scaled = nonlinear_mixed(y, [one] * 3, [block], curve, [100, -8, -3], weights=4.0 * weights)
    assert scaled.scale == pytest.approx(2.0 * found.scale, rel=1e-4)
    assert scaled.log_likelihood == pytest.approx(found.log_likelihood, abs=1e-5)


def test_replicates_are_rows_written_once():
    """One effect for each seed, shared by its replicates."""
    rows = np.concatenate([np.arange(84), np.arange(0, 84, 2)])
    y, one, seed, levels, curve, _ = loblolly(rows)
    whole = nonlinear_mixed(y, [one] * 3, [EffectBlock(one, seed, levels)], curve, [100, -8, -3])
    y, one, seed, levels, curve, _ = loblolly()
    short = nonlinear_mixed(
        y,
        [one] * 3,
        [EffectBlock(one, seed, levels)],
        curve,
        [100, -8, -3],
        weights=np.where(np.arange(84) % 2, 1.0, 2.0),
        replicates=True,
    )
    assert short.coefficients == pytest.approx(whole.coefficients, rel=1e-5)
    assert short.covariance == pytest.approx(whole.covariance, rel=1e-4)
    assert short.scale == pytest.approx(whole.scale, rel=1e-5)
    assert short.log_likelihood == pytest.approx(whole.log_likelihood, abs=1e-5)


def test_singular_fit_is_reported():
    """Two seeds of the same tree: nothing varies."""
    y, one, _, _, curve, _ = loblolly()
    pairs = np.tile([0, 1, 2], len(y))[: len(y)]
    found = nonlinear_mixed(y, [one] * 3, [EffectBlock(one, pairs, 3)], curve, [100, -8, -3])
    assert found.singular
    assert "singular" in found.message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start": [100, -8]}, "start must hold 3 finite numbers"),
        ({"start": [100, -8, np.nan]}, "start must hold 3 finite numbers"),
        ({"offsets": [None]}, "3 parameters, but 1 offsets"),
        ({"predictors": (3,)}, "parameters 0 to 2"),
        ({"predictors": (0, 1)}, "1 coefficients"),
        ({"curve": lambda p: np.full(len(p), np.nan)}, "not finite in all rows at the start"),
        ({"designs": [np.ones((84, 2))] + [np.ones((84, 1))] * 2}, "combinations"),
    ],
)
def test_bad_arguments_are_refused(change, message):
    y, one, seed, levels, curve, _ = loblolly()
    block = EffectBlock(one, seed, levels, predictors=change.get("predictors", (0,)))
    with pytest.raises(BrmspyError, match=message):
        nonlinear_mixed(
            y,
            change.get("designs", [one] * 3),
            [block],
            change.get("curve", curve),
            change.get("start", [100, -8, -3]),
            offsets=change.get("offsets"),
        )
