"""Log densities far from the data, against decimal arithmetic with 100 digits.

The formulas are the textbook's; with 100 digits nothing cancels, overflows or saturates.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, localcontext

import numpy as np
import pytest

from brmspy.errors import BrmspyError
from brmspy.families import (
    Family,
    bernoulli,
    binomial,
    gaussian,
    get_family,
    negbinomial,
    poisson,
    student,
)

PI = Decimal(
    "3.1415926535897932384626433832795028841971693993751058209749445923078164062862089986280348253"
)

# Coefficients of 1/x, 1/x^3, ... in Stirling's series for log Gamma.
STIRLING = [
    Decimal(1) / denominator * numerator
    for numerator, denominator in ((1, 12), (-1, 360), (1, 1260), (-1, 1680), (1, 1188))
]


def log_gamma(x: Decimal) -> Decimal:
    """The factorial, or Stirling's series after moving x beyond 1000 by the recurrence."""
    if x == int(x) and x < 1000:
        return Decimal(math.factorial(int(x) - 1)).ln()
    product = Decimal(1)
    while x < 1000:
        product *= x
        x += 1
    series = sum((c / x ** (2 * i + 1) for i, c in enumerate(STIRLING)), Decimal(0))
    return (x - Decimal("0.5")) * x.ln() - x + (2 * PI).ln() / 2 + series - product.ln()


def exact_gaussian(y: Decimal, mu: Decimal, sigma: Decimal) -> Decimal:
    return -(((y - mu) / sigma) ** 2) / 2 - sigma.ln() - (2 * PI).ln() / 2


def exact_student(y: Decimal, mu: Decimal, sigma: Decimal, nu: Decimal) -> Decimal:
    constant = log_gamma((nu + 1) / 2) - log_gamma(nu / 2) - (nu * PI).ln() / 2 - sigma.ln()
    return constant - (nu + 1) / 2 * (1 + ((y - mu) / sigma) ** 2 / nu).ln()


def exact_bernoulli(y: Decimal, mu: Decimal) -> Decimal:
    return mu.ln() if y == 1 else (1 - mu).ln()


def exact_binomial(y: Decimal, mu: Decimal, trials: Decimal) -> Decimal:
    choose = log_gamma(trials + 1) - log_gamma(y + 1) - log_gamma(trials - y + 1)
    return choose + y * mu.ln() + (trials - y) * (1 - mu).ln()


def exact_poisson(y: Decimal, mu: Decimal) -> Decimal:
    return y * mu.ln() - mu - log_gamma(y + 1)


def exact_negbinomial(y: Decimal, mu: Decimal, shape: Decimal) -> Decimal:
    choose = log_gamma(y + shape) - log_gamma(shape) - log_gamma(y + 1)
    return choose + shape * (shape / (shape + mu)).ln() + y * (mu / (shape + mu)).ln()


LOG_DENSITIES: dict[str, Callable[..., Decimal]] = {
    "gaussian": exact_gaussian,
    "student": exact_student,
    "bernoulli": exact_bernoulli,
    "binomial": exact_binomial,
    "poisson": exact_poisson,
    "negbinomial": exact_negbinomial,
}

INVERSE_LINKS: dict[str, Callable[[Decimal], Decimal]] = {
    "logit": lambda eta: 1 / (1 + (-eta).exp()),
    "log": lambda eta: eta.exp(),
}


def exact(
    family: str,
    y: float,
    parameters: dict[str, float],
    *,
    trials: int | None = None,
    eta: float | None = None,
) -> float:
    """Return the log density at exactly the given binary numbers, rounded once at the end."""
    with localcontext() as context:
        context.prec = 100
        arguments = {name: Decimal(value) for name, value in parameters.items()}
        if eta is not None:
            arguments["mu"] = INVERSE_LINKS[get_family(family).link.name](Decimal(eta))
        if trials is not None:
            arguments["trials"] = Decimal(trials)
        return float(LOG_DENSITIES[family](Decimal(y), **arguments))


def ours(
    family: str,
    y: float,
    parameters: dict[str, float],
    *,
    trials: int | None = None,
    eta: float | None = None,
) -> float:
    """Return our log density of one response."""
    record = get_family(family)
    arrays = {name: np.array([[value]]) for name, value in parameters.items()}
    if eta is not None:
        arrays["mu"] = record.link.inverse(np.array([[eta]]))
    return float(
        record.log_density(
            np.array([y]),
            arrays,
            trials=None if trials is None else np.array([trials]),
            eta=None if eta is None else np.array([[eta]]),
        )[0, 0]
    )


