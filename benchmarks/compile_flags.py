"""What optimisation flags and a precompiled header cost in compiling and gain in sampling.

Every model is compiled and run with every setting, one after the other on the same machine; the
baseline is CmdStan's default, -O3 without a precompiled header, in the same run. Seconds are those
of the processor, the least of three; one chain samples. The draws must not depend on the flags.

Run it with ``python benchmarks/compile_flags.py``; it takes about 20 minutes on a quiet machine and
needs 2 GB of disk for the headers. It uses neither the cache nor its runner.
"""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import brmspy
from brmspy import bf, load_dataset, prior
from brmspy.engine import stanc
from brmspy.engine.compilers import Jobs
from brmspy.engine.embedded import EmbeddedToolchain, find_embedded
from brmspy.engine.prebuilt import Prebuilt
from brmspy.engine.stan_json import write_json

REPEATS = 3
BASELINE = ("-O3", False)
SETTINGS = (BASELINE, ("-O2", False), ("-O1", False), ("-O0", False), ("-O2", True), ("-O1", True))


@dataclass(frozen=True)
class Model:
    """A model to measure with."""

    name: str
    arguments: dict[str, Any]
    iterations: int


def models() -> list[Model]:
    """Return a multilevel model, a non-linear one and one with many rows."""
    rng = np.random.default_rng(1)
    rows, groups = 20_000, 200
    large = pd.DataFrame(rng.normal(size=(rows, 3)), columns=["a", "b", "c"])
    large["g"] = rng.integers(groups, size=rows).astype(str)
    effect = rng.normal(0, 0.5, groups)[large["g"].astype(int)]
    large["y"] = rng.poisson(np.exp(0.5 + 0.2 * large["a"] - 0.1 * large["b"] + effect))
    curve = bf("height ~ Asym + (R0 - Asym) * exp(-exp(lrc) * age)", "R0 + lrc ~ 1", nl=True)
    curve = curve + brmspy.lf("Asym ~ 1 + (1 | Seed)")
    priors = [
        prior("normal(101, 0.1)", nlpar="Asym", lb=100, ub=102),
        prior("normal(-8, 1)", nlpar="R0", lb=-10),
        prior("normal(-3, 3)", nlpar="lrc", lb=-9),
        prior("normal(3, 0.2)", class_="sigma"),
    ]
    return [
        Model(
            "sleepstudy, (Days | Subject)",
            {
                "formula": "Reaction ~ Days + (Days | Subject)",
                "data": load_dataset("sleepstudy"),
                "marginalize": False,
            },
            iterations=2000,
        ),
        Model(
            "loblolly, non-linear",
            {"formula": curve, "data": load_dataset("loblolly"), "prior": priors},
            iterations=4000,
        ),
        Model(
            "poisson, 20,000 rows, 200 groups",
            {"formula": "y ~ a + b + c + (1 | g)", "data": large, "family": "poisson"},
            iterations=150,
        ),
    ]


def processor_seconds(action: Callable[[], Any]) -> float:
    """Return the processor time that the child processes of an action take."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    action()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def run(command: Sequence[str | Path]) -> None:
    """Run a command without its output; raise if it fails."""
    subprocess.run(
        [str(word) for word in command],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


class Bench:
    """Compiles in a temporary folder, away from the cache."""

    def __init__(self, toolchain: EmbeddedToolchain, folder: Path) -> None:
        self.toolchain = toolchain
        self.folder = folder

    def prebuilt(self, level: str) -> Prebuilt:
        """Return where the parts for this level of optimisation are."""
        return replace(
            self.toolchain.prebuilt, folder=self.folder / f"parts{level}", optimise=level
        )

    def build_parts(self) -> None:
        """Build the runner and the headers, and say what they cost."""
        with Jobs() as jobs:
            seconds = processor_seconds(lambda: self.prebuilt("").build_runner(jobs))
            print(f"The runner takes {seconds:.0f} s to compile.")
            for level in sorted({level for level, header in SETTINGS if header}):
                parts = self.prebuilt(level)
                seconds = processor_seconds(lambda parts=parts: parts.build_header(jobs))
                size = parts.header.stat().st_size / 1e6
                print(f"The header takes {seconds:.0f} s and {size:.0f} MB at {level}.")
        print()

    def compile(self, cpp_file: Path, level: str, header: bool) -> tuple[float, Path]:
        """Compile a model; return the seconds and the executable."""
        parts = self.prebuilt(level)
        compiler = self.toolchain.compiler.command
        target = cpp_file.with_suffix(".o")
        extra = parts.header_flags() if header else ()
        command = [*compiler, *extra, *parts.flags, level, "-c", cpp_file, "-o", target]
        seconds = processor_seconds(lambda: run(command))
        exe = cpp_file.with_name(f"{cpp_file.stem}{level}{'-pch' if header else ''}")
        runner = self.prebuilt("")
        libraries = sorted((self.toolchain.home / "lib").glob("*.a"))
        link = [*compiler, target, runner.runner, *libraries, runner.tbb]
        run([*link, f"-Wl,-rpath,{runner.folder}", "-pthread", "-o", exe])
        return seconds, exe

    def sample(self, exe: Path, data: Path, iterations: int) -> tuple[float, str]:
        """Draw with one chain; return the seconds and a digest of the draws."""
        csv = self.folder / "draws.csv"
        half = ["method=sample", f"num_warmup={iterations}", f"num_samples={iterations}"]
        words = ["id=1", "random", "seed=1", "data", f"file={data}", "output", f"file={csv}"]
        seconds = processor_seconds(lambda: run([exe, *words, "sig_figs=12", *half]))
        draws = [line for line in csv.read_bytes().splitlines() if not line.startswith(b"#")]
        return seconds, hashlib.sha256(b"\n".join(draws)).hexdigest()

    def measure(self, model: Model) -> None:
        """Print the table of one model."""
        stem = model.name.split(",")[0]
        stan_file, cpp_file, data = (self.folder / f"{stem}{s}" for s in (".stan", ".cpp", ".json"))
        stan_file.write_text(brmspy.stancode(**model.arguments), encoding="utf-8")
        write_json(data, brmspy.standata(**model.arguments))
        stanc.translate(self.toolchain.stanc, stan_file, cpp_file)
        compiled = {setting: float("inf") for setting in SETTINGS}
        sampled, digests = dict(compiled), set()
        for _ in range(REPEATS):  # all settings in turn, so that a busy moment meets all alike
            for setting in SETTINGS:
                seconds, exe = self.compile(cpp_file, *setting)
                compiled[setting] = min(compiled[setting], seconds)
                seconds, digest = self.sample(exe, data, model.iterations)
                sampled[setting] = min(sampled[setting], seconds)
                digests.add(digest)
        print(f"| {model.name} | compile, s | ratio | sample, s | ratio |\n|---|---|---|---|---|")
        for level, header in SETTINGS:
            compiling, sampling = compiled[level, header], sampled[level, header]
            name = f"{level}, precompiled header" if header else level
            print(
                f"| {name} | {compiling:.1f} | {compiling / compiled[BASELINE]:.2f} "
                f"| {sampling:.2f} | {sampling / sampled[BASELINE]:.2f} |"
            )
        print(f"\nDraws: {'the same' if len(digests) == 1 else 'DIFFERENT'} with all settings.\n")


def main() -> None:
    toolchain = find_embedded()
    print(f"{toolchain.compiler.version}, {os.cpu_count()} processors\n", flush=True)
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(toolchain, Path(name))
        bench.build_parts()
        for model in models():
            bench.measure(model)


if __name__ == "__main__":
    main()
