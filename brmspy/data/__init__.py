"""Data frames in; arrays, names and levels out; the same arrays for new data."""

from brmspy.data.columns import kind, read_column
from brmspy.data.design import (
    Arrays,
    CoefName,
    Design,
    Dropped,
    GroupArrays,
    GroupCoef,
    GroupInfo,
    PredictorArrays,
    PredictorInfo,
    design,
    model_matrix,
)
from brmspy.data.factors import Levels, as_labels, encode
from brmspy.data.frame import as_frame

__all__ = [
    "Arrays",
    "CoefName",
    "Design",
    "Dropped",
    "GroupArrays",
    "GroupCoef",
    "GroupInfo",
    "Levels",
    "PredictorArrays",
    "PredictorInfo",
    "as_frame",
    "as_labels",
    "design",
    "encode",
    "kind",
    "model_matrix",
    "read_column",
]
