"""Where each coefficient and each group-level effect stands in one long vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from brmspy.data import Design

__all__ = ["Layout", "centred_columns", "make_layout"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Layout:
    """The positions in the vector theta of all coefficients, then all effects, block by block.

    Attributes
    ----------
    coefficients : tuple of slice
        Of each linear predictor.
    effects : tuple of slice
        Of each block: level after level, its coefficients side by side.
    shapes : tuple of (int, int)
        Number of levels and coefficients of each block.
    owners : tuple of tuple of int
        Which linear predictor each coefficient of a block belongs to.
    columns : tuple of sparse array, shape (nobs, length of theta)
        What each linear predictor multiplies theta with.
    offsets : ndarray, shape (nobs, P)
    """

    coefficients: tuple[slice, ...]
    effects: tuple[slice, ...]
    shapes: tuple[tuple[int, int], ...]
    owners: tuple[tuple[int, ...], ...]
    columns: tuple[Any, ...]
    offsets: FloatArray

    @property
    def size(self) -> int:
        """Length of theta."""
        return int(self.columns[0].shape[1])

    def predictors(self, theta: FloatArray) -> FloatArray:
        """Return the linear predictors, shape (nobs, P)."""
        return np.column_stack([matrix @ theta for matrix in self.columns]) + self.offsets

    def block(self, theta: FloatArray, block: int) -> FloatArray:
        """Return the effects of a block, shape (levels, coefficients)."""
        return theta[self.effects[block]].reshape(self.shapes[block])


def centred_columns(design: Design, name: str) -> FloatArray:
    """Return the columns of a linear predictor's coefficients as the program has them.

    Parameters
    ----------
    design : Design
        The design.
    name : str
        The predictor.

    Returns
    -------
    ndarray, shape (nobs, coefficients)
        The intercept's first where there is one; the others less their means then.
    """
    X = design.arrays.predictors[name].X
    info = design.predictors[name]
    return X - info.means if info.centred else X


def make_layout(design: Design, linear: tuple[str, ...]) -> Layout:
    """Lay out the coefficients and effects of a model.

    Parameters
    ----------
    design : Design
        The design.
    linear : tuple of str
        The linear predictors.

    Returns
    -------
    Layout
    """
    arrays = design.arrays
    X = [centred_columns(design, name) for name in linear]
    start = 0
    coefficients = []
    for matrix in X:
        coefficients.append(slice(start, start + matrix.shape[1]))
        start += matrix.shape[1]
    effects, shapes, owners = [], [], []
    for info in design.groups:
        shapes.append((len(info.levels), len(info.coefs)))
        owners.append(tuple(linear.index(coef.predictor) for coef in info.coefs))
        effects.append(slice(start, start + len(info.levels) * len(info.coefs)))
        start = effects[-1].stop
    columns = []
    rows = np.arange(arrays.nobs)
    for number, matrix in enumerate(X):
        places = np.arange(matrix.shape[1]) + coefficients[number].start
        values = [matrix.ravel()]
        at = [np.tile(places, arrays.nobs)]
        of = [np.repeat(rows, matrix.shape[1])]
        for block, group in enumerate(arrays.groups):
            for m, owner in enumerate(owners[block]):
                if owner == number:
                    values.append(group.Z[:, m])
                    at.append(effects[block].start + group.index * shapes[block][1] + m)
                    of.append(rows)
        entries = (np.concatenate(values), (np.concatenate(of), np.concatenate(at)))
        columns.append(sparse.csr_array(entries, shape=(arrays.nobs, start)))
    offsets = [arrays.predictors[name].offset for name in linear]
    return Layout(
        tuple(coefficients),
        tuple(effects),
        tuple(shapes),
        tuple(owners),
        tuple(columns),
        np.column_stack([np.zeros(arrays.nobs) if o is None else o for o in offsets]),
    )
