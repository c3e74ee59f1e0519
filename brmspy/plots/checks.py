"""The ways to compare a response with responses drawn from the model: one function for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brmspy.drawing import (
    BLUE,
    GREY,
    INK,
    SKY,
    Panels,
    bars,
    categories,
    density_overlay,
    ecdf_overlay,
    intervals,
    line,
    points,
    rootogram,
)
from brmspy.plots.pit import Pit
from brmspy.plots.probabilities import interval_words, percent
from brmspy.plots.replicated import Replicated
from brmspy.plots.statistics import statistic

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = ["CHECKS", "PIT_CHECKS", "Check", "Options", "draw_histograms"]

FloatArray = NDArray[np.float64]
Entries = list[tuple["Artist", str]]

_MOST_VALUES = 40  # bars in one panel
_BINS = 30
_GRID = 101
_SIMULATIONS = 1000


@dataclass(frozen=True)
class Options:
    """What the user can choose.

    Attributes
    ----------
    stat : str, callable, or two of them
        For the types that compare statistics.
    prob, prob_outer : float
        Probabilities of intervals.
    """

    stat: Any = None
    prob: float = 0.5
    prob_outer: float = 0.95

    @property
    def tails(self) -> list[float]:
        """Probabilities of the quantiles: median, then the ends of both intervals."""
        inner, outer = self.prob, self.prob_outer
        return [0.5, (1 - inner) / 2, (1 + inner) / 2, (1 - outer) / 2, (1 + outer) / 2]

    @property
    def words(self) -> str:
        """The intervals, in words."""
        return interval_words(self.prob, self.prob_outer)


@dataclass(frozen=True)
class Check:
    """A way to compare.

    Attributes
    ----------
    draw : callable
        Draws on axes; returns what the legend says, and a note.
    few_draws : bool
        Whether every draw is a curve of its own, so that ten are enough.
    takes : tuple of str
        Which of ``"x"`` and ``"stat"`` it uses.
    labels : callable
        Returns what stands along x and y.
    discrete : bool
        Whether it needs whole numbers.
    """

    draw: Callable[[Axes, Replicated, Options], tuple[Entries, str]]
    labels: Callable[[Replicated, Options], tuple[str, str]]
    few_draws: bool = False
    takes: tuple[str, ...] = ()
    discrete: bool = False


def _observed_entry(sample: Replicated) -> str:
    return f"{sample.label}, observed"


def _dens_overlay(ax: Axes, sample: Replicated, options: Options) -> tuple[Entries, str]:
    drawn = density_overlay(ax, sample.observed, sample.draws, lower=sample.lower)
    return list(zip(drawn, (_observed_entry(sample), sample.how_many), strict=False)), ""


def _ecdf_overlay(ax: Axes, sample: Replicated, options: Options) -> tuple[Entries, str]:
    drawn = ecdf_overlay(ax, sample.observed, sample.draws)
    return list(zip(drawn, (_observed_entry(sample), sample.how_many), strict=True)), ""


def _stat(ax: Axes, sample: Replicated, options: Options) -> tuple[Entries, str]:
    _, function = statistic("mean" if options.stat is None else options.stat)
    seen = float(function(sample.observed[None])[0])
    drawn = function(sample.draws)
    known = drawn[np.isfinite(drawn)]
    bar = _histogram(ax, known, _histogram_edges(known), SKY)
    mark = ax.axvline(seen, color=INK, linewidth=2.0)
    share = float((known >= seen).mean()) if known.size else np.nan
    ax.set_title(f"{100 * share:.0f} % of draws at or above", fontsize=9, loc="right", color="0.4")
    return [(mark, "observed"), (bar, sample.how_many)], ""


def _stat_2d(ax: Axes, sample: Replicated, options: Options) -> tuple[Entries, str]:
    (_, first), (_, second) = _two_statistics(options)
    cloud = points(ax, first(sample.draws), second(sample.draws), colour=BLUE, size=8, alpha=0.25)
    seen = sample.observed[None]
    mark = ax.plot(
        first(seen),
        second(seen),
        linestyle="none",
        marker="D",
        markersize=9,
        markerfacecolor=INK,
        markeredgecolor="white",
        zorder=4,
    )[0]
    return [(mark, "observed"), (cloud, sample.how_many)], ""


def _two_statistics(options: Options) -> list[tuple[str, Callable[[FloatArray], FloatArray]]]:
    first, second = ("mean", "sd") if options.stat is None else options.stat
    return [statistic(first), statistic(second)]


def draw_histograms(panels: Panels, sample: Replicated) -> None:
    """Draw histograms with the same bins: of the response, then of each draw.

    Parameters
    ----------
    panels : Panels
        One more than there are draws.
    sample : Replicated
        The response and its draws.
    """
    everything = np.concatenate([sample.observed, sample.draws.reshape(-1)])
    edges = _histogram_edges(everything, discrete=sample.discrete)
    for number, (ax, values) in enumerate(
        zip(panels, [sample.observed, *sample.draws], strict=True)
    ):
        colour = SKY if number else GREY
        _histogram(ax, values, edges, colour)
        ax.set_title(f"draw {number}" if number else "observed")
    panels.labels(sample.label, "number of rows")


def _histogram(ax: Axes, values: FloatArray, edges: FloatArray, colour: str) -> Artist:
    """Draw a histogram; return one of its bars."""
    counts = np.histogram(values, edges)[0]
    drawn = ax.bar(
        edges[:-1], counts, np.diff(edges), align="edge", color=colour, edgecolor="white",
        linewidth=0.4,
    )  # fmt: skip
    return drawn.patches[0]


def _intervals(ax: Axes, sample: Replicated, options: Options) -> tuple[Entries, str]:
    middle, low, high, lowest, highest = np.quantile(sample.draws, options.tails, axis=0)
    places, note = _places(ax, sample)
    small = 4.0 if len(places) < 100 else 2.5
    dots = intervals(
        ax, places, middle, outer=(lowest, highest), inner=(low, high), colour=SKY, size=small
    )
    seen = points(ax, places, sample.observed, size=small**2, alpha=0.9)
    seen.set_zorder(3)
    outside = np.mean((sample.observed < lowest) | (sample.observed > highest))
    share = (
        f"{100 * outside:.0f} % of rows lie outside of the {percent(options.prob_outer)} intervals."
    )
    entries: Entries = [
        (seen, _observed_entry(sample)),
        (dots, f"median, {options.words} of {sample.how_many}"),
    ]
    return entries, " ".join(filter(None, [share, note]))


def _error_scatter_avg(ax: Axes, sample: Replicated, options: Options) -> tuple[Entries, str]:
    errors = sample.observed - sample.draws.mean(axis=0)
    if sample.along is None:
        x, y, note = errors, sample.observed, ""
        line_at: Callable[..., Artist] = ax.axvline
    else:
        x, note = _places(ax, sample, jitter=True)
        y, line_at = errors, ax.axhline
    cloud = points(ax, x, y, colour=BLUE)
    line_at(0.0, color=INK, linestyle="--", linewidth=1.0)
    return [(cloud, f"rows, means of {sample.how_many}")], note


def _scatter_avg(ax: Axes, sample: Replicated, options: Options) -> tuple[Entries, str]:
    average = sample.draws.mean(axis=0)
    cloud = points(ax, average, sample.observed, colour=BLUE)
    ends = [min(average.min(), sample.observed.min()), max(average.max(), sample.observed.max())]
    diagonal = ax.plot(ends, ends, color=INK, linestyle="--", linewidth=1.0)[0]
    return [(cloud, f"rows, means of {sample.how_many}"), (diagonal, "equal")], ""


def _places(ax: Axes, sample: Replicated, jitter: bool = False) -> tuple[FloatArray, str]:
    """Return where the rows stand along x, side by side if several stand at the same place."""
    if sample.along is None:
        return np.arange(1.0, len(sample.observed) + 1), ""
    values, levels = sample.along.values, sample.along.levels
    if levels:
        categories(ax, levels)
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    if count.max() == 1:
        return values, ""
    distinct = np.unique(values)
    gap = float(np.diff(distinct).min()) if len(distinct) > 1 else 1.0
    offsets = np.zeros(len(values))
    for code, members in enumerate(count):
        rows = np.nonzero(place == code)[0]
        rows = rows[np.argsort(sample.observed[rows], kind="stable")]
        offsets[rows] = np.linspace(-0.35, 0.35, members) * gap if members > 1 else 0.0
    if jitter:
        offsets *= 0.5
    return values + offsets, "Rows at the same place stand side by side."


def _bars(ax: Axes, sample: Replicated, options: Options) -> tuple[Entries, str]:
    edges, places, note = _bins(sample)
    seen = np.histogram(sample.observed, edges)[0]
    drawn = np.stack([np.histogram(row, edges)[0] for row in sample.draws])
    middle, low, high, lowest, highest = np.quantile(drawn, options.tails, axis=0)
    bar = bars(ax, places, seen, width=0.85 * float(edges[1] - edges[0]))
    dots = intervals(ax, places, middle, outer=(lowest, highest), inner=(low, high), size=4.5)
    _name_values(ax, sample, places)
    entries: Entries = [
        (bar, _observed_entry(sample)),
        (dots, f"median, {options.words} of {sample.how_many}"),
    ]
    return entries, note


def _rootogram(ax: Axes, sample: Replicated, options: Options) -> tuple[Entries, str]:
    edges, places, note = _bins(sample)
    seen = np.histogram(sample.observed, edges)[0]
    drawn = np.stack([np.histogram(row, edges)[0] for row in sample.draws])
    _, low, high, lowest, highest = np.quantile(drawn, options.tails, axis=0)
    bar, curve = rootogram(ax, places, seen, drawn.mean(axis=0), [(lowest, highest), (low, high)])
    _name_values(ax, sample, places)
    entries: Entries = [
        (bar, _observed_entry(sample)),
        (curve, f"mean, {options.words} of {sample.how_many}"),
    ]
    return entries, note


def _bins(sample: Replicated) -> tuple[FloatArray, FloatArray, str]:
    """Return edges and middles of bins of whole numbers, and what is said of them."""
    lowest, highest = np.floor(sample.span[0]), np.ceil(sample.span[1])
    if lowest <= 0.2 * highest:
        lowest = 0.0
    width = float(np.ceil((highest - lowest + 1) / _MOST_VALUES))
    edges = np.arange(lowest - 0.5, highest + 0.5 + width, width)
    notes = [f"Each bar holds {width:.0f} values."] if width > 1 else []
    beyond = int(np.sum((sample.draws > edges[-1]) | (sample.draws < edges[0])))
    if beyond:
        notes.append(
            f"{100 * beyond / sample.draws.size:.2g} % of the drawn values lie beyond the axis."
        )
    return edges, edges[:-1] + width / 2, " ".join(notes)


def _name_values(ax: Axes, sample: Replicated, places: FloatArray) -> None:
    """Write the names of the response's values, or whole numbers."""
    if sample.levels:
        categories(ax, sample.levels)
        return
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlim(places[0] - 0.7, places[-1] + 0.7) if len(places) < 4 else ax.margins(x=0.02)


