"""Fewer rows for the same likelihood, where levels of a factor are of the same kind.

The effects of levels enter a normal likelihood, once they are integrated out, through a sum of
squares of what the data say about each level. For levels of the same kind (and with the same
parent, if their factor is nested in another) it is the same sum, which a rotation of these levels
leaves unchanged. One direction of it is their mean, the only one that the parent sees. The others
are `loose`: they can be rotated together with those of all other levels of the kind, so that a few
hold everything and the rest are zero. What is left are pseudo-levels, here called rows: in a
balanced design about as many as there are coefficients, however many the levels.

As in the analysis of variance of balanced designs, this takes the data apart into strata.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from brmspy.program.integrate import NestedFactor, Statistics

__all__ = ["FactorRows", "Rows", "rotated_rows"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

# What a rotation may cost in multiplications, and the number of kinds that are worth the trouble.
_DEAREST, _MOST_KINDS = 2e9, 1000
_NOTHING = 1e-12  # of a column's norm: what rounding leaves of nothing


@dataclass(frozen=True)
class FactorRows:
    """The rows of one factor.

    Attributes
    ----------
    kind : ndarray of int, shape (rows,)
        The kind of level that each row stands for.
    parent : ndarray of int, shape (rows,)
        The row of the next factor that each one is part of, -1 for none. Those with a parent come
        first, in the order of their parents.
    weight : ndarray, shape (rows,)
        How much of it the parent gets; 0 without one.
    """

    kind: IntArray
    parent: IntArray
    weight: FloatArray


@dataclass(frozen=True)
class Rows:
    """What the likelihood needs to know of the levels of a chain.

    Attributes
    ----------
    values : ndarray, shape (M, rows of the finest factor, P + 1)
        Z' times the least-squares residuals, then Z'X, rotated.
    factors : tuple of FactorRows
        The finest first.
    """

    values: FloatArray
    factors: tuple[FactorRows, ...]


@dataclass(frozen=True)
class _Nodes:
    """Levels of one factor, with what lies beneath each.

    Attributes
    ----------
    kind : ndarray of int, shape (nodes,)
    width : ndarray of int, shape (kinds,)
        How many rows of the finest factor lie beneath a node of each kind.
    table : ndarray, shape (rows, M, P + 1)
        These rows, node after node.
    """

    kind: IntArray
    width: IntArray
    table: FloatArray

    def rows(self, nodes: IntArray) -> IntArray:
        """Return which rows lie beneath some nodes, one node after the other."""
        widths = self.width[self.kind]
        starts = np.cumsum(widths) - widths
        return _ranges(starts[nodes], widths[nodes])

    def take(self, nodes: IntArray) -> _Nodes:
        """Return some of the nodes, in a given order."""
        return _Nodes(self.kind[nodes], self.width, self.table[self.rows(nodes)])


def rotated_rows(statistics: Statistics) -> Rows:
    """Return rows that have the same likelihood as the levels, as few as can easily be had.

    Parameters
    ----------
    statistics : Statistics
        The sufficient statistics, level by level.

    Returns
    -------
    Rows
    """
    values = np.concatenate([statistics.Ze[..., None], statistics.ZX], axis=-1)
    finest = statistics.factors[0]
    nodes = _Nodes(finest.kind, np.ones(finest.kinds, dtype=np.intp), np.moveaxis(values, 1, 0))
    roots = []
    ends = statistics.first_columns[1:]
    for factor, above, end in zip(
        statistics.factors, [*statistics.factors[1:], None], ends, strict=True
    ):
        loose = nodes
        if above is not None:
            nodes, loose = _parted(nodes, factor, above, int(end))
        roots.append(_condensed(loose))
    table = np.concatenate([root.table for root in reversed(roots)])
    return Rows(np.moveaxis(table, 0, 1), _tree(statistics.factors, [root.kind for root in roots]))


def _ranges(starts: IntArray, lengths: IntArray) -> IntArray:
    """Return start, start + 1, ... of each range, one range after the other."""
    offsets = np.cumsum(lengths) - lengths
    return np.repeat(starts - offsets, lengths) + np.arange(lengths.sum())


def _parted(
    nodes: _Nodes, factor: NestedFactor, above: NestedFactor, end: int
) -> tuple[_Nodes, _Nodes]:
    """Return the nodes of the next factor, and what is loose of this one's.

    Children of one parent and kind become their mean times the root of their number, which the
    parent sees, and their differences from the mean, which it does not: there, the columns of
    coarser factors, from `end` on, have no part.
    """
    assert factor.parent is not None, "only the last factor has no parents"
    order = np.lexsort((nodes.kind, factor.parent))
    keys = np.column_stack([factor.parent[order], nodes.kind[order]])
    is_first = np.append(True, np.any(keys[1:] != keys[:-1], axis=1))
    group = np.cumsum(is_first) - 1
    number = np.bincount(group)
    children = nodes.take(order)
    # Rows of each mean, and of each child the row of the mean that it belongs to.
    width = nodes.width[children.kind]
    starts = np.cumsum(width[is_first]) - width[is_first]
    target = _ranges(starts[group], width)
    share = np.repeat(1.0 / np.sqrt(number[group]), width)
    entries = (share, (target, np.arange(len(target))))
    sums = sparse.csr_array(entries, shape=(int(width[is_first].sum()), len(target)))
    flat = children.table.reshape(len(target), -1)
    means = np.asarray(sums @ flat).reshape(-1, *children.table.shape[1:])
    several = np.flatnonzero(number[group] > 1)
    loose = children.take(several)
    rows = children.rows(several)
    differences = loose.table - share[rows, None, None] * means[target[rows]]
    differences[:, end:] = 0.0
    wider = np.asarray((above.children != 0).astype(np.intp) @ nodes.width)
    return _Nodes(above.kind, wider, means), _Nodes(loose.kind, nodes.width, differences)


def _condensed(nodes: _Nodes) -> _Nodes:
    """Return fewer nodes of the same kinds with the same sums of products."""
    order = np.argsort(nodes.kind, kind="stable")
    nodes = nodes.take(order)
    kinds, starts, numbers = np.unique(nodes.kind, return_index=True, return_counts=True)
    worthwhile = np.argsort(-numbers, kind="stable")[:_MOST_KINDS]
    chosen = worthwhile[numbers[worthwhile] > 1]
    rest = np.ones(len(nodes.kind), dtype=bool)
    tables, found = [], []
    for kind, start, number in zip(kinds[chosen], starts[chosen], numbers[chosen], strict=True):
        members = np.arange(start, start + number)
        table = nodes.table[nodes.rows(members)]
        condensed = _triangle(table.reshape(number, -1))
        if condensed is not None:
            rest[members] = False
            tables.append(condensed.reshape(-1, *nodes.table.shape[1:]))
            found.append(np.full(len(condensed), kind))
    left = nodes.take(np.flatnonzero(rest))
    return _Nodes(
        np.concatenate([left.kind, *found]), nodes.width, np.concatenate([left.table, *tables])
    )


def _triangle(matrix: FloatArray) -> FloatArray | None:
    """Return a matrix of fewer rows with the same cross-products; None if none is easily had.

    It has one row at least, as Stan's matrices have.
    """
    smaller = min(matrix.shape)
    if float(matrix.size) * smaller > _DEAREST:
        return None
    norms = np.sqrt(np.square(matrix).sum(axis=0))
    kept = np.flatnonzero(norms > 0.0)
    if not len(kept):
        return np.zeros((1, matrix.shape[1]))
    scaled = matrix[:, kept] / norms[kept]
    if len(scaled) > len(kept):
        scaled = np.linalg.qr(scaled, mode="r")
    factor, pivots = linalg.qr(scaled, mode="r", pivoting=True)
    rank = int((np.abs(np.diagonal(factor)) > _NOTHING).sum())
    if rank >= len(matrix):
        return None
    condensed = np.zeros((rank, matrix.shape[1]))
    condensed[:, kept[pivots]] = factor[:rank] * norms[kept[pivots]]
    return condensed


def _tree(factors: tuple[NestedFactor, ...], roots: list[IntArray]) -> tuple[FactorRows, ...]:
    """Return the rows of each factor: beneath those of the next, then those without parent."""
    rows: list[FactorRows] = []
    kind = np.zeros(0, dtype=np.intp)
    parent, weight = kind, np.zeros(0)
    for factor, loose in zip(reversed(factors), reversed(roots), strict=True):
        none = np.zeros(len(loose))
        rows.append(
            FactorRows(
                np.concatenate([kind, loose]),
                np.concatenate([parent, np.full(len(loose), -1)]),
                np.concatenate([weight, none]),
            )
        )
        own = rows[-1].kind
        children = sparse.csr_array(factor.children)
        numbers = np.diff(children.indptr)
        places = _ranges(np.asarray(children.indptr, dtype=np.intp)[own], numbers[own])
        kind = np.asarray(children.indices, dtype=np.intp)[places]
        weight = np.sqrt(children.data[places])
        parent = np.repeat(np.arange(len(own)), numbers[own])
    return tuple(reversed(rows))
