"""From design, family and priors to the terms and predictors of a Stan program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from brmspy.data import Design, GroupInfo
from brmspy.formula import LinearPredictor, NonlinearPredictor
from brmspy.priors import ElementPrior, PriorSet
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
    is_constant,
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
    return _Composer(design, priors, suffixes).terms()


def _purpose(predictor: str) -> str:
    """Return what comments add to name a predictor other than the mean's."""
    return "" if predictor == "mu" else f" of {predictor}"


@dataclass(frozen=True)
class _Composer:
    """Makes the terms of one program."""

    design: Design
    priors: PriorSet
    suffixes: Mapping[str, str]

    def terms(self) -> TermSet:
        """Return all terms."""
        names = [p.name for p in self.design.terms.predictors if isinstance(p, LinearPredictor)]
        correlated = tuple(
            self._correlated(block, f"_{number}")
            for number, block in enumerate(self._correlated_blocks, start=1)
        )
        population = {name: self._population(name) for name in names}
        uncorrelated = {name: self._uncorrelated(name) for name in names}
        effects = {name: self._effects(name, uncorrelated[name], correlated) for name in names}
        return TermSet(
            population={name: term for name, term in population.items() if term},
            offsets={
                name: Offset(self.suffixes[name], _purpose(name), offset)
                for name in names
                if (offset := self.design.arrays.predictors[name].offset) is not None
            },
            uncorrelated={name: term for name, term in uncorrelated.items() if term},
            correlated=correlated,
            effects={name: term for name, term in effects.items() if term},
        )

    def _scope(self, predictor: str) -> dict[str, str]:
        """Return where the priors of a predictor's parameters are."""
        return prior_scope(self.design.terms.predictor(predictor))

    @property
    def _correlated_blocks(self) -> list[int]:
        """Positions of the blocks that have correlations."""
        groups = self.design.groups
        return [i for i, group in enumerate(groups) if group.correlated and len(group.coefs) > 1]

    def _population(self, name: str) -> Population | None:
        """Return the population-level effects of a predictor, if it has any."""
        info = self.design.predictors[name]
        if not info.coefs:
            return None
        suffix, scope, purpose = self.suffixes[name], self._scope(name), _purpose(name)
        X = self.design.arrays.predictors[name].X
        labels = [coef.label for coef in info.coefs]
        means = np.zeros(X.shape[1])
        intercept = coefficients = None
        if info.centred:
            means = info.means[1:]
            X, labels = X[:, 1:] - means, labels[1:]
            intercept = stan_parameter(
                f"Intercept{suffix}",
                self.priors.for_("Intercept", **scope).elements,
                natural=(-np.inf, np.inf),
                comment=f"intercept{purpose} at the means of the columns",
            )
        if labels:
            coefficients = stan_parameter(
                f"b{suffix}",
                self.priors.for_("b", **scope).elements,
                natural=(-np.inf, np.inf),
                size="1" if is_constant(X) else f"K{suffix}",
                labels=labels,
                comment=f"population-level coefficients{purpose}",
            )
        return Population(suffix, purpose, name, intercept, coefficients, X, means)

    def _sd_prior(self, block: int, position: int) -> ElementPrior:
        """Return the prior of the standard deviation of one coefficient of a block."""
        group = self.design.groups[block]
        coef = group.coefs[position]
        return self.priors.element(
            "sd", coef=coef.name.brms, group=group.group, **self._scope(coef.predictor)
        )

    def _correlated(self, block: int, suffix: str) -> CorrelatedEffects:
        """Return a correlated block."""
        group = self.design.groups[block]
        size = len(group.coefs)
        return CorrelatedEffects(
            suffix=suffix,
            purpose="",
            group=group.group,
            block=block,
            sd=stan_parameter(
                f"sd{suffix}",
                [self._sd_prior(block, position) for position in range(size)],
                natural=(0.0, np.inf),
                size=f"M{suffix}",
                labels=[coef.brms_label for coef in group.coefs],
                comment=f"standard deviations of the effects of {group.group}",
            ),
            cholesky=stan_parameter(
                f"L{suffix}",
                self.priors.for_("cor", group=group.group).elements,
                size=f"M{suffix}",
                type_="cholesky_factor_corr",
                density="lkj_corr_cholesky_lpdf",
                comment="Cholesky factor of their correlations",
            ),
            z=latent_parameter(
                f"z{suffix}", "matrix", f"M{suffix}, G{suffix}", "standardised effects"
            ),
            uses=self._uses(group),
            size=size,
            levels=len(group.levels),
        )

    def _uses(self, group: GroupInfo) -> tuple[BlockUse, ...]:
        """Return which coefficients of a block enter which predictor."""
        uses = []
        for predictor in dict.fromkeys(coef.predictor for coef in group.coefs):
            positions = [i for i, coef in enumerate(group.coefs) if coef.predictor == predictor]
            purpose = f" that enter {predictor}"
            uses.append(
                BlockUse(
                    predictor,
                    self.suffixes[predictor],
                    purpose,
                    first=positions[0] + 1,
                    last=positions[-1] + 1,
                )
            )
        return tuple(uses)

    def _uncorrelated(self, name: str) -> UncorrelatedEffects | None:
        """Return all uncorrelated group-level coefficients of a predictor, if it has any."""
        groups, suffix, purpose = self.design.groups, self.suffixes[name], _purpose(name)
        members = tuple(
            (block, position)
            for block, group in enumerate(groups)
            if block not in self._correlated_blocks
            for position, coef in enumerate(group.coefs)
            if coef.predictor == name
        )
        if not members:
            return None
        return UncorrelatedEffects(
            suffix=suffix,
            purpose=purpose,
            sd=stan_parameter(
                f"sd{suffix}",
                [self._sd_prior(block, position) for block, position in members],
                natural=(0.0, np.inf),
                size=f"M{suffix}",
                labels=[f"{groups[b].group}, {groups[b].coefs[m].brms_label}" for b, m in members],
                comment=f"standard deviations of the uncorrelated group-level effects{purpose}",
            ),
            z=latent_parameter(f"z{suffix}", "vector", f"G{suffix}", "standardised effects"),
            members=members,
            levels=tuple(len(groups[block].levels) for block, _ in members),
        )

    def _effects(
        self,
        name: str,
        uncorrelated: UncorrelatedEffects | None,
        correlated: Sequence[CorrelatedEffects],
    ) -> GroupEffects | None:
        """Return the sparse product of a predictor's group-level effects, if it has any."""
        columns: list[EffectColumns] = []
        pieces: list[str] = []
        width = 0
        arrays = self.design.arrays.groups
        if uncorrelated is not None:
            pieces.append(uncorrelated.stacked)
            for (block, position), levels in zip(
                uncorrelated.members, uncorrelated.levels, strict=True
            ):
                group = arrays[block]
                columns.append(EffectColumns(group.Z[:, position], width + group.index))
                width += levels
        for term in correlated:
            for use in term.uses:
                if use.predictor != name:
                    continue
                pieces.append(term.stacked(name))
                group = arrays[term.block]
                size = use.last - use.first + 1
                for step in range(size):
                    values = group.Z[:, use.first - 1 + step]
                    columns.append(EffectColumns(values, width + group.index * size + step))
                width += size * term.levels
        if not columns:
            return None
        rows = compressed_rows(columns, width)
        return GroupEffects(self.suffixes[name], _purpose(name), rows, tuple(pieces))
