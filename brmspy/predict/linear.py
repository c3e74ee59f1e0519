"""Linear predictors and distributional parameters from draws of the user's parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.data import Arrays, Design
from brmspy.families import Family
from brmspy.formula import LinearPredictor
from brmspy.nonlinear import evaluate
from brmspy.program import coefficient_variable, group_members

__all__ = ["distributional_parameters", "linear_predictors"]

Draws = Mapping[str, NDArray[np.float64]]


def linear_predictors(
    design: Design, draws: Draws, arrays: Arrays
) -> dict[str, NDArray[np.float64]]:
    """Return every predicted parameter on its link scale.

    Parameters
    ----------
    design : Design
        The design of the fitted model.
    draws : mapping of str to ndarray, shape (draw, ...)
        The user's parameters: ``b``, ``r_<group>`` and so on. Effects of levels that the model has
        not seen follow those of the levels that it has.
    arrays : Arrays
        The data to predict for.

    Returns
    -------
    dict of str to ndarray, shape (draw, obs)
        Keyed by predictor; parameters of non-linear formulas included.
    """
    values: dict[str, NDArray[np.float64]] = {}
    for predictor in design.terms.predictors:
        if isinstance(predictor, LinearPredictor):
            values[predictor.name] = _linear(design, draws, arrays, predictor.name)
        else:
            body = evaluate(predictor.body, {**arrays.covariates, **values})
            values[predictor.name] = np.broadcast_to(body, (_count(draws), arrays.nobs))
    return values


def distributional_parameters(
    design: Design,
    family: Family,
    draws: Draws,
    predictors: Mapping[str, NDArray[np.float64]],
) -> dict[str, NDArray[np.float64]]:
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
    values = {}
    for dpar in family.dpars:
        if dpar.name in predictors:
            values[dpar.name] = dpar.link.inverse(predictors[dpar.name])
        elif dpar.name in fixed:
            values[dpar.name] = np.full((_count(draws), 1), fixed[dpar.name])
        else:
            values[dpar.name] = draws[dpar.name][:, None]
    return values


def _linear(design: Design, draws: Draws, arrays: Arrays, name: str) -> NDArray[np.float64]:
    """Return X b + offset + Z r of one predictor, shape (draw, obs)."""
    eta = np.zeros((_count(draws), arrays.nobs))
    pieces = arrays.predictors[name]
    if pieces.X.shape[1]:
        eta += draws[coefficient_variable(name)] @ pieces.X.T
    if pieces.offset is not None:
        eta += pieces.offset
    for group, members in group_members(design.groups).items():
        for column, (block, position) in enumerate(members):
            if design.groups[block].coefs[position].predictor != name:
                continue
            effects = draws[f"r_{group}"][..., column]
            index, Z = arrays.groups[block].index, arrays.groups[block].Z[:, position]
            eta += effects[:, index] * Z
    return eta


def _count(draws: Mapping[str, Any]) -> int:
    """Return the number of draws."""
    return len(next(iter(draws.values())))