def _histogram_edges(values: FloatArray, discrete: bool = False) -> FloatArray:
    """Return the edges of a histogram's bins."""
    low, high = float(values.min(initial=np.inf)), float(values.max(initial=-np.inf))
    if discrete and high - low < _MOST_VALUES:
        return np.arange(low - 0.5, high + 1.0)
    if not high > low:
        centre = low if np.isfinite(low) else 0.0
        return np.array([centre - 0.5, centre + 0.5])
    return np.linspace(low, high, _BINS + 1)


def _pit_overlay(ax: Axes, pit: Pit, rng: np.random.Generator) -> Entries:
    """Draw the density of the transforms over those of uniform samples of the same size."""
    uniform = rng.uniform(size=(50, len(pit.values)))
    drawn = density_overlay(ax, pit.values, uniform, lower=0.0, upper=1.0)
    ax.set_xlim(0, 1)
    return list(zip(drawn, ("observed", "50 uniform samples"), strict=False))


def _pit_qq(ax: Axes, pit: Pit, rng: np.random.Generator) -> Entries:
    """Draw the sorted transforms against what they would be if they were uniform."""
    from scipy.stats import beta

    count = len(pit.values)
    order = np.arange(1, count + 1)
    expected = order / (count + 1)
    # The i-th of n uniform numbers has a beta distribution.
    ends = beta(order, count + 1 - order).ppf([[0.025], [0.975]])
    diagonal = line(
        ax, expected, expected, bands=[(ends[0], ends[1])], colour=GREY, dash="--", width=1.0
    )
    cloud = points(ax, expected, np.sort(pit.values), colour=BLUE)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    return [(cloud, "rows"), (diagonal, "uniform, pointwise 95 % intervals")]


