"""Fits that were made elsewhere: results of statsmodels, and tables of coefficients from R."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.errors import BrmspyError
from brmspy.twin.libraries import version_of
from brmspy.twin.naming import Names
from brmspy.twin.problem import Problem
from brmspy.twin.result import FrequentistFit, Parameter

__all__ = ["adopt"]

FloatArray = NDArray[np.float64]

_ESTIMATE = ("estimate", "est", "value", "coef", "coefficient", "coefficients", "sdcor", "stddev")
_ERROR = ("stderror", "stderr", "standarderror", "se", "secoef", "errstd", "esterror", "bse")
_TERM = ("term", "parameter", "name", "names", "var1", "rowname", "effectname")
_GROUP = ("group", "grp")
_RESIDUALS = ("residual", "residuals", "residual__")
_SIGMA = ("sigma", "sdobservation", "residualsd")
_TIDY = re.compile(r"^(sd|cor)__(.*)$")
_BRMS = re.compile(r"^(sd|cor)_(.+?)__(.+)$")


@dataclass(frozen=True)
class _Row:
    """An estimate under the name that it has elsewhere.

    `kind` is ``"coef"``, ``"sd"``, ``"cor"`` or ``"family"``; standard deviations and correlations
    belong to a `group`, which may have no name.
    """

    name: str
    estimate: float
    error: float = np.nan
    kind: str = "coef"
    group: str | None = None
    second: str = ""

    def __str__(self) -> str:
        if self.kind in ("coef", "family"):
            return self.name
        names = ", ".join(item for item in (self.name, self.second) if item)
        return f"{self.kind}({names})" + ("" if self.group is None else f" of {self.group}")


@dataclass(frozen=True)
class _Foreign:
    """A fit from elsewhere, before its names are known."""

    rows: tuple[_Row, ...]
    method: str
    title: str
    software: str
    nobs: int = 0
    parameters: int = 0
    log_likelihood: float = np.nan
    reml: bool = False
    converged: bool = True
    df: float | None = None
    covariance: FloatArray | None = None
    effects: Mapping[str, Any] = field(default_factory=dict)


def adopt(other: Any, problem: Problem) -> tuple[FrequentistFit, tuple[str, ...]]:
    """Return a fit that was made elsewhere, with brmspy's names.

    Parameters
    ----------
    other : FrequentistFit, result of statsmodels, or DataFrame
        The fit; of R, a table of coefficients with their standard errors.
    problem : Problem
        The model that it is compared with.

    Returns
    -------
    FrequentistFit
        What has a name in the model.
    tuple of str
        Names that the model does not have.

    Raises
    ------
    BrmspyError
        If it is none of these, or no name is known.
    """
    if isinstance(other, FrequentistFit):
        known = {str(name) for variable in problem.variables for name in variable.brms.flat}
        unknown = tuple(str(name) for name in other.table.index if name not in known)
        if len(unknown) == len(other.table):
            raise BrmspyError(_nothing(unknown, problem))
        return other, unknown
    if isinstance(other, pd.DataFrame):
        return _named(_of_table(other), problem)
    if type(other).__module__.split(".")[0] == "statsmodels":
        return _named(_of_statsmodels(other), problem)
    raise BrmspyError(
        "other must be what frequentist() returned, a fitted result of statsmodels, or a table of "
        "coefficients as a DataFrame with columns such as 'Estimate' and 'Std. Error', not "
        f"{type(other).__name__!r}."
    )


def _nothing(names: Sequence[str], problem: Problem) -> str:
    """Say that no name is known."""
    return (
        f"None of the names is one of the model's: {', '.join(names[:10])}. Those of the model are "
        f"{', '.join(problem.coefficient_names[:10])}."
    )


def _named(foreign: _Foreign, problem: Problem) -> tuple[FrequentistFit, tuple[str, ...]]:
    """Name the rows as the model does."""
    names = Names(problem)
    found: dict[str, Parameter] = {}
    places: list[int] = []
    unknown = []
    for place, row in enumerate(foreign.rows):
        item = _parameter(row, names)
        if item is None or item[0] in found:
            unknown.append(str(row))
            continue
        found[item[0]] = item[1]
        if row.kind == "coef":
            places.append(place)
    if not found:
        raise BrmspyError(_nothing(unknown, problem))
    coefficients = [name for name, item in found.items() if item.section == "population"]
    covariance = np.full((len(coefficients),) * 2, np.nan)
    np.fill_diagonal(covariance, [found[name].error ** 2 for name in coefficients])
    if foreign.covariance is not None:
        covariance = foreign.covariance[np.ix_(places, places)]
    index = pd.Index(coefficients, dtype=object)
    fit = FrequentistFit(
        formula="",
        family=str(problem.family),
        method=foreign.method,
        title=foreign.title,
        software=foreign.software,
        nobs=foreign.nobs,
        parameters=foreign.parameters,
        log_likelihood=foreign.log_likelihood,
        reml=foreign.reml,
        converged=foreign.converged,
        message="" if foreign.converged else "It did not converge.",
        df=foreign.df,
        details={},
        notes=(),
        vcov=pd.DataFrame(covariance, index=index, columns=index),
        ranef=_effects(foreign, names),
        fitted=pd.Series(np.empty(0), name="fitted"),
        _parameters=_ordered(found, problem),
    )
    return fit, tuple(unknown)


def _ordered(found: Mapping[str, Parameter], problem: Problem) -> dict[str, Parameter]:
    """Return the parameters in the order of the model's."""
    order = ("population", "group_sd", "group_cor", "family")
    names = [
        str(name)
        for section in order
        for variable in problem.variables
        if variable.section == section
        for name in variable.brms.flat
    ]
    return {name: found[name] for name in names if name in found}


