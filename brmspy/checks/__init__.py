"""Is the fit sound, and how well does the model predict: checks, and models beside each other."""

from __future__ import annotations

from brmspy.checks.check import Check, Suspicion, check
from brmspy.checks.compare import Comparison, loo_compare, model_weights
from brmspy.checks.elpd import Elpd
from brmspy.checks.extend import extend
from brmspy.checks.kfold import KFold, kfold
from brmspy.checks.loo import Loo, loo, reliable_k
from brmspy.checks.prior import prior_draws, prior_predictive
from brmspy.checks.r2 import R2, bayes_R2, loo_R2
from brmspy.checks.reloo import reloo
from brmspy.checks.sensitivity import PowerScaling, powerscale_sensitivity
from brmspy.checks.waic import waic

__all__ = [
    "R2",
    "Check",
    "Comparison",
    "Elpd",
    "KFold",
    "Loo",
    "PowerScaling",
    "Suspicion",
    "bayes_R2",
    "check",
    "extend",
    "kfold",
    "loo",
    "loo_R2",
    "loo_compare",
    "model_weights",
    "powerscale_sensitivity",
    "prior_draws",
    "prior_predictive",
    "reliable_k",
    "reloo",
    "waic",
]
