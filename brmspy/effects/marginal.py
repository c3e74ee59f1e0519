"""Marginal means over a reference grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from brmspy.data.factors import as_labels
from brmspy.effects.coefficients import (
    Coefficients,
    contrast_coefficients,
    interaction_basis,
    interaction_of,
)
from brmspy.effects.contrasts import Contrasts, contrasts_of
from brmspy.effects.intervals import hpd_table, interval_note, widths
from brmspy.effects.joint import JointTests, Tested, joint_table
from brmspy.effects.reference import WEIGHTS, MarginalDraws, marginal_draws
from brmspy.effects.report import Part, as_html, as_text
from brmspy.effects.rows import as_draws
from brmspy.effects.scenarios import as_names
from brmspy.effects.specs import Specs, read_specs
from brmspy.effects.target import Target
from brmspy.errors import BrmspyError, check_choice
from brmspy.families import Link, get_link
from brmspy.predict import check_probability

if TYPE_CHECKING:
    import xarray as xr

    from brmspy.fit import Fit

__all__ = ["MarginalMeans", "emmeans", "joint_tests"]

_TYPES = ("link", "response")
_MOST_TESTED = 6


@dataclass(frozen=True, eq=False, repr=False)
class MarginalMeans:
    """Marginal means: predictions averaged over a grid of combinations of levels.

    Attributes
    ----------
    table : DataFrame
        The levels of each mean, then ``emmean`` (or ``prob``, ``rate``, ``response``), the median,
        and the ends of the highest density interval, ``lower.HPD`` and ``upper.HPD``.
    draws : xarray.DataArray
        Dimensions (chain, draw, mean), on the scale of the table.
    linear : xarray.DataArray
        The same on the scale on which the means were taken, that of contrasts.
    factors : tuple of str
        Columns whose combinations have means.
    by : tuple of str
        Columns within whose combinations means are contrasted.
    levels : mapping of str to list
        Levels of these columns.
    link : Link
        Link of the scale on which the means were taken.
    type : {"link", "response"}
        Scale of the table.
    prob : float
        Probability of the interval.
    notes : tuple of str
        What was averaged over, and what was held.
    contrasts : Contrasts or None
        Those that a formula such as ``"pairwise ~ a"`` asked for.
    """

    table: pd.DataFrame
    draws: xr.DataArray = field(repr=False)
    linear: xr.DataArray = field(repr=False)
    factors: tuple[str, ...]
    by: tuple[str, ...]
    levels: Mapping[str, list[Any]] = field(repr=False)
    link: Link
    type: str
    prob: float
    notes: tuple[str, ...]
    contrasts: Contrasts | None = None

    def contrast(
        self,
        method: str | Mapping[str, Any] | Sequence[str] = "pairwise",
        *,
        by: str | Sequence[str] | None = None,
        interaction: bool = False,
        reverse: bool = False,
        ref: int | str | None = None,
        type: str | None = None,  # noqa: A002 -- emmeans' name
        prob: float | None = None,
    ) -> Contrasts:
        """Contrast the means with each other.

        Parameters
        ----------
        method : str, mapping, or sequence of str
            ``"pairwise"`` or ``"revpairwise"`` (all differences), ``"trt.vs.ctrl"`` (with one mean,
            the first by default), ``"eff"`` (with the average), ``"consec"`` (of each and the one
            before), ``"poly"`` (linear, quadratic, … trends over equally spaced levels), or
            coefficients by name: ``{"new - old": [1, -0.5, -0.5]}``, or of some levels only,
            ``{"b - a": {"b": 1, "a": -1}}``. With `interaction`, one for each factor or the same
            for all.
        by : str or sequence of str, optional
            Columns within whose combinations to contrast; by default those of the means.
        interaction : bool
            Whether to contrast the contrasts of one factor between the levels of the others.
        reverse : bool
            Turn the differences round.
        ref : int or str, optional
            The mean to compare with, of ``"trt.vs.ctrl"``: its level, or its place from zero.
        type : {"link", "response"}, optional
            Scale; by default that of the means. On ``"response"``, contrasts on a log or logit
            scale are ratios or odds ratios.
        prob : float, optional
            Probability of the interval; by default that of the means.

        Returns
        -------
        Contrasts

        Raises
        ------
        BrmspyError
            If an argument is not valid.
        """
        scale = self.type if type is None else type
        check_choice("type", scale, _TYPES)
        width = self.prob if prob is None else prob
        check_probability(width)
        means = self if by is None else self._within(as_names("by", by))
        found = means._coefficients(method, interaction, reverse, ref)
        groups = means.table[list(means.by)].iloc[:: means._size]
        return contrasts_of(
            means.linear, groups, found, means._labels, self.link, scale, width, self.notes
        )

    def pairs(self, **options: Any) -> Contrasts:
        """Return all differences of two means.

        Parameters
        ----------
        **options
            As for `contrast`.

        Returns
        -------
        Contrasts
        """
        return self.contrast("pairwise", **options)

    def joint_tests(self) -> JointTests:
        """Test each main effect and interaction of the factors, within each combination of `by`.

        Returns
        -------
        JointTests
            Approximate; see `brmspy.joint_tests`.
        """
        several = [name for name in self.factors if len(self.levels[name]) > 1]
        if len(several) > _MOST_TESTED:
            raise BrmspyError(
                f"{len(several)} factors have too many interactions to test. Take the means of "
                f"{_MOST_TESTED} at most."
            )
        sizes = {name: len(self.levels[name]) for name in self.factors}
        terms = [
            chosen
            for order in range(1, len(several) + 1)
            for chosen in combinations(several, order)
        ]
        values = self.linear.to_numpy().reshape(-1, self.linear.shape[-1])
        tested = [
            Tested(
                ":".join(chosen),
                values[:, start : start + self._size] @ interaction_basis(sizes, chosen).T,
                float(np.abs(values).max(initial=0.0)),
            )
            for start in range(0, values.shape[1], self._size)
            for chosen in terms
        ]
        return joint_table(tested, self.table[list(self.by)].iloc[:: self._size])

    def plot(self, ax: Any = None) -> Any:
        """Draw the means with their intervals, in a panel for each combination of `by`.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or array of them, optional
            Where to; one for each combination of `by`.

        Returns
        -------
        matplotlib.axes.Axes or ndarray of them
        """
        from brmspy.effects.pictures import draw_means

        return draw_means(self, ax)

    def __repr__(self) -> str:
        return as_text(self._parts)

    def _repr_html_(self) -> str:
        return as_html(self._parts, "Marginal means")

    @property
    def _parts(self) -> list[Part]:
        notes = (*self.notes, *self._scale_note, interval_note(self.prob))
        own = Part("Marginal means", self.table, 3, widths(self.table), notes)
        return [own] if self.contrasts is None else [own, self.contrasts.part]

    @property
    def _scale_note(self) -> tuple[str, ...]:
        """Say on which scale the means are."""
        if self.link.name == "identity":
            return ()
        if self.type == "link":
            return (f"On the {self.link.name} scale.",)
        return (f"Averaged on the {self.link.name} scale, and taken back from it.",)

    @property
    def _size(self) -> int:
        """Number of means within a combination of `by`."""
        return len(self._labels)

    @cached_property
    def _labels(self) -> list[str]:
        """What the means within a combination of `by` are called."""
        labels = [""]
        for name in self.factors:
            levels = as_labels(self.levels[name])
            labels = [f"{left} {right}".strip() for left in labels for right in levels]
        return labels if self.factors else ["overall"]

    def _within(self, by: Sequence[str]) -> MarginalMeans:
        """Return the same means, to be contrasted within other columns."""
        names = [*self.by, *self.factors]
        for name in by:
            check_choice("by", name, names)
        factors = tuple(name for name in names if name not in by)
        order = [*by, *factors]
        shape = [len(self.levels[name]) for name in names]
        places = np.arange(len(self.table)).reshape(shape)
        turned = places.transpose([names.index(name) for name in order]).ravel()
        table = self.table.iloc[turned].reset_index(drop=True)
        return replace(
            self,
            table=table[[*order, *table.columns[len(names) :]]],
            draws=self.draws[..., turned],
            linear=self.linear[..., turned],
            factors=factors,
            by=tuple(by),
            levels={name: self.levels[name] for name in order},
            contrasts=None,
        )

    def _coefficients(
        self, method: Any, crossed: bool, reverse: bool, ref: int | str | None
    ) -> Coefficients:
        """Return the contrasts of the means within a combination of `by`."""
        single = isinstance(method, (str, Mapping))
        if not crossed:
            if not single:
                raise BrmspyError(
                    f"method = {method!r} is not valid. A kind of contrasts for each factor needs "
                    "interaction=True."
                )
            return contrast_coefficients(method, self._labels, reverse=reverse, ref=ref)
        methods = [method] * len(self.factors) if single else list(method)
        if len(methods) != len(self.factors):
            raise BrmspyError(
                f"method has {len(methods)} kinds of contrasts for {len(self.factors)} factors "
                f"({', '.join(self.factors)}). Give one for each, or one for all."
            )
        return interaction_of(
            [
                contrast_coefficients(each, as_labels(self.levels[name]), reverse=reverse, ref=ref)
                for name, each in zip(self.factors, methods, strict=True)
            ]
        )


def emmeans(
    fit: Fit,
    specs: str | Sequence[str],
    *,
    by: str | Sequence[str] | None = None,
    at: Mapping[str, Any] | None = None,
    epred: bool = False,
    type: str = "link",  # noqa: A002 -- emmeans' name
    weights: str = "equal",
    cov_keep: int | Sequence[str] = 2,
    dpar: str | None = None,
    nlpar: str | None = None,
    re_formula: Any = "NA",
    prob: float = 0.95,
    ndraws: int | None = None,
    sample_new_levels: str = "uncertainty",
    seed: int | None = None,
) -> MarginalMeans:
    """Return marginal means: averages of predictions over combinations of the factors' levels.

    Predictions are made for each combination of levels of all factors that the model reads, with
    numbers held at their means, one trial, and without group-level effects; then they are averaged
    over the factors that are not asked for, on the scale of the linear predictor.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    specs : str or sequence of str
        Columns whose combinations have means: ``"a"``, ``["a", "b"]``, or a formula ``"~ a * b"``,
        ``"~ a | b"`` (within each level of b), ``"pairwise ~ a | b"`` (with contrasts, any of
        `MarginalMeans.contrast`), ``"~ 1"`` (the mean of all).
    by : str or sequence of str, optional
        Columns within whose combinations means are contrasted, as after the bar.
    at : mapping of str to Any, optional
        Values of columns in place of their levels or their mean; several numbers are averaged
        over unless they are asked for.
    epred : bool
        Average the means of the response in place of the linear predictor.
    type : {"link", "response"}
        ``"response"`` takes means back from the scale of the linear predictor after they have been
        averaged, and makes ratios of contrasts on a log scale, odds ratios on a logit scale.
    weights : {"equal", "proportional", "outer", "cells"}
        How to average over factors: all levels alike; in proportion to how often their combinations
        are in the data, or each factor's levels by themselves; or as they are in the data together
        with the levels that are asked for.
    cov_keep : int or sequence of str
        Columns of numbers that are factors here: those with at most so many different values,
        or those named. As in emmeans, a column of zeros and ones has two levels.
    dpar, nlpar : str, optional
        A distributional or non-linear parameter in place of the mean.
    re_formula : None, "NA" or str
        Which group-level effects take part: none by default; otherwise those of a new level.
    prob : float
        Probability of the highest density interval.
    ndraws : int, optional
        How many draws; by default all.
    sample_new_levels, seed
        As for `posterior_epred`.

    Returns
    -------
    MarginalMeans
        With a ``.table`` of medians and highest density intervals, ``.draws`` of dimensions
        (chain, draw, mean), ``.contrast()``, ``.joint_tests()`` and ``.plot()``.

    Raises
    ------
    BrmspyError
        If an argument is not valid.
    FormulaError
        If the formula is not of this kind.

    References
    ----------
    Lenth, R. V. emmeans: Estimated marginal means, aka least-squares means.
    https://rvlenth.github.io/emmeans/

    Searle, S. R., Speed, F. M. and Milliken, G. A. (1980). Population marginal means in the linear
    model. The American Statistician, 34(4), 216-221.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> fit = brm("weight ~ group", load_dataset("plant_growth"), seed=1, progress=False)
    >>> means = fit.emmeans("group")
    >>> means.table[["group", "emmean"]].round(1)
      group  emmean
    0  ctrl     5.0
    1  trt1     4.7
    2  trt2     5.5
    >>> means.contrast("trt.vs.ctrl").table[["contrast", "estimate"]].round(1)
          contrast  estimate
    0  trt1 - ctrl      -0.4
    1  trt2 - ctrl       0.5
    """
    check_choice("type", type, _TYPES)
    check_choice("weights", weights, WEIGHTS)
    check_probability(prob)
    target = Target(
        fit,
        method="posterior_epred" if epred or _is_constant(fit, dpar) else "posterior_linpred",
        re_formula=re_formula,
        dpar=dpar,
        nlpar=nlpar,
        ndraws=ndraws,
        allow_new_levels=True,
        sample_new_levels=sample_new_levels,
        seed=seed,
    )
    asked = read_specs(target, specs, by)
    found = marginal_draws(target, asked, at or {}, weights, cov_keep)
    return _means(target, asked, found, type, prob, _notes(target, found, weights))


def joint_tests(
    fit: Fit,
    specs: str | Sequence[str] | None = None,
    *,
    by: str | Sequence[str] | None = None,
    **options: Any,
) -> JointTests:
    """Test the main effects and interactions of factors, each as a whole.

    A Bayesian counterpart of an analysis of variance. The contrasts of a term (of marginal means,
    with equal weights by default) are all zero if it has no effect. W is how far zero is from their
    posterior mean, in units of their posterior covariance; ``F.ratio`` is W divided by the number
    of independent contrasts, to be read as an F ratio without end of degrees of freedom.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    specs : str or sequence of str, optional
        The factors; by default all that the model reads.
    by : str or sequence of str, optional
        Columns within whose combinations to test.
    **options
        Other arguments of `emmeans`.

    Returns
    -------
    JointTests
        ``.table`` has columns ``model term``, ``df1``, ``df2``, ``F.ratio``, ``p.value``, the tail
        of the chi-squared distribution beyond W, and ``beyond``, the share of draws that are
        farther from the posterior mean than zero is.

    Raises
    ------
    BrmspyError
        If there are no factors, or more than six.

    References
    ----------
    Box, G. E. P. and Tiao, G. C. (1973). Bayesian inference in statistical analysis, section 2.8.
    Addison-Wesley.

    Lenth, R. V. emmeans, joint_tests: https://rvlenth.github.io/emmeans/

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> fit = brm("weight ~ group", load_dataset("plant_growth"), seed=1, progress=False)
    >>> fit.joint_tests().table[["model term", "df1"]]
      model term  df1
    0      group    2
    """
    names: str | Sequence[str]
    if specs is None:
        within = as_names("by", by)
        parameter = {name: options[name] for name in ("dpar", "nlpar") if name in options}
        readable = Target(fit, re_formula=options.get("re_formula", "NA"), **parameter)
        names = [
            name
            for name, column in readable.read_columns().items()
            if column.is_factor and name not in within
        ]
        if not names:
            raise BrmspyError("The model has no factors to test.")
    else:
        names = specs
    return emmeans(fit, names, by=by, **options).joint_tests()


def _is_constant(fit: Fit, dpar: str | None) -> bool:
    """Tell whether a distributional parameter has no linear predictor."""
    predicted = [item.name for item in fit.model.design.terms.predictors]
    return dpar is not None and dpar in fit.family.dpar_names and dpar not in predicted


def _means(
    target: Target,
    asked: Specs,
    found: MarginalDraws,
    scale: str,
    prob: float,
    notes: tuple[str, ...],
) -> MarginalMeans:
    """Summarise marginal means."""
    link = target.link if target.method == "posterior_linpred" else get_link("identity")
    levels = found.table
    texts = [" ".join(as_labels(row)) for row in levels.to_numpy(dtype=object).tolist()]
    labels = [text or "overall" for text in texts]
    linear = as_draws(found.values, found.like, "mean", labels, "emmeans")
    draws = linear if scale == "link" else linear.copy(data=link.inverse(linear.to_numpy()))
    column = "emmean" if scale == "link" or link.name == "identity" else _response_name(target)
    means = MarginalMeans(
        table=pd.concat([levels, hpd_table(draws, column, prob)], axis=1),
        draws=draws,
        linear=linear,
        factors=asked.factors,
        by=asked.by,
        levels=found.levels,
        link=link,
        type=scale,
        prob=prob,
        notes=notes,
    )
    return replace(means, contrasts=means.contrast(asked.contrast)) if asked.contrast else means


def _response_name(target: Target) -> str:
    """Return what emmeans calls means on the scale of the response."""
    if target.parameter not in (None, "mu"):
        return "response"
    discrete = target.fit.family.discrete
    if discrete and target.link.upper == 1:
        return "prob"
    return "rate" if discrete else "response"


def _notes(target: Target, found: MarginalDraws, weights: str) -> tuple[str, ...]:
    """Say what was averaged over and what was held."""
    notes = [f"Of {target.label}."] if target.method == "posterior_epred" else []
    if found.averaged:
        over = ", ".join(
            f"{name} ({', '.join(as_labels(values))})" for name, values in found.averaged.items()
        )
        notes.append(f"Averaged over {over}, with {weights} weights.")
    held = ", ".join(map(str, found.held))
    groups = target.groups_note(())
    said = "; ".join(part for part in (f"held at {held}" if held else "", groups) if part)
    return (*notes, f"{said[0].upper()}{said[1:]}.") if said else tuple(notes)
