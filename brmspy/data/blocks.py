"""Blocks of group-level effects: which terms share levels and correlations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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
        """The first term; the parser made sure that group, ID and correlation agree."""
        return self.terms[0][1]


def group_blocks(terms: ModelTerms) -> tuple[Block, ...]:
    """Collect the group-level terms of all predictors.

    mu comes first, then other distributional parameters, then non-linear ones; within a predictor
    the groups are sorted by name.
    """
    blocks: list[list[tuple[str, GroupTerm]]] = []
    by_id: dict[str, list[tuple[str, GroupTerm]]] = {}
    for name, term in _group_terms(terms):
        if term.id is not None and term.id in by_id:
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
