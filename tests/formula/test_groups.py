"""Group-level terms."""

from __future__ import annotations

import pytest

from brmspy.formula import bf, parse, parse_groups

# term -> for each grouping factor: what varies, factors, correlated, ID
TERMS: dict[str, list[tuple[str, tuple[str, ...], bool, str | None]]] = {
    "(1 | g)": [("1", ("g",), True, None)],
    "(x | g)": [("1 + x", ("g",), True, None)],
    "(1 + x | g)": [("1 + x", ("g",), True, None)],
    "(0 + x | g)": [("0 + x", ("g",), True, None)],
    "(x - 1 | g)": [("0 + x", ("g",), True, None)],
    "(x || g)": [("1 + x", ("g",), False, None)],
    "(0 + f || g)": [("0 + f", ("g",), False, None)],
    "(x * z | g)": [("1 + x + z + x:z", ("g",), True, None)],
    "(poly(x, 2) | g)": [("1 + poly(x, 2)", ("g",), True, None)],
    "(0 + Intercept + x | g)": [("1 + x", ("g",), True, None)],
    "(1 | g:h)": [("1", ("g", "h"), True, None)],
    "(1 | h:g)": [("1", ("h", "g"), True, None)],
    "(1 | g/h)": [("1", ("g",), True, None), ("1", ("g", "h"), True, None)],
    "(x || g/h)": [("1 + x", ("g",), False, None), ("1 + x", ("g", "h"), False, None)],
    "(1 | g/h/k)": [
        ("1", ("g",), True, None),
        ("1", ("g", "h"), True, None),
        ("1", ("g", "h", "k"), True, None),
    ],
    "(1 | g/(h + k))": [
        ("1", ("g",), True, None),
        ("1", ("g", "h"), True, None),
        ("1", ("g", "k"), True, None),
    ],
    "(1 | g + h)": [("1", ("g",), True, None), ("1", ("h",), True, None)],
    "(1 | (g))": [("1", ("g",), True, None)],
    "(x | p | g)": [("1 + x", ("g",), True, "p")],
    "(1 | 2 | g)": [("1", ("g",), True, "2")],
    "(1 | p | g:h)": [("1", ("g", "h"), True, "p")],
    "(1 | gr(g))": [("1", ("g",), True, None)],
    "(x | gr(g, cor = FALSE))": [("1 + x", ("g",), False, None)],
    "(x | gr(g, cor = True))": [("1 + x", ("g",), True, None)],
    "(x || gr(g))": [("1 + x", ("g",), False, None)],
    "(x | gr(g, id = 'p'))": [("1 + x", ("g",), True, "p")],
    "(x | gr(g, id = p))": [("1 + x", ("g",), True, "p")],
    "(x | gr(g:h, by = NULL, dist = 'gaussian'))": [("1 + x", ("g", "h"), True, None)],
    "(1 | `my g`)": [("1", ("my g",), True, None)],
    "(1 | g) + (0 + x | g)": [("1", ("g",), True, None), ("0 + x", ("g",), True, None)],
    "(x | g) + (1 | h)": [("1 + x", ("g",), True, None), ("1", ("h",), True, None)],
}


@pytest.mark.parametrize("text", TERMS)
def test_terms(text: str) -> None:
    found = [
        (str(term.effects), term.factors, term.correlated, term.id)
        for term in parse_groups(f"~ {text}")
    ]
    assert found == TERMS[text]


def test_terms_know_where_they_stand() -> None:
    source = "y ~ x + (1 | g) + z + (0 + x || h)"
    terms = parse(source).predictor("mu").groups
    assert [source[slice(*term.span)] for term in terms] == ["(1 | g)", "(0 + x || h)"]
    assert {term.source for term in terms} == {source}


def test_population_level_intercept_is_there_beside_group_level_terms() -> None:
    predictor = parse("y ~ (1 | g)").predictor("mu")
    assert str(predictor) == "mu ~ 1 + (1 | g)"


def test_no_population_level_terms_at_all() -> None:
    predictor = parse("y ~ 0 + (1 | g)").predictor("mu")
    assert str(predictor) == "mu ~ 0 + (1 | g)"


def test_ids_are_shared_by_parameters() -> None:
    terms = parse(bf("y ~ x + (1 | p | g)", "sigma ~ (1 + x | p | g)"))
    assert {group.id for predictor in terms.predictors for group in predictor.groups} == {"p"}


def test_same_effect_may_vary_in_two_parameters() -> None:
    terms = parse(bf("y ~ (x | g)", "sigma ~ (x | g)"))
    assert [len(predictor.groups) for predictor in terms.predictors] == [1, 1]


def test_label_and_columns() -> None:
    (term,) = parse_groups("~ (log(x) * z | g:h)")
    assert term.group == "g:h"
    assert term.variables == ("x", "z", "g", "h")
    assert str(term) == "(1 + log(x) + z + log(x):z | g:h)"
    (term,) = parse_groups("~ (1 | p | g)")
    assert str(term) == "(1 | p | g)"
