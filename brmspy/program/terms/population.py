"""Population-level effects of one linear predictor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from brmspy.pilot import Pilot
from brmspy.program.inputs import Input, by_row, shared
from brmspy.program.parameters import StanParameter
from brmspy.program.start import StartValue, free_start
from brmspy.program.terms.base import Draws, Term

__all__ = ["Population", "is_constant"]


def is_constant(X: NDArray[np.float64]) -> bool:
    """Whether the only column is that of an intercept."""
    return X.shape[1] == 1 and bool(np.all(X == 1.0))


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