FAR = (-100.0, -40.0, 0.3, 40.0, 100.0)

# Family, response, parameters, trials, linear predictor.
ETA = [
    *[("bernoulli", y, {}, None, eta) for y in (0, 1) for eta in FAR],
    *[("binomial", y, {}, 12, eta) for y in (0, 5, 12) for eta in FAR],
    ("binomial", 300_000, {}, 1_000_000, -0.84),
    *[("poisson", y, {}, None, eta) for y in (0, 1, 30) for eta in (-100.0, -40.0, 0.3, 40.0)],
    ("poisson", 22_000, {}, None, 10.0),
    *[
        ("negbinomial", y, {"shape": shape}, None, eta)
        for y in (0, 1, 30)
        for shape in (1e-6, 0.4, 3.0, 1e4, 1e10)
        for eta in FAR
    ],
    ("negbinomial", 22_000, {"shape": 50.0}, None, 10.0),
]


@pytest.mark.parametrize(("family", "y", "parameters", "trials", "eta"), ETA)
def test_density_from_the_linear_predictor(
    family: str, y: int, parameters: dict[str, float], trials: int | None, eta: float
) -> None:
    expected = exact(family, y, parameters, trials=trials, eta=eta)
    assert ours(family, y, parameters, trials=trials, eta=eta) == pytest.approx(
        expected, rel=1e-9, abs=0.0
    )


# Family, response, parameters, trials.
NATURAL = [
    *[
        ("gaussian", y, {"mu": mu, "sigma": sigma}, None)
        for y, mu, sigma in (
            (0.0, 0.0, 1e-100),
            (0.0, 0.0, 1e100),
            (1.0, 0.0, 1e-8),
            (1e8, 1e8 + 1, 0.5),
            (-1e150, 1e150, 1e140),
        )
    ],
    *[
        ("student", y, {"mu": 0.0, "sigma": 2.0, "nu": nu}, None)
        for y in (0.0, 1.0, -40.0, 1e8)
        for nu in (1.0, 1.0000001, 3.5, 30.0, 1e4, 1e8, 1e12)
    ],
    *[("bernoulli", y, {"mu": mu}, None) for y in (0, 1) for mu in (1e-30, 1e-9, 0.5, 1 - 1e-9)],
    *[("binomial", y, {"mu": mu}, 9) for y in (0, 4, 9) for mu in (1e-30, 1e-9, 0.5, 1 - 1e-9)],
    *[("poisson", y, {"mu": mu}, None) for y in (0, 7) for mu in (1e-30, 1e-9, 5.0, 1e6, 1e12)],
    *[
        ("negbinomial", y, {"mu": mu, "shape": shape}, None)
        for y in (0, 7)
        for mu in (1e-30, 1e-9, 5.0, 1e12)
        for shape in (1e-9, 0.4, 1e3, 1e10)
    ],
]


@pytest.mark.parametrize(("family", "y", "parameters", "trials"), NATURAL)
def test_density_from_natural_parameters(
    family: str, y: float, parameters: dict[str, float], trials: int | None
) -> None:
    expected = exact(family, y, parameters, trials=trials)
    assert ours(family, y, parameters, trials=trials) == pytest.approx(expected, rel=1e-9, abs=0.0)


@pytest.mark.parametrize(
    ("family", "y", "parameters", "eta", "expected"),
    [
        ("poisson", 0, {"mu": 0.0}, None, 0.0),
        ("poisson", 3, {"mu": 0.0}, None, -np.inf),
        ("poisson", 3, {}, 800.0, -np.inf),
        ("negbinomial", 0, {"mu": 0.0, "shape": 2.0}, None, 0.0),
        ("negbinomial", 3, {"mu": 0.0, "shape": 2.0}, None, -np.inf),
        ("bernoulli", 0, {}, 700.0, -700.0),
        ("bernoulli", 1, {}, 700.0, -np.exp(-700.0)),
        ("negbinomial", 0, {"shape": 3.0}, -700.0, -np.exp(-700.0)),
        ("bernoulli", 1, {"mu": 1.0}, None, 0.0),
        ("bernoulli", 0, {"mu": 1.0}, None, -np.inf),
        ("bernoulli", 0, {"mu": 0.0}, None, 0.0),
    ],
)
def test_density_at_the_ends_of_the_range(
    family: str, y: int, parameters: dict[str, float], eta: float | None, expected: float
) -> None:
    assert ours(family, y, parameters, eta=eta) == pytest.approx(expected, rel=1e-12, abs=0.0)


