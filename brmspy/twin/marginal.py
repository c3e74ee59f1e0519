"""Marginal models by statsmodels' generalised estimating equations."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from brmspy.errors import BrmspyError
from brmspy.twin.estimate import MixedEstimate
from brmspy.twin.libraries import library, version_of
from brmspy.twin.pooled import glm_family, is_generalised
from brmspy.twin.problem import Problem
from brmspy.twin.solution import Solution

__all__ = ["clusters", "estimating_equations"]

FloatArray = NDArray[np.float64]

_MOST_ROWS = 500_000


def clusters(problem: Problem) -> tuple[str, NDArray[np.intp]]:
    """Return the grouping factor whose levels are independent of each other.

    Parameters
    ----------
    problem : Problem
        The model.

    Returns
    -------
    str
        The coarsest of its factors.
    ndarray of int, shape (nobs,)
        Each row's level.

    Raises
    ------
    BrmspyError
        If there is no factor, or factors are crossed.
    """
    design = problem.design
    if not design.groups:
        raise BrmspyError(
            "method='gee' needs a grouping factor, within whose levels rows are correlated: "
            "a term such as (1 | group)."
        )
    place = min(range(len(design.groups)), key=lambda i: len(design.groups[i].levels))
    coarsest = design.arrays.groups[place].index
    for info, arrays in zip(design.groups, design.arrays.groups, strict=True):
        pairs = np.unique(np.column_stack([arrays.index, coarsest]), axis=0)
        if len(pairs) > len(np.unique(arrays.index)):
            raise BrmspyError(
                "method='gee' knows one grouping factor, or factors that are nested, but "
                f"{info.group} and {design.groups[place].group} are crossed: no levels are "
                "independent of each other. Leave one of them out of the formula."
            )
    return design.groups[place].group, coarsest


def estimating_equations(problem: Problem) -> Solution:
    """Fit a marginal model: rows within a level are equally correlated.

    Standard errors are robust ones, which stay valid where rows are correlated in another way.
    Where there are trials each of them is a row, so that the correlation is that of two trials.

    Parameters
    ----------
    problem : Problem
        A model that is linear on the scale of its link.

    Returns
    -------
    Solution
        Of the problem without group-level effects.
    """
    if problem.nonlinear or problem.distributional or problem.fixed:
        raise BrmspyError("method='gee' is for models with one linear formula, that of the mean.")
    if not is_generalised(problem.family):
        raise BrmspyError(
            f"method='gee' does not know the family {problem.family}. It knows gaussian, "
            "bernoulli, binomial and poisson, with the links of statsmodels."
        )
    group, index = clusters(problem)
    rows, y = _rows(problem)
    models = library("statsmodels.genmod.generalized_estimating_equations", "method='gee'")
    structures = library("statsmodels.genmod.cov_struct", "method='gee'")
    order = np.argsort(index[rows], kind="stable")
    rows, y = rows[order], y[order]
    model = models.GEE(
        y,
        problem.X[rows],
        groups=index[rows],
        family=glm_family(problem.family),
        cov_struct=structures.Exchangeable(),
        offset=problem.offset[rows] if problem.has_offset else None,
        weights=None if problem.weights is None else problem.weights[rows],
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = model.fit(maxiter=200, ctol=1e-10)
    converged = bool(found.converged)
    message = "" if converged else "; ".join(dict.fromkeys(str(item.message) for item in caught))
    correlation = float(found.cov_struct.dep_params)
    scale = float(found.scale) if problem.family.name == "gaussian" else None
    estimate = MixedEstimate(
        coefficients=np.asarray(found.params),
        covariance=np.asarray(found.cov_params()),
        covariances=(),
        scale=None if scale is None else float(np.sqrt(scale)),
        modes=(),
        mode_sds=(),
        log_likelihood=np.nan,
        fitted=np.empty(0),
        reml=False,
        method="generalised estimating equations",
        converged=converged,
        message=message,
        singular=False,
        parameters=problem.size,
    )
    return Solution(
        problem.pooled(),
        estimate,
        "gee",
        f"generalised estimating equations, exchangeable within {group}, robust errors",
        f"{version_of('statsmodels')} (GEE)",
        None,
        {f"working correlation within {group}": correlation},
        (_reading(problem),),
    )


def _reading(problem: Problem) -> str:
    """Say what marginal coefficients are."""
    text = "Coefficients are those of the average over all groups, without group-level effects."
    if problem.family.link.name != "identity":
        text += (
            f" On the {problem.family.link.name} scale they differ from those of a typical group, "
            "which a multilevel model estimates."
        )
    return text


def _rows(problem: Problem) -> tuple[NDArray[np.intp], FloatArray]:
    """Return the row of the data that each observation is from, and the observation."""
    if problem.trials is None:
        return np.arange(problem.nobs), problem.y
    trials = problem.trials.astype(np.intp)
    if trials.sum() > _MOST_ROWS:
        raise BrmspyError(
            f"method='gee' makes a row of each trial, but there are {trials.sum()}. Use another "
            "method."
        )
    rows = np.repeat(np.arange(problem.nobs), trials)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(trials) - trials, trials)
    return rows, (within < problem.y[rows]).astype(np.float64)
