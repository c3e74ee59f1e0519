"""Designs: arrays, names, levels and blocks."""

from __future__ import annotations

import ast
import pickle
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import brmspy
from brmspy.data import Design, GroupCoef, design
from brmspy.errors import DataWarning
from brmspy.formula.formulas import bf
from brmspy.formula.parser import parse

DATA = pd.DataFrame(
    {
        "y": [1.0, 3.0, 2.0, 5.0, 4.0, 6.0],
        "x": [0, 1, 2, 3, 4, 5],
        "z": [0.5, 0.1, 0.9, 0.4, 0.2, 0.7],
        "f": list("abcabc"),
        "g": ["s2", "s10", "s2", "s1", "s10", "s1"],
        "h": [10, 9, 2, 10, 9, 2],
        "n": [5, 5, 6, 7, 8, 9],
        "w": [1.0, 2.0, 0.0, 1.0, 1.0, 1.0],
    },
    index=pd.Index([101, 102, 103, 104, 105, 106], name="id"),
)


def fitted(formula: Any, data: Any = DATA) -> Design:
    return design(parse(formula), data)


COLUMNS: list[tuple[Any, str, str, bool]] = [
    ("y ~ 1", "mu", "Intercept", True),
    ("y ~ x", "mu", "Intercept x", True),
    ("y ~ 0 + x", "mu", "x", False),
    ("y ~ 0", "mu", "", False),
    ("y ~ 0 + (1 | g)", "mu", "", False),
    ("y ~ (1 | g)", "mu", "Intercept", True),
    ("y ~ 0 + Intercept + x", "mu", "Intercept x", False),
    ("y ~ 0 + Intercept + f", "mu", "Intercept fb fc", False),
    ("y ~ -1 + f", "mu", "fa fb fc", False),
    (bf("y ~ 0 + f", cmc=False), "mu", "fb fc", False),
    (bf("y ~ 0 + f + x", cmc=False), "mu", "fb fc x", False),
    (bf("y ~ x", center=False), "mu", "Intercept x", False),
    (bf("y ~ x", "sigma ~ z + f"), "sigma", "Intercept z fb fc", True),
    (bf("y ~ a * exp(b * x)", "a ~ f", "b ~ 1", nl=True), "a", "Intercept fb fc", False),
]


@pytest.mark.parametrize(
    ("formula", "name", "labels", "centred"), COLUMNS, ids=[f"{c[0]}|{c[1]}" for c in COLUMNS]
)
def test_columns_of_a_predictor(formula: Any, name: str, labels: str, centred: bool) -> None:
    result = fitted(formula)
    info = result.predictors[name]
    assert [coef.label for coef in info.coefs] == labels.split()
    assert info.centred is centred
    X = result.arrays.predictors[name].X
    assert X.shape == (6, len(labels.split()))
    assert info.means.shape == (X.shape[1],)
    if centred:
        # What is left after centring is orthogonal to the intercept, which itself is not changed.
        np.testing.assert_allclose((X - info.means)[:, 1:].sum(axis=0), 0, atol=1e-12)
        assert info.means[0] == 0
    else:
        assert not info.means.any()


def test_intercept_counts_only_where_it_is_implicit() -> None:
    assert fitted("y ~ x").predictors["mu"].has_intercept
    assert not fitted("y ~ 0 + Intercept + x").predictors["mu"].has_intercept
    assert not fitted("y ~ 0 + x").predictors["mu"].has_intercept


def test_arrays_of_a_model_with_everything() -> None:
    formula = bf(
        "y | trials(n) + weights(w) ~ x + offset(z) + offset(log(n)) + (x | g)", "sigma ~ z"
    )
    result = fitted(formula)
    arrays = result.arrays
    assert arrays.nobs == 6
    assert arrays.rows.equals(DATA.index)
    assert arrays.response is not None
    assert arrays.response.tolist() == [1, 3, 2, 5, 4, 6]
    assert arrays.response.index.equals(DATA.index)
    assert arrays.response.name == "y"
    assert arrays.trials is not None
    assert arrays.trials.tolist() == [5, 5, 6, 7, 8, 9]
    assert arrays.trials.dtype == np.int64
    assert arrays.weights is not None
    assert arrays.weights.tolist() == [1, 2, 0, 1, 1, 1]
    offset = arrays.predictors["mu"].offset
    assert offset is not None
    np.testing.assert_allclose(offset, DATA["z"] + np.log(DATA["n"]))
    assert arrays.predictors["sigma"].offset is None
    assert arrays.groups[0].Z.tolist() == [[1, v] for v in range(6)]


