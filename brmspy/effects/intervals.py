"""Medians and highest density intervals."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["hpd_table", "interval_note", "widths"]


def hpd_table(draws: xr.DataArray, column: str, prob: float) -> pd.DataFrame:
    """Summarise draws by their median and the shortest interval of a probability.

    Parameters
    ----------
    draws : xarray.DataArray
        Dimensions (chain, draw, n).
    column : str
        What to call the median.
    prob : float
        Probability of the interval.

    Returns
    -------
    DataFrame
        The median, lower.HPD and upper.HPD.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"\s*ArviZ is undergoing", FutureWarning)
        import arviz as az
    values = draws.to_numpy()
    interval: Any = az.hdi  # which has no types
    ends = interval(values, hdi_prob=prob)
    return pd.DataFrame(
        {
            column: np.median(values, axis=(0, 1)),
            "lower.HPD": ends[:, 0],
            "upper.HPD": ends[:, 1],
        }
    )


def interval_note(prob: float) -> str:
    """Say what estimates and intervals are.

    Parameters
    ----------
    prob : float
        Probability of the interval.

    Returns
    -------
    str
    """
    return f"Medians of the posterior, with highest density intervals of {100 * prob:.4g}%."


def widths(table: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the uncertainty of each row: about a standard deviation.

    Parameters
    ----------
    table : DataFrame
        Its last two columns are the ends of an interval.

    Returns
    -------
    ndarray
    """
    ends = table.iloc[:, -2:].to_numpy(dtype=np.float64)
    spread: np.ndarray[tuple[int], np.dtype[np.float64]] = (ends[:, 1] - ends[:, 0]) / 4
    return spread
