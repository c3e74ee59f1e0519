"""The pieces of a Stan program that come from the terms of a formula.

Each kind of term is one module here and one template in ``templates/terms``: the class says which
parameters it owns, which data it sends, how its value is written in Stan, where its parameters
start, and how the user's parameters follow from what the sampler drew.
"""

from brmspy.program.terms.base import Term
from brmspy.program.terms.centring import (
    CentredLevels,
    WithinLevels,
    stack_positions,
    within_levels,
)
from brmspy.program.terms.correlated import BlockUse, CorrelatedEffects
from brmspy.program.terms.group_effects import GroupEffects
from brmspy.program.terms.integrated import IntegratedBlock, IntegratedEffects
from brmspy.program.terms.joint import JointLevels
from brmspy.program.terms.offset import Offset
from brmspy.program.terms.population import Population, is_constant
from brmspy.program.terms.standard_coefficients import StandardCoefficients
from brmspy.program.terms.uncorrelated import UncorrelatedEffects

__all__ = [
    "BlockUse",
    "CentredLevels",
    "CorrelatedEffects",
    "GroupEffects",
    "IntegratedBlock",
    "IntegratedEffects",
    "JointLevels",
    "Offset",
    "Population",
    "StandardCoefficients",
    "Term",
    "UncorrelatedEffects",
    "WithinLevels",
    "is_constant",
    "stack_positions",
    "within_levels",
]
