"""Put the chains of several fits of one model together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import combinations
from typing import TypeVar

import numpy as np
import pandas as pd

from brmspy.data import Design
from brmspy.errors import BrmspyError
from brmspy.fit import Fit, FitRecord
from brmspy.fit.datasets import concatenated, group_attributes

__all__ = ["combine"]

F = TypeVar("F", bound=Fit)

_SHOWN = 3


def combine(*fits: F) -> F:
    """Put the chains of several fits of the same model together.

    Fits to the same data are then one fit with more chains. Fits to different data, such as
    multiple imputations, are a mixture of posteriors: their chains need not agree, so that the
    summary shows the largest R-hat of those within one data set, and adds up effective sample
    sizes; `BrmsFit.rhats` has R-hat for each fit. Predictions for the data of the fit then are for
    the first data set, which a warning says.

    Parameters
    ----------
    *fits : BrmsFit
        Fits with the same formula, family, priors, levels and number of draws in a chain. Fits to
        other data share the priors if they are made by `brmspy.brm_multiple`, or by `update` with
        `newdata`.

    Returns
    -------
    BrmsFit
        Model and data are those of the first fit; chains are numbered anew, fit after fit.

    Raises
    ------
    BrmspyError
        If the fits are not of the same model, or draws are there twice; names what differs.

    References
    ----------
    Gelman, A., Carlin, J. B., Stern, H. S., Dunson, D. B., Vehtari, A. and Rubin, D. B. (2013).
    Bayesian Data Analysis, third edition, section 18.2: draws under several imputations are put
    together. http://www.stat.columbia.edu/~gelman/book/

    Examples
    --------
    >>> from brmspy import brm, combine, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> settings = {"chains": 2, "progress": False}
    >>> one, two = (brm("Reaction ~ Days", sleepstudy, seed=s, **settings) for s in (1, 2))
    >>> combine(one, two)["sigma"].shape
    (4, 1000)
    """
    _check_are_fits(fits)
    if len(fits) == 1:
        return fits[0]
    for number, fit in enumerate(fits[1:], start=2):
        for difference in _differences(fits[0], fit):
            raise BrmspyError(f"Fit {number} cannot be combined with fit 1: {difference}")
    _check_draws_differ(fits)
    record = FitRecord.combined([fit.record for fit in fits], _data_numbers(fits))
    attrs = group_attributes(record, fits[0].model.sample_prior)
    groups = concatenated([fit.groups for fit in fits], attrs)
    return replace(fits[0], groups=groups, record=record)


def _check_are_fits(fits: tuple[object, ...]) -> None:
    """Refuse no fits, and what is none."""
    if len(fits) == 1 and isinstance(fits[0], list | tuple):
        raise BrmspyError("combine() takes fits, not a list of them: write combine(*fits).")
    if not fits:
        raise BrmspyError("There is no fit to combine. Write combine(fit1, fit2).")
    for number, fit in enumerate(fits, start=1):
        if not isinstance(fit, Fit):
            raise BrmspyError(
                f"Argument {number} of combine() is no fit but of type {type(fit).__name__}."
            )


def _differences(first: Fit, other: Fit) -> Iterable[str]:
    """Yield in what two fits differ that must be the same."""
    told: tuple[tuple[str, Callable[[Fit], object]], ...] = (
        ("class", lambda fit: type(fit).__name__),
        ("formula", lambda fit: str(fit.formula)),
        ("family", lambda fit: str(fit.family)),
        ("sample_prior", lambda fit: fit.model.sample_prior),
        ("algorithm", lambda fit: fit.record.algorithm),
    )
    for name, value in told:
        ours, theirs = value(first), value(other)
        if ours != theirs:
            yield f"its {name} is {theirs!r}, that of fit 1 {ours!r}."
    yield from _other_parameters(first.names, other.names)
    yield from _other_factors(first.model.design, other.model.design)
    yield from _other_priors(first.prior_summary(), other.prior_summary())
    ours, theirs = set(first.groups), set(other.groups)
    if ours != theirs:
        names = ", ".join(sorted(ours ^ theirs))
        yield f"only one of them has {names}. Fit both with the same save_warmup."
    for name, noun in (("posterior", "draws"), ("warmup_posterior", "draws of the warm-up")):
        if name in ours:
            lengths = [fit.groups[name].sizes["draw"] for fit in (first, other)]
            if lengths[0] != lengths[1]:
                yield f"its chains have {lengths[1]} {noun}, those of fit 1 {lengths[0]}."


def _other_parameters(ours: tuple[str, ...], theirs: tuple[str, ...]) -> Iterable[str]:
    """Say which parameters only one of two fits has."""
    if ours == theirs:
        return
    missing = [name for name in ours if name not in theirs]
    added = [name for name in theirs if name not in ours]
    parts = [f"has no {_some(missing)}"] if missing else []
    parts += [f"has {_some(added)}, which fit 1 has not"] if added else []
    yield f"it {' and '.join(parts) or 'has its parameters in another order'}."


def _other_factors(ours: Design, theirs: Design) -> Iterable[str]:
    """Say which coefficients have the same names in two fits, but are of other levels."""
    for label, levels in ours.factors.items():
        if label not in theirs.factors:
            continue  # which its parameters say
        if theirs.factors[label] != levels:
            found = [", ".join(map(repr, names)) for names in (theirs.factors[label], levels)]
            yield f"the levels of its factor {label} are {found[0]}, those of fit 1 {found[1]}."
        first, second = (design.recipe.variables[label].contrasts for design in (ours, theirs))
        if first and second and not np.array_equal(first.matrix, second.matrix):
            yield (
                f"its factor {label} is coded by other contrasts. Fit both with the same contrasts."
            )


def _some(names: list[str]) -> str:
    """Return the first names, and how many there are besides."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _other_priors(ours: pd.DataFrame, theirs: pd.DataFrame) -> Iterable[str]:
    """Say which prior differs."""
    advice = (
        "Fit one to the data of the other by update(fit, newdata=...), which keeps the priors, or "
        "all of them by brm_multiple()."
    )
    if ours.shape != theirs.shape:
        yield f"it has other priors. {advice}"
        return
    differ = (ours.to_numpy() != theirs.to_numpy()).any(axis=1)
    for place in np.flatnonzero(differ)[:1]:
        one, other = ours.iloc[place], theirs.iloc[place]
        named = ("class", "coef", "group", "dpar", "nlpar")
        where = ", ".join(f"{name}={other[name]!r}" for name in named if other.get(name))
        yield (
            f"its prior for {where} is {other['prior']!r}, that of fit 1 {one['prior']!r}. {advice}"
        )


def _check_draws_differ(fits: tuple[Fit, ...]) -> None:
    """Refuse the same draws twice, which would look like information."""
    lp = [fit.groups["sample_stats"]["lp"].to_numpy() for fit in fits]
    for one, other in combinations(range(len(fits)), 2):
        same = any(
            np.ptp(chain) > 0 and np.array_equal(chain, twin)
            for chain in lp[one]
            for twin in lp[other]
        )
        if same:
            raise BrmspyError(
                f"Fits {one + 1} and {other + 1} have the same draws (seed "
                f"{fits[other].record.seed}). Fit one of them with another seed."
            )


def _data_numbers(fits: tuple[Fit, ...]) -> list[int]:
    """Return the number of each fit's data set; equal ones have the same."""
    frames: list[pd.DataFrame] = []
    numbers = []
    for fit in fits:
        data = fit.data
        known = (place for place, frame in enumerate(frames, start=1) if frame.equals(data))
        number = next(known, 0)
        if not number:
            frames.append(data)
            number = len(frames)
        numbers.append(number)
    return numbers
