"""How a formula says which columns the levels of a factor become: ``C(f, Sum)``.

What is said stays words and numbers here; the columns follow once the levels are known.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any

from brmspy.errors import FormulaError, did_you_mean
from brmspy.formula.arguments import boolean, match_arguments
from brmspy.formula.expression import (
    Arg,
    Binary,
    Call,
    Constant,
    Expr,
    Name,
    Number,
    Paren,
    Text,
    Unary,
    Word,
    deparse,
)
from brmspy.formula.grammar import CODED, OF_CODING, OF_FACTOR, parse_expression

__all__ = [
    "KINDS",
    "USUAL",
    "CodedFactor",
    "Coding",
    "coded_factor",
    "coding_from_text",
    "codings_from_dict",
]

KINDS = ("treatment", "sum", "helmert", "poly", "SAS", "sdif")
"""Kinds of contrasts; R has a function ``contr.treatment`` and so on for each."""

_MATRIX = "matrix"
USUAL = "usual"
"""Whatever R does by default."""

# R's names without "contr.", and what patsy calls the same, in lower case.
_BY_NAME: Mapping[str, str] = MappingProxyType(
    {**{kind.casefold(): kind for kind in KINDS}, "diff": "sdif"}
)
_PREFIX = "contr."

# Arguments beside the number of levels, which R's functions take first.
_ARGUMENTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"treatment": ("base", "reference"), "sum": ("omit",), "poly": ("scores",)}
)
_EXTRA = tuple(name for names in _ARGUMENTS.values() for name in names)
_USAGE = "C(f, Sum), with the arguments x, contr, how.many, levels, " + ", ".join(_EXTRA)
_MATRICES = ("c", "cbind", "matrix")
_OPERATORS: Mapping[str, Callable[[float, float], float]] = MappingProxyType(
    {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
)


@dataclass(frozen=True, slots=True)
class Coding:
    """Which columns the levels of a factor become, before the levels are known.

    Attributes
    ----------
    kind : str
        One of `KINDS`, ``"matrix"`` or `USUAL`.
    text : str
        How the user wrote it.
    base : int, str or None
        The level that others are compared with, or that has no column: its label, or its place
        from one. None for the usual.
    scores : tuple of float
        Where the levels stand, for polynomials; equally spaced if empty.
    columns : tuple of tuple of float
        The columns of a matrix.
    names : tuple of str
        Names of the columns of a matrix; numbers if empty.
    rows : tuple of str
        Labels of the levels that the rows of a matrix are for; in the order of the levels if empty.
    complete : bool
        Whether columns are added to a matrix until there is one less than levels.
    size : int or None
        How many levels there are, if the user said so.
    count : int or None
        How many columns are kept; all by default.
    """

    kind: str
    text: str = field(default="", compare=False)
    base: int | str | None = None
    scores: tuple[float, ...] = ()
    columns: tuple[tuple[float, ...], ...] = ()
    names: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    complete: bool = False
    size: int | None = None
    count: int | None = None

    def __str__(self) -> str:
        return self.text or self.kind

    def to_dict(self) -> dict[str, Any]:
        """Return the coding as text, numbers and lists, for JSON.

        Returns
        -------
        dict
            What `from_dict` makes the same coding of.
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Coding:
        """Make a coding of what `to_dict` returned.

        Parameters
        ----------
        values : mapping
            The dictionary.

        Returns
        -------
        Coding
        """
        lists = {name: tuple(values[name]) for name in ("scores", "names", "rows")}
        columns = tuple(tuple(column) for column in values["columns"])
        return cls(**{**values, **lists, "columns": columns})


def codings_from_dict(values: Mapping[str, Mapping[str, Any]]) -> dict[str, Coding]:
    """Make codings of what `Coding.to_dict` returned for each.

    Parameters
    ----------
    values : mapping of str to mapping
        By variable.

    Returns
    -------
    dict of str to Coding
    """
    return {name: Coding.from_dict(coding) for name, coding in values.items()}


@dataclass(frozen=True, slots=True)
class CodedFactor:
    """A call of ``C()``, understood.

    Attributes
    ----------
    factor : Expr
        What is made a factor.
    coding : Coding or None
        How it is coded; None for the usual.
    """

    factor: Expr
    coding: Coding | None


