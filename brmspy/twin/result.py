"""A model fitted by maximum likelihood, with the names of the Bayesian fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from brmspy.fit.variables import NameTable, Variable
from brmspy.markup import (
    Table,
    block,
    decimals_for,
    field_lines,
    fields,
    number,
    paragraph,
    warning,
    wrapped,
)
from brmspy.predict import check_probability
from brmspy.program import correlated_pairs, group_members
from brmspy.twin.estimate import MixedEstimate
from brmspy.twin.problem import Problem
from brmspy.twin.solution import Solution

__all__ = ["FrequentistFit"]

FloatArray = NDArray[np.float64]

_SECTIONS = ("population", "group_sd", "group_cor", "family")
_RANEF = ("group", "level", "coef", "Estimate", "Std.Error")
_VARCOMP = ("group", "kind", "coef", "coef2")
_RESIDUAL = "residual__"
_BOUNDARY = 1e-6
_UNCERTAIN = 1.0  # error of the log of a standard deviation: more, and zero is not excluded


@dataclass(frozen=True)
class Parameter:
    """An estimated parameter.

    Attributes
    ----------
    section : str
        ``"population"``, ``"group_sd"``, ``"group_cor"`` or ``"family"``.
    estimate, error : float
        Estimate and standard error, NaN where there is none.
    labels : tuple of str
        Group, kind, and coefficients, as in `FrequentistFit.varcomp`; empty for coefficients.
    """

    section: str
    estimate: float
    error: float
    labels: tuple[str, ...] = ()

    @property
    def scale_error(self) -> float:
        """Standard error where the estimate is about normal: of the log of an sd, or Fisher's z."""
        if self.section == "population":
            return self.error
        if self.section == "group_cor":
            return self.error / max(1.0 - self.estimate**2, 1e-300)
        return self.error / self.estimate if self.estimate > 0.0 else np.nan

    def interval(self, quantile: float) -> tuple[float, float]:
        """Return Wald's interval on that scale, carried back."""
        reach = quantile * self.scale_error
        if self.section == "population":
            return self.estimate - reach, self.estimate + reach
        if self.section == "group_cor":
            if not np.isfinite(reach):
                return np.nan, np.nan
            z = float(np.arctanh(self.estimate))
            return float(np.tanh(z - reach)), float(np.tanh(z + reach))
        if not self.scale_error < _UNCERTAIN:
            # Known to be small, but not how small.
            return (0.0, self.estimate + quantile * self.error) if reach > 0.0 else (np.nan,) * 2
        with np.errstate(over="ignore"):
            return self.estimate * float(np.exp(-reach)), self.estimate * float(np.exp(reach))


