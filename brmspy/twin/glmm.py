"""Generalised linear mixed models by Laplace's approximation or adaptive quadrature.

Given covariances and coefficients, Newton's steps find the modes of the effects; around them the
likelihood is integrated. What comes out is maximised over covariances and coefficients together.

References
----------
Bates, D., Maechler, M., Bolker, B. and Walker, S. (2015). Fitting linear mixed-effects models using
lme4. Journal of Statistical Software, 67(1). https://doi.org/10.18637/jss.v067.i01
Pinheiro, J. C. and Chao, E. C. (2006). Efficient Laplacian and adaptive Gaussian quadrature
algorithms for multilevel generalized linear mixed models. Journal of Computational and Graphical
Statistics, 15(1). https://doi.org/10.1198/106186006X96962
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from brmspy.errors import BrmspyError, check_choice
from brmspy.families import Family
from brmspy.twin.checks import checked_columns, checked_rows, sentences
from brmspy.twin.effects import Effects
from brmspy.twin.estimate import MixedEstimate
from brmspy.twin.optimum import Optimum, delta_covariance, descend, minimise
from brmspy.twin.response import Derivatives, Response, has_expected_information
from brmspy.twin.systems import Columns, System, inverse, log_determinant, solve

__all__ = ["generalized_mixed"]

FloatArray = NDArray[np.float64]

_STARTS = (0.5, 2.0)  # sizes of the effects on the link scale
_ITERATIONS = 100
_HALVINGS = 30
_SETTLED = 1e-14  # expected increase of the penalised log-likelihood at which the steps end
_RIDGE = 1e-10
_UNKNOWN = 5.0  # sd of a linear predictor that says that the maximum lies at infinity


@dataclass(frozen=True)
class _Modes:
    """Effects, and coefficients if they were free, at the maximum of the penalised likelihood.

    `value` is that maximum, `rows` holds derivatives at it, `system` the precision of the
    spherical effects `u`, `information` that of the coefficients, and `moves` whether Newton's
    steps have found no end.
    """

    beta: FloatArray
    u: FloatArray
    eta: FloatArray
    value: float
    factors: list[FloatArray]
    rows: Derivatives
    system: System | None
    information: FloatArray

    @property
    def log_determinant(self) -> float:
        """Log determinant of the effects' precision."""
        return 0.0 if self.system is None else self.system.log_determinant


@dataclass(frozen=True)
class _Step:
    """A step of Newton's, with the precisions that it comes from and what it should gain."""

    beta: FloatArray
    u: FloatArray
    gain: float
    system: System | None
    information: FloatArray


