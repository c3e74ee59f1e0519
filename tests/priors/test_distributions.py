"""Densities and probabilities of intervals, against Stan, SciPy, closed forms and integrals."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import integrate, special, stats

from brmspy.engine.toolchain import find_toolchain
from brmspy.priors.distributions import DISTRIBUTIONS, log_mass

INF = math.inf

# Made by reference/make_stan_densities.py.
STAN: list[dict[str, Any]] = json.loads(
    Path(__file__).with_name("reference").joinpath("stan_densities.json").read_text("utf-8")
)["univariate"]

# Stan's arguments, and the same distribution in SciPy's own parametrisation.
CASES = {
    "normal": ((1.0, 2.0), stats.norm(1.0, 2.0)),
    "student_t": ((3.0, 1.0, 2.0), stats.t(3.0, 1.0, 2.0)),
    "cauchy": ((1.0, 2.0), stats.cauchy(1.0, 2.0)),
    "double_exponential": ((1.0, 2.0), stats.laplace(1.0, 2.0)),
    "logistic": ((1.0, 2.0), stats.logistic(1.0, 2.0)),
    "gumbel": ((1.0, 2.0), stats.gumbel_r(1.0, 2.0)),
    "skew_normal": ((1.0, 2.0, 3.0), stats.skewnorm(3.0, 1.0, 2.0)),
    "exp_mod_normal": ((1.0, 2.0, 0.5), stats.exponnorm(1.0, 1.0, 2.0)),
    # kappa = sqrt(tau / (1 - tau)) = 1/2 and scale = sigma / (2 sqrt(tau (1 - tau))) = 2.5
    "skew_double_exponential": ((1.0, 2.0, 0.2), stats.laplace_asymmetric(0.5, 1.0, 2.5)),
    "lognormal": ((0.3, 0.8), stats.lognorm(0.8, 0.0, math.exp(0.3))),
    "chi_square": ((5.0,), stats.chi2(5.0)),
    "inv_chi_square": ((5.0,), stats.invgamma(2.5, 0.0, 0.5)),
    "scaled_inv_chi_square": ((5.0, 2.0), stats.invgamma(2.5, 0.0, 10.0)),
    "exponential": ((0.5,), stats.expon(0.0, 2.0)),
    "gamma": ((2.5, 0.5), stats.gamma(2.5, 0.0, 2.0)),
    "inv_gamma": ((2.5, 0.5), stats.invgamma(2.5, 0.0, 0.5)),
    "weibull": ((1.7, 2.0), stats.weibull_min(1.7, 0.0, 2.0)),
    "frechet": ((1.7, 2.0), stats.invweibull(1.7, 0.0, 2.0)),
    "rayleigh": ((2.0,), stats.rayleigh(0.0, 2.0)),
    "loglogistic": ((2.0, 3.0), stats.fisk(3.0, 0.0, 2.0)),
    "pareto": ((1.5, 2.5), stats.pareto(2.5, 0.0, 1.5)),
    "pareto_type_2": ((1.0, 2.0, 2.5), stats.lomax(2.5, 1.0, 2.0)),
    "beta": ((2.0, 3.5), stats.beta(2.0, 3.5)),
    "beta_proportion": ((0.3, 5.0), stats.beta(1.5, 3.5)),
    "uniform": ((-1.0, 3.0), stats.uniform(-1.0, 4.0)),
    "von_mises": ((0.5, 2.0), stats.vonmises(2.0, 0.5)),
}
NORMAL_AT_ONE = -0.5 - 0.5 * math.log(2.0 * math.pi)
# Simpson's rule on the density relative to its value at 2.
VON_MISES_TAIL = (
    50.0 * (math.cos(2.0) - 1.0)
    - math.log(2.0 * math.pi * special.i0e(50.0))
    + math.log(
        integrate.simpson(
            np.exp(50.0 * (np.cos(np.linspace(2.0, math.pi, 20001)) - math.cos(2.0))),
            x=np.linspace(2.0, math.pi, 20001),
        )
    )
)
PROBABILITIES = np.array([1e-3, 0.1, 0.4, 0.6, 0.9, 0.999])


def test_every_distribution_has_a_case() -> None:
    assert set(CASES) == set(DISTRIBUTIONS)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_log_density_is_stans(name: str) -> None:
    record = DISTRIBUTIONS[name]
    rows = [row for row in STAN if row["density"] == name]
    assert len(rows) >= 6
    ours = [float(record.log_density(row["x"], *row["args"])) for row in rows]
    np.testing.assert_allclose(ours, [row["value"] for row in rows], rtol=1e-10, atol=1e-13)


@pytest.mark.stanc
def test_stan_has_every_density_with_as_many_arguments() -> None:
    statements = "\n".join(
        f"  target += {name}_lpdf(x | {', '.join(['a'] * len(record.arguments))});"
        for name, record in DISTRIBUTIONS.items()
    )
    code = f"""
