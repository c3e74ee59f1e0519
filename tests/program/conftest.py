"""The models whose programs are tested: each kind of term, family and parameter once or more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy import (
    bernoulli,
    bf,
    binomial,
    gaussian,
    load_dataset,
    negbinomial,
    nlf,
    poisson,
    prior,
    student,
)
from brmspy.model import Model, build

GOLDEN = Path(__file__).parent / "golden"
SSASYMP = bf(
    "height ~ SSasymp(age, Asym, R0, lrc)", "Asym ~ 1 + (1 | Seed)", "R0 + lrc ~ 1", nl=True
)
PROPER = [
    prior("normal(0, 50)"),
    prior("normal(100, 10)", nlpar="Asym"),
    prior("normal(-8, 2)", nlpar="R0"),
    prior("normal(-3, 1)", nlpar="lrc"),
]


def weak_slopes() -> pd.DataFrame:
    """Counts whose intercepts differ much between groups and whose slopes hardly do."""
    rng = np.random.default_rng(3)
    g = rng.integers(20, size=600)
    x = rng.normal(size=600)
    intercepts, slopes = rng.normal(size=(2, 20)) * [[0.6], [0.02]]
    y = rng.poisson(np.exp(1.0 + 0.3 * x + intercepts[g] + slopes[g] * x))
    return pd.DataFrame({"y": y, "x": x, "g": pd.Categorical(g)})


def weak_last_slopes() -> pd.DataFrame:
    """Counts with a second covariate whose slopes differ much."""
    rng = np.random.default_rng(5)
    g = rng.integers(20, size=600)
    x1, x2 = rng.normal(size=(2, 600))
    r = rng.normal(size=(3, 20)) * [[0.6], [0.5], [0.02]]
    y = rng.poisson(np.exp(1.0 + r[0][g] + (0.3 + r[1][g]) * x1 + r[2][g] * x2))
    return pd.DataFrame({"y": y, "x1": x1, "x2": x2, "g": pd.Categorical(g)})


@dataclass(frozen=True)
class Case:
    """A model to be tested."""

    name: str
    formula: Any
    data: str | Callable[[], pd.DataFrame]
    family: Any = "gaussian"
    prior: Any = None
    golden: bool = False
    marginalize: str | bool = "auto"
    compiled_with: str | bool = False

    def model(self, **options: Any) -> Model:
        options = {"marginalize": self.marginalize} | options
        data = load_dataset(self.data) if isinstance(self.data, str) else self.data()
        return build(self.formula, data, self.family, self.prior, **options)


CASES = (
    Case("intercept_only", "Reaction ~ 1", "sleepstudy"),
    Case("nothing", "Reaction ~ 0", "sleepstudy"),
    Case("no_intercept", "Reaction ~ 0 + Days + offset(Days / 2)", "sleepstudy"),
    Case("linear", "Reaction ~ Days", "sleepstudy", golden=True),
    Case("reserved_intercept", "Reaction ~ 0 + Intercept + Days", "sleepstudy"),
    Case("sleepstudy", "Reaction ~ Days + (Days | Subject)", "sleepstudy", golden=True),
    Case(
        "sleepstudy_sampled",
        "Reaction ~ Days + (Days | Subject)",
        "sleepstudy",
        marginalize=False,
        golden=True,
    ),
    Case("uncorrelated", "Reaction ~ Days + (Days || Subject)", "sleepstudy", golden=True),
    Case("group_offset", "Reaction ~ Days + offset(Days) + (1 | Subject)", "sleepstudy"),
    Case("only_groups", "Reaction ~ 0 + (1 | Subject)", "sleepstudy", "student"),
    Case("nested", "yields ~ varieties * nitrogen + (1 | blocks/varieties)", "oats"),
    Case(
        "mixed_blocks",
        "yields ~ nitrogen + (nitrogen | blocks) + (1 | blocks:varieties)",
        "oats",
        golden=True,
    ),
    Case("nested_slopes", "yields ~ nitrogen + (nitrogen | blocks/varieties)", "oats"),
    Case(
        "distributional",
        bf("Reaction ~ Days + (1 | p | Subject)", "sigma ~ Days + (1 | p | Subject)"),
        "sleepstudy",
        golden=True,
    ),
    Case("sigma_scalar", bf("Reaction ~ Days", "sigma ~ 1"), "sleepstudy"),
    Case("sigma_fixed", bf("Reaction ~ Days", sigma=30), "sleepstudy"),
    Case(
        "sigma_groups",
        bf("Reaction ~ Days", "sigma ~ (1 | Subject)"),
        "sleepstudy",
        gaussian(link_sigma="softplus"),
    ),
    Case("gaussian_log", "Reaction ~ Days", "sleepstudy", gaussian(link="log")),
    Case("student", bf("Reaction ~ Days", "nu ~ Days"), "sleepstudy", "student"),
    Case("student_scalar", "Reaction ~ Days + (1 | Subject)", "sleepstudy", student()),
    Case(
        "cbpp",
        "incidence | trials(size) ~ period + (1 | herd)",
        "cbpp",
        "binomial",
        golden=True,
    ),
    Case("binomial_probit", "incidence | trials(size) ~ period", "cbpp", binomial(link="probit")),
    Case(
        "binomial_cauchit",
        "incidence | trials(size) ~ period + (1 | herd)",
        "cbpp",
        binomial(link="cauchit"),
    ),
    Case(
        "binomial_weighted",
        "incidence | trials(size) + weights(size) ~ (1 | herd)",
        "cbpp",
        "binomial",
    ),
    Case(
        "crossed",
        "Mate ~ 0 + Cross + (1 | Female) + (1 | Male)",
        "salamander",
        "bernoulli",
        golden=True,
    ),
    Case("bernoulli_cloglog", "Mate ~ Cross", "salamander", bernoulli(link="cloglog")),
    Case("bernoulli_softit", "Mate ~ Cross", "salamander", bernoulli(link="softit")),
    Case("leading", "y ~ x + (x | g)", weak_slopes, "poisson", golden=True),
    Case("leading_two", "y ~ x1 + (x1 + x2 | g)", weak_last_slopes, "poisson"),
    Case("summed", "Mate ~ Cross + (1 | Male)", "salamander", "bernoulli", compiled_with="auto"),
    Case(
        "poisson",
        "y ~ x1 + x2 + (1 | g) + offset(log(o))",
        "poisson_sim",
        "poisson",
        golden=True,
    ),
    Case("poisson_sqrt", "y ~ lbase", "epil", poisson(link="sqrt")),
    Case("negbinomial", "y ~ trt + (1 | subject)", "epil", "negbinomial"),
    Case("negbinomial_shape", bf("y ~ trt", "shape ~ trt"), "epil", negbinomial()),
    Case("negbinomial_squareplus", "y ~ trt", "epil", negbinomial(link="squareplus")),
    Case("nonlinear", SSASYMP, "loblolly", prior=PROPER[1:], golden=True),
    Case(
        "nonlinear_together",
        bf(
            "height ~ SSasymp(age, Asym, R0, lrc)",
            "Asym + lrc ~ 1 + (1 | Seed)",
            "R0 ~ 1",
            nl=True,
        ),
        "loblolly",
        golden=True,
    ),
    Case(
        "nonlinear_bounded",
        bf(
            "height ~ Asym + (R0 - Asym) * exp(-exp(lrc) * age)",
            "Asym + lrc ~ 1 + (1 | s | Seed)",
            "R0 ~ 1",
            nl=True,
        ),
        "loblolly",
        prior=[prior("normal(101, 0.1)", nlpar="Asym", lb=100, ub=102), *PROPER[2:]],
    ),
    Case(
        "nonlinear_spread",
        bf(
            "height ~ Asym * -expm1(-exp(lrc) * age)",
            nlf("sigma ~ low + log1p(exp(lrc) * age)"),
            "Asym + lrc + low ~ 1",
            nl=True,
        ),
        "loblolly",
        golden=True,
    ),
    Case(
        "nonlinear_condition",
        bf(
            "rate ~ ifelse(conc > 0.1, Vm * conc / (K + conc), a)",
            "Vm + K + a ~ 0 + state",
            nl=True,
        ),
        "puromycin",
    ),
    Case(
        "constants",
        "Reaction ~ Days + I(Days^2) + (Days | Subject)",
        "sleepstudy",
        prior=[
            prior("constant(10)", coef="Days"),
            prior("cauchy(0, 5)", coef="I(Days^2)", lb=-1),
            prior("constant(5)", class_="sd", coef="Days", group="Subject"),
            prior("constant(25)", class_="sigma"),
        ],
        golden=True,
    ),
    Case(
        "several_densities",
        "yields ~ varieties",
        "oats",
        prior=[
            prior("normal(0, 10)", coef="varietiesVictory"),
            prior("double_exponential(0, 5)", coef="varietiesMarvellous"),
            prior("gamma(2, 0.1)", class_="sigma"),
            prior("logistic(100, 20)", class_="Intercept"),
        ],
    ),
)


# Structures that are compiled, and the coordinates they are compiled in: those that the data lead
# to, or one kind for all levels. They cover each family with and without group-level terms and each
# kind of predictor; the others differ from these in text that test_programs.py covers.
COMPILED = {
    "auto": [
        "linear",
        "distributional",
        "binomial_cauchit",
        "leading",
        "leading_two",
        "summed",
        "bernoulli_cloglog",
        "poisson_sqrt",
        "negbinomial_shape",
        "nonlinear_together",
        "nonlinear_bounded",
        "nonlinear_condition",
        "nonlinear_spread",
        "several_densities",
    ],
    "centered": [
        "sleepstudy",
        "only_groups",
        "mixed_blocks",
        "nested_slopes",
        "cbpp",
        "binomial_weighted",
        "crossed",
        "poisson",
        "nonlinear",
        "constants",
    ],
    "noncentered": ["sleepstudy", "student_scalar", "cbpp", "negbinomial"],
}

# Structures whose rows threads share, compiled: a GLM form, weights, sums of equal rows,
# distributional and non-linear predictors.
THREADED = ["poisson", "binomial_weighted", "summed", "distributional", "nonlinear_bounded"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    by_name = {case.name: case for case in CASES}
    if "parameterization" in metafunc.fixturenames and "compiled_case" in metafunc.fixturenames:
        pairs = [(by_name[name], kind) for kind, names in COMPILED.items() for name in names]
        metafunc.parametrize(
            ("compiled_case", "parameterization"),
            pairs,
            ids=[f"{case.name}-{kind}" for case, kind in pairs],
        )
    for argument, cases in (
        ("case", CASES),
        ("golden_case", [case for case in CASES if case.golden]),
        ("threaded_case", [by_name[name] for name in THREADED]),
    ):
        if argument in metafunc.fixturenames:
            metafunc.parametrize(argument, cases, ids=[case.name for case in cases])
