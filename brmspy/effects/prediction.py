"""Predictions for rows, for values put into them, and averages of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from brmspy.effects.estimates import Estimates, estimates_of
from brmspy.effects.rows import as_draws, groups_of, over_rows
from brmspy.effects.scenarios import as_names, crossed, identified, is_typical, notes_of, rows_of
from brmspy.effects.target import Target

if TYPE_CHECKING:
    from brmspy.fit import Fit

__all__ = ["predictions"]


def predictions(
    fit: Fit,
    newdata: Any = None,
    *,
    variables: str | Sequence[str] | Mapping[str, Any] | None = None,
    by: str | Sequence[str] | None = None,
    average: bool = False,
    method: str = "posterior_epred",
    re_formula: Any = None,
    dpar: str | None = None,
    nlpar: str | None = None,
    prob: float = 0.95,
    robust: bool = False,
    ndraws: int | None = None,
    allow_new_levels: bool = False,
    sample_new_levels: str = "uncertainty",
    seed: int | None = None,
) -> Estimates:
    """Predict for rows of data, as they are or with other values put in, or on average.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    newdata : DataFrame, "typical" or None
        The rows: by default those that the model was fitted to; ``"typical"`` is one row with
        numbers at their means and factors at their first levels, of a new level of each group
        unless `re_formula` leaves group-level effects out.
    variables : str, sequence of str or mapping of str to sequence, optional
        Values to put into every row, each combination of them in turn. Of a column without values
        all levels, or minimum, quartiles and maximum, are taken.
    by : str or sequence of str, optional
        Average over the rows that are alike in these columns.
    average : bool
        Average over all rows, for each combination of `variables` and `by`.
    method : {"posterior_epred", "posterior_linpred", "posterior_predict"}
        The mean of the response, the linear predictor, or new responses.
    re_formula, dpar, nlpar, ndraws, allow_new_levels, sample_new_levels, seed
        As for `posterior_epred`. To average over new groups, give rows with new levels.
    prob : float
        Probability of the central interval.
    robust : bool
        Use the median and the scaled median absolute deviation for mean and standard deviation.

    Returns
    -------
    Estimates
        ``.table`` has a row for each prediction, ``.draws`` has dimensions (chain, draw, row).

    Raises
    ------
    BrmspyError
        If an argument is not valid.
    DataError
        If the new data do not fit the model.

    References
    ----------
    Arel-Bundock, V., Greifer, N. and Heiss, A. (2024). How to interpret statistical models using
    marginaleffects for R and Python. Journal of Statistical Software, 111(9).
    https://marginaleffects.com

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> fit = brm("weight ~ group", load_dataset("plant_growth"), seed=1, progress=False)
    >>> found = fit.predictions(by="group")
    >>> found.table[["group", "Estimate"]].round(1)
      group  Estimate
    0  ctrl       5.0
    1  trt1       4.7
    2  trt2       5.5
    """
    target = Target(
        fit,
        method=method,
        re_formula=re_formula,
        dpar=dpar,
        nlpar=nlpar,
        ndraws=ndraws,
        allow_new_levels=allow_new_levels or is_typical(newdata),
        sample_new_levels=sample_new_levels,
        seed=seed,
    )
    rows = rows_of(target, newdata)
    values = _values(target, variables)
    frame = crossed(target, rows, values) if values else rows
    names = as_names("by", by)
    averaged = average or bool(names)
    groups = None
    if averaged:
        groups = groups_of(frame, list(dict.fromkeys([*values, *names])))
    drawn, like = over_rows(target, [frame], lambda arrays, _: arrays, lambda a: a[0], groups)
    labels = identified(target, frame.set_axis(_rowids(rows, frame)), groups)
    draws = as_draws(drawn, like, "row", labels.index, "predictions")
    notes = notes_of(target, rows, newdata, averaged)
    return estimates_of(f"Predictions: {target.label}", labels, draws, prob, robust, notes)


def _values(target: Target, variables: Any) -> dict[str, list[Any]]:
    """Return the values to put into every row."""
    if not isinstance(variables, Mapping):
        return {name: _usual(target, name) for name in as_names("variables", variables)}
    found = {}
    for name, given in variables.items():
        target.column(name)  # raises if predictions do not read it
        single = isinstance(given, str) or not np.iterable(given)
        found[name] = [given] if single else list(given)
    return found


def _usual(target: Target, name: str) -> list[Any]:
    """Return all levels, or five numbers that tell how the values are spread."""
    column = target.column(name)
    if column.is_factor:
        return list(column.levels)
    quantiles = np.quantile(column.numbers, [0.0, 0.25, 0.5, 0.75, 1.0])
    return list(dict.fromkeys(quantiles.tolist()))


def _rowids(rows: pd.DataFrame, frame: pd.DataFrame) -> pd.Index[Any]:
    """Return the labels of the rows, once for each combination of values put into them."""
    return rows.index[np.tile(np.arange(len(rows)), len(frame) // len(rows))]
