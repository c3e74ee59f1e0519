"""What decides the draws of a fit, settled before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from brmspy.engine.approximate import ApproximateOptions, ApproximateRun
from brmspy.engine.interface import CompileOptions
from brmspy.engine.sampling import SampleOptions, SamplerRun
from brmspy.errors import SamplingError, did_you_mean
from brmspy.fit import Fit
from brmspy.fit.naming import posterior_variables
from brmspy.fitting.arguments import Settings
from brmspy.model import Model
from brmspy.program import Program

__all__ = ["Plan"]

F = TypeVar("F", bound=Fit)


@dataclass(frozen=True)
class Plan:
    """A model with all that decides its draws.

    Attributes
    ----------
    model : Model
        The model.
    settings : Settings
        How to draw, as the user said it.
    options : SampleOptions
        The same with the seed, and with initial values as the Stan program takes them.
    """

    model: Model
    settings: Settings
    options: SampleOptions

    @classmethod
    def of(cls, model: Model, settings: Settings) -> Plan:
        """Decide seed and initial values.

        Raises
        ------
        SamplingError
            If initial values are for no parameter.
        """
        options = replace(settings.options, chains=settings.processes, threads=model.threads)
        planned = model.program.plan
        if settings.adapt_delta is None:
            options = replace(options, adapt_delta=planned.adapt_delta)
        if settings.iter_warmup is None and settings.init == "auto":
            options = replace(options, iter_warmup=planned.iter_warmup)
        options = replace(options, seed=options.seed_to_use())
        return cls(model, settings, _with_start(options, settings.init, model.program))

    @property
    def compile_options(self) -> CompileOptions:
        """How the program is compiled."""
        return CompileOptions(threads=self.model.threads > 1)

    @property
    def approximation(self) -> ApproximateOptions | None:
        """How to approximate the posterior; None for Markov chains."""
        if self.settings.algorithm == "nuts":
            return None
        return self.settings.approximation(self.options)

    def fit(
        self, kind: type[F], run: SamplerRun | ApproximateRun, toolchain: Mapping[str, str]
    ) -> F:
        """Name the draws.

        Parameters
        ----------
        kind : type
            What to return: `Fit`, or a class derived from it.
        run : SamplerRun or ApproximateRun
            What Stan returned.
        toolchain : mapping of str to str
            What the program was compiled with.

        Returns
        -------
        Fit
            Of the class `kind`.
        """
        made = (self.model, posterior_variables(self.model.design, self.model.program))
        arguments = self.settings.arguments()
        quick = self.approximation
        if isinstance(run, SamplerRun):
            return kind.from_run(*made, run, self.options, toolchain, arguments)
        assert quick is not None, "only approximations return such a run"
        return kind.from_approximation(*made, run, quick, toolchain, arguments)


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
