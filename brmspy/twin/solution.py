"""What a method of estimation returns, whatever library it is from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from brmspy.twin.estimate import MixedEstimate
from brmspy.twin.problem import Problem

__all__ = ["Solution"]


@dataclass(frozen=True)
class Solution:
    """Estimates of a problem's parameters.

    Attributes
    ----------
    problem : Problem
        What was estimated; of a marginal model, the problem without group-level effects.
    estimate : MixedEstimate
        The estimates; without blocks for models that have no group-level effects.
    method : str
        The name of the method.
    title : str
        The method in words.
    software : str
        The library with its version.
    df : float or None
        Residual degrees of freedom, if intervals are those of Student's t.
    details : mapping of str to float
        What else is to be known, such as the deviance.
    notes : tuple of str
        How the estimates are to be read.
    """

    problem: Problem
    estimate: MixedEstimate
    method: str
    title: str
    software: str
    df: float | None = None
    details: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
