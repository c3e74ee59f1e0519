"""Calls that cannot work: the right error, with advice, before Stan starts.

Numbers in the names of cases are rows of the table of edge cases that brms users know.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import brmspy
from brmspy import (
    BrmspyError,
    CompileError,
    DataError,
    FormulaError,
    PriorError,
    SamplingError,
    bernoulli,
    bf,
    brm,
    lf,
    nlf,
    poisson,
    prior,
)
from brmspy.engine.toolchain import find_toolchain

DATA = pd.DataFrame(
    {
        "y": [1.0, 3.0, 2.0, 5.0, 4.0, 6.0, 7.0, 2.0],
        "x": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
        "z": [1, 0, 1, 1, 0, 1, 0, 1],
        "f": list("abcabcab"),
        "g": list("uvwuvwuv"),
        "h": list("kkllmmkk"),
        "n": [9] * 8,
        "count": [0, 3, 1, 0, 2, 5, 1, 1],
        "b": [0, 1, 1, 0, 1, 0, 1, 1],
    },
    index=[f"r{i}" for i in range(8)],
)
CURVE = bf("y ~ a * exp(k * x)", "a + k ~ 1", nl=True)

# What to call brm() with, the error, and fragments of its message.
Case = tuple[dict[str, Any], type[BrmspyError], tuple[str, ...]]


def case(
    error: type[BrmspyError],
    fragments: str | tuple[str, ...],
    formula: Any = "y ~ x",
    family: Any = "gaussian",
    columns: dict[str, Any] | None = None,
    **arguments: Any,
) -> Case:
    """Return a case; the data are DATA with some columns replaced, unless given."""
    data = DATA.assign(**(columns or {}))
    call = {"formula": formula, "data": data, "family": family, **arguments}
    return call, error, (fragments,) if isinstance(fragments, str) else fragments


FORMULAS: dict[str, Case] = {
    "no formula": case(FormulaError, ("first argument is the formula", "int"), formula=5),
    "list of formulas": case(FormulaError, ("formula", "list"), formula=["y ~ x", "x ~ z"]),
    "data first": case(FormulaError, "swap the two", formula=DATA, data="y ~ x"),
    "empty": case(FormulaError, ("is empty", "y ~ x"), formula="  "),
    "no tilde": case(FormulaError, ("no '~'", "y + x\n  ^^^^^"), formula="y + x"),
    "misspelt column": case(
        FormulaError, ("no column 'cuont'", "^^^^^", "'count'"), formula="y ~ cuont"
    ),
    "misspelt function": case(
        FormulaError, ("no function lgo()", "Did you mean 'log'"), formula="y ~ lgo(x)"
    ),
    "python code": case(
        FormulaError, "no operator between", formula="y ~ __import__('os').system('true')"
    ),
    "response on the right": case(FormulaError, "'y' is the response", formula="y ~ x + y"),
    "two responses": case(
        FormulaError, ("mvbind()", "not supported yet"), formula="mvbind(y, x) ~ z"
    ),
    "cbind": case(
        FormulaError, ("cbind()", "successes | trials(number)"), "cbind(count, n) ~ x", "binomial"
    ),
    "smooth term": case(FormulaError, "s(), are not supported yet", formula="y ~ s(x)"),
    "monotonic term": case(FormulaError, "mo(), are not supported yet", formula="y ~ mo(z)"),
    "measurement error": case(FormulaError, "me(), are not supported yet", formula="y ~ me(x, z)"),
    "8 column named Intercept": case(
        DataError,
        ("'Intercept' stands for 1", "not 1 in rows r0, r1"),
        formula="y ~ 0 + Intercept + x",
        columns={"Intercept": 2},
    ),
    "8 two intercepts": case(FormulaError, "0 + Intercept", formula="y ~ 1 + Intercept + x"),
    "16 rate": case(
        FormulaError, ("rate(), are not supported", "offset(log("), "count | rate(n) ~ x", "poisson"
    ),
    "18 duplicated group": case(
        FormulaError, ("'Intercept' varies twice", "'g'"), formula="y ~ (1 | g) + (x | g)"
    ),
    "18 expression as a group": case(
        FormulaError,
        ("'factor(g)' cannot be a grouping factor", "(1 | g:h)"),
        formula="y ~ (1 | factor(g))",
    ),
    "18 missing parentheses": case(FormulaError, "needs parentheses", formula="y ~ x + 1 | g"),
    "19 ID of two groups": case(
        FormulaError, "ID 'p' is shared", formula="y ~ (1 | p | g) + (1 | p | h)"
    ),
    "19 ID of two groups in two parameters": case(
        FormulaError, "ID 'p' is shared", formula=bf("y ~ (1 | p | g)", "sigma ~ (1 | p | h)")
    ),
    "20 gr(by)": case(
        FormulaError, "gr(by = ...), are not supported", formula="y ~ (1 | gr(g, by = h))"
    ),
    "20 gr(cov)": case(
        FormulaError, "gr(cov = ...), are not supported", formula="y ~ (1 | gr(g, cov = n))"
    ),
    "20 mm()": case(FormulaError, "mm(), are not supported yet", formula="y ~ (1 | mm(g, h))"),
    "21 cens": case(FormulaError, "cens(), are not supported yet", formula="y | cens(z) ~ x"),
    "21 trunc": case(
        FormulaError, "trunc(), are not supported", "count | trunc(lb = 1) ~ x", "poisson"
    ),
    "21 se": case(FormulaError, "se(), are not supported yet", formula="y | se(n) ~ x"),
    "unknown response term": case(
        FormulaError, ("no response term weight()", "'weights'"), formula="y | weight(n) ~ x"
    ),
    "22 ar": case(FormulaError, "ar(), are not supported yet", formula="y ~ x + ar(time = x)"),
    "24 no parameters": case(FormulaError, "has no parameters", formula=bf("y ~ z * x", nl=True)),
    "24 parameter without formula": case(
        FormulaError, ("'a' is no column", "'a ~ 1'"), formula=bf("y ~ a * x", nl=True)
    ),
    "24 nl=TRUE forgotten": case(
        FormulaError, "bf(..., nl=True)", formula=bf("y ~ a * exp(k * x)", "a + k ~ 1")
    ),
    "24 parameter named mu": case(
        FormulaError, "'mu' has a formula already", formula=bf("y ~ mu * x", "mu ~ 1", nl=True)
    ),
    "24 parameter named as a column": case(
        FormulaError, "'x' is a column of the data", formula=bf("y ~ x * z", "x ~ 1", nl=True)
    ),
    "24 parameter named as a family parameter": case(
        FormulaError,
        "'sigma' is a parameter of the family",
        formula=bf("y ~ sigma * x", "sigma ~ 1", nl=True),
    ),
    "24 factor as covariate": case(
        DataError, "'f' in a non-linear formula is not numeric", bf("y ~ a * f", "a ~ 1", nl=True)
    ),
    "24 circle": case(
        FormulaError,
        "'a' depends on itself: a -> k -> a",
        formula=bf("y ~ a * x", nl=True) + nlf("a ~ k + 1") + nlf("k ~ a"),
    ),
    "24 unused parameter": case(
        FormulaError,
        "'k' has a formula, but no non-linear formula reads it",
        formula=bf("y ~ a * x", nl=True) + lf("a + k ~ 1"),
    ),
    "24 unknown function": case(
        FormulaError, "'exp'", formula=bf("y ~ a * epx(x)", "a ~ 1", nl=True)
    ),
    "24 curve in a linear formula": case(
        FormulaError, "nl=True", formula="y ~ SSasymp(x, Asym, R0, lrc)"
    ),
    "family has no such parameter": case(
        FormulaError,
        "'sigma' is not a parameter of this family, which has mu",
        bf("count ~ x", "sigma ~ z"),
        "poisson",
    ),
    "fixed parameter misspelt": case(
        FormulaError, ("'sgima'", "'sigma'"), formula=bf("y ~ x", sgima=1)
    ),
    "fixed at zero": case(
        FormulaError, "sigma of gaussian must be greater than 0", formula=bf("y ~ x", sigma=0)
    ),
    "fixed below the range": case(
        FormulaError,
        ("nu = 0.5 is not valid: nu of student must be at least 1", "natural scale"),
        bf("y ~ x", nu=0.5),
        "student",
    ),
    "fixed and predicted": case(
        FormulaError, "fixed and predicted", formula=bf("y ~ x", "sigma ~ z", sigma=1.0)
    ),
}

TABLES: dict[str, Case] = {
    "2 one level": case(DataError, "f has only one level ('a')", "y ~ f", columns={"f": "a"}),
    "11 no rows": case(DataError, "no rows", data=DATA.iloc[:0]),
    "11 all missing": case(DataError, ("No row is left", "x (8)"), columns={"x": np.nan}),
    "11 infinite predictor": case(
        DataError, "x is infinite in row r1", columns={"x": [0, np.inf, 2, 3, 4, 5, 6, 7]}
    ),
    "11 infinite response": case(
        DataError, "response y is infinite in row r0", columns={"y": [np.inf, 2, 3, 4, 5, 6, 7, 8]}
    ),
    "11 offset out of its domain": case(
        DataError,
        "offset(log(x - 1)) is not a number (NaN) in row r0",
        formula="y ~ z + offset(log(x - 1))",
        columns={"x": [0.5, 2, 3, 4, 5, 6, 7, 8]},
    ),
    "17 equal names": case(
        DataError, "Two coefficients would be named 'fb'", "y ~ f + fb", columns={"fb": range(8)}
    ),
    "21 negative weights": case(
        DataError, "must not be negative, but is in row r0", "y | weights(x - 1) ~ z"
    ),
    "24 infinite covariate": case(
        DataError, "covariate 'x' is infinite", CURVE, columns={"x": np.inf}
    ),
    "no table": case(DataError, ("not a table", "NoneType", "pandas"), data=None),
    "file name": case(DataError, ("not a table", "str"), data="sleepstudy.csv"),
    "array": case(DataError, ("not a table", "ndarray"), data=np.ones((8, 2))),
    "lazy frame": case(
        DataError, ".collect()", data=pl.DataFrame({"y": [1.0, 2.0], "x": [0, 1]}).lazy()
    ),
    "columns of unequal length": case(
        DataError, "do not make a table", data={"y": [1.0, 2.0], "x": [1.0]}
    ),
    "repeated column": case(
        DataError, "more than one column named 'x'", data=pd.concat([DATA, DATA[["x"]]], axis=1)
    ),
    "dates": case(
        DataError, ("'x' holds dates", ".dt.days"), columns={"x": pd.date_range("2024", periods=8)}
    ),
    "numbers and text": case(DataError, "more than one type", columns={"x": [1, "a"] * 4}),
    "poly of too few values": case(DataError, "poly(z, 5)", "y ~ poly(z, 5)"),
    "data2": case(DataError, "data2", data2={"V": np.eye(3)}),
}

RESPONSES: dict[str, Case] = {
    "12 bernoulli: three words": case(
        DataError, ("two values", "'a', 'b', 'c'"), "f ~ x", "bernoulli"
    ),
    "12 bernoulli: one word": case(
        DataError, ("two values", "code the response"), "f ~ x", "bernoulli", {"f": "a"}
    ),
    "12 bernoulli: 1 and 2": case(
        DataError, ("0 and 1", "data['b'] == 2"), "b ~ x", "bernoulli", {"b": DATA["b"] + 1}
    ),
    "12 bernoulli: all 5": case(DataError, ("0 and 1", "holds 5"), "b ~ x", "bernoulli", {"b": 5}),
    "12 bernoulli: proportions": case(
        DataError, "trials()", "b ~ x", "bernoulli", {"b": np.linspace(0.1, 0.9, 8)}
    ),
    "12 bernoulli: counts": case(DataError, "family='binomial'", "count ~ x", "bernoulli"),
    "12 bernoulli: trials": case(
        DataError, "trials() belongs to the binomial family", "b | trials(n) ~ x", "bernoulli"
    ),
    "13 binomial: no trials": case(
        DataError, ("needs the number of trials", "count | trials(n) ~"), "count ~ x", "binomial"
    ),
    "13 binomial: more than the trials": case(
        DataError,
        ("not exceed the number of trials", "3", "of 2 (row r1)"),
        "count | trials(2) ~ x",
        "binomial",
    ),
    "13 binomial: words": case(
        DataError, ("must be numeric", "'a', 'b', 'c'"), "f | trials(n) ~ x", "binomial"
    ),
    "13 binomial: proportions": case(
        DataError,
        ("whole numbers", "(row r1)", "number of successes, not their proportion"),
        "count | trials(n) ~ x",
        "binomial",
        {"count": DATA["count"] / 9},
    ),
    "13 binomial: proportion as expression": case(
        DataError, "count/n", "count / n | trials(n) ~ x", "binomial"
    ),
    "13 binomial: negative": case(
        DataError, "must not be negative", "count | trials(n) ~ x", "binomial", {"count": -1}
    ),
    "13 binomial: part of a trial": case(
        DataError, "trials(n) must be whole", "count | trials(n) ~ x", "binomial", {"n": 9.5}
    ),
    "13 binomial: words as trials": case(
        DataError, "trials(f) must be numeric", "count | trials(f) ~ x", "binomial"
    ),
    "13 gaussian: trials": case(DataError, "not to gaussian", "y | trials(n) ~ x"),
    "14 poisson: 1.5": case(
        DataError,
        ("whole numbers", "1.5 (row r2)", "gaussian"),
        "count ~ x",
        "poisson",
        {"count": [0, 3, 1.5, 0, 2, 5, 1, 1]},
    ),
    "14 poisson: -1": case(
        DataError,
        ("must not be negative", "-1", "(row r3)"),
        "count ~ x",
        "poisson",
        {"count": [0, 3, 1, -1, 2, 5, 1, 1]},
    ),
    "14 poisson: words": case(DataError, ("must be numeric", "'a'"), "f ~ x", "poisson"),
    "14 poisson: numbers as text": case(
        DataError, "stored as text", "count ~ x", "poisson", {"count": list("12345678")}
    ),
    "14 poisson: true and false": case(
        DataError, "bernoulli", "b ~ x", "poisson", {"b": DATA["b"] == 1}
    ),
    "14 poisson: beyond Stan's integers": case(
        DataError, "2147483647", "count ~ x", "poisson", {"count": 3_000_000_000}
    ),
    "14 negbinomial: 1.5": case(
        DataError, "whole numbers", "count ~ x", "negbinomial", {"count": DATA["count"] + 0.5}
    ),
    "gaussian: words": case(DataError, ("must be numeric", "'a', 'b', 'c'"), "f ~ x"),
    "student: dates": case(
        DataError, "dates", "y ~ x", "student", {"y": pd.date_range("2024", periods=8)}
    ),
}

FAMILIES: dict[str, Case] = {
    "misspelt family": case(BrmspyError, "Did you mean 'gaussian'", family="gausian"),
    "name of another package": case(BrmspyError, "Did you mean 'gaussian'", family="normal"),
    "15 cumulative": case(
        BrmspyError, ("'cumulative' is not supported yet", "negbinomial"), family="cumulative"
    ),
    "14 gamma": case(BrmspyError, "'Gamma' is not supported yet", family="Gamma"),
    "14 beta": case(BrmspyError, "'beta' is not supported yet", family="beta"),
    "no family": case(BrmspyError, "family=None is not a family", family=None),
    "another function": case(BrmspyError, "is not a family", family=print),
    "another object": case(BrmspyError, "is not a family", family=["gaussian"]),
}

PRIORS: dict[str, Case] = {
    "5 Intercept of no intercept": case(
        PriorError,
        ("matches no parameter", "there is no intercept", "sigma"),
        "y ~ 0 + x",
        prior=prior("normal(0, 1)", class_="Intercept"),
    ),
    "8 Intercept that is not centred": case(
        PriorError,
        "class_='b', coef='Intercept'",
        "y ~ 0 + Intercept + x",
        prior=prior("normal(0, 1)", class_="Intercept"),
    ),
    "misspelt coefficient": case(
        PriorError,
        ("coef='Xx'", "Did you mean 'x'", "Parameters that can have a prior"),
        prior=prior("normal(0, 1)", coef="Xx"),
    ),
    "misspelt class": case(
        PriorError, "Did you mean 'sigma'", prior=prior("normal(0, 1)", class_="sgima")
    ),
    "misspelt group": case(
        PriorError,
        "no group 'G'",
        "y ~ (1 | g)",
        prior=prior("normal(0, 1)", class_="sd", group="G"),
    ),
    "sd without groups": case(
        PriorError, "no group-level effects", prior=prior("normal(0, 1)", class_="sd")
    ),
    "cor without correlations": case(
        PriorError, "no correlated", "y ~ (x || g)", prior=prior("lkj(2)", class_="cor")
    ),
    "sigma of poisson": case(
        PriorError,
        "no class 'sigma'",
        "count ~ x",
        "poisson",
        prior=prior("normal(0, 1)", class_="sigma"),
    ),
    "class of a predicted parameter": case(
        PriorError,
        "dpar='sigma'",
        bf("y ~ x", "sigma ~ z"),
        prior=prior("normal(0, 1)", class_="sigma"),
    ),
    "dpar that is not predicted": case(
        PriorError, "class_='sigma' without dpar", prior=prior("normal(0, 1)", dpar="sigma")
    ),
    "nlpar left out": case(
        PriorError, ("nlpar='a'", "nlpar='k'"), CURVE, prior=prior("normal(0, 1)")
    ),
    "nlpar misspelt": case(
        PriorError, "no nlpar='K'", CURVE, prior=prior("normal(0, 1)", nlpar="K")
    ),
    "two for one": case(
        PriorError, "Keep one", prior=[prior("normal(0, 1)"), prior("normal(0, 2)")]
    ),
    "two names for one": case(
        PriorError,
        "Keep one",
        "y ~ I(x^2)",
        prior=[prior("normal(0, 1)", coef="I(x^2)"), prior("normal(0, 2)", coef="IxE2")],
    ),
    "25 density beyond the bounds": case(
        PriorError, "Add lb=0", prior=prior("gamma(1, 1)", coef="x")
    ),
    "25 bounds outside the range": case(
        PriorError, "sigma cannot be less than 0", prior=prior("normal(0, 1)", "sigma", lb=-5)
    ),
    "25 nothing between the bounds": case(
        PriorError,
        "no value of sd_g__Intercept",
        "y ~ (1 | g)",
        prior=prior("normal(0, 1)", "sd", ub=-1),
    ),
    "constant outside the range": case(
        PriorError, "not in the range of sigma", prior=prior("constant(-1)", "sigma")
    ),
    "lkj of numbers": case(PriorError, "correlation matrices", prior=prior("lkj(2)")),
    "normal of correlations": case(
        PriorError, "must be lkj", "y ~ (x | g)", prior=prior("normal(0, 1)", "cor")
    ),
    "text": case(PriorError, 'Write prior("normal(0, 1)")', prior="normal(0, 1)"),
    "list of text": case(PriorError, 'Write prior("normal(0, 1)")', prior=["normal(0, 1)"]),
    "mapping": case(PriorError, "'dict'", prior={"b": "normal(0, 1)"}),
    "number": case(PriorError, "'int'", prior=1),
    "prior only, flat coefficients": case(PriorError, ("proper prior", "b_x"), sample_prior="only"),
    "prior only, flat scale": case(
        PriorError,
        ("proper prior", "sigma"),
        prior=[prior("flat", "sigma"), prior("normal(0, 1)")],
        sample_prior="only",
    ),
    "sample_prior='yes'": case(BrmspyError, ("'yes'", "'no', 'only'"), sample_prior="yes"),
    "sample_prior=True": case(BrmspyError, ("True", "'no', 'only'"), sample_prior=True),
}

SAMPLER: dict[str, Case] = {
    f"sampler: {', '.join(f'{name}={value!r}' for name, value in arguments.items())}": case(
        SamplingError, fragments, **arguments
    )
    for arguments, fragments in [
        ({"chains": 0}, "chains = 0 is not valid"),
        ({"chains": 2.5}, "whole number"),
        ({"iter_warmup": -1}, "iter_warmup = -1"),
        ({"iter_sampling": 0}, "iter_sampling = 0"),
        ({"thin": 0}, "thin = 0"),
        ({"cores": 0}, "cores = 0"),
        ({"seed": -1}, "seed = -1"),
        ({"seed": "one"}, "seed = 'one'"),
        ({"adapt_delta": 1}, ("adapt_delta = 1", "between 0 and 1")),
        ({"adapt_delta": "high"}, "adapt_delta = 'high'"),
        ({"max_treedepth": 0}, "max_treedepth = 0"),
        ({"init": -1}, "init = -1"),
        ({"init": "zero"}, "init = 'zero'"),
        ({"init": [{"b": [1.0]}]}, "init has 1 value for 4 chains"),
        ({"init": {"beta": 1.0}}, ("value for 'beta'", "'b_Intercept', 'b_x', 'sigma'")),
        ({"init": [{"b": [1.0]}, {"c": 1.0}], "chains": 2}, "value for 'c'"),
        ({"iter": 1000, "warmup": 1000}, "leaves no draws"),
        ({"iter": "many"}, "iter = 'many'"),
        ({"iter": 2000.5}, "iter = 2000.5"),
        ({"warmup": -5}, "iter_warmup = -5"),
        ({"iter": 2000, "iter_sampling": 500}, "iter_sampling = 500 is given together with"),
        ({"warmup": 200, "iter_warmup": 500}, "iter_warmup = 500 is given together with"),
        ({"control": {"adapt_detla": 0.9}}, "Did you mean 'adapt_delta'"),
        ({"control": {"adapt_delta": 2}}, "adapt_delta = 2"),
        ({"control": [0.9]}, "it is a dict"),
        ({"control": {"adapt_delta": 0.9}, "adapt_delta": 0.95}, "Give it once"),
        ({"threads": 0}, "threads = 0 is not valid"),
        ({"threads": 1.5}, ("threads = 1.5", "whole number of at least 1")),
        ({"threads": True}, "threads = True"),
    ]
}

MODELS = FORMULAS | TABLES | RESPONSES | FAMILIES | PRIORS
EVERY = MODELS | SAMPLER


@pytest.fixture(autouse=True)
def _no_stan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the test where anything looks for a compiler, compiles or starts a process."""

    def refuse(what: str) -> Callable[..., None]:
        def fail(*args: object, **kwargs: object) -> None:
            pytest.fail(f"{what} was reached")

        return fail

    for name in ("find_toolchain", "compiled", "sample"):
        monkeypatch.setattr(f"brmspy.fitting.run.{name}", refuse(name))
    monkeypatch.setattr(subprocess.Popen, "__init__", refuse("a process"))


