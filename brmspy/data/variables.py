"""Variables of a model frame: expressions with a type that is fixed by the training data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from brmspy.data.columns import Columns, Values, is_missing, kind, some_rows
from brmspy.data.contrasts import Contrasts, contrasts
from brmspy.data.evaluate import Expression
from brmspy.data.factors import Levels, encode
from brmspy.errors import DataError, DataWarning, closest, warn
from brmspy.formula.codings import Coding

__all__ = ["Variable", "as_number_column", "check_finite", "fit_variable"]

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Variable:
    """An expression whose type, width and levels are fixed.

    Parameters
    ----------
    expression : Expression
        How to compute it.
    levels : Levels or None
        The levels of a factor; None for numbers.
    width : int
        Number of columns of numbers; 1 for a factor.
    contrasts : Contrasts or None
        The columns of a factor beside an intercept.
    """

    expression: Expression
    levels: Levels | None
    width: int
    contrasts: Contrasts | None = None

    @property
    def label(self) -> str:
        """The expression as R prints it."""
        return self.expression.label

    def read(self, columns: Columns) -> Array:
        """Return numbers of shape (N, width), or the codes of a factor, shape (N,), -1 if missing.

        Parameters
        ----------
        columns : Columns
            New data, or those the model is fitted to.

        Raises
        ------
        DataError
            If the type has changed, a level is unknown, or a number is not finite.
        """
        value = self.expression.evaluate(columns)
        if self.levels is None:
            return _numbers(value, self, columns)
        return _codes(value, self, self.levels, columns)

    def refuses_any(self, columns: Columns) -> bool:
        """Tell whether it is a factor that lacks a level in any row.

        Parameters
        ----------
        columns : Columns
            New data.
        """
        if self.levels is None:
            return False
        value = self.expression.evaluate(columns)
        if not isinstance(value, (np.ndarray, pd.Categorical)):
            return False
        codes, unknown = self.levels.match(value)
        return bool(unknown) or bool((codes < 0).any())


def fit_variable(
    expression: Expression, columns: Columns, coding: Coding | None = None
) -> Variable:
    """Fix type, levels and contrasts of an expression by the training data.

    Parameters
    ----------
    expression : Expression
        The expression.
    columns : Columns
        The training data.
    coding : Coding, optional
        How a factor is coded, if the formula does not say so.

    Raises
    ------
    DataError
        If the values cannot be used, a factor has one level only, or a coding does not fit.
    """
    value = expression.evaluate(columns)
    if not isinstance(value, (np.ndarray, pd.Categorical)):
        raise DataError(
            f"{expression.label} is one value, not a column of the data; it cannot be a predictor."
        )
    if isinstance(value, pd.Categorical) or kind(value) != "number":
        _, levels = encode(value)
        _refuse_single_level(expression.label, levels, value, columns)
        return Variable(expression, levels, 1, _contrasts(expression, levels, coding))
    if coding is not None:
        raise DataError(
            f"contrasts has {expression.label!r}, which is numeric and has no contrasts."
        )
    variable = Variable(expression, None, value.shape[1] if value.ndim == 2 else 1)
    if not expression.is_column:
        _check_round_trip(variable, value, columns)
    return variable


def _contrasts(expression: Expression, levels: Levels, coding: Coding | None) -> Contrasts:
    """Return the columns of a factor, from what is said in the formula or beside it."""
    if coding is not None and expression.coding is not None:
        raise DataError(
            f"contrasts has {expression.label!r}, of which the formula says how it is coded. "
            "Say it in one place."
        )
    return contrasts(expression.label, levels, coding or expression.coding)


def as_number_column(
    expression: Expression, columns: Columns, what: str
) -> npt.NDArray[np.float64]:
    """Return one finite number per row; a constant is recycled.

    Parameters
    ----------
    expression : Expression
        An offset, ``trials()``, ``weights()`` or a covariate.
    columns : Columns
        The data.
    what : str
        What the numbers are for, for messages: ``"offset(log(n))"``.

    Raises
    ------
    DataError
        If the values are not numbers, or not finite.
    """
    value = expression.evaluate(columns)
    if isinstance(value, (bool, int, float, np.floating)):
        value = np.full(columns.nobs, float(value))
    if not isinstance(value, np.ndarray) or kind(value) not in {"number", "logical"}:
        raise DataError(f"{what} must be numeric, but {_found(value, expression.label)}.")
    if value.ndim != 1:
        raise DataError(f"{what} must be one column of numbers, but has {value.shape[1]} columns.")
    if is_missing(value).any() and value.dtype.kind == "O":
        value = np.where(is_missing(value), np.nan, value)
    values = value.astype(np.float64)
    check_finite(values, what, columns)
    return values


def _numbers(value: Any, variable: Variable, columns: Columns) -> npt.NDArray[np.float64]:
    """Return the columns of a numeric variable."""
    if not isinstance(value, np.ndarray) or kind(value) not in {"number", "logical"}:
        raise DataError(
            f"{variable.label} was numeric in the data that the model was fitted to, "
            f"but {_found(value, variable.label)} in the new data."
        )
    if value.dtype.kind == "O":
        value = np.where(is_missing(value), np.nan, value)
    values: npt.NDArray[np.float64] = value.astype(np.float64).reshape(columns.nobs, -1)
    check_finite(values.sum(axis=1), variable.label, columns)
    return values


def _codes(value: Any, variable: Variable, levels: Levels, columns: Columns) -> Array:
    """Return the codes of a factor; missing values are allowed in a bare column only."""
    if not isinstance(value, (np.ndarray, pd.Categorical)):
        raise DataError(f"{variable.label} is one value, not a column of the data.")
    codes, unknown = levels.match(value)
    if unknown:
        raise DataError(
            f"{variable.label} has levels in the new data that the model has not seen: "
            f"{', '.join(map(repr, unknown[:10]))}{', …' if len(unknown) > 10 else ''}. "
            f"Its levels are {', '.join(map(repr, levels.labels[:20]))}"
            f"{', …' if len(levels.labels) > 20 else ''}.{_suggestion(unknown[0], levels)}"
        )
    missing = codes < 0
    if missing.any():
        rows = some_rows(columns.index, missing)
        if not variable.expression.is_column:
            raise DataError(f"{variable.label} is missing in {rows}.")
        warn(
            f"{variable.label} is missing in {rows} of the new data; "
            "all its contrasts are set to zero there.",
            DataWarning,
        )
    return codes


def _suggestion(label: str, levels: Levels) -> str:
    """Return the level that an unknown one was perhaps meant to be."""
    near = closest(label, levels.labels, 1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _refuse_single_level(label: str, levels: Levels, value: Values, columns: Columns) -> None:
    """Refuse factors without contrasts and factors with missing values."""
    missing = is_missing(value)
    if missing.any():
        raise DataError(
            f"{label} gives missing values in {some_rows(columns.index, missing)} "
            "although no column that it reads is missing there."
        )
    if len(levels.labels) < 2:
        raise DataError(
            f"{label} has only one level ({levels.labels[0]!r}) in the {columns.nobs} rows used, "
            "so it has no effect to estimate. Leave it out of the formula."
        )


def _check_round_trip(variable: Variable, value: Array, columns: Columns) -> None:
    """Make sure that transforms give the training data again when applied a second time."""
    again = variable.expression.evaluate(columns)
    if not (isinstance(again, np.ndarray) and np.array_equal(value, again, equal_nan=True)):
        raise DataError(
            f"Internal error: {variable.label} does not reproduce its values. Please report it."
        )


def check_finite(values: npt.NDArray[np.float64], label: str, columns: Columns) -> None:
    """Refuse NaN and infinite values, which make the density undefined."""
    bad = ~np.isfinite(values)
    if not bad.any():
        return
    nan = np.isnan(values)
    if nan.any():
        raise DataError(
            f"{label} is not a number (NaN) in {some_rows(columns.index, nan)}: no value comes out "
            "of what is outside a function's domain, such as log(-1) or 0 / 0. "
            "Remove or recode these values."
        )
    raise DataError(
        f"{label} is infinite in {some_rows(columns.index, bad)}. "
        "Remove or recode these values; log(0), for instance, is -Inf."
    )


def _found(value: Any, label: str) -> str:
    """Return what an unsuitable value is."""
    if isinstance(value, pd.Categorical):
        return f"{label} is a factor"
    if isinstance(value, np.ndarray) and value.dtype.kind == "O":
        examples = ", ".join(repr(item) for item in pd.unique(value)[:3])
        return f"{label} is text ({examples})"
    return f"{label} is {value!r}"