@dataclass(frozen=True, eq=False, repr=False)
class FrequentistFit:
    """A model fitted by maximum likelihood; printing it shows a summary.

    Parameters have the names of ``fit.summary()``, so that tables line up.

    Attributes
    ----------
    formula : str
        The formula.
    family : str
        The response's family with its link.
    method : str
        The method: ``"lmm"``, ``"glm"``, ``"gee"`` and so on.
    title : str
        The method in words.
    software : str
        Library and version.
    nobs : int
        Number of rows.
    parameters : int
        Number of estimated parameters, as AIC and BIC count them.
    log_likelihood : float
        At the maximum, restricted if `reml`; NaN for methods without a likelihood.
    reml : bool
        Whether the restricted likelihood was maximised.
    converged : bool
        Whether this is a maximum.
    message : str
        What is to be known about the optimum; empty if there is nothing.
    df : float or None
        Residual degrees of freedom, if intervals of coefficients are those of Student's t.
    details : mapping of str to float
        What else is known, such as the deviance.
    notes : tuple of str
        How the estimates are to be read.
    vcov : DataFrame
        Covariance of the coefficients.
    ranef : DataFrame
        Conditional modes of the group-level effects, as ``fit.ranef()``: columns group, level,
        coef, Estimate and Std.Error, the standard deviation given all parameters.
    fitted : Series
        Fitted values with the group-level effects, on the scale of the response (counts where there
        are trials), by row.

    Examples
    --------
    >>> from brmspy import frequentist, load_dataset
    >>> found = frequentist("weight ~ 1 + (1 | group)", load_dataset("plant_growth"))
    >>> round(found.log_likelihood, 3), found.reml, round(found.aic, 2)
    (-30.722, True, 67.44)
    >>> found.ranef[["level", "Estimate"]].round(2)
      level  Estimate
    0  ctrl     -0.03
    1  trt1     -0.33
    2  trt2      0.36
    """

    formula: str
    family: str
    method: str
    title: str
    software: str
    nobs: int
    parameters: int
    log_likelihood: float
    reml: bool
    converged: bool
    message: str
    df: float | None
    details: Mapping[str, float]
    notes: tuple[str, ...]
    vcov: pd.DataFrame
    ranef: pd.DataFrame
    fitted: pd.Series[float]
    _parameters: Mapping[str, Parameter] = field(default_factory=dict)

    @classmethod
    def of(cls, solution: Solution, notes: Sequence[str] = ()) -> FrequentistFit:
        """Name the estimates of a solution.

        Parameters
        ----------
        solution : Solution
            The estimates.
        notes : sequence of str
            What else is to be said.
        """
        problem, estimate = solution.problem, solution.estimate
        named = dict(_parameters(problem, estimate))
        coefficients = [name for name, item in named.items() if item.section == "population"]
        index = pd.Index(coefficients, dtype=object)
        return cls(
            formula=problem.formula,
            family=str(problem.family),
            method=solution.method,
            title=solution.title,
            software=solution.software,
            nobs=problem.nobs,
            parameters=estimate.parameters,
            log_likelihood=estimate.log_likelihood,
            reml=estimate.reml,
            converged=estimate.converged,
            message=estimate.message,
            df=solution.df,
            details=dict(solution.details),
            notes=(*solution.notes, *notes),
            vcov=pd.DataFrame(estimate.covariance, index=index, columns=index),
            ranef=_ranef(problem, estimate),
            fitted=_fitted(problem, estimate),
            _parameters=named,
        )

    @property
    def table(self) -> pd.DataFrame:
        """All parameters: columns Estimate, Std.Error, l-95% CI and u-95% CI, by brms' names.

        Intervals are Wald's: of standard deviations on the scale of their log, or from zero if
        their error is larger than they are; of correlations on the scale of Fisher's z. What lies
        on the boundary has none.
        """
        limits = self.conf_int(0.95)
        limits.columns = pd.Index(["l-95% CI", "u-95% CI"])
        items = self._parameters.values()
        estimates = {
            "Estimate": [item.estimate for item in items],
            "Std.Error": [item.error for item in items],
        }
        return pd.concat([pd.DataFrame(estimates, index=limits.index), limits], axis=1)

    @property
    def varcomp(self) -> pd.DataFrame:
        """Standard deviations and correlations, as ``fit.VarCorr()``, by brms' names.

        Columns group, kind (``"sd"`` or ``"cor"``), coef, coef2, and those of `table`. The residual
        standard deviation is the group ``residual__``.
        """
        names = [name for name, item in self._parameters.items() if item.labels]
        labels = pd.DataFrame(
            [self._parameters[name].labels for name in names],
            index=pd.Index(names, dtype=object),
            columns=list(_VARCOMP),
        )
        return pd.concat([labels, self.table.loc[names]], axis=1)

    @property
    def sigma(self) -> float:
        """Residual standard deviation; NaN if the model has none."""
        found = self._parameters.get("sigma")
        return np.nan if found is None else found.estimate

    @property
    def aic(self) -> float:
        """Akaike's information criterion."""
        return 2.0 * self.parameters - 2.0 * self.log_likelihood

    @property
    def bic(self) -> float:
        """Schwarz's information criterion."""
        return float(np.log(self.nobs)) * self.parameters - 2.0 * self.log_likelihood

    def conf_int(self, level: float = 0.95) -> pd.DataFrame:
        """Return confidence intervals.

        Parameters
        ----------
        level : float
            Their level.

        Returns
        -------
        DataFrame
            By brms' names; the columns are called as in R: ``2.5 %`` and ``97.5 %``. As in `table`.

        Raises
        ------
        BrmspyError
            If `level` is no probability.

        Examples
        --------
        >>> from brmspy import frequentist, load_dataset
        >>> frequentist("weight ~ 1", load_dataset("plant_growth")).conf_int(0.9).round(2)
                      5 %  95 %
        b_Intercept  4.86  5.29
        sigma        0.56  0.87
        """
        check_probability(level)
        tails = (0.5 - level / 2.0, 0.5 + level / 2.0)
        normal = float(stats.norm.ppf(tails[1]))
        student = normal if self.df is None else float(stats.t.ppf(tails[1], self.df))
        rows = [
            item.interval(student if item.section == "population" else normal)
            for item in self._parameters.values()
        ]
        index = pd.Index(list(self._parameters), dtype=object)
        columns = [f"{100 * tail:.4g} %" for tail in tails]
        return pd.DataFrame(np.array(rows).reshape(-1, 2), index=index, columns=columns)

    @property
    def singular(self) -> tuple[str, ...]:
        """Names of standard deviations of zero, and of correlations of one."""
        return tuple(
            name
            for name, item in self._parameters.items()
            if (item.section == "group_sd" and item.estimate < _BOUNDARY)
            or (item.section == "group_cor" and not abs(item.estimate) < 1.0 - _BOUNDARY)
        )

    @property
    def group_sds(self) -> tuple[str, ...]:
        """Names of the standard deviations of group-level effects."""
        return tuple(n for n, item in self._parameters.items() if item.section == "group_sd")

    def _head(self) -> Iterator[tuple[str, str]]:
        """Yield names and texts of the upper part."""
        yield "Method", self.title
        yield "Software", self.software
        yield "Family", self.family
        if self.formula:
            yield "Formula", self.formula
        yield "Data", f"{self.nobs} observations" if self.nobs else "not known"
        if np.isfinite(self.log_likelihood):
            kind = "restricted log-likelihood" if self.reml else "log-likelihood"
            yield (
                "Fit",
                f"{kind} {self.log_likelihood:.2f}, AIC {self.aic:.2f}, BIC {self.bic:.2f} "
                f"({self.parameters} parameters)",
            )
        if self.details:
            yield "Details", ", ".join(f"{name} {x:.4g}" for name, x in self.details.items())

    def _tables(self) -> Iterator[tuple[str, Table]]:
        """Yield titles and tables."""
        table = self.table
        titles = {
            "Group-Level Standard Deviations and Correlations": ("group_sd", "group_cor"),
            "Regression Coefficients": ("population",),
            "Further Distributional Parameters": ("family",),
        }
        for title, sections in titles.items():
            names = [n for n, item in self._parameters.items() if item.section in sections]
            if names:
                yield title, _shown(table.loc[names])

    def _warnings(self) -> Iterator[str]:
        """Yield what is wrong."""
        if self.message:
            text = self.message[:1].upper() + self.message[1:]
            yield text if text.endswith(".") else f"{text}."

    def __repr__(self) -> str:
        lines = field_lines([(name, _indented(text)) for name, text in self._head()])
        for title, table in self._tables():
            lines += ["", f"{title}:", *table.lines()]
        for text in self._warnings():
            lines += ["", *wrapped(f"Warning: {text}")]
        for text in self.notes:
            lines += ["", *wrapped(text)]
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        parts = [fields(self._head())]
        for title, table in self._tables():
            parts += [f"<p><strong>{title}</strong></p>", table.html()]
        parts += [warning(text) for text in self._warnings()]
        parts += [paragraph(text) for text in self.notes]
        return block("frequentist", "Fit by maximum likelihood", parts)


