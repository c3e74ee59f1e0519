"""How far the coefficients of levels are drawn towards the population, in both worlds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.data import GroupCoef
from brmspy.errors import BrmspyError
from brmspy.fit import Fit
from brmspy.predict import own_effects
from brmspy.program import coefficient_variable, group_members
from brmspy.twin.dispatch import Request, solve
from brmspy.twin.problem import Problem
from brmspy.twin.result import FrequentistFit

__all__ = ["complete_pooling", "shrinkage_table", "shrinkage_words"]

FloatArray = NDArray[np.float64]


def complete_pooling(problem: Problem, point: FloatArray) -> FrequentistFit | None:
    """Fit the model without its group-level effects.

    Parameters
    ----------
    problem : Problem
        The model.
    point : ndarray, shape (size,)
        Coefficients that are a good start.

    Returns
    -------
    FrequentistFit or None
        None if there is no such fit.
    """
    try:
        return FrequentistFit.of(solve(problem.pooled(), Request(point=point)))
    except BrmspyError:
        # Without group-level effects the data may not determine the coefficients.
        return None


def shrinkage_table(
    fit: Fit, problem: Problem, found: FrequentistFit, pooled: FrequentistFit | None
) -> pd.DataFrame:
    """Return the coefficients of the levels from no pooling to complete pooling.

    Parameters
    ----------
    fit : Fit
        The Bayesian fit.
    problem : Problem
        Its model.
    found : FrequentistFit
        Its counterpart.
    pooled : FrequentistFit or None
        The model without group-level effects.

    Returns
    -------
    DataFrame
        See `FrequentistComparison`.
    """
    own = _own(problem, found)
    rows = [
        row
        for group, members in group_members(problem.design.groups).items()
        for place, (block, position) in enumerate(members)
        for row in _rows(
            fit,
            problem,
            found,
            pooled,
            group,
            place,
            problem.design.groups[block].coefs[position],
            own[group][:, place],
        )
    ]
    columns = [
        "group",
        "level",
        "coef",
        "rows",
        "no_pooling",
        "frequentist",
        "posterior_mean",
        "posterior_sd",
        "population",
        "posterior_population",
        "complete_pooling",
    ]
    return pd.DataFrame(rows, columns=columns)


def _own(problem: Problem, found: FrequentistFit) -> Mapping[str, FloatArray]:
    """Return what the rows of each level say by themselves, at the estimates of the others."""
    point = _point(problem, found)
    missing = {
        group: np.full((len(problem.design.groups[members[0][0]].levels), len(members)), np.nan)
        for group, members in group_members(problem.design.groups).items()
    }
    if point is None:
        return missing
    return {
        group: own_effects(problem.design, problem.family, problem.response, point, group)
        for group in missing
    }


def _point(problem: Problem, found: FrequentistFit) -> dict[str, FloatArray] | None:
    """Return the estimates by variable; None if one of them is not known."""
    estimates = found.table["Estimate"].to_dict()
    effects = {
        (group, level, coef): value
        for group, level, coef, value in zip(
            found.ranef["group"],
            found.ranef["level"],
            found.ranef["coef"],
            found.ranef["Estimate"],
            strict=True,
        )
    }
    point: dict[str, FloatArray] = {}
    for variable in problem.variables:
        names = [str(name) for name in variable.brms.flat]
        if variable.section == "group_effects":
            members = group_members(problem.design.groups)[variable.group]
            info = problem.design.groups[members[0][0]]
            coefs = [problem.design.groups[b].coefs[i].brms_label for b, i in members]
            values = [
                effects.get((variable.group, level, coef), 0.0)
                for level in info.levels
                for coef in coefs
            ]
        elif variable.section == "group_sd":
            # Only the scale of a search: anything will do where it is not known.
            values = [estimates.get(name, 1.0) for name in names]
        elif variable.section == "group_cor":
            values = [0.0 for _ in names]
        else:
            values = [estimates.get(name, np.nan) for name in names]
        array = np.asarray(values, dtype=float).reshape(variable.shape)
        if not np.all(np.isfinite(array)):
            return None
        point[variable.name] = array
    return point


def _rows(
    fit: Fit,
    problem: Problem,
    found: FrequentistFit,
    pooled: FrequentistFit | None,
    group: str,
    place: int,
    coef: GroupCoef,
    own: FloatArray,
) -> Iterator[tuple[object, ...]]:
    """Yield the levels of one coefficient."""
    block = group_members(problem.design.groups)[group][place][0]
    info, index = problem.design.groups[block], problem.design.arrays.groups[block].index
    counts = np.bincount(index, minlength=len(info.levels))
    name = _population_name(problem, coef)
    shared = 0.0 if name is None else _estimate(found, name)
    together = _estimate(pooled, name) if pooled is not None and name is not None else np.nan
    modes = found.ranef[(found.ranef["group"] == group) & (found.ranef["coef"] == coef.brms_label)]
    by_level = dict(zip(modes["level"], modes["Estimate"], strict=True))
    draws = fit.groups["posterior"][f"r_{group}"].to_numpy()[..., place]
    draws = draws.reshape(-1, len(info.levels))
    middle = np.zeros((1, 1)) if name is None else fit[name].to_numpy().reshape(-1, 1)
    draws = draws + middle
    for row, level in enumerate(info.levels):
        yield (
            group,
            level,
            coef.brms_label,
            int(counts[row]),
            shared + float(own[row]),
            shared + float(by_level.get(level, np.nan)),
            float(draws[:, row].mean()),
            float(draws[:, row].std(ddof=1)),
            shared,
            float(middle.mean()),
            together,
        )


def _estimate(found: FrequentistFit, name: str) -> float:
    """Return an estimate, NaN if there is none of this name."""
    table = found.table
    return float(table["Estimate"].loc[name]) if name in table.index else np.nan


def _population_name(problem: Problem, coef: GroupCoef) -> str | None:
    """Return brms' name of the population's coefficient that varies; None if there is none."""
    coefs = problem.design.predictors[coef.predictor].coefs
    if coef.name not in coefs:
        return None
    wanted = coefficient_variable(coef.predictor)
    variable = next(v for _, v in problem.coefficients if v.name == wanted)
    return str(variable.brms.reshape(-1)[coefs.index(coef.name)])


def shrinkage_words(table: pd.DataFrame) -> list[str]:
    """Say how far effects are drawn towards the population, compared with no pooling.

    Parameters
    ----------
    table : DataFrame
        What `shrinkage_table` returned.

    Returns
    -------
    list of str
        A sentence for each coefficient that varies.
    """
    sentences = []
    for (group, coef), part in table.groupby(["group", "coef"], sort=False):
        known = part["no_pooling"].notna().to_numpy()
        if known.sum() < 2:
            continue
        shares = []
        for column, centre, words in (
            ("frequentist", "population", "in the frequentist fit"),
            ("posterior_mean", "posterior_population", "in the posterior"),
        ):
            own = (part["no_pooling"] - part[centre]).to_numpy()[known]
            effects = (part[column] - part[centre]).to_numpy()[known]
            if np.isfinite(effects).all() and np.any(own):
                share = 1.0 - float(effects @ own) / float(own @ own)
                shares.append(f"{100.0 * share:.0f} % {words}")
        if shares:
            sentences.append(
                f"{coef} by {group}: compared with no pooling, levels are drawn towards the "
                f"population by {' and '.join(shares)}."
            )
    return sentences
