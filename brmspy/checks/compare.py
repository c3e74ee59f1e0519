"""Several models beside each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.checks.display import Page, Shown, count, table_of
from brmspy.checks.elpd import Elpd
from brmspy.checks.kfold import KFold
from brmspy.checks.loo import Loo, loo
from brmspy.checks.waic import waic
from brmspy.checks.weights import akaike, pseudobma, stacking
from brmspy.errors import BrmspyError, BrmspyWarning, check_choice, did_you_mean, warn
from brmspy.fit import Fit

__all__ = ["Comparison", "loo_compare", "model_weights"]

_CRITERIA: Mapping[str, Callable[[Fit], Elpd]] = {"loo": loo, "waic": waic}
_WEIGHTS = ("stacking", "pseudobma", "loo", "waic", "kfold")

# Sivula, Magnusson, Matamoros and Vehtari (2020): below, models predict so much alike that the
# standard error of the difference is too small; as it is with few rows.
_SMALL_DIFFERENCE = 4.0
_FEW_ROWS = 100


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Shown):
    """Models in the order of how well they predict.

    Attributes
    ----------
    criterion : {"loo", "waic", "kfold"}
        What was compared.
    table : DataFrame
        A row for each model, the best first: elpd_diff, the difference to the best, se_diff, elpd,
        its standard error, the effective number of parameters, and the stacking weight.
    formulas : mapping of str to str
        The model that each name stands for.
    notes : tuple of str
        What the differences mean, and how far to trust them.
    """

    criterion: str
    table: pd.DataFrame
    formulas: Mapping[str, str]
    notes: tuple[str, ...]

    def _page(self) -> Page:
        names = "\n".join(f"{name}: {formula}" for name, formula in self.formulas.items())
        table = table_of(self.table, {"weight": 2} | _ONE_DECIMAL)
        return Page("comparison", "Comparison of models", (table, names, *self.notes))


_ONE_DECIMAL = dict.fromkeys(
    [
        "elpd_diff",
        "se_diff",
        *(f"{what}_{of}" for what in ("elpd", "se_elpd", "p") for of in ("loo", "waic", "kfold")),
    ],
    1,
)


def loo_compare(
    fit: Fit | Elpd | Mapping[str, Fit | Elpd],
    *fits: Fit | Elpd,
    criterion: str = "loo",
) -> Comparison:
    """Compare models by how well they predict rows that they have not seen.

    Parameters
    ----------
    fit : BrmsFit, Elpd or mapping of str to BrmsFit or Elpd
        A fitted model, what `loo`, `waic`, `kfold` or `reloo` returned for one, or several of them
        by name.
    *fits : BrmsFit or Elpd
        Others, if the first is not a mapping. They are called fit1, fit2 and so on.
    criterion : {"loo", "waic"}
        What to compute for fitted models.

    Returns
    -------
    Comparison
        Its `table` has a row for each model, the best first.

    Raises
    ------
    BrmspyError
        If the models were not fitted to the same response in the same rows; says what differs.

    Warns
    -----
    BrmspyWarning
        If probabilities of one model are compared with densities of another.

    References
    ----------
    Vehtari, A., Gelman, A. and Gabry, J. (2017). Practical Bayesian model evaluation using
    leave-one-out cross-validation and WAIC. Statistics and Computing, 27, section 5.2.
    https://doi.org/10.1007/s11222-016-9696-4

    Sivula, T., Magnusson, M., Matamoros, A. A. and Vehtari, A. (2020). Uncertainty in Bayesian
    leave-one-out cross-validation based model comparison. https://arxiv.org/abs/2008.10296

    Examples
    --------
    >>> from brmspy import brm, load_dataset, loo_compare
    >>> data = load_dataset("plant_growth")
    >>> groups = brm("weight ~ group", data, seed=1, progress=False)
    >>> same = brm("weight ~ group", data, seed=2, progress=False)
    >>> loo_compare({"groups": groups, "same": same}).table["elpd_diff"].abs().max() < 1
    np.True_
    """
    results = _results(fit, fits, criterion)
    kind = _checked(results)
    elpd = _matrix(results)
    order = np.argsort(-elpd.sum(axis=0), kind="stable")
    differences = elpd - elpd[:, [order[0]]]
    names = list(results)
    table = pd.DataFrame(
        {
            "elpd_diff": differences.sum(axis=0),
            "se_diff": _standard_error(differences),
            f"elpd_{kind}": [result.elpd for result in results.values()],
            f"se_elpd_{kind}": [result.se for result in results.values()],
            f"p_{kind}": [result.p for result in results.values()],
            "weight": stacking(elpd),
        },
        index=pd.Index(names, dtype=object),
    ).iloc[order]
    formulas = {str(name): results[name].formula for name in table.index}
    return Comparison(kind, table, formulas, _notes(table, results, len(elpd)))


def model_weights(
    fit: Fit | Elpd | Mapping[str, Fit | Elpd],
    *fits: Fit | Elpd,
    weights: str = "stacking",
    seed: int = 1,
) -> pd.Series[float]:
    """Return how much each model should count when their predictions are averaged.

    Parameters
    ----------
    fit : BrmsFit, Elpd or mapping of str to BrmsFit or Elpd
        A fitted model, what `loo`, `waic` or `kfold` returned for one, or several of them by name.
    *fits : BrmsFit or Elpd
        Others, if the first is not a mapping.
    weights : {"stacking", "pseudobma", "loo", "waic", "kfold"}
        The mixture that predicts best; in proportion to exp(elpd), averaged over the Bayesian
        bootstrap; or in proportion to exp(elpd) of the criterion. ``"kfold"`` takes results of
        `kfold`.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    Series
        A weight for each model, by name; their sum is one.

    Raises
    ------
    BrmspyError
        If the models were not fitted to the same response in the same rows.

    References
    ----------
    Yao, Y., Vehtari, A., Simpson, D. and Gelman, A. (2018). Using stacking to average Bayesian
    predictive distributions. Bayesian Analysis, 13(3). https://doi.org/10.1214/17-BA1091

    Examples
    --------
    >>> from brmspy import brm, load_dataset, model_weights
    >>> data = load_dataset("plant_growth")
    >>> groups = brm("weight ~ group", data, seed=1, progress=False)
    >>> same = brm("weight ~ group", data, seed=2, progress=False)
    >>> model_weights(groups, same, weights="pseudobma").round(1).tolist()
    [0.5, 0.5]
    """
    if weights not in _WEIGHTS:
        more = " Bayes factors (bma) need marginal likelihoods, which are not computed."
        raise BrmspyError(
            f"weights = {weights!r} is not valid. {did_you_mean(str(weights), _WEIGHTS)}"
            + (more if weights == "bma" else "")
        )
    results = _results(fit, fits, weights if weights in ("waic", "kfold") else "loo")
    kind = _checked(results)
    if weights in _NAMED and weights != kind:
        raise BrmspyError(
            f"weights = {weights!r}, but the results are those of {kind}(). Give the fits, or "
            f"weights={kind!r}."
        )
    elpd = _matrix(results)
    if weights == "stacking":
        values = stacking(elpd)
    elif weights == "pseudobma":
        values = pseudobma(elpd, seed)
    else:
        values = akaike(elpd)
    return pd.Series(values, index=pd.Index(list(results), dtype=object), name="weight")


_NAMED = ("loo", "waic", "kfold")


def _results(first: Any, others: tuple[Any, ...], criterion: str) -> dict[str, Elpd]:
    """Return estimates by the models' names."""
    if isinstance(first, Mapping):
        if others:
            raise BrmspyError("Give either a mapping of names to models, or models, not both.")
        given = {str(name): model for name, model in first.items()}
    else:
        given = {f"fit{place}": model for place, model in enumerate((first, *others), start=1)}
    if len(given) < 2:
        raise BrmspyError(
            "It takes two models to compare: loo_compare(fit1, fit2), or by name "
            'loo_compare({"linear": fit1, "quadratic": fit2}).'
        )
    return {name: _estimate(name, model, criterion) for name, model in given.items()}


