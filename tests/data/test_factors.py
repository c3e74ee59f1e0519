"""Levels of factors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy.data.columns import read_column
from brmspy.data.factors import Levels, encode


def categorical(values: list[Any], categories: list[Any], ordered: bool = False) -> pd.Series[Any]:
    return pd.Series(pd.Categorical(values, categories=categories, ordered=ordered))


LEVELS: list[tuple[str, pd.Series, str, bool]] = [
    ("text sorts by code point", pd.Series(["b", "a", "B", "é"]), "B a b é", False),
    ("digits as text sort as text", pd.Series(["10", "9", "2"]), "10 2 9", False),
    ("whole numbers sort as numbers", pd.Series([10, 9, 2]), "2 9 10", False),
    ("floats print as R does", pd.Series([1.0, 0.5, 10.0]), "0.5 1 10", False),
    ("0.1 + 0.2 prints like 0.3", pd.Series([0.1 + 0.2, 0.3, 0.1]), "0.1 0.3", False),
    ("bool", pd.Series([True, False]), "FALSE TRUE", False),
    ("bool keeps both levels", pd.Series([True, True]), "FALSE TRUE", False),
    ("nullable bool", pd.Series([True, None], dtype="boolean"), "FALSE TRUE", False),
    ("bool objects", pd.Series([True, None, False], dtype=object), "FALSE TRUE", False),
    ("nullable int", pd.Series([3, None, 1], dtype="Int64"), "1 3", False),
    ("int objects", pd.Series([3, None, 1], dtype=object), "1 3", False),
    ("Arrow int", pd.Series([3, None, 1], dtype="int64[pyarrow]"), "1 3", False),
    ("text objects", pd.Series(["b", None, "a"], dtype=object), "a b", False),
    ("nullable text", pd.Series(["b", None, "a"], dtype="string"), "a b", False),
    ("category order", categorical(["a", "b"], ["b", "a"]), "b a", False),
    ("unused category", categorical(["c", "a"], ["c", "b", "a"]), "c a", False),
    ("ordered", categorical(["lo", "hi"], ["lo", "mid", "hi"], ordered=True), "lo hi", True),
    ("numbers as categories", categorical([2.0, 1.5], [2.0, 1.5]), "2 1.5", False),
    ("bool categories", categorical([True, False], [False, True]), "FALSE TRUE", False),
]


@pytest.mark.parametrize(
    ("series", "labels", "ordered"), [c[1:] for c in LEVELS], ids=[c[0] for c in LEVELS]
)
def test_levels(series: pd.Series[Any], labels: str, ordered: bool) -> None:
    codes, levels = encode(read_column(series, "f"))
    assert levels == Levels(tuple(labels.split()), ordered)
    assert ((codes == -1) == series.isna()).all()


def test_codes_follow_levels() -> None:
    codes, levels = encode(np.array([10.0, 9.0, np.nan, 2.0, 10.0]))
    assert levels.labels == ("2", "9", "10")
    assert codes.tolist() == [2, 1, -1, 0, 2]


def test_match_finds_known_and_unknown_labels() -> None:
    levels = Levels(("2", "9", "10"))
    codes, unknown = levels.match(np.array(["9", "x", None, "2", "a", "x"], dtype=object))
    assert unknown == ("a", "x")
    assert codes.tolist() == [1, 4, -1, 0, 3, 4]


def test_match_compares_labels_not_types() -> None:
    codes, unknown = Levels(("1", "2")).match(np.array([2.0, 1.0]))
    assert (codes.tolist(), unknown) == ([1, 0], ())
