"""Contrasts of marginal means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.effects.coefficients import Coefficients, joint_basis
from brmspy.effects.intervals import hpd_table, interval_note, widths
from brmspy.effects.joint import JointTests, Tested, joint_table
from brmspy.effects.report import Part, as_html, as_text
from brmspy.effects.rows import as_draws
from brmspy.families import Link

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Contrasts", "contrasts_of"]

FloatArray = NDArray[np.float64]

_RATIOS = {"log": "ratio", "logit": "odds.ratio"}


@dataclass(frozen=True, eq=False, repr=False)
class Contrasts:
    """Contrasts of marginal means.

    Attributes
    ----------
    table : DataFrame
        Within each combination of the columns in `by`: ``contrast``, ``estimate`` (or ``ratio``,
        ``odds.ratio``), the median, and the ends of the highest density interval, ``lower.HPD``
        and ``upper.HPD``.
    draws : xarray.DataArray
        Dimensions (chain, draw, contrast), on the scale of the table.
    linear : xarray.DataArray
        The same as differences on the scale on which the means were taken.
    coefficients : DataFrame
        The coefficient of each mean in each contrast; the same within all combinations of `by`.
    by : tuple of str
        Columns within whose combinations means are contrasted.
    notes : tuple of str
        What the contrasts are of.
    """

    table: pd.DataFrame
    draws: xr.DataArray = field(repr=False)
    linear: xr.DataArray = field(repr=False)
    coefficients: pd.DataFrame = field(repr=False)
    by: tuple[str, ...]
    notes: tuple[str, ...]

    def joint(self) -> JointTests:
        """Test within each combination of `by` whether all contrasts may be zero.

        Returns
        -------
        JointTests
            Approximate; see `brmspy.joint_tests`.
        """
        matrix = self.coefficients.to_numpy(dtype=np.float64)
        size = len(matrix)
        # Some contrasts may follow from others: take as many combinations as are independent.
        independent = joint_basis(matrix) @ np.linalg.pinv(matrix)
        values = self.linear.to_numpy().reshape(-1, self.linear.sizes["contrast"])
        scale = float(np.abs(values).max(initial=0.0))
        tested = [
            Tested("all contrasts", values[:, start : start + size] @ independent.T, scale)
            for start in range(0, values.shape[1], size)
        ]
        return joint_table(tested, self.table[list(self.by)].iloc[::size])

    def __repr__(self) -> str:
        return as_text([self.part])

    def _repr_html_(self) -> str:
        return as_html([self.part], "Contrasts")

    @property
    def part(self) -> Part:
        """What is printed."""
        return Part("Contrasts", self.table, 3, widths(self.table), self.notes)


def contrasts_of(
    means: xr.DataArray,
    groups: pd.DataFrame,
    found: Coefficients,
    labels: list[str],
    link: Link,
    scale: str,
    prob: float,
    notes: tuple[str, ...],
) -> Contrasts:
    """Compute contrasts of means.

    Parameters
    ----------
    means : xarray.DataArray
        Dimensions (chain, draw, mean), on the scale on which they were taken.
    groups : DataFrame
        Combinations of columns within which to contrast: the means are group after group.
    found : Coefficients
        The contrasts of the means of a group.
    labels : list of str
        What these means are called.
    link : Link
        Link of the scale on which the means were taken.
    scale : {"link", "response"}
        Scale of the result.
    prob : float
        Probability of the interval.
    notes : tuple of str
        What the means are.

    Returns
    -------
    Contrasts
    """
    size = len(labels)
    values = means.to_numpy().reshape(-1, means.shape[-1])
    starts = range(0, values.shape[1], size)
    linear = np.hstack([values[:, start : start + size] @ found.matrix.T for start in starts])
    ratios = scale == "response" and link.name in _RATIOS
    of_differences = bool(np.allclose(found.matrix.sum(axis=1), 0.0))
    names = found.labels(ratios and of_differences)
    column = "estimate"
    if ratios:
        column = _RATIOS[link.name] if of_differences else "exp.estimate"
    left = groups.iloc[np.repeat(np.arange(len(groups)), len(names))].reset_index(drop=True)
    left["contrast"] = np.tile(np.array(names, dtype=object), len(groups))
    texts = [" | ".join(map(str, row)) for row in left.iloc[:, ::-1].to_numpy()]
    draws = as_draws(np.exp(linear) if ratios else linear, means, "contrast", texts, "contrasts")
    return Contrasts(
        table=pd.concat([left, hpd_table(draws, column, prob)], axis=1),
        draws=draws,
        linear=as_draws(linear, means, "contrast", texts, "contrasts"),
        coefficients=pd.DataFrame(found.matrix, list(names), labels),
        by=tuple(map(str, groups.columns)),
        notes=(*notes, *_scale_notes(link, scale, ratios), interval_note(prob)),
    )


def _scale_notes(link: Link, scale: str, ratios: bool) -> tuple[str, ...]:
    """Say on which scale contrasts are."""
    if link.name == "identity":
        return ()
    if ratios:
        return (f"Differences on the {link.name} scale, as ratios.",)
    if scale == "response":
        return (f"On the {link.name} scale: its differences have no meaning on that of means.",)
    return (f"On the {link.name} scale.",)
