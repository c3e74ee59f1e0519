"""All formulas of one model: read, checked against each other, and put in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from brmspy.errors import FormulaError, closest, did_you_mean
from brmspy.formula.bodies import Vocabulary, read_body, read_curve
from brmspy.formula.expansion import Expanded, expand
from brmspy.formula.expression import (
    Binary,
    Expr,
    Name,
    Paren,
    Span,
    deparse,
    names_in,
    quoted,
)
from brmspy.formula.formulas import Formula, SubFormula
from brmspy.formula.grammar import Sides, parse_sides
from brmspy.formula.groups import check_ids, group_terms
from brmspy.formula.nonlinear import Covariate, NonlinearExpr, Parameter, walk
from brmspy.formula.response import read_response
from brmspy.formula.terms import (
    FixedPart,
    LinearPredictor,
    ModelTerms,
    NonlinearPredictor,
    Response,
)

__all__ = ["assemble", "expand_sides", "parameter_names"]


@dataclass(frozen=True)
class _Entry:
    """The formula of one parameter, taken apart but not yet understood."""

    name: str
    span: Span
    sides: Sides
    nl: bool
    center: bool | None
    cmc: bool

    @property
    def source(self) -> str:
        return self.sides.source

    def error(self, message: str, hint: str | None = None) -> FormulaError:
        return FormulaError(message, self.source, self.span, hint)


@dataclass(frozen=True)
class _Context:
    """What is known about a model before its right-hand sides are read."""

    formula: Formula
    dpars: tuple[str, ...]
    columns: Sequence[str] | None
    response: Response
    main: _Entry
    entries: tuple[_Entry, ...]

    @property
    def vocabulary(self) -> Vocabulary:
        """What names in non-linear formulas can mean."""
        response = self.response
        plain = response.label if isinstance(response.expr, Name) else None
        named = [entry.name for entry in self.entries]
        given = {*named, *(item.name for item in self.formula.fixed)} & {*self.dpars}
        nlpars = tuple(name for name in named if name not in self.dpars)
        return Vocabulary(nlpars, self.dpars, given, plain, self.columns)

    def is_nlpar(self, entry: _Entry) -> bool:
        return entry.name not in self.dpars


def assemble(formula: Formula, dpars: tuple[str, ...], columns: Sequence[str] | None) -> ModelTerms:
    """Read all formulas of a model.

    Parameters
    ----------
    formula : Formula
        What the user wrote.
    dpars : tuple of str
        The family's distributional parameters, the predicted mean first.
    columns : sequence of str or None
        The columns of the data, if they are known.

    Returns
    -------
    ModelTerms

    Raises
    ------
    FormulaError
        If a formula is not valid, or if two do not go together.
    """
    sides = parse_sides(formula.main)
    response = read_response(sides, columns)
    tilde = formula.main.index("~")
    main = _Entry(dpars[0], Span(tilde, tilde + 1), sides, formula.nl, formula.center, formula.cmc)
    entries = tuple(entry for part in formula.parts for entry in _entries(part))
    context = _Context(formula, dpars, columns, response, main, entries)
    _check_names(context)
    _check_fixed(context)
    predictors = {entry.name: _predictor(entry, context) for entry in (main, *entries)}
    check_ids(group for predictor in predictors.values() for group in predictor.groups)
    _check_use(context, predictors)
    return ModelTerms(response, _in_order(context, predictors), formula.fixed, formula)


def expand_sides(sides: Sides, columns: Sequence[str] | None, used: Iterable[str] = ()) -> Expanded:
    """Expand a right-hand side, where ``.`` is every column that has no other role.

    Parameters
    ----------
    sides : Sides
        The formula.
    columns : sequence of str or None
        The columns of the data, if they are known.
    used : iterable of str
        Columns that ``.`` leaves out besides those on the left and the grouping factors.

    Returns
    -------
    Expanded
    """
    dot = None
    if columns is not None:
        left = () if sides.left is None else names_in(sides.left)
        taken = {*used, *left, *_grouping_columns(sides.right)}
        dot = [column for column in columns if column not in taken]
    return expand(sides.right, sides.source, dot=dot, columns=columns)


def _grouping_columns(expr: Expr) -> Iterator[str]:
    """Yield the columns behind the bars of group-level terms."""
    waiting = [expr]
    while waiting:
        match waiting.pop():
            case Binary(op="|" | "||", right=right):
                yield from names_in(right)
            case Binary(left=left, right=right):
                waiting += [left, right]
            case Paren(inner=inner):
                waiting.append(inner)


def parameter_names(part: SubFormula) -> list[str]:
    """Return the names of the parameters that a formula is for.

    Parameters
    ----------
    part : SubFormula
        The formula, ``"a + b ~ 1"``.

    Returns
    -------
    list of str
    """
    return [entry.name for entry in _entries(part)]


def _entries(part: SubFormula) -> Iterator[_Entry]:
    """Yield one entry for each name on the left-hand side."""
    sides = parse_sides(part.source)
    if sides.left is None:
        start = part.source.index("~")
        raise FormulaError(
            "This formula does not say which parameter it is for.",
            part.source,
            (start, start + 1),
            "Write its name on the left of '~': 'sigma ~ x'.",
        )
    for name in _names(sides.left, part.source):
        yield _Entry(name.name, name.span, sides, part.nl, part.center, part.cmc)


def _names(expr: Expr, source: str) -> Iterator[Name]:
    """Yield the names joined by ``+``."""
    match expr:
        case Binary(op="+", left=left, right=right):
            yield from _names(left, source)
            yield from _names(right, source)
        case Paren(inner=inner):
            yield from _names(inner, source)
        case Name(name=name) if name != ".":
            yield expr
        case Binary(op="|" | "||", right=right):
            raise FormulaError(
                f"'{deparse(right)}' belongs to the response.",
                source,
                right.span,
                "Write it in the main formula.",
            )
        case _:
            raise FormulaError(
                f"'{deparse(expr)}' is not the name of a parameter.",
                source,
                expr.span,
                "On the left of '~' stand names of parameters, joined by '+'.",
            )


def _check_names(context: _Context) -> None:
    """Refuse formulas for what is no parameter, and two for one."""
    main = context.main
    seen: set[str] = set()
    for entry in context.entries:
        name = entry.name
        if name == main.name:
            raise entry.error(
                f"'{name}' has a formula already: the main one.",
                f"The main formula predicts '{name}'. A parameter of a non-linear formula needs "
                "another name."
                if main.nl
                else f"Add these terms to '{context.formula.main.strip()}'.",
            )
        if name in seen:
            raise entry.error(f"'{name}' has two formulas.", "Join their right-hand sides.")
        seen.add(name)
        if context.is_nlpar(entry):
            _check_nonlinear_parameter(entry, context)
    if main.nl and (main.center is not None or not main.cmc):
        raise FormulaError(
            "'center' and 'cmc' mean nothing to a non-linear formula.",
            hint="Give them to the formulas of its parameters: lf('a ~ x', center=True).",
        )


def _check_nonlinear_parameter(entry: _Entry, context: _Context) -> None:
    """Refuse a name that can be no parameter of a non-linear formula."""
    name = entry.name
    if not (context.main.nl or any(other.nl for other in context.entries)):
        raise _linear_model(entry, context)
    if name == context.response.label:
        raise entry.error(f"'{name}' is the response.", "Choose another name for the parameter.")
    if context.columns is not None and name in context.columns:
        raise entry.error(
            f"'{name}' is a column of the data, and would be hidden by a parameter of that name.",
            "Choose another name for the parameter.",
        )


def _linear_model(entry: _Entry, context: _Context) -> FormulaError:
    """Return the error for a formula of what is no parameter of the family."""
    mentioned = entry.name in names_in(context.main.sides.right)
    hint = did_you_mean(entry.name, context.dpars)
    if mentioned:
        hint = (
            f"If the main formula is non-linear and '{entry.name}' one of its parameters, say so: "
            "bf(..., nl=True)."
        )
    return entry.error(
        f"'{entry.name}' is not a parameter of this family, which has {', '.join(context.dpars)}.",
        hint,
    )


def _check_fixed(context: _Context) -> None:
    """Refuse numbers for what is no parameter of the family, or is predicted."""
    predicted = {context.main.name, *(entry.name for entry in context.entries)}
    seen: set[str] = set()
    for item in context.formula.fixed:
        text, span = str(item), (0, len(item.name))
        if item.name in predicted:
            raise FormulaError(
                f"'{item.name}' is fixed and predicted at the same time.",
                text,
                span,
                "Leave out the number, or the formula.",
            )
        if item.name not in context.dpars:
            raise FormulaError(
                f"'{item.name}' is not a parameter of this family, which has "
                f"{', '.join(context.dpars)}.",
                text,
                span,
                did_you_mean(item.name, context.dpars[1:]),
            )
        if item.name in seen:
            raise FormulaError(f"'{item.name}' is fixed twice.", text, span)
        seen.add(item.name)


def _predictor(entry: _Entry, context: _Context) -> LinearPredictor | NonlinearPredictor:
    """Read the right-hand side of one formula."""
    nlpar = context.is_nlpar(entry)
    if entry.nl:
        body = read_body(entry.sides.right, entry.source, context.vocabulary)
        covariates = _mentioned(body, Covariate)
        parameters = _mentioned(body, Parameter)
        curve = read_curve(entry.sides.right, entry.source, context.vocabulary)
        return NonlinearPredictor(
            entry.name, nlpar, body, covariates, parameters, entry.source, curve
        )
    expanded = expand_sides(entry.sides, context.columns, context.response.variables)
    _check_response(expanded.fixed, entry, context)
    groups = group_terms(expanded.bars, entry.source, context.columns)
    center = not nlpar if entry.center is None else entry.center
    return LinearPredictor(
        entry.name, nlpar, expanded.fixed, groups, center, entry.cmc, entry.source
    )


def _mentioned(body: NonlinearExpr, kind: type[Covariate] | type[Parameter]) -> tuple[str, ...]:
    """Return the names of one kind in a non-linear formula, in order, each once."""
    return tuple(dict.fromkeys(node.name for node in walk(body) if isinstance(node, kind)))


def _check_response(fixed: FixedPart, entry: _Entry, context: _Context) -> None:
    """Refuse the response among the predictors."""
    for term in fixed.terms:
        for factor in term.factors:
            if factor == context.response.expr:
                raise FormulaError(
                    f"'{context.response.label}' is the response, and stands on the right as well.",
                    entry.source,
                    factor.span,
                    "A response cannot predict itself.",
                )


_Predictors = Mapping[str, LinearPredictor | NonlinearPredictor]


def _check_use(context: _Context, predictors: _Predictors) -> None:
    """Refuse non-linear formulas without parameters, and parameters that nothing reads."""
    bodies = [p for p in predictors.values() if isinstance(p, NonlinearPredictor)]
    main = predictors[context.main.name]
    if isinstance(main, NonlinearPredictor) and not main.parameters:
        example = " + ".join(quoted(name) for name in main.covariates) or "a"
        raise FormulaError(
            "The non-linear formula has no parameters.",
            main.source,
            context.main.sides.right.span,
            f"Names with a formula of their own are parameters: '{example} ~ 1'.",
        )
    used = {name for predictor in bodies for name in predictor.parameters}
    for entry in context.entries:
        if context.is_nlpar(entry) and entry.name not in used:
            read = [*used, *(name for p in bodies for name in p.covariates), *context.dpars[1:]]
            near = f"{did_you_mean(entry.name, read)} " if closest(entry.name, read) else ""
            known = ", ".join(name for p in bodies for name in p.parameters)
            raise entry.error(
                f"'{entry.name}' has a formula, but no non-linear formula reads it.",
                f"{near}The parameters that are read are {known}. Leave '{entry.name}' out, or "
                "write it where it belongs.",
            )


def _in_order(
    context: _Context, predictors: _Predictors
) -> tuple[LinearPredictor | NonlinearPredictor, ...]:
    """Put parameters before what reads them, and the mean last."""
    ordered: dict[str, LinearPredictor | NonlinearPredictor] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        predictor = predictors[name]
        if isinstance(predictor, NonlinearPredictor) and name not in ordered:
            for parameter in predictor.parameters:
                if parameter in (*path, name):
                    raise _cycle(predictor, parameter, (*path, name))
                visit(parameter, (*path, name))
        ordered[name] = predictor

    nlpars = [entry.name for entry in context.entries if context.is_nlpar(entry)]
    dpars = [entry.name for entry in context.entries if not context.is_nlpar(entry)]
    for name in (*nlpars, *dpars, context.main.name):
        visit(name, ())
    return tuple(ordered.values())


def _cycle(predictor: NonlinearPredictor, parameter: str, path: tuple[str, ...]) -> FormulaError:
    """Return the error for a parameter that depends on itself."""
    loop = (*path[path.index(parameter) :], parameter)
    place = next(
        node
        for node in walk(predictor.body)
        if isinstance(node, Parameter) and node.name == parameter
    )
    return FormulaError(
        f"'{parameter}' depends on itself: {' -> '.join(loop)}.", predictor.source, place.span
    )
