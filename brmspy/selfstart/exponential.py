"""Exponential growth and decay, biexponential decay, and the first-order compartment model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np

from brmspy.selfstart.asymptotic import rates
from brmspy.selfstart.projection import FloatArray, projected, thinned
from brmspy.selfstart.records import Inputs, SelfStart, Values

__all__ = ["SELF_STARTS"]


def _single(inputs: Inputs, y: FloatArray, sign: float) -> Iterator[Values]:
    """Yield the parameters of one exponential; `sign` is that of its growth."""
    x = inputs["input"]
    rows = thinned(x)
    first = float(x.min())
    since = x[rows] - first
    grid = ((float(rate),) for rate in rates(x))
    for item in projected(y[rows], lambda rate: (np.exp(sign * rate * since),), grid):
        [rate] = item.point
        R0 = float(item.coefficients[0]) * np.exp(-sign * rate * first)
        yield {"R0": R0, "lrc": np.log(rate)}


def _decay(inputs: Inputs, y: FloatArray) -> Iterator[Values]:
    return _single(inputs, y, -1.0)


def _growth(inputs: Inputs, y: FloatArray) -> Iterator[Values]:
    return _single(inputs, y, 1.0)


def _biexp(inputs: Inputs, y: FloatArray) -> Iterator[Values]:
    x = inputs["input"]
    rows = thinned(x)
    first = float(x.min())
    since = x[rows] - first
    pairs = combinations(map(float, rates(x, 16)[::-1]), 2)
    found = projected(
        y[rows], lambda fast, slow: (np.exp(-fast * since), np.exp(-slow * since)), pairs
    )
    for item in found:
        fast, slow = item.point
        A1, A2 = item.coefficients * np.exp(np.array([fast, slow]) * first)
        yield {"A1": A1, "lrc1": np.log(fast), "A2": A2, "lrc2": np.log(slow)}


def _fol(inputs: Inputs, y: FloatArray) -> Iterator[Values]:
    x, dose = inputs["input"], inputs["Dose"]
    rows = thinned(x)
    time, amount = x[rows], dose[rows]

    def column(slow: float, fast: float) -> tuple[FloatArray]:
        difference = np.exp(-slow * time) - np.exp(-fast * time)
        return (amount * slow * fast * difference / (fast - slow),)

    for item in projected(y[rows], column, combinations(map(float, rates(x, 18)), 2)):
        slow, fast = item.point
        if item.coefficients[0] > 0.0:
            yield {
                "lKe": np.log(slow),
                "lKa": np.log(fast),
                "lCl": -np.log(item.coefficients[0]),
            }


SELF_STARTS: Mapping[str, SelfStart] = {
    "SSbiexp": SelfStart(_biexp, (("A1", "lrc1"), ("A2", "lrc2")), "lrc1", descending=True),
    "SSfol": SelfStart(_fol, (("lKe",), ("lKa",)), "lKe"),
    "SSexpdecay": SelfStart(_decay),
    "SSexpgrowth": SelfStart(_growth),
}
"""By curve."""
