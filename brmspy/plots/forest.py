"""Intervals of parameters, one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brmspy.drawing import GREY, axes_for, categories, house_style, intervals
from brmspy.errors import BrmspyError, did_you_mean
from brmspy.fit import Fit
from brmspy.plots.pairs import plot_pairs
from brmspy.plots.parameters import Parameter, chosen_parameters, limited
from brmspy.plots.probabilities import check_probabilities, interval_words
from brmspy.plots.trace import plot_rank, plot_trace

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = ["mcmc_plot", "plot_intervals"]

_MOST = 60
_TYPES = ("intervals", "trace", "dens_overlay", "combo", "rank_overlay", "pairs")


def plot_intervals(
    fit: Fit,
    variables: str | Sequence[str] | None = None,
    *,
    prob: float = 0.5,
    prob_outer: float = 0.95,
    point_est: str = "median",
    ax: Axes | NDArray[np.object_] | None = None,
) -> Axes | NDArray[np.object_]:
    """Show estimates and intervals of parameters as a forest.

    Parameters of one kind share a scale; intercepts have their own.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    variables : str or sequence of str, optional
        Parameters (``"b_Days"``) or variables (``"r_Subject"``). By default all but the effects of
        the groups' levels. The first 60 are shown.
    prob, prob_outer : float
        Probabilities of the thick and of the thin interval.
    point_est : {"median", "mean"}
        What the dot is.
    ax : Axes or array of Axes, optional
        Where to draw: one for all parameters, or one for each panel.

    Returns
    -------
    Axes or ndarray of Axes
        One for each kind of parameters.

    Raises
    ------
    BrmspyError
        If there is no such parameter, or another argument is not valid.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> axes = fit.plot_intervals("sd_Subject")
    >>> [label.get_text() for label in axes.get_yticklabels()]
    ['sd_Subject__Intercept', 'sd_Subject__Days']
    """
    check_probabilities(prob=prob, prob_outer=prob_outer)
    if point_est not in ("median", "mean"):
        raise BrmspyError(f"point_est = {point_est!r} is not valid: it is 'median' or 'mean'.")
    found, note = limited(chosen_parameters(fit, variables), _MOST)
    single = ax is not None and not isinstance(ax, (list, tuple, np.ndarray))
    kinds = [found] if single else _kinds(found)
    sizes = [len(kind) + 1.6 for kind in kinds]
    with house_style():
        panels = axes_for(
            len(kinds), ax, columns=1, height=0.7 + 0.27 * sum(sizes), row_heights=sizes
        )
        for place, kind in zip(panels, kinds, strict=True):
            dots = _draw(place, kind, prob, prob_outer, point_est)
        panels.legend([(dots, f"{point_est}, {interval_words(prob, prob_outer)}")])
        panels.note(note)
    return panels.result


def mcmc_plot(
    fit: Fit,
    type: str = "intervals",  # noqa: A002  (brms' name)
    variables: str | Sequence[str] | None = None,
    *,
    ax: Any = None,
    **options: Any,
) -> Axes | NDArray[np.object_]:
    """Show the draws of parameters in one of several ways, by brms' names.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    type : str
        ``"intervals"`` (see `plot_intervals`), ``"trace"``, ``"dens_overlay"`` or both as
        ``"combo"`` (`plot_trace`), ``"rank_overlay"`` (`plot_rank`), ``"pairs"`` (`plot_pairs`).
    variables : str or sequence of str, optional
        Parameters (``"b_Days"``) or variables (``"b"``).
    ax : Axes or array of Axes, optional
        Where to draw.
    **options
        Other arguments of the function.

    Returns
    -------
    Axes or ndarray of Axes

    Raises
    ------
    BrmspyError
        If there is no such type, or its function refuses the arguments.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> fit.mcmc_plot("rank_overlay", "b_Days").get_title(loc="left")
    'b_Days'
    """
    if type == "intervals":
        return plot_intervals(fit, variables, ax=ax, **options)
    if type == "rank_overlay":
        return plot_rank(fit, variables, ax=ax, **options)
    if type == "pairs":
        return plot_pairs(fit, variables, ax=ax, **options)
    items = {"trace": "trace", "dens_overlay": "dens", "combo": ("dens", "trace")}
    if type not in items:
        raise BrmspyError(f"type = {type!r} is not known. {did_you_mean(str(type), _TYPES)}")
    return plot_trace(fit, variables, combo=items[type], ax=ax, **options)


def _kinds(parameters: Sequence[Parameter]) -> list[list[Parameter]]:
    """Split parameters by variable, and intercepts from coefficients, in their order."""

    def kind(parameter: Parameter) -> tuple[str, bool]:
        name = parameter.name if parameter.variable is None else parameter.variable.name
        intercept = parameter.section == "population" and parameter.name.endswith("_Intercept")
        return name, intercept

    return [list(members) for _, members in groupby(parameters, kind)]


def _draw(
    ax: Axes, parameters: Sequence[Parameter], prob: float, prob_outer: float, point_est: str
) -> Artist:
    """Draw the intervals of some parameters; return the dots."""
    draws = np.stack([parameter.draws.reshape(-1) for parameter in parameters])
    tails = [(1 - prob) / 2, (1 + prob) / 2, (1 - prob_outer) / 2, (1 + prob_outer) / 2]
    low, high, lowest, highest = np.quantile(draws, tails, axis=1)
    centre = draws.mean(axis=1) if point_est == "mean" else np.median(draws, axis=1)
    dots = intervals(
        ax,
        np.arange(len(draws)),
        centre,
        outer=(lowest, highest),
        inner=(low, high),
        horizontal=True,
    )
    categories(ax, [parameter.name for parameter in parameters], "y")
    start, end = ax.get_xlim()
    if start < 0.0 < end and any(parameter.lower < 0.0 for parameter in parameters):
        ax.axvline(0.0, color=GREY, linestyle=":", linewidth=1.0, zorder=1.2)
    return dots
