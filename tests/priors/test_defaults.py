"""Default priors: R's rounding, the scale rule, and brms' own worked examples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from brmspy.datasets import load_dataset
from brmspy.errors import DataWarning
from brmspy.families import (
    Family,
    bernoulli,
    binomial,
    gaussian,
    negbinomial,
    poisson,
    student,
)
from brmspy.formula import Formula, bf
from brmspy.priors import ParameterBlock
from brmspy.priors.defaults import response_scale

BlocksOf = Callable[..., tuple[ParameterBlock, ...]]


def t(location: str, scale: str) -> str:
    return f"student_t(3, {location}, {scale})"


# What R 4's round(x, 1) returns.
@pytest.mark.parametrize(
    ("median", "location"),
    [
        (0.15, 0.1),
        (0.25, 0.2),
        (0.35, 0.3),
        (1.35, 1.4),
        (2.25, 2.2),
        (2.35, 2.4),
        (-0.15, -0.1),
        (0.0035, 0.0),
        (288.651, 288.7),
        (1e12, 1e12),
    ],
)
def test_locations_are_rounded_as_r_rounds(median: float, location: float) -> None:
    assert response_scale(np.array([median]), "identity") == (location, 2.5)


@pytest.mark.parametrize(
    ("y", "link", "expected"),
    [
        # Deviations from the median 20: 10, 0, 20; MAD = 1.4826 * 10.
        ([10.0, 20.0, 40.0], "identity", (20.0, 14.8)),
        # The scale is never less than 2.5.
        ([1.0, 2.0, 3.0], "identity", (2.0, 2.5)),
        ([0.0, 0.0, 0.0], "identity", (0.0, 2.5)),
        # Zeros become 0.1: log(0.1) = -2.3.
        ([0, 0, 3], "log", (-2.3, 2.5)),
        # exp(10), exp(20), exp(40).
        (np.exp([10.0, 20.0, 40.0]), "log", (20.0, 14.8)),
        # Zeros become 0.1: 1 / 0.1 = 10.
        ([0.0, 0.0, 1.0], "inverse", (10.0, 2.5)),
        # The square root keeps its zeros.
        ([0, 0, 9], "sqrt", (0.0, 2.5)),
        ([100, 400, 1600], "sqrt", (20.0, 14.8)),
        # No other link uses the data.
        ([0, 1, 1], "logit", (0.0, 2.5)),
        ([10.0, 20.0, 40.0], "softplus", (0.0, 2.5)),
        # A response that the link does not take.
        ([-1.0, 20.0, 40.0], "log", (0.0, 2.5)),
        (None, "identity", (0.0, 2.5)),
    ],
)
def test_the_scale_rule(y: list[float] | None, link: str, expected: tuple[float, float]) -> None:
    values = None if y is None else np.asarray(y)
    assert response_scale(values, link) == expected


def test_the_mean_offset_is_taken_off_unrounded() -> None:
    location, scale = response_scale(np.array([10.0, 20.0, 40.0]), "identity", 0.123456)
    assert (location, scale) == (20.0 - 0.123456, 14.8)


def test_without_data_the_offset_counts_nothing() -> None:
    assert response_scale(np.array([0.0, 1.0]), "logit", 3.0) == (0.0, 2.5)


SLOW = load_dataset("sleepstudy").assign(slow=lambda data: (data["Reaction"] > 300).astype(int))
LOBLOLLY = "height ~ Asym + (R0 - Asym) * exp(-exp(lrc) * age)"

# Names of parameters, and their defaults; those that are not listed must not exist.
WORKED: dict[str, tuple[str | Formula, pd.DataFrame | str, Family, dict[str, str]]] = {
    "1": (
        "Reaction ~ Days + (Days | Subject)",
        "sleepstudy",
        gaussian(),
        {
            "b_Days": "",
            "Intercept": t("288.7", "59.3"),
            "sd_Subject__Intercept": t("0", "59.3"),
            "sd_Subject__Days": t("0", "59.3"),
            "cor_Subject": "lkj(1)",
            "sigma": t("0", "59.3"),
        },
    ),
    "1b": (
        "Reaction ~ Days + offset(Days * 10)",
        "sleepstudy",
        gaussian(),
        {"b_Days": "", "Intercept": t("243.7", "59.3"), "sigma": t("0", "59.3")},
    ),
    "1c": (
        "Reaction ~ 1 + (1 | Subject)",
        "sleepstudy",
        gaussian("log"),
        {
            "Intercept": t("5.7", "2.5"),
            "sd_Subject__Intercept": t("0", "2.5"),
            "sigma": t("0", "59.3"),
        },
    ),
    "1d": (
        "Reaction ~ 1 + (1 | Subject)",
        "sleepstudy",
        gaussian("inverse"),
        {
            "Intercept": t("0", "2.5"),
            "sd_Subject__Intercept": t("0", "2.5"),
            "sigma": t("0", "59.3"),
        },
    ),
    "1e": (
        bf("Reaction ~ 1 + (1 | Subject)", "sigma ~ Days + (1 | Subject)"),
        "sleepstudy",
        gaussian(),
        {
            "Intercept": t("288.7", "59.3"),
            "sd_Subject__Intercept": t("0", "59.3"),
            "b_sigma_Days": "",
            "Intercept_sigma": t("0", "2.5"),
            "sd_Subject__sigma_Intercept": t("0", "59.3"),
        },
    ),
    "1f": (
        bf("Reaction ~ 1", sigma=5),
        "sleepstudy",
        gaussian(),
        {"Intercept": t("288.7", "59.3")},
    ),
    "1g": (
        "Reaction ~ 0 + Intercept + Days",
        "sleepstudy",
        gaussian(),
        {"b_Intercept": "", "b_Days": "", "sigma": t("0", "59.3")},
    ),
    "1g, center=False": (
        bf("Reaction ~ Days", center=False),
        "sleepstudy",
        gaussian(),
        {"b_Intercept": "", "b_Days": "", "sigma": t("0", "59.3")},
    ),
    "2": (
        "Reaction ~ 1 + (1 | Subject)",
        "sleepstudy",
        student(),
        {
            "Intercept": t("288.7", "59.3"),
            "sd_Subject__Intercept": t("0", "59.3"),
            "sigma": t("0", "59.3"),
            "nu": "gamma(2, 0.1)",
        },
    ),
    "2, nu predicted": (
        bf("Reaction ~ 1", "nu ~ Days"),
        "sleepstudy",
        student(),
        {
            "Intercept": t("288.7", "59.3"),
            "sigma": t("0", "59.3"),
            "b_nu_Days": "",
            "Intercept_nu": "normal(2.7, 0.8)",
        },
    ),
    "6": (
        "incidence | trials(size) ~ 1 + (1 | herd)",
        "cbpp",
        binomial(),
        {"Intercept": t("0", "2.5"), "sd_herd__Intercept": t("0", "2.5")},
    ),
    "6, log": (
        "incidence | trials(size) ~ 1",
        "cbpp",
        binomial("log"),
        {"Intercept": t("0", "2.5")},
    ),
    "6b": (
        "incidence | trials(size) ~ 1 + (1 | herd)",
        "cbpp",
        binomial("identity"),
        {"Intercept": t("1", "2.5"), "sd_herd__Intercept": t("0", "2.5")},
    ),
    "7": (
        "slow ~ Days + (Days | Subject)",
        SLOW,
        bernoulli(),
        {
            "b_Days": "",
            "Intercept": t("0", "2.5"),
            "sd_Subject__Intercept": t("0", "2.5"),
            "sd_Subject__Days": t("0", "2.5"),
            "cor_Subject": "lkj(1)",
        },
    ),
    "9": (
        "y ~ base + trt + (1 | subject)",
        "epil",
        poisson(),
        {
            "b_base": "",
            "b_trtprogabide": "",
            "Intercept": t("1.4", "2.5"),
            "sd_subject__Intercept": t("0", "2.5"),
        },
    ),
    "9b": (
        "y ~ 1 + offset(log(base))",
        "epil",
        poisson(),
        {"Intercept": t("-1.75424906151593", "2.5")},
    ),
    "9c, identity": ("y ~ 1", "epil", poisson("identity"), {"Intercept": t("4", "4.4")}),
    "9c, sqrt": ("y ~ 1", "epil", poisson("sqrt"), {"Intercept": t("2", "2.5")}),
    "10": (
        "y ~ 1",
        "epil",
        negbinomial(),
        {"Intercept": t("1.4", "2.5"), "shape": "inv_gamma(0.4, 0.3)"},
    ),
    "10, shape predicted": (
        bf("y ~ 1", "shape ~ trt"),
        "epil",
        negbinomial(),
        {
            "Intercept": t("1.4", "2.5"),
            "b_shape_trtprogabide": "",
            "Intercept_shape": t("0", "2.5"),
        },
    ),
    "19, effects on a log rate": (
        bf(LOBLOLLY, "Asym + R0 ~ 1", "lrc ~ 1 + (1 | Seed)", nl=True),
        "loblolly",
        gaussian(),
        {
            "b_Asym_Intercept": "",
            "b_R0_Intercept": "",
            "b_lrc_Intercept": "",
            "sd_Seed__lrc_Intercept": t("0", "32.8"),
            "sigma": t("0", "32.8"),
        },
    ),
    "19b": (
        bf(LOBLOLLY, "Asym ~ 1 + (1 | Seed)", "R0 + lrc ~ 1", nl=True),
        "loblolly",
        student(),
        {
            "b_Asym_Intercept": "",
            "b_R0_Intercept": "",
            "b_lrc_Intercept": "",
            "sd_Seed__Asym_Intercept": t("0", "32.8"),
            "sigma": t("0", "32.8"),
            "nu": "gamma(2, 0.1)",
        },
    ),
    "21": (
        bf("slow ~ a + c * Days", "a ~ 1 + (1 | Subject)", "c ~ 1", nl=True),
        SLOW,
        bernoulli(),
        {
            "b_a_Intercept": "",
            "b_c_Intercept": "",
            "sd_Subject__a_Intercept": t("0", "2.5"),
        },
    ),
    "21, poisson": (
        bf("y ~ a * base^c", "a ~ 1 + (1 | subject)", "c ~ 1", nl=True),
        "epil",
        poisson("identity"),
        {
            "b_a_Intercept": "",
            "b_c_Intercept": "",
            "sd_subject__a_Intercept": t("0", "4.4"),
        },
    ),
}


@pytest.mark.parametrize("case", WORKED)
def test_worked_examples(case: str, blocks_of: BlocksOf) -> None:
    formula, data, family, expected = WORKED[case]
    found = {
        name: block.default for block in blocks_of(formula, data, family) for name in block.names
    }
    assert found == expected


@pytest.mark.parametrize(
    "slow",
    [
        SLOW["slow"] == 1,
        SLOW["slow"].map({0: "no", 1: "yes"}),
        SLOW["slow"].map({0: "no", 1: "yes"}).astype("category"),
    ],
    ids=["truth value", "text", "factor"],
)
def test_responses_that_are_no_numbers_count_for_nothing(
    slow: pd.Series, blocks_of: BlocksOf
) -> None:
    data = SLOW.assign(slow=slow)
    (block,) = blocks_of("slow ~ 1 + offset(Days)", data, bernoulli("identity"))
    assert block.default == t("0", "2.5")


def test_rows_that_are_left_out_count_for_nothing(blocks_of: BlocksOf) -> None:
    data = pd.DataFrame({"y": [10.0, 20.0, 40.0, 1e6, 1e6], "x": [1, 2, 3, np.nan, np.nan]})
    with pytest.warns(DataWarning, match="Left out 2 of 5 rows"):
        blocks = blocks_of("y ~ x", data)
    assert [block.default for block in blocks] == ["", t("20", "14.8"), t("0", "14.8")]


def test_predicted_sigma_uses_the_response_on_its_own_link(blocks_of: BlocksOf) -> None:
    formula = bf("Reaction ~ 1", "sigma ~ 1")
    identity = blocks_of(formula, "sleepstudy", gaussian(link_sigma="identity"))
    softplus = blocks_of(formula, "sleepstudy", gaussian(link_sigma="softplus"))
    defaults = [
        {b.dpar: b.default for b in blocks if b.class_ == "Intercept"}["sigma"]
        for blocks in (identity, softplus)
    ]
    assert defaults == [t("0", "59.3"), t("0", "2.5")]


def test_intercepts_on_the_identity_scale_can_be_negative(blocks_of: BlocksOf) -> None:
    blocks = blocks_of(bf("Reaction ~ 1", "nu ~ 1"), "sleepstudy", student(link_nu="identity"))
    assert {b.names[0]: b.default for b in blocks}["Intercept_nu"] == t("0", "2.5")


def test_centred_intercepts_of_nonlinear_parameters_are_flat(blocks_of: BlocksOf) -> None:
    from brmspy.formula import lf

    formula = bf("Reaction ~ a * 1", lf("a ~ Days", center=True), nl=True)
    blocks = blocks_of(formula, "sleepstudy")
    assert {b.names[0]: b.default for b in blocks if b.nlpar} == {"b_a_Days": "", "Intercept_a": ""}


def test_natural_bounds(blocks_of: BlocksOf) -> None:
    blocks = blocks_of("Reaction ~ Days + (Days | Subject)", "sleepstudy", student())
    inf = np.inf
    assert {b.class_: (b.lower, b.upper) for b in blocks} == {
        "b": (-inf, inf),
        "Intercept": (-inf, inf),
        "sd": (0.0, inf),
        "cor": (-1.0, 1.0),
        "sigma": (0.0, inf),
        "nu": (1.0, inf),
    }


def test_blocks_of_one_group_are_joined(blocks_of: BlocksOf) -> None:
    formula = "Reaction ~ 1 + (1 | Subject) + (0 + Days | Subject)"
    (sd,) = [b for b in blocks_of(formula, "sleepstudy") if b.class_ == "sd"]
    assert sd.coefs == ("Intercept", "Days")


def test_uncorrelated_effects_have_no_correlations(blocks_of: BlocksOf) -> None:
    blocks = blocks_of("Reaction ~ 1 + (Days || Subject)", "sleepstudy")
    assert [b.class_ for b in blocks] == ["Intercept", "sd", "sigma"]


def test_correlations_across_predictors(blocks_of: BlocksOf) -> None:
    formula = bf("Reaction ~ 1 + (1 | p | Subject)", "sigma ~ 1 + (1 | p | Subject)")
    blocks = blocks_of(formula, "sleepstudy")
    assert [b.names for b in blocks if b.class_ in ("sd", "cor")] == [
        ("sd_Subject__Intercept",),
        ("sd_Subject__sigma_Intercept",),
        ("cor_Subject",),
    ]


def test_names_in_the_users_words(blocks_of: BlocksOf) -> None:
    b = blocks_of("Reaction ~ I(Days^2) + poly(Days, 2)", "sleepstudy")[0]
    assert dict(zip(b.labels, b.coefs, strict=True)) == {
        "I(Days^2)": "IDaysE2",
        "poly(Days, 2)1": "polyDays21",
        "poly(Days, 2)2": "polyDays22",
    }
