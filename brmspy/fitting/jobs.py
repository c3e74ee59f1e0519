"""Many calls of one function: here, or on an executor, whose workers may die."""

from __future__ import annotations

import concurrent.futures as cf
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from brmspy.engine.stop import StopFlag, StopSign
from brmspy.errors import BrmspyError, SamplingError

__all__ = ["JobsInterrupted", "LostWorkersError", "run_jobs"]

T = TypeVar("T")

# What executors raise when a worker is gone, by name: Dask is not imported for it. The same call
# can be made again; what the call itself raises, it would raise again.
_LOST = {"BrokenExecutor", "CancelledError", "CommClosedError", "KilledWorker"}
_ATTEMPTS = 3
_GRACE_SECONDS = 10.0  # for calls that were asked to end, to return what they have


class JobsInterrupted(KeyboardInterrupt):
    """The user stopped several calls; what had finished is kept.

    Parameters
    ----------
    results : mapping of int to Any
        What the calls returned that had finished, by their place.
    """

    def __init__(self, results: Mapping[int, Any]) -> None:
        self.results = dict(results)
        super().__init__(f"interrupted after {len(self.results)} calls had finished")


class LostWorkersError(SamplingError):
    """Workers died again and again; what had finished is kept.

    Parameters
    ----------
    message : str
        What happened.
    results : mapping of int to Any
        What the calls returned that had finished, by their place.
    """

    def __init__(self, message: str, results: Mapping[int, Any]) -> None:
        self.results = dict(results)
        super().__init__(message)

    def __reduce__(self) -> tuple[type[LostWorkersError], tuple[str, dict[int, Any]]]:
        return type(self), (str(self), self.results)


def run_jobs(
    function: Callable[..., T],
    arguments: Sequence[tuple[Any, ...]],
    executor: Any = None,
    *,
    report: Callable[[int], None] | None = None,
    lost: Callable[[int], T] | None = None,
) -> list[T]:
    """Call a function once for each tuple of arguments, and return the results in their order.

    Parameters
    ----------
    function : callable
        What to call; for an executor of processes, a function that can be pickled.
    arguments : sequence of tuple
        The arguments of each call.
    executor : concurrent.futures.Executor or dask.distributed.Client, optional
        Where to call it: anything with the interface of `concurrent.futures`, or a Dask client.
        By default here, one call after the other.
    report : callable, optional
        Called with the number of calls that have finished, at first and after each.
    lost : callable, optional
        Given the place of a call whose workers died, returns what is put in the place of its
        result; by default this is an error.

    Returns
    -------
    list
        What the calls returned.

    Raises
    ------
    BrmspyError
        If `executor` is none, or takes no calls (any more).
    LostWorkersError
        If the workers of three attempts at a call died. Until then, a call whose worker died is
        made again, and a pool of processes that is broken is replaced by one of its own kind;
        results of other calls are kept.
    JobsInterrupted
        Upon Ctrl-C, with the results of the calls that had finished; calls that had not started
        are not made. Chains that run in those under way on an executor are stopped, if it is on
        this machine or on one that shares its folder of temporary files; what such calls return
        within ten seconds counts as finished.
    Exception
        What a call raises, as it is, as soon as it is known; calls that had not started are not
        made, and the others stopped.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> from brmspy.fitting import run_jobs
    >>> with ThreadPoolExecutor(2) as executor:
    ...     run_jobs(pow, [(2, 3), (3, 2)], executor)
    [8, 9]
    """
    jobs = [tuple(call) for call in arguments]
    tell = report or (lambda count: None)
    if executor is None:
        return _here(function, jobs, tell)
    with StopSign() as sign:
        run = _Run(function, jobs, _as_executor(executor), sign, tell, lost)
        try:
            return run.results_in_order()
        except (KeyboardInterrupt, _Stopped) as interrupt:
            run.wind_down()
            raise JobsInterrupted(run.kept()) from interrupt
        except Exception:
            run.wind_down()
            raise
        finally:
            run.close()


def _here(
    function: Callable[..., T], jobs: Sequence[tuple[Any, ...]], report: Callable[[int], None]
) -> list[T]:
    """Make the calls in this process, one after the other."""
    results: list[T] = []
    try:
        report(0)
        for call in jobs:
            results.append(function(*call))
            report(len(results))
    except KeyboardInterrupt as interrupt:
        raise JobsInterrupted(dict(enumerate(results))) from interrupt
    return results


def _as_executor(executor: Any) -> Any:
    """Return what takes calls and hands out futures of `concurrent.futures`."""
    if hasattr(executor, "get_executor"):  # a Dask client, whose own futures are of another kind
        return executor.get_executor()
    if not callable(getattr(executor, "submit", None)):
        raise BrmspyError(
            f"executor = {executor!r} is not valid: it must be an executor of concurrent.futures, "
            "such as ProcessPoolExecutor(4), or a Dask client."
        )
    return executor


