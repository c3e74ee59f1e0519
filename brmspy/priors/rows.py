"""What users write about priors: one row for each parameter or class of parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from brmspy.errors import PriorError
from brmspy.markup import block
from brmspy.priors.numbers import format_number
from brmspy.priors.syntax import Density, parse_density, parse_number

__all__ = ["Prior", "prior", "set_prior"]

_PLACES = ("class_", "coef", "group", "dpar", "nlpar")


@dataclass(frozen=True)
class Prior:
    """The prior of a parameter, or of all parameters of a class; made by `prior`.

    Attributes
    ----------
    prior : str
        The density.
    class_ : str
        Class of parameters: ``"b"``, ``"Intercept"``, ``"sd"``, ``"cor"``, ``"sigma"``, ...
    coef, group, dpar, nlpar : str
        Which parameters of the class; empty for all.
    lb, ub : float or None
        Bounds; None leaves them as they are.
    density : Density
        `prior`, read.
    """

    prior: str
    class_: str = "b"
    coef: str = ""
    group: str = ""
    dpar: str = ""
    nlpar: str = ""
    lb: float | None = None
    ub: float | None = None
    density: Density = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "density", parse_density(self.prior))
        if self.lb is not None and self.ub is not None and not self.lb < self.ub:
            raise PriorError(
                f"lb = {format_number(self.lb)} is not less than ub = {format_number(self.ub)} "
                f"in {self}."
            )

    def __str__(self) -> str:
        parts = [repr(self.prior)]
        parts += [f"{name}={value!r}" for name in _PLACES if (value := getattr(self, name))]
        bounds = {"lb": self.lb, "ub": self.ub}
        parts += [f"{name}={_exact(bound)}" for name, bound in bounds.items() if bound is not None]
        return f"prior({', '.join(parts)})"

    def _repr_html_(self) -> str:
        return block("prior", "Prior", [f"<code>{escape(str(self))}</code>"])

    def __add__(self, other: Prior | Iterable[Prior]) -> tuple[Prior, ...]:
        return (self, *_rows(other))

    def __radd__(self, other: Iterable[Prior]) -> tuple[Prior, ...]:
        return (*_rows(other), self)

    def to_dict(self) -> dict[str, Any]:
        """Return the arguments of `prior`, ready for JSON; infinite bounds are text."""
        bounds = {"lb": self.lb, "ub": self.ub}
        return {
            "prior": self.prior,
            **{name: getattr(self, name) for name in _PLACES},
            **{name: None if b is None else _json_number(b) for name, b in bounds.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Prior:
        """Return the prior that `to_dict` was called on."""
        return prior(**values)


def prior(
    prior: str,
    class_: str = "b",
    *,
    coef: str = "",
    group: str = "",
    resp: str = "",
    dpar: str = "",
    nlpar: str = "",
    lb: float | str | None = None,
    ub: float | str | None = None,
) -> Prior:
    """Set the prior of a parameter, or of all parameters of a class.

    Each parameter takes the prior set for its own `coef`, else the one of its `group`, else the
    one of its class, always within the same `dpar` or `nlpar`: a prior of class ``"b"`` without
    them says nothing about coefficients of ``sigma`` or of a non-linear parameter.

    Parameters
    ----------
    prior : str
        A density as Stan writes it, such as ``"student_t(3, 0, 2.5)"``; arguments may be named, in
        Stan's words or R's, and may be arithmetic. ``"lkj(2)"`` is for correlations,
        ``"constant(1)"`` fixes the parameter, ``"flat"`` is improper. Empty, it is flat for a class
        and keeps the prior of the class for a `coef` or `group`.
    class_ : str
        ``"b"`` (coefficients), ``"Intercept"`` (the intercept at the predictors' means), ``"sd"``
        and ``"cor"`` (standard deviations and correlations of group-level effects), or a family
        parameter such as ``"sigma"``.
    coef : str
        Coefficient, as in the formula or by brms' name: ``"I(x^2)"`` or ``"IxE2"``.
    group : str
        Grouping factor.
    resp : str
        Must be empty: models have one response.
    dpar : str
        Distributional parameter that has a formula, such as ``"sigma"``.
    nlpar : str
        Non-linear parameter.
    lb, ub : float or str, optional
        Bounds, for a class or for one coefficient. Without them parameters keep the bounds that
        they have by nature, such as 0 for ``"sd"`` and ``"sigma"``.

    Returns
    -------
    Prior
        Several are joined in a list, or by ``+``.

    Raises
    ------
    PriorError
        If the density or the bounds are not valid.

    Examples
    --------
    >>> from brmspy import prior
    >>> print(prior("normal(0, 10)"))
    prior('normal(0, 10)', class_='b')
    >>> rows = prior("normal(101, 0.1)", nlpar="Asym", lb=100) + prior("lkj(2)", class_="cor")
    >>> len(rows)
    2
    """
    texts = {
        "prior": prior,
        "class_": class_,
        "coef": coef,
        "group": group,
        "resp": resp,
        "dpar": dpar,
        "nlpar": nlpar,
    }
    for name, value in texts.items():
        if not isinstance(value, str):
            raise PriorError(
                f"{name} = {value!r} of a prior is not text. "
                'Write for example prior("normal(0, 1)", class_="b", coef="x").'
            )
    if resp:
        raise PriorError(
            f"resp = {resp!r}: models have one response so far, so a prior cannot name one. "
            "Leave resp out."
        )
    return Prior(
        " ".join(prior.split()),
        class_,
        coef,
        group,
        "" if dpar == "mu" else dpar,
        nlpar,
        _bound("lb", lb),
        _bound("ub", ub),
    )


set_prior = prior


def _rows(other: Prior | Iterable[Prior]) -> tuple[Prior, ...]:
    """Return one or several priors as a tuple."""
    return (other,) if isinstance(other, Prior) else tuple(other)


def _bound(name: str, value: float | str | None) -> float | None:
    """Return a bound as a number; the empty text of a table is none."""
    if value is None or value == "":
        return None
    number = _number(name, value)
    if np.isnan(number):
        raise PriorError(f"{name} of a prior is not a number (NaN). None means no bound.")
    return number


def _number(name: str, value: float | str) -> float:
    """Return a number, or arithmetic in a text, as a float."""
    if isinstance(value, str):
        try:
            return parse_number(value)
        except PriorError as error:
            raise PriorError(f"{name} = {value!r} of a prior is not a number.") from error
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise PriorError(f"{name} = {value!r} of a prior is not a number.")
    return float(value)


def _exact(value: float) -> str:
    """Return a number with all its digits, whole ones without a point."""
    return repr(value).removesuffix(".0")


def _json_number(value: float) -> float | str:
    """Return a number that JSON can hold: infinite ones as text."""
    return value if np.isfinite(value) else format_number(value)
