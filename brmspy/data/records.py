"""What a design consists of: names, levels and arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from brmspy.data.names import CoefName

__all__ = [
    "Arrays",
    "Dropped",
    "GroupArrays",
    "GroupCoef",
    "GroupInfo",
    "PredictorArrays",
    "PredictorInfo",
]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PredictorInfo:
    """The population-level part of one linear predictor.

    Attributes
    ----------
    name : str
        The parameter it predicts.
    coefs : tuple of CoefName
        Names of the columns of X, the intercept included.
    has_intercept : bool
        Whether the first column is the intercept; that of ``0 + Intercept`` does not count.
    centred : bool
        Whether the columns are to be centred, and the intercept with them.
    means : numpy.ndarray
        Shape (K,): what to subtract from each column; zero for the intercept, and everywhere if
        not centred.
    """

    name: str
    coefs: tuple[CoefName, ...]
    has_intercept: bool
    centred: bool
    means: FloatArray


@dataclass(frozen=True, slots=True)
class GroupCoef:
    """A coefficient that varies between the levels of a group.

    Attributes
    ----------
    predictor : str
        The parameter whose linear predictor it belongs to.
    name : CoefName
        Its name there.
    """

    predictor: str
    name: CoefName

    @property
    def brms_label(self) -> str:
        """The name in brms' parameters: ``"Days"`` for mu, ``"sigma_Days"``, ``"Asym_Days"``."""
        return self._prefixed(self.name.brms)

    @property
    def label(self) -> str:
        """The same in the user's words."""
        return self._prefixed(self.name.label)

    def _prefixed(self, name: str) -> str:
        return name if self.predictor == "mu" else f"{self.predictor}_{name}"


@dataclass(frozen=True, slots=True)
class GroupInfo:
    """One block of group-level effects: all terms that share an ID, or one term.

    Attributes
    ----------
    group : str
        The grouping factor, ``"g:h"``.
    factors : tuple of str
        Its columns.
    levels : tuple of str
        Labels of the observed levels.
    coefs : tuple of GroupCoef
        What varies, one per column of Z.
    correlated : bool
        Whether the correlations of the coefficients are estimated.
    id : str or None
        The ID that the terms share.
    """

    group: str
    factors: tuple[str, ...]
    levels: tuple[str, ...]
    coefs: tuple[GroupCoef, ...]
    correlated: bool
    id: str | None


@dataclass(frozen=True, slots=True)
class PredictorArrays:
    """The population-level arrays of one linear predictor.

    Attributes
    ----------
    X : numpy.ndarray
        Shape (N, K), not centred.
    offset : numpy.ndarray or None
        Shape (N,): sum of the offsets.
    """

    X: FloatArray
    offset: FloatArray | None


@dataclass(frozen=True, slots=True)
class GroupArrays:
    """The arrays of one block of group-level effects.

    Attributes
    ----------
    index : numpy.ndarray
        Shape (N,): position of each row's level; ``len(levels) + i`` is the i-th new level.
    Z : numpy.ndarray
        Shape (N, M).
    new_levels : tuple of str
        Labels of levels that the model has not seen.
    """

    index: npt.NDArray[np.intp]
    Z: FloatArray
    new_levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Arrays:
    """All arrays of a model for one data set.

    Attributes
    ----------
    nobs : int
        Number of rows, N.
    rows : pandas.Index
        Their labels in the data frame.
    predictors : mapping of str to PredictorArrays
        By linear predictor.
    groups : tuple of GroupArrays
        One per block.
    covariates : mapping of str to numpy.ndarray
        The columns that non-linear formulas read, shape (N,).
    response : pandas.Series or None
        As in the data, or evaluated; text and factors as a categorical.
    trials : numpy.ndarray or None
        Shape (N,), whole numbers.
    weights : numpy.ndarray or None
        Shape (N,).
    """

    nobs: int
    rows: pd.Index[Any]
    predictors: Mapping[str, PredictorArrays]
    groups: tuple[GroupArrays, ...]
    covariates: Mapping[str, FloatArray]
    response: pd.Series[Any] | None
    trials: npt.NDArray[np.int64] | None
    weights: FloatArray | None

    def part(self, rows: slice) -> Arrays:
        """Return the arrays of some of the rows.

        Parameters
        ----------
        rows : slice
            Which rows.

        Returns
        -------
        Arrays
        """
        return Arrays(
            nobs=len(range(*rows.indices(self.nobs))),
            rows=self.rows[rows],
            predictors={
                name: PredictorArrays(
                    item.X[rows], None if item.offset is None else item.offset[rows]
                )
                for name, item in self.predictors.items()
            },
            groups=tuple(
                GroupArrays(item.index[rows], item.Z[rows], item.new_levels) for item in self.groups
            ),
            covariates={name: values[rows] for name, values in self.covariates.items()},
            response=None if self.response is None else self.response.iloc[rows],
            trials=None if self.trials is None else self.trials[rows],
            weights=None if self.weights is None else self.weights[rows],
        )


@dataclass(frozen=True, slots=True)
class Dropped:
    """Rows left out because of missing values.

    Attributes
    ----------
    count : int
        Number of rows.
    by_column : mapping of str to int
        Number of rows in which each column is missing; a row may count for several.
    """

    count: int
    by_column: Mapping[str, int]

    def __str__(self) -> str:
        columns = ", ".join(f"{name} ({count})" for name, count in self.by_column.items())
        return f"{self.count} {'row' if self.count == 1 else 'rows'}: {columns}"
