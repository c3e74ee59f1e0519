"""The log likelihood of each row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.data import Arrays, Design
from brmspy.families import Family
from brmspy.predict.linear import distributional_parameters, linear_predictors

__all__ = ["log_density", "weighted_density"]


def log_density(
    design: Design,
    family: Family,
    y: NDArray[np.float64] | NDArray[np.int64],
    draws: Mapping[str, NDArray[np.float64]],
    arrays: Arrays,
) -> NDArray[np.float64]:
    """Return the log density of every row under every draw, times the row's weight.

    Parameters
    ----------
    design : Design
        The design of the fitted model.
    family : Family
        Its family.
    y : ndarray, shape (obs,)
        The response, coded by the family.
    draws : mapping of str to ndarray, shape (draw, ...)
        The user's parameters.
    arrays : Arrays
        The data, trials and weights included.

    Returns
    -------
    ndarray, shape (draw, obs)
    """
    predictors = linear_predictors(design, draws, arrays)
    parameters = distributional_parameters(design, family, draws, predictors)
    return weighted_density(family, y, parameters, predictors.get("mu"), arrays)


def weighted_density(
    family: Family,
    y: NDArray[Any],
    parameters: Mapping[str, NDArray[np.float64]],
    eta: NDArray[np.float64] | None,
    arrays: Arrays,
) -> NDArray[np.float64]:
    """Return the log density of every row, times the row's weight.

    Parameters
    ----------
    family : Family
        The family.
    y : ndarray, shape (obs,)
        The response, coded by the family.
    parameters : mapping of str to ndarray
        Distributional parameters on their natural scale.
    eta : ndarray or None, shape (draw, obs)
        The mean on its link scale.
    arrays : Arrays
        Trials and weights.

    Returns
    -------
    ndarray, shape (draw, obs)
    """
    density = family.log_density(y, parameters, trials=arrays.trials, eta=eta)
    weighted = density if arrays.weights is None else density * arrays.weights
    return np.broadcast_to(weighted, (weighted.shape[0], arrays.nobs))
