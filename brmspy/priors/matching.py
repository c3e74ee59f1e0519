"""Which parameters a prior is for, and what to say if there are none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from brmspy.data.names import brms_name
from brmspy.errors import PriorError, did_you_mean
from brmspy.priors.parameters import ParameterBlock
from brmspy.priors.rows import Prior
from brmspy.priors.table import default_prior_table

__all__ = ["Key", "key_of", "matched"]

Key = tuple[str, str, str, str, str]

_LONGEST_TABLE = 15
_GROUPED = ("sd", "cor")


def key_of(row: Prior) -> Key:
    """Return what identifies the parameters a prior is for."""
    return row.class_, row.dpar, row.nlpar, row.group, row.coef


def matched(blocks: Sequence[ParameterBlock], rows: Iterable[Prior]) -> dict[Key, Prior]:
    """Return the priors by what they are for, with brms' names of coefficients.

    Parameters
    ----------
    blocks : sequence of ParameterBlock
        The parameters of a model.
    rows : iterable of Prior
        The user's priors.

    Raises
    ------
    PriorError
        If a prior is for no parameter, or two are for the same.
    """
    found: dict[Key, Prior] = {}
    for row in rows:
        named = _with_brms_names(blocks, row)
        previous = found.setdefault(key_of(named), named)
        if previous is not named:
            raise PriorError(
                f"Two priors are for the same parameters: {previous} and {row}. Keep one of them."
            )
    return found


def _with_brms_names(blocks: Sequence[ParameterBlock], row: Prior) -> Prior:
    """Return the prior with brms' name of its coefficient, or say why it matches nothing."""
    places = _in_class(blocks, row)
    if row.group:
        places = _in_group(blocks, places, row)
    if not row.coef:
        return row
    return replace(row, coef=_coef(blocks, places, row))


def _in_class(blocks: Sequence[ParameterBlock], row: Prior) -> list[ParameterBlock]:
    """Return the blocks of a prior's class and scope."""
    same_class = [block for block in blocks if block.class_ == row.class_]
    places = [block for block in same_class if block.scope == (row.dpar, row.nlpar)]
    if places:
        return places
    if row.dpar and row.nlpar:
        reason = (
            f"it has both dpar={row.dpar!r} and nlpar={row.nlpar!r}, but no parameter has. "
            "Keep the one that the formula predicts."
        )
    elif same_class and row.class_ == "cor":
        reason = "the correlations of a group are not set by dpar or nlpar. Leave it out."
    else:
        reason = (
            _wrong_predicted(blocks, row)
            or (_wrong_scope(blocks, row, same_class) if same_class else None)
            or _wrong_class(blocks, row)
        )
    raise _unmatched(blocks, row, reason)


def _wrong_predicted(blocks: Sequence[ParameterBlock], row: Prior) -> str | None:
    """Say what is wrong if a prior's dpar or nlpar is not predicted in the model."""
    dpars = _unique(block.dpar for block in blocks)
    nlpars = _unique(block.nlpar for block in blocks)
    if row.dpar and row.dpar not in dpars:
        if row.dpar in nlpars:
            return f"{row.dpar!r} is a non-linear parameter. Write nlpar={row.dpar!r}."
        if any(block.class_ == row.dpar for block in blocks):
            return (
                f"{row.dpar!r} has no formula, so it is a class of its own. "
                f"Write class_={row.dpar!r} without dpar."
            )
        if not dpars:
            return "no distributional parameter has a formula in this model. Leave dpar out."
        return f"no formula predicts dpar={row.dpar!r}. " + did_you_mean(row.dpar, dpars)
    if row.nlpar and row.nlpar not in nlpars:
        if row.nlpar in dpars:
            return f"{row.nlpar!r} is a distributional parameter. Write dpar={row.nlpar!r}."
        if not nlpars:
            return "the model has no non-linear parameters. Leave nlpar out."
        return f"there is no nlpar={row.nlpar!r}. " + did_you_mean(row.nlpar, nlpars)
    return None


def _wrong_scope(
    blocks: Sequence[ParameterBlock], row: Prior, same_class: Sequence[ParameterBlock]
) -> str:
    """Say where a class occurs that does not occur in a prior's scope."""
    if _intercept_is_coefficient(blocks, row):
        return _absent_class(blocks, row)
    scopes = list(dict.fromkeys(block.scope for block in same_class))
    words = [_scope_in_words(*scope) for scope in scopes]
    if row.dpar or row.nlpar:
        where = _scope_in_words(row.dpar, row.nlpar)
        here = _classes_in(blocks, row.dpar or row.nlpar)
        return (
            f"with {where} there is only {here}; class {row.class_!r} occurs with "
            f"{', '.join(words)}."
        )
    add = "Add it" if len(words) == 1 else "Set one prior for each"
    return f"class {row.class_!r} occurs here only with {', '.join(words)}. {add}."


def _classes_in(blocks: Sequence[ParameterBlock], predicted: str) -> str:
    """Return the classes of a predicted parameter's own parameters."""
    found = _unique(b.class_ for b in blocks if predicted in (b.dpar, b.nlpar))
    return " and ".join(f"class_={name!r}" for name in found)


def _scope_in_words(dpar: str, nlpar: str) -> str:
    """Return the arguments that name a scope."""
    if nlpar:
        return f"nlpar={nlpar!r}"
    return f"dpar={dpar!r}" if dpar else "neither dpar nor nlpar"


