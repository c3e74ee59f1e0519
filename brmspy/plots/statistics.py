"""Numbers that sum up a sample, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.errors import BrmspyError, did_you_mean

__all__ = ["statistic"]

FloatArray = NDArray[np.float64]


def _share_of_zeros(values: FloatArray, axis: int) -> FloatArray:
    return np.asarray((values == 0).mean(axis=axis))


def _sd(values: FloatArray, axis: int) -> FloatArray:
    return np.asarray(values.std(axis=axis, ddof=1))


def _var(values: FloatArray, axis: int) -> FloatArray:
    return np.asarray(values.var(axis=axis, ddof=1))


def _quantile(prob: float) -> Callable[..., FloatArray]:
    return lambda values, axis: np.asarray(np.quantile(values, prob, axis=axis))


_STATISTICS: Mapping[str, Callable[..., Any]] = {
    "mean": np.mean,
    "median": np.median,
    "sd": _sd,
    "var": _var,
    "min": np.min,
    "max": np.max,
    "q25": _quantile(0.25),
    "q75": _quantile(0.75),
    "prop_zero": _share_of_zeros,
}


def statistic(stat: Any) -> tuple[str, Callable[[FloatArray], FloatArray]]:
    """Return a statistic with its name.

    Parameters
    ----------
    stat : str or callable
        ``"mean"``, ``"median"``, ``"sd"``, ``"var"``, ``"min"``, ``"max"``, ``"q25"``, ``"q75"``,
        ``"prop_zero"``, or a function of a sample, an array with one dimension.

    Returns
    -------
    str
        Its name.
    callable
        Takes samples, shape (sample, n), and returns one number for each.

    Raises
    ------
    BrmspyError
        If there is no such statistic.
    """
    if isinstance(stat, str) and stat in _STATISTICS:
        function = _STATISTICS[stat]
        return stat, lambda samples: np.asarray(function(samples, axis=1), dtype=float)
    if callable(stat):
        name = str(getattr(stat, "__name__", "statistic"))
        name = "statistic" if name == "<lambda>" else name
        return name, lambda samples: np.array([float(stat(row)) for row in samples])
    raise BrmspyError(
        f"stat = {stat!r} is not known: it is a function of an array, or a name. "
        f"{did_you_mean(str(stat), _STATISTICS)}"
    )
