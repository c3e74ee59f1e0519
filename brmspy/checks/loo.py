"""Leave-one-out cross-validation without fitting again, and how far it can be trusted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.checks.display import count, row_labels, table_of
from brmspy.checks.elpd import Elpd, estimates, one_line, rowwise
from brmspy.checks.likelihood import (
    log_mean_exp,
    number_of_draws,
    relative_efficiency,
    require_posterior,
    row_blocks,
    smoothed_log_weights,
)
from brmspy.checks.observed import Observed
from brmspy.errors import BrmspyError
from brmspy.fit import Fit

__all__ = ["Loo", "checked_threshold", "likelihood_notes", "loo", "loo_of", "reliable_k"]

_MANY = 10  # from as many rows on, kfold takes fewer fits than reloo


@dataclass(frozen=True, eq=False, repr=False)
class Loo(Elpd):
    """The expected log predictive density by leaving each row out.

    Attributes
    ----------
    criterion : {"loo"}
        What it was estimated by.
    formula : str
        The model.
    table : DataFrame
        Rows elpd_loo, p_loo and looic; columns Estimate and SE.
    pointwise : DataFrame or None
        Columns elpd_loo, p_loo, looic, pareto_k and refitted, by row of the data.
    observed : Observed
        What the model was fitted to.
    draws : int
        Number of draws.
    notes : tuple of str
        What the user should know.
    pareto_k : Series
        Pareto k of each row, by its label: how heavy the tail of its importance ratios is.
    k_threshold : float
        Up to where k is good.
    refitted : Series of bool
        Rows whose contribution comes from a fit without them; see `reloo`.
    """

    pareto_k: pd.Series[float]
    k_threshold: float
    refitted: pd.Series[bool]

    @property
    def bad_rows(self) -> pd.Series[float]:
        """Pareto k of the rows where it is above the threshold, the highest first."""
        high = self.pareto_k[(self.pareto_k > self.k_threshold) & ~self.refitted]
        return high.sort_values(ascending=False, kind="stable")

    def _details(self) -> tuple[Any, ...]:
        k = self.pareto_k.to_numpy()
        threshold = self.k_threshold
        exact = self.refitted.to_numpy()
        kinds = {
            f"up to {threshold:.2f}  good": (k <= threshold) & ~exact,
            "up to 1.00  bad": (k > threshold) & (k <= 1) & ~exact,
            "above 1.00  very bad": (k > max(1.0, threshold)) & ~exact,
            "fitted without the row": exact,
        }
        shown = {name: kind for name, kind in kinds.items() if kind.any()}
        if list(shown) == [next(iter(kinds))]:
            return (f"All Pareto k are up to {threshold:.2f}, good: the estimates can be trusted.",)
        frame = pd.DataFrame(
            {
                "Rows": [int(kind.sum()) for kind in shown.values()],
                "%": [100.0 * float(kind.mean()) for kind in shown.values()],
            },
            index=list(shown),
        )
        return (table_of(frame, caption="Pareto k:"),)


def reliable_k(draws: int) -> float:
    """Return up to which Pareto k the estimate of a row can be trusted.

    Parameters
    ----------
    draws : int
        Number of draws.

    Returns
    -------
    float
        0.7, or less if there are fewer than 2200 draws.

    References
    ----------
    Vehtari, A., Simpson, D., Gelman, A., Yao, Y. and Gabry, J. (2024). Pareto smoothed importance
    sampling. Journal of Machine Learning Research, 25(72), section 3.2.4.
    https://jmlr.org/papers/v25/19-556.html

    Examples
    --------
    >>> from brmspy.checks import reliable_k
    >>> reliable_k(4000), round(reliable_k(400), 2)
    (0.7, 0.62)
    """
    return min(1 - 1 / math.log10(max(draws, 11)), 0.7)


def loo(fit: Fit, *, pointwise: bool = True, k_threshold: float | None = None) -> Loo:
    """Estimate how well a model predicts a row that it has not seen, from one fit.

    Draws from the posterior are weighted so that they stand for the posterior without a row
    (Pareto smoothed importance sampling). Pareto k says how well that works for each row. Log
    densities are multiplied by the rows' weights, if the model has them, as in brms.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    pointwise : bool
        Whether to keep the contribution of each row, which comparisons need.
    k_threshold : float, optional
        Up to which Pareto k a row's estimate is trusted; by default `reliable_k` of the number of
        draws, which is 0.7 for 2200 draws and more.

    Returns
    -------
    Loo
        With `elpd`, `table`, `pointwise` and `bad_rows`; its text says what to do where k is high.

    Raises
    ------
    BrmspyError
        If the draws are from the prior, or the log likelihood is not finite.

    References
    ----------
    Vehtari, A., Gelman, A. and Gabry, J. (2017). Practical Bayesian model evaluation using
    leave-one-out cross-validation and WAIC. Statistics and Computing, 27.
    https://doi.org/10.1007/s11222-016-9696-4

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> fit = brm("weight ~ group", load_dataset("plant_growth"), seed=1, progress=False)
    >>> loo = fit.loo()
    >>> loo.table.index.tolist()
    ['elpd_loo', 'p_loo', 'looic']
    >>> len(loo.bad_rows)
    0
    """
    require_posterior(fit, "loo")
    threshold = checked_threshold(fit, k_threshold)
    efficiency = relative_efficiency(fit)
    elpd, lpd, k = (np.empty(fit.nobs) for _ in range(3))
    for rows, values in row_blocks(fit):
        log_weights, k[rows] = smoothed_log_weights(-values, efficiency)
        # The weights sum to one, hence the sum in place of the mean.
        elpd[rows] = log_mean_exp(log_weights + values) + np.log(len(values))
        lpd[rows] = log_mean_exp(values)
    return loo_of(fit, elpd, lpd, k, np.zeros(fit.nobs, dtype=bool), threshold, pointwise)


def loo_of(
    fit: Fit,
    elpd: NDArray[np.float64],
    lpd: NDArray[np.float64],
    k: NDArray[np.float64],
    refitted: NDArray[np.bool_],
    threshold: float,
    pointwise: bool = True,
) -> Loo:
    """Return the result of leaving out rows.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    elpd, lpd : ndarray, shape (obs,)
        Log density of each row without and with it.
    k : ndarray, shape (obs,)
        Pareto k.
    refitted : ndarray of bool, shape (obs,)
        Rows whose `elpd` comes from a fit without them.
    threshold : float
        Up to where k is good.
    pointwise : bool
        Whether to keep the rows.

    Returns
    -------
    Loo
    """
    rows = rowwise(fit, "loo", elpd, lpd - elpd)
    table = estimates(rows)
    index = rows.index
    # Not assign(): labels may be several, and the same.
    rows["pareto_k"], rows["refitted"] = k, refitted
    high = np.flatnonzero((k > threshold) & ~refitted)
    worst = high[np.argsort(-k[high], kind="stable")]
    return Loo(
        criterion="loo",
        formula=one_line(fit),
        table=table,
        pointwise=rows if pointwise else None,
        observed=Observed.of(fit),
        draws=number_of_draws(fit),
        notes=(
            *_advice(fit, list(index[worst]), threshold),
            *_complexity(fit, float(table["Estimate"].iloc[1])),
            *likelihood_notes(fit),
        ),
        pareto_k=pd.Series(k, index=index, name="pareto_k"),
        k_threshold=threshold,
        refitted=pd.Series(refitted, index=index, name="refitted"),
    )


def checked_threshold(fit: Fit, threshold: float | None) -> float:
    """Return up to which Pareto k a row is trusted.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    threshold : float or None
        What the user gave.
    """
    if threshold is None:
        return reliable_k(number_of_draws(fit))
    if isinstance(threshold, bool) or not isinstance(threshold, Real) or not threshold > 0:
        raise BrmspyError(f"k_threshold = {threshold!r} is not valid: it must be above 0.")
    return float(threshold)


def _advice(fit: Fit, bad: list[Any], threshold: float) -> tuple[str, ...]:
    """Say what to do about rows, the worst first, where k is high."""
    if not bad:
        return ()
    rows = f"Warning: Pareto k is above {threshold:.2f} in {count(len(bad), 'row')}"
    if len(bad) == 1:
        what = (
            f"{rows} ({row_labels(bad)}): without it the posterior would be another, so that its "
            "contribution to elpd_loo is a guess, mostly too optimistic."
        )
    else:
        what = (
            f"{rows} ({row_labels(bad)}): without one of them the posterior would be another, so "
            "that their contribution to elpd_loo is a guess, mostly too optimistic."
        )
    look = f"Look at {'it' if len(bad) == 1 else 'them'}: fit.data.loc[[{row_labels(bad[:8])}]]."
    alone = _groups_of_single_rows(fit)
    if alone:
        do = (
            f"Each row has a level of {alone[0]!r} to itself, about which nothing is left to learn "
            "without the row: fit.kfold() is the way to judge such a model."
        )
    elif len(bad) <= _MANY:
        do = (
            f"fit.reloo() replaces the guess by {count(len(bad), 'fit')} without "
            f"{'it' if len(bad) == 1 else 'them, one at a time'}."
        )
    else:
        do = f"fit.kfold(K=10) takes 10 fits, where fit.reloo() takes {len(bad)}."
    return (f"{what}\n{look}\n{do}",)


def _groups_of_single_rows(fit: Fit) -> list[str]:
    """Return the grouping factors of which each row has its own level."""
    return [info.group for info in fit.model.design.groups if len(info.levels) == fit.nobs]


def _complexity(fit: Fit, p: float) -> tuple[str, ...]:
    """Say so if the model is more flexible than it can be.

    Of the rows where k is high the effective number of parameters is a guess, too; but that it is
    larger than the true one says that the data surprise the model.
    """
    number = len(fit.names)
    if p <= number:
        return ()
    return (
        f"p_loo ({p:.1f}) is larger than the number of parameters ({number}): the model does not "
        "describe the data well. Often the spread is larger than the family allows for. See "
        "fit.pp_check().",
    )


def likelihood_notes(fit: Fit) -> tuple[str, ...]:
    """Say what the log densities of rows are, where that is not plain.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.

    Returns
    -------
    tuple of str
    """
    notes = []
    if fit.model.design.arrays.weights is not None:
        notes.append(
            "The log densities of rows are multiplied by their weights. A row with its weight is "
            "left out as one."
        )
    approximation = fit.record.approximation
    if approximation is not None:
        notes.append(
            f"The draws are those of {approximation.title}, not of Markov chains; how good they "
            "are, fit.check() says."
        )
    imputed = len(fit.record.data_sets)
    if imputed > 1:
        notes.append(
            f"Warning: the draws come from {imputed} data sets, but the rows are those of the "
            "first (fit.data), as in brms. Judge each fit by itself: "
            "brm_multiple(..., combine=False)."
        )
    return tuple(notes)
