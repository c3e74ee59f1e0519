"""Minima of smooth functions of a few numbers, with their curvature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

__all__ = ["Optimum", "curvature", "delta_covariance", "descend", "minimise"]

FloatArray = NDArray[np.float64]
Objective = Callable[[FloatArray], float]

_GRADIENT_STEP = 1e-4
_CURVATURE_STEP = 1e-2
_SE_STEP = 0.05  # of the final differences, in units of each parameter's conditional sd
_ZERO = 1e-4  # a bounded parameter that is closer to its bound is tried at the bound
_NEWTON = 4
_REFUSED = 1e10  # what is added where the objective is not defined
_DECREMENT = 1e-3  # expected decrease that still counts as being at the minimum


@dataclass(frozen=True)
class Optimum:
    """A minimum.

    Attributes
    ----------
    x : ndarray, shape (k,)
        Where it is.
    value : float
        The objective there.
    hessian : ndarray, shape (k, k)
        Second derivatives, NaN for parameters on their bound.
    free : ndarray of bool, shape (k,)
        Which parameters are not on their bound.
    message : str
        Why it may be no minimum; empty if it is one.
    """

    x: FloatArray
    value: float
    hessian: FloatArray
    free: NDArray[np.bool_]
    message: str

    @property
    def covariance(self) -> FloatArray | None:
        """Inverse of half the second derivatives, zero for what is on its bound.

        That is the covariance of parameters of which the objective is the deviance; None if the
        second derivatives are not positive definite.
        """
        inside = np.ix_(self.free, self.free)
        covariance = np.zeros_like(self.hessian)
        try:
            np.linalg.cholesky(self.hessian[inside])
        except np.linalg.LinAlgError:
            return None
        covariance[inside] = 2.0 * np.linalg.inv(self.hessian[inside])
        return covariance


def minimise(objective: Objective, starts: Sequence[FloatArray], lower: FloatArray) -> Optimum:
    """Return the lowest of the minima that are reached from several points.

    Quasi-Newton steps, then Newton's own with curvature by differences. The objective must be
    smooth across the bounds, as a deviance is across standard deviations of zero.

    Parameters
    ----------
    objective : callable
        Function of a vector of shape (k,).
    starts : sequence of ndarray, shape (k,)
        Where to begin.
    lower : ndarray, shape (k,)
        Lower bounds, minus infinity for none.

    Returns
    -------
    Optimum
    """
    x, value = descend(objective, starts, lower)
    message = ""
    for _ in range(_NEWTON):
        free = (x > lower) | (_gradient(objective, x) < -1e-6)
        hessian = curvature(objective, x, free)
        step, decrease = _newton_step(objective, x, hessian, free)
        if step is None:
            message = (
                "the deviance does not rise in all directions at the optimum: the data may not "
                "determine all parameters"
            )
            break
        candidate = np.maximum(x + step, lower)
        new = _defined(objective, candidate)
        improved = new < value
        if improved:
            x, value = candidate, new
        if decrease < 1e-7 or not improved:
            break
    if not message and decrease > _DECREMENT:
        message = f"the deviance could still fall by about {decrease:.2g}"
    return Optimum(x, value, hessian, free, message)


def descend(
    objective: Objective, starts: Sequence[FloatArray], lower: FloatArray
) -> tuple[FloatArray, float]:
    """Return the lowest point that quasi-Newton steps reach from several points.

    Parameters
    ----------
    objective : callable
        Function of a vector of shape (k,).
    starts : sequence of ndarray, shape (k,)
        Where to begin.
    lower : ndarray, shape (k,)
        Lower bounds, minus infinity for none.

    Returns
    -------
    tuple of ndarray and float
        The point, on the bounds that it is next to, and the objective there.
    """
    if not len(lower):
        return np.empty(0), objective(np.empty(0))
    search: Any = optimize.minimize
    bounds = optimize.Bounds(lower, np.full(len(lower), np.inf))
    results: list[Any] = [
        search(
            lambda x: _defined(objective, x),
            start,
            jac=lambda x: _gradient(objective, x),
            method="L-BFGS-B",
            bounds=bounds,
            options={"ftol": 1e-13, "gtol": 1e-6, "maxiter": 500},
        )
        for start in starts
    ]
    best = min(results, key=lambda result: result.fun)
    return _snapped(objective, np.asarray(best.x), float(best.fun), lower)


def curvature(objective: Objective, x: FloatArray, free: NDArray[np.bool_]) -> FloatArray:
    """Return the second derivatives at `x`, NaN where a parameter is not free.

    Parameters
    ----------
    objective : callable
        Function of a vector of shape (k,).
    x : ndarray, shape (k,)
        Where.
    free : ndarray of bool, shape (k,)
        Parameters to move.

    Returns
    -------
    ndarray, shape (k, k)
    """
    centre = objective(x)
    steps = _CURVATURE_STEP * np.maximum(np.abs(x), 1.0)
    moves = [int(i) for i in np.flatnonzero(free)]
    for i in moves:
        bend = _second(objective, x, centre, i, steps[i])
        if np.isfinite(bend) and bend > 0.0:
            steps[i] = np.clip(_SE_STEP * np.sqrt(2.0 / bend), 1e-4 * steps[i], 10.0 * steps[i])
    hessian = np.full((len(x), len(x)), np.nan)
    for i in moves:
        hessian[i, i] = _second(objective, x, centre, i, steps[i])
        for j in moves[: moves.index(i)]:
            hessian[i, j] = hessian[j, i] = _mixed(objective, x, i, j, steps)
    return hessian


def delta_covariance(
    function: Callable[[FloatArray], FloatArray], x: FloatArray, covariance: FloatArray | None
) -> FloatArray | None:
    """Return the covariance of a function of parameters by the delta method.

    Parameters
    ----------
    function : callable
        From a vector of shape (k,) to one of shape (s,).
    x : ndarray, shape (k,)
        The parameters.
    covariance : ndarray, shape (k, k), or None
        Their covariance; rows of zeros for parameters that are not free.

    Returns
    -------
    ndarray, shape (s, s), or None
        NaN where the function depends on parameters that are not free, or is not finite; None if
        there is no covariance.
    """
    if covariance is None:
        return None
    if not len(x):
        return np.zeros((len(function(x)),) * 2)
    fixed = np.diagonal(covariance) == 0.0
    columns = []
    for i in range(len(x)):
        step = _GRADIENT_STEP * max(abs(x[i]), 1e-3)
        with np.errstate(invalid="ignore"):
            change = function(_moved(x, i, step)) - function(_moved(x, i, -step))
        columns.append(change / (2.0 * step))
    jacobian = np.column_stack(columns)
    unknown = ~np.isfinite(function(x)) | ~np.isfinite(jacobian).all(axis=1)
    unknown |= np.any(jacobian[:, fixed] != 0.0, axis=1)
    result = np.nan_to_num(jacobian) @ covariance @ np.nan_to_num(jacobian).T
    result[unknown], result[:, unknown] = np.nan, np.nan
    return result


def _snapped(
    objective: Objective, x: FloatArray, value: float, lower: FloatArray
) -> tuple[FloatArray, float]:
    """Return the point with parameters next to their bound put on it, where that is no worse."""
    for i in np.flatnonzero(x - lower < 10.0 * _ZERO):
        candidate = x.copy()
        candidate[i] = lower[i]
        new = _defined(objective, candidate)
        if new <= value + 1e-6:
            x, value = candidate, new
    return x, value


def _newton_step(
    objective: Objective, x: FloatArray, hessian: FloatArray, free: NDArray[np.bool_]
) -> tuple[FloatArray | None, float]:
    """Return Newton's step, and how much the objective should fall by it."""
    inside = np.ix_(free, free)
    gradient = _gradient(objective, x)[free]
    step = np.zeros_like(x)
    try:
        np.linalg.cholesky(hessian[inside])
    except np.linalg.LinAlgError:
        return None, np.inf
    step[free] = -np.linalg.solve(hessian[inside], gradient)
    return step, float(-0.5 * gradient @ step[free])


