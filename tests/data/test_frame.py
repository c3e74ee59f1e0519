"""Tables of any make become pandas frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from brmspy.data import as_frame, model_matrix
from brmspy.errors import DataError

COLUMNS: dict[str, list[Any]] = {
    "x": [1.5, 2.5, 3.5],
    "f": ["b", "a", "c"],
    "l": [True, False, True],
}


@pytest.mark.parametrize(
    "data",
    [
        COLUMNS,
        {name: np.array(values) for name, values in COLUMNS.items()},
        pd.DataFrame(COLUMNS),
        pl.DataFrame(COLUMNS),
        pa.table(COLUMNS),
        pd.DataFrame(COLUMNS).convert_dtypes(),
        pd.DataFrame(COLUMNS).convert_dtypes(dtype_backend="pyarrow"),
        pd.DataFrame(COLUMNS).astype(object),
        pd.DataFrame(COLUMNS).astype({"f": "category"}),
        pl.DataFrame(COLUMNS).with_columns(pl.col("f").cast(pl.Categorical)),
    ],
    ids=[
        *("dict", "arrays", "pandas", "polars", "pyarrow", "nullable", "Arrow dtypes", "objects"),
        *("category", "polars categorical"),
    ],
)
def test_the_same_matrix_from_any_table(data: Any) -> None:
    result = model_matrix("~ x + f + l", data)
    assert result.columns.tolist() == ["Intercept", "x", "fb", "fc", "lTRUE"]
    assert result.to_numpy().tolist() == [[1, 1.5, 1, 0, 1], [1, 2.5, 0, 0, 0], [1, 3.5, 0, 1, 1]]


def test_pandas_frames_are_passed_on() -> None:
    data = pd.DataFrame(COLUMNS)
    assert as_frame(data) is data


def test_polars_enum_keeps_its_order() -> None:
    data = pl.DataFrame({"f": pl.Series(["b", "a", "c"], dtype=pl.Enum(["c", "b", "a"]))})
    assert model_matrix("~ f", data).columns.tolist() == ["Intercept", "fb", "fa"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([1, 2, 3], "not a table: got an object of type list"),
        (np.zeros((3, 2)), "not a table: got an object of type ndarray"),
        (None, "not a table: got an object of type NoneType"),
        ("data.csv", "not a table: got an object of type str"),
        (pd.Series([1, 2]), "not a table: got an object of type Series"),
        ({"a": [1, 2], "b": [1]}, "do not make a table.*same length"),
        (pl.LazyFrame({"a": [1]}), "Collect it first"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "more than one column named 'a'"),
        (pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])), "several levels"),
    ],
)
def test_what_is_no_table(data: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        as_frame(data)
