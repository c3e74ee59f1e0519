"""Levels with few rows, and factors with few levels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy import BrmsFit, bf
from brmspy.checks.levels import few_levels, thin_groups

MakeFit = Callable[..., BrmsFit]


def sloped(make_fit: MakeFit, rows: dict[str, int], **model: Any) -> BrmsFit:
    """Return a fit of ``y ~ x + (x | g)`` with so many rows in each level."""
    rng = np.random.default_rng(2)
    g = np.repeat(list(rows), list(rows.values()))
    data = pd.DataFrame({"g": g, "x": rng.normal(size=len(g)), "y": rng.normal(size=len(g))})
    draws = {
        "b": rng.normal(size=(4000, 2)),
        "sigma": rng.gamma(100, 0.01, size=4000),
        "sd_g": rng.gamma(20, 0.05, size=(4000, 2)),
        "cor_g": rng.uniform(-0.5, 0.5, size=(4000, 1)),
        "r_g": rng.normal(0, 0.1, size=(4000, len(rows), 2)),
    }
    return make_fit("y ~ x + (x | g)", data, draws, **model)


FULL = dict.fromkeys("abcdefgh", 5)


def test_no_finding_where_levels_have_enough_rows(make_fit: MakeFit) -> None:
    fit = sloped(make_fit, FULL)
    assert thin_groups(fit) == []
    assert few_levels(fit) == []


def test_levels_with_fewer_rows_than_effects_are_named(make_fit: MakeFit) -> None:
    fit = sloped(make_fit, FULL | {"c": 1})
    (found,) = thin_groups(fit)
    assert (found.group, found.effects, found.levels, found.of) == ("g", 2, (("c", 1),), 8)
    assert not found.residuals
    [shown] = [item for item in fit.check().findings if "fewer rows" in item.finding]
    assert shown.kind == "note"
    assert "1 of 8 levels of g" in shown.evidence
    assert "c (1 row)" in shown.evidence


def test_one_row_in_every_level_hides_the_effects(make_fit: MakeFit) -> None:
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"g": [f"g{i}" for i in range(20)], "y": rng.normal(size=20)})
    draws = {
        "b": rng.normal(size=(4000, 1)),
        "sigma": rng.gamma(100, 0.01, size=4000),
        "sd_g": rng.gamma(20, 0.05, size=(4000, 1)),
        "r_g": rng.normal(0, 0.1, size=(4000, 20, 1)),
    }
    fit = make_fit("y ~ 1 + (1 | g)", data, draws)
    (found,) = thin_groups(fit)
    assert found.residuals
    [shown] = [item for item in fit.check().findings if "has one row" in item.finding]
    assert shown.kind == "problem"
    assert "20 levels" in shown.evidence


def test_an_effect_for_each_row_suits_counts(make_fit: MakeFit) -> None:
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"g": [f"g{i}" for i in range(20)], "y": rng.poisson(3, size=20)})
    draws = {
        "b": rng.normal(size=(4000, 1)),
        "sd_g": rng.gamma(20, 0.05, size=(4000, 1)),
        "r_g": rng.normal(0, 0.1, size=(4000, 20, 1)),
    }
    assert thin_groups(make_fit("y ~ 1 + (1 | g)", data, draws, family="poisson")) == []


@pytest.mark.parametrize(("fixed", "hidden"), [({}, True), ({"sigma": 0.5}, False)])
def test_a_known_residual_is_told_apart(
    fixed: dict[str, float], hidden: bool, make_fit: MakeFit
) -> None:
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"g": [f"g{i}" for i in range(20)], "y": rng.normal(size=20)})
    draws = {
        "b": rng.normal(size=(4000, 1)),
        "sigma": rng.gamma(100, 0.01, size=4000),
        "sd_g": rng.gamma(20, 0.05, size=(4000, 1)),
        "r_g": rng.normal(0, 0.1, size=(4000, 20, 1)),
    }
    fit = make_fit(bf("y ~ 1 + (1 | g)", **fixed), data, draws)
    assert bool(thin_groups(fit)) is hidden


def test_rows_of_a_curve_count_once_for_each_input(make_fit: MakeFit) -> None:
    ages = {"a": [1, 5, 10, 20, 40], "b": [1, 5, 10, 20, 40], "c": [3, 3, 3, 9, 9]}
    data = pd.DataFrame(
        [(tree, float(age)) for tree, own in ages.items() for age in own], columns=["tree", "age"]
    )
    data["y"] = 100 - 108 * np.exp(-0.1 * data["age"]) + np.cos(np.arange(len(data)))
    effects = np.zeros((4000, 3, 3))
    rng = np.random.default_rng(4)
    fit = make_fit(
        bf(
            "y ~ SSasymp(age, Asym, R0, lrc)",
            "Asym ~ 1 + (1 | tree)",
            "R0 ~ 1 + (1 | tree)",
            "lrc ~ 1 + (1 | tree)",
            nl=True,
        ),
        data,
        {
            "b_Asym": rng.normal(100, 1, (4000, 1)),
            "b_R0": rng.normal(-8, 1, (4000, 1)),
            "b_lrc": rng.normal(-2.3, 0.1, (4000, 1)),
            "sigma": rng.gamma(100, 0.01, size=4000),
            "sd_tree": rng.gamma(20, 0.05, size=(4000, 3)),
            "r_tree": effects,
        },
    )
    (found,) = thin_groups(fit)
    assert found.levels == (("c", 2),)
    assert found.counted == "different input"


def test_few_levels(make_fit: MakeFit) -> None:
    fit = sloped(make_fit, dict.fromkeys("abc", 10))
    assert few_levels(fit) == [("g", 3)]
    [shown] = [item for item in fit.check().findings if item.finding == "g has few levels"]
    assert shown.kind == "note"
