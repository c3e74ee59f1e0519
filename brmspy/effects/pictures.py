"""Pictures of effects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.drawing import (
    BLUE,
    INK,
    Look,
    axes_for,
    categories,
    house_style,
    intervals,
    legend_text,
    line,
    looks,
    plain,
    shorten,
    spaghetti,
)
from brmspy.drawing import points as draw_points

if TYPE_CHECKING:
    from brmspy.effects.conditional import ConditionalEffect
    from brmspy.effects.conditions import Condition
    from brmspy.effects.marginal import MarginalMeans

__all__ = ["draw_effects", "draw_means"]

FloatArray = NDArray[np.float64]

_DODGE = 0.5  # how far intervals of several series spread around a level
_ROW_WITH_LEGEND = 3.3  # inches
_JITTER = 0.3  # of the space that a series has around a level


def draw_effects(
    effects: Sequence[ConditionalEffect],
    ax: Any,
    points: bool,
    as_lines: bool | None,
    lines: int,
    note: str,
) -> Any:
    """Draw each effect under each of its conditions in a panel of its own.

    Parameters
    ----------
    effects : sequence of ConditionalEffect
        What to draw.
    ax : Axes or array of Axes or None
        The user's.
    points : bool
        Whether to draw the data.
    as_lines : bool or None
        Whether to draw lines of single draws.
    lines : int
        How many.
    note : str
        What to write below.

    Returns
    -------
    Axes or array of Axes
    """
    panels = [(effect, condition) for effect in effects for condition in effect.conditions]
    alone = len(effects) == 1
    with house_style():
        columns = 2 if len(panels) == 4 else 3
        legends = not alone and any(len(effect.columns) > 1 for effect in effects)
        height = _ROW_WITH_LEGEND * -(-len(panels) // columns) if legends else None
        drawn = axes_for(
            len(panels), ax, columns=columns, share_x=alone, share_y=alone, height=height
        )
        entries: list[tuple[Any, str]] = []
        for axes, (effect, condition) in zip(drawn, panels, strict=True):
            single = effect.spaghetti if as_lines is None else as_lines
            entries = _draw_effect(axes, effect, condition, points, lines if single else 0)
            if condition.label:
                axes.set_title(plain(condition.label))
            if not alone:
                axes.set_xlabel(plain(effect.columns[0]))
                axes.set_ylabel(plain(effect.label))
                _legend_above(axes, entries, effect.columns[-1])
        if alone:
            drawn.labels(effects[0].columns[0], effects[0].label)
            drawn.legend(entries, effects[0].columns[-1])
        drawn.note(note)
        return drawn.result


def _legend_above(axes: Any, entries: Sequence[tuple[Any, str]], title: str) -> None:
    """Explain the series of one panel of several, where nothing is covered."""
    if not entries:
        return
    artists, texts = zip(*entries, strict=True)
    axes.legend(
        artists,
        [legend_text(shorten(text, 14)) for text in texts],
        title=plain(title),
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=2,
        fontsize=8,
        title_fontsize=8,
        columnspacing=1.0,
    )


def _draw_effect(
    axes: Any, effect: ConditionalEffect, condition: Condition, points: bool, lines: int
) -> list[tuple[Any, str]]:
    """Draw one effect under one condition; return what a legend explains."""
    table = effect.table
    chosen = np.ones(len(table), dtype=bool)
    if condition.label:
        chosen = (table["cond__"] == condition.label).to_numpy()
    x = table[effect.columns[0]]
    numeric = effect.columns[0] not in effect.factors
    levels = list(dict.fromkeys(x.tolist()))
    data = _under(effect, condition) if points else pd.DataFrame()
    series = list(_series(effect, table[chosen]))
    shown = looks(len(series)) if len(series) > 1 else [Look(BLUE, "-", "o")]
    nearest = _nearest(effect, data, [value for value, _, _ in series])
    entries = []
    for place, ((_, name, rows), look) in enumerate(zip(series, shown, strict=True)):
        offset = _DODGE * ((place + 0.5) / len(series) - 0.5) if len(series) > 1 else 0.0
        own = data[nearest == place] if len(data) else data
        colour = look.colour if len(series) > 1 else INK
        where = None
        if len(own):
            where = _places(own[effect.columns[0]], levels, numeric)
            spread = 0.0 if numeric else _JITTER * _DODGE / len(series)
            draw_points(
                axes,
                where + (0.0 if numeric else offset),
                own["resp__"].to_numpy(),
                colour=colour,
                marker=look.marker,
                jitter=spread,
            )
        at = _places(rows[effect.columns[0]], levels, numeric)
        if numeric:
            artist = _curve(axes, effect, rows, at, look, lines, len(series) == 1)
        else:
            artist = intervals(
                axes,
                at + offset,
                rows["estimate__"].to_numpy(),
                outer=(rows["lower__"].to_numpy(), rows["upper__"].to_numpy()),
                colour=look.colour,
                marker=look.marker,
                size=6.5,
            )
        entries.append((artist, name))
    if not numeric:
        categories(axes, levels)
    return entries if len(effect.columns) > 1 else []


def _curve(
    axes: Any,
    effect: ConditionalEffect,
    rows: pd.DataFrame,
    at: FloatArray,
    look: Look,
    lines: int,
    only: bool,
) -> Any:
    """Draw estimates over numbers, with an interval or with lines of single draws."""
    colour = look.colour
    bands = [(rows["lower__"].to_numpy(), rows["upper__"].to_numpy())]
    if lines:
        draws = effect.draws.to_numpy().reshape(-1, effect.draws.sizes["row"])
        some = np.linspace(0, len(draws) - 1, min(lines, len(draws))).round().astype(int)
        places = effect.table.index.get_indexer(rows.index)
        spaghetti(axes, at, draws[np.ix_(some, places)], colour=look.colour)
        bands = []
        colour = INK if only else look.colour  # to stand out of its own draws
    estimates = rows["estimate__"].to_numpy()
    return line(axes, at, estimates, bands=bands, colour=colour, dash=look.dash)


def _series(
    effect: ConditionalEffect, table: pd.DataFrame
) -> Iterator[tuple[Any, str, pd.DataFrame]]:
    """Yield value, name and rows for each value of the second column."""
    if len(effect.columns) == 1:
        yield None, "", table
        return
    second = table[effect.columns[1]]
    names: Mapping[Any, str] = effect.labels.get(effect.columns[1], {})
    for value in dict.fromkeys(second.tolist()):
        text = f"{value:.4g}" if isinstance(value, float) else str(value)
        yield value, names.get(value, text), table[(second == value).to_numpy()]


def _nearest(effect: ConditionalEffect, data: pd.DataFrame, values: list[Any]) -> NDArray[np.intp]:
    """Return to which series each row of the data belongs, -1 if to none: to the nearest number."""
    if len(effect.columns) == 1 or not len(data):
        return np.zeros(len(data), dtype=np.intp)
    column = data[effect.columns[1]]
    if effect.columns[1] not in effect.factors:
        own = column.to_numpy(dtype=np.float64)
        return np.abs(own[:, None] - np.array(values, dtype=np.float64)).argmin(axis=1)
    place = {str(value): i for i, value in enumerate(values)}
    return np.array([place.get(str(value), -1) for value in column], dtype=np.intp)


def _under(effect: ConditionalEffect, condition: Condition) -> pd.DataFrame:
    """Return the data that have the levels of a condition; numbers do not have to agree."""
    data = effect.points
    for name, value in condition.items:
        if name in data.columns and name in effect.factors:
            data = data[data[name].astype(object) == value]
    return data


def _places(values: pd.Series[Any], levels: list[Any], numeric: bool) -> FloatArray:
    """Return where values are along the axis; NaN for levels that are not on it."""
    if numeric:
        return values.to_numpy(dtype=np.float64)
    where = {str(level): float(place) for place, level in enumerate(levels)}
    return np.array([where.get(str(value), np.nan) for value in values])


def draw_means(means: MarginalMeans, ax: Any) -> Any:
    """Draw marginal means with their intervals.

    Parameters
    ----------
    means : MarginalMeans
        What to draw.
    ax : Axes or array of Axes or None
        The user's.

    Returns
    -------
    Axes or array of Axes
    """
    table = means.table
    groups = list(_split(table, means.by))
    first, *others = means.factors or ("",)
    levels = [str(level) for level in means.levels[first]] if first else [""]
    with house_style():
        drawn = axes_for(len(groups), ax, share_y=True)
        for axes, (name, rows) in zip(drawn, groups, strict=True):
            series = list(_split(rows, others))
            entries = []
            for place, ((text, own), look) in enumerate(
                zip(series, looks(len(series)), strict=True)
            ):
                offset = _DODGE * ((place + 0.5) / len(series) - 0.5)
                middle, lower, upper = own.iloc[:, -3:].to_numpy(dtype=np.float64).T
                artist = intervals(
                    axes,
                    np.arange(len(own)) + offset,
                    middle,
                    outer=(lower, upper),
                    colour=look.colour,
                    marker=look.marker,
                    size=6.5,
                )
                entries.append((artist, text))
            categories(axes, levels)
            if name:
                axes.set_title(plain(name))
        drawn.labels(first, str(table.columns[-3]))
        if others:
            drawn.legend(entries, ", ".join(others))
        drawn.note(" ".join(means.notes))
        return drawn.result


def _split(table: pd.DataFrame, columns: Sequence[str]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the rows that are alike in some columns, with a name, in the order of the table."""
    if not columns:
        yield "", table
        return
    keys = [tuple(map(str, row)) for row in table[list(columns)].to_numpy(dtype=object)]
    for key in dict.fromkeys(keys):
        if len(columns) == 1:
            text = key[0]
        else:
            pairs = zip(columns, key, strict=True)
            text = ", ".join(f"{name} = {value}" for name, value in pairs)
        yield text, table[[own == key for own in keys]]
