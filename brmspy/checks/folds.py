"""Which rows are left out together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.checks.display import count
from brmspy.errors import BrmspyError, did_you_mean
from brmspy.fit import Fit

__all__ = ["Folds", "make_folds"]

_KINDS = ("random", "stratified", "grouped", "loo")
_DEFAULT_K = 10


@dataclass(frozen=True, eq=False)
class Folds:
    """Which fold each row belongs to.

    Attributes
    ----------
    labels : ndarray, shape (obs,)
        The fold of each row, as the user called it, or from 1.
    text : str
        How the rows were divided.
    """

    labels: NDArray[Any]
    text: str

    def members(self) -> list[tuple[Any, NDArray[np.intp]]]:
        """Return each fold with the positions of its rows, in order."""
        names, places = np.unique(self.labels, return_inverse=True)
        return [(name, np.flatnonzero(places == i)) for i, name in enumerate(names)]


def make_folds(fit: Fit, K: int | None, folds: Any, group: Any, seed: int) -> Folds:
    """Divide the rows of a fit into folds.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    K : int or None
        Number of folds.
    folds : None, {"random", "stratified", "grouped", "loo"} or array of shape (obs,)
        How to divide, or the fold of each row. None means at random, or with `group` that each of
        its levels is a fold.
    group : str, array of shape (obs,) or None
        A column of the model's data or a grouping factor, or the group of each row.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    Folds

    Raises
    ------
    BrmspyError
        If an argument is not valid, or they contradict each other.
    """
    if folds is not None and not isinstance(folds, str):
        return _given(fit, K, folds, group)
    _check_k(K)
    rng = np.random.default_rng(seed)
    if folds is None and group is not None:
        codes, title = _groups(fit, group)
        levels = codes.max() + 1
        if K is not None and levels != K:
            raise BrmspyError(
                f'With group alone each of its {levels} levels is a fold. Give folds="grouped" to '
                f'divide the levels into K = {K} folds, or folds="stratified" to have all levels '
                "in each."
            )
        return _grouped(codes, title, None, levels, rng)
    kind = "random" if folds is None else folds
    if kind not in _KINDS:
        raise BrmspyError(f"folds = {folds!r} is not valid. {did_you_mean(kind, _KINDS)}")
    if kind in ("stratified", "grouped"):
        if group is None:
            raise BrmspyError(
                f"folds={kind!r} needs group=, a column of the data such as "
                f"{_example_group(fit)!r}."
            )
        codes, title = _groups(fit, group)
        if kind == "grouped":
            return _grouped(codes, title, K, _DEFAULT_K, rng)
        return _stratified(codes, title, _number(K, fit.nobs, "rows"), rng)
    if group is not None:
        raise BrmspyError(
            f'group = {group!r} has no meaning with folds={kind!r}. Use folds="grouped" or '
            '"stratified".'
        )
    if kind == "loo":
        if K not in (None, fit.nobs):
            raise BrmspyError(
                f'folds="loo" leaves out each of the {fit.nobs} rows, so leave out K.'
            )
        return Folds(np.arange(1, fit.nobs + 1), "each row is a fold")
    number = _number(K, fit.nobs, "rows")
    return Folds(_balanced(fit.nobs, number, rng), f"{number} folds of rows at random")


def _check_k(K: object) -> None:
    if K is None:
        return
    if isinstance(K, bool) or not isinstance(K, Integral) or K < 2:
        raise BrmspyError(f"K = {K!r} is not valid: it is a whole number from 2 on.")


def _number(K: int | None, most: int, of: str) -> int:
    """Return the number of folds."""
    number = min(_DEFAULT_K, most) if K is None else int(K)
    if number > most:
        raise BrmspyError(f"K = {number} folds cannot be made of {most} {of}.")
    if number < 2:
        raise BrmspyError(f"{most} {of[:-1]} cannot be divided into folds.")
    return number


def _balanced(size: int, number: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return folds from 1, equal in size but for one row, in random order."""
    return rng.permutation(np.arange(size) % number) + 1


