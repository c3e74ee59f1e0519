"""The result of testing hypotheses."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from brmspy.markup import Table, block, decimals_for, number, paragraph, wrapped

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Hypotheses"]

_ESTIMATES = ("Estimate", "Est.Error", "CI.Lower", "CI.Upper")
_EVIDENCE = ("Evid.Ratio", "Post.Prob")


@dataclass(frozen=True, eq=False, repr=False)
class Hypotheses:
    """Hypotheses about the parameters of a fit, tested.

    Printing it shows the table, with what its columns mean.

    Attributes
    ----------
    table : DataFrame
        A row for each hypothesis, or for each hypothesis and level. Columns Group and Level (of
        hypotheses about levels), Hypothesis, Estimate and Est.Error of its left side minus its
        right side, CI.Lower and CI.Upper, Evid.Ratio, Post.Prob, Star, and Note, which says why an
        evidence ratio is missing or rough.
    draws : xarray.DataArray
        Left side minus right side, dimensions (chain, draw, hypothesis), or (chain, draw,
        hypothesis, level).
    prior_draws : xarray.DataArray or None
        The same drawn from the prior, dimensions (prior_draw, hypothesis), NaN for one-sided
        hypotheses and improper priors; of a hypothesis about levels the prior is the same for all.
        None if there are no such draws.
    alpha : float
        Intervals hold 1 - alpha of the draws for two-sided hypotheses, 1 - 2 alpha for one-sided.
    """

    table: pd.DataFrame
    draws: xr.DataArray = field(repr=False)
    prior_draws: xr.DataArray | None = field(repr=False)
    alpha: float

    def __repr__(self) -> str:
        lines = ["Hypothesis tests", *self._printed.lines()]
        for text in self._footnotes:
            lines += ["", *wrapped(text)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        parts = [
            "<p><strong>Hypothesis tests</strong></p>",
            self._printed.html(),
            *map(paragraph, self._footnotes),
        ]
        return block("hypotheses", "Hypothesis tests", parts)

    @cached_property
    def _printed(self) -> Table:
        """The table as text; estimates share their decimals."""
        decimals = decimals_for(self.table["Est.Error"])
        columns = [[number(v, decimals) for v in self.table[name]] for name in _ESTIMATES]
        columns += [[_ratio(value) for value in self.table[name]] for name in _EVIDENCE]
        columns.append(self.table["Star"].tolist())
        names = self.table["Hypothesis"]
        if "Level" in self.table:
            names = self.table["Group"] + " " + self.table["Level"] + ": " + names
        marks = {note: str(place) for place, note in enumerate(self._notes, start=1)}
        marked = [
            name + (f" [{marks[note]}]" if note else "")
            for name, note in zip(names, self.table["Note"], strict=True)
        ]
        rows = tuple(zip(marked, zip(*columns, strict=True), strict=True))
        return Table("", (*_ESTIMATES, *_EVIDENCE, "Star"), rows)

    @property
    def _notes(self) -> list[str]:
        """The different notes, in order."""
        return [note for note in dict.fromkeys(self.table["Note"]) if note]

    @property
    def _footnotes(self) -> list[str]:
        """What the columns mean, and the notes."""
        one, two = (f"{100 * (1 - sides * self.alpha):.4g}" for sides in (2, 1))
        found = [f"[{place}] {note}" for place, note in enumerate(self._notes, start=1)]
        signs = set(self._signs)
        if signs & {"<", ">"}:
            found.append(
                f"One-sided hypotheses: {one} % interval; Evid.Ratio is the posterior odds of the "
                f"hypothesis, '*' marks a posterior probability above {100 * (1 - self.alpha):.4g} "
                "%."
            )
        if "=" in signs:
            found.append(
                f"Two-sided hypotheses: {two} % interval; Evid.Ratio is the posterior density at "
                "the hypothesis over the prior density there (Savage-Dickey), Post.Prob the "
                "probability that it gives to the hypothesis if it was one half before; '*' marks "
                "an interval without the hypothesis."
            )
        return found

    @property
    def _signs(self) -> list[str]:
        """How the hypotheses compare."""
        return [str(sign) for sign in self.draws.coords["sign"].to_numpy()]


def _ratio(value: float) -> str:
    """Return an evidence ratio or a probability with three digits."""
    return "NA" if math.isnan(value) else f"{value:.3g}"
