"""The likelihood as a sum over slices of rows, which the threads of a chain compute side by side.

Stan's ``reduce_sum_static`` hands slices of rows to threads. Each slice has its own linear
predictors: computed outside, they would be one thread's work, and as many parameters to copy as
there are rows. What is copied to each slice instead are coefficients and the coordinates of
group-level effects. ``reduce_sum_static`` rather than ``reduce_sum``, whose slices depend on which
thread is idle: with the same seed, draws would differ in rounding and soon altogether.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from brmspy.data import Design
from brmspy.families import Family
from brmspy.program.compose import TermSet
from brmspy.program.inputs import Input, by_row, shared
from brmspy.program.predictors import Covariate

__all__ = ["Slices", "slices", "with_named_coordinates"]

# benchmarks/threads.py. Some slices more than threads even out what threads lose to other
# processes, and keep what a slice works on in the processor's caches.
_SLICES_PER_THREAD = 4
# To copy a coordinate to a slice and its derivative back costs about a quarter of a row; to begin a
# slice, about a hundred rows.
_ROWS_PER_COORDINATE = 4
_WORTHWHILE = 2000
_ARRAY = "array[] int"
_INDENT = " " * 6
_WIDTH = 92


@dataclass(frozen=True)
class Slices:
    """A likelihood that is summed over slices of rows.

    Attributes
    ----------
    response : Input
        The response.
    others : tuple of Input
        What else the likelihood reads.
    sparse : bool
        Whether rows of sparse matrices are among it.
    grainsize : int
        Largest number of rows of a slice.
    """

    response: Input
    others: tuple[Input, ...]
    sparse: bool
    grainsize: int

    @property
    def numbered(self) -> bool:
        """Whether row numbers are sliced: Stan slices arrays, but the response is a vector."""
        return self.response.type != _ARRAY

    @property
    def whole(self) -> str:
        """Stan text of the arguments of the sum over all slices."""
        names = [needed.name for needed in self._unsliced]
        return _wrapped(["partial_log_lik", self._sliced, "grainsize", *names])

    @property
    def arguments_of_part(self) -> str:
        """Stan text of the arguments that the function of a slice declares."""
        typed = [needed.typed for needed in self._unsliced]
        return _wrapped([f"{_ARRAY} {self._sliced}", "int start", "int end", *typed])

    @property
    def part(self) -> str:
        """Stan text of what rows ``start`` to ``end`` need."""
        response = self.response.part if self.numbered else self.response.name
        return _wrapped(["end - start + 1", response, *(needed.part for needed in self.others)])

    @property
    def arguments_of_rows(self) -> str:
        """Stan text of the arguments that the function of some rows declares."""
        typed = [needed.typed for needed in (self.response, *self.others)]
        return _wrapped(["int N", *typed])

    @property
    def _sliced(self) -> str:
        """Name of the array that Stan slices."""
        return "row_numbers" if self.numbered else self.response.name

    @property
    def _unsliced(self) -> tuple[Input, ...]:
        """What the slices are handed as a whole."""
        return (self.response, *self.others) if self.numbered else self.others

    @property
    def helpers(self) -> tuple[str, ...]:
        """Names of the Stan functions that slicing calls."""
        return ("row_starts",) if self.sparse else ()

    @property
    def data(self) -> dict[str, Any]:
        """The size of the slices."""
        return {"grainsize": self.grainsize}


def with_named_coordinates(terms: TermSet) -> TermSet:
    """Return the terms with a variable for each predictor's coordinates, to be handed to slices.

    Parameters
    ----------
    terms : TermSet
        The terms of the program.

    Returns
    -------
    TermSet
    """
    return replace(
        terms, effects={name: replace(term, named=True) for name, term in terms.effects.items()}
    )


def slices(
    design: Design,
    family: Family,
    terms: TermSet,
    covariates: Sequence[Covariate],
    scalars: Iterable[str],
    threads: int,
) -> Slices:
    """Return what the likelihood needs to be summed over slices of rows.

    Parameters
    ----------
    design : Design
        The design, with the rows that the program has.
    family : Family
        The response's family.
    terms : TermSet
        The terms of the program.
    covariates : sequence of Covariate
        Columns that non-linear formulas read.
    scalars : iterable of str
        Distributional parameters that are one number.
    threads : int
        Number of threads.

    Returns
    -------
    Slices
    """
    arrays = design.arrays
    others: list[Input] = []
    if arrays.trials is not None:
        others.append(by_row("trials", _ARRAY))
    if arrays.weights is not None:
        others.append(by_row("weights"))
    others += [by_row(covariate.stan) for covariate in covariates]
    others += [needed for term in terms.all for needed in term.inputs]
    others += [shared(name, "real") for name in scalars]
    coordinates = sum(term.Z.shape[1] for term in terms.effects.values())
    return Slices(
        by_row("Y", _ARRAY) if family.discrete else by_row("Y"),
        tuple(others),
        bool(terms.effects),
        _grainsize(arrays.nobs, coordinates, threads),
    )


def _wrapped(items: Sequence[str]) -> str:
    """Return a list of arguments, broken into lines between them."""
    lines = [items[0]]
    for item in items[1:]:
        if len(lines[-1]) + len(item) + 2 > _WIDTH:
            lines[-1] += ","
            lines.append(item)
        else:
            lines[-1] += f", {item}"
    return "\n".join(f"{_INDENT}{line}" for line in lines)


def _grainsize(rows: int, coordinates: int, threads: int) -> int:
    """Return the number of rows of a slice: few, but many compared with what a slice costs."""
    wanted = max(
        -(-rows // (_SLICES_PER_THREAD * threads)),
        _ROWS_PER_COORDINATE * coordinates,
        _WORTHWHILE,
    )
    return max(1, min(wanted, -(-rows // threads)))
