"""Linear mixed models by maximum likelihood and restricted maximum likelihood.

The deviance, with coefficients and residual variance at their best for given relative covariances
of the effects, is a function of few numbers, which is minimised.

References
----------
Bates, D., Maechler, M., Bolker, B. and Walker, S. (2015). Fitting linear mixed-effects models using
lme4. Journal of Statistical Software, 67(1). https://doi.org/10.18637/jss.v067.i01
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brmspy.errors import BrmspyError
from brmspy.twin.checks import checked_columns, checked_rows, sentences
from brmspy.twin.effects import Effects
from brmspy.twin.estimate import MixedEstimate
from brmspy.twin.optimum import Optimum, curvature, delta_covariance, minimise
from brmspy.twin.systems import System, inverse, log_determinant, solve

__all__ = ["LinearModel", "Profile", "linear_mixed"]

FloatArray = NDArray[np.float64]

_STARTS = (1.0, 0.2)  # sizes of the effects, relative to the residual sd
_PERFECT = 1e-20  # part of the sum of squares that is rounding


@dataclass(frozen=True)
class Profile:
    """A linear mixed model with its relative covariances fixed, everything else at its best.

    Attributes
    ----------
    beta : ndarray, shape (k,)
        Coefficients.
    u : ndarray, shape (effects,)
        Spherical effects.
    factors : list of ndarray
        What turns these into effects.
    system : System
        Their precision, relative to the residual variance.
    information : ndarray, shape (k, k)
        Precision of the coefficients, relative to the residual variance.
    mean : ndarray, shape (nobs,)
        Fitted values without offset.
    squares : float
        Penalised residual sum of squares.
    """

    beta: FloatArray
    u: FloatArray
    factors: list[FloatArray]
    system: System | None
    information: FloatArray
    mean: FloatArray
    squares: float

    @property
    def log_determinant(self) -> float:
        """Log determinant of the effects' precision."""
        return 0.0 if self.system is None else self.system.log_determinant


@dataclass(frozen=True)
class LinearModel:
    """Data of a linear mixed model, from which the offset is subtracted.

    Attributes
    ----------
    y : ndarray, shape (nobs,)
        Response.
    X : ndarray, shape (nobs, k)
        Columns of the coefficients.
    effects : Effects
        Group-level effects.
    weights : ndarray, shape (nobs,)
        Precision of each row.
    total : float
        Number of responses.
    log_weights : float
        Sum of what the weights add to the log-likelihood.
    reml : bool
        Whether the likelihood is restricted.
    """

    y: FloatArray
    X: FloatArray
    effects: Effects
    weights: FloatArray
    total: float
    log_weights: float
    reml: bool

    @property
    def degrees(self) -> float:
        """What the residual sum of squares is divided by."""
        return self.total - (self.X.shape[1] if self.reml else 0)

    def profile(self, theta: FloatArray) -> Profile:
        """Return coefficients and effects for given relative covariances."""
        root = np.sqrt(self.weights)
        X, y = root[:, None] * self.X, root * self.y
        factors = self.effects.factors(theta)
        if not self.effects.size:
            information = X.T @ X
            beta = solve(information, X.T @ y)
            mean = self.X @ beta
            squares = float(np.square(root * (self.y - mean)).sum())
            return Profile(beta, np.empty(0), factors, None, information, mean, squares)
        U = self.effects.columns(factors)
        system = U.precision(self.weights)
        cross, moments = U.crossed(root[:, None] * X), U.crossed(root * y)
        solved = system.solve(np.column_stack([cross, moments]))
        information = X.T @ X - cross.T @ solved[:, :-1]
        beta = solve(information, X.T @ y - cross.T @ solved[:, -1])
        u = solved[:, -1] - solved[:, :-1] @ beta
        mean = self.X @ beta + U.times(u)
        squares = float(np.square(root * (self.y - mean)).sum() + u @ u)
        return Profile(beta, u, factors, system, information, mean, squares)

    def deviance(self, theta: FloatArray, log_scale: float | None = None) -> float:
        """Return minus twice the log-likelihood, with the residual sd at its best or given."""
        try:
            state = self.profile(theta)
            penalty = log_determinant(state.information) if self.reml else 0.0
        except np.linalg.LinAlgError:
            return np.inf
        n = self.degrees
        if log_scale is None:
            fit = n * (1.0 + np.log(2.0 * np.pi * state.squares / n))
        else:
            fit = n * (np.log(2.0 * np.pi) + 2.0 * log_scale)
            fit += state.squares * np.exp(-2.0 * log_scale)
        return float(fit + state.log_determinant + penalty - self.log_weights)

    def minimum(self, start: FloatArray | None = None) -> Optimum:
        """Return the relative covariances at which the deviance is lowest."""
        starts = [start] if start is not None else [size * self.effects.start for size in _STARTS]
        return minimise(self.deviance, starts, self.effects.lower)

    def estimate(self, optimum: Optimum, method: str) -> MixedEstimate:
        """Return everything at the minimum of the deviance."""
        state = self.profile(optimum.x)
        scale = float(np.sqrt(state.squares / self.degrees))
        singular = self.effects.is_singular(optimum.x)
        spreads = np.append(self.effects.spreads(optimum.x, np.log(scale)), np.log(scale))
        sds: tuple[FloatArray, ...] = ()
        if state.system is not None:
            sds = self.effects.standard_deviations(state.factors, state.system)
        return MixedEstimate(
            coefficients=state.beta,
            covariance=scale**2 * inverse(state.information),
            covariances=tuple(scale**2 * T @ T.T for T in state.factors),
            scale=scale,
            modes=self.effects.spread_out(state.factors, state.u),
            mode_sds=tuple(scale * sd for sd in sds),
            log_likelihood=-0.5 * optimum.value,
            fitted=state.mean,
            reml=self.reml,
            method=method,
            converged=not optimum.message,
            message=sentences(optimum.message, singular=singular),
            singular=singular,
            parameters=len(state.beta) + len(optimum.x) + 1,
            spreads=spreads,
            spreads_covariance=self._spreads_covariance(optimum, np.log(scale)),
        )

    def _spreads_covariance(self, optimum: Optimum, log_scale: float) -> FloatArray | None:
        """Return the covariance of logs of sds and z of correlations, by the delta method."""
        size = len(optimum.x)

        def deviance(x: FloatArray) -> float:
            return self.deviance(x[:size], x[size])

        def spreads(x: FloatArray) -> FloatArray:
            return np.append(self.effects.spreads(x[:size], x[size]), x[size])

        x, free = np.append(optimum.x, log_scale), np.append(optimum.free, True)
        whole = Optimum(x, optimum.value, curvature(deviance, x, free), free, "")
        return delta_covariance(spreads, x, whole.covariance)


