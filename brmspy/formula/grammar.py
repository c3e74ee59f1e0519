"""From tokens to expressions, by the precedence table of R's operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from brmspy.errors import FormulaError
from brmspy.formula.expression import (
    CONSTANTS,
    Arg,
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
)
from brmspy.formula.lexer import Token, tokenize
from brmspy.formula.operators import BINARY, UNARY

__all__ = ["CODED", "OF_CODING", "OF_FACTOR", "Sides", "parse_expression", "parse_sides"]

CODED = "C"
"""The function that says how a factor is coded."""
OF_FACTOR = ("x", "object", "data")
"""Names that its first argument has here, in R and in patsy."""
OF_CODING = ("contr", "contrast")
"""Names that its second argument has."""

# Python's words for the same values; nobody names a column so without backticks.
_PYTHON_WORDS = {"True": "TRUE", "False": "FALSE", "None": "NULL"}

_MAX_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Sides:
    """The two sides of a formula; a formula such as ``~ x`` has no left one."""

    left: Expr | None
    right: Expr
    source: str


def parse_sides(source: str) -> Sides:
    """Parse a whole formula.

    Parameters
    ----------
    source : str
        The text of the formula.

    Returns
    -------
    Sides
        What stands on the left and on the right of ``~``.

    Raises
    ------
    FormulaError
        If the text is no formula.
    """
    if not source.strip():
        raise FormulaError("The formula is empty.", hint="Write for example 'y ~ x'.")
    match parse_expression(source):
        case Binary(op="~", left=left, right=right):
            return Sides(left, right, source)
        case Unary(op="~", operand=operand):
            return Sides(None, operand, source)
        case other:
            raise FormulaError(
                "The formula has no '~'.",
                source,
                other.span,
                "Write '~' between the response and the predictors: 'y ~ x'.",
            )


def parse_expression(source: str) -> Expr:
    """Parse the text of one expression.

    Parameters
    ----------
    source : str
        The text.

    Returns
    -------
    Expr
        The expression; all of the text is in it.

    Raises
    ------
    FormulaError
        If the text is not one expression.

    Examples
    --------
    >>> from brmspy.formula.grammar import parse_expression
    >>> parse_expression("-x^2").op
    '-'
    """
    return _Parser(source).whole()


class _Parser:
    """A Pratt parser over the tokens of one text."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens = tokenize(source)
        self.position = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def take(self) -> Token:
        token = self.tokens[self.position]
        self.position += 1
        return token

    def error(self, message: str, span: Span, hint: str | None = None) -> FormulaError:
        return FormulaError(message, self.source, span, hint)

    def whole(self) -> Expr:
        """Parse all of the text."""
        expr = self.expression(0)
        match self.token.kind:
            case "end":
                return expr
            case ")":
                raise self.error("This ')' has no matching '('.", self.token.span)
            case "=":
                raise self.error(
                    "'=' has no meaning here.",
                    self.token.span,
                    "Write '~' between the response and the predictors, '==' to compare.",
                )
            case ",":
                raise self.error("',' has no meaning outside a function call.", self.token.span)
            case _:
                raise self.no_operator(expr)

    def expression(self, minimum: int) -> Expr:
        """Parse operators that bind at least as tightly as `minimum`."""
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise self.error("The formula is nested too deeply.", self.token.span)
        left = self.operand()
        while self.token.kind == "operator":
            operator = BINARY.get(self.token.text)
            if operator is None:
                raise self.no_operator(left)
            if operator.precedence < minimum:
                break
            sign = self.take()
            self.require_only_tilde(sign)
            step = 0 if operator.associativity == "right" else 1
            right = self.expression(operator.precedence + step)
            left = Binary(
                operator.symbol, left, right, Span(left.span.start, right.span.end), sign.span
            )
            if operator.associativity == "none" and self.at_precedence(operator.precedence):
                raise self.error(
                    "Comparisons cannot be chained.",
                    self.token.span,
                    "Write them one by one: 'a < b & b < c'.",
                )
        self.depth -= 1
        return left

    def at_precedence(self, precedence: int) -> bool:
        """Say whether an operator of this precedence comes next."""
        operator = BINARY.get(self.token.text) if self.token.kind == "operator" else None
        return operator is not None and operator.precedence == precedence

    def require_only_tilde(self, sign: Token) -> None:
        """Refuse a second ``~``, and one between parentheses."""
        if sign.text != "~":
            return
        before = self.tokens[: self.position - 1]
        kinds = [token.kind for token in before]
        if kinds.count("(") > kinds.count(")"):
            raise self.error("'~' cannot stand between parentheses.", sign.span)
        if any(token.text == "~" and token.kind == "operator" for token in before):
            raise self.error("A formula has only one '~'.", sign.span)
        if before and before[-1].kind == "operator":
            raise self.error("'~' cannot stand behind an operator.", sign.span)

    def operand(self) -> Expr:
        """Parse what an operator works on."""
        token = self.take()
        match token.kind:
            case "number":
                return Number(_value(token.text), token.text, token.span)
            case "text":
                return Text(token.text, token.span)
            case "name" | "quoted":
                return self.name(token)
            case "(":
                return self.parenthesis(token)
            case "operator" if token.text in UNARY:
                self.require_only_tilde(token)
                operand = self.expression(UNARY[token.text].precedence)
                return Unary(token.text, operand, Span(token.span.start, operand.span.end))
            case _:
                raise self.no_operand(token)

    def name(self, token: Token) -> Expr:
        """Parse a variable, a constant or a call."""
        if self.token.kind == "(":
            return self.call(token)
        if token.kind == "name":
            word = _PYTHON_WORDS.get(token.text, token.text)
            if word in CONSTANTS:
                return Constant(word, token.span)
        return Name(token.text, token.span)

    def parenthesis(self, opening: Token) -> Expr:
        """Parse the rest of ``(...)``."""
        if self.token.kind == ")":
            raise self.error(
                "There is nothing between these parentheses.",
                Span(opening.span.start, self.token.span.end),
            )
        inner = self.expression(0)
        closing = self.close(inner)
        return Paren(inner, Span(opening.span.start, closing.span.end))

    def call(self, function: Token) -> Call:
        """Parse the arguments of a call."""
        self.take()
        args: list[Arg] = []
        if self.token.kind == ")":
            return Call(function.text, (), Span(function.span.start, self.take().span.end))
        while True:
            args.append(self.argument())
            if self.token.kind != ",":
                break
            self.take()
        closing = self.close(args[-1].value)
        if function.text == CODED:
            args = _with_words(args)
        return Call(function.text, tuple(args), Span(function.span.start, closing.span.end))

    def argument(self) -> Arg:
        """Parse one argument of a call."""
        token = self.token
        if token.kind in (",", ")"):
            raise self.error("An argument is missing here.", token.span)
        following = self.tokens[self.position + 1] if token.kind != "end" else token
        if token.kind in ("name", "quoted", "text") and following.kind == "=":
            self.position += 2
            if self.token.kind in (",", ")", "end"):
                raise self.error(f"The argument '{token.text}' has no value.", following.span)
            return Arg(self.expression(0), token.text)
        return Arg(self.expression(0))

    def close(self, inner: Expr) -> Token:
        """Take the parenthesis that closes what `inner` ends."""
        if self.token.kind == ")":
            return self.take()
        if self.token.kind == "end":
            raise self.never_closed()
        if self.token.kind == ",":
            raise self.error("',' has no meaning outside a function call.", self.token.span)
        if self.token.kind == "=":
            raise self.error("'=' has no meaning here.", self.token.span, "Write '==' to compare.")
        raise self.no_operator(inner)

    def no_operand(self, token: Token) -> FormulaError:
        """Say what is missing where an operand should be."""
        before = self.tokens[self.position - 2] if self.position > 1 else None
        if token.kind in ("end", ")", ","):
            if before is not None and before.kind == "operator":
                return self.error(f"There is nothing on the right of '{before.text}'.", before.span)
            if token.kind == "end":
                return self.never_closed()
        if token.kind == ")":
            return self.error("This ')' has no matching '('.", token.span)
        return self.error(f"There is nothing on the left of '{token.text}'.", token.span)

    def never_closed(self) -> FormulaError:
        """Say which parenthesis is open at the end of the text."""
        open_ones: list[Token] = []
        for token in self.tokens:
            if token.kind == "(":
                open_ones.append(token)
            elif token.kind == ")" and open_ones:
                open_ones.pop()
        return self.error("This '(' is never closed.", open_ones[-1].span)

    def no_operator(self, left: Expr) -> FormulaError:
        """Say that two things stand side by side without an operator."""
        last = left
        while isinstance(last, Binary | Unary):
            last = last.right if isinstance(last, Binary) else last.operand
        first = self.source[slice(*last.span)]
        second = self.source[slice(*self.token.span)]
        hint = "Terms are joined by '+'."
        if self.token.kind == "name":
            hint += f" A name with spaces goes between backticks: `{first} {second}`."
        return self.error(
            f"There is no operator between '{first}' and '{second}'.", self.token.span, hint
        )


def _with_words(args: Sequence[Arg]) -> list[Arg]:
    """Make a word of the name of a coding: in ``C(f, sum)``, ``sum`` is no column."""
    unnamed = 0 if any(arg.name in OF_FACTOR for arg in args) else 1
    free = [place for place, arg in enumerate(args) if arg.name is None]
    coding = [place for place, arg in enumerate(args) if arg.name in OF_CODING]
    chosen = coding or free[unnamed : unnamed + 1]
    return [
        Arg(Word(arg.value.name, arg.value.span), arg.name)
        if place in chosen and isinstance(arg.value, Name)
        else arg
        for place, arg in enumerate(args)
    ]


def _value(text: str) -> float:
    """Return the value of a number in R's notation."""
    digits = text.removesuffix("L")
    return float(int(digits, 16)) if digits[:2] in ("0x", "0X") else float(digits)
