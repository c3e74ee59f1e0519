"""From design, family and priors to the terms and predictors of a Stan program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from brmspy.data import Design, GroupInfo
from brmspy.formula import LinearPredictor, NonlinearPredictor
from brmspy.pilot import JointEffects, Pilot, centred_columns
from brmspy.priors import ElementPrior, PriorSet
from brmspy.program.coordinates import BlockColumns, PredictorMap, Whitening, centre, whitening
from brmspy.program.integrate import FactorColumns, statistics
from brmspy.program.parameters import StanParameter, latent_parameter, stan_parameter
from brmspy.program.rotate import rotated_rows
from brmspy.program.sparse import compressed_rows
from brmspy.program.terms import (
    BlockUse,
    CentredLevels,
    CorrelatedEffects,
    GroupEffects,
    IntegratedBlock,
    IntegratedEffects,
    JointLevels,
    Offset,
    Population,
    StandardCoefficients,
    Term,
    UncorrelatedEffects,
    WithinLevels,
    is_constant,
    stack_positions,
    within_levels,
)
from brmspy.program.unconstrained import slopes_at

__all__ = ["Coordinates", "LinearPieces", "TermSet", "compose_terms", "prior_scope"]


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
        The effects that are integrated out.
    standard : StandardCoefficients or None
        The coordinates of population-level coefficients, where they are not these themselves.
    joint : tuple of JointLevels
        The coordinates of uncorrelated effects on several parameters of a non-linear formula.
    """

    population: Mapping[str, Population]
    offsets: Mapping[str, Offset]
    uncorrelated: Mapping[str, UncorrelatedEffects]
    correlated: tuple[CorrelatedEffects, ...]
    effects: Mapping[str, GroupEffects]
    integrated: IntegratedEffects | None = None
    standard: StandardCoefficients | None = None
    joint: tuple[JointLevels, ...] = ()

    @property
    def all(self) -> tuple[Term, ...]:
        """Every term, in the order of the program."""
        return (
            *self.population.values(),
            *([] if self.standard is None else [self.standard]),
            *self.offsets.values(),
            *self.joint,
            *self.uncorrelated.values(),
            *self.correlated,
            *self.effects.values(),
            *([] if self.integrated is None else [self.integrated]),
        )

    @property
    def centred(self) -> dict[tuple[int, int], NDArray[np.bool_]]:
        """Which levels have their hierarchical mean as coordinate, by block and coefficient."""
        flags = {
            (block.block, m): block.centred for block in self.correlated for m in range(block.size)
        }
        for term in self.uncorrelated.values():
            flags |= dict(zip(term.members, term.centred, strict=True))
        return flags

    @property
    def helpers(self) -> tuple[str, ...]:
        """Names of the Stan functions that terms call."""
        bounded = any(term.bounded for term in self.population.values())
        needed = {"within_bounds": bounded, "joint_levels": bool(self.joint)}
        return tuple(name for name, used in needed.items() if used)

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


@dataclass(frozen=True)
class Coordinates:
    """What the sampler moves in.

    Attributes
    ----------
    centred : tuple of ndarray of bool, shape (levels, coefs)
        For each block of the design, the effects whose coordinate is their hierarchical mean.
    leads : tuple of int
        For each block, the number of coefficients that have room for such effects in the program,
        the first ones if they are correlated.
    pilot : Pilot or None
        The pilot fit that coefficients are standardised by; None to leave them as they are.
    prior_only : bool
        Whether the draws come from the prior, which then standardises the coefficients.
    joint : tuple of (JointEffects, ndarray)
        Effects of a factor on several parameters that may be sampled together, and of how many
        combinations of each level's the data say enough.
    """

    centred: tuple[NDArray[np.bool_], ...]
    leads: tuple[int, ...]
    pilot: Pilot | None
    prior_only: bool = False
    joint: tuple[tuple[JointEffects, NDArray[np.intp]], ...] = ()

    def weights(self, predictor: str, nobs: int) -> NDArray[np.float64]:
        """Return the information of each row about a linear predictor."""
        return np.ones(nobs) if self.pilot is None else self.pilot.predictors[predictor].weights

    def whitening(
        self, predictors: Sequence[str], lower: NDArray[np.float64], upper: NDArray[np.float64]
    ) -> Whitening | None:
        """Return coordinates of the coefficients of linear predictors, on the unconstrained scale.

        Parameters
        ----------
        predictors : sequence of str
            The predictors.
        lower, upper : ndarray
            Bounds of their coefficients.
        """
        pilot = self.pilot
        if pilot is None or not predictors:
            return None
        found = [pilot.predictors[name] for name in predictors]
        places = np.concatenate([np.r_[pilot.places(name)] for name in predictors])
        precision = pilot.precision[np.ix_(places, places)]
        location = np.concatenate([part.coefficients for part in found])
        if whitening(location, precision) is not None and self.prior_only:
            location = np.concatenate([part.prior_location for part in found])
            precision = np.diag(np.concatenate([part.prior_precision for part in found]))
        return whitening(location, precision, lower, upper)


