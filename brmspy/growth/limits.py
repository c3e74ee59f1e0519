"""What a curve approaches as its input grows: by the named curve's record, or far out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brmspy.formula import CURVES, CurveCall, NonlinearPredictor, curve_limit
from brmspy.formula.nonlinear import Covariate, NonlinearExpr, Parameter, walk
from brmspy.nonlinear import evaluate
from brmspy.predict import Along

__all__ = ["asymptotes"]

FloatArray = NDArray[np.float64]

_DOUBLINGS = 1000  # up to where numbers end
_SURE = 60  # doublings after which a curve that stands still has come to rest
_STEADY = 3  # doublings in a row without change
_CHANGE = 1e-8  # of the largest value on the way that counts as none


def asymptotes(curves: Along, low: float, high: float) -> FloatArray:
    """Return what curves approach as their input grows.

    The record of a named curve says it, as long as its parameters keep their natural bounds. All
    other curves are followed outwards, the input doubling again and again, until they no longer
    change.

    Parameters
    ----------
    curves : Along
        The curves.
    low, high : float
        Ends of the data.

    Returns
    -------
    ndarray, shape (draw, row)
        Not a number where a curve goes on changing.
    """
    known = _recorded(curves)
    if known is None:
        return _far_out(curves, low, high)
    if np.isnan(known).any():
        known = np.where(np.isnan(known), _far_out(curves, low, high), known)
    return known


def _recorded(curves: Along) -> FloatArray | None:
    """Return the limits of a named curve by its record; None if that does not say."""
    names, call = _call(curves)
    if call is None:
        return None
    curve = CURVES.get(call.curve)
    limit = None if curve is None else curve_limit(curve)
    if curve is None or limit is None:
        return None
    given = dict(call.arguments)
    # The record holds for an input that is the column itself, and parameters that stay the same.
    if given[curve.inputs[-1]] != Covariate(curves.variable):
        return None
    others = [name for name in curve.arguments if name != curve.inputs[-1]]
    if any(_depends(given[name], curves) for name in others):
        return None
    values = curves.predictors(curves.here)
    known = {**curves.chunk.arrays.covariates, **values}
    arguments = {name: evaluate(given[name], known) for name in others}
    height = np.broadcast_to(evaluate(limit, arguments), curves.shape)
    inside = np.ones(curves.shape, dtype=bool)
    for name, value in arguments.items():
        lower, upper = curve.limits(name)
        inside &= np.broadcast_to((value >= lower) & (value <= upper), curves.shape)
    reached = curves.meant({**values, **dict.fromkeys(names, height)})
    return np.where(inside & np.isfinite(reached), reached, np.nan)


def _call(curves: Along) -> tuple[tuple[str, ...], CurveCall | None]:
    """Return the predictors that are the mean's curve, and the call of a named curve that it is."""
    terms = curves.chunk.design.terms
    names = ["mu"]
    found = terms.predictor("mu")
    while isinstance(found, NonlinearPredictor):
        if found.curve is not None:
            return tuple(names), found.curve
        if not isinstance(found.body, Parameter):
            break
        names.append(found.body.name)
        found = terms.predictor(found.body.name)
    return tuple(names), None


def _depends(expr: NonlinearExpr, curves: Along) -> bool:
    """Say whether an expression changes with the input."""
    return any(
        (isinstance(node, Covariate) and node.name == curves.variable)
        or (isinstance(node, Parameter) and node.name in curves.moving)
        for node in walk(expr)
    )


def _far_out(curves: Along, low: float, high: float) -> FloatArray:
    """Follow curves outwards until they no longer change, or numbers end."""
    span = (high - low) or max(abs(high), 1.0)
    rows = np.full(curves.shape[1], high)
    last = curves.expected(rows)
    largest = np.abs(last)
    steady = np.zeros(curves.shape, dtype=int)
    alive = np.isfinite(last)
    for doubling in range(_DOUBLINGS):
        with np.errstate(all="ignore"):
            value = curves.expected(rows + span * 2.0**doubling)
            alive &= np.isfinite(value)  # once it overflows, what it was before counts
            change = np.abs(value - last)
            largest = np.where(alive, np.fmax(largest, np.abs(value)), largest)
            same = change <= _CHANGE * largest
        steady = np.where(alive, np.where(same, steady + 1, 0), steady)
        last = np.where(alive, value, last)
        if doubling >= _SURE and not (alive & (steady < _STEADY)).any():
            break
    resting = np.where(np.abs(last) <= _CHANGE * largest, 0.0, last)
    return np.where(steady >= _STEADY, resting, np.nan)