class _Model:
    """A generalised linear mixed model, which remembers the modes that it found last."""

    def __init__(
        self, response: Response, X: FloatArray, offset: FloatArray, effects: Effects
    ) -> None:
        self.response, self.X, self.offset = response, X, offset
        self.effects = effects.in_units(response.unit)
        self.count = len(effects.start)
        level = np.full(len(X), response.first_eta) - offset
        self.beta: FloatArray = np.asarray(np.linalg.lstsq(X, level, rcond=None)[0], dtype=float)
        self.u = np.zeros(effects.size)
        # Keeps the steps of coefficients finite that run away.
        self.ridge = np.diag(_RIDGE * np.square(X).mean(axis=0))

    @property
    def lower(self) -> FloatArray:
        """Lower bounds of what `modes` is given."""
        return np.concatenate([self.effects.lower, np.full(len(self.response.others), -np.inf)])

    @property
    def starts(self) -> list[FloatArray]:
        """Where to look for the covariances."""
        sizes = _STARTS if self.count else (1.0,)
        return [np.append(size * self.effects.start, self.response.start) for size in sizes]

    def modes(self, spreads: FloatArray, beta: FloatArray | None = None) -> _Modes:
        """Find the modes of the effects, and of the coefficients if none are given.

        Raises
        ------
        numpy.linalg.LinAlgError
            If there are none.
        """
        theta, logs = spreads[: self.count], spreads[self.count :]
        factors = self.effects.factors(theta)
        U = self.effects.columns(factors) if self.effects.size else None
        current = self.beta if beta is None else beta
        u, value = self._somewhere(current, U, logs)
        for _ in range(_ITERATIONS):
            eta = self._eta(current, U, u)
            rows = self.response.derivatives(eta, logs)
            step = self._step(U, rows, u, beta is None)
            size = self._length(current, u, step, U, logs, value)
            if step.gain < _SETTLED or size == 0.0:
                break
            u, current = u + size * step.u, current + size * step.beta
            value = self._penalised(current, u, U, logs)
        if rows.bend is not rows.information:
            step = self._step_with(U, rows, rows.information, u, beta is None)
        self.u = u
        if beta is None:
            self.beta = current
        return _Modes(current, u, eta, value, factors, rows, step.system, step.information)

    def _somewhere(
        self, beta: FloatArray, U: Columns | None, logs: FloatArray
    ) -> tuple[FloatArray, float]:
        """Return effects at which the likelihood is defined, with its penalised logarithm."""
        for u in (self.u, np.zeros_like(self.u)):
            value = self._penalised(beta, u, U, logs)
            if np.isfinite(value):
                return u, value
        raise np.linalg.LinAlgError("The likelihood is not defined.")

    def _eta(self, beta: FloatArray, U: Columns | None, u: FloatArray) -> FloatArray:
        """Return the linear predictor."""
        eta = self.X @ beta + self.offset
        return eta if U is None else eta + U.times(u)

    def _penalised(
        self, beta: FloatArray, u: FloatArray, U: Columns | None, logs: FloatArray
    ) -> float:
        """Return the log-likelihood given the effects, plus their log density without constant."""
        eta = self._eta(beta, U, u)
        return float(self.response.density(eta[None], logs).sum() - 0.5 * u @ u)

    def _step(self, U: Columns | None, rows: Derivatives, u: FloatArray, free: bool) -> _Step:
        """Return Newton's step, or Fisher's where the curvature points the wrong way."""
        try:
            step = self._step_with(U, rows, rows.bend, u, free)
            if step.gain >= 0.0:
                return step
        except np.linalg.LinAlgError:
            pass
        return self._step_with(U, rows, np.maximum(rows.information, 0.0), u, free)

    def _step_with(
        self, U: Columns | None, rows: Derivatives, curvature: FloatArray, u: FloatArray, free: bool
    ) -> _Step:
        """Return Newton's step for given curvatures of the rows."""
        weighted = curvature[:, None] * self.X
        information = self.X.T @ weighted
        slope = self.X.T @ rows.score
        if U is None:
            beta = solve(information + self.ridge, slope) if free else np.zeros(len(slope))
            return _Step(beta, u, float(0.5 * slope @ beta), None, information)
        system = U.precision(curvature)
        slope_u = U.crossed(rows.score) - u
        cross = U.crossed(weighted)
        solved = system.solve(np.column_stack([cross, slope_u]))
        information = information - cross.T @ solved[:, :-1]
        beta = np.zeros(len(slope))
        if free:
            beta = solve(information + self.ridge, slope - cross.T @ solved[:, -1])
        step = solved[:, -1] - solved[:, :-1] @ beta
        gain = float(0.5 * (slope_u @ step + slope @ beta))
        return _Step(beta, step, gain, system, information)

    def _length(
        self,
        beta: FloatArray,
        u: FloatArray,
        step: _Step,
        U: Columns | None,
        logs: FloatArray,
        value: float,
    ) -> float:
        """Return how much of a step to make: all, a half, ... or nothing."""
        least = value - 1e-13 * abs(value)
        for halving in range(_HALVINGS):
            size = 0.5**halving
            if self._penalised(beta + size * step.beta, u + size * step.u, U, logs) >= least:
                return size
        return 0.0

    def profile_deviance(self, spreads: FloatArray, reml: bool) -> float:
        """Return minus twice the log-likelihood with the coefficients at their joint modes.

        It is the restricted likelihood, with the coefficients integrated out, if `reml`.
        """
        try:
            modes = self.modes(spreads)
            deviance = modes.log_determinant - 2.0 * modes.value
            if not reml:
                return deviance
            free = self.X.shape[1] * np.log(2.0 * np.pi)
            return deviance + log_determinant(modes.information) - free
        except np.linalg.LinAlgError:
            return np.inf

    def deviance(self, spreads: FloatArray, beta: FloatArray, points: int) -> float:
        """Return minus twice the log-likelihood."""
        try:
            modes = self.modes(spreads, beta)
        except np.linalg.LinAlgError:
            return np.inf
        if points == 1 or modes.system is None:
            return modes.log_determinant - 2.0 * modes.value
        return -2.0 * self._quadrature(modes, spreads[self.count :], points)

    def _quadrature(self, modes: _Modes, logs: FloatArray, points: int) -> float:
        """Return the log-likelihood by adaptive quadrature over the levels of one factor."""
        block = self.effects.blocks[0]
        slopes = block.Z[:, 0] * modes.factors[0][0, 0]
        precision = np.bincount(
            block.index, np.square(slopes) * modes.rows.information, minlength=block.levels
        )
        sd = 1.0 / np.sqrt(1.0 + np.maximum(precision, 0.0))
        nodes, weights = special.roots_hermite(points)
        u = modes.u + np.sqrt(2.0) * sd * nodes[:, None]
        shift = slopes * (u - modes.u)[:, block.index]
        rows = self.response.density(modes.eta + shift, logs)
        terms = np.array([np.bincount(block.index, row, minlength=block.levels) for row in rows])
        terms = terms - 0.5 * np.square(u) + (np.log(weights) + np.square(nodes))[:, None]
        return float((special.logsumexp(terms, axis=0) + np.log(sd) - 0.5 * np.log(np.pi)).sum())


