"""The sparse model matrix of group-level effects in compressed rows, as Stan reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["CompressedRows", "compressed_rows"]


@dataclass(frozen=True)
class CompressedRows:
    """A sparse matrix: values, zero-based columns, and where each row starts."""

    shape: tuple[int, int]
    values: NDArray[np.float64]
    columns: NDArray[np.intp]
    starts: NDArray[np.intp]

    @property
    def matrix(self) -> Any:
        """The same as a sparse array of SciPy."""
        return sparse.csr_array((self.values, self.columns, self.starts), shape=self.shape)


def compressed_rows(matrix: Any) -> CompressedRows:
    """Return a sparse matrix in compressed rows, columns in order, without zeros.

    Parameters
    ----------
    matrix : sparse array
        Any format.
    """
    rows = sparse.csr_array(matrix, copy=True)
    rows.sum_duplicates()
    rows.eliminate_zeros()
    return CompressedRows(
        shape=(int(rows.shape[0]), int(rows.shape[1])),
        values=rows.data,
        columns=np.asarray(rows.indices, dtype=np.intp),
        starts=np.asarray(rows.indptr, dtype=np.intp),
    )
