"""One netCDF file for a fit: draws, data, and what makes the model again.

The groups of InferenceData are groups of the file, which ArviZ reads as they are. What ArviZ does
not know is in the root: texts in JSON, and the columns of the data as arrays of numbers.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy._version import __version__
from brmspy.errors import BrmspyError
from brmspy.fit.frames import decode_frame, encode_frame
from brmspy.fit.record import FitRecord
from brmspy.fit.variables import Variable

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["FORMAT_VERSION", "StoredFit", "read_fit", "write_fit"]

FORMAT = "brmspy-fit"
# 2: fits may be approximations; 3: or several fits, combined; 4: factors may be coded otherwise.
FORMAT_VERSION = 4

_CONTENT = "brmspy_content"
_DATA = "brmspy_data_"
# Draws hardly shrink, and more effort gains nothing.
_COMPRESSION = {"zlib": True, "complevel": 1, "shuffle": True}
# What HDF5 takes for a path or for no name, and what h5netcdf takes for a mark of its own.
_UNSAFE_NAME = re.compile(r"[/\x00-\x1f]|^\s|\s$|^\.*$|_nc4_non_coord_|^brmspy_name_")


@dataclass(frozen=True)
class StoredFit:
    """What a file holds.

    Attributes
    ----------
    spec : mapping of str to Any
        What, with the data, makes the model again.
    data : DataFrame
        The rows and columns that the model uses.
    variables : tuple of Variable
        The posterior's variables.
    groups : mapping of str to xarray.Dataset
        The groups of InferenceData.
    record : FitRecord
        How the fit came about.
    """

    spec: Mapping[str, Any]
    data: pd.DataFrame
    variables: tuple[Variable, ...]
    groups: Mapping[str, xr.Dataset]
    record: FitRecord


def write_fit(path: str | Path, fit: StoredFit, required: Mapping[str, xr.Dataset]) -> None:
    """Write a fit to a file, whole or not at all.

    Parameters
    ----------
    path : str or Path
        The file; replaced if it exists.
    fit : StoredFit
        What to write.
    required : mapping of str to xarray.Dataset
        Groups that `fit.groups` must hold unchanged, though it may hold more.

    Raises
    ------
    BrmspyError
        If something cannot be written.
    """
    _check_unchanged(fit.groups, required)
    target = Path(path).expanduser()
    if not target.parent.is_dir():
        raise BrmspyError(f"There is no folder {str(target.parent)!r} to save to. Create it first.")
    if target.is_dir():
        raise BrmspyError(f"{str(target)!r} is a folder. Name a file in it, such as 'fit.nc'.")
    arrays, frame = encode_frame(fit.data)
    groups = {name: _portable(group) for name, group in fit.groups.items()}
    content = {
        "spec": fit.spec,
        "frame": frame,
        "variables": [_variable_to_dict(variable) for variable in fit.variables],
        "record": fit.record.to_dict(),
        "groups": {name: originals for name, (_, originals) in groups.items()},
    }
    root = _root(_to_json(content), arrays)
    with tempfile.TemporaryDirectory(prefix=".brmspy-", dir=target.parent) as folder:
        draft = Path(folder) / "fit.nc"
        root.to_netcdf(draft, engine="h5netcdf", encoding=_encoding(root))
        for name, (group, _) in groups.items():
            try:
                group.to_netcdf(
                    draft, mode="a", group=name, engine="h5netcdf", encoding=_encoding(group)
                )
            except (TypeError, ValueError) as error:
                raise BrmspyError(
                    f"The group {name!r} of idata cannot be written to netCDF: {error}"
                ) from error
        os.replace(draft, target)


def read_fit(path: str | Path) -> StoredFit:
    """Read a file that `write_fit` wrote.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    StoredFit

    Raises
    ------
    BrmspyError
        If there is no such file, it holds no fit, is damaged, or a newer brmspy wrote it.
    """
    import h5netcdf
    import xarray as xr

    source = Path(path).expanduser()
    if not source.is_file():
        raise BrmspyError(f"There is no file {str(source)!r}.")
    try:
        with h5netcdf.File(source, "r") as file:
            attrs = dict(file.attrs)
            names = list(file.groups)
    except OSError as error:
        raise BrmspyError(
            f"{str(source)!r} is no fit saved by brmspy, or it is damaged: {error}"
        ) from error
    _check_format(source, attrs)
    root = xr.load_dataset(source, engine="h5netcdf")
    content = json.loads(str(root[_CONTENT].item()))
    arrays = {
        str(name).removeprefix(_DATA): root[name].to_numpy()
        for name in root.data_vars
        if str(name).startswith(_DATA)
    }
    groups = {
        name: _original(
            xr.load_dataset(source, group=name, engine="h5netcdf"), content["groups"][name]
        )
        for name in names
    }
    return StoredFit(
        spec=content["spec"],
        data=decode_frame(arrays, content["frame"]),
        variables=tuple(_variable_from_dict(values) for values in content["variables"]),
        groups=groups,
        record=FitRecord.from_dict(content["record"]),
    )


def _check_format(source: Path, attrs: Mapping[str, Any]) -> None:
    """Refuse files that are not ours, or that are ahead of us."""
    if attrs.get("format") != FORMAT:
        raise BrmspyError(
            f"{str(source)!r} is a netCDF file, but no fit saved by brmspy. Save fits with "
            "fit.save(); read other files with arviz.from_netcdf()."
        )
    if int(attrs["format_version"]) > FORMAT_VERSION:
        raise BrmspyError(
            f"{str(source)!r} was saved by brmspy {attrs['brmspy_version']} in format "
            f"{attrs['format_version']}; this is brmspy {__version__}, which reads formats up to "
            f"{FORMAT_VERSION}. Upgrade: pip install --upgrade brmspy"
        )


def _check_unchanged(groups: Mapping[str, xr.Dataset], required: Mapping[str, xr.Dataset]) -> None:
    """Refuse to save when the user's idata has lost what belongs to the fit."""
    for name, group in required.items():
        for variable in group.variables:
            kept = name in groups and variable in groups[name].variables
            if not kept or not groups[name][variable].identical(group[variable]):
                raise BrmspyError(
                    f"fit.idata no longer holds the fit's {name}[{str(variable)!r}], so saving "
                    "would lose it. Change a copy (fit.idata.copy()), and save that with its "
                    "to_netcdf()."
                )


