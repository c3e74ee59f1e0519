"""From a model to its draws: compile, start, sample."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from brmspy.engine.approximate import approximate
from brmspy.engine.cache import CompiledModel, compiled
from brmspy.engine.interface import CompileOptions, Toolchain
from brmspy.engine.progress import Progress
from brmspy.engine.sampling import SampleOptions, sample
from brmspy.engine.toolchain import find_toolchain
from brmspy.errors import SamplingError, did_you_mean
from brmspy.fit import Fit
from brmspy.fit.naming import posterior_variables
from brmspy.fitting.arguments import Settings
from brmspy.model import Model
from brmspy.program import Program

__all__ = ["run_model"]

F = TypeVar("F", bound=Fit)


def run_model(kind: type[F], model: Model, settings: Settings) -> F:
    """Compile a model, draw from its posterior and name the draws.

    Parameters
    ----------
    kind : type
        What to return: `Fit`, or a class derived from it.
    model : Model
        The model.
    settings : Settings
        How to draw.

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
    options = replace(settings.options, chains=settings.processes, threads=model.threads)
    if settings.adapt_delta is None:
        options = replace(options, adapt_delta=model.program.plan.adapt_delta)
    options = _with_start(options, settings.init, model.program)
    tools = find_toolchain(settings.toolchain)
    with Progress(show=settings.progress) as display:
        compile_options = CompileOptions(threads=model.threads > 1)
        binary = compiled(model.program.code, tools, compile_options, on_stage=display.stage)
        if settings.verbose:
            _describe(model, tools, binary)
        made = (model, posterior_variables(model.design, model.program))
        how = (tools.describe(), settings.arguments())
        if settings.algorithm != "nuts":
            quick = settings.approximation(options)
            draws = approximate(binary.exe, model.program.data, quick, progress=display)
            return kind.from_approximation(*made, draws, quick, *how)
        run = sample(binary.exe, model.program.data, options, progress=display)
    return kind.from_run(*made, run, options, *how)


def _describe(model: Model, toolchain: Toolchain, binary: CompiledModel) -> None:
    """Say on standard error what is about to be sampled."""
    compiled_in = "cached" if binary.was_cached else f"compiled in {binary.seconds:.0f} s"
    lines = [
        repr(model.design),
        f"family: {model.family}",
        "priors:",
        model.priors.formatted(),
        "toolchain: " + ", ".join(f"{k} {v}" for k, v in toolchain.describe().items()),
        f"executable: {binary.exe} ({compiled_in})",
    ]
    print("\n".join(lines), file=sys.stderr)


def _with_start(options: SampleOptions, init: Any, program: Program) -> SampleOptions:
    """Return the options with initial values as the Stan program takes them."""
    if init == "auto":
        if program.start is None:
            return options
        seed = options.seed_to_use()
        return replace(
            options,
            seed=seed,
            inits=program.start.points(seed, options.chains),
            inv_metric=program.start.inverse_metric(),
        )
    if isinstance(init, Mapping):
        _check_init(init, program)
        return replace(options, inits=program.initial(init))
    if isinstance(init, Sequence):
        for values in init:
            _check_init(values, program)
        return replace(options, inits=[program.initial(values) for values in init])
    return options


def _check_init(init: Mapping[str, Any], program: Program) -> None:
    """Refuse initial values of what the program does not sample, which Stan would ignore."""
    for name in init:
        if name not in program.initial_names:
            raise SamplingError(
                f"init has a value for {name!r}, which the Stan program does not sample. "
                f"{did_you_mean(str(name), program.initial_names)} See stancode(...) for its "
                "parameters."
            )
