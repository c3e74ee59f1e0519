"""What all tests share."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from brmspy import BrmsFit

# Set before anything imports Matplotlib: no test needs a screen.
os.environ["MPLBACKEND"] = "agg"

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    """Close all figures after each test: Matplotlib warns of more than twenty."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@functools.cache
def _example_fit(name: str) -> BrmsFit:
    """Return the fit of an example, 4 chains with 1000 draws each; made once in each process."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    delta = 0.99 if name == "loblolly_wide" else 0.95
    with warnings.catch_warnings():
        # Of few divergences, in models whose standard deviations may be zero.
        warnings.simplefilter("ignore")
        fit: BrmsFit = module.fit(seed=20260101, adapt_delta=delta, progress=False)
    return fit


@pytest.fixture(scope="session")
def example_fit() -> Callable[[str], BrmsFit]:
    """Return the function that fits an example of ``examples/``; mark its tests ``compiled``."""
    return _example_fit


def _made_up(name: str, section: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Return draws of a variable inside its support."""
    rng = np.random.default_rng([seed, *name.encode()])
    if section in ("group_sd", "family"):
        return rng.gamma(9.0, 0.25, size=shape) + (1.0 if name == "nu" else 0.0)
    if section == "group_cor":
        return rng.uniform(-0.3, 0.6, size=shape)
    return rng.normal(1.0, 1.0, size=shape)


def _made_fit(
    formula: Any,
    data: Any,
    family: Any = "gaussian",
    prior: Any = None,
    *,
    draws: Mapping[str, Any] | None = None,
    chains: int = 2,
    length: int = 150,
    seed: int = 1,
    stats: Mapping[str, np.ndarray] | None = None,
    **options: Any,
) -> BrmsFit:
    """Return a fit of a real model whose draws are made up, or given by variable."""
    from brmspy import BrmsFit
    from brmspy.engine.sampling import SampleOptions, SamplerRun
    from brmspy.fit.naming import posterior_variables
    from brmspy.fit.record import FitRecord
    from brmspy.model import build

    model = build(formula, data, family, prior, **options)
    variables = posterior_variables(model.design, model.program)
    given = dict(draws or {})
    values = {
        v.name: np.asarray(given.pop(v.name))
        if v.name in given
        else _made_up(v.name, v.section, (chains, length, *v.shape), seed)
        for v in variables
    }
    assert not given, f"no such variables: {sorted(given)}"
    shape = (chains, length)
    rng = np.random.default_rng(seed)
    sampled = {
        "lp": rng.normal(size=shape),
        "diverging": np.zeros(shape, dtype=bool),
        "reached_max_treedepth": np.zeros(shape, dtype=bool),
        "energy": rng.normal(size=shape),
        **(stats or {}),
    }
    run = SamplerRun(
        draws={},
        stats=sampled,
        warmup_draws=None,
        warmup_stats=None,
        chain_ids=tuple(range(1, chains + 1)),
        seconds=np.array([(0.5, 0.25)] * chains),
        step_size=np.full(chains, 0.5),
        inv_metric=np.ones((chains, 3)),
        seed=seed,
        interrupted=False,
        failures=(),
    )
    toolchain = {"toolchain": "embedded", "stan": "2.35.0", "compiler": "g++ 12.2"}
    settings = SampleOptions(chains=chains, iter_sampling=length)
    record = FitRecord.of(model, run, settings, toolchain)
    program = SimpleNamespace(
        recover=lambda _: values,
        log_prior=lambda _: np.zeros(shape),
        **{name: getattr(model.program, name) for name in ("code", "data", "plan", "terms")},
    )
    made = SimpleNamespace(
        program=program,
        spec=model.spec,
        default_priors=model.default_priors,
        **{
            name: getattr(model, name)
            for name in ("formula", "family", "design", "response", "priors", "sample_prior")
        },
    )
    with warnings.catch_warnings():
        # Of chains that are too short to be judged.
        warnings.simplefilter("ignore")
        return BrmsFit._made(made, variables, record, {"": ({}, sampled)})


@pytest.fixture(scope="session")
def made_fit() -> Callable[..., BrmsFit]:
    """Return a function that makes a fit without Stan: of a real model, with draws as given.

    ``made_fit(formula, data, family, prior, draws={"b": array of (chain, draw, coef)})``.
    """
    return _made_fit
