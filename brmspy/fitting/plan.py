"""What decides the draws of a fit, settled before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from brmspy.engine.approximate import ApproximateOptions, ApproximateRun
from brmspy.engine.interface import CompileOptions
from brmspy.engine.messages import NoStartError
from brmspy.engine.sampling import SampleOptions, SamplerRun
from brmspy.fit import Fit
from brmspy.fit.naming import posterior_variables
from brmspy.fitting.arguments import Settings
from brmspy.fitting.support import check_points, explain_start, fault_at, may_leave
from brmspy.model import Model
from brmspy.program import initial_point

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
            If initial values are for no parameter, or the model has no density there.
        """
        options = replace(settings.options, chains=settings.processes, threads=model.threads)
        planned = model.program.plan
        if settings.adapt_delta is None:
            options = replace(options, adapt_delta=planned.adapt_delta)
        if settings.iter_warmup is None and settings.init == "auto":
            options = replace(options, iter_warmup=planned.iter_warmup)
        options = replace(options, seed=options.seed_to_use())
        return cls(model, settings, _with_start(options, settings.init, model))

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

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Say which row and parameter leave no density, if Stan finds no initial values."""
        try:
            yield
        except NoStartError as error:
            why = explain_start(self.model, self.options.inits)
            if not why:
                raise
            raise NoStartError(f"{error}\n  {why}") from error

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


def _with_start(options: SampleOptions, init: Any, model: Model) -> SampleOptions:
    """Return the options with initial values as the Stan program takes them."""
    start = model.program.start
    inside = (lambda point: fault_at(model, point) is None) if may_leave(model) else None
    if isinstance(init, str) and init == "auto":
        if start is None:
            return options
        seed = options.seed_to_use()
        return replace(
            options,
            seed=seed,
            inits=start.points(seed, options.chains, inside),
            inv_metric=start.inverse_metric(),
        )
    if not isinstance(init, Mapping | Sequence) or isinstance(init, str):
        return options
    given = [init] * options.chains if isinstance(init, Mapping) else list(init)
    # What is not given starts where it would have without.
    seed = options.seed_to_use()
    bases = [{}] * len(given) if start is None else start.points(seed, len(given), inside)
    points = [
        initial_point(model.program, model.family, values, base)
        for values, base in zip(given, bases, strict=True)
    ]
    check_points(model, points, each=not isinstance(init, Mapping))
    metric = None if start is None else start.inverse_metric()
    return replace(options, inits=points, inv_metric=metric)
