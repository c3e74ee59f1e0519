"""The draws of a fit, sorted by what they belong to: predictors, groups and their levels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.errors import BrmspyError, did_you_mean
from brmspy.fit import Fit
from brmspy.program import coefficient_variable, group_members

__all__ = [
    "Coefficient",
    "GroupDraws",
    "chosen_groups",
    "labels_of",
    "names_of",
    "population_draws",
]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Coefficient:
    """A coefficient of a linear predictor, of the population or of a group.

    Attributes
    ----------
    predictor : str
        The parameter that it predicts.
    name : str
        Its name there, as brms has it.
    """

    predictor: str
    name: str

    @property
    def label(self) -> str:
        """Brms' name: ``"Days"``, ``"sigma_Days"``, ``"Asym_Intercept"``."""
        return self.name if self.predictor == "mu" else f"{self.predictor}_{self.name}"


@dataclass(frozen=True)
class GroupDraws:
    """The effects of a grouping factor.

    Attributes
    ----------
    group : str
        The grouping factor.
    levels : tuple of str
        Its levels.
    coefs : tuple of Coefficient
        What varies between them.
    effects : ndarray, shape (chain, draw, level, coef)
        The draws.
    """

    group: str
    levels: tuple[str, ...]
    coefs: tuple[Coefficient, ...]
    effects: FloatArray


def names_of(argument: str, names: str | Sequence[str]) -> list[str]:
    """Return one or several names as a list.

    Parameters
    ----------
    argument : str
        The argument that they were given as.
    names : str or sequence of str
        The names.

    Returns
    -------
    list of str

    Raises
    ------
    BrmspyError
        If they are neither.
    """
    if isinstance(names, str):
        return [names]
    if not isinstance(names, Iterable):
        raise BrmspyError(f"{argument} = {names!r} is neither a name nor a list of names.")
    return list(names)


def labels_of(coefs: Sequence[Coefficient]) -> list[str]:
    """Return the names of coefficients; where brms has one name for two, the variable's name.

    Parameters
    ----------
    coefs : sequence of Coefficient
        The coefficients.

    Returns
    -------
    list of str
        ``sigma_x`` of the mean and ``x`` of ``sigma`` are ``b[sigma_x]`` and ``b_sigma[x]``.
    """
    uses = Counter(coef.label for coef in coefs)
    return [
        coef.label
        if uses[coef.label] == 1
        else f"{coefficient_variable(coef.predictor)}[{coef.name}]"
        for coef in coefs
    ]


def population_draws(fit: Fit) -> tuple[tuple[Coefficient, ...], FloatArray]:
    """Return the population-level coefficients of all predictors.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.

    Returns
    -------
    tuple of Coefficient
        In the order of the posterior.
    ndarray, shape (chain, draw, coef)
        Their draws.
    """
    infos = {coefficient_variable(name): info for name, info in _predictors(fit).items()}
    named = [v.name for v in fit.variables if v.section == "population"]
    posterior = fit.groups["posterior"]
    coefs = [Coefficient(infos[v].name, coef.brms) for v in named for coef in infos[v].coefs]
    shape = (posterior.sizes["chain"], posterior.sizes["draw"], 0)
    arrays = [posterior[variable].to_numpy() for variable in named]
    return tuple(coefs), np.concatenate([np.empty(shape), *arrays], axis=-1)


def chosen_groups(fit: Fit, groups: str | Sequence[str] | None) -> list[GroupDraws]:
    """Return the effects of some grouping factors.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    groups : str or sequence of str, optional
        Their names; all by default.

    Returns
    -------
    list of GroupDraws
        In the order asked for.

    Raises
    ------
    BrmspyError
        If there is no such factor, or there are no group-level effects at all.
    """
    blocks = fit.model.design.groups
    members = group_members(blocks)
    if not members:
        raise BrmspyError(
            f"{str(fit.formula).splitlines()[0]!r} has no group-level effects. A term such as "
            "(1 | group) in the formula adds some."
        )
    wanted = list(members) if groups is None else names_of("groups", groups)
    levels = {info.group: info.levels for info in blocks}
    posterior = fit.groups["posterior"]
    found = []
    for group in wanted:
        if group not in members:
            raise BrmspyError(
                f"groups: {group!r} is no grouping factor of the model. "
                f"{did_you_mean(str(group), members)}"
            )
        coefs = (blocks[block].coefs[place] for block, place in members[group])
        found.append(
            GroupDraws(
                group,
                levels[group],
                tuple(Coefficient(coef.predictor, coef.name.brms) for coef in coefs),
                posterior[f"r_{group}"].to_numpy(),
            )
        )
    return found


def _predictors(fit: Fit) -> Mapping[str, Any]:
    """Return the linear predictors that have coefficients."""
    infos = fit.model.design.predictors
    return {name: info for name, info in infos.items() if info.coefs}
