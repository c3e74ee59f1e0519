"""Data frames as arrays and plain values, so that a netCDF file holds them exactly.

A column becomes an array of numbers and a record, which says what the numbers stand for. Text is
kept in the record: each distinct value once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.errors import BrmspyError

__all__ = ["decode_frame", "encode_frame"]

Record = dict[str, Any]

_SCALARS = (str, int, float, bool, type(None))


def encode_frame(frame: pd.DataFrame) -> tuple[dict[str, NDArray[Any]], Record]:
    """Turn a data frame into arrays and a record.

    Parameters
    ----------
    frame : DataFrame
        Columns of numbers, booleans, text, dates, or categories of these.

    Returns
    -------
    dict of str to ndarray
        Arrays of numbers, one dimension each.
    dict of str to Any
        Plain values, ready for JSON.

    Raises
    ------
    BrmspyError
        If a column holds something else; names it.
    """
    arrays: dict[str, NDArray[Any]] = {}
    columns = [
        _encode(frame.iloc[:, place].array, f"column {name!r}", f"column{place}", arrays)
        for place, name in enumerate(frame.columns)
    ]
    record = {
        "columns": columns,
        "names": _encode_index(frame.columns, "names", "the columns' names", arrays),
        "index": _encode_index(frame.index, "index", "the index", arrays),
    }
    return arrays, record


def decode_frame(arrays: Mapping[str, NDArray[Any]], record: Record) -> pd.DataFrame:
    """Make the data frame again.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        The first result of `encode_frame`.
    record : dict of str to Any
        The second.

    Returns
    -------
    DataFrame
    """
    index = _decode_index(record["index"], arrays)
    values = [_decode(column, arrays) for column in record["columns"]]
    # The dtype is given because pandas would guess one for objects that are all text.
    columns = [pd.Series(column, index=index, dtype=column.dtype) for column in values]
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=index)
    return frame.set_axis(_decode_index(record["names"], arrays), axis=1)


def _encode_index(
    index: pd.Index[Any], key: str, what: str, arrays: dict[str, NDArray[Any]]
) -> Record:
    """Return the record of an index: a range, or one column for each of its levels."""
    names = _scalars(index.names, f"the name of {what}")
    if isinstance(index, pd.RangeIndex):
        return {"range": [index.start, index.stop, index.step], "names": names}
    levels = [
        _encode(index.get_level_values(level).array, what, f"{key}{level}", arrays)
        for level in range(index.nlevels)
    ]
    return {"levels": levels, "names": names, "multiple": isinstance(index, pd.MultiIndex)}


def _decode_index(record: Record, arrays: Mapping[str, NDArray[Any]]) -> pd.Index[Any]:
    if "range" in record:
        start, stop, step = record["range"]
        return pd.RangeIndex(start, stop, step, name=record["names"][0])
    levels = [_decode(level, arrays) for level in record["levels"]]
    if record["multiple"]:
        return pd.MultiIndex.from_arrays(levels, names=record["names"])
    return pd.Index(levels[0], dtype=levels[0].dtype, name=record["names"][0])


def _encode(values: Any, what: str, key: str, arrays: dict[str, NDArray[Any]]) -> Record:
    """Store a pandas array under `key`, and return its record."""
    dtype = _dtype(values)
    if isinstance(dtype, pd.CategoricalDtype):
        arrays[key] = np.asarray(values.codes)
        categories = _encode(
            dtype.categories.array, f"categories of {what}", f"{key}_categories", arrays
        )
        return {
            "kind": "category", "key": key, "categories": categories, "ordered": dtype.ordered
        }  # fmt: skip
    if isinstance(dtype, pd.IntervalDtype):
        ends = {
            side: _encode(getattr(values, side).array, what, f"{key}_{side}", arrays)
            for side in ("left", "right")
        }
        return {"kind": "interval", "closed": values.closed, **ends}
    if isinstance(dtype, pd.DatetimeTZDtype) or dtype.kind in "mM":
        arrays[key] = np.asarray(values.asi8 if hasattr(values, "asi8") else values.view("i8"))
        return {"kind": "time", "key": key, "dtype": str(dtype)}
    if pd.api.types.is_string_dtype(dtype) or pd.api.types.is_object_dtype(dtype):
        return _encode_text(values, what, key, arrays)
    return _encode_numbers(values, what, key, arrays)


def _encode_text(values: Any, what: str, key: str, arrays: dict[str, NDArray[Any]]) -> Record:
    """Store places in a list of distinct values, and the list in the record."""
    dtype = _dtype(values)
    if not pd.api.types.is_object_dtype(dtype):
        _refuse_missing(values, what)
    distinct: dict[tuple[type, Any], int] = {}
    places = [
        distinct.setdefault((type(value), value), len(distinct)) for value in _scalars(values, what)
    ]
    arrays[key] = np.array(places, dtype=np.int64)
    texts = [value for _, value in distinct]
    return {"kind": "text", "key": key, "dtype": str(dtype), "values": texts}


def _encode_numbers(values: Any, what: str, key: str, arrays: dict[str, NDArray[Any]]) -> Record:
    """Store numbers or booleans; those of pandas' extension types as NumPy's."""
    dtype = _dtype(values)
    numpy_dtype = getattr(dtype, "numpy_dtype", dtype)
    numeric = isinstance(numpy_dtype, np.dtype) and numpy_dtype.kind in "biuf"
    if not numeric or numpy_dtype.itemsize > 8:
        raise BrmspyError(
            f"{_sentence(what)} is of type {dtype}, which a file cannot hold. Turn it into "
            "numbers, text or a categorical before fitting."
        )
    if not isinstance(dtype, np.dtype):
        _refuse_missing(values, what)
    numbers = np.asarray(values.to_numpy(dtype=numpy_dtype))
    # netCDF has neither booleans nor half precision; the record has the type.
    wider = {"b": np.int8, "f": np.float32 if numpy_dtype.itemsize == 2 else numpy_dtype}
    arrays[key] = numbers.astype(wider.get(numpy_dtype.kind, numpy_dtype))
    return {"kind": "number", "key": key, "dtype": str(dtype)}


def _dtype(values: Any) -> Any:
    """Return the dtype of a pandas array; NumPy's own where there is one."""
    dtype = values.dtype
    return dtype.numpy_dtype if isinstance(values, pd.arrays.NumpyExtensionArray) else dtype


