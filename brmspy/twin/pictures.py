"""Dumbbells of two fits, and shrinkage between no pooling and complete pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.drawing import (
    BLUE,
    GREY,
    INK,
    VERMILION,
    Panels,
    axes_for,
    categories,
    house_style,
    intervals,
    plain,
)
from brmspy.errors import BrmspyError, did_you_mean

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = ["draw_dumbbells", "draw_shrinkage"]

FloatArray = NDArray[np.float64]

_APART = 0.17  # of a row: how far the two intervals are above and below its middle
_ABOVE = 0.27  # how far above its interval the estimate without pooling is
_KINDS = (("b_", "coefficients"), ("sd_", "standard deviations"), ("cor_", "correlations"))
_OTHERS = "further parameters"


def draw_dumbbells(
    table: pd.DataFrame, prob: float, standardise: bool, title: str, ax: Any
) -> Axes | NDArray[np.object_]:
    """Draw both estimates of each parameter; see `FrequentistComparison.plot`."""
    parts = [("", table)] if standardise else _by_kind(table)
    heights = [0.42 * len(part) + 0.5 for _, part in parts]
    with house_style():
        panels = axes_for(
            len(parts),
            ax,
            columns=1,
            height=max(2.6, sum(heights) + 1.2),
            row_heights=heights,
            width=8.0,
        )
        entries: list[tuple[Artist, str]] = []
        for place, (kind, part) in zip(panels, parts, strict=True):
            entries = _draw_part(place, part, prob, standardise)
            if kind:
                place.set_xlabel(kind)
        if standardise:
            panels[0].set_xlabel("difference from the estimate, in standard errors")
        panels.legend(entries)
        panels.note(f"Frequentist: {title}.")
    return panels.result


def _by_kind(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the parameters of each kind."""
    kinds = np.array(
        [
            next((kind for start, kind in _KINDS if str(name).startswith(start)), _OTHERS)
            for name in table.index
        ],
        dtype=object,
    )
    order = [kind for _, kind in _KINDS] + [_OTHERS]
    return [(kind, table[kinds == kind]) for kind in order if np.any(kinds == kind)]


def _draw_part(
    ax: Axes, table: pd.DataFrame, prob: float, standardise: bool
) -> list[tuple[Artist, str]]:
    """Draw the parameters of one panel; return what the legend says."""
    rows = np.arange(len(table), dtype=float)
    values = table.to_numpy(dtype=float)
    estimate, mean, median, error, sd, lower, upper, low, high = values[:, :9].T
    unit, centre = np.ones(len(rows)), np.zeros(len(rows))
    if standardise:
        unit = np.where(np.isfinite(error) & (error > 0.0), error, np.where(sd > 0.0, sd, 1.0))
        centre = estimate

    def scaled(x: FloatArray) -> FloatArray:
        return (x - centre) / unit

    percent = f"{100.0 * prob:.4g} %"
    _join(ax, rows, scaled(estimate), scaled(mean))
    frequentist = intervals(
        ax,
        rows - _APART,
        scaled(estimate),
        outer=(scaled(lower), scaled(upper)),
        horizontal=True,
        colour=VERMILION,
        marker="s",
    )
    posterior = intervals(
        ax,
        rows + _APART,
        scaled(mean),
        outer=(scaled(low), scaled(high)),
        horizontal=True,
        colour=BLUE,
    )
    middle = ax.plot(
        scaled(median),
        rows + _APART,
        linestyle="none",
        marker="|",
        markersize=9,
        color=INK,
        zorder=3,
    )[0]
    categories(ax, list(table.index), "y")
    if standardise:
        ax.axvline(0.0, color=VERMILION, linestyle=":", linewidth=1.0, zorder=1.2)
        _write_numbers(ax, estimate, mean, sd)
    return [
        (frequentist, f"estimate, {percent} confidence interval"),
        (posterior, f"posterior mean, {percent} interval"),
        (middle, "posterior median"),
    ]


def _join(ax: Axes, rows: FloatArray, first: FloatArray, second: FloatArray) -> None:
    """Draw the bar of each dumbbell, from one estimate to the other."""
    for row, start, end in zip(rows, first, second, strict=True):
        ax.plot([start, end], [row - _APART, row + _APART], color=GREY, linewidth=1.2, zorder=2.3)


def _write_numbers(ax: Axes, estimate: FloatArray, mean: FloatArray, sd: FloatArray) -> None:
    """Write both estimates at the right edge."""
    across = ax.get_yaxis_transform()
    for row, (first, second, spread) in enumerate(zip(estimate, mean, sd, strict=True)):
        places = int(np.clip(np.ceil(-np.log10(max(0.2 * spread, 1e-12))), 0, 8))
        for value, where, colour in ((first, -_APART, VERMILION), (second, _APART, BLUE)):
            ax.text(
                1.02,
                row + where,
                f"{value:.{places}f}",
                transform=across,
                fontsize=8,
                color=colour,
                va="center",
            )


