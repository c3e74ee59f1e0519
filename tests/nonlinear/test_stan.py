"""Non-linear formulas as Stan text."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import httpstan
import pytest

import brmspy
from brmspy.engine import stanc
from brmspy.formula import CURVES, bf, curve_body, parse
from brmspy.formula.expression import names_in
from brmspy.formula.functions import DERIVED, FUNCTIONS
from brmspy.formula.grammar import parse_expression
from brmspy.formula.nonlinear import Apply, NonlinearExpr, Parameter
from brmspy.formula.terms import NonlinearPredictor
from brmspy.nonlinear import StanText, is_scalar, repeated, to_stan

NAMES = {"x": "X", "z": "Z", "a": "a", "b": "b", "v": "v", "w": "w"}
SCALARS = frozenset("ab")


def body(text: str) -> NonlinearExpr:
    """Return the typed right-hand side: a, b are real parameters, v, w vectors, x, z columns."""
    names = [name for name in names_in(parse_expression(text)) if name in {*"abvw"}]
    predictor = parse(bf(f"y ~ {text}", f"{' + '.join(names)} ~ 1", nl=True)).predictor("mu")
    assert isinstance(predictor, NonlinearPredictor)
    return predictor.body


def written(text: str) -> StanText:
    return to_stan(body(text), NAMES, SCALARS)


EXPRESSIONS = {
    # numbers are reals, whole exponents whole
    "a + 1": "a + 1.0",
    "a * 1 / 3": "a * 1.0 / 3.0",
    "a / 2L": "a / 2.0",
    "a * 1e-3": "a * 0.001",
    "a * 1e-5": "a * 1e-05",
    "a * 1e20": "a * 1e+20",
    "a * Inf": "a * positive_infinity()",
    "a^3": "a ^ 3",
    "v^3": "v .^ 3",
    "v^-3": "v .^ (-3)",
    "v^2.5": "v .^ 2.5",
    "v^1": "v",
    "v^2": "square(v)",
    "a^2": "square(a)",
    "v^0.5": "sqrt(v)",
    "v^-1": "inv(v)",
    "v^-2": "inv_square(v)",
    "v^-0.5": "inv_sqrt(v)",
    "2^a": "2.0 ^ a",
    "2^v": "2.0 .^ v",
    "x^a": "X .^ a",
    "a^x": "a .^ X",
    "a^b": "a ^ b",
    "v^w^x": "v .^ (w .^ X)",
    "(v^w)^x": "(v .^ w) .^ X",
    "(-a)^3": "(-a) ^ 3",
    # products of vectors, of numbers, of both
    "a * b": "a * b",
    "a * v": "a * v",
    "v * a": "v * a",
    "v * w": "v .* w",
    "a / b": "a / b",
    "v / a": "v / a",
    "a / v": "a ./ v",
    "v / w": "v ./ w",
    "a * b * v * w": "a * b * v .* w",
    "a * (b * v)": "a * (b * v)",
    "v * w / x * a": "v .* w ./ X * a",
    # parentheses only where they matter
    "(a + b) + v": "a + b + v",
    "a + (b + v)": "a + (b + v)",
    "a - (b - v)": "a - (b - v)",
    "(a - b) * v": "(a - b) * v",
    "(a * b) + v": "a * b + v",
    "-a * v": "-a * v",
    "-(a * v)": "-(a * v)",
    "-v^2": "-square(v)",
    "-v^3": "-v .^ 3",
    "(-v)^3": "(-v) .^ 3",
    "--a": "-(-a)",
    "a - -b": "a - -b",
    "exp((a))": "exp(a)",
    # functions under Stan's names
    "plogis(v)": "inv_logit(v)",
    "pnorm(v)": "Phi(v)",
    "gamma(v)": "tgamma(v)",
    "ceiling(v)": "ceil(v)",
    "pmin(v, a)": "fmin(v, a)",
    "pmax(v, w, 0)": "fmax(fmax(v, w), 0.0)",
    "log(v, 2)": "log(v) / log(2.0)",
    "SSasymp(x, v, a, b)": "v + (a - v) .* exp(-exp(b) * X)",
    "SSlogis(x, v, a, b)": "v .* inv_logit((X - a) / b)",
    "SSmicmen(x, v, a)": "v .* X ./ (a + X)",
    "SSgompertz(x, v, a, b)": "v .* exp(-a * b .^ X)",
    # conditions on single numbers
    "ifelse(a > b, a, b) * v": "(a > b ? a : b) * v",
    "(a > b) * v": "(a > b ? 1.0 : 0.0) * v",
    "ifelse(!(a > b) & b < 1, 1, 0)": "!(a > b) && b < 1.0 ? 1.0 : 0.0",
}


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_expressions(text: str) -> None:
    result = written(text)
    assert result.statements == ()
    assert result.expression == EXPRESSIONS[text]


# formula -> statements and expression
WITH_STATEMENTS: dict[str, tuple[list[str], str]] = {
    "exp(a * x) / (1 + exp(a * x))": (
        ["vector[N] e_1 = exp(a * X);"],
        "e_1 ./ (1.0 + e_1)",
    ),
    "exp(a) * x + exp(a)": (["real e_1 = exp(a);"], "e_1 * X + e_1"),
    "exp(exp(v)) * exp(exp(v)) + exp(v)": (
        ["vector[N] e_1 = exp(v);", "vector[N] e_2 = exp(e_1);"],
        "e_2 .* e_2 + e_1",
    ),
    "-v + -v * a": ([], "-v + -v * a"),
    "sqrt(2) * a + sqrt(2)": ([], "sqrt(2.0) * a + sqrt(2.0)"),
    "SSfol(z, x, a, b, v)": (
        ["real e_1 = exp(a);", "real e_2 = e_1 - exp(b);"],
        "Z .* exp(a + b - v) .* exp(-e_1 * X) .* expm1(e_2 * X) / e_2",
    ),
    "ifelse(x > a, v, 0)": (
        ["vector[N] e_1;", "for (n in 1:N) e_1[n] = X[n] > a ? v[n] : 0.0;"],
        "e_1",
    ),
    "a * ifelse(x > 1 & !(z == 2 | x <= b), sqrt(x - 1) * v, w^2)": (
        [
            "vector[N] e_1;",
            "for (n in 1:N) e_1[n] = "
            "X[n] > 1.0 && !(Z[n] == 2.0 || X[n] <= b) ? sqrt(X[n] - 1.0) * v[n] : square(w[n]);",
        ],
        "a * e_1",
    ),
    "(x >= a) * v": (
        ["vector[N] e_1;", "for (n in 1:N) e_1[n] = X[n] >= a ? 1.0 : 0.0;"],
        "e_1 .* v",
    ),
    "ifelse(x, a, b)": (
        ["vector[N] e_1;", "for (n in 1:N) e_1[n] = X[n] != 0.0 ? a : b;"],
        "e_1",
    ),
    "ifelse(x > 1, a, ifelse(x > 0, b, 0))": (
        ["vector[N] e_1;", "for (n in 1:N) e_1[n] = X[n] > 1.0 ? a : X[n] > 0.0 ? b : 0.0;"],
        "e_1",
    ),
    "ifelse(x > 1, ifelse(z > 0, a, b), 0)": (
        ["vector[N] e_1;", "for (n in 1:N) e_1[n] = X[n] > 1.0 ? (Z[n] > 0.0 ? a : b) : 0.0;"],
        "e_1",
    ),
    "ifelse(x > a, v, 0) + log(ifelse(x > a, v, 0))": (
        ["vector[N] e_1;", "for (n in 1:N) e_1[n] = X[n] > a ? v[n] : 0.0;"],
        "e_1 + log(e_1)",
    ),
    # What a branch computes is not computed where the branch is not taken ...
    "ifelse(x > a, log(x - a), -log(x - a))": (
        [
            "vector[N] e_1;",
            "for (n in 1:N) e_1[n] = X[n] > a ? log(X[n] - a) : -log(X[n] - a);",
        ],
        "e_1",
    ),
    # ... and read from the local variable if it is computed for all rows anyway.
    "exp(v) + 2 * exp(v) + ifelse(x > 0, exp(v), 0)": (
        [
            "vector[N] e_1 = exp(v);",
            "vector[N] e_2;",
            "for (n in 1:N) e_2[n] = X[n] > 0.0 ? e_1[n] : 0.0;",
        ],
        "e_1 + 2.0 * e_1 + e_2",
    ),
}


@pytest.mark.parametrize("text", WITH_STATEMENTS)
def test_statements(text: str) -> None:
    statements, expression = WITH_STATEMENTS[text]
    result = written(text)
    assert list(result.statements) == statements
    assert result.expression == expression


def test_names_of_local_variables_and_rows() -> None:
    result = to_stan(body("ifelse(x > a, 1, 0)"), NAMES, SCALARS, local="mu_", rows="N_mu")
    assert result.statements == (
        "vector[N_mu] mu_1;",
        "for (n in 1:N_mu) mu_1[n] = X[n] > a ? 1.0 : 0.0;",
    )
    assert result.expression == "mu_1"


SCALAR = {"a": True, "exp(a) + b": True, "a * x": False, "v": False, "ifelse(a > 1, b, 0)": True}


@pytest.mark.parametrize("text", SCALAR)
def test_is_scalar(text: str) -> None:
    assert is_scalar(body(text), SCALARS) is SCALAR[text]
    assert written(text).is_scalar is SCALAR[text]


def program(pieces: list[StanText]) -> str:
    """Write a Stan program that computes every piece."""
    blocks = []
    for piece in pieces:
        kind, total = ("real", "t") if piece.is_scalar else ("vector[N]", "sum(t)")
        lines = [*piece.statements, f"{kind} t = {piece.expression};", f"target += {total};"]
        blocks.append("  {\n    " + "\n    ".join(lines) + "\n  }\n")
    return (
        "data {\n  int<lower=1> N;\n  vector[N] X;\n  vector[N] Z;\n}\n"
        "parameters {\n  real a;\n  real b;\n  vector[N] v;\n  vector[N] w;\n}\n"
        "model {\n" + "".join(blocks) + "}\n"
    )


def check(code: str) -> tuple[str, ...]:
    return stanc.check(Path(httpstan.__file__).parent / "stanc", code)


@pytest.mark.stanc
def test_stan_accepts_the_expressions() -> None:
    pieces = [written(text) for text in (*EXPRESSIONS, *WITH_STATEMENTS, *SCALAR)]
    assert check(program(pieces)) == ()


@pytest.mark.stanc
def test_stan_takes_reals_and_vectors_in_every_function() -> None:
    pieces = []
    for function in FUNCTIONS.values():
        for kinds in itertools.product("av", repeat=len(function.arguments)):
            expr = Apply(function.name, tuple(Parameter(kind) for kind in kinds))
            pieces.append(to_stan(expr, NAMES, SCALARS))
    assert check(program(pieces)) == ()


@pytest.mark.stanc
@pytest.mark.parametrize("kinds", ["abab", "vwvw", "avbw", "xvaw"])
def test_stan_accepts_every_definition_and_curve(kinds: str) -> None:
    pieces = []
    for definition in (*DERIVED.values(), *CURVES.values()):
        names = itertools.islice(itertools.cycle(kinds), len(definition.arguments))
        pieces.append(written(f"a + {definition.name}({', '.join(names)})"))
    assert check(program(pieces)) == ()


@pytest.mark.parametrize("by_row", [True, False], ids=["parameters by row", "one of each"])
@pytest.mark.parametrize("name", CURVES)
def test_curves_are_vectorised_and_compute_nothing_twice(name: str, by_row: bool) -> None:
    curve = CURVES[name]
    scalars = frozenset() if by_row else frozenset(curve.parameters)
    text = to_stan(curve_body(curve), {n: n for n in curve.arguments}, scalars)
    whole = " ; ".join([*text.statements, text.expression])
    assert "for (" not in whole
    calls = re.findall(r"\w+\([^()]*\)", whole)
    assert len(set(calls)) == len(calls)
    powers = re.findall(r"\S+ \.\^ \S+", whole)
    assert len(set(powers)) == len(powers)
    # A function that is not compiled ahead makes its model wait for all of Stan's headers.
    header = (Path(brmspy.__file__).parent / "engine" / "lean" / "signatures.hpp").read_text()
    assert all(re.search(rf"\({call.split('(')[0]}\)", header) for call in calls)


def test_what_formulas_have_in_common_is_computed_once() -> None:
    first, second = body("v * exp(a * x) + b"), body("sqrt(1 + exp(a * x))")
    shared, known = repeated(first, second), {}
    texts = [
        to_stan(each, NAMES, SCALARS, local=local, shared=shared, known=known)
        for each, local in ((first, "e_"), (second, "e_sigma_"))
    ]
    assert texts[0].statements == ("vector[N] e_1 = exp(a * X);",)
    assert texts[0].expression == "v .* e_1 + b"
    assert texts[1].statements == ()
    assert texts[1].expression == "sqrt(1.0 + e_1)"
