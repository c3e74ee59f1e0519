"""Fits without Stan: a small model by hand, and draws from known distributions."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy.engine.sampling import SampleOptions, SamplerRun
from brmspy.fit import Fit, Variable


@dataclass(frozen=True)
class FakeProgram:
    """Draws are already those of the user's parameters."""

    code: str = "// y ~ x + (x | g)\nparameters { real b; }"
    data: Mapping[str, Any] = field(default_factory=lambda: {"N": 6})

    def recover(self, draws: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: values for name, values in draws.items() if name != "target"}

    def log_prior(self, draws: Mapping[str, np.ndarray]) -> np.ndarray:
        return draws["target"]


@dataclass(frozen=True)
class FakeDropped:
    count: int = 0
    by_column: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return "2 rows: x (1), y (1)"


@dataclass(frozen=True)
class FakePriors:
    def table(self) -> pd.DataFrame:
        return pd.DataFrame({"prior": ["normal(0, 1)"], "class": ["b"]})


@dataclass(frozen=True)
class FakeModel:
    formula: str
    family: Any
    design: Any
    response: np.ndarray
    priors: Any
    program: FakeProgram = FakeProgram()
    sample_prior: str = "no"

    def spec(self) -> dict[str, Any]:
        return {"formula": self.formula, "sample_prior": self.sample_prior}


def texts(*values: str) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def scalar(name: str) -> Variable:
    text = np.array(name, dtype=object)
    return Variable(name, "family", (), {}, text, text)


def group_variables(group: str, levels: Sequence[str], coefs: Sequence[str]) -> list[Variable]:
    """Return sd, cor and r of one grouping factor."""
    dim = f"{group}__coef"
    effects = np.array([[f"r_{group}[{level},{c}]" for c in coefs] for level in levels], object)
    found = [
        Variable(
            f"sd_{group}",
            "group_sd",
            (dim,),
            {dim: tuple(coefs)},
            texts(*(f"sd_{group}__{coef}" for coef in coefs)),
            texts(*(f"sd({coef})" for coef in coefs)),
            group,
        ),
        Variable(
            f"r_{group}",
            "group_effects",
            (group, dim),
            {group: tuple(levels), dim: tuple(coefs)},
            effects,
            effects,
            group,
        ),
    ]
    if len(coefs) == 2:
        pair = f"{group}__pair"
        first, second = coefs
        found.insert(
            1,
            Variable(
                f"cor_{group}",
                "group_cor",
                (pair,),
                {pair: (f"{first}, {second}",)},
                texts(f"cor_{group}__{first}__{second}"),
                texts(f"cor({first},{second})"),
                group,
            ),
        )
    return found


def population(
    labels: Sequence[str], brms: Sequence[str] | None = None, predictor: str = "mu"
) -> Variable:
    """Return the coefficients of a predictor."""
    prefix = "" if predictor == "mu" else f"{predictor}_"
    dim = "coef" if predictor == "mu" else f"coef_{predictor}"
    names = labels if brms is None else brms
    return Variable(
        "b" if predictor == "mu" else f"b_{predictor}",
        "population",
        (dim,),
        {dim: tuple(labels)},
        texts(*(f"b_{prefix}{name}" for name in names)),
        texts(*(prefix + name for name in names)),
    )


def sleep_variables(group: str = "g") -> list[Variable]:
    """Return the variables of ``y ~ x + (x | g)``."""
    hyper = group_variables(group, ("a", "b", "c d"), ("Intercept", "x"))
    return [*hyper[:2], population(("Intercept", "x")), scalar("sigma"), hyper[2]]


def make_model(
    frame: pd.DataFrame | None = None,
    *,
    formula: str = "y ~ x + (x | g)",
    response: str = "y",
    group: str = "g",
    dropped: int = 0,
    sample_prior: str = "no",
    weights: np.ndarray | None = None,
    trials: np.ndarray | None = None,
    offset: np.ndarray | None = None,
) -> FakeModel:
    """Return a model of six rows."""
    if frame is None:
        frame = pd.DataFrame(
            {"y": np.arange(6.0), "x": [1, 2, 3, 1, 2, 3], "g": ["a", "a", "b", "b", "c d", "c d"]},
            index=pd.Index([10, 11, 12, 14, 15, 16], name="row"),
        )
    link = SimpleNamespace(name="identity")
    return FakeModel(
        formula=formula,
        family=SimpleNamespace(
            name="gaussian",
            link=link,
            dpars=(
                SimpleNamespace(name="mu", link=link),
                SimpleNamespace(name="sigma", link=SimpleNamespace(name="log")),
            ),
        ),
        design=SimpleNamespace(
            terms=SimpleNamespace(response=SimpleNamespace(label=response)),
            contrasts={},
            factors={},
            predictors={"mu": None},
            groups=(SimpleNamespace(group=group, levels=("a", "b", "c d")),),
            arrays=SimpleNamespace(
                nobs=len(frame),
                rows=frame.index,
                weights=weights,
                trials=trials,
                predictors={"mu": SimpleNamespace(offset=offset)},
            ),
            data=frame,
            dropped=FakeDropped(dropped),
        ),
        response=np.arange(float(len(frame))),
        priors=FakePriors(),
        sample_prior=sample_prior,
    )


