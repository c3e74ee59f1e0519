"""One column of a data frame, read as R would: numbers, logicals, text or a factor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from brmspy.errors import DataError

__all__ = ["Columns", "Values", "is_missing", "kind", "read_column", "some_rows"]

# Numbers are float64 with NaN where missing; logicals bool, or object if some are missing; text is
# object with None where missing; a factor is a Categorical.
Values: TypeAlias = "npt.NDArray[Any] | pd.Categorical"

_DATES = (
    "Turn it into a number, for instance (data[{name!r}] - data[{name!r}].min()).dt.days, "
    "or into text for a factor, data[{name!r}].astype(str)."
)
_DATE_LIKE = {"datetime", "datetime64", "date", "time", "period"}
_DURATION_LIKE = {"timedelta", "timedelta64"}


@dataclass(frozen=True, slots=True)
class Columns(Mapping[str, Values]):
    """The columns that a model reads, all of one length.

    Parameters
    ----------
    values_by_name : mapping of str to array
        The columns.
    index : pandas.Index
        The labels of the rows, for messages.
    """

    values_by_name: Mapping[str, Values]
    index: pd.Index[Any]

    @property
    def nobs(self) -> int:
        """Number of rows."""
        return len(self.index)

    def __getitem__(self, name: str) -> Values:
        return self.values_by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_name)

    def __len__(self) -> int:
        return len(self.values_by_name)


def read_column(series: pd.Series[Any], name: str) -> Values:
    """Return the values of one column in NumPy's or pandas' plain types.

    Parameters
    ----------
    series : pandas.Series
        The column, of any dtype: nullable, Arrow-backed and object ones too.
    name : str
        Its name, for messages.

    Returns
    -------
    numpy.ndarray or pandas.Categorical
        float64, bool, object (text) or Categorical values of the same length.

    Raises
    ------
    DataError
        If the column holds dates, complex numbers or a mixture of types.
    """
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return pd.Categorical(series)
    found = _inferred(series)
    if found == "number":
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    if found == "logical":
        if not series.isna().any():
            return series.to_numpy(dtype=np.bool_)
        return series.astype(object).where(series.notna(), None).to_numpy(dtype=object)
    if found in {"text", "empty"}:
        return series.astype(object).where(series.notna(), None).to_numpy(dtype=object)
    raise DataError(_refusal(found, series, name))


def kind(values: Values) -> str:
    """Return "number", "logical", "text" or "factor"."""
    if isinstance(values, pd.Categorical):
        return "factor"
    if values.dtype.kind == "f":
        return "number"
    if values.dtype.kind == "b":
        return "logical"
    present = values[~pd.isna(values)]
    return "logical" if len(present) and isinstance(present[0], (bool, np.bool_)) else "text"


def is_missing(values: Values) -> npt.NDArray[np.bool_]:
    """Return which values are missing."""
    return np.asarray(pd.isna(values), dtype=np.bool_)


def some_rows(index: pd.Index[Any], bad: npt.NDArray[np.bool_], limit: int = 5) -> str:
    """Return "row 3" or "rows 3, 7, 12 and 40 more": the labels of the rows marked in `bad`."""
    labels = [str(label) for label in index[bad][:limit]]
    rest = int(bad.sum()) - len(labels)
    word = "row" if len(labels) == 1 and not rest else "rows"
    return f"{word} {', '.join(labels)}" + (f" and {rest} more" if rest else "")


def _inferred(series: pd.Series[Any]) -> str:
    """Return what a column holds: "number", "logical", "text", or the name of an unusable kind."""
    dtype = series.dtype
    if pd.api.types.is_bool_dtype(dtype):
        return "logical"
    if pd.api.types.is_complex_dtype(dtype):
        return "complex"
    if pd.api.types.is_numeric_dtype(dtype):
        return "number"
    inferred = pd.api.types.infer_dtype(series, skipna=True)
    return {
        "string": "text",
        "empty": "empty",
        "boolean": "logical",
        "integer": "number",
        "floating": "number",
        "mixed-integer-float": "number",
        "decimal": "number",
    }.get(inferred, inferred)


def _refusal(found: str, series: pd.Series[Any], name: str) -> str:
    """Return why a column cannot be used, and what to do."""
    if found in _DATE_LIKE:
        return f"Column {name!r} holds dates or times. " + _DATES.format(name=name)
    if found in _DURATION_LIKE:
        return (
            f"Column {name!r} holds durations. Turn it into a number, for instance "
            f"data[{name!r}].dt.total_seconds()."
        )
    if found == "complex":
        return f"Column {name!r} holds complex numbers. Use their real part, size or angle."
    if found == "bytes":
        return f"Column {name!r} holds bytes. Decode it: data[{name!r}].str.decode('utf-8')."
    types = sorted({type(value).__name__ for value in series.dropna()})
    return (
        f"Column {name!r} holds values of more than one type or of a type that no model can use "
        f"({', '.join(types[:5])}). Turn all of them into numbers, "
        f"pd.to_numeric(data[{name!r}]), or into text, data[{name!r}].astype(str)."
    )
