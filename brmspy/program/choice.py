"""Which coordinates the sampler moves in, chosen from what the data say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brmspy.data import Design
from brmspy.pilot import BlockPilot, JointEffects, Pilot
from brmspy.program.compose import Coordinates
from brmspy.program.coordinates import is_nested

__all__ = ["choose_coordinates"]

FloatArray = NDArray[np.float64]

# How much more the data must say about a level than its prior for it to be centred.
_ENOUGH = 2.0
# Where a standard deviation may be near zero, centred coordinates form a funnel. One smaller
# by this factor must be less likely, by this difference of log likelihoods.
_SMALLER, _UNLIKELY = 4.0, 5.0
# With few levels that difference takes other standard deviations for better known than they are.
_FEW_LEVELS, _UNLIKELY_OF_FEW = 8, 10.0


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
            _together(block, _is_nested(design, number))
            if design.groups[number].correlated
            else _one_by_one(block)
            for number, block in enumerate(pilot.blocks)
        ]
    leads = tuple(int(flags.any(axis=0).sum()) for flags in centred)
    if prior_only:
        centred = [np.zeros_like(flags) for flags in centred]
    joint: list[tuple[JointEffects, NDArray[np.intp]]] = []
    if pilot is not None and parameterization == "auto":
        joint = [(found, _known(found, prior_only)) for found in pilot.joint]
    return Coordinates(tuple(centred), leads, pilot, prior_only, tuple(joint))


def _known(found: JointEffects, prior_only: bool) -> NDArray[np.intp]:
    """Return of how many combinations of each level's effects the data say enough.

    Their standard deviation is clear of zero if the data cannot do with one combination less: some
    standard deviations smaller, and the others as they like.
    """
    odds, _ = found.directions()
    levels, size = odds.shape
    enough = _UNLIKELY_OF_FEW if levels < _FEW_LEVELS else _UNLIKELY
    clear = 0
    while not prior_only and clear < size:
        if found.evidence(_SMALLER, size - clear) <= enough:
            break
        clear += 1
    return np.minimum((odds > _ENOUGH).sum(axis=1), clear)


def _clear_of_zero(block: BlockPilot) -> NDArray[np.bool_]:
    """Return which standard deviations are clear of zero, shape (coefs,)."""
    few = len(block.odds) < _FEW_LEVELS
    return block.evidence(_SMALLER) > (_UNLIKELY_OF_FEW if few else _UNLIKELY)


def _one_by_one(block: BlockPilot) -> NDArray[np.bool_]:
    """Return the effects of a block without correlations that are centred."""
    return (block.odds > _ENOUGH) & _clear_of_zero(block)


def _together(block: BlockPilot, nested: bool) -> NDArray[np.bool_]:
    """Return the effects of a correlated block that are centred.

    These are of the first coefficients: as many as the data say enough about. Within other factors
    they are of all coefficients or of none.
    """
    odds = block.odds
    good = _clear_of_zero(block) & (np.median(odds, axis=0) > _ENOUGH / 2.0)
    lead = len(good) if good.all() else int(np.argmin(good))
    if lead == 0 or (nested and lead < len(good)):
        return np.zeros(odds.shape, dtype=bool)
    with np.errstate(divide="ignore"):  # the data may say nothing about a level
        levels = np.exp(np.log(odds[:, :lead]).mean(axis=1)) > _ENOUGH
    return levels[:, None] & (np.arange(len(good)) < lead)


def _is_nested(design: Design, number: int) -> bool:
    """Whether another block's factor has fewer levels and holds this one's."""
    own = design.arrays.groups[number].index
    counts = [len(group.levels) for group in design.groups]
    return any(
        counts[other] < counts[number] and is_nested(own, group.index)
        for other, group in enumerate(design.arrays.groups)
    )
