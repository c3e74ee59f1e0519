"""Non-linear mixed models of a normal response by Lindstrom's and Bates' algorithm.

Two steps alternate until nothing moves: for given covariances, penalised non-linear least squares
finds coefficients and effects; the curve is then replaced by its tangent there, and the covariances
are those of the linear mixed model that this makes.

References
----------
Lindstrom, M. J. and Bates, D. M. (1990). Nonlinear mixed effects models for repeated measures data.
Biometrics, 46(3). https://doi.org/10.2307/2532087
Pinheiro, J. C. and Bates, D. M. (2000). Mixed-Effects Models in S and S-PLUS, chapter 7. Springer.
https://doi.org/10.1007/b98882
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brmspy.errors import BrmspyError
from brmspy.twin.checks import checked_columns, checked_rows, sentences
from brmspy.twin.effects import Effects, column_sizes
from brmspy.twin.estimate import EffectBlock, MixedEstimate
from brmspy.twin.mixed import LinearModel
from brmspy.twin.optimum import descend

__all__ = ["nonlinear_mixed"]

FloatArray = NDArray[np.float64]
Curve = Callable[[FloatArray], ArrayLike]

_STEP = 1e-3  # of five-point differences, relative to the size of a parameter
_SHIFTS = np.array([-2.0, -1.0, 1.0, 2.0])
_FIRST = np.array([1.0, -8.0, 8.0, -1.0]) / 12.0
_ALTERNATIONS = 100
_ITERATIONS = 200
_HALVINGS = 30
_SETTLED = 1e-12  # expected relative decrease of the sum of squares at which its search ends
_STARTS = (1.0, 10.0)  # sizes of the effects, relative to the residual sd
_LEAST = 0.1  # the same, from where each search for covariances begins
_STILL = 1e-6  # change of the deviance, and of spreads, at which the alternation ends


@dataclass(frozen=True)
class _State:
    """Covariances, coefficients and spherical effects."""

    theta: FloatArray
    beta: FloatArray
    u: FloatArray


@dataclass(frozen=True)
class _End:
    """Where the alternation ended, with the deviance there, and why it may be no end."""

    state: _State
    deviance: float
    trouble: str


@dataclass(frozen=True)
class _Model:
    """Data of a non-linear mixed model."""

    y: FloatArray
    weights: FloatArray
    designs: tuple[FloatArray, ...]
    offsets: tuple[FloatArray, ...]
    effects: Effects
    curve: Curve
    jacobian: Curve | None
    replicates: bool
    reml: bool

    @property
    def total(self) -> float:
        """Number of responses."""
        return float(self.weights.sum()) if self.replicates else float(len(self.y))

    def parameters(self, state: _State) -> FloatArray:
        """Return the curve's parameters in each row, shape (nobs, P)."""
        ends = np.cumsum([design.shape[1] for design in self.designs])
        parts = np.split(state.beta, ends[:-1])
        values = np.column_stack(
            [X @ b + o for X, b, o in zip(self.designs, parts, self.offsets, strict=True)]
        )
        effects = self.effects.spread_out(self.effects.factors(state.theta), state.u)
        for block, b in zip(self.effects.blocks, effects, strict=True):
            for column, predictor in enumerate(block.predictors):
                values[:, predictor] += block.Z[:, column] * b[block.index, column]
        return values

    def mean(self, parameters: FloatArray) -> FloatArray:
        """Return the curve, NaN where it is not defined."""
        with np.errstate(all="ignore"):
            values = np.asarray(self.curve(parameters), dtype=float)
        return np.broadcast_to(values, self.y.shape)

    def slopes(self, parameters: FloatArray) -> FloatArray:
        """Return the curve's derivatives in its parameters, shape (nobs, P)."""
        if self.jacobian is not None:
            with np.errstate(all="ignore"):
                return np.asarray(self.jacobian(parameters), dtype=float)
        slopes = np.empty(parameters.shape)
        for p, values in enumerate(parameters.T):
            typical = np.abs(values).mean() or 1.0
            steps = _STEP * np.maximum(np.abs(values), typical)
            slopes[:, p] = 0.0
            for shift, factor in zip(_SHIFTS, _FIRST, strict=True):
                moved = parameters.copy()
                moved[:, p] += shift * steps
                slopes[:, p] += factor * self.mean(moved) / steps
        return slopes

    def squares(self, state: _State) -> float:
        """Return the penalised sum of squares, infinite where the curve is not defined."""
        residuals = self.y - self.mean(self.parameters(state))
        value = float((self.weights * np.square(residuals)).sum() + state.u @ state.u)
        return value if np.isfinite(value) else np.inf

    def tangent(self, state: _State) -> LinearModel:
        """Return the linear mixed model that the curve is like around coefficients and effects."""
        parameters = self.parameters(state)
        slopes = self.slopes(parameters)
        if not np.isfinite(slopes).all():
            raise BrmspyError(
                "The curve has no finite derivatives at the parameters that the search arrived at "
                "(row " + str(int(np.flatnonzero(~np.isfinite(slopes).all(axis=1))[0])) + "). "
                "Start from other values, or choose a curve that is defined everywhere."
            )
        X = np.concatenate(
            [slopes[:, [p]] * design for p, design in enumerate(self.designs)], axis=1
        )
        blocks = tuple(
            replace(block, Z=block.Z * slopes[:, list(block.predictors)])
            for block in self.effects.blocks
        )
        effects = replace(self.effects, blocks=blocks)
        working = self.y - self.mean(parameters) + X @ state.beta
        if effects.size:
            working = working + effects.columns(effects.factors(state.theta)).times(state.u)
        log_weights = 0.0 if self.replicates else float(np.log(self.weights).sum())
        return LinearModel(working, X, effects, self.weights, self.total, log_weights, self.reml)

    def least_squares(self, state: _State) -> _State:
        """Return coefficients and effects of the least penalised sum of squares."""
        value = self.squares(state)
        for _ in range(_ITERATIONS):
            solution = self.tangent(state).profile(state.theta)
            direction = solution.beta - state.beta, solution.u - state.u
            for halving in range(_HALVINGS):
                size = 0.5**halving
                candidate = _State(
                    state.theta, state.beta + size * direction[0], state.u + size * direction[1]
                )
                new = self.squares(candidate)
                if new <= value:
                    break
            else:
                return state
            settled = value - new <= _SETTLED * value
            state, value = candidate, new
            if settled:
                return state
        return state

    def scaled(self, state: _State) -> _Model:
        """Return the model with covariances in units of what effects of one do to the curve."""
        blocks = self.tangent(state).effects.blocks
        sizes = tuple(column_sizes(block.Z) for block in blocks)
        return replace(self, effects=replace(self.effects, sizes=sizes))

    def best(self, begin: _State) -> _End:
        """Return the better of the ends that the alternation comes to from effects of two sizes."""
        sizes = _STARTS if self.effects.size else (0.0,)
        starts = [replace(begin, theta=size * self.effects.start) for size in sizes]
        return min((self.alternate(start) for start in starts), key=lambda end: end.deviance)

    def alternate(self, state: _State) -> _End:
        """Return where the alternation of the two steps ends."""
        state = self.least_squares(state)
        before = moved = np.inf
        for _ in range(_ALTERNATIONS):
            tangent = self.tangent(state)
            # Not from correlations, which may be caught at one, nor from zero, where it is level.
            near = np.maximum(state.theta, _LEAST) * self.effects.start
            theta, value = descend(tangent.deviance, [near], self.effects.lower)
            moved = float(np.abs(theta - state.theta).max(initial=0.0))
            state = self.least_squares(self._restart(tangent, theta, state))
            if abs(value - before) < _STILL and moved < _STILL * (
                1.0 + np.abs(theta).max(initial=0.0)
            ):
                return _End(state, value, "")
            before = value
        trouble = (
            f"after {_ALTERNATIONS} alternations the relative standard deviations still move by "
            f"{moved:.2g}"
        )
        return _End(state, before, trouble)

    def _restart(self, tangent: LinearModel, theta: FloatArray, state: _State) -> _State:
        """Return where least squares with other covariances may begin."""
        solution = tangent.profile(theta)
        tangential = _State(theta, solution.beta, solution.u)
        plain = _State(theta, state.beta, np.zeros_like(state.u))
        return tangential if np.isfinite(self.squares(tangential)) else plain