def _refuse_missing(values: Any, what: str) -> None:
    if pd.isna(values).any():
        raise BrmspyError(
            f"{_sentence(what)} has missing values of type {values.dtype}, which a file cannot "
            "hold. Drop these rows before fitting."
        )


def _sentence(what: str) -> str:
    return what[0].upper() + what[1:]


def _decode(record: Record, arrays: Mapping[str, NDArray[Any]]) -> Any:
    """Return the pandas array that a record describes."""
    kind = record["kind"]
    if kind == "category":
        categories = _decode(record["categories"], arrays)
        index = pd.Index(categories, dtype=categories.dtype)
        return pd.Categorical.from_codes(
            arrays[record["key"]], dtype=pd.CategoricalDtype(index, record["ordered"])
        )
    if kind == "interval":
        left, right = (_decode(record[side], arrays) for side in ("left", "right"))
        return pd.arrays.IntervalArray.from_arrays(left, right, closed=record["closed"])
    if kind == "time":
        return _decode_time(arrays[record["key"]], record["dtype"])
    if kind == "text":
        values = np.empty(len(record["values"]), dtype=object)
        values[:] = record["values"]
        text = values[arrays[record["key"]]]
        return text if record["dtype"] == "object" else pd.array(text, dtype=record["dtype"])
    numbers = arrays[record["key"]]
    dtype: Any = pd.api.types.pandas_dtype(record["dtype"])
    if isinstance(dtype, np.dtype):
        return numbers.astype(dtype)
    return pd.array(numbers.astype(dtype.numpy_dtype), dtype=dtype)


def _decode_time(numbers: NDArray[np.int64], name: str) -> Any:
    """Return dates, dates with a time zone, or durations."""
    dtype = pd.api.types.pandas_dtype(name)
    if isinstance(dtype, pd.DatetimeTZDtype):
        utc = pd.DatetimeIndex(numbers.astype(np.int64).view(f"M8[{dtype.unit}]")).tz_localize(
            "UTC"
        )
        return utc.tz_convert(dtype.tz)
    return numbers.astype(np.int64).view(dtype)


def _scalars(values: Sequence[Any] | Any, what: str) -> list[Any]:
    """Return values as a list for JSON; refuse what JSON does not know."""
    found = [value.item() if isinstance(value, np.generic) else value for value in values]
    for value in found:
        if not isinstance(value, _SCALARS):
            raise BrmspyError(
                f"{_sentence(what)} holds {value!r} of type {type(value).__name__}, "
                "which a file cannot hold. Turn it into text or numbers before fitting."
            )
    return found
