"""The pieces of a Stan program that come from the terms of a formula.

Each kind of term is one class here and one template in ``templates/terms``: the class says which
parameters it owns, which data it sends, how its value is written in Stan, and how the user's
parameters follow from what the sampler drew.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from brmspy.program.integrate import Statistics
from brmspy.program.parameters import StanParameter
from brmspy.program.sparse import CompressedRows

__all__ = [
    "BlockUse",
    "CorrelatedEffects",
    "GroupEffects",
    "IntegratedEffects",
    "Offset",
    "Population",
    "Term",
    "UncorrelatedEffects",
    "is_constant",
]

Draws = Mapping[str, NDArray[np.float64]]
Effects = MutableMapping[tuple[int, int], NDArray[np.float64]]


def is_constant(X: NDArray[np.float64]) -> bool:
    """Whether the only column is that of an intercept."""
    return X.shape[1] == 1 and bool(np.all(X == 1.0))


@dataclass(frozen=True)
class Term(ABC):
    """A piece of the program.

    Attributes
    ----------
    suffix : str
        What its variables' names end in.
    purpose : str
        For comments: which parameter it predicts.
    """

    template: ClassVar[str]
    suffix: str
    purpose: str

    @property
    def parameters(self) -> tuple[StanParameter, ...]:
        """Parameters that the term owns."""
        return ()

    @property
    @abstractmethod
    def data(self) -> dict[str, Any]:
        """Stan data of the term, parameters' priors excepted."""


@dataclass(frozen=True)
class Population(Term):
    """Population-level effects of one predictor.

    Attributes
    ----------
    predictor : str
        The parameter that is predicted.
    intercept : StanParameter or None
        The intercept at the columns' means, where the predictor is centred.
    coefficients : StanParameter or None
        All other coefficients.
    X : ndarray, shape (nobs, coefficients)
        Their columns, less `means`.
    means : ndarray, shape (coefficients,)
        What was taken off the columns.
    integrated : bool
        Whether the program sees the columns through sufficient statistics alone.
    """

    template: ClassVar[str] = "population"
    predictor: str
    intercept: StanParameter | None
    coefficients: StanParameter | None
    X: NDArray[np.float64]
    means: NDArray[np.float64]
    integrated: bool = False

    @property
    def centred(self) -> bool:
        """Whether there is an intercept at the columns' means."""
        return self.intercept is not None

    @property
    def columns(self) -> bool:
        """Whether the program needs a matrix: not for a lone constant."""
        return self.coefficients is not None and not self._constant

    @property
    def _constant(self) -> bool:
        return is_constant(self.X)

    @property
    def parameters(self) -> tuple[StanParameter, ...]:
        """The intercept and the coefficients."""
        return tuple(p for p in (self.intercept, self.coefficients) if p is not None)

    @property
    def data(self) -> dict[str, Any]:
        """The number of columns and the columns."""
        if not self.columns:
            return {}
        data: dict[str, Any] = {f"K{self.suffix}": self.X.shape[1]}
        return data if self.integrated else data | {f"X{self.suffix}": self.X}

    @property
    def constants(self) -> tuple[str, ...]:
        """Scalars that the term adds to the linear predictor, as Stan text."""
        if self.intercept is not None:
            return (self.intercept.name,)
        if self.coefficients is not None and self._constant:
            return (f"{self.coefficients.name}[1]",)
        return ()

    @property
    def product(self) -> tuple[str, str] | None:
        """The matrix and the coefficients whose product the term adds."""
        if self.coefficients is None or not self.columns:
            return None
        return f"X{self.suffix}", self.coefficients.name

    def recover(self, draws: Draws) -> NDArray[np.float64] | None:
        """Return the user's coefficients, the intercept first, shape (chain, draw, coef)."""
        parts = []
        if self.intercept is not None:
            parts.append(draws[self.intercept.name][..., None])
        if self.coefficients is not None:
            coefficients = draws[self.coefficients.name]
            if parts:
                parts[0] = parts[0] - (coefficients @ self.means)[..., None]
            parts.append(coefficients)
        return np.concatenate(parts, axis=-1) if parts else None


@dataclass(frozen=True)
class Offset(Term):
    """What is added to a linear predictor as it is; `values` has shape (nobs,)."""

    template: ClassVar[str] = "offset"
    values: NDArray[np.float64]

    @property
    def data(self) -> dict[str, Any]:
        """The sum of the offsets."""
        return {f"offsets{self.suffix}": self.values}


