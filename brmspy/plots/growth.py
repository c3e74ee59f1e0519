"""Growth curves: each level's own, and the population's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy import drawing
from brmspy.data.factors import as_labels
from brmspy.drawing import (
    BLUE,
    GREY,
    INK,
    Look,
    Panels,
    axes_for,
    categories,
    house_style,
    intervals,
    line,
    looks,
    spaghetti,
)
from brmspy.errors import BrmspyError
from brmspy.fit import Fit
from brmspy.grids import grid_columns
from brmspy.growth import NO_GROUP, CurveRequest, Curves, TimesTo, compute_curves, time_to
from brmspy.plots.probabilities import check_probabilities, interval_words, percent
from brmspy.plots.words import counts_trials, mean_label, response_label

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = ["curve_table", "curves"]

FloatArray = NDArray[np.float64]
Entries = list[tuple["Artist", str]]

_MOST_PANELS = 24
_DODGE = 0.16  # between the values of by, along a factor
_ONE = Look(BLUE, "-", "o")
_DARK = Look(INK, "-", "D")


def curves(
    fit: Fit,
    x: str | None = None,
    *,
    by: str | None = None,
    group: str | None = None,
    levels: Sequence[Any] | None = None,
    facet: bool = False,
    slope: bool = False,
    mark: float | Sequence[float] | None = None,
    at: Mapping[str, Any] | None = None,
    dpar: str | None = None,
    nlpar: str | None = None,
    points: bool = True,
    extend: bool = False,
    xlim: tuple[float, float] | None = None,
    prob: float = 0.5,
    prob_outer: float = 0.95,
    resolution: int = 50,
    max_levels: int = 60,
    ndraws: int | None = None,
    ax: Axes | NDArray[np.object_] | None = None,
) -> Axes | NDArray[np.object_]:
    """Show how the expected response goes along a variable, for each level and the population.

    A thin line is the mean curve of a level, with its own effects and those of the groups that it
    is nested in; the thick one, with bands, is that of the population, without group-level effects.
    Predictors that do not vary within a level keep the value that it has; for the population they
    are held at their mean or first level, as the note says.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    x : str, optional
        A predictor: a number, such as age, or a factor. By default the only number that the
        non-linear formula reads, or in linear models the only numeric predictor.
    by : str, optional
        A predictor whose values get curves of their own: the levels of a factor, or of a number
        its values, if there are up to five, or mean and mean ± sd.
    group : str, optional
        The grouping factor whose levels get curves; by default that of the model, if it has only
        one, or the one that is nested in all others. ``"NA"`` for the population alone.
    levels : sequence, optional
        Only these of its levels, in this order.
    facet : bool
        Give each level a panel, with the bands of its own curve; the population's is dashed. At
        most 24 levels, unless `levels` names more. Without levels, each value of `by` gets one.
    slope : bool
        Show the derivative of the curves: the growth rate. That of a non-linear formula is exact;
        links other than the identity, and linear predictors that read x through a function, are
        differentiated by differences.
    mark : float or sequence of float, optional
        Fractions of the asymptote, such as 0.9: when the curve of the population reaches them is
        marked by a dot with intervals, or for panels of levels when theirs do. See
        `brmspy.time_to`.
    at : mapping of str to Any, optional
        Values at which to hold other predictors.
    dpar, nlpar : str, optional
        A distributional or non-linear parameter to show in place of the mean.
    points : bool
        Whether to draw the data; of slopes and parameters there are none.
    extend : bool
        Draw each level's curve along all of x, not only where it was observed.
    xlim : (float, float), optional
        Where curves begin and end; by default with the data, or with the last mark.
    prob, prob_outer : float
        Probabilities of the inner and of the outer band.
    resolution : int
        Number of points of a curve.
    max_levels : int
        How many levels get a curve; of more, evenly spaced ones.
    ndraws : int, optional
        How many draws to use; by default all.
    ax : Axes or array of Axes, optional
        Where to draw: one for each panel.

    Returns
    -------
    Axes or ndarray of Axes
        One for each panel.

    Raises
    ------
    BrmspyError
        If an argument is not valid.

    See Also
    --------
    curve_table : The numbers of the picture.
    time_to : The numbers of the marks.
    prior_curves : The same before there is a fit.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> axes = fit.curves("Days")
    >>> axes.get_xlabel(), axes.get_ylabel()
    ('Days', 'Reaction')
    >>> fit.curves("Days", facet=True).shape
    (18,)
    >>> fit.curves(facet=True, levels=["308", "335"]).shape
    (2,)
    """
    check_probabilities(prob=prob, prob_outer=prob_outer)
    if facet:
        max_levels = min(max_levels, _MOST_PANELS)
    asked = CurveRequest(
        x, by, group, levels, dict(at or {}), dpar, nlpar, slope, prob, prob_outer, resolution,
        max_levels, extend, xlim, ndraws,
    )  # fmt: skip
    marks = None if mark is None else _marks(fit, asked, mark, own=facet)
    if marks is not None:
        asked = replace(asked, xlim=xlim or _reaching(fit, marks))
    found = compute_curves(fit, asked, shared=facet)
    if marks is not None and marks.levels is not None and facet and not found.group:
        marks = replace(marks, levels=None)
    data = _data(fit, found) if points and not slope and dpar is nlpar is None else None
    with house_style():
        if facet and found.group:
            panels, entries = _draw_levels(found, data, marks, ax)
        elif facet and found.by is not None:
            panels, entries = _draw_by(found, data, marks, ax)
        else:
            panels = axes_for(1, ax)
            entries = _draw_together(panels[0], found, data, found.by_values, marks)
        label = _label(fit, asked, found.x.name)
        if len(panels) > 1:
            label = label.replace(" per unit", "\nper unit")
        panels.labels(found.x.name, label)
        if found.x.is_factor:
            for place in panels:
                categories(place, found.x.labels)
        panels.legend(entries, title=by or "")
        bands = f"Bands: {interval_words(prob, prob_outer)}."
        panels.note(" ".join(filter(None, [found.note, bands])))
    return panels.result


def curve_table(
    fit: Fit,
    x: str | None = None,
    *,
    by: str | None = None,
    group: str | None = None,
    levels: Sequence[Any] | None = None,
    slope: bool = False,
    at: Mapping[str, Any] | None = None,
    dpar: str | None = None,
    nlpar: str | None = None,
    extend: bool = False,
    xlim: tuple[float, float] | None = None,
    prob: float = 0.5,
    prob_outer: float = 0.95,
    resolution: int = 50,
    max_levels: int = 60,
    ndraws: int | None = None,
) -> pd.DataFrame:
    """Return the numbers that `curves` draws.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    x, by, group, levels, slope, at, dpar, nlpar, extend, xlim, prob, prob_outer, resolution, \
