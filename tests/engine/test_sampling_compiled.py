"""A real model: known answers, zero sizes, failures, interrupts and progress."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brmspy.engine.cache import compiled
from brmspy.engine.progress import Progress
from brmspy.engine.sampling import SampleOptions, SamplerRun, sample
from brmspy.engine.state import ProgressState
from brmspy.engine.toolchain import find_toolchain
from brmspy.errors import SamplingError, SamplingWarning

pytestmark = pytest.mark.compiled

Y = np.array([0.5, 1.5, 2.5, -0.25, 1.0])


def data(**changed: Any) -> dict[str, Any]:
    base = {
        "N": 5,
        "K": 0,
        "y": Y,
        "X": np.empty((5, 0)),
        "E": np.empty((0, 3)),
        "e": np.empty(0, dtype=int),
        "odd": [np.nan, np.inf, -np.inf],
        "trouble": 0,
        "work": 0,
    }
    return base | changed


@pytest.fixture(scope="module")
def exe() -> Path:
    code = Path(__file__).with_name("trouble.stan").read_text(encoding="utf-8")
    return compiled(code, find_toolchain("embedded")).exe


def run(exe: Path, values: dict[str, Any] | None = None, **options: Any) -> SamplerRun:
    chosen = SampleOptions(**{"chains": 2, "seed": 1, **options})
    return sample(exe, values or data(), chosen, progress=Progress(show=False))


@pytest.mark.usefixtures("scratch")
class TestRun:
    def test_the_posterior_is_right(self, exe: Path) -> None:
        got = run(exe, chains=4, adapt_delta=0.95)
        mu = got.draws["mu"]
        assert mu.shape == (4, 1000)
        # Normal prior and normal response with known scales.
        sd = 1 / np.sqrt(len(Y) + 1)
        assert abs(mu.mean() - Y.sum() / (len(Y) + 1)) < 0.15 * sd
        assert abs(mu.std() / sd - 1) < 0.08
        lower = got.draws["z"][:, :, 1, :]
        assert np.all(np.abs(lower.mean(axis=(0, 1)) - 5) < 0.3)
        np.testing.assert_allclose(got.draws["twice"], 2 * got.draws["z"], rtol=1e-10)
        assert got.inv_metric is not None
        assert got.inv_metric.shape == (4, 9)
        assert (got.seconds > 0).all()
        np.testing.assert_allclose(got.step_size, got.stats["step_size"][:, -1])

    def test_chains_differ_and_seeds_repeat(self, exe: Path) -> None:
        first, again, other = (run(exe, seed=seed, iter_sampling=20) for seed in (1, 1, 2))
        np.testing.assert_array_equal(first.draws["z"], again.draws["z"])
        assert not np.array_equal(first.draws["mu"], other.draws["mu"])
        assert not np.array_equal(first.draws["mu"][0], first.draws["mu"][1])

    @pytest.mark.parametrize(
        ("changed", "shapes"),
        [
            ({}, [5, 0, 0, 3, 0, 5]),
            ({"N": 0, "y": Y[:0], "X": np.empty((0, 0))}, [0, 0, 0, 3, 0, 0]),
            (
                {"N": 0, "K": 1, "y": [], "X": np.empty((0, 1)), "E": np.ones((1, 3)), "e": [4]},
                [0, 1, 1, 3, 1, 0],
            ),
            (
                {"N": 1, "K": 1, "y": [0.5], "X": [[2.0]], "E": [[1.0, 2.0, 3.0]], "e": [7]},
                [1, 1, 1, 3, 1, 1],
            ),
        ],
    )
    def test_sizes_of_zero_and_one_and_odd_numbers(
        self, exe: Path, changed: dict[str, Any], shapes: list[int]
    ) -> None:
        got = run(exe, data(**changed), chains=1, iter_warmup=50, iter_sampling=1)
        assert got.draws["shapes"][0, 0].tolist() == shapes
        assert got.draws["seen"][0, 0].tolist() == [1, 1, 1]

    @pytest.mark.parametrize("metric", ["diag_e", "dense_e", "unit_e"])
    def test_metrics_and_starting_again_without_warmup(self, exe: Path, metric: str) -> None:
        first = run(exe, metric=metric, iter_sampling=50)
        shape = {"diag_e": (2, 9), "dense_e": (2, 9, 9)}.get(metric)
        assert (first.inv_metric.shape if first.inv_metric is not None else None) == shape
        second = run(
            exe,
            metric=metric,
            iter_warmup=0,
            iter_sampling=50,
            step_size=list(first.step_size),
            inv_metric=list(first.inv_metric) if first.inv_metric is not None else None,
            inits=[{"mu": first.draws["mu"][i, -1]} for i in range(2)],
        )
        np.testing.assert_allclose(second.step_size, first.step_size, rtol=1e-5)
        assert second.draws["mu"].shape == (2, 50)

    def test_thinned_warmup(self, exe: Path) -> None:
        got = run(exe, save_warmup=True, iter_warmup=101, iter_sampling=52, thin=5)
        assert got.warmup_draws is not None
        assert got.warmup_draws["z"].shape == (2, 21, 2, 3)
        assert got.draws["z"].shape == (2, 11, 2, 3)

    def test_initial_values_are_used(self, exe: Path) -> None:
        got = run(exe, inits={"mu": 30.0}, iter_warmup=0, iter_sampling=1, step_size=1e-9)
        np.testing.assert_allclose(got.draws["mu"], 30, atol=1e-4)


@pytest.mark.usefixtures("scratch")
class TestFailures:
    @pytest.mark.parametrize(
        ("changed", "options", "said"),
        [
            (
                {"trouble": 1},
                {},
                ["stopped with an error in the model", "no luck with trouble = 1"],
            ),
            (
                {"trouble": 2},
                {},
                ["found no initial values", "log(0), i.e. negative infinity. (100 times)"],
            ),
            ({"trouble": 2}, {"inits": 0}, ["found no initial values", "log(0)"]),
            ({"y": Y[:2]}, {}, ["could not read the data", "variable name=y", "found=(2)"]),
            ({"N": -1}, {}, ["outside its bounds", "N is -1"]),
            ({}, {"inits": {"mu": [1.0, 2.0]}}, ["initial values that do not fit", "name=mu"]),
            (
                {},
                {"inits": {"s": -1.0}},
                ["found no initial values", "variable is -1", "(100 times)"],
            ),
        ],
    )
    def test_reasons(
        self, exe: Path, changed: dict[str, Any], options: dict[str, Any], said: list[str]
    ) -> None:
        with pytest.raises(SamplingError) as caught:
            run(exe, data(**changed), **options)
        for part in said:
            assert part in str(caught.value)

    def test_one_of_two(self, exe: Path) -> None:
        with pytest.warns(
            SamplingWarning, match=r"Chain 1 found no initial .*\n(.*\n)*.*variable is -1"
        ):
            got = run(exe, inits=[{"s": -1.0}, {"s": 1.0}], adapt_delta=0.95)
        assert got.chain_ids == (2,)
        assert got.draws["mu"].shape == (1, 1000)


class Recorder(Progress):
    """Keeps the states that it was told."""

    def __init__(self) -> None:
        super().__init__(show=False)
        self.seen: list[ProgressState] = []

    def update(self, chains: Any, at_once: int) -> None:
        super().update(chains, at_once)
        self.seen.append(self.state)


def test_progress_counts_what_the_draws_hold(exe: Path) -> None:
    progress = Recorder()
    options = SampleOptions(chains=3, cores=2, seed=4, adapt_delta=0.6)
    got = sample(exe, data(work=200), options, progress=progress)
    final = progress.seen[-1]
    assert final.fraction == 1
    assert [chain.phase for chain in final.chains] == ["done"] * 3
    divergences = got.stats["diverging"].sum(axis=1)
    assert [chain.divergences for chain in final.chains] == divergences.tolist()
    assert divergences.sum() > 0  # v and z[1] are Neal's funnel
    assert {chain.phase for state in progress.seen for chain in state.chains} >= {
        "waiting",
        "warm-up",
        "sampling",
    }


# Prints how many draws were finished when it was interrupted.
DRIVER = """
import json, sys, warnings
from pathlib import Path
from brmspy.engine.progress import Progress
from brmspy.engine.sampling import SampleOptions, sample

