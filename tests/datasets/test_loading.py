"""The data sets: their files against their records, types, levels, errors."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import brmspy
from brmspy.datasets import DATASETS, list_datasets, load_dataset
from brmspy.errors import DataError

FILES = Path(brmspy.__file__).parent / "datasets"

# Rows and columns as the documentation of lme4, MASS and R's datasets states them.
SHAPES = {
    "sleepstudy": (180, 3),
    "cbpp": (56, 4),
    "epil": (236, 9),
    "loblolly": (84, 3),
    "oats": (72, 4),
    "plant_growth": (30, 2),
    "poisson_sim": (2500, 5),
    "puromycin": (23, 3),
    "salamander": (360, 4),
    "orange": (35, 3),
    "indometh": (66, 3),
    "exercise": (200, 3),
    "mood": (272, 3),
    "theoph": (132, 5),
    "dnase": (176, 3),
    "co2": (84, 5),
    "chick_weight": (578, 4),
}

# Number of levels, and the first ones; for all factors of all data sets.
LEVELS: dict[tuple[str, str], tuple[int, list[str]]] = {
    ("sleepstudy", "Subject"): (18, ["308", "309", "310"]),
    ("cbpp", "herd"): (15, ["1", "2", "3"]),
    ("cbpp", "period"): (4, ["1", "2", "3", "4"]),
    ("epil", "trt"): (2, ["placebo", "progabide"]),
    ("epil", "subject"): (59, ["1", "2", "3"]),
    ("epil", "period"): (4, ["1", "2", "3", "4"]),
    ("loblolly", "Seed"): (14, ["301", "303", "305"]),
    ("oats", "blocks"): (6, ["I", "II", "III", "IV", "V", "VI"]),
    ("oats", "varieties"): (3, ["Golden.rain", "Marvellous", "Victory"]),
    ("oats", "nitrogen"): (4, ["0.0cwt", "0.2cwt", "0.4cwt", "0.6cwt"]),
    ("plant_growth", "group"): (3, ["ctrl", "trt1", "trt2"]),
    ("poisson_sim", "g"): (25, ["1", "2", "3"]),
    ("puromycin", "state"): (2, ["treated", "untreated"]),
    ("salamander", "Cross"): (4, ["R/R", "R/W", "W/R", "W/W"]),
    ("salamander", "Female"): (60, ["10", "11", "12"]),
    ("salamander", "Male"): (60, ["10", "11", "12"]),
    ("orange", "Tree"): (5, ["1", "2", "3", "4", "5"]),
    ("indometh", "Subject"): (6, ["1", "2", "3", "4", "5", "6"]),
    ("exercise", "age"): (5, ["20 to 29", "30 to 39", "40 to 49"]),
    ("mood", "state"): (16, ["A", "B", "C"]),
    ("theoph", "Subject"): (12, ["1", "2", "3"]),
    ("dnase", "Run"): (11, ["1", "2", "3"]),
    ("co2", "Plant"): (12, ["Mc1", "Mc2", "Mc3", "Mn1"]),
    ("co2", "Type"): (2, ["Mississippi", "Quebec"]),
    ("co2", "Treatment"): (2, ["chilled", "nonchilled"]),
    ("chick_weight", "Chick"): (50, ["1", "2", "3"]),
    ("chick_weight", "Diet"): (4, ["1", "2", "3", "4"]),
}


def test_every_file_has_a_record() -> None:
    assert {path.stem for path in FILES.glob("*.csv")} == DATASETS.keys() == SHAPES.keys()


@pytest.mark.parametrize("name", SHAPES)
def test_shape_and_columns(name: str) -> None:
    frame, record = load_dataset(name), DATASETS[name]
    assert frame.shape == SHAPES[name]
    assert record.rows == len(frame)
    assert list(frame.columns) == list(record.columns)
    assert not frame.isna().to_numpy().any()


@pytest.mark.parametrize("name", SHAPES)
def test_values_are_those_of_the_file(name: str) -> None:
    frame = load_dataset(name)
    with (FILES / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    for column in frame.columns:
        texts = [row[column] for row in rows]
        if column in DATASETS[name].factors:
            assert frame[column].astype(str).tolist() == texts
        else:
            assert frame[column].tolist() == [float(text) for text in texts]


def test_all_factors_are_tested() -> None:
    assert LEVELS.keys() == {
        (name, column) for name, record in DATASETS.items() for column in record.factors
    }


@pytest.mark.parametrize(("name", "column"), LEVELS)
def test_levels(name: str, column: str) -> None:
    count, first = LEVELS[name, column]
    values = load_dataset(name)[column]
    levels = list(values.cat.categories)
    assert levels[: len(first)] == first
    assert len(levels) == count == values.nunique()
    assert not values.cat.ordered
    if all(level.isdigit() for level in levels):
        assert levels == sorted(levels, key=int)


@pytest.mark.parametrize("name", SHAPES)
def test_columns_that_are_not_factors_are_numbers(name: str) -> None:
    numbers = load_dataset(name).drop(columns=list(DATASETS[name].factors))
    assert all(pd.api.types.is_numeric_dtype(dtype) for dtype in numbers.dtypes)


# What the descriptions claim.
CLAIMS: dict[str, Callable[[pd.DataFrame], bool]] = {
    "sleepstudy": lambda d: bool((d.groupby("Subject", observed=True).size() == 10).all()),
    "cbpp": lambda d: bool((d["incidence"] <= d["size"]).all()),
    "epil": lambda d: bool(
        (d["V4"] == (d["period"] == "4")).all()
        and abs(d["lbase"].mean()) < 1e-12
        and abs(d["lage"].mean()) < 1e-12
    ),
    "loblolly": lambda d: bool((d.groupby("Seed", observed=True)["age"].nunique() == 6).all()),
    "oats": lambda d: not d.duplicated(["blocks", "varieties", "nitrogen"]).any(),
    "orange": lambda d: set(d.groupby("Tree", observed=True)["age"].nunique()) == {7},
    "indometh": lambda d: set(d.groupby("Subject", observed=True)["time"].nunique()) == {11},
    "exercise": lambda d: bool((d["age"].value_counts() == 40).all()),
    "mood": lambda d: bool(
        d["mood"].between(0, 100).all()
        and d.groupby("state", observed=True)["income"].mean()["A"] < 4.0
    ),
    "theoph": lambda d: bool(
        (d.groupby("Subject", observed=True)[["Wt", "Dose"]].nunique() == 1).all(axis=None)
        and (d.groupby("Subject", observed=True)["Time"].nunique() == 11).all()
        and (d.groupby("Subject", observed=True)["Time"].min() == 0).all()
    ),
    "dnase": lambda d: bool((d.groupby(["Run", "conc"], observed=True).size() == 2).all()),
    "co2": lambda d: bool(
        (d["Plant"].str[0] == d["Type"].str[0]).all()
        and (d["Plant"].str[1] == d["Treatment"].str[0]).all()
        and (d.groupby("Plant", observed=True)["conc"].nunique() == 7).all()
    ),
    "chick_weight": lambda d: bool(
        (d.groupby("Chick", observed=True)["Diet"].nunique() == 1).all()
        and (d.groupby("Chick", observed=True)["Time"].max() < 21).sum() == 5
    ),
    "plant_growth": lambda d: bool((d["group"].value_counts() == 10).all()),
    "poisson_sim": lambda d: bool((d["g"].value_counts() == 100).all() and set(d["o"]) == {2, 4}),
    "puromycin": lambda d: d["state"].value_counts().to_dict() == {"treated": 12, "untreated": 11},
    "salamander": lambda d: all(
        # The first letter of Cross belongs to the female, the second to the male.
        (d["Cross"].str[letter].groupby(d[animal], observed=True).nunique() == 1).all()
        for animal, letter in (("Female", 0), ("Male", 2))
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_descriptions_are_true(name: str) -> None:
    assert CLAIMS[name](load_dataset(name))


@pytest.mark.parametrize("name", SHAPES)
def test_records_describe_and_name_the_source(name: str) -> None:
    record, frame = DATASETS[name], load_dataset(name)
    assert frame.attrs == {"title": record.title, "source": record.source}
    text = str(record)
    assert text.startswith(f"{name}: {record.title} ({SHAPES[name][0]} rows)\n")
    for column in frame.columns:
        factor = " (factor)" if column in record.factors else ""
        assert f"\n  {column}: {record.columns[column]}{factor}\n" in text
    assert text.endswith(f"\nSource: {record.source}")


def test_each_call_returns_a_fresh_copy() -> None:
    first = load_dataset("sleepstudy")
    first["Reaction"] = 0.0
    first.attrs["source"] = "mine"
    second = load_dataset("sleepstudy")
    assert second["Reaction"].iloc[0] == 249.56
    assert second.attrs["source"].startswith("Belenky")


def test_list() -> None:
    table = list_datasets()
    assert table.columns.tolist() == ["title", "rows", "source"]
    assert table["rows"].to_dict() == {name: shape[0] for name, shape in SHAPES.items()}
    assert table.loc["oats", "source"].startswith("Yates, F. (1935)")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sleepstud", r"There is no data set 'sleepstud'\. Did you mean 'sleepstudy'\?"),
        ("SleepStudy", r"Did you mean 'sleepstudy'\?"),
        ("PlantGrowth", r"Did you mean 'plant_growth'\?"),
        ("Loblolly", r"Did you mean 'loblolly'\?"),
        ("../cbpp", r"Did you mean 'cbpp'\?"),
        ("iris", r"Valid names: 'sleepstudy', 'cbpp', 'epil'"),
        (3, r"There is no data set 3\. Valid names"),
    ],
)
def test_unknown_names(name: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_dataset(name)
