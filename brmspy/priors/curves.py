"""Default priors of a named curve's parameters: each on its own scale, from the curve's self-start.

In brms the parameters of a non-linear formula have flat priors, and the standard deviations of
their group-level effects have the scale of the response, whatever the parameter is. Where the
formula is a call of a named curve more is known. The default prior of a parameter is normal:

- centred at the estimate of least squares from all rows;
- with a standard deviation of ten standard errors, so that the prior holds about a hundredth of
  what the data say; but of at least two and a half times the parameter's spread over groups, and
  two and a half times the shift that moves the curve by one residual standard deviation, so that
  large data sets do not make it narrow; within limits that follow from the parameter's unit, so
  that it is neither narrower than a twentieth of the range of what it is measured in (a quarter on
  a logarithmic scale) nor wider than two and a half times that.

Other coefficients of the parameter, such as the effect of a treatment, are centred at zero, with
the same scale for a change of their column by one standard deviation. Standard deviations of
group-level effects are half student_t(3, 0, s), s twice the spread over groups: an estimate from
five groups may be too small by that factor.

The data are used twice, as in all default priors that follow from the data; the factors keep the
second use weak.

References
----------
Gelman, A., Jakulin, A., Pittau, M. G. and Su, Y.-S. (2008). A weakly informative default prior
distribution for logistic and other regression models. The Annals of Applied Statistics, 2(4).
https://doi.org/10.1214/08-AOAS191
Gelman, A. (2006). Prior distributions for variance parameters in hierarchical models. Bayesian
Analysis, 1(3). https://doi.org/10.1214/06-BA117A
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.data import Design
from brmspy.data.columns import some_rows
from brmspy.errors import DataError
from brmspy.families import Family
from brmspy.formula import CURVES, Curve, LinearPredictor, NonlinearPredictor
from brmspy.formula.nonlinear import Covariate, NonlinearExpr, Parameter, walk
from brmspy.nonlinear import evaluate, solve
from brmspy.priors.numbers import format_number
from brmspy.priors.parameters import ParameterBlock
from brmspy.priors.rows import Prior
from brmspy.selfstart import CurveEstimate, Grouping, estimate_curve, span_of

__all__ = [
    "CurveUse",
    "NlparGuess",
    "check_domain",
    "curve_defaults",
    "curve_in_use",
    "guesses",
    "link_scale_response",
    "starting_coefficients",
    "with_guesses",
]

FloatArray = NDArray[np.float64]

_ERRORS = 10.0  # standard errors within a prior's standard deviation
_SPREADS = 2.5
_NARROWEST, _WIDEST = 0.05, 2.5  # of the range of what the parameter is measured in
_LEAST_LOG = 0.25  # on a logarithmic scale: a factor of 1.3
_GROUP_SPREADS = 2.0
_FEWEST = 3  # groups whose spread says something
_NORMAL_MAD = 1.4826
_ROBUST_FROM = 8  # groups from which on an odd one is not let decide
_DATA_LINKS = ("identity", "log", "inverse", "sqrt")


@dataclass(frozen=True)
class CurveUse:
    """A model whose mean is a call of a named curve.

    Attributes
    ----------
    curve : Curve
        The curve.
    predictor : str
        Whose formula the call is: ``"mu"``, or a parameter that ``mu`` is.
    inputs : mapping of str to ndarray, shape (nobs,)
        Its inputs in the data.
    fixed : mapping of str to float
        Arguments that are numbers.
    natural : mapping of str to str
        The curve's parameters that are a non-linear parameter of the model, by that.
    linear : mapping of str to str
        The linear predictor behind each of these: itself, or for a transformed parameter the one
        that its formula reads.
    """

    curve: Curve
    predictor: str
    inputs: Mapping[str, FloatArray]
    fixed: Mapping[str, float]
    natural: Mapping[str, str]
    linear: Mapping[str, str]

    @property
    def nlpars(self) -> frozenset[str]:
        """The linear predictors whose size follows from the curve."""
        return frozenset(self.linear.values())


@dataclass(frozen=True)
class NlparGuess:
    """What the data say about a parameter that has a linear predictor.

    Attributes
    ----------
    name : str
        The parameter.
    argument : str
        Which of the curve's arguments it is, or makes.
    value : float
        Its estimate.
    scale : float
        Standard deviation of its default prior.
    spread : float
        Of its group-level effects: scale of the default prior of their standard deviations.
    unsure : bool
        Whether the data leave it open.
    """

    name: str
    argument: str
    value: float
    scale: float
    spread: float
    unsure: bool = False


def curve_in_use(design: Design) -> CurveUse | None:
    """Return the named curve that a model's mean is, with the model's names of its parameters.

    Parameters
    ----------
    design : Design
        The design.

    Returns
    -------
    CurveUse or None
        None if the mean is no curve, or more than a curve; or if what is known of the curve does
        not carry over: an input that a parameter enters, or an argument that is neither a number
        nor a parameter, nor a function of one parameter.
    """
    predictors = {p.name: p for p in design.terms.predictors}
    found = predictors["mu"]
    while isinstance(found, NonlinearPredictor) and isinstance(found.body, Parameter):
        found = predictors[found.body.name]
    if not isinstance(found, NonlinearPredictor) or found.curve is None:
        return None
    call = found.curve
    curve = CURVES[call.curve]
    given = dict(call.arguments)
    if any(isinstance(node, Parameter) for name in curve.inputs for node in walk(given[name])):
        return None
    inputs = {
        name: np.broadcast_to(
            evaluate(given[name], design.arrays.covariates), (design.arrays.nobs,)
        )
        for name in curve.inputs
    }
    fixed: dict[str, float] = {}
    natural: dict[str, str] = {}
    for name in curve.parameters:
        nodes = list(walk(given[name]))
        if not any(isinstance(node, Parameter | Covariate) for node in nodes):
            fixed[name] = float(evaluate(given[name], {}))
        elif isinstance(given[name], Parameter):
            natural[name] = given[name].name  # type: ignore[union-attr]  # a parameter
        else:
            return None
    if len(set(natural.values())) < len(natural):
        return None
    linear = {name: _linear_behind(nlpar, predictors, natural) for name, nlpar in natural.items()}
    if None in linear.values() or len(set(linear.values())) < len(linear):
        return None
    own = {name: nlpar for name, nlpar in linear.items() if nlpar is not None}
    return CurveUse(curve, found.name, inputs, fixed, natural, own)


_Predictors = Mapping[str, LinearPredictor | NonlinearPredictor]


def _linear_behind(name: str, predictors: _Predictors, natural: Mapping[str, str]) -> str | None:
    """Return the linear predictor that a parameter is, or is a function of."""
    found = predictors[name]
    while isinstance(found, NonlinearPredictor):
        inner = [p for p in found.parameters if p not in natural.values()]
        if len(inner) != 1 or found.covariates:
            return None
        found = predictors[inner[0]]
    return found.name


def check_domain(use: CurveUse, design: Design) -> None:
    """Refuse inputs that a curve is not made for.

    Parameters
    ----------
    use : CurveUse
        The curve.
    design : Design
        The design.

    Raises
    ------
    DataError
        If there are such; names the rows.
    """
    for name, x in use.inputs.items():
        low, high = use.curve.limits(name)
        outside = (x < low) | (x > high)
        if outside.any():
            worst = float(x[outside][0])
            limits = f"at least {low:g}" if math.isfinite(low) else f"at most {high:g}"
            if math.isfinite(low) and math.isfinite(high):
                limits = f"between {low:g} and {high:g}"
            raise DataError(
                f"The curve {use.curve.name}() is for values of its {name} "
                f"({use.curve.arguments[name]}) of {limits}, but it is {worst:g} in "
                f"{some_rows(design.arrays.rows, outside)}. Leave these rows out, shift the "
                "column, or take another curve."
            )


def link_scale_response(design: Design, family: Family, y: NDArray[Any]) -> FloatArray | None:
    """Return the response on the scale of the linear predictor, as far as it has a place there.

    Parameters
    ----------
    design : Design
        The design.
    family : Family
        The response's family.
    y : ndarray, shape (nobs,)
        The response, coded.

    Returns
    -------
    ndarray, shape (nobs,), or None
        Not a number where the link has no value; None if that is so nearly everywhere, as for a
        response of zeros and ones on the logit scale.
    """
    values = np.asarray(y, dtype=float)
    link = family.link
    trials = design.arrays.trials
    if trials is not None:
        values = values / trials
        if link.name != "identity":
            values = (np.asarray(y, dtype=float) + 0.5) / (trials + 1.0)
    elif link.name not in _DATA_LINKS:
        return None
    if link.name in ("log", "inverse"):
        positive = values[values > 0.0]
        # As brms has it for the scale of intercepts, zeros are small numbers.
        values = np.where(values == 0.0, min(0.1, positive.min(initial=0.1)), values)
    with np.errstate(all="ignore"):
        values = link.forward(values)
    values = np.where(np.isfinite(values), values, np.nan)
    return values if np.isfinite(values).mean() > 0.5 else None


def guesses(
    use: CurveUse, design: Design, family: Family, y: FloatArray
) -> Mapping[str, NlparGuess]:
    """Find the parameters of the curve in the data.

    Parameters
    ----------
    use : CurveUse
        The curve.
    design : Design
        The design.
    family : Family
        The response's family.
    y : ndarray, shape (nobs,)
        The response on the scale of the linear predictor.

    Returns
    -------
    dict of str to NlparGuess
        By linear predictor.

    Raises
    ------
    DataError
        If the data cannot say what the curve is.
    """
    found = estimate_curve(
        use.curve,
        use.inputs,
        y,
        fixed=use.fixed,
        weights=design.arrays.weights,
        groupings=_groupings(use, design),
    )
    return {
        nlpar: _guess(argument, nlpar, use, design, y, found)
        for argument, nlpar in use.linear.items()
    }


def _check_groups(use: CurveUse, design: Design, family: Family) -> None:
    """Refuse group-level effects that nothing tells from the residuals."""
    sigma = any(dpar.name == "sigma" for dpar in family.dpars)
    for info in design.groups:
        own = {coef.predictor for coef in info.coefs} & use.nlpars
        if sigma and own and len(info.levels) == design.arrays.nobs:
            raise DataError(
                f"Every level of {info.group!r} has one row, so that nothing tells its effects on "
                f"{' and '.join(sorted(own))} from the residuals. Group by another column, leave "
                f"(... | {info.group}) out, or fix the residuals' size: bf(..., sigma=0.5)."
            )


def _groupings(use: CurveUse, design: Design) -> list[Grouping]:
    """Return the grouping factors of the curve's parameters."""
    arguments = {nlpar: argument for argument, nlpar in use.linear.items()}
    varying: dict[str, list[str]] = {}
    places: dict[str, int] = {}
    for number, info in enumerate(design.groups):
        names = [arguments[c.predictor] for c in info.coefs if c.predictor in arguments]
        if names:
            varying.setdefault(info.group, []).extend(names)
            places.setdefault(info.group, number)
    return [
        Grouping(
            group,
            design.arrays.groups[places[group]].index,
            design.groups[places[group]].levels,
            tuple(dict.fromkeys(names)),
        )
        for group, names in varying.items()
    ]


