"""Which columns a model needs, what for, and which rows have them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from brmspy.data.blocks import Block
from brmspy.data.columns import Columns, Values, read_column, some_rows
from brmspy.data.records import Dropped
from brmspy.errors import DataError, did_you_mean
from brmspy.formula.expression import names_in
from brmspy.formula.terms import LinearPredictor, ModelTerms

__all__ = ["Need", "check_present", "column_needs", "complete_rows", "read_columns"]

Part = Literal["response", "trials", "weights", "predictor", "block"]


@dataclass(frozen=True, slots=True)
class Need:
    """A column and what needs it.

    Attributes
    ----------
    column : str
        The column.
    role : str
        What it is for, in a user's words.
    part : {"response", "trials", "weights", "predictor", "block"}
        Which part of the model reads it.
    block : int
        Which block of group-level effects; -1 for other parts.
    grouping : bool
        Whether it is a grouping column.
    """

    column: str
    role: str
    part: Part
    block: int = -1
    grouping: bool = False


def column_needs(terms: ModelTerms, blocks: Sequence[Block]) -> tuple[Need, ...]:
    """List every column that a model reads, with each of its uses."""
    return tuple(dict.fromkeys(_needs(terms, blocks)))


def _needs(terms: ModelTerms, blocks: Sequence[Block]) -> Iterator[Need]:
    response = terms.response
    for name in names_in(response.expr):
        yield Need(name, "the response", "response")
    for name in names_in(response.trials) if response.trials else ():
        yield Need(name, "trials()", "trials")
    for name in names_in(response.weights) if response.weights else ():
        yield Need(name, "weights()", "weights")
    for predictor in terms.predictors:
        if isinstance(predictor, LinearPredictor):
            names, role = predictor.fixed.variables, f"the formula of {predictor.name}"
        else:
            names, role = predictor.covariates, f"the non-linear formula of {predictor.name}"
        for name in names:
            yield Need(name, role, "predictor")
    for i, block in enumerate(blocks):
        for _, term in block.terms:
            for name in term.effects.variables:
                yield Need(name, f"the group-level term {term}", "block", i)
            for name in term.factors:
                yield Need(name, f"the group-level term {term}", "block", i, grouping=True)


def check_present(needs: Sequence[Need], frame: pd.DataFrame, what: str = "The data") -> None:
    """Refuse data without the columns needed.

    Raises
    ------
    DataError
        Naming each absent column, what needs it and the closest columns.
    """
    absent: dict[str, str] = {}
    for need in needs:
        if need.column not in frame.columns:
            absent.setdefault(need.column, need.role)
    if absent:
        names = [str(name) for name in frame.columns]
        lines = [
            f"{what} have no column {column!r}, which {role} needs. {did_you_mean(column, names)}"
            for column, role in absent.items()
        ]
        raise DataError("\n".join(lines))


def complete_rows(
    frame: pd.DataFrame, needs: Sequence[Need]
) -> tuple[npt.NDArray[np.bool_], Dropped]:
    """Find the rows in which no column needed is missing.

    Raises
    ------
    DataError
        If there are no rows at all, or none is complete.
    """
    if len(frame) == 0:
        raise DataError("The data have no rows.")
    complete = np.ones(len(frame), dtype=np.bool_)
    by_column = {}
    for column in dict.fromkeys(need.column for need in needs):
        missing = frame[column].isna().to_numpy(dtype=np.bool_)
        if missing.any():
            by_column[column] = int(missing.sum())
            complete &= ~missing
    dropped = Dropped(int((~complete).sum()), by_column)
    if not complete.any():
        raise DataError(
            f"No row is left: every one of the {len(frame)} rows has a missing value in a column "
            f"that the model uses. Missing values: {str(dropped).partition(': ')[2]}."
        )
    return complete, dropped


def read_columns(
    frame: pd.DataFrame, names: Sequence[str], reserved_intercept: bool = False
) -> Columns:
    """Read the columns of a frame into plain types.

    Parameters
    ----------
    frame : pandas.DataFrame
        The data.
    names : sequence of str
        The columns to read; those that are absent are left out.
    reserved_intercept : bool
        Add the variable of ``0 + Intercept``, a column of ones.

    Raises
    ------
    DataError
        If a column holds values that no model can use, or a column is named ``Intercept`` and is
        not 1 everywhere.
    """
    values: dict[str, Values] = {
        name: read_column(frame[name], name) for name in names if name in frame.columns
    }
    if reserved_intercept:
        if "Intercept" in frame.columns:
            _check_ones(frame["Intercept"])
        values["Intercept"] = np.ones(len(frame))
    return Columns(values, frame.index)


def _check_ones(column: pd.Series[Any]) -> None:
    """Refuse a column named Intercept that is not 1 everywhere."""
    other = ~(column == 1).fillna(False).to_numpy(dtype=np.bool_)
    if other.any():
        raise DataError(
            "The formula uses `0 + Intercept`, where 'Intercept' stands for 1, but the data have a "
            f"column of that name that is not 1 in {some_rows(column.index, other)}. "
            "Rename the column."
        )
