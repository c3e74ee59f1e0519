"""Checks of the response that several families share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.errors import DataError

__all__ = [
    "LARGEST_COUNT",
    "count_values",
    "listed",
    "offending_rows",
    "real_response",
    "whole_response",
]

# Stan's integers have 32 bits.
LARGEST_COUNT = 2**31 - 1

_SHOWN = 5


def listed(values: pd.Series[Any]) -> str:
    """Return the first distinct values, text in quotes."""
    distinct = list(values.unique())
    shown = ", ".join(
        repr(value) if isinstance(value, str) else _short(value) for value in distinct[:_SHOWN]
    )
    return shown + (f" and {len(distinct) - _SHOWN} more" if len(distinct) > _SHOWN else "")


def offending_rows(values: pd.Series[Any], bad: NDArray[np.bool_]) -> str:
    """Return the first offending values with the labels of their rows."""
    found = values[bad]
    first = found.iloc[:_SHOWN].items()
    shown = ", ".join(f"{_short(value)} (row {label!s})" for label, value in first)
    return shown + (f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")


def real_response(
    values: pd.Series[Any], name: str, trials: NDArray[np.int64] | None, *, family: str
) -> NDArray[np.float64]:
    """Return a numeric response as floats."""
    _refuse_trials(trials, family)
    return _numbers(values, name, family)


def whole_response(
    values: pd.Series[Any], name: str, trials: NDArray[np.int64] | None, *, family: str
) -> NDArray[np.int64]:
    """Return a response of counts as whole numbers."""
    _refuse_trials(trials, family)
    return count_values(
        values,
        name,
        family,
        "For measurements use family='gaussian'; for proportions use the counts, trials() and "
        "family='binomial'.",
    )


def count_values(values: pd.Series[Any], name: str, family: str, advice: str) -> NDArray[np.int64]:
    """Return counts as whole numbers, or raise with `advice`."""
    numbers = _numbers(values, name, family)
    for bad, rule in (
        (numbers != np.round(numbers), "must be whole numbers"),
        (numbers < 0, "must not be negative"),
    ):
        if bad.any():
            raise DataError(
                f"The response {name!r} of a {family} model {rule}, but it holds "
                f"{offending_rows(values, bad)}. {advice}"
            )
    too_large = numbers > LARGEST_COUNT
    if too_large.any():
        raise DataError(
            f"The response {name!r} of a {family} model holds "
            f"{offending_rows(values, too_large)}, but the largest whole number in Stan is "
            f"{LARGEST_COUNT}. Use a larger unit, or family='gaussian'."
        )
    return numbers.astype(np.int64)


def _numbers(values: pd.Series[Any], name: str, family: str) -> NDArray[np.float64]:
    """Return finite numbers, or raise if the response holds anything else."""
    dtype = values.dtype
    numeric = pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_complex_dtype(dtype)
    if not numeric or pd.api.types.is_bool_dtype(dtype):
        raise DataError(
            f"The response {name!r} of a {family} model must be numeric, but it holds "
            f"{listed(values)}. {_advice_on_categories(values)}"
        )
    numbers = np.asarray(values, dtype=float)
    infinite = ~np.isfinite(numbers)
    if infinite.any():
        raise DataError(
            f"The response {name!r} of a {family} model must be finite, but it holds "
            f"{offending_rows(values, infinite)}. Remove these rows, or make them missing."
        )
    return numbers


def _advice_on_categories(values: pd.Series[Any]) -> str:
    """Say what to do with a response that is not numeric."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return "Turn dates into a number first, such as days since the first one."
    if pd.api.types.is_timedelta64_dtype(values.dtype):
        return "Turn durations into a number first, for example with .dt.total_seconds()."
    if not pd.api.types.is_bool_dtype(values.dtype):
        as_numbers = pd.to_numeric(values.astype(str), errors="coerce")
        if as_numbers.notna().all():
            return "These numbers are stored as text or categories: convert with .astype(float)."
    if values.nunique() <= 2:
        return "For two categories use family='bernoulli'."
    return "Responses with more than two categories are not supported yet."


def _short(value: object) -> str:
    """Return a value as text, a whole number without its decimal point."""
    return str(value).removesuffix(".0")


def _refuse_trials(trials: NDArray[np.int64] | None, family: str) -> None:
    """Raise if trials() is given to a family that has none."""
    if trials is not None:
        raise DataError(
            f"trials() belongs to the binomial family, not to {family}. Leave it out, or use "
            "family='binomial'."
        )
