"""Default priors by brms' rules: flat for coefficients, Student's t scaled to the response."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.data import CoefName, Design, PredictorInfo
from brmspy.families import Dpar, Family, get_link
from brmspy.priors.numbers import format_number, round_to_tenth
from brmspy.priors.parameters import ParameterBlock

__all__ = ["parameter_blocks", "response_scale"]

_SCALE = 2.5  # also the smallest scale that data can lead to
_MAD = 1.4826  # R's constant: makes the MAD of a normal sample estimate its standard deviation
_DATA_LINKS = frozenset({"identity", "log", "inverse", "sqrt"})
_LINKS_WITHOUT_ZERO = frozenset({"log", "inverse"})


def response_scale(
    y: NDArray[Any] | None, link: str, offset_mean: float = 0.0
) -> tuple[float, float]:
    """Return the location and scale that default priors take from the response.

    Parameters
    ----------
    y : ndarray, shape (obs,), or None
        The response; None if it is not a number.
    link : str
        Link whose scale the parameter is on.
    offset_mean : float
        Mean of the offset, which the location does not have to account for.

    Returns
    -------
    tuple of float
        Median and MAD of the response on the scale of the link, both rounded to one decimal, the
        scale at least 2.5; 0 and 2.5 if the link is none of identity, log, inverse and sqrt.

    Examples
    --------
    >>> import numpy as np
    >>> from brmspy.priors.defaults import response_scale
    >>> response_scale(np.array([10.0, 20.0, 40.0]), "identity")
    (20.0, 14.8)
    """
    if y is None or link not in _DATA_LINKS:
        return 0.0, _SCALE
    values = np.asarray(y, dtype=float)
    if link in _LINKS_WITHOUT_ZERO:
        values = np.where(values == 0.0, 0.1, values)
    with np.errstate(all="ignore"):  # values that the link does not take become NaN: see below
        values = get_link(link).forward(values)
        median = float(np.median(values))
        mad = _MAD * float(np.median(np.abs(values - median)))
    location = round_to_tenth(median) if math.isfinite(median) else 0.0
    scale = max(_SCALE, round_to_tenth(mad)) if math.isfinite(mad) else _SCALE
    return location - offset_mean, scale


def parameter_blocks(design: Design, family: Family, y: NDArray[Any]) -> tuple[ParameterBlock, ...]:
    """Return everything that can have a prior in a model, with defaults.

    Parameters
    ----------
    design : Design
        Coefficients, groups and the response as it is in the data.
    family : Family
        The response's family.
    y : ndarray, shape (obs,)
        The response, coded as the family wants it.

    Returns
    -------
    tuple of ParameterBlock

    References
    ----------
    Bürkner, P.-C. (2017). brms: An R package for Bayesian multilevel models using Stan. Journal of
    Statistical Software, 80(1), 1-28.

    Examples
    --------
    >>> from brmspy.data import design
    >>> from brmspy.families import gaussian
    >>> from brmspy.formula import parse
    >>> from brmspy.priors import parameter_blocks
    >>> data = {"y": [10.0, 20.0, 40.0], "x": [0, 1, 3]}
    >>> made = design(parse("y ~ x"), data)
    >>> for block in parameter_blocks(made, gaussian(), made.arrays.response.to_numpy()):
    ...     print(*block.names, block.default or "flat")
    b_x flat
    Intercept student_t(3, 20, 14.8)
    sigma student_t(3, 0, 14.8)
    """
    numbers = y if _is_number(design.arrays.response) else None
    return (
        *_population_blocks(design, family, numbers),
        *_sd_blocks(design, family, numbers),
        *_cor_blocks(design),
        *_family_blocks(design, family, numbers),
    )


def _is_number(response: pd.Series[Any] | None) -> bool:
    """Whether the response is a number in the data, not text, a factor or a truth value."""
    return (
        response is not None
        and pd.api.types.is_numeric_dtype(response.dtype)
        and not pd.api.types.is_bool_dtype(response.dtype)
    )


def _student_t(location: float, scale: float) -> str:
    """Return Student's t with three degrees of freedom, as text."""
    return f"student_t(3, {format_number(location)}, {format_number(scale)})"


