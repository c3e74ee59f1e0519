"""The parameters of a named curve in data: of all rows together, and of each group."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.errors import DataError
from brmspy.formula import (
    INPUT,
    LOG_RATE,
    NUMBER,
    RATE,
    RESPONSE,
    WIDTH,
    Curve,
    curve_body,
)
from brmspy.nonlinear import evaluate
from brmspy.selfstart.general import random_guesses
from brmspy.selfstart.leastsquares import LeastSquares, least_squares
from brmspy.selfstart.projection import FloatArray
from brmspy.selfstart.records import Inputs, SelfStart, Values
from brmspy.selfstart.registry import self_start

__all__ = ["CurveEstimate", "GroupEstimates", "Grouping", "estimate_curve", "span_of"]

_GROUPS = 60  # more groups say nothing more about their spread
_ROWS = 20_000
_WILD = 5.0  # ranges of the data beyond which an estimate is nothing but extrapolation
_LOOSE = 0.05  # how strongly a group's estimate is held near that of all rows


@dataclass(frozen=True)
class Grouping:
    """A grouping factor of some of a curve's parameters.

    Attributes
    ----------
    name : str
        The factor.
    index : ndarray of int, shape (nobs,)
        Level of each row.
    labels : tuple of str
        The levels.
    varying : tuple of str
        The parameters that differ between levels.
    """

    name: str
    index: NDArray[np.intp]
    labels: tuple[str, ...]
    varying: tuple[str, ...]


@dataclass(frozen=True)
class GroupEstimates:
    """Estimates of the parameters that vary, for each group with enough rows.

    Attributes
    ----------
    labels : tuple of str
        The groups.
    values : mapping of str to ndarray, shape (groups,)
        Estimates of the parameters that vary.
    errors : mapping of str to ndarray, shape (groups,)
        Their standard errors.
    residual_sd : float
        Standard deviation of the rows around the curves of their groups; infinite without any.
    """

    labels: tuple[str, ...]
    values: Mapping[str, FloatArray]
    errors: Mapping[str, FloatArray]
    residual_sd: float


@dataclass(frozen=True)
class CurveEstimate:
    """What the data say about a curve's parameters.

    Attributes
    ----------
    curve : str
        The curve.
    values, errors : mapping of str to float
        Estimates from all rows together, with standard errors that take rows for independent, and
        for as far from the curve as they are from those of their groups.
    residual_sd : float
        Standard deviation of the rows around that curve, or those of their groups.
    shifts : mapping of str to float
        How far each parameter alone must move to move the curve by one `residual_sd`.
    groups : mapping of str to GroupEstimates
        By grouping factor.
    unsure : tuple of str
        Parameters that the data leave open: their estimates lie far beyond the data, and were
        replaced by values near them.
    """

    curve: str
    values: Mapping[str, float]
    errors: Mapping[str, float]
    residual_sd: float
    shifts: Mapping[str, float]
    groups: Mapping[str, GroupEstimates] = field(default_factory=dict)
    unsure: tuple[str, ...] = ()


def estimate_curve(
    curve: Curve,
    inputs: Inputs,
    y: FloatArray,
    *,
    fixed: Values | None = None,
    weights: FloatArray | None = None,
    groupings: Sequence[Grouping] = (),
) -> CurveEstimate:
    """Find a curve's parameters in data, without starting values.

    Parameters
    ----------
    curve : Curve
        The curve.
    inputs : mapping of str to ndarray, shape (nobs,)
        Its inputs.
    y : ndarray, shape (nobs,)
        The response.
    fixed : mapping of str to float, optional
        Parameters that are known.
    weights : ndarray, shape (nobs,), optional
        How much each row counts.
    groupings : sequence of Grouping
        Grouping factors whose levels are looked at one by one: the parameters that vary are
        estimated from the level's rows, given the others.

    Returns
    -------
    CurveEstimate

    Raises
    ------
    DataError
        If the data cannot say what the curve is: a constant response, too few rows, or too few
        different values of the inputs.

    References
    ----------
    Pinheiro, J. C. and Bates, D. M. (2000). Mixed-Effects Models in S and S-PLUS, chapter 8.
    Springer.

    Examples
    --------
    >>> import numpy as np
    >>> from brmspy.formula import CURVES
    >>> from brmspy.selfstart import estimate_curve
    >>> x = np.array([0.5, 1.0, 2.0, 4.0])
    >>> found = estimate_curve(CURVES["SSmicmen"], {"input": x}, 3.0 * x / (2.0 + x))
    >>> [float(round(value, 6)) for value in found.values.values()]
    [3.0, 2.0]
    """
    problem = _Problem.of(curve, inputs, y, fixed or {}, weights)
    problem.check()
    best, unsure = problem.solve(self_start(curve.name))
    names = problem.free
    groups = {
        grouping.name: problem.by_group(best, grouping)
        for grouping in groupings
        if grouping.varying
    }
    noise = min([best.residual_sd, *(group.residual_sd for group in groups.values())])
    share = noise / best.residual_sd if best.residual_sd > 0.0 else 1.0
    return CurveEstimate(
        curve.name,
        dict(zip(names, map(float, best.values), strict=True)),
        dict(zip(names, map(float, share * best.errors), strict=True)),
        noise,
        dict(zip(names, map(float, share * best.shifts), strict=True)),
        groups,
        unsure,
    )


def span_of(unit: str, inputs: Inputs, y: FloatArray, value: float) -> float:
    """Return how widely a parameter of some unit could differ from what is expected.

    Parameters
    ----------
    unit : str
        The unit.
    inputs : mapping of str to ndarray
        The inputs, of which the last is taken.
    y : ndarray
        The response.
    value : float
        The parameter's estimate.

    Returns
    -------
    float
        The range of the response or of the input; 1 on a logarithmic scale, which is a factor of
        2.7; else the size of the value itself.
    """
    x = inputs[list(inputs)[-1]]
    if unit == RESPONSE:
        return float(np.ptp(y))
    if unit in (INPUT, WIDTH):
        return float(np.ptp(x))
    if unit.startswith("log of"):
        return 1.0
    if unit == RATE:
        return max(abs(value), 1.0 / float(np.ptp(x)))
    if unit == NUMBER:
        return max(abs(value), 0.1)
    return abs(value) if value != 0.0 else 1.0


@dataclass(frozen=True)
class _Problem:
    """A curve and the rows that it is to go through."""

    curve: Curve
    inputs: Inputs
    y: FloatArray
    fixed: Values
    weights: FloatArray | None

    @classmethod
    def of(
        cls, curve: Curve, inputs: Inputs, y: FloatArray, fixed: Values, weights: FloatArray | None
    ) -> _Problem:
        """Leave out the rows that say nothing."""
        arrays = {name: np.asarray(inputs[name], dtype=float) for name in curve.inputs}
        used = np.isfinite(y) & np.all([np.isfinite(x) for x in arrays.values()], axis=0)
        if weights is not None:
            used &= weights > 0.0
        rows = np.flatnonzero(used)
        return cls(curve, arrays, np.asarray(y, dtype=float), fixed, weights).part(rows)

    def part(self, rows: NDArray[np.intp]) -> _Problem:
        """Return the problem for some of the rows."""
        return _Problem(
            self.curve,
            {name: x[rows] for name, x in self.inputs.items()},
            self.y[rows],
            self.fixed,
            None if self.weights is None else self.weights[rows],
        )

    @property
    def free(self) -> tuple[str, ...]:
        """The parameters that are not known."""
        return tuple(name for name in self.curve.parameters if name not in self.fixed)

    @property
    def points(self) -> int:
        """Number of different rows of the inputs."""
        return len(np.unique(np.column_stack(list(self.inputs.values())), axis=0))

    def check(self) -> None:
        """Refuse data that cannot say what the curve is."""
        name, count = self.curve.name, len(self.free)
        if len(self.y) < count:
            raise DataError(
                f"{name}() has {count} parameters to estimate, but the data have "
                f"{_counted(len(self.y), 'row')} for it."
            )
        if np.ptp(self.y) <= 1e-12 * np.abs(self.y).max():
            raise DataError(
                f"The response is {self.y[0]:g} in all rows: it has no curve for {name}() to "
                "follow. Check the column."
            )
        if self.points < count:
            shown = " and ".join(self.inputs)
            raise DataError(
                f"{name}() has {count} parameters to estimate, but its {shown} "
                f"{'has' if len(self.inputs) == 1 else 'have'} only "
                f"{_counted(self.points, 'different value')}. At least {count} are needed."
            )

    def function(self, free: Sequence[str], others: Values) -> Callable[[FloatArray], FloatArray]:
        """Return the curve at the rows as a function of some of its parameters."""
        body = curve_body(self.curve)
        known: dict[str, Any] = {**self.inputs, **self.fixed, **others}
        shape = self.y.shape

        def value(theta: FloatArray) -> FloatArray:
            return np.broadcast_to(
                evaluate(body, {**known, **dict(zip(free, theta, strict=True))}), shape
            )

        return value

    def bounds(self, names: Sequence[str]) -> tuple[list[float], list[float]]:
        """Return lower and upper bounds."""
        limits = [self.curve.limits(name) for name in names]
        return [low for low, _ in limits], [high for _, high in limits]

    def improved(self, start: Values, free: Sequence[str]) -> LeastSquares | None:
        """Return the curve of least squares near a starting point."""
        others = {name: value for name, value in start.items() if name not in free}
        lower, upper = self.bounds(free)
        point = [start[name] for name in free]
        if not np.all(np.isfinite(point)):
            return None
        return least_squares(
            self.function(free, others),
            self.y,
            point,
            lower=lower,
            upper=upper,
            weights=self.weights,
        )

    def solve(self, start: SelfStart | None) -> tuple[LeastSquares, tuple[str, ...]]:
        """Return the best curve, and the parameters that the data leave open."""
        whole = self
        if len(self.y) > _ROWS:
            whole = self.part(np.linspace(0, len(self.y) - 1, _ROWS).round().astype(np.intp))
        guesses = whole.guesses(start)
        found = [fit for guess in guesses if (fit := whole.improved(guess, self.free)) is not None]
        found = [fit for fit in found if np.all(np.isfinite(fit.values))]
        if not found:
            raise DataError(
                f"{self.curve.name}() does not come near these data, whatever its parameters are: "
                f"{_shape(self)}. Check the response and the order of the arguments, "
                f"{self.curve.usage}."
            )
        best = min(found, key=lambda fit: fit.loss)
        tame = [fit for fit in found if not whole.wild(fit.values)]
        # What lies far beyond the data is not preferred for a trifle.
        near = min(tame, key=lambda fit: fit.loss) if tame else None
        if near is not None and near.loss <= best.loss * 1.0001 + 1e-18 * float(self.y @ self.y):
            best = near
        open_ = whole.wild(best.values)
        if open_:
            best = near if near is not None else whole.held(best)
        values = dict(zip(self.free, map(float, best.values), strict=True))
        if start is not None and not self.fixed:
            ordered = start.ordered(values)
            if ordered != values:
                again = whole.improved(ordered, self.free)
                best = again if again is not None else best
        return best, open_

    def guesses(self, start: SelfStart | None) -> list[Values]:
        """Return points to start from."""
        found: list[Values] = []
        if start is not None:
            with np.errstate(all="ignore"):
                found = [dict(guess) for guess in start.guesses(self.inputs, self.y)]
            for guess in found:
                self._check_guess(guess)
        if not found:
            free = self.free
            found = list(
                random_guesses(
                    self.function(free, {}),
                    free,
                    self.y,
                    inputs=self.inputs,
                    units=self.curve.units,
                    bounds=self.curve.bounds,
                )
            )
        return [{name: guess[name] for name in self.free} for guess in found]

    def _check_guess(self, guess: Values) -> None:
        """Refuse what a user's self-start returns, if it lacks a parameter."""
        missing = [name for name in self.curve.parameters if name not in guess]
        if missing:
            raise DataError(
                f"The self-start of {self.curve.name}() returns no value of "
                f"{', '.join(missing)}: it must return all of "
                f"{', '.join(self.curve.parameters)}."
            )

    def wild(self, theta: FloatArray) -> tuple[str, ...]:
        """Return the parameters whose values lie far beyond the data."""
        x = self.inputs[list(self.inputs)[-1]]
        far = []
        for name, value in zip(self.free, theta, strict=True):
            unit = self.curve.units.get(name, "")
            if unit == RESPONSE:
                # Where the input is far from zero, so may be the response at zero.
                room = _WILD * np.ptp(self.y) * max(1.0, np.abs(x).max() / np.ptp(x))
                apart = abs(value - np.clip(value, self.y.min(), self.y.max()))
            elif unit == INPUT:
                room, apart = _WILD * np.ptp(x), abs(value - np.clip(value, x.min(), x.max()))
            elif unit == WIDTH:
                room, apart = _WILD * np.ptp(x), abs(value)
            elif unit == LOG_RATE:
                room, apart = np.log(200.0), abs(value + np.log(np.ptp(x)))
            else:
                continue
            if apart > room:
                far.append(name)
        return tuple(far)

    def held(self, best: LeastSquares) -> LeastSquares:
        """Return the best curve among those near the data, with what it leaves open."""
        values = dict(zip(self.free, map(float, best.values), strict=True))
        x = self.inputs[list(self.inputs)[-1]]
        for name in self.wild(best.values):
            unit = self.curve.units.get(name, "")
            if unit == RESPONSE:
                middle, reach = float(np.mean(self.y)), 2.0 * float(np.ptp(self.y))
            elif unit == INPUT:
                middle, reach = float(np.mean(x)), 1.5 * float(np.ptp(x))
            elif unit == WIDTH:
                middle, reach = 0.0, float(np.ptp(x))
            else:
                middle, reach = -float(np.log(np.ptp(x))), 3.0
            values[name] = middle + float(np.clip(values[name] - middle, -reach, reach))
        rest = tuple(name for name in self.free if name not in self.wild(best.values))
        found = self.improved(values, rest) if rest else None
        if found is not None:
            values |= dict(zip(rest, map(float, found.values), strict=True))
        theta = np.array([values[name] for name in self.free])
        with np.errstate(all="ignore"):
            left = self.function(self.free, {})(theta) - self.y
        loss = float(left @ left) if np.all(np.isfinite(left)) else best.loss
        sd = float(np.sqrt(loss / max(len(self.y) - len(theta), 1)))
        infinite = np.full(len(theta), np.inf)
        return LeastSquares(theta, infinite, sd, infinite, loss, converged=False)

    def by_group(self, best: LeastSquares, grouping: Grouping) -> GroupEstimates:
        """Estimate what varies from the rows of each level, given the rest."""
        centre = dict(zip(self.free, map(float, best.values), strict=True))
        varying = [name for name in self.free if name in grouping.varying]
        levels = np.unique(grouping.index)
        if len(levels) > _GROUPS:
            levels = levels[np.linspace(0, len(levels) - 1, _GROUPS).round().astype(np.intp)]
        labels: list[str] = []
        rows: list[LeastSquares] = []
        loss, spare = 0.0, 0
        for level in levels if varying else ():
            part = self.part(np.flatnonzero(grouping.index == level))
            if part.points <= len(varying):
                continue
            found = part.near(centre, varying, best.residual_sd)
            if found is not None and np.all(np.isfinite(found.values)):
                labels.append(grouping.labels[level])
                rows.append(found)
                loss += found.loss
                spare += len(part.y) - len(varying)
        return GroupEstimates(
            tuple(labels),
            {name: np.array([r.values[i] for r in rows]) for i, name in enumerate(varying)},
            {name: np.array([r.errors[i] for r in rows]) for i, name in enumerate(varying)},
            float(np.sqrt(loss / spare)) if spare > 0 else np.inf,
        )

    def near(self, centre: Values, varying: Sequence[str], noise: float) -> LeastSquares | None:
        """Return a group's curve, held loosely near that of all rows.

        Without any hold a group whose rows say little about a parameter runs off with it.
        """
        others = {name: value for name, value in centre.items() if name not in varying}
        inner = self.function(varying, others)
        at = np.array([centre[name] for name in varying])
        room = np.array(
            [
                span_of(self.curve.units.get(name, ""), self.inputs, self.y, centre[name])
                for name in varying
            ]
        )
        room = np.where(room > 0.0, room, 1.0)
        strength = _LOOSE * noise

        def curve(theta: FloatArray) -> FloatArray:
            return np.concatenate([inner(theta), strength * (theta - at) / room])

        lower, upper = self.bounds(varying)
        weights = None
        if self.weights is not None:
            weights = np.concatenate([self.weights, np.ones(len(varying))])
        y = np.concatenate([self.y, np.zeros(len(varying))])
        return least_squares(curve, y, at, lower=lower, upper=upper, weights=weights, steps=60)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _shape(problem: _Problem) -> str:
    """Return the ranges of the data in words."""
    parts = [f"the response goes from {problem.y.min():.4g} to {problem.y.max():.4g}"]
    parts += [f"{name} from {x.min():.4g} to {x.max():.4g}" for name, x in problem.inputs.items()]
    return ", ".join(parts)
