"""What a self-start is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from brmspy.selfstart.projection import FloatArray

__all__ = ["Guesses", "Inputs", "SelfStart", "Values"]

Inputs: TypeAlias = Mapping[str, FloatArray]
Values: TypeAlias = Mapping[str, float]
Guesses: TypeAlias = Callable[[Inputs, FloatArray], Iterable[Values]]


@dataclass(frozen=True)
class SelfStart:
    """How a curve finds its parameters in data.

    Attributes
    ----------
    guesses : callable
        From inputs and response, arrays of shape (nobs,), to values of the parameters that are
        worth improving by least squares: any number of mappings, best first.
    phases : tuple of tuple of str
        Parameters of parts of the curve that could be swapped without changing it, part by part.
    first : str
        The parameter of the first part by which parts are put in order; empty if there are none.
    descending : bool
        Whether the part with the largest value comes first.
    """

    guesses: Guesses
    phases: tuple[tuple[str, ...], ...] = ()
    first: str = ""
    descending: bool = False

    def ordered(self, values: Values) -> dict[str, float]:
        """Return values with the parts of the curve in their order.

        Parameters
        ----------
        values : mapping of str to float
            Values of all parameters.

        Returns
        -------
        dict of str to float
        """
        result = dict(values)
        if not self.phases:
            return result
        place = self.phases[0].index(self.first)
        order = sorted(self.phases, key=lambda names: values[names[place]], reverse=self.descending)
        for names, source in zip(self.phases, order, strict=True):
            result |= {name: values[other] for name, other in zip(names, source, strict=True)}
        return result
