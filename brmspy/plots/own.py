"""What the rows of each level say about its effects by themselves, at the posterior means."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brmspy.fit import Fit
from brmspy.predict import own_effects

__all__ = ["own_estimates"]

FloatArray = NDArray[np.float64]


def own_estimates(fit: Fit, group: str) -> FloatArray:
    """Return the effects of each level that fit its own rows best.

    Everything else stays at its posterior mean; see `brmspy.predict.own_effects`.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    group : str
        The grouping factor.

    Returns
    -------
    ndarray, shape (level, coef)
        In the order of ``r_<group>``; NaN for levels whose rows do not determine all effects.
    """
    posterior = fit.groups["posterior"]
    means = {v.name: posterior[v.name].to_numpy().mean(axis=(0, 1)) for v in fit.variables}
    model = fit.model
    return own_effects(model.design, model.family, model.response, means, group)
