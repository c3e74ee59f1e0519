"""R's B-spline basis, ``splines::bs``."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.interpolate import BSpline

from brmspy.data.functions import EvaluationError, as_column, numbers
from brmspy.data.transforms import StatefulTransform
from brmspy.errors import DataWarning, warn

__all__ = ["BSplineBasis"]


class BSplineBasis(StatefulTransform):
    """The basis that R's ``bs()`` gives: quantile knots, first column dropped.

    The knots are those of the data it is first called with. Beyond the boundary knots the end
    polynomials go on, as in R, with a warning.

    References
    ----------
    de Boor, C. (1978). A Practical Guide to Splines. Springer.
    """

    def __init__(self) -> None:
        self._knots: npt.NDArray[np.float64] | None = None

    def __call__(
        self,
        x: Any,
        df: Any = None,
        knots: Any = None,
        degree: Any = 3,
        intercept: Any = False,
        Boundary_knots: Any = None,
    ) -> npt.NDArray[np.float64]:
        """Return the columns of the basis."""
        values = as_column(x, "bs()")
        order = int(degree) + 1
        if self._knots is None:
            inner_count = None if df is None else int(df) - order + (0 if intercept else 1)
            self._knots = _all_knots(values, inner_count, knots, order, Boundary_knots)
        if values.min() < self._knots[0] or values.max() > self._knots[-1]:
            warn(
                f"bs(): some values are outside the boundary knots ({self._knots[0]:g}, "
                f"{self._knots[-1]:g}); the spline is extrapolated there and may be far off.",
                DataWarning,
            )
        size = len(self._knots) - order
        basis = BSpline(self._knots, np.eye(size), order - 1, extrapolate=True)(values)
        columns: npt.NDArray[np.float64] = basis if intercept else basis[:, 1:]
        return columns


def _all_knots(
    x: npt.NDArray[np.float64], inner_count: int | None, knots: Any, order: int, boundary: Any
) -> npt.NDArray[np.float64]:
    """Return inner knots with the boundary knots repeated `order` times at each end."""
    if order < 2:
        raise EvaluationError("bs(degree=) must be at least 1")
    low, high = (x.min(), x.max()) if boundary is None else np.sort(numbers(boundary, "bs()"))
    if not low < high:
        raise EvaluationError("bs() needs values that differ")
    if knots is not None:
        inner = np.sort(np.atleast_1d(numbers(knots, "bs()")))
    elif inner_count is None:
        inner = np.empty(0)
    elif inner_count < 0:
        raise EvaluationError(
            f"bs(df=) is too small: a spline of degree {order - 1} needs at least "
            f"{-inner_count} more"
        )
    else:
        inside = x[(x >= low) & (x <= high)]
        inner = np.quantile(inside, np.linspace(0, 1, inner_count + 2)[1:-1])
    if inner.size and not (inner[0] > low and inner[-1] < high):
        raise EvaluationError("bs(): the knots must be inside the boundary knots")
    return np.concatenate([np.repeat(low, order), inner, np.repeat(high, order)])
