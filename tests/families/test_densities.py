"""Densities, means, variances, distribution functions and random draws of every family.

Densities are compared with SciPy's; means, variances and distribution functions with sums and
integrals of our own density; random draws with SciPy's distributions.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, special, stats

from brmspy.families import Family, bernoulli, binomial, gaussian, negbinomial, poisson, student


@dataclass(frozen=True)
class Case:
    """One family at one point."""

    family: Family
    parameters: dict[str, float]
    trials: int | None = None

    def __str__(self) -> str:
        values = ",".join(f"{name}={value:g}" for name, value in self.parameters.items())
        of = "" if self.trials is None else f",trials={self.trials}"
        return f"{self.family.name}({values}{of})"

    @property
    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """The parameters for one draw."""
        return {name: np.array([[value]]) for name, value in self.parameters.items()}

    @property
    def options(self) -> dict[str, Any]:
        """Trials, if the family has any."""
        return {} if self.trials is None else {"trials": np.array([self.trials])}

    def log_density(self, y: Any) -> NDArray[np.float64]:
        """Our log density at several responses."""
        y = np.atleast_1d(y)
        options = {name: np.repeat(value, len(y)) for name, value in self.options.items()}
        return np.asarray(self.family.log_density(y, self.arrays, **options))[0]

    def cdf(self, y: Any) -> NDArray[np.float64]:
        """Our distribution function at several responses."""
        y = np.atleast_1d(y)
        options = {name: np.repeat(value, len(y)) for name, value in self.options.items()}
        return np.asarray(self.family.cdf(y, self.arrays, **options))[0]

    @property
    def mean(self) -> float:
        """Our mean."""
        return float(np.squeeze(self.family.mean(self.arrays, **self.options)))

    @property
    def variance(self) -> float:
        """Our variance."""
        return float(np.squeeze(self.family.variance(self.arrays, **self.options)))

    def draw(self, count: int) -> NDArray[Any]:
        """Our random draws, always the same ones."""
        rng = np.random.default_rng(20260101)
        arrays = {name: np.full((count, 1), value) for name, value in self.parameters.items()}
        return np.asarray(self.family.draw(rng, arrays, **self.options))[:, 0]

    @property
    def scipy(self) -> Any:
        """SciPy's frozen distribution."""
        return DISTRIBUTIONS[self.family.name](self.trials, **self.parameters)

    @property
    def support(self) -> NDArray[np.int64]:
        """All counts but those in a tail with less than 1e-15 of the mass."""
        return np.arange(0, min(self.scipy.isf(1e-15) + 1, self.scipy.support()[1]) + 1)

    @property
    def typical(self) -> NDArray[Any]:
        """Responses from one tail to the other."""
        levels = np.array([1e-12, 1e-6, 0.01, 0.2, 0.5, 0.8, 0.99, 1 - 1e-6, 1 - 1e-12])
        return np.unique(self.scipy.ppf(levels))


DISTRIBUTIONS: dict[str, Callable[..., Any]] = {
    "gaussian": lambda trials, mu, sigma: stats.norm(mu, sigma),
    "student": lambda trials, mu, sigma, nu: stats.t(nu, mu, sigma),
    "bernoulli": lambda trials, mu: stats.bernoulli(mu),
    "binomial": lambda trials, mu: stats.binom(trials, mu),
    "poisson": lambda trials, mu: stats.poisson(mu),
    "negbinomial": lambda trials, mu, shape: stats.nbinom(shape, shape / (shape + mu)),
}

CASES = [
    Case(gaussian(), {"mu": 0.0, "sigma": 1.0}),
    Case(gaussian(), {"mu": 250.0, "sigma": 30.0}),
    Case(gaussian(), {"mu": -3.0, "sigma": 0.01}),
    Case(student(), {"mu": 0.0, "sigma": 1.0, "nu": 1.5}),
    Case(student(), {"mu": 250.0, "sigma": 30.0, "nu": 5.0}),
    Case(student(), {"mu": -3.0, "sigma": 0.01, "nu": 300.0}),
    Case(bernoulli(), {"mu": 0.3}),
    Case(bernoulli(), {"mu": 0.999}),
    Case(binomial(), {"mu": 0.3}, 7),
    Case(binomial(), {"mu": 0.002}, 400),
    Case(binomial(), {"mu": 0.97}, 1),
    Case(poisson(), {"mu": 0.02}),
    Case(poisson(), {"mu": 4.5}),
    Case(poisson(), {"mu": 900.0}),
    Case(negbinomial(), {"mu": 0.5, "shape": 0.3}),
    Case(negbinomial(), {"mu": 6.0, "shape": 2.0}),
    Case(negbinomial(), {"mu": 80.0, "shape": 500.0}),
]
DISCRETE = [case for case in CASES if case.family.discrete]
CONTINUOUS = [case for case in CASES if not case.family.discrete]


