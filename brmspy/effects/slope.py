"""How steeply predictions rise with a variable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.effects.comparison import METHODS_OF_MEANS
from brmspy.effects.estimates import Estimates, estimates_of
from brmspy.effects.rows import as_draws, groups_of, over_rows
from brmspy.effects.scenarios import as_names, identified, is_typical, notes_of, rows_of, with_value
from brmspy.effects.target import Target
from brmspy.errors import BrmspyError, check_choice
from brmspy.grids import GridColumn

if TYPE_CHECKING:
    from brmspy.fit import Fit

__all__ = ["slopes"]

FloatArray = NDArray[np.float64]

_SLOPES = {"dydx": "dY/dX", "eyex": "eY/eX", "eydx": "eY/dX", "dyex": "dY/eX"}
_STEP = 1e-4  # of the range of the variable

# Three points and the weights of the predictions there, in steps: a central difference, and
# one-sided ones of the same order for the ends of the data.
_CENTRAL = ((-1.0, 0.0, 1.0), (-0.5, 0.0, 0.5))
_FORWARD = ((1.0, 0.0, 2.0), (2.0, -1.5, -0.5))
_BACKWARD = ((-1.0, 0.0, -2.0), (-2.0, 1.5, 0.5))


def slopes(
    fit: Fit,
    variables: str | Sequence[str] | None = None,
    newdata: Any = None,
    *,
    by: str | Sequence[str] | None = None,
    slope: str = "dydx",
    average: bool = False,
    eps: float | None = None,
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
    """Return the derivative of predictions with respect to a variable.

    Derivatives are numerical, of second order: central differences, and one-sided ones at the ends
    of the data, so that no prediction leaves their range.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    variables : str or sequence of str, optional
        Columns of numbers, one after the other; by default all that the predictions read.
    newdata : DataFrame, "typical" or None
        The rows: by default those that the model was fitted to; ``"typical"`` is one row with
        numbers at their means and factors at their first levels, of a new level of each group
        unless `re_formula` leaves group-level effects out.
    by : str or sequence of str, optional
        Average over the rows that are alike in these columns.
    slope : {"dydx", "eyex", "eydx", "dyex"}
        The slope; the elasticity, which is how many percent the prediction changes for one percent
        of the variable; or one of the two relative and the other not.
    average : bool
        Average the slopes over all rows.
    eps : float, optional
        Step of the differences, in units of the variable; by default 1/10,000 of its range.
    method : {"posterior_epred", "posterior_linpred"}
        The mean of the response, or the linear predictor.
    re_formula, dpar, nlpar, ndraws, allow_new_levels, sample_new_levels, seed
        As for `posterior_epred`. To average over new groups, give rows with new levels.
    prob : float
        Probability of the central interval.
    robust : bool
        Use the median and the scaled median absolute deviation for mean and standard deviation.

    Returns
    -------
    Estimates
        ``.table`` has a row for each slope: the variable (``term``), what the rows have in common,
        and the estimate. ``.draws`` has dimensions (chain, draw, row).

    Raises
    ------
    BrmspyError
        If an argument is not valid, or a variable is a factor, which `comparisons` are for.
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
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> fit.slopes("Days", average=True).table[["term", "Estimate"]].round(0)
       term  Estimate
    0  Days      10.0
    """
    check_choice("method", method, METHODS_OF_MEANS)
    check_choice("slope", slope, tuple(_SLOPES))
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
    frame = rows_of(target, newdata)
    names = as_names("by", by)
    groups = groups_of(frame, names) if average or names else None
    labels, arrays = [], []
    like: Any = None
    for column in _numeric(target, frame, variables):
        step = _step(column, eps)
        own = frame[column.name].to_numpy(dtype=np.float64)
        places, weights = _stencils(column, own, step)
        scenarios = [with_value(target, frame, column.name, own + step * at) for at in places]

        def derivative(
            found: list[FloatArray],
            rows: slice,
            own: FloatArray = own,
            weights: FloatArray = weights / step,
        ) -> list[FloatArray]:
            change = sum(array * weight[rows] for array, weight in zip(found, weights, strict=True))
            return [_scaled(np.asarray(change), found[1], own[rows], slope)]

        drawn, like = over_rows(target, scenarios, derivative, lambda found: found[0], groups)
        arrays.append(drawn)
        what = {"term": column.name, "contrast": _SLOPES[slope]}
        labels.append(identified(target, frame, groups, **what))
    table = pd.concat(labels, ignore_index=True)
    draws = as_draws(np.hstack(arrays), like, "row", table.index, "slopes")
    notes = notes_of(target, frame, newdata, groups is not None)
    return estimates_of(f"Slopes: {target.label}", table, draws, prob, robust, notes)


def _numeric(target: Target, frame: pd.DataFrame, variables: Any) -> list[GridColumn]:
    """Return the columns whose slopes are asked for."""
    numbers = [
        column
        for column in target.read_columns().values()
        if not column.is_factor and column.roles != {"trials"}
    ]
    if variables is None:
        if not numbers:
            raise BrmspyError(f"Predictions of {target.label} read no column of numbers.")
        return numbers
    found = [target.column(name) for name in as_names("variables", variables)]
    for column in found:
        if column.is_factor:
            raise BrmspyError(
                f"{column.name!r} is a factor, which has no slope. "
                f"Use comparisons(fit, {column.name!r}) instead."
            )
        if column.name not in frame.columns:
            raise BrmspyError(f"newdata have no column {column.name!r}, whose slope is asked for.")
    return found


def _step(column: GridColumn, eps: float | None) -> float:
    """Return the step of the differences."""
    if eps is not None:
        if not eps > 0:
            raise BrmspyError(f"eps = {eps!r} is not valid: it is a positive number.")
        return float(eps)
    values = column.numbers
    width = float(np.ptp(values)) or max(float(np.abs(values).max()), 1.0)
    return _STEP * width


def _stencils(column: GridColumn, own: FloatArray, step: float) -> tuple[FloatArray, FloatArray]:
    """Return places, in steps, and weights of three predictions, each of shape (3, row)."""
    low, high = float(column.numbers.min()), float(column.numbers.max())
    at_start = (own >= low) & (own - step < low) & (own + 2 * step <= high)
    at_end = (own <= high) & (own + step > high) & (own - 2 * step >= low)
    which = np.where(at_start, 1, np.where(at_end, 2, 0))
    table = np.array([_CENTRAL, _FORWARD, _BACKWARD])
    return table[which, 0].T, table[which, 1].T


def _scaled(change: FloatArray, level: FloatArray, own: FloatArray, slope: str) -> FloatArray:
    """Return slopes as relative ones: of the prediction, of the variable, or of both."""
    if slope in ("eyex", "dyex"):
        change = change * own
    return change / level if slope in ("eyex", "eydx") else change
