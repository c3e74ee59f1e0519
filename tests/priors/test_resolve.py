"""Which prior each parameter gets, and what is refused."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import pytest

from brmspy.datasets import load_dataset
from brmspy.errors import PriorError, PriorWarning
from brmspy.families import student
from brmspy.formula import bf
from brmspy.priors import ParameterBlock, Prior, PriorSet, prior, resolve

BlocksOf = Callable[..., tuple[ParameterBlock, ...]]
Models = dict[str, tuple[ParameterBlock, ...]]

LOBLOLLY = "height ~ Asym + (R0 - Asym) * exp(-exp(lrc) * age)"
INF = math.inf


@pytest.fixture(scope="module")
def models(blocks_of: BlocksOf) -> Models:
    """Return the parameters of some models."""
    oats = "yields ~ varieties * nitrogen + (varieties | blocks) + (1 | blocks:varieties)"
    return {
        "sleep": blocks_of("Reaction ~ Days + I(Days^2) + (Days | Subject)", "sleepstudy"),
        "sigma": blocks_of(
            bf("Reaction ~ Days + (1 | Subject)", "sigma ~ Days + (1 | Subject)"), "sleepstudy"
        ),
        "sigma only": blocks_of(bf("Reaction ~ 1", "sigma ~ 1"), "sleepstudy"),
        "student": blocks_of("Reaction ~ Days", "sleepstudy", student()),
        "plain": blocks_of("Reaction ~ 1", "sleepstudy"),
        "not centred": blocks_of("Reaction ~ 0 + Intercept + Days", "sleepstudy"),
        "no intercept": blocks_of("Reaction ~ 0 + Days", "sleepstudy"),
        "crossed": blocks_of(
            "Mate ~ 1 + (1 | Female) + (1 | Male)",
            load_dataset("salamander"),
        ),
        "oats": blocks_of(oats, "oats"),
        "nl": blocks_of(bf(LOBLOLLY, "Asym ~ 1 + (1 | Seed)", "R0 + lrc ~ 1", nl=True), "loblolly"),
    }


def texts(priors: PriorSet) -> dict[str, str]:
    """Return each parameter's prior."""
    return {
        name: element.text
        for item in priors.blocks
        for name, element in zip(item.block.names, item.elements, strict=True)
    }


def bounds(priors: PriorSet) -> dict[str, tuple[float, float]]:
    """Return each parameter's bounds."""
    return {
        name: (element.lower, element.upper)
        for item in priors.blocks
        for name, element in zip(item.block.names, item.elements, strict=True)
    }


def test_without_rows_the_defaults_hold(models: Models) -> None:
    assert texts(resolve(models["sleep"], [])) == {
        "b_Days": "flat",
        "b_IDaysE2": "flat",
        "Intercept": "student_t(3, 288.7, 59.3)",
        "sd_Subject__Intercept": "student_t(3, 0, 59.3)",
        "sd_Subject__Days": "student_t(3, 0, 59.3)",
        "cor_Subject": "lkj(1)",
        "sigma": "student_t(3, 0, 59.3)",
    }


