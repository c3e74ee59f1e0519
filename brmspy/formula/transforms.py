"""Non-linear parameters that are positive, bounded or in order: formulas of transformed parameters.

``bf(..., "Asym ~ 1 + (1 | g)", transform={"Asym": "log"})`` is short for
``bf(..., "logAsym ~ 1 + (1 | g)", nlf("Asym ~ exp(logAsym)"))``: coefficients and group-level
effects are on the scale of the logarithm and have its name, predictions of ``Asym`` are on the
natural scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from brmspy.errors import FormulaError, did_you_mean
from brmspy.formula.expression import names_in, quoted
from brmspy.formula.grammar import parse_sides

__all__ = ["TRANSFORMS", "Rewritten", "Transform", "rewritten"]

Transform: TypeAlias = "str | Sequence[str | float]"
Rewritten: TypeAlias = "tuple[str, str, str]"

TRANSFORMS: Mapping[str, str] = {
    "log": "positive: 'log', or above a number: ('log', lower)",
    "softplus": "positive, and nearly untransformed where it is large: 'softplus'",
    "logit": "between 0 and 1: 'logit', or between two numbers: ('logit', lower, upper)",
    "ordered": "above another parameter: ('ordered', 'other')",
}
"""What each transformation makes of a parameter, and how it is written."""


def rewritten(
    source: str, transform: Mapping[str, Transform], taken: Iterable[str]
) -> tuple[str | None, list[Rewritten]]:
    """Take the transformed parameters out of a linear formula.

    Parameters
    ----------
    source : str
        A formula, ``"Asym + lrc ~ 1"``.
    transform : mapping of str to str or tuple
        Transformations by parameter.
    taken : iterable of str
        Names that are not free.

    Returns
    -------
    rest : str or None
        The formula of the parameters that are not transformed; None if there are none.
    made : list of (str, str, str)
        For each of the others: its name, the linear formula of the transformed parameter, and the
        non-linear one of itself.

    Raises
    ------
    FormulaError
        If a transformation is not valid, or the name of the transformed parameter is taken.
    """
    sides = parse_sides(source)
    if sides.left is None:
        return source, []
    names = list(dict.fromkeys(names_in(sides.left)))
    chosen = [name for name in names if name in transform]
    if not chosen:
        return source, []
    right = source[source.index("~", sides.left.span.end) :]
    made = []
    for name in chosen:
        inner, body = _parts(name, transform[name])
        if inner in taken:
            raise FormulaError(
                f"transform makes {name!r} of a parameter {inner!r}, but that name is taken.",
                source,
                (0, len(source)),
                f"Rename {inner!r}, or write the transformation yourself: "
                f"nlf('{quoted(name)} ~ ...').",
            )
        made.append((name, f"{quoted(inner)} {right}", f"{quoted(name)} ~ {body}"))
    rest = [quoted(name) for name in names if name not in transform]
    return (f"{' + '.join(rest)} {right}" if rest else None), made


def _parts(name: str, transform: Transform) -> tuple[str, str]:
    """Return the name of the transformed parameter, and what makes the natural one of it."""
    kind, *arguments = (transform,) if isinstance(transform, str) else tuple(transform)
    if kind not in TRANSFORMS:
        raise FormulaError(
            f"transform = {{{name!r}: {transform!r}}} is not valid. "
            + did_you_mean(str(kind), TRANSFORMS),
            hint="\n".join(f"  {text}" for text in TRANSFORMS.values()),
        )
    inner = f"logdiff{name}" if kind == "ordered" else f"{kind}{name}"
    body = _BODIES[str(kind)](quoted(inner), arguments)
    if body is None:
        raise FormulaError(
            f"transform = {{{name!r}: {transform!r}}} is not valid: "
            f"{kind!r} is written {TRANSFORMS[str(kind)].partition(': ')[2]}.",
        )
    return inner, body


def _log(inner: str, arguments: Sequence[str | float]) -> str | None:
    if not arguments:
        return f"exp({inner})"
    numbers = _numbers(arguments, 1)
    return None if numbers is None else f"{_text(numbers[0])} + exp({inner})"


def _softplus(inner: str, arguments: Sequence[str | float]) -> str | None:
    return None if arguments else f"log1p_exp({inner})"


def _logit(inner: str, arguments: Sequence[str | float]) -> str | None:
    if not arguments:
        return f"inv_logit({inner})"
    numbers = _numbers(arguments, 2)
    if numbers is None or not numbers[0] < numbers[1]:
        return None
    low, width = _text(numbers[0]), _text(numbers[1] - numbers[0])
    return f"{low} + {width} * inv_logit({inner})"


def _ordered(inner: str, arguments: Sequence[str | float]) -> str | None:
    if len(arguments) != 1 or not isinstance(arguments[0], str) or not arguments[0].strip():
        return None
    return f"{quoted(arguments[0])} + exp({inner})"


_BODIES: Mapping[str, Callable[[str, Sequence[str | float]], str | None]] = {
    "log": _log,
    "softplus": _softplus,
    "logit": _logit,
    "ordered": _ordered,
}


def _numbers(arguments: Sequence[str | float], count: int) -> list[float] | None:
    """Return arguments as finite numbers, or None if they are not just these."""
    fine = [
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        for value in arguments
    ]
    return [float(value) for value in arguments] if len(fine) == count and all(fine) else None


def _text(value: float) -> str:
    """Write a number in a formula."""
    return f"({value!r})" if value < 0.0 else repr(value)
