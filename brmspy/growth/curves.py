"""Curves of the expected response along a variable: of the population, and of each level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.errors import BrmspyError
from brmspy.fit import Fit
from brmspy.grids import GridColumn, grid, grid_columns, predictors_behind
from brmspy.growth.inputs import check_by, chosen_input
from brmspy.growth.levels import Unit, by_values, chosen_group, effects_of, labelled, units_of
from brmspy.predict import along, posterior_epred

__all__ = ["CurveRequest", "Curves", "check_xlim", "compute_curves", "held_text"]

FloatArray = NDArray[np.float64]

_CHUNK = 4_000_000  # numbers in one array of draws and rows


@dataclass(frozen=True)
class CurveRequest:
    """What curves are asked for.

    Attributes
    ----------
    x, by, group, levels, at, dpar, nlpar, slope, prob, prob_outer, resolution, max_levels, \
extend, xlim, ndraws
        As for `brmspy.curves`.
    """

    x: str | None
    by: str | None
    group: str | None
    levels: Sequence[Any] | None
    at: Mapping[str, Any]
    dpar: str | None
    nlpar: str | None
    slope: bool
    prob: float
    prob_outer: float
    resolution: int
    max_levels: int
    extend: bool
    xlim: tuple[float, float] | None
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


def compute_curves(fit: Fit, asked: CurveRequest, shared: bool = False) -> Curves:
    """Compute curves.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    asked : CurveRequest
        Which ones; its probabilities are valid.
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
    x = columns[chosen_input(fit, columns, asked.x, asked.nlpar or asked.dpar)]
    _check(asked, columns, x)
    by = None if asked.by is None else columns[asked.by]
    group, notes = chosen_group(fit, asked.group)
    if asked.levels is not None and not group:
        raise BrmspyError("levels= names levels of a grouping factor: say of which, with group=.")
    values = by_values(by)
    crossed = {x.name: _places(x, asked)}
    if by is not None:
        crossed = {by.name: list(values), **crossed}
    population = grid(fit, crossed, at=asked.at)
    names = _names(asked)
    frames: list[pd.DataFrame] = []
    if group:
        units, left_out = units_of(
            fit, group, x.name, by, asked.at, columns, levels=asked.levels, most=asked.max_levels
        )
        notes += left_out
        frames = [_unit_frame(fit, asked, x, unit) for unit in units]
        if max(map(len, frames)) == 1:
            notes.append(f"{x.name} does not vary within levels of {group}: no curves of theirs.")
            frames, group = [], ""
    kept = (asked.by, x.name)
    table = labelled(population, group, None, kept)
    table[list(names)] = _summarised(fit, asked, population, x, "NA")
    parts, both = [table], pd.DataFrame()
    if group:
        own = pd.concat(frames, ignore_index=True)
        labels = [
            unit.label for unit, frame in zip(units, frames, strict=True) for _ in range(len(frame))
        ]
        own_table = labelled(own, group, labels, kept)
        both = own_table.copy()
        own_table[list(names)] = _summarised(fit, asked, own, x, effects_of(fit, group))
        parts.append(own_table)
        if shared:
            both[list(names)] = _summarised(fit, asked, own, x, "NA")
    held = held_text(fit, columns, population, (x.name, asked.by), asked.nlpar or asked.dpar)
    return Curves(
        pd.concat(parts, ignore_index=True),
        both,
        x,
        by,
        group,
        values,
        names,
        " ".join(filter(None, [f"Population at {held}." if held else "", *notes])),
    )


def _check(asked: CurveRequest, columns: Mapping[str, GridColumn], x: GridColumn) -> None:
    """Refuse arguments that are not valid."""
    check_by(asked.by, x.name, columns)
    if asked.slope and x.is_factor:
        raise BrmspyError(f"{x.name!r} is a factor, along which there is no slope.")
    if asked.xlim is not None:
        if x.is_factor:
            raise BrmspyError(f"{x.name!r} is a factor, which has no xlim.")
        check_xlim(asked.xlim)
    for argument, least in (("resolution", 2), ("max_levels", 1)):
        value = getattr(asked, argument)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise BrmspyError(
                f"{argument} = {value!r} is not valid: a whole number from {least} on."
            )


