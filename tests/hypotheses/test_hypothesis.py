"""Hypotheses: numbers by hand from the draws, evidence against conjugate closed forms."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import brmspy
from brmspy import BrmsFit, prior
from brmspy.errors import BrmspyError, FormulaError

COLUMNS = [
    "Hypothesis", "Estimate", "Est.Error", "CI.Lower", "CI.Upper", "Evid.Ratio", "Post.Prob",
    "Star", "Note",
]  # fmt: skip


def frame(rows: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "y": rng.normal(size=rows),
            "k": rng.integers(0, 5, rows),
            "x": rng.uniform(1, 3, size=rows),
            "z": rng.uniform(1, 3, size=rows),
            "hw": rng.choice(["a", "b-x", "b"], rows),
            "g": np.tile(["308", "a b", "c"], rows)[:rows],
        }
    )


@pytest.fixture(scope="module")
def fit(made_fit: Callable[..., BrmsFit]) -> BrmsFit:
    return made_fit(
        "y ~ x * z + I(x^2) + (x | g)", frame(), prior=prior("normal(0, 5)"), length=500
    )


def flat(fit: BrmsFit, name: str) -> np.ndarray:
    return fit[name].to_numpy().ravel()


def test_one_sided(fit: BrmsFit) -> None:
    found = fit.hypothesis("x > 0.5")
    assert list(found.table.columns) == COLUMNS
    row, draws = found.table.iloc[0], flat(fit, "b_x") - 0.5
    assert row["Hypothesis"] == "x > 0.5"
    assert row["Estimate"] == pytest.approx(draws.mean())
    assert row["Est.Error"] == pytest.approx(draws.std(ddof=1))
    np.testing.assert_allclose(
        row[["CI.Lower", "CI.Upper"]].astype(float), np.quantile(draws, [0.05, 0.95])
    )
    assert row["Post.Prob"] == pytest.approx((draws > 0).mean())
    assert row["Evid.Ratio"] == pytest.approx((draws > 0).sum() / (draws < 0).sum())
    assert row["Star"] == ""
    assert found.draws.dims == ("chain", "draw", "hypothesis")
    np.testing.assert_allclose(found.draws.to_numpy().ravel(), draws)
    assert found.prior_draws is None


def test_the_other_side(fit: BrmsFit) -> None:
    less, more = fit.hypothesis(["x < 0.5", "x > 0.5"]).table["Evid.Ratio"]
    assert less == pytest.approx(1 / more)
    sure = fit.hypothesis(["x > -9", "x < -9"]).table
    assert sure["Evid.Ratio"].tolist() == [np.inf, 0.0]
    assert sure["Star"].tolist() == ["*", ""]
    assert fit.hypothesis("x >= 0.5").table.loc[0, "Evid.Ratio"] == pytest.approx(more)


def test_alpha_and_robust(fit: BrmsFit) -> None:
    found = fit.hypothesis(["x > 0", "x = 0"], alpha=0.2, robust=True)
    draws = flat(fit, "b_x")
    assert found.table.loc[0, "Estimate"] == pytest.approx(np.median(draws))
    assert found.table.loc[0, "CI.Lower"] == pytest.approx(np.quantile(draws, 0.2))
    assert found.table.loc[1, "CI.Lower"] == pytest.approx(np.quantile(draws, 0.1))
    assert "60 % interval" in str(found)
    assert "80 % interval" in str(found)


@pytest.mark.parametrize(
    ("text", "compute"),
    [
        ("x + z < 2 * x", lambda p: p["b_x"] + p["b_z"] - 2 * p["b_x"]),
        ("exp(x) / (1 + z^2) > 1", lambda p: np.exp(p["b_x"]) / (1 + p["b_z"] ** 2) - 1),
        ("x:z > z", lambda p: p["b_x:z"] - p["b_z"]),
        ("I(x^2) > 0", lambda p: p["b_IxE2"]),
        ("IxE2 - x > -x^2", lambda p: p["b_IxE2"] - p["b_x"] + p["b_x"] ** 2),
        ("`x:z` > -1e-1", lambda p: p["b_x:z"] + 0.1),
        ("0 < x", lambda p: -p["b_x"]),
        ("sd_g__x > sigma", lambda p: p["sd_g__x"] - p["sigma"]),
        (
            "sd_g__x^2 / (sd_g__x^2 + sigma^2) > 0.5",
            lambda p: p["sd_g__x"] ** 2 / (p["sd_g__x"] ** 2 + p["sigma"] ** 2) - 0.5,
        ),
        ("r_g[308,x] > r_g[a b,x]", lambda p: p["r_g[308,x]"] - p["r_g[a.b,x]"]),
        ("plogis(x) > 0.5", lambda p: 1 / (1 + np.exp(-p["b_x"])) - 0.5),
        ("b_x > 0", lambda p: p["b_x"]),
        ("x>z", lambda p: p["b_x"] - p["b_z"]),
    ],
)
def test_algebra(
    fit: BrmsFit, text: str, compute: Callable[[dict[str, np.ndarray]], np.ndarray]
) -> None:
    values = {name: flat(fit, name) for name in fit.names}
    found = fit.hypothesis(text)
    np.testing.assert_allclose(found.draws.to_numpy().ravel(), compute(values))


def test_names_with_operators_in_them(made_fit: Callable[..., BrmsFit]) -> None:
    fit = made_fit("y ~ hw", frame())
    names = fit.fixef().index.tolist()
    assert names == ["Intercept", "hwb", "hwbMx"]
    found = fit.hypothesis("hwb-x > hwb").draws.to_numpy().ravel()  # the user's words
    np.testing.assert_allclose(found, flat(fit, "b_hwbMx") - flat(fit, "b_hwb"))


@pytest.mark.parametrize(
    ("class_", "group", "text", "name"),
    [
        ("sd", "g", "x > 0", "sd_g__x"),
        ("sd", "", "g__x > 0", "sd_g__x"),
        ("cor", "g", "Intercept__x > 0", "cor_g__Intercept__x"),
        (None, "", "b_x > 0", "b_x"),
        ("", "", "sigma > 0", "sigma"),
        ("r", "", "g[c,x] > 0", "r_g[c,x]"),
    ],
)
def test_classes(fit: BrmsFit, class_: str | None, group: str, text: str, name: str) -> None:
    if class_ == "r":
        text = f"r_{text}"
        class_ = None
    found = fit.hypothesis(text, class_, group=group).draws.to_numpy().ravel()
    np.testing.assert_allclose(found, flat(fit, name))


def test_other_predictors(made_fit: Callable[..., BrmsFit]) -> None:
    fit = made_fit(brmspy.bf("y ~ x", "sigma ~ x"), frame())
    for text, class_ in (("sigma_x > 0", "b"), ("x > 0", "b_sigma")):
        found = fit.hypothesis(text, class_).draws.to_numpy().ravel()
        np.testing.assert_allclose(found, flat(fit, "b_sigma_x"))
    nonlinear = brmspy.bf("y ~ a * exp(-b * x)", "a ~ 1", "b ~ 1", nl=True)
    fit = made_fit(nonlinear, frame())
    found = fit.hypothesis("exp(b_Intercept) < a_Intercept").draws.to_numpy().ravel()
    np.testing.assert_allclose(
        found, np.exp(flat(fit, "b_b_Intercept")) - flat(fit, "b_a_Intercept")
    )


def test_several_and_named(fit: BrmsFit) -> None:
    found = fit.hypothesis({"slope": "x > 0", "same": "x = z"})
    assert found.table["Hypothesis"].tolist() == ["slope", "same"]
    assert found.draws["hypothesis"].to_numpy().tolist() == ["slope", "same"]
    assert found.prior_draws is not None
    assert np.isnan(found.prior_draws.sel(hypothesis="slope")).all()
    assert found.prior_draws.sel(hypothesis="same").std() == pytest.approx(5 * 2**0.5, rel=0.02)


def conjugate(
    made_fit: Callable[..., BrmsFit], mean: float, tau: float, n: int = 20, seed: int = 5
) -> tuple[BrmsFit, stats.rv_continuous]:
    """Return a fit of a normal mean, prior normal(0, tau), and its posterior in closed form."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n)
    y += mean - y.mean()
    precision = n + 1 / tau**2
    posterior = stats.norm(n * mean / precision, precision**-0.5)
    fit = made_fit(
        brmspy.bf("y ~ 0 + Intercept", sigma=1),
        pd.DataFrame({"y": y}),
        prior=prior(f"normal(0, {tau})"),
        draws={"b": posterior.rvs(size=(4, 1000, 1), random_state=rng)},
        chains=4,
        length=1000,
    )
    return fit, posterior


