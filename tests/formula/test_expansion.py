"""R's algebra of formulas: `attr(terms(formula), "term.labels")` and `"intercept"`."""

from __future__ import annotations

import itertools

import pytest

from brmspy.formula import bf, parse, parse_rhs

# right-hand side -> intercept and labels of terms, as R's terms.formula gives them
EXPANDED: dict[str, tuple[int, list[str]]] = {
    "1": (1, []),
    "0": (0, []),
    "-1": (0, []),
    "-0": (1, []),
    "x": (1, ["x"]),
    "+x": (1, ["x"]),
    "x + z": (1, ["x", "z"]),
    "x + x": (1, ["x"]),
    "0 + x": (0, ["x"]),
    "x + 0": (0, ["x"]),
    "x - 1": (0, ["x"]),
    "-1 + f": (0, ["f"]),
    "1 + x": (1, ["x"]),
    "0 + x + 1": (1, ["x"]),
    "x - 1 + 1": (1, ["x"]),
    "x - 0": (1, ["x"]),
    "a:b": (1, ["a:b"]),
    "b:a": (1, ["b:a"]),
    "a + b:a": (1, ["a", "a:b"]),
    "a:b + a": (1, ["a", "a:b"]),
    "a:a": (1, ["a"]),
    "a:b:a": (1, ["a:b"]),
    "a:b + b:a": (1, ["a:b"]),
    "a*b": (1, ["a", "b", "a:b"]),
    "a*a": (1, ["a"]),
    "a*b*c": (1, ["a", "b", "c", "a:b", "a:c", "b:c", "a:b:c"]),
    "a*b + c": (1, ["a", "b", "c", "a:b"]),
    "a:b + c": (1, ["c", "a:b"]),
    "a*(b + c)": (1, ["a", "b", "c", "a:b", "a:c"]),
    "(a + b)*(c + d)": (1, ["a", "b", "c", "d", "a:c", "a:d", "b:c", "b:d"]),
    "(a + b):c": (1, ["a:c", "b:c"]),
    "a*b - a": (1, ["b", "a:b"]),
    "a*b - a:b": (1, ["a", "b"]),
    "a*b*c - a:b:c": (1, ["a", "b", "c", "a:b", "a:c", "b:c"]),
    "a*b*c - a": (1, ["b", "c", "a:b", "a:c", "b:c", "a:b:c"]),
    "a + b - (a + b)": (1, []),
    "a - (1 + b)": (0, ["a"]),
    "-a + b": (1, ["b"]),
    "-a": (1, []),
    "-a + a": (1, ["a"]),
    "(a + b)^2": (1, ["a", "b", "a:b"]),
    "(a + b)**2": (1, ["a", "b", "a:b"]),
    "(a + b)^(2)": (1, ["a", "b", "a:b"]),
    "(a + b)^1": (1, ["a", "b"]),
    "(a + b)^9": (1, ["a", "b", "a:b"]),
    "(a + b + c)^2": (1, ["a", "b", "c", "a:b", "a:c", "b:c"]),
    "(a + b + c)^3": (1, ["a", "b", "c", "a:b", "a:c", "b:c", "a:b:c"]),
    "(a + b + c)^2 - a:b": (1, ["a", "b", "c", "a:c", "b:c"]),
    "(a + b + c + d)^2": (
        1,
        ["a", "b", "c", "d", "a:b", "a:c", "a:d", "b:c", "b:d", "c:d"],
    ),
    "(a*b)^2": (1, ["a", "b", "a:b"]),
    "0 + (a + b)^2": (0, ["a", "b", "a:b"]),
    "a/b": (1, ["a", "a:b"]),
    "a/b/c": (1, ["a", "a:b", "a:b:c"]),
    "a/(b + c)": (1, ["a", "a:b", "a:c"]),
    "a/(b*c)": (1, ["a", "a:b", "a:c", "a:b:c"]),
    "(a + b)/c": (1, ["a", "b", "a:b:c"]),
    "a + b %in% a": (1, ["a", "a:b"]),
    "(a + b) %in% c": (1, ["a:c", "b:c"]),
    "a %in% (b + c)": (1, ["a:b:c"]),
    "0 + a/x": (0, ["a", "a:x"]),
    "I(x^2)": (1, ["I(x^2)"]),
    "x + I(x*2+z)": (1, ["x", "I(x * 2 + z)"]),
    "log(x) + sqrt(z)": (1, ["log(x)", "sqrt(z)"]),
    "poly(x,2):f": (1, ["poly(x, 2):f"]),
    "log(x)*f": (1, ["log(x)", "f", "log(x):f"]),
    "log( x ) + log(x)": (1, ["log(x)"]),
    "I((x+z)*2) + I(x+z*2)": (1, ["I((x + z) * 2)", "I(x + z * 2)"]),
    "x > 3": (1, ["x > 3"]),
    "x == 2 + z": (1, ["x == 2 + z"]),
    "x%%2": (1, ["x%%2"]),
    "!x": (1, ["!x"]),
    "`my x` + `x`": (1, ["`my x`", "x"]),
    "`my x`:f": (1, ["`my x`:f"]),
    "((a)) + (b)": (1, ["a", "b"]),
    "0 + Intercept + x": (0, ["Intercept", "x"]),
    "0 + x + Intercept": (0, ["Intercept", "x"]),
    "a +\n  b": (1, ["a", "b"]),
    "x + offset(log(t)) + z:x": (1, ["x", "x:z"]),
}


