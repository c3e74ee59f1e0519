"""The LKJ density against Stan, closed forms and integrals."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, stats

from brmspy.priors.lkj import lkj_cholesky_log_density, lkj_log_density

# Made by reference/make_stan_densities.py.
STAN: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("reference").joinpath("stan_densities.json").read_text("utf-8")
)["lkj"]
ETAS = (0.5, 1.0, 2.0, 7.5)


def matrix(a: float, b: float, c: float) -> NDArray[np.float64]:
    """Return a correlation matrix of three variables."""
    return np.array([[1.0, a, b], [a, 1.0, c], [b, c, 1.0]])


@pytest.mark.parametrize("row", STAN)
def test_densities_are_stans(row: dict[str, Any]) -> None:
    correlations = np.array(row["correlations"])
    found = lkj_log_density(correlations, row["eta"])
    assert float(found) == pytest.approx(row["corr"], rel=1e-12)
    found = lkj_cholesky_log_density(np.linalg.cholesky(correlations), row["eta"])
    assert float(found) == pytest.approx(row["cholesky"], rel=1e-12)


@pytest.mark.parametrize("eta", ETAS)
def test_two_variables_have_a_scaled_beta(eta: float) -> None:
    r = np.array([-0.99, -0.4, 0.0, 0.3, 0.95])
    correlations = np.stack([np.array([[1.0, x], [x, 1.0]]) for x in r])
    expected = stats.beta(eta, eta, loc=-1.0, scale=2.0).logpdf(r)
    np.testing.assert_allclose(lkj_log_density(correlations, eta), expected, rtol=0, atol=1e-12)
    # With two variables the factor's free element is the correlation itself.
    factors = np.linalg.cholesky(correlations)
    np.testing.assert_allclose(lkj_cholesky_log_density(factors, eta), expected, rtol=0, atol=1e-12)


def test_three_variables_uniform_over_the_known_volume() -> None:
    # The set of correlation matrices of three variables has the volume pi^2 / 2.
    expected = -math.log(math.pi**2 / 2.0)
    for correlations in (np.eye(3), matrix(0.5, -0.2, 0.1)):
        assert float(lkj_log_density(correlations, 1.0)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("eta", [1.0, 2.0, 3.5])
def test_three_variables_integrate_to_the_marginal(eta: float) -> None:
    # Each correlation of M variables is a scaled beta with both shapes eta - 1 + M / 2.
    a = 0.3

    def density(c: float, b: float) -> float:
        return float(np.exp(lkj_log_density(matrix(a, b, c), eta)))

    def half_width(b: float) -> float:
        return math.sqrt((1.0 - a * a) * (1.0 - b * b)) * (1.0 - 1e-12)

    found, _ = integrate.dblquad(
        density,
        -1.0 + 1e-9,
        1.0 - 1e-9,
        lambda b: a * b - half_width(b),
        lambda b: a * b + half_width(b),
        epsabs=1e-6,
        epsrel=1e-6,
    )
    shape = eta + 0.5
    expected = float(stats.beta(shape, shape, loc=-1.0, scale=2.0).pdf(a))
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("eta", ETAS)
@pytest.mark.parametrize("size", [2, 3, 5])
def test_factor_and_matrix_differ_by_the_jacobian(eta: float, size: int) -> None:
    # dR/dL has the determinant prod L_ii^(M - i), i from 1 (Stan Reference Manual).
    rng = np.random.default_rng(size)
    samples = rng.normal(size=(4, 3 * size, size))
    correlations = np.stack([np.corrcoef(sample, rowvar=False) for sample in samples])
    factors = np.linalg.cholesky(correlations)
    diagonals = np.diagonal(factors, axis1=-2, axis2=-1)
    jacobian = np.log(diagonals) @ (size - np.arange(1.0, size + 1.0))
    np.testing.assert_allclose(
        lkj_cholesky_log_density(factors, eta),
        lkj_log_density(correlations, eta) + jacobian,
        rtol=0,
        atol=1e-10,
    )


def test_leading_dimensions_are_kept_and_one_variable_is_certain() -> None:
    factors = np.broadcast_to(np.eye(3), (4, 5, 3, 3))
    assert lkj_cholesky_log_density(factors, 2.0).shape == (4, 5)
    np.testing.assert_array_equal(lkj_cholesky_log_density(np.ones((4, 1, 1)), 2.0), np.zeros(4))
