"""Curves with an inflection point: logistic, Gompertz, Richards, and two logistic phases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations, product

import numpy as np
from scipy import special

from brmspy.selfstart.projection import FloatArray, projected, thinned
from brmspy.selfstart.records import Inputs, SelfStart, Values

__all__ = ["SELF_STARTS"]


def _middles(x: FloatArray, count: int, beyond: float) -> list[float]:
    """Return inputs at which the inflection point could be, some beyond the data."""
    span = float(np.ptp(x))
    return [float(m) for m in np.linspace(x.min() - beyond * span, x.max() + beyond * span, count)]


def _scales(x: FloatArray, count: int) -> list[float]:
    """Return scales of the input over which the curve could rise."""
    return [float(s) for s in np.geomspace(0.015, 0.7, count) * np.ptp(x)]


def _logis(inputs: Inputs, y: FloatArray) -> Iterator[Values]:
    x = inputs["input"]
    rows = thinned(x)
    scales = _scales(x, 10)
    grid = product(_middles(x, 15, 0.4), [*scales, *(-s for s in scales)])
    found = projected(y[rows], lambda mid, scal: (special.expit((x[rows] - mid) / scal),), grid)
    for item in found:
        mid, scal = item.point
        yield {"Asym": float(item.coefficients[0]), "xmid": mid, "scal": scal}


def _fpl(inputs: Inputs, y: FloatArray) -> Iterator[Values]:
    x = inputs["input"]
    rows = thinned(x)

    def columns(mid: float, scal: float) -> tuple[FloatArray, FloatArray]:
        share = special.expit((x[rows] - mid) / scal)
        return 1.0 - share, share

    for item in projected(y[rows], columns, product(_middles(x, 17, 0.2), _scales(x, 12))):
        mid, scal = item.point
        A, B = map(float, item.coefficients)
        yield {"A": A, "B": B, "xmid": mid, "scal": scal}


def _gompertz(inputs: Inputs, y: FloatArray) -> Iterator[Values]:
    x = inputs["x"]
    rows = thinned(x)
    found = projected(
        y[rows],
        lambda mid, scal: (np.exp(-np.exp(-(x[rows] - mid) / scal)),),
        product(_middles(x, 17, 0.5), _scales(x, 14)),
    )
    for item in found:
        mid, scal = item.point
        yield {
            "Asym": float(item.coefficients[0]),
            "b2": np.exp(mid / scal),
            "b3": np.exp(-1.0 / scal),
        }


def _richards(inputs: Inputs, y: FloatArray) -> Iterator[Values]:
    x = inputs["input"]
    rows = thinned(x)

    def column(mid: float, scal: float, nu: float) -> tuple[FloatArray]:
        return (np.exp(-np.logaddexp(0.0, np.log(nu) - (x[rows] - mid) / scal) / nu),)

    grid = product(_middles(x, 13, 0.3), _scales(x, 10), (0.1, 0.4, 1.0, 2.5, 6.0))
    for item in projected(y[rows], column, grid):
        mid, scal, nu = item.point
        yield {"Asym": float(item.coefficients[0]), "xmid": mid, "scal": scal, "nu": nu}


def _bilogis(inputs: Inputs, y: FloatArray) -> Iterator[Values]:
    x = inputs["input"]
    rows = thinned(x)

    def columns(first: float, s1: float, second: float, s2: float) -> tuple[FloatArray, FloatArray]:
        at = x[rows]
        return special.expit((at - first) / s1), special.expit((at - second) / s2)

    scales = [float(s) for s in np.geomspace(0.02, 0.25, 4) * np.ptp(x)]
    pairs = combinations(_middles(x, 10, 0.0), 2)
    grid = ((a, s, b, t) for (a, b), s, t in product(pairs, scales, scales))
    found = projected(y[rows], columns, grid, kept=40)
    # Two phases in the same direction, where there are such.
    alike = [item for item in found if np.prod(item.coefficients) > 0.0]
    for item in (alike or found)[:5]:
        first, s1, second, s2 = item.point
        one, two = map(float, item.coefficients)
        yield {
            "Asym1": one,
            "xmid1": first,
            "scal1": s1,
            "Asym2": two,
            "xmid2": second,
            "scal2": s2,
        }


_PHASES = (("Asym1", "xmid1", "scal1"), ("Asym2", "xmid2", "scal2"))

SELF_STARTS: Mapping[str, SelfStart] = {
    "SSlogis": SelfStart(_logis),
    "SSfpl": SelfStart(_fpl),
    "SSgompertz": SelfStart(_gompertz),
    "SSrichards": SelfStart(_richards),
    "SSbilogis": SelfStart(_bilogis, _PHASES, "xmid1"),
}
"""By curve."""
