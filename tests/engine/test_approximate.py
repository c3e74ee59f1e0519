"""Approximations without Stan: commands, draws, failures and interrupts."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brmspy.engine.approximate import ALGORITHMS, ApproximateOptions, ApproximateRun, approximate
from brmspy.engine.progress import Progress
from brmspy.errors import DataError, SamplingError

pytestmark = pytest.mark.slow

Behave = Callable[..., None]


@pytest.fixture(scope="module")
def exe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = Path(__file__).with_name("fake_approximation.py")
    path = tmp_path_factory.mktemp("fake") / "model"
    path.write_text(f"#!{sys.executable} -SE\n" + source.read_text(encoding="utf-8"))
    path.chmod(0o755)
    return path


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch) -> Behave:
    """Return a function that says what goes wrong, by method or by method and path."""

    def set_variable(**wrong: str) -> None:
        content = {name.replace("_", ":"): how for name, how in wrong.items()}
        monkeypatch.setenv("FAKE_STAN", json.dumps(content))

    return set_variable


def run(exe: Path, algorithm: str, **options: Any) -> ApproximateRun:
    chosen = {"draws": 2000, "seed": 7, **options}
    return approximate(
        exe, {"N": 1}, ApproximateOptions(algorithm, **chosen), progress=Progress(show=False)
    )


def notes(log: Path) -> dict[str, dict[str, Any]]:
    """Return what the stand-in was called with, by method and path."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(log.glob("*.json"))}


@pytest.mark.usefixtures("scratch")
class TestRun:
    def test_pathfinder_has_a_process_for_each_path(self, exe: Path, log: Path) -> None:
        got = run(exe, "pathfinder", draws=6000, paths=3)
        assert got.paths == 3
        assert got.seed == 7
        assert 0 < got.seconds < 60
        expected = np.concatenate([c + np.arange(2000) / 1000 for c in (1, 2, 3)])
        np.testing.assert_allclose(got.draws["a"], [expected])
        assert got.draws["b"].shape == (1, 6000, 2)
        np.testing.assert_allclose(got.draws["b"][0, :, 1], 20 + expected)
        np.testing.assert_allclose(got.lp, -expected)
        np.testing.assert_allclose(got.log_q, -2 * expected)
        called = notes(log)
        assert list(called) == ["pathfinder-1", "pathfinder-2", "pathfinder-3"]
        for word in ("seed=7", "num_paths=1", "psis_resample=0", "num_draws=2000"):
            assert word in called["pathfinder-2"]["arguments"]

    def test_laplace_draws_at_the_mode_of_the_unconstrained_density(
        self, exe: Path, log: Path
    ) -> None:
        got = run(exe, "laplace")
        np.testing.assert_allclose(got.draws["a"], [1 + np.arange(2000) / 1000])
        np.testing.assert_allclose(got.lp, got.log_q / 2)
        called = notes(log)
        assert "jacobian=1" in called["optimize-1"]["arguments"]
        laplace = called["laplace-1"]["arguments"]
        assert not any(word == "jacobian=0" for word in laplace)
        mode = next(word for word in laplace if word.startswith("mode="))
        assert f"file={mode.removeprefix('mode=')}" in called["optimize-1"]["arguments"]

    @pytest.mark.parametrize("algorithm", ["meanfield", "fullrank"])
    def test_the_mean_that_advi_writes_first_is_no_draw(
        self, exe: Path, log: Path, algorithm: str
    ) -> None:
        got = run(exe, algorithm)
        np.testing.assert_allclose(got.draws["a"], [1 + np.arange(2000) / 1000])
        np.testing.assert_allclose(got.lp, got.log_q / 2)
        assert f"algorithm={algorithm}" in notes(log)["variational-1"]["arguments"]

    @pytest.mark.parametrize(
        ("algorithm", "method"), [("laplace", "optimize"), ("meanfield", "variational")]
    )
    def test_the_start_is_the_likeliest_draw_of_pathfinder(
        self, exe: Path, log: Path, algorithm: str, method: str
    ) -> None:
        run(exe, algorithm)
        # lp is -a, so it is the first.
        assert notes(log)[f"{method}-1"]["init"] == {"a": 1, "b": [11, 21]}

    def test_if_a_path_fails_another_gives_the_start(
        self, exe: Path, log: Path, tell: Behave
    ) -> None:
        tell(pathfinder_1="paths", pathfinder_2="paths")
        run(exe, "fullrank")
        assert notes(log)["variational-1"]["init"] == {"a": 3, "b": [13, 23]}

    def test_if_all_fail_stan_chooses_the_start(self, exe: Path, log: Path, tell: Behave) -> None:
        tell(pathfinder="paths")
        run(exe, "fullrank")
        assert notes(log)["variational-1"]["init"] == "2"

    @pytest.mark.parametrize(
        ("inits", "passed"), [(0.5, "0.5"), ({"a": 3}, {"a": 3}), ([{"a": 4.5}], {"a": 4.5})]
    )
    def test_a_start_that_is_given_is_used(
        self, exe: Path, log: Path, inits: Any, passed: Any
    ) -> None:
        run(exe, "meanfield", inits=inits)
        called = notes(log)
        assert list(called) == ["variational-1"]
        assert called["variational-1"]["init"] == passed

    def test_threads_are_told_to_stan(self, exe: Path, log: Path) -> None:
        run(exe, "laplace", threads=3)
        assert {note["threads"] for note in notes(log).values()} == {"3"}

    def test_each_path_has_its_start(self, exe: Path, log: Path) -> None:
        run(exe, "pathfinder", paths=2, inits=[{"a": 1}, {"a": 2}])
        assert [note["init"] for note in notes(log).values()] == [{"a": 1}, {"a": 2}]

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_few_draws_are_taken_from_a_thousand(self, exe: Path, algorithm: str) -> None:
        assert run(exe, algorithm, draws=10).draws["a"].shape == (1, 1000)

    def test_a_density_that_is_not_a_number_is_none(self, exe: Path, tell: Behave) -> None:
        tell(laplace="undefined")
        got = run(exe, "laplace")
        assert got.lp[1] == -np.inf
        assert np.isfinite(np.delete(got.lp, 1)).all()


