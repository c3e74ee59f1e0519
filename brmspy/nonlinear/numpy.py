"""A non-linear formula in NumPy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from brmspy.formula.nonlinear import Apply, NonlinearExpr, Num
from brmspy.nonlinear.repeats import repeated
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
    shared = repeated(expr)
    known: dict[NonlinearExpr, Array] = {}
    arrays = {name: np.asarray(value, dtype=np.float64) for name, value in values.items()}

    def compute(node: NonlinearExpr) -> Array:
        if isinstance(node, Num):
            return np.asarray(node.value)
        if not isinstance(node, Apply):
            return arrays[node.name]
        if node in known:
            return known[node]
        forms = FUNCTIONS.get(node.function) or OPERATORS[node.function]
        result: Array = forms.numpy(*map(compute, node.args))
        if node in shared:
            known[node] = result
        return result

    with np.errstate(all="ignore"):
        return np.asarray(compute(expr), dtype=np.float64)