def _estimate(name: str, model: Any, criterion: str) -> Elpd:
    """Return the estimate for a model, or what it already is."""
    if isinstance(model, Elpd):
        return model
    if not isinstance(model, Fit):
        raise BrmspyError(
            f"{name} is of type {type(model).__name__}, but must be a fitted model, or what loo(), "
            "waic() or kfold() returned."
        )
    if criterion == "kfold":
        raise BrmspyError(
            f"To compare by kfold, give its results, which take some time: "
            f"{{{name!r}: {name}.kfold(K=10, seed=1), ...}}."
        )
    check_choice("criterion", criterion, _CRITERIA)
    return _CRITERIA[criterion](model)


def _checked(results: Mapping[str, Elpd]) -> str:
    """Return what is compared, if it can be."""
    names = list(results)
    first = results[names[0]]
    for name in names[1:]:
        other = results[name]
        if other.criterion != first.criterion:
            raise BrmspyError(
                f"{names[0]} was judged by {first.criterion} and {name} by {other.criterion}. "
                "Use one for all."
            )
        difference = first.observed.difference(other.observed)
        if difference:
            raise BrmspyError(f"{names[0]} and {name} cannot be compared: {difference}")
        if isinstance(first, KFold) and isinstance(other, KFold) and not first.same_folds(other):
            raise BrmspyError(
                f"{names[0]} and {name} were judged on different folds. Give the folds of one to "
                "the other: fit2.kfold(folds=kfold1.folds)."
            )
        if other.observed.discrete != first.observed.discrete:
            warn(
                f"{names[0]} gives the response "
                f"{'probabilities' if first.observed.discrete else 'densities'} and {name} "
                f"{'probabilities' if other.observed.discrete else 'densities'}. They can only be "
                "compared if the response is a whole number, and then roughly.",
                BrmspyWarning,
            )
    return first.criterion


