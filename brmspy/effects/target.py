"""What is predicted: of which parameter, on which scale, with which group-level effects."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.errors import BrmspyError, check_choice, did_you_mean
from brmspy.families import Link, get_link
from brmspy.fit import Fit
from brmspy.grids import GridColumn, grid_columns, predictors_behind
from brmspy.predict import posterior_epred, posterior_linpred, posterior_predict

__all__ = ["METHODS", "Held", "Target", "chunks_of", "held_values"]

FloatArray = NDArray[np.float64]

METHODS = ("posterior_epred", "posterior_linpred", "posterior_predict")

_CHUNK = 4_000_000  # numbers of one array of draws and rows


@dataclass(frozen=True)
class Target:
    """What is predicted.

    Attributes
    ----------
    fit : Fit
        The fitted model.
    method : str
        One of `METHODS`: the mean of the response, the linear predictor, or new responses.
    re_formula : None, "NA" or str
        Which group-level effects take part.
    dpar, nlpar : str or None
        A parameter in place of the mean.
    ndraws : int or None
        How many draws.
    allow_new_levels : bool
        Whether groups may have levels that the model has not seen.
    sample_new_levels : str
        How the effects of these are drawn.
    seed : int or None
        Seed of the random numbers.
    """

    fit: Fit
    method: str = "posterior_epred"
    re_formula: Any = None
    dpar: str | None = None
    nlpar: str | None = None
    ndraws: int | None = None
    allow_new_levels: bool = False
    sample_new_levels: str = "uncertainty"
    seed: int | None = None
    columns: Mapping[str, GridColumn] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_choice("method", self.method, METHODS)
        if self.dpar is not None and self.nlpar is not None:
            raise BrmspyError("Give dpar or nlpar, not both.")
        if self.method == "posterior_predict" and self.parameter is not None:
            raise BrmspyError(
                f"posterior_predict draws responses, not {self.parameter}. Use "
                'method="posterior_epred" with dpar or nlpar.'
            )
        predictors_behind(self.fit, self.parameter)  # raises if there is no such parameter
        object.__setattr__(self, "columns", grid_columns(self.fit))

    @property
    def parameter(self) -> str | None:
        """The parameter that is predicted in place of the mean."""
        return self.dpar if self.nlpar is None else self.nlpar

    @property
    def predictors(self) -> tuple[str, ...]:
        """The predictors that it depends on; all of the model unless a parameter is named."""
        return predictors_behind(self.fit, self.parameter)

    @property
    def with_groups(self) -> bool:
        """Whether any group-level effects may take part."""
        given = self.re_formula
        if given is None:
            return True
        if isinstance(given, str):
            return "".join(given.split()) not in ("NA", "~0", "~1", "~NA")
        return not (pd.api.types.is_scalar(given) and pd.isna(given))

    @property
    def link(self) -> Link:
        """The link of the linear predictor."""
        if self.nlpar is not None:
            return get_link("identity")
        return self.fit.family.dpar(self.dpar or "mu").link

    @property
    def label(self) -> str:
        """What is predicted, in a few words."""
        response = self.fit.model.design.terms.response.label
        if self.parameter is not None:
            return self._scaled(self.parameter)
        if self.method == "posterior_linpred":
            return self._scaled("mu")
        return f"predicted {response}" if self.method == "posterior_predict" else response

    def _scaled(self, parameter: str) -> str:
        linear = self.method == "posterior_linpred" and self.link.name != "identity"
        return f"{self.link.name}({parameter})" if linear else parameter

    def groups_note(self, known: Collection[str] | None = None) -> str:
        """Say which group-level effects take part, and whether they are of new levels.

        Parameters
        ----------
        known : collection of str, optional
            Grouping columns whose levels are known; by default all.

        Returns
        -------
        str
            Empty for a model without group-level effects.
        """
        groups = self.fit.model.design.groups
        if not groups:
            return ""
        if not self.with_groups:
            return "group-level effects left out"
        which = "all" if self.re_formula is None else f"{self.re_formula}"
        new = known is not None and any(not set(info.factors) & set(known) for info in groups)
        return f"group-level effects: {which}" + (", of a new level" if new else "")

    def read_columns(self) -> dict[str, GridColumn]:
        """Return the columns that matter to the prediction, those that only group left out."""
        return {
            name: column
            for name, column in self.columns.items()
            if not column.only_groups
            and (
                column.is_read_by(self.predictors, groups=self.with_groups)
                or ("trials" in column.roles and self.counts_trials)
            )
        }

    @property
    def counts_trials(self) -> bool:
        """Whether the prediction is a count of trials."""
        of_mean = self.parameter is None and self.method != "posterior_linpred"
        return of_mean and "trials" in self.fit.family.needs

    def column(self, name: str) -> GridColumn:
        """Return a column that the prediction reads.

        Raises
        ------
        BrmspyError
            If it does not read such a column.
        """
        readable = self.read_columns()
        if name not in readable:
            raise BrmspyError(
                f"Predictions of {self.label} do not read {name!r}. "
                f"{did_you_mean(str(name), readable)}"
            )
        return readable[name]

    def draws(self, newdata: pd.DataFrame) -> Any:
        """Return predictions for the rows of a frame, DataArray with (chain, draw, obs)."""
        common = {
            "re_formula": self.re_formula,
            "ndraws": self.ndraws,
            "allow_new_levels": self.allow_new_levels,
            "sample_new_levels": self.sample_new_levels,
            "seed": self.seed,
        }
        if self.method == "posterior_predict":
            return posterior_predict(self.fit, newdata, **common)
        function = posterior_epred if self.method == "posterior_epred" else posterior_linpred
        return function(self.fit, newdata, dpar=self.dpar, nlpar=self.nlpar, **common)


@dataclass(frozen=True)
class Held:
    """A column at which predictions are held.

    Attributes
    ----------
    name : str
        The column.
    value : Any
        Its value.
    why : str
        Why this one: ``"mean"``, ``"first level"``; empty if the user chose it.
    spread : float
        Range of the column; a mean that is zero but for rounding is printed as zero.
    """

    name: str
    value: Any
    why: str = ""
    spread: float = 0.0

    def __str__(self) -> str:
        value = str(self.value)
        if isinstance(self.value, float):
            value = f"{0.0 if abs(self.value) < 1e-12 * self.spread else self.value:.4g}"
        return f"{self.name} = {value}" + (f" ({self.why})" if self.why else "")


def held_values(
    target: Target, shown: Sequence[str], chosen: Mapping[str, Any] | None = None
) -> tuple[Held, ...]:
    """Return at which values the columns are held that are not shown.

    Parameters
    ----------
    target : Target
        What is predicted.
    shown : sequence of str
        Columns that vary.
    chosen : mapping of str to Any, optional
        Values that the user chose.

    Returns
    -------
    tuple of Held
        In the order of the formula.
    """
    found = []
    given = {} if chosen is None else chosen
    for name, column in target.read_columns().items():
        if name in given:
            found.append(Held(name, given[name]))
        elif name not in shown:
            spread = 0.0 if column.is_factor else float(np.ptp(column.numbers))
            found.append(Held(name, column.typical, _reason(column), spread))
    known = {held.name for held in found}
    groups = (Held(name, value) for name, value in given.items() if name not in known)
    return (*found, *groups)


def _reason(column: GridColumn) -> str:
    """Say why a value is typical."""
    if column.is_factor:
        return "first level"
    if "trials" in column.roles:
        return "trials" if column.typical == 1 else "median"
    return "mean"


def chunks_of(target: Target, rows: int, copies: int = 1) -> Iterator[slice]:
    """Yield the rows in parts for which predictions are small enough to hold.

    Random responses come in one part, as each part would get the same random numbers.

    Parameters
    ----------
    target : Target
        What is predicted.
    rows : int
        Number of rows.
    copies : int
        How many predictions of a row are held at a time.

    Yields
    ------
    slice
    """
    sizes = target.fit.groups["posterior"].sizes
    count = target.ndraws or sizes["chain"] * sizes["draw"]
    size = rows if target.method == "posterior_predict" else max(1, _CHUNK // (count * copies))
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))
