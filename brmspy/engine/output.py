"""What a chain has left when it has ended, wherever it ran."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from brmspy.engine.messages import Failure

__all__ = ["ChainOutput"]


def _nothing() -> npt.NDArray[np.float64]:
    """Return a table without rows."""
    return np.empty((0, 0))


@dataclass(frozen=True, eq=False)
class ChainOutput:
    """What a chain has left when it has ended: plain values, which can be sent between processes.

    Parameters
    ----------
    number : int
        The chain's number, from 1.
    status : int or None
        Exit status of its process; None if it did not start.
    stopped : bool
        Whether it was ended before it was finished, as the run was interrupted.
    console : str
        What Stan printed.
    header : str
        Names of the columns; empty if there are none yet.
    draws, warmup : ndarray, shape (draw, column)
        The draws after warm-up, and those of the warm-up if they were saved.
    seconds : tuple of float
        Time of warm-up and sampling; nan if it did not end.
    inv_metric : ndarray or None
        The inverse metric after adaptation; None for the unit metric.
    lost : Failure or None
        Why there is nothing, for a chain whose worker did not come back.
    """

    number: int
    status: int | None
    stopped: bool = False
    console: str = ""
    header: str = ""
    draws: npt.NDArray[np.float64] = field(default_factory=_nothing)
    warmup: npt.NDArray[np.float64] = field(default_factory=_nothing)
    seconds: tuple[float, float] = (np.nan, np.nan)
    inv_metric: npt.NDArray[np.float64] | None = None
    lost: Failure | None = None

    @property
    def num_draws(self) -> int:
        """Draws after warm-up."""
        return len(self.draws)
