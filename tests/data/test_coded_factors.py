"""Model matrices of factors with contrasts of their own, as R's model.matrix makes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from brmspy.data import design, model_matrix
from brmspy.errors import DataError, FormulaError
from brmspy.formula import bf
from brmspy.formula.codings import Coding
from brmspy.formula.parser import parse

REFERENCE = Path(__file__).parent / "reference"

SUM = np.array([[1, 0], [0, 1], [-1, -1]], dtype=float)
HELMERT = np.array([[-1, -1], [1, -1], [0, 2]], dtype=float)
POLY = np.array([[-1, 1], [0, -2], [1, 1]]) / np.sqrt([2.0, 6.0])
TREATMENT = np.eye(3)[:, 1:]
FULL = np.eye(3)


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    """R's data; f has the levels a, b, c, k lo, mid, hi, and o small, medium, large."""
    frame = pd.read_csv(REFERENCE / "data.csv")
    frame["k"] = pd.Categorical(frame["k"], categories=["lo", "mid", "hi"])
    frame["o"] = pd.Categorical(frame["o"], ["small", "medium", "large"], ordered=True)
    frame["year"] = np.resize([2001, 2010, 2002, 2010], len(frame))
    return frame


def coded(data: pd.DataFrame, column: str, matrix: Any) -> NDArray[np.float64]:
    """Return the columns of a factor: the rows of a matrix that belong to its levels."""
    levels = {"f": "a b c", "k": "lo mid hi", "o": "small medium large", "year": "2001 2002 2010"}
    order = levels[column].split()
    return np.asarray(matrix)[[order.index(str(value)) for value in data[column]]]


def beside(*blocks: Any) -> NDArray[np.float64]:
    return np.column_stack(blocks)


def products(left: Any, right: Any) -> NDArray[np.float64]:
    """Return all products of two sets of columns; the first varies fastest."""
    return beside(*(left * right[:, [place]] for place in range(right.shape[1])))


@pytest.mark.parametrize(
    ("kind", "matrix", "suffixes"),
    [
        ("sum", SUM, ["1", "2"]),
        ("contr.sum", SUM, ["1", "2"]),
        ("helmert", HELMERT, ["1", "2"]),
        ("poly", POLY, [".L", ".Q"]),
        ("treatment", TREATMENT, ["mid", "hi"]),
        ("treatment('mid')", FULL[:, [0, 2]], ["lo", "hi"]),
        ("SAS", FULL[:, :2], ["lo", "mid"]),
        (SUM, SUM, ["1", "2"]),
        (SUM.tolist(), SUM, ["1", "2"]),
        ({"up": [-1, 0, 1], "bend": [1, -2, 1]}, POLY * np.sqrt([2, 6]), ["up", "bend"]),
        (pd.DataFrame({"up": [-1, 0, 1]}), POLY[:, :1] * np.sqrt(2), ["up"]),
        (
            pd.DataFrame({"up": [1, -1, 0]}, index=["hi", "lo", "mid"]),
            POLY[:, :1] * np.sqrt(2),
            ["up"],
        ),
        ([[-1], [0], [1]], POLY[:, :1] * np.sqrt(2), ["1"]),
        ([-1, 0, 1], beside(POLY[:, 0] * np.sqrt(2), POLY[:, 1]), ["1", "2"]),
        (Coding("helmert"), HELMERT, ["1", "2"]),
    ],
)
@pytest.mark.parametrize("times", ["k", "k * x", "x + k:x"])
def test_one_factor(
    data: pd.DataFrame, kind: Any, matrix: Any, suffixes: list[str], times: str
) -> None:
    result = model_matrix(f"~ {times}", data, contrasts={"k": kind})
    one, x = np.ones(len(data)), data[["x"]].to_numpy()
    columns = coded(data, "k", matrix)
    # In ~ x + k:x, the margin x is there, so that k gets contrasts.
    pieces = {
        "k": [one, columns],
        "k * x": [one, columns, x, columns * x],
        "x + k:x": [one, x, columns * x],
    }[times]
    own = [f"k{suffix}" for suffix in suffixes]
    names = {
        "k": own,
        "k * x": [*own, "x", *(f"{name}:x" for name in own)],
        "x + k:x": ["x", *(f"x:{name}" for name in own)],
    }[times]
    assert result.columns.tolist() == ["Intercept", *names]
    np.testing.assert_allclose(result.to_numpy(), beside(*pieces), atol=1e-14)


