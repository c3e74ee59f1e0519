"""Fits whose draws are those of an approximation."""

from __future__ import annotations

import dataclasses
import json
import math
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import pytest

from brmspy.engine.approximate import ApproximateOptions, ApproximateRun
from brmspy.errors import BrmspyError, SamplingWarning
from brmspy.fit import Fit, FitRecord
from brmspy.fit.advice import verdict

Make = Callable[..., Fit]

# log q, and by how much the log densities differ: the ratios have a tail of shape k.
CANDIDATES = 4000
RANDOM = np.random.default_rng(11)
LOG_Q = RANDOM.normal(size=CANDIDATES)
TAIL = RANDOM.exponential(size=CANDIDATES)


@pytest.fixture
def make(support: SimpleNamespace) -> Make:
    """Return a function that makes a fit whose importance ratios have a tail of shape `k`."""

    def make_fit(
        algorithm: str = "laplace",
        k: float = 0.2,
        *,
        draws: int = 3000,
        paths: int = 1,
        finished: int | None = None,
        model: Any = None,
        failures: tuple[str, ...] = (),
        ratios: np.ndarray | None = None,
        change: Callable[[dict[str, np.ndarray]], object] | None = None,
    ) -> Fit:
        variables = support.sleep_variables()
        values = support.make_draws(variables, 1, CANDIDATES)
        if ratios is None:
            # A single draw with weight has no tail.
            ratios = k * TAIL if math.isfinite(k) else np.where(np.arange(CANDIDATES), -1e6, 0)
        lp = LOG_Q + ratios
        values["sigma"] = lp[None]  # so that the draws can be told apart
        if change is not None:
            change(values)
        run = ApproximateRun(
            draws=values,
            lp=lp,
            log_q=LOG_Q,
            paths=paths if finished is None else finished,
            seed=5,
            seconds=0.25,
            failures=failures,
        )
        return Fit.from_approximation(
            model or support.make_model(),
            variables,
            run,
            ApproximateOptions(algorithm, draws=draws, paths=paths),
            support.toolchain,
        )

    return make_fit


@pytest.fixture
def fit(make: Make) -> Fit:
    return make()


def bad(make: Make, algorithm: str = "laplace", k: float = 1.5, **settings: Any) -> Fit:
    """Return a fit that warns."""
    with pytest.warns(SamplingWarning, match="Pareto k"):
        return make(algorithm, k, **settings)


class TestDraws:
    def test_there_is_one_chain_with_both_densities(self, fit: Fit) -> None:
        posterior, stats = fit.idata.posterior, fit.idata.sample_stats
        assert posterior.sizes["chain"] == 1
        assert posterior.sizes["draw"] == 3000
        assert set(stats.data_vars) == {"lp", "log_q"}
        assert stats["lp"].dims == stats["log_q"].dims == ("chain", "draw")
        assert fit["b_x"].shape == (1, 3000)
        assert {"observed_data", "constant_data"} & set(fit.idata.groups())
        assert fit.idata.posterior.attrs["algorithm"] == "laplace"
        assert fit.idata.posterior.attrs["pareto_k"] == fit.record.approximation.pareto_k

    def test_draws_and_densities_are_resampled_together(self, fit: Fit) -> None:
        assert fit.record.approximation.resampled
        np.testing.assert_array_equal(fit["sigma"], fit["lp__"])
        found = np.searchsorted(np.sort(LOG_Q), fit.idata.sample_stats["log_q"])
        assert len(np.unique(found)) < 3000

    def test_resampled_draws_are_weighted(self, fit: Fit) -> None:
        # The weight exp(0.2 x) of an exponential x makes it an exponential of rate 0.8.
        log_ratio = fit.idata.sample_stats["lp"] - fit.idata.sample_stats["log_q"]
        assert abs(float(log_ratio.mean()) / 0.2 - 1.25) < 0.08

    @pytest.mark.parametrize("algorithm", ["laplace", "meanfield", "fullrank"])
    def test_weights_that_cannot_be_trusted_are_not_used(self, make: Make, algorithm: str) -> None:
        fit = bad(make, algorithm)
        assert not fit.record.approximation.resampled
        np.testing.assert_array_equal(fit["lp__"][0], (LOG_Q + 1.5 * TAIL)[:3000])

    def test_pathfinder_is_resampled_in_any_case(self, make: Make) -> None:
        fit = bad(make, "pathfinder", paths=4)
        assert fit.record.approximation.resampled
        assert len(np.unique(fit["lp__"])) < 1500

    def test_the_seed_decides_which(self, make: Make) -> None:
        np.testing.assert_array_equal(make()["sigma"], make()["sigma"])

    def test_draws_as_a_table(self, fit: Fit) -> None:
        table = fit.draws_df()
        assert set(table[".chain"]) == {1}
        assert len(table) == 3000
        assert {"b_x", "r_g[a,x]", "lp__"} <= set(table.columns)


