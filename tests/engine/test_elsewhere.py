"""Chains on an executor: the same draws, the same failures, and nothing left behind."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from brmspy.engine.progress import Progress
from brmspy.engine.sampling import SampleOptions, SamplerRun, sample
from brmspy.engine.stop import StopSign, asked_to_stop
from brmspy.errors import SamplingError, SamplingWarning
from brmspy.fitting import Plan, elsewhere, run_elsewhere, settings_of

# From Python 3.12 on, of every fork of a process that has threads, as pytest's may.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
]

Behave = Callable[..., None]

OPTIONS: dict[str, Any] = {"chains": 3, "iter_warmup": 20, "iter_sampling": 100, "seed": 5}


def threads(count: int) -> Executor:
    return ThreadPoolExecutor(count)


def processes(count: int) -> Executor:
    """Return a pool whose processes are copies of this one, stand-ins included."""
    return ProcessPoolExecutor(count, multiprocessing.get_context("fork"))


@pytest.fixture
def plan(fake_exe: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Plan]:
    """Return a function that makes a plan whose program is the stand-in for a compiled model."""
    binary = SimpleNamespace(exe=fake_exe)
    tools = SimpleNamespace(describe=lambda: {"toolchain": "none"})
    monkeypatch.setattr(elsewhere, "compiled", lambda *arguments: binary)
    monkeypatch.setattr(elsewhere, "find_toolchain", lambda name: tools)

    def make(**changes: Any) -> Plan:
        options = {**OPTIONS, **changes}
        model = SimpleNamespace(program=SimpleNamespace(code="", data={}), threads=1)
        settings = settings_of(chains=options["chains"])
        return Plan(model, settings, SampleOptions(**options))  # type: ignore[arg-type]

    return make


def assert_same(run: SamplerRun, other: SamplerRun) -> None:
    for ours, theirs in ((run.draws, other.draws), (run.stats, other.stats)):
        assert ours.keys() == theirs.keys()
        for name, values in ours.items():
            np.testing.assert_array_equal(values, theirs[name])
    assert run.chain_ids == other.chain_ids
    np.testing.assert_array_equal(run.inv_metric, other.inv_metric)  # type: ignore[arg-type]
    np.testing.assert_array_equal(run.seconds, other.seconds)
    assert run.seed == other.seed


@pytest.mark.parametrize("pool", [threads, processes])
@pytest.mark.parametrize("warmup", [False, True])
def test_chains_draw_the_same_wherever_they_run(
    fake_exe: Path, plan: Callable[..., Plan], scratch: Path, pool: Any, warmup: bool
) -> None:
    here = sample(
        fake_exe,
        {},
        SampleOptions(**OPTIONS, save_warmup=warmup, inits=[{"a": i} for i in range(3)]),
        progress=Progress(show=False),
    )
    with pool(2) as executor:
        plans = [plan(save_warmup=warmup), plan(chains=2)]
        first, second = run_elsewhere(plans, executor, Progress(show=False))
    run = first.run()
    assert isinstance(run, SamplerRun)
    assert_same(run, here)
    if warmup:
        assert run.warmup_draws is not None
        np.testing.assert_array_equal(run.warmup_draws["a"], here.warmup_draws["a"])  # type: ignore[index]
    other = second.run()
    assert isinstance(other, SamplerRun)
    assert other.chain_ids == (1, 2)


def test_each_chain_gets_its_own_start(
    plan: Callable[..., Plan], log: Path, scratch: Path, behave: Behave
) -> None:
    behave(delay=0.001)
    inits = [{"a": 10.0}, {"a": 20.0}, {"a": 30.0}]
    found: dict[int, float] = {}

    def look() -> None:
        for number in (1, 2, 3):
            for file in scratch.glob(f"brmspy-*/inits-{number}.json"):
                found[number] = json.loads(file.read_text())["a"]

    with threads(1) as executor:
        running = threading.Thread(
            target=lambda: run_elsewhere([plan(inits=inits)], executor, Progress(show=False))
        )
        running.start()
        while running.is_alive():
            look()
            time.sleep(0.005)
        running.join()
    assert found == {1: 10.0, 2: 20.0, 3: 30.0}
    seeds = {
        word
        for path in log.glob("*.json")
        for word in json.loads(path.read_text())["arguments"]
        if word.startswith("seed=")
    }
    assert seeds == {"seed=5"}


def test_a_chain_that_fails_is_left_out_as_it_is_here(
    plan: Callable[..., Plan], scratch: Path, behave: Behave
) -> None:
    behave(fail={"2": "killed"}, stop_at={"2": 5})
    with threads(3) as executor:
        [left] = run_elsewhere([plan()], executor, Progress(show=False))
    with pytest.warns(SamplingWarning, match="Chain 2 was killed, most likely because memory"):
        run = left.run()
    assert isinstance(run, SamplerRun)
    assert run.chain_ids == (1, 3)
    assert run.failures == ("chain 2 was killed, most likely because memory ran out",)
    assert not run.interrupted


def test_if_all_chains_fail_it_is_an_error(
    plan: Callable[..., Plan], scratch: Path, behave: Behave
) -> None:
    behave(fail="inits")
    with threads(2) as executor:
        [left] = run_elsewhere([plan()], executor, Progress(show=False))
    with pytest.raises(SamplingError, match="Chains 1, 2 and 3 found no initial values"):
        left.run()


def test_a_chain_whose_worker_dies_is_run_again(
    plan: Callable[..., Plan], scratch: Path, log: Path, behave: Behave, fake_exe: Path
) -> None:
    behave(delay=0.005)
    with processes(2) as executor:
        executor.submit(os.getpid).result()

        def kill_one() -> None:
            while len(list(log.glob("*.json"))) < 2:
                time.sleep(0.01)
            victim = next(iter(executor._processes))  # type: ignore[attr-defined]
            os.kill(victim, signal.SIGKILL)

        killer = threading.Thread(target=kill_one)
        killer.start()
        [left] = run_elsewhere([plan()], executor, Progress(show=False))
        killer.join()
    run = left.run()
    assert isinstance(run, SamplerRun)
    behave()
    assert_same(run, sample(fake_exe, {}, SampleOptions(**OPTIONS), progress=Progress(show=False)))


class Hopeless:
    """An executor whose workers die from one chain, every time."""

    def __init__(self, executor: Executor, chain: int) -> None:
        self.executor, self.chain = executor, chain

    def submit(self, function: Any, *arguments: Any) -> Any:
        task = arguments[-1][0]
        if task.number != self.chain:
            return self.executor.submit(function, *arguments)

        class KilledWorker(Exception):  # noqa: N818 -- the name of Dask's
            pass

        def die() -> None:
            raise KilledWorker

        return self.executor.submit(die)


def test_a_chain_that_no_worker_survives_costs_no_other(
    plan: Callable[..., Plan], scratch: Path
) -> None:
    with threads(2) as pool:
        [left] = run_elsewhere([plan()], Hopeless(pool, 2), Progress(show=False))
    with pytest.warns(SamplingWarning, match=r"Chain 2 was lost, as the workers(?s:.*)2 of 3"):
        run = left.run()
    assert isinstance(run, SamplerRun)
    assert run.chain_ids == (1, 3)


def test_progress_says_how_many_chains_are_done(
    plan: Callable[..., Plan], scratch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with threads(2) as executor, Progress(show="lines") as display:
        display.fit(2, 2)
        run_elsewhere([plan(), plan()], executor, display)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Sampling 6 chains of 2 fits on the executor: 0 done")
    assert lines[-1].startswith("Sampled 6 chains of 2 fits on the executor in ")


def test_a_flag_in_this_process_needs_no_file(scratch: Path) -> None:
    with StopSign() as sign:
        with sign.flag.watched():
            assert not asked_to_stop()
            sign.ask()
            assert asked_to_stop()
        assert not asked_to_stop()
        assert list(scratch.glob("brmspy-*")) == []


def test_a_flag_that_is_sent_away_is_a_folder(scratch: Path) -> None:
    with StopSign() as sign:
        sent = pickle.loads(pickle.dumps(sign.flag))
        with sent.watched():
            assert not asked_to_stop()
            sign.ask()
            assert asked_to_stop()
        with sent.watched():  # a chain that begins afterwards
            assert asked_to_stop()
        watched = sent.watched()
        watched.__enter__()
    assert asked_to_stop()  # the folder has gone
    watched.__exit__(None, None, None)
    with pickle.loads(pickle.dumps(sign.flag)).watched():
        assert asked_to_stop()
    with sent.watched():  # where the folder was never seen, as on another machine
        assert not asked_to_stop()


# Runs chains on an executor, and prints what came back.
DRIVER = """
import json, multiprocessing, sys, warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from brmspy.engine.progress import Progress
from brmspy.engine.sampling import SampleOptions
from brmspy.fitting import Plan, elsewhere, run_elsewhere, settings_of

