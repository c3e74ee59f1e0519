"""What the estimators of mixed models take and what they return: plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["EffectBlock", "MixedEstimate"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class EffectBlock:
    """Effects that vary between the levels of one grouping factor, with one covariance.

    Attributes
    ----------
    Z : ndarray, shape (nobs, coefs)
        What the effects of a row's level are multiplied with.
    index : ndarray of int, shape (nobs,)
        Each row's level, from 0.
    levels : int
        Number of levels.
    correlated : bool
        Whether the correlations of the coefficients are estimated; they are zero otherwise.
    predictors : tuple of int
        In non-linear models, the parameter to whose predictor each coefficient belongs; empty if
        they all belong to the first.
    """

    Z: FloatArray
    index: NDArray[Any]
    levels: int
    correlated: bool = True
    predictors: tuple[int, ...] = ()

    @classmethod
    def of(cls, item: Any) -> EffectBlock:
        """Return a block, which may be given as a tuple of its fields."""
        return item if isinstance(item, cls) else cls(*item)


@dataclass(frozen=True)
class MixedEstimate:
    """A mixed model fitted by maximum likelihood, or by restricted maximum likelihood.

    Attributes
    ----------
    coefficients : ndarray, shape (k,)
        Population-level coefficients in the order of the columns of X; in non-linear models those
        of all parameters, one after the other.
    covariance : ndarray, shape (k, k)
        Their covariance.
    covariances : tuple of ndarray, shape (coefs, coefs)
        Covariance of the group-level effects, one for each block.
    scale : float or None
        Residual standard deviation, if the model has one.
    modes : tuple of ndarray, shape (levels, coefs)
        Conditional modes of the group-level effects.
    mode_sds : tuple of ndarray, shape (levels, coefs)
        Their standard deviations, given all parameters.
    log_likelihood : float
        Log-likelihood at the maximum, restricted if `reml`.
    fitted : ndarray, shape (nobs,)
        Fitted values on the scale of the response (counts where there are trials), with the modes.
    reml : bool
        Whether the restricted likelihood was maximised.
    method : str
        How the likelihood was computed.
    converged : bool
        Whether this is a maximum.
    message : str
        What is to be known about the optimum; empty if there is nothing.
    singular : bool
        Whether a covariance of effects lies on the boundary: a variance of zero, or a correlation
        of one.
    parameters : int
        Number of estimated parameters, all together, as AIC and BIC count them.
    family_parameters : mapping of str to float
        Other estimated parameters of the family, such as ``shape``.
    log_likelihood_constant : float
        What `log_likelihood` leaves out by convention: the log-likelihood of the saturated model
        with adaptive quadrature, as in lme4; else zero. Add it to compare with other likelihoods.
    spreads : ndarray, shape (s,)
        What describes the variances, where it is nearly normal: block by block the logs of the
        standard deviations and, if correlated, the Fisher z transforms of the correlations (of
        coefficients 1 and 0, 2 and 0, 2 and 1, ...), then the log of `scale`, then the logs of
        `family_parameters`.
    spreads_covariance : ndarray, shape (s, s), or None
        Their covariance, NaN for what lies on the boundary; None if it could not be computed.
    """

    coefficients: FloatArray
    covariance: FloatArray
    covariances: tuple[FloatArray, ...]
    scale: float | None
    modes: tuple[FloatArray, ...]
    mode_sds: tuple[FloatArray, ...]
    log_likelihood: float
    fitted: FloatArray
    reml: bool
    method: str
    converged: bool
    message: str
    singular: bool
    parameters: int
    family_parameters: Mapping[str, float] = field(default_factory=dict)
    log_likelihood_constant: float = 0.0
    spreads: FloatArray = field(default_factory=lambda: np.empty(0))
    spreads_covariance: FloatArray | None = None
