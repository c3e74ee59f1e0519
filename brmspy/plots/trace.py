"""How the chains moved: traces, densities of each chain, and ranks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brmspy.drawing import (
    INK,
    Panels,
    axes_for,
    density,
    house_style,
    joined,
    looks,
)
from brmspy.errors import BrmspyError, did_you_mean
from brmspy.fit import Fit
from brmspy.plots.parameters import Parameter, chosen_parameters, limited

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = ["plot_rank", "plot_trace"]

_MOST = 12  # parameters, unless they are named
_MOST_NAMED = 60
_ROW_HEIGHT = 1.7
_BINS = 20

_Entries = list[tuple["Artist", str]]


def plot_trace(
    fit: Fit,
    variables: str | Sequence[str] | None = None,
    *,
    combo: str | Sequence[str] | None = None,
    ax: Axes | NDArray[np.object_] | None = None,
) -> NDArray[np.object_]:
    """Show the draws of each parameter, chain by chain.

    Chains that agree have densities that lie on each other and traces that cannot be told apart.
    Ticks at the lower edge of a trace are divergent transitions.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    variables : str or sequence of str, optional
        Parameters (``"b_Days"``) or variables (``"b"``). By default all but the effects of the
        groups' levels, the first 12 of them.
    combo : str or sequence of str, optional
        What to show of each, of ``"dens"``, ``"trace"`` and ``"rank"``: by default the first two;
        of an approximation, which has no chains, the first.
    ax : array of Axes, optional
        Where to draw: one for each parameter and item of `combo`.

    Returns
    -------
    ndarray of Axes, shape (parameter, item of combo)

    Raises
    ------
    BrmspyError
        If there is no such parameter or item, or an approximation has no chains to show.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> fit.plot_trace(["b_Days", "sigma"]).shape
    (2, 2)
    """
    items = _checked_items(fit, combo)
    found, note = _chosen(fit, variables)
    with house_style():
        panels = axes_for(
            len(found) * len(items), ax, columns=len(items), height=0.8 + _ROW_HEIGHT * len(found)
        )
        grid = panels.axes.reshape(len(found), len(items))
        entries: _Entries = []
        for row, parameter in zip(grid, found, strict=True):
            for place, item in zip(row, items, strict=True):
                entries += _ITEMS[item](place, parameter, fit)
        for place, parameter in enumerate(found):
            panels.head(place * len(items), parameter.name)
        for place, item in zip(grid[-1], items, strict=True):
            place.set_xlabel(_ALONG[item])
        _chain_legend(panels, entries, fit)
        panels.note(note)
    return grid


def plot_rank(
    fit: Fit,
    variables: str | Sequence[str] | None = None,
    *,
    ax: Axes | NDArray[np.object_] | None = None,
) -> Axes | NDArray[np.object_]:
    """Show how the draws of each chain rank among those of all chains.

    If all chains have found the same distribution, each has as many low ranks as high ones, and
    its line stays near the dashed one. A chain that slopes is too high or too low; one that sags or
    bulges is too wide or too narrow.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model, of at least two chains.
    variables : str or sequence of str, optional
        Parameters (``"b_Days"``) or variables (``"b"``). By default all but the effects of the
        groups' levels, the first 12 of them.
    ax : Axes or array of Axes, optional
        Where to draw: one for each parameter.

    Returns
    -------
    Axes or ndarray of Axes
        One for each parameter.

    Raises
    ------
    BrmspyError
        If there is no such parameter, or there are no several chains.

    References
    ----------
    Vehtari, A., Gelman, A., Simpson, D., Carpenter, B. and Bürkner, P.-C. (2021).
    Rank-normalization, folding, and localization: an improved R-hat for assessing convergence of
    MCMC. Bayesian Analysis, 16(2), 667-718. https://doi.org/10.1214/20-BA1221

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> fit.plot_rank("b_Days").get_title(loc="left")
    'b_Days'
    """
    _checked_items(fit, "rank")
    found, note = _chosen(fit, variables)
    with house_style():
        panels = axes_for(len(found), ax)
        entries: _Entries = []
        for place, parameter in enumerate(found):
            entries = _draw_ranks(panels[place], parameter, fit)
            panels.head(place, parameter.name)
        panels.labels(_ALONG["rank"], "number of draws")
        _chain_legend(panels, entries, fit)
        panels.note(note)
    return panels.result


def _chosen(fit: Fit, variables: str | Sequence[str] | None) -> tuple[list[Parameter], str]:
    """Return the parameters to show, and what is said of those left out."""
    most = _MOST if variables is None else _MOST_NAMED
    return limited(chosen_parameters(fit, variables), most)


def _checked_items(fit: Fit, combo: str | Sequence[str] | None) -> list[str]:
    """Return what is to be shown of each parameter."""
    approximation = fit.record.approximation
    if combo is None:
        return ["dens"] if approximation is not None else ["dens", "trace"]
    items = [combo] if isinstance(combo, str) else list(combo)
    for item in items:
        if item not in _ITEMS:
            raise BrmspyError(f"combo = {item!r} is not known. {did_you_mean(str(item), _ITEMS)}")
    if not items:
        raise BrmspyError(f"combo is empty: it holds some of {joined(_ITEMS)}.")
    if approximation is not None and items != ["dens"]:
        raise BrmspyError(
            f"The draws of {approximation.title} are independent and have no chains: there are no "
            'traces or ranks to show. Use combo="dens", or fit with algorithm="nuts".'
        )
    if "rank" in items and fit.groups["posterior"].sizes["chain"] < 2:
        raise BrmspyError(
            "Ranks compare chains, and this fit has one only. Fit with chains=4 to see them."
        )
    return items


def _draw_densities(ax: Axes, parameter: Parameter, fit: Fit) -> _Entries:
    """Draw the density of each chain."""
    styles = looks(len(parameter.draws))
    bounds: dict[str, Any] = {"lower": parameter.lower, "upper": parameter.upper}
    drawn = [
        density(ax, chain, **bounds, colour=look.colour, dash=look.dash, width=1.3)
        for chain, look in zip(parameter.draws, styles, strict=True)
    ]
    ax.set_yticks([])
    ax.set_ylim(bottom=0)
    ax.set_ylabel("density")
    return _named(drawn)


def _draw_traces(ax: Axes, parameter: Parameter, fit: Fit) -> _Entries:
    """Draw each chain as a line, and mark the divergent transitions."""
    styles = looks(len(parameter.draws))
    times = np.arange(1, parameter.draws.shape[1] + 1)
    drawn: list[Artist] = [
        ax.plot(times, chain, color=look.colour, linewidth=0.5, alpha=0.75)[0]
        for chain, look in zip(parameter.draws, styles, strict=True)
    ]
    entries = _named(drawn)
    stats = fit.groups["sample_stats"]
    if "diverging" in stats and bool(stats["diverging"].any()):
        where = np.nonzero(stats["diverging"].to_numpy())[1] + 1
        ticks = ax.plot(
            where,
            np.zeros(len(where)),
            linestyle="none",
            marker="|",
            color=INK,
            markersize=9,
            transform=ax.get_xaxis_transform(),
        )[0]
        entries.append((ticks, "divergent"))
    ax.margins(x=0.01)
    return entries


def _draw_ranks(ax: Axes, parameter: Parameter, fit: Fit) -> _Entries:
    """Draw a histogram of each chain's ranks, as steps."""
    from scipy.stats import rankdata

    count = parameter.draws.size
    ranks = rankdata(parameter.draws).reshape(parameter.draws.shape)
    edges = np.linspace(0.5, count + 0.5, _BINS + 1)
    drawn: list[Artist] = []
    for chain, look in zip(ranks, looks(len(ranks)), strict=True):
        heights = np.histogram(chain, edges)[0]
        style: dict[str, Any] = {"color": look.colour, "linestyle": look.dash, "linewidth": 1.4}
        drawn.append(ax.stairs(heights, edges, baseline=None, **style))
    expected = parameter.draws.shape[1] / _BINS
    ax.axhline(expected, color=INK, linestyle="--", linewidth=0.9)
    ax.set_ylim(0, max(2 * expected, ax.get_ylim()[1]))
    return _named(drawn)


_ITEMS: dict[str, Callable[[Axes, Parameter, Fit], _Entries]] = {
    "dens": _draw_densities,
    "trace": _draw_traces,
    "rank": _draw_ranks,
}
_ALONG = {"dens": "value", "trace": "iteration", "rank": "rank among all draws"}


def _named(drawn: Sequence[Artist]) -> _Entries:
    """Return the chains' artists with their names."""
    return [(artist, f"chain {number}") for number, artist in enumerate(drawn, start=1)]


def _chain_legend(panels: Panels, entries: _Entries, fit: Fit) -> None:
    """Say which chain is which, if there are several."""
    if fit.groups["posterior"].sizes["chain"] > 1 or len(entries) > 1:
        panels.legend(entries)
