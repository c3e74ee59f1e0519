"""Stan's unconstrained scale: the transforms of bounded parameters and correlations.

References
----------
Stan Reference Manual, version 2.35, chapter "Constraint Transforms".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from brmspy.program.parameters import StanParameter

__all__ = ["constrain", "from_unconstrained", "slopes_at", "to_unconstrained", "unconstrain"]

FloatArray = NDArray[np.float64]

_EDGE = 1e-9  # how close to a bound a value may be, as a share of the interval


def unconstrain(parameter: StanParameter, value: FloatArray) -> FloatArray:
    """Return the values that Stan moves in.

    Parameters
    ----------
    parameter : StanParameter
        The block.
    value : ndarray
        Its value, in the shape that it has in Stan.

    Returns
    -------
    ndarray, shape (n,)
        In Stan's order, which goes down columns.
    """
    if parameter.type == "cholesky_factor_corr":
        return _partial_correlations(value)
    flat = np.ravel(np.asarray(value, dtype=float), order="F")
    return to_unconstrained(flat, *_bounds(parameter, len(flat)))


def constrain(parameter: StanParameter, free: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return the block's value; the inverse of `unconstrain`.

    Parameters
    ----------
    parameter : StanParameter
        The block.
    free : ndarray, shape (n,)
        Values on Stan's unconstrained scale.
    shape : tuple of int
        Shape of the block in Stan.

    Returns
    -------
    ndarray
    """
    if parameter.type == "cholesky_factor_corr":
        return _correlation_factor(free, shape[0])
    values = from_unconstrained(free, *_bounds(parameter, len(free)))
    return values.reshape(shape, order="F")


def to_unconstrained(values: FloatArray, lower: FloatArray, upper: FloatArray) -> FloatArray:
    """Return values between bounds on a scale that has none.

    Parameters
    ----------
    values, lower, upper : ndarray, shape (n,)
        Bounds may be infinite.

    Returns
    -------
    ndarray, shape (n,)
    """
    both = np.isfinite(lower) & np.isfinite(upper)
    with np.errstate(all="ignore"):
        share = np.clip((values - lower) / (upper - lower), _EDGE, 1.0 - _EDGE)
        above = np.log(np.maximum(values - lower, np.finfo(float).tiny))
        below = np.log(np.maximum(upper - values, np.finfo(float).tiny))
        inside = special.logit(np.where(both, share, 0.5))
    one_sided = np.where(np.isfinite(lower), above, np.where(np.isfinite(upper), below, values))
    return np.where(both, inside, one_sided)


def from_unconstrained(free: FloatArray, lower: FloatArray, upper: FloatArray) -> FloatArray:
    """Return values between bounds; the inverse of `to_unconstrained`.

    Parameters
    ----------
    free, lower, upper : ndarray, shape (n,)
        Bounds may be infinite.

    Returns
    -------
    ndarray, shape (n,)
    """
    both = np.isfinite(lower) & np.isfinite(upper)
    with np.errstate(all="ignore"):
        inside = lower + (upper - lower) * special.expit(free)
        one_sided = np.where(
            np.isfinite(lower),
            lower + np.exp(free),
            np.where(np.isfinite(upper), upper - np.exp(free), free),
        )
    return np.where(both, inside, one_sided)


def _bounds(parameter: StanParameter, count: int) -> tuple[FloatArray, FloatArray]:
    """Return the bounds of the elements that are sampled."""
    if not parameter.bounds:
        return np.full(count, -np.inf), np.full(count, np.inf)
    free = [e for e in parameter.elements if e.distribution != "constant"]
    return np.array([e.lower for e in free]), np.array([e.upper for e in free])


def _correlation_factor(free: FloatArray, size: int) -> FloatArray:
    """Return the Cholesky factor of a correlation matrix from canonical partial correlations."""
    factor = np.zeros((size, size))
    factor[0, 0] = 1.0
    partial = np.tanh(free)
    position = 0
    for i in range(1, size):
        left = 1.0
        for j in range(i):
            factor[i, j] = partial[position] * np.sqrt(left)
            left -= factor[i, j] ** 2
            position += 1
        factor[i, i] = np.sqrt(max(left, 0.0))
    return factor


def _partial_correlations(factor: FloatArray) -> FloatArray:
    """Return canonical partial correlations, on the scale of their inverse hyperbolic tangent."""
    free = []
    for i in range(1, len(factor)):
        left = 1.0
        for j in range(i):
            share = factor[i, j] / np.sqrt(max(left, np.finfo(float).tiny))
            free.append(np.arctanh(np.clip(share, -1.0 + _EDGE, 1.0 - _EDGE)))
            left -= factor[i, j] ** 2
    return np.array(free)


def slopes_at(free: FloatArray, lower: FloatArray, upper: FloatArray) -> FloatArray:
    """Return the derivatives of `from_unconstrained`, by differences.

    Parameters
    ----------
    free, lower, upper : ndarray, shape (n,)
        Bounds may be infinite.

    Returns
    -------
    ndarray, shape (n,)
    """
    step = 1e-3
    ahead, behind = (from_unconstrained(free + move, lower, upper) for move in (step, -step))
    return (ahead - behind) / (2.0 * step)