def main():
    exe, kind, options = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    elsewhere.compiled = lambda *arguments: SimpleNamespace(exe=Path(exe))
    elsewhere.find_toolchain = lambda name: SimpleNamespace(describe=lambda: {})
    model = SimpleNamespace(program=SimpleNamespace(code="", data={}), threads=1)
    plan = Plan(model, settings_of(), SampleOptions(**options))
    fork = multiprocessing.get_context("fork")
    pool = ThreadPoolExecutor(2) if kind == "threads" else ProcessPoolExecutor(2, fork)
    with warnings.catch_warnings(record=True) as caught, pool:
        warnings.simplefilter("always")
        try:
            [left] = run_elsewhere([plan], pool, Progress(show=False))
            run = left.run()
        except KeyboardInterrupt:
            print(json.dumps({"raised": "KeyboardInterrupt"}))
            return
    said = [str(item.message) for item in caught if item.category.__name__ == "SamplingWarning"]
    print(json.dumps({"chains": run.chain_ids, "a": run.draws["a"].tolist(), "warnings": said,
                      "failures": run.failures, "interrupted": run.interrupted}))

if __name__ == "__main__":
    main()
"""


class Driven:
    """A Python process that runs chains of the stand-in on an executor."""

    def __init__(self, exe: Path, scratch: Path, log: Path, kind: str, **options: Any) -> None:
        chosen = {"chains": 3, "iter_warmup": 20, "iter_sampling": 1000, "seed": 1, **options}
        self.scratch, self.log = scratch, log
        self.process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(exe), kind, json.dumps(chosen)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )

    def draws(self, chain: int) -> int:
        """Count the draws in a chain's file."""
        for path in self.scratch.glob(f"brmspy-*/chain-{chain}.csv"):
            after = path.read_text().partition("# Adaptation terminated")[2]
            return sum(line[:1] == "-" for line in after.splitlines())
        return 0

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, self.process.poll()
            time.sleep(0.02)

    def pids(self) -> list[int]:
        """Return the ids of the chains' processes."""
        return [json.loads(path.read_text())["pid"] for path in self.log.glob("*.json")]

    def gone(self) -> bool:
        """Tell whether no chain is left, and no file."""
        return not any(map(alive, self.pids())) and not list(self.scratch.glob("brmspy-*"))


