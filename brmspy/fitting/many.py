"""Fits of several models, one for each of several data sets."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from brmspy.engine.progress import Progress
from brmspy.errors import (
    BrmspyWarning,
    DataError,
    PriorError,
    SamplingError,
    SamplingWarning,
    SomeFitsFailedError,
    warn,
)
from brmspy.fit import Fit
from brmspy.fitting.arguments import Settings
from brmspy.fitting.elsewhere import run_elsewhere
from brmspy.fitting.plan import Plan
from brmspy.fitting.run import run_here
from brmspy.model import Model

__all__ = ["Made", "plans_alike", "run_plans", "telling_which"]

F = TypeVar("F", bound=Fit)

_CHOSEN = ("iter_warmup", "adapt_delta")  # by the model, unless the user says otherwise


@dataclass(frozen=True)
class Made(Generic[F]):
    """The fits that were made.

    Attributes
    ----------
    fits : mapping of int to Fit
        By the number of their data set, from 1, finished or not.
    total : int
        How many were wanted.
    """

    fits: Mapping[int, F]
    total: int

    def finished(self) -> list[F]:
        """Return the fits that have all their draws, and warn if there are others.

        Returns
        -------
        list of Fit

        Warns
        -----
        SamplingWarning
            If the user stopped the run: which data sets are missing.

        Raises
        ------
        KeyboardInterrupt
            If none is finished.
        """
        whole = {number: fit for number, fit in self.fits.items() if not fit.record.interrupted}
        if not whole:
            raise KeyboardInterrupt
        if len(whole) < self.total:
            missing = [str(n) for n in range(1, self.total + 1) if n not in whole]
            warn(
                f"The fits were interrupted. Data sets {', '.join(missing)} of {self.total} are "
                "missing. Fit again for reliable results.",
                SamplingWarning,
            )
        return list(whole.values())


def plans_alike(models: Sequence[Model], settings: Settings, seeds: Sequence[int]) -> list[Plan]:
    """Plan fits that can be combined: what a plan chooses is chosen for the first model.

    Parameters
    ----------
    models : sequence of Model
        The same model with each data set.
    settings : Settings
        How to draw.
    seeds : sequence of int
        The seed of each fit.

    Returns
    -------
    list of Plan
    """
    plans: list[Plan] = []
    for model, seed in zip(models, seeds, strict=True):
        own = replace(settings, options=replace(settings.options, seed=seed))
        plan = Plan.of(model, own)
        if plans:
            alike = {name: getattr(plans[0].options, name) for name in _CHOSEN}
            plan = replace(plan, options=replace(plan.options, **alike))
        plans.append(plan)
    return plans


def run_plans(kind: type[F], plans: Sequence[Plan], executor: Any, *, progress: bool) -> Made[F]:
    """Draw from several models.

    Parameters
    ----------
    kind : type
        What to return: `Fit`, or a class derived from it.
    plans : sequence of Plan
        The models, one for each data set.
    executor : concurrent.futures.Executor, dask.distributed.Client or None
        Where all chains run; None runs those of one model after those of the other, on this
        machine.
    progress : bool
        Whether to show which fit is under way.

    Returns
    -------
    Made
        All fits, or after Ctrl-C those that have draws.

    Raises
    ------
    SomeFitsFailedError
        If fits failed while others finished.
    SamplingError
        If the first fit failed, here; or all, on an executor.
    KeyboardInterrupt
        If there are no draws when the user stops the run.

    Warns
    -----
    SamplingWarning
        What there is to say about a fit, with the number of its data set.
    """
    with Progress(show=progress) as display:
        if executor is None:
            return _one_after_the_other(kind, plans, display)
        display.fit(len(plans), len(plans))
        left = run_elsewhere(plans, executor, display)
    return _all_that_can_be(kind, [part.fit for part in left])


def _one_after_the_other(kind: type[F], plans: Sequence[Plan], display: Progress) -> Made[F]:
    """Draw from one model after the other."""
    fits: dict[int, F] = {}
    for number, plan in enumerate(plans, start=1):
        display.fit(number, len(plans))
        try:
            with telling_which(number):
                fits[number] = run_here(kind, plan, display)
        except SamplingError as error:
            if not fits:
                raise
            raise _some_failed([str(error)], fits) from error
        except KeyboardInterrupt:
            if not fits:
                raise
            break
        if fits[number].record.interrupted:
            break
    return Made(fits, len(plans))


def _all_that_can_be(kind: type[F], makers: Sequence[Callable[[type[F]], F]]) -> Made[F]:
    """Make a fit of what the chains of each model have left."""
    fits: dict[int, F] = {}
    errors: list[SamplingError] = []
    for number, make in enumerate(makers, start=1):
        try:
            with telling_which(number):
                fits[number] = make(kind)
        except SamplingError as error:
            errors.append(error)
        except KeyboardInterrupt:
            continue
    if errors and fits:
        raise _some_failed([str(error) for error in errors], fits) from errors[0]
    if errors:
        raise errors[0]
    if not fits:
        raise KeyboardInterrupt
    return Made(fits, len(makers))


def _some_failed(messages: Sequence[str], fits: Mapping[int, Fit]) -> SomeFitsFailedError:
    """Return the error that keeps the finished fits."""
    sets = ", ".join(map(str, fits))
    kept = f"The fits to data sets {sets} are kept" if len(fits) > 1 else f"That to {sets} is kept"
    return SomeFitsFailedError("\n".join([*messages, f"{kept} in the error's `fits`."]), fits)


@contextmanager
def telling_which(number: int) -> Iterator[None]:
    """Say which data set warnings and errors are about.

    Parameters
    ----------
    number : int
        The data set, from 1.

    Yields
    ------
    None
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        except (DataError, PriorError, SamplingError) as error:
            raise type(error)(f"Data set {number}: {error}") from error
    for item in caught:
        if issubclass(item.category, BrmspyWarning):
            warn(f"Data set {number}: {item.message}", item.category)
        else:
            warnings.warn_explicit(item.message, item.category, item.filename, item.lineno)
