"""Conditions: values at which a user holds columns that are not shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from brmspy.data import as_frame
from brmspy.effects.target import Target
from brmspy.errors import BrmspyError

__all__ = ["Condition", "listed_conditions"]

_LABEL = "cond__"


@dataclass(frozen=True)
class Condition:
    """Values at which columns are held.

    Attributes
    ----------
    items : tuple of (str, Any)
        Columns and their values.
    name : str or None
        What the user calls it.
    """

    items: tuple[tuple[str, Any], ...] = ()
    name: str | None = field(default=None)

    @property
    def values(self) -> dict[str, Any]:
        """The value of each column."""
        return dict(self.items)

    @property
    def label(self) -> str:
        """Its name, or its values in words; empty if it holds nothing."""
        if self.name is not None:
            return self.name
        return " & ".join(f"{name} = {_text(value)}" for name, value in self.items)

    def without(self, columns: Sequence[str]) -> Condition:
        """Return the condition without some columns.

        Parameters
        ----------
        columns : sequence of str
            Columns that are shown.

        Returns
        -------
        Condition
        """
        kept = tuple(item for item in self.items if item[0] not in columns)
        return Condition(kept, self.name if kept else None)


def listed_conditions(target: Target, given: Any) -> tuple[Condition, ...]:
    """Return the conditions that a user gave; one that holds nothing if there are none.

    Parameters
    ----------
    target : Target
        What is predicted.
    given : DataFrame, mapping or None
        Rows, or values that are crossed.

    Returns
    -------
    tuple of Condition

    Raises
    ------
    BrmspyError
        If they are of another kind, are empty, or name a column that predictions do not read.
    """
    if given is None:
        return (Condition(),)
    if isinstance(given, Mapping):
        crossed = {name: _listed(value) for name, value in given.items()}
        rows = [tuple(zip(crossed, row, strict=True)) for row in product(*crossed.values())]
        names: list[str | None] = [None] * len(rows)
    else:
        frame = as_frame(given)
        names = _names(frame)
        kept = [name for name in frame.columns if name != _LABEL]
        rows = [
            tuple(zip(kept, row, strict=True))
            for row in frame[kept].astype(object).itertuples(index=False, name=None)
        ]
    if not rows or not rows[0]:
        raise BrmspyError("conditions are empty. Leave them out, or give at least one value.")
    for name, _ in rows[0]:
        _check_column(target, name)
    checked = (tuple((name, _level(target, name, value)) for name, value in row) for row in rows)
    return tuple(Condition(row, name) for row, name in zip(checked, names, strict=True))


def _names(frame: pd.DataFrame) -> list[str | None]:
    """Return what the user calls the rows."""
    if _LABEL in frame.columns:
        return [str(name) for name in frame[_LABEL]]
    if pd.api.types.is_string_dtype(frame.index) and len(frame.index):
        return [str(name) for name in frame.index]
    return [None] * len(frame)


def _check_column(target: Target, name: str) -> None:
    """Refuse a column that predictions do not read."""
    if name not in target.columns or not target.columns[name].only_groups:
        target.column(name)  # raises if predictions do not read it
    elif not target.with_groups:
        raise BrmspyError(
            f"conditions: {name!r} tells groups apart, but group-level effects are left out. "
            "Let them take part: re_formula=None."
        )


def _level(target: Target, name: str, value: Any) -> Any:
    """Return the level that is meant; raise if there is none."""
    column = target.columns[name]
    return column.level(value) if column.is_factor else value


def _listed(value: Any) -> list[Any]:
    """Return one value or several as a list."""
    return [value] if isinstance(value, str) or not np.iterable(value) else list(value)


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value)
