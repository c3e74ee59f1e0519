"""Precedence, and expressions written back as R writes them."""

from __future__ import annotations

import pytest

from brmspy.formula.expression import (
    Binary,
    Constant,
    Expr,
    Name,
    Number,
    Paren,
    Unary,
    deparse,
    name_nodes,
    names_in,
)
from brmspy.formula.grammar import parse_expression, parse_sides


def shape(expr: Expr) -> str:
    """Write an expression with parentheses around every operation."""
    match expr:
        case Binary(op=op, left=left, right=right):
            return f"[{shape(left)} {op} {shape(right)}]"
        case Unary(op=op, operand=operand):
            return f"[{op}{shape(operand)}]"
        case Paren(inner=inner):
            return shape(inner)
        case _:
            return deparse(expr)


# As R's parser reads them: see ?Syntax.
PRECEDENCE = {
    "a + b * c": "[a + [b * c]]",
    "a - b - c": "[[a - b] - c]",
    "a^b^c": "[a ^ [b ^ c]]",
    "-a^2": "[-[a ^ 2]]",
    "a^-b": "[a ^ [-b]]",
    "2^-1:3": "[[2 ^ [-1]] : 3]",
    "-a:b": "[[-a] : b]",
    "-a * b": "[[-a] * b]",
    "a:b^2": "[a : [b ^ 2]]",
    "a * b:c": "[a * [b : c]]",
    "a %in% b:c": "[a %in% [b : c]]",
    "a / b %in% c": "[a / [b %in% c]]",
    "a + b | c": "[[a + b] | c]",
    "a | b | c": "[[a | b] | c]",
    "a || b / c": "[a || [b / c]]",
    "!a == b": "[![a == b]]",
    "a == b + c": "[a == [b + c]]",
    "a & b | c & d": "[[a & b] | [c & d]]",
    "y ~ a | b": "[y ~ [a | b]]",
    "y | f(n) ~ x": "[[y | f(n)] ~ x]",
    "~ a + b": "[~[a + b]]",
    "--a": "[-[-a]]",
    "(a + b) * c": "[[a + b] * c]",
}


@pytest.mark.parametrize("text", PRECEDENCE)
def test_precedence(text: str) -> None:
    assert shape(parse_expression(text)) == PRECEDENCE[text]


# As deparse(quote(...)) of R 4 writes them.
DEPARSED = {
    "x": "x",
    "I( x^2 )": "I(x^2)",
    "I(x**2)": "I(x^2)",
    "I(x*2+z)": "I(x * 2 + z)",
    "I((x+z)*2)": "I((x + z) * 2)",
    "I((x*2)+z)": "I((x * 2) + z)",
    "I(x/10-1)": "I(x/10 - 1)",
    "poly(x,degree=2)": "poly(x, degree = 2)",
    "poly( x , 2L )": "poly(x, 2L)",
    "log(x+1e-3)": "log(x + 0.001)",
    "I(x*1e5)": "I(x * 1e+05)",
    "I(x*123456)": "I(x * 123456)",
    "I(x*0.0001)": "I(x * 1e-04)",
    "I(x*.1)": "I(x * 0.1)",
    "I(x*0.30000000000000004)": "I(x * 0.3)",
    "factor(cnt>4)": "factor(cnt > 4)",
    "I(a==b&!c)": "I(a == b & !c)",
    "I(-x)": "I(-x)",
    "I(x%%2)": "I(x%%2)",
    "I(x%/%2)": "I(x%/%2)",
    "f(a%in%b)": "f(a %in% b)",
    "a:b": "a:b",
    "factor(x,levels=c('a',\"b\"))": 'factor(x, levels = c("a", "b"))',
    r"f('a\"b')": r'f("a\"b")',
    "`my x`": "`my x`",
    "`x`": "x",
    "log(`1a`)": "log(`1a`)",
    "`TRUE`": "`TRUE`",
    "f(x, scale = True)": "f(x, scale = TRUE)",
    "f(NULL, NA, pi)": "f(NULL, NA, pi)",
    "f()": "f()",
    "größe": "größe",
}


@pytest.mark.parametrize("text", DEPARSED)
def test_deparse(text: str) -> None:
    assert deparse(parse_expression(text)) == DEPARSED[text]


@pytest.mark.parametrize("text", DEPARSED)
def test_deparsed_text_is_read_as_the_same(text: str) -> None:
    expr = parse_expression(text)
    if "0.30000000000000004" not in text:
        assert parse_expression(deparse(expr)) == expr


def test_equality_ignores_places() -> None:
    assert parse_expression("log( x )") == parse_expression("  log(x)")
    assert parse_expression("log(x)") != parse_expression("log(z)")
    assert parse_expression("1e3") == parse_expression("1000")


def test_constants_are_not_variables() -> None:
    assert parse_expression("pi") == Constant("pi")
    assert parse_expression("`pi`") == Name("pi")
    expr = parse_expression("poly(x, degree = d) + I(pi * z) + log(x) + f(TRUE, 'w')")
    assert names_in(expr) == ("x", "d", "z")


def test_spans() -> None:
    source = "y ~ log( xx ) + b"
    right = parse_sides(source).right
    assert source[slice(*right.span)] == "log( xx ) + b"
    assert [source[slice(*node.span)] for node in name_nodes(right)] == ["xx", "b"]


def test_numbers() -> None:
    values = {"1L": 1.0, "0x1F": 31.0, "1e-3": 0.001, ".5": 0.5, "2.": 2.0}
    for text, value in values.items():
        assert parse_expression(text) == Number(value, text)


def test_long_sums_are_no_problem() -> None:
    names = [f"x{number}" for number in range(3000)]
    assert names_in(parse_expression(" + ".join(names))) == tuple(names)
