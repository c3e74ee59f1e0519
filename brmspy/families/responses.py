"""Checks of the response that several families share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.errors import DataError

__all__ = ["count_values", "offending_rows", "real_response", "refuse_text", "whole_response"]

_SHOWN = 5


def offending_rows(values: pd.Series[Any], bad: NDArray[np.bool_]) -> str:
    """Return the first offending values with the labels of their rows."""
    found = values[bad]
    shown = ", ".join(f"{value!s} (row {label!s})" for label, value in found.iloc[:_SHOWN].items())
    return shown + (f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")


def refuse_text(values: pd.Series[Any], name: str, family: str, advice: str) -> None:
    """Raise if the response is text or a factor."""
    if not pd.api.types.is_numeric_dtype(values.dtype) or isinstance(
        values.dtype, pd.CategoricalDtype
    ):
        levels = ", ".join(map(repr, list(values.unique())[:_SHOWN]))
        raise DataError(
            f"The response {name!r} of a {family} model must be numeric, but it holds {levels}. "
            f"{advice}"
        )


def real_response(
    values: pd.Series[Any], name: str, trials: NDArray[np.int64] | None, *, family: str
) -> NDArray[np.float64]:
    """Return a numeric response as floats."""
    _refuse_trials(trials, family)
    refuse_text(
        values,
        name,
        family,
        "For two categories use family='bernoulli'; more are not supported yet.",
    )
    return np.asarray(values, dtype=float)


def whole_response(
    values: pd.Series[Any], name: str, trials: NDArray[np.int64] | None, *, family: str
) -> NDArray[np.int64]:
    """Return a response of counts as whole numbers."""
    _refuse_trials(trials, family)
    return count_values(
        values,
        name,
        family,
        "For measurements use family='gaussian'; for two categories family='bernoulli'.",
    )


def count_values(values: pd.Series[Any], name: str, family: str, advice: str) -> NDArray[np.int64]:
    """Return counts as whole numbers, or raise with `advice`."""
    refuse_text(values, name, family, advice)
    numbers = np.asarray(values, dtype=float)
    fractional = numbers != np.round(numbers)
    if fractional.any():
        raise DataError(
            f"The response {name!r} of a {family} model must be whole numbers, but it holds "
            f"{offending_rows(values, fractional)}. {advice}"
        )
    negative = numbers < 0
    if negative.any():
        raise DataError(
            f"The response {name!r} of a {family} model must not be negative, but it holds "
            f"{offending_rows(values, negative)}. {advice}"
        )
    return numbers.astype(np.int64)


def _refuse_trials(trials: NDArray[np.int64] | None, family: str) -> None:
    """Raise if trials() is given to a family that has none."""
    if trials is not None:
        raise DataError(
            f"trials() belongs to the binomial family, not to {family}. Leave it out, or use "
            "family='binomial'."
        )
