"""The rows that a program sees: equal ones added up where their sum says as much.

Responses of zero and one whose rows share all parameters have a binomial sum, and so have counts
of successes. The likelihood of the sum differs by a constant, which the program takes off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from brmspy.data import Arrays, Design, PredictorArrays
from brmspy.families import Family, get_family

__all__ = ["Rows", "program_rows"]

# Of the rows, the share that may be left: with more, adding up gains less than it costs.
_WORTHWHILE = 0.8
# From this many rows on it pays that those of one level stand together: the effects that a step of
# the sampler reads then are in the processor's cache.
_MANY = 10_000


@dataclass(frozen=True)
class Rows:
    """What the likelihood of a program is made of.

    Attributes
    ----------
    design : Design
        The design, with one row for each of those that differ.
    family : Family
        The family of the sums.
    y : ndarray, shape (rows,)
        The response, or its sums.
    constant : float
        What to add to the log likelihood of the sums to have that of the responses.
    summed : bool
        Whether rows were added up.
    """

    design: Design
    family: Family
    y: NDArray[Any]
    constant: float = 0.0
    summed: bool = False


def program_rows(design: Design, family: Family, y: NDArray[Any]) -> Rows:
    """Add up equal rows where the family allows it and it makes the data much smaller.

    Parameters
    ----------
    design : Design
        The design.
    family : Family
        The response's family.
    y : ndarray, shape (nobs,)
        The response, coded.

    Returns
    -------
    Rows
    """
    arrays = design.arrays
    if not family.sum or arrays.weights is not None or arrays.nobs < 2:
        return _in_order(Rows(design, family, y))
    columns = np.column_stack(list(_columns(arrays)) or [np.zeros(arrays.nobs)])
    _, first, member = np.unique(columns, axis=0, return_index=True, return_inverse=True)
    member = member.reshape(-1)
    if len(first) > _WORTHWHILE * arrays.nobs:
        return _in_order(Rows(design, family, y))
    trials = np.ones(arrays.nobs, dtype=np.int64) if arrays.trials is None else arrays.trials
    total, count = (
        np.bincount(member, weights=values, minlength=len(first)).astype(np.int64)
        for values in (y, trials)
    )
    constant = _log_ways(trials, y).sum() - _log_ways(count, total).sum()
    return _in_order(
        Rows(
            replace(design, arrays=_selected(arrays, first, count)),
            get_family(family.sum).with_links({dpar.name: dpar.link.name for dpar in family.dpars}),
            total,
            float(constant),
            summed=True,
        )
    )


def _in_order(rows: Rows) -> Rows:
    """Return many rows in the order of the levels of the group that has most of them."""
    arrays, groups = rows.design.arrays, rows.design.groups
    if arrays.nobs < _MANY or not groups:
        return rows
    finest = max(range(len(groups)), key=lambda block: len(groups[block].levels))
    order = np.argsort(arrays.groups[finest].index, kind="stable")
    trials = None if arrays.trials is None else arrays.trials[order]
    ordered = replace(rows.design, arrays=_selected(arrays, order, trials))
    return replace(rows, design=ordered, y=rows.y[order])


def _columns(arrays: Arrays) -> Iterator[NDArray[Any]]:
    """Yield all that a row's parameters depend on."""
    for part in arrays.predictors.values():
        yield from part.X.T
        if part.offset is not None:
            yield part.offset
    for group in arrays.groups:
        yield group.index
        yield from group.Z.T
    yield from arrays.covariates.values()


def _log_ways(trials: NDArray[Any], successes: NDArray[Any]) -> NDArray[np.float64]:
    """Return the logs of binomial coefficients."""
    return np.asarray(
        special.gammaln(trials + 1.0)
        - special.gammaln(successes + 1.0)
        - special.gammaln(trials - successes + 1.0)
    )


def _selected(arrays: Arrays, rows: NDArray[np.intp], trials: NDArray[np.int64] | None) -> Arrays:
    """Return the arrays of some rows, with other numbers of trials."""
    return replace(
        arrays,
        nobs=len(rows),
        rows=arrays.rows[rows],
        predictors={
            name: PredictorArrays(part.X[rows], None if part.offset is None else part.offset[rows])
            for name, part in arrays.predictors.items()
        },
        groups=tuple(
            replace(group, index=group.index[rows], Z=group.Z[rows]) for group in arrays.groups
        ),
        covariates={name: column[rows] for name, column in arrays.covariates.items()},
        response=None if arrays.response is None else arrays.response.iloc[rows],
        trials=trials,
        weights=None if arrays.weights is None else arrays.weights[rows],
    )
