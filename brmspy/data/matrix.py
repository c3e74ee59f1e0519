"""R's model matrix: which factors of which terms get which coding, and the columns they make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from brmspy.data.contrasts import indicators
from brmspy.data.names import CoefName, coef_names
from brmspy.data.variables import Variable
from brmspy.errors import DataError
from brmspy.formula.expression import deparse
from brmspy.formula.terms import FixedPart, FixedTerm

__all__ = ["ModelMatrix", "TermFactor", "model_matrix_of"]


@dataclass(frozen=True, slots=True)
class TermFactor:
    """One factor (in the sense of ``a:b``) of one term.

    Parameters
    ----------
    variable : str
        Label of the variable.
    contrasts : numpy.ndarray or None
        Shape (levels + 1, columns): the coding of each level; the last row is zero and serves
        missing values. None for numbers.
    labels : tuple of str
        Names of the columns.
    """

    variable: str
    contrasts: npt.NDArray[np.float64] | None
    labels: tuple[str, ...]

    def columns(self, values: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.float64]:
        """Return the columns, shape (N, columns)."""
        data = values[self.variable]
        return data if self.contrasts is None else self.contrasts[data]


@dataclass(frozen=True, slots=True)
class ModelMatrix:
    """How the columns of a model matrix are made; the same for any data.

    Parameters
    ----------
    intercept : bool
        Whether the first column is the intercept.
    terms : tuple of tuple of TermFactor
        The factors of each term.
    names : tuple of CoefName
        One per column.
    """

    intercept: bool
    terms: tuple[tuple[TermFactor, ...], ...]
    names: tuple[CoefName, ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """Labels of the variables in use."""
        return tuple(dict.fromkeys(factor.variable for term in self.terms for factor in term))

    def build(self, values: Mapping[str, npt.NDArray[Any]], nobs: int) -> npt.NDArray[np.float64]:
        """Return the matrix, shape (N, K).

        Parameters
        ----------
        values : mapping of str to array
            What `Variable.read` gives, by label.
        nobs : int
            Number of rows.
        """
        result = np.empty((nobs, len(self.names)))
        start = 0
        if self.intercept:
            result[:, 0] = 1.0
            start = 1
        for term in self.terms:
            block = reduce(_products, (factor.columns(values) for factor in term))
            result[:, start : start + block.shape[1]] = block
            start += block.shape[1]
        return result


def model_matrix_of(
    part: FixedPart, variables: Mapping[str, Variable], cmc: bool = True
) -> ModelMatrix:
    """Decide the coding of every term by R's rules.

    Parameters
    ----------
    part : FixedPart
        Expanded terms in R's order.
    variables : mapping of str to Variable
        By label.
    cmc : bool
        Cell-mean coding: without an intercept, the first factor gets one column per level.

    Returns
    -------
    ModelMatrix
        With unique column names.

    Raises
    ------
    DataError
        If two columns would have the same name.
    """
    # `0 + Intercept` takes the place of the intercept.
    reserved = any(term.is_intercept for term in part.terms)
    codes_as_intercept = part.intercept or reserved or not cmc
    full = _full_codings(part.terms, variables, codes_as_intercept)
    terms = tuple(
        tuple(
            _term_factor(variables[label], (position, label) in full)
            for label in map(deparse, term.factors)
        )
        for position, term in enumerate(part.terms)
    )
    labels = ["Intercept"] if part.intercept else []
    for term in terms:
        labels += _product_labels([factor.labels for factor in term])
    _refuse_repeats(labels)
    return ModelMatrix(part.intercept, terms, coef_names(labels))


def _full_codings(
    terms: Sequence[FixedTerm], variables: Mapping[str, Variable], intercept: bool
) -> set[tuple[int, str]]:
    """Return which factor of which term gets one column per level instead of contrasts.

    R's rule: a factor gets contrasts in a term if the term without it is contained in an earlier
    term (the empty term always counts). Without an intercept, the first factor of the first term
    that has one gets all its levels.

    References
    ----------
    R Core Team. R: A Language and Environment for Statistical Computing, ``terms.object``.
    """
    labels = [tuple(map(deparse, term.factors)) for term in terms]
    full = set()
    for position, term in enumerate(labels):
        for label in term:
            margin = set(term) - {label}
            if margin and not any(margin <= set(earlier) for earlier in labels[:position]):
                full.add((position, label))
    if not intercept:
        factors = (
            (position, label)
            for position, term in enumerate(labels)
            for label in term
            if variables[label].levels is not None
        )
        full.update([first] if (first := next(factors, None)) else [])
    return full


def _term_factor(variable: Variable, full: bool) -> TermFactor:
    """Return the columns of one factor of a term."""
    if variable.levels is None or variable.contrasts is None:
        suffixes = [""] if variable.width == 1 else [str(i + 1) for i in range(variable.width)]
        return TermFactor(variable.label, None, tuple(variable.label + s for s in suffixes))
    coding = indicators(variable.levels) if full else variable.contrasts
    matrix = np.vstack([coding.matrix, np.zeros(coding.matrix.shape[1])])
    return TermFactor(
        variable.label, matrix, tuple(variable.label + suffix for suffix in coding.suffixes)
    )


def _products(
    left: npt.NDArray[np.float64], right: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return all products of two sets of columns; the first varies fastest."""
    return (right[:, :, None] * left[:, None, :]).reshape(len(left), -1)


def _product_labels(parts: Sequence[tuple[str, ...]]) -> list[str]:
    """Return the names of products of columns; the first varies fastest."""
    labels = list(parts[0])
    for part in parts[1:]:
        labels = [f"{left}:{right}" for right in part for left in labels]
    return labels


def _refuse_repeats(labels: Sequence[str]) -> None:
    """Refuse columns with equal names: their coefficients could not be told apart."""
    name, uses = max(Counter(labels).items(), key=lambda item: item[1], default=("", 0))
    if uses < 2:
        return
    if name == "Intercept":
        raise DataError(
            "'Intercept' is reserved for the intercept. Remove one of the two from the formula: "
            "write `0 + Intercept + ...`, or leave 'Intercept' out."
        )
    raise DataError(
        f"Two coefficients would be named {name!r}. Rename a column or a level of a factor."
    )
