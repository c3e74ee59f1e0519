"""Kinds of contrasts, as coefficients of the means that they are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import gcd, lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.errors import BrmspyError, check_choice

__all__ = [
    "CONTRASTS",
    "Coefficients",
    "contrast_coefficients",
    "interaction_basis",
    "interaction_of",
    "joint_basis",
]

FloatArray = NDArray[np.float64]

_DEGREES = ("linear", "quadratic", "cubic", "quartic")
_HIGHEST_DEGREE = 6


@dataclass(frozen=True, eq=False)
class Coefficients:
    """Contrasts of means.

    Attributes
    ----------
    names : tuple of str
        What each is called; the sign between two means is left open.
    matrix : ndarray, shape (contrast, mean)
        The coefficients.
    """

    names: tuple[str, ...]
    matrix: FloatArray

    def labels(self, ratios: bool) -> tuple[str, ...]:
        """Return the names, for differences or for ratios."""
        return tuple(name.replace(_SIGN, "/" if ratios else "-") for name in self.names)


_SIGN = "\x00"  # stands between the levels of a name; no level has it


def contrast_coefficients(
    method: Any, labels: Sequence[str], *, reverse: bool = False, ref: Any = None
) -> Coefficients:
    """Return the contrasts of a kind.

    Parameters
    ----------
    method : str or mapping
        One of `CONTRASTS`, or coefficients by name.
    labels : sequence of str
        What the means are called.
    reverse : bool
        Turn the differences round.
    ref : int, str or None
        The mean to compare with, of ``"trt.vs.ctrl"``: its name, or its place from zero.

    Returns
    -------
    Coefficients

    Raises
    ------
    BrmspyError
        If there is no such kind, or coefficients do not fit the means.
    """
    if isinstance(method, Mapping):
        found = _given(method, labels)
    else:
        check_choice("method", method, tuple(CONTRASTS))
        if len(labels) < 2:
            raise BrmspyError(
                f"There is only one mean ({labels[0]}), which cannot be contrasted with others."
            )
        found = (
            _against(labels, _place(labels, ref))
            if method == "trt.vs.ctrl"
            else CONTRASTS[method](labels)
        )
    if ref is not None and method != "trt.vs.ctrl":
        raise BrmspyError('ref belongs to method="trt.vs.ctrl".')
    return _reversed(found) if reverse else found


def interaction_of(parts: Sequence[Coefficients]) -> Coefficients:
    """Return all products of contrasts of several factors: contrasts of contrasts.

    Parameters
    ----------
    parts : sequence of Coefficients
        Contrasts of each factor; the means are in the order in which the last varies fastest.

    Returns
    -------
    Coefficients
    """
    names, matrix = parts[0].names, parts[0].matrix
    for part in parts[1:]:
        names = tuple(f"({first}) : ({second})" for first in names for second in part.names)
        matrix = np.asarray(np.kron(matrix, part.matrix), dtype=np.float64)
    return Coefficients(names, matrix)


def interaction_basis(sizes: Mapping[str, int], chosen: Sequence[str]) -> FloatArray:
    """Return independent contrasts that make up a main effect or an interaction.

    Parameters
    ----------
    sizes : mapping of str to int
        Number of levels of each factor; the last varies fastest among the means.
    chosen : sequence of str
        The factors of the term; it is averaged over the others.

    Returns
    -------
    ndarray, shape (contrast, mean)
    """
    matrix: FloatArray = np.ones((1, 1))
    for name, size in sizes.items():
        part = np.eye(size)[1:] - np.eye(size)[:-1] if name in chosen else np.ones((1, size)) / size
        matrix = np.asarray(np.kron(matrix, part), dtype=np.float64)
    return matrix


def joint_basis(matrix: FloatArray) -> FloatArray:
    """Return orthonormal combinations of means that say the same as some contrasts together.

    Parameters
    ----------
    matrix : ndarray, shape (contrast, mean)
        The contrasts; some may follow from others.

    Returns
    -------
    ndarray, shape (rank, mean)
    """
    _, sizes, rows = np.linalg.svd(matrix, full_matrices=False)
    kept: FloatArray = rows[sizes > sizes.max(initial=0.0) * max(matrix.shape) * 1e-12]
    return kept


def _between(labels: Sequence[str], pairs: Sequence[tuple[int, int]]) -> Coefficients:
    """Return differences of the first of each pair and the second."""
    matrix = np.zeros((len(pairs), len(labels)))
    for row, (first, second) in enumerate(pairs):
        matrix[row, first], matrix[row, second] = 1.0, -1.0
    names = tuple(f"{labels[first]} {_SIGN} {labels[second]}" for first, second in pairs)
    return Coefficients(names, matrix)


def _pairwise(labels: Sequence[str]) -> Coefficients:
    return _between(labels, list(combinations(range(len(labels)), 2)))


def _consecutive(labels: Sequence[str]) -> Coefficients:
    return _between(labels, [(place + 1, place) for place in range(len(labels) - 1)])


def _against(labels: Sequence[str], ref: int) -> Coefficients:
    return _between(labels, [(place, ref) for place in range(len(labels)) if place != ref])


def _deviations(labels: Sequence[str]) -> Coefficients:
    """Return the difference of each mean and the average of all."""
    matrix = np.eye(len(labels)) - 1.0 / len(labels)
    return Coefficients(tuple(f"{label} effect" for label in labels), matrix)


def _polynomial(labels: Sequence[str]) -> Coefficients:
    """Return orthogonal polynomials in whole numbers, for levels of equal distance."""
    size = len(labels)
    degrees = range(1, min(size - 1, _HIGHEST_DEGREE) + 1)
    basis: list[list[Fraction]] = []
    for degree in range(degrees.stop):
        values = [Fraction(place) ** degree for place in range(1, size + 1)]
        for earlier in basis:
            share = _dot(values, earlier) / _dot(earlier, earlier)
            values = [a - share * b for a, b in zip(values, earlier, strict=True)]
        basis.append(values)
    names = tuple(
        _DEGREES[degree - 1] if degree <= len(_DEGREES) else f"degree {degree}"
        for degree in degrees
    )
    return Coefficients(names, np.array([_whole(row) for row in basis[1:]], dtype=np.float64))


def _dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


def _whole(values: Sequence[Fraction]) -> list[int]:
    """Return the smallest whole numbers of the same proportions."""
    common = lcm(*(value.denominator for value in values))
    numbers = [int(value * common) for value in values]
    divisor = gcd(*numbers)
    return [number // divisor for number in numbers]


CONTRASTS: Mapping[str, Callable[[Sequence[str]], Coefficients]] = {
    "pairwise": _pairwise,
    "revpairwise": lambda labels: _reversed(_pairwise(labels)),
    "trt.vs.ctrl": lambda labels: _against(labels, 0),
    "eff": _deviations,
    "poly": _polynomial,
    "consec": _consecutive,
}


def _given(method: Mapping[str, Any], labels: Sequence[str]) -> Coefficients:
    """Return a user's own contrasts."""
    if not method:
        raise BrmspyError("method has no contrasts. Give coefficients by name.")
    rows = [_row(str(name), given, labels) for name, given in method.items()]
    return Coefficients(tuple(map(str, method)), np.array(rows))


