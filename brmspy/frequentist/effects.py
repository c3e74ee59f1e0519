"""Group-level effects: their covariances as few numbers, their columns, and sparse systems.

The effects of a block are b = T u with u standard normal (times the residual standard deviation,
where there is one) and T lower triangular. The numbers that are estimated are T's elements, each
row measured in units of one over the size of its column of Z, so that one is always a typical
value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.sparse.linalg import splu

from brmspy.errors import BrmspyError
from brmspy.frequentist.estimate import EffectBlock

__all__ = ["Columns", "Effects", "System", "column_sizes", "log_determinant"]

FloatArray = NDArray[np.float64]

_DENSE = 400  # effects up to which dense matrices are faster than sparse ones
_AT_ONCE = 256  # right-hand sides solved for together
_ZERO = 1e-4  # an element of T below this is on the boundary


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
        return np.bincount(self.positions.ravel(), products, minlength=self.size)

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
            square = np.bincount(cells, products, minlength=self.size**2)
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


@dataclass(frozen=True)
class Effects:
    """All blocks of group-level effects of a model.

    Attributes
    ----------
    blocks : tuple of EffectBlock
    sizes : tuple of ndarray, shape (coefs,)
        Size of the columns of Z, in units of one over which T is measured.
    """

    blocks: tuple[EffectBlock, ...]
    sizes: tuple[FloatArray, ...]

    @classmethod
    def checked(cls, blocks: Sequence[Any], nobs: int) -> Effects:
        """Return blocks as arrays, or say what is wrong with them."""
        checked = []
        for number, item in enumerate(blocks):
            block = EffectBlock(*item)
            Z = np.asarray(block.Z, dtype=float)
            Z = Z[:, None] if Z.ndim == 1 else Z
            index = np.asarray(block.index, dtype=np.intp)
            if len(Z) != nobs or index.shape != (nobs,):
                raise BrmspyError(
                    f"Block {number} of group-level effects must have {nobs} rows, one for each "
                    f"response, but Z has {len(Z)} and index {len(index)}."
                )
            if nobs and not (index.min() >= 0 and index.max() < block.levels):
                raise BrmspyError(
                    f"Block {number} has levels 0 to {block.levels - 1}, but its index holds "
                    f"{index.min()} to {index.max()}."
                )
            if not np.isfinite(Z).all():
                raise BrmspyError(f"Z of block {number} holds values that are not finite.")
            checked.append(block._replace(Z=Z, index=index))
        return cls(tuple(checked), tuple(column_sizes(block.Z) for block in checked))

    @property
    def size(self) -> int:
        """Number of effects."""
        return sum(block.levels * block.Z.shape[1] for block in self.blocks)

    @property
    def start(self) -> FloatArray:
        """Theta at which T is, in units of the columns' size, the identity."""
        return np.concatenate([self._diagonal(block) for block in self.blocks] or [np.empty(0)])

    @property
    def lower(self) -> FloatArray:
        """Lower bounds of theta: zero for the diagonals of T."""
        return np.where(self.start == 1.0, 0.0, -np.inf)

    @staticmethod
    def _diagonal(block: EffectBlock) -> FloatArray:
        """Return one for each element of theta on the diagonal of T, else zero."""
        size = block.Z.shape[1]
        if not block.correlated:
            return np.ones(size)
        rows, columns = np.tril_indices(size)
        return (rows == columns).astype(float)

    def factors(self, theta: FloatArray) -> list[FloatArray]:
        """Return T of each block."""
        factors, at = [], 0
        for block, sizes in zip(self.blocks, self.sizes, strict=True):
            size = block.Z.shape[1]
            T = np.zeros((size, size))
            where = np.tril_indices(size) if block.correlated else np.diag_indices(size)
            count = len(where[0])
            T[where] = theta[at : at + count]
            at += count
            factors.append(T / sizes[:, None])
        return factors

    def columns(self, factors: Sequence[FloatArray]) -> Columns:
        """Return the matrix that u is multiplied with."""
        values = [block.Z @ T for block, T in zip(self.blocks, factors, strict=True)]
        return Columns(np.concatenate(values, axis=1), self._positions, self.size)

    @cached_property
    def _positions(self) -> NDArray[np.intp]:
        """Position of each row's effects among all effects, block after block."""
        positions, first = [], 0
        for block in self.blocks:
            size = block.Z.shape[1]
            positions.append(first + block.index[:, None] * size + np.arange(size))
            first += block.levels * size
        return np.concatenate(positions, axis=1)

    def spread_out(self, factors: Sequence[FloatArray], u: FloatArray) -> tuple[FloatArray, ...]:
        """Return b = T u, shape (levels, coefs) for each block."""
        effects, at = [], 0
        for block, T in zip(self.blocks, factors, strict=True):
            count = block.levels * len(T)
            effects.append(u[at : at + count].reshape(block.levels, len(T)) @ T.T)
            at += count
        return tuple(effects)

    def standard_deviations(
        self, factors: Sequence[FloatArray], system: System
    ) -> tuple[FloatArray, ...]:
        """Return the sds of b where u has the inverse of a matrix as covariance."""
        parts = [
            sparse.kron(sparse.eye_array(block.levels), T.T)
            for block, T in zip(self.blocks, factors, strict=True)
        ]
        transposed = sparse.csc_array(sparse.block_diag(parts))
        variances = np.empty(self.size)
        for first in range(0, self.size, _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            right = transposed[:, some].toarray()
            variances[some] = (right * system.solve(right)).sum(axis=0)
        sds, at = [], 0
        for block, T in zip(self.blocks, factors, strict=True):
            count = block.levels * len(T)
            sds.append(np.sqrt(variances[at : at + count]).reshape(block.levels, len(T)))
            at += count
        return tuple(sds)

    def spreads(self, theta: FloatArray, log_scale: float = 0.0) -> FloatArray:
        """Return logs of sds and Fisher's z of correlations, block by block."""
        values: list[FloatArray] = []
        with np.errstate(divide="ignore", invalid="ignore"):
            for block, T in zip(self.blocks, self.factors(theta), strict=True):
                lengths = np.sqrt(np.square(T).sum(axis=1))
                values.append(np.log(lengths) + log_scale)
                if block.correlated:
                    rows = T / lengths[:, None]
                    below = np.tril_indices(len(T), -1)
                    values.append(np.arctanh(np.clip((rows @ rows.T)[below], -1.0, 1.0)))
        return np.concatenate(values) if values else np.empty(0)

    def is_singular(self, theta: FloatArray) -> bool:
        """Whether a diagonal element of any T is zero."""
        return bool(np.any(theta[self.start == 1.0] < _ZERO))


def column_sizes(Z: FloatArray) -> FloatArray:
    """Return the root mean square of the elements that are not zero, column by column."""
    counts = np.maximum(np.count_nonzero(Z, axis=0), 1)
    sizes = np.sqrt(np.square(Z).sum(axis=0) / counts)
    return np.where(sizes > 0.0, sizes, 1.0)


def log_determinant(matrix: FloatArray) -> float:
    """Return the log determinant of a positive definite matrix."""
    return 2.0 * float(np.log(np.diagonal(np.linalg.cholesky(matrix))).sum())
