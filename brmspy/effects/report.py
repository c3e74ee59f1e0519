"""Results as text, and as HTML with the same content."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["MOST_ROWS", "Part", "as_html", "as_text"]

_WIDTH = 88
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
    def more(self) -> str:
        """A line that says how many rows are not shown; empty if all are."""
        hidden = len(self.table) - len(self.shown)
        return f"… {hidden} more rows in .table" if hidden else ""

    @cached_property
    def rows(self) -> list[list[str]]:
        """Heads of the columns, then the cells of the rows that are shown."""
        shown = self.shown
        decimals = _decimals(self.errors)
        first = shown.shape[1] - self.estimates
        columns = [
            [
                str(name),
                *(_cell(v, decimals if place >= first else None) for v in shown.iloc[:, place]),
            ]
            for place, name in enumerate(shown.columns)
        ]
        return [list(row) for row in zip(*columns, strict=True)]


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
    return "\n\n".join("\n".join(_lines(part)) for part in parts)


def as_html(parts: Sequence[Part]) -> str:
    """Return parts as HTML, without colours of their own.

    Parameters
    ----------
    parts : sequence of Part
        What to show.

    Returns
    -------
    str
    """
    pieces = []
    for part in parts:
        title = f"<caption>{escape(part.title)}</caption>" if part.title else ""
        heads, *rows = part.rows
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
        )
        if part.more:
            body += f'<tr><td colspan="{len(heads)}">{part.more}</td></tr>'
        pieces.append(
            f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            + "".join(f"<p>{escape(note)}</p>" for note in part.notes if note)
        )
    return f'<div class="brmspy-effects">{"".join(pieces)}</div>'


def _lines(part: Part) -> list[str]:
    """Return one part as lines."""
    lines = [part.title] if part.title else []
    widths = [max(map(len, column)) for column in zip(*part.rows, strict=True)]
    lines += [
        " " + " ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in part.rows
    ]
    if part.more:
        lines.append(f" {part.more}")
    for note in part.notes:
        lines += textwrap.wrap(note, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return lines


def _cell(value: Any, decimals: int | None) -> str:
    """Return an estimate with fixed decimals, or a value of the data."""
    if decimals is not None:
        return "NA" if math.isnan(value) else f"{value:.{decimals}f}"
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value)


def _decimals(errors: NDArray[np.float64]) -> int:
    """Return how many decimals it takes for the typical error to show two digits; two or more."""
    positive = errors[np.isfinite(errors) & (errors > 0)]
    if not positive.size:
        return 2
    return min(10, max(2, 1 - math.floor(math.log10(float(np.median(positive))))))
