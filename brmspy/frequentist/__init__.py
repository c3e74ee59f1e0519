"""Maximum likelihood: the frequentist counterparts of the models, and both worlds side by side."""

from brmspy.frequentist.compare import FrequentistComparison, compare_frequentist
from brmspy.frequentist.dispatch import frequentist
from brmspy.frequentist.estimate import EffectBlock, MixedEstimate
from brmspy.frequentist.glmm import generalized_mixed
from brmspy.frequentist.mixed import linear_mixed
from brmspy.frequentist.nlmm import nonlinear_mixed
from brmspy.frequentist.result import FrequentistFit

__all__ = [
    "EffectBlock",
    "FrequentistComparison",
    "FrequentistFit",
    "MixedEstimate",
    "compare_frequentist",
    "frequentist",
    "generalized_mixed",
    "linear_mixed",
    "nonlinear_mixed",
]
