"""What a model says about its variables: effects, predictions, comparisons, slopes, means."""

from brmspy.effects.comparison import comparisons
from brmspy.effects.conditional import ConditionalEffect, ConditionalEffects, conditional_effects
from brmspy.effects.contrasts import Contrasts
from brmspy.effects.estimates import Estimates
from brmspy.effects.joint import JointTests
from brmspy.effects.marginal import MarginalMeans, emmeans, joint_tests
from brmspy.effects.prediction import predictions
from brmspy.effects.slope import slopes

__all__ = [
    "ConditionalEffect",
    "ConditionalEffects",
    "Contrasts",
    "Estimates",
    "JointTests",
    "MarginalMeans",
    "comparisons",
    "conditional_effects",
    "emmeans",
    "joint_tests",
    "predictions",
    "slopes",
]
