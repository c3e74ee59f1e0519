"""From design, family and priors to the terms and predictors of a Stan program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brmspy.data import Design, GroupInfo, PredictorInfo
from brmspy.formula import LinearPredictor, NonlinearPredictor
from brmspy.priors import PriorSet
from brmspy.program.parameters import latent_parameter, stan_parameter
from brmspy.program.sparse import EffectColumns, compressed_rows
from brmspy.program.terms import (
    BlockUse,
    CorrelatedEffects,
    GroupEffects,
    Offset,
    Population,
    Term,
    UncorrelatedEffects,
)

__all__ = ["LinearPieces", "TermSet", "compose_terms", "prior_scope"]


@dataclass(frozen=True)
class LinearPieces:
    """The pieces of one linear predictor as Stan text.

    Attributes
    ----------
    scalars, vectors : tuple of str
        Summands that all rows share, and those that differ from row to row.
    product : tuple of str, or None
        Matrix and coefficients whose product is the last summand.
    """

    scalars: tuple[str, ...]
    vectors: tuple[str, ...]
    product: tuple[str, str] | None

    @property
    def is_scalar(self) -> bool:
        """Whether all rows share one value."""
        return not self.vectors and self.product is None

    @property
    def alpha(self) -> str:
        """Everything but the product."""
        return " + ".join(self.scalars + self.vectors) or "0"

    @property
    def value(self) -> str:
        """The whole linear predictor."""
        product = () if self.product is None else (" * ".join(self.product),)
        return " + ".join(self.scalars + self.vectors + product) or "0"


@dataclass(frozen=True)
class TermSet:
    """The terms of a program by kind.

    Attributes
    ----------
    population : mapping of str to Population
    offsets : mapping of str to Offset
    uncorrelated : mapping of str to UncorrelatedEffects
    correlated : tuple of CorrelatedEffects
    effects : mapping of str to GroupEffects
        All but `correlated` are keyed by predictor.
    """

    population: Mapping[str, Population]
    offsets: Mapping[str, Offset]
    uncorrelated: Mapping[str, UncorrelatedEffects]
    correlated: tuple[CorrelatedEffects, ...]
    effects: Mapping[str, GroupEffects]

    @property
    def all(self) -> tuple[Term, ...]:
        """Every term, in the order of the program."""
        return (
            *self.population.values(),
            *self.offsets.values(),
            *self.uncorrelated.values(),
            *self.correlated,
            *self.effects.values(),
        )

    def pieces(self, predictor: str) -> LinearPieces:
        """Return the pieces of a linear predictor."""
        scalars: tuple[str, ...] = ()
        product = None
        vectors: list[str] = []
        if predictor in self.population:
            scalars = self.population[predictor].constants
            product = self.population[predictor].product
        if predictor in self.offsets:
            vectors.append(f"offsets{self.offsets[predictor].suffix}")
        if predictor in self.effects:
            vectors.append(self.effects[predictor].value)
        return LinearPieces(scalars, tuple(vectors), product)


def prior_scope(predictor: LinearPredictor | NonlinearPredictor) -> dict[str, str]:
    """Return the dpar and nlpar under which priors of a predictor's parameters are set."""
    if predictor.nlpar:
        return {"dpar": "", "nlpar": predictor.name}
    return {"dpar": "" if predictor.name == "mu" else predictor.name, "nlpar": ""}


def compose_terms(design: Design, priors: PriorSet, suffixes: Mapping[str, str]) -> TermSet:
    """Return the terms of the program.

    Parameters
    ----------
    design : Design
        Arrays and names of the model.
    priors : PriorSet
        One prior for every parameter.
    suffixes : mapping of str to str
        What the variables of each predictor end in.
    """
    linear = [p for p in design.terms.predictors if isinstance(p, LinearPredictor)]
    scopes = {p.name: prior_scope(p) for p in linear}
    names = [p.name for p in linear]
    correlated = tuple(
        _correlated(design, priors, scopes, suffixes, block, number)
        for number, block in enumerate(_correlated_blocks(design.groups), start=1)
    )
    uncorrelated = {
        name: term
        for name in names
        if (term := _uncorrelated(design, priors, scopes[name], suffixes[name], name))
    }
    return TermSet(
        population={
            name: term
            for name in names
            if (term := _population(design, priors, scopes[name], suffixes[name], name))
        },
        offsets={
            name: Offset(suffixes[name], _purpose(name), offset)
            for name in names
            if (offset := design.arrays.predictors[name].offset) is not None
        },
        uncorrelated=uncorrelated,
        correlated=correlated,
        effects={
            name: term
            for name in names
            if (term := _effects(design, uncorrelated.get(name), correlated, suffixes, name))
        },
    )


def _purpose(predictor: str) -> str:
    """Return what comments add to name a predictor other than the mean's."""
    return "" if predictor == "mu" else f" of {predictor}"


def _population(
    design: Design, priors: PriorSet, scope: Mapping[str, str], suffix: str, name: str
) -> Population | None:
    """Return the population-level effects of a predictor, if it has any."""
    info: PredictorInfo = design.predictors[name]
    if not info.coefs:
        return None
    X = design.arrays.predictors[name].X
    intercept = None
    labels = [coef.label for coef in info.coefs]
    means = np.zeros(X.shape[1])
    if info.centred:
        means = info.means[1:]
        X, labels = X[:, 1:] - means, labels[1:]
        intercept = stan_parameter(
            f"Intercept{suffix}",
            priors.for_("Intercept", **scope).elements,
            natural=(-np.inf, np.inf),
            comment=f"intercept{_purpose(name)} at the means of the columns",
        )
    coefficients = None
    if labels:
        coefficients = stan_parameter(
            f"b{suffix}",
            priors.for_("b", **scope).elements,
            natural=(-np.inf, np.inf),
            size="1" if _is_constant(X) else f"K{suffix}",
            labels=labels,
            comment=f"population-level coefficients{_purpose(name)}",
        )
    return Population(suffix, _purpose(name), name, intercept, coefficients, X, means)


