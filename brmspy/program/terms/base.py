"""What every kind of term is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from brmspy.program.inputs import Input
from brmspy.program.parameters import StanParameter

__all__ = ["Draws", "Effects", "Term", "appended"]

Draws = Mapping[str, NDArray[np.float64]]
Effects = MutableMapping[tuple[int, int], NDArray[np.float64]]


@dataclass(frozen=True)
class Term(ABC):
    """A piece of the program.

    Attributes
    ----------
    suffix : str
        What its variables' names end in.
    purpose : str
        For comments: which parameter it predicts.
    """

    template: ClassVar[str]
    suffix: str
    purpose: str

    @property
    def parameters(self) -> tuple[StanParameter, ...]:
        """Parameters that the term owns."""
        return ()

    @property
    @abstractmethod
    def data(self) -> dict[str, Any]:
        """Stan data of the term, parameters' priors excepted."""

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What its part of the linear predictor reads."""
        return ()


def appended(pieces: Sequence[str]) -> str:
    """Return the Stan text of one vector after the other."""
    if len(pieces) == 1:
        return pieces[0]
    return f"append_row({pieces[0]}, {appended(pieces[1:])})"
