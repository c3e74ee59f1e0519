"""Several real fits: update, brm_multiple and combine, here and on executors."""

from __future__ import annotations

import multiprocessing
import pickle
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy import (
    BrmsFit,
    BrmspyError,
    BrmspyWarning,
    CompileError,
    brm,
    brm_multiple,
    combine,
    load,
    load_dataset,
    prior,
    update,
)
from brmspy.engine import cache
from brmspy.engine.toolchain import find_toolchain

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.filterwarnings("ignore::brmspy.SamplingWarning"),  # of so few draws
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
]

FORMULA = "Reaction ~ Days + (Days | Subject)"
QUICK: dict[str, Any] = {"chains": 2, "iter_sampling": 500, "progress": False}


@pytest.fixture(scope="module")
def imputed() -> list[pd.DataFrame]:
    """Three data sets in which some reactions are drawn from the others of the subject."""
    sleep = load_dataset("sleepstudy")
    rng = np.random.default_rng(1)
    gone = rng.choice(len(sleep), 20, replace=False)

    def impute() -> pd.DataFrame:
        reaction = sleep["Reaction"].to_numpy().copy()
        for row in gone:
            own = sleep["Subject"].to_numpy() == sleep["Subject"].to_numpy()[row]
            reaction[row] = rng.choice(sleep["Reaction"].to_numpy()[own])
        return sleep.assign(Reaction=reaction)

    return [impute() for _ in range(3)]


@pytest.fixture(scope="module")
def mixed(imputed: list[pd.DataFrame]) -> BrmsFit:
    fit = brm_multiple(FORMULA, imputed, seed=7, **QUICK)
    assert isinstance(fit, BrmsFit)
    return fit


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch, example_fit: Callable[[str], BrmsFit]) -> None:
    """Refuse to compile anything beside the models of the examples."""
    example_fit("sleepstudy")
    example_fit("cbpp")

    def refusing(*arguments: Any) -> None:
        raise CompileError("asked to compile")

    monkeypatch.setattr(type(find_toolchain()), "compile", refusing)


def assert_same_draws(one: BrmsFit, other: BrmsFit) -> None:
    for name in one.groups["posterior"]:
        np.testing.assert_array_equal(
            one.groups["posterior"][name], other.groups["posterior"][name]
        )
    for name in one.groups["sample_stats"]:
        np.testing.assert_array_equal(
            one.groups["sample_stats"][name], other.groups["sample_stats"][name]
        )
    assert one.record.seed == other.record.seed
    assert one.record.inv_metric == other.record.inv_metric


