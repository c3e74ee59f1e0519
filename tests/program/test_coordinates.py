"""The sampler's coordinates are another way to write the same linear predictor."""

from __future__ import annotations

import numpy as np
import pytest

from brmspy.pilot import BlockPilot
from brmspy.program.coordinates import BlockColumns, centre, whitening
from brmspy.program.terms import within_levels

NOBS = 60
RNG = np.random.default_rng(3)


def block(index, Z, centred):
    """A block whose levels are centred in turn; a list for each coefficient, or one for all."""
    index = np.asarray(index)
    levels, size = index.max() + 1, np.shape(Z)[1]
    columns = centred if isinstance(centred[0], list) else [centred] * size
    flags = np.column_stack([np.resize(column, levels) for column in columns])
    return BlockColumns(index, np.asarray(Z, dtype=float), levels, flags, bool(flags.any()))


ONES = np.ones((NOBS, 1))
COVARIATE = RNG.normal(size=(NOBS, 1))
FINE = np.arange(NOBS) // 2  # 30 levels
MIDDLE = FINE // 3  # 10 levels, each of 3 fine ones
COARSE = MIDDLE // 4  # 3 levels, the last with fewer
CROSSED = np.arange(NOBS) % 7
SLOPE = np.hstack([ONES, COVARIATE])

STRUCTURES = {
    "one factor": {0: block(MIDDLE, ONES, [True])},
    "some levels": {0: block(MIDDLE, ONES, [True, False, True])},
    "slopes": {0: block(MIDDLE, SLOPE, [True])},
    "slopes with too few rows": {0: block(FINE, np.hstack([ONES, ONES * 2.0]), [True])},
    "nested": {0: block(FINE, ONES, [True]), 1: block(MIDDLE, ONES, [True])},
    "nested, parent not centred": {0: block(FINE, ONES, [True]), 1: block(MIDDLE, ONES, [False])},
    "three nested, some levels": {
        0: block(COARSE, ONES, [True]),
        1: block(MIDDLE, SLOPE, [True, False]),
        2: block(FINE, ONES, [True, True, False]),
    },
    "one coefficient of two": {0: block(MIDDLE, SLOPE, [[True, True, False], [False, True]])},
    "crossed": {0: block(CROSSED, ONES, [True]), 1: block(MIDDLE, ONES, [True])},
    "one row for each level": {0: block(np.arange(NOBS), ONES, [True])},
}


@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_linear_predictor_is_the_same(structure):
    blocks = STRUCTURES[structure]
    X = np.hstack([ONES, COVARIATE, (MIDDLE % 2)[:, None], RNG.normal(size=(NOBS, 1))])
    mapped = centre(X, blocks, RNG.uniform(0.5, 2.0, size=NOBS))
    coefs = RNG.normal(size=4)
    r = {n: RNG.normal(size=(b.levels, b.Z.shape[1])) for n, b in blocks.items()}
    expected = X @ coefs
    for number, b in blocks.items():
        expected = expected + (b.Z * r[number][b.index]).sum(axis=1)
    # Coordinates of coarser factors come first, as finer ones are centred on them.
    w = {n: effects.ravel().copy() for n, effects in r.items()}
    for number in sorted(blocks, key=lambda n: blocks[n].levels):
        if number in mapped.blocks:
            part = mapped.blocks[number]
            centres = part.B @ coefs
            for other, share in part.E.items():
                centres = centres + share @ w[other]
            w[number][blocks[number].centred.ravel()] += centres
    ours = mapped.A @ coefs + sum(Z @ w[n] for n, Z in mapped.Z.items())
    np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-9)


def test_what_is_constant_within_levels_leaves_the_rows():
    X = np.hstack([ONES, (MIDDLE % 2)[:, None], COVARIATE])
    blocks = {0: block(MIDDLE, ONES, [True]), 1: block(FINE, ONES, [True])}
    mapped = centre(X, blocks, np.ones(NOBS))
    assert not mapped.A[:, :2].any()
    assert np.abs(mapped.A[:, 2]).max() > 0.1
    assert mapped.Z[0].nnz == 0, "the coarser effects are in the centres of the finer"
    np.testing.assert_allclose(mapped.blocks[0].B[:, 1], np.arange(10) % 2)
    np.testing.assert_allclose(mapped.blocks[1].B[:, :2], 0.0, atol=1e-12)


def test_levels_that_are_not_centred_keep_their_rows():
    blocks = {0: block(MIDDLE, ONES, [True] * 5 + [False] * 5)}
    mapped = centre(ONES, blocks, np.ones(NOBS))
    np.testing.assert_array_equal(mapped.A[:, 0], (MIDDLE >= 5).astype(float))


def test_whitened_coefficients_have_the_covariance_of_the_pilot():
    root = RNG.normal(size=(4, 4))
    precision = root @ root.T + np.eye(4)
    found = whitening(np.arange(4.0), precision)
    np.testing.assert_allclose(found.scale @ found.scale.T, np.linalg.inv(precision), rtol=1e-10)
    np.testing.assert_array_equal(found.scale, np.triu(found.scale))


@pytest.mark.parametrize(
    "precision", [np.diag([1.0, 0.0]), np.ones((2, 2)), np.full((2, 2), np.nan)]
)
def test_directions_that_the_data_leave_open_are_not_whitened(precision):
    assert whitening(np.zeros(2), precision) is None


@pytest.mark.parametrize("mode", [0.0, 0.001, 5.0, -3.0])
def test_a_mode_at_its_bound_gives_finite_coordinates(mode):
    precision = np.diag([4.0, 0.25])
    bounds = np.array([0.0, -np.inf]), np.array([np.inf, 10.0])
    found = whitening(np.array([mode, 10.0 + mode]), precision, *bounds)
    assert np.isfinite(found.location).all()
    assert np.isfinite(found.scale).all()
    assert np.diagonal(found.scale).all()


def found_levels(count):
    """A pilot fit of levels with three effects each."""
    roots = np.random.default_rng(9).normal(size=(count, 3, 3))
    return BlockPilot(
        covariance=np.diag([1.0, 4.0, 0.25]),
        effects=np.zeros((count, 3)),
        information=roots @ np.swapaxes(roots, 1, 2),
        alone=np.zeros((count, 3, 3)),
    )


def test_means_of_few_levels_are_sampled_as_they_are():
    within = within_levels("_1", found_levels(20), np.arange(20), 3)
    np.testing.assert_array_equal(within.C.matrix.toarray(), np.eye(60))


def test_means_of_a_level_are_near_independent():
    found = found_levels(120)
    levels, lead = np.array([1, 2, 5]), 2
    within = within_levels("_1", found, levels, lead)
    C = within.C.matrix.toarray()
    np.testing.assert_array_equal(np.diagonal(C), 1.0)
    np.testing.assert_array_equal(np.triu(C, 1), 0.0)
    covariance = np.linalg.inv(found.information + np.diag([1.0, 0.25, 4.0]))[levels, :lead, :lead]
    implied = C @ np.diag(within.variances) @ C.T
    for number in range(3):
        place = slice(2 * number, 2 * number + 2)
        np.testing.assert_allclose(implied[place, place], covariance[number])
    means = np.arange(6.0)
    back = within.means(within.coordinates(means)[None, None])
    np.testing.assert_allclose(back[0, 0], means)
    assert within_levels("_1", found, levels[:0], lead).coordinates(means[:0]).size == 0
