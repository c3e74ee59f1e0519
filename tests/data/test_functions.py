"""R's functions and operators in terms; their memory for new data."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from brmspy.data import design, model_matrix
from brmspy.errors import DataError, DataWarning, FormulaError
from brmspy.formula.parser import parse

X = np.array([0.5, 1.0, 2.0, 4.0, 7.5])
DATA = pd.DataFrame(
    {"x": X, "n": [1, 2, 3, 4, 5], "l": [True, False, True, True, False], "f": list("aabbc")}
)


def column(term: str, data: pd.DataFrame = DATA) -> list[float]:
    """Return the single column of a term."""
    (values,) = model_matrix(f"~ 0 + {term}", data).to_numpy().T
    return list(values)


VALUES: list[tuple[str, list[float]]] = [
    ("I(x + 1)", [1.5, 2, 3, 5, 8.5]),
    ("I(-x)", [-0.5, -1, -2, -4, -7.5]),
    ("I(2 * (x + n))", [3, 6, 10, 16, 25]),
    ("I(1 / n)", [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]),
    ("I(n / 2)", [0.5, 1, 1.5, 2, 2.5]),
    ("I(n^-1)", [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]),
    ("I(-n^2)", [-1, -4, -9, -16, -25]),
    ("I(n %% 2)", [1, 0, 1, 0, 1]),
    ("I(n %/% 2)", [0, 1, 1, 2, 2]),
    ("I(1e-3 * n)", [0.001, 0.002, 0.003, 0.004, 0.005]),
    ("I(x * 1.5e2)", [75, 150, 300, 600, 1125]),
    ("I(l + l)", [2, 0, 2, 2, 0]),
    ("I(l * x)", [0.5, 0, 2, 4, 0]),
    ("I(-l)", [-1, 0, -1, -1, 0]),
    ("as.numeric(x > 1 & !l)", [0, 0, 0, 0, 1]),
    ("as.numeric(x < 1 | x >= 4)", [1, 0, 0, 1, 1]),
    ('as.numeric(f == "a")', [1, 1, 0, 0, 0]),
    ('as.numeric(f != "a")', [0, 0, 1, 1, 1]),
    ('as.numeric(f %in% c("b", "c"))', [0, 0, 1, 1, 1]),
    ("as.numeric(n %in% 2:4)", [0, 1, 1, 1, 0]),
    ("ifelse(x > 2, x, -1)", [-1, -1, -1, 4, 7.5]),
    ('ifelse(f == "a", 1, n)', [1, 1, 3, 4, 5]),
    ("log(x)", [math.log(v) for v in X]),
    ("log(x, 2)", [-1, 0, 1, 2, math.log2(7.5)]),
    ("log2(x)", [-1, 0, 1, 2, math.log2(7.5)]),
    ("log10(I(x * 2))", [math.log10(2 * v) for v in X]),
    ("log1p(x)", [math.log1p(v) for v in X]),
    ("exp(x)", [math.exp(v) for v in X]),
    ("expm1(x)", [math.expm1(v) for v in X]),
    ("sqrt(x)", [math.sqrt(v) for v in X]),
    ("abs(-x)", list(X)),
    ("round(x)", [0, 1, 2, 4, 8]),
    ("floor(x)", [0, 1, 2, 4, 7]),
    ("ceiling(x)", [1, 1, 2, 4, 8]),
    ("trunc(-x)", [0, -1, -2, -4, -7]),
    ("sign(x - 2)", [-1, -1, 0, 1, 1]),
    ("pmin(x, n, 3)", [0.5, 1, 2, 3, 3]),
    ("pmax(x, 2)", [2, 2, 2, 4, 7.5]),
    ("plogis(x)", [1 / (1 + math.exp(-v)) for v in X]),
    ("qlogis(I(x / 10))", [math.log(v / 10 / (1 - v / 10)) for v in X]),
    ("pnorm(x)", list(stats.norm.cdf(X))),
    ("sin(pi * x)", [math.sin(math.pi * v) for v in X]),
    ("I(x - mean(x))", list(X - 3)),
    ("center(x)", list(X - 3)),
    ("I(x / max(x))", list(X / 7.5)),
    ("I((x - min(x)) / sum(n))", list((X - 0.5) / 15)),
    ("I(x - median(n))", list(X - 3)),
    ("I(n / sd(n))", [v / math.sqrt(2.5) for v in range(1, 6)]),
    ("I(n / var(n))", [v / 2.5 for v in range(1, 6)]),
    ("scale(n)", [v / math.sqrt(2.5) for v in range(-2, 3)]),
    ("scale(n, scale = FALSE)", [-2, -1, 0, 1, 2]),
    ("scale(n, center = FALSE)", [v / math.sqrt(55 / 4) for v in range(1, 6)]),
    ("scale(n, 1, 2)", [0, 0.5, 1, 1.5, 2]),
    ("poly(n, 1)", [v / math.sqrt(10) for v in range(-2, 3)]),
    ("as.integer(x)", [0, 1, 2, 4, 7]),
    ("as.numeric(as.character(n))", [1, 2, 3, 4, 5]),
]


@pytest.mark.parametrize(("term", "expected"), VALUES, ids=[term for term, _ in VALUES])
def test_values(term: str, expected: list[float]) -> None:
    np.testing.assert_allclose(column(term), expected, rtol=1e-12, atol=1e-14)


FACTORS = [
    ("factor(n)", "2 3 4 5"),
    ("as.factor(l)", "TRUE"),
    ("factor(n > 2)", "TRUE"),
    ("factor(f, levels = c('c', 'b', 'a'))", "b a"),
    ("factor(l, labels = c('no', 'yes'))", "yes"),
    ("factor(f, levels = c('b', 'a', 'c'), labels = c('B', 'A', 'C'))", "A C"),
    ("ordered(f)", ".L .Q"),
    ("factor(f, ordered = TRUE)", ".L .Q"),
    ("relevel(f, ref = 'c')", "a b"),
    ("as.character(n)", "2 3 4 5"),
    ("ifelse(n > 2, 'many', 'few')", "many"),
]


@pytest.mark.parametrize(("term", "suffixes"), FACTORS, ids=[term for term, _ in FACTORS])
def test_factors(term: str, suffixes: str) -> None:
    labels = model_matrix(f"~ {term}", DATA).columns.tolist()
    assert [label.rpartition(")")[2] for label in labels] == ["Intercept", *suffixes.split()]


def test_bernstein_polynomials_are_splines_without_inner_knots() -> None:
    x = np.linspace(0, 1, 11)
    result = model_matrix("~ 0 + bs(x)", {"x": x}).to_numpy()
    expected = np.column_stack([3 * x * (1 - x) ** 2, 3 * x**2 * (1 - x), x**3])
    np.testing.assert_allclose(result, expected, atol=1e-14)


def test_linear_splines_are_hats_between_quantiles() -> None:
    x = np.array([0.0, 1.0, 2.0, 3.0, 10.0])
    result = model_matrix("~ 0 + bs(x, df = 2, degree = 1)", {"x": x}).to_numpy()
    np.testing.assert_allclose(
        result, [[0, 0], [0.5, 0], [1, 0], [7 / 8, 1 / 8], [0, 1]], atol=1e-14
    )


def test_spline_with_intercept_sums_to_one() -> None:
    result = model_matrix("~ 0 + bs(x, knots = c(1, 3), intercept = TRUE)", DATA)
    assert result.shape == (5, 6)
    np.testing.assert_allclose(result.sum(axis=1), 1, atol=1e-14)


@pytest.mark.parametrize(
    "term",
    [
        "poly(x, 2)",
        "poly(x, 2, raw = TRUE)",
        "poly(log(x), 2)",
        "scale(x)",
        "scale(log(x))",
        "center(x)",
        "bs(x, df = 4)",
        "bs(scale(x), df = 3)",
        "I(x - mean(x))",
        "I(x / max(x))",
        "x:poly(n, 2)",
        "f:scale(x)",
        "factor(n)",
        "relevel(f, ref = 'b')",
        "factor(n > 2):x",
    ],
)
def test_one_new_row_gives_what_it_gave_in_the_batch(term: str) -> None:
    fitted = design(parse(f"y ~ {term} + ({term} | g)"), DATA.assign(y=X, g=list("uuvvv")))
    for row in range(len(DATA)):
        single = DATA.iloc[[row]].assign(g="u")
        arrays = fitted.arrays_for(single)
        np.testing.assert_array_equal(
            arrays.predictors["mu"].X[0], fitted.arrays.predictors["mu"].X[row]
        )
        np.testing.assert_array_equal(arrays.groups[0].Z[0], fitted.arrays.groups[0].Z[row])


def test_splines_warn_where_they_extrapolate() -> None:
    fitted = design(parse("y ~ bs(x)"), {"y": X, "x": np.linspace(0, 1, 5)})
    with pytest.warns(DataWarning, match="outside the boundary knots"):
        arrays = fitted.arrays_for({"x": [2.0]})
    # The end polynomials go on: Bernstein polynomials at 2.
    np.testing.assert_allclose(arrays.predictors["mu"].X[0], [1, 6, -12, 8], atol=1e-12)


REFUSED_BY_DATA = [
    ("log(f)", r"log\(f\) cannot be computed: log\(\) needs numbers, but got text"),
    ("I(f + 1)", r"\+ needs numbers, but got text"),
    ("I(f > 'a')", "text can be compared with == or !="),
    ("I(f == 1)", "== needs numbers, but got text"),
    ("I(!x)", "needs TRUE/FALSE values, but got numbers"),
    ("I(x %in% c('a'))", "both be numbers or both be text"),
    ("poly(x, 5)", r"less than the number of distinct values \(5\)"),
    ("poly(x, 1.5)", "whole number of at least 1"),
    ("poly(x, n)", "one column and a degree"),
    ("poly(f, 2)", "needs numbers, but got text"),
    ("scale(I(x * 0))", "divides by zero"),
    ("bs(x, df = 1)", "too small"),
    ("bs(x, knots = c(-1))", "inside the boundary knots"),
    ("relevel(f, ref = 'z')", "'z' is not among the levels a, b, c"),
    ("as.numeric(f)", "could not convert string to float"),
    ("as.numeric(factor(n))", "codes of its levels"),
    ("factor(f, levels = c('a', 'b'))", "gives missing values in row 4"),
    ("factor(f, labels = c('a', 'b'))", "needs 3 different labels"),
    ("I(x + c(1, 2))", "different lengths"),
    ("mean(x)", "one value, not a column"),
    ("log(x - 1)", r"log\(x - 1\) is not a number \(NaN\) in row 0"),
    ("sqrt(1 - x)", "NaN.*rows 2, 3, 4"),
    ("log(n - 1)", r"log\(n - 1\) is infinite in row 0"),
    ("exp(x * 1000)", "is infinite in rows 1, 2, 3, 4"),
    ("I(x / 0)", "is infinite"),
    ("I(x * NA)", "not a number"),
]


@pytest.mark.parametrize(("term", "message"), REFUSED_BY_DATA, ids=[c[0] for c in REFUSED_BY_DATA])
def test_values_that_make_no_sense(term: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        model_matrix(f"~ {term}", DATA)


REFUSED_BY_FORMULA = [
    ("lgo(x)", r"no function lgo\(\)(.|\n)*\^\^\^(.|\n)*'log'"),
    ("open(x)", r"no function open\(\)"),
    ("cumsum(x)", "Make a column of it in the data first"),
    ("log()", r"Wrong arguments of log\(\)"),
    ("log(x, 2, 3)", r"Wrong arguments of log\(\)(.|\n)*It takes: x, base"),
    ("poly(x, deg = 2)", r"Wrong arguments of poly\(\)(.|\n)*degree"),
]


@pytest.mark.parametrize(
    ("term", "message"), REFUSED_BY_FORMULA, ids=[c[0] for c in REFUSED_BY_FORMULA]
)
def test_calls_that_make_no_sense(term: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        model_matrix(f"~ {term}", DATA)


def test_no_name_comes_from_the_calling_code() -> None:
    secret = np.arange(5.0)
    assert len(secret) == len(DATA)
    with pytest.raises((DataError, FormulaError), match="secret"):
        design(parse("x ~ I(n + secret)"), DATA)
    with pytest.raises((DataError, FormulaError), match="'np'"):
        design(parse("x ~ I(n + np)"), DATA)


def test_columns_may_have_any_name() -> None:
    data = {"_x": X, "my x": X, "a.b": X + 1, "a_b": X + 2, "log": X + 3, "T": X + 4, "x__": X}
    result = model_matrix("~ I(a.b + a_b) + log(log) + `my x` + `_x` + I(T + 1) + x__", data)
    assert result.columns.tolist() == [
        *("Intercept", "I(a.b + a_b)", "log(log)", "`my x`", "_x", "I(T + 1)", "x__"),
    ]
    np.testing.assert_allclose(result["I(a.b + a_b)"], 2 * X + 3)
    np.testing.assert_allclose(result["log(log)"], np.log(X + 3))
    np.testing.assert_allclose(result["I(T + 1)"], X + 5)


def test_parentheses_make_different_columns() -> None:
    result = model_matrix("~ I((x + n) * 2) + I(x + n * 2)", DATA)
    assert result.columns.tolist() == ["Intercept", "I((x + n) * 2)", "I(x + n * 2)"]
    np.testing.assert_allclose(result["I((x + n) * 2)"], 2 * (X + DATA["n"]))
    np.testing.assert_allclose(result["I(x + n * 2)"], X + 2 * DATA["n"])
