"""The term of effects that are integrated out of a normal likelihood."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from brmspy.pilot import Pilot
from brmspy.program.conditional import conditional_effects
from brmspy.program.integrate import Statistics
from brmspy.program.parameters import StanParameter
from brmspy.program.rotate import FactorRows, Rows
from brmspy.program.start import StartValue
from brmspy.program.terms.base import Term, appended
from brmspy.program.terms.centring import scale_start

__all__ = ["IntegratedBlock", "IntegratedEffects"]

Draws = Mapping[str, NDArray[np.float64]]
Effects = MutableMapping[tuple[int, int], NDArray[np.float64]]


@dataclass(frozen=True)
class IntegratedBlock:
    """One block of the effects that are integrated out.

    Attributes
    ----------
    group : str
        The grouping factor.
    block : int
        Which block of the design.
    first, size : int
        Its first column among those of all blocks, and how many it has.
    suffix : str
        What the names of its variables end in.
    cholesky : StanParameter or None
        Cholesky factor of the correlations, if there are any.
    """

    group: str
    block: int
    first: int
    size: int
    suffix: str
    cholesky: StanParameter | None

    @property
    def columns(self) -> slice:
        """Its columns among those of all blocks."""
        return slice(self.first, self.first + self.size)

    @property
    def last(self) -> NDArray[np.intp]:
        """The last column that each of its columns is correlated with, one-based."""
        if self.cholesky is None:
            return np.arange(self.first, self.first + self.size) + 1
        return np.full(self.size, self.first + self.size)


@dataclass(frozen=True)
class IntegratedEffects(Term):
    """The effects of a chain of nested factors that are integrated out of a normal likelihood.

    Attributes
    ----------
    parts : tuple of IntegratedBlock
        The blocks of the design, those of the finest factor first.
    sd : StanParameter
        Standard deviations of all blocks.
    statistics : Statistics
        Sufficient statistics of the data.
    rows : Rows
        What the likelihood needs to know of the levels.
    coefficients : tuple of str
        Stan text of the coefficients that are not integrated out, in the order of `statistics`.
    prior_only : bool
        Whether the draws are from the prior: then so are the effects.
    """

    template: ClassVar[str] = "integrated"
    parts: tuple[IntegratedBlock, ...]
    sd: StanParameter
    statistics: Statistics = field(repr=False)
    rows: Rows = field(repr=False)
    coefficients: tuple[str, ...]
    prior_only: bool = False

    @property
    def blocks(self) -> tuple[int, ...]:
        """Which blocks of the design."""
        return tuple(part.block for part in self.parts)

    @property
    def group(self) -> str:
        """The grouping factors in words."""
        return " and ".join(dict.fromkeys(part.group for part in self.parts))

    @property
    def correlated(self) -> tuple[IntegratedBlock, ...]:
        """The blocks that have correlations."""
        return tuple(part for part in self.parts if part.cholesky is not None)

    @property
    def parameters(self) -> tuple[StanParameter, ...]:
        """Standard deviations and correlations."""
        choleskys = (part.cholesky for part in self.parts)
        return (self.sd, *(cholesky for cholesky in choleskys if cholesky is not None))

    @property
    def data(self) -> dict[str, Any]:
        """The sufficient statistics, and the trees of rows and of kinds of levels."""
        s = self.statistics
        columns = int(s.first_columns[-1])
        data = {
            f"M{self.suffix}": columns,
            "P": len(s.estimate),
            "estimate": s.estimate,
            "R": _root(s),
            "count": s.count,
            "last_correlated": np.concatenate([part.last for part in self.parts]),
            "W": self.rows.values.reshape(-1, len(s.estimate) + 1),
            "ZZ": s.ZZ.reshape(len(s.ZZ), columns**2),
        }
        for part in self.correlated:
            data |= {f"J{part.suffix}": part.size, f"before{part.suffix}": part.first}
        return data | self._row_data() | self._kind_data()

    def _row_data(self) -> dict[str, Any]:
        """Return the tree of rows, each factor's after those of the finer one."""
        factors = self.rows.factors
        starts = _starts([len(factor.kind) for factor in factors])
        below = [np.tile([1, 0], (len(factors[0].kind), 1))]
        for fine, coarse, start in zip(factors, factors[1:], starts, strict=False):
            below.append(_children(fine, len(coarse.kind)) + np.array([start + 1, start]))
        return {
            "F": len(factors),
            "first_column": self.statistics.first_columns + 1,
            "first_row": starts + 1,
            "kind": np.concatenate([factor.kind for factor in factors]) + 1,
            "row_children": np.concatenate(below),
            "row_weight": np.concatenate([factor.weight for factor in factors]),
        }

    def _kind_data(self) -> dict[str, Any]:
        """Return the tree of kinds of levels, each factor's after those of the finer one."""
        factors = self.statistics.factors
        edges = [np.diff(factor.children.indptr) for factor in factors]
        ends = np.cumsum(np.concatenate(edges))
        members = [np.tile(factor.members, factor.size) for factor in factors]
        return {
            "first_kind": _starts([factor.kinds for factor in factors]) + 1,
            "members": np.concatenate(members),
            "n_members": sum(map(len, members)),
            "kind_children": np.column_stack([ends - np.concatenate(edges) + 1, ends]),
            "n_child_kinds": int(ends[-1]),
            "child_kind": np.concatenate([factor.children.indices for factor in factors]) + 1,
            "child_count": np.concatenate([factor.children.data for factor in factors]),
        }

    def start(self, pilot: Pilot) -> dict[str, StartValue]:
        """Return standard deviations and correlations of the pilot fit.

        Parameters
        ----------
        pilot : Pilot
            The pilot fit.
        """
        choleskys = [part.cholesky for part in self.parts]
        return scale_start(self.sd, choleskys, [pilot.blocks[block] for block in self.blocks])

    def density(self, sigma: str) -> str:
        """Return the Stan text of the log density of the response.

        Parameters
        ----------
        sigma : str
            Stan text of the residual standard deviation.
        """
        return (
            f"integrated_normal({appended(self.coefficients)}, {sigma}, scale{self.suffix}, "
            "estimate, R, W, ZZ, count, first_column, last_correlated, first_row, kind, "
            "row_children, row_weight, first_kind, members, kind_children, child_kind, "
            "child_count)"
        )

    def recover(
        self,
        draws: Draws,
        theta: NDArray[np.float64],
        sigma: NDArray[np.float64],
        sds: Effects,
        effects: Effects,
    ) -> dict[int, NDArray[np.float64]]:
        """Add sds and draws of the effects given all else; return the correlations' factors.

        Parameters
        ----------
        draws : mapping of str to ndarray, shape (chain, draw, ...)
            What the sampler drew.
        theta : ndarray, shape (chain, draw, P)
            The coefficients that are not integrated out.
        sigma : ndarray, shape (chain, draw)
            Residual standard deviation.
        sds, effects : mapping of (block, coefficient) to ndarray
            What to add to.

        Returns
        -------
        dict of int to ndarray
            Cholesky factor of the correlations of each block that has any.
        """
        sd = draws[self.sd.name]
        scale = sd[..., None] * np.eye(sd.shape[-1])
        factors = {}
        for part in self.parts:
            own = part.columns
            if part.cholesky is not None:
                factors[part.block] = draws[part.cholesky.name]
                scale[..., own, own] = sd[..., own, None] * factors[part.block]
            sds.update({(part.block, m): sd[..., part.first + m] for m in range(part.size)})
        shape = sigma.shape
        drawn = conditional_effects(
            self.statistics,
            (scale / sigma[..., None, None]).reshape(-1, *scale.shape[2:]),
            theta.reshape(-1, theta.shape[-1]),
            sigma.ravel(),
            _generator(sd, sigma),
            self.prior_only,
        )
        by_column = [column.reshape(*shape, -1) for factor in drawn for column in factor]
        for part in self.parts:
            own_effects = by_column[part.columns]
            effects.update({(part.block, m): column for m, column in enumerate(own_effects)})
        return factors


def _root(statistics: Statistics) -> NDArray[np.float64]:
    """Return R with R'R the cross-products of least-squares residuals and columns of X."""
    count = len(statistics.estimate)
    root = np.zeros((count + 1, count + 1))
    root[0, 0] = np.sqrt(statistics.rss)
    root[1:, 1:] = statistics.root
    return root


def _starts(sizes: list[int]) -> NDArray[np.intp]:
    """Return where each of several parts starts, and where the last ends."""
    return np.cumsum([0, *sizes])


def _children(fine: FactorRows, parents: int) -> NDArray[np.intp]:
    """Return the first child of each row of the coarser factor, and one past the last."""
    numbers = np.bincount(fine.parent[fine.parent >= 0], minlength=parents)
    ends = np.cumsum(numbers)
    return np.column_stack([ends - numbers, ends])


def _generator(*draws: NDArray[np.float64]) -> np.random.Generator:
    """Return a generator seeded by draws, so that the same draws give the same effects."""
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(values).tobytes() for values in draws))
    return np.random.default_rng(int.from_bytes(digest.digest(), "little"))
