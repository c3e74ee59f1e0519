"""One record for each distribution that a prior can have: Stan's names, order and parametrisation.

Probabilities and quantiles come from SciPy; log densities are our own, which agree with Stan's and
keep their digits far out in the tails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import integrate, stats

from brmspy.priors import densities

__all__ = ["DISTRIBUTIONS", "Argument", "Distribution", "log_mass"]

Kind: TypeAlias = Literal["real", "positive", "unit"]


@dataclass(frozen=True)
class Argument:
    """An argument of a distribution.

    Attributes
    ----------
    name : str
        Stan's name.
    kind : {"real", "positive", "unit"}
        Which values it can have: any, above 0, or between 0 and 1.
    aliases : tuple of str
        Other names that are understood, R's among them.
    """

    name: str
    kind: Kind
    aliases: tuple[str, ...] = ()

    def accepts(self, value: float) -> bool:
        """Say whether the argument can have a value."""
        lower, upper = {"real": (-np.inf, np.inf), "positive": (0, np.inf), "unit": (0, 1)}[
            self.kind
        ]
        return bool(lower < value < upper)


@dataclass(frozen=True)
class Distribution:
    """A univariate distribution.

    Attributes
    ----------
    name : str
        Name in priors and in Stan.
    arguments : tuple of Argument
        In Stan's order.
    density : callable
        Log density of an array, given the arguments.
    scipy : callable
        SciPy's frozen distribution, given the arguments.
    support : callable
        Where the density is positive, given the arguments.
    ordered : bool
        Whether the first argument must be less than the second.
    """

    name: str
    arguments: tuple[Argument, ...]
    density: Callable[..., NDArray[np.float64]]
    scipy: Callable[..., Any]
    support: Callable[..., tuple[float, float]]
    ordered: bool = False

    @property
    def signature(self) -> str:
        """The call in words, such as ``"normal(mu, sigma)"``."""
        return f"{self.name}({', '.join(argument.name for argument in self.arguments)})"

    def log_density(self, x: ArrayLike, *args: ArrayLike) -> NDArray[np.float64]:
        """Return the log density, negative infinity outside the support.

        Parameters
        ----------
        x : array_like
            Where to evaluate it.
        *args : array_like
            The arguments, in Stan's order; they broadcast against `x`.

        Returns
        -------
        ndarray
        """
        values = np.asarray(x, dtype=float)
        arrays = [np.asarray(arg, dtype=float) for arg in args]
        lower, upper = self.support(*arrays)
        with np.errstate(all="ignore"):  # outside the support anything may come out
            inside = self.density(values, *arrays)
        return np.where((values >= lower) & (values <= upper), inside, -np.inf)


def log_mass(
    distribution: Distribution, args: tuple[float, ...], bounds: tuple[float, float]
) -> float:
    """Return the log probability of an interval.

    Each end is measured from the nearer tail, so that no digits are lost far from the median.

    Parameters
    ----------
    distribution : Distribution
        The distribution.
    args : tuple of float
        Its arguments.
    bounds : tuple of float
        Lower and upper end.

    Returns
    -------
    float
        0.0 if the interval holds all of the support, negative infinity if it holds nothing of it.

    Examples
    --------
    >>> import math
    >>> from brmspy.priors.distributions import DISTRIBUTIONS, log_mass
    >>> math.exp(log_mass(DISTRIBUTIONS["normal"], (0.0, 1.0), (0.0, math.inf)))
    0.5
    """
    lowest, highest = distribution.support(*args)
    lower, upper = max(bounds[0], lowest), min(bounds[1], highest)
    if not lower < upper:
        return -np.inf
    if lower <= lowest and upper >= highest:
        return 0.0
    variable = distribution.scipy(*args)
    with np.errstate(divide="ignore"):
        if upper >= highest or lower >= variable.median():
            wide, rest = float(variable.logsf(lower)), float(variable.logsf(upper))
        else:
            wide, rest = float(variable.logcdf(upper)), float(variable.logcdf(lower))
    # A difference of nearly equal numbers has no digits left, one of zeros never had any.
    if (wide == -np.inf or rest > wide - 1e-6) and np.isfinite(upper - lower):
        return _log_integral(distribution, args, lower, upper)
    return -np.inf if wide == -np.inf else float(wide + np.log(-np.expm1(rest - wide)))


def _log_integral(
    distribution: Distribution, args: tuple[float, ...], lower: float, upper: float
) -> float:
    """Integrate the density over an interval that is narrow or far out in a tail."""
    highest = float(np.max(distribution.log_density([lower, upper], *args)))
    if highest == -np.inf:
        return -np.inf

    def relative(x: float) -> float:
        return float(np.exp(distribution.log_density(x, *args) - highest))

    return highest + float(np.log(integrate.quad(relative, lower, upper)[0]))


def _line(*args: Any) -> tuple[float, float]:
    return -np.inf, np.inf


def _positive(*args: Any) -> tuple[float, float]:
    return 0.0, np.inf


def _unit(*args: Any) -> tuple[float, float]:
    return 0.0, 1.0


def _from_first(start: Any, *args: Any) -> tuple[Any, float]:
    return start, np.inf


def _between(start: Any, end: Any) -> tuple[Any, Any]:
    return start, end


def _turn(mu: Any, kappa: Any) -> tuple[Any, Any]:
    return mu - np.pi, mu + np.pi


def _location(name: str = "mu") -> Argument:
    return Argument(name, "real", ("location", "loc"))


def _scale(name: str = "sigma") -> Argument:
    return Argument(name, "positive", ("scale",))


def _shape(name: str = "alpha") -> Argument:
    return Argument(name, "positive", ("shape",))


_DF = Argument("nu", "positive", ("df",))


def _skew_double_exponential(mu: float, sigma: float, tau: float) -> Any:
    """Laplace with different rates on both sides of its location."""
    spread = np.sqrt(tau * (1.0 - tau))
    return stats.laplace_asymmetric(np.sqrt(tau / (1.0 - tau)), mu, 0.5 * sigma / spread)


# In this order they appear in a program.
_RECORDS = (
    Distribution(
        "normal",
        (
            Argument("mu", "real", ("mean", "location", "loc")),
            Argument("sigma", "positive", ("sd", "scale")),
        ),
        densities.normal,
        stats.norm,
        _line,
    ),
    Distribution(
        "student_t",
        (_DF, Argument("mu", "real", ("location", "loc", "mean")), _scale()),
        densities.student_t,
        stats.t,
        _line,
    ),
    Distribution("cauchy", (_location(), _scale()), densities.cauchy, stats.cauchy, _line),
    Distribution(
        "double_exponential",
        (_location(), _scale()),
        densities.double_exponential,
        stats.laplace,
        _line,
    ),
    Distribution("logistic", (_location(), _scale()), densities.logistic, stats.logistic, _line),
    Distribution("gumbel", (_location(), _scale("beta")), densities.gumbel, stats.gumbel_r, _line),
    Distribution(
        "skew_normal",
        (_location("xi"), _scale("omega"), Argument("alpha", "real", ("shape", "slant"))),
        densities.skew_normal,
        lambda xi, omega, alpha: stats.skewnorm(alpha, xi, omega),
        _line,
    ),
    Distribution(
        "exp_mod_normal",
        (_location(), _scale(), Argument("lambda", "positive", ("rate",))),
        densities.exp_mod_normal,
        lambda mu, sigma, rate: stats.exponnorm(1.0 / (sigma * rate), mu, sigma),
        _line,
    ),
    Distribution(
        "skew_double_exponential",
        (_location(), _scale(), Argument("tau", "unit", ("quantile",))),
        densities.skew_double_exponential,
        _skew_double_exponential,
        _line,
    ),
    Distribution(
        "lognormal",
        (Argument("mu", "real", ("meanlog",)), Argument("sigma", "positive", ("sdlog",))),
        densities.lognormal,
        lambda mu, sigma: stats.lognorm(sigma, 0.0, np.exp(mu)),
        _positive,
    ),
    Distribution("chi_square", (_DF,), densities.chi_square, stats.chi2, _positive),
    Distribution(
        "inv_chi_square",
        (_DF,),
        densities.inv_chi_square,
        lambda nu: stats.invgamma(0.5 * nu, 0.0, 0.5),
        _positive,
    ),
    Distribution(
        "scaled_inv_chi_square",
        (_DF, _scale()),
        densities.scaled_inv_chi_square,
        lambda nu, sigma: stats.invgamma(0.5 * nu, 0.0, 0.5 * nu * sigma * sigma),
        _positive,
    ),
    Distribution(
        "exponential",
        (Argument("beta", "positive", ("rate",)),),
        densities.exponential,
        lambda beta: stats.expon(0.0, 1.0 / beta),
        _positive,
    ),
    Distribution(
        "gamma",
        (_shape(), Argument("beta", "positive", ("rate",))),
        densities.gamma,
        lambda alpha, beta: stats.gamma(alpha, 0.0, 1.0 / beta),
        _positive,
    ),
    Distribution(
        "inv_gamma",
        (_shape(), _scale("beta")),
        densities.inv_gamma,
        lambda alpha, beta: stats.invgamma(alpha, 0.0, beta),
        _positive,
    ),
    Distribution(
        "weibull",
        (_shape(), _scale()),
        densities.weibull,
        lambda alpha, sigma: stats.weibull_min(alpha, 0.0, sigma),
        _positive,
    ),
    Distribution(
        "frechet",
        (_shape(), _scale()),
        densities.frechet,
        lambda alpha, sigma: stats.invweibull(alpha, 0.0, sigma),
        _positive,
    ),
    Distribution(
        "rayleigh",
        (_scale(),),
        densities.rayleigh,
        lambda sigma: stats.rayleigh(0.0, sigma),
        _positive,
    ),
    Distribution(
        "loglogistic",
        (_scale("alpha"), _shape("beta")),
        densities.loglogistic,
        lambda alpha, beta: stats.fisk(beta, 0.0, alpha),
        _positive,
    ),
    Distribution(
        "pareto",
        (Argument("y_min", "positive", ("min", "minimum")), _shape()),
        densities.pareto,
        lambda y_min, alpha: stats.pareto(alpha, 0.0, y_min),
        _from_first,
    ),
    Distribution(
        "pareto_type_2",
        (_location(), _scale("lambda"), _shape()),
        densities.pareto_type_2,
        lambda mu, scale, alpha: stats.lomax(alpha, mu, scale),
        _from_first,
    ),
    Distribution(
        "beta",
        (Argument("alpha", "positive", ("shape1",)), Argument("beta", "positive", ("shape2",))),
        densities.beta,
        stats.beta,
        _unit,
    ),
    Distribution(
        "beta_proportion",
        (Argument("mu", "unit", ("mean",)), Argument("kappa", "positive", ("phi", "precision"))),
        densities.beta_proportion,
        lambda mu, kappa: stats.beta(mu * kappa, (1.0 - mu) * kappa),
        _unit,
    ),
    Distribution(
        "uniform",
        (
            Argument("alpha", "real", ("min", "lower", "lb")),
            Argument("beta", "real", ("max", "upper", "ub")),
        ),
        densities.uniform,
        lambda alpha, beta: stats.uniform(alpha, beta - alpha),
        _between,
        ordered=True,
    ),
    Distribution(
        "von_mises",
        (_location(), Argument("kappa", "positive", ("concentration",))),
        densities.von_mises,
        lambda mu, kappa: stats.vonmises(kappa, mu),
        _turn,
    ),
)

DISTRIBUTIONS: Mapping[str, Distribution] = {record.name: record for record in _RECORDS}
"""All univariate distributions by name."""
