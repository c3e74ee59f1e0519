"""Group-level effects, and their covariances as few numbers.

The effects of a block are b = T u with u standard normal (times the residual standard deviation,
where there is one) and T lower triangular. The numbers that are estimated are T's elements, each
row measured in units of one over the size of its column of Z, so that one is always a typical
value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from brmspy.errors import BrmspyError
from brmspy.twin.estimate import EffectBlock
from brmspy.twin.systems import Columns, System

__all__ = ["Effects", "column_sizes"]

FloatArray = NDArray[np.float64]

_AT_ONCE = 256  # right-hand sides solved for together
_ZERO = 1e-4  # an element of T below this is on the boundary


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
            block = EffectBlock.of(item)
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
            checked.append(replace(block, Z=Z, index=index))
        return cls(tuple(checked), tuple(column_sizes(block.Z) for block in checked))

    @cached_property
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

    def in_units(self, unit: float) -> Effects:
        """Return the effects with T measured in units of something else than one."""
        return replace(self, sizes=tuple(sizes / unit for sizes in self.sizes))

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
        return Columns(np.concatenate(values, axis=1), self._positions, self.size, self._leading)

    @cached_property
    def _leading(self) -> tuple[int, int, int]:
        """First effect, number of levels and of coefficients of the block with most effects."""
        counts = [block.levels * block.Z.shape[1] for block in self.blocks]
        most = int(np.argmax(counts))
        return sum(counts[:most]), self.blocks[most].levels, self.blocks[most].Z.shape[1]

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
