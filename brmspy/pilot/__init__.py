"""A quick, deterministic look at a model before it is sampled.

`pilot_fit` approximates the posterior in NumPy. The program uses it to choose the sampler's
coordinates, scales and starting values; nothing of it enters the posterior.
"""

from brmspy.pilot.blocks import block_diagonal, diagonal_blocks
from brmspy.pilot.fit import pilot_fit
from brmspy.pilot.joint import JointEffects
from brmspy.pilot.layout import centred_columns
from brmspy.pilot.records import BlockPilot, Pilot, PredictorPilot
from brmspy.pilot.tries import best_start

__all__ = [
    "BlockPilot",
    "JointEffects",
    "Pilot",
    "PredictorPilot",
    "best_start",
    "block_diagonal",
    "centred_columns",
    "diagonal_blocks",
    "pilot_fit",
]
