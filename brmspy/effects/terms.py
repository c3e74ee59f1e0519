"""Which effects a formula has: the columns that its terms read, alone and in pairs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from brmspy.effects.target import Target
from brmspy.errors import BrmspyError, did_you_mean
from brmspy.formula import LinearPredictor, ModelTerms

__all__ = ["chosen_effects", "default_effects"]

Effect = tuple[str, ...]


def default_effects(target: Target) -> list[Effect]:
    """Return all main effects and two-way interactions of what is predicted.

    Parameters
    ----------
    target : Target
        What is predicted.

    Returns
    -------
    list of tuple of str
        Columns of the data: of each effect one, or two that a term reads together. In a non-linear
        formula its columns interact with each other, and with those of the parameters that it
        reads. A pair of a number and a factor starts with the number.
    """
    terms = target.fit.model.design.terms
    read = list(target.read_columns())
    alone: dict[str, None] = {}
    pairs: dict[frozenset[str], Effect] = {}
    for predictor in target.predictors:
        for group in _read_together(terms, predictor):
            alone.update(dict.fromkeys(name for name in group if name in read))
            for pair in combinations([name for name in group if name in read], 2):
                pairs.setdefault(frozenset(pair), _ordered(target, pair))
    return [*((name,) for name in alone), *pairs.values()]


def chosen_effects(target: Target, effects: object) -> list[Effect]:
    """Return the effects that a user asked for.

    Parameters
    ----------
    target : Target
        What is predicted.
    effects : str or sequence of str
        Columns, or two of them joined by a colon.

    Returns
    -------
    list of tuple of str

    Raises
    ------
    BrmspyError
        If predictions do not read a column, or more than two are joined.
    """
    names = [effects] if isinstance(effects, str) else effects
    if not isinstance(names, (list, tuple)) or not names:
        raise BrmspyError(
            f"effects = {effects!r} is not valid. It is a column of the data, two of them joined "
            'by a colon ("x:g"), or a list of these.'
        )
    return [_split(target, name) for name in names]


def _split(target: Target, name: object) -> Effect:
    """Return the columns of an effect."""
    readable = target.read_columns()
    if isinstance(name, str) and name in readable:
        return (name,)
    parts = _parts(str(name), list(readable))
    if len(parts) > 2:
        raise BrmspyError(
            f"The effect {name!r} joins {len(parts)} columns; two can be shown. Give values of the "
            f'others in conditions, such as conditions={{"{parts[-1]}": [...]}}.'
        )
    for part in parts:
        if part not in readable:
            raise BrmspyError(
                f"effects: predictions of {target.label} do not read {part!r}. "
                f"{did_you_mean(part, readable)}"
            )
    if len(set(parts)) < len(parts):
        raise BrmspyError(f"The effect {name!r} joins {parts[0]!r} with itself.")
    return tuple(parts)


def _parts(name: str, readable: list[str]) -> list[str]:
    """Split an effect at colons; a column may have one in its name."""
    for first in readable:
        if name.startswith(f"{first}:") and name[len(first) + 1 :] in readable:
            return [first, name[len(first) + 1 :]]
    return name.split(":")


def _ordered(target: Target, pair: Effect) -> Effect:
    """Put a number before a factor: it makes the better axis."""
    first, second = (target.columns[name].is_factor for name in pair)
    return (pair[1], pair[0]) if first and not second else pair


def _read_together(terms: ModelTerms, name: str) -> Iterator[tuple[str, ...]]:
    """Yield the columns that each term of a predictor reads."""
    predictor = terms.predictor(name)
    if isinstance(predictor, LinearPredictor):
        for term in predictor.fixed.terms:
            if not term.is_intercept:
                yield term.variables
        return
    if predictor.covariates:
        yield predictor.covariates
    for covariate in predictor.covariates:
        for parameter in predictor.parameters:
            for column in _columns_of(terms, parameter):
                if column != covariate:
                    yield (covariate, column)


def _columns_of(terms: ModelTerms, name: str) -> Iterator[str]:
    """Yield the columns that a parameter and what it reads depend on, group effects left out."""
    predictor = terms.predictor(name)
    if isinstance(predictor, LinearPredictor):
        for term in predictor.fixed.terms:
            yield from () if term.is_intercept else term.variables
        return
    yield from predictor.covariates
    for parameter in predictor.parameters:
        yield from _columns_of(terms, parameter)
