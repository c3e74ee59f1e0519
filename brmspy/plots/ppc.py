"""Posterior predictive checks: whether the model makes data that look like the observed ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brmspy.drawing import axes_for, house_style
from brmspy.errors import BrmspyError, did_you_mean
from brmspy.fit import Fit
from brmspy.plots.checks import CHECKS, PIT_CHECKS, Options, draw_histograms
from brmspy.plots.pit import USABLE_K, loo_pit
from brmspy.plots.probabilities import check_probabilities
from brmspy.plots.replicated import Replicated, column_values, level_rows, replicated
from brmspy.plots.statistics import statistic
from brmspy.plots.words import counts_trials, response_levels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["pp_check"]

_HISTOGRAMS = "hist"
_TYPES = (*CHECKS, _HISTOGRAMS, *PIT_CHECKS)
_GROUPED = "_grouped"
_VERSUS_X = "_vs_x"
_FEW = 10
_MOST_GROUPS = 24

_Part = tuple[str, Any]  # title, and which rows


def pp_check(
    fit: Fit,
    type: str | None = None,  # noqa: A002  (brms' name)
    *,
    ndraws: int | None = None,
    group: Any = None,
    stat: Any = None,
    x: Any = None,
    newdata: Any = None,
    re_formula: Any = None,
    seed: int | None = None,
    prob: float = 0.5,
    prob_outer: float = 0.95,
    ax: Axes | NDArray[np.object_] | None = None,
) -> Axes | NDArray[np.object_]:
    """Compare the response with responses drawn from the model.

    If the model is good, one cannot tell them apart. After ``sample_prior="only"`` the draws are
    those of the prior, and this is a prior predictive check.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    type : str, optional
        What to compare. By default ``"dens_overlay"``; for whole numbers ``"rootogram"``, and
        ``"bars"`` if they have a highest value (two values, or successes among trials).

        - ``"dens_overlay"``, ``"ecdf_overlay"``, ``"hist"``: the distribution.
        - ``"stat"``, ``"stat_2d"``: one or two statistics of it; see `stat`.
        - ``"bars"``, ``"rootogram"``: how often each whole number occurs.
        - ``"intervals"``: each row with its predictive intervals, in their order or along `x`.
        - ``"scatter_avg"``, ``"error_scatter_avg"``: response, or its error, and the means of the
          draws, or along `x`.
        - ``"loo_pit"`` (or ``"loo_pit_overlay"``), ``"loo_pit_qq"``, ``"loo_pit_ecdf"``: where each
          response lies in the distribution that the other rows predict for it; uniform if the
          model is right.

        With ``"_grouped"`` behind, one panel for each level of `group`.
    ndraws : int, optional
        How many draws, evenly spaced; by default 10 for those types that show every draw by itself
        (the first line of the list), and all for the others.
    group : str or array-like, optional
        A column of the data, or one value for each row: compare within each of its levels.
    stat : str, callable, or two of them, optional
        For ``"stat"``, by default ``"mean"``, and for ``"stat_2d"``, by default ``"mean"`` and
        ``"sd"``. Also ``"median"``, ``"var"``, ``"min"``, ``"max"``, ``"q25"``, ``"q75"``,
        ``"prop_zero"``, or a function of an array.
    x : str or array-like, optional
        A column of the data, or one value for each row, for ``"intervals"`` and
        ``"error_scatter_avg"``.
    newdata : DataFrame, optional
        Other rows than those that the model was fitted to, with their response.
    re_formula : None, "NA" or str
        Which group-level effects take part, as for `posterior_predict`.
    seed : int, optional
        Seed of the draws; by default the fit's own.
    prob, prob_outer : float
        Probabilities of the thick and of the thin intervals.
    ax : Axes or array of Axes, optional
        Where to draw: one for each panel.

    Returns
    -------
    Axes or ndarray of Axes
        One for each panel.

    Raises
    ------
    BrmspyError
        If there is no such type, or an argument is not valid or has no meaning for the type.
    DataError
        If `newdata` do not fit the model.

    References
    ----------
    Gabry, J., Simpson, D., Vehtari, A., Betancourt, M. and Gelman, A. (2019). Visualization in
    Bayesian workflow. Journal of the Royal Statistical Society A, 182(2), 389-402.
    https://doi.org/10.1111/rssa.12378

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> fit.pp_check().get_xlabel()
    'Reaction'
    >>> fit.pp_check("stat_grouped", stat="max", group="Subject").shape
    (18,)
    """
    check_probabilities(prob=prob, prob_outer=prob_outer)
    name, grouped = _checked_type(fit, type)
    _check_meaning(fit, name, type, group, stat, x, grouped, newdata, re_formula, ndraws)
    options = Options(stat, prob, prob_outer)
    parts, note = _parts(fit, newdata, group)
    if name in PIT_CHECKS:
        return _draw_pit(fit, name, parts, note, seed, ax)
    if ndraws is None and (name == _HISTOGRAMS or CHECKS[name].few_draws):
        sizes = fit.groups["posterior"].sizes
        ndraws = min(_FEW, sizes["chain"] * sizes["draw"])
    sample = replicated(
        fit,
        newdata,
        ndraws=ndraws,
        re_formula=re_formula,
        seed=seed,
        x=x,
        levels=response_levels(fit),
    )
    if name == _HISTOGRAMS:
        return _draw_histograms(sample, ax)
    return _draw(name, sample, options, parts, note, ax)


def _draw(
    name: str, sample: Replicated, options: Options, parts: Sequence[_Part], note: str, ax: Any
) -> Any:
    """Draw a check in each part of the data."""
    check = CHECKS[name]
    with house_style():
        panels = axes_for(len(parts), ax, share_x=_shares_x(name, sample), share_y=False)
        notes: list[str] = [note]
        for place, (title, rows) in enumerate(parts):
            entries, said = check.draw(panels[place], sample.part(rows), options)
            notes.append(said if len(parts) == 1 else "")
            if title:
                panels.head(place, title)
        panels.labels(*check.labels(sample, options))
        panels.legend(entries)
        panels.note(" ".join(filter(None, notes)))
    return panels.result


def _shares_x(name: str, sample: Replicated) -> bool:
    """Say whether panels are easier to compare with the same scale along x."""
    return name not in ("stat", "stat_2d") and sample.along is None


def _draw_histograms(sample: Replicated, ax: Any) -> Any:
    """Draw histograms of the response and of each draw."""
    with house_style():
        panels = axes_for(len(sample.draws) + 1, ax, share_x=True, share_y=True)
        draw_histograms(panels, sample)
    return panels.result


def _draw_pit(
    fit: Fit, name: str, parts: Sequence[_Part], note: str, seed: int | None, ax: Any
) -> Any:
    """Draw leave-one-out probability integral transforms in each part of the data."""
    draw, across, up = PIT_CHECKS[name]
    pit = loo_pit(fit, seed)
    bad = int((pit.pareto_k > USABLE_K).sum())
    if bad:
        note = (
            f"{note} Pareto k is above {USABLE_K} for {bad} of {len(pit.values)} rows, whose "
            "values may be off."
        ).strip()
    rng = np.random.default_rng(fit.record.seed if seed is None else seed)
    with house_style():
        panels = axes_for(len(parts), ax, share_x=True)
        for place, (title, rows) in enumerate(parts):
            entries = draw(panels[place], pit.part(rows), rng)
            if title:
                panels.head(place, title)
        panels.labels(across, up)
        panels.legend(entries)
        panels.note(note)
    return panels.result


def _checked_type(fit: Fit, type_: str | None) -> tuple[str, bool]:
    """Return the type without its endings, and whether it ended in ``_grouped``."""
    if type_ is None:
        return _default_type(fit), False
    name = str(type_)
    grouped = name.endswith(_GROUPED)
    name = name.removesuffix(_GROUPED).removesuffix(_VERSUS_X)
    if name not in _TYPES:
        raise BrmspyError(f"type = {type_!r} is not known. {did_you_mean(name, _TYPES)}")
    return name, grouped


def _default_type(fit: Fit) -> str:
    """Return the type that suits the response."""
    if not fit.family.discrete:
        return "dens_overlay"
    bounded = counts_trials(fit) or fit.family.dpars[0].upper == 1.0
    return "bars" if bounded else "rootogram"


def _check_meaning(
    fit: Fit,
    name: str,
    type_: str | None,
    group: Any,
    stat: Any,
    x: Any,
    grouped: bool,
    newdata: Any,
    re_formula: Any,
    ndraws: int | None,
) -> None:
    """Refuse arguments that have no meaning for a type."""
    takes = CHECKS[name].takes if name in CHECKS else ()
    if grouped and group is None:
        raise BrmspyError(
            f"type = {type_!r} needs group=: a column of the data, such as "
            f"{str(fit.data.columns[-1])!r}, or one value for each row."
        )
    if group is not None and name == _HISTOGRAMS:
        raise BrmspyError(
            'type = "hist" has a panel for each draw, and takes no group. Use "dens_overlay".'
        )
    if str(type_).endswith(_VERSUS_X) and x is None:
        raise BrmspyError(f"type = {type_!r} needs x=: a column of the data, or its values.")
    if x is not None and "x" not in takes:
        users = [other for other, check in CHECKS.items() if "x" in check.takes]
        raise BrmspyError(f'type = "{name}" takes no x; these do: {", ".join(users)}.')
    if stat is not None and "stat" not in takes:
        raise BrmspyError(f'type = "{name}" takes no stat; these do: stat, stat_2d.')
    _check_stat(name, stat)
    if name in CHECKS and CHECKS[name].discrete and not fit.family.discrete:
        raise BrmspyError(
            f'type = "{name}" counts whole numbers, but {fit.family.name} responses are not. Use '
            '"dens_overlay" or "hist".'
        )
    given = {"newdata": newdata, "re_formula": re_formula, "ndraws": ndraws}
    if name in PIT_CHECKS:
        for argument, value in given.items():
            if value is not None:
                raise BrmspyError(
                    f'type = "{name}" takes no {argument}: it leaves out rows that the model was '
                    "fitted to, with all draws and all effects."
                )


def _check_stat(name: str, stat: Any) -> None:
    """Refuse statistics that do not exist, or another number of them than the type shows."""
    if stat is None:
        return
    several = isinstance(stat, (list, tuple))
    if name == "stat_2d":
        if not several or len(stat) != 2:
            raise BrmspyError(
                f'stat = {stat!r} is not valid: "stat_2d" shows two statistics, such as '
                '("mean", "sd").'
            )
        for item in stat:
            statistic(item)
        return
    if several:
        raise BrmspyError(f'"{name}" shows one statistic, not {len(stat)}: see "stat_2d".')
    statistic(stat)


def _parts(fit: Fit, newdata: Any, group: Any) -> tuple[list[_Part], str]:
    """Return the rows of each panel with its title, and what is said of those left out."""
    if group is None:
        return [("", slice(None))], ""
    label, values = column_values(fit, newdata, group, "group")
    parts = [(f"{label}: {level}", rows) for level, rows in level_rows(values)]
    if len(parts) <= _MOST_GROUPS:
        return parts, ""
    return parts[:_MOST_GROUPS], f"The first {_MOST_GROUPS} of {len(parts)} levels of {label}."