# Rows, and what changes by them.
LOOKUP: dict[str, tuple[str, list[Prior], dict[str, str]]] = {
    "class": (
        "sleep",
        [prior("normal(0, 1)")],
        {"b_Days": "normal(0, 1)", "b_IDaysE2": "normal(0, 1)"},
    ),
    "coefficient before class": (
        "sleep",
        [prior("normal(0, 2)", coef="Days"), prior("normal(0, 1)")],
        {"b_Days": "normal(0, 2)", "b_IDaysE2": "normal(0, 1)"},
    ),
    "brms' name": ("sleep", [prior("normal(0, 1)", coef="IDaysE2")], {"b_IDaysE2": "normal(0, 1)"}),
    "R's name": ("sleep", [prior("normal(0, 1)", coef="I(Days^2)")], {"b_IDaysE2": "normal(0, 1)"}),
    "other spaces": (
        "sleep",
        [prior("normal(0, 1)", coef="I(Days ^ 2)")],
        {"b_IDaysE2": "normal(0, 1)"},
    ),
    "group before class": (
        "crossed",
        [prior("exponential(1)", "sd"), prior("exponential(2)", "sd", group="Male")],
        {"sd_Female__Intercept": "exponential(1)", "sd_Male__Intercept": "exponential(2)"},
    ),
    "coefficient before group": (
        "sleep",
        [
            prior("exponential(2)", "sd", group="Subject"),
            prior("exponential(3)", "sd", group="Subject", coef="Days"),
        ],
        {"sd_Subject__Intercept": "exponential(2)", "sd_Subject__Days": "exponential(3)"},
    ),
    "correlations of a class": ("sleep", [prior("lkj(2)", "cor")], {"cor_Subject": "lkj(2)"}),
    "correlations of a group": (
        "sleep",
        [prior("lkj(3)", "cor", group="Subject")],
        {"cor_Subject": "lkj(3)"},
    ),
    "the mean's coefficients only": (
        "sigma",
        [prior("normal(0, 1)"), prior("exponential(1)", "sd")],
        {"b_Days": "normal(0, 1)", "sd_Subject__Intercept": "exponential(1)"},
    ),
    "sigma's coefficients only": (
        "sigma",
        [
            prior("normal(0, 1)", dpar="sigma"),
            prior("exponential(1)", "sd", dpar="sigma"),
            prior("normal(4, 1)", "Intercept", dpar="sigma"),
        ],
        {
            "b_sigma_Days": "normal(0, 1)",
            "sd_Subject__sigma_Intercept": "exponential(1)",
            "Intercept_sigma": "normal(4, 1)",
        },
    ),
    "non-linear parameters": (
        "nl",
        [
            prior("normal(101, 0.1)", nlpar="Asym", lb=100),
            prior("normal(-8, 1)", nlpar="R0", coef="Intercept"),
            prior("exponential(1)", "sd", nlpar="Asym"),
        ],
        {
            "b_Asym_Intercept": "normal(101, 0.1)",
            "b_R0_Intercept": "normal(-8, 1)",
            "sd_Seed__Asym_Intercept": "exponential(1)",
        },
    ),
    "family parameters": (
        "student",
        [prior("exponential(1)", "sigma"), prior("gamma(2, 0.2)", "nu")],
        {"sigma": "exponential(1)", "nu": "gamma(2, 0.2)"},
    ),
    "flat by a blank class": ("sleep", [prior("", "Intercept")], {"Intercept": "flat"}),
    "flat coefficient": (
        "sleep",
        [prior("normal(0, 1)"), prior("flat", coef="Days")],
        {"b_Days": "flat", "b_IDaysE2": "normal(0, 1)"},
    ),
    "a blank coefficient inherits": (
        "sleep",
        [prior("normal(0, 1)"), prior("", coef="Days", lb=0)],
        {"b_Days": "normal(0, 1)", "b_IDaysE2": "normal(0, 1)"},
    ),
    "the intercept as a coefficient": (
        "not centred",
        [prior("normal(250, 50)", coef="Intercept")],
        {"b_Intercept": "normal(250, 50)"},
    ),
    "a constant": ("sleep", [prior("constant(30)", "sigma")], {"sigma": "constant(30)"}),
    "a standard deviation of zero": (
        "crossed",
        [prior("constant(0)", "sd", group="Male")],
        {"sd_Male__Intercept": "constant(0)"},
    ),
    "a bounded density within its bounds": (
        "sleep",
        [prior("uniform(0, 100)", "sigma", ub=100)],
        {"sigma": "uniform(0, 100)"},
    ),
    "an irrational bound that was copied from the message": (
        "sleep",
        [prior("von_mises(1, 2)", coef="Days", lb="-2.14159265358979", ub="4.14159265358979")],
        {"b_Days": "von_mises(1, 2)"},
    ),
}


@pytest.mark.parametrize("case", LOOKUP)
def test_lookup(case: str, models: Models) -> None:
    model, rows, changed = LOOKUP[case]
    default = texts(resolve(models[model], []))
    assert texts(resolve(models[model], rows)) == default | changed


