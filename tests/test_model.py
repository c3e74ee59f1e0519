"""The model before it is fitted: its pieces, copies, stored form, and any make of data frame."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import brmspy
from brmspy import (
    DataWarning,
    Formula,
    bf,
    binomial,
    default_prior,
    gaussian,
    lf,
    load_dataset,
    model_matrix,
    nlf,
    poisson,
    prior,
    stancode,
    standata,
    student,
)
from brmspy.model import Model, build, model_from_spec

DATA = pd.DataFrame(
    {
        "y": [1.0, 3.0, 2.0, 5.0, 4.0, 6.0, 7.0, 2.0],
        "x": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
        "f": list("abcabcab"),
        "g": list("uvwuvwuv"),
        "h": list("kkllmmkk"),
        "n": [9, 9, 9, 9, 10, 10, 10, 10],
        "count": [0, 3, 1, 0, 2, 5, 1, 1],
        "won": [True, False, True, True, False, True, False, True],
    },
    index=[f"r{i}" for i in range(8)],
)
CURVE = bf("y ~ a * exp(k * x)", "a ~ 1 + (1 | p | g)", "k ~ 1 + (1 | p | g)", nl=True)

# Arguments of build(), one model for each part of the road.
MODELS: dict[str, dict[str, Any]] = {
    "linear": {"formula": "y ~ x + f + (x | g)"},
    "no predictors": {"formula": "y ~ 0"},
    "uncorrelated": {"formula": "y ~ poly(x, 2) + (x || g/h) + offset(log(n))"},
    "distributional": {
        "formula": bf("y ~ x + (1 | p | g)", center=False)
        + lf("sigma ~ 0 + f + (1 | p | g)", cmc=False),
        "family": student(link="log", link_nu="identity"),
        "prior": [prior("normal(0, 1)", dpar="sigma"), prior("exponential(0.2)", "nu", ub=30)],
    },
    "fixed": {"formula": bf("y ~ x", sigma=0.5)},
    "trials": {
        "formula": "count | trials(n) ~ x + (1 | g:h)",
        "family": binomial("probit"),
        "prior": prior("normal(0, 1/3)") + prior("constant(1)", "sd", group="g:h"),
    },
    "weights": {"formula": "count | weights(n, scale = TRUE) ~ x", "family": "negbinomial"},
    "two values": {"formula": "won ~ x", "family": "bernoulli"},
    "curve": {
        "formula": CURVE,
        "prior": [
            prior("normal(2, 1)", nlpar="a", lb=0),
            prior("normal(0, 1)", nlpar="k", lb=-np.inf, ub=np.inf),
            prior("lkj(2)", "cor"),
        ],
    },
    "nested curve": {
        "formula": bf("y ~ SSlogis(x, A, m, s)", "A + m ~ 1", nl=True)
        + nlf("s ~ exp(t)")
        + lf("t ~ 1")
    },
    "contrasts": {
        "formula": bf("y ~ f * x + C(h, Helmert) + (f | g)", "sigma ~ f"),
        "contrasts": {"f": {"high": [-1, -1, 2], "b - a": [-0.5, 0.5, 0]}},
    },
    "prior only": {
        "formula": "count ~ x",
        "family": poisson(link="sqrt"),
        "prior": prior("normal(0, 1)"),
        "sample_prior": "only",
    },
}


def assert_same_data(left: Mapping[str, Any], right: Mapping[str, Any]) -> None:
    assert left.keys() == right.keys()
    for name, value in left.items():
        np.testing.assert_array_equal(value, right[name], err_msg=name)
        assert np.asarray(value).dtype == np.asarray(right[name]).dtype, name


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> Model:
    return build(data=DATA, **MODELS[request.param])


def test_pieces() -> None:
    sleepstudy = load_dataset("sleepstudy")
    model = build(
        "Reaction ~ Days + (Days | Subject)",
        sleepstudy,
        marginalize=False,
        parameterization="noncentered",
    )
    assert model.formula == Formula("Reaction ~ Days + (Days | Subject)")
    assert model.family == gaussian()
    assert model.nobs == 180
    assert model.terms is model.design.terms
    np.testing.assert_array_equal(model.response, sleepstudy["Reaction"])
    assert [coef.label for coef in model.design.predictors["mu"].coefs] == ["Intercept", "Days"]
    assert len(model.design.groups[0].levels) == 18
    assert model.user_priors == ()
    assert model.priors.improper == ("b_Days",)
    assert model.program.data["K"] == 1
    # Centred: the mean of 0 to 9 is 4.5.
    np.testing.assert_array_equal(
        np.unique(model.program.data["X"]), np.arange(10) - 4.5, strict=True
    )


def test_printed() -> None:
    model = build(
        bf("Reaction ~ Days + (Days | Subject)", "sigma ~ 1"),
        load_dataset("sleepstudy"),
        prior=prior("normal(0, 10)"),
    )
    head, table = str(model).split("Priors:\n")
    assert head.splitlines() == [
        " Family: gaussian(link = 'identity')",
        "Formula: Reaction ~ Days + (Days | Subject)",
        "         sigma ~ 1",
        "Design of 180 observations of Reaction",
        "  sigma: Intercept (centred)",
        "  mu: Intercept, Days (centred)",
        "  (Intercept, Days | Subject): 18 levels",
    ]
    assert "normal(0, 10)" in table
    assert "student_t(3, 288.7, 59.3)" in table


def test_repr_is_short(model: Model) -> None:
    assert repr(model).startswith("Model(formula=bf(")
    assert len(repr(model)) < 500


def test_models_cannot_be_changed(model: Model) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        model.sample_prior = "only"  # type: ignore[misc]  # on purpose


@pytest.mark.parametrize("name", MODELS)
def test_code_and_data_are_those_of_the_model(name: str) -> None:
    arguments = MODELS[name]
    program = build(data=DATA, **arguments).program
    assert stancode(data=DATA, **arguments) == program.code
    assert_same_data(standata(data=DATA, **arguments), program.data)


def test_prior_only_is_data_not_text() -> None:
    arguments = {"formula": "y ~ x", "data": DATA, "prior": prior("normal(0, 1)")}
    assert stancode(**arguments) == stancode(**arguments, sample_prior="only")
    assert standata(**arguments)["prior_only"] == 0
    assert standata(**arguments, sample_prior="only")["prior_only"] == 1


@pytest.mark.parametrize(
    "duplicate", [lambda m: pickle.loads(pickle.dumps(m)), copy.copy, copy.deepcopy]
)
def test_copies(model: Model, duplicate: Callable[[Model], Model]) -> None:
    other = duplicate(model)
    assert str(other) == str(model)
    assert other.spec() == model.spec()
    assert other.program.code == model.program.code
    assert_same_data(other.program.data, model.program.data)
    # Still works on new data.
    assert other.design.arrays_for(DATA.iloc[:3]).nobs == 3


def test_spec_and_data_make_the_model_again(model: Model) -> None:
    text = json.dumps(model.spec(), allow_nan=False)
    again = model_from_spec(json.loads(text), model.design.data)
    assert again.spec() == model.spec()
    assert again.formula == model.formula
    assert again.family == model.family
    assert again.user_priors == model.user_priors
    assert again.sample_prior == model.sample_prior
    assert again.program.code == model.program.code
    assert_same_data(again.program.data, model.program.data)


def test_spec_and_complete_rows_make_the_model_again() -> None:
    holes = DATA.assign(x=[None, *DATA["x"][1:]], f=[*DATA["f"][:7], None])
    with pytest.warns(DataWarning, match="Left out 2 of 8 rows"):
        model = build("y ~ x + f", holes)
    assert list(model.design.data.index) == [f"r{i}" for i in range(1, 7)]
    again = model_from_spec(model.spec(), model.design.data)
    assert_same_data(again.program.data, model.program.data)


FORMULA = "y ~ x + f + (x | g) + offset(log(n))"
PLAIN = DATA.reset_index(drop=True)


def nullable(data: pd.DataFrame) -> pd.DataFrame:
    return data.convert_dtypes()


def arrow_dtypes(data: pd.DataFrame) -> pd.DataFrame:
    return data.convert_dtypes(dtype_backend="pyarrow")


def categorical(data: pd.DataFrame) -> pd.DataFrame:
    return data.astype({"f": "category", "g": "category"})


def unused_levels(data: pd.DataFrame) -> pd.DataFrame:
    levels = pd.CategoricalDtype(["a", "never", "b", "c", "z"])
    return data.astype({"f": levels})


def small_types(data: pd.DataFrame) -> pd.DataFrame:
    return data.astype({"y": np.float32, "x": np.int8, "n": np.uint16, "f": object})


def polars_categories(data: pd.DataFrame) -> pl.DataFrame:
    return pl.from_pandas(data).with_columns(
        pl.col("f").cast(pl.Enum(["a", "b", "c"])), pl.col("g").cast(pl.Categorical)
    )


FRAMES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "dict of lists": lambda data: data.to_dict("list"),
    "dict of arrays": lambda data: {name: data[name].to_numpy() for name in data},
    "polars": pl.from_pandas,
    "polars categories": polars_categories,
    "pyarrow": pa.Table.from_pandas,
    "nullable dtypes": nullable,
    "arrow dtypes": arrow_dtypes,
    "categories": categorical,
    "unused levels": unused_levels,
    "small types": small_types,
    "index of labels": lambda data: data.set_index(pd.Index(list("hgfedcba"))),
    "more columns": lambda data: data.assign(other=None, when=pd.Timestamp("2024-01-01")),
    "other order of columns": lambda data: data[data.columns[::-1]],
}


@pytest.mark.parametrize("make", FRAMES.values(), ids=list(FRAMES))
def test_any_frame_gives_the_same_model(make: Callable[[pd.DataFrame], Any]) -> None:
    expected = build(FORMULA, PLAIN)
    model = build(FORMULA, make(PLAIN))
    assert model.program.code == expected.program.code
    assert_same_data(model.program.data, expected.program.data)
    assert model.design.groups[0].levels == expected.design.groups[0].levels


@pytest.mark.parametrize("name", ["two values", "weights", "trials"])
@pytest.mark.parametrize("make", [pl.from_pandas, pa.Table.from_pandas, nullable, arrow_dtypes])
def test_any_frame_gives_the_same_response(make: Callable[..., Any], name: str) -> None:
    expected = standata(data=PLAIN, **MODELS[name])
    assert_same_data(standata(data=make(PLAIN), **MODELS[name]), expected)


@pytest.mark.parametrize("function", ["build", "stancode", "standata", "default_prior"])
def test_the_data_stay_as_they_are(function: str) -> None:
    holes = DATA.assign(x=[None, *DATA["x"][1:]], f=pd.Categorical(DATA["f"], ["c", "b", "a", "z"]))
    holes.attrs["note"] = "mine"
    before = holes.copy(deep=True)
    holes["y"].to_numpy(copy=False).flags.writeable = False
    call = build if function == "build" else getattr(brmspy, function)
    with pytest.warns(DataWarning, match="Left out 1 of 8 rows"):
        call("scale(y) ~ poly(x, 2) + f + (x | g)", holes)
    pd.testing.assert_frame_equal(holes, before)
    assert holes.attrs == before.attrs


@pytest.mark.parametrize("given", ["poisson", "POISSON", poisson, poisson()])
def test_families_by_name_function_and_object(given: Any) -> None:
    model = build("count ~ x + (1 | g)", DATA, given)
    assert model.family == poisson()
    assert stancode("count ~ x + (1 | g)", DATA, given) == model.program.code


@pytest.mark.parametrize(
    ("family", "formula", "dtype"),
    [
        ("gaussian", "count ~ x", np.float64),
        ("student", "count ~ x", np.float64),
        ("bernoulli", "won ~ x", np.int64),
        ("binomial", "count | trials(n) ~ x", np.int64),
        ("poisson", "count ~ x", np.int64),
        ("negbinomial", "count ~ x", np.int64),
    ],
)
def test_responses_have_the_type_of_the_family(family: str, formula: str, dtype: type) -> None:
    for data in (DATA, DATA.astype({"count": float})):
        assert build(formula, data, family).response.dtype == dtype


SLEEP = "sleepstudy"
GROWTH = bf(
    "height ~ Asym + (R0 - Asym) * exp(-exp(lrc) * age)",
    "R0 + lrc ~ 1",
    "Asym ~ 1 + (1 | Seed)",
    nl=True,
)

# brms' worked examples: the priors that are not flat, by class, and dpar or nlpar.
DEFAULTS: list[tuple[Any, str, Any, dict[tuple[str, str], str]]] = [
    (
        "Reaction ~ Days + (Days | Subject)",
        SLEEP,
        "gaussian",
        {
            ("Intercept", ""): "student_t(3, 288.7, 59.3)",
            ("sd", ""): "student_t(3, 0, 59.3)",
            ("cor", ""): "lkj(1)",
            ("sigma", ""): "student_t(3, 0, 59.3)",
        },
    ),
    (
        "Reaction ~ Days + offset(Days * 10)",
        SLEEP,
        "gaussian",
        {
            ("Intercept", ""): "student_t(3, 243.7, 59.3)",
            ("sigma", ""): "student_t(3, 0, 59.3)",
        },
    ),
    (
        "Reaction ~ Days + (1 | Subject)",
        SLEEP,
        gaussian("log"),
        {
            ("Intercept", ""): "student_t(3, 5.7, 2.5)",
            ("sd", ""): "student_t(3, 0, 2.5)",
            ("sigma", ""): "student_t(3, 0, 59.3)",
        },
    ),
    (
        bf("Reaction ~ Days", "sigma ~ Days + (1 | Subject)"),
        SLEEP,
        "gaussian",
        {
            ("Intercept", ""): "student_t(3, 288.7, 59.3)",
            ("Intercept", "sigma"): "student_t(3, 0, 2.5)",
            ("sd", "sigma"): "student_t(3, 0, 59.3)",
        },
    ),
    (
        bf("Reaction ~ Days", sigma=5),
        SLEEP,
        "gaussian",
        {("Intercept", ""): "student_t(3, 288.7, 59.3)"},
    ),
    (
        "Reaction ~ 0 + Intercept + Days",
        SLEEP,
        "gaussian",
        {("sigma", ""): "student_t(3, 0, 59.3)"},
    ),
    (
        bf("Reaction ~ Days", "nu ~ Days"),
        SLEEP,
        "student",
        {
            ("Intercept", ""): "student_t(3, 288.7, 59.3)",
            ("sigma", ""): "student_t(3, 0, 59.3)",
            ("Intercept", "nu"): "normal(2.7, 0.8)",
        },
    ),
    (
        "incidence | trials(size) ~ period + (1 | herd)",
        "cbpp",
        "binomial",
        {("Intercept", ""): "student_t(3, 0, 2.5)", ("sd", ""): "student_t(3, 0, 2.5)"},
    ),
    (
        "incidence | trials(size) ~ period",
        "cbpp",
        binomial("identity"),
        {("Intercept", ""): "student_t(3, 1, 2.5)"},
    ),
    (
        "y ~ trt + offset(log(base))",
        "epil",
        "poisson",
        {("Intercept", ""): "student_t(3, -1.75424906151593, 2.5)"},
    ),
    ("y ~ trt", "epil", poisson("identity"), {("Intercept", ""): "student_t(3, 4, 4.4)"}),
    (
        "y ~ base + trt + (1 | subject)",
        "epil",
        "negbinomial",
        {
            ("Intercept", ""): "student_t(3, 1.4, 2.5)",
            ("sd", ""): "student_t(3, 0, 2.5)",
            ("shape", ""): "inv_gamma(0.4, 0.3)",
        },
    ),
    (
        GROWTH,
        "loblolly",
        "gaussian",
        {("sd", "Asym"): "student_t(3, 0, 32.8)", ("sigma", ""): "student_t(3, 0, 32.8)"},
    ),
]


@pytest.mark.parametrize(
    ("formula", "data", "family", "expected"),
    DEFAULTS,
    ids=[f"{family!s} {formula!s}" for formula, _, family, _ in DEFAULTS],
)
def test_default_priors(
    formula: Any, data: str, family: Any, expected: dict[tuple[str, str], str]
) -> None:
    table = default_prior(formula, load_dataset(data), family)
    assert list(table.columns) == [
        "prior", "class", "coef", "group", "resp", "dpar", "nlpar", "lb", "ub", "source",
    ]  # fmt: skip
    proper = table[table["prior"] != ""]
    assert {
        (row["class"], row["dpar"] + row["nlpar"]): row["prior"] for _, row in proper.iterrows()
    } == expected


def test_priors_in_use_reach_the_program() -> None:
    model = build("y ~ x + f", DATA, prior=[prior("normal(0, 2)"), prior("normal(1, 3)", coef="x")])
    table = model.priors.table()
    rows = table[table["class"] == "b"].set_index("coef")["prior"]
    assert rows["x"] == "normal(1, 3)"
    assert rows[""] == "normal(0, 2)"
    np.testing.assert_array_equal(model.program.data["prior_b_mu"], [1, 0, 0])
    np.testing.assert_array_equal(model.program.data["prior_b_sigma"], [3, 2, 2])


def labels(model: Model, predictor: str = "mu") -> list[str]:
    return [coef.label for coef in model.design.predictors[predictor].coefs]


COEFFICIENTS = [
    ("y ~ f", ["Intercept", "fb", "fc"]),
    ("y ~ 1", ["Intercept"]),
    ("y ~ (1 | g)", ["Intercept"]),
    ("y ~ 0 + x", ["x"]),
    ("y ~ 0", []),
    ("y ~ 0 + (1 | g)", []),
    ("y ~ 0 + Intercept + x", ["Intercept", "x"]),
    ("y ~ -1 + f", ["fa", "fb", "fc"]),
    ("y ~ 0 + f + h", ["fa", "fb", "fc", "hl", "hm"]),
    ("y ~ x:f", ["Intercept", "x:fa", "x:fb", "x:fc"]),
    ("y ~ won", ["Intercept", "wonTRUE"]),
    (bf("y ~ 0 + f", cmc=False), ["fb", "fc"]),
]


def test_priors_of_coefficients_of_chosen_contrasts() -> None:
    table = default_prior("y ~ f + C(n, Sum)", DATA, contrasts={"f": "sum"})
    coefs = table.loc[table["class"] == "b", "coef"].tolist()
    assert sorted(coefs) == ["", "CnSum1", "f1", "f2"]
    chosen = prior("normal(0, 3)", class_="b", coef="f2")
    rows = build("y ~ f", DATA, prior=chosen, contrasts={"f": "sum"}).priors.table()
    assert rows.set_index("coef").loc["f2", "prior"] == "normal(0, 3)"


def test_contrasts_are_data_not_text() -> None:
    def code(**options: Any) -> str:
        lines = stancode("y ~ f", DATA, **options).splitlines()
        return "\n".join(line.split("//")[0].rstrip() for line in lines)

    assert code() == code(contrasts={"f": "sum"})


@pytest.mark.parametrize(("formula", "expected"), COEFFICIENTS, ids=lambda value: str(value))
def test_coefficients(formula: Any, expected: list[str]) -> None:
    model = build(formula, DATA)
    assert labels(model) == expected
    size = model.program.data.get("K", 0)
    assert size == len(expected) - ("Intercept" in expected and "0" not in str(formula))


GROUPS: list[tuple[Any, list[tuple[str, int, int, bool]]]] = [
    # group, coefficients, levels, correlated
    ("y ~ (x | g)", [("g", 2, 3, True)]),
    ("y ~ (x || g)", [("g", 2, 3, False)]),
    # The dummies of a factor too, unlike lme4.
    ("y ~ (f || g)", [("g", 3, 3, False)]),
    ("y ~ (f | g)", [("g", 3, 3, True)]),
    ("y ~ (0 + f | g)", [("g", 3, 3, True)]),
    ("y ~ (1 | g/h)", [("g", 1, 3, False), ("g:h", 1, 6, False)]),
    ("y ~ (1 | g + h)", [("g", 1, 3, False), ("h", 1, 3, False)]),
    (bf("y ~ (1 | p | g)", "sigma ~ (1 | p | g)"), [("g", 2, 3, True)]),
    (CURVE, [("g", 2, 3, True)]),
]


@pytest.mark.parametrize(("formula", "expected"), GROUPS, ids=lambda value: str(value))
def test_groups(formula: Any, expected: list[tuple[str, int, int, bool]]) -> None:
    found = [
        (
            group.group,
            len(group.coefs),
            len(group.levels),
            group.correlated and len(group.coefs) > 1,
        )
        for group in build(formula, DATA).design.groups
    ]
    assert sorted(found) == sorted(expected)


def test_one_level_of_a_group_is_fitted_with_a_warning() -> None:
    with pytest.warns(DataWarning, match=r"'g' has only one level \('u'\).*the prior alone"):
        data = standata("y ~ 1 + (1 | g)", DATA.assign(g="u"), marginalize=False)
    # Arrays of one element stay arrays.
    assert np.shape(data["coef"]) == (1,)


def test_missing_values_count_only_where_they_are_used() -> None:
    holes = DATA.assign(x=[None, *DATA["x"][1:]], count=None)
    assert build("y ~ f", holes).nobs == 8
    with pytest.warns(DataWarning, match=r"Left out 1 of 8 rows .* missing values in x \(1\)"):
        assert build("y ~ x + f", holes).nobs == 7


def test_trials_are_recycled_and_one_trial_is_bernoulli() -> None:
    assert (standata("count | trials(10) ~ x", DATA, "binomial")["trials"] == 10).all()
    with pytest.warns(DataWarning, match="family='bernoulli'"):
        standata("won | trials(1) ~ x", DATA.astype({"won": int}), "binomial")


def test_offsets_are_summed() -> None:
    offsets = standata("y ~ f + offset(x) + offset(2 * n)", DATA)["offsets"]
    np.testing.assert_array_equal(offsets, DATA["x"] + 2 * DATA["n"])


def test_names_keep_the_users_text() -> None:
    names = {"y": "my y", "x": "a__b", "g": "_g_"}
    odd = DATA.rename(columns=names).assign(f=["x y", "w-x", "y.z", "xy"] * 2)
    model = build("`my y` ~ a__b + f + (1 | `_g_`)", odd)
    assert labels(model) == ["Intercept", "a__b", "fx y", "fxy", "fy.z"]
    assert model.design.groups[0].group == "_g_"


def test_parameters_of_a_curve_may_have_any_name() -> None:
    formula = bf("y ~ a_1 * exp(rate.x * x)", "a_1 + rate.x ~ 1", nl=True)
    table = default_prior(formula, DATA)
    assert set(table["nlpar"]) == {"", "a_1", "rate.x"}


WARNED: dict[str, Callable[[], object]] = {
    "dropped rows": lambda: stancode("y ~ x", DATA.assign(x=[None, *DATA["x"][1:]])),
    "one level": lambda: build("y ~ (1 | g)", DATA.assign(g="u")),
    "one trial": lambda: standata("won | trials(1) ~ 1", DATA.astype({"won": int}), "binomial"),
    "in a term": lambda: model_matrix("~ bs(x, df = 4, Boundary_knots = c(0, 6))", DATA),
}


@pytest.mark.parametrize("function", WARNED.values(), ids=list(WARNED))
def test_warnings_point_at_the_users_line(function: Callable[[], object]) -> None:
    with pytest.warns(DataWarning) as caught:
        function()
    assert {(record.filename, record.lineno) for record in caught} == {
        (__file__, function.__code__.co_firstlineno)
    }
