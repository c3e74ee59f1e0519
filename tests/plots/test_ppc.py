"""Posterior predictive checks: what is drawn, against values by hand, without Stan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import special, stats

from brmspy import BrmsFit
from brmspy.errors import BrmspyError, DataError

pytestmark = pytest.mark.slow  # together: drawing takes time

Make = Callable[..., BrmsFit]

RNG = np.random.default_rng(7)
DATA = pd.DataFrame(
    {
        "y": RNG.normal(0.4, 1.0, 24),
        "count": RNG.poisson(2.0, 24),
        "won": np.tile([True, False, True], 8),
        "n": np.tile([3, 5, 8], 8),
        "x": np.tile(np.arange(8.0), 3),
        "obs": np.repeat(["b", "a", "c"], 8),
        "f": pd.Categorical(np.tile(["low", "high"], 12), ["low", "high"]),
    },
    index=pd.RangeIndex(100, 124),
)
DATA["hits"] = np.minimum(DATA["count"], DATA["n"])


@pytest.fixture(scope="module")
def normal(make_fit: Make) -> BrmsFit:
    return make_fit("y ~ x + f + (1 | obs)", DATA)


@pytest.fixture(scope="module")
def counts(make_fit: Make) -> BrmsFit:
    return make_fit("count ~ 1 + (1 | obs)", DATA, "poisson")


def draws(fit: BrmsFit, **options: Any) -> np.ndarray:
    """Return responses drawn from the model, shape (draw, obs)."""
    found = fit.posterior_predict(**options).to_numpy()
    return found.reshape(-1, found.shape[-1])


def titles(axes: Any) -> list[str]:
    return [ax.get_title(loc="left") for ax in np.ravel(axes)]


def legend(axes: Any) -> list[str]:
    (found,) = np.ravel(axes)[0].get_figure().legends
    return [text.get_text() for text in found.get_texts()]


def note(axes: Any) -> str:
    return str(np.ravel(axes)[0].get_figure().get_supxlabel()).replace("\n", " ")


def heights(ax: Any) -> list[float]:
    return [bar.get_height() for bar in ax.patches]


class TestDefaults:
    def test_numbers(self, normal: BrmsFit) -> None:
        ax = normal.pp_check()
        assert len(ax.collections[0].get_segments()) == 10
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("y", "density")
        assert legend(ax) == ["y, observed", "10 draws"]

    def test_counts(self, counts: BrmsFit) -> None:
        ax = counts.pp_check()
        assert "square-root" in ax.get_ylabel()
        assert legend(ax) == ["count, observed", "mean, 50 % and 95 % intervals of 120 draws"]

    @pytest.mark.parametrize(
        ("formula", "family"), [("won ~ 1", "bernoulli"), ("hits | trials(n) ~ 1", "binomial")]
    )
    def test_bounded_counts(self, make_fit: Make, formula: str, family: str) -> None:
        ax = make_fit(formula, DATA, family).pp_check()
        assert ax.get_ylabel() == "number of rows"
        assert legend(ax)[1].startswith("median")

    @pytest.mark.parametrize("family", ["student", "negbinomial"])
    def test_other_families(self, make_fit: Make, family: str) -> None:
        response = "count" if family == "negbinomial" else "y"
        values = {"nu": (8.0, 0.1)} if family == "student" else None
        assert make_fit(f"{response} ~ x", DATA, family, values).pp_check().get_xlabel() == response

    def test_fewer_draws_than_ten(self, make_fit: Make) -> None:
        fit = make_fit("y ~ x", DATA, chains=1, draws=4)
        assert legend(fit.pp_check()) == ["y, observed", "4 draws"]


def test_ecdf(normal: BrmsFit) -> None:
    ax = normal.pp_check("ecdf_overlay", ndraws=3)
    assert len(ax.lines) == 4
    np.testing.assert_array_equal(ax.lines[0].get_xdata()[1:], np.sort(DATA["y"]))
    np.testing.assert_array_equal(ax.lines[2].get_xdata()[1:], np.sort(draws(normal, ndraws=3)[1]))
    assert legend(ax)[1] == "3 draws"


def test_histograms_hold_all_rows_in_the_same_bins(normal: BrmsFit) -> None:
    axes = normal.pp_check("hist", ndraws=3)
    assert titles(axes) == ["observed", "draw 1", "draw 2", "draw 3"]
    assert [sum(heights(ax)) for ax in axes] == [24, 24, 24, 24]
    assert len({tuple(bar.get_x() for bar in ax.patches) for ax in axes}) == 1
    plt.close("all")
    assert len(normal.pp_check("hist")) == 11


class TestStatistics:
    @pytest.mark.parametrize(
        ("stat", "expected"),
        [
            (None, np.mean),
            ("median", np.median),
            ("sd", lambda v: np.std(v, ddof=1)),
            ("var", lambda v: np.var(v, ddof=1)),
            ("min", np.min),
            ("max", np.max),
            ("q25", lambda v: np.quantile(v, 0.25)),
            ("q75", lambda v: np.quantile(v, 0.75)),
            ("prop_zero", lambda v: np.mean(v == 0)),
            (np.ptp, np.ptp),
        ],
    )
    def test_by_hand(self, counts: BrmsFit, stat: Any, expected: Callable[..., float]) -> None:
        ax = counts.pp_check("stat", stat=stat)
        seen = expected(DATA["count"].to_numpy())
        np.testing.assert_allclose(ax.lines[0].get_xdata(), seen)
        drawn = [expected(row) for row in draws(counts)]
        assert sum(heights(ax)) == 120
        share = np.mean(np.array(drawn) >= seen - 1e-12)
        assert ax.get_title(loc="right") == f"{100 * share:.0f} % of draws at or above"
        name = stat if isinstance(stat, str) else "mean" if stat is None else "ptp"
        assert ax.get_xlabel() == f"{name} of count"

    def test_two(self, normal: BrmsFit) -> None:
        ax = normal.pp_check("stat_2d", stat=("min", "max"))
        found = np.asarray(ax.collections[0].get_offsets())
        expected = draws(normal)
        np.testing.assert_allclose(found, np.column_stack([expected.min(1), expected.max(1)]))
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("min of y", "max of y")
        np.testing.assert_allclose(ax.lines[0].get_xdata(), DATA["y"].min())


class TestIntervals:
    def test_in_the_order_of_the_rows(self, normal: BrmsFit) -> None:
        ax = normal.pp_check("intervals", prob=0.8, prob_outer=0.9)
        expected = np.quantile(draws(normal), [0.5, 0.05, 0.95], axis=0)
        np.testing.assert_allclose(ax.lines[0].get_ydata(), expected[0])
        wide = np.array([part[:, 1] for part in ax.collections[0].get_segments()])
        np.testing.assert_allclose(wide, expected[1:].T)
        seen = np.asarray(ax.collections[2].get_offsets())
        np.testing.assert_allclose(seen, np.column_stack([np.arange(1, 25), DATA["y"]]))
        outside = np.mean((DATA["y"] < expected[1]) | (DATA["y"] > expected[2]))
        assert note(ax) == f"{100 * outside:.0f} % of rows lie outside of the 90 % intervals."
        assert ax.get_xlabel() == "row"

    def test_along_a_number_rows_stand_side_by_side(self, normal: BrmsFit) -> None:
        ax = normal.pp_check("intervals", x="x")
        x = np.asarray(ax.collections[2].get_offsets())[:, 0]
        assert len(np.unique(x)) == 24
        np.testing.assert_array_equal(np.round(x), DATA["x"])
        assert "side by side" in note(ax)

    def test_along_a_factor_and_given_values(self, normal: BrmsFit) -> None:
        ax = normal.pp_check("intervals", x="f")
        assert [label.get_text() for label in ax.get_xticklabels()] == ["low", "high"]
        given = normal.pp_check("intervals", x=pd.Series(np.arange(24.0), name="time"))
        assert given.get_xlabel() == "time"


def test_average_errors(normal: BrmsFit) -> None:
    average = draws(normal).mean(axis=0)
    ax = normal.pp_check("error_scatter_avg")
    found = np.asarray(ax.collections[0].get_offsets())
    np.testing.assert_allclose(found, np.column_stack([DATA["y"] - average, DATA["y"]]))
    along = normal.pp_check("error_scatter_avg_vs_x", x=np.arange(24.0))
    found = np.asarray(along.collections[0].get_offsets())
    np.testing.assert_allclose(found, np.column_stack([np.arange(24.0), DATA["y"] - average]))
    both = normal.pp_check("scatter_avg")
    found = np.asarray(both.collections[0].get_offsets())
    np.testing.assert_allclose(found, np.column_stack([average, DATA["y"]]))


class TestCounts:
    def test_bars(self, counts: BrmsFit) -> None:
        ax = counts.pp_check("bars")
        seen = np.bincount(DATA["count"])
        assert heights(ax)[: len(seen)] == seen.tolist()
        expected = [(draws(counts) == k).sum(axis=1) for k in range(len(seen))]
        found = ax.lines[0].get_ydata()[: len(seen)]
        np.testing.assert_allclose(found, np.median(expected, axis=1))

    def test_rootogram(self, counts: BrmsFit) -> None:
        ax = counts.pp_check("rootogram")
        expected = (draws(counts) == 1).sum(axis=1).mean()
        np.testing.assert_allclose(ax.lines[0].get_ydata()[1], expected)

    def test_two_values_have_the_names_of_the_data(self, make_fit: Make) -> None:
        ax = make_fit("f ~ x", DATA, "bernoulli").pp_check()
        assert [label.get_text() for label in ax.get_xticklabels()] == ["low", "high"]
        assert heights(ax) == [12, 12]
        truth = make_fit("won ~ x", DATA, "bernoulli").pp_check()
        assert [label.get_text() for label in truth.get_xticklabels()] == ["False", "True"]

    def test_many_values_share_bars(self, make_fit: Make) -> None:
        data = pd.DataFrame({"many": np.arange(0, 400, 4)})
        fit = make_fit("many ~ 1", data, "poisson", {"b_Intercept": (5.3, 0.01)})
        ax = fit.pp_check()
        assert len(ax.patches) <= 41
        assert sum(heights(ax)) == 100
        assert "Each bar holds 10 values." in note(ax)


class TestGroups:
    def test_a_panel_for_each_level(self, normal: BrmsFit) -> None:
        axes = normal.pp_check("stat_grouped", group="obs", stat="max")
        assert titles(axes) == ["obs: a", "obs: b", "obs: c"]
        expected = DATA.groupby("obs")["y"].max()
        assert [ax.lines[0].get_xdata()[0] for ax in axes] == expected.tolist()

    @pytest.mark.parametrize(
        "type_",
        [
            "dens_overlay",
            "ecdf_overlay",
            "stat_2d",
            "intervals",
            "error_scatter_avg",
            "scatter_avg",
            "loo_pit",
            "loo_pit_qq",
            "loo_pit_ecdf",
        ],
    )
    def test_every_type(self, normal: BrmsFit, type_: str) -> None:
        assert titles(normal.pp_check(f"{type_}_grouped", group="f")) == ["f: low", "f: high"]

    def test_bars_have_the_same_bins(self, counts: BrmsFit) -> None:
        axes = counts.pp_check("bars", group="obs")
        places = [[bar.get_x() for bar in ax.patches] for ax in axes]
        assert places[0] == places[1] == places[2]
        assert [sum(heights(ax)) for ax in axes] == [8, 8, 8]

    def test_values_that_the_model_does_not_know(self, normal: BrmsFit) -> None:
        half = pd.Series(np.arange(24) < 12, name="first half")
        axes = normal.pp_check(group=half)
        assert titles(axes) == ["first half: False", "first half: True"]

    def test_many_levels(self, make_fit: Make) -> None:
        data = pd.DataFrame({"y": np.arange(90.0), "g": np.repeat(np.arange(30), 3)})
        axes = make_fit("y ~ 1 + (1 | g)", data).pp_check("stat", group="g")
        assert len(axes) == 24
        assert note(axes) == "The first 24 of 30 levels of g."

    def test_a_single_row_is_a_line(self, normal: BrmsFit) -> None:
        alone = np.where(np.arange(24) == 3, "one", "rest")
        axes = normal.pp_check("dens_overlay", group=alone)
        np.testing.assert_allclose(axes[0].lines[0].get_xdata(), DATA["y"].iloc[3])


class TestNewData:
    def test_other_rows(self, normal: BrmsFit) -> None:
        new = DATA.iloc[[3, 1, 2]]
        ax = normal.pp_check("intervals", newdata=new)
        seen = np.asarray(ax.collections[2].get_offsets())[:, 1]
        np.testing.assert_allclose(seen, DATA["y"].iloc[[3, 1, 2]])
        np.testing.assert_allclose(
            ax.lines[0].get_ydata(), np.median(draws(normal, newdata=new), axis=0)
        )

    def test_polars_and_group(self, counts: BrmsFit) -> None:
        new = pl.from_pandas(DATA[["count", "obs"]])
        assert len(counts.pp_check("bars", newdata=new, group="obs")) == 3

    def test_the_response_is_needed(self, normal: BrmsFit) -> None:
        with pytest.raises(DataError, match="no column 'y': pp_check compares"):
            normal.pp_check(newdata=DATA.drop(columns="y"))

    def test_effects_and_seed(self, normal: BrmsFit) -> None:
        ax = normal.pp_check("scatter_avg", re_formula="NA", seed=4)
        expected = draws(normal, re_formula="NA", seed=4).mean(axis=0)
        np.testing.assert_allclose(np.asarray(ax.collections[0].get_offsets())[:, 0], expected)


class TestPit:
    """Transforms against importance sampling by hand: few draws, so weights are not smoothed."""

    def test_normal(self, make_fit: Make) -> None:
        fit = make_fit("y ~ 1", DATA, chains=1, draws=4, approximation=True)
        mean, sigma = (fit[name].to_numpy().reshape(-1, 1) for name in ("b_Intercept", "sigma"))
        y = DATA["y"].to_numpy()
        weights = 1 / stats.norm(mean, sigma).pdf(y)
        expected = np.sum(weights * stats.norm(mean, sigma).cdf(y), axis=0) / weights.sum(axis=0)
        ax = fit.pp_check("loo_pit_qq")
        found = np.asarray(ax.collections[1].get_offsets())[:, 1]
        np.testing.assert_allclose(found, np.sort(expected), atol=0.02)

    def test_counts_are_spread_between_neighbours(self, make_fit: Make) -> None:
        data = pd.DataFrame({"k": stats.poisson(3).rvs(400, random_state=1)})
        fit = make_fit("k ~ 1", data, "poisson", {"b_Intercept": (np.log(3), 0.01)}, draws=500)
        ax = fit.pp_check("loo_pit_qq")
        found = np.asarray(ax.collections[1].get_offsets())[:, 1]
        assert len(np.unique(found)) == 400
        assert stats.kstest(found, "uniform").pvalue > 0.01

    def test_a_wrong_model_leaves_the_envelope(self, make_fit: Make) -> None:
        data = pd.DataFrame({"y": stats.norm(0, 1).rvs(300, random_state=1)})
        for sd, fits in ((1.0, True), (2.0, False)):
            fit = make_fit(
                "y ~ 1", data, values={"b_Intercept": (0, 0.05), "sigma": (sd, 0.04)}, draws=500
            )
            ax = fit.pp_check("loo_pit_ecdf")
            lowest = ax.collections[0].get_paths()[0].vertices
            curve = np.column_stack(ax.lines[1].get_data())
            limit = np.interp(curve[:, 0], *_upper(lowest))
            assert (np.abs(curve[:, 1]) <= limit + 1e-9).all() == fits

    def test_bad_pareto_k_is_said(self, make_fit: Make) -> None:
        data = pd.DataFrame({"y": [*np.linspace(-1, 1, 20), 60.0]})
        values = {"b_Intercept": (0, 0.02), "sigma": (1, 0.02)}
        fit = make_fit("y ~ 1", data, values=values, draws=200)
        assert "Pareto k is above 0.7 for 1 of 21 rows" in note(fit.pp_check("loo_pit"))

    def test_what_has_no_meaning(self, normal: BrmsFit, make_fit: Make) -> None:
        for argument in ({"newdata": DATA}, {"re_formula": "NA"}, {"ndraws": 5}):
            with pytest.raises(BrmspyError, match=f"takes no {next(iter(argument))}"):
                normal.pp_check("loo_pit", **argument)
        only = make_fit("y ~ x", DATA, prior=_proper(), sample_prior="only")
        with pytest.raises(BrmspyError, match="from the prior"):
            only.pp_check("loo_pit")
        assert only.pp_check().get_xlabel() == "y"


def _proper() -> Any:
    from brmspy import prior

    return [prior("normal(0, 1)", class_="b")]


def _upper(vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the upper edge of a filled band."""
    top = vertices[vertices[:, 1] >= 0]
    order = np.argsort(top[:, 0], kind="stable")
    x, y = top[order].T
    distinct = np.unique(x)
    return distinct, np.array([y[x == place].max() for place in distinct])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"type": "dens_overlai"}, "Did you mean 'dens_overlay'"),
        ({"type": "violin"}, "type = 'violin' is not known"),
        ({"type": "stat_grouped"}, "needs group="),
        ({"type": "hist", "group": "obs"}, "takes no group"),
        ({"type": "stat", "stat": "meen"}, "Did you mean 'mean'"),
        ({"type": "stat", "stat": ("mean", "sd")}, 'see "stat_2d"'),
        ({"type": "stat_2d", "stat": "mean"}, "two statistics"),
        ({"type": "intervals", "stat": "mean"}, "takes no stat"),
        ({"type": "dens_overlay", "x": "x"}, "takes no x"),
        ({"type": "error_scatter_avg_vs_x"}, "needs x="),
        ({"type": "intervals", "x": "z"}, "x = 'z' is no column"),
        ({"type": "intervals", "x": [1, 2]}, "x has 2 values for 24 rows"),
        ({"group": "ob"}, "Did you mean 'obs'"),
        ({"group": [None] * 24}, "missing values"),
        ({"type": "bars"}, "counts whole numbers"),
        ({"type": "rootogram"}, "counts whole numbers"),
        ({"ndraws": 0}, "ndraws = 0 is not valid"),
        ({"ndraws": 10_000}, "from 1 to 120"),
        ({"seed": -1}, "seed = -1"),
        ({"prob": 0.99}, "larger than prob_outer"),
        ({"re_formula": "~ (1 | g)"}, "no group-level effects of 'g'"),
        ({"ax": "here"}, "is a str"),
    ],
)
def test_bad_arguments(normal: BrmsFit, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(BrmspyError, match=message):
        normal.pp_check(**arguments)
    assert plt.get_fignums() == []


def test_weights_do_not_change_the_transform(make_fit: Make) -> None:
    data = DATA.assign(w=2.0)
    fit = make_fit("y | weights(w) ~ 1", data, chains=1, draws=3, approximation=True)
    mean, sigma = (fit[name].to_numpy().reshape(-1, 1) for name in ("b_Intercept", "sigma"))
    y = data["y"].to_numpy()
    weights = special.softmax(-2 * stats.norm(mean, sigma).logpdf(y), axis=0)
    expected = np.sum(weights * stats.norm(mean, sigma).cdf(y), axis=0)
    found = np.asarray(fit.pp_check("loo_pit_qq").collections[1].get_offsets())[:, 1]
    np.testing.assert_allclose(found, np.sort(expected), atol=0.03)