@pytest.mark.parametrize("mean", [0.0, 0.2, -0.45])
@pytest.mark.parametrize("tau", [0.5, 2.0])
def test_savage_dickey_of_a_normal_mean(
    made_fit: Callable[..., BrmsFit], mean: float, tau: float
) -> None:
    fit, posterior = conjugate(made_fit, mean, tau)
    row = fit.hypothesis("Intercept = 0").table.iloc[0]
    expected = posterior.pdf(0) / stats.norm(0, tau).pdf(0)
    assert row["Evid.Ratio"] == pytest.approx(expected, rel=0.1)
    assert row["Post.Prob"] == pytest.approx(expected / (1 + expected), rel=0.1)
    # The same density ratio on another scale, and with the prior's density estimated.
    scaled = fit.hypothesis("3 * Intercept - 1 = -1").table.iloc[0]
    assert scaled["Evid.Ratio"] == pytest.approx(row["Evid.Ratio"])
    bent = fit.hypothesis("Intercept + Intercept^3 / 1000 = 0").table.iloc[0]
    assert bent["Evid.Ratio"] == pytest.approx(row["Evid.Ratio"], rel=0.05)
    other = fit.hypothesis("Intercept = 0.3").table.iloc[0]
    expected = posterior.pdf(0.3) / stats.norm(0, tau).pdf(0.3)
    assert other["Evid.Ratio"] == pytest.approx(expected, rel=0.15)


