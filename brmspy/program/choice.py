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
    design: Design, pilot: Pilot | None, parameterization: str
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

    Returns
    -------
    Coordinates
    """
    if pilot is None:
        return Coordinates(
            tuple(np.zeros(len(group.levels), dtype=bool) for group in design.groups), None
        )
    if parameterization == "centered":
        return Coordinates(
            tuple(np.ones(len(group.levels), dtype=bool) for group in design.groups), pilot
        )
    return Coordinates(tuple(block.strength > _ENOUGH for block in pilot.blocks), pilot)
