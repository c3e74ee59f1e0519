"""The left-hand side: response, trials and weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from brmspy.data.columns import Columns, is_missing, kind, some_rows
from brmspy.data.evaluate import Expression
from brmspy.data.factors import Levels, as_factor, encode
from brmspy.data.variables import as_number_column, check_finite
from brmspy.errors import DataError

__all__ = ["ResponseVariable", "fit_response", "read_trials", "read_weights"]


@dataclass(frozen=True, slots=True)
class ResponseVariable:
    """The response, with its levels fixed by the training data.

    Parameters
    ----------
    expression : Expression
        How to compute it.
    levels : Levels or None
        The categories of text and factors; None for numbers and logicals.
    """

    expression: Expression
    levels: Levels | None

    def read(self, columns: Columns) -> pd.Series[Any]:
        """Return the response, one value per row.

        Text and factors come as a categorical with the levels of the training data, so that
        their coding is the same for any part of the data.
        """
        value = _column(self.expression, columns)
        label = self.expression.label
        missing = is_missing(value)
        if missing.any():
            raise DataError(
                f"The response {label} is not available in {some_rows(columns.index, missing)}."
            )
        if self.levels is None:
            if isinstance(value, pd.Categorical) or kind(value) == "text":
                raise DataError(
                    f"The response {label} was numeric in the data that the model was fitted to, "
                    "but is text in the new data."
                )
            return pd.Series(value, index=columns.index, name=label)
        codes, unknown = self.levels.match(value)
        if unknown:
            raise DataError(
                f"The response {label} has values that the model has not seen: "
                f"{', '.join(map(repr, unknown[:10]))}. "
                f"Its levels are {', '.join(map(repr, self.levels.labels))}."
            )
        return pd.Series(as_factor(codes, self.levels), index=columns.index, name=label)


def fit_response(expression: Expression, columns: Columns) -> ResponseVariable:
    """Fix the type of the response by the training data."""
    value = _column(expression, columns)
    if isinstance(value, pd.Categorical) or kind(value) == "text":
        return ResponseVariable(expression, encode(value)[1])
    check_finite(value.astype(np.float64), f"The response {expression.label}", columns)
    return ResponseVariable(expression, None)


def read_trials(expression: Expression, columns: Columns) -> npt.NDArray[np.int64]:
    """Return the number of trials of each row.

    Raises
    ------
    DataError
        If they are not whole numbers of at least 0.
    """
    what = f"trials({expression.label})"
    values = as_number_column(expression, columns, what)
    bad = (values < 0) | (values != np.floor(values))
    if bad.any():
        raise DataError(
            f"{what} must be whole numbers of at least 0, but is "
            f"{', '.join(f'{value:g}' for value in values[bad][:5])} in "
            f"{some_rows(columns.index, bad)}."
        )
    return values.astype(np.int64)


def read_weights(expression: Expression, columns: Columns) -> npt.NDArray[np.float64]:
    """Return the weight of each row.

    Raises
    ------
    DataError
        If a weight is negative, or all are zero.
    """
    what = f"weights({expression.label})"
    values = as_number_column(expression, columns, what)
    if (values < 0).any():
        raise DataError(
            f"{what} must not be negative, but is in {some_rows(columns.index, values < 0)}."
        )
    return values


def _column(expression: Expression, columns: Columns) -> Any:
    """Return the value of the response, which must be one column."""
    value = expression.evaluate(columns)
    if not isinstance(value, (np.ndarray, pd.Categorical)):
        raise DataError(f"The response {expression.label} is one value, not a column of the data.")
    if value.ndim != 1:
        raise DataError(f"The response {expression.label} has more than one column.")
    return value
