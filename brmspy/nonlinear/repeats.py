"""Subexpressions that a non-linear formula computes more than once."""

from __future__ import annotations

from collections import Counter

from brmspy.formula.nonlinear import Apply, NonlinearExpr, Num
from brmspy.nonlinear.table import OPERATORS

__all__ = ["is_rowwise", "repeated"]


def is_rowwise(expr: NonlinearExpr) -> bool:
    """Say whether Stan computes this for single numbers only.

    Parameters
    ----------
    expr : NonlinearExpr
        The expression; what stands inside it is not looked at.

    Returns
    -------
    bool
    """
    return (
        isinstance(expr, Apply) and expr.function in OPERATORS and OPERATORS[expr.function].rowwise
    )


def repeated(*exprs: NonlinearExpr) -> frozenset[NonlinearExpr]:
    """Find the subexpressions that are worth computing once.

    Numbers, names and their negatives are not. What stands inside a condition or one of its
    branches is left alone: it must not be computed in rows where the branch is not taken, because
    there its derivative may not be finite.

    Parameters
    ----------
    *exprs : NonlinearExpr
        The whole formula, or all formulas of a model.

    Returns
    -------
    frozenset of NonlinearExpr
        The largest repeated subexpressions, and smaller ones that occur outside of them too.

    Examples
    --------
    >>> from brmspy.formula import bf, parse
    >>> from brmspy.nonlinear.repeats import repeated
    >>> body = parse(bf("y ~ exp(a * x) / (1 + exp(a * x))", "a ~ 1", nl=True)).predictor("mu").body
    >>> [node.function for node in repeated(body)]
    ['exp']
    """
    uses: Counter[NonlinearExpr] = Counter(exprs)
    waiting, seen = list(dict.fromkeys(exprs)), set(exprs)
    while waiting:
        node = waiting.pop()
        if not isinstance(node, Apply) or is_rowwise(node):
            continue
        uses.update(node.args)
        new = [arg for arg in dict.fromkeys(node.args) if arg not in seen]
        seen.update(new)
        waiting += new
    return frozenset(node for node, count in uses.items() if count > 1 and _is_work(node))


def _is_work(expr: NonlinearExpr) -> bool:
    """Say whether an expression costs more to compute than to look up."""
    if not isinstance(expr, Apply) or all(isinstance(arg, Num) for arg in expr.args):
        return False
    return expr.function != "neg" or any(isinstance(arg, Apply) for arg in expr.args)
