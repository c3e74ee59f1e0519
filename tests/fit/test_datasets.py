"""The groups of InferenceData: dimensions, labels, attributes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy.errors import BrmspyError
from brmspy.fit import Fit
from brmspy.fit.datasets import draws_dataset, observation_labels


def test_posterior_is_labelled(fit: Fit) -> None:
    posterior = fit.idata.posterior
    assert list(posterior.data_vars) == ["b", "sd_g", "cor_g", "sigma", "lprior", "r_g"]
    assert posterior["b"].dims == ("chain", "draw", "coef")
    assert posterior["sd_g"].dims == ("chain", "draw", "g__coef")
    assert posterior["cor_g"].dims == ("chain", "draw", "g__pair")
    assert posterior["r_g"].dims == ("chain", "draw", "g", "g__coef")
    assert posterior["sigma"].dims == posterior["lprior"].dims == ("chain", "draw")
    assert posterior["g"].to_numpy().tolist() == ["a", "b", "c d"]
    assert posterior["g__pair"].item() == "Intercept, x"
    assert posterior["chain"].to_numpy().tolist() == [0, 1, 2, 3]
    assert posterior.sizes["draw"] == 500


def test_draws_are_where_their_labels_say(support: SimpleNamespace) -> None:
    variables = support.sleep_variables()
    draws = support.make_draws(variables)
    fit = support.make_fit(variables)
    selected = fit.idata.posterior["r_g"].sel(g="c d", g__coef="x")
    np.testing.assert_array_equal(selected, draws["r_g"][:, :, 2, 1])
    np.testing.assert_array_equal(fit["lprior"], draws["target"])


def test_statistics_have_the_names_of_arviz(fit: Fit) -> None:
    stats = fit.idata.sample_stats
    assert set(stats.data_vars) == {
        "lp",
        "acceptance_rate",
        "step_size",
        "tree_depth",
        "n_steps",
        "diverging",
        "energy",
        "reached_max_treedepth",
    }
    assert stats["diverging"].dtype == bool
    assert stats["lp"].dims == ("chain", "draw")


def test_attributes(fit: Fit) -> None:
    for attrs in (fit.idata.attrs, fit.idata.posterior.attrs, fit.idata.sample_stats.attrs):
        assert attrs["inference_library"] == "stan"
        assert attrs["inference_library_version"] == "2.35.0"
        assert attrs["tuning_steps"] == 1000
        assert attrs["adapt_delta"] == 0.8
        assert attrs["seed"] == 4_000_000_000
        assert attrs["sampling_time"] == 2.0
        assert attrs["sample_prior"] == "no"
        assert attrs["toolchain"] == "toolchain: embedded; stan: 2.35.0; compiler: g++ 12.2"
        assert len(attrs["stan_code_sha"]) == 64
        assert pd.Timestamp(attrs["created_at"]).tzinfo is not None


def test_draws_from_the_prior_are_marked(support: SimpleNamespace) -> None:
    fit = support.make_fit(model=support.make_model(sample_prior="only"))
    assert fit.idata.posterior.attrs["sample_prior"] == "only"
    assert "total draws from the prior = 2000" in str(fit)


def test_observations_have_the_labels_of_the_rows(support: SimpleNamespace) -> None:
    six = np.arange(6.0)
    model = support.make_model(weights=six, trials=np.arange(6), offset=six / 2)
    idata = support.make_fit(model=model).idata
    assert idata.observed_data["y"].dims == ("obs",)
    assert idata.observed_data["obs"].to_numpy().tolist() == [10, 11, 12, 14, 15, 16]
    assert set(idata.constant_data.data_vars) == {"weights", "trials", "offset"}
    assert idata.constant_data["trials"].sel(obs=14).item() == 3
    assert idata.constant_data["trials"].dtype == np.int64


def test_no_constant_data_no_group(fit: Fit) -> None:
    assert list(fit.idata.groups()) == ["posterior", "sample_stats", "observed_data"]


def test_a_response_called_obs(support: SimpleNamespace) -> None:
    idata = support.make_fit(model=support.make_model(response="obs")).idata
    assert idata.observed_data["obs"].dims == ("obs_dim",)


def test_warm_up_is_kept_when_there_is_one(support: SimpleNamespace) -> None:
    variables = support.sleep_variables()
    fit = support.make_fit(
        variables,
        warmup_draws=support.make_draws(variables, draws=20),
        warmup_stats=support.make_stats(draws=20),
    )
    assert fit.idata.warmup_posterior["r_g"].shape == (4, 20, 3, 2)
    assert fit.idata.warmup_sample_stats.sizes["draw"] == 20
    assert fit.idata.posterior.sizes["draw"] == 500


@pytest.mark.parametrize("group", ["chain", "draw", "coef", "obs", "b", "sigma", "lprior", "lp"])
def test_groups_with_names_that_are_taken(support: SimpleNamespace, group: str) -> None:
    model = support.make_model(group=group)
    fit = support.make_fit(support.sleep_variables(group), model)
    dim = f"{group}_dim"
    assert fit.idata.posterior[f"r_{group}"].dims == ("chain", "draw", dim, f"{group}__coef")
    assert fit[f"r_{group}[b,x]"].coords[dim].item() == "b"
    assert fit.idata.posterior["coef"].to_numpy().tolist() == ["Intercept", "x"]


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (pd.Index([3, 1]), [3, 1]),
        (pd.Index([3, 1], dtype="Int64"), [3, 1]),
        (pd.Index(["u", "v"]), ["u", "v"]),
        (pd.Index([1, "v"], dtype=object), ["1", "v"]),
        (pd.CategoricalIndex(["u", "v"]), ["u", "v"]),
        (pd.MultiIndex.from_tuples([("u", 1), ("v", 2)]), ["u, 1", "v, 2"]),
        (pd.Index([True, False]), [True, False]),
        (pd.period_range("2020-01", periods=2, freq="M"), ["2020-01", "2020-02"]),
    ],
)
def test_labels_of_observations(index: pd.Index[Any], expected: list[Any]) -> None:
    labels = observation_labels(index)
    assert labels.tolist() == expected
    assert labels.dtype.kind in "ibO"


def test_dates_stay_dates() -> None:
    labels = observation_labels(pd.date_range("2020", periods=2))
    assert labels.dtype.kind == "M"


def test_draws_cannot_be_changed(fit: Fit) -> None:
    with pytest.raises(ValueError, match="read-only"):
        fit.idata.posterior["b"].values[0, 0, 0] = 1


def test_draws_of_a_wrong_shape_are_refused(support: SimpleNamespace) -> None:
    with pytest.raises(BrmspyError, match="'b' have shape"):
        draws_dataset([support.population(("x",))], {"b": np.zeros((4, 5, 2))}, {})