def _guess(
    argument: str, nlpar: str, use: CurveUse, design: Design, y: FloatArray, found: CurveEstimate
) -> NlparGuess:
    """Return what the data say about one parameter, on the scale of its linear predictor."""
    back = _inverse(argument, use, design, found.values)
    natural, error, shift = (
        found.values[argument],
        found.errors[argument],
        found.shifts[argument],
    )
    unit = use.curve.units.get(argument, "")
    finite = y[np.isfinite(y)]
    span = span_of(unit, use.inputs, finite, natural)
    least = _LEAST_LOG if unit.startswith("log of") else _NARROWEST * span
    most = _WIDEST * span
    spread = _spread(argument, found)
    slope = 1.0
    if back is not None:
        step = 1e-5 * max(abs(natural), 1e-8)
        ahead, behind = back(natural + step), back(natural - step)
        slope = (ahead - behind) / (2.0 * step)
        if not math.isfinite(slope) or slope == 0.0:
            raise DataError(
                f"The estimate of {argument} is {natural:.4g}, which {use.natural[argument]!r} "
                "cannot be after its transformation. Take another one, or none."
            )
        least, most = _LEAST_LOG, _WIDEST
        spread = None if spread is None else abs(slope) * spread
    error, shift = abs(slope) * error, abs(slope) * shift
    wide = _ERRORS * error if math.isfinite(error) else most
    enough = max(
        least,
        _SPREADS * (spread or 0.0),
        _SPREADS * (shift if math.isfinite(shift) else 0.0),
    )
    scale = float(np.clip(max(wide, enough), least, max(most, _SPREADS * (spread or 0.0))))
    between = _GROUP_SPREADS * spread if spread is not None else 0.0
    if math.isfinite(shift):
        between = max(between, min(shift, scale / _SPREADS))
    between = max(between, 0.5 * least)
    value = natural if back is None else back(natural)
    return NlparGuess(nlpar, argument, value, scale, between, argument in found.unsure)


