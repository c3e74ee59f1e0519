"""Hypotheses about parameters: algebra over their names, tested on the draws."""

from __future__ import annotations

from brmspy.hypotheses.hypothesis import hypothesis
from brmspy.hypotheses.result import Hypotheses

__all__ = ["Hypotheses", "hypothesis"]
