"""What is known about a named curve."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from brmspy.formula.definitions import Definition

__all__ = ["INPUT", "LOG_RATE", "NUMBER", "RATE", "RESPONSE", "WIDTH", "Curve"]

RESPONSE = "unit of the response"
INPUT = "unit of the input"
WIDTH = "width, in the unit of the input"
RATE = "1 / unit of the input"
LOG_RATE = "log of 1 / unit of the input"
NUMBER = "a number without unit"


@dataclass(frozen=True)
class Curve(Definition):
    """A named curve.

    Attributes
    ----------
    name : str
        What it is called; in R, where R has it.
    arguments : mapping of str to str
        Its arguments in order, each with its meaning in words.
    body : str
        Its value, in R; written so that it neither overflows nor loses digits where the textbook's
        form does.
    defaults : mapping of str to str
        Values of arguments that may be left out: none.
    meaning : str
        What it is, in words.
    inputs : tuple of str
        The arguments that are data; the others are parameters.
    units : mapping of str to str
        The unit of each parameter in words: `RESPONSE`, `INPUT`, `WIDTH`, `RATE`, `LOG_RATE`,
        `NUMBER`, or other words. How wide default priors may be follows from it.
    bounds : mapping of str to (float, float)
        Where arguments have natural bounds: of inputs, the values that the curve is made for.
    limit : str
        What the curve approaches as its last input grows, in R, in terms of its parameters as long
        as they keep their bounds; empty where that is nothing, or not known.
    """

    inputs: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    limit: str = ""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The arguments that are parameters."""
        return tuple(name for name in self.arguments if name not in self.inputs)

    def limits(self, argument: str) -> tuple[float, float]:
        """Return the natural bounds of an argument, infinite where there are none.

        Parameters
        ----------
        argument : str
            An input or a parameter.

        Returns
        -------
        tuple of float
        """
        return self.bounds.get(argument, (-math.inf, math.inf))
