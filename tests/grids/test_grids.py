"""Which columns a model reads, what is typical of them, and crossed values of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy import bf, load_dataset
from brmspy.errors import BrmspyError
from brmspy.grids import GridColumn, grid, grid_columns, predictors_behind
from brmspy.model import build

DATA = pd.DataFrame(
    {
        "y": [1.0, 3.0, 2.0, 5.0, 4.0, 6.0],
        "n": [7, 8, 8, 9, 9, 20],
        "whole": [1, 2, 3, 1, 2, 6],
        "x 1": [0.5, 0.1, 0.9, 0.4, 0.2, 0.7],
        "text": list("bacbac"),
        "flag": [True, False, True, True, False, False],
        "size": pd.Categorical(list("smlsml"), ["s", "m", "l", "xl"], ordered=True),
        "obs": [10, 9, 2, 10, 9, 2],
        "chain": list("uvuvuv"),
    },
    index=pd.Index([11, 12, 13, 14, 15, 16], name="row"),
)


def model(formula: Any, data: Any = DATA, family: str = "gaussian") -> Any:
    """Return what a fit is to this room: something with a model."""
    return SimpleNamespace(model=build(formula, data, family))


def column(formula: Any, name: str, family: str = "gaussian") -> GridColumn:
    return grid_columns(model(formula, family=family))[name]


@pytest.mark.parametrize(
    ("formula", "name", "kind", "levels", "typical"),
    [
        ("y ~ whole", "whole", "numeric", (), 2.5),
        ("y ~ log(whole) + I(whole^2)", "whole", "numeric", (), 2.5),
        ("y ~ factor(whole)", "whole", "factor", (1, 2, 3, 6), 1),
        ("y ~ I(whole > 2)", "whole", "numeric", (), 2.5),
        ("y ~ whole + factor(whole)", "whole", "factor", (1, 2, 3, 6), 1),
        ("y ~ `x 1`", "x 1", "numeric", (), 2.8 / 6),
        ("y ~ text", "text", "factor", ("a", "b", "c"), "a"),
        ("y ~ flag", "flag", "logical", (False, True), False),
        ("y ~ size", "size", "ordered", ("s", "m", "l"), "s"),
        ("y ~ offset(log(n))", "n", "numeric", (), 61 / 6),
        ("y ~ 1 + (whole | obs)", "whole", "numeric", (), 2.5),
        ("y ~ 1 + (1 | obs)", "obs", "factor", (2, 9, 10), None),
        ("y ~ text + (1 | chain/text)", "chain", "factor", ("u", "v"), None),
        ("y ~ text + (1 | chain/text)", "text", "factor", ("a", "b", "c"), "a"),
    ],
)
def test_kind_levels_and_typical_value(
    formula: str, name: str, kind: str, levels: tuple[Any, ...], typical: Any
) -> None:
    found = column(formula, name)
    assert (found.kind, found.levels) == (kind, levels)
    assert (
        found.typical == pytest.approx(typical) if kind == "numeric" else (found.typical == typical)
    )


@pytest.mark.parametrize(
    ("formula", "typical"),
    [
        ("whole | trials(n) ~ 1", 1),
        ("whole | trials(n) ~ n", 8),  # the median is 8.5, which rounds to the even number
        ("whole | trials(n + n) ~ 1", 8),
    ],
)
def test_one_trial_unless_the_trials_say_more(formula: str, typical: int) -> None:
    assert column(formula, "n", "binomial").typical == typical


def test_columns_are_in_the_order_of_the_formula_and_know_their_uses() -> None:
    formula = bf("y ~ size * whole + (flag | obs)", "sigma ~ text + offset(n)")
    found = grid_columns(model(formula))
    assert list(found) == ["size", "whole", "text", "n", "flag", "obs"]
    assert found["size"].uses == {("mu", "population")}
    assert found["flag"].uses == {("mu", "varying")}
    assert found["n"].uses == {("sigma", "offset")}
    assert found["obs"].only_groups
    assert found["flag"].is_read_by(["mu"])
    assert not found["flag"].is_read_by(["mu"], groups=False)
    assert not found["text"].is_read_by(["mu"])


def test_non_linear_parameters_come_after_what_reads_them() -> None:
    data = load_dataset("puromycin")
    fit = model(bf("rate ~ Vm * conc / (K + conc)", "Vm ~ state", "K ~ 1", nl=True), data)
    assert predictors_behind(fit) == ("mu", "Vm", "K")
    assert predictors_behind(fit, "Vm") == ("Vm",)
    assert predictors_behind(fit, "sigma") == ()
    assert list(grid_columns(fit)) == ["conc", "state"]
    with pytest.raises(BrmspyError, match=r"no parameter 'Vn'.*'Vm'"):
        predictors_behind(fit, "Vn")


def test_sequence() -> None:
    assert column("y ~ whole", "whole").sequence(3) == [1.0, 3.5, 6.0]
    assert column("y ~ size", "size").sequence() == ["s", "m", "l"]
    with pytest.warns(match="the same value in all rows"):
        fit = model("y ~ one + whole", DATA.assign(one=1.0))
    assert grid_columns(fit)["one"].sequence() == [1.0]


def test_crossed_values_have_the_types_of_the_data_and_the_last_varies_fastest() -> None:
    fit = model("y ~ size + whole + text + flag + `x 1` + (1 | obs)")
    found = grid(fit, {"text": ["c", "a"], "whole": [1, 4]}, at={"flag": True, "size": "l"})
    assert found["text"].tolist() == ["c", "c", "a", "a"]
    assert found["whole"].tolist() == [1, 4, 1, 4]
    assert found["flag"].tolist() == [True] * 4
    assert found["x 1"].to_numpy() == pytest.approx(np.full(4, 2.8 / 6))
    assert "obs" not in found
    assert "y" not in found
    assert found["size"].dtype == DATA["size"].dtype
    assert found["size"].tolist() == ["l"] * 4
    assert found["flag"].dtype == bool
    assert found["whole"].dtype == np.int64
    assert found.index.tolist() == [0, 1, 2, 3]
    assert grid(fit, {"whole": 1.5})["whole"].tolist() == [1.5]


def test_no_values_give_one_typical_row() -> None:
    found = grid(model("y ~ whole + text"), {})
    assert found.to_dict("records") == [{"whole": 2.5, "text": "a"}]


def test_the_model_accepts_its_grid() -> None:
    fit = model("y ~ factor(whole) + size + flag")
    design = fit.model.design
    found = design.arrays_for(grid(fit, {"whole": [1, 2, 6], "size": ["s", "l"]}))
    assert found.nobs == 6
    assert found.predictors["mu"].X[:, :4].tolist() == [
        [1, 0, 0, 0],
        [1, 0, 0, 0],
        [1, 1, 0, 0],
        [1, 1, 0, 0],
        [1, 0, 0, 1],
        [1, 0, 0, 1],
    ]


def test_values_put_into_every_row_of_the_data() -> None:
    fit = model("y ~ whole + text + (1 | obs)")
    found = grid(fit, {"text": ["c", "a"]}, rest="data")
    assert found["text"].tolist() == ["c"] * 6 + ["a"] * 6
    assert found["whole"].tolist() == DATA["whole"].tolist() * 2
    assert found["obs"].tolist() == DATA["obs"].tolist() * 2
    assert found["y"].tolist() == DATA["y"].tolist() * 2
    assert found.index.is_unique


def test_groups_may_be_new() -> None:
    fit = model("y ~ whole + (1 | size) + (1 | obs)")
    found = grid(fit, {"size": ["l", "huge"], "obs": [9, 77]})
    assert found["size"].tolist() == ["l", "l", "huge", "huge"]
    assert found["size"].cat.categories.tolist() == ["s", "m", "l", "xl", "huge"]
    assert found["obs"].tolist() == [9, 77, 9, 77]
    arrays = fit.model.design.arrays_for(found, allow_new_levels=True)
    assert {group.new_levels for group in arrays.groups} == {("huge",), ("77",)}


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ({"wohle": [1]}, {}, "'wohle' is not read by.*Did you mean 'whole'"),
        ({"y": [1]}, {}, "'y' is the response"),
        ({"text": ["d"]}, {}, "'text' has no level 'd'"),
        ({"size": ["xl"]}, {}, "no level 'xl'"),
        ({"whole": ["a"]}, {}, "'whole' is a column of numbers, but 'a' is none"),
        ({"whole": [np.nan]}, {}, "A value of 'whole' is missing"),
        ({"whole": []}, {}, "no values for 'whole'"),
        ({"whole": [1]}, {"at": {"whole": 2}}, "both in values and in at"),
        ({"whole": [1]}, {"at": {"text": ["a", "b"]}}, "must be one value"),
        ({"whole": [1]}, {"rest": "mean"}, "rest must be 'typical' or 'data', not 'mean'"),
    ],
)
def test_bad_input(values: dict[str, Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(BrmspyError, match=message):
        grid(model("y ~ whole + text + size"), values, **options)