def _indented(text: str) -> str:
    """Return a text in lines that fit beside its name."""
    return "\n".join(piece for line in text.split("\n") for piece in wrapped(line) or [""])


def _shown(table: pd.DataFrame) -> Table:
    """Return a table as text."""
    rows = []
    for name, row in table.iterrows():
        error = float(row["Std.Error"])
        places = decimals_for([0.2 * error])
        if not np.isfinite(error):
            places = decimals_for([0.1 * abs(float(row["Estimate"]))])
        rows.append((str(name), tuple(number(float(x), places) for x in row)))
    return Table("", tuple(map(str, table.columns)), tuple(rows))


def _parameters(problem: Problem, estimate: MixedEstimate) -> Iterator[tuple[str, Parameter]]:
    """Yield the parameters by name, in the order of ``fit.summary()``."""
    table = NameTable.of(problem.variables)
    found: dict[str, list[Parameter]] = {}
    coefficients = problem.split(estimate.coefficients)
    with np.errstate(invalid="ignore"):
        errors = problem.split(np.sqrt(np.diagonal(estimate.covariance)))
    spreads = _Spreads(problem, estimate)
    for variable in table.variables:
        if variable.section == "population":
            pairs = zip(coefficients[variable.name], errors[variable.name], strict=True)
            found[variable.name] = [Parameter("population", float(x), float(e)) for x, e in pairs]
        elif variable.section == "group_sd":
            found[variable.name] = list(spreads.sds(variable))
        elif variable.section == "group_cor":
            found[variable.name] = list(spreads.correlations(variable))
        elif variable.section == "family":
            found[variable.name] = [spreads.scalar(variable.name)]
    names = dict(zip(_elements(table), table.names, strict=True))
    for section in _SECTIONS:
        for variable in table.variables:
            if variable.section == section:
                for place, parameter in enumerate(found[variable.name]):
                    yield names[variable.name, place], parameter


