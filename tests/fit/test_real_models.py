"""Fits of real models, with draws made up in the sampler's coordinates: nothing is compiled."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import brmspy
from brmspy.errors import BrmspyWarning
from brmspy.fit import Fit
from brmspy.fit.naming import posterior_variables
from brmspy.model import Model, build, model_from_spec

pytestmark = pytest.mark.slow

ROWS = 60


def make_data() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "y": rng.normal(size=ROWS),
            "n": rng.integers(3, 9, ROWS),
            "x": rng.uniform(1, 3, size=ROWS),
            "g": rng.choice(["a b", "a.b", "é", "d/e"], ROWS),
            "chain": rng.choice(["u", "v", "w"], ROWS),
            "f": pd.Categorical(rng.choice(["lo", "hi"], ROWS), categories=["lo", "hi", "unused"]),
            "treated": rng.random(ROWS) < 0.5,
            "two words": rng.normal(size=ROWS),
        },
        index=pd.date_range("2024-01-01", periods=ROWS, freq="D", name="day"),
    )
    frame["k"] = rng.binomial(frame["n"], 0.4)
    frame.loc[frame.index[[3, 7]], "x"] = np.nan
    return frame


MODELS: dict[str, dict[str, Any]] = {
    "fixed": {"formula": "y ~ x + f + treated"},
    "names": {"formula": "y ~ poly(x, 2) + I(x^2) + `two words` + (x | g) + (1 | chain)"},
    "distributional": {"formula": brmspy.bf("y ~ x + (1 |p| g)", "sigma ~ f + (1 |p| g)")},
    "binomial": {
        "formula": "k | trials(n) ~ x + offset(log(x)) + (1 | g)",
        "family": brmspy.binomial(link="probit"),
        "prior": brmspy.prior("normal(0, 2)", class_="b"),
    },
    "non-linear": {
        "formula": brmspy.bf("y ~ a * exp(-b * x)", "a ~ 1 + (1 | g)", "b ~ f", nl=True),
        "prior": [
            brmspy.prior("normal(1, 2)", nlpar="a"),
            brmspy.prior("normal(0, 1)", nlpar="b", lb=0),
        ],
    },
    "contrasts": {
        "formula": "y ~ x + f + C(chain, Helmert) + (f | g)",
        "contrasts": {"f": {"hi - lo": [-0.5, 0.5]}},
    },
    "fixed sigma": {"formula": brmspy.bf("y ~ 0 + x", sigma=0.5), "family": "student"},
    "prior only": {
        "formula": "n ~ 1 + (1 | g/chain)",
        "family": "negbinomial",
        "sample_prior": "only",
    },
}


def draws_of(model: Model) -> dict[str, np.ndarray]:
    """Return draws of every parameter of the program, inside its support."""
    rng = np.random.default_rng(2)
    draws = {}
    for parameter in model.program.parameters:
        sizes = [size.strip() for size in parameter.size.split(",") if size]
        data = model.program.data
        shape = tuple(int(data[size]) if size in data else int(size) for size in sizes)
        if parameter.type == "cholesky_factor_corr":
            lower = np.tril(rng.uniform(0.1, 1, size=(4, 250, shape[0], shape[0])))
            values = lower / np.linalg.norm(lower, axis=-1, keepdims=True)
        else:
            values = rng.uniform(1.1, 1.9, size=(4, 250, *shape))
        draws[parameter.name] = values
    return {name: draws[name] for name in model.program.sampled}


def make_fit(name: str, support: SimpleNamespace) -> Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BrmspyWarning)
        model = build(data=make_data(), **MODELS[name])
        draws = draws_of(model)
        run = support.make_run({**draws, "target": np.zeros((4, 250))})
        return Fit.from_run(
            model,
            posterior_variables(model.design, model.program),
            run,
            support.options(iter_sampling=250, seed=3),
            support.toolchain,
        )


@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_is_found_by_its_name(support: SimpleNamespace, name: str) -> None:
    fit = make_fit(name, support)
    assert len(set(fit.names)) == len(fit.names)
    draws = fit.draws_df()
    for parameter in fit.names:
        np.testing.assert_array_equal(fit[parameter].to_numpy().ravel(), draws[parameter])
    assert fit.nobs == (ROWS if name == "prior only" else ROWS - 2)
    assert np.isfinite(fit["lprior"]).all()


@pytest.mark.parametrize("name", MODELS)
def test_round_trip(support: SimpleNamespace, name: str, tmp_path: Path) -> None:
    fit = make_fit(name, support)
    fit.save(tmp_path / "fit.nc")
    again = Fit.load(tmp_path / "fit.nc", model_from_spec)
    assert str(again) == str(fit)
    assert again.stancode == fit.stancode == again.model.program.code
    assert str(again.formula) == str(fit.formula)
    assert str(again.family) == str(fit.family)
    assert again.model.spec() == fit.model.spec()
    pd.testing.assert_frame_equal(again.prior_summary(), fit.prior_summary())
    pd.testing.assert_frame_equal(again.data, fit.data, check_freq=False)
    assert again.standata.keys() == fit.standata.keys()
    for key, value in fit.standata.items():
        np.testing.assert_array_equal(again.standata[key], value)
    for key, group in fit.groups.items():
        assert again.groups[key].identical(group)


def test_a_loaded_fit_prepares_new_data_as_the_old_one(
    support: SimpleNamespace, tmp_path: Path
) -> None:
    fit = make_fit("names", support)
    fit.save(tmp_path / "fit.nc")
    again = Fit.load(tmp_path / "fit.nc", model_from_spec)
    new = make_data().dropna().iloc[[5, 1]].assign(x=[1.7, 40.0])
    ours, theirs = (f.model.design.arrays_for(new).predictors["mu"].X for f in (fit, again))
    np.testing.assert_array_equal(ours, theirs)


def test_labels_keep_the_users_text(support: SimpleNamespace) -> None:
    fit = make_fit("names", support)
    assert fit["b"].coords["coef"].to_numpy().tolist() == [
        "Intercept", "poly(x, 2)1", "poly(x, 2)2", "I(x^2)", "`two words`"
    ]  # fmt: skip
    assert "b_polyx21" in fit
    assert "b_poly(x, 2)1" in fit
    assert fit["r_g"].coords["g"].to_numpy().tolist() == sorted(["a b", "a.b", "é", "d/e"])
    # brms writes both levels as a.b; here each has a name of its own.
    assert {"r_g[a b,x]", "r_g[a.b,x]"} < set(fit.names)
    assert fit["r_chain"].dims == ("chain", "draw", "chain_dim", "chain__coef")
    assert fit.ngrps == {"g": 4, "chain": 3}


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("fixed", ["Family: gaussian", "58 observations; missing values left out 2 rows: x (2)"]),
        ("distributional", ["Links: mu = identity; sigma = log", "cor(Intercept,sigma_Intercept)"]),
        ("binomial", ["Links: mu = probit", "k | trials(n) ~ x + offset(log(x)) + (1 | g)"]),
        ("non-linear", ["sd(a_Intercept)", "a_Intercept", "b_fhi"]),
        ("prior only", ["~g (Number of levels: 4)", "~g:chain (Number of levels: 12)", "shape"]),
    ],
)
def test_printed_fit(support: SimpleNamespace, name: str, lines: list[str]) -> None:
    text = str(make_fit(name, support))
    for line in lines:
        assert line in text


def test_constant_data_of_a_binomial_model(support: SimpleNamespace) -> None:
    fit = make_fit("binomial", support)
    data = make_data().dropna()
    constant = fit.idata.constant_data
    np.testing.assert_array_equal(constant["trials"], data["n"])
    np.testing.assert_allclose(constant["offset"], np.log(data["x"]))
    np.testing.assert_array_equal(fit.idata.observed_data["k"], data["k"])
    assert (constant["obs"].to_numpy() == data.index.to_numpy()).all()