max_levels, ndraws
        As for `curves`.

    Returns
    -------
    DataFrame
        One row for each point of each curve. Columns: the grouping factor, which is missing for
        the population; `by`; `x`; Estimate, Est.Error, and the ends of the intervals from the
        lowest to the highest, such as Q2.5, Q25, Q75 and Q97.5. For counts among trials the
        estimate is for one trial.

    Raises
    ------
    BrmspyError
        If an argument is not valid.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> table = fit.curve_table("Days", group="NA", resolution=10)
    >>> table.columns.tolist()
    ['Days', 'Estimate', 'Est.Error', 'Q2.5', 'Q25', 'Q75', 'Q97.5']
    >>> table["Estimate"].iloc[[0, -1]].round(-1).tolist()
    [250.0, 340.0]
    """
    check_probabilities(prob=prob, prob_outer=prob_outer)
    asked = CurveRequest(
        x, by, group, levels, dict(at or {}), dpar, nlpar, slope, prob, prob_outer, resolution,
        max_levels, extend, xlim, ndraws,
    )  # fmt: skip
    return compute_curves(fit, asked).table


@dataclass(frozen=True)
class _Marks:
    """When curves reach fractions of their asymptote.

    Attributes
    ----------
    population : DataFrame
        The rows of the population's curves, with the ends of both intervals.
    levels : DataFrame or None
        The rows of the levels' curves, if these are marked.
    x : str
        What the curves go along.
    fractions : tuple of float
        Which fractions.
    quantiles : tuple of str
        Names of the intervals' ends: outer, then inner.
    """

    population: pd.DataFrame
    levels: pd.DataFrame | None
    x: str
    fractions: tuple[float, ...]
    quantiles: tuple[str, str, str, str]

    @property
    def text(self) -> str:
        """What a mark is, in words."""
        shares = drawing.joined([percent(value) for value in self.fractions])
        return f"{shares} of the asymptote"


def _marks(fit: Fit, asked: CurveRequest, mark: float | Sequence[float], *, own: bool) -> _Marks:
    """Compute when curves reach fractions of their asymptote."""
    if asked.slope or asked.dpar is not None or asked.nlpar is not None:
        raise BrmspyError(
            "mark= shows when the expected response reaches a fraction of its asymptote: leave "
            "slope, dpar and nlpar out."
        )
    times = time_to(
        fit,
        mark,
        x=asked.x,
        by=asked.by,
        group=asked.group if own else NO_GROUP,
        levels=asked.levels if own else None,
        at=asked.at,
        prob=asked.prob_outer,
        ndraws=asked.ndraws,
    )
    outer = [str(name) for name in times.table if str(name).startswith("Q")]
    tails = np.array([(1.0 - asked.prob) / 2.0, (1.0 + asked.prob) / 2.0])
    inner = np.nanquantile(times.draws.to_numpy(), tails, axis=(0, 1))
    table = times.table.assign(_inner_low=inner[0], _inner_high=inner[1])
    quantiles = (outer[0], outer[-1], "_inner_low", "_inner_high")
    fractions = tuple(dict.fromkeys(table["fraction"]))
    shared, rest = table, None
    group = _group_column(times)
    if group is not None:
        shared, rest = table[table[group].isna()], table[table[group].notna()]
    return _Marks(shared, rest, times.x, fractions, quantiles)


def _group_column(times: TimesTo) -> str | None:
    """Return the column of the grouping factor, if there are levels."""
    missing = [str(name) for name in times.table if times.table[name].isna().any()]
    return missing[0] if missing else None


def _reaching(fit: Fit, marks: _Marks) -> tuple[float, float] | None:
    """Return ends of an axis on which all marks stand; None if they do on that of the data."""
    both = [marks.population, *([] if marks.levels is None else [marks.levels])]
    seen = fit.model.design.data[marks.x].to_numpy(dtype=float)
    low, high = float(seen.min()), float(seen.max())
    first = min(float(table[marks.quantiles[0]].min()) for table in both)
    last = max(float(table[marks.quantiles[1]].max()) for table in both)
    if low <= first and last <= high:
        return None
    return min(low, first), max(high, last)


def _draw_together(
    ax: Axes,
    found: Curves,
    data: pd.DataFrame | None,
    values: Sequence[Any],
    marks: _Marks | None,
) -> Entries:
    """Draw the curves of the population, of the levels and the data on one panel."""
    styles = _looks(found)
    entries: Entries = []
    if data is not None:
        entries += _draw_points(ax, found, data, styles, values)
    thin = _draw_thin(ax, found, styles, values)
    named: Entries = []
    for value in values or (None,):
        rows = _of_value(found.population, found, value)
        curve = _draw_one(ax, found, rows, styles[value], _shift(found, value))
        named.append((curve, "population" if value is None else _value_label(found, value)))
        if marks is not None:
            rows = _of_value(marks.population, found, value)
            entries += _draw_marks(ax, rows, marks, styles[value] if value is not None else _DARK)
    return named + thin + entries


def _draw_marks(ax: Axes, rows: pd.DataFrame, marks: _Marks, look: Look) -> Entries:
    """Draw when one curve reaches fractions of its asymptote: dots with intervals, and plumbs."""
    if rows.empty:
        return []
    low, high, inner_low, inner_high = (rows[name].to_numpy() for name in marks.quantiles)
    when, value = rows["Estimate"].to_numpy(), rows["value"].to_numpy()
    dots = intervals(
        ax, value, when, outer=(low, high), inner=(inner_low, inner_high), horizontal=True,
        colour=look.colour, marker="D", size=6,
    )  # fmt: skip
    for place, height in zip(when, value, strict=True):
        ax.plot(
            [place, place], [0.0, height], color=look.colour, linestyle=":", linewidth=0.9,
            zorder=1.6, scaley=False,
        )  # fmt: skip
    return [(dots, marks.text)]


def _draw_thin(
    ax: Axes, found: Curves, styles: Mapping[Any, Look], values: Sequence[Any]
) -> Entries:
    """Draw the curves of the levels as thin lines."""
    drawn: Entries = []
    coloured = found.by is not None and found.by.is_factor
    for value in values if coloured else (None,):
        rows = _of_value(found.levels, found, value)
        lines = [
            (_places(found, curve), curve["Estimate"].to_numpy())
            for _, curve in _curves_of(found, rows)
        ]
        for count in sorted({len(x) for x, _ in lines}):
            xs = np.stack([x for x, _ in lines if len(x) == count])
            ys = np.stack([y for x, y in lines if len(x) == count])
            colour = styles[value].colour if coloured else GREY
            artist = spaghetti(ax, xs, ys, colour=colour, alpha=0.45 if len(lines) > 20 else 0.6)
            drawn = drawn or [(artist, f"levels of {found.group}")]
    return drawn


def _draw_levels(
    found: Curves, data: pd.DataFrame | None, marks: _Marks | None, ax: Any
) -> tuple[Panels, Entries]:
    """Draw one panel for each level."""
    styles = _looks(found)
    levels = list(dict.fromkeys(found.levels[found.group]))
    panels = axes_for(len(levels), ax, share_x=True, share_y=True)
    entries: Entries = []
    for number, (place, level) in enumerate(zip(panels, levels, strict=True)):
        mine = found.levels[found.group] == level
        own, shared = found.levels[mine], found.shared[mine.to_numpy()]
        if data is not None:
            entries += _draw_points(
                place, found, data[data[found.group] == level], styles, found.by_values
            )
        coloured = found.by is not None and found.by.is_factor
        for value in found.by_values if coloured else (None,):
            rows, common = _of_value(own, found, value), _of_value(shared, found, value)
            if rows.empty:
                continue
            look = styles[value] if coloured else _ONE
            shift = _shift(found, value)
            curve = _draw_one(place, found, rows, look, shift)
            dashed = place.plot(
                _places(found, common) + shift,
                common["Estimate"],
                color=look.colour if coloured else INK,
                linestyle="--",
                linewidth=1.0,
            )[0]
            name = _value_label(found, value) if coloured else f"level of {found.group}"
            entries += [(curve, name), (dashed, "population")]
            if marks is not None and marks.levels is not None:
                here = marks.levels[(marks.levels[found.group] == level).to_numpy(dtype=bool)]
                here = _of_value(here, found, value)
                entries += _draw_marks(place, here, marks, look if coloured else _DARK)
        panels.head(number, level)
    return panels, entries


def _draw_by(
    found: Curves, data: pd.DataFrame | None, marks: _Marks | None, ax: Any
) -> tuple[Panels, Entries]:
    """Draw one panel for each value of `by`."""
    panels = axes_for(len(found.by_values), ax, share_x=True, share_y=True)
    entries: Entries = []
    for number, value in enumerate(found.by_values):
        entries += _draw_together(panels[number], found, data, (value,), marks)
    return panels, entries


def _draw_one(ax: Axes, found: Curves, rows: pd.DataFrame, look: Look, shift: float) -> Artist:
    """Draw one curve with its bands; along a factor, dots with intervals."""
    quantiles = [name for name in found.names if name.startswith("Q")]
    bands = [
        (rows[quantiles[i]].to_numpy(), rows[quantiles[-1 - i]].to_numpy())
        for i in range(len(quantiles) // 2)
    ]
    x, y = _places(found, rows) + shift, rows["Estimate"].to_numpy()
    if found.x.is_factor:
        inner = bands[1] if len(bands) > 1 else None
        return intervals(
            ax, x, y, outer=bands[0], inner=inner, colour=look.colour, marker=look.marker, size=7
        )
    return line(ax, x, y, bands=bands, colour=look.colour, dash=look.dash, width=2.2)


def _draw_points(
    ax: Axes,
    found: Curves,
    data: pd.DataFrame,
    styles: Mapping[Any, Look],
    values: Sequence[Any],
) -> Entries:
    """Draw the data."""
    by = found.by
    drawn: Entries = []
    jitter = 0.08 if found.x.is_factor else 0.0
    for value in values if by is not None and by.is_factor else (None,):
        rows = data if value is None else data[data["by"] == as_labels([value])[0]]
        if rows.empty:
            continue
        look = Look(INK, "-", "o") if value is None else styles[value]
        shift = 0.0 if value is None else _shift(found, value)
        artist = drawing.points(
            ax, rows["x"] + shift, rows["y"], colour=look.colour, marker=look.marker, jitter=jitter
        )
        drawn.append((artist, "data"))
    return drawn


def _data(fit: Fit, found: Curves) -> pd.DataFrame:
    """Return the data in the coordinates of the picture."""
    model = fit.model
    arrays = model.design.arrays
    y = np.asarray(model.response, dtype=float)
    if arrays.trials is not None and _for_one_trial(fit):
        y = y / arrays.trials
    frame = pd.DataFrame({"x": _positions(found, found.x.values), "y": y})
    if found.by is not None:
        frame["by"] = list(as_labels(found.by.values.tolist()))
    if found.group:
        block = next(i for i, g in enumerate(model.design.groups) if g.group == found.group)
        names = np.array(model.design.groups[block].levels, dtype=object)
        frame[found.group] = names[arrays.groups[block].index]
    return frame


def _for_one_trial(fit: Fit) -> bool:
    """Say whether expected counts are for one trial, and so are proportions."""
    trials = [c for c in grid_columns(fit).values() if "trials" in c.roles]
    return len(trials) == 1 and trials[0].typical == 1


def _looks(found: Curves) -> dict[Any, Look]:
    """Return how the curves of each value of `by` look."""
    if found.by is None:
        return {None: _ONE}
    return {None: _ONE, **dict(zip(found.by_values, looks(len(found.by_values)), strict=True))}


def _value_label(found: Curves, value: Any) -> str:
    """Return the name of a value of `by`."""
    if found.by is not None and not found.by.is_factor:
        return f"{value:.4g}"
    return as_labels([value])[0]


def _of_value(rows: pd.DataFrame, found: Curves, value: Any) -> pd.DataFrame:
    """Return the rows of one value of `by`."""
    if value is None or found.by is None:
        return rows
    return rows[(rows[found.by.name] == value).to_numpy(dtype=bool)]


def _curves_of(found: Curves, rows: pd.DataFrame) -> Any:
    """Return the rows of each level's curve."""
    return rows.groupby(found.group, sort=False) if found.group and len(rows) else ()


def _places(found: Curves, rows: pd.DataFrame) -> FloatArray:
    """Return where points of curves stand along x."""
    return _positions(found, rows[found.x.name])


def _positions(found: Curves, values: pd.Series[Any]) -> FloatArray:
    """Return values of x as numbers: those of factors as positions of their levels."""
    if not found.x.is_factor:
        return values.to_numpy(dtype=float)
    place = {label: float(i) for i, label in enumerate(found.x.labels)}
    return np.array([place[label] for label in as_labels(values.tolist())])


def _shift(found: Curves, value: Any) -> float:
    """Return how far the dots of a value of `by` stand beside their place along a factor."""
    if not found.x.is_factor or len(found.by_values) < 2 or value is None:
        return 0.0
    step = min(_DODGE, 0.6 / len(found.by_values))
    return step * (found.by_values.index(value) - (len(found.by_values) - 1) / 2)


def _label(fit: Fit, asked: CurveRequest, x: str) -> str:
    """Return what stands along y."""
    name = asked.nlpar or asked.dpar
    if name is None:
        counts = counts_trials(fit) and not _for_one_trial(fit)
        name = response_label(fit) if counts else mean_label(fit)
    return f"change of {name} per unit of {x}" if asked.slope else name
