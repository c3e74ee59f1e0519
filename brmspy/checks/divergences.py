"""Where in the posterior the sampler got stuck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from brmspy.fit import Fit

__all__ = ["Whereabouts", "divergent_region"]

_LEAST = 5  # divergences from which a pattern can be seen
_END = 0.2  # the share of all draws that counts as one end of a parameter's posterior
_LEVEL = 1e-3
_HALF = 0.5


@dataclass(frozen=True)
class Whereabouts:
    """Where divergent draws lie.

    Attributes
    ----------
    name : str
        The parameter that they have in common.
    low : bool
        Whether it is low in them, or high.
    inside, total : int
        How many of the divergent draws lie there, and how many there are.
    limit : float
        The parameter's value where that end begins.
    is_sd : bool
        Whether it is a standard deviation of group-level effects.
    """

    name: str
    low: bool
    inside: int
    total: int
    limit: float
    is_sd: bool

    def __str__(self) -> str:
        side = "below" if self.low else "above"
        return (
            f"{self.inside} of {self.total} divergent draws have {self.name} {side} "
            f"{self.limit:.3g}, as {100 * _END:.0f} % of all draws do"
        )


def divergent_region(fit: Fit) -> Whereabouts | None:
    """Return the end of a parameter's posterior where the divergent draws are.

    The divergent draws are compared with all draws, for each parameter but group-level effects: if
    half of them lie in a fifth of its posterior, at its lower or upper end, and that is not by
    chance (a binomial test, for the number of parameters), they have that in common.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.

    Returns
    -------
    Whereabouts or None
        None if there is nothing that they have in common, or too few to tell.
    """
    stats_group = fit.groups["sample_stats"]
    if "diverging" not in stats_group:
        return None
    diverging = stats_group["diverging"].to_numpy().ravel().astype(bool)
    total = int(diverging.sum())
    if total < _LEAST or total == diverging.size:
        return None
    names = list(fit.summary().index)
    draws = fit.draws_df(names)[names].to_numpy()
    deviations = {str(n) for v in fit.variables if v.section == "group_sd" for n in v.brms.flat}
    limits = np.quantile(draws, [_END, 1 - _END], axis=0)
    # The likeliest place is the one with the most of them; standard deviations go first, for a
    # funnel moves other parameters too.
    found = [
        Whereabouts(name, low, int(inside.sum()), total, float(limit), name in deviations)
        for place, name in enumerate(names)
        for low, limit, inside in (
            (True, limits[0, place], draws[diverging, place] < limits[0, place]),
            (False, limits[1, place], draws[diverging, place] > limits[1, place]),
        )
    ]
    likely = [item for item in found if _is_pattern(item, len(found))]
    return max(likely, key=lambda item: (item.is_sd and item.low, item.inside), default=None)


def _is_pattern(place: Whereabouts, tested: int) -> bool:
    """Say whether so many draws at one end are more than chance."""
    if place.inside < _HALF * place.total:
        return False
    chance = stats.binomtest(place.inside, place.total, _END, alternative="greater").pvalue
    return bool(chance < _LEVEL / tested)