def linear_mixed(
    y: ArrayLike,
    X: ArrayLike,
    blocks: Sequence[Any] = (),
    *,
    offset: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    replicates: bool = False,
    reml: bool = False,
) -> MixedEstimate:
    """Fit a linear mixed model: ``y = X b + Z u + e``.

    Parameters
    ----------
    y : array_like, shape (nobs,)
        Response.
    X : array_like, shape (nobs, k)
        Columns of the population-level coefficients, of full rank.
    blocks : sequence of EffectBlock
        Group-level effects: nested, crossed, correlated or not.
    offset : array_like, shape (nobs,), optional
        Added to the mean.
    weights : array_like, shape (nobs,), optional
        Weight of each row: the residual variance of a row is divided by it, as in lme4.
    replicates : bool
        Whether weights are instead numbers of rows that are alike, as in brms: a row's
        log-likelihood is multiplied by its weight.
    reml : bool
        Whether to maximise the restricted likelihood.

    Returns
    -------
    MixedEstimate

    Raises
    ------
    BrmspyError
        If arrays do not fit together, values are not finite, or columns of X depend on each other.

    References
    ----------
    Bates, D., Maechler, M., Bolker, B. and Walker, S. (2015). Fitting linear mixed-effects models
    using lme4. Journal of Statistical Software, 67(1). https://doi.org/10.18637/jss.v067.i01

    Examples
    --------
    >>> import numpy as np
    >>> from brmspy.twin import EffectBlock, linear_mixed
    >>> y = np.array([10.0, 25.0, 3.0, 6.0])
    >>> X = np.column_stack([np.ones(4), [0, 1, 0, 1]])
    >>> animal = EffectBlock(np.ones((4, 1)), np.array([0, 0, 1, 1]), levels=2)
    >>> fit = linear_mixed(y, X, [animal])
    >>> fit.coefficients.round(3), round(fit.scale, 3)
    (array([6.5, 9. ]), 4.243)
    """
    frequencies = replicates and weights is not None
    rows = checked_rows(y, offset, weights, replicates=frequencies)
    columns = checked_columns(X, len(rows.y))
    total = float(rows.weights.sum()) if frequencies else float(len(rows.y))
    if total <= columns.shape[1]:
        raise BrmspyError(
            f"{len(rows.y)} rows do not determine {columns.shape[1]} coefficients and a residual "
            "standard deviation."
        )
    model = LinearModel(
        y=rows.y - rows.offset,
        X=columns,
        effects=Effects.checked(blocks, len(rows.y)),
        weights=rows.weights,
        total=total,
        log_weights=0.0 if frequencies else float(np.log(rows.weights).sum()),
        reml=reml,
    )
    _refuse_perfect_fit(model)
    estimate = model.estimate(model.minimum(), "REML" if reml else "ML")
    return replace(estimate, fitted=estimate.fitted + rows.offset)


def _refuse_perfect_fit(model: LinearModel) -> None:
    """Raise if nothing is left of the response without any group-level effect."""
    state = model.profile(np.zeros_like(model.effects.start))
    if state.squares <= _PERFECT * np.square(model.y).sum():
        raise BrmspyError(
            "The coefficients alone fit the response perfectly: there is nothing to estimate a "
            "residual standard deviation from."
        )
