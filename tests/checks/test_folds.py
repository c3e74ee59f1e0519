"""How rows are divided into folds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy import BrmsFit
from brmspy.checks.folds import make_folds
from brmspy.errors import BrmspyError

SIZES = {"a": 30, "b": 15, "c": 10, "d": 5}
GROUP = np.repeat(list(SIZES), list(SIZES.values()))


@pytest.fixture(scope="module")
def fit(measured: pd.DataFrame, make_fit: Any) -> BrmsFit:
    """Return a fit whose data have groups of unequal size, one of them nested."""
    data = measured.assign(g=GROUP, h=np.tile(["x", "y"], 30))
    draws = {
        "b": np.zeros((4000, 1)),
        "sigma": np.ones(4000),
        **{f"sd_{name}": np.ones((4000, 1)) for name in ("g", "g:h")},
        "r_g": np.zeros((4000, 4, 1)),
        "r_g:h": np.zeros((4000, 8, 1)),
    }
    return make_fit("y ~ 1 + (1 | g/h)", data, draws)


def sizes(labels: Any) -> list[int]:
    return sorted(pd.Series(labels).value_counts())


def test_random_folds_are_of_one_size_and_can_be_repeated(fit: BrmsFit) -> None:
    folds = make_folds(fit, None, None, None, 1)
    assert sizes(folds.labels) == [6] * 10
    assert sizes(make_folds(fit, 7, "random", None, 1).labels) == [8, 8, 8, 9, 9, 9, 9]
    assert (make_folds(fit, None, None, None, 1).labels == folds.labels).all()
    assert (make_folds(fit, None, None, None, 2).labels != folds.labels).any()
    assert (np.diff(folds.labels) != 0).any()


def test_stratified_folds_share_each_level(fit: BrmsFit) -> None:
    labels = make_folds(fit, 5, "stratified", "g", 1).labels
    shares = pd.crosstab(GROUP, labels)
    assert (shares.to_numpy() == np.array([[6], [3], [2], [1]])).all()


def test_grouped_folds_keep_levels_together(fit: BrmsFit) -> None:
    labels = make_folds(fit, 2, "grouped", "g", 1).labels
    spread = pd.crosstab(GROUP, labels).gt(0).sum(axis=1)
    assert (spread == 1).all()
    assert len(np.unique(labels)) == 2


@pytest.mark.parametrize(
    ("K", "folds"), [(4, "grouped"), (None, "grouped"), (None, None), (4, None)]
)
def test_one_group_at_a_time(fit: BrmsFit, K: Any, folds: Any) -> None:
    made = make_folds(fit, K, folds, "g", 1)
    assert pd.crosstab(GROUP, made.labels).to_numpy().tolist() == np.diag([30, 15, 10, 5]).tolist()
    assert made.text == "each of the 4 levels of g is a fold"


def test_a_nested_factor_is_a_group_too(fit: BrmsFit) -> None:
    made = make_folds(fit, 8, "grouped", "g:h", 1)
    assert sizes(made.labels) == [2, 3, 5, 5, 7, 8, 15, 15]


def test_each_row_by_itself(fit: BrmsFit) -> None:
    assert make_folds(fit, None, "loo", None, 1).labels.tolist() == list(range(1, 61))


def test_members_are_positions_in_the_order_of_the_folds(fit: BrmsFit) -> None:
    given = np.where(np.arange(60) % 3 == 1, "b", "a")
    members = make_folds(fit, None, given, None, 1).members()
    assert [name for name, _ in members] == ["a", "b"]
    assert members[1][1].tolist() == list(range(1, 60, 3))


def test_groups_that_are_no_column(fit: BrmsFit, measured: pd.DataFrame) -> None:
    site = pd.Series(np.arange(60) // 20, index=measured.index, name="site")
    made = make_folds(fit, None, None, site, 1)
    assert made.text == "each of the 3 levels of site is a fold"
    assert sizes(make_folds(fit, None, None, site.to_numpy(), 1).labels) == [20, 20, 20]


def test_labelled_values_may_have_more_rows_than_the_model(
    fit: BrmsFit, measured: pd.DataFrame
) -> None:
    every = pd.Series(
        [9, *np.arange(60) % 2], index=["left out", *measured.index], name="half"
    ).sample(frac=1, random_state=1)
    made = make_folds(fit, None, every, None, 1)
    assert made.labels.tolist() == (np.arange(60) % 2).tolist()


@pytest.mark.parametrize(
    ("K", "folds", "group", "message"),
    [
        (1, None, None, "K = 1 is not valid"),
        (2.5, None, None, r"K = 2\.5 is not valid"),
        (True, None, None, "K = True is not valid"),
        (61, None, None, "61 folds cannot be made of 60 rows"),
        (5, "grouped", "g", "5 folds cannot be made of 4 levels of g"),
        (3, None, "g", "each of its 4 levels is a fold"),
        (None, "stratifed", "g", "Did you mean 'stratified'"),
        (None, "stratified", None, r"needs group=, a column of the data such as 'g'"),
        (None, "random", "g", "has no meaning with folds='random'"),
        (5, "loo", None, "leave out K"),
        (None, "grouped", "G", "is no column that the model uses. Did you mean 'g'"),
        (None, None, "site", r"group=data\['site'\]"),
        (None, [1, 2], None, "folds has 2 values for the 60 rows"),
        (None, [1] * 60, None, "one value only"),
        (3, [1, 2] * 30, None, "2 folds, but K = 3"),
        (None, [1, 2] * 30, "g", "or group"),
        (None, [1.0, np.nan] * 30, None, "folds is missing in 30 rows"),
        (None, 7, None, "folds = 7 is not valid"),
        (None, pd.Series([1, 2] * 30), None, "folds has other row labels"),
        (None, None, [1, 2, 3], "group has 3 values for the 60 rows"),
    ],
)
def test_what_cannot_be_divided(fit: BrmsFit, K: Any, folds: Any, group: Any, message: str) -> None:
    with pytest.raises(BrmspyError, match=message):
        make_folds(fit, K, folds, group, 1)