def test_constants_are_recycled() -> None:
    arrays = fitted("y | trials(10) + weights(2) ~ x + offset(1.5)").arrays
    assert arrays.trials is not None
    assert arrays.trials.tolist() == [10] * 6
    assert arrays.weights is not None
    assert arrays.weights.tolist() == [2.0] * 6
    offset = arrays.predictors["mu"].offset
    assert offset is not None
    assert offset.tolist() == [1.5] * 6


def test_scaled_weights_sum_to_the_number_of_rows() -> None:
    result = fitted("y | weights(w, scale = TRUE) ~ 1")
    weights = result.arrays.weights
    assert weights is not None
    assert weights.sum() == pytest.approx(6)
    assert weights[1] == pytest.approx(2 * weights[0])
    again = result.arrays_for(DATA.iloc[:2]).weights
    assert again is not None
    np.testing.assert_array_equal(again, weights[:2])


def test_covariates_are_real_numbers() -> None:
    data = DATA.assign(flag=[True, False] * 3)
    formula = bf("y ~ a * x / (n + flag)", "a ~ 1", nl=True)
    covariates = fitted(formula, data).arrays.covariates
    assert {name: values.dtype for name, values in covariates.items()} == dict.fromkeys(
        ["x", "n", "flag"], np.dtype(np.float64)
    )
    assert covariates["flag"].tolist() == [1, 0, 1, 0, 1, 0]


GROUPS: list[tuple[str, list[tuple[str, str, str, bool]]]] = [
    ("(1 | g)", [("g", "s1 s10 s2", "Intercept", True)]),
    ("(1 | h)", [("h", "2 9 10", "Intercept", True)]),
    ("(x || g)", [("g", "s1 s10 s2", "Intercept x", False)]),
    ("(f || g)", [("g", "s1 s10 s2", "Intercept fb fc", False)]),
    ("(f | g)", [("g", "s1 s10 s2", "Intercept fb fc", True)]),
    ("(0 + f | g)", [("g", "s1 s10 s2", "fa fb fc", True)]),
    ("(f - 1 | g)", [("g", "s1 s10 s2", "fa fb fc", True)]),
    (
        "(1 | g) + (0 + x | g)",
        [("g", "s1 s10 s2", "Intercept", True), ("g", "s1 s10 s2", "x", True)],
    ),
    (
        "(1 | g) + (0 + f | h)",
        [("g", "s1 s10 s2", "Intercept", True), ("h", "2 9 10", "fa fb fc", True)],
    ),
    (
        "(1 | h / g)",
        [
            ("h", "2 9 10", "Intercept", True),
            ("h:g", "2_s1 2_s2 9_s10 10_s1 10_s2", "Intercept", True),
        ],
    ),
    ("(1 | g + h)", [("g", "s1 s10 s2", "Intercept", True), ("h", "2 9 10", "Intercept", True)]),
    (
        "(1 | h) + (1 | g)",
        [("g", "s1 s10 s2", "Intercept", True), ("h", "2 9 10", "Intercept", True)],
    ),
    ("(poly(x, 2) | g)", [("g", "s1 s10 s2", "Intercept poly(x,§2)1 poly(x,§2)2", True)]),
]


@pytest.mark.parametrize(("terms", "expected"), GROUPS, ids=[terms for terms, _ in GROUPS])
def test_group_blocks(terms: str, expected: list[tuple[str, str, str, bool]]) -> None:
    result = fitted(f"y ~ {terms}")
    found = [
        (
            group.group,
            " ".join(group.levels),
            " ".join(coef.label.replace(" ", "§") for coef in group.coefs),
            group.correlated,
        )
        for group in result.groups
    ]
    assert found == expected
    for group, arrays in zip(result.groups, result.arrays.groups, strict=True):
        joined = DATA[list(group.factors)].astype(str).agg("_".join, axis=1)
        assert [group.levels[i] for i in arrays.index] == joined.tolist()
        assert arrays.Z.shape == (6, len(group.coefs))
        assert arrays.new_levels == ()


def test_terms_with_one_id_make_one_block() -> None:
    formula = bf("y ~ x + (x | p | g) + (1 | h)", "sigma ~ z + (z | p | g)")
    first, second = fitted(formula).groups
    assert (first.group, first.id, first.correlated) == ("g", "p", True)
    assert [coef.brms_label for coef in first.coefs] == [
        *("Intercept", "x", "sigma_Intercept", "sigma_z"),
    ]
    assert [coef.predictor for coef in first.coefs] == ["mu", "mu", "sigma", "sigma"]
    assert second.group == "h"
    Z = fitted(formula).arrays.groups[0].Z
    np.testing.assert_array_equal(
        Z, np.column_stack([np.ones(6), DATA["x"], np.ones(6), DATA["z"]])
    )


def test_non_linear_parameters_share_a_block() -> None:
    formula = bf("y ~ a * exp(b * x)", "a + b ~ 1 + (1 | p | g)", nl=True)
    (group,) = fitted(formula).groups
    assert [coef.brms_label for coef in group.coefs] == ["a_Intercept", "b_Intercept"]