def _parameter(row: _Row, names: Names) -> tuple[str, Parameter] | None:
    """Return the model's name of a row, and what it says; None if there is none."""
    if row.kind == "coef":
        name = names.coefficient(row.name)
        if name is None:
            return None
        return name, Parameter("population", row.estimate, row.error)
    if row.kind == "family":
        if row.name not in names.problem.scalars:
            return None
        labels = ("residual__", "sd", "", "") if row.name == "sigma" else ()
        return row.name, Parameter("family", row.estimate, row.error, labels)
    name = names.spread(row.group, row.name, row.second)
    if name is None:
        return None
    section = "group_sd" if row.kind == "sd" else "group_cor"
    variable = next(v for v in names.problem.variables if name in v.brms.reshape(-1).tolist())
    coefs = name.removeprefix(f"{row.kind}_{variable.group}__").split("__")
    labels = (variable.group, row.kind, coefs[0], coefs[-1])
    return name, Parameter(section, row.estimate, row.error, labels)


def _effects(foreign: _Foreign, names: Names) -> pd.DataFrame:
    """Return the effects of levels, if they are known and the grouping factor is."""
    columns = ["group", "level", "coef", "Estimate", "Std.Error"]
    group = names.group(None)
    rows = []
    for level, effects in foreign.effects.items() if group else ():
        for name, value in dict(effects).items():
            known = names.spread(group, _statsmodels_effect(str(name)))
            if known is not None:
                coef = known.removeprefix(f"sd_{group}__")
                rows.append((group, str(level), coef, float(value), np.nan))
    return pd.DataFrame(rows, columns=columns)


def _statsmodels_effect(name: str) -> str:
    """Return what statsmodels calls the intercept of a group by its usual name."""
    return "Intercept" if name in ("Group", "groups") else name


# Results of statsmodels


def _of_statsmodels(result: Any) -> _Foreign:
    """Read a fitted result of statsmodels."""
    if not hasattr(result, "params") or not hasattr(result, "bse"):
        raise BrmspyError(
            f"{type(result).__name__} of statsmodels is no fitted result with coefficients: pass "
            "what fit() returned."
        )
    model = result.model
    mixed = hasattr(result, "fe_params") and hasattr(result, "cov_re")
    title = type(model).__name__
    rows = tuple(_mixed_rows(result) if mixed else _plain_rows(result))
    count = sum(row.kind == "coef" for row in rows)
    covariance = np.asarray(result.cov_params(), dtype=float)
    kept = [place for place, row in enumerate(rows) if row.kind == "coef"]
    likelihood = getattr(result, "llf", np.nan)
    gee = title == "GEE"
    scale = any(row.name == "sigma" for row in rows)
    return _Foreign(
        rows=rows,
        method="gee" if gee else title.lower(),
        title=f"{title} of statsmodels",
        software=version_of("statsmodels"),
        nobs=int(getattr(result, "nobs", len(model.endog))),
        parameters=len(rows) if mixed else count + scale,
        log_likelihood=np.nan if gee else float(likelihood),
        reml=bool(getattr(result, "reml", False)) if mixed else False,
        converged=bool(getattr(result, "converged", True)),
        df=float(result.df_resid) if getattr(result, "use_t", False) else None,
        covariance=_padded(covariance, kept, len(rows)),
        effects=getattr(result, "random_effects", {}) if mixed else {},
    )


def _padded(covariance: FloatArray, kept: Sequence[int], size: int) -> FloatArray:
    """Return the covariance of the coefficients at the places that they have among the rows."""
    matrix = np.full((size, size), np.nan)
    matrix[np.ix_(kept, kept)] = covariance[: len(kept), : len(kept)]
    return matrix


def _series(values: Any, names: Sequence[str]) -> pd.Series[float]:
    """Return numbers with their names."""
    if isinstance(values, pd.Series):
        return values.astype(float)
    return pd.Series(np.asarray(values, dtype=float), index=list(names))


