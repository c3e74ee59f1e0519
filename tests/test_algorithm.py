"""The argument `algorithm` of `brm()`: names, and what only Markov chains have; without Stan."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy import SamplingError, brm
from brmspy.engine.approximate import ApproximateOptions
from brmspy.engine.options import SampleOptions
from brmspy.fitting import run

DATA = pd.DataFrame({"y": [1.0, 3.0, 2.0, 5.0, 4.0, 6.0], "x": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]})


class Started(Exception):  # noqa: N818 -- it says how far brm() came
    """Stan would have been started, in this way."""

    def __init__(self, options: SampleOptions | ApproximateOptions) -> None:
        self.options = options
        super().__init__()


@dataclass(frozen=True)
class Binary:
    exe: str = ""
    was_cached: bool = True
    seconds: float = 0.0


@pytest.fixture(autouse=True)
def without_stan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile nothing, and go no further than to the start of Stan."""

    def start(exe: object, data: object, options: Any, **settings: object) -> None:
        raise Started(options)

    monkeypatch.setattr(run, "compiled", lambda *arguments, **settings: Binary())
    monkeypatch.setattr(run, "sample", start)
    monkeypatch.setattr(run, "approximate", start)


def options(algorithm: str, **arguments: Any) -> Any:
    """Return what Stan would be started with."""
    with pytest.raises(Started) as caught:
        brm("y ~ x", DATA, algorithm=algorithm, progress=False, **arguments)
    return caught.value.options


@pytest.mark.parametrize("name", ["nuts", "sampling"])
def test_nuts_and_brms_name_for_it(name: str) -> None:
    found = options(name, chains=3, iter=500, control={"adapt_delta": 0.9})
    assert isinstance(found, SampleOptions)
    assert (found.chains, found.iter_warmup, found.adapt_delta) == (3, 250, 0.9)


@pytest.mark.parametrize("name", ["pathfinder", "laplace", "meanfield", "fullrank"])
def test_an_approximation_has_the_draws_of_the_chains(name: str) -> None:
    found = options(name, chains=6, iter_sampling=300, cores=2, seed=9)
    assert isinstance(found, ApproximateOptions)
    assert found.algorithm == name
    assert found.draws == 1800
    assert found.paths == (6 if name == "pathfinder" else 1)
    assert (found.cores, found.seed) == (2, 9)


def test_pathfinder_follows_four_paths_at_least() -> None:
    assert options("pathfinder", chains=1).paths == 4
    assert options("pathfinder", chains=1).draws == 1000


def test_initial_values_that_are_listed_are_those_of_the_paths() -> None:
    listed = [{"Intercept": 1.0}, {"Intercept": 2.0}]
    found = options("pathfinder", chains=2, init=listed)
    assert found.paths == 2
    assert len(found.inits) == 2


def test_one_mapping_serves_an_approximation() -> None:
    found = options("laplace", init={"Intercept": 1.0})
    assert found.paths == 1
    assert found.inits is not None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("advi", "Did you mean 'meanfield' or 'fullrank'?"),
        ("VB", "Did you mean 'meanfield' or 'fullrank'?"),
        ("hmc", "Did you mean 'nuts'?"),
        ("optimizing", "Did you mean 'laplace'?"),
        ("path", "Valid names: 'nuts', 'pathfinder', 'laplace', 'meanfield', 'fullrank'."),
        ("pathfind", "Did you mean 'pathfinder'?"),
        ("mean-field", "Did you mean 'meanfield'?"),
        ("Laplace", "Did you mean 'laplace'?"),
        ("fixed_param", "Valid names"),
        (None, "algorithm = None is not valid"),
    ],
)
def test_names_that_are_not_known(name: Any, said: str) -> None:
    with pytest.raises(SamplingError, match=re.escape(said)):
        brm("y ~ x", DATA, algorithm=name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iter_warmup", 500),
        ("thin", 2),
        ("adapt_delta", 0.95),
        ("max_treedepth", 12),
        ("save_warmup", True),
        ("iter", 2000),
        ("warmup", 1000),
        ("control", {}),
    ],
)
def test_what_only_chains_have_is_refused(name: str, value: Any) -> None:
    with pytest.raises(SamplingError, match=f"{name} = .* has no meaning with algorithm='laplace'"):
        brm("y ~ x", DATA, algorithm="laplace", **{name: value})


@pytest.mark.parametrize("name", ["laplace", "meanfield", "fullrank"])
def test_an_approximation_starts_once(name: str) -> None:
    listed = [{"Intercept": 1.0}] * 4
    with pytest.raises(SamplingError, match=r"init has 4 values.*starts once\. Give one mapping"):
        brm("y ~ x", DATA, algorithm=name, init=listed)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"chains": 0}, "chains = 0"),
        ({"iter_sampling": 1.5}, "iter_sampling = 1.5"),
        ({"seed": "x"}, "seed = 'x'"),
        ({"init": -1}, "init = -1"),
        ({"init": {"nothing": 1.0}}, "init has a value for 'nothing'"),
        ({"cores": np.nan}, "cores = nan"),
    ],
)
def test_values_that_are_not_valid(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(SamplingError, match=said):
        brm("y ~ x", DATA, algorithm="pathfinder", **arguments)