def test_labels_of_interaction_levels_stay_apart() -> None:
    data = DATA.assign(g=["a_b", "a", "a_b", "a", "a", "a"], h=["c", "b_c", "c", "b_c", "d", "d"])
    (group,) = fitted("y ~ (1 | g:h)", data).groups
    assert group.levels == ("a:b_c", "a:d", "a_b:c")


def test_group_levels_keep_the_order_of_categories() -> None:
    categories = pd.Categorical(DATA["g"], categories=["s2", "unused", "s1", "s10"])
    (group,) = fitted("y ~ (1 | g)", DATA.assign(g=categories)).groups
    assert group.levels == ("s2", "s1", "s10")


def test_unused_levels_are_dropped_after_missing_rows() -> None:
    data = DATA.assign(f=pd.Categorical(list("dbabab")), x=[np.nan, 1, 2, 3, 4, 5])
    with pytest.warns(DataWarning, match="Left out 1 of 6 rows"):
        result = fitted("y ~ f + x", data)
    assert [coef.label for coef in result.predictors["mu"].coefs] == ["Intercept", "fb", "x"]


MISSING = {
    "response": ("y ~ x", {"y": 2}, "y (1)"),
    "predictor": ("y ~ x", {"x": 2}, "x (1)"),
    "inside a call": ("y ~ log(x + 1)", {"x": 2}, "x (1)"),
    "text": ("y ~ f", {"f": 2}, "f (1)"),
    "group": ("y ~ (1 | g)", {"g": 2}, "g (1)"),
    "slope": ("y ~ (x | g)", {"x": 2}, "x (1)"),
    "offset": ("y ~ offset(log(n))", {"n": 2}, "n (1)"),
    "trials": ("y | trials(n) ~ 1", {"n": 2}, "n (1)"),
    "weights": ("y | weights(w) ~ 1", {"w": 2}, "w (1)"),
    "sigma": (bf("y ~ 1", "sigma ~ z"), {"z": 2}, "z (1)"),
    "covariate": (bf("y ~ a * x", "a ~ 1", nl=True), {"x": 2}, "x (1)"),
    "two columns, two rows": ("y ~ x + z", {"x": 2, "z": 4}, "x (1), z (1)"),
    "two columns, one row": ("y ~ x + z", {"x": 2, "z": 2}, "x (1), z (1)"),
}


@pytest.mark.parametrize(("formula", "holes", "listed"), MISSING.values(), ids=list(MISSING))
def test_missing_rows_are_dropped_once(formula: Any, holes: dict[str, int], listed: str) -> None:
    data = DATA.astype(object).infer_objects().copy()
    for name, row in holes.items():
        data[name] = data[name].where(np.arange(6) != row)
    rows = set(holes.values())
    with pytest.warns(DataWarning) as caught:
        result = fitted(formula, data)
    assert [str(item.message) for item in caught] == [
        f"Left out {len(rows)} of 6 rows because of missing values in {listed}."
    ]
    kept = [i for i in range(6) if i not in rows]
    assert result.arrays.rows.tolist() == DATA.index[kept].tolist()
    assert result.data.index.tolist() == DATA.index[kept].tolist()
    assert result.dropped.count == len(rows)
    assert dict(result.dropped.by_column) == dict.fromkeys(holes, 1)


def test_missing_values_elsewhere_do_not_matter() -> None:
    result = fitted("y ~ x", DATA.assign(z=np.nan))
    assert result.arrays.nobs == 6
    assert result.dropped.count == 0
    assert result.data.columns.tolist() == ["y", "x"]


def test_the_data_are_not_changed() -> None:
    data = DATA.assign(x=[0.0, np.nan, 2, 3, 4, 5], f=DATA["f"].astype("category"))
    before = data.copy(deep=True)
    with pytest.warns(DataWarning, match="Left out"):
        result = fitted("y ~ scale(x) * f + (x | g)", data)
    pd.testing.assert_frame_equal(data, before)
    data.loc[101, "x"] = 99.0
    assert result.data.loc[101, "x"] == 0.0


RESPONSES: list[tuple[str, list[Any], Any, list[Any]]] = [
    ("y", [1, 0, 1, 0, 1, 1], "float64", [1, 0, 1, 0, 1, 1]),
    ("y", [True, False] * 3, "bool", [True, False] * 3),
    ("log(y)", [1.0] * 6, "float64", [0.0] * 6),
    ("y", list("nynyny"), "category", list("nynyny")),
    ("factor(y)", [2, 1, 2, 1, 1, 2], "category", ["2", "1", "2", "1", "1", "2"]),
    ("y", list(pd.array([1, 2, 3, 4, 5, 6], dtype="Int64")), "float64", [1, 2, 3, 4, 5, 6]),
]


