"""Models beside each other: differences, weights, and what cannot be compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import pytest
from scipy import optimize

import brmspy
from brmspy import BrmsFit
from brmspy.checks.weights import akaike, pseudobma, stacking
from brmspy.errors import BrmspyError, BrmspyWarning

MakeFit = Callable[..., BrmsFit]
Draws = Callable[..., dict[str, np.ndarray]]


@pytest.fixture
def grouped(measured: pd.DataFrame) -> pd.DataFrame:
    """Return data whose groups differ."""
    shift = measured["g"].map(dict(zip("abcdef", [0, 6, -6, 3, -3, 9], strict=True)))
    return measured.assign(y=measured["y"] + shift)


@pytest.fixture
def pair(grouped: pd.DataFrame, make_fit: MakeFit, normal_draws: Draws) -> dict[str, BrmsFit]:
    """Return a model without the groups, and one with a mean for each."""
    y = grouped["y"].to_numpy()
    residual = y - grouped.groupby("g")["y"].transform("mean").to_numpy()
    rng = np.random.default_rng(2)
    sigma = np.sqrt((residual**2).sum() / rng.chisquare(54, 4000))
    means = grouped.groupby("g")["y"].mean().to_numpy()
    b = means + sigma[:, None] / np.sqrt(10) * rng.normal(size=(4000, 6))
    return {
        "one mean": make_fit("y ~ 1", grouped, normal_draws(y)),
        "six means": make_fit("y ~ 0 + g", grouped, {"b": b, "sigma": sigma}),
    }


class TestCompare:
    def test_differences_are_sums_over_rows(self, pair: dict[str, BrmsFit]) -> None:
        result = brmspy.loo_compare(pair)
        assert list(result.table.index) == ["six means", "one mean"]
        by_row = {name: fit.loo().by_row().to_numpy() for name, fit in pair.items()}
        difference = by_row["one mean"] - by_row["six means"]
        assert result.table.loc["six means", ["elpd_diff", "se_diff"]].tolist() == [0, 0]
        assert result.table.loc["one mean", "elpd_diff"] == pytest.approx(difference.sum())
        assert result.table.loc["one mean", "se_diff"] == pytest.approx(
            np.sqrt(60) * difference.std(ddof=1)
        )
        assert result.table.loc["one mean", "elpd_loo"] == pytest.approx(by_row["one mean"].sum())
        assert result.table["weight"].sum() == pytest.approx(1)

    @pytest.mark.filterwarnings("ignore:The inplace keyword")  # of ArviZ' use of pandas
    def test_arviz_says_the_same(self, pair: dict[str, BrmsFit]) -> None:
        idatas = {name: fit.extend("log_likelihood").idata for name, fit in pair.items()}
        reference = az.compare(idatas, method="BB-pseudo-BMA", seed=1)
        result = brmspy.loo_compare(pair)
        assert list(reference.index) == list(result.table.index)
        assert reference.loc["one mean", "elpd_diff"] == pytest.approx(
            -result.table.loc["one mean", "elpd_diff"], abs=0.1
        )

    def test_it_is_said_in_words(self, pair: dict[str, BrmsFit]) -> None:
        text = repr(brmspy.loo_compare(pair))
        assert "six means predicts better than one mean, by " in text
        assert "one mean: y ~ 1" in text
        assert "With 60 rows the standard errors of differences are too small." in text

    def test_small_differences_are_none(self, pair: dict[str, BrmsFit]) -> None:
        fit = pair["one mean"]
        result = fit.loo_compare(fit)
        assert list(result.table.index) == ["fit1", "fit2"]
        assert "fit2 predicts about as well as fit1" in repr(result)
        assert result.table["elpd_diff"].tolist() == [0, 0]

    def test_estimates_and_fits_alike(self, pair: dict[str, BrmsFit]) -> None:
        fits = list(pair.values())
        by_fit = brmspy.loo_compare(*fits)
        by_estimate = brmspy.loo_compare(fits[0].loo(), fits[1])
        pd.testing.assert_frame_equal(by_fit.table, by_estimate.table)

    def test_waic(self, pair: dict[str, BrmsFit]) -> None:
        result = brmspy.loo_compare(pair, criterion="waic")
        assert "elpd_waic" in result.table
        assert result.criterion == "waic"

    def test_html_and_text_have_the_same_content(self, pair: dict[str, BrmsFit]) -> None:
        result = brmspy.loo_compare(pair)
        for word in ("elpd_diff", "six means", "y ~ 0 + g", "predicts better than"):
            assert word in repr(result)
            assert word in result._repr_html_()

    def test_high_pareto_k_is_told(self, pair: dict[str, BrmsFit]) -> None:
        loos = {name: fit.loo(k_threshold=1e-9) for name, fit in pair.items()}
        assert "Pareto k is high in" in repr(brmspy.loo_compare(loos))


class TestNotComparable:
    def test_another_response(
        self, grouped: pd.DataFrame, make_fit: MakeFit, normal_draws: Draws
    ) -> None:
        plain = make_fit("y ~ 1", grouped, normal_draws(grouped["y"].to_numpy()))
        data = grouped.assign(y=grouped["y"] + 10)
        logged = make_fit("log(y) ~ 1", data, normal_draws(np.log(data["y"].to_numpy())))
        with pytest.raises(BrmspyError, match=r"the responses are 'y' and 'log\(y\)'"):
            plain.loo_compare(logged)

    def test_other_values(
        self, grouped: pd.DataFrame, make_fit: MakeFit, normal_draws: Draws
    ) -> None:
        draws = normal_draws(grouped["y"].to_numpy())
        changed = grouped.copy()
        changed.loc[["row 3", "row 9"], "y"] += 1
        first, second = (make_fit("y ~ 1", data, draws) for data in (grouped, changed))
        with pytest.raises(BrmspyError, match="the response differs in 2 rows: 'row 3', 'row 9'"):
            first.loo_compare(second)

    def test_missing_rows(
        self, grouped: pd.DataFrame, make_fit: MakeFit, normal_draws: Draws
    ) -> None:
        draws = normal_draws(grouped["y"].to_numpy())
        first = make_fit("y ~ 1", grouped, draws)
        second = make_fit("y ~ 1", grouped.drop(index="row 5"), draws)
        message = r"they have 60 and 59 rows, 1 row only in the first \('row 5'\)"
        with pytest.raises(BrmspyError, match=message):
            first.loo_compare(second)

    def test_another_order(
        self, grouped: pd.DataFrame, make_fit: MakeFit, normal_draws: Draws
    ) -> None:
        draws = normal_draws(grouped["y"].to_numpy())
        first = make_fit("y ~ 1", grouped, draws)
        second = make_fit("y ~ 1", grouped.iloc[::-1], draws)
        with pytest.raises(BrmspyError, match="the rows stand in another order"):
            first.loo_compare(second)

    def test_other_weights(
        self, grouped: pd.DataFrame, make_fit: MakeFit, normal_draws: Draws
    ) -> None:
        draws = normal_draws(grouped["y"].to_numpy())
        first = make_fit("y ~ 1", grouped, draws)
        weighted = make_fit("y | weights(w) ~ 1", grouped.assign(w=2.0), draws)
        with pytest.raises(BrmspyError, match="the weights differ in 60 rows"):
            first.loo_compare(weighted)
        ones = make_fit("y | weights(w) ~ 1", grouped.assign(w=1.0), draws)
        assert first.loo_compare(ones).table["elpd_diff"].abs().max() < 1e-9

    def test_other_trials(self, make_fit: MakeFit) -> None:
        data = pd.DataFrame({"y": [1, 2, 3], "n": 5, "m": [5, 5, 6]})
        draws = {"b": np.zeros((4000, 1))}
        first = make_fit("y | trials(n) ~ 1", data, draws, family="binomial")
        second = make_fit("y | trials(m) ~ 1", data, draws, family="binomial")
        with pytest.raises(BrmspyError, match="the numbers of trials differ in 1 row: 2"):
            first.loo_compare(second)

    def test_probabilities_and_densities_are_warned_of(self, make_fit: MakeFit) -> None:
        data = pd.DataFrame({"y": [1, 2, 3, 2, 4, 1]})
        rng = np.random.default_rng(1)
        b = rng.normal(0.7, 0.2, size=(4000, 1))
        counts = make_fit("y ~ 1", data, {"b": b}, family="poisson")
        normal = make_fit("y ~ 1", data, {"b": b * 3, "sigma": np.full(4000, 1.2)})
        with pytest.warns(BrmspyWarning, match="fit1 gives the response probabilities and fit2"):
            counts.loo_compare(normal)

    def test_another_criterion(self, normal_fit: BrmsFit) -> None:
        with pytest.raises(BrmspyError, match="fit1 was judged by loo and fit2 by waic"):
            brmspy.loo_compare(normal_fit.loo(), normal_fit.waic())

    def test_one_model_is_not_enough(self, normal_fit: BrmsFit) -> None:
        with pytest.raises(BrmspyError, match="It takes two models"):
            normal_fit.loo_compare()

    def test_what_is_no_model(self, normal_fit: BrmsFit) -> None:
        with pytest.raises(BrmspyError, match="fit2 is of type int"):
            normal_fit.loo_compare(3)  # type: ignore[arg-type]
        with pytest.raises(BrmspyError, match="either a mapping"):
            brmspy.loo_compare({"a": normal_fit}, normal_fit)

    def test_criterion_must_exist(self, normal_fit: BrmsFit) -> None:
        with pytest.raises(BrmspyError, match="Did you mean 'loo'"):
            normal_fit.loo_compare(normal_fit, criterion="looo")
        with pytest.raises(BrmspyError, match=r"fit1\.kfold\(K=10, seed=1\)"):
            normal_fit.loo_compare(normal_fit, criterion="kfold")


class TestWeights:
    def test_stacking_of_two_solves_its_equation(self) -> None:
        elpd = np.random.default_rng(1).normal(size=(200, 2)) * [1.0, 1.2] - [1.0, 1.1]
        p, q = np.exp(elpd).T

        def slope(w: float) -> float:
            return float(((p - q) / (w * p + (1 - w) * q)).sum())

        expected = optimize.brentq(slope, 1e-9, 1 - 1e-9, xtol=1e-12)
        np.testing.assert_allclose(stacking(elpd), [expected, 1 - expected], atol=1e-6)

    def test_stacking_of_five_is_the_best_there_is(self) -> None:
        rng = np.random.default_rng(3)
        elpd = rng.normal(size=(300, 5)) - [0.0, 0.1, 0.4, 3.0, 0.2]
        weights = stacking(elpd)
        # Karush-Kuhn-Tucker: no model could count for more or less with profit.
        slope = (np.exp(elpd) / (np.exp(elpd) @ weights)[:, None]).mean(axis=0)
        assert weights.sum() == pytest.approx(1)
        assert (weights >= 0).all()
        assert (slope <= 1 + 1e-4).all()
        np.testing.assert_allclose(slope[weights > 1e-3], 1, atol=1e-3)

    def test_stacking_does_not_vanish(self) -> None:
        elpd = np.array([[-2000.0, -2001.0], [-3000.0, -2999.5]])
        np.testing.assert_allclose(stacking(elpd), stacking(elpd + 2000), atol=1e-9)
        assert stacking(np.array([[-1.0]])).tolist() == [1.0]

    def test_stacking_gives_equal_models_equal_weights(self) -> None:
        elpd = np.repeat(np.random.default_rng(1).normal(size=(50, 1)), 2, axis=1)
        np.testing.assert_allclose(stacking(elpd), [0.5, 0.5])

    def test_akaike(self) -> None:
        np.testing.assert_allclose(akaike(np.log([[3.0, 1.0]])), [0.75, 0.25])

    def test_pseudobma_is_less_sure_than_akaike(self) -> None:
        elpd = np.random.default_rng(1).normal(size=(40, 2)) - [0.0, 0.1]
        sure, unsure = akaike(elpd), pseudobma(elpd, 1)
        assert 0.5 < unsure.max() < sure.max()
        assert unsure.sum() == pytest.approx(1)
        np.testing.assert_array_equal(unsure, pseudobma(elpd, 1))

    @pytest.mark.parametrize("weights", ["stacking", "pseudobma", "loo", "waic"])
    def test_weights_of_models(self, pair: dict[str, BrmsFit], weights: str) -> None:
        found = brmspy.model_weights(pair, weights=weights)
        assert list(found.index) == ["one mean", "six means"]
        assert found["six means"] > 0.95
        assert found.sum() == pytest.approx(1)

    @pytest.mark.parametrize(
        ("weights", "message"),
        [("stack", "Did you mean 'stacking'"), ("bma", "marginal likelihoods")],
    )
    def test_other_weights_are_refused(
        self, normal_fit: BrmsFit, weights: str, message: str
    ) -> None:
        with pytest.raises(BrmspyError, match=message):
            normal_fit.model_weights(normal_fit, weights=weights)

    def test_results_of_another_criterion_are_refused(self, normal_fit: BrmsFit) -> None:
        loos: Any = [normal_fit.loo(), normal_fit.loo()]
        with pytest.raises(BrmspyError, match="but the results are those of loo"):
            brmspy.model_weights(*loos, weights="waic")
        assert brmspy.model_weights(*loos, weights="loo").tolist() == [0.5, 0.5]
