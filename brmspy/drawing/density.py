"""Densities of samples, as smooth curves."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["density_curve"]

_MARGIN = 0.12  # of the sample's range, beyond its ends


def density_curve(
    values: ArrayLike, lower: float = -np.inf, upper: float = np.inf
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Estimate the density of a sample, with ArviZ' kernel density estimate.

    Parameters
    ----------
    values : array_like
        The sample; values that are not finite are left out.
    lower, upper : float
        Bounds of the variable: the curve ends there, and loses no mass.

    Returns
    -------
    x : ndarray, shape (512,)
        Where; empty if the sample has no two different values.
    density : ndarray, shape (512,)
        The density there.

    Examples
    --------
    >>> import numpy as np
    >>> from brmspy.drawing import density_curve
    >>> x, density = density_curve(np.linspace(0.0, 1.0, 1001), lower=0.0, upper=1.0)
    >>> float(density[256].round(2))
    1.0
    """
    sample = np.asarray(values, dtype=float).reshape(-1)
    sample = sample[np.isfinite(sample)]
    width = float(np.ptp(sample)) if sample.size else 0.0
    if width <= 1e-12 * float(np.abs(sample).max(initial=0.0)):
        return np.empty(0), np.empty(0)
    low, high = float(sample.min()), float(sample.max())
    ends = (
        min(max(lower, low - _MARGIN * width), low),
        max(min(upper, high + _MARGIN * width), high),
    )
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # At import: that 1.0 will differ. Of a sample as even as a grid: that a rule other than the
        # best one chose the bandwidth.
        warnings.simplefilter("ignore")
        import arviz as az

        estimate: Callable[..., Any] = az.kde
        # A scale near one: the estimate rounds its grid.
        x, density = estimate(
            (sample - ends[0]) / width, custom_lims=(0.0, (ends[1] - ends[0]) / width)
        )
    return ends[0] + np.asarray(x) * width, np.asarray(density) / width
