"""Positions among the levels of grouping factors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brmspy.data.columns import Columns
from brmspy.data.groups import fit_grouping
from brmspy.errors import DataError


def columns(**values: list[object]) -> Columns:
    arrays = {
        name: np.array(column, dtype=float if isinstance(column[0], int) else object)
        for name, column in values.items()
    }
    return Columns(arrays, pd.RangeIndex(len(next(iter(values.values())))))


def test_three_factors_sort_by_the_first_then_the_second() -> None:
    data = columns(a=[2, 1, 2, 1, 2], b=[10, 9, 9, 9, 10], c=list("yxxyx"))
    grouping = fit_grouping(("a", "b", "c"), data)
    assert grouping.levels == ("1_9_x", "1_9_y", "2_9_x", "2_10_x", "2_10_y")
    index, new = grouping.index(data, allow_new=False)
    assert index.tolist() == [4, 0, 2, 1, 3]
    assert new == ()


def test_new_levels_come_in_order_of_appearance() -> None:
    grouping = fit_grouping(("a", "b"), columns(a=[1, 2], b=[1, 2]))
    index, new = grouping.index(columns(a=[3, 2, 1, 3, 2], b=[1, 2, 2, 1, 1]), allow_new=True)
    assert new == ("3_1", "1_2", "2_1")
    assert index.tolist() == [2, 1, 3, 2, 4]


def test_levels_that_no_separator_tells_apart() -> None:
    data = columns(
        a=["a", "a_b", "a", "a:b", "a", "a | b"], b=["b_c", "c", "b:c", "c", "b | c", "c"]
    )
    with pytest.raises(DataError, match="'a:b' cannot be told apart"):
        fit_grouping(("a", "b"), data)
