"""The columns that the levels of a factor become: R's contrasts, or a matrix of the user's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from brmspy.data.factors import Levels
from brmspy.errors import DataError, closest
from brmspy.formula.codings import USUAL, Coding

__all__ = ["Contrasts", "contrasts", "indicators"]

FloatArray = npt.NDArray[np.float64]

_POLYNOMIAL_SUFFIXES = (".L", ".Q", ".C")

# R's qr() takes what is left of a column of length one, once the others are taken from it, for
# nothing if it is shorter.
_TOLERANCE = 1e-7


@dataclass(frozen=True, slots=True)
class Contrasts:
    """The columns that a factor becomes.

    Parameters
    ----------
    matrix : numpy.ndarray
        Shape (levels, columns).
    suffixes : tuple of str
        What is appended to the factor's name, one per column.
    """

    matrix: FloatArray
    suffixes: tuple[str, ...]


def indicators(levels: Levels) -> Contrasts:
    """Return one column for each level, which is one there and zero elsewhere.

    Parameters
    ----------
    levels : Levels
        The levels.

    Returns
    -------
    Contrasts
    """
    return Contrasts(np.eye(len(levels.labels)), levels.labels)


def contrasts(label: str, levels: Levels, coding: Coding | None = None) -> Contrasts:
    """Return the columns of a factor beside an intercept.

    Parameters
    ----------
    label : str
        The factor, for messages.
    levels : Levels
        At least two.
    coding : Coding, optional
        What they are to be; by default R's choice: treatment contrasts, or polynomials for an
        ordered factor.

    Returns
    -------
    Contrasts
        The matrix and the suffixes of its columns, as those of R's ``contr.treatment()`` and so on.

    Raises
    ------
    DataError
        If the coding does not fit the levels.

    References
    ----------
    Chambers, J. M. and Hastie, T. J. (1992). Statistical Models in S, chapter 2. Wadsworth &
    Brooks/Cole.

    Venables, W. N. and Ripley, B. D. (2002). Modern Applied Statistics with S, section 6.2.
    Springer.

    Examples
    --------
    >>> from brmspy.data.contrasts import contrasts
    >>> from brmspy.data.factors import Levels
    >>> from brmspy.formula.codings import Coding
    >>> contrasts("f", Levels(("a", "b", "c")), Coding("sum")).matrix
    array([[ 1.,  0.],
           [ 0.,  1.],
           [-1., -1.]])
    """
    if coding is None or coding.kind == USUAL:
        count = None if coding is None else coding.count
        coding = Coding("poly" if levels.ordered else "treatment", count=count)
    number = len(levels.labels)
    if coding.size is not None and coding.size != number:
        raise DataError(f"{coding} is for {coding.size} levels, but {_found(label, levels)}.")
    if coding.count is not None and coding.count >= number:
        raise DataError(
            f"{label} cannot have {coding.count} columns: {_found(label, levels)}, which leave "
            f"{number - 1} beside the intercept."
        )
    made = _MAKERS[coding.kind](label, levels, coding)
    return Contrasts(made.matrix[:, : coding.count], made.suffixes[: coding.count])


def _treatment(label: str, levels: Levels, coding: Coding) -> Contrasts:
    """Compare each level with a base."""
    base = _place(label, levels, coding, 0)
    kept = [place for place in range(len(levels.labels)) if place != base]
    names = _level_names(levels, coding)
    return Contrasts(np.eye(len(levels.labels))[:, kept], tuple(names[place] for place in kept))


def _sas(label: str, levels: Levels, coding: Coding) -> Contrasts:
    """Compare each level with the last."""
    last = Coding("treatment", base=len(levels.labels), size=coding.size)
    return _treatment(label, levels, last)


def _sum(label: str, levels: Levels, coding: Coding) -> Contrasts:
    """Compare each level but one with the mean of all."""
    number = len(levels.labels)
    omitted = _place(label, levels, coding, number - 1)
    kept = [place for place in range(number) if place != omitted]
    matrix = np.eye(number)[:, kept]
    matrix[omitted] = -1.0
    return Contrasts(matrix, tuple(str(place + 1) for place in kept))


def _helmert(label: str, levels: Levels, coding: Coding) -> Contrasts:
    """Compare each level with the mean of those before."""
    number = len(levels.labels)
    matrix = -np.triu(np.ones((number, number - 1)))
    steps = np.arange(number - 1)
    matrix[steps + 1, steps] = steps + 1
    return Contrasts(matrix, _numbered(number - 1))


def _poly(label: str, levels: Levels, coding: Coding) -> Contrasts:
    """Return orthonormal polynomials over the levels."""
    number = len(levels.labels)
    scores = np.array(coding.scores or range(1, number + 1), dtype=np.float64)
    if len(scores) != number or len(np.unique(scores)) != number or not np.isfinite(scores).all():
        raise DataError(
            f"The scores of {label} must be {number} different numbers, one for each level: "
            f"{_found(label, levels)}."
        )
    powers = tuple(f"^{degree}" for degree in range(4, number))
    return Contrasts(_polynomials(scores), (*_POLYNOMIAL_SUFFIXES[: number - 1], *powers))


def _sdif(label: str, levels: Levels, coding: Coding) -> Contrasts:
    """Compare each level with the one before."""
    number = len(levels.labels)
    later = np.arange(1, number) / number
    below = np.arange(number)[:, None] > np.arange(number - 1)
    names = _level_names(levels, coding)
    suffixes = tuple(f"{names[place + 1]}-{names[place]}" for place in range(number - 1))
    return Contrasts(np.where(below, later, later - 1.0), suffixes)


def _matrix(label: str, levels: Levels, coding: Coding) -> Contrasts:
    """Return the user's matrix, with R's columns added if there are to be."""
    matrix = _rows_of_levels(label, levels, coding)
    number, given = matrix.shape
    suffixes = coding.names or _numbered(given)
    if len(set(suffixes)) < given:
        raise DataError(f"Two columns of the contrast matrix of {label} have the same name.")
    if not np.isfinite(matrix).all():
        raise DataError(f"The contrast matrix of {label} has values that are not finite numbers.")
    if given >= number:
        raise DataError(
            f"The contrast matrix of {label} has {given} columns, but {_found(label, levels)}, "
            f"which leave {number - 1} columns beside the intercept."
        )
    _check_rank(label, matrix)
    if coding.complete and given < (coding.count or number - 1):
        matrix = _completed(matrix)
        suffixes += _numbered(number - 1)[given:]
    return Contrasts(matrix, suffixes)


_MAKERS: Mapping[str, Callable[[str, Levels, Coding], Contrasts]] = MappingProxyType(
    {
        "treatment": _treatment,
        "SAS": _sas,
        "sum": _sum,
        "helmert": _helmert,
        "poly": _poly,
        "sdif": _sdif,
        "matrix": _matrix,
    }
)


def _rows_of_levels(label: str, levels: Levels, coding: Coding) -> FloatArray:
    """Return a matrix with its rows in the order of the levels."""
    matrix = np.array(coding.columns, dtype=np.float64).T
    if len(matrix) != len(levels.labels):
        raise DataError(
            f"The contrast matrix of {label} has {len(matrix)} rows, but {_found(label, levels)}. "
            "It needs a row for each, in this order."
        )
    if not coding.rows:
        return matrix
    if sorted(coding.rows) != sorted(levels.labels):
        raise DataError(
            f"The rows of the contrast matrix of {label} are named {_listed(coding.rows)}, but "
            f"{_found(label, levels)}."
        )
    return matrix[[coding.rows.index(level) for level in levels.labels]]


def _check_rank(label: str, matrix: FloatArray) -> None:
    """Refuse columns of which one follows from the others and the intercept."""
    centred = matrix - matrix.mean(axis=0)
    lengths = np.linalg.norm(matrix, axis=0)
    scaled = centred / np.where(lengths > 0, lengths, 1.0)
    sizes = np.linalg.svd(scaled, compute_uv=False)
    if sizes.min() > _TOLERANCE:
        return
    constant = np.linalg.norm(scaled, axis=0) <= _TOLERANCE
    what = (
        f"column {int(np.flatnonzero(constant)[0]) + 1} is the same for all levels"
        if constant.any()
        else "one of its columns follows from the others"
    )
    raise DataError(
        f"The contrast matrix of {label} cannot be told from the intercept: {what}. "
        "Its columns, together with a column of ones, must be independent."
    )


def _completed(matrix: FloatArray) -> FloatArray:
    """Add orthonormal columns, also to the given ones and the intercept, as R does."""
    number, given = matrix.shape
    beside = np.column_stack([np.ones(number), matrix])
    rotation, _ = np.linalg.qr(beside, mode="complete")
    return np.column_stack([matrix, rotation[:, given + 1 :]])


def _polynomials(scores: FloatArray) -> FloatArray:
    """Return orthonormal polynomials at some places, without the constant."""
    # Any polynomials of increasing degree give the same columns; Legendre's lose the fewest digits.
    low, high = scores.min(), scores.max()
    within = (2.0 * scores - low - high) / (high - low)
    legendre = np.polynomial.legendre.legvander(within, len(scores) - 1)
    basis, triangle = np.linalg.qr(legendre)
    signed: FloatArray = basis * np.sign(np.diag(triangle))
    return signed[:, 1:]


def _place(label: str, levels: Levels, coding: Coding, usual: int) -> int:
    """Return the place of the level that a coding singles out."""
    base, labels = coding.base, levels.labels
    if base is None:
        return usual
    if isinstance(base, int):
        if base > len(labels):
            raise DataError(f"There is no level {base} of {label}: {_found(label, levels)}.")
        return base - 1
    if base not in labels:
        near = closest(base, labels, 1)
        raise DataError(
            f"{coding}: there is no level {base!r}; {_found(label, levels)}."
            + (f" Did you mean {near[0]!r}?" if near else "")
        )
    return labels.index(base)


def _level_names(levels: Levels, coding: Coding) -> tuple[str, ...]:
    """Return the names of levels; R's functions only know their number if they are given that."""
    return levels.labels if coding.size is None else _numbered(len(levels.labels))


def _numbered(number: int) -> tuple[str, ...]:
    return tuple(str(place + 1) for place in range(number))


def _found(label: str, levels: Levels) -> str:
    """Say which levels there are."""
    return f"{label} has {len(levels.labels)} levels in the rows used ({_listed(levels.labels)})"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:20])) + (", …" if len(names) > 20 else "")
