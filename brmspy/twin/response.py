"""The log density of a response along its linear predictor, with derivatives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.families import Dpar, Family

__all__ = ["Derivatives", "Response", "has_expected_information"]

FloatArray = NDArray[np.float64]

_STEP = 1e-3  # of five-point differences in the linear predictor
_WIDE_STEP = 1e-2  # the same for second derivatives
_SHIFTS = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])[:, None]
_FIRST = np.array([1.0, -8.0, 0.0, 8.0, -1.0]) / 12.0
_SECOND = np.array([-1.0, 16.0, -30.0, 16.0, -1.0]) / 12.0
_END = 1e-4  # of a probability or a mean count

# Families that hold one over the variance as information about their mean.
_EXPONENTIAL = frozenset({"bernoulli", "binomial", "gaussian", "negbinomial", "poisson"})

_CANONICAL = {"bernoulli": "logit", "binomial": "logit", "gaussian": "identity", "poisson": "log"}


def _of_student(parameters: Mapping[str, FloatArray]) -> FloatArray:
    """Return the information about the location of Student's t, Lange et al. (1989)."""
    nu = parameters["nu"]
    return np.asarray((nu + 1.0) / (nu + 3.0) / np.square(parameters["sigma"]))


_INFORMATION = {"student": _of_student}


@dataclass(frozen=True)
class Derivatives:
    """Derivatives of the rows' log densities, times the weights, in the linear predictor.

    Attributes
    ----------
    score : ndarray, shape (nobs,)
        First derivatives.
    bend : ndarray, shape (nobs,)
        Second derivatives with their sign changed: what Newton's steps are made with.
    information : ndarray, shape (nobs,)
        What the approximation of the likelihood is made with: these, or what to expect of them.
    """

    score: FloatArray
    bend: FloatArray
    information: FloatArray


@dataclass(frozen=True)
class Response:
    """A response with its family.

    Attributes
    ----------
    y : ndarray, shape (nobs,)
        Coded response.
    family : Family
        Its distribution.
    trials : ndarray or None
        Number of trials.
    weights : ndarray, shape (nobs,)
        What log densities are multiplied with.
    expected : bool
        Whether the information is the expected rather than the observed one.
    """

    y: NDArray[Any]
    family: Family
    trials: NDArray[Any] | None
    weights: FloatArray
    expected: bool

    @property
    def others(self) -> tuple[Dpar, ...]:
        """Parameters of the family beside the mean."""
        return self.family.dpars[1:]

    @property
    def _is_canonical(self) -> bool:
        """Whether what is observed is what is expected."""
        return _CANONICAL.get(self.family.name) == self.family.link.name

    @property
    def unit(self) -> float:
        """What effects on the linear predictor are measured in."""
        scaled = any(dpar.name == "sigma" for dpar in self.others)
        return self._spread if scaled and self.family.link.name == "identity" else 1.0

    @property
    def _spread(self) -> float:
        """Standard deviation of the response."""
        return float(np.std(self.y)) or 1.0

    @property
    def start(self) -> FloatArray:
        """Logs of the other parameters, above their lower bounds, to start from."""
        return np.log([0.5 * self._spread if dpar.name == "sigma" else 1.0 for dpar in self.others])

    def others_at(self, logs: FloatArray) -> dict[str, float]:
        """Return the other parameters on their natural scale."""
        with np.errstate(over="ignore"):
            values = np.exp(logs)
        return {
            dpar.name: dpar.lower + float(value)
            for dpar, value in zip(self.others, values, strict=True)
        }

    def density(self, eta: FloatArray, logs: FloatArray) -> FloatArray:
        """Return weighted log densities, shape (draw, obs), minus infinity where undefined."""
        with np.errstate(all="ignore"):
            rows = self.family.log_density(
                self.y, self._parameters(eta, logs), trials=self.trials, eta=eta
            )
        return np.where(np.isfinite(rows), rows * self.weights, -np.inf)

    def derivatives(self, eta: FloatArray, logs: FloatArray) -> Derivatives:
        """Return log densities and their derivatives; zero where they are not defined."""
        rows = self.density(eta + _STEP * _SHIFTS, logs)
        with np.errstate(invalid="ignore"):
            score = _FIRST @ rows / _STEP
        expected = _finite(self._expected(eta, logs)) if self.expected else None
        if expected is not None and self._is_canonical:
            return Derivatives(_finite(score), expected, expected)
        observed = _finite(self._observed(eta, logs))
        return Derivatives(_finite(score), observed, observed if expected is None else expected)

    def mean(self, eta: FloatArray, logs: FloatArray) -> FloatArray:
        """Return the mean of the response, counts where there are trials."""
        values = self.family.mean(self._parameters(eta[None], logs), trials=self.trials)
        return np.broadcast_to(values, (1, len(eta)))[0].copy()

    def saturated(self, logs: FloatArray) -> float:
        """Return the log-likelihood of a model in which the mean is the response itself."""
        share = self.y / (1.0 if self.trials is None else self.trials)
        with np.errstate(all="ignore"):
            eta = self.family.link.forward(share)[None]
            parameters = {**self._parameters(eta, logs), "mu": share[None]}
            rows = self.family.log_density(self.y, parameters, trials=self.trials)
        return float((_finite(rows) * self.weights).sum())

    def at_the_end(self, eta: FloatArray) -> NDArray[np.bool_]:
        """Say in which rows the mean is nearly at the end of its range."""
        mean, range_ = self.family.link.inverse(eta), self.family.dpars[0]
        return np.asarray((mean - range_.lower < _END) | (range_.upper - mean < _END))

    @property
    def first_eta(self) -> float:
        """A linear predictor of the size of the response."""
        total = self.y.sum() / (len(self.y) if self.trials is None else self.trials.sum())
        range_ = self.family.dpars[0]
        inside = np.clip(total, range_.lower + 0.01, range_.upper - 0.01)
        return float(self.family.link.forward(inside))

    def _parameters(self, eta: FloatArray, logs: FloatArray) -> Mapping[str, FloatArray]:
        """Return the family's parameters on their natural scale."""
        others = {name: np.array([[value]]) for name, value in self.others_at(logs).items()}
        return {self.family.dpars[0].name: self.family.link.inverse(eta), **others}

    def _expected(self, eta: FloatArray, logs: FloatArray) -> FloatArray:
        """Return the information about the linear predictor that is expected."""
        inverse = self.family.link.inverse
        with np.errstate(all="ignore"):
            slope = _FIRST @ inverse(eta + _STEP * _SHIFTS) / _STEP
            parameters = self._parameters(eta[None], logs)
            if self.trials is not None:
                slope = slope * self.trials
            special = _INFORMATION.get(self.family.name)
            if special is not None:
                information = special(parameters)
            else:
                information = 1.0 / self.family.variance(parameters, trials=self.trials)
            return np.asarray(np.square(slope) * information[0] * self.weights)

    def _observed(self, eta: FloatArray, logs: FloatArray) -> FloatArray:
        """Return minus the second derivative of the log density."""
        rows = self.density(eta + _WIDE_STEP * _SHIFTS, logs)
        with np.errstate(invalid="ignore"):
            return np.asarray(-(_SECOND @ rows) / _WIDE_STEP**2)


def has_expected_information(family: Family) -> bool:
    """Whether it is known what information to expect of a family."""
    return family.name in _EXPONENTIAL or family.name in _INFORMATION


def _finite(values: FloatArray) -> FloatArray:
    """Return values with zero in place of what is not finite."""
    return np.where(np.isfinite(values), values, 0.0)
