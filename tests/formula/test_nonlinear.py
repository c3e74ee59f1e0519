"""Non-linear right-hand sides: the typed expression."""

from __future__ import annotations

import math

import pytest

from brmspy.formula import CURVES, bf, parse
from brmspy.formula.expression import names_in
from brmspy.formula.functions import ALIASES, DERIVED, FUNCTIONS, OPERATORS
from brmspy.formula.grammar import parse_expression
from brmspy.formula.nonlinear import Apply, Covariate, NonlinearExpr, Num, Parameter, walk
from brmspy.formula.terms import NonlinearPredictor


def body(text: str) -> NonlinearExpr:
    """Return the typed right-hand side; one-letter names up to e are parameters."""
    names = [name for name in names_in(parse_expression(text)) if name in {*"abcde"}]
    predictor = parse(bf(f"resp ~ {text}", f"{' + '.join(names)} ~ 1", nl=True)).predictor("mu")
    assert isinstance(predictor, NonlinearPredictor)
    return predictor.body


def shape(expr: NonlinearExpr) -> str:
    """Write a typed expression as nested calls: parameters in capitals."""
    match expr:
        case Num(value=value):
            return f"{value:.6g}"
        case Covariate(name=name):
            return name
        case Parameter(name=name):
            return name.upper()
        case Apply(function=function, args=args):
            return f"{function}({', '.join(map(shape, args))})"


SHAPES = {
    "a": "A",
    "a * x": "*(A, x)",
    "a * x + 1": "+(*(A, x), 1)",
    "-a^2": "neg(^(A, 2))",
    "a^-2": "^(A, neg(2))",
    "a**2": "^(A, 2)",
    "a^b^2": "^(A, ^(B, 2))",
    "+a": "A",
    "(a - x) / (1 / 3)": "/(-(A, x), /(1, 3))",
    "exp(-exp(b) * x)": "exp(*(neg(exp(B)), x))",
    "log(a)": "log(A)",
    "log(x, a)": "/(log(x), log(A))",
    "log(a, base = 2)": "/(log(A), log(2))",
    "ln(a)": "log(A)",
    "plogis(a)": "inv_logit(A)",
    "plogis(x, a, b)": "inv_logit(/(-(x, A), B))",
    "plogis(x, scale = b)": "inv_logit(/(x, B))",
    "plogis(location = a, x)": "inv_logit(-(x, A))",
    "qlogis(a)": "logit(A)",
    "pnorm(x, a, b)": "Phi(/(-(x, A), B))",
    "pnorm(a)": "Phi(A)",
    "qnorm(a, 1, 2)": "+(1, *(2, inv_Phi(A)))",
    "dnorm(x, a)": "/(exp(*(neg(0.5), ^(-(x, A), 2))), sqrt(*(2, 3.14159)))",
    "pexp(x, a)": "ifelse(>(x, 0), neg(expm1(*(neg(A), x))), 0)",
    "pmin(a, x)": "pmin(A, x)",
    "pmin(a, b, x, 3)": "pmin(pmin(pmin(A, B), x), 3)",
    "fmax(a, x)": "pmax(A, x)",
    "atan2(a, x)": "atan2(A, x)",
    "atan2(x = x, y = a)": "atan2(A, x)",
    "ceil(a)": "ceiling(A)",
    "tgamma(a)": "gamma(A)",
    "pow(a, 2)": "^(A, 2)",
    "I(a * x)": "*(A, x)",
    "step(x - a)": "ifelse(>=(-(x, A), 0), 1, 0)",
    "factorial(a)": "gamma(+(A, 1))",
    "x %% 24 * a": "*(-(x, *(24, floor(/(x, 24)))), A)",
    "x %/% 24 * a": "*(floor(/(x, 24)), A)",
    "ifelse(x > a, b, 0)": "ifelse(>(x, A), B, 0)",
    "ifelse(x > a & x <= b, 1, 0)": "ifelse(&(>(x, A), <=(x, B)), 1, 0)",
    "ifelse(x > a || z, 1, 0)": "ifelse(|(>(x, A), z), 1, 0)",
    "ifelse(z | w, a, 0)": "ifelse(|(z, w), A, 0)",
    "ifelse(!z, a, 0)": "ifelse(!(z), A, 0)",
    "ifelse(no = 0, x == 1, a)": "ifelse(==(x, 1), A, 0)",
    "(x > 1 | x < -1) * a": "*(|(>(x, 1), <(x, neg(1))), A)",
    "a * TRUE": "*(A, 1)",
    "a * pi": "*(A, 3.14159)",
    "a * `x y`": "*(A, x y)",
    "SSlogis(x, a, b, c)": "*(A, inv_logit(/(-(x, B), C)))",
    "SSasymp(x, a, b + c, log(d))": "+(A, *(-(+(B, C), A), exp(*(neg(exp(log(D))), x))))",
    "SSasymp(lrc = d, a, b, input = x)": "+(A, *(-(B, A), exp(*(neg(exp(D)), x))))",
    "1 + SSmicmen(x, a, b)": "+(1, /(*(A, x), +(B, x)))",
    "SSmicmen(log(x), 1, b)": "/(log(x), +(B, log(x)))",
}


@pytest.mark.parametrize("text", SHAPES)
def test_typed_expression(text: str) -> None:
    assert shape(body(text)) == SHAPES[text]


def test_places_are_kept_and_a_curve_stands_where_it_is_called() -> None:
    source = "y ~ b + SSlogis( x, a, b, c )"
    predictor = parse(bf(source, "a + b + c ~ 1", nl=True)).predictor("mu")
    assert isinstance(predictor, NonlinearPredictor)
    assert isinstance(predictor.body, Apply)
    left, curve = predictor.body.args
    assert source[slice(*left.span)] == "b"
    assert source[slice(*curve.span)] == "SSlogis( x, a, b, c )"
    assert {source[slice(*node.span)] for node in walk(curve)} == {
        *("SSlogis( x, a, b, c )", "x", "a", "b", "c"),
    }


def test_pi_is_pi() -> None:
    assert Num(math.pi) in set(walk(body("a * pi")))


def test_every_definition_uses_known_functions() -> None:
    for definition in (*CURVES.values(), *DERIVED.values()):
        free = [name for name in definition.arguments if name not in definition.defaults]
        call = f"{definition.name}({', '.join(free)})"
        formula = bf(f"resp ~ {call}", f"{free[-1]} ~ 1", nl=True)
        predictor = parse(formula).predictor("mu")
        assert isinstance(predictor, NonlinearPredictor)
        used = {node.function for node in walk(predictor.body) if isinstance(node, Apply)}
        assert used <= {*FUNCTIONS, *OPERATORS}
        assert {*predictor.covariates, *predictor.parameters} == set(free)


def test_names_of_functions_are_unique() -> None:
    assert not set(ALIASES) & {*FUNCTIONS, *DERIVED, *CURVES}
    assert set(FUNCTIONS) & set(DERIVED) == {"log"}


def test_every_argument_of_a_curve_has_a_meaning() -> None:
    for curve in CURVES.values():
        assert curve.meaning
        assert all(curve.arguments.values())
        assert {*curve.inputs, *curve.parameters} == set(curve.arguments)
        assert not curve.defaults
