"""A quick approximation of the posterior by penalised likelihood.

Newton's steps on all coefficients and effects, given the effects' covariances, alternate with
updates of the covariances (a fixed point of the approximate marginal likelihood) and of the
family's parameters (one Newton step on Laplace's approximation). It takes milliseconds where
sampling takes seconds, is deterministic, and only ever decides *how* the sampler works, never what
it samples from.

References
----------
Breslow, N. E. and Clayton, D. G. (1993). Approximate inference in generalized linear mixed models.
Journal of the American Statistical Association, 88(421). https://doi.org/10.2307/2290687
MacKay, D. J. C. (1992). Bayesian interpolation. Neural Computation, 4(3).
https://doi.org/10.1162/neco.1992.4.3.415
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import linalg

from brmspy.data import Design
from brmspy.families import Dpar, Family
from brmspy.pilot.blocks import diagonal_blocks
from brmspy.pilot.information import information_alone, level_information
from brmspy.pilot.joint import JointEffects, JointMarginal
from brmspy.pilot.layout import Layout, make_layout
from brmspy.pilot.priors import normal_stand_in, typical_scale
from brmspy.pilot.records import BlockPilot, Pilot, PredictorPilot
from brmspy.pilot.rows import Curvature, RowDensity
from brmspy.priors import ElementPrior, PriorSet

__all__ = ["pilot_fit"]

FloatArray = NDArray[np.float64]

_ITERATIONS = 60
_TOLERANCE = 0.03  # of log standard deviations, and of effects in units of their sd
_HALVINGS = 12
_BEFORE, _REFINEMENTS, _NEWTON = 10, 15, 5  # iterations where effects are looked at together
_DENSE = 3_000_000  # non-zero elements beyond which a factorisation fills up
_SMALL = 200_000  # elements up to which a dense matrix is faster than a sparse one
_RIDGE = 1e-10


@dataclass(frozen=True)
class _State:
    """Values of everything that is estimated."""

    theta: FloatArray
    covariances: tuple[FloatArray, ...]
    scalars: Mapping[str, float]


def pilot_fit(
    design: Design,
    family: Family,
    y: NDArray[Any],
    priors: PriorSet,
    scopes: Mapping[str, Mapping[str, str]],
    start: Mapping[str, FloatArray] | None = None,
) -> Pilot:
    """Approximate the posterior of a model.

    Parameters
    ----------
    design : Design
        Formula and arrays.
    family : Family
        The response's family.
    y : ndarray, shape (nobs,)
        The response, coded.
    priors : PriorSet
        One prior for each parameter.
    scopes : mapping of str to mapping
        Under which ``dpar`` and ``nlpar`` each linear predictor's priors stand.
    start : mapping of str to ndarray, shape (coefficients,), optional
        Coefficients to start from, by linear predictor, of the columns as they are. Where there
        are none the iterations start at the priors' centres.

    Returns
    -------
    Pilot
    """
    return _Fit(design, family, RowDensity(design, family, y), priors, scopes, start or {}).run()


@dataclass(frozen=True)
class _Fit:
    """One pilot fit."""

    design: Design
    family: Family
    density: RowDensity
    priors: PriorSet
    scopes: Mapping[str, Mapping[str, str]]
    start: Mapping[str, FloatArray]

    def run(self) -> Pilot:
        """Iterate to the end."""
        layout = make_layout(self.design, self.density.linear)
        elements = self._coefficient_priors()
        stand_ins = np.array([normal_stand_in(e) for e in elements]).reshape(-1, 2)
        centre, precision = stand_ins[:, 0], stand_ins[:, 1]
        bounds = np.array([(e.lower, e.upper) for e in elements]).reshape(-1, 2)
        solver = _Solver(self.density, layout, centre, precision, bounds)
        state = self._start(layout, centre)
        converged = False
        trail: list[FloatArray] = []
        for _ in range(_BEFORE if self._joint_members else _ITERATIONS):
            before = state
            state, information = self._step(solver, state)
            if _settled(before, state, layout):
                converged = True
                break
            trail.append(_log_variances(state))
            if len(trail) == 3:
                state = _extrapolated(state, trail)
                trail.clear()
        joint: tuple[JointEffects, ...] = ()
        if self._joint_members:
            state, joint, converged = self._refined(solver, state)
            information = solver.information(state)
        return self._result(solver, state, information, converged, joint)

    @property
    def _joint_members(self) -> list[tuple[tuple[int, int], ...]]:
        """Effects of each factor on several parameters of a non-linear formula, if independent.

        Standard deviations that ``constant()`` fixes are left to the others' iterations.
        """
        members: dict[str, list[tuple[int, int]]] = {}
        excluded: set[str] = set()
        for name in self.density.linear:
            for block, info in enumerate(self.design.groups):
                for m, coef in enumerate(info.coefs):
                    if coef.predictor != name:
                        continue
                    members.setdefault(info.group, []).append((block, m))
                    if (
                        not self.design.terms.predictor(name).nlpar
                        or (info.correlated and len(info.coefs) > 1)
                        or self._sd_prior(block, m).distribution == "constant"
                    ):
                        excluded.add(info.group)
        return [
            tuple(own) for group, own in members.items() if group not in excluded and len(own) > 1
        ]

    def _refined(
        self, solver: _Solver, state: _State
    ) -> tuple[_State, tuple[JointEffects, ...], bool]:
        """Return the state with the likeliest standard deviations of effects looked at together.

        With it comes what was found of these effects, and whether the iterations came to rest.
        """
        joint: tuple[JointEffects, ...] = ()
        for number in range(_REFINEMENTS):
            joint = tuple(
                self._likeliest(solver, state, members, first=number == 0)
                for members in self._joint_members
            )
            covariances = [covariance.copy() for covariance in state.covariances]
            for found in joint:
                for (block, m), log_sd in zip(found.members, found.log_sd, strict=True):
                    covariances[block][m, m] = np.exp(2.0 * log_sd)
            before, state = state, _State(state.theta, tuple(covariances), state.scalars)
            for _ in range(_NEWTON):
                last = state.theta
                state = _State(solver.newton(state), state.covariances, state.scalars)
                if np.allclose(state.theta, last, rtol=1e-4, atol=1e-8):
                    break
            scalars = {
                name: self._scalar(solver, state, self.family.dpar(name), element)
                for name, element in self._free_scalars.items()
                if element.distribution != "constant"
            }
            state = _State(state.theta, state.covariances, {**state.scalars, **scalars})
            if _settled(before, state, solver.layout):
                return state, joint, True
        return state, joint, False

    def _likeliest(
        self, solver: _Solver, state: _State, members: tuple[tuple[int, int], ...], *, first: bool
    ) -> JointEffects:
        """Return the effects of one factor with their likeliest standard deviations."""
        priors = [self._sd_prior(block, m) for block, m in members]

        def log_prior(log_sd: FloatArray) -> float:
            densities = (
                float(prior.log_density(float(np.exp(value))))
                for prior, value in zip(priors, log_sd, strict=True)
            )
            return sum(densities) + float(log_sd.sum())

        marginal = solver.joint_marginal(state, members)
        start = [
            max(
                0.5 * np.log(state.covariances[block][m, m]),
                np.log(0.1 * typical_scale(prior)) if first else -np.inf,
            )
            for (block, m), prior in zip(members, priors, strict=True)
        ]
        free = tuple(range(len(members)))
        found = marginal.likeliest(np.array(start), free, log_prior, arms=first)
        return JointEffects(members, marginal, found)

    def _coefficient_priors(self) -> list[ElementPrior]:
        """Return the priors of all coefficients, predictor after predictor."""
        elements: list[ElementPrior] = []
        for name in self.density.linear:
            info, scope = self.design.predictors[name], self.scopes[name]
            if info.centred:
                elements += self.priors.for_("Intercept", **scope).elements
            if len(info.coefs) > int(info.centred):
                elements += self.priors.for_("b", **scope).elements
        return elements

    def _sd_prior(self, block: int, position: int) -> ElementPrior:
        """Return the prior of the standard deviation of one coefficient of a block."""
        group = self.design.groups[block]
        coef = group.coefs[position]
        return self.priors.element(
            "sd", coef=coef.name.brms, group=group.group, **self.scopes[coef.predictor]
        )

    @property
    def _free_scalars(self) -> dict[str, ElementPrior]:
        """Distributional parameters that are estimated as one number, with their priors."""
        given = {p.name for p in self.design.terms.predictors}
        given |= {p.name for p in self.design.terms.fixed}
        return {
            dpar.name: self.priors.for_(dpar.name).elements[0]
            for dpar in self.family.dpars
            if dpar.name not in given
        }

    def _start(self, layout: Layout, centre: FloatArray) -> _State:
        """Return where the iterations start: where they are told to, or at the priors' centres."""
        covariances = []
        for block, (_, size) in enumerate(layout.shapes):
            scales = [typical_scale(self._sd_prior(block, m)) for m in range(size)]
            covariances.append(np.diag(np.square(scales)))
        scalars = {p.name: p.value for p in self.design.terms.fixed}
        for name, element in self._free_scalars.items():
            fixed = element.distribution == "constant"
            start = typical_scale(element)
            scalars[name] = start if fixed else self.family.dpar(name).lower + start
        theta = np.concatenate([self._started(centre), np.zeros(layout.size - len(centre))])
        return _State(theta, tuple(covariances), scalars)

    def _started(self, centre: FloatArray) -> FloatArray:
        """Return the coefficients to start from; what is fixed stays where it is."""
        parts: list[FloatArray] = []
        first = 0
        for name in self.density.linear:
            info = self.design.predictors[name]
            own = centre[first : first + len(info.coefs)]
            first += len(info.coefs)
            if name in self.start:
                own = np.array(self.start[name])
                if info.centred:
                    own[0] += info.means @ self.start[name]
            parts.append(own)
        started = np.concatenate([*parts, np.empty(0)])
        fixed = [element.distribution == "constant" for element in self._coefficient_priors()]
        bounds = np.array([(e.lower, e.upper) for e in self._coefficient_priors()]).reshape(-1, 2)
        inside = (bounds[:, 0] < started) & (started < bounds[:, 1])
        return np.where(np.array(fixed, dtype=bool) | ~inside, centre, started)

    def _step(self, solver: _Solver, state: _State) -> tuple[_State, list[FloatArray]]:
        """Return the next state, and the information about each level that led to it."""
        theta = solver.newton(state)
        state = _State(theta, state.covariances, state.scalars)
        information = solver.information(state)
        covariances = tuple(
            self._covariance(block, solver.layout.block(theta, block), information[block], old)
            for block, old in enumerate(state.covariances)
        )
        scalars = dict(state.scalars)
        for name, element in self._free_scalars.items():
            if element.distribution != "constant":
                scalars[name] = self._scalar(solver, state, self.family.dpar(name), element)
        return _State(theta, covariances, scalars), information

    def _covariance(
        self, block: int, effects: FloatArray, information: FloatArray, old: FloatArray
    ) -> FloatArray:
        """Return the next estimate of a block's covariance.

        Variances: sum of squares over the effective number of levels. Correlations: those of the
        expected cross products.
        """
        spread = np.linalg.inv(information + np.linalg.inv(old))
        left = np.einsum("gmm->m", spread) / np.diagonal(old)
        effective = np.maximum(len(effects) - left, 1e-3)
        variances = np.square(effects).sum(axis=0) / effective
        for m in range(len(old)):
            element = self._sd_prior(block, m)
            if element.distribution == "constant":
                variances[m] = element.args[0] ** 2
            else:
                variances[m] = max(variances[m], (1e-3 * typical_scale(element)) ** 2)
        ratio = np.clip(variances / np.diagonal(old), 0.05, 20.0)
        sd = np.sqrt(np.diagonal(old) * ratio)
        correlation = np.eye(len(old))
        if self.design.groups[block].correlated and len(old) > 1:
            products = effects.T @ effects + spread.sum(axis=0)
            scale = np.sqrt(np.diagonal(products))
            correlation = 0.98 * products / np.outer(scale, scale) + 0.02 * np.eye(len(old))
        return np.asarray(sd[:, None] * correlation * sd)

    def _scalar(self, solver: _Solver, state: _State, dpar: Dpar, element: ElementPrior) -> float:
        """Return the next value of a distributional parameter: one Newton step on its log."""
        at = np.log(state.scalars[dpar.name] - dpar.lower)
        slope, bend = self._derivatives(solver, state, dpar, element)
        change = -slope / bend if bend < 0.0 else 0.5 * np.sign(slope)
        if not np.isfinite(change):
            change = 0.0
        return dpar.lower + float(np.exp(np.clip(at + np.clip(change, -1.0, 1.0), -15.0, 15.0)))

    def _derivatives(
        self, solver: _Solver, state: _State, dpar: Dpar, element: ElementPrior
    ) -> tuple[float, float]:
        """Return slope and curvature of the log posterior in the log of a parameter."""
        step = 0.1
        at = np.log(state.scalars[dpar.name] - dpar.lower)
        values = []
        for move in (-step, 0.0, step):
            value = dpar.lower + float(np.exp(at + move))
            moved = _State(state.theta, state.covariances, {**state.scalars, dpar.name: value})
            jacobian = at + move
            prior = float(element.log_density(value))
            values.append(solver.marginal(moved) + prior + jacobian)
        if not np.all(np.isfinite(values)):  # outside of the support
            return math.nan, math.nan
        slope = (values[2] - values[0]) / (2.0 * step)
        bend = (values[2] - 2.0 * values[1] + values[0]) / step**2
        return slope, bend

    def _result(
        self,
        solver: _Solver,
        state: _State,
        information: list[FloatArray],
        converged: bool,
        joint: tuple[JointEffects, ...],
    ) -> Pilot:
        """Return what was found."""
        layout = solver.layout
        etas = layout.predictors(state.theta)
        weights = self.density.curvature(etas, state.scalars).weights
        marginal, slopes = solver.coefficient_precision(state)
        predictors = {
            name: PredictorPilot(
                state.theta[layout.coefficients[i]],
                solver.centre[layout.coefficients[i]],
                solver.precision[layout.coefficients[i]],
                etas[:, i],
                weights[:, i, i],
            )
            for i, name in enumerate(self.density.linear)
        }
        factors = [group.index for group in self.design.arrays.groups]
        alone = solver.information_alone(state, factors)
        blocks = tuple(
            BlockPilot(state.covariances[k], layout.block(state.theta, k), information[k], alone[k])
            for k in range(len(layout.shapes))
        )
        variances = {}
        for name, element in self._free_scalars.items():
            bend = self._derivatives(solver, state, self.family.dpar(name), element)[1]
            variances[name] = 1.0 / max(-bend, 1.0) if np.isfinite(bend) else 1.0
        return Pilot(
            predictors, blocks, state.scalars, variances, marginal, converged, slopes, joint
        )