def test_savage_dickey_far_from_the_draws(made_fit: Callable[..., BrmsFit]) -> None:
    fit, posterior = conjugate(made_fit, 1.5, 2.0)
    row = fit.hypothesis("Intercept = 0").table.iloc[0]
    expected = posterior.pdf(0) / stats.norm(0, 2).pdf(0)
    assert row["Evid.Ratio"] < 1e-5
    assert abs(np.log10(row["Evid.Ratio"] / expected)) < 3
    assert "extrapolated" in row["Note"]
    assert row["Star"] == "*"


def test_savage_dickey_at_a_boundary(made_fit: Callable[..., BrmsFit]) -> None:
    rng = np.random.default_rng(1)
    fit = made_fit(
        "y ~ 1 + (1 | g)",
        frame(),
        prior=prior("normal(0, 2)", class_="sd"),
        draws={"sd_g": stats.halfnorm(scale=0.5).rvs(size=(4, 1000, 1), random_state=rng)},
        chains=4,
        length=1000,
    )
    rows = fit.hypothesis(["sd_g__Intercept = 0", "sd_g__Intercept^2 = 0.25"]).table
    assert rows.loc[0, "Evid.Ratio"] == pytest.approx(4.0, rel=0.1)
    inside = stats.halfnorm(scale=0.5).pdf(0.5) / stats.halfnorm(scale=2).pdf(0.5)
    assert rows.loc[1, "Evid.Ratio"] == pytest.approx(inside, rel=0.15)
    assert (rows["Note"] == "").all()


def test_savage_dickey_of_a_sum_of_coefficients(made_fit: Callable[..., BrmsFit]) -> None:
    rng = np.random.default_rng(2)
    fit = made_fit(
        "y ~ 0 + x + z",
        frame(),
        prior=prior("normal(1, 2)"),
        draws={"b": rng.normal(0.5, 0.3, size=(4, 1000, 2))},
        chains=4,
        length=1000,
    )
    row = fit.hypothesis("x + z = 1").table.iloc[0]
    expected = stats.norm(1, 0.3 * 2**0.5).pdf(1) / stats.norm(2, 2 * 2**0.5).pdf(1)
    assert row["Evid.Ratio"] == pytest.approx(expected, rel=0.1)


