"""Curves along a number: their values, their rates of change, and what they approach when."""

from __future__ import annotations

from brmspy.growth.curves import CurveRequest, Curves, check_xlim, compute_curves, held_text
from brmspy.growth.inputs import check_by, chosen_input
from brmspy.growth.levels import NO_GROUP, by_values, chosen_group, effects_of
from brmspy.growth.limits import asymptotes
from brmspy.growth.times import TimesTo, time_to

__all__ = [
    "NO_GROUP",
    "CurveRequest",
    "Curves",
    "TimesTo",
    "asymptotes",
    "by_values",
    "check_by",
    "check_xlim",
    "chosen_group",
    "chosen_input",
    "compute_curves",
    "effects_of",
    "held_text",
    "time_to",
]