BOUNDS: dict[str, tuple[str, list[Prior], dict[str, tuple[float, float]]]] = {
    "natural": (
        "student",
        [],
        {"b_Days": (-INF, INF), "Intercept": (-INF, INF), "sigma": (0, INF), "nu": (1, INF)},
    ),
    "class": (
        "sleep",
        [prior("normal(0, 1)", lb=0)],
        {"b_Days": (0, INF), "b_IDaysE2": (0, INF)},
    ),
    "class, for coefficients with their own prior": (
        "sleep",
        [prior("", lb=0, ub=9), prior("normal(0, 1)", coef="Days")],
        {"b_Days": (0, 9), "b_IDaysE2": (0, 9)},
    ),
    "each side by itself": (
        "sleep",
        [prior("", lb=0), prior("normal(0, 1)", coef="Days", ub=5)],
        {"b_Days": (0, 5), "b_IDaysE2": (0, INF)},
    ),
    "coefficient before class": (
        "sleep",
        [prior("normal(0, 1)", lb=0), prior("normal(0, 1)", coef="Days", lb=-INF)],
        {"b_Days": (-INF, INF), "b_IDaysE2": (0, INF)},
    ),
    "merged with those by nature": (
        "student",
        [prior("exponential(1)", "sigma", ub=100), prior("gamma(2, 0.1)", "nu", lb=2)],
        {"sigma": (0, 100), "nu": (2, INF)},
    ),
    "coefficient, group and class": (
        "sleep",
        [
            prior("", "sd", lb=1, ub=9),
            prior("exponential(1)", "sd", group="Subject", lb=2),
            prior("exponential(1)", "sd", group="Subject", coef="Days", ub=5),
        ],
        {"sd_Subject__Intercept": (2, 9), "sd_Subject__Days": (2, 5)},
    ),
}


@pytest.mark.parametrize("case", BOUNDS)
def test_bounds(case: str, models: Models) -> None:
    model, rows, expected = BOUNDS[case]
    found = bounds(resolve(models[model], rows))
    assert {name: found[name] for name in expected} == expected


def test_bounds_that_cut_the_support_are_normalised(models: Models) -> None:
    rows = [
        prior("normal(0, 5)", coef="Days", lb=0),
        prior("exponential(1)", "sigma"),
        prior("flat", "Intercept", lb=0, ub=200),
    ]
    found = {
        name: element.log_normaliser
        for item in resolve(models["sleep"], rows).blocks
        for name, element in zip(item.block.names, item.elements, strict=True)
    }
    # Half of the normal and of Student's t; all of the exponential; a uniform density.
    assert found["b_Days"] == pytest.approx(math.log(0.5))
    assert found["sd_Subject__Days"] == pytest.approx(math.log(0.5))
    assert found["sigma"] == 0.0
    assert found["Intercept"] == pytest.approx(math.log(200.0))


