"""Families by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from brmspy.errors import BrmspyError, did_you_mean
from brmspy.families.bernoulli import bernoulli
from brmspy.families.binomial import binomial
from brmspy.families.family import Family
from brmspy.families.gaussian import gaussian
from brmspy.families.negbinomial import negbinomial
from brmspy.families.poisson import poisson
from brmspy.families.student import student

__all__ = ["FAMILIES", "family_from_dict", "get_family"]

FAMILIES: dict[str, Callable[..., Family]] = {
    "gaussian": gaussian,
    "student": student,
    "bernoulli": bernoulli,
    "binomial": binomial,
    "poisson": poisson,
    "negbinomial": negbinomial,
}

# Names by which other packages know a family that brmspy has.
_ALIASES = {
    "normal": "gaussian",
    "t": "student",
    "student_t": "student",
    "binary": "bernoulli",
    "logistic": "bernoulli",
    "logit": "bernoulli",
    "negative_binomial": "negbinomial",
    "negativebinomial": "negbinomial",
    "neg_binomial_2": "negbinomial",
    "nbinom": "negbinomial",
    "nb": "negbinomial",
}

_NOT_YET_TEXT = """
skew_normal lognormal shifted_lognormal exgaussian wiener asym_laplace
zero_inflated_asym_laplace gen_extreme_value von_mises gamma weibull exponential frechet
inverse.gaussian cox hurdle_gamma hurdle_lognormal beta zero_inflated_beta
zero_one_inflated_beta xbeta dirichlet dirichlet2 logistic_normal beta_binomial
zero_inflated_binomial zero_inflated_beta_binomial negbinomial2 geometric
zero_inflated_poisson zero_inflated_negbinomial hurdle_poisson hurdle_negbinomial
com_poisson discrete_weibull cumulative sratio cratio acat hurdle_cumulative categorical
multinomial dirichlet_multinomial mixture custom
"""
_NOT_YET = frozenset(_NOT_YET_TEXT.split())


def get_family(family: str | Family | Callable[[], Family]) -> Family:
    """Return a family from its name, itself, or the function that makes it.

    Parameters
    ----------
    family : str, Family or callable
        ``"poisson"``, ``poisson()`` or ``poisson``.

    Returns
    -------
    Family

    Raises
    ------
    BrmspyError
        If there is no such family.

    Examples
    --------
    >>> from brmspy.families import get_family
    >>> print(get_family("Poisson"))
    poisson(link = 'log')
    """
    if isinstance(family, Family):
        return family
    if callable(family) and family in FAMILIES.values():
        return family()
    if not isinstance(family, str):
        raise BrmspyError(
            f"family={family!r} is not a family. Give a name, such as 'gaussian', or what "
            "gaussian(), student(), ... return."
        )
    name = family.strip().lower()
    if name in FAMILIES:
        return FAMILIES[name]()
    if name.partition("(")[0] in FAMILIES:
        raise BrmspyError(
            f"family={family!r} is text that looks like a call. Leave the quotes out: "
            f"family={family.strip()}, after `from brmspy import {name.partition('(')[0]}`."
        )
    if name in _ALIASES:
        raise BrmspyError(f"There is no family {family!r}. Did you mean {_ALIASES[name]!r}?")
    if name in _NOT_YET:
        raise BrmspyError(
            f"The family {family!r} is not supported yet. Supported: {', '.join(FAMILIES)}."
        )
    raise BrmspyError(f"There is no family {family!r}. {did_you_mean(name, FAMILIES)}")


def family_from_dict(record: Mapping[str, Any]) -> Family:
    """Return the family that `Family.to_dict` described.

    Parameters
    ----------
    record : mapping of str to Any
        Name and links.

    Returns
    -------
    Family
    """
    return get_family(record["name"]).with_links(record["links"])
