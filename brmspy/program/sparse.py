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

    def stan_data(self, letter: str, suffix: str) -> dict[str, Any]:
        """Return the parts as Stan's functions of compressed rows take them, one-based.

        Parameters
        ----------
        letter, suffix : str
            What their names start with and end in.
        """
        return {
            f"{letter}n{suffix}": len(self.values),
            f"{letter}w{suffix}": self.values,
            f"{letter}v{suffix}": self.columns + 1,
            f"{letter}u{suffix}": self.starts + 1,
        }

    def times(self, draws: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the product with each draw.

        Parameters
        ----------
        draws : ndarray, shape (chain, draw, columns)

        Returns
        -------
        ndarray, shape (chain, draw, rows)
        """
        product = (self.matrix @ draws.reshape(-1, draws.shape[-1]).T).T
        return np.asarray(product.reshape(*draws.shape[:2], -1))


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