class TestRecord:
    def test_it_says_how_the_draws_were_made(self, make: Make) -> None:
        record = make("pathfinder", paths=4, finished=3, failures=("path 2 failed",)).record
        found = record.approximation
        assert found is not None
        assert record.algorithm == found.algorithm == "pathfinder"
        assert found.paths == 3
        assert found.candidates == CANDIDATES
        assert abs(found.pareto_k - 0.2) < 0.15
        # 1 / E[w^2] for exp(0.2 x): (1 / 0.8)^2 * 0.6.
        assert abs(found.ess / CANDIDATES - 0.9375) < 0.01
        assert record.failures == ("path 2 failed",)
        assert record.options["draws"] == 3000
        assert record.seed == 5
        assert record.sampling_time == 0.25

    @pytest.mark.parametrize("k", [0.2, math.inf])
    def test_round_trip(self, make: Make, k: float, tmp_path: Path) -> None:
        fit = make(k=k) if math.isfinite(k) else bad(make, k=k)
        assert math.isinf(fit.record.approximation.pareto_k) == math.isinf(k)
        fit.save(tmp_path / "fit.nc")
        again = Fit.load(tmp_path / "fit.nc", lambda spec, data: fit.model)
        assert again.record == fit.record
        assert str(again) == str(fit)
        assert again.findings == fit.findings
        for name, group in fit.groups.items():
            assert again.groups[name].identical(group)
        az.from_netcdf(tmp_path / "fit.nc")

    def test_a_fit_of_the_first_format_was_sampled(self, support: SimpleNamespace) -> None:
        record = support.make_fit().record
        content = json.loads(json.dumps(record.to_dict()))
        del content["approximation"]
        read = FitRecord.from_dict(content)
        assert read == record
        assert read.algorithm == "nuts"
        assert support.make_fit().idata.posterior.attrs["algorithm"] == "nuts"

    def test_it_can_be_pickled(self, fit: Fit) -> None:
        assert str(pickle.loads(pickle.dumps(fit))) == str(fit)
        assert dataclasses.is_dataclass(fit.record.approximation)


class TestFindings:
    def test_nothing_is_said_of_good_draws(self, make: Make) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fit = make("pathfinder", paths=4, finished=3, failures=("path 2 failed",))
        assert fit.findings == ()

    @pytest.mark.parametrize(
        ("algorithm", "title"),
        [
            ("pathfinder", "Pathfinder misses"),
            ("laplace", "the Laplace approximation misses"),
            ("meanfield", "mean-field ADVI misses"),
            ("fullrank", "full-rank ADVI misses"),
        ],
    )
    def test_a_large_k_is_warned_of(self, make: Make, algorithm: str, title: str) -> None:
        with pytest.warns(SamplingWarning) as caught:
            fit = make(algorithm, 1.5)
        [warning] = caught
        [finding] = fit.findings
        assert finding.kind == "pareto_k"
        k = fit.record.approximation.pareto_k
        for part in (f"Pareto k is {k:.2f} (> 0.7)", title, "Do not trust", 'algorithm="nuts"'):
            assert part in str(warning.message)
        assert "Warning: Pareto k is" in str(fit)

    def test_what_failed_is_said_if_k_is_large(self, make: Make) -> None:
        with pytest.warns(SamplingWarning, match=r"for it\. ADVI has not converged\. Do not trust"):
            make("meanfield", 1.5, failures=("ADVI has not converged",))

    def test_no_tail_at_all(self, make: Make) -> None:
        with pytest.warns(SamplingWarning, match="Pareto k is infinite"):
            make(k=math.inf)

    def test_few_draws_with_all_the_weight(self, make: Make) -> None:
        # One in twenty, and these with a light tail.
        ratios = np.where(np.arange(CANDIDATES) % 20, -50.0, 0.1 * TAIL)
        with pytest.warns(SamplingWarning, match="worth only 19. independent ones .< 400.*raise"):
            fit = make(ratios=ratios)
        assert fit.record.approximation.pareto_k < 0.5
        assert [finding.kind for finding in fit.findings] == ["ess"]

    def test_draws_that_are_no_numbers(self, make: Make) -> None:
        def spoil(values: dict[str, np.ndarray]) -> None:
            values["b"][:, :, 1] = np.nan

        with pytest.warns(SamplingWarning, match="Draws of b_x are not finite"):
            make(change=spoil)


