"""How long models take to compile, against the way in which CmdStan compiles them.

The baseline is the textbook's program (``parameterization="noncentered", marginalize=False``)
compiled with CmdStan's default flags: -O3, all of Stan's headers, none of them precompiled. Against
it: the default program compiled in the same way, and as brmspy compiles it. Both default
executables then run one chain, so that what compiling less costs in sampling is seen too; their
draws may differ in the last digits.

    python benchmarks/compile.py                   a multilevel, a count and a non-linear model
    python benchmarks/compile.py sleepstudy oats   some of the examples

Seconds of the wall clock, everything in turn, medians of three. It uses no cache: what brmspy
compiles once for each machine is compiled first, and timed too.
"""

from __future__ import annotations

import inspect
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import brmspy
from brmspy.engine import stanc
from brmspy.engine.embedded import EmbeddedToolchain, find_embedded
from brmspy.engine.interface import CompileOptions
from brmspy.engine.stan_json import write_json

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))

REPEATS = 3
ITERATIONS = 5000
MODELS = ("sleepstudy", "epil", "loblolly_seed_prior")
TEXTBOOK = {"parameterization": "noncentered", "marginalize": False}


def arguments_of(name: str) -> dict[str, Any]:
    """Return formula, data, family and priors of an example."""
    module = __import__(name)
    signature = inspect.signature(brmspy.brm)
    module.brm = lambda *args, **kwargs: signature.bind(*args, **kwargs)
    given: dict[str, Any] = module.fit().arguments
    return {key: given[key] for key in ("formula", "data", "family", "prior") if key in given}


def seconds(action: Callable[[], Any]) -> float:
    """Return how long an action takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def run(command: Sequence[str | Path]) -> None:
    """Run a command without its output; raise if it fails."""
    words = [str(word) for word in command]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Bench:
    """Compiles in a temporary folder, away from the cache."""

    def __init__(self, toolchain: EmbeddedToolchain, folder: Path) -> None:
        self.toolchain = toolchain
        self.folder = folder

    def as_cmdstan(self, stan_file: Path, exe: Path) -> None:
        """Compile a program with CmdStan's default flags."""
        prebuilt = self.toolchain.prebuilt
        source, target = exe.with_suffix(".hpp.cpp"), exe.with_suffix(".o")
        stanc.translate(self.toolchain.stanc, stan_file, source)
        compiler = self.toolchain.compiler.command
        run([*compiler, *prebuilt.flags, "-O3", "-c", source, "-o", target])
        libraries = sorted((self.toolchain.home / "lib").glob("*.a"))
        rpath = f"-Wl,-rpath,{prebuilt.folder}"
        link = [target, prebuilt.runner, *libraries, prebuilt.tbb, rpath, "-pthread"]
        run([*compiler, *link, "-o", exe])

    def as_brmspy(self, stan_file: Path, exe: Path) -> None:
        """Compile a program as `brm` does."""
        self.toolchain.compile(stan_file, exe, CompileOptions())

    def sample(self, exe: Path, data: Path) -> None:
        """Draw with one chain."""
        counts = [f"num_warmup={ITERATIONS}", f"num_samples={ITERATIONS}"]
        words = ["id=1", "random", "seed=1", "data", f"file={data}", "output"]
        run([exe, *words, f"file={self.folder / 'draws.csv'}", "method=sample", *counts])

    def measure(self, name: str) -> str:
        """Return the row of one model."""
        arguments = arguments_of(name)
        textbook, default, data = (
            self.folder / f"{name}{ending}" for ending in ("-textbook.stan", ".stan", ".json")
        )
        textbook.write_text(brmspy.stancode(**arguments, **TEXTBOOK), encoding="utf-8")
        default.write_text(brmspy.stancode(**arguments), encoding="utf-8")
        write_json(data, brmspy.standata(**arguments))
        ways = {
            "textbook": (self.as_cmdstan, textbook),
            "full": (self.as_cmdstan, default),
            "lean": (self.as_brmspy, default),
        }
        compiling: dict[str, list[float]] = {way: [] for way in ways}
        sampling: dict[str, list[float]] = {"full": [], "lean": []}
        for _ in range(REPEATS):
            for way, (build, stan_file) in ways.items():
                exe = self.folder / f"{name}-{way}"
                compiling[way].append(
                    seconds(lambda build=build, file=stan_file, exe=exe: build(file, exe))
                )
            for way, times in sampling.items():
                exe = self.folder / f"{name}-{way}"
                times.append(seconds(lambda exe=exe: self.sample(exe, data)))
        base, full, lean = (median(compiling[way]) for way in ways)
        slow, fast = median(sampling["full"]), median(sampling["lean"])
        return (
            f"| {name} | {base:.1f} s | {full:.1f} s | {lean:.1f} s | {lean / base:.2f} "
            f"| {slow:.2f} s | {fast:.2f} s | {fast / slow:.2f} |"
        )


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        toolchain = find_embedded()
        print(toolchain.compiler.version)
        once = seconds(lambda: toolchain.prepare(CompileOptions()))
        print(f"What is compiled once for each machine took {once:.1f} s (0 if it was there).\n")
        print(
            "| model | textbook, -O3 | default, -O3 | default, brmspy | ratio to textbook ", end=""
        )
        print("| sampling, -O3 | brmspy | ratio |\n|---|---|---|---|---|---|---|---|")
        bench = Bench(replace(toolchain), folder)
        for model in sys.argv[1:] or MODELS:
            print(bench.measure(model), flush=True)


if __name__ == "__main__":
    main()
