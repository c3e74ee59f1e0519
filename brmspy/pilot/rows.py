"""The log density of each row as a function of the linear predictors, with its derivatives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.data import Arrays, Design
from brmspy.families import Family
from brmspy.formula import LinearPredictor
from brmspy.nonlinear import evaluate

__all__ = ["Curvature", "RowDensity"]

FloatArray = NDArray[np.float64]

_STEP = 1e-4  # of differences, relative to 1 + |linear predictor|
_FLOOR = 1e-6  # of a row's curvature, relative to the mean over rows


@dataclass(frozen=True)
class Curvature:
    """First and second derivatives of the log density with respect to P linear predictors.

    Attributes
    ----------
    gradient : ndarray, shape (nobs, P)
    weights : ndarray, shape (nobs, P, P)
        Minus the second derivatives, made positive definite row by row.
    """

    gradient: FloatArray
    weights: FloatArray


@dataclass(frozen=True)
class RowDensity:
    """The log density of the rows of a model.

    Attributes
    ----------
    design : Design
        Formula and arrays.
    family : Family
        The response's family.
    y : ndarray, shape (nobs,)
        The response, coded.
    arrays : Arrays or None
        The rows; those of the design by default.
    """

    design: Design
    family: Family
    y: NDArray[Any]
    arrays: Arrays | None = None

    @property
    def own(self) -> Arrays:
        """The rows."""
        return self.design.arrays if self.arrays is None else self.arrays

    @property
    def linear(self) -> tuple[str, ...]:
        """Names of the linear predictors, in the order of the derivatives."""
        predictors = self.design.terms.predictors
        return tuple(p.name for p in predictors if isinstance(p, LinearPredictor))

    def value(self, etas: FloatArray, scalars: Mapping[str, float]) -> FloatArray:
        """Return the log density of each row times its weight.

        Parameters
        ----------
        etas : ndarray, shape (nobs, P)
            The linear predictors.
        scalars : mapping of str to float
            Distributional parameters that are one number.

        Returns
        -------
        ndarray, shape (nobs,)
            Negative infinity where the density is not defined.
        """
        return self.values(etas[None], scalars)[0]

    def values(
        self, etas: FloatArray, scalars: Mapping[str, float | NDArray[np.float64]]
    ) -> FloatArray:
        """Return the same at several points.

        Parameters
        ----------
        etas : ndarray, shape (points, nobs, P)
            The linear predictors.
        scalars : mapping of str to float or ndarray, shape (points,)
            Distributional parameters that are one number.

        Returns
        -------
        ndarray, shape (points, nobs)
        """
        values: dict[str, FloatArray] = {name: etas[:, :, i] for i, name in enumerate(self.linear)}
        arrays = self.own
        shape = (len(etas), arrays.nobs)
        with np.errstate(all="ignore"):
            for predictor in self.design.terms.predictors:
                if not isinstance(predictor, LinearPredictor):
                    body = evaluate(predictor.body, {**arrays.covariates, **values})
                    values[predictor.name] = np.broadcast_to(body, shape)
            parameters = {
                dpar.name: dpar.link.inverse(values[dpar.name])
                if dpar.name in values
                else np.reshape(scalars[dpar.name], (-1, 1))
                for dpar in self.family.dpars
            }
            density = self.family.log_density(
                self.y, parameters, trials=arrays.trials, eta=values.get("mu")
            )
        rows = np.broadcast_to(density, shape)
        rows = rows if arrays.weights is None else rows * arrays.weights
        return np.where(np.isfinite(rows), rows, -np.inf)

    def curvature(self, etas: FloatArray, scalars: Mapping[str, float]) -> Curvature:
        """Return the derivatives, by central differences.

        Parameters
        ----------
        etas : ndarray, shape (nobs, P)
            The linear predictors.
        scalars : mapping of str to float
            Distributional parameters that are one number.

        Returns
        -------
        Curvature
        """
        count = etas.shape[1]
        steps = _STEP * (1.0 + np.abs(etas))
        centre = self.value(etas, scalars)
        gradient = np.zeros(etas.shape)
        hessian = np.zeros((*etas.shape, count))
        ahead = []
        for i in range(count):
            shift = np.zeros(count)
            shift[i] = 1.0
            up = self.value(etas + steps * shift, scalars)
            down = self.value(etas - steps * shift, scalars)
            ahead.append(up)
            with np.errstate(invalid="ignore"):
                gradient[:, i] = (up - down) / (2.0 * steps[:, i])
                hessian[:, i, i] = (up - 2.0 * centre + down) / steps[:, i] ** 2
            for j in range(i):
                shift[j] = 1.0
                both = self.value(etas + steps * shift, scalars)
                shift[j] = 0.0
                with np.errstate(invalid="ignore"):
                    mixed = (both - ahead[i] - ahead[j] + centre) / (steps[:, i] * steps[:, j])
                hessian[:, i, j] = hessian[:, j, i] = mixed
        defined = np.isfinite(gradient).all(axis=1) & np.isfinite(hessian).all(axis=(1, 2))
        gradient[~defined], hessian[~defined] = 0.0, 0.0
        return Curvature(gradient, _positive(-hessian))


def _positive(weights: FloatArray) -> FloatArray:
    """Return the nearest positive definite matrices, shape (nobs, P, P)."""
    if weights.shape[1] == 1:
        return np.maximum(weights, _FLOOR * np.abs(weights).mean() + np.finfo(float).tiny)
    values, vectors = np.linalg.eigh(weights)
    floor = _FLOOR * np.abs(values).mean(axis=0) + np.finfo(float).tiny
    clipped = np.maximum(values, floor)
    return np.asarray((vectors * clipped[:, None, :]) @ np.swapaxes(vectors, 1, 2))
