"""Matrices of group-level effects, a few elements in each row, and what is solved with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.sparse.linalg import splu

__all__ = ["Columns", "System", "inverse", "log_determinant", "solve"]

FloatArray = NDArray[np.float64]

_DENSE = 400  # effects up to which dense matrices are faster than sparse ones


class System:
    """A symmetric positive definite matrix, factorised.

    Parameters
    ----------
    matrix : ndarray or sparse array, shape (size, size)

    Raises
    ------
    numpy.linalg.LinAlgError
        If the matrix is not positive definite.
    """

    def __init__(self, matrix: Any) -> None:
        self._dense: Any = None
        if isinstance(matrix, np.ndarray):
            self._dense = linalg.cho_factor(matrix, lower=True, check_finite=False)
            self.log_determinant = 2.0 * float(np.log(np.diagonal(self._dense[0])).sum())
            return
        # Symmetric mode: pivots stay on the diagonal, so that U's diagonal holds them.
        self._sparse = splu(
            sparse.csc_array(matrix),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
        pivots = self._sparse.U.diagonal()
        if not np.all(pivots > 0.0):
            raise np.linalg.LinAlgError("The matrix is not positive definite.")
        self.log_determinant = float(np.log(pivots).sum())

    def solve(self, right: FloatArray) -> FloatArray:
        """Return the solution for one or several right-hand sides."""
        if self._dense is not None:
            return np.asarray(linalg.cho_solve(self._dense, right, check_finite=False))
        return np.asarray(self._sparse.solve(right))


@dataclass(frozen=True)
class Columns:
    """The matrix U that spherical effects are multiplied with: a few elements in each row.

    Attributes
    ----------
    values : ndarray, shape (nobs, width)
        The elements of each row that are not zero.
    positions : ndarray of int, shape (nobs, width)
        Their columns.
    size : int
        Number of columns.
    """

    values: FloatArray
    positions: NDArray[np.intp]
    size: int

    def times(self, u: FloatArray) -> FloatArray:
        """Return U u, shape (nobs,)."""
        return np.asarray((self.values * u[self.positions]).sum(axis=1))

    def crossed(self, matrix: FloatArray) -> FloatArray:
        """Return U' M for a vector, shape (size,), or a matrix, shape (size, k)."""
        if matrix.ndim == 2:
            parts = [self.crossed(column) for column in matrix.T]
            return np.column_stack(parts) if parts else np.empty((self.size, 0))
        products = (self.values * matrix[:, None]).ravel()
        return np.asarray(
            np.bincount(self.positions.ravel(), products, minlength=self.size), dtype=float
        )

    def precision(self, weights: FloatArray) -> System:
        """Return U' W U + I, the precision of effects with weights of the rows.

        Raises
        ------
        numpy.linalg.LinAlgError
            If negative weights make it other than positive definite.
        """
        weighted = self.values * weights[:, None]
        if self.size <= _DENSE:
            products = (weighted[:, :, None] * self.values[:, None, :]).ravel()
            cells = (self.positions[:, :, None] * self.size + self.positions[:, None, :]).ravel()
            square: FloatArray = np.asarray(
                np.bincount(cells, products, minlength=self.size**2), dtype=float
            )
            square[:: self.size + 1] += 1.0
            return System(square.reshape(self.size, self.size))
        left, right = self._sparse(self.values), self._sparse(weighted)
        return System(left.T @ right + sparse.eye_array(self.size))

    def _sparse(self, values: FloatArray) -> Any:
        """Return values at the places of U's elements."""
        nobs, width = self.positions.shape
        starts = np.arange(nobs + 1) * width
        return sparse.csr_array(
            (values.ravel(), self.positions.ravel(), starts), shape=(nobs, self.size)
        )


def log_determinant(matrix: FloatArray) -> float:
    """Return the log determinant of a positive definite matrix."""
    return 2.0 * float(np.log(np.diagonal(np.linalg.cholesky(matrix))).sum())


def inverse(matrix: FloatArray) -> FloatArray:
    """Return the inverse of a matrix."""
    return np.asarray(np.linalg.inv(matrix), dtype=float)


def solve(matrix: FloatArray, right: FloatArray) -> FloatArray:
    """Return the solution of a small system."""
    return np.asarray(np.linalg.solve(matrix, right), dtype=float)