def _plain_rows(result: Any) -> Iterator[_Row]:
    """Yield the coefficients of a model without group-level effects, and its scale."""
    names = list(result.model.exog_names)
    params = _series(result.params, [*names, "alpha"][: len(result.params)])
    errors = _series(result.bse, list(params.index))
    for name, value, error in zip(params.index, params, errors, strict=True):
        if name == "alpha" and type(result.model).__name__ == "NegativeBinomial":
            yield _Row("shape", 1.0 / value, error / value**2, kind="family")
        else:
            yield _Row(str(name), float(value), float(error))
    family = getattr(result.model, "family", None)
    normal = family is None and hasattr(result, "mse_resid")
    if normal or type(family).__name__ == "Gaussian":
        yield _Row("sigma", float(np.sqrt(result.scale)), kind="family")


def _mixed_rows(result: Any) -> Iterator[_Row]:
    """Yield the estimates of a linear mixed model."""
    names = list(result.model.exog_names)
    estimates = _series(result.fe_params, names)
    errors = _series(result.bse_fe, names)
    for name, value, error in zip(estimates.index, estimates, errors, strict=True):
        yield _Row(str(name), float(value), float(error))
    covariance = result.cov_re
    coefs = list(getattr(covariance, "columns", [])) or list(result.model.exog_re_names)
    matrix = np.asarray(covariance, dtype=float)
    sds = np.sqrt(np.maximum(np.diagonal(matrix), 0.0)) if matrix.size else np.empty(0)
    for place, name in enumerate(coefs[: len(sds)]):
        yield _Row(_statsmodels_effect(str(name)), float(sds[place]), kind="sd")
        for other in range(place):
            value = matrix[place, other] / max(sds[place] * sds[other], 1e-300)
            first = _statsmodels_effect(str(coefs[other]))
            yield _Row(first, float(value), kind="cor", second=_statsmodels_effect(str(name)))
    vcomp = np.asarray(result.vcomp, dtype=float)
    for name, value in zip(getattr(result.model.exog_vc, "names", ()), vcomp, strict=False):
        yield _Row("Intercept", float(np.sqrt(value)), kind="sd", group=str(name))
    yield _Row("sigma", float(np.sqrt(result.scale)), kind="family")


# Tables


def _of_table(table: pd.DataFrame) -> _Foreign:
    """Read a table of coefficients, as R prints it or broom makes it."""
    columns = {re.sub(r"[^a-z0-9]", "", str(name).lower()): name for name in table.columns}
    estimate = _column(columns, _ESTIMATE)
    if estimate is None:
        raise BrmspyError(
            "The table needs a column of estimates, called 'Estimate' as R calls it; it has "
            f"{', '.join(map(repr, table.columns))}."
        )
    error, term, group = (_column(columns, names) for names in (_ERROR, _TERM, _GROUP))
    second = columns.get("var2")
    rows = []
    for place, (label, line) in enumerate(table.iterrows()):
        value = pd.to_numeric(line[estimate], errors="coerce")
        name = _text(line[term]) if term is not None else str(label)
        if not np.isfinite(value):
            raise BrmspyError(f"The estimate of {name or place!r} is not a number.")
        given = float(pd.to_numeric(line[error], errors="coerce")) if error is not None else np.nan
        rows.append(
            _table_row(
                name,
                float(value),
                given,
                _text(line[group]) if group is not None else "",
                _text(line[second]) if second is not None else "",
            )
        )
    return _Foreign(tuple(rows), "table", "table of coefficients", "made elsewhere")


def _text(value: Any) -> str:
    """Return a cell as text; nothing for a missing one."""
    return "" if value is None or value is pd.NA or value != value else str(value)


def _column(columns: Mapping[str, Any], names: Sequence[str]) -> Any:
    """Return the first of several columns that a table has."""
    return next((columns[name] for name in names if name in columns), None)


def _table_row(name: str, estimate: float, error: float, group: str, second: str) -> _Row:
    """Return a line of a table as what it is."""
    plain = re.sub(r"[^a-z_]", "", name.lower())
    if group.lower() in _RESIDUALS or plain in _SIGMA:
        return _Row("sigma", estimate, error, "family")
    tidy = _TIDY.match(name)
    if tidy is not None:
        kind, rest = tidy.groups()
        if rest == "Observation":
            return _Row("sigma", estimate, error, "family")
        first, _, other = rest.partition(".") if kind == "cor" else (rest, "", "")
        return _Row(first, estimate, error, kind, group or None, other)
    brms = _BRMS.match(name)
    if brms is not None:
        kind, factor, rest = brms.groups()
        first, _, other = rest.partition("__")
        return _Row(first, estimate, error, kind, factor, other)
    if group and name:
        return _Row(name, estimate, error, "cor" if second else "sd", group, second)
    if plain in ("shape", "nu", "theta"):
        return _Row("nu" if plain == "nu" else "shape", estimate, error, "family")
    return _Row(name, estimate, error)
