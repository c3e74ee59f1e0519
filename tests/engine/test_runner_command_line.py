"""The runner's command line beyond the references: errors, files, signals."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.compiled

DATA = Path(__file__).with_name("data")
SAMPLE = ("data", "file=data.json", "output", "file=out.csv", "method=sample")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(schools: Path, tmp_path: Path) -> Run:
    """Return a function that runs the executable in a folder with CmdStan's inputs."""
    for name in ("data.json", "constrained.json", "sample.csv", "optimize.csv", "gq.csv"):
        shutil.copy(DATA / name, tmp_path)

    def call(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [schools, *words],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    return call


def body(path: Path) -> list[list[str]]:
    """Return header and draws of a CSV file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.split(",") for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "A method must be specified!"),
        (("id=1",), "A method must be specified!"),
        (
            ("method=guess",),
            'guess is not a valid value for "method"\n  Valid values: sample, optimize, '
            "variational, generate_quantities, pathfinder, log_prob, laplace",
        ),
        (
            ("method=sample", "adapt", "delta=2"),
            '2 is not a valid value for "delta"\n  Valid values: 0 < delta < 1',
        ),
        (("method=sample", "num_samples=ten"), 'ten is not a valid value for "num_samples"'),
        (("method=sample", "num_samples=1e3"), '1e3 is not a valid value for "num_samples"'),
        (("method=sample", "num_samples=-1"), '-1 is not a valid value for "num_samples"'),
        (("method=sample", "thin=0"), '0 is not a valid value for "thin"'),
        (("method=sample", "save_warmup=yes"), 'yes is not a valid value for "save_warmup"'),
        (
            ("method=sample", "algorithm=hmc", "metric=full"),
            'full is not a valid value for "metric"',
        ),
        (("method=sample", "algorithm=hmc", "stepsize=0"), '0 is not a valid value for "stepsize"'),
        (("random", "seed=-5", "method=sample"), '-5 is not a valid value for "seed"'),
        (("random", "seed=4294967296", "method=sample"), "Valid values: non-negative integer"),
        (("method=generate_quantities", "num_chains=2"), "run the program once for each chain"),
        (("output", "sig_figs=19", "method=sample"), '19 is not a valid value for "sig_figs"'),
        (
            ("method=sample", "delta=0.9"),
            "delta=0.9 is either mistyped or misplaced.\n"
            "Perhaps you meant one of the following valid configurations?\n"
            "  method=sample adapt delta=<double>",
        ),
        (("method=sample", "metric=diag_e"), "  method=sample algorithm=hmc metric=<list_element>"),
    ],
)
def test_a_command_line_that_does_not_fit(run: Run, words: tuple[str, ...], message: str) -> None:
    done = run(*words)
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.endswith("Failed to parse command arguments, cannot run model.\n")
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((*SAMPLE, "num_warmup=0"), "num_warmup) must be greater than zero"),
        ((*SAMPLE, "adapt", "engaged=0", "save_metric=1"), "can only be enabled when adaptation"),
        ((*SAMPLE, "algorithm=hmc", "metric_file=none.json"), 'file, "none.json"'),
        (("init=none.json", *SAMPLE), 'Can\'t open specified file, "none.json"'),
        (("init=sample.csv", *SAMPLE), "Error in JSON parsing"),
        (("data", "file=data.json", "output", "file=no/out.csv", "method=sample"), "no/out.csv"),
        (("data", "file=constrained.json", "method=sample"), "variable does not exist"),
        (("num_threads=2", *SAMPLE), "STAN_NUM_THREADS= 3 but argument num_threads= 2"),
        (("output", "save_cmdstan_config=1", "method=sample"), "not supported"),
        (("data", "file=data.json", "method=generate_quantities"), "Missing fitted_params"),
        (
            ("data", "file=data.json", "method=generate_quantities", "fitted_params=gq.csv"),
            "Mismatch between model and fitted_parameters csv file",
        ),
        (
            ("data", "file=data.json", "method=generate_quantities", "fitted_params=data.json"),
            "Fitted params file must be a CSV file",
        ),
        (("data", "file=data.json", "method=laplace"), "Missing mode argument"),
        (
            ("data", "file=data.json", "method=laplace", "mode=sample.csv"),
            "CSV file is not output from Stan optimization",
        ),
        (("data", "file=data.json", "method=log_prob"), "No input parameter files provided"),
        (
            (
                "data",
                "file=data.json",
                "method=log_prob",
                "constrained_params=constrained.json",
                "unconstrained_params=constrained.json",
            ),
            "Cannot specify both",
        ),
        (
            (
                "data",
                "file=data.json",
                "method=log_prob",
                "unconstrained_params=constrained.json",
            ),
            "has no variable 'params_r'",
        ),
    ],
)
def test_a_run_that_cannot_start(run: Run, words: tuple[str, ...], message: str) -> None:
    done = run(*words, STAN_NUM_THREADS="3")
    assert done.returncode == 1
    assert message in done.stderr


def test_the_model_rejects_its_start(run: Run, tmp_path: Path) -> None:
    (tmp_path / "start.json").write_text('{"mu": 1, "tau": -1, "eta": [0, 0, 0, 0, 0, 0, 0, 0]}')
    done = run("init=start.json", *SAMPLE)
    assert done.returncode == 1
    assert "lb_free: Lower bounded variable is -1, but must be greater than or equal to 0" in (
        done.stdout + done.stderr
    )


@pytest.mark.parametrize("method", ["generate_quantities fitted_params", "laplace mode"])
def test_an_output_that_is_the_input_is_refused(run: Run, tmp_path: Path, method: str) -> None:
    before = (tmp_path / "optimize.csv").read_bytes()
    words = f"data file=data.json output file=./optimize.csv method={method}=optimize.csv"
    done = run(*words.split())
    assert done.returncode == 1
    assert "Filename conflict" in done.stderr
    assert (tmp_path / "optimize.csv").read_bytes() == before


def test_method_without_its_prefix(run: Run, tmp_path: Path) -> None:
    done = run("data", "file=data.json", "sample", "num_samples=5", "num_warmup=10")
    assert done.returncode == 0
    assert len(body(tmp_path / "output.csv")) == 1 + 5


def test_seed_of_the_clock_is_told(run: Run, tmp_path: Path) -> None:
    words = ("data", "file=data.json", "sample", "num_samples=1", "num_warmup=10")
    first, second = (run(*words).stdout for _ in range(2))
    seeds = [next(line for line in out.splitlines() if "seed" in line) for out in (first, second)]
    assert seeds[0] != seeds[1]
    assert all(seed.endswith("(Default)") for seed in seeds)


def test_the_adapted_metric_is_saved(run: Run, tmp_path: Path) -> None:
    run(*SAMPLE, "num_samples=5", "num_warmup=200", "adapt", "save_metric=1")
    saved = json.loads((tmp_path / "out_metric.json").read_text(encoding="utf-8"))
    assert saved["metric_type"] == "diag_e"
    assert len(saved["inv_metric"]) == 10
    (tmp_path / "metric.json").write_text(json.dumps({"inv_metric": saved["inv_metric"]}))
    again = run(*SAMPLE, "algorithm=hmc", "metric_file=metric.json", "adapt", "engaged=0")
    assert again.returncode == 0


def test_paths_are_saved(run: Run, tmp_path: Path) -> None:
    words = "data file=data.json output file=pf.csv method=pathfinder num_paths=2 num_draws=10 "
    done = run(*f"{words} num_psis_draws=7 save_single_paths=1".split())
    assert done.returncode == 0
    assert len(body(tmp_path / "pf.csv")) == 1 + 7
    for path in (1, 2):
        # Pathfinder keeps at least the draws it estimated its bound with.
        assert len(body(tmp_path / f"pf_path_{path}.csv")) == 1 + 10
        steps = json.loads((tmp_path / f"pf_path_{path}.json").read_text(encoding="utf-8"))
        assert len(steps["1"]["unconstrained_parameters"]) == 10


def test_log_prob_of_several_points(run: Run, tmp_path: Path) -> None:
    point = [1.0, math.log(2.0), *(0.1 * i for i in range(1, 9))]
    points = [[0.0] * 10, point, point]
    (tmp_path / "points.json").write_text(json.dumps({"params_r": points}))
    words = "data file=data.json output file=lp.csv method=log_prob"
    assert run(*words.split(), "unconstrained_params=points.json").returncode == 0
    header, _, *rows = body(tmp_path / "lp.csv")
    expected = body(DATA / "log_prob.csv")
    assert header == expected[0]
    assert rows == [expected[1]] * 2


def test_log_prob_of_draws(run: Run, tmp_path: Path) -> None:
    words = "data file=data.json output file=lp.csv method=log_prob constrained_params=sample.csv"
    assert run(*words.split()).returncode == 0
    got = [float(row[0]) for row in body(tmp_path / "lp.csv")[1:]]
    expected = [float(row[0]) for row in body(DATA / "sample.csv")[1:]]
    assert got == pytest.approx(expected, rel=1e-4)


class TestEndedEarly:
    """Draws are on disk as soon as they are made, whole rows only."""

    WORDS = ("id=1", *SAMPLE, "num_samples=100000000", "num_warmup=100")

    def start(self, exe: Path, folder: Path, *words: str) -> subprocess.Popen[bytes]:
        shutil.copy(DATA / "data.json", folder)
        return subprocess.Popen([exe, *self.WORDS, *words], cwd=folder, stdout=subprocess.DEVNULL)

    @staticmethod
    def wait_for_draws(path: Path, rows: int) -> None:
        for _ in range(600):
            if path.exists() and path.read_bytes().count(b"\n") > rows:
                return
            time.sleep(0.05)
        pytest.fail(f"no draws in {path}")

    @pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
    def test_rows_are_whole(self, schools: Path, tmp_path: Path, signal_: signal.Signals) -> None:
        process = self.start(schools, tmp_path)
        try:
            self.wait_for_draws(tmp_path / "out.csv", rows=500)
            process.send_signal(signal_)
            assert process.wait(timeout=10) == -signal_
        finally:
            process.kill()
            process.wait()
        assert (tmp_path / "out.csv").read_bytes().endswith(b"\n")
        table = body(tmp_path / "out.csv")
        assert len(table) > 400
        assert {len(row) for row in table} == {len(table[0])}

    def test_every_chain_of_one_process(self, schools: Path, tmp_path: Path) -> None:
        process = self.start(schools, tmp_path, "num_chains=2", "num_threads=2")
        try:
            for chain in (1, 2):
                self.wait_for_draws(tmp_path / f"out_{chain}.csv", rows=500)
        finally:
            process.kill()
            process.wait()
        for chain in (1, 2):
            assert {len(row) for row in body(tmp_path / f"out_{chain}.csv")} == {7 + 10 + 8 + 8}
