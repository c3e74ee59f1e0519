"""Axes to draw on: new ones on a figure of the right size, or those that the user gave."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brmspy.drawing.style import GREY, require_matplotlib
from brmspy.drawing.words import legend_text, plain, shorten
from brmspy.errors import BrmspyError

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Panels", "axes_for"]

_WIDTHS = {1: 7.0, 2: 8.0, 3: 9.0}
_WIDEST = 10.0
_HEIGHT = 4.5
_ROW_HEIGHTS = {1: 3.2, 2: 2.9, 3: 2.6}
_LOWEST_ROW = 2.2
_ONLY_ROW = 3.4
_IN_A_ROW = 6  # entries of a legend above the panels
_STACKED = 3  # of them, if they are long
_LETTERS_OF_TITLES = 12  # per inch
_ROOM = 40  # letters that fit over axes of unknown width
_LETTERS_PER_INCH = 16  # of the small text of notes


@dataclass(frozen=True)
class Panels:
    """The axes of one picture.

    Attributes
    ----------
    axes : ndarray of Axes, shape (n,)
        Row by row.
    own : bool
        Whether the figure was made for them; on the user's figure nothing is written outside of
        the axes.
    columns : int
        Number of panels in a row.
    """

    axes: NDArray[np.object_]
    own: bool
    columns: int

    def __iter__(self) -> Iterator[Axes]:
        return iter(self.axes)

    def __len__(self) -> int:
        return len(self.axes)

    def __getitem__(self, place: int) -> Axes:
        return self.axes[place]

    @property
    def figure(self) -> Figure:
        """The figure of the first panel."""
        figure: Figure = self.axes[0].get_figure(root=True)
        return figure

    @property
    def result(self) -> Any:
        """What a plot returns: one panel as Axes, several as an array of them."""
        return self.axes[0] if len(self.axes) == 1 else self.axes

    def head(self, place: int, title: object) -> None:
        """Write a title over one panel, shortened to its width.

        Parameters
        ----------
        place : int
            Which panel.
        title : object
            Its text; lines are shortened one by one.
        """
        room = _ROOM
        if self.own:
            room = int((self.figure.get_figwidth() / self.columns - 0.45) * _LETTERS_OF_TITLES)
        lines = [plain(shorten(line, room)) for line in str(title).split("\n")]
        self[place].set_title("\n".join(lines))

    def labels(self, x: str = "", y: str = "") -> None:
        """Write what all panels show along x below the lowest ones, and along y left of the first.

        Parameters
        ----------
        x, y : str
            In the data's words; what is empty is not written.
        """
        for place, ax in enumerate(self):
            if x and (place + self.columns >= len(self) or not self.own):
                ax.set_xlabel(plain(x))
            if y and (place % self.columns == 0 or not self.own):
                ax.set_ylabel(plain(y))

    def legend(self, entries: Sequence[tuple[Artist, str]], title: str = "") -> None:
        """Explain colours and shapes: above the panels, or right of them if there are many.

        Parameters
        ----------
        entries : sequence of (Artist, str)
            What is explained, and in which words. Of those with the same words the first counts.
        title : str
            What the entries are levels of.
        """
        unique: dict[str, Artist] = {}
        for artist, text in entries:
            unique.setdefault(legend_text(text), artist)
        if not unique:
            return
        where: dict[str, Any] = {"loc": "best"}
        if self.own:
            letters = sum(len(text) + 6 for text in unique)
            fits = letters < self.figure.get_figwidth() * _LETTERS_PER_INCH * 0.9
            above = self.figure.get_suptitle() == "" and (
                len(unique) <= _IN_A_ROW if fits else len(unique) <= _STACKED
            )
            where = (
                {"loc": "outside upper center", "ncols": len(unique) if fits else 1}
                if above
                else {"loc": "outside right upper"}
            )
        place = self.figure if self.own else self[0]
        place.legend(list(unique.values()), list(unique), title=plain(title) or None, **where)

    def title(self, text: str) -> None:
        """Write a title over the only panel, or over all of them; call it before `legend`.

        Parameters
        ----------
        text : str
            A short one.
        """
        if len(self) == 1:
            self[0].set_title(plain(text))
        elif self.own:
            self.figure.suptitle(plain(text), x=0.01, ha="left")

    def note(self, text: str) -> None:
        """Write a small text below the panels: what was held fixed, how many were left out.

        Parameters
        ----------
        text : str
            A sentence or two.
        """
        if not text:
            return
        width = self.figure.get_figwidth() if self.own else 7.0
        lines = "\n".join(textwrap.wrap(text, int(width * _LETTERS_PER_INCH)))
        if self.own:
            self.figure.supxlabel(plain(lines), x=0.99, ha="right", fontsize=8, color=GREY)
        else:
            label = self[0].get_xlabel()
            self[0].set_xlabel(f"{label}\n{plain(lines)}" if label else plain(lines))


def axes_for(
    count: int,
    ax: Any = None,
    *,
    columns: int | None = None,
    share_x: bool = False,
    share_y: bool = False,
    height: float | None = None,
    row_heights: Sequence[float] | None = None,
    width: float | None = None,
) -> Panels:
    """Return axes for a number of panels; call it within `house_style`.

    Parameters
    ----------
    count : int
        Number of panels.
    ax : Axes or array of Axes, optional
        The user's own, as many as there are panels.
    columns : int, optional
        Panels in a row; by default as many as look well.
    share_x, share_y : bool
        Whether panels have the same limits.
    height : float, optional
        Height of the figure in inches; by default it follows from the number of rows.
    row_heights : sequence of float, optional
        How high the rows are, compared with each other; by default all alike.
    width : float, optional
        Width of the figure in inches; by default it follows from the number of columns.

    Returns
    -------
    Panels

    Raises
    ------
    BrmspyError
        If Matplotlib is not installed, or `ax` is not that many axes.
    """
    require_matplotlib()
    if ax is not None:
        return _given(count, ax)
    import matplotlib.pyplot as plt

    columns = min(columns or _columns(count), count)
    rows = -(-count // columns)
    row_height = _ROW_HEIGHTS.get(columns, _LOWEST_ROW) if rows > 1 else _ONLY_ROW
    if count == 1:
        row_height = _HEIGHT
    figure, grid = plt.subplots(
        rows,
        columns,
        sharex=share_x,
        sharey=share_y,
        squeeze=False,
        figsize=(width or _WIDTHS.get(columns, _WIDEST), height or rows * row_height),
        height_ratios=row_heights,
        layout="constrained",
    )
    axes = grid.reshape(-1)
    for unused in axes[count:]:
        figure.delaxes(unused)
    if share_x:
        # The panel above a gap is the lowest of its column.
        for lowest in axes[max(count - columns, 0) : count]:
            lowest.tick_params(labelbottom=True)
    return Panels(axes[:count], own=True, columns=columns)


def _given(count: int, ax: Any) -> Panels:
    """Return the axes that the user gave."""
    from matplotlib.axes import Axes

    axes = np.empty(0, dtype=object)
    if isinstance(ax, Axes):
        axes = np.array([ax], dtype=object)
    elif isinstance(ax, (list, tuple, np.ndarray)):
        axes = np.array(ax, dtype=object).reshape(-1)
    if len(axes) != count or not all(isinstance(item, Axes) for item in axes):
        wanted = "one Matplotlib Axes" if count == 1 else f"{count} Matplotlib Axes"
        found = f"{len(axes)} of them" if len(axes) else f"a {type(ax).__name__}"
        raise BrmspyError(f"ax= must be {wanted} for this plot, but is {found}.")
    return Panels(axes, own=False, columns=1)


def _columns(count: int) -> int:
    """Return how many panels stand in a row: few gaps in the last one, and wider than high."""
    if count <= 3:
        return count
    if count == 4:
        return 2
    wide = math.sqrt(1.5 * count)
    return min((3,) if count <= 9 else (4, 5, 6), key=lambda n: (-count % n, abs(n - wide)))
