"""Tokens and where they stand."""

from __future__ import annotations

import pytest

from brmspy.errors import FormulaError
from brmspy.formula.lexer import tokenize

# text -> kinds and texts of its tokens
TOKENS = {
    "": [],
    "y ~ x": [("name", "y"), ("operator", "~"), ("name", "x")],
    "y~x": [("name", "y"), ("operator", "~"), ("name", "x")],
    "x.1_a": [("name", "x.1_a")],
    ".x": [("name", ".x")],
    "_x": [("name", "_x")],
    "größe": [("name", "größe")],
    ".": [("name", ".")],
    "`my x`": [("quoted", "my x")],
    r"`a\`b`": [("quoted", "a`b")],
    "1": [("number", "1")],
    "1L": [("number", "1L")],
    "1.": [("number", "1.")],
    ".5": [("number", ".5")],
    "1e-3": [("number", "1e-3")],
    "2.5E+10": [("number", "2.5E+10")],
    "0x1F": [("number", "0x1F")],
    "1e-3*x": [("number", "1e-3"), ("operator", "*"), ("name", "x")],
    "'a'": [("text", "a")],
    r'"a\"b\n"': [("text", 'a"b\n')],
    "a**2": [("name", "a"), ("operator", "^"), ("number", "2")],
    "a %in% b": [("name", "a"), ("operator", "%in%"), ("name", "b")],
    "a%%b%/%c": [
        ("name", "a"),
        ("operator", "%%"),
        ("name", "b"),
        ("operator", "%/%"),
        ("name", "c"),
    ],
    "a||b|c": [
        ("name", "a"),
        ("operator", "||"),
        ("name", "b"),
        ("operator", "|"),
        ("name", "c"),
    ],
    "a<=b!=!c": [
        ("name", "a"),
        ("operator", "<="),
        ("name", "b"),
        ("operator", "!="),
        ("operator", "!"),
        ("name", "c"),
    ],
    "f(x,n=2)": [
        ("name", "f"),
        ("(", "("),
        ("name", "x"),
        (",", ","),
        ("name", "n"),
        ("=", "="),
        ("number", "2"),
        (")", ")"),
    ],
    "a\n +\tb": [("name", "a"), ("operator", "+"), ("name", "b")],
}


@pytest.mark.parametrize("text", TOKENS)
def test_tokens(text: str) -> None:
    tokens = tokenize(text)
    assert [(token.kind, token.text) for token in tokens[:-1]] == TOKENS[text]
    assert tokens[-1].kind == "end"
    assert tokens[-1].span == (len(text), len(text))


def test_spans_cover_the_text_that_was_read() -> None:
    source = "y | trials( `n x` ) ~ 1e-3 ** x"
    assert [source[slice(*token.span)] for token in tokenize(source)[:-1]] == [
        "y",
        "|",
        "trials",
        "(",
        "`n x`",
        ")",
        "~",
        "1e-3",
        "**",
        "x",
    ]


# text -> the offending part, and a piece of the advice
REFUSED = {
    "d$x": ("$", "on their own"),
    "x[1]": ("[", "cannot index"),
    "y ~ {x}": ("{", "I(...)"),
    "x @ y": ("@", "backticks"),
    "y ~ x # effect": ("#", "backticks"),
    "a <- b": ("<-", "assignment"),
    "stats::poly(x)": ("::", "without their package"),
    "x |> f": ("|>", "no pipe"),
    "x // 2": ("//", "%/%"),
    "x %o% y": ("%o%", "%in%"),
    "x % y": ("%", "%in%"),
    "y := x": (":=", "'~'"),
    "y ~ a − b": ("−", "'-'"),
    "y ~ a × b": ("×", "'*'"),
    "y ∼ x": ("∼", "'~'"),
    "f(“a”)": ("“", "straight quotes"),
    "2x": ("2x", "backticks"),
    "1.2.3": ("1.2.3", "backticks"),
    "y ~ `x": ("`", None),
    "f('a": ("'", None),
    "``": ("``", None),
    "y ~ x ☃": ("☃", "backticks"),
}


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text: str) -> None:
    offending, advice = REFUSED[text]
    with pytest.raises(FormulaError) as caught:
        tokenize(text)
    error = caught.value
    assert error.span is not None
    assert text[slice(*error.span)] == offending
    assert (error.hint is None) if advice is None else (advice in (error.hint or ""))
