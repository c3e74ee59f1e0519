"""Curves of the expected response along a variable: of the population, and of each level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.data import GroupInfo
from brmspy.drawing import joined
from brmspy.errors import BrmspyError, did_you_mean
from brmspy.fit import Fit
from brmspy.formula import LinearPredictor
from brmspy.formula.expression import Name, deparse
from brmspy.grids import GridColumn, grid, grid_columns, predictors_behind
from brmspy.plots.probabilities import check_probabilities
from brmspy.predict import posterior_epred

__all__ = ["NO_GROUP", "CurveRequest", "Curves", "compute_curves"]

FloatArray = NDArray[np.float64]

NO_GROUP = "NA"
_CHUNK = 4_000_000  # numbers in one array of draws and rows
_FEW_VALUES = 5  # a number with no more different ones is taken as it is
_STEP = 1e-4  # of the range of x, for slopes


@dataclass(frozen=True)
class CurveRequest:
    """What curves are asked for; see `brmspy.curves`."""

    x: str
    by: str | None
    group: str | None
    at: Mapping[str, Any]
    dpar: str | None
    nlpar: str | None
    slope: bool
    prob: float
    prob_outer: float
    resolution: int
    max_levels: int
    extend: bool
    ndraws: int | None


@dataclass(frozen=True)
class Curves:
    """Curves, ready to be drawn.

    Attributes
    ----------
    table : DataFrame
        One row for each point of each curve: first those of the population, then of the levels.
    shared : DataFrame
        The population's curves at the values that the levels have; rows as in `levels`.
    x, by : GridColumn, GridColumn or None
        What stands along x, and what tells curves apart.
    group : str
        The grouping factor, ``""`` if there is none.
    by_values : tuple
        Values of `by` for which there are curves of the population.
    names : tuple of str
        Columns of the table: Estimate, Est.Error, and the quantiles from lowest to highest.
    note : str
        At which values everything else is held, and what was left out.
    """

    table: pd.DataFrame
    shared: pd.DataFrame
    x: GridColumn
    by: GridColumn | None
    group: str
    by_values: tuple[Any, ...]
    names: tuple[str, ...]
    note: str

    @property
    def population(self) -> pd.DataFrame:
        """The rows of the population's curves."""
        return self.table[self.table[self.group].isna()] if self.group else self.table

    @property
    def levels(self) -> pd.DataFrame:
        """The rows of the levels' curves."""
        if not self.group:
            return self.table.iloc[:0]
        return self.table[self.table[self.group].notna()]


@dataclass(frozen=True)
class _Unit:
    """One level of the group, at one value of `by`."""

    label: str
    rows: NDArray[np.intp]
    held: Mapping[str, Any]


def compute_curves(fit: Fit, asked: CurveRequest, shared: bool = False) -> Curves:
    """Compute curves.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    asked : CurveRequest
        Which ones.
    shared : bool
        Whether to compute `Curves.shared`.

    Returns
    -------
    Curves

    Raises
    ------
    BrmspyError
        If an argument is not valid.
    """
    columns = grid_columns(fit)
    _check(fit, asked, columns)
    x = columns[asked.x]
    by = None if asked.by is None else columns[asked.by]
    group, notes = _chosen_group(fit, asked)
    values = _by_values(by)
    places = x.sequence(asked.resolution)
    crossed = {asked.x: places} if by is None else {by.name: list(values), asked.x: places}
    population = grid(fit, crossed, at=asked.at)
    names = _names(asked)
    frames: list[pd.DataFrame] = []
    if group:
        units, left_out = _units(fit, asked, group, by, columns)
        notes += left_out
        frames = [_unit_frame(fit, asked, x, unit) for unit in units]
        if max(map(len, frames)) == 1:
            notes.append(f"{asked.x} does not vary within levels of {group}: no curves of theirs.")
            frames, group = [], ""
    table = _labelled(population, asked, group, None)
    table[list(names)] = _summarised(fit, asked, population, x, "NA")
    parts, both = [table], pd.DataFrame()
    if group:
        own = pd.concat(frames, ignore_index=True)
        labels = [
            unit.label for unit, frame in zip(units, frames, strict=True) for _ in range(len(frame))
        ]
        formula = _effects_of(fit, group)
        own_table = _labelled(own, asked, group, labels)
        both = own_table.copy()
        own_table[list(names)] = _summarised(fit, asked, own, x, formula)
        parts.append(own_table)
        if shared:
            both[list(names)] = _summarised(fit, asked, own, x, "NA")
    held = _held(fit, asked, columns, population)
    return Curves(
        pd.concat(parts, ignore_index=True),
        both,
        x,
        by,
        group,
        values,
        names,
        " ".join(filter(None, [held, *notes])),
    )


