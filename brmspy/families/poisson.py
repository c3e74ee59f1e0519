"""Poisson counts."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from brmspy.families.family import MU_LINKS_POSITIVE, Dpar, Family, Parameters, StanLikelihood
from brmspy.families.links import get_link
from brmspy.families.responses import whole_response

__all__ = ["poisson"]

FloatArray = NDArray[np.float64]


def _log_density(y: Any, p: Parameters, trials: Any, eta: Any) -> FloatArray:
    linear = special.xlogy(y, p["mu"]) if eta is None else y * eta
    mean = p["mu"] if eta is None else np.exp(eta)
    return linear - mean - special.gammaln(y + 1.0)


def _mean(p: Parameters, trials: Any) -> FloatArray:
    return p["mu"]


def _variance(p: Parameters, trials: Any) -> FloatArray:
    return p["mu"]


def _draw(rng: np.random.Generator, p: Parameters, trials: Any, shape: Any) -> NDArray[np.int64]:
    return rng.poisson(p["mu"], size=shape)


def _cdf(y: Any, p: Parameters, trials: Any) -> FloatArray:
    return np.where(y < 0, 0.0, special.pdtr(np.maximum(np.floor(y), 0.0), p["mu"]))


_POISSON = Family(
    name="poisson",
    dpars=(Dpar("mu", "mean", get_link("log"), MU_LINKS_POSITIVE, lower=0.0),),
    discrete=True,
    template="poisson",
    likelihoods={
        "log": StanLikelihood("poisson_log", "poisson_log_glm", mu_on_link_scale=True),
        "": StanLikelihood("poisson"),
    },
    _code=partial(whole_response, family="poisson"),
    _log_density=_log_density,
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
