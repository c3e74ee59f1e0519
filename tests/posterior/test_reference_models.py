"""Every example reproduces the posterior and the default priors that brms has for its model.

The models are defined once, in ``examples/``; they are sampled in the coordinates that are chosen
by default, in the textbook's, and in others where these can work at all. The tolerances: a mean
within 0.1 standard deviations or four combined Monte Carlo standard errors, whichever is larger; a
standard deviation within 8 %.
"""

from __future__ import annotations

import functools
import importlib.util
import inspect
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import pytest

import brmspy

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
REFERENCE = Path(__file__).parent / "reference"
MODELS = sorted(path.stem for path in REFERENCE.glob("*.json"))

# A posterior with a standard deviation near zero: smaller steps than usual.
CAREFUL = {"loblolly_wide": {"adapt_delta": 0.99}}
# The references come from 10,000 draws, which leaves some of their standard deviations uncertain by
# 2 %. With 12,000 draws of our own the two errors together stay well inside 8 %.
SAMPLING: dict[str, Any] = {
    "seed": 20260101,
    "iter_sampling": 3000,
    "adapt_delta": 0.95,
    "progress": False,
}


def example(name: str) -> ModuleType:
    """Import one script of the examples folder."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.cache
def reference(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((REFERENCE / f"{name}.json").read_text())
    return content


def table(part: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(part["rows"], columns=part["columns"])


def test_every_example_has_a_reference() -> None:
    assert sorted(path.stem for path in EXAMPLES.glob("*.py") if path.stem != "demo") == MODELS


@pytest.mark.parametrize("name", MODELS)
def test_default_priors_equal_those_of_brms(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = example(name)
    signature = inspect.signature(brmspy.brm)
    monkeypatch.setattr(module, "brm", lambda *args, **kwargs: signature.bind(*args, **kwargs))
    model = module.fit().arguments
    ours = brmspy.default_prior(
        model["formula"], model["data"], family=model.get("family", "gaussian")
    )
    expected = table(reference(name)["default_prior"])
    pd.testing.assert_frame_equal(
        ours[list(expected.columns)].reset_index(drop=True).astype(str),
        expected.astype(str),
    )


TEXTBOOK = {"parameterization": "noncentered", "marginalize": False, "init": 2}
# One model for each structure that it leads to; tests/program/test_log_density.py checks the
# densities of these and of others.
IN_TEXTBOOK_FORM = ["sleepstudy", "oats", "cbpp", "epil", "plant_growth", "loblolly_seed_prior"]
# Coordinates beside the default and the textbook's. Not centred: models whose data say little about
# a level, or whose standard deviations may be zero, where that is a funnel.
OTHERS = [
    ("sleepstudy", {"parameterization": "noncentered"}),
    ("sleepstudy", {"parameterization": "centered", "marginalize": False}),
    ("sleepstudy", {"marginalize": False}),
    ("sleepstudy_uncorrelated", {"marginalize": False}),
    ("oats", {"marginalize": False}),
    ("cbpp", {"parameterization": "centered"}),
    ("epil", {"parameterization": "centered"}),
    ("poisson_sim", {"parameterization": "centered", "init": 2}),
    ("loblolly_seed_prior", {"parameterization": "centered"}),
]
FORMS = [
    *((name, {}) for name in MODELS),
    *((name, TEXTBOOK) for name in IN_TEXTBOOK_FORM),
    *OTHERS,
]


def form_id(value: Any) -> str:
    """Return the name of a model, or its options in short."""
    if isinstance(value, str):
        return value
    return "textbook" if value is TEXTBOOK else "-".join(map(str, value.values())) or "default"


@pytest.mark.compiled
@pytest.mark.parametrize(("name", "options"), FORMS, ids=form_id)
def test_posterior_equals_that_of_brms(name: str, options: dict[str, Any]) -> None:
    fit = example(name).fit(**(SAMPLING | CAREFUL.get(name, {}) | options))
    expected = table(reference(name)["posterior"]).set_index("variable")
    chains = fit.idata.posterior.sizes["chain"]
    frame = fit.draws_df()
    draws = {name: frame[name].to_numpy().reshape(chains, -1) for name in expected.index}
    ours = pd.DataFrame(
        {
            "mean": {variable: values.mean() for variable, values in draws.items()},
            "sd": {variable: values.std(ddof=1) for variable, values in draws.items()},
            "ess_bulk": {variable: az.ess(values) for variable, values in draws.items()},
        }
    ).loc[expected.index]
    monte_carlo = np.hypot(
        ours["sd"] / np.sqrt(ours["ess_bulk"]), expected["sd"] / np.sqrt(expected["ess_bulk"])
    )
    compared = expected.join(ours.add_suffix("_ours")).assign(
        mean_error=(ours["mean"] - expected["mean"]).abs()
        / np.maximum(0.1 * expected["sd"], 4 * monte_carlo),
        sd_error=(ours["sd"] / expected["sd"] - 1).abs() / 0.08,
    )
    wrong = compared[(compared["mean_error"] > 1) | (compared["sd_error"] > 1)]
    assert wrong.empty, f"errors above 1 are beyond the tolerance:\n{wrong.to_string()}"
    assert (ours["ess_bulk"] > 400).all(), ours[ours["ess_bulk"] <= 400].to_string()
