"""How to make all arrays of a model from any data, with everything frozen by the training data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from brmspy.data.blocks import Block
from brmspy.data.codings import factors_of
from brmspy.data.columns import Columns, kind
from brmspy.data.evaluate import Expression, expression
from brmspy.data.groups import Grouping, fit_grouping
from brmspy.data.matrix import ModelMatrix, model_matrix_of
from brmspy.data.records import Arrays, GroupArrays, PredictorArrays
from brmspy.data.response import ResponseVariable, fit_response, read_trials, read_weights
from brmspy.data.variables import Variable, as_number_column, fit_variable
from brmspy.errors import DataError
from brmspy.formula.codings import Coding
from brmspy.formula.expression import Expr, Name, deparse
from brmspy.formula.terms import LinearPredictor, ModelTerms

__all__ = ["BlockRecipe", "PredictorRecipe", "Recipe", "fit_recipe", "fit_variables"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PredictorRecipe:
    """How to make the population-level arrays of one linear predictor."""

    matrix: ModelMatrix
    offsets: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class BlockRecipe:
    """How to make the arrays of one block of group-level effects."""

    grouping: Grouping
    matrices: tuple[ModelMatrix, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make all arrays of a model.

    Attributes
    ----------
    variables : mapping of str to Variable
        What terms are made of, by label.
    predictors : mapping of str to PredictorRecipe
        By linear predictor.
    blocks : tuple of BlockRecipe
        Group-level effects.
    covariates : mapping of str to Expression
        Columns that non-linear formulas read.
    response : ResponseVariable
        The response.
    trials, weights : Expression or None
        Response terms.
    weight_scale : float
        What the weights are multiplied by.
    """

    variables: Mapping[str, Variable]
    predictors: Mapping[str, PredictorRecipe]
    blocks: tuple[BlockRecipe, ...]
    covariates: Mapping[str, Expression]
    response: ResponseVariable
    trials: Expression | None
    weights: Expression | None
    weight_scale: float

    @property
    def bare_factors(self) -> frozenset[str]:
        """Columns that are factors and that no call reads: missing values get zero contrasts."""
        bare = {
            variable.expression.reads[0]
            for variable in self.variables.values()
            if variable.expression.is_column and variable.levels is not None
        }
        expressions = [variable.expression for variable in self.variables.values()]
        expressions += [item for recipe in self.predictors.values() for item in recipe.offsets]
        calls = (item for item in expressions if not item.is_column)
        return frozenset(bare.difference(*(call.reads for call in calls)))

    def arrays(
        self,
        columns: Columns,
        *,
        groups: Sequence[bool],
        response: bool,
        allow_new_levels: bool,
    ) -> Arrays:
        """Make the arrays for one data set; see `Design.arrays_for`."""
        blocks = [block for block, wanted in zip(self.blocks, groups, strict=True) if wanted]
        values = self._values(blocks, columns)
        return Arrays(
            nobs=columns.nobs,
            rows=columns.index,
            predictors={
                name: PredictorArrays(
                    predictor.matrix.build(values, columns.nobs),
                    _offset(predictor.offsets, columns),
                )
                for name, predictor in self.predictors.items()
            },
            groups=tuple(
                _group_arrays(block, values, columns, allow_new_levels) for block in blocks
            ),
            covariates={
                name: _covariate(name, covariate, columns)
                for name, covariate in self.covariates.items()
            },
            response=self.response.read(columns) if response else None,
            trials=None if self.trials is None else read_trials(self.trials, columns),
            weights=self._weights(columns),
        )

    def _values(
        self, blocks: Sequence[BlockRecipe], columns: Columns
    ) -> dict[str, npt.NDArray[Any]]:
        """Evaluate each variable once."""
        matrices = [predictor.matrix for predictor in self.predictors.values()]
        matrices += [matrix for block in blocks for matrix in block.matrices]
        labels = dict.fromkeys(label for matrix in matrices for label in matrix.variables)
        return {label: self.variables[label].read(columns) for label in labels}

    def _weights(self, columns: Columns) -> FloatArray | None:
        """Return the weights; 1 where new data do not have them."""
        if self.weights is None:
            return None
        if any(name not in columns for name in self.weights.reads):
            return np.ones(columns.nobs)
        return read_weights(self.weights, columns) * self.weight_scale


