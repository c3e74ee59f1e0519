"""Pictures of parameters: what is drawn of which, without Stan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from scipy import stats

import brmspy
from brmspy import BrmsFit, prior
from brmspy.errors import BrmspyError

pytestmark = pytest.mark.slow  # together: drawing takes time

Make = Callable[..., BrmsFit]

DATA = pd.DataFrame(
    {
        "y": [1.0, 3.0, 2.0, 5.0, 4.0, 6.0, 3.0, 1.0],
        "x 1": [0.5, 0.1, 0.9, 0.4, 0.2, 0.7, 0.3, 0.6],
        "chain": list("uvuvuvuv"),
        "cost ($)": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 9.0],
    }
)
FORMULA = "y ~ `x 1` + (`x 1` | chain)"
NAMES = [
    "b_Intercept",
    "b_x1",
    "sd_chain__Intercept",
    "sd_chain__x1",
    "cor_chain__Intercept__x1",
    "sigma",
]


@pytest.fixture(scope="module")
def fit(make_fit: Make) -> BrmsFit:
    return make_fit(FORMULA, DATA, diverging=5)


def titles(axes: Any) -> list[str]:
    return [ax.get_title(loc="left") for ax in np.ravel(axes)]


def note(axes: Any) -> str:
    """Return the small text below a figure, on one line."""
    return str(np.ravel(axes)[0].get_figure().get_supxlabel()).replace("\n", " ")


def legend(axes: Any) -> list[str]:
    """Return the words of a figure's legend."""
    (found,) = np.ravel(axes)[0].get_figure().legends
    return [text.get_text() for text in found.get_texts()]


@pytest.mark.parametrize(
    "name",
    [
        "plot",
        "plot_trace",
        "plot_rank",
        "plot_intervals",
        "plot_pairs",
        "plot_prior",
        "plot_groups",
        "mcmc_plot",
        "pp_check",
    ],
)
def test_pictures_leave_nothing_behind(fit: BrmsFit, name: str) -> None:
    before = dict(mpl.rcParams)
    axes = np.ravel(getattr(fit, name)())
    assert dict(mpl.rcParams) == before
    assert all(isinstance(ax, Axes) for ax in axes)
    assert len(plt.get_fignums()) == 1
    assert getattr(brmspy, name) is getattr(BrmsFit, name)


def test_an_error_leaves_no_figure(fit: BrmsFit) -> None:
    with pytest.raises(BrmspyError, match="Did you mean 'b_x1'"):
        fit.plot_trace("b_x")
    with pytest.raises(BrmspyError, match="ax= must be 2"):
        fit.plot_rank("b", ax=np.empty(3))
    assert plt.get_fignums() == []


class TestTrace:
    def test_a_row_for_each_parameter(self, fit: BrmsFit) -> None:
        axes = fit.plot_trace()
        assert axes.shape == (6, 2)
        assert titles(axes[:, 0]) == NAMES
        for row, name in zip(axes, NAMES, strict=True):
            chains = fit[name].to_numpy()
            for line, chain in zip(row[1].lines, chains, strict=False):
                np.testing.assert_array_equal(line.get_ydata(), chain)
        assert legend(axes) == ["chain 1", "chain 2", "divergent"]

    def test_divergences_are_marked_where_they_happened(self, fit: BrmsFit) -> None:
        ((ax,),) = fit.plot_trace("sigma", combo="trace")
        np.testing.assert_array_equal(ax.lines[-1].get_xdata(), [1, 2, 3, 4, 5])

    def test_densities_end_at_bounds(self, make_fit: Make) -> None:
        fit = make_fit(
            FORMULA,
            DATA,
            values={"cor_chain__Intercept__x1": (0.9, 0.03), "sigma": (0.5, 0.1)},
            prior=[prior("normal(0, 1)", class_="sigma")],
        )
        (first,), (second,) = fit.plot_trace(["cor_chain", "sigma"], combo="dens")
        for line in first.lines:
            assert max(line.get_xdata()) <= 1
        for line in second.lines:
            assert min(line.get_xdata()) >= 0

    def test_names_variables_and_lp(self, fit: BrmsFit) -> None:
        axes = fit.plot_trace(["r_chain", "lp__", "b", "b_x1"], combo=["rank", "dens", "trace"])
        assert axes.shape == (4 + 1 + 2, 3)
        assert titles(axes[4:, 0]) == ["lp__", "b_Intercept", "b_x1"]

    def test_many_parameters(self, make_fit: Make) -> None:
        data = DATA.assign(**{f"z{i}": np.arange(8.0) ** (i + 1) for i in range(15)})
        fit = make_fit("y ~ " + " + ".join(f"z{i}" for i in range(15)), data)
        axes = fit.plot()
        assert axes.shape == (12, 2)
        assert note(axes) == "12 of 17 parameters: choose others with variables=."
        plt.close("all")
        assert fit.plot("b").shape == (16, 2)

    def test_an_approximation_has_no_chains(self, make_fit: Make) -> None:
        fit = make_fit(FORMULA, DATA, chains=1, approximation=True)
        assert fit.plot().shape == (6, 1)
        with pytest.raises(BrmspyError, match="Laplace approximation are independent"):
            fit.plot(combo=("dens", "trace"))
        with pytest.raises(BrmspyError, match="Laplace approximation are independent"):
            fit.plot_rank()

    def test_bad_arguments(self, fit: BrmsFit, make_fit: Make) -> None:
        with pytest.raises(BrmspyError, match="Did you mean 'trace'"):
            fit.plot_trace(combo="traces")
        with pytest.raises(BrmspyError, match="combo is empty"):
            fit.plot_trace(combo=[])
        with pytest.raises(BrmspyError, match="no parameters to show"):
            fit.plot_trace([])
        with pytest.raises(BrmspyError, match="one only"):
            make_fit(FORMULA, DATA, chains=1).plot_rank()


