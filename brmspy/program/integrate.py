"""Group-level effects that are integrated out of a normal likelihood.

With responses y = X theta + Z r + e and everything normal, the effects r of one grouping factor
have a closed form. What is left depends on the data through X'X, Z'X, Z'Z and least-squares
residuals alone, computed once, so that a step of the sampler costs the same for any number of rows.
The effects come back afterwards as exact draws from their conditional distribution.

References
----------
Bates, D., Mächler, M., Bolker, B. and Walker, S. (2015). Fitting linear mixed-effects models using
lme4. Journal of Statistical Software, 67(1), section 3. https://doi.org/10.18637/jss.v067.i01
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from brmspy.data import Design
from brmspy.families import Family
from brmspy.formula import LinearPredictor
from brmspy.program.sparse import CompressedRows

__all__ = ["Statistics", "block_to_integrate", "statistics"]

# More coefficients than this beside the integrated ones make X'X dearer than the rows.
_MOST_COEFFICIENTS = 600
_DIGITS = 12  # by which Z'Z of two levels may differ in rounding


def block_to_integrate(design: Design, family: Family) -> int | None:
    """Return the block of group-level effects to integrate out, or None if there is none.

    That is the largest block whose effects enter the mean of a normal response alone, when the
    mean has the identity link and one standard deviation holds for all rows.
    """
    mean = design.terms.predictor("mu")
    sigma = [p for p in design.terms.predictors if p.name == "sigma"]
    if (
        not family.likelihood.linear_normal
        or not isinstance(mean, LinearPredictor)
        or sigma
        or not design.predictors["mu"].coefs
    ):
        return None
    sizes = {
        block: len(group.levels) * len(group.coefs)
        for block, group in enumerate(design.groups)
        if all(coef.predictor == "mu" for coef in group.coefs)
    }
    if not sizes:
        return None
    largest = max(sizes, key=lambda block: sizes[block])
    rest = sum(sizes.values()) - sizes[largest] + len(design.predictors["mu"].coefs)
    return largest if rest <= _MOST_COEFFICIENTS else None


@dataclass(frozen=True)
class Statistics:
    """Sufficient statistics of a normal response for the coefficients and one block of effects.

    P is the number of coefficients that are not integrated out, M that of effects of each of G
    levels; D is the number of kinds of levels, those that share Z'Z.

    Attributes
    ----------
    estimate : ndarray, shape (P,)
        Least-squares estimate.
    root : ndarray, shape (P, P)
        A matrix R with R'R = X'X.
    rss : float
        Least-squares residual sum of squares.
    ZX : ndarray, shape (M, G, P)
    Ze : ndarray, shape (M, G)
        Z' times the least-squares residuals.
    ZZ : ndarray, shape (D, M, M)
    kind : ndarray of int, shape (G,)
        Zero-based.
    count : float
        Number of rows, or sum of their weights.
    """

    estimate: NDArray[np.float64]
    root: NDArray[np.float64]
    rss: float
    ZX: NDArray[np.float64]
    Ze: NDArray[np.float64]
    ZZ: NDArray[np.float64]
    kind: NDArray[np.intp]
    count: float

    @property
    def members(self) -> NDArray[np.float64]:
        """Number of levels of each kind."""
        return np.bincount(self.kind, minlength=len(self.ZZ)).astype(float)


def statistics(
    y: NDArray[Any],
    X: NDArray[np.float64],
    others: CompressedRows | None,
    Z: NDArray[np.float64],
    index: NDArray[np.intp],
    levels: int,
    weights: NDArray[np.float64] | None,
) -> Statistics:
    """Compute the sufficient statistics.

    Parameters
    ----------
    y : ndarray, shape (nobs,)
        The response, less offsets.
    X : ndarray, shape (nobs, K)
        Population-level columns, the intercept's included.
    others : CompressedRows or None
        Model matrix of the effects that are not integrated out.
    Z : ndarray, shape (nobs, M)
        Columns of the effects that are.
    index : ndarray of int, shape (nobs,)
        Level of each row.
    levels : int
        Number of levels.
    weights : ndarray, shape (nobs,), or None
        Weights of the rows.
    """
    root_weights = np.ones(len(y)) if weights is None else np.sqrt(weights)
    parts = [sparse.csr_array(X)]
    if others is not None:
        matrix = (others.values, others.columns, others.starts)
        parts.append(sparse.csr_array(matrix, shape=others.shape))
    columns = sparse.diags_array(root_weights) @ sparse.hstack(parts, format="csr")
    response = root_weights * np.asarray(y, dtype=float)
    effects = root_weights[:, None] * Z
    values, vectors = np.linalg.eigh((columns.T @ columns).toarray())
    kept = values > values.max() * len(values) * np.finfo(float).eps
    inverse = np.divide(1.0, values, out=np.zeros_like(values), where=kept)
    estimate = vectors @ (inverse * (vectors.T @ (columns.T @ response)))
    residuals = response - columns @ estimate
    # One step of refinement: the normal equations alone lose half the digits.
    correction = vectors @ (inverse * (vectors.T @ (columns.T @ residuals)))
    estimate, residuals = estimate + correction, residuals - columns @ correction
    membership = sparse.csr_array(
        (np.ones(len(index)), (index, np.arange(len(index)))), shape=(levels, len(index))
    )
    size = effects.shape[1]
    ZX = np.stack(
        [(membership @ sparse.diags_array(effects[:, m]) @ columns).toarray() for m in range(size)]
    )
    Ze = np.stack([membership @ (effects[:, m] * residuals) for m in range(size)])
    products = (effects[:, :, None] * effects[:, None, :]).reshape(len(index), size * size)
    ZZ = np.asarray(membership @ products).reshape(levels, size, size)
    kinds, kind = _kinds(ZZ)
    return Statistics(
        estimate=estimate,
        root=np.sqrt(np.where(kept, values, 0.0))[:, None] * vectors.T,
        rss=float(residuals @ residuals),
        ZX=ZX,
        Ze=Ze,
        ZZ=kinds,
        kind=kind,
        count=float(len(y)) if weights is None else float(weights.sum()),
    )


def _kinds(ZZ: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the different matrices, and which of them each level has."""
    scale = np.abs(ZZ).max() or 1.0
    rounded = np.round(ZZ / scale, _DIGITS).reshape(len(ZZ), -1)
    _, first, kind = np.unique(rounded, axis=0, return_index=True, return_inverse=True)
    return ZZ[first], np.asarray(kind).reshape(-1)
