"""Whether a model has a density where its chains start; if not, which row and parameter say so."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.errors import SamplingError
from brmspy.families import Dpar
from brmspy.formula import NonlinearPredictor
from brmspy.formula.nonlinear import Apply, NonlinearExpr, Parameter, walk
from brmspy.model import Model
from brmspy.nonlinear import evaluate
from brmspy.predict.density import weighted_density
from brmspy.predict.linear import distributional_parameters, linear_predictors
from brmspy.priors.curves import curve_in_use
from brmspy.program import draws_at, random_point

__all__ = ["Fault", "check_points", "explain_start", "fault_at", "may_leave"]

FloatArray = NDArray[np.float64]

_SHOWN = 6  # columns and parameters of a row
_RANDOM = 20  # of Stan's random points, which are drawn here again
_STAN = 2.0  # Stan's range


@dataclass(frozen=True)
class Fault:
    """A row at which a model has no density.

    Attributes
    ----------
    row : Any
        Its label in the data frame.
    text : str
        What is wrong there, and with which values.
    advice : str
        What to do.
    count, total : int
        How many of all rows are like it.
    """

    row: Any
    text: str
    advice: str
    count: int
    total: int

    def __str__(self) -> str:
        more = f" So it is in {self.count} of {self.total} rows." if self.count > 1 else ""
        return f"{self.text}{more} {self.advice}"


def may_leave(model: Model) -> bool:
    """Say whether parameters can be where the response has no density.

    Parameters
    ----------
    model : Model
        The model.

    Returns
    -------
    bool
        True with a non-linear formula, or a link that does not keep a parameter in its range.
    """
    if model.sample_prior == "only" or model.program.terms.integrated is not None:
        return False
    for predictor in model.design.terms.predictors:
        if isinstance(predictor, NonlinearPredictor):
            return True
        if not predictor.nlpar and _leaves(model.family.dpar(predictor.name)):
            return True
    return False


def _leaves(dpar: Dpar) -> bool:
    return dpar.link.lower < dpar.lower or dpar.link.upper > dpar.upper


def fault_at(model: Model, point: Mapping[str, Any]) -> Fault | None:
    """Return what is wrong at a point, if anything.

    Parameters
    ----------
    model : Model
        The model.
    point : mapping of str to array_like
        Where a chain would start, by the names of the Stan program.

    Returns
    -------
    Fault or None
        None where every row has a density.
    """
    program, design = model.program, model.design
    with np.errstate(all="ignore"):
        draws = program.recover(draws_at(program, point))
        flat = {name: values[0] for name, values in draws.items()}
        predictors = linear_predictors(design, flat, design.arrays)
        parameters = distributional_parameters(design, model.family, flat, predictors)
        eta = predictors.get("mu")
        density = weighted_density(model.family, model.response, parameters, eta, design.arrays)[0]
    bad = np.flatnonzero(~np.isfinite(density))
    if not len(bad):
        return None
    row = int(bad[0])
    values = {name: float(array[0, row]) for name, array in predictors.items()}
    natural = {
        name: float(np.ravel(array)[row if array.size > 1 else 0])
        for name, array in parameters.items()
    }
    what, advice = _cause(model, row, values, natural)
    text = f"In {_where(model, row)}, {what}."
    return Fault(design.arrays.rows[row], text, advice, len(bad), len(density))


def _where(model: Model, row: int) -> str:
    """Return a row by its label, with what the model reads of it."""
    data = model.design.data
    response = set(model.design.terms.response.variables)
    columns = [name for name in model.design.terms.variables if name in data.columns]
    shown = [name for name in columns if name not in response][:_SHOWN]
    values = ", ".join(f"{name} = {_shown(data[name].iloc[row])}" for name in shown)
    label = model.design.arrays.rows[row]
    plain = label.item() if isinstance(label, np.generic) else label
    return f"row {plain!r}" + (f" ({values})" if values else "")


def _shown(value: Any) -> str:
    if isinstance(value, (float, np.floating)):
        return f"{value:.4g}"
    return repr(value.item() if isinstance(value, np.generic) else value)


def _cause(
    model: Model, row: int, values: Mapping[str, float], natural: Mapping[str, float]
) -> tuple[str, str]:
    """Return what makes a row impossible, and what to do about it."""
    covariates = {name: float(x[row]) for name, x in model.design.arrays.covariates.items()}
    for predictor in model.design.terms.predictors:
        value = values[predictor.name]
        if math.isfinite(value):
            continue
        if not isinstance(predictor, NonlinearPredictor):
            return (
                f"{predictor.name} is {_number(value)}",
                "Start closer to zero, or with other values: init={...}.",
            )
        return _formula(model, predictor, {**covariates, **values})
    for dpar in model.family.dpars:
        value = natural[dpar.name]
        if not dpar.lower <= value <= dpar.upper:
            return _range(model, dpar, value, {**covariates, **values})
    response = model.response[row]
    others = ", ".join(f"{name} = {value:.4g}" for name, value in natural.items())
    return (
        f"the response {response:g} has no probability with {others}{_inner(model, values)}",
        "Start nearer to the data: init={...}, or priors near the solution.",
    )


def _formula(
    model: Model, predictor: NonlinearPredictor, values: Mapping[str, float]
) -> tuple[str, str]:
    """Say which part of a non-linear formula has no value."""
    part = _culprit(predictor.body, values)
    text = _text(predictor, part)
    value = _number(float(evaluate(part, values)))
    inside = [arg for arg in part.args if isinstance(arg, Apply)] if isinstance(part, Apply) else []
    of = [
        f"{shown} is {float(evaluate(arg, values)):.4g}"
        for arg in inside
        if (shown := _text(predictor, arg)) != text
    ]
    names = [node.name for node in walk(part) if isinstance(node, Parameter)]
    own = dict.fromkeys(names or predictor.parameters)
    outside = _outside(model, own, values)
    whole = "" if text == _text(predictor, predictor.body) else f"{predictor.name} has no value: "
    what = (
        f"{whole}{text} is {value}"
        + (f", as {' and '.join(of)}" if of else "")
        + f", with {', '.join(f'{name} = {values[name]:.4g}' for name in list(own)[:_SHOWN])}"
        + (f"; {outside}" if outside else "")
    )
    first = next(iter(own), "")
    advice = (
        f"Start elsewhere, init={{{first!r}: ...}}, or keep the parameter where the formula has a "
        f'value: prior(..., nlpar="{first}", lb=...), or bf(..., transform={{{first!r}: "log"}}).'
    )
    return what, advice


def _outside(model: Model, names: Mapping[str, None], values: Mapping[str, float]) -> str:
    """Say which parameters of a named curve are out of their range."""
    use = curve_in_use(model.design)
    for argument, nlpar in {} if use is None else use.natural.items():
        assert use is not None, "there is nothing to go through otherwise"
        low, high = use.curve.limits(argument)
        if nlpar in names and not low <= values[nlpar] <= high:
            limits = [f"above {low:g}"] if math.isfinite(low) else []
            limits += [f"below {high:g}"] if math.isfinite(high) else []
            return f"{nlpar} of {use.curve.name}() must be {' and '.join(limits)}"
    return ""


def _culprit(expr: NonlinearExpr, values: Mapping[str, float]) -> NonlinearExpr:
    """Return the innermost part that has no value though all it is made of has."""
    if isinstance(expr, Apply):
        if expr.function == "ifelse":
            test, yes, no = expr.args
            return _culprit(yes if evaluate(test, values) != 0.0 else no, values)
        for arg in expr.args:
            if not np.isfinite(evaluate(arg, values)):
                return _culprit(arg, values)
    return expr


def _text(predictor: NonlinearPredictor, expr: NonlinearExpr) -> str:
    """Return a part of a formula as the user wrote it."""
    span = expr.span
    shown = predictor.source[span.start : span.end] if predictor.source else ""
    return " ".join(shown.split()) or f"the formula of {predictor.name}"


def _range(model: Model, dpar: Dpar, value: float, values: Mapping[str, float]) -> tuple[str, str]:
    """Say that a distributional parameter is out of its range."""
    limits = [f"at least {dpar.lower:g}"] if math.isfinite(dpar.lower) else []
    limits += [f"at most {dpar.upper:g}"] if math.isfinite(dpar.upper) else []
    what = (
        f"{dpar.name} is {_number(value)}, but must be {' and '.join(limits)} in the family "
        f"{model.family.name}{_inner(model, values)}"
    )
    if _leaves(dpar):
        better = next((link for link in dpar.links if link != dpar.link.name), dpar.links[0])
        return what, (
            f"The link {dpar.link.name!r} does not keep it there; {better!r} does. Or start "
            "elsewhere: init={...}."
        )
    return what, "Start elsewhere: init={...}."


def _inner(model: Model, values: Mapping[str, float]) -> str:
    """Return the non-linear parameters' values."""
    names = [p.name for p in model.design.terms.predictors if p.nlpar][:_SHOWN]
    return f", with {', '.join(f'{name} = {values[name]:.4g}' for name in names)}" if names else ""


