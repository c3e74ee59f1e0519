"""Fits without Stan: real models, with draws that are made here."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy import BrmsFit
from brmspy.errors import BrmspyWarning
from brmspy.fit.datasets import (
    RESERVED_DIMS,
    constant_data,
    draws_dataset,
    observed_data,
    stats_dataset,
)
from brmspy.fit.naming import posterior_variables
from brmspy.fit.record import FitRecord
from brmspy.fit.result import _LPRIOR
from brmspy.fit.variables import NameTable, unique_dims
from brmspy.model import build

CHAINS, LENGTH = 4, 1000
OPTIONS: dict[str, Any] = {
    "chains": CHAINS,
    "iter_warmup": 1000,
    "iter_sampling": LENGTH,
    "thin": 1,
    "adapt_delta": 0.8,
    "max_treedepth": 10,
}

MakeFit = Callable[..., BrmsFit]


def fit_of(
    formula: Any,
    data: Any,
    draws: Mapping[str, Any],
    *,
    lprior: Any = 0.0,
    stats: Mapping[str, Any] | None = None,
    seed: int = 1,
    **model: Any,
) -> BrmsFit:
    """Return a fit of a real model with the draws that are given, shape (chain * draw, ...)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BrmspyWarning)
        built = build(formula, data, **model)
    variables = NameTable.of(
        [*unique_dims(posterior_variables(built.design, built.program), RESERVED_DIMS), _LPRIOR]
    ).variables
    shape = (CHAINS, LENGTH)
    values = {
        name: np.asarray(array, dtype=float).reshape(*shape, *np.shape(array)[1:])
        for name, array in draws.items()
    }
    values["lprior"] = np.broadcast_to(np.asarray(lprior, dtype=float).reshape(-1), (4000,))
    values["lprior"] = values["lprior"].reshape(shape)
    lp = {"lp": np.zeros(shape), **{k: np.reshape(v, shape) for k, v in (stats or {}).items()}}
    return BrmsFit(
        built,
        variables,
        {
            "posterior": draws_dataset(variables, values, {}),
            "sample_stats": stats_dataset(lp, {}),
            "observed_data": observed_data(built, {}),
            "constant_data": constant_data(built, {}),
        },
        FitRecord("", {}, OPTIONS, seed, (1, 2, 3, 4), ((1.0, 1.0),) * 4),
    )


def exact_draws(y: np.ndarray, seed: int = 1) -> dict[str, np.ndarray]:
    """Return draws from the posterior of a mean and a standard deviation, with 1/sigma as prior.

    Then a new response has a Student t distribution, and so has each response given the others.
    """
    rng = np.random.default_rng(seed)
    n, total = len(y), CHAINS * LENGTH
    sigma = np.sqrt((n - 1) * y.var(ddof=1) / rng.chisquare(n - 1, total))
    mean = y.mean() + sigma / np.sqrt(n) * rng.normal(size=total)
    return {"b": mean[:, None], "sigma": sigma}


@pytest.fixture(scope="session")
def make_fit() -> MakeFit:
    return fit_of


@pytest.fixture(scope="session")
def normal_draws() -> Callable[..., dict[str, np.ndarray]]:
    return exact_draws


@pytest.fixture(scope="session")
def measured() -> pd.DataFrame:
    """Return a response without predictors, labelled by text."""
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({"y": rng.normal(10.0, 2.0, size=60), "g": np.repeat(list("abcdef"), 10)})
    return frame.set_axis([f"row {i}" for i in range(60)])


@pytest.fixture
def normal_fit(measured: pd.DataFrame) -> BrmsFit:
    """Return the fit of ``y ~ 1``, whose predictive densities are known."""
    return fit_of("y ~ 1", measured, exact_draws(measured["y"].to_numpy()))