class TestSummary:
    def test_there_is_nothing_about_chains(self, fit: Fit) -> None:
        table = fit.summary()
        assert list(table.columns) == ["Estimate", "Est.Error", "l-95% CI", "u-95% CI"]
        assert isinstance(table, pd.DataFrame)
        values = fit["b_x"].to_numpy().ravel()
        assert table.loc["b_x", "Estimate"] == pytest.approx(values.mean())
        assert table.loc["b_x", "Est.Error"] == pytest.approx(values.std(ddof=1))
        robust = fit.summary(robust=True, prob=0.5, variables="b_x")
        assert robust.loc["b_x", "Estimate"] == pytest.approx(np.median(values))

    def test_diagnostics_are_unknown(self, fit: Fit) -> None:
        assert list(fit.diagnostics.columns) == ["Rhat", "Bulk_ESS", "Tail_ESS"]
        assert list(fit.diagnostics.index) == list(fit.names)
        assert fit.diagnostics.isna().all(axis=None)

    def test_there_is_no_monte_carlo_error(self, fit: Fit) -> None:
        with pytest.raises(BrmspyError, match=r"no meaning for an approximation.*Pareto k.*nuts"):
            fit.summary(mc_se=True)

    @pytest.mark.parametrize(
        ("k", "said"),
        [
            (-1.0, "-1.00, good"),
            (0.31, "0.31, good: the draws stand for the posterior"),
            (0.4999, "0.4999, good"),
            (0.5, "0.5000, usable"),
            (0.62, '0.62, usable: good enough to explore; confirm with algorithm="nuts"'),
            (0.7, "0.7000, usable"),
            (0.7001, "0.7001, bad"),
            (1.24, '1.24, bad: do not trust these draws; use algorithm="nuts"'),
            (math.inf, "infinite, bad"),
        ],
    )
    def test_the_verdict(self, k: float, said: str) -> None:
        assert verdict(k).startswith(said)

    def test_a_good_fit_in_print(self, fit: Fit) -> None:
        lines = str(fit).splitlines()
        found = fit.record.approximation
        assert lines[4:7] == [
            "   Draws: 3000, resampled by importance from 4000 draws",
            f"          (worth {found.ess:.0f} independent ones) from the Laplace approximation",
            f"Pareto k: {found.pareto_k:.2f}, good: the draws stand for the posterior",
        ]
        text = " ".join(" ".join(lines).split())
        assert 'Approximated (algorithm="laplace") by Stan 2.35.0' in text
        assert "in 0.2 s. Pareto k says how well" in text
        for word in ("Bulk_ESS", "warmup", "slowest", "NUTS", "Warning"):
            assert word not in text

    def test_a_bad_fit_in_print(self, make: Make) -> None:
        lines = str(bad(make)).splitlines()
        assert lines[4] == "   Draws: 3000 from the Laplace approximation"
        assert lines[5].endswith('bad: do not trust these draws; use algorithm="nuts"')

    @pytest.mark.parametrize(("finished", "said"), [(4, "4 paths"), (3, "3 of 4 paths")])
    def test_paths_are_counted(self, make: Make, finished: int, said: str) -> None:
        text = str(make("pathfinder", paths=4, finished=finished))
        assert f"from Pathfinder ({said})" in text

    def test_draws_from_the_prior(self, make: Make, support: SimpleNamespace) -> None:
        text = str(make(model=support.make_model(sample_prior="only")))
        assert "from the Laplace approximation of the prior" in text

    def test_html_says_the_same(self, fit: Fit) -> None:
        page = fit._repr_html_()
        assert "Pareto k" in page
        assert "good: the draws stand for the posterior" in page
        assert "Rhat<" not in page
