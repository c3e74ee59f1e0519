"""Both worlds side by side: the table, the words, shrinkage, and pictures."""

from __future__ import annotations

import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from brmspy import bf, compare_frequentist, frequentist, load_dataset, prior
from brmspy.errors import BrmspyError

RNG = np.random.default_rng(7)
N = 120
X = RNG.normal(size=N)
G = np.arange(N) % 8
DATA = pd.DataFrame(
    {
        "y": 1.0 + 2.0 * X + RNG.normal(size=8)[G] + 0.5 * RNG.normal(size=N),
        "x": X,
        "my group": G.astype(str),
        "b": (RNG.uniform(size=N) < 1 / (1 + np.exp(-X - RNG.normal(size=8)[G]))).astype(int),
    }
)
FORMULA = "y ~ x + (1 | `my group`)"


def around(*centres, sd=0.1, chains=2, length=400, skew=False):
    """Return draws (chain, draw, n) with these means."""
    noise = RNG.normal(size=(chains, length, len(centres)))
    if skew:
        noise = RNG.exponential(size=noise.shape) - 1.0
    return np.asarray(centres) + sd * noise


@pytest.fixture(scope="module")
def estimates():
    return frequentist(FORMULA, DATA).table["Estimate"]


def fit_at(made_fit, estimates, **changes):
    """Return a fit whose posterior means are the estimates, but for some."""
    b, se = [estimates["b_Intercept"], estimates["b_x"]], 0.05
    values = {
        "b": around(*b, sd=se),
        "sd_my group": around(estimates["sd_my group__Intercept"], sd=0.05),
        "sigma": around(estimates["sigma"], sd=0.02)[..., 0],
    }
    options = changes.pop("options", {})
    return made_fit(FORMULA, DATA, draws={**values, **changes}, length=400, **options)


class TestTable:
    def test_holds_what_both_say(self, made_fit, estimates):
        fit = fit_at(made_fit, estimates)
        found = compare_frequentist(fit, prob=0.9)
        assert list(found.table.columns) == [
            "Estimate",
            "Mean",
            "Median",
            "Std.Error",
            "SD",
            "l-90% CI",
            "u-90% CI",
            "Q5",
            "Q95",
            "Difference",
        ]
        row = found.table.loc["b_x"]
        draws = fit["b_x"].to_numpy()
        assert row["Mean"] == pytest.approx(draws.mean())
        assert row["SD"] == pytest.approx(draws.std(ddof=1))
        assert [row["Q5"], row["Q95"]] == pytest.approx(np.quantile(draws, [0.05, 0.95]))
        expected = (draws.mean() - row["Estimate"]) / row["Std.Error"]
        assert row["Difference"] == pytest.approx(expected)
        assert [row["l-90% CI"], row["u-90% CI"]] == pytest.approx(
            row["Estimate"] + np.array([-1, 1]) * 1.644854 * row["Std.Error"]
        )

    def test_names_are_those_of_the_summary(self, made_fit):
        fit = made_fit(FORMULA, DATA)
        found = fit.compare_frequentist()
        assert list(found.table.index) == list(fit.summary().index)
        assert found.missing == found.unmatched == ()

    def test_text_and_html_say_the_same(self, made_fit):
        found = made_fit(FORMULA, DATA).compare_frequentist()
        text, html = repr(found), found._repr_html_()
        assert str(found) == text
        for name in found.table.index:
            assert name in text
            assert name in html
        for note in found.notes:
            assert note.split(":")[0] in text.replace("\n", " ")

    def test_arguments_are_passed_on(self, made_fit):
        fit = made_fit(FORMULA, DATA)
        assert fit.compare_frequentist().frequentist.reml
        assert not fit.compare_frequentist(reml=False).frequentist.reml
        assert fit.compare_frequentist(method="gee").frequentist.method == "gee"
        with pytest.raises(BrmspyError, match="prob"):
            fit.compare_frequentist(prob=1.5)

    def test_prior_draws_are_refused(self, made_fit):
        proper = [prior("normal(0, 1)", class_="b")]
        fit = made_fit("y ~ x", DATA, prior=proper, sample_prior="only")
        with pytest.raises(BrmspyError, match="from the prior"):
            fit.compare_frequentist()


