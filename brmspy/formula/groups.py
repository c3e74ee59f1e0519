"""Group-level terms: from ``(x | ID | g)`` to what varies between which levels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from brmspy.errors import FormulaError
from brmspy.formula.arguments import boolean, match_arguments, word
from brmspy.formula.expansion import bar_of, expand
from brmspy.formula.expression import (
    Arg,
    Binary,
    Call,
    Constant,
    Expr,
    Name,
    Paren,
    Span,
    Text,
    calls_in,
    deparse,
)
from brmspy.formula.specials import refuse_special_calls
from brmspy.formula.terms import FixedPart, GroupTerm

__all__ = ["check_ids", "group_terms"]

_GR_ARGUMENTS = ("g", "by", "cor", "id", "pw", "cov", "dist")
_GR_REFUSED: Mapping[str, str] = {
    "by": "Standard deviations that differ between the levels of another factor, gr(by = ...),",
    "pw": "Prior weights of levels, gr(pw = ...),",
    "cov": "Known covariances between levels, gr(cov = ...),",
    "dist": "Other distributions of group-level effects, gr(dist = ...),",
}
_GROUPING_ADVICE = (
    "A grouping factor is a column, or columns joined by ':', '/' or '+': (1 | g), (1 | g:h), "
    "(1 | g/h). Make any other a column of the data first."
)


@dataclass(frozen=True, slots=True)
class _Bar:
    """A group-level term taken apart."""

    effects: Expr
    group: Expr
    correlated: bool
    id: str | None


def group_terms(
    bars: Iterable[Paren], source: str, columns: Sequence[str] | None = None
) -> tuple[GroupTerm, ...]:
    """Read the group-level terms of one formula.

    Parameters
    ----------
    bars : iterable of Paren
        The terms, with the parentheses around them.
    source : str
        The formula that they stand in.
    columns : sequence of str, optional
        The columns of the data; unknown ones are errors if they are given.

    Returns
    -------
    tuple of GroupTerm
        One for each grouping factor of each term.

    Raises
    ------
    FormulaError
        If a term is not valid, or if an effect is there twice.
    """
    terms = tuple(term for bar in bars for term in _read(bar, source, columns))
    _check_duplicates(terms)
    return terms


def check_ids(terms: Iterable[GroupTerm]) -> None:
    """Refuse an ID that is shared by two grouping factors.

    Parameters
    ----------
    terms : iterable of GroupTerm
        All group-level terms of a model.

    Raises
    ------
    FormulaError
        If two terms with one ID differ in their grouping factors.
    """
    groups: dict[str, str] = {}
    for term in terms:
        if term.id is None:
            continue
        group = groups.setdefault(term.id, term.group)
        if group != term.group:
            raise FormulaError(
                f"The ID '{term.id}' is shared by the grouping factors '{group}' and "
                f"'{term.group}'.",
                term.source,
                term.span,
                "Effects can be correlated only within one grouping factor; give each its own ID.",
            )


def _read(paren: Paren, source: str, columns: Sequence[str] | None) -> tuple[GroupTerm, ...]:
    """Read one group-level term."""
    bar = _take_apart(paren, source)
    effects = _effects(bar.effects, paren, source, columns)
    groups = _grouping_factors(bar.group, source, columns)
    if bar.id is not None and len(groups) > 1:
        raise FormulaError(
            f"The ID '{bar.id}' is shared by the grouping factors "
            f"{' and '.join(repr(':'.join(group)) for group in groups)}.",
            source,
            paren.span,
            "Effects can be correlated only within one grouping factor; write one term for each.",
        )
    return tuple(
        GroupTerm(effects, factors, bar.correlated, bar.id, paren.span, source)
        for factors in groups
    )


def _take_apart(paren: Paren, source: str) -> _Bar:
    """Split a group-level term at its bars."""
    outer = bar_of(paren)
    assert outer is not None
    effects, id_, correlated = outer.left, None, outer.op == "|"
    if isinstance(effects, Binary) and effects.op in ("|", "||"):
        if "||" in (effects.op, outer.op):
            raise FormulaError(
                "A group-level term with an ID estimates correlations; '||' says that it does not.",
                source,
                paren.span,
                "Write '(x | ID | g)', or '(x || g)' without an ID.",
            )
        id_ = word(effects.right, source, "An ID is one word: '(x | ID | g)'.")
        effects = effects.left
        if isinstance(effects, Binary) and effects.op in ("|", "||"):
            raise FormulaError(
                "A group-level term has at most two bars.",
                source,
                paren.span,
                "Write '(x | g)' or '(x | ID | g)'.",
            )
    bar = _Bar(effects, outer.right, correlated, id_)
    if isinstance(bar.group, Call) and bar.group.function == "gr":
        return _open_gr(bar, bar.group, paren, source)
    return bar


def _open_gr(bar: _Bar, call: Call, paren: Paren, source: str) -> _Bar:
    """Read the arguments of ``gr()``."""
    given = match_arguments(call, _GR_ARGUMENTS, source, required=("g",))
    for name in _GR_REFUSED.keys() & given.keys():
        if not _is_default(name, given[name]):
            raise FormulaError(
                f"{_GR_REFUSED[name]} are not supported yet.", source, given[name].value.span
            )
    correlated, id_ = bar.correlated, bar.id
    if "id" in given and not _is_missing(given["id"].value):
        if id_ is not None:
            raise FormulaError("This group-level term has two IDs.", source, given["id"].value.span)
        id_ = word(given["id"].value, source, "An ID is one word: 'gr(g, id = p)'.")
    if "cor" in given:
        correlated = correlated and boolean(given["cor"].value, source, "cor")
    if id_ is not None and not correlated:
        raise FormulaError(
            "A group-level term with an ID estimates correlations, and this one is without.",
            source,
            paren.span,
            "Leave out the ID, or the request for no correlations.",
        )
    return _Bar(bar.effects, given["g"].value, correlated, id_)


def _is_missing(expr: Expr) -> bool:
    """Say whether an argument is R's way of giving none."""
    return isinstance(expr, Constant) and expr.name in ("NULL", "NA")