def coded_factor(expr: Expr, source: str) -> CodedFactor | None:
    """Understand a call of ``C()``.

    Parameters
    ----------
    expr : Expr
        A variable of a formula.
    source : str
        The formula, for messages.

    Returns
    -------
    CodedFactor or None
        None for anything but such a call.

    Raises
    ------
    FormulaError
        If there is no such coding, or an argument is not valid.

    Examples
    --------
    >>> from brmspy.formula.codings import coded_factor
    >>> from brmspy.formula.grammar import parse_expression
    >>> text = 'C(f, Treatment("b"))'
    >>> coded_factor(parse_expression(text), text).coding.base
    'b'
    """
    if not isinstance(expr, Call) or expr.function != CODED:
        return None
    names = {**dict.fromkeys(OF_FACTOR, OF_FACTOR[0]), **dict.fromkeys(OF_CODING, OF_CODING[0])}
    args = tuple(Arg(arg.value, names.get(arg.name or "", arg.name)) for arg in expr.args)
    given = match_arguments(
        replace(expr, args=args),
        (OF_FACTOR[0], OF_CODING[0], "how.many", "levels", *_EXTRA),
        source,
        required=OF_FACTOR[:1],
        usage=_USAGE,
    )
    factor = [given[OF_FACTOR[0]]]
    if "levels" in given:
        factor.append(Arg(given["levels"].value, "levels"))
    extra = [Arg(arg.value, name) for name, arg in given.items() if name in _EXTRA]
    coding = _chosen(given.get(OF_CODING[0]), extra, source, expr)
    if "how.many" in given:
        count = _whole(given["how.many"].value, source, "'how.many'")
        coding = replace(coding or Coding(USUAL), count=count)
    return CodedFactor(Call("factor", tuple(factor), expr.span), coding)


def coding_from_text(text: str) -> Coding:
    """Understand a coding that is given as text.

    Parameters
    ----------
    text : str
        ``"sum"``, ``"contr.treatment(base = 2)"`` and so on.

    Returns
    -------
    Coding

    Raises
    ------
    FormulaError
        If there is no such coding.
    """
    return replace(_coding(parse_expression(text), (), text), text=text)


def _chosen(given: Arg | None, extra: Sequence[Arg], source: str, call: Call) -> Coding | None:
    """Return the coding that a call of ``C()`` names, or that its arguments belong to."""
    if given is not None and given.value != Constant("NULL"):
        return replace(_coding(given.value, extra, source), text=deparse(given.value))
    if not extra:
        return None
    kinds = [kind for kind, names in _ARGUMENTS.items() if extra[0].name in names]
    return _named(kinds[0], (), extra, source, call)


def _coding(expr: Expr, extra: Sequence[Arg], source: str) -> Coding:
    """Read a coding: a name, a call, or a matrix."""
    match expr:
        case Word(name=name) | Name(name=name) | Text(value=name):
            return _named(name, (), extra, source, expr)
        case Call(function=function) if function in _MATRICES:
            if extra:
                raise FormulaError(
                    f"'{extra[0].name}' has no meaning for a matrix.", source, extra[0].value.span
                )
            return _matrix(expr, source)
        case Call(function=function, args=args):
            return _named(function, args, extra, source, expr)
        case Paren(inner=inner):
            return _coding(inner, extra, source)
    raise FormulaError(
        f"'{deparse(expr)}' is no coding of a factor.",
        source,
        expr.span,
        "Write a name, 'C(f, Sum)', or a matrix, 'C(f, cbind(c(-1, 0, 1), c(1, -2, 1)))'.",
    )


def _named(name: str, args: tuple[Arg, ...], extra: Sequence[Arg], source: str, at: Expr) -> Coding:
    """Return the coding of a name, with the arguments of its call."""
    as_in_r = name.startswith(_PREFIX)
    kind = _BY_NAME.get(name.removeprefix(_PREFIX).casefold())
    if kind is None:
        spelled = [f"{_PREFIX}{known}" for known in KINDS] if as_in_r else KINDS
        raise FormulaError(
            f"There is no coding of factors '{name}'.", source, at.span, did_you_mean(name, spelled)
        )
    own = _ARGUMENTS.get(kind, ())
    # patsy's Treatment("b") names a level first, where R's functions have their number.
    names = ("n", *own) if as_in_r else (own[::-1] if kind == "treatment" else own)
    call = Call(name, (*args, *extra), at.span)
    given = match_arguments(call, names, source, required=(), usage=f"{name}({', '.join(names)})")
    if "base" in given and "reference" in given:
        raise FormulaError(
            "'base' and 'reference' are two names for one level.", source, given["base"].value.span
        )
    base: int | str | None = None
    if "base" in given:
        base = _base(given["base"].value, source)
    for argument in ("reference", "omit"):
        if argument in given:
            base = _label(given[argument].value, source)
    size = _whole(given["n"].value, source, "'n', the number of levels,") if "n" in given else None
    scores = _column(given["scores"].value, source) if "scores" in given else ()
    return Coding(kind, name, base=base, scores=scores, size=size)


