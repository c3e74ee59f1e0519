"""Blocks of correlated group-level coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from brmspy.pilot import Pilot
from brmspy.program.parameters import StanParameter
from brmspy.program.start import StartValue
from brmspy.program.terms.base import Draws, Effects, Term
from brmspy.program.terms.centring import (
    CentredLevels,
    WithinLevels,
    scale_start,
    stack_positions,
)

__all__ = ["BlockUse", "CorrelatedEffects"]


@dataclass(frozen=True)
class BlockUse:
    """The coefficients of a correlated block that enter one predictor, counted from 1."""

    predictor: str
    suffix: str
    purpose: str
    first: int
    last: int


@dataclass(frozen=True)
class CorrelatedEffects(Term):
    """A block of correlated group-level coefficients.

    Its coordinates stand level after level, centred levels first.

    Attributes
    ----------
    block : int
        Which block of the design.
    sd, cholesky, z : StanParameter
        Standard deviations, Cholesky factor of the correlations, standardised effects of levels
        that are not centred.
    u : StanParameter or None
        Coordinates of the centred levels, for the first `lead` coefficients: their hierarchical
        means, or what `within` makes these from.
    v : StanParameter or None
        Standardised rest of their other coefficients' effects, if there are any.
    uses : tuple of BlockUse
        The predictors that it enters.
    size, lead : int
        Number of coefficients, and of those whose centred levels are.
    centred : ndarray of bool, shape (levels,)
        Which levels are centred.
    centring : CentredLevels or None
        Their map.
    within : WithinLevels or None
        What makes the hierarchical means from `u`; None where they are sampled themselves.
    """

    template: ClassVar[str] = "correlated"
    group: str
    block: int
    sd: StanParameter
    cholesky: StanParameter
    z: StanParameter
    u: StanParameter | None
    v: StanParameter | None
    uses: tuple[BlockUse, ...]
    size: int
    lead: int
    centred: NDArray[np.bool_]
    centring: CentredLevels | None = None
    within: WithinLevels | None = None

    @property
    def parameters(self) -> tuple[StanParameter, ...]:
        """Standard deviations, Cholesky factor of the correlations, coordinates."""
        coordinates = (p for p in (self.u, self.v, self.z) if p is not None)
        return (self.sd, self.cholesky, *coordinates)

    @property
    def shared(self) -> bool:
        """Whether the block enters several predictors."""
        return len(self.uses) > 1

    @property
    def levels(self) -> int:
        """Number of levels."""
        return len(self.centred)

    def span(self, use: BlockUse) -> str:
        """Return the name of the data that say which coefficients enter a predictor."""
        return f"span{self.suffix}{use.suffix or '_mu'}"

    @property
    def data(self) -> dict[str, Any]:
        """Sizes, and for shared blocks the coefficients of each predictor."""
        s = self.suffix
        data: dict[str, Any] = {f"M{s}": self.size, f"G{s}": int((~self.centred).sum())}
        if self.centring is not None:
            data |= self.centring.data | {f"n_centred{s}": int(self.centred.sum())}
        if self.within is not None:
            data |= self.within.data
        if self.v is not None:
            data[f"n_lead{s}"] = self.lead
        if self.shared:
            data |= {self.span(use): [use.first, use.last] for use in self.uses}
        return data

    @property
    def positions(self) -> NDArray[np.intp]:
        """Where each level starts in the vector of coordinates of a block in one predictor."""
        return stack_positions([self.centred], self.size)[0]

    @property
    def centred_places(self) -> NDArray[np.intp]:
        """Where the hierarchical means stand in the vector of coordinates."""
        levels = np.arange(int(self.centred.sum()))
        return (levels[:, None] * self.size + np.arange(self.lead)).ravel()

    def stacked(self, predictor: str) -> str:
        """Stan text of the vector of coordinates that enter `predictor`, level after level."""
        s = self.suffix
        if self.u is not None:
            own = "u" if self.v is None else "w"
            return f"append_row(to_vector({own}{s}), to_vector(r{s}))"
        if not self.shared:
            return f"to_vector(r{s})"
        use = next(use for use in self.uses if use.predictor == predictor)
        span = self.span(use)
        return f"to_vector(r{s}[{span}[1]:{span}[2]])"

    def modes(self, pilot: Pilot, predictor: str) -> NDArray[np.float64]:
        """Return the effects of the pilot fit in the places of their coordinates."""
        use = next(use for use in self.uses if use.predictor == predictor)
        effects = pilot.blocks[self.block].effects[:, use.first - 1 : use.last]
        ordered = np.empty_like(effects)
        ordered[stack_positions([self.centred], 1)[0]] = effects
        return ordered.ravel()

    def start(self, pilot: Pilot, w: NDArray[np.float64]) -> dict[str, StartValue]:
        """Return standard deviations, correlations and coordinates of the pilot fit.

        Parameters
        ----------
        pilot : Pilot
            The pilot fit.
        w : ndarray, shape (levels * coefs,)
            The block's coordinates, where centred levels have their means.
        """
        found = pilot.blocks[self.block]
        count = int(self.centred.sum())
        order = np.argsort(stack_positions([self.centred], 1)[0])
        values = scale_start(self.sd, [self.cholesky], [found])
        root = np.linalg.cholesky(found.covariance)
        inner = np.linalg.inv(np.eye(self.size) + root.T @ found.information @ root)
        own = np.asarray(np.linalg.solve(root, found.effects[order].T), dtype=float)
        spread = np.einsum("gmm->gm", inner)[order]
        values[self.z.name] = StartValue(own[:, count:], spread[count:].ravel())
        if self.v is not None:
            lead = self.lead
            values[self.v.name] = StartValue(own[lead:, :count], spread[:count, lead:].ravel())
        if self.u is not None:
            left = np.einsum("gmm->gm", root @ inner @ root.T)[order][:count]
            means = w[: count * self.size].reshape(count, self.size)[:, : self.lead]
            spreads = left[:, : self.lead].ravel()
            if self.within is not None:
                means = self.within.coordinates(means.ravel()).reshape(means.shape)
                spreads = self.within.variances
            values[self.u.name] = StartValue(means.T, spreads)
        return values

    def stack(
        self, draws: Draws, predictor: str, coefficients: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """Return the coordinates that enter `predictor`, shape (chain, draw, levels * coefs).

        Parameters
        ----------
        draws : mapping of str to ndarray
            What the sampler drew.
        predictor : str
            The predictor.
        coefficients : ndarray, shape (chain, draw, coefficients), or None
            Those of the predictor, as the program has them.
        """
        use = next(use for use in self.uses if use.predictor == predictor)
        r = self._scale(draws) @ draws[self.z.name]
        if self.u is not None:
            r = np.concatenate([self._centred_part(draws, coefficients), r], axis=-1)
        matrix = r[..., use.first - 1 : use.last, :]
        return np.swapaxes(matrix, -1, -2).reshape(*matrix.shape[:2], -1)

    def _scale(self, draws: Draws) -> NDArray[np.float64]:
        return np.asarray(draws[self.sd.name][..., None] * draws[self.cholesky.name])

    def _centred_part(
        self, draws: Draws, coefficients: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """Return the coordinates of the centred levels, shape (chain, draw, coef, centred)."""
        assert self.u is not None, "asked for only where levels are centred"
        u = draws[self.u.name]
        if self.within is not None:
            u = self._by_level(self.within.means(np.swapaxes(u, -1, -2).reshape(*u.shape[:2], -1)))
        if self.v is None or self.centring is None:
            return u
        scale, lead = self._scale(draws), self.lead
        first = u - self._by_level(self.centring.centres(coefficients, np.empty((*u.shape[:2], 0))))
        z = np.linalg.solve(scale[..., :lead, :lead], first)
        rest = (scale @ np.concatenate([z, draws[self.v.name]], axis=-2))[..., lead:, :]
        return np.concatenate([u, rest], axis=-2)

    def _by_level(self, centres: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return centres, which stand level after level, as (chain, draw, coef, centred)."""
        return np.swapaxes(centres.reshape(*centres.shape[:2], -1, self.lead), -1, -2)

    def recover(
        self,
        draws: Draws,
        coefficients: NDArray[np.float64] | None,
        w: NDArray[np.float64],
        sds: Effects,
        effects: Effects,
    ) -> None:
        """Add each coefficient's sd and its levels' effects, shape (chain, draw, level)."""
        r = self._scale(draws) @ draws[self.z.name]
        if self.centring is not None:
            own = np.array(self._centred_part(draws, coefficients))
            own[..., : self.lead, :] -= self._by_level(self.centring.centres(coefficients, w))
            r = np.concatenate([own, r], axis=-1)
        order = stack_positions([self.centred], 1)[0]
        for position in range(self.size):
            sds[self.block, position] = draws[self.sd.name][..., position]
            effects[self.block, position] = r[..., position, :][..., order]