def _is_default(name: str, arg: Arg) -> bool:
    """Say whether an argument of ``gr()`` says what is so anyway."""
    return _is_missing(arg.value) or (name == "dist" and arg.value == Text("gaussian"))


def _effects(expr: Expr, paren: Paren, source: str, columns: Sequence[str] | None) -> FixedPart:
    """Read what varies between levels."""
    expanded = expand(expr, source, columns=columns)
    if expanded.bars:
        raise FormulaError(
            "A group-level term cannot hold another one.", source, expanded.bars[0].span
        )
    if expanded.fixed.offsets:
        raise FormulaError(
            "An offset does not vary between levels.",
            source,
            paren.span,
            "Add it to the other terms, outside the parentheses.",
        )
    intercept, terms = expanded.fixed.intercept, expanded.fixed.terms
    if terms and terms[0].is_intercept:
        intercept, terms = True, terms[1:]
    if not intercept and not terms:
        raise FormulaError(
            "Nothing varies in this group-level term.",
            source,
            paren.span,
            "Write '(1 | g)' for an intercept that varies, '(0 + x | g)' for a slope.",
        )
    return FixedPart(intercept, terms)


def _grouping_factors(
    expr: Expr, source: str, columns: Sequence[str] | None
) -> tuple[tuple[str, ...], ...]:
    """Read the grouping factors: one tuple of columns for each."""
    refuse_special_calls(expr, source)
    for call in calls_in(expr):
        nested = " gr() takes one grouping factor." if call.function == "gr" else ""
        raise FormulaError(
            f"'{deparse(call)}' cannot be a grouping factor.{nested}",
            source,
            call.span,
            _GROUPING_ADVICE,
        )
    expanded = expand(expr, source, columns=columns)
    terms = expanded.fixed.terms
    factors = [factor for term in terms for factor in term.factors]
    wrong = [factor for factor in factors if not isinstance(factor, Name)]
    if wrong or not terms or not expanded.fixed.intercept:
        raise FormulaError(
            f"'{deparse(expr)}' cannot be a grouping factor.",
            source,
            wrong[0].span if wrong else expr.span,
            _GROUPING_ADVICE,
        )
    return tuple(
        tuple(factor.name for factor in term.factors if isinstance(factor, Name)) for term in terms
    )


def _check_duplicates(terms: Iterable[GroupTerm]) -> None:
    """Refuse an effect that varies twice between the same levels."""
    seen: dict[tuple[frozenset[str], str], Span] = {}
    for term in terms:
        levels = frozenset(term.factors)
        labels = ["Intercept"] * term.effects.intercept + [t.label for t in term.effects.terms]
        for label in labels:
            if (levels, label) in seen:
                raise FormulaError(
                    f"'{label}' varies twice between the levels of '{term.group}'.",
                    term.source,
                    term.span,
                    _duplicate_advice(term, label),
                )
            seen[levels, label] = term.span


def _duplicate_advice(term: GroupTerm, label: str) -> str:
    """Say how to write two uncorrelated terms."""
    slopes = [effect.label for effect in term.effects.terms]
    if label == "Intercept" and slopes:
        return (
            f"Write '(0 + {' + '.join(slopes)} | {term.group})' for slopes that are not correlated "
            "with the intercept."
        )
    return "Leave out one of them."
