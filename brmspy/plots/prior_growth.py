"""Curves that the prior holds possible, over the data, before anything is fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brmspy.apriori import prior_draws_fit
from brmspy.drawing import BLUE, INK, VERMILION, Panels, axes_for, house_style, line, spaghetti
from brmspy.drawing import points as draw_points
from brmspy.errors import BrmspyError
from brmspy.fit import Fit
from brmspy.formula import Formula
from brmspy.grids import GridColumn, grid, grid_columns
from brmspy.growth import (
    by_values,
    check_by,
    check_xlim,
    chosen_group,
    chosen_input,
    effects_of,
    held_text,
)
from brmspy.model import build
from brmspy.plots.probabilities import percent
from brmspy.plots.words import counts_trials, mean_label, response_label
from brmspy.predict import check_probability, posterior_epred
from brmspy.priors import Prior

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from brmspy.families import Family

__all__ = ["prior_curves"]

FloatArray = NDArray[np.float64]

_SEED = 1
_BANDED = 2000  # draws of which the band is made
_ROOM = 2.0  # heights of the data that the picture may show above and below them


def prior_curves(
    fit: Fit | str | Formula,
    data: Any = None,
    family: str | Family | Any = "gaussian",
    prior: Prior | Sequence[Prior] | None = None,
    *,
    x: str | None = None,
    by: str | None = None,
    group: str | None = "NA",
    at: Mapping[str, Any] | None = None,
    default_priors: str = "auto",
    points: bool = True,
    xlim: tuple[float, float] | None = None,
    prob: float = 0.9,
    resolution: int = 80,
    ndraws: int = 60,
    seed: int | None = None,
    ax: Axes | NDArray[np.object_] | None = None,
) -> Axes | NDArray[np.object_]:
    """Show curves that the prior holds possible, over the data.

    Nothing is fitted or compiled: draws from the prior are exact and take no time. If no curve is
    like the data, or most are of impossible size, the prior is worth another thought. The picture
    is no higher than five times the data; its note says how much lies outside.

    Parameters
    ----------
    fit : BrmsFit, str or Formula
        A formula; or a fit, or a model card, whose formula, data and priors are used.
    data : DataFrame, optional
        The data, for a formula.
    family, prior, default_priors
        As for `brmspy.brm`; for a formula.
    x : str, optional
        The number that curves go along; by default the only one that the non-linear formula reads,
        or in linear models the only numeric predictor.
    by : str, optional
        A predictor whose values get a panel each.
    group : str, optional
        ``"NA"`` for curves of the population; a grouping factor for those of its levels, each
        curve that of another new level; None for the finest grouping factor.
    at : mapping of str to Any, optional
        Values at which to hold other predictors; by default their mean or first level.
    points : bool
        Whether to draw the data.
    xlim : (float, float), optional
        Where curves begin and end; by default with the data.
    prob : float
        Probability of the band, within which that share of the curves is at each x.
    resolution : int
        Number of points of a curve.
    ndraws : int
        How many curves to draw; the band is that of 2000.
    seed : int, optional
        Seed of the random numbers.
    ax : Axes or array of Axes, optional
        Where to draw: one for each value of `by`.

    Returns
    -------
    Axes or ndarray of Axes
        One for each panel.

    Raises
    ------
    PriorError
        If a prior is flat, so that nothing can be drawn from it.
    BrmspyError
        If an argument is not valid.

    See Also
    --------
    curves : The same after the fit.
    prior_predictive : Draws of responses from the prior.

    References
    ----------
    Gabry, J., Simpson, D., Vehtari, A., Betancourt, M. and Gelman, A. (2019). Visualization in
    Bayesian workflow. Journal of the Royal Statistical Society A, 182(2), section 3.
    https://doi.org/10.1111/rssa.12378

    Examples
    --------
    >>> from brmspy import bf, load_dataset, prior_curves
    >>> growth = bf("height ~ SSasymp(age, Asym, R0, lrc)", "R0 + lrc ~ 1",
    ...             "Asym ~ 1 + (1 | Seed)", nl=True)
    >>> axes = prior_curves(growth, load_dataset("loblolly"), xlim=(0, 40))
    >>> axes.get_xlabel(), axes.get_ylabel()
    ('age', 'height')
    """
    check_probability(prob)
    _check_counts(resolution=resolution, ndraws=ndraws)
    if xlim is not None:
        check_xlim(xlim)
    model = _model(fit, data, family, prior, default_priors)
    variables = fit.variables if isinstance(fit, Fit) else None
    count = max(_BANDED, ndraws)
    drawn = prior_draws_fit(model, count, _SEED if seed is None else seed, variables)
    columns = grid_columns(drawn)
    column = columns[chosen_input(drawn, columns, x)]
    if column.is_factor:
        raise BrmspyError(f"{column.name!r} is a factor, along which there are no curves.")
    check_by(by, column.name, columns)
    values = by_values(None if by is None else columns[by])
    level_of, notes = chosen_group(drawn, group)
    first, last = xlim or (float(column.numbers.min()), float(column.numbers.max()))
    places = np.linspace(float(first), float(last), resolution)
    curves = _curves(drawn, column.name, by, values, places, level_of, dict(at or {}))
    held = held_text(
        drawn, columns, grid(drawn, {column.name: [places[0]]}, at=at), (column.name, by)
    )
    with house_style():
        panels = axes_for(len(curves), ax, share_x=True, share_y=True)
        entries = []
        for place, part in enumerate(curves):
            entries += _draw(panels[place], places, part, prob, ndraws)
            if by is not None:
                panels.head(place, f"{by} = {values[place]}")
        y = _response(drawn)
        outside = _limit(panels, curves, y, prob)
        if points:
            for place in range(len(curves)):
                mine = _rows(columns, by, values, place, len(y))
                artist = draw_points(panels[place], column.numbers[mine], y[mine], colour=INK)
                entries.append((artist, "data"))
        panels.labels(column.name, _label(drawn))
        panels.legend(entries)
        what = f"Each curve is of a new level of {level_of}." if level_of else ""
        panels.note(
            " ".join(
                filter(
                    None,
                    [
                        f"Prior of the population at {held}." if held else "",
                        what,
                        f"Band: {percent(prob)} of the curves at each {column.name}.",
                        outside,
                        *notes,
                    ],
                )
            )
        )
    return panels.result


def _check_counts(**counts: int) -> None:
    """Refuse numbers of points and draws that are none."""
    for name, value in counts.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < 2:
            raise BrmspyError(f"{name} = {value!r} is not valid: a whole number from 2 on.")


def _model(fit: Any, data: Any, family: Any, prior: Any, default_priors: str) -> Any:
    """Return the model that is meant."""
    if not isinstance(fit, (str, Formula)):
        if not hasattr(fit, "model"):
            raise BrmspyError(
                "The first argument is a formula, with data= beside it, or a fit; not an object "
                f"of type {type(fit).__name__}."
            )
        if data is not None or prior is not None:
            raise BrmspyError(
                "A fit has data and priors of its own. For others give its formula: "
                "prior_curves(fit.formula, data, prior=...)."
            )
        return fit.model
    if data is None:
        raise BrmspyError("A formula needs data: prior_curves(formula, data).")
    return build(fit, data, family, prior, default_priors=default_priors)


def _curves(
    drawn: Fit,
    x: str,
    by: str | None,
    values: Sequence[Any],
    places: FloatArray,
    group: str,
    at: Mapping[str, Any],
) -> list[FloatArray]:
    """Return the curves of each value of `by`, shape (draw, point)."""
    crossed: dict[str, Any] = {x: list(places)}
    if by is not None:
        crossed = {by: list(values), **crossed}
    frame = grid(drawn, crossed, at=at)
    found = posterior_epred(
        drawn,
        frame,
        re_formula=effects_of(drawn, group) if group else "NA",
        allow_new_levels=True,
        sample_new_levels="gaussian",
    ).to_numpy()
    count = max(len(values), 1)
    return list(np.moveaxis(found.reshape(-1, count, len(places)), 1, 0))


def _draw(
    ax: Axes, places: FloatArray, curves: FloatArray, prob: float, ndraws: int
) -> list[tuple[Any, str]]:
    """Draw some curves, and the band and the median of all."""
    with np.errstate(invalid="ignore"):
        low, middle, high = np.nanquantile(curves, (0.5 - prob / 2, 0.5, 0.5 + prob / 2), axis=0)
    # Evenly spaced ones are as good as any: the draws are independent.
    some = curves[np.linspace(0, len(curves) - 1, ndraws).astype(int)]
    thin = spaghetti(ax, places, some, colour=BLUE, alpha=0.35)
    curve = line(ax, places, middle, bands=[(low, high)], colour=VERMILION, dash="--")
    return [(thin, "curves from the prior"), (curve, "their median")]


def _limit(panels: Panels, curves: Sequence[FloatArray], y: FloatArray, prob: float) -> str:
    """Let the picture show the bands, but not so much that the data shrink to a line."""
    first, last = float(np.min(y)), float(np.max(y))
    height = (last - first) or max(abs(last), 1.0)
    low, high = first, last
    for part in curves:
        with np.errstate(invalid="ignore"):
            ends = np.nanquantile(part, (0.5 - prob / 2, 0.5 + prob / 2), axis=0)
        low = min(low, max(float(np.nanmin(ends[0])), first - _ROOM * height))
        high = max(high, min(float(np.nanmax(ends[1])), last + _ROOM * height))
    margin = 0.04 * (high - low)
    for ax in panels:
        ax.set_ylim(low - margin, high + margin)
    total = sum(map(len, curves))
    out = sum(
        int(((part < low - margin) | (part > high + margin) | ~np.isfinite(part)).any(axis=1).sum())
        for part in curves
    )
    return f"{percent(round(out / total, 2))} of the curves leave the picture." if out else ""


def _response(drawn: Fit) -> FloatArray:
    """Return the response as the picture shows it."""
    y = np.asarray(drawn.model.response, dtype=float)
    trials = drawn.model.design.arrays.trials
    return y / trials if trials is not None and _for_one_trial(drawn) else y


def _for_one_trial(drawn: Fit) -> bool:
    """Say whether expected counts are for one trial."""
    trials = [c for c in grid_columns(drawn).values() if "trials" in c.roles]
    return len(trials) == 1 and trials[0].typical == 1


def _label(drawn: Fit) -> str:
    """Return what stands along y."""
    counts = counts_trials(drawn) and not _for_one_trial(drawn)
    return response_label(drawn) if counts else mean_label(drawn)


def _rows(
    columns: Mapping[str, GridColumn],
    by: str | None,
    values: Sequence[Any],
    place: int,
    count: int,
) -> NDArray[np.bool_]:
    """Return the rows of the data that belong to a panel: all, if `by` is a number."""
    if by is None or not columns[by].is_factor:
        return np.ones(count, dtype=bool)
    return np.asarray(columns[by].values == values[place], dtype=bool)
