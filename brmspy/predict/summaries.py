"""Predictions summarised over the draws, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.errors import BrmspyError, check_choice
from brmspy.fit import Fit
from brmspy.fit.summary import MAD_SCALE
from brmspy.predict.engine import Chunk, request
from brmspy.predict.posterior import posterior_epred, posterior_linpred, posterior_predict

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "check_probability",
    "fitted",
    "predict",
    "residuals",
    "summarise",
    "summarise_values",
]

_SCALES = ("response", "linear")
_METHODS = ("posterior_predict", "posterior_epred")
_TYPES = ("ordinary", "pearson")


def fitted(
    fit: Fit,
    newdata: Any = None,
    *,
    scale: str = "response",
    prob: float = 0.95,
    robust: bool = False,
    re_formula: Any = None,
    dpar: str | None = None,
    nlpar: str | None = None,
    ndraws: int | None = None,
    draw_ids: Sequence[int] | None = None,
    allow_new_levels: bool = False,
    sample_new_levels: str = "uncertainty",
    seed: int | None = None,
) -> pd.DataFrame:
    """Summarise the expected response of each row.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    newdata : DataFrame, optional
        Rows to predict for; by default those that the model was fitted to.
    scale : {"response", "linear"}
        ``"linear"`` summarises the linear predictor.
    prob : float
        Probability of the central interval.
    robust : bool
        Use the median and the scaled median absolute deviation for mean and standard deviation.
    re_formula, dpar, nlpar, ndraws, draw_ids, allow_new_levels, sample_new_levels, seed
        As for `posterior_epred`.

    Returns
    -------
    DataFrame
        One row for each row of the data, with its index. Columns Estimate, Est.Error, and the
        interval's ends, such as Q2.5 and Q97.5.

    Raises
    ------
    BrmspyError, DataError, FormulaError
        As for `posterior_epred`.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> fit.fitted({"Days": [0, 9]}, re_formula="NA")["Estimate"].round(-1).tolist()
    [250.0, 340.0]
    """
    check_choice("scale", scale, _SCALES)
    function = posterior_epred if scale == "response" else posterior_linpred
    draws = function(
        fit,
        newdata,
        re_formula=re_formula,
        dpar=dpar,
        nlpar=nlpar,
        ndraws=ndraws,
        draw_ids=draw_ids,
        allow_new_levels=allow_new_levels,
        sample_new_levels=sample_new_levels,
        seed=seed,
    )
    return summarise(draws, prob, robust)


def predict(
    fit: Fit,
    newdata: Any = None,
    *,
    prob: float = 0.95,
    robust: bool = False,
    re_formula: Any = None,
    ndraws: int | None = None,
    draw_ids: Sequence[int] | None = None,
    allow_new_levels: bool = False,
    sample_new_levels: str = "uncertainty",
    seed: int | None = None,
) -> pd.DataFrame:
    """Summarise new responses of each row, with the noise around the mean.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    newdata : DataFrame, optional
        Rows to predict for; by default those that the model was fitted to.
    prob : float
        Probability of the central interval.
    robust : bool
        Use the median and the scaled median absolute deviation for mean and standard deviation.
    re_formula, ndraws, draw_ids, allow_new_levels, sample_new_levels, seed
        As for `posterior_epred`.

    Returns
    -------
    DataFrame
        One row for each row of the data, with its index. Columns Estimate, Est.Error, and the
        interval's ends, such as Q2.5 and Q97.5.

    Raises
    ------
    BrmspyError, DataError, FormulaError
        As for `posterior_predict`.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> fit.predict(prob=0.9).columns.tolist()
    ['Estimate', 'Est.Error', 'Q5', 'Q95']
    """
    draws = posterior_predict(
        fit,
        newdata,
        re_formula=re_formula,
        ndraws=ndraws,
        draw_ids=draw_ids,
        allow_new_levels=allow_new_levels,
        sample_new_levels=sample_new_levels,
        seed=seed,
    )
    return summarise(draws, prob, robust)


def residuals(
    fit: Fit,
    newdata: Any = None,
    *,
    type: str = "ordinary",  # noqa: A002 -- brms' name
    method: str = "posterior_predict",
    prob: float = 0.95,
    robust: bool = False,
    summary: bool = True,
    re_formula: Any = None,
    ndraws: int | None = None,
    draw_ids: Sequence[int] | None = None,
    allow_new_levels: bool = False,
    sample_new_levels: str = "uncertainty",
    seed: int | None = None,
) -> pd.DataFrame | xr.DataArray:
    """Return the response of each row minus what the model predicts.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    newdata : DataFrame, optional
        Rows, the response included; by default those that the model was fitted to.
    type : {"ordinary", "pearson"}
        ``"pearson"`` divides by the standard deviation of the response under each draw.
    method : {"posterior_predict", "posterior_epred"}
        What to subtract: new responses, as in brms, or the mean, which has less noise.
    prob : float
        Probability of the central interval.
    robust : bool
        Use the median and the scaled median absolute deviation for mean and standard deviation.
    summary : bool
        Whether to summarise the draws.
    re_formula, ndraws, draw_ids, allow_new_levels, sample_new_levels, seed
        As for `posterior_epred`.

    Returns
    -------
    DataFrame or xarray.DataArray
        One row for each row of the data, with columns Estimate, Est.Error, and the interval's ends;
        or the draws, dimensions (chain, draw, obs).

    Raises
    ------
    BrmspyError, DataError, FormulaError
        As for `posterior_predict`.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> left = fit.residuals(method="posterior_epred")["Estimate"]
    >>> bool(abs(left.mean()) < 1)
    True
    """
    check_choice("type", type, _TYPES)
    check_choice("method", method, _METHODS)
    asked = request(
        fit,
        newdata,
        re_formula=re_formula,
        ndraws=ndraws,
        draw_ids=draw_ids,
        allow_new_levels=allow_new_levels,
        sample_new_levels=sample_new_levels,
        seed=seed,
        response=True,
    )
    rng = np.random.default_rng([asked.levels.seed, 1])

    def left(chunk: Chunk) -> NDArray[Any]:
        parameters, trials = chunk.parameters(chunk.predictors()), chunk.arrays.trials
        family = chunk.family
        if method == "posterior_predict":
            predicted = family.draw(rng, parameters, trials=trials)
        else:
            predicted = family.mean(parameters, trials=trials)
        assert chunk.response is not None, "it was asked for"
        difference: NDArray[Any] = chunk.response - predicted
        if type == "pearson":
            difference = difference / np.sqrt(family.variance(parameters, trials=trials))
        return difference

    draws = asked.compute("residuals", left)
    return summarise(draws, prob, robust) if summary else draws


def summarise(draws: xr.DataArray, prob: float = 0.95, robust: bool = False) -> pd.DataFrame:
    """Summarise draws over chains.

    Parameters
    ----------
    draws : xarray.DataArray
        Dimensions (chain, draw, obs).
    prob : float
        Probability of the central interval.
    robust : bool
        Use the median and the scaled median absolute deviation for mean and standard deviation.

    Returns
    -------
    DataFrame
        Indexed by obs. Columns Estimate, Est.Error, and the interval's ends.

    Raises
    ------
    BrmspyError
        If `prob` is no probability.
    """
    values = draws.to_numpy().reshape(-1, draws.shape[-1])
    table = summarise_values(values, prob, robust)
    return table.set_index(pd.Index(draws["obs"].to_numpy(), name="obs"))


def summarise_values(
    values: NDArray[Any], prob: float = 0.95, robust: bool = False
) -> pd.DataFrame:
    """Summarise each column of an array.

    Parameters
    ----------
    values : ndarray, shape (draw, column)
        The draws.
    prob : float
        Probability of the central interval.
    robust : bool
        Use the median and the scaled median absolute deviation for mean and standard deviation.

    Returns
    -------
    DataFrame
        Numbered rows, one for each column. Columns Estimate, Est.Error, and the interval's ends.

    Raises
    ------
    BrmspyError
        If `prob` is no probability.
    """
    check_probability(prob)
    tails = (0.5 - prob / 2, 0.5 + prob / 2)
    lower, upper = np.quantile(values, tails, axis=0)
    if robust:
        centre = np.median(values, axis=0)
        spread = MAD_SCALE * np.median(np.abs(values - centre), axis=0)
    else:
        centre, spread = values.mean(axis=0), values.std(axis=0, ddof=min(1, len(values) - 1))
    names = [f"Q{100 * tail:.4g}" for tail in tails]
    columns = (centre, spread, lower, upper)
    return pd.DataFrame(dict(zip(("Estimate", "Est.Error", *names), columns, strict=True)))


def check_probability(prob: float) -> None:
    """Refuse what is no probability of an interval.

    Parameters
    ----------
    prob : float
        What the user gave.

    Raises
    ------
    BrmspyError
        If it is not between 0 and 1.
    """
    if not 0 < prob < 1:
        raise BrmspyError(f"prob = {prob!r} is not valid: it is between 0 and 1, both excluded.")