def _check(fit: Fit, asked: CurveRequest, columns: Mapping[str, GridColumn]) -> None:
    """Refuse arguments that are not valid."""
    check_probabilities(prob=asked.prob, prob_outer=asked.prob_outer)
    useful = [name for name, column in columns.items() if not column.only_groups]
    for argument, name in (("x", asked.x), ("by", asked.by)):
        if name is None or name in useful:
            continue
        if name in columns:
            raise BrmspyError(
                f"{argument} = {name!r} only tells groups apart: it is for group=, not for "
                f"{argument}=. {did_you_mean(name, useful)}"
            )
        raise BrmspyError(
            f"{argument} = {name!r} is no predictor of the model. {did_you_mean(str(name), useful)}"
        )
    if asked.x == asked.by:
        raise BrmspyError(f"x and by are both {asked.x!r}: curves along a variable need another.")
    if asked.slope and columns[asked.x].is_factor:
        raise BrmspyError(f"{asked.x!r} is a factor, along which there is no slope.")
    for argument, least in (("resolution", 2), ("max_levels", 1)):
        value = getattr(asked, argument)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise BrmspyError(
                f"{argument} = {value!r} is not valid: a whole number from {least} on."
            )


def _chosen_group(fit: Fit, asked: CurveRequest) -> tuple[str, list[str]]:
    """Return the grouping factor whose levels get curves, and what is said of it."""
    groups = list(dict.fromkeys(info.group for info in fit.model.design.groups))
    if asked.group == NO_GROUP or not groups:
        if asked.group not in (None, NO_GROUP):
            raise BrmspyError("The model has no group-level effects: leave group out.")
        return "", []
    if asked.group is None:
        finest = [info for info in fit.model.design.groups if _holds_all(info, fit)]
        if finest:
            return finest[0].group, []
        return "", [f"Curves of levels: group = {joined(map(repr, groups), 'or')}."]
    if asked.group not in groups:
        raise BrmspyError(
            f"The model has no grouping factor {asked.group!r}. "
            f"{did_you_mean(str(asked.group), groups)}"
        )
    return asked.group, []


def _holds_all(info: GroupInfo, fit: Fit) -> bool:
    """Say whether all grouping factors are those of one group, or what it is nested in."""
    return all(set(other.factors) <= set(info.factors) for other in fit.model.design.groups)


def _by_values(by: GridColumn | None) -> tuple[Any, ...]:
    """Return the values at which there are curves: levels, a few numbers, or mean and mean ± sd."""
    if by is None:
        return ()
    if by.is_factor:
        return by.levels
    distinct = np.unique(by.numbers)
    if len(distinct) <= _FEW_VALUES:
        return tuple(distinct.tolist())
    mean, sd = by.numbers.mean(), by.numbers.std(ddof=1)
    return tuple(float(f"{value:.4g}") for value in (mean - sd, mean, mean + sd))


def _units(
    fit: Fit,
    asked: CurveRequest,
    group: str,
    by: GridColumn | None,
    columns: Mapping[str, GridColumn],
) -> tuple[list[_Unit], list[str]]:
    """Return the levels that get a curve, and what is said of those left out."""
    design = fit.model.design
    block = next(i for i, info in enumerate(design.groups) if info.group == group)
    info, index = design.groups[block], design.arrays.groups[block].index
    chosen = np.arange(len(info.levels))
    notes = []
    if len(chosen) > asked.max_levels:
        notes.append(f"{asked.max_levels} of {len(chosen)} levels of {group} (max_levels=).")
        chosen = np.unique(np.linspace(0, len(chosen) - 1, asked.max_levels).astype(int))
    units = []
    for level in chosen:
        rows = np.nonzero(index == level)[0]
        for part, held in _by_parts(design.data, rows, by):
            own = _constants(design.data, part, asked, columns) | held
            for factor in info.factors:
                own[factor] = design.data[factor].iloc[int(part[0])]
            units.append(_Unit(info.levels[level], part, own))
    return units, notes


def _by_parts(
    data: pd.DataFrame, rows: NDArray[np.intp], by: GridColumn | None
) -> Iterator[tuple[NDArray[np.intp], dict[str, Any]]]:
    """Yield the rows of a level for each value of `by` that it has, if that is a factor."""
    if by is None or not by.is_factor:
        yield rows, {}
        return
    values = data[by.name].iloc[rows].to_numpy()
    for level in by.levels:
        mine = rows[values == level]
        if len(mine):
            yield mine, {by.name: level}


def _constants(
    data: pd.DataFrame,
    rows: NDArray[np.intp],
    asked: CurveRequest,
    columns: Mapping[str, GridColumn],
) -> dict[str, Any]:
    """Return what a level has of the columns that do not vary within it, where nothing is set."""
    held = dict(asked.at)
    for name, column in columns.items():
        # Exposure and trials are the same for all curves, or they could not be compared.
        if name == asked.x or name in held or column.roles & {"trials", "offset"}:
            continue
        values = data[name].iloc[rows]
        if values.nunique() == 1:
            held[name] = values.iloc[0]
    return held


