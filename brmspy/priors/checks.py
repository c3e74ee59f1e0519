"""Whether densities, bounds and parameters go together."""

from __future__ import annotations

import math

from brmspy.errors import PriorError
from brmspy.priors.distributions import DISTRIBUTIONS
from brmspy.priors.numbers import format_number
from brmspy.priors.parameters import ParameterBlock
from brmspy.priors.rows import Prior
from brmspy.priors.syntax import Density

__all__ = ["check_bounds", "check_density"]

# Bounds that users copy from a message are rounded.
_SLACK = 1e-12


def check_bounds(
    block: ParameterBlock,
    name: str,
    bounds: tuple[float, float],
    rows: tuple[Prior | None, Prior | None],
) -> None:
    """Refuse bounds that a parameter cannot have.

    Parameters
    ----------
    block : ParameterBlock
        The block that the parameter belongs to.
    name : str
        Name of the parameter.
    bounds : tuple of float
        Lower and upper bound.
    rows : tuple of Prior or None
        The user's priors that they come from.
    """
    lower_row, upper_row = rows
    given = lower_row or upper_row
    if given is None:
        return
    if block.class_ == "cor":
        raise PriorError(
            f"{given}: correlations take no bounds. Leave lb and ub out; lkj(eta) with a larger "
            "eta favours weak correlations."
        )
    lower, upper = bounds
    if lower_row is not None and lower < block.lower:
        raise PriorError(
            f"{lower_row}: {name} cannot be less than {format_number(block.lower)}, which "
            f"lb = {format_number(lower)} would allow. Leave lb out."
        )
    if upper_row is not None and upper > block.upper:
        raise PriorError(
            f"{upper_row}: {name} cannot be greater than {format_number(block.upper)}, which "
            f"ub = {format_number(upper)} would allow. Leave ub out."
        )
    if not lower < upper:
        both = " and ".join(dict.fromkeys(str(row) for row in rows if row is not None))
        raise PriorError(
            f"{both}: no value of {name} is between its lower bound {format_number(lower)} and its "
            f"upper bound {format_number(upper)}. Change lb or ub."
        )


def check_density(
    block: ParameterBlock,
    name: str,
    where: str,
    density: Density,
    bounds: tuple[float, float],
) -> None:
    """Refuse a density that does not suit a parameter.

    Parameters
    ----------
    block : ParameterBlock
        The block that the parameter belongs to.
    name : str
        Name of the parameter.
    where : str
        The prior, for the message.
    density : Density
        Its density.
    bounds : tuple of float
        Bounds of the parameter.
    """
    if block.class_ == "cor":
        _check_correlation(where, density)
    elif density.name == "lkj":
        raise PriorError(
            f"{where}: lkj is a density of correlation matrices, and {name} is a number. Write "
            'lkj for class_="cor", and for example "normal(0, 1)" here.'
        )
    elif density.name == "constant":
        _check_constant(block, name, where, density.args[0], bounds)
    elif density.name in DISTRIBUTIONS:
        _check_support(name, where, density, bounds)


def _check_correlation(where: str, density: Density) -> None:
    """Refuse anything but lkj for correlations."""
    if density.name == "lkj":
        return
    if density.name == "constant":
        advice = "They cannot be fixed; (x || g) in the formula leaves them out."
    elif density.name in ("", "flat"):
        advice = "lkj(1) is uniform over correlation matrices."
    else:
        advice = "Write for example lkj(2), which favours weak correlations."
    raise PriorError(f"{where}: the prior of correlations must be lkj(eta). {advice}")


def _check_constant(
    block: ParameterBlock, name: str, where: str, value: float, bounds: tuple[float, float]
) -> None:
    """Refuse to fix a parameter at a value that it cannot have."""
    if not bounds[0] <= value <= bounds[1]:
        raise PriorError(f"{where}: {format_number(value)} is not in {_range(name, bounds)}.")
    is_scale = block.class_ != "sd" and (block.lower, block.upper) == (0.0, math.inf)
    if is_scale and value == 0.0:
        raise PriorError(f"{where}: {name} must be greater than 0. Fix it at a positive number.")


def _check_support(name: str, where: str, density: Density, bounds: tuple[float, float]) -> None:
    """Refuse a density that is zero where the parameter can go."""
    lower, upper = bounds
    lowest, highest = map(float, DISTRIBUTIONS[density.name].support(*density.args))
    if lower >= highest or upper <= lowest:
        raise PriorError(
            f"{where}: the density is zero in all of {_range(name, bounds)}; it is positive "
            f"{_interval(lowest, highest)} only. Change the density or the bounds."
        )
    missing = []
    if lower < lowest - _SLACK * abs(lowest):
        missing.append(f"lb={format_number(lowest)}")
    if upper > highest + _SLACK * abs(highest):
        missing.append(f"ub={format_number(highest)}")
    if missing:
        raise PriorError(
            f"{where}: the density is positive {_interval(lowest, highest)} only, but {name} can "
            f"go beyond. Add {' and '.join(missing)} to bound the parameter, or take a density "
            "that is positive there too."
        )


def _range(name: str, bounds: tuple[float, float]) -> str:
    """Return the range of a parameter in words."""
    return f"the range of {name}, which is {_interval(*bounds)}"


def _interval(lower: float, upper: float) -> str:
    """Return an interval in words."""
    if math.isinf(upper):
        return "everywhere" if math.isinf(lower) else f"above {format_number(lower)}"
    if math.isinf(lower):
        return f"below {format_number(upper)}"
    return f"between {format_number(lower)} and {format_number(upper)}"
