"""How much faster the approximations are than NUTS, and what Pareto k says of them.

    python benchmarks/approximations.py             both models, 3 seeds
    python benchmarks/approximations.py --seeds 1

Seconds are those of the whole call of `brm()` once the model is compiled: 4 x (1000 + 1000)
iterations of NUTS, or 4000 draws of an approximation. Every call of a model is made in turn on the
same machine; the table has medians over the seeds, ratios taken seed by seed. "Off by" is the
largest distance of a mean from that of NUTS with the same seed, in posterior standard deviations,
over all parameters that the summary shows; "failed" counts the seeds with which a method failed.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from brmspy import BrmsFit, SamplingError, SamplingWarning, brm, load_dataset

ALGORITHMS = ("nuts", "pathfinder", "laplace", "meanfield", "fullrank")


@dataclass(frozen=True)
class Measured:
    """One call."""

    algorithm: str
    seconds: float
    ratio: float
    k: float
    distance: float


def large() -> pd.DataFrame:
    """Return 20,000 binary outcomes in 200 groups, with three predictors."""
    rng = np.random.default_rng(1)
    rows, levels = 20_000, 200
    x = rng.normal(size=(rows, 3))
    g = rng.integers(levels, size=rows)
    eta = -0.5 + x @ [0.8, -0.4, 0.2] + rng.normal(size=levels)[g] * 0.7
    y = rng.uniform(size=rows) < 1 / (1 + np.exp(-eta))
    return pd.DataFrame({"y": y.astype(int), "a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "g": g})


def models() -> dict[str, dict[str, Any]]:
    return {
        "epil, 236 rows, 59 levels": {
            "formula": "y ~ lbase * trt + lage + V4 + (1 | subject)",
            "data": load_dataset("epil"),
            "family": "poisson",
        },
        "bernoulli, 20,000 rows, 200 levels": {
            "formula": "y ~ a + b + c + (1 | g)",
            "data": large(),
            "family": "bernoulli",
        },
    }


def timed(model: dict[str, Any], algorithm: str, seed: int) -> tuple[BrmsFit, float]:
    """Fit a model and return how many seconds that took."""
    start = time.perf_counter()
    fit = brm(**model, algorithm=algorithm, seed=seed, progress=False)
    return fit, time.perf_counter() - start


def measure(model: dict[str, Any], seed: int) -> Iterator[Measured]:
    """Fit a model with every algorithm, NUTS first."""
    nuts, baseline = timed(model, "nuts", seed)
    expected = nuts.summary()
    yield Measured("nuts", baseline, 1.0, np.nan, 0.0)
    for algorithm in ALGORITHMS[1:]:
        try:
            fit, seconds = timed(model, algorithm, seed)
        except SamplingError:
            continue
        found = fit.record.approximation
        assert found is not None
        distance = (fit.summary()["Estimate"] - expected["Estimate"]) / expected["Est.Error"]
        ratio = baseline / seconds
        yield Measured(algorithm, seconds, ratio, found.pareto_k, distance.abs().max())


def main() -> None:
    parser = argparse.ArgumentParser(description="Approximations against NUTS.")
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds")
    seeds = range(1, parser.parse_args().seeds + 1)
    warnings.simplefilter("ignore", SamplingWarning)  # the table has Pareto k
    for name, model in models().items():
        brm(**model, iter_warmup=100, iter_sampling=100, progress=False)  # compiles
        results = [result for seed in seeds for result in measure(model, seed)]
        print(f"\n{name}\n")
        print("| algorithm | seconds | times as fast | Pareto k | off by | failed |")
        print("|---|---|---|---|---|---|")
        for algorithm in ALGORITHMS:
            rows = [
                (one.seconds, one.ratio, one.k, one.distance)
                for one in results
                if one.algorithm == algorithm
            ]
            failed = f"{len(seeds) - len(rows)} of {len(seeds)}"
            if not rows:
                print(f"| {algorithm} | | | | | {failed} |")
                continue
            seconds, ratio, k, distance = np.median(rows, axis=0)
            shown = "" if np.isnan(k) else f"{k:.2f}"
            off = "" if algorithm == "nuts" else f"{distance:.2f} sd"
            print(f"| {algorithm} | {seconds:.2f} | {ratio:.1f} | {shown} | {off} | {failed} |")


if __name__ == "__main__":
    main()