@pytest.mark.parametrize(("label", "values", "dtype", "expected"), RESPONSES)
def test_response(label: str, values: list[Any], dtype: str, expected: list[Any]) -> None:
    response = fitted(f"{label} ~ x", DATA.assign(y=values)).arrays.response
    assert response is not None
    assert response.dtype == dtype
    assert response.tolist() == expected
    assert response.name == label


def test_levels_of_a_response_are_sorted_or_as_given() -> None:
    text = fitted("y ~ x", DATA.assign(y=list("nynyny"))).arrays.response
    assert text is not None
    assert text.cat.categories.tolist() == ["n", "y"]
    given = pd.Categorical(list("nynyny"), categories=["y", "n", "unused"])
    category = fitted("y ~ x", DATA.assign(y=given)).arrays.response
    assert category is not None
    assert category.cat.categories.tolist() == ["y", "n"]


def test_one_level_of_a_group_is_worth_a_warning() -> None:
    with pytest.warns(DataWarning, match="The group 'g' has only one level"):
        result = fitted("y ~ (1 | g)", DATA.assign(g="only"))
    assert result.groups[0].levels == ("only",)
    assert result.arrays.groups[0].Z.shape == (6, 1)


@pytest.mark.parametrize(
    ("formula", "data", "columns"),
    [
        ("y ~ x", DATA.assign(x=3), "'x' of mu"),
        ("y ~ 0 + x", DATA.assign(x=0), "'x' of mu"),
        (bf("y ~ 1", "sigma ~ l"), DATA.assign(l=True), "'lTRUE' of sigma"),
        ("y ~ f:h", DATA.assign(h=list("uvuuvu")), "'fb:hu'"),
    ],
)
def test_columns_without_information_are_worth_a_warning(
    formula: Any, data: pd.DataFrame, columns: str
) -> None:
    with pytest.warns(DataWarning, match=f"say nothing about {columns}"):
        fitted(formula, data)


def test_a_constant_column_alone_is_fine() -> None:
    assert fitted("y ~ 0 + x", DATA.assign(x=3)).arrays.predictors["mu"].X.shape == (6, 1)


def test_a_summary_is_printed() -> None:
    formula = bf("y ~ x + (x || g)", "sigma ~ 0 + f")
    data = DATA.assign(x=[0, 1, 2, 3, 4, None])
    with pytest.warns(DataWarning, match="Left out"):
        result = fitted(formula, data)
    assert repr(result).splitlines() == [
        "Design of 5 observations of y",
        "  sigma: fa, fb, fc",
        "  mu: Intercept, x (centred)",
        "  (Intercept, x || g): 3 levels",
        "  left out because of missing values: 1 row: x (1)",
    ]


def test_designs_can_be_pickled() -> None:
    result = fitted("y ~ poly(x, 2) + bs(z, df = 4) + scale(n) + f + (x | g:h)")
    again = pickle.loads(pickle.dumps(result)).arrays_for(DATA.iloc[[2]])
    np.testing.assert_array_equal(again.predictors["mu"].X[0], result.arrays.predictors["mu"].X[2])
    assert again.groups[0].index[0] == result.arrays.groups[0].index[2]


def test_group_coefficients_carry_their_predictor() -> None:
    coef = fitted(bf("y ~ 1", "sigma ~ (I(x^2) | g)")).groups[0].coefs[1]
    assert isinstance(coef, GroupCoef)
    assert (coef.label, coef.brms_label) == ("sigma_I(x^2)", "sigma_IxE2")


@pytest.mark.slow
def test_formulae_is_known_to_one_module_only() -> None:
    package = Path(brmspy.__file__).parent
    users = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if any(name.split(".")[0] == "formulae" for name in names):
                users.add(path.relative_to(package).as_posix())
    assert users == {"data/evaluate.py"}


@pytest.mark.slow
def test_large_designs_are_quick_and_small() -> None:
    rng = np.random.default_rng(1)
    size = 50_000
    data = pd.DataFrame(
        {
            "y": rng.normal(size=size),
            "x": rng.normal(size=size),
            "f": rng.choice(list("abcde"), size),
            "g": [f"s{i}" for i in rng.permutation(np.arange(size) % 5000)],
            "h": rng.integers(0, 40, size),
        }
    )
    terms = parse("y ~ x * f + poly(x, 3) + (x | g) + (1 | h) + (1 | g:h)")
    start = time.perf_counter()
    result = design(terms, data)
    seconds = time.perf_counter() - start
    assert len(result.groups[0].levels) == 5000
    # About 0.6 s on two cores of 2023; the rest is for slow and busy machines.
    assert seconds < 6
    tracemalloc.start()
    design(terms, data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200e6