@pytest.mark.parametrize("rhs", EXPANDED)
def test_expansion(rhs: str) -> None:
    intercept, labels = EXPANDED[rhs]
    part = parse_rhs(f"~ {rhs}")
    assert [term.label for term in part.terms] == labels
    assert part.intercept == bool(intercept)


@pytest.mark.parametrize("rhs", EXPANDED)
def test_printed_terms_are_read_as_the_same(rhs: str) -> None:
    part = parse_rhs(f"~ {rhs}")
    again = parse_rhs(f"~ {part}")
    # The order of variables inside an interaction follows the text.
    assert [set(term.factors) for term in again.terms] == [set(term.factors) for term in part.terms]
    assert (again.intercept, again.offsets) == (part.intercept, part.offsets)


def test_order_is_the_number_of_factors() -> None:
    orders = [term.order for term in parse_rhs("~ a:b:c + a:b + c").terms]
    assert orders == [1, 2, 3]


def test_power_holds_every_interaction_once() -> None:
    names = list("abcdef")
    labels = [term.label for term in parse_rhs(f"~ ({' + '.join(names)})^3").terms]
    expected = [
        ":".join(chosen) for order in (1, 2, 3) for chosen in itertools.combinations(names, order)
    ]
    assert labels == expected


def test_offsets() -> None:
    part = parse_rhs("~ x + offset(log(t)) + (offset(w) + z)")
    assert str(part) == "1 + x + z + offset(log(t)) + offset(w)"
    assert part.variables == ("x", "z", "t", "w")


DOT = {
    "y ~ .": (["x", "z", "g", "n"], []),
    "y ~ . - x": (["z", "g", "n"], []),
    "y ~ x + .": (["x", "z", "g", "n"], []),
    "y ~ 0 + .": (["x", "z", "g", "n"], []),
    "log(y) ~ .": (["x", "z", "g", "n"], []),
    "y | trials(n) ~ .": (["x", "z", "g"], []),
    "y ~ . + (1 | g)": (["x", "z", "n"], ["g"]),
    "y ~ . + (1 | g/n)": (["x", "z"], ["g", "g:n"]),
    "y ~ . + offset(n)": (["x", "z", "g", "n"], []),
    "y | weights(n) ~ .:x + (x || g)": (["x", "x:z"], ["g"]),
}


@pytest.mark.parametrize("formula", DOT)
def test_dot_is_every_other_column(formula: str) -> None:
    labels, groups = DOT[formula]
    predictor = parse(formula, columns=["y", "x", "z", "g", "n"]).predictor("mu")
    assert [term.label for term in predictor.fixed.terms] == labels
    assert [term.group for term in predictor.groups] == groups


def test_dot_in_another_formula_leaves_out_the_response() -> None:
    terms = parse(bf("y ~ 1", "sigma ~ ."), columns=["y", "x", "z"])
    assert [term.label for term in terms.predictor("sigma").fixed.terms] == ["x", "z"]