def draw_shrinkage(
    table: pd.DataFrame, group: str | None, max_levels: int, ax: Any
) -> Axes | NDArray[np.object_]:
    """Draw the coefficients of levels; see `FrequentistComparison.plot_shrinkage`."""
    if isinstance(max_levels, bool) or not isinstance(max_levels, int) or max_levels < 2:
        raise BrmspyError(f"max_levels = {max_levels!r} is not valid: it is a number from 2 on.")
    groups = list(dict.fromkeys(table["group"]))
    if not groups:
        raise BrmspyError("The model has no group-level effects to show.")
    if group is not None and group not in groups:
        raise BrmspyError(
            f"The model has no grouping factor {group!r}. {did_you_mean(str(group), groups)}"
        )
    chosen = table if group is None else table[table["group"] == group]
    parts = [part for _, part in chosen.groupby(["group", "coef"], sort=False)]
    notes = []
    kept = []
    for part in parts:
        order = np.argsort(part["posterior_mean"].to_numpy(), kind="stable")
        if len(order) > max_levels:
            low = max_levels // 2
            order = np.concatenate([order[:low], order[len(order) - (max_levels - low) :]])
            notes.append(
                f"{part['group'].iloc[0]}: the {low} lowest and {max_levels - low} highest of "
                f"{len(part)} levels."
            )
        kept.append(part.iloc[order[::-1]])
    columns = min(len(kept), 2)
    tallest = max(map(len, kept))
    with house_style():
        panels = axes_for(
            len(kept),
            ax,
            columns=columns,
            height=-(-len(kept) // columns) * max(2.8, 1.4 + 0.26 * tallest),
            width=6.5 if columns == 1 else 9.5,
        )
        entries: list[tuple[Artist, str]] = []
        for place, part in zip(panels, kept, strict=True):
            entries += _draw_levels(place, part)
        panels.legend(entries)
        panels.note(" ".join([*dict.fromkeys(notes), *_unknown(kept, panels)]))
    return panels.result


def _unknown(parts: list[pd.DataFrame], panels: Panels) -> list[str]:
    """Say for how many levels there is nothing without pooling."""
    count = sum(int(part["no_pooling"].isna().sum()) for part in parts)
    if not count or not panels.own:
        return []
    return [
        f"No circle for {count} effect{'s' * (count > 1)} that a level's rows do not determine."
    ]


def _draw_levels(ax: Axes, part: pd.DataFrame) -> list[tuple[Artist, str]]:
    """Draw the levels of one coefficient; return what the legend says."""
    rows = np.arange(len(part), dtype=float)
    own, estimate, mean, sd = (
        part[name].to_numpy(dtype=float)
        for name in ("no_pooling", "frequentist", "posterior_mean", "posterior_sd")
    )
    for row, start, end in zip(rows, own, mean, strict=True):
        ax.plot([start, end], [row - _ABOVE, row], color=GREY, linewidth=1.0, zorder=1.8)
    dots = intervals(ax, rows, mean, outer=(mean - sd, mean + sd), horizontal=True, colour=BLUE)
    alone = ax.plot(
        own,
        rows - _ABOVE,
        linestyle="none",
        marker="o",
        markersize=4.5,
        markerfacecolor="white",
        markeredgecolor=INK,
        zorder=2.5,
    )[0]
    entries: list[tuple[Artist, str]] = [
        (alone, "no pooling"),
        (dots, "posterior mean ± sd"),
    ]
    if np.isfinite(estimate).any():
        squares = ax.plot(
            estimate,
            rows,
            linestyle="none",
            marker="x",
            markersize=5.0,
            color=VERMILION,
            zorder=2.8,
        )[0]
        entries.insert(1, (squares, "frequentist mode"))
    shared, together = float(part["population"].iloc[0]), float(part["complete_pooling"].iloc[0])
    if np.isfinite(together):
        line = ax.axvline(together, color=INK, linestyle="--", linewidth=1.0, zorder=1.3)
        entries.append((line, "complete pooling"))
    if np.isfinite(shared):
        line = ax.axvline(shared, color=VERMILION, linestyle=":", linewidth=1.2, zorder=1.3)
        entries.append((line, "population"))
    categories(ax, part["level"].tolist(), "y")
    ax.set_title(plain(part["group"].iloc[0]))
    ax.set_xlabel(plain(part["coef"].iloc[0]))
    _limit(ax, part)
    return entries


def _limit(ax: Axes, part: pd.DataFrame) -> None:
    """Keep single levels that are far out from squeezing all others."""
    inner = part[["frequentist", "posterior_mean", "complete_pooling"]].to_numpy(dtype=float)
    own = part["no_pooling"].to_numpy(dtype=float)
    spread = part["posterior_sd"].to_numpy(dtype=float)
    low = np.nanmin(part["posterior_mean"].to_numpy(dtype=float) - spread)
    high = np.nanmax(part["posterior_mean"].to_numpy(dtype=float) + spread)
    low, high = min(low, float(np.nanmin(inner))), max(high, float(np.nanmax(inner)))
    width = max(high - low, 1e-12)
    known = own[np.isfinite(own)]
    if known.size:
        low = max(min(low, float(known.min())), low - 0.8 * width)
        high = min(max(high, float(known.max())), high + 0.8 * width)
    ax.set_xlim(low - 0.04 * (high - low), high + 0.04 * (high - low))