def test_negbinomial_shared_shape_equals_shape_per_row() -> None:
    y = np.array([0, 3, 3, 0, 17])
    mu = np.array([[1.0, 2.0, 3.0, 4.0, 5.0], [0.1, 0.2, 0.3, 0.4, 0.5]])
    shape = np.array([[0.7], [40.0]])
    family = negbinomial()
    np.testing.assert_array_equal(
        family.log_density(y, {"mu": mu, "shape": shape}),
        family.log_density(y, {"mu": mu, "shape": np.repeat(shape, 5, axis=1)}),
    )


def test_negbinomial_with_huge_shape_is_poisson() -> None:
    y, mu = np.arange(30), np.array([[6.0]])
    limit = {"mu": mu, "shape": np.array([[1e12]])}
    np.testing.assert_allclose(
        negbinomial().log_density(y, limit), poisson().log_density(y, {"mu": mu}), atol=1e-9
    )
    np.testing.assert_allclose(negbinomial().cdf(y, limit), poisson().cdf(y, {"mu": mu}), rtol=1e-9)


def test_student_with_huge_nu_is_gaussian() -> None:
    y, scale = np.linspace(-5, 5, 11), {"mu": np.array([[0.3]]), "sigma": np.array([[2.0]])}
    limit = {**scale, "nu": np.array([[1e12]])}
    np.testing.assert_allclose(
        student().log_density(y, limit), gaussian().log_density(y, scale), atol=1e-9
    )


# Parameters outside their range, which a link such as "identity" allows.
IMPOSSIBLE = [
    (bernoulli("identity"), {"mu": 1.3}, None, r"mu must lie between 0 and 1, but is 1\.3"),
    (bernoulli("log"), {"mu": 1.3}, None, r"The link 'log' does not keep mu.*'logit' does"),
    (binomial("identity"), {"mu": -0.1}, 5, r"is -0\.1 in 1 of 1 values"),
    (poisson("identity"), {"mu": -2.0}, None, r"The link 'identity' does not keep mu.*'log' does"),
    (negbinomial("identity"), {"mu": -2.0, "shape": 1.0}, None, r"between 0 and inf"),
    (
        negbinomial("log", link_shape="identity"),
        {"mu": 2.0, "shape": -1.0},
        None,
        r"shape must lie between 0 and inf, but is -1",
    ),
    (
        gaussian(link_sigma="identity"),
        {"mu": 2.0, "sigma": -1.0},
        None,
        r"sigma must lie between 0 and inf.*'log' does",
    ),
    (
        student(link_nu="identity"),
        {"mu": 2.0, "sigma": 1.0, "nu": 0.5},
        None,
        r"nu must lie between 1 and inf.*'logm1' does",
    ),
]


@pytest.mark.parametrize(("family", "parameters", "trials", "message"), IMPOSSIBLE)
def test_impossible_parameters(
    family: Family, parameters: dict[str, float], trials: int | None, message: str
) -> None:
    arrays = {name: np.array([[value]]) for name, value in parameters.items()}
    options = {} if trials is None else {"trials": np.array([trials])}
    for y in (0, 1):
        assert np.isnan(family.log_density(np.array([y]), arrays, **options))
        assert np.isnan(family.cdf(np.array([y]), arrays, **options))
    with pytest.raises(BrmspyError, match=message):
        family.draw(np.random.default_rng(1), arrays, **options)


def test_only_impossible_parameters_have_no_density() -> None:
    density = poisson("identity").log_density(np.array([2, 2]), {"mu": np.array([[-1.0, 1.0]])})
    assert np.isnan(density).tolist() == [[True, False]]
    assert density[0, 1] == pytest.approx(-1.0 - np.log(2.0))


def test_missing_parameters_are_not_drawn_from() -> None:
    with pytest.raises(BrmspyError, match="is nan in 1 of 2 values"):
        gaussian("inverse").draw(
            np.random.default_rng(1), {"mu": np.array([1.0, np.nan]), "sigma": np.array([1.0])}
        )


@pytest.mark.parametrize("family", [poisson(), negbinomial()])
def test_counts_beyond_the_largest_integer(family: Family) -> None:
    parameters = {"mu": np.array([[3.0, 1e30]]), "shape": np.array([[50.0]])}
    with pytest.raises(BrmspyError, match=r"No count can be drawn.* in 1 of 2 values.*priors"):
        family.draw(np.random.default_rng(1), parameters)