def _spread(argument: str, found: CurveEstimate) -> float | None:
    """Return how far a parameter's estimates differ between groups, or None without groups."""
    spreads = []
    for groups in found.groups.values():
        values = groups.values.get(argument, np.empty(0))
        if len(values) < _FEWEST:
            continue
        spread = float(np.std(values, ddof=1))
        if len(values) >= _ROBUST_FROM:
            middle = np.median(values)
            spread = min(spread, 1.5 * _NORMAL_MAD * float(np.median(np.abs(values - middle))))
        spreads.append(spread)
    return max(spreads) if spreads else None


def _inverse(
    argument: str, use: CurveUse, design: Design, values: Mapping[str, float]
) -> Callable[[float], float] | None:
    """Return the way from a parameter back to its linear predictor; None if it is that."""
    known = {nlpar: values[a] for a, nlpar in use.natural.items() if a in values}
    bodies: list[NonlinearExpr] = []
    found = design.terms.predictor(use.natural[argument])
    while isinstance(found, NonlinearPredictor):
        bodies.append(found.body)
        [inner] = [p for p in found.parameters if p not in use.natural.values()]
        found = design.terms.predictor(inner)
    if not bodies:
        return None

    def back(value: float) -> float:
        for body in bodies:
            value = solve(body, value, known)
        return value

    if not math.isfinite(back(values[argument])):
        raise DataError(
            f"The estimate of {argument} is {values[argument]:.4g}, which "
            f"{use.natural[argument]!r} cannot be after its transformation. Take another one, or "
            "none."
        )
    return back


