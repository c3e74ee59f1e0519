"""Where a posterior and an estimate differ, and why that may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.fit import Fit
from brmspy.priors import ElementPrior
from brmspy.twin.problem import Problem
from brmspy.twin.result import FrequentistFit

__all__ = ["explain"]

FloatArray = NDArray[np.float64]

_HALF = 0.5  # standard errors: what is called a difference
_SHARE = 0.3  # of a difference, that a prior or skewness must make up to be its reason
_FAR = 2.0  # standard errors: more than the correction for estimated coefficients makes
_DENSER = 1.0  # log of a ratio of prior densities
_WIDER = 1.15  # posterior sd over standard error that is worth a sentence
_SMALL = 0.25  # of the posterior mean: an sd that was estimated as next to nothing
_GROWN = 1.15  # posterior mean of sds over their estimates that moves coefficients on other scales
_MIXED = ("lmm", "mixedlm", "mixedlm of statsmodels", "glmm", "gpboost", "nlmm")


@dataclass(frozen=True)
class _Prior:
    """A prior as it acts on the coefficients: on the sum of some of them, weighted."""

    element: ElementPrior
    weights: FloatArray


def explain(
    fit: Fit, problem: Problem, found: FrequentistFit, table: pd.DataFrame
) -> Iterator[str]:
    """Yield sentences on where both differ by more than half a standard error, and why.

    Parameters
    ----------
    fit : Fit
        The Bayesian fit.
    problem : Problem
        Its model.
    found : FrequentistFit
        Its counterpart.
    table : DataFrame
        The comparison, a row for each parameter that both have.

    Yields
    ------
    str
    """
    pulls = _pulls(fit, problem, found)
    elements = _elements(fit)
    different = table[np.abs(table["Difference"]) > _HALF]
    if different.empty:
        yield (
            f"None of the {len(table)} parameters differs by more than half a standard error "
            "(posterior mean against estimate)."
        )
    for name, row in different.iterrows():
        reasons = list(_reasons(str(name), row, fit, problem, found, pulls, elements, table))
        yield f"{name}: {_difference(row)}. {' '.join(reasons)}"
    yield from _overall(fit, problem, found, table)


def _difference(row: pd.Series[float]) -> str:
    """Say how far the posterior mean is from the estimate."""
    size = abs(row["Difference"])
    side = "above" if row["Difference"] > 0.0 else "below"
    unit = "standard errors" if np.isfinite(row["Std.Error"]) else "posterior sds"
    return f"the posterior mean is {size:.1f} {unit} {side} the estimate"


def _reasons(
    name: str,
    row: pd.Series[float],
    fit: Fit,
    problem: Problem,
    found: FrequentistFit,
    pulls: Mapping[str, float],
    elements: Mapping[str, ElementPrior],
    table: pd.DataFrame,
) -> Iterator[str]:
    """Yield the likely reasons for one parameter's difference."""
    known = False
    for sentence in (
        _noise(name, row, fit),
        _boundary(name, row, found),
        _prior(name, row, pulls, elements),
        _displaced(name, row, pulls, table),
        _marginal(name, problem, found),
        _restricted(name, row, found),
        _skewed(row),
        _spread(name, row, problem, found, table),
    ):
        if sentence:
            known = True
            yield sentence
    if not known:
        yield (
            "The posterior mean averages over what is not known of the other parameters; the "
            "estimate is where the likelihood is highest."
        )


def _noise(name: str, row: pd.Series[float], fit: Fit) -> str:
    """Say that the difference may be Monte Carlo error."""
    if name not in fit.diagnostics.index:
        return ""
    size = float(fit.diagnostics["Bulk_ESS"].loc[name])
    if not np.isfinite(size) or size <= 0.0:
        return ""
    error = row["SD"] / np.sqrt(size)
    if abs(row["Mean"] - row["Estimate"]) > 3.0 * error:
        return ""
    return "This is within the Monte Carlo error of the draws: draw more."


def _boundary(name: str, row: pd.Series[float], found: FrequentistFit) -> str:
    """Say that the estimate is on the boundary."""
    if name in found.singular and name.startswith("cor_"):
        return "The correlation is estimated on the boundary, where no posterior mean can be."
    small = name.startswith("sd_") and row["Estimate"] < _SMALL * row["Mean"]
    if not (name in found.singular or small):
        return ""
    return (
        "The standard deviation is estimated on or next to its boundary, zero; the posterior "
        "averages over all values that the data allow, which are all above it."
    )


def _prior(
    name: str,
    row: pd.Series[float],
    pulls: Mapping[str, float],
    elements: Mapping[str, ElementPrior],
) -> str:
    """Say that the prior pulls, if it does so by a good part of the difference."""
    difference = row["Mean"] - row["Estimate"]
    element = elements.get(name)
    if element is not None and element.distribution == "constant":
        return f"It is fixed by its prior, {element.text}."
    pull = pulls.get(name, 0.0)
    if element is not None and not element.lower <= row["Estimate"] <= element.upper:
        return (
            f"The estimate lies outside the bounds of its prior, {element.text} between "
            f"{element.lower:g} and {element.upper:g}."
        )
    if not np.isfinite(pull) or pull * difference <= 0.0 or abs(pull) < _SHARE * abs(difference):
        return _denser(row, element)
    scale = row["Std.Error"] if np.isfinite(row["Std.Error"]) else row["SD"]
    own = element is not None and element.distribution != "flat"
    whose = f"Its prior, {element.text}," if own and element is not None else "The priors"
    verb = "pulls" if own else "pull"
    return f"{whose} {verb} it there: alone by about {abs(pull) / scale:.1f} standard errors."


