"""The house style: colours that everybody can tell apart, quiet frames, no change to Matplotlib."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from brmspy.errors import BrmspyError

__all__ = [
    "BLUE",
    "GREY",
    "INK",
    "SKY",
    "VERMILION",
    "Look",
    "house_style",
    "looks",
    "require_matplotlib",
]

# The palette of Okabe and Ito, without its yellow, which is hard to see on white.
BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#E69F00",
    "#CC79A7",
    "#56B4E9",
)
INK, GREY = "#222222", "#888888"

_PALETTE = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, INK)
_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 3)))
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")

_STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.axisbelow": True,
    "axes.edgecolor": "0.6",
    "axes.formatter.use_mathtext": True,
    "axes.grid": True,
    "axes.labelsize": 10,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.titlesize": 11,
    "figure.labelsize": 10,
    "grid.color": "0.92",
    "grid.linewidth": 0.8,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "legend.title_fontsize": 9,
    "lines.solid_capstyle": "butt",
    "xtick.color": "0.6",
    "xtick.labelcolor": "0.25",
    "xtick.labelsize": 9,
    "ytick.color": "0.6",
    "ytick.labelcolor": "0.25",
    "ytick.labelsize": 9,
}


@dataclass(frozen=True)
class Look:
    """How one series of several is drawn; readable in colour and in grey.

    Attributes
    ----------
    colour : str
        Matplotlib's text for a colour.
    dash : str or tuple
        Style of its lines.
    marker : str
        Shape of its points.
    """

    colour: str
    dash: str | tuple[int, tuple[int, ...]]
    marker: str


def looks(count: int) -> list[Look]:
    """Return a look for each of several series.

    Parameters
    ----------
    count : int
        Number of series. Up to seven have the colours of Okabe and Ito, more those of viridis,
        from dark to light.

    Returns
    -------
    list of Look

    References
    ----------
    Okabe, M. and Ito, K. (2008). Color universal design. https://jfly.uni-koeln.de/color/
    """
    colours = _PALETTE if count <= len(_PALETTE) else _shades(count)
    return [
        Look(colours[i], _DASHES[i % len(_DASHES)], _MARKERS[i % len(_MARKERS)])
        for i in range(count)
    ]


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the house style within a ``with`` block; Matplotlib's settings return after it.

    If the block fails, the figures that it opened are closed.

    Yields
    ------
    None

    Raises
    ------
    BrmspyError
        If Matplotlib is not installed.
    """
    require_matplotlib()
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    opened_before = set(plt.get_fignums())
    # Only these settings: the first figure may load a backend, and a notebook's sets others that
    # must stay, or no figure after it would be shown.
    before = {name: mpl.rcParams[name] for name in _STYLE}
    mpl.rcParams.update(_STYLE)
    try:
        yield
    except BaseException:
        for number in set(plt.get_fignums()) - opened_before:
            plt.close(number)
        raise
    finally:
        mpl.rcParams.update(before)


def require_matplotlib() -> None:
    """Raise an error that says how to install Matplotlib, if it is missing.

    Raises
    ------
    BrmspyError
        If Matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise BrmspyError(
            'Plots need Matplotlib, which is not installed: pip install "brmspy[plots]"'
        ) from error


def _shades(count: int) -> tuple[str, ...]:
    """Return colours from dark blue to green, evenly spaced for the eye."""
    import matplotlib as mpl

    scale = mpl.colormaps["viridis"]
    # The light end would vanish on white.
    return tuple(mpl.colors.to_hex(scale(0.85 * i / (count - 1))) for i in range(count))
