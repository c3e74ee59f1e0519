"""Distributional parameters: their links and ranges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brmspy.errors import BrmspyError
from brmspy.families.links import Link

__all__ = [
    "MU_LINKS_POSITIVE",
    "MU_LINKS_PROBABILITY",
    "MU_LINKS_REAL",
    "POSITIVE_LINKS",
    "Dpar",
    "outside",
    "refuse_impossible",
]

FloatArray = NDArray[np.float64]

MU_LINKS_REAL = (
    "identity",
    "log",
    "inverse",
    "softplus",
    "squareplus",
    "logit",
    "probit",
    "probit_approx",
    "cloglog",
    "cauchit",
    "softit",
)
MU_LINKS_PROBABILITY = (
    "logit",
    "probit",
    "probit_approx",
    "cloglog",
    "cauchit",
    "softit",
    "identity",
    "log",
)
MU_LINKS_POSITIVE = ("log", "identity", "sqrt", "softplus", "squareplus")
POSITIVE_LINKS = ("log", "identity", "softplus", "squareplus")


@dataclass(frozen=True)
class Dpar:
    """A distributional parameter.

    Attributes
    ----------
    name : str
        Its name, such as ``"sigma"``.
    description : str
        What it is, in words.
    link : Link
        Link of its linear predictor.
    links : tuple of str
        Links that it may have, the default first.
    lower, upper : float
        Its range.
    prior : str or None
        Default prior when it is estimated as one number; None scales one to the response.
    intercept_prior : str or None
        Default prior of its intercept when it is predicted; None scales one to the response.
    """

    name: str
    description: str
    link: Link
    links: tuple[str, ...]
    lower: float = -np.inf
    upper: float = np.inf
    prior: str | None = None
    intercept_prior: str | None = None


def outside(dpar: Dpar, values: FloatArray) -> NDArray[np.bool_]:
    """Say which values a parameter cannot have."""
    return np.logical_or(np.less(values, dpar.lower), np.greater(values, dpar.upper))


def refuse_impossible(family: str, dpar: Dpar, values: FloatArray) -> None:
    """Raise if a parameter has values that are outside its range or not numbers."""
    impossible = np.logical_or(outside(dpar, values), np.isnan(values))
    if not impossible.any():
        return
    advice = ""
    if dpar.link.lower < dpar.lower or dpar.link.upper > dpar.upper:
        advice = (
            f" The link {dpar.link.name!r} does not keep {dpar.name} in its range; "
            f"{dpar.links[0]!r} does."
        )
    raise BrmspyError(
        f"No response can be drawn from {family}: {dpar.name} must lie between {dpar.lower:g} and "
        f"{dpar.upper:g}, but is {np.asarray(values)[impossible].flat[0]:g} in "
        f"{np.count_nonzero(impossible)} of {np.size(values)} values.{advice}"
    )
