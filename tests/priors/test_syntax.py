"""Texts of priors that are understood, and what is said about those that are not."""

from __future__ import annotations

import math

import pytest

from brmspy.errors import PriorError
from brmspy.priors.syntax import parse_density, parse_number

GOOD = [
    ("", "", ()),
    ("flat", "flat", ()),
    ("(flat)", "flat", ()),
    ("normal(0, 1)", "normal", (0.0, 1.0)),
    ("  normal( 0 ,1 ) ", "normal", (0.0, 1.0)),
    ("normal(mean = 1, sd = 2)", "normal", (1.0, 2.0)),
    ("normal(sd = 2, mean = 1)", "normal", (1.0, 2.0)),
    ("student_t(df = 3, 0, 2.5)", "student_t", (3.0, 0.0, 2.5)),
    ("student_t(3, scale = 2.5, location = 1)", "student_t", (3.0, 1.0, 2.5)),
    ("gamma(shape = 2, rate = 0.1)", "gamma", (2.0, 0.1)),
    ("gamma(rate = 0.1, 2)", "gamma", (2.0, 0.1)),
    ("exp_mod_normal(0, 1, lambda = 2)", "exp_mod_normal", (0.0, 1.0, 2.0)),
    ("uniform(min = -1, max = 1)", "uniform", (-1.0, 1.0)),
    ("normal(-3, 1e2)", "normal", (-3.0, 100.0)),
    ("normal(0, 1/3)", "normal", (0.0, 1.0 / 3.0)),
    ("normal(0, 2 * log(2))", "normal", (0.0, 2.0 * math.log(2.0))),
    ("normal(0, 2^-1)", "normal", (0.0, 0.5)),
    ("normal(-2^2, sqrt(4))", "normal", (-4.0, 2.0)),
    ("von_mises(pi, 1)", "von_mises", (math.pi, 1.0)),
    ("std_normal()", "normal", (0.0, 1.0)),
    ("(normal(0, 1))", "normal", (0.0, 1.0)),
    ("normal(0,\n   1)", "normal", (0.0, 1.0)),
    ("beta_proportion(0.2, phi = 8)", "beta_proportion", (0.2, 8.0)),
    ("pareto_type_2(mu = 0, lambda = 1, alpha = 2)", "pareto_type_2", (0.0, 1.0, 2.0)),
    ("lkj(2)", "lkj", (2.0,)),
    ("lkj(eta = 0.5)", "lkj", (0.5,)),
    ("constant(-1)", "constant", (-1.0,)),
    ("constant(0)", "constant", (0.0,)),
]


@pytest.mark.parametrize(("text", "name", "args"), GOOD)
def test_understood(text: str, name: str, args: tuple[float, ...]) -> None:
    density = parse_density(text)
    assert density.name == name
    assert density.args == pytest.approx(args, rel=1e-15)


