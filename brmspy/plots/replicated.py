"""The response, responses drawn from the model, and the parts of the data to compare them in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.data import as_frame
from brmspy.errors import BrmspyError, DataError, did_you_mean
from brmspy.fit import Fit
from brmspy.predict import posterior_predict

__all__ = ["Along", "Replicated", "column_values", "level_rows", "replicated"]

FloatArray = NDArray[np.float64]

_TAIL = 0.005  # of the draws at each end: one huge count would flatten all others


@dataclass(frozen=True)
class Along:
    """What stands along x.

    Attributes
    ----------
    label : str
        In the data's words.
    values : ndarray, shape (obs,)
        Where each row stands.
    levels : tuple of str
        Names of 0, 1, 2 …, if it is a factor.
    """

    label: str
    values: FloatArray
    levels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Replicated:
    """A response with draws of it from the model, and what is needed to draw them.

    Attributes
    ----------
    label : str
        Name of the response.
    observed : ndarray, shape (obs,)
        The response, coded by the family.
    draws : ndarray, shape (draw, obs)
        Responses drawn from the model.
    discrete : bool
        Whether the response is a whole number, of at least zero.
    levels : tuple of str
        Names of its values, if they have any.
    span : tuple of float
        Least and greatest value of the response and of nearly all draws, in all rows.
    along : Along or None
        What stands along x; None for the order of the rows.
    """

    label: str
    observed: FloatArray
    draws: FloatArray
    discrete: bool
    levels: tuple[str, ...]
    span: tuple[float, float]
    along: Along | None

    @property
    def lower(self) -> float:
        """Least value that the response can have."""
        return 0.0 if self.discrete else -np.inf

    @property
    def how_many(self) -> str:
        """The number of draws, in words."""
        count = len(self.draws)
        return f"{count} draws" if count > 1 else "1 draw"

    def part(self, rows: NDArray[np.intp] | slice) -> Replicated:
        """Return some of the rows."""
        along = self.along
        if along is not None:
            along = replace(along, values=along.values[rows])
        return replace(self, observed=self.observed[rows], draws=self.draws[:, rows], along=along)


def replicated(
    fit: Fit,
    newdata: Any,
    *,
    ndraws: int | None,
    re_formula: Any,
    seed: int | None,
    x: Any,
    levels: tuple[str, ...],
) -> Replicated:
    """Draw responses from the model.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    newdata : DataFrame or None
        Rows with a response to compare with; None for those that the model was fitted to.
    ndraws, re_formula, seed
        As for `posterior_predict`.
    x : str, array-like or None
        What stands along x.
    levels : tuple of str
        Names of the response's values.

    Returns
    -------
    Replicated

    Raises
    ------
    BrmspyError
        If an argument is not valid, or the new data do not fit the model.
    """
    observed = np.asarray(_observed(fit, newdata), dtype=float)
    drawn = posterior_predict(fit, newdata, re_formula=re_formula, ndraws=ndraws, seed=seed)
    draws = drawn.to_numpy().reshape(-1, drawn.sizes["obs"]).astype(float)
    along = None
    if x is not None:
        label, values = column_values(fit, newdata, x, "x")
        along = _along(label, values)
    return Replicated(
        fit.model.design.terms.response.label,
        observed,
        draws,
        fit.family.discrete,
        levels,
        (
            min(float(observed.min()), float(np.quantile(draws, _TAIL))),
            max(float(observed.max()), float(np.quantile(draws, 1 - _TAIL))),
        ),
        along,
    )


def column_values(fit: Fit, newdata: Any, what: Any, argument: str) -> tuple[str, pd.Series[Any]]:
    """Return a column of the data, or values that the user gave.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    newdata : DataFrame or None
        The data, if not those that the model was fitted to.
    what : str or array-like
        Name of a column, or one value for each row.
    argument : str
        What it was given as, for errors.

    Returns
    -------
    str
        Its name.
    Series
        Its values.

    Raises
    ------
    BrmspyError
        If there is no such column, the number of values is another, or one is missing.
    """
    data = fit.model.design.data if newdata is None else as_frame(newdata)
    if isinstance(what, str):
        if what not in data.columns:
            raise BrmspyError(
                f"{argument} = {what!r} is no column of "
                f"{'the data that the model uses' if newdata is None else 'the new data'}. "
                f"{did_you_mean(what, map(str, data.columns))} Or give the values themselves, "
                f"{len(data)} of them."
            )
        label, values = what, data[what]
    else:
        values = pd.Series(what)
        label = argument if values.name is None else str(values.name)
        if len(values) != len(data):
            raise BrmspyError(f"{argument} has {len(values)} values for {len(data)} rows of data.")
    if bool(values.isna().any()):
        raise BrmspyError(f"{argument} has missing values.")
    return label, values.reset_index(drop=True)


def level_rows(values: pd.Series[Any]) -> Iterator[tuple[str, NDArray[np.intp]]]:
    """Yield each level of some values, and the rows that have it.

    Parameters
    ----------
    values : Series
        The values; numbers and text in their order, factors in that of their levels.
    """
    codes, levels = _codes(values)
    for code, level in enumerate(levels):
        rows = np.nonzero(codes == code)[0]
        if len(rows):
            yield level, rows


def _codes(values: pd.Series[Any]) -> tuple[NDArray[np.intp], list[str]]:
    """Return numbers from 0 for the levels of some values, and the levels."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.codes.to_numpy().astype(np.intp), [
            str(item) for item in values.cat.categories
        ]
    places, levels = pd.factorize(values, sort=True)
    return np.asarray(places, dtype=np.intp), [str(level) for level in levels]


def _along(label: str, values: pd.Series[Any]) -> Along:
    """Return what stands along x: numbers as they are, others as positions of their levels."""
    if pd.api.types.is_numeric_dtype(values.dtype) and values.dtype.kind != "b":
        return Along(label, values.to_numpy(dtype=float))
    codes, levels = _codes(values)
    return Along(label, codes.astype(float), tuple(levels))


def _observed(fit: Fit, newdata: Any) -> NDArray[Any]:
    """Return the response of the rows, coded by the family."""
    if newdata is None:
        return fit.model.response
    design = fit.model.design
    columns = set(as_frame(newdata).columns)
    missing = [name for name in design.terms.response.variables if name not in columns]
    if missing:
        raise DataError(
            f"The new data have no column {missing[0]!r}: pp_check compares draws with the "
            "response. Draws alone come from fit.posterior_predict(newdata)."
        )
    arrays = design.arrays_for(newdata, groups=[False] * len(design.groups), response=True)
    assert arrays.response is not None, "it was asked for"
    return fit.family.code_response(arrays.response, design.terms.response.label, arrays.trials)