@dataclass(frozen=True)
class _Stack:
    """Where the columns of blocks stand in the vector of a predictor's coordinates."""

    places: Mapping[int, NDArray[np.intp]]
    width: int

    def spread(self, matrices: Mapping[int, Any], rows: int) -> Any:
        """Return the matrix whose columns are those of blocks, moved to their places."""
        total = sparse.csr_array((rows, self.width))
        for block, matrix in matrices.items():
            coo = sparse.coo_array(matrix)
            entries = (coo.data, (coo.row, self.places[block][coo.col]))
            total = total + sparse.csr_array(entries, shape=(rows, self.width))
        return total


def _bounds(term: Population, side: str) -> NDArray[np.float64]:
    """Return one side of the bounds of a predictor's coefficients, the intercept's first."""
    elements = [element for p in term.parameters for element in p.elements]
    return np.array([getattr(element, side) for element in elements])


def _computed(term: Population, definition: str) -> Population:
    """Return a predictor's coefficients as parts of a vector that is computed."""
    intercept, coefficients, vector = term.intercept, term.coefficients, f"coefs{term.suffix}"
    lower, upper = _bounds(term, "lower"), _bounds(term, "upper")
    bounded = bool(np.any(np.isfinite(lower) | np.isfinite(upper)))
    if coefficients is not None:
        part = vector if intercept is None else f"tail({vector}, {coefficients.size})"
        coefficients = replace(
            coefficients,
            definition=part,
            bounds="",
            bounded_by_data=False,
            data=_unbounded(coefficients),
        )
    if intercept is not None:
        intercept = replace(
            intercept,
            definition=f"{vector}[1]",
            bounds="",
            bounded_by_data=False,
            data=_unbounded(intercept),
        )
    return replace(
        term,
        intercept=intercept,
        coefficients=coefficients,
        definition=definition,
        lower=lower if bounded else None,
        upper=upper if bounded else None,
    )


