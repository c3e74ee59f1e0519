"""How much of the response's variance a model explains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.checks.display import Page, Shown, table_of
from brmspy.checks.likelihood import (
    relative_efficiency,
    require_posterior,
    row_blocks,
    smoothed_log_weights,
)
from brmspy.errors import BrmspyError, check_choice
from brmspy.fit import Fit
from brmspy.predict import posterior_epred, summarise_values

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["R2", "bayes_R2", "loo_R2"]

_METHODS = {
    "model": "the variance of the mean and that of the residuals which the model expects",
    "residual": "the variance of the mean and that of the residuals",
    "loo": "each row predicted without itself (Pareto smoothed importance sampling)",
}
_BOOTSTRAPS = 4000


@dataclass(frozen=True, eq=False, repr=False)
class R2(Shown):
    """A proportion of variance explained.

    Attributes
    ----------
    method : {"model", "residual", "loo"}
        What it was computed by.
    draws : xarray.DataArray
        The proportion under each draw, dimensions (chain, draw); for ``"loo"`` one for each
        resampling of the rows, dimension (bootstrap).
    table : DataFrame
        One row, R2: Estimate, Est.Error, and the interval's ends, such as Q2.5 and Q97.5.
    """

    method: str
    draws: xr.DataArray
    table: pd.DataFrame

    def _page(self) -> Page:
        text = f"R2 by {_METHODS[self.method]}."
        return Page("r2", "Variance explained", (table_of(self.table, 3), text))


def bayes_R2(  # noqa: N802 -- brms' name
    fit: Fit,
    method: str | None = None,
    *,
    prob: float = 0.95,
    robust: bool = False,
    ndraws: int | None = None,
) -> R2:
    """Return the proportion of the response's variance that the model explains.

    Under each draw it is var(mean) / (var(mean) + residual variance), with the variance over rows
    of the expected response, group-level effects included.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    method : {"model", "residual"}, optional
        The residual variance: the mean over rows of the variance that the model gives the response,
        or the variance over rows of the response minus its mean. By default as in brms, by the
        model for gaussian and bernoulli, and by the residuals for other families.
    prob : float
        Probability of the central interval.
    robust : bool
        Report the median and the scaled median absolute deviation for the mean and the standard
        deviation.
    ndraws : int, optional
        How many draws, evenly spaced; by default all.

    Returns
    -------
    R2
        With `table` and `draws`.

    Raises
    ------
    BrmspyError
        If the method is not valid, there is only one row, or, by the model, a residual variance is
        infinite.

    References
    ----------
    Gelman, A., Goodrich, B., Gabry, J. and Vehtari, A. (2019). R-squared for Bayesian regression
    models. The American Statistician, 73(3). https://doi.org/10.1080/00031305.2018.1549100

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> fit = brm("weight ~ group", load_dataset("plant_growth"), seed=1, progress=False)
    >>> fit.bayes_R2().table.index.tolist()
    ['R2']
    """
    if method is not None:
        check_choice("method", method, ("model", "residual"))
    _check_rows(fit, "bayes_R2")
    chosen = method or ("model" if fit.family.explained_by_model else "residual")
    mean = posterior_epred(fit, ndraws=ndraws)
    explained = mean.var("obs", ddof=1)
    if chosen == "model":
        rest = _model_variance(fit, ndraws)
    else:
        rest = (mean - fit.model.response).var("obs", ddof=1)
    draws = (explained / (explained + rest)).rename("R2")
    return R2(chosen, draws, _table(draws.to_numpy(), prob, robust))


def loo_R2(  # noqa: N802 -- brms' name
    fit: Fit,
    *,
    prob: float = 0.95,
    robust: bool = False,
    seed: int | None = None,
) -> R2:
    """Return the proportion of variance that the model explains in rows that it has not seen.

    Each row is predicted by the posterior without it. The rows are resampled (by the Bayesian
    bootstrap) to say how much the proportion depends on them.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    prob : float
        Probability of the central interval.
    robust : bool
        Report the median and the scaled median absolute deviation for the mean and the standard
        deviation.
    seed : int, optional
        Seed of the random numbers; by default the fit's own, so that calls can be repeated.

    Returns
    -------
    R2
        With `table` and `draws`. Below zero, the model predicts worse than the mean does.

    Raises
    ------
    BrmspyError
        If the draws are from the prior, or there is only one row.

    References
    ----------
    Gelman, A., Goodrich, B., Gabry, J. and Vehtari, A. (2019). R-squared for Bayesian regression
    models, and its supplement. https://avehtari.github.io/bayes_R2/bayes_R2.html

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> fit = brm("weight ~ group", load_dataset("plant_growth"), seed=1, progress=False)
    >>> fit.loo_R2().draws.dims
    ('bootstrap',)
    """
    import xarray as xr

    require_posterior(fit, "loo_R2")
    _check_rows(fit, "loo_R2")
    mean = posterior_epred(fit).to_numpy().reshape(-1, fit.nobs)
    efficiency = relative_efficiency(fit)
    predicted = np.empty(fit.nobs)
    for rows, values in row_blocks(fit):
        log_weights, _ = smoothed_log_weights(-values, efficiency)
        predicted[rows] = np.einsum("sn,sn->n", np.exp(log_weights), mean[:, rows])
    y = np.asarray(fit.model.response, dtype=float)
    rng = np.random.default_rng(fit.record.seed if seed is None else seed)
    weights = rng.dirichlet(np.ones(fit.nobs), size=_BOOTSTRAPS)
    unexplained = _weighted_variance(weights, y - predicted)
    draws = np.clip(1 - unexplained / _weighted_variance(weights, y), -1.0, 1.0)
    return R2(
        "loo",
        xr.DataArray(draws, dims=("bootstrap",), name="R2"),
        _table(draws, prob, robust),
    )


def _check_rows(fit: Fit, what: str) -> None:
    if fit.nobs < 2:
        raise BrmspyError(f"{what} needs variances over rows, but the model has one row only.")


def _model_variance(fit: Fit, ndraws: int | None) -> Any:
    """Return the mean over rows of the response's variance, by draw."""
    parameters = {
        name: posterior_epred(fit, dpar=name, ndraws=ndraws) for name in fit.family.dpar_names
    }
    arrays = {name: values.to_numpy() for name, values in parameters.items()}
    variance = fit.family.variance(arrays, trials=fit.model.design.arrays.trials)
    if not np.isfinite(variance).all():
        raise BrmspyError(
            f"In some draws the variance of a {fit.family.name} response is infinite, so that it "
            'leaves nothing to explain. Use method="residual".'
        )
    return parameters["mu"].copy(data=variance).mean("obs")


def _weighted_variance(
    weights: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the variance of values under each set of weights, which sum to one."""
    centred = values - values.mean()  # differences of large numbers would lose digits
    return np.asarray(weights @ centred**2 - (weights @ centred) ** 2)


def _table(draws: NDArray[np.float64], prob: float, robust: bool) -> pd.DataFrame:
    return summarise_values(draws.reshape(-1, 1), prob, robust).set_axis(["R2"])
