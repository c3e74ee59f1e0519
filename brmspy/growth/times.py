"""When a curve reaches a fraction of its asymptote."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.errors import BrmspyError, BrmspyWarning, warn
from brmspy.fit import Fit
from brmspy.formula import CURVES, NonlinearPredictor
from brmspy.formula.nonlinear import Covariate
from brmspy.grids import GridColumn, grid, grid_columns
from brmspy.growth.curves import check_xlim, held_text
from brmspy.growth.inputs import check_by, chosen_input
from brmspy.growth.levels import by_values, chosen_group, effects_of, labelled, units_of
from brmspy.growth.limits import asymptotes
from brmspy.markup import Table, block, decimals_for, number, paragraph, wrapped
from brmspy.predict import Along, along, check_probability, summarise_values

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["TimesTo", "time_to"]

FloatArray = NDArray[np.float64]

_CHUNK = 2_000_000  # numbers in one array of draws and curves
_REACH = 100.0  # ranges of the data beyond them that are searched
_PLACES = 64  # where curves are looked at: within the data, and beyond
_HALVINGS = 50
_FEW = 0.05  # of the draws that may be left out, with a warning

_COLUMNS = ("fraction", "Estimate", "Est.Error", "value", "reached")

_NOWHERE, _ZERO, _BEFORE, _BEYOND = 1, 2, 3, 4


@dataclass(frozen=True, eq=False, repr=False)
class TimesTo:
    """When curves reach fractions of their asymptotes.

    Printing it shows the table, with what it is about.

    Attributes
    ----------
    table : DataFrame
        A row for each curve and fraction. Columns: the grouping factor, which is missing for the
        population; `by`; fraction; Estimate, Est.Error and the ends of the interval, such as Q2.5
        and Q97.5, in units of `x`; value, the mean of the response at that point; and reached, the
        share of the draws in which it is reached.
    draws : xarray.DataArray
        Dimensions (chain, draw, row), rows as in the table; NaN where the fraction is not reached.
    x : str
        The column that curves go along.
    about : str
        What was computed, in words.
    """

    table: pd.DataFrame
    draws: xr.DataArray = field(repr=False)
    x: str
    about: str

    def __repr__(self) -> str:
        return "\n".join([*self._printed.lines(), "", *wrapped(self.about)])

    def _repr_html_(self) -> str:
        return block("times", "Times", [self._printed.html(), paragraph(self.about)])

    @cached_property
    def _printed(self) -> Table:
        """The table as text."""
        table = self.table
        place = list(table.columns).index("fraction")
        names, numbers = list(table.columns[:place]), list(table.columns[place + 1 : -1])
        decimals = decimals_for(table["Est.Error"])
        fractions = [f"{value:g}" for value in table["fraction"]]
        columns: list[list[str]] = [fractions] if names else []
        heads = ["fraction"] if names else []
        for name in numbers:
            shown = decimals if name != "value" else decimals_for(table["value"].abs() / 100)
            columns.append([number(value, shown) for value in table[name]])
            heads.append(name)
        if (table["reached"] < 1.0).any():
            columns.append([f"{value:.3f}" for value in table["reached"]])
            heads.append("reached")
        labels = [
            " ".join("population" if pd.isna(v) else str(v) for v in row)
            for row in table[names].itertuples(index=False)
        ]
        rows = tuple(zip(labels if names else fractions, zip(*columns, strict=True), strict=True))
        return Table("", tuple(heads), rows, corner=" ".join(map(str, names)) or "fraction")


def time_to(
    fit: Fit,
    fraction: float | Sequence[float] = 0.9,
    *,
    x: str | None = None,
    by: str | None = None,
    group: str | None = None,
    levels: Sequence[Any] | None = None,
    at: Mapping[str, Any] | None = None,
    start: float | None = None,
    within: tuple[float, float] | None = None,
    prob: float = 0.95,
    ndraws: int | None = None,
) -> TimesTo:
    """Find when curves reach a fraction of their asymptote, with its uncertainty.

    For each draw from the posterior the asymptote is found, and the first value of `x` at which
    the expected response is that fraction of it: for the population, and for each level of a
    grouping factor with its own effects and those of the groups that it is nested in. Any curve
    will do that comes to rest for large `x`: named curves say where, others are followed outwards.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    fraction : float or sequence of float
        Between 0 and 1.
    x : str, optional
        The number that curves go along, such as age; by default the only one that the non-linear
        formula reads.
    by : str, optional
        A predictor whose values get curves of their own; as for `curves`.
    group : str, optional
        The grouping factor whose levels get curves; by default that of the model, if it has only
        one, or the one that is nested in all others. ``"NA"`` for the population alone.
    levels : sequence, optional
        Only these of its levels.
    at : mapping of str to Any, optional
        Values at which to hold other predictors; the rest as in `curves`.
    start : float, optional
        A value of x from which on to count: the fraction is that of the way from the response there
        to the asymptote. By default it is a fraction of the asymptote itself.
    within : (float, float), optional
        Where to look, in units of x. By default from zero, or from `start`, to 100 times the range
        of the data beyond them; from one range before them, if zero is farther away than that.
    prob : float
        Probability of the central interval.
    ndraws : int, optional
        How many draws to use; by default all.

    Returns
    -------
    TimesTo
        ``.table`` has a row for each curve and fraction, ``.draws`` has dimensions
        (chain, draw, row).

    Raises
    ------
    BrmspyError
        If an argument is not valid; or if in more than 5 % of the draws a curve has no asymptote,
        as a power law has none, or does not reach the fraction where it was looked for.

    Warns
    -----
    BrmspyWarning
        If that is so in fewer draws, which are left out.

    Examples
    --------
    >>> from brmspy import bf, brm, load_dataset
    >>> formula = bf("rate ~ SSmicmen(conc, Vm, K)", "Vm + K ~ 0 + state", nl=True)
    >>> fit = brm(formula, load_dataset("puromycin"), seed=1, progress=False)
    >>> times = fit.time_to(0.5, by="state")
    >>> times.table["state"].tolist()
    ['treated', 'untreated']
    >>> bool(np.allclose(times.draws[..., 0], fit["b_K_statetreated"]))  # half is reached at K
    True
    """
    fractions = _checked_fractions(fraction)
    check_probability(prob)
    columns = grid_columns(fit)
    column = columns[chosen_input(fit, columns, x)]
    if column.is_factor:
        raise BrmspyError(f"{column.name!r} is a factor, along which nothing is approached.")
    check_by(by, column.name, columns)
    search = _Search.of(fit, column, start, within)
    _refuse_names(by, chosen_group(fit, group)[0])
    rows = _rows(fit, column, by, group, levels, dict(at or {}), columns, search.low)
    found = _found(fit, rows, column.name, search, fractions, ndraws)
    _report(found.states, fractions, rows, search, column.name)
    draws = found.times.reshape(len(found.times), -1)
    table = _table(draws, found.values.reshape(draws.shape), rows, fractions, prob)
    return TimesTo(
        table,
        _as_array(draws, found.labels, table),
        column.name,
        _about(fit, column.name, columns, rows, search, by),
    )


def _checked_fractions(fraction: object) -> tuple[float, ...]:
    """Return fractions as numbers between 0 and 1, or raise."""
    given: Any = fraction if isinstance(fraction, (Sequence, np.ndarray)) else (fraction,)
    fine = len(given) > 0 and all(
        isinstance(value, (int, float, np.number))
        and not isinstance(value, bool)
        and 0.0 < float(value) < 1.0
        for value in given
    )
    if not fine:
        raise BrmspyError(
            f"fraction = {fraction!r} is not valid: it is between 0 and 1, both excluded, or "
            "several such numbers, as (0.5, 0.9)."
        )
    return tuple(float(value) for value in given)


def _refuse_names(*names: str | None) -> None:
    """Refuse columns that are called like those of the table."""
    for name in names:
        if name in _COLUMNS:
            raise BrmspyError(
                f"The table of times has a column {name!r} of its own. Rename that of the data."
            )


@dataclass(frozen=True)
class _Search:
    """Where times are looked for.

    Attributes
    ----------
    low, high : float
        The ends.
    start : float or None
        From where on the way to the asymptote counts.
    seen : tuple of float
        Ends of the data.
    places : ndarray
        Where curves are looked at first.
    """

    low: float
    high: float
    start: float | None
    seen: tuple[float, float]
    places: FloatArray

    @classmethod
    def of(
        cls,
        fit: Fit,
        column: GridColumn,
        start: float | None,
        within: tuple[float, float] | None,
    ) -> _Search:
        """Return where to look by what the user gave."""
        first, last = float(column.numbers.min()), float(column.numbers.max())
        span = (last - first) or max(abs(last), 1.0)
        if start is not None and (
            isinstance(start, bool)
            or not isinstance(start, (int, float, np.number))
            or not math.isfinite(start)
        ):
            raise BrmspyError(
                f"start = {start!r} is not valid: it is a value of {column.name!r}, such as "
                f"{first:g}."
            )
        if within is not None:
            check_xlim(within, "within")
            low, high = map(float, within)
            if start is not None and not low <= start < high:
                raise BrmspyError(f"start = {start!r} is outside of within = {within!r}.")
        else:
            low = 0.0 if 0.0 <= first <= last and first <= span else first - span
            low = max(low, _lower_bound(fit, column.name))
            high = last + _REACH * span
            if start is not None and start >= high:
                raise BrmspyError(f"start = {start!r} is beyond {high:g}, where the search ends.")
        if start is not None:
            low = float(start)
        between = np.linspace(low, min(max(last, low), high), _PLACES + 1)
        beyond = between[-1] + span * np.geomspace(1.0 / _PLACES, _REACH, _PLACES)
        places = np.unique(np.append(between, [*beyond[beyond < high], high]))
        return cls(low, high, None if start is None else float(start), (first, last), places)


def _lower_bound(fit: Fit, x: str) -> float:
    """Return the least input that a named curve is made for."""
    for predictor in fit.model.design.terms.predictors:
        if isinstance(predictor, NonlinearPredictor) and predictor.curve is not None:
            call = predictor.curve
            curve = CURVES.get(call.curve)
            for name, given in call.arguments:
                if curve is not None and name in curve.inputs and given == Covariate(x):
                    return curve.limits(name)[0]
    return -math.inf


@dataclass(frozen=True)
class _Rows:
    """The curves.

    Attributes
    ----------
    population, levels : DataFrame
        A row for each, with the values that everything else is held at; of levels there may be
        none.
    table : DataFrame
        What tells them apart; first those of the population.
    group : str
        The grouping factor of the levels; empty if there are none.
    notes : tuple of str
        What is said of them.
    """

    population: pd.DataFrame
    levels: pd.DataFrame
    table: pd.DataFrame
    group: str
    notes: tuple[str, ...]

    def name(self, place: int) -> str:
        """Return what a curve is called in a sentence."""
        row = self.table.iloc[place]
        own = [f"{key} {value}" for key, value in row.items() if not pd.isna(value)]
        if place < len(self.population):
            return f"the population's curve{' at ' + ', '.join(own) if own else ''}"
        return f"the curve of {', '.join(own)}"


def _rows(
    fit: Fit,
    column: GridColumn,
    by: str | None,
    group: str | None,
    levels: Sequence[Any] | None,
    at: Mapping[str, Any],
    columns: Mapping[str, GridColumn],
    low: float,
) -> _Rows:
    """Return the curves that are asked for."""
    by_column = None if by is None else columns[by]
    chosen, notes = chosen_group(fit, group)
    if levels is not None and not chosen:
        raise BrmspyError("levels= names levels of a grouping factor: say of which, with group=.")
    crossed: dict[str, Any] = {column.name: [low]}
    if by_column is not None:
        crossed = {by_column.name: list(by_values(by_column)), **crossed}
    population = grid(fit, crossed, at=at)
    tables = [labelled(population, chosen, None, (by,))]
    own = pd.DataFrame()
    if chosen:
        units, left_out = units_of(fit, chosen, column.name, by_column, at, columns, levels=levels)
        notes += left_out
        frames = [grid(fit, {column.name: [low]}, at=unit.held) for unit in units]
        own = pd.concat(frames, ignore_index=True)
        tables.append(labelled(own, chosen, [unit.label for unit in units], (by,)))
    table = pd.concat(tables, ignore_index=True)
    return _Rows(population, own, table, chosen, tuple(notes))


@dataclass(frozen=True)
class _Found:
    """Times, the responses there, and why they are missing; (draw, row, fraction)."""

    times: FloatArray
    values: FloatArray
    states: NDArray[np.int8]
    labels: tuple[NDArray[np.int64], NDArray[np.int64]]


def _found(
    fit: Fit,
    rows: _Rows,
    x: str,
    search: _Search,
    fractions: tuple[float, ...],
    ndraws: int | None,
) -> _Found:
    """Return the times of all curves."""
    sizes = fit.groups["posterior"].sizes
    size = max(1, _CHUNK // (ndraws or sizes["chain"] * sizes["draw"]))
    kinds = [(rows.population, "NA")]
    if rows.group:
        kinds.append((rows.levels, effects_of(fit, rows.group)))
    parts = []
    for frame, formula in kinds:
        for begin in range(0, len(frame), size):
            part = frame.iloc[begin : begin + size]
            curves = along(fit, part, x, re_formula=formula, ndraws=ndraws)
            parts.append(_times(curves, search, fractions))
    times, values, states = (np.concatenate(arrays, axis=1) for arrays in zip(*parts, strict=True))
    return _Found(times, values, states, (curves.chain, curves.draw))


def _times(
    curves: Along, search: _Search, fractions: tuple[float, ...]
) -> tuple[FloatArray, FloatArray, NDArray[np.int8]]:
    """Return times, responses there, and states; each (draw, row, fraction)."""
    goal = asymptotes(curves, *search.seen)
    origin = np.zeros(curves.shape)
    if search.start is not None:
        origin = curves.expected(np.full(curves.shape[1], search.start))
    times, values, states = [], [], []
    for fraction in fractions:
        target = origin + fraction * (goal - origin)
        when, state = _crossings(curves, target, goal, search)
        state = np.where(np.isnan(target), _NOWHERE, state)
        if search.start is None:
            state = np.where(goal == 0.0, _ZERO, state)
        times.append(np.where(state == 0, when, np.nan))
        values.append(np.where(state == 0, target, np.nan))
        states.append(state.astype(np.int8))
    return np.stack(times, axis=-1), np.stack(values, axis=-1), np.stack(states, axis=-1)


def _crossings(
    curves: Along, target: FloatArray, goal: FloatArray, search: _Search
) -> tuple[FloatArray, NDArray[np.int_]]:
    """Return where curves first cross a value, by bisection in all draws at once, and a state."""
    count = curves.shape[1]

    def side(x: FloatArray) -> FloatArray:
        with np.errstate(invalid="ignore"):
            return np.sign(curves.expected(x) - target)

    first = side(np.full(count, search.low))
    low, high = np.full(curves.shape, search.low), np.full(curves.shape, np.nan)
    for place in search.places[1:]:
        now = side(np.full(count, place))
        unknown = np.isnan(first)  # a curve may have no value where the search begins
        first, low = np.where(unknown, now, first), np.where(unknown, place, low)
        open_ = np.isnan(high) & (first != 0)
        high = np.where(open_ & (now * first <= 0), place, high)
        low = np.where(open_ & (now * first > 0), place, low)
        if not (np.isnan(high) & (first != 0)).any():
            break
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        before = side(np.where(np.isnan(middle), search.low, middle)) * first > 0
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    with np.errstate(invalid="ignore"):
        past = first == np.sign(goal - target)
    state = np.where(past, _BEFORE, np.where(np.isnan(high), _BEYOND, 0))
    return np.where(first == 0, low, 0.5 * (low + high)), np.where(first == 0, 0, state)


def _report(
    states: NDArray[np.int8],
    fractions: tuple[float, ...],
    rows: _Rows,
    search: _Search,
    x: str,
) -> None:
    """Say in which draws there is no time: an error if they are many, a warning if few."""
    missing = (states > 0).mean(axis=0)
    if not missing.any():
        return
    place, which = np.unravel_index(int(missing.argmax()), missing.shape)
    own = states[:, place, which]
    reasons, counts = np.unique(own[own > 0], return_counts=True)
    reason = int(reasons[counts.argmax()])
    ids = np.flatnonzero(own)
    shown = ", ".join(map(str, ids[:5])) + (", ..." if len(ids) > 5 else "")
    share = f"{fractions[which]:g}"
    way = "of the way to its asymptote" if search.start is not None else "of its asymptote"
    curve = rows.name(int(place))
    texts = {
        _NOWHERE: (
            f"{curve} has no asymptote: it goes on changing for ever larger {x}",
            "Such curves reach no fraction of anything; look at fit.curves() instead.",
        ),
        _ZERO: (
            f"the asymptote of {curve} is zero, and so is any fraction of it",
            f"With start=, such as start={search.seen[0]:g}, the fraction is that of the way from "
            "the response there to the asymptote.",
        ),
        _BEFORE: (
            f"{curve} is past {share} {way} at {x} = {search.low:g}, where the search begins",
            f"Look farther: within=({search.low - (search.seen[1] - search.seen[0]):g}, "
            f"{search.high:g}); or count from the response at some {x}: "
            f"start={search.seen[0]:g}.",
        ),
        _BEYOND: (
            f"{curve} has not reached {share} {way} by {x} = {search.high:g}, where the search "
            "ends",
            "Look farther with within=, or ask for a smaller fraction.",
        ),
    }
    what, how = texts[reason]
    several = int((missing > 0).any(axis=1).sum())
    also = f" The same holds for {several - 1} other curves." if several > 1 else ""
    message = f"{what[0].upper()}{what[1:]}, in {len(ids)} of {len(own)} draws ({shown}).{also}"
    if missing.max() > _FEW:
        raise BrmspyError(f"{message} {how}")
    warn(f"{message} These draws are left out. {how}", BrmspyWarning)


def _table(
    draws: FloatArray,
    values: FloatArray,
    rows: _Rows,
    fractions: tuple[float, ...],
    prob: float,
) -> pd.DataFrame:
    """Return the times of all curves, summarised."""
    count = len(fractions)
    table = rows.table.loc[rows.table.index.repeat(count)].reset_index(drop=True)
    table["fraction"] = np.tile(fractions, len(rows.table))
    reached = ~np.isnan(draws)
    summaries = [
        summarise_values(draws[mask, place][:, None], prob) for place, mask in enumerate(reached.T)
    ]
    summary = pd.concat(summaries, ignore_index=True)
    for name in summary:
        table[name] = summary[name].to_numpy()
    table["value"] = np.nanmean(values, axis=0)
    table["reached"] = reached.mean(axis=0)
    return table


def _as_array(
    draws: FloatArray, labels: tuple[NDArray[np.int64], NDArray[np.int64]], table: pd.DataFrame
) -> xr.DataArray:
    """Return draws with their labels."""
    import xarray as xr

    chain, draw = labels
    return xr.DataArray(
        draws.reshape(len(chain), len(draw), -1),
        coords={"chain": chain, "draw": draw, "row": table.index.to_numpy()},
        dims=("chain", "draw", "row"),
        name="time",
    )


def _about(
    fit: Fit,
    x: str,
    columns: Mapping[str, GridColumn],
    rows: _Rows,
    search: _Search,
    by: str | None,
) -> str:
    """Say what was computed."""
    response = fit.model.design.terms.response.label
    way = "to a fraction of its asymptote"
    if search.start is not None:
        way = f"a fraction of the way from its value at {x} = {search.start:g} to its asymptote"
    held = held_text(fit, columns, rows.population, (x, by))
    text = f"The {x} at which the expected {response} has come {way}."
    return " ".join(filter(None, [text, f"Population at {held}." if held else "", *rows.notes]))
