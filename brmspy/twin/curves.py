"""Non-linear least squares by SciPy, and where non-linear models start from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from numbers import Real

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy import optimize

from brmspy.errors import BrmspyError, did_you_mean
from brmspy.selfstart import random_guesses
from brmspy.twin.pooled import normal_estimate
from brmspy.twin.problem import Problem
from brmspy.twin.solution import Solution

__all__ = ["Starts", "derivatives", "least_squares_point", "mean_curve", "nonlinear_least_squares"]

FloatArray = NDArray[np.float64]
Curve = Callable[[FloatArray], FloatArray]

_STEP = np.finfo(float).eps ** (1.0 / 3.0)
_TOLERANCE = 1e-14
_WILD = 1e8  # condition of scaled derivatives beyond which parameters are not told apart


class Starts:
    """Where the coefficients of a non-linear model start from.

    Parameters
    ----------
    problem : Problem
        The model, without group-level effects.
    given : mapping of str to float, optional
        The user's values of non-linear parameters (``"Asym"``) or of coefficients
        (``"b_Asym_Intercept"``).
    guesses : mapping of str to float, optional
        What is known of non-linear parameters.
    point : ndarray, shape (size,), optional
        Coefficients that are a good start, such as posterior means.

    Raises
    ------
    BrmspyError
        If a value is given for what is no parameter.
    """

    def __init__(
        self,
        problem: Problem,
        given: Mapping[str, float] | None = None,
        guesses: Mapping[str, float] | None = None,
        point: FloatArray | None = None,
    ) -> None:
        self.problem = problem
        self.given = dict(given or {})
        self.guesses = dict(guesses or {})
        self.point = point
        self._check()

    def __iter__(self) -> Iterator[FloatArray]:
        """Yield coefficients to start from, the most promising first."""
        names = [name for name, _ in self.problem.coefficients]
        if self.point is not None:
            yield self._with_given(self.point)
        nlpars = self.guesses | {name: value for name, value in self.given.items() if name in names}
        if set(names) <= set(nlpars):
            yield self.coefficients(nlpars)
        elif self.given and all(name in self.given for name in self.problem.coefficient_names):
            yield self._with_given(np.zeros(self.problem.size))
        curve = mean_curve(self.problem)
        target = self.problem.family.link.forward(self.problem.y)
        target = np.where(np.isfinite(target), target, 0.0)
        drawn = random_guesses(
            lambda values: curve(self.coefficients(dict(zip(names, values, strict=True)))),
            names,
            target,
            inputs=self.problem.design.arrays.covariates,
        )
        for values in drawn:
            yield self.coefficients(dict(values) | nlpars)

    def coefficients(self, values: Mapping[str, float]) -> FloatArray:
        """Return the coefficients at which non-linear parameters have these values in all rows."""
        parts = []
        for name, _ in self.problem.coefficients:
            arrays = self.problem.design.arrays.predictors[name]
            target = np.full(self.problem.nobs, float(values[name]))
            if arrays.offset is not None:
                target = target - arrays.offset
            parts.append(np.linalg.lstsq(arrays.X, target, rcond=None)[0])
        return self._with_given(np.concatenate(parts))

    def _with_given(self, coefficients: FloatArray) -> FloatArray:
        """Return coefficients with those replaced that the user gave."""
        changed = np.array(coefficients, dtype=float)
        for place, name in enumerate(self.problem.coefficient_names):
            changed[place] = self.given.get(name, changed[place])
        return changed

    def _check(self) -> None:
        """Refuse names of what there is not."""
        valid = [name for name, _ in self.problem.coefficients] + self.problem.coefficient_names
        for name, value in self.given.items():
            if name not in valid:
                raise BrmspyError(
                    f"start has a value for {name!r}, which is no parameter of this model. "
                    f"{did_you_mean(str(name), valid)}"
                )
            real = isinstance(value, Real) and not isinstance(value, bool)
            if not real or not np.isfinite(value):
                raise BrmspyError(f"start: {name!r} must be a finite number, not {value!r}.")


def mean_curve(problem: Problem) -> Curve:
    """Return the mean's predictor as a function of the coefficients.

    Parameters
    ----------
    problem : Problem
        A model without group-level effects.

    Returns
    -------
    callable
        From coefficients, shape (point, size) or (size,), to shape (point, nobs) or (nobs,).
    """

    def curve(coefficients: FloatArray) -> FloatArray:
        points = np.atleast_2d(coefficients)
        with np.errstate(all="ignore"):
            values = problem.predictors(problem.draws(points))["mu"]
        return values if coefficients.ndim == 2 else values[0]

    return curve


def derivatives(curve: Curve, at: FloatArray) -> FloatArray:
    """Return the derivatives of a curve by central differences, shape (nobs, size)."""
    steps = _STEP * np.maximum(np.abs(at), 1e-4)
    ahead, behind = curve(at + np.diag(steps)), curve(at - np.diag(steps))
    return ((ahead - behind) / (2.0 * steps)[:, None]).T


def least_squares_point(starts: Starts) -> tuple[FloatArray, bool]:
    """Return the coefficients of least squares, and whether the search came to an end.

    Parameters
    ----------
    starts : Starts
        Where to begin. What the user, the posterior or the curve's self-start say is followed to
        the end first; other points are tried where that leads nowhere.

    Raises
    ------
    BrmspyError
        If the curve is not defined at any start.
    """
    problem = starts.problem
    curve = mean_curve(problem)
    root = np.sqrt(np.ones(problem.nobs) if problem.weights is None else problem.weights)
    penalty = 1e3 * max(float(problem.y.std()), 1e-12)

    def residuals(coefficients: FloatArray) -> FloatArray:
        left = root * (curve(coefficients) - problem.y)
        return np.where(np.isfinite(left), np.clip(left, -1e100, 1e100), penalty)

    def jacobian(coefficients: FloatArray) -> FloatArray:
        found = root[:, None] * derivatives(curve, coefficients)
        return np.where(np.isfinite(found), found, 0.0)

    best: tuple[float, FloatArray, bool] | None = None
    trusted = starts.point is not None or bool(starts.given) or bool(starts.guesses)
    for number, start in enumerate(starts):
        if not np.all(np.isfinite(curve(start))):
            continue
        found = optimize.least_squares(
            residuals,
            start,
            jac=jacobian,
            method="lm" if problem.nobs >= problem.size else "trf",
            x_scale="jac" if problem.nobs >= problem.size else 1.0,
            ftol=_TOLERANCE,
            xtol=_TOLERANCE,
            gtol=_TOLERANCE,
            max_nfev=500,
        )
        if best is None or found.cost < best[0] * (1.0 - 1e-9):
            best = (float(found.cost), found.x, bool(found.status > 0))
        if trusted and number == 0 and best[2]:
            break
    if best is None:
        raise BrmspyError(
            "The curve is not defined at any of the starting values that were tried. Give some: "
            f"start={{{', '.join(f'{name!r}: ...' for name, _ in problem.coefficients)}}}."
        )
    return best[1], best[2]


def nonlinear_least_squares(starts: Starts) -> Solution:
    """Fit a normal non-linear model without group-level effects by least squares.

    Parameters
    ----------
    starts : Starts
        The model, and where to begin.

    Returns
    -------
    Solution

    Raises
    ------
    BrmspyError
        If there are too few rows, or the data do not tell the coefficients apart.
    """
    problem = starts.problem
    df = problem.total_weight - problem.size
    if df <= 0:
        raise BrmspyError(
            f"{problem.nobs} rows do not determine {problem.size} coefficients and a residual "
            "standard deviation."
        )
    best, converged = least_squares_point(starts)
    curve = mean_curve(problem)
    weights = np.ones(problem.nobs) if problem.weights is None else problem.weights
    squares = float(weights @ np.square(problem.y - curve(best)))
    jacobian = np.sqrt(weights)[:, None] * derivatives(curve, best)
    sizes = np.linalg.norm(jacobian, axis=0)
    if not np.all(sizes > 0.0) or np.linalg.cond(jacobian / sizes) > _WILD:
        raise BrmspyError(
            "The data do not tell the coefficients apart: where the squares are least, the "
            f"derivatives with respect to {', '.join(problem.coefficient_names)} depend on each "
            "other. Leave parameters out, or give other starting values: start={...}."
        )
    inverse = np.linalg.inv((jacobian / sizes).T @ (jacobian / sizes)) / np.outer(sizes, sizes)
    estimate = normal_estimate(problem, best, inverse * squares / df, squares, df)
    if not converged:
        estimate = replace(
            estimate,
            converged=False,
            message="The search for the least squares did not come to an end.",
        )
    return Solution(
        problem,
        estimate,
        "nls",
        "non-linear least squares",
        f"SciPy {scipy.__version__} (least_squares)",
        df,
        {"residual degrees of freedom": df},
    )
