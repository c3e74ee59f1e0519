"""Draws from the prior, and groups that are added for ArviZ."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import brmspy
from brmspy import BrmsFit, bf, brm, load_dataset, prior
from brmspy.errors import BrmspyError, PriorError

Example = Callable[[str], BrmsFit]
MakeFit = Callable[..., BrmsFit]

# ArviZ calls pandas and Matplotlib in ways that these are giving up.
BY_ARVIZ = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class TestFlatPriors:
    def test_they_are_named_with_what_to_set(self, make_fit: MakeFit) -> None:
        data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 8.0], "x": [0.0, 1.0, 2.0, 3.0]})
        fit = make_fit("y ~ x", data, {"b": np.zeros((4000, 2)), "sigma": np.ones(4000)})
        with pytest.raises(PriorError) as caught:
            fit.prior_predictive()
        message = str(caught.value)
        assert "flat priors, which b_x has" in message
        # 2.5 standard deviations of y for one of x.
        scale = 2.5 * data["y"].std(ddof=0) / data["x"].std(ddof=0)
        assert f"prior(\"normal(0, {scale:.2g})\", class_='b')" in message

    def test_of_other_parameters(self, make_fit: MakeFit) -> None:
        data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 8.0], "x": [0.0, 1.0, 2.0, 3.0]})
        draws = {
            "b": np.zeros((4000, 2)),
            "b_sigma": np.zeros((4000, 2)),
        }
        fit = make_fit(bf("y ~ x", "sigma ~ x"), data, draws)
        with pytest.raises(PriorError, match=r"b_sigma_x, b_x have.*dpar='sigma'"):
            fit.extend("prior")
        curve = make_fit(
            bf("y ~ a * exp(k * x)", "a + k ~ 1", nl=True),
            data,
            {"b_a": np.ones((4000, 1)), "b_k": np.ones((4000, 1)), "sigma": np.ones(4000)},
        )
        with pytest.raises(PriorError, match=r"<likely value>.*nlpar='a'.*nlpar='k'"):
            curve.prior_draws()

    def test_what_is_no_prior(self, normal_fit: BrmsFit) -> None:
        with pytest.raises(PriorError, match=r"prior= takes what prior"):
            normal_fit.prior_draws(prior=["normal(0, 1)"])  # type: ignore[list-item]


class TestExtend:
    def test_unknown_groups_are_errors_and_change_nothing(self, normal_fit: BrmsFit) -> None:
        before = list(normal_fit.idata.groups())
        with pytest.raises(BrmspyError, match="Did you mean 'log_likelihood'"):
            normal_fit.extend("posterior_predictive", "log_lik")
        with pytest.raises(BrmspyError, match="Name the groups to add"):
            normal_fit.extend()
        assert list(normal_fit.idata.groups()) == before

    def test_density_and_responses(self, normal_fit: BrmsFit, measured: pd.DataFrame) -> None:
        assert normal_fit.extend("log_likelihood", "posterior_predictive") is normal_fit
        idata = normal_fit.idata
        assert idata.log_likelihood["y"].dims == ("chain", "draw", "obs")
        assert idata.log_likelihood["obs"].to_numpy().tolist() == list(measured.index)
        np.testing.assert_array_equal(idata.log_likelihood["y"], normal_fit.log_lik())
        np.testing.assert_array_equal(
            idata.posterior_predictive["y"], normal_fit.posterior_predict()
        )

    def test_groups_are_made_again(self, normal_fit: BrmsFit) -> None:
        normal_fit.extend("posterior_predictive")
        first = normal_fit.idata.posterior_predictive["y"]
        assert (
            normal_fit.extend("posterior_predictive").idata.posterior_predictive["y"].equals(first)
        )
        other = normal_fit.extend("posterior_predictive", seed=4).idata.posterior_predictive["y"]
        assert not other.equals(first)

    @BY_ARVIZ
    @pytest.mark.parametrize("name", ["obs", "chain x", "y"])
    def test_arviz_works_on_it(
        self, name: str, make_fit: MakeFit, normal_draws: Callable[..., Any]
    ) -> None:
        y = np.random.default_rng(1).normal(size=100)
        fit = make_fit(f"`{name}` ~ 1", {name: y}, normal_draws(y))
        idata = fit.extend("log_likelihood", "posterior_predictive").idata
        assert az.loo(idata).elpd_loo == pytest.approx(fit.loo().elpd, abs=0.05)
        assert len(az.compare({"a": idata, "b": idata})) == 2
        az.plot_ppc(idata, num_pp_samples=10)
        az.plot_bpv(idata)

    def test_what_was_added_is_saved(self, normal_fit: BrmsFit, tmp_path: Path) -> None:
        normal_fit.extend("log_likelihood").idata.to_netcdf(tmp_path / "idata.nc")
        again = az.from_netcdf(tmp_path / "idata.nc")
        assert again.log_likelihood["y"].shape == (4, 1000, 60)


@pytest.mark.compiled
class TestRealFits:
    @pytest.fixture(scope="class")
    @staticmethod
    def proper() -> BrmsFit:
        """Return a model all of whose priors are proper, of the structure of plant_growth."""
        return brm(
            "weight ~ group",
            load_dataset("plant_growth"),
            prior=prior("normal(0, 2)", class_="b"),
            seed=1,
            progress=False,
        )

    def test_draws_have_the_prior(self, proper: BrmsFit) -> None:
        draws = proper.prior_draws(["b_grouptrt1", "sigma"])
        assert len(draws) == 4000
        thinned = draws[::10]
        assert stats.kstest(thinned["b_grouptrt1"], stats.norm(0, 2).cdf).pvalue > 1e-3
        half_t = stats.t(3, 0, 2.5)
        assert stats.kstest(thinned["sigma"], lambda x: 2 * half_t.cdf(x) - 1).pvalue > 1e-3

    def test_priors_can_be_set_for_it(self, example_fit: Example) -> None:
        fit = example_fit("plant_growth")
        draws = fit.prior_draws("b_grouptrt1", prior=[prior("normal(0, 2)", class_="b")])
        assert draws["b_grouptrt1"].std() == pytest.approx(2, rel=0.1)

    def test_responses_from_the_prior(self, proper: BrmsFit) -> None:
        drawn = proper.prior_predictive(100)
        assert dict(drawn.sizes) == {"chain": 4, "draw": 25, "obs": 30}
        # Much wider than what was observed.
        assert float(drawn.std()) > 2 * proper.data["weight"].std()
        np.testing.assert_array_equal(drawn, proper.prior_predictive(100))

    @BY_ARVIZ
    def test_groups_of_the_prior_and_arviz(self, proper: BrmsFit, tmp_path: Path) -> None:
        every = ("log_likelihood", "posterior_predictive", "prior", "prior_predictive")
        idata = proper.extend(*every).idata
        assert set(every) <= set(idata.groups())
        assert set(idata.prior.data_vars) == set(idata.posterior.data_vars)
        az.plot_ppc(idata, group="prior", num_pp_samples=10)
        az.plot_dist_comparison(idata, var_names=["sigma"])
        az.plot_bpv(idata)
        assert az.loo(idata).elpd_loo == pytest.approx(proper.loo().elpd, abs=0.1)

        proper.save(tmp_path / "fit.nc")
        again = brmspy.load(tmp_path / "fit.nc")
        assert set(every) <= set(again.idata.groups())
        np.testing.assert_array_equal(again.idata.prior["sigma"], idata.prior["sigma"])
        # What was loaded can be made again, otherwise, and saved once more.
        again.extend("posterior_predictive", seed=8).save(tmp_path / "fit.nc")

    def test_draws_of_the_prior_are_their_own(self) -> None:
        fit = brm(
            "weight ~ group",
            load_dataset("plant_growth"),
            prior=prior("normal(0, 2)", class_="b"),
            sample_prior="only",
            seed=1,
            progress=False,
        )
        pd.testing.assert_frame_equal(fit.prior_draws(), fit.draws_df())
        with pytest.raises(BrmspyError, match="needs draws from the posterior"):
            fit.extend("log_likelihood")
        assert "draws" in repr(fit.check())