def test_ranks_add_up(fit: BrmsFit) -> None:
    axes = fit.plot_rank(["b_x1", "sigma"])
    assert titles(axes) == ["b_x1", "sigma"]
    for ax, name in zip(axes, ["b_x1", "sigma"], strict=True):
        heights = [step.get_data().values for step in ax.patches]
        assert [sum(part) for part in heights] == [60, 60]
        # Both chains together have all ranks: six of 120 in each of 20 bins.
        np.testing.assert_array_equal(np.sum(heights, axis=0), 6)
        order = np.argsort(np.argsort(fit[name].to_numpy().ravel()))
        low = (order[:60] < 60).sum()
        assert heights[0][:10].sum() == low


class TestIntervals:
    def test_quantiles_by_hand(self, fit: BrmsFit) -> None:
        ax = fit.plot_intervals("b_x1", prob=0.8, prob_outer=0.9, point_est="mean")
        draws = fit["b_x1"].to_numpy()
        wide, narrow = (lines.get_segments()[0][:, 0] for lines in ax.collections)
        np.testing.assert_allclose(wide, np.quantile(draws, [0.05, 0.95]))
        np.testing.assert_allclose(narrow, np.quantile(draws, [0.1, 0.9]))
        np.testing.assert_allclose(ax.lines[0].get_xdata(), draws.mean())
        assert legend(ax) == ["mean, 80 % and 90 % intervals"]

    def test_kinds_have_their_own_scale(self, fit: BrmsFit) -> None:
        axes = fit.plot_intervals()
        names = [[label.get_text() for label in ax.get_yticklabels()] for ax in axes]
        assert names == [NAMES[:1], NAMES[1:2], NAMES[2:4], NAMES[4:5], NAMES[5:]]

    def test_the_users_axes_show_all(self, fit: BrmsFit) -> None:
        _, ax = plt.subplots()
        assert fit.plot_intervals(ax=ax) is ax
        assert [label.get_text() for label in ax.get_yticklabels()] == NAMES

    def test_sixty_at_most(self, make_fit: Make) -> None:
        data = pd.DataFrame({"y": np.arange(160.0), "g": np.repeat(np.arange(80), 2)})
        fit = make_fit("y ~ 1 + (1 | g)", data)
        ax = fit.plot_intervals("r_g")
        assert len(ax.get_yticklabels()) == 60
        assert note(ax).startswith("60 of 80 parameters")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"prob": 0}, "prob = 0 is not valid"),
            ({"prob_outer": 95}, "prob_outer = 95 is not valid"),
            ({"prob": 0.99}, "larger than prob_outer"),
            ({"point_est": "mode"}, "'median' or 'mean'"),
        ],
    )
    def test_bad_arguments(self, fit: BrmsFit, arguments: dict[str, Any], message: str) -> None:
        with pytest.raises(BrmspyError, match=message):
            fit.plot_intervals(**arguments)


