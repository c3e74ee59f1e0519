"""Functions of a formula that remember the data the model is fitted to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from brmspy.data.factors import Levels, as_factor, as_labels, encode, positions
from brmspy.data.functions import EvaluationError, as_column, numbers

__all__ = ["TRANSFORMS", "StatefulTransform"]

Array = npt.NDArray[np.float64]


class StatefulTransform:
    """A function that remembers what it needs of the data it is first called with."""

    # formulae makes an instance of such a class for every call in a formula, and keeps it.
    __stateful_transform__ = True


class Relevel(StatefulTransform):
    """Make one level of a factor the first."""

    def __init__(self) -> None:
        self._levels: tuple[str, ...] | None = None

    def __call__(self, x: Any, ref: Any) -> pd.Categorical:
        """Return the factor."""
        codes, found = encode(x)
        if self._levels is None:
            (reference,) = as_labels([ref])
            if reference not in found.labels:
                raise EvaluationError(
                    f"relevel(): {reference!r} is not among the levels {', '.join(found.labels)}"
                )
            self._levels = (reference, *(name for name in found.labels if name != reference))
        unknown = (label for label in found.labels if label not in self._levels)
        levels = (*self._levels, *unknown)
        return as_factor(positions(levels, found.labels)[codes], Levels(levels))


class Scale(StatefulTransform):
    """Centre and scale as R does, with the standard deviation over n - 1."""

    def __init__(self) -> None:
        self._state: tuple[float, float] | None = None

    def __call__(self, x: Any, center: Any = True, scale: Any = True) -> Array:
        """Return the scaled values."""
        values = as_column(x, "scale()")
        if self._state is None:
            middle = _wanted(center, lambda: float(np.mean(values)), 0.0)
            spread = _wanted(scale, lambda: _root_mean_square(values - middle), 1.0)
            if spread == 0:
                raise EvaluationError("scale() of values that are all the same divides by zero")
            self._state = (middle, spread)
        middle, spread = self._state
        return (values - middle) / spread


class _Statistic(StatefulTransform):
    """A statistic of the data the model is fitted to; the same number for new data."""

    def __init__(self) -> None:
        self._value: float | None = None

    def __call__(self, x: Any) -> float:
        """Return the number."""
        values = as_column(x, f"{type(self).__name__.lower()}()")
        if self._value is None:
            self._value = float(self.compute(values))
        return self._value

    def compute(self, values: Array) -> Any:
        """Return the statistic of `values`."""
        raise NotImplementedError


class Mean(_Statistic):
    """R's mean()."""

    def compute(self, values: Array) -> Any:
        """Return the mean."""
        return np.mean(values)


class Median(_Statistic):
    """R's median()."""

    def compute(self, values: Array) -> Any:
        """Return the median."""
        return np.median(values)


class Sd(_Statistic):
    """R's sd()."""

    def compute(self, values: Array) -> Any:
        """Return the standard deviation over n - 1."""
        return np.std(values, ddof=1)


class Var(_Statistic):
    """R's var()."""

    def compute(self, values: Array) -> Any:
        """Return the variance over n - 1."""
        return np.var(values, ddof=1)


class Min(_Statistic):
    """R's min() of one column."""

    def compute(self, values: Array) -> Any:
        """Return the smallest value."""
        return np.min(values)


class Max(_Statistic):
    """R's max() of one column."""

    def compute(self, values: Array) -> Any:
        """Return the largest value."""
        return np.max(values)


class Sum(_Statistic):
    """R's sum() of one column."""

    def compute(self, values: Array) -> Any:
        """Return the sum."""
        return np.sum(values)


TRANSFORMS: Mapping[str, type[StatefulTransform]] = MappingProxyType(
    {
        "max": Max,
        "mean": Mean,
        "median": Median,
        "min": Min,
        "relevel": Relevel,
        "scale": Scale,
        "sd": Sd,
        "sum": Sum,
        "var": Var,
    }
)


def _wanted(argument: Any, compute: Callable[[], float], off: float) -> float:
    """Return what scale(center=) or scale(scale=) asks for: computed, none, or a number."""
    if isinstance(argument, bool):
        return compute() if argument else off
    return float(numbers(argument, "scale()"))


def _root_mean_square(rest: Array) -> float:
    """Return the root of the mean square over n - 1."""
    return math.sqrt(float(np.sum(rest**2)) / max(1, len(rest) - 1))
