"""The right-hand side of a non-linear formula: from R's syntax to the typed expression."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from brmspy.errors import FormulaError, did_you_mean
from brmspy.formula.arguments import match_arguments
from brmspy.formula.curve import Curve
from brmspy.formula.curves import CURVES
from brmspy.formula.definitions import Definition
from brmspy.formula.expression import (
    Binary,
    Call,
    Constant,
    Expr,
    Name,
    Number,
    Paren,
    Span,
    Text,
    Unary,
    Word,
    deparse,
    names_in,
)
from brmspy.formula.functions import (
    ALIASES,
    DERIVED,
    FUNCTIONS,
    OPERATORS,
    REDUCTIONS,
    Function,
    known_names,
)
from brmspy.formula.grammar import parse_expression
from brmspy.formula.nonlinear import (
    Apply,
    Covariate,
    CurveCall,
    NonlinearExpr,
    Num,
    Parameter,
)
from brmspy.formula.specials import refuse_special_calls

__all__ = ["Vocabulary", "curve_body", "curve_limit", "read_body", "read_curve"]

_SYNONYMS = {"&&": "&", "||": "|"}
_LOGICAL = ("<", ">", "<=", ">=", "==", "!=", "&", "|", "&&", "||")
_FOLDABLE = {"+": (0.0, 0.0), "-": (None, 0.0), "*": (1.0, 1.0), "/": (None, 1.0)}


@dataclass(frozen=True)
class Vocabulary:
    """What the names in a non-linear formula can mean.

    Attributes
    ----------
    parameters : collection of str
        Non-linear parameters: the names that have a formula.
    dpars : sequence of str
        The family's distributional parameters.
    given : collection of str
        Those of them that have a formula or a number; a column of that name cannot be read.
    response : str or None
        The response, if it is a column as it is.
    columns : sequence of str or None
        The columns of the data, if they are known.
    """

    parameters: Collection[str]
    dpars: Sequence[str]
    given: Collection[str] = ()
    response: str | None = None
    columns: Sequence[str] | None = None


def read_body(expr: Expr, source: str, vocabulary: Vocabulary) -> NonlinearExpr:
    """Type the right-hand side of a non-linear formula and write out its named curves.

    Parameters
    ----------
    expr : Expr
        The right-hand side.
    source : str
        The formula that it stands in.
    vocabulary : Vocabulary
        What its names can mean.

    Returns
    -------
    NonlinearExpr

    Raises
    ------
    FormulaError
        If a name or a function is unknown, or if something in it belongs to linear formulas.
    """
    refuse_special_calls(expr, source, curves=True)
    return _Reader(source, vocabulary).read(expr)


def read_curve(expr: Expr, source: str, vocabulary: Vocabulary) -> CurveCall | None:
    """Return the named curve that a right-hand side calls, if it does nothing else.

    Parameters
    ----------
    expr : Expr
        The right-hand side, which `read_body` has accepted.
    source : str
        The formula that it stands in.
    vocabulary : Vocabulary
        What its names can mean.

    Returns
    -------
    CurveCall or None
    """
    while isinstance(expr, Paren):
        expr = expr.inner
    if not isinstance(expr, Call) or expr.function not in CURVES:
        return None
    curve = CURVES[expr.function]
    bound = _Reader(source, vocabulary).bind(expr, curve)
    _check_order(curve, bound, expr, source)
    return CurveCall(curve.name, tuple((name, bound[name]) for name in curve.arguments))


def _check_order(curve: Curve, bound: Mapping[str, NonlinearExpr], call: Call, source: str) -> None:
    """Refuse a call that takes a parameter for an input and a column for a parameter."""
    for input_ in curve.inputs:
        for parameter in curve.parameters:
            given, column = bound[input_], bound[parameter]
            if isinstance(given, Parameter) and isinstance(column, Covariate):
                raise FormulaError(
                    f"{curve.name}() has the parameter '{given.name}' where its data belong "
                    f"({input_}), and the column '{column.name}' for its parameter {parameter}.",
                    source,
                    call.span,
                    f"It is called as {curve.usage}. Swap the two.",
                )


def curve_body(curve: Curve) -> NonlinearExpr:
    """Return what a curve computes, of covariates and parameters that are called as its arguments.

    Parameters
    ----------
    curve : Curve
        The curve.

    Returns
    -------
    NonlinearExpr
    """
    return _within(curve, curve.body, curve.expression)


def curve_limit(curve: Curve) -> NonlinearExpr | None:
    """Return what a curve approaches as its last input grows, in the same terms.

    Parameters
    ----------
    curve : Curve
        The curve.

    Returns
    -------
    NonlinearExpr or None
        None if that is nothing, or not known.
    """
    if not curve.limit:
        return None
    return _within(curve, curve.limit, parse_expression(curve.limit))


def _within(curve: Curve, source: str, expr: Expr) -> NonlinearExpr:
    """Return the typed form of an expression of a curve's arguments."""
    bound: dict[str, NonlinearExpr] = {name: Covariate(name) for name in curve.inputs}
    bound |= {name: Parameter(name) for name in curve.parameters}
    return _Reader(source, Vocabulary((), ()), bound, Span(0, 0)).read(expr)


