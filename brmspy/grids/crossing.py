"""A data frame of crossed values, with everything else held at what is typical."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.data.factors import as_labels
from brmspy.errors import BrmspyError, did_you_mean
from brmspy.grids.columns import GridColumn, grid_columns

if TYPE_CHECKING:
    from brmspy.fit import Fit

__all__ = ["cells", "grid"]

_RESTS = ("typical", "data")


def grid(
    fit: Fit,
    values: Mapping[str, Any],
    *,
    at: Mapping[str, Any] | None = None,
    rest: Literal["typical", "data"] = "typical",
) -> pd.DataFrame:
    """Return data to predict for: all combinations of some values, with the rest held.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    values : mapping of str to sequence
        Values of each column that is to vary, or one value. The last column varies fastest.
    at : mapping of str to Any, optional
        Values at which to hold other columns instead of the typical ones.
    rest : {"typical", "data"}
        How to hold the columns that are not named: ``"typical"`` at the mean of numbers and the
        first level of factors, with one trial for each row and without the grouping columns, so
        that predictions are for no known group; ``"data"`` as they are in every row of the data,
        once for each combination of the values.

    Returns
    -------
    DataFrame
        A column for each that the model reads, labelled and of the same type as in the data. With
        ``rest="data"`` also the rest of the data's columns.

    Raises
    ------
    BrmspyError
        If the model does not read a column, or a factor has no such level.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> from brmspy.grids import grid
    >>> fit = brm("weight ~ group", load_dataset("plant_growth"), seed=1, progress=False)
    >>> grid(fit, {"group": ["ctrl", "trt2"]})
      group
    0  ctrl
    1  trt2
    """
    if rest not in _RESTS:
        raise BrmspyError(f"rest must be 'typical' or 'data', not {rest!r}.")
    columns = grid_columns(fit)
    held = {} if at is None else dict(at)
    for name in (*values, *held):
        _check_known(fit, columns, name)
    both = [name for name in held if name in values]
    if both:
        raise BrmspyError(f"{both[0]!r} is both in values and in at. Name it in one of them.")
    crossed = list(product(*(_listed(name, given) for name, given in values.items())))
    rows = {name: [row[place] for row in crossed] for place, name in enumerate(values)}
    for name, value in held.items():
        if len(_listed(name, value)) != 1:
            raise BrmspyError(
                f"at[{name!r}] must be one value, at which {name!r} is held. Give several values "
                "in values, where they are crossed."
            )
        rows[name] = _listed(name, value) * len(crossed)
    if rest == "data":
        return _over_data(fit, columns, rows, len(crossed))
    for name, column in columns.items():
        if name not in rows and not column.only_groups:
            rows[name] = [column.typical] * len(crossed)
    ordered = [name for name in columns if name in rows]
    index = pd.RangeIndex(len(crossed))
    return pd.DataFrame(
        {name: pd.Series(cells(columns[name], rows[name]), index=index) for name in ordered},
        index=index,
    )


def cells(column: GridColumn, values: Sequence[Any] | NDArray[Any]) -> Any:
    """Return values as an array of the type that the column has in the data.

    Parameters
    ----------
    column : GridColumn
        The column.
    values : sequence
        Numbers, or levels or their labels; a grouping column may also have new levels, and missing
        values, which stand for a new level as well.

    Returns
    -------
    ndarray or pandas array
        Whole numbers stay whole only if all of them are.

    Raises
    ------
    BrmspyError
        If a value is missing, is not a number, or is no level.
    """
    dtype: Any = column.values.dtype
    if column.only_groups:
        return _group_cells(column, values)
    missing = [value for value in values if pd.api.types.is_scalar(value) and pd.isna(value)]
    if missing:
        raise BrmspyError(f"A value of {column.name!r} is missing; predictions need one.")
    if column.is_factor:
        distinct = {value: column.level(value) for value in dict.fromkeys(values)}
        return pd.array([distinct[value] for value in values], dtype=dtype)
    numbers = _numbers(column, values)
    whole = pd.api.types.is_integer_dtype(dtype) and bool((numbers == np.floor(numbers)).all())
    return pd.array(numbers.astype(np.int64), dtype=dtype) if whole else numbers


def _group_cells(column: GridColumn, values: Sequence[Any] | NDArray[Any]) -> Any:
    """Return levels of a group, new ones included."""
    known = dict(zip(column.labels, column.levels, strict=True))
    found = [
        value if pd.isna(value) else known.get(as_labels([value])[0], value) for value in values
    ]
    dtype = column.values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        new = [value for value in found if not pd.isna(value) and value not in dtype.categories]
        return pd.Categorical(found, [*dtype.categories, *dict.fromkeys(new)], dtype.ordered)
    return pd.Series(found, dtype=object).infer_objects().array


def _numbers(
    column: GridColumn, values: Sequence[Any] | NDArray[Any]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return values as numbers."""
    for value in values:
        if isinstance(value, str) or not np.isscalar(value):
            raise BrmspyError(f"{column.name!r} is a column of numbers, but {value!r} is none.")
    return np.array(values, dtype=np.float64)


def _listed(name: str, given: Any) -> list[Any]:
    """Return one value or several as a list."""
    if isinstance(given, str) or not np.iterable(given):
        return [given]
    listed = list(given)
    if not listed:
        raise BrmspyError(f"There are no values for {name!r}. Give at least one.")
    return listed


def _check_known(fit: Fit, columns: Mapping[str, GridColumn], name: str) -> None:
    """Refuse columns that predictions do not read."""
    if name in columns:
        return
    design = fit.model.design
    what = (
        "is the response, not a predictor"
        if name in design.terms.response.variables
        else "is not read by the model's predictors"
    )
    raise BrmspyError(f"{name!r} {what}. {did_you_mean(str(name), columns)}")


def _over_data(
    fit: Fit, columns: Mapping[str, GridColumn], rows: Mapping[str, list[Any]], times: int
) -> pd.DataFrame:
    """Return the data once for each combination of values, with these put in."""
    data = fit.model.design.data
    frame = data.iloc[np.tile(np.arange(len(data)), times)].reset_index(drop=True)
    for name, values in rows.items():
        repeated = pd.Series(cells(columns[name], values)).repeat(len(data))
        frame[name] = repeated.reset_index(drop=True)
    return frame
