"""How results are shown: as text and, with the same content, as HTML in a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from brmspy.markup import Table, block, number, paragraph, warning, wrapped

__all__ = ["Page", "Shown", "count", "row_labels", "table_of"]

_ROWS_SHOWN = 8
_WARNING = "Warning: "


@dataclass(frozen=True)
class Page:
    """Paragraphs and tables.

    Attributes
    ----------
    kind : str
        What is shown, in one word.
    label : str
        What is shown, for those who hear it read.
    parts : tuple of str or Table
        In the order in which they are shown; a text with line ends keeps them, and one that begins
        with "Warning: " is shown as a warning.
    """

    kind: str
    label: str
    parts: tuple[str | Table, ...]

    def text(self) -> str:
        """Return the page as text."""
        return "\n\n".join("\n".join(_lines(part)) for part in self.parts if part)

    def html(self) -> str:
        """Return the page as HTML, without colours of its own."""
        return block(self.kind, self.label, (_html(part) for part in self.parts if part))


class Shown:
    """A result that prints as a page, and is shown as one in a notebook."""

    def _page(self) -> Page:
        raise NotImplementedError

    def __repr__(self) -> str:
        return self._page().text()

    def _repr_html_(self) -> str:
        return self._page().html()


def _lines(part: str | Table) -> list[str]:
    """Return a table's lines, or a text's, wrapped."""
    if isinstance(part, Table):
        return part.lines()
    return [piece for line in part.split("\n") for piece in wrapped(line)]


def _html(part: str | Table) -> str:
    """Return a table, or a text with a paragraph for each of its lines, as HTML."""
    if isinstance(part, Table):
        return part.html()
    first, *rest = part.split("\n")
    marked = first.startswith(_WARNING)
    head = warning(first.removeprefix(_WARNING)) if marked else paragraph(first)
    return head + "".join(map(paragraph, rest))


def table_of(
    frame: pd.DataFrame, decimals: int | Mapping[str, int] = 1, caption: str = ""
) -> Table:
    """Return a data frame as a table to be shown.

    Parameters
    ----------
    frame : DataFrame
        Its index are the names of the rows.
    decimals : int or mapping of str to int
        Of the numbers that are not whole, in all columns or by column.
    caption : str
        What stands above it.

    Returns
    -------
    Table
    """
    names = list(map(str, frame.columns))
    places = decimals if isinstance(decimals, Mapping) else dict.fromkeys(names, decimals)
    columns = [
        [_cell(value, places.get(name, 2)) for value in frame.iloc[:, place]]
        for place, name in enumerate(names)
    ]
    rows = zip(map(str, frame.index), zip(*columns, strict=True), strict=True)
    words = frozenset(name for name in names if not pd.api.types.is_numeric_dtype(frame[name]))
    return Table(caption, tuple(names), tuple(rows), words)


def _cell(value: Any, decimals: int) -> str:
    """Return a number or a text as it is shown."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (float, np.floating)):
        return number(float(value), decimals)
    return str(value)


def row_labels(labels: Sequence[Any], shown: int = _ROWS_SHOWN) -> str:
    """Return labels of rows as Python writes them, and how many there are besides.

    Parameters
    ----------
    labels : sequence
        Labels in a data frame's index.
    shown : int
        How many to show.

    Returns
    -------
    str

    Examples
    --------
    >>> from brmspy.checks.display import row_labels
    >>> row_labels([3, 7, 8], shown=2)
    '3, 7 and 1 other'
    """
    first = [_plain(label) for label in labels[:shown]]
    more = len(labels) - len(first)
    text = ", ".join(map(repr, first))
    return text if more <= 0 else f"{text} and {count(more, 'other')}"


def _plain(label: Any) -> Any:
    """Return a label of NumPy's as Python's own, which is written shorter."""
    if isinstance(label, tuple):
        return tuple(map(_plain, label))
    return label.item() if isinstance(label, np.generic) else label


def count(number: int, noun: str) -> str:
    """Return a number and its noun.

    Parameters
    ----------
    number : int
        How many.
    noun : str
        In the singular; takes an s in the plural.

    Returns
    -------
    str
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
