"""Curves that approach an asymptote: asymptotic regression, von Bertalanffy's and Weibull's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np

from brmspy.selfstart.projection import FloatArray, projected, thinned
from brmspy.selfstart.records import Inputs, SelfStart, Values

__all__ = ["SELF_STARTS", "rates"]


def rates(x: FloatArray, count: int = 40) -> FloatArray:
    """Return rate constants that data over this range of the input could tell apart.

    Parameters
    ----------
    x : ndarray, shape (nobs,)
        The input.
    count : int
        How many.

    Returns
    -------
    ndarray, shape (count,)
        From hardly bent over the whole range to done within a small part of it.
    """
    return np.geomspace(0.05, 60.0, count) / np.ptp(x)


def _approaches(x: FloatArray, y: FloatArray) -> Iterator[tuple[float, float, float, float]]:
    """Yield rate, asymptote, distance from it at the smallest input, and the smallest input."""
    rows = thinned(x)
    first = float(x.min())
    since = x[rows] - first
    grid = ((float(rate),) for rate in rates(x))
    found = projected(y[rows], lambda rate: (np.ones(len(rows)), np.exp(-rate * since)), grid)
    for item in found:
        level, distance = map(float, item.coefficients)
        yield item.point[0], level, distance, first


def _asymp(inputs: Inputs, y: FloatArray) -> Iterator[Values]:
    for rate, level, distance, first in _approaches(inputs["input"], y):
        R0 = level + distance * np.exp(rate * first)
        yield {"Asym": level, "R0": R0, "lrc": np.log(rate)}


def _crossings(x: FloatArray, y: FloatArray) -> Iterator[tuple[float, float, float]]:
    """Yield asymptote, rate, and the input at which the curve is zero."""
    for rate, level, distance, first in _approaches(x, y):
        if level * distance < 0.0:
            yield level, rate, first + float(np.log(-distance / level)) / rate


def _asymp_off(inputs: Inputs, y: FloatArray) -> Iterator[Values]:
    for level, rate, zero in _crossings(inputs["input"], y):
        yield {"Asym": level, "lrc": np.log(rate), "c0": zero}


def _vonbert(inputs: Inputs, y: FloatArray) -> Iterator[Values]:
    for level, rate, zero in _crossings(inputs["input"], y):
        yield {"Linf": level, "K": rate, "t0": zero}


def _asymp_orig(inputs: Inputs, y: FloatArray) -> Iterator[Values]:
    x = inputs["input"]
    rows = thinned(x)
    far = np.abs(x).max()
    grid = ((float(rate),) for rate in np.geomspace(0.05, 60.0, 40) / far)
    for item in projected(y[rows], lambda rate: (-np.expm1(-rate * x[rows]),), grid):
        yield {"Asym": float(item.coefficients[0]), "lrc": np.log(item.point[0])}


def _weibull(inputs: Inputs, y: FloatArray) -> Iterator[Values]:
    x = inputs["x"]
    rows = thinned(x)
    scales = np.geomspace(0.03, 2.0, 16) * x.max()
    grid = product(map(float, scales), (0.4, 0.7, 1.0, 1.5, 2.0, 3.0, 4.5, 7.0))
    found = projected(
        y[rows],
        lambda scale, power: (np.ones(len(rows)), np.exp(-((x[rows] / scale) ** power))),
        grid,
    )
    for item in found:
        scale, power = item.point
        level, distance = map(float, item.coefficients)
        yield {"Asym": level, "Drop": -distance, "lrc": -power * np.log(scale), "pwr": power}


SELF_STARTS: Mapping[str, SelfStart] = {
    "SSasymp": SelfStart(_asymp),
    "SSasympOff": SelfStart(_asymp_off),
    "SSasympOrig": SelfStart(_asymp_orig),
    "SSvonbert": SelfStart(_vonbert),
    "SSweibull": SelfStart(_weibull),
}
"""By curve."""
