"""A Bayesian fit and its frequentist counterpart side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from brmspy.errors import BrmspyError
from brmspy.fit import Fit
from brmspy.markup import Table, block, decimals_for, number, paragraph, wrapped
from brmspy.predict import check_probability
from brmspy.twin.dispatch import Request, solve
from brmspy.twin.foreign import adopt
from brmspy.twin.pictures import draw_dumbbells, draw_shrinkage
from brmspy.twin.problem import Problem
from brmspy.twin.reasons import explain
from brmspy.twin.result import FrequentistFit
from brmspy.twin.shrinkage import complete_pooling, shrinkage_table, shrinkage_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

__all__ = ["FrequentistComparison", "compare_frequentist"]

_TITLES = {
    "Regression Coefficients": ("b_",),
    "Group-Level Standard Deviations and Correlations": ("sd_", "cor_"),
    "Further Distributional Parameters": ("",),
}


@dataclass(frozen=True, eq=False, repr=False)
class FrequentistComparison:
    """A Bayesian fit and its frequentist counterpart; printing it shows both and what differs.

    Attributes
    ----------
    formula : str
        The formula of the Bayesian fit.
    frequentist : FrequentistFit
        The counterpart.
    table : DataFrame
        A row for each parameter that both have, by brms' names. Columns Estimate and Std.Error of
        the frequentist fit; Mean, Median and SD of the posterior; the ends of both intervals, such
        as l-95% CI, u-95% CI, Q2.5 and Q97.5; and Difference, that of posterior mean and estimate
        in standard errors (in posterior sds where there is no standard error).
    shrinkage : DataFrame
        A row for each level and coefficient that varies: columns group, level, coef and rows, their
        number; the coefficient with ``no_pooling``, from the level's rows alone; ``frequentist``
        and ``posterior_mean`` of the multilevel models, with ``posterior_sd``; that of the
        ``population`` in both, ``posterior_population`` being the posterior's; and with
        ``complete_pooling``, of the model without groups. NaN where rows do not determine it, or it
        is not known.
    notes : tuple of str
        Where they differ by more than half a standard error, and the likely reason.
    unmatched : tuple of str
        What the other fit has that the Bayesian one does not have under any name that is known.
    missing : tuple of str
        Parameters of the Bayesian fit that the other fit does not have.
    prob : float
        Probability of the intervals.
    """

    formula: str
    frequentist: FrequentistFit
    table: pd.DataFrame
    shrinkage: pd.DataFrame
    notes: tuple[str, ...]
    unmatched: tuple[str, ...]
    missing: tuple[str, ...]
    prob: float

    def plot(self, *, standardise: bool = True, ax: Any = None) -> Axes | NDArray[np.object_]:
        """Draw both estimates of each parameter with their intervals, one below the other.

        Parameters
        ----------
        standardise : bool
            Whether to show all parameters on one axis, as differences from the frequentist estimate
            in its standard errors; the estimates stand at the right. Otherwise each kind of
            parameters has its own axis, in its own units.
        ax : Axes or array of Axes, optional
            Where to draw: one, or without `standardise` one for each kind of parameters.

        Returns
        -------
        Axes or ndarray of Axes

        Raises
        ------
        BrmspyError
            If Matplotlib is not installed: ``pip install "brmspy[plots]"``.

        Examples
        --------
        >>> from brmspy import brm, load_dataset
        >>> sleepstudy = load_dataset("sleepstudy")
        >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
        >>> axes = fit.compare_frequentist().plot()
        >>> [label.get_text() for label in axes.get_yticklabels()][:2]
        ['b_Intercept', 'b_Days']
        """
        return draw_dumbbells(self.table, self.prob, standardise, self.frequentist.title, ax)

    def plot_shrinkage(
        self, group: str | None = None, *, max_levels: int = 40, ax: Any = None
    ) -> Axes | NDArray[np.object_]:
        """Draw the coefficients of levels from no pooling to complete pooling.

        Parameters
        ----------
        group : str, optional
            The grouping factor; by default all.
        max_levels : int
            How many levels to show; of more, the lowest and the highest.
        ax : Axes or array of Axes, optional
            Where to draw: one for each coefficient of each group.

        Returns
        -------
        Axes or ndarray of Axes
            One for each coefficient of each group.

        Raises
        ------
        BrmspyError
            If the model has no group-level effects, or no such group.

        Examples
        --------
        >>> from brmspy import brm, load_dataset
        >>> sleepstudy = load_dataset("sleepstudy")
        >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
        >>> axes = fit.compare_frequentist().plot_shrinkage()
        >>> [place.get_xlabel() for place in axes]
        ['Intercept', 'Days']
        """
        return draw_shrinkage(self.shrinkage, group, max_levels, ax)

    def _tables(self) -> Iterator[tuple[str, Table]]:
        """Yield titles and tables."""
        left = list(self.table.index)
        for title, beginnings in _TITLES.items():
            names = [name for name in left if str(name).startswith(beginnings)]
            left = [name for name in left if name not in names]
            if names:
                yield title, _shown(self.table.loc[names], self.prob)

    def _texts(self) -> Iterator[str]:
        """Yield what is said below the tables."""
        yield from self.notes
        if self.missing:
            yield f"Not in the other fit: {_some(self.missing)}."
        if self.unmatched:
            yield (
                f"Not compared, because the Bayesian fit has no such parameter: "
                f"{_some(self.unmatched)}."
            )

    @property
    def _head(self) -> str:
        """What is compared, in a sentence."""
        return (
            f"{self.formula.splitlines()[0]}: posterior against {self.frequentist.title} "
            f"({self.frequentist.software})."
        )

    def __repr__(self) -> str:
        lines = wrapped(self._head)
        for title, table in self._tables():
            lines += ["", f"{title}:", *table.lines()]
        for text in self._texts():
            lines += ["", *wrapped(text)]
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        parts = [paragraph(self._head)]
        for title, table in self._tables():
            parts += [f"<p><strong>{title}</strong></p>", table.html()]
        parts += [paragraph(text) for text in self._texts()]
        return block("comparison", "Bayesian and frequentist fit", parts)


def _some(names: tuple[str, ...], shown: int = 8) -> str:
    """Return the first of several names, and how many more there are."""
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")


def _shown(table: pd.DataFrame, prob: float) -> Table:
    """Return a table as text: intervals in one column each."""
    percent = f"{100.0 * prob:.4g}%"
    columns = ("Estimate", "Mean", "Median", "Std.Error", "SD", f"{percent} CI", f"{percent} post.")
    lower, upper, low, high = table.columns[5:9]
    rows = []
    for name, row in table.iterrows():
        places = decimals_for([0.2 * float(row["SD"])])
        cells = [number(float(row[column]), places) for column in columns[:5]]
        for ends in ((lower, upper), (low, high)):
            pair = [number(float(row[end]), places) for end in ends]
            cells.append("NA" if "NA" in pair else f"[{pair[0]}, {pair[1]}]")
        rows.append((str(name), (*cells, number(float(row["Difference"]), 2))))
    return Table("", (*columns, "Diff/SE"), tuple(rows))


def compare_frequentist(
    fit: Fit,
    other: Any = None,
    *,
    prob: float = 0.95,
    method: str = "auto",
    reml: bool | None = None,
    nagq: int = 1,
    start: Mapping[str, float] | None = None,
) -> FrequentistComparison:
    """Compare a Bayesian fit with its frequentist counterpart.

    The counterpart is fitted by maximum likelihood to the same rows, or given: a fit of
    `brmspy.frequentist`, a fitted result of statsmodels, or a table of coefficients from R, such as
    ``coef(summary(m))``, or ``broom.mixed::tidy(m)`` with its standard deviations.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    other : FrequentistFit, result of statsmodels, or DataFrame, optional
        What to compare with; by default `brmspy.frequentist` of the same model. Names of
        coefficients may be those of R (``"(Intercept)"``, ``"period2"``) or of statsmodels
        (``"C(period)[T.2]"``). A table needs a column ``Estimate``, and may have ``Std. Error``.
    prob : float
        Probability of the intervals.
    method, reml, nagq, start
        As for `brmspy.frequentist`; not with `other`. The search for non-linear models starts at
        the posterior means.

    Returns
    -------
    FrequentistComparison
        Print it; ``.plot()`` and ``.plot_shrinkage()`` draw it.

    Raises
    ------
    BrmspyError
        If the model has no counterpart, a library is missing, or no name of `other` is known.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> both = fit.compare_frequentist()
    >>> both.table.loc[["b_Intercept", "b_Days"], ["Estimate", "Mean"]].round(0)
                 Estimate   Mean
    b_Intercept     251.0  251.0
    b_Days           10.0   10.0
    """
    check_probability(prob)
    if fit.model.sample_prior == "only":
        raise BrmspyError(
            "These draws are from the prior, without the data: there is nothing to compare. Fit "
            "the model with sample_prior='no'."
        )
    problem = Problem.of(fit.model, fit.variables)
    point = _posterior_point(fit, problem)
    request = Request(method, reml, nagq, start, point=point)
    unmatched: tuple[str, ...] = ()
    if other is None:
        found = FrequentistFit.of(solve(problem, request))
    else:
        if (method, reml, nagq, start) != ("auto", None, 1, None):
            raise BrmspyError(
                "method, reml, nagq and start say how to fit the counterpart, but other is given: "
                "leave one of them out."
            )
        found, unmatched = adopt(other, problem)
    table = _compared(fit, found, prob)
    groups = bool(problem.design.groups)
    pooled = complete_pooling(problem, point) if groups else None
    shrinkage = shrinkage_table(fit, problem, found, pooled)
    notes = (*found.notes, *explain(fit, problem, found, table), *shrinkage_words(shrinkage))
    own = [
        str(name)
        for variable in problem.variables
        if variable.section != "group_effects"
        for name in variable.brms.flat
    ]
    return FrequentistComparison(
        formula=str(fit.formula),
        frequentist=found,
        table=table,
        shrinkage=shrinkage,
        notes=notes,
        unmatched=unmatched,
        missing=tuple(name for name in own if name in fit and name not in table.index),
        prob=prob,
    )


def _posterior_point(fit: Fit, problem: Problem) -> Any:
    """Return the posterior means of the coefficients."""
    posterior = fit.groups["posterior"]
    parts = [
        posterior[variable.name].to_numpy().mean(axis=(0, 1)).reshape(-1)
        for _, variable in problem.coefficients
    ]
    return np.concatenate([np.empty(0), *parts])


def _compared(fit: Fit, found: FrequentistFit, prob: float) -> pd.DataFrame:
    """Return the table of what both have."""
    estimates = found.table
    names = [str(name) for name in estimates.index if name in fit]
    limits = found.conf_int(prob).loc[names]
    draws = np.stack([fit[name].to_numpy().reshape(-1) for name in names], axis=1)
    tails = (0.5 - prob / 2.0, 0.5 + prob / 2.0)
    lower, median, upper = np.quantile(draws, [tails[0], 0.5, tails[1]], axis=0)
    sds = draws.std(axis=0, ddof=1)
    errors = estimates.loc[names, "Std.Error"].to_numpy(dtype=float)
    centres = estimates.loc[names, "Estimate"].to_numpy(dtype=float)
    units = np.where(np.isfinite(errors) & (errors > 0.0), errors, sds)
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = (draws.mean(axis=0) - centres) / units
    percent = f"{100.0 * prob:.4g}%"
    columns = {
        "Estimate": centres,
        "Mean": draws.mean(axis=0),
        "Median": median,
        "Std.Error": errors,
        "SD": sds,
        f"l-{percent} CI": limits.iloc[:, 0].to_numpy(),
        f"u-{percent} CI": limits.iloc[:, 1].to_numpy(),
        f"Q{100 * tails[0]:.4g}": lower,
        f"Q{100 * tails[1]:.4g}": upper,
        "Difference": difference,
    }
    return pd.DataFrame(columns, index=pd.Index(names, dtype=object))
