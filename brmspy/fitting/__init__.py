"""From a model to a fit, and from a fit to another of the same kind."""

from __future__ import annotations

from brmspy.fitting.arguments import Settings, settings_from, settings_of
from brmspy.fitting.elsewhere import run_elsewhere
from brmspy.fitting.jobs import JobsInterrupted, LostWorkersError, run_jobs
from brmspy.fitting.many import Made, plans_alike, run_plans, telling_which
from brmspy.fitting.plan import Plan
from brmspy.fitting.refit import refit
from brmspy.fitting.run import run_model

__all__ = [
    "JobsInterrupted",
    "LostWorkersError",
    "Made",
    "Plan",
    "Settings",
    "plans_alike",
    "refit",
    "run_elsewhere",
    "run_jobs",
    "run_model",
    "run_plans",
    "settings_from",
    "settings_of",
    "telling_which",
]
