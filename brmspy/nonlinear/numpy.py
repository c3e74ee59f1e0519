"""A non-linear formula in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from brmspy.formula.nonlinear import Apply, NonlinearExpr, Num
from brmspy.nonlinear.table import FUNCTIONS, OPERATORS, Array

__all__ = ["evaluate"]


def evaluate(expr: NonlinearExpr, values: Mapping[str, npt.ArrayLike]) -> Array:
    """Compute a non-linear formula.

    What is not defined, such as the logarithm of a negative number, is NaN, as in Stan.

    Parameters
    ----------
    expr : NonlinearExpr
        The formula.
    values : mapping of str to array_like
        The value of every covariate and parameter; shapes must broadcast, such as ``(draws, 1)``
        for a parameter and ``(obs,)`` for a covariate.

    Returns
    -------
    ndarray
        The value, in the shape that the values broadcast to.

    Examples
    --------
    >>> from brmspy.formula import bf, parse
    >>> from brmspy.nonlinear import evaluate
    >>> body = parse(bf("y ~ a * x^2", "a ~ 1", nl=True)).predictor("mu").body
    >>> evaluate(body, {"a": 0.5, "x": [1, 2, 3]}).tolist()
    [0.5, 2.0, 4.5]
    """
    results: list[Array] = []
    with np.errstate(all="ignore"):
        for step in _steps(expr):
            if isinstance(step, _Call):
                results.append(step.function(*(results[place] for place in step.args)))
            elif isinstance(step, str):
                results.append(np.asarray(values[step], dtype=np.float64))
            else:
                results.append(np.asarray(step))
    return np.asarray(results[-1], dtype=np.float64)


@dataclass(frozen=True)
class _Call:
    """A function of results that came before."""

    function: Callable[..., Array]
    args: tuple[int, ...]


@lru_cache(maxsize=64)
def _steps(expr: NonlinearExpr) -> tuple[_Call | str | float, ...]:
    """Return what to compute one after the other: every subexpression once, the whole last."""
    steps: list[_Call | str | float] = []
    places: dict[NonlinearExpr, int] = {}

    def place(node: NonlinearExpr) -> int:
        if node not in places:
            if isinstance(node, Apply):
                forms = FUNCTIONS.get(node.function) or OPERATORS[node.function]
                step: _Call | str | float = _Call(forms.numpy, tuple(map(place, node.args)))
            else:
                step = node.value if isinstance(node, Num) else node.name
            steps.append(step)
            places[node] = len(steps) - 1
        return places[node]

    place(expr)
    return tuple(steps)
