"""Non-linear formulas in LaTeX: parentheses where they are needed, and only there."""

from __future__ import annotations

import re

import pytest
from matplotlib.mathtext import MathTextParser

from brmspy.formula import bf, parse
from brmspy.formula.functions import FUNCTIONS
from brmspy.words.expressions import in_latex


def written(body: str) -> str:
    used = " + ".join(name for name in "abk" if re.search(rf"\b{name}\b", body))
    formula = bf(f"y ~ {body}", f"{used} ~ 1", nl=True)
    return in_latex(parse(formula).predictor("mu").body, {"a", "b", "k"})


A, B, K = r"\text{a}", r"\text{b}", r"\text{k}"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a - (b - k)", rf"{A} - \left({B} - {K}\right)"),
        ("a - b - k", rf"{A} - {B} - {K}"),
        ("a * (b + k)", rf"{A} \, \left({B} + {K}\right)"),
        ("a * b * k", rf"{A} \, {B} \, {K}"),
        ("a * (b * k)", rf"{A} \, \left({B} \, {K}\right)"),
        ("a * -b", rf"{A} \, \left(-{B}\right)"),
        ("-a * b + k", rf"-{A} \, {B} + {K}"),
        ("-(a + b) * k", rf"-\left({A} + {B}\right) \, {K}"),
        ("a / (b + k)", rf"\frac{{{A}}}{{{B} + {K}}}"),
        ("(a + b)^2", rf"\left({A} + {B}\right)^{{2}}"),
        ("a^b^k", rf"{A}^{{{B}^{{{K}}}}}"),
        ("(a^b)^k", rf"\left({A}^{{{B}}}\right)^{{{K}}}"),
        ("(-a)^2", rf"\left(-{A}\right)^{{2}}"),
        ("-a^2", rf"-{A}^{{2}}"),
        ("sqrt(a) + abs(b)", rf"\sqrt{{{A}}} + \left|{B}\right|"),
        ("exp(-a * x)", rf"\exp\left(-{A} \, \text{{x}}_i\right)"),
        ("1e6 * a", rf"1 \times 10^{{6}} \, {A}"),
        ("a * 0.5", rf"{A} \, 0.5"),
        (
            "ifelse(x > a & b < 1, a, b)",
            rf"\operatorname{{if}}\left(\text{{x}}_i > {A} \wedge {B} < 1,\, {A},\, {B}\right)",
        ),
        ("inv_cloglog(a)", rf"\operatorname{{inv\_cloglog}}\left({A}\right)"),
        ("plogis(a)", None),
        ("SSlogis(x, a, b, k)", None),
    ],
)
def test_expressions(body: str, expected: str | None) -> None:
    found = written(body)
    if expected is not None:
        assert found == expected
    MathTextParser("path").parse(f"${found}$")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function(name: str) -> None:
    args = ", ".join(["a", "b", "k"][: len(FUNCTIONS[name].arguments)])
    MathTextParser("path").parse(f"${written(f'{name}({args})')}$")


def test_greek_parameters() -> None:
    formula = bf("y ~ alpha * x^beta", "alpha ~ 1", "beta ~ x", nl=True)
    body = parse(formula).predictor("mu").body
    assert in_latex(body, {"alpha"}) == r"\alpha \, \text{x}_i^{\beta_i}"
