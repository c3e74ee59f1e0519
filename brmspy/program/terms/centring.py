"""Levels whose coordinate is their hierarchical mean, and where coordinates stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from brmspy.pilot import BlockPilot, block_diagonal
from brmspy.program.parameters import StanParameter
from brmspy.program.sparse import CompressedRows, compressed_rows
from brmspy.program.start import StartValue

__all__ = [
    "CentredLevels",
    "WithinLevels",
    "scale_start",
    "sd_variance",
    "stack_positions",
    "within_levels",
]

_MANY_LEVELS = 100  # from which on the covariance of a factor's effects is known well


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
            data |= self.E.stan_data("E", s)
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
            total += self.E.times(w)[..., :-1]
        return total


@dataclass(frozen=True)
class WithinLevels:
    """Coordinates in which the hierarchical means of each level are near independent.

    Each mean is its coordinate plus what the coordinates before it in the level say about it, so
    that the determinant of the map is one.

    Attributes
    ----------
    suffix : str
        What the data's names end in.
    C : CompressedRows
        From coordinates to means, both level after level; unit lower triangular.
    variances : ndarray, shape (means,)
        Approximate posterior variances of the coordinates.
    """

    suffix: str
    C: CompressedRows
    variances: NDArray[np.float64]

    @property
    def data(self) -> dict[str, Any]:
        """The map, one-based."""
        return self.C.stan_data("C", self.suffix)

    def means(self, coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the means of coordinates, both of shape (chain, draw, means)."""
        return self.C.times(coordinates)

    def coordinates(self, means: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the coordinates of means, both of shape (means,)."""
        if not len(means):
            return means
        return np.asarray(sparse.linalg.spsolve_triangular(self.C.matrix.tocsr(), means))


def within_levels(
    suffix: str, found: BlockPilot, levels: NDArray[np.intp], lead: int
) -> WithinLevels:
    """Return the coordinates of levels, from the covariance of their effects in the pilot fit.

    With few levels the effects' own covariance is uncertain, and centred coordinates have a funnel
    where it is nearly singular: longer steps would end there. The means themselves are then the
    coordinates.

    Parameters
    ----------
    suffix : str
        What the data's names end in.
    found : BlockPilot
        The pilot fit of the block.
    levels : ndarray of int, shape (centred,)
        The levels.
    lead : int
        Number of coefficients, the first ones.
    """
    covariances = found.posterior[levels, :lead, :lead]
    if len(found.effects) < _MANY_LEVELS:
        covariances = covariances * np.eye(lead)
    roots = np.linalg.cholesky(covariances)
    scales = np.einsum("gmm->gm", roots)
    C = block_diagonal(np.asarray(roots / scales[:, None, :]))
    return WithinLevels(suffix, compressed_rows(C), np.square(scales).ravel())


def scale_start(
    sd: StanParameter,
    choleskys: Sequence[StanParameter | None],
    found: Sequence[BlockPilot],
) -> dict[str, StartValue]:
    """Return the start of the standard deviations and correlations of blocks.

    Parameters
    ----------
    sd : StanParameter
        The standard deviations of all blocks, one block after the other.
    choleskys : sequence of StanParameter or None
        The Cholesky factor of each block's correlations, if it has any.
    found : sequence of BlockPilot
        The pilot fit of each block.

    Returns
    -------
    dict of str to StartValue
    """
    spreads = [np.array([sd_variance(column) for column in block.shrinkage.T]) for block in found]
    free = sd.free_positions
    sds, spread = np.concatenate([block.sd for block in found]), np.concatenate(spreads)
    values = {sd.name: StartValue(sds[free], spread[free])}
    for cholesky, block, own in zip(choleskys, found, spreads, strict=True):
        if cholesky is None:
            continue
        correlation = block.covariance / np.outer(block.sd, block.sd)
        factor = np.asarray(np.linalg.cholesky(correlation), dtype=np.float64)
        # A correlation is known about twice as well as the logs of its standard deviations.
        pairs = [own[i] + own[j] for i in range(len(own)) for j in range(i)]
        values[cholesky.name] = StartValue(factor, np.array(pairs))
    return values


def sd_variance(shrinkage: NDArray[np.float64]) -> float:
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
