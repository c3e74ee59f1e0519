"""Joint tests: whether several contrasts may all be zero, from their draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import chdtrc

from brmspy.effects.report import Part, as_html, as_text

__all__ = ["JointTests", "Tested", "joint_table"]

FloatArray = NDArray[np.float64]

_NOTES = (
    "Approximate: F.ratio = W / df1, with W = m' S^-1 m of the posterior mean m and covariance S "
    "of df1 contrasts that say the same as the term; p.value is the tail of the chi-squared "
    "distribution beyond W, which takes the posterior for normal.",
    "beyond, the share of draws that are farther from m than zero is, needs no normal posterior.",
)


@dataclass(frozen=True, eq=False, repr=False)
class JointTests:
    """Joint tests of contrasts.

    Attributes
    ----------
    table : DataFrame
        Columns of `by`, then ``model term``, ``df1``, ``df2``, ``F.ratio``, ``p.value`` and
        ``beyond``.
    notes : tuple of str
        What these are.
    """

    table: pd.DataFrame
    notes: tuple[str, ...] = _NOTES

    def __repr__(self) -> str:
        return as_text([self._part])

    def _repr_html_(self) -> str:
        return as_html([self._part], "Joint tests")

    @property
    def _part(self) -> Part:
        shown = self.table.assign(
            **{
                "F.ratio": [f"{value:.2f}" for value in self.table["F.ratio"]],
                "p.value": [_probability(value) for value in self.table["p.value"]],
                "beyond": [f"{value:.4f}" for value in self.table["beyond"]],
            }
        )
        return Part("Joint tests", shown, 0, np.empty(0), self.notes)


@dataclass(frozen=True, eq=False)
class Tested:
    """Contrasts that are tested together.

    Attributes
    ----------
    term : str
        What they are called together.
    draws : ndarray, shape (draw, contrast)
        Independent contrasts.
    scale : float
        Size of the means that they are made of: what is far below it is rounding.
    """

    term: str
    draws: FloatArray
    scale: float


def joint_table(tested: Sequence[Tested], groups: pd.DataFrame) -> JointTests:
    """Test contrasts together.

    Parameters
    ----------
    tested : sequence of Tested
        What to test: the same number for each group, group after group.
    groups : DataFrame
        What identifies each group.

    Returns
    -------
    JointTests
        Without terms that have no variance: interactions that the model does not have.
    """
    per_group = len(tested) // max(len(groups), 1)
    rows = []
    for place, test in enumerate(tested):
        statistic, df, beyond = _wald(test.draws, test.scale)
        if df == 0:
            continue
        rows.append(
            {
                **groups.iloc[place // per_group].to_dict(),
                "model term": test.term,
                "df1": df,
                "df2": np.inf,
                "F.ratio": statistic / df,
                "p.value": float(chdtrc(df, statistic)),
                "beyond": beyond,
            }
        )
    names = [*groups.columns, "model term", "df1", "df2", "F.ratio", "p.value", "beyond"]
    return JointTests(pd.DataFrame(rows, columns=pd.Index(names)))


def _wald(draws: FloatArray, scale: float) -> tuple[float, int, float]:
    """Return the distance of zero from the mean, its degrees of freedom, and the share beyond."""
    mean = draws.mean(axis=0)
    centred = draws - mean
    _, sizes, axes = np.linalg.svd(centred / np.sqrt(len(draws) - 1), full_matrices=False)
    kept = sizes > 1e-10 * scale
    root = axes[kept] / sizes[kept, None]
    statistic = float(((root @ mean) ** 2).sum())
    distances = ((centred @ root.T) ** 2).sum(axis=1)
    return statistic, int(kept.sum()), float((distances >= statistic).mean())


def _probability(value: float) -> str:
    return "<.0001" if value < 1e-4 else f"{value:.4f}"
