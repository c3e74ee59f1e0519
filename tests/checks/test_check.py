"""What check() finds, in posteriors whose faults are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from brmspy import BrmsFit, bf, prior
from brmspy.checks import Check
from brmspy.checks.divergences import divergent_region
from brmspy.checks.suspects import at_boundary, little_known, same_as_prior

Example = Callable[[str], BrmsFit]
MakeFit = Callable[..., BrmsFit]

PRIORS = [prior("normal(10, 5)", class_="Intercept"), prior("exponential(1)", class_="sd")]


def grouped(
    make_fit: MakeFit, measured: pd.DataFrame, sd: Any, stats_: Any = None, **draws: Any
) -> BrmsFit:
    """Return a fit of ``y ~ 1 + (1 | g)`` with some draws of sd_g."""
    rng = np.random.default_rng(3)
    values = {
        "b": rng.normal(10, 0.3, size=(4000, 1)),
        "sigma": rng.gamma(100, 0.02, size=4000),
        "sd_g": np.asarray(sd)[:, None],
        "r_g": 0.1 * rng.normal(size=(4000, measured["g"].nunique(), 1)),
    } | draws
    return make_fit("y ~ 1 + (1 | g)", measured, values, prior=PRIORS, stats=stats_)


def sound(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).gamma(20, 0.1, size=4000)


def titles(check: Check) -> list[str]:
    return [item.finding for item in check.findings]


class TestReport:
    def test_one_line_if_all_is_well(self, normal_fit: BrmsFit) -> None:
        result = normal_fit.check()
        assert result.ok
        text = repr(result)
        assert text.startswith("✓ 4 chains of 1000 draws, max Rhat 1.00")
        assert text.endswith("0 divergences, all Pareto k below 0.70")
        assert "\n" not in text
        assert result.table.empty
        assert list(result.table) == ["kind", "finding", "evidence", "advice", "call"]
        assert text in result._repr_html_()

    def test_findings_come_with_evidence_advice_and_call(
        self, make_fit: MakeFit, measured: pd.DataFrame
    ) -> None:
        sd = sound()
        flags = np.zeros(4000, dtype=bool)
        flags[np.argsort(sd)[:20]] = True
        result = grouped(make_fit, measured, sd, {"diverging": flags}).check()
        first = result.findings[0]
        assert first.finding == "Divergent draws"
        assert "20 of 4000 draws" in first.evidence
        assert "20 of 20 divergent draws have sd_g__Intercept below" in first.evidence
        assert "funnel" in first.advice
        assert first.call == "fit.update(adapt_delta=0.95)"
        for text in (repr(result), result._repr_html_()):
            for part in ("Divergent draws", "fit.update(adapt_delta=0.95)", "20 divergences"):
                assert part in text
        assert result.table.loc[0, "call"] == first.call

    def test_draws_that_are_not_finite(self, make_fit: MakeFit, measured: pd.DataFrame) -> None:
        b = np.full((4000, 1), 10.0)
        b[3] = np.nan
        with np.errstate(all="ignore"):
            result = grouped(make_fit, measured, sound(), b=b).check()
        assert "Draws are not finite" in titles(result)


class TestDivergences:
    def test_scattered_ones_have_nothing_in_common(
        self, make_fit: MakeFit, measured: pd.DataFrame
    ) -> None:
        flags = np.arange(4000) % 100 == 7
        fit = grouped(make_fit, measured, sound(), {"diverging": flags})
        assert divergent_region(fit) is None

    def test_a_few_do_not_tell(self, make_fit: MakeFit, measured: pd.DataFrame) -> None:
        sd = sound()
        flags = np.zeros(4000, dtype=bool)
        flags[np.argsort(sd)[:3]] = True
        fit = grouped(make_fit, measured, sd, {"diverging": flags})
        assert divergent_region(fit) is None

    def test_the_upper_end(self, make_fit: MakeFit, measured: pd.DataFrame) -> None:
        sigma = np.random.default_rng(8).gamma(100, 0.02, size=4000)
        flags = np.zeros(4000, dtype=bool)
        flags[np.argsort(sigma)[-30:]] = True
        fit = grouped(make_fit, measured, sound(), {"diverging": flags}, sigma=sigma)
        found = divergent_region(fit)
        assert found is not None
        assert (found.name, found.low, found.inside, found.total) == ("sigma", False, 30, 30)
        assert found.limit == pytest.approx(np.quantile(sigma, 0.8))
        assert str(found).startswith("30 of 30 divergent draws have sigma above")


class TestSuspects:
    def test_a_standard_deviation_piled_up_at_zero(
        self, make_fit: MakeFit, measured: pd.DataFrame
    ) -> None:
        at_zero = np.abs(np.random.default_rng(1).normal(size=4000)) * 0.3
        fit = grouped(make_fit, measured, at_zero)
        (found,) = at_boundary(fit)
        assert (found.name, found.bound, found.kind) == ("sd_g__Intercept", 0.0, "sd")
        # A tenth of the 95 % quantile of a half-normal distribution.
        expected = 2 * stats.norm.cdf(0.1 * stats.norm.ppf(0.975)) - 1
        assert found.share == pytest.approx(expected, abs=0.02)
        (shown,) = fit.check().findings
        assert shown.finding == "sd_g__Intercept may be zero"
        assert shown.call == "fit.loo_compare(fit.update('. ~ . - (1 | g)'))"
        assert shown.kind == "note"
        assert "60 rows in 6 levels of g" in shown.evidence
        assert fit.check().ok
        assert repr(fit.check()).startswith("✓ 1 note: 4 chains")
        assert at_boundary(grouped(make_fit, measured, sound())) == []

    def test_a_standard_deviation_that_is_its_prior(
        self, make_fit: MakeFit, measured: pd.DataFrame
    ) -> None:
        drawn = np.random.default_rng(1).exponential(size=4000)
        fit = grouped(make_fit, measured, drawn)
        (found,) = same_as_prior(fit)
        assert found.name == "sd_g__Intercept"
        assert found.prior_interval == pytest.approx(tuple(stats.expon.ppf([0.05, 0.95])))
        assert found.interval == pytest.approx(tuple(np.quantile(drawn, [0.05, 0.95])))
        # The prior is as high at zero: that is not for the data to say.
        assert at_boundary(fit) == []
        assert "The data say nothing about sd_g__Intercept" in titles(fit.check())

    @pytest.mark.parametrize(("eta", "coefs"), [(1.0, 2), (2.0, 2), (1.0, 3)])
    def test_a_correlation_that_is_its_prior(
        self, eta: float, coefs: int, make_fit: MakeFit, measured: pd.DataFrame
    ) -> None:
        rng = np.random.default_rng(2)
        names = ["x", "z"][: coefs - 1]
        data = measured.assign(x=rng.normal(size=60), z=rng.normal(size=60))
        shape = eta + coefs / 2 - 1
        pairs = coefs * (coefs - 1) // 2
        drawn = 2 * rng.beta(shape, shape, size=(4000, pairs)) - 1
        fit = make_fit(
            f"y ~ 1 + ({' + '.join(names)} | g)",
            data,
            {
                "b": rng.normal(10, 0.3, size=(4000, 1)),
                "sigma": rng.gamma(100, 0.02, size=4000),
                "sd_g": rng.gamma(20, 0.1, size=(4000, coefs)),
                "cor_g": drawn,
                "r_g": np.zeros((4000, 6, coefs)),
            },
            prior=prior(f"lkj({eta:g})", class_="cor"),
        )
        assert [item.kind for item in same_as_prior(fit)] == ["cor"] * pairs

    def test_a_correlation_at_its_end(self, make_fit: MakeFit, measured: pd.DataFrame) -> None:
        rng = np.random.default_rng(2)
        fit = make_fit(
            "y ~ 1 + (x | g)",
            measured.assign(x=rng.normal(size=60)),
            {
                "b": rng.normal(10, 0.3, size=(4000, 1)),
                "sigma": rng.gamma(100, 0.02, size=4000),
                "sd_g": rng.gamma(20, 0.1, size=(4000, 2)),
                "cor_g": 1 - rng.exponential(0.05, size=(4000, 1)).clip(max=1.9),
                "r_g": np.zeros((4000, 6, 2)),
            },
        )
        (found,) = at_boundary(fit)
        assert (found.kind, found.bound) == ("cor", 1.0)
        calls = [item.call for item in fit.check().findings]
        assert 'fit.update(prior=prior("lkj(2)", class_="cor", group=\'g\'))' in calls

    @pytest.mark.parametrize(
        ("centre", "sd", "nothing", "little"),
        [(0.0, 2.0, True, False), (0.8, 1.6, False, True), (0.5, 0.3, False, False)],
    )
    def test_a_non_linear_parameter_that_the_data_leave_open(
        self, centre: float, sd: float, nothing: bool, little: bool, make_fit: MakeFit
    ) -> None:
        data = pd.DataFrame({"x": np.linspace(1, 9, 20), "y": np.linspace(1, 2, 20)})
        fit = make_fit(
            bf("y ~ top * exp(-rate * x)", "top + rate ~ 1", nl=True),
            data,
            {
                "b_top": np.random.default_rng(1).normal(1.0, 0.01, (4000, 1)),
                "b_rate": np.random.default_rng(2).normal(centre, sd, (4000, 1)),
                "sigma": np.random.default_rng(3).gamma(100, 0.01, 4000),
            },
            prior=[prior("normal(1, 1)", nlpar="top"), prior("normal(0, 2)", nlpar="rate")],
        )
        names = [item.name for item in same_as_prior(fit)]
        assert names == (["b_rate_Intercept"] if nothing else [])
        if nothing:
            (found,) = same_as_prior(fit)
            assert found.width == pytest.approx(1.0, abs=0.05)
            assert found.overlap > 0.93
        assert [item.name for item in little_known(fit)] == (["b_rate_Intercept"] if little else [])
        if little:
            (found,) = little_known(fit)
            assert found.width == pytest.approx(0.8, abs=0.04)
            # The area that the two densities have in common.
            grid = np.linspace(-12, 12, 20_001)
            densities = stats.norm.pdf(grid, 0, 2), stats.norm.pdf(grid, centre, sd)
            common = np.minimum(*densities).sum() * (grid[1] - grid[0])
            assert found.overlap == pytest.approx(common, abs=0.02)

    def test_words_for_a_parameter_that_the_data_leave_open(self, make_fit: MakeFit) -> None:
        data = pd.DataFrame({"conc": np.tile([1.0, 2.0, 4.0, 8.0], 5)})
        data["rate"] = 10 * data["conc"] / (3 + data["conc"]) + 0.1 * np.cos(np.arange(20))
        fit = make_fit(
            bf("rate ~ SSmicmen(conc, V, half)", "V + half ~ 1", nl=True),
            data,
            {
                "b_V": np.random.default_rng(1).normal(10.0, 0.1, (4000, 1)),
                "b_half": np.random.default_rng(2).gamma(4.0, 1.0, (4000, 1)),
                "sigma": np.random.default_rng(3).gamma(100, 0.001, 4000),
            },
            prior=prior("gamma(4, 1)", nlpar="half", lb=0),
        )
        [shown] = [i for i in fit.check().findings if "nothing about b_half" in i.finding]
        assert shown.kind == "problem"
        assert "all 20 rows" in shown.evidence
        assert "half is input at which half the maximum is reached" in shown.advice
        assert 'nlpar="half"' in shown.advice

    def test_a_parameter_at_the_bound_of_its_curve(self, make_fit: MakeFit) -> None:
        data = pd.DataFrame({"conc": np.tile([1.0, 2.0, 4.0, 8.0], 5)})
        data["rate"] = 10 + 0.1 * np.cos(np.arange(20))
        at_zero = np.abs(np.random.default_rng(2).normal(0, 0.01, (4000, 1)))
        fit = make_fit(
            bf("rate ~ SSmicmen(conc, V, half)", "V + half ~ 1", nl=True),
            data,
            {
                "b_V": np.random.default_rng(1).normal(10.0, 0.1, (4000, 1)),
                "b_half": at_zero,
                "sigma": np.random.default_rng(3).gamma(100, 0.001, 4000),
            },
        )
        [shown] = [
            i for i in fit.check().findings if i.finding == "b_half_Intercept is at its bound"
        ]
        assert shown.kind == "problem"
        assert "The 20 rows would have it further out" in shown.evidence
        assert "half is input at which half the maximum is reached of SSmicmen()" in shown.advice

    def test_constants_and_intercepts_are_left_alone(
        self, make_fit: MakeFit, measured: pd.DataFrame
    ) -> None:
        draws = {"b": np.random.default_rng(1).normal(10, 5, (4000, 1)), "sigma": np.ones(4000)}
        fit = make_fit(
            "y ~ 1",
            measured,
            draws,
            prior=[
                prior("constant(1)", class_="sigma"),
                prior("normal(10, 5)", class_="Intercept"),
            ],
        )
        assert same_as_prior(fit) == []
        assert at_boundary(fit) == []


class TestRows:
    def test_rows_that_move_the_posterior(
        self, measured: pd.DataFrame, make_fit: MakeFit, normal_draws: Callable[..., Any]
    ) -> None:
        data = measured.copy()
        data.loc["row 7", "y"] = 200.0
        y = data["y"].to_numpy()
        draws = normal_draws(y)
        result = make_fit("y ~ 1", data, draws).check()
        (found,) = [item for item in result.findings if "Rows" in item.finding]
        assert found.kind == "problem"
        assert not result.ok
        assert "'row 7'" in found.evidence
        assert "1 of 60 rows" in found.evidence
        assert "fit.data.loc[['row 7']]" in found.advice
        assert found.call == "fit.reloo()"
        assert "Pareto k above 0.70 in 1 of 60 rows" in result.summary

    def test_a_row_on_which_no_coefficient_hangs(
        self, measured: pd.DataFrame, make_fit: MakeFit, normal_draws: Callable[..., Any]
    ) -> None:
        # Of a regression through the origin, a row at zero says nothing about the slope.
        data = measured.assign(x=np.linspace(3, 4, 60))
        data.loc["row 7", ["x", "y"]] = [0.0, 8.7]
        rng = np.random.default_rng(1)
        x, y = data["x"].to_numpy(), data["y"].to_numpy()
        slope = x @ y / (x @ x)
        sigma = np.sqrt(np.sum((y - slope * x) ** 2) / rng.chisquare(59, 4000))
        b = slope + sigma / np.sqrt(x @ x) * rng.normal(size=4000)
        result = make_fit("y ~ 0 + x", data, {"b": b[:, None], "sigma": sigma}).check()
        (found,) = [item for item in result.findings if "unusual" in item.finding]
        assert found.kind == "note"
        assert "Without it, sigma would move by about" in found.evidence
        assert "No coefficient hangs on it, the spread does" in found.advice
        assert result.ok


class TestPriors:
    def test_conflict_and_weak_data(self, make_fit: MakeFit) -> None:
        y = np.random.default_rng(4).normal(1.0, 1.0, size=10)
        for mean, sd, title in ((8.0, 0.6, "Prior and data disagree"), (1.0, 0.02, "The prior")):
            precision = 1 / sd**2 + 10
            centre = (mean / sd**2 + y.sum()) / precision
            draws = np.random.default_rng(1).normal(centre, precision**-0.5, size=4000)
            fit = make_fit(
                "y ~ 1",
                {"y": y},
                {"b": draws[:, None], "sigma": np.ones(4000)},
                lprior=stats.norm.logpdf(draws, mean, sd),
            )
            found = [item for item in fit.check().findings if item.finding.startswith(title)]
            assert len(found) == 1
            assert "b_Intercept (prior " in found[0].evidence
            assert found[0].call == "fit.powerscale_sensitivity()"


@pytest.mark.compiled
class TestRealFits:
    def test_every_example_can_be_checked(self, example_fit: Example) -> None:
        for name in ("plant_growth", "puromycin", "oats", "loblolly_seed_prior"):
            assert example_fit(name).check().summary

    def test_a_level_for_each_row(self, example_fit: Example) -> None:
        found = example_fit("cbpp_id").check()
        assert any(item.call == "fit.kfold(K=10)" for item in found.findings)

    def test_an_sd_that_may_be_zero(self, example_fit: Example) -> None:
        # With an effect for each row there is little left for the herds.
        fit = example_fit("cbpp_id")
        (call,) = [item.call for item in fit.check().findings if "may be zero" in item.finding]
        assert call == "fit.loo_compare(fit.update('. ~ . - (1 | herd)'))"
        # Without herds it is the structure of cbpp.
        without = fit.update(". ~ . - (1 | herd)", seed=1, adapt_delta=0.99, progress=False)
        assert fit.loo_compare(without).table["elpd_diff"].abs().max() < 4

    def test_overdispersion(self, example_fit: Example) -> None:
        assert "The data surprise the model" in titles(example_fit("epil").check())

    def test_little_to_worry_about(self, example_fit: Example) -> None:
        # Its few unusual rows move sigma, but no coefficient.
        check = example_fit("sleepstudy").check()
        assert check.ok
        (found,) = check.findings
        assert found.kind == "note"
        assert found.call == "fit.reloo()"

    @pytest.mark.parametrize("name", ["plant_growth", "puromycin", "oats", "salamander"])
    def test_no_problem_where_there_is_none(self, name: str, example_fit: Example) -> None:
        assert example_fit(name).check().ok


@pytest.mark.parametrize(
    ("least", "kind"), [(0.11, "note"), (0.5, "problem")], ids=["slightly", "much"]
)
def test_a_spread_that_moves_with_its_prior(
    least: float, kind: str, make_fit: MakeFit, measured: pd.DataFrame, monkeypatch: Any
) -> None:
    from brmspy.checks import found_parameters
    from brmspy.checks.sensitivity import STRONG_PRIOR, PowerScaling

    table = pd.DataFrame(
        {"prior": [least], "likelihood": [0.01], "diagnosis": [STRONG_PRIOR]},
        index=["sd_g__Intercept"],
    )
    monkeypatch.setattr(
        found_parameters, "powerscale_sensitivity", lambda fit: PowerScaling(table, 0.05)
    )
    found = [
        i for i in grouped(make_fit, measured, sound()).check().findings if "prior" in i.finding
    ]
    assert [item.kind for item in found] == [kind]
