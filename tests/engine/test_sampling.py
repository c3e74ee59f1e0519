"""Running chains: what is started, what comes back, and what is left behind."""

from __future__ import annotations

import json
import logging
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brmspy.engine.progress import Progress
from brmspy.engine.sampling import SampleOptions, SamplerRun, sample

DATA = {"N": 3, "y": np.array([1.5, 2.5, 3.5])}


def run(exe: Path, variables: list[str] | None = None, **options: Any) -> SamplerRun:
    chosen = {"chains": 2, "iter_warmup": 20, "iter_sampling": 10, "cores": 2, **options}
    silent = Progress(show=False)
    return sample(exe, DATA, SampleOptions(**chosen), progress=silent, variables=variables)


def expected_a(chains: list[int], draws: int) -> np.ndarray:
    return np.add.outer(np.array(chains), np.arange(draws) / 1000)


@pytest.mark.usefixtures("scratch")
class TestResult:
    def test_draws_have_shape_and_order_of_the_stan_variables(self, fake_exe: Path) -> None:
        got = run(fake_exe)
        a = expected_a([1, 2], 10)
        assert list(got.draws) == ["a", "b", "m"]
        np.testing.assert_allclose(got.draws["a"], a)
        np.testing.assert_allclose(got.draws["b"], np.stack([a + 10, a + 20], axis=-1))
        m = np.array([[11, 12], [21, 22]]) + a[..., None, None]
        np.testing.assert_allclose(got.draws["m"], m)
        for values in got.draws.values():
            assert values.dtype == np.float64
            assert values.flags.c_contiguous

    def test_statistics_have_arviz_names_and_types(self, fake_exe: Path) -> None:
        stats = run(fake_exe).stats
        assert {name: values.dtype.kind for name, values in stats.items()} == {
            "lp": "f",
            "acceptance_rate": "f",
            "step_size": "f",
            "tree_depth": "i",
            "n_steps": "i",
            "diverging": "b",
            "energy": "f",
            "reached_max_treedepth": "b",
        }
        a = expected_a([1, 2], 10)
        np.testing.assert_allclose(stats["lp"], -a)
        np.testing.assert_allclose(stats["energy"], a + 0.5)
        assert stats["tree_depth"][0].tolist() == [10, 3, 3, 3, 3] * 2
        assert stats["reached_max_treedepth"][1].tolist() == ([True] + [False] * 4) * 2

    def test_a_lower_limit_of_the_tree_depth_is_reached_more_often(self, fake_exe: Path) -> None:
        assert run(fake_exe, max_treedepth=3).stats["reached_max_treedepth"].all()

    def test_divergences(self, fake_exe: Path, behave: Callable[..., None]) -> None:
        behave(divergent_every={"2": 5})
        assert run(fake_exe).stats["diverging"].sum(axis=1).tolist() == [0, 2]

    def test_adaptation_and_times(self, fake_exe: Path) -> None:
        got = run(fake_exe)
        assert got.step_size.tolist() == [0.25, 0.25]
        assert got.inv_metric is not None
        assert got.inv_metric.tolist() == [[1.5, 2.5, 3.5]] * 2
        assert got.seconds.tolist() == [[1.5, 2.25]] * 2
        assert got.chain_ids == (1, 2)
        assert got.failures == ()
        assert not got.interrupted

    def test_only_requested_variables(self, fake_exe: Path) -> None:
        got = run(fake_exe, variables=["m", "absent"], save_warmup=True)
        assert list(got.draws) == ["m"]
        assert got.warmup_draws is not None
        assert list(got.warmup_draws) == ["m"]

    def test_warmup_is_kept_apart(self, fake_exe: Path, behave: Callable[..., None]) -> None:
        behave(divergent_every=1)
        got = run(fake_exe, save_warmup=True)
        assert got.warmup_draws is not None
        assert got.warmup_stats is not None
        np.testing.assert_allclose(got.warmup_draws["a"], expected_a([1001, 1002], 20))
        np.testing.assert_allclose(got.draws["a"], expected_a([1, 2], 10))
        assert not got.warmup_stats["diverging"].any()

    def test_no_warmup_unless_asked(self, fake_exe: Path) -> None:
        got = run(fake_exe)
        assert got.warmup_draws is None
        assert got.warmup_stats is None

    @pytest.mark.parametrize(("thin", "draws"), [(1, 10), (3, 4), (10, 1), (11, 1)])
    def test_thinning(self, fake_exe: Path, thin: int, draws: int) -> None:
        got = run(fake_exe, thin=thin, chains=1)
        np.testing.assert_allclose(got.draws["a"], expected_a([1], draws))

    def test_one_chain_after_another(self, fake_exe: Path) -> None:
        got = run(fake_exe, chains=3, cores=1)
        np.testing.assert_allclose(got.draws["a"], expected_a([1, 2, 3], 10))

    def test_without_adaptation_all_rows_are_draws(self, fake_exe: Path, log: Path) -> None:
        got = run(fake_exe, iter_warmup=0, inv_metric=[1.0, 2.0, 3.0], step_size=0.25)
        np.testing.assert_allclose(got.draws["a"], expected_a([1, 2], 10))
        assert got.step_size.tolist() == [0.25, 0.25]
        assert "engaged=0" in arguments(log, 1)