def _root(content: str, arrays: Mapping[str, NDArray[Any]]) -> xr.Dataset:
    """Return what ArviZ does not look at."""
    import xarray as xr

    variables: dict[str, Any] = {_CONTENT: ((), np.array(content, dtype=object))}
    for name, values in arrays.items():
        variables[_DATA + name] = ((f"{_DATA}{name}_row",), values)
    stamps = {"format": FORMAT, "format_version": FORMAT_VERSION, "brmspy_version": __version__}
    return xr.Dataset(variables, attrs=stamps)


def _encoding(group: xr.Dataset) -> dict[Any, dict[str, Any]]:
    """Compress arrays of numbers; leave NaN alone."""
    return {
        name: {"_FillValue": None, **_COMPRESSION}
        for name, variable in group.variables.items()
        if variable.ndim and variable.dtype.kind in "biuf"
    }


def _portable(group: xr.Dataset) -> tuple[xr.Dataset, dict[str, Any]]:
    """Rename what netCDF cannot name, and number labels that it cannot hold exactly.

    Returns
    -------
    xarray.Dataset
        The group that can be written.
    dict
        The names and labels that were replaced, by their replacements.
    """
    unsafe = [
        str(name)
        for name in dict.fromkeys([*group.variables, *group.dims])
        if _UNSAFE_NAME.search(str(name))
    ]
    names = {name: f"brmspy_name_{place}" for place, name in enumerate(unsafe)}
    labels = {}
    for dim in [dim for dim in group.dims if dim in group.coords]:
        values = group[dim].to_numpy()
        dates = values.dtype.kind == "M"
        if dates or (values.dtype == object and any("\0" in str(value) for value in values)):
            plain = values.view(np.int64) if dates else values
            labels[names.get(str(dim), str(dim))] = [str(values.dtype), plain.tolist()]
            group = group.assign_coords({dim: np.arange(len(values))})
    originals = {"names": {new: old for old, new in names.items()}, "labels": labels}
    return (group.rename(names) if names else group), originals


def _original(group: xr.Dataset, originals: Mapping[str, Any]) -> xr.Dataset:
    """Undo `_portable`; make text and arrays what they are in a new fit."""
    labels = {dim: np.array(values, dtype) for dim, (dtype, values) in originals["labels"].items()}
    for dim in [dim for dim in group.dims if dim in group.coords]:
        values = labels.get(str(dim), group[dim].to_numpy())
        text = values.dtype.kind in "UO"
        group = group.assign_coords({dim: values.astype(object) if text else values})
    if originals["names"]:
        group = group.rename(originals["names"])
    for variable in group.data_vars.values():
        variable.to_numpy().flags.writeable = False
    return group


def _variable_to_dict(variable: Variable) -> dict[str, Any]:
    """Return a variable as plain values."""
    return {
        "name": variable.name,
        "section": variable.section,
        "dims": variable.dims,
        "coords": variable.coords,
        "shape": variable.shape,
        "brms": list(variable.brms.flat),
        "labels": list(variable.labels.flat),
        "group": variable.group,
    }


def _variable_from_dict(values: Mapping[str, Any]) -> Variable:
    """Undo `_variable_to_dict`."""

    def texts(name: str) -> NDArray[np.object_]:
        array = np.empty(len(values[name]), dtype=object)
        array[:] = values[name]
        return array.reshape(values["shape"])

    return Variable(
        name=values["name"],
        section=values["section"],
        dims=tuple(values["dims"]),
        coords={dim: tuple(labels) for dim, labels in values["coords"].items()},
        brms=texts("brms"),
        labels=texts("labels"),
        group=values["group"],
    )


def _to_json(content: Mapping[str, Any]) -> str:
    """Return JSON in ASCII; name the part that JSON does not know."""
    for name, part in content.items():
        try:
            json.dumps(part)
        except TypeError as error:
            raise BrmspyError(f"The fit's {name} cannot be saved: {error}.") from error
    return json.dumps(content)