def _denser(row: pd.Series[float], element: ElementPrior | None) -> str:
    """Say that the prior is much denser at the posterior mean, where the first order fails."""
    if element is None or element.distribution in ("flat", "constant", "lkj"):
        return ""
    with np.errstate(all="ignore"):
        there, here = element.log_density(np.array([row["Mean"], row["Estimate"]]))
    gain = float(there - here)
    if not gain > _DENSER:
        return ""
    times = f"{np.exp(gain):.2g}" if gain < np.log(1e4) else "over 10,000"
    return f"Its prior, {element.text}, is {times} times as dense there as at the estimate."


def _displaced(
    name: str, row: pd.Series[float], pulls: Mapping[str, float], table: pd.DataFrame
) -> str:
    """Say that spreads make up for coefficients that priors hold elsewhere."""
    spread = name.startswith("sd_") or name == "sigma"
    if not spread or row["Mean"] < row["Estimate"]:
        return ""
    errors = table["Std.Error"].to_dict()
    moved = [
        other
        for other in pulls
        if other.startswith("b_")
        and abs(table["Difference"].to_dict().get(other, 0.0)) > 1.0
        and abs(pulls[other]) > _HALF * errors.get(other, np.inf)
    ]
    if not moved:
        return ""
    return f"It makes up for {' and '.join(moved)}, which priors hold away from the estimate."


def _marginal(name: str, problem: Problem, found: FrequentistFit) -> str:
    """Say that coefficients of the average are not those of a typical group."""
    averaged = bool(problem.design.groups) and not found.group_sds
    if not averaged or not name.startswith("b_") or found.method == "table":
        return ""
    link = problem.family.link.name
    if link == "identity" or (link == "log" and name != "b_Intercept"):
        return (
            "The frequentist fit has no effects of groups and weighs rows otherwise: differences "
            "between groups move its estimate, where the multilevel model looks within groups."
        )
    text = "is the log of the average over groups" if link == "log" else "is nearer to zero"
    return (
        "The frequentist fit estimates the average over all groups, the multilevel model a typical "
        f"group: on the {link} scale the former {text}."
    )


def _restricted(name: str, row: pd.Series[float], found: FrequentistFit) -> str:
    """Say that maximum likelihood makes standard deviations too small."""
    below = row["Estimate"] < row["Mean"]
    if found.reml or not below or found.method not in _MIXED or not name.startswith("sd_"):
        return ""
    if row["Difference"] > _FAR:
        return ""
    return (
        "Maximum likelihood takes the coefficients for known and its standard deviations come out "
        "too small; reml=True takes them for estimated."
    )


def _skewed(row: pd.Series[float]) -> str:
    """Say that the posterior is skewed."""
    difference = row["Mean"] - row["Estimate"]
    lean = row["Mean"] - row["Median"]
    if lean * difference <= 0.0 or abs(lean) < 0.5 * _SHARE * abs(difference):
        return ""
    side = "right" if lean > 0.0 else "left"
    return (
        f"The posterior is skewed to the {side}: its median is {row['Median']:.4g}, between its "
        f"mean and the {'lower' if lean > 0 else 'higher'} value at which it peaks."
    )


def _spread(
    name: str, row: pd.Series[float], problem: Problem, found: FrequentistFit, table: pd.DataFrame
) -> str:
    """Say that coefficients grow with the standard deviations of the effects."""
    sds = table[[str(item).startswith("sd_") for item in table.index]]
    if not name.startswith("b_") or sds.empty or problem.family.link.name == "identity":
        return ""
    outward = (row["Mean"] - row["Estimate"]) * row["Estimate"] > 0.0
    if not outward or sds["Mean"].sum() < _GROWN * sds["Estimate"].sum():
        return ""
    return (
        f"On the {problem.family.link.name} scale coefficients grow with the standard deviations "
        "of the effects, which the posterior puts higher."
    )


def _overall(
    fit: Fit, problem: Problem, found: FrequentistFit, table: pd.DataFrame
) -> Iterator[str]:
    """Yield what holds for the whole comparison."""
    coefficients = table[[str(name).startswith("b_") for name in table.index]]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (coefficients["SD"] / coefficients["Std.Error"]).to_numpy()
    wide = ratio > _WIDER
    if wide.any() and problem.design.groups and found.method in _MIXED:
        yield (
            f"Posterior sds of {int(wide.sum())} of {len(ratio)} coefficients are larger than "
            f"standard errors, by up to {100.0 * (float(np.nanmax(ratio)) - 1.0):.0f} %: standard "
            "errors take the standard deviations of the effects for known, the posterior does not."
        )
    if found.singular:
        yield (
            f"The frequentist fit is singular ({', '.join(found.singular)}): its standard errors "
            "and those of the coefficients are too small."
        )
    yield _ignored(fit)
    if found.message:
        yield f"Of the frequentist fit: {found.message}"
    problems = [finding for finding in fit.findings if not finding.said_by_sampler]
    if fit.findings:
        yield (
            f"The draws have {len(fit.findings)} problem{'s' * (len(fit.findings) > 1)}, such as: "
            f"{(problems or list(fit.findings))[0]!s} See fit.check()."
        )


