"""Calls on executors: in order, whatever finishes first, and though workers die."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from brmspy.engine.stop import asked_to_stop
from brmspy.errors import BrmspyError, DataError
from brmspy.fitting import JobsInterrupted, LostWorkersError, run_jobs

# From Python 3.12 on, of every fork of a process that has threads, as pytest's may.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")


def processes(count: int) -> ProcessPoolExecutor:
    """Return a pool whose processes know the functions of this file, which is on no path."""
    return ProcessPoolExecutor(count, multiprocessing.get_context("fork"))


def slow_first(number: int) -> int:
    time.sleep(0.2 if number == 0 else 0)
    return number * number


def dies_once(number: int, folder: Path) -> int:
    """End the worker without a word when the job of number 2 runs for the first time."""
    with (folder / "calls").open("a") as file:
        file.write(f"{number}\n")
    mark = folder / "died"
    if number == 2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def dies_always(number: int) -> int:
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def fails(number: int) -> int:
    if number == 1:
        raise DataError("Column 'x' is absent.")
    return number


def test_without_an_executor_calls_are_made_here() -> None:
    assert run_jobs(os.getpid, [()]) == [os.getpid()]
    assert run_jobs(slow_first, [(0,), (3,), (1,)]) == [0, 9, 1]
    assert run_jobs(slow_first, []) == []


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, processes])
def test_results_come_in_the_order_of_the_arguments(pool: Callable[..., Any]) -> None:
    with pool(2) as executor:
        assert run_jobs(slow_first, [(n,) for n in range(5)], executor) == [0, 1, 4, 9, 16]
        assert run_jobs(slow_first, [], executor) == []


def test_a_job_whose_worker_died_is_done_again_and_the_others_are_kept(tmp_path: Path) -> None:
    with processes(1) as executor:
        squares = run_jobs(dies_once, [(n, tmp_path) for n in range(5)], executor)
    assert squares == [0, 1, 4, 9, 16]
    calls = (tmp_path / "calls").read_text().split()
    assert [calls.count(str(n)) for n in range(3)] == [1, 1, 2]


def test_a_job_that_kills_its_worker_each_time_is_given_up() -> None:
    with (
        processes(1) as executor,
        pytest.raises(
            LostWorkersError, match=r"ran job \d of 3 died 3 times .*too little memory"
        ) as it,
    ):
        run_jobs(dies_always, [(n,) for n in range(3)], executor)
    assert it.value.results[0] == 0
    assert 1 not in it.value.results
    again = pickle.loads(pickle.dumps(it.value))
    assert (str(again), again.results) == (str(it.value), it.value.results)


@pytest.mark.parametrize("executor", [None, ThreadPoolExecutor(1)])
def test_what_a_call_raises_comes_out_as_it_is(executor: Any) -> None:
    with pytest.raises(DataError, match="Column 'x' is absent"):
        run_jobs(fails, [(n,) for n in range(3)], executor)


class Lossy:
    """An executor that loses the first attempts, each in its own way."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.calls: list[tuple[Any, ...]] = []

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        self.calls.append(arguments)
        future: Future[Any] = Future()
        if self.errors:
            future.set_exception(self.errors.pop(0))
        else:
            future.set_result(function(*arguments))
        return future


class KilledWorker(Exception):  # noqa: N818 -- the name of Dask's
    """As Dask's, of which only the name is known here."""


def test_losses_are_known_by_name() -> None:
    executor = Lossy(KilledWorker("w1"), BrokenExecutor("gone"))
    assert run_jobs(pow, [(2, 3)], executor) == [8]
    # No call is equal to an earlier one, or Dask would look up its error.
    assert len(set(executor.calls)) == 3


def test_a_cancelled_job_is_done_again() -> None:
    class Cancels(Lossy):
        def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
            if self.calls:
                return super().submit(function, *arguments)
            self.calls.append(arguments)
            future: Future[Any] = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            return future

    assert run_jobs(pow, [(2, 3)], Cancels()) == [8]


def test_an_interrupt_keeps_what_has_finished_here() -> None:
    def stopped(number: int) -> int:
        if number == 2:
            raise KeyboardInterrupt
        return number

    with pytest.raises(JobsInterrupted) as caught:
        run_jobs(stopped, [(n,) for n in range(4)])
    assert caught.value.results == {0: 0, 1: 1}
    assert isinstance(caught.value, KeyboardInterrupt)


def test_an_interrupt_withdraws_what_has_not_started() -> None:
    started: list[int] = []
    release = Event()

    def stopped(number: int) -> int:
        started.append(number)
        if number == 1:
            raise KeyboardInterrupt
        if number == 2:
            while not (asked_to_stop() or release.wait(0.01)):
                pass
        return number

    with ThreadPoolExecutor(1) as executor:
        with pytest.raises(JobsInterrupted) as caught:
            run_jobs(stopped, [(n,) for n in range(20)], executor)
        release.set()
    # The call that was under way was asked to end, and what it returned counts.
    assert caught.value.results in ({0: 0}, {0: 0, 2: 2})
    assert max(started) <= 2


def test_a_failure_stops_what_is_under_way() -> None:
    asked: list[bool] = []
    begun = Event()

    def fail_or_wait(number: int) -> None:
        if number == 0:
            begun.wait(5)
            raise DataError("Column 'x' is absent.")
        begun.set()
        while not asked_to_stop():
            time.sleep(0.01)
        asked.append(True)

    with ThreadPoolExecutor(2) as executor, pytest.raises(DataError, match="absent"):
        run_jobs(fail_or_wait, [(0,), (1,)], executor)
    assert asked == [True]


def test_a_report_and_a_substitute_for_what_is_lost() -> None:
    counts: list[int] = []
    executor = Lossy(KilledWorker(), KilledWorker(), KilledWorker(), KilledWorker(), KilledWorker())
    found = run_jobs(pow, [(2, 3), (3, 2)], executor, report=counts.append, lost=lambda n: -n)
    # The losses fall on the two calls in turn; one of them is lost three times.
    assert sorted(found) in ([0, 9], [-1, 8])
    assert counts[0] == 0
    assert counts[-1] == 2


def test_a_client_is_asked_for_its_executor() -> None:
    class Client:
        def get_executor(self) -> Lossy:
            return Lossy()

        def submit(self) -> None:
            raise AssertionError("a client's own futures are of another kind")

    assert run_jobs(pow, [(2, 3)], Client()) == [8]


@pytest.mark.parametrize("executor", [4, "processes", object()])
def test_what_is_no_executor_is_refused(executor: Any) -> None:
    with pytest.raises(BrmspyError, match=r"executor = .* is not valid"):
        run_jobs(pow, [(2, 3)], executor)


def test_an_executor_that_is_shut_down_is_refused() -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(BrmspyError, match="The executor takes no jobs"):
        run_jobs(pow, [(2, 3)], executor)