def raised(function: Callable[..., object], call: dict[str, Any]) -> BrmspyError:
    with pytest.raises(BrmspyError) as caught:
        function(**call)
    return caught.value


@pytest.mark.parametrize(("call", "error", "fragments"), EVERY.values(), ids=list(EVERY))
def test_brm(call: dict[str, Any], error: type[BrmspyError], fragments: tuple[str, ...]) -> None:
    found = raised(brm, call)
    assert type(found) is error
    for fragment in fragments:
        assert fragment in str(found)
    assert "object at 0x" not in str(found)


@pytest.mark.parametrize("function", ["stancode", "standata", "default_prior"])
def test_the_same_error_without_fitting(function: str) -> None:
    takes = {"formula", "data", "family"}
    takes |= set() if function == "default_prior" else {"prior", "sample_prior"}
    for name, (call, error, _) in MODELS.items():
        if call.keys() <= takes:
            found = raised(getattr(brmspy, function), call)
            assert type(found) is error, name
            assert str(found) == str(raised(brm, call)), name


def test_there_are_many() -> None:
    assert len(EVERY) >= 60


@pytest.mark.parametrize("name", ["cmdstn", 5])
def test_unknown_toolchain(name: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brmspy.fitting.run.find_toolchain", find_toolchain)
    with pytest.raises(CompileError, match=f"toolchain={name!r} is unknown.*cmdstan"):
        brm("y ~ x", DATA, toolchain=name)


def test_good_calls_reach_stan() -> None:
    # Otherwise the guard above could not fail.
    with pytest.raises(pytest.fail.Exception, match="find_toolchain was reached"):
        brm("y ~ x + (1 | g)", DATA)


BAD_CONSTRUCTORS: list[tuple[Callable[[], object], type[BrmspyError], str]] = [
    (lambda: bernoulli(link="probt"), BrmspyError, "Did you mean 'probit'"),
    (lambda: poisson("logit"), BrmspyError, "not a link for mu of poisson"),
    (lambda: prior("nromal(0, 1)"), PriorError, "normal(mu, sigma)"),
    (lambda: prior("normal(0, -1)"), PriorError, "sigma must be positive"),
    (lambda: prior("normal(0)"), PriorError, "lacks sigma"),
    (lambda: prior("normal(0, 1"), PriorError, "cannot be read"),
    (lambda: prior("normal(0, 1)", lb=2, ub=1), PriorError, "not less than"),
    (lambda: prior("normal(0, 1)", resp="y"), PriorError, "one response"),
    (lambda: prior("horseshoe(1)"), PriorError, "does not support yet"),
    (lambda: bf(5), FormulaError, "A formula is a text"),  # type: ignore[arg-type]  # on purpose
    (lambda: bf("y ~ x", sigma="x"), FormulaError, "sigma='~ x'"),
    (lambda: bf("y ~ x", sigma=True), FormulaError, "neither a number nor a formula"),
    (lambda: brmspy.load_dataset("sleep"), DataError, "Did you mean 'sleepstudy'"),
]


@pytest.mark.parametrize(("make", "error", "fragment"), BAD_CONSTRUCTORS)
def test_constructors(make: Callable[[], object], error: type[BrmspyError], fragment: str) -> None:
    with pytest.raises(error) as caught:
        make()
    assert fragment in str(caught.value)