warnings.simplefilter("ignore")
values = json.loads(sys.argv[2])
options = SampleOptions(chains=2, iter_warmup=50, iter_sampling=1_000_000, seed=1)
run = sample(Path(sys.argv[1]), values, options, progress=Progress(show=False))
print(json.dumps([run.interrupted, run.chain_ids, run.draws["twice"].shape, run.seed]))
"""


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
def test_an_interrupt_keeps_the_draws_and_leaves_no_process(exe: Path, scratch: Path) -> None:
    values = {name: np.asarray(value).tolist() for name, value in data(work=50).items()}
    values |= {"E": [], "X": [[]] * 5}
    driven = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(exe), json.dumps(values)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        # A chain that is far behind is left out, and on a busy machine one may start much later.
        wait_for(lambda: _abreast(rows(scratch, 1), rows(scratch, 2)))
        assert len(processes(exe, scratch)) == 2
        driven.send_signal(signal.SIGINT)
        out, err = driven.communicate(timeout=60)
    finally:
        driven.kill()
        driven.wait()
    assert err == ""
    interrupted, chains, shape, seed = json.loads(out)
    assert interrupted
    assert chains == [1, 2]
    assert shape[0] == 2
    assert shape[1] > 10
    assert shape[2:] == [2, 3]
    assert seed == 1
    assert processes(exe, scratch) == []


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _abreast(first: int, second: int) -> bool:
    """Tell whether both chains have many draws, and neither twice as many as the other."""
    return min(first, second) > 500 and max(first, second) < 2 * min(first, second)


def rows(scratch: Path, chain: int) -> int:
    for path in scratch.glob(f"brmspy-*/chain-{chain}.csv"):
        return path.read_text().partition("# Adaptation terminated")[2].count("\n")
    return 0


def processes(exe: Path, scratch: Path) -> list[int]:
    """Return the processes that run the model on files in `scratch`, not those of other tests."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            runs = os.readlink(folder / "exe") == str(exe.resolve())
            if runs and os.fsencode(scratch) in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found
