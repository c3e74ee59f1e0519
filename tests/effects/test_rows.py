"""Predictions, comparisons and slopes against closed forms of the draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.special import expit

from brmspy import BrmsFit, bf
from brmspy.effects import Estimates, target
from brmspy.errors import BrmspyError, DataError

FitOf = Callable[..., BrmsFit]


def flat(fit: BrmsFit, name: str) -> Any:
    """Return draws of a parameter, chain after chain, shape (draw, 1)."""
    return fit[name].to_numpy().reshape(-1, 1)


def draws(found: Estimates) -> Any:
    """Return draws of estimates, shape (draw, row)."""
    assert found.draws.dims == ("chain", "draw", "row")
    assert found.draws["row"].to_numpy().tolist() == found.table.index.tolist()
    return found.draws.to_numpy().reshape(-1, len(found.table))


def x_of(data: pd.DataFrame, name: str = "x") -> Any:
    return data[name].to_numpy(dtype=float)[None, :]


class TestPredictions:
    def test_each_row(self, fit_of: FitOf, data: pd.DataFrame) -> None:
        fit = fit_of("y ~ x")
        found = fit.predictions()
        expected = flat(fit, "b_Intercept") + flat(fit, "b_x") * x_of(data)
        np.testing.assert_allclose(draws(found), expected)
        assert list(found.table) == ["rowid", "x", "Estimate", "Est.Error", "Q2.5", "Q97.5"]
        assert found.table["rowid"].tolist() == list("ABCDEFGH")
        np.testing.assert_allclose(found.table["Estimate"], expected.mean(axis=0))
        np.testing.assert_allclose(found.table["Q97.5"], np.quantile(expected, 0.975, axis=0))

    def test_median_and_other_probability(self, fit_of: FitOf) -> None:
        fit = fit_of("y ~ x")
        found = fit.predictions({"x": [2.0]}, prob=0.5, robust=True)
        expected = flat(fit, "b_Intercept") + flat(fit, "b_x") * 2.0
        assert found.table["Estimate"].item() == pytest.approx(np.median(expected))
        assert found.table["Q25"].item() == pytest.approx(np.quantile(expected, 0.25))

    def test_averages_within_groups_are_in_the_order_of_the_levels(
        self, fit_of: FitOf, data: pd.DataFrame
    ) -> None:
        fit = fit_of("y ~ x + f")
        found = fit.predictions(by="f")
        assert found.table["f"].tolist() == ["b", "a", "c"]
        rows = fit.posterior_epred().to_numpy().reshape(-1, 8)
        for place, level in enumerate("bac"):
            own = (data["f"] == level).to_numpy()
            np.testing.assert_allclose(draws(found)[:, place], rows[:, own].mean(axis=1))

    def test_values_put_into_every_row(self, fit_of: FitOf, data: pd.DataFrame) -> None:
        fit = fit_of("count ~ x + z", "poisson")
        found = fit.predictions(variables={"z": [1, 3]}, average=True)
        assert found.table["z"].tolist() == [1, 3]
        for place, z in enumerate((1.0, 3.0)):
            eta = flat(fit, "b_Intercept") + flat(fit, "b_x") * x_of(data) + flat(fit, "b_z") * z
            np.testing.assert_allclose(draws(found)[:, place], np.exp(eta).mean(axis=1))
        rows = fit.predictions(variables={"z": [1, 3]})
        assert len(rows) == 16
        assert rows.table["rowid"].tolist() == list("ABCDEFGH") * 2

    def test_usual_values_of_variables(self, fit_of: FitOf) -> None:
        fit = fit_of("y ~ x + f")
        levels = fit.predictions(variables=["f", "x"], average=True).table
        assert levels["f"].tolist() == ["b"] * 5 + ["a"] * 5 + ["c"] * 5
        assert levels["x"].tolist() == [0.5, 1.875, 3.75, 5.625, 7.5] * 3

    @pytest.mark.parametrize(
        ("formula", "family", "link", "sizes"),
        [
            ("y ~ x", "gaussian", lambda eta: eta, 1.0),
            ("y ~ x", "student", lambda eta: eta, 1.0),
            ("bit ~ x", "bernoulli", expit, 1.0),
            ("count ~ x", "poisson", np.exp, 1.0),
            ("count ~ x", "negbinomial", np.exp, 1.0),
            ("count | trials(size) ~ x", "binomial", expit, "size"),
        ],
    )
    def test_families_and_methods(
        self,
        fit_of: FitOf,
        data: pd.DataFrame,
        formula: str,
        family: str,
        link: Any,
        sizes: Any,
    ) -> None:
        fit = fit_of(formula, family)
        eta = flat(fit, "b_Intercept") + flat(fit, "b_x") * x_of(data)
        factor = x_of(data, sizes) if isinstance(sizes, str) else sizes
        np.testing.assert_allclose(draws(fit.predictions()), factor * link(eta))
        linear = fit.predictions(method="posterior_linpred", average=True)
        np.testing.assert_allclose(draws(linear)[:, 0], eta.mean(axis=1))
        new = fit.predictions(method="posterior_predict", seed=5)
        same = fit.posterior_predict(seed=5).to_numpy().reshape(-1, 8)
        np.testing.assert_array_equal(draws(new), same)

    def test_distributional_and_non_linear_parameters(
        self, fit_of: FitOf, data: pd.DataFrame
    ) -> None:
        fit = fit_of(bf("y ~ x", "sigma ~ z"))
        eta = flat(fit, "b_sigma_Intercept") + flat(fit, "b_sigma_z") * x_of(data, "z")
        np.testing.assert_allclose(draws(fit.predictions(dpar="sigma")), np.exp(eta))
        logged = fit.predictions(dpar="sigma", method="posterior_linpred")
        np.testing.assert_allclose(draws(logged), eta)
        curve = fit_of(bf("y ~ A * exp(-k * x)", "A ~ flag", "k ~ 1", nl=True))
        by_flag = draws(curve.predictions(nlpar="A", by="flag"))
        np.testing.assert_allclose(by_flag[:, :1], flat(curve, "b_A_Intercept"))
        np.testing.assert_allclose(
            by_flag[:, 1:], flat(curve, "b_A_Intercept") + flat(curve, "b_A_flagTRUE")
        )

    def test_typical_row(self, fit_of: FitOf, data: pd.DataFrame) -> None:
        fit = fit_of("count | trials(size) ~ x + f", "binomial")
        found = fit.predictions("typical")
        eta = flat(fit, "b_Intercept") + flat(fit, "b_x") * data["x"].mean()
        np.testing.assert_allclose(draws(found), expit(eta))
        assert found.notes[0] == "Held at x = 3.812 (mean), f = b (first level), size = 1 (trials)."

    def test_typical_row_is_of_a_new_level(self, fit_of: FitOf) -> None:
        fit = fit_of("y ~ x + (1 | g)")
        assert fit.predictions("typical").notes[1] == "Group-level effects: all, of a new level."
        without = fit.predictions("typical", re_formula="NA")
        assert without.notes[1] == "Group-level effects left out."
        expected = flat(fit, "b_Intercept") + flat(fit, "b_x") * fit.data["x"].mean()
        np.testing.assert_allclose(draws(without), expected)

    def test_small_chunks_give_the_same(
        self, fit_of: FitOf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fit = fit_of("y ~ x + f + (1 | g)")
        calls: list[Callable[[], Estimates]] = [
            lambda: fit.predictions(),
            lambda: fit.predictions(by=["f", "g"]),
            lambda: fit.comparisons("f", by="g"),
            lambda: fit.slopes("x", average=True),
            lambda: fit.slopes("x"),
            lambda: fit.predictions(method="posterior_predict", by="f"),
        ]
        whole = [draws(call()) for call in calls]
        monkeypatch.setattr(target, "_CHUNK", 300)
        for call, expected in zip(calls, whole, strict=True):
            np.testing.assert_allclose(draws(call()), expected)


class TestComparisons:
    @pytest.mark.parametrize(
        ("what", "width", "label"),
        [
            (None, 1.0, "+1"),
            (2, 2.0, "+2"),
            (-0.5, -0.5, "-0.5"),
            ("sd", 2.419230987613331, "+sd, centred"),
            ("2sd", 4.838461975226662, "+2sd, centred"),
            ("iqr", 3.75, "5.625 - 1.875"),
            ("minmax", 7.0, "7.5 - 0.5"),
            ((1, 4), 3.0, "4 - 1"),
        ],
    )
    def test_numbers(self, fit_of: FitOf, what: Any, width: float, label: str) -> None:
        fit = fit_of("y ~ x + f")
        found = fit.comparisons({"x": what}, average=True)
        np.testing.assert_allclose(draws(found), flat(fit, "b_x") * width)
        assert found.table[["term", "contrast"]].to_numpy().tolist() == [["x", label]]

    @pytest.mark.parametrize(
        ("what", "pairs"),
        [
            (None, ["a - b", "c - b"]),
            ("reference", ["a - b", "c - b"]),
            ("sequential", ["a - b", "c - a"]),
            ("pairwise", ["a - b", "c - b", "c - a"]),
            (("c", "a"), ["a - c"]),
        ],
    )
    def test_factors(self, fit_of: FitOf, what: Any, pairs: list[str]) -> None:
        fit = fit_of("y ~ x + f")
        found = fit.comparisons({"f": what}, average=True)
        assert found.table["contrast"].tolist() == pairs
        effect = {"a": flat(fit, "b_fa"), "b": 0.0, "c": flat(fit, "b_fc")}
        for place, pair in enumerate(pairs):
            high, low = pair.split(" - ")
            np.testing.assert_allclose(draws(found)[:, [place]], effect[high] - effect[low])

    def test_everything_by_default(self, fit_of: FitOf) -> None:
        fit = fit_of("count | trials(size) ~ x + flag + f", "binomial")
        table = fit.comparisons(average=True).table
        assert table["term"].tolist() == ["x", "flag", "f", "f"]
        assert table["contrast"].tolist() == ["+1", "TRUE - FALSE", "a - b", "c - b"]

    def test_each_row_of_a_logistic_model(self, fit_of: FitOf, data: pd.DataFrame) -> None:
        fit = fit_of("bit ~ x + flag", "bernoulli")
        eta = flat(fit, "b_Intercept") + flat(fit, "b_x") * x_of(data)
        expected = expit(eta + flat(fit, "b_flagTRUE")) - expit(eta)
        found = fit.comparisons("flag")
        np.testing.assert_allclose(draws(found), expected)
        assert found.table["flag"].tolist() == data["flag"].tolist()
        logits = fit.comparisons("flag", method="posterior_linpred", average=True)
        np.testing.assert_allclose(draws(logits), flat(fit, "b_flagTRUE"))

    @pytest.mark.parametrize("average", [True, False])
    def test_ratios_and_lifts_of_rates(self, fit_of: FitOf, average: bool) -> None:
        fit = fit_of("count ~ x + f + offset(log(exposure))", "poisson")
        ratio = fit.comparisons("x", comparison="ratio", average=average)
        expected = np.exp(flat(fit, "b_x")) * np.ones(len(ratio))
        np.testing.assert_allclose(draws(ratio), expected)
        lift = fit.comparisons("x", comparison="lift", average=average)
        np.testing.assert_allclose(draws(lift), expected - 1)
        own = fit.comparisons("x", comparison=lambda high, low: np.log(high / low), average=average)
        np.testing.assert_allclose(draws(own), np.log(expected))
        named = fit.comparisons("f", comparison="lift", average=True).table["contrast"]
        assert named.tolist() == ["(a - b) / b", "(c - b) / b"]

    def test_ratio_of_averages(self, fit_of: FitOf, data: pd.DataFrame) -> None:
        fit = fit_of("bit ~ x + flag", "bernoulli")
        eta = flat(fit, "b_Intercept") + flat(fit, "b_x") * x_of(data)
        high, low = expit(eta + flat(fit, "b_flagTRUE")), expit(eta)
        found = fit.comparisons("flag", comparison="ratio", average=True)
        np.testing.assert_allclose(draws(found)[:, 0], high.mean(axis=1) / low.mean(axis=1))

    @pytest.mark.parametrize("how", ["uncertainty", "gaussian", "old_levels"])
    def test_both_scenarios_share_a_new_level(
        self, fit_of: FitOf, data: pd.DataFrame, how: str
    ) -> None:
        fit = fit_of("count ~ x + (x | g)", "poisson")
        new = data.assign(g="new")
        found = fit.comparisons(
            {"x": (0, 1)},
            new,
            comparison="ratio",
            allow_new_levels=True,
            sample_new_levels=how,
            average=True,
        )
        one = fit.posterior_linpred(
            {"x": [0.0, 1.0], "g": ["new", "new"]},
            allow_new_levels=True,
            sample_new_levels=how,
        )
        slope = np.diff(one.to_numpy().reshape(-1, 2), axis=1)
        np.testing.assert_allclose(draws(found), np.exp(slope))
        assert slope.std() > flat(fit, "b_x").std()

    def test_grouped_averages(self, fit_of: FitOf, data: pd.DataFrame) -> None:
        fit = fit_of("bit ~ x + flag", "bernoulli")
        rows = draws(fit.comparisons("x"))
        found = fit.comparisons("x", by="flag")
        assert found.table["flag"].tolist() == [False, True]
        own = data["flag"].to_numpy()
        np.testing.assert_allclose(draws(found)[:, 1], rows[:, own].mean(axis=1))
        np.testing.assert_allclose(draws(found)[:, 0], rows[:, ~own].mean(axis=1))


class TestSlopes:
    def test_linear(self, fit_of: FitOf) -> None:
        fit = fit_of("y ~ x * flag")
        rows = draws(fit.slopes("x"))
        interaction = flat(fit, "b_x:flagTRUE") * fit.data["flag"].to_numpy(dtype=float)
        np.testing.assert_allclose(rows, flat(fit, "b_x") + interaction, rtol=1e-6)

    def test_logit(self, fit_of: FitOf, data: pd.DataFrame) -> None:
        fit = fit_of("bit ~ x + z", "bernoulli")
        eta = flat(fit, "b_Intercept") + flat(fit, "b_x") * x_of(data)
        p = expit(eta + flat(fit, "b_z") * x_of(data, "z"))
        found = fit.slopes()
        assert found.table["term"].tolist() == ["x"] * 8 + ["z"] * 8
        expected = np.hstack([flat(fit, "b_x") * p * (1 - p), flat(fit, "b_z") * p * (1 - p)])
        np.testing.assert_allclose(draws(found), expected, rtol=1e-5, atol=1e-8)
        mean = fit.slopes("x", average=True)
        np.testing.assert_allclose(draws(mean)[:, 0], expected[:, :8].mean(axis=1), rtol=1e-5)

    def test_slopes_stay_within_the_data(self, fit_of: FitOf, data: pd.DataFrame) -> None:
        # sqrt(x - 0.5) is not a number below the lowest value.
        fit = fit_of("y ~ I(sqrt(x - 0.49999)) + log(z)")
        logs = draws(fit.slopes("z"))
        np.testing.assert_allclose(logs, flat(fit, "b_logz") / x_of(data, "z"), rtol=1e-5)
        steep = draws(fit.slopes("x", eps=1e-7))
        name = next(name for name in fit.names if "sqrt" in name)
        expected = flat(fit, name) / (2 * np.sqrt(x_of(data) - 0.49999))
        np.testing.assert_allclose(steep, expected, rtol=1e-4)

    @pytest.mark.parametrize(
        ("slope", "expected"),
        [
            ("dydx", lambda y, b, z: b * y / z),
            ("eyex", lambda y, b, z: b * np.ones_like(y)),
            ("eydx", lambda y, b, z: b * np.ones_like(y) / z),
            ("dyex", lambda y, b, z: b * y),
        ],
    )
    def test_elasticities(
        self, fit_of: FitOf, data: pd.DataFrame, slope: str, expected: Any
    ) -> None:
        fit = fit_of("count ~ log(z)", "poisson")
        z = x_of(data, "z")
        mean = np.exp(flat(fit, "b_Intercept") + flat(fit, "b_logz") * np.log(z))
        found = fit.slopes("z", slope=slope)
        np.testing.assert_allclose(
            draws(found), expected(mean, flat(fit, "b_logz"), z), rtol=1e-5, atol=1e-9
        )

    def test_non_linear(self, fit_of: FitOf, data: pd.DataFrame) -> None:
        fit = fit_of(bf("y ~ A * exp(-k * x)", "A ~ 1", "k ~ 1", nl=True))
        A, k = flat(fit, "b_A_Intercept"), flat(fit, "b_k_Intercept")
        expected = -k * A * np.exp(-k * x_of(data))
        np.testing.assert_allclose(draws(fit.slopes("x")), expected, rtol=1e-5, atol=1e-8)

    def test_whole_numbers_may_be_stepped_from(self, fit_of: FitOf) -> None:
        fit = fit_of("y ~ size")
        np.testing.assert_allclose(
            draws(fit.slopes("size", average=True)), flat(fit, "b_size"), rtol=1e-6
        )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda fit: fit.predictions(by="h"), "the data have no column 'h'"),
        (lambda fit: fit.predictions(variables="g"), "do not read 'g'"),
        (lambda fit: fit.predictions(variables={"f": ["d"]}), "no level 'd'"),
        (lambda fit: fit.predictions("typicla"), "newdata = 'typicla' is not valid"),
        (lambda fit: fit.predictions(method="epred"), "method = 'epred' is not valid"),
        (lambda fit: fit.predictions(dpar="sigmo"), "no parameter 'sigmo'"),
        (
            lambda fit: fit.predictions(dpar="sigma", method="posterior_predict"),
            "draws responses, not sigma",
        ),
        (lambda fit: fit.comparisons("y"), "do not read 'y'"),
        (lambda fit: fit.comparisons({"f": "all"}), "'all' is not valid"),
        (lambda fit: fit.comparisons({"f": ["a"]}), "give two values"),
        (lambda fit: fit.comparisons({"x": 0}), "compares nothing"),
        (lambda fit: fit.comparisons("x", comparison="times"), "comparison = 'times'"),
        (lambda fit: fit.comparisons("x", comparison=lambda a, b: a.mean()), "an array"),
        (lambda fit: fit.comparisons("x", method="posterior_predict"), "is not valid"),
        (lambda fit: fit.comparisons({"x": 1}, {"f": ["a"], "g": ["u"]}), "no column 'x'"),
        (lambda fit: fit.slopes("f"), "'f' is a factor.*comparisons"),
        (lambda fit: fit.slopes("x", slope="dx"), "slope = 'dx'"),
        (lambda fit: fit.slopes("x", eps=0), "eps = 0 is not valid"),
        (lambda fit: fit.slopes("x", by=3), "by = 3 is not valid"),
    ],
)
def test_bad_input(fit_of: FitOf, call: Any, message: str) -> None:
    with pytest.raises(BrmspyError, match=message):
        call(fit_of("y ~ x + f + (1 | g)"))


def test_unknown_level_needs_permission(fit_of: FitOf, data: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="allow_new_levels"):
        fit_of("y ~ x + f + (1 | g)").comparisons("x", data.assign(g="new"))


def test_no_rows(fit_of: FitOf) -> None:
    with pytest.raises(DataError, match="no rows"):
        fit_of("y ~ x").predictions({"x": []})


def test_columns_of_every_type(fit_to: FitOf) -> None:
    frame = pd.DataFrame(
        {
            "y": np.arange(8.0),
            "text": pd.array(list("abcabcab"), dtype="string"),
            "whole": pd.array([1, 2, 3, 4, 5, 6, 7, 9], dtype="Int64"),
            "flag": pd.array([True, False] * 4, dtype="boolean"),
            "level": pd.Categorical([2, 10, 2, 10, 10, 2, 2, 10]),
            "part": np.linspace(0, 1, 8, dtype="float32"),
            "mixed": np.array([True, False, False, True, True, False, True, False], dtype=object),
        },
        index=[0] * 8,
    )
    fit = fit_to("y ~ text + whole + flag + level + part + mixed", frame)
    found = fit.comparisons(average=True)
    names = ["textb", "textc", "whole", "flagTRUE", "level10", "part", "mixedTRUE"]
    expected = np.hstack([flat(fit, f"b_{name}") for name in names])
    np.testing.assert_allclose(draws(found), expected, rtol=1e-6)
    slopes = draws(fit.slopes(average=True))
    np.testing.assert_allclose(
        slopes, np.hstack([flat(fit, "b_whole"), flat(fit, "b_part")]), rtol=1e-6
    )
    assert list(fit.conditional_effects()) == list(frame.columns[1:])
    assert fit.emmeans("level", by="flag").table["level"].tolist() == [2, 10, 2, 10]
    assert fit.predictions(by=["level", "flag"]).table["level"].tolist() == [2, 2, 10, 10]


def test_tables_other_than_pandas(fit_of: FitOf) -> None:
    fit = fit_of("y ~ x + f")
    rows = {"x": [1.0, 2.0, 3.0], "f": ["a", "b", "a"]}
    expected = draws(fit.comparisons("f", pd.DataFrame(rows), by="f"))
    for other in (rows, pl.DataFrame(rows)):
        np.testing.assert_array_equal(draws(fit.comparisons("f", other, by="f")), expected)


def test_odd_names(fit_to: FitOf) -> None:
    frame = pd.DataFrame(
        {
            "the y": np.arange(8.0),
            "row": [1.0, 4.0, 2.0, 3.0, 5.0, 2.5, 1.5, 0.5],
            "obs": list("ababaabb"),
            "chain": list("uvwuvwuv"),
        }
    )
    fit = fit_to("`the y` ~ row * obs + (1 | chain)", frame)
    assert fit.comparisons("obs", by="chain").table["chain"].tolist() == ["u", "v", "w"]
    np.testing.assert_allclose(
        draws(fit.slopes("row", by="obs"))[:, :1], flat(fit, "b_row"), rtol=1e-6
    )
    assert fit.predictions().table.columns[0] == "rowid"


def test_what_is_printed(fit_of: FitOf) -> None:
    found = fit_of("count | trials(size) ~ x + f + (1 | g)", "binomial").comparisons("f", by="g")
    text, html = repr(found), found._repr_html_()
    for said in (
        "Comparisons: count",
        "a - b",
        "Averaged over 8 rows of the data.",
        "Group-level effects: all.",
        "Counts of the trials",
    ):
        assert said in text
        assert said in html