# Model, rows, and what the message says.
BAD: dict[str, tuple[str, list[Prior], list[str]]] = {
    # Classes
    "misspelt class": ("sleep", [prior("normal(0, 1)", "sds")], ["Did you mean 'sd'?"]),
    "class in lower case": (
        "sleep",
        [prior("normal(0, 1)", "intercept")],
        ["no class 'intercept'", "Did you mean 'Intercept'?"],
    ),
    "no such class": ("sleep", [prior("normal(0, 1)", "phi")], ["Valid names: 'b', 'Intercept'"]),
    "no coefficients": ("plain", [prior("normal(0, 1)")], ["no population-level coefficients"]),
    "no groups": ("plain", [prior("normal(0, 1)", "sd")], ["no group-level effects"]),
    "no correlations": ("crossed", [prior("lkj(1)", "cor")], ["no correlated group-level"]),
    "no intercept": ("no intercept", [prior("normal(0, 1)", "Intercept")], ["no intercept"]),
    "intercept that is a coefficient": (
        "not centred",
        [prior("normal(0, 1)", "Intercept")],
        ["not centred", "Write class_='b', coef='Intercept'"],
    ),
    "intercept of a non-linear parameter": (
        "nl",
        [prior("normal(0, 1)", "Intercept", nlpar="R0")],
        ["class_='b', coef='Intercept'"],
    ),
    "predicted sigma as a number": (
        "sigma",
        [prior("normal(0, 1)", "sigma")],
        ["has a formula", "class_='b' and class_='Intercept' and class_='sd', with dpar='sigma'"],
    ),
    "non-linear parameter as a class": (
        "nl",
        [prior("normal(0, 1)", "R0")],
        ["Write nlpar='R0', with class_='b'"],
    ),
    # Predicted parameters
    "nlpar is missing": (
        "nl",
        [prior("normal(0, 1)")],
        ["only with nlpar='Asym', nlpar='R0', nlpar='lrc'", "Set one prior for each"],
    ),
    "nlpar of sd is missing": (
        "nl",
        [prior("normal(0, 1)", "sd")],
        ["only with nlpar='Asym'. Add it."],
    ),
    "misspelt nlpar": ("nl", [prior("normal(0, 1)", nlpar="asym")], ["Did you mean 'Asym'?"]),
    "nlpar as dpar": ("nl", [prior("normal(0, 1)", dpar="R0")], ["Write nlpar='R0'."]),
    "dpar as nlpar": ("sigma", [prior("normal(0, 1)", nlpar="sigma")], ["Write dpar='sigma'."]),
    "no nlpars": ("sleep", [prior("normal(0, 1)", nlpar="a")], ["no non-linear", "Leave nlpar"]),
    "no predicted dpars": ("sleep", [prior("normal(0, 1)", dpar="nu")], ["Leave dpar out"]),
    "misspelt dpar": ("sigma", [prior("normal(0, 1)", dpar="sgima")], ["Did you mean 'sigma'?"]),
    "dpar without formula": (
        "sleep",
        [prior("normal(0, 1)", "sigma", dpar="sigma")],
        ["class_='sigma' without dpar"],
    ),
    "class that a dpar does not have": (
        "sigma only",
        [prior("normal(0, 1)", dpar="sigma")],
        ["no population-level coefficients"],
    ),
    "group effects that a dpar does not have": (
        "nl",
        [prior("normal(0, 1)", "sd", nlpar="R0")],
        ["with nlpar='R0' there is only class_='b'", "'sd' occurs with nlpar='Asym'"],
    ),
    "dpar and nlpar": ("sigma", [prior("normal(0, 1)", dpar="sigma", nlpar="a")], ["both dpar"]),
    "correlations of a dpar": (
        "sleep",
        [prior("lkj(1)", "cor", dpar="sigma")],
        ["correlations of a group are not set by dpar"],
    ),
    # Groups and coefficients
    "misspelt group": (
        "sleep",
        [prior("normal(0, 1)", "sd", group="subject")],
        ["no group 'subject'", "Did you mean 'Subject'?"],
    ),
    "group of correlations": (
        "oats",
        [prior("lkj(1)", "cor", group="blocks:varieties")],
        ["no group 'blocks:varieties'", "'blocks'"],
    ),
    "group of a coefficient": (
        "sleep",
        [prior("normal(0, 1)", group="Subject")],
        ["for the classes 'sd' and 'cor'"],
    ),
    "misspelt coefficient": (
        "sleep",
        [prior("normal(0, 1)", coef="Dayz")],
        ["no coefficient 'Dayz'", "'Days'"],
    ),
    "coefficient without its group": (
        "sleep",
        [prior("normal(0, 1)", "sd", coef="Days")],
        ["belongs to a group", "Add group='Subject'"],
    ),
    "coefficient that two groups have": (
        "crossed",
        [prior("normal(0, 1)", "sd", coef="Intercept")],
        ["Add group='Female' or group='Male'"],
    ),
    "misspelt coefficient of a group": (
        "sleep",
        [prior("normal(0, 1)", "sd", coef="day", group="Subject")],
        ["Did you mean 'Days'?"],
    ),
    "coefficient of sigma": ("sleep", [prior("normal(0, 1)", "sigma", coef="x")], ["Leave coef"]),
    "coefficient of correlations": (
        "sleep",
        [prior("lkj(1)", "cor", group="Subject", coef="Days")],
        ["'cor' has no coefficients"],
    ),
    "intercept in class b": (
        "sleep",
        [prior("normal(0, 1)", coef="Intercept")],
        ["Write class_='Intercept'", "means of the predictors"],
    ),
    "R's intercept": (
        "sleep",
        [prior("normal(0, 1)", coef="(Intercept)")],
        ["Write class_='Intercept'"],
    ),
    "intercept that the formula leaves out": (
        "no intercept",
        [prior("normal(0, 1)", coef="Intercept")],
        ["This formula has none."],
    ),
    # Duplicates
    "twice": (
        "sleep",
        [prior("normal(0, 1)"), prior("normal(0, 2)")],
        ["Two priors", "normal(0, 1)", "normal(0, 2)"],
    ),
    "twice by different names": (
        "sleep",
        [prior("normal(0, 1)", coef="IDaysE2"), prior("normal(0, 1)", coef="I(Days^2)")],
        ["Two priors", "I(Days^2)"],
    ),
    # Densities
    "lkj for a number": (
        "sleep",
        [prior("lkj(1)")],
        ["correlation matrices", "b_Days is a number"],
    ),
    "no lkj for correlations": ("sleep", [prior("normal(0, 1)", "cor")], ["must be lkj(eta)"]),
    "flat correlations": ("sleep", [prior("", "cor")], ["lkj(1) is uniform"]),
    "fixed correlations": ("sleep", [prior("constant(0)", "cor")], ["cannot be fixed", "(x || g)"]),
    "positive density": (
        "sleep",
        [prior("gamma(2, 1)")],
        ["positive above 0 only", "b_Days", "Add lb=0"],
    ),
    "density on an interval": (
        "sleep",
        [prior("beta(1, 1)", coef="Days")],
        ["positive between 0 and 1 only", "Add lb=0 and ub=1"],
    ),
    "density with an upper end": (
        "sleep",
        [prior("uniform(0, 100)", "sigma")],
        ["positive between 0 and 100 only", "Add ub=100"],
    ),
    "bound of a coefficient below its class's density": (
        "sleep",
        [prior("exponential(1)", lb=0), prior("", coef="Days", lb=-1)],
        ["exponential(1)", "b_Days", "Add lb=0"],
    ),
    "density that is zero everywhere": (
        "sleep",
        [prior("beta(1, 1)", "sigma", lb=2)],
        ["zero in all of the range of sigma, which is above 2"],
    ),
    "density below zero for a positive parameter": (
        "sleep",
        [prior("uniform(-2, -1)", "sd")],
        ["zero in all", "between -2 and -1"],
    ),
    "constant out of range": (
        "sleep",
        [prior("constant(-1)", "sigma")],
        ["-1 is not in the range of sigma, which is above 0"],
    ),
    "constant out of the user's range": (
        "sleep",
        [prior("constant(5)", coef="Days", ub=4)],
        ["5 is not in the range of b_Days, which is below 4"],
    ),
    "scale of zero": ("sleep", [prior("constant(0)", "sigma")], ["must be greater than 0"]),
    # Bounds
    "bound below that by nature": (
        "sleep",
        [prior("normal(0, 1)", "sigma", lb=-1)],
        ["cannot be less than 0", "lb = -1", "Leave lb out"],
    ),
    "no bound at all": ("sleep", [prior("normal(0, 1)", "sd", lb=-INF)], ["cannot be less than 0"]),
    "upper bound of a positive parameter": (
        "student",
        [prior("gamma(2, 0.1)", "nu", ub=0.5)],
        ["lower bound 1", "upper bound 0.5"],
    ),
    "bounds of different rows": (
        "sleep",
        [prior("normal(0, 1)", lb=2), prior("normal(0, 1)", coef="Days", ub=1)],
        ["no value of b_Days", "lower bound 2", "upper bound 1", "lb=2", "ub=1"],
    ),
    "bounds of correlations": ("sleep", [prior("lkj(1)", "cor", lb=0)], ["take no bounds"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_rows_are_refused(case: str, models: Models) -> None:
    model, rows, fragments = BAD[case]
    with pytest.raises(PriorError) as caught:
        resolve(models[model], rows)
    message = str(caught.value)
    assert [text for text in fragments if text not in message] == []
    assert str(rows[-1]) in message or str(rows[0]) in message


def test_an_error_lists_what_can_have_a_prior(models: Models) -> None:
    with pytest.raises(PriorError) as caught:
        resolve(models["sigma only"], [prior("normal(0, 1)", "sd")])
    lines = [line.split() for line in str(caught.value).splitlines()]
    assert lines[1:] == [
        ["Parameters", "that", "can", "have", "a", "prior:"],
        ["class_", "dpar"],
        ["Intercept"],
        ["Intercept", "sigma"],
    ]


def test_a_long_list_is_cut_to_the_class(models: Models) -> None:
    with pytest.raises(PriorError, match="of class 'sd' that can have") as caught:
        resolve(models["oats"], [prior("normal(0, 1)", "sd", group="block")])
    assert "nitrogen" not in str(caught.value)


def test_a_list_that_is_too_long_is_left_to_default_prior(models: Models) -> None:
    oats = [block for block in models["oats"] if block.class_ == "b"]
    many = ParameterBlock("b", dpar="sigma", coefs=tuple("abcdefgh"), labels=tuple("abcdefgh"))
    with pytest.raises(PriorError, match=r"default_prior\(formula, data, family\) lists"):
        resolve([*oats, many], [prior("normal(0, 1)", coef="z")])


@pytest.mark.parametrize(
    ("model", "rows"),
    [
        (
            "sleep",
            [
                prior("normal(0, 1)"),
                prior("normal(0, 2)", coef="Days"),
                prior("normal(0, 3)", coef="IDaysE2"),
            ],
        ),
        (
            "crossed",
            [
                prior("exponential(1)", "sd"),
                prior("exponential(2)", "sd", group="Male"),
                prior("exponential(3)", "sd", group="Female", coef="Intercept"),
            ],
        ),
        ("sleep", [prior("lkj(2)", "cor"), prior("lkj(3)", "cor", group="Subject")]),
    ],
)
def test_a_row_that_is_never_used_warns(model: str, rows: list[Prior], models: Models) -> None:
    with pytest.warns(PriorWarning, match="is not used") as caught:
        resolve(models[model], rows)
    assert [str(rows[0]) in str(item.message) for item in caught] == [True]


def test_a_row_whose_bounds_are_used_does_not_warn(models: Models) -> None:
    rows = [
        prior("normal(0, 1)", lb=0),
        prior("normal(0, 2)", coef="Days"),
        prior("normal(0, 3)", coef="IDaysE2"),
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        priors = resolve(models["sleep"], rows)
    assert bounds(priors)["b_Days"] == (0, INF)


def test_blocks_and_elements_are_found(models: Models) -> None:
    priors = resolve(models["sigma"], [prior("exponential(1)", "sd", dpar="sigma")])
    assert priors.for_("b", dpar="sigma").block.coefs == ("Days",)
    sd = priors.element("sd", coef="Intercept", group="Subject", dpar="sigma")
    assert sd.text == "exponential(1)"
    with pytest.raises(KeyError):
        priors.for_("sigma")
    with pytest.raises(KeyError):
        priors.element("sd", coef="Days", group="Subject")


@pytest.mark.parametrize(
    ("model", "rows", "expected"),
    [
        ("sleep", [], ("b_Days", "b_IDaysE2")),
        ("sleep", [prior("normal(0, 1)")], ()),
        ("sleep", [prior("flat", lb=0)], ("b_Days", "b_IDaysE2")),
        ("sleep", [prior("flat", lb=0, ub=1)], ()),
        ("sleep", [prior("normal(0, 1)"), prior("flat", "sigma")], ("sigma",)),
        ("sleep", [prior("constant(1)")], ()),
        ("sigma", [prior("normal(0, 1)")], ("b_sigma_Days",)),
        ("nl", [], ("b_Asym_Intercept", "b_R0_Intercept", "b_lrc_Intercept")),
    ],
)
def test_improper_priors_are_named(
    model: str, rows: list[Prior], expected: tuple[str, ...], models: Models
) -> None:
    assert resolve(models[model], rows).improper == expected


def test_the_table_of_priors_in_use(models: Models) -> None:
    rows = [
        prior("normal(0, 10)", lb=0),
        prior("normal(0, 1)", coef="I(Days^2)", ub=5),
        prior("exponential(1)", "sd", group="Subject"),
        prior("lkj(2)", "cor"),
    ]
    table = resolve(models["sleep"], rows).table()
    shown = table[["prior", "class", "coef", "group", "lb", "ub", "source"]].to_numpy().tolist()
    t = "student_t(3, 0, 59.3)"
    assert shown == [
        ["normal(0, 10)", "b", "", "", "0", "", "user"],
        ["normal(0, 10)", "b", "Days", "", "0", "", "(vectorized)"],
        ["normal(0, 1)", "b", "IDaysE2", "", "0", "5", "user"],
        ["lkj(2)", "cor", "", "", "", "", "user"],
        ["lkj(2)", "cor", "", "Subject", "", "", "(vectorized)"],
        ["student_t(3, 288.7, 59.3)", "Intercept", "", "", "", "", "default"],
        [t, "sd", "", "", "0", "", "default"],
        ["exponential(1)", "sd", "", "Subject", "0", "", "user"],
        ["exponential(1)", "sd", "Days", "Subject", "0", "", "(vectorized)"],
        ["exponential(1)", "sd", "Intercept", "Subject", "0", "", "(vectorized)"],
        [t, "sigma", "", "", "0", "", "default"],
    ]


def test_priors_in_use_as_text(models: Models) -> None:
    lines = resolve(models["plain"], [prior("flat", "Intercept")]).formatted().splitlines()
    assert [line.split() for line in lines] == [
        ["prior", "class", "lb", "source"],
        ["(flat)", "Intercept", "user"],
        ["student_t(3,", "0,", "59.3)", "sigma", "0", "default"],
    ]
