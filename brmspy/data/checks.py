"""What a design warns of once its columns and levels are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from brmspy.data.records import Arrays, Dropped, GroupInfo, PredictorInfo
from brmspy.errors import DataWarning, warn

__all__ = ["warn_constant_columns", "warn_dropped", "warn_single_levels"]


def warn_dropped(dropped: Dropped, nrows: int) -> None:
    """Say which rows are left out."""
    if dropped.count:
        columns = str(dropped).partition(": ")[2]
        warn(
            f"Left out {dropped.count} of {nrows} rows because of missing values in {columns}.",
            DataWarning,
        )


def warn_single_levels(groups: Sequence[GroupInfo]) -> None:
    """Say which groups have one level."""
    for group in groups:
        if len(group.levels) == 1:
            warn(
                f"The group {group.group!r} has only one level ({group.levels[0]!r}); "
                "its standard deviation is determined by the prior alone.",
                DataWarning,
            )


def warn_constant_columns(predictors: Mapping[str, PredictorInfo], arrays: Arrays) -> None:
    """Say which coefficients the data cannot tell from the intercept, or from nothing."""
    for name, info in predictors.items():
        X = arrays.predictors[name].X
        labels = [coef.label for coef in info.coefs]
        constant = (X[:1] == X).all(axis=0) & (("Intercept" in labels) | (X[0] == 0))
        columns = [
            label
            for label, is_constant in zip(labels, constant, strict=True)
            if is_constant and label != "Intercept"
        ]
        if columns:
            warn(
                f"The data say nothing about {', '.join(map(repr, columns))} of {name}: "
                "the same value in all rows. The prior alone determines it.",
                DataWarning,
            )