def _defined(objective: Objective, x: FloatArray) -> float:
    """Return the objective, or something large where it is not defined."""
    value = objective(x)
    return value if np.isfinite(value) else _REFUSED


def _gradient(objective: Objective, x: FloatArray) -> FloatArray:
    """Return first derivatives by central differences."""
    gradient = np.empty(len(x))
    for i in range(len(x)):
        step = _GRADIENT_STEP * max(abs(x[i]), 1.0)
        gradient[i] = (
            _defined(objective, _moved(x, i, step)) - _defined(objective, _moved(x, i, -step))
        ) / (2.0 * step)
    return gradient


def _second(objective: Objective, x: FloatArray, centre: float, i: int, step: float) -> float:
    """Return a second derivative by central differences."""
    ahead, behind = objective(_moved(x, i, step)), objective(_moved(x, i, -step))
    return (ahead - 2.0 * centre + behind) / step**2


def _mixed(objective: Objective, x: FloatArray, i: int, j: int, steps: FloatArray) -> float:
    """Return a mixed second derivative by central differences."""
    corners = [
        sign * other * objective(_moved(_moved(x, i, sign * steps[i]), j, other * steps[j]))
        for sign in (1.0, -1.0)
        for other in (1.0, -1.0)
    ]
    return float(sum(corners)) / (4.0 * steps[i] * steps[j])


def _moved(x: FloatArray, i: int, step: float) -> FloatArray:
    """Return `x` with one element moved."""
    moved = x.copy()
    moved[i] += step
    return moved
