"""Levels of factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from brmspy.data.columns import Values, is_missing, kind

__all__ = ["Levels", "as_factor", "as_labels", "encode", "positions"]

IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Levels:
    """The levels of a factor, in order.

    Parameters
    ----------
    labels : tuple of str
        The levels as text, as R would print them.
    ordered : bool
        Whether it is an ordered factor.
    """

    labels: tuple[str, ...]
    ordered: bool = False

    def match(self, values: Values) -> tuple[IntArray, tuple[str, ...]]:
        """Return the position of each value among the levels, and the labels of unknown ones.

        A missing value is at -1; the i-th unknown label is at ``len(labels) + i``.
        """
        codes, found = encode(values)
        known = set(self.labels)
        present = (found.labels[code] for code in np.unique(codes[codes >= 0]))
        unknown = tuple(label for label in present if label not in known)
        return positions((*self.labels, *unknown), found.labels)[codes], unknown


def encode(values: Values) -> tuple[IntArray, Levels]:
    """Return the code of each value (-1 if missing) and the levels, as R's ``factor()`` would.

    Numbers sort as numbers, text by Unicode code point, FALSE before TRUE; categories keep their
    order, and those not in use are dropped. Logicals always have both levels.
    """
    if isinstance(values, pd.Categorical):
        codes = values.codes.astype(np.intp)
        ordered = bool(values.ordered)
        return _without_unused(codes, as_labels(values.categories.tolist()), ordered)
    if kind(values) == "logical":
        missing = is_missing(values)
        codes = np.where(missing, False, values).astype(np.intp)
        codes[missing] = -1
        return codes, Levels(("FALSE", "TRUE"))
    codes, uniques = pd.factorize(values, use_na_sentinel=True)
    order = np.argsort(uniques, kind="stable")
    rank = np.full(len(uniques) + 1, -1, dtype=np.intp)
    rank[order] = np.arange(len(uniques))
    return _without_unused(rank[codes], as_labels(uniques[order].tolist()), ordered=False)


def as_labels(values: Sequence[Any]) -> tuple[str, ...]:
    """Return values as text as R prints them: 1 for 1.0, TRUE for True."""
    return tuple(_label(value) for value in values)


def as_factor(codes: IntArray, levels: Levels) -> pd.Categorical:
    """Return a factor of codes, -1 where missing."""
    dtype = pd.CategoricalDtype(list(levels.labels), ordered=levels.ordered)
    return pd.Categorical.from_codes(codes, dtype=dtype)


def positions(levels: Sequence[str], labels: Sequence[str]) -> IntArray:
    """Return where each label is among `levels` (-1 if nowhere), and -1 at the end.

    Indexed by codes, which are -1 where missing, this gives codes among `levels`.
    """
    position = {label: i for i, label in enumerate(levels)}
    return np.array([*(position.get(label, -1) for label in labels), -1], dtype=np.intp)


def _without_unused(
    codes: IntArray, labels: tuple[str, ...], ordered: bool
) -> tuple[IntArray, Levels]:
    """Drop levels that do not occur and merge those that print alike."""
    used = np.unique(codes[codes >= 0])
    kept = tuple(dict.fromkeys(labels[code] for code in used))
    return positions(kept, labels)[codes], Levels(kept, ordered)


def _label(value: Any) -> str:
    """Return one value as R prints it."""
    if isinstance(value, (bool, np.bool_)):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
    return str(value)
