"""Group-level effects: their covariances as few numbers, their columns, and sparse systems.

The effects of a block are b = T u with u standard normal (times the residual standard deviation,
where there is one) and T lower triangular. The numbers that are estimated are T's elements, each
row measured in units of one over the size of its column of Z, so that one is always a typical
value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.sparse.linalg import splu

from brmspy.errors import BrmspyError
from brmspy.frequentist.estimate import EffectBlock

__all__ = ["Effects", "System", "log_determinant", "plus_identity"]

FloatArray = NDArray[np.float64]

_DENSE = 400  # effects up to which dense matrices are faster than sparse ones
_AT_ONCE = 256  # right-hand sides solved for together
_ZERO = 1e-4  # an element of T below this is on the boundary


class System:
    """A symmetric positive definite matrix, factorised.

    Parameters
    ----------
    matrix : sparse array, shape (size, size)

    Raises
    ------
    numpy.linalg.LinAlgError
        If the matrix is not positive definite.
    """

    def __init__(self, matrix: Any) -> None:
        self.size = matrix.shape[0]
        self._dense: Any = None
        if self.size <= _DENSE:
            self._dense = linalg.cho_factor(matrix.toarray(), lower=True)
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
            return np.asarray(linalg.cho_solve(self._dense, right))
        return np.asarray(self._sparse.solve(right))


@dataclass(frozen=True)
class Effects:
    """All blocks of group-level effects of a model.

    Attributes
    ----------
    blocks : tuple of EffectBlock
    """

    blocks: tuple[EffectBlock, ...]

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
        return cls(tuple(checked))

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
        for block in self.blocks:
            size = block.Z.shape[1]
            T = np.zeros((size, size))
            where = np.tril_indices(size) if block.correlated else np.diag_indices(size)
            count = len(where[0])
            T[where] = theta[at : at + count]
            at += count
            factors.append(T / _column_sizes(block.Z)[:, None])
        return factors

    def columns(self, factors: Sequence[FloatArray]) -> Any:
        """Return the matrix that u is multiplied with: sparse, shape (nobs, size)."""
        nobs = len(self.blocks[0].Z) if self.blocks else 0
        values, positions, first = [], [], 0
        for block, T in zip(self.blocks, factors, strict=True):
            size = block.Z.shape[1]
            values.append(block.Z @ T)
            positions.append(first + block.index[:, None] * size + np.arange(size))
            first += block.levels * size
        width = sum(value.shape[1] for value in values)
        return sparse.csr_array(
            (
                np.concatenate(values, axis=1).ravel(),
                np.concatenate(positions, axis=1).ravel(),
                np.arange(nobs + 1) * width,
            ),
            shape=(nobs, self.size),
        )

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


def _column_sizes(Z: FloatArray) -> FloatArray:
    """Return the root mean square of the elements that are not zero, column by column."""
    counts = np.maximum(np.count_nonzero(Z, axis=0), 1)
    sizes = np.sqrt(np.square(Z).sum(axis=0) / counts)
    return np.where(sizes > 0.0, sizes, 1.0)


def plus_identity(matrix: Any) -> Any:
    """Return a sparse matrix plus the identity."""
    return matrix + sparse.eye_array(matrix.shape[0])


def log_determinant(matrix: FloatArray) -> float:
    """Return the log determinant of a positive definite matrix."""
    return 2.0 * float(np.log(np.diagonal(np.linalg.cholesky(matrix))).sum())