def check_xlim(xlim: object, name: str = "xlim") -> None:
    """Refuse ends of an axis that are none.

    Parameters
    ----------
    xlim : object
        What the user gave.
    name : str
        For what.

    Raises
    ------
    BrmspyError
        If it is not a pair of finite numbers, the smaller one first.
    """
    try:
        low, high = (float(value) for value in xlim)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        low, high = np.nan, np.nan
    if not -np.inf < low < high < np.inf:
        raise BrmspyError(
            f"{name} = {xlim!r} is not valid: it is a pair of numbers, such as (0, 40)."
        )


def _places(x: GridColumn, asked: CurveRequest) -> list[Any]:
    """Return where along x the population's curves are computed."""
    if asked.xlim is None:
        return x.sequence(asked.resolution)
    low, high = asked.xlim
    return list(np.linspace(float(low), float(high), asked.resolution).tolist())


def _unit_frame(fit: Fit, asked: CurveRequest, x: GridColumn, unit: Unit) -> pd.DataFrame:
    """Return data to predict for along the curve of one level: where it was observed."""
    places = _places(x, asked)
    if not asked.extend and asked.xlim is None:
        seen = x.values.iloc[unit.rows]
        if x.is_factor:
            known = set(seen)
            places = [level for level in places if level in known]
        else:
            low, high = float(seen.min()), float(seen.max())
            places = list(np.linspace(low, high, asked.resolution)) if low < high else [low]
    return grid(fit, {x.name: places}, at=unit.held)


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
        # Slopes may be infinite, as that of a root at zero is.
        with np.errstate(invalid="ignore"):
            summary = [draws.mean(axis=0), draws.std(axis=0, ddof=1 if len(draws) > 1 else 0)]
            tails = np.quantile(draws, _tails(asked), axis=0)
        parts.append(np.column_stack([*summary, *tails]))
    return np.concatenate(parts)


def _draws(
    fit: Fit, asked: CurveRequest, frame: pd.DataFrame, x: GridColumn, re_formula: str
) -> FloatArray:
    """Return the expected response, or its slope, of each row under each draw."""
    wanted: dict[str, Any] = {
        "re_formula": re_formula,
        "dpar": asked.dpar,
        "nlpar": asked.nlpar,
        "ndraws": asked.ndraws,
    }
    if asked.slope:
        functions = along(fit, frame, x.name, **wanted)
        return functions.rate(functions.here)
    return posterior_epred(fit, frame, **wanted).to_numpy().reshape(-1, len(frame))


def held_text(
    fit: Fit,
    columns: Mapping[str, GridColumn],
    frame: pd.DataFrame,
    shown: Sequence[str | None],
    parameter: str | None = None,
) -> str:
    """Return what the population's curves hold fixed.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    columns : mapping of str to GridColumn
        The columns that it reads.
    frame : DataFrame
        The rows of the curves.
    shown : sequence of str or None
        Columns that the picture shows.
    parameter : str, optional
        The distributional or non-linear parameter whose curves they are.

    Returns
    -------
    str
        Such as ``"dose = 4, sex = f"``; empty for nothing.
    """
    behind = predictors_behind(fit, parameter or "mu")
    held = []
    for name, column in columns.items():
        if name in shown or name not in frame or column.only_groups:
            continue
        if column.roles == {"trials"} or not column.is_read_by(behind, groups=False):
            continue
        held.append(f"{name} = {_value_text(column, frame[name].iloc[0])}")
    return ", ".join(held)


def _value_text(column: GridColumn, value: Any) -> str:
    """Return a value as text, a number with few digits."""
    if column.is_factor:
        return str(value)
    number = float(value)
    # The mean of a centred column is a rounding error.
    small = abs(number) < 1e-9 * float(np.abs(column.numbers).max())
    return "0" if small else f"{number:.4g}"
