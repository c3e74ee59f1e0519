"""The draws of all parameters, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.errors import BrmspyError
from brmspy.fit.diagnostics import Diagnostics, diagnose
from brmspy.fit.summary import summarise
from brmspy.fit.variables import NameTable, Variable

__all__ = ["ParameterDraws"]


@dataclass(frozen=True)
class ParameterDraws:
    """The draws of all parameters, by name.

    Attributes
    ----------
    table : NameTable
        Names of the parameters.
    arrays : mapping of str to ndarray, shape (chain, draw, ...)
        Draws of each variable of the table.
    of_chains : bool
        Whether they are those of Markov chains; R-hat and effective sample sizes mean nothing for
        others.
    pools : sequence of sequence of int
        Places of the chains that draw from the same distribution, if not all do.
    """

    table: NameTable
    arrays: Mapping[str, NDArray[np.float64]] = field(repr=False)
    of_chains: bool = True
    pools: Sequence[Sequence[int]] = ()

    @cached_property
    def diagnostics(self) -> Diagnostics:
        """Diagnostics of all parameters, computed once; of an approximation all but one NaN."""
        parts = [self._diagnose(self._flat(variable)) for variable in self.table.variables]
        return Diagnostics(
            np.concatenate([part.rhat for part in parts]),
            np.concatenate([part.ess_bulk for part in parts]),
            np.concatenate([part.ess_tail for part in parts]),
            np.concatenate([part.finite for part in parts]),
        )

    def rhat(self, chains: Sequence[int]) -> NDArray[np.float64]:
        """Return R-hat of some of the chains, for all parameters.

        Parameters
        ----------
        chains : sequence of int
            Their places.
        """
        where = list(chains)
        parts = [
            diagnose(self._flat(variable)[where]).rhat
            if self.of_chains
            else np.full(variable.brms.size, np.nan)
            for variable in self.table.variables
        ]
        return np.concatenate(parts)

    def _diagnose(self, draws: NDArray[np.float64]) -> Diagnostics:
        """Return the diagnostics of draws (chain, draw, parameter)."""
        return diagnose(draws, self.pools) if self.of_chains else _only_finite(draws)

    def summary(
        self, places: Sequence[int], prob: float, robust: bool, mc_se: bool
    ) -> pd.DataFrame:
        """Summarise parameters; see `brmspy.fit.summary.summarise`.

        Parameters
        ----------
        places : sequence of int
            Which, as places in the table.
        prob, robust, mc_se
            As for `summarise`.

        Raises
        ------
        BrmspyError
            If `mc_se` is asked of an approximation.
        """
        if mc_se and not self.of_chains:
            raise BrmspyError(
                "mc_se=True has no meaning for an approximation: its means are off by more than "
                "the noise of its draws, and Pareto k says how far it is to be trusted "
                '(fit.record.approximation). Fit with algorithm="nuts" for Monte Carlo errors.'
            )
        names = [self.table.names[place] for place in places]
        draws, chosen = self._columns(places), self._chosen(places) if self.of_chains else None
        return summarise(
            names, draws, chosen, prob=prob, robust=robust, mc_se=mc_se, pools=self.pools
        )

    def _chosen(self, places: Sequence[int]) -> Diagnostics:
        """Return the diagnostics of some parameters."""
        where = np.asarray(places, dtype=np.intp)
        found = self.diagnostics
        return Diagnostics(
            found.rhat[where], found.ess_bulk[where], found.ess_tail[where], found.finite[where]
        )

    def frame(self, places: Sequence[int]) -> pd.DataFrame:
        """Return draws as a table: a row for each draw, chain after chain.

        Parameters
        ----------
        places : sequence of int
            Which parameters, as places in the table.
        """
        draws = self._columns(places)
        chains, length, count = draws.shape
        names = pd.Index([self.table.names[place] for place in places], dtype=object)
        frame = pd.DataFrame(draws.reshape(chains * length, count), columns=names)
        frame.insert(0, ".chain", np.repeat(np.arange(1, chains + 1), length))
        frame.insert(1, ".iteration", np.tile(np.arange(1, length + 1), chains))
        frame.insert(2, ".draw", np.arange(1, chains * length + 1))
        return frame

    def _flat(self, variable: Variable) -> NDArray[np.float64]:
        """Return a variable's draws, shape (chain, draw, element)."""
        array = self.arrays[variable.name]
        return array.reshape(*array.shape[:2], variable.brms.size)

    def _columns(self, places: Sequence[int]) -> NDArray[np.float64]:
        """Return the draws of some parameters, shape (chain, draw, parameter)."""
        shape = next(iter(self.arrays.values())).shape[:2]
        columns = np.empty((*shape, len(places)))
        wanted = np.asarray(places, dtype=np.intp)
        for variable in self.table.variables:
            elements = wanted - self.table.offsets[variable.name]
            mine = (elements >= 0) & (elements < variable.brms.size)
            if mine.any():
                columns[:, :, mine] = self._flat(variable)[:, :, elements[mine]]
        return columns


def _only_finite(draws: NDArray[np.float64]) -> Diagnostics:
    """Return diagnostics (parameter,) that only say whether draws are finite numbers."""
    unknown = np.full(draws.shape[2:], np.nan)
    return Diagnostics(unknown, unknown, unknown, np.asarray(np.isfinite(draws).all(axis=(0, 1))))
