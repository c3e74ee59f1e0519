"""Matrices of group-level effects, a few elements in each row, and what is solved with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.sparse.linalg import splu

__all__ = ["Columns", "System", "inverse", "log_determinant", "solve"]

FloatArray = NDArray[np.float64]

_DENSE = 400  # effects up to which one dense matrix is fastest
_DENSE_REST = 3000  # the same for effects beside those of the factor with most levels


class System(Protocol):
    """A symmetric positive definite matrix, factorised.

    Making one raises `numpy.linalg.LinAlgError` if the matrix is not positive definite.
    """

    log_determinant: float

    def solve(self, right: FloatArray) -> FloatArray:
        """Return the solution for one or several right-hand sides."""
        ...


class _Dense:
    """A dense matrix."""

    def __init__(self, matrix: FloatArray) -> None:
        self._factor: Any = linalg.cho_factor(matrix, lower=True, check_finite=False)
        self.log_determinant = 2.0 * float(np.log(np.diagonal(self._factor[0])).sum())

    def solve(self, right: FloatArray) -> FloatArray:
        return np.asarray(linalg.cho_solve(self._factor, right, check_finite=False))


class _Sparse:
    """A sparse matrix."""

    def __init__(self, matrix: Any) -> None:
        # Symmetric mode: pivots stay on the diagonal, so that U's diagonal holds them.
        self._factor = splu(
            sparse.csc_array(matrix),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
        pivots = self._factor.U.diagonal()
        if not np.all(pivots > 0.0):
            raise np.linalg.LinAlgError("The matrix is not positive definite.")
        self.log_determinant = float(np.log(pivots).sum())

    def solve(self, right: FloatArray) -> FloatArray:
        return np.asarray(self._factor.solve(right))


class _Leading:
    """A sparse matrix in which some rows are blocks on the diagonal, one for each level.

    These are solved for first, which leaves a smaller matrix of the others (Schur's complement).
    """

    def __init__(self, matrix: Any, first: int, levels: int, size: int) -> None:
        self._own = slice(first, first + levels * size)
        self._others = np.r_[0:first, self._own.stop : matrix.shape[0]]
        blocks = sparse.coo_array(matrix[self._own, self._own])
        rows, columns = blocks.coords
        diagonal = np.zeros((levels, size, size))
        diagonal[rows // size, rows % size, columns % size] = blocks.data
        roots = np.linalg.cholesky(diagonal)
        self._inverse = np.linalg.inv(diagonal)
        self.log_determinant = 2.0 * float(np.log(np.einsum("lii->li", roots)).sum())
        self._rest: System | None = None
        if not len(self._others):
            return
        between = sparse.csr_array(matrix[self._own, :])[:, self._others]
        entries = (
            self._inverse.ravel(),
            np.tile(np.arange(levels * size).reshape(levels, 1, size), (1, size, 1)).ravel(),
            np.arange(levels * size + 1) * size,
        )
        self._solved = sparse.csr_array(entries, shape=(levels * size,) * 2) @ between
        rest = sparse.csr_array(matrix[self._others, :])[:, self._others]
        rest = rest - between.T @ self._solved
        self._rest = _Dense(rest.toarray()) if rest.shape[0] <= _DENSE_REST else _Sparse(rest)
        self.log_determinant += self._rest.log_determinant

    def solve(self, right: FloatArray) -> FloatArray:
        own = right[self._own].reshape(*self._inverse.shape[:2], -1)
        solution = np.empty_like(right)
        solved = (self._inverse @ own).reshape(right[self._own].shape)
        if self._rest is not None:
            # The solved matrix is the inverse times what is between: its transpose does both.
            others = right[self._others] - self._solved.T @ right[self._own]
            solution[self._others] = self._rest.solve(others)
            solved = solved - self._solved @ solution[self._others]
        solution[self._own] = solved
        return solution


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
    leading : tuple of int
        First column, number of levels and number of coefficients of the block with most columns.
    """

    values: FloatArray
    positions: NDArray[np.intp]
    size: int
    leading: tuple[int, int, int]

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
            return _Dense(square.reshape(self.size, self.size))
        left, right = self._sparse(self.values), self._sparse(weighted)
        matrix = sparse.csr_array(left.T @ right + sparse.eye_array(self.size))
        return _Leading(matrix, *self.leading)

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
