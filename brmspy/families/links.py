"""Link functions: one record each, with its NumPy form and its Stan text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from brmspy.errors import BrmspyError, did_you_mean

__all__ = ["LINKS", "Link", "get_link"]

FloatArray = NDArray[np.float64]

# At the ends of their range links are 0 or infinite, as they should be: no reason to warn.
_saturating = np.errstate(over="ignore", divide="ignore")


@dataclass(frozen=True)
class Link:
    """A link function between a distributional parameter and its linear predictor.

    Attributes
    ----------
    name : str
        Its name in formulas and families.
    forward, inverse : callable
        From the natural scale to the link scale, and back.
    stan_inverse : str
        Stan text of the inverse; ``{x}`` stands for the linear predictor, real or vector.
    lower, upper : float
        Range of the inverse.
    helper : str or None
        Stan function that the text calls and Stan does not have: a file in
        ``templates/functions``.
    latex : str
        The link in LaTeX, ``{x}`` standing for the parameter; empty for a function of its name.
    """

    name: str
    forward: Callable[[ArrayLike], FloatArray]
    inverse: Callable[[ArrayLike], FloatArray]
    stan_inverse: str
    lower: float = -np.inf
    upper: float = np.inf
    helper: str | None = None
    latex: str = ""

    def in_latex(self, parameter: str) -> str:
        """Return the linked parameter in LaTeX."""
        form = self.latex or rf"\operatorname{{{self.name}}}({{x}})".replace("_", r"\_")
        return form.replace("{x}", parameter)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return get_link, (self.name,)

    def __repr__(self) -> str:
        return f"Link({self.name!r})"


def _identity(x: ArrayLike) -> FloatArray:
    return np.asarray(x, dtype=float)


@_saturating
def _reciprocal(x: ArrayLike) -> FloatArray:
    return 1.0 / np.asarray(x, dtype=float)


@_saturating
def _log(x: ArrayLike) -> FloatArray:
    return np.log(np.asarray(x, dtype=float))


@_saturating
def _log_minus_one(x: ArrayLike) -> FloatArray:
    return np.log(np.asarray(x, dtype=float) - 1.0)


@_saturating
def _one_plus_exp(x: ArrayLike) -> FloatArray:
    return 1.0 + np.exp(np.asarray(x, dtype=float))


def _log_one_plus_exp(x: ArrayLike) -> FloatArray:
    return np.logaddexp(0.0, np.asarray(x, dtype=float))


@_saturating
def _log_exp_minus_one(x: ArrayLike) -> FloatArray:
    x = np.asarray(x, dtype=float)
    return x + np.log(-np.expm1(-x))


def _squareplus(x: ArrayLike) -> FloatArray:
    x = np.asarray(x, dtype=float)
    root = np.hypot(x, 2.0)
    # For large negative x the sum cancels; its conjugate does not.
    return np.where(x < 0, 2.0 / (root - np.minimum(x, 0.0)), (x + root) / 2.0)


@_saturating
def _inverse_squareplus(y: ArrayLike) -> FloatArray:
    y = np.asarray(y, dtype=float)
    return y - 1.0 / y


@_saturating
def _softit(y: ArrayLike) -> FloatArray:
    y = np.asarray(y, dtype=float)
    return _log_exp_minus_one(y / (1.0 - y))


def _inverse_softit(x: ArrayLike) -> FloatArray:
    soft = _log_one_plus_exp(x)
    return soft / (1.0 + soft)


@_saturating
def _inverse_cloglog(x: ArrayLike) -> FloatArray:
    return -np.expm1(-np.exp(np.asarray(x, dtype=float)))


@_saturating
def _cloglog(y: ArrayLike) -> FloatArray:
    return np.log(-np.log1p(-np.asarray(y, dtype=float)))


def _cauchit(y: ArrayLike) -> FloatArray:
    return np.tan(np.pi * (np.asarray(y, dtype=float) - 0.5))


def _inverse_cauchit(x: ArrayLike) -> FloatArray:
    x = np.asarray(x, dtype=float)
    # arctan(x) / pi + 1/2 loses the lower tail to rounding; arctan2 keeps it.
    return np.arctan2(1.0, -x) / np.pi


@_saturating
def _probit_approx(x: ArrayLike) -> FloatArray:
    x = np.asarray(x, dtype=float)
    return special.expit(0.07056 * x**3 + 1.5976 * x)


def _inverse_probit_approx(y: ArrayLike) -> FloatArray:
    """Solve 0.07056 x^3 + 1.5976 x = logit(y) by the cubic's only real root."""
    p, q = 1.5976 / 0.07056, -special.logit(np.asarray(y, dtype=float)) / 0.07056
    scale = 2.0 * np.sqrt(p / 3.0)
    return -scale * np.sinh(np.arcsinh(3.0 * q / (2.0 * p) * np.sqrt(3.0 / p)) / 3.0)


