"""Cross-validation by fitting again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.checks.display import count
from brmspy.checks.elpd import Elpd, estimates, one_line, rowwise
from brmspy.checks.folds import Folds, make_folds
from brmspy.checks.heldout import (
    HeldOut,
    hold_out,
    new_level_note,
    seeds_of,
    warn_of_findings,
)
from brmspy.checks.likelihood import (
    log_mean_exp,
    number_of_draws,
    require_posterior,
    row_blocks,
)
from brmspy.checks.loo import likelihood_notes
from brmspy.checks.observed import Observed
from brmspy.fit import Fit

__all__ = ["KFold", "kfold"]


@dataclass(frozen=True, eq=False, repr=False)
class KFold(Elpd):
    """The expected log predictive density by leaving out folds of rows.

    Attributes
    ----------
    criterion : {"kfold"}
        What it was estimated by.
    formula : str
        The model.
    table : DataFrame
        Rows elpd_kfold, p_kfold and kfoldic; columns Estimate and SE.
    pointwise : DataFrame
        Columns elpd_kfold, p_kfold, kfoldic and fold, by row of the data.
    observed : Observed
        What the model was fitted to.
    draws : int
        Number of draws of the fit to all rows.
    notes : tuple of str
        What the user should know.
    folds : ndarray, shape (obs,)
        The fold of each row; give it to `kfold` of another model to compare the two.
    division : str
        How the rows were divided.
    fits : tuple of BrmsFit
        The fits without each fold, in the folds' order, if they were to be kept.
    """

    folds: NDArray[Any]
    division: str
    fits: tuple[Fit, ...] = ()

    def same_folds(self, other: KFold) -> bool:
        """Say whether another model was judged on the same folds, however they are called.

        Parameters
        ----------
        other : KFold
            Of a model that was fitted to the same rows.
        """
        mine, theirs = (pd.factorize(result.folds)[0] for result in (self, other))
        return bool(np.array_equal(mine, theirs))

    def _title(self) -> str:
        return f"Cross-validation: {self.division}"


def kfold(
    fit: Fit,
    K: int | None = None,
    folds: Any = None,
    *,
    group: Any = None,
    seed: int | None = None,
    executor: Any = None,
    save_fits: bool = False,
) -> KFold:
    """Estimate how well a model predicts rows that it has not seen, by fitting without them.

    The rows are divided into K folds; the model is fitted K times, without one fold each time, and
    predicts it. The fits share the compiled program and the priors of `fit`. Levels of groups that
    a fit has not seen are predicted as new levels, with the spread that the other levels have.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    K : int, optional
        Number of folds; by default 10, or as many as there are rows or levels if these are fewer.
    folds : {"random", "stratified", "grouped", "loo"} or array of shape (obs,), optional
        How to divide the rows: at random; so that each fold has its share of each level of `group`;
        so that the rows of a level stay together; or each by itself. Or the fold of each row. By
        default at random, or, if `group` is given, each of its levels by itself.
    group : str or array of shape (obs,), optional
        A column that the model uses or a grouping factor, or the group of each row. To leave one
        group out at a time: ``kfold(group="Subject")``.
    seed : int, optional
        Seed of the random numbers: of the folds, and of the fits. By default the fit's own, so
        that calls can be repeated.
    executor : concurrent.futures.Executor or dask.distributed.Client, optional
        Where to fit; by default here, one fit after the other.
    save_fits : bool
        Whether to keep the fits.

    Returns
    -------
    KFold
        With `elpd`, `table`, `pointwise` and `folds`.

    Raises
    ------
    BrmspyError
        If an argument is not valid, or the draws are from the prior.
    DataError
        If a fold has all rows of a level of a predictor, whose coefficient the others say nothing
        about.

    Warns
    -----
    SamplingWarning
        If the draws of some of the fits have problems.

    References
    ----------
    Vehtari, A., Gelman, A. and Gabry, J. (2017). Practical Bayesian model evaluation using
    leave-one-out cross-validation and WAIC. Statistics and Computing, 27, section 2.3.
    https://doi.org/10.1007/s11222-016-9696-4

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> fit = brm("weight ~ group", load_dataset("plant_growth"), seed=1, progress=False)
    >>> by_two = fit.kfold(2, "stratified", group="group")
    >>> by_two.pointwise["fold"].value_counts().tolist()
    [15, 15]
    """
    require_posterior(fit, "kfold")
    base, _ = seeds_of(fit, seed, 1)
    divided = make_folds(fit, K, folds, group, base)
    members = divided.members()
    parts = [(f"Fold {name}", rows) for name, rows in members]
    results = hold_out(fit, parts, seed, executor, save_fits)
    warn_of_findings([name for name, _ in parts], results)
    return _summed_up(fit, divided, [rows for _, rows in members], results)


def _summed_up(
    fit: Fit, folds: Folds, members: list[NDArray[np.intp]], results: list[HeldOut]
) -> KFold:
    """Return the estimate that the folds make together."""
    elpd, lpd = np.empty(fit.nobs), np.empty(fit.nobs)
    for rows, result in zip(members, results, strict=True):
        elpd[rows] = result.elpd
    for part, values in row_blocks(fit):
        lpd[part] = log_mean_exp(values)
    pointwise = rowwise(fit, "kfold", elpd, lpd - elpd)
    table = estimates(pointwise)
    pointwise["fold"] = folds.labels
    return KFold(
        criterion="kfold",
        formula=one_line(fit),
        table=table,
        pointwise=pointwise,
        observed=Observed.of(fit),
        draws=number_of_draws(fit),
        notes=(*_trouble(results), *new_level_note(results), *likelihood_notes(fit)),
        folds=folds.labels,
        division=folds.text,
        fits=tuple(result.fit for result in results if result.fit is not None),
    )


def _trouble(results: list[HeldOut]) -> tuple[str, ...]:
    """Say how many of the fits have problems."""
    bad = [result for result in results if result.findings]
    if not bad:
        return ()
    kinds = sorted({finding.kind for result in bad for finding in result.findings})
    return (
        f"Warning: the draws of {count(len(bad), 'fit')} of {len(results)} have problems: "
        f"{', '.join(kinds)}. Use save_fits=True to look at them.",
    )
