"""Data frames of any make in, pandas frames out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import narwhals as nw
import pandas as pd

from brmspy.errors import DataError

__all__ = ["as_frame"]

_ADVICE = (
    "Pass a pandas DataFrame, a polars DataFrame, a pyarrow Table, or a dict of columns such as "
    "{'y': [1.2, 3.4], 'x': [0, 1]}."
)


def as_frame(data: Any) -> pd.DataFrame:
    """Turn `data` into a pandas data frame.

    A pandas frame is returned as it is: neither copied nor changed.

    Parameters
    ----------
    data : pandas.DataFrame, polars.DataFrame, pyarrow.Table, mapping, or any frame narwhals knows
        The table; one row per observation.

    Returns
    -------
    pandas.DataFrame
        The same rows, columns and order.

    Raises
    ------
    DataError
        If `data` is no table, is lazy, or two columns have the same name.

    Examples
    --------
    >>> from brmspy.data import as_frame
    >>> as_frame({"y": [1.5, 2.5], "g": ["a", "b"]}).shape
    (2, 2)
    """
    if isinstance(data, pd.DataFrame):
        frame = data
    elif isinstance(data, Mapping):
        frame = _from_mapping(data)
    else:
        frame = _from_any(data)
    _check_columns(frame)
    return frame


def _from_mapping(data: Mapping[Any, Any]) -> pd.DataFrame:
    """Make a frame of named columns."""
    try:
        return pd.DataFrame(dict(data))
    except ValueError as error:
        raise DataError(f"The columns do not make a table: {error}. {_ADVICE}") from error


def _from_any(data: Any) -> pd.DataFrame:
    """Make a frame of whatever narwhals understands."""
    if hasattr(data, "collect") and hasattr(data, "collect_schema"):
        raise DataError("The data are a lazy frame. Collect it first: data.collect().")
    try:
        table = nw.from_native(data, eager_only=True)
    except TypeError as error:
        raise DataError(
            f"The data are not a table: got an object of type {type(data).__name__}. {_ADVICE}"
        ) from error
    try:
        return _from_polars(table) if table.implementation.is_polars() else table.to_pandas()
    except ModuleNotFoundError as error:
        raise DataError(
            f"Reading a {type(data).__module__.split('.')[0]} table needs the package "
            f"{error.name!r}: pip install {error.name}, or pass data.to_pandas()."
        ) from error


def _from_polars(table: nw.DataFrame[Any]) -> pd.DataFrame:
    """Make a frame in which a Categorical is text, and an Enum is a factor."""
    # Categories of a Categorical are in order of appearance, which means nothing.
    table = table.with_columns(nw.selectors.by_dtype(nw.Categorical).cast(nw.String))
    frame: pd.DataFrame = table.to_pandas()
    # Those of an Enum are in order, but that does not make it an ordered factor.
    for name, dtype in table.schema.items():
        if isinstance(dtype, nw.Enum):
            frame[name] = frame[name].cat.as_unordered()
    return frame


def _check_columns(frame: pd.DataFrame) -> None:
    """Refuse columns that no name can tell apart."""
    if frame.columns.nlevels > 1:
        raise DataError(
            "The data have several levels of column names. Flatten them first, for instance with "
            "data.columns = ['_'.join(names) for names in data.columns]."
        )
    repeated = [str(name) for name, count in Counter(frame.columns).items() if count > 1]
    if repeated:
        raise DataError(
            f"The data have more than one column named {', '.join(map(repr, repeated))}. "
            "Rename or drop the duplicates."
        )
