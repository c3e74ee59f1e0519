"""The expected response as a function of one column: its value anywhere, and its rate of change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.data import Arrays, GroupArrays, PredictorArrays
from brmspy.errors import BrmspyError
from brmspy.fit import Fit
from brmspy.formula import LinearPredictor, NonlinearPredictor
from brmspy.nonlinear import derivative, evaluate
from brmspy.predict.engine import Chunk, request
from brmspy.predict.linear import linear_predictor
from brmspy.predict.posterior import checked_parameter

__all__ = ["Along", "along"]

FloatArray = NDArray[np.float64]

_STEP = 1e-4  # of the range of the column, where the design has no other derivative
_TINY = 6e-6  # of a predictor: the cube root of the rounding error
_SAME = 1e-8


@dataclass(frozen=True)
class Along:
    """The expected response of some rows as a function of one column, under each draw.

    Attributes
    ----------
    variable : str
        The column.
    here : ndarray, shape (row,)
        Where the column is in the rows.
    chunk : Chunk
        The rows, with draws and group-level effects.
    linear : mapping of str to ndarray, shape (draw, row)
        Linear predictors where the rows are.
    slopes : mapping of str to ndarray, shape (draw, row)
        How these change per unit of the column, for those that read it.
    bent : tuple of str
        Linear predictors of which it is not known how they go on, since they do not read the
        column as it is; such as those of ``poly(x, 2)``.
    chain, draw : ndarray
        Labels of the chains and draws; their lengths multiply to the number of draws.
    dpar, nlpar : str or None
        The distributional or non-linear parameter that is meant in place of the mean.
    """

    variable: str
    here: FloatArray
    chunk: Chunk
    linear: Mapping[str, FloatArray]
    slopes: Mapping[str, FloatArray]
    bent: tuple[str, ...]
    chain: NDArray[np.int64]
    draw: NDArray[np.int64]
    dpar: str | None = None
    nlpar: str | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of draws and rows."""
        return len(self.chain) * len(self.draw), len(self.here)

    @property
    def moving(self) -> frozenset[str]:
        """The predictors that change with the column."""
        found = set(self.slopes)
        for predictor in self._predicted:
            if not isinstance(predictor, LinearPredictor) and (
                self.variable in predictor.covariates or found.intersection(predictor.parameters)
            ):
                found.add(predictor.name)
        return frozenset(found)

    def predictors(self, x: FloatArray) -> dict[str, FloatArray]:
        """Return all predicted parameters on their link scale.

        Parameters
        ----------
        x : ndarray, shape (row,) or (draw, row)
            Where.

        Returns
        -------
        dict of str to ndarray, shape (draw, row)

        Raises
        ------
        BrmspyError
            If a linear predictor cannot be followed away from the rows.
        """
        away = x - self.here
        if self.bent and np.any(away != 0.0):
            raise BrmspyError(
                f"{self.variable!r} enters {self.bent[0]!r} through a function such as poly(), "
                "which cannot be followed from draw to draw. Write the curve as a non-linear "
                "formula."
            )
        values: dict[str, FloatArray] = {}
        for predictor in self._predicted:
            if isinstance(predictor, LinearPredictor):
                value = self.linear[predictor.name]
                if predictor.name in self.slopes:
                    value = value + self.slopes[predictor.name] * away
                values[predictor.name] = value
            else:
                body = evaluate(predictor.body, {**self._covariates(x), **values})
                values[predictor.name] = np.broadcast_to(body, self.shape)
        return values

    def expected(self, x: FloatArray) -> FloatArray:
        """Return the expected response, or the parameter that is meant.

        Parameters
        ----------
        x : ndarray, shape (row,) or (draw, row)
            Where.

        Returns
        -------
        ndarray, shape (draw, row)
        """
        return self.meant(self.predictors(x))

    def meant(self, values: Mapping[str, FloatArray]) -> FloatArray:
        """Return the expected response, or the parameter that is meant, from the predictors.

        Parameters
        ----------
        values : mapping of str to ndarray, shape (draw, row)
            As `predictors` returns them.

        Returns
        -------
        ndarray, shape (draw, row)
        """
        if self.nlpar is not None:
            return values[self.nlpar]
        parameters = self.chunk.parameters(values)
        if self.dpar is not None:
            return np.broadcast_to(parameters[self.dpar], self.shape)
        mean = self.chunk.family.mean(parameters, trials=self.chunk.arrays.trials)
        return np.broadcast_to(mean, self.shape)

    def rate(self, x: FloatArray) -> FloatArray:
        """Return the change of the expected response per unit of the column.

        Non-linear formulas are differentiated as such, without error; but for trigamma functions,
        links other than the identity, and linear predictors that do not read the column as it is,
        for which differences are taken.

        Parameters
        ----------
        x : ndarray, shape (row,) or (draw, row)
            Where.

        Returns
        -------
        ndarray, shape (draw, row)
        """
        values = self.predictors(x)
        rates = self._rates(x, values)
        if self.nlpar is not None:
            return np.broadcast_to(rates.get(self.nlpar, np.zeros(1)), self.shape)
        if self._mean_is_predictor(values):
            return np.broadcast_to(rates.get("mu", np.zeros(1)), self.shape)
        moving = {name: rates[name] for name in rates if name in self.chunk.family.dpar_names}
        if not moving:
            return np.zeros(self.shape)
        with np.errstate(all="ignore"):
            step = np.min(
                [
                    _TINY * (1.0 + np.abs(values[name])) / np.abs(np.where(rate == 0, 1.0, rate))
                    for name, rate in moving.items()
                ],
                axis=0,
            )
            ahead, behind = (
                self.meant(
                    {**values, **{n: values[n] + sign * step * r for n, r in moving.items()}}
                )
                for sign in (1.0, -1.0)
            )
            return (ahead - behind) / (2.0 * step)

    def _mean_is_predictor(self, values: Mapping[str, FloatArray]) -> bool:
        """Say whether the expected response is what the formula of mu computes."""
        family = self.chunk.family
        if self.dpar not in (None, "mu") or family.link.name != "identity":
            return False
        return bool(np.array_equal(self.meant(values), values["mu"], equal_nan=True))

    def _rates(self, x: FloatArray, values: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """Return the change of each predictor per unit of the column, of those that change."""
        rates: dict[str, FloatArray] = {}
        known = {**self._covariates(x), **values}
        for predictor in self._predicted:
            if isinstance(predictor, LinearPredictor):
                if predictor.name in self.slopes:
                    rates[predictor.name] = self.slopes[predictor.name]
                continue
            moving = {name: rates[name] for name in predictor.parameters if name in rates}
            if self.variable in predictor.covariates:
                moving[self.variable] = np.ones(1)
            if moving:
                rates[predictor.name] = _chained(predictor, known, moving)
        return rates

    def _covariates(self, x: FloatArray) -> dict[str, FloatArray]:
        """Return what non-linear formulas read, with the column where it is meant to be."""
        covariates = dict(self.chunk.arrays.covariates)
        if self.variable in covariates:
            covariates[self.variable] = x
        return covariates

    @property
    def _predicted(self) -> tuple[LinearPredictor | NonlinearPredictor, ...]:
        """The predictors; what a body reads comes before it."""
        return tuple(self.chunk.design.terms.predictors)


def _chained(
    predictor: NonlinearPredictor,
    known: Mapping[str, FloatArray],
    moving: Mapping[str, FloatArray],
) -> FloatArray:
    """Return the change of a non-linear formula, given that of the names that it reads."""
    partials = {name: derivative(predictor.body, name) for name in moving}
    if None in partials.values():
        step = _TINY * (1.0 + max(float(np.max(np.abs(known[name]))) for name in moving))
        ahead, behind = (
            evaluate(
                predictor.body,
                {**known, **{n: known[n] + sign * step * r for n, r in moving.items()}},
            )
            for sign in (1.0, -1.0)
        )
        return np.asarray((ahead - behind) / (2.0 * step))
    total: Any = 0.0
    for name, partial in partials.items():
        assert partial is not None, "looked at above"
        total = total + evaluate(partial, known) * moving[name]
    return np.asarray(total)


def along(
    fit: Fit,
    newdata: pd.DataFrame,
    variable: str,
    *,
    re_formula: Any = None,
    dpar: str | None = None,
    nlpar: str | None = None,
    ndraws: int | None = None,
    allow_new_levels: bool = False,
    sample_new_levels: str = "uncertainty",
    seed: int | None = None,
) -> Along:
    """Return the expected response of rows as a function of one column, under each draw.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    newdata : DataFrame
        The rows. All are kept in memory at once, with all draws.
    variable : str
        A numeric column of these.
    re_formula, dpar, nlpar, ndraws, allow_new_levels, sample_new_levels, seed
        As for `brmspy.posterior_epred`.

    Returns
    -------
    Along
    """
    checked_parameter(fit, dpar, nlpar)
    asked = request(
        fit,
        newdata,
        re_formula=re_formula,
        ndraws=ndraws,
        allow_new_levels=allow_new_levels,
        sample_new_levels=sample_new_levels,
        seed=seed,
    )
    chunk = asked.whole()
    here = newdata[variable].to_numpy(dtype=np.float64)
    seen = fit.model.design.data[variable].to_numpy(dtype=np.float64)
    low, high = float(seen.min()), float(seen.max())
    step = _STEP * ((high - low) or max(abs(high), 1.0))

    def arrays_at(x: FloatArray) -> Arrays:
        return request(
            fit,
            newdata.assign(**{variable: x}),
            re_formula=re_formula,
            ndraws=1,
            allow_new_levels=allow_new_levels,
            sample_new_levels=sample_new_levels,
            seed=seed,
        ).arrays

    # Three places, within the data where the row is: beyond them a term may have no value.
    inside = (here >= low) & (here <= high) & (low < high)
    first = np.where(inside, np.clip(here - step, low, high - 2.0 * step), here - step)
    three = [arrays_at(first + place * step) for place in range(3)]
    where = (here - first) / step
    change = _change(three, (2.0 - 2.0 * where) / step, (where - 0.5) / step)
    names = [
        item.name
        for item in fit.model.design.terms.predictors
        if isinstance(item, LinearPredictor) and _moves(change, chunk, item.name)
    ]
    effects = chunk.effects
    linear = {
        item.name: linear_predictor(chunk.draws, chunk.arrays, effects, item.name)
        for item in fit.model.design.terms.predictors
        if isinstance(item, LinearPredictor)
    }
    slopes = {name: linear_predictor(chunk.draws, change, effects, name) for name in names}
    bent = _bent(chunk, arrays_at, here, change, names, (seen.min(), seen.max())) if names else ()
    labels = asked.draws.chain, asked.draws.draw
    return Along(variable, here, chunk, linear, slopes, bent, *labels, dpar, nlpar)


def _change(three: Sequence[Arrays], second: FloatArray, third: FloatArray) -> Arrays:
    """Return arrays of which linear predictors make their change per unit.

    It is that of the parabola through three places: second order at the ends, too. `second` and
    `third` are the weights of the places after the first; what is constant does not change at all.
    """

    def slope(values: Sequence[FloatArray]) -> FloatArray:
        columns = (slice(None), *[None] * (values[0].ndim - 1))
        moved = second[columns] * (values[1] - values[0])
        return np.asarray(moved + third[columns] * (values[2] - values[0]))

    predictors = {}
    for name in three[0].predictors:
        parts = [arrays.predictors[name] for arrays in three]
        offsets = [part.offset for part in parts if part.offset is not None]
        predictors[name] = PredictorArrays(
            slope([part.X for part in parts]), slope(offsets) if offsets else None
        )
    groups = tuple(
        GroupArrays(parts[0].index, slope([part.Z for part in parts]), parts[0].new_levels)
        for parts in zip(*(arrays.groups for arrays in three), strict=True)
    )
    return replace(three[0], predictors=predictors, groups=groups)


def _moves(change: Arrays, chunk: Chunk, name: str) -> bool:
    """Say whether a linear predictor changes."""
    own = change.predictors[name]
    if own.X.any() or (own.offset is not None and own.offset.any()):
        return True
    return any(
        group.Z[:, place].any()
        for group, effects in zip(change.groups, chunk.effects, strict=True)
        for place, predictor in enumerate(effects.predictors)
        if predictor == name
    )


def _bent(
    chunk: Chunk,
    arrays_at: Any,
    here: FloatArray,
    change: Arrays,
    names: list[str],
    seen: tuple[float, float],
) -> tuple[str, ...]:
    """Return the linear predictors that are not linear in the column."""
    found: dict[str, None] = {}
    for share in (0.0, 0.37, 1.0):
        there = np.full(len(here), seen[0] + share * (seen[1] - seen[0]))
        arrays = arrays_at(there)
        away = there - here
        for name in names:
            old, new, rate = (a.predictors[name] for a in (chunk.arrays, arrays, change))
            pairs = [(old.X + rate.X * away[:, None], new.X)]
            if old.offset is not None and new.offset is not None and rate.offset is not None:
                pairs.append((old.offset + rate.offset * away, new.offset))
            for place, group in enumerate(chunk.arrays.groups):
                mine = [p == name for p in chunk.effects[place].predictors]
                Z = group.Z + change.groups[place].Z * away[:, None]
                pairs.append((Z[:, mine], arrays.groups[place].Z[:, mine]))
            if not all(_alike(one, two) for one, two in pairs):
                found[name] = None
    return tuple(found)


def _alike(one: FloatArray, two: FloatArray) -> bool:
    """Say whether arrays are the same but for rounding."""
    scale = float(np.max(np.abs(two), initial=1.0))
    return bool(np.all(np.abs(one - two) <= _SAME * scale))
