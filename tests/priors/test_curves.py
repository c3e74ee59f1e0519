"""Default priors of named curves: each parameter on its own scale."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy import bf, default_prior, lf, load_dataset, nlf, prior
from brmspy.model import Model, build, model_from_spec

LOBLOLLY, PUROMYCIN = load_dataset("loblolly"), load_dataset("puromycin")
SEED = bf("height ~ SSasymp(age, Asym, R0, lrc)", "Asym ~ 1 + (1 | Seed)", "R0 + lrc ~ 1", nl=True)


def model(formula: Any, data: Any = LOBLOLLY, **options: Any) -> Model:
    return build(formula, data, **options)


def texts(fitted: Model) -> dict[str, str]:
    """Return the prior of each parameter by its name."""
    return {
        name: element.text
        for priors in fitted.priors.blocks
        for name, element in zip(priors.block.names, priors.elements, strict=True)
    }


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d[\d.e+-]*", text.partition("(")[2])]


def test_priors_are_centred_at_the_estimates_and_wide() -> None:
    found = texts(model(SEED))
    # Estimate and standard error of nlme, which the prior must not know better than the data.
    expected = {
        "b_Asym_Intercept": (101.45, 2.46),
        "b_R0_Intercept": (-8.63, 0.318),
        "b_lrc_Intercept": (-3.234, 0.0343),
    }
    for name, (value, error) in expected.items():
        centre, scale = numbers(found[name])
        assert found[name].startswith("normal(")
        assert abs(centre - value) < 2 * error, name
        assert 5 * error < scale < 30 * error, name


def test_standard_deviations_have_the_scale_of_their_parameter() -> None:
    found = texts(model(SEED))
    # nlme: 3.65 ft; brms' default scale is that of the height of all trees, 32.8.
    df, centre, scale = numbers(found["sd_Seed__Asym_Intercept"])
    assert (df, centre) == (3.0, 0.0)
    assert 3.65 < scale < 4 * 3.65
    rate = bf(
        "height ~ SSasymp(age, Asym, R0, lrc)", "Asym + R0 ~ 1", "lrc ~ 1 + (1 | Seed)", nl=True
    )
    assert numbers(texts(model(rate))["sd_Seed__lrc_Intercept"])[-1] < 1.0


def test_brms_rule_is_a_switch_away() -> None:
    table = default_prior(SEED, LOBLOLLY, default_priors="brms")
    assert (table.loc[table["class"] == "b", "prior"] == "").all()
    general = table[(table["class"] == "sd") & (table["group"] == "")]
    assert general["prior"].tolist() == ["student_t(3, 0, 32.8)"]
    written = bf(
        "height ~ Asym + (R0 - Asym) * exp(-exp(lrc) * age)",
        "Asym ~ 1 + (1 | Seed)",
        "R0 + lrc ~ 1",
        nl=True,
    )
    pd.testing.assert_frame_equal(table, default_prior(written, LOBLOLLY))


def test_sigma_keeps_the_rule_of_brms() -> None:
    assert texts(model(SEED))["sigma"] == "student_t(3, 0, 32.8)"


def test_units_of_the_data_scale_the_priors() -> None:
    metres = LOBLOLLY.assign(height=LOBLOLLY["height"] * 0.3048, age=LOBLOLLY["age"] * 12)
    before, after = texts(model(SEED)), texts(model(SEED, metres))
    for name in ("b_Asym_Intercept", "b_R0_Intercept", "sd_Seed__Asym_Intercept"):
        np.testing.assert_allclose(
            np.array(numbers(before[name])[-2:]) * 0.3048, numbers(after[name])[-2:], rtol=0.06
        )
    shifted = numbers(before["b_lrc_Intercept"])[0] - np.log(12)
    assert numbers(after["b_lrc_Intercept"])[0] == pytest.approx(shifted, abs=0.02)


def test_table_says_that_they_are_defaults() -> None:
    table = model(SEED).priors.table()
    rows = table[(table["class"] == "b") & (table["coef"] == "")]
    assert set(rows["source"]) == {"default"}
    assert rows["prior"].str.startswith("normal(").all()


def test_coefficients_of_a_parameter() -> None:
    treatment = bf("rate ~ SSmicmen(conc, Vm, K)", "Vm ~ state", "K ~ 1", nl=True)
    fitted = model(treatment, PUROMYCIN)
    found = texts(fitted)
    centre, _ = numbers(found["b_Vm_Intercept"])
    assert 160 < centre < 213
    zero, effect = numbers(found["b_Vm_stateuntreated"])
    # The treatments differ by 52.
    assert zero == 0.0
    assert 52 < effect < 10 * 52
    # Each has a row of its own, since the class has no prior that holds for both.
    table = fitted.priors.table().set_index(["nlpar", "coef"])
    assert table.loc[("Vm", ""), "prior"] == "(flat)"
    assert table.loc[("Vm", "Intercept"), "source"] == "default"
    states = texts(
        model(bf("rate ~ SSmicmen(conc, Vm, K)", "Vm + K ~ 0 + state", nl=True), PUROMYCIN)
    )
    assert states["b_Vm_statetreated"] == states["b_Vm_stateuntreated"]
    assert numbers(states["b_Vm_statetreated"])[0] == pytest.approx(190, abs=5)


def test_far_away_intercepts_are_less_known() -> None:
    data = PUROMYCIN.assign(year=2000.0 + np.arange(len(PUROMYCIN)) % 3)
    formula = bf("rate ~ SSmicmen(conc, Vm, K)", "Vm ~ year", "K ~ 1", nl=True)
    found = texts(model(formula, data))
    assert numbers(found["b_Vm_Intercept"])[1] > 1000 * numbers(found["b_Vm_year"])[1]
    centred = bf("rate ~ SSmicmen(conc, Vm, K)", "K ~ 1", nl=True)
    found = texts(model(centred + lf("Vm ~ year", center=True), data))
    assert numbers(found["Intercept_Vm"])[1] < 200


def test_natural_bounds_hold_for_values_not_for_differences() -> None:
    values = model(bf("rate ~ SSmicmen(conc, Vm, K)", "Vm + K ~ 0 + state", nl=True), PUROMYCIN)
    assert {e.lower for e in values.priors.for_("b", nlpar="K").elements} == {0.0}
    assert {e.lower for e in values.priors.for_("b", nlpar="Vm").elements} == {-np.inf}
    differences = model(bf("rate ~ SSmicmen(conc, Vm, K)", "Vm + K ~ state", nl=True), PUROMYCIN)
    assert {e.lower for e in differences.priors.for_("b", nlpar="K").elements} == {-np.inf}


def test_the_users_priors_come_first() -> None:
    mine = [
        prior("normal(100, 1)", nlpar="Asym"),
        prior("exponential(1)", class_="sd", nlpar="Asym"),
        prior("normal(-3, 2)", nlpar="lrc", coef="Intercept"),
    ]
    found = texts(model(SEED, prior=mine))
    assert found["b_Asym_Intercept"] == "normal(100, 1)"
    assert found["sd_Seed__Asym_Intercept"] == "exponential(1)"
    assert found["b_lrc_Intercept"] == "normal(-3, 2)"
    assert found["b_R0_Intercept"].startswith("normal(-8")
    # A prior for the whole class goes before defaults of single coefficients.
    states = bf("rate ~ SSmicmen(conc, Vm, K)", "Vm ~ state", "K ~ 1", nl=True)
    own = texts(model(states, PUROMYCIN, prior=prior("normal(0, 500)", nlpar="Vm")))
    assert own["b_Vm_Intercept"] == own["b_Vm_stateuntreated"] == "normal(0, 500)"
    bounds = model(states, PUROMYCIN, prior=prior("normal(0, 1)", nlpar="K"))
    assert bounds.priors.for_("b", nlpar="K").elements[0].lower == -np.inf


def test_transformed_parameters_have_priors_on_their_own_scale() -> None:
    log = bf(
        "height ~ SSasymp(age, Asym, R0, lrc)",
        "Asym ~ 1 + (1 | Seed)",
        "R0 + lrc ~ 1",
        nl=True,
        transform={"Asym": "log"},
    )
    found = texts(model(log))
    assert numbers(found["b_logAsym_Intercept"])[0] == pytest.approx(np.log(101.4), abs=0.05)
    assert 0.036 < numbers(found["sd_Seed__logAsym_Intercept"])[-1] < 0.2
    by_hand = bf(
        "height ~ SSasymp(age, Asym, R0, lrc)",
        nlf("Asym ~ 50 + 150 * inv_logit(a)"),
        "a ~ 1 + (1 | Seed)",
        "R0 + lrc ~ 1",
        nl=True,
    )
    share = (101.4 - 50) / 150
    expected = np.log(share / (1 - share))
    assert numbers(texts(model(by_hand))["b_a_Intercept"])[0] == pytest.approx(expected, abs=0.15)


def test_counts_and_proportions_are_taken_on_the_scale_of_the_link() -> None:
    x = np.linspace(0.0, 10.0, 40)
    log_mean = 4.0 / (1 + np.exp((5.0 - x) / 1.5))
    counts = pd.DataFrame({"x": x, "y": np.round(np.exp(log_mean)).astype(int)})
    formula = bf("y ~ SSlogis(x, Asym, xmid, scal)", "Asym + xmid + scal ~ 1", nl=True)
    found = texts(build(formula, counts, "poisson"))
    assert numbers(found["b_Asym_Intercept"])[0] == pytest.approx(4.0, abs=0.4)
    share = 1 / (1 + np.exp(-(log_mean - 2.0)))
    trials = counts.assign(n=1000, y=np.round(1000 * share).astype(int))
    formula = bf("y | trials(n) ~ SSfpl(x, A, B, xmid, scal)", "A + B + xmid + scal ~ 1", nl=True)
    found = texts(build(formula, trials, "binomial"))
    assert numbers(found["b_B_Intercept"])[0] == pytest.approx(2.0, abs=0.3)


def test_zeros_and_ones_on_the_logit_scale_say_nothing_of_the_curve() -> None:
    data = pd.DataFrame({"x": np.arange(20.0), "y": [0, 1] * 10})
    formula = bf("y ~ SSlogis(x, Asym, xmid, scal)", "Asym + xmid + scal ~ 1", nl=True)
    assert texts(build(formula, data, "bernoulli"))["b_Asym_Intercept"] == "flat"


@pytest.mark.parametrize(
    "formula",
    [
        bf("height ~ a + SSasymp(age, Asym, R0, lrc)", "a + Asym + R0 + lrc ~ 1", nl=True),
        bf("height ~ SSasymp(age - t0, Asym, R0, lrc)", "t0 + Asym + R0 + lrc ~ 1", nl=True),
        bf("height ~ SSasymp(age, Asym * age, R0, lrc)", "Asym + R0 + lrc ~ 1", nl=True),
        bf("height ~ SSasymp(age, Asym, Asym, lrc)", "Asym + lrc ~ 1", nl=True),
    ],
    ids=["sum", "input", "argument", "twice"],
)
def test_more_than_a_curve_is_left_flat(formula: Any) -> None:
    assert texts(model(formula))["b_lrc_Intercept"] == "flat"


def test_numbers_may_stand_for_parameters() -> None:
    fixed = bf("height ~ SSasymp(age, Asym, -8, lrc)", "Asym + lrc ~ 1", nl=True)
    found = texts(model(fixed))
    assert set(found) == {"b_Asym_Intercept", "b_lrc_Intercept", "sigma"}
    assert numbers(found["b_Asym_Intercept"])[0] == pytest.approx(102, abs=4)


def test_a_curve_may_stand_in_a_formula_of_its_own() -> None:
    nested = bf(
        "height ~ size",
        nlf("size ~ SSasymp(age, Asym, R0, lrc)"),
        "Asym ~ 1 + (1 | Seed)",
        "R0 + lrc ~ 1",
        nl=True,
    )
    assert texts(model(nested)) == texts(model(SEED))


def test_the_same_model_comes_back_from_its_specification() -> None:
    states = bf("rate ~ SSmicmen(conc, Vm, K)", "Vm + K ~ state", nl=True)
    for rule in ("auto", "brms"):
        fitted = model(states, PUROMYCIN, default_priors=rule)
        again = model_from_spec(fitted.spec(), PUROMYCIN)
        assert texts(again) == texts(fitted)
        assert again.program.code == fitted.program.code
    old = model(states, PUROMYCIN).spec()
    del old["default_priors"]
    assert texts(model_from_spec(old, PUROMYCIN))["b_K_Intercept"] == "flat"


def test_other_data_can_keep_the_priors() -> None:
    states = bf("rate ~ SSmicmen(conc, Vm, K)", "Vm + K ~ state", nl=True)
    fitted = model(states, PUROMYCIN)
    part = PUROMYCIN.iloc[::2]
    assert texts(model(states, part)) != texts(fitted)
    kept = model(states, part, defaults=fitted.default_priors)
    assert texts(kept) == texts(fitted)
    # Even where the data could not say what the curve is.
    flat = PUROMYCIN.assign(rate=100)
    assert texts(model(states, flat, defaults=fitted.default_priors)) == texts(fitted)
