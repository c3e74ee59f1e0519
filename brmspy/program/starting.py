"""From a pilot fit to the start of a program."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from brmspy.pilot import Pilot
from brmspy.program.compose import TermSet
from brmspy.program.parameters import StanParameter
from brmspy.program.start import Start, StartValue
from brmspy.program.terms import CentredLevels, CorrelatedEffects

__all__ = ["start_of"]

FloatArray = NDArray[np.float64]


def start_of(
    pilot: Pilot,
    terms: TermSet,
    family_parameters: Mapping[str, StanParameter],
    parameters: tuple[StanParameter, ...],
) -> Start:
    """Return where the chains of a program start.

    Parameters
    ----------
    pilot : Pilot
        The pilot fit.
    terms : TermSet
        The terms of the program.
    family_parameters : mapping of str to StanParameter
        Distributional parameters that are one number.
    parameters : tuple of StanParameter
        All blocks, in the order of the program.

    Returns
    -------
    Start
    """
    values: dict[str, StartValue] = {} if terms.standard is None else terms.standard.start()
    for population in terms.population.values():
        values |= population.start(pilot)
    for name in family_parameters:
        variance = pilot.scalar_variances.get(name, 1.0)
        values[name] = StartValue(np.array(pilot.scalars[name]), np.array([variance]))
    for predictor in terms.effects:
        w = _coordinates(pilot, terms, predictor)
        position = 0
        if predictor in terms.uncorrelated:
            uncorrelated = terms.uncorrelated[predictor]
            values |= uncorrelated.start(pilot, w)
            position = uncorrelated.width
        for block in _correlated(terms, predictor):
            values |= block.start(pilot, w[position:])
            position += len(block.modes(pilot, predictor))
    for levels in terms.joint:
        values |= levels.start(pilot)
    if terms.integrated is not None:
        values |= terms.integrated.start(pilot)
    sampled = tuple(p for p in parameters if p.fixed != "all" and not p.definition)
    return Start(sampled, values)


def _correlated(terms: TermSet, predictor: str) -> list[CorrelatedEffects]:
    """Return the correlated blocks that enter a predictor."""
    return [
        block for block in terms.correlated if any(use.predictor == predictor for use in block.uses)
    ]


def _coordinates(pilot: Pilot, terms: TermSet, predictor: str) -> FloatArray:
    """Return all coordinates of a predictor's effects at the pilot fit."""
    parts: list[FloatArray] = []
    centrings: list[tuple[NDArray[np.intp], CentredLevels]] = []
    if predictor in terms.uncorrelated:
        uncorrelated = terms.uncorrelated[predictor]
        parts.append(uncorrelated.modes(pilot))
        if uncorrelated.centring is not None:
            places = np.arange(len(uncorrelated.centring.B))
            centrings.append((places, uncorrelated.centring))
    for block in _correlated(terms, predictor):
        if block.centring is not None:
            places = sum(map(len, parts)) + block.centred_places
            centrings.append((places, block.centring))
        parts.append(block.modes(pilot, predictor))
    modes = np.concatenate(parts)
    w = modes.copy()
    coefficients = pilot.predictors[predictor].coefficients
    # Each pass settles one more stage of a nested chain.
    for _ in pilot.blocks:
        for places, centring in centrings:
            w[places] = modes[places] + centring.start(coefficients, w)
    return w
