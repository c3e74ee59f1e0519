"""How much the posterior depends on the prior and on the data: power-scaling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import xlogy

from brmspy.checks.display import Page, Shown, table_of
from brmspy.checks.likelihood import (
    relative_efficiency,
    require_posterior,
    smoothed_log_weights,
    total_log_lik,
)
from brmspy.errors import BrmspyError
from brmspy.fit import Fit

__all__ = ["CONFLICT", "STRONG_PRIOR", "PowerScaling", "powerscale_sensitivity"]

FloatArray = NDArray[np.float64]

_DELTA = 0.01
CONFLICT = "prior-data conflict"
STRONG_PRIOR = "strong prior or weak likelihood"
_MEANING = {
    CONFLICT: (
        "Prior-data conflict: the posterior moves with the prior and with the data, which pull it "
        "apart. Check that the prior means what it should."
    ),
    STRONG_PRIOR: (
        "Strong prior or weak likelihood: the posterior moves with the prior, but hardly with the "
        "data. That is as it should be if the prior is meant to inform; otherwise the data say "
        "little about the parameter."
    ),
}


@dataclass(frozen=True, eq=False, repr=False)
class PowerScaling(Shown):
    """How much the posterior of each parameter moves with the prior and with the likelihood.

    Attributes
    ----------
    table : DataFrame
        A row for each parameter: prior and likelihood, the sensitivities, and the diagnosis,
        ``"prior-data conflict"``, ``"strong prior or weak likelihood"`` or ``"-"``.
    threshold : float
        From where a sensitivity counts.
    """

    table: pd.DataFrame
    threshold: float

    def _page(self) -> Page:
        found = [name for name in _MEANING if (self.table["diagnosis"] == name).any()]
        texts = [_MEANING[name] for name in found] or ["No parameter depends much on its prior."]
        return Page(
            "powerscaling",
            "Sensitivity to prior and likelihood",
            (
                "Sensitivity to power-scaling of the prior and of the likelihood "
                f"(above {self.threshold:g} counts)",
                table_of(self.table, 3),
                *texts,
            ),
        )


def powerscale_sensitivity(
    fit: Fit, variables: str | Sequence[str] | None = None, *, threshold: float = 0.05
) -> PowerScaling:
    """Say how much the posterior depends on the priors and on the data.

    The prior, or the likelihood, is raised to powers a little below and above one, by weighting the
    draws. The sensitivity is how fast the posterior moves: the derivative of the cumulative
    Jensen-Shannon distance with respect to the binary logarithm of the power. All priors are scaled
    together, but for the standard normal distributions of group-level effects, which belong to the
    model.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    variables : str or sequence of str, optional
        Only these: names of parameters (``"sd_Subject__Days"``) or of variables (``"b"``). By
        default all but the effects of the groups' levels.
    threshold : float
        From where a sensitivity counts.

    Returns
    -------
    PowerScaling
        Its `table` has a row for each parameter.

    Raises
    ------
    BrmspyError
        If there is no such parameter, or the draws are from the prior.

    References
    ----------
    Kallioinen, N., Paananen, T., Bürkner, P.-C. and Vehtari, A. (2023). Detecting and diagnosing
    prior and likelihood sensitivity with power-scaling. Statistics and Computing, 34.
    https://doi.org/10.1007/s11222-023-10366-5

    Nguyen, H. V. and Vreeken, J. (2015). Non-parametric Jensen-Shannon divergence. ECML PKDD 2015.
    https://doi.org/10.1007/978-3-319-23525-7_11

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> fit = brm("weight ~ group", load_dataset("plant_growth"), seed=1, progress=False)
    >>> fit.powerscale_sensitivity().table["diagnosis"].unique().tolist()
    ['-']
    """
    require_posterior(fit, "powerscale_sensitivity")
    if isinstance(threshold, bool) or not isinstance(threshold, Real) or not threshold > 0:
        raise BrmspyError(f"threshold = {threshold!r} is not valid: it must be above 0.")
    names = list(fit.summary(variables=variables).index)
    draws = fit.draws_df(names)[names].to_numpy()
    efficiency = relative_efficiency(fit)
    prior = fit.groups["posterior"]["lprior"].to_numpy().ravel()
    table = pd.DataFrame(
        {
            "prior": _sensitivity(draws, prior, efficiency),
            "likelihood": _sensitivity(draws, total_log_lik(fit), efficiency),
        },
        index=pd.Index(names, dtype=object),
    )
    table["diagnosis"] = np.select(
        [table["prior"] < threshold, table["likelihood"] < threshold],
        ["-", STRONG_PRIOR],
        CONFLICT,
    )
    return PowerScaling(table, float(threshold))


def _sensitivity(draws: FloatArray, log_density: FloatArray, efficiency: float) -> FloatArray:
    """Return how fast each parameter's posterior moves when a density is raised to a power.

    The mean of the distances to the left and to the right, over the distance in log2(power).
    """
    powers = np.array([1 / (1 + _DELTA), 1 + _DELTA])
    ratios = np.outer(log_density, powers - 1)
    log_weights, _ = smoothed_log_weights(ratios, efficiency)
    weights = np.exp(log_weights)
    sensitivity = np.empty(draws.shape[1])
    for place, values in enumerate(draws.T):
        order = np.argsort(values, kind="stable")
        distances = [_distance(values[order], weights[order, side]) for side in (0, 1)]
        sensitivity[place] = np.mean(distances) / np.log2(1 + _DELTA)
    return sensitivity


def _distance(values: FloatArray, weights: FloatArray) -> float:
    """Return the cumulative Jensen-Shannon distance of draws with and without weights.

    Parameters
    ----------
    values : ndarray, shape (draw,)
        In ascending order.
    weights : ndarray, shape (draw,)
        Of each; their sum is one.

    Returns
    -------
    float
        From 0 to 1; the larger of the distances of the draws and of their negatives.
    """
    widths = np.diff(values)
    if not widths.any():
        return 0.0
    p = np.arange(1, len(values)) / len(values)
    q = np.clip(np.cumsum(weights)[:-1] / weights.sum(), 0.0, 1.0)
    return max(_one_sided(p, q, widths), _one_sided(1 - p, 1 - q, widths))


def _one_sided(p: FloatArray, q: FloatArray, widths: FloatArray) -> float:
    """Return the distance of two cumulative distributions, which are steps."""
    middle = (p + q) / 2
    # The divergences in both directions; their linear terms cancel.
    divergence = (xlogy(p, p) + xlogy(q, q) - 2 * xlogy(middle, middle)) / np.log(2)
    total = float((p + q) @ widths)
    return float(np.sqrt(max(float(divergence @ widths), 0.0) / total)) if total > 0 else 0.0
