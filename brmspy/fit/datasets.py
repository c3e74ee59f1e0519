"""Labelled data sets: the groups of ArviZ' InferenceData.

xarray is imported when it is needed, which keeps ``import brmspy`` quick.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.errors import BrmspyError
from brmspy.fit.contract import FittedModel
from brmspy.fit.record import FitRecord
from brmspy.fit.variables import Variable

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "RESERVED_DIMS",
    "concatenated",
    "constant_data",
    "draws_dataset",
    "group_attributes",
    "observation_labels",
    "observed_data",
    "stats_dataset",
]

# Names that a dimension of the posterior may not have.
RESERVED_DIMS = ("chain", "draw", "sample", "obs", "lprior", "lp")


def draws_dataset(
    variables: Sequence[Variable],
    values: Mapping[str, NDArray[np.float64]],
    attrs: Mapping[str, Any],
) -> xr.Dataset:
    """Return draws with their labels.

    Parameters
    ----------
    variables : sequence of Variable
        What to keep, with unique names of dimensions.
    values : mapping of str to ndarray, shape (chain, draw, ...)
        Draws of each variable.
    attrs : mapping of str to Any
        Attributes of the data set.

    Returns
    -------
    xarray.Dataset
        Dimensions (chain, draw, ...). The arrays are not copied and cannot be written to.

    Raises
    ------
    BrmspyError
        If draws do not have the shape of their variable.
    """
    import xarray as xr

    arrays: dict[str, xr.Variable] = {}
    coords: dict[str, NDArray[np.object_]] = {}
    for variable in variables:
        draws = _read_only(np.asarray(values[variable.name], dtype=np.float64))
        if draws.shape[2:] != variable.shape:
            raise BrmspyError(
                f"The draws of {variable.name!r} have shape {draws.shape[2:]}, but its names have "
                f"shape {variable.shape}. This is a defect of brmspy: please report it."
            )
        arrays[variable.name] = xr.Variable(("chain", "draw", *variable.dims), draws)
        coords |= {dim: _text(labels) for dim, labels in variable.coords.items()}
    return xr.Dataset(arrays, coords | _sample_coords(arrays), dict(attrs))


def stats_dataset(stats: Mapping[str, NDArray[Any]], attrs: Mapping[str, Any]) -> xr.Dataset:
    """Return the sampler's statistics.

    Parameters
    ----------
    stats : mapping of str to ndarray, shape (chain, draw)
        By ArviZ' names.
    attrs : mapping of str to Any
        Attributes of the data set.

    Returns
    -------
    xarray.Dataset
        Dimensions (chain, draw).
    """
    import xarray as xr

    arrays = {
        name: xr.Variable(("chain", "draw"), _read_only(np.asarray(values)))
        for name, values in stats.items()
    }
    return xr.Dataset(arrays, _sample_coords(arrays), dict(attrs))


def concatenated(
    several: Sequence[Mapping[str, xr.Dataset]], attrs: Mapping[str, Any]
) -> dict[str, xr.Dataset]:
    """Put the chains of several fits together.

    Parameters
    ----------
    several : sequence of mapping of str to xarray.Dataset
        The groups of each fit, of the same names and variables.
    attrs : mapping of str to Any
        Attributes of the groups.

    Returns
    -------
    dict of str to xarray.Dataset
        Groups without chains are those of the first fit.
    """
    import xarray as xr

    groups = {}
    for name, first in several[0].items():
        if "chain" not in first.dims:
            groups[name] = first.assign_attrs(attrs)
            continue
        arrays = {
            label: xr.Variable(
                variable.dims,
                _read_only(np.concatenate([group[name][label].to_numpy() for group in several])),
            )
            for label, variable in first.data_vars.items()
        }
        coords = {dim: first[dim].to_numpy() for dim in first.dims if dim not in ("chain", "draw")}
        named = {str(label): array for label, array in arrays.items()}
        groups[name] = xr.Dataset(arrays, coords | _sample_coords(named), dict(attrs))
    return groups


def observed_data(model: FittedModel, attrs: Mapping[str, Any]) -> xr.Dataset:
    """Return the response as the model sees it.

    Parameters
    ----------
    model : FittedModel
        The model.
    attrs : mapping of str to Any
        Attributes of the data set.

    Returns
    -------
    xarray.Dataset
        One variable with dimension obs.
    """
    return _observations(model, {model.design.terms.response.label: model.response}, attrs)


def constant_data(model: FittedModel, attrs: Mapping[str, Any]) -> xr.Dataset:
    """Return weights, trials and offsets, those that the model has.

    Parameters
    ----------
    model : FittedModel
        The model.
    attrs : mapping of str to Any
        Attributes of the data set.

    Returns
    -------
    xarray.Dataset
        Variables with dimension obs: ``weights``, ``trials``, ``offset`` and ``offset_<name>`` of
        other predicted parameters than mu.
    """
    arrays = model.design.arrays
    found: dict[str, NDArray[Any] | None] = {"weights": arrays.weights, "trials": arrays.trials}
    for name, predictor in arrays.predictors.items():
        found["offset" if name == "mu" else f"offset_{name}"] = predictor.offset
    known = {name: values for name, values in found.items() if values is not None}
    return _observations(model, known, attrs)


def observation_labels(rows: pd.Index[Any]) -> NDArray[Any]:
    """Return a data frame's index as labels along obs.

    Parameters
    ----------
    rows : Index
        The index of the rows in use.

    Returns
    -------
    ndarray
        Numbers, booleans and dates as they are; everything else, several levels of index included,
        as text.
    """
    if isinstance(rows, pd.MultiIndex):
        return _text([", ".join(map(str, row)) for row in rows])
    values = rows.to_numpy()
    if values.dtype.kind in "iufbM":
        return values
    return _text([str(row) for row in rows])


def group_attributes(record: FitRecord, sample_prior: str) -> dict[str, Any]:
    """Return the attributes of the groups that hold draws.

    Parameters
    ----------
    record : FitRecord
        How the fit came about.
    sample_prior : str
        Whether the draws are from the prior.

    Returns
    -------
    dict of str to Any
        Text and numbers.
    """
    return {
        "created_at": record.created_at,
        "creation_library": "brmspy",
        "creation_library_version": record.version,
        "version": record.version,
        "inference_library": "stan",
        "inference_library_version": record.toolchain.get("stan", ""),
        "sampling_time": record.sampling_time,
        "algorithm": record.algorithm,
        **_settings(record),
        "seed": record.seed,
        "sample_prior": sample_prior,
        "stan_code_sha": record.stan_code_sha,
        "toolchain": "; ".join(f"{name}: {text}" for name, text in record.toolchain.items()),
    }


def _settings(record: FitRecord) -> dict[str, Any]:
    """Return the settings of the sampler, or how good the approximation is."""
    if record.approximation is not None:
        return {"pareto_k": record.approximation.pareto_k}
    options = record.options
    return {
        "tuning_steps": options["iter_warmup"],
        "thin": options["thin"],
        "adapt_delta": options["adapt_delta"],
        "max_treedepth": options["max_treedepth"],
    }


def _observations(
    model: FittedModel, arrays: Mapping[str, NDArray[Any]], attrs: Mapping[str, Any]
) -> xr.Dataset:
    """Return arrays with one value for each row of the data."""
    import xarray as xr

    # A response may itself be called obs.
    dim = "obs_dim" if "obs" in arrays else "obs"
    variables = {
        name: xr.Variable((dim,), _read_only(np.asarray(values))) for name, values in arrays.items()
    }
    coords = {dim: observation_labels(model.design.arrays.rows)} if variables else {}
    return xr.Dataset(variables, coords, dict(attrs))


def _sample_coords(arrays: Mapping[str, xr.Variable]) -> dict[str, NDArray[np.int64]]:
    """Return the numbers of the chains and draws, from zero as in ArviZ."""
    first = next(iter(arrays.values()), None)
    sizes = {} if first is None else first.sizes
    return {str(dim): np.arange(sizes[dim]) for dim in ("chain", "draw") if dim in sizes}


def _text(labels: Sequence[str]) -> NDArray[np.object_]:
    """Return text as an array of objects."""
    array = np.empty(len(labels), dtype=object)
    array[:] = labels
    return array


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view
