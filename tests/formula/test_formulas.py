"""Putting formulas together, and the terms of whole models."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time

import pytest

from brmspy.errors import FormulaError
from brmspy.formula import (
    FixedParameter,
    Formula,
    LinearPredictor,
    NonlinearPredictor,
    SubFormula,
    bf,
    lf,
    nlf,
    parse,
    parse_rhs,
)

RESPONSES = {
    "y ~ x": "y",
    "(y) ~ x": "y",
    "log(y) ~ x": "log(y)",
    "y/10 ~ x": "y/10",
    "`my y` ~ x": "`my y`",
    "y | trials(n) ~ x": "y | trials(n)",
    "y | trials(10) ~ x": "y | trials(10)",
    "y | trials(a + b) ~ x": "y | trials(a + b)",
    "y | weights(w) ~ x": "y | weights(w)",
    "y | weights(w, scale = FALSE) ~ x": "y | weights(w)",
    "y | weights(w, scale = TRUE) ~ x": "y | weights(w, scale = TRUE)",
    "y | weights(w, TRUE) ~ x": "y | weights(w, scale = TRUE)",
    "y | weights(scale = True, w) ~ x": "y | weights(w, scale = TRUE)",
    "y | weights(w) + trials(n) ~ x": "y | trials(n) + weights(w)",
    "y | (trials(n) + weights(w)) ~ x": "y | trials(n) + weights(w)",
}


@pytest.mark.parametrize("formula", RESPONSES)
def test_response(formula: str) -> None:
    assert str(parse(formula).response) == RESPONSES[formula]


def test_columns_of_the_response_side() -> None:
    response = parse("log(y + c) | trials(n + m) + weights(w) ~ x").response
    assert response.variables == ("y", "c", "n", "m", "w")
    assert response.label == "log(y + c)"


NONLINEAR = bf("y ~ a * exp(-b * x)", "a + b ~ 1", nl=True)

# model -> its predictors as they print, in order of evaluation
MODELS: list[tuple[str | Formula, list[str]]] = [
    ("y ~ x", ["mu ~ 1 + x"]),
    (bf("y ~ x", "sigma ~ z + (1 | g)"), ["sigma ~ 1 + z + (1 | g)", "mu ~ 1 + x"]),
    (bf("y ~ x", sigma="~ z"), ["sigma ~ 1 + z", "mu ~ 1 + x"]),
    (bf("y ~ x") + lf("sigma ~ z"), ["sigma ~ 1 + z", "mu ~ 1 + x"]),
    (bf("y ~ x") + "sigma ~ z", ["sigma ~ 1 + z", "mu ~ 1 + x"]),
    (bf("y ~ x", lf("sigma ~ z")), ["sigma ~ 1 + z", "mu ~ 1 + x"]),
    (bf(bf("y ~ x"), "sigma ~ z"), ["sigma ~ 1 + z", "mu ~ 1 + x"]),
    (bf("y ~ x", "nu + sigma ~ z"), ["nu ~ 1 + z", "sigma ~ 1 + z", "mu ~ 1 + x"]),
    (NONLINEAR, ["a ~ 1", "b ~ 1", "mu ~ a * exp(-b * x)"]),
    (
        bf("y ~ a * x", "sigma ~ x", "a ~ 1", nl=True),
        ["a ~ 1", "sigma ~ 1 + x", "mu ~ a * x"],
    ),
    (
        bf("y ~ a * x", nlf("a ~ exp(c) + b"), "b ~ 1", "c ~ (1 | g)", nl=True),
        ["c ~ 1 + (1 | g)", "b ~ 1", "a ~ exp(c) + b", "mu ~ a * x"],
    ),
    (
        bf("y ~ x") + nlf("sigma ~ a * exp(b * x)") + lf("a + b ~ 1"),
        ["a ~ 1", "b ~ 1", "sigma ~ a * exp(b * x)", "mu ~ 1 + x"],
    ),
    (
        bf("y ~ k") + nlf("sigma ~ a + b", "a ~ b^2") + lf("b ~ 1"),
        ["b ~ 1", "a ~ b^2", "sigma ~ a + b", "mu ~ 1 + k"],
    ),
]


@pytest.mark.parametrize(("formula", "expected"), MODELS, ids=lambda value: str(value)[:40])
def test_models(formula: str | Formula, expected: list[str]) -> None:
    terms = parse(formula, dpars=("mu", "sigma", "nu"))
    assert [str(predictor) for predictor in terms.predictors] == expected


def test_fixed_parameters() -> None:
    terms = parse(bf("y ~ x", sigma=0.5, nu=4), dpars=("mu", "sigma", "nu"))
    assert terms.fixed == (FixedParameter("sigma", 0.5), FixedParameter("nu", 4.0))
    assert [predictor.name for predictor in terms.predictors] == ["mu"]


def test_centring_is_usual_for_distributional_parameters_only() -> None:
    formula = bf(
        "y ~ a * x", "sigma ~ x", lf("b ~ x", center=True), "c ~ x", nlf("a ~ b + c"), nl=True
    )
    centred = {
        predictor.name: predictor.center
        for predictor in parse(formula).predictors
        if isinstance(predictor, LinearPredictor)
    }
    assert centred == {"sigma": True, "b": True, "c": False}


@pytest.mark.parametrize("center", [True, False])
def test_centring_of_the_main_formula(center: bool) -> None:
    predictor = parse(bf("y ~ x", center=center)).predictor("mu")
    assert isinstance(predictor, LinearPredictor)
    assert predictor.center is center


def test_cell_mean_coding_belongs_to_its_formula() -> None:
    terms = parse(bf("y ~ 0 + f", lf("sigma ~ 0 + f", cmc=False)))
    coding = {p.name: p.cmc for p in terms.predictors if isinstance(p, LinearPredictor)}
    assert coding == {"mu": True, "sigma": False}


def test_nonlinear_predictor_tells_names_apart() -> None:
    formula = bf("y ~ a * exp(-k * x / s) + z * a", "a + k ~ 1", nl=True)
    predictor = parse(formula, columns=["y", "x", "s", "z", "g"]).predictor("mu")
    assert isinstance(predictor, NonlinearPredictor)
    assert predictor.parameters == ("a", "k")
    assert predictor.covariates == ("x", "s", "z")
    assert not predictor.nlpar


def test_variables_are_all_columns_that_are_needed() -> None:
    formula = bf(
        "y | trials(n) ~ a * x + offset(log(o)) + (z | g:h)", "sigma ~ poly(w, 2) + (1 | k)"
    )
    assert parse(formula).variables == (
        *("y", "n", "w", "k"),
        *("a", "x", "o", "z", "g", "h"),
    )


def test_known_columns_do_not_change_the_terms() -> None:
    formula = "y ~ a * log(b) + (a | g) + offset(o)"
    assert parse(formula, columns=list("yabgo")) == parse(formula)


PRINTED = {
    "bf('y ~ x')": bf("y ~ x"),
    "bf('y ~ x', 'sigma ~ z')": bf("y ~ x", "sigma ~ z"),
    "bf('y ~ x', 'sigma ~ z', nl=True, sigma=0.5)": bf("y ~ x", "sigma ~ z", nl=True, sigma=0.5),
    "bf('y ~ x', lf('sigma ~ z', center=False, cmc=False))": bf(
        "y ~ x", lf("sigma ~ z", center=False, cmc=False)
    ),
    "bf('y ~ x', nlf('sigma ~ a*z'), 'a ~ 1')": bf("y ~ x") + nlf("sigma ~ a*z") + lf("a ~ 1"),
    "bf('y ~ x', center=False, cmc=False)": bf("y ~ x", center=False, cmc=False),
}


@pytest.mark.parametrize("text", PRINTED)
def test_representation_makes_the_same_formula(text: str) -> None:
    formula = PRINTED[text]
    assert repr(formula) == text
    assert eval(text) == formula


@pytest.mark.parametrize("formula", PRINTED.values(), ids=repr)
def test_formulas_survive_a_round_trip(formula: Formula) -> None:
    assert pickle.loads(pickle.dumps(formula)) == formula
    assert Formula.from_dict(formula.to_dict()) == formula
    assert hash(formula) == hash(Formula.from_dict(formula.to_dict()))


def test_formulas_print_one_to_a_line() -> None:
    formula = bf("y  ~  a*x", "a ~\n 1", nl=True, sigma=0.5)
    assert str(formula) == "y ~ a*x\na ~ 1\nsigma = 0.5"


def test_formulas_are_immutable() -> None:
    formula = bf("y ~ x")
    longer = formula + lf("sigma ~ z")
    assert formula.parts == ()
    assert longer.parts == (SubFormula("sigma ~ z"),)
    with pytest.raises(AttributeError):
        formula.main = "z ~ x"


def test_terms_are_equal_each_time_and_can_be_pickled() -> None:
    for formula in (NONLINEAR, "y | trials(n) ~ a*b + (a | p | g:h) + offset(log(o))"):
        terms = parse(formula)
        assert parse(formula) == terms
        assert pickle.loads(pickle.dumps(terms)) == terms


def test_terms_print() -> None:
    terms = parse(bf("y | trials(n) ~ x + (1 | g)", sigma=2))
    assert str(terms) == "response: y | trials(n)\nmu ~ 1 + x + (1 | g)\nsigma = 2"


def test_parsing_is_quick() -> None:
    formula = "y | weights(w) ~ a * b * c + poly(x, 2):log(z) + (1 + a | g/h) + (0 + x || k)"
    columns = [*"ywabcxzghk"]
    seconds = []
    for _ in range(20):
        start = time.perf_counter()
        parse(formula, columns=columns)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.005


def test_grammar_needs_no_numerical_library() -> None:
    code = (
        "import sys, types, pathlib, importlib.util as util\n"
        "spec = util.find_spec('brmspy')\n"
        "package = types.ModuleType('brmspy')\n"
        "package.__path__ = list(spec.submodule_search_locations)\n"
        "sys.modules['brmspy'] = package\n"
        "import brmspy.formula\n"
        "print(*({'numpy', 'pandas', 'formulae', 'scipy'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("", "")


WRONG_PARTS = [
    (lambda: bf(3), "not int"),
    (lambda: bf("y ~ x", 3), "not int"),
    (lambda: bf("y ~ x") + bf("z ~ x"), "not Formula"),
    (lambda: lf(None), "not NoneType"),
    (lambda: bf("y ~ x", sigma="z"), "neither a number nor a formula"),
    (lambda: bf("y ~ x", sigma="sigma ~ z"), "names its parameter twice"),
    (lambda: bf("y ~ x", sigma=True), "neither a number nor a formula"),
    (lambda: bf("y ~ x", sigma=float("nan")), "neither a number nor a formula"),
    (lambda: parse(["y ~ x"]), "not list"),
    (lambda: parse_rhs(None), "not NoneType"),
]


@pytest.mark.parametrize(("make", "message"), WRONG_PARTS)
def test_parts_that_are_no_formulas(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(FormulaError, match=message):
        make()
