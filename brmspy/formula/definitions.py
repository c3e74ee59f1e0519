"""Functions that are written in terms of other functions, as R text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from brmspy.formula.expression import Expr
from brmspy.formula.grammar import parse_expression

__all__ = ["Definition"]


@dataclass(frozen=True)
class Definition:
    """A function given by an expression of its arguments.

    Attributes
    ----------
    name : str
        What it is called.
    arguments : mapping of str to str
        Its arguments in order, each with its meaning in words.
    body : str
        Its value, in R.
    defaults : mapping of str to str
        Values of arguments that may be left out, in R.
    meaning : str
        What it is, in words.
    """

    name: str
    arguments: Mapping[str, str]
    body: str
    defaults: Mapping[str, str] = field(default_factory=dict)
    meaning: str = ""

    @cached_property
    def expression(self) -> Expr:
        """The parsed body."""
        return parse_expression(self.body)

    @property
    def usage(self) -> str:
        """How it is called: ``dnorm(x, mean = 0, sd = 1)``."""
        shown = (
            f"{name} = {self.defaults[name]}" if name in self.defaults else name
            for name in self.arguments
        )
        return f"{self.name}({', '.join(shown)})"
