"""The effects of the levels of a group, and how far they are drawn towards the population."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from brmspy.data import GroupCoef
from brmspy.drawing import (
    GREY,
    INK,
    VERMILION,
    axes_for,
    categories,
    house_style,
    intervals,
    plain,
)
from brmspy.errors import BrmspyError, did_you_mean
from brmspy.fit import Fit
from brmspy.plots.own import own_estimates
from brmspy.plots.probabilities import check_probabilities, interval_words
from brmspy.program import coefficient_variable, group_members

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = ["plot_groups"]

FloatArray = NDArray[np.float64]

_BELOW = 0.3  # how far below its interval the arrow of a level is, in rows
_BEYOND = 0.6  # how far the axis goes to show what levels say by themselves, in its own widths


@dataclass(frozen=True)
class _Forest:
    """The levels of one panel.

    Attributes
    ----------
    group, coef : str
        The grouping factor and the coefficient, in the user's words.
    scale : str
        Scale of the coefficient, in words; empty for that of the response.
    levels : ndarray of str, shape (level,)
        Their names, in the order in which they are drawn.
    draws : ndarray, shape (draw, level)
        Coefficients: population plus effect.
    population : ndarray, shape (draw,)
        What all levels share.
    own : ndarray, shape (level,)
        What the rows of each level say by themselves; NaN where they do not say.
    rows : ndarray of int, shape (level,)
        Number of rows.
    """

    group: str
    coef: str
    scale: str
    levels: NDArray[np.object_]
    draws: FloatArray
    population: FloatArray
    own: FloatArray
    rows: NDArray[np.int64]

    def part(self, chosen: NDArray[np.intp]) -> _Forest:
        """Return some of the levels."""
        return _Forest(
            self.group,
            self.coef,
            self.scale,
            self.levels[chosen],
            self.draws[:, chosen],
            self.population,
            self.own[chosen],
            self.rows[chosen],
        )


def plot_groups(
    fit: Fit,
    group: str | None = None,
    coef: str | Sequence[str] | None = None,
    *,
    prob: float = 0.5,
    prob_outer: float = 0.95,
    raw: bool = True,
    sort: bool = True,
    max_levels: int = 60,
    ax: Axes | NDArray[np.object_] | None = None,
) -> Axes | NDArray[np.object_]:
    """Show the coefficients of the levels of a group, sorted, and how far they shrink.

    Each row is a level: the population's coefficient plus its effect. An arrow leads from what the
    rows of the level say by themselves to what the model makes of it, with the other levels in
    view; it points to the line of the population, and is long where rows are few. For
    ``y ~ 1 + (1 | g)`` it starts at the mean of the group. At the right stands the number of rows.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    group : str, optional
        The grouping factor; by default all.
    coef : str or sequence of str, optional
        Coefficients that vary: ``"Intercept"``, ``"Days"``; by default all. Those of other
        parameters than the mean have its name in front: ``"sigma_Days"``, ``"Asym_Intercept"``.
    prob, prob_outer : float
        Probabilities of the thick and of the thin interval.
    raw : bool
        Whether to draw the arrows.
    sort : bool
        Whether levels stand in the order of their estimates, or in that of the data.
    max_levels : int
        How many levels to show; of more, the lowest and the highest.
    ax : Axes or array of Axes, optional
        Where to draw: one for each coefficient of each group.

    Returns
    -------
    Axes or ndarray of Axes
        One for each coefficient of each group.

    Raises
    ------
    BrmspyError
        If the model has no group-level effects or no such ones, or an argument is not valid.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> axes = fit.plot_groups(coef="Days")
    >>> [label.get_text() for label in axes.get_yticklabels()][0]
    '308'
    """
    check_probabilities(prob=prob, prob_outer=prob_outer)
    if isinstance(max_levels, bool) or not isinstance(max_levels, int) or max_levels < 2:
        raise BrmspyError(f"max_levels = {max_levels!r} is not valid: it is a number from 2 on.")
    forests = _forests(fit, group, coef, raw and fit.model.sample_prior != "only")
    notes: list[str] = []
    kept = []
    for forest in forests:
        order = np.argsort(forest.draws.mean(axis=0), kind="stable")
        left_out = len(order) - max_levels
        if left_out > 0:
            low = max_levels // 2
            order = np.concatenate([order[:low], order[len(order) - (max_levels - low) :]])
            notes.append(
                f"{forest.group}: the {low} lowest and {max_levels - low} highest of "
                f"{len(forest.levels)} levels."
            )
        kept.append(forest.part(order[::-1] if sort else np.sort(order)))
    tallest = max(len(forest.levels) for forest in kept)
    columns = min(len(kept), 3)
    rows = -(-len(kept) // columns)
    row_height = 0.14 if tallest > 30 else 0.24
    with house_style():
        panels = axes_for(
            len(kept), ax, columns=columns, height=max(3.0, rows * (1.3 + row_height * tallest))
        )
        entries: list[tuple[Artist, str]] = []
        for place, forest in zip(panels, kept, strict=True):
            drawn, note = _draw(place, forest, prob, prob_outer, raw)
            entries += drawn
            notes += [note] if note else []
        panels.legend(entries)
        panels.note(" ".join(dict.fromkeys(notes)))
    return panels.result


def _draw(
    ax: Axes, forest: _Forest, prob: float, prob_outer: float, raw: bool
) -> tuple[list[tuple[Artist, str]], str]:
    """Draw the levels of one panel; return what the legend says, and a note."""
    tails = [(1 - prob) / 2, (1 + prob) / 2, (1 - prob_outer) / 2, (1 + prob_outer) / 2]
    low, high, lowest, highest = np.quantile(forest.draws, tails, axis=0)
    middle = forest.draws.mean(axis=0)
    places = np.arange(len(middle))
    small = len(middle) > 30
    dots = intervals(
        ax,
        places,
        middle,
        outer=(lowest, highest),
        inner=(low, high),
        horizontal=True,
        size=3.5 if small else 5.0,
    )
    entries: list[tuple[Artist, str]] = [(dots, f"mean, {interval_words(prob, prob_outer)}")]
    centre = float(forest.population.mean())
    entries.append(
        (ax.axvline(centre, color=INK, linestyle="--", linewidth=1.0, zorder=1.3), "population")
    )
    note = ""
    if raw:
        arrows, note = _draw_arrows(ax, forest, middle)
        entries += [(arrows, "from the level's rows alone")] if arrows is not None else []
    categories(ax, forest.levels.tolist(), "y")
    _write_rows(ax, forest.rows, 7 if small else 8)
    ax.set_title(plain(forest.group))
    ax.set_xlabel(plain(forest.coef + (f" ({forest.scale})" if forest.scale else "")))
    return entries, note


def _draw_arrows(ax: Axes, forest: _Forest, middle: FloatArray) -> tuple[Artist | None, str]:
    """Draw an arrow from what each level says by itself to what the model makes of it."""
    from matplotlib.patches import FancyArrowPatch

    known = np.isfinite(forest.own)
    note = ""
    if not known.all():
        count = int((~known).sum())
        note = (
            f"{forest.group}: no arrow for {count} level{'s' * (count > 1)} whose rows alone do "
            f"not determine {forest.coef}."
        )
    if not known.any():
        return None, note
    start, end = ax.get_xlim()
    width = end - start
    ends = forest.own[known]
    ax.set_xlim(
        max(min(start, float(ends.min()) - 0.03 * width), start - _BEYOND * width),
        min(max(end, float(ends.max()) + 0.03 * width), end + _BEYOND * width),
    )
    for place in np.nonzero(known)[0]:
        height = place + _BELOW
        ax.add_patch(
            FancyArrowPatch(
                (forest.own[place], height),
                (middle[place], height),
                arrowstyle="-|>",
                color=VERMILION,
                linewidth=0.7,
                mutation_scale=6,
                shrinkA=0,
                shrinkB=0,
            )
        )
    marks = ax.plot(
        ends,
        np.nonzero(known)[0] + _BELOW,
        linestyle="none",
        marker="o",
        markersize=3.2,
        markerfacecolor="white",
        markeredgecolor=VERMILION,
    )[0]
    return marks, note


def _write_rows(ax: Axes, rows: NDArray[np.int64], size: float) -> None:
    """Write the number of rows of each level at the right edge."""
    across = ax.get_yaxis_transform()
    for place, count in enumerate(rows):
        ax.text(1.02, place, str(count), transform=across, fontsize=size, color=GREY, va="center")
    ax.text(1.02, 1.01, "rows", transform=ax.transAxes, fontsize=8, color=GREY, va="bottom")


def _forests(
    fit: Fit, group: str | None, coef: str | Sequence[str] | None, raw: bool
) -> list[_Forest]:
    """Return what to draw, one for each coefficient of each group."""
    members = group_members(fit.model.design.groups)
    if not members:
        raise BrmspyError("The model has no group-level effects to show.")
    if group is not None and group not in members:
        raise BrmspyError(
            f"The model has no grouping factor {group!r}. {did_you_mean(str(group), members)}"
        )
    wanted = None if coef is None else [coef] if isinstance(coef, str) else list(coef)
    chosen = []
    labels: dict[str, None] = {}
    for name in members if group is None else [group]:
        for column, (block, place) in enumerate(members[name]):
            label = fit.model.design.groups[block].coefs[place].label
            labels[label] = None
            if wanted is None or label in wanted:
                chosen.append((name, column))
    for item in wanted or []:
        if item not in labels:
            where = "any group" if group is None else repr(group)
            raise BrmspyError(
                f"There is no coefficient {item!r} that varies by {where}. "
                f"{did_you_mean(str(item), labels)}"
            )
    if not chosen:
        raise BrmspyError("coef is empty: leave it out to see all coefficients.")
    own = {name: own_estimates(fit, name) for name in {name for name, _ in chosen} if raw}
    return [_forest(fit, name, column, own.get(name)) for name, column in chosen]


def _forest(fit: Fit, group: str, column: int, own: FloatArray | None) -> _Forest:
    """Return the levels of one coefficient."""
    design = fit.model.design
    block, place = group_members(design.groups)[group][column]
    info = design.groups[block]
    coef = info.coefs[place]
    effects = fit.groups["posterior"][f"r_{group}"].to_numpy()[..., column]
    effects = effects.reshape(-1, len(info.levels))
    shared = _population(fit, coef)
    missing = np.full(len(info.levels), np.nan)
    index = design.arrays.groups[block].index
    return _Forest(
        group,
        coef.label,
        _scale(fit, coef),
        np.array(info.levels, dtype=object),
        effects + shared[:, None],
        shared,
        missing if own is None else own[:, column] + shared.mean(),
        np.bincount(index, minlength=len(info.levels)),
    )


def _population(fit: Fit, coef: GroupCoef) -> FloatArray:
    """Return the draws of the population's coefficient of the same name, zeros if there is none."""
    coefs = fit.model.design.predictors[coef.predictor].coefs
    posterior = fit.groups["posterior"]
    if coef.name not in coefs:
        return np.zeros(posterior.sizes["chain"] * posterior.sizes["draw"])
    draws = posterior[coefficient_variable(coef.predictor)].to_numpy()
    return draws[..., coefs.index(coef.name)].reshape(-1)


def _scale(fit: Fit, coef: GroupCoef) -> str:
    """Return the scale of a predictor in words, if it is not that of what it predicts."""
    if coef.predictor not in fit.family.dpar_names:
        return ""
    link = fit.family.dpar(coef.predictor).link.name
    return "" if link == "identity" else f"{link} scale"
