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

__all__ = ["Part", "as_html", "as_text"]

_WIDTH = 88
_MOST_ROWS = 12


@dataclass(frozen=True, eq=False)
class Part:
    """A table with its title and what there is to say of it.

    Attributes
    ----------
    title : str
        What the table shows; may be empty.
    table : DataFrame
        The table; of a long one the first rows are shown.
    estimates : int
        How many columns, the last ones, have decimals that follow from the uncertainty.
    errors : ndarray
        The uncertainty of each row.
    notes : tuple of str
        Sentences below it.
    """

    title: str
    table: pd.DataFrame
    estimates: int
    errors: NDArray[np.float64]
    notes: tuple[str, ...] = ()

    @property
    def hidden(self) -> int:
        """Number of rows that are not shown."""
        return len(self.table) - (_MOST_ROWS - 2) if len(self.table) > _MOST_ROWS else 0

    @property
    def more(self) -> str:
        """A line that says how many rows are not shown; empty if all are."""
        return f"… {self.hidden} more rows in .table" if self.hidden else ""

    @cached_property
    def rows(self) -> list[list[str]]:
        """Heads of the columns, then the cells of the rows that are shown."""
        shown = self.table.head(len(self.table) - self.hidden)
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
