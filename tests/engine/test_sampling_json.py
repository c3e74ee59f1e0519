"""Data and initial values as CmdStan reads them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy.engine.stan_json import write_json
from brmspy.errors import DataError


def written(path: Path, values: dict[str, Any]) -> str:
    write_json(path / "data.json", values)
    return (path / "data.json").read_text()


CASES: list[tuple[Any, str]] = [
    (3, "3"),
    (2.5, "2.5"),
    (2.0, "2"),  # Stan promotes integers to reals
    (True, "1"),
    (np.bool_(False), "0"),
    (np.float64(1e-7), "1e-07"),
    (np.int8(-3), "-3"),
    (np.float64(1e300), "1e+300"),
    (0.1 + 0.2, "0.30000000000000004"),
    ([1], "[1]"),
    ([0.5], "[0.5]"),
    ((1, 2), "[1, 2]"),
    (np.array([True, False]), "[1, 0]"),
    (np.array([1.0, 2.0]), "[1, 2]"),
    (np.array([1.0, 2.5]), "[1.0, 2.5]"),
    (np.arange(4).reshape(2, 2), "[[0, 1], [2, 3]]"),
    (np.asfortranarray([[0.5, 1.0], [2.0, 3.0]]), "[[0.5, 1.0], [2.0, 3.0]]"),
    (pd.Series([1, 2], index=[5, 6]), "[1, 2]"),
    ([], "[]"),
    (np.empty((0, 3)), "[]"),
    (np.empty((2, 0)), "[[], []]"),
    (np.empty((2, 0), dtype=int), "[[], []]"),
    (math.nan, "NaN"),
    ([math.inf, -math.inf, 0.5], "[Infinity, -Infinity, 0.5]"),
]


@pytest.mark.parametrize(("value", "text"), CASES, ids=lambda value: repr(value)[:30])
def test_values(tmp_path: Path, value: Any, text: str) -> None:
    assert written(tmp_path, {"x": value}) == f'{{"x": {text}}}\n'


@pytest.mark.parametrize("shape", [(250_000,), (70_000, 3), (30, 4, 2_000), (2, 150_000)])
@pytest.mark.parametrize("kind", ["reals", "integers"])
def test_long_arrays_read_back_equal(tmp_path: Path, shape: tuple[int, ...], kind: str) -> None:
    rng = np.random.default_rng(1)
    values = rng.standard_normal(shape) if kind == "reals" else rng.integers(-9, 9, shape)
    got = np.array(json.loads(written(tmp_path, {"x": values}))["x"])
    assert got.shape == shape
    assert (got == values).all()


def test_several_variables(tmp_path: Path) -> None:
    assert json.loads(written(tmp_path, {"N": 2, "y": [0.5, 1]})) == {"N": 2, "y": [0.5, 1]}
    assert json.loads(written(tmp_path, {})) == {}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("text", "'x' must be a number or an array of numbers, found str"),
        (None, "found NoneType"),
        (np.array(["a"]), "found ndarray"),
        ([[1, 2], [3]], "'x' must be a number or a regular array"),
        (1j, "found complex"),
        (2**31, "'x' holds an integer beyond 2147483647"),
        (np.array([0, -(2**31)]), "beyond 2147483647"),
        (np.uint64(2**63), "beyond 2147483647"),
    ],
)
def test_refused(tmp_path: Path, value: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        written(tmp_path, {"x": value})


def test_large_reals_are_not_integers(tmp_path: Path) -> None:
    assert written(tmp_path, {"x": 3e9}) == '{"x": 3000000000.0}\n'