def integral(case: Case, function: Callable[[float], float] = lambda y: 1.0) -> float:
    """Integrate our density times a function over the real line."""

    def integrand(y: float) -> float:
        return float(np.exp(case.log_density(y))[0]) * function(y)

    bounds = (-np.inf, *case.scipy.ppf([0.01, 0.5, 0.99]), np.inf)
    return sum(
        integrate.quad(integrand, low, high, epsabs=1e-13, epsrel=1e-11, limit=200)[0]
        for low, high in itertools.pairwise(bounds)
    )


@pytest.mark.parametrize("case", CONTINUOUS, ids=str)
def test_log_density_equals_that_of_scipy(case: Case) -> None:
    y = case.typical
    np.testing.assert_allclose(case.log_density(y), case.scipy.logpdf(y), rtol=1e-11)


@pytest.mark.parametrize("case", DISCRETE, ids=str)
def test_log_probability_equals_that_of_scipy(case: Case) -> None:
    y = case.typical
    np.testing.assert_allclose(case.log_density(y), case.scipy.logpmf(y), rtol=1e-10)


@pytest.mark.parametrize("case", DISCRETE, ids=str)
def test_probabilities_sum_to_one(case: Case) -> None:
    assert np.exp(case.log_density(case.support)).sum() == pytest.approx(1.0, rel=1e-11)


@pytest.mark.parametrize("case", CONTINUOUS, ids=str)
def test_density_integrates_to_one(case: Case) -> None:
    assert integral(case) == pytest.approx(1.0, rel=1e-8)


@pytest.mark.parametrize("case", DISCRETE, ids=str)
def test_mean_and_variance_equal_sums(case: Case) -> None:
    probability = np.exp(case.log_density(case.support))
    mean = float(case.support @ probability)
    variance = float((case.support - mean) ** 2 @ probability)
    assert case.mean == pytest.approx(mean, rel=1e-9)
    assert case.variance == pytest.approx(variance, rel=1e-9)


@pytest.mark.parametrize("case", [c for c in CONTINUOUS if c.parameters.get("nu", 9) > 2], ids=str)
def test_mean_and_variance_equal_integrals(case: Case) -> None:
    mean = integral(case, lambda y: y)
    assert case.mean == pytest.approx(mean, rel=1e-9, abs=1e-9)
    variance = integral(case, lambda y: (y - mean) ** 2)
    assert case.variance == pytest.approx(variance, rel=1e-8)


@pytest.mark.parametrize(
    ("nu", "variance"), [(1.2, np.inf), (2.0, np.inf), (2.5, 5.0), (4.0, 2.0), (1e9, 1.0)]
)
def test_variance_of_student(nu: float, variance: float) -> None:
    case = Case(student(), {"mu": 0.0, "sigma": 1.0, "nu": nu})
    assert case.variance == pytest.approx(variance, rel=1e-8)