def generalized_mixed(
    y: ArrayLike,
    X: ArrayLike,
    blocks: Sequence[Any],
    family: Family,
    *,
    trials: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    points: int = 1,
    reml: bool = False,
    information: Literal["expected", "observed"] | None = None,
) -> MixedEstimate:
    """Fit a generalised linear mixed model by Laplace's approximation or adaptive quadrature.

    Parameters
    ----------
    y : array_like, shape (nobs,)
        Response, coded as the family does: counts, or 0 and 1.
    X : array_like, shape (nobs, k)
        Columns of the population-level coefficients, of full rank.
    blocks : sequence of EffectBlock
        Group-level effects: nested, crossed, correlated or not.
    family : Family
        Distribution of the response and link of its mean. Its other parameters are estimated.
    trials : array_like, shape (nobs,), optional
        Number of trials.
    offset : array_like, shape (nobs,), optional
        Added to the linear predictor.
    weights : array_like, shape (nobs,), optional
        What each row's log-likelihood is multiplied with.
    points : int
        Points of adaptive Gauss-Hermite quadrature for each level, for models with one block of
        one coefficient; 1 is Laplace's approximation. As in lme4, the log-likelihood is then that
        minus the saturated model's; `log_likelihood_constant` of the result is the difference.
    reml : bool
        Whether to integrate the coefficients out as well, as glmmTMB does.
    information : {"expected", "observed"}, optional
        Curvature of the rows' log-likelihoods that the approximation is made of. They are the same
        with the canonical links logit (binomial) and log (poisson). By default the expected one,
        as in lme4, if it is known of the family; the observed one is that of glmmTMB and gpboost,
        and mostly closer to quadrature.

    Returns
    -------
    MixedEstimate

    Raises
    ------
    BrmspyError
        If arrays do not fit together, columns of X depend on each other, or the model is not one
        for quadrature.

    References
    ----------
    Bates, D., Maechler, M., Bolker, B. and Walker, S. (2015). Fitting linear mixed-effects models
    using lme4. Journal of Statistical Software, 67(1). https://doi.org/10.18637/jss.v067.i01

    Examples
    --------
    >>> import numpy as np
    >>> from brmspy import load_dataset, poisson
    >>> from brmspy.twin import EffectBlock, generalized_mixed
    >>> epil = load_dataset("epil")
    >>> X = np.column_stack([np.ones(len(epil)), epil["lbase"]])
    >>> subject = EffectBlock(X[:, :1], epil["subject"].cat.codes, levels=59)
    >>> fit = generalized_mixed(epil["y"], X, [subject], poisson())
    >>> fit.method, fit.converged, float(fit.coefficients[1].round(2))
    ('Laplace', True, 1.0)
    """
    rows = checked_rows(y, offset, weights, replicates=True)
    columns = checked_columns(X, len(rows.y))
    effects = Effects.checked(blocks, len(rows.y))
    _check_quadrature(points, effects, reml)
    response = Response(
        y=rows.y,
        family=family,
        trials=_checked_trials(trials, family, len(rows.y)),
        weights=rows.weights,
        expected=_is_expected(information, family),
    )
    model = _Model(response, columns, rows.offset, effects)
    return _restricted(model) if reml else _maximum(model, points)


