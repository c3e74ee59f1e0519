"""The LKJ distribution of correlation matrices, normalised as Stan does.

References
----------
Lewandowski, D., Kurowicka, D., & Joe, H. (2009). Generating random correlation matrices based on
vines and extended onion method. Journal of Multivariate Analysis, 100(9), 1989-2001.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

__all__ = ["lkj_cholesky_log_density", "lkj_log_density"]


def lkj_log_density(correlations: NDArray[np.float64], eta: float) -> NDArray[np.float64]:
    """Return the log density of correlation matrices.

    Parameters
    ----------
    correlations : ndarray, shape (..., M, M)
        Correlation matrices.
    eta : float
        Shape: 1 is uniform, larger values favour weak correlations.

    Returns
    -------
    ndarray, shape (...)

    Examples
    --------
    >>> import numpy as np
    >>> from brmspy.priors.lkj import lkj_log_density
    >>> float(np.exp(lkj_log_density(np.eye(2), 1.0)).round(12))  # uniform on (-1, 1)
    0.5
    """
    log_det: NDArray[np.float64] = np.linalg.slogdet(correlations)[1]
    return _log_constant(correlations.shape[-1], eta) + (eta - 1.0) * log_det


def lkj_cholesky_log_density(factors: NDArray[np.float64], eta: float) -> NDArray[np.float64]:
    """Return the log density of Cholesky factors of correlation matrices.

    It differs from `lkj_log_density` by the Jacobian of the factorisation.

    Parameters
    ----------
    factors : ndarray, shape (..., M, M)
        Lower triangular matrices with rows of length one.
    eta : float
        Shape: 1 is uniform over correlation matrices, larger values favour weak correlations.

    Returns
    -------
    ndarray, shape (...)

    Examples
    --------
    >>> import numpy as np
    >>> from brmspy.priors import lkj_cholesky_log_density
    >>> float(np.exp(lkj_cholesky_log_density(np.eye(2), 1.0)).round(12))
    0.5
    """
    size = factors.shape[-1]
    log_diagonal = np.log(np.diagonal(factors, axis1=-2, axis2=-1)[..., 1:])
    powers = size - np.arange(2, size + 1) + 2.0 * (eta - 1.0)
    weighted: NDArray[np.float64] = np.sum(powers * log_diagonal, axis=-1)
    return _log_constant(size, eta) + weighted


def _log_constant(size: int, eta: float) -> float:
    """Return the log of what makes the density integrate to one."""
    steps = np.arange(1, size)
    rest = 0.5 * (size - 1 - steps)
    whole = (size - 1) * gammaln(eta + 0.5 * (size - 1))
    return float(whole - np.sum(0.5 * steps * np.log(np.pi) + gammaln(eta + rest)))