@pytest.mark.parametrize("case", DISCRETE, ids=str)
def test_distribution_function_equals_sums(case: Case) -> None:
    expected = np.cumsum(np.exp(case.log_density(case.support)))
    np.testing.assert_allclose(case.cdf(case.support), expected, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("case", DISCRETE, ids=str)
def test_distribution_function_is_a_step_function(case: Case) -> None:
    assert case.cdf([-1.0, -0.5]).tolist() == [0.0, 0.0]
    np.testing.assert_array_equal(case.cdf([0.9, 1.5]), case.cdf([0, 1]))
    assert case.cdf([1e6])[0] == 1.0


@pytest.mark.parametrize("case", CONTINUOUS, ids=str)
def test_distribution_function_equals_that_of_scipy(case: Case) -> None:
    np.testing.assert_allclose(case.cdf(case.typical), case.scipy.cdf(case.typical), rtol=1e-9)


@pytest.mark.parametrize("case", CONTINUOUS, ids=str)
def test_density_is_the_slope_of_the_distribution_function(case: Case) -> None:
    y = case.scipy.ppf(np.array([0.05, 0.3, 0.6, 0.95]))
    step = 1e-4 * case.parameters["sigma"]
    slope = (case.cdf(y + step) - case.cdf(y - step)) / (2 * step)
    np.testing.assert_allclose(np.exp(case.log_density(y)), slope, rtol=1e-6)


DRAWS = 100_000


def has_fourth_moment(case: Case) -> bool:
    return case.parameters.get("nu", np.inf) > 4


@pytest.mark.parametrize("case", list(filter(has_fourth_moment, CASES)), ids=str)
def test_moments_of_random_draws(case: Case) -> None:
    draws = case.draw(DRAWS)
    kurtosis = case.scipy.stats(moments="k") + 3.0
    variance = case.scipy.var()
    assert abs(draws.mean() - case.scipy.mean()) < 4 * np.sqrt(variance / DRAWS)
    assert abs(draws.var() - variance) < 4 * variance * np.sqrt((kurtosis - 1) / DRAWS)


@pytest.mark.parametrize("case", CONTINUOUS, ids=str)
def test_random_draws_follow_the_distribution(case: Case) -> None:
    draws = case.draw(DRAWS)
    assert draws.dtype == np.float64
    assert stats.kstest(draws, case.scipy.cdf).pvalue > 1e-4


@pytest.mark.parametrize("case", DISCRETE, ids=str)
def test_random_counts_follow_the_distribution(case: Case) -> None:
    draws = case.draw(DRAWS)
    assert draws.dtype == np.int64
    # Cells of at least about 20 expected draws, both tails in one cell each.
    edges = np.unique(case.scipy.ppf([2e-4, 0.05, 0.25, 0.5, 0.75, 0.95]))
    expected = np.diff(case.scipy.cdf(edges), prepend=0.0, append=1.0)
    observed = np.bincount(np.searchsorted(edges, draws), minlength=len(expected))
    kept = expected > 2e-4
    assert observed[~kept].sum() <= 4 + 4 * DRAWS * expected[~kept].sum()
    if kept.sum() > 1:
        rescaled = expected[kept] / expected[kept].sum() * observed[kept].sum()
        assert stats.chisquare(observed[kept], rescaled).pvalue > 1e-4


@pytest.mark.parametrize("case", CASES, ids=str)
def test_everything_broadcasts_over_draws_and_rows(case: Case) -> None:
    family = case.family
    rng = np.random.default_rng(5)
    rows = 4
    y = np.resize(case.typical, rows)
    factor = rng.uniform(0.9, 1.0, size=(3, rows))
    first, *others = case.parameters
    parameters = {name: case.parameters[name] * rng.uniform(0.9, 1.0, (3, 1)) for name in others}
    parameters[first] = case.parameters[first] * factor
    trials = None if case.trials is None else np.full(rows, case.trials)
    whole = {
        "log_density": family.log_density(y, parameters, trials=trials),
        "cdf": family.cdf(y, parameters, trials=trials),
        "mean": family.mean(parameters, trials=trials),
        "variance": family.variance(parameters, trials=trials),
    }
    for draw, row in np.ndindex(3, rows):
        point = {
            name: float(np.broadcast_to(value, (3, rows))[draw, row])
            for name, value in parameters.items()
        }
        one = Case(family, point, case.trials)
        expected = {
            "log_density": one.log_density(y[row])[0],
            "cdf": one.cdf(y[row])[0],
            "mean": one.mean,
            "variance": one.variance,
        }
        for name, value in expected.items():
            assert np.shape(whole[name]) == (3, rows)
            assert whole[name][draw, row] == pytest.approx(value, rel=1e-12), name
    assert family.draw(rng, parameters, trials=trials).shape == (3, rows)


def test_rows_may_differ_in_trials() -> None:
    trials = np.array([1, 5, 80])
    parameters = {"mu": np.array([[0.2], [0.7]])}
    family = binomial()
    np.testing.assert_allclose(
        family.log_density(np.array([1, 0, 41]), parameters, trials=trials),
        stats.binom.logpmf([1, 0, 41], trials, parameters["mu"]),
    )
    np.testing.assert_allclose(
        family.mean(parameters, trials=trials), [[0.2, 1.0, 16.0], [0.7, 3.5, 56.0]]
    )
    draws = family.draw(np.random.default_rng(1), parameters, trials=trials)
    assert draws.shape == (2, 3)
    assert (draws <= trials).all()


def test_draws_are_independent_over_rows_and_repeatable() -> None:
    parameters = {"mu": np.full((2, 500), 30.0), "shape": np.full((2, 1), 4.0)}
    first = negbinomial().draw(np.random.default_rng(3), parameters)
    again = negbinomial().draw(np.random.default_rng(3), parameters)
    np.testing.assert_array_equal(first, again)
    assert abs(np.corrcoef(first[0], first[1])[0, 1]) < 4 / np.sqrt(500)
    assert abs(np.corrcoef(first[0, 1:], first[0, :-1])[0, 1]) < 4 / np.sqrt(500)


def test_parameters_are_not_changed() -> None:
    for case in CASES:
        parameters = case.arrays
        for value in parameters.values():
            value.flags.writeable = False
        y = case.typical[:1]
        y.flags.writeable = False
        case.family.log_density(y, parameters, **case.options)
        case.family.cdf(y, parameters, **case.options)
        case.family.mean(parameters, **case.options)
        case.family.variance(parameters, **case.options)
        case.family.draw(np.random.default_rng(1), parameters, **case.options)


@pytest.mark.parametrize(
    ("family", "trials", "expected"),
    [
        (poisson(), None, -special.gammaln(np.array([1.0, 4.0, 13.0]))),
        (binomial(), np.array([5, 3, 20]), np.log([1.0, 1.0, 125970.0])),
        (gaussian(), None, np.zeros(3)),
        (bernoulli(), None, np.zeros(3)),
    ],
    ids=str,
)
def test_what_depends_on_the_data_alone(family: Any, trials: Any, expected: Any) -> None:
    y = np.array([0, 3, 12])
    np.testing.assert_allclose(family.log_constant(y, trials=trials), expected, atol=1e-12)
    assert family.has_constant == bool(expected.any())
