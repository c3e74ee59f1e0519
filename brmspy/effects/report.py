"""Results as text, and as HTML with the same content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.markup import Table, block, decimals_for, number, paragraph, wrapped

__all__ = ["MOST_ROWS", "Part", "as_html", "as_text"]

MOST_ROWS = 12


@dataclass(frozen=True, eq=False)
class Part:
    """A table with its title and what there is to say of it.

    Attributes
    ----------
    title : str
        What the table shows; may be empty.
    table : DataFrame
        The table.
    estimates : int
        How many columns, the last ones, have decimals that follow from the uncertainty.
    errors : ndarray
        The uncertainty of each row.
    notes : tuple of str
        Sentences below it.
    places : sequence of int or None
        Which rows to show; by default all, or the first of a long table.
    """

    title: str
    table: pd.DataFrame
    estimates: int
    errors: NDArray[np.float64]
    notes: tuple[str, ...] = ()
    places: Sequence[int] | None = None

    @property
    def shown(self) -> pd.DataFrame:
        """The rows that are shown."""
        if self.places is not None:
            return self.table.iloc[list(self.places)]
        return self.table.head(len(self.table) if len(self.table) <= MOST_ROWS else MOST_ROWS - 2)

    @property
    def sentences(self) -> list[str]:
        """How many rows are not shown, and the notes."""
        hidden = len(self.table) - len(self.shown)
        more = [f"… {hidden} more rows in .table"] if hidden else []
        return [*more, *self.notes]

    @cached_property
    def printed(self) -> Table:
        """The rows that are shown, as text; the first column names them."""
        shown = self.shown
        # Of a curve some errors may be minute: decimals are for the typical ones.
        decimals = decimals_for([float(np.median(self.errors))] if len(self.errors) else [])
        first = shown.shape[1] - self.estimates
        columns = [
            [_cell(value, decimals if place >= first else None) for value in shown.iloc[:, place]]
            for place in range(shown.shape[1])
        ]
        heads = [str(name) for name in shown.columns]
        if not first:
            heads, columns = ["", *heads], [[""] * len(shown), *columns]
        rows = ((name, tuple(cells)) for name, *cells in zip(*columns, strict=True))
        texts = (place for place in range(1, first) if _is_text(shown.iloc[:, place]))
        return Table(
            caption=self.title,
            columns=tuple(heads[1:]),
            rows=tuple(rows),
            words=frozenset(heads[place] for place in texts),
            corner=heads[0],
        )


def as_text(parts: Sequence[Part]) -> str:
    """Return parts as text.

    Parameters
    ----------
    parts : sequence of Part
        What to show.

    Returns
    -------
    str
    """
    pieces = [
        [*part.printed.lines(), *(line for note in part.sentences for line in wrapped(note))]
        for part in parts
    ]
    return "\n\n".join("\n".join(line.rstrip() for line in piece) for piece in pieces)


def as_html(parts: Sequence[Part], label: str) -> str:
    """Return parts as HTML.

    Parameters
    ----------
    parts : sequence of Part
        What to show.
    label : str
        What they are together.

    Returns
    -------
    str
    """
    pieces = [
        piece for part in parts for piece in (part.printed.html(), *map(paragraph, part.sentences))
    ]
    return block("effects", label, pieces)


def _is_text(column: pd.Series[Any]) -> bool:
    return not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)


def _cell(value: Any, decimals: int | None) -> str:
    """Return an estimate with fixed decimals, or a value of the data."""
    if decimals is not None:
        return number(value, decimals)
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value)
