"""What pictures are made of: lines with bands, points, intervals, densities, bars.

Every function draws plain arrays on axes and returns the artist that a legend can show.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brmspy.drawing.density import density_curve
from brmspy.drawing.style import BLUE, GREY, INK

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection

__all__ = [
    "bars",
    "density",
    "density_overlay",
    "ecdf",
    "ecdf_overlay",
    "intervals",
    "line",
    "points",
    "rootogram",
    "spaghetti",
]

Band = tuple[ArrayLike, ArrayLike]
_BAND_ALPHA = 0.22


def line(
    ax: Axes,
    x: ArrayLike,
    y: ArrayLike,
    *,
    bands: Sequence[Band] = (),
    colour: str = BLUE,
    dash: Any = "-",
    width: float = 1.8,
) -> Artist:
    """Draw a line with bands around it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to.
    x, y : array_like, shape (n,)
        The line.
    bands : sequence of (array_like, array_like)
        Lower and upper end of each band, the widest first; narrower ones come out darker.
    colour, dash, width
        How it looks.

    Returns
    -------
    matplotlib.artist.Artist
        The line.
    """
    for lower, upper in bands:
        ax.fill_between(
            np.asarray(x), lower, upper, color=colour, alpha=_BAND_ALPHA, linewidth=0, zorder=1.5
        )
    return ax.plot(x, y, color=colour, linestyle=dash, linewidth=width)[0]


def spaghetti(
    ax: Axes,
    x: ArrayLike,
    curves: ArrayLike,
    *,
    colour: str = BLUE,
    alpha: float | None = None,
    width: float = 0.8,
    zorder: float = 1.8,
) -> LineCollection:
    """Draw many thin curves.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to.
    x : array_like, shape (n,) or (curve, n)
        Where the curves are known; the same for all, or for each its own.
    curves : array_like, shape (curve, n)
        The curves.
    colour, alpha, width, zorder
        How they look; by default more curves are fainter.

    Returns
    -------
    matplotlib.collections.LineCollection
        All curves as one artist.
    """
    from matplotlib.collections import LineCollection

    ys = np.atleast_2d(np.asarray(curves, dtype=float))
    xs = np.broadcast_to(np.asarray(x, dtype=float), ys.shape)
    opacity = faintness(len(ys), 0.7, 0.08) if alpha is None else alpha
    collection = LineCollection(
        list(np.stack([xs, ys], axis=-1)),
        colors=colour,
        linewidths=width,
        alpha=opacity,
        zorder=zorder,
    )
    ax.add_collection(collection)
    ax.autoscale_view()
    return collection


def points(
    ax: Axes,
    x: ArrayLike,
    y: ArrayLike,
    *,
    colour: str = INK,
    marker: str = "o",
    size: float = 14.0,
    alpha: float | None = None,
    jitter: float = 0.0,
) -> Artist:
    """Draw data as small points, fainter the more there are.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to.
    x, y : array_like, shape (n,)
        The data.
    colour, marker, size, alpha
        How they look; `size` in square points.
    jitter : float
        Spread along x, for points at the same place: up to this far to both sides, the same at
        every call.

    Returns
    -------
    matplotlib.artist.Artist
        The points.
    """
    places = np.asarray(x)
    if jitter:
        places = places + np.random.default_rng(1).uniform(-jitter, jitter, places.shape)
    opacity = faintness(places.size, 0.75, 0.2) if alpha is None else alpha
    return ax.scatter(
        places, y, s=size, c=colour, marker=marker, alpha=opacity, linewidths=0, zorder=2.2
    )


def faintness(count: int, most: float, least: float) -> float:
    """Return an opacity that falls with the number of things that overlap."""
    return float(np.clip(most * (40 / max(count, 1)) ** 0.35, least, most))


def intervals(
    ax: Axes,
    places: ArrayLike,
    estimates: ArrayLike,
    *,
    outer: Band,
    inner: Band | None = None,
    horizontal: bool = False,
    colour: str = BLUE,
    marker: str = "o",
    size: float = 5.0,
) -> Artist:
    """Draw estimates as dots with a thin line for a wide interval and a thick one for a narrow one.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to.
    places : array_like, shape (n,)
        Where the intervals stand: along x, or along y if horizontal.
    estimates : array_like, shape (n,)
        The dots.
    outer, inner : (array_like, array_like)
        Lower and upper ends, each of shape (n,).
    horizontal : bool
        Whether they lie.
    colour, marker, size
        How they look; `size` in points.

    Returns
    -------
    matplotlib.artist.Artist
        The dots.
    """
    draw = ax.hlines if horizontal else ax.vlines
    where = np.asarray(places)
    slim = float(np.clip(60 / max(where.size, 1), 0.5, 1.0))  # many stand close together
    draw(where, *outer, colors=colour, linewidth=1.1 * slim, zorder=2.4)
    if inner is not None:
        draw(where, *inner, colors=colour, linewidth=3.2 * slim, alpha=0.75, zorder=2.5)
    xy = (estimates, places) if horizontal else (places, estimates)
    style: dict[str, Any] = {
        "linestyle": "none",
        "markersize": size,
        "zorder": 2.6,
        "color": colour,
    }
    return ax.plot(*xy, marker=marker, markeredgecolor="white", markeredgewidth=0.7, **style)[0]


def density(
    ax: Axes,
    values: ArrayLike,
    *,
    lower: float = -np.inf,
    upper: float = np.inf,
    colour: str = BLUE,
    dash: Any = "-",
    width: float = 1.8,
    fill: bool = False,
) -> Artist:
    """Draw the density of a sample as a curve; as a vertical line if its values are all the same.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to.
    values : array_like
        The sample.
    lower, upper : float
        Bounds of the variable.
    colour, dash, width
        How the curve looks.
    fill : bool
        Whether to shade what lies below it.

    Returns
    -------
    matplotlib.artist.Artist
        The curve.
    """
    x, height = density_curve(values, lower, upper)
    if not x.size:
        where = float(np.asarray(values, dtype=float).reshape(-1)[0])
        return ax.axvline(where, color=colour, linestyle=dash, linewidth=width)
    if fill:
        ax.fill_between(x, height, color=colour, alpha=_BAND_ALPHA, linewidth=0, zorder=1.5)
    return ax.plot(x, height, color=colour, linestyle=dash, linewidth=width)[0]


def density_overlay(
    ax: Axes,
    observed: ArrayLike,
    replicated: ArrayLike,
    *,
    lower: float = -np.inf,
    upper: float = np.inf,
) -> list[Artist]:
    """Draw the density of a sample over those of many others.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to.
    observed : array_like, shape (n,)
        The sample; an empty one is not drawn.
    replicated : array_like, shape (sample, m)
        The others, as thin lines.
    lower, upper : float
        Bounds of the variable.

    Returns
    -------
    list of matplotlib.artist.Artist
        The curve of `observed`, unless it is empty, then the collection of the others.
    """
    others = np.atleast_2d(np.asarray(replicated, dtype=float))
    curves = [density_curve(row, lower, upper) for row in others]
    known = [curve for curve in curves if curve[0].size]
    drawn: list[Artist] = []
    sample = np.asarray(observed, dtype=float).reshape(-1)
    if sample.size:
        drawn.append(density(ax, sample, lower=lower, upper=upper, colour=INK, width=2.0))
    if known:
        xs, ys = (np.array(parts) for parts in zip(*known, strict=True))
        drawn.append(spaghetti(ax, xs, ys, width=1.0))
    ax.set_ylim(bottom=0)
    return drawn


def ecdf(
    ax: Axes, values: ArrayLike, *, colour: str = BLUE, dash: Any = "-", width: float = 1.8
) -> Artist:
    """Draw the share of a sample at or below each value, as steps.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to.
    values : array_like
        The sample.
    colour, dash, width
        How the steps look.

    Returns
    -------
    matplotlib.artist.Artist
        The steps.
    """
    x, share = _steps(np.asarray(values, dtype=float).reshape(-1))
    return ax.plot(x, share, color=colour, linestyle=dash, linewidth=width, drawstyle="steps-post")[
        0
    ]


def ecdf_overlay(ax: Axes, observed: ArrayLike, replicated: ArrayLike) -> list[Artist]:
    """Draw the distribution function of a sample over those of many others.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to.
    observed : array_like, shape (n,)
        The sample; an empty one is not drawn.
    replicated : array_like, shape (sample, m)
        The others, as thin lines.

    Returns
    -------
    list of matplotlib.artist.Artist
        The steps of `observed`, unless it is empty, then the first of the others.
    """
    others = np.atleast_2d(np.asarray(replicated, dtype=float))
    alpha = faintness(len(others), 0.7, 0.08)
    drawn: list[Artist] = []
    sample = np.asarray(observed, dtype=float).reshape(-1)
    if sample.size:
        drawn.append(ecdf(ax, sample, colour=INK, width=2.0))
    thin = [ecdf(ax, row, width=0.9) for row in others]
    for steps in thin:
        steps.set(alpha=alpha, zorder=1.8)
    ax.set_ylim(-0.02, 1.02)
    return drawn + thin[:1]


def _steps(sample: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where the distribution function of a sample steps, and how high it is then."""
    values, counts = np.unique(sample, return_counts=True)
    share = np.cumsum(counts) / max(counts.sum(), 1)
    return np.concatenate([values[:1], values]), np.concatenate([np.zeros(len(values[:1])), share])


