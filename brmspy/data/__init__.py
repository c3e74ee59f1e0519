"""Data frames in; arrays, names and levels out; the same arrays for new data."""

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
from brmspy.data.frame import as_frame

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
    "as_frame",
    "design",
    "model_matrix",
]
