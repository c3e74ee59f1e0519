"""Maximum likelihood: the frequentist counterparts of the models, and both worlds side by side."""

from brmspy.twin.compare import FrequentistComparison, compare_frequentist
from brmspy.twin.dispatch import frequentist
from brmspy.twin.estimate import EffectBlock, MixedEstimate
from brmspy.twin.glmm import generalized_mixed
from brmspy.twin.mixed import linear_mixed
from brmspy.twin.nlmm import nonlinear_mixed
from brmspy.twin.result import FrequentistFit

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