def fit_recipe(
    terms: ModelTerms, blocks: Sequence[Block], columns: Columns, codings: Mapping[str, Coding]
) -> Recipe:
    """Freeze types, levels, contrasts and transforms by the training data.

    Parameters
    ----------
    terms : ModelTerms
        The model.
    blocks : sequence of Block
        Its group-level terms.
    columns : Columns
        Complete rows.
    codings : mapping of str to Coding
        How factors are coded of which the formula does not say it, by label.

    Raises
    ------
    DataError, FormulaError
        If a term cannot be evaluated on the data.
    """
    linear = [item for item in terms.predictors if isinstance(item, LinearPredictor)]
    variables = fit_variables(factors_of(terms), columns, codings)
    response = terms.response
    weights = None if response.weights is None else expression(response.weights, response.source)
    scale = 1.0
    if weights is not None and response.scale_weights:
        total = float(read_weights(weights, columns).sum())
        if total == 0:
            raise DataError(f"weights({weights.label}) cannot be scaled: all of them are zero.")
        scale = columns.nobs / total
    return Recipe(
        variables=variables,
        predictors={
            predictor.name: PredictorRecipe(
                model_matrix_of(predictor.fixed, variables, predictor.cmc),
                tuple(expression(item, predictor.source) for item in predictor.fixed.offsets),
            )
            for predictor in linear
        },
        blocks=tuple(
            BlockRecipe(
                fit_grouping(block.first.factors, columns),
                tuple(model_matrix_of(term.effects, variables) for _, term in block.terms),
            )
            for block in blocks
        ),
        covariates={name: expression(Name(name), source) for name, source in _covariates(terms)},
        response=fit_response(expression(response.expr, response.source), columns),
        trials=None if response.trials is None else expression(response.trials, response.source),
        weights=weights,
        weight_scale=scale,
    )


def fit_variables(
    factors: Iterable[tuple[Expr, str]], columns: Columns, codings: Mapping[str, Coding]
) -> dict[str, Variable]:
    """Fix the type of each distinct expression.

    Parameters
    ----------
    factors : iterable of (Expr, str)
        Expressions, each with the formula it stands in.
    columns : Columns
        The training data.
    codings : mapping of str to Coding
        How factors are coded of which the formula does not say it, by label.
    """
    variables: dict[str, Variable] = {}
    for expr, source in factors:
        label = deparse(expr)
        if label not in variables:
            coding = codings.get(label)
            variables[label] = fit_variable(expression(expr, source), columns, coding)
    return variables


def _covariates(terms: ModelTerms) -> Iterator[tuple[str, str]]:
    """Yield the columns that non-linear formulas read, each with its formula."""
    for predictor in terms.predictors:
        if not isinstance(predictor, LinearPredictor):
            for name in predictor.covariates:
                yield name, predictor.source


def _covariate(name: str, column: Expression, columns: Columns) -> FloatArray:
    """Return a column that a non-linear formula reads."""
    if kind(columns[name]) in {"text", "factor"}:
        raise DataError(
            f"The column {name!r} in a non-linear formula is not numeric. Code it as numbers, or "
            f"let a non-linear parameter depend on it: `Asym ~ 0 + {name}`."
        )
    return as_number_column(column, columns, f"The covariate {name!r}")


def _offset(offsets: Sequence[Expression], columns: Columns) -> FloatArray | None:
    """Return the sum of the offsets."""
    if not offsets:
        return None
    total = np.zeros(columns.nobs)
    for offset in offsets:
        total += as_number_column(offset, columns, f"offset({offset.label})")
    return total


def _group_arrays(
    block: BlockRecipe,
    values: Mapping[str, npt.NDArray[Any]],
    columns: Columns,
    allow_new_levels: bool,
) -> GroupArrays:
    """Make the arrays of one block."""
    index, new_levels = block.grouping.index(columns, allow_new_levels)
    Z = np.hstack([matrix.build(values, columns.nobs) for matrix in block.matrices])
    return GroupArrays(index, Z, new_levels)
