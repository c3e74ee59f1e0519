"""Maximum likelihood: the frequentist counterparts of the models."""

from brmspy.frequentist.estimate import EffectBlock, MixedEstimate
from brmspy.frequentist.glmm import generalized_mixed
from brmspy.frequentist.mixed import linear_mixed
from brmspy.frequentist.nlmm import nonlinear_mixed

__all__ = [
    "EffectBlock",
    "MixedEstimate",
    "generalized_mixed",
    "linear_mixed",
    "nonlinear_mixed",
]
