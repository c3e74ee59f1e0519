"""Where a pilot fit of a non-linear formula starts if nothing says where: the best of many tries.

Every linear predictor is taken for one number in all rows. Random points, of the sizes that the
data and the priors let expect, are ranked by their log density; the best are improved, and the best
of these is kept. It takes a fraction of a second, and finds the curve where steps from the priors'
centres, mostly zero, end on a flat line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from brmspy.data import Design
from brmspy.families import Family
from brmspy.formula import NonlinearPredictor
from brmspy.nonlinear import evaluate
from brmspy.pilot.priors import normal_stand_in, typical_scale
from brmspy.pilot.rows import RowDensity
from brmspy.priors import ElementPrior, PriorSet
from brmspy.priors.curves import link_scale_response
from brmspy.selfstart import least_squares

__all__ = ["best_start"]

FloatArray = NDArray[np.float64]

_TRIES, _KEPT, _POLISHED = 2000, 8, 2
_AT_ONCE = 200_000  # points times rows
_ROWS = 500  # more rows do not make the ranking better
_FROM_PRIOR = 0.5  # share of the tries of a parameter with a proper prior
_STEP = 1e-6  # of differences, relative
_LOG_SCALAR = (-12.0, 12.0)  # range of the logs of scale parameters


def best_start(
    design: Design,
    family: Family,
    y: NDArray[Any],
    priors: PriorSet,
    scopes: Mapping[str, Mapping[str, str]],
) -> dict[str, FloatArray]:
    """Return coefficients to start from, the best of several random tries.

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

    Returns
    -------
    dict of str to ndarray, shape (coefficients,)
        By linear predictor; empty for models without a non-linear formula, or if the log density is
        finite at none of the tries. The same for the same data.
    """
    if not any(isinstance(p, NonlinearPredictor) for p in design.terms.predictors):
        return {}
    pooled = _Pooled.of(design, family, y, priors, scopes)
    found = sorted(map(pooled.improved, pooled.tries()), key=pooled.density, reverse=True)
    best = max(map(pooled.polished, found[:_POLISHED]), key=pooled.density, default=None)
    return {} if best is None else pooled.coefficients(best)


@dataclass(frozen=True)
class _Pooled:
    """A model in which every linear predictor is one number.

    Attributes
    ----------
    design : Design
        Formula and arrays, all rows.
    rows : RowDensity
        The log density of some of the rows.
    share : float
        How many rows each of them stands for.
    offsets : ndarray, shape (rows, predictors)
        Offsets of the linear predictors.
    elements : tuple of ElementPrior
        The prior of each linear predictor's first coefficient.
    scalars : mapping of str to ElementPrior
        Distributional parameters that are estimated as one number.
    known : mapping of str to float
        Those that the formula fixes.
    response : ndarray or None
        The response on the scale of the mean's linear predictor, if it has a place there.
    """

    design: Design
    rows: RowDensity
    share: float
    offsets: FloatArray
    elements: tuple[ElementPrior, ...]
    scalars: Mapping[str, ElementPrior]
    known: Mapping[str, float]
    response: FloatArray | None

    @classmethod
    def of(
        cls,
        design: Design,
        family: Family,
        y: NDArray[Any],
        priors: PriorSet,
        scopes: Mapping[str, Mapping[str, str]],
    ) -> _Pooled:
        """Take some of the rows, evenly spaced."""
        whole = RowDensity(design, family, y)
        step = max(1, -(-design.arrays.nobs // _ROWS))
        part = slice(0, design.arrays.nobs, step)
        arrays = design.arrays.part(part)
        rows = RowDensity(design, family, np.asarray(y)[part], arrays)
        offsets = [arrays.predictors[name].offset for name in whole.linear]
        given = {p.name for p in design.terms.predictors}
        known = {p.name: p.value for p in design.terms.fixed}
        response = link_scale_response(design, family, y)
        return cls(
            design,
            rows,
            design.arrays.nobs / arrays.nobs,
            np.column_stack([np.zeros(arrays.nobs) if o is None else o for o in offsets]),
            tuple(_first_prior(design, priors, scopes[name], name) for name in whole.linear),
            {
                dpar.name: priors.for_(dpar.name).elements[0]
                for dpar in family.dpars
                if dpar.name not in given and dpar.name not in known
            },
            known,
            None if response is None else response[part],
        )

    @property
    def _lower(self) -> FloatArray:
        return np.array([element.lower for element in self.elements])

    @property
    def _upper(self) -> FloatArray:
        return np.array([element.upper for element in self.elements])

    @property
    def _typical(self) -> FloatArray:
        """Logs of the distances of scale parameters from their lower bounds, to start from."""
        return np.log([typical_scale(element) for element in self.scalars.values()])

    def _values(self, logs: FloatArray) -> dict[str, float | FloatArray]:
        """Return the distributional parameters at points, each of shape (points,)."""
        values: dict[str, float | FloatArray] = dict(self.known)
        for (name, element), at in zip(self.scalars.items(), logs.T, strict=True):
            if element.distribution == "constant":
                values[name] = element.args[0]
            else:
                lower = self.rows.family.dpar(name).lower
                values[name] = lower + np.exp(np.clip(at, *_LOG_SCALAR))
        return values

    def densities(self, points: FloatArray) -> FloatArray:
        """Return the log density of rows and priors at points.

        Parameters
        ----------
        points : ndarray, shape (points, predictors + scalars)
            The linear predictors, then the logs of the scale parameters.

        Returns
        -------
        ndarray, shape (points,)
            Negative infinity where it is not defined.
        """
        count = len(self.elements)
        theta, scalars = points[:, :count], self._values(points[:, count:])
        etas = theta[:, None, :] + self.offsets
        with np.errstate(all="ignore"):
            total = self.share * self.rows.values(etas, scalars).sum(axis=1)
            for element, values in zip(self.elements, theta.T, strict=True):
                total = total + element.log_density(values)
            for name, element in self.scalars.items():
                total = total + element.log_density(np.asarray(scalars[name]))
        return np.where(np.isfinite(total), total, -np.inf)

    def density(self, point: FloatArray) -> float:
        """Return the log density of rows and priors at one point."""
        return float(self.densities(point[None])[0])

    def tries(self) -> list[FloatArray]:
        """Return the best of many random points."""
        rng = np.random.default_rng(20002)
        sizes = self._sizes()
        drawn = [_draw(rng, element, sizes) for element in self.elements]
        points = np.column_stack([*drawn, *(np.full(_TRIES, at) for at in self._typical)])
        step = max(1, _AT_ONCE // self.rows.own.nobs)
        parts = [self.densities(points[i : i + step]) for i in range(0, _TRIES, step)]
        values = np.concatenate(parts)
        best = np.argsort(-values, kind="stable")[:_KEPT]
        return [points[i] for i in best if np.isfinite(values[i])]

    def _sizes(self) -> FloatArray:
        """Return the sizes that a parameter could have, whatever it means.

        One, that of the response, and of the columns and of a rate along them.
        """
        y = np.array([-3.0, 3.0]) if self.response is None else self.response
        y = y[np.isfinite(y)]
        sizes = [1.0, float(np.ptp(y)), float(np.abs(y).max())]
        for x in self.rows.own.covariates.values():
            span = float(np.ptp(x))
            sizes += [span, 1.0 / span] if span > 0.0 else []
        return np.array([size for size in sizes if size > 0.0])

    def improved(self, point: FloatArray) -> FloatArray:
        """Return the point of least squares near a point, if the mean can be compared with data."""
        count = len(self.elements)
        if self.response is None or "mu" not in self._nonlinear:
            return point
        used = np.flatnonzero(np.isfinite(self.response))
        free = [i for i in range(count) if self.elements[i].distribution != "constant"]

        def mean(values: FloatArray) -> FloatArray:
            theta = point[:count].copy()
            theta[free] = values
            return self._mean(theta)[used]

        found = least_squares(
            mean,
            self.response[used],
            point[free],
            lower=self._lower[free],
            upper=self._upper[free],
            steps=100,
        )
        if found is None or not np.all(np.isfinite(found.values)):
            return point
        better = point.copy()
        better[free] = found.values
        if self.scalars and next(iter(self.scalars)) == "sigma" and found.residual_sd > 0.0:
            better[count] = np.log(found.residual_sd)
        return better if self.density(better) > self.density(point) else point

    def polished(self, point: FloatArray) -> FloatArray:
        """Return a point of higher log density nearby, scale parameters and priors included."""
        count = len(self.elements)
        scale = np.concatenate(
            [np.maximum(np.abs(point[:count]), 1e-3), np.ones(len(self.scalars))]
        )
        low = np.concatenate([self._lower, np.full(len(self.scalars), _LOG_SCALAR[0])])
        high = np.concatenate([self._upper, np.full(len(self.scalars), _LOG_SCALAR[1])])
        fixed = [e.distribution == "constant" for e in (*self.elements, *self.scalars.values())]
        low, high = np.where(fixed, point, low), np.where(fixed, point, high)
        margin = 1e-6 * scale
        inside = np.where(fixed, 0.0, margin)

        steps = _STEP * np.eye(len(point))

        def loss(scaled: FloatArray) -> tuple[float, FloatArray]:
            around = np.concatenate([scaled[None], scaled + steps, scaled - steps])
            values = -self.densities(around * scale)
            values = np.where(np.isfinite(values), values, 1e12)
            ahead, behind = np.split(values[1:], 2)
            return float(values[0]), (ahead - behind) / (2.0 * _STEP)

        with np.errstate(all="ignore"):
            found = optimize.minimize(
                loss,
                point / scale,
                jac=True,
                method="L-BFGS-B",
                bounds=list(zip((low + inside) / scale, (high - inside) / scale, strict=True)),
                options={"maxiter": 60},
            )
        better = np.asarray(found.x) * scale
        return better if self.density(better) > self.density(point) else point

    @property
    def _nonlinear(self) -> set[str]:
        return {p.name for p in self.design.terms.predictors if isinstance(p, NonlinearPredictor)}

    def _mean(self, theta: FloatArray) -> FloatArray:
        """Return the mean of the rows on the scale of its linear predictor."""
        arrays = self.rows.own
        values: dict[str, FloatArray] = {
            name: theta[i] + self.offsets[:, i] for i, name in enumerate(self.rows.linear)
        }
        for predictor in self.design.terms.predictors:
            if isinstance(predictor, NonlinearPredictor):
                values[predictor.name] = evaluate(predictor.body, {**arrays.covariates, **values})
        return np.broadcast_to(values["mu"], (arrays.nobs,))

    def coefficients(self, point: FloatArray) -> dict[str, FloatArray]:
        """Return coefficients at which the linear predictors have these values in all rows."""
        found = {}
        for i, name in enumerate(self.rows.linear):
            pieces = self.design.arrays.predictors[name]
            if pieces.X.shape[1]:
                target = np.full(len(pieces.X), point[i])
                solution, *_ = np.linalg.lstsq(pieces.X, target, rcond=None)
                tiny = 1e-9 * np.abs(solution).max(initial=0.0)
                found[name] = np.where(np.abs(solution) <= tiny, 0.0, solution)
        return found


def _first_prior(
    design: Design, priors: PriorSet, scope: Mapping[str, str], name: str
) -> ElementPrior:
    """Return the prior of a linear predictor's first coefficient; zero if it has none."""
    info = design.predictors[name]
    if not info.coefs:
        return ElementPrior("constant", (0.0,), text="constant(0)")
    return priors.for_("Intercept" if info.centred else "b", **scope).elements[0]


def _draw(rng: np.random.Generator, element: ElementPrior, sizes: FloatArray) -> FloatArray:
    """Draw values of one linear predictor: from its prior, and of sizes that data have."""
    centre, precision = normal_stand_in(element)
    if element.distribution == "constant":
        return np.full(_TRIES, centre)
    signs = rng.choice([-1.0, 1.0, 1.0], size=_TRIES)
    values = rng.choice(sizes, size=_TRIES) * signs * 10.0 ** rng.uniform(-1.5, 1.0, size=_TRIES)
    if precision > 0.0:
        near = rng.random(_TRIES) < _FROM_PRIOR
        values = np.where(near, rng.normal(centre, precision**-0.5, size=_TRIES), values)
    low, high = element.lower, element.upper
    if np.isfinite(low) and np.isfinite(high):
        inside = (low < values) & (values < high)
        return np.where(inside, values, rng.uniform(low, high, size=_TRIES))
    if np.isfinite(low):
        values = low + np.abs(values - low)
    if np.isfinite(high):
        values = high - np.abs(values - high)
    return values