class TestReasons:
    def notes(self, fit, **options):
        return " ".join(fit.compare_frequentist(**options).notes)

    def test_no_difference(self, made_fit, estimates):
        text = self.notes(fit_at(made_fit, estimates))
        assert "None of the 4 parameters differs by more than half a standard error" in text
        assert "ignores all priors" in text

    def test_prior_that_pulls(self, made_fit, estimates):
        """A normal prior and a normal likelihood: the posterior mean is known."""
        error = frequentist(FORMULA, DATA).table.loc["b_x", "Std.Error"]
        scale = 0.2
        weight = error**-2 / (error**-2 + scale**-2)
        mean = weight * estimates["b_x"]
        fit = fit_at(
            made_fit,
            estimates,
            b=around(estimates["b_Intercept"], mean, sd=error * np.sqrt(weight)),
            options={"prior": prior(f"normal(0, {scale})", coef="x", class_="b")},
        )
        text = self.notes(fit)
        found = re.search(
            r"b_x: the posterior mean is ([\d.]+) standard errors below the estimate\. Its prior, "
            r"normal\(0, 0\.2\), pulls it there: alone by about ([\d.]+) standard errors",
            text,
        )
        assert found is not None
        sizes = [float(size) for size in found.groups()]
        assert sizes == pytest.approx([(estimates["b_x"] - mean) / error] * 2, abs=0.15)

    def test_spreads_that_make_up_for_a_prior(self, made_fit, estimates):
        fit = fit_at(
            made_fit,
            estimates,
            b=around(estimates["b_Intercept"], 0.0, sd=0.05),
            sigma=around(2.0, sd=0.05)[..., 0],
            options={"prior": prior("normal(0, 0.05)", coef="x", class_="b")},
        )
        assert "It makes up for b_x, which priors hold away from the estimate." in self.notes(fit)

    def test_prior_far_away(self, made_fit, estimates):
        """The posterior is so far from the estimate that slopes there say little."""
        fit = fit_at(
            made_fit,
            estimates,
            sigma=around(2.0, sd=0.05)[..., 0],
            options={"prior": prior("normal(3, 0.2)", class_="sigma")},
        )
        assert re.search(r"sigma: .*Its prior, normal\(3, 0\.2\)", self.notes(fit))

    def test_prior_that_is_innocent_is_not_blamed(self, made_fit, estimates):
        fit = fit_at(
            made_fit,
            estimates,
            b=around(estimates["b_Intercept"], estimates["b_x"] + 0.2),
            options={"prior": prior("normal(0, 100)", coef="x", class_="b")},
        )
        text = self.notes(fit)
        assert "b_x: the posterior mean is" in text
        assert "pulls it" not in text
        assert "averages over what is not known" in text

    def test_bounds_and_constants(self, made_fit, estimates):
        fit = fit_at(
            made_fit,
            estimates,
            b=around(estimates["b_Intercept"], -0.1, sd=0.02),
            options={"prior": prior("normal(0, 1)", class_="b", ub=0)},
        )
        assert "outside the bounds of its prior" in self.notes(fit)
        fit = fit_at(
            made_fit,
            estimates,
            b=around(estimates["b_Intercept"], 1.0, sd=0.0),
            options={"prior": prior("constant(1)", coef="x", class_="b")},
        )
        text = self.notes(fit)
        assert "It is fixed by its prior, constant(1)." in text
        assert "estimates what constant() fixes: b_x" in text

    def test_skewness(self, made_fit, estimates):
        spread = frequentist(FORMULA, DATA).table.loc["sd_my group__Intercept", "Std.Error"]
        sd = around(estimates["sd_my group__Intercept"] + 0.8 * spread, sd=spread, skew=True)
        text = self.notes(fit_at(made_fit, estimates, **{"sd_my group": sd}))
        assert "skewed to the right" in text

    def test_boundary(self, made_fit):
        data = DATA.assign(y=DATA["y"] - DATA.groupby("my group")["y"].transform("mean"))
        fit = made_fit("y ~ 1 + (1 | `my group`)", data)
        text = self.notes(fit)
        assert "on or next to its boundary, zero" in text
        assert "The frequentist fit is singular (sd_my group__Intercept)" in text

    def test_maximum_likelihood(self, made_fit, estimates):
        spread = frequentist(FORMULA, DATA, reml=False).table.loc["sd_my group__Intercept"]
        centre = spread["Estimate"] + 1.5 * spread["Std.Error"]
        fit = fit_at(made_fit, estimates, **{"sd_my group": around(centre)})
        assert "reml=True takes them for estimated" in self.notes(fit, reml=False)
        assert "reml=True" not in self.notes(fit)

    def test_wider_posteriors(self, made_fit, estimates):
        fit = fit_at(
            made_fit, estimates, b=around(estimates["b_Intercept"], estimates["b_x"], sd=2.0)
        )
        assert "take the standard deviations of the effects for known" in self.notes(fit)

    def test_marginal_models(self, made_fit):
        fit = made_fit(
            "b ~ x + (1 | `my group`)",
            DATA,
            "bernoulli",
            draws={"b": around(3.0, 3.0), "sd_my group": around(1.0)},
            length=400,
        )
        assert "the multilevel model a typical group" in self.notes(fit, method="gee")
        line = made_fit(FORMULA, DATA, draws={"b": around(3.0, 3.0)}, length=400)
        assert "no effects of groups and weighs rows otherwise" in self.notes(line, method="gee")
        assert "typical group" not in self.notes(fit)

    def test_monte_carlo_error(self, made_fit, estimates):
        """Few draws: their mean may be anywhere."""
        error = frequentist(FORMULA, DATA).table.loc["b_x", "Std.Error"]
        slow = np.repeat(RNG.normal(size=(2, 5, 1)), 80, axis=1)
        slow = 3.0 * (slow - slow.mean())
        b = np.concatenate(
            [around(estimates["b_Intercept"]), estimates["b_x"] + error + error * slow],
            axis=2,
        )
        assert "within the Monte Carlo error" in self.notes(fit_at(made_fit, estimates, b=b))


