"""R-squared by hand, and against brms."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy import BrmsFit, student
from brmspy.errors import BrmspyError

REFERENCE = Path(__file__).resolve().parents[1] / "posterior" / "reference"
MODELS = sorted(path.stem for path in REFERENCE.glob("*.json"))

Example = Callable[[str], BrmsFit]
MakeFit = Callable[..., BrmsFit]


@pytest.fixture
def line(make_fit: MakeFit) -> tuple[BrmsFit, np.ndarray, np.ndarray, np.ndarray]:
    """Return the fit of a line, its means, standard deviations and responses."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=40)
    y = 3 + 2 * x + rng.normal(size=40)
    b = np.column_stack([rng.normal(3, 0.15, 4000), rng.normal(2, 0.15, 4000)])
    sigma = np.abs(rng.normal(1, 0.1, 4000))
    fit = make_fit("y ~ x", {"y": y, "x": x}, {"b": b, "sigma": sigma})
    return fit, b[:, :1] + b[:, 1:] * x, sigma, y


def test_by_the_model(line: Any) -> None:
    fit, mean, sigma, _ = line
    explained = mean.var(axis=1, ddof=1)
    expected = explained / (explained + sigma**2)
    result = fit.bayes_R2()
    assert result.method == "model"
    np.testing.assert_allclose(result.draws.to_numpy().ravel(), expected)
    row = result.table.loc["R2"]
    assert row["Estimate"] == pytest.approx(expected.mean())
    assert row["Est.Error"] == pytest.approx(expected.std(ddof=1))
    np.testing.assert_allclose(row[["Q2.5", "Q97.5"]], np.quantile(expected, [0.025, 0.975]))


def test_by_residuals(line: Any) -> None:
    fit, mean, _, y = line
    explained, rest = mean.var(axis=1, ddof=1), (y - mean).var(axis=1, ddof=1)
    result = fit.bayes_R2("residual", prob=0.8, robust=True)
    expected = explained / (explained + rest)
    np.testing.assert_allclose(result.draws.to_numpy().ravel(), expected)
    assert result.table.loc["R2", "Estimate"] == pytest.approx(np.median(expected))
    assert list(result.table) == ["Estimate", "Est.Error", "Q10", "Q90"]


def test_some_of_the_draws(line: Any) -> None:
    fit, *_ = line
    assert fit.bayes_R2(ndraws=100).draws.size == 100


def test_text_says_how(line: Any) -> None:
    fit, *_ = line
    assert "variance of the mean and that of the residuals which the" in repr(fit.bayes_R2())
    assert "Estimate" in fit.bayes_R2()._repr_html_()


def test_residual_variance_that_differs_between_rows(make_fit: MakeFit) -> None:
    from brmspy import bf

    x = np.array([-1.0, 0.0, 1.0, 2.0])
    b = np.tile([1.0, 2.0], (4000, 1))
    b_sigma = np.tile([0.1, 0.5], (4000, 1))
    fit = make_fit(bf("y ~ x", "sigma ~ x"), {"y": x, "x": x}, {"b": b, "b_sigma": b_sigma})
    explained = np.var(1 + 2 * x, ddof=1)
    rest = np.exp(2 * (0.1 + 0.5 * x)).mean()
    assert fit.bayes_R2().table.loc["R2", "Estimate"] == pytest.approx(
        explained / (explained + rest)
    )


def test_bernoulli_by_the_model_and_binomial_by_residuals(make_fit: MakeFit) -> None:
    x = np.array([-1.0, 0.0, 1.0, 2.0])
    b = np.tile([0.2, 0.7], (4000, 1))
    p = 1 / (1 + np.exp(-(0.2 + 0.7 * x)))
    yes = make_fit("y ~ x", {"y": [0, 1, 1, 1], "x": x}, {"b": b}, family="bernoulli")
    explained = p.var(ddof=1)
    assert yes.bayes_R2().table.loc["R2", "Estimate"] == pytest.approx(
        explained / (explained + (p * (1 - p)).mean())
    )
    y, n = np.array([1, 5, 6, 9]), 10
    counts = make_fit("y | trials(n) ~ x", {"y": y, "x": x, "n": n}, {"b": b}, family="binomial")
    explained, rest = (n * p).var(ddof=1), (y - n * p).var(ddof=1)
    assert counts.bayes_R2().method == "residual"
    assert counts.bayes_R2().table.loc["R2", "Estimate"] == pytest.approx(
        explained / (explained + rest)
    )
    explained = (n * p).var(ddof=1)
    assert counts.bayes_R2("model").table.loc["R2", "Estimate"] == pytest.approx(
        explained / (explained + (n * p * (1 - p)).mean())
    )


def test_infinite_variance_is_refused(make_fit: MakeFit) -> None:
    draws = {"b": np.zeros((4000, 1)), "sigma": np.ones(4000), "nu": np.full(4000, 1.5)}
    fit = make_fit("y ~ 1", {"y": [1.0, 2.0, 4.0]}, draws, family=student())
    with pytest.raises(BrmspyError, match=r'variance of a student response.*method="residual"'):
        fit.bayes_R2("model")
    assert fit.bayes_R2().method == "residual"


@pytest.mark.parametrize("method", ["models", 1])
def test_other_methods_are_refused(normal_fit: BrmsFit, method: Any) -> None:
    with pytest.raises(BrmspyError, match=r"method = .* is not valid"):
        normal_fit.bayes_R2(method)


def test_one_row_is_refused(make_fit: MakeFit) -> None:
    fit = make_fit("y ~ 1", {"y": [2.0]}, {"b": np.ones((4000, 1)), "sigma": np.ones(4000)})
    for function in (fit.bayes_R2, fit.loo_R2):
        with pytest.raises(BrmspyError, match="one row only"):
            function()


class TestLooR2:
    def test_of_a_line(self, line: Any) -> None:
        fit, mean, _, y = line
        result = fit.loo_R2()
        # The draws are no posterior of these data, but close to one; without the bootstrap:
        estimate = 1 - (y - mean.mean(axis=0)).var() / y.var()
        assert result.table.loc["R2", "Estimate"] == pytest.approx(estimate, abs=0.05)
        assert result.table.loc["R2", "Estimate"] < fit.bayes_R2().table.loc["R2", "Estimate"] + 0.1

    def test_without_predictors_there_is_nothing_to_explain(self, normal_fit: BrmsFit) -> None:
        # A mean without the row is further away from it, by n / (n - 1).
        expected = 1 - (60 / 59) ** 2
        assert normal_fit.loo_R2().table.loc["R2", "Estimate"] == pytest.approx(expected, abs=0.01)

    def test_calls_can_be_repeated(self, line: Any) -> None:
        fit, *_ = line
        pd.testing.assert_frame_equal(fit.loo_R2().table, fit.loo_R2().table)
        assert not fit.loo_R2(seed=9).draws.equals(fit.loo_R2().draws)


@pytest.mark.compiled
@pytest.mark.parametrize("name", MODELS)
def test_models_explain_what_those_of_brms_do(name: str, example_fit: Example) -> None:
    expected = json.loads((REFERENCE / f"{name}.json").read_text())["bayes_R2"]
    row = example_fit(name).bayes_R2().table.loc["R2"]
    assert row["Estimate"] == pytest.approx(expected["Estimate"], abs=0.005)
    assert row["Est.Error"] == pytest.approx(expected["Est.Error"], rel=0.15)
