"""Poisson counts."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from brmspy.errors import BrmspyError
from brmspy.families.dpars import MU_LINKS_POSITIVE, Dpar
from brmspy.families.family import Family, Parameters, StanLikelihood
from brmspy.families.links import get_link
from brmspy.families.responses import whole_response

__all__ = ["draw_counts", "poisson"]

FloatArray = NDArray[np.float64]

# Counts are 64-bit integers.
_LARGEST_MEAN = 9e18


def _log_density(y: Any, p: Parameters, trials: Any, eta: Any) -> FloatArray:
    linear = special.xlogy(y, p["mu"]) if eta is None else y * eta
    mean = p["mu"] if eta is None else np.exp(eta)
    return linear - mean + _log_constant(y, trials)


def _log_constant(y: Any, trials: Any) -> FloatArray:
    return np.asarray(-special.gammaln(y + 1.0))


def _mean(p: Parameters, trials: Any) -> FloatArray:
    return p["mu"]


def _variance(p: Parameters, trials: Any) -> FloatArray:
    return p["mu"]


def _draw(rng: np.random.Generator, p: Parameters, trials: Any, shape: Any) -> NDArray[np.int64]:
    return draw_counts(rng, np.broadcast_to(p["mu"], shape), "poisson")


def _cdf(y: Any, p: Parameters, trials: Any) -> FloatArray:
    return np.where(y < 0, 0.0, special.pdtr(np.maximum(np.floor(y), 0.0), p["mu"]))


def draw_counts(rng: np.random.Generator, mean: FloatArray, family: str) -> NDArray[np.int64]:
    """Draw Poisson counts, or raise if a mean is beyond the largest integer."""
    too_large = mean > _LARGEST_MEAN
    if too_large.any():
        raise BrmspyError(
            f"No count can be drawn from {family}: the mean is {mean[too_large].flat[0]:.3g} in "
            f"{np.count_nonzero(too_large)} of {mean.size} values, beyond the largest integer. "
            "Such means come from priors that are too wide or from predictors far from the data."
        )
    return rng.poisson(mean)


_POISSON = Family(
    name="poisson",
    title="Poisson",
    symbol="Poisson",
    dpars=(Dpar("mu", "mean", get_link("log"), MU_LINKS_POSITIVE, lower=0.0),),
    discrete=True,
    template="poisson",
    likelihoods={
        "log": StanLikelihood("poisson_log", "poisson_log_glm", mu_on_link_scale=True),
        "": StanLikelihood("poisson"),
    },
    _code=partial(whole_response, family="poisson"),
    _log_density=_log_density,
    _log_constant=_log_constant,
    _mean=_mean,
    _variance=_variance,
    _draw=_draw,
    _cdf=_cdf,
)


def poisson(link: str = "log") -> Family:
    """Return the Poisson family: counts whose mean and variance are ``mu``.

    Parameters
    ----------
    link : str
        Link of the mean.

    Returns
    -------
    Family

    Examples
    --------
    >>> from brmspy import poisson
    >>> print(poisson())
    poisson(link = 'log')
    """
    return _POISSON.with_links({"mu": link})