def test_improper_priors_give_the_reason(made_fit: Callable[..., BrmsFit]) -> None:
    fit = made_fit("y ~ x + z", frame(), prior=prior("normal(0, 1)", coef="z"))
    found = fit.hypothesis(["x = 0", "z = 0", "Intercept = 0", "x > 0"])
    assert found.table["Evid.Ratio"].isna().tolist() == [True, False, True, False]
    for note in found.table["Note"].iloc[[0, 2]]:
        assert re.search(r"proper prior, and that of b_x is flat.*prior\(", note)
    assert found.table["Post.Prob"].isna().tolist() == [True, False, True, False]
    assert "x = 0 [1]" in str(found)
    assert "[1] No evidence ratio" in str(found)


def test_a_hypothesis_that_the_prior_excludes(made_fit: Callable[..., BrmsFit]) -> None:
    fit = made_fit("y ~ x", frame(), prior=prior("normal(0, 1)", class_="sigma"))
    row = fit.hypothesis("sigma = -1").table.iloc[0]
    assert np.isnan(row["Evid.Ratio"])
    assert "prior density at the hypothesis is zero" in row["Note"]


def test_levels(fit: BrmsFit) -> None:
    found = fit.hypothesis(["x > 0", "Intercept + 2 * x < 3"], scope="coef", group="g")
    table = found.table
    assert list(table.columns) == ["Group", "Level", *COLUMNS]
    assert table["Level"].tolist() == ["308", "a b", "c"] * 2
    assert found.draws.dims == ("chain", "draw", "hypothesis", "level")
    draws = flat(fit, "b_x") + flat(fit, "r_g[c,x]")
    assert table.loc[2, "Post.Prob"] == pytest.approx((draws > 0).mean())
    effects = fit.hypothesis("x > 0", scope="ranef", group="g").table
    assert effects.loc[0, "Estimate"] == pytest.approx(flat(fit, "r_g[308,x]").mean())
    same = fit.hypothesis("z > 0", scope="coef", group="g").table["Estimate"]
    assert same.nunique() == 1
    assert "g a b: x > 0" in str(found)


def test_two_sided_for_levels(made_fit: Callable[..., BrmsFit]) -> None:
    rng = np.random.default_rng(1)
    effects = rng.normal([[0.0], [0.6], [-0.3]], 0.5, size=(4, 1000, 3, 1))
    fit = made_fit(
        "y ~ 1 + (1 | g)",
        frame(),
        prior=[prior("constant(2)", class_="sd"), prior("normal(1, 3)", class_="Intercept")],
        draws={"r_g": effects, "b": rng.normal(1, 0.01, size=(4, 1000, 1))},
        chains=4,
        length=1000,
    )
    found = fit.hypothesis("Intercept = 0", scope="ranef", group="g").table["Evid.Ratio"]
    centres = np.array([0.0, 0.6, -0.3])
    expected = stats.norm(centres, 0.5).pdf(0) / stats.norm(0, 2).pdf(0)
    np.testing.assert_allclose(found, expected, rtol=0.12)
    both = fit.hypothesis("Intercept = 1", scope="coef", group="g").table["Evid.Ratio"]
    expected = stats.norm(centres, 0.5).pdf(0) / stats.norm(1, 13**0.5).pdf(1)
    np.testing.assert_allclose(both, expected, rtol=0.12)


