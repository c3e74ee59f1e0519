"""Normal stand-ins for priors: a centre and a precision."""

from __future__ import annotations

import numpy as np

from brmspy.priors import ElementPrior

__all__ = ["normal_stand_in", "typical_scale"]

# Distributions whose last two arguments are location and scale.
_LOCATED = frozenset({"normal", "student_t", "cauchy", "logistic", "double_exponential", "gumbel"})
_FIXED = 1e12  # precision of what constant() fixes, relative to the value's square


def normal_stand_in(element: ElementPrior) -> tuple[float, float]:
    """Return the centre and the precision of a normal density in place of a prior.

    Parameters
    ----------
    element : ElementPrior
        The prior.

    Returns
    -------
    centre, precision : float
        Precision 0.0 where the prior says nothing about the centre.
    """
    if element.distribution == "constant":
        value = element.args[0]
        return value, _FIXED / max(value * value, 1.0)
    if element.distribution in _LOCATED:
        location, scale = element.args[-2:]
        inside = float(np.clip(location, element.lower, element.upper))
        return inside, 1.0 / (scale * scale)
    if np.isfinite(element.lower) and np.isfinite(element.upper):
        return (element.lower + element.upper) / 2.0, 12.0 / (element.upper - element.lower) ** 2
    return float(np.clip(0.0, element.lower, element.upper)), 0.0


def typical_scale(element: ElementPrior) -> float:
    """Return a value above zero that a parameter such as a standard deviation starts from.

    Parameters
    ----------
    element : ElementPrior
        Its prior.

    Returns
    -------
    float
    """
    if element.distribution == "constant":
        value = element.args[0]
    elif element.distribution in _LOCATED:
        location, scale = element.args[-2:]
        value = abs(location) + scale / 2.0
    elif element.distribution == "exponential":
        value = 1.0 / element.args[0]
    elif element.distribution == "gamma":
        value = element.args[0] / element.args[1]
    else:
        value = 1.0
    return float(np.clip(value, 1e-8, 1e8))
