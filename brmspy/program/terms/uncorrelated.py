"""Group-level coefficients without correlations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from brmspy.pilot import Pilot
from brmspy.program.parameters import StanParameter
from brmspy.program.start import StartValue
from brmspy.program.terms.base import Draws, Effects, Term
from brmspy.program.terms.centring import CentredLevels, sd_variance, stack_positions

__all__ = ["UncorrelatedEffects"]


@dataclass(frozen=True)
class UncorrelatedEffects(Term):
    """The uncorrelated group-level coefficients of one predictor.

    Their coordinates stand in one vector: those of centred levels first, then the others, each
    coefficient after coefficient.

    Attributes
    ----------
    sd, z : StanParameter
        Standard deviations; standardised effects of levels that are not centred.
    u : StanParameter or None
        Hierarchical means of the centred levels.
    members : tuple of (int, int)
        Block and coefficient within the block, as the design counts them.
    centred : tuple of ndarray of bool, shape (levels,)
        Which levels of each are centred.
    centring : CentredLevels or None
        Their map.
    d : StanParameter or None
        What is left of the hierarchical means when `shift` times the coordinates of all
        coefficients is taken off them; None where the means themselves are sampled.
    shift : ndarray, shape (centred, coordinates), or None
        By how much the means move with the coordinates of all coefficients. Where a non-linear
        formula joins several predictors, the means of one move with the coefficients of the others.
    """

    template: ClassVar[str] = "uncorrelated"
    sd: StanParameter
    z: StanParameter
    u: StanParameter | None
    members: tuple[tuple[int, int], ...]
    centred: tuple[NDArray[np.bool_], ...]
    centring: CentredLevels | None = None
    d: StanParameter | None = None
    shift: NDArray[np.float64] | None = None

    @property
    def parameters(self) -> tuple[StanParameter, ...]:
        """Standard deviations and coordinates."""
        return tuple(p for p in (self.sd, self.d, self.u, self.z) if p is not None)

    @property
    def data(self) -> dict[str, Any]:
        """Sizes, and the coefficient that each level belongs to."""
        others = [int((~flags).sum()) for flags in self.centred]
        number = np.arange(len(self.members)) + 1
        data = {
            f"M{self.suffix}": len(self.members),
            f"G{self.suffix}": sum(others),
            f"coef{self.suffix}": np.repeat(number, others),
        }
        if self.centring is not None:
            counts = [int(flags.sum()) for flags in self.centred]
            data |= self.centring.data
            data[f"n_centred{self.suffix}"] = sum(counts)
            data[f"coef_centred{self.suffix}"] = np.repeat(number, counts)
        if self.shift is not None:
            data[f"shift{self.suffix}"] = self.shift
        return data

    @property
    def positions(self) -> tuple[NDArray[np.intp], ...]:
        """Where each level of each member stands in the vector of coordinates."""
        return stack_positions(self.centred, 1)

    @property
    def width(self) -> int:
        """Length of the vector of coordinates."""
        return sum(len(flags) for flags in self.centred)

    @property
    def stacked(self) -> str:
        """Stan text of the vector of coordinates."""
        effects = f"{self.sd.name}[coef{self.suffix}] .* {self.z.name}"
        return effects if self.u is None else f"append_row({self.u.name}, {effects})"

    def modes(self, pilot: Pilot) -> NDArray[np.float64]:
        """Return the effects of the pilot fit in the places of their coordinates."""
        effects = np.empty(self.width)
        for (block, m), positions in zip(self.members, self.positions, strict=True):
            effects[positions] = pilot.blocks[block].effects[:, m]
        return effects

    def start(self, pilot: Pilot, w: NDArray[np.float64]) -> dict[str, StartValue]:
        """Return standard deviations and coordinates of the pilot fit.

        Parameters
        ----------
        pilot : Pilot
            The pilot fit.
        w : ndarray, shape (Q,)
            All coordinates of the predictor's effects, where centred levels have their means.
        """
        found = [(pilot.blocks[block], m) for block, m in self.members]
        sd = np.array([block.sd[m] for block, m in found])
        spread = np.array([sd_variance(block.shrinkage[:, m]) for block, m in found])
        variances = np.empty(self.width)
        for (block, m), positions in zip(found, self.positions, strict=True):
            variances[positions] = block.covariance[m, m] * (1.0 - block.shrinkage[:, m])
        count = self.width - len(self.data[f"coef{self.suffix}"])
        own = sd[self.data[f"coef{self.suffix}"] - 1]
        values = {
            self.sd.name: StartValue(sd[self.sd.free_positions], spread[self.sd.free_positions]),
            self.z.name: StartValue(
                w[count : self.width] / own, variances[count : self.width] / own**2
            ),
        }
        if self.u is not None:
            sampled = self.u if self.d is None else self.d
            values[sampled.name] = StartValue(w[:count], variances[:count])
        return values

    def stack(self, draws: Draws) -> NDArray[np.float64]:
        """Return the coordinates, shape (chain, draw, width)."""
        coef = self.data[f"coef{self.suffix}"] - 1
        effects = draws[self.sd.name][..., coef] * draws[self.z.name]
        return effects if self.u is None else np.concatenate([draws[self.u.name], effects], -1)

    def recover(
        self,
        draws: Draws,
        coefficients: NDArray[np.float64] | None,
        w: NDArray[np.float64],
        sds: Effects,
        effects: Effects,
    ) -> None:
        """Add each member's sd and its levels' effects, shape (chain, draw, level)."""
        r = w[..., : self.width].copy()
        if self.centring is not None:
            r[..., : len(self.centring.B)] -= self.centring.centres(coefficients, w)
        for number, (member, positions) in enumerate(
            zip(self.members, self.positions, strict=True)
        ):
            sds[member] = draws[self.sd.name][..., number]
            effects[member] = r[..., positions]
