"""Approximations come close to brms' posteriors where Pareto k says so, and it says where not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from brmspy import BrmsFit, SamplingWarning, brm, load, load_dataset

pytestmark = pytest.mark.compiled

MODELS: dict[str, dict[str, Any]] = {
    "plant_growth": {"formula": "weight ~ group"},
    "cbpp": {
        "formula": "incidence | trials(size) ~ period + (1 | herd)",
        "family": "binomial",
    },
    "sleepstudy": {"formula": "Reaction ~ Days + (Days | Subject)"},
}
TEXTBOOK = {"parameterization": "noncentered", "marginalize": False, "init": 2}


def fit(name: str, algorithm: str, **options: Any) -> BrmsFit:
    data = load_dataset(name)
    return brm(data=data, algorithm=algorithm, progress=False, **MODELS[name], **options)


def reference(name: str) -> pd.DataFrame:
    """Return means and standard deviations of brms' posterior."""
    path = Path(__file__).parent / "reference" / f"{name}.json"
    part = json.loads(path.read_text())["posterior"]
    return pd.DataFrame(part["rows"], columns=part["columns"]).set_index("variable")


@pytest.mark.parametrize(
    ("name", "algorithm", "seed"),
    [
        ("plant_growth", "pathfinder", 2),
        ("plant_growth", "laplace", 4),
        ("plant_growth", "meanfield", 1),
        ("plant_growth", "fullrank", 5),
        ("cbpp", "laplace", 1),
        ("cbpp", "fullrank", 5),
        ("sleepstudy", "pathfinder", 1),
        ("sleepstudy", "laplace", 6),
    ],
)
def test_means_are_close_if_k_is_good(name: str, algorithm: str, seed: int) -> None:
    # Within a quarter of a standard deviation, and standard deviations within a quarter of theirs.
    found = fit(name, algorithm, seed=seed)
    approximation = found.record.approximation
    assert approximation is not None
    assert approximation.pareto_k < 0.65
    assert approximation.resampled
    assert "Pareto k: 0." in str(found)
    expected = reference(name)
    draws = found.draws_df()[list(expected.index)]
    assert len(draws) == 4000
    distance = (draws.mean() - expected["mean"]).abs() / expected["sd"]
    assert distance.max() < 0.25, distance.sort_values().tail()
    spread = draws.std() / expected["sd"]
    assert spread.between(0.75, 1.25).all(), spread.sort_values()


def test_the_textbooks_form_is_too_hard_for_meanfield() -> None:
    with pytest.warns(SamplingWarning, match=r"mean-field ADVI misses.*Fit with algorithm=.nuts."):
        found = fit("sleepstudy", "meanfield", seed=1, **TEXTBOOK)
    approximation = found.record.approximation
    assert approximation is not None
    assert approximation.pareto_k > 0.7
    assert not approximation.resampled
    assert "bad: do not trust these draws" in str(found)


@pytest.mark.filterwarnings("ignore::brmspy.SamplingWarning")  # so few draws
def test_the_result_is_that_of_nuts_but_for_the_chains() -> None:
    nuts = fit("cbpp", "sampling", iter_warmup=100, iter_sampling=50, seed=1)
    found = fit("cbpp", "laplace", seed=1, chains=2, iter_sampling=300)
    assert nuts.record.algorithm == "nuts"
    assert found.names == nuts.names
    assert found.idata.groups() == nuts.idata.groups()
    assert found.idata.posterior.sizes["chain"] == 1
    assert found.idata.posterior.sizes["draw"] == 600
    for name, array in nuts.idata.posterior.items():
        ours = found.idata.posterior[name]
        assert ours.dims == array.dims
        for dim in set(array.dims) - {"chain", "draw"}:
            assert (ours[dim] == array[dim]).all()


def test_lp_is_the_log_density_of_the_unconstrained_parameters() -> None:
    found = fit("plant_growth", "laplace", seed=4)
    data = load_dataset("plant_growth")
    groups = data["group"].astype(str).to_numpy()
    X = np.column_stack([np.ones(len(data)), groups == "trt1", groups == "trt2"])
    sigma = found["sigma"].to_numpy().ravel()
    mean = found["b"].to_numpy()[0] @ X.T
    likelihood = stats.norm(mean, sigma[:, None]).logpdf(data["weight"].to_numpy()).sum(axis=1)
    density = likelihood + found["lprior"].to_numpy().ravel() + np.log(sigma)
    difference = found["lp__"].to_numpy().ravel() - density
    assert np.ptp(difference) < 1e-6


@pytest.mark.parametrize("algorithm", ["pathfinder", "laplace", "meanfield", "fullrank"])
@pytest.mark.filterwarnings("ignore::brmspy.SamplingWarning")  # not what is looked at
def test_the_seed_decides_the_draws(algorithm: str) -> None:
    first, again, other = (fit("sleepstudy", algorithm, seed=seed) for seed in (1, 1, 2))
    for name, group in first.groups.items():
        for variable, array in group.items():
            np.testing.assert_array_equal(again.groups[name][variable], array)
    assert first.record.approximation == again.record.approximation
    assert not np.array_equal(first["sigma"], other["sigma"])


def test_a_saved_approximation(tmp_path: Path) -> None:
    made = fit("plant_growth", "laplace", seed=4)
    made.save(tmp_path / "fit.nc")
    again = load(tmp_path / "fit.nc")
    assert again.record == made.record
    assert str(again) == str(made)
