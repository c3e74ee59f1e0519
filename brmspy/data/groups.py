"""Grouping factors: their levels, and the position of every row among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from brmspy.data.columns import Columns, some_rows
from brmspy.data.factors import IntArray, Levels, encode
from brmspy.errors import DataError, did_you_mean

__all__ = ["Grouping", "fit_grouping"]

# brms joins with "_"; the next one serves where that would make two levels look alike.
_SEPARATORS = ("_", ":", " | ")


@dataclass(frozen=True, slots=True)
class Grouping:
    """The levels of a grouping factor such as ``g`` or ``g:h``.

    Parameters
    ----------
    factors : tuple of str
        The columns.
    factor_levels : tuple of Levels
        The levels of each column.
    position : mapping of tuple of int to int
        Where a combination of codes is among the levels; only observed ones.
    levels : tuple of str
        Labels of the levels.
    separator : str
        What joins the labels of the columns.
    """

    factors: tuple[str, ...]
    factor_levels: tuple[Levels, ...]
    position: Mapping[tuple[int, ...], int]
    levels: tuple[str, ...]
    separator: str

    @property
    def name(self) -> str:
        """The name of the group: ``"g:h"``."""
        return ":".join(self.factors)

    def index(self, columns: Columns, allow_new: bool) -> tuple[IntArray, tuple[str, ...]]:
        """Return the position of each row's level, and the labels of new levels.

        Parameters
        ----------
        columns : Columns
            The data; a column that is absent counts as missing everywhere.
        allow_new : bool
            Give new levels the positions from ``len(levels)`` on, in order of appearance. A
            missing value is a level of its own, labelled ``NA``.

        Raises
        ------
        DataError
            If there are new levels or missing values and they are not allowed.
        """
        codes = np.empty((columns.nobs, len(self.factors)), dtype=np.intp)
        labels = []
        for i, (factor, levels) in enumerate(zip(self.factors, self.factor_levels, strict=True)):
            if factor in columns:
                codes[:, i], unknown = levels.match(columns[factor])
            else:
                codes[:, i], unknown = -1, ()
            labels.append((*levels.labels, *unknown, "NA"))
        if not allow_new:
            self._refuse_missing(codes, columns)
        combinations, first, inverse = _unique_rows(codes)
        places = np.array([self.position.get(tuple(row), -1) for row in combinations.tolist()])
        new = np.flatnonzero(places < 0)
        new = new[np.argsort(first[new], kind="stable")]
        names = tuple(self._joined(labels, combinations[i]) for i in new)
        if names and not allow_new:
            raise DataError(self._unknown_levels(names))
        places[new] = len(self.levels) + np.arange(len(new))
        return places.astype(np.intp)[inverse], names

    def _joined(self, labels: Sequence[tuple[str, ...]], codes: IntArray) -> str:
        """Return the label of one combination of codes."""
        return self.separator.join(
            names[code] for names, code in zip(labels, codes.tolist(), strict=True)
        )

    def _refuse_missing(self, codes: IntArray, columns: Columns) -> None:
        """Refuse missing values of a grouping column."""
        for factor, code in zip(self.factors, codes.T, strict=True):
            if (code < 0).any():
                raise DataError(
                    f"The grouping column {factor!r} is missing in "
                    f"{some_rows(columns.index, code < 0)} of the new data. "
                    "Set allow_new_levels=True to treat this as a new level."
                )

    def _unknown_levels(self, names: tuple[str, ...]) -> str:
        """Return the message for levels that are not allowed."""
        shown = ", ".join(map(repr, names[:10])) + (", …" if len(names) > 10 else "")
        return (
            f"The new data have levels of {self.name!r} that the model has not seen: {shown}. "
            f"{did_you_mean(names[0], self.levels)} "
            "Set allow_new_levels=True to predict for new levels."
        )


def fit_grouping(factors: tuple[str, ...], columns: Columns) -> Grouping:
    """Find the observed levels of a grouping factor.

    They are in the order of the first column's levels, then of the second's, and so on.

    Raises
    ------
    DataError
        If two combinations of levels cannot be told apart by their labels.
    """
    coded = [encode(columns[factor]) for factor in factors]
    codes = np.column_stack([code for code, _ in coded])
    levels = tuple(found for _, found in coded)
    combinations, _, _ = _unique_rows(codes)
    parts = [
        tuple(found.labels[code] for found, code in zip(levels, row, strict=True))
        for row in combinations.tolist()
    ]
    separator = next(
        (sep for sep in _SEPARATORS if len({sep.join(part) for part in parts}) == len(parts)), None
    )
    if separator is None:
        raise DataError(
            f"Levels of {':'.join(factors)!r} cannot be told apart once their labels are joined. "
            "Rename levels that contain '_', ':' or '|'."
        )
    return Grouping(
        factors=factors,
        factor_levels=levels,
        position={tuple(row): i for i, row in enumerate(combinations.tolist())},
        levels=tuple(separator.join(part) for part in parts),
        separator=separator,
    )


def _unique_rows(codes: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return the distinct rows in lexicographic order, where each is first, and which is which."""
    if codes.shape[1] == 1:
        values, first, inverse = np.unique(codes[:, 0], return_index=True, return_inverse=True)
        return values[:, None], first, inverse
    order = np.lexsort(codes.T[::-1])
    ordered = codes[order]
    starts = np.ones(len(codes), dtype=np.bool_)
    starts[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    inverse = np.empty(len(codes), dtype=np.intp)
    inverse[order] = np.cumsum(starts) - 1
    # lexsort is stable, so the first of equal rows is the one that appears first.
    return ordered[starts], order[starts], inverse