def test_an_interaction_of_two_codings(data: pd.DataFrame) -> None:
    result = model_matrix("~ f * k", data, contrasts={"f": "sum", "k": "helmert"})
    f, k = coded(data, "f", SUM), coded(data, "k", HELMERT)
    assert result.columns.tolist() == [
        *("Intercept", "f1", "f2", "k1", "k2", "f1:k1", "f2:k1", "f1:k2", "f2:k2"),
    ]
    np.testing.assert_allclose(
        result.to_numpy(), beside(np.ones(len(data)), f, k, products(f, k)), atol=1e-14
    )


def test_without_intercept_the_first_factor_has_all_its_levels(data: pd.DataFrame) -> None:
    result = model_matrix("~ 0 + k + f + o", data, contrasts={"k": "sum", "f": "sum"})
    assert result.columns.tolist() == ["klo", "kmid", "khi", "f1", "f2", "o.L", "o.Q"]
    expected = beside(coded(data, "k", FULL), coded(data, "f", SUM), coded(data, "o", POLY))
    np.testing.assert_allclose(result.to_numpy(), expected, atol=1e-14)


def test_a_factor_without_its_margin_has_all_its_levels(data: pd.DataFrame) -> None:
    result = model_matrix("~ f + f:k", data, contrasts={"f": "sum", "k": "sum"})
    # f:k is contained in no earlier term without f, so that f gets all its levels there.
    f, k = coded(data, "f", FULL), coded(data, "k", SUM)
    assert result.columns.tolist() == [
        *("Intercept", "f1", "f2"),
        *("fa:k1", "fb:k1", "fc:k1", "fa:k2", "fb:k2", "fc:k2"),
    ]
    np.testing.assert_allclose(
        result.to_numpy(),
        beside(np.ones(len(data)), coded(data, "f", SUM), products(f, k)),
        atol=1e-14,
    )


@pytest.mark.parametrize(
    ("formula", "column", "matrix", "names"),
    [
        ("~ C(k, sum)", "k", SUM, ["C(k, sum)1", "C(k, sum)2"]),
        ("~ C(k,Sum)", "k", SUM, ["C(k, Sum)1", "C(k, Sum)2"]),
        ("~ C(k, contr.helmert)", "k", HELMERT, ["C(k, contr.helmert)1", "C(k, contr.helmert)2"]),
        ("~ C(k, poly, 1)", "k", POLY[:, :1], ["C(k, poly, 1).L"]),
        ("~ C(k)", "k", TREATMENT, ["C(k)mid", "C(k)hi"]),
        ("~ C(o, how.many = 1)", "o", POLY[:, :1], ["C(o, how.many = 1).L"]),
        ("~ C(k, how.many = 1)", "k", TREATMENT[:, :1], ["C(k, how.many = 1)mid"]),
        ("~ C(o)", "o", POLY, ["C(o).L", "C(o).Q"]),
        (
            "~ C(o, Treatment)",
            "o",
            TREATMENT,
            ["C(o, Treatment)medium", "C(o, Treatment)large"],
        ),
        (
            "~ C(f, Treatment('b'))",
            "f",
            FULL[:, [0, 2]],
            ['C(f, Treatment("b"))a', 'C(f, Treatment("b"))c'],
        ),
        (
            "~ C(f, contr.treatment(3, base = 2))",
            "f",
            FULL[:, [0, 2]],
            ["C(f, contr.treatment(3, base = 2))1", "C(f, contr.treatment(3, base = 2))3"],
        ),
        ("~ C(year, Sum)", "year", SUM, ["C(year, Sum)1", "C(year, Sum)2"]),
        ("~ C(year)", "year", TREATMENT, ["C(year)2002", "C(year)2010"]),
        (
            "~ C(year, Treatment(2010))",
            "year",
            FULL[:, :2],
            ["C(year, Treatment(2010))2001", "C(year, Treatment(2010))2002"],
        ),
        (
            "~ C(f, Treatment, levels=c('b', 'a', 'c'))",
            "f",
            FULL[:, [0, 2]],
            [
                'C(f, Treatment, levels = c("b", "a", "c"))a',
                'C(f, Treatment, levels = c("b", "a", "c"))c',
            ],
        ),
    ],
)
def test_codings_in_the_formula(
    data: pd.DataFrame, formula: str, column: str, matrix: Any, names: list[str]
) -> None:
    result = model_matrix(formula, data)
    assert result.columns.tolist() == ["Intercept", *names]
    expected = beside(np.ones(len(data)), coded(data, column, matrix))
    np.testing.assert_allclose(result.to_numpy(), expected, atol=1e-14)


