"""What the sampler is going to do, in words and as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.data import Design
from brmspy.formula import NonlinearPredictor
from brmspy.pilot import Pilot
from brmspy.program.compose import TermSet

__all__ = ["EffectPlan", "SamplerPlan", "sampler_plan"]

# Target acceptance probabilities. Where the data say less about a level than its prior, coordinates
# of coefficients that suit the middle of the posterior would cost divergences in its tails. The
# posteriors of non-linear parameters bend; with few levels their standard deviations also have
# long tails.
_USUAL, _WARY, _CAREFUL, _MOST_CAREFUL = 0.8, 0.85, 0.95, 0.99
_FEW_LEVELS, _FEW_ROWS = 13, 15  # of rows, those beyond the number of coefficients
# With many near normal coordinates the best is 0.65: Beskos et al. (2013), "Optimal tuning of the
# hybrid Monte Carlo algorithm", Bernoulli 19(5), https://doi.org/10.3150/12-BEJ414. Coordinates
# are near normal where nearly all effects are centred and there are many rows.
_MANY, _HIGH_DIMENSIONAL, _NEARLY_ALL = 0.65, 1000, 0.9
# So many rows say enough for the pilot fit's scales to need little adaptation, which then takes
# most of the time; see benchmarks/warmup.py.
_MANY_ROWS, _SHORT_WARMUP, _WARMUP = 10_000, 300, 1000


@dataclass(frozen=True)
class EffectPlan:
    """How the effects of one block are sampled.

    Attributes
    ----------
    group : str
        The grouping factor.
    coefs : tuple of str
        What varies between its levels.
    levels, centred : int
        Number of levels, and of those that have their hierarchical mean as coordinate.
    integrated : bool
        Whether the effects are integrated out of the likelihood and drawn afterwards.
    information : tuple of float or None
        What the data say about a level in units of what its prior says, the median over its
        coefficients: smallest, median and largest level; None without a pilot fit.
    combinations : tuple of int, or None
        Where the effects on several parameters are sampled together: how many combinations of a
        level's effects have their hierarchical mean as coordinate, the fewest and the most of all
        levels, and how many there are.
    """

    group: str
    coefs: tuple[str, ...]
    levels: int
    centred: int
    integrated: bool
    information: tuple[float, float, float] | None
    combinations: tuple[int, int, int] | None = None

    @property
    def all_centred(self) -> bool:
        """Whether hierarchical means are the coordinates of all effects of all levels."""
        if self.combinations is not None:
            return self.combinations[0] == self.combinations[2]
        return self.centred == self.levels

    @property
    def coordinates(self) -> str:
        """The coordinates in words."""
        if self.integrated:
            return "integrated out, drawn afterwards"
        if self.combinations is not None and self.combinations[1] > 0:
            fewest, most, size = self.combinations
            count = f"{fewest} to {most}" if fewest < most else f"{most}"
            rest = "" if fewest == size else ", and standardised effects given these"
            return (
                f"hierarchical means of {count} of {size} combinations of its effects on several "
                f"parameters{rest}"
            )
        if self.centred == 0:
            return "standardised effects"
        if self.centred == self.levels:
            return "hierarchical means"
        return f"hierarchical means for {self.centred} of {self.levels} levels"

    def __str__(self) -> str:
        text = f"{self.group} ({', '.join(self.coefs)}; {self.levels} levels): {self.coordinates}"
        if self.information is None or self.integrated:
            return text
        smallest, median, largest = self.information
        return (
            f"{text}; the data say {smallest:.2g} to {largest:.2g} (median {median:.2g}) times as "
            "much about a level as its prior"
        )


@dataclass(frozen=True)
class SamplerPlan:
    """The coordinates, likelihood and start that were chosen for a model.

    None of it changes the posterior; all of it changes how fast it is explored.

    Attributes
    ----------
    effects : tuple of EffectPlan
        One for each block of group-level effects.
    coefficients, likelihood, start : str
        In words: the coordinates of population-level coefficients, how the response enters, and
        where the chains start.
    adapt_delta : float
        Target acceptance probability, unless the user sets it.
    iter_warmup : int
        Iterations of warm-up, likewise.
    """

    effects: tuple[EffectPlan, ...]
    coefficients: str
    likelihood: str
    start: str
    adapt_delta: float = 0.8
    iter_warmup: int = 1000

    def table(self) -> pd.DataFrame:
        """Return the plan of the group-level effects.

        Returns
        -------
        DataFrame
            Columns group, coefs, levels, centred, integrated, coordinates and information (of the
            data about a level, in units of its prior's; the median over levels).
        """
        return pd.DataFrame(
            {
                "group": [effect.group for effect in self.effects],
                "coefs": [", ".join(effect.coefs) for effect in self.effects],
                "levels": [effect.levels for effect in self.effects],
                "centred": [effect.centred for effect in self.effects],
                "integrated": [effect.integrated for effect in self.effects],
                "coordinates": [effect.coordinates for effect in self.effects],
                "information": [
                    np.nan if effect.information is None else effect.information[1]
                    for effect in self.effects
                ],
            }
        )

    def __str__(self) -> str:
        lines = [
            *(str(effect) for effect in self.effects),
            f"coefficients: {self.coefficients}",
            f"likelihood: {self.likelihood}",
            f"start: {self.start}",
            f"warm-up: {self.iter_warmup} iterations, target acceptance {self.adapt_delta:g}",
        ]
        return "\n".join(["Sampler's plan", *(f"  {line}" for line in lines)])


def sampler_plan(
    design: Design,
    terms: TermSet,
    pilot: Pilot | None,
    likelihood: str,
) -> SamplerPlan:
    """Say what was chosen.

    Parameters
    ----------
    design : Design
        The design.
    terms : TermSet
        The terms of the program.
    pilot : Pilot or None
        The pilot fit.
    likelihood : str
        How the response enters.

    Returns
    -------
    SamplerPlan
    """
    integrated = () if terms.integrated is None else terms.integrated.blocks
    flags = terms.centred
    together = {
        member: (int(term.lead.min()), int(term.lead.max()), len(term.members))
        for term in terms.joint
        for member in term.members
    }
    effects = []
    for block, group in enumerate(design.groups):
        odds = None if pilot is None else np.median(pilot.blocks[block].odds, axis=1)
        own = [flags[block, m] for m in range(len(group.coefs)) if (block, m) in flags]
        effects.append(
            EffectPlan(
                group=group.group,
                coefs=tuple(coef.brms_label for coef in group.coefs),
                levels=len(group.levels),
                centred=0 if not own else int(np.any(own, axis=0).sum()),
                integrated=block in integrated,
                information=None
                if odds is None
                else (float(odds.min()), float(np.median(odds)), float(odds.max())),
                combinations=together.get((block, 0)),
            )
        )
    bends = _bends(design, effects) if pilot is not None else 0.0
    many = terms.integrated is None and design.arrays.nobs >= _MANY_ROWS and pilot is not None
    short = many and not bends
    return SamplerPlan(
        tuple(effects),
        _coefficients(terms),
        likelihood,
        "Stan's random points" if pilot is None else "around a pilot fit, with its scales",
        bends or _target(effects, flags.values(), short=short),
        _SHORT_WARMUP if short else _WARMUP,
    )


def _target(
    effects: Sequence[EffectPlan], flags: Iterable[NDArray[np.bool_]], *, short: bool
) -> float:
    """Return the target acceptance probability, by which of all effects are centred."""
    every = np.concatenate([np.empty(0, dtype=bool), *flags])
    nearly_all = every.sum() >= max(_HIGH_DIMENSIONAL, _NEARLY_ALL * len(every))
    if short and nearly_all:
        return _MANY
    weak = any(not e.integrated and e.information and e.information[1] < 1.0 for e in effects)
    return _WARY if weak else _USUAL


def _bends(design: Design, effects: Sequence[EffectPlan]) -> float:
    """Return the target where posteriors of non-linear parameters bend, else 0.0.

    Where the data say little about such parameters, or their effects, these lie along curves whose
    width changes; coordinates that suit the middle of the posterior then call for steps too long
    for its ends. That is so with few rows and no effects, with effects on several parameters, and
    with effects that are not centred, the more so the fewer levels they have.
    """
    nonlinear = {
        name
        for predictor in design.terms.predictors
        if isinstance(predictor, NonlinearPredictor)
        for name in predictor.parameters
    }
    if not nonlinear:
        return 0.0
    if not effects:
        coefs = sum(len(info.coefs) for info in design.predictors.values())
        return _CAREFUL if design.arrays.nobs - coefs < _FEW_ROWS else 0.0
    levels = [
        plan.levels
        for group, plan in zip(design.groups, effects, strict=True)
        if not (plan.integrated or plan.all_centred)
        and any(coef.predictor in nonlinear for coef in group.coefs)
    ]
    if not levels:
        return _CAREFUL if any(plan.combinations is not None for plan in effects) else 0.0
    return _MOST_CAREFUL if min(levels) < _FEW_LEVELS else _CAREFUL


def _coefficients(terms: TermSet) -> str:
    """Return how the population-level coefficients are sampled."""
    if not terms.population:
        return "none"
    if terms.standard is None:
        return "as they are"
    apart = [term.predictor for term in terms.population.values() if not term.definition]
    text = "in coordinates that a pilot fit makes near independent"
    return text + (f"; those of {', '.join(apart)} as they are" if apart else "")
