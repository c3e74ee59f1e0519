"""Coefficients that the data hardly tell apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.fit import Fit

__all__ = ["Pair", "tied_pairs"]

_TIED = 0.95  # the one known, the other would be known three times as well


@dataclass(frozen=True)
class Pair:
    """Two coefficients that move together.

    Attributes
    ----------
    first, second : str
        Their names.
    correlation : float
        Over the draws.
    predictors : tuple of (str, str)
        The parameters that they predict.
    """

    first: str
    second: str
    correlation: float
    predictors: tuple[str, str]

    @property
    def gain(self) -> float:
        """How many times better the one would be known if the other were."""
        left = max(1.0 - self.correlation**2, 1e-12)
        return float(left**-0.5)

    @property
    def linear(self) -> bool:
        """Whether both belong to one linear predictor."""
        return self.predictors[0] == self.predictors[1]


@dataclass(frozen=True)
class _Coefficient:
    name: str
    predictor: str
    intercept: bool
    draws: NDArray[np.float64]


def tied_pairs(fit: Fit) -> list[Pair]:
    """Return the pairs of population-level coefficients that are strongly correlated.

    An intercept and the slopes of its own linear predictor are not counted: their correlation says
    no more than where the predictors have their zero.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.

    Returns
    -------
    list of Pair
        The closest first.
    """
    found = _coefficients(fit)
    if len(found) < 2:
        return []
    correlations: Any = np.corrcoef(np.stack([item.draws for item in found]))
    pairs = [
        Pair(
            first.name,
            second.name,
            float(correlations[i, j]),
            (first.predictor, second.predictor),
        )
        for i, first in enumerate(found)
        for j, second in enumerate(found[:i])
        if abs(correlations[i, j]) > _TIED and not _by_its_zero(first, second)
    ]
    return sorted(pairs, key=lambda pair: -abs(pair.correlation))


def _by_its_zero(first: _Coefficient, second: _Coefficient) -> bool:
    return first.predictor == second.predictor and (first.intercept or second.intercept)


def _coefficients(fit: Fit) -> list[_Coefficient]:
    """Return the coefficients that are not fixed."""
    found = []
    for predictor, info in fit.model.design.predictors.items():
        variable = "b" if predictor == "mu" else f"b_{predictor}"
        if not info.coefs:
            continue
        names = next(v.brms.flat for v in fit.variables if v.name == variable)
        draws = fit.groups["posterior"][variable].to_numpy().reshape(-1, len(info.coefs))
        for place, (name, coef) in enumerate(zip(names, info.coefs, strict=True)):
            own = draws[:, place]
            if np.isfinite(own).all() and np.ptp(own) > 0.0:
                found.append(_Coefficient(str(name), predictor, coef.label == "Intercept", own))
    return found
