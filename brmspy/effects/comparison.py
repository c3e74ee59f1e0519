"""How predictions differ between two values of a variable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.effects.estimates import Estimates, estimates_of
from brmspy.effects.rows import as_draws, groups_of, over_rows
from brmspy.effects.scenarios import as_names, identified, is_typical, notes_of, rows_of, with_value
from brmspy.effects.target import Target
from brmspy.errors import BrmspyError, check_choice
from brmspy.grids import GridColumn

if TYPE_CHECKING:
    from brmspy.fit import Fit

__all__ = ["METHODS_OF_MEANS", "comparisons"]

FloatArray = NDArray[np.float64]
Compare = Callable[[FloatArray, FloatArray], FloatArray]

METHODS_OF_MEANS = ("posterior_epred", "posterior_linpred")

_OF_FACTORS = ("reference", "sequential", "pairwise")
_OF_NUMBERS = ("sd", "2sd", "iqr", "minmax")
_COMPARE: dict[str, tuple[Compare, str]] = {
    "difference": (lambda high, low: high - low, "{high} - {low}"),
    "ratio": (lambda high, low: high / low, "{high} / {low}"),
    "lift": (lambda high, low: (high - low) / low, "({high} - {low}) / {low}"),
}


@dataclass(frozen=True)
class _Pair:
    """Two values of a column that are compared.

    Attributes
    ----------
    column : str
        The column.
    low, high : Any
        One value for all rows, or an array with one for each.
    names : tuple of str
        What the values are called; empty for a change of every row's own value.
    change : str
        The change, where rows keep their own values: ``"+1"``.
    """

    column: str
    low: Any
    high: Any
    names: tuple[str, str] | None = None
    change: str = ""

    def label(self, pattern: str) -> str:
        """Return the name of the comparison."""
        if self.names is None:
            return self.change
        return pattern.format(low=self.names[0], high=self.names[1])


def comparisons(
    fit: Fit,
    variables: str | Sequence[str] | Mapping[str, Any] | None = None,
    newdata: Any = None,
    *,
    by: str | Sequence[str] | None = None,
    comparison: str | Compare = "difference",
    average: bool = False,
    method: str = "posterior_epred",
    re_formula: Any = None,
    dpar: str | None = None,
    nlpar: str | None = None,
    prob: float = 0.95,
    robust: bool = False,
    ndraws: int | None = None,
    allow_new_levels: bool = False,
    sample_new_levels: str = "uncertainty",
    seed: int | None = None,
) -> Estimates:
    """Compare predictions between two values of a variable, with all else in a row as it is.

    Both predictions of a row have the same draws of the parameters and, for a new level of a group,
    the same effects of that level.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    variables : str, sequence of str or mapping of str to Any, optional
        The variables, one after the other; by default all that the predictions read. A mapping says
        which values to compare. Of a factor: ``"reference"`` (each level with the first, the
        default), ``"sequential"``, ``"pairwise"``, or two levels ``(low, high)``. Of numbers: the
        size of a step up from each row's own value (by default 1), two values ``(low, high)``,
        ``"sd"`` or ``"2sd"`` (from half of it below to half of it above the row's own value),
        ``"iqr"`` (from the first quartile to the third) or ``"minmax"``.
    newdata : DataFrame, "typical" or None
        The rows: by default those that the model was fitted to; ``"typical"`` is one row with
        numbers at their means and factors at their first levels, of a new level of each group
        unless `re_formula` leaves group-level effects out.
    by : str or sequence of str, optional
        Average over the rows that are alike in these columns.
    comparison : {"difference", "ratio", "lift"} or callable
        What to compute: ``high - low``, ``high / low``, ``(high - low) / low``, or any function of
        the two arrays ``(high, low)``, of shape (draw, row).
    average : bool
        Average over all rows. Averages are taken before predictions are compared, so that a ratio
        is one of averages.
    method : {"posterior_epred", "posterior_linpred"}
        The mean of the response, or the linear predictor.
    re_formula, dpar, nlpar, ndraws, allow_new_levels, sample_new_levels, seed
        As for `posterior_epred`. To average over new groups, give rows with new levels.
    prob : float
        Probability of the central interval.
    robust : bool
        Use the median and the scaled median absolute deviation for mean and standard deviation.

    Returns
    -------
    Estimates
        ``.table`` has a row for each comparison: the variable (``term``), the two values
        (``contrast``), what the rows have in common, and the estimate. ``.draws`` has dimensions
        (chain, draw, row).

    Raises
    ------
    BrmspyError
        If an argument is not valid.
    DataError
        If the new data do not fit the model.

    References
    ----------
    Arel-Bundock, V., Greifer, N. and Heiss, A. (2024). How to interpret statistical models using
    marginaleffects for R and Python. Journal of Statistical Software, 111(9).
    https://marginaleffects.com

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> fit = brm("weight ~ group", load_dataset("plant_growth"), seed=1, progress=False)
    >>> found = fit.comparisons("group", average=True)
    >>> found.table[["term", "contrast", "Estimate"]].round(1)
        term     contrast  Estimate
    0  group  trt1 - ctrl      -0.4
    1  group  trt2 - ctrl       0.5
    """
    check_choice("method", method, METHODS_OF_MEANS)
    target = Target(
        fit,
        method=method,
        re_formula=re_formula,
        dpar=dpar,
        nlpar=nlpar,
        ndraws=ndraws,
        allow_new_levels=allow_new_levels or is_typical(newdata),
        sample_new_levels=sample_new_levels,
        seed=seed,
    )
    compare, pattern = _comparison(comparison)
    frame = rows_of(target, newdata)
    names = as_names("by", by)
    groups = groups_of(frame, names) if average or names else None
    labels, arrays = [], []
    like: Any = None
    for pair in _pairs(target, frame, variables):
        scenarios = [
            with_value(target, frame, pair.column, value) for value in (pair.low, pair.high)
        ]
        drawn, like = over_rows(
            target, scenarios, lambda found, _: found, lambda found: compare(*found[::-1]), groups
        )
        arrays.append(_checked(drawn, pair, comparison))
        what = {"term": pair.column, "contrast": pair.label(pattern)}
        labels.append(identified(target, frame, groups, **what))
    table = pd.concat(labels, ignore_index=True)
    draws = as_draws(np.hstack(arrays), like, "row", table.index, "comparisons")
    notes = notes_of(target, frame, newdata, groups is not None)
    return estimates_of(f"Comparisons: {target.label}", table, draws, prob, robust, notes)


def _comparison(comparison: Any) -> tuple[Compare, str]:
    """Return what to compute and how to name it."""
    if callable(comparison):
        return comparison, "{high}, {low}"
    check_choice("comparison", comparison, tuple(_COMPARE))
    return _COMPARE[comparison]


def _checked(values: Any, pair: _Pair, comparison: Any) -> FloatArray:
    """Refuse what a user's function returns if it is of another shape."""
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 2:
        raise BrmspyError(
            f"comparison= must return an array of the shape that it gets, (draw, row), but for "
            f"{pair.column!r} returned one of shape {found.shape}."
        )
    return found


def _pairs(target: Target, frame: pd.DataFrame, variables: Any) -> Iterator[_Pair]:
    """Yield what is compared."""
    if variables is None:
        given: Mapping[str, Any] = dict.fromkeys(
            name for name, column in target.read_columns().items() if column.roles != {"trials"}
        )
        if not given:
            raise BrmspyError(f"Predictions of {target.label} read no variable to compare.")
    elif isinstance(variables, Mapping):
        given = variables
    else:
        given = dict.fromkeys(as_names("variables", variables))
    for name, what in given.items():
        column = target.column(name)
        if column.is_factor:
            yield from _of_levels(column, what)
        else:
            if name not in frame.columns:
                raise BrmspyError(f"newdata have no column {name!r}, which is to be compared.")
            yield _of_numbers(column, frame[name].to_numpy(dtype=np.float64), what)


def _of_levels(column: GridColumn, what: Any) -> Iterator[_Pair]:
    """Yield pairs of levels."""
    levels = column.levels
    if what is None or isinstance(what, str):
        how = what or "reference"
        check_choice(f"variables[{column.name!r}]", how, _OF_FACTORS)
        pairs = {
            "reference": [(levels[0], level) for level in levels[1:]],
            "sequential": list(pairwise(levels)),
            "pairwise": list(combinations(levels, 2)),
        }[how]
    else:
        low, high = _two(column, what)
        pairs = [(column.level(low), column.level(high))]
    label = dict(zip(levels, column.labels, strict=True))
    for low, high in pairs:
        yield _Pair(column.name, low, high, (label[low], label[high]))


def _of_numbers(column: GridColumn, own: FloatArray, what: Any) -> _Pair:
    """Return two values, or each row's own value and another."""
    if what is None:
        what = 1
    if isinstance(what, (int, float, np.number)) and not isinstance(what, bool):
        if not np.isfinite(what) or what == 0:
            raise BrmspyError(f"A step of {what} of {column.name!r} compares nothing.")
        return _Pair(column.name, own, own + float(what), change=f"{what:+g}")
    if isinstance(what, str):
        check_choice(f"variables[{column.name!r}]", what, _OF_NUMBERS)
        if what in ("sd", "2sd"):
            half = float(np.std(column.numbers, ddof=1)) * (0.5 if what == "sd" else 1.0)
            return _Pair(column.name, own - half, own + half, change=f"+{what}, centred")
        ends = (0.25, 0.75) if what == "iqr" else (0.0, 1.0)
        low, high = np.quantile(column.numbers, ends).tolist()
    else:
        low, high = _two(column, what)
    return _Pair(column.name, low, high, (_named(low), _named(high)))


def _two(column: GridColumn, what: Any) -> tuple[Any, Any]:
    """Return the two values that a user gave."""
    if not np.iterable(what) or len(list(what)) != 2:
        raise BrmspyError(
            f"variables[{column.name!r}] = {what!r} is not valid: give two values, (low, high)"
            + (f", or one of {', '.join(map(repr, _OF_FACTORS))}." if column.is_factor else ".")
        )
    low, high = what
    return low, high


def _named(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, (int, float, np.number)) else str(value)
