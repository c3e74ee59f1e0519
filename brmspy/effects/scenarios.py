"""The rows that predictions, comparisons and slopes are of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from brmspy.data import as_frame
from brmspy.effects.rows import Groups
from brmspy.effects.target import Target, held_values
from brmspy.errors import BrmspyError, DataError
from brmspy.grids import cells, grid

__all__ = ["as_names", "crossed", "identified", "is_typical", "notes_of", "rows_of", "with_value"]


def rows_of(target: Target, newdata: Any) -> pd.DataFrame:
    """Return the rows that are asked for.

    Parameters
    ----------
    target : Target
        What is predicted.
    newdata : DataFrame, "typical" or None
        None for the rows that the model was fitted to, ``"typical"`` for one row of typical values.

    Returns
    -------
    DataFrame

    Raises
    ------
    BrmspyError
        If it is a word other than this, or has no rows.
    """
    if newdata is None:
        return target.fit.data
    frame = grid(target.fit, {}) if is_typical(newdata) else as_frame(newdata)
    if len(frame) == 0:
        raise DataError("The new data have no rows.")
    return frame


def is_typical(newdata: Any) -> bool:
    """Tell whether the user asked for a row of typical values.

    Parameters
    ----------
    newdata : Any
        What the user gave.

    Returns
    -------
    bool

    Raises
    ------
    BrmspyError
        If it is another word.
    """
    if not isinstance(newdata, str):
        return False
    if newdata != "typical":
        raise BrmspyError(
            f"newdata = {newdata!r} is not valid. It is a data frame, None for the model's own "
            'data, or "typical" for one row of typical values.'
        )
    return True


def crossed(
    target: Target, frame: pd.DataFrame, values: Mapping[str, Sequence[Any]]
) -> pd.DataFrame:
    """Return a frame once for each combination of values that are put into it.

    Parameters
    ----------
    target : Target
        What is predicted.
    frame : DataFrame
        The rows.
    values : mapping of str to sequence
        Values of each column.

    Returns
    -------
    DataFrame
        The last column varies fastest, the rows faster still.
    """
    combinations = list(product(*values.values()))
    result = frame.iloc[np.tile(np.arange(len(frame)), len(combinations))].reset_index(drop=True)
    for place, name in enumerate(values):
        column = [row[place] for row in combinations]
        typed = pd.Series(cells(target.column(name), column))
        result[name] = typed.repeat(len(frame)).reset_index(drop=True)
    return result


def with_value(target: Target, frame: pd.DataFrame, name: str, values: Any) -> pd.DataFrame:
    """Return a frame with other values of a column.

    Parameters
    ----------
    target : Target
        What is predicted.
    frame : DataFrame
        The rows.
    name : str
        The column.
    values : Any
        One value, or one for each row.

    Returns
    -------
    DataFrame
    """
    listed = values if isinstance(values, np.ndarray) else [values] * len(frame)
    typed = pd.Series(cells(target.column(name), listed), index=frame.index)
    return frame.assign(**{name: typed})


def identified(
    target: Target, frame: pd.DataFrame, groups: Groups | None, **what: str
) -> pd.DataFrame:
    """Return what estimates belong to: the rows or groups of rows, and what is estimated of them.

    Parameters
    ----------
    target : Target
        What is predicted.
    frame : DataFrame
        The rows.
    groups : Groups or None
        Groups of rows; None if each row has its own estimate.
    **what : str
        First columns of the result, the same in all rows.

    Returns
    -------
    DataFrame
    """
    if groups is None:
        table = frame[[name for name in target.columns if name in frame.columns]]
        rows = {} if "rowid" in table else {"rowid": frame.index.to_numpy()}
    else:
        table, rows = groups.table, {}
    index = pd.RangeIndex(len(table))
    first = pd.DataFrame({**what, **rows}, index=index)
    return pd.concat([first, table.set_axis(index)], axis=1)


def as_names(argument: str, given: Any) -> list[str]:
    """Return one name or several as a list.

    Parameters
    ----------
    argument : str
        For the error.
    given : str, sequence of str or None
        What the user gave.

    Returns
    -------
    list of str

    Raises
    ------
    BrmspyError
        If it is neither.
    """
    if given is None:
        return []
    if isinstance(given, str):
        return [given]
    names = list(given) if np.iterable(given) else [given]
    if not all(isinstance(name, str) for name in names):
        raise BrmspyError(f"{argument} = {given!r} is not valid: it names columns of the data.")
    return names


def notes_of(target: Target, frame: pd.DataFrame, newdata: Any, averaged: bool) -> tuple[str, ...]:
    """Return what was predicted for and what took part, in words.

    Parameters
    ----------
    target : Target
        What is predicted.
    frame : DataFrame
        The rows.
    newdata : Any
        What the user asked for.
    averaged : bool
        Whether the rows are averaged.

    Returns
    -------
    tuple of str
    """
    rows = "row" if len(frame) == 1 else "rows"
    where = "the data" if newdata is None else "the new data"
    if isinstance(newdata, str):
        held = ", ".join(map(str, held_values(target, ())))
        over = f"Held at {held}." if held else ""
    elif averaged:
        over = f"Averaged over {len(frame)} {rows} of {where}."
    else:
        over = f"For {len(frame)} {rows} of {where}."
    groups = target.groups_note(() if is_typical(newdata) else None)
    counted = target.fit.model.design.terms.response
    trials = (
        "Counts of the trials in each row; give newdata with one trial for probabilities."
        if target.counts_trials and counted.trials is not None and not isinstance(newdata, str)
        else ""
    )
    return (over, f"{groups[0].upper()}{groups[1:]}." if groups else "", trials)
