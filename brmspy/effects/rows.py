"""Predictions of rows under several scenarios, row by row or averaged, with bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.effects.target import Target, chunks_of
from brmspy.errors import BrmspyError, did_you_mean

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Groups", "as_draws", "groups_of", "over_rows"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Groups:
    """Which rows are averaged.

    Attributes
    ----------
    codes : ndarray of int, shape (row,)
        Group of each row.
    table : DataFrame
        What identifies each group; without columns if there is one group of all rows.
    """

    codes: NDArray[np.intp]
    table: pd.DataFrame

    @property
    def sizes(self) -> NDArray[np.intp]:
        """Number of rows in each group."""
        return np.bincount(self.codes, minlength=len(self.table))


def groups_of(frame: pd.DataFrame, by: Sequence[str]) -> Groups:
    """Group the rows of a frame.

    Parameters
    ----------
    frame : DataFrame
        The rows.
    by : sequence of str
        Columns whose observed combinations are the groups; none for a single group.

    Returns
    -------
    Groups
        In the order of the columns' values, categories in theirs.

    Raises
    ------
    BrmspyError
        If there is no such column.
    """
    for name in by:
        if name not in frame.columns:
            raise BrmspyError(
                f"by: the data have no column {name!r}. "
                f"{did_you_mean(str(name), [str(column) for column in frame.columns])} "
                "A fit keeps the columns that its model reads; newdata may have others."
            )
    if not by:
        return Groups(np.zeros(len(frame), dtype=np.intp), pd.DataFrame(index=range(1)))
    keys = frame[list(by)].reset_index(drop=True)
    codes = keys.groupby(list(by), observed=True, sort=True, dropna=False).ngroup().to_numpy()
    first = pd.Series(codes).drop_duplicates().sort_values().index
    return Groups(codes.astype(np.intp), keys.loc[first].reset_index(drop=True))


def over_rows(
    target: Target,
    scenarios: Sequence[pd.DataFrame],
    rowwise: Callable[[list[FloatArray], slice], list[FloatArray]],
    combine: Callable[[list[FloatArray]], FloatArray],
    groups: Groups | None = None,
) -> tuple[FloatArray, xr.DataArray]:
    """Predict the rows of several scenarios, and compute with the predictions.

    Parameters
    ----------
    target : Target
        What is predicted.
    scenarios : sequence of DataFrame
        The same rows with other values.
    rowwise : callable
        Takes the predictions of each scenario, each of shape (draw, row), and which rows they are;
        returns arrays of this shape.
    combine : callable
        Takes these, or their averages; returns one array.
    groups : Groups, optional
        Rows to average over; by default each is by itself.

    Returns
    -------
    values : ndarray, shape (draw, row or group)
        What `combine` returned.
    like : xarray.DataArray
        Predictions of some row, for the labels of chains and draws.
    """
    parts: list[FloatArray] = []
    sums: list[FloatArray] = []
    like: Any = None
    for rows in chunks_of(target, len(scenarios[0]), len(scenarios)):
        predicted = [target.draws(frame.iloc[rows]) for frame in scenarios]
        like = predicted[0][..., :1]
        arrays = [np.asarray(array).reshape(-1, array.shape[-1]) for array in predicted]
        computed = rowwise([array.astype(np.float64, copy=False) for array in arrays], rows)
        if groups is None:
            parts.append(combine(computed))
            continue
        member = _membership(groups, rows)
        added = [array @ member for array in computed]
        sums = added if not sums else [old + new for old, new in zip(sums, added, strict=True)]
    if groups is None:
        return np.hstack(parts), like
    return combine([total / groups.sizes for total in sums]), like


def _membership(groups: Groups, rows: slice) -> FloatArray:
    """Return which rows are in which group, shape (row, group)."""
    codes = groups.codes[rows]
    member = np.zeros((len(codes), len(groups.table)))
    member[np.arange(len(codes)), codes] = 1.0
    return member


def as_draws(
    values: FloatArray,
    like: xr.DataArray,
    dim: str,
    labels: Sequence[Any] | pd.Index[Any],
    name: str,
) -> xr.DataArray:
    """Return draws with their labels.

    Parameters
    ----------
    values : ndarray, shape (draw, n)
        Chain after chain.
    like : xarray.DataArray
        Has the chains and draws.
    dim : str
        Name of the last dimension.
    labels : sequence
        Its labels.
    name : str
        Name of the result.

    Returns
    -------
    xarray.DataArray
        Dimensions (chain, draw, `dim`).
    """
    import xarray as xr

    shape = (like.sizes["chain"], like.sizes["draw"], values.shape[1])
    coords = {"chain": like["chain"].to_numpy(), "draw": like["draw"].to_numpy()}
    coords[dim] = np.asarray(labels)
    return xr.DataArray(values.reshape(shape), coords, ("chain", "draw", dim), name=name)
