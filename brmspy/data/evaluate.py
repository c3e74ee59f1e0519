"""Expressions of a formula, evaluated by formulae. No other module knows formulae.

formulae walks a tree of calls and keeps the state of transforms such as ``poly``. We hand it
the tree itself and never a string, so that its scanner, its parser and its coding of factors have
no say: nothing can be dropped or renamed, and any number or column name will do. Names resolve to
the data's columns, to constants and to the functions of `brmspy.data.functions`, never to
variables of the calling code.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from formulae.environment import Environment
from formulae.terms.call_resolver import LazyCall, LazyVariable
from formulae.transforms import TRANSFORMS as FORMULAE_TRANSFORMS

from brmspy.data.columns import Columns, Values
from brmspy.data.functions import (
    FUNCTIONS,
    OPERATORS,
    EvaluationError,
    as_column,
    numbers,
)
from brmspy.data.splines import BSplineBasis
from brmspy.data.transforms import TRANSFORMS, StatefulTransform
from brmspy.errors import DataError, FormulaError, closest, did_you_mean
from brmspy.formula.codings import Coding, coded_factor
from brmspy.formula.expression import (
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
    names_in,
)
from brmspy.formula.grammar import CODED

__all__ = ["Expression", "expression"]

_CREATE_FIRST = "Make a column of it in the data first, and use that in the formula."


class _Poly(StatefulTransform):
    """Orthonormal (or raw) polynomials of one column, as R's ``poly()``."""

    def __init__(self) -> None:
        self._basis = FORMULAE_TRANSFORMS["poly"]()
        self._degree: int | None = None

    def __call__(self, x: Any, degree: Any = 1.0, raw: Any = False) -> Any:
        """Return one column per degree."""
        values = as_column(x, "poly()")
        if not isinstance(degree, float):
            raise EvaluationError("poly() takes one column and a degree, such as poly(x, 2)")
        if self._degree is None:
            self._degree = self._checked(values, degree, bool(raw))
        return np.asarray(self._basis(values, self._degree, bool(raw)))

    @staticmethod
    def _checked(values: npt.NDArray[np.float64], degree: float, raw: bool) -> int:
        """Return the degree as a whole number."""
        if degree != int(degree) or degree < 1:
            raise EvaluationError("poly(degree=) must be a whole number of at least 1")
        distinct = len(np.unique(values))
        if not raw and degree >= distinct:
            raise EvaluationError(
                f"poly(degree=) must be less than the number of distinct values ({distinct})"
            )
        return int(degree)


class _Center(StatefulTransform):
    """Subtract the mean of the data it is first called with."""

    def __init__(self) -> None:
        self._center = FORMULAE_TRANSFORMS["center"]()

    def __call__(self, x: Any) -> Any:
        """Return the centred values."""
        return self._center(numbers(x, "center()"))


_CALLABLE: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {**FUNCTIONS, **TRANSFORMS, "bs": BSplineBasis, "center": _Center, "poly": _Poly}
)


def _callee(kind: str, name: str) -> str:
    """Return the name by which formulae looks up a function; it splits names at dots."""
    return f"{kind} {name}".replace(".", "_")


def _column_key(name: str) -> str:
    """Return the name by which formulae looks up a column; no function or constant has it."""
    return f"column {name}"


_NAMESPACE: Mapping[str, Any] = MappingProxyType(
    {_callee("function", name): function for name, function in _CALLABLE.items()}
    | {_callee("operator", name): function for name, function in OPERATORS.items()}
)


@dataclass(frozen=True, slots=True)
class Expression:
    """One R expression, ready to be evaluated on any data.

    The first evaluation fixes the state of its transforms: evaluate the training data first.

    Parameters
    ----------
    label : str
        The expression as R prints it.
    reads : tuple of str
        The columns it reads.
    is_column : bool
        Whether it is nothing but the name of a column.
    tree : object
        formulae's tree.
    constants : mapping
        Values of the numbers and texts in the tree.
    coding : Coding or None
        What ``C()`` says about the columns of a factor.
    """

    label: str
    reads: tuple[str, ...]
    is_column: bool
    tree: Any
    constants: Mapping[str, Any]
    coding: Coding | None = None

    def evaluate(self, columns: Columns) -> Values | float | str | bool | None:
        """Return the value: an array with one row per observation, a Categorical, or a constant.

        Parameters
        ----------
        columns : Columns
            Must hold `reads`.

        Raises
        ------
        DataError
            If a function cannot take the values it gets.
        """
        mask = {_column_key(name): columns[name] for name in self.reads}
        environment = Environment([dict(self.constants), dict(_NAMESPACE)])
        try:
            with np.errstate(all="ignore"):
                value: Values | float | str | bool | None = self.tree.eval(mask, environment)
        except EvaluationError as error:
            raise DataError(f"{self.label} cannot be computed: {error}.") from error
        return value


