"""Which column a curve goes along."""

from __future__ import annotations

from collections.abc import Mapping

from brmspy.errors import BrmspyError, did_you_mean
from brmspy.fit import Fit
from brmspy.formula import NonlinearPredictor
from brmspy.grids import GridColumn, predictors_behind

__all__ = ["check_by", "chosen_input"]


def chosen_input(
    fit: Fit, columns: Mapping[str, GridColumn], x: str | None, parameter: str | None = None
) -> str:
    """Return the column that curves go along.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    columns : mapping of str to GridColumn
        The columns that it reads.
    x : str or None
        What the user gave; None for the only number that non-linear formulas read, or in linear
        models the only numeric predictor.
    parameter : str, optional
        The distributional or non-linear parameter whose curve it is; by default the mean.

    Returns
    -------
    str

    Raises
    ------
    BrmspyError
        If there is no such predictor, or several could be meant.
    """
    if x is not None:
        _refuse_unknown("x", x, columns)
        return x
    behind = predictors_behind(fit, parameter or "mu")
    terms = fit.model.design.terms
    bodies = [name for name in behind if isinstance(terms.predictor(name), NonlinearPredictor)]
    numbers = [
        name
        for name, column in columns.items()
        if not column.is_factor and column.roles != {"trials"}
    ]
    inputs = [n for n in numbers if columns[n].is_read_by(bodies, groups=False)]
    found = inputs or [n for n in numbers if columns[n].is_read_by(behind)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise BrmspyError("The model reads no number that curves could go along.")
    raise BrmspyError(
        f"The model reads several numbers. Say along which of them: x={found[0]!r} or "
        f"x={found[1]!r}" + (f", or another of {', '.join(found[2:])}." if found[2:] else ".")
    )


def _refuse_unknown(argument: str, name: str, columns: Mapping[str, GridColumn]) -> None:
    """Refuse a column that is no predictor.

    Parameters
    ----------
    argument : str
        What it is given for.
    name : str
        The column.
    columns : mapping of str to GridColumn
        The columns that the model reads.

    Raises
    ------
    BrmspyError
        If the model does not read it, or only to tell groups apart.
    """
    useful = [key for key, column in columns.items() if not column.only_groups]
    if name in useful:
        return
    if name in columns:
        raise BrmspyError(
            f"{argument} = {name!r} only tells groups apart: it is for group=, not for "
            f"{argument}=. {did_you_mean(name, useful)}"
        )
    raise BrmspyError(
        f"{argument} = {name!r} is no predictor of the model. {did_you_mean(str(name), useful)}"
    )


def check_by(by: str | None, x: str, columns: Mapping[str, GridColumn]) -> None:
    """Refuse a column to tell curves apart by that is no predictor, or is what they go along.

    Parameters
    ----------
    by : str or None
        The column, if there is one.
    x : str
        The column that curves go along.
    columns : mapping of str to GridColumn
        The columns that the model reads.

    Raises
    ------
    BrmspyError
        If it is not valid.
    """
    if by is None:
        return
    _refuse_unknown("by", by, columns)
    if by == x:
        raise BrmspyError(f"x and by are both {by!r}: curves along a variable need another.")
