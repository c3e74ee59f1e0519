"""Texts on pictures, which are the user's: any sign is allowed in them, and any length."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["categories", "joined", "legend_text", "plain", "shorten"]

_LONGEST = 28
_ROOM_ACROSS = 60  # letters that fit below axes of ordinary width


def plain(text: object) -> str:
    r"""Return text in which dollar signs are dollar signs, not the start of a formula.

    Parameters
    ----------
    text : object
        Any text.

    Returns
    -------
    str

    Examples
    --------
    >>> from brmspy.drawing import plain
    >>> print(plain("cost ($) or $/day"))
    cost (\$) or \$/day
    """
    return str(text).replace("$", r"\$")


def legend_text(text: object) -> str:
    """Return text for a legend, which would hide what starts with an underscore.

    Parameters
    ----------
    text : object
        Any text.

    Returns
    -------
    str
    """
    label = plain(text)
    return f" {label}" if label.startswith("_") else label


def shorten(text: object, longest: int = _LONGEST) -> str:
    """Return text with its middle left out if it is too long.

    Parameters
    ----------
    text : object
        Any text.
    longest : int
        Greatest number of letters.

    Returns
    -------
    str

    Examples
    --------
    >>> from brmspy.drawing import shorten
    >>> shorten("a very long name of a treatment", 16)
    'a very l…eatment'
    """
    label = str(text)
    if len(label) <= longest:
        return label
    kept = longest - 1
    return f"{label[: kept - kept // 2]}…{label[len(label) - kept // 2 :]}"


def joined(words: Iterable[object], conjunction: str = "and") -> str:
    """Return words as in a sentence: ``"a, b and c"``.

    Parameters
    ----------
    words : iterable of object
        The words.
    conjunction : str
        What stands before the last.

    Returns
    -------
    str

    Examples
    --------
    >>> from brmspy.drawing import joined
    >>> joined(["a", "b", "c"])
    'a, b and c'
    """
    *most, last = [str(word) for word in words] or [""]
    return f"{', '.join(most)} {conjunction} {last}" if most else last


def categories(ax: Axes, labels: Sequence[object], axis: Literal["x", "y"] = "x") -> None:
    """Write the names of categories, at 0, 1, 2 …, along an axis, so that none overlaps another.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to.
    labels : sequence of object
        Their names; shortened if long.
    axis : {"x", "y"}
        Along which axis. Along x they stand upright if they would not fit side by side. On y, the
        first is on top.
    """
    texts = [plain(shorten(label, _LONGEST + 8 * (axis == "y"))) for label in labels]
    places = range(len(texts))
    if axis == "y":
        ax.set_yticks(places, texts, fontsize=9 if len(texts) <= 30 else 7)
        ax.set_ylim(len(texts) - 0.4, -0.6)
        ax.grid(visible=False, axis="y")
        return
    upright = sum(len(text) + 2 for text in texts) > _ROOM_ACROSS
    size = 9 if len(texts) <= 30 else 7
    ax.set_xticks(places, texts, rotation=90 if upright else 0, fontsize=size)
    ax.set_xlim(-0.6, len(texts) - 0.4)
    ax.grid(visible=False, axis="x")
