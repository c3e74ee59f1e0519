"""Curves through the origin: Michaelis-Menten, Hill, Holling's type II, and the power law."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

import numpy as np

from brmspy.selfstart.projection import FloatArray, Projection, projected, thinned
from brmspy.selfstart.records import Inputs, SelfStart, Values

__all__ = ["SELF_STARTS"]


def _half_points(x: FloatArray, count: int) -> list[float]:
    """Return inputs at which half the maximum could be reached."""
    positive = x[x > 0.0]
    return [float(k) for k in np.geomspace(positive.min() / 20.0, positive.max() * 20.0, count)]


def _hyperbolas(x: FloatArray, y: FloatArray) -> list[Projection]:
    """Return half point and maximum of hyperbolas."""
    rows = thinned(x)
    grid = ((k,) for k in _half_points(x, 50))
    return projected(y[rows], lambda K: (x[rows] / (K + x[rows]),), grid)


def _micmen(inputs: Inputs, y: FloatArray) -> Iterator[Values]:
    for item in _hyperbolas(inputs["input"], y):
        yield {"Vm": float(item.coefficients[0]), "K": item.point[0]}


def _holling(inputs: Inputs, y: FloatArray) -> Iterator[Values]:
    for item in _hyperbolas(inputs["input"], y):
        most, half = float(item.coefficients[0]), item.point[0]
        if most > 0.0:
            yield {"a": most / half, "h": 1.0 / most}


def _hill(inputs: Inputs, y: FloatArray) -> Iterator[Values]:
    x = inputs["input"]
    rows = thinned(x)

    def column(half: float, n: float) -> tuple[FloatArray]:
        ratio = (x[rows] / half) ** n
        return (ratio / (1.0 + ratio),)

    steepness = (0.3, 0.6, 1.0, 1.6, 2.5, 4.0, 7.0, 12.0)
    for item in projected(y[rows], column, product(_half_points(x, 24), steepness)):
        half, n = item.point
        yield {"Emax": float(item.coefficients[0]), "EC50": half, "n": n}


def _power(inputs: Inputs, y: FloatArray) -> Iterator[Values]:
    x = inputs["input"]
    rows = thinned(x)
    both = (x > 0.0) & (y > 0.0)
    if both.sum() >= 2 and np.ptp(x[both]) > 0.0:
        slope, level = np.polyfit(np.log(x[both]), np.log(y[both]), 1)
        yield {"a": float(np.exp(level)), "b": float(slope)}
    grid = ((float(b),) for b in np.linspace(-4.0, 6.0, 41))
    for item in projected(y[rows], lambda b: (x[rows] ** b,), grid):
        yield {"a": float(item.coefficients[0]), "b": item.point[0]}


SELF_STARTS: Mapping[str, SelfStart] = {
    "SSmicmen": SelfStart(_micmen),
    "SShill": SelfStart(_hill),
    "SSholling2": SelfStart(_holling),
    "SSpowerlaw": SelfStart(_power),
}
"""By curve."""
