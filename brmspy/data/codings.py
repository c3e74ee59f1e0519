"""The codings of factors that a user chooses beside the formula: ``contrasts={"f": "sum"}``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from brmspy.data.columns import Columns, kind
from brmspy.data.factors import as_labels
from brmspy.errors import DataError, FormulaError, did_you_mean
from brmspy.formula.codings import KINDS, Coding, coding_from_text
from brmspy.formula.expression import Expr, Name, deparse, quoted
from brmspy.formula.grammar import parse_expression
from brmspy.formula.terms import LinearPredictor, ModelTerms

__all__ = ["Given", "codings_by_label", "codings_still_read", "factors_of"]

Given = Mapping[str, Any]

_EXAMPLE = "Write for example contrasts={'f': 'sum'}."


def factors_of(terms: ModelTerms) -> Iterable[tuple[Expr, str]]:
    """Yield what the terms of a model are made of, each with the formula it stands in.

    Parameters
    ----------
    terms : ModelTerms
        The model.
    """
    for predictor in terms.predictors:
        if isinstance(predictor, LinearPredictor):
            parts = [(predictor.fixed, predictor.source)]
            parts += [(group.effects, group.source) for group in predictor.groups]
            for part, source in parts:
                for term in part.terms:
                    for factor in term.factors:
                        yield factor, source


def codings_by_label(
    given: Given | None, factors: Iterable[Expr], columns: Columns
) -> dict[str, Coding]:
    """Read what a user chose, and find which variables of the formula it is for.

    Parameters
    ----------
    given : mapping of str to Any, or None
        Codings by variable: words, matrices, or `Coding`.
    factors : iterable of Expr
        The variables of the formula.
    columns : Columns
        The data.

    Returns
    -------
    dict of str to Coding
        By the label of the variable.

    Raises
    ------
    DataError
        If there is no such variable or coding, or the variable is no factor.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise DataError(f"contrasts = {given!r} is not valid: it is a dict. {_EXAMPLE}")
    by_label = {deparse(factor): factor for factor in factors}
    found: dict[str, Coding] = {}
    for name, value in given.items():
        label = _label(name, by_label)
        if label is None or _is_number(by_label[label], columns):
            raise _no_factor(name, label, by_label, columns)
        if label in found:
            raise DataError(f"contrasts says twice how {label} is coded.")
        found[label] = _coding(name, value)
    return found


def codings_still_read(given: Given, terms: ModelTerms) -> dict[str, Any]:
    """Return the codings of those variables that a formula still reads.

    Parameters
    ----------
    given : mapping of str to Any
        Codings by label.
    terms : ModelTerms
        The model.
    """
    labels = {deparse(factor) for factor, _ in factors_of(terms)}
    return {label: coding for label, coding in given.items() if label in labels}


def _label(name: Any, labels: Iterable[str]) -> str | None:
    """Return the label of the variable that a user means."""
    known = set(labels)
    if not isinstance(name, str):
        return None
    for label in (name, quoted(name)):
        if label in known:
            return label
    try:
        label = deparse(parse_expression(name))
    except FormulaError:
        return None
    return label if label in known else None


def _is_number(factor: Expr, columns: Columns) -> bool:
    """Tell whether a variable is a column of numbers."""
    return (
        isinstance(factor, Name)
        and factor.name in columns
        and kind(columns[factor.name]) == "number"
    )


def _no_factor(
    name: Any, label: str | None, factors: Mapping[str, Expr], columns: Columns
) -> DataError:
    """Return the error for a name that is none of a factor."""
    if label is not None:
        return DataError(
            f"contrasts has {name!r}, which is a column of numbers and has no contrasts. "
            f"In the formula, C({label}, Sum) makes it a factor with these contrasts."
        )
    candidates = [text for text, factor in factors.items() if not _is_number(factor, columns)]
    return DataError(
        f"contrasts has {name!r}, which is no factor in the terms of the formula. "
        f"{did_you_mean(str(name), candidates)}"
    )


def _coding(name: str, value: Any) -> Coding:
    """Read one coding."""
    if isinstance(value, Coding):
        return value
    if isinstance(value, str):
        try:
            return coding_from_text(value)
        except FormulaError as error:
            raise DataError(
                f"contrasts[{name!r}] = {value!r} is not valid. {error.message}"
                + (f" {error.hint}" if error.hint else "")
            ) from error
    if isinstance(value, pd.DataFrame):
        return _from_frame(name, value)
    if isinstance(value, Mapping):
        return _from_frame(name, _as_frame(name, value))
    return _from_array(name, value)


def _from_frame(name: str, frame: pd.DataFrame) -> Coding:
    """Read a matrix with named columns, and perhaps named rows."""
    named_rows = not isinstance(frame.index, pd.RangeIndex)
    return Coding(
        "matrix",
        ", ".join(map(str, frame.columns)),
        columns=_columns(name, frame.to_numpy()),
        names=as_labels(frame.columns.tolist()),
        rows=as_labels(frame.index.tolist()) if named_rows else (),
    )


def _as_frame(name: str, value: Mapping[str, Any]) -> pd.DataFrame:
    """Read columns by their names."""
    try:
        return pd.DataFrame({column: list(numbers) for column, numbers in value.items()})
    except (TypeError, ValueError) as error:
        raise DataError(
            f"contrasts[{name!r}] is a dict of columns, which must be numbers, one for each level: "
            f"{error}."
        ) from error


def _from_array(name: str, value: Any) -> Coding:
    """Read a matrix, or one column of it, to which R's are added."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(())
    if array.ndim not in (1, 2) or not array.size:
        kinds = ", ".join(map(repr, KINDS))
        raise DataError(
            f"contrasts[{name!r}] = {value!r} is not valid. It is one of {kinds}, with arguments "
            "if need be ('treatment(\"b\")'), or a matrix of one row for each level: an array, or "
            "a DataFrame, whose columns name the coefficients."
        )
    single = array.ndim == 1
    columns = _columns(name, array[:, None] if single else array)
    text = f"a matrix of {len(columns)} column{'s' * (len(columns) > 1)}"
    return Coding("matrix", text, columns=columns, complete=single)


def _columns(name: str, values: Any) -> tuple[tuple[float, ...], ...]:
    """Return the columns of a matrix as plain numbers."""
    try:
        matrix = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"The contrast matrix of {name} must hold numbers: {error}.") from error
    return tuple(tuple(column) for column in matrix.T.tolist())