def test_mcmc_plot_calls_by_brms_names(fit: BrmsFit) -> None:
    assert fit.mcmc_plot("trace", "b").shape == (2, 1)
    assert fit.mcmc_plot("combo", "b").shape == (2, 2)
    assert fit.mcmc_plot("dens_overlay", "b").shape == (2, 1)
    assert fit.mcmc_plot("pairs", "b").shape == (2, 2)
    assert titles(fit.mcmc_plot("rank_overlay", "sigma")) == ["sigma"]
    assert legend(fit.mcmc_plot(variables="sigma", prob=0.2)) == ["median, 20 % and 95 % intervals"]
    with pytest.raises(BrmspyError, match="Did you mean 'rank_overlay'"):
        fit.mcmc_plot("rank_hist_overlay")


class TestPairs:
    def test_points_correlations_and_divergences(self, fit: BrmsFit) -> None:
        axes = fit.plot_pairs(["b_x1", "sigma", "sd_chain"])
        assert axes.shape == (4, 4)
        x, y = (fit[name].to_numpy().ravel() for name in ("b_x1", "sigma"))
        good, bad = (np.asarray(part.get_offsets()) for part in axes[1, 0].collections)
        np.testing.assert_array_equal(good, np.column_stack([x, y])[5:])
        np.testing.assert_array_equal(bad, np.column_stack([x, y])[:5])
        expected = f"{np.corrcoef(x, y)[0, 1]:.2f}".replace("-", "−")
        assert axes[0, 1].texts[0].get_text() == expected
        assert legend(axes) == ["divergent transitions (5)"]
        assert axes[1, 0].get_xlim() == axes[0, 0].get_xlim() == axes[3, 0].get_xlim()
        assert axes[-1, 1].get_xlabel() == "sigma"

    def test_a_thousand_points_are_enough(self, make_fit: Make) -> None:
        fit = make_fit("y ~ `x 1`", DATA, draws=1000)
        axes = fit.plot_pairs()
        assert len(axes[1, 0].collections[0].get_offsets()) == 1000
        assert note(axes) == "1000 of 2000 draws without divergence are shown."
        assert axes[0, 0].get_figure().legends == []

    def test_a_constant(self, make_fit: Make) -> None:
        fit = make_fit("y ~ `x 1`", DATA, values={"sigma": (2.0, 0.0)})
        axes = fit.plot_pairs(["b_x1", "sigma"])
        assert axes[0, 1].texts[0].get_text() == "constant"
        axes[0, 0].get_figure().canvas.draw()

    def test_one_makes_no_pair(self, fit: BrmsFit) -> None:
        with pytest.raises(BrmspyError, match="'sigma' alone makes no pair"):
            fit.plot_pairs("sigma")


