"""Fits without Stan: real models, with draws from known distributions in place of a posterior."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from brmspy import BrmsFit
from brmspy.fit.datasets import RESERVED_DIMS
from brmspy.fit.naming import posterior_variables
from brmspy.fit.variables import unique_dims
from brmspy.model import build

CHAINS, DRAWS = 2, 50


def made_up(
    formula: Any, data: Any, family: Any = "gaussian", prior: Any = None, seed: int = 1
) -> BrmsFit:
    """Return a fit whose draws are normal around 0.3, or positive where they have to be."""
    model = build(formula, data, family, prior)
    variables = unique_dims(posterior_variables(model.design, model.program), RESERVED_DIMS)
    rng = np.random.default_rng(seed)
    arrays, coords = {}, {}
    for variable in variables:
        values = rng.normal(0.3, 0.2, size=(CHAINS, DRAWS, *variable.shape))
        positive = variable.section in ("group_sd", "family") or variable.name.startswith("b_K")
        if positive:
            values = np.abs(values) + (2.0 if variable.name == "nu" else 0.1)
        if variable.section == "group_cor":
            values = np.tanh(values)
        arrays[variable.name] = (("chain", "draw", *variable.dims), values)
        coords |= {dim: list(labels) for dim, labels in variable.coords.items()}
    arrays["lprior"] = (("chain", "draw"), np.zeros((CHAINS, DRAWS)))
    lp = xr.Dataset({"lp": (("chain", "draw"), np.zeros((CHAINS, DRAWS)))})
    sample = {"chain": np.arange(CHAINS), "draw": np.arange(DRAWS)}
    groups = {"posterior": xr.Dataset(arrays, {**coords, **sample}), "sample_stats": lp}
    record: Any = SimpleNamespace(seed=seed, approximation=None, data_sets=((0,),))
    return BrmsFit(model, variables, groups, record)


FAMILY_DATA = pd.DataFrame(
    {
        "x": [0.5, 1.5, 2.0, 3.5, 4.0, 5.5, 6.0, 7.5],
        "z": [1.0, 2.0, 4.0, 3.0, 2.5, 1.5, 3.5, 0.5],
        "f": pd.Categorical(list("bacabcab"), ["b", "a", "c"]),
        "flag": [True, False, True, True, False, False, True, False],
        "bit": [0, 1, 0, 1, 1, 1, 0, 1],
        "g": list("uvwuvwuv"),
        "y": [1.0, 2.5, 2.0, 3.0, 4.5, 5.0, 5.5, 7.0],
        "count": [3, 0, 2, 4, 1, 5, 2, 3],
        "size": [9, 5, 6, 7, 8, 9, 7, 6],
        "exposure": [1.0, 2.0, 4.0, 1.0, 2.0, 4.0, 1.0, 2.0],
    },
    index=pd.Index(list("ABCDEFGH"), name="who"),
)


@functools.cache
def _cached(formula: Any, family: str) -> BrmsFit:
    return made_up(formula, FAMILY_DATA, family)


@pytest.fixture(scope="session")
def fit_of() -> Callable[..., BrmsFit]:
    """Return the function that makes up a fit to `FAMILY_DATA`, of a formula and a family."""

    def fit(formula: Any, family: str = "gaussian") -> BrmsFit:
        return (
            _cached(formula, family)
            if isinstance(formula, str)
            else made_up(formula, FAMILY_DATA, family)
        )

    return fit


@pytest.fixture(scope="session")
def fit_to() -> Callable[..., BrmsFit]:
    """Return the function that makes up a fit to any data."""
    return made_up


@pytest.fixture
def data() -> pd.DataFrame:
    """Return the data of the made-up fits."""
    return FAMILY_DATA.copy()
