"""How much each of several models should count in a prediction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import optimize
from scipy.special import softmax

__all__ = ["akaike", "pseudobma", "stacking"]

FloatArray = NDArray[np.float64]

_BOOTSTRAPS = 1000
_POLISHING = 200


def stacking(elpd: FloatArray) -> FloatArray:
    """Return the weights whose mixture predicts rows best that it has not seen.

    Parameters
    ----------
    elpd : ndarray, shape (row, model)
        Log density of each row without it.

    Returns
    -------
    ndarray, shape (model,)
        Not negative; their sum is one.

    References
    ----------
    Yao, Y., Vehtari, A., Simpson, D. and Gelman, A. (2018). Using stacking to average Bayesian
    predictive distributions. Bayesian Analysis, 13(3). https://doi.org/10.1214/17-BA1091

    Examples
    --------
    >>> import numpy as np
    >>> from brmspy.checks.weights import stacking
    >>> stacking(np.log([[0.1, 0.2], [0.1, 0.3]])).round(3)
    array([0., 1.])
    """
    models = elpd.shape[1]
    # Densities relative to the best of each row: the weights do not change, nothing vanishes.
    densities = np.exp(elpd - elpd.max(axis=1, keepdims=True))

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        mixed = np.maximum(densities @ weights, np.finfo(float).tiny)
        return -float(np.log(mixed).mean()), -(densities / mixed[:, None]).mean(axis=0)

    found = optimize.minimize(
        loss,
        np.full(models, 1 / models),
        jac=True,
        method="SLSQP",
        bounds=optimize.Bounds(np.zeros(models), np.ones(models)),
        constraints=optimize.LinearConstraint(np.ones(models), 1.0, 1.0),
        options={"ftol": 1e-12, "maxiter": 1000},
    )
    weights = np.clip(found.x, 0.0, None)
    weights /= weights.sum()
    # Steps of expectation and maximisation cannot make it worse, and end exactly on the simplex.
    for _ in range(_POLISHING):
        mixed = np.maximum(densities @ weights, np.finfo(float).tiny)
        weights = weights * (densities / mixed[:, None]).mean(axis=0)
    return np.asarray(weights / weights.sum())


def pseudobma(elpd: FloatArray, seed: int) -> FloatArray:
    """Return weights by the models' densities, with their uncertainty.

    Rows are weighted at random (the Bayesian bootstrap), which says how much the densities depend
    on the rows that happened to be observed.

    Parameters
    ----------
    elpd : ndarray, shape (row, model)
        Log density of each row without it.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    ndarray, shape (model,)

    References
    ----------
    Yao et al. (2018), section 3.4. https://doi.org/10.1214/17-BA1091
    """
    rows = len(elpd)
    rng = np.random.default_rng(seed)
    total = np.zeros(elpd.shape[1])
    for _ in range(_BOOTSTRAPS):
        total += softmax(rows * (rng.dirichlet(np.ones(rows)) @ elpd))
    return total / _BOOTSTRAPS


def akaike(elpd: FloatArray) -> FloatArray:
    """Return weights in proportion to the exponentiated densities.

    Parameters
    ----------
    elpd : ndarray, shape (row, model)
        Log density of each row.

    Returns
    -------
    ndarray, shape (model,)
    """
    return np.asarray(softmax(elpd.sum(axis=0)))
