"""Forests of group-level effects: order, arrows, counts, without Stan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special

from brmspy import BrmsFit, bf, prior
from brmspy.errors import BrmspyError
from brmspy.plots.own import own_estimates

pytestmark = pytest.mark.slow  # together: drawing takes time

Make = Callable[..., BrmsFit]

RNG = np.random.default_rng(11)
ROWS = np.repeat(["a", "b", "c", "d"], [3, 4, 5, 6])
DATA = pd.DataFrame({"g h": ROWS, "x": RNG.normal(size=18), "n": RNG.integers(3, 9, 18)})
DATA["y"] = 2.0 + DATA["x"] + RNG.normal(size=18)
DATA["k"] = np.minimum(RNG.poisson(2.0, 18) + 1, DATA["n"] - 1)


def labels(ax: Any) -> list[str]:
    return [label.get_text() for label in ax.get_yticklabels()]


def note(axes: Any) -> str:
    return str(np.ravel(axes)[0].get_figure().get_supxlabel()).replace("\n", " ")


def effect(level: str, coef: str = "Intercept") -> str:
    return f"r_g h[{level},{coef}]"


class TestOwnEstimates:
    """What a level's rows say alone, against other ways to compute it."""

    def test_means_of_groups(self, make_fit: Make) -> None:
        fit = make_fit("y ~ 1 + (1 | `g h`)", DATA)
        found = own_estimates(fit, "g h")[:, 0] + float(fit["b_Intercept"].mean())
        np.testing.assert_allclose(found, DATA.groupby("g h")["y"].mean(), rtol=1e-6)

    @pytest.mark.parametrize("sd", [1e-7, 1.0, 1e5])
    def test_regressions_in_groups_whatever_the_standard_deviation(
        self, make_fit: Make, sd: float
    ) -> None:
        values = {f"sd_g h__{coef}": (sd, 0.0) for coef in ("Intercept", "x")}
        fit = make_fit("y ~ x + (x | `g h`)", DATA, values=values)
        shared = [float(fit[name].mean()) for name in ("b_Intercept", "b_x")]
        for found, (_, rows) in zip(own_estimates(fit, "g h"), DATA.groupby("g h"), strict=True):
            slope, intercept = np.polyfit(rows["x"], rows["y"], 1)
            np.testing.assert_allclose(found + shared, [intercept, slope], rtol=1e-5)

    def test_log_odds_of_groups_with_weights(self, make_fit: Make) -> None:
        data = DATA.assign(w=np.tile([1.0, 2.0], 9))
        fit = make_fit("k | trials(n) + weights(w) ~ 1 + (1 | `g h`)", data, "binomial")
        found = own_estimates(fit, "g h")[:, 0] + float(fit["b_Intercept"].mean())
        for value, (_, rows) in zip(found, data.groupby("g h"), strict=True):
            share = (rows["k"] * rows["w"]).sum() / (rows["n"] * rows["w"]).sum()
            assert value == pytest.approx(special.logit(share), rel=1e-5)

    def test_other_groups_and_offsets_stay(self, make_fit: Make) -> None:
        data = DATA.assign(h=np.tile(["u", "v"], 9), e=np.log(np.arange(1.0, 19.0)))
        fit = make_fit("k ~ offset(e) + (1 | `g h`) + (1 | h)", data, "poisson")
        shared = float(fit["b_Intercept"].mean())
        other = np.tile([float(fit[f"r_h[{level},Intercept]"].mean()) for level in "uv"], 9)
        found = own_estimates(fit, "g h")[:, 0]
        exposure = np.exp(data["e"] + shared + other)
        for value, level in zip(found, "abcd", strict=True):
            rows = data["g h"] == level
            expected = np.log(data["k"][rows].sum() / exposure[rows].sum())
            assert value == pytest.approx(expected, rel=1e-5)

    def test_spread_of_groups(self, make_fit: Make) -> None:
        fit = make_fit(bf("y ~ 1", "sigma ~ 1 + (1 | `g h`)"), DATA)
        mean = float(fit["b_Intercept"].mean())
        found = own_estimates(fit, "g h")[:, 0] + float(fit["b_sigma_Intercept"].mean())
        expected = [
            0.5 * np.log(np.mean((rows["y"] - mean) ** 2)) for _, rows in DATA.groupby("g h")
        ]
        np.testing.assert_allclose(found, expected, rtol=1e-5)

    def test_nonlinear_parameters(self, make_fit: Make) -> None:
        formula = bf("y ~ a * exp(r * x)", "a ~ 1", "r ~ 1 + (1 | `g h`)", nl=True)
        priors = [prior("normal(1, 1)", nlpar=name) for name in "ar"]
        fit = make_fit(formula, DATA, prior=priors, values={"b_a_Intercept": (2.0, 0.0)})
        shared = float(fit["b_r_Intercept"].mean())
        for value, (_, rows) in zip(
            own_estimates(fit, "g h")[:, 0], DATA.groupby("g h"), strict=True
        ):
            best = optimize.minimize_scalar(
                lambda k, d=rows: np.sum((d["y"] - 2 * np.exp(k * d["x"])) ** 2),
                bracket=(0, 0.5),
            )
            assert value + shared == pytest.approx(best.x, abs=1e-4)

    def test_what_the_rows_do_not_say(self, make_fit: Make) -> None:
        data = DATA.assign(won=np.where(ROWS == "a", 1, np.arange(18) % 2))
        found = own_estimates(make_fit("won ~ 1 + (1 | `g h`)", data, "bernoulli"), "g h")[:, 0]
        assert np.isnan(found).tolist() == [True, False, False, False]
        one_row = DATA.iloc[[0, *range(3, 18)]]  # no slope from a single row
        found = own_estimates(make_fit("y ~ x + (x | `g h`)", one_row), "g h")
        assert np.isnan(found).all(axis=1).tolist() == [True, False, False, False]
        assert np.isfinite(found[1:]).all()


