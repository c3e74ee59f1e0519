"""One trial with two outcomes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from brmspy.errors import DataError
from brmspy.families.dpars import MU_LINKS_PROBABILITY, Dpar
from brmspy.families.family import Family, Parameters, StanLikelihood
from brmspy.families.links import get_link
from brmspy.families.responses import listed

__all__ = ["bernoulli"]

FloatArray = NDArray[np.float64]


def _code(values: pd.Series[Any], name: str, trials: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Return 0 and 1: of two categories, the second in order is 1."""
    if trials is not None:
        raise DataError(
            "trials() belongs to the binomial family. Use family='binomial', or leave trials() out."
        )
    if isinstance(values.dtype, pd.CategoricalDtype):
        return _second_of_two(values, _categories(values), name)
    if pd.api.types.infer_dtype(values) == "string":
        return _second_of_two(values, sorted(values.unique()), name)
    if values.isin((0, 1)).all():
        return values.to_numpy(dtype=np.int64)
    raise DataError(
        f"The response {name!r} of a bernoulli model must be 0 and 1, True and False, or two "
        f"words, but it holds {listed(values)}. {_advice(values, name)}"
    )


def _categories(values: pd.Series[Any]) -> list[Any]:
    """Return the categories; of more than two only those that occur."""
    categories = values.cat.categories
    if len(categories) > 2:
        categories = values.cat.remove_unused_categories().cat.categories
    return list(categories)


def _second_of_two(values: pd.Series[Any], categories: list[Any], name: str) -> NDArray[np.int64]:
    """Return 1 for the second category and 0 for the first."""
    if len(categories) == 2:
        return np.asarray(values == categories[1], dtype=np.int64)
    raise DataError(
        f"The response {name!r} of a bernoulli model must have two values, but it has "
        f"{len(categories)}: {listed(values)}. "
        + (
            "Responses with more than two categories are not supported yet."
            if len(categories) > 2
            else "The other outcome never occurs; code the response as 0 or 1 to model it so."
        )
    )


def _advice(values: pd.Series[Any], name: str) -> str:
    """Say what to do with values other than 0 and 1."""
    if not pd.api.types.is_numeric_dtype(values.dtype):
        return "Code the two outcomes as True and False."
    numbers = np.asarray(values, dtype=float)
    if len(np.unique(numbers)) <= 2:
        return f"Say which value counts as 1, for example data[{name!r}] == {numbers.max():g}."
    if ((numbers >= 0) & (numbers <= 1)).all():
        return "For proportions use the counts, trials() and family='binomial'."
    if (numbers == np.round(numbers)).all() and (numbers >= 0).all():
        return (
            "For counts out of a number of trials use family='binomial', for other counts "
            "family='poisson'."
        )
    return "For measurements use family='gaussian'."


def _log_density(y: Any, p: Parameters, trials: Any, eta: Any) -> FloatArray:
    if eta is not None:
        return special.log_expit(np.where(y == 1, eta, -eta))
    return special.xlogy(y, p["mu"]) + special.xlog1py(1 - y, -p["mu"])


def _mean(p: Parameters, trials: Any) -> FloatArray:
    return p["mu"]


def _variance(p: Parameters, trials: Any) -> FloatArray:
    return p["mu"] * (1.0 - p["mu"])


def _draw(rng: np.random.Generator, p: Parameters, trials: Any, shape: Any) -> NDArray[np.int64]:
    return (rng.random(shape) < p["mu"]).astype(np.int64)


def _cdf(y: Any, p: Parameters, trials: Any) -> FloatArray:
    return np.where(y < 0, 0.0, np.where(y < 1, 1.0 - p["mu"], 1.0))


_BERNOULLI = Family(
    name="bernoulli",
    title="Bernoulli",
    symbol="Bernoulli",
    dpars=(Dpar("mu", "probability", get_link("logit"), MU_LINKS_PROBABILITY, 0.0, 1.0),),
    discrete=True,
    template="bernoulli",
    likelihoods={
        "logit": StanLikelihood("bernoulli_logit", "bernoulli_logit_glm", mu_on_link_scale=True),
        "": StanLikelihood("bernoulli"),
    },
    _code=_code,
    _log_density=_log_density,
    _mean=_mean,
    _variance=_variance,
    _draw=_draw,
    _cdf=_cdf,
    explained_by_model=True,
    sum="binomial",
)


def bernoulli(link: str = "logit") -> Family:
    """Return the family of responses with two values; ``mu`` is the probability of the second.

    Parameters
    ----------
    link : str
        Link of the probability.

    Returns
    -------
    Family

    Examples
    --------
    >>> from brmspy import bernoulli
    >>> print(bernoulli(link="probit"))
    bernoulli(link = 'probit')
    """
    return _BERNOULLI.with_links({"mu": link})
