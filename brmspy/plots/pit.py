"""Where each response lies in its leave-one-out predictive distribution."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.errors import BrmspyError
from brmspy.fit import Fit
from brmspy.predict import distributional_parameters, linear_predictors, log_lik

__all__ = ["USABLE_K", "Pit", "loo_pit"]

FloatArray = NDArray[np.float64]

USABLE_K = 0.7


@dataclass(frozen=True)
class Pit:
    """Probability integral transforms.

    Attributes
    ----------
    values : ndarray, shape (obs,)
        Between 0 and 1, uniform if the model is right.
    pareto_k : ndarray, shape (obs,)
        How far the importance weights can be trusted; above 0.7 they cannot.
    """

    values: FloatArray
    pareto_k: FloatArray

    def part(self, rows: NDArray[np.intp] | slice) -> Pit:
        """Return some of the rows."""
        return Pit(self.values[rows], self.pareto_k[rows])


def loo_pit(fit: Fit, seed: int | None = None) -> Pit:
    """Return the probability that each row's response would have been lower, given the other rows.

    Leaving a row out is approximated by Pareto smoothed importance sampling. The probabilities
    come from the family's distribution function, not from simulated responses; for whole numbers
    they are drawn between those of the number and of the next lower one, so that they are uniform
    if the model is right.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    seed : int, optional
        Seed of these draws; by default that of the fit.

    Returns
    -------
    Pit

    Raises
    ------
    BrmspyError
        If the draws are from the prior.

    References
    ----------
    Gelfand, A. E., Dey, D. K. and Chang, H. (1992). Model determination using predictive
    distributions with implementation via sampling-based methods. Bayesian Statistics 4, 147-167.

    Vehtari, A., Gelman, A. and Gabry, J. (2017). Practical Bayesian model evaluation using
    leave-one-out cross-validation and WAIC. Statistics and Computing, 27, 1413-1432.
    https://doi.org/10.1007/s11222-016-9696-4
    """
    if fit.model.sample_prior == "only":
        raise BrmspyError(
            "The draws are from the prior, which no row has entered: there is nothing to leave "
            'out. Use another type, such as "dens_overlay".'
        )
    weights, pareto_k = _smoothed_weights(fit)
    low, high = _probabilities(fit)
    share = np.ones(len(pareto_k))
    if fit.family.discrete:
        rng = np.random.default_rng(fit.record.seed if seed is None else seed)
        share = rng.uniform(size=len(pareto_k))
    values = np.sum(weights * (low + share * (high - low)), axis=0)
    return Pit(np.clip(values, 0.0, 1.0), pareto_k)


def _smoothed_weights(fit: Fit) -> tuple[FloatArray, FloatArray]:
    """Return importance weights (draw, obs) that leave each row out, and their Pareto k."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"\s*ArviZ is undergoing", FutureWarning)
        import arviz as az
    likelihood = log_lik(fit).to_numpy()
    likelihood = likelihood.reshape(-1, likelihood.shape[-1])
    smooth: Callable[..., Any] = az.psislw
    with warnings.catch_warnings():
        # Of large Pareto k, which the picture says in its own words.
        warnings.simplefilter("ignore")
        log_weights, pareto_k = smooth(-likelihood.T, reff=_relative_efficiency(fit))
    log_weights = np.asarray(log_weights).reshape(likelihood.shape[::-1]).T
    return np.exp(log_weights), np.asarray(pareto_k, dtype=float).reshape(-1)


def _relative_efficiency(fit: Fit) -> float:
    """Return how many independent draws one draw is worth, on average over the parameters."""
    if fit.record.approximation is not None:
        return 1.0
    ess = fit.diagnostics["Bulk_ESS"].to_numpy(dtype=float)
    sizes = fit.groups["posterior"].sizes
    known = ess[np.isfinite(ess)]
    return min(float(known.mean()) / (sizes["chain"] * sizes["draw"]), 1.0) if known.size else 1.0


def _probabilities(fit: Fit) -> tuple[FloatArray, FloatArray]:
    """Return P(Y < y) and P(Y <= y) of each row under each draw, (draw, obs)."""
    model = fit.model
    posterior = fit.groups["posterior"]
    draws = {}
    for variable in fit.variables:
        array = posterior[variable.name].to_numpy()
        draws[variable.name] = array.reshape(-1, *array.shape[2:])
    arrays = model.design.arrays
    predictors = linear_predictors(model.design, draws, arrays)
    parameters = distributional_parameters(model.design, model.family, draws, predictors)
    high = model.family.cdf(model.response, parameters, trials=arrays.trials)
    if not model.family.discrete:
        return high, high
    return model.family.cdf(model.response - 1, parameters, trials=arrays.trials), high
