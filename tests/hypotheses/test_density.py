"""The density at a point: against closed forms, in the middle, at boundaries and in tails."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from brmspy.hypotheses.density import density_at

INFINITE = (-np.inf, np.inf)

CASES = [
    ("normal", stats.norm(), INFINITE, (0.0, 1.0, -2.0), 0.06),
    ("shifted and scaled", stats.norm(250, 1e-3), INFINITE, (250.0, 250.001), 0.06),
    ("student", stats.t(3), INFINITE, (0.0, 1.5, -3.0), 0.1),
    ("skewed", stats.gamma(4), (0.0, np.inf), (3.0, 1.0, 7.0), 0.12),
    ("exponential", stats.expon(), (0.0, np.inf), (0.0, 0.1, 1.0), 0.1),
    ("half normal", stats.halfnorm(scale=30), (0.0, np.inf), (0.0, 3.0), 0.1),
    ("half student", stats.foldcauchy(0), (0.0, np.inf), (0.0,), 0.1),
    ("uniform", stats.uniform(2, 3), (2.0, 5.0), (2.0, 3.3, 5.0), 0.1),
    ("upper end", stats.loguniform(1, 2), (1.0, 2.0), (1.0, 2.0), 0.1),
    ("zero at the boundary", stats.gamma(3), (0.0, np.inf), (0.5,), 0.2),
]


@pytest.mark.parametrize(
    ("variable", "support", "points", "tolerance"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_known_densities(
    variable: stats.rv_continuous,
    support: tuple[float, float],
    points: tuple[float, ...],
    tolerance: float,
) -> None:
    draws = variable.rvs(size=40_000, random_state=np.random.default_rng(3))
    for point in points:
        expected = variable.pdf(point)
        assert density_at(draws, point, *support) == pytest.approx(expected, rel=tolerance), point


@pytest.mark.parametrize("distance", [4.0, 6.0, 10.0])
def test_the_tail_of_a_normal_density(distance: float) -> None:
    # Exact but for the noise of mean and variance, which counts for more far out.
    draws = np.random.default_rng(1).normal(size=4000)
    found, expected = density_at(draws, distance), stats.norm.pdf(distance)
    assert abs(np.log(found) - np.log(expected)) < 0.15 * distance**2 / 2


def test_a_boundary_far_away_does_not_matter() -> None:
    draws = np.random.default_rng(1).normal(50, 1, size=4000)
    assert density_at(draws, 50.5, 0.0) == pytest.approx(density_at(draws, 50.5), rel=1e-6)


def test_bounded_and_unbounded_fits_agree() -> None:
    # The boundary is near enough to be counted, and too far to change anything.
    draws = np.random.default_rng(1).normal(0, 1, size=4000)
    assert density_at(draws, 0.5, -3.9) == pytest.approx(density_at(draws, 0.5), rel=1e-3)


def test_the_scale_follows_the_units() -> None:
    draws = np.random.default_rng(1).gamma(3, size=4000)
    assert density_at(1e6 * draws, 2e6, 0.0) == pytest.approx(1e-6 * density_at(draws, 2.0, 0.0))


def test_outside_and_constant() -> None:
    draws = np.random.default_rng(1).gamma(3, size=400)
    assert density_at(draws, -0.1, 0.0) == 0.0
    assert density_at(np.full(100, 3.0), 3.0) == np.inf
    assert density_at(np.full(100, 3.0), 4.0) == 0.0
    atom = np.concatenate([np.full(600, 1.0), np.linspace(5, 9, 400)])
    assert density_at(atom, 1.0) == np.inf


def test_few_and_tied_draws() -> None:
    assert density_at(np.arange(20.0), 9.5) == pytest.approx(1 / 20, rel=0.3)
    draws = np.random.default_rng(1).normal(size=2000)
    assert density_at(np.repeat(draws, 8), 0.0) == pytest.approx(density_at(draws, 0.0), rel=0.1)
