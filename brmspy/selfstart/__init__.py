"""Named curves that find their parameters in data.

One file for each family of curves (`asymptotic`, `exponential`, `sigmoid`, `saturating`) says where
to look for the parameters; `estimate_curve` improves that by least squares, for all rows and for
each group. What the curves compute is in `brmspy.formula.library`.
"""

from brmspy.selfstart.estimate import (
    CurveEstimate,
    GroupEstimates,
    Grouping,
    estimate_curve,
    span_of,
)
from brmspy.selfstart.general import random_guesses
from brmspy.selfstart.leastsquares import LeastSquares, least_squares
from brmspy.selfstart.records import SelfStart
from brmspy.selfstart.registry import named_curves, register_curve, self_start, unregister_curve

__all__ = [
    "CurveEstimate",
    "GroupEstimates",
    "Grouping",
    "LeastSquares",
    "SelfStart",
    "estimate_curve",
    "least_squares",
    "named_curves",
    "random_guesses",
    "register_curve",
    "self_start",
    "span_of",
    "unregister_curve",
]
