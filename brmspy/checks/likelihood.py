"""The log likelihood of each row under each draw, a part of the rows at a time."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from brmspy.checks.display import row_labels
from brmspy.errors import BrmspyError
from brmspy.fit import Fit
from brmspy.predict import log_lik

__all__ = [
    "log_mean_exp",
    "number_of_draws",
    "relative_efficiency",
    "require_posterior",
    "row_blocks",
    "smoothed_log_weights",
    "total_log_lik",
]

FloatArray = NDArray[np.float64]

_BLOCK = 8_000_000  # numbers in a part: 64 MB

# Rows whose log density differs by less are as certain under all draws, as those of weight zero.
_ROUNDING = 1e-10


def number_of_draws(fit: Fit) -> int:
    """Return the number of draws of all chains.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    """
    sizes = fit.groups["posterior"].sizes
    return int(sizes["chain"] * sizes["draw"])


def require_posterior(fit: Fit, what: str) -> None:
    """Refuse fits that have no posterior.

    Parameters
    ----------
    fit : BrmsFit
        A fit.
    what : str
        The function that needs the posterior.

    Raises
    ------
    BrmspyError
        If the draws are from the prior.
    """
    if fit.model.sample_prior == "only":
        raise BrmspyError(
            f"{what} needs draws from the posterior, but the model was fitted with "
            'sample_prior="only", without looking at the response. Fit it with sample_prior="no".'
        )


def row_blocks(fit: Fit) -> Iterator[tuple[slice, FloatArray]]:
    """Yield the log likelihood of the rows that a model was fitted to.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.

    Yields
    ------
    slice
        Which rows.
    ndarray, shape (draw, row)
        Their log densities times their weights.

    Raises
    ------
    BrmspyError
        If a log density is not a finite number.
    """
    step = max(1, _BLOCK // number_of_draws(fit))
    data = fit.data
    for start in range(0, fit.nobs, step):
        rows = slice(start, min(start + step, fit.nobs))
        part = log_lik(fit) if step >= fit.nobs else log_lik(fit, data.iloc[rows])
        values = part.to_numpy().reshape(-1, rows.stop - rows.start)
        _check_finite(fit, values, rows)
        yield rows, values


def _check_finite(fit: Fit, values: FloatArray, rows: slice) -> None:
    bad = np.flatnonzero(~np.isfinite(values).all(axis=0))
    if bad.size:
        labels = list(fit.model.design.arrays.rows[rows][bad])
        raise BrmspyError(
            f"The log likelihood of row {row_labels(labels, 3)} is not a finite number in every "
            "draw: there the model gives the response no probability, or a parameter leaves its "
            "range, as with an identity link. Check these rows: "
            f"fit.data.loc[[{row_labels(labels[:3], 3)}]]."
        )


def total_log_lik(fit: Fit) -> FloatArray:
    """Return the log likelihood of all rows together under each draw.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.

    Returns
    -------
    ndarray, shape (draw,)
    """
    total = np.zeros(number_of_draws(fit))
    for _, values in row_blocks(fit):
        total += values.sum(axis=1)
    return total


def relative_efficiency(fit: Fit) -> float:
    """Return how many independent draws a draw is worth, on average over the parameters.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.

    Returns
    -------
    float
        1.0 for approximations, whose draws are independent.
    """
    sizes = fit.diagnostics["Bulk_ESS"].to_numpy()
    known = sizes[np.isfinite(sizes)]
    return float(known.mean() / number_of_draws(fit)) if known.size else 1.0


def smoothed_log_weights(
    log_ratios: FloatArray, efficiency: float
) -> tuple[FloatArray, FloatArray]:
    """Return Pareto smoothed importance weights.

    Parameters
    ----------
    log_ratios : ndarray, shape (draw, column)
        Logarithms of the importance ratios, up to a constant for each column.
    efficiency : float
        Of the draws; see `relative_efficiency`.

    Returns
    -------
    ndarray, shape (draw, column)
        Logarithms of weights, which sum to one in each column.
    ndarray, shape (column,)
        Pareto k; 0.0 where all ratios are equal, infinite if there is no tail to fit.

    References
    ----------
    Vehtari, A., Simpson, D., Gelman, A., Yao, Y. and Gabry, J. (2024). Pareto smoothed importance
    sampling. Journal of Machine Learning Research, 25(72). https://jmlr.org/papers/v25/19-556.html
    """
    with warnings.catch_warnings():
        # Once a day, at import: that 1.0 will differ, which this package does not allow.
        warnings.filterwarnings("ignore", r"\s*ArviZ is undergoing", FutureWarning)
        import arviz as az
    weights = np.full_like(log_ratios, -np.log(len(log_ratios)))
    k = np.zeros(log_ratios.shape[1])
    vary = np.ptp(log_ratios, axis=0) > _ROUNDING
    if vary.any():
        columns = np.ascontiguousarray(log_ratios[:, vary].T)
        with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
            smoothed, shapes = az.psislw(columns, efficiency)  # type: ignore[no-untyped-call]
        weights[:, vary] = np.asarray(smoothed).T
        k[vary] = np.where(np.isnan(shapes), np.inf, shapes)
    return weights, k


def log_mean_exp(values: FloatArray) -> FloatArray:
    """Return the logarithm of the mean over draws of what the values are logarithms of.

    Parameters
    ----------
    values : ndarray, shape (draw, row)
        Log densities.

    Returns
    -------
    ndarray, shape (row,)
    """
    mean: Any = logsumexp(values, axis=0) - np.log(len(values))
    return np.asarray(mean)