class TestShrinkage:
    def test_no_pooling_is_the_mean_of_each_group(self, made_fit):
        fit = made_fit("y ~ 1 + (1 | `my group`)", DATA)
        found = fit.compare_frequentist().shrinkage.set_index("level")
        means = DATA.groupby("my group")["y"].mean()
        assert found["no_pooling"].to_numpy() == pytest.approx(means[found.index], abs=1e-4)
        assert found["complete_pooling"].to_numpy() == pytest.approx(DATA["y"].mean())
        assert (found["rows"] == DATA.groupby("my group").size()[found.index]).all()
        draws = fit["b_Intercept"].to_numpy() + fit["r_my group[3,Intercept]"].to_numpy()
        assert found.loc["3", "posterior_mean"] == pytest.approx(draws.mean())
        assert found.loc["3", "posterior_sd"] == pytest.approx(draws.std(ddof=1))

    def test_partial_pooling_lies_between(self, made_fit):
        found = made_fit("y ~ 1 + (1 | `my group`)", DATA).compare_frequentist()
        table = found.frequentist.table["Estimate"]
        share = table["sigma"] ** 2 / (
            table["sigma"] ** 2 + 15 * table["sd_my group__Intercept"] ** 2
        )
        shrunk = found.shrinkage["frequentist"] - found.shrinkage["population"]
        own = found.shrinkage["no_pooling"] - found.shrinkage["population"]
        assert shrunk.to_numpy() == pytest.approx((1 - share) * own.to_numpy(), abs=1e-4)
        assert f"by {100 * share:.0f} % in the frequentist fit" in " ".join(found.notes)

    def test_slopes_are_those_of_regressions_in_each_group(self, made_fit):
        data = load_dataset("sleepstudy")
        fit = made_fit("Reaction ~ Days + (Days | Subject)", data)
        found = fit.compare_frequentist().shrinkage
        own = found[found["coef"] == "Days"].set_index("level")["no_pooling"]
        for subject, rows in data.groupby("Subject", observed=True):
            slope = np.polyfit(rows["Days"], rows["Reaction"], 1)[0]
            assert own[str(subject)] == pytest.approx(slope, abs=1e-3)
        pooled = np.polyfit(data["Days"], data["Reaction"], 1)[0]
        assert found.loc[found["coef"] == "Days", "complete_pooling"].iloc[0] == pytest.approx(
            pooled
        )

    def test_levels_that_do_not_say_are_missing(self, made_fit):
        data = DATA.assign(b=np.where(DATA["my group"] == "0", 1, DATA["b"]))
        fit = made_fit("b ~ x + (1 | `my group`)", data, "bernoulli")
        found = fit.compare_frequentist().shrinkage.set_index("level")
        assert np.isnan(found.loc["0", "no_pooling"])
        assert found.drop("0")["no_pooling"].notna().all()

    def test_models_without_groups_have_none(self, made_fit):
        found = made_fit("y ~ x", DATA).compare_frequentist()
        assert found.shrinkage.empty
        with pytest.raises(BrmspyError, match="no group-level effects"):
            found.plot_shrinkage()

    def test_curves(self, made_fit):
        fit = made_fit(
            bf(
                "height ~ SSasymp(age, Asym, R0, lrc)",
                "Asym ~ 1 + (1 | Seed)",
                "R0 + lrc ~ 1",
                nl=True,
            ),
            load_dataset("loblolly"),
            draws={"b_Asym": around(101.4), "b_R0": around(-8.6), "b_lrc": around(-3.23, sd=0.01)},
            length=400,
        )
        found = fit.compare_frequentist()
        assert found.frequentist.method == "nlmm"
        assert set(found.shrinkage["coef"]) == {"Asym_Intercept"}
        assert found.shrinkage["no_pooling"].notna().all()
        assert found.shrinkage["complete_pooling"].iloc[0] == pytest.approx(101.4, abs=3)


