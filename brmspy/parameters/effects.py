"""Coefficients: of the population, of the levels of groups, and both together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.errors import BrmspyError, did_you_mean
from brmspy.fit import Fit
from brmspy.parameters.draws import (
    Coefficient,
    GroupDraws,
    chosen_groups,
    labels_of,
    names_of,
    population_draws,
)
from brmspy.parameters.tables import summary_of, table_of

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["coef", "fixef", "ranef"]

FloatArray = NDArray[np.float64]


@overload
def fixef(
    fit: Fit,
    *,
    summary: Literal[True] = ...,
    prob: float = ...,
    robust: bool = ...,
    pars: str | Sequence[str] | None = ...,
) -> pd.DataFrame: ...
@overload
def fixef(
    fit: Fit,
    *,
    summary: Literal[False],
    prob: float = ...,
    robust: bool = ...,
    pars: str | Sequence[str] | None = ...,
) -> xr.DataArray: ...
def fixef(
    fit: Fit,
    *,
    summary: bool = True,
    prob: float = 0.95,
    robust: bool = False,
    pars: str | Sequence[str] | None = None,
) -> pd.DataFrame | xr.DataArray:
    """Return the population-level coefficients ("fixed effects").

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    summary : bool
        Whether to summarise the draws.
    prob : float
        Probability of the central interval.
    robust : bool
        Use the median and the scaled median absolute deviation for the mean and the standard
        deviation.
    pars : str or sequence of str, optional
        Only these coefficients, by the names of the result.

    Returns
    -------
    DataFrame or xarray.DataArray
        Indexed by brms' names of the coefficients: ``Days``, ``sigma_Days`` of a distributional
        and ``Asym_Intercept`` of a non-linear parameter. Columns Estimate, Est.Error, and the
        interval's ends, such as Q2.5 and Q97.5. Without `summary` the draws, dimensions (chain,
        draw, coef).

    Raises
    ------
    BrmspyError
        If there are no such coefficients, or `prob` is no probability.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> fit.fixef().round(0)
               Estimate  Est.Error   Q2.5  Q97.5
    coef
    Intercept     251.0        7.0  237.0  266.0
    Days           10.0        2.0    7.0   14.0
    """
    coefs, draws = population_draws(fit)
    names = labels_of(coefs)
    if not names:
        raise BrmspyError("The model has no population-level coefficients.")
    if pars is not None:
        wanted = names_of("pars", pars)
        for name in wanted:
            if name not in names:
                raise BrmspyError(
                    f"pars: there is no population-level coefficient {name!r}. "
                    f"{did_you_mean(str(name), names)}"
                )
        draws, names = draws[..., [names.index(name) for name in wanted]], wanted
    if not summary:
        return _labelled("fixef", draws, coef=names)
    return summary_of(draws, prob, robust).set_index(pd.Index(names, dtype=object, name="coef"))


@overload
def ranef(
    fit: Fit,
    *,
    summary: Literal[True] = ...,
    prob: float = ...,
    robust: bool = ...,
    groups: str | Sequence[str] | None = ...,
) -> pd.DataFrame: ...
@overload
def ranef(
    fit: Fit,
    *,
    summary: Literal[False],
    prob: float = ...,
    robust: bool = ...,
    groups: str | Sequence[str] | None = ...,
) -> dict[str, xr.DataArray]: ...
def ranef(
    fit: Fit,
    *,
    summary: bool = True,
    prob: float = 0.95,
    robust: bool = False,
    groups: str | Sequence[str] | None = None,
) -> pd.DataFrame | dict[str, xr.DataArray]:
    """Return the effects of the groups' levels ("random effects"): how each differs from the whole.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    summary : bool
        Whether to summarise the draws.
    prob : float
        Probability of the central interval.
    robust : bool
        Use the median and the scaled median absolute deviation for the mean and the standard
        deviation.
    groups : str or sequence of str, optional
        Only these grouping factors.

    Returns
    -------
    DataFrame or dict of str to xarray.DataArray
        One row for each level and coefficient. Columns group, level, coef (brms' name), Estimate,
        Est.Error, and the interval's ends, such as Q2.5 and Q97.5. Without `summary` the draws by
        grouping factor, dimensions (chain, draw, level, coef).

    Raises
    ------
    BrmspyError
        If there is no such grouping factor, there are no group-level effects, or `prob` is no
        probability.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> table = fit.ranef()
    >>> table.columns.tolist()
    ['group', 'level', 'coef', 'Estimate', 'Est.Error', 'Q2.5', 'Q97.5']
    >>> table[table["coef"] == "Days"].nsmallest(1, "Estimate")["level"].item()
    '335'
    >>> fit.ranef(summary=False)["Subject"].sel(level="308", coef="Days").dims
    ('chain', 'draw')
    """
    found = chosen_groups(fit, groups)
    if not summary:
        return {
            group.group: _labelled(
                f"r_{group.group}", group.effects, level=group.levels, coef=labels_of(group.coefs)
            )
            for group in found
        }
    return pd.concat(
        [
            _level_table(group, group.coefs, _columns(group.effects), prob, robust)
            for group in found
        ],
        ignore_index=True,
    )


@overload
def coef(
    fit: Fit,
    *,
    summary: Literal[True] = ...,
    prob: float = ...,
    robust: bool = ...,
    groups: str | Sequence[str] | None = ...,
) -> pd.DataFrame: ...
@overload
def coef(
    fit: Fit,
    *,
    summary: Literal[False],
    prob: float = ...,
    robust: bool = ...,
    groups: str | Sequence[str] | None = ...,
) -> dict[str, xr.DataArray]: ...
def coef(
    fit: Fit,
    *,
    summary: bool = True,
    prob: float = 0.95,
    robust: bool = False,
    groups: str | Sequence[str] | None = None,
) -> pd.DataFrame | dict[str, xr.DataArray]:
    """Return the coefficients of each level: those of the population plus the level's effects.

    A coefficient that does not vary between the levels is the same for all of them; one that varies
    around zero, without a population-level counterpart, is the effect alone. With several grouping
    factors each is added on its own.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    summary : bool
        Whether to summarise the draws.
    prob : float
        Probability of the central interval.
    robust : bool
        Use the median and the scaled median absolute deviation for the mean and the standard
        deviation.
    groups : str or sequence of str, optional
        Only these grouping factors.

    Returns
    -------
    DataFrame or dict of str to xarray.DataArray
        One row for each level and coefficient, of every predicted parameter. Columns group, level,
        coef (brms' name), Estimate, Est.Error, and the interval's ends, such as Q2.5 and Q97.5.
        Without `summary` the draws by grouping factor, dimensions (chain, draw, level, coef).

    Raises
    ------
    BrmspyError
        If there is no such grouping factor, there are no group-level effects, or `prob` is no
        probability.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> lines = fit.coef().pivot(index="level", columns="coef", values="Estimate")
    >>> lines.loc["337"].round(-1).to_dict()
    {'Days': 20.0, 'Intercept': 290.0}
    """
    fixed, population = population_draws(fit)
    draws: dict[str, xr.DataArray] = {}
    tables = []
    for group in chosen_groups(fit, groups):
        coefs = (*fixed, *(item for item in group.coefs if item not in fixed))
        column = _sums(fixed, population, group, coefs)
        if summary:
            tables.append(_level_table(group, coefs, column, prob, robust))
        else:
            values = np.stack([column(place) for place in range(len(coefs))], axis=-1)
            draws[group.group] = _labelled(
                f"coef_{group.group}", values, level=group.levels, coef=labels_of(coefs)
            )
    return pd.concat(tables, ignore_index=True) if summary else draws


def _sums(
    fixed: Sequence[Coefficient],
    population: FloatArray,
    group: GroupDraws,
    coefs: Sequence[Coefficient],
) -> Callable[[int], FloatArray]:
    """Return a function to the draws (chain, draw, level) of a coefficient in every level."""
    zero = np.zeros((*population.shape[:2], len(group.levels)))

    def column(place: int) -> FloatArray:
        item, total = coefs[place], zero
        if item in fixed:
            total = total + population[..., fixed.index(item), None]
        if item in group.coefs:
            total = total + group.effects[..., group.coefs.index(item)]
        return total

    return column


def _columns(effects: FloatArray) -> Callable[[int], FloatArray]:
    """Return a function to the draws (chain, draw, level) of a coefficient."""
    return lambda place: effects[..., place]


def _level_table(
    group: GroupDraws,
    coefs: Sequence[Coefficient],
    column: Callable[[int], FloatArray],
    prob: float,
    robust: bool,
) -> pd.DataFrame:
    """Summarise one coefficient after the other, so that never all draws are copied at once."""
    summaries = [summary_of(column(place), prob, robust) for place in range(len(coefs))]
    numbers = np.stack([summary.to_numpy() for summary in summaries], axis=1)
    levels, names = list(group.levels), labels_of(coefs)
    labels = {
        "group": [group.group] * (len(levels) * len(names)),
        "level": [level for level in levels for _ in names],
        "coef": names * len(levels),
    }
    flat = numbers.reshape(len(levels) * len(names), -1)
    return table_of(labels, pd.DataFrame(flat, columns=summaries[0].columns))


def _labelled(name: str, draws: FloatArray, **labels: Sequence[str]) -> xr.DataArray:
    """Return draws (chain, draw, ...) with labels along their last dimensions."""
    import xarray as xr

    coords = {dim: np.array(list(values), dtype=object) for dim, values in labels.items()}
    chains, length = draws.shape[:2]
    return xr.DataArray(
        draws,
        dims=("chain", "draw", *labels),
        coords={"chain": np.arange(chains), "draw": np.arange(length), **coords},
        name=name,
    )
