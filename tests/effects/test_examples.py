"""Effects of fitted models: oats by hand and against lme4, and the other examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from brmspy import BrmsFit

pytestmark = pytest.mark.compiled

Example = Callable[[str], BrmsFit]

VARIETIES = ("Golden.rain", "Marvellous", "Victory")
NITROGEN = ("0.0cwt", "0.2cwt", "0.4cwt", "0.6cwt")


def flat(fit: BrmsFit, name: str) -> Any:
    """Return draws of a parameter, chain after chain."""
    return fit[name].to_numpy().ravel()


def oats_cell(fit: BrmsFit, variety: str, nitrogen: str) -> Any:
    """Return the mean of one cell, by the design of treatment contrasts written out."""
    mean = flat(fit, "b_Intercept").copy()
    if variety != VARIETIES[0]:
        mean += flat(fit, f"b_varieties{variety}")
    if nitrogen != NITROGEN[0]:
        mean += flat(fit, f"b_nitrogen{nitrogen}")
        if variety != VARIETIES[0]:
            mean += flat(fit, f"b_varieties{variety}:nitrogen{nitrogen}")
    return mean


def variety_mean(fit: BrmsFit, variety: str) -> Any:
    return sum(oats_cell(fit, variety, nitrogen) for nitrogen in NITROGEN) / 4


def nitrogen_mean(fit: BrmsFit, nitrogen: str) -> Any:
    return sum(oats_cell(fit, variety, nitrogen) for variety in VARIETIES) / 3


class TestOats:
    def test_conditional_effects_by_hand(self, example_fit: Example) -> None:
        fit = example_fit("oats")
        effects = fit.conditional_effects()
        assert list(effects) == ["varieties", "nitrogen", "varieties:nitrogen"]
        for variety, (_, row) in zip(VARIETIES, effects["varieties"].table.iterrows(), strict=True):
            cell = oats_cell(fit, variety, "0.0cwt")
            assert row["varieties"] == variety
            assert row["estimate__"] == pytest.approx(np.median(cell))
            assert row["lower__"] == pytest.approx(np.quantile(cell, 0.025))
            assert row["upper__"] == pytest.approx(np.quantile(cell, 0.975))
        table = effects["varieties:nitrogen"].table
        for _, row in table.iterrows():
            cell = oats_cell(fit, row["varieties"], row["nitrogen"])
            assert row["estimate__"] == pytest.approx(np.median(cell))
        assert len(table) == 12
        assert effects["nitrogen"].subtitle == (
            "Held at varieties = Golden.rain (first level); group-level effects left out."
        )

    def test_pairs_of_varieties_by_hand(self, example_fit: Example) -> None:
        fit = example_fit("oats")
        found = fit.emmeans("pairwise ~ varieties")
        for place, variety in enumerate(VARIETIES):
            mean = variety_mean(fit, variety)
            np.testing.assert_allclose(found.draws.to_numpy()[..., place].ravel(), mean)
            assert found.table["emmean"][place] == pytest.approx(np.median(mean))
        assert found.contrasts is not None
        assert found.contrasts.table["contrast"].tolist() == [
            "Golden.rain - Marvellous",
            "Golden.rain - Victory",
            "Marvellous - Victory",
        ]
        expected = variety_mean(fit, "Marvellous") - variety_mean(fit, "Victory")
        drawn = found.contrasts.draws.to_numpy()[..., 2].ravel()
        np.testing.assert_allclose(drawn, expected, atol=1e-9)
        assert found.contrasts.table["estimate"][2] == pytest.approx(np.median(expected))

    def test_pairs_of_nitrogen_within_varieties_by_hand(self, example_fit: Example) -> None:
        fit = example_fit("oats")
        table = fit.emmeans("~ nitrogen | varieties").contrast("consec").table
        assert len(table) == 9
        for _, row in table.iterrows():
            high, low = row["contrast"].split(" - ")
            difference = oats_cell(fit, row["varieties"], high) - oats_cell(
                fit, row["varieties"], low
            )
            assert row["estimate"] == pytest.approx(np.median(difference))

    def test_agrees_with_lme4_and_emmeans(self, example_fit: Example) -> None:
        # Of lmer(yields ~ varieties * nitrogen + (1 | blocks/varieties)): cell means of its
        # coefficients, averaged; standard errors from its variance components, for nitrogen
        # sqrt(2 sigma^2 / 18), for varieties sqrt((plots^2 + sigma^2 / 4) / 3).
        fit = example_fit("oats")
        varieties = fit.emmeans("varieties").table["emmean"]
        np.testing.assert_allclose(varieties, [104.5, 109.7917, 97.625], atol=1.5)
        nitrogen = fit.emmeans("nitrogen").table["emmean"]
        np.testing.assert_allclose(nitrogen, [79.3889, 98.8889, 114.2222, 123.3889], atol=1.5)
        found = fit.emmeans("nitrogen").pairs()
        np.testing.assert_allclose(
            found.table["estimate"],
            [-19.5, -34.8333, -44.0, -15.3333, -24.5, -9.1667],
            atol=0.7,
        )
        errors = found.draws.std(("chain", "draw")).to_numpy()
        np.testing.assert_allclose(errors, 4.4358, rtol=0.15)
        between = fit.emmeans("varieties").pairs()
        np.testing.assert_allclose(between.table["estimate"], [-5.2917, 6.875, 12.1667], atol=1.2)
        spread = between.draws.std(("chain", "draw")).to_numpy()
        np.testing.assert_allclose(spread, 7.08, rtol=0.3)

    def test_trend_over_nitrogen(self, example_fit: Example) -> None:
        fit = example_fit("oats")
        means = fit.emmeans("nitrogen")
        trends = means.contrast("poly")
        coefficients = {
            "linear": (-3, -1, 1, 3),
            "quadratic": (1, -1, -1, 1),
            "cubic": (-1, 3, -3, 1),
        }
        for name, weights in coefficients.items():
            drawn = trends.draws.sel(contrast=name).to_numpy().ravel()
            by_hand = sum(
                weight * nitrogen_mean(fit, level)
                for weight, level in zip(weights, NITROGEN, strict=True)
            )
            np.testing.assert_allclose(drawn, by_hand, atol=1e-8)
        # emmeans on lmer: 147.33 for the linear trend, -10.33 for the quadratic one.
        np.testing.assert_allclose(trends.table["estimate"][:2], [147.33, -10.33], atol=3)

    def test_joint_tests_say_what_the_analysis_of_variance_says(self, example_fit: Example) -> None:
        # F ratios of the split-plot analysis: 1.49 for varieties, 37.69 for nitrogen, 0.30 for
        # both; Venables and Ripley, Modern Applied Statistics with S, section 10.2.
        table = example_fit("oats").joint_tests().table.set_index("model term")
        assert table["df1"].tolist() == [2, 3, 6]
        assert table.loc["nitrogen", "F.ratio"] == pytest.approx(37.7, rel=0.25)
        assert 0.5 < table.loc["varieties", "F.ratio"] < 2.5
        assert table.loc["varieties:nitrogen", "F.ratio"] == pytest.approx(0.3, abs=0.2)
        assert table.loc["nitrogen", "beyond"] == 0
        assert table.loc["varieties:nitrogen", "p.value"] > 0.8

    def test_new_plots_and_blocks(self, example_fit: Example) -> None:
        fit = example_fit("oats")
        known = fit.predictions(by="nitrogen").draws
        new = fit.data.assign(blocks="new")
        drawn = fit.predictions(
            new, by="nitrogen", allow_new_levels=True, sample_new_levels="gaussian"
        ).draws
        extra = drawn.var(("chain", "draw")).to_numpy() - known.var(("chain", "draw")).to_numpy()
        # One new block, and three new plots in it whose effects are averaged.
        expected = (fit["sd_blocks"] ** 2).mean() + (fit["sd_blocks:varieties"] ** 2).mean() / 3
        np.testing.assert_allclose(extra, float(expected), rtol=0.3)


def test_slope_of_sleepstudy(example_fit: Example) -> None:
    fit = example_fit("sleepstudy")
    found = fit.slopes("Days", average=True, re_formula="NA").draws
    np.testing.assert_allclose(found[..., 0], fit["b_Days"], rtol=1e-6)
    by_subject = fit.slopes("Days", by="Subject")
    own = by_subject.table.set_index("Subject")["Estimate"]["308"]
    slope = flat(fit, "b_Days") + flat(fit, "r_Subject[308,Days]")
    assert own == pytest.approx(slope.mean(), rel=1e-6)


def test_odds_of_periods_and_their_ratios(example_fit: Example) -> None:
    fit = example_fit("cbpp")
    means = fit.emmeans("~ period", type="response")
    np.testing.assert_allclose(
        means.draws[..., 1], expit(fit["b_Intercept"] + fit["b_period2"]), rtol=1e-9
    )
    odds = means.contrast("trt.vs.ctrl")
    np.testing.assert_allclose(odds.draws[..., 0], np.exp(fit["b_period2"]))
    # glmer: exp of -0.992, -1.128, -1.580.
    np.testing.assert_allclose(odds.table["odds.ratio"], [0.371, 0.324, 0.206], rtol=0.15)
    effect = fit.conditional_effects()["period"]
    np.testing.assert_allclose(effect.draws[..., 0], expit(fit["b_Intercept"]), rtol=1e-9)
    assert "size = 1 (trials)" in effect.subtitle


def test_rate_ratio_of_a_treatment(example_fit: Example) -> None:
    fit = example_fit("epil")
    ratio = fit.comparisons("trt", "typical", comparison="ratio", re_formula="NA").draws
    # lbase has a mean of zero, to rounding.
    expected = np.exp(
        fit["b_trtprogabide"] + fit["b_lbase:trtprogabide"] * fit.data["lbase"].mean()
    )
    np.testing.assert_allclose(ratio[..., 0], expected, rtol=1e-9)
    step = fit.comparisons("lage", comparison="ratio", average=True).draws
    np.testing.assert_allclose(step[..., 0], np.exp(fit["b_lage"]), rtol=1e-9)


def test_differences_of_probabilities_of_crosses(example_fit: Example) -> None:
    fit = example_fit("salamander")
    found = fit.comparisons({"Cross": ("R/R", "W/R")}, average=True, re_formula="NA").draws
    expected = expit(fit["b_CrossWDR"]) - expit(fit["b_CrossRDR"])
    np.testing.assert_allclose(found[..., 0], expected, rtol=1e-9)


def test_curves_of_enzymes(example_fit: Example) -> None:
    fit = example_fit("puromycin")
    effects = fit.conditional_effects(resolution=6)
    assert list(effects) == ["conc", "state", "conc:state"]
    conc = np.linspace(0.02, 1.1, 6)
    for state in ("treated", "untreated"):
        own = (effects["conc:state"].table["state"] == state).to_numpy()
        drawn = effects["conc:state"].draws.to_numpy()[..., own].reshape(-1, 6)
        vm, k = flat(fit, f"b_Vm_state{state}"), flat(fit, f"b_K_state{state}")
        np.testing.assert_allclose(drawn, vm[:, None] * conc / (k[:, None] + conc), rtol=1e-9)
    slope = fit.slopes("conc", {"conc": [0.3], "state": ["treated"]}).draws
    vm, k = flat(fit, "b_Vm_statetreated"), flat(fit, "b_K_statetreated")
    np.testing.assert_allclose(slope.to_numpy().ravel(), vm * k / (k + 0.3) ** 2, rtol=1e-5)


def test_growth_of_a_new_and_of_a_known_tree(example_fit: Example) -> None:
    fit = example_fit("loblolly_wide")
    one = fit.conditional_effects(
        "age", conditions={"Seed": ["301", "329"]}, re_formula=None, resolution=3
    )["age"]
    assert one.table["cond__"].unique().tolist() == ["Seed = 301", "Seed = 329"]
    asym = flat(fit, "b_Asym_Intercept") + flat(fit, "r_Seed__Asym[329,Intercept]")
    lrc = flat(fit, "b_lrc_Intercept") + flat(fit, "r_Seed__lrc[329,Intercept]")
    start = flat(fit, "b_R0_Intercept")
    expected = asym + (start - asym) * np.exp(-np.exp(lrc) * 25.0)
    np.testing.assert_allclose(one.draws.to_numpy()[..., -1].ravel(), expected, rtol=1e-9)
