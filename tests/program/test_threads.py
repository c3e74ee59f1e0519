"""Threads share the rows of the likelihood, and change nothing else."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

import arviz as az
import cmdstanpy
import numpy as np
import pandas as pd
import pytest

from brmspy import BrmspyWarning, brm, load, load_dataset, stancode, standata
from brmspy.engine.cache import compiled
from brmspy.engine.interface import CompileOptions
from brmspy.engine.progress import Progress
from brmspy.engine.sampling import SampleOptions, sample
from brmspy.engine.stan_json import write_json
from brmspy.engine.toolchain import find_toolchain
from brmspy.errors import SamplingError
from brmspy.model import build, model_from_spec
from brmspy.predict import log_density

GOLDEN = Path(__file__).parent / "golden"

# Every number of a prior is data, which stanc takes for a parameter without a prior; and the name
# of the function that `reduce_sum_static` is given, for a variable.
EXPECTED = re.compile(
    r"has no priors|may contain a non-linear transform"
    r"|The variable partial_log_lik\s+may\s+not have been assigned"
    r"|The variable y may not have\s+been\s+assigned a value before its use"  # in a loop, it has
)
POISSON = ("y ~ x1 + x2 + (1 | g) + offset(log(o))", "poisson_sim", "poisson")
COORDINATES = ("auto", "centered", "noncentered")


def poisson(**options):
    formula, data, family = POISSON
    return build(formula, load_dataset(data), family, **options)


def test_one_thread_has_the_program_without_threads(threaded_case):
    plain = threaded_case.model().program
    one = threaded_case.model(threads=1).program
    assert one.code == plain.code
    assert one.data.keys() == plain.data.keys()
    assert "reduce_sum" not in plain.code


@pytest.mark.stanc
@pytest.mark.parametrize("parameterization", COORDINATES)
def test_stanc_accepts_the_program(case, parameterization):
    model = case.model(marginalize=False, parameterization=parameterization, threads=2)
    code = model.program.code
    assert "reduce_sum_static(" in code
    warnings = find_toolchain("embedded").check(code, pedantic=True)
    assert [text for text in warnings if not EXPECTED.search(text)] == []


@pytest.mark.stanc
def test_the_data_are_what_the_program_declares(case):
    program = case.model(marginalize=False, threads=2).program
    block = re.search(r"\ndata \{\n(.*?)\n\}", program.code, re.DOTALL)
    declared = re.findall(r"(\w+);", re.sub(r"//[^\n]*", "", block.group(1)))
    assert sorted(declared) == sorted(program.data)


def test_golden_program(threaded_case):
    """Set BRMSPY_UPDATE_GOLDEN=1 to write the files anew, then read the difference."""
    code = threaded_case.model(threads=2).program.code
    file = GOLDEN / f"threads_{threaded_case.name}.stan"
    if os.environ.get("BRMSPY_UPDATE_GOLDEN"):
        file.write_text(code)
    assert code == file.read_text()


def test_the_number_of_threads_is_not_in_the_program():
    two, many = poisson(threads=2).program, poisson(threads=40).program
    assert two.code == many.code
    assert {name for name in two.data if np.any(two.data[name] != many.data[name])} == {"grainsize"}


@pytest.mark.parametrize(
    ("levels", "threads", "grainsize"),
    [
        (10, 2, 2500),  # a quarter of what a thread would have: 20000 / 8
        (10, 4, 2000),  # 1250 would be too few
        (10, 20, 1000),  # but a thread has 1000
        (700, 2, 2800),  # four rows for each level
        (3000, 2, 10000),
        (10, 50000, 1),
    ],
)
def test_slices_are_small_but_not_for_what_they_cost(levels, threads, grainsize):
    row = np.arange(20_000)
    data = pd.DataFrame({"y": row % 3, "g": row % levels})
    program = build("y ~ 1 + (1 | g)", data, "poisson", threads=threads).program
    assert program.data["grainsize"] == grainsize


def test_a_response_alone_can_be_sliced():
    code = build("y ~ 0", load_dataset("poisson_sim"), "poisson", threads=2).program.code
    assert "reduce_sum_static(\n      partial_log_lik, Y, grainsize);" in code
    assert find_toolchain("embedded").check(code) == ()


def test_code_and_data_can_be_had_alone():
    formula, data, family = POISSON
    frame = load_dataset(data)
    assert stancode(formula, frame, family, threads=2) == poisson(threads=2).program.code
    assert standata(formula, frame, family, threads=2)["grainsize"] == 1250
    assert "grainsize" not in standata(formula, frame, family)


def test_spec_keeps_the_threads():
    model = poisson(threads=3)
    again = model_from_spec(model.spec(), model.design.data)
    assert again.threads == 3
    assert again.program.code == model.program.code
    assert again.program.data["grainsize"] == model.program.data["grainsize"] == 834


def test_the_plan_says_that_threads_share_the_rows():
    assert "2500 rows, Stan's generalised linear model, shared by 3 threads" in str(
        poisson(threads=3).program.plan
    )


@pytest.mark.parametrize("threads", [0, -2, 1.5, "two", True])
def test_what_is_no_number_of_threads_is_refused(threads):
    with pytest.raises(SamplingError, match=r"threads = .* a whole number of at least 1"):
        poisson(threads=threads)


def test_without_rows_to_share_a_warning_says_so():
    sleepstudy = load_dataset("sleepstudy")
    formula = "Reaction ~ Days + (Days | Subject)"
    with pytest.warns(BrmspyWarning, match="threads = 2 is not used: the effects of Subject"):
        model = build(formula, sleepstudy, threads=2)
    assert model.threads == 1
    assert model.program.code == build(formula, sleepstudy).program.code
    assert build(formula, sleepstudy, threads=2, marginalize=False).threads == 2
    # Without group-level effects there are rows.
    assert build("Reaction ~ Days", sleepstudy, threads=2).threads == 2
    # What the warning was about is settled: reading the model again does not repeat it.
    assert model_from_spec(model.spec(), model.design.data).threads == 1


def log_prob(exe, program, draws, folder, **data):
    """Stan's log density, draw by draw, with some data replaced."""
    logging.getLogger("cmdstanpy").setLevel(logging.CRITICAL)
    file = folder / "data.json"
    write_json(file, {**program.data, **data})
    model = cmdstanpy.CmdStanModel(exe_file=str(exe))
    values = []
    for draw in range(next(iter(draws.values())).shape[1]):
        parameters = {name: value[0, draw].tolist() for name, value in draws.items()}
        frame = model.log_prob(parameters, data=str(file), jacobian=False, sig_figs=17)
        values.append(frame["lp__"].item())
    return np.array(values)


