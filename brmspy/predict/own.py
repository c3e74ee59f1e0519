"""What the rows of each level say about its effects by themselves, without the other levels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.data import Design
from brmspy.families import Family
from brmspy.predict.density import log_density
from brmspy.program import group_members

__all__ = ["own_effects"]

FloatArray = NDArray[np.float64]
Likelihood = Callable[[FloatArray], FloatArray]
"""From effects (try, level, coef) to log likelihoods (try, level)."""

_STEPS = 100
_DIFFERENCE = 1e-3  # between points whose likelihoods are compared, in the units of the scale
_RESCALINGS = 4
_CONVERGED = 1e-5
_LEAST_INFORMATION = 1e-5  # of a level's rows, compared with those of a typical level


def own_effects(
    design: Design,
    family: Family,
    response: NDArray[Any],
    point: Mapping[str, FloatArray],
    group: str,
) -> FloatArray:
    """Return the effects of each level that fit its own rows best.

    The likelihood of a level's rows is maximised over its effects, while everything else stays
    where it is. For ``y ~ 1 + (1 | g)`` these are the means of the groups, less the intercept; for
    ``y ~ x + (x | g)`` intercept and slope of a regression in each group. What the model estimates
    instead lies between them and zero.

    Parameters
    ----------
    design : Design
        The design of the model.
    family : Family
        Its family.
    response : ndarray, shape (obs,)
        The response, coded by the family.
    point : mapping of str to ndarray
        A value of every parameter, by variable: ``b``, ``sd_<group>``, ``r_<group>`` and so on.
    group : str
        The grouping factor.

    Returns
    -------
    ndarray, shape (level, coef)
        In the order of ``r_<group>``; NaN for levels whose rows do not determine all effects, or
        would let one grow without end (a group with no or only successes).
    """
    block = group_members(design.groups)[group][0][0]
    level, count = design.arrays.groups[block].index, len(design.groups[block].levels)
    start = point[f"r_{group}"]

    def likelihood(effects: FloatArray) -> FloatArray:
        """Sum the log density over the rows of each level."""
        draws = {name: np.broadcast_to(v, (len(effects), *v.shape)) for name, v in point.items()}
        draws[f"r_{group}"] = effects
        rows = log_density(design, family, response, draws, design.arrays)
        return np.stack([np.bincount(level, row, count) for row in rows])

    scale = _scale(likelihood, start, point[f"sd_{group}"].reshape(-1))
    best, information = _maximise(_scaled(likelihood, scale), start / scale)
    known = information > _LEAST_INFORMATION
    return np.where(known[:, None], best * scale, np.nan)


def _scale(likelihood: Likelihood, start: FloatArray, guess: FloatArray) -> FloatArray:
    """Return how far a typical level must move for its likelihood to change by about one.

    For each coefficient. The standard deviation of the effects says nothing of it if it is near 0.
    """
    scale = np.maximum(guess, 1e-6 * (1.0 + np.abs(start).max()))
    for _ in range(_RESCALINGS):
        curvature = _derivatives(_scaled(likelihood, scale), start / scale)[2]
        information = -np.diagonal(curvature, axis1=1, axis2=2)
        scale = scale / np.sqrt([_typical(column) for column in information.T])
    return scale


def _scaled(likelihood: Likelihood, scale: FloatArray) -> Likelihood:
    """Return the likelihood of effects in units of a scale."""
    return lambda z: likelihood(z * scale)


def _typical(values: FloatArray) -> float:
    """Return the median of the positive values, within what can be computed with."""
    known = values[np.isfinite(values) & (values > 0)]
    return float(np.clip(np.median(known), 1e-8, 1e8)) if known.size else 1.0


def _maximise(likelihood: Likelihood, start: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Maximise a function of each level's effects by damped Newton steps, all levels at once.

    Returns the maxima (level, coef), and the least eigenvalue of the information there; NaN where
    the steps did not come to rest.
    """
    best = start.copy()
    damping = np.full(len(best), 1e-6)
    resting = np.zeros(len(best), dtype=bool)
    information = np.full(len(best), np.nan)
    identity = np.eye(best.shape[1])
    for _ in range(_STEPS):
        value, slope, curvature = _derivatives(likelihood, best)
        usable = np.isfinite(curvature).all(axis=(1, 2)) & np.isfinite(slope).all(axis=1)
        curvature[~usable], slope[~usable] = -identity, 0.0
        eigenvalues, vectors = np.linalg.eigh(-curvature)
        information = np.where(usable, eigenvalues[:, 0], np.nan)
        steep = np.maximum(np.abs(eigenvalues), 1e-8) + damping[:, None]
        along = np.einsum("lij,li->lj", vectors, slope) / steep
        step = np.einsum("lij,lj->li", vectors, along)
        length = np.linalg.norm(step, axis=1)
        after = likelihood((best + step)[None])[0]
        better = after >= value - 1e-9 * np.abs(value)
        best[better] += step[better]
        damping = np.where(better, 0.1 * damping, 10.0 * np.maximum(damping, 1e-6))
        resting = length < _CONVERGED
        if (resting | ~usable).all():
            break
    return best, np.where(resting, information, np.nan)


def _derivatives(
    likelihood: Likelihood, at: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return value (level,), gradient (level, coef) and Hessian, by central differences."""
    coefs = at.shape[1]
    h = _DIFFERENCE
    units = h * np.eye(coefs)
    moves: dict[tuple[int, int, int], FloatArray] = {(0, 0, 0): np.zeros(coefs)}
    for i in range(coefs):
        moves[i, i, 1], moves[i, i, -1] = units[i], -units[i]
        for j in range(i):
            for sign in (1, -1):
                moves[i, j, sign] = sign * (units[i] + units[j])
    values = likelihood(np.stack([at + move for move in moves.values()]))
    found: Mapping[tuple[int, int, int], FloatArray] = dict(zip(moves, values, strict=True))
    middle = found[0, 0, 0]
    slope, curvature = np.empty(at.shape), np.empty((*at.shape, coefs))
    for i in range(coefs):
        slope[:, i] = (found[i, i, 1] - found[i, i, -1]) / (2 * h)
        curvature[:, i, i] = (found[i, i, 1] - 2 * middle + found[i, i, -1]) / h**2
    for i in range(coefs):
        for j in range(i):
            both = (found[i, j, 1] - 2 * middle + found[i, j, -1]) / h**2
            mixed = 0.5 * (both - curvature[:, i, i] - curvature[:, j, j])
            curvature[:, i, j] = curvature[:, j, i] = mixed
    return middle, slope, curvature
