"""What a design refuses or warns of once its columns and levels are known."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from brmspy.data.blocks import Block
from brmspy.data.records import Arrays, Dropped, GroupInfo, PredictorInfo
from brmspy.errors import DataWarning, FormulaError
from brmspy.formula.terms import GroupTerm

__all__ = ["refuse_duplicates", "warn_constant_columns", "warn_dropped", "warn_single_levels"]


def refuse_duplicates(blocks: Sequence[Block], groups: Sequence[GroupInfo]) -> None:
    """Refuse coefficients that vary twice with the same group: their sum alone is estimable."""
    seen: dict[tuple[frozenset[str], str, str], GroupTerm] = {}
    for block, group in zip(blocks, groups, strict=True):
        for coef in group.coefs:
            key = (frozenset(group.factors), coef.predictor, coef.name.label)
            term = next(term for name, term in block.terms if name == coef.predictor)
            if key in seen:
                raise FormulaError(
                    f"The group-level effect {coef.name.label!r} of {coef.predictor} varies twice "
                    f"with {group.group!r}: in {seen[key]} and in {term}.",
                    term.source,
                    term.span,
                    "Remove one of them; without an intercept: (0 + x | g).",
                )
            seen[key] = term


def warn_dropped(dropped: Dropped, nrows: int) -> None:
    """Say which rows are left out."""
    if dropped.count:
        columns = str(dropped).partition(": ")[2]
        warnings.warn(
            f"Left out {dropped.count} of {nrows} rows because of missing values in {columns}.",
            DataWarning,
            stacklevel=3,
        )


def warn_single_levels(groups: Sequence[GroupInfo]) -> None:
    """Say which groups have one level."""
    for group in groups:
        if len(group.levels) == 1:
            warnings.warn(
                f"The group {group.group!r} has only one level ({group.levels[0]!r}); "
                "its standard deviation is determined by the prior alone.",
                DataWarning,
                stacklevel=3,
            )


def warn_constant_columns(predictors: Mapping[str, PredictorInfo], arrays: Arrays) -> None:
    """Say which coefficients the data cannot tell from the intercept, or from nothing."""
    for name, info in predictors.items():
        X = arrays.predictors[name].X
        labels = np.array([coef.label for coef in info.coefs])
        with_intercept = info.has_intercept or "Intercept" in labels
        constant = (X[:1] == X).all(axis=0) & (with_intercept | (X[0] == 0))
        columns = labels[constant & (labels != "Intercept")]
        if len(columns):
            warnings.warn(
                f"The data say nothing about {', '.join(map(repr, columns))} of {name}: "
                "the same value in all rows. The prior alone determines it.",
                DataWarning,
                stacklevel=3,
            )
