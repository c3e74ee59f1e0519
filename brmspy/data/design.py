"""Terms and data make a design: every array of the model, and the same arrays for new data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from brmspy.data.blocks import Block, group_blocks
from brmspy.data.checks import (
    warn_constant_columns,
    warn_dropped,
    warn_single_levels,
)
from brmspy.data.codings import Given, codings_by_label, factors_of
from brmspy.data.columns import Columns, is_missing, kind, read_column, some_rows
from brmspy.data.frame import as_frame
from brmspy.data.matrix import model_matrix_of
from brmspy.data.names import CoefName
from brmspy.data.needs import (
    Need,
    check_present,
    column_needs,
    complete_rows,
    read_columns,
)
from brmspy.data.recipe import Recipe, fit_recipe, fit_variables
from brmspy.data.records import (
    Arrays,
    Dropped,
    GroupArrays,
    GroupCoef,
    GroupInfo,
    PredictorArrays,
    PredictorInfo,
)
from brmspy.errors import DataError
from brmspy.formula.codings import Coding
from brmspy.formula.expression import deparse
from brmspy.formula.parser import parse_rhs
from brmspy.formula.terms import FixedPart, LinearPredictor, ModelTerms

__all__ = [
    "Arrays",
    "CoefName",
    "Design",
    "Dropped",
    "GroupArrays",
    "GroupCoef",
    "GroupInfo",
    "PredictorArrays",
    "PredictorInfo",
    "design",
    "model_matrix",
]


@dataclass(frozen=True, slots=True)
class Design:
    """A model's arrays, and how to make them for new data.

    Attributes
    ----------
    terms : ModelTerms
        The formula, understood.
    predictors : mapping of str to PredictorInfo
        By linear predictor.
    groups : tuple of GroupInfo
        Blocks of group-level effects.
    arrays : Arrays
        The arrays of the data that the model is fitted to.
    data : pandas.DataFrame
        The columns used, complete rows only.
    dropped : Dropped
        Rows left out because of missing values.
    needs : tuple of Need
        Columns that the model reads, and what for.
    recipe : Recipe
        How arrays are made.
    contrasts : mapping of str to Coding
        How factors are coded of which the formula does not say it, by their labels there. Factors
        that are neither here nor in a ``C()`` are coded as R does by default.
    """

    terms: ModelTerms
    predictors: Mapping[str, PredictorInfo]
    groups: tuple[GroupInfo, ...]
    arrays: Arrays
    data: pd.DataFrame
    dropped: Dropped
    needs: tuple[Need, ...]
    recipe: Recipe
    contrasts: Mapping[str, Coding]

    def arrays_for(
        self,
        newdata: Any,
        *,
        groups: Sequence[bool] | None = None,
        response: bool = False,
        allow_new_levels: bool = False,
    ) -> Arrays:
        """Make the arrays for new data, with levels and transforms of the data fitted to.

        Parameters
        ----------
        newdata : pandas.DataFrame or any table
            The rows to make arrays for, all of them, in this order.
        groups : sequence of bool, optional
            Which blocks of group-level effects to include; all by default. The others need no
            columns, and are left out of the result.
        response : bool
            Whether the response is needed.
        allow_new_levels : bool
            Whether groups may have levels that the model has not seen. A missing grouping value,
            or a missing grouping column, counts as one new level.

        Returns
        -------
        Arrays
            Weights that the new data do not have are 1.

        Raises
        ------
        DataError
            If a column is absent or of another type, or a value is missing or unknown. A missing
            value of a factor gets zero contrasts, with a warning.
        """
        wanted = [True] * len(self.groups) if groups is None else [bool(flag) for flag in groups]
        frame = as_frame(newdata)
        if len(frame) == 0:
            raise DataError("The new data have no rows.")
        needs = [need for need in self.needs if _is_needed(need, wanted, response)]
        required = [need for need in needs if not _may_be_absent(need, allow_new_levels)]
        check_present(required, frame, "The new data")
        names = list(dict.fromkeys(need.column for need in needs))
        columns = read_columns(frame, names, _has_reserved_intercept(self.terms))
        self._check_missing(needs, columns)
        return self.recipe.arrays(
            columns, groups=wanted, response=response, allow_new_levels=allow_new_levels
        )

    def effect_labels(self, effects: FixedPart) -> tuple[str, ...]:
        """Return the coefficients that terms would have in this design.

        Parameters
        ----------
        effects : FixedPart
            Terms, such as those on the left of the bar in ``(x | g)``.

        Returns
        -------
        tuple of str
            Their labels; what the model does not read at all is returned as it is written.
        """
        factors = [deparse(factor) for term in effects.terms for factor in term.factors]
        unknown = [label for label in factors if label not in self.recipe.variables]
        if unknown:
            return tuple(unknown)
        matrix = model_matrix_of(effects, self.recipe.variables)
        return tuple(name.label for name in matrix.names)

    @property
    def factors(self) -> dict[str, tuple[str, ...]]:
        """Levels of each factor in the terms, by the factor's label.

        Names of coefficients need not say which levels there are: sum contrasts of any three are
        ``f1`` and ``f2``.
        """
        variables = self.recipe.variables.items()
        return {label: found.levels.labels for label, found in variables if found.levels}

    def is_discrete(self, column: str) -> bool:
        """Tell whether predictions know only those values of a column that the data have.

        That is so for factors, text and logicals, and for numbers that the formula makes a factor
        of, as in ``factor(x)``, but not for those of which it makes intervals: ``I(x > 3)``.

        Parameters
        ----------
        column : str
            A column of `data`.

        Returns
        -------
        bool
        """
        if kind(read_column(self.data[column], column)) != "number":
            return True
        seen = np.unique(self.data[column].to_numpy(dtype=np.float64))
        others = np.append((seen[1:] + seen[:-1]) / 2, self.data[column].mean())
        frame = self.data.iloc[np.zeros(len(others), dtype=np.intp)].assign(**{column: others})
        columns = read_columns(frame, list(frame.columns), _has_reserved_intercept(self.terms))
        return any(
            column in variable.expression.reads and variable.refuses_any(columns)
            for variable in self.recipe.variables.values()
        )

    def _check_missing(self, needs: Sequence[Need], columns: Columns) -> None:
        """Refuse missing values, except in groups and in factors that stand alone in a term."""
        factors = self.recipe.bare_factors
        for need in needs:
            if need.grouping or need.column not in columns or need.column in factors:
                continue
            missing = is_missing(columns[need.column])
            if missing.any():
                raise DataError(
                    f"Column {need.column!r}, which {need.role} needs, is missing in "
                    f"{some_rows(columns.index, missing)} of the new data."
                )

    def __repr__(self) -> str:
        lines = [f"Design of {self.arrays.nobs} observations of {self.terms.response.label}"]
        for info in self.predictors.values():
            coefs = ", ".join(map(str, info.coefs)) or "no coefficients"
            lines.append(f"  {info.name}: {coefs}{' (centred)' if info.centred else ''}")
        for group in self.groups:
            coefs = ", ".join(coef.label for coef in group.coefs)
            bar = "|" if group.correlated else "||"
            lines.append(f"  ({coefs} {bar} {group.group}): {len(group.levels)} levels")
        if self.dropped.count:
            lines.append(f"  left out because of missing values: {self.dropped}")
        return "\n".join(lines)


def design(terms: ModelTerms, data: Any, contrasts: Given | None = None) -> Design:
    """Evaluate the terms of a model on data.

    Rows with a missing value in any column that the model uses are left out, with a warning.

    Parameters
    ----------
    terms : ModelTerms
        What `parse` makes of a formula.
    data : pandas.DataFrame or any table
        One row per observation.
    contrasts : mapping of str to Any, optional
        How factors are coded: see `brmspy.brm`.

    Returns
    -------
    Design
        Arrays and names, ready for a program.

    Raises
    ------
    DataError
        If the data do not fit the formula.
    FormulaError
        If a term calls an unknown function, or group-level terms contradict each other.

    Examples
    --------
    >>> from brmspy.data import design
    >>> from brmspy.formula.parser import parse
    >>> data = {"y": [1.0, 2.0, 4.0, 3.0], "x": [0, 1, 2, 3], "g": ["a", "a", "b", "b"]}
    >>> design(parse("y ~ x + (1 | g)"), data)
    Design of 4 observations of y
      mu: Intercept, x (centred)
      (Intercept | g): 2 levels
    """
    frame = as_frame(data)
    blocks = group_blocks(terms)
    needs = column_needs(terms, blocks)
    check_present(needs, frame)
    complete, dropped = complete_rows(frame, needs)
    warn_dropped(dropped, len(frame))
    names = list(dict.fromkeys(need.column for need in needs))
    used = frame.loc[complete]
    columns = read_columns(used, names, _has_reserved_intercept(terms))
    codings = codings_by_label(contrasts, (factor for factor, _ in factors_of(terms)), columns)
    recipe = fit_recipe(terms, blocks, columns, codings)
    arrays = recipe.arrays(
        columns, groups=[True] * len(blocks), response=True, allow_new_levels=False
    )
    groups = tuple(_group_info(block, recipe, position) for position, block in enumerate(blocks))
    result = Design(
        terms=terms,
        predictors=_predictor_infos(terms, recipe, arrays),
        groups=groups,
        arrays=arrays,
        data=used[names],
        dropped=dropped,
        needs=needs,
        recipe=recipe,
        contrasts=codings,
    )
    warn_single_levels(groups)
    warn_constant_columns(result.predictors, arrays)
    return result


def model_matrix(formula: str, data: Any, contrasts: Given | None = None) -> pd.DataFrame:
    """Return the model matrix of a one-sided formula, as R's ``model.matrix()``.

    Parameters
    ----------
    formula : str
        Population-level terms, such as ``"~ f * x"``.
    data : pandas.DataFrame or any table
        The data. Rows with missing values are left out, with a warning.
    contrasts : mapping of str to str or matrix, optional
        How factors are coded: see `brmspy.brm`.

    Returns
    -------
    pandas.DataFrame
        One column per coefficient, with R's names; the intercept is ``Intercept``.

    Raises
    ------
    DataError
        If the data do not fit the formula.
    FormulaError
        If the formula is not valid.

    Examples
    --------
    >>> from brmspy.data import model_matrix
    >>> model_matrix("~ f * x", {"f": ["a", "b"], "x": [2.0, 3.0]})
       Intercept   fb    x  fb:x
    0        1.0  0.0  2.0   0.0
    1        1.0  1.0  3.0   3.0
    >>> model_matrix("~ f", {"f": ["a", "b", "c"]}, contrasts={"f": "sum"})
       Intercept   f1   f2
    0        1.0  1.0  0.0
    1        1.0  0.0  1.0
    2        1.0 -1.0 -1.0
    """
    frame = as_frame(data)
    part = parse_rhs(formula, [str(name) for name in frame.columns])
    needs = [Need(name, "the formula", "predictor") for name in part.variables]
    check_present(needs, frame)
    complete, dropped = complete_rows(frame, needs)
    warn_dropped(dropped, len(frame))
    used = frame.loc[complete]
    columns = read_columns(used, part.variables, _is_reserved(part))
    factors = [factor for term in part.terms for factor in term.factors]
    codings = codings_by_label(contrasts, factors, columns)
    variables = fit_variables(((factor, formula) for factor in factors), columns, codings)
    matrix = model_matrix_of(part, variables)
    values = {label: variables[label].read(columns) for label in matrix.variables}
    labels = [name.label for name in matrix.names]
    return pd.DataFrame(matrix.build(values, columns.nobs), index=used.index, columns=labels)


def _is_needed(need: Need, groups: Sequence[bool], response: bool) -> bool:
    """Tell whether a column is needed for new data."""
    if need.part == "response":
        return response
    return need.part != "block" or groups[need.block]


def _may_be_absent(need: Need, allow_new_levels: bool) -> bool:
    """Tell which columns new data may lack."""
    return need.part == "weights" or (need.grouping and allow_new_levels)


def _has_reserved_intercept(terms: ModelTerms) -> bool:
    """Tell whether any part of a model says ``0 + Intercept``."""
    linear = [item for item in terms.predictors if isinstance(item, LinearPredictor)]
    return any(
        _is_reserved(part)
        for predictor in linear
        for part in (predictor.fixed, *(group.effects for group in predictor.groups))
    )


def _is_reserved(part: FixedPart) -> bool:
    """Tell whether a part says ``0 + Intercept``."""
    return any(term.is_intercept for term in part.terms)


def _predictor_infos(terms: ModelTerms, recipe: Recipe, arrays: Arrays) -> dict[str, PredictorInfo]:
    """Name the columns of each linear predictor, and find what to centre them at."""
    infos = {}
    for name, predictor in recipe.predictors.items():
        matrix = predictor.matrix
        term = terms.predictor(name)
        centred = matrix.intercept and isinstance(term, LinearPredictor) and term.center
        means = np.zeros(len(matrix.names))
        if centred:
            means[1:] = arrays.predictors[name].X[:, 1:].mean(axis=0)
        infos[name] = PredictorInfo(name, matrix.names, matrix.intercept, centred, means)
    return infos


def _group_info(block: Block, recipe: Recipe, position: int) -> GroupInfo:
    """Name the levels and coefficients of one block."""
    fitted = recipe.blocks[position]
    coefs = tuple(
        GroupCoef(predictor, name)
        for (predictor, _), matrix in zip(block.terms, fitted.matrices, strict=True)
        for name in matrix.names
    )
    first = block.first
    return GroupInfo(
        first.group, first.factors, fitted.grouping.levels, coefs, first.correlated, first.id
    )
