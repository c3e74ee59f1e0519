"""From a model to a fit, and from a fit to another of the same kind."""

from __future__ import annotations

from brmspy.fitting.arguments import Settings, settings_of
from brmspy.fitting.jobs import JobsInterrupted, LostWorkersError, run_jobs
from brmspy.fitting.refit import refit
from brmspy.fitting.run import run_model

__all__ = [
    "JobsInterrupted",
    "LostWorkersError",
    "Settings",
    "refit",
    "run_jobs",
    "run_model",
    "settings_of",
]