def alive(pid: int) -> bool:
    """Tell whether a process runs."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


needs_proc = pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")


@pytest.fixture
def drive(fake_exe: Path, scratch: Path, log: Path) -> Iterator[Callable[..., Driven]]:
    """Return a function that starts a Python process; the test's end is its end."""
    started: list[Driven] = []

    def start(kind: str, **options: Any) -> Driven:
        started.append(Driven(fake_exe, scratch, log, kind, **options))
        return started[-1]

    yield start
    for driven in started:
        # Pools of processes outlive the one that made them.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(driven.process.pid, signal.SIGKILL)
        driven.process.communicate()


@needs_proc
@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_an_interrupt_returns_what_the_chains_have_drawn(
    drive: Callable[..., Driven], behave: Behave, kind: str
) -> None:
    behave(delay=0.01)
    driven = drive(kind)
    driven.wait_for(lambda: min(driven.draws(1), driven.draws(2)) >= 5)
    driven.process.send_signal(signal.SIGINT)  # to this process alone, not to its workers
    out, err = driven.process.communicate(timeout=60)
    assert err == ""
    got = json.loads(out)
    assert got["interrupted"]
    assert got["chains"] == [1, 2]
    number = len(got["a"][0])
    assert 5 <= number < 1000
    for chain in (1, 2):
        assert got["a"][chain - 1] == [round(chain + i / 1000, 3) for i in range(number)]
    [left_out] = got["failures"]
    assert left_out in (
        "chain 3 was stopped before it returned any draws",
        "chain 3 was stopped before it started",  # which a process had already taken
    )
    assert f"holds {number} of 1000 draws of chains 1 and 2" in got["warnings"][0]
    assert driven.gone()


@needs_proc
@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_during_warmup_the_interrupt_is_raised(
    drive: Callable[..., Driven], behave: Behave, kind: str
) -> None:
    behave(warmup_delay=1)
    driven = drive(kind)
    driven.wait_for(lambda: len(driven.pids()) == 2)
    driven.process.send_signal(signal.SIGINT)
    out, err = driven.process.communicate(timeout=60)
    assert (json.loads(out), err) == ({"raised": "KeyboardInterrupt"}, "")
    assert driven.gone()


@needs_proc
@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_when_python_dies_the_chains_end(
    drive: Callable[..., Driven], behave: Behave, kind: str
) -> None:
    behave(delay=0.01)
    driven = drive(kind)
    driven.wait_for(lambda: min(driven.draws(1), driven.draws(2)) >= 1)
    driven.process.kill()
    driven.wait_for(driven.gone)