def nonlinear_mixed(
    y: ArrayLike,
    designs: Sequence[ArrayLike],
    blocks: Sequence[Any],
    curve: Curve,
    start: ArrayLike,
    *,
    jacobian: Curve | None = None,
    offsets: Sequence[ArrayLike | None] | None = None,
    weights: ArrayLike | None = None,
    replicates: bool = False,
    reml: bool = False,
) -> MixedEstimate:
    """Fit a non-linear mixed model of a normal response, as nlme does.

    Each parameter of the curve has a linear predictor, with group-level effects or without.

    Parameters
    ----------
    y : array_like, shape (nobs,)
        Response.
    designs : sequence of array_like, shape (nobs, k)
        Columns of the coefficients, for each parameter of the curve.
    blocks : sequence of EffectBlock
        Group-level effects; `predictors` says to which parameter each of their coefficients
        belongs. Effects of several parameters in one block are correlated.
    curve : callable
        From parameters, shape (nobs, P), to the mean of the response, shape (nobs,).
    start : array_like, shape (k of all parameters,)
        Coefficients to start from.
    jacobian : callable, optional
        From parameters to the derivatives of the mean in them, both of shape (nobs, P); by
        differences if not given.
    offsets : sequence of array_like or None, optional
        What is added to each linear predictor.
    weights : array_like, shape (nobs,), optional
        Weight of each row: the residual variance of a row is divided by it, as in nlme.
    replicates : bool
        Whether weights are instead numbers of rows that are alike, as in brms: a row's
        log-likelihood is multiplied by its weight.
    reml : bool
        Whether to maximise the restricted likelihood.

    Returns
    -------
    MixedEstimate
        The log-likelihood is that of the linear mixed model at the end. Standard errors are
        computed from it with the residual variance that has the number of coefficients taken
        off its degrees of freedom, as nlme's.

    Raises
    ------
    BrmspyError
        If arrays do not fit together, or the curve is not defined where the search begins.

    References
    ----------
    Lindstrom, M. J. and Bates, D. M. (1990). Nonlinear mixed effects models for repeated measures
    data. Biometrics, 46(3). https://doi.org/10.2307/2532087

    Examples
    --------
    >>> import numpy as np
    >>> from brmspy import load_dataset
    >>> from brmspy.twin import EffectBlock, nonlinear_mixed
    >>> trees = load_dataset("loblolly")
    >>> age, one = trees["age"].to_numpy(), np.ones((len(trees), 1))
    >>> seed = EffectBlock(one, trees["Seed"].astype("category").cat.codes, levels=14)
    >>> def curve(p):
    ...     Asym, R0, lrc = p.T
    ...     return Asym + (R0 - Asym) * np.exp(-np.exp(lrc) * age)
    >>> fit = nonlinear_mixed(trees["height"], [one, one, one], [seed], curve, [100, -8, -3])
    >>> fit.coefficients.round(2), round(fit.scale, 3)
    (array([101.45,  -8.63,  -3.23]), 0.719)
    """
    rows = checked_rows(y, None, weights, replicates=replicates)
    nobs = len(rows.y)
    columns = tuple(checked_columns(X, nobs) for X in designs)
    first = np.asarray(start, dtype=float)
    count = sum(X.shape[1] for X in columns)
    if first.shape != (count,) or not np.isfinite(first).all():
        raise BrmspyError(
            f"start must hold {count} finite numbers, one for each column of the designs, "
            f"but is {start!r}."
        )
    model = _Model(
        y=rows.y,
        weights=rows.weights,
        designs=columns,
        offsets=_checked_offsets(offsets, len(columns), nobs),
        effects=_checked_effects(blocks, len(columns), nobs),
        curve=curve,
        jacobian=jacobian,
        replicates=replicates,
        reml=reml,
    )
    if model.total <= count:
        raise BrmspyError(
            f"{nobs} rows do not determine {count} coefficients and a residual standard deviation."
        )
    begin = _State(np.zeros_like(model.effects.start), first, np.zeros(model.effects.size))
    if not np.isfinite(model.squares(begin)):
        raise BrmspyError(
            "The curve is not finite in all rows at the start: choose other starting values."
        )
    pooled = model.least_squares(begin)
    model = model.scaled(pooled)
    return _estimate(model, model.best(pooled))


