"""How much faster the default program samples than the textbook's, for the same posterior.

The textbook's program is brms': every group-level effect a standard normal times its standard
deviation, nothing integrated out, coefficients and starting points as they come
(``parameterization="noncentered", marginalize=False, init=2``). Both run in turn on the same
machine, each fit in a process of its own. The measure is the smallest bulk ESS of coefficients,
standard deviations, correlations and family parameters, per second of all chains' time, warm-up
included.

    python benchmarks/speed.py                   all examples: 4 x (1000 + 1000), 3 seeds
    python benchmarks/speed.py sleepstudy oats   some of them
    python benchmarks/speed.py --large           made-up data of 10,000 and 100,000 rows
    python benchmarks/speed.py --growth          how seconds grow with rows and with levels
    python benchmarks/speed.py --compile         seconds to compile, cold and cached

Ratios are taken seed by seed; the table has their medians. Run it on an idle machine; the first run
compiles.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from brmspy import BrmsFit, brm

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
MULTILEVEL = (
    "sleepstudy",
    "sleepstudy_uncorrelated",
    "oats",
    "cbpp",
    "cbpp_id",
    "epil",
    "poisson_sim",
    "salamander",
    "loblolly_seed_prior",
    "loblolly_wide",
)
OTHERS = ("plant_growth", "puromycin")
SEEDS = (1, 2, 3)
FORMS: dict[str, dict[str, Any]] = {
    "textbook": {"parameterization": "noncentered", "marginalize": False, "init": 2},
    "default": {},
}
# The textbook's form of the large models would take hours at full length.
SHORT = {"iter_warmup": 300, "iter_sampling": 300}


def example(name: str) -> Callable[..., BrmsFit]:
    """Return the function that fits an example."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    if spec is None or spec.loader is None or not (EXAMPLES / f"{name}.py").exists():
        raise SystemExit(f"There is no example {name!r}.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    fit: Callable[..., BrmsFit] = module.fit
    return fit


def made_up(rows: int, levels: int, slopes: int, family: str) -> pd.DataFrame:
    """Return data with correlated intercepts and slopes for the levels of one factor."""
    rng = np.random.default_rng(rows + levels + slopes)
    g = rng.integers(levels, size=rows)
    x = rng.normal(size=(rows, max(slopes, 1)))
    effects = rng.normal(size=(levels, slopes + 1)) * 0.5
    eta = 0.5 + 0.3 * x[:, 0] + effects[g, 0] + (x[:, :slopes] * effects[g, 1:]).sum(axis=1)
    data = pd.DataFrame(x, columns=[f"x{i + 1}" for i in range(x.shape[1])])
    data["g"] = pd.Categorical(g)
    data["y"] = rng.poisson(np.exp(eta)) if family == "poisson" else eta + rng.normal(size=rows)
    return data


def crossed(rows: int, family: str) -> pd.DataFrame:
    """Return data with 200 subjects crossed with 500 items."""
    rng = np.random.default_rng(rows)
    subject, item = rng.integers(200, size=rows), rng.integers(500, size=rows)
    x = rng.normal(size=rows)
    eta = 0.5 + 0.3 * x + 0.5 * rng.normal(size=200)[subject] + 0.4 * rng.normal(size=500)[item]
    data = pd.DataFrame({"x1": x, "subject": subject, "item": item})
    data["y"] = rng.poisson(np.exp(eta)) if family == "poisson" else eta + rng.normal(size=rows)
    return data.astype({"subject": "category", "item": "category"})


def nested(rows: int) -> pd.DataFrame:
    """Return over-dispersed counts of broods within locations, 118 in 63."""
    rng = np.random.default_rng(rows)
    location_of = np.concatenate([np.arange(63), rng.integers(63, size=55)])
    brood = np.concatenate([np.arange(118), rng.integers(118, size=rows - 118)])
    year = rng.integers(3, size=rows)
    eta = 0.5 + np.array([0.0, 1.0, -1.0])[year] + 0.8 * rng.normal(size=63)[location_of[brood]]
    eta += 1.0 * rng.normal(size=118)[brood] + 0.5 * rng.normal(size=rows)
    data = pd.DataFrame({"year": year, "row": np.arange(rows), "brood": brood})
    data["location"] = location_of[brood]
    data = data.astype("category")
    data["y"] = rng.poisson(np.exp(eta))
    return data


def large(name: str) -> Callable[..., BrmsFit]:
    """Return the function that fits a model to made-up data: ``family-rows-levels-slopes``."""
    family, rows, levels, slopes = name.split("-")

    def fit(**options: Any) -> BrmsFit:
        if levels == "crossed":
            formula = "y ~ x1 + (1 | subject) + (1 | item)"
            return brm(formula, crossed(int(rows), family), family, **options)
        if levels == "nested":
            formula = "y ~ year + (1 | location) + (1 | brood) + (1 | row)"
            return brm(formula, nested(int(rows)), family, **options)
        data = made_up(int(rows), int(levels), int(slopes), family)
        terms = " + ".join(f"x{i + 1}" for i in range(int(slopes))) or "1"
        fixed = terms if int(slopes) else "x1"
        return brm(f"y ~ {fixed} + ({terms} | g)", data, family, **options)

    return fit


LARGE = (
    "poisson-403-nested-0",
    "gaussian-10000-200-1",
    "gaussian-100000-2000-1",
    "gaussian-10000-200-3",
    "gaussian-10000-crossed-0",
    "poisson-10000-200-1",
    "poisson-10000-200-3",
    "poisson-10000-crossed-0",
    "poisson-100000-2000-1",
)
GROWTH = [
    f"{family}-{rows}-{levels}-1"
    for family in ("gaussian", "poisson")
    for rows, levels in ((2000, 100), (8000, 100), (32000, 100), (32000, 400), (32000, 1600))
]


def fit_once(name: str, options: dict[str, Any]) -> dict[str, float]:
    """Fit a model and return what was measured."""
    fit = large(name) if "-" in name else example(name)
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about divergences, which the table counts
        fitted = fit(progress=False, **options)
    seconds = time.perf_counter() - began
    ess = float(fitted.summary()["Bulk_ESS"].min())
    stats = fitted.idata.sample_stats
    chains = float(np.sum(fitted.record.seconds))
    peak = [
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    return {
        "ess": ess,
        "seconds": chains,
        "speed": ess / max(chains, 1e-3),  # Stan counts milliseconds
        "wall": seconds,
        "divergences": float(stats["diverging"].sum()),
        "steps": float(stats["n_steps"].mean()),
        "peak": max(peak) / 1024.0,
    }


def measure(name: str, form: str, **options: Any) -> dict[str, float]:
    """Fit a model in a process of its own and return what was measured there."""
    call = json.dumps([name, FORMS[form] | options])
    done = subprocess.run(
        [sys.executable, __file__, "--once", call], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def compare(names: list[str], seeds: tuple[int, ...], **options: Any) -> None:
    """Print a table of the default against the textbook's form."""
    print(
        f"{'model':27}{'textbook':>11}{'default':>11}{'ratio':>8}  divergences  steps     "
        "peak memory"
    )
    ratios = {}
    for name in names:
        for form in FORMS:  # compiles, so that no fit is measured beside a compiler
            measure(name, form, seed=1, chains=1, iter_warmup=10, iter_sampling=10)
        pairs = [
            {form: measure(name, form, seed=seed, **options) for form in FORMS} for seed in seeds
        ]
        speeds = [np.median([pair[form]["speed"] for pair in pairs]) for form in FORMS]
        ratio = np.median([pair["default"]["speed"] / pair["textbook"]["speed"] for pair in pairs])
        ratios[name] = float(ratio)
        lost = [int(sum(pair[form]["divergences"] for pair in pairs)) for form in FORMS]
        steps = [np.median([pair[form]["steps"] for pair in pairs]) for form in FORMS]
        peak = [max(pair[form]["peak"] for pair in pairs) for form in FORMS]
        print(
            f"{name:27}{speeds[0]:9.1f}/s{speeds[1]:9.1f}/s{ratio:8.1f}"
            f"{lost[0]:6d} ->{lost[1]:3d}{steps[0]:6.0f} ->{steps[1]:3.0f}"
            f"{peak[0]:8.0f} ->{peak[1]:5.0f} MB",
            flush=True,
        )
    chosen = [ratio for name, ratio in ratios.items() if name not in OTHERS]
    print(
        f"geometric mean of the ratios{' of multilevel models' if chosen else ''}: "
        f"{np.exp(np.mean(np.log(chosen or list(ratios.values())))):.1f}"
    )


def growth() -> None:
    """Print how the seconds of the default form grow."""
    print(f"{'model':27}{'rows':>8}{'levels':>8}{'chains':>10}{'ESS':>7}{'call':>9}")
    for name in GROWTH:
        measure(name, "default", seed=1, chains=1, iter_warmup=10, iter_sampling=10)
        found = measure(name, "default", seed=1)
        _, rows, levels, _ = name.split("-")
        print(
            f"{name:27}{rows:>8}{levels:>8}{found['seconds']:8.1f} s{found['ess']:7.0f}"
            f"{found['wall']:7.1f} s",
            flush=True,
        )


def compile_times(names: list[str]) -> None:
    """Print the seconds until a chain of ten iterations returns, with an empty cache and after."""
    print(f"{'model':27}{'textbook, cold':>16}{'default, cold':>16}{'cached':>10}")
    with tempfile.TemporaryDirectory() as folder:
        # Builds what is built once for each machine.
        first = json.dumps(["puromycin", {"chains": 1, "iter_warmup": 10, "iter_sampling": 10}])
        _timed(first, folder)
        for name in names:
            cold = []
            for form in FORMS:
                options = {"seed": 1, "chains": 1, "iter_warmup": 10, "iter_sampling": 10}
                call = json.dumps([name, FORMS[form] | options])
                cold.append([_timed(call, folder) for _ in range(2)])
            print(
                f"{name:27}{cold[0][0]:14.1f} s{cold[1][0]:14.1f} s{cold[1][1]:8.2f} s", flush=True
            )


def _timed(call: str, models: str) -> float:
    """Return the seconds of one call, with executables in a folder of their own."""
    done = subprocess.run(
        [sys.executable, __file__, "--once", call],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "BRMSPY_CACHE_DIR": models},
    )
    return float(json.loads(done.stdout.splitlines()[-1])["wall"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*")
    for flag in ("large", "growth", "compile"):
        parser.add_argument(f"--{flag}", action="store_true")
    parser.add_argument("--once", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        name, options = json.loads(arguments.once)
        print(json.dumps(fit_once(name, options)))
    elif arguments.growth:
        growth()
    elif arguments.compile:
        compile_times(arguments.models or ["sleepstudy", "oats", "epil", "loblolly_wide"])
    elif arguments.large:
        compare(arguments.models or list(LARGE), (1,), **SHORT)
    else:
        compare(arguments.models or [*MULTILEVEL, *OTHERS], SEEDS)


if __name__ == "__main__":
    main()