def _unbounded(parameter: StanParameter) -> dict[str, Any]:
    """Return the data of a parameter without its bounds, which stand elsewhere."""
    bounds = (f"lb_{parameter.name}", f"ub_{parameter.name}")
    return {name: value for name, value in parameter.data.items() if name not in bounds}


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
    coordinates: Coordinates,
    integrate: tuple[int, ...] = (),
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
    coordinates : Coordinates
        What the sampler is to move in.
    integrate : tuple of int
        Blocks of group-level effects to integrate out, those of the finest factor first.
    prior_only : bool
        Whether the response is ignored.
    """
    return _Composer(design, priors, suffixes, y, coordinates, integrate, prior_only).terms()


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
    coordinates: Coordinates
    integrate: tuple[int, ...]
    prior_only: bool

    def terms(self) -> TermSet:
        """Return all terms."""
        names = self._linear
        maps = {name: self._map(name) for name in names}
        plain = {name: self._population(name, maps[name]) for name in names}
        standard = self._standard({name: term for name, term in plain.items() if term})
        computed = [] if standard is None else standard.populations
        population = {
            **{name: term for name, term in plain.items() if term},
            **{term.predictor: term for term in computed},
        }
        stacked = {name: population[name].stacked if name in population else "" for name in names}
        stacks = {name: self._stack(name, maps[name]) for name in names}
        correlated = tuple(
            self._correlated(block, maps, stacked, stacks) for block in self._correlated_blocks
        )
        uncorrelated = {
            name: self._uncorrelated(name, maps[name], stacked[name], stacks[name])
            for name in names
        }
        joint: tuple[JointLevels, ...] = ()
        if standard is not None and len(standard.populations) > 1:
            joint = self._joint_levels(uncorrelated, standard)
            for levels in joint:
                uncorrelated |= self._together(uncorrelated, levels)
            uncorrelated = {
                name: term if term is None else self._shifted(name, term, standard)
                for name, term in uncorrelated.items()
            }
        effects = {
            name: self._effects(name, uncorrelated[name], correlated, maps[name], stacks[name])
            for name in names
        }
        integrated = None
        if self.integrate:
            integrated = self._integrated(
                len(correlated) + 1,
                population.get("mu"),
                maps["mu"].A,
                effects["mu"],
            )
        return TermSet(
            population=population,
            standard=standard,
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
            joint=joint,
        )

    def _map(self, name: str) -> PredictorMap:
        """Return a linear predictor in the sampler's coordinates."""
        columns: dict[int, BlockColumns] = {}
        for block in self._sampled_blocks(name):
            group, arrays = self.design.groups[block], self.design.arrays.groups[block]
            own = [i for i, coef in enumerate(group.coefs) if coef.predictor == name]
            columns[block] = BlockColumns(
                arrays.index,
                arrays.Z[:, own],
                len(group.levels),
                self._centred(block)[:, own],
                self.coordinates.leads[block] > 0 and not self._is_apart(block),
            )
        X = centred_columns(self.design, name)
        return centre(X, columns, self.coordinates.weights(name, self.design.arrays.nobs))

    def _sampled_blocks(self, name: str) -> list[int]:
        """Return the blocks with coefficients in a predictor that are not integrated out."""
        return [
            block
            for block, group in enumerate(self.design.groups)
            if block not in self.integrate and any(coef.predictor == name for coef in group.coefs)
        ]

    def _centred(self, block: int) -> NDArray[np.bool_]:
        """Return which effects of a block are centred; none if several predictors share it."""
        flags = self.coordinates.centred[block]
        return np.zeros_like(flags) if self._is_apart(block) else flags

    def _is_apart(self, block: int) -> bool:
        """Whether no hierarchical means of a block stand in the predictors themselves."""
        joint = {member[0] for found, _ in self._joint for member in found.members}
        return self._is_shared(block) or block in joint

    @cached_property
    def _joint(self) -> tuple[tuple[JointEffects, NDArray[np.intp]], ...]:
        """Effects that are sampled together.

        Their predictors have no effects of other factors and no fixed coefficients.
        """
        if not self.coordinates.joint:
            return ()
        free = [name for name in self._linear if self._has_free_coefficients(name)]
        nowhere = np.full(sum(len(self.design.predictors[name].coefs) for name in free), np.inf)
        if len(free) < 2 or self.coordinates.whitening(free, -nowhere, nowhere) is None:
            return ()
        chosen = []
        for found, lead in self.coordinates.joint:
            own = {self.design.groups[b].coefs[m].predictor for b, m in found.members}
            alone = all(set(self._members(name)) <= set(found.members) for name in own)
            if alone and own <= set(free):
                chosen.append((found, lead))
        return tuple(chosen)

    @property
    def _linear(self) -> list[str]:
        """Names of the linear predictors."""
        return [p.name for p in self.design.terms.predictors if isinstance(p, LinearPredictor)]

    def _has_free_coefficients(self, name: str) -> bool:
        """Whether a predictor has coefficients, none of them fixed."""
        info, scope = self.design.predictors[name], self._scope(name)
        classes = (["Intercept"] if info.centred else []) + (
            ["b"] if len(info.coefs) > int(info.centred) else []
        )
        elements = [e for class_ in classes for e in self.priors.for_(class_, **scope).elements]
        return bool(elements) and all(e.distribution != "constant" for e in elements)

    def _is_shared(self, block: int) -> bool:
        """Whether a block has coefficients in several predictors."""
        return len({coef.predictor for coef in self.design.groups[block].coefs}) > 1

    def _stack(self, name: str, mapped: PredictorMap) -> _Stack:
        """Return where each block's columns stand in the vector of a predictor's coordinates."""
        members = self._members(name)
        flags = [self._centred(block)[:, position] for block, position in members]
        places: dict[int, NDArray[np.intp]] = {
            block: np.empty(matrix.shape[1], dtype=np.intp) for block, matrix in mapped.Z.items()
        }
        width = 0
        if members:
            for (block, position), at in zip(members, stack_positions(flags, 1), strict=True):
                size = mapped.Z[block].shape[1] // len(at)
                places[block][self._rank(block, name, position) :: size] = at
            width = sum(len(part) for part in flags)
        for block in self._correlated_blocks:
            if block in mapped.Z:
                size = mapped.Z[block].shape[1] // len(self._centred(block))
                starts = width + stack_positions([self._centred(block)[:, 0]], size)[0]
                places[block][:] = (starts[:, None] + np.arange(size)).ravel()
                width += len(places[block])
        return _Stack(places, width)

    def _rank(self, block: int, name: str, position: int) -> int:
        """Return which of a block's coefficients in a predictor one is."""
        coefs = self.design.groups[block].coefs
        return sum(coef.predictor == name for coef in coefs[:position])

    def _centring(
        self,
        name: str,
        suffix: str,
        rows: str,
        blocks: Sequence[tuple[int, int | None]],
        mapped: PredictorMap,
        coefficients: str,
        stack: _Stack,
    ) -> CentredLevels | None:
        """Return the map of the centred levels of blocks, or of single coefficients of them."""
        B, E, nested = [], [], False
        for block, position in blocks:
            if block not in mapped.blocks:
                continue
            part = mapped.blocks[block]
            step = np.flatnonzero((part.coef == position) | (position is None))
            B.append(part.B[step])
            shares = {other: share[step, :] for other, share in part.E.items()}
            nested |= bool(shares)
            E.append(stack.spread(shares, len(B[-1])))
        if not B:
            return None
        # Stan wants a matrix to have rows: the last one is empty, so that there is always one.
        lifted = sparse.vstack([*E, sparse.csr_array((1, stack.width))], format="csr")
        return CentredLevels(
            suffix=suffix,
            predictor=self.suffixes[name],
            rows=rows,
            coefficients=coefficients,
            B=np.vstack(B),
            E=compressed_rows(lifted) if nested else None,
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
        return block not in self.integrate and group.correlated and len(group.coefs) > 1

    def _in_statistics(self, predictor: str) -> bool:
        """Whether the program sees a predictor's data through sufficient statistics alone."""
        return predictor == "mu" and bool(self.integrate)

    def _population(self, name: str, mapped: PredictorMap) -> Population | None:
        """Return the population-level effects of a predictor, if it has any."""
        info = self.design.predictors[name]
        if not info.coefs:
            return None
        suffix, scope, purpose = self.suffixes[name], self._scope(name), _purpose(name)
        X = centred_columns(self.design, name)
        labels = [coef.label for coef in info.coefs]
        means = np.zeros(X.shape[1])
        intercept = coefficients = None
        if info.centred:
            X, labels, means = X[:, 1:], labels[1:], info.means[1:]
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
        kept = None
        if mapped.blocks:
            kept = np.flatnonzero(np.any(mapped.A != 0.0, axis=0))
            X = mapped.A[:, kept]
        return Population(
            suffix=suffix,
            purpose=purpose,
            predictor=name,
            intercept=intercept,
            coefficients=coefficients,
            X=X,
            means=means,
            kept=kept,
            integrated=self._in_statistics(name),
        )

    def _standard(self, populations: Mapping[str, Population]) -> StandardCoefficients | None:
        """Return the coordinates of all coefficients that are not fixed, if that is possible."""
        free = {
            name: term
            for name, term in populations.items()
            if all(p.fixed == "none" for p in term.parameters)
        }
        lower, upper = (
            np.concatenate([_bounds(term, side) for term in free.values()] or [np.empty(0)])
            for side in ("lower", "upper")
        )
        found = self.coordinates.whitening(tuple(free), lower, upper)
        if found is None:
            return None
        computed: list[Population] = []
        named = len(free) > 1
        start = "1"
        for term in free.values():
            size = f"n_coefs{term.suffix}"
            text = f"segment(all_coefs, {start}, {size})" if named else StandardCoefficients.VALUE
            computed.append(_computed(term, text))
            start += f" + {size}"
        return StandardCoefficients("", "", found, tuple(computed), named)

    def _sd_prior(self, block: int, position: int) -> ElementPrior:
        """Return the prior of the standard deviation of one coefficient of a block."""
        group = self.design.groups[block]
        coef = group.coefs[position]
        return self.priors.element(
            "sd", coef=coef.name.brms, group=group.group, **self._scope(coef.predictor)
        )

    def _correlated(
        self,
        block: int,
        maps: Mapping[str, PredictorMap],
        coefficients: Mapping[str, str],
        stacks: Mapping[str, _Stack],
    ) -> CorrelatedEffects:
        """Return a correlated block."""
        group = self.design.groups[block]
        suffix = f"_{self._correlated_blocks.index(block) + 1}"
        uses = self._uses(group)
        name = uses[0].predictor
        lead = self.coordinates.leads[block]
        partial = 0 < lead < len(group.coefs)
        rows = f"n_lead{suffix}" if partial else f"M{suffix}"
        centring = self._centring(
            name,
            suffix,
            f"{rows} * n_centred{suffix}",
            [(block, None)],
            maps[name],
            coefficients[name],
            stacks[name],
        )
        within = None if centring is None else self._within(block, suffix)
        name, comment = (f"u{suffix}", "hierarchical means")
        if within is not None:
            name, comment = f"d{suffix}", "hierarchical means, less what those before them say"
        centred = latent_parameter(name, "matrix", f"{rows}, n_centred{suffix}", comment)
        rest = latent_parameter(
            f"v{suffix}",
            "matrix",
            f"M{suffix} - n_lead{suffix}, n_centred{suffix}",
            "standardised rest of the same levels",
        )
        return CorrelatedEffects(
            suffix=suffix,
            purpose="",
            group=group.group,
            block=block,
            sd=self._block_sd(block, suffix),
            cholesky=self._cholesky(group, suffix, f"M{suffix}"),
            z=latent_parameter(
                f"z{suffix}", "matrix", f"M{suffix}, G{suffix}", "standardised effects"
            ),
            u=None if centring is None else centred,
            within=within,
            v=rest if centring is not None and partial else None,
            uses=uses,
            size=len(group.coefs),
            lead=lead,
            centred=self._centred(block)[:, 0],
            centring=centring,
        )

    def _within(self, block: int, suffix: str) -> WithinLevels | None:
        """Return the coordinates of the means of a block's levels, if a level has several."""
        pilot, lead = self.coordinates.pilot, self.coordinates.leads[block]
        if lead == 1 or pilot is None:
            return None
        levels = np.flatnonzero(self._centred(block)[:, 0])
        return within_levels(suffix, pilot.blocks[block], levels, lead)

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

    def _cholesky(self, group: GroupInfo, suffix: str, size: str) -> StanParameter:
        """Return the correlations of a block."""
        return stan_parameter(
            f"L{suffix}",
            self.priors.for_("cor", group=group.group).elements,
            size=size,
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

    def _members(self, name: str) -> tuple[tuple[int, int], ...]:
        """Return block and position of a predictor's uncorrelated coefficients."""
        return tuple(
            (block, position)
            for block, group in enumerate(self.design.groups)
            if block not in self.integrate and block not in self._correlated_blocks
            for position, coef in enumerate(group.coefs)
            if coef.predictor == name
        )

    def _uncorrelated(
        self, name: str, mapped: PredictorMap, coefficients: str, stack: _Stack
    ) -> UncorrelatedEffects | None:
        """Return all uncorrelated group-level coefficients of a predictor, if it has any."""
        groups, suffix, purpose = self.design.groups, self.suffixes[name], _purpose(name)
        members = self._members(name)
        if not members:
            return None
        centring = self._centring(
            name,
            suffix,
            f"n_centred{suffix}",
            [(block, self._rank(block, name, position)) for block, position in members],
            mapped,
            coefficients,
            stack,
        )
        centred = latent_parameter(
            f"u{suffix}", "vector", f"n_centred{suffix}", "hierarchical means"
        )
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
            u=None if centring is None else centred,
            members=members,
            centred=tuple(self._centred(block)[:, position] for block, position in members),
            centring=centring,
        )

    def _joint_levels(
        self,
        uncorrelated: Mapping[str, UncorrelatedEffects | None],
        standard: StandardCoefficients,
    ) -> tuple[JointLevels, ...]:
        """Return the coordinates of effects that are sampled together."""
        terms = []
        for number, (found, lead) in enumerate(self._joint, start=1):
            coefs = [self.design.groups[b].coefs[m] for b, m in found.members]
            own = [uncorrelated[name] for name in dict.fromkeys(c.predictor for c in coefs)]
            _, combinations = found.directions()
            terms.append(
                JointLevels(
                    suffix=str(number),
                    purpose="",
                    group=self.design.groups[found.members[0][0]].group,
                    members=found.members,
                    sds=tuple(term.sd.name for term in own if term is not None),
                    lead=lead,
                    combinations=combinations,
                    shift=self._moves_of_combinations(found, lead, combinations, standard),
                    found=found,
                )
            )
        return tuple(terms)

    def _moves_of_combinations(
        self,
        found: JointEffects,
        lead: NDArray[np.intp],
        combinations: NDArray[np.float64],
        standard: StandardCoefficients,
    ) -> NDArray[np.float64]:
        """Return by how much combinations of effects move with the coefficients' coordinates."""
        pilot = self.coordinates.pilot
        assert pilot is not None, "a pilot fit has found the combinations"
        levels, size, _ = combinations.shape
        moves = np.zeros((levels, size, pilot.precision.shape[0]))
        if pilot.slopes is not None:
            for number, member in enumerate(found.members):
                moves[:, number] = pilot.slopes[self._rows_of(*member)]
        led = np.arange(size) < lead[:, None]
        moves = np.where(led[:, :, None], combinations @ moves, 0.0)
        by_combination = np.swapaxes(moves, 0, 1).reshape(size * levels, -1)
        return self._in_coordinates(by_combination, standard)

    def _rows_of(self, block: int, m: int) -> NDArray[np.intp]:
        """Return where a coefficient's effects stand among all effects."""
        sizes = [len(g.levels) * len(g.coefs) for g in self.design.groups]
        group = self.design.groups[block]
        return sum(sizes[:block]) + np.arange(len(group.levels)) * len(group.coefs) + m

    def _in_coordinates(
        self, moves: NDArray[np.float64], standard: StandardCoefficients
    ) -> NDArray[np.float64]:
        """Return moves with the coordinates of coefficients from moves with these."""
        pilot, whitening = self.coordinates.pilot, standard.whitening
        assert pilot is not None, "moves come from a pilot fit"
        places = np.concatenate([np.r_[pilot.places(p.predictor)] for p in standard.populations])
        lower, upper = (
            np.concatenate(side)
            for side in zip(*(p.interval for p in standard.populations), strict=True)
        )
        slope = slopes_at(whitening.location, lower, upper)
        return np.asarray(moves[:, places] @ (slope[:, None] * whitening.scale))

    def _together(
        self, uncorrelated: Mapping[str, UncorrelatedEffects | None], levels: JointLevels
    ) -> dict[str, UncorrelatedEffects | None]:
        """Return the terms whose standardised effects come from coordinates of their own."""
        terms: dict[str, UncorrelatedEffects | None] = {}
        first = 0
        for name, term in uncorrelated.items():
            if term is None or term.members[0] not in levels.members:
                continue
            z = replace(term.z, definition=levels.effects_of(first, len(term.members)))
            terms[name] = replace(term, z=z)
            first += len(term.members)
        return terms

    def _shifted(
        self, name: str, term: UncorrelatedEffects, standard: StandardCoefficients
    ) -> UncorrelatedEffects:
        """Let a non-linear parameter's hierarchical means move with all coefficients.

        The data know the means well only for given values of the other parameters. Without it the
        sampler would have to move all of them together, in small steps.
        """
        pilot, predictor = self.coordinates.pilot, self.design.terms.predictor(name)
        if term.u is None or term.centring is None or pilot is None or not predictor.nlpar:
            return term
        count = int(sum(flags.sum() for flags in term.centred))
        moves = np.zeros((count, pilot.precision.shape[0]))
        if count and pilot.slopes is not None:
            for (block, m), flags, positions in zip(
                term.members, term.centred, term.positions, strict=True
            ):
                levels = np.flatnonzero(flags)
                moves[positions[levels]] = pilot.slopes[self._rows_of(block, m)[levels]]
            if term.centring.has_coefficients:
                moves[:, pilot.places(name)] += term.centring.B
        rest = replace(
            term.u,
            name=f"d{term.suffix}",
            comment="hierarchical means, less what moves with the coefficients",
            internal=True,
        )
        return replace(
            term,
            d=rest,
            u=replace(
                term.u,
                definition=f"{rest.name} + shift{term.suffix} * std_coefs",
                comment="hierarchical means",
            ),
            shift=self._in_coordinates(moves, standard),
        )

    def _effects(
        self,
        name: str,
        uncorrelated: UncorrelatedEffects | None,
        correlated: Sequence[CorrelatedEffects],
        mapped: PredictorMap,
        stack: _Stack,
    ) -> GroupEffects | None:
        """Return the sparse product of a predictor's group-level coordinates, if it has any."""
        if not mapped.Z:
            return None
        pieces = [] if uncorrelated is None else [uncorrelated.stacked]
        pieces += [
            term.stacked(name)
            for term in correlated
            if any(use.predictor == name for use in term.uses)
        ]
        return GroupEffects(
            self.suffixes[name],
            _purpose(name),
            compressed_rows(stack.spread(mapped.Z, self.design.arrays.nobs)),
            tuple(pieces),
            named=bool(mapped.blocks),
            integrated=self._in_statistics(name),
        )

    def _integrated(
        self,
        number: int,
        population: Population | None,
        columns: NDArray[np.float64],
        others: GroupEffects | None,
    ) -> IntegratedEffects:
        """Return the effects that are integrated out, with the statistics of the data.

        Their first block with correlations is the program's block of this `number`.
        """
        if population is None:
            raise ValueError("effects are integrated out only beside population-level ones")
        arrays = self.design.arrays
        offset = arrays.predictors["mu"].offset
        coefficients = [population.stacked]
        if others is not None:
            coefficients.append(others.stacked)
        found = statistics(
            self.y if offset is None else self.y - offset,
            columns,
            None if others is None else others.Z,
            self._factor_columns(),
            arrays.weights,
        )
        suffix = f"_{number}"
        return IntegratedEffects(
            suffix=suffix,
            purpose="",
            parts=self._integrated_blocks(number),
            sd=self._integrated_sd(suffix),
            statistics=found,
            rows=rotated_rows(found),
            coefficients=tuple(coefficients),
            prior_only=self.prior_only,
        )

    def _factor_columns(self) -> list[FactorColumns]:
        """Return the columns of the effects that are integrated out, factor by factor."""
        blocks: dict[str, list[int]] = {}
        for block in self.integrate:
            blocks.setdefault(self.design.groups[block].group, []).append(block)
        arrays = self.design.arrays.groups
        return [
            FactorColumns(
                np.hstack([arrays[block].Z for block in members]),
                arrays[members[0]].index,
                len(self.design.groups[members[0]].levels),
            )
            for members in blocks.values()
        ]

    def _integrated_blocks(self, number: int) -> tuple[IntegratedBlock, ...]:
        """Return the blocks that are integrated out."""
        parts: list[IntegratedBlock] = []
        first = 0
        for block in self.integrate:
            group = self.design.groups[block]
            size = len(group.coefs)
            suffix = f"_{number}"
            cholesky = None
            if group.correlated and size > 1:
                cholesky = self._cholesky(group, suffix, f"J{suffix}")
                number += 1
            parts.append(IntegratedBlock(group.group, block, first, size, suffix, cholesky))
            first += size
        return tuple(parts)

    def _integrated_sd(self, suffix: str) -> StanParameter:
        """Return the standard deviations of the effects that are integrated out."""
        groups = self.design.groups
        if len(self.integrate) == 1:
            return self._block_sd(self.integrate[0], suffix)
        members = [(b, m) for b in self.integrate for m in range(len(groups[b].coefs))]
        names = " and ".join(dict.fromkeys(groups[b].group for b in self.integrate))
        return stan_parameter(
            f"sd{suffix}",
            [self._sd_prior(block, position) for block, position in members],
            natural=(0.0, np.inf),
            size=f"M{suffix}",
            labels=[f"{groups[b].group}, {groups[b].coefs[m].brms_label}" for b, m in members],
            comment=f"standard deviations of the effects of {names}",
        )