def _number(value: float) -> str:
    if math.isnan(value):
        return "not a number"
    return "infinite" if math.isinf(value) else f"{value:.4g}"


def check_points(model: Model, points: Sequence[Mapping[str, Any]], *, each: bool = True) -> None:
    """Refuse initial values at which the model has no density.

    Parameters
    ----------
    model : Model
        The model.
    points : sequence of mapping
        Where each chain starts, by the names of the Stan program.
    each : bool
        Whether each chain has initial values of its own, so that it is to be named.

    Raises
    ------
    SamplingError
        If there is no density; says which row and parameter make it so.
    """
    if not may_leave(model):
        return
    for number, point in enumerate(points, start=1):
        if not _is_whole(model, point):
            continue
        fault = fault_at(model, point)
        if fault is not None:
            of = f" of chain {number}" if each and len(points) > 1 else ""
            raise SamplingError(f"The model has no density at the initial values{of}. {fault}")


def _is_whole(model: Model, point: Mapping[str, Any]) -> bool:
    """Say whether a point has a value for everything; else Stan draws the rest."""
    needed = [
        p.free if p.fixed == "some" else p.name
        for p in model.program.parameters
        if p.fixed != "all" and not p.definition
    ]
    return all(name in point for name in needed)


def explain_start(model: Model, inits: Any) -> str:
    """Say why Stan found no initial values.

    Parameters
    ----------
    model : Model
        The model.
    inits : float, sequence of mappings or None
        Where the chains were to start.

    Returns
    -------
    str
        Empty if nothing is wrong with these points.
    """
    if isinstance(inits, Mapping):
        points: list[Mapping[str, Any]] = [inits]
    elif isinstance(inits, Sequence):
        points = list(inits)
    else:
        rng = np.random.default_rng(1)
        radius = _STAN if inits is None else float(inits)
        points = [random_point(model.program, rng, radius) for _ in range(_RANDOM)]
    found = [fault_at(model, point) for point in points if _is_whole(model, point)]
    faults = [fault for fault in found if fault is not None]
    if not faults:
        return ""
    where = f"At {len(faults)} of {len(found)} such points the model has no density. "
    return where + str(max(faults, key=lambda fault: fault.count))
