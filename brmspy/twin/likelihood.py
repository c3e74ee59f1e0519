"""Any model without group-level effects by maximum likelihood, from the family's own density.

This is for what has no function of its own in a library: Student's t, negative binomial counts,
formulas for ``sigma`` or ``shape``, links of brms only, and non-linear means of counts.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy
import scipy.linalg
from numpy.typing import NDArray

from brmspy.formula import LinearPredictor
from brmspy.twin.estimate import MixedEstimate
from brmspy.twin.optimum import delta_covariance, minimise
from brmspy.twin.problem import Problem
from brmspy.twin.solution import Solution

__all__ = ["maximum_likelihood"]

FloatArray = NDArray[np.float64]

_START_OF = {"nu": 10.0, "shape": 2.0}
_LIMITS = {"nu": "the normal distribution", "shape": "the Poisson distribution"}
_ENDLESS = 1e4
_LEAST = 0.1  # of the mean: where counts of zero are put on a logarithmic scale
_PENALTY = 1e10


def maximum_likelihood(problem: Problem, start: FloatArray | None = None) -> Solution:
    """Maximise the likelihood of a model without group-level effects.

    Parameters
    ----------
    problem : Problem
        The model.
    start : ndarray, shape (size,), optional
        Coefficients to start from; needed by non-linear models.

    Returns
    -------
    Solution
    """
    scalars = problem.scalars
    centre = np.concatenate([_coefficients(problem) if start is None else start, _scalars(problem)])
    spread = _spread(problem)

    def point(z: FloatArray) -> dict[str, FloatArray]:
        theta = centre + spread @ z
        values = {
            name: problem.family.dpar(name).link.inverse(theta[problem.size + i])[None]
            for i, name in enumerate(scalars)
        }
        return problem.draws(theta[None, : problem.size], values)

    def deviance(z: FloatArray) -> float:
        with np.errstate(all="ignore"):
            value = float(-2.0 * problem.log_density(point(z)).sum())
        return value if np.isfinite(value) else _PENALTY

    size = len(centre)
    found = minimise(deviance, [np.zeros(size)], np.full(size, -np.inf))
    theta = centre + spread @ found.x
    covariance = found.covariance
    message = found.message
    if covariance is None:
        covariance = np.full((size, size), np.nan)
        message = message or "the curvature at the optimum is not positive definite"
    covariance = spread @ covariance @ spread.T

    def logs(values: FloatArray) -> FloatArray:
        links = [problem.family.dpar(name).link for name in scalars]
        return np.array(
            [
                np.log(link.inverse(value))
                for link, value in zip(links, values[problem.size :], strict=True)
            ]
        )

    best = {name: float(np.exp(value)) for name, value in zip(scalars, logs(theta), strict=True)}
    endless = [name for name, value in best.items() if name in _LIMITS and value > _ENDLESS]
    if endless:
        message = f"{endless[0]} grows without end, towards {_LIMITS[endless[0]]}"
    # What describes the spread comes first, the other parameters after it.
    order = [name for name in scalars if name == "sigma"]
    order += [name for name in scalars if name != "sigma"]
    places = [scalars.index(name) for name in order]
    of_logs = delta_covariance(logs, theta, covariance) if scalars else None
    estimate = MixedEstimate(
        coefficients=theta[: problem.size],
        covariance=covariance[: problem.size, : problem.size],
        covariances=(),
        scale=best.pop("sigma", None),
        modes=(),
        mode_sds=(),
        log_likelihood=-0.5 * found.value,
        fitted=np.empty(0),
        reml=False,
        method="numerical maximisation of the likelihood",
        converged=not message,
        message=f"There is no clear maximum: {message}." if message else "",
        singular=False,
        parameters=size,
        family_parameters=best,
        spreads=logs(theta)[places] if scalars else np.empty(0),
        spreads_covariance=None if of_logs is None else of_logs[np.ix_(places, places)],
    )
    return Solution(
        problem,
        estimate,
        "ml",
        "maximum likelihood",
        f"SciPy {scipy.__version__} (L-BFGS-B and Newton's method)",
    )


def _coefficients(problem: Problem) -> FloatArray:
    """Return where to look for the coefficients: least squares on the scale of the link."""
    return np.concatenate([np.empty(0), *_starts(problem)])


def _starts(problem: Problem) -> Iterator[FloatArray]:
    """Yield where each predictor starts."""
    arrays = problem.design.arrays
    for name, _ in problem.coefficients:
        X = arrays.predictors[name].X
        offset = arrays.predictors[name].offset
        target = np.full(problem.nobs, _scalar_start(problem, name)) if name != "mu" else None
        if target is None:
            target = problem.family.link.forward(_inside(problem))
        shifted = target - (0.0 if offset is None else offset)
        yield np.asarray(np.linalg.lstsq(X, shifted, rcond=None)[0], dtype=np.float64)


def _inside(problem: Problem) -> FloatArray:
    """Return the response moved into the range of the mean, where its link is finite."""
    y, link = problem.y, problem.family.link
    if np.isfinite(link.upper):
        trials = np.ones(problem.nobs) if problem.trials is None else problem.trials
        return (y + 0.5) / (trials + 1.0)
    if np.isfinite(link.lower):
        return np.maximum(y, link.lower + _LEAST * max(float(np.abs(y).mean()), 1e-6))
    if link.name == "inverse":
        return np.where(y == 0.0, 0.1, y)
    return y


def _scalar_start(problem: Problem, name: str) -> float:
    """Return where a distributional parameter starts, on its link's scale."""
    value = _START_OF.get(name, 1.0)
    if name == "sigma":
        value = max(float(problem.y.std()), 1e-6)
        linear = [p.name for p in problem.design.terms.predictors if isinstance(p, LinearPredictor)]
        if "mu" in linear and problem.family.link.name == "identity":
            X, y = problem.X, problem.y - problem.offset
            value = max(float((y - X @ np.linalg.lstsq(X, y, rcond=None)[0]).std()), 1e-3 * value)
    return float(problem.family.dpar(name).link.forward(value))


def _scalars(problem: Problem) -> FloatArray:
    """Return where the distributional parameters start that are one number each."""
    return np.array([_scalar_start(problem, name) for name in problem.scalars])


def _spread(problem: Problem) -> FloatArray:
    """Return coordinates in which a step of one changes the predictors by about their size."""
    blocks = []
    for name, _ in problem.coefficients:
        X = problem.design.arrays.predictors[name].X
        size = 1.0
        if name not in problem.family.dpar_names[1:] and problem.family.link.name == "identity":
            size = max(float(problem.y.std()), 1e-12)
        triangle = np.linalg.qr(X, mode="r")
        blocks.append(size * np.sqrt(problem.nobs) * np.linalg.inv(triangle))
    return np.asarray(scipy.linalg.block_diag(*blocks, np.eye(len(problem.scalars))))
