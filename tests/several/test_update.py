"""update(): what changes, and what stays; without Stan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy import (
    BrmsFit,
    BrmspyError,
    DataError,
    FormulaError,
    PriorError,
    SamplingError,
    bf,
    load_dataset,
    prior,
    update,
)
from brmspy.fitting import Plan

Started = Callable[..., Plan]
Unfitted = Callable[..., BrmsFit]

SLEEP = load_dataset("sleepstudy")
FORMULA = "Reaction ~ Days + (Days | Subject)"


def priors_of(plan: Plan) -> dict[str, str]:
    """Return the priors of the classes, as text."""
    table = plan.model.priors.table()
    found = table[(table["coef"] == "") & (table["group"] == "")]
    return dict(zip(found["class"], found["prior"], strict=True))


def test_it_is_a_method_and_a_function(started: Started, unfitted: Unfitted) -> None:
    fit = unfitted(FORMULA, SLEEP)
    assert started(fit.update, chains=2).settings.options.chains == 2
    assert started(update, fit, chains=3).settings.options.chains == 3


def test_settings_are_kept_but_for_the_seed(started: Started, unfitted: Unfitted) -> None:
    fit = unfitted(FORMULA, SLEEP, chains=3, iter_sampling=200, thin=2, adapt_delta=0.9, seed=1)
    kept = started(fit.update).settings.options
    assert (kept.chains, kept.iter_sampling, kept.thin, kept.adapt_delta) == (3, 200, 2, 0.9)
    assert kept.seed is None
    new = started(fit.update, iter=900, control={"adapt_delta": 0.99}, seed=4).settings.options
    assert (new.iter_warmup, new.iter_sampling, new.adapt_delta, new.seed) == (450, 450, 0.99, 4)
    quick = started(fit.update, algorithm="laplace").settings
    assert (quick.algorithm, quick.draws) == ("laplace", 600)


def test_a_formula_with_dots(started: Started, unfitted: Unfitted) -> None:
    fit = unfitted(FORMULA, SLEEP)
    assert str(started(fit.update, "~ . - (Days | Subject)").model.formula) == "Reaction ~ Days"
    whole = started(fit.update, bf("~ . - (Days | Subject)", "sigma ~ Days"))
    assert str(whole.model.formula) == "Reaction ~ Days\nsigma ~ Days"
    assert str(started(fit.update, family="student").model.family.name) == "student"


def test_default_priors_stay_with_other_data(started: Started, unfitted: Unfitted) -> None:
    fit = unfitted(FORMULA, SLEEP)
    old = "student_t(3, 0, 59.3)"
    larger = SLEEP.assign(Reaction=100 * SLEEP["Reaction"])
    assert priors_of(started(fit.update, newdata=larger))["sigma"] == old
    assert priors_of(started(fit.update, data=larger))["sigma"] == old
    new = "student_t(3, 0, 5933.9)"
    for changed in ({"prior": prior("normal(0, 1)", class_="b")}, {"formula": "~ ."}):
        assert priors_of(started(fit.update, newdata=larger, **changed))["sigma"] == new


def test_new_priors_take_the_place_of_old_ones(started: Started, unfitted: Unfitted) -> None:
    fit = unfitted(
        FORMULA,
        SLEEP,
        prior=[prior("normal(0, 1)", class_="b"), prior("exponential(0.1)", class_="sigma")],
    )
    kept = priors_of(started(fit.update, prior=prior("normal(0, 2)", class_="b")))
    assert (kept["b"], kept["sigma"]) == ("normal(0, 2)", "exponential(0.1)")
    alone = priors_of(
        started(fit.update, prior=[prior("normal(0, 2)", class_="b")], keep_priors=False)
    )
    assert (alone["b"], alone["sigma"]) == ("normal(0, 2)", "student_t(3, 0, 59.3)")
    none = priors_of(started(fit.update, keep_priors=False))
    assert (none["b"], none["sigma"]) == ("(flat)", "student_t(3, 0, 59.3)")


def test_a_prior_for_what_is_gone_is_named(started: Started, unfitted: Unfitted) -> None:
    fit = unfitted(FORMULA, SLEEP, prior=prior("lkj(2)", class_="cor", group="Subject"))
    with pytest.raises(PriorError, match=r"lkj\(2\)(?s:.*)no parameter(?s:.*)keep_priors=False"):
        fit.update("~ . - (Days | Subject) + (1 | Subject)")
    plan = started(fit.update, "~ . - (Days | Subject)", keep_priors=False)
    assert str(plan.model.formula) == "Reaction ~ Days"
    # What the user writes now is no prior of the old fit.
    with pytest.raises(PriorError) as caught:
        fit.update(prior=prior("normal(0, 1)", class_="b", coef="Dayz"))
    assert "keep_priors" not in str(caught.value)


def test_columns_that_the_fit_does_not_keep(started: Started, unfitted: Unfitted) -> None:
    fit = unfitted("Reaction ~ 1", SLEEP)
    with pytest.raises(FormulaError, match=r"no column 'Days'(?s:.*)give newdata="):
        fit.update("~ . + Days")
    plan = started(fit.update, "~ . + Days", newdata=SLEEP)
    assert str(plan.model.formula) == "Reaction ~ 1 + Days"
    with pytest.raises(FormulaError) as caught:
        fit.update("~ . + Dayz", newdata=SLEEP)
    assert "give newdata=" not in str(caught.value)


def test_data_of_any_kind(started: Started, unfitted: Unfitted) -> None:
    fit = unfitted("Reaction ~ Days", SLEEP)
    columns = {"Reaction": [1.0, 2.0, 4.0], "Days": [0, 1, 2]}
    assert started(fit.update, newdata=columns).model.nobs == 3
    with pytest.raises(FormulaError, match="no column 'Days'"):
        fit.update(newdata=pd.DataFrame({"Reaction": [1.0, 2.0]}))


def test_initial_values_are_for_the_parameters_they_were_given_for(
    started: Started, unfitted: Unfitted
) -> None:
    fit = unfitted("Reaction ~ Days", SLEEP, init={"sigma": 50.0}, marginalize=False)
    assert started(fit.update, newdata=SLEEP).settings.init == {"sigma": 50.0}
    assert started(fit.update, "~ . - Days").settings.init == "auto"
    each = unfitted("Reaction ~ Days", SLEEP, init=[{"sigma": 50.0}] * 4)
    assert started(each.update, chains=2).settings.init == "auto"
    assert unfitted("Reaction ~ Days", SLEEP, init=0.5).record.arguments["init"] == 0.5


def test_contrasts_are_kept_as_far_as_their_factors_are(
    started: Started, unfitted: Unfitted
) -> None:
    oats = load_dataset("oats")

    def coefs(plan: Plan) -> list[str]:
        return [coef.label for coef in plan.model.design.predictors["mu"].coefs]

    chosen = {"varieties": "sum", "blocks": "helmert"}
    fit = unfitted("yields ~ varieties + blocks", oats, contrasts=chosen)
    blocks = [f"blocks{place}" for place in range(1, 6)]
    assert coefs(started(fit.update)) == ["Intercept", "varieties1", "varieties2", *blocks]
    fewer = started(fit.update, newdata=oats[oats["varieties"] != "Victory"])
    assert coefs(fewer) == ["Intercept", "varieties1", *blocks]
    assert coefs(started(fit.update, "~ . - blocks")) == ["Intercept", "varieties1", "varieties2"]
    assert started(fit.update, "~ . - blocks").model.design.contrasts.keys() == {"varieties"}
    new = started(fit.update, "~ . - blocks", contrasts={"varieties": "poly"})
    assert coefs(new) == ["Intercept", "varieties.L", "varieties.Q"]
    usual = started(fit.update, contrasts=None)
    assert coefs(usual)[1] == "varietiesMarvellous"
    with pytest.raises(DataError, match="'blocks'"):
        fit.update("~ . - blocks", contrasts=chosen)


def test_the_model_keeps_its_marginalisation(started: Started, unfitted: Unfitted) -> None:
    fit = unfitted(FORMULA, SLEEP, marginalize=False)
    assert not started(fit.update).model.marginalize
    assert started(fit.update, marginalize="auto").model.marginalize
    assert started(fit.update, sample_prior="no", threads=1).model.threads == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"newdata": SLEEP, "data": SLEEP}, "two names for the same"),
        ({"chian": 2}, "no argument 'chian'. Did you mean 'chains'"),
        ({"iter": 100, "iter_warmup": 10}, "together with iter"),
    ],
)
def test_what_is_not_valid(
    unfitted: Unfitted, started: Started, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(BrmspyError, match=message):
        unfitted(FORMULA, SLEEP).update(**arguments)


def test_the_same_structure_has_the_same_program(started: Started, unfitted: Unfitted) -> None:
    fit = unfitted(FORMULA, SLEEP)

    def text(plan: Plan) -> str:
        lines = plan.model.program.code.splitlines()
        return "\n".join(line.split("//")[0].rstrip() for line in lines)

    before = text(started(fit.update))
    rng = np.random.default_rng(1)
    other = SLEEP.assign(extra=rng.normal(size=len(SLEEP)))
    assert text(started(fit.update, "~ . + extra", newdata=other)) == before
    assert text(started(fit.update, newdata=SLEEP.query("Days > 1"))) == before
    assert text(started(fit.update, "~ . - (Days | Subject)")) != before


def test_settings_that_are_not_valid_are_refused_by_name(unfitted: Unfitted) -> None:
    with pytest.raises(SamplingError, match="adapt_delta"):
        unfitted(FORMULA, SLEEP).update(adapt_delta=2)