@dataclass(frozen=True)
class UncorrelatedEffects(Term):
    """The uncorrelated group-level coefficients of one predictor, non-centred.

    Attributes
    ----------
    members : sequence of (int, int)
        Block and coefficient within the block, as the design counts them.
    levels : sequence of int
        Number of levels of each.
    """

    template: ClassVar[str] = "uncorrelated"
    sd: StanParameter
    z: StanParameter
    members: tuple[tuple[int, int], ...]
    levels: tuple[int, ...]

    @property
    def parameters(self) -> tuple[StanParameter, ...]:
        """Standard deviations and standard normals."""
        return (self.sd, self.z)

    @property
    def data(self) -> dict[str, Any]:
        """Sizes, and the coefficient that each level belongs to."""
        return {
            f"M{self.suffix}": len(self.levels),
            f"G{self.suffix}": sum(self.levels),
            f"coef{self.suffix}": np.repeat(np.arange(len(self.levels)), self.levels) + 1,
        }

    @property
    def stacked(self) -> str:
        """Stan text of the vector of effects."""
        return f"{self.sd.name}[coef{self.suffix}] .* {self.z.name}"

    def recover(self, draws: Draws, sds: Effects, effects: Effects) -> None:
        """Add each member's sd and its levels' effects, shape (chain, draw, level)."""
        sd, z = draws[self.sd.name], draws[self.z.name]
        starts = np.concatenate([[0], np.cumsum(self.levels)])
        for position, member in enumerate(self.members):
            sds[member] = sd[..., position]
            block = z[..., starts[position] : starts[position + 1]]
            effects[member] = sd[..., position, None] * block


@dataclass(frozen=True)
class BlockUse:
    """The coefficients of a correlated block that enter one predictor, counted from 1."""

    predictor: str
    suffix: str
    purpose: str
    first: int
    last: int


@dataclass(frozen=True)
class CorrelatedEffects(Term):
    """A block of correlated group-level coefficients, non-centred.

    Attributes
    ----------
    block : int
        Which block of the design.
    uses : tuple of BlockUse
        The predictors that it enters.
    """

    template: ClassVar[str] = "correlated"
    group: str
    block: int
    sd: StanParameter
    cholesky: StanParameter
    z: StanParameter
    uses: tuple[BlockUse, ...]
    size: int
    levels: int

    @property
    def parameters(self) -> tuple[StanParameter, ...]:
        """Standard deviations, Cholesky factor of the correlations, standard normals."""
        return (self.sd, self.cholesky, self.z)

    @property
    def shared(self) -> bool:
        """Whether the block enters several predictors."""
        return len(self.uses) > 1

    def span(self, use: BlockUse) -> str:
        """Return the name of the data that say which coefficients enter a predictor."""
        return f"span{self.suffix}{use.suffix or '_mu'}"

    @property
    def data(self) -> dict[str, Any]:
        """Sizes, and for shared blocks the coefficients of each predictor."""
        data: dict[str, Any] = {f"M{self.suffix}": self.size, f"G{self.suffix}": self.levels}
        if self.shared:
            data |= {self.span(use): [use.first, use.last] for use in self.uses}
        return data

    def stacked(self, predictor: str) -> str:
        """Stan text of the vector of effects that enter `predictor`, level after level."""
        if not self.shared:
            return f"to_vector(r{self.suffix})"
        use = next(use for use in self.uses if use.predictor == predictor)
        span = self.span(use)
        return f"to_vector(r{self.suffix}[{span}[1]:{span}[2]])"

    def recover(self, draws: Draws, sds: Effects, effects: Effects) -> NDArray[np.float64]:
        """Add each coefficient's sd and effects; return the correlations' Cholesky factor."""
        sd, factor, z = (draws[p.name] for p in self.parameters)
        r = (sd[..., None] * factor) @ z
        for position in range(self.size):
            sds[self.block, position] = sd[..., position]
            effects[self.block, position] = r[..., position, :]
        return factor


@dataclass(frozen=True)
class GroupEffects(Term):
    """The product of the sparse group-level model matrix of one predictor and its effects."""

    template: ClassVar[str] = "group_effects"
    Z: CompressedRows
    pieces: tuple[str, ...]
    integrated: bool = False

    @property
    def stacked(self) -> str:
        """Stan text of the vector of effects."""
        return _append(self.pieces)

    @property
    def data(self) -> dict[str, Any]:
        """The sparse matrix, one-based; nothing if the program sees it in statistics alone."""
        if self.integrated:
            return {}
        return {
            f"Q{self.suffix}": self.Z.shape[1],
            f"Zn{self.suffix}": len(self.Z.values),
            f"Zw{self.suffix}": self.Z.values,
            f"Zv{self.suffix}": self.Z.columns + 1,
            f"Zu{self.suffix}": self.Z.starts + 1,
        }

    @property
    def value(self) -> str:
        """Stan text of the product."""
        s = self.suffix
        return f"csr_matrix_times_vector(N, Q{s}, Zw{s}, Zv{s}, Zu{s}, {self.stacked})"


