"""Fits without Stan: real models, with draws from normal distributions around chosen values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from brmspy import BrmsFit
from brmspy.fit import Approximation, FitRecord, Variable
from brmspy.fit.datasets import (
    RESERVED_DIMS,
    constant_data,
    draws_dataset,
    observed_data,
    stats_dataset,
)
from brmspy.fit.naming import posterior_variables
from brmspy.fit.variables import unique_dims
from brmspy.model import build

CHAINS, DRAWS = 2, 60


def drawn_fit(
    formula: Any,
    data: Any,
    family: Any = "gaussian",
    values: Mapping[str, tuple[float, float]] | None = None,
    *,
    chains: int = CHAINS,
    draws: int = DRAWS,
    diverging: int = 0,
    approximation: bool = False,
    **options: Any,
) -> BrmsFit:
    """Return a fit whose draws of a parameter have the mean and sd of `values`, by brms' name.

    Others have mean 0.3 and sd 0.1, standard deviations and family parameters those of a log normal
    distribution around 1.
    """
    model = build(formula, data, family, **options)
    rng = np.random.default_rng(1)
    wanted = dict(values or {})
    variables = posterior_variables(model.design, model.program)
    arrays = {v.name: _draws(v, rng, wanted, chains, draws) for v in variables}
    assert not wanted, f"no such parameters: {list(wanted)}"
    text = np.array("lprior", dtype=object)
    lprior = Variable("lprior", "internal", (), {}, text, text)
    named = unique_dims([*variables, lprior], RESERVED_DIMS)
    arrays["lprior"] = np.zeros((chains, draws))
    stats = {"lp": rng.normal(size=(chains, draws))}
    if not approximation:
        stats["diverging"] = np.arange(chains * draws).reshape(chains, draws) < diverging
    groups = {
        "posterior": draws_dataset(named, arrays, {}),
        "sample_stats": stats_dataset(stats, {}),
        "observed_data": observed_data(model, {}),
        "constant_data": constant_data(model, {}),
    }
    quality = Approximation("laplace", "the Laplace approximation", 0.2, draws, draws, True)
    record = FitRecord(
        stan_code="",
        toolchain={},
        options={"iter_warmup": 10, "thin": 1, "adapt_delta": 0.8, "max_treedepth": 10},
        seed=1,
        chain_ids=tuple(range(1, chains + 1)),
        seconds=((0.0, 0.0),) * chains,
        approximation=quality if approximation else None,
    )
    return BrmsFit(model, named, groups, record)


def _draws(
    variable: Variable,
    rng: np.random.Generator,
    wanted: dict[str, tuple[float, float]],
    chains: int,
    draws: int,
) -> Any:
    noise = rng.normal(size=(chains, draws, *variable.shape))
    if variable.section in ("group_sd", "family"):
        found = np.exp(0.1 * noise)
    elif variable.section == "group_cor":
        found = np.tanh(0.3 * noise)
    else:
        found = 0.3 + 0.1 * noise
    for index in np.ndindex(variable.shape):
        name = str(variable.brms[index])
        if name in wanted:
            mean, sd = wanted.pop(name)
            found[(..., *index)] = mean + sd * noise[(..., *index)]
    return found


@pytest.fixture(scope="session")
def make_fit() -> Callable[..., BrmsFit]:
    """Return `drawn_fit`."""
    return drawn_fit
