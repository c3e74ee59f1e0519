"""What in a posterior may not be what it seems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from brmspy.fit import Fit
from brmspy.priors import DISTRIBUTIONS, ElementPrior

__all__ = ["Boundary", "Unmoved", "at_boundary", "few_levels", "same_as_prior"]

FloatArray = NDArray[np.float64]

_FEW_LEVELS = 5  # Gelman and Hill (2007), section 11.5: below, the sd is hardly estimated

# A parameter is at its bound if many draws lie in the tenth of its range that is next to it. A
# normal distribution that is cut off at its mode has 15 % there; one whose mean is three standard
# deviations away has 0.4 %.
_NEXT_TO = 0.1
_MANY = 0.05
_TOP = 0.95

_SAME = 0.1  # largest difference of the distribution functions of prior and posterior


@dataclass(frozen=True)
class Boundary:
    """A parameter whose posterior reaches up to the end of what it can be.

    Attributes
    ----------
    name : str
        The parameter.
    bound : float
        The end.
    share : float
        Of the draws next to it.
    limit : float
        Where next to it begins.
    kind : str
        ``"sd"``, ``"cor"`` or ``"other"``.
    group : str
        The grouping factor; empty for others.
    """

    name: str
    bound: float
    share: float
    limit: float
    kind: str
    group: str


@dataclass(frozen=True)
class Unmoved:
    """A parameter about which the data say nothing.

    Attributes
    ----------
    name : str
        The parameter.
    interval, prior_interval : tuple of float
        Central 90 % of the posterior and of the prior.
    kind : str
        ``"sd"``, ``"cor"`` or ``"other"``.
    group : str
        The grouping factor; empty for others.
    """

    name: str
    interval: tuple[float, float]
    prior_interval: tuple[float, float]
    kind: str
    group: str


def few_levels(fit: Fit) -> list[tuple[str, int]]:
    """Return the grouping factors that have too few levels to estimate a spread from.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.

    Returns
    -------
    list of (str, int)
        Factor and number of levels.

    References
    ----------
    Gelman, A. and Hill, J. (2007). Data Analysis Using Regression and Multilevel/Hierarchical
    Models. Cambridge University Press, section 11.5.
    """
    return [(group, levels) for group, levels in fit.ngrps.items() if levels < _FEW_LEVELS]


def at_boundary(fit: Fit) -> list[Boundary]:
    """Return the parameters whose posterior is piled up at a bound.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.

    Returns
    -------
    list of Boundary
    """
    found = []
    for name, element, kind, group, draws in _parameters(fit):
        if element.distribution == "constant":
            continue
        for bound, sign in ((element.lower, 1.0), (element.upper, -1.0)):
            if not np.isfinite(bound):
                continue
            distance = sign * (draws - bound)
            limit = _NEXT_TO * float(np.quantile(distance, _TOP))
            share = float(np.mean(distance < limit))
            if share > _MANY and not _is_uniform(element, bound, limit, share):
                found.append(Boundary(name, bound, share, bound + sign * limit, kind, group))
    return found


def _is_uniform(element: ElementPrior, bound: float, limit: float, share: float) -> bool:
    """Say whether the prior puts as much next to its bound, so that the data had no part in it."""
    inner = bound + limit if bound == element.lower else bound - limit
    ends = sorted((bound, inner))
    mass = np.diff(_cdf(element, np.array(ends)))[0]
    return bool(share < 1.5 * mass)


def same_as_prior(fit: Fit) -> list[Unmoved]:
    """Return the parameters whose posterior is the prior.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.

    Returns
    -------
    list of Unmoved
    """
    found = []
    for name, element, kind, group, draws in _parameters(fit):
        if element.improper or element.distribution == "constant":
            continue
        if _difference(draws, element) < _SAME:
            interval = tuple(float(q) for q in np.quantile(draws, [0.05, 0.95]))
            prior_interval = (_quantile(element, 0.05), _quantile(element, 0.95))
            found.append(Unmoved(name, (interval[0], interval[1]), prior_interval, kind, group))
    return found


def _difference(draws: FloatArray, element: ElementPrior) -> float:
    """Return the largest difference of the distribution functions of draws and prior."""
    expected = _cdf(element, np.sort(draws))
    steps = np.arange(len(draws) + 1) / len(draws)
    return float(np.maximum(steps[1:] - expected, expected - steps[:-1]).max())


def _parameters(fit: Fit) -> Iterator[tuple[str, ElementPrior, str, str, FloatArray]]:
    """Yield name, prior, kind, group and draws of each parameter with a prior of its own.

    Not of centred intercepts, which no draw is of.
    """
    sizes = {info.group: len(info.coefs) for info in fit.model.design.groups if info.correlated}
    for priors in fit.model.priors.blocks:
        block = priors.block
        if block.class_ == "cor":
            element = _marginal(priors.elements[0], sizes.get(block.group, 2))
            variable = next(v for v in fit.variables if v.name == f"cor_{block.group}")
            members = [(str(name), element) for name in variable.brms.flat]
        else:
            members = list(zip(block.names, priors.elements, strict=True))
        kind = block.class_ if block.class_ in ("sd", "cor") else "other"
        for name, element in members:
            if name in fit:
                yield name, element, kind, block.group, fit[name].to_numpy().ravel()


def _marginal(element: ElementPrior, size: int) -> ElementPrior:
    """Return the prior of one correlation of an LKJ distribution of matrices.

    Twice a beta variable, minus one: Lewandowski, Kurowicka and Joe (2009), section 3.
    """
    if element.distribution != "lkj":
        return element
    shape = element.args[0] + size / 2 - 1
    return ElementPrior("lkj", (shape,), -1.0, 1.0, 0.0, element.text)


def _cdf(element: ElementPrior, x: FloatArray) -> FloatArray:
    """Return the distribution function of a prior, between its bounds."""
    if element.improper:
        return np.zeros_like(x)
    if element.distribution == "flat":
        return np.clip((x - element.lower) / (element.upper - element.lower), 0.0, 1.0)
    if element.distribution == "lkj":
        return np.asarray(stats.beta.cdf((x + 1) / 2, element.args[0], element.args[0]))
    distribution = DISTRIBUTIONS[element.distribution].scipy(*element.args)
    low, high = distribution.cdf([element.lower, element.upper])
    with np.errstate(invalid="ignore", divide="ignore"):  # bounds far out leave no digits: NaN
        return np.clip((distribution.cdf(x) - low) / (high - low), 0.0, 1.0)


def _quantile(element: ElementPrior, prob: float) -> float:
    """Return a quantile of a prior, between its bounds."""
    if element.distribution == "flat":
        return element.lower + prob * (element.upper - element.lower)
    if element.distribution == "lkj":
        return float(2 * stats.beta.ppf(prob, element.args[0], element.args[0]) - 1)
    distribution = DISTRIBUTIONS[element.distribution].scipy(*element.args)
    low, high = distribution.cdf([element.lower, element.upper])
    return float(distribution.ppf(low + prob * (high - low)))