def curve_defaults(
    blocks: Sequence[ParameterBlock],
    design: Design,
    family: Family,
    y: NDArray[Any],
    rows: Sequence[Prior],
    *,
    lenient: bool = False,
) -> tuple[tuple[ParameterBlock, ...], Mapping[str, NlparGuess]]:
    """Give the parameters of a named curve default priors on their own scales.

    Parameters
    ----------
    blocks : sequence of ParameterBlock
        All parameters of the model, with brms' defaults.
    design : Design
        The design.
    family : Family
        The response's family.
    y : ndarray, shape (nobs,)
        The response, coded.
    rows : sequence of Prior
        The user's priors.
    lenient : bool
        Whether to go on without estimates where the data allow none, as for a part of the data
        whose priors were decided by all of them.

    Returns
    -------
    blocks : tuple of ParameterBlock
        The same with other defaults, if the model's mean is a named curve.
    guesses : dict of str to NlparGuess
        What the data say about its parameters; empty if it is none.

    Raises
    ------
    DataError
        If default priors are needed and the data cannot say what the curve is.
    """
    use = curve_in_use(design)
    on_link = None if use is None else link_scale_response(design, family, y)
    if use is None or on_link is None:
        return tuple(blocks), {}
    if not lenient:
        check_domain(use, design)
    kept = frozenset(name for name in use.nlpars if _is_set(name, blocks, rows))
    if not lenient and kept != use.nlpars:
        _check_groups(use, design, family)
    try:
        found = guesses(use, design, family, on_link)
    except DataError as error:
        if lenient or kept == use.nlpars:
            return _with_bounds(blocks, use, design, kept), {}
        raise DataError(f"{error}\n{_remedy(sorted(use.nlpars - kept))}") from error
    return with_guesses(_with_bounds(blocks, use, design, kept), found, design, kept), found