def _is_constant(X: NDArray[np.float64]) -> bool:
    """Whether the only column is the intercept's."""
    return X.shape[1] == 1 and bool(np.all(X == 1.0))


def _correlated_blocks(groups: Sequence[GroupInfo]) -> list[int]:
    """Return the positions of the blocks that have correlations."""
    return [i for i, group in enumerate(groups) if group.correlated and len(group.coefs) > 1]


def _sd_elements(
    priors: PriorSet, scopes: Mapping[str, Mapping[str, str]], group: GroupInfo, positions: range
) -> list:
    """Return the priors of the standard deviations of some of a block's coefficients."""
    return [
        priors.element(
            "sd",
            coef=group.coefs[i].name.brms,
            group=group.group,
            **scopes[group.coefs[i].predictor],
        )
        for i in positions
    ]


def _correlated(
    design: Design,
    priors: PriorSet,
    scopes: Mapping[str, Mapping[str, str]],
    suffixes: Mapping[str, str],
    block: int,
    number: int,
) -> CorrelatedEffects:
    """Return a correlated block."""
    group = design.groups[block]
    suffix = f"_{number}"
    size = len(group.coefs)
    cholesky = stan_parameter(
        f"L{suffix}",
        priors.for_("cor", group=group.group).elements,
        size=f"M{suffix}",
        type_="cholesky_factor_corr",
        density="lkj_corr_cholesky_lpdf",
        comment="Cholesky factor of their correlations",
    )
    return CorrelatedEffects(
        suffix=suffix,
        purpose="",
        group=group.group,
        block=block,
        sd=stan_parameter(
            f"sd{suffix}",
            _sd_elements(priors, scopes, group, range(size)),
            natural=(0.0, np.inf),
            size=f"M{suffix}",
            labels=[coef.brms_label for coef in group.coefs],
            comment=f"standard deviations of the effects of {group.group}",
        ),
        cholesky=cholesky,
        z=latent_parameter(f"z{suffix}", "matrix", f"M{suffix}, G{suffix}", "standardised effects"),
        uses=_uses(group, suffixes),
        size=size,
        levels=len(group.levels),
    )


def _uses(group: GroupInfo, suffixes: Mapping[str, str]) -> tuple[BlockUse, ...]:
    """Return which coefficients of a block enter which predictor."""
    uses = []
    for predictor in dict.fromkeys(coef.predictor for coef in group.coefs):
        positions = [i for i, coef in enumerate(group.coefs) if coef.predictor == predictor]
        uses.append(
            BlockUse(
                predictor,
                suffixes[predictor],
                f" that enter {predictor}",
                positions[0] + 1,
                positions[-1] + 1,
            )
        )
    return tuple(uses)


def _uncorrelated(
    design: Design, priors: PriorSet, scope: Mapping[str, str], suffix: str, name: str
) -> UncorrelatedEffects | None:
    """Return all uncorrelated group-level coefficients of a predictor, if it has any."""
    correlated = set(_correlated_blocks(design.groups))
    members = tuple(
        (block, position)
        for block, group in enumerate(design.groups)
        if block not in correlated
        for position, coef in enumerate(group.coefs)
        if coef.predictor == name
    )
    if not members:
        return None
    elements = [
        element
        for block, position in members
        for element in _sd_elements(
            priors, {name: scope}, design.groups[block], range(position, position + 1)
        )
    ]
    labels = [
        f"{design.groups[b].group}, {design.groups[b].coefs[m].brms_label}" for b, m in members
    ]
    return UncorrelatedEffects(
        suffix=suffix,
        purpose=_purpose(name),
        sd=stan_parameter(
            f"sd{suffix}",
            elements,
            natural=(0.0, np.inf),
            size=f"M{suffix}",
            labels=labels,
            comment="standard deviations of the uncorrelated group-level effects" + _purpose(name),
        ),
        z=latent_parameter(f"z{suffix}", "vector", f"G{suffix}", "standardised effects"),
        members=members,
        levels=tuple(len(design.groups[block].levels) for block, _ in members),
    )


def _effects(
    design: Design,
    uncorrelated: UncorrelatedEffects | None,
    correlated: Sequence[CorrelatedEffects],
    suffixes: Mapping[str, str],
    name: str,
) -> GroupEffects | None:
    """Return the sparse product of a predictor's group-level effects, if it has any."""
    columns: list[EffectColumns] = []
    pieces: list[str] = []
    width = 0
    arrays = design.arrays.groups
    if uncorrelated is not None:
        pieces.append(uncorrelated.stacked)
        for (block, position), levels in zip(
            uncorrelated.members, uncorrelated.levels, strict=True
        ):
            columns.append(EffectColumns(arrays[block].Z[:, position], width + arrays[block].index))
            width += levels
    for term in correlated:
        for use in term.uses:
            if use.predictor != name:
                continue
            pieces.append(term.stacked(name))
            size = use.last - use.first + 1
            index = arrays[term.block].index * size
            for step in range(size):
                values = arrays[term.block].Z[:, use.first - 1 + step]
                columns.append(EffectColumns(values, width + index + step))
            width += size * term.levels
    if not columns:
        return None
    rows = compressed_rows(columns, width)
    return GroupEffects(suffixes[name], _purpose(name), rows, tuple(pieces))
