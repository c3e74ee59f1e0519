"""Find out whether models can be compiled and run here, and what to do if not."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from brmspy._version import __version__
from brmspy.engine.cache import list_cache
from brmspy.engine.cmdstan import CmdStanToolchain
from brmspy.engine.directories import cache_directory
from brmspy.engine.embedded import EmbeddedToolchain
from brmspy.engine.interface import CompileOptions, Toolchain
from brmspy.engine.toolchain import find_toolchain
from brmspy.errors import CompileError

__all__ = ["Finding", "examine"]

# Small, but it goes through data, a constraint and a density.
_PROGRAM = """\
data {
  int<lower=0> N;
  vector[N] y;
}
parameters {
  real mu;
  real<lower=0> sigma;
}
model {
  target += normal_lpdf(y | mu, sigma) + normal_lpdf(mu | 0, 10) + exponential_lpdf(sigma | 1);
}
"""
_DATA = '{"N": 5, "y": [1.0, 2.5, 3.0, 4.5, 5.0]}'
_DRAWS = 50
_NEEDED_DISK = 2 * 1024**3
_GIB = 1024**3


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Parameters
    ----------
    subject : str
        What was checked.
    ok : bool
        Whether it is as it should be.
    detail : str
        What was found.
    remedy : str
        What to do about it, if something is wrong.
    """

    subject: str
    ok: bool
    detail: str
    remedy: str = ""

    def __str__(self) -> str:
        """Return the line, or lines, to print."""
        mark = "ok    " if self.ok else "FAILED"
        lines = [f"{mark} {self.subject}: {self.detail}"]
        if self.remedy:
            lines.append(f"       -> {self.remedy}")
        return "\n".join(lines)


def examine(name: str | None = None) -> Iterator[Finding]:
    """Check everything that a fit needs, one thing after the other.

    Parameters
    ----------
    name : {"cmdstan", "embedded"}, optional
        The toolchain to check; by default the one that `find_toolchain` chooses.

    Yields
    ------
    Finding
        As soon as it is known. Later checks are left out when they cannot succeed.
    """
    yield Finding(
        "system",
        ok=True,
        detail=f"brmspy {__version__}, Python {platform.python_version()}, {platform.platform()}",
    )
    try:
        toolchain = find_toolchain(name)
    except CompileError as error:
        problem, _, remedy = str(error).partition(". ")
        yield Finding("toolchain", ok=False, detail=problem + ".", remedy=remedy)
        return
    description = toolchain.describe()
    kind = description.pop("toolchain")
    details = ", ".join(f"{key} {value}" for key, value in description.items())
    yield Finding("toolchain", ok=True, detail=f"{kind} ({details})")
    yield _translator(toolchain)
    cache = _cache()
    yield cache
    if not cache.ok:
        return
    yield _prebuilt(toolchain)
    yield from _test_model(toolchain)


def _translator(toolchain: Toolchain) -> Finding:
    """Check that Stan's translator runs."""
    try:
        toolchain.check(_PROGRAM, "test")
    except CompileError as error:
        remedy = "Reinstall the package httpstan, or CmdStan."
        if platform.system() == "Darwin":
            remedy += " On Apple processors, Rosetta may be needed."
        return Finding("translator", ok=False, detail=str(error), remedy=remedy)
    return Finding("translator", ok=True, detail=f"stanc of Stan {toolchain.stan_version}")


def _cache() -> Finding:
    """Check that the cache can be written and has room."""
    folder = cache_directory()
    remedy = "Set BRMSPY_CACHE_DIR to a folder that you can write to."
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding("cache", ok=False, detail=str(error), remedy=remedy)
    entries = list_cache()
    size = sum(entry.size for entry in entries)
    detail = f"{folder}, {len(entries)} models ({size / _GIB:.2f} GiB), {free / _GIB:.1f} GiB free"
    if free < _NEEDED_DISK:
        return Finding("cache", ok=False, detail=detail, remedy=f"Free some space, or: {remedy}")
    return Finding("cache", ok=True, detail=detail)


def _prebuilt(toolchain: Toolchain) -> Finding:
    """Report what has been compiled ahead."""
    if isinstance(toolchain, CmdStanToolchain):
        return Finding("compiled ahead", ok=True, detail="by CmdStan")
    detail = "nothing yet; the first fit compiles runner and functions, which takes a minute or two"
    if isinstance(toolchain, EmbeddedToolchain) and toolchain.prebuilt.is_ready:
        failed = toolchain.prebuilt.functions_failed
        if failed.exists():
            detail = "runner; Stan's functions cannot be, so that models compile slowly"
            remedy = (
                f"{failed} holds the compiler's message. Install another compiler, or name it in "
                "CXX; or try again: `python -m brmspy cache clear --all`."
            )
            return Finding("compiled ahead", ok=True, detail=detail, remedy=remedy)
        detail = "runner, Stan's functions"
    return Finding("compiled ahead", ok=True, detail=detail)


def _test_model(toolchain: Toolchain) -> Iterator[Finding]:
    """Compile a model, outside the cache, and draw from it."""
    with tempfile.TemporaryDirectory(prefix="brmspy-doctor-") as name:
        folder = Path(name)
        stan_file = folder / "test.stan"
        exe = folder / ("test.exe" if sys.platform == "win32" else "test")
        stan_file.write_text(_PROGRAM, encoding="utf-8")
        start = time.perf_counter()
        try:
            toolchain.compile(stan_file, exe, CompileOptions())
        except CompileError as error:
            problem, _, remedy = str(error).rpartition("\n")
            yield Finding("compile a model", ok=False, detail=problem, remedy=remedy)
            return
        seconds = time.perf_counter() - start
        yield Finding("compile a model", ok=True, detail=f"{seconds:.0f} s")
        yield _run(exe, folder)


def _run(exe: Path, folder: Path) -> Finding:
    """Draw from the compiled test model and count the draws."""
    data, csv = folder / "data.json", folder / "draws.csv"
    data.write_text(_DATA, encoding="utf-8")
    command = [
        str(exe),
        "id=1",
        "random",
        "seed=1",
        "data",
        f"file={data}",
        "output",
        f"file={csv}",
        "method=sample",
        f"num_samples={_DRAWS}",
        "num_warmup=200",
    ]
    remedy = (
        "If the message names a library, it moved: `python -m brmspy cache clear --all` and try "
        "again. If the folder for temporary files forbids programs, set TMPDIR to another."
    )
    try:
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", timeout=120, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding("run it", ok=False, detail=str(error), remedy=remedy)
    rows = []
    if csv.exists():
        rows = [line for line in csv.read_text().splitlines() if line and line[0] != "#"]
    if done.returncode != 0 or len(rows) != _DRAWS + 1:
        last_lines = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
        detail = f"exit status {done.returncode}\n{last_lines}"
        return Finding("run it", ok=False, detail=detail, remedy=remedy)
    return Finding("run it", ok=True, detail=f"{_DRAWS} draws")
