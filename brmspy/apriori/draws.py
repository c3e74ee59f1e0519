"""The prior of each parameter that a hypothesis names: draws, and the density where it is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from brmspy.fit import Fit, Variable
from brmspy.fit.variables import NameTable
from brmspy.priors import DISTRIBUTIONS, BlockPriors, ElementPrior
from brmspy.program import coefficient_variable, correlated_pairs, group_members

__all__ = ["Marginal", "PriorDraws"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Marginal:
    """The prior of one parameter in closed form.

    Attributes
    ----------
    log_density : callable
        Log density of an array.
    lower, upper : float
        Its support.
    """

    log_density: Callable[[FloatArray], FloatArray]
    lower: float
    upper: float


class PriorDraws:
    """Independent draws from the joint prior of a model, made as they are asked for.

    They are exact: group-level effects come from their standard deviations and correlations,
    intercepts from the prior at the predictors' means and the coefficients.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    count : int
        Number of draws.
    seed : int
        Seed of the random numbers; a parameter's draws do not depend on which others are drawn.

    Attributes
    ----------
    improper : dict of str to None
        Parameters asked for, or needed for one, whose prior cannot be drawn from, in order.
    """

    def __init__(self, fit: Fit, count: int, seed: int) -> None:
        self.count = count
        self.seed = seed
        self.improper: dict[str, None] = {}
        self._design = fit.model.design
        self._priors = fit.model.priors
        self._table = NameTable.of(fit.variables)
        self._members = group_members(self._design.groups)
        self._drawn: dict[str, FloatArray] = {}

    def parameter(self, name: str) -> FloatArray:
        """Return draws of a parameter, NaN if they cannot be made; shape (count,).

        Parameters
        ----------
        name : str
            Its name in the fit.
        """
        variable, index = self._table.find(name)
        place = () if index is None else index
        match variable.section:
            case "population":
                return self.coefficient(self._predictor(variable), place[0])
            case "group_sd":
                return self._sd(*self._members[variable.group][place[0]])
            case "group_cor":
                block, i, j = self._pair(variable, place[0])
                factor = self._factor(block)
                return np.asarray(np.einsum("nk,nk->n", factor[:, i], factor[:, j]))
            case "group_effects":
                level = variable.coords[variable.dims[0]][place[0]]
                return self.effect(variable.group, place[1], level)
            case "family":
                return self._of(self._priors.for_(variable.name), 0)
            case _:  # lprior, which is no parameter
                self.improper[name] = None
                return np.full(self.count, np.nan)

    def coefficient(self, predictor: str, position: int) -> FloatArray:
        """Return draws of a population-level coefficient; shape (count,).

        Parameters
        ----------
        predictor : str
            The parameter that it predicts.
        position : int
            Which column of the design.
        """
        info = self._design.predictors[predictor]
        if position > 0 or not info.centred:
            return self._of(self._block("b", predictor), position - info.centred)
        intercept = self._of(self._block("Intercept", predictor), 0)
        for other in np.flatnonzero(info.means):
            intercept = intercept - info.means[other] * self.coefficient(predictor, int(other))
        return intercept

    def effect(self, group: str, position: int, level: str) -> FloatArray:
        """Return draws of the effect of a level; shape (count,).

        Parameters
        ----------
        group : str
            The grouping factor.
        position : int
            Which of its coefficients.
        level : str
            The level; those of other names are independent.
        """
        block, place = self._members[group][position]
        rng = self._rng(f"z {block} {level}")
        standard = rng.normal(size=(self.count, len(self._design.groups[block].coefs)))
        factor = self._factor(block)[:, place]
        return np.asarray(self._sd(block, place) * np.einsum("nk,nk->n", factor, standard))

    def marginal(self, name: str) -> Marginal | None:
        """Return the prior of a parameter in closed form; None if it has none.

        Parameters
        ----------
        name : str
            Its name in the fit.
        """
        variable, index = self._table.find(name)
        place = 0 if index is None or not index else index[0]
        match variable.section:
            case "population":
                return self._coefficient_marginal(self._predictor(variable), place)
            case "group_sd":
                priors, position = self._sd_prior(*self._members[variable.group][place])
                return _marginal(priors.elements[position])
            case "group_cor":
                return self._correlation_marginal(self._pair(variable, place)[0])
            case "family":
                return _marginal(self._priors.for_(variable.name).elements[0])
            case _:
                return None

    def _coefficient_marginal(self, predictor: str, position: int) -> Marginal | None:
        """Return the prior of a coefficient; an intercept off the means has none in closed form."""
        info = self._design.predictors[predictor]
        if position > 0 or not info.centred:
            return _marginal(self._block("b", predictor).elements[position - info.centred])
        if np.any(info.means):
            return None
        return _marginal(self._block("Intercept", predictor).elements[0])

    def _correlation_marginal(self, block: int) -> Marginal:
        """Return the prior of each correlation of a block: a beta on (-1, 1)."""
        group = self._design.groups[block]
        (eta,) = self._priors.for_("cor", group=group.group).elements[0].args
        shape = eta + 0.5 * len(group.coefs) - 1.0
        variable = stats.beta(shape, shape, loc=-1.0, scale=2.0)
        return Marginal(lambda x: np.asarray(variable.logpdf(x)), -1.0, 1.0)

    def _predictor(self, variable: Variable) -> str:
        """Return whose coefficients a variable holds."""
        names = {coefficient_variable(name): name for name in self._design.predictors}
        return names[variable.name]

    def _pair(self, variable: Variable, position: int) -> tuple[int, int, int]:
        """Return block and coefficients of a correlation."""
        return correlated_pairs(self._design.groups, variable.group)[position]

    def _block(self, class_: str, predictor: str, group: str = "") -> BlockPriors:
        """Return the priors of a class of parameters of a predictor."""
        for priors in self._priors.blocks:
            block = priors.block
            predicted = block.dpar or block.nlpar or "mu"
            if (block.class_, predicted, block.group) == (class_, predictor, group):
                return priors
        raise KeyError((class_, predictor, group))

    def _sd_prior(self, block: int, position: int) -> tuple[BlockPriors, int]:
        """Return where the prior of a standard deviation is."""
        group = self._design.groups[block]
        coef = group.coefs[position]
        priors = self._block("sd", coef.predictor, group.group)
        return priors, priors.block.coefs.index(coef.name.brms)

    def _sd(self, block: int, position: int) -> FloatArray:
        """Return draws of a standard deviation; shape (count,)."""
        return self._of(*self._sd_prior(block, position))

    def _of(self, priors: BlockPriors, position: int) -> FloatArray:
        """Return draws of one parameter of a block of parameters; shape (count,)."""
        name, element = priors.block.names[position], priors.elements[position]
        if element.improper:
            self.improper[name] = None
            return np.full(self.count, np.nan)
        if name not in self._drawn:
            self._drawn[name] = _draw(element, self.count, self._rng(name))
        return self._drawn[name]

    def _factor(self, block: int) -> FloatArray:
        """Return draws of the Cholesky factor of a block's correlations; (count, M, M)."""
        key = f"L {block}"
        if key not in self._drawn:
            group = self._design.groups[block]
            size = len(group.coefs)
            if group.correlated and size > 1:
                (eta,) = self._priors.for_("cor", group=group.group).elements[0].args
                self._drawn[key] = _correlation_factors(eta, size, self.count, self._rng(key))
            else:
                self._drawn[key] = np.broadcast_to(np.eye(size), (self.count, size, size))
        return self._drawn[key]

    def _rng(self, key: str) -> np.random.Generator:
        """Return the random numbers of one parameter."""
        return np.random.default_rng([self.seed, *key.encode()])