@dataclass(frozen=True)
class _Solver:
    """Newton's steps on all coefficients and effects at once."""

    density: RowDensity
    layout: Layout
    centre: FloatArray
    precision: FloatArray
    bounds: FloatArray

    def newton(self, state: _State) -> FloatArray:
        """Return theta after one step, halved until it improves the objective."""
        if not self.layout.size:
            return state.theta
        curvature = self.density.curvature(self.layout.predictors(state.theta), state.scalars)
        prior = self._prior(state.covariances)
        hessian = self._hessian(curvature) + prior
        gradient = -(prior @ (state.theta - self._mean))
        for i, matrix in enumerate(self.layout.columns):
            gradient = gradient + matrix.T @ curvature.gradient[:, i]
        direction = _solve(hessian, gradient)
        reference = self._objective(state.theta, state.scalars, prior)
        for halving in range(_HALVINGS):
            candidate = self._inside(state.theta + direction * 0.5**halving)
            value = self._objective(candidate, state.scalars, prior)
            if value >= reference or (not np.isfinite(reference) and np.isfinite(value)):
                return candidate
        return state.theta

    def information(self, state: _State) -> list[FloatArray]:
        """Return what the data hold about each level of each block."""
        if not self.layout.shapes:
            return []
        curvature = self.density.curvature(self.layout.predictors(state.theta), state.scalars)
        return level_information(self._hessian(curvature), self.layout, state.covariances)

    def information_alone(self, state: _State, factors: list[NDArray[np.intp]]) -> list[FloatArray]:
        """Return the same when other effects of a level are hardly known."""
        curvature = self.density.curvature(self.layout.predictors(state.theta), state.scalars)
        hessian = self._hessian(curvature)
        return information_alone(hessian, self.layout, state.covariances, factors)

    def marginal(self, state: _State) -> float:
        """Return Laplace's approximation of the log likelihood of the family's parameters."""
        value = float(self.density.value(self.layout.predictors(state.theta), state.scalars).sum())
        for information, covariance in zip(self.information(state), state.covariances, strict=True):
            root = np.linalg.cholesky(covariance)
            inner = np.eye(len(root)) + root.T @ information @ root
            value -= 0.5 * float(np.linalg.slogdet(inner)[1].sum())
        return value

    def coefficient_precision(self, state: _State) -> tuple[FloatArray, FloatArray | None]:
        """Return the precision of all coefficients, averaged over the effects.

        With it comes by how much the effects' modes move with the coefficients.
        """
        curvature = self.density.curvature(self.layout.predictors(state.theta), state.scalars)
        full = sparse.csc_array(self._hessian(curvature) + self._prior(state.covariances))
        count = len(self.centre)
        own = full[:count, :count].toarray()
        if full.shape[0] == count or full.nnz > _DENSE:
            return own, None
        cross = full[count:, :count].toarray()
        effects = linalg.splu(sparse.csc_array(full[count:, count:]))
        moves = effects.solve(cross)
        return np.asarray(own - cross.T @ moves), -np.asarray(moves)

    def joint_marginal(self, state: _State, members: tuple[tuple[int, int], ...]) -> JointMarginal:
        """Return what the data say about the effects of one factor and the coefficients.

        Parameters
        ----------
        state : _State
            Where the log likelihood is approximated by a quadratic.
        members : tuple of (int, int)
            Block and coefficient of each effect.
        """
        curvature = self.density.curvature(self.layout.predictors(state.theta), state.scalars)
        hessian = sparse.csr_array(self._hessian(curvature))
        gradient = np.zeros(self.layout.size)
        for i, matrix in enumerate(self.layout.columns):
            gradient = gradient + matrix.T @ curvature.gradient[:, i]
        count, size = len(self.centre), len(members)
        levels = self.layout.shapes[members[0][0]][0]
        steps = [self.layout.shapes[block][1] for block, _ in members]
        places = np.array(
            [
                self.layout.effects[block].start + m + np.arange(levels) * step
                for (block, m), step in zip(members, steps, strict=True)
            ]
        ).T
        used = np.concatenate([np.arange(count), places.ravel()])
        part = sparse.csr_array(hessian[used, :][:, used])
        linear = gradient[used] + part @ state.theta[used]
        effects = part[count:, count:]
        return JointMarginal(
            diagonal_blocks(effects, size),
            part[count:, :count].toarray().reshape(levels, size, count),
            part[:count, :count].toarray() + np.diag(self.precision),
            linear[count:].reshape(levels, size),
            linear[:count] + self.precision * self.centre,
        )

    @property
    def _mean(self) -> FloatArray:
        return np.concatenate([self.centre, np.zeros(self.layout.size - len(self.centre))])

    def _inside(self, theta: FloatArray) -> FloatArray:
        """Return theta with the coefficients kept off their bounds."""
        lower, upper = self.bounds[:, 0], self.bounds[:, 1]
        margin = np.where(np.isfinite(upper - lower), 0.01 * (upper - lower), 1e-6)
        margin = np.where(np.isfinite(margin), margin, 0.0)
        coefficients = np.clip(theta[: len(lower)], lower + margin, upper - margin)
        return np.concatenate([coefficients, theta[len(lower) :]])

    def _hessian(self, curvature: Curvature) -> Any:
        """Return the information of the data about theta."""
        size = self.layout.size
        columns = self.layout.columns
        small = size * len(curvature.gradient) <= _SMALL
        if small:
            columns = tuple(matrix.toarray() for matrix in columns)
        total = np.zeros((size, size)) if small else sparse.csr_array((size, size))
        for i, left in enumerate(columns):
            for j, right in enumerate(columns):
                weights = curvature.weights[:, i, j]
                if small:
                    total = total + left.T @ (weights[:, None] * right)
                elif np.any(weights):
                    total = total + left.T @ (sparse.diags_array(weights) @ right)
        return sparse.csr_array(total)

    def _prior(self, covariances: tuple[FloatArray, ...]) -> Any:
        """Return the precision of theta before the data."""
        parts: list[Any] = [sparse.diags_array(self.precision)] if len(self.precision) else []
        for (levels, _), covariance in zip(self.layout.shapes, covariances, strict=True):
            parts.append(sparse.kron(sparse.eye_array(levels), np.linalg.inv(covariance)))
        return sparse.csr_array(sparse.block_diag(parts) if parts else (0, 0))

    def _objective(self, theta: FloatArray, scalars: Mapping[str, float], prior: Any) -> float:
        """Return the penalised log likelihood."""
        step = theta - self._mean
        rows = self.density.value(self.layout.predictors(theta), scalars)
        return float(rows.sum() - 0.5 * step @ (prior @ step))


