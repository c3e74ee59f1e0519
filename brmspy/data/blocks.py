"""Blocks of group-level effects: which terms share levels and correlations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from brmspy.errors import FormulaError
from brmspy.formula.terms import GroupTerm, LinearPredictor, ModelTerms

__all__ = ["Block", "group_blocks"]


@dataclass(frozen=True, slots=True)
class Block:
    """Terms whose effects are drawn together.

    Attributes
    ----------
    terms : tuple of (str, GroupTerm)
        Each with the name of its predictor; one, or several that share an ID.
    """

    terms: tuple[tuple[str, GroupTerm], ...]

    @property
    def first(self) -> GroupTerm:
        """The first term: group, ID and correlation are the same for all."""
        return self.terms[0][1]


def group_blocks(terms: ModelTerms) -> tuple[Block, ...]:
    """Collect the group-level terms of all predictors.

    mu comes first, then other distributional parameters, then non-linear ones; within a predictor
    the groups are sorted by name.

    Raises
    ------
    FormulaError
        If terms with one ID have different groups, or mix ``|`` and ``||``.
    """
    blocks: list[list[tuple[str, GroupTerm]]] = []
    by_id: dict[str, list[tuple[str, GroupTerm]]] = {}
    for name, term in _group_terms(terms):
        if term.id is not None and term.id in by_id:
            _check_same(by_id[term.id][0][1], term)
            by_id[term.id].append((name, term))
            continue
        blocks.append([(name, term)])
        if term.id is not None:
            by_id[term.id] = blocks[-1]
    return tuple(Block(tuple(block)) for block in blocks)


def _group_terms(terms: ModelTerms) -> Iterator[tuple[str, GroupTerm]]:
    """Yield all group-level terms in brms' order."""
    linear = [item for item in terms.predictors if isinstance(item, LinearPredictor)]
    for predictor in sorted(linear, key=lambda item: (item.nlpar, item.name != "mu")):
        for term in sorted(predictor.groups, key=lambda item: item.group):
            yield predictor.name, term


def _check_same(first: GroupTerm, term: GroupTerm) -> None:
    """Refuse terms that cannot share an ID."""
    if term.factors != first.factors:
        raise FormulaError(
            f"The ID {term.id!r} is used for the groups {first.group!r} and {term.group!r}.",
            term.source,
            term.span,
            "Terms with the same ID must have the same grouping factor. Use another ID.",
        )
    if term.correlated != first.correlated:
        raise FormulaError(
            f"The ID {term.id!r} is used with both | and ||.",
            term.source,
            term.span,
            "Use || in all terms with this ID, or in none.",
        )
