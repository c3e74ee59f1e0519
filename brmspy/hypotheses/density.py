"""The density of draws at a point, near a boundary or in a tail too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["density_at"]

FloatArray = NDArray[np.float64]

_REACH = 8.0  # bandwidths beyond which the kernel is as good as zero
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)
_LEAST_ESS = 50.0
_LOG_ROOT_TWO_PI = 0.5 * float(np.log(2.0 * np.pi))


def density_at(
    draws: FloatArray, point: float, lower: float = -np.inf, upper: float = np.inf
) -> float:
    """Estimate the density of a distribution at a point from draws.

    Around the point the log density is taken to be a parabola, which is fitted to the draws by
    local likelihood with a normal kernel. So the estimate is exact for normal distributions,
    whatever the bandwidth; it has no bias at a boundary of the support, where a kernel estimate
    would lose half of its mass; and in the tails, where the bandwidth grows until enough draws
    have a say, it decreases as a normal density does.

    Parameters
    ----------
    draws : ndarray, shape (n,)
        Draws.
    point : float
        Where.
    lower, upper : float
        Boundaries of the support; infinite if there are none.

    Returns
    -------
    float
        Zero outside the boundaries; infinite where draws are equal to the point and no others near.

    References
    ----------
    Hjort, N. L. and Jones, M. C. (1996). Locally parametric nonparametric density estimation.
    Annals of Statistics, 24(4), 1619-1647. https://doi.org/10.1214/aos/1032298288

    Loader, C. R. (1996). Local likelihood density estimation. Annals of Statistics, 24(4),
    1602-1618. https://doi.org/10.1214/aos/1032298287

    Examples
    --------
    >>> import numpy as np
    >>> from brmspy.hypotheses.density import density_at
    >>> draws = np.random.default_rng(1).exponential(size=10_000)
    >>> round(density_at(draws, 0.0, lower=0.0), 1)
    1.0
    """
    if not lower <= point <= upper:
        return 0.0
    scale = _spread(draws)
    if scale == 0.0:
        return float("inf") if draws[0] == point else 0.0
    u = (draws - point) / scale
    low, high = (lower - point) / scale, (upper - point) / scale
    edge = min(-low, high)
    h = _bandwidth(u, edge)
    local = _local(u, h)
    if local.variance == 0.0:
        return float("inf")  # nothing but draws that are equal to the point
    bounded = edge < _REACH * h
    log_density = _within(local, low, high) if bounded else _unbounded(local)
    return float(np.exp(log_density) / scale)


@dataclass(frozen=True)
class _Local:
    """What the draws around the point say, in units of their spread.

    Attributes
    ----------
    bandwidth : float
        Standard deviation of the kernel.
    log_mass : float
        Log of the kernel density estimate.
    mean, variance : float
        Of the draws, weighted by the kernel.
    """

    bandwidth: float
    log_mass: float
    mean: float
    variance: float


def _spread(draws: FloatArray) -> float:
    """Return a standard deviation that long tails do not inflate."""
    quarter, three = np.quantile(draws, [0.25, 0.75])
    deviation, robust = float(draws.std()), float(three - quarter) / 1.349
    return min(deviation, robust) if robust > 0 else deviation


def _bandwidth(u: FloatArray, edge: float) -> float:
    """Return the bandwidth: smaller where the draws are dense, larger where they are few.

    `edge` is the distance of the nearest boundary, beside which half of the kernel is empty.
    """
    # The bias is of order h^4, which makes n^(-1/9) the best rate.
    rate = len(u) ** (-1.0 / 9.0)
    h = rate * (1.5 if edge < rate else 1.0)
    while _share(u, h) > 1.2 * rate and h > 0.05 * rate:
        h *= 0.8
    wanted = min(0.5 * len(u), max(_LEAST_ESS, 3.0 * np.sqrt(len(u))))
    while _ess(u, h) < wanted and h < 1e6:
        h *= 1.25
    return h


def _share(u: FloatArray, h: float) -> float:
    """Return the share of the draws that have a say."""
    return float(np.exp(-0.5 * np.square(u / h)).mean())


def _ess(u: FloatArray, h: float) -> float:
    """Return how many draws have a say, counting each by its weight."""
    log_weights = -0.5 * np.square(u / h)
    weights = np.exp(log_weights - log_weights.max())
    return float(weights.sum() ** 2 / np.square(weights).sum())


def _local(u: FloatArray, h: float) -> _Local:
    """Weigh the draws."""
    log_weights = -0.5 * np.square(u / h)
    total = float(special.logsumexp(log_weights))
    weights = np.exp(log_weights - total)
    mean = float(weights @ u)
    variance = float(weights @ np.square(u - mean))
    return _Local(h, total - np.log(len(u) * h) - _LOG_ROOT_TWO_PI, mean, variance)


def _unbounded(local: _Local) -> float:
    """Return the log density without boundaries: a normal kernel times exp(a + b u + c u^2)."""
    h, v = local.bandwidth, local.variance
    return float(local.log_mass + np.log(h) - 0.5 * np.log(v) - 0.5 * local.mean**2 / v)


def _within(local: _Local, low: float, high: float) -> float:
    """Return the log density between boundaries: moments are matched by Newton's method."""
    h = local.bandwidth
    start, end = max(low / h, -_REACH), min(high / h, _REACH)
    nodes = 0.5 * (end - start) * _NODES + 0.5 * (end + start)
    log_base = np.log(0.5 * (end - start) * _WEIGHTS) - 0.5 * np.square(nodes) - _LOG_ROOT_TWO_PI
    features = np.stack([nodes, np.square(nodes)])
    mean, square = local.mean / h, (local.variance + local.mean**2) / h**2
    target = np.array([mean, square])

    def objective(theta: FloatArray) -> tuple[float, FloatArray]:
        log_terms = log_base + theta @ features
        total = float(special.logsumexp(log_terms))
        return total - float(theta @ target), np.exp(log_terms - total)

    theta = np.zeros(2)
    value, shares = objective(theta)
    for _ in range(100):
        moments = features @ shares
        gradient = moments - target
        curvature = (features * shares) @ features.T - np.outer(moments, moments)
        step = np.linalg.solve(curvature + 1e-12 * np.eye(2), gradient)
        decrease = float(gradient @ step)
        if decrease < 1e-12:
            break
        size = 1.0
        while True:
            tried, tried_shares = objective(theta - size * step)
            if tried <= value - 1e-4 * size * decrease or size < 1e-6:
                break
            size *= 0.5
        theta, value, shares = theta - size * step, tried, tried_shares
    normaliser = float(special.logsumexp(log_base + theta @ features))
    return local.log_mass - normaliser