def _maximum(model: _Model, points: int) -> MixedEstimate:
    """Maximise the likelihood: covariances first, then all parameters together."""
    count = model.count + len(model.response.others)
    start, value = descend(lambda x: model.profile_deviance(x, False), model.starts, model.lower)
    centre = model.modes(start)
    if _separation(model, centre, _known(centre)):
        stop = Optimum(start, value, np.full((count, count), np.nan), np.zeros(count, bool), "")
        return _estimate(model, centre, stop, _known(centre), None, "Laplace")
    # The coefficients move in units in which they are about independent, with variance one.
    units = np.linalg.cholesky(_known(centre))

    def deviance(x: FloatArray) -> float:
        return model.deviance(x[:count], centre.beta + units @ x[count:], points)

    none = np.full(len(centre.beta), -np.inf)
    optimum = minimise(
        deviance,
        [np.append(start, np.zeros(len(centre.beta)))],
        np.append(model.lower, none),
    )
    beta = centre.beta + units @ optimum.x[count:]
    modes = model.modes(optimum.x[:count], beta)
    whole = optimum.covariance
    if whole is None:
        covariance, spreads = _known(modes), None
    else:
        covariance, spreads = units @ whole[count:, count:] @ units.T, whole[:count, :count]
    constant = model.response.saturated(optimum.x[model.count : count]) if points > 1 else 0.0
    method = f"adaptive Gauss-Hermite, {points} points" if points > 1 else "Laplace"
    return _estimate(model, modes, optimum, covariance, spreads, method, constant=constant)


def _restricted(model: _Model) -> MixedEstimate:
    """Maximise the likelihood from which the coefficients are integrated out."""
    optimum = minimise(lambda x: model.profile_deviance(x, True), model.starts, model.lower)
    modes = model.modes(optimum.x)
    spreads = optimum.covariance
    # The coefficients follow the covariances, which are not known exactly.
    added = delta_covariance(lambda x: model.modes(x).beta, optimum.x, spreads)
    covariance = _known(modes) + (0.0 if added is None else np.nan_to_num(added))
    return _estimate(model, modes, optimum, covariance, spreads, "Laplace", reml=True)


def _known(modes: _Modes) -> FloatArray:
    """Return the covariance of the coefficients given everything else, NaN if there is none."""
    try:
        return inverse(modes.information)
    except np.linalg.LinAlgError:
        return np.full_like(modes.information, np.nan)


