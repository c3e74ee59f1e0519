"""Data frames survive being turned into arrays and JSON."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy.errors import BrmspyError
from brmspy.fit.frames import decode_frame, encode_frame

OBJECTS = pd.Index(list("abc"), dtype=object)
DATES = pd.date_range("2020-03-28", periods=4)

COLUMNS: dict[str, Any] = {
    "float": [1.5, np.nan, np.inf, -0.0],
    "float32": np.float32([1, 2, 3, 0.1]),
    "float16": np.float16([1, 2, 3, 0.1]),
    "int": [1, -2, 3, 2**62],
    "uint8": np.uint8([1, 2, 3, 255]),
    "bool": [True, False, True, True],
    "text": ["a", "", "é\0", "a"],
    "text as objects": pd.Series(list("abca"), dtype=object),
    "mixed objects": pd.Series([1, "1\ud800", True, None], dtype=object),
    "string": pd.array(["x", "y", "z", ""], dtype="string"),
    "Int64": pd.array([1, 2, 3, 4], dtype="Int64"),
    "Float32": pd.array([1.0, 2, 3, 4], dtype="Float32"),
    "boolean": pd.array([True, False, True, True], dtype="boolean"),
    "arrow": pd.array([1, 2, 3, 4], dtype="int64[pyarrow]"),
    "category": pd.Categorical(["b", "a", "b", None], categories=["b", "a", "unused"]),
    "ordered": pd.Categorical([3, 1, 2, 3], categories=[3, 2, 1], ordered=True),
    "category of bool": pd.Categorical([True, False, True, True]),
    "category of objects": pd.Categorical(list("abca"), categories=OBJECTS),
    "category of dates": pd.Categorical(DATES),
    "empty category": pd.Categorical([None] * 4),
    "cut": pd.cut([1.0, 2, 3, 4], 2),
    "date": DATES,
    "second": DATES.astype("M8[s]"),
    "zoned": DATES.tz_localize("Europe/Berlin"),
    "duration": pd.to_timedelta([1, 2, 3, 4], unit="h"),
    "interval": pd.arrays.IntervalArray.from_breaks([0, 1, 2, 3, 4], closed="both"),
}

INDEXES = {
    "range": pd.RangeIndex(2, 10, 2, name="r"),
    "int": pd.Index([3, 1, 1, 5]),
    "float": pd.Index([0.5, 1, 2, 3]),
    "text": pd.Index(["a", "b", "c", "a"], name="k"),
    "objects": pd.Index([1, "a", 2.5, True], dtype=object, name=3),
    "dates": DATES,
    "zoned": DATES.tz_localize("UTC"),
    "category": pd.CategoricalIndex(list("abca")),
    "several": pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["x", None]),
}


def again(frame: pd.DataFrame) -> pd.DataFrame:
    arrays, record = encode_frame(frame)
    assert all(array.ndim == 1 and array.dtype.kind in "iuf" for array in arrays.values())
    return decode_frame(arrays, json.loads(json.dumps(record)))


def check(frame: pd.DataFrame) -> None:
    result = again(frame)
    pd.testing.assert_frame_equal(
        result, frame, check_exact=True, check_freq=False, check_column_type=True
    )
    assert list(result.dtypes) == list(frame.dtypes)
    assert result.index.dtype == frame.index.dtype


# A later pandas will compare the frequencies of dates, which are no property of the data.
@pytest.mark.filterwarnings("ignore:.*'freq' attribute")
@pytest.mark.parametrize("name", COLUMNS)
def test_columns(name: str) -> None:
    check(pd.DataFrame({name: COLUMNS[name]}))


@pytest.mark.parametrize("name", INDEXES)
def test_indexes(name: str) -> None:
    check(pd.DataFrame({"x": [1.0, 2, 3, 4]}).set_axis(INDEXES[name]))


@pytest.mark.parametrize("columns", [[0, 1], ["a", 1], pd.RangeIndex(2), ["a", "a"]])
def test_names_of_columns(columns: Any) -> None:
    check(pd.DataFrame([[1.0, 2.0]]).set_axis(columns, axis=1))


def test_nothing() -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0], "g": ["a", "b"]})
    check(frame[[]])
    check(frame.iloc[:0])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pd.period_range("2020", periods=2), "Column 'Odd' is of type period"),
        ([1j, 2], "Column 'Odd' is of type complex128"),
        ([[1], [2]], "Column 'Odd' holds .* of type list"),
        ([Decimal(1), Decimal(2)], "Column 'Odd' holds .* of type Decimal"),
        (pd.array(["x", None], dtype="string"), "Column 'Odd' has missing values"),
        (pd.array([1, None], dtype="Int64"), "Column 'Odd' has missing values"),
        (pd.arrays.SparseArray([1, 2]), "Column 'Odd' is of type Sparse"),
        (pd.Categorical([Decimal(1), Decimal(2)]), "Categories of column 'Odd' holds"),
    ],
)
def test_what_cannot_be_kept_is_named(values: Any, message: str) -> None:
    with pytest.raises(BrmspyError, match=message):
        encode_frame(pd.DataFrame({"Odd": values}))


def test_an_index_that_cannot_be_kept_is_named() -> None:
    frame = pd.DataFrame({"x": [1, 2]}, index=pd.period_range("2020", periods=2))
    with pytest.raises(BrmspyError, match="The index is of type period"):
        encode_frame(frame)
