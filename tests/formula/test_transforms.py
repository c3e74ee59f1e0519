"""Transformed non-linear parameters are short for formulas that could be written out."""

from __future__ import annotations

from typing import Any

import pytest

from brmspy import bf, lf, nlf
from brmspy.formula import Formula

MAIN = "y ~ a * exp(-b * x)"


@pytest.mark.parametrize(
    ("short", "long"),
    [
        (
            bf(MAIN, "a + b ~ 1 + (1 | g)", nl=True, transform={"a": "log"}),
            bf(MAIN, "b ~ 1 + (1 | g)", "loga ~ 1 + (1 | g)", nlf("a ~ exp(loga)"), nl=True),
        ),
        (
            bf(MAIN, "a ~ x", "b ~ 1", nl=True, transform={"b": "softplus"}),
            bf(MAIN, "a ~ x", "softplusb ~ 1", nlf("b ~ log1p_exp(softplusb)"), nl=True),
        ),
        (
            bf(MAIN, "a ~ 1", "b ~ 1", nl=True, transform={"b": "logit"}),
            bf(MAIN, "a ~ 1", "logitb ~ 1", nlf("b ~ inv_logit(logitb)"), nl=True),
        ),
        (
            bf(MAIN, "a ~ 1", "b ~ 1", nl=True, transform={"b": ("logit", -1, 3)}),
            bf(
                MAIN,
                "a ~ 1",
                "logitb ~ 1",
                nlf("b ~ (-1.0) + 4.0 * inv_logit(logitb)"),
                nl=True,
            ),
        ),
        (
            bf(MAIN, "a ~ 1", "b ~ 1", nl=True, transform={"b": ("log", 2)}),
            bf(MAIN, "a ~ 1", "logb ~ 1", nlf("b ~ 2.0 + exp(logb)"), nl=True),
        ),
        (
            bf(MAIN, "a ~ 1", "b ~ 1", nl=True, transform={"b": ("ordered", "a")}),
            bf(MAIN, "a ~ 1", "logdiffb ~ 1", nlf("b ~ a + exp(logdiffb)"), nl=True),
        ),
        (
            bf(MAIN, lf("a + b ~ 1", center=True), nl=True, transform={"a": "log", "b": "log"}),
            bf(
                MAIN,
                lf("loga ~ 1", center=True),
                nlf("a ~ exp(loga)"),
                lf("logb ~ 1", center=True),
                nlf("b ~ exp(logb)"),
                nl=True,
            ),
        ),
    ],
    ids=["log", "softplus", "logit", "between", "above", "ordered", "options"],
)
def test_short_for(short: Formula, long: Formula) -> None:
    assert short == long


def test_a_formula_can_be_transformed_later() -> None:
    formula = bf(MAIN, "a + b ~ 1", nl=True)
    later: Any = bf(formula, transform={"a": "log"})
    assert later == bf(MAIN, "a + b ~ 1", nl=True, transform={"a": "log"})


def test_it_survives_printing_and_storing() -> None:
    formula = bf(MAIN, "a + b ~ 1", nl=True, transform={"a": "log"})
    assert eval(repr(formula), {"bf": bf, "nlf": nlf}) == formula
    assert Formula.from_dict(formula.to_dict()) == formula
