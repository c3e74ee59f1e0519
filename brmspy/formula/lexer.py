"""From the text of a formula to tokens, each with its place in the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NoReturn, TypeAlias

from brmspy.errors import FormulaError
from brmspy.formula.expression import Span
from brmspy.formula.operators import BINARY, UNARY

__all__ = ["Kind", "Token", "tokenize"]

Kind: TypeAlias = Literal["number", "text", "name", "quoted", "operator", "(", ")", ",", "=", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the formula.

    Attributes
    ----------
    kind : str
        What it is; ``quoted`` is a name between backticks.
    text : str
        What it says: without quotes, and ``^`` where Python's ``**`` was written.
    span : Span
        Where it stands.
    """

    kind: Kind
    text: str
    span: Span


_SPELLINGS: Mapping[str, str] = {"**": "^"}
_OPERATORS = sorted({*BINARY, *UNARY, *_SPELLINGS} - {"%in%", "%%", "%/%"}, key=len, reverse=True)

# Tried in this order; each group's name decides what is made of the match.
_PATTERN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<name>(?:[^\W\d]|\.(?!\d))[\w.]*)
    | (?P<number>0[xX][0-9a-fA-F]+L? | (?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?L?)
    | (?P<quoted>`(?:[^`\\]|\\.)*`)
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<foreign><-|->|\|>|:::?|:=|//)
    | (?P<percent>%[^%\s]*%?)
    | (?P<operator>"""
    + "|".join(map(re.escape, _OPERATORS)).replace("#", r"\#")
    + r""")
    | (?P<punctuation>[(),=])
    """,
    re.VERBOSE | re.DOTALL,
)

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}

# What people write from other places, and what to write here.
_ADVICE: Mapping[str, str] = {
    "$": "Columns are named on their own: 'x', not 'd$x'.",
    "[": "Formulas cannot index. Make a new column of the data instead.",
    "]": "Formulas cannot index. Make a new column of the data instead.",
    "{": "Write I(...) for arithmetic inside a formula.",
    "}": "Write I(...) for arithmetic inside a formula.",
    "@": "A name with unusual characters goes between backticks: `a@b`.",
    "#": "A name with unusual characters goes between backticks: `a#b`.",
    ";": "A name with unusual characters goes between backticks: `a;b`.",
    "?": "A name with unusual characters goes between backticks: `a?b`.",
    "\\": "A name with unusual characters goes between backticks.",
    "<-": "'<-' is R's assignment. Put a space between '<' and '-' to compare.",
    "->": "'->' is R's assignment.",
    "|>": "Formulas have no pipe.",
    ":=": "Write '~' between the response and the predictors.",
    "::": "Functions are named without their package: 'poly(x, 2)', not 'stats::poly(x, 2)'.",
    ":::": "Functions are named without their package: 'poly(x, 2)', not 'stats::poly(x, 2)'.",
    "//": "Write %/% for whole division, as in R.",
    "−": "Write the minus sign of the keyboard, '-'.",
    "–": "Write the minus sign of the keyboard, '-'.",
    "—": "Write the minus sign of the keyboard, '-'.",
    "×": "Write '*'.",
    "·": "Write '*'.",
    "÷": "Write '/'.",
    "∼": "Write the tilde of the keyboard, '~'.",
    "˜": "Write the tilde of the keyboard, '~'.",
    "∣": "Write the bar of the keyboard, '|'.",
    "≤": "Write '<='.",
    "≥": "Write '>='.",
    "≠": "Write '!='.",
    "“": 'Write straight quotes, "a".',
    "”": 'Write straight quotes, "a".',
    "‘": "Write straight quotes, 'a'.",
    "’": "Write straight quotes, 'a'.",
    "´": "Write a backtick on both sides of the name.",
}


def tokenize(source: str) -> tuple[Token, ...]:
    """Split the text of a formula into tokens.

    Parameters
    ----------
    source : str
        The text.

    Returns
    -------
    tuple of Token
        The last one has kind ``end``.

    Raises
    ------
    FormulaError
        If something in the text belongs to no formula.

    Examples
    --------
    >>> from brmspy.formula.lexer import tokenize
    >>> [token.text for token in tokenize("y ~ `my x`**2")]
    ['y', '~', 'my x', '^', '2', '']
    """
    tokens = []
    position = 0
    while position < len(source):
        match = _PATTERN.match(source, position)
        if match is None or match.lastgroup is None:
            _refuse(source, position)
        kind = match.lastgroup
        span = Span(*match.span())
        if kind != "space":
            tokens.append(_READERS[kind](source, match.group(), span))
        position = span.end
    tokens.append(Token("end", "", Span(len(source), len(source))))
    return tuple(tokens)


def _number(source: str, text: str, span: Span) -> Token:
    """Read a number; a letter right behind it is an error."""
    if span.end < len(source) and (source[span.end].isalnum() or source[span.end] in "_."):
        word = re.compile(r"[\w.]+").match(source, span.end)
        end = word.end() if word else span.end + 1
        raise FormulaError(
            f"'{source[span.start : end]}' is neither a number nor a name.",
            source,
            (span.start, end),
            "Between a number and a name stands an operator. A name that begins with a digit "
            "goes between backticks.",
        )
    return Token("number", text, span)


def _quoted(source: str, text: str, span: Span) -> Token:
    """Read a name between backticks."""
    name = _ESCAPE.sub(r"\1", text[1:-1])
    if not name:
        raise FormulaError("There is no name between these backticks.", source, span)
    return Token("quoted", name, span)


def _text(source: str, text: str, span: Span) -> Token:
    """Read a text between quotes."""
    del source
    content = _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text[1:-1])
    return Token("text", content, span)


def _percent(source: str, text: str, span: Span) -> Token:
    """Read an operator between percent signs."""
    if text not in BINARY:
        raise FormulaError(
            f"Formulas have no operator '{text}'.",
            source,
            span,
            "R's operators are written %in%, %% and %/%.",
        )
    return Token("operator", text, span)


def _plain(kind: Kind) -> Callable[[str, str, Span], Token]:
    """Return a reader that takes the text as it is."""

    def read(source: str, text: str, span: Span) -> Token:
        del source
        return Token(kind, _SPELLINGS.get(text, text), span)

    return read


def _punctuation(source: str, text: str, span: Span) -> Token:
    """Read a sign that is a kind of its own."""
    del source
    kinds: Mapping[str, Kind] = {"(": "(", ")": ")", ",": ",", "=": "="}
    return Token(kinds[text], text, span)


def _foreign(source: str, text: str, span: Span) -> NoReturn:
    """Refuse what is no sign of a formula."""
    raise FormulaError(
        f"'{text}' has no meaning in a formula.",
        source,
        span,
        _ADVICE.get(text, "A name with unusual characters goes between backticks."),
    )


_READERS: Mapping[str, Callable[[str, str, Span], Token]] = {
    "name": _plain("name"),
    "number": _number,
    "quoted": _quoted,
    "text": _text,
    "foreign": _foreign,
    "percent": _percent,
    "operator": _plain("operator"),
    "punctuation": _punctuation,
}


def _refuse(source: str, position: int) -> NoReturn:
    """Say what is wrong with the character at `position`."""
    char = source[position]
    if char in "`\"'":
        what = "backtick" if char == "`" else "quote"
        raise FormulaError(f"This {what} is never closed.", source, (position, position + 1))
    _foreign(source, char, Span(position, position + 1))
