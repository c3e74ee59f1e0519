"""Run the processes of the chains, and end them whatever happens."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from brmspy.engine.chain_csv import ChainCsv
from brmspy.engine.guard import Guard
from brmspy.engine.interrupts import DeferredInterrupts
from brmspy.engine.output import ChainOutput
from brmspy.engine.state import ChainState
from brmspy.engine.stop import asked_to_stop
from brmspy.errors import SamplingError

__all__ = ["Chain", "ChainFiles", "run_chains"]

_POLL_SECONDS = (0.02, 0.1)  # at first, so that short runs return at once; later
_PATIENT_AFTER_SECONDS = 3.0
_TERMINATE_SECONDS = 2.0
_ITERATION = re.compile(rb"Iteration:\s*(\d+) /")


@dataclass(frozen=True)
class ChainFiles:
    """The files of a chain.

    Parameters
    ----------
    csv : Path
        The draws.
    console : Path
        What Stan printed.
    """

    csv: Path
    console: Path


class Chain:
    """A chain: its process, and what is known of it so far.

    Parameters
    ----------
    number : int
        The chain's number, from 1.
    command : sequence of str
        Program and arguments.
    files : ChainFiles
        Where it writes.
    iter_warmup, iter_sampling, thin : int
        As in `SampleOptions`.

    Attributes
    ----------
    stopped : bool
        Whether it was ended from here before it was finished.
    """

    def __init__(
        self,
        number: int,
        command: Sequence[str],
        files: ChainFiles,
        *,
        iter_warmup: int,
        iter_sampling: int,
        thin: int,
    ) -> None:
        self.number = number
        self.files = files
        self.stopped = False
        self.csv = ChainCsv(files.csv, adapts=iter_warmup > 0)
        self._command = list(command)
        self._iter_warmup = iter_warmup
        self._iter_sampling = iter_sampling
        self._thin = thin
        self._process: subprocess.Popen[bytes] | None = None
        self._console_offset = 0
        self._iteration = 0
        self._started = self._entered_sampling = self._ended = 0.0

    @property
    def pid(self) -> int | None:
        """Id of the process; None before it starts."""
        return None if self._process is None else self._process.pid

    @property
    def status(self) -> int | None:
        """Exit status; None before the process ends, negative if a signal ended it."""
        return None if self._process is None else self._process.returncode

    def start(self, environment: dict[str, str]) -> None:
        """Start the process."""
        with self.files.console.open("wb") as console:
            try:
                # In a session of its own, the process does not get the terminal's Ctrl-C: what
                # ends it is decided here.
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=console,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    start_new_session=True,
                    creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
                )
            except OSError as error:
                raise SamplingError(
                    f"The compiled model {self._command[0]} cannot be run: {error}.\n"
                    "Run `python -m brmspy doctor` to check the toolchain."
                ) from error
        self._started = time.monotonic()

    def look(self) -> bool:
        """Read what the chain has written and return whether its process has ended."""
        ended = self._process is not None and self._process.poll() is not None
        self.csv.read()
        self._read_console()
        now = time.monotonic()
        if self._iteration > self._iter_warmup and not self._entered_sampling:
            self._entered_sampling = now
        if ended and not self._ended:
            self._ended = now
        return ended

    def state(self) -> ChainState:
        """Return how far the chain is."""
        now = self._ended or time.monotonic()
        since = self._entered_sampling or self._started
        return ChainState(
            chain=self.number,
            phase=self._phase(),
            iteration=self._iteration,
            warmup=self._iter_warmup,
            total=self._iter_warmup + self._iter_sampling,
            divergences=self.csv.divergences,
            seconds=now - self._started if self._started else 0.0,
            phase_seconds=now - since if self._started else 0.0,
        )

    def console(self) -> str:
        """Return what Stan printed."""
        return self.files.console.read_text(encoding="utf-8", errors="replace")

    def output(self) -> ChainOutput:
        """Return what the chain has written, once its process has ended."""
        return ChainOutput(
            number=self.number,
            status=self.status,
            stopped=self.stopped,
            console="" if self._process is None else self.console(),
            header=self.csv.header,
            draws=self.csv.draws(),
            warmup=self.csv.warmup(),
            seconds=self.csv.seconds(),
            inv_metric=self.csv.inv_metric(),
        )

    def ask_to_end(self) -> None:
        """Terminate the process if it runs."""
        if self._process is not None and self._process.poll() is None:
            self.stopped = True
            self._process.terminate()

    def make_end(self, timeout: float) -> None:
        """Wait for the process, and kill it after `timeout` seconds."""
        if self._process is None:
            return
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _phase(self) -> str:
        """Return what the chain is doing."""
        if self._process is None:
            return "waiting"
        if self.status is not None:
            return "done" if self.status == 0 else "stopped" if self.stopped else "failed"
        return "sampling" if self._entered_sampling else "warm-up"

    def _read_console(self) -> None:
        """Note the last iteration that Stan has reported, or the last draw if that is later."""
        if self._process is None:
            return
        with self.files.console.open("rb") as file:
            file.seek(self._console_offset)
            text = file.read()
        end = text.rfind(b"\n") + 1
        self._console_offset += end
        reported = [int(number) for number in _ITERATION.findall(text[:end])]
        drawn = min(self.csv.num_draws * self._thin, self._iter_sampling)
        last = self._iter_warmup + drawn if drawn else 0
        self._iteration = max(self._iteration, last, *reported[-1:])


def run_chains(
    chains: Sequence[Chain],
    *,
    at_once: int,
    environment: dict[str, str],
    folder: Path,
    report: Callable[[Sequence[ChainState]], None],
) -> bool:
    """Run chains until all have ended, or until an interrupt.

    Parameters
    ----------
    chains : sequence of Chain
        The chains, not yet started.
    at_once : int
        How many may run at the same time.
    environment : dict of str to str
        Environment of their processes.
    folder : Path
        The folder of their files.
    report : callable
        Called with the states of all chains as they change.

    Returns
    -------
    bool
        Whether an interrupt ended the run, here or in a process that this one works for. Whatever
        happens, no process is left.
    """
    waiting = list(chains)
    running: list[Chain] = []
    start = time.monotonic()
    asked = asked_to_stop()
    with DeferredInterrupts() as interrupts, Guard(folder) as guard:
        try:
            while (waiting or running) and not (interrupts.received or asked):
                asked = asked_to_stop()
                while waiting and len(running) < at_once:
                    waiting[0].start(environment)
                    running.append(waiting.pop(0))
                    guard.watch(_pids(running))
                patient = time.monotonic() - start > _PATIENT_AFTER_SECONDS
                time.sleep(_POLL_SECONDS[patient])
                ended = [chain for chain in running if chain.look()]
                running = [chain for chain in running if chain not in ended]
                if ended:
                    guard.watch(_pids(running))
                report([chain.state() for chain in chains])
        finally:
            _end(running)
        for chain in running:
            chain.look()
        report([chain.state() for chain in chains])
        return interrupts.received or asked


def _pids(chains: Sequence[Chain]) -> list[int]:
    """Return the ids of the processes."""
    return [chain.pid for chain in chains if chain.pid is not None]


def _end(chains: Sequence[Chain]) -> None:
    """End processes, all at the same time."""
    for chain in chains:
        chain.ask_to_end()
    deadline = time.monotonic() + _TERMINATE_SECONDS
    for chain in chains:
        chain.make_end(max(0.0, deadline - time.monotonic()))
