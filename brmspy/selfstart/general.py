"""Starting values for curves that nothing is known about: random ones, of all orders of size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from brmspy.formula import INPUT, LOG_RATE, NUMBER, RATE, RESPONSE, WIDTH
from brmspy.selfstart.projection import FloatArray
from brmspy.selfstart.records import Inputs, Values

__all__ = ["random_guesses"]

_TRIES = 400
_KEPT = 8


def random_guesses(
    curve: Callable[[FloatArray], FloatArray],
    parameters: Sequence[str],
    y: FloatArray,
    *,
    inputs: Inputs,
    units: Mapping[str, str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
) -> Iterator[Values]:
    """Yield the best of many random points; the same for the same data.

    Parameters
    ----------
    curve : callable
        From the parameters to the curve at the rows.
    parameters : sequence of str
        Their names.
    y : ndarray, shape (nobs,)
        The response.
    inputs : mapping of str to ndarray
        What the curve reads of the data.
    units : mapping of str to str, optional
        Units of the parameters, which tell what size they could have.
    bounds : mapping of str to (float, float), optional
        Bounds of the parameters.

    Yields
    ------
    dict of str to float
    """
    rng = np.random.default_rng(20001)
    scored = []
    for number in range(_TRIES):
        point = [
            _draw(rng, (units or {}).get(name, ""), (bounds or {}).get(name), y, inputs)
            if number
            else 1.0
            for name in parameters
        ]
        with np.errstate(all="ignore"):
            left = np.asarray(curve(np.array(point)) - y)
            loss = float(left @ left)
        if np.isfinite(loss):
            scored.append((loss, point))
    scored.sort(key=lambda item: item[0])
    for _, point in scored[:_KEPT]:
        yield dict(zip(parameters, point, strict=True))


def _draw(
    rng: np.random.Generator,
    unit: str,
    bounds: tuple[float, float] | None,
    y: FloatArray,
    inputs: Inputs,
) -> float:
    """Draw a value of the size that a parameter of this unit could have."""
    x = next(iter(inputs.values()), np.array([0.0, 1.0]))
    span = max(float(np.ptp(x)), 1e-300)
    height = max(float(np.ptp(y)), 1e-300)
    low, high = (-np.inf, np.inf) if bounds is None else bounds
    if np.isfinite(low) and np.isfinite(high):
        return float(rng.uniform(low, high))
    if unit == RESPONSE:
        value = rng.uniform(y.min() - height, y.max() + height)
    elif unit == INPUT:
        value = rng.uniform(x.min() - 0.3 * span, x.max() + 0.3 * span)
        if low == 0.0:
            value = span * 10.0 ** rng.uniform(-2.0, 0.5)
    elif unit == WIDTH:
        value = span * 10.0 ** rng.uniform(-2.0, 0.3)
    elif unit == RATE:
        value = 10.0 ** rng.uniform(-1.0, 1.5) / span
    elif unit == LOG_RATE:
        value = np.log(10.0 ** rng.uniform(-1.0, 1.5) / span)
    elif unit == NUMBER:
        value = 10.0 ** rng.uniform(-1.0, 1.0)
    else:
        size = rng.choice([1.0, height, float(np.abs(y).max()), 1.0 / span, span])
        value = size * rng.choice([-1.0, 1.0, 1.0]) * 10.0 ** rng.uniform(-1.5, 1.0)
    if np.isfinite(low) and value <= low:
        value = low + abs(value - low) + 1e-3
    if np.isfinite(high) and value >= high:
        value = high - abs(value - high) - 1e-3
    return float(value)
