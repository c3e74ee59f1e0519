"""A weight of n counts a row n times: in the log likelihood, whatever the family."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from brmspy import bf, load_dataset
from brmspy.model import Model, build
from brmspy.predict import log_density

DRAWS = 7


def with_weights(name: str) -> pd.DataFrame:
    """Return a data set with whole weights, zero among them, but every level in use."""
    data = load_dataset(name)
    return data.assign(times=np.random.default_rng(1).choice([0, 1, 2, 3], len(data)))


def parameters(model: Model) -> dict[str, NDArray[np.float64]]:
    """Return made-up draws of the user's parameters."""
    rng = np.random.default_rng(3)
    draws = {
        "b" if name == "mu" else f"b_{name}": rng.normal(0, 0.1, (DRAWS, len(info.coefs)))
        for name, info in model.design.predictors.items()
    }
    for group in model.design.groups:
        shape = (DRAWS, len(group.levels), len(group.coefs))
        draws[f"r_{group.group}"] = rng.normal(0, 0.1, shape)
    draws |= {name: rng.uniform(1, 2, DRAWS) for name in ("sigma", "shape", "nu")}
    return draws


def total(model: Model) -> NDArray[np.float64]:
    arrays = model.design.arrays
    density = log_density(model.design, model.family, model.response, parameters(model), arrays)
    return density.sum(axis=1)


MODELS: dict[str, tuple[Any, str, str]] = {
    "gaussian": ("Reaction | {} ~ Days + (Days | Subject)", "sleepstudy", "gaussian"),
    "student": ("Reaction | {} ~ Days", "sleepstudy", "student"),
    "binomial": ("incidence | trials(size) + {} ~ period + (1 | herd)", "cbpp", "binomial"),
    "poisson": ("y | {} ~ lbase * trt + (1 | subject)", "epil", "poisson"),
    "negbinomial": ("y | {} ~ trt", "epil", "negbinomial"),
    "bernoulli": ("Mate | {} ~ Cross + (1 | Female) + (1 | Male)", "salamander", "bernoulli"),
}


def formula(template: str, addition: str) -> str:
    """Write the response term, or leave the bar out if there is none."""
    return template.replace("+ {}", addition and f"+ {addition}").replace(
        "| {}", addition and f"| {addition}"
    )


@pytest.mark.parametrize("name", MODELS)
def test_weights_count_rows(name: str) -> None:
    template, dataset, family = MODELS[name]
    data = with_weights(dataset)
    repeated = data.loc[data.index.repeat(data["times"])].reset_index(drop=True)
    weighted = build(formula(template, "weights(times)"), data, family)
    plain = build(formula(template, ""), repeated, family)
    assert plain.nobs == data["times"].sum() != weighted.nobs
    assert plain.design.groups == weighted.design.groups
    np.testing.assert_allclose(total(weighted), total(plain), rtol=1e-12)


def test_weights_count_rows_for_every_parameter() -> None:
    data = with_weights("sleepstudy")
    repeated = data.loc[data.index.repeat(data["times"])].reset_index(drop=True)
    sigma = "sigma ~ Days + (1 | Subject)"
    weighted = build(bf("Reaction | weights(times) ~ Days", sigma), data)
    np.testing.assert_allclose(
        total(weighted), total(build(bf("Reaction ~ Days", sigma), repeated)), rtol=1e-12
    )


def test_scaled_weights_sum_to_the_number_of_rows() -> None:
    data = with_weights("sleepstudy")
    weighted = build("Reaction | weights(times) ~ Days", data)
    scaled = build("Reaction | weights(times, scale = TRUE) ~ Days", data)
    factor = len(data) / data["times"].sum()
    np.testing.assert_allclose(total(scaled), factor * total(weighted), rtol=1e-12)
    assert scaled.program.data["weights"].sum() == pytest.approx(len(data))
