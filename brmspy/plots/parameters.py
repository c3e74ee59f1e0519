"""Which parameters a picture shows, and their draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from brmspy.errors import BrmspyError
from brmspy.fit import Fit
from brmspy.fit.variables import NameTable, Variable
from brmspy.priors import ElementPrior

__all__ = ["MAIN", "Parameter", "chosen_parameters", "limited", "prior_elements"]

_NATURAL = {"group_sd": (0.0, np.inf), "group_cor": (-1.0, 1.0)}

MAIN = ("population", "group_sd", "group_cor", "family")
"""Sections of parameters that are shown unless others are asked for."""


@dataclass(frozen=True)
class Parameter:
    """A parameter with its draws.

    Attributes
    ----------
    name : str
        By which the fit knows it.
    variable : Variable or None
        The posterior's variable that it belongs to; None for ``lp__``.
    draws : ndarray, shape (chain, draw)
        Its draws.
    lower, upper : float
        Bounds that it has, by nature or as the user set them.
    """

    name: str
    variable: Variable | None
    draws: NDArray[np.float64] = field(repr=False)
    lower: float = -np.inf
    upper: float = np.inf

    @property
    def section(self) -> str:
        """Where it belongs, as of its variable."""
        return "internal" if self.variable is None else self.variable.section


def chosen_parameters(
    fit: Fit, variables: str | Sequence[str] | None, sections: Sequence[str] = MAIN
) -> list[Parameter]:
    """Return parameters with their draws.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    variables : str, sequence of str or None
        Names of parameters or of variables; None for all of some sections.
    sections : sequence of str
        Those sections.

    Returns
    -------
    list of Parameter
        Each once, in the order asked for.

    Raises
    ------
    BrmspyError
        If there is no such parameter, or nothing was asked for.
    """
    if variables is None:
        variables = [v.name for s in sections for v in fit.variables if v.section == s]
    if not len(variables):
        raise BrmspyError(
            "There are no parameters to show. Name some: variables=['b_Intercept', 'sd_g']."
        )
    frame = fit.draws_df(variables)
    frame = frame.loc[:, ~frame.columns.duplicated()]
    owners = _owners(fit)
    shape = (frame[".chain"].nunique(), frame[".iteration"].nunique())
    priors = prior_elements(fit)
    found = []
    for name in map(str, frame.columns[3:]):
        owner, prior = owners.get(name), priors.get(name)
        bounds = (
            (prior.lower, prior.upper) if prior else _NATURAL.get(owner.section if owner else "")
        )
        draws = frame[name].to_numpy().reshape(shape)
        found.append(Parameter(name, owner, draws, *(bounds or ())))
    return found


def prior_elements(fit: Fit) -> dict[str, ElementPrior]:
    """Return the priors of a fit by the name of the parameter.

    Parameters
    ----------
    fit : Fit
        The fitted model.

    Returns
    -------
    dict of str to ElementPrior
        Those of centred intercepts are called ``"Intercept"`` or ``"Intercept_sigma"``, and those
        of all correlations of a group ``"cor_<group>"``.
    """
    return {
        name: element
        for priors in fit.model.priors.blocks
        for name, element in zip(priors.block.names, priors.elements, strict=True)
    }


def limited(parameters: Sequence[Parameter], most: int) -> tuple[list[Parameter], str]:
    """Return the first of many parameters, and a sentence that says what was left out.

    Parameters
    ----------
    parameters : sequence of Parameter
        All of them.
    most : int
        How many to keep.

    Returns
    -------
    list of Parameter
        The first ones.
    str
        Empty if that is all.
    """
    kept = list(parameters[:most])
    if len(kept) == len(parameters):
        return kept, ""
    return kept, f"{most} of {len(parameters)} parameters: choose others with variables=."


def _owners(fit: Fit) -> dict[str, Variable]:
    """Return the variable of each parameter."""
    table = NameTable.of(fit.variables)
    owners = (variable for variable in table.variables for _ in range(variable.brms.size))
    return dict(zip(table.names, owners, strict=True))
