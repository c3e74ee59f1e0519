"""Predictions from every draw of the posterior."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brmspy.errors import BrmspyError, did_you_mean
from brmspy.fit import Fit
from brmspy.predict.density import weighted_density
from brmspy.predict.engine import Chunk, request

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "checked_parameter",
    "log_lik",
    "posterior_epred",
    "posterior_linpred",
    "posterior_predict",
]

FloatArray = NDArray[np.float64]


def posterior_epred(
    fit: Fit,
    newdata: Any = None,
    *,
    re_formula: Any = None,
    dpar: str | None = None,
    nlpar: str | None = None,
    ndraws: int | None = None,
    draw_ids: Sequence[int] | None = None,
    allow_new_levels: bool = False,
    sample_new_levels: str = "uncertainty",
    seed: int | None = None,
) -> xr.DataArray:
    """Return the expected response of each row under each draw.

    It varies with the uncertainty about the parameters, but not with the noise around the mean,
    which `posterior_predict` adds.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    newdata : DataFrame, optional
        Rows to predict for, in any order; by default those that the model was fitted to. Needs the
        columns of the formula but for the response.
    re_formula : None, "NA" or str
        Which group-level effects take part: all, none, or those of a formula such as
        ``"~ (1 | g)"``. Columns that only the others need may be absent.
    dpar : str, optional
        A distributional parameter to return in place of the mean, on its natural scale:
        ``"sigma"``.
    nlpar : str, optional
        A non-linear parameter to return in place of the mean.
    ndraws : int, optional
        How many draws, evenly spaced; by default all. If it is not a multiple of the number of
        chains, they come as one chain.
    draw_ids : sequence of int, optional
        Which draws: positions from zero, chain after chain. They come as one chain.
    allow_new_levels : bool
        Whether groups may have levels that the model has not seen. A missing level, or a missing
        grouping column, is a new level.
    sample_new_levels : {"uncertainty", "gaussian", "old_levels"}
        Effects of new levels: in each draw those of a level picked at random, which keeps the
        shape that the levels have; or new ones from the normal distribution of that draw; or in
        all draws those of one level picked at random. Each new level is drawn by itself; rows that
        share a level share its effects.
    seed : int, optional
        Seed of the random numbers; by default the fit's own, so that calls can be repeated. A new
        level of a name has the same effects in every call with the same seed.

    Returns
    -------
    xarray.DataArray
        Dimensions (chain, draw, obs), in the order of the rows, labelled by their index. Counts,
        not proportions, for binomial models.

    Raises
    ------
    BrmspyError
        If an argument is not valid.
    DataError
        If the new data lack a column, or have unknown levels or missing values.
    FormulaError
        If `re_formula` names effects that the model does not have.

    References
    ----------
    brms: https://paulbuerkner.com/brms/reference/posterior_epred.brmsfit.html

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> epred = fit.posterior_epred({"Days": [0, 9]}, re_formula="NA")
    >>> epred.dims
    ('chain', 'draw', 'obs')
    >>> epred.mean(["chain", "draw"]).round(-1).values
    array([250., 340.])
    """
    asked = request(
        fit,
        newdata,
        re_formula=re_formula,
        ndraws=ndraws,
        draw_ids=draw_ids,
        allow_new_levels=allow_new_levels,
        sample_new_levels=sample_new_levels,
        seed=seed,
    )
    return asked.compute("epred", _expectation(fit, dpar, nlpar))


def posterior_linpred(
    fit: Fit,
    newdata: Any = None,
    *,
    transform: bool = False,
    re_formula: Any = None,
    dpar: str | None = None,
    nlpar: str | None = None,
    ndraws: int | None = None,
    draw_ids: Sequence[int] | None = None,
    allow_new_levels: bool = False,
    sample_new_levels: str = "uncertainty",
    seed: int | None = None,
) -> xr.DataArray:
    """Return the linear predictor of each row under each draw, on the scale of the link.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    newdata : DataFrame, optional
        Rows to predict for; by default those that the model was fitted to.
    transform : bool
        Apply the inverse link; for binomial models the result is a probability.
    re_formula, ndraws, draw_ids, allow_new_levels, sample_new_levels, seed
        As for `posterior_epred`.
    dpar : str, optional
        The distributional parameter, by default the mean; it must have a formula.
    nlpar : str, optional
        A non-linear parameter.

    Returns
    -------
    xarray.DataArray
        Dimensions (chain, draw, obs).

    Raises
    ------
    BrmspyError, DataError, FormulaError
        As for `posterior_epred`.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> fit = brm("y ~ base + trt + (1 | subject)", load_dataset("epil"), "poisson", seed=1,
    ...           progress=False)
    >>> log_mean = fit.posterior_linpred()
    >>> bool((log_mean - np.log(fit.posterior_epred()) < 1e-9).all())
    True
    """
    asked = request(
        fit,
        newdata,
        re_formula=re_formula,
        ndraws=ndraws,
        draw_ids=draw_ids,
        allow_new_levels=allow_new_levels,
        sample_new_levels=sample_new_levels,
        seed=seed,
    )
    name = _predictor(fit, dpar, nlpar)
    link = None if nlpar is not None or not transform else fit.family.dpar(name).link

    def linear(chunk: Chunk) -> FloatArray:
        eta = chunk.predictors(name)[name]
        return eta if link is None else link.inverse(eta)

    return asked.compute("linpred", linear)


def posterior_predict(
    fit: Fit,
    newdata: Any = None,
    *,
    re_formula: Any = None,
    ndraws: int | None = None,
    draw_ids: Sequence[int] | None = None,
    allow_new_levels: bool = False,
    sample_new_levels: str = "uncertainty",
    seed: int | None = None,
) -> xr.DataArray:
    """Draw a new response for each row under each draw.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    newdata : DataFrame, optional
        Rows to predict for; by default those that the model was fitted to.
    re_formula, ndraws, draw_ids, allow_new_levels, sample_new_levels, seed
        As for `posterior_epred`.

    Returns
    -------
    xarray.DataArray
        Dimensions (chain, draw, obs); whole numbers for counts. Weights do not enter.

    Raises
    ------
    BrmspyError, DataError, FormulaError
        As for `posterior_epred`; also if a distributional parameter leaves its range, which the
        identity link allows.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> new = {"Days": [0, 9], "Subject": ["new", "new"]}
    >>> fit.posterior_predict(new, allow_new_levels=True).sizes["obs"]
    2
    """
    asked = request(
        fit,
        newdata,
        re_formula=re_formula,
        ndraws=ndraws,
        draw_ids=draw_ids,
        allow_new_levels=allow_new_levels,
        sample_new_levels=sample_new_levels,
        seed=seed,
    )
    rng = np.random.default_rng([asked.levels.seed, 1])

    def draw(chunk: Chunk) -> NDArray[Any]:
        parameters = chunk.parameters(chunk.predictors())
        return chunk.family.draw(rng, parameters, trials=chunk.arrays.trials)

    return asked.compute("predict", draw, int if fit.family.discrete else float)


def log_lik(
    fit: Fit,
    newdata: Any = None,
    *,
    re_formula: Any = None,
    ndraws: int | None = None,
    draw_ids: Sequence[int] | None = None,
    allow_new_levels: bool = False,
    sample_new_levels: str = "uncertainty",
    seed: int | None = None,
) -> xr.DataArray:
    """Return the log density (or probability) of each row's response under each draw.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    newdata : DataFrame, optional
        Rows to evaluate, the response included; by default those that the model was fitted to.
    re_formula, ndraws, draw_ids, allow_new_levels, sample_new_levels, seed
        As for `posterior_epred`.

    Returns
    -------
    xarray.DataArray
        Dimensions (chain, draw, obs). Multiplied by the rows' weights, if the model has them.

    Raises
    ------
    BrmspyError, DataError, FormulaError
        As for `posterior_epred`.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> fit.log_lik().sizes["obs"]
    180
    """
    asked = request(
        fit,
        newdata,
        re_formula=re_formula,
        ndraws=ndraws,
        draw_ids=draw_ids,
        allow_new_levels=allow_new_levels,
        sample_new_levels=sample_new_levels,
        seed=seed,
        response=True,
    )

    def density(chunk: Chunk) -> FloatArray:
        predictors = chunk.predictors()
        assert chunk.response is not None, "it was asked for"
        parameters = chunk.parameters(predictors)
        eta = predictors.get("mu")
        return weighted_density(chunk.family, chunk.response, parameters, eta, chunk.arrays)

    return asked.compute("log_lik", density)


def _expectation(fit: Fit, dpar: str | None, nlpar: str | None) -> Callable[[Chunk], NDArray[Any]]:
    """Return the function that computes the mean, or what is asked for in its place."""
    checked_parameter(fit, dpar, nlpar)
    if nlpar is not None:
        return lambda chunk: chunk.predictors(nlpar)[nlpar]
    if dpar is not None:
        return lambda chunk: chunk.parameters(chunk.predictors())[dpar]

    def mean(chunk: Chunk) -> FloatArray:
        parameters = chunk.parameters(chunk.predictors())
        return chunk.family.mean(parameters, trials=chunk.arrays.trials)

    return mean


def checked_parameter(fit: Fit, dpar: str | None, nlpar: str | None) -> None:
    """Refuse a parameter to predict in place of the mean that there is not.

    Parameters
    ----------
    fit : Fit
        The fitted model.
    dpar, nlpar : str or None
        A distributional parameter, or a non-linear one.

    Raises
    ------
    BrmspyError
        If the model has no such parameter, or both are given.
    """
    if nlpar is not None:
        _predictor(fit, dpar, nlpar)
    elif dpar is not None:
        fit.family.dpar(dpar)


def _predictor(fit: Fit, dpar: str | None, nlpar: str | None) -> str:
    """Return the name of the predictor that is meant."""
    if dpar is not None and nlpar is not None:
        raise BrmspyError("Give dpar or nlpar, not both.")
    names: dict[str, list[str]] = {"dpar": [], "nlpar": []}
    for item in fit.model.design.terms.predictors:
        names["nlpar" if item.nlpar else "dpar"].append(item.name)
    kind, name = ("nlpar", nlpar) if nlpar is not None else ("dpar", dpar or "mu")
    if name not in names[kind]:
        what = "non-linear parameter" if kind == "nlpar" else "predicted parameter"
        raise BrmspyError(f"The model has no {what} {name!r}. {did_you_mean(name, names[kind])}")
    return name
