"""The coordinates that the sampler moves in for group-level effects and coefficients.

A level of a grouping factor has an effect r, whose prior is centred at zero. Where the data say
much about the level, r and the coefficients are strongly correlated in the posterior, and so are r
and its standard deviation when it is divided by it. The level's hierarchical mean

    u = r + B coefs + E w

is then the better coordinate: its centre holds everything else in the predictor that is constant
within the level. B takes the coefficients' columns, averaged within the level; E takes the
coordinates w of the factors that this one is nested in. What is left of the columns, A = X - Z B,
varies within levels only, so that

    X coefs + Z r = A coefs + Z' w

with w = u for such levels and w = r for the others. Any B and E give the same posterior: they only
decide how fast it is explored.

References
----------
Gelfand, A. E., Sahu, S. K. and Carlin, B. P. (1995). Efficient parametrisations for normal linear
mixed models. Biometrika, 82(3). https://doi.org/10.1093/biomet/82.3.479
Papaspiliopoulos, O., Roberts, G. O. and Sköld, M. (2007). A general framework for the
parametrization of hierarchical models. Statistical Science, 22(1).
https://doi.org/10.1214/088342307000000014
Betancourt, M. and Girolami, M. (2015). Hamiltonian Monte Carlo for hierarchical models.
https://arxiv.org/abs/1312.0906
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from brmspy.pilot import block_diagonal, diagonal_blocks
from brmspy.program.unconstrained import slopes_at, to_unconstrained

__all__ = [
    "BlockColumns",
    "CentredBlock",
    "PredictorMap",
    "Whitening",
    "centre",
    "is_nested",
    "whitening",
]

FloatArray = NDArray[np.float64]

_RIDGE = 1e-12  # of a level's Z'WZ, where the level has too few rows for it to be invertible
_TINY = 1e-10  # what is left of a column that is constant within levels, by rounding


@dataclass(frozen=True)
class BlockColumns:
    """The model matrix of the effects of one block in one linear predictor.

    Attributes
    ----------
    index : ndarray of int, shape (nobs,)
        Level of each row.
    Z : ndarray, shape (nobs, coefs)
        Columns.
    levels : int
        Number of levels.
    centred : ndarray of bool, shape (levels, coefs)
        Which effects have their hierarchical mean as coordinate.
    mapped : bool
        Whether the program has room for such levels, even if there are none.
    """

    index: NDArray[np.intp]
    Z: FloatArray
    levels: int
    centred: NDArray[np.bool_]
    mapped: bool

    @property
    def matrix(self) -> Any:
        """The sparse matrix, shape (nobs, levels * coefs), level after level."""
        nobs, size = self.Z.shape
        columns = self.index[:, None] * size + np.arange(size)
        rows = np.repeat(np.arange(nobs), size)
        entries = (self.Z.ravel(), (rows, columns.ravel()))
        return sparse.csr_array(entries, shape=(nobs, self.levels * size))


@dataclass(frozen=True)
class CentredBlock:
    """The map of one block's centred levels.

    Attributes
    ----------
    coef : ndarray of int, shape (centred,)
        Which of the block's coefficients each centred effect belongs to, level after level.
    B : ndarray, shape (centred, coefficients)
        What the coefficients add to the centre.
    E : mapping of int to sparse array, shape (centred, levels * coefs of the other)
        What the coordinates of other blocks add, by block.
    """

    coef: NDArray[np.intp]
    B: FloatArray
    E: Mapping[int, Any]


@dataclass(frozen=True)
class PredictorMap:
    """A linear predictor in the sampler's coordinates.

    Attributes
    ----------
    A : ndarray, shape (nobs, coefficients)
        What is left of the population-level columns.
    Z : mapping of int to sparse array, shape (nobs, levels * coefs)
        What multiplies each block's coordinates.
    blocks : mapping of int to CentredBlock
        Blocks with centred levels.
    """

    A: FloatArray
    Z: Mapping[int, Any]
    blocks: Mapping[int, CentredBlock]


def centre(X: FloatArray, blocks: Mapping[int, BlockColumns], weights: FloatArray) -> PredictorMap:
    """Move what is constant within centred levels from the rows into the levels' centres.

    Blocks are taken in turn, the one with the fewest levels first.

    Parameters
    ----------
    X : ndarray, shape (nobs, coefficients)
        Population-level columns, the intercept's included.
    blocks : mapping of int to BlockColumns
        The predictor's blocks of group-level effects.
    weights : ndarray, shape (nobs,)
        Information of each row, for the averages within levels.

    Returns
    -------
    PredictorMap
    """
    A = np.array(X, dtype=float)
    Z = {number: block.matrix for number, block in blocks.items()}
    maps: dict[int, CentredBlock] = {}
    for number in sorted(blocks, key=lambda n: blocks[n].levels):
        block = blocks[number]
        if not block.mapped:
            continue
        chosen = np.flatnonzero(block.centred.ravel())
        own = Z[number][:, chosen]
        average = _averages(Z[number], weights, block.centred)[chosen, :]
        B = average @ A
        A = _without_rounding(A - own @ B, np.abs(X).max(axis=0, initial=0.0))
        E: dict[int, Any] = {}
        for other, columns in blocks.items():
            if columns.levels < block.levels and is_nested(block.index, columns.index):
                share = sparse.csr_array(average @ Z[other])
                rest = sparse.csr_array(Z[other] - own @ share)
                scale = float(np.abs(columns.Z).max(initial=0.0))
                rest.data[np.abs(rest.data) <= _TINY * scale] = 0.0
                rest.eliminate_zeros()
                Z[other] = rest
                E[other] = share
        maps[number] = CentredBlock(chosen % block.Z.shape[1], B, E)
    return PredictorMap(A, Z, maps)


def _averages(Z: Any, weights: FloatArray, centred: NDArray[np.bool_]) -> Any:
    """Return (Z'WZ)^-1 Z'W of the centred effects: least-squares coefficients within levels."""
    size = centred.shape[1]
    weighted = sparse.csr_array(Z.T @ sparse.diags_array(weights))
    blocks = diagonal_blocks(weighted @ Z, size)
    both = centred[:, :, None] & centred[:, None, :]
    ridge = _RIDGE * np.einsum("gmm->g", blocks) / size + np.finfo(float).tiny
    gram = np.where(both, blocks, 0.0) + ridge[:, None, None] * np.eye(size)
    gram = gram + np.where(centred, 0.0, 1.0)[:, :, None] * np.eye(size)
    return block_diagonal(np.linalg.inv(gram)) @ weighted


def _without_rounding(A: FloatArray, scale: FloatArray) -> FloatArray:
    """Return A with what rounding has left of absorbed columns set to zero."""
    return np.where(np.abs(A) <= _TINY * scale, 0.0, A)


def is_nested(fine: NDArray[np.intp], coarse: NDArray[np.intp]) -> bool:
    """Return whether every level of the finer factor lies in one level of the coarser.

    Parameters
    ----------
    fine, coarse : ndarray of int, shape (nobs,)
        Level of each row.
    """
    owner = np.full(fine.max(initial=0) + 1, -1)
    owner[fine] = coarse
    return bool(np.all(owner[fine] == coarse))


@dataclass(frozen=True)
class Whitening:
    """Coefficients as location + scale times coordinates that are near standard normal.

    Attributes
    ----------
    location : ndarray, shape (coefficients,)
        Approximate posterior mean.
    scale : ndarray, shape (coefficients, coefficients)
        Upper triangular; its product with its transpose is the approximate covariance.
    """

    location: FloatArray
    scale: FloatArray


def whitening(
    location: FloatArray,
    precision: FloatArray,
    lower: FloatArray | None = None,
    upper: FloatArray | None = None,
) -> Whitening | None:
    """Return the coordinates in which coefficients are near independent.

    Parameters
    ----------
    location : ndarray, shape (coefficients,)
        Approximate posterior mean.
    precision : ndarray, shape (coefficients, coefficients)
        Approximate posterior precision.
    lower, upper : ndarray, shape (coefficients,), optional
        Bounds; location and scale are then those of Stan's unconstrained scale.

    Returns
    -------
    Whitening or None
        None if the precision is not that of a distribution: the data leave a direction open.
    """
    spread = np.sqrt(np.diagonal(precision))
    if not (np.all(np.isfinite(precision)) and np.all(spread > 0.0)):
        return None
    scaled = precision / np.outer(spread, spread)
    values = np.linalg.eigvalsh(scaled)
    if values[0] <= 1e-10 * values[-1]:
        return None
    factor = np.linalg.cholesky(scaled)
    scale = np.triu(np.linalg.inv(factor).T / spread[:, None])
    if lower is None or upper is None:
        return Whitening(location, scale)
    # At a bound itself the transform is infinite.
    margin = np.minimum(0.5 * np.linalg.norm(scale, axis=1), 0.25 * (upper - lower))
    free = to_unconstrained(np.clip(location, lower + margin, upper - margin), lower, upper)
    # Near a bound the transform is far from linear over the whole posterior.
    limit = np.where(np.isfinite(lower) | np.isfinite(upper), 1.0, np.inf)
    rows = scale / slopes_at(free, lower, upper)[:, None]
    spreads = np.linalg.norm(rows, axis=1)
    return Whitening(free, rows * np.minimum(1.0, limit / spreads)[:, None])
