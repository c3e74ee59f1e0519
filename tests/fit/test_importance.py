"""Pareto k and resampling, against distributions whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from brmspy.fit.importance import Importance, weigh


def exponential(size: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).exponential(size=size)


@pytest.mark.parametrize("k", [0.2, 0.5, 0.7, 1.2])
def test_k_of_pareto_ratios(k: float) -> None:
    # exp(k x) of a standard exponential x is a Pareto variable of shape k. The fit's prior draws
    # k towards 0.5, the less the more draws there are.
    found = weigh(k * exponential(100_000), np.zeros(100_000))
    assert abs(found.pareto_k - k) < 0.05


def test_bounded_ratios_have_a_negative_k() -> None:
    x = np.random.default_rng(2).normal(size=4000)
    assert weigh(-(x**2), -(x**2) / 2).pareto_k < 0


def test_constants_of_the_densities_count_nothing() -> None:
    x = exponential(4000)
    one, other = weigh(0.3 * x, -x), weigh(0.3 * x + 1e5, -x - 50)
    assert one.pareto_k == pytest.approx(other.pareto_k, rel=1e-6)
    np.testing.assert_allclose(one.weights, other.weights, rtol=1e-6)


def test_equal_densities() -> None:
    x = np.random.default_rng(3).normal(size=500)
    found = weigh(x + 1234.5, x)
    assert found.pareto_k == 0
    assert found.ess == pytest.approx(500)


def test_weighted_draws_have_the_moments_of_the_target() -> None:
    # From a wider normal than the target, whose mean is 1 and variance 1.
    x = 1.5 * np.random.default_rng(4).normal(size=100_000) + 0.5
    found = weigh(-((x - 1) ** 2) / 2, -((x - 0.5) ** 2) / 4.5)
    assert found.pareto_k < 0.5
    assert found.weights.sum() == pytest.approx(1)
    mean = (found.weights * x).sum()
    assert abs(mean - 1) < 0.02
    assert abs((found.weights * (x - mean) ** 2).sum() - 1) < 0.03
    # E[w]^2 / E[w^2] in closed form; with variances 1 and v it is sqrt(2 v - 1) / v times
    # exp(-d^2 / (2 v - 1)) for means that differ by d.
    v, d = 2.25, 0.5
    expected = np.sqrt(2 * v - 1) / v * np.exp(-(d**2) / (2 * v - 1))
    assert found.ess / 100_000 == pytest.approx(expected, rel=0.02)


def test_draws_without_density_have_no_weight() -> None:
    lp = np.where(np.arange(4000) < 100, -np.inf, 0.3 * exponential(4000))
    found = weigh(lp, np.zeros(4000))
    assert math.isfinite(found.pareto_k)
    assert found.weights[:100].max() < 1e-300
    assert found.weights.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    "lp",
    [
        np.full(1000, -np.inf),
        np.where(np.arange(1000) < 3, 0.0, -np.inf),  # no tail to speak of
        np.where(np.arange(1000) < 1, 0.0, -1e6),
        np.arange(4.0),
    ],
)
def test_without_a_tail_k_is_infinite(lp: np.ndarray) -> None:
    found = weigh(lp, np.zeros(len(lp)))
    assert found.pareto_k == math.inf
    assert found.weights.sum() == pytest.approx(1)


def test_the_arguments_are_left_as_they_are() -> None:
    lp, log_q = exponential(2000), np.zeros(2000)
    before = lp.copy()
    weigh(lp, log_q)
    np.testing.assert_array_equal(lp, before)


def counts(weights: np.ndarray, size: int, seed: int = 1) -> np.ndarray:
    found = Importance(0.1, weights).resample(size, seed)
    assert found.shape == (size,)
    return np.bincount(found, minlength=len(weights))


def test_equal_weights_take_every_draw_once() -> None:
    assert (counts(np.full(4000, 1 / 4000), 4000) == 1).all()


@pytest.mark.parametrize("size", [10, 1000, 5000])
def test_draws_are_taken_in_proportion_to_their_weights(size: int) -> None:
    weights = exponential(1000) ** 3
    weights[::7] = 0
    weights /= weights.sum()
    taken = counts(weights, size)
    assert taken[::7].sum() == 0
    # A weight of w overlaps two strata that it does not fill, at most.
    assert (np.abs(taken - size * weights) < 2).all()


def test_resampling_is_unbiased() -> None:
    weights = np.array([0.05, 0.45, 0.2, 0.3])
    mean = np.mean([counts(weights, 3, seed) for seed in range(4000)], axis=0)
    np.testing.assert_allclose(mean, 3 * weights, atol=0.03)


def test_resampling_follows_the_seed_and_not_the_order() -> None:
    importance = Importance(0.1, np.full(1000, 1e-3))
    first, again, other = (importance.resample(1000, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert abs(np.corrcoef(first, np.arange(1000))[0, 1]) < 0.1
