"""Log densities in NumPy, one function for each of Stan's univariate distributions.

Arguments are in Stan's order and parametrisation, and broadcast. What a function returns outside
the support of its distribution has no meaning.

References
----------
Stan Functions Reference, version 2.35, chapters "Unbounded Continuous Distributions" to
"Continuous Distributions on [0, 1]" and "Circular Distributions".
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = [
    "beta",
    "beta_proportion",
    "cauchy",
    "chi_square",
    "double_exponential",
    "exp_mod_normal",
    "exponential",
    "frechet",
    "gamma",
    "gumbel",
    "inv_chi_square",
    "inv_gamma",
    "logistic",
    "loglogistic",
    "lognormal",
    "normal",
    "pareto",
    "pareto_type_2",
    "rayleigh",
    "scaled_inv_chi_square",
    "skew_double_exponential",
    "skew_normal",
    "student_t",
    "uniform",
    "von_mises",
    "weibull",
]

Array: TypeAlias = NDArray[np.float64]

_LOG_PI = float(np.log(np.pi))
_LOG_TWO = float(np.log(2.0))
_LOG_TWO_PI = float(np.log(2.0 * np.pi))


def normal(x: Array, mu: Array, sigma: Array) -> Array:
    """Mean and standard deviation."""
    z = (x - mu) / sigma
    return -0.5 * (z * z + _LOG_TWO_PI) - np.log(sigma)


def student_t(x: Array, nu: Array, mu: Array, sigma: Array) -> Array:
    """Degrees of freedom, location and scale."""
    z = (x - mu) / sigma
    # A difference of log gamma functions would lose digits for large nu.
    constant = -special.betaln(0.5 * nu, 0.5) - 0.5 * np.log(nu) - np.log(sigma)
    return constant - 0.5 * (nu + 1.0) * np.log1p(z * z / nu)


def cauchy(x: Array, mu: Array, sigma: Array) -> Array:
    """Location and scale."""
    z = (x - mu) / sigma
    return -_LOG_PI - np.log(sigma) - np.log1p(z * z)


def double_exponential(x: Array, mu: Array, sigma: Array) -> Array:
    """Location and scale (Laplace)."""
    return -_LOG_TWO - np.log(sigma) - np.abs(x - mu) / sigma


def logistic(x: Array, mu: Array, sigma: Array) -> Array:
    """Location and scale."""
    distance = np.abs(x - mu) / sigma
    return -distance - np.log(sigma) - 2.0 * np.log1p(np.exp(-distance))


def gumbel(x: Array, mu: Array, beta: Array) -> Array:
    """Location and scale."""
    z = (x - mu) / beta
    return -np.log(beta) - z - np.exp(-z)


def skew_normal(x: Array, xi: Array, omega: Array, alpha: Array) -> Array:
    """Location, scale and slant."""
    return _LOG_TWO + normal(x, xi, omega) + special.log_ndtr(alpha * (x - xi) / omega)


def exp_mod_normal(x: Array, mu: Array, sigma: Array, lambda_: Array) -> Array:
    """Mean and standard deviation of the normal part, rate of the exponential part."""
    shift = lambda_ * sigma
    tail = special.log_ndtr((x - mu) / sigma - shift)
    return np.log(lambda_) - lambda_ * (x - mu) + 0.5 * shift * shift + tail


def skew_double_exponential(x: Array, mu: Array, sigma: Array, tau: Array) -> Array:
    """Location, scale, and probability of values below the location."""
    slope = np.where(x < mu, tau - 1.0, tau)
    constant = _LOG_TWO + np.log(tau) + np.log1p(-tau) - np.log(sigma)
    return constant - 2.0 * slope * (x - mu) / sigma


def lognormal(x: Array, mu: Array, sigma: Array) -> Array:
    """Mean and standard deviation of the logarithm."""
    return normal(np.log(x), mu, sigma) - np.log(x)


def chi_square(x: Array, nu: Array) -> Array:
    """Degrees of freedom."""
    constant = -0.5 * nu * _LOG_TWO - special.gammaln(0.5 * nu)
    return constant + special.xlogy(0.5 * nu - 1.0, x) - 0.5 * x


def inv_chi_square(x: Array, nu: Array) -> Array:
    """Degrees of freedom."""
    constant = -0.5 * nu * _LOG_TWO - special.gammaln(0.5 * nu)
    return constant - (0.5 * nu + 1.0) * np.log(x) - 0.5 / x


def scaled_inv_chi_square(x: Array, nu: Array, sigma: Array) -> Array:
    """Degrees of freedom and scale."""
    return inv_gamma(x, 0.5 * nu, 0.5 * nu * sigma * sigma)


def exponential(x: Array, beta: Array) -> Array:
    """Rate."""
    return np.log(beta) - beta * x


def gamma(x: Array, alpha: Array, beta: Array) -> Array:
    """Shape and rate."""
    constant = alpha * np.log(beta) - special.gammaln(alpha)
    return constant + special.xlogy(alpha - 1.0, x) - beta * x


def inv_gamma(x: Array, alpha: Array, beta: Array) -> Array:
    """Shape and scale."""
    constant = alpha * np.log(beta) - special.gammaln(alpha)
    return constant - (alpha + 1.0) * np.log(x) - beta / x


def weibull(x: Array, alpha: Array, sigma: Array) -> Array:
    """Shape and scale."""
    z = x / sigma
    return np.log(alpha) - np.log(sigma) + special.xlogy(alpha - 1.0, z) - z**alpha


def frechet(x: Array, alpha: Array, sigma: Array) -> Array:
    """Shape and scale."""
    z = x / sigma
    return np.log(alpha) - np.log(sigma) - (alpha + 1.0) * np.log(z) - z**-alpha


def rayleigh(x: Array, sigma: Array) -> Array:
    """Scale."""
    z = x / sigma
    return np.log(z) - np.log(sigma) - 0.5 * z * z


def loglogistic(x: Array, alpha: Array, beta: Array) -> Array:
    """Scale and shape."""
    log_x = np.log(x)
    return logistic(log_x, np.log(alpha), 1.0 / beta) - log_x


def pareto(x: Array, y_min: Array, alpha: Array) -> Array:
    """Lower end and shape."""
    return np.log(alpha) + alpha * np.log(y_min) - (alpha + 1.0) * np.log(x)


def pareto_type_2(x: Array, mu: Array, lambda_: Array, alpha: Array) -> Array:
    """Lower end, scale and shape."""
    return np.log(alpha) - np.log(lambda_) - (alpha + 1.0) * np.log1p((x - mu) / lambda_)


def beta(x: Array, alpha: Array, beta: Array) -> Array:
    """Both shapes."""
    constant = -special.betaln(alpha, beta)
    return constant + special.xlogy(alpha - 1.0, x) + special.xlog1py(beta - 1.0, -x)


def beta_proportion(x: Array, mu: Array, kappa: Array) -> Array:
    """Mean and concentration."""
    return beta(x, mu * kappa, (1.0 - mu) * kappa)


def uniform(x: Array, alpha: Array, beta: Array) -> Array:
    """Both ends."""
    return np.zeros_like(x) - np.log(beta - alpha)


def von_mises(x: Array, mu: Array, kappa: Array) -> Array:
    """Location and concentration."""
    return kappa * (np.cos(x - mu) - 1.0) - _LOG_TWO_PI - np.log(special.i0e(kappa))
