"""Cross-validation by fitting again: against exact densities, and with real fits."""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import logsumexp

import brmspy
from brmspy import BrmsFit, brm, load_dataset, prior
from brmspy.checks import heldout
from brmspy.errors import BrmspyError, DataError, SamplingWarning
from brmspy.fit import Finding
from brmspy.fitting import JobsInterrupted

Example = Callable[[str], BrmsFit]
MakeFit = Callable[..., BrmsFit]


@pytest.fixture
def refits(
    monkeypatch: pytest.MonkeyPatch, make_fit: MakeFit, normal_draws: Callable[..., Any]
) -> list[tuple[pd.DataFrame, int]]:
    """Fit ``y ~ 1`` exactly wherever it is fitted again; return what was fitted."""
    calls: list[tuple[pd.DataFrame, int]] = []

    def refit(fit: BrmsFit, data: pd.DataFrame, *, seed: int, progress: bool) -> BrmsFit:
        assert not progress
        calls.append((data, seed))
        return make_fit("y ~ 1", data, normal_draws(data["y"].to_numpy(), seed), seed=seed)

    monkeypatch.setattr(heldout, "refit", refit)
    return calls


def exact(y: np.ndarray, held_out: np.ndarray) -> np.ndarray:
    """Return the log density of some values given the others, with 1/sigma as prior."""
    rest = np.delete(y, held_out)
    n = len(rest)
    scale = rest.std(ddof=1) * np.sqrt(1 + 1 / n)
    return np.asarray(stats.t.logpdf(y[held_out], n - 1, rest.mean(), scale))