def expression(expr: Expr, source: str) -> Expression:
    """Prepare an expression for evaluation.

    Parameters
    ----------
    expr : Expr
        Its syntax tree.
    source : str
        The formula it stands in, for messages.

    Returns
    -------
    Expression
        With fresh transforms.

    Raises
    ------
    FormulaError
        If it calls an unknown function, or one with the wrong arguments.
    """
    coded = coded_factor(expr, source)
    builder = _TreeBuilder(source)
    tree = builder.build(expr if coded is None else coded.factor)
    return Expression(
        label=deparse(expr),
        reads=names_in(expr),
        is_column=isinstance(expr, Name),
        tree=tree,
        constants=builder.constants,
        coding=None if coded is None else coded.coding,
    )


class _TreeBuilder:
    """Turns a syntax tree of ours into one of formulae's."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.constants: dict[str, Any] = {}

    def build(self, expr: Expr) -> Any:
        """Return formulae's tree."""
        match expr:
            case Number() | Text() | Constant():
                return self._constant(expr.value)
            case Name():
                return LazyVariable(_column_key(expr.name))
            case Paren():
                return self.build(expr.inner)
            case Unary():
                return self._operation(expr.op, (expr.operand,), expr)
            case Binary():
                return self._operation(expr.op, (expr.left, expr.right), expr)
            case Call():
                return self._call(expr)
            case Word():
                raise FormulaError(
                    f"'{expr.name}' stands for no column here.", self._source, expr.span
                )

    def _constant(self, value: Any) -> Any:
        key = f"constant {len(self.constants)}"
        self.constants[key] = value
        return LazyVariable(key)

    def _operation(self, symbol: str, operands: tuple[Expr, ...], expr: Unary | Binary) -> Any:
        if symbol not in OPERATORS:
            raise FormulaError(
                f"The operator {symbol!r} cannot be used inside a term.", self._source, expr.span
            )
        arguments = [self.build(operand) for operand in operands]
        return LazyCall(_callee("operator", symbol), arguments, {})

    def _call(self, call: Call) -> Any:
        function = _CALLABLE.get(call.function)
        if call.function == CODED:
            raise FormulaError(
                "C() says how a factor is coded, and has no meaning inside of anything else.",
                self._source,
                call.span,
                f"Let it be the whole variable: '{deparse(call)}'.",
            )
        if function is None:
            near = closest(call.function, _CALLABLE)
            raise FormulaError(
                f"There is no function {call.function}().",
                self._source,
                call.span,
                f"{did_you_mean(call.function, near)} {_CREATE_FIRST}" if near else _CREATE_FIRST,
            )
        positional = [argument for argument in call.args if argument.name is None]
        named = {
            argument.name.replace(".", "_"): argument for argument in call.args if argument.name
        }
        self._check_arguments(call, function, len(positional), tuple(named))
        return LazyCall(
            _callee("function", call.function),
            [self.build(argument.value) for argument in positional],
            {name: self.build(argument.value) for name, argument in named.items()},
        )

    def _check_arguments(
        self, call: Call, function: Callable[..., Any], positional: int, named: tuple[str, ...]
    ) -> None:
        # The arguments of a transform are those of its instances.
        target = cast("Callable[..., Any]", function() if isinstance(function, type) else function)
        signature = inspect.signature(target)
        try:
            signature.bind(*[None] * positional, **dict.fromkeys(named))
        except TypeError as error:
            arguments = ", ".join(
                name.replace("_", ".") if "_" in name else name for name in signature.parameters
            )
            raise FormulaError(
                f"Wrong arguments of {call.function}(): {error}.",
                self._source,
                call.span,
                f"It takes: {arguments}.",
            ) from error
