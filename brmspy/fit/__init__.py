"""The fitted model: labelled draws, summaries, diagnostics, saving and loading."""

from __future__ import annotations

from brmspy.fit.advice import Finding
from brmspy.fit.contract import FittedModel
from brmspy.fit.datasets import observation_labels
from brmspy.fit.diagnostics import Diagnostics, diagnose
from brmspy.fit.record import Approximation, FitRecord
from brmspy.fit.result import Fit
from brmspy.fit.variables import Variable

__all__ = [
    "Approximation",
    "Diagnostics",
    "Finding",
    "Fit",
    "FitRecord",
    "FittedModel",
    "Variable",
    "diagnose",
    "observation_labels",
]
