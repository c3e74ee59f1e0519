"""Mixed models by brmspy's own estimators, where no maintained Python library has one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brmspy._version import __version__
from brmspy.formula import NonlinearPredictor
from brmspy.nonlinear import evaluate
from brmspy.twin.curves import Starts, least_squares_point
from brmspy.twin.glmm import generalized_mixed
from brmspy.twin.mixed import linear_mixed
from brmspy.twin.nlmm import nonlinear_mixed
from brmspy.twin.problem import Problem
from brmspy.twin.solution import Solution

__all__ = ["generalised", "linear", "nonlinear"]

FloatArray = NDArray[np.float64]

_SOFTWARE = f"brmspy {__version__}"


def linear(problem: Problem, reml: bool) -> Solution:
    """Fit a linear mixed model, however its groups are nested or crossed.

    Parameters
    ----------
    problem : Problem
        A linear normal model.
    reml : bool
        Whether to maximise the restricted likelihood.

    Returns
    -------
    Solution
    """
    estimate = linear_mixed(
        problem.y,
        problem.X,
        problem.blocks,
        offset=problem.offset,
        weights=problem.weights,
        replicates=True,
        reml=reml,
    )
    return Solution(
        problem,
        estimate,
        "lmm",
        f"linear mixed model by {'restricted ' if reml else ''}maximum likelihood",
        f"{_SOFTWARE} (linear_mixed)",
    )


def generalised(problem: Problem, reml: bool, nagq: int) -> Solution:
    """Fit a generalised linear mixed model.

    Parameters
    ----------
    problem : Problem
        A model that is linear on the scale of its link.
    reml : bool
        Whether the coefficients are integrated out too.
    nagq : int
        Points of adaptive quadrature for each level; 1 is Laplace's approximation.

    Returns
    -------
    Solution
    """
    estimate = generalized_mixed(
        problem.y,
        problem.X,
        problem.blocks,
        problem.family,
        trials=problem.trials,
        offset=problem.offset,
        weights=problem.weights,
        points=nagq,
        reml=reml,
    )
    how = (
        "Laplace's approximation"
        if nagq == 1
        else f"adaptive Gauss-Hermite quadrature with {nagq} points"
    )
    likelihood = "restricted maximum likelihood" if reml else "maximum likelihood"
    notes = []
    if estimate.log_likelihood_constant:
        full = estimate.log_likelihood + estimate.log_likelihood_constant
        notes.append(
            "As in lme4, the log-likelihood with quadrature leaves out that of the saturated "
            f"model; with it, it is {full:.2f}, which can be compared with other models' and "
            "Laplace's."
        )
    if reml:
        notes.append(
            "The coefficients are integrated out by Laplace's approximation, as in glmmTMB with "
            "REML = TRUE."
        )
    return Solution(
        problem,
        estimate,
        "glmm",
        f"generalised linear mixed model by {likelihood}, {how}",
        f"{_SOFTWARE} (generalized_mixed)",
        notes=tuple(notes),
    )


def nonlinear(problem: Problem, starts: Starts, reml: bool) -> Solution:
    """Fit a non-linear mixed model of a normal response.

    Parameters
    ----------
    problem : Problem
        A non-linear normal model with group-level effects.
    starts : Starts
        The same without these, and where to begin.
    reml : bool
        Whether to maximise the restricted likelihood.

    Returns
    -------
    Solution

    References
    ----------
    Lindstrom, M. J. and Bates, D. M. (1990). Nonlinear mixed effects models for repeated measures
    data. Biometrics, 46(3). https://doi.org/10.2307/2532087
    """
    begin, _ = least_squares_point(starts)
    design = problem.design
    arrays = [design.arrays.predictors[name] for name in problem.linear]
    steps = [p for p in design.terms.predictors if isinstance(p, NonlinearPredictor)]

    def curve(parameters: FloatArray) -> FloatArray:
        values = dict(zip(problem.linear, parameters.T, strict=True))
        for step in steps:
            values[step.name] = evaluate(step.body, {**design.arrays.covariates, **values})
        return np.broadcast_to(values["mu"], (problem.nobs,))

    estimate = nonlinear_mixed(
        problem.y,
        [item.X for item in arrays],
        problem.blocks,
        curve,
        begin,
        offsets=[item.offset for item in arrays],
        weights=problem.weights,
        replicates=True,
        reml=reml,
    )
    return Solution(
        problem,
        estimate,
        "nlmm",
        f"non-linear mixed model by {'restricted ' if reml else ''}maximum likelihood, Lindstrom "
        "and Bates' algorithm",
        f"{_SOFTWARE} (nonlinear_mixed)",
    )
