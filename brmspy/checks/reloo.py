"""Leave-one-out cross-validation by fitting again, where weighting draws does not do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from brmspy.checks.display import row_labels
from brmspy.checks.heldout import hold_out, new_level_note, warn_of_findings
from brmspy.checks.loo import Loo, checked_threshold, loo, loo_of
from brmspy.errors import BrmspyError
from brmspy.fit import Fit

__all__ = ["reloo"]


def reloo(
    fit: Fit,
    k_threshold: float = 0.7,
    *,
    estimate: Loo | None = None,
    seed: int | None = None,
    executor: Any = None,
) -> Loo:
    """Replace what `loo` cannot estimate by fits without the rows in question.

    For each row whose Pareto k is above the threshold the model is fitted without it, and predicts
    it. The fits share the compiled program and the priors of `fit`.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    k_threshold : float
        Pareto k from which a row is left out by fitting again.
    estimate : Loo, optional
        What `loo` returned for the fit; computed if it is not given.
    seed : int, optional
        Seed of the random numbers; by default the fit's own, so that calls can be repeated.
    executor : concurrent.futures.Executor or dask.distributed.Client, optional
        Where to fit; by default here, one fit after the other.

    Returns
    -------
    Loo
        As from `loo`; its `refitted` says which rows were left out by fitting again.

    Raises
    ------
    BrmspyError
        If `estimate` belongs to another model or has no rows, or an argument is not valid.
    DataError
        If a row is the only one of a level of a predictor.

    Warns
    -----
    SamplingWarning
        If the draws of some of the fits have problems.

    References
    ----------
    Vehtari, A., Gelman, A. and Gabry, J. (2017). Practical Bayesian model evaluation using
    leave-one-out cross-validation and WAIC. Statistics and Computing, 27, section 2.1.
    https://doi.org/10.1007/s11222-016-9696-4

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> fit = brm("weight ~ group", load_dataset("plant_growth"), seed=1, progress=False)
    >>> int(fit.reloo().refitted.sum())  # no row needs it
    0
    """
    threshold = checked_threshold(fit, k_threshold)
    first = loo(fit, k_threshold=k_threshold) if estimate is None else estimate
    table = _checked(fit, first)
    k = np.asarray(first.pareto_k, dtype=np.float64)
    bad = np.flatnonzero((k > threshold) & ~first.refitted.to_numpy())
    elpd = table["elpd_loo"].to_numpy(dtype=np.float64, copy=True)
    lpd = elpd + table["p_loo"].to_numpy(dtype=np.float64)
    labels = table.index
    names = [f"Row {row_labels([labels[row]])}" for row in bad]
    parts = [(name, np.array([row])) for name, row in zip(names, bad, strict=True)]
    results = hold_out(fit, parts, seed, executor)
    warn_of_findings(names, results)
    for row, result in zip(bad, results, strict=True):
        elpd[row] = result.elpd[0]
    refitted = first.refitted.to_numpy().copy()
    refitted[bad] = True
    found = loo_of(fit, elpd, lpd, k, refitted, threshold)
    return _with_notes(found, new_level_note(results))


def _with_notes(result: Loo, notes: tuple[str, ...]) -> Loo:
    """Return the result with more notes."""
    return replace(result, notes=(*result.notes, *notes))


def _checked(fit: Fit, estimate: Loo) -> Any:
    """Return the rows of an estimate, if it is one of this model."""
    if not isinstance(estimate, Loo):
        raise BrmspyError(
            f"estimate is of type {type(estimate).__name__}, but must be what loo() returned."
        )
    if len(estimate.pareto_k) != fit.nobs or not estimate.pareto_k.index.equals(
        fit.model.design.arrays.rows
    ):
        raise BrmspyError("estimate is that of a model with other rows.")
    estimate.by_row()  # raises if they were not kept
    return estimate.pointwise
