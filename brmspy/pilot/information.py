"""What the data hold about each level of a grouping factor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from brmspy.pilot.blocks import block_diagonal, diagonal_blocks
from brmspy.pilot.layout import Layout

__all__ = ["information_alone", "level_information"]

FloatArray = NDArray[np.float64]

_HARDLY = 25.0  # how many times its estimate a variance may be


def level_information(
    hessian: Any, layout: Layout, covariances: Sequence[FloatArray]
) -> list[FloatArray]:
    """Return each level's information, averaged over the blocks that have more levels.

    Blocks are eliminated in turn, the one with the most levels first, which leaves their Schur
    complement; a factor that others are nested in keeps what these let through.

    Parameters
    ----------
    hessian : sparse array, shape (size, size)
        Information of the data about theta.
    layout : Layout
        Where the blocks stand.
    covariances : sequence of ndarray, shape (coefs, coefs)
        Covariance of each block's effects.

    Returns
    -------
    list of ndarray, shape (levels, coefs, coefs)
    """
    count = len(layout.shapes)
    own = [
        diagonal_blocks(_square(hessian, layout.effects[k]), layout.shapes[k][1])
        for k in range(count)
    ]
    order = sorted(range(count), key=lambda k: -layout.shapes[k][0])
    cross = {
        (k, f): sparse.csr_array(hessian[layout.effects[k], :][:, layout.effects[f]])
        for k in range(count)
        for f in range(count)
        if k != f
    }
    for position, finest in enumerate(order):
        prior = np.linalg.inv(covariances[finest])
        inverse = block_diagonal(np.linalg.inv(own[finest] + prior))
        rest = order[position + 1 :]
        for k in rest:
            scaled = cross[k, finest] @ inverse
            own[k] = own[k] - _row_products(scaled, cross[k, finest], layout.shapes[k])
            for other in rest:
                # Where the finer factor is crossed with both, the product would be dense.
                if other != k and _nested(cross[k, finest], layout.shapes[k]):
                    cross[k, other] = cross[k, other] - scaled @ cross[other, finest].T
    return own


def information_alone(
    hessian: Any,
    layout: Layout,
    covariances: Sequence[FloatArray],
    factors: Sequence[NDArray[np.intp]],
) -> list[FloatArray]:
    """Return each level's information when its effects in other blocks are hardly known.

    Two effects of one level, such as two parameters of its growth curve, can stand for each other;
    which one varies is then uncertain, and the data say less about each than they seem to.

    Parameters
    ----------
    hessian : sparse array, shape (size, size)
        Information of the data about theta.
    layout : Layout
        Where the blocks stand.
    covariances : sequence of ndarray, shape (coefs, coefs)
        Covariance of each block's effects.
    factors : sequence of ndarray of int, shape (nobs,)
        Level of each row, for each block.

    Returns
    -------
    list of ndarray, shape (levels, coefs, coefs)
    """
    count = len(layout.shapes)
    own = [
        diagonal_blocks(_square(hessian, layout.effects[k]), layout.shapes[k][1])
        for k in range(count)
    ]
    alone = [part.copy() for part in own]
    for k in range(count):
        for twin in range(count):
            if twin == k or not np.array_equal(factors[k], factors[twin]):
                continue
            hardly = np.linalg.inv(covariances[twin]) / _HARDLY
            inverse = block_diagonal(np.linalg.inv(own[twin] + hardly))
            cross = sparse.csr_array(hessian[layout.effects[k], :][:, layout.effects[twin]])
            alone[k] -= _row_products(cross @ inverse, cross, layout.shapes[k])
    return alone


def _square(matrix: Any, where: slice) -> Any:
    """Return the part of a matrix that belongs to one block."""
    return matrix[where, :][:, where]


def _row_products(left: Any, right: Any, shape: tuple[int, int]) -> FloatArray:
    """Return left right' for the rows of each level, shape (levels, coefs, coefs)."""
    levels, size = shape
    blocks = np.zeros((levels, size, size))
    for i in range(size):
        for j in range(size):
            product = left[i::size, :].multiply(right[j::size, :])
            blocks[:, i, j] = np.asarray(product.sum(axis=1)).ravel()
    return blocks


def _nested(cross: Any, shape: tuple[int, int]) -> bool:
    """Whether each effect of the finer block meets one level of the coarser."""
    coarse = sparse.csc_array(cross)
    levels = coarse.indices // shape[1]
    columns = np.repeat(np.arange(coarse.shape[1]), np.diff(coarse.indptr))
    first = np.full(coarse.shape[1], -1)
    first[columns] = levels
    return bool(np.all(first[columns] == levels))
