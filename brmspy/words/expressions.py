"""Non-linear formulas in LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set

from brmspy.formula.nonlinear import Apply, Covariate, NonlinearExpr, Num, Parameter
from brmspy.priors.numbers import format_number
from brmspy.words.symbols import escaped, joined, of_row, plain_number, symbol

__all__ = ["in_latex"]

_ATOM = 10
_POWER, _NEGATIVE, _PRODUCT, _SUM, _COMPARISON, _NOT, _AND, _OR = 8, 7, 6, 5, 4, 3, 2, 1

_INFIX: Mapping[str, tuple[str, int]] = {
    "+": (" + ", _SUM),
    "-": (" - ", _SUM),
    "*": (r" \, ", _PRODUCT),
    "<": (" < ", _COMPARISON),
    ">": (" > ", _COMPARISON),
    "<=": (r" \leq ", _COMPARISON),
    ">=": (r" \geq ", _COMPARISON),
    "==": (" = ", _COMPARISON),
    "!=": (r" \neq ", _COMPARISON),
    "&": (r" \wedge ", _AND),
    "|": (r" \vee ", _OR),
}
# Functions that have a notation of their own; all others are called by name.
_NOTATIONS: Mapping[str, Callable[..., str]] = {
    "sqrt": lambda x: rf"\sqrt{{{x}}}",
    "cbrt": lambda x: rf"\sqrt[3]{{{x}}}",
    "abs": lambda x: rf"\left|{x}\right|",
    "floor": lambda x: rf"\left\lfloor {x} \right\rfloor",
    "ceiling": lambda x: rf"\left\lceil {x} \right\rceil",
    "inv": lambda x: rf"\frac{{1}}{{{x}}}",
    "inv_sqrt": lambda x: rf"\frac{{1}}{{\sqrt{{{x}}}}}",
}
_NAMES: Mapping[str, str] = {
    **{name: "\\" + name for name in ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{"asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan"},
    **{"log2": r"\log_{2}", "log10": r"\log_{10}", "inv_logit": r"\operatorname{logit}^{-1}"},
    **{"gamma": r"\Gamma", "lgamma": r"\log\Gamma", "digamma": r"\psi", "trigamma": r"\psi'"},
    **{"Phi": r"\Phi", "inv_Phi": r"\Phi^{-1}", "beta": r"\mathrm{B}", "lbeta": r"\log\mathrm{B}"},
    **{"pmin": r"\min", "pmax": r"\max", "ifelse": r"\operatorname{if}"},
}


def in_latex(expr: NonlinearExpr, constant: Set[str] = frozenset()) -> str:
    r"""Write a non-linear formula in LaTeX.

    Parameters
    ----------
    expr : NonlinearExpr
        The formula.
    constant : set of str
        Parameters that are the same in all rows, and need no index.

    Returns
    -------
    str

    Examples
    --------
    >>> from brmspy.formula import bf, parse
    >>> from brmspy.words.expressions import in_latex
    >>> body = parse(bf("y ~ alpha * exp(-x / 2)", "alpha ~ 1", nl=True)).predictor("mu").body
    >>> print(in_latex(body, {"alpha"}))
    \alpha \, \exp\left(\frac{-\text{x}_i}{2}\right)
    """
    return _write(expr, constant)[0]


def _write(expr: NonlinearExpr, constant: Set[str]) -> tuple[str, int]:
    """Return LaTeX, and how tightly it binds."""
    match expr:
        case Num(value=value):
            number = plain_number(format_number(value))
            return number, _NEGATIVE if value < 0 else _PRODUCT if "times" in number else _ATOM
        case Covariate(name=name):
            return of_row(name), _ATOM
        case Parameter(name=name):
            return symbol(name) + ("" if name in constant else "_i"), _ATOM
        case Apply(function="/", args=(above, below)):
            return rf"\frac{{{_write(above, constant)[0]}}}{{{_write(below, constant)[0]}}}", _ATOM
        case Apply(function="^", args=(base, power)):
            return _within(base, constant, _ATOM) + f"^{{{_write(power, constant)[0]}}}", _POWER
        case Apply(function="square", args=(base,)):
            return _within(base, constant, _ATOM) + "^{2}", _POWER
        case Apply(function="neg", args=(inner,)):
            return "-" + _within(inner, constant, _PRODUCT), _NEGATIVE
        case Apply(function="!", args=(inner,)):
            return r"\neg " + _within(inner, constant, _ATOM), _NOT
        case Apply(function=function, args=(left, right)) if function in _INFIX:
            sign, binding = _INFIX[function]
            # What stands behind an operator binds more tightly: a - (b - c), a \, (-b).
            behind = _POWER if function == "*" else binding + 1
            text = f"{_within(left, constant, binding)}{sign}{_within(right, constant, behind)}"
            return text, binding
        case Apply(function=function, args=args):
            written = [_write(arg, constant)[0] for arg in args]
            return _call(function, written), _ATOM
    raise TypeError(f"{expr!r} is no expression")  # pragma: no cover


def _call(function: str, args: list[str]) -> str:
    """Write a function with its arguments."""
    if function in _NOTATIONS:
        return _NOTATIONS[function](*args)
    name = _NAMES.get(function, rf"\operatorname{{{escaped(function)}}}")
    return rf"{name}\left({joined(args)}\right)"


def _within(expr: NonlinearExpr, constant: Set[str], least: int) -> str:
    """Write an expression, between parentheses if it binds less tightly than is asked for."""
    text, binding = _write(expr, constant)
    return rf"\left({text}\right)" if binding < least else text
