"""What is printed, as text and as HTML: tables, named lines and paragraphs.

Everything that users print is made of these pieces, so that text and HTML say the same. The HTML
takes its colours from the page, in light and in dark, and escapes all that it is given.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

__all__ = [
    "Table",
    "block",
    "decimals_for",
    "field_lines",
    "fields",
    "number",
    "paragraph",
    "warning",
    "wrapped",
]

_WIDTH = 80

# Small, for it stands in every output; currentColor and inherit follow the notebook's theme.
_STYLE = (
    "<style>"
    ".brmspy{color:inherit;line-height:1.4;overflow-x:auto}"
    ".brmspy table{border-collapse:collapse;margin:.2em 0 .8em;color:inherit}"
    ".brmspy caption{text-align:left;color:inherit;font-style:italic}"
    ".brmspy th,.brmspy td{text-align:right;padding:.1em .6em;border:0;color:inherit;"
    "vertical-align:top}"
    ".brmspy thead th{border-bottom:1px solid currentColor}"
    ".brmspy tbody th{font-weight:normal;white-space:nowrap}"
    ".brmspy table.data tbody th,.brmspy .words{text-align:left}"
    ".brmspy .words{white-space:pre-wrap}"
    ".brmspy code{color:inherit;background:none}"
    ".brmspy .warning{border-left:.3em solid #c25400;padding-left:.6em}"
    "@media (prefers-color-scheme:dark){.brmspy .warning{border-color:#ff9d4d}}"
    "</style>"
)


@dataclass(frozen=True)
class Table:
    """Rows of cells, as text.

    Attributes
    ----------
    caption : str
        What the rows belong to; may be empty.
    columns : tuple of str
        Heads of the columns.
    rows : tuple of (str, tuple of str)
        Name and cells of each row.
    words : frozenset of str
        Columns that hold words, which begin at the left.
    corner : str
        Head of the names; may be empty.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    words: frozenset[str] = frozenset()
    corner: str = ""

    def lines(self) -> list[str]:
        """Return the table as lines of text."""
        names = [self.corner, *(name for name, _ in self.rows)]
        width = max(map(len, names))
        cells = [self.columns, *(row for _, row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        body = [
            " ".join([name.ljust(width), *self._padded(row, widths)]).rstrip()
            for name, row in zip(names, cells, strict=True)
        ]
        return [self.caption, *body] if self.caption else body

    def _padded(self, row: Sequence[str], widths: Sequence[int]) -> list[str]:
        """Return cells as wide as their columns."""
        return [
            cell.ljust(width) if head in self.words else cell.rjust(width)
            for head, cell, width in zip(self.columns, row, widths, strict=True)
        ]

    def html(self) -> str:
        """Return the table as HTML."""
        caption = f"<caption>{escape(self.caption)}</caption>" if self.caption else ""
        head = "".join(
            f'<th scope="col"{self._class(column)}>{escape(column)}</th>' for column in self.columns
        )
        body = "".join(
            f'<tr><th scope="row">{escape(name)}</th>'
            + "".join(
                f"<td{self._class(column)}>{escape(cell)}</td>"
                for column, cell in zip(self.columns, row, strict=True)
            )
            + "</tr>"
            for name, row in self.rows
        )
        corner = (
            f'<th scope="col" class="words">{escape(self.corner)}</th>'
            if self.corner
            else "<td></td>"
        )
        return (
            f'<table class="data">{caption}<thead><tr>{corner}{head}</tr></thead>'
            f"<tbody>{body}</tbody></table>"
        )

    def _class(self, column: str) -> str:
        return ' class="words"' if column in self.words else ""


def block(kind: str, label: str, parts: Iterable[str]) -> str:
    """Return HTML as one output of a notebook.

    Parameters
    ----------
    kind : str
        What it is; becomes a class, ``brmspy-<kind>``.
    label : str
        What it is, for those who hear it read.
    parts : iterable of str
        HTML.

    Returns
    -------
    str
    """
    return (
        f'{_STYLE}<div class="brmspy brmspy-{escape(kind)}" role="group" '
        f'aria-label="{escape(label)}">{"".join(parts)}</div>'
    )


def fields(pairs: Iterable[tuple[str, str]]) -> str:
    """Return named lines as HTML; see `field_lines`."""
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="words">{escape(text)}</td></tr>'
        for name, text in pairs
    )
    return f"<table><tbody>{rows}</tbody></table>"


def field_lines(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Return named lines as text, the names flush right.

    Parameters
    ----------
    pairs : sequence of (str, str)
        Names and texts, which may have several lines.

    Returns
    -------
    list of str
    """
    width = max((len(name) for name, _ in pairs), default=0)
    lines = []
    for name, text in pairs:
        first, *rest = text.split("\n")
        lines.append(f"{name:>{width}}: {first}")
        lines += [" " * (width + 2) + line for line in rest]
    return lines


def paragraph(text: str) -> str:
    """Return a paragraph as HTML."""
    return f"<p>{escape(text)}</p>"


def warning(text: str) -> str:
    """Return a warning as HTML."""
    return f'<p role="alert" class="warning"><strong>Warning:</strong> {escape(text)}</p>'


def wrapped(text: str) -> list[str]:
    """Return a paragraph as lines of text; links and hyphenated words stay whole."""
    return textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def decimals_for(errors: Iterable[float]) -> int:
    """Return how many decimals it takes for every error to show a digit: two or more."""
    positive = [error for error in errors if math.isfinite(error) and error > 0]
    if not positive:
        return 2
    return min(12, max(2, math.ceil(-math.log10(min(positive)))))


def number(value: float, decimals: int) -> str:
    """Return a number with fixed decimals; NA as in R where there is none."""
    return "NA" if math.isnan(value) else f"{value:.{decimals}f}"