def _row(name: str, given: Any, labels: Sequence[str]) -> list[float]:
    """Return the coefficients of one of a user's contrasts."""
    if isinstance(given, Mapping):
        weights = dict.fromkeys(labels, 0.0)
        for label, weight in given.items():
            weights[labels[_place(labels, label)]] = float(weight)
        return list(weights.values())
    values = [float(value) for value in given] if np.iterable(given) else []
    if len(values) != len(labels):
        raise BrmspyError(
            f"The contrast {name!r} has {len(values)} coefficients for {len(labels)} means: "
            f"{', '.join(labels[:20])}{', …' if len(labels) > 20 else ''}."
        )
    return values


def _place(labels: Sequence[str], ref: Any) -> int:
    """Return the place of a mean."""
    if ref is None:
        return 0
    if isinstance(ref, (int, np.integer)) and str(ref) not in labels:
        if not -len(labels) <= ref < len(labels):
            raise BrmspyError(f"There is no mean at place {ref}; there are {len(labels)}.")
        return int(ref) % len(labels)
    check_choice("mean", str(ref), tuple(labels))
    return list(labels).index(str(ref))


def _reversed(found: Coefficients) -> Coefficients:
    """Return the contrasts with the opposite sign."""
    names = []
    for name in found.names:
        first, sign, second = name.partition(f" {_SIGN} ")
        names.append(f"{second} {_SIGN} {first}" if sign else f"-({name})")
    return Coefficients(tuple(names), -found.matrix)
