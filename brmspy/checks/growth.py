"""How far the rows of each group go along its curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.fit import Fit
from brmspy.formula import LinearPredictor, curve_body, curve_limit
from brmspy.formula.nonlinear import Apply, NonlinearExpr, Num, Parameter, walk
from brmspy.nonlinear import evaluate
from brmspy.predict import posterior_linpred
from brmspy.priors.curves import CurveUse, curve_in_use

__all__ = ["GroupReach", "Reach", "curve_reach"]

FloatArray = NDArray[np.float64]

_DRAWS = 400


@dataclass(frozen=True)
class GroupReach:
    """How far the rows of one group go.

    Attributes
    ----------
    label : str
        The group.
    rows : int
        Number of its rows.
    share : float
        Of the way of the group's curve to its asymptote, from the smallest input of all rows, how
        much the row has behind it that comes nearest to the asymptote; the median over draws.
    at : float
        The input of that row.
    """

    label: str
    rows: int
    share: float
    at: float


@dataclass(frozen=True)
class Reach:
    """How far the rows go along their curves.

    Attributes
    ----------
    curve : str
        The named curve.
    asymptote : str
        The asymptote in terms of the model's parameters.
    input : str
        What the curve is a function of, as the user calls it.
    first : float
        The smallest input of all rows.
    by : str
        What tells the groups apart; empty if all rows have the same curve.
    groups : tuple of GroupReach
        The least far first.
    """

    curve: str
    asymptote: str
    input: str
    first: float
    by: str
    groups: tuple[GroupReach, ...]

    @property
    def rows(self) -> int:
        """Number of rows of all groups."""
        return sum(group.rows for group in self.groups)


def curve_reach(fit: Fit) -> Reach | None:
    """Return how far the rows of each group go towards the asymptote of its own fitted curve.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.

    Returns
    -------
    Reach or None
        None if the model's mean is no named curve with an asymptote.
    """
    design = fit.model.design
    use = curve_in_use(design)
    limit = None if use is None else curve_limit(use.curve)
    if use is None or limit is None or len(use.curve.inputs) != 1:
        return None
    values = _values(fit, use)
    end = _taken(limit, {name: float(np.median(draws)) for name, draws in values.items()})
    if not any(isinstance(node, Parameter) for node in walk(end)):
        return None  # a decay to zero, of which nothing is to be learnt
    [x] = use.inputs.values()
    shares = _shares(use, values, end)
    by = _columns(fit, use)
    labels = _labels(design.data, by)
    found = []
    for label in pd.unique(labels):
        rows = np.flatnonzero(labels == label)
        known = rows[np.isfinite(shares[rows])]
        if len(known):
            best = known[np.argmax(shares[known])]
            found.append(GroupReach(label, len(rows), float(shares[best]), float(x[best])))
    if not found:
        return None
    return Reach(
        use.curve.name,
        _in_words(end, use),
        _input(fit, use),
        float(x.min()),
        ", ".join(by),
        tuple(sorted(found, key=lambda group: group.share)),
    )


def _values(fit: Fit, use: CurveUse) -> dict[str, FloatArray]:
    """Return draws of the curve's parameters in each row, shape (draw, row) or ()."""
    sizes = fit.groups["posterior"].sizes
    chains = int(sizes["chain"])
    each = max(1, min(_DRAWS // chains, int(sizes["draw"])))
    values = {name: np.asarray(value) for name, value in use.fixed.items()}
    for argument, nlpar in use.natural.items():
        draws = posterior_linpred(fit, nlpar=nlpar, ndraws=chains * each)
        values[argument] = draws.to_numpy().reshape(-1, fit.nobs)
    return values


def _taken(expr: NonlinearExpr, values: dict[str, float]) -> NonlinearExpr:
    """Return the branch of a condition that holds."""
    while isinstance(expr, Apply) and expr.function == "ifelse":
        test, yes, no = expr.args
        expr = yes if evaluate(test, values) != 0.0 else no
    return expr


def _shares(use: CurveUse, values: dict[str, FloatArray], end: NonlinearExpr) -> FloatArray:
    """Return how much of its way the curve has behind it at each row, the median over draws."""
    [(name, x)] = use.inputs.items()
    body = curve_body(use.curve)
    with np.errstate(all="ignore"):
        at = evaluate(body, {**values, name: x})
        first = evaluate(body, {**values, name: np.full(len(x), x.min())})
        share = (at - first) / (evaluate(end, values) - first)
    share = np.atleast_2d(share)
    return np.asarray(np.median(np.broadcast_to(share, (len(share), len(x))), axis=0))


def _columns(fit: Fit, use: CurveUse) -> list[str]:
    """Return the columns that tell curves apart: grouping factors, and predictors without numbers.

    The inner of nested factors is enough, as its levels are named by the outer ones too.
    """
    design = fit.model.design
    names: dict[str, None] = {}
    for info in design.groups:
        if any(coef.predictor in use.nlpars for coef in info.coefs):
            names |= dict.fromkeys(info.factors)
    for name in use.nlpars:
        predictor = design.terms.predictor(name)
        if isinstance(predictor, LinearPredictor):
            for column in predictor.fixed.variables:
                if not pd.api.types.is_numeric_dtype(design.data[column]):
                    names[column] = None
    return list(names)


def _labels(data: pd.DataFrame, columns: list[str]) -> NDArray[np.object_]:
    """Return the group of each row."""
    if not columns:
        return np.full(len(data), "", dtype=object)
    parts = [data[column].astype(str).to_numpy(dtype=object) for column in columns]
    return np.array([", ".join(row) for row in zip(*parts, strict=True)], dtype=object)


def _in_words(expr: NonlinearExpr, use: CurveUse) -> str:
    """Return an expression of a curve's arguments with the model's names in their place."""
    if isinstance(expr, Apply):
        args = [_in_words(arg, use) for arg in expr.args]
        if expr.function.isidentifier():
            return f"{expr.function}({', '.join(args)})"
        return f" {expr.function} ".join(args)
    if isinstance(expr, Num):
        return f"{expr.value:g}"
    return use.natural.get(expr.name, expr.name)


def _input(fit: Fit, use: CurveUse) -> str:
    """Return the columns that the input is made of."""
    found = fit.model.design.terms.predictor(use.predictor)
    return " and ".join(found.variables)