data {{ int N; vector[N] a; }}
parameters {{ vector[N] x; }}
model {{
{statements}
}}
"""
    assert find_toolchain().check(code) == ()


@pytest.mark.parametrize("name", CASES)
def test_log_density_is_scipys(name: str) -> None:
    args, reference = CASES[name]
    x = reference.ppf(PROBABILITIES)
    np.testing.assert_allclose(
        DISTRIBUTIONS[name].log_density(x, *args), reference.logpdf(x), rtol=1e-11, atol=1e-13
    )


@pytest.mark.parametrize("name", CASES)
def test_density_integrates_to_one(name: str) -> None:
    args, reference = CASES[name]
    record = DISTRIBUTIONS[name]
    lower, upper = (float(end) for end in record.support(*args))
    # A kink may only stand at an end of a piece.
    inner = sorted({*map(float, reference.ppf([0.01, 0.5, 0.99])), args[0]})
    ends = [lower, *(x for x in inner if lower < x < upper), upper]
    total = sum(
        integrate.quad(lambda x: float(np.exp(record.log_density(x, *args))), a, b, limit=200)[0]
        for a, b in itertools.pairwise(ends)
    )
    assert total == pytest.approx(1.0, abs=1e-8)


@pytest.mark.parametrize("name", CASES)
def test_no_density_outside_the_support(name: str) -> None:
    args, _ = CASES[name]
    record = DISTRIBUTIONS[name]
    lower, upper = (float(end) for end in record.support(*args))
    outside = [end for end in (lower - 0.1, upper + 0.1) if math.isfinite(end)]
    assert np.all(record.log_density(np.array(outside), *args) == -INF)
    assert log_mass(record, args, (lower - 1.0, upper + 1.0)) == 0.0


@pytest.mark.parametrize("name", CASES)
def test_log_mass_of_intervals(name: str) -> None:
    args, reference = CASES[name]
    ends = reference.ppf(PROBABILITIES)
    for i, lower in enumerate(ends):
        for j in range(i + 1, len(ends)):
            expected = math.log(PROBABILITIES[j] - PROBABILITIES[i])
            found = log_mass(DISTRIBUTIONS[name], args, (float(lower), float(ends[j])))
            assert found == pytest.approx(expected, abs=1e-9)


def test_arguments_broadcast() -> None:
    record = DISTRIBUTIONS["normal"]
    x = np.array([[0.0, 1.0], [2.0, 3.0], [-1.0, 5.0]])
    mu, sigma = np.array([0.0, 1.0]), np.array([1.0, 2.0])
    expected = stats.norm.logpdf(x, mu, sigma)
    np.testing.assert_allclose(record.log_density(x, mu, sigma), expected, rtol=1e-14)


TAILS = [
    ("normal", (0.0, 1.0), (40.0, INF), float(special.log_ndtr(-40.0))),
    ("normal", (0.0, 1.0), (-INF, -40.0), float(special.log_ndtr(-40.0))),
    ("normal", (1.0, 2.0), (1.0, INF), -math.log(2.0)),
    # What lies beyond 30 is e^-400 of what lies beyond 10.
    ("normal", (0.0, 1.0), (10.0, 30.0), float(special.log_ndtr(-10.0))),
    ("normal", (0.0, 1.0), (-30.0, -10.0), float(special.log_ndtr(-10.0))),
    ("normal", (0.0, 1.0), (1.0, 1.0 + 2.0**-40), -40.0 * math.log(2.0) + NORMAL_AT_ONE),
    ("student_t", (3.0, 0.0, 59.3), (0.0, INF), -math.log(2.0)),
    ("student_t", (1.0, 0.0, 1.0), (1e6, INF), math.log(math.atan(1e-6) / math.pi)),
    ("cauchy", (0.0, 2.0), (1e8, INF), math.log(math.atan(2e-8) / math.pi)),
    ("cauchy", (0.0, 2.0), (-INF, -1e8), math.log(math.atan(2e-8) / math.pi)),
    ("logistic", (0.0, 2.0), (3000.0, INF), -1500.0),
    ("exponential", (2.0,), (1000.0, INF), -2000.0),
    ("exponential", (2.0,), (1000.0, 1000.5), -2000.0 + math.log1p(-math.exp(-1.0))),
    ("exponential", (2.0,), (0.0, 1e-12), math.log(-math.expm1(-2e-12))),
    ("weibull", (2.0, 3.0), (300.0, INF), -1e4),
    ("rayleigh", (1.0,), (100.0, INF), -5e3),
    ("pareto", (2.0, 3.0), (2e9, INF), -27.0 * math.log(10.0)),
    ("pareto_type_2", (0.0, 1.0, 3.0), (1e9, INF), -3.0 * math.log1p(1e9)),
    ("normal", (101.0, 0.1), (100.0, 102.0), math.log1p(-special.erfc(10.0 / math.sqrt(2.0)))),
    # The interval is so narrow that the density does not change in it.
    ("normal", (0.0, 1e20), (1.0, 2.0), NORMAL_AT_ONE + 0.5 - math.log(1e20)),
    ("double_exponential", (0.0, 1.0), (100.0, INF), -100.0 - math.log(2.0)),
    ("skew_double_exponential", (0.0, 1.0, 0.1), (-INF, 0.0), math.log(0.1)),
    ("gumbel", (0.0, 1.0), (-INF, -5.0), -math.exp(5.0)),
    ("gamma", (2.0, 0.1), (1.0, INF), math.log(1.1) - 0.1),
    ("gamma", (2.0, 1.0), (600.0, INF), math.log(601.0) - 600.0),
    ("inv_gamma", (1.0, 1.0), (0.0, 0.01), -100.0),
    ("frechet", (1.0, 1.0), (0.0, 0.01), -100.0),
    ("loglogistic", (1.0, 2.0), (0.0, 1e-6), -math.log1p(1e12)),
    ("weibull", (2.0, 1.0), (20.0, 21.0), -400.0 + math.log1p(-math.exp(-41.0))),
    ("beta", (1.0, 3.0), (0.9, 1.0), -3.0 * math.log(10.0)),
    ("von_mises", (1.0, 5.0), (1.0, 1.0 + math.pi), -math.log(2.0)),
    ("von_mises", (0.0, 50.0), (2.0, math.pi), VON_MISES_TAIL),
    ("uniform", (0.0, 4.0), (1.0, 2.0), math.log(0.25)),
    ("uniform", (0.0, 4.0), (1.0, 1.0 + 2.0**-40), -42.0 * math.log(2.0)),
]


@pytest.mark.parametrize(("name", "args", "bounds", "expected"), TAILS)
def test_log_mass_keeps_digits_in_tails(
    name: str, args: tuple[float, ...], bounds: tuple[float, float], expected: float
) -> None:
    assert log_mass(DISTRIBUTIONS[name], args, bounds) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "args", "bounds"),
    [
        ("uniform", (0.0, 1.0), (2.0, 3.0)),
        ("gamma", (2.0, 1.0), (-2.0, -1.0)),
        ("normal", (0.0, 1.0), (1.0, 1.0)),
    ],
)
def test_an_interval_without_the_support_has_no_mass(
    name: str, args: tuple[float, ...], bounds: tuple[float, float]
) -> None:
    assert log_mass(DISTRIBUTIONS[name], args, bounds) == -INF
