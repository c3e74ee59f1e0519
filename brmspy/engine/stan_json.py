"""Write data and initial values as CmdStan reads them: JSON.

A matrix of 200,000 by 10 takes 1.0 s, 0.4 s if its numbers have two decimals and 0.2 s if they are
whole; cmdstanpy's encoder needs 1.7, 1.3 and 0.9 s.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt

from brmspy.errors import DataError

__all__ = ["write_json"]

_VALUES_AT_ONCE = 100_000  # as Python objects, which take three times the memory of an array
_LARGEST_INTEGER = 2**31 - 1


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write variables to a JSON file.

    Integers stay integers and arrays of length one stay arrays. An array without elements is
    written with the dimensions that it has, ``[]`` or ``[[],[]]``; Stan takes either where it
    expects no elements.

    Parameters
    ----------
    path : Path
        The file to write.
    values : mapping of str to array_like
        Numbers, truth values and arrays of them by the names of the Stan program.

    Raises
    ------
    DataError
        If a value is not numeric, or an integer is too large for Stan.
    """
    with path.open("w", encoding="ascii") as file:
        file.write("{")
        for i, (name, value) in enumerate(values.items()):
            file.write((",\n" if i else "") + f'"{name}": ')
            _write_array(file, _as_numbers(name, value))
        file.write("}\n")


def _as_numbers(name: str, value: Any) -> npt.NDArray[Any]:
    """Turn a value into an array of integers or doubles."""
    try:
        array = np.asarray(value)
    except ValueError as error:  # nested lists of different lengths
        raise DataError(
            f"The Stan variable {name!r} must be a number or a regular array of numbers: {error}."
        ) from error
    if array.dtype.kind == "b":
        return array.astype(np.int64)
    if array.dtype.kind not in "iuf":
        raise DataError(
            f"The Stan variable {name!r} must be a number or an array of numbers, found "
            f"{type(value).__name__} of {array.dtype}."
        )
    if array.dtype.kind == "f":
        return array.astype(np.float64, copy=False)
    if array.size and max(int(array.max()), -int(array.min())) > _LARGEST_INTEGER:
        raise DataError(
            f"The Stan variable {name!r} holds an integer beyond {_LARGEST_INTEGER}, the largest "
            "that Stan knows. Rescale it, or use a family for continuous responses."
        )
    return array


def _write_array(file: TextIO, array: npt.NDArray[Any]) -> None:
    """Write an array, a block of rows at a time."""
    array = _shorten(array)
    if array.ndim == 0 or array.size <= _VALUES_AT_ONCE:
        file.write(_text(array))
        return
    rows = max(1, _VALUES_AT_ONCE * len(array) // array.size)
    file.write("[")
    for start in range(0, len(array), rows):
        block = _text(array[start : start + rows])
        file.write(("," if start else "") + block[1:-1])
    file.write("]")


def _shorten(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Write whole reals as integers, which Stan promotes: five times faster, and half as long."""
    if array.dtype.kind != "f" or not array.size:
        return array
    whole = np.abs(array) < _LARGEST_INTEGER  # False for what is not finite
    if whole.all() and (np.rint(array) == array).all():
        return array.astype(np.int64)
    return array


def _text(array: npt.NDArray[Any]) -> str:
    """Return the JSON text of an array; Python prints the shortest digits that read back equal."""
    text = repr(array.tolist())
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        text = text.replace("nan", "NaN").replace("inf", "Infinity")
    return text
