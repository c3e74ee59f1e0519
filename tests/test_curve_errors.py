"""What can go wrong with a named curve, and what users are told to do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy import bf, brm, load_dataset, nlf, prior
from brmspy.errors import (
    BrmspyError,
    DataError,
    FormulaError,
    PriorError,
    PriorWarning,
    SamplingError,
)
from brmspy.model import build
from brmspy.proposals import advise_priors

LOBLOLLY = load_dataset("loblolly")
PUROMYCIN = load_dataset("puromycin")
ASYMP = "height ~ SSasymp(age, Asym, R0, lrc)"
ONES = "Asym + R0 + lrc ~ 1"
WEIBULL = bf(
    "height ~ SSweibull(age, Asym, Drop, lrc, pwr)", "Asym + Drop + lrc + pwr ~ 1", nl=True
)
MICMEN = bf("rate ~ SSmicmen(conc, Vm, K)", "Vm + K ~ 1", nl=True)


def fit(formula: Any, data: Any = LOBLOLLY, **options: Any) -> Callable[[], Any]:
    return lambda: brm(formula, data, progress=False, **options)


def asymp(*parts: Any, data: Any = LOBLOLLY, main: str = ASYMP, **options: Any) -> Any:
    settings = {k: options.pop(k) for k in ("init", "prior", "default_priors") if k in options}
    return lambda: fit(bf(main, *(parts or (ONES,)), nl=True, **options), data, **settings)()


def asymp_alone() -> Any:
    return fit(bf(ASYMP, nl=True))()


def one_row_each() -> pd.DataFrame:
    return LOBLOLLY.assign(row=[f"r{i}" for i in range(len(LOBLOLLY))])


# What is done; the error; what its message must say.
TABLE: dict[str, tuple[Callable[[], Any], type[BrmspyError], tuple[str, ...]]] = {
    "too few arguments": (
        asymp(main="height ~ SSasymp(age, Asym, R0)"),
        FormulaError,
        ("SSasymp()", "'lrc'", "SSasymp(input, Asym, R0, lrc)", "^"),
    ),
    "too many arguments": (
        asymp(main="height ~ SSasymp(age, Asym, R0, lrc, 3)"),
        FormulaError,
        ("SSasymp(input, Asym, R0, lrc)", "^"),
    ),
    "unknown argument": (
        asymp(main="height ~ SSasymp(age, Asym, R0, lcr = lrc)"),
        FormulaError,
        ("no argument 'lcr'", "Did you mean 'lrc'"),
    ),
    "unknown curve": (
        asymp(main="height ~ SSasimp(age, Asym, R0, lrc)"),
        FormulaError,
        ("no function SSasimp()", "'SSasymp'"),
    ),
    "parameter without formula": (
        asymp("Asym + R0 ~ 1"),
        FormulaError,
        ("'lrc' is no column of the data and has no formula", "'lrc ~ 1'"),
    ),
    "formula that nothing reads": (
        asymp(ONES, "rate ~ 1"),
        FormulaError,
        ("'rate' has a formula, but no non-linear formula reads it", "Leave 'rate' out"),
    ),
    "formula for a parameter that the curve does not have": (
        asymp("Asym + R0 + lrc + xmid ~ 1"),
        FormulaError,
        ("'xmid' has a formula", "that are read are Asym, R0, lrc", "Leave 'xmid' out"),
    ),
    "no parameter has a formula": (
        asymp_alone,
        FormulaError,
        ("'Asym' is no column", "'Asym + R0 + lrc ~ 1'", "height, age, Seed"),
    ),
    "input and parameter swapped": (
        asymp(main="height ~ SSasymp(Asym, age, R0, lrc)"),
        FormulaError,
        ("the parameter 'Asym' where its data belong", "the column 'age'", "Swap the two", "^"),
    ),
    "curve in a linear formula": (
        fit(ASYMP),
        FormulaError,
        ("this formula is linear", "'Asym + R0 + lrc ~ 1', nl=True", "^"),
    ),
    "curve in the formula of a parameter": (
        asymp("Asym ~ SSlogis(age, a, b, c)", "R0 + lrc ~ 1"),
        FormulaError,
        ("this formula is linear", "nlf('Asym ~ SSlogis(age, a, b, c)')"),
    ),
    "response on both sides": (
        asymp(main="height ~ SSasymp(height, Asym, R0, lrc)"),
        FormulaError,
        ("'height' is the response", "^"),
    ),
    "two formulas for one parameter": (
        asymp("Asym ~ 1", "Asym ~ age", "R0 + lrc ~ 1"),
        FormulaError,
        ("'Asym' has two formulas", "Join"),
    ),
    "grouping factor not in the data": (
        asymp("Asym ~ 1 + (1 | Sead)", "R0 + lrc ~ 1"),
        FormulaError,
        ("no column 'Sead'", "Did you mean 'Seed'"),
    ),
    "parameter named as a column": (
        asymp("Asym + R0 + age ~ 1", main="height ~ SSasymp(Asym, R0, age, age)"),
        FormulaError,
        ("'age' is a column of the data", "another name"),
    ),
    "nl forgotten": (
        fit(bf(ASYMP, ONES)),
        FormulaError,
        ("'Asym' is not a parameter of this family", "bf(..., nl=True)"),
    ),
    "group-level term within the curve": (
        asymp(main="height ~ SSasymp(age, Asym + (1 | Seed), R0, lrc)"),
        FormulaError,
        ("no group-level terms", "formula of a parameter"),
    ),
    "input is text": (
        fit(
            bf("rate ~ SSmicmen(state, Vm, K)", "Vm + K ~ 1", nl=True),
            PUROMYCIN,
        ),
        DataError,
        ("'state'",),
    ),
    "input is a factor": (
        asymp(data=LOBLOLLY.assign(age=LOBLOLLY["age"].astype("category"))),
        DataError,
        ("'age'", "not numeric", "Code it as numbers"),
    ),
    "input is a date": (
        asymp(data=LOBLOLLY.assign(age=pd.Timestamp("2020-01-01"))),
        DataError,
        ("'age' holds dates", ".dt.days"),
    ),
    "response is text": (
        asymp(data=LOBLOLLY.assign(height=LOBLOLLY["height"].astype(str))),
        DataError,
        ("'height'", "must be numeric", ".astype(float)"),
    ),
    "response is missing everywhere": (
        asymp(data=LOBLOLLY.assign(height=np.nan)),
        DataError,
        ("No row is left", "height (84)"),
    ),
    "infinite response": (
        asymp(data=LOBLOLLY.assign(height=LOBLOLLY["height"].where(LOBLOLLY.index != 3, np.inf))),
        DataError,
        ("height is infinite in row 3", "Remove or recode"),
    ),
    "no rows": (asymp(data=LOBLOLLY.head(0)), DataError, ("no rows",)),
    "negative dose": (
        fit(
            bf("conc ~ SSfol(dose, time, lKe, lKa, lCl)", "lKe + lKa + lCl ~ 1", nl=True),
            load_dataset("indometh").assign(dose=-1.0),
        ),
        DataError,
        ("Dose (initial dose) of at least 0", "-1 in rows 0, 1", "Leave these rows out"),
    ),
    "the same input in all rows": (
        asymp(data=LOBLOLLY.assign(age=3.0)),
        DataError,
        ("only 1 different value", "At least 3"),
    ),
    "input below the curve's domain": (
        fit(WEIBULL, LOBLOLLY.assign(age=LOBLOLLY["age"] - 4.0)),
        DataError,
        ("SSweibull()", "at least 0", "is -1 in rows 0, 6, 12", "shift the column"),
    ),
    "negative concentration": (
        fit(MICMEN, PUROMYCIN.assign(conc=PUROMYCIN["conc"].where(PUROMYCIN.index != 3, -1.0))),
        DataError,
        ("its input (input) of at least 0", "-1 in row 3"),
    ),
    "constant response": (
        asymp(data=LOBLOLLY.assign(height=5.0)),
        DataError,
        ("response is 5 in all rows", 'prior("normal(..., ...)", nlpar="Asym")', "brms"),
    ),
    "too few rows": (
        asymp(data=LOBLOLLY.head(2)),
        DataError,
        ("3 parameters to estimate", "2 rows", 'default_priors="brms"'),
    ),
    "too few different inputs": (
        asymp(data=LOBLOLLY[LOBLOLLY["age"] < 6]),
        DataError,
        ("3 parameters to estimate", "2 different values", "At least 3"),
    ),
    "groups of one row": (
        asymp("Asym ~ 1 + (1 | row)", "R0 + lrc ~ 1", data=one_row_each()),
        DataError,
        ("Every level of 'row' has one row", "Asym", "another column", "sigma=0.5"),
    ),
    "infinite input": (
        asymp(data=LOBLOLLY.assign(age=LOBLOLLY["age"].where(LOBLOLLY.index != 3, np.inf))),
        DataError,
        ("'age'", "row 3"),
    ),
    "response not in the data": (
        asymp(main="heigth ~ SSasymp(age, Asym, R0, lrc)"),
        BrmspyError,
        ("heigth", "height"),
    ),
    "asymptote below zero on the log scale": (
        asymp(transform={"Asym": "log"}, data=LOBLOLLY.assign(height=-LOBLOLLY["height"])),
        DataError,
        ("estimate of Asym is -10", "'Asym' cannot be", "Take another one"),
    ),
    "unknown rule": (
        asymp(default_priors="flat"),
        BrmspyError,
        ("default_priors = 'flat' is not valid", "'auto', 'brms'"),
    ),
    "unknown transformation": (
        asymp(transform={"Asym": "exp"}),
        FormulaError,
        ("'exp'", "'log'", "('logit', lower, upper)"),
    ),
    "transformation with wrong numbers": (
        asymp(transform={"Asym": ("logit", 10, 0)}),
        FormulaError,
        ("('logit', 10, 0)", "is not valid", "('logit', lower, upper)"),
    ),
    "transformation of nothing": (
        asymp(transform={"Asim": "log"}),
        FormulaError,
        ("'Asim'", "Did you mean 'Asym'"),
    ),
    "transformation without a formula here": (
        asymp("R0 + lrc ~ 1", transform={"Asym": "log"}),
        FormulaError,
        ("'Asym', which has no formula in this bf()", "'Asym ~ 1'"),
    ),
    "transformation of a non-linear formula": (
        asymp(nlf("Asym ~ exp(a)"), "a + R0 + lrc ~ 1", transform={"Asym": "log"}),
        FormulaError,
        ("a non-linear formula", "in that formula"),
    ),
    "transformation's name is taken": (
        asymp(ONES, nlf("logAsym ~ 1 * lrc"), transform={"Asym": "log"}),
        FormulaError,
        ("'logAsym'", "taken", "Rename"),
    ),
    "transformation of a linear model": (
        lambda: bf("height ~ age", transform={"age": "log"}),
        FormulaError,
        ("no non-linear formula reads", "nl=True"),
    ),
    "transformation is no mapping": (
        lambda: bf(ASYMP, ONES, nl=True, transform="log"),  # type: ignore[arg-type]
        FormulaError,
        ("it is a dict",),
    ),
    "prior for the natural name of a transformed parameter": (
        asymp(transform={"Asym": "log"}, prior=prior("normal(100, 10)", nlpar="Asym")),
        PriorError,
        ("nlpar='Asym'", "'logAsym'"),
    ),
    "prior beyond the curve's parameters": (
        asymp(prior=prior("normal(0, 1)", nlpar="asym0")),
        PriorError,
        ("asym0", "nlpar"),
    ),
    "prior for a group that there is not": (
        asymp(
            "Asym ~ 1 + (1 | Seed)",
            "R0 + lrc ~ 1",
            prior=prior("exponential(1)", class_="sd", group="Sead", nlpar="Asym"),
        ),
        PriorError,
        ("no group 'Sead'", "Did you mean 'Seed'"),
    ),
    "prior for an intercept": (
        asymp(prior=prior("normal(100, 10)", class_="Intercept", nlpar="Asym")),
        PriorError,
        ("not centred", "class_='b', coef='Intercept'"),
    ),
    "initial values for one of four chains": (
        asymp(init=[{"Asym": 100}]),
        SamplingError,
        ("1 value for 4 chains", "one for each chain"),
    ),
    "initial value of nothing": (
        asymp(init={"Asim": 100}),
        SamplingError,
        ("'Asim'", "Did you mean 'Asym'"),
    ),
    "initial value that is no number": (
        asymp(init={"Asym": "high"}),
        SamplingError,
        ("Asym = 'high' is not a finite number", "init={'Asym': 1.0}"),
    ),
    "two initial values for one parameter": (
        asymp(init={"b_lrc_Intercept": [1, 2]}),
        SamplingError,
        ("b_lrc_Intercept is one number", "[1, 2] has 2", "init=[{...}, {...}]"),
    ),
    "initial value out of bounds": (
        fit(MICMEN, PUROMYCIN, init={"K": -1}),
        SamplingError,
        ("b_K_Intercept = -1 is outside of its bounds", "above 0"),
    ),
    "initial effect of a level": (
        asymp("Asym ~ 1 + (1 | Seed)", "R0 + lrc ~ 1", init={"r_Seed__Asym[301,Intercept]": 1}),
        SamplingError,
        ("Effects of single levels", "sd_Seed__Asym_Intercept"),
    ),
    "initial value that its transformation cannot have": (
        asymp(transform={"Asym": "log"}, init={"Asym": -3}),
        SamplingError,
        ("Asym = -3 cannot be reached", "function of logAsym", "b_logAsym_Intercept"),
    ),
    "initial value of what a prior fixes": (
        asymp(prior=prior("constant(-8)", nlpar="R0"), init={"R0": 1}),
        SamplingError,
        ("b_R0_Intercept", "constant(-8)", "fixes"),
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_errors_say_what_to_do(case: str) -> None:
    call, kind, words = TABLE[case]
    with pytest.raises(kind) as caught:
        call()
    for word in words:
        assert word in str(caught.value)


def test_groups_of_one_row_are_not_told_to_set_priors() -> None:
    with pytest.raises(DataError) as caught:
        TABLE["groups of one row"][0]()
    assert "default_priors" not in str(caught.value)


@pytest.mark.parametrize(
    ("formula", "data", "family", "words"),
    [
        (
            bf("age ~ SSasymp(height, Asym, R0, lrc)", ONES, nl=True),
            LOBLOLLY,
            "gaussian",
            ("leave open", "not swapped"),
        ),
        (
            bf("height ~ SSasymp(age, Asym, R0, R0)", "Asym + R0 ~ 1", nl=True),
            LOBLOLLY,
            "gaussian",
            ("SSasymp() finds its parameters only where", "Asym and R0 is flat"),
        ),
        (
            bf("tall ~ SSlogis(age, Asym, xmid, scal)", "Asym + xmid + scal ~ 1", nl=True),
            LOBLOLLY.assign(tall=(LOBLOLLY["height"] > 30).astype(int)),
            "bernoulli",
            ("family bernoulli with the link 'logit'",),
        ),
        (
            bf("height ~ 2 * SSasymp(age, Asym, R0, lrc)", ONES, nl=True),
            LOBLOLLY,
            "gaussian",
            ("not a named curve and nothing else", 'nlpar="lrc"'),
        ),
    ],
)
def test_warnings_say_why_there_is_no_good_default_prior(
    formula: Any, data: pd.DataFrame, family: str, words: tuple[str, ...]
) -> None:
    with pytest.warns(PriorWarning) as caught:
        advise_priors(build(formula, data, family))
    for word in words:
        assert word in str(caught[0].message)
