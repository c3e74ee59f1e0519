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

from brmspy.pilot import BlockPilot, Pilot
from brmspy.program.coordinates import Whitening
from brmspy.program.inputs import Input, by_row, shared
from brmspy.program.integrate import Statistics
from brmspy.program.parameters import StanParameter
from brmspy.program.sparse import CompressedRows
from brmspy.program.start import StartValue, free_start
from brmspy.program.unconstrained import from_unconstrained, to_unconstrained

__all__ = [
    "BlockUse",
    "CentredLevels",
    "CorrelatedEffects",
    "GroupEffects",
    "IntegratedEffects",
    "Offset",
    "Population",
    "StandardCoefficients",
    "Term",
    "UncorrelatedEffects",
    "is_constant",
    "stack_positions",
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

    @property
    def inputs(self) -> tuple[Input, ...]:
        """What its part of the linear predictor reads."""
        return ()


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
    X : ndarray, shape (nobs, columns)
        The coefficients' columns less `means`; or, where `kept` says so, what is left of them and
        of the intercept's within the levels that are centred.
    means : ndarray, shape (coefficients,)
        What was taken off the columns.
    kept : ndarray of int or None
        Positions, the intercept's first, of the coefficients that X has columns for; None where
        these are just `coefficients`.
    definition : str
        Stan text of all coefficients on the unconstrained scale, where they are computed from
        other coordinates; empty where the sampler moves in the coefficients themselves.
    lower, upper : ndarray, shape (coefficients,), or None
        Bounds, the intercept's first, where there are any and the coefficients are computed.
    integrated : bool
        Whether the program sees the columns through sufficient statistics alone.
    """

    template: ClassVar[str] = "population"
    predictor: str
    intercept: StanParameter | None
    coefficients: StanParameter | None
    X: NDArray[np.float64]
    means: NDArray[np.float64]
    kept: NDArray[np.intp] | None = None
    definition: str = ""
    lower: NDArray[np.float64] | None = None
    upper: NDArray[np.float64] | None = None
    integrated: bool = False

    @property
    def columns(self) -> bool:
        """Whether the program needs a matrix: not for a lone constant."""
        return self.mapped or (self.coefficients is not None and not self._constant)

    @property
    def mapped(self) -> bool:
        """Whether the columns are those of the sampler's coordinates."""
        return self.kept is not None

    @property
    def _constant(self) -> bool:
        return is_constant(self.X)

    @property
    def count(self) -> int:
        """Number of coefficients, the intercept included."""
        return int(self.intercept is not None) + len(self.means)

    @property
    def parameters(self) -> tuple[StanParameter, ...]:
        """The intercept and the coefficients; before them the vector that they are parts of."""
        own = tuple(p for p in (self.intercept, self.coefficients) if p is not None)
        if not self.definition:
            return own
        return (
            StanParameter(
                f"coefs{self.suffix}",
                "vector",
                f"n_coefs{self.suffix}",
                internal=True,
                definition=self._bounded if self.bounded else self.definition,
            ),
            *own,
        )

    @property
    def bounded(self) -> bool:
        """Whether computed coefficients are kept within bounds."""
        return self.lower is not None

    @property
    def interval(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower and upper bounds, infinite where there are none."""
        open_ = np.full(self.count, np.inf)
        lower = -open_ if self.lower is None else self.lower
        return lower, open_ if self.upper is None else self.upper

    @property
    def limits(self) -> str:
        """Stan text of the bounds' names."""
        return f"lb_coefs{self.suffix}, ub_coefs{self.suffix}"

    @property
    def _bounded(self) -> str:
        return f"within_bounds({self.definition}, {self.limits})"

    @property
    def data(self) -> dict[str, Any]:
        """Sizes, columns and bounds."""
        s = self.suffix
        data: dict[str, Any] = {}
        if self.sized:
            data[f"K{s}"] = len(self.means)
        if self.mapped or self.definition:
            data[f"n_coefs{s}"] = self.count
        if self.bounded:
            data |= {f"lb_coefs{s}": self.lower, f"ub_coefs{s}": self.upper}
        if self.columns and not self.integrated:
            data[f"X{s}"] = self.X
            if self.kept is not None:
                data[f"n_kept{s}"] = len(self.kept)
                data[f"kept{s}"] = self.kept + 1
        return data

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Columns and coefficients."""
        s = self.suffix
        columns = (by_row(f"X{s}", "data matrix"),) if self.columns else ()
        kept = (shared(f"kept{s}", "array[] int"),) if self.mapped else ()
        if self.mapped and self.definition:
            return (*columns, *kept, shared(self.stacked, "vector"))
        own = (p for p in (self.intercept, self.coefficients) if p is not None)
        return (*columns, *kept, *(shared(p.name, p.type) for p in own))

    @property
    def sized(self) -> bool:
        """Whether the number of coefficients is data."""
        return self.coefficients is not None and self.coefficients.size != "1"

    @property
    def stacked(self) -> str:
        """Stan text of the vector of intercept and coefficients."""
        if self.definition:
            return f"coefs{self.suffix}"
        if self.intercept is None:
            return self.coefficients.name if self.coefficients is not None else "[]'"
        if self.coefficients is None:
            return f"[{self.intercept.name}]'"
        return f"append_row({self.intercept.name}, {self.coefficients.name})"

    @property
    def constants(self) -> tuple[str, ...]:
        """Scalars that the term adds to the linear predictor, as Stan text."""
        if self.mapped:
            return ()
        if self.intercept is not None:
            return (self.intercept.name,)
        if self.coefficients is not None and self._constant:
            return (f"{self.coefficients.name}[1]",)
        return ()

    @property
    def product(self) -> tuple[str, str] | None:
        """The matrix and the coefficients whose product the term adds."""
        if not self.columns:
            return None
        if self.mapped:
            return f"X{self.suffix}", f"{self.stacked}[kept{self.suffix}]"
        assert self.coefficients is not None, "columns belong to coefficients"
        return f"X{self.suffix}", self.coefficients.name

    def start(self, pilot: Pilot) -> dict[str, StartValue]:
        """Return the coefficients' posterior mode and variances, unless they are computed."""
        if self.definition:
            return {}
        mode = pilot.predictors[self.predictor].coefficients
        place = pilot.places(self.predictor)
        inverse = np.linalg.pinv(pilot.precision[place, place], hermitian=True)
        variances = np.diagonal(inverse)
        values: dict[str, StartValue] = {}
        first = 0
        if self.intercept is not None:
            first = 1
            if self.intercept.fixed == "none":
                values[self.intercept.name] = free_start(self.intercept, mode[0], variances[:1])
        if self.coefficients is not None and self.coefficients.fixed != "all":
            free = self.coefficients.free_positions + first
            values[self.coefficients.name] = free_start(
                self.coefficients, mode[free], variances[free]
            )
        return values

    def given(self, values: Mapping[str, Any], default: NDArray[np.float64]) -> Any:
        """Return given values of intercept and coefficients, and `default` for the others."""
        stacked = default.copy()
        if self.intercept is not None and self.intercept.name in values:
            stacked[0] = values[self.intercept.name]
        if self.coefficients is not None and self.coefficients.name in values:
            stacked[int(self.intercept is not None) :] = values[self.coefficients.name]
        return stacked

    def stack(self, draws: Draws) -> NDArray[np.float64]:
        """Return intercept and coefficients at the columns' means, shape (chain, draw, coef)."""
        parts = []
        if self.intercept is not None:
            parts.append(draws[self.intercept.name][..., None])
        if self.coefficients is not None:
            parts.append(draws[self.coefficients.name])
        return np.concatenate(parts, axis=-1)

    def recover(self, draws: Draws) -> NDArray[np.float64]:
        """Return the user's coefficients, the intercept first, shape (chain, draw, coef)."""
        stacked = self.stack(draws)
        if self.intercept is None:
            return stacked
        intercept = stacked[..., 0] - stacked[..., 1:] @ self.means
        return np.concatenate([intercept[..., None], stacked[..., 1:]], axis=-1)


@dataclass(frozen=True)
class StandardCoefficients(Term):
    """Coordinates in which the coefficients of one or more predictors are near independent.

    Attributes
    ----------
    whitening : Whitening
        Location and scale of all coefficients, on the unconstrained scale.
    populations : tuple of Population
        The predictors, in the order of the coefficients.
    named : bool
        Whether the coefficients stand in one vector before each predictor takes its own.
    """

    template: ClassVar[str] = "standard_coefficients"
    whitening: Whitening
    populations: tuple[Population, ...]
    named: bool

    VALUE: ClassVar[str] = "coefs_location + coefs_scale * std_coefs"

    @property
    def parameters(self) -> tuple[StanParameter, ...]:
        """The coordinates, and where several predictors share them all coefficients."""
        coordinates = StanParameter(
            "std_coefs",
            "vector",
            "n_std_coefs",
            internal=True,
            comment="standardised coefficients, intercepts included",
        )
        if not self.named:
            return (coordinates,)
        together = StanParameter(
            "all_coefs", "vector", "n_std_coefs", internal=True, definition=self.VALUE
        )
        return (coordinates, together)

    @property
    def data(self) -> dict[str, Any]:
        """Location and scale."""
        return {
            "n_std_coefs": len(self.whitening.location),
            "coefs_location": self.whitening.location,
            "coefs_scale": self.whitening.scale,
        }

    def start(self) -> dict[str, StartValue]:
        """Return where the coordinates are about."""
        count = len(self.whitening.location)
        return {"std_coefs": StartValue(np.zeros(count), np.ones(count))}

    def coordinates(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return initial values with those of coefficients in the sampler's coordinates.

        Parameters
        ----------
        values : mapping of str to number or array_like
            By the names of the program; coefficients that are missing are where the pilot fit has
            them.
        """
        own = {p.name for term in self.populations for p in term.parameters if not p.internal}
        if not own & set(values):
            return dict(values)
        location, parts, start = self.whitening.location, [], 0
        for term in self.populations:
            place = slice(start, start + term.count)
            start += term.count
            lower, upper = term.interval
            inside = term.given(values, from_unconstrained(location[place], lower, upper))
            parts.append(to_unconstrained(inside, lower, upper))
        moved = np.linalg.solve(self.whitening.scale, np.concatenate(parts) - location)
        return {k: v for k, v in values.items() if k not in own} | {"std_coefs": moved}


@dataclass(frozen=True)
class Offset(Term):
    """What is added to a linear predictor as it is; `values` has shape (nobs,)."""

    template: ClassVar[str] = "offset"
    values: NDArray[np.float64]

    @property
    def data(self) -> dict[str, Any]:
        """The sum of the offsets."""
        return {f"offsets{self.suffix}": self.values}

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The sum of the offsets."""
        return (by_row(f"offsets{self.suffix}"),)


@dataclass(frozen=True)
class CentredLevels:
    """The levels whose coordinate is their hierarchical mean; see `brmspy.program.coordinates`.

    Attributes
    ----------
    suffix : str
        What the data's names end in.
    predictor : str
        Suffix of the predictor.
    rows : str
        Stan text of the number of centres.
    coefficients : str
        Stan text of the predictor's coefficients; empty if it has none.
    B : ndarray, shape (centred, coefficients)
        What the coefficients add to the centre.
    E : CompressedRows or None
        What the predictor's other coordinates add; after the last centre comes an empty row.
    """

    suffix: str
    predictor: str
    rows: str
    coefficients: str
    B: NDArray[np.float64]
    E: CompressedRows | None

    @property
    def has_coefficients(self) -> bool:
        """Whether coefficients add to the centre."""
        return bool(self.coefficients)

    @property
    def data(self) -> dict[str, Any]:
        """The map, one-based."""
        s = self.suffix
        data: dict[str, Any] = {}
        if self.has_coefficients:
            data[f"B{s}"] = self.B
        if self.E is not None:
            data |= {
                f"En{s}": len(self.E.values),
                f"Ew{s}": self.E.values,
                f"Ev{s}": self.E.columns + 1,
                f"Eu{s}": self.E.starts + 1,
            }
        return data

    @property
    def value(self) -> str:
        """Stan text of the centres, empty if they are zero."""
        s, p = self.suffix, self.predictor
        parts = [f"B{s} * {self.coefficients}"] if self.has_coefficients else []
        if self.E is not None:
            rows = self.rows
            product = f"csr_matrix_times_vector({rows} + 1, Q{p}, Ew{s}, Ev{s}, Eu{s}, w{p})"
            parts.append(f"head({product}, {rows})")
        return " + ".join(parts)

    def start(self, coefficients: NDArray[np.float64], w: NDArray[np.float64]) -> Any:
        """Return the centres at given coefficients and coordinates, shape (centred,)."""
        total = self.B @ coefficients if self.has_coefficients else np.zeros(len(self.B))
        return total if self.E is None else total + (self.E.matrix @ w)[:-1]

    def centres(
        self, coefficients: NDArray[np.float64] | None, w: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the centres, shape (chain, draw, centred).

        Parameters
        ----------
        coefficients : ndarray, shape (chain, draw, coefficients), or None
            As the program has them.
        w : ndarray, shape (chain, draw, Q)
            All coordinates of the predictor's effects.
        """
        total = np.zeros((*w.shape[:2], len(self.B)))
        if coefficients is not None:
            total += coefficients @ self.B.T
        if self.E is not None:
            flat = w.reshape(-1, w.shape[-1])
            total += (self.E.matrix @ flat.T)[:-1].T.reshape(total.shape)
        return total


@dataclass(frozen=True)
class UncorrelatedEffects(Term):
    """The uncorrelated group-level coefficients of one predictor.

    Their coordinates stand in one vector: those of centred levels first, then the others, each
    coefficient after coefficient.

    Attributes
    ----------
    sd, z : StanParameter
        Standard deviations; standardised effects of levels that are not centred.
    u : StanParameter or None
        Hierarchical means of the centred levels.
    members : tuple of (int, int)
        Block and coefficient within the block, as the design counts them.
    centred : tuple of ndarray of bool, shape (levels,)
        Which levels of each are centred.
    centring : CentredLevels or None
        Their map.
    """

    template: ClassVar[str] = "uncorrelated"
    sd: StanParameter
    z: StanParameter
    u: StanParameter | None
    members: tuple[tuple[int, int], ...]
    centred: tuple[NDArray[np.bool_], ...]
    centring: CentredLevels | None = None

    @property
    def parameters(self) -> tuple[StanParameter, ...]:
        """Standard deviations and coordinates."""
        return (self.sd, self.z) if self.u is None else (self.sd, self.u, self.z)

    @property
    def data(self) -> dict[str, Any]:
        """Sizes, and the coefficient that each level belongs to."""
        others = [int((~flags).sum()) for flags in self.centred]
        number = np.arange(len(self.members)) + 1
        data = {
            f"M{self.suffix}": len(self.members),
            f"G{self.suffix}": sum(others),
            f"coef{self.suffix}": np.repeat(number, others),
        }
        if self.centring is not None:
            counts = [int(flags.sum()) for flags in self.centred]
            data |= self.centring.data
            data[f"n_centred{self.suffix}"] = sum(counts)
            data[f"coef_centred{self.suffix}"] = np.repeat(number, counts)
        return data

    @property
    def positions(self) -> tuple[NDArray[np.intp], ...]:
        """Where each level of each member stands in the vector of coordinates."""
        return stack_positions(self.centred, 1)

    @property
    def width(self) -> int:
        """Length of the vector of coordinates."""
        return sum(len(flags) for flags in self.centred)

    @property
    def stacked(self) -> str:
        """Stan text of the vector of coordinates."""
        effects = f"{self.sd.name}[coef{self.suffix}] .* {self.z.name}"
        return effects if self.u is None else f"append_row({self.u.name}, {effects})"

    def modes(self, pilot: Pilot) -> NDArray[np.float64]:
        """Return the effects of the pilot fit in the places of their coordinates."""
        effects = np.empty(self.width)
        for (block, m), positions in zip(self.members, self.positions, strict=True):
            effects[positions] = pilot.blocks[block].effects[:, m]
        return effects

    def start(self, pilot: Pilot, w: NDArray[np.float64]) -> dict[str, StartValue]:
        """Return standard deviations and coordinates of the pilot fit.

        Parameters
        ----------
        pilot : Pilot
            The pilot fit.
        w : ndarray, shape (Q,)
            All coordinates of the predictor's effects, where centred levels have their means.
        """
        found = [(pilot.blocks[block], m) for block, m in self.members]
        sd = np.array([block.sd[m] for block, m in found])
        spread = np.array([_sd_variance(block.shrinkage[:, m]) for block, m in found])
        variances = np.empty(self.width)
        for (block, m), positions in zip(found, self.positions, strict=True):
            variances[positions] = block.covariance[m, m] * (1.0 - block.shrinkage[:, m])
        count = self.width - len(self.data[f"coef{self.suffix}"])
        own = sd[self.data[f"coef{self.suffix}"] - 1]
        values = {
            self.sd.name: StartValue(sd[self.sd.free_positions], spread[self.sd.free_positions]),
            self.z.name: StartValue(
                w[count : self.width] / own, variances[count : self.width] / own**2
            ),
        }
        if self.u is not None:
            values[self.u.name] = StartValue(w[:count], variances[:count])
        return values

    def stack(self, draws: Draws) -> NDArray[np.float64]:
        """Return the coordinates, shape (chain, draw, width)."""
        coef = self.data[f"coef{self.suffix}"] - 1
        effects = draws[self.sd.name][..., coef] * draws[self.z.name]
        return effects if self.u is None else np.concatenate([draws[self.u.name], effects], -1)

    def recover(
        self,
        draws: Draws,
        coefficients: NDArray[np.float64] | None,
        w: NDArray[np.float64],
        sds: Effects,
        effects: Effects,
    ) -> None:
        """Add each member's sd and its levels' effects, shape (chain, draw, level)."""
        r = w[..., : self.width].copy()
        if self.centring is not None:
            r[..., : len(self.centring.B)] -= self.centring.centres(coefficients, w)
        for number, (member, positions) in enumerate(
            zip(self.members, self.positions, strict=True)
        ):
            sds[member] = draws[self.sd.name][..., number]
            effects[member] = r[..., positions]


def _scale_start(
    sd: StanParameter, cholesky: StanParameter | None, found: BlockPilot
) -> dict[str, StartValue]:
    """Return the start of a block's standard deviations and correlations."""
    spread = np.array([_sd_variance(column) for column in found.shrinkage.T])
    free = sd.free_positions
    values = {sd.name: StartValue(found.sd[free], spread[free])}
    if cholesky is not None:
        size = len(found.sd)
        correlation = found.covariance / np.outer(found.sd, found.sd)
        factor = np.asarray(np.linalg.cholesky(correlation), dtype=np.float64)
        # A correlation is known about twice as well as the logs of its standard deviations.
        pairs = [spread[i] + spread[j] for i in range(size) for j in range(i)]
        values[cholesky.name] = StartValue(factor, np.array(pairs))
    return values


def _sd_variance(shrinkage: NDArray[np.float64]) -> float:
    """Return the approximate posterior variance of the log of a standard deviation."""
    return float(1.0 / max(2.0 * np.square(shrinkage).sum(), 1.0))


def stack_positions(
    centred: Sequence[NDArray[np.bool_]], size: int
) -> tuple[NDArray[np.intp], ...]:
    """Return where levels stand if the centred ones of all come before the others.

    Parameters
    ----------
    centred : sequence of ndarray of bool, shape (levels,)
        Which levels of each member are centred.
    size : int
        Number of places that a level takes.

    Returns
    -------
    tuple of ndarray of int, shape (levels,)
        The first place of each level.
    """
    flags = np.concatenate(centred)
    order = np.argsort(~flags, kind="stable")
    places = np.empty(len(flags), dtype=np.intp)
    places[order] = np.arange(len(flags)) * size
    return tuple(np.split(places, np.cumsum([len(part) for part in centred])[:-1]))


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
    """A block of correlated group-level coefficients.

    Its coordinates stand level after level, centred levels first.

    Attributes
    ----------
    block : int
        Which block of the design.
    sd, cholesky, z : StanParameter
        Standard deviations, Cholesky factor of the correlations, standardised effects of levels
        that are not centred.
    u : StanParameter or None
        Hierarchical means of the centred levels, of the first `lead` coefficients.
    v : StanParameter or None
        Standardised rest of their other coefficients' effects, if there are any.
    uses : tuple of BlockUse
        The predictors that it enters.
    size, lead : int
        Number of coefficients, and of those whose centred levels are.
    centred : ndarray of bool, shape (levels,)
        Which levels are centred.
    centring : CentredLevels or None
        Their map.
    """

    template: ClassVar[str] = "correlated"
    group: str
    block: int
    sd: StanParameter
    cholesky: StanParameter
    z: StanParameter
    u: StanParameter | None
    v: StanParameter | None
    uses: tuple[BlockUse, ...]
    size: int
    lead: int
    centred: NDArray[np.bool_]
    centring: CentredLevels | None = None

    @property
    def parameters(self) -> tuple[StanParameter, ...]:
        """Standard deviations, Cholesky factor of the correlations, coordinates."""
        coordinates = (p for p in (self.u, self.v, self.z) if p is not None)
        return (self.sd, self.cholesky, *coordinates)

    @property
    def shared(self) -> bool:
        """Whether the block enters several predictors."""
        return len(self.uses) > 1

    @property
    def levels(self) -> int:
        """Number of levels."""
        return len(self.centred)

    def span(self, use: BlockUse) -> str:
        """Return the name of the data that say which coefficients enter a predictor."""
        return f"span{self.suffix}{use.suffix or '_mu'}"

    @property
    def data(self) -> dict[str, Any]:
        """Sizes, and for shared blocks the coefficients of each predictor."""
        s = self.suffix
        data: dict[str, Any] = {f"M{s}": self.size, f"G{s}": int((~self.centred).sum())}
        if self.centring is not None:
            data |= self.centring.data | {f"n_centred{s}": int(self.centred.sum())}
        if self.v is not None:
            data[f"n_lead{s}"] = self.lead
        if self.shared:
            data |= {self.span(use): [use.first, use.last] for use in self.uses}
        return data

    @property
    def positions(self) -> NDArray[np.intp]:
        """Where each level starts in the vector of coordinates of a block in one predictor."""
        return stack_positions([self.centred], self.size)[0]

    @property
    def centred_places(self) -> NDArray[np.intp]:
        """Where the hierarchical means stand in the vector of coordinates."""
        levels = np.arange(int(self.centred.sum()))
        return (levels[:, None] * self.size + np.arange(self.lead)).ravel()

    def stacked(self, predictor: str) -> str:
        """Stan text of the vector of coordinates that enter `predictor`, level after level."""
        s = self.suffix
        if self.u is not None:
            own = self.u.name if self.v is None else f"w{s}"
            return f"append_row(to_vector({own}), to_vector(r{s}))"
        if not self.shared:
            return f"to_vector(r{s})"
        use = next(use for use in self.uses if use.predictor == predictor)
        span = self.span(use)
        return f"to_vector(r{s}[{span}[1]:{span}[2]])"

    def modes(self, pilot: Pilot, predictor: str) -> NDArray[np.float64]:
        """Return the effects of the pilot fit in the places of their coordinates."""
        use = next(use for use in self.uses if use.predictor == predictor)
        effects = pilot.blocks[self.block].effects[:, use.first - 1 : use.last]
        ordered = np.empty_like(effects)
        ordered[stack_positions([self.centred], 1)[0]] = effects
        return ordered.ravel()

    def start(self, pilot: Pilot, w: NDArray[np.float64]) -> dict[str, StartValue]:
        """Return standard deviations, correlations and coordinates of the pilot fit.

        Parameters
        ----------
        pilot : Pilot
            The pilot fit.
        w : ndarray, shape (levels * coefs,)
            The block's coordinates, where centred levels have their means.
        """
        found = pilot.blocks[self.block]
        count = int(self.centred.sum())
        order = np.argsort(stack_positions([self.centred], 1)[0])
        values = _scale_start(self.sd, self.cholesky, found)
        root = np.linalg.cholesky(found.covariance)
        inner = np.linalg.inv(np.eye(self.size) + root.T @ found.information @ root)
        own = np.asarray(np.linalg.solve(root, found.effects[order].T), dtype=float)
        spread = np.einsum("gmm->gm", inner)[order]
        values[self.z.name] = StartValue(own[:, count:], spread[count:].ravel())
        if self.v is not None:
            lead = self.lead
            values[self.v.name] = StartValue(own[lead:, :count], spread[:count, lead:].ravel())
        if self.u is not None:
            left = np.einsum("gmm->gm", root @ inner @ root.T)[order][:count]
            means = w[: count * self.size].reshape(count, self.size)[:, : self.lead]
            values[self.u.name] = StartValue(means.T, left[:, : self.lead].ravel())
        return values

    def stack(
        self, draws: Draws, predictor: str, coefficients: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """Return the coordinates that enter `predictor`, shape (chain, draw, levels * coefs).

        Parameters
        ----------
        draws : mapping of str to ndarray
            What the sampler drew.
        predictor : str
            The predictor.
        coefficients : ndarray, shape (chain, draw, coefficients), or None
            Those of the predictor, as the program has them.
        """
        use = next(use for use in self.uses if use.predictor == predictor)
        r = self._scale(draws) @ draws[self.z.name]
        if self.u is not None:
            r = np.concatenate([self._centred_part(draws, coefficients), r], axis=-1)
        matrix = r[..., use.first - 1 : use.last, :]
        return np.swapaxes(matrix, -1, -2).reshape(*matrix.shape[:2], -1)

    def _scale(self, draws: Draws) -> NDArray[np.float64]:
        return np.asarray(draws[self.sd.name][..., None] * draws[self.cholesky.name])

    def _centred_part(
        self, draws: Draws, coefficients: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """Return the coordinates of the centred levels, shape (chain, draw, coef, centred)."""
        assert self.u is not None, "asked for only where levels are centred"
        u = draws[self.u.name]
        if self.v is None or self.centring is None:
            return u
        scale, lead = self._scale(draws), self.lead
        first = u - self._by_level(self.centring.centres(coefficients, np.empty((*u.shape[:2], 0))))
        z = np.linalg.solve(scale[..., :lead, :lead], first)
        rest = (scale @ np.concatenate([z, draws[self.v.name]], axis=-2))[..., lead:, :]
        return np.concatenate([u, rest], axis=-2)

    def _by_level(self, centres: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return centres, which stand level after level, as (chain, draw, coef, centred)."""
        return np.swapaxes(centres.reshape(*centres.shape[:2], -1, self.lead), -1, -2)

    def recover(
        self,
        draws: Draws,
        coefficients: NDArray[np.float64] | None,
        w: NDArray[np.float64],
        sds: Effects,
        effects: Effects,
    ) -> None:
        """Add each coefficient's sd and its levels' effects, shape (chain, draw, level)."""
        r = self._scale(draws) @ draws[self.z.name]
        if self.centring is not None:
            own = np.array(self._centred_part(draws, coefficients))
            own[..., : self.lead, :] -= self._by_level(self.centring.centres(coefficients, w))
            r = np.concatenate([own, r], axis=-1)
        order = stack_positions([self.centred], 1)[0]
        for position in range(self.size):
            sds[self.block, position] = draws[self.sd.name][..., position]
            effects[self.block, position] = r[..., position, :][..., order]


@dataclass(frozen=True)
class GroupEffects(Term):
    """The product of the sparse group-level model matrix of one predictor and its coordinates."""

    template: ClassVar[str] = "group_effects"
    Z: CompressedRows
    pieces: tuple[str, ...]
    named: bool = False
    integrated: bool = False

    @property
    def whole(self) -> str:
        """Stan text of the vector of coordinates."""
        return _append(self.pieces)

    @property
    def stacked(self) -> str:
        """Stan text of the vector of coordinates, by its name if it has one."""
        return f"w{self.suffix}" if self.named else self.whole

    @property
    def data(self) -> dict[str, Any]:
        """The sparse matrix, one-based; nothing if the program sees it in statistics alone."""
        s = self.suffix
        data: dict[str, Any] = {}
        if self.named or not self.integrated:
            data[f"Q{s}"] = self.Z.shape[1]
        if self.integrated:
            return data
        return data | {
            f"Zn{s}": len(self.Z.values),
            f"Zw{s}": self.Z.values,
            f"Zv{s}": self.Z.columns + 1,
            f"Zu{s}": self.Z.starts + 1,
        }

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The sparse matrix, whose rows stand one after the other, and the coordinates."""
        s = self.suffix
        elements = f"[Zu{s}[start]:(Zu{s}[end + 1] - 1)]"
        return (
            shared(f"Q{s}", "int"),
            Input(f"Zw{s}", "data vector", f"Zw{s}{elements}"),
            Input(f"Zv{s}", "array[] int", f"Zv{s}{elements}"),
            Input(f"Zu{s}", "array[] int", f"row_starts(Zu{s}, start, end)"),
            shared(f"w{s}", "vector"),
        )

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

    def start(self, pilot: Pilot) -> dict[str, StartValue]:
        """Return standard deviations and correlations of the pilot fit."""
        return _scale_start(self.sd, self.cholesky, pilot.blocks[self.block])

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
