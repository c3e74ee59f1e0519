"""The data sets: shapes, types, levels and values that their publications report."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy import DataError, list_datasets, load_dataset
from brmspy.datasets import DATASETS

# Rows, and the type of every column: f(loat), i(nteger) or the number of levels.
SHAPES: dict[str, tuple[int, dict[str, str | int]]] = {
    "sleepstudy": (180, {"Reaction": "f", "Days": "i", "Subject": 18}),
    "cbpp": (56, {"herd": 15, "incidence": "i", "size": "i", "period": 4}),
    "epil": (
        236,
        {
            "y": "i",
            "trt": 2,
            "base": "i",
            "age": "i",
            "V4": "i",
            "subject": "i",
            "period": "i",
            "lbase": "f",
            "lage": "f",
        },
    ),
    "loblolly": (84, {"height": "f", "age": "i", "Seed": 14}),
    "oats": (72, {"blocks": 6, "varieties": 3, "nitrogen": 4, "yields": "i"}),
    "plant_growth": (30, {"weight": "f", "group": 3}),
    "poisson_sim": (2500, {"y": "i", "x1": "f", "x2": "f", "o": "i", "g": "i"}),
    "puromycin": (23, {"conc": "f", "rate": "i", "state": 2}),
    "salamander": (360, {"Mate": "i", "Cross": 4, "Female": 60, "Male": 60}),
}

LEVELS = [
    ("sleepstudy", "Subject", ["308", "309", "310", "330", "331"]),
    # By their numbers, not by their first digits.
    ("cbpp", "herd", [str(number) for number in range(1, 16)]),
    ("cbpp", "period", ["1", "2", "3", "4"]),
    ("epil", "trt", ["placebo", "progabide"]),
    ("loblolly", "Seed", ["301", "303", "305", "307", "309", "311", "315"]),
    ("oats", "blocks", ["I", "II", "III", "IV", "V", "VI"]),
    ("oats", "varieties", ["Golden.rain", "Marvellous", "Victory"]),
    ("oats", "nitrogen", ["0.0cwt", "0.2cwt", "0.4cwt", "0.6cwt"]),
    ("plant_growth", "group", ["ctrl", "trt1", "trt2"]),
    ("puromycin", "state", ["treated", "untreated"]),
    ("salamander", "Cross", ["R/R", "R/W", "W/R", "W/W"]),
]


def mad(values: pd.Series[Any]) -> float:
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


# What the documentation of R's packages, the publications and brms' default priors say.
VALUES: list[tuple[str, Callable[[pd.DataFrame], Any], Any]] = [
    ("sleepstudy", lambda d: d.Reaction.mean(), 298.5079),
    ("sleepstudy", lambda d: d.Reaction.median(), 288.6508),
    ("sleepstudy", lambda d: mad(d.Reaction), 59.3393),
    ("sleepstudy", lambda d: d.groupby("Subject", observed=True).size().unique(), [10]),
    ("sleepstudy", lambda d: sorted(d.Days.unique()), list(range(10))),
    ("cbpp", lambda d: [d.incidence.sum(), d["size"].sum()], [99, 842]),
    ("cbpp", lambda d: (d.incidence / d["size"]).median(), 0.0513),
    ("epil", lambda d: [d.y.median(), mad(d.y)], [4, 4.4478]),
    ("epil", lambda d: d.groupby("trt", observed=True).subject.nunique(), [28, 31]),
    ("epil", lambda d: d.lbase - np.log(d.base), np.full(236, -np.log(11) - 0.756353788717556)),
    ("loblolly", lambda d: [d.height.median(), mad(d.height)], [34, 32.8025]),
    ("loblolly", lambda d: sorted(d.age.unique()), [3, 5, 10, 15, 20, 25]),
    ("oats", lambda d: d.groupby("nitrogen", observed=True).yields.mean().iloc[0], 79.3889),
    ("oats", lambda d: d.yields.mean(), 103.9722),
    (
        "plant_growth",
        lambda d: d.groupby("group", observed=True).mean(),
        [[5.032], [4.661], [5.526]],
    ),
    ("poisson_sim", lambda d: d.groupby("g").size().unique(), [100]),
    ("puromycin", lambda d: sorted(d.conc.unique()), [0.02, 0.06, 0.11, 0.22, 0.56, 1.1]),
    ("puromycin", lambda d: d.groupby("state", observed=True).rate.max(), [207, 160]),
    ("salamander", lambda d: d.groupby("Cross", observed=True).size().unique(), [90]),
    ("salamander", lambda d: d.groupby("Female", observed=True).size().unique(), [6]),
]


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_and_types(name: str) -> None:
    rows, columns = SHAPES[name]
    data = load_dataset(name)
    assert list(data.columns) == list(columns)
    assert data.index.equals(pd.RangeIndex(rows))
    assert not data.isna().any(axis=None)
    for column, kind in columns.items():
        if isinstance(kind, int):
            assert data[column].nunique() == len(data[column].cat.categories) == kind
            assert not data[column].cat.ordered
        else:
            assert data[column].dtype.kind == kind


@pytest.mark.parametrize(("name", "column", "levels"), LEVELS)
def test_levels_are_in_order(name: str, column: str, levels: list[str]) -> None:
    assert list(load_dataset(name)[column].cat.categories)[: len(levels)] == levels


@pytest.mark.parametrize(("name", "value", "expected"), VALUES)
def test_values(name: str, value: Callable[[pd.DataFrame], Any], expected: Any) -> None:
    np.testing.assert_allclose(value(load_dataset(name)), expected, rtol=0, atol=5e-5)


def test_every_file_has_a_record() -> None:
    folder = resources.files("brmspy.datasets")
    files = {file.name.removesuffix(".csv") for file in folder.iterdir() if ".csv" in file.name}
    assert files == set(DATASETS) == set(SHAPES)


@pytest.mark.parametrize("name", SHAPES)
def test_records_describe_every_column(name: str) -> None:
    record = DATASETS[name]
    assert list(record.columns) == list(SHAPES[name][1])
    assert all(record.columns.values())
    assert record.title
    # A publication with its year; simulated data say so.
    assert "(19" in record.source or "(20" in record.source or "Simulated" in record.source
    text = str(record)
    assert text.startswith(f"{name}: {record.title}\n")
    assert text.endswith(f"Source: {record.source}")


def test_source_comes_with_the_data() -> None:
    assert load_dataset("oats").attrs["source"].startswith("Yates, F. (1935)")


def test_every_call_gives_a_fresh_copy() -> None:
    first = load_dataset("plant_growth")
    first.loc[:, "weight"] = 0.0
    first.attrs["source"] = "nobody"
    second = load_dataset("plant_growth")
    assert second["weight"].min() == 3.59
    assert second.attrs["source"] == DATASETS["plant_growth"].source


def test_list() -> None:
    table = list_datasets()
    assert list(table.index) == list(DATASETS)
    assert list(table.columns) == ["title", "source"]
    assert table.loc["cbpp", "source"] == DATASETS["cbpp"].source


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("sleep", "Did you mean 'sleepstudy'"),
        ("Loblolly", "Did you mean 'loblolly'"),
        ("PlantGrowth", "Did you mean 'plant_growth'"),
        ("mtcars", "Valid names: 'sleepstudy', 'cbpp'"),
        (3, "There is no data set 3. Valid names"),
        (["oats"], r"There is no data set \['oats'\]"),
    ],
)
def test_unknown_names(name: Any, advice: str) -> None:
    with pytest.raises(DataError, match=advice):
        load_dataset(name)
