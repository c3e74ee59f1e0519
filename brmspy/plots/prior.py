"""Priors against posteriors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from brmspy.drawing import (
    BLUE,
    VERMILION,
    axes_for,
    density,
    house_style,
    line,
    plain,
    shorten,
)
from brmspy.errors import BrmspyError
from brmspy.fit import Fit
from brmspy.plots.parameters import Parameter, chosen_parameters, limited, prior_elements
from brmspy.priors import DISTRIBUTIONS, ElementPrior
from brmspy.program import coefficient_variable, correlated_pairs

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

__all__ = ["plot_prior"]

FloatArray = NDArray[np.float64]

_MOST = 12
_MOST_NAMED = 60
_POINTS = 401
_WIDEST = 4.0  # how far an axis goes beyond the posterior, in widths of the posterior
_CENTRAL = (0.02, 0.98)


@dataclass(frozen=True)
class _Marginal:
    """The prior of one parameter.

    Attributes
    ----------
    text : str
        As the user wrote it.
    density : callable or None
        None if the prior has no density, since it is flat or a constant.
    quantiles : callable
        From probabilities to values; only used if there is a density.
    lower, upper : float
        Bounds.
    """

    text: str
    density: Callable[[FloatArray], FloatArray] | None
    quantiles: Callable[[FloatArray], FloatArray]
    lower: float
    upper: float


def plot_prior(
    fit: Fit,
    variables: str | Sequence[str] | None = None,
    *,
    ax: Axes | NDArray[np.object_] | None = None,
) -> Axes | NDArray[np.object_]:
    """Show what the data have added to the prior of each parameter.

    Prior densities are exact: truncated at the bounds of the parameter, and for correlations those
    that the prior of the whole matrix implies. If the two curves are alike, the data say little
    about the parameter, and the prior matters.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    variables : str or sequence of str, optional
        Parameters (``"b_Days"``) or variables (``"b"``). By default all but the effects of the
        groups' levels, the first 12 of them.
    ax : Axes or array of Axes, optional
        Where to draw: one for each parameter.

    Returns
    -------
    Axes or ndarray of Axes
        One for each parameter.

    Raises
    ------
    BrmspyError
        If there is no such parameter, or it has no prior of its own.

    Notes
    -----
    brms, and brmspy, set the prior of the intercept on the linear predictor at the mean of all
    columns of the model matrix. There the two are compared; the panel says so.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> fit.plot_prior("sigma").get_xlabel()
    'prior: student_t(3, 0, 59.3)'
    """
    most = _MOST if variables is None else _MOST_NAMED
    found, note = limited(chosen_parameters(fit, variables), most)
    compared = [_compared(fit, parameter) for parameter in found]
    drawn_from = "draws from the prior" if fit.model.sample_prior == "only" else "posterior"
    with house_style():
        panels = axes_for(len(found), ax)
        entries: list[tuple[Artist, str]] = []
        small = 8 if panels.columns > 3 else 9
        for place, (title, draws, prior) in enumerate(compared):
            # Of a parameter with a flat prior there may be no entry, of another there is.
            entries += _draw(panels[place], draws, prior, drawn_from)
            panels.head(place, title)
            label = f"prior: {plain(shorten(prior.text, 40))}"
            panels[place].set_xlabel(label, fontsize=small)
        panels.labels(y="density")
        panels.legend(sorted(entries, key=lambda entry: entry[1], reverse=True))
        panels.note(note)
    return panels.result


def _draw(
    ax: Axes, draws: FloatArray, prior: _Marginal, drawn_from: str
) -> list[tuple[Artist, str]]:
    """Draw the two densities of one parameter."""
    curve = density(ax, draws, lower=prior.lower, upper=prior.upper, colour=BLUE, fill=True)
    entries = [(curve, drawn_from)]
    if prior.density is not None:
        low, high = _range(draws, prior)
        x = np.linspace(low, high, _POINTS)
        heights = prior.density(x)
        known = np.isfinite(heights)  # a density may be infinite at its bound
        x, heights = x[known], heights[known]
        if low <= prior.lower:
            x, heights = np.append(low, x), np.append(0.0, heights)
        if high >= prior.upper:
            x, heights = np.append(x, high), np.append(heights, 0.0)
        entries.append((line(ax, x, heights, colour=VERMILION, dash="--"), "prior"))
        ax.set_xlim(low - 0.03 * (high - low), high + 0.03 * (high - low))
    ax.set_ylim(bottom=0)
    return entries


def _range(draws: FloatArray, prior: _Marginal) -> tuple[float, float]:
    """Return the ends of the axis: all of the posterior, and what fits of the prior."""
    low, high = float(draws.min()), float(draws.max())
    start, end = prior.quantiles(np.array(_CENTRAL))
    reach = _WIDEST * (high - low) if high > low else np.inf
    low = max(min(low, float(start)), low - reach)
    high = min(max(high, float(end)), high + reach)
    margin = 0.1 * (high - low)
    return max(low - margin, prior.lower), min(high + margin, prior.upper)


def _compared(fit: Fit, parameter: Parameter) -> tuple[str, FloatArray, _Marginal]:
    """Return a title, the draws that the prior is about, and the prior."""
    elements = prior_elements(fit)
    title = parameter.name
    if parameter.section == "group_cor":
        return title, parameter.draws, _correlation(fit, parameter, elements)
    if parameter.section == "population":
        centred = _centred(fit, parameter)
        if centred is not None:
            name, draws, others = centred
            if others:
                title = f"{title}\nat the columns' means"
            return title, draws, _univariate(elements[name])
    if parameter.name not in elements:
        raise BrmspyError(
            f"{parameter.name!r} has no prior of its own that could be drawn: effects of levels "
            "follow a normal distribution whose standard deviation is another parameter. Choose "
            f"from fit.prior_summary(), such as {next(iter(elements), '')!r}."
        )
    return title, parameter.draws, _univariate(elements[parameter.name])


def _centred(fit: Fit, parameter: Parameter) -> tuple[str, FloatArray, bool] | None:
    """Return the intercept that has the prior, if the parameter is one whose columns are centred.

    Returns the name of the prior, the draws, and whether there are other columns.
    """
    assert parameter.variable is not None
    for info in fit.model.design.predictors.values():
        if coefficient_variable(info.name) != parameter.variable.name:
            continue
        first = str(parameter.variable.brms[0])
        if not info.centred or parameter.name not in (
            first,
            f"{parameter.variable.name}[Intercept]",
        ):
            return None
        weights = np.array(info.means, dtype=float)
        weights[0] = 1.0
        coefs = fit.groups["posterior"][parameter.variable.name].to_numpy()
        name = "Intercept" if info.name == "mu" else f"Intercept_{info.name}"
        return name, coefs @ weights, len(weights) > 1
    return None


def _univariate(element: ElementPrior) -> _Marginal:
    """Return the prior of a parameter that is one number."""
    lower, upper = element.lower, element.upper
    if element.improper or element.distribution == "constant":
        return _Marginal(element.text, None, lambda p: p, lower, upper)

    def quantiles(p: FloatArray) -> FloatArray:
        if element.distribution == "flat":
            return lower + p * (upper - lower)
        variable = DISTRIBUTIONS[element.distribution].scipy(*element.args)
        below, above = variable.cdf(lower), variable.cdf(upper)
        return np.asarray(variable.ppf(below + p * (above - below)), dtype=float)

    return _Marginal(
        element.text, lambda x: np.exp(element.log_density(x)), quantiles, lower, upper
    )


def _correlation(fit: Fit, parameter: Parameter, elements: dict[str, ElementPrior]) -> _Marginal:
    """Return the distribution of one correlation of a matrix with the LKJ distribution.

    It is a beta distribution on (-1, 1).

    References
    ----------
    Lewandowski, D., Kurowicka, D. and Joe, H. (2009). Generating random correlation matrices based
    on vines and extended onion method. Journal of Multivariate Analysis, 100(9), 1989-2001.
    https://doi.org/10.1016/j.jmva.2009.04.008
    """
    from scipy.stats import beta

    assert parameter.variable is not None
    variable = parameter.variable
    element = elements[variable.name]
    if element.distribution != "lkj":
        return _univariate(element)
    names = [*variable.brms.flat]
    general = [f"{variable.name}[{label}]" for label in variable.coords[variable.dims[0]]]
    place = (names if parameter.name in names else general).index(parameter.name)
    groups = fit.model.design.groups
    block = correlated_pairs(groups, variable.group)[place][0]
    shape = element.args[0] - 1.0 + 0.5 * len(groups[block].coefs)
    implied = beta(shape, shape, loc=-1.0, scale=2.0)
    return _Marginal(element.text, implied.pdf, implied.ppf, -1.0, 1.0)
