"""Initial values by the user's names, in the coordinates that the program samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from brmspy import bf, load_dataset, prior
from brmspy.errors import SamplingError
from brmspy.model import Model, build
from brmspy.program import initial_point
from brmspy.program.unconstrained import from_unconstrained

LOBLOLLY, SLEEP = load_dataset("loblolly"), load_dataset("sleepstudy")
PUROMYCIN = load_dataset("puromycin")
SEED = bf("height ~ SSasymp(age, Asym, R0, lrc)", "Asym ~ 1 + (1 | Seed)", "R0 + lrc ~ 1", nl=True)


def started(model: Model, values: dict[str, Any]) -> dict[str, Any]:
    base = {} if model.program.start is None else model.program.start.points(1, 1)[0]
    return initial_point(model.program, model.family, values, base)


def coefficients(model: Model, point: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return the user's coefficients at a point."""
    program = model.program
    draws = {k: np.asarray(v, dtype=float)[None, None] for k, v in point.items()}
    found = {}
    place = 0
    for name, term in program.terms.population.items():
        if term.definition:
            assert program.terms.standard is not None
            white = program.terms.standard.whitening
            free = (white.location + white.scale @ point["std_coefs"])[place : place + term.count]
            place += term.count
            stacked = from_unconstrained(free, *term.interval)
            first = int(term.intercept is not None)
            if term.intercept is not None:
                draws[term.intercept.name] = stacked[:1].reshape(1, 1)
            if term.coefficients is not None:
                draws[term.coefficients.name] = stacked[first:][None, None]
        found[name] = term.recover(draws)[0, 0]
    return found


def test_a_parameter_is_set_by_its_name() -> None:
    model = build(SEED, LOBLOLLY)
    before = coefficients(model, started(model, {}))
    after = coefficients(model, started(model, {"Asym": 97.0}))
    assert after["Asym"].tolist() == pytest.approx([97.0])
    np.testing.assert_allclose(after["lrc"], before["lrc"])
    np.testing.assert_allclose(after["R0"], before["R0"])


def test_coefficients_are_set_by_their_names() -> None:
    model = build("Reaction ~ Days + (Days | Subject)", SLEEP, marginalize=False)
    point = started(model, {"b_Intercept": 251.0, "b_Days": 10.0})
    assert coefficients(model, point)["mu"].tolist() == pytest.approx([251.0, 10.0])


def test_a_slope_alone_turns_the_line_about_its_middle() -> None:
    model = build("Reaction ~ Days", SLEEP)
    before = coefficients(model, started(model, {}))["mu"]
    after = coefficients(model, started(model, {"b_Days": 3.0}))["mu"]
    assert after[1] == pytest.approx(3.0)
    middle = SLEEP["Days"].mean()
    assert after @ [1.0, middle] == pytest.approx(before @ [1.0, middle])


def test_standard_deviations_and_sigma() -> None:
    for options in ({}, {"marginalize": False}):
        model = build("Reaction ~ Days + (Days | Subject)", SLEEP, **options)
        point = started(model, {"sd_Subject__Days": 6.5, "sigma": 20.0})
        assert point["sd_1"][1] == 6.5
        assert float(point["sigma"]) == 20.0
    model = build(SEED, LOBLOLLY)
    assert started(model, {"sd_Seed__Asym_Intercept": 4.5})["sd_Asym"].tolist() == [4.5]


def test_transformed_parameters_are_set_on_their_natural_scale() -> None:
    log = bf(
        "height ~ SSasymp(age, Asym, R0, lrc)",
        "Asym ~ 1 + (1 | Seed)",
        "R0 + lrc ~ 1",
        nl=True,
        transform={"Asym": "log"},
    )
    model = build(log, LOBLOLLY)
    found = coefficients(model, started(model, {"Asym": 97.0}))
    assert np.exp(found["logAsym"]).tolist() == pytest.approx([97.0])


def test_predicted_distributional_parameters_are_set_on_their_natural_scale() -> None:
    model = build(bf("Reaction ~ Days", "sigma ~ Days"), SLEEP)
    found = coefficients(model, started(model, {"sigma": 30.0}))["sigma"]
    np.testing.assert_allclose(found, [np.log(30.0), 0.0], atol=1e-9)


def test_factors_take_the_same_value_in_all_levels() -> None:
    formula = bf("rate ~ SSmicmen(conc, Vm, K)", "Vm ~ 0 + state", "K ~ state", nl=True)
    model = build(formula, PUROMYCIN)
    found = coefficients(model, started(model, {"Vm": 180.0, "K": 0.05}))
    assert found["Vm"].tolist() == pytest.approx([180.0, 180.0])
    np.testing.assert_allclose(found["K"], [0.05, 0.0], atol=1e-9)


def test_coordinates_without_a_pilot_fit() -> None:
    model = build(SEED, LOBLOLLY, parameterization="noncentered")
    point = started(model, {"Asym": 97.0})
    assert point == {"b_Asym": pytest.approx([97.0])}


def test_names_of_the_program_still_work() -> None:
    model = build("Reaction ~ Days", SLEEP)
    found = coefficients(model, started(model, {"Intercept": 300.0, "b": [9.0]}))["mu"]
    assert found[1] == pytest.approx(9.0)
    assert found @ [1.0, SLEEP["Days"].mean()] == pytest.approx(300.0)


def test_what_a_prior_fixes_cannot_be_set() -> None:
    model = build(SEED, LOBLOLLY, prior=prior("constant(-8)", nlpar="R0"))
    with pytest.raises(SamplingError, match="b_R0_Intercept"):
        started(model, {"R0": -9.0})
    found = coefficients(model, started(model, {"Asym": 97.0}) | {"b_R0": [-8.0]})
    assert found["Asym"].tolist() == pytest.approx([97.0])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"Asim": 1.0}, "Did you mean 'Asym'"),
        ({"sigma": -1.0}, "sigma = -1 is outside of its bounds: it must be above 0"),
        ({"Asym": np.nan}, "not a finite number"),
        ({"sd_Seed__Asym_Intercept": 0.0}, "outside of its bounds"),
        ({"cor_Seed": 0.5}, "correlations start near a quick approximation"),
    ],
)
def test_impossible_values(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SamplingError, match=message):
        started(build(SEED, LOBLOLLY), values)
