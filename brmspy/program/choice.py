"""Which coordinates the sampler moves in, chosen from what the data say."""

from __future__ import annotations

import numpy as np

from brmspy.data import Design
from brmspy.pilot import Pilot
from brmspy.program.compose import Coordinates

__all__ = ["choose_coordinates"]

# How much more the data must say about a level than its prior for it to be centred.
_ENOUGH = 2.0


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
    if pilot is None:
        centred = [np.zeros(len(group.levels), dtype=bool) for group in design.groups]
    elif parameterization == "centered":
        centred = [np.ones(len(group.levels), dtype=bool) for group in design.groups]
    else:
        centred = [block.strength > _ENOUGH for block in pilot.blocks]
    mapped = tuple(bool(flags.any()) for flags in centred)
    if prior_only:
        centred = [np.zeros_like(flags) for flags in centred]
    return Coordinates(tuple(centred), mapped, pilot, prior_only)
