"""Fits combined from several: what is kept, what is said, and what cannot be combined."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import pytest

from brmspy.errors import BrmspyError, SamplingWarning
from brmspy.fit import Approximation, Fit, diagnose
from brmspy.fit.diagnostics import mcse_mean
from brmspy.several import combine


@pytest.fixture
def some(support: SimpleNamespace) -> Callable[..., Fit]:
    """Return a function that makes fits with other draws, by seed, and other data, by shift."""

    def make(seed: int, shift: float = 0.0, **changes: Any) -> Fit:
        model = support.make_model()
        model = changes.pop("model", model)
        if shift:
            design = SimpleNamespace(**vars(model.design))
            design.data = design.data.assign(x=design.data["x"] + shift)
            model = replace(model, design=design)
        rng = np.random.default_rng(seed)

        def moved(draws: dict[str, np.ndarray]) -> None:
            for name, values in draws.items():
                draws[name] = values + rng.normal(size=values.shape) + 10 * shift

        chains = changes.get("chains", 2)
        draws = changes.get("draws", 500)
        stats = support.make_stats(chains, draws, seed)
        stats["lp"] = stats["lp"] + seed
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SamplingWarning)  # of few draws, now and then
            return support.make_fit(
                model=model,
                change=moved,
                stats=stats,
                seed=seed,
                **{"chains": 2, **changes},
            )

    return make


Some = Callable[..., Fit]


def test_chains_follow_each_other(some: Some) -> None:
    one, two = some(1), some(2, chains=3)
    both = combine(one, two)
    assert type(both) is type(one)
    assert both["sigma"].sizes == {"chain": 5, "draw": 500}
    np.testing.assert_array_equal(both["sigma"][:2], one["sigma"])
    np.testing.assert_array_equal(both["b_x"][2:], two["b_x"])
    np.testing.assert_array_equal(both["r_g[c d,x]"][2:], two["r_g[c d,x]"])
    np.testing.assert_array_equal(both["sigma"].chain, range(5))
    assert both.names == one.names
    assert both.record.chain_ids == (1, 2, 3, 4, 5)
    assert both.record.seconds == one.record.seconds + two.record.seconds
    assert np.shape(both.record.inv_metric) == (5, 3)
    assert both.groups["posterior"].attrs["sampling_time"] == both.record.sampling_time
    assert both.idata.posterior.sizes["chain"] == 5
    assert not both.groups["posterior"]["b"].to_numpy().flags.writeable
    # What it was made of is as it was.
    assert one["sigma"].sizes["chain"] == 2
    assert one.record.parts == ()


def test_one_fit_is_itself(some: Some) -> None:
    fit = some(1)
    assert combine(fit) is fit


def test_fits_to_the_same_data_are_more_chains(some: Some) -> None:
    both = combine(some(1), some(2))
    assert both.record.data_sets == ((0, 1, 2, 3),)
    everything = both["sigma"].to_numpy()[..., None]
    expected = az.rhat(everything[..., 0])
    assert both.diagnostics.loc["sigma", "Rhat"] == pytest.approx(expected)
    assert "data sets" not in str(both)
    assert "2 fits, 4 chains, each with iter" in str(both)


def test_fits_to_other_data_are_a_mixture(some: Some) -> None:
    fits = [some(1), some(2, shift=1), some(3, shift=2)]
    mixed = combine(*fits)
    assert mixed.record.data_sets == ((0, 1), (2, 3), (4, 5))
    # Chains of the data sets are far apart, and each one's chains agree.
    sigma = mixed["sigma"].to_numpy()
    assert az.rhat(sigma) > 2
    found = mixed.diagnostics.loc["sigma"]
    assert found["Rhat"] == pytest.approx(max(az.rhat(fit["sigma"].to_numpy()) for fit in fits))
    sizes = [az.ess(fit["sigma"].to_numpy(), method="bulk") for fit in fits]
    assert found["Bulk_ESS"] == pytest.approx(sum(sizes))
    assert "not converged" not in " ".join(map(str, mixed.findings))
    summary = mixed.summary(mc_se=True, variables="sigma").iloc[0]
    assert summary["Estimate"] == pytest.approx(sigma.mean())
    errors = [az.mcse(fit["sigma"].to_numpy(), method="mean") for fit in fits]
    assert summary["MC.Error"] == pytest.approx(np.sqrt(np.sum(np.square(errors))) / 3)


def test_the_summary_says_what_rhat_is_about(some: Some) -> None:
    text = str(combine(some(1), some(2, shift=1)))
    assert "2 data sets of 6 observations each" in text
    flat = " ".join(text.split())
    assert "Chains of different data sets need not agree" in flat
    assert "`fit.rhats` has Rhat for each fit" in flat
    assert "2 data sets of 6" in combine(some(1), some(2, shift=1))._repr_html_()


def test_rhats_are_those_of_each_fit(some: Some) -> None:
    fits = [some(1), some(2, shift=1, chains=4)]
    rhats = combine(*fits).rhats
    assert list(rhats.columns) == [1, 2]
    assert list(rhats.index) == list(fits[0].names)
    for number, fit in enumerate(fits, start=1):
        np.testing.assert_allclose(rhats[number], fit.diagnostics["Rhat"])
    assert list(fits[0].rhats.columns) == [1]


def test_a_fit_that_has_not_converged_is_found(some: Some, support: SimpleNamespace) -> None:
    bad = some(2, shift=1)
    moved = {name: group.copy(deep=True) for name, group in bad.groups.items()}
    draws = moved["posterior"]["sigma"].to_numpy().copy()
    draws[0] += 30
    moved["posterior"]["sigma"] = (("chain", "draw"), draws)
    found = combine(some(1), replace(bad, groups=moved)).findings
    assert [finding.kind for finding in found] == ["rhat"]
    assert "The chains have not converged: R-hat is up to" in found[0].message


def test_combined_fits_can_be_combined(some: Some) -> None:
    first = combine(some(1), some(2, shift=1))
    whole = combine(first, some(3), some(4, shift=1), some(5, shift=2))
    # Data sets 1 and 3 are known to be the same; only the first one is kept of a combined fit.
    assert [part.data for part in whole.record.parts] == [1, 2, 1, 3, 4]
    assert [part.seed for part in whole.record.parts] == [1, 2, 3, 4, 5]
    assert whole.record.data_sets == ((0, 1, 4, 5), (2, 3), (6, 7), (8, 9))


def test_failures_say_which_fit(some: Some) -> None:
    whole = combine(some(1), some(2, failures=("chain 3 crashed",)))
    assert whole.record.failures == ("fit 2: chain 3 crashed",)
    assert whole.record.options["chains"] == 4


def test_a_combined_fit_is_saved_whole(some: Some, tmp_path: Path) -> None:
    mixed = combine(some(1), some(2, shift=1))
    mixed.save(tmp_path / "fit.nc")
    model = mixed.model
    again = Fit.load(tmp_path / "fit.nc", lambda spec, data: model)
    assert again.record == mixed.record
    assert str(again) == str(mixed)
    pd.testing.assert_frame_equal(again.rhats, mixed.rhats)


def different(support: SimpleNamespace) -> list[tuple[dict[str, Any], str]]:
    model = support.make_model()
    priors = SimpleNamespace(
        table=lambda: pd.DataFrame({"prior": ["normal(0, 2)"], "class": ["b"]})
    )
    other_levels = [
        *support.group_variables("g", ("a", "b", "d"), ("Intercept", "x"))[:2],
        support.population(("Intercept", "x")),
        support.scalar("sigma"),
        support.group_variables("g", ("a", "b", "d"), ("Intercept", "x"))[2],
    ]
    return [
        ({"model": replace(model, formula="y ~ x")}, "its formula is 'y ~ x', that of fit 1"),
        ({"model": replace(model, sample_prior="only")}, "sample_prior is 'only'"),
        ({"model": replace(model, priors=priors)}, "prior for class='b' is 'normal.0, 2.'.*update"),
        ({"variables": other_levels}, r"has no r_g\[c d,Intercept\].*and has r_g\[d,Intercept\]"),
        ({"draws": 400}, "its chains have 400 draws, those of fit 1 500"),
    ]


@pytest.mark.parametrize("case", range(5))
def test_other_models_are_refused(some: Some, support: SimpleNamespace, case: int) -> None:
    changes, message = different(support)[case]
    with pytest.raises(BrmspyError, match=f"(?s)Fit 3 cannot be combined with fit 1.*{message}"):
        combine(some(1), some(2), some(3, **changes))


def test_the_same_draws_twice_are_refused(some: Some) -> None:
    fit = some(1)
    with pytest.raises(BrmspyError, match=r"Fits 1 and 3 have the same draws \(seed 1\)"):
        combine(fit, some(2), fit)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((), "no fit to combine"), ((["a"],), "combine(*fits)"), ((1, 2), "Argument 1 .* type int")],
)
def test_what_is_no_fit(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(BrmspyError, match=message.replace("(*", r"\(\*").replace("s)", r"s\)")):
        combine(*arguments)


def test_approximations_are_judged_by_the_worst(some: Some) -> None:
    def quick(seed: int, k: float) -> Fit:
        fit = some(seed, chains=1)
        found = Approximation("laplace", "the Laplace approximation", k, 1000, 300.0, True)
        options = {"paths": 1, "draws": 500}
        return replace(fit, record=replace(fit.record, approximation=found, options=options))

    both = combine(quick(1, 0.2), quick(2, 0.9))
    assert both.record.approximation is not None
    assert both.record.approximation.pareto_k == 0.9
    assert both.record.approximation.ess == 600.0
    assert "1000, resampled by importance from 2000 draws" in str(both)
    assert [finding.kind for finding in both.findings] == ["pareto_k"]
    assert both.rhats.isna().all(axis=None)


def test_pools_of_one_are_as_without() -> None:
    draws = np.random.default_rng(1).normal(size=(4, 100, 2))
    np.testing.assert_array_equal(diagnose(draws, [range(4)]).rhat, diagnose(draws).rhat)
    np.testing.assert_array_equal(mcse_mean(draws, [range(4)]), mcse_mean(draws))


def test_a_fit_is_pickled_without_what_can_be_computed_again(fit: Fit) -> None:
    plain = len(pickle.dumps(fit))
    text = str(fit)
    assert len(fit.diagnostics) == len(fit.names)
    assert len(pickle.dumps(fit)) == plain
    draws = sum(group.nbytes for group in fit.groups.values())
    assert plain < 1.2 * draws + 50_000
    again = pickle.loads(pickle.dumps(fit))
    assert str(again) == text
    np.testing.assert_array_equal(again["b"], fit["b"])
    assert not again.groups["posterior"]["b"].to_numpy().flags.writeable


def test_what_the_user_added_to_idata_is_pickled(fit: Fit) -> None:
    fit.idata.add_groups({"prior": {"b": np.zeros((1, 10))}})
    again = pickle.loads(pickle.dumps(fit))
    assert again.idata.prior["b"].shape == (1, 10)
    draws = sum(group.nbytes for group in fit.groups.values())
    assert len(pickle.dumps(fit)) < 1.5 * draws + 50_000