def test_update_reuses_the_binary(
    example_fit: Callable[[str], BrmsFit],
    no_compiler: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    fit = example_fit("sleepstudy")
    sleep = load_dataset("sleepstudy")
    half = update(fit, newdata=sleep.query("Days >= 5"), seed=1, **QUICK)
    assert half.nobs == 90
    assert half.prior_summary()["prior"].tolist() == fit.prior_summary()["prior"].tolist()
    narrow = prior("student_t(3, 400, 0.01)", class_="Intercept")  # at the mean of Days
    tight = update(half, prior=narrow, seed=1, **QUICK).summary()["Estimate"]
    assert tight["b_Intercept"] + half.data["Days"].mean() * tight["b_Days"] == pytest.approx(
        400, abs=1
    )
    wider = update(fit, "~ . + I(Days^2)", seed=1, **QUICK)
    assert "b_IDaysE2" in wider
    # That there was nothing to compile, and not nobody to ask:
    monkeypatch.setattr(cache, "models_directory", lambda: tmp_path)
    with pytest.raises(CompileError, match="asked to compile"):
        update(fit, newdata=sleep.query("Days >= 5"), seed=1, **QUICK)


def test_update_of_a_binomial_model(
    example_fit: Callable[[str], BrmsFit], no_compiler: None
) -> None:
    fit = example_fit("cbpp")
    same = update(fit, seed=fit.record.seed, progress=False)
    assert_same_draws(same, fit)
    other = update(fit, seed=2, chains=2, progress=False)
    difference = other.summary()["Estimate"] - fit.summary()["Estimate"]
    assert (difference.abs() < 0.2 * fit.summary()["Est.Error"]).all()


def test_fits_to_imputed_data(mixed: BrmsFit, imputed: list[pd.DataFrame]) -> None:
    each = brm_multiple(FORMULA, imputed, combine=False, seed=7, **QUICK)
    assert isinstance(each, list)
    assert [fit.record.seed for fit in each] == [part.seed for part in mixed.record.parts]
    assert mixed.record.seed == 7
    for fit, chains in zip(each, mixed.record.fits, strict=True):
        np.testing.assert_array_equal(mixed["b_Days"][list(chains)], fit["b_Days"])
    means = [fit.summary().loc["b_Days", "Estimate"] for fit in each]
    assert mixed.summary().loc["b_Days", "Estimate"] == pytest.approx(np.mean(means))
    # Rubin's rules: the variance within, and that between the data sets.
    within = np.mean([np.var(fit["b_Days"].to_numpy(), ddof=1) for fit in each])
    total = mixed.summary().loc["b_Days", "Est.Error"] ** 2
    assert total == pytest.approx(within + np.var(means), rel=0.01)
    assert (mixed.rhats < 1.05).all(axis=None)
    assert_same_draws(combine(*each), combine(*each))


def test_a_combined_fit_is_a_fit(mixed: BrmsFit, tmp_path: Path) -> None:
    text = str(mixed)
    assert "3 data sets of 180 observations each" in text
    assert "3 fits, 6 chains" in text
    assert "Sampler's plan" in str(mixed.sampler_plan())
    mixed.save(tmp_path / "fit.nc")
    again = load(tmp_path / "fit.nc")
    assert str(again) == text
    assert_same_draws(again, mixed)
    copied = pickle.loads(pickle.dumps(mixed))
    assert str(copied) == text
    draws = sum(group.nbytes for group in mixed.groups.values())
    assert len(pickle.dumps(mixed)) < 1.1 * draws + 200_000
    with pytest.raises(BrmspyError, match=r"combines fits to 3 data sets.*newdata="):
        mixed.update(**QUICK)
    assert mixed.update(newdata=load_dataset("sleepstudy"), seed=1, **QUICK).record.parts == ()


def test_predictions_say_which_data_they_are_for(
    mixed: BrmsFit, imputed: list[pd.DataFrame]
) -> None:
    with pytest.warns(BrmspyWarning, match="3 data sets.*rows of the first data set"):
        ours = mixed.log_lik()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        named = mixed.log_lik(newdata=imputed[0])
        other = mixed.log_lik(newdata=imputed[1])
    assert ours.sizes == {"chain": 6, "draw": 500, "obs": 180}
    np.testing.assert_allclose(ours, named)
    assert not np.allclose(named, other)
    with pytest.warns(BrmspyWarning, match="first data set"):
        assert mixed.posterior_epred(ndraws=10).sizes["obs"] == 180


def threads(count: int) -> Any:
    return ThreadPoolExecutor(count)


def new_processes(count: int) -> Any:
    """Return a pool of processes that know nothing but what is sent to them."""
    return ProcessPoolExecutor(count, multiprocessing.get_context("spawn"))


@pytest.mark.parametrize("pool", [threads, new_processes])
def test_chains_on_an_executor_draw_what_they_draw_here(pool: Callable[[int], Any]) -> None:
    data = load_dataset("cbpp")
    formula = "incidence | trials(size) ~ period + (1 | herd)"
    here = brm(formula, data, "binomial", seed=3, **QUICK)
    with pool(2) as executor:
        there = brm(formula, data, "binomial", seed=3, executor=executor, **QUICK)
    assert_same_draws(there, here)
    assert there.record.toolchain == here.record.toolchain
    assert there.record.chain_ids == here.record.chain_ids


def test_all_chains_of_all_data_sets_run_on_an_executor(
    mixed: BrmsFit, imputed: list[pd.DataFrame]
) -> None:
    with threads(2) as executor:
        there = brm_multiple(FORMULA, imputed, seed=7, executor=executor, **QUICK)
    assert isinstance(there, BrmsFit)
    assert_same_draws(there, mixed)
    assert there.record.parts == mixed.record.parts


@pytest.mark.parametrize("algorithm", ["laplace", "pathfinder"])
def test_approximations_of_several_data_sets(imputed: list[pd.DataFrame], algorithm: str) -> None:
    settings = {"algorithm": algorithm, "seed": 1, "progress": False}
    here = brm_multiple("Reaction ~ Days", imputed[:2], **settings)
    with threads(2) as executor:
        there = brm_multiple("Reaction ~ Days", imputed[:2], executor=executor, **settings)
    assert isinstance(here, BrmsFit)
    assert isinstance(there, BrmsFit)
    np.testing.assert_array_equal(here["b_Days"], there["b_Days"])
    assert here["b_Days"].sizes["chain"] == 2
    assert here.record.approximation is not None
    assert "8000" in str(here)
    assert here.rhats.isna().all(axis=None)


def test_fits_to_the_same_data_from_two_places() -> None:
    sleep = load_dataset("sleepstudy")
    fits = [brm("Reaction ~ Days", sleep, seed=seed, **QUICK) for seed in (1, 2)]
    both = combine(*fits)
    assert both.record.data_sets == ((0, 1, 2, 3),)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert both.posterior_epred(ndraws=5).sizes["obs"] == 180
    # The defaults of other data are other priors.
    other = brm("Reaction ~ Days", sleep.query("Days > 4"), seed=3, **QUICK)
    with pytest.raises(BrmspyError, match=r"its prior for class='Intercept'.*brm_multiple"):
        combine(fits[0], other)
