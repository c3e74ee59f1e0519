"""Numbers as R rounds and prints them, so that default priors read as in brms."""

from __future__ import annotations

import math

from brmspy.formula.expression import Number, deparse

__all__ = ["format_number", "round_to_tenth"]


def format_number(value: float) -> str:
    """Return a number with up to 15 significant digits, as R prints it.

    Scientific notation is used where it is shorter.

    Parameters
    ----------
    value : float
        The number.

    Returns
    -------
    str

    Examples
    --------
    >>> from brmspy.priors.numbers import format_number
    >>> format_number(59.3), format_number(1e6), format_number(1 / 3)
    ('59.3', '1e+06', '0.333333333333333')
    """
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Inf" if value > 0 else "-Inf")
    return deparse(Number(value + 0.0, ""))  # adding zero takes the sign off a negative zero


def round_to_tenth(value: float) -> float:
    """Round to one decimal as R 4.0 and later do.

    Of the two neighbouring tenths the one nearer in floating-point arithmetic is taken; of two
    equally near ones, the even one.

    Parameters
    ----------
    value : float
        A finite number.

    Returns
    -------
    float

    Examples
    --------
    >>> from brmspy.priors.numbers import round_to_tenth
    >>> round_to_tenth(0.15), round_to_tenth(2.35)
    (0.1, 2.4)
    """
    below, above = math.floor(10.0 * value), math.ceil(10.0 * value)
    down, up = value - below / 10.0, above / 10.0 - value
    if down == up:
        return (below if below % 2 == 0 else above) / 10.0
    return (below if down < up else above) / 10.0
