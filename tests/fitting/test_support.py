"""Where a model has no density: the row, the parameter, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy import bf, brm, load_dataset, poisson, prior
from brmspy.errors import SamplingError
from brmspy.fitting.support import check_points, explain_start, fault_at, may_leave
from brmspy.model import Model, build
from brmspy.predict import log_density
from brmspy.program import draws_at, initial_point, random_point

LOBLOLLY, PUROMYCIN = load_dataset("loblolly"), load_dataset("puromycin")
SLEEP = load_dataset("sleepstudy")


def proper(*names: str) -> list[Any]:
    return [prior("normal(0, 10)", nlpar=name) for name in names]


def started(model: Model, values: Mapping[str, Any]) -> dict[str, Any]:
    assert model.program.start is not None
    [base] = model.program.start.points(1, 1)
    return initial_point(model.program, model.family, values, base)


def logged(**options: Any) -> Model:
    return build(
        bf("height ~ log(a + b * age)", "a + b ~ 1", nl=True),
        LOBLOLLY,
        prior=proper("a", "b"),
        **options,
    )


def test_the_row_the_part_and_the_parameters_are_named() -> None:
    fault = fault_at(logged(), started(logged(), {"a": -20, "b": 1}))
    assert fault is not None
    assert fault.row == 0
    # Up to age 20 there is nothing to take the logarithm of; at 20 it is infinite.
    assert (fault.count, fault.total) == ((LOBLOLLY["age"] <= 20).sum(), 84)
    text = str(fault)
    for part in (
        "row 0 (age = 3)",
        "log(a + b * age) is not a number",
        "a + b * age is -17",
        "a = -20, b = 1",
        "70 of 84 rows",
        "init={'a': ...}",
        'nlpar="a"',
    ):
        assert part in text
    assert fault_at(logged(), started(logged(), {"a": 1, "b": 1})) is None


def test_rows_are_named_by_the_index_of_the_data_frame() -> None:
    data = LOBLOLLY.set_axis([f"tree {i}" for i in range(84)]).iloc[::-1]
    model = build(
        bf("height ~ a * (age - c)^0.5", "a + c ~ 1", nl=True), data, prior=proper("a", "c")
    )
    fault = fault_at(model, started(model, {"a": 1, "c": 4}))
    assert fault is not None
    assert fault.row == data.index[data["age"] == 3][0]
    assert f"row '{fault.row}' (age = 3)" in str(fault)


def test_group_level_effects_take_part() -> None:
    model = build(
        bf("height ~ log(a + b * age)", "a ~ 1 + (1 | Seed)", "b ~ 1", nl=True),
        LOBLOLLY,
        prior=proper("a", "b"),
    )
    fault = fault_at(model, started(model, {"a": -50, "b": 1}))
    assert fault is not None
    assert "Seed = '301'" in str(fault)


def test_a_parameter_out_of_the_range_of_its_curve() -> None:
    model = build(
        bf(
            "height ~ SSrichards(age, Asym, xmid, scal, nu)", "Asym + xmid + scal + nu ~ 1", nl=True
        ),
        LOBLOLLY,
        prior=prior("normal(0, 1)", nlpar="nu"),
    )
    fault = fault_at(model, started(model, {"nu": -1}))
    assert fault is not None
    assert "nu of SSrichards() must be above 0" in str(fault)


def test_a_mean_out_of_the_range_of_its_family() -> None:
    data = pd.DataFrame({"y": [1, 2, 3, 4, 5, 6], "x": np.arange(6.0)})
    for formula, options in (
        (bf("y ~ a + b * x", "a + b ~ 1", nl=True), {"prior": proper("a", "b")}),
        ("y ~ x", {}),
    ):
        model = build(formula, data, poisson(link="identity"), marginalize=False, **options)
        values = {"a": -2.5, "b": 1} if options else {"b_Intercept": -2.5, "b_x": 1}
        fault = fault_at(model, started(model, values))
        assert fault is not None
        assert fault.count == 3
        text = str(fault)
        assert "mu is -2.5, but must be at least 0 in the family poisson" in text
        assert "'identity' does not keep it there; 'log' does" in text


def test_a_branch_that_is_not_taken_is_not_blamed() -> None:
    model = build(
        bf("height ~ ifelse(age > 5, sqrt(age - a), a)", "a ~ 1", nl=True),
        LOBLOLLY,
        prior=proper("a"),
    )
    fault = fault_at(model, started(model, {"a": 12}))
    assert fault is not None
    # Where age is 3 or 5 the root is not taken.
    assert fault.count == (LOBLOLLY["age"] == 10).sum()
    assert "(age = 10), mu has no value: sqrt(age - a) is not a number" in str(fault)


@pytest.mark.parametrize(
    ("model", "leaves"),
    [
        (lambda: build("Reaction ~ Days + (Days | Subject)", SLEEP), False),
        (lambda: build("Reaction ~ Days", SLEEP), False),
        (lambda: build(bf("Reaction ~ Days", "sigma ~ Days"), SLEEP), False),
        (lambda: build("Days ~ Reaction", SLEEP, poisson(link="identity")), True),
        (logged, True),
        (lambda: logged(sample_prior="only"), False),
    ],
)
def test_only_models_that_can_leave_are_looked_at(model: Any, leaves: bool) -> None:
    assert may_leave(model()) is leaves


@pytest.mark.parametrize(
    "model",
    [
        logged,
        lambda: build("Reaction ~ Days + (Days | Subject)", SLEEP, marginalize=False),
        lambda: build("Reaction ~ Days + (Days || Subject)", SLEEP, parameterization="noncentered"),
        lambda: build(
            bf("rate ~ SSmicmen(conc, Vm, K)", "Vm + K ~ 0 + state", nl=True),
            PUROMYCIN,
            prior=prior("constant(0.06)", nlpar="K", coef="statetreated"),
        ),
    ],
)
def test_any_point_can_be_looked_at(model: Any) -> None:
    built = model()
    point = random_point(built.program, np.random.default_rng(1), 0.3)
    draws = built.program.recover(draws_at(built.program, point))
    flat = {name: value[0] for name, value in draws.items()}
    density = log_density(built.design, built.family, built.response, flat, built.design.arrays)
    assert density.shape == (1, built.nobs)
    assert np.isfinite(density).all() == (fault_at(built, point) is None)


def test_initial_values_outside_are_refused_before_anything_is_compiled() -> None:
    with pytest.raises(SamplingError, match=r"no density at the initial values\. In row 0"):
        brm(
            bf("height ~ log(a + b * age)", "a + b ~ 1", nl=True),
            LOBLOLLY,
            prior=proper("a", "b"),
            init={"a": -20, "b": 1},
            progress=False,
        )


def test_each_chain_is_looked_at() -> None:
    model = logged()
    good, bad = started(model, {"a": 1, "b": 1}), started(model, {"a": -20, "b": 1})
    check_points(model, [good, good])
    with pytest.raises(SamplingError, match="of chain 2"):
        check_points(model, [good, bad])


def test_points_that_stan_would_draw() -> None:
    model = logged(parameterization="noncentered")
    # At zero, log(0) is minus infinity in all rows.
    text = explain_start(model, 0.0)
    assert text.startswith("At 20 of 20 such points the model has no density. In row 0 (age = 3)")
    assert "log(a + b * age) is infinite" in text
    assert (
        explain_start(build("Reaction ~ Days", SLEEP, parameterization="noncentered"), None) == ""
    )


def test_chains_start_inside() -> None:
    model = build(
        bf("height ~ log(a + b * age)", "a + b ~ 1", nl=True),
        LOBLOLLY.assign(height=np.log(1.0 + LOBLOLLY["height"])),
        prior=proper("a", "b"),
    )
    start = model.program.start
    assert start is not None
    assert [start.points(1, 4)[i]["sigma"] for i in range(4)] == [
        start.points(1, 4, lambda _: True)[i]["sigma"] for i in range(4)
    ]
    near = start.points(1, 4, lambda point: bool(np.abs(point["std_coefs"]).max() < 0.3))
    assert all(np.abs(point["std_coefs"]).max() < 0.3 for point in near)
    # If there is no density anywhere the chains start at the pilot fit.
    for point in start.points(1, 2, lambda _: False):
        np.testing.assert_allclose(point["std_coefs"], 0.0)


@pytest.mark.compiled
def test_stan_that_finds_no_initial_values_is_explained() -> None:
    with pytest.raises(SamplingError) as caught:
        brm(
            bf("height ~ log(a + b * age)", "a + b ~ 1", nl=True),
            LOBLOLLY,
            prior=proper("a", "b"),
            parameterization="noncentered",
            init=0,
            progress=False,
        )
    text = str(caught.value)
    assert "found no initial values" in text
    assert "In row 0 (age = 3), log(a + b * age) is infinite" in text
