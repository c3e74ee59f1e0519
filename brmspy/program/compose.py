"""From design, family and priors to the terms and predictors of a Stan program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.data import Design, GroupInfo
from brmspy.formula import LinearPredictor, NonlinearPredictor
from brmspy.priors import ElementPrior, PriorSet
from brmspy.program.integrate import statistics
from brmspy.program.parameters import StanParameter, latent_parameter, stan_parameter
from brmspy.program.sparse import EffectColumns, compressed_rows
from brmspy.program.terms import (
    BlockUse,
    CorrelatedEffects,
    GroupEffects,
    IntegratedEffects,
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
    integrated : IntegratedEffects or None
        The block that is integrated out.
    """

    population: Mapping[str, Population]
    offsets: Mapping[str, Offset]
    uncorrelated: Mapping[str, UncorrelatedEffects]
    correlated: tuple[CorrelatedEffects, ...]
    effects: Mapping[str, GroupEffects]
    integrated: IntegratedEffects | None = None

    @property
    def all(self) -> tuple[Term, ...]:
        """Every term, in the order of the program."""
        return (
            *self.population.values(),
            *self.offsets.values(),
            *self.uncorrelated.values(),
            *self.correlated,
            *self.effects.values(),
            *([] if self.integrated is None else [self.integrated]),
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


def compose_terms(
    design: Design,
    priors: PriorSet,
    suffixes: Mapping[str, str],
    y: NDArray[Any],
    integrate: int | None = None,
    prior_only: bool = False,
) -> TermSet:
    """Return the terms of the program.

    Parameters
    ----------
    design : Design
        Arrays and names of the model.
    priors : PriorSet
        One prior for every parameter.
    suffixes : mapping of str to str
        What the variables of each predictor end in.
    y : ndarray, shape (nobs,)
        The response, coded.
    integrate : int, optional
        Block of group-level effects to integrate out.
    prior_only : bool
        Whether the response is ignored.
    """
    return _Composer(design, priors, suffixes, y, integrate, prior_only).terms()


def _purpose(predictor: str) -> str:
    """Return what comments add to name a predictor other than the mean's."""
    return "" if predictor == "mu" else f" of {predictor}"


@dataclass(frozen=True)
class _Composer:
    """Makes the terms of one program."""

    design: Design
    priors: PriorSet
    suffixes: Mapping[str, str]
    y: NDArray[Any]
    integrate: int | None
    prior_only: bool

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
        integrated = None
        if self.integrate is not None:
            integrated = self._integrated(
                self.integrate, f"_{len(correlated) + 1}", population["mu"], effects["mu"]
            )
        return TermSet(
            population={name: term for name, term in population.items() if term},
            offsets={
                name: Offset(self.suffixes[name], _purpose(name), offset)
                for name in names
                if (offset := self.design.arrays.predictors[name].offset) is not None
                and not self._in_statistics(name)
            },
            uncorrelated={name: term for name, term in uncorrelated.items() if term},
            correlated=correlated,
            effects={name: term for name, term in effects.items() if term},
            integrated=integrated,
        )

    def _scope(self, predictor: str) -> dict[str, str]:
        """Return where the priors of a predictor's parameters are."""
        return prior_scope(self.design.terms.predictor(predictor))

    @property
    def _correlated_blocks(self) -> list[int]:
        """Positions of the blocks that have correlations."""
        return [i for i in range(len(self.design.groups)) if self._is_correlated(i)]

    def _is_correlated(self, block: int) -> bool:
        """Whether a block that is sampled has correlations."""
        group = self.design.groups[block]
        return block != self.integrate and group.correlated and len(group.coefs) > 1

    def _in_statistics(self, predictor: str) -> bool:
        """Whether the program sees a predictor's data through sufficient statistics alone."""
        return predictor == "mu" and self.integrate is not None

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
        integrated = self._in_statistics(name)
        return Population(suffix, purpose, name, intercept, coefficients, X, means, integrated)

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
            sd=self._block_sd(block, suffix),
            cholesky=self._cholesky(group, suffix),
            z=latent_parameter(
                f"z{suffix}", "matrix", f"M{suffix}, G{suffix}", "standardised effects"
            ),
            uses=self._uses(group),
            size=size,
            levels=len(group.levels),
        )

    def _block_sd(self, block: int, suffix: str) -> StanParameter:
        """Return the standard deviations of a block that has parameters of its own."""
        group = self.design.groups[block]
        return stan_parameter(
            f"sd{suffix}",
            [self._sd_prior(block, position) for position in range(len(group.coefs))],
            natural=(0.0, np.inf),
            size=f"M{suffix}",
            labels=[coef.brms_label for coef in group.coefs],
            comment=f"standard deviations of the effects of {group.group}",
        )

    def _cholesky(self, group: GroupInfo, suffix: str) -> StanParameter:
        """Return the correlations of a block."""
        return stan_parameter(
            f"L{suffix}",
            self.priors.for_("cor", group=group.group).elements,
            size=f"M{suffix}",
            type_="cholesky_factor_corr",
            density="lkj_corr_cholesky_lpdf",
            comment="Cholesky factor of their correlations",
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
            if block != self.integrate and block not in self._correlated_blocks
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
        integrated = self._in_statistics(name)
        return GroupEffects(self.suffixes[name], _purpose(name), rows, tuple(pieces), integrated)

    def _integrated(
        self, block: int, suffix: str, population: Population | None, others: GroupEffects | None
    ) -> IntegratedEffects:
        """Return the block that is integrated out, with the statistics of the data."""
        if population is None:
            raise ValueError("effects are integrated out only beside population-level ones")
        group, arrays = self.design.groups[block], self.design.arrays
        size = len(group.coefs)
        offset = arrays.predictors["mu"].offset
        intercept = [np.ones((arrays.nobs, 1))] if population.intercept is not None else []
        columns = [*intercept, population.X] if population.coefficients is not None else intercept
        coefficients = [p.name for p in population.parameters]
        if others is not None:
            coefficients.append(others.stacked)
        cholesky = None
        if group.correlated and size > 1:
            cholesky = self._cholesky(group, suffix)
        return IntegratedEffects(
            suffix=suffix,
            purpose="",
            group=group.group,
            block=block,
            sd=self._block_sd(block, suffix),
            cholesky=cholesky,
            statistics=statistics(
                self.y if offset is None else self.y - offset,
                np.hstack(columns),
                None if others is None else others.Z,
                arrays.groups[block].Z,
                arrays.groups[block].index,
                len(group.levels),
                arrays.weights,
            ),
            coefficients=tuple(coefficients),
            prior_only=self.prior_only,
        )
