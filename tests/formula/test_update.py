"""Formulas change as with R's update(): dots, terms added and removed, other parameters."""

from __future__ import annotations

import pytest

from brmspy.errors import FormulaError
from brmspy.formula import Formula, bf, nlf, update_formula

# Where R's update.formula() can read the formula, it gives the same terms.
LINEAR = [
    # old, new, expected
    ("y ~ x", "~ . + z", "y ~ x + z"),
    ("y ~ x", "y ~ . + z", "y ~ x + z"),
    ("y ~ x", ". ~ . + z:x", "y ~ x + z:x"),
    ("y ~ x + z", "~ . - z", "y ~ x"),
    ("y ~ x + z", "~ . - (x + z)", "y ~ 1"),
    ("y ~ x + z", ". ~ . - 1", "y ~ x + z - 1"),
    ("y ~ 0 + x", ". ~ . + 1", "y ~ 0 + x + 1"),
    ("y ~ x", ". ~ 1", "y ~ 1"),
    ("y ~ x", "z ~ w", "z ~ w"),
    ("y ~ x", "~ .", "y ~ x"),
    ("y ~ x", "~ . + x", "y ~ x"),
    ("y ~ a*b", ". ~ . - a:b", "y ~ a*b - a:b"),
    ("y ~ a*b - a:b", ". ~ . + a:b", "y ~ a*b - a:b + a:b"),
    ("y ~ a + b", "~ (.)^2", "y ~ ((a + b))^2"),
    ("y ~ a + b", "~ . * x", "y ~ (a + b) * x"),
    ("y ~ a", "log(.) ~ .", "log(y) ~ a"),
    ("y ~ log(x)", "~ . - log( x )", "y ~ 1"),
    ("y ~ `my x` + z", "~ . - `my x`", "y ~ z"),
    ("y ~ x + (1 | g)", "~ . + z", "y ~ x + (1 | g) + z"),
    ("y ~ x + (1 | g)", ". ~ . - (1 | g)", "y ~ x"),
    ("y ~ x + (1|g)", "~ . - (1 | g) + (x | g)", "y ~ x + (x | g)"),
    ("y ~ x + (1 + x | g)", "~ . - (x | g)", "y ~ x"),
    ("y ~ (1 | g)", "~ . - (1 | g)", "y ~ 1"),
    ("y ~ x + (1 | g/h)", "~ . - (1 | g:h)", "y ~ x + (1 | g)"),
    ("y ~ x + (x || `a b`/h)", "~ . - (x || `a b`)", "y ~ x + (1 + x || `a b`:h)"),
    ("y ~ x + (1 | p | g)", "~ . - (1 | p | g)", "y ~ x"),
    ("y ~ x + (1 | g)", "~ . + (. | h)", "y ~ x + (1 | g) + (x | h)"),
    ("y ~ a + (1 | g) + offset(t)", "~ . * x", "y ~ a * x + (1 | g) + offset(t)"),
    ("y ~ a + offset(log(t))", "~ . - offset(log(t))", "y ~ a"),
    ("y | trials(n) ~ x", "~ . + z", "y | trials(n) ~ x + z"),
    ("y | weights(w) ~ x", "log(.) ~ .", "log(y) | weights(w) ~ x"),
    ("y | weights(w) ~ x", ". | . + trials(n) ~ .", "y | weights(w) + trials(n) ~ x"),
    ("y | weights(w) ~ x", ". | weights(v) ~ .", "y | weights(v) ~ x"),
    ("a - b ~ x", "I(.) ~ .", "I((a - b)) ~ x"),
]


@pytest.mark.parametrize(
    ("old", "new", "expected"), LINEAR, ids=[f"{a}, {b}" for a, b, _ in LINEAR]
)
def test_dots_stand_for_what_was_there(old: str, new: str, expected: str) -> None:
    assert update_formula(bf(old), new) == bf(expected)