@pytest.mark.usefixtures("scratch")
class TestFailures:
    def test_a_path_that_fails_is_left_out(self, exe: Path, tell: Behave) -> None:
        tell(pathfinder_2="paths")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            got = run(exe, "pathfinder", paths=3, draws=3000)
        assert got.paths == 2
        assert got.draws["a"].shape == (1, 2000)
        assert got.draws["a"].max() > 3
        assert not ((got.draws["a"] >= 2) & (got.draws["a"] < 3)).any()
        assert got.failures == ("path 2 did not find the maximum of the density",)

    @pytest.mark.parametrize(
        ("algorithm", "wrong", "said"),
        [
            ("pathfinder", {"pathfinder": "paths"}, "^Pathfinder did not find the maximum.*nuts"),
            ("pathfinder", {"pathfinder": "inits"}, "found no initial values at which.*init=0"),
            ("pathfinder", {"pathfinder": "empty"}, "cannot approximate a model without.*nuts"),
            ("pathfinder", {"pathfinder": "status"}, "exit status 1.*Something else"),
            (
                "laplace",
                {"optimize": "search"},
                "^The Laplace approximation did not find the maximum.*Line search failed.*"
                "stronger priors",
            ),
            (
                "laplace",
                {"optimize": "limit"},
                "did not reach a maximum of the.*pathfinder",
            ),
            ("laplace", {"laplace": "saddle"}, "does not curve downwards in every direction.*nuts"),
            ("laplace", {"laplace": "nan"}, "does not curve downwards in every direction"),
            ("laplace", {"laplace": "short"}, "wrote only 3 of 2000 draws.*disk"),
            (
                "meanfield",
                {"variational": "steps"},
                r"^Mean-field ADVI did not find a step size[^\n]*\n  Stan says:\n    stan::[^\n]*"
                r"step-sizes failed[^\n]*\n  It starts with.*pathfinder",
            ),
            ("fullrank", {"variational": "inits"}, "^Full-rank ADVI found no initial values"),
            ("fullrank", {"variational": "short"}, "wrote only 4 of 2001 draws"),
        ],
    )
    def test_the_reason_is_given(
        self, exe: Path, tell: Behave, algorithm: str, wrong: dict[str, str], said: str
    ) -> None:
        tell(**wrong)
        with pytest.raises(SamplingError, match=f"(?s){said}"):
            run(exe, algorithm)

    def test_advi_that_has_not_converged_is_noted(self, exe: Path, tell: Behave) -> None:
        assert run(exe, "meanfield").failures == ()
        tell(variational="wandering")
        got = run(exe, "meanfield")
        assert got.draws["a"].shape == (1, 2000)
        assert got.failures == ("ADVI has not converged in 10000 iterations",)

    def test_data_that_stan_cannot_have(self, exe: Path) -> None:
        with pytest.raises(DataError, match="'N'"):
            approximate(
                exe, {"N": "x"}, ApproximateOptions("laplace"), progress=Progress(show=False)
            )

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"algorithm": "laplac"}, "Did you mean 'laplace'"),
            ({"algorithm": "nuts"}, "is not an approximation.*Valid names: 'pathfinder'"),
            ({"algorithm": "laplace", "draws": 0}, "draws = 0 is not valid"),
            ({"algorithm": "pathfinder", "paths": 1.5}, "paths = 1.5 is not valid"),
            ({"algorithm": "laplace", "paths": 2}, "only Pathfinder follows several paths"),
            ({"algorithm": "laplace", "seed": -1}, "seed = -1"),
            ({"algorithm": "laplace", "cores": 0}, "cores = 0"),
            ({"algorithm": "laplace", "threads": 0}, "threads = 0"),
            ({"algorithm": "pathfinder", "paths": 3, "inits": [{}] * 2}, "init has 2 values for 3"),
        ],
    )
    def test_options_that_are_not_valid(self, options: dict[str, Any], said: str) -> None:
        with pytest.raises(SamplingError, match=said):
            ApproximateOptions(**options)


