"""Diagnostics against ArviZ, and against what is known of autoregressive chains."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator

import numpy as np
import pytest

from brmspy.fit.diagnostics import diagnose, e_bfmi, mcse_mean, mcse_sd

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)
    import arviz as az


def autoregressive(phi: float, chains: int, draws: int, seed: int = 1) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(chains, draws))
    for place in range(1, draws):
        noise[:, place] += phi * noise[:, place - 1]
    return noise


def shifted(draws: np.ndarray) -> np.ndarray:
    return draws + 2.0 * (np.arange(len(draws)) == 0)[:, None]


CASES = {
    "independent": lambda c, n: autoregressive(0, c, n),
    "antithetic": lambda c, n: autoregressive(-0.8, c, n),
    "sticky": lambda c, n: autoregressive(0.9, c, n),
    "nearly stuck": lambda c, n: autoregressive(0.999, c, n),
    "one chain elsewhere": lambda c, n: shifted(autoregressive(0.3, c, n)),
    "chains differ in scale": lambda c, n: autoregressive(0, c, n) * np.arange(1, c + 1)[:, None],
    "ties": lambda c, n: np.round(autoregressive(0.5, c, n)),
    "two values": lambda c, n: (autoregressive(0.5, c, n) > 0).astype(float),
    "heavy tails": lambda c, n: np.tan(np.pi * np.random.default_rng(3).uniform(-0.5, 0.5, (c, n))),
    "tiny": lambda c, n: 1e-20 * autoregressive(0, c, n),
    "far from zero": lambda c, n: 1e8 + autoregressive(0, c, n),
    "constant": lambda c, n: np.full((c, n), 0.1),
    "chains stuck apart": lambda c, n: np.repeat(np.arange(c)[:, None] * 1.0, n, axis=1),
    "one chain stuck": lambda c, n: np.where(
        np.arange(c)[:, None] == 0, 0.3, autoregressive(0, c, n)
    ),
    "a NaN": lambda c, n: np.where(np.arange(c * n).reshape(c, n) == 1, np.nan, 1.0),
}
SHAPES = [(4, 1000), (2, 501), (3, 7), (4, 4), (4, 5), (5, 33), (8, 100)]


@pytest.fixture(autouse=True)
def _quiet_arviz() -> Iterator[None]:
    """ArviZ divides zero by zero for constants."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


@pytest.mark.parametrize(("chains", "draws"), SHAPES)
def test_equal_to_arviz(chains: int, draws: int) -> None:
    stacked = np.stack([make(chains, draws) for make in CASES.values()], axis=-1)
    ours = diagnose(stacked)
    compared = {
        "rhat": (ours.rhat, az.rhat),
        "bulk": (ours.ess_bulk, lambda x: az.ess(x, method="bulk")),
        "tail": (ours.ess_tail, lambda x: az.ess(x, method="tail")),
        "mcse mean": (mcse_mean(stacked), lambda x: az.mcse(x, method="mean")),
        "mcse sd": (mcse_sd(stacked), lambda x: az.mcse(x, method="sd")),
    }
    for name, (values, reference) in compared.items():
        for place, case in enumerate(CASES):
            expected = float(reference(stacked[..., place]))
            assert values[place] == pytest.approx(expected, rel=1e-8, nan_ok=True), (name, case)


def test_effective_size_of_an_autoregressive_chain() -> None:
    # The asymptotic variance of the mean of an AR(1) process gives n (1 - phi) / (1 + phi).
    phis = np.array([-0.3, 0.0, 0.5, 0.8])
    draws = np.stack([autoregressive(phi, 4, 20_000, seed=5) for phi in phis], axis=-1)
    expected = 80_000 * (1 - phis) / (1 + phis)
    np.testing.assert_allclose(diagnose(draws).ess_bulk, expected, rtol=0.1)
    sd = 1 / np.sqrt(1 - phis**2)
    np.testing.assert_allclose(mcse_mean(draws), sd / np.sqrt(expected), rtol=0.1)


def test_rhat_sees_place_and_scale() -> None:
    draws = np.random.default_rng(1).normal(size=(4, 500, 3))
    draws[0, :, 1] += 3
    draws[0, :, 2] *= 5
    rhat = diagnose(draws).rhat
    assert rhat[0] < 1.01
    assert (rhat[1:] > 1.1).all()


def test_rhat_of_one_chain_compares_its_halves() -> None:
    steady = np.random.default_rng(1).normal(size=(1, 1000))
    trend = steady + np.linspace(0, 5, 1000)
    assert diagnose(steady).rhat < 1.02
    assert diagnose(trend).rhat > 1.5


@pytest.mark.parametrize("shape", [(4, 100), (4, 100, 0), (4, 100, 5), (4, 100, 3, 2)])
def test_results_have_the_parameters_shape(shape: tuple[int, ...]) -> None:
    found = diagnose(np.random.default_rng(1).normal(size=shape))
    assert found.rhat.shape == found.ess_bulk.shape == found.finite.shape == shape[2:]
    assert not np.isnan(found.rhat).any()


def test_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = np.random.default_rng(1).normal(size=(4, 100, 50))
    whole = diagnose(draws)
    monkeypatch.setattr("brmspy.fit.diagnostics._BLOCK_VALUES", 1300)
    blocks = diagnose(draws)
    np.testing.assert_array_equal(whole.rhat, blocks.rhat)
    np.testing.assert_array_equal(whole.ess_tail, blocks.ess_tail)


@pytest.mark.parametrize("draws", [0, 1, 3])
def test_too_few_draws_give_nothing(draws: int) -> None:
    found = diagnose(np.zeros((2, draws, 3)))
    assert np.isnan(found.rhat).all()
    assert np.isnan(found.ess_bulk).all()


@pytest.mark.parametrize(("bad", "ess_known"), [(np.nan, False), (np.inf, True)])
def test_draws_that_are_not_finite(bad: float, ess_known: bool) -> None:
    draws = np.random.default_rng(1).normal(size=(4, 100, 2))
    draws[1, 5, 1] = bad
    found = diagnose(draws)
    assert found.finite.tolist() == [True, False]
    assert np.isfinite(found.ess_bulk).tolist() == [True, ess_known]


def test_e_bfmi_equals_arviz() -> None:
    energy = np.random.default_rng(1).normal(size=(4, 300)).cumsum(axis=1)
    energy[0] = np.random.default_rng(2).normal(size=300)
    found = e_bfmi(energy)
    np.testing.assert_allclose(found, az.bfmi(energy), rtol=1e-12)
    assert (found < 0.3).tolist() == [False, True, True, True]


@pytest.mark.slow
def test_two_thousand_parameters_are_quick() -> None:
    # Half a second on two idle cores. Processor time, because other work slows the clock's.
    draws = np.random.default_rng(1).normal(size=(4, 1000, 2000))
    times = []
    for _ in range(3):
        start = time.process_time()
        diagnose(draws)
        times.append(time.process_time() - start)
    assert min(times) < 2.0
