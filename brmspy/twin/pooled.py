"""Models without group-level effects by statsmodels: least squares, and generalised linear models.

A row's weight says how often it counts, as in brms, where it multiplies the row's log-likelihood.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.errors import BrmspyError
from brmspy.families import Family
from brmspy.twin.estimate import MixedEstimate
from brmspy.twin.libraries import library, version_of
from brmspy.twin.problem import Problem
from brmspy.twin.solution import Solution

__all__ = ["GLM_LINKS", "glm", "glm_family", "glm_response", "is_generalised", "least_squares_fit"]

FloatArray = NDArray[np.float64]

GLM_LINKS = {
    "identity": "Identity",
    "log": "Log",
    "inverse": "InversePower",
    "sqrt": "Sqrt",
    "logit": "Logit",
    "probit": "Probit",
    "cloglog": "CLogLog",
    "cauchit": "Cauchy",
}
"""Links of brmspy that statsmodels has, by its name of them."""

_FAMILIES = {
    "gaussian": "Gaussian",
    "binomial": "Binomial",
    "bernoulli": "Binomial",
    "poisson": "Poisson",
}


def is_generalised(family: Family) -> bool:
    """Say whether statsmodels has a family with its link as a generalised linear model."""
    return family.name in _FAMILIES and family.link.name in GLM_LINKS


def least_squares_fit(problem: Problem) -> Solution:
    """Fit a linear model by least squares, statsmodels' OLS.

    Parameters
    ----------
    problem : Problem
        A linear normal model without group-level effects.

    Returns
    -------
    Solution
    """
    models = library("statsmodels.regression.linear_model", "Least squares")
    weights = np.ones(problem.nobs) if problem.weights is None else problem.weights
    y = problem.y - problem.offset
    kind = "WLS" if problem.weights is not None else "OLS"
    model = models.WLS(y, problem.X, weights=weights) if kind == "WLS" else models.OLS(y, problem.X)
    found = model.fit()
    squares = float(weights @ np.square(y - problem.X @ found.params))
    df = problem.total_weight - problem.size
    if df <= 0:
        raise BrmspyError(
            f"{problem.nobs} rows do not determine {problem.size} coefficients and a residual "
            "standard deviation."
        )
    variance = squares / df
    covariance = np.asarray(found.normalized_cov_params) * variance
    return Solution(
        problem,
        normal_estimate(problem, np.asarray(found.params), covariance, squares, df),
        "ols",
        "linear model by least squares",
        f"{version_of('statsmodels')} ({kind})",
        df,
        {"residual degrees of freedom": df},
    )


def normal_estimate(
    problem: Problem, coefficients: FloatArray, covariance: FloatArray, squares: float, df: float
) -> MixedEstimate:
    """Return the estimate of a normal model without group-level effects.

    Parameters
    ----------
    problem : Problem
        The model.
    coefficients, covariance : ndarray
        The coefficients and their covariance.
    squares : float
        Weighted sum of the squared residuals.
    df : float
        Residual degrees of freedom.

    Returns
    -------
    MixedEstimate
        With the likelihood at its maximum, whose residual variance is not corrected for the degrees
        of freedom, as in R's ``logLik()``.
    """
    n = problem.total_weight
    likelihood = -0.5 * n * (np.log(2.0 * np.pi * squares / n) + 1.0)
    scale = float(np.sqrt(squares / df))
    return MixedEstimate(
        coefficients=coefficients,
        covariance=covariance,
        covariances=(),
        scale=scale,
        modes=(),
        mode_sds=(),
        log_likelihood=float(likelihood),
        fitted=np.empty(0),
        reml=False,
        method="least squares",
        converged=True,
        message="",
        singular=False,
        parameters=len(coefficients) + 1,
        spreads=np.array([np.log(scale)]),
        spreads_covariance=np.array([[0.5 / df]]),
    )


def glm_family(family: Family) -> Any:
    """Return statsmodels' record of a family."""
    families = library("statsmodels.genmod.families", "A generalised linear model")
    link = getattr(families.links, GLM_LINKS[family.link.name])()
    return getattr(families, _FAMILIES[family.name])(link=link)


def glm_response(problem: Problem) -> FloatArray:
    """Return the response as statsmodels takes it: successes and failures of trials."""
    if problem.trials is None:
        return problem.y
    return np.column_stack([problem.y, problem.trials - problem.y])


def glm(problem: Problem) -> Solution:
    """Fit a generalised linear model, statsmodels' GLM.

    Parameters
    ----------
    problem : Problem
        A model of `is_generalised` families, linear and without group-level effects.

    Returns
    -------
    Solution
    """
    models = library("statsmodels.genmod.generalized_linear_model", "A generalised linear model")
    model = models.GLM(
        glm_response(problem),
        problem.X,
        family=glm_family(problem.family),
        offset=problem.offset if problem.has_offset else None,
        freq_weights=problem.weights,
    )
    found = model.fit(tol=1e-12, maxiter=200)
    normal = problem.family.name == "gaussian"
    details = {
        "deviance": float(found.deviance),
        "residual degrees of freedom": problem.total_weight - problem.size,
    }
    if normal:
        squares = float(found.deviance)
        df = details["residual degrees of freedom"]
        covariance = np.asarray(found.cov_params())
        estimate = normal_estimate(problem, np.asarray(found.params), covariance, squares, df)
    else:
        estimate = MixedEstimate(
            coefficients=np.asarray(found.params),
            covariance=np.asarray(found.cov_params()),
            covariances=(),
            scale=None,
            modes=(),
            mode_sds=(),
            log_likelihood=float(found.llf),
            fitted=np.empty(0),
            reml=False,
            method="iteratively reweighted least squares",
            converged=bool(found.converged),
            message="" if found.converged else "The iterations did not converge.",
            singular=False,
            parameters=problem.size,
        )
    return Solution(
        problem,
        estimate,
        "glm",
        "generalised linear model by maximum likelihood",
        f"{version_of('statsmodels')} (GLM)",
        details["residual degrees of freedom"] if normal else None,
        details,
    )
