"""A binary serves every model of its structure, a cached fit is fast, seeds decide the draws."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brmspy import BrmsFit, CompileError, brm, load_dataset, prior
from brmspy.engine import cache
from brmspy.engine.interface import Toolchain
from brmspy.engine.toolchain import find_toolchain

resource = pytest.importorskip("resource")  # Windows has no such module

pytestmark = pytest.mark.compiled

SLEEPSTUDY = "Reaction ~ Days + (Days | Subject)"

# Enough for a test that looks at no estimate.
SHORT: dict[str, Any] = {
    "chains": 1,
    "iter_warmup": 100,
    "iter_sampling": 50,
    "seed": 1,
    "progress": False,
}

# What the first model of each kind compiles serves all that follow it.
SAME_STRUCTURE: tuple[dict[str, Any], ...] = (
    {"formula": SLEEPSTUDY, "data": "sleepstudy"},
    {"formula": "height ~ age + (age | Seed)", "data": "loblolly"},
    {"formula": "yields ~ varieties * nitrogen + (varieties | blocks)", "data": "oats"},
    {
        "formula": SLEEPSTUDY,
        "data": "sleepstudy",
        "prior": [
            prior("student_t(5, 250, 40)", class_="Intercept"),
            prior("student_t(4, 0, 20)", class_="sigma"),
            prior("student_t(7, 0, 30)", class_="sd", coef="Intercept", group="Subject"),
            prior("lkj(3)", class_="cor"),
        ],
    },
)


def fit(model: dict[str, Any], **options: Any) -> BrmsFit:
    """Fit one of the models above."""
    return brm(**{**model, "data": load_dataset(model["data"]), **options})


def count_compilations(
    monkeypatch: pytest.MonkeyPatch, models: Path
) -> tuple[list[Path], Callable[[], None]]:
    """Use a cache without models; return the list of compiled programs, and how to forbid more."""
    kind = type(find_toolchain())
    compile_one = kind.compile
    programs: list[Path] = []

    def counting(self: Toolchain, stan_file: Path, *arguments: Any) -> None:
        programs.append(stan_file)
        compile_one(self, stan_file, *arguments)

    def refusing(self: Toolchain, stan_file: Path, *arguments: Any) -> None:
        raise CompileError("asked to compile")

    monkeypatch.setattr(cache, "models_directory", lambda: models)
    monkeypatch.setattr(kind, "compile", counting)
    return programs, lambda: monkeypatch.setattr(kind, "compile", refusing)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::brmspy.SamplingWarning")  # so few iterations
def test_a_structure_is_compiled_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    programs, forbid = count_compilations(monkeypatch, tmp_path)
    for model in SAME_STRUCTURE:
        assert np.isfinite(fit(model, **SHORT)["sigma"]).all()
    assert len(programs) == 1
    # Another structure, or another density, does ask the compiler.
    forbid()
    for other in (
        {"formula": "Reaction ~ Days + (Days || Subject)"},
        {"formula": SLEEPSTUDY, "prior": prior("normal(0, 50)", class_="sigma")},
    ):
        with pytest.raises(CompileError, match="asked to compile"):
            fit({**other, "data": "sleepstudy"}, **SHORT)


@dataclass(frozen=True)
class Times:
    """How long a call took: on the clock, and on a machine that did nothing else."""

    clock: float
    idle: float


def timed(call: Callable[[], object]) -> Times:
    """Time a call that runs four chains in processes of their own."""
    cores = min(4, os.cpu_count() or 1)
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    before, start = [_processor(kind) for kind in kinds], time.perf_counter()
    call()
    clock = time.perf_counter() - start
    ours, theirs = (_processor(kind) - then for kind, then in zip(kinds, before, strict=True))
    return Times(clock, ours + theirs / cores)


def _processor(who: int) -> float:
    """Return the seconds of processor time used so far."""
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def test_a_cached_fit_takes_less_than_four_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    data = load_dataset("sleepstudy")
    options: dict[str, Any] = {"seed": 1, "progress": False}
    brm(SLEEPSTUDY, data, **options)
    times = [timed(lambda: str(brm(SLEEPSTUDY, data, **options))) for _ in range(3)]
    clock, idle = min(t.clock for t in times), min(t.idle for t in times)
    with capsys.disabled():
        print(f"\ncached sleepstudy fit: {clock:.1f} s, {idle:.1f} s of processor time per core")
    # On a machine that does other things too, the clock says little.
    assert min(clock, idle) < 4.0


LOAD = """
import json, shutil, sys, warnings
warnings.simplefilter("error")
warnings.filterwarnings("ignore", "\\\\s*ArviZ is undergoing", FutureWarning)
import brmspy
fit = brmspy.load(sys.argv[1])
assert shutil.which("g++") is None and shutil.which("c++") is None
print(json.dumps({"summary": fit.summary().to_dict(), "text": str(fit), "code": fit.stancode}))
"""


def test_a_saved_fit_needs_no_compiler(tmp_path: Path) -> None:
    made = brm(SLEEPSTUDY, load_dataset("sleepstudy"), seed=3, progress=False)
    made.save(tmp_path / "fit.nc")
    # No program is found, no CmdStan, and no compiled model.
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("CXX", "CMDSTAN")},
        "PATH": "",
        "HOME": str(tmp_path),
        "BRMSPY_CACHE_DIR": str(tmp_path / "cache"),
    }
    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(tmp_path / "fit.nc")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout)
    assert loaded == {
        "summary": made.summary().to_dict(),
        "text": str(made),
        "code": made.stancode,
    }
    assert not (tmp_path / "cache").exists()


@pytest.mark.filterwarnings("ignore::brmspy.SamplingWarning")  # so few draws
def test_seeds_decide_the_draws() -> None:
    def draws(seed: int | None) -> BrmsFit:
        options = {**SHORT, "chains": 2, "iter_warmup": 300, "iter_sampling": 200, "seed": seed}
        return brm(SLEEPSTUDY, load_dataset("sleepstudy"), **options)

    first, again, other, unset = (draws(seed) for seed in (7, 7, 8, None))
    for name in ("b_Days", "sigma", "cor_Subject__Intercept__Days", "r_Subject[308,Days]"):
        np.testing.assert_array_equal(first[name], again[name])
        assert (np.asarray(first[name]) != np.asarray(other[name])).any()
        # Chains of one fit differ, too.
        assert (np.asarray(first[name])[0] != np.asarray(first[name])[1]).any()
    # A seed that was not given is kept, and gives the same draws again.
    np.testing.assert_array_equal(unset["sigma"], draws(unset.record.seed)["sigma"])