def _grouped(
    codes: NDArray[np.int64], title: str, K: int | None, default: int, rng: np.random.Generator
) -> Folds:
    """Keep the rows of a level together."""
    levels = int(codes.max()) + 1
    number = _number(min(default, levels) if K is None else K, levels, f"levels of {title}")
    if number == levels:
        return Folds(codes + 1, f"each of the {levels} levels of {title} is a fold")
    text = f"{number} folds of the {levels} levels of {title}"
    return Folds(_balanced(levels, number, rng)[codes], text)


def _stratified(
    codes: NDArray[np.int64], title: str, number: int, rng: np.random.Generator
) -> Folds:
    """Spread the rows of each level over all folds."""
    order = rng.permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    labels = np.empty(len(codes), dtype=np.int64)
    labels[order] = np.arange(len(codes)) % number + 1
    return Folds(labels, f"{number} folds, each with its share of each level of {title}")


def _groups(fit: Fit, group: Any) -> tuple[NDArray[np.int64], str]:
    """Return the level of each row, numbered from 0, and what the groups are called."""
    if not isinstance(group, str):
        values = _one_per_row(fit, group, "group")
        title = getattr(group, "name", None)
        return _codes(values), "group" if title is None else str(title)
    for info, arrays in zip(fit.model.design.groups, fit.model.design.arrays.groups, strict=True):
        if info.group == group:
            return _codes(pd.Series(arrays.index)), group
    data = fit.data
    if group not in data.columns:
        names = [*map(str, data.columns), *(info.group for info in fit.model.design.groups)]
        raise BrmspyError(
            f"group = {group!r} is no column that the model uses. {did_you_mean(group, names)} "
            f"Other columns can be given themselves: group=data[{group!r}]."
        )
    return _codes(data[group]), group


def _codes(values: pd.Series[Any]) -> NDArray[np.int64]:
    """Return the level of each row, numbered from 0 in the order of the sorted levels."""
    codes, _ = pd.factorize(values, sort=True)
    return codes.astype(np.int64)


def _one_per_row(fit: Fit, values: Any, what: str) -> pd.Series[Any]:
    """Return values for the rows of the model.

    Rows that the model left out may be among them, if they are labelled.
    """
    rows = fit.model.design.arrays.rows
    series = values if isinstance(values, pd.Series) else pd.Series(np.asarray(values))
    if len(series) != len(rows):
        longer = isinstance(values, pd.Series) and values.index.is_unique
        if not longer or not rows.isin(values.index).all():
            raise BrmspyError(
                f"{what} has {count(len(series), 'value')} for the {len(rows)} rows that the model "
                "uses (see fit.data)."
            )
        series = values.loc[rows]
    elif isinstance(values, pd.Series) and not values.index.equals(rows):
        raise BrmspyError(
            f"{what} has other row labels than the data that the model uses (fit.data.index). "
            f"Give values in the order of these rows without labels: {what}=values.to_numpy()."
        )
    if series.isna().any():
        raise BrmspyError(f"{what} is missing in {count(int(series.isna().sum()), 'row')}.")
    return series


def _given(fit: Fit, K: int | None, folds: Any, group: Any) -> Folds:
    """Return folds that the user made."""
    if group is not None:
        raise BrmspyError("Give folds, which say for each row what fold it is in, or group.")
    if not isinstance(folds, (pd.Series, np.ndarray, Sequence)):
        raise BrmspyError(
            f"folds = {folds!r} is not valid: it is one of {', '.join(map(repr, _KINDS))}, or has "
            "one value for each row."
        )
    labels = _one_per_row(fit, folds, "folds").to_numpy()
    number = len(np.unique(labels))
    if number < 2:
        raise BrmspyError("folds has one value only, so that no rows are left to fit to.")
    if K is not None and number != K:
        raise BrmspyError(f"folds divides the rows into {number} folds, but K = {K}. Leave out K.")
    return Folds(labels, f"{number} folds that were given")


def _example_group(fit: Fit) -> str:
    """Return a column that might be meant."""
    groups = [info.group for info in fit.model.design.groups]
    return groups[0] if groups else str(fit.data.columns[-1])
