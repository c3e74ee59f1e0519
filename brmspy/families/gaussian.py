"""The normal distribution."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from brmspy.families.dpars import MU_LINKS_REAL, POSITIVE_LINKS, Dpar
from brmspy.families.family import Family, Parameters, StanLikelihood
from brmspy.families.links import get_link
from brmspy.families.responses import real_response

__all__ = ["gaussian", "sigma_parameter"]

FloatArray = NDArray[np.float64]


def _log_density(y: Any, p: Parameters, trials: Any, eta: Any) -> FloatArray:
    z = (y - p["mu"]) / p["sigma"]
    return -0.5 * z * z - np.log(p["sigma"]) - 0.5 * np.log(2.0 * np.pi)


def _mean(p: Parameters, trials: Any) -> FloatArray:
    return p["mu"]


def _variance(p: Parameters, trials: Any) -> FloatArray:
    return np.square(p["sigma"]) * np.ones_like(p["mu"])


def _draw(rng: np.random.Generator, p: Parameters, trials: Any, shape: Any) -> FloatArray:
    return rng.normal(p["mu"], p["sigma"], size=shape)


def _cdf(y: Any, p: Parameters, trials: Any) -> FloatArray:
    return special.ndtr((y - p["mu"]) / p["sigma"])


def sigma_parameter() -> Dpar:
    """Return the record of a residual standard deviation or scale."""
    return Dpar(
        name="sigma",
        description="residual standard deviation",
        link=get_link("log"),
        links=POSITIVE_LINKS,
        lower=0.0,
    )


_GAUSSIAN = Family(
    name="gaussian",
    title="normal",
    symbol="Normal",
    dpars=(Dpar("mu", "mean", get_link("identity"), MU_LINKS_REAL), sigma_parameter()),
    discrete=False,
    template="gaussian",
    likelihoods={
        "identity": StanLikelihood(
            "normal", glm="normal_id_glm", glm_rowwise=frozenset({"sigma"}), linear_normal=True
        ),
        "": StanLikelihood("normal"),
    },
    _code=partial(real_response, family="gaussian"),
    _log_density=_log_density,
    _mean=_mean,
    _variance=_variance,
    _draw=_draw,
    _cdf=_cdf,
    explained_by_model=True,
)


def gaussian(link: str = "identity", link_sigma: str = "log") -> Family:
    """Return the normal family: mean ``mu``, standard deviation ``sigma``.

    Parameters
    ----------
    link : str
        Link of the mean.
    link_sigma : str
        Link of ``sigma`` when it is predicted.

    Returns
    -------
    Family

    Examples
    --------
    >>> from brmspy import gaussian
    >>> print(gaussian())
    gaussian(link = 'identity')
    """
    return _GAUSSIAN.with_links({"mu": link, "sigma": link_sigma})
