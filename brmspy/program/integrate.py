"""Group-level effects that are integrated out of a normal likelihood.

With responses y = X theta + Z r + e and everything normal, the effects r of one grouping factor, or
of a chain of factors each nested in the next, have a closed form. What is left depends on the data
through X'X, Z'X, Z'Z and least-squares residuals alone, computed once, so that a step of the
sampler costs the same for any number of rows. The effects come back afterwards as exact draws from
their conditional distribution.

In a chain, each row belongs to one level of the finest factor, and each level of a factor to one
level of the next, its parent. Eliminating the finest factor's effects leaves sums over levels with
the same parent, and so on up the chain: the cost is linear in the number of levels.

References
----------
Bates, D., Mächler, M., Bolker, B. and Walker, S. (2015). Fitting linear mixed-effects models using
lme4. Journal of Statistical Software, 67(1), section 3. https://doi.org/10.18637/jss.v067.i01
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from brmspy.data import Design
from brmspy.families import Family
from brmspy.formula import LinearPredictor
from brmspy.program.coordinates import is_nested
from brmspy.program.sparse import CompressedRows

__all__ = ["FactorColumns", "NestedFactor", "Statistics", "chain_to_integrate", "statistics"]

# More coefficients than this beside the integrated ones make X'X dearer than the rows.
_MOST_COEFFICIENTS = 600
_DIGITS = 12  # by which Z'Z of two levels may differ in rounding


@dataclass(frozen=True)
class _Factor:
    """A grouping factor whose effects can be integrated out."""

    blocks: tuple[int, ...]
    index: NDArray[np.intp]
    levels: int
    effects: int


def chain_to_integrate(design: Design, family: Family) -> tuple[int, ...]:
    """Return the blocks of group-level effects to integrate out, those of the finest factor first.

    These are all blocks of a chain of nested factors (or of one factor) whose effects enter the
    mean of a normal response alone, when the mean has the identity link and one standard deviation
    holds for all rows: the chain with most effects.

    Parameters
    ----------
    design : Design
        The design.
    family : Family
        The response's family.

    Returns
    -------
    tuple of int
        Empty if there is none, or if too many effects are left beside it.
    """
    mean = design.terms.predictor("mu")
    sigma = [p for p in design.terms.predictors if p.name == "sigma"]
    if (
        not family.likelihood.linear_normal
        or not isinstance(mean, LinearPredictor)
        or sigma
        or not design.predictors["mu"].coefs
    ):
        return ()
    factors = _factors(design)
    chain = _longest_chain(factors)
    rest = sum(factor.effects for factor in factors) - sum(factor.effects for factor in chain)
    if rest + len(design.predictors["mu"].coefs) > _MOST_COEFFICIENTS:
        return ()
    return tuple(block for factor in chain for block in factor.blocks)


def _factors(design: Design) -> list[_Factor]:
    """Return the grouping factors of the mean."""
    blocks: dict[str, list[int]] = {}
    for block, group in enumerate(design.groups):
        if all(coef.predictor == "mu" for coef in group.coefs):
            blocks.setdefault(group.group, []).append(block)
    return [
        _Factor(
            tuple(members),
            design.arrays.groups[members[0]].index,
            len(design.groups[members[0]].levels),
            sum(len(design.groups[b].levels) * len(design.groups[b].coefs) for b in members),
        )
        for members in blocks.values()
    ]


def _longest_chain(factors: Sequence[_Factor]) -> tuple[_Factor, ...]:
    """Return the chain of nested factors with most effects, the finest first."""
    best: list[tuple[int, tuple[_Factor, ...]]] = []
    for factor in sorted(factors, key=lambda factor: -factor.levels):
        finer = [found for found in best if is_nested(found[1][-1].index, factor.index)]
        effects, chain = max(finer, key=lambda found: found[0], default=(0, ()))
        best.append((effects + factor.effects, (*chain, factor)))
    return max(best, key=lambda found: found[0], default=(0, ()))[1]


@dataclass(frozen=True)
class FactorColumns:
    """The columns of a factor's effects.

    Attributes
    ----------
    Z : ndarray, shape (nobs, coefficients)
        The columns of all its blocks.
    index : ndarray of int, shape (nobs,)
        Level of each row.
    levels : int
        Number of levels.
    """

    Z: NDArray[np.float64]
    index: NDArray[np.intp]
    levels: int


@dataclass(frozen=True)
class NestedFactor:
    """The levels of one factor of a chain.

    Levels are of one kind if they share Z'Z, or, above the finest factor, if they have as many
    children of each kind. What is computed for a kind holds for all its levels.

    Attributes
    ----------
    size : int
        Number of coefficients that vary between its levels.
    kind : ndarray of int, shape (levels,)
        Kind of each level, zero-based.
    children : sparse array, shape (kinds, kinds of the finer factor)
        How many children of each kind a level of each kind has; no columns for the finest factor.
    parent : ndarray of int, shape (levels,), or None
        Level of the next factor in which each level lies; None for the last factor.
    """

    size: int
    kind: NDArray[np.intp]
    children: Any = field(repr=False)
    parent: NDArray[np.intp] | None = None

    @property
    def kinds(self) -> int:
        """Number of kinds."""
        return int(self.children.shape[0])

    @property
    def members(self) -> NDArray[np.float64]:
        """Number of levels of each kind."""
        return np.bincount(self.kind, minlength=self.kinds).astype(float)


@dataclass(frozen=True)
class Statistics:
    """Sufficient statistics of a normal response for the coefficients and a chain's effects.

    P is the number of coefficients that are not integrated out; G the number of levels of the
    finest factor, and D that of their kinds; M the number of columns of all factors together, the
    finest factor's first. All of these are summed up over the finest factor's levels.

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
    factors : tuple of NestedFactor
        The finest first.
    count : float
        Number of rows, or sum of their weights.
    """

    estimate: NDArray[np.float64]
    root: NDArray[np.float64]
    rss: float
    ZX: NDArray[np.float64]
    Ze: NDArray[np.float64]
    ZZ: NDArray[np.float64]
    factors: tuple[NestedFactor, ...]
    count: float

    @property
    def first_columns(self) -> NDArray[np.intp]:
        """Where the columns of each factor start, and where those of the last end."""
        return np.cumsum([0, *(factor.size for factor in self.factors)])


def statistics(
    y: NDArray[Any],
    X: NDArray[np.float64],
    others: CompressedRows | None,
    factors: Sequence[FactorColumns],
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
    factors : sequence of FactorColumns
        Columns of the effects that are, each factor nested in the next.
    weights : ndarray, shape (nobs,), or None
        Weights of the rows.

    Returns
    -------
    Statistics
    """
    root_weights = np.ones(len(y)) if weights is None else np.sqrt(weights)
    columns = _Columns.of(X, others, root_weights)
    response = root_weights * np.asarray(y, dtype=float)
    gram = columns.cross_products()
    norms = np.sqrt(np.diagonal(gram))
    norms = np.where(norms > 0.0, norms, 1.0)
    values, vectors = np.linalg.eigh(gram / np.outer(norms, norms))
    kept = values > len(values) * np.finfo(float).eps
    inverse = np.divide(1.0, values, out=np.zeros_like(values), where=kept)
    estimate, residuals = np.zeros(len(values)), response
    # The second time refines: the normal equations alone lose half the digits.
    for _ in range(2):
        step = vectors @ (inverse * (vectors.T @ (columns.cross(residuals) / norms))) / norms
        estimate, residuals = estimate + step, residuals - columns.times(step)
    finest, levels = factors[0].index, factors[0].levels
    effects = root_weights[:, None] * np.hstack([factor.Z for factor in factors])
    membership = _membership(finest, levels)
    size = effects.shape[1]
    ZX = np.stack([columns.sums(membership, effects[:, m]) for m in range(size)])
    Ze = np.stack([membership @ (effects[:, m] * residuals) for m in range(size)])
    products = (effects[:, :, None] * effects[:, None, :]).reshape(len(finest), size * size)
    ZZ = np.asarray(membership @ products).reshape(levels, size, size)
    kinds, kind = _kinds(ZZ)
    return Statistics(
        estimate=estimate,
        root=np.sqrt(np.where(kept, values, 0.0))[:, None] * vectors.T * norms,
        rss=float(residuals @ residuals),
        ZX=ZX,
        Ze=Ze,
        ZZ=kinds,
        factors=_nested(factors, kind, len(kinds)),
        count=float(len(y)) if weights is None else float(weights.sum()),
    )