class TestPictures:
    def test_one_axis_in_standard_errors(self, made_fit, estimates):
        found = fit_at(made_fit, estimates).compare_frequentist()
        ax = found.plot()
        names = [label.get_text() for label in ax.get_yticklabels()]
        assert names == list(found.table.index)
        assert "standard errors" in ax.get_xlabel()
        squares = next(line for line in ax.lines if line.get_marker() == "s")
        assert np.asarray(squares.get_xdata()) == pytest.approx(0.0)
        dots = next(line for line in ax.lines if line.get_marker() == "o")
        assert np.asarray(dots.get_xdata()) == pytest.approx(found.table["Difference"].to_numpy())

    def test_own_units(self, made_fit, estimates):
        found = fit_at(made_fit, estimates).compare_frequentist()
        axes = found.plot(standardise=False)
        assert [ax.get_xlabel() for ax in axes] == [
            "coefficients",
            "standard deviations",
            "further parameters",
        ]
        squares = next(line for line in axes[0].lines if line.get_marker() == "s")
        assert np.asarray(squares.get_xdata()) == pytest.approx(
            found.table["Estimate"].to_numpy()[:2]
        )

    def test_axes_of_the_user(self, made_fit, estimates):
        found = fit_at(made_fit, estimates).compare_frequentist()
        _, ax = plt.subplots()
        assert found.plot(ax=ax) is ax
        with pytest.raises(BrmspyError, match="ax="):
            found.plot(standardise=False, ax=ax)

    def test_shrinkage(self, made_fit, estimates):
        found = fit_at(made_fit, estimates).compare_frequentist()
        ax = found.plot_shrinkage()
        part = found.shrinkage.sort_values("posterior_mean", ascending=False)
        assert [label.get_text() for label in ax.get_yticklabels()] == part["level"].tolist()
        crosses = next(line for line in ax.lines if line.get_marker() == "x")
        assert np.asarray(crosses.get_xdata()) == pytest.approx(part["frequentist"].to_numpy())
        fewer = found.plot_shrinkage(max_levels=4)
        assert len(fewer.get_yticklabels()) == 4
        for options, message in (({"group": "g"}, "my group"), ({"max_levels": 1}, "from 2 on")):
            with pytest.raises(BrmspyError, match=message):
                found.plot_shrinkage(**options)


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("sleepstudy", "mixedlm"),
        ("cbpp", "glmm"),
        ("salamander", "glmm"),
        ("loblolly_wide", "nlmm"),
        ("puromycin", "nls"),
    ],
)
def test_posteriors_of_the_examples(example_fit, name, method):
    """Wide priors: coefficients differ by less than one standard error."""
    found = example_fit(name).compare_frequentist()
    assert found.frequentist.method == method
    assert found.missing == found.unmatched == ()
    coefficients = found.table[[row.startswith("b_") for row in found.table.index]]
    assert (coefficients["Difference"].abs() < 1.0).all()
    sds = found.table[[row.startswith("sd_") for row in found.table.index]]
    assert (sds["Mean"] > 0.7 * sds["Estimate"]).all()
    assert str(found)
