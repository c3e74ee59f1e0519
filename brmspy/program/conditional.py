"""Draws of effects that were integrated out, given everything else.

The effects r = Lambda u of a chain of nested factors, with u ~ normal(0, sigma) before the data are
seen, have u ~ normal(A^-1 b, sigma^2 A^-1) afterwards, where A = I + Lambda' Z'Z Lambda and
b = Lambda' Z'(y - X theta). A is eliminated column by column, the finest factor first, as in the
Stan program: A = L D L' with L unit triangular, so that u solves L' u = D^-1 (L^-1 b) + sigma
D^-1/2 n, with n standard normal, from the coarsest factor back to the finest.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from brmspy.program.integrate import NestedFactor, Statistics

__all__ = ["conditional_effects"]

FloatArray = NDArray[np.float64]

# Numbers in the arrays of levels and draws that are worked on at a time: they stay in the
# processor's cache. Fewer draws than some at a time cost more than they save.
_CHUNK, _SOME, _MOST = 2**16, 16, 2**21


def conditional_effects(
    statistics: Statistics,
    scale: FloatArray,
    theta: FloatArray,
    sigma: FloatArray,
    rng: np.random.Generator,
    prior_only: bool = False,
) -> tuple[FloatArray, ...]:
    """Draw the effects of a chain of nested factors, once for each draw of all else.

    Parameters
    ----------
    statistics : Statistics
        Sufficient statistics of the data.
    scale : ndarray, shape (draws, M, M)
        Lambda for one level of each factor, the finest factor's columns first: lower triangular
        factor of the effects' covariance, over sigma.
    theta : ndarray, shape (draws, P)
        The coefficients that are not integrated out.
    sigma : ndarray, shape (draws,)
        Residual standard deviation.
    rng : numpy.random.Generator
        Source of the random numbers: as many for each draw as there are effects.
    prior_only : bool
        Whether to ignore the data.

    Returns
    -------
    tuple of ndarray, shape (M of the factor, draws, levels)
        One for each factor, the finest first.
    """
    count = len(sigma)
    chain = _Chain.of(statistics)
    shapes = [(factor.size, count, len(factor.kind)) for factor in statistics.factors]
    effects = tuple(np.empty(shape) for shape in shapes)
    levels = sum(len(factor.kind) for factor in statistics.factors)
    step = max(_CHUNK // levels, min(_SOME, _MOST // levels), 1)
    for start in range(0, count, step):
        part = slice(start, min(start + step, count))
        noise = rng.normal(size=(part.stop - start, chain.effects)) * sigma[part, None]
        u = chain.noise_by_column(noise)
        if not prior_only:
            u = chain.solve(scale[part], theta[part], u)
        for column, (factor, position) in enumerate(chain.places):
            own = [k for k in chain.columns(factor) if k <= column]
            effects[factor][position, part] = sum(
                scale[part, column, k, None] * u[k].T for k in own
            )
    return effects


@dataclass(frozen=True)
class _Chain:
    """The columns of a chain, and how sums go up and values down.

    Attributes
    ----------
    statistics : Statistics
    places : tuple of (int, int)
        Factor of each column, and position there.
    sums : tuple of sparse array, shape (levels of the next factor, levels)
        What sums over children.
    """

    statistics: Statistics
    places: tuple[tuple[int, int], ...]
    sums: tuple[Any, ...]

    @classmethod
    def of(cls, statistics: Statistics) -> _Chain:
        factors = statistics.factors
        places = [(d, m) for d, factor in enumerate(factors) for m in range(factor.size)]
        sums = []
        for factor, above in itertools.pairwise(factors):
            levels = np.arange(len(factor.kind))
            assert factor.parent is not None, "only the coarsest factor has no parent"
            entries = (np.ones(len(levels)), (factor.parent, levels))
            sums.append(sparse.csr_array(entries, shape=(len(above.kind), len(levels))))
        return cls(statistics, tuple(places), tuple(sums))

    @property
    def factors(self) -> Sequence[NestedFactor]:
        return self.statistics.factors

    @property
    def effects(self) -> int:
        """Number of effects of all factors."""
        return sum(factor.size * len(factor.kind) for factor in self.factors)

    def columns(self, factor: int) -> range:
        """Return the columns of a factor."""
        first = self.statistics.first_columns
        return range(int(first[factor]), int(first[factor + 1]))

    def noise_by_column(self, noise: FloatArray) -> list[FloatArray]:
        """Return noise (draws, effects) column by column, (levels, draws)."""
        sizes = [len(self.factors[factor].kind) for factor, _ in self.places]
        parts = np.split(noise, np.cumsum(sizes)[:-1], axis=1)
        return [np.ascontiguousarray(part.T) for part in parts]

    def solve(
        self, scale: FloatArray, theta: FloatArray, noise: list[FloatArray]
    ) -> list[FloatArray]:
        """Return draws of u, column by column, (levels, draws)."""
        S, E = self._start(scale, theta)
        u: list[FloatArray] = []
        ratios: dict[tuple[int, int], FloatArray] = {}
        for d, factor in enumerate(self.factors):
            later = range(self.columns(d).stop, len(self.places))
            for j in self.columns(d):
                pivot = S[j, j] + 1.0
                u.append(E[j] / _spread(pivot, factor) + noise[j] / np.sqrt(_spread(pivot, factor)))
                for i in range(j + 1, len(self.places)):
                    ratios[j, i] = S[j, i] / pivot
                    E[i] = E[i] - _spread(ratios[j, i], factor) * E[j]
                    for k in range(j + 1, i + 1):
                        S[k, i] = S[k, i] - ratios[j, k] * S[j, i]
            if len(later):
                children = self.factors[d + 1].children
                for i in later:
                    E[i] = self.sums[d] @ E[i]
                    S |= {(k, i): children @ S[k, i] for k in later if k <= i}
        for j in reversed(range(len(self.places))):
            d = self.places[j][0]
            for i in range(j + 1, len(self.places)):
                above = self._down(u[i], self.places[i][0], d)
                u[j] -= _spread(ratios[j, i], self.factors[d]) * above
        return u

    def _start(
        self, scale: FloatArray, theta: FloatArray
    ) -> tuple[dict[tuple[int, int], FloatArray], list[FloatArray]]:
        """Return Lambda' Z'Z Lambda of the finest kinds and Lambda' Z'(y - X theta) of the levels.

        The former by pairs of columns, (kinds, draws), the latter by column, (levels, draws).
        """
        s, size = self.statistics, len(self.places)
        step = (theta - s.estimate).T
        products = s.ZZ.reshape(len(s.ZZ), -1)
        own = [self.columns(factor) for factor, _ in self.places]
        S = {}
        for j in range(size):
            for i in range(j, size):
                outer = scale[:, :, j, None] * scale[:, None, :, i]
                S[j, i] = products @ outer.reshape(len(outer), -1).T
        raw = [s.Ze[m][:, None] - s.ZX[m] @ step for m in range(size)]
        E = [sum(scale[:, k, j] * raw[k] for k in own[j] if k >= j) for j in range(size)]
        return S, [np.asarray(e) for e in E]

    def _down(self, values: FloatArray, coarse: int, fine: int) -> FloatArray:
        """Return a coarser factor's values for each level of a finer one."""
        for d in reversed(range(fine, coarse)):
            parent = self.factors[d].parent
            assert parent is not None, "there is a coarser factor"
            values = values[parent]
        return values


def _spread(values: FloatArray, factor: NestedFactor) -> FloatArray:
    """Return values of kinds, (kinds, draws), for each level, (levels, draws)."""
    return values if len(values) == 1 else values[factor.kind]