def _estimate(model: _Model, end: _End) -> MixedEstimate:
    """Return the result where the alternation has ended."""
    tangent = model.tangent(end.state)
    linear = tangent.estimate(tangent.minimum(end.state.theta), "Lindstrom-Bates")
    n, k = model.total, len(linear.coefficients)
    scale = 1.0 if model.reml else n / (n - k)
    return replace(
        linear,
        covariance=scale * linear.covariance,
        fitted=model.mean(model.parameters(end.state)).copy(),
        converged=linear.converged and not end.trouble,
        message=sentences(end.trouble, linear.message),
    )


def _checked_offsets(
    offsets: Sequence[ArrayLike | None] | None, count: int, nobs: int
) -> tuple[FloatArray, ...]:
    """Return the offset of each parameter, zero where there is none."""
    given = [None] * count if offsets is None else list(offsets)
    if len(given) != count:
        raise BrmspyError(f"There are {count} parameters, but {len(given)} offsets.")
    return tuple(checked_rows(np.zeros(nobs), offset, None).offset for offset in given)


def _checked_effects(blocks: Sequence[Any], count: int, nobs: int) -> Effects:
    """Return the effects, each of which belongs to a parameter."""
    named = []
    for number, item in enumerate(blocks):
        block = EffectBlock.of(item)
        size = np.shape(block.Z)[1] if np.ndim(block.Z) == 2 else 1
        predictors = tuple(block.predictors) or (0,) * size
        if len(predictors) != size or not set(predictors) <= set(range(count)):
            raise BrmspyError(
                f"Block {number} has {size} coefficients and the model parameters 0 to "
                f"{count - 1}, but its predictors are {predictors}."
            )
        named.append(replace(block, predictors=predictors))
    return Effects.checked(named, nobs)