def arguments(log: Path, chain: int) -> list[str]:
    words = json.loads((log / f"{chain}.json").read_text())["arguments"]
    assert isinstance(words, list)
    return words


@pytest.mark.usefixtures("scratch")
class TestCommand:
    def test_settings_are_passed(self, fake_exe: Path, log: Path) -> None:
        run(fake_exe, seed=11, thin=2, adapt_delta=0.9, max_treedepth=12, metric="dense_e", inits=0)
        assert {
            "id=2",
            "seed=11",
            "num_samples=10",
            "num_warmup=20",
            "thin=2",
            "delta=0.9",
            "max_depth=12",
            "metric=dense_e",
            "sig_figs=12",
            "init=0.0",
        } <= set(arguments(log, 2))

    def test_a_seed_is_drawn_and_kept(self, fake_exe: Path, log: Path) -> None:
        first, second = run(fake_exe).seed, run(fake_exe).seed
        assert first != second
        assert f"seed={second}" in arguments(log, 1)

    def test_each_chain_gets_its_own_starting_point(self, fake_exe: Path, log: Path) -> None:
        run(fake_exe, inits=[{"a": 1}, {"a": 2}], step_size=[0.1, 0.2])
        assert any(word.endswith("inits-2.json") for word in arguments(log, 2))
        assert "stepsize=0.1" in arguments(log, 1)
        assert "stepsize=0.2" in arguments(log, 2)

    def test_one_starting_point_for_all(self, fake_exe: Path, log: Path) -> None:
        run(fake_exe, inits={"a": 1}, inv_metric=np.ones(3), step_size=0.5)
        for chain in (1, 2):
            words = arguments(log, chain)
            assert any(word.startswith("init=") for word in words)
            assert any(word.startswith("metric_file=") for word in words)
            assert "stepsize=0.5" in words

    @pytest.mark.parametrize(("threads", "seen"), [(None, "1"), (3, "3")])
    def test_threads_reach_the_chains_and_nothing_else(
        self,
        fake_exe: Path,
        log: Path,
        monkeypatch: pytest.MonkeyPatch,
        threads: int | None,
        seen: str,
    ) -> None:
        monkeypatch.setenv("STAN_NUM_THREADS", "7")
        before = dict(os.environ)
        run(fake_exe, threads=threads)
        assert json.loads((log / "1.json").read_text())["threads"] == seen
        assert dict(os.environ) == before


class TestTraces:
    def test_interrupts_are_handled_as_before(self, fake_exe: Path) -> None:
        before = signal.getsignal(signal.SIGINT)
        run(fake_exe)
        assert signal.getsignal(signal.SIGINT) is before

    def test_in_another_thread(self, fake_exe: Path) -> None:
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(run, fake_exe).result().draws["a"].shape == (2, 10)

    def test_nothing_is_left(
        self, fake_exe: Path, scratch: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        logger = logging.getLogger("cmdstanpy")
        run(fake_exe)
        assert os.listdir(scratch) == []
        assert capfd.readouterr() == ("", "")
        assert not logger.disabled

    def test_the_executable_cannot_be_run(self, tmp_path: Path, scratch: Path) -> None:
        missing = tmp_path / "gone"
        with pytest.raises(Exception, match=r"gone cannot be run.*\n.*doctor"):
            run(missing)
        assert os.listdir(scratch) == []
