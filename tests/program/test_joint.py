"""Effects of one factor on several parameters of a curve, sampled together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from brmspy import bf, load_dataset, prior
from brmspy.model import Model, build
from brmspy.program.terms import JointLevels

PINES = "height ~ SSasymp(age, Asym, R0, lrc)"
BOTH = ("Asym + lrc ~ 1 + (1 | Seed)", "R0 ~ 1")


def pines(*formulas: str, **options: Any) -> Model:
    return build(bf(PINES, *formulas, nl=True), load_dataset("loblolly"), **options)


def levels(model: Model) -> JointLevels:
    [found] = model.program.terms.joint
    return found


def test_combinations_are_independent_before_and_after_the_data() -> None:
    found = levels(pines(*BOTH))
    sd = np.exp(found.found.log_sd)
    T, information = found.combinations, found.found.marginal.information
    before = T @ np.diag(sd**2) @ np.swapaxes(T, 1, 2)
    np.testing.assert_allclose(before, np.broadcast_to(np.eye(2), before.shape), atol=1e-8)
    after = T @ np.linalg.inv(information + np.diag(sd**-2.0)) @ np.swapaxes(T, 1, 2)
    np.testing.assert_allclose(after[:, 0, 1], 0.0, atol=1e-8)
    assert (after[:, 0, 0] < after[:, 1, 1]).all(), "the first is known best"


def test_what_the_data_know_is_one_combination_of_size_and_speed() -> None:
    found = levels(pines(*BOTH))
    assert found.lead.tolist() == [1] * 14
    # A larger asymptote and a larger rate both make a taller tree.
    first = found.combinations[:, 0]
    assert (first[:, 0] * first[:, 1] > 0).all()
    plan = pines(*BOTH).program.plan
    assert "hierarchical means of 1 of 2 combinations" in str(plan)


def test_all_combinations_are_known_where_curves_differ_clearly() -> None:
    formula = bf(
        "conc ~ SSfol(Dose, Time, lKe, lKa, lCl)",
        "lKe ~ 1",
        "lKa + lCl ~ 1 + (1 | Subject)",
        nl=True,
    )
    model = build(formula, load_dataset("theoph"))
    assert levels(model).lead.tolist() == [2] * 12
    assert model.program.plan.adapt_delta == 0.95


def test_the_prior_has_the_same_program_and_standardised_effects() -> None:
    posterior, before = pines(*BOTH), pines(*BOTH, sample_prior="only")
    assert posterior.program.code == before.program.code
    assert levels(before).lead.tolist() == [0] * 14
    assert not before.program.data["joint1_known"].any()


@pytest.mark.parametrize(
    ("formulas", "options"),
    [
        (("Asym ~ 1 + (1 | Seed)", "R0 + lrc ~ 1"), {}),
        (("Asym + lrc ~ 1 + (1 | s | Seed)", "R0 ~ 1"), {}),
        (BOTH, {"parameterization": "centered"}),
        (BOTH, {"parameterization": "noncentered"}),
        (BOTH, {"prior": [prior("constant(0.03)", class_="sd", nlpar="lrc")]}),
        (BOTH, {"prior": [prior("constant(-8.5)", nlpar="R0")]}),
    ],
    ids=["one effect", "correlated", "centred", "textbook", "fixed sd", "fixed coefficient"],
)
def test_others_are_sampled_one_by_one(formulas: tuple[str, ...], options: dict[str, Any]) -> None:
    model = pines(*formulas, **options)
    together = model.program.terms.joint
    if options.get("prior") and "R0" in str(options["prior"]):
        # The other coefficients still have coordinates together.
        assert together
    else:
        assert together == ()


def test_effects_of_another_factor_on_the_same_parameter_leave_them_apart() -> None:
    data = load_dataset("loblolly").assign(half=lambda d: d["Seed"].cat.codes % 4)
    formula = bf(
        PINES, "Asym ~ 1 + (1 | Seed) + (1 | half)", "lrc ~ 1 + (1 | Seed)", "R0 ~ 1", nl=True
    )
    assert build(formula, data).program.terms.joint == ()


def test_sds_of_the_pilot_fit_are_those_of_nlme() -> None:
    # nlme(..., random = pdDiag(Asym + lrc ~ 1)): looked at one by one, Asym seems not to vary.
    found = levels(pines(*BOTH)).found
    np.testing.assert_allclose(np.exp(found.log_sd), [2.806, 0.0345], rtol=0.25)
    # Either could be a quarter as large, but not both.
    assert found.evidence(4.0, 1) < 5.0 < found.evidence(4.0, 2)


def test_start_is_near_the_effects_of_the_pilot_fit() -> None:
    model = pines(*BOTH)
    found, start = levels(model), model.program.start
    assert start is not None
    assert start.values["joint1"].value.shape == (28,)
    assert (start.values["joint1"].variance > 0.0).all()
    assert start.inverse_metric().shape == (3 + 1 + 28 + 2,)
    assert np.isfinite(start.values["joint1"].value).all()
    # Known combinations stand in units of their prior.
    assert np.abs(start.values["joint1"].value).max() < 5.0
    assert found.shift.shape == (28, 3)
    np.testing.assert_array_equal(found.shift[14:], 0.0)
