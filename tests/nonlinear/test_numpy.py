"""Non-linear formulas in NumPy, against the standard library and closed forms."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable

import numpy as np
import pytest

from brmspy.formula import bf, functions, parse
from brmspy.formula.expression import names_in
from brmspy.formula.grammar import parse_expression
from brmspy.formula.terms import NonlinearPredictor
from brmspy.nonlinear import evaluate, table

NORMAL = statistics.NormalDist()


def value(text: str, **values: object) -> np.ndarray:
    names = [name for name in values if name in {*"abc"}]
    predictor = parse(bf(f"y ~ {text}", f"{' + '.join(names)} ~ 1", nl=True)).predictor("mu")
    assert isinstance(predictor, NonlinearPredictor)
    return evaluate(predictor.body, values)


# function -> the same from Python's standard library, and arguments to try
UNARY: dict[str, tuple[Callable[[float], float], list[float]]] = {
    "exp": (math.exp, [-700, -1, 0, 2.5]),
    "expm1": (math.expm1, [-40, 1e-12, 3]),
    "log": (math.log, [1e-300, 1, 7.5]),
    "log2": (math.log2, [0.125, 8, 9]),
    "log10": (math.log10, [0.001, 1000, 7]),
    "log1p": (math.log1p, [-0.5, 1e-15, 4]),
    "log1m": (lambda x: math.log1p(-x), [-3, 1e-15, 0.75]),
    "log1p_exp": (lambda x: math.log1p(math.exp(x)), [-30, 0, 5]),
    "log1m_exp": (lambda x: math.log(-math.expm1(x)), [-5, -0.5, -1e-10]),
    "sqrt": (math.sqrt, [0, 2, 1e10]),
    "cbrt": (lambda x: math.copysign(abs(x) ** (1 / 3), x), [-8, 2, 27]),
    "square": (lambda x: x * x, [-3, 0.5]),
    "inv": (lambda x: 1 / x, [-4, 0.1]),
    "inv_sqrt": (lambda x: 1 / math.sqrt(x), [0.25, 9]),
    "inv_square": (lambda x: 1 / (x * x), [-2, 10]),
    "abs": (abs, [-2.5, 3]),
    "floor": (math.floor, [-1.5, 2.7, 3]),
    "ceiling": (math.ceil, [-1.5, 2.2, 3]),
    "trunc": (math.trunc, [-1.5, 2.7]),
    "sin": (math.sin, [-1, 0.5, 3]),
    "cos": (math.cos, [-1, 0.5, 3]),
    "tan": (math.tan, [-1, 0.5]),
    "asin": (math.asin, [-0.9, 0.3]),
    "acos": (math.acos, [-0.9, 0.3]),
    "atan": (math.atan, [-10, 0.3]),
    "sinh": (math.sinh, [-3, 0.3]),
    "cosh": (math.cosh, [-3, 0.3]),
    "tanh": (math.tanh, [-3, 0.3]),
    "asinh": (math.asinh, [-3, 0.3]),
    "acosh": (math.acosh, [1.5, 30]),
    "atanh": (math.atanh, [-0.9, 0.3]),
    "inv_logit": (lambda x: 1 / (1 + math.exp(-x)), [-30, 0, 2]),
    "logit": (lambda p: math.log(p / (1 - p)), [0.01, 0.5, 0.9]),
    "log_inv_logit": (lambda x: -math.log1p(math.exp(-x)), [-20, 0, 30]),
    "log1m_inv_logit": (lambda x: -math.log1p(math.exp(x)), [-30, 0, 20]),
    "inv_cloglog": (lambda x: 1 - math.exp(-math.exp(x)), [-2, 0, 1]),
    "Phi": (NORMAL.cdf, [-3, 0, 1.96]),
    "Phi_approx": (lambda x: 1 / (1 + math.exp(-0.07056 * x**3 - 1.5976 * x)), [-2, 0, 1]),
    "inv_Phi": (NORMAL.inv_cdf, [0.01, 0.5, 0.975]),
    "erf": (math.erf, [-1, 0.2]),
    "erfc": (math.erfc, [-1, 0.2, 5]),
    "gamma": (math.gamma, [0.5, 4, 7.3]),
    "lgamma": (math.lgamma, [0.5, 4, 200]),
    "digamma": (lambda n: sum(1 / k for k in range(1, int(n))) - 0.5772156649015329, [1, 2, 7]),
    "trigamma": (
        lambda n: math.pi**2 / 6 - sum(1 / k**2 for k in range(1, int(n))),
        [1, 2, 7],
    ),
    "factorial": (lambda n: math.factorial(int(n)), [0, 5]),
    "lfactorial": (lambda n: math.log(math.factorial(int(n))), [2, 20]),
    "cloglog": (lambda p: math.log(-math.log(1 - p)), [0.1, 0.8]),
    "sign": (lambda x: math.copysign(1, x) if x else 0, [-2, 0, 3]),
    "step": (lambda x: float(x >= 0), [-1, 0, 2]),
    "int_step": (lambda x: float(x > 0), [-1, 0, 2]),
    "I": (lambda x: x, [2]),
    "as.numeric": (lambda x: x, [2]),
    "plogis": (lambda x: 1 / (1 + math.exp(-x)), [-1, 2]),
    "qlogis": (lambda p: math.log(p / (1 - p)), [0.2]),
    "pnorm": (NORMAL.cdf, [-1, 2]),
    "qnorm": (NORMAL.inv_cdf, [0.2]),
    "dnorm": (NORMAL.pdf, [-1, 0, 2]),
    "pexp": (lambda x: 1 - math.exp(-x) if x > 0 else 0, [-1, 0, 2]),
}


@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_argument(name: str) -> None:
    expected, points = UNARY[name]
    result = value(f"{name}(a)", a=np.array(points, dtype=float))
    np.testing.assert_allclose(result, [expected(point) for point in points], rtol=1e-12)


def test_lambert_w_is_the_inverse() -> None:
    points = np.array([-0.3, 0.0, 1.0, 20.0])
    w = value("lambert_w0(a)", a=points)
    np.testing.assert_allclose(w * np.exp(w), points, atol=1e-15, rtol=1e-12)
    assert np.isnan(value("lambert_w0(a)", a=-1.0))


WIDE = NORMAL.cdf((3.0 - 1.0) / 0.5)
OTHERS = {
    "atan2(a, b)": math.atan2(3.0, -2.0),
    "hypot(a, b)": math.hypot(3.0, -2.0),
    "beta(a, 2)": math.gamma(3) * math.gamma(2) / math.gamma(5),
    "lbeta(a, 2)": math.log(math.gamma(3) * math.gamma(2) / math.gamma(5)),
    "lchoose(a + 7, a)": math.log(math.comb(10, 3)),
    "choose(a + 7, a)": math.comb(10, 3),
    "pmin(a, b)": -2.0,
    "pmax(a, b, 5)": 5.0,
    "fmod(b - 5, a)": math.fmod(-7.0, 3.0),
    "(b - 5) %% a": -7.0 % 3.0,
    "(b - 5) %/% a": -7.0 // 3.0,
    "log(a, 2)": math.log(3, 2),
    "logb(a, base = 10)": math.log(3, 10),
    "pow(a, b)": 3.0**-2,
    "a^b": 3.0**-2,
    "b^3": -8.0,
    "b^-2": 0.25,
    "-a^2": -9.0,
    "2^-a": 0.125,
    "a^b^2": 81.0,
    "1 / a": 1.0 / 3.0,
    "7L / 2L * a": 10.5,
    "a - b - 1": 4.0,
    "a - (b - 1)": 6.0,
    "a / b / 2": -0.75,
    "!a": 0.0,
    "(a > b) + (a < b) + (a >= a) + (b <= b) + (a == b) + (a != b)": 4.0,
    "(a > 0 & b > 0) + 10 * (a > 0 | b > 0)": 10.0,
    "ifelse(a > b, sqrt(a), sqrt(b))": math.sqrt(3.0),
    "ifelse(b, 1, 2)": 1.0,
    "pnorm(a, 1, 0.5)": WIDE,
    "pnorm(sd = 0.5, mean = 1, a)": WIDE,
    "qnorm(pnorm(a, 1, 0.5), 1, 0.5)": 3.0,
    "dnorm(a, 1, 0.5)": statistics.NormalDist(1, 0.5).pdf(3),
    "plogis(a, 1, 4)": 1 / (1 + math.exp(-0.5)),
    "qlogis(0.2, a, 2)": 3 + 2 * math.log(0.25),
    "pexp(a, 0.5)": 1 - math.exp(-1.5),
    "pweibull(a, 2, 1.5)": 1 - math.exp(-4),
    "pweibull(b, 2, 1.5)": 0.0,
    "a * pi": 3 * math.pi,
    "a * TRUE + FALSE": 3.0,
    "SSmicmen(a, 10, 2)": 6.0,
}


@pytest.mark.parametrize("text", OTHERS)
def test_other_functions_and_operators(text: str) -> None:
    mentioned = names_in(parse_expression(text))
    values = {name: number for name, number in {"a": 3.0, "b": -2.0}.items() if name in mentioned}
    np.testing.assert_allclose(value(text, **values), OTHERS[text], rtol=1e-12)


def test_whole_covariates_divide_as_reals() -> None:
    result = value("a * k / m", a=1.0, k=np.array([1, 2]), m=np.array([3, 4]))
    np.testing.assert_allclose(result, [1 / 3, 0.5])
    np.testing.assert_allclose(value("a * k^-1", a=1.0, k=np.array([2, 4])), [0.5, 0.25])


def test_draws_and_rows_broadcast() -> None:
    draws = np.array([[1.0], [2.0], [3.0]])
    result = value("a * exp(x) + b", a=draws, b=np.zeros((3, 2)), x=np.array([0.0, 1.0]))
    np.testing.assert_allclose(result, draws * np.exp([0.0, 1.0]))
    assert value("a + 1", a=draws).shape == (3, 1)
    assert value("a + 1", a=2.0).shape == ()


def test_undefined_values_are_nan_without_a_warning() -> None:
    result = value("log(a) + ifelse(a > 0, 0, 1 / 0)", a=np.array([-1.0, 1.0]))
    np.testing.assert_array_equal(result, [np.nan, 0.0])


def test_branches_that_are_not_taken_do_not_matter() -> None:
    result = value("ifelse(x > a, sqrt(x - a), 0)", a=1.0, x=np.array([0.0, 5.0]))
    np.testing.assert_array_equal(result, [0.0, 2.0])


def test_repeated_subexpressions_change_nothing() -> None:
    x = np.linspace(-3, 3, 7)
    result = value("exp(a * x) / (1 + exp(a * x)) + ifelse(x > 0, exp(a * x), 0)", a=0.5, x=x)
    e = np.exp(0.5 * x)
    np.testing.assert_allclose(result, e / (1 + e) + np.where(x > 0, e, 0), rtol=1e-14)


def test_the_table_holds_what_formulas_may_call() -> None:
    assert {*table.FUNCTIONS, "ifelse"} == set(functions.FUNCTIONS)
    assert set(table.OPERATORS) - {"ifelse"} == set(functions.OPERATORS)
    assert all(table.FUNCTIONS[name].name == name for name in table.FUNCTIONS)
    assert all(forms.rowwise or forms.elementwise for forms in table.OPERATORS.values())


def test_every_function_is_tried_above() -> None:
    calls = {text.partition("(")[0] for text in OTHERS}
    assert {*functions.FUNCTIONS, *functions.DERIVED} <= {*UNARY, *calls, "lambert_w0", "ifelse"}
