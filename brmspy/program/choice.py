"""Which coordinates the sampler moves in, chosen from what the data say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brmspy.data import Design
from brmspy.pilot import BlockPilot, Pilot
from brmspy.program.compose import Coordinates

__all__ = ["choose_coordinates"]

# How much more the data must say about a level than its prior for it to be centred.
_ENOUGH = 2.0
# Where a standard deviation may be near zero, centred coordinates form a funnel. One smaller
# by this factor must be less likely, by this difference of log likelihoods.
_SMALLER, _UNLIKELY = 4.0, 5.0


def choose_coordinates(
    design: Design, pilot: Pilot | None, parameterization: str, prior_only: bool
) -> Coordinates:
    """Choose the coordinates.

    Parameters
    ----------
    design : Design
        The design.
    pilot : Pilot or None
        The pilot fit; None leaves everything in the textbook's coordinates.
    parameterization : {"auto", "centered", "noncentered"}
        What the user wants.
    prior_only : bool
        Whether the draws come from the prior. The program is then the same as for the posterior,
        but no level is centred: without data, standardised effects are best.

    Returns
    -------
    Coordinates
    """
    shapes = [(len(group.levels), len(group.coefs)) for group in design.groups]
    if pilot is None:
        centred = [np.zeros(shape, dtype=bool) for shape in shapes]
    elif parameterization == "centered":
        centred = [np.ones(shape, dtype=bool) for shape in shapes]
    else:
        centred = [
            _together(block) if group.correlated else _one_by_one(block)
            for group, block in zip(design.groups, pilot.blocks, strict=True)
        ]
    mapped = tuple(bool(flags.any()) for flags in centred)
    if prior_only:
        centred = [np.zeros_like(flags) for flags in centred]
    return Coordinates(tuple(centred), mapped, pilot, prior_only)


def _together(block: BlockPilot) -> NDArray[np.bool_]:
    """Return the levels of a correlated block that are centred, all coefficients alike."""
    flags = (block.strength > _ENOUGH) & bool(np.all(block.evidence(_SMALLER) > _UNLIKELY))
    return np.repeat(flags[:, None], len(block.covariance), axis=1)


def _one_by_one(block: BlockPilot) -> NDArray[np.bool_]:
    """Return the effects of a block without correlations that are centred."""
    odds = block.shrinkage / np.maximum(1.0 - block.shrinkage, np.finfo(float).tiny)
    return (odds > _ENOUGH) & (block.evidence(_SMALLER) > _UNLIKELY)
