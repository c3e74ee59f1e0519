"""How well draws from an approximation stand in for draws from the posterior.

The importance ratios of the draws, posterior over approximation, have a heavy right tail where the
approximation misses a part of the posterior. The shape k of the generalised Pareto distribution
that is fitted to the tail says how heavy, and whether weighting the draws by smoothed ratios can
make up for it.

References
----------
Vehtari, A., Simpson, D., Gelman, A., Yao, Y. and Gabry, J. (2024). Pareto smoothed importance
sampling. Journal of Machine Learning Research, 25(72). https://jmlr.org/papers/v25/19-556.html

Yao, Y., Vehtari, A., Simpson, D. and Gelman, A. (2018). Yes, but did it work? Evaluating
variational inference. Proceedings of the 35th International Conference on Machine Learning.
https://proceedings.mlr.press/v80/yao18a.html
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["GOOD_K", "USABLE_K", "Importance", "weigh"]

# Yao et al. (2018), section 3.1: below the first the ratios have a finite variance, below the
# second the weighted draws are still of use.
GOOD_K = 0.5
USABLE_K = 0.7

# Ratios that differ by less are equal up to the rounding of Stan's output: the approximation is
# the posterior.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Importance:
    """Importance of draws from an approximation.

    Attributes
    ----------
    pareto_k : float
        Shape of the ratios' right tail; infinite if there is no tail to fit.
    weights : ndarray of shape (draw,)
        Smoothed ratios; their sum is one.
    """

    pareto_k: float
    weights: NDArray[np.float64] = field(repr=False)

    @property
    def ess(self) -> float:
        """Number of draws of equal weight that would be worth as much."""
        return float(1 / np.square(self.weights).sum())

    def resample(self, size: int, seed: int) -> NDArray[np.intp]:
        """Return which draws to take, each in proportion to its weight.

        The unit interval is cut into `size` strata, and a point drawn in each. Like independent
        points, which Stan's Pathfinder draws, they find each draw in proportion to its weight, but
        with less noise; from equal weights they find every draw once.

        Parameters
        ----------
        size : int
            How many to take.
        seed : int
            Seed of the random numbers.

        Returns
        -------
        ndarray of shape (size,)
            Places of the draws, in random order.

        References
        ----------
        Kitagawa, G. (1996). Monte Carlo filter and smoother for non-Gaussian nonlinear state space
        models. Journal of Computational and Graphical Statistics, 5(1).
        https://doi.org/10.2307/1390750
        """
        rng = np.random.default_rng(seed)
        points = (np.arange(size) + rng.uniform(size=size)) / size
        ends = np.cumsum(self.weights)
        places = np.searchsorted(ends / ends[-1], points, side="right")
        return rng.permutation(np.minimum(places, len(ends) - 1))


def weigh(lp: NDArray[np.float64], log_q: NDArray[np.float64]) -> Importance:
    """Weigh draws by their importance, and fit the tail of the weights.

    Parameters
    ----------
    lp : ndarray of shape (draw,)
        Log density of the posterior at each draw, up to a constant; minus infinity where it could
        not be evaluated.
    log_q : ndarray of shape (draw,)
        Log density of the approximation, up to a constant.

    Returns
    -------
    Importance

    References
    ----------
    Vehtari et al. (2024), https://jmlr.org/papers/v25/19-556.html, section 2.

    Examples
    --------
    >>> import numpy as np
    >>> from brmspy.fit.importance import weigh
    >>> x = np.random.default_rng(1).normal(size=4000)
    >>> weigh(-(x**2) / 2, -(x**2) / 2).pareto_k
    0.0
    >>> bool(weigh(-abs(x), -(x**2) / 2).pareto_k > 0.7)  # the tails of a normal are too light
    True
    """
    ratios = np.asarray(lp - log_q, dtype=np.float64)
    if not np.isfinite(ratios).any():
        return Importance(math.inf, np.full(len(ratios), 1 / len(ratios)))
    if np.ptp(ratios) < _ROUNDING:
        return Importance(0.0, np.full(len(ratios), 1 / len(ratios)))
    with warnings.catch_warnings():
        # Once a day, at import: that 1.0 will differ, which this package does not allow.
        warnings.filterwarnings("ignore", r"\s*ArviZ is undergoing", FutureWarning)
        import arviz as az
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        log_weights, pareto_k = az.psislw(ratios)  # type: ignore[no-untyped-call]
    k = float(pareto_k)
    return Importance(math.inf if math.isnan(k) else k, np.exp(log_weights))
