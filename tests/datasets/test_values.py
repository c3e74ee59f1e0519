"""Numbers that publications and the documentation of R's packages give for the data sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy import load_dataset


def mad(values: pd.Series[Any]) -> float:
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def quartiles(values: pd.Series[Any]) -> list[float]:
    return [*values.quantile([0.25, 0.5, 0.75]), values.mean()]


VALUES: dict[str, tuple[str, Callable[[pd.DataFrame], Any], Any]] = {
    # brms' default priors come of these medians and MADs.
    "sleepstudy": (
        "sleepstudy",
        lambda d: [d.Reaction.median(), mad(d.Reaction)],
        [288.651, 59.3393],
    ),
    "epil": ("epil", lambda d: [d.y.median(), mad(d.y)], [4, 4.4478]),
    "loblolly": ("loblolly", lambda d: [d.height.median(), mad(d.height)], [34, 32.8025]),
    "cbpp": ("cbpp", lambda d: (d.incidence / d["size"]).median(), 0.0513),
    # Example code of lme4: days 0 to 9 for each person; 99 cases among 842 animals.
    "sleepstudy days": (
        "sleepstudy",
        lambda d: (
            d.groupby("Subject", observed=True).Days.agg(["min", "max", "nunique"]).to_numpy()
        ),
        np.tile([0, 9, 10], (18, 1)),
    ),
    "cbpp cases": ("cbpp", lambda d: [d.incidence.sum(), d["size"].sum()], [99, 842]),
    # Thall and Vail: 28 people took a placebo, 31 progabide.
    "epil people": ("epil", lambda d: d.groupby("trt", observed=True).subject.nunique(), [28, 31]),
    # Venables and Ripley: mean yields by nitrogen.
    "oats": (
        "oats",
        lambda d: d.groupby("nitrogen", observed=True).yields.mean(),
        [79.3889, 98.8889, 114.2222, 123.3889],
    ),
    # Dobson: group means.
    "plant_growth": (
        "plant_growth",
        lambda d: d.groupby("group", observed=True).weight.mean(),
        [5.032, 4.661, 5.526],
    ),
    # Draper and Smith: the trees are measured on the same seven days.
    "orange": (
        "orange",
        lambda d: [sorted(d.age.unique()), d.groupby("age").circumference.max().tolist()],
        [[118, 484, 664, 1004, 1231, 1372, 1582], [33, 69, 112, 167, 179, 209, 214]],
    ),
    # Kwan et al.: the concentration a quarter of an hour after the injection.
    "indometh": (
        "indometh",
        lambda d: d.loc[d.time == 0.25, "conc"].tolist(),
        [1.5, 2.03, 2.72, 1.85, 2.05, 2.31],
    ),
    # summary() of R: quartiles and mean.
    "theoph": ("theoph", lambda d: quartiles(d.conc), [2.8775, 5.275, 7.14, 4.960]),
    "dnase": ("dnase", lambda d: quartiles(d.density), [0.19775, 0.5265, 1.1705, 0.7192]),
    "co2": ("co2", lambda d: quartiles(d.uptake), [17.9, 28.3, 37.125, 27.2131]),
    "chick_weight": ("chick_weight", lambda d: quartiles(d.weight), [63, 103, 163.75, 121.8183]),
    "chick_weight diets": (
        "chick_weight",
        lambda d: d.groupby("Diet", observed=True).Chick.nunique(),
        [20, 10, 10, 10],
    ),
    # Treloar: six concentrations; the fastest reactions.
    "puromycin conc": (
        "puromycin",
        lambda d: sorted(d.conc.unique()),
        [0.02, 0.06, 0.11, 0.22, 0.56, 1.1],
    ),
    "puromycin rate": (
        "puromycin",
        lambda d: d.groupby("state", observed=True).rate.max(),
        [207, 160],
    ),
    # McCullagh and Nelder: 90 pairs of each cross, of which so many mated.
    "salamander": (
        "salamander",
        lambda d: d.groupby("Cross", observed=True).Mate.agg(["size", "sum"]).to_numpy(),
        [[90, 60], [90, 50], [90, 19], [90, 60]],
    ),
}


@pytest.mark.parametrize(("name", "value", "expected"), VALUES.values(), ids=list(VALUES))
def test_values(name: str, value: Callable[[pd.DataFrame], Any], expected: Any) -> None:
    np.testing.assert_allclose(value(load_dataset(name)), expected, rtol=0, atol=5e-4)
