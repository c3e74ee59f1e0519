"""How much faster the default program samples than the textbook's, for the same posterior.

The textbook's program has group-level effects as non-centred parameters (``marginalize=False``).
Both run in turn on the same machine: 4 chains, 1000 + 1000 iterations, three seeds. The measure is
the smallest bulk ESS of coefficients, standard deviations, correlations and family parameters, per
second of all chains' time, warm-up included.

Run it with ``python benchmarks/speed.py [MODEL ...]``; the first run compiles.
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from brmspy import BrmsFit

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
MODELS = ("sleepstudy", "sleepstudy_uncorrelated", "oats")
SEEDS = (1, 2, 3)


def model(name: str) -> Callable[..., BrmsFit]:
    """Return the function that fits an example."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"There is no example {name!r}.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    fit: Callable[..., BrmsFit] = module.fit
    return fit


def measure(fit: Callable[..., BrmsFit], **options: Any) -> tuple[float, int]:
    """Return ESS per second and the number of divergences."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about divergences, which the table counts
        fitted = fit(progress=False, **options)
    smallest = fitted.summary()["Bulk_ESS"].min()
    divergences = int(fitted.idata.sample_stats["diverging"].sum())
    return float(smallest / np.sum(fitted.record.seconds)), divergences


def main() -> None:
    names = sys.argv[1:] or list(MODELS)
    print(f"{'model':26}{'textbook':>12}{'default':>12}{'ratio':>8}   divergences")
    for name in names:
        fit = model(name)
        pairs = []
        for seed in SEEDS:
            textbook = measure(fit, seed=seed, marginalize=False)
            pairs.append((textbook, measure(fit, seed=seed)))
        before, after = (np.median([pair[i][0] for pair in pairs]) for i in (0, 1))
        ratio = np.median([b[0] / a[0] for a, b in pairs])
        lost = [sum(pair[i][1] for pair in pairs) for i in (0, 1)]
        print(
            f"{name:26}{before:10.0f}/s{after:10.0f}/s{ratio:8.1f}   {lost[0]} against {lost[1]}",
            flush=True,
        )


if __name__ == "__main__":
    main()
