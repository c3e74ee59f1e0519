"""Predictions against values computed by hand from the draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from brmspy import BrmsFit, bf, brm, load_dataset, prior
from brmspy.errors import BrmspyError, DataError, FormulaError

pytestmark = pytest.mark.compiled

Example = Callable[[str], BrmsFit]
QUICK: dict[str, Any] = {"seed": 3, "progress": False}


def flat(fit: BrmsFit, name: str) -> Any:
    """Return draws of a parameter, chain after chain, shape (draw, 1)."""
    return fit[name].to_numpy().reshape(-1, 1)


def rows(array: Any) -> Any:
    """Return draws of a prediction, shape (draw, obs)."""
    return array.to_numpy().reshape(-1, array.sizes["obs"])


def sleepstudy_mean(fit: BrmsFit, data: pd.DataFrame) -> Any:
    days = data["Days"].to_numpy(dtype=float)
    mean = flat(fit, "b_Intercept") + flat(fit, "b_Days") * days
    for column, subject in enumerate(data["Subject"]):
        mean[:, column] += flat(fit, f"r_Subject[{subject},Intercept]")[:, 0]
        mean[:, column] += flat(fit, f"r_Subject[{subject},Days]")[:, 0] * days[column]
    return mean


class TestGaussian:
    def test_mean_of_each_row(self, example_fit: Example) -> None:
        fit = example_fit("sleepstudy")
        epred = fit.posterior_epred()
        assert epred.dims == ("chain", "draw", "obs")
        assert epred["obs"].to_numpy().tolist() == list(range(180))
        np.testing.assert_allclose(rows(epred), sleepstudy_mean(fit, fit.data))

    def test_rows_of_new_data_keep_order_and_labels(self, example_fit: Example) -> None:
        fit = example_fit("sleepstudy")
        new = fit.data.sample(frac=1, random_state=1)
        epred = fit.posterior_epred(new[["Subject", "Days"]])
        assert epred["obs"].to_numpy().tolist() == new.index.tolist()
        np.testing.assert_allclose(rows(epred), sleepstudy_mean(fit, new))

    @pytest.mark.parametrize("none", ["NA", pd.NA, np.nan, "~ 0", " ~ 1"])
    def test_population_needs_no_group(self, example_fit: Example, none: Any) -> None:
        fit = example_fit("sleepstudy")
        epred = fit.posterior_epred({"Days": [0.0, 2.5]}, re_formula=none)
        expected = flat(fit, "b_Intercept") + flat(fit, "b_Days") * [0.0, 2.5]
        np.testing.assert_allclose(rows(epred), expected)

    def test_some_of_the_effects(self, example_fit: Example) -> None:
        fit = example_fit("sleepstudy")
        new = {"Days": [4.0], "Subject": ["308"]}
        mean = flat(fit, "b_Intercept") + flat(fit, "b_Days") * 4.0
        intercept = flat(fit, "r_Subject[308,Intercept]")
        slope = 4.0 * flat(fit, "r_Subject[308,Days]")
        for formula, expected in {
            "~ (1 | Subject)": mean + intercept,
            "~ (0 + Days | Subject)": mean + slope,
            "~ (Days | Subject)": mean + intercept + slope,
            "~ (1 | Subject) + (0 + Days | Subject)": mean + intercept + slope,
        }.items():
            found = fit.posterior_epred(new, re_formula=formula)
            np.testing.assert_allclose(rows(found), expected, err_msg=formula)

    def test_density_by_hand(self, example_fit: Example) -> None:
        fit = example_fit("sleepstudy")
        mean = sleepstudy_mean(fit, fit.data)
        expected = stats.norm.logpdf(fit.data["Reaction"].to_numpy(), mean, flat(fit, "sigma"))
        np.testing.assert_allclose(rows(fit.log_lik()), expected)
        part = fit.data.iloc[[7, 3]]
        np.testing.assert_allclose(rows(fit.log_lik(part)), expected[:, [7, 3]])

    def test_new_responses_have_mean_and_noise(self, example_fit: Example) -> None:
        fit = example_fit("sleepstudy")
        new = {"Days": [1.0], "Subject": ["309"]}
        mean = sleepstudy_mean(fit, pd.DataFrame(new))[:, 0]
        drawn = rows(fit.posterior_predict(new))[:, 0]
        z = (drawn - mean) / flat(fit, "sigma")[:, 0]
        assert stats.kstest(z, "norm").pvalue > 1e-3

    def test_distributional_parameters(self, example_fit: Example) -> None:
        fit = example_fit("sleepstudy")
        sigma = fit.posterior_epred({"Days": [0, 1, 2]}, re_formula="NA", dpar="sigma")
        np.testing.assert_array_equal(rows(sigma), np.repeat(flat(fit, "sigma"), 3, axis=1))

    def test_linear_predictor_is_the_mean(self, example_fit: Example) -> None:
        fit = example_fit("sleepstudy")
        np.testing.assert_array_equal(
            rows(fit.posterior_linpred(transform=True)), rows(fit.posterior_epred())
        )


class TestOtherFamilies:
    def test_binomial_counts(self, example_fit: Example) -> None:
        fit = example_fit("cbpp")
        new = pd.DataFrame({"period": ["1", "3"], "herd": ["2", "5"], "size": [10, 4]})
        eta = flat(fit, "b_Intercept") + np.hstack(
            [flat(fit, "r_herd[2,Intercept]"), flat(fit, "r_herd[5,Intercept]")]
        )
        eta[:, 1] += flat(fit, "b_period3")[:, 0]
        probability = special.expit(eta)
        np.testing.assert_allclose(rows(fit.posterior_linpred(new)), eta)
        np.testing.assert_allclose(rows(fit.posterior_linpred(new, transform=True)), probability)
        np.testing.assert_allclose(rows(fit.posterior_epred(new)), probability * [10, 4])
        np.testing.assert_allclose(rows(fit.posterior_epred(new, dpar="mu")), probability)
        drawn = fit.posterior_predict(new)
        assert drawn.dtype.kind == "i"
        assert (drawn <= [10, 4]).all()
        density = fit.log_lik(new.assign(incidence=[3, 0]))
        expected = stats.binom.logpmf([3, 0], [10, 4], probability)
        np.testing.assert_allclose(rows(density), expected)

    def test_trials_are_needed(self, example_fit: Example) -> None:
        with pytest.raises(DataError, match="size"):
            example_fit("cbpp").posterior_epred({"period": ["1"], "herd": ["2"]})

    def test_counts_with_an_offset(self) -> None:
        data = load_dataset("epil").assign(weeks=lambda d: 1.0 + d.index % 3)
        fit = brm("y ~ trt + offset(log(weeks)) + (1 | subject)", data, "poisson", **QUICK)
        new = pd.DataFrame({"trt": ["progabide"], "subject": ["4"], "weeks": [8.0]})
        eta = flat(fit, "b_Intercept") + flat(fit, "b_trtprogabide")
        eta = eta + flat(fit, "r_subject[4,Intercept]") + np.log(8)
        np.testing.assert_allclose(rows(fit.posterior_epred(new)), np.exp(eta))
        with pytest.raises(DataError, match="weeks"):
            fit.posterior_epred(new[["trt", "subject"]])

    def test_text_responses_keep_their_coding(self) -> None:
        rng = np.random.default_rng(1)
        x = rng.normal(size=60)
        data = pd.DataFrame({"x": x, "y": np.where(x + rng.logistic(size=60) > 0, "yes", "no")})
        fit = brm("y ~ x", data, "bernoulli", **QUICK)
        only_no = pd.DataFrame({"x": [0.3], "y": ["no"]})
        eta = flat(fit, "b_Intercept") + flat(fit, "b_x") * 0.3
        np.testing.assert_allclose(rows(fit.log_lik(only_no)), special.log_expit(-eta))
        with pytest.raises(DataError, match="maybe"):
            fit.log_lik(only_no.assign(y="maybe"))

    def test_predicted_sigma_and_weights(self) -> None:
        data = load_dataset("sleepstudy").assign(w=lambda d: 1.0 + d.index % 2)
        fit = brm(bf("Reaction | weights(w) ~ Days", "sigma ~ Days"), data, **QUICK)
        new = pd.DataFrame({"Days": [3.0], "Reaction": [280.0]})
        sigma = np.exp(flat(fit, "b_sigma_Intercept") + 3 * flat(fit, "b_sigma_Days"))
        mean = flat(fit, "b_Intercept") + 3 * flat(fit, "b_Days")
        np.testing.assert_allclose(rows(fit.posterior_epred(new, dpar="sigma")), sigma)
        np.testing.assert_allclose(rows(fit.posterior_linpred(new, dpar="sigma")), np.log(sigma))
        once = stats.norm.logpdf(280.0, mean, sigma)
        np.testing.assert_allclose(rows(fit.log_lik(new)), once)
        np.testing.assert_allclose(rows(fit.log_lik(new.assign(w=3.0))), 3 * once)

    def test_nonlinear_parameters(self, example_fit: Example) -> None:
        fit = example_fit("loblolly_seed_prior")
        new = pd.DataFrame({"age": [3.0, 25.0], "Seed": ["301", "309"]})
        asym, r0, lrc = (flat(fit, f"b_{name}_Intercept") for name in ("Asym", "R0", "lrc"))
        effects = fit["r_Seed"]
        parameter = fit.posterior_epred(new, nlpar="Asym")
        chosen = effects.sel(Seed=["301", "309"]).isel({effects.dims[-1]: 0})
        varies = str(effects[effects.dims[-1]].to_numpy()[0]).split("_")[0]
        both = {"Asym": asym, "R0": r0, "lrc": lrc}
        both[varies] = both[varies] + chosen.to_numpy().reshape(-1, 2)
        np.testing.assert_allclose(
            rows(parameter), np.broadcast_to(both["Asym"], rows(parameter).shape)
        )
        curve = both["Asym"] + (both["R0"] - both["Asym"]) * np.exp(
            -np.exp(both["lrc"]) * new["age"].to_numpy()
        )
        np.testing.assert_allclose(rows(fit.posterior_epred(new)), curve)
        with pytest.raises(BrmspyError, match="Did you mean 'lrc'"):
            fit.posterior_epred(new, nlpar="lrcc")


class TestNewLevels:
    def test_refused_by_default(self, example_fit: Example) -> None:
        with pytest.raises(DataError, match=r"400.*allow_new_levels"):
            example_fit("sleepstudy").posterior_epred({"Days": [1], "Subject": ["400"]})

    @pytest.mark.parametrize("how", ["uncertainty", "gaussian"])
    def test_moments(self, example_fit: Example, how: str) -> None:
        fit = example_fit("sleepstudy")
        new = pd.DataFrame({"Days": 0.0, "Subject": [f"new{i}" for i in range(400)]})
        options: dict[str, Any] = {"allow_new_levels": True, "sample_new_levels": how}
        effect = rows(fit.posterior_epred(new, **options)) - flat(fit, "b_Intercept")
        if how == "gaussian":
            expected = np.square(flat(fit, "sd_Subject__Intercept")[:, 0])
        else:
            known = fit["r_Subject"].isel(Subject__coef=0).to_numpy().reshape(len(effect), -1)
            expected = known.var(axis=1)
        ratio = effect.var(axis=1).mean() / expected.mean()
        assert ratio == pytest.approx(1.0, abs=0.02)

    def test_correlation_of_gaussian_effects(self, example_fit: Example) -> None:
        fit = example_fit("sleepstudy")
        labels = [f"new{i}" for i in range(50)]
        new = pd.DataFrame({"Days": [0.0, 1.0] * 50, "Subject": np.repeat(labels, 2)})
        options: dict[str, Any] = {"allow_new_levels": True, "sample_new_levels": "gaussian"}
        mean = rows(fit.posterior_epred(new, **options))
        intercept = mean[:, ::2] - flat(fit, "b_Intercept")
        slope = mean[:, 1::2] - mean[:, ::2] - flat(fit, "b_Days")
        sds = flat(fit, "sd_Subject__Intercept"), flat(fit, "sd_Subject__Days")
        z = intercept / sds[0], slope / sds[1]
        expected = fit["cor_Subject__Intercept__Days"].to_numpy().mean()
        assert np.mean(z[0] * z[1]) == pytest.approx(expected, abs=0.02)
        assert np.var(z[1]) == pytest.approx(1.0, abs=0.02)

    def test_two_levels_are_independent_and_one_is_shared(self, example_fit: Example) -> None:
        fit = example_fit("sleepstudy")
        new = pd.DataFrame({"Days": 0.0, "Subject": ["a", "b", "a"]})
        mean = rows(fit.posterior_epred(new, allow_new_levels=True)) - flat(fit, "b_Intercept")
        np.testing.assert_array_equal(mean[:, 0], mean[:, 2])
        assert abs(np.corrcoef(mean[:, 0], mean[:, 1])[0, 1]) < 0.06

    def test_a_level_keeps_its_effects_in_other_company(self, example_fit: Example) -> None:
        fit = example_fit("sleepstudy")
        many = pd.DataFrame({"Days": 0.0, "Subject": ["c", "308", "b", "a"]})
        alone = pd.DataFrame({"Days": [0.0], "Subject": ["a"]})
        found = [rows(fit.posterior_epred(new, allow_new_levels=True)) for new in (many, alone)]
        np.testing.assert_array_equal(found[0][:, 3], found[1][:, 0])
        other = rows(fit.posterior_epred(alone, allow_new_levels=True, seed=7))
        assert not np.array_equal(other, found[1])

    def test_old_levels(self, example_fit: Example) -> None:
        fit = example_fit("sleepstudy")
        new = pd.DataFrame({"Days": [0.0], "Subject": ["a"]})
        options: dict[str, Any] = {"allow_new_levels": True, "sample_new_levels": "old_levels"}
        effect = rows(fit.posterior_epred(new, **options)) - flat(fit, "b_Intercept")
        known = fit["r_Subject"].isel(Subject__coef=0).to_numpy().reshape(len(effect), -1)
        assert np.isclose(known, effect).all(axis=0).sum() == 1

    def test_uncertainty_takes_all_effects_of_one_level(self, example_fit: Example) -> None:
        fit = example_fit("sleepstudy")
        new = pd.DataFrame({"Days": [0.0, 1.0], "Subject": ["a", "a"]})
        mean = rows(fit.posterior_epred(new, allow_new_levels=True))
        intercept = mean[:, 0] - flat(fit, "b_Intercept")[:, 0]
        slope = mean[:, 1] - mean[:, 0] - flat(fit, "b_Days")[:, 0]
        known = fit["r_Subject"].to_numpy().reshape(len(mean), -1, 2)
        same = np.isclose(known[..., 0], intercept[:, None]) & np.isclose(
            known[..., 1], slope[:, None]
        )
        assert same.any(axis=1).all()

    def test_missing_group_is_one_new_level(self, example_fit: Example) -> None:
        fit = example_fit("sleepstudy")
        absent = rows(fit.posterior_epred({"Days": [0.0]}, allow_new_levels=True))
        new = pd.DataFrame({"Days": [0.0], "Subject": [None]})
        np.testing.assert_array_equal(absent, rows(fit.posterior_epred(new, allow_new_levels=True)))

    def test_beside_known_levels_of_another_group(self, example_fit: Example) -> None:
        fit = example_fit("salamander")
        known = fit.data.iloc[[0]]
        male, female = (c for c in known.columns if c in fit.ngrps)
        new = known.assign(**{male: "unseen"})
        part = f"~ (1 | {female})"
        without = rows(fit.posterior_linpred(known, re_formula=part))
        effect = rows(fit.posterior_linpred(new, allow_new_levels=True)) - without
        levels = fit[f"r_{male}"].to_numpy().reshape(len(effect), -1)
        assert np.isclose(levels, effect).any(axis=1).all()


class TestDraws:
    def test_evenly_from_each_chain(self, example_fit: Example) -> None:
        fit = example_fit("sleepstudy")
        few, every = fit.posterior_epred(ndraws=8), fit.posterior_epred()
        assert dict(few.sizes) == {"chain": 4, "draw": 2, "obs": 180}
        np.testing.assert_array_equal(few, every.sel(draw=few["draw"]))
        assert few["draw"].to_numpy().tolist() == [250, 750]

    def test_as_one_chain(self, example_fit: Example) -> None:
        fit = example_fit("sleepstudy")
        every = rows(fit.posterior_epred())
        few = fit.posterior_epred(ndraws=3)
        assert dict(few.sizes) == {"chain": 1, "draw": 3, "obs": 180}
        np.testing.assert_array_equal(rows(few), every[few["draw"].to_numpy()])
        picked = fit.posterior_epred(draw_ids=[3999, 0])
        np.testing.assert_array_equal(rows(picked), every[[3999, 0]])

    def test_chunks_do_not_show(
        self, example_fit: Example, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fit = example_fit("sleepstudy")
        new = pd.DataFrame({"Days": range(9), "Subject": ["308", "x", "y"] * 3})
        whole = rows(fit.posterior_epred(new, allow_new_levels=True))
        monkeypatch.setattr("brmspy.predict.engine._CHUNK", 8000)
        np.testing.assert_array_equal(whole, rows(fit.posterior_epred(new, allow_new_levels=True)))

    def test_calls_can_be_repeated(self, example_fit: Example) -> None:
        fit = example_fit("epil")
        first, second = (rows(fit.posterior_predict(ndraws=40)) for _ in range(2))
        np.testing.assert_array_equal(first, second)
        assert not np.array_equal(first, rows(fit.posterior_predict(ndraws=40, seed=1)))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"ndraws": 0}, BrmspyError, "from 1 to 4000"),
        ({"ndraws": 4001}, BrmspyError, "from 1 to 4000"),
        ({"ndraws": 2.5}, BrmspyError, "whole number"),
        ({"draw_ids": [4000]}, BrmspyError, "from 0 to 3999"),
        ({"draw_ids": []}, BrmspyError, "list of whole numbers"),
        ({"draw_ids": [1], "ndraws": 1}, BrmspyError, "not both"),
        ({"sample_new_levels": "gauss"}, BrmspyError, "Did you mean 'gaussian'"),
        ({"seed": -1}, BrmspyError, "seed"),
        ({"dpar": "sigm"}, BrmspyError, "Did you mean 'sigma'"),
        ({"nlpar": "Asym"}, BrmspyError, "no non-linear parameter"),
        ({"dpar": "mu", "nlpar": "a"}, BrmspyError, "not both"),
        ({"re_formula": 3}, BrmspyError, "re_formula"),
        ({"re_formula": "~ (1 | Subjekt)"}, FormulaError, r"\(1 \+ Days \| Subject\)"),
        ({"re_formula": "~ (Dayz | Subject)"}, FormulaError, "'Dayz' does not vary"),
        ({"re_formula": "~ Days"}, FormulaError, "group-level terms only"),
        ({"newdata": {"Days": []}}, DataError, "no rows"),
        ({"newdata": {"Subject": ["308"]}}, DataError, "Days"),
        ({"newdata": {"Days": [1.0]}}, DataError, "Subject"),
        ({"newdata": {"Days": [None], "Subject": ["308"]}}, DataError, "missing"),
    ],
)
def test_bad_arguments(
    example_fit: Example, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        example_fit("sleepstudy").posterior_epred(**arguments)


def test_a_predictor_that_is_a_number_has_no_linear_predictor(example_fit: Example) -> None:
    with pytest.raises(BrmspyError, match="no predicted parameter 'sigma'"):
        example_fit("sleepstudy").posterior_linpred(dpar="sigma")


def test_groups_with_names_of_dimensions() -> None:
    data = load_dataset("sleepstudy").rename(columns={"Subject": "obs", "Days": "chain"})
    fit = brm("Reaction ~ chain + (chain | obs)", data, prior=prior("normal(0, 50)"), **QUICK)
    expected = flat(fit, "b_Intercept") + flat(fit, "r_obs[308,Intercept]")
    found = fit.posterior_epred({"chain": [0], "obs": ["308"]})
    np.testing.assert_allclose(rows(found), expected)