class _Run:
    """Calls on an executor: which have finished, and which are under way.

    Parameters
    ----------
    function : callable
        What to call.
    jobs : sequence of tuple
        The arguments of each call.
    executor : Any
        The user's executor.
    sign : StopSign
        Stops what is under way.
    report : callable
        Called with the number of calls that have finished.
    lost : callable or None
        Returns what stands for the result of a call that no worker survives.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        jobs: Sequence[tuple[Any, ...]],
        executor: Any,
        sign: StopSign,
        report: Callable[[int], None],
        lost: Callable[[int], Any] | None,
    ) -> None:
        self.function = function
        self.jobs = jobs
        self.executor = executor
        self._sign = sign
        self._report = report
        self._lost = lost
        self.finished: dict[int, Any] = {}
        self._own: list[cf.ProcessPoolExecutor] = []  # in place of broken ones
        self._attempts = [0] * len(jobs)
        self._pending: dict[cf.Future[Any], int] = {}

    def results_in_order(self) -> list[Any]:
        """Make all calls and wait for them."""
        self._report(0)
        for place in range(len(self.jobs)):
            self._submit(place)
        while self._pending:
            done, _ = cf.wait(self._pending, return_when=cf.FIRST_COMPLETED)
            lost = [place for place in map(self._settle, done) if place is not None]
            for place in sorted(lost):
                self._submit(place)
            self._report(len(self.finished))
        return [self.finished[place] for place in range(len(self.jobs))]

    def wind_down(self) -> None:
        """Withdraw the calls that have not started, and have the others return what they have."""
        self._sign.ask()
        for future in self._pending:
            future.cancel()
        cf.wait(self._pending, timeout=_GRACE_SECONDS)

    def kept(self) -> dict[int, Any]:
        """Return all results that there are, by the place of their call."""
        for future, place in self._pending.items():
            if future.done() and not future.cancelled() and future.exception() is None:
                self.finished[place] = future.result()
        return self.finished

    def close(self) -> None:
        """Withdraw the calls that have not started, and end the pools that were made here."""
        for future in self._pending:
            future.cancel()
        for pool in self._own:
            pool.shutdown(wait=False, cancel_futures=True)

    def _settle(self, future: cf.Future[Any]) -> int | None:
        """Keep the result of a future, or return its place if its worker died."""
        place = self._pending.pop(future)
        try:
            self.finished[place] = future.result()
        except BaseException as error:
            if not _is_loss(error):
                raise
            if self._attempts[place] >= _ATTEMPTS:
                if self._lost is not None:
                    self.finished[place] = self._lost(place)
                    return None
                raise LostWorkersError(
                    f"The workers that ran job {place + 1} of {len(self.jobs)} died "
                    f"{_ATTEMPTS} times ({type(error).__name__}: {error}). Often there is too "
                    f"little memory: use fewer workers at a time. {len(self.finished)} of "
                    f"{len(self.jobs)} jobs had finished; their results are in the error's "
                    "`results`.",
                    self.finished,
                ) from error
            return place
        return None

    def _submit(self, place: int) -> None:
        """Have the executor make a call, if need be a new executor."""
        attempt = self._attempts[place] = self._attempts[place] + 1
        call = (_call, attempt, self._sign.flag, self.function, self.jobs[place])
        try:
            future = self.executor.submit(*call)
        except cf.BrokenExecutor as error:
            self.executor = self._replacement(error)
            future = self.executor.submit(*call)
        except RuntimeError as error:
            raise BrmspyError(
                f"The executor takes no jobs: {error}. Call from within its with block."
            ) from error
        self._pending[future] = place

    def _replacement(self, error: cf.BrokenExecutor) -> cf.ProcessPoolExecutor:
        """Return a pool in place of one that takes no calls since one of its processes died."""
        if not isinstance(self.executor, cf.ProcessPoolExecutor):
            raise LostWorkersError(
                f"The executor is broken: {error} {len(self.finished)} of {len(self.jobs)} jobs "
                "had finished; their results are in the error's `results`.",
                self.finished,
            ) from error
        broken = vars(self.executor)
        pool = cf.ProcessPoolExecutor(
            broken.get("_max_workers"),
            broken.get("_mp_context"),
            broken.get("_initializer"),
            broken.get("_initargs", ()),
        )
        self._own.append(pool)
        return pool


class _Stopped(Exception):  # noqa: N818 -- no error
    """A call was stopped where it ran; `KeyboardInterrupt` itself may end a worker."""


def _call(attempt: int, flag: StopFlag, function: Callable[..., T], call: tuple[Any, ...]) -> T:
    """Make a call on a worker.

    The number of the attempt makes a call that is made again another one for executors that, as
    Dask's, know calls by their arguments.
    """
    with flag.watched():
        try:
            return function(*call)
        except KeyboardInterrupt as interrupt:
            raise _Stopped from interrupt


def _is_loss(error: BaseException) -> bool:
    """Tell whether a worker died, rather than that the call failed."""
    return any(kind.__name__ in _LOST for kind in type(error).__mro__)
