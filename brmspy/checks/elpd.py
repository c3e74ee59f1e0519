"""Expected log predictive density: what `loo`, `waic` and `kfold` estimate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.checks.display import Page, Shown, count, table_of
from brmspy.checks.observed import Observed
from brmspy.errors import BrmspyError
from brmspy.fit import Fit

__all__ = ["Elpd", "estimates", "one_line", "rowwise"]

# What the estimates are called: the density, the effective number of parameters, the deviance.
_NAMES = {
    "loo": ("elpd_loo", "p_loo", "looic"),
    "waic": ("elpd_waic", "p_waic", "waic"),
    "kfold": ("elpd_kfold", "p_kfold", "kfoldic"),
}
_TITLES = {
    "loo": "Leave-one-out cross-validation by Pareto smoothed importance sampling",
    "waic": "Widely applicable information criterion",
    "kfold": "Cross-validation",
}


@dataclass(frozen=True, eq=False, repr=False)
class Elpd(Shown):
    """An estimate of the expected log predictive density of new data like those observed.

    Attributes
    ----------
    criterion : {"loo", "waic", "kfold"}
        What it was estimated by.
    formula : str
        The model.
    table : DataFrame
        Rows elpd, p (the effective number of parameters) and the information criterion, -2 times
        elpd; columns Estimate and SE.
    pointwise : DataFrame or None
        The contribution of each row, by its label in the data.
    observed : Observed
        What the model was fitted to.
    draws : int
        Number of draws.
    notes : tuple of str
        What the user should know.
    """

    criterion: str
    formula: str
    table: pd.DataFrame
    pointwise: pd.DataFrame | None
    observed: Observed
    draws: int
    notes: tuple[str, ...]

    @property
    def elpd(self) -> float:
        """The expected log predictive density, summed over rows; larger is better."""
        return float(self.table["Estimate"].iloc[0])

    @property
    def se(self) -> float:
        """Its standard error."""
        return float(self.table["SE"].iloc[0])

    @property
    def p(self) -> float:
        """The effective number of parameters."""
        return float(self.table["Estimate"].iloc[1])

    @property
    def ic(self) -> float:
        """The information criterion, -2 times `elpd`."""
        return float(self.table["Estimate"].iloc[2])

    def by_row(self) -> pd.Series[float]:
        """Return the contribution of each row to `elpd`.

        Returns
        -------
        Series

        Raises
        ------
        BrmspyError
            If they were not kept.
        """
        if self.pointwise is None:
            raise BrmspyError(
                f"The {self.criterion} of {self.formula!r} was computed with pointwise=False, so "
                "there is nothing to compare row by row. Compute it with pointwise=True."
            )
        return self.pointwise[_NAMES[self.criterion][0]]

    def _title(self) -> str:
        return _TITLES[self.criterion]

    def _page(self) -> Page:
        rows = f"{count(len(self.observed.rows), 'row')}, {count(self.draws, 'draw')}"
        return Page(
            self.criterion,
            self._title(),
            (
                f"{self._title()}\n{self.formula}\n{rows}",
                table_of(self.table),
                *self._details(),
                *self.notes,
            ),
        )

    def _details(self) -> tuple[Any, ...]:
        """Return what stands between the table and the notes."""
        return ()


def rowwise(
    fit: Fit, criterion: str, elpd: NDArray[np.float64], p: NDArray[np.float64]
) -> pd.DataFrame:
    """Return the contribution of each row.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    criterion : {"loo", "waic", "kfold"}
        What is estimated.
    elpd, p : ndarray, shape (obs,)
        Contributions to the density and to the effective number of parameters.

    Returns
    -------
    DataFrame
        A row for each row of the data, by its label.
    """
    columns = zip(_NAMES[criterion], (elpd, p, -2.0 * elpd), strict=True)
    return pd.DataFrame(dict(columns), index=fit.model.design.arrays.rows)


def estimates(pointwise: pd.DataFrame) -> pd.DataFrame:
    """Return sums over rows, with their standard errors.

    Parameters
    ----------
    pointwise : DataFrame
        The result of `rowwise`.

    Returns
    -------
    DataFrame
        Columns Estimate and SE.

    References
    ----------
    Vehtari, A., Gelman, A. and Gabry, J. (2017). Practical Bayesian model evaluation using
    leave-one-out cross-validation and WAIC. Statistics and Computing, 27, equation 23.
    https://doi.org/10.1007/s11222-016-9696-4
    """
    columns = pointwise.iloc[:, :3]
    return pd.DataFrame(
        {"Estimate": columns.sum(), "SE": np.sqrt(len(columns) * columns.var(ddof=1))}
    )


def one_line(fit: Fit) -> str:
    """Return a model's formula on one line.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    """
    return "; ".join(" ".join(line.split()) for line in str(fit.formula).splitlines())