def curve(ax: Axes, place: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a line of a panel without the drops at its ends."""
    x, y = (np.asarray(part, dtype=float) for part in ax.lines[place].get_data())
    keep = y > 0
    return x[keep], y[keep]


class TestPrior:
    def test_truncated_prior_in_closed_form(self, make_fit: Make) -> None:
        fit = make_fit("y ~ `x 1`", DATA, prior=[prior("normal(1, 2)", class_="sigma")])
        ax = fit.plot_prior("sigma")
        x, density = curve(ax, 1)
        mass = stats.norm(1, 2).sf(0)
        np.testing.assert_allclose(density, stats.norm(1, 2).pdf(x) / mass)
        assert x[0] == 0  # the drop at the bound
        assert ax.lines[1].get_ydata()[0] == 0
        assert ax.get_xlabel() == "prior: normal(1, 2)"
        assert legend(ax) == ["prior", "posterior"]

    def test_bounds_of_the_user(self, make_fit: Make) -> None:
        fit = make_fit(
            "y ~ `x 1`", DATA, prior=[prior("normal(0, 1)", class_="b", lb=-0.5, ub=1.0)]
        )
        x, density = curve(fit.plot_prior("b_x1"), 1)
        np.testing.assert_allclose(density, stats.truncnorm(-0.5, 1.0).pdf(x), rtol=1e-6)
        assert (x[0], x[-1]) == (-0.5, 1.0)

    def test_a_flat_prior_has_no_curve(self, fit: BrmsFit) -> None:
        ax = fit.plot_prior("b_x1")
        assert len(ax.lines) == 1
        assert ax.get_xlabel() == "prior: flat"
        assert legend(ax) == ["posterior"]

    def test_the_intercept_is_compared_where_its_prior_stands(self, fit: BrmsFit) -> None:
        ax = fit.plot_prior("b_Intercept")
        assert titles(ax) == ["b_Intercept\nat the columns' means"]
        centred = fit["b_Intercept"] + fit["b_x1"] * DATA["x 1"].mean()
        x, density = curve(ax, 0)
        mean = np.sum(x * density) / np.sum(density)
        assert mean == pytest.approx(float(centred.mean()), abs=0.01)
        x, density = curve(ax, 1)
        location, scale = 3.0, 2.5  # of the default: median of y, and the least scale
        np.testing.assert_allclose(density, stats.t(3, location, scale).pdf(x), rtol=1e-9)

    def test_an_intercept_alone_or_not_centred(self, make_fit: Make) -> None:
        alone = make_fit("y ~ 1", DATA).plot_prior("b_Intercept")
        assert titles(alone) == ["b_Intercept"]
        assert alone.get_xlabel() == "prior: student_t(3, 3, 2.5)"
        free = make_fit("y ~ 0 + Intercept + `x 1`", DATA).plot_prior("b_Intercept")
        assert titles(free) == ["b_Intercept"]
        assert free.get_xlabel() == "prior: flat"

    @pytest.mark.parametrize(("eta", "count"), [(1.0, 2), (3.0, 2), (2.0, 3)])
    def test_correlations_have_a_beta_distribution(
        self, make_fit: Make, eta: float, count: int
    ) -> None:
        data = DATA.assign(z=DATA["y"] ** 2)
        formula = "y ~ 1 + (`x 1` | chain)" if count == 2 else "y ~ 1 + (`x 1` + z | chain)"
        fit = make_fit(formula, data, prior=[prior(f"lkj({eta})", class_="cor")])
        name = "cor_chain__x1__z" if count == 3 else "cor_chain__Intercept__x1"
        x, density = curve(fit.plot_prior(name), 1)
        shape = eta - 1 + count / 2
        expected = stats.beta(shape, shape).pdf((x + 1) / 2) / 2
        np.testing.assert_allclose(density, expected, rtol=1e-9)

    def test_a_constant(self, make_fit: Make) -> None:
        fit = make_fit(
            "y ~ `x 1`",
            DATA,
            values={"sigma": (2.0, 0.0)},
            prior=[prior("constant(2)", class_="sigma")],
        )
        ax = fit.plot_prior("sigma")
        assert ax.get_xlabel() == "prior: constant(2)"
        np.testing.assert_array_equal(ax.lines[0].get_xdata(), [2, 2])

    def test_draws_of_the_prior_are_called_so(self, make_fit: Make) -> None:
        fit = make_fit(
            "y ~ `x 1`", DATA, prior=[prior("normal(0, 1)", class_="b")], sample_prior="only"
        )
        assert legend(fit.plot_prior("b_x1")) == ["prior", "draws from the prior"]

    def test_distributional_and_nonlinear_parameters(self, make_fit: Make) -> None:
        spread = make_fit(brmspy.bf("y ~ 1", "sigma ~ `x 1`"), DATA)
        axes = spread.plot_prior("b_sigma")
        assert titles(axes) == ["b_sigma_Intercept\nat the columns' means", "b_sigma_x1"]
        curves = make_fit(
            brmspy.bf("y ~ a * exp(-k * `x 1`)", "a + k ~ 1", nl=True),
            DATA,
            prior=[prior("normal(1, 1)", nlpar="a"), prior("normal(0, 3)", nlpar="k", lb=0)],
        )
        axes = curves.plot_prior(["b_a", "b_k"])
        x, density = curve(axes[1], 1)
        np.testing.assert_allclose(density, stats.halfnorm(scale=3).pdf(x), rtol=1e-9)

    def test_effects_of_levels_have_none(self, fit: BrmsFit) -> None:
        with pytest.raises(BrmspyError, match="no prior of its own"):
            fit.plot_prior("r_chain")


def test_dollar_signs_are_not_mathematics(make_fit: Make) -> None:
    fit = make_fit("y ~ `cost ($)`", DATA.assign(y=DATA["y"]))
    for axes in (fit.plot("b"), fit.plot_pairs("b"), fit.plot_prior("b"), fit.plot_intervals("b")):
        np.ravel(axes)[0].get_figure().canvas.draw()