def _scope(name: str, family: Family) -> tuple[str, str]:
    """Return the dpar and nlpar of a predictor's parameters."""
    if name not in family.dpar_names:
        return "", name
    return "" if name == "mu" else name, ""


def _population_blocks(
    design: Design, family: Family, y: NDArray[Any] | None
) -> Iterator[ParameterBlock]:
    """Yield coefficients and centred intercepts."""
    for name, info in design.predictors.items():
        scope = _scope(name, family)
        coefs = info.coefs[1:] if info.centred else info.coefs
        if coefs:
            yield ParameterBlock("b", *scope, "", *_names(coefs))
        if info.centred:
            default = _intercept_default(info, design, family, y)
            yield ParameterBlock("Intercept", *scope, default=default)


def _names(coefs: Sequence[CoefName]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return brms' names and the user's words."""
    return tuple(coef.brms for coef in coefs), tuple(coef.label for coef in coefs)


def _intercept_default(
    info: PredictorInfo, design: Design, family: Family, y: NDArray[Any] | None
) -> str:
    """Return the default prior of a centred intercept."""
    if info.name not in family.dpar_names:
        return ""
    dpar = family.dpar(info.name)
    # On the identity scale the defaults below may give density to values it cannot have.
    if dpar.intercept_prior is not None and dpar.link.name != "identity":
        return dpar.intercept_prior
    if dpar.name == "mu":
        offset = design.arrays.predictors["mu"].offset
        mean = 0.0 if offset is None else float(np.mean(offset))
        return _student_t(*response_scale(y, dpar.link.name, mean))
    if dpar.name == "sigma":
        return _scale_default(y, dpar.link.name)
    return _student_t(0.0, _SCALE)


def _scale_default(y: NDArray[Any] | None, link: str) -> str:
    """Return the default prior of a parameter that measures spread."""
    return _student_t(0.0, response_scale(y, link)[1])


def _sd_blocks(design: Design, family: Family, y: NDArray[Any] | None) -> Iterator[ParameterBlock]:
    """Yield the standard deviations of each grouping factor in each predictor."""
    # As in brms the link of the mean decides, whatever the coefficients predict.
    default = _scale_default(y, family.link.name)
    members: dict[tuple[str, str], list[CoefName]] = {}
    for group in design.groups:
        for coef in group.coefs:
            members.setdefault((group.group, coef.predictor), []).append(coef.name)
    for (name, predictor), coefs in members.items():
        yield ParameterBlock(
            "sd", *_scope(predictor, family), name, *_names(coefs), lower=0.0, default=default
        )


def _cor_blocks(design: Design) -> Iterator[ParameterBlock]:
    """Yield the correlations of each grouping factor."""
    correlated = [g.group for g in design.groups if g.correlated and len(g.coefs) > 1]
    for group in dict.fromkeys(correlated):
        yield ParameterBlock("cor", group=group, lower=-1.0, upper=1.0, default="lkj(1)")


def _family_blocks(
    design: Design, family: Family, y: NDArray[Any] | None
) -> Iterator[ParameterBlock]:
    """Yield the family's parameters that are estimated as one number."""
    given = {item.name for item in (*design.terms.predictors, *design.terms.fixed)}
    for dpar in family.dpars:
        if dpar.name not in given:
            yield ParameterBlock(
                dpar.name,
                lower=dpar.lower,
                upper=dpar.upper,
                default=_family_default(dpar, y),
            )


def _family_default(dpar: Dpar, y: NDArray[Any] | None) -> str:
    """Return the default prior of a family's parameter on its natural scale."""
    return _scale_default(y, "identity") if dpar.prior is None else dpar.prior
