"""R's operators: one row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["BINARY", "UNARY", "Operator"]


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator of R's grammar.

    Attributes
    ----------
    symbol : str
        How it is written.
    precedence : int
        Operators with a higher one bind more tightly.
    associativity : {"left", "right", "none"}
        How ``a op b op c`` is read.
    spaced : bool
        Whether R writes spaces around it.
    """

    symbol: str
    precedence: int
    associativity: Literal["left", "right", "none"] = "left"
    spaced: bool = True


def _table(*operators: Operator) -> Mapping[str, Operator]:
    """Index operators by their symbols."""
    return {operator.symbol: operator for operator in operators}


BINARY: Mapping[str, Operator] = _table(
    Operator("~", 1),
    Operator("||", 2),
    Operator("|", 2),
    Operator("&&", 3),
    Operator("&", 3),
    Operator("==", 5, "none"),
    Operator("!=", 5, "none"),
    Operator("<", 5, "none"),
    Operator(">", 5, "none"),
    Operator("<=", 5, "none"),
    Operator(">=", 5, "none"),
    Operator("+", 6),
    Operator("-", 6),
    Operator("*", 7),
    Operator("/", 7, spaced=False),
    Operator("%in%", 8),
    Operator("%%", 8, spaced=False),
    Operator("%/%", 8, spaced=False),
    Operator(":", 9, spaced=False),
    Operator("^", 11, "right", spaced=False),
)

UNARY: Mapping[str, Operator] = _table(
    Operator("~", 1),
    Operator("!", 4),
    Operator("-", 10),
    Operator("+", 10),
)