def _pit_ecdf(ax: Axes, pit: Pit, rng: np.random.Generator) -> Entries:
    """Draw the share of transforms below each value, less what is expected, with an envelope."""
    at = np.linspace(0.0, 1.0, _GRID)
    half_width = _simultaneous(rng, len(pit.values), at)
    ends = half_width * np.sqrt(at * (1 - at) / len(pit.values))
    envelope = line(
        ax, at, np.zeros(_GRID), bands=[(-ends, ends)], colour=GREY, dash="--", width=1.0
    )
    curve = line(ax, at, _share_below(pit.values, at) - at, colour=BLUE)
    ax.set_xlim(0, 1)
    return [(curve, "observed"), (envelope, "uniform, simultaneous 95 % envelope")]


def _simultaneous(rng: np.random.Generator, count: int, at: FloatArray) -> float:
    """Return how many standard errors wide an envelope is that holds 95 % of samples entirely."""
    inner = at[1:-1]
    error = np.sqrt(inner * (1 - inner) / count)
    farthest = [
        float(np.abs((_share_below(rng.uniform(size=count), inner) - inner) / error).max())
        for _ in range(_SIMULATIONS)
    ]
    return float(np.quantile(farthest, 0.95))


def _share_below(values: FloatArray, at: FloatArray) -> FloatArray:
    """Return the share of values at or below each of some numbers."""
    return np.searchsorted(np.sort(values), at, side="right") / len(values)


