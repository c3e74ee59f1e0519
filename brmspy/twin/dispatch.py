"""Which method and library estimate a model, and the call that does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.errors import BrmspyError, check_choice
from brmspy.families import Family
from brmspy.fit.naming import posterior_variables
from brmspy.formula import Formula
from brmspy.model import build
from brmspy.priors import Prior
from brmspy.twin import own
from brmspy.twin.boosting import boosted, why_not_gpboost
from brmspy.twin.curves import Starts, least_squares_point, nonlinear_least_squares
from brmspy.twin.likelihood import maximum_likelihood
from brmspy.twin.marginal import estimating_equations
from brmspy.twin.mixedlm import BoundaryError, mixed_linear_model, why_not_mixedlm
from brmspy.twin.pooled import glm, is_generalised, least_squares_fit
from brmspy.twin.problem import Problem
from brmspy.twin.result import FrequentistFit
from brmspy.twin.solution import Solution

__all__ = ["Request", "frequentist", "solve"]

FloatArray = NDArray[np.float64]

_METHODS = (
    "auto",
    "ols",
    "glm",
    "ml",
    "mixedlm",
    "lmm",
    "glmm",
    "gpboost",
    "gee",
    "nls",
    "nlmm",
)
_MOST_POINTS = 100


@dataclass(frozen=True)
class Request:
    """How a model is to be estimated.

    Attributes
    ----------
    method : str
        One of the methods, or ``"auto"``.
    reml : bool or None
        Whether the likelihood is to be restricted; None for what is usual.
    nagq : int
        Points of quadrature.
    given : mapping of str to float
        The user's starting values.
    guesses : mapping of str to float
        What is known of non-linear parameters.
    point : ndarray or None
        Coefficients that are a good start.
    """

    method: str = "auto"
    reml: bool | None = None
    nagq: int = 1
    given: Mapping[str, float] | None = None
    guesses: Mapping[str, float] | None = None
    point: FloatArray | None = None

    def __post_init__(self) -> None:
        check_choice("method", self.method, _METHODS)
        if self.reml is not None and not isinstance(self.reml, bool):
            raise BrmspyError(f"reml = {self.reml!r} is not valid. It is True, False or None.")
        whole = isinstance(self.nagq, int | np.integer) and not isinstance(self.nagq, bool)
        if not whole or not 1 <= self.nagq <= _MOST_POINTS:
            raise BrmspyError(
                f"nagq = {self.nagq!r} is not valid. It is a whole number from 1, which is "
                f"Laplace's approximation, to {_MOST_POINTS}."
            )
        if self.given is not None and not isinstance(self.given, Mapping):
            raise BrmspyError(
                "start must be a mapping, such as {'Asym': 100}, not "
                f"{type(self.given).__name__!r}."
            )


def frequentist(
    formula: str | Formula,
    data: Any,
    family: str | Family | Any = "gaussian",
    *,
    method: str = "auto",
    reml: bool | None = None,
    nagq: int = 1,
    start: Mapping[str, float] | None = None,
    contrasts: Mapping[str, Any] | None = None,
    prior: Prior | list[Prior] | None = None,
) -> FrequentistFit:
    """Fit the maximum-likelihood counterpart of a model, from the same formula.

    Parameters are called as in `brmspy.brm`, so that the tables of both line up. It does not
    sample, and needs neither Stan nor a compiler.

    Parameters
    ----------
    formula : str or Formula
        The formula, as for `brmspy.brm`.
    data : DataFrame
        The data.
    family : str or Family
        The response's family.
    method : str
        By default what lme4, nlme, ``glm``, ``lm`` or ``nls`` would do. Else one of

        - ``"ols"``: least squares, statsmodels' OLS;
        - ``"glm"``: generalised linear models, statsmodels' GLM;
        - ``"ml"``: anything without group-level effects, SciPy on the family's own density:
          Student's t, negative binomial counts, formulas for ``sigma``;
        - ``"mixedlm"``: linear mixed models with one grouping factor, statsmodels' MixedLM;
        - ``"lmm"``, ``"glmm"``, ``"nlmm"``: linear, generalised linear and non-linear mixed models,
          nested, crossed, with slopes, by brmspy's own estimators;
        - ``"gpboost"``: generalised linear mixed models with intercepts that vary, gpboost;
        - ``"gee"``: the marginal model, rows equally correlated within a group, statsmodels' GEE;
        - ``"nls"``: non-linear least squares, SciPy.
    reml : bool, optional
        Whether to maximise the restricted likelihood. By default for linear mixed models, as in
        lme4; for generalised ones it is that of glmmTMB.
    nagq : int
        Points of adaptive Gauss-Hermite quadrature, for generalised linear mixed models with one
        intercept or slope that varies; 1 is Laplace's approximation.
    start : mapping of str to float, optional
        Starting values of non-linear models, by parameter (``{"Asym": 100}``) or coefficient
        (``{"b_Asym_Intercept": 100}``). Named curves find their own.
    contrasts : mapping of str to str or array_like, optional
        How factors are coded, as for `brmspy.brm`: ``{"f": "sum"}``.
    prior : Prior or list of Prior, optional
        Ignored, as the result says: for calls that were written for `brmspy.brm`.

    Returns
    -------
    FrequentistFit

    Raises
    ------
    BrmspyError
        If the model has no such counterpart, or a library is missing:
        ``pip install "brmspy[frequentist]"``.
    FormulaError, DataError
        If formula or data are not valid.

    See Also
    --------
    compare_frequentist : A Bayesian fit and its counterpart side by side.

    Examples
    --------
    >>> from brmspy import frequentist, load_dataset
    >>> found = frequentist("Reaction ~ Days + (Days | Subject)", load_dataset("sleepstudy"))
    >>> found.table["Estimate"].round(2)
    b_Intercept                     251.41
    b_Days                           10.47
    sd_Subject__Intercept            24.74
    sd_Subject__Days                  5.92
    cor_Subject__Intercept__Days      0.07
    sigma                            25.59
    Name: Estimate, dtype: float64
    """
    request = Request(method, reml, nagq, start)
    model = build(formula, data, family, contrasts=contrasts)
    guesses = {name: guess.value for name, guess in model.guesses.items()}
    problem = Problem.of(model, posterior_variables(model.design, model.program))
    solution = solve(problem, replace(request, guesses=guesses))
    notes = ("Priors are ignored.",) if prior is not None else ()
    return FrequentistFit.of(solution, notes)


def solve(problem: Problem, request: Request) -> Solution:
    """Estimate the parameters of a problem.

    Parameters
    ----------
    problem : Problem
        The model.
    request : Request
        How.

    Returns
    -------
    Solution

    Raises
    ------
    BrmspyError
        If the method is not for such models, or the model has no counterpart.
    """
    _check_columns(problem)
    method = _automatic(problem) if request.method == "auto" else request.method
    refusal = _REFUSALS[method](problem)
    if refusal:
        usual = _automatic(problem)
        raise BrmspyError(
            f"method={method!r} cannot fit {problem.formula.splitlines()[0]!r}: {refusal}. "
            f"Leave method out, which takes {usual!r}."
        )
    _check_options(method, problem, request)
    reml = _MIXED_NORMAL.get(method, False) if request.reml is None else request.reml
    if method == "mixedlm":
        return _statsmodels_or_own(problem, reml, request.method == "auto")
    if method == "lmm":
        return own.linear(problem, reml)
    if method == "glmm":
        return own.generalised(problem, reml, request.nagq)
    if method in ("nls", "nlmm") or (method == "ml" and problem.nonlinear):
        starts = Starts(problem.pooled(), request.given, request.guesses, request.point)
        if method == "nls":
            return nonlinear_least_squares(starts)
        if method == "ml":
            return maximum_likelihood(problem, least_squares_point(starts)[0])
        return own.nonlinear(problem, starts, reml)
    return _SIMPLE[method](problem)


def _statsmodels_or_own(problem: Problem, reml: bool, either: bool) -> Solution:
    """Return what MixedLM finds, or our own estimator where that is not exact."""
    try:
        solution = mixed_linear_model(problem, reml)
    except BoundaryError:
        if not either:
            raise
        return own.linear(problem, reml)
    return solution if solution.estimate.converged or not either else own.linear(problem, reml)


def _automatic(problem: Problem) -> str:
    """Return the method that gives the numbers of R's usual functions.

    Raises
    ------
    BrmspyError
        If there is none.
    """
    grouped = bool(problem.design.groups)
    if not grouped:
        if problem.distributional or problem.fixed:
            return "ml"
        if problem.nonlinear:
            return "nls" if problem.linear_normal else "ml"
        if problem.linear_normal:
            return "ols"
        return "glm" if is_generalised(problem.family) else "ml"
    _check_counterpart(problem)
    if problem.nonlinear:
        return "nlmm"
    if not problem.linear_normal:
        return "glmm"
    return "lmm" if why_not_mixedlm(problem) else "mixedlm"


def _check_counterpart(problem: Problem) -> None:
    """Refuse models with group-level effects that no estimator knows."""
    why = ""
    if problem.distributional:
        why = (
            f"a formula for {' and '.join(problem.distributional)} together with group-level "
            "effects"
        )
    elif problem.fixed:
        why = f"a fixed value of {' and '.join(problem.fixed)} together with group-level effects"
    elif problem.nonlinear and not problem.linear_normal:
        why = (
            f"a non-linear formula for a {problem.family.name} response together with group-level "
            "effects"
        )
    elif problem.family.name == "student":
        why = "Student's t distribution together with group-level effects"
    if why:
        raise BrmspyError(
            f"This model has no frequentist counterpart here, because of {why}. Compare it with a "
            "simpler model: frequentist() takes a formula without them, and "
            "fit.compare_frequentist() what it returns."
        )


def _check_columns(problem: Problem) -> None:
    """Refuse columns that depend on each other, which only a prior can tell apart."""
    for name, variable in problem.coefficients:
        X = problem.design.arrays.predictors[name].X
        lengths = np.linalg.norm(X, axis=0)
        scaled = X / np.where(lengths > 0.0, lengths, 1.0)
        left = np.abs(np.diagonal(np.linalg.qr(scaled, mode="r")))
        left = np.append(left, np.zeros(X.shape[1] - len(left)))
        dependent = np.flatnonzero(left <= 1e-9)
        if len(dependent):
            names = ", ".join(str(variable.brms[place]) for place in dependent)
            raise BrmspyError(
                f"The likelihood does not determine {names}: the columns are combinations of those "
                "before them, or zero, and only a prior tells them apart. Leave the terms out of "
                "the formula."
            )


def _check_options(method: str, problem: Problem, request: Request) -> None:
    """Refuse options that the method does not know."""
    if request.reml and method not in (*_MIXED_NORMAL, "glmm"):
        raise BrmspyError(
            f"reml=True is for mixed models by likelihood, but this is method={method!r}."
        )
    if request.nagq > 1:
        if method != "glmm":
            raise BrmspyError(
                f"nagq = {request.nagq} is for generalised linear mixed models, but this is "
                f"method={method!r}."
            )
        if len(problem.blocks) > 1 or problem.blocks[0].Z.shape[1] > 1:
            raise BrmspyError(
                f"nagq = {request.nagq} is for models with one effect that varies by one factor. "
                "Use nagq=1, Laplace's approximation."
            )
        if request.reml:
            raise BrmspyError("reml=True is Laplace's approximation: it takes no nagq.")
    if request.given and not problem.nonlinear:
        raise BrmspyError("start is for non-linear models; others need no starting values.")


def _not_pooled(problem: Problem) -> str:
    """Say that group-level effects are in the way."""
    return "it knows no group-level effects" if problem.design.groups else ""


def _not_linear(problem: Problem) -> str:
    """Say what is more than one linear formula."""
    if problem.nonlinear:
        return "it knows no non-linear formulas"
    if problem.distributional or problem.fixed:
        return "it knows one formula, that of the mean"
    return ""


def _not_normal(problem: Problem) -> str:
    """Say that the response is not normal."""
    return "" if problem.linear_normal else "it is for normal responses with the identity link"


def _not_grouped(problem: Problem) -> str:
    """Say that there are no group-level effects."""
    return "" if problem.design.groups else "the model has no group-level effects"


def _not_generalised(problem: Problem) -> str:
    """Say that statsmodels does not know the family."""
    return "" if is_generalised(problem.family) else f"it does not know {problem.family}"


def _not_nonlinear(problem: Problem) -> str:
    """Say that the formula is linear."""
    if problem.distributional or problem.fixed:
        return "it knows one formula, that of the mean"
    return "" if problem.nonlinear else "the formula is linear"


def _not_student(problem: Problem) -> str:
    """Say that the family is not one of generalised linear models."""
    return "it does not know Student's t" if problem.family.name == "student" else ""


Refusal = Callable[[Problem], str]


def _first(*refusals: Refusal) -> Refusal:
    """Return what gives the first reason of several."""
    return lambda problem: next((why for refuse in refusals if (why := refuse(problem))), "")


_MIXED = (_not_grouped, _not_linear)
_REFUSALS: Mapping[str, Refusal] = {
    "ols": _first(_not_pooled, _not_linear, _not_normal),
    "glm": _first(_not_pooled, _not_linear, _not_generalised),
    "ml": _not_pooled,
    "mixedlm": _first(*_MIXED, _not_normal, why_not_mixedlm),
    "lmm": _first(*_MIXED, _not_normal),
    "glmm": _first(*_MIXED, _not_student),
    "gpboost": why_not_gpboost,
    "gee": _first(*_MIXED, _not_generalised),
    "nls": _first(_not_pooled, _not_nonlinear, _not_normal),
    "nlmm": _first(_not_grouped, _not_nonlinear, _not_normal),
}
_MIXED_NORMAL = {"mixedlm": True, "lmm": True, "nlmm": False}
_SIMPLE: Mapping[str, Callable[[Problem], Solution]] = {
    "ols": least_squares_fit,
    "glm": glm,
    "ml": maximum_likelihood,
    "gpboost": boosted,
    "gee": estimating_equations,
}