def _marginal(element: ElementPrior) -> Marginal | None:
    """Return a prior in closed form; constants have no density, flat priors no finite mass."""
    if element.improper or element.distribution == "constant":
        return None
    return Marginal(element.log_density, *_support(element))


def _support(element: ElementPrior) -> tuple[float, float]:
    """Return where a density is positive."""
    lowest, highest = -np.inf, np.inf
    if element.distribution in DISTRIBUTIONS:
        lowest, highest = DISTRIBUTIONS[element.distribution].support(*element.args)
    return max(element.lower, float(lowest)), min(element.upper, float(highest))


def _draw(element: ElementPrior, count: int, rng: np.random.Generator) -> FloatArray:
    """Return draws from the prior of a parameter."""
    if element.distribution == "constant":
        return np.full(count, element.args[0])
    lower, upper = _support(element)
    if element.distribution == "flat":
        return rng.uniform(lower, upper, count)
    variable = DISTRIBUTIONS[element.distribution].scipy(*element.args)
    if element.log_normaliser == 0.0:
        return np.asarray(variable.rvs(size=count, random_state=rng), dtype=float)
    # From the nearer tail, so that far from the median no digits are lost.
    if lower >= variable.median():
        drawn = variable.isf(rng.uniform(variable.sf(upper), variable.sf(lower), count))
    else:
        drawn = variable.ppf(rng.uniform(variable.cdf(lower), variable.cdf(upper), count))
    return np.clip(drawn, lower, upper)


def _correlation_factors(eta: float, size: int, count: int, rng: np.random.Generator) -> FloatArray:
    """Return Cholesky factors of correlation matrices from the LKJ distribution.

    Canonical partial correlations are independent, and beta distributed on (-1, 1).

    References
    ----------
    Lewandowski, D., Kurowicka, D. and Joe, H. (2009). Generating random correlation matrices based
    on vines and extended onion method. Journal of Multivariate Analysis, 100(9), 1989-2001.
    https://doi.org/10.1016/j.jmva.2009.04.008
    """
    factor = np.zeros((count, size, size))
    factor[:, 0, 0] = 1.0
    for i in range(1, size):
        left = np.ones(count)
        for j in range(i):
            shape = eta + 0.5 * (size - 2 - j)
            partial = 2.0 * rng.beta(shape, shape, count) - 1.0
            factor[:, i, j] = partial * np.sqrt(left)
            left = np.maximum(left - np.square(factor[:, i, j]), 0.0)
        factor[:, i, i] = np.sqrt(left)
    return factor