def test_text_and_html_say_the_same(fit: BrmsFit) -> None:
    found = fit.hypothesis(["x > 0", "x = 0"])

    def words(text: str) -> list[str]:
        return re.sub(r"\s+", " ", text).split()

    html = re.sub("<style>.*?</style>", "", found._repr_html_())
    assert words(unescape(re.sub(r"<[^>]+>", " ", html))) == words(str(found))
    assert "<x" not in html
    assert "&gt; 0" in html


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", "'x' compares nothing. Write for example 'Days > 0'"),
        ("", "no hypothesis"),
        (3, "3 is no hypothesis"),
        ("0 < x < 1", "compares twice. Write one hypothesis for each"),
        ("x > ", "nothing on its right side"),
        ("= x", "nothing on its left side"),
        ("x != 0", "Test the opposite, with '='"),
        ("1 > 0", "names no parameter"),
        ("Dayz > 0", r"no parameter 'Dayz'\. Valid names: 'Intercept', 'x'"),
        ("Intercpt > 0", r"no parameter 'Intercpt'\. Did you mean 'Intercept'"),
        ("sinn(x) > 0", "'sinn' is neither a function nor .* Did you mean 'sin'"),
        ("log(x - 100) > 0", "not a finite number in 1000 of 1000 draws"),
    ],
)
def test_bad_hypotheses(fit: BrmsFit, text: object, message: str) -> None:
    with pytest.raises(BrmspyError, match=message):
        fit.hypothesis([text])  # type: ignore[list-item]


def test_bad_syntax_has_a_place(fit: BrmsFit) -> None:
    with pytest.raises(FormulaError, match=r"\^"):
        fit.hypothesis("x + * z > 0")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scope": "level"}, "scope = 'level' is not valid"),
        ({"scope": "coef"}, 'name it, as in group="Subject"'),
        ({"scope": "coef", "group": "G"}, "group = 'G' is no grouping factor .*'g'"),
        ({"group": "g"}, "class_='sd' or class_='cor'"),
        ({"class_": "sdd"}, r"class_ = 'sdd': no parameter's name begins .* Did you mean 'sd'"),
        ({"class_": "sd", "group": "h"}, r"class_ = 'sd' with group = 'h'.*'g'"),
        ({"alpha": 0}, "alpha = 0 is not valid"),
        ({"alpha": 0.7}, "between 0 and 0.5"),
        ({"group": 3}, "group = 3 is not a text"),
    ],
)
def test_bad_arguments(fit: BrmsFit, options: dict[str, object], message: str) -> None:
    with pytest.raises(BrmspyError, match=message):
        fit.hypothesis("x > 0", **options)  # type: ignore[arg-type]


def test_bad_types(fit: BrmsFit) -> None:
    with pytest.raises(BrmspyError, match="not float"):
        fit.hypothesis(3.5)  # type: ignore[arg-type]
    with pytest.raises(BrmspyError, match="empty"):
        fit.hypothesis([])


def test_the_same_seed_gives_the_same_ratio(fit: BrmsFit) -> None:
    ratios = [fit.hypothesis("x + z = 0").table.loc[0, "Evid.Ratio"] for _ in range(2)]
    assert ratios[0] == ratios[1]
    assert fit.hypothesis("x + z = 0", seed=9).table.loc[0, "Evid.Ratio"] != ratios[0]


@pytest.mark.compiled
def test_sleepstudy(example_fit: Callable[[str], BrmsFit]) -> None:
    fit = example_fit("sleepstudy")
    found = fit.hypothesis(["Days > 0", "Days = 10", "sd_Subject__Intercept > sd_Subject__Days"])
    assert found.table["Star"].tolist() == ["*", "", "*"]
    assert found.table.loc[0, "Estimate"] == pytest.approx(10.47, abs=0.3)
    assert "b_Days is flat" in found.table.loc[1, "Note"]
    levels = fit.hypothesis("Days < 0", scope="coef", group="Subject").table.set_index("Level")
    assert levels.loc["335", "Post.Prob"] > 0.4  # the one person who does not slow down
    assert levels.loc["308", "Post.Prob"] < 0.01


@pytest.mark.compiled
def test_savage_dickey_of_sampled_draws(example_fit: Callable[[str], BrmsFit]) -> None:
    # A normal prior and a posterior that is nearly normal: both densities in closed form.
    fit = example_fit("loblolly_wide")
    row = fit.hypothesis("R0_Intercept = -8").table.iloc[0]
    draws = fit["b_R0_Intercept"].to_numpy()
    posterior = stats.norm(draws.mean(), draws.std()).pdf(-8)
    assert row["Evid.Ratio"] == pytest.approx(posterior / stats.norm(-8, 5).pdf(-8), rel=0.2)
