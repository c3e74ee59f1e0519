"""Models of all kinds, with draws made up."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import brmspy
from brmspy import BrmsFit, bf, prior


def frame(rows: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "y": rng.normal(size=rows),
            "k": rng.integers(0, 5, rows),
            "n": rng.integers(5, 9, rows),
            "yes": np.tile([True, False], rows)[:rows],
            "x": rng.uniform(1, 3, size=rows),
            "z": rng.uniform(1, 3, size=rows),
            "w": rng.uniform(1, 3, size=rows),
            "x_1 & 50% {a}": rng.normal(size=rows),
            "f": rng.choice(["lo", "mid", "hi"], rows),
            "g": np.arange(rows) % 5,
            "h_1": np.arange(rows) % 3,
        }
    )


MODELS: dict[str, dict[str, Any]] = {
    "plain": {"formula": "y ~ x"},
    "multilevel": {
        "formula": "y ~ x + (x | g)",
        "prior": [prior("normal(0, 10)"), prior("exponential(1)", class_="sd")],
    },
    "nothing": {"formula": "y ~ 0 + (1 | g)"},
    "nested": {"formula": "y ~ f * x + z + (1 | g/h_1)"},
    "uncorrelated": {"formula": "y ~ x + (x || g) + (0 + z + w | g)"},
    "distributional": {
        "formula": bf("y ~ x + (1 |p| g)", "sigma ~ z + (1 |p| g)", nu=4),
        "family": "student",
        "prior": prior("normal(0, 2)", dpar="sigma"),
    },
    "student": {
        "formula": "y | weights(w) ~ x",
        "family": "student",
        "prior": [
            prior("constant(3)", class_="nu"),
            prior("uniform(0, 50)", class_="sigma", ub=50),
        ],
    },
    "bernoulli": {"formula": "yes ~ x", "family": brmspy.bernoulli("probit")},
    "binomial": {"formula": "k | trials(n) ~ f + (1 | g)", "family": "binomial"},
    "trials": {"formula": "k | trials(10) ~ x", "family": brmspy.binomial("cloglog")},
    "poisson": {"formula": "k ~ x + offset(log(w))", "family": "poisson"},
    "negbinomial": {
        "formula": "k ~ x + z + w + f + (x | h_1)",
        "family": brmspy.negbinomial("sqrt"),
        "prior": [prior("normal(1e6, 2e-5)", coef="x"), prior("flat", coef="z", lb=0, ub=3)],
    },
    "non-linear": {
        "formula": bf(
            "y ~ Asym + (R0 - Asym) * exp(-exp(lrc) * x)",
            "R0 + lrc ~ 1",
            "Asym ~ z + (1 | g)",
            nl=True,
        ),
        "prior": [
            prior("normal(101, 0.1)", nlpar="Asym", lb=100, ub=102),
            prior("normal(-3, 3)", nlpar="lrc", lb=-9),
            prior("flat", nlpar="R0", lb=-10),
        ],
    },
    "odd names": {"formula": "y ~ I(x^2) + `x_1 & 50% {a}` + (1 | h_1)"},
}


@pytest.fixture(scope="session")
def fit_of(made_fit: Callable[..., BrmsFit]) -> Callable[..., BrmsFit]:
    """Return a function from the name of a model, or its parts, to a fit."""

    @functools.cache
    def named(name: str) -> BrmsFit:
        return made_fit(data=frame(), **MODELS[name])

    def fit_of(name: str = "", **parts: Any) -> BrmsFit:
        if not parts:
            return named(name)
        return made_fit(data=frame(), **(MODELS[name] if name else {}), **parts)

    return fit_of


@pytest.fixture(params=MODELS)
def any_fit(request: pytest.FixtureRequest, fit_of: Callable[..., BrmsFit]) -> BrmsFit:
    """A fit of each of the models in turn."""
    return fit_of(request.param)
