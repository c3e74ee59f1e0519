"""The effects of one factor on several parameters, looked at together.

The parameters of a level's curve can stand for each other: a larger asymptote looks like a larger
rate as long as no row is near it. Looked at one by one, the standard deviation that is estimated
first takes everything, and the others seem to be zero. Here the log marginal likelihood of all
standard deviations is that of the linear model of the curve's tangents (Lindstrom and Bates 1990),
coefficients and effects averaged over.

References
----------
Lindstrom, M. J. and Bates, D. M. (1990). Nonlinear mixed effects models for repeated measures data.
Biometrics, 46(3). https://doi.org/10.2307/2532087
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

__all__ = ["JointEffects", "JointMarginal"]

FloatArray = NDArray[np.float64]

_FARTHEST = 12.0  # of log standard deviations from where they start


@dataclass(frozen=True)
class JointEffects:
    """Effects of one factor on several parameters, which are independent in the prior.

    Attributes
    ----------
    members : tuple of (int, int)
        Block of the design, and coefficient within the block, of each effect.
    marginal : JointMarginal
        What the data say about them.
    log_sd : ndarray, shape (members,)
        Estimates of the logs of their standard deviations.
    """

    members: tuple[tuple[int, int], ...]
    marginal: JointMarginal
    log_sd: FloatArray

    def evidence(self, factor: float, count: int) -> float:
        """Return how much likelier the standard deviations are than some smaller ones.

        Parameters
        ----------
        factor : float
            How much smaller.
        count : int
            How many of them are: those with which the data can do best. The others take the values
            that are then the likeliest.

        Returns
        -------
        float
            Difference of log marginal likelihoods.
        """
        at = self.marginal.value(self.log_sd)
        size = len(self.log_sd)
        found = []
        for smaller in combinations(range(size), count):
            moved = self.log_sd.copy()
            moved[list(smaller)] -= np.log(factor)
            others = tuple(m for m in range(size) if m not in smaller)
            found.append(at - self.marginal.value(self.marginal.likeliest(moved, others)))
        return min(found)

    def directions(self) -> tuple[FloatArray, FloatArray]:
        """Return the combinations of each level's effects by how much the data say about them.

        Returns
        -------
        odds : ndarray, shape (levels, members)
            Information of the data in units of the prior's, the largest first.
        combinations : ndarray, shape (levels, members, members)
            In the rows, with prior standard deviations of one; independent given the data.
        """
        sd = np.exp(self.log_sd)
        values, vectors = np.linalg.eigh(sd[:, None] * self.marginal.information * sd)
        odds = np.maximum(values[:, ::-1], 0.0)
        return odds, np.swapaxes(vectors[:, :, ::-1], 1, 2) / sd


@dataclass(frozen=True)
class JointMarginal:
    """The log marginal likelihood of the standard deviations of one factor's effects.

    Of a quadratic approximation of the log likelihood in coefficients and effects.

    Attributes
    ----------
    information : ndarray, shape (levels, members, members)
        About each level's effects.
    cross : ndarray, shape (levels, members, coefficients)
        Between these and the coefficients.
    own : ndarray, shape (coefficients, coefficients)
        About the coefficients, their priors included.
    right, right_own : ndarray
        The linear part of the quadratic, for effects and coefficients.
    """

    information: FloatArray
    cross: FloatArray
    own: FloatArray
    right: FloatArray
    right_own: FloatArray

    def value(self, log_sd: FloatArray) -> float:
        """Return the log marginal likelihood, up to a constant."""
        sd = np.exp(log_sd)
        inner = np.eye(len(sd)) + sd[:, None] * self.information * sd
        determinants = np.linalg.slogdet(inner)[1].sum()
        solved = sd[:, None] * np.linalg.solve(inner, sd[:, None] * self._both)
        gram = np.einsum("gmp,gmk->pk", self._both, solved)
        rest = self._whole - gram
        matrix, linear, square = rest[:-1, :-1], rest[:-1, -1], gram[-1, -1]
        sign, determinant = np.linalg.slogdet(matrix)
        if sign <= 0.0:
            return -np.inf
        gain = square + linear @ np.linalg.solve(matrix, linear)
        return float(0.5 * (gain - determinants - determinant))

    def likeliest(
        self,
        start: FloatArray,
        free: tuple[int, ...],
        log_prior: Callable[[FloatArray], float] = lambda _: 0.0,
        *,
        arms: bool = False,
    ) -> FloatArray:
        """Return the likeliest logs of standard deviations.

        Parameters
        ----------
        start : ndarray, shape (members,)
            Where to start.
        free : tuple of int
            Which of them move.
        log_prior : callable
            What is added to the log marginal likelihood.
        arms : bool
            Whether to look into the arms of the surface too, along which one standard deviation
            after the other goes to zero.
        """
        places = list(free)
        if not places:
            return start

        def loss(moved: FloatArray) -> float:
            at = start.copy()
            at[places] = moved
            value = -self.value(at) - log_prior(at)
            return value if np.isfinite(value) else 1e10

        best, least = start[places], loss(start[places])
        for shift in (0.0, *(np.eye(len(places)) * -2.0 if arms else ())):
            origin = start[places] + shift
            found = minimize(
                loss,
                origin,
                method="L-BFGS-B",
                bounds=[(x - _FARTHEST, x + _FARTHEST) for x in start[places]],
            )
            if found.fun < least:
                best, least = found.x, float(found.fun)
        result = start.copy()
        result[places] = best
        return result

    @cached_property
    def _both(self) -> FloatArray:
        """Cross terms and linear part side by side, shape (levels, members, coefficients + 1)."""
        return np.concatenate([self.cross, self.right[:, :, None]], axis=2)

    @cached_property
    def _whole(self) -> FloatArray:
        """The coefficients' part, with its linear part in the last row and column."""
        count = len(self.own)
        whole = np.zeros((count + 1, count + 1))
        whole[:count, :count] = self.own
        whole[:count, count] = whole[count, :count] = self.right_own
        return whole
