"""Non-linear least squares from a starting point, with standard errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from brmspy.selfstart.projection import FloatArray

__all__ = ["LeastSquares", "least_squares"]

_TOLERANCE = 1e-14
_STEP = np.finfo(float).eps ** (1.0 / 3.0)
_ROUNDING = 1e-12  # of the response's scale: residuals below it are zero


@dataclass(frozen=True)
class LeastSquares:
    """The curve of least squares.

    Attributes
    ----------
    values : ndarray, shape (parameters,)
        The estimates.
    errors : ndarray, shape (parameters,)
        Their standard errors; infinite where the data do not say.
    residual_sd : float
        Standard deviation of the residuals.
    shifts : ndarray, shape (parameters,)
        How far each parameter must move, alone, to move the curve by one `residual_sd` (root mean
        square over rows).
    loss : float
        Sum of squared residuals.
    converged : bool
        Whether the search came to an end.
    """

    values: FloatArray
    errors: FloatArray
    residual_sd: float
    shifts: FloatArray
    loss: float
    converged: bool


def least_squares(
    curve: Callable[[FloatArray], FloatArray],
    y: FloatArray,
    start: Sequence[float] | FloatArray,
    *,
    lower: Sequence[float] | FloatArray | None = None,
    upper: Sequence[float] | FloatArray | None = None,
    weights: FloatArray | None = None,
    steps: int = 200,
) -> LeastSquares | None:
    """Find the curve of least squares near a starting point.

    Parameters
    ----------
    curve : callable
        From the parameters, shape (parameters,), to the curve at the rows, shape (nobs,).
    y : ndarray, shape (nobs,)
        The response.
    start : sequence of float
        Where to start.
    lower, upper : sequence of float, optional
        Bounds of the parameters; infinite by default.
    weights : ndarray, shape (nobs,), optional
        How much each row counts.
    steps : int
        Largest number of evaluations, those for derivatives not counted.

    Returns
    -------
    LeastSquares or None
        None if the curve is not defined at the start.
    """
    count = len(start)
    low = np.full(count, -np.inf) if lower is None else np.asarray(lower, dtype=float)
    high = np.full(count, np.inf) if upper is None else np.asarray(upper, dtype=float)
    at = _inside(np.asarray(start, dtype=float), low, high)
    root = np.ones(len(y)) if weights is None else np.sqrt(weights)
    size = max(float(np.std(y)), _ROUNDING * float(np.abs(y).max(initial=0.0)), 1e-300)
    penalty = 1e3 * size * np.sqrt(len(y))

    def residuals(theta: FloatArray) -> FloatArray:
        with np.errstate(all="ignore"):
            left = root * (curve(theta) - y)
        return np.where(np.isfinite(left), np.clip(left, -1e100, 1e100), penalty)

    def jacobian(theta: FloatArray) -> FloatArray:
        return _jacobian(residuals, theta)

    with np.errstate(all="ignore"):
        if not np.all(np.isfinite(curve(at))):
            return None
        free = bool(np.all(np.isinf(low)) and np.all(np.isinf(high)) and len(y) >= count)
        found = optimize.least_squares(
            residuals,
            at,
            jac=jacobian if free else "3-point",
            bounds=(low, high),
            method="lm" if free else "trf",
            x_scale="jac",
            ftol=_TOLERANCE,
            xtol=_TOLERANCE,
            gtol=_TOLERANCE,
            max_nfev=steps,
        )
    return _summary(residuals, found.x, len(y), size, bool(found.status > 0))


def _inside(start: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Return the start moved off the bounds."""
    width = np.where(np.isfinite(high - low), high - low, 1.0 + np.abs(start))
    margin = 1e-6 * np.where(np.isfinite(width), width, 1.0)
    margin = np.minimum(margin, np.where(start > low, np.maximum(start - low, 1e-300), margin))
    return np.clip(start, low + margin, high - np.minimum(margin, 1e-6))


def _jacobian(residuals: Callable[[FloatArray], FloatArray], theta: FloatArray) -> FloatArray:
    """Return the derivatives by central differences, shape (nobs, parameters)."""
    columns = []
    for place in range(len(theta)):
        move = np.zeros(len(theta))
        move[place] = _STEP * max(abs(theta[place]), 1e-4)
        ahead, behind = residuals(theta + move), residuals(theta - move)
        columns.append((ahead - behind) / (2.0 * move[place]))
    return np.column_stack(columns)


def _summary(
    residuals: Callable[[FloatArray], FloatArray],
    theta: FloatArray,
    rows: int,
    size: float,
    converged: bool,
) -> LeastSquares:
    """Return estimates with what their precision follows from."""
    left = residuals(theta)
    loss = float(left @ left)
    spare = max(rows - len(theta), 1)
    sd = float(np.sqrt(loss / spare))
    jacobian = _jacobian(residuals, theta)
    norm = np.linalg.norm(jacobian, axis=0)
    if not np.all(np.isfinite(norm)):
        norm = np.where(np.isfinite(norm), norm, 0.0)
        jacobian = np.where(np.isfinite(jacobian), jacobian, 0.0)
    with np.errstate(divide="ignore"):
        shifts = sd * np.sqrt(rows) / norm
    errors = np.full(len(theta), np.inf)
    if np.all(norm > 0.0):
        scaled = jacobian / norm
        values, vectors = np.linalg.eigh(scaled.T @ scaled)
        if values[0] > 1e-14 * values[-1]:
            inverse = (vectors / values) @ vectors.T
            errors = sd * np.sqrt(np.diagonal(inverse)) / norm
    if sd < _ROUNDING * size:
        sd = 0.0
    return LeastSquares(theta, errors, sd, shifts, loss, converged)
