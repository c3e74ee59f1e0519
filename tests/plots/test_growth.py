"""Growth curves: the numbers against formulas, and what is drawn, without Stan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib import colors
from scipy import special

from brmspy import BrmsFit, bf, prior
from brmspy.errors import BrmspyError

pytestmark = pytest.mark.slow  # together: drawing takes time

Make = Callable[..., BrmsFit]

DATA = pd.DataFrame(
    {
        "id": np.repeat(["p", "q", "r"], 4),
        "arm": np.repeat(["drug", "none", "drug"], 4),
        "age": np.tile([1.0, 2.0, 4.0, 8.0], 3) + np.repeat([0.0, 1.0, 0.0], 4),
        "base": np.repeat([10.0, 20.0, 60.0], 4),
        "visit": np.tile(["1st", "2nd", "3rd", "4th"], 3),
        "site": np.tile(["s", "t"], 6),
        "n": np.tile([4, 6], 6),
        "e": np.tile([1.0, 3.0], 6),
        "y": np.arange(12.0),
        "k": np.arange(12) % 4,
    }
)
MIXED = "y ~ age + arm + base + (age | id)"


def note(axes: Any) -> str:
    return str(np.ravel(axes)[0].get_figure().get_supxlabel()).replace("\n", " ")


def legend(axes: Any) -> list[str]:
    (found,) = np.ravel(axes)[0].get_figure().legends
    return [text.get_text() for text in found.get_texts()]


def draws(fit: BrmsFit, name: str) -> np.ndarray:
    return fit[name].to_numpy().reshape(-1, 1)


@pytest.fixture(scope="module")
def fit(make_fit: Make) -> BrmsFit:
    return make_fit(MIXED, DATA)


class TestTable:
    def test_population_by_hand(self, fit: BrmsFit) -> None:
        table = fit.curve_table("age", group="NA", resolution=3, prob=0.8, prob_outer=0.9)
        assert table.columns.tolist() == [
            "age", "Estimate", "Est.Error", "Q5", "Q10", "Q90", "Q95",
        ]  # fmt: skip
        np.testing.assert_allclose(table["age"], [1.0, 5.0, 9.0])
        mean = (
            draws(fit, "b_Intercept")
            + draws(fit, "b_age") * [1.0, 5.0, 9.0]
            + draws(fit, "b_base") * 30.0
        )
        np.testing.assert_allclose(table["Estimate"], mean.mean(axis=0))
        np.testing.assert_allclose(table["Est.Error"], mean.std(axis=0, ddof=1))
        np.testing.assert_allclose(table["Q5"], np.quantile(mean, 0.05, axis=0))
        np.testing.assert_allclose(table["Q90"], np.quantile(mean, 0.9, axis=0))

    def test_levels_keep_what_they_have(self, fit: BrmsFit) -> None:
        table = fit.curve_table("age", resolution=2)
        own = table[table["id"] == "q"]
        np.testing.assert_allclose(own["age"], [2.0, 9.0])  # where it was observed
        expected = (
            draws(fit, "b_Intercept")
            + draws(fit, "b_armnone")
            + draws(fit, "b_base") * 20.0
            + draws(fit, "r_id[q,Intercept]")
            + (draws(fit, "b_age") + draws(fit, "r_id[q,age]")) * [2.0, 9.0]
        )
        np.testing.assert_allclose(own["Estimate"], expected.mean(axis=0))
        assert table["id"].isna().sum() == 2
        wide = fit.curve_table("age", resolution=2, extend=True)
        np.testing.assert_allclose(wide.loc[wide["id"] == "q", "age"], [1.0, 9.0])

    def test_held_by_the_user(self, fit: BrmsFit) -> None:
        table = fit.curve_table("age", at={"base": 0.0, "arm": "none"}, resolution=2)
        expected = draws(fit, "b_Intercept") + draws(fit, "b_armnone") + draws(fit, "b_age")
        assert table["Estimate"].iloc[0] == pytest.approx(expected.mean())
        own = table[table["id"] == "p"]["Estimate"].iloc[0]
        expected = expected + draws(fit, "r_id[p,Intercept]") + draws(fit, "r_id[p,age]")
        assert own == pytest.approx(expected.mean())

    def test_by_a_factor(self, fit: BrmsFit) -> None:
        table = fit.curve_table("age", by="arm", resolution=2)
        shared = table[table["id"].isna()]
        assert shared["arm"].tolist() == ["drug", "drug", "none", "none"]
        gap = shared["Estimate"].to_numpy()
        assert gap[2] - gap[0] == pytest.approx(draws(fit, "b_armnone").mean())
        own = table[table["id"].notna()].drop_duplicates(["id", "arm"])
        assert own[["id", "arm"]].to_numpy().tolist() == [
            ["p", "drug"], ["q", "none"], ["r", "drug"],
        ]  # fmt: skip

    def test_by_a_number(self, fit: BrmsFit, make_fit: Make) -> None:
        table = fit.curve_table("age", by="base", group="NA", resolution=2)
        assert table["base"].tolist() == [10, 10, 20, 20, 60, 60]  # the only values
        many = make_fit("y ~ age * z", DATA.assign(z=np.arange(12.0) ** 2))
        found = many.curve_table("age", by="z", resolution=2)["z"].unique()
        z = np.arange(12.0) ** 2
        expected = [z.mean() - z.std(ddof=1), z.mean(), z.mean() + z.std(ddof=1)]
        np.testing.assert_allclose(found, expected, rtol=1e-3)

    def test_slope_is_the_derivative(self, make_fit: Make) -> None:
        fit = make_fit("y ~ log(age) + I(age^2)", DATA)
        table = fit.curve_table("age", slope=True, resolution=4)
        x = table["age"].to_numpy()
        expected = draws(fit, "b_logage") / x + draws(fit, "b_IageE2") * 2 * x
        # At the ends the difference is one-sided.
        np.testing.assert_allclose(table["Estimate"], expected.mean(axis=0), rtol=1e-3)
        np.testing.assert_allclose(table["Q2.5"], np.quantile(expected, 0.025, axis=0), rtol=1e-3)

    def test_nonlinear_models_and_their_parameters(self, make_fit: Make) -> None:
        formula = bf("y ~ a * exp(-exp(r) * age)", "a ~ 1 + (1 | id)", "r ~ arm", nl=True)
        priors = [prior("normal(0, 1)", nlpar=name) for name in "ar"]
        fit = make_fit(formula, DATA, prior=priors)
        table = fit.curve_table("age", resolution=2)
        a, k = draws(fit, "b_a_Intercept"), draws(fit, "b_r_Intercept")
        np.testing.assert_allclose(
            table["Estimate"][:2], (a * np.exp(-np.exp(k) * [1.0, 9.0])).mean(axis=0)
        )
        own = table.loc[table["id"] == "q", "Estimate"]
        a, k = a + draws(fit, "r_id__a[q,Intercept]"), k + draws(fit, "b_r_armnone")
        np.testing.assert_allclose(own, (a * np.exp(-np.exp(k) * [2.0, 9.0])).mean(axis=0))
        parameter = fit.curve_table("arm", nlpar="r", group="NA")
        np.testing.assert_allclose(
            np.diff(parameter["Estimate"]), draws(fit, "b_r_armnone").mean(), rtol=1e-9
        )

    def test_distributional_parameters(self, make_fit: Make) -> None:
        fit = make_fit(bf("y ~ 1", "sigma ~ age"), DATA)
        table = fit.curve_table("age", dpar="sigma", resolution=2)
        eta = draws(fit, "b_sigma_Intercept") + draws(fit, "b_sigma_age") * [1.0, 9.0]
        np.testing.assert_allclose(table["Estimate"], np.exp(eta).mean(axis=0))

    def test_counts_among_trials_are_proportions(self, make_fit: Make) -> None:
        fit = make_fit("k | trials(n) ~ age + (1 | id)", DATA, "binomial")
        table = fit.curve_table("age", group="NA", resolution=2)
        eta = draws(fit, "b_Intercept") + draws(fit, "b_age") * [1.0, 9.0]
        np.testing.assert_allclose(table["Estimate"], special.expit(eta).mean(axis=0))

    def test_exposure_is_the_same_for_all(self, make_fit: Make) -> None:
        fit = make_fit("k ~ age + offset(log(e)) + (1 | id)", DATA, "poisson")
        table = fit.curve_table("age", resolution=2)
        rate = draws(fit, "b_Intercept") + draws(fit, "b_age") * [1.0, 9.0]
        np.testing.assert_allclose(table["Estimate"][:2], (2.0 * np.exp(rate)).mean(axis=0))

    def test_nested_groups_have_the_effects_of_both(self, make_fit: Make) -> None:
        fit = make_fit("y ~ age + (1 | site / id)", DATA)
        table = fit.curve_table("age", resolution=2)
        own = table[table["site:id"] == "s_p"]
        expected = (
            draws(fit, "b_Intercept")
            + draws(fit, "b_age") * own["age"].to_numpy()
            + draws(fit, "r_site[s,Intercept]")
            + draws(fit, "r_site:id[s_p,Intercept]")
        )
        np.testing.assert_allclose(own["Estimate"], expected.mean(axis=0))

    def test_some_draws_and_levels(self, fit: BrmsFit) -> None:
        few = fit.curve_table("age", ndraws=2, group="NA", resolution=2)
        assert not np.allclose(
            few["Estimate"], fit.curve_table("age", resolution=2)["Estimate"][:2]
        )
        table = fit.curve_table("age", max_levels=2, resolution=2)
        assert table["id"].dropna().unique().tolist() == ["p", "r"]


class TestPicture:
    def test_population_levels_and_data(self, fit: BrmsFit) -> None:
        ax = fit.curves("age")
        table = fit.curve_table("age")
        shared = table[table["id"].isna()]
        np.testing.assert_allclose(ax.lines[0].get_ydata(), shared["Estimate"])
        scatter, thin, wide, narrow = ax.collections
        np.testing.assert_allclose(np.asarray(scatter.get_offsets()), DATA[["age", "y"]])
        for segment, level in zip(thin.get_segments(), "pqr", strict=True):
            own = table[table["id"] == level]
            np.testing.assert_allclose(segment, own[["age", "Estimate"]])
        for band, column in ((wide, "Q97.5"), (narrow, "Q75")):
            top = band.get_paths()[0].get_extents().ymax
            assert top == pytest.approx(shared[column].max())
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("age", "y")
        assert legend(ax) == ["population", "levels of id", "data"]
        assert note(ax) == ("Population at arm = drug, base = 30. Bands: 50 % and 95 % intervals.")

    def test_by_a_factor_has_colours(self, fit: BrmsFit) -> None:
        ax = fit.curves("age", by="arm")
        assert legend(ax) == ["drug", "none", "levels of id", "data"]
        assert ax.get_figure().legends[0].get_title().get_text() == "arm"
        first, second = (colors.to_hex(line.get_color()) for line in ax.lines)
        assert first != second
        assert ax.lines[0].get_linestyle() != ax.lines[1].get_linestyle()

    def test_slopes_and_parameters_have_no_data(self, fit: BrmsFit) -> None:
        ax = fit.curves("age", slope=True)
        assert ax.get_ylabel() == "change of y per unit of age"
        assert legend(ax) == ["population", "levels of id"]
        assert fit.curves("age", dpar="sigma").get_ylabel() == "sigma"
        assert legend(fit.curves("age", points=False)) == ["population", "levels of id"]

    def test_a_panel_for_each_level(self, fit: BrmsFit) -> None:
        axes = fit.curves("age", facet=True)
        assert [ax.get_title(loc="left") for ax in axes] == ["p", "q", "r"]
        table = fit.curve_table("age")
        own = table[table["id"] == "q"]
        np.testing.assert_allclose(axes[1].lines[0].get_ydata(), own["Estimate"])
        seen = np.asarray(axes[1].collections[0].get_offsets())
        np.testing.assert_allclose(seen, DATA.loc[DATA["id"] == "q", ["age", "y"]])
        # The population's, with the covariates of q: apart by the effects of q alone.
        gap = np.asarray(axes[1].lines[0].get_ydata()) - axes[1].lines[1].get_ydata()
        effects = draws(fit, "r_id[q,Intercept]") + draws(fit, "r_id[q,age]") * np.asarray(
            own["age"]
        )
        np.testing.assert_allclose(gap, effects.mean(axis=0))
        assert legend(axes) == ["data", "level of id", "population"]

    def test_a_panel_for_each_value_of_by(self, fit: BrmsFit) -> None:
        axes = fit.curves("age", by="arm", group="NA", facet=True)
        assert len(axes) == 2
        assert [len(ax.lines) for ax in axes] == [1, 1]

    def test_along_a_factor(self, make_fit: Make) -> None:
        fit = make_fit("k | trials(n) ~ visit + arm + (1 | id)", DATA, "binomial")
        ax = fit.curves("visit", by="arm")
        assert [label.get_text() for label in ax.get_xticklabels()] == ["1st", "2nd", "3rd", "4th"]
        assert ax.get_ylabel() == "k / n"
        first, second = (np.asarray(line.get_xdata()) for line in ax.lines[:2])
        assert (second - first > 0.05).all()  # side by side
        np.testing.assert_allclose((first + second) / 2, [0, 1, 2, 3])
        seen = np.concatenate([np.asarray(part.get_offsets())[:, 1] for part in ax.collections[:2]])
        np.testing.assert_allclose(np.sort(seen), np.sort(DATA["k"] / DATA["n"]))

    def test_two_values_have_a_probability(self, make_fit: Make) -> None:
        fit = make_fit("arm ~ age", DATA, "bernoulli")
        assert fit.curves("age").get_ylabel() == "probability that arm is none"
        number = make_fit("won ~ age", DATA.assign(won=DATA["k"] % 2), "bernoulli")
        assert number.curves("age").get_ylabel() == "probability that won is 1"

    def test_crossed_groups_are_chosen_by_name(self, make_fit: Make) -> None:
        fit = make_fit("y ~ age + (1 | id) + (1 | site)", DATA)
        assert "Curves of levels: group = 'id' or 'site'." in note(fit.curves("age"))
        assert "levels of site" in legend(fit.curves("age", group="site"))

    def test_what_does_not_vary_within_levels(self, fit: BrmsFit) -> None:
        ax = fit.curves("base")
        assert "base does not vary within levels of id" in note(ax)
        assert legend(ax) == ["population", "data"]

    def test_levels_left_out_are_said(self, fit: BrmsFit) -> None:
        assert "2 of 3 levels of id" in note(fit.curves("age", max_levels=2))

    def test_the_users_axes(self, fit: BrmsFit) -> None:
        _, axes = plt.subplots(1, 3)
        assert fit.curves("age", ax=axes[0]) is axes[0]
        assert axes[0].get_legend() is not None
        assert list(fit.curves("age", facet=True, ax=axes)) == list(axes)
        assert len(plt.get_fignums()) == 1

    def test_odd_names(self, make_fit: Make) -> None:
        data = DATA.rename(columns={"id": "chain", "age": "time ($)", "y": "_y", "arm": "obs"})
        fit = make_fit("`_y` ~ `time ($)` * obs + (1 | chain)", data)
        ax = fit.curves("time ($)", by="obs")
        assert ax.get_xlabel() == r"time (\$)"
        ax.get_figure().canvas.draw()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"x": "agee"}, "Did you mean 'age'"),
            ({"x": "y"}, "x = 'y' is no predictor"),
            ({"x": "id"}, "only tells groups apart"),
            ({"x": "age", "by": "id"}, "only tells groups apart"),
            ({"x": "age", "by": "age"}, "both 'age'"),
            ({"x": "age", "group": "ID"}, "Did you mean 'id'"),
            ({"x": "arm", "slope": True}, "is a factor"),
            ({"x": "age", "resolution": 1}, "resolution = 1"),
            ({"x": "age", "max_levels": 0}, "max_levels = 0"),
            ({"x": "age", "at": {"arm": "other"}}, "no level 'other'"),
            ({"x": "age", "at": {"z": 1}}, "'z' is not read"),
            ({"x": "age", "dpar": "nu"}, "nu"),
            ({"x": "age", "ndraws": 0}, "ndraws = 0"),
            ({"x": "age", "prob": 1.5}, "prob = 1.5"),
        ],
    )
    def test_bad_arguments(self, fit: BrmsFit, arguments: dict[str, Any], message: str) -> None:
        with pytest.raises(BrmspyError, match=message):
            fit.curves(**arguments)
        assert plt.get_fignums() == []

    def test_no_groups(self, make_fit: Make) -> None:
        fit = make_fit("y ~ age", DATA)
        assert legend(fit.curves("age")) == ["population", "data"]
        with pytest.raises(BrmspyError, match="leave group out"):
            fit.curves("age", group="id")


@pytest.fixture(scope="module")
def growth(make_fit: Make) -> BrmsFit:
    return make_fit(
        bf("y ~ a * age / (b + age)", "a ~ 1 + (1 | id)", "b ~ 1", nl=True),
        DATA,
        values={"b_a_Intercept": (50, 2), "b_b_Intercept": (3, 0.2)},
        prior=[prior("normal(50, 10)", nlpar="a"), prior("normal(3, 1)", nlpar="b")],
    )


class TestGrowth:
    """Non-linear curves: their input, levels, rates and marks."""

    def test_input_is_found(self, growth: BrmsFit, make_fit: Make) -> None:
        pd.testing.assert_frame_equal(growth.curve_table(), growth.curve_table("age"))
        assert growth.curves().get_xlabel() == "age"
        assert make_fit("y ~ age + arm", DATA).curves().get_xlabel() == "age"
        with pytest.raises(BrmspyError, match="x='age' or x='base'"):
            make_fit("y ~ age + base", DATA).curves()
        with pytest.raises(BrmspyError, match="reads no number"):
            make_fit("y ~ arm", DATA).curves()
        two = make_fit(
            bf("y ~ a * age + b * e", "a + b ~ 1", nl=True),
            DATA,
            prior=[prior("normal(0, 1)", nlpar=name) for name in "ab"],
        )
        table = two.curve_table("e", at={"age": 2.0}, resolution=2)
        a, b = draws(two, "b_a_Intercept"), draws(two, "b_b_Intercept")
        np.testing.assert_allclose(table["Estimate"], (2 * a + b * [1.0, 3.0]).mean(axis=0))

    def test_chosen_levels(self, growth: BrmsFit) -> None:
        axes = growth.curves(facet=True, levels=["r", "p"])
        assert [ax.get_title() or ax.get_title(loc="left") for ax in axes] == ["r", "p"]
        table = growth.curve_table(levels="q", resolution=2)
        assert table["id"].dropna().unique().tolist() == ["q"]
        with pytest.raises(BrmspyError, match="'id' has no level 's'"):
            growth.curves(levels=["s"])
        with pytest.raises(BrmspyError, match="say of which, with group="):
            growth.curves(group="NA", levels=["p"])

    def test_ends_of_curves(self, growth: BrmsFit) -> None:
        table = growth.curve_table(xlim=(0, 30), resolution=4)
        for _, own in table.groupby("id", dropna=False):
            assert own["age"].tolist() == [0, 10, 20, 30]
        with pytest.raises(BrmspyError, match=r"xlim = \(3, 3\) is not valid"):
            growth.curves(xlim=(3, 3))

    def test_growth_rate_is_exact(self, growth: BrmsFit) -> None:
        table = growth.curve_table(slope=True, resolution=4, group="NA")
        a, b = draws(growth, "b_a_Intercept"), draws(growth, "b_b_Intercept")
        exact = a * b / (b + table["age"].to_numpy()) ** 2
        np.testing.assert_allclose(table["Estimate"], exact.mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(table["Q97.5"], np.quantile(exact, 0.975, axis=0), rtol=1e-12)

    def test_marks(self, growth: BrmsFit) -> None:
        ax = growth.curves(mark=0.8)
        b = draws(growth, "b_b_Intercept").ravel()
        diamond = next(line for line in ax.lines if line.get_marker() == "D")
        np.testing.assert_allclose(diamond.get_xdata(), (4 * b).mean())
        height = 0.8 * draws(growth, "b_a_Intercept").mean()
        np.testing.assert_allclose(diamond.get_ydata(), height)
        assert "80 % of the asymptote" in legend(ax)
        # The curve goes on to the end of the mark.
        end = np.quantile(4 * b, 0.975)
        assert max(ax.lines[0].get_xdata()) == pytest.approx(end)
        inside = growth.curves(mark=0.5, xlim=(1, 20))
        assert max(inside.lines[0].get_xdata()) == 20

    def test_marks_of_levels(self, growth: BrmsFit) -> None:
        axes = growth.curves(mark=(0.5, 0.8), facet=True)
        for ax, level in zip(axes, "pqr", strict=True):
            diamonds = next(line for line in ax.lines if line.get_marker() == "D")
            own = growth.time_to((0.5, 0.8), levels=[level]).table.iloc[2:]
            np.testing.assert_allclose(diamonds.get_xdata(), own["Estimate"])
            np.testing.assert_allclose(diamonds.get_ydata(), own["value"])
        assert "50 % and 80 % of the asymptote" in legend(axes)

    def test_marks_belong_to_curves_of_the_mean(self, growth: BrmsFit) -> None:
        for option in ({"slope": True}, {"nlpar": "a"}, {"dpar": "sigma"}):
            with pytest.raises(BrmspyError, match="leave slope, dpar and nlpar out"):
                growth.curves("age", mark=0.9, **option)
        with pytest.raises(BrmspyError, match=r"fraction = 2 is not valid"):
            growth.curves(mark=2)
