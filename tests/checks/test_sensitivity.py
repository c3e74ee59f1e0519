"""Power-scaling against normal posteriors, whose scaling is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from brmspy import BrmsFit, load_dataset
from brmspy.checks import sensitivity
from brmspy.errors import BrmspyError

Example = Callable[[str], BrmsFit]
MakeFit = Callable[..., BrmsFit]


def distance(p: Any, q: Any, low: float, high: float) -> float:
    """Return the cumulative Jensen-Shannon distance of two distributions, by quadrature."""

    def one_sided(f: Any, g: Any) -> float:
        x = np.linspace(low, high, 200_001)
        a, b = f(x), g(x)
        middle = (a + b) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            inner = np.where(a > 0, a * np.log2(a / middle), 0) + np.where(
                b > 0, b * np.log2(b / middle), 0
            )
        return float(np.sqrt(integrate.trapezoid(inner, x) / integrate.trapezoid(a + b, x)))

    return max(one_sided(p.cdf, q.cdf), one_sided(p.sf, q.sf))


def test_distance_of_weighted_draws() -> None:
    # Weights that turn draws of one normal into those of another.
    x = np.sort(np.random.default_rng(1).normal(size=200_000))
    log_weights = 0.1 * x
    weights = np.exp(log_weights - log_weights.max())
    expected = distance(stats.norm(0, 1), stats.norm(0.1, 1), x[0], x[-1])
    found = sensitivity._distance(x, weights / weights.sum())
    assert found == pytest.approx(expected, rel=0.05)


def test_equal_weights_are_no_distance_away() -> None:
    x = np.sort(np.random.default_rng(1).normal(size=1000))
    assert sensitivity._distance(x, np.full(1000, 1e-3)) == pytest.approx(0, abs=1e-6)
    assert sensitivity._distance(np.ones(1000), np.full(1000, 1e-3)) == 0


class TestNormalMean:
    """A mean with prior N(m, s^2) and known sigma: scaling multiplies precisions."""

    Y = np.random.default_rng(4).normal(1.0, 1.0, size=10)

    def fit(self, make_fit: MakeFit, prior_mean: float, prior_sd: float) -> tuple[Any, BrmsFit]:
        y = self.Y
        precision = 1 / prior_sd**2 + len(y)
        mean = (prior_mean / prior_sd**2 + y.sum()) / precision
        posterior = stats.norm(mean, precision**-0.5)
        # Quantiles in random order: draws without noise.
        draws = posterior.ppf((np.arange(4000) + 0.5) / 4000)
        draws = np.random.default_rng(1).permutation(draws)
        fit = make_fit(
            "y ~ 1",
            {"y": y},
            {"b": draws[:, None], "sigma": np.ones(4000)},
            lprior=stats.norm.logpdf(draws, prior_mean, prior_sd),
        )
        return draws, fit

    def expected(self, prior_mean: float, prior_sd: float, of: str, draws: Any) -> float:
        """Return the sensitivity, from the scaled posteriors themselves."""

        def posterior(prior_power: float, data_power: float) -> Any:
            precision = prior_power / prior_sd**2 + data_power * len(self.Y)
            total = prior_power * prior_mean / prior_sd**2 + data_power * self.Y.sum()
            return stats.norm(total / precision, precision**-0.5)

        base = posterior(1, 1)
        found = []
        for power in (1 / 1.01, 1.01):
            scaled = posterior(power, 1) if of == "prior" else posterior(1, power)
            found.append(distance(base, scaled, draws.min(), draws.max()))
        return float(np.mean(found) / np.log2(1.01))

    @pytest.mark.parametrize(
        ("mean", "sd", "diagnosis"),
        [
            (0.0, 20.0, "-"),
            (8.0, 0.6, "prior-data conflict"),
            (1.0, 0.02, "strong prior or weak likelihood"),
        ],
    )
    def test_sensitivities(self, make_fit: MakeFit, mean: float, sd: float, diagnosis: str) -> None:
        draws, fit = self.fit(make_fit, mean, sd)
        result = fit.powerscale_sensitivity("b_Intercept")
        row = result.table.loc["b_Intercept"]
        for of in ("prior", "likelihood"):
            assert row[of] == pytest.approx(self.expected(mean, sd, of, draws), rel=0.1, abs=0.003)
        assert row["diagnosis"] == diagnosis
        text = repr(result)
        assert "Sensitivity to power-scaling" in text
        assert diagnosis in text
        assert diagnosis in result._repr_html_()


def test_constants_and_flat_priors_are_not_sensitive(normal_fit: BrmsFit) -> None:
    table = normal_fit.powerscale_sensitivity().table
    assert table["prior"].tolist() == [0, 0]
    assert list(table.index) == ["b_Intercept", "sigma"]
    assert "No parameter depends much on its prior." in repr(normal_fit.powerscale_sensitivity())


@pytest.mark.parametrize("threshold", [0, "low", True])
def test_threshold_must_be_positive(normal_fit: BrmsFit, threshold: Any) -> None:
    with pytest.raises(BrmspyError, match=r"threshold = .* is not valid"):
        normal_fit.powerscale_sensitivity(threshold=threshold)


def test_unknown_parameters_are_refused(normal_fit: BrmsFit) -> None:
    with pytest.raises(BrmspyError, match="Did you mean 'sigma'"):
        normal_fit.powerscale_sensitivity("sigmaa")


@pytest.mark.compiled
def test_strong_priors_are_found(example_fit: Example) -> None:
    # Asym has prior normal(101, 0.1) and sigma normal(3, 0.2), though sigma is about 1.
    table = example_fit("loblolly_seed_prior").powerscale_sensitivity().table
    assert table.loc["b_Asym_Intercept", "diagnosis"] != "-"
    assert table.loc["sigma", "diagnosis"] != "-"
    sleep = example_fit("sleepstudy").powerscale_sensitivity().table
    assert (sleep.loc[["b_Intercept", "b_Days", "sigma"], "diagnosis"] == "-").all()
    assert load_dataset("sleepstudy").shape[0] == 180
