"""What the sampler can be told, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from brmspy.engine.sampling import SampleOptions
from brmspy.errors import SamplingError

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"chains": 0}, "chains = 0 is not valid: it must be a whole number of at least 1"),
    ({"chains": 2.0}, "chains = 2.0 is not valid"),
    ({"chains": True}, "chains = True is not valid"),
    ({"chains": "4"}, "chains = '4' is not valid"),
    ({"iter_warmup": -1}, "iter_warmup = -1 is not valid: .* at least 0"),
    ({"iter_sampling": 0}, "iter_sampling = 0 is not valid"),
    ({"iter_sampling": 2**31}, "iter_sampling = 2147483648 is not valid"),
    ({"thin": 0}, "thin = 0 is not valid"),
    ({"cores": 0}, "cores = 0 is not valid"),
    ({"threads": 0}, "threads = 0 is not valid"),
    ({"max_treedepth": 0}, "max_treedepth = 0 is not valid"),
    ({"seed": -1}, "seed = -1 is not valid: it must be a whole number from 0 to 4294967295"),
    ({"seed": 2**32}, "seed = 4294967296 is not valid"),
    ({"seed": 1.5}, "seed = 1.5 is not valid"),
    ({"adapt_delta": 0}, "adapt_delta = 0 is not valid: it is a probability between 0 and 1"),
    ({"adapt_delta": 1.0}, "adapt_delta = 1.0 is not valid"),
    ({"adapt_delta": 95}, "adapt_delta = 95 is not valid"),
    ({"adapt_delta": float("nan")}, "adapt_delta = nan is not valid"),
    ({"adapt_delta": "high"}, "adapt_delta = 'high' is not valid"),
    ({"metric": "diag"}, "metric = 'diag' is not valid. Did you mean 'diag_e'"),
    ({"inits": -1}, "init = -1 is not valid: a number x draws"),
    ({"inits": float("inf")}, "init = inf is not valid"),
    ({"inits": "random"}, "init = 'random' is not valid. Give a number"),
    ({"inits": [1, 2, 3, 4]}, "is not valid. Give a number"),
    ({"inits": [{"b": 1}]}, "init has 1 value for 4 chains"),
    ({"step_size": 0}, "step sizes are positive"),
    ({"step_size": [0.1, 0.2]}, "step_size has 2 values for 4 chains"),
    ({"step_size": [0.1, 0.2, -0.3, 0.4]}, "step sizes are positive"),
    ({"inv_metric": np.eye(2)}, "'diag_e' needs a vector of variances .* shape \\(2, 2\\)"),
    ({"inv_metric": np.ones(2), "metric": "dense_e"}, "needs a covariance matrix"),
    ({"inv_metric": np.ones(2), "metric": "unit_e"}, "'unit_e' has none"),
    ({"inv_metric": [np.ones(2)] * 3}, "inv_metric has 3 values for 4 chains"),
    ({"inv_metric": [1.0, np.nan]}, "of finite numbers"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SamplingError, match=message):
        SampleOptions(**options)


def test_numpy_numbers_are_numbers() -> None:
    options = SampleOptions(
        chains=np.int64(2),  # type: ignore[arg-type]  # as pandas and NumPy give them
        seed=np.uint32(7),  # type: ignore[arg-type]
        adapt_delta=np.float64(0.9),
        inits=np.float32(0.5),  # type: ignore[arg-type]
    )
    assert options.seed_to_use() == 7
    assert options.initial_values() == 0.5


@pytest.mark.parametrize(
    ("iter_sampling", "thin", "draws"), [(1000, 1, 1000), (1000, 3, 334), (5, 7, 1)]
)
def test_draws_per_chain(iter_sampling: int, thin: int, draws: int) -> None:
    assert SampleOptions(iter_sampling=iter_sampling, thin=thin).draws_per_chain == draws


@pytest.mark.parametrize(
    ("chains", "cores", "processors", "at_once"),
    [(4, None, 2, 2), (4, None, 8, 4), (4, 3, 2, 3), (1, 8, 8, 1)],
)
def test_chains_at_once(
    monkeypatch: pytest.MonkeyPatch, chains: int, cores: int | None, processors: int, at_once: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(processors)), raising=False)
    assert SampleOptions(chains=chains, cores=cores).parallel_chains == at_once


@pytest.mark.parametrize(
    ("cores", "threads", "at_once"),
    [(8, 2, 4), (8, 3, 2), (2, 2, 1), (2, 4, 1), (None, 4, 3), (8, 1, 4)],
)
def test_threads_take_the_cores_of_chains(
    monkeypatch: pytest.MonkeyPatch, cores: int | None, threads: int, at_once: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(12)), raising=False)
    options = SampleOptions(chains=4, cores=cores, threads=threads)
    assert options.parallel_chains == at_once


def test_one_value_or_one_for_each_chain() -> None:
    one = SampleOptions(chains=2, inits={"b": 1}, step_size=0.5, inv_metric=[1.0, 2.0])
    each = SampleOptions(
        chains=2,
        inits=[{"b": 1}, {"b": 2}],
        step_size=[0.5, 0.25],
        inv_metric=[[1.0, 2.0], [3.0, 4.0]],
    )
    assert one.initial_values() == [{"b": 1}, {"b": 1}]
    assert each.initial_values() == [{"b": 1}, {"b": 2}]
    assert one.step_sizes() == [0.5, 0.5]
    assert each.step_sizes() == [0.5, 0.25]
    assert np.array(one.inverse_metrics()).tolist() == [[1.0, 2.0], [1.0, 2.0]]
    assert np.array(each.inverse_metrics()).tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_nothing_given() -> None:
    options = SampleOptions()
    assert options.initial_values() is None
    assert options.step_sizes() is None
    assert options.inverse_metrics() is None
    assert 1 <= options.seed_to_use() < 2**31