def _along_or(default: str) -> Callable[[Replicated], str]:
    return lambda sample: default if sample.along is None else sample.along.label


def _stat_label(sample: Replicated, options: Options) -> tuple[str, str]:
    name, _ = statistic("mean" if options.stat is None else options.stat)
    return f"{name} of {sample.label}", "number of draws"


def _stat_2d_label(sample: Replicated, options: Options) -> tuple[str, str]:
    (first, _), (second, _) = _two_statistics(options)
    return f"{first} of {sample.label}", f"{second} of {sample.label}"


def _error_label(sample: Replicated, options: Options) -> tuple[str, str]:
    error = f"{sample.label} − mean of draws"
    return (error, sample.label) if sample.along is None else (sample.along.label, error)


CHECKS: Mapping[str, Check] = {
    "dens_overlay": Check(_dens_overlay, lambda s, o: (s.label, "density"), few_draws=True),
    "ecdf_overlay": Check(
        _ecdf_overlay, lambda s, o: (s.label, "share at or below"), few_draws=True
    ),
    "stat": Check(_stat, _stat_label, takes=("stat",)),
    "stat_2d": Check(_stat_2d, _stat_2d_label, takes=("stat",)),
    "intervals": Check(_intervals, lambda s, o: (_along_or("row")(s), s.label), takes=("x",)),
    "bars": Check(_bars, lambda s, o: (s.label, "number of rows"), discrete=True),
    "rootogram": Check(
        _rootogram, lambda s, o: (s.label, "number of rows (square-root scale)"), discrete=True
    ),
    "error_scatter_avg": Check(_error_scatter_avg, _error_label, takes=("x",)),
    "scatter_avg": Check(_scatter_avg, lambda s, o: ("mean of draws", s.label)),
}
"""Checks with draws of the response, by bayesplot's names."""

PIT_CHECKS: Mapping[str, tuple[Callable[..., Entries], str, str]] = {
    "loo_pit": (_pit_overlay, "leave-one-out PIT", "density"),
    "loo_pit_overlay": (_pit_overlay, "leave-one-out PIT", "density"),
    "loo_pit_qq": (_pit_qq, "uniform quantiles", "leave-one-out PIT"),
    "loo_pit_ecdf": (_pit_ecdf, "leave-one-out PIT", "ECDF − uniform ECDF"),
}
"""Checks of leave-one-out probability integral transforms: how to draw, and what stands along."""
