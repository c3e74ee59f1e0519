"""From a model to its draws: compile, start, sample."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, TypeVar

from brmspy.engine.approximate import ApproximateRun, approximate
from brmspy.engine.cache import compiled
from brmspy.engine.progress import Progress
from brmspy.engine.sampling import SamplerRun, sample
from brmspy.engine.toolchain import find_toolchain
from brmspy.fit import Fit
from brmspy.fitting.arguments import Settings
from brmspy.fitting.elsewhere import run_elsewhere
from brmspy.fitting.plan import Plan
from brmspy.model import Model

__all__ = ["run_here", "run_model"]

F = TypeVar("F", bound=Fit)


def run_model(kind: type[F], model: Model, settings: Settings, executor: Any = None) -> F:
    """Compile a model, draw from its posterior and name the draws.

    Parameters
    ----------
    kind : type
        What to return: `Fit`, or a class derived from it.
    model : Model
        The model.
    settings : Settings
        How to draw.
    executor : concurrent.futures.Executor or dask.distributed.Client, optional
        Where the chains run; by default in processes of this machine.

    Returns
    -------
    Fit
        Of the class `kind`.

    Raises
    ------
    SamplingError
        If initial values are for no parameter, or the algorithm fails.
    CompileError
        If there is no compiler, or Stan cannot translate the program.
    """
    plan = Plan.of(model, settings)
    with Progress(show=settings.progress) as display:
        if executor is None:
            return run_here(kind, plan, display)
        if settings.verbose:
            _describe(model, {}, "compiled by the workers of the executor")
        [left] = run_elsewhere([plan], executor, display)
    return left.fit(kind)


def run_here(kind: type[F], plan: Plan, display: Progress) -> F:
    """Compile a model and draw from its posterior in processes of this machine.

    Parameters
    ----------
    kind : type
        What to return: `Fit`, or a class derived from it.
    plan : Plan
        The model, and how to draw.
    display : Progress
        Shows how far it is.

    Returns
    -------
    Fit
        Of the class `kind`.
    """
    model, options = plan.model, plan.options
    tools = find_toolchain(plan.settings.toolchain)
    binary = compiled(model.program.code, tools, plan.compile_options, on_stage=display.stage)
    if plan.settings.verbose:
        compiled_in = "cached" if binary.was_cached else f"compiled in {binary.seconds:.0f} s"
        _describe(model, tools.describe(), f"{binary.exe} ({compiled_in})")
    quick = plan.approximation
    run: SamplerRun | ApproximateRun
    with plan.explained():
        if quick is None:
            run = sample(binary.exe, model.program.data, options, progress=display)
        else:
            run = approximate(binary.exe, model.program.data, quick, progress=display)
    return plan.fit(kind, run, tools.describe())


def _describe(model: Model, toolchain: Mapping[str, str], executable: str) -> None:
    """Say on standard error what is about to be sampled."""
    lines = [
        repr(model.design),
        f"family: {model.family}",
        "priors:",
        model.priors.formatted(),
        "toolchain: " + ", ".join(f"{k} {v}" for k, v in toolchain.items()),
        f"executable: {executable}",
    ]
    print("\n".join(lines), file=sys.stderr)
