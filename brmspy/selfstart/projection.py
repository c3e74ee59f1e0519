"""Curves that are linear in some parameters: a search over the others alone.

For given values of the parameters that bend a curve, those that it is linear in follow from a
linear least-squares problem. A coarse grid over the few that are left then finds the right region
without any starting values; what it finds is improved by `brmspy.selfstart.leastsquares`.

References
----------
Golub, G. H. and Pereyra, V. (1973). The differentiation of pseudo-inverses and nonlinear least
squares problems whose variables separate. SIAM Journal on Numerical Analysis, 10(2).
https://doi.org/10.1137/0710036
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["FloatArray", "Projection", "projected", "thinned"]

FloatArray: TypeAlias = NDArray[np.float64]

_ROWS = 400  # more rows say nothing more about where to start
_KEPT = 5  # grid points that are worth improving


@dataclass(frozen=True)
class Projection:
    """The best curve for one point of the grid.

    Attributes
    ----------
    point : tuple of float
        Values of the parameters of the grid.
    coefficients : ndarray, shape (columns,)
        Values of those that the curve is linear in.
    loss : float
        Sum of squared residuals.
    """

    point: tuple[float, ...]
    coefficients: FloatArray
    loss: float


def thinned(x: FloatArray) -> NDArray[np.intp]:
    """Return the positions of some hundred rows that are spread evenly over the input.

    Parameters
    ----------
    x : ndarray, shape (nobs,)
        The input.

    Returns
    -------
    ndarray of int
    """
    order = np.argsort(x, kind="stable")
    if len(x) <= _ROWS:
        return order
    return order[np.linspace(0, len(x) - 1, _ROWS).round().astype(np.intp)]


def projected(
    y: FloatArray,
    columns: Callable[..., Sequence[FloatArray]],
    grid: Iterable[tuple[float, ...]],
    *,
    kept: int = _KEPT,
) -> list[Projection]:
    """Return the grid's points at which the curve is nearest to the data, the nearest first.

    Parameters
    ----------
    y : ndarray, shape (nobs,)
        The response.
    columns : callable
        From a point of the grid, given as separate arguments, to the columns that the curve is a
        linear combination of.
    grid : iterable of tuple of float
        The points.
    kept : int
        How many to return at most.

    Returns
    -------
    list of Projection
    """
    found: list[Projection] = []
    for point in grid:
        with np.errstate(all="ignore"):
            matrix = np.column_stack([np.broadcast_to(c, y.shape) for c in columns(*point)])
        scale = np.linalg.norm(matrix, axis=0)
        if not np.all(np.isfinite(scale)) or not np.all(scale > 0.0):
            continue
        solution, _, rank, _ = np.linalg.lstsq(matrix / scale, y, rcond=1e-9)
        if rank < matrix.shape[1]:
            continue
        coefficients = solution / scale
        residuals = y - matrix @ coefficients
        found.append(Projection(point, coefficients, float(residuals @ residuals)))
    return sorted(found, key=lambda item: item.loss)[:kept]
