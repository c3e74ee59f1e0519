"""Student's t distribution."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from brmspy.families.dpars import MU_LINKS_REAL, Dpar
from brmspy.families.family import Family, Parameters, StanLikelihood
from brmspy.families.gaussian import sigma_parameter
from brmspy.families.links import get_link
from brmspy.families.responses import real_response

__all__ = ["student"]

FloatArray = NDArray[np.float64]


def _log_density(y: Any, p: Parameters, trials: Any, eta: Any) -> FloatArray:
    nu, sigma = p["nu"], p["sigma"]
    z = (y - p["mu"]) / sigma
    kernel = -0.5 * (nu + 1.0) * np.log1p(z * z / nu)
    # Gamma((nu + 1) / 2) / Gamma(nu / 2) through the beta function keeps its digits for large nu.
    return -special.betaln(0.5 * nu, 0.5) - 0.5 * np.log(nu) - np.log(sigma) + kernel


def _mean(p: Parameters, trials: Any) -> FloatArray:
    return p["mu"]


def _variance(p: Parameters, trials: Any) -> FloatArray:
    nu = p["nu"] * np.ones_like(p["mu"])
    finite = nu > 2.0
    ratio = np.divide(nu, nu - 2.0, out=np.full_like(nu, np.inf), where=finite)
    return np.square(p["sigma"]) * ratio


def _draw(rng: np.random.Generator, p: Parameters, trials: Any, shape: Any) -> FloatArray:
    return p["mu"] + p["sigma"] * rng.standard_t(p["nu"], size=shape)


def _cdf(y: Any, p: Parameters, trials: Any) -> FloatArray:
    return special.stdtr(p["nu"], (y - p["mu"]) / p["sigma"])


_STUDENT = Family(
    name="student",
    title="Student's t",
    symbol="StudentT",
    arguments=("nu", "mu", "sigma"),
    dpars=(
        Dpar("mu", "location", get_link("identity"), MU_LINKS_REAL),
        sigma_parameter(),
        Dpar(
            name="nu",
            description="degrees of freedom",
            link=get_link("logm1"),
            links=("logm1", "identity"),
            lower=1.0,
            prior="gamma(2, 0.1)",
            intercept_prior="normal(2.7, 0.8)",
        ),
    ),
    discrete=False,
    template="student",
    likelihoods={"": StanLikelihood("student_t")},
    _code=partial(real_response, family="student"),
    _log_density=_log_density,
    _mean=_mean,
    _variance=_variance,
    _draw=_draw,
    _cdf=_cdf,
)


def student(link: str = "identity", link_sigma: str = "log", link_nu: str = "logm1") -> Family:
    """Return Student's t family: location ``mu``, scale ``sigma``, degrees of freedom ``nu`` > 1.

    Parameters
    ----------
    link : str
        Link of the location.
    link_sigma, link_nu : str
        Links of ``sigma`` and ``nu`` when they are predicted.

    Returns
    -------
    Family

    Examples
    --------
    >>> from brmspy import student
    >>> student().dpar_names
    ('mu', 'sigma', 'nu')
    """
    return _STUDENT.with_links({"mu": link, "sigma": link_sigma, "nu": link_nu})
