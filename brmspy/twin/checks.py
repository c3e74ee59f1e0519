"""Checks of the arrays that estimators are handed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg

from brmspy.errors import BrmspyError

__all__ = ["Rows", "checked_columns", "checked_rows", "sentences"]

FloatArray = NDArray[np.float64]

_DEPENDENT = 1e-9  # of a column's length, what must be left after those before it
_SINGULAR = (
    "the covariance of the group-level effects is singular: a standard deviation is zero or a "
    "correlation one"
)


@dataclass(frozen=True)
class Rows:
    """What there is one number of for each row.

    Attributes
    ----------
    y : ndarray, shape (nobs,)
        Response.
    offset : ndarray, shape (nobs,)
        Zero if there is none.
    weights : ndarray, shape (nobs,)
        One if there are none.
    """

    y: FloatArray
    offset: FloatArray
    weights: FloatArray


def checked_rows(
    y: ArrayLike, offset: ArrayLike | None, weights: ArrayLike | None, *, replicates: bool = False
) -> Rows:
    """Return response, offset and weights, or say what is wrong with them.

    Numbers of replicates may be zero, but not all of them.
    """
    response = np.asarray(y, dtype=float)
    if response.ndim != 1 or not len(response):
        raise BrmspyError(f"The response must be a vector, but its shape is {response.shape}.")
    rows = {"response": response}
    for name, values, default in (("offset", offset, 0.0), ("weights", weights, 1.0)):
        given = default if values is None else np.asarray(values, dtype=float)
        if np.ndim(given) and np.shape(given) != response.shape:
            raise BrmspyError(
                f"There are {len(response)} responses, but {name} has shape {np.shape(given)}."
            )
        rows[name] = np.broadcast_to(given, response.shape).astype(float)
    for name, values in rows.items():
        if not np.isfinite(values).all():
            raise BrmspyError(f"The {name} holds values that are not finite.")
    if replicates and (rows["weights"].min() < 0.0 or not rows["weights"].any()):
        raise BrmspyError("Weights must not be negative, and not all of them zero.")
    if not replicates and rows["weights"].min() <= 0.0:
        raise BrmspyError("Weights must be positive: leave rows of weight zero out.")
    return Rows(rows["response"], rows["offset"], rows["weights"])


def checked_columns(X: ArrayLike, nobs: int) -> FloatArray:
    """Return the columns of the coefficients, or say what is wrong with them."""
    columns = np.asarray(X, dtype=float)
    if columns.ndim != 2 or len(columns) != nobs:
        raise BrmspyError(
            f"X must have {nobs} rows and a column for each coefficient, "
            f"but its shape is {columns.shape}."
        )
    if not np.isfinite(columns).all():
        raise BrmspyError("X holds values that are not finite.")
    lengths = np.linalg.norm(columns, axis=0)
    remaining = np.abs(np.diagonal(linalg.qr(columns, mode="economic")[1]))
    remaining = np.append(remaining, np.zeros(columns.shape[1] - len(remaining)))
    dependent = np.flatnonzero(remaining <= _DEPENDENT * np.maximum(lengths, 1e-300))
    if len(dependent):
        raise BrmspyError(
            f"Columns {dependent.tolist()} of X (counted from 0) are combinations of those before "
            "them: their coefficients are not determined. Leave them out."
        )
    return columns


def sentences(*parts: str, singular: bool = False) -> str:
    """Return what is to be said about an optimum."""
    texts = [part for part in (*parts, _SINGULAR if singular else "") if part]
    return "; ".join(texts)