def _is_set(name: str, blocks: Sequence[ParameterBlock], rows: Sequence[Prior]) -> bool:
    """Whether the user has set a prior for all coefficients of a parameter."""
    own = [row for row in rows if row.nlpar == name and row.prior]
    for block in blocks:
        if block.nlpar == name and block.class_ in ("b", "Intercept"):
            of_class = [row for row in own if row.class_ == block.class_]
            named = {row.coef for row in of_class}
            wanted = zip(block.coefs, block.labels, strict=True)
            if "" not in named and not all(named & {coef, label} for coef, label in wanted):
                return False
    return True


def _remedy(names: Sequence[str]) -> str:
    """Say how to go on without default priors from the data."""
    lines = "".join(f'\n  prior("normal(..., ...)", nlpar="{name}")' for name in names)
    return (
        "The default priors of a named curve follow from such an estimate. Set priors instead:"
        f'{lines}\nor take brms\' flat ones: default_priors="brms".'
    )


def _with_bounds(
    blocks: Sequence[ParameterBlock], use: CurveUse, design: Design, kept: frozenset[str]
) -> tuple[ParameterBlock, ...]:
    """Return blocks with the natural bounds of coefficients that are the parameter itself."""
    arguments = {nlpar: argument for argument, nlpar in use.linear.items()}
    result = []
    for block in blocks:
        argument = arguments.get(block.nlpar)
        bounded = argument is not None and use.natural[argument] == block.nlpar
        if bounded and block.class_ in ("b", "Intercept") and block.nlpar not in kept:
            X = design.arrays.predictors[block.nlpar].X
            if _are_values(X):
                lower, upper = use.curve.limits(str(argument))
                block = replace(block, lower=lower, upper=upper)
        result.append(block)
    return tuple(result)


def with_guesses(
    blocks: Sequence[ParameterBlock],
    found: Mapping[str, NlparGuess],
    design: Design,
    kept: frozenset[str] = frozenset(),
) -> tuple[ParameterBlock, ...]:
    """Return blocks with defaults that follow from what the data say about the curve.

    Parameters
    ----------
    blocks : sequence of ParameterBlock
        The blocks with brms' defaults.
    found : mapping of str to NlparGuess
        By linear predictor.
    design : Design
        The design.
    kept : frozenset of str
        Linear predictors for whose coefficients the user has set a prior: they have no bounds
        beside those that the user gives.

    Returns
    -------
    tuple of ParameterBlock
    """
    return tuple(
        _with_guess(block, found[block.nlpar], design, block.nlpar in kept)
        if block.nlpar in found
        else block
        for block in blocks
    )


def _with_guess(
    block: ParameterBlock, guess: NlparGuess, design: Design, kept: bool
) -> ParameterBlock:
    """Return one block with its defaults."""
    X = design.arrays.predictors[guess.name].X
    info = design.predictors[guess.name]
    if block.class_ == "sd":
        return _with_texts(block, _sd_defaults(block, guess, design))
    if kept:
        return block
    if block.class_ == "Intercept":
        text = _normal(guess.value - _offset(design, guess.name), guess.scale)
        return replace(block, default=text)
    centres, scales = _coefficients(design, guess)
    if info.centred:
        centres, scales = np.zeros(X.shape[1] - 1), scales[1:]
    texts = [_normal(c, s) for c, s in zip(centres, scales, strict=True)]
    return _with_texts(block, texts)


