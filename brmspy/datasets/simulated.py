"""Data that are simulated so that the truth is known: Simpson's paradox, in two examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

__all__ = ["SIMULATED", "Simpson"]


@dataclass(frozen=True)
class Simpson:
    """Groups whose own lines run against the line through their means.

    In group j, whose predictor has the mean ``m[j]``, the response is normal around
    ``level + between * (m[j] - centre) + u[j] + (within + v[j]) * (x - m[j])``.

    Attributes
    ----------
    response, predictor, group : str
        Names of the columns.
    sizes : mapping of str to int
        Number of rows of each group.
    centre, reach : float
        The groups' means of the predictor are evenly spaced, in the order of the groups, from
        ``centre - reach`` to ``centre + reach``.
    sd_predictor : float
        Standard deviation of the predictor within a group.
    level, between : float
        The line through the groups: its height at the centre, and its slope.
    within : float
        Mean of the slopes within groups.
    sd_level, sd_slope : float
        Standard deviations of u and v: of the groups around that line, and of their slopes.
    sigma : float
        Standard deviation of the response around its mean.
    seed : int
        Seed of the random numbers, for ``numpy.random.default_rng``.

    Examples
    --------
    >>> from brmspy import load_dataset
    >>> from brmspy.datasets import SIMULATED
    >>> mood = SIMULATED["mood"]
    >>> mood.within, mood.between
    (5.0, -6.0)
    >>> mood.simulate().equals(load_dataset("mood"))
    True
    """

    response: str
    predictor: str
    group: str
    sizes: Mapping[str, int]
    centre: float
    reach: float
    sd_predictor: float
    level: float
    between: float
    within: float
    sd_level: float
    sd_slope: float
    sigma: float
    seed: int

    def truth(self) -> pd.DataFrame:
        """Return the line of each group.

        Returns
        -------
        DataFrame
            Columns ``mean`` (of the predictor), ``height`` (of the line there) and ``slope``,
            indexed by group.
        """
        return self._truth(np.random.default_rng(self.seed))

    def simulate(self) -> pd.DataFrame:
        """Draw the data.

        Returns
        -------
        DataFrame
            Response, predictor and group, rounded to two decimals.
        """
        rng = np.random.default_rng(self.seed)
        lines = self._truth(rng).loc[np.repeat(list(self.sizes), list(self.sizes.values()))]
        apart = rng.normal(0.0, self.sd_predictor, len(lines))
        noise = rng.normal(0.0, self.sigma, len(lines))
        response = lines["height"] + lines["slope"] * apart + noise
        return pd.DataFrame(
            {
                self.response: response.round(2).to_numpy(),
                self.predictor: (lines["mean"] + apart).round(2).to_numpy(),
                self.group: pd.Categorical(lines.index, categories=list(self.sizes)),
            }
        )

    def _truth(self, rng: np.random.Generator) -> pd.DataFrame:
        """Draw the groups; the first random numbers of a simulation."""
        number = len(self.sizes)
        apart = np.linspace(-self.reach, self.reach, number)
        height = self.level + self.between * apart + rng.normal(0.0, self.sd_level, number)
        slope = rng.normal(self.within, self.sd_slope, number)
        values = {"mean": self.centre + apart, "height": height, "slope": slope}
        return pd.DataFrame(values, index=pd.Index(list(self.sizes), name=self.group))


_STATES = "ABCDEFGHIJKLMNOP"
_OF_STATES = (5, 30, 8, 45, 4, 15, 35, 6, 20, 5, 40, 10, 4, 25, 8, 12)

SIMULATED: Mapping[str, Simpson] = MappingProxyType(
    {
        "exercise": Simpson(
            response="cholesterol",
            predictor="exercise",
            group="age",
            sizes=MappingProxyType(
                dict.fromkeys(("20 to 29", "30 to 39", "40 to 49", "50 to 59", "60 to 69"), 40)
            ),
            centre=4.0,
            reach=1.5,
            sd_predictor=0.8,
            level=200.0,
            between=15.0,
            within=-8.0,
            sd_level=4.0,
            sd_slope=2.0,
            sigma=8.0,
            seed=1,
        ),
        "mood": Simpson(
            response="mood",
            predictor="income",
            group="state",
            sizes=MappingProxyType(dict(zip(_STATES, _OF_STATES, strict=True))),
            centre=4.0,
            reach=1.5,
            sd_predictor=1.0,
            level=60.0,
            between=-6.0,
            within=5.0,
            sd_level=4.0,
            sd_slope=3.0,
            sigma=7.0,
            seed=1,
        ),
    }
)
"""The simulated data sets, by the names under which `load_dataset` has them."""
