"""Coordinates in which coefficients are near independent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from brmspy.program.coordinates import Whitening
from brmspy.program.parameters import StanParameter
from brmspy.program.start import StartValue
from brmspy.program.terms.base import Term
from brmspy.program.terms.population import Population
from brmspy.program.unconstrained import from_unconstrained, to_unconstrained

__all__ = ["StandardCoefficients"]


@dataclass(frozen=True)
class StandardCoefficients(Term):
    """Coordinates in which the coefficients of one or more predictors are near independent.

    Attributes
    ----------
    whitening : Whitening
        Location and scale of all coefficients, on the unconstrained scale.
    populations : tuple of Population
        The predictors, in the order of the coefficients.
    named : bool
        Whether the coefficients stand in one vector before each predictor takes its own.
    """

    template: ClassVar[str] = "standard_coefficients"
    whitening: Whitening
    populations: tuple[Population, ...]
    named: bool

    VALUE: ClassVar[str] = "coefs_location + coefs_scale * std_coefs"

    @property
    def parameters(self) -> tuple[StanParameter, ...]:
        """The coordinates, and where several predictors share them all coefficients."""
        coordinates = StanParameter(
            "std_coefs",
            "vector",
            "n_std_coefs",
            internal=True,
            comment="standardised coefficients, intercepts included",
        )
        if not self.named:
            return (coordinates,)
        together = StanParameter(
            "all_coefs", "vector", "n_std_coefs", internal=True, definition=self.VALUE
        )
        return (coordinates, together)

    @property
    def data(self) -> dict[str, Any]:
        """Location and scale."""
        return {
            "n_std_coefs": len(self.whitening.location),
            "coefs_location": self.whitening.location,
            "coefs_scale": self.whitening.scale,
        }

    def start(self) -> dict[str, StartValue]:
        """Return where the coordinates are about."""
        count = len(self.whitening.location)
        return {"std_coefs": StartValue(np.zeros(count), np.ones(count))}

    def coordinates(
        self, values: Mapping[str, Any], at: NDArray[np.float64] | None = None
    ) -> dict[str, Any]:
        """Return initial values with those of coefficients in the sampler's coordinates.

        Parameters
        ----------
        values : mapping of str to number or array_like
            By the names of the program; coefficients that are missing are where the pilot fit has
            them.
        at : ndarray, shape (coefficients,), optional
            Coordinates of the coefficients that are missing; zero by default.
        """
        own = {p.name for term in self.populations for p in term.parameters if not p.internal}
        if not own & set(values):
            return dict(values)
        location, parts, start = self.whitening.location, [], 0
        if at is not None:
            location = location + self.whitening.scale @ at
        for term in self.populations:
            place = slice(start, start + term.count)
            start += term.count
            lower, upper = term.interval
            inside = term.given(values, from_unconstrained(location[place], lower, upper))
            parts.append(to_unconstrained(inside, lower, upper))
        distance = np.concatenate(parts) - self.whitening.location
        moved = np.linalg.solve(self.whitening.scale, distance)
        return {k: v for k, v in values.items() if k not in own} | {"std_coefs": moved}
