"""The sparse model matrix of group-level effects in compressed rows, as Stan reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["CompressedRows", "EffectColumns", "compressed_rows"]


@dataclass(frozen=True)
class EffectColumns:
    """One coefficient of a group: its predictor values and where its levels' effects stand.

    Attributes
    ----------
    values : ndarray of float, shape (nobs,)
        The column of the group-level model matrix.
    positions : ndarray of int, shape (nobs,)
        Zero-based position of the row's effect in the stacked vector of effects.
    """

    values: NDArray[np.float64]
    positions: NDArray[np.intp]


@dataclass(frozen=True)
class CompressedRows:
    """A sparse matrix: values, zero-based columns, and where each row starts."""

    shape: tuple[int, int]
    values: NDArray[np.float64]
    columns: NDArray[np.intp]
    starts: NDArray[np.intp]


def compressed_rows(columns: Sequence[EffectColumns], width: int) -> CompressedRows:
    """Return the matrix with `width` columns whose rows hold each coefficient's value.

    Zeros, such as those of dummy columns, are left out.
    """
    values = np.column_stack([column.values for column in columns])
    positions = np.column_stack([column.positions for column in columns])
    nonzero = values != 0.0
    starts = np.concatenate([[0], np.cumsum(nonzero.sum(axis=1))])
    return CompressedRows(
        shape=(values.shape[0], width),
        values=values[nonzero],
        columns=positions[nonzero],
        starts=starts,
    )