# The text, the part that the carets stand under, and words that the message must have.
BAD = [
    ("normal", "normal", ["normal(mu, sigma)"]),
    ("normal()", "normal()", ["mu and sigma"]),
    ("normal(0)", "normal(0)", ["sigma", "normal(mu, sigma)"]),
    ("normal(0, 1, 2)", "2", ["3 arguments", "takes 2"]),
    ("lkj(1, 2)", "2", ["2 arguments", "takes 1"]),
    ("normal(0, -1)", "-1", ["sigma must be positive"]),
    ("normal(0, 0)", "0", ["sigma must be positive"]),
    ("normal(3, sd = -1)", "-1", ["sigma must be positive"]),
    ("normal(0, Inf)", "Inf", ["finite"]),
    ("normal(Inf, 1)", "Inf", ["mu must be a finite number"]),
    ("normal(2, 1/0)", "1/0", ["finite"]),
    ("normal(0, log(-1))", "log(-1)", ["sigma must be positive"]),
    ("normal(0, 1e999)", "1e999", ["finite"]),
    ("student_t(0, 1, 1)", "0", ["nu must be positive"]),
    ("beta_proportion(1.5, 2)", "1.5", ["mu must be between 0 and 1"]),
    ("skew_double_exponential(0, 2, 1)", "1", ["tau must be between 0 and 1"]),
    ("uniform(1, 0)", "uniform(1, 0)", ["alpha must be less than beta"]),
    ("uniform(0, 0)", "uniform(0, 0)", ["alpha must be less than beta"]),
    ("lkj(0)", "0", ["eta must be positive"]),
    ("norml(0, 1)", "norml", ["Did you mean normal(mu, sigma)"]),
    ("Normal(0, 1)", "Normal", ["Did you mean normal(mu, sigma)"]),
    ("gaussian(0, 1)", "gaussian", ["normal(mu, sigma)"]),
    ("half_normal(1)", "half_normal", ["normal(mu, sigma)", "lb=0"]),
    ("halfcauchy(1)", "halfcauchy", ["cauchy(mu, sigma)", "lb=0"]),
    ("half_student_t(3, 0, 1)", "half_student_t", ["student_t(nu, mu, sigma)", "lb=0"]),
    ("laplace(0, 1)", "laplace", ["Here it is called double_exponential(mu, sigma)"]),
    ("inverse_gamma(1, 1)", "inverse_gamma", ["Here it is called inv_gamma(alpha, beta)"]),
    ("lkj_corr_cholesky(2)", "lkj_corr_cholesky", ["Here it is called lkj(eta)"]),
    ("std_normal(1)", "1", ["1 argument, but std_normal takes 0"]),
    ("exponential(scale = 1)", "1", ["'scale', which it does not have"]),
    ("horseshoe(1)", "horseshoe", ["not support"]),
    ("xyzzy(1)", "xyzzy", ["The densities are normal, student_t"]),
    ("normal(0, sdd = 1)", "1", ["'sdd'", "Did you mean 'sd'?"]),
    ("normal(3, sd = 1, sd = 2)", "2", ["sigma twice"]),
    ("normal(mean = 0, mu = 1)", "1", ["mu twice"]),
    ("normal(0, x)", "x", ["needs a number"]),
    ("normal(0, 1 < 2)", "1 < 2", ["needs a number"]),
    ("constant(NaN)", "NaN", ["needs a number"]),
    ("normal(0, TRUE)", "TRUE", ["needs a number"]),
    ("normal(0, foo(2))", "foo(2)", ["needs a number", "sqrt"]),
    ("normal(0, '1')", "'1'", ["needs a number"]),
    ("constant()", "constant()", ["value"]),
    ("constant(Inf)", "Inf", ["finite"]),
    ("3", "3", ["constant(3)"]),
    ("-2.5", "-2.5", ["constant(-2.5)"]),
    ("'normal(0, 1)'", "'normal(0, 1)'", ["not a density"]),
    ("x + y", "x + y", ["not a density", "normal(0, 1)"]),
    ("normal(0, 1) + 2", "normal(0, 1) + 2", ["not a density"]),
    ("y ~ normal(0, 1)", "y ~ normal(0, 1)", ["not a density"]),
    ("normal(0, 1", "(", ["never closed"]),
    ("normal(0, 1))", ")", ["no matching"]),
    ("normal 0", "0", ["no operator"]),
    ("normal(0,,1)", ",", ["missing"]),
    ("normal(0, sd =)", "=", ["'sd' has no value"]),
    ("normal(0; 1)", ";", ["';'"]),
]


@pytest.mark.parametrize(("text", "marked", "words"), BAD)
def test_refused_with_a_caret_and_advice(text: str, marked: str, words: list[str]) -> None:
    with pytest.raises(PriorError) as caught:
        parse_density(text)
    message = str(caught.value)
    lines = message.splitlines()
    row = next(i for i, line in enumerate(lines) if line.strip() and not line.strip("^ "))
    assert lines[row - 1] == f"  {text}"
    start, end = lines[row].index("^"), lines[row].rindex("^") + 1
    assert lines[row - 1][start:end] == marked
    for word in words:
        assert word in message


def test_deep_nesting_is_a_prior_error() -> None:
    with pytest.raises(PriorError, match="nested too deeply"):
        parse_density("normal(" + "(" * 200 + "1" + ")" * 200 + ", 1)")


def test_carets_fit_the_text_as_it_is_shown() -> None:
    with pytest.raises(PriorError) as caught:
        parse_density("\n normal(0,\n   -1)")
    assert str(caught.value).splitlines()[1:] == ["  normal(0, -1)", "            ^^"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("100", 100.0),
        ("-Inf", -math.inf),
        ("2 * log(10)^2", 2.0 * math.log(10.0) ** 2),
        ("pi() / 2", math.pi / 2),
        ("pi", math.pi),
        ("log10(1000) - log2(8)", 0.0),
        ("abs(-2) + exp(0)", 3.0),
    ],
)
def test_numbers_may_be_arithmetic(text: str, expected: float) -> None:
    assert parse_number(text) == pytest.approx(expected, rel=1e-15)
