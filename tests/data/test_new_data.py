"""The arrays of new data: frozen levels and transforms, new groups, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from brmspy.data import Design, design
from brmspy.errors import DataError, DataWarning
from brmspy.formula.formulas import bf
from brmspy.formula.parser import parse

DATA = pd.DataFrame(
    {
        "y": [1.0, 3.0, 2.0, 5.0, 4.0, 6.0],
        "x": [0.0, 1, 2, 3, 4, 5],
        "f": list("abcabc"),
        "o": pd.Categorical(["lo", "mid", "hi"] * 2, categories=["lo", "mid", "hi"], ordered=True),
        "l": [True, False] * 3,
        "g": ["s2", "s10", "s2", "s1", "s10", "s1"],
        "h": [10, 9, 2, 10, 9, 2],
        "n": [5, 5, 6, 7, 8, 9],
        "w": [1.0, 2.0, 1.0, 1.0, 1.0, 1.0],
    }
)
MODEL = "y | trials(n) + weights(w) ~ x + f*o + l + offset(log(n)) + (x | g) + (1 | g:h)"


@pytest.fixture(scope="module")
def model() -> Design:
    return design(parse(MODEL), DATA)


def mu(arrays: Any) -> np.ndarray[Any, Any]:
    return arrays.predictors["mu"].X


def test_the_training_data_give_the_training_arrays(model: Design) -> None:
    arrays = model.arrays_for(DATA, response=True)
    np.testing.assert_array_equal(mu(arrays), mu(model.arrays))
    np.testing.assert_array_equal(
        arrays.predictors["mu"].offset, model.arrays.predictors["mu"].offset
    )
    for new, old in zip(arrays.groups, model.arrays.groups, strict=True):
        np.testing.assert_array_equal(new.index, old.index)
        np.testing.assert_array_equal(new.Z, old.Z)
    pd.testing.assert_series_equal(arrays.response, model.arrays.response)
    np.testing.assert_array_equal(arrays.trials, model.arrays.trials)
    np.testing.assert_array_equal(arrays.weights, model.arrays.weights)


def test_rows_come_in_their_own_order(model: Design) -> None:
    order = [4, 0, 5, 2, 1, 3]
    arrays = model.arrays_for(DATA.iloc[order])
    assert arrays.rows.tolist() == order
    np.testing.assert_array_equal(mu(arrays), mu(model.arrays)[order])
    np.testing.assert_array_equal(arrays.groups[1].index, model.arrays.groups[1].index[order])


@pytest.mark.parametrize(
    "data",
    [
        DATA.assign(f=DATA["f"].astype("category")),
        DATA.assign(f=pd.Categorical(DATA["f"], categories=list("zcba"), ordered=True)),
        DATA.assign(o=DATA["o"].astype(str)),
        DATA.assign(g=DATA["g"].astype("category")),
        DATA.assign(h=DATA["h"].astype(str)),
        DATA.assign(h=DATA["h"].astype(float)),
        DATA.assign(x=DATA["x"].astype(int)),
        DATA.assign(l=DATA["l"].astype("boolean"), x=DATA["x"].astype("Int64")),
        DATA.convert_dtypes(dtype_backend="pyarrow"),
        DATA.to_dict("list"),
        pl.DataFrame(DATA.astype({"o": str})),
    ],
    ids=[
        *("category", "other order", "text for ordered", "category group", "text group"),
        *("float group", "int", "nullable", "Arrow", "dict", "polars"),
    ],
)
def test_types_may_differ_where_the_values_are_the_same(model: Design, data: Any) -> None:
    arrays = model.arrays_for(data)
    np.testing.assert_array_equal(mu(arrays), mu(model.arrays))
    for new, old in zip(arrays.groups, model.arrays.groups, strict=True):
        np.testing.assert_array_equal(new.index, old.index)


def test_one_row_with_one_level_of_each_factor(model: Design) -> None:
    arrays = model.arrays_for(DATA.iloc[[2]])
    np.testing.assert_array_equal(mu(arrays), mu(model.arrays)[[2]])
    assert arrays.nobs == 1


def test_response_only_when_asked(model: Design) -> None:
    newdata = DATA.drop(columns="y")
    assert model.arrays_for(newdata).response is None
    with pytest.raises(DataError, match="no column 'y', which the response needs"):
        model.arrays_for(newdata, response=True)


def test_weights_are_one_where_they_are_absent(model: Design) -> None:
    weights = model.arrays_for(DATA.drop(columns="w")).weights
    assert weights is not None
    assert weights.tolist() == [1.0] * 6


def test_groups_that_are_left_out_need_no_columns(model: Design) -> None:
    arrays = model.arrays_for(DATA.drop(columns=["g", "h"]), groups=[False, False])
    assert arrays.groups == ()
    arrays = model.arrays_for(DATA.drop(columns="h"), groups=[True, False])
    assert len(arrays.groups) == 1
    np.testing.assert_array_equal(arrays.groups[0].index, model.arrays.groups[0].index)


def test_new_levels_follow_the_old_ones(model: Design) -> None:
    newdata = DATA.iloc[:5].assign(g=["new2", "s1", "new1", "new2", None])
    arrays = model.arrays_for(newdata, allow_new_levels=True)
    assert model.groups[0].levels == ("s1", "s10", "s2")
    assert arrays.groups[0].index.tolist() == [3, 0, 4, 3, 5]
    assert arrays.groups[0].new_levels == ("new2", "new1", "NA")


def test_new_combinations_of_old_levels_are_new_levels(model: Design) -> None:
    newdata = DATA.iloc[:3].assign(g=["s1", "s2", "s1"], h=[9, 10, 9])
    arrays = model.arrays_for(newdata, allow_new_levels=True)
    size = len(model.groups[1].levels)
    assert arrays.groups[1].new_levels == ("s1_9",)
    assert arrays.groups[1].index.tolist() == [size, model.arrays.groups[1].index[0], size]
    with pytest.raises(DataError, match="levels of 'g:h' that the model has not seen: 's1_9'"):
        model.arrays_for(newdata)


def test_an_absent_group_column_is_one_new_level(model: Design) -> None:
    arrays = model.arrays_for(DATA.drop(columns="g"), allow_new_levels=True)
    assert arrays.groups[0].index.tolist() == [3] * 6
    assert arrays.groups[0].new_levels == ("NA",)
    assert arrays.groups[1].new_levels == ("NA_10", "NA_9", "NA_2")


def test_a_level_called_na_is_not_a_missing_value() -> None:
    data = DATA.assign(g=["NA", "BW", "NA", "ZA", "BW", "ZA"])
    model = design(parse("y ~ (1 | g)"), data)
    arrays = model.arrays_for({"g": ["NA", None]}, allow_new_levels=True)
    assert arrays.groups[0].index.tolist() == [1, 3]


def test_missing_factor_has_zero_contrasts(model: Design) -> None:
    with pytest.warns(DataWarning, match="f is missing in row 1 of the new data"):
        arrays = model.arrays_for(DATA.iloc[:2].assign(f=["a", None]))
    labels = [coef.label for coef in model.predictors["mu"].coefs]
    row = dict(zip(labels, mu(arrays)[1], strict=True))
    assert {name: value for name, value in row.items() if "f" in name} == dict.fromkeys(
        ["fb", "fc", "fb:o.L", "fc:o.L", "fb:o.Q", "fc:o.Q"], 0.0
    )


def test_offsets_are_computed_again(model: Design) -> None:
    offset = model.arrays_for(DATA.assign(n=100)).predictors["mu"].offset
    assert offset is not None
    np.testing.assert_allclose(offset, np.log(100))


def test_response_of_new_data_keeps_its_levels() -> None:
    model = design(parse("y ~ x"), DATA.assign(y=list("nynyny")))
    response = model.arrays_for({"x": [1.0], "y": ["y"]}, response=True).response
    assert response is not None
    assert response.cat.categories.tolist() == ["n", "y"]
    assert response.cat.codes.tolist() == [1]


def test_non_linear_covariates() -> None:
    model = design(parse(bf("y ~ a * x / n", "a ~ 1 + (1 | g)", nl=True)), DATA)
    arrays = model.arrays_for({"x": [4], "n": [8], "g": ["s2"]})
    assert {name: values.tolist() for name, values in arrays.covariates.items()} == {
        "x": [4.0],
        "n": [8.0],
    }
    assert arrays.groups[0].index.tolist() == [2]


REFUSED: dict[str, tuple[pd.DataFrame | dict[str, Any], str]] = {
    "no rows": (DATA.iloc[:0], "new data have no rows"),
    "unknown level": (
        DATA.assign(f="zebra"),
        "f has levels in the new data that the model has not seen: 'zebra'. "
        "Its levels are 'a', 'b', 'c'",
    ),
    "misspelt level": (DATA.assign(o="Mid"), "Did you mean 'mid'"),
    "unknown group level": (
        DATA.assign(g="s3"),
        "levels of 'g' that the model has not seen: 's3'(.|\n)*allow_new_levels=True",
    ),
    "missing group": (DATA.assign(g=None), "grouping column 'g' is missing in rows 0, 1, 2"),
    "absent group": (DATA.drop(columns="g"), r"no column 'g', which the group-level term \(1 \+ x"),
    "absent predictor": (
        DATA.rename(columns={"x": "X1"}),
        "no column 'x', which the formula of mu needs",
    ),
    "misspelt predictor": (DATA.rename(columns={"f": "F"}), "Did you mean 'F'"),
    "absent offset": (DATA.drop(columns="n"), "no column 'n'"),
    "two absent columns": (DATA.drop(columns=["x", "l"]), "'x'(.|\n)*'l'"),
    "text for numbers": (
        DATA.assign(x=list("abcdef")),
        "x was numeric in the data that the model was fitted to, but x is text .'a', 'b', 'c'",
    ),
    "numbers for logical": (DATA.assign(l=[1, 0] * 3), "l has levels(.|\n)*'FALSE', 'TRUE'"),
    "missing number": (DATA.assign(x=[0, 1, None, 3, 4, 5]), "'x'.*is missing in row 2"),
    "infinite number": (DATA.assign(x=np.inf), "x is infinite in rows 0, 1, 2"),
    "dates": (DATA.assign(x=pd.Timestamp("2024-01-01")), "'x' holds dates"),
    "bad trials": (DATA.assign(n=1.5), r"trials\(n\) must be whole numbers"),
    "bad weights": (DATA.assign(w=-1), r"weights\(w\) must not be negative"),
}


@pytest.mark.parametrize(("newdata", "message"), REFUSED.values(), ids=list(REFUSED))
def test_new_data_that_do_not_fit(model: Design, newdata: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        model.arrays_for(newdata)


def test_missing_value_in_a_call_is_refused() -> None:
    model = design(parse("y ~ I(f == 'a') + f"), DATA)
    with pytest.raises(DataError, match=r"'f'.*is missing in row 1"):
        model.arrays_for({"f": ["a", None]})


def test_unknown_response_value_is_refused() -> None:
    model = design(parse("y ~ x"), DATA.assign(y=list("nynyny")))
    with pytest.raises(DataError, match=r"response y has values.*'maybe'.*'n', 'y'"):
        model.arrays_for({"x": [1.0], "y": ["maybe"]}, response=True)


def test_column_named_intercept_in_new_data() -> None:
    model = design(parse("y ~ 0 + Intercept + x"), DATA)
    assert mu(model.arrays_for({"x": [7.0]})).tolist() == [[1, 7]]
    with pytest.raises(DataError, match="not 1 in row 0"):
        model.arrays_for({"x": [7.0], "Intercept": [2]})
