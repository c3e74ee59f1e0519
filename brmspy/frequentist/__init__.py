"""Maximum likelihood: the frequentist counterparts of the models."""

from brmspy.frequentist.estimate import EffectBlock, MixedEstimate

__all__ = ["EffectBlock", "MixedEstimate"]
