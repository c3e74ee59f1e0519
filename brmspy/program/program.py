"""The Stan program of a model: its text, its data, and the way back from draws to parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.data import Design
from brmspy.program.compose import TermSet
from brmspy.program.parameters import StanParameter
from brmspy.program.plan import SamplerPlan
from brmspy.program.recover import recover_draws
from brmspy.program.start import Start

__all__ = ["Program", "all_parameters"]

Draws = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Program:
    """A Stan program with its data.

    Attributes
    ----------
    code : str
        The Stan program.
    data : mapping of str to Any
        Its data: numbers and NumPy arrays.
    design : Design
        The design that it was made from.
    terms : TermSet
        The terms that the program was composed of.
    family_parameters : mapping of str to StanParameter
        Distributional parameters that are estimated as one number.
    fixed : mapping of str to float
        Distributional parameters that the formula fixes.
    start : Start or None
        Where chains start, and with which scales; None to leave that to Stan.
    plan : SamplerPlan
        What was chosen for the sampler, in words.
    threads : int
        Threads of a chain that share the rows; 1 if the program knows of none.
    """

    code: str
    data: Mapping[str, Any] = field(repr=False)
    design: Design = field(repr=False)
    terms: TermSet = field(repr=False)
    family_parameters: Mapping[str, StanParameter] = field(repr=False)
    fixed: Mapping[str, float] = field(repr=False)
    plan: SamplerPlan = field(repr=False)
    start: Start | None = field(default=None, repr=False)
    threads: int = 1

    @property
    def parameters(self) -> tuple[StanParameter, ...]:
        """All blocks of parameters, in the order of the program."""
        return all_parameters(self.terms, self.family_parameters)

    @property
    def sampled(self) -> tuple[str, ...]:
        """Names of the Stan variables that `recover` and `log_prior` read."""
        return tuple(p.name for p in self.parameters if p.fixed != "all" and not p.internal)

    def complete(self, draws: Draws) -> dict[str, NDArray[np.float64]]:
        """Return `draws` with the blocks that ``constant()`` fixes, and those of length zero.

        Parameters
        ----------
        draws : mapping of str to ndarray, shape (chain, draw, ...)
            The variables named in `sampled`.

        Returns
        -------
        dict of str to ndarray
            Every block of parameters.
        """
        complete = dict(draws)
        shape = next(iter(draws.values())).shape[:2] if draws else (1, 1)
        for parameter in self.parameters:
            if parameter.fixed == "all":
                value = np.asarray(self.data[parameter.name], dtype=float)
                complete[parameter.name] = np.broadcast_to(value, shape + value.shape)
            elif parameter.name not in complete and not parameter.internal:
                # Stan writes nothing for a block without elements.
                sizes = tuple(self.size_of(text) for text in parameter.size.split(", "))
                complete[parameter.name] = np.zeros(shape + sizes)
        return complete

    def size_of(self, text: str) -> int:
        """Return what a size of a block is: a difference of numbers in the data, or one of them.

        Parameters
        ----------
        text : str
            Stan text of the size.
        """
        first, *others = (int(t) if t.isdigit() else int(self.data[t]) for t in text.split(" - "))
        return first - sum(others)

    def recover(self, draws: Draws) -> dict[str, NDArray[np.float64]]:
        """Return the user's parameters.

        Parameters
        ----------
        draws : mapping of str to ndarray, shape (chain, draw, ...)
            The variables named in `sampled`, as the sampler drew them.

        Returns
        -------
        dict of str to ndarray
            ``b``, ``b_<predictor>``: (chain, draw, coef); ``sd_<group>``: (chain, draw, coef);
            ``cor_<group>``: (chain, draw, pair); ``r_<group>``: (chain, draw, level, coef);
            distributional parameters: (chain, draw).
        """
        return recover_draws(
            {**self.complete(draws), **self._fixed_draws(draws)},
            self.terms,
            self.design.groups,
            tuple(self.family_parameters),
        )

    def _fixed_draws(self, draws: Draws) -> dict[str, NDArray[np.float64]]:
        """Return the parameters that the formula fixes, repeated for each draw."""
        shape = next(iter(draws.values())).shape[:2]
        return {name: np.full(shape, value) for name, value in self.fixed.items()}

    @property
    def initial_names(self) -> tuple[str, ...]:
        """Names of what can be given an initial value."""
        named = (
            p
            for p in self.parameters
            if p.fixed != "all" and not p.internal and (p.elements or not p.definition)
        )
        return tuple(p.free if p.fixed == "some" else p.name for p in named)

    def initial(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return initial values as the Stan program takes them.

        Parameters
        ----------
        values : mapping of str to number or array_like
            Values of some of `initial_names`.

        Returns
        -------
        dict of str to Any
            The same in the sampler's coordinates.
        """
        standard = self.terms.standard
        return dict(values) if standard is None else standard.coordinates(values)

    def log_prior(self, draws: Draws) -> NDArray[np.float64]:
        """Return the log density of the user's priors, shape (chain, draw).

        Normalised, truncation by bounds included; the standard normal density of standardised
        effects is not part of it. Flat priors and constants count nothing.

        Parameters
        ----------
        draws : mapping of str to ndarray, shape (chain, draw, ...)
            The variables named in `sampled`.

        Returns
        -------
        ndarray, shape (chain, draw)
        """
        complete = self.complete(draws)
        total = np.zeros(next(iter(complete.values())).shape[:2])
        for parameter in (p for p in self.parameters if p.elements):
            total = total + parameter.log_prior(complete[parameter.name])
        return total


def all_parameters(
    terms: TermSet, family_parameters: Mapping[str, StanParameter]
) -> tuple[StanParameter, ...]:
    """Return all blocks of parameters: population, family, then group level.

    Parameters
    ----------
    terms : TermSet
        The terms of the program.
    family_parameters : mapping of str to StanParameter
        Distributional parameters that are one number.

    Returns
    -------
    tuple of StanParameter
    """
    standard = [] if terms.standard is None else [terms.standard]
    population = [p for term in (*standard, *terms.population.values()) for p in term.parameters]
    integrated = [] if terms.integrated is None else [terms.integrated]
    sampled = (*terms.joint, *terms.uncorrelated.values(), *terms.correlated, *integrated)
    group = [p for term in sampled for p in term.parameters]
    return (*population, *family_parameters.values(), *group)
