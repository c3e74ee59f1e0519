"""Testing hypotheses on the draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize

from brmspy.apriori import PriorDraws
from brmspy.errors import BrmspyError, check_choice, did_you_mean
from brmspy.fit import Fit
from brmspy.formula.nonlinear import Apply, Num, Parameter
from brmspy.hypotheses.density import density_at
from brmspy.hypotheses.names import Vocabulary, parameter_names
from brmspy.hypotheses.reading import Statement, affine, read_statement
from brmspy.hypotheses.result import Hypotheses
from brmspy.nonlinear import evaluate
from brmspy.predict import summarise_values
from brmspy.program import coefficient_variable, group_members

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["hypothesis"]

FloatArray = NDArray[np.float64]

_SCOPES = ("standard", "ranef", "coef")
_PRIOR_DRAWS = 50_000


def hypothesis(
    fit: Fit,
    hypothesis: str | Sequence[str] | Mapping[str, str],
    class_: str | None = "b",
    *,
    group: str = "",
    scope: str = "standard",
    alpha: float = 0.05,
    robust: bool = False,
    seed: int | None = None,
) -> Hypotheses:
    """Test hypotheses about parameters: ``"Days > 0"``, ``"Days = 10"``, ``"a + b < 2 * c"``.

    Both sides are arithmetic over names of parameters, with functions such as ``exp``, ``sqrt`` or
    ``plogis``. Names are brms' (``IxE2``) or in the words of the formula (``I(x^2)``); of all names
    that could begin at a place the longest is meant, and backticks keep one apart.

    The evidence ratio of a one-sided hypothesis is the posterior odds of it. That of a two-sided
    one is the Savage-Dickey ratio: posterior over prior density of the difference at zero. It takes
    proper priors for all parameters involved; the prior is drawn from exactly, without Stan.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    hypothesis : str, sequence of str, or mapping of str to str
        One or several hypotheses; a mapping gives them names.
    class_ : str, optional
        What the parameters' names begin with, which need not be written: ``"b"`` for coefficients,
        ``"sd"`` or ``"cor"`` for those of a `group`. Whole names, such as ``sd_Subject__Days``, are
        understood as well; with None or an empty text, only these.
    group : str
        Grouping factor of the class, or of the levels if the scope is not ``"standard"``.
    scope : {"standard", "ranef", "coef"}
        ``"ranef"`` and ``"coef"`` test the hypothesis for each level of `group`: about its effects,
        or about its coefficients. `class_` is not used then.
    alpha : float
        The interval holds 1 - alpha of the draws if the hypothesis is two-sided, and 1 - 2 alpha
        if it is one-sided.
    robust : bool
        Use the median and the scaled median absolute deviation for the mean and the standard
        deviation.
    seed : int, optional
        Seed of the draws from the prior; by default that of the fit.

    Returns
    -------
    Hypotheses
        ``print`` it, or take its ``table`` or ``draws``.

    Raises
    ------
    BrmspyError
        If a hypothesis cannot be understood, a name in it or an argument is not valid, or its value
        is not a number for some draws.

    References
    ----------
    Wagenmakers, E.-J., Lodewyckx, T., Kuriyal, H. and Grasman, R. (2010). Bayesian hypothesis
    testing for psychologists: a tutorial on the Savage-Dickey method. Cognitive Psychology, 60(3),
    158-189. https://doi.org/10.1016/j.cogpsych.2009.12.001

    Examples
    --------
    >>> from brmspy import brm, load_dataset, prior
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days", sleepstudy, prior=prior("normal(0, 10)"), seed=1,
    ...           progress=False)
    >>> tested = fit.hypothesis(["Days > 5", "Days = 10"])
    >>> tested.table["Star"].tolist()
    ['*', '']
    >>> bool(tested.table.loc[1, "Evid.Ratio"] > 3)
    True
    """
    _check(scope, alpha, class_, group)
    texts = _texts(hypothesis)
    prior = PriorDraws(fit, _PRIOR_DRAWS, int(fit.record.seed if seed is None else seed))
    source = (
        _parameters(fit, class_, group, prior)
        if scope == "standard"
        else _levels(fit, group, scope, prior)
    )
    tests = [_test(text, source, alpha, robust) for text in texts.values()]
    return _result(list(texts), tests, source, alpha)


@dataclass(frozen=True)
class _Source:
    """Where names come from, and what stands behind them.

    Attributes
    ----------
    vocabulary : callable
        From a hypothesis to the names that it may use.
    draws : callable
        From a name to draws, (chain, draw) or (chain, draw, level).
    prior : PriorDraws
        Draws from the prior.
    prior_draws : callable
        From a name to draws from the prior, shape (n,).
    group : str
        The grouping factor of hypotheses about levels; else empty.
    levels : tuple of str
        Its levels.
    """

    vocabulary: Callable[[str], Vocabulary]
    draws: Callable[[str], FloatArray]
    prior: PriorDraws
    prior_draws: Callable[[str], FloatArray]
    group: str = ""
    levels: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Test:
    """A hypothesis with its draws, (chain, draw) or (chain, draw, level), and its numbers."""

    statement: Statement
    draws: FloatArray
    prior_draws: FloatArray | None
    table: pd.DataFrame


def _check(scope: str, alpha: float, class_: str | None, group: str) -> None:
    """Refuse arguments that mean nothing."""
    check_choice("scope", scope, _SCOPES)
    if isinstance(alpha, bool) or not isinstance(alpha, float | int) or not 0 < alpha < 0.5:
        raise BrmspyError(
            f"alpha = {alpha!r} is not valid: it is between 0 and 0.5, both excluded. 0.05 gives "
            "intervals of 95 % (two-sided) and 90 % (one-sided)."
        )
    for name, value in (("class_", class_), ("group", group)):
        if value is not None and not isinstance(value, str):
            raise BrmspyError(f"{name} = {value!r} is not a text.")
    if scope != "standard" and not group:
        raise BrmspyError(
            f"scope = {scope!r} tests the hypothesis for each level of a grouping factor: name it, "
            'as in group="Subject".'
        )
    if scope == "standard" and group and class_ in (None, "", "b"):
        raise BrmspyError(
            f"group = {group!r} goes with class_='sd' or class_='cor', whose parameters belong to "
            "a group, or with scope='ranef' or scope='coef', for each of its levels."
        )


def _texts(hypothesis: object) -> dict[str, str]:
    """Return hypotheses by name."""
    if isinstance(hypothesis, str):
        return {hypothesis: hypothesis}
    if isinstance(hypothesis, Mapping):
        texts = {str(name): text for name, text in hypothesis.items()}
    elif isinstance(hypothesis, Sequence):
        texts = {str(text): text for text in hypothesis}
    else:
        raise BrmspyError(
            f"hypothesis is a text such as 'Days > 0', or several, not {type(hypothesis).__name__}."
        )
    if not texts:
        raise BrmspyError("hypothesis is empty. Write for example 'Days > 0'.")
    return texts


def _parameters(fit: Fit, class_: str | None, group: str, prior: PriorDraws) -> _Source:
    """Return the parameters of the fit."""
    return _Source(
        vocabulary=lambda text: parameter_names(fit, text, class_, group),
        draws=lambda name: fit[name].to_numpy(),
        prior=prior,
        prior_draws=prior.parameter,
    )


def _levels(fit: Fit, group: str, scope: str, prior: PriorDraws) -> _Source:
    """Return the effects, or the coefficients, of all levels of a grouping factor."""
    blocks = fit.model.design.groups
    members = group_members(blocks)
    if group not in members:
        valid = did_you_mean(group, members) if members else "The model has no group-level effects."
        raise BrmspyError(f"group = {group!r} is no grouping factor of the model. {valid}")
    varying = [blocks[block].coefs[place] for block, place in members[group]]
    effects = fit.groups["posterior"][f"r_{group}"].to_numpy()
    positions = {coef.brms_label: place for place, coef in enumerate(varying)}
    names = {coef.label: coef.brms_label for coef in varying}
    fixed: dict[str, tuple[str, int]] = {}
    if scope == "coef":
        for info in fit.model.design.predictors.values():
            start = "" if info.name == "mu" else f"{info.name}_"
            for place, coef in enumerate(info.coefs):
                fixed[start + coef.brms] = (info.name, place)
                names[start + coef.label] = start + coef.brms
    names |= {name: name for name in (*positions, *fixed)}
    levels = next(info.levels for info in blocks if info.group == group)

    def draws(name: str) -> FloatArray:
        total = np.zeros((*effects.shape[:2], len(levels)))
        if name in fixed:
            predictor, place = fixed[name]
            coefficients = fit.groups["posterior"][coefficient_variable(predictor)].to_numpy()
            total = total + coefficients[..., place, None]
        return total + effects[..., positions[name]] if name in positions else total

    def prior_draws(name: str) -> FloatArray:
        # All levels have the same prior: one that nobody has seen stands for them.
        total = np.zeros(prior.count)
        if name in fixed:
            total = total + prior.coefficient(*fixed[name])
        return total + prior.effect(group, positions[name], "") if name in positions else total

    vocabulary = Vocabulary(names, tuple(dict.fromkeys((*fixed, *positions))))
    return _Source(lambda text: vocabulary, draws, prior, prior_draws, group, levels)


def _test(text: Any, source: _Source, alpha: float, robust: bool) -> _Test:
    """Test one hypothesis."""
    vocabulary = source.vocabulary(text if isinstance(text, str) else "")
    statement = read_statement(text, vocabulary)
    draws = _value(statement, {name: source.draws(name) for name in statement.names})
    missing = np.count_nonzero(~np.isfinite(draws))
    if missing:
        raise BrmspyError(
            f"{statement.text!r} is not a finite number in {missing} of {draws.size} draws: "
            "something in it is not defined there, such as the logarithm of a negative number."
        )
    columns = draws.reshape(*draws.shape[:2], -1)
    flat = _flat(draws)
    prob = 1 - alpha * (1 if statement.sign == "=" else 2)
    table = _summary(columns, prob, robust)
    if statement.sign != "=":
        _add_odds(table, flat if statement.sign == ">" else -flat, alpha)
        return _Test(statement, draws, None, table)
    prior = _add_savage_dickey(table, flat, statement, source)
    return _Test(statement, draws, prior, table)


def _summary(columns: FloatArray, prob: float, robust: bool) -> pd.DataFrame:
    """Return mean, error and interval of each column."""
    table = summarise_values(_flat(columns), prob, robust)
    return table.set_axis(["Estimate", "Est.Error", "CI.Lower", "CI.Upper"], axis=1)


def _add_odds(table: pd.DataFrame, flat: FloatArray, alpha: float) -> None:
    """Add the posterior odds that the columns are positive."""
    probability = (flat > 0).mean(axis=0)
    with np.errstate(divide="ignore"):
        table["Evid.Ratio"] = probability / (1 - probability)
    table["Post.Prob"] = probability
    table["Star"] = np.where(probability > 1 - alpha, "*", "")
    table["Note"] = ""


def _add_savage_dickey(
    table: pd.DataFrame, flat: FloatArray, statement: Statement, source: _Source
) -> FloatArray | None:
    """Add the ratio of posterior and prior density at zero; return the draws from the prior."""
    outside = (table["CI.Lower"] > 0) | (table["CI.Upper"] < 0)
    table["Evid.Ratio"] = table["Post.Prob"] = np.nan
    table["Star"] = np.where(outside, "*", "")
    table["Note"] = ""
    source.prior.improper.clear()
    values = {name: source.prior_draws(name) for name in statement.names}
    if source.prior.improper:
        table["Note"] = _why_not(list(source.prior.improper))
        return None
    prior = np.broadcast_to(_value(statement, values), (source.prior.count,))
    if not np.isfinite(prior).all():
        table["Note"] = "No evidence ratio: under the prior, the hypothesis is not always a number."
        return None
    point = _solved(statement, source, values)
    if point is not statement:
        flat = _flat(_value(point, {name: source.draws(name) for name in point.names}))
    at_zero = np.broadcast_to(_value(point, values), (source.prior.count,))
    density, lower, upper = _prior_density(point, at_zero, source)
    if density == 0.0 or not np.isfinite(density):
        what = "zero" if density == 0.0 else "not finite"
        table["Note"] = f"No evidence ratio: the prior density at the hypothesis is {what}."
        return prior
    posterior = np.array([density_at(column, 0.0, lower, upper) for column in flat.T])
    ratio = posterior / density
    table["Evid.Ratio"] = ratio
    table["Post.Prob"] = np.where(np.isinf(ratio), 1.0, ratio / (1 + ratio))
    above, below = flat.min(axis=0) > 0, flat.max(axis=0) < 0
    table["Note"] = np.where((above & (lower < 0)) | (below & (upper > 0)), _EXTRAPOLATED, "")
    return prior


def _value(statement: Statement, values: Mapping[str, FloatArray]) -> FloatArray:
    """Return the left side minus the right side."""
    return evaluate(statement.difference, values)


def _flat(draws: FloatArray) -> FloatArray:
    """Return draws (chain, draw, ...) as (draw, column)."""
    return draws.reshape(draws.shape[0] * draws.shape[1], -1)


def _solved(statement: Statement, source: _Source, prior: Mapping[str, FloatArray]) -> Statement:
    """Return the hypothesis as one about the value of a parameter, if it is one.

    "sd^2 = 4" says that sd is 2. The ratio of densities is the same, but that of sd itself may be
    known in closed form, and is smooth where that of its square is not.
    """
    if len(statement.names) != 1 or affine(statement.difference) is not None:
        return statement
    (name,) = statement.names
    values = np.unique(np.concatenate([source.draws(name).ravel(), prior[name]]))
    positive = _value(statement, {name: values}) > 0
    changes = np.flatnonzero(positive[1:] != positive[:-1])
    if len(changes) != 1:
        return statement
    ends = values[changes[0]], values[changes[0] + 1]

    def difference(value: float) -> float:
        return float(_value(statement, {name: np.array(value)}))

    root = float(optimize.brentq(difference, *ends))
    here, there = abs(difference(root)), max(abs(difference(end)) for end in ends)
    if here > 1e-6 * there:  # a jump, which leaves the equation without solution
        return statement
    return replace(statement, difference=Apply("-", (Parameter(name), Num(root))))


_EXTRAPOLATED = (
    "No draw lies beyond the hypothesis: the posterior density there is extrapolated from the tail "
    "of the draws, and the evidence ratio is rough."
)


def _why_not(improper: Sequence[str]) -> str:
    """Say why there is no evidence ratio."""
    return (
        f"No evidence ratio: it takes a proper prior, and that of {', '.join(improper)} is flat. "
        'Fit with one, such as prior("normal(0, 10)", ...).'
    )


def _prior_density(
    statement: Statement, prior: FloatArray, source: _Source
) -> tuple[float, float, float]:
    """Return the prior density of the difference at zero, and the boundaries of its support."""
    line = affine(statement.difference)
    if not source.group and line is not None and len(line.slopes) == 1:
        ((name, slope),) = line.slopes.items()
        marginal = source.prior.marginal(name)
        if marginal is not None:
            at = np.array(-line.constant / slope)
            density = float(np.exp(marginal.log_density(at)) / abs(slope))
            ends = (slope * end + line.constant for end in (marginal.lower, marginal.upper))
            lower, upper = sorted(ends)
            return density, lower, upper
    # Where no draw from the prior is, there is no support: a variance, say, is not negative.
    lower = 0.0 if prior.min() >= 0 else -np.inf
    upper = 0.0 if prior.max() <= 0 else np.inf
    return density_at(prior, 0.0, lower, upper), lower, upper


def _result(
    names: Sequence[str], tests: Sequence[_Test], source: _Source, alpha: float
) -> Hypotheses:
    """Put the tests together."""
    import xarray as xr

    tables = []
    for name, test in zip(names, tests, strict=True):
        label = test.statement.text if name.split() == test.statement.text.split() else name
        table = test.table
        table.insert(0, "Hypothesis", label)
        if source.group:
            table.insert(0, "Level", list(source.levels))
            table.insert(0, "Group", source.group)
        tables.append(table)
    labels = np.array([table["Hypothesis"].iloc[0] for table in tables], dtype=object)
    signs = np.array([test.statement.sign for test in tests], dtype=object)
    draws = np.stack([test.draws for test in tests], axis=2)
    chains, length = draws.shape[:2]
    coords: dict[str, Any] = {
        "chain": np.arange(chains),
        "draw": np.arange(length),
        "hypothesis": labels,
        "sign": ("hypothesis", signs),
    }
    dims: tuple[str, ...] = ("chain", "draw", "hypothesis")
    if source.group:
        coords["level"] = np.array(source.levels, dtype=object)
        dims = (*dims, "level")
    return Hypotheses(
        pd.concat(tables, ignore_index=True),
        xr.DataArray(draws, dims=dims, coords=coords, name="hypothesis"),
        _prior_array(tests, labels, source.prior.count),
        float(alpha),
    )


def _prior_array(
    tests: Sequence[_Test], labels: NDArray[np.object_], count: int
) -> xr.DataArray | None:
    """Return the draws from the prior, if there are any."""
    if all(test.prior_draws is None for test in tests):
        return None
    import xarray as xr

    none = np.full(count, np.nan)
    columns = [none if test.prior_draws is None else test.prior_draws for test in tests]
    return xr.DataArray(
        np.stack(columns, axis=1),
        dims=("prior_draw", "hypothesis"),
        coords={"hypothesis": labels},
        name="prior",
    )