@pytest.fixture(scope="module")
def fit(make_fit: Make) -> BrmsFit:
    means = dict(zip("abcd", (0.0, 3.0, -2.0, 1.0), strict=True))
    values = {effect(level): (mean, 0.2) for level, mean in means.items()}
    return make_fit("y ~ x + (x | `g h`)", DATA, values=values)


class TestForest:
    def test_sorted_with_intervals(self, fit: BrmsFit) -> None:
        ax = fit.plot_groups(coef="Intercept", prob_outer=0.9)
        assert labels(ax) == ["b", "d", "a", "c"]
        total = fit["b_Intercept"] + fit[effect("b")]
        assert ax.lines[0].get_xdata()[0] == pytest.approx(float(total.mean()))
        np.testing.assert_allclose(
            ax.collections[0].get_segments()[0][:, 0], np.quantile(total, [0.05, 0.95])
        )
        np.testing.assert_allclose(ax.lines[1].get_xdata(), float(fit["b_Intercept"].mean()))
        assert ax.get_title(loc="left") == "g h"
        assert ax.get_xlabel() == "Intercept"
        unsorted = fit.plot_groups("g h", "Intercept", sort=False)
        assert labels(unsorted) == ["a", "b", "c", "d"]

    def test_arrows_lead_to_the_estimates(self, fit: BrmsFit) -> None:
        ax = fit.plot_groups(coef="x", sort=False)
        arrows = [patch.get_path().vertices for patch in ax.patches]
        own = own_estimates(fit, "g h")[:, 1] + float(fit["b_x"].mean())
        assert len(arrows) == 4
        np.testing.assert_allclose(ax.lines[2].get_xdata(), own)
        for patch, start, level in zip(ax.patches, own, "abcd", strict=True):
            end = float((fit["b_x"] + fit[effect(level, "x")]).mean())
            assert [place[0] for place in patch._posA_posB] == pytest.approx([start, end])
        assert not fit.plot_groups(coef="x", raw=False).patches

    def test_rows_are_counted(self, fit: BrmsFit) -> None:
        ax = fit.plot_groups(coef="x", sort=False)
        assert [text.get_text() for text in ax.texts] == ["3", "4", "5", "6", "rows"]

    def test_all_groups_and_coefficients(self, make_fit: Make) -> None:
        data = DATA.assign(h=np.tile(["u", "v"], 9))
        fit = make_fit(bf("k ~ (x | `g h`) + (1 | h)"), data, "poisson")
        axes = fit.plot_groups()
        assert [ax.get_title(loc="left") for ax in axes] == ["g h", "g h", "h"]
        assert [ax.get_xlabel() for ax in axes] == [
            "Intercept (log scale)",
            "x (log scale)",
            "Intercept (log scale)",
        ]
        # x has no coefficient in the population: its effects vary around zero.
        np.testing.assert_array_equal(axes[1].lines[1].get_xdata(), [0, 0])

    def test_other_parameters_have_their_name_in_front(self, make_fit: Make) -> None:
        fit = make_fit(bf("y ~ 1", "sigma ~ 1 + (1 | `g h`)"), DATA)
        assert fit.plot_groups(coef="sigma_Intercept").get_xlabel() == "sigma_Intercept (log scale)"

    def test_many_levels(self, make_fit: Make) -> None:
        data = pd.DataFrame({"y": np.arange(150.0), "g": np.repeat(np.arange(75), 2)})
        values = {f"r_g[{level},Intercept]": (float(level), 0.0) for level in range(75)}
        fit = make_fit("y ~ 1 + (1 | g)", data, values=values)
        ax = fit.plot_groups(max_levels=5)
        assert labels(ax) == ["74", "73", "72", "1", "0"]
        assert note(ax) == "g: the 2 lowest and 3 highest of 75 levels."

    def test_levels_without_an_arrow_are_said(self, make_fit: Make) -> None:
        data = DATA.assign(won=np.where(ROWS == "a", 1, np.arange(18) % 2))
        fit = make_fit("won ~ 1 + (1 | `g h`)", data, "bernoulli")
        ax = fit.plot_groups()
        assert len(ax.patches) == 3
        assert note(ax).startswith("g h: no arrow for 1 level whose rows alone")

    def test_draws_of_the_prior_have_no_arrows(self, make_fit: Make) -> None:
        fit = make_fit("y ~ 1 + (1 | `g h`)", DATA, sample_prior="only")
        assert not fit.plot_groups().patches

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"group": "gh"}, "Did you mean 'g h'"),
            ({"coef": "y"}, "no coefficient 'y' that varies by any group"),
            ({"group": "g h", "coef": ["x", "X"]}, "Did you mean 'x'"),
            ({"coef": []}, "coef is empty"),
            ({"max_levels": 1}, "max_levels = 1"),
            ({"prob": 2}, "prob = 2"),
        ],
    )
    def test_bad_arguments(self, fit: BrmsFit, arguments: dict[str, Any], message: str) -> None:
        with pytest.raises(BrmspyError, match=message):
            fit.plot_groups(**arguments)

    def test_no_groups(self, make_fit: Make) -> None:
        with pytest.raises(BrmspyError, match="no group-level effects"):
            make_fit("y ~ x", DATA).plot_groups()
