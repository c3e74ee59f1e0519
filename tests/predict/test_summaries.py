"""Tables of predictions against summaries of the draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from brmspy import BrmsFit
from brmspy.errors import BrmspyError
from brmspy.predict import summarise

Example = Callable[[str], BrmsFit]


def draws_of(values: Any) -> xr.DataArray:
    """Return draws of two rows, two chains."""
    return xr.DataArray(
        np.asarray(values, dtype=float).reshape(2, -1, 2),
        dims=("chain", "draw", "obs"),
        coords={"obs": ["a", "b"]},
    )


def test_summary_by_hand() -> None:
    first, second = np.arange(101.0), np.arange(101.0) ** 2
    values = np.stack([np.r_[first, first], np.r_[second, second]], axis=1)
    table = summarise(draws_of(values), prob=0.8)
    assert table.columns.tolist() == ["Estimate", "Est.Error", "Q10", "Q90"]
    assert table.index.tolist() == ["a", "b"]
    np.testing.assert_allclose(table.loc["a"], [50, np.std(np.r_[first, first], ddof=1), 10, 90])
    assert table.loc["b", "Q90"] == pytest.approx(8100)


def test_robust_summary_of_normal_draws() -> None:
    z = stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    table = summarise(draws_of(np.stack([3 + 2 * z, z], axis=1)), robust=True)
    np.testing.assert_allclose(table["Estimate"], [3, 0], atol=1e-6)
    np.testing.assert_allclose(table["Est.Error"], [2, 1], rtol=1e-3)


@pytest.mark.parametrize("prob", [0.0, 1.0, 95])
def test_probabilities(prob: float) -> None:
    with pytest.raises(BrmspyError, match="prob"):
        summarise(draws_of(np.ones(8)), prob=prob)


@pytest.mark.compiled
class TestTables:
    def test_fitted(self, example_fit: Example) -> None:
        fit = example_fit("epil")
        draws = fit.posterior_epred().to_numpy().reshape(-1, fit.nobs)
        table = fit.fitted(prob=0.9)
        assert isinstance(table, pd.DataFrame)
        np.testing.assert_allclose(table["Estimate"], draws.mean(axis=0))
        np.testing.assert_allclose(table["Q5"], np.quantile(draws, 0.05, axis=0))
        linear = fit.fitted(scale="linear", robust=True)
        np.testing.assert_allclose(linear["Estimate"], np.median(np.log(draws), axis=0))

    def test_predict_is_wider(self, example_fit: Example) -> None:
        fit = example_fit("sleepstudy")
        sigma = fit["sigma"].to_numpy()
        expected = np.sqrt(fit.fitted()["Est.Error"] ** 2 + np.mean(sigma**2))
        np.testing.assert_allclose(fit.predict()["Est.Error"], expected, rtol=0.06)

    def test_residuals(self, example_fit: Example) -> None:
        fit = example_fit("cbpp")
        y, trials = fit.data["incidence"].to_numpy(), fit.data["size"].to_numpy()
        mean = fit.posterior_epred().to_numpy()
        left = fit.residuals(method="posterior_epred", summary=False)
        np.testing.assert_allclose(left, y - mean)
        sd = np.sqrt(mean * (1 - mean / trials))
        pearson = fit.residuals(method="posterior_epred", type="pearson", summary=False)
        np.testing.assert_allclose(pearson, (y - mean) / sd)
        drawn = fit.residuals(summary=False)
        np.testing.assert_array_equal(drawn, y - fit.posterior_predict().to_numpy())
        table = fit.residuals(method="posterior_epred")
        np.testing.assert_allclose(table["Estimate"], (y - mean).mean(axis=(0, 1)))

    @pytest.mark.parametrize(
        ("method", "arguments", "message"),
        [
            ("fitted", {"scale": "log"}, "scale"),
            ("residuals", {"type": "deviance"}, "type"),
            ("residuals", {"method": "epred"}, "posterior_epred"),
        ],
    )
    def test_bad_arguments(
        self, example_fit: Example, method: str, arguments: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(BrmspyError, match=message):
            getattr(example_fit("cbpp"), method)(**arguments)
