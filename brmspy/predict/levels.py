"""Effects of levels that the model has not seen."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brmspy.data import Design
from brmspy.errors import check_choice
from brmspy.program import correlated_pairs, group_members

__all__ = ["NEW_LEVELS", "LevelSampler"]

FloatArray = NDArray[np.float64]

NEW_LEVELS = ("uncertainty", "gaussian", "old_levels")


@dataclass(frozen=True)
class LevelSampler:
    """Draws effects of new levels; a level of one name always gets the same draws.

    Attributes
    ----------
    design : Design
        The design of the fitted model.
    draws : mapping of str to ndarray, shape (draw, ...)
        The user's parameters.
    how : {"uncertainty", "gaussian", "old_levels"}
        In each draw the effects of some level that the model has seen, or new ones from the
        normal distribution of that draw; or in all draws those of one level that it has seen.
    seed : int
        Seed of the random numbers.
    """

    design: Design
    draws: Mapping[str, FloatArray]
    how: str
    seed: int

    def __post_init__(self) -> None:
        check_choice("sample_new_levels", self.how, NEW_LEVELS)

    def columns(self, block: int, labels: Sequence[str]) -> list[FloatArray]:
        """Return the effects of new levels of a block.

        Parameters
        ----------
        block : int
            Which block of group-level effects.
        labels : sequence of str
            The new levels.

        Returns
        -------
        list of ndarray, shape (draw, level)
            One for each coefficient of the block.
        """
        info = self.design.groups[block]
        members = group_members(self.design.groups)[info.group]
        positions = [place for place, (owner, _) in enumerate(members) if owner == block]
        known = self.draws[f"r_{info.group}"]
        count = len(known)
        result = np.empty((len(positions), count, len(labels)))
        if self.how == "gaussian":
            root = self._root(block, positions)
            for place, label in enumerate(labels):
                standard = self._rng(info.group, label, block).normal(size=(count, len(positions)))
                result[:, :, place] = np.einsum("sij,sj->is", root, standard)
            return list(result)
        every = np.arange(count)
        for place, label in enumerate(labels):
            # The same level for all blocks of the group, as their effects belong together.
            rng = self._rng(info.group, label)
            size = count if self.how == "uncertainty" else None
            level = rng.integers(known.shape[1], size=size)
            result[:, :, place] = known[every, level][:, positions].T
        return list(result)

    def _root(self, block: int, positions: Sequence[int]) -> FloatArray:
        """Return a root of each draw's covariance matrix, shape (draw, coef, coef)."""
        info = self.design.groups[block]
        sd = self.draws[f"sd_{info.group}"][:, positions]
        correlation = np.broadcast_to(np.eye(len(positions)), (len(sd), *[len(positions)] * 2))
        if info.correlated and len(positions) > 1:
            correlation = correlation.copy()
            pairs = correlated_pairs(self.design.groups, info.group)
            for place, (owner, first, second) in enumerate(pairs):
                if owner == block:
                    values = self.draws[f"cor_{info.group}"][:, place]
                    correlation[:, first, second] = correlation[:, second, first] = values
        # Not Cholesky's: a correlation of nearly one may leave it just outside its reach.
        values, vectors = np.linalg.eigh(correlation)
        root: FloatArray = sd[:, :, None] * vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
        return root

    def _rng(self, group: str, label: str, block: int = 0) -> np.random.Generator:
        """Return the random numbers of one level, whatever rows and levels are beside it."""
        name = zlib.crc32(f"{group}\x00{label}".encode())
        return np.random.default_rng([self.seed, name, block])