class TestKFold:
    def test_each_fold_is_predicted_without_itself(
        self, normal_fit: BrmsFit, measured: pd.DataFrame, refits: Any
    ) -> None:
        result = normal_fit.kfold(5)
        y = measured["y"].to_numpy()
        expected = np.empty(60)
        for fold in range(1, 6):
            rows = np.flatnonzero(result.folds == fold)
            expected[rows] = exact(y, rows)
        assert result.pointwise is not None
        np.testing.assert_allclose(result.pointwise["elpd_kfold"], expected, atol=0.05)
        assert result.elpd == pytest.approx(expected.sum(), abs=0.3)
        assert result.se == pytest.approx(np.sqrt(60) * expected.std(ddof=1), rel=0.05)
        assert result.pointwise.index.equals(measured.index)
        assert [len(data) for data, _ in refits] == [48] * 5
        assert len({seed for _, seed in refits}) == 5

    def test_p_is_what_a_row_loses_by_being_left_out(
        self, measured: pd.DataFrame, make_fit: MakeFit, normal_draws: Any, refits: Any
    ) -> None:
        few = measured.iloc[:12]
        fit = make_fit("y ~ 1", few, normal_draws(few["y"].to_numpy()))
        result = fit.kfold(folds="loo")
        assert result.p == pytest.approx(fit.loo().p, abs=0.3)
        assert len(refits) == 12

    def test_calls_can_be_repeated(self, normal_fit: BrmsFit, refits: Any) -> None:
        first, again = normal_fit.kfold(3), normal_fit.kfold(3)
        pd.testing.assert_frame_equal(first.pointwise, again.pointwise)
        assert (normal_fit.kfold(3, seed=5).folds != first.folds).any()

    def test_fits_are_kept_if_asked(self, normal_fit: BrmsFit, refits: Any) -> None:
        assert normal_fit.kfold(3).fits == ()
        kept = normal_fit.kfold(3, save_fits=True)
        assert [fit.nobs for fit in kept.fits] == [40, 40, 40]

    def test_text(self, normal_fit: BrmsFit, refits: Any) -> None:
        result = normal_fit.kfold(3, "stratified", group=np.arange(60) % 2)
        text = repr(result)
        assert "3 folds, each with its share of each level of group" in text
        for word in ("elpd_kfold", "p_kfold", "kfoldic", "60 rows"):
            assert word in text
            assert word in result._repr_html_()

    def test_what_is_wrong_with_the_fits_is_told_once(
        self, normal_fit: BrmsFit, refits: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        inner = heldout.refit
        finding = Finding("divergences", "12 of 4000 draws diverged.", "Take smaller steps.")

        def refit(fit: Any, data: Any, **options: Any) -> Any:
            made = inner(fit, data, **options)
            made.__dict__["findings"] = (finding,) if len(refits) == 2 else ()
            return made

        monkeypatch.setattr(heldout, "refit", refit)
        with pytest.warns(SamplingWarning, match=r"1 fit of 3 .*divergences.*Fold 2: 12 of") as it:
            result = normal_fit.kfold(3)
        assert len(it) == 1
        assert "the draws of 1 fit of 3 have problems: divergences" in repr(result)

    def test_an_interrupted_fit_ends_it(
        self, normal_fit: BrmsFit, refits: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        inner = heldout.refit

        def refit(fit: Any, data: Any, **options: Any) -> Any:
            made = inner(fit, data, **options)
            if len(refits) < 3:
                return made
            return replace(made, record=replace(made.record, interrupted=True))

        monkeypatch.setattr(heldout, "refit", refit)
        with pytest.raises(JobsInterrupted) as caught:
            normal_fit.kfold(5)
        assert sorted(caught.value.results) == [0, 1]
        assert len(refits) == 3

    def test_folds_that_leave_out_a_level_are_refused_before_anything_is_fitted(
        self, measured: pd.DataFrame, make_fit: MakeFit, refits: Any
    ) -> None:
        draws = {"b": np.zeros((4000, 6)), "sigma": np.ones(4000)}
        fit = make_fit("y ~ g", measured, draws)
        folds = np.repeat(np.arange(1, 7), 10)
        with pytest.raises(DataError, match=r'Fold 1 cannot be left out.*folds="stratified"'):
            fit.kfold(folds=folds)
        assert refits == []

    def test_comparison_needs_the_same_folds(self, normal_fit: BrmsFit, refits: Any) -> None:
        first = normal_fit.kfold(3)
        with pytest.raises(BrmspyError, match=r"folds=kfold1\.folds"):
            brmspy.loo_compare(first, normal_fit.kfold(4))
        # The same folds, called otherwise.
        named = normal_fit.kfold(folds=np.array(["c", "a", "b"])[first.folds - 1])
        result = brmspy.loo_compare(first, named)
        assert result.criterion == "kfold"
        assert brmspy.model_weights(first, named, weights="kfold").sum() == pytest.approx(1)

    @pytest.mark.parametrize("seed", [-1, "one", 1.5, True])
    def test_seed_must_be_a_number(self, normal_fit: BrmsFit, seed: Any) -> None:
        with pytest.raises(BrmspyError, match=r"seed = .* is not valid"):
            normal_fit.kfold(3, seed=seed)


class TestReloo:
    def test_only_rows_with_high_k_are_left_out(
        self, measured: pd.DataFrame, make_fit: MakeFit, normal_draws: Any, refits: Any
    ) -> None:
        data = measured.copy()
        data.loc["row 7", "y"] = 200.0
        y = data["y"].to_numpy()
        fit = make_fit("y ~ 1", data, normal_draws(y))
        before, after = fit.loo(), fit.reloo()
        assert [len(rows) for rows, _ in refits] == [59]
        assert "row 7" not in refits[0][0].index
        assert after.refitted[after.refitted].index.tolist() == ["row 7"]
        assert after.bad_rows.empty
        assert before.pointwise is not None
        assert after.pointwise is not None
        draws = normal_draws(np.delete(y, 7), refits[0][1])
        density = stats.norm.logpdf(200.0, draws["b"][:, 0], draws["sigma"])
        left_out = after.pointwise.loc["row 7", "elpd_loo"]
        assert left_out == pytest.approx(logsumexp(density) - np.log(4000))
        others = data.index != "row 7"
        pd.testing.assert_frame_equal(before.pointwise[others], after.pointwise[others])
        assert "fitted without the row" in repr(after)
        assert "Warning: Pareto k" not in repr(after)

    def test_an_estimate_at_hand_is_used(self, normal_fit: BrmsFit, refits: Any) -> None:
        estimate = normal_fit.loo()
        high = estimate.pareto_k.nlargest(3)
        result = normal_fit.reloo(float(high.iloc[-1]) - 1e-9, estimate=estimate)
        assert set(result.refitted[result.refitted].index) == set(high.index)
        assert len(refits) == 3
        # Rows that were left out once need not be again.
        again = normal_fit.reloo(float(high.iloc[-1]) - 1e-9, estimate=result)
        assert len(refits) == 3
        pd.testing.assert_frame_equal(again.pointwise, result.pointwise)

    def test_estimates_of_other_models_are_refused(
        self, normal_fit: BrmsFit, measured: pd.DataFrame, make_fit: MakeFit, normal_draws: Any
    ) -> None:
        y = measured["y"].to_numpy()
        other = make_fit("y ~ 1", measured.iloc[1:], normal_draws(y[1:]))
        with pytest.raises(BrmspyError, match="a model with other rows"):
            normal_fit.reloo(estimate=other.loo())
        with pytest.raises(BrmspyError, match="what loo"):
            normal_fit.reloo(estimate=normal_fit.waic())  # type: ignore[arg-type]
        with pytest.raises(BrmspyError, match="pointwise=True"):
            normal_fit.reloo(estimate=normal_fit.loo(pointwise=False))


# Of few divergences, or draws, in fits to few data.
@pytest.mark.filterwarnings("ignore::brmspy.SamplingWarning")
@pytest.mark.compiled
class TestRealFits:
    def test_one_group_at_a_time(self, example_fit: Example) -> None:
        fit = example_fit("cbpp")
        herds = fit.data["herd"].isin(["1", "2", "3"])
        small = brm(
            "incidence | trials(size) ~ period + (1 | herd)",
            fit.data[herds | fit.data["herd"].isin(["4", "5", "6"])],
            "binomial",
            seed=1,
            adapt_delta=0.99,
            iter_sampling=500,
            progress=False,
        )
        result = small.kfold(group="herd", save_fits=True)
        assert len(result.fits) == 6
        text = " ".join(repr(result).split())
        assert "6 levels of herd had no rows left" in text
        assert 'sample_new_levels="uncertainty"' in text
        first = result.fits[0]
        assert "1" not in first.model.design.groups[0].levels
        rows = small.data["herd"] == "1"
        density = first.log_lik(
            small.data[rows], allow_new_levels=True, seed=first.record.seed
        ).to_numpy()
        expected = np.log(np.exp(density).mean(axis=(0, 1)))
        assert result.pointwise is not None
        np.testing.assert_allclose(result.pointwise.loc[rows, "elpd_kfold"], expected)

    def test_priors_are_those_of_the_fit(self, example_fit: Example) -> None:
        fit = example_fit("plant_growth")
        result = fit.kfold(2, "stratified", group="group", save_fits=True)
        for part in result.fits:
            pd.testing.assert_frame_equal(part.prior_summary(), fit.prior_summary())
            assert part.record.arguments["adapt_delta"] == 0.95

    def test_kfold_and_reloo_agree_with_loo(self, example_fit: Example) -> None:
        fit = example_fit("plant_growth")
        estimate = fit.loo()
        threshold = float(estimate.pareto_k.nlargest(2).iloc[-1]) - 1e-9
        again = fit.reloo(threshold, estimate=estimate)
        assert again.refitted.sum() == 2
        assert estimate.pointwise is not None
        assert again.pointwise is not None
        np.testing.assert_allclose(
            again.pointwise["elpd_loo"], estimate.pointwise["elpd_loo"], atol=0.1
        )
        assert fit.kfold(10, "stratified", group="group").elpd == pytest.approx(
            estimate.elpd, abs=1.0
        )

    def test_on_processes(self, example_fit: Example) -> None:
        fit = example_fit("plant_growth")
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(2, context) as executor:
            there = fit.kfold(2, "stratified", group="group", executor=executor)
        here = fit.kfold(2, "stratified", group="group")
        pd.testing.assert_frame_equal(there.pointwise, here.pointwise)

    def test_what_a_worker_gets_is_small(self, example_fit: Example) -> None:
        fit = example_fit("sleepstudy")
        assert len(pickle.dumps(replace(fit, groups={}))) < 2e6

    def test_distributional_and_weighted(self) -> None:
        data = load_dataset("sleepstudy").assign(w=2.0)
        data = data[data["Subject"].isin(data["Subject"].unique()[:5])]
        fit = brm(
            brmspy.bf("Reaction | weights(w) ~ Days + (Days | Subject)"),
            data,
            prior=prior("normal(0, 50)", class_="b"),
            seed=1,
            iter_sampling=500,
            adapt_delta=0.95,
            progress=False,
        )
        assert "multiplied by their weights" in repr(fit.kfold(2))