def check_likelihood(model, folder):
    """What the response adds to the log density is the log likelihood, for slices of any size."""
    program, rows = model.program, model.program.data["N"]
    exe = compiled(program.code, find_toolchain("embedded"), CompileOptions(threads=True)).exe
    options = SampleOptions(chains=1, iter_warmup=30, iter_sampling=2, seed=1, inits=0.5, threads=2)
    with Progress(show=False) as progress:
        run = sample(exe, program.data, options, progress=progress)
    parameters = {name: value[0] for name, value in program.recover(run.draws).items()}
    density = log_density(
        model.design, model.family, model.response, parameters, model.design.arrays
    ).sum(axis=1)
    without = log_prob(exe, program, run.draws, folder, prior_only=1)
    for grainsize in (1, 7, rows // 2, rows):
        whole = log_prob(exe, program, run.draws, folder, grainsize=grainsize)
        np.testing.assert_allclose(whole - without, density, rtol=1e-8)


@pytest.mark.compiled
@pytest.mark.filterwarnings("ignore::brmspy.SamplingWarning")  # so few iterations
def test_likelihood(threaded_case, tmp_path, monkeypatch):
    monkeypatch.setenv("STAN_NUM_THREADS", "2")
    check_likelihood(threaded_case.model(threads=2), tmp_path)


@pytest.mark.compiled
@pytest.mark.filterwarnings("ignore::brmspy.SamplingWarning")  # so few iterations
def test_likelihood_of_slices_without_group_level_effects(tmp_path, monkeypatch):
    """The sparse matrix has nothing in the first half of its rows."""
    monkeypatch.setenv("STAN_NUM_THREADS", "2")
    data = load_dataset("poisson_sim")
    data["late"] = np.where(np.arange(len(data)) < len(data) // 2, 0.0, data["x1"])
    formula = "y ~ x2 + (0 + late | g) + offset(log(o))"
    model = build(formula, data, "poisson", threads=2)
    starts = model.program.data["Zu"]
    assert starts[0] == starts[len(data) // 2] == 1
    check_likelihood(model, tmp_path)


@pytest.mark.compiled
def test_posterior_and_record(tmp_path):
    formula, name, family = POISSON
    settings = {"chains": 4, "seed": 3, "progress": False}
    plain, shared, again = (
        brm(formula, load_dataset(name), family, **settings, **threads)
        for threads in ({}, {"threads": 2}, {"threads": 2})
    )
    columns = plain.draws_df().columns
    np.testing.assert_array_equal(shared.draws_df()[columns], again.draws_df()[columns])
    for variable in ("b", "sd_g", "r_g"):
        a, b = (fit.idata.posterior[variable] for fit in (plain, shared))
        error = np.hypot(az.mcse(a)[variable], az.mcse(b)[variable])
        difference = a.mean(("chain", "draw")) - b.mean(("chain", "draw"))
        assert float(np.abs(difference / error).max()) < 5
    assert plain.record.options["threads"] == 1
    assert shared.record.options["threads"] == 2
    shared.save(tmp_path / "fit.nc")
    assert load(tmp_path / "fit.nc").record.options["threads"] == 2
