"""The columns that a model's predictors read: their kind, their levels, what is typical of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from brmspy.data.columns import kind, read_column
from brmspy.data.factors import as_labels, encode
from brmspy.errors import BrmspyError, did_you_mean
from brmspy.formula import LinearPredictor, ModelTerms
from brmspy.formula.expression import Name, names_in

if TYPE_CHECKING:
    from brmspy.data import Design
    from brmspy.fit import Fit

__all__ = ["GridColumn", "Kind", "Role", "grid_columns", "predictors_behind"]

Kind = Literal["numeric", "factor", "ordered", "logical"]
Role = Literal["population", "offset", "varying", "grouping", "trials"]


@dataclass(frozen=True, eq=False)
class GridColumn:
    """A column of the data that a model reads to predict.

    Attributes
    ----------
    name : str
        The column.
    kind : {"numeric", "factor", "ordered", "logical"}
        What it is to the model. Text is a factor, and so are numbers of which every one is a level,
        as in ``factor(x)`` or for a grouping column.
    levels : tuple of Any
        The levels in the order of the design, as they are in the data; empty for numbers.
    labels : tuple of str
        The same as text.
    typical : Any
        The value at which it is held: the mean of numbers, the first level of factors, 1 for
        ``trials()``. None for a column that only groups: no level is typical.
    uses : frozenset of (str, str)
        Which predictor reads it (``"mu"``, ``"sigma"``, ``"Asym"``), and as what: ``"population"``
        for terms and non-linear covariates, ``"offset"``, ``"varying"`` for group-level effects,
        ``"grouping"``; trials belong to ``"mu"``.
    values : pandas.Series
        What the data hold, in the rows that the model uses.
    """

    name: str
    kind: Kind
    levels: tuple[Any, ...]
    labels: tuple[str, ...]
    typical: Any
    uses: frozenset[tuple[str, Role]]
    values: pd.Series[Any] = field(repr=False)

    @property
    def is_factor(self) -> bool:
        """Whether it has levels."""
        return self.kind != "numeric"

    @property
    def roles(self) -> frozenset[Role]:
        """What it is read as."""
        return frozenset(role for _, role in self.uses)

    @property
    def only_groups(self) -> bool:
        """Whether it does nothing but tell groups apart."""
        return self.roles == {"grouping"}

    @property
    def numbers(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """The values of a numeric column."""
        return self.values.to_numpy(dtype=np.float64)

    def is_read_by(self, predictors: Sequence[str], *, groups: bool = True) -> bool:
        """Tell whether any of some predictors reads the column.

        Parameters
        ----------
        predictors : sequence of str
            Their names; see `predictors_behind`.
        groups : bool
            Whether group-level effects count. Trials do not: no predictor reads them.

        Returns
        -------
        bool
        """
        ignored = {"trials"} if groups else {"trials", "varying", "grouping"}
        return any(name in predictors and role not in ignored for name, role in self.uses)

    def sequence(self, length: int = 100) -> list[Any]:
        """Return all levels, or numbers from the lowest to the highest value, evenly spaced.

        Parameters
        ----------
        length : int
            How many numbers; one if the column is constant.

        Returns
        -------
        list
        """
        if self.is_factor:
            return list(self.levels)
        low, high = float(self.numbers.min()), float(self.numbers.max())
        return [low] if low == high else list(np.linspace(low, high, length).tolist())

    def level(self, value: Any) -> Any:
        """Return the level that a value stands for, as it is in the data.

        Parameters
        ----------
        value : Any
            A level, or its label.

        Returns
        -------
        Any

        Raises
        ------
        BrmspyError
            If there is no such level; names the nearest.
        """
        label = as_labels([value])[0]
        if label not in self.labels:
            raise BrmspyError(
                f"{self.name!r} has no level {value!r} in the data that the model was fitted to. "
                f"{did_you_mean(label, self.labels)}"
            )
        return self.levels[self.labels.index(label)]


def grid_columns(fit: Fit) -> dict[str, GridColumn]:
    """Return the columns that a model reads to predict, in the order in which the formula does.

    Parameters
    ----------
    fit : Fit
        The fitted model.

    Returns
    -------
    dict of str to GridColumn
        By name. The response and the weights are not among them: predictions do not need them.
    """
    design = fit.model.design
    uses: dict[str, set[tuple[str, Role]]] = {}
    for column, predictor, role in _uses(design.terms):
        uses.setdefault(column, set()).add((predictor, role))
    return {name: _column(design, name, frozenset(found)) for name, found in uses.items()}


def predictors_behind(fit: Fit, parameter: str | None = None) -> tuple[str, ...]:
    """Return a predicted parameter and the non-linear parameters that it depends on.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    parameter : str, optional
        A distributional or non-linear parameter; by default all that are predicted.

    Returns
    -------
    tuple of str
        Names of predictors, ``mu`` first. Empty for a parameter that is not predicted.

    Raises
    ------
    BrmspyError
        If the model has no such parameter.
    """
    terms = fit.model.design.terms
    predicted = [item.name for item in terms.predictors]
    if parameter is None:
        return _in_order(terms)
    known = dict.fromkeys([*fit.model.family.dpar_names, *predicted])
    if parameter not in known:
        raise BrmspyError(
            f"The model has no parameter {parameter!r}. {did_you_mean(str(parameter), known)}"
        )
    return tuple(_behind(terms, parameter)) if parameter in predicted else ()


def _in_order(terms: ModelTerms) -> tuple[str, ...]:
    """Return all predictors as one reads a formula: mu, what it depends on, then the others."""
    tops = [item.name for item in terms.predictors if not item.nlpar]
    tops.sort(key=lambda name: name != "mu")
    found = (name for top in tops for name in _behind(terms, top))
    return tuple(dict.fromkeys(found))


def _behind(terms: ModelTerms, name: str) -> Iterator[str]:
    """Yield a predictor and all that it reads, depth first."""
    yield name
    predictor = terms.predictor(name)
    if not isinstance(predictor, LinearPredictor):
        for parameter in predictor.parameters:
            yield from _behind(terms, parameter)


def _uses(terms: ModelTerms) -> Iterator[tuple[str, str, Role]]:
    """Yield column, predictor and role for everything that is read."""
    groups: list[tuple[str, str, Role]] = []
    for name in _in_order(terms):
        predictor = terms.predictor(name)
        if not isinstance(predictor, LinearPredictor):
            for column in predictor.covariates:
                yield column, name, "population"
            continue
        for term in predictor.fixed.terms:
            for column in () if term.is_intercept else term.variables:
                yield column, name, "population"
        for offset in predictor.fixed.offsets:
            for column in names_in(offset):
                yield column, name, "offset"
        for group in predictor.groups:
            groups += [(column, name, "varying") for column in group.effects.variables]
            groups += [(column, name, "grouping") for column in group.factors]
    for column in names_in(terms.response.trials) if terms.response.trials else ():
        yield column, "mu", "trials"
    yield from groups


def _column(design: Design, name: str, uses: frozenset[tuple[str, Role]]) -> GridColumn:
    """Find kind, levels and typical value of one column."""
    series = design.data[name]
    values = read_column(series, name)
    roles = {role for _, role in uses}
    found: Kind = "numeric"
    levels: tuple[Any, ...] = ()
    labels: tuple[str, ...] = ()
    if kind(values) == "number":
        if roles == {"grouping"} or design.is_discrete(name):
            found, levels = "factor", tuple(sorted(series.unique().tolist()))
            labels = as_labels(levels)
    elif kind(values) == "logical":
        found, levels, labels = "logical", (False, True), ("FALSE", "TRUE")
    else:
        labels, ordered = (encoded := encode(values)[1]).labels, encoded.ordered
        found = "ordered" if ordered else "factor"
        by_label = _by_label(series)
        levels = tuple(by_label[label] for label in labels)
    typical = _typical(design.terms, name, roles, series, levels)
    return GridColumn(name, found, levels, labels, typical, uses, series)


def _by_label(series: pd.Series[Any]) -> Mapping[str, Any]:
    """Return the values of text or of a factor by their labels."""
    categorical = isinstance(series.dtype, pd.CategoricalDtype)
    distinct = (series.cat.categories if categorical else series.drop_duplicates()).tolist()
    return dict(zip(as_labels(distinct), distinct, strict=True))


def _typical(
    terms: ModelTerms, name: str, roles: set[Role], series: pd.Series[Any], levels: Sequence[Any]
) -> Any:
    """Return the value at which a column is held."""
    if roles == {"grouping"}:
        return None
    if levels:
        return levels[0]
    if "trials" in roles:
        # One trial makes means proportions; a predictor or a sum is left where the data are.
        alone = roles <= {"trials"} and isinstance(terms.response.trials, Name)
        return 1 if alone else round(float(series.median()))
    return float(series.to_numpy(dtype=np.float64).mean())
