"""The reference grid: combinations of levels, and the means over some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.data.factors import as_labels
from brmspy.effects.specs import Specs
from brmspy.effects.target import Held, Target, chunks_of, held_values
from brmspy.errors import BrmspyError
from brmspy.grids import GridColumn, grid

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["WEIGHTS", "MarginalDraws", "marginal_draws"]

FloatArray = NDArray[np.float64]

WEIGHTS = ("equal", "proportional", "outer", "cells")


@dataclass(frozen=True, eq=False)
class MarginalDraws:
    """Draws of marginal means.

    Attributes
    ----------
    levels : mapping of str to list
        Levels of the columns that have means; their combinations are the means, the last column
        varying fastest.
    values : ndarray, shape (draw, mean)
        The draws.
    like : xarray.DataArray
        Has the chains and draws.
    averaged : mapping of str to list
        Columns that are averaged over, and their values.
    held : tuple of Held
        Columns that are held, and where.
    """

    levels: Mapping[str, list[Any]]
    values: FloatArray
    like: xr.DataArray
    averaged: Mapping[str, list[Any]]
    held: tuple[Held, ...]

    @property
    def table(self) -> pd.DataFrame:
        """The levels of each mean."""
        rows = list(product(*self.levels.values()))
        return pd.DataFrame(
            {name: [row[place] for row in rows] for place, name in enumerate(self.levels)},
            index=pd.RangeIndex(len(rows)),
        )


def marginal_draws(
    target: Target,
    specs: Specs,
    at: Mapping[str, Any],
    weights: str,
    cov_keep: int | Sequence[str],
) -> MarginalDraws:
    """Average predictions over the reference grid.

    Parameters
    ----------
    target : Target
        What is predicted.
    specs : Specs
        Which columns have means.
    at : mapping of str to Any
        Values of columns in place of their levels or their mean.
    weights : str
        One of `WEIGHTS`.
    cov_keep : int or sequence of str
        Which columns of numbers keep their values: those with at most so many, or those named.

    Returns
    -------
    MarginalDraws

    Raises
    ------
    BrmspyError
        If a column or a value is not valid, or a weight is not defined.
    """
    for name in at:
        target.column(name)  # raises if predictions do not read it
    values = {
        name: _values(column, at, cov_keep, name in (*specs.by, *specs.factors))
        for name, column in target.read_columns().items()
    }
    named = (*specs.by, *specs.factors)
    averaged = {
        name: found for name, found in values.items() if name not in named and len(found) > 1
    }
    single = {name: found[0] for name, found in values.items() if name not in {*named, *averaged}}
    crossed = {name: values[name] for name in named} | averaged
    frame = grid(target.fit, crossed, at=single)
    cells = int(np.prod([len(found) for found in averaged.values()], dtype=int))
    share = _weights(target, {name: values[name] for name in named}, averaged, weights)
    means = len(frame) // cells
    values_of_means: Any = 0.0
    like: Any = None
    for rows in chunks_of(target, len(frame)):
        predicted = target.draws(frame.iloc[rows])
        like = predicted[..., :1]
        places = np.arange(rows.start, rows.stop)
        member = np.zeros((len(places), means))
        member[np.arange(len(places)), places // cells] = share[places]
        values_of_means = values_of_means + predicted.to_numpy().reshape(-1, len(places)) @ member
    chosen = {name: value for name, value in single.items() if name in at}
    held = held_values(target, [*named, *averaged], chosen)
    return MarginalDraws(
        {name: values[name] for name in named}, values_of_means, like, averaged, held
    )


def _values(
    column: GridColumn, at: Mapping[str, Any], cov_keep: int | Sequence[str], named: bool
) -> list[Any]:
    """Return the values that a column has in the grid."""
    if column.name in at:
        given = at[column.name]
        values = [given] if isinstance(given, str) or not np.iterable(given) else list(given)
        if not values:
            raise BrmspyError(f"at: there are no values for {column.name!r}.")
        return [column.level(value) for value in values] if column.is_factor else values
    if column.is_factor:
        return list(column.levels)
    if "trials" in column.roles:
        return [column.typical]
    distinct = np.unique(column.numbers)
    if isinstance(cov_keep, (int, np.integer)):
        kept = len(distinct) <= cov_keep
    else:
        kept = column.name in cov_keep
    if kept and column.roles & {"population", "varying"}:
        return list(distinct.tolist())
    return [column.typical]


def _weights(
    target: Target,
    named: Mapping[str, list[Any]],
    averaged: Mapping[str, list[Any]],
    weights: str,
) -> FloatArray:
    """Return the weight of each row of the grid; those of each mean sum to one."""
    means = int(np.prod([len(levels) for levels in named.values()], dtype=int))
    shape = [len(levels) for levels in averaged.values()]
    cells = int(np.prod(shape, dtype=int))
    if weights == "equal" or not averaged:
        return np.full(means * cells, 1.0 / cells)
    if weights == "outer":
        share = np.ones(1)
        for name, levels in averaged.items():
            share = np.outer(share, _counts(target, {name: levels})).ravel()
        counts = np.tile(share, (means, 1))
    elif weights == "proportional":
        counts = np.tile(_counts(target, averaged), (means, 1))
    else:
        counts = _counts(target, {**named, **averaged}).reshape(means, cells)
    total = counts.sum(axis=1, keepdims=True)
    if (total == 0).any():
        raise BrmspyError(
            f"weights = {weights!r}: the data have no rows of some of the combinations, so that "
            'their means are not defined. Use weights="equal".'
        )
    return (counts / total).ravel()


def _counts(target: Target, levels: Mapping[str, list[Any]]) -> FloatArray:
    """Return how many rows of the data have each combination of values; flat."""
    shape = tuple(len(values) for values in levels.values())
    data = target.fit.model.design.data
    places = []
    known = np.ones(len(data), dtype=bool)
    for name, values in levels.items():
        place = {label: i for i, label in enumerate(as_labels(values))}
        found = np.array([place.get(label, -1) for label in as_labels(data[name].tolist())])
        known &= found >= 0
        places.append(found)
    flat = np.ravel_multi_index(tuple(found[known] for found in places), shape)
    return np.bincount(flat, minlength=int(np.prod(shape))).astype(np.float64)
