"""Chains that fail: the reason, the advice, and what is kept."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brmspy.engine.messages import explain, rejections
from brmspy.engine.progress import Progress
from brmspy.engine.sampling import SampleOptions, SamplerRun, sample
from brmspy.errors import DataError, SamplingError, SamplingWarning

Behave = Callable[..., None]


def run(exe: Path, data: dict[str, Any] | None = None, **options: Any) -> SamplerRun:
    chosen = {"chains": 2, "iter_warmup": 20, "iter_sampling": 100, "cores": 2, **options}
    return sample(exe, data or {}, SampleOptions(**chosen), progress=Progress(show=False))


FAILURES = [
    (
        {"fail": "inits"},
        [
            "Chains 1 and 2 found no initial values",
            "Scale parameter is 0, but must be positive!",
            "(100 times)",
            "line 9, column 2",
            "init=0",
        ],
    ),
    (
        {"fail": "data"},
        [
            "Chains 1 and 2 could not read the data",
            "variable name=y",
            "dims found=(2)",
            "please report",
        ],
    ),
    (
        {"fail": "killed", "stop_at": 5},
        ["Chains 1 and 2 were killed, most likely because memory ran out", "cores=1"],
    ),
    ({"fail": "crash", "stop_at": 5}, ["Chains 1 and 2 crashed (signal SIGSEGV)"]),
    (
        {"fail": "disk", "stop_at": 5},
        ["Chains 1 and 2 wrote only 5 of 100 draws", "disk may be full", "TMPDIR"],
    ),
    ({"fail": "status"}, ["Chains 1 and 2 ended with exit status 1", "Something else."]),
    (
        {"fail": {"1": "inits", "2": "data"}},
        ["Chain 1 found no initial values", "Chain 2 could not read the data"],
    ),
]


@pytest.mark.parametrize(("behaviour", "said"), FAILURES, ids=lambda value: str(value)[:40])
def test_a_run_without_a_finished_chain_is_an_error(
    fake_exe: Path, behave: Behave, scratch: Path, behaviour: dict[str, Any], said: list[str]
) -> None:
    behave(**behaviour)
    with pytest.raises(SamplingError) as caught:
        run(fake_exe)
    message = str(caught.value)
    for part in said:
        assert part in message
    # Neither Stan's settings nor its progress.
    assert "num_samples" not in message
    assert "Iteration" not in message
    assert os.listdir(scratch) == []
    assert not logging.getLogger("cmdstanpy").disabled


@pytest.mark.usefixtures("scratch")
@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("inits", "found no initial values"),
        ("killed", "was killed, most likely because memory ran out"),
        ("disk", "wrote only 5 of 100 draws"),
    ],
)
def test_the_finished_chains_are_kept(
    fake_exe: Path, behave: Behave, how: str, reason: str
) -> None:
    behave(fail={"2": how}, stop_at={"2": 5})
    with pytest.warns(SamplingWarning, match=f"Chain 2 {reason}") as caught:
        got = run(fake_exe, chains=3)
    assert len(caught) == 1
    assert "holds the 2 of 3 chains that finished" in str(caught[0].message)
    assert got.chain_ids == (1, 3)
    assert got.draws["a"].shape == (2, 100)
    np.testing.assert_allclose(got.draws["a"][:, 0], [1, 3])
    assert got.failures[0].startswith(f"chain 2 {reason}")
    assert not got.interrupted


@pytest.mark.usefixtures("scratch")
def test_the_warning_points_at_the_caller_of_the_caller(fake_exe: Path, behave: Behave) -> None:
    behave(fail={"2": "inits"})
    with pytest.warns(SamplingWarning) as caught:
        run(fake_exe)
    assert caught[0].filename == __file__


@pytest.mark.usefixtures("scratch")
def test_many_rejected_proposals_are_reported(fake_exe: Path, behave: Behave) -> None:
    behave(rejections={"2": 7})
    with pytest.warns(SamplingWarning, match="In chain 2, 7 proposals after warm-up") as caught:
        run(fake_exe)
    assert len(caught) == 1
    assert "normal_lpdf: Scale parameter is 0, but must be positive!" in str(caught[0].message)


@pytest.mark.usefixtures("scratch")
def test_a_single_rejected_proposal_is_not(fake_exe: Path, behave: Behave) -> None:
    behave(rejections=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(fake_exe)


def test_data_that_stan_cannot_hold_start_nothing(fake_exe: Path, log: Path, scratch: Path) -> None:
    with pytest.raises(DataError, match="'y' must be a number"):
        run(fake_exe, {"y": ["a", "b"]})
    assert os.listdir(log) == []
    assert os.listdir(scratch) == []


# What Stan 2.35 prints (see the headers under stan/services and stan/io), and the reason we give.
CONSOLE = [
    (
        1,
        "Rejecting initial value:\n  Log probability evaluates to log(0), i.e. negative infinity.\n"
        "  Stan can't start sampling from this initial value.\nInitialization failed.",
        "found no initial values",
    ),
    (
        1,
        "Rejecting initial value:\n  Gradient evaluated at the initial value is not finite.\n"
        "  Stan can't start sampling from this initial value.\n"
        "Initialization between (-2, 2) failed after 1 attempts. ",
        "found no initial values",
    ),
    (
        1,
        "Unrecoverable error evaluating the log probability at the initial value.\n"
        "Exception: vector[uni] indexing: accessing element out of range. index 9 out of range; "
        "expecting index to be between 1 and 8 (in 'model', line 4, column 2 to column 20)",
        "stopped with an error in the model",
    ),
    (
        1,
        "Exception: variable does not exist; processing stage=parameter initialization; "
        "variable name=b; base type=double (in 'model', line 2, column 2 to column 10)",
        "was given initial values that do not fit",
    ),
    (1, 'Can\'t open specified file, "nope.json"', "could not read the data"),
    (1, "Error in JSON parsing \nat offset 5: \nInvalid value.\n", "could not read the data"),
    (
        1,
        "Exception: model_namespace::model: N is -1, but must be greater than or equal to 0 "
        "(in 'model', line 1, column 7 to column 22)",
        "found a value outside its bounds",
    ),
    (
        1,
        "num_sample=3 is either mistyped or misplaced.\n"
        "Failed to parse command arguments, cannot run model.",
        "did not understand its arguments",
    ),
    (-6, "terminate called after throwing an instance of 'std::bad_alloc'", "ran out of memory"),
    (-15, "Iteration:  100 / 2000 [  5%]  (Warmup)", "was terminated by another program"),
    (-99, "", "crashed (signal 99)"),
    (
        127,
        "./model: error while loading shared libraries: libtbb.so.2: cannot open shared object",
        "could not be started",
    ),
]


@pytest.mark.parametrize(("status", "console", "reason"), CONSOLE)
def test_reasons(status: int, console: str, reason: str) -> None:
    failure = explain(console, status)
    assert failure.reason.startswith(reason)
    assert failure.advice


def test_evidence_is_short() -> None:
    console = "method = sample\n" + "".join(f"Problem {'x' * i}\n" for i in range(50))
    assert len(explain(console, 1).evidence.splitlines()) == 12


def test_rejections_during_warmup_are_expected() -> None:
    line = "The current Metropolis proposal is about to be rejected because of the following issue:"
    console = f"Iteration: 1 / 2 [ 50%]  (Warmup)\n{line}\nException: a is 3\n"
    assert rejections(console) == (0, "")
    console += f"Iteration: 2 / 2 [100%]  (Sampling)\n{line}\nException: a is 4\n"
    assert rejections(console) == (1, "a is 4")
