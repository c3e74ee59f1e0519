"""What two threads within a chain gain, by the number of rows.

One chain, with and without threads in turn on the same machine, with the same step size, metric and
start, so that both take the same steps. Minimum of several runs, as other processes only add time.
Wall time shows the gain; CPU time (sampling's: that of a run of one iteration is taken off) shows
what slicing the rows costs, and means something on a busy machine too.

Run it with ``python benchmarks/threads.py [THREADS]``; the first run compiles.
"""

from __future__ import annotations

import resource
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from brmspy.engine.cache import compiled
from brmspy.engine.interface import CompileOptions
from brmspy.engine.progress import Progress
from brmspy.engine.sampling import SampleOptions, sample
from brmspy.engine.toolchain import find_toolchain
from brmspy.model import build
from brmspy.program import Program

FORMULA = "y ~ x1 + x2 + (1 | g)"
FAMILIES = ("poisson", "negbinomial")
ROWS = (1_000, 10_000, 100_000)
ROWS_PER_GROUP = 50
STEPS_IN_ALL = 2_000_000  # rows times iterations of a run
DEPTH = 4  # of 15 steps
REPEATS = 5


def simulated(rows: int) -> pd.DataFrame:
    """Return counts of groups that differ."""
    rng = np.random.default_rng(1)
    group = rng.integers(rows // ROWS_PER_GROUP, size=rows)
    x1, x2 = rng.normal(size=(2, rows))
    eta = 0.5 + 0.3 * x1 - 0.2 * x2 + rng.normal(scale=0.5, size=group.max() + 1)[group]
    return pd.DataFrame({"y": rng.poisson(np.exp(eta)), "x1": x1, "x2": x2, "g": group})


def executable(program: Program) -> Path:
    """Return the compiled program."""
    how = CompileOptions(threads=program.threads > 1)
    return compiled(program.code, find_toolchain(), how).exe


def run(program: Program, iterations: int) -> np.ndarray:
    """Return wall and CPU seconds and the number of leapfrog steps."""
    assert program.start is not None, "the pilot fit exists"
    options = SampleOptions(
        chains=1,
        iter_warmup=0,
        iter_sampling=iterations,
        seed=1,
        inits=program.start.points(1, 1),
        inv_metric=program.start.inverse_metric(),
        step_size=0.1,
        max_treedepth=DEPTH,
        threads=program.threads,
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with Progress(show=False) as progress:
        result = sample(executable(program), program.data, options, progress=progress)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return np.array([result.seconds.sum(), cpu, result.stats["n_steps"].sum()])


def milliseconds(program: Program, rows: int) -> np.ndarray:
    """Return wall and CPU time of a leapfrog step."""
    wall, cpu, steps = run(program, STEPS_IN_ALL // rows) - run(program, 1)
    return np.array([wall, cpu]) / steps * 1e3


def main() -> None:
    warnings.simplefilter("ignore")  # about draws, which nobody looks at here
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    print(f"ms per leapfrog step, 1 thread and {threads} threads; minimum of {REPEATS} runs")
    print(f"{'family':12}{'rows':>8}{'wall':>10}{'':>9}{'gain':>7}{'CPU':>10}{'':>9}{'cost':>7}")
    for family in FAMILIES:
        for rows in ROWS:
            data = simulated(rows)
            programs = [build(FORMULA, data, family, threads=n).program for n in (1, threads)]
            runs = [[milliseconds(program, rows) for program in programs] for _ in range(REPEATS)]
            (wall, cpu), (wall_shared, cpu_shared) = np.min(runs, axis=0)
            print(
                f"{family:12}{rows:8}{wall:10.3f}{wall_shared:9.3f}{wall / wall_shared:7.2f}"
                f"{cpu:10.3f}{cpu_shared:9.3f}{cpu_shared / cpu:7.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