def _elements(table: NameTable) -> Iterator[tuple[str, int]]:
    """Yield variable and place of every element, in the order of the table's names."""
    for variable in table.variables:
        for place in range(variable.brms.size):
            yield variable.name, place


class _Spreads:
    """Standard deviations, correlations and the family's parameters, with their errors."""

    def __init__(self, problem: Problem, estimate: MixedEstimate) -> None:
        self.groups = problem.design.groups
        self.estimate = estimate
        covariance = estimate.spreads_covariance
        size = len(estimate.spreads)
        variances = np.full(size, np.nan) if covariance is None else np.diagonal(covariance)
        with np.errstate(invalid="ignore"):
            self.errors = np.sqrt(variances)
        starts = [0]
        for info in self.groups:
            count = len(info.coefs)
            pairs = count * (count - 1) // 2 if info.correlated else 0
            starts.append(starts[-1] + count + pairs)
        self.starts = starts

    def _error(self, place: int) -> float:
        """Return the error on the scale where the estimate is about normal."""
        return float(self.errors[place]) if place < len(self.errors) else np.nan

    def sds(self, variable: Variable) -> Iterator[Parameter]:
        """Yield the standard deviations of a group."""
        for block_, place in group_members(self.groups)[variable.group]:
            covariance = self.estimate.covariances[block_]
            sd = float(np.sqrt(max(covariance[place, place], 0.0)))
            name = self.groups[block_].coefs[place].brms_label
            error = sd * self._error(self.starts[block_] + place)
            yield Parameter("group_sd", sd, error, (variable.group, "sd", name, name))

    def correlations(self, variable: Variable) -> Iterator[Parameter]:
        """Yield the correlations of a group."""
        for block_, first, second in correlated_pairs(self.groups, variable.group):
            info = self.groups[block_]
            covariance = self.estimate.covariances[block_]
            product = covariance[first, first] * covariance[second, second]
            value = np.nan
            if product > 0.0:
                value = float(np.clip(covariance[first, second] / np.sqrt(product), -1.0, 1.0))
            place = self.starts[block_] + len(info.coefs) + second * (second - 1) // 2 + first
            names = (info.coefs[first].brms_label, info.coefs[second].brms_label)
            error = (1.0 - value**2) * self._error(place)
            yield Parameter("group_cor", value, error, (variable.group, "cor", *names))

    def scalar(self, name: str) -> Parameter:
        """Return a parameter of the family."""
        scale, others = self.estimate.scale, self.estimate.family_parameters
        place = self.starts[-1]
        if name == "sigma" and scale is not None:
            labels = (_RESIDUAL, "sd", "", "")
            return Parameter("family", scale, scale * self._error(place), labels)
        if name not in others:
            return Parameter("family", np.nan, np.nan)
        place += (scale is not None) + list(others).index(name)
        return Parameter("family", others[name], others[name] * self._error(place))


def _ranef(problem: Problem, estimate: MixedEstimate) -> pd.DataFrame:
    """Return the conditional modes as a table."""
    groups = problem.design.groups
    rows = [
        (
            group,
            level,
            groups[block_].coefs[place].brms_label,
            float(estimate.modes[block_][row, place]),
            float(estimate.mode_sds[block_][row, place]),
        )
        for group, members in group_members(groups).items()
        for row, level in enumerate(groups[members[0][0]].levels)
        for block_, place in members
    ]
    return pd.DataFrame(rows, columns=list(_RANEF))


def _fitted(problem: Problem, estimate: MixedEstimate) -> pd.Series[float]:
    """Return the fitted values."""
    effects = {
        f"r_{group}": np.stack(
            [estimate.modes[block_][:, place] for block_, place in members], axis=1
        )[None]
        for group, members in group_members(problem.design.groups).items()
    }
    scalars = {name: np.ones(1) for name in problem.scalars}
    scalars |= {name: np.array([x]) for name, x in estimate.family_parameters.items()}
    if estimate.scale is not None:
        scalars["sigma"] = np.array([estimate.scale])
    draws = problem.draws(estimate.coefficients[None], scalars, effects)
    index = problem.design.arrays.rows
    return pd.Series(problem.mean(draws)[0], index=index, name="fitted")