def test_logicals_text_and_calls_are_factors(data: pd.DataFrame) -> None:
    kinds = {"lo": "sum", "h": "sum", "factor(year)": "sum"}
    result = model_matrix("~ lo + h + factor(year)", data, contrasts=kinds)
    assert result.columns.tolist() == [
        *("Intercept", "lo1", "h1", "h2", "factor(year)1", "factor(year)2"),
    ]
    np.testing.assert_array_equal(result["lo1"], np.where(data["lo"], -1.0, 1.0))
    np.testing.assert_allclose(result.to_numpy()[:, 4:], coded(data, "year", SUM), atol=1e-14)


@pytest.mark.parametrize("name", ["my f", "`my f`"])
def test_odd_names(data: pd.DataFrame, name: str) -> None:
    frame = data.rename(columns={"f": "my f"})
    result = model_matrix("~ `my f`", frame, contrasts={name: "sum"})
    assert result.columns.tolist() == ["Intercept", "`my f`1", "`my f`2"]


def test_calls_are_found_however_they_are_spaced(data: pd.DataFrame) -> None:
    result = model_matrix("~ factor( year )", data, contrasts={"factor(year )": "helmert"})
    assert result.columns.tolist()[1] == "factor(year)1"


def test_unused_levels_do_not_count(data: pd.DataFrame) -> None:
    wider = data.assign(f=pd.Categorical(data["f"], categories=["z", "a", "b", "c", "y"]))
    result = model_matrix("~ f", wider, contrasts={"f": "sum"})
    np.testing.assert_array_equal(result.to_numpy()[:, 1:], coded(data, "f", SUM))
    with pytest.raises(DataError, match=r"5 rows, but f has 3 levels .*'a', 'b', 'c'"):
        model_matrix("~ f", wider, contrasts={"f": np.eye(5)[:, 1:]})


class TestDesigns:
    MODEL = bf("y ~ C(f, Sum) + x + (0 + k | h) + (C(o, Helmert) | f)", "sigma ~ k")

    def test_all_parts_of_a_model(self, data: pd.DataFrame) -> None:
        built = design(parse(self.MODEL), data, {"k": "sum"})
        assert [coef.label for coef in built.predictors["mu"].coefs] == [
            *("Intercept", "C(f, Sum)1", "C(f, Sum)2", "x"),
        ]
        assert [coef.label for coef in built.predictors["sigma"].coefs] == ["Intercept", "k1", "k2"]
        labels = {g.group: [coef.label for coef in g.coefs] for g in built.groups}
        assert labels == {
            "f": ["Intercept", "C(o, Helmert)1", "C(o, Helmert)2"],
            "h": ["klo", "kmid", "khi"],
        }
        np.testing.assert_allclose(
            built.arrays.predictors["sigma"].X[:, 1:], coded(data, "k", SUM), atol=1e-14
        )
        np.testing.assert_allclose(
            built.arrays.groups[0].Z[:, 1:], coded(data, "o", HELMERT), atol=1e-14
        )
        assert built.contrasts == {"k": Coding("sum")}

    def test_parameters_of_curves(self, data: pd.DataFrame) -> None:
        curve = bf("y ~ a * exp(-b * x)", "a ~ k", "b ~ 1 + (k | f)", nl=True)
        built = design(parse(curve), data, {"k": "poly"})
        assert [coef.label for coef in built.predictors["a"].coefs] == ["Intercept", "k.L", "k.Q"]
        np.testing.assert_allclose(
            built.arrays.groups[0].Z[:, 1:], coded(data, "k", POLY), atol=1e-14
        )

    def test_new_data_are_coded_by_the_levels_of_the_old(self, data: pd.DataFrame) -> None:
        built = design(parse(self.MODEL), data, {"k": "sum"})
        for row in (0, 3, 17):
            # A single row has one level of each factor, and its text is no category.
            new = data.iloc[[row]].astype({"k": str, "o": str})
            arrays = built.arrays_for(new)
            for name in ("mu", "sigma"):
                np.testing.assert_array_equal(
                    arrays.predictors[name].X, built.arrays.predictors[name].X[[row]]
                )
            for old, new_group in zip(built.arrays.groups, arrays.groups, strict=True):
                np.testing.assert_array_equal(new_group.Z, old.Z[[row]])
        with pytest.raises(DataError, match=r"C\(f, Sum\) has levels .* not seen: 'd'"):
            built.arrays_for(data.iloc[[0]].assign(f="d"))

    def test_a_missing_level_has_zero_contrasts(self, data: pd.DataFrame) -> None:
        built = design(parse("y ~ k"), data, {"k": "sum"})
        with pytest.warns(UserWarning, match="all its contrasts are set to zero"):
            arrays = built.arrays_for(data.iloc[[0]].assign(k=None))
        assert arrays.predictors["mu"].X.tolist() == [[1.0, 0.0, 0.0]]

    def test_numbers_made_a_factor_have_no_values_between(self, data: pd.DataFrame) -> None:
        built = design(parse("y ~ C(year, Sum) + x"), data)
        assert built.is_discrete("year")
        assert not built.is_discrete("x")

    def test_missing_rows_are_left_out_first(self, data: pd.DataFrame) -> None:
        frame = data.assign(x=data["x"].where(data["f"] != "c"))
        with pytest.warns(UserWarning, match="Left out"):
            built = design(parse("y ~ f + x"), frame, {"f": "sum"})
        assert [coef.label for coef in built.predictors["mu"].coefs] == ["Intercept", "f1", "x"]


