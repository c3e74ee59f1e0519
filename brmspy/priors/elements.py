"""The prior of one parameter, and of several at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brmspy.errors import PriorError
from brmspy.priors.distributions import DISTRIBUTIONS, log_mass
from brmspy.priors.lkj import lkj_cholesky_log_density
from brmspy.priors.numbers import format_number
from brmspy.priors.syntax import Density

__all__ = [
    "DistributionGroup",
    "ElementPrior",
    "element_prior",
    "group_by_distribution",
    "log_prior_density",
]


@dataclass(frozen=True)
class ElementPrior:
    """The prior of one parameter.

    Attributes
    ----------
    distribution : str
        A distribution, ``"lkj"``, ``"flat"`` or ``"constant"``.
    args : tuple of float
        Its arguments in Stan's order; the value of a constant.
    lower, upper : float
        Bounds of the parameter.
    log_normaliser : float
        Log of the mass that the density has between the bounds: 0.0 where they cut nothing off; of
        a flat density, the log of their distance, or 0.0 if it has no mass that is finite.
    text : str
        The density in the user's words.
    """

    distribution: str
    args: tuple[float, ...] = ()
    lower: float = -np.inf
    upper: float = np.inf
    log_normaliser: float = 0.0
    text: str = "flat"

    @property
    def improper(self) -> bool:
        """Whether the density has no finite mass."""
        return self.distribution == "flat" and not np.isfinite(self.upper - self.lower)

    def log_density(self, x: ArrayLike) -> NDArray[np.float64]:
        """Return the log density of a parameter that is one number.

        Parameters
        ----------
        x : array_like
            Values of the parameter.

        Returns
        -------
        ndarray
            Normalised over the bounds, negative infinity outside; 0.0 for a constant and for a
            density that is flat without end.
        """
        values = np.asarray(x, dtype=float)
        if self.distribution == "constant":
            return np.zeros_like(values)
        if self.distribution == "flat":
            density = np.zeros_like(values)
        else:
            density = DISTRIBUTIONS[self.distribution].log_density(values, *self.args)
        inside = (values >= self.lower) & (values <= self.upper)
        return np.where(inside, density - self.log_normaliser, -np.inf)


def element_prior(density: Density, lower: float, upper: float, text: str) -> ElementPrior:
    """Return the prior of a parameter, normalised over its bounds.

    Parameters
    ----------
    density : Density
        The density, read.
    lower, upper : float
        Bounds of the parameter.
    text : str
        The density in the user's words.

    Returns
    -------
    ElementPrior

    Raises
    ------
    PriorError
        If the bounds leave nothing of the density that numbers could express.
    """
    name = density.name or "flat"
    if name in DISTRIBUTIONS:
        mass = log_mass(DISTRIBUTIONS[name], density.args, (lower, upper))
    elif name == "flat" and np.isfinite(upper - lower):
        mass = float(np.log(upper - lower))
    else:
        mass = 0.0
    if mass == -np.inf:
        raise PriorError(
            f"{text} has practically no mass between {format_number(lower)} and "
            f"{format_number(upper)}, the bounds of its parameter. Choose another density or "
            "other bounds."
        )
    return ElementPrior(name, density.args, lower, upper, mass, text or "flat")


@dataclass(frozen=True)
class DistributionGroup:
    """The elements of a block whose priors differ in numbers only.

    Attributes
    ----------
    stan_name : str
        Stan's function without ``_lpdf``.
    indices : tuple of int
        Positions of the elements in the block, from 0.
    argument_names : tuple of str
        Stan's names of the arguments, in order.
    arguments : tuple of ndarray, shape (len(indices),)
        Their values, one array for each argument.
    """

    stan_name: str
    indices: tuple[int, ...]
    argument_names: tuple[str, ...]
    arguments: tuple[NDArray[np.float64], ...]


def group_by_distribution(elements: Sequence[ElementPrior]) -> tuple[DistributionGroup, ...]:
    """Group the elements of a block by distribution.

    Which groups there are, and their order, depends on the distributions alone, not on numbers.

    Parameters
    ----------
    elements : sequence of ElementPrior
        The priors of a block; flat and constant ones belong to no group.

    Returns
    -------
    tuple of DistributionGroup

    Examples
    --------
    >>> from brmspy.priors import ElementPrior, group_by_distribution
    >>> elements = [ElementPrior("cauchy", (0.0, 1.0)), ElementPrior("normal", (0.0, 2.0))]
    >>> [(group.stan_name, group.indices) for group in group_by_distribution(elements)]
    [('normal', (1,)), ('cauchy', (0,))]
    """
    groups = []
    for name, (stan_name, argument_names) in _STAN_FUNCTIONS.items():
        indices = tuple(i for i, item in enumerate(elements) if item.distribution == name)
        if indices:
            columns = zip(*(elements[i].args for i in indices), strict=True)
            arguments = tuple(np.array(column, dtype=float) for column in columns)
            groups.append(DistributionGroup(stan_name, indices, argument_names, arguments))
    return tuple(groups)


_STAN_FUNCTIONS = {
    **{
        name: (name, tuple(argument.name for argument in record.arguments))
        for name, record in DISTRIBUTIONS.items()
    },
    "lkj": ("lkj_corr", ("eta",)),
}


def log_prior_density(
    elements: Sequence[ElementPrior], draws: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the log density of a block of parameters.

    Parameters
    ----------
    elements : sequence of ElementPrior
        Their priors.
    draws : ndarray, shape (..., len(elements)) or (..., M, M)
        Values of the parameters; for correlations, Cholesky factors of their matrices.

    Returns
    -------
    ndarray, shape (...)
        Summed over elements.
    """
    if elements[0].distribution == "lkj":
        return lkj_cholesky_log_density(draws, elements[0].args[0])
    lower = np.array([element.lower for element in elements])
    upper = np.array([element.upper for element in elements])
    free = np.array([element.distribution != "constant" for element in elements])
    outside = np.any(((draws < lower) | (draws > upper)) & free, axis=-1)
    total = np.where(outside, -np.inf, -sum(element.log_normaliser for element in elements))
    for group in group_by_distribution(elements):
        record = DISTRIBUTIONS[group.stan_name]
        density = record.log_density(draws[..., list(group.indices)], *group.arguments)
        total = total + density.sum(axis=-1)
    return total
