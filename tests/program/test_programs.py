"""Programs parse without warnings, keep their text, and depend on the structure alone."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest

from brmspy import bf, load_dataset, prior
from brmspy.engine.toolchain import find_toolchain
from brmspy.model import build

GOLDEN = Path(__file__).parent / "golden"

# Every number of a prior is data, which stanc takes for a parameter without a prior. Coefficients
# are a linear function of the coordinates, whose Jacobian is a constant.
EXPECTED = re.compile(
    r"The parameter \w+ has no priors\..*prior\(s\) depend on data variables"
    r"|The parameter (std_coefs\w*|u\w*|joint\d) has no priors"
    r"|The variable y may not have\s+been\s+assigned a value before its use"  # in a loop, it has
    r"|Left-hand side of distribution\s+statement \(~\) may contain a non-linear transform",
    re.DOTALL,
)
OPTIONS = {
    "default": {},
    "sampled": {"marginalize": False},
    "textbook": {"marginalize": False, "parameterization": "noncentered"},
    "centred": {"marginalize": False, "parameterization": "centered"},
}


def without_comments(code: str) -> str:
    return re.sub(r"\s*//[^\n]*", "", code)


@pytest.mark.stanc
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_the_program_is_valid_and_has_its_data(case, options):
    program = case.model(**options).program
    warnings = find_toolchain("embedded").check(program.code, pedantic=True)
    assert [text for text in warnings if not EXPECTED.search(text)] == []
    block = re.search(r"\ndata \{\n(.*?)\n\}", program.code, re.DOTALL)
    declared = re.findall(r"(\w+);", without_comments(block.group(1)))
    assert sorted(declared) == sorted(program.data)


def test_golden_program(golden_case):
    """Set BRMSPY_UPDATE_GOLDEN=1 to write the files anew, then read the difference."""
    code = golden_case.model().program.code
    file = GOLDEN / f"{golden_case.name}.stan"
    if os.environ.get("BRMSPY_UPDATE_GOLDEN"):
        file.write_text(code)
    assert code == file.read_text()


SAME_STRUCTURE = {
    "other data": (
        ("Reaction ~ Days + (Days | Subject)", "sleepstudy", {}),
        ("height ~ age + (age | Seed)", "loblolly", {}),
    ),
    "more coefficients": (
        ("yields ~ varieties + (varieties | blocks)", "oats", {}),
        ("yields ~ varieties * nitrogen + (nitrogen | blocks)", "oats", {}),
    ),
    "effects integrated out, nested or not": (
        ("Reaction ~ Days + (1 | Subject)", "sleepstudy", {}),
        ("yields ~ nitrogen + (nitrogen || blocks/varieties)", "oats", {}),
    ),
    "correlated effects integrated out, within others or not": (
        ("Reaction ~ Days + (Days | Subject)", "sleepstudy", {}),
        ("yields ~ varieties + (nitrogen | blocks) + (1 | blocks:varieties)", "oats", {}),
    ),
    "any number of uncorrelated terms": (
        (
            "Mate ~ Cross + (1 | Female)",
            "salamander",
            {"family": "bernoulli", "marginalize": False},
        ),
        (
            "Mate ~ Cross + (1 | Female) + (1 | Male) + (0 + Cross || Male:Female)",
            "salamander",
            {"family": "bernoulli", "marginalize": False},
        ),
    ),
    "other numbers in priors": (
        ("Reaction ~ Days", "sleepstudy", {"prior": prior("normal(0, 1)")}),
        ("Reaction ~ Days", "sleepstudy", {"prior": prior("normal(3, 1/7)")}),
    ),
    "other bounds": (
        ("Reaction ~ Days", "sleepstudy", {"prior": prior("normal(0, 1)", lb=0)}),
        ("Reaction ~ Days", "sleepstudy", {"prior": prior("normal(3, 9)", lb=-4, ub=7)}),
    ),
    "prior only": (
        ("Reaction ~ 1", "sleepstudy", {"sample_prior": "only"}),
        ("Reaction ~ 1", "sleepstudy", {}),
    ),
    "a named curve and its formula": (
        (
            bf("height ~ SSasymp(age, Asym, R0, lrc)", "Asym + R0 + lrc ~ 1", nl=True),
            "loblolly",
            {"default_priors": "brms"},
        ),
        (
            bf(
                "height ~ Asym + (R0 - Asym) * exp(-exp(lrc) * age)",
                "Asym + R0 + lrc ~ 1",
                nl=True,
            ),
            "loblolly",
            {},
        ),
    ),
}


@pytest.mark.parametrize("pair", SAME_STRUCTURE.values(), ids=SAME_STRUCTURE)
def test_same_structure_gives_the_same_program(pair):
    codes = [
        without_comments(build(formula, load_dataset(data), **options).program.code)
        for formula, data, options in pair
    ]
    assert codes[0] == codes[1]


def test_nothing_of_the_size_of_the_data_is_written_out(case):
    code = without_comments(case.model().program.code)
    parameters = code[code.index("\nparameters {") : code.index("\nmodel {")]
    assert not re.search(r"\bN\b", parameters)
    assert "generated quantities" not in code


def test_names_that_stan_does_not_take_are_replaced():
    data = load_dataset("loblolly").rename(columns={"age": "age.in years"})
    formula = bf("height ~ a.b * `age.in years` + a_b", "a.b ~ 1", "a_b ~ 1", nl=True)
    code = without_comments(build(formula, data).program.code)
    assert "nlp_a_b" in code
    assert "nlp_a_b2" in code
    assert "a.b" not in code


def test_centring_leaves_the_mean_unchanged(case):
    """The intercept that users see is the one of columns that are not centred."""
    model = case.model(parameterization="noncentered", marginalize=False)
    rng = np.random.default_rng(0)
    for name, population in model.program.terms.population.items():
        if population.intercept is None or population.coefficients is None:
            continue
        draws = {
            population.intercept.name: rng.normal(size=(2, 3)),
            population.coefficients.name: rng.normal(size=(2, 3, population.X.shape[1])),
        }
        centred = draws[population.intercept.name][..., None] + (
            draws[population.coefficients.name] @ population.X.T
        )
        X = model.design.arrays.predictors[name].X
        np.testing.assert_allclose(population.recover(draws) @ X.T, centred, rtol=1e-10)


@pytest.mark.parametrize("parameterization", ["auto", "centered"])
@pytest.mark.parametrize(
    ("formula", "data", "family"),
    [
        ("incidence | trials(size) ~ period + (1 | herd)", "cbpp", "binomial"),
        ("Reaction ~ Days + (1 | Subject)", "sleepstudy", "student"),
        ("Reaction ~ Days + (Days | Subject)", "sleepstudy", "gaussian"),
    ],
)
def test_the_prior_has_the_program_of_the_posterior(formula, data, family, parameterization):
    """But no level is centred, as there are no data to centre it on."""
    posterior, prior_model = (
        build(
            formula,
            load_dataset(data),
            family,
            prior("normal(0, 10)"),
            sample_prior=which,
            marginalize=False,
            parameterization=parameterization,
        )
        for which in ("no", "only")
    )
    assert posterior.program.code == prior_model.program.code
    assert "n_centred" in prior_model.program.code
    centred = {k: v for k, v in prior_model.program.data.items() if k.startswith("n_centred")}
    assert set(centred.values()) == {0}
