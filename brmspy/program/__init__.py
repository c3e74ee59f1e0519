"""Terms, design, family and priors in; a Stan program, its data and the way back out.

The sampler's coordinates are chosen here, and only here: everything downstream meets the user's
parameters (``b``, ``sd``, ``cor``, ``r``, ``sigma``), which `Program.recover` computes from what
the sampler wrote.
"""

from __future__ import annotations

from brmspy.program.build import build_program
from brmspy.program.initial import initial_point
from brmspy.program.plan import SamplerPlan
from brmspy.program.points import draws_at, random_point
from brmspy.program.program import Program
from brmspy.program.recover import coefficient_variable, correlated_pairs, group_members

__all__ = [
    "Program",
    "SamplerPlan",
    "build_program",
    "coefficient_variable",
    "correlated_pairs",
    "draws_at",
    "group_members",
    "initial_point",
    "random_point",
]
