"""Pairs of parameters, with the divergent transitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from brmspy.drawing import (
    BLUE,
    GREY,
    INK,
    VERMILION,
    axes_for,
    density,
    house_style,
    plain,
    points,
    shorten,
)
from brmspy.errors import BrmspyError
from brmspy.fit import Fit
from brmspy.plots.parameters import Parameter, chosen_parameters, limited

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = ["plot_pairs"]

_MOST = 5
_MOST_NAMED = 10
_MOST_POINTS = 1000
_LETTERS = 19  # that fit below a panel


def plot_pairs(
    fit: Fit,
    variables: str | Sequence[str] | None = None,
    *,
    ax: NDArray[np.object_] | None = None,
) -> NDArray[np.object_]:
    """Show which parameters go together, and where the sampler got into trouble.

    Below the diagonal are the draws of each pair, divergent transitions as crosses: where they
    crowd, often at small standard deviations, the sampler could not follow the posterior. Above it
    are the correlations.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    variables : str or sequence of str, optional
        Parameters (``"b_Days"``) or variables (``"b"``), at most 10. By default all but the effects
        of the groups' levels, the first 5 of them.
    ax : array of Axes, shape (parameter, parameter), optional
        Where to draw.

    Returns
    -------
    ndarray of Axes, shape (parameter, parameter)

    Raises
    ------
    BrmspyError
        If there is no such parameter, or only one.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> fit.plot_pairs(["b_Days", "sigma", "sd_Subject"]).shape
    (4, 4)
    """
    most = _MOST if variables is None else _MOST_NAMED
    found, note = limited(chosen_parameters(fit, variables), most)
    count = len(found)
    if count < 2:
        raise BrmspyError(f"{found[0].name!r} alone makes no pair. Name at least two parameters.")
    shown, diverging, sample = _shown(fit, found[0].draws.size)
    size = max(5.5, 1.7 * count)
    with house_style():
        panels = axes_for(count * count, ax, columns=count, height=size + 0.4, width=size + 0.6)
        grid = panels.axes.reshape(count, count)
        marks: Artist | None = None
        for row in range(count):
            for column in range(count):
                place = grid[row, column]
                if row == column:
                    _draw_one(place, found[row])
                elif row < column:
                    _write_correlation(place, found[row], found[column])
                else:
                    mark = _draw_pair(place, found[column], found[row], shown, diverging)
                    marks = marks or mark
                _trim(place, row, column, count)
        _align(grid)
        _name(grid, found)
        if marks is not None:
            panels.legend([(marks, f"divergent transitions ({len(diverging)})")])
        panels.note(" ".join(filter(None, [sample, note])))
    return grid


def _shown(fit: Fit, count: int) -> tuple[NDArray[np.intp], NDArray[np.intp], str]:
    """Return which draws are shown as points, which as crosses, and what is said of the choice."""
    stats = fit.groups["sample_stats"]
    bad = np.zeros(count, dtype=bool)
    if "diverging" in stats:
        bad = stats["diverging"].to_numpy().reshape(-1).astype(bool)
    good = np.nonzero(~bad)[0]
    note = ""
    if len(good) > _MOST_POINTS:
        note = f"{_MOST_POINTS} of {len(good)} draws without divergence are shown."
        good = good[np.linspace(0, len(good) - 1, _MOST_POINTS).astype(np.intp)]
    return good, np.nonzero(bad)[0], note


def _draw_one(ax: Axes, parameter: Parameter) -> None:
    """Draw the density of a parameter."""
    density(ax, parameter.draws, lower=parameter.lower, upper=parameter.upper, fill=True)
    ax.set_ylim(bottom=0)


def _draw_pair(
    ax: Axes,
    across: Parameter,
    up: Parameter,
    shown: NDArray[np.intp],
    diverging: NDArray[np.intp],
) -> Artist | None:
    """Draw two parameters against each other; return the crosses, if there are any."""
    x, y = across.draws.reshape(-1), up.draws.reshape(-1)
    points(ax, x[shown], y[shown], colour=BLUE, size=6, alpha=0.3)
    if not len(diverging):
        return None
    return ax.scatter(
        x[diverging], y[diverging], s=22, c=VERMILION, marker="x", linewidths=1.2, zorder=3
    )


def _write_correlation(ax: Axes, first: Parameter, second: Parameter) -> None:
    """Write the correlation of two parameters, the larger the stronger it is."""
    with np.errstate(invalid="ignore"):
        r = np.corrcoef(first.draws.reshape(-1), second.draws.reshape(-1))[0, 1]
    text, strength = (f"{r:.2f}".replace("-", "−"), abs(r)) if np.isfinite(r) else ("constant", 0.0)
    ax.text(
        0.5,
        0.5,
        text,
        ha="center",
        va="center",
        transform=ax.transAxes,
        fontsize=9 + 7 * strength,
        color=INK if strength > 0.3 else GREY,
    )
    ax.set_axis_off()


def _trim(ax: Axes, row: int, column: int, count: int) -> None:
    """Leave numbers at the left and lower edge only, and none on the scale of densities."""
    ax.tick_params(labelbottom=row == count - 1, labelleft=column == 0 and row > 0)
    if row == column:
        ax.tick_params(left=False)
        ax.grid(visible=False, axis="y")


def _align(grid: NDArray[np.object_]) -> None:
    """Give each parameter the same scale in all its panels."""
    for place in range(len(grid)):
        limits = grid[place, place].get_xlim()
        for row in range(place + 1, len(grid)):
            grid[row, place].set_xlim(limits)
        for column in range(place):
            grid[place, column].set_ylim(limits)


def _name(grid: NDArray[np.object_], found: Sequence[Parameter]) -> None:
    """Write the names of the parameters at the edges."""
    for place, parameter in enumerate(found):
        name = plain(shorten(parameter.name, _LETTERS))
        grid[-1, place].set_xlabel(name, fontsize=9)
        grid[place, 0].set_ylabel(name, fontsize=9)
