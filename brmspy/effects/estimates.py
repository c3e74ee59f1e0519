"""Estimates with their draws: what predictions, comparisons and slopes return."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from brmspy.effects.report import Part, as_html, as_text
from brmspy.predict import summarise_values

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Estimates", "estimates_of"]


@dataclass(frozen=True, eq=False, repr=False)
class Estimates:
    """Estimates of something, with their draws.

    Attributes
    ----------
    title : str
        What is estimated.
    table : DataFrame
        A row for each estimate: what it belongs to, then Estimate, Est.Error and the ends of the
        interval, such as Q2.5 and Q97.5.
    draws : xarray.DataArray
        The draws of each; dimensions (chain, draw, row), labelled by the table's index.
    notes : tuple of str
        What was averaged over, and what took part.
    """

    title: str
    table: pd.DataFrame
    draws: xr.DataArray = field(repr=False)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return as_text([self._part])

    def _repr_html_(self) -> str:
        return as_html([self._part], self.title)

    @property
    def _part(self) -> Part:
        errors = self.table.iloc[:, -3].to_numpy(dtype=np.float64)
        return Part(self.title, self.table, 4, errors, self.notes)


def estimates_of(
    title: str,
    labels: pd.DataFrame,
    draws: xr.DataArray,
    prob: float,
    robust: bool,
    notes: tuple[str, ...],
) -> Estimates:
    """Summarise draws, and say what each of them belongs to.

    Parameters
    ----------
    title : str
        What is estimated.
    labels : DataFrame
        What each estimate belongs to.
    draws : xarray.DataArray
        Dimensions (chain, draw, row).
    prob : float
        Probability of the central interval.
    robust : bool
        Use the median and the scaled median absolute deviation.
    notes : tuple of str
        What to say of them.

    Returns
    -------
    Estimates
    """
    summary = summarise_values(draws.to_numpy().reshape(-1, draws.sizes["row"]), prob, robust)
    table: Any = pd.concat([labels.reset_index(drop=True), summary], axis=1)
    return Estimates(title, table, draws, tuple(note for note in notes if note))
