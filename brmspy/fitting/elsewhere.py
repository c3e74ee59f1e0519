"""Chains that an executor runs: in other threads, in other processes, on other machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from brmspy.engine.approximate import ApproximateOptions, ApproximateRun, approximate
from brmspy.engine.cache import compiled
from brmspy.engine.interface import CompileOptions
from brmspy.engine.messages import Failure
from brmspy.engine.output import ChainOutput
from brmspy.engine.progress import Progress
from brmspy.engine.sampling import SampleOptions, SamplerRun, sample_chains, sampler_run
from brmspy.engine.toolchain import find_toolchain
from brmspy.errors import SamplingError, SamplingWarning, warn
from brmspy.fit import Fit
from brmspy.fitting.jobs import JobsInterrupted, LostWorkersError, run_jobs
from brmspy.fitting.plan import Plan

__all__ = ["Left", "run_elsewhere"]

F = TypeVar("F", bound=Fit)

_LOST = Failure(
    "was lost, as the workers that ran it died",
    "Often there is too little memory: use fewer workers at a time.",
    "",
)


_WITHDRAWN = Failure("was stopped before it returned any draws", "", "")


@dataclass(frozen=True)
class _Task:
    """One chain, or one approximation: all that a worker needs to know.

    Attributes
    ----------
    code : str
        The Stan program; a worker that does not have it compiled compiles it.
    compile_options : CompileOptions
        How.
    toolchain : str or None
        With what, as the user said it.
    data : mapping of str to Any
        Its data.
    options : SampleOptions or ApproximateOptions
        How to draw; of all chains.
    number : int
        Which chain, from 1.
    """

    code: str
    compile_options: CompileOptions
    toolchain: str | None
    data: Mapping[str, Any]
    options: SampleOptions | ApproximateOptions
    number: int


@dataclass(frozen=True)
class _Done:
    """What a worker returns.

    Attributes
    ----------
    result : ChainOutput, ApproximateRun or SamplingError
        What came of it.
    toolchain : mapping of str to str
        What the worker compiled the program with; empty if there was no worker.
    """

    result: ChainOutput | ApproximateRun | SamplingError
    toolchain: Mapping[str, str]


@dataclass(frozen=True)
class Left:
    """What the chains of one model have left.

    Attributes
    ----------
    plan : Plan
        The model, and how it was to be drawn from.
    done : tuple of _Done
        What workers returned for it; chains that were not begun are missing.
    """

    plan: Plan
    done: tuple[_Done, ...]

    def fit(self, kind: type[F]) -> F:
        """Name the draws.

        Parameters
        ----------
        kind : type
            What to return: `Fit`, or a class derived from it.

        Returns
        -------
        Fit
            Of the class `kind`.

        Raises
        ------
        SamplingError
            If no chain finished, or the approximation failed.
        KeyboardInterrupt
            If the run was interrupted before there were draws.

        Warns
        -----
        SamplingWarning
            If chains failed while others finished, or ran on different versions of Stan.
        """
        with self.plan.explained():
            run = self.run()
        described = [done.toolchain for done in self.done if done.toolchain]
        if any(other != described[0] for other in described[1:]):
            found = {", ".join(f"{k} {v}" for k, v in tools.items()) for tools in described}
            warn(
                "The workers of the executor have different toolchains: "
                + "; ".join(sorted(found))
                + ". With these, the same seed need not give the same draws again.",
                SamplingWarning,
            )
        return self.plan.fit(kind, run, described[0])

    def run(self) -> SamplerRun | ApproximateRun:
        """Return the draws of all chains.

        Returns
        -------
        SamplerRun or ApproximateRun

        Raises
        ------
        SamplingError, KeyboardInterrupt
            As `fit`.

        Warns
        -----
        SamplingWarning
            If chains failed while others finished.
        """
        results = [done.result for done in self.done]
        for result in results:
            if isinstance(result, SamplingError):
                raise result
            if isinstance(result, ApproximateRun):
                return result
        outputs = {item.number: item for item in results if isinstance(item, ChainOutput)}
        options = self.plan.options
        if self.plan.approximation is not None:
            raise KeyboardInterrupt
        every = [
            outputs.get(number, ChainOutput(number, None, lost=_WITHDRAWN))
            for number in range(1, options.chains + 1)
        ]
        stopped = any(chain.stopped or chain.lost is _WITHDRAWN for chain in every)
        return sampler_run(every, options, options.seed_to_use(), interrupted=stopped)


def run_elsewhere(plans: Sequence[Plan], executor: Any, display: Progress) -> list[Left]:
    """Have an executor run the chains of several models, all at once.

    A chain draws the same numbers wherever it runs. Ctrl-C stops the chains, if they run on this
    machine or on one that shares its folder of temporary files, and keeps what they have drawn.

    Parameters
    ----------
    plans : sequence of Plan
        The models.
    executor : concurrent.futures.Executor or dask.distributed.Client
        Where their chains run.
    display : Progress
        Shows how far they are.

    Returns
    -------
    list of Left
        What has been drawn for each model, finished or not.

    Raises
    ------
    CompileError
        If a worker has no compiler, or Stan cannot translate a program.
    """
    tasks = [(place, task) for place, plan in enumerate(plans) for task in _tasks(plan)]
    done: dict[int, _Done]
    try:
        results = run_jobs(
            _run_task,
            [(task,) for _, task in tasks],
            executor,
            report=lambda count: display.jobs(count, len(tasks)),
            lost=lambda place: _lost(tasks[place][1]),
        )
        done = dict(enumerate(results))
    except JobsInterrupted as interrupt:
        done = interrupt.results
    except LostWorkersError as error:
        done = {place: _lost(task) for place, (_, task) in enumerate(tasks)} | error.results
    return [
        Left(plan, tuple(done[i] for i, (of, _) in enumerate(tasks) if of == place and i in done))
        for place, plan in enumerate(plans)
    ]


def _tasks(plan: Plan) -> list[_Task]:
    """Return one task for each chain, or one for an approximation."""
    quick = plan.approximation
    program = plan.model.program
    return [
        _Task(
            program.code,
            plan.compile_options,
            plan.settings.toolchain,
            program.data,
            plan.options if quick is None else quick,
            number,
        )
        for number in range(1, plan.options.chains + 1 if quick is None else 2)
    ]


def _run_task(task: _Task) -> _Done:
    """Run a chain or an approximation; this is what a worker does."""
    tools = find_toolchain(task.toolchain)
    binary = compiled(task.code, tools, task.compile_options)
    options = task.options
    if isinstance(options, SampleOptions):
        seed = options.seed_to_use()
        [output], _ = sample_chains(binary.exe, task.data, options, seed, [task.number])
        return _Done(output, tools.describe())
    try:
        run = approximate(binary.exe, task.data, options, progress=Progress(show=False))
    except SamplingError as error:
        return _Done(error, tools.describe())
    return _Done(run, tools.describe())


def _lost(task: _Task) -> _Done:
    """Return what stands for a task that no worker survived."""
    if isinstance(task.options, SampleOptions):
        return _Done(ChainOutput(task.number, None, lost=_LOST), {})
    name = task.options.title
    return _Done(SamplingError(f"{name[0].upper()}{name[1:]} {_LOST.reason}. {_LOST.advice}"), {})