def _unit_frame(fit: Fit, asked: CurveRequest, x: GridColumn, unit: _Unit) -> pd.DataFrame:
    """Return data to predict for along the curve of one level: where it was observed."""
    places = x.sequence(asked.resolution)
    if not asked.extend:
        seen = x.values.iloc[unit.rows]
        if x.is_factor:
            known = set(seen)
            places = [level for level in places if level in known]
        else:
            low, high = float(seen.min()), float(seen.max())
            places = list(np.linspace(low, high, asked.resolution)) if low < high else [low]
    return grid(fit, {asked.x: places}, at=unit.held)


def _effects_of(fit: Fit, group: str) -> str:
    """Return the formula of all effects of a grouping factor and of those that it is nested in."""
    predictors = fit.model.design.terms.predictors
    linear = [item for item in predictors if isinstance(item, LinearPredictor)]
    terms = [term for item in linear for term in item.groups]
    factors = next(set(term.factors) for term in terms if term.group == group)
    texts = dict.fromkeys(
        f"({term.effects} | {':'.join(deparse(Name(factor)) for factor in term.factors)})"
        for term in terms
        if set(term.factors) <= factors
    )
    return f"~ {' + '.join(texts)}"


def _labelled(
    frame: pd.DataFrame, asked: CurveRequest, group: str, labels: Sequence[str] | None
) -> pd.DataFrame:
    """Return what tells the points of curves apart."""
    found: dict[str, Any] = {}
    if group:
        found[group] = pd.Series(labels, index=frame.index, dtype="str")
    if asked.by is not None and asked.by in frame:
        found[asked.by] = frame[asked.by]
    found[asked.x] = frame[asked.x]
    return pd.DataFrame(found, index=frame.index)


def _names(asked: CurveRequest) -> tuple[str, ...]:
    """Return the names of the summaries."""
    return "Estimate", "Est.Error", *(f"Q{100 * p:.6g}" for p in _tails(asked))


def _tails(asked: CurveRequest) -> list[float]:
    """Return the probabilities of the intervals' ends, each once."""
    ends = {(1 - p) / 2 for p in (asked.prob, asked.prob_outer)}
    return sorted(round(p, 12) for p in ends | {1 - p for p in ends})


def _summarised(
    fit: Fit, asked: CurveRequest, frame: pd.DataFrame, x: GridColumn, re_formula: str
) -> FloatArray:
    """Return mean, standard deviation and quantiles for every row of a frame."""
    sizes = fit.groups["posterior"].sizes
    size = max(1, _CHUNK // (asked.ndraws or sizes["chain"] * sizes["draw"]))
    parts = []
    for start in range(0, len(frame), size):
        draws = _draws(fit, asked, frame.iloc[start : start + size], x, re_formula)
        summary = [draws.mean(axis=0), draws.std(axis=0, ddof=1 if len(draws) > 1 else 0)]
        parts.append(np.column_stack([*summary, *np.quantile(draws, _tails(asked), axis=0)]))
    return np.concatenate(parts)


def _draws(
    fit: Fit, asked: CurveRequest, frame: pd.DataFrame, x: GridColumn, re_formula: str
) -> FloatArray:
    """Return the expected response, or its slope, of each row under each draw."""

    def expected(rows: pd.DataFrame) -> FloatArray:
        found = posterior_epred(
            fit,
            rows,
            re_formula=re_formula,
            dpar=asked.dpar,
            nlpar=asked.nlpar,
            ndraws=asked.ndraws,
        )
        return found.to_numpy().reshape(-1, len(rows))

    if not asked.slope:
        return expected(frame)
    # Not beyond the data: the model may have no value there.
    low, high = float(x.numbers.min()), float(x.numbers.max())
    step = _STEP * (high - low)
    here = frame[asked.x].to_numpy(dtype=float)
    before, after = np.maximum(here - step, low), np.minimum(here + step, high)
    rise = expected(frame.assign(**{asked.x: after})) - expected(frame.assign(**{asked.x: before}))
    return rise / (after - before)


def _held(
    fit: Fit, asked: CurveRequest, columns: Mapping[str, GridColumn], frame: pd.DataFrame
) -> str:
    """Return a sentence on what the population's curves hold fixed."""
    behind = predictors_behind(fit, asked.nlpar or asked.dpar or "mu")
    held = []
    for name, column in columns.items():
        if name in (asked.x, asked.by) or name not in frame or column.only_groups:
            continue
        if column.roles == {"trials"} or not column.is_read_by(behind, groups=False):
            continue
        held.append(f"{name} = {_value_text(column, frame[name].iloc[0])}")
    return f"Population at {', '.join(held)}." if held else ""


def _value_text(column: GridColumn, value: Any) -> str:
    """Return a value as text, a number with few digits."""
    if column.is_factor:
        return str(value)
    number = float(value)
    # The mean of a centred column is a rounding error.
    small = abs(number) < 1e-9 * float(np.abs(column.numbers).max())
    return "0" if small else f"{number:.4g}"
