"""Names as LaTeX symbols."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["effect", "escaped", "joined", "of_row", "plain_number", "symbol", "text", "weight"]

_GREEK = frozenset(
    (
        *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"),
        *("lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi"),
        *("omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi"),
        *("Psi", "Omega"),
    )
)
_ESCAPES = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    **{char: "\\" + char for char in "{}_&%$#"},
}


def joined(parts: Iterable[str]) -> str:
    """Return parts with commas between them."""
    return r",\, ".join(parts)


def escaped(name: str) -> str:
    """Return text that LaTeX prints as it is, without the backticks of R's names."""
    words = " ".join(name.replace("`", "").split())
    return "".join(_ESCAPES.get(char, char) for char in words)


def text(name: str) -> str:
    r"""Return a name as upright text: ``\text{Days}``."""
    return rf"\text{{{escaped(name)}}}"


def symbol(name: str) -> str:
    """Return the symbol of a parameter: a Greek letter, or its name."""
    return "\\" + name if name in _GREEK else text(name)


def of_row(name: str) -> str:
    """Return the value of a variable in row i."""
    return f"{text(name)}_i"


def _above(predictor: str) -> str:
    """Return what marks the coefficients of other parameters than the mean."""
    return "" if predictor == "mu" else f"^{{({symbol(predictor)})}}"


def weight(letter: str, predictor: str, *parts: str) -> str:
    r"""Return a parameter with indices: ``\beta^{(\sigma)}_{\text{Days}}``."""
    return rf"{letter}{_above(predictor)}_{{{joined(parts)}}}"


def effect(predictor: str, level: str, name: str) -> str:
    """Return the effect of a level on a coefficient."""
    return weight("u", predictor, level, text(name))


def plain_number(value: str) -> str:
    r"""Return a number as mathematics: ``1 \times 10^{6}`` for ``1e+06``."""
    value = re.sub(r"^(-?)Inf$", r"\1\\infty", value)
    return re.sub(
        r"^(.*)e([+-])0*(\d+)$",
        lambda found: rf"{found[1]} \times 10^{{{'-' if found[2] == '-' else ''}{found[3]}}}",
        value,
    )