# Approximates, and prints whether that was interrupted.
DRIVER = """
import sys
from pathlib import Path
from brmspy.engine.approximate import ApproximateOptions, approximate
from brmspy.engine.progress import Progress

options = ApproximateOptions(sys.argv[2], paths=int(sys.argv[3]), cores=2)
try:
    approximate(Path(sys.argv[1]), {}, options, progress=Progress(show=False))
except KeyboardInterrupt:
    print("interrupted")
"""


def alive(pid: int) -> bool:
    """Tell whether a process runs (and is not a zombie that nobody has waited for)."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize(
    ("algorithm", "paths", "slow", "started"),
    [
        ("pathfinder", 3, "pathfinder", ["pathfinder-1", "pathfinder-2"]),
        ("laplace", 1, "laplace", ["laplace-1", "optimize-1", "pathfinder-1"]),
        ("meanfield", 1, "pathfinder", ["pathfinder-1"]),
    ],
)
def test_an_interrupt_leaves_nothing(
    exe: Path,
    tell: Behave,
    log: Path,
    scratch: Path,
    algorithm: str,
    paths: int,
    slow: str,
    started: list[str],
) -> None:
    tell(**{slow: "slow"})
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(exe), algorithm, str(paths)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        deadline = time.monotonic() + 60
        while list(notes(log)) != started:
            assert driver.poll() is None, driver.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        pids = [note["pid"] for note in notes(log).values()]
        driver.send_signal(signal.SIGINT)
        assert driver.communicate(timeout=60) == ("interrupted\n", "")
        assert not any(map(alive, pids))
        assert list(scratch.glob("brmspy-*")) == []
    finally:
        driver.kill()
        driver.communicate()