@_saturating
def _square(x: ArrayLike) -> FloatArray:
    return np.square(np.asarray(x, dtype=float))


def _sqrt(x: ArrayLike) -> FloatArray:
    return np.sqrt(np.asarray(x, dtype=float))


def _logit(x: ArrayLike) -> FloatArray:
    return special.logit(np.asarray(x, dtype=float))


def _expit(x: ArrayLike) -> FloatArray:
    return special.expit(np.asarray(x, dtype=float))


def _probit(x: ArrayLike) -> FloatArray:
    return special.ndtri(np.asarray(x, dtype=float))


def _phi(x: ArrayLike) -> FloatArray:
    return special.ndtr(np.asarray(x, dtype=float))


@_saturating
def _exp(x: ArrayLike) -> FloatArray:
    return np.exp(np.asarray(x, dtype=float))


LINKS: dict[str, Link] = {
    link.name: link
    for link in (
        Link("identity", _identity, _identity, "{x}", latex="{x}"),
        Link("log", _log, _exp, "exp({x})", lower=0.0, latex=r"\log({x})"),
        Link("inverse", _reciprocal, _reciprocal, "inv({x})", latex="1 / {x}"),
        Link("sqrt", _sqrt, _square, "square({x})", lower=0.0, latex=r"\sqrt{{x}}"),
        Link("logit", _logit, _expit, "inv_logit({x})", lower=0.0, upper=1.0),
        Link("probit", _probit, _phi, "Phi({x})", lower=0.0, upper=1.0, latex=r"\Phi^{-1}({x})"),
        Link(
            "probit_approx",
            _inverse_probit_approx,
            _probit_approx,
            "Phi_approx({x})",
            lower=0.0,
            upper=1.0,
        ),
        Link(
            "cloglog",
            _cloglog,
            _inverse_cloglog,
            "inv_cloglog({x})",
            lower=0.0,
            upper=1.0,
            latex=r"\log(-\log(1 - {x}))",
        ),
        Link(
            "cauchit",
            _cauchit,
            _inverse_cauchit,
            "inv_cauchit({x})",
            lower=0.0,
            upper=1.0,
            helper="inv_cauchit",
            latex=r"\tan(\pi ({x} - 1/2))",
        ),
        Link(
            "softit",
            _softit,
            _inverse_softit,
            "inv_softit({x})",
            lower=0.0,
            upper=1.0,
            helper="inv_softit",
        ),
        Link(
            "softplus",
            _log_exp_minus_one,
            _log_one_plus_exp,
            "log1p_exp({x})",
            lower=0.0,
            latex=r"\log(e^{{x}} - 1)",
        ),
        Link(
            "squareplus",
            _inverse_squareplus,
            _squareplus,
            "squareplus({x})",
            lower=0.0,
            helper="squareplus",
            latex="{x} - 1 / {x}",
        ),
        Link(
            "logm1",
            _log_minus_one,
            _one_plus_exp,
            "1 + exp({x})",
            lower=1.0,
            latex=r"\log({x} - 1)",
        ),
    )
}


def get_link(name: str, allowed: tuple[str, ...] = tuple(LINKS), what: str = "") -> Link:
    """Return the link called `name`.

    Parameters
    ----------
    name : str
        Name of the link.
    allowed : tuple of str
        Names that are valid here.
    what : str
        For the error: what the link is for.

    Returns
    -------
    Link

    Raises
    ------
    BrmspyError
        If the link is unknown or not allowed here.

    Examples
    --------
    >>> from brmspy.families.links import get_link
    >>> float(get_link("log").inverse(0.0))
    1.0
    """
    if name not in allowed:
        where = f" for {what}" if what else ""
        raise BrmspyError(f"{name!r} is not a link{where}. {did_you_mean(str(name), allowed)}")
    return LINKS[name]
