"""What is added to a linear predictor as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from brmspy.program.inputs import Input, by_row
from brmspy.program.terms.base import Term

__all__ = ["Offset"]


@dataclass(frozen=True)
class Offset(Term):
    """What is added to a linear predictor as it is; `values` has shape (nobs,)."""

    template: ClassVar[str] = "offset"
    values: NDArray[np.float64]

    @property
    def data(self) -> dict[str, Any]:
        """The sum of the offsets."""
        return {f"offsets{self.suffix}": self.values}

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The sum of the offsets."""
        return (by_row(f"offsets{self.suffix}"),)
