"""From the user's priors and the defaults to one prior for each parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from brmspy.errors import PriorWarning, warn
from brmspy.priors.checks import check_bounds, check_density
from brmspy.priors.elements import ElementPrior, element_prior
from brmspy.priors.matching import Key, key_of, matched
from brmspy.priors.parameters import ParameterBlock
from brmspy.priors.prior_set import BlockPriors, PriorSet
from brmspy.priors.rows import Prior
from brmspy.priors.syntax import Density, parse_density
from brmspy.priors.table import PriorRow

__all__ = ["resolve"]


@dataclass(frozen=True)
class _Level:
    """What holds at one level of generality: the class, a group, or a coefficient.

    The rows are the user's priors that it comes from, if any.
    """

    text: str
    density: Density
    lower: float
    upper: float
    source: str = "default"
    density_row: Prior | None = None
    lower_row: Prior | None = None
    upper_row: Prior | None = None

    def refined(self, row: Prior | None, *, of_class: bool = False) -> _Level:
        """Return the next level, at which `row` is set.

        An empty density of a class is flat; of a group or coefficient it is the one inherited.
        """
        if row is None:
            return self if of_class else replace(self, source="(vectorized)")
        level = replace(self, source="user")
        if row.prior or of_class:
            level = replace(level, text=row.prior, density=row.density, density_row=row)
        if row.lb is not None:
            level = replace(level, lower=row.lb, lower_row=row)
        if row.ub is not None:
            level = replace(level, upper=row.ub, upper_row=row)
        return level

    def with_default(self, text: str) -> _Level:
        """Return the level of a coefficient that has a default of its own.

        What is set for the whole class or group goes before it.
        """
        if not text or self.density_row is not None:
            return self
        return replace(self, text=text, density=parse_density(text), source="default")

    @property
    def rows_used(self) -> tuple[Prior, ...]:
        """The user's priors that have a say."""
        rows = (self.density_row, self.lower_row, self.upper_row)
        return tuple(row for row in rows if row is not None)


def resolve(blocks: Sequence[ParameterBlock], rows: Sequence[Prior]) -> PriorSet:
    """Find the prior of each parameter.

    A parameter takes the density that is set for its own coefficient, else for its group, else for
    its class, else the default, always within the same `dpar` or `nlpar`. Bounds are looked up in
    the same way, each by itself, so that those of a class hold for all its coefficients that do
    not set their own.

    Parameters
    ----------
    blocks : sequence of ParameterBlock
        The parameters of a model.
    rows : sequence of Prior
        The user's priors.

    Returns
    -------
    PriorSet

    Raises
    ------
    PriorError
        If a prior is for no parameter, two are for the same, or a density does not go with the
        bounds: where it is zero the parameter must not be able to go.

    Warns
    -----
    PriorWarning
        If a prior is never used because each of its parameters has its own.

    Examples
    --------
    >>> from brmspy import prior
    >>> from brmspy.priors import ParameterBlock, resolve
    >>> blocks = [ParameterBlock("b", coefs=("x", "z"), labels=("x", "z"))]
    >>> rows = [prior("normal(0, 1)"), prior("normal(0, 5)", coef="z")]
    >>> [element.text for element in resolve(blocks, rows).for_("b").elements]
    ['normal(0, 1)', 'normal(0, 5)']
    """
    found = matched(blocks, rows)
    used: set[Key] = set()
    priors = tuple(_resolve_block(block, found, used) for block in blocks)
    for key, row in found.items():
        # A row that is altogether empty says on purpose that nothing changes.
        says_something = row.prior or row.lb is not None or row.ub is not None
        if key not in used and says_something:
            warn(
                f"{row} is not used: each of its parameters has a prior of its own. Leave it out.",
                PriorWarning,
            )
    return PriorSet(priors)


def _resolve_block(
    block: ParameterBlock, found: Mapping[Key, Prior], used: set[Key]
) -> BlockPriors:
    """Find the priors of a block, and note which of the user's are used."""
    place = (block.class_, *block.scope)
    default = _Level(block.default, parse_density(block.default), block.lower, block.upper)
    general = default.refined(found.get((*place, "", "")), of_class=True)
    rows = [_table_row(block, general)]
    if block.group:
        general = general.refined(found.get((*place, block.group, "")))
        rows.append(_table_row(block, general, block.group))
    if block.has_coefs:
        own = block.coef_defaults or ("",) * len(block.coefs)
        levels = [
            _of_coefficient(general, text, found.get((*place, block.group, coef)))
            for coef, text in zip(block.coefs, own, strict=True)
        ]
        rows += [
            _table_row(block, level, block.group, coef)
            for coef, level in zip(block.coefs, levels, strict=True)
        ]
    else:
        levels = [general]
    used.update(key_of(row) for level in levels for row in level.rows_used)
    elements = (_element(block, i, level) for i, level in enumerate(levels))
    return BlockPriors(block, tuple(elements), tuple(rows))


def _of_coefficient(general: _Level, default: str, row: Prior | None) -> _Level:
    """Return what holds for a coefficient with a default of its own, if that is not empty."""
    level = general.with_default(default)
    if row is None and level is not general:
        return level
    return level.refined(row)


def _table_row(block: ParameterBlock, level: _Level, group: str = "", coef: str = "") -> PriorRow:
    """Return the row of a level in the table of priors in use."""
    return PriorRow(
        block.class_,
        *block.scope,
        group,
        coef,
        level.text if level.density.name not in ("", "flat") else "(flat)",
        level.lower,
        level.upper,
        level.source,
    )


def _element(block: ParameterBlock, position: int, level: _Level) -> ElementPrior:
    """Check what holds for a parameter, and return it."""
    name = block.names[position]
    check_bounds(block, name, (level.lower, level.upper), (level.lower_row, level.upper_row))
    density_row = level.density_row
    where = f"The default prior {level.text!r}" if density_row is None else str(density_row)
    check_density(block, name, where, level.density, (level.lower, level.upper))
    return element_prior(level.density, level.lower, level.upper, level.text)
