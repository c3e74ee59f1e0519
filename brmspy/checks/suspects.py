"""What in a posterior may not be what it seems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from brmspy.fit import Fit
from brmspy.priors import DISTRIBUTIONS, ElementPrior, ParameterBlock

__all__ = ["Boundary", "Unmoved", "at_boundary", "little_known", "same_as_prior"]

FloatArray = NDArray[np.float64]

# A parameter is at its bound if many draws lie in the tenth of its range that is next to it. A
# normal distribution that is cut off at its mode has 15 % there; one whose mean is three standard
# deviations away has 0.4 %.
_NEXT_TO = 0.1
_MANY = 0.05
_TOP = 0.95

_SAME = 0.1  # largest difference of the distribution functions of prior and posterior
# Little is known if the posterior is nearly as wide as the prior and lies where that does. Of two
# normal distributions, one 0.7 times as wide as the other, 83 % overlap.
_WIDE, _OVERLAP = 0.7, 0.75
_BINS = 40


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
        ``"sd"``, ``"cor"``, ``"nonlinear"`` for coefficients of non-linear parameters, or
        ``"other"``.
    group : str
        The grouping factor, or the non-linear parameter; empty for others.
    """

    name: str
    bound: float
    share: float
    limit: float
    kind: str
    group: str


@dataclass(frozen=True)
class Unmoved:
    """A parameter about which the data say nothing, or little.

    Attributes
    ----------
    name : str
        The parameter.
    interval, prior_interval : tuple of float
        Central 90 % of the posterior and of the prior.
    overlap : float
        Of the two distributions: 1.0 if they are the same.
    kind : str
        ``"sd"``, ``"cor"``, ``"nonlinear"`` for coefficients of non-linear parameters, or
        ``"other"``.
    group : str
        The grouping factor, or the non-linear parameter; empty for others.
    """

    name: str
    interval: tuple[float, float]
    prior_interval: tuple[float, float]
    overlap: float
    kind: str
    group: str

    @property
    def width(self) -> float:
        """Width of the posterior's interval in units of the prior's."""
        return float(np.diff(self.interval)[0] / np.diff(self.prior_interval)[0])


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
    for name, element, block, draws in _parameters(fit):
        if element.distribution == "constant":
            continue
        for bound, sign in ((element.lower, 1.0), (element.upper, -1.0)):
            if not np.isfinite(bound):
                continue
            distance = sign * (draws - bound)
            limit = _NEXT_TO * float(np.quantile(distance, _TOP))
            share = float(np.mean(distance < limit))
            if share > _MANY and not _is_uniform(element, bound, limit, share):
                found.append(
                    Boundary(
                        name,
                        bound,
                        share,
                        bound + sign * limit,
                        _kind(block),
                        block.group or block.nlpar,
                    )
                )
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
    return [item for item, difference in _compared(fit) if difference < _SAME]


def little_known(fit: Fit) -> list[Unmoved]:
    """Return the non-linear parameters' coefficients whose posterior is nearly the prior.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.

    Returns
    -------
    list of Unmoved
        Without those of `same_as_prior`.
    """
    return [
        item
        for item, difference in _compared(fit)
        if item.kind == "nonlinear"
        and difference >= _SAME
        and _WIDE < item.width < 1.0 / _WIDE
        and item.overlap > _OVERLAP
    ]


def _compared(fit: Fit) -> Iterator[tuple[Unmoved, float]]:
    """Yield the parameters with a proper prior, and how far their posterior is from it."""
    for name, element, block, draws in _parameters(fit):
        if element.improper or element.distribution == "constant":
            continue
        low, high = (float(q) for q in np.quantile(draws, [0.05, 0.95]))
        prior_interval = (_quantile(element, 0.05), _quantile(element, 0.95))
        overlap = _overlap(draws, element)
        of = block.group or block.nlpar
        item = Unmoved(name, (low, high), prior_interval, overlap, _kind(block), of)
        yield item, _difference(draws, element)


def _overlap(draws: FloatArray, element: ElementPrior) -> float:
    """Return what posterior and prior have in common.

    On the scale of the prior's distribution function, where the prior is uniform.
    """
    places = np.clip(_cdf(element, draws), 0.0, 1.0)
    counts, _ = np.histogram(places, bins=_BINS, range=(0.0, 1.0))
    return float(np.minimum(counts / len(draws), 1.0 / _BINS).sum())


def _difference(draws: FloatArray, element: ElementPrior) -> float:
    """Return the largest difference of the distribution functions of draws and prior."""
    expected = _cdf(element, np.sort(draws))
    steps = np.arange(len(draws) + 1) / len(draws)
    return float(np.maximum(steps[1:] - expected, expected - steps[:-1]).max())


def _parameters(fit: Fit) -> Iterator[tuple[str, ElementPrior, ParameterBlock, FloatArray]]:
    """Yield name, prior, block and draws of each parameter with a prior of its own.

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
        for name, element in members:
            if name in fit:
                yield name, element, block, fit[name].to_numpy().ravel()


def _kind(block: ParameterBlock) -> str:
    if block.class_ in ("sd", "cor"):
        return block.class_
    return "nonlinear" if block.nlpar else "other"


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