def make_draws(
    variables: Sequence[Variable], chains: int = 4, draws: int = 500, seed: int = 1
) -> dict[str, np.ndarray]:
    """Return independent normal draws, means 1, 2, ... in the variables' order."""
    rng = np.random.default_rng(seed)
    values = {}
    place = 0
    for variable in variables:
        size = variable.brms.size
        means = np.arange(place + 1, place + size + 1).reshape(variable.shape)
        values[variable.name] = means + rng.normal(size=(chains, draws, *variable.shape))
        place += size
    values["target"] = rng.normal(size=(chains, draws))
    return values


def make_stats(chains: int = 4, draws: int = 500, seed: int = 2) -> dict[str, np.ndarray]:
    """Return statistics of a sampler without problems."""
    rng = np.random.default_rng(seed)
    shape = (chains, draws)
    return {
        "lp": rng.normal(size=shape),
        "acceptance_rate": rng.uniform(0.8, 1, size=shape),
        "step_size": np.full(shape, 0.5),
        "tree_depth": np.full(shape, 3),
        "n_steps": np.full(shape, 7),
        "diverging": np.zeros(shape, dtype=bool),
        "energy": rng.normal(size=shape),
        "reached_max_treedepth": np.zeros(shape, dtype=bool),
    }


def make_run(draws: Mapping[str, np.ndarray], **changes: Any) -> SamplerRun:
    """Return what a sampler returns."""
    chains, count = draws["target"].shape
    run = SamplerRun(
        draws=draws,
        stats=make_stats(chains, count),
        warmup_draws=None,
        warmup_stats=None,
        chain_ids=tuple(range(1, chains + 1)),
        seconds=np.array([(1.0, 0.25 * chain) for chain in range(1, chains + 1)]),
        step_size=np.full(chains, 0.5),
        inv_metric=np.full((chains, 3), 1 / 3),
        seed=4_000_000_000,
        interrupted=False,
        failures=(),
    )
    return replace(run, **changes)


TOOLCHAIN = {"toolchain": "embedded", "stan": "2.35.0", "compiler": "g++ 12.2"}


def make_fit(
    variables: Sequence[Variable] | None = None,
    model: FakeModel | None = None,
    *,
    chains: int = 4,
    draws: int = 500,
    options: SampleOptions | None = None,
    change: Callable[[dict[str, np.ndarray]], object] | None = None,
    **run: Any,
) -> Fit:
    """Return a fit; `change` may edit its draws, and other arguments what the sampler returned."""
    variables = sleep_variables() if variables is None else variables
    values = make_draws(variables, chains, draws)
    if change is not None:
        change(values)
    chosen = SampleOptions(chains=chains, iter_sampling=draws) if options is None else options
    return Fit.from_run(
        make_model() if model is None else model,  # type: ignore[arg-type]  # a stand-in
        variables,
        make_run(values, **run),
        chosen,
        TOOLCHAIN,
    )


@pytest.fixture(scope="session")
def support() -> SimpleNamespace:
    """The functions of this file, which tests cannot import."""
    return SimpleNamespace(
        group_variables=group_variables,
        make_draws=make_draws,
        make_fit=make_fit,
        make_model=make_model,
        make_run=make_run,
        make_stats=make_stats,
        options=SampleOptions,
        population=population,
        scalar=scalar,
        sleep_variables=sleep_variables,
        texts=texts,
        toolchain=TOOLCHAIN,
    )


@pytest.fixture(scope="session")
def _fit() -> Fit:
    return make_fit()


@pytest.fixture
def fit(_fit: Fit) -> Fit:
    """A fit of ``y ~ x + (x | g)`` without problems; its cached properties are not filled."""
    return copy.copy(_fit)
