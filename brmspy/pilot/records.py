"""What a pilot fit found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brmspy.pilot.joint import JointEffects

__all__ = ["BlockPilot", "Pilot", "PredictorPilot"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class PredictorPilot:
    """What the data say about one linear predictor.

    Attributes
    ----------
    coefficients : ndarray, shape (coefficients,)
        Posterior mode; the intercept's, at the means of the columns, first.
    prior_location, prior_precision : ndarray, shape (coefficients,)
        Of normal stand-ins for the priors; precision 0.0 for flat ones.
    eta : ndarray, shape (nobs,)
        The linear predictor.
    weights : ndarray, shape (nobs,)
        Information that each row has about it.
    """

    coefficients: FloatArray
    prior_location: FloatArray
    prior_precision: FloatArray
    eta: FloatArray
    weights: FloatArray


@dataclass(frozen=True)
class BlockPilot:
    """What the data say about one block of group-level effects.

    Attributes
    ----------
    covariance : ndarray, shape (coefs, coefs)
        Estimate of the effects' covariance.
    effects : ndarray, shape (levels, coefs)
        Posterior modes.
    information : ndarray, shape (levels, coefs, coefs)
        What the data hold about each level's effects, when blocks with more levels are averaged
        over.
    alone : ndarray, shape (levels, coefs, coefs)
        Information about each level when other blocks' effects of it are hardly known.
    """

    covariance: FloatArray
    effects: FloatArray
    information: FloatArray
    alone: FloatArray

    @property
    def sd(self) -> FloatArray:
        """Estimated standard deviations, shape (coefs,)."""
        return np.sqrt(np.diagonal(self.covariance))

    @property
    def shrinkage(self) -> FloatArray:
        """Share of the data in each effect's estimate, shape (levels, coefs); 0 is all prior."""
        return self._share(self.information)

    @property
    def odds(self) -> FloatArray:
        """Information of the data in units of the prior's, shape (levels, coefs).

        For each effect on its own, when others of its level are hardly known.
        """
        share = np.minimum(self.shrinkage, self._share(self.alone))
        share = np.clip(share, 0.0, 1.0 - 1e-12)
        return share / (1.0 - share)

    @property
    def posterior(self) -> FloatArray:
        """Covariance of each level's effects given the data, shape (levels, coefs, coefs)."""
        return self._left(self.information)

    def _left(self, information: FloatArray) -> FloatArray:
        """Return the covariances that information leaves."""
        return np.asarray(np.linalg.inv(information + np.linalg.inv(self.covariance)))

    def _share(self, information: FloatArray) -> FloatArray:
        left = self._left(information)
        return 1.0 - np.einsum("gmm->gm", left) / np.diagonal(self.covariance)

    def evidence(self, factor: float) -> FloatArray:
        """Return how much likelier the standard deviations are than smaller ones, shape (coefs,).

        Parameters
        ----------
        factor : float
            How much smaller; one coefficient at a time.

        Returns
        -------
        ndarray, shape (coefs,)
            Differences of approximate log marginal likelihoods.
        """
        size = len(self.covariance)
        values = []
        for m in range(size):
            scale = np.ones(size)
            scale[m] = 1.0 / factor
            smaller = scale[:, None] * self.covariance * scale
            values.append(self._log_marginal(self.covariance) - self._log_marginal(smaller))
        return np.array(values)

    def _log_marginal(self, covariance: FloatArray) -> float:
        """Return the log marginal likelihood of a covariance, up to a constant."""
        prior = np.linalg.inv(self.covariance)
        score = np.einsum("gij,gj->gi", self.information + prior, self.effects)
        posterior = np.linalg.inv(self.information + np.linalg.inv(covariance))
        gain = 0.5 * np.einsum("gi,gij,gj->", score, posterior, score)
        inner = np.eye(len(covariance)) + covariance @ self.information
        return float(gain - 0.5 * np.linalg.slogdet(inner)[1].sum())


@dataclass(frozen=True)
class Pilot:
    """A quick approximation of the posterior.

    Attributes
    ----------
    predictors : mapping of str to PredictorPilot
        By linear predictor.
    blocks : tuple of BlockPilot
        One for each block of group-level effects of the design.
    scalars : mapping of str to float
        Distributional parameters that are one number.
    scalar_variances : mapping of str to float
        Approximate posterior variance of the log of each scalar's distance from its lower bound.
    precision : ndarray, shape (all coefficients, all coefficients)
        Precision of the coefficients of all linear predictors, one after the other, averaged over
        all effects.
    converged : bool
        Whether the iterations came to rest. If not, the numbers are only a guess.
    slopes : ndarray, shape (all effects, all coefficients), or None
        By how much the mode of each effect moves with each coefficient: block after block, level
        after level. None where there are too many of them, or none.
    joint : tuple of JointEffects
        Effects of one factor on several parameters of a non-linear formula.
    """

    predictors: Mapping[str, PredictorPilot]
    blocks: tuple[BlockPilot, ...]
    scalars: Mapping[str, float]
    scalar_variances: Mapping[str, float]
    precision: FloatArray
    converged: bool
    slopes: FloatArray | None = None
    joint: tuple[JointEffects, ...] = ()

    def places(self, predictor: str) -> slice:
        """Return where a linear predictor's coefficients stand in `precision`."""
        start = 0
        for name, found in self.predictors.items():
            if name == predictor:
                return slice(start, start + len(found.coefficients))
            start += len(found.coefficients)
        raise KeyError(predictor)
