"""What fits to several data sets need before they are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from brmspy.data import as_frame
from brmspy.errors import DataError
from brmspy.fit.contract import FittedModel

__all__ = ["check_frames", "check_models", "seeds_of"]

_SHOWN = 5


def check_frames(data: Any) -> list[pd.DataFrame]:
    """Return the data sets as data frames that have the same columns and rows.

    Parameters
    ----------
    data : sequence of DataFrame
        The data sets.

    Returns
    -------
    list of pandas.DataFrame

    Raises
    ------
    DataError
        If it is no list of data sets, or one differs from the first; names how.
    """
    if isinstance(data, str | Mapping | pd.DataFrame) or not isinstance(data, Sequence):
        raise DataError(
            f"data must be a list of data frames, one for each imputation, not "
            f"{type(data).__name__}. For a single data frame use brm()."
        )
    if not data:
        raise DataError("data is an empty list: there is nothing to fit.")
    frames = [as_frame(frame) for frame in data]
    for number, frame in enumerate(frames[1:], start=2):
        _check_alike(frames[0], frame, number)
    return frames


def _check_alike(first: pd.DataFrame, frame: pd.DataFrame, number: int) -> None:
    """Refuse a data set with other columns or rows than the first."""
    missing = [name for name in map(str, first.columns) if name not in map(str, frame.columns)]
    added = [name for name in map(str, frame.columns) if name not in map(str, first.columns)]
    if missing or added:
        parts = [f"no column {_some(missing)}"] if missing else []
        parts += [f"a column {_some(added)}, which data set 1 has not"] if added else []
        raise DataError(f"Data set {number} has {' and '.join(parts)}.")
    if len(frame) != len(first):
        raise DataError(f"Data set {number} has {len(frame)} rows, data set 1 has {len(first)}.")
    if not frame.index.equals(first.index):
        other = next(
            (ours, theirs)
            for ours, theirs in zip(first.index, frame.index, strict=True)
            if ours != theirs
        )
        raise DataError(
            f"The rows of data set {number} are called otherwise than those of data set 1: "
            f"{other[1]!r} stands where data set 1 has {other[0]!r}. Put them into the same order, "
            "and give all data sets the same index."
        )


def check_models(models: Sequence[FittedModel]) -> None:
    """Refuse models whose data sets have other levels, or use other rows.

    Parameters
    ----------
    models : sequence of Model
        The same model with each data set.

    Raises
    ------
    DataError
        If a data set differs from the first; names how.
    """
    first = models[0].design
    for number, model in enumerate(models[1:], start=2):
        design = model.design
        for group, other in zip(first.groups, design.groups, strict=True):
            _check_levels(f"grouping factor {group.group!r}", group.levels, other.levels, number)
        for name, predictor in first.predictors.items():
            ours = [str(coef) for coef in predictor.coefs]
            theirs = [str(coef) for coef in design.predictors[name].coefs]
            _check_levels(f"formula of {name!r} (its coefficients)", ours, theirs, number)
        for label, levels in first.factors.items():
            _check_levels(f"factor {label!r}", levels, design.factors.get(label, ()), number)
        if not design.arrays.rows.equals(first.arrays.rows):
            counts = [str(d.dropped) if d.dropped.count else "none" for d in (first, design)]
            raise DataError(
                f"Data set {number} has other rows left than data set 1, as values are missing. "
                f"Left out: {counts[1]}; of data set 1: {counts[0]}. Impute all columns that the "
                "model uses, or leave the same rows out of all data sets."
            )


def _check_levels(what: str, ours: Sequence[Any], theirs: Sequence[Any], number: int) -> None:
    """Refuse other levels than those of the first data set."""
    if list(ours) == list(theirs):
        return
    missing = [str(level) for level in ours if level not in theirs]
    added = [str(level) for level in theirs if level not in ours]
    parts = [f"{_some(missing)} missing"] if missing else []
    parts += [f"{_some(added)} added"] if added else []
    raise DataError(
        f"Data set {number} has other levels than data set 1 in the {what}: "
        f"{'; '.join(parts) or 'in another order'}. All data sets need the same levels."
    )


def _some(names: Sequence[str]) -> str:
    """Return the first names, and how many there are besides."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(repr, names[:_SHOWN])) + more


def seeds_of(seed: int, count: int) -> list[int]:
    """Return a seed for each of several fits, derived from one.

    Parameters
    ----------
    seed : int
        The seed that the user gave.
    count : int
        How many are needed.

    Returns
    -------
    list of int
        Different numbers of 32 bits. More of them begin with the same ones.

    References
    ----------
    NumPy's SeedSequence, https://numpy.org/doc/stable/reference/random/parallel.html

    Examples
    --------
    >>> from brmspy.several import seeds_of
    >>> seeds_of(1, 3)[:2] == seeds_of(1, 2)
    True
    """
    children = np.random.SeedSequence(seed).spawn(count)
    return [int(child.generate_state(1)[0]) for child in children]
