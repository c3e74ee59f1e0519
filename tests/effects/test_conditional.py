"""Conditional effects against values computed by hand from the draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from brmspy import BrmsFit, bf
from brmspy.effects import ConditionalEffect
from brmspy.errors import BrmspyError

FitOf = Callable[..., BrmsFit]


def flat(fit: BrmsFit, name: str) -> Any:
    """Return draws of a parameter, chain after chain, shape (draw, 1)."""
    return fit[name].to_numpy().reshape(-1, 1)


def draws(effect: ConditionalEffect) -> Any:
    """Return draws of an effect, shape (draw, row)."""
    assert effect.draws.dims == ("chain", "draw", "row")
    return effect.draws.to_numpy().reshape(-1, len(effect.table))


@pytest.mark.parametrize(
    ("formula", "names"),
    [
        ("y ~ x", ["x"]),
        ("y ~ x + f + (z | g)", ["x", "f"]),
        ("y ~ f * x", ["f", "x", "x:f"]),
        ("y ~ f * flag", ["f", "flag", "f:flag"]),
        ("y ~ f * x * z", ["f", "x", "z", "x:f", "z:f", "x:z"]),
        ("y ~ f:x", ["f", "x", "x:f"]),
        ("y ~ poly(x, 2) + I(z^2) + log(z)", ["x", "z"]),
        ("y ~ I(x * z)", ["x", "z", "x:z"]),
        ("y ~ factor(bit) + x + offset(z)", ["bit", "x"]),
        ("y ~ 0 + Intercept + x", ["x"]),
    ],
)
def test_main_effects_and_pairs_by_default(fit_of: FitOf, formula: str, names: list[str]) -> None:
    assert list(fit_of(formula).conditional_effects(resolution=3)) == names


def test_effects_of_all_parameters_or_of_one(fit_of: FitOf) -> None:
    fit = fit_of(bf("y ~ x", "sigma ~ z * f"))
    assert list(fit.conditional_effects(resolution=3)) == ["x", "z", "f", "z:f"]
    assert list(fit.conditional_effects(resolution=3, dpar="sigma")) == ["z", "f", "z:f"]
    assert list(fit.conditional_effects(resolution=3, dpar="mu")) == ["x"]


def test_effects_of_a_curve(fit_of: FitOf) -> None:
    fit = fit_of(bf("y ~ A * exp(-k * x)", "A ~ f", "k ~ 1 + (1 | g)", nl=True))
    effects = fit.conditional_effects(resolution=5)
    assert list(effects) == ["x", "f", "x:f"]
    assert list(fit.conditional_effects(nlpar="A")) == ["f"]
    x = np.linspace(0.5, 7.5, 5)
    expected = flat(fit, "b_A_Intercept") * np.exp(-flat(fit, "b_k_Intercept") * x)
    np.testing.assert_allclose(draws(effects["x"]), expected)
    assert effects["x"].subtitle == "Held at f = b (first level); group-level effects left out."


def test_values_by_hand(fit_of: FitOf, data: pd.DataFrame) -> None:
    fit = fit_of("y ~ x * f + z + flag")
    effects = fit.conditional_effects(resolution=7)
    z = flat(fit, "b_z") * data["z"].mean()
    x = np.linspace(0.5, 7.5, 7)
    alone = flat(fit, "b_Intercept") + z + flat(fit, "b_x") * x
    np.testing.assert_allclose(draws(effects["x"]), alone)
    table = effects["x"].table
    assert list(table) == ["x", "estimate__", "se__", "lower__", "upper__"]
    np.testing.assert_allclose(table["x"], x)
    np.testing.assert_allclose(table["estimate__"], np.median(alone, axis=0))
    mad = np.median(np.abs(alone - np.median(alone, axis=0)), axis=0)
    np.testing.assert_allclose(table["se__"], 1.4826 * mad, rtol=1e-5)
    np.testing.assert_allclose(table["lower__"], np.quantile(alone, 0.025, axis=0))
    pair = effects["x:f"]
    for level, extra in {
        "b": 0.0,
        "a": flat(fit, "b_fa") + flat(fit, "b_x:fa") * x,
        "c": flat(fit, "b_fc") + flat(fit, "b_x:fc") * x,
    }.items():
        own = (pair.table["f"] == level).to_numpy()
        np.testing.assert_allclose(draws(pair)[:, own], alone + extra)
    assert [str(held) for held in pair.held] == ["z = 2.25 (mean)", "flag = False (first level)"]
    assert effects["f:x"] is pair


def test_mean_and_standard_deviation_on_request(fit_of: FitOf) -> None:
    fit = fit_of("y ~ x")
    table = fit.conditional_effects("x", robust=False, prob=0.8, resolution=2)["x"].table
    values = flat(fit, "b_Intercept") + flat(fit, "b_x") * np.array([0.5, 7.5])
    np.testing.assert_allclose(table["estimate__"], values.mean(axis=0))
    np.testing.assert_allclose(table["se__"], values.std(axis=0, ddof=1))
    np.testing.assert_allclose(table["upper__"], np.quantile(values, 0.9, axis=0))


@pytest.mark.parametrize(
    ("formula", "family", "link"),
    [
        ("y ~ x + (1 | g)", "student", lambda eta: eta),
        ("bit ~ x + (1 | g)", "bernoulli", expit),
        ("count | trials(size) ~ x + (1 | g)", "binomial", expit),
        ("count ~ x + (1 | g)", "poisson", np.exp),
        ("count ~ x + (1 | g)", "negbinomial", np.exp),
    ],
)
def test_families_and_scales(fit_of: FitOf, formula: str, family: str, link: Any) -> None:
    fit = fit_of(formula, family)
    eta = flat(fit, "b_Intercept") + flat(fit, "b_x") * np.array([0.5, 4.0, 7.5])
    mean = fit.conditional_effects("x", resolution=3)["x"]
    np.testing.assert_allclose(draws(mean), link(eta))
    linear = fit.conditional_effects("x", resolution=3, method="posterior_linpred")["x"]
    np.testing.assert_allclose(draws(linear), eta)
    assert linear.points.empty
    new = fit.conditional_effects("x", resolution=3, method="posterior_predict")["x"]
    assert (new.table["upper__"] - new.table["lower__"]).mean() > (
        mean.table["upper__"] - mean.table["lower__"]
    ).mean()


def test_offsets_are_held_at_their_mean(fit_of: FitOf, data: pd.DataFrame) -> None:
    fit = fit_of("count ~ x + offset(log(exposure))", "poisson")
    effect = fit.conditional_effects(resolution=2)["x"]
    eta = flat(fit, "b_Intercept") + flat(fit, "b_x") * np.array([0.5, 7.5])
    np.testing.assert_allclose(draws(effect), np.exp(eta) * data["exposure"].mean())
    assert effect.subtitle == "Held at exposure = 2.125 (mean)."


def test_points_are_proportions_of_trials(fit_of: FitOf, data: pd.DataFrame) -> None:
    effect = fit_of("count | trials(size) ~ x", "binomial").conditional_effects()["x"]
    np.testing.assert_allclose(effect.points["resp__"], data["count"] / data["size"])
    np.testing.assert_allclose(effect.points["x"], data["x"])
    assert effect.label == "count / size"
    assert "size = 1 (trials)" in effect.subtitle
    fixed = fit_of("count | trials(9) ~ x", "binomial").conditional_effects(resolution=2)["x"]
    np.testing.assert_allclose(fixed.points["resp__"], data["count"])
    assert fixed.label == "count"


def test_second_number_at_mean_and_one_standard_deviation(
    fit_of: FitOf, data: pd.DataFrame
) -> None:
    effect = fit_of("y ~ x * z").conditional_effects("x:z", resolution=2)["x:z"]
    mean, sd = data["z"].mean(), data["z"].std()
    np.testing.assert_allclose(effect.table["z"].unique(), [mean - sd, mean, mean + sd])


def test_values_do_not_leave_the_data(fit_of: FitOf) -> None:
    effect = fit_of("y ~ x * bit").conditional_effects("x:bit", resolution=2)["x:bit"]
    np.testing.assert_allclose(effect.table["bit"].unique(), [0.1074508, 0.625, 1.0], rtol=1e-5)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"z": [1, 3]}, [1, 3]),
        ({"z": 2}, [2]),
        ({"z": {"low": 1.5, "high": 3.5}}, [1.5, 3.5]),
        ({"z": lambda values: values.quantile([0.5]).tolist()}, [2.25]),
    ],
)
def test_values_of_the_second_column(fit_of: FitOf, given: Any, expected: list[float]) -> None:
    fit = fit_of("y ~ x * z")
    effect = fit.conditional_effects("x:z", int_conditions=given, resolution=2)["x:z"]
    assert effect.table["z"].unique().tolist() == expected


def test_values_of_a_factor(fit_of: FitOf) -> None:
    fit = fit_of("y ~ x * f")
    effect = fit.conditional_effects("f", int_conditions={"f": ["c", "b"]})["f"]
    assert effect.table["f"].tolist() == ["c", "b"]


def test_conditions_are_crossed(fit_of: FitOf) -> None:
    fit = fit_of("y ~ x + z * f")
    effect = fit.conditional_effects("x", conditions={"f": ["b", "c"], "z": [1, 3]}, resolution=2)[
        "x"
    ]
    assert effect.table["cond__"].unique().tolist() == [
        "f = b & z = 1",
        "f = b & z = 3",
        "f = c & z = 1",
        "f = c & z = 3",
    ]
    last = flat(fit, "b_Intercept") + flat(fit, "b_x") * np.array([0.5, 7.5])
    last = last + 3 * flat(fit, "b_z") + flat(fit, "b_fc") + 3 * flat(fit, "b_z:fc")
    np.testing.assert_allclose(draws(effect)[:, -2:], last)
    assert effect.subtitle == ""


def test_conditions_in_rows_with_names(fit_of: FitOf) -> None:
    fit = fit_of("y ~ x + z * f")
    rows = pd.DataFrame({"z": [1.0, 2.0], "f": ["a", "b"]}, index=["first", "second"])
    effects = fit.conditional_effects(["x", "z"], conditions=rows, resolution=2)
    assert effects["x"].table["cond__"].tolist() == ["first"] * 2 + ["second"] * 2
    # z is shown, so that only f is left of the condition.
    z = effects["z"]
    assert z.table["cond__"].tolist() == ["first"] * 2 + ["second"] * 2
    named = fit.conditional_effects("x", conditions=rows.assign(cond__=["A", "B"]), resolution=2)
    assert named["x"].table["cond__"].tolist() == ["A", "A", "B", "B"]


def test_one_condition_is_held(fit_of: FitOf) -> None:
    effect = fit_of("y ~ x + z * f").conditional_effects("x", conditions={"f": "c", "z": 1})["x"]
    assert effect.subtitle == "Held at z = 1, f = c."
    trials = fit_of("count | trials(size) ~ x", "binomial")
    counted = trials.conditional_effects("x", conditions={"size": 10}, resolution=2)["x"]
    one = trials.conditional_effects("x", resolution=2)["x"]
    np.testing.assert_allclose(draws(counted), 10 * draws(one))
    assert (counted.label, one.label) == ("count", "count / size")
    np.testing.assert_array_equal(counted.points["resp__"], trials.data["count"])


def test_group_level_effects_of_a_new_or_a_known_level(fit_of: FitOf) -> None:
    fit = fit_of("y ~ x + (x | g)")
    population = fit.conditional_effects("x", resolution=2)["x"]
    new = fit.conditional_effects("x", resolution=2, re_formula=None)["x"]
    assert draws(new).std() > draws(population).std()
    assert new.subtitle == "Group-level effects: all, of a new level."
    known = fit.conditional_effects("x", conditions={"g": "v"}, resolution=2, re_formula=None)["x"]
    expected = flat(fit, "b_Intercept") + flat(fit, "r_g[v,Intercept]")
    slope = flat(fit, "b_x") + flat(fit, "r_g[v,x]")
    np.testing.assert_allclose(draws(known), expected + slope * np.array([0.5, 7.5]))
    assert known.subtitle == "Held at g = v; group-level effects: all."


def test_some_draws(fit_of: FitOf) -> None:
    effect = fit_of("y ~ x").conditional_effects("x", ndraws=10)["x"]
    assert effect.draws.sizes["chain"] * effect.draws.sizes["draw"] == 10


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"effects": "w"}, "do not read 'w'"),
        ({"effects": "x:w"}, "do not read 'w'"),
        ({"effects": "x:f:z"}, "joins 3 columns.*conditions"),
        ({"effects": "x:x"}, "with itself"),
        ({"effects": []}, r"effects = \[\] is not valid"),
        ({"effects": 3}, "effects = 3 is not valid"),
        ({"conditions": {"w": 1}}, "do not read 'w'"),
        ({"conditions": {"f": "d"}}, "no level 'd'"),
        ({"conditions": {"g": "u"}}, "group-level effects are left out"),
        ({"conditions": {"g": "new"}, "re_formula": None}, "'g' has no level 'new'"),
        ({"conditions": {}}, "conditions are empty"),
        ({"int_conditions": {"w": [1]}}, "do not read 'w'"),
        ({"int_conditions": {"x": []}, "effects": "x"}, "no values for 'x'"),
        ({"method": "fitted"}, "method = 'fitted'"),
        ({"resolution": 1}, "resolution = 1"),
        ({"prob": 95}, "prob = 95"),
        ({"dpar": "shape"}, "no parameter 'shape'"),
        ({"dpar": "sigma"}, "sigma depends on no column"),
        ({"dpar": "sigma", "nlpar": "a"}, "not both"),
    ],
)
def test_bad_input(fit_of: FitOf, options: dict[str, Any], message: str) -> None:
    with pytest.raises(BrmspyError, match=message):
        fit_of("y ~ x + f + z + (1 | g)").conditional_effects(**options)


def test_there_may_be_no_effects(fit_of: FitOf) -> None:
    with pytest.raises(BrmspyError, match="depends on no column"):
        fit_of("y ~ 1 + (x | g)").conditional_effects()


def test_result_is_a_mapping(fit_of: FitOf) -> None:
    effects = fit_of("y ~ x + f").conditional_effects(resolution=2)
    assert len(effects) == 2
    assert "x" in effects
    assert "w" not in effects
    assert effects.get("w") is None
    with pytest.raises(BrmspyError, match=r"no effect 'ff'. Did you mean 'f'"):
        effects["ff"]


def test_columns_with_colons_and_spaces(fit_to: FitOf) -> None:
    frame = pd.DataFrame(
        {
            "y": np.arange(6.0),
            "a:b": [1.0, 4.0, 2.0, 3.0, 5.0, 2.5],
            "draw": list("ababab"),
        }
    )
    fit = fit_to("y ~ `a:b` * draw", frame)
    effects = fit.conditional_effects(resolution=2)
    assert list(effects) == ["a:b", "draw", "a:b:draw"]
    assert fit.conditional_effects("draw:a:b")["draw:a:b"].columns == ("draw", "a:b")


def test_what_is_printed(fit_of: FitOf) -> None:
    effects = fit_of("y ~ x * f + (1 | g)").conditional_effects()
    text, html = repr(effects), effects._repr_html_()
    for said in (
        "y by x and f, with 95% intervals",
        "estimate__",
        "Held at f = b (first level); group-level effects left out.",
        "288 more rows in .table",
    ):
        assert said in text
        assert said in html
