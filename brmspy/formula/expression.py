"""R expressions with the place where they stand in the user's text.

Model formulas and non-linear bodies are made of the same expressions. Two expressions are equal if
they say the same thing, wherever they stand.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from brmspy.formula.operators import BINARY

__all__ = [
    "CONSTANTS",
    "Arg",
    "Binary",
    "Call",
    "Constant",
    "Expr",
    "Name",
    "Number",
    "Paren",
    "Span",
    "Text",
    "Unary",
    "Word",
    "calls_in",
    "children",
    "deparse",
    "name_nodes",
    "names_in",
    "quoted",
]

CONSTANTS: Mapping[str, bool | float | None] = {
    "TRUE": True,
    "FALSE": False,
    "NULL": None,
    "NA": math.nan,
    "NaN": math.nan,
    "Inf": math.inf,
    "pi": math.pi,
}
"""R's words for fixed values. Between backticks they are ordinary names."""

_SYNTACTIC_NAME = re.compile(r"(?:[^\W\d]|\.(?!\d))[\w.]*", re.UNICODE)


class Span(NamedTuple):
    """Where something stands in the source text: offsets of its start and of what follows it."""

    start: int
    end: int


_NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Number:
    """A number; `text` is how the user wrote it."""

    value: float
    text: str = field(compare=False)
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Text:
    """A text between quotes, without the quotes."""

    value: str
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Constant:
    """One of R's words for a fixed value, such as ``TRUE`` or ``pi``; see `CONSTANTS`."""

    name: str
    span: Span = field(default=_NOWHERE, compare=False)

    @property
    def value(self) -> bool | float | None:
        """The value that the word stands for."""
        return CONSTANTS[self.name]


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, without the backticks it may have been written with."""

    name: str
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Word:
    """A name that stands for no variable, such as ``Sum`` in ``C(f, Sum)``."""

    name: str
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Arg:
    """An argument of a call, with its name if it was given one."""

    value: Expr
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A function call."""

    function: str
    args: tuple[Arg, ...]
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Paren:
    """An expression between parentheses, kept because R's labels keep them."""

    inner: Expr
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """An operator with one operand: ``-x``, ``+x``, ``!x``."""

    op: str
    operand: Expr
    span: Span = field(default=_NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator with two operands; `op_span` is where the operator itself stands."""

    op: str
    left: Expr
    right: Expr
    span: Span = field(default=_NOWHERE, compare=False)
    op_span: Span = field(default=_NOWHERE, compare=False)


Expr: TypeAlias = Number | Text | Constant | Name | Word | Call | Paren | Unary | Binary


def children(expr: Expr) -> tuple[Expr, ...]:
    """Return the expressions directly inside `expr`, from left to right."""
    match expr:
        case Call(args=args):
            return tuple(arg.value for arg in args)
        case Paren(inner=inner):
            return (inner,)
        case Unary(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case _:
            return ()


def _walk(expr: Expr) -> Iterator[Expr]:
    """Yield `expr` and all expressions inside it, in the order of the text."""
    waiting = [expr]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(children(node)))


def name_nodes(expr: Expr) -> tuple[Name, ...]:
    """Return every mention of a variable in `expr`, in order, repeated ones included."""
    return tuple(node for node in _walk(expr) if isinstance(node, Name))


def calls_in(expr: Expr) -> tuple[Call, ...]:
    """Return every function call in `expr`, outer ones first."""
    return tuple(node for node in _walk(expr) if isinstance(node, Call))


def names_in(expr: Expr) -> tuple[str, ...]:
    """Return the variables that `expr` reads, in order of appearance, each once.

    Names of functions and of arguments are not variables.

    Examples
    --------
    >>> from brmspy.formula.expression import names_in
    >>> from brmspy.formula.grammar import parse_expression
    >>> names_in(parse_expression("poly(x, degree = 2) + log(z / x) + TRUE"))
    ('x', 'z')
    """
    return tuple(dict.fromkeys(node.name for node in name_nodes(expr)))


def deparse(expr: Expr) -> str:
    """Write an expression as R writes it.

    Examples
    --------
    >>> from brmspy.formula.expression import deparse
    >>> from brmspy.formula.grammar import parse_expression
    >>> deparse(parse_expression("I( x*2+z )"))
    'I(x * 2 + z)'
    >>> deparse(parse_expression("poly(`my x`,degree=2)"))
    'poly(`my x`, degree = 2)'
    """
    match expr:
        case Number(value=value, text=text):
            return _number(value) + ("L" if text.endswith("L") else "")
        case Text(value=value):
            return '"' + "".join(_ESCAPES.get(char, char) for char in value) + '"'
        case Constant(name=name):
            return name
        case Name(name=name) | Word(name=name):
            return quoted(name)
        case Call(function=function, args=args):
            return f"{quoted(function)}({', '.join(_argument(arg) for arg in args)})"
        case Paren(inner=inner):
            return f"({deparse(inner)})"
        case Unary(op=op, operand=operand):
            return op + deparse(operand)
        case Binary(op=op, left=left, right=right):
            symbol = f" {op} " if BINARY[op].spaced else op
            return deparse(left) + symbol + deparse(right)


_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def quoted(name: str) -> str:
    """Return a variable's name, between backticks if R could not read it otherwise."""
    if name not in CONSTANTS and (_SYNTACTIC_NAME.fullmatch(name) or name == "."):
        return name
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _argument(arg: Arg) -> str:
    """Write one argument of a call."""
    value = deparse(arg.value)
    return value if arg.name is None else f"{quoted(arg.name)} = {value}"


def _number(value: float) -> str:
    """Write a number as R does: up to 15 significant digits, the shorter of two notations."""
    if not math.isfinite(value):
        return "Inf" if value > 0 else "NaN"
    rounded = float(f"{value:.15g}")
    digits = next(d for d in range(1, 16) if float(f"{value:.{d}g}") == rounded)
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    scientific = f"{mantissa}e{int(exponent):+03d}"
    fixed = f"{value:.{max(0, digits - 1 - int(exponent))}f}"
    return fixed if len(fixed) <= len(scientific) else scientific