@dataclass(frozen=True)
class _Reader:
    """Reads expressions; inside a definition, `bound` holds its arguments and `at` its call."""

    source: str
    vocabulary: Vocabulary
    bound: Mapping[str, NonlinearExpr] | None = None
    at: Span | None = None

    def error(self, message: str, expr: Expr, hint: str | None = None) -> FormulaError:
        return FormulaError(message, self.source, self.at or expr.span, hint)

    def read(self, expr: Expr) -> NonlinearExpr:
        """Return the typed form of an expression."""
        match expr:
            case Number(value=value):
                return Num(value, self.at or expr.span)
            case Constant():
                return self.constant(expr)
            case Name():
                return self.name(expr)
            case Paren(inner=inner):
                return self.read(inner)
            case Unary(op=op, operand=operand):
                return self.unary(expr, op, operand)
            case Binary():
                return self.binary(expr)
            case Call():
                return self.call(expr)
            case Text() | Word():
                raise self.error(
                    "A non-linear formula computes with numbers, not with text.",
                    expr,
                    "Make a column of zeros and ones first.",
                )

    def constant(self, expr: Constant) -> Num:
        """Read ``pi``, ``Inf``, ``TRUE`` and ``FALSE``."""
        value = expr.value
        if value is None or value != value:
            raise self.error(f"{expr.name} is not a number to compute with.", expr)
        return Num(float(value), self.at or expr.span)

    def name(self, expr: Name) -> NonlinearExpr:
        """Tell parameters and covariates apart."""
        name, known = expr.name, self.vocabulary
        if self.bound is not None:
            return self.bound[name]
        if name in known.parameters:
            return Parameter(name, expr.span)
        if name == ".":
            raise self.error("'.' cannot stand in a non-linear formula.", expr)
        if name == known.response:
            raise self.error(f"'{name}' is the response, and stands on the right as well.", expr)
        if name not in known.given and name in (known.columns or ()):
            return Covariate(name, expr.span)
        if name in known.dpars:
            raise self.error(
                f"'{name}' is a parameter of the family; a non-linear formula cannot read it.",
                expr,
                "Use another name for a parameter of the formula.",
            )
        if known.columns is not None:
            raise self.unknown(expr, known.columns)
        return Covariate(name, expr.span)

    def unknown(self, expr: Name, columns: Sequence[str]) -> FormulaError:
        """Return the error for a name that is neither column nor parameter."""
        candidates = (*self.vocabulary.parameters, *columns)
        if not self.vocabulary.parameters:
            right = parse_expression(self.source.partition("~")[2])
            names = [name for name in dict.fromkeys(names_in(right)) if name not in columns]
            return FormulaError(
                f"'{expr.name}' is no column of the data and has no formula.",
                self.source,
                expr.span,
                "The parameters of a non-linear formula have formulas of their own: "
                f"bf(..., '{' + '.join(names)} ~ 1', nl=True). Columns of the data: "
                f"{', '.join(columns)}.",
            )
        return FormulaError(
            f"'{expr.name}' is no column of the data and has no formula.",
            self.source,
            expr.span,
            f"{did_you_mean(expr.name, candidates)} If it is a parameter, give it a formula: "
            f"'{expr.name} ~ 1'.",
        )

    def unary(self, expr: Expr, op: str, operand: Expr) -> NonlinearExpr:
        """Read an operator with one operand."""
        if op == "+":
            return self.read(operand)
        if op == "~":
            raise self.error("'~' has no meaning here.", expr)
        return Apply("neg" if op == "-" else op, (self.read(operand),), self.at or expr.span)

    def argument(self, expr: Expr) -> NonlinearExpr:
        """Read an argument of a call, where ``a | b`` can mean nothing but 'or'."""
        if isinstance(expr, Binary) and expr.op in ("|", "||"):
            return self.binary(expr, either=True)
        return self.read(expr)

    def binary(self, expr: Binary, either: bool = False) -> NonlinearExpr:
        """Read an operator with two operands; `either` says that ``|`` is surely an 'or'."""
        op = _SYNONYMS.get(expr.op, expr.op)
        if op == "|" and not either and not (_is_logical(expr.left) and _is_logical(expr.right)):
            raise self.error(
                "A non-linear formula has no group-level terms.",
                expr,
                f"They belong to the formula of a parameter: 'a ~ 1 + ({deparse(expr)})'.",
            )
        if expr.op in ("%%", "%/%"):
            return self.whole_division(expr)
        if op not in OPERATORS:
            hint = "Products are written 'a * b'." if op == ":" else None
            raise FormulaError(
                f"'{expr.op}' has no meaning in a non-linear formula.",
                self.source,
                expr.op_span,
                hint,
            )
        left, right = self.read(expr.left), self.read(expr.right)
        if self.bound is not None:
            return _fold(op, left, right, self.at or expr.span)
        return Apply(op, (left, right), expr.span)

    def whole_division(self, expr: Binary) -> NonlinearExpr:
        """Read R's remainder and whole quotient, which round towards minus infinity."""
        span = self.at or expr.span
        left, right = self.read(expr.left), self.read(expr.right)
        whole = Apply("floor", (Apply("/", (left, right), span),), span)
        if expr.op == "%/%":
            return whole
        return Apply("-", (left, Apply("*", (right, whole), span)), span)

    def call(self, expr: Call) -> NonlinearExpr:
        """Read a call of a function, or write out a definition."""
        name = ALIASES.get(expr.function, expr.function)
        function = FUNCTIONS.get(name)
        definition = CURVES.get(name) or DERIVED.get(name)
        if function is not None and (definition is None or len(expr.args) <= 1):
            return self.function(expr, function)
        if definition is not None:
            return self.expand(expr, definition)
        raise self.unknown_function(expr)

    def function(self, expr: Call, function: Function) -> NonlinearExpr:
        """Read a call of a function that is evaluated as it is."""
        span = self.at or expr.span
        if function.folds and len(expr.args) > len(function.arguments):
            args = [self.argument(arg.value) for arg in expr.args]
            result = args[0]
            for arg in args[1:]:
                result = Apply(function.name, (result, arg), span)
            return result
        given = match_arguments(
            expr,
            function.arguments,
            self.source,
            required=function.arguments,
            usage=function.usage,
        )
        return Apply(function.name, tuple(self.argument(arg.value) for arg in given.values()), span)

    def expand(self, expr: Call, definition: Definition) -> NonlinearExpr:
        """Write out a definition with the arguments of its call."""
        bound = self.bind(expr, definition)
        inside = _Reader(self.source, self.vocabulary, bound, self.at or expr.span)
        return inside.read(definition.expression)

    def bind(self, expr: Call, definition: Definition) -> dict[str, NonlinearExpr]:
        """Return what a call gives for each argument of a definition."""
        names = tuple(definition.arguments)
        required = tuple(name for name in names if name not in definition.defaults)
        given = match_arguments(expr, names, self.source, required=required, usage=definition.usage)
        span = self.at or expr.span
        bound: dict[str, NonlinearExpr] = {
            name: Num(float(value), span) for name, value in definition.defaults.items()
        }
        return bound | {name: self.argument(arg.value) for name, arg in given.items()}

    def unknown_function(self, expr: Call) -> FormulaError:
        """Return the error for a call of something that is not known."""
        name = expr.function
        span = Span(expr.span.start, expr.span.start + len(name))
        known = self.vocabulary
        if name in REDUCTIONS:
            return FormulaError(
                f"{name}() does not work row by row; a non-linear formula cannot call it.",
                self.source,
                expr.span,
                REDUCTIONS[name],
            )
        if name == "offset":
            return FormulaError(
                "A non-linear formula has no offset().",
                self.source,
                expr.span,
                f"Add what stands inside: '+ {', '.join(deparse(a.value) for a in expr.args)}'.",
            )
        if name in known.parameters or name in (known.columns or ()):
            return FormulaError(
                f"There is no operator behind '{name}', which is not a function.",
                self.source,
                span,
                f"Products are written '{name} * (...)'.",
            )
        return FormulaError(
            f"There is no function {name}() for non-linear formulas.",
            self.source,
            span,
            did_you_mean(name.rpartition(".")[2], (*known_names(), *CURVES)),
        )


def _is_logical(expr: Expr) -> bool:
    """Say whether an expression is true or false."""
    match expr:
        case Paren(inner=inner):
            return _is_logical(inner)
        case Unary(op="!"):
            return True
        case Binary(op=op):
            return op in _LOGICAL
        case Constant(name=name):
            return name in ("TRUE", "FALSE")
        case _:
            return False


def _fold(op: str, left: NonlinearExpr, right: NonlinearExpr, span: Span) -> NonlinearExpr:
    """Apply an operator, leaving out zeros and ones that change nothing."""
    left_neutral, right_neutral = _FOLDABLE.get(op, (None, None))
    if isinstance(right, Num) and right.value == right_neutral:
        return left
    if isinstance(left, Num) and left.value == left_neutral:
        return right
    return Apply(op, (left, right), span)
