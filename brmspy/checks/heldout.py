"""Fits without some of the rows, and how they predict these."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.checks.display import count
from brmspy.checks.likelihood import log_mean_exp
from brmspy.data import design
from brmspy.errors import BrmspyError, BrmspyWarning, DataError, SamplingWarning, warn
from brmspy.fit import Finding, Fit
from brmspy.fitting import refit, run_jobs
from brmspy.predict import log_lik

__all__ = ["HeldOut", "hold_out", "new_level_note", "seeds_of", "warn_of_findings"]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Rows that a model was fitted without.

    Attributes
    ----------
    elpd : ndarray, shape (row,)
        Log density of each, averaged over the posterior without them.
    new_levels : mapping of str to tuple of str
        Levels of groups that the fit had not seen, by grouping factor.
    findings : tuple of Finding
        What is wrong with the draws.
    fit : BrmsFit or None
        The fit, if it was to be kept.
    """

    elpd: NDArray[np.float64]
    new_levels: Mapping[str, tuple[str, ...]]
    findings: tuple[Finding, ...]
    fit: Fit | None


def seeds_of(fit: Fit, seed: int | None, number: int) -> tuple[int, list[int]]:
    """Return the seed to use, and one for each fit.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    seed : int or None
        What the user gave; None for the fit's own.
    number : int
        How many fits there will be.

    Returns
    -------
    int
        The seed.
    list of int
        Seeds of the fits, which differ from each other.
    """
    base = fit.record.seed if seed is None else seed
    if isinstance(base, bool) or not isinstance(base, (int, np.integer)) or base < 0:
        raise BrmspyError(f"seed = {seed!r} is not valid: it is a whole number from 0 on.")
    # Below 2^31, which all toolchains take.
    state = np.random.SeedSequence(int(base)).generate_state(number) >> 1
    return int(base), [int(value) for value in state]


def hold_out(
    fit: Fit,
    parts: Sequence[tuple[str, NDArray[np.intp]]],
    seed: int | None = None,
    executor: Any = None,
    save_fits: bool = False,
) -> list[HeldOut]:
    """Fit without each of several sets of rows, and predict these.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    parts : sequence of (str, ndarray)
        What each set of rows is called, and their positions.
    seed : int, optional
        Seed of the random numbers; by default the fit's.
    executor : concurrent.futures.Executor or dask.distributed.Client, optional
        Where to fit; by default here, one after the other.
    save_fits : bool
        Whether to keep the fits.

    Returns
    -------
    list of HeldOut
        In the order of `parts`.

    Raises
    ------
    DataError
        If the rest of the rows do not make a model that could predict the rows left out.
    """
    for name, rows in parts:
        _check_possible(fit, name, rows)
    _, seeds = seeds_of(fit, seed, len(parts))
    lean = replace(fit, groups={})  # draws are not needed, and would be sent to each worker
    jobs = [
        (lean, rows, one_seed, save_fits) for (_, rows), one_seed in zip(parts, seeds, strict=True)
    ]
    with warnings.catch_warnings():
        # Each fit's findings are told once it is known which fit they belong to.
        warnings.simplefilter("ignore", SamplingWarning)
        return run_jobs(_without, jobs, executor)


def _without(fit: Fit, rows: NDArray[np.intp], seed: int, save_fits: bool) -> HeldOut:
    """Fit without some rows, and predict them."""
    train, test = _divided(fit, rows)
    other = refit(fit, train, seed=seed, progress=False)
    if other.record.interrupted:
        # The sampler keeps the draws that it has; of some draws less there is nothing to average.
        raise KeyboardInterrupt
    predicted = log_lik(
        other, test, allow_new_levels=True, sample_new_levels="uncertainty", seed=seed
    )
    values = predicted.to_numpy().reshape(-1, len(rows))
    return HeldOut(
        elpd=log_mean_exp(values),
        new_levels=_new_levels(other, test),
        findings=other.findings,
        fit=other if save_fits else None,
    )


def _divided(fit: Fit, rows: NDArray[np.intp]) -> tuple[Any, Any]:
    """Return the data without some rows, and these rows."""
    data = fit.data
    kept = np.ones(len(data), dtype=bool)
    kept[rows] = False
    return data.iloc[np.flatnonzero(kept)], data.iloc[rows]


def _new_levels(fit: Fit, rows: Any) -> dict[str, tuple[str, ...]]:
    """Return the levels of rows that a fit has not seen."""
    built = fit.model.design
    arrays = built.arrays_for(rows, allow_new_levels=True)
    found: dict[str, tuple[str, ...]] = {}
    for info, group in zip(built.groups, arrays.groups, strict=True):
        if group.new_levels:
            found[info.group] = group.new_levels
    return found


def _check_possible(fit: Fit, name: str, rows: NDArray[np.intp]) -> None:
    """Refuse to leave out rows that a model of the others could not predict."""
    train, test = _divided(fit, rows)
    if not len(train):
        raise DataError(f"{name} leaves no rows to fit to.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", BrmspyWarning)
            rest = design(fit.model.design.terms, train, fit.model.design.contrasts)
            rest.arrays_for(test, response=True, allow_new_levels=True)
    except DataError as error:
        raise DataError(
            f"{name} cannot be left out, for the other rows say nothing about it: {error} To keep "
            'some rows of each level of a column, divide by it: fit.kfold(folds="stratified", '
            "group=...)."
        ) from error


def warn_of_findings(names: Sequence[str], results: Sequence[HeldOut]) -> None:
    """Tell what is wrong with some of the fits, once.

    Parameters
    ----------
    names : sequence of str
        What each set of rows is called.
    results : sequence of HeldOut
        Their fits.

    Warns
    -----
    SamplingWarning
        If anything is.
    """
    found = [
        (name, finding)
        for name, result in zip(names, results, strict=True)
        for finding in result.findings
    ]
    if not found:
        return
    fits = len({name for name, _ in found})
    first, finding = found[0]
    kinds = sorted({finding.kind for _, finding in found})
    warn(
        f"The draws of {count(fits, 'fit')} of {len(names)} have problems ({', '.join(kinds)}). "
        f"{first}: {finding}",
        SamplingWarning,
    )


def new_level_note(results: Sequence[HeldOut]) -> tuple[str, ...]:
    """Say which groups were predicted without having been seen.

    Parameters
    ----------
    results : sequence of HeldOut
        The fits.

    Returns
    -------
    tuple of str
    """
    levels: dict[str, set[str]] = {}
    for result in results:
        for group, names in result.new_levels.items():
            levels.setdefault(group, set()).update(names)
    if not levels:
        return ()
    what = " and ".join(
        f"{count(len(names), 'level')} of {group}" for group, names in levels.items()
    )
    return (
        f"{what} had no rows left when their own were left out. They were predicted as new levels "
        '(sample_new_levels="uncertainty": in each draw the effects of a level picked at random).',
    )