def _wrong_class(blocks: Sequence[ParameterBlock], row: Prior) -> str:
    """Say what is wrong with a class that does not occur in the model."""
    if any(block.dpar == row.class_ for block in blocks):
        return (
            f"{row.class_!r} has a formula, so it is no single number. Set priors for what "
            f"predicts it: {_classes_in(blocks, row.class_)}, with dpar={row.class_!r}."
        )
    if any(block.nlpar == row.class_ for block in blocks):
        return (
            f"{row.class_!r} is a non-linear parameter, not a class. Write nlpar={row.class_!r}, "
            f"with {_classes_in(blocks, row.class_)}."
        )
    if row.class_ in ("b", "Intercept", *_GROUPED):
        return _absent_class(blocks, row)
    classes = _unique(block.class_ for block in blocks)
    return f"there is no class {row.class_!r}. " + did_you_mean(row.class_, classes)


def _intercept_is_coefficient(blocks: Sequence[ParameterBlock], row: Prior) -> bool:
    """Whether a prior is for an intercept that is not centred."""
    return row.class_ == "Intercept" and any(
        block.class_ == "b" and block.scope == (row.dpar, row.nlpar) and "Intercept" in block.coefs
        for block in blocks
    )


def _absent_class(blocks: Sequence[ParameterBlock], row: Prior) -> str:
    """Say why a class that most models have does not occur."""
    if _intercept_is_coefficient(blocks, row):
        return (
            "the predictors are not centred, so the intercept is a coefficient. "
            "Write class_='b', coef='Intercept'."
        )
    reasons = {
        "b": "there are no population-level coefficients.",
        "Intercept": "there is no intercept.",
        "sd": "there are no group-level effects.",
        "cor": "there are no correlated group-level effects.",
    }
    return reasons[row.class_]


def _in_group(
    blocks: Sequence[ParameterBlock], places: Sequence[ParameterBlock], row: Prior
) -> list[ParameterBlock]:
    """Return those blocks that belong to a prior's grouping factor."""
    if row.class_ not in _GROUPED:
        raise _unmatched(
            blocks,
            row,
            f"group is for the classes 'sd' and 'cor', not for {row.class_!r}. Leave it out.",
        )
    found = [block for block in places if block.group == row.group]
    if not found:
        groups = [block.group for block in places]
        reason = f"class {row.class_!r} has no group {row.group!r} here. "
        raise _unmatched(blocks, row, reason + did_you_mean(row.group, groups))
    return found


def _coef(blocks: Sequence[ParameterBlock], places: Sequence[ParameterBlock], row: Prior) -> str:
    """Return brms' name of a prior's coefficient."""
    block = places[0]
    if not block.has_coefs:
        raise _unmatched(blocks, row, f"class {row.class_!r} has no coefficients. Leave coef out.")
    if row.class_ == "sd" and not row.group:
        groups = [b.group for b in places if _find(b, row.coef) is not None]
        raise _unmatched(
            blocks,
            row,
            "a coefficient of class 'sd' belongs to a group. Add "
            + " or ".join(f"group={group!r}" for group in groups or [b.group for b in places])
            + ".",
        )
    found = _find(block, row.coef)
    if found is not None:
        return found
    if row.class_ == "b" and brms_name(row.coef) == "Intercept":
        reason = "the intercept is no coefficient of class 'b' here. "
        reason += (
            "Write class_='Intercept'; it is the intercept at the means of the predictors."
            if any(b.class_ == "Intercept" and b.scope == block.scope for b in blocks)
            else "This formula has none."
        )
        raise _unmatched(blocks, row, reason)
    names = (*block.coefs, *block.labels)
    reason = f"there is no coefficient {row.coef!r}. "
    raise _unmatched(blocks, row, reason + did_you_mean(row.coef, names))


def _find(block: ParameterBlock, coef: str) -> str | None:
    """Return brms' name of a coefficient, given that, or its text in any spacing."""
    if coef in block.coefs:
        return coef
    if coef in block.labels:
        return block.coefs[block.labels.index(coef)]
    short = brms_name(coef)
    return short if short in block.coefs else None


def _unmatched(blocks: Sequence[ParameterBlock], row: Prior, reason: str) -> PriorError:
    """Return the error for a prior that is for no parameter, with what there is instead."""
    return PriorError(
        "\n".join((f"{row} matches no parameter: {reason}", *_valid_places(blocks, row)))
    )


def _valid_places(blocks: Sequence[ParameterBlock], row: Prior) -> Iterator[str]:
    """Yield a short table of what priors can be set for."""
    same_class = [block for block in blocks if block.class_ == row.class_]
    for candidates in (blocks, same_class):
        table = default_prior_table(candidates)[["class", "coef", "group", "dpar", "nlpar"]]
        if 0 < len(table) <= _LONGEST_TABLE:
            shown = table.loc[:, (table != "").any()]
            title = "" if candidates is blocks else f" of class {row.class_!r}"
            yield f"Parameters{title} that can have a prior:"
            lines = shown.rename(columns={"class": "class_"}).to_string(index=False).splitlines()
            yield from (line.rstrip() for line in lines)
            return
    yield "default_prior(formula, data, family) lists what can have a prior."


def _unique(names: Iterable[str]) -> list[str]:
    """Return names once each, without the empty one."""
    return [name for name in dict.fromkeys(names) if name]