BAD: dict[str, tuple[str, Any, tuple[str, ...]]] = {
    "unknown factor": ("~ f + k", {"ff": "sum"}, ("'ff'", "no factor", "Did you mean 'f'?")),
    "factor that is only called": ("~ factor(year)", {"year": "sum"}, ("'factor(year)'",)),
    "no factors at all": ("~ x", {"f": "sum"}, ("'f'", "none to choose from")),
    "no name": ("~ f", {1: "sum"}, ("contrasts has 1", "'f'")),
    "numbers": ("~ f + x", {"x": "sum"}, ("'x'", "column of numbers", "C(x, Sum)")),
    "numeric call": ("~ f + log(x)", {"log(x)": "sum"}, ("'log(x)'", "numeric")),
    "said twice": ("~ C(f, Sum)", {"C(f, Sum)": "poly"}, ("formula says", "one place")),
    "two names for one": ("~ f", {"f": "sum", "`f`": "poly"}, ("says twice how f is coded",)),
    "unknown coding": ("~ f", {"f": "summ"}, ("contrasts['f'] = 'summ'", "mean 'sum'")),
    "no coding": ("~ f", {"f": "1 +"}, ("contrasts['f'] = '1 +'",)),
    "function": ("~ f", {"f": np.sum}, ("contrasts['f']", "'treatment', 'sum'", "a matrix")),
    "number": ("~ f", {"f": 3}, ("contrasts['f'] = 3",)),
    "text in a matrix": ("~ f", {"f": {"u": ["a", "b", "c"]}}, ("must hold numbers",)),
    "ragged matrix": ("~ f", {"f": {"u": [1, 0], "v": [1, 0, -1]}}, ("one for each level",)),
    "column of one number": ("~ f", {"f": {"u": 1}}, ("one for each level",)),
    "no mapping": ("~ f", "sum", ("contrasts = 'sum'", "{'f': 'sum'}")),
    "wrong shape": ("~ f", {"f": [[1, 0], [0, 1]]}, ("2 rows", "f has 3 levels")),
    "too many columns": ("~ f", {"f": np.eye(3)}, ("3 columns", "leave 2")),
    "wrong rank": ("~ f", {"f": [[1, 2], [0, 0], [-1, -2]]}, ("follows from the others",)),
    "three dimensions": ("~ f", {"f": np.ones((3, 2, 1))}, ("contrasts['f']", "a matrix")),
    "unknown level": ("~ f", {"f": "treatment('d')"}, ("there is no level 'd'",)),
}


@pytest.mark.parametrize(("formula", "contrasts", "parts"), BAD.values(), ids=BAD)
def test_what_is_not_valid_is_refused(
    data: pd.DataFrame, formula: str, contrasts: Any, parts: tuple[str, ...]
) -> None:
    with pytest.raises(DataError) as caught:
        model_matrix(formula, data, contrasts)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize("formula", ["~ I(C(f, Sum))", "~ relevel(C(f, Sum), 'b')"])
def test_a_coding_inside_of_a_call_is_refused(data: pd.DataFrame, formula: str) -> None:
    with pytest.raises(FormulaError, match=r"C\(\) says how a factor is coded"):
        model_matrix(formula, data)


def test_an_empty_choice_is_no_choice(data: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(model_matrix("~ f", data, {}), model_matrix("~ f", data))
