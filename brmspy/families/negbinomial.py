"""Negative binomial counts."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from brmspy.families.dpars import MU_LINKS_POSITIVE, POSITIVE_LINKS, Dpar
from brmspy.families.family import Family, Parameters, StanLikelihood
from brmspy.families.links import get_link
from brmspy.families.poisson import draw_counts
from brmspy.families.responses import whole_response

__all__ = ["negbinomial"]

FloatArray = NDArray[np.float64]


def _log_density(y: Any, p: Parameters, trials: Any, eta: Any) -> FloatArray:
    shape = p["shape"]
    log_odds = (np.log(p["mu"]) if eta is None else eta) - np.log(shape)
    successes = np.where(y == 0, 0.0, y * special.log_expit(log_odds))
    return _log_choose(shape, y) + successes + shape * special.log_expit(-log_odds)


def _log_choose(shape: FloatArray, y: Any) -> FloatArray:
    """Return log(Gamma(y + shape) / (Gamma(shape) y!))."""
    if np.ndim(y) == 1 and np.shape(shape)[-1:] == (1,):
        # Most of the work of the density; counts repeat themselves.
        distinct, position = np.unique(y, return_inverse=True)
        return _log_choose_each(shape, distinct)[..., position]
    return _log_choose_each(shape, y)


def _log_choose_each(shape: FloatArray, y: Any) -> FloatArray:
    """Return what `_log_choose` does, for each element."""
    # The ratio of gamma functions through the beta function keeps its digits for large shape.
    return np.where(y == 0, 0.0, -special.betaln(shape, y + 1.0) - np.log(y + shape))


def _mean(p: Parameters, trials: Any) -> FloatArray:
    return p["mu"]


def _variance(p: Parameters, trials: Any) -> FloatArray:
    return p["mu"] + np.square(p["mu"]) / p["shape"]


def _draw(rng: np.random.Generator, p: Parameters, trials: Any, shape: Any) -> NDArray[np.int64]:
    mean = rng.gamma(p["shape"], p["mu"] / p["shape"], size=shape)
    return draw_counts(rng, mean, "negbinomial")


def _cdf(y: Any, p: Parameters, trials: Any) -> FloatArray:
    # The complement keeps its digits where shape is much larger than mu.
    ratio = p["mu"] / (p["shape"] + p["mu"])
    inside = special.betaincc(np.maximum(np.floor(y), 0.0) + 1.0, p["shape"], ratio)
    return np.where(y < 0, 0.0, inside)


_NEGBINOMIAL = Family(
    name="negbinomial",
    title="negative binomial",
    symbol="NegBinomial",
    dpars=(
        Dpar("mu", "mean", get_link("log"), MU_LINKS_POSITIVE, lower=0.0),
        Dpar(
            name="shape",
            description="shape: the variance is mu + mu^2 / shape",
            link=get_link("log"),
            links=POSITIVE_LINKS,
            lower=0.0,
            prior="inv_gamma(0.4, 0.3)",
            intercept_prior="student_t(3, 0, 2.5)",
        ),
    ),
    discrete=True,
    template="negbinomial",
    likelihoods={
        "log": StanLikelihood(
            "neg_binomial_2_log", "neg_binomial_2_log_glm", mu_on_link_scale=True
        ),
        "": StanLikelihood("neg_binomial_2"),
    },
    _code=partial(whole_response, family="negbinomial"),
    _log_density=_log_density,
    _mean=_mean,
    _variance=_variance,
    _draw=_draw,
    _cdf=_cdf,
)


def negbinomial(link: str = "log", link_shape: str = "log") -> Family:
    """Return the negative binomial family: mean ``mu``, variance ``mu + mu^2 / shape``.

    Parameters
    ----------
    link : str
        Link of the mean.
    link_shape : str
        Link of ``shape`` when it is predicted.

    Returns
    -------
    Family

    Examples
    --------
    >>> from brmspy import negbinomial
    >>> negbinomial().dpar_names
    ('mu', 'shape')
    """
    return _NEGBINOMIAL.with_links({"mu": link, "shape": link_shape})
