"""Generalised linear mixed models by Laplace's approximation in gpboost: nested and crossed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.errors import BrmspyError
from brmspy.twin.estimate import MixedEstimate
from brmspy.twin.libraries import library, version_of
from brmspy.twin.optimum import curvature
from brmspy.twin.problem import Problem
from brmspy.twin.solution import Solution

__all__ = ["boosted", "why_not_gpboost"]

FloatArray = NDArray[np.float64]

_LIKELIHOODS = {
    ("gaussian", "identity"): "gaussian",
    ("bernoulli", "logit"): "bernoulli_logit",
    ("bernoulli", "probit"): "bernoulli_probit",
    ("binomial", "logit"): "binomial_logit",
    ("binomial", "probit"): "binomial_probit",
    ("poisson", "log"): "poisson",
    ("negbinomial", "log"): "negative_binomial",
}
_SIZES = (0.1, 4.0)  # of the variances that restarts begin with
_ROUNDS = 4
_GAIN = 1e-3  # what the deviance may still be expected to fall by at an optimum
_ZERO = 1e-3  # a standard deviation that is as good as zero
_STEP = 1e-4
_MANY_ROWS = 20_000  # below, threads cost more time than they save


def why_not_gpboost(problem: Problem) -> str:
    """Return why gpboost cannot fit a model; empty if it can.

    Parameters
    ----------
    problem : Problem
        The model.
    """
    if problem.nonlinear or problem.distributional or problem.fixed:
        return "it knows models with one linear formula, that of the mean"
    if not problem.design.groups:
        return "the model has no group-level effects"
    for info, block in zip(problem.design.groups, problem.blocks, strict=True):
        if len(info.coefs) > 1 or not np.all(block.Z == 1.0):
            return "it is used for intercepts that vary, (1 | group), not for slopes"
    if (problem.family.name, problem.family.link.name) not in _LIKELIHOODS:
        return f"it does not know the family {problem.family}"
    if problem.weights is not None:
        return "its weights do not multiply the log-likelihood"
    if not problem.size:
        return "it needs a population-level coefficient"
    return ""


def boosted(problem: Problem) -> Solution:
    """Fit a generalised linear mixed model with intercepts that vary.

    gpboost's search may stop before it is at the optimum, even where it reports convergence: it
    does so where no column of the model matrix is an intercept. So the matrix is given one, the
    search is started from several variances, and where it ended the slope of gpboost's own
    likelihood is looked at; if it could still rise, the search goes on by Nelder and Mead's method.

    Parameters
    ----------
    problem : Problem
        A model without `why_not_gpboost`.

    Returns
    -------
    Solution

    References
    ----------
    Sigrist, F. (2022). Gaussian process boosting. Journal of Machine Learning Research, 23(232).
    https://www.jmlr.org/papers/v23/20-322.html
    """
    reason = why_not_gpboost(problem)
    if reason:
        raise BrmspyError(f"method='gpboost' cannot fit this model: {reason}.")
    gpboost = library("gpboost", "method='gpboost'")
    search = _Search.of(gpboost, problem)
    with _quiet(gpboost):
        model, gain, covariance, rounds = search.best()
        effects = model.predict_training_data_random_effects(predict_var=True).to_numpy()
        point = search.point(model)
        log_likelihood = -float(model.get_current_neg_log_likelihood())
    size = problem.size
    logs, of_logs = point[size:], covariance[size:, size:]
    normal = problem.family.name == "gaussian"
    count = len(problem.blocks)
    sds = np.exp(logs[:count])
    modes, mode_sds = _levels(problem, effects)
    message = ""
    if gain > _GAIN:
        message = (
            f"gpboost's search stopped early, from each of {rounds} starts: the deviance could "
            f"still fall by about {gain:.2g}. Use another method."
        )
    estimate = MixedEstimate(
        coefficients=search.columns @ point[:size],
        covariance=search.columns @ covariance[:size, :size] @ search.columns.T,
        covariances=tuple(np.array([[sd**2]]) for sd in sds),
        scale=float(np.exp(logs[count])) if normal else None,
        modes=modes,
        mode_sds=mode_sds,
        log_likelihood=log_likelihood,
        fitted=np.empty(0),
        reml=False,
        method="ML" if normal else "Laplace's approximation",
        converged=not message,
        message=message,
        singular=bool(np.any(sds < _ZERO)),
        parameters=len(point),
        family_parameters={} if normal else dict.fromkeys(problem.scalars, float(np.exp(logs[-1]))),
        spreads=logs,
        spreads_covariance=of_logs,
    )
    kind = "linear mixed model by maximum likelihood"
    return Solution(
        problem,
        estimate,
        "gpboost",
        kind if normal else "generalised linear mixed model by Laplace's approximation",
        f"{version_of('gpboost')} (GPModel)",
        details={"searches": float(rounds)},
    )


@dataclass(frozen=True)
class _Search:
    """gpboost's search for the optimum of a problem.

    `X` is the model matrix with an intercept, if it has one in other columns; `columns` leads from
    its coefficients to those of the problem. A point is the coefficients, then the logs of the
    effects' standard deviations, of the residual one, and of ``shape``.
    """

    gpboost: Any
    problem: Problem
    X: FloatArray
    columns: FloatArray

    @classmethod
    def of(cls, gpboost: Any, problem: Problem) -> _Search:
        X = problem.X
        columns = np.eye(problem.size)
        ones = np.ones(problem.nobs)
        weights = np.linalg.lstsq(X, ones, rcond=None)[0]
        if np.allclose(X @ weights, ones, atol=1e-8):
            columns[:, int(np.argmax(np.abs(weights)))] = weights
        return cls(gpboost, problem, X @ columns, columns)

    @property
    def normal(self) -> bool:
        """Whether there is a residual variance, which gpboost has before the others."""
        return self.problem.family.name == "gaussian"

    def best(self) -> tuple[Any, float, FloatArray, int]:
        """Return the best model, what its deviance could fall by, its covariance, and searches."""
        models = [self.run()]
        models += [self.run(variances=size * self._first_variances()) for size in _SIZES]
        found = self._lowest(models)
        gain, covariance = self.gain(found)
        while gain > _GAIN and len(models) < len(_SIZES) + 1 + _ROUNDS:
            models.append(
                self.run(
                    found.get_cov_pars(format_pandas=False),
                    found.get_coef(format_pandas=False),
                    optimizer_cov="nelder_mead",
                )
            )
            found = self._lowest([found, models[-1]])
            gain, covariance = self.gain(found)
        return found, gain, covariance, len(models)

    def _lowest(self, models: list[Any]) -> Any:
        """Return the model with the highest likelihood."""
        values = [float(model.get_current_neg_log_likelihood()) for model in models]
        if not np.any(np.isfinite(values)):
            raise BrmspyError(
                "gpboost found no point with a finite likelihood. Use another method."
            )
        return models[int(np.nanargmin(np.where(np.isfinite(values), values, np.nan)))]

    def _first_variances(self) -> FloatArray:
        """Return variances to start from."""
        count = len(self.problem.blocks)
        if self.normal:
            return np.full(count + 1, float(self.problem.y.var()) / (count + 1))
        return np.ones(count)

    def run(
        self,
        variances: FloatArray | None = None,
        coefficients: FloatArray | None = None,
        **options: Any,
    ) -> Any:
        """Return a model that gpboost has fitted from given values."""
        problem = self.problem
        trials = problem.trials
        model = self.gpboost.GPModel(
            group_data=np.column_stack([block.index for block in problem.blocks]),
            likelihood=_LIKELIHOODS[problem.family.name, problem.family.link.name],
            weights=trials,
            matrix_inversion_method="cholesky",  # the other one is random
            num_parallel_threads=1 if problem.nobs < _MANY_ROWS else None,
        )
        settings: dict[str, Any] = {"delta_rel_conv": 1e-10, **options}
        if variances is not None:
            settings["init_cov_pars"] = variances
        if coefficients is not None:
            settings["init_coef"] = coefficients
        model.fit(
            y=self._response(),
            X=self.X,
            offset=problem.offset if problem.has_offset else None,
            params=settings,
        )
        return model

    def _response(self) -> FloatArray:
        """Return the response, proportions where there are trials."""
        trials = self.problem.trials
        return self.problem.y if trials is None else self.problem.y / trials

    def point(self, model: Any) -> FloatArray:
        """Return where a search has ended."""
        variances = np.asarray(model.get_cov_pars(format_pandas=False), dtype=float)
        variances = np.roll(variances, -1) if self.normal else variances
        logs = 0.5 * np.log(np.maximum(variances, 1e-300))
        coefficients = np.asarray(model.get_coef(format_pandas=False), dtype=float)
        if "shape" not in self.problem.scalars:
            return np.concatenate([coefficients, logs])
        shape = np.asarray(model.get_aux_pars(format_pandas=False), dtype=float).reshape(-1)[:1]
        return np.concatenate([coefficients, logs, np.log(shape)])

    def deviance(self, model: Any, point: FloatArray) -> float:
        """Return minus twice gpboost's log-likelihood."""
        size, count = self.problem.size, len(self.problem.blocks) + self.normal
        variances = np.exp(2.0 * point[size : size + count])
        shape = np.exp(point[size + count :])
        value = model.neg_log_likelihood(
            cov_pars=np.roll(variances, 1) if self.normal else variances,
            y=self._response(),
            fixed_effects=self.X @ point[:size] + self.problem.offset,
            aux_pars=shape if len(shape) else None,
        )
        return 2.0 * float(value)

    def _derivatives(self, model: Any) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
        """Return slope and curvature of the deviance, and what is not at its bound."""
        other = self._at(model)
        point = self.point(model)
        free = np.ones(len(point), dtype=bool)
        free[self.problem.size :] = point[self.problem.size :] > np.log(_ZERO)
        slope = np.zeros(len(point))
        for i in np.flatnonzero(free):
            move = np.zeros(len(point))
            move[i] = _STEP * max(1.0, abs(point[i]))
            slope[i] = self.deviance(other, point + move) - self.deviance(other, point - move)
            slope[i] /= 2.0 * move[i]
        return slope, curvature(lambda x: self.deviance(other, x), point, free), free

    def _at(self, model: Any) -> Any:
        """Return a model to evaluate likelihoods with, which leaves the fitted one alone."""
        return self.run(
            model.get_cov_pars(format_pandas=False), model.get_coef(format_pandas=False), maxit=1
        )

    def gain(self, model: Any) -> tuple[float, FloatArray]:
        """Return what the deviance should fall by with one more step of Newton's.

        And the covariance of a point's elements, NaN for those at their bound.
        """
        slope, bends, free = self._derivatives(model)
        inside = np.ix_(free, free)
        covariance = np.full(bends.shape, np.nan)
        try:
            np.linalg.cholesky(bends[inside])
        except np.linalg.LinAlgError:
            return np.inf, covariance
        covariance[inside] = 2.0 * np.linalg.inv(bends[inside])
        return float(0.25 * slope[free] @ covariance[inside] @ slope[free]), covariance


def _levels(
    problem: Problem, effects: FloatArray
) -> tuple[tuple[FloatArray, ...], tuple[FloatArray, ...]]:
    """Return modes and standard deviations of the effects of levels, one column each."""
    count = len(problem.blocks)
    modes, sds = [], []
    for place, block in enumerate(problem.blocks):
        _, first = np.unique(block.index, return_index=True)
        modes.append(effects[first, place][:, None])
        sds.append(np.sqrt(np.maximum(effects[first, count + place], 0.0))[:, None])
    return tuple(modes), tuple(sds)


@contextmanager
def _quiet(gpboost: Any) -> Iterator[None]:
    """Keep gpboost from printing; whether it is at the optimum is looked at."""
    silent = logging.getLogger("brmspy.gpboost")
    silent.setLevel(logging.CRITICAL + 1)
    before = gpboost.basic._LOGGER
    gpboost.register_logger(silent)
    try:
        yield
    finally:
        gpboost.basic._LOGGER = before
