"""Leave-one-out cross-validation against Student t densities, ArviZ, and brms."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import logsumexp

from brmspy import BrmsFit, bf, load_dataset, poisson
from brmspy.checks import likelihood, reliable_k
from brmspy.errors import BrmspyError, BrmspyWarning
from brmspy.fit.record import Part

REFERENCE = Path(__file__).resolve().parents[1] / "posterior" / "reference"
MODELS = sorted(path.stem for path in REFERENCE.glob("*.json"))

# Rows with Pareto k about 1 and above: the estimate depends on single draws, brms' as well as ours.
UNSURE = ("cbpp", "epil")

Example = Callable[[str], BrmsFit]
MakeFit = Callable[..., BrmsFit]


def reference(name: str) -> dict[str, float]:
    found: dict[str, float] = json.loads((REFERENCE / f"{name}.json").read_text())["loo"]
    return found


def exact_elpd(y: np.ndarray) -> np.ndarray:
    """Return the log density of each value given the others, with 1/sigma as prior."""
    n = len(y) - 1
    found = []
    for place, value in enumerate(y):
        rest = np.delete(y, place)
        scale = rest.std(ddof=1) * np.sqrt(1 + 1 / n)
        found.append(stats.t.logpdf(value, n - 1, rest.mean(), scale))
    return np.array(found)


class TestLoo:
    def test_each_row_has_its_exact_density(
        self, normal_fit: BrmsFit, measured: pd.DataFrame
    ) -> None:
        result = normal_fit.loo()
        exact = exact_elpd(measured["y"].to_numpy())
        assert result.pointwise is not None
        np.testing.assert_allclose(result.pointwise["elpd_loo"], exact, atol=0.03)
        assert result.elpd == pytest.approx(exact.sum(), abs=0.1)
        assert result.se == pytest.approx(np.sqrt(60) * exact.std(ddof=1), rel=0.02)
        assert result.ic == pytest.approx(-2 * result.elpd)
        assert 1 < result.p < 3  # two parameters

    def test_rows_have_the_labels_of_the_data(
        self, normal_fit: BrmsFit, measured: pd.DataFrame
    ) -> None:
        result = normal_fit.loo()
        assert result.pointwise is not None
        assert result.pointwise.index.equals(measured.index)
        assert list(result.pointwise) == ["elpd_loo", "p_loo", "looic", "pareto_k", "refitted"]

    def test_without_high_k_there_is_no_warning(self, normal_fit: BrmsFit) -> None:
        result = normal_fit.loo()
        assert result.bad_rows.empty
        assert "All Pareto k are up to 0.70, good" in repr(result)
        assert "Warning" not in repr(result)

    def test_an_outlier_is_named_with_what_to_do(
        self, measured: pd.DataFrame, make_fit: MakeFit, normal_draws: Callable[..., Any]
    ) -> None:
        data = measured.copy()
        data.loc["row 7", "y"] = 200.0
        fit = make_fit("y ~ 1", data, normal_draws(data["y"].to_numpy()))
        result = fit.loo()
        assert list(result.bad_rows.index) == ["row 7"]
        text = " ".join(repr(result).split())
        assert "Pareto k is above 0.70 in 1 row ('row 7')" in text
        assert "fit.data.loc[['row 7']]" in text
        assert "fit.reloo() replaces the guess by 1 fit without it." in text

    def test_many_bad_rows_call_for_kfold(self, normal_fit: BrmsFit) -> None:
        result = normal_fit.loo(k_threshold=1e-9)
        text = " ".join(repr(result).split())
        number = len(result.bad_rows)
        assert number > 10
        assert f"fit.kfold(K=10) takes 10 fits, where fit.reloo() takes {number}" in text
        assert f"and {number - 8} others" in text

    def test_text_and_html_have_the_same_content(self, normal_fit: BrmsFit) -> None:
        result = normal_fit.loo()
        html = result._repr_html_()
        for word in ("elpd_loo", "y ~ 1", f"{result.elpd:.1f}", "60 rows", "4000 draws"):
            assert word in html
            assert word in repr(result)

    def test_arviz_says_the_same(self, normal_fit: BrmsFit) -> None:
        reference = az.loo(normal_fit.extend("log_likelihood").idata, pointwise=True)
        result = normal_fit.loo()
        assert result.elpd == pytest.approx(reference.elpd_loo, abs=0.02)
        np.testing.assert_allclose(result.pareto_k, reference.pareto_k, atol=0.1)

    def test_weights_multiply_densities(
        self, measured: pd.DataFrame, make_fit: MakeFit, normal_draws: Callable[..., Any]
    ) -> None:
        weight = np.where(np.arange(60) < 50, 1.0, 0.0)
        data = measured.assign(w=weight)
        draws = normal_draws(data["y"].to_numpy())
        weighted = make_fit("y | weights(w) ~ 1", data, draws).loo()
        plain = make_fit("y ~ 1", data, draws).loo()
        assert weighted.pointwise is not None
        assert plain.pointwise is not None
        kept = weight > 0
        np.testing.assert_allclose(
            weighted.pointwise["elpd_loo"][kept], plain.pointwise["elpd_loo"][kept]
        )
        # A row without weight says nothing, and nothing is the matter with it.
        assert (weighted.pointwise.loc[~kept, ["elpd_loo", "pareto_k"]] == 0).all(axis=None)
        assert "multiplied by their weights" in repr(weighted)

    def test_rows_are_taken_in_parts(
        self, normal_fit: BrmsFit, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = normal_fit.loo()
        monkeypatch.setattr(likelihood, "_BLOCK", 4000 * 7)
        parts = normal_fit.loo()
        pd.testing.assert_frame_equal(whole.pointwise, parts.pointwise)

    def test_rows_need_not_be_kept(self, normal_fit: BrmsFit) -> None:
        result = normal_fit.loo(pointwise=False)
        assert result.pointwise is None
        assert result.elpd == normal_fit.loo().elpd
        with pytest.raises(BrmspyError, match="pointwise=True"):
            result.by_row()

    @pytest.mark.parametrize("threshold", [0, -1.0, "high", True])
    def test_threshold_must_be_positive(self, normal_fit: BrmsFit, threshold: Any) -> None:
        with pytest.raises(BrmspyError, match=r"k_threshold = .* is not valid"):
            normal_fit.loo(k_threshold=threshold)

    def test_a_density_that_is_not_finite_is_an_error_that_names_the_row(
        self, measured: pd.DataFrame, make_fit: MakeFit
    ) -> None:
        data = measured.assign(y=measured["y"].abs().round().astype(int))
        means = {"b": np.where(np.arange(4000) == 5, -1.0, 9.0)[:, None]}
        fit = make_fit("y ~ 1", data, means, family=poisson(link="identity"))
        with pytest.raises(BrmspyError, match=r"row 'row 0', 'row 1'.*not a finite number"):
            fit.loo()

    def test_draws_of_the_prior_are_refused(
        self, measured: pd.DataFrame, make_fit: MakeFit, normal_draws: Callable[..., Any]
    ) -> None:
        fit = make_fit(
            "y ~ 1", measured, normal_draws(measured["y"].to_numpy()), sample_prior="only"
        )
        for function in (fit.loo, fit.waic, fit.loo_R2, fit.kfold):
            with pytest.raises(BrmspyError, match="needs draws from the posterior"):
                function()

    def test_one_row(self, make_fit: MakeFit, normal_draws: Callable[..., Any]) -> None:
        draws = normal_draws(np.array([1.0, 2.0, 3.0]))
        result = make_fit("y ~ 1", {"y": [2.0]}, draws).loo()
        assert len(result.pareto_k) == 1
        assert np.isnan(result.se)
        assert "NA" in repr(result)

    def test_draws_from_several_data_sets_are_told(self, normal_fit: BrmsFit) -> None:
        parts = (Part(2, 1, 1), Part(2, 2, 2))
        fit = replace(normal_fit, record=replace(normal_fit.record, parts=parts))
        with pytest.warns(BrmspyWarning, match="for the rows of the first data set"):
            text = " ".join(repr(fit.loo()).split())
        assert "the draws come from 2 data sets, but the rows are those of the first" in text
        assert "data sets" not in repr(normal_fit.loo())

    def test_few_draws_need_a_lower_k(self) -> None:
        # Vehtari et al. (2024): 1 - 1 / log10(S).
        assert reliable_k(1000) == pytest.approx(2 / 3)
        assert reliable_k(10**6) == 0.7


class TestWaic:
    def test_by_its_definition(self, normal_fit: BrmsFit, measured: pd.DataFrame) -> None:
        density = normal_fit.log_lik().to_numpy().reshape(4000, 60)
        p = density.var(axis=0, ddof=1)
        elpd = logsumexp(density, axis=0) - np.log(4000) - p
        result = normal_fit.waic()
        assert result.pointwise is not None
        np.testing.assert_allclose(result.pointwise["elpd_waic"], elpd)
        assert result.p == pytest.approx(p.sum())
        assert result.table.index.tolist() == ["elpd_waic", "p_waic", "waic"]
        assert result.elpd == pytest.approx(normal_fit.loo().elpd, abs=0.1)

    def test_arviz_says_the_same(self, normal_fit: BrmsFit) -> None:
        reference = az.waic(normal_fit.extend("log_likelihood").idata)
        assert normal_fit.waic().elpd == pytest.approx(reference.elpd_waic, abs=0.01)

    def test_rows_for_which_it_does_not_do(
        self, measured: pd.DataFrame, make_fit: MakeFit, normal_draws: Callable[..., Any]
    ) -> None:
        data = measured.copy()
        data.loc["row 7", "y"] = 200.0
        result = make_fit("y ~ 1", data, normal_draws(data["y"].to_numpy())).waic()
        text = " ".join(repr(result).split())
        assert "p_waic is above 0.4 in 1 of 60 rows ('row 7')" in text
        assert "Use fit.loo()" in text


def some_data() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    x = rng.normal(size=40)
    return pd.DataFrame(
        {
            "x": x,
            "real": 1 + x + rng.normal(size=40),
            "yes": rng.random(40) < 0.5,
            "count": rng.poisson(3, size=40),
            "size": 12,
            "hits": rng.binomial(12, 0.3, size=40),
            "time": rng.uniform(1, 2, size=40),
            "chain": np.tile(list("ab"), 20),
            "obs": np.tile(["a", "b", "c d", "e"], 10),
        }
    )


def some_draws(**centres: Any) -> dict[str, np.ndarray]:
    """Return draws close to some values, positive where these are."""
    rng = np.random.default_rng(12)
    found = {}
    for name, centre in centres.items():
        value = np.asarray(centre, dtype=float)
        found[name] = value + 0.05 * np.abs(value) * rng.normal(size=(4000, *value.shape))
    return found


MODELS_BY_HAND = {
    "gaussian": ("real ~ x", {"b": [1, 1], "sigma": 1}, {}),
    "student": ("real ~ x", {"b": [1, 1], "sigma": 1, "nu": 5}, {"family": "student"}),
    "bernoulli": ("yes ~ x", {"b": [0.2, 0.3]}, {"family": "bernoulli"}),
    "binomial": ("hits | trials(size) ~ x", {"b": [-0.8, 0.2]}, {"family": "binomial"}),
    "poisson": ("count ~ x + offset(log(time))", {"b": [0.7, 0.1]}, {"family": "poisson"}),
    "negbinomial": ("count ~ x", {"b": [1, 0.1], "shape": 5}, {"family": "negbinomial"}),
    "distributional": (bf("real ~ x", "sigma ~ x"), {"b": [1, 1], "b_sigma": [0.1, 0.1]}, {}),
    "non-linear": (
        bf("real ~ a + exp(k) * x", "a + k ~ 1", nl=True),
        {"b_a": [1], "b_k": [0.1], "sigma": 1},
        {},
    ),
    "groups": (
        "real ~ x + (1 | chain) + (x || obs)",
        {
            "b": [1, 1],
            "sigma": 1,
            "sd_chain": [0.5],
            "sd_obs": [0.5, 0.5],
            "r_chain": [[0.2], [-0.2]],
            "r_obs": [[0.1, 0.2]] * 4,
        },
        {},
    ),
}


@pytest.mark.filterwarnings("ignore:Estimated shape parameter:UserWarning")  # ArviZ' own advice
@pytest.mark.parametrize("name", list(MODELS_BY_HAND))
def test_arviz_says_the_same_of_all_kinds_of_models(name: str, make_fit: MakeFit) -> None:
    formula, centres, model = MODELS_BY_HAND[name]
    fit = make_fit(formula, some_data(), some_draws(**centres), **model)
    reference = az.loo(fit.extend("log_likelihood").idata, pointwise=True)
    result = fit.loo()
    assert result.elpd == pytest.approx(reference.elpd_loo, abs=0.05)
    assert result.p == pytest.approx(reference.p_loo, abs=0.05)
    assert fit.waic().elpd == pytest.approx(reference.elpd_loo, abs=0.5)
    assert list(result.pareto_k.index) == list(range(40))
    # The rest works with any of them, too.
    assert fit.check().summary
    assert 0 < fit.bayes_R2("residual").table.loc["R2", "Estimate"] < 1
    assert (fit.powerscale_sensitivity().table["prior"] < 1e-6).all()  # constant here


@pytest.mark.compiled
class TestModels:
    @pytest.mark.parametrize("name", [name for name in MODELS if name not in UNSURE])
    def test_density_equals_that_of_brms(self, name: str, example_fit: Example) -> None:
        expected = reference(name)
        result = example_fit(name).loo()
        assert result.elpd == pytest.approx(expected["elpd"], abs=0.5)
        assert result.se == pytest.approx(expected["se"], rel=0.05)
        # Which rows are close to the threshold is chance.
        assert abs(len(result.bad_rows) - expected["n_bad_k"]) <= 5

    @pytest.mark.filterwarnings("ignore::brmspy.SamplingWarning")  # of a divergence or two
    def test_where_weighting_does_not_do_fitting_again_does(self, example_fit: Example) -> None:
        # Each of 40,000 draws' estimates is about -100.4, of 4,000 draws' -99.6; brms' is -100.84,
        # which is also what fitting without the rows in question leads to: -100.9.
        fit = example_fit("cbpp")
        estimate = fit.loo()
        assert 1 <= len(estimate.bad_rows) <= 9
        assert fit.reloo(0.6).elpd == pytest.approx(reference("cbpp")["elpd"], abs=0.5)

    def test_what_cannot_be_known_is_said(self, example_fit: Example) -> None:
        # The estimate is between -667 and -670, as the draws have it; without the rows in question
        # it is -671, and brms' is -667.9. Row 98, with k above 1, is what they differ in.
        result = example_fit("epil").loo()
        assert result.elpd == pytest.approx(reference("epil")["elpd"], abs=2.5)
        assert result.bad_rows.index[0] == 98
        assert result.bad_rows.iloc[0] > 1
        assert "98" in repr(result)
        assert "p_loo" in repr(result)

    def test_a_level_for_each_row_calls_for_kfold(self, example_fit: Example) -> None:
        text = " ".join(repr(example_fit("cbpp_id").loo()).split())
        assert "Each row has a level of 'id' to itself" in text
        assert "fit.kfold()" in text

    def test_rows_of_sleepstudy(self, example_fit: Example) -> None:
        bad = example_fit("sleepstudy").loo().bad_rows
        assert 56 in bad.index or 59 in bad.index
        assert load_dataset("sleepstudy").loc[list(bad.index)].shape[0] == len(bad)
        assert bad.is_monotonic_decreasing
