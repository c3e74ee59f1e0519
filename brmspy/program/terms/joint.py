"""The effects of one factor on several parameters of a non-linear formula, sampled together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from brmspy.pilot import JointEffects, Pilot
from brmspy.program.parameters import StanParameter
from brmspy.program.start import StartValue
from brmspy.program.terms.base import Term

__all__ = ["JointLevels"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class JointLevels(Term):
    """Coordinates of the levels of one factor whose effects on several parameters are independent.

    Of each level, the combinations of effects that the data determine are sampled as they are, less
    what moves with the coefficients; the rest, given these, is standardised. The standardised
    effects follow from both by a rotation.

    Attributes
    ----------
    group : str
        The factor.
    members : tuple of (int, int)
        Block and coefficient within the block of each effect.
    sds : tuple of str
        Stan text of the standard deviations, predictor after predictor.
    lead : ndarray of int, shape (levels,)
        Number of combinations that are sampled as they are, the first ones.
    combinations : ndarray, shape (levels, members, members)
        In the rows.
    shift : ndarray, shape (members * levels, coordinates)
        By how much the combinations move with the coordinates of all coefficients: combination
        after combination.
    found : JointEffects
        The pilot fit of the effects.
    """

    template: ClassVar[str] = "joint"
    group: str
    members: tuple[tuple[int, int], ...]
    sds: tuple[str, ...]
    lead: NDArray[np.intp]
    combinations: FloatArray
    shift: FloatArray
    found: JointEffects

    @property
    def name(self) -> str:
        """Stan name of the coordinates."""
        return f"joint{self.suffix}"

    @property
    def parameters(self) -> tuple[StanParameter, ...]:
        """The coordinates, and the standardised effects with a row for the determinant."""
        n = self.name
        sd = self.sds[0]
        for other in self.sds[1:]:
            sd = f"append_row({sd}, {other})"
        sampled = StanParameter(
            n,
            "vector",
            f"{n}_M * {n}_G",
            internal=True,
            comment="combinations of effects that the data know, and the rest",
        )
        computed = StanParameter(
            f"{n}_z",
            "vector",
            f"({n}_M + 1) * {n}_G",
            internal=True,
            definition=f"joint_levels({n}, {n}_shift * std_coefs, {n}_T, {n}_known, {sd}, {n}_G)",
            comment="standardised effects, and what the map adds to the log density",
        )
        return (sampled, computed)

    @property
    def data(self) -> dict[str, Any]:
        """The combinations of each level."""
        n = self.name
        levels, size, _ = self.combinations.shape
        return {
            f"{n}_M": size,
            f"{n}_G": levels,
            f"{n}_T": np.moveaxis(self.combinations, 0, -1).ravel(),
            f"{n}_known": self._led.T.ravel().astype(float),
            f"{n}_shift": self.shift,
        }

    @property
    def _led(self) -> NDArray[np.bool_]:
        """Which combinations are sampled as they are, shape (levels, members)."""
        return np.asarray(np.arange(len(self.members)) < self.lead[:, None])

    def effects_of(self, first: int, count: int) -> str:
        """Return Stan text of the standardised effects of members, the first counted from 0."""
        n = self.name
        return f"segment({n}_z, {first} * {n}_G + 1, {count} * {n}_G)"

    def start(self, pilot: Pilot) -> dict[str, StartValue]:
        """Return where the coordinates are about."""
        sd = np.exp(self.found.log_sd)
        effects = np.column_stack([pilot.blocks[b].effects[:, m] for b, m in self.members])
        scaled = self.combinations * sd
        roots = np.linalg.cholesky(scaled @ np.swapaxes(scaled, 1, 2))
        known = np.einsum("gij,gj->gi", self.combinations, effects)
        inner = np.eye(len(sd)) + sd[:, None] * self.found.marginal.information * sd
        spread = scaled @ np.linalg.inv(inner) @ np.swapaxes(scaled, 1, 2)
        half = np.linalg.solve(roots, spread)
        rest = np.linalg.solve(roots, np.swapaxes(half, 1, 2))
        own = np.linalg.solve(roots, known[:, :, None])[:, :, 0]
        values = np.where(self._led, known, own)
        variances = np.where(self._led, np.einsum("gmm->gm", spread), np.einsum("gmm->gm", rest))
        return {self.name: StartValue(values.T.ravel(), variances.T.ravel())}
