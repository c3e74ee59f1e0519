"""Interrupts: what is finished is returned, and no process or file is left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# Samples, and prints what came back.
DRIVER = """
import json, sys, warnings
from pathlib import Path
from brmspy.engine.progress import Progress
from brmspy.engine.sampling import SampleOptions, sample

exe, options = sys.argv[1], json.loads(sys.argv[2])
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    try:
        run = sample(Path(exe), {}, SampleOptions(**options), progress=Progress(show=False))
    except KeyboardInterrupt:
        print(json.dumps({"raised": "KeyboardInterrupt"}))
        sys.exit(0)
print(json.dumps({
    "interrupted": run.interrupted,
    "chains": run.chain_ids,
    "failures": run.failures,
    "a": run.draws["a"].tolist(),
    "seconds": [[str(value) for value in pair] for pair in run.seconds],
    "inv_metric": run.inv_metric.tolist(),
    "warnings": [str(warning.message) for warning in caught],
}))
"""


class Driven:
    """A Python process that samples from the stand-in."""

    def __init__(self, exe: Path, scratch: Path, log: Path, **options: Any) -> None:
        chosen = {"chains": 2, "iter_warmup": 20, "iter_sampling": 1000, "cores": 4, **options}
        self.scratch, self.log = scratch, log
        self.process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(exe), json.dumps(chosen)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def draws(self, chain: int) -> int:
        """Count the draws in a chain's file."""
        for path in self.scratch.glob(f"brmspy-*/chain-{chain}.csv"):
            after = path.read_text().partition("# Adaptation terminated")[2]
            return sum(line[:1] == "-" for line in after.splitlines())  # lp is negative
        return 0

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + 60
        while not condition():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def result(self) -> dict[str, Any]:
        """Return what the process printed."""
        out, err = self.process.communicate(timeout=60)
        assert err == ""
        answer = json.loads(out)
        assert isinstance(answer, dict)
        return answer

    def pids(self) -> list[int]:
        """Return the ids of the chains' processes."""
        return [json.loads(path.read_text())["pid"] for path in self.log.glob("*.json")]


def alive(pid: int) -> bool:
    """Tell whether a process runs (and is not a zombie that nobody has waited for)."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def gone(driven: Driven) -> bool:
    return not any(map(alive, driven.pids())) and not list(driven.scratch.glob("brmspy-*"))


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc"),
]

Behave = Callable[..., None]
Drive = Callable[..., Driven]


@pytest.fixture
def drive(fake_exe: Path, scratch: Path, log: Path) -> Iterator[Drive]:
    """Return a function that starts a Python process that samples; the test's end is its end."""
    started: list[Driven] = []

    def start(**options: Any) -> Driven:
        started.append(Driven(fake_exe, scratch, log, **options))
        return started[-1]

    yield start
    for driven in started:
        driven.process.kill()
        driven.process.communicate()


def test_finished_draws_are_returned(behave: Behave, drive: Drive) -> None:
    behave(delay=0.01)
    driven = drive()
    driven.wait_for(lambda: min(driven.draws(1), driven.draws(2)) >= 5)
    driven.process.send_signal(signal.SIGINT)
    got = driven.result()
    assert got["interrupted"]
    assert got["chains"] == [1, 2]
    number = len(got["a"][0])
    assert 5 <= number < 1000
    for chain in (1, 2):
        expected = [round(chain + i / 1000, 3) for i in range(number)]
        assert got["a"][chain - 1] == expected
    assert got["seconds"] == [["nan", "nan"]] * 2
    assert got["inv_metric"] == [[1.5, 2.5, 3.5]] * 2
    [message] = got["warnings"]
    assert f"holds {number} of 1000 draws of chains 1 and 2" in message
    assert gone(driven)


def test_chains_that_had_not_begun_to_sample_are_left_out(behave: Behave, drive: Drive) -> None:
    behave(delay=0.01, warmup_delay={"2": 1, "4": 1})
    driven = drive(chains=4, cores=3)
    driven.wait_for(lambda: min(driven.draws(1), driven.draws(3)) >= 5)
    driven.process.send_signal(signal.SIGINT)
    got = driven.result()
    assert got["chains"] == [1, 3]
    assert got["failures"] == [
        "chain 2 was stopped during its warm-up",
        "chain 4 was stopped before it started",
    ]
    assert "Left out: chain 2 was stopped during its warm-up" in got["warnings"][0]
    assert gone(driven)


def test_a_chain_with_few_draws_does_not_shorten_a_finished_one(
    behave: Behave, drive: Drive
) -> None:
    behave(delay={"2": 0.05})
    driven = drive()
    driven.wait_for(lambda: driven.draws(1) == 1000 and driven.draws(2) >= 3)
    driven.process.send_signal(signal.SIGINT)
    got = driven.result()
    assert got["chains"] == [1]
    assert len(got["a"][0]) == 1000
    assert got["seconds"] == [["1.5", "2.25"]]
    assert got["failures"][0].startswith("chain 2 was stopped after ")


def test_during_warmup_the_interrupt_is_raised(behave: Behave, drive: Drive) -> None:
    behave(warmup_delay=1)
    driven = drive()
    driven.wait_for(lambda: len(driven.pids()) == 2)
    driven.process.send_signal(signal.SIGINT)
    assert driven.result() == {"raised": "KeyboardInterrupt"}
    assert gone(driven)


def test_chains_that_do_not_listen_are_killed(behave: Behave, drive: Drive) -> None:
    behave(delay=0.01, deaf=True)
    driven = drive()
    driven.wait_for(lambda: min(driven.draws(1), driven.draws(2)) >= 5)
    driven.process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    driven.process.send_signal(signal.SIGINT)  # a second one does not leave anything behind
    assert driven.result()["chains"] == [1, 2]
    assert gone(driven)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_when_python_dies_the_chains_and_their_files_go(
    behave: Behave, drive: Drive, number: signal.Signals
) -> None:
    behave(delay=0.01, deaf=True)
    driven = drive()
    driven.wait_for(lambda: min(driven.draws(1), driven.draws(2)) >= 1)
    assert all(map(alive, driven.pids()))
    driven.process.send_signal(number)
    driven.process.communicate(timeout=60)
    deadline = time.monotonic() + 60
    while not gone(driven) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert gone(driven)
