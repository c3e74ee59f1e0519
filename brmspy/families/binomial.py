"""Successes out of a known number of trials."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from brmspy.errors import DataError, DataWarning, warn
from brmspy.families.dpars import MU_LINKS_PROBABILITY, Dpar
from brmspy.families.family import Family, Parameters, StanLikelihood
from brmspy.families.links import get_link
from brmspy.families.responses import LARGEST_COUNT, count_values, offending_rows

__all__ = ["binomial"]

FloatArray = NDArray[np.float64]


def _code(values: pd.Series[Any], name: str, trials: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Return the counts, which must not exceed the trials."""
    if trials is None:
        raise DataError(
            "A binomial model needs the number of trials: write "
            f"'{name} | trials(n) ~ ...', with a column or a number. For a response of 0 and 1 use "
            "family='bernoulli'."
        )
    counts = count_values(
        values,
        name,
        "binomial",
        "The response is the number of successes, not their proportion: multiply a proportion by "
        "the number of trials.",
    )
    trials = np.broadcast_to(trials, counts.shape)
    above = counts > trials
    if above.any():
        texts = [f"{count} of {total}" for count, total in zip(counts, trials, strict=True)]
        found = pd.Series(texts, values.index)
        raise DataError(
            f"The response {name!r} must not exceed the number of trials, but it holds "
            f"{offending_rows(found, above)}."
        )
    if trials.max(initial=0) > LARGEST_COUNT:
        raise DataError(
            f"The largest whole number in Stan is {LARGEST_COUNT}, but there are {trials.max()} "
            "trials. Use a larger unit."
        )
    if (trials == 1).all():
        warn(
            f"Every row of {name!r} is one trial. family='bernoulli' without trials() fits the "
            "same model faster.",
            DataWarning,
        )
    return counts


def _log_constant(y: Any, trials: Any) -> FloatArray:
    """Return the log of the binomial coefficient."""
    return np.asarray(-special.betaln(1.0 + trials - y, 1.0 + y) - np.log1p(trials))


def _log_density(y: Any, p: Parameters, trials: Any, eta: Any) -> FloatArray:
    constant = _log_constant(y, trials)
    if eta is not None:
        return constant + y * special.log_expit(eta) + (trials - y) * special.log_expit(-eta)
    return constant + special.xlogy(y, p["mu"]) + special.xlog1py(trials - y, -p["mu"])


def _mean(p: Parameters, trials: Any) -> FloatArray:
    return p["mu"] * trials


def _variance(p: Parameters, trials: Any) -> FloatArray:
    return p["mu"] * (1.0 - p["mu"]) * trials


def _draw(rng: np.random.Generator, p: Parameters, trials: Any, shape: Any) -> NDArray[np.int64]:
    return rng.binomial(trials, p["mu"], size=shape)


def _cdf(y: Any, p: Parameters, trials: Any) -> FloatArray:
    inside = special.bdtr(np.clip(np.floor(y), 0, trials), trials, p["mu"])
    return np.where(y < 0, 0.0, inside)


_BINOMIAL = Family(
    name="binomial",
    title="binomial",
    symbol="Binomial",
    dpars=(
        Dpar("mu", "probability of success", get_link("logit"), MU_LINKS_PROBABILITY, 0.0, 1.0),
    ),
    discrete=True,
    template="binomial",
    likelihoods={
        "logit": StanLikelihood("binomial_logit", "binomial_logit_glm", mu_on_link_scale=True),
        "": StanLikelihood("binomial"),
    },
    needs=("trials",),
    _code=_code,
    _log_density=_log_density,
    _log_constant=_log_constant,
    _mean=_mean,
    _variance=_variance,
    _draw=_draw,
    _cdf=_cdf,
    sum="binomial",
)


def binomial(link: str = "logit") -> Family:
    """Return the family of counts out of ``trials()``; ``mu`` is the probability of a success.

    Parameters
    ----------
    link : str
        Link of the probability.

    Returns
    -------
    Family

    Examples
    --------
    >>> from brmspy import binomial
    >>> print(binomial())
    binomial(link = 'logit')
    """
    return _BINOMIAL.with_links({"mu": link})
