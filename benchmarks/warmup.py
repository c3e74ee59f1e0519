"""How short warm-up can be when chains start around the pilot fit, with its scales.

Every model is fitted with warm-ups of several lengths and 1000 draws from each of four chains, over
20 seeds; the baseline is the textbook's start (``init=2``) of the same program with 1000 warm-up
iterations. Seconds depend on the machine and on what else it does; the rest does not.

    python benchmarks/warmup.py                   four examples
    python benchmarks/warmup.py epil salamander   some of the examples
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))

SEEDS = range(1, 21)
LENGTHS = (50, 100, 150, 200, 300, 500, 1000)
MODELS = ("sleepstudy", "epil", "cbpp", "loblolly_seed_prior")
SETTINGS = [{"init": 2, "iter_warmup": 1000}, *({"iter_warmup": length} for length in LENGTHS)]


def measure(name: str, settings: dict[str, int], seed: int) -> tuple[float, float, float, float]:
    """Return the smallest bulk ESS, the largest R-hat, divergences and seconds of a fit."""
    fit = __import__(name).fit(seed=seed, progress=False, **settings)
    table = fit.summary()
    return (
        float(table["Bulk_ESS"].min()),
        float(table["Rhat"].max()),
        float(fit.idata.sample_stats["diverging"].sum()),
        float(np.sum(fit.record.seconds)),
    )


def main() -> None:
    warnings.simplefilter("ignore")  # of R-hat and divergences, which the table counts
    for name in sys.argv[1:] or MODELS:
        print(
            f"| {name} | ESS, median | lowest | ratio | R-hat, highest | seeds above 1.01 ", end=""
        )
        print("| divergences | chains' time |\n|---|---|---|---|---|---|---|---|")
        baseline = None
        for settings in SETTINGS:
            found = np.array([measure(name, settings, seed) for seed in SEEDS])
            ess, rhat, lost, seconds = found.T
            baseline = baseline or float(np.median(ess))
            start = "random start" if "init" in settings else "pilot"
            print(
                f"| {settings['iter_warmup']}, {start} | {np.median(ess):.0f} | {ess.min():.0f} "
                f"| {np.median(ess) / baseline:.2f} | {rhat.max():.3f} | {(rhat > 1.01).sum()} of "
                f"{len(SEEDS)} | {lost.sum():.0f} | {np.median(seconds):.2f} s |",
                flush=True,
            )
        print()


if __name__ == "__main__":
    main()
