"""Which levels of a grouping factor get curves, and what each of them has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.data import GroupInfo
from brmspy.data.factors import as_labels
from brmspy.drawing import joined
from brmspy.errors import BrmspyError, did_you_mean
from brmspy.fit import Fit
from brmspy.formula import LinearPredictor
from brmspy.formula.expression import Name, deparse
from brmspy.grids import GridColumn

__all__ = ["NO_GROUP", "Unit", "by_values", "chosen_group", "effects_of", "labelled", "units_of"]

NO_GROUP = "NA"
_FEW_VALUES = 5  # a number with no more different ones is taken as it is


@dataclass(frozen=True)
class Unit:
    """One level of a grouping factor, at one value of `by`.

    Attributes
    ----------
    label : str
        The level.
    rows : ndarray of int
        Its rows in the data.
    held : mapping of str to Any
        What it has of the columns that do not vary within it.
    """

    label: str
    rows: NDArray[np.intp]
    held: Mapping[str, Any]


def chosen_group(fit: Fit, group: str | None) -> tuple[str, list[str]]:
    """Return the grouping factor whose levels get curves, and what is said of it.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    group : str or None
        What the user gave; None for the finest one, ``"NA"`` for none.

    Returns
    -------
    group : str
        Empty for none.
    notes : list of str

    Raises
    ------
    BrmspyError
        If there is no such grouping factor.
    """
    groups = list(dict.fromkeys(info.group for info in fit.model.design.groups))
    if group == NO_GROUP or not groups:
        if group not in (None, NO_GROUP):
            raise BrmspyError("The model has no group-level effects: leave group out.")
        return "", []
    if group is None:
        finest = [info for info in fit.model.design.groups if _holds_all(info, fit)]
        if finest:
            return finest[0].group, []
        return "", [f"Curves of levels: group = {joined(map(repr, groups), 'or')}."]
    if group not in groups:
        raise BrmspyError(
            f"The model has no grouping factor {group!r}. {did_you_mean(str(group), groups)}"
        )
    return group, []


def _holds_all(info: GroupInfo, fit: Fit) -> bool:
    """Say whether all grouping factors are those of one group, or what it is nested in."""
    return all(set(other.factors) <= set(info.factors) for other in fit.model.design.groups)


def by_values(by: GridColumn | None) -> tuple[Any, ...]:
    """Return the values at which there are curves: levels, a few numbers, or mean and mean ± sd.

    Parameters
    ----------
    by : GridColumn or None
        The column that tells curves apart.

    Returns
    -------
    tuple
    """
    if by is None:
        return ()
    if by.is_factor:
        return by.levels
    distinct = np.unique(by.numbers)
    if len(distinct) <= _FEW_VALUES:
        return tuple(distinct.tolist())
    mean, sd = by.numbers.mean(), by.numbers.std(ddof=1)
    return tuple(float(f"{value:.4g}") for value in (mean - sd, mean, mean + sd))


def units_of(
    fit: Fit,
    group: str,
    x: str,
    by: GridColumn | None,
    at: Mapping[str, Any],
    columns: Mapping[str, GridColumn],
    *,
    levels: Sequence[Any] | None = None,
    most: int | None = None,
) -> tuple[list[Unit], list[str]]:
    """Return the levels that get a curve, and what is said of those left out.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    group : str
        The grouping factor.
    x : str
        What curves go along.
    by : GridColumn or None
        What tells curves apart.
    at : mapping of str to Any
        Values at which the user holds columns.
    columns : mapping of str to GridColumn
        The columns that the model reads.
    levels : sequence, optional
        The levels that the user wants, in this order; by default all.
    most : int, optional
        How many get a curve; of more, evenly spaced ones. Levels that are named all do.

    Returns
    -------
    units : list of Unit
    notes : list of str

    Raises
    ------
    BrmspyError
        If there is no such level.
    """
    design = fit.model.design
    block = next(i for i, info in enumerate(design.groups) if info.group == group)
    info, index = design.groups[block], design.arrays.groups[block].index
    chosen = _positions(info, levels)
    notes = []
    if levels is None and most is not None and len(chosen) > most:
        notes.append(f"{most} of {len(chosen)} levels of {group} (max_levels=).")
        chosen = np.unique(np.linspace(0, len(chosen) - 1, most).astype(int))
    units = []
    for level in chosen:
        rows = np.nonzero(index == level)[0]
        for part, held in _by_parts(design.data, rows, by):
            own = _constants(design.data, part, x, at, columns) | held
            for factor in info.factors:
                own[factor] = design.data[factor].iloc[int(part[0])]
            units.append(Unit(info.levels[level], part, own))
    return units, notes


def _positions(info: GroupInfo, levels: Sequence[Any] | None) -> NDArray[np.intp]:
    """Return the positions of the levels that are wanted."""
    if levels is None:
        return np.arange(len(info.levels))
    given = [levels] if isinstance(levels, str) or not isinstance(levels, Sequence) else levels
    labels = list(dict.fromkeys(as_labels(list(given))))
    if not labels:
        raise BrmspyError(f"levels = {levels!r} names no level. Leave it out for all.")
    for label in labels:
        if label not in info.levels:
            raise BrmspyError(
                f"{info.group!r} has no level {label!r}. {did_you_mean(label, info.levels)}"
            )
    return np.array([info.levels.index(label) for label in labels], dtype=np.intp)


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
    x: str,
    at: Mapping[str, Any],
    columns: Mapping[str, GridColumn],
) -> dict[str, Any]:
    """Return what a level has of the columns that do not vary within it, where nothing is set."""
    held = dict(at)
    for name, column in columns.items():
        # Exposure and trials are the same for all curves, or they could not be compared.
        if name == x or name in held or column.roles & {"trials", "offset"}:
            continue
        values = data[name].iloc[rows]
        if values.nunique() == 1:
            held[name] = values.iloc[0]
    return held


def effects_of(fit: Fit, group: str) -> str:
    """Return the formula of all effects of a grouping factor and of those that it is nested in.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    group : str
        The grouping factor.

    Returns
    -------
    str
        For `re_formula`.
    """
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


def labelled(
    frame: pd.DataFrame, group: str, labels: Sequence[str] | None, kept: Sequence[str | None]
) -> pd.DataFrame:
    """Return what tells rows apart: the level of a group, and some columns.

    Parameters
    ----------
    frame : DataFrame
        The rows.
    group : str
        The grouping factor; empty for none.
    labels : sequence of str or None
        The level of each row; None for the population.
    kept : sequence of str or None
        Columns to keep, where they are in the frame.

    Returns
    -------
    DataFrame
    """
    found: dict[str, Any] = {}
    if group:
        found[group] = pd.Series(labels, index=frame.index, dtype="str")
    for name in kept:
        if name is not None and name in frame:
            found[name] = frame[name]
    return pd.DataFrame(found, index=frame.index)
