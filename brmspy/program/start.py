"""Where the chains start, and the scales that they start with.

Both come from the pilot fit. The starting points are spread around it by up to two of its standard
deviations in every direction, so that chains that do not find the same distribution can be told
from each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.program.parameters import StanParameter
from brmspy.program.unconstrained import constrain, unconstrain

__all__ = ["Start", "StartValue", "free_start"]

FloatArray = NDArray[np.float64]

_SPREAD = 2.0
_NEARER = (2.0, 2.0, 1.0, 1.0, 0.5, 0.25, 0.1, 0.0)  # where the density ends nearby
_SMALLEST, _LARGEST = 1e-6, 1e6  # variances that Stan can start from


@dataclass(frozen=True)
class StartValue:
    """Where a block of parameters is about.

    Attributes
    ----------
    value : ndarray
        In the shape that it has in Stan.
    variance : ndarray, shape (unconstrained elements,)
        Approximate posterior variances on Stan's unconstrained scale, in Stan's order.
    """

    value: FloatArray
    variance: FloatArray


def free_start(parameter: StanParameter, value: FloatArray, variance: FloatArray) -> StartValue:
    """Return the start of a block from variances on the scale that it has for users.

    Parameters
    ----------
    parameter : StanParameter
        The block.
    value : ndarray
        Where its sampled elements are about.
    variance : ndarray, shape (n,)
        Their variances.

    Returns
    -------
    StartValue
    """
    step = 1e-3
    value = np.asarray(value)
    centre = unconstrain(parameter, value)
    ahead, behind = (constrain(parameter, centre + move, value.shape) for move in (step, -step))
    slope = np.ravel(ahead - behind, order="F") / (2.0 * step)
    # Near a bound the transform is far from linear over the whole posterior.
    limit = 1.0 if parameter.bounds else np.inf
    return StartValue(value, np.minimum(variance / np.square(slope), limit))


@dataclass(frozen=True)
class Start:
    """Starting points and inverse metric of a program.

    Attributes
    ----------
    parameters : tuple of StanParameter
        What is sampled, in the order of the program.
    values : mapping of str to StartValue
        By parameter.
    """

    parameters: tuple[StanParameter, ...]
    values: Mapping[str, StartValue]

    def inverse_metric(self) -> FloatArray:
        """Return the variances of the unconstrained parameters, shape (n,)."""
        parts = [self.values[p.name].variance for p in self.parameters]
        return np.clip(np.concatenate(parts), _SMALLEST, _LARGEST)

    def points(
        self,
        seed: int,
        chains: int,
        inside: Callable[[Mapping[str, Any]], bool] | None = None,
    ) -> list[dict[str, Any]]:
        """Return where each chain starts.

        Parameters
        ----------
        seed : int
            Seed of the random numbers.
        chains : int
            Number of chains.
        inside : callable, optional
            Whether the model has a density at a point. If it does not, other points are drawn,
            less and less far from the pilot fit.

        Returns
        -------
        list of dict
            Values by the names of the Stan program.
        """
        generators = [np.random.default_rng([seed, chain]) for chain in range(chains)]
        return [self._within(rng, inside) for rng in generators]

    def _within(
        self, rng: np.random.Generator, inside: Callable[[Mapping[str, Any]], bool] | None
    ) -> dict[str, Any]:
        """Return a starting point at which there is a density, as far as one is found."""
        point = self._point(rng, _SPREAD)
        for spread in _NEARER:
            if inside is None or inside(point):
                return point
            point = self._point(rng, spread)
        return point

    def _point(self, rng: np.random.Generator, spread: float) -> dict[str, Any]:
        """Return one starting point."""
        point = {}
        for parameter in self.parameters:
            start = self.values[parameter.name]
            centre = unconstrain(parameter, start.value)
            scale = np.sqrt(np.clip(start.variance, _SMALLEST, _LARGEST))
            moved = centre + scale * rng.uniform(-spread, spread, size=centre.shape)
            point[parameter.free if parameter.fixed == "some" else parameter.name] = constrain(
                parameter, moved, start.value.shape
            )
        return point
