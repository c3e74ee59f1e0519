"""All named curves: those that come with brmspy, and those that users add.

A curve is expanded where it is called, so that fit and prediction see nothing but its body.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from brmspy.errors import FormulaError, did_you_mean
from brmspy.formula.curve import Curve
from brmspy.formula.expression import names_in
from brmspy.formula.functions import known_names
from brmspy.formula.grammar import parse_expression
from brmspy.formula.library import RECORDS

__all__ = ["CURVES", "Curve", "add_curve", "remove_curve"]

_OWN = frozenset(record.name for record in RECORDS)
_KNOWN: dict[str, Curve] = {record.name: record for record in RECORDS}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.]*")

CURVES: Mapping[str, Curve] = MappingProxyType(_KNOWN)
"""All named curves by name."""


def add_curve(curve: Curve, *, replace: bool = False) -> None:
    """Let formulas call a curve.

    Parameters
    ----------
    curve : Curve
        The curve.
    replace : bool
        Whether it may take the place of another that a user added.

    Raises
    ------
    FormulaError
        If the name is taken or no name, the body cannot be read, or the body and the list of
        arguments do not go together.
    """
    _check_name(curve.name, replace)
    if not curve.inputs or not curve.parameters:
        raise FormulaError(
            f"The curve {curve.name} needs inputs, which are data, and parameters.",
            hint=f"Its arguments are {_listed(curve.arguments)}, its inputs "
            f"{_listed(curve.inputs)}.",
        )
    for name in (*curve.inputs, *curve.units, *curve.bounds):
        if name not in curve.arguments:
            raise FormulaError(
                f"The curve {curve.name} has no argument {name!r}.",
                hint=did_you_mean(name, curve.arguments),
            )
    used = dict.fromkeys(names_in(curve.expression))
    for name in used:
        if name not in curve.arguments:
            start = curve.body.index(name)
            raise FormulaError(
                f"The curve {curve.name} reads {name!r}, which is not among its arguments.",
                curve.body,
                (start, start + len(name)),
                did_you_mean(name, curve.arguments),
            )
    for name in curve.arguments:
        if name not in used:
            raise FormulaError(
                f"The curve {curve.name} has an argument {name!r}, which its body never reads.",
                curve.body,
                (0, len(curve.body)),
            )
    if curve.limit:
        _check_limit(curve)
    _KNOWN[curve.name] = curve


def _check_limit(curve: Curve) -> None:
    """Refuse a limit that reads anything but parameters."""
    for name in dict.fromkeys(names_in(parse_expression(curve.limit))):
        if name not in curve.parameters:
            start = curve.limit.index(name)
            what = "an input" if name in curve.inputs else "not among its arguments"
            raise FormulaError(
                f"The limit of the curve {curve.name} reads {name!r}, which is {what}.",
                curve.limit,
                (start, start + len(name)),
                did_you_mean(name, curve.parameters),
            )


def remove_curve(name: str) -> None:
    """Forget a curve that was added.

    Parameters
    ----------
    name : str
        Its name.

    Raises
    ------
    FormulaError
        If no user added a curve of that name.
    """
    if name in _OWN or name not in _KNOWN:
        raise FormulaError(
            f"No curve {name!r} was added.", hint=did_you_mean(name, _KNOWN.keys() - _OWN)
        )
    del _KNOWN[name]


def _check_name(name: str, replace: bool) -> None:
    """Refuse a name that formulas cannot call, or that means something else."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise FormulaError(
            f"{name!r} cannot be the name of a curve.",
            hint="Names begin with a letter, and go on with letters, digits and dots.",
        )
    if name in _OWN or name in known_names():
        raise FormulaError(f"{name}() exists already.", hint="Choose another name for the curve.")
    if name in _KNOWN and not replace:
        raise FormulaError(
            f"A curve {name!r} was added before.", hint="replace=True puts this one in its place."
        )


def _listed(names: Iterable[str]) -> str:
    """Return names in a row, or that there are none."""
    return ", ".join(names) or "none"
