"""Summaries: the numbers against closed forms, the text against a golden file."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from brmspy.errors import BrmspyError
from brmspy.fit import Fit
from brmspy.fit.diagnostics import diagnose
from brmspy.fit.summary import interval_names, summarise

GOLDEN = Path(__file__).parent / "golden"
DIAGNOSTICS = ["Rhat", "Bulk_ESS", "Tail_ESS"]


def summary_of(values: np.ndarray, **options: object) -> pd.Series[float]:
    draws = values[:, :, None]
    return summarise(["a"], draws, diagnose(draws), **options).loc["a"]  # type: ignore[arg-type]


def shuffled(values: np.ndarray) -> np.ndarray:
    return np.random.default_rng(1).permutation(values).reshape(4, -1)


def test_numbers_of_known_draws() -> None:
    # 0, 1, ..., 1000 without the middle: mean 500, quantiles of type 7 by hand.
    row = summary_of(shuffled(np.arange(1000.0)))
    assert row["Estimate"] == pytest.approx(499.5)
    assert row["Est.Error"] == pytest.approx(np.sqrt((1000**2 - 1) / 12 * 1000 / 999))
    assert row["l-95% CI"] == pytest.approx(0.025 * 999)
    assert row["u-95% CI"] == pytest.approx(0.975 * 999)
    assert row["Rhat"] == pytest.approx(1, abs=0.02)


def test_other_intervals_and_robust_numbers() -> None:
    values = np.arange(1000.0)
    values[-1] = 1e9
    row = summary_of(shuffled(values), prob=0.8, robust=True, mc_se=True)
    assert list(row.index) == [
        "Estimate", "MC.Error", "Est.Error", "l-80% CI", "u-80% CI", *DIAGNOSTICS
    ]  # fmt: skip
    assert row["Estimate"] == pytest.approx(499.5)
    # The median distance from the middle of 1000 consecutive numbers is 250.
    assert row["Est.Error"] == pytest.approx(250 * 1.4826, rel=1e-4)
    assert row["l-80% CI"] == pytest.approx(99.9)


def test_monte_carlo_error_of_independent_draws() -> None:
    row = summary_of(np.random.default_rng(1).normal(size=(4, 5000)), mc_se=True)
    assert row["MC.Error"] == pytest.approx(1 / np.sqrt(20_000), rel=0.1)


def test_constants_have_no_diagnostics() -> None:
    row = summary_of(np.full((4, 100), 0.1), mc_se=True)
    assert row["Estimate"] == 0.1
    assert row["Est.Error"] == row["MC.Error"] == 0
    assert row[DIAGNOSTICS].isna().all()


@pytest.mark.parametrize("prob", [0, 1, 95, -0.5, float("nan")])
def test_prob_is_a_probability(prob: float) -> None:
    with pytest.raises(BrmspyError, match=r"give prob=0\.95"):
        interval_names(prob)


@pytest.mark.parametrize(
    ("prob", "names"),
    [
        (0.95, ("l-95% CI", "u-95% CI")),
        (0.999, ("l-99.9% CI", "u-99.9% CI")),
        (0.29, ("l-29% CI", "u-29% CI")),
    ],
)
def test_names_of_intervals(prob: float, names: tuple[str, str]) -> None:
    assert interval_names(prob) == names


def test_table_has_brms_names_and_columns(fit: Fit) -> None:
    table = fit.summary()
    assert list(table.index) == [
        "b_Intercept",
        "b_x",
        "sd_g__Intercept",
        "sd_g__x",
        "cor_g__Intercept__x",
        "sigma",
    ]
    assert list(table.columns) == [
        "Estimate", "Est.Error", "l-95% CI", "u-95% CI", *DIAGNOSTICS
    ]  # fmt: skip
    np.testing.assert_allclose(table["Estimate"], [4, 5, 1, 2, 3, 6], atol=0.15)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"effects": True}, {"b_x", "sigma", "r_g[c d,x]"}),
        ({"variables": "r_g[c d,x]"}, {"r_g[c d,x]"}),
        ({"variables": ["b", "lprior"]}, {"b_Intercept", "b_x", "lprior"}),
        ({"variables": "sd_g"}, {"sd_g__Intercept", "sd_g__x"}),
    ],
)
def test_selection(fit: Fit, options: dict[str, object], names: set[str]) -> None:
    found = set(fit.summary(**options).index)  # type: ignore[arg-type]
    assert names <= found
    assert found == names or options.get("effects")


def test_rows_are_those_of_the_draws(fit: Fit) -> None:
    table = fit.summary(variables=["r_g[c d,x]", "sigma", "b_x"])
    draws = fit.draws_df()[list(table.index)]
    np.testing.assert_allclose(table["Estimate"], draws.mean())
    np.testing.assert_allclose(table["Est.Error"], draws.std())


def golden_fits(support: SimpleNamespace) -> dict[str, Fit]:
    """Return the fits whose text is kept."""
    squared = support.population(("Intercept", "I(x^2)"), brms=("Intercept", "IxE2"))
    small = support.make_fit(
        [squared, support.scalar("sigma")],
        support.make_model(formula="y ~ I(x^2)", dropped=2),
        change=lambda draws: draws["b"].__imul__(np.array([1000, 0.001])),
    )  # fmt: skip
    plain = support.make_fit()

    def constant(draws: dict[str, np.ndarray]) -> None:
        draws["sigma"][:] = 0.5

    with pytest.warns(match="divergence") as caught:
        bad = support.make_fit(
            change=constant,
            stats=support.make_stats() | {"diverging": np.arange(2000).reshape(4, 500) % 100 == 0},
        )
    assert len(caught) == 1
    return {"plain": plain, "small_numbers": small, "divergences": bad}


@pytest.mark.parametrize("name", ["plain", "small_numbers", "divergences"])
def test_printed_text(support: SimpleNamespace, name: str) -> None:
    text = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    assert str(golden_fits(support)[name]) + "\n" == text


@pytest.mark.parametrize("name", ["plain", "small_numbers", "divergences"])
def test_html_says_the_same(support: SimpleNamespace, name: str) -> None:
    fit = golden_fits(support)[name]

    def words(text: str) -> list[str]:
        return re.sub(r"[:\s]+", " ", text).split()

    html = re.sub("<style>.*?</style>", "", fit._repr_html_())
    assert words(unescape(re.sub(r"<[^>]+>", " ", html))) == words(str(fit))
    assert html.count("<table") == html.count("</table>") > 2


def test_html_is_escaped(support: SimpleNamespace) -> None:
    model = support.make_model(formula="y ~ <b>x</b>")
    assert "<b>" not in support.make_fit(model=model)._repr_html_()
