"""Conditional effects: predictions over the range of one or two columns, with the rest held."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from brmspy.drawing import joined
from brmspy.effects.conditions import Condition, listed_conditions
from brmspy.effects.report import MOST_ROWS, Part, as_html, as_text
from brmspy.effects.rows import as_draws
from brmspy.effects.target import Held, Target, held_values
from brmspy.effects.terms import chosen_effects, default_effects
from brmspy.errors import BrmspyError, did_you_mean
from brmspy.formula.expression import names_in
from brmspy.grids import GridColumn, grid
from brmspy.predict import summarise_values

if TYPE_CHECKING:
    import xarray as xr

    from brmspy.fit import Fit

__all__ = ["ConditionalEffect", "ConditionalEffects", "conditional_effects"]


@dataclass(frozen=True, eq=False, repr=False)
class ConditionalEffect:
    """Predictions over one column, or over two that may interact, with the rest held.

    Attributes
    ----------
    columns : tuple of str
        The columns that vary: the first along the axis of a picture.
    table : DataFrame
        A row for each combination of values: the columns, ``cond__`` if there are conditions, and
        ``estimate__``, ``se__``, ``lower__``, ``upper__``.
    draws : xarray.DataArray
        Dimensions (chain, draw, row), labelled by the table's index.
    held : tuple of Held
        At which values the other columns are held.
    groups : str
        Which group-level effects take part.
    conditions : tuple of Condition
        What the user held other columns at; one without values by default.
    label : str
        What is predicted.
    points : DataFrame
        The data: the columns, those of the conditions, and the response as ``resp__``; empty if
        what is predicted is not on the scale of the response.
    prob : float
        Probability of the interval.
    spaghetti : bool
        Whether pictures show a line for each draw in place of the interval.
    labels : mapping of str to mapping
        Names of values that the user named, by column.
    factors : frozenset of str
        Which of the columns, and of those of the conditions, have levels.
    """

    columns: tuple[str, ...]
    table: pd.DataFrame
    draws: xr.DataArray = field(repr=False)
    held: tuple[Held, ...]
    groups: str
    conditions: tuple[Condition, ...]
    label: str
    points: pd.DataFrame = field(repr=False)
    prob: float = 0.95
    spaghetti: bool = False
    labels: Mapping[str, Mapping[Any, str]] = field(default_factory=dict)
    factors: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The columns, joined by a colon."""
        return ":".join(self.columns)

    @property
    def subtitle(self) -> str:
        """At which values the rest is held, in words."""
        return _subtitle(self.held, self.groups)

    def plot(
        self,
        ax: Any = None,
        *,
        points: bool = True,
        spaghetti: bool | None = None,
        lines: int = 100,
    ) -> Any:
        """Draw the effect: lines with their interval over numbers, intervals over levels.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or array of them, optional
            Where to; one for each condition.
        points : bool
            Whether to draw the data. Under a condition on a factor, those of its level.
        spaghetti : bool, optional
            Whether to draw a line for each of some draws in place of the interval; by default as
            asked for in `conditional_effects`.
        lines : int
            How many of them.

        Returns
        -------
        matplotlib.axes.Axes or ndarray of them
            One for each condition.
        """
        from brmspy.effects.pictures import draw_effects

        return draw_effects([self], ax, points, spaghetti, lines, self.subtitle)

    def __repr__(self) -> str:
        return as_text([self._part])

    def _repr_html_(self) -> str:
        return as_html([self._part], self._part.title)

    @property
    def _part(self) -> Part:
        title = f"{self.label} by {joined(self.columns)}, with {100 * self.prob:.4g}% intervals"
        notes = (self.subtitle,) if self.subtitle else ()
        errors = self.table["se__"].to_numpy(dtype=np.float64)
        return Part(title, self.table, 4, errors, notes, self._some_rows())

    def _some_rows(self) -> list[int] | None:
        """Return rows with some of the first column's values, if there are many."""
        if len(self.table) <= MOST_ROWS or self.columns[0] in self.factors:
            return None
        first = self.table[self.columns[0]].to_numpy()
        values = np.unique(first)
        count = max(2, MOST_ROWS // (len(first) // len(values)))
        some = values[np.linspace(0, len(values) - 1, min(count, len(values))).astype(int)]
        return list(np.flatnonzero(np.isin(first, some)).tolist())


class _NoSuchEffectError(BrmspyError, KeyError):
    """There is no effect of a name; a KeyError, as mappings promise."""

    __str__ = Exception.__str__  # that of KeyError quotes the message


@dataclass(frozen=True, eq=False, repr=False)
class ConditionalEffects(Mapping[str, ConditionalEffect]):
    """Conditional effects by their names, ``"x"`` or ``"x:g"``; ``"g:x"`` is the same.

    Attributes
    ----------
    effects : tuple of ConditionalEffect
        In the order of the formula, or as asked for.
    """

    effects: tuple[ConditionalEffect, ...]

    @cached_property
    def _by_name(self) -> dict[str, ConditionalEffect]:
        return {effect.name: effect for effect in self.effects}

    def __getitem__(self, name: str) -> ConditionalEffect:
        found = self._by_name.get(name)
        if found is None:
            turned = {":".join(effect.columns[::-1]): effect for effect in self.effects}
            found = turned.get(name)
        if found is None:
            raise _NoSuchEffectError(
                f"There is no effect {name!r}. {did_you_mean(str(name), self)}"
            )
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    @property
    def subtitle(self) -> str:
        """At which values columns are held wherever they are not shown, in words."""
        held = dict.fromkeys(item for effect in self.effects for item in effect.held)
        return _subtitle(tuple(held), self.effects[0].groups, several=len(self.effects) > 1)

    def plot(
        self,
        ax: Any = None,
        *,
        points: bool = True,
        spaghetti: bool | None = None,
        lines: int = 100,
    ) -> Any:
        """Draw all effects, each in a panel of its own.

        Parameters
        ----------
        ax : array of matplotlib.axes.Axes, optional
            Where to; one for each effect and condition.
        points : bool
            Whether to draw the data. Under a condition on a factor, those of its level.
        spaghetti : bool, optional
            Whether to draw a line for each of some draws in place of the interval; by default as
            asked for in `conditional_effects`.
        lines : int
            How many of them.

        Returns
        -------
        matplotlib.axes.Axes or ndarray of them
            One for each effect and condition.
        """
        from brmspy.effects.pictures import draw_effects

        return draw_effects(self.effects, ax, points, spaghetti, lines, self.subtitle)

    def __repr__(self) -> str:
        return as_text([effect._part for effect in self.effects])

    def _repr_html_(self) -> str:
        return as_html([effect._part for effect in self.effects], "Conditional effects")


def conditional_effects(
    fit: Fit,
    effects: str | Sequence[str] | None = None,
    *,
    conditions: Any = None,
    int_conditions: Mapping[str, Any] | None = None,
    re_formula: Any = "NA",
    prob: float = 0.95,
    robust: bool = True,
    method: str = "posterior_epred",
    dpar: str | None = None,
    nlpar: str | None = None,
    spaghetti: bool = False,
    ndraws: int | None = None,
    resolution: int = 100,
    sample_new_levels: str = "uncertainty",
    seed: int | None = None,
) -> ConditionalEffects:
    """Predict over the range of each column of the formula, with all others held.

    Numbers are held at their mean, factors at their first level, and ``trials()`` at one, so that
    means of binomial models are probabilities. Group-level effects are left out unless
    `re_formula` asks for them; then they are those of a new level of each group, unless
    `conditions` name a level. What is held where is printed with the result and below its picture.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    effects : str or sequence of str, optional
        Columns, or two of them joined by a colon: ``"x:g"``, the first along the axis. By default
        all columns that the terms read, and all pairs that a term or a non-linear formula reads
        together.
    conditions : DataFrame or mapping of str to Any, optional
        Values at which to hold other columns. Every row of a data frame is a condition, and so is
        every combination of a mapping's values. Rows are named by a column ``cond__`` or by the
        index, if it has names.
    int_conditions : mapping of str to Any, optional
        Values of columns that are shown: a sequence, a mapping of names to values, or a function
        of the column's values. By default the second column of a pair takes all levels, or mean
        and mean plus or minus a standard deviation, as far as the data reach.
    re_formula : None, "NA" or str
        Which group-level effects take part: none by default.
    prob : float
        Probability of the central interval.
    robust : bool
        Use the median and the scaled median absolute deviation for mean and standard deviation.
    method : {"posterior_epred", "posterior_linpred", "posterior_predict"}
        The mean of the response, the linear predictor, or new responses.
    dpar, nlpar : str, optional
        A distributional or non-linear parameter in place of the mean.
    spaghetti : bool
        Whether pictures show a line for each of some draws in place of the interval.
    ndraws : int, optional
        How many draws; by default all.
    resolution : int
        At how many values to evaluate numbers.
    sample_new_levels, seed
        As for `posterior_epred`.

    Returns
    -------
    ConditionalEffects
        A mapping of effects. Each has a ``.table``, ``.draws``, ``.held`` and ``.plot()``.

    Raises
    ------
    BrmspyError
        If an argument is not valid, or the model has no effects.

    References
    ----------
    brms: https://paulbuerkner.com/brms/reference/conditional_effects.brmsfit.html

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> fit = brm("weight ~ group", load_dataset("plant_growth"), seed=1, progress=False)
    >>> effects = fit.conditional_effects()
    >>> effects["group"].table[["group", "estimate__"]].round(1)
      group  estimate__
    0  ctrl         5.0
    1  trt1         4.7
    2  trt2         5.5
    """
    target = Target(
        fit,
        method=method,
        re_formula=re_formula,
        dpar=dpar,
        nlpar=nlpar,
        ndraws=ndraws,
        allow_new_levels=True,
        sample_new_levels=sample_new_levels,
        seed=seed,
    )
    if resolution < 2:
        raise BrmspyError(f"resolution = {resolution!r} is not valid: it is at least 2.")
    found = default_effects(target) if effects is None else chosen_effects(target, effects)
    if not found:
        raise BrmspyError(
            f"{target.label} depends on no column at the level of the population, so there are no "
            "effects to show."
        )
    held = listed_conditions(target, conditions)
    values = _Values(target, int_conditions or {}, resolution)
    return ConditionalEffects(
        tuple(_effect(target, effect, held, values, prob, robust, spaghetti) for effect in found)
    )


@dataclass(frozen=True)
class _Values:
    """Which values of the columns are shown."""

    target: Target
    chosen: Mapping[str, Any]
    resolution: int

    def __post_init__(self) -> None:
        for name in self.chosen:
            self.target.column(name)  # raises if predictions do not read it

    def of(self, effect: tuple[str, ...]) -> dict[str, list[Any]]:
        """Return the values of each column of an effect."""
        return {name: self._of_column(name, place) for place, name in enumerate(effect)}

    def names(self, effect: tuple[str, ...]) -> dict[str, Mapping[Any, str]]:
        """Return what the user calls values."""
        return {
            name: {value: str(label) for label, value in self.chosen[name].items()}
            for name in effect
            if isinstance(self.chosen.get(name), Mapping)
        }

    def _of_column(self, name: str, place: int) -> list[Any]:
        column = self.target.column(name)
        if name not in self.chosen:
            return column.sequence(self.resolution) if place == 0 else _around(column)
        given = self.chosen[name]
        if callable(given):
            given = given(column.values)
        elif isinstance(given, Mapping):
            given = given.values()
        values = list(given) if np.iterable(given) and not isinstance(given, str) else [given]
        if not values:
            raise BrmspyError(f"int_conditions: there are no values for {name!r}.")
        return [column.level(value) for value in values] if column.is_factor else values


def _around(column: GridColumn) -> list[Any]:
    """Return all levels, or mean and mean plus and minus a standard deviation."""
    if column.is_factor:
        return list(column.levels)
    numbers = column.numbers
    mean, sd = float(numbers.mean()), float(numbers.std(ddof=min(1, len(numbers) - 1)))
    ends = np.clip([mean - sd, mean, mean + sd], numbers.min(), numbers.max())
    return list(dict.fromkeys(ends.tolist()))


def _effect(
    target: Target,
    effect: tuple[str, ...],
    conditions: tuple[Condition, ...],
    values: _Values,
    prob: float,
    robust: bool,
    spaghetti: bool,
) -> ConditionalEffect:
    """Predict one effect under all conditions."""
    shown = values.of(effect)
    # A condition on a column that is shown has no meaning for this effect.
    distinct = dict.fromkeys(condition.without(effect) for condition in conditions)
    frames = []
    for condition in distinct:
        frame = grid(target.fit, shown, at=condition.values)
        frames.append(frame.assign(**{"cond__": condition.label}) if condition.label else frame)
    rows = pd.concat(frames, ignore_index=True)
    predicted = target.draws(rows)
    flat = predicted.to_numpy().reshape(-1, len(rows))
    summary = summarise_values(flat, prob, robust)
    summary.columns = pd.Index(["estimate__", "se__", "lower__", "upper__"])
    named = [*effect, "cond__"] if "cond__" in rows else list(effect)
    table = pd.concat([rows[named], summary], axis=1)
    varying = {name for condition in distinct for name in condition.values}
    fixed = next(iter(distinct)).values if len(distinct) == 1 else {}
    held = held_values(target, [*effect, *varying], fixed)
    return ConditionalEffect(
        effect,
        table,
        as_draws(flat, predicted, "row", table.index, "effect"),
        held,
        target.groups_note(varying),
        tuple(distinct),
        _label(target, {*effect, *varying}),
        _points(target, {*effect, *varying}),
        prob,
        spaghetti,
        values.names(effect),
        frozenset(name for name in (*effect, *varying) if target.columns[name].is_factor),
    )


def _is_proportion(target: Target, varying: Collection[str]) -> bool:
    """Tell whether the mean is one of a single trial, so that it is a proportion."""
    return target.counts_trials and any(
        column.roles == {"trials"} and column.typical == 1 and column.name not in varying
        for column in target.columns.values()
    )


def _label(target: Target, varying: Collection[str]) -> str:
    """Say what is predicted."""
    trials = target.fit.model.design.terms.response.trials
    if trials is None or not _is_proportion(target, varying):
        return target.label
    return f"{target.label} / {', '.join(names_in(trials))}"


def _points(target: Target, varying: Collection[str]) -> pd.DataFrame:
    """Return the data, if what is predicted is on the scale of the response."""
    if target.parameter is not None or target.method == "posterior_linpred":
        return pd.DataFrame()
    model = target.fit.model
    data = model.design.data
    response = np.asarray(model.response, dtype=np.float64)
    trials = model.design.arrays.trials
    if trials is not None and _is_proportion(target, varying):
        with np.errstate(invalid="ignore"):
            response = response / trials
    return data[[name for name in data.columns if name in varying]].assign(resp__=response)


def _subtitle(held: tuple[Held, ...], groups: str, several: bool = False) -> str:
    """Say at which values columns are held."""
    start = "Where not shown, held at " if several else "Held at "
    values = ", ".join(map(str, held))
    said = start + values if values else ""
    if groups:
        said = f"{said}; {groups}" if said else f"{groups[0].upper()}{groups[1:]}"
    return f"{said}." if said else ""
