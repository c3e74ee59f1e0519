"""The pieces of a Stan program that come from the terms of a formula.

Each kind of term is one class here and one template in ``templates/terms``: the class says which
parameters it owns, which data it sends, how its value is written in Stan, and how the user's
parameters follow from what the sampler drew.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from brmspy.program.parameters import StanParameter
from brmspy.program.sparse import CompressedRows

__all__ = [
    "BlockUse",
    "CorrelatedEffects",
    "GroupEffects",
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
    """

    template: ClassVar[str] = "population"
    predictor: str
    intercept: StanParameter | None
    coefficients: StanParameter | None
    X: NDArray[np.float64]
    means: NDArray[np.float64]

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
        return {f"K{self.suffix}": self.X.shape[1], f"X{self.suffix}": self.X}

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

    @property
    def data(self) -> dict[str, Any]:
        """The sparse matrix, one-based."""
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
        return f"csr_matrix_times_vector(N, Q{s}, Zw{s}, Zv{s}, Zu{s}, {_append(self.pieces)})"


def _append(pieces: Sequence[str]) -> str:
    """Return the Stan text of one vector after the other."""
    if len(pieces) == 1:
        return pieces[0]
    return f"append_row({pieces[0]}, {_append(pieces[1:])})"
