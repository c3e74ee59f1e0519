"""Linear mixed models with one grouping factor by statsmodels' MixedLM."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.errors import BrmspyError
from brmspy.twin.estimate import MixedEstimate
from brmspy.twin.libraries import library, version_of
from brmspy.twin.optimum import curvature
from brmspy.twin.problem import Problem
from brmspy.twin.solution import Solution

__all__ = ["BoundaryError", "mixed_linear_model", "why_not_mixedlm"]

FloatArray = NDArray[np.float64]

_SMALL = 1e-3  # of the residual sd: an effect's sd that is as good as zero
_ALMOST_ONE = 0.999
_BOUNDARY = (
    "method='mixedlm' has come to the boundary, a standard deviation of zero or a correlation of "
    "one, where it is not exact. Use method='lmm'."
)


class BoundaryError(BrmspyError):
    """A variance is practically zero or a correlation one, where MixedLM is not exact."""


def why_not_mixedlm(problem: Problem) -> str:
    """Return why MixedLM cannot fit a model; empty if it can.

    Parameters
    ----------
    problem : Problem
        A linear normal model with group-level effects.
    """
    groups = problem.design.groups
    if len(groups) > 1:
        return "MixedLM is used for one term of group-level effects, but there are several"
    if len(groups[0].coefs) > 1 and not groups[0].correlated:
        return "MixedLM estimates correlations, which '||' leaves out"
    if problem.weights is not None:
        return "MixedLM knows no weights"
    if not problem.size:
        return "MixedLM needs a population-level coefficient"
    return ""


def mixed_linear_model(problem: Problem, reml: bool) -> Solution:
    """Fit a linear mixed model with one grouping factor.

    Parameters
    ----------
    problem : Problem
        A model without `why_not_mixedlm`.
    reml : bool
        Whether to maximise the restricted likelihood.

    Returns
    -------
    Solution

    Raises
    ------
    BoundaryError
        If a variance is practically zero or a correlation one.
    """
    reason = why_not_mixedlm(problem)
    if reason:
        raise BrmspyError(f"method='mixedlm' cannot fit this model: {reason}. Use method='lmm'.")
    models = library("statsmodels.regression.mixed_linear_model", "method='mixedlm'")
    block = problem.blocks[0]
    # MixedLM starts from variances of one; on this scale they are near one.
    unit = float(problem.y.std()) or 1.0
    sizes = np.sqrt(np.mean(np.square(block.Z), axis=0))
    y = (problem.y - problem.offset) / unit
    model = models.MixedLM(y, problem.X, groups=block.index, exog_re=block.Z / sizes)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = model.fit(reml=reml, method=["bfgs", "lbfgs", "cg"], gtol=1e-6)
        except (ValueError, np.linalg.LinAlgError) as error:
            raise BoundaryError(_BOUNDARY) from error
    relative = np.asarray(found.cov_re) / found.scale
    scale = float(np.sqrt(found.scale)) * unit
    covariance = np.asarray(found.cov_re) * unit**2 / np.outer(sizes, sizes)
    coefficients = np.asarray(found.fe_params) * unit
    sds = np.sqrt(np.diagonal(covariance))
    count = len(sds)
    correlations = covariance / np.outer(sds, sds) if np.all(sds > 0.0) else np.ones((count,) * 2)
    beyond = np.abs(correlations[np.tril_indices(count, -1)])
    if np.any(np.sqrt(np.diagonal(relative)) < _SMALL) or np.any(beyond > _ALMOST_ONE):
        raise BoundaryError(_BOUNDARY)
    spreads = np.concatenate(
        [np.log(np.maximum(sds, 1e-300)), _z_of(correlations), [np.log(scale)]]
    )
    # Rescaling the response changes its density.
    rows = problem.nobs - (problem.size if reml else 0)
    message = "" if found.converged else "; ".join(str(item.message) for item in caught)
    estimate = MixedEstimate(
        coefficients=coefficients,
        covariance=np.asarray(found.cov_params())[: problem.size, : problem.size] * unit**2,
        covariances=(covariance,),
        scale=scale,
        modes=(_by_level(found.random_effects, block.levels) * unit / sizes,),
        mode_sds=(_mode_sds(found.random_effects_cov, block.levels) * unit / sizes,),
        log_likelihood=float(found.llf) - rows * float(np.log(unit)),
        fitted=np.empty(0),
        reml=reml,
        method="REML" if reml else "ML",
        converged=bool(found.converged),
        message=message,
        singular=False,
        parameters=problem.size + len(spreads),
        spreads=spreads,
        spreads_covariance=_spreads_covariance(model, spreads, sizes, unit),
    )
    return Solution(
        problem,
        estimate,
        "mixedlm",
        f"linear mixed model by {'restricted ' if reml else ''}maximum likelihood",
        f"{version_of('statsmodels')} (MixedLM)",
    )


def _z_of(correlations: FloatArray) -> FloatArray:
    """Return Fisher's z of the correlations of (1, 0), (2, 0), (2, 1) ..."""
    with np.errstate(divide="ignore"):
        return np.arctanh(correlations[np.tril_indices(len(correlations), -1)])


def _by_level(effects: Any, levels: int) -> FloatArray:
    """Return the effects of statsmodels' mapping as an array (level, coef)."""
    return np.stack([np.asarray(effects[level], dtype=float) for level in range(levels)])


def _mode_sds(covariances: Any, levels: int) -> FloatArray:
    """Return standard deviations of the effects, shape (level, coef)."""
    matrices = [np.asarray(covariances[level], dtype=float) for level in range(levels)]
    return np.sqrt(np.maximum([np.diagonal(matrix) for matrix in matrices], 0.0))


def _spreads_covariance(
    model: Any, spreads: FloatArray, sizes: FloatArray, unit: float
) -> FloatArray | None:
    """Return the covariance of logs of standard deviations and z of correlations.

    statsmodels' likelihood has the residual variance at its best for given relative covariances;
    what another residual variance costs is added.
    """
    models = library("statsmodels.regression.mixed_linear_model", "method='mixedlm'")
    count = len(sizes)
    rows = len(model.endog) - (model.k_fe if model.reml else 0)
    lower = np.tril_indices(count, -1)

    def deviance(values: FloatArray) -> float:
        sds = np.exp(values[:count]) * sizes / unit
        variance = float(np.exp(2.0 * values[-1])) / unit**2
        correlations = np.eye(count)
        correlations[lower] = np.tanh(values[count:-1])
        correlations = correlations + correlations.T - np.eye(count)
        relative = correlations * np.outer(sds, sds) / variance
        point = models.MixedLMParams.from_components(
            fe_params=np.zeros(model.k_fe), cov_re=relative, vcomp=np.empty(0)
        )
        fixed, _ = model.get_fe_params(relative, np.empty(0))
        best = float(model.get_scale(fixed, relative, np.empty(0)))
        extra = rows * (np.log(variance / best) + best / variance - 1.0)
        return float(-2.0 * model.loglike(point, profile_fe=True) + extra)

    try:
        hessian = curvature(deviance, spreads, np.ones(len(spreads), dtype=bool))
        np.linalg.cholesky(hessian)
    except np.linalg.LinAlgError:
        return None
    return np.asarray(2.0 * np.linalg.inv(hessian), dtype=np.float64)