def _log_variances(state: _State) -> FloatArray:
    """Return the logs of all variances of effects."""
    return np.concatenate([np.log(np.diagonal(c)) for c in state.covariances] or [np.empty(0)])


def _extrapolated(state: _State, trail: list[FloatArray]) -> _State:
    """Return the state with its variances moved to where their geometric approach leads.

    Aitken's delta-squared process: near a small variance the fixed point is approached slowly.
    """
    first, second = trail[1] - trail[0], trail[2] - trail[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(np.abs(first) > 1e-12, second / first, 0.0)
    ratio = np.clip(ratio, 0.0, 0.9)
    moves = np.clip(second * ratio / (1.0 - ratio), -3.0, 3.0)
    covariances = []
    for covariance in state.covariances:
        own, moves = moves[: len(covariance)], moves[len(covariance) :]
        scale = np.exp(0.5 * own)
        covariances.append(scale[:, None] * covariance * scale)
    return _State(state.theta, tuple(covariances), state.scalars)


def _solve(matrix: Any, right: FloatArray) -> FloatArray:
    """Solve a sparse, symmetric, positive definite system."""
    diagonal = matrix.diagonal()
    ridge = _RIDGE * diagonal + np.finfo(float).tiny + _RIDGE * diagonal.mean() * (diagonal == 0.0)
    matrix = matrix + sparse.diags_array(ridge)
    if matrix.nnz <= _DENSE:
        solution = linalg.splu(sparse.csc_array(matrix)).solve(right)
    else:
        jacobi = sparse.diags_array(1.0 / matrix.diagonal())
        solution, _ = linalg.cg(matrix, right, rtol=1e-8, maxiter=500, M=jacobi)
    return np.where(np.isfinite(solution), solution, 0.0)


def _settled(before: _State, after: _State, layout: Layout) -> bool:
    """Whether nothing has moved by more than the tolerance."""
    for old, new in zip(before.covariances, after.covariances, strict=True):
        if np.any(np.abs(np.log(np.diagonal(new) / np.diagonal(old))) > 2.0 * _TOLERANCE):
            return False
    for name, value in after.scalars.items():
        if abs(value - before.scalars[name]) > _TOLERANCE * abs(value):
            return False
    etas = [layout.predictors(state.theta) for state in (before, after)]
    spread = etas[1].std(axis=0) + 0.01 * (1.0 + np.abs(etas[1]).max(axis=0))
    return bool(np.all(np.abs(etas[1] - etas[0]).max(axis=0) <= _TOLERANCE * spread))