def _matrix(results: Mapping[str, Elpd]) -> NDArray[np.float64]:
    """Return the contributions of rows, shape (row, model)."""
    return np.column_stack([result.by_row().to_numpy() for result in results.values()])


def _standard_error(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the standard error of sums over rows."""
    if len(differences) == 1:
        return np.full(differences.shape[1], np.nan)
    return np.asarray(np.sqrt(len(differences) * differences.var(axis=0, ddof=1)))


def _notes(table: pd.DataFrame, results: Mapping[str, Elpd], rows: int) -> tuple[str, ...]:
    """Say what the differences mean."""
    notes = []
    best = table.index[0]
    for name in table.index[1:]:
        difference, error = -table.loc[name, "elpd_diff"], table.loc[name, "se_diff"]
        if difference < _SMALL_DIFFERENCE:
            notes.append(f"{name} predicts about as well as {best} (a difference below 4).")
        elif difference < 2 * error:
            notes.append(
                f"Whether {best} predicts better than {name} is not clear: the difference is "
                f"{difference / error:.1f} standard errors."
            )
        else:
            notes.append(
                f"{best} predicts better than {name}, by {difference / error:.1f} standard errors."
            )
    if rows < _FEW_ROWS:
        notes.append(f"With {rows} rows the standard errors of differences are too small.")
    bad = {
        name: len(result.bad_rows)
        for name, result in results.items()
        if isinstance(result, Loo) and len(result.bad_rows)
    }
    if bad:
        which = ", ".join(f"{count(number, 'row')} of {name}" for name, number in bad.items())
        notes.append(
            f"Warning: Pareto k is high in {which}, so that the comparison may be off. See "
            "fit.loo() for what to do, and compare what fit.reloo() or fit.kfold() returns."
        )
    return ("\n".join(notes[: len(table) - 1]), *notes[len(table) - 1 :])