@dataclass(frozen=True)
class _Columns:
    """Columns with the roots of weights: dense ones, then sparse ones."""

    dense: NDArray[np.float64]
    sparse: Any

    @classmethod
    def of(
        cls,
        X: NDArray[np.float64],
        others: CompressedRows | None,
        root_weights: NDArray[np.float64],
    ) -> _Columns:
        empty = sparse.csr_array((len(X), 0))
        matrix = empty if others is None else sparse.diags_array(root_weights) @ others.matrix
        return cls(root_weights[:, None] * X, sparse.csr_array(matrix))

    def cross_products(self) -> NDArray[np.float64]:
        """Return all columns' products with each other."""
        mixed = np.asarray(self.sparse.T @ self.dense)
        own = (self.sparse.T @ self.sparse).toarray()
        return np.block([[self.dense.T @ self.dense, mixed.T], [mixed, own]])

    def cross(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return all columns' products with a vector."""
        return np.concatenate([self.dense.T @ values, self.sparse.T @ values])

    def times(self, coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum of the columns times coefficients."""
        width = self.dense.shape[1]
        product = self.dense @ coefficients[:width] + self.sparse @ coefficients[width:]
        return np.asarray(product)

    def sums(self, membership: Any, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the products of columns and a vector, summed over each level's members."""
        weighted = sparse.csr_array(membership.multiply(values))
        return np.hstack([weighted @ self.dense, (weighted @ self.sparse).toarray()])


def _membership(index: NDArray[np.intp], levels: int) -> Any:
    """Return the sparse matrix that sums over the members of each level."""
    places = np.arange(len(index))
    return sparse.csr_array((np.ones(len(index)), (index, places)), shape=(levels, len(index)))


def _kinds(ZZ: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the different matrices, and which of them each level has."""
    # Relative to the columns' sizes: one in millions must not hide another's difference.
    sizes = np.sqrt(np.einsum("gmm->gm", ZZ).max(axis=0))
    sizes[sizes == 0.0] = 1.0
    rounded = np.round(ZZ / np.outer(sizes, sizes), _DIGITS).reshape(len(ZZ), -1) + 0.0
    _, first, kind = np.unique(rounded, axis=0, return_index=True, return_inverse=True)
    return ZZ[first], np.asarray(kind).reshape(-1)


def _nested(
    factors: Sequence[FactorColumns], kind: NDArray[np.intp], kinds: int
) -> tuple[NestedFactor, ...]:
    """Return the levels of a chain, from the kinds of the finest factor's."""
    nested = []
    children: Any = sparse.csr_array((kinds, 0))
    for factor, above in zip(factors, [*factors[1:], None], strict=True):
        size = factor.Z.shape[1]
        if above is None:
            nested.append(NestedFactor(size, kind, children))
            break
        parent = np.zeros(factor.levels, dtype=np.intp)
        parent[factor.index] = above.index
        nested.append(NestedFactor(size, kind, children, parent))
        children, kind = _kinds_of_parents(kind, children.shape[0], parent, above.levels)
    return tuple(nested)


def _kinds_of_parents(
    kind: NDArray[np.intp], kinds: int, parent: NDArray[np.intp], parents: int
) -> tuple[Any, NDArray[np.intp]]:
    """Return the numbers of children of each kind, for each kind of parents, and these kinds."""
    counts = sparse.csr_array((np.ones(len(kind)), (parent, kind)), shape=(parents, kinds))
    counts.sum_duplicates()
    numbers: dict[tuple[bytes, bytes], int] = {}
    first: list[int] = []
    found = np.empty(parents, dtype=np.intp)
    for level, (start, stop) in enumerate(zip(counts.indptr, counts.indptr[1:], strict=False)):
        key = (counts.indices[start:stop].tobytes(), counts.data[start:stop].tobytes())
        found[level] = numbers.setdefault(key, len(numbers))
        if found[level] == len(first):
            first.append(level)
    return counts[first], found