def _estimate(
    model: _Model,
    modes: _Modes,
    optimum: Optimum,
    covariance: FloatArray,
    spreads_covariance: FloatArray | None,
    method: str,
    *,
    constant: float = 0.0,
    reml: bool = False,
) -> MixedEstimate:
    """Return the result at an optimum, of which the first elements are the spreads."""
    count = model.count + len(model.response.others)
    spreads = optimum.x[:count]
    theta, logs = spreads[: model.count], spreads[model.count :]
    others = model.response.others_at(logs)
    sds: tuple[FloatArray, ...] = ()
    if modes.system is not None:
        sds = model.effects.standard_deviations(modes.factors, modes.system)
    singular = model.effects.is_singular(theta)
    separation = _separation(model, modes, covariance)

    def reported(x: FloatArray) -> FloatArray:
        values = list(model.response.others_at(x[model.count :]).values())
        return np.append(model.effects.spreads(x[: model.count]), np.log(values))

    return MixedEstimate(
        coefficients=modes.beta,
        covariance=covariance,
        covariances=tuple(T @ T.T for T in modes.factors),
        scale=others.pop("sigma", None),
        modes=model.effects.spread_out(modes.factors, modes.u),
        mode_sds=sds,
        log_likelihood=-0.5 * optimum.value - constant,
        fitted=model.response.mean(modes.eta, logs),
        reml=reml,
        method=method,
        converged=not (optimum.message or separation),
        message=sentences(separation, optimum.message, singular=singular),
        singular=singular,
        parameters=count + len(modes.beta),
        family_parameters=others,
        log_likelihood_constant=constant,
        spreads=reported(spreads),
        spreads_covariance=delta_covariance(reported, spreads, spreads_covariance),
    )


def _separation(model: _Model, modes: _Modes, covariance: FloatArray) -> str:
    """Say whether coefficients run away to infinity."""
    variances = np.einsum("nk,kl,nl->n", model.X, covariance, model.X)
    away = model.response.at_the_end(modes.eta) & ~(variances < _UNKNOWN**2)
    if not away.any():
        return ""
    return (
        f"in {np.count_nonzero(away)} rows the fitted mean is at the end of its range, and the "
        "coefficients that lead there have no finite estimate (separation)"
    )


def _check_quadrature(points: int, effects: Effects, reml: bool) -> None:
    """Raise unless quadrature is possible."""
    if not isinstance(points, (int, np.integer)) or isinstance(points, bool) or points < 1:
        raise BrmspyError(f"points must be a whole number from 1 on, not {points!r}.")
    if points == 1:
        return
    if len(effects.blocks) != 1 or effects.blocks[0].Z.shape[1] != 1:
        raise BrmspyError(
            "Adaptive quadrature is for one grouping factor with one coefficient, as in (1 | g). "
            "Use points=1, Laplace's approximation."
        )
    if reml:
        raise BrmspyError("reml=True goes with Laplace's approximation: use points=1.")


def _checked_trials(trials: ArrayLike | None, family: Family, nobs: int) -> FloatArray | None:
    """Return the number of trials of each row."""
    if trials is None:
        if "trials" in family.needs:
            raise BrmspyError(f"The family {family.name} needs trials, the number of trials.")
        return None
    given = np.asarray(trials, dtype=float)
    if given.ndim and given.shape != (nobs,):
        raise BrmspyError(f"There are {nobs} responses, but trials has shape {given.shape}.")
    return np.broadcast_to(given, (nobs,)).astype(float)


def _is_expected(information: str | None, family: Family) -> bool:
    """Whether to take the information that is expected."""
    known = has_expected_information(family)
    if information is None:
        return known
    check_choice("information", information, ("expected", "observed"))
    if information == "expected" and not known:
        raise BrmspyError(
            f"The information that is expected is not known for the family {family.name}: use "
            "information='observed'."
        )
    return information == "expected"