def _append(pieces: Sequence[str]) -> str:
    """Return the Stan text of one vector after the other."""
    if len(pieces) == 1:
        return pieces[0]
    return f"append_row({pieces[0]}, {_append(pieces[1:])})"


@dataclass(frozen=True)
class IntegratedEffects(Term):
    """A block of group-level effects that is integrated out of a normal likelihood.

    Attributes
    ----------
    block : int
        Which block of the design.
    sd : StanParameter
        Standard deviations.
    cholesky : StanParameter or None
        Cholesky factor of the correlations, if there are any.
    statistics : Statistics
        Sufficient statistics of the data.
    coefficients : tuple of str
        Stan text of the coefficients that are not integrated out, in the order of `statistics`.
    prior_only : bool
        Whether the draws are from the prior: then so are the effects.
    """

    template: ClassVar[str] = "integrated"
    group: str
    block: int
    sd: StanParameter
    cholesky: StanParameter | None
    statistics: Statistics
    coefficients: tuple[str, ...]
    prior_only: bool = False

    @property
    def parameters(self) -> tuple[StanParameter, ...]:
        """Standard deviations and correlations."""
        return (self.sd,) if self.cholesky is None else (self.sd, self.cholesky)

    @property
    def data(self) -> dict[str, Any]:
        """The sufficient statistics, coefficient after coefficient."""
        s = self.statistics
        size, levels, count = s.ZX.shape
        return {
            f"M{self.suffix}": size,
            f"G{self.suffix}": levels,
            f"D{self.suffix}": len(s.ZZ),
            f"members{self.suffix}": s.members,
            f"kind{self.suffix}": s.kind + 1,
            "P": count,
            "ZZ": s.ZZ.reshape(len(s.ZZ), size * size),
            "ZX": s.ZX.reshape(size * levels, count),
            "Ze": s.Ze.reshape(size * levels),
            "estimate": s.estimate,
            "R": s.root,
            "rss": s.rss,
            "count": s.count,
        }

    def density(self, sigma: str) -> str:
        """Stan text of the log density of the response."""
        k = self.suffix
        scale = (
            f"diag_matrix({self.sd.name})"
            if self.cholesky is None
            else f"diag_pre_multiply({self.sd.name}, {self.cholesky.name})"
        )
        return (
            f"integrated_normal_lpdf(Ze | {_append(self.coefficients)} - estimate, {sigma}, "
            f"{scale} / {sigma}, rss, R, ZX, ZZ, members{k}, kind{k}, count)"
        )

    def recover(
        self,
        draws: Draws,
        theta: NDArray[np.float64],
        sigma: NDArray[np.float64],
        sds: Effects,
        effects: Effects,
    ) -> NDArray[np.float64] | None:
        """Add sds and draws of the effects given all else; return the correlations' factor.

        With Lambda the effects' scale over sigma, C the Cholesky factor of I + Lambda' Z'Z Lambda
        and v the solution of C v = Lambda' Z'(y - X theta), the effects are
        Lambda C'^-1 (v + sigma n) with n standard normal.
        """
        s, sd = self.statistics, draws[self.sd.name]
        factor = None if self.cholesky is None else draws[self.cholesky.name]
        scale = sd[..., None] * (np.eye(sd.shape[-1]) if factor is None else factor)
        scale = scale / sigma[..., None, None]
        step = theta - s.estimate
        projected = s.Ze - np.einsum("mgp,...p->...mg", s.ZX, step, optimize=True)
        projected = np.swapaxes(scale, -1, -2) @ projected
        noise = _generator(sd, sigma).normal(size=projected.shape) * sigma[..., None, None]
        whitened = noise.copy()
        for kind, ZZ in enumerate([] if self.prior_only else s.ZZ):
            members = s.kind == kind
            gram = np.swapaxes(scale, -1, -2) @ ZZ @ scale + np.eye(sd.shape[-1])
            root = np.linalg.cholesky(gram)
            solved = np.linalg.solve(root, projected[..., members]) + noise[..., members]
            whitened[..., members] = np.linalg.solve(np.swapaxes(root, -1, -2), solved)
        r = scale @ whitened
        for position in range(sd.shape[-1]):
            sds[self.block, position] = sd[..., position]
            effects[self.block, position] = r[..., position, :]
        return factor


def _generator(*draws: NDArray[np.float64]) -> np.random.Generator:
    """Return a generator seeded by draws, so that the same draws give the same effects."""
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(values).tobytes() for values in draws))
    return np.random.default_rng(int.from_bytes(digest.digest(), "little"))
