"""What a model was fitted to, to see whether two models were fitted to the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.checks.display import count, row_labels
from brmspy.fit import Fit

__all__ = ["Observed"]


@dataclass(frozen=True, eq=False)
class Observed:
    """The response of a model, with what its density depends on besides the model.

    Attributes
    ----------
    label : str
        The response, as in the formula.
    rows : pandas.Index
        Labels of the rows.
    values : ndarray
        The response, as the family codes it.
    trials, weights : ndarray or None
        Those of the rows, if the model has them.
    discrete : bool
        Whether the family gives probabilities rather than densities.
    """

    label: str
    rows: pd.Index[Any]
    values: NDArray[Any]
    trials: NDArray[Any] | None
    weights: NDArray[Any] | None
    discrete: bool

    @classmethod
    def of(cls, fit: Fit) -> Observed:
        """Return what a model was fitted to.

        Parameters
        ----------
        fit : BrmsFit
            The fitted model.
        """
        arrays = fit.model.design.arrays
        return cls(
            fit.model.design.terms.response.label,
            arrays.rows,
            fit.model.response,
            arrays.trials,
            arrays.weights,
            fit.family.discrete,
        )

    def difference(self, other: Observed) -> str:
        """Say why densities of the two cannot be compared.

        Parameters
        ----------
        other : Observed
            What another model was fitted to.

        Returns
        -------
        str
            Empty if they can.
        """
        if self.label != other.label:
            return (
                f"the responses are {self.label!r} and {other.label!r}. A density changes with the "
                "scale of the response: give all models the same response."
            )
        return self._rows_differ(other) or self._values_differ(other)

    def _rows_differ(self, other: Observed) -> str:
        if self.rows.equals(other.rows):
            return ""
        mine = self.rows.difference(other.rows, sort=False)
        theirs = other.rows.difference(self.rows, sort=False)
        if len(mine) == len(theirs) == 0 and len(self.rows) == len(other.rows):
            return (
                "the rows stand in another order. Sort the data of both, for example with "
                "data.sort_index()."
            )
        only = [
            f"{count(len(rows), 'row')} only in the {which} ({row_labels(list(rows), 3)})"
            for rows, which in ((mine, "first"), (theirs, "second"))
            if len(rows)
        ]
        sizes = f"they have {len(self.rows)} and {len(other.rows)} rows"
        return (
            f"{sizes}{', ' if only else ''}{', '.join(only)}. Fit all models to the rows that are "
            "complete in every column that any of them uses; if they are the same rows, give the "
            "data frames the same index."
        )

    def _values_differ(self, other: Observed) -> str:
        for what, mine, theirs in (
            ("the response differs", self.values, other.values),
            ("the numbers of trials differ", self.trials, other.trials),
            ("the weights differ", self.weights, other.weights),
        ):
            # Without trials each row is one; without weights each has weight one.
            first, second = np.ones(len(self.rows)), np.ones(len(self.rows))
            first = first if mine is None else np.asarray(mine, dtype=float)
            second = second if theirs is None else np.asarray(theirs, dtype=float)
            changed = first != second
            if changed.any():
                rows = list(self.rows[changed])
                return (
                    f"{what} in {count(len(rows), 'row')}: {row_labels(rows, 3)}. Fit all models "
                    "to the same data."
                )
        return ""