def bars(
    ax: Axes,
    places: ArrayLike,
    heights: ArrayLike,
    *,
    colour: str = GREY,
    width: float = 0.8,
) -> Artist:
    """Draw bars from zero upwards.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to.
    places, heights : array_like, shape (n,)
        Their middles along x, and their heights.
    colour, width
        How they look; `width` in the units of x.

    Returns
    -------
    matplotlib.artist.Artist
        The first bar.
    """
    drawn = ax.bar(places, heights, width=width, color=colour, alpha=0.55, linewidth=0)
    ax.grid(visible=False, axis="x")
    return drawn.patches[0]


def rootogram(
    ax: Axes, values: ArrayLike, observed: ArrayLike, expected: ArrayLike, bands: Sequence[Band]
) -> list[Artist]:
    """Draw how often each count was observed and expected, on a scale of square roots.

    Square roots make the same error about as large for common counts as for rare ones.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to.
    values : array_like, shape (n,)
        The counts 0, 1, 2 …
    observed, expected : array_like, shape (n,)
        How often each was observed, as bars, and expected, as a line.
    bands : sequence of (array_like, array_like)
        Lower and upper ends of intervals around `expected`, the widest first.

    Returns
    -------
    list of matplotlib.artist.Artist
        A bar, and the line.

    References
    ----------
    Kleiber, C. and Zeileis, A. (2016). Visualizing count data regressions using rootograms. The
    American Statistician, 70(3), 296-303. https://doi.org/10.1080/00031305.2016.1173590
    """
    places = np.asarray(values, dtype=float)
    width = 0.9 * float(np.diff(places).min(initial=np.inf)) if len(places) > 1 else 0.9
    bar = bars(ax, places, observed, width=width)
    curve = line(ax, places, expected, bands=bands)
    ax.set_yscale("function", functions=(_root, np.square))
    ax.set_ylim(bottom=0)
    return [bar, curve]


def _root(values: ArrayLike) -> NDArray[np.float64]:
    """Return square roots, zero below zero, where Matplotlib looks too."""
    return np.sqrt(np.maximum(np.asarray(values, dtype=float), 0.0))