def _base(expr: Expr, source: str) -> int | str:
    """Read the level that R calls the base: its place from one, or its label."""
    if isinstance(expr, Number):
        return _whole(expr, source, "'base', the place of a level,")
    return _label(expr, source)


def _label(expr: Expr, source: str) -> str:
    """Read the label of a level."""
    match expr:
        case Text(value=value):
            return value
        case Number():
            return deparse(expr).removesuffix("L")
        case Constant(name=("TRUE" | "FALSE") as name):
            return name
    raise FormulaError(
        "This is no level.",
        source,
        expr.span,
        f"Levels are written between quotes: '{deparse(expr)}'."
        if isinstance(expr, Name)
        else None,
    )


def _whole(expr: Expr, source: str, what: str) -> int:
    """Read a whole number of at least one."""
    if isinstance(expr, Number) and expr.value >= 1 and expr.value % 1 == 0:
        return int(expr.value)
    raise FormulaError(f"{what} must be a whole number of at least 1.", source, expr.span)


def _matrix(call: Call, source: str) -> Coding:
    """Read ``c(...)``, ``cbind(...)`` or ``matrix(...)``."""
    names: tuple[str, ...] = ()
    if call.function == "c":
        columns = [_column(call, source)]
    elif call.function == "matrix":
        columns = _shaped(call, source)
    else:
        columns = [_column(arg.value, source) for arg in call.args]
        named = [arg.name for arg in call.args if arg.name is not None]
        if named and len(named) < len(columns):
            raise FormulaError("Name all columns, or none.", source, call.span)
        names = tuple(named)
    if not columns:
        raise FormulaError("This matrix has no columns.", source, call.span)
    lengths = {len(column) for column in columns}
    if len(lengths) > 1:
        raise FormulaError(
            "These columns are not of one length.",
            source,
            call.span,
            "Each has a number for every level of the factor.",
        )
    # R adds columns to what C() is given, but only as many as are asked for.
    return Coding(_MATRIX, columns=tuple(columns), names=names, complete=True)


def _shaped(call: Call, source: str) -> list[tuple[float, ...]]:
    """Return the columns of ``matrix(c(...), ncol = 2)``."""
    names = ("data", "nrow", "ncol", "byrow")
    given = match_arguments(call, names, source, required=("data",))
    values = _column(given["data"].value, source)
    rows, columns = (
        _whole(given[name].value, source, f"'{name}'") if name in given else None
        for name in ("nrow", "ncol")
    )
    if rows is None:
        rows = len(values) // columns if columns else len(values)
    if columns is None:
        columns = len(values) // rows
    if rows * columns != len(values):
        raise FormulaError(
            f"{len(values)} numbers make no matrix of {rows} rows and {columns} columns.",
            source,
            call.span,
        )
    if "byrow" in given and boolean(given["byrow"].value, source, "byrow"):
        return [values[place::columns] for place in range(columns)]
    return [values[place * rows : (place + 1) * rows] for place in range(columns)]


def _column(expr: Expr, source: str) -> tuple[float, ...]:
    """Read ``c(-1, 0, 1)``."""
    if isinstance(expr, Call) and expr.function == "c" and expr.args:
        return tuple(_number(arg.value, source) for arg in expr.args)
    raise FormulaError(
        "This is no column of numbers.", source, expr.span, "Write it as 'c(-1, 0, 1)'."
    )


def _number(expr: Expr, source: str) -> float:
    """Read a number, or a fraction such as ``-1/2``."""
    match expr:
        case Number(value=value):
            return value
        case Paren(inner=inner):
            return _number(inner, source)
        case Unary(op="-" | "+", operand=operand):
            value = _number(operand, source)
            return -value if expr.op == "-" else value
        case Binary(op=op, left=left, right=right) if op in _OPERATORS:
            first, second = _number(left, source), _number(right, source)
            if op != "/" or second != 0:
                return _OPERATORS[op](first, second)
    raise FormulaError("This is no number.", source, expr.span)
