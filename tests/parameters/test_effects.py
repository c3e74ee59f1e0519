"""fixef, ranef and coef: against draws that are put in by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import brmspy
from brmspy import BrmsFit
from brmspy.errors import BrmspyError

STATS = ["Estimate", "Est.Error", "Q2.5", "Q97.5"]


def frame(rows: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "y": rng.normal(size=rows),
            "k": rng.integers(0, 5, rows),
            "n": np.full(rows, 9),
            "w": rng.uniform(1, 2, rows),
            "x": rng.uniform(1, 3, size=rows),
            "f": rng.choice(["lo", "mid", "hi"], rows),
            "g": np.tile(["a b", "c", "é"], rows)[:rows],
            "chain": np.tile([3, 1], rows)[:rows],
            "obs": np.arange(rows) % 4,
            "two words": rng.normal(size=rows),
        }
    )


@pytest.fixture(scope="module")
def sleep(made_fit: Callable[..., BrmsFit]) -> BrmsFit:
    return made_fit("y ~ x + (x | g)", frame())


def test_fixef_summarises_each_coefficient(sleep: BrmsFit) -> None:
    table = sleep.fixef()
    assert list(table.index) == ["Intercept", "x"]
    assert list(table.columns) == STATS
    for name in table.index:
        draws = sleep[f"b_{name}"].to_numpy().ravel()
        expected = [draws.mean(), draws.std(ddof=1), *np.quantile(draws, [0.025, 0.975])]
        np.testing.assert_allclose(table.loc[name, STATS].to_numpy(float), expected)


def test_other_intervals_and_robust_numbers(sleep: BrmsFit) -> None:
    table = sleep.fixef(prob=0.8, robust=True)
    draws = sleep["b_x"].to_numpy().ravel()
    assert list(table.columns) == ["Estimate", "Est.Error", "Q10", "Q90"]
    assert table.loc["x", "Estimate"] == pytest.approx(np.median(draws))
    mad = 1.4826 * np.median(np.abs(draws - np.median(draws)))
    assert table.loc["x", "Est.Error"] == pytest.approx(mad, rel=1e-4)
    assert table.loc["x", "Q10"] == pytest.approx(np.quantile(draws, 0.1))
    for function in (sleep.ranef, sleep.coef):
        assert list(function(prob=0.8).columns)[-2:] == ["Q10", "Q90"]
        level = function(robust=True).iloc[0]["Estimate"]
        assert level == pytest.approx(
            float(function(summary=False)["g"].sel(level="a b", coef="Intercept").median())
        )


def test_some_coefficients(sleep: BrmsFit) -> None:
    assert list(sleep.fixef(pars="x").index) == ["x"]
    assert list(sleep.fixef(pars=["x", "Intercept"]).index) == ["x", "Intercept"]
    with pytest.raises(BrmspyError, match=r"pars: .* 'X'\. Did you mean 'x'\?"):
        sleep.fixef(pars="X")


def test_fixef_draws(sleep: BrmsFit) -> None:
    draws = sleep.fixef(summary=False)
    assert draws.dims == ("chain", "draw", "coef")
    np.testing.assert_array_equal(draws.sel(coef="x"), sleep["b_x"])


def test_ranef_has_a_row_for_each_level_and_coefficient(sleep: BrmsFit) -> None:
    table = sleep.ranef()
    assert list(table.columns) == ["group", "level", "coef", *STATS]
    assert table["level"].tolist() == ["a b", "a b", "c", "c", "é", "é"]
    assert table["coef"].tolist() == ["Intercept", "x"] * 3
    for row in table.itertuples():
        draws = sleep[f"r_g[{row.level.replace(' ', '.')},{row.coef}]"]
        assert row.Estimate == pytest.approx(float(draws.mean()))
    draws = sleep.ranef(summary=False)["g"]
    assert draws.dims == ("chain", "draw", "level", "coef")
    np.testing.assert_array_equal(draws.sel(level="c", coef="x"), sleep["r_g[c,x]"])


def test_coef_is_the_sum(sleep: BrmsFit) -> None:
    draws = sleep.coef(summary=False)["g"]
    expected = sleep["b_x"].to_numpy() + sleep["r_g[é,x]"].to_numpy()
    np.testing.assert_allclose(draws.sel(level="é", coef="x"), expected)
    table = sleep.coef()
    row = table[(table["level"] == "é") & (table["coef"] == "x")].iloc[0]
    assert row["Estimate"] == pytest.approx(expected.mean())
    assert row["Q97.5"] == pytest.approx(np.quantile(expected, 0.975))


def test_coef_fills_missing_parts_with_zero(made_fit: Callable[..., BrmsFit]) -> None:
    fit = made_fit("y ~ 1 + f + (0 + x | g)", frame())
    draws = fit.coef(summary=False)["g"]
    assert draws["coef"].to_numpy().tolist() == ["Intercept", "flo", "fmid", "x"]
    for level in ("a b", "c", "é"):  # what does not vary is the same for all
        np.testing.assert_array_equal(draws.sel(level=level, coef="flo"), fit["b_flo"])
    np.testing.assert_array_equal(draws.sel(level="c", coef="x"), fit["r_g[c,x]"])


def test_several_groups_one_of_them_called_chain(made_fit: Callable[..., BrmsFit]) -> None:
    fit = made_fit("y ~ x + (x || g) + (1 | chain) + (1 | obs)", frame())
    assert fit.ranef()["group"].unique().tolist() == ["chain", "g", "obs"]
    only = fit.ranef(groups="chain")
    assert only["level"].tolist() == ["1", "3"]
    draws = fit.ranef(groups=["obs", "chain"], summary=False)
    assert list(draws) == ["obs", "chain"]
    assert draws["chain"].sizes == {"chain": 2, "draw": 150, "level": 2, "coef": 1}
    together = fit.coef(groups="obs", summary=False)["obs"]
    expected = fit["b_Intercept"].to_numpy() + fit["r_obs[2,Intercept]"].to_numpy()
    np.testing.assert_allclose(together.sel(level="2", coef="Intercept"), expected)
    assert together["coef"].to_numpy().tolist() == ["Intercept", "x"]


def test_distributional_parameters(made_fit: Callable[..., BrmsFit]) -> None:
    fit = made_fit(brmspy.bf("y ~ x + (1 |p| g)", "sigma ~ x + (1 |p| g)"), frame())
    assert list(fit.fixef().index) == ["sigma_Intercept", "sigma_x", "Intercept", "x"]
    assert fit.ranef()["coef"].tolist()[:2] == ["Intercept", "sigma_Intercept"]
    draws = fit.coef(summary=False)["g"].sel(level="c", coef="sigma_Intercept")
    expected = fit["b_sigma_Intercept"].to_numpy() + fit["r_g__sigma[c,Intercept]"].to_numpy()
    np.testing.assert_allclose(draws, expected)


def test_two_coefficients_of_one_name_are_told_apart(made_fit: Callable[..., BrmsFit]) -> None:
    data = frame().rename(columns={"two words": "sigma_x"})
    fit = made_fit(brmspy.bf("y ~ sigma_x", "sigma ~ x"), data)
    assert {"b[sigma_x]", "b_sigma[x]"} < set(fit.fixef().index)
    draws = fit.fixef(summary=False)
    np.testing.assert_array_equal(draws.sel(coef="b_sigma[x]"), fit["b_sigma"].sel(coef_sigma="x"))


def test_non_linear_parameters(made_fit: Callable[..., BrmsFit]) -> None:
    formula = brmspy.bf("y ~ Asym * exp(-b * x)", "Asym ~ f + (1 | g)", "b ~ 1", nl=True)
    fit = made_fit(formula, frame(), prior=brmspy.prior("normal(0, 1)", nlpar="b"))
    assert list(fit.fixef().index) == ["Asym_Intercept", "Asym_flo", "Asym_fmid", "b_Intercept"]
    assert fit.ranef()["coef"].unique().tolist() == ["Asym_Intercept"]
    assert fit.coef()["coef"].unique().tolist() == list(fit.fixef().index)


def test_odd_names(made_fit: Callable[..., BrmsFit]) -> None:
    fit = made_fit("y ~ I(x^2) + `two words` + (1 | g)", frame())
    assert list(fit.fixef().index) == ["Intercept", "IxE2", "twowords"]


@pytest.mark.parametrize(
    ("formula", "family"),
    [
        ("y ~ x + (1 | g)", "student"),
        ("k ~ x + offset(log(w)) + (1 | g)", "poisson"),
        ("k ~ x + (1 | g)", "negbinomial"),
        ("k | trials(n) ~ x + (1 | g)", "binomial"),
        ("k > 2 ~ x + (1 | g)", "bernoulli"),
        ("y | weights(w) ~ x + (1 | g)", "gaussian"),
    ],
)
def test_every_family(made_fit: Callable[..., BrmsFit], formula: str, family: str) -> None:
    data = frame()
    if family == "bernoulli":
        formula, data = "yes ~ x + (1 | g)", data.assign(yes=data["k"] > 2)
    fit = made_fit(formula, data, family)
    assert list(fit.fixef().index) == ["Intercept", "x"]
    assert len(fit.ranef()) == 3
    assert len(fit.coef()) == 6


def test_a_group_of_one_level(made_fit: Callable[..., BrmsFit]) -> None:
    with pytest.warns(brmspy.DataWarning):
        fit = made_fit("y ~ 1 + (1 | g)", frame().assign(g="only"))
    assert fit.ranef()["level"].tolist() == ["only"]


@pytest.mark.parametrize("name", ["ranef", "coef"])
def test_bad_groups(made_fit: Callable[..., BrmsFit], sleep: BrmsFit, name: str) -> None:
    function: Any = getattr(sleep, name)
    with pytest.raises(BrmspyError, match=r"groups: 'G' .*Did you mean 'g'\?"):
        function(groups="G")
    with pytest.raises(BrmspyError, match="prob = 95"):
        function(prob=95)
    with pytest.raises(BrmspyError, match="groups = 3 is neither a name nor a list"):
        function(groups=3)
    without: Any = getattr(made_fit("y ~ x", frame()), name)
    with pytest.raises(BrmspyError, match=r"'y ~ x' has no group-level effects.*\(1 \| group\)"):
        without()


def test_no_coefficients(made_fit: Callable[..., BrmsFit]) -> None:
    fit = made_fit("y ~ 0 + (1 | g)", frame())
    with pytest.raises(BrmspyError, match="no population-level coefficients"):
        fit.fixef()
    assert fit.coef()["coef"].unique().tolist() == ["Intercept"]


def test_functions_and_methods_are_the_same(sleep: BrmsFit) -> None:
    pd.testing.assert_frame_equal(brmspy.ranef(sleep), sleep.ranef())
    pd.testing.assert_frame_equal(brmspy.coef(sleep), sleep.coef())
    pd.testing.assert_frame_equal(brmspy.fixef(sleep), sleep.fixef())


def test_posterior_summary(sleep: BrmsFit) -> None:
    table = sleep.posterior_summary()
    assert list(table.columns) == STATS
    assert {"b_x", "sigma", "cor_g__Intercept__x", "r_g[c,x]", "lprior", "lp__"} <= set(table.index)
    draws = sleep["sigma"].to_numpy()
    assert table.loc["sigma", "Estimate"] == pytest.approx(draws.mean())
    some = sleep.posterior_summary(["b", "sigma"], prob=0.5)
    assert list(some.index) == ["b_Intercept", "b_x", "sigma"]
    assert some.loc["sigma", "Q25"] == pytest.approx(np.quantile(draws, 0.25))
    with pytest.raises(BrmspyError, match="no parameter 'sgima'"):
        sleep.posterior_summary("sgima")


@pytest.mark.compiled
def test_integrated_effects_are_like_any(example_fit: Callable[[str], BrmsFit]) -> None:
    fit = example_fit("sleepstudy")
    assert fit.sampler_plan().table()["integrated"].tolist() == [True]
    # Of lme4: the conditional modes and the fixed effects of the same model.
    lines = fit.coef().set_index(["level", "coef"])["Estimate"]
    assert lines["308", "Days"] == pytest.approx(19.67, abs=0.8)
    assert lines["309", "Intercept"] == pytest.approx(211.0, abs=3.0)
    assert fit.fixef().loc["Days", "Estimate"] == pytest.approx(10.47, abs=0.3)
    assert fit.ranef()["Estimate"].abs().sum() > 0


@pytest.mark.compiled
def test_non_linear_example(example_fit: Callable[[str], BrmsFit]) -> None:
    fit = example_fit("loblolly_wide")
    assert set(fit.fixef().index) == {"Asym_Intercept", "R0_Intercept", "lrc_Intercept"}
    assert set(fit.ranef()["coef"]) == {"Asym_Intercept", "lrc_Intercept"}
    assert set(fit.coef()["coef"]) == {"Asym_Intercept", "R0_Intercept", "lrc_Intercept"}
