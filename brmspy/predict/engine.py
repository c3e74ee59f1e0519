"""Computes with draws and rows, chunk by chunk, so that memory is bounded by the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brmspy.data import Arrays, Design, GroupArrays
from brmspy.errors import BrmspyError, BrmspyWarning, warn
from brmspy.families import Family
from brmspy.fit import Fit, observation_labels
from brmspy.predict.choice import chosen_effects
from brmspy.predict.draws import ChosenDraws, choose_draws
from brmspy.predict.levels import LevelSampler
from brmspy.predict.linear import (
    BlockEffects,
    all_effects,
    distributional_parameters,
    linear_predictors,
)

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Chunk", "Request", "request", "seed_of"]

FloatArray = NDArray[np.float64]

_CHUNK = 4_000_000  # numbers of one array of draws and rows: 32 MB


@dataclass(frozen=True)
class Chunk:
    """Some of the rows of a prediction.

    Attributes
    ----------
    design : Design
        The design of the fitted model.
    family : Family
        Its family.
    draws : mapping of str to ndarray, shape (draw, ...)
        The user's parameters.
    arrays : Arrays
        The rows.
    effects : tuple of BlockEffects
        Group-level effects, by block of `arrays`.
    response : ndarray or None
        The response, coded by the family.
    """

    design: Design
    family: Family
    draws: Mapping[str, FloatArray]
    arrays: Arrays
    effects: tuple[BlockEffects, ...]
    response: NDArray[Any] | None

    def predictors(self, only: str | None = None) -> dict[str, FloatArray]:
        """Return all predicted parameters, or one, on the link scale."""
        return linear_predictors(self.design, self.draws, self.arrays, self.effects, only)

    def parameters(self, predictors: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """Return the distributional parameters on their natural scale."""
        return distributional_parameters(self.design, self.family, self.draws, predictors)


@dataclass(frozen=True)
class Request:
    """What is to be predicted for, checked and ready to compute with.

    Attributes
    ----------
    fit : BrmsFit
        The fitted model.
    draws : ChosenDraws
        The draws that take part.
    arrays : Arrays
        All rows.
    chosen : tuple of tuple of bool
        For each block of the model: which coefficients take part.
    blocks : tuple of int
        Which blocks of the model those of `arrays` are.
    levels : LevelSampler
        Effects of new levels.
    response : ndarray or None
        The response, coded by the family, if it is needed.
    """

    fit: Fit
    draws: ChosenDraws
    arrays: Arrays
    chosen: tuple[tuple[bool, ...], ...]
    blocks: tuple[int, ...]
    levels: LevelSampler
    response: NDArray[Any] | None

    def compute(
        self, name: str, function: Callable[[Chunk], NDArray[Any]], dtype: type = float
    ) -> xr.DataArray:
        """Apply a function to all rows.

        Parameters
        ----------
        name : str
            Name of the result.
        function : callable
            Returns an array that broadcasts to (draw, obs) for the rows of a chunk.
        dtype : type
            Of the result.

        Returns
        -------
        xarray.DataArray
            Dimensions (chain, draw, obs).
        """
        import xarray as xr

        values: NDArray[Any] = np.empty((self.draws.count, self.arrays.nobs), dtype=dtype)
        for rows, chunk in self._chunks():
            values[:, rows] = function(chunk)
        chains, draws = len(self.draws.chain), len(self.draws.draw)
        return xr.DataArray(
            values.reshape(chains, draws, -1),
            coords={
                "chain": self.draws.chain,
                "draw": self.draws.draw,
                "obs": observation_labels(self.arrays.rows),
            },
            dims=("chain", "draw", "obs"),
            name=name,
        )

    def whole(self) -> Chunk:
        """Return all rows at once."""
        return self._chunk(slice(0, self.arrays.nobs), self._known_effects())

    def _chunks(self) -> Iterator[tuple[slice, Chunk]]:
        """Yield the rows in parts."""
        known = self._known_effects()
        size = max(1, _CHUNK // self.draws.count)
        for start in range(0, self.arrays.nobs, size):
            rows = slice(start, min(start + size, self.arrays.nobs))
            yield rows, self._chunk(rows, known)

    def _chunk(self, rows: slice, known: Sequence[tuple[FloatArray, ...]]) -> Chunk:
        """Return some of the rows, with the effects of the levels that they have."""
        model = self.fit.model
        part = self.arrays.part(rows)
        effects = tuple(
            self._with_new_levels(block, group, columns)
            for block, group, columns in zip(self.blocks, part.groups, known, strict=True)
        )
        response = None if self.response is None else self.response[rows]
        return Chunk(model.design, model.family, self.draws.values, part, effects, response)

    def _known_effects(self) -> list[tuple[FloatArray, ...]]:
        """Return the effects of the levels that the model has seen, for each block in use."""
        design = self.fit.model.design
        every = all_effects(design, self.draws.values, design.arrays)
        return [every[block].columns for block in self.blocks]

    def _with_new_levels(
        self, block: int, group: GroupArrays, columns: tuple[FloatArray, ...]
    ) -> BlockEffects:
        """Return the effects of the levels that some rows have, new ones included."""
        info = self.fit.model.design.groups[block]
        predictors = tuple(
            coef.predictor if wanted else ""
            for coef, wanted in zip(info.coefs, self.chosen[block], strict=True)
        )
        if not group.new_levels:
            return BlockEffects(predictors, columns, group.index)
        count = len(info.levels)
        present, index = np.unique(group.index, return_inverse=True)
        new = present[present >= count] - count
        seen = present[present < count]
        drawn = self.levels.columns(block, [group.new_levels[place] for place in new])
        joined = tuple(
            np.concatenate([old[:, seen], fresh], axis=1)
            for old, fresh in zip(columns, drawn, strict=True)
        )
        return BlockEffects(predictors, joined, index)


def request(
    fit: Fit,
    newdata: Any,
    *,
    re_formula: Any = None,
    ndraws: int | None = None,
    draw_ids: Sequence[int] | None = None,
    allow_new_levels: bool = False,
    sample_new_levels: str = "uncertainty",
    seed: int | None = None,
    response: bool = False,
) -> Request:
    """Check what is asked for, and make the arrays.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    newdata : DataFrame or None
        The rows to predict for; None for those that the model was fitted to.
    re_formula, ndraws, draw_ids, allow_new_levels, sample_new_levels, seed
        As for `posterior_epred`.
    response : bool
        Whether the response is needed.

    Returns
    -------
    Request

    Raises
    ------
    BrmspyError
        If an argument is not valid.
    DataError
        If the new data do not fit the model.
    """
    model = fit.model
    chosen = chosen_effects(model.design, re_formula)
    wanted = [any(coefs) for coefs in chosen]
    if newdata is None:
        _tell_of_data_sets(fit)
        groups = tuple(compress(model.design.arrays.groups, wanted))
        arrays = replace(model.design.arrays, groups=groups)
    else:
        arrays = model.design.arrays_for(
            newdata, groups=wanted, response=response, allow_new_levels=allow_new_levels
        )
    draws = choose_draws(fit, ndraws, draw_ids)
    return Request(
        fit,
        draws,
        arrays,
        chosen,
        tuple(compress(range(len(wanted)), wanted)),
        LevelSampler(model.design, draws.values, sample_new_levels, seed_of(fit, seed)),
        _response(fit, newdata, arrays) if response else None,
    )


def seed_of(fit: Fit, seed: int | None) -> int:
    """Return the seed to use: the fit's own if none is given, so that results can be repeated.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    seed : int or None
        What the user gave.

    Returns
    -------
    int

    Raises
    ------
    BrmspyError
        If it is no whole number of at least 0.
    """
    if seed is None:
        return fit.record.seed
    if not isinstance(seed, Integral) or isinstance(seed, bool) or seed < 0:
        raise BrmspyError(f"seed = {seed!r} is not valid: it is a whole number of at least 0.")
    return int(seed)


def _tell_of_data_sets(fit: Fit) -> None:
    """Say which data are meant, for a fit that combines fits to several data sets."""
    sets = len(fit.record.data_sets)
    if sets > 1:
        warn(
            f"The fit combines fits to {sets} data sets. This is computed with all draws, but for "
            "the rows of the first data set. Give newdata= for the rows of another.",
            BrmspyWarning,
        )


def _response(fit: Fit, newdata: Any, arrays: Arrays) -> NDArray[Any]:
    """Return the response of the rows, coded by the family."""
    if newdata is None:
        return fit.model.response
    assert arrays.response is not None, "it was asked for"
    label = fit.model.design.terms.response.label
    return fit.model.family.code_response(arrays.response, label, trials=arrays.trials)