def _ignored(fit: Fit) -> str:
    """Say which priors are ignored."""
    elements = _elements(fit)
    proper = [name for name, item in elements.items() if item.distribution != "flat"]
    user = {row.source for priors in fit.model.priors.blocks for row in priors.rows} & {"user"}
    fixed = [name for name, item in elements.items() if item.distribution == "constant"]
    text = (
        f"The frequentist fit ignores all priors: {len(proper)} of {len(elements)} parameters have "
        f"one that is not flat{', some of them yours' if user else ', by default'}."
    )
    if fixed:
        text += f" It estimates what constant() fixes: {', '.join(fixed)}."
    return text


def _elements(fit: Fit) -> dict[str, ElementPrior]:
    """Return the priors by name of the parameter."""
    found: dict[str, ElementPrior] = {}
    for priors in fit.model.priors.blocks:
        for name, element in zip(priors.block.names, priors.elements, strict=False):
            found[name] = element
    return found


def _pulls(fit: Fit, problem: Problem, found: FrequentistFit) -> dict[str, float]:
    """Return how far priors move each estimate, to first order.

    The log posterior is the log likelihood, quadratic around the estimates, plus the log prior,
    which is replaced by its slope and curvature there.
    """
    names = [name for name in problem.coefficient_names if name in found.vcov.index]
    elements = _elements(fit)
    pulls = _spread_pulls(found, elements)
    if not names:
        return pulls
    covariance = found.vcov.loc[names, names].to_numpy(dtype=float)
    if not np.isfinite(covariance).all():
        covariance = np.diag(np.diagonal(covariance))
    if not np.isfinite(covariance).all() or np.any(np.diagonal(covariance) <= 0.0):
        return pulls
    estimates = found.table.loc[names, "Estimate"].to_numpy(dtype=float)
    precision = np.linalg.pinv(covariance)
    slope = np.zeros(len(names))
    for prior in _coefficient_priors(problem, names, elements):
        spread = float(np.sqrt(prior.weights @ covariance @ prior.weights))
        first, second = _slopes(prior.element, float(prior.weights @ estimates), spread)
        slope += first * prior.weights
        precision += max(-second, 0.0) * np.outer(prior.weights, prior.weights)
    moves = np.linalg.solve(precision, slope)
    return pulls | dict(zip(names, map(float, moves), strict=True))


def _spread_pulls(found: FrequentistFit, elements: Mapping[str, ElementPrior]) -> dict[str, float]:
    """Return how far priors move standard deviations and the family's parameters."""
    pulls = {}
    for name, row in found.table.iterrows():
        element = elements.get(str(name))
        if str(name).startswith("b_") or element is None or not np.isfinite(row["Std.Error"]):
            continue
        error = float(row["Std.Error"])
        first, second = _slopes(element, float(row["Estimate"]), error)
        pulls[str(name)] = first / (1.0 / error**2 + max(-second, 0.0))
    return pulls


def _coefficient_priors(
    problem: Problem, names: list[str], elements: Mapping[str, ElementPrior]
) -> Iterator[_Prior]:
    """Yield the priors of the coefficients, those of centred intercepts at the columns' means."""
    for predictor, variable in problem.coefficients:
        info = problem.design.predictors[predictor]
        own = [str(name) for name in variable.brms.flat]
        for place, name in enumerate(own):
            weights = np.zeros(len(names))
            element = elements.get(name)
            if place == 0 and info.has_intercept and element is None:
                element = elements.get(name.replace("b_", "", 1)) or elements.get(
                    "Intercept" if predictor == "mu" else f"Intercept_{predictor}"
                )
                for other, mean in zip(own, info.means, strict=True):
                    if other in names:
                        weights[names.index(other)] = mean
            if element is None or name not in names:
                continue
            weights[names.index(name)] = 1.0
            yield _Prior(element, weights)


def _slopes(element: ElementPrior, value: float, spread: float) -> tuple[float, float]:
    """Return slope and curvature of a log prior density, from a tenth of an error around a value.

    Zero where the density is flat or not defined.
    """
    if element.distribution in ("flat", "constant") or not spread > 0.0:
        return 0.0, 0.0
    step = 0.1 * spread
    inside = float(np.clip(value, element.lower + step, element.upper - step))
    with np.errstate(all="ignore"):
        below, at, above = element.log_density(np.array([inside - step, inside, inside + step]))
    first, second = (above - below) / (2.0 * step), (above - 2.0 * at + below) / step**2
    if not np.isfinite(first) or not np.isfinite(second):
        return 0.0, 0.0
    return float(first), float(second)
