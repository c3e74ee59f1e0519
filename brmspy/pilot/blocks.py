"""Sparse matrices with small square blocks on the diagonal, one for each level of a factor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["block_diagonal", "diagonal_blocks"]

FloatArray = NDArray[np.float64]


def diagonal_blocks(matrix: Any, size: int) -> FloatArray:
    """Return the blocks on the diagonal of a sparse matrix.

    Parameters
    ----------
    matrix : sparse array, shape (levels * size, levels * size)
    size : int
        Number of rows of a block.

    Returns
    -------
    ndarray, shape (levels, size, size)
    """
    part = sparse.csr_array(matrix)
    levels = part.shape[0] // size
    blocks = np.zeros((levels, size, size))
    for i in range(size):
        for j in range(size):
            rows, columns = np.arange(levels) * size + i, np.arange(levels) * size + j
            blocks[:, i, j] = np.asarray(part[rows, columns]).ravel()
    return blocks


def block_diagonal(blocks: FloatArray) -> Any:
    """Return the sparse matrix with these blocks on its diagonal.

    Parameters
    ----------
    blocks : ndarray, shape (levels, size, size)

    Returns
    -------
    sparse array, shape (levels * size, levels * size)
    """
    levels, size, _ = blocks.shape
    starts = np.arange(levels)[:, None, None] * size
    rows = np.broadcast_to(starts + np.arange(size)[:, None], blocks.shape)
    columns = np.broadcast_to(starts + np.arange(size)[None, :], blocks.shape)
    entries = (blocks.ravel(), (rows.ravel(), columns.ravel()))
    return sparse.csr_array(entries, shape=(levels * size, levels * size))