def test_dots_of_the_old_formula_are_all_columns() -> None:
    columns = ["y", "a", "b", "g"]
    assert update_formula(bf("y ~ . + (1 | g)"), "~ . - b", columns) == bf("y ~ . + (1 | g) - b")
    with pytest.raises(FormulaError, match="no term 'g' to remove"):
        update_formula(bf("y ~ . + (1 | g)"), "~ . - g", columns)


REFUSED = [
    ("y ~ x + z", "~ . - xx", "no term 'xx' to remove.*Did you mean 'x'"),
    ("y ~ 1", "~ . - x", "no term 'x' to remove.*Valid names: '1'"),
    (
        "y ~ x + (1|g)",
        "~ . - (1 | h)",
        r"no group-level term '\(1 \| h\)'.*Did you mean '\(1\|g\)'",
    ),
    ("y ~ x", "~ . - (1 | h)", "It has no group-level terms at all"),
    ("y ~ x", "~ . - offset(t)", "no offset"),
    ("y ~ x", "~ . - .", "would remove the whole formula"),
    ("y ~ x", "~ .z + ", "nothing on the right"),
    ("y ~ x", ". | . ~ .", "no additional terms of the response"),
]


@pytest.mark.parametrize(("old", "new", "message"), REFUSED)
def test_what_is_not_there_cannot_be_removed(old: str, new: str, message: str) -> None:
    with pytest.raises(FormulaError, match=f"(?s){message}"):
        update_formula(bf(old), new)


def test_the_error_points_at_the_term() -> None:
    with pytest.raises(FormulaError) as caught:
        update_formula(bf("y ~ x"), "~ . - zz")
    assert caught.value.span == (6, 8)


def test_other_parameters_are_kept_or_replaced_by_name() -> None:
    old = bf("y ~ x", "sigma ~ x", center=False, nu=5)
    assert update_formula(old, "~ . + z") == bf("y ~ x + z", "sigma ~ x", center=False, nu=5)
    assert update_formula(old, bf("~ .", sigma="~ z")) == bf(
        "y ~ x", "sigma ~ z", center=False, nu=5
    )
    assert update_formula(old, bf("~ .", sigma=2)) == bf("y ~ x", center=False, nu=5, sigma=2)
    assert update_formula(old, bf("~ .", "nu ~ x")) == bf(
        "y ~ x", "sigma ~ x", "nu ~ x", center=False
    )
    assert update_formula(old, bf("~ .", center=True)).center is True


def test_a_formula_for_two_parameters_is_kept_for_the_other() -> None:
    old = bf("y ~ a * exp(-b * x)", "a + b ~ 1", nl=True)
    new = update_formula(old, bf(". ~ .", "a ~ 1 + (1 | g)"))
    assert new == bf("y ~ a * exp(-b * x)", "b ~ 1", "a ~ 1 + (1 | g)", nl=True)


def test_dots_in_non_linear_formulas_are_the_old_text() -> None:
    old = bf("y ~ a * exp(-b * x)", "a + b ~ 1", nl=True)
    assert update_formula(old, "~ . + c").main == "y ~ (a * exp(-b * x)) + c"
    assert update_formula(old, "log(.) ~ log(.)").main == "log(y) ~ log((a * exp(-b * x)))"
    assert update_formula(old, "~ a - b * x") == bf("y ~ a - b * x", "a + b ~ 1", nl=True)
    assert not update_formula(old, bf("y ~ x")).nl


@pytest.mark.parametrize("part", ["sigma ~ . + z", nlf("sigma ~ .")[0]])
def test_dots_in_other_formulas_are_refused(part: object) -> None:
    with pytest.raises(FormulaError, match=r"main formula only(?s:.*)formula of sigma in full"):
        update_formula(bf("y ~ x", "sigma ~ x"), bf("~ .", part))  # type: ignore[arg-type]


def test_what_is_no_formula() -> None:
    with pytest.raises(FormulaError, match="not int"):
        update_formula(Formula("y ~ x"), 3)  # type: ignore[arg-type]