def _with_texts(block: ParameterBlock, texts: Sequence[str]) -> ParameterBlock:
    """Return a block with these defaults: one for all if they are the same."""
    if len(set(texts)) == 1:
        return replace(block, default=texts[0], coef_defaults=())
    return replace(block, default="", coef_defaults=tuple(texts))


def _are_values(X: FloatArray) -> bool:
    """Whether each coefficient is the parameter itself in some rows, and nothing in others."""
    return bool(np.all((X == 0.0) | (X == 1.0)) and np.all(X.sum(axis=1) == 1.0))


def _offset(design: Design, name: str) -> float:
    """Return the mean offset of a linear predictor."""
    offset = design.arrays.predictors[name].offset
    return 0.0 if offset is None else float(offset.mean())


def _coefficients(design: Design, guess: NlparGuess) -> tuple[FloatArray, FloatArray]:
    """Return centres and scales of all coefficients, the intercept included, not centred.

    The centres are those that make the predictor what was estimated, in all rows.
    """
    X = design.arrays.predictors[guess.name].X
    centres = starting_coefficients(design, guess)
    spread = X.std(axis=0)
    size = np.sqrt(np.mean(np.square(X), axis=0))
    constant = spread <= 1e-12 * np.maximum(size, 1e-300)
    if _are_values(X):
        return centres, np.full(X.shape[1], guess.scale)
    with np.errstate(divide="ignore", invalid="ignore"):
        scales = np.where(constant, guess.scale / size, guess.scale / spread)
    # An intercept is the value where all other columns are zero, which may be far away.
    if constant.sum() == 1 and X.shape[1] > 1:
        far = np.where(constant, 0.0, X.mean(axis=0) * scales)
        scales = np.where(constant, np.hypot(scales, np.linalg.norm(far)), scales)
    return centres, np.where(np.isfinite(scales) & (scales > 0.0), scales, guess.scale)


def starting_coefficients(design: Design, guess: NlparGuess) -> FloatArray:
    """Return coefficients at which a linear predictor has its estimate in all rows.

    Parameters
    ----------
    design : Design
        The design.
    guess : NlparGuess
        The estimate.

    Returns
    -------
    ndarray, shape (coefficients,)
        Of the columns as they are, not centred.
    """
    X = design.arrays.predictors[guess.name].X
    target = np.full(len(X), guess.value - _offset(design, guess.name))
    solution, *_ = np.linalg.lstsq(X, target, rcond=None)
    tiny = 1e-9 * np.abs(solution).max(initial=0.0)
    return np.where(np.abs(solution) <= tiny, 0.0, solution)


def _sd_defaults(block: ParameterBlock, guess: NlparGuess, design: Design) -> list[str]:
    """Return defaults of the standard deviations of a group's effects on the parameter."""
    texts = {}
    for info, arrays in zip(design.groups, design.arrays.groups, strict=True):
        if info.group != block.group:
            continue
        for m, coef in enumerate(info.coefs):
            if coef.predictor == guess.name:
                size = _column_size(arrays.Z[:, m])
                texts[coef.name.brms] = f"student_t(3, 0, {_rounded(guess.spread / size)})"
    return [texts[coef] for coef in block.coefs]


def _column_size(column: FloatArray) -> float:
    """Return what a change of a column by its usual size is; 1 for indicators and constants."""
    if np.all((column == 0.0) | (column == 1.0)):
        return 1.0
    spread = float(column.std())
    return spread if spread > 0.0 else max(float(np.abs(column).max()), 1e-300)


def _normal(centre: float, scale: float) -> str:
    """Return a normal density as text, its numbers as exact as the scale makes sense of."""
    shown = float(_rounded(scale))
    digits = 1 - math.floor(math.log10(shown))
    return f"normal({format_number(round(centre, digits) + 0.0)}, {format_number(shown)})"


def _rounded(value: float) -> str:
    """Return a scale with two significant digits."""
    return format_number(float(f"{value:.1e}"))
