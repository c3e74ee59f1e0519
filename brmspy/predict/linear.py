"""Linear predictors and distributional parameters from draws of the user's parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brmspy.data import Arrays, Design
from brmspy.families import Family
from brmspy.formula import LinearPredictor
from brmspy.nonlinear import evaluate
from brmspy.program import coefficient_variable, group_members

__all__ = [
    "BlockEffects",
    "all_effects",
    "distributional_parameters",
    "linear_predictor",
    "linear_predictors",
]

FloatArray = NDArray[np.float64]
Draws = Mapping[str, FloatArray]


@dataclass(frozen=True)
class BlockEffects:
    """Draws of the effects of one block of group-level terms, for the rows of `Arrays`.

    Attributes
    ----------
    predictors : tuple of str
        The linear predictor that each coefficient belongs to; empty for one that is left out.
    columns : tuple of ndarray, shape (draw, level)
        The effects of each coefficient.
    index : ndarray, shape (obs,)
        The level of each row.
    """

    predictors: tuple[str, ...]
    columns: tuple[FloatArray, ...]
    index: NDArray[np.intp]


def all_effects(design: Design, draws: Draws, arrays: Arrays) -> tuple[BlockEffects, ...]:
    """Return the effects of all blocks, for rows whose levels the model has seen.

    Parameters
    ----------
    design : Design
        The design of the fitted model.
    draws : mapping of str to ndarray, shape (draw, ...)
        The user's parameters: ``r_<group>`` has shape (draw, level, coef).
    arrays : Arrays
        The rows, with all blocks of the model.

    Returns
    -------
    tuple of BlockEffects
    """
    columns: list[list[FloatArray]] = [[] for _ in design.groups]
    for group, members in group_members(design.groups).items():
        for column, (block, _) in enumerate(members):
            columns[block].append(draws[f"r_{group}"][..., column])
    return tuple(
        BlockEffects(tuple(coef.predictor for coef in info.coefs), tuple(found), group.index)
        for info, found, group in zip(design.groups, columns, arrays.groups, strict=True)
    )


def linear_predictors(
    design: Design,
    draws: Draws,
    arrays: Arrays,
    effects: Sequence[BlockEffects] | None = None,
    only: str | None = None,
) -> dict[str, FloatArray]:
    """Return every predicted parameter on its link scale.

    Parameters
    ----------
    design : Design
        The design of the fitted model.
    draws : mapping of str to ndarray, shape (draw, ...)
        The user's parameters: ``b``, ``r_<group>`` and so on.
    arrays : Arrays
        The data to predict for.
    effects : sequence of BlockEffects, optional
        The effects of each block of `arrays`; by default those of all levels that the model has
        seen.
    only : str, optional
        The one predictor that is wanted, with what it is made of.

    Returns
    -------
    dict of str to ndarray, shape (draw, obs)
        Keyed by predictor; parameters of non-linear formulas included.
    """
    blocks = all_effects(design, draws, arrays) if effects is None else effects
    count = len(next(iter(draws.values())))
    wanted = _ingredients(design, only)
    values: dict[str, FloatArray] = {}
    for predictor in design.terms.predictors:
        if predictor.name not in wanted:
            continue
        if isinstance(predictor, LinearPredictor):
            values[predictor.name] = linear_predictor(draws, arrays, blocks, predictor.name)
        else:
            body = evaluate(predictor.body, {**arrays.covariates, **values})
            values[predictor.name] = np.broadcast_to(body, (count, arrays.nobs))
    return values


def distributional_parameters(
    design: Design,
    family: Family,
    draws: Draws,
    predictors: Mapping[str, FloatArray],
) -> dict[str, FloatArray]:
    """Return the distributional parameters on their natural scale.

    Parameters
    ----------
    design : Design
        The design of the fitted model.
    family : Family
        Its family.
    draws : mapping of str to ndarray, shape (draw, ...)
        The user's parameters.
    predictors : mapping of str to ndarray, shape (draw, obs)
        The result of `linear_predictors`.

    Returns
    -------
    dict of str to ndarray
        Shape (draw, obs) for predicted parameters, else (draw, 1).
    """
    fixed = {parameter.name: parameter.value for parameter in design.terms.fixed}
    count = len(next(iter(draws.values())))
    values = {}
    for dpar in family.dpars:
        if dpar.name in predictors:
            values[dpar.name] = dpar.link.inverse(predictors[dpar.name])
        elif dpar.name in fixed:
            values[dpar.name] = np.full((count, 1), fixed[dpar.name])
        else:
            values[dpar.name] = draws[dpar.name][:, None]
    return values


def _ingredients(design: Design, only: str | None) -> set[str]:
    """Return the predictors that one is made of, itself included; all if none is named."""
    names = {predictor.name for predictor in design.terms.predictors}
    if only is None:
        return names
    wanted = {only}
    for predictor in reversed(design.terms.predictors):  # what a body reads comes before it
        if predictor.name in wanted and not isinstance(predictor, LinearPredictor):
            wanted |= names.intersection(predictor.parameters)
    return wanted


def linear_predictor(
    draws: Draws, arrays: Arrays, blocks: Sequence[BlockEffects], name: str
) -> FloatArray:
    """Return X b + offset + Z r of one predictor.

    Parameters
    ----------
    draws : mapping of str to ndarray, shape (draw, ...)
        The user's parameters.
    arrays : Arrays
        The rows.
    blocks : sequence of BlockEffects
        The effects of each block of `arrays`.
    name : str
        The linear predictor.

    Returns
    -------
    ndarray, shape (draw, obs)
    """
    count = len(next(iter(draws.values())))
    pieces = arrays.predictors[name]
    if pieces.X.shape[1]:
        eta = draws[coefficient_variable(name)] @ pieces.X.T
    else:
        eta = np.zeros((count, arrays.nobs))
    if pieces.offset is not None:
        eta += pieces.offset
    for group, effects in zip(arrays.groups, blocks, strict=True):
        for position, predictor in enumerate(effects.predictors):
            if predictor == name:
                chosen = effects.columns[position].take(effects.index, axis=1)
                chosen *= group.Z[:, position]
                eta += chosen
    return eta
