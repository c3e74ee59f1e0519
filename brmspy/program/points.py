"""One point of a program: from what a chain starts with to what `Program.recover` reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.program.parameters import StanParameter
from brmspy.program.program import Program
from brmspy.program.unconstrained import constrain, from_unconstrained

__all__ = ["draws_at", "random_point"]

FloatArray = NDArray[np.float64]


def draws_at(program: Program, point: Mapping[str, Any]) -> dict[str, FloatArray]:
    """Return a starting point as the one draw of one chain.

    Parameters
    ----------
    program : Program
        The program.
    point : mapping of str to array_like
        Values of all that is sampled, by the names of the Stan program.

    Returns
    -------
    dict of str to ndarray, shape (1, 1, ...)
        What `Program.recover` reads, computed as the program does.
    """
    values: dict[str, FloatArray] = {}
    for parameter in program.parameters:
        if parameter.fixed == "all" or parameter.definition:
            continue
        if parameter.fixed == "some":
            whole = np.array([e.args[0] if e.args else np.nan for e in parameter.elements])
            whole[parameter.free_positions] = np.ravel(point[parameter.free])
            values[parameter.name] = whole
        else:
            values[parameter.name] = np.asarray(point[parameter.name], dtype=float)
    values |= _computed(program, values)
    return {name: np.asarray(value)[None, None] for name, value in values.items()}


def _computed(program: Program, values: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Return what the program computes from the coordinates that it samples."""
    standard = program.terms.standard
    if standard is None:
        return {}
    coordinates = values["std_coefs"]
    free = standard.whitening.location + standard.whitening.scale @ coordinates
    found: dict[str, FloatArray] = {}
    start = 0
    for term in standard.populations:
        stacked = from_unconstrained(free[start : start + term.count], *term.interval)
        start += term.count
        first = int(term.intercept is not None)
        if term.intercept is not None:
            found[term.intercept.name] = stacked[0]
        if term.coefficients is not None:
            found[term.coefficients.name] = stacked[first:]
    for effects in program.terms.uncorrelated.values():
        if effects.u is not None and effects.d is not None and effects.shift is not None:
            found[effects.u.name] = values[effects.d.name] + effects.shift @ coordinates
    return found


def random_point(program: Program, rng: np.random.Generator, radius: float) -> dict[str, Any]:
    """Return a point as Stan draws it: uniform on the unconstrained scale.

    Parameters
    ----------
    program : Program
        The program.
    rng : numpy.random.Generator
        Random numbers.
    radius : float
        From minus this to this.

    Returns
    -------
    dict of str to Any
        By the names of the Stan program.
    """
    point: dict[str, Any] = {}
    for parameter in program.parameters:
        if parameter.fixed == "all" or parameter.definition:
            continue
        shape = _shape(program, parameter)
        count = int(np.prod(shape))
        if parameter.type == "cholesky_factor_corr":
            count = shape[0] * (shape[0] - 1) // 2
        free = rng.uniform(-radius, radius, size=count)
        name = parameter.free if parameter.fixed == "some" else parameter.name
        point[name] = constrain(parameter, free, shape)
    return point


def _shape(program: Program, parameter: StanParameter) -> tuple[int, ...]:
    """Return the shape of what is sampled of a block."""
    if parameter.fixed == "some":
        return (len(parameter.free_positions),)
    if not parameter.size:
        return ()
    sizes = tuple(program.size_of(text) for text in parameter.size.split(", "))
    return (sizes[0], sizes[0]) if parameter.type == "cholesky_factor_corr" else sizes
