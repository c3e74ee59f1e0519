"""Change a formula as R's ``update()`` does, where ``.`` stands for what there was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from brmspy.errors import FormulaError, did_you_mean
from brmspy.formula.assembly import parameter_names
from brmspy.formula.expansion import bar_of, expand
from brmspy.formula.expression import (
    Binary,
    Call,
    Expr,
    Name,
    Number,
    Paren,
    Unary,
    deparse,
    name_nodes,
    names_in,
    quoted,
)
from brmspy.formula.formulas import Formula, SubFormula
from brmspy.formula.grammar import Sides, parse_expression, parse_sides
from brmspy.formula.groups import group_terms
from brmspy.formula.terms import GroupTerm

__all__ = ["update_formula"]

_DOT = Name(".")
_ADDITIVE = ("+", "-")
_BAR = "|"


def update_formula(
    old: Formula, new: str | Formula, columns: Sequence[str] | None = None
) -> Formula:
    """Return a formula with some of it replaced.

    Parameters
    ----------
    old : Formula
        The formula to change.
    new : str or Formula
        What to change it to. In its main formula ``.`` stands for what was there: ``"~ . + x"``
        adds a term, ``". ~ . - (1 | g)"`` removes one, ``"log(.) ~ ."`` transforms the response;
        without a response the old one stays. In products (``". * x"``) it stands for the old
        population-level terms, and group-level terms and offsets stay as they are. Formulas of
        other parameters replace those of the same parameter; all others are kept.
    columns : sequence of str, optional
        The columns of the data, for an old formula which itself says ``y ~ .``.

    Returns
    -------
    Formula

    Raises
    ------
    FormulaError
        If the new formula is not valid, or removes a term that is not there.

    Examples
    --------
    >>> from brmspy.formula import bf, update_formula
    >>> print(update_formula(bf("y ~ x + (1 | g)", "sigma ~ x"), "~ . + z - (1 | g)"))
    y ~ x + z
    sigma ~ x
    """
    if not isinstance(new, Formula):
        new = replace(old, main=_text(new), parts=(), fixed=())
    taken = {name for part in new.parts for name in parameter_names(part)}
    taken |= {item.name for item in new.fixed}
    for part in new.parts:
        _refuse_dots(part)
    sides = parse_sides(new.main)
    continued = old.nl and _has_dots(sides.right)
    return Formula(
        _main(parse_sides(old.main), sides, columns, nl=continued),
        (*_kept_parts(old, taken), *new.parts),
        (*(item for item in old.fixed if item.name not in taken), *new.fixed),
        nl=new.nl or continued,
        center=old.center if new.center is None else new.center,
        cmc=old.cmc and new.cmc,
    )


def _text(formula: object) -> str:
    """Check that a formula is text."""
    if isinstance(formula, str):
        return formula
    raise FormulaError(
        f"A formula is a text such as '~ . + x', or what bf(...) returns, not "
        f"{type(formula).__name__}."
    )


def _kept_parts(old: Formula, taken: set[str]) -> Iterator[SubFormula]:
    """Yield the formulas of the parameters that get no new one."""
    for part in old.parts:
        names = parameter_names(part)
        kept = [name for name in names if name not in taken]
        if len(kept) == len(names):
            yield part
        elif kept:
            right = part.source[part.source.index("~") :]
            yield replace(part, source=f"{' + '.join(map(quoted, kept))} {right}")


def _refuse_dots(part: SubFormula) -> None:
    """Refuse dots where they would silently stand for all columns."""
    sides = parse_sides(part.source)
    for node in name_nodes(sides.right):
        if node == _DOT:
            raise FormulaError(
                "'.' stands for what was there in the main formula only.",
                part.source,
                node.span,
                f"Write the formula of {' and '.join(parameter_names(part))} in full.",
            )


def _has_dots(expr: Expr) -> bool:
    """Tell whether there is a dot in an expression."""
    return _DOT in name_nodes(expr)


def _main(old: Sides, new: Sides, columns: Sequence[str] | None, *, nl: bool) -> str:
    """Return the main formula, dots replaced."""
    left = _left(old, new)
    if not _has_dots(new.right):
        right = _source(new.right, new.source)
    elif nl:
        whole = _source(old.right, old.source)
        right = whole if new.right == _DOT else _filled(new.right, new.source, f"({whole})")
    else:
        right = str(_Sum(old, columns).with_changes(new))
    return f"{left} ~ {right}"


def _source(expr: Expr, source: str) -> str:
    """Return the text of an expression as the user wrote it."""
    return source[slice(*expr.span)]


def _filled(expr: Expr, source: str, text: str) -> str:
    """Return the text of an expression with another text in the place of its dots."""
    pieces, start = [], expr.span.start
    for node in name_nodes(expr):
        if node == _DOT:
            pieces += [source[start : node.span.start], text]
            start = node.span.end
    return "".join([*pieces, source[start : expr.span.end]])


def _left(old: Sides, new: Sides) -> str:
    """Return the response with its additional terms."""
    if old.left is None:
        raise FormulaError("The formula has no response.", old.source)
    before, added_before = _response(old.left)
    if new.left is None or new.left == _DOT:
        return _source(old.left, old.source)
    if not _has_dots(new.left):
        return _source(new.left, new.source)
    response, added = _response(new.left)
    text = _source(before, old.source)
    if response != _DOT and isinstance(before, Binary | Unary):
        text = f"({text})"
    result = _filled(response, new.source, text)
    # What is said of the response still holds once it is transformed: its weights, its trials.
    if added is None:
        rest = None if added_before is None else _source(added_before, old.source)
    elif not _has_dots(added):
        rest = _source(added, new.source)
    elif added_before is None:
        raise FormulaError(
            "There are no additional terms of the response that '.' could stand for.",
            new.source,
            added.span,
        )
    else:
        rest = _filled(added, new.source, _source(added_before, old.source))
    return result if rest is None else f"{result} | {rest}"


def _response(left: Expr) -> tuple[Expr, Expr | None]:
    """Return the response, and what stands behind its bar."""
    if isinstance(left, Binary) and left.op == _BAR:
        return left.left, left.right
    return left, None


@dataclass(frozen=True)
class _Summand:
    """What is added to a formula, or taken from it.

    Attributes
    ----------
    sign : {"+", "-"}
        Which.
    expr : Expr
        The term; offsets are of the text that it was read from.
    text : str
        How it is written.
    """

    sign: str
    expr: Expr
    text: str

    @property
    def is_group(self) -> bool:
        """Whether it is a group-level term."""
        return bar_of(self.expr) is not None

    @property
    def is_offset(self) -> bool:
        """Whether it is an offset."""
        return isinstance(self.expr, Call) and self.expr.function == "offset"

    def groups(self) -> tuple[GroupTerm, ...]:
        """Return the group-level terms that it stands for: two for ``(1 | g/h)``."""
        expr = parse_expression(self.text)
        assert isinstance(expr, Paren)
        return group_terms([expr], self.text)


def _summand(sign: str, expr: Expr, source: str) -> _Summand:
    """Return a summand as it stands in the source."""
    return _Summand(sign, expr, _source(expr, source))


def _summands(expr: Expr, source: str) -> Iterator[_Summand]:
    """Yield what a sum consists of, from left to right."""
    match expr:
        case Binary(op="+", left=left, right=right):
            yield from _summands(left, source)
            yield from _summands(right, source)
        case Binary(op="-", left=left, right=right):
            yield from _summands(left, source)
            yield from _removed(right, source)
        case Unary(op="+", operand=operand):
            yield from _summands(operand, source)
        case Unary(op="-", operand=operand):
            yield from _removed(operand, source)
        case Paren(inner=inner) if bar_of(expr) is None:
            yield from _summands(inner, source)
        case _:
            yield _summand("+", expr, source)


def _removed(expr: Expr, source: str) -> Iterator[_Summand]:
    """Yield what is taken away: each part of ``- (a + b)``."""
    match expr:
        case Binary(op="+", left=left, right=right):
            yield from _removed(left, source)
            yield from _removed(right, source)
        case Paren(inner=inner) if bar_of(expr) is None:
            yield from _removed(inner, source)
        case _:
            yield _summand("-", expr, source)


class _Sum:
    """The right-hand side of a linear formula as it changes.

    Parameters
    ----------
    old : Sides
        The formula before.
    columns : sequence of str or None
        The columns of the data, for a formula that says ``y ~ .``.
    """

    def __init__(self, old: Sides, columns: Sequence[str] | None) -> None:
        self._old = tuple(_summands(old.right, old.source))
        self._dot = _all_columns(old, self._old, columns or ())
        self._items: list[_Summand] = []

    def __str__(self) -> str:
        return _joined(self._items)

    def with_changes(self, new: Sides) -> _Sum:
        """Add and remove the summands of a formula in which dots stand for the old one."""
        for item in _summands(new.right, new.source):
            if item.expr == _DOT:
                if item.sign == "-":
                    raise FormulaError(
                        "'- .' would remove the whole formula.",
                        new.source,
                        item.expr.span,
                        "Write the terms that are to go, or '~ 1' to keep none.",
                    )
                self._extend(self._old)
            elif _has_dots(item.expr):
                self._in_product(item, new)
            elif item.sign == "+":
                self._extend([item])
            else:
                self._remove(item, new.source)
        return self

    def _extend(self, items: Sequence[_Summand]) -> None:
        """Add summands; one that is there already, once."""
        for item in items:
            there = any((old.sign, old.expr) == ("+", item.expr) for old in self._items)
            if not there or item.sign == "-" or isinstance(item.expr, Number):
                self._items.append(item)

    def _in_product(self, item: _Summand, new: Sides) -> None:
        """Add or remove a term in which dots stand for the old population-level terms."""
        apart = [old for old in self._old if old.is_group or old.is_offset]
        fixed = [old for old in self._old if old not in apart]
        plain = len(fixed) == 1 and not isinstance(fixed[0].expr, Binary)
        joined = _joined(fixed)
        text = _filled(item.expr, new.source, joined if plain else f"({joined})")
        filled = _Summand(item.sign, parse_expression(text), text)
        if item.sign == "-":
            self._remove(filled, text)
            return
        self._extend([filled, *([] if filled.is_group else apart)])

    def _remove(self, item: _Summand, source: str) -> None:
        """Remove a term."""
        if isinstance(item.expr, Number):
            self._items.append(item)
        elif item.is_group:
            self._remove_groups(item, source)
        elif item.is_offset:
            self._drop(item, source, lambda old: old.is_offset, "offset")
        else:
            self._remove_terms(item, source)

    def _remove_groups(self, item: _Summand, source: str) -> None:
        """Remove a group-level term, however it is written; ``(1 | g/h)`` holds two."""
        gone = item.groups()
        there = {term for old in self._items if old.is_group for term in old.groups()}
        missing = [term for term in gone if term not in there]
        if missing:
            raise self._absent("group-level term", item, source, lambda old: old.is_group)
        items: list[_Summand] = []
        for old in self._items:
            terms = old.groups() if old.is_group else ()
            kept = [term for term in terms if term not in gone]
            if len(kept) == len(terms):
                items.append(old)
            else:
                items += [_group_summand(term) for term in kept]
        self._items = items

    def _remove_terms(self, item: _Summand, source: str) -> None:
        """Remove population-level terms."""
        gone = self._terms([replace(item, sign="+")])
        if not gone & self._terms(self._items):
            raise self._absent(
                "term", item, source, lambda old: not (old.is_group or old.is_offset)
            )
        self._items = [old for old in self._items if old.sign == "-" or old.expr != item.expr]
        if gone & self._terms(self._items):  # a part of a product: a*b - a:b
            self._items.append(item)

    def _drop(
        self, item: _Summand, source: str, kind: Callable[[_Summand], bool], noun: str
    ) -> None:
        """Remove summands that say the same."""
        kept = [old for old in self._items if old.expr != item.expr]
        if len(kept) == len(self._items):
            raise self._absent(noun, item, source, kind)
        self._items = kept

    def _terms(self, items: Sequence[_Summand]) -> set[frozenset[Expr]]:
        """Return the population-level terms of summands, each as the set of its variables."""
        text = _joined([item for item in items if not (item.is_group or item.is_offset)])
        expanded = expand(parse_expression(text), text, dot=self._dot)
        return {frozenset(term.factors) for term in expanded.fixed.terms}

    def _absent(
        self, noun: str, item: _Summand, source: str, kind: Callable[[_Summand], bool]
    ) -> FormulaError:
        """Return the error for removing what is not there."""
        present = [old.text for old in self._items if old.sign == "+" and kind(old)]
        span = item.expr.span if source[slice(*item.expr.span)] == item.text else None
        return FormulaError(
            f"The formula has no {noun} '{deparse(item.expr)}' to remove.",
            source,
            span,
            did_you_mean(item.text, present) if present else f"It has no {noun}s at all.",
        )


def _all_columns(old: Sides, items: Sequence[_Summand], columns: Sequence[str]) -> list[str]:
    """Return what the old formula's own dot stands for, as in ``y ~ .``."""
    taken = set() if old.left is None else set(names_in(old.left))
    taken |= {name for item in items if item.is_group for t in item.groups() for name in t.factors}
    return [column for column in columns if column not in taken]


def _joined(items: Sequence[_Summand]) -> str:
    """Return summands as text; the intercept alone if there are none."""
    pieces: list[str] = []
    for item in items:
        text = f"({item.text})" if item.sign == "-" and _is_sum(item.expr) else item.text
        pieces += [item.sign, text] if pieces or item.sign == "-" else [text]
    return " ".join(pieces) or "1"


def _is_sum(expr: Expr) -> bool:
    """Tell whether an expression needs parentheses behind a minus sign."""
    return isinstance(expr, Binary) and expr.op in _ADDITIVE


def _group_summand(term: GroupTerm) -> _Summand:
    """Return a group-level term as a summand of its own."""
    bar = "|" if term.correlated else "||"
    bar = bar if term.id is None else f"| {term.id} |"
    text = f"({term.effects} {bar} {':'.join(map(quoted, term.factors))})"
    return _Summand("+", parse_expression(text), text)
