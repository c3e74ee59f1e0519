"""Draws from the prior: of the parameters, and of the responses that they lead to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from brmspy.errors import PriorError
from brmspy.fit import Fit
from brmspy.fitting import refit
from brmspy.predict import posterior_predict
from brmspy.priors import BlockPriors, Prior

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["prior_draws", "prior_fit", "prior_predictive"]

# Digits of a suggested scale.
_WIDE = 2.5


def prior_draws(
    fit: Fit,
    variables: str | Sequence[str] | None = None,
    *,
    prior: Prior | Sequence[Prior] | None = None,
    seed: int | None = None,
) -> pd.DataFrame:
    """Return draws of the parameters from the prior.

    The model is fitted again without looking at the response, with the same program.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    variables : str or sequence of str, optional
        Only these parameters: ``"sd_Subject__Days"``, ``"b"``. By default all.
    prior : Prior or sequence of Prior, optional
        Priors to set besides those of the fit; needed for parameters whose prior is flat.
    seed : int, optional
        Seed of the random numbers; by default the fit's own.

    Returns
    -------
    DataFrame
        A row for each draw, as many as the fit has; columns as in `BrmsFit.draws_df`.

    Raises
    ------
    PriorError
        If a prior is flat; says which, and what could be set.

    Examples
    --------
    >>> from brmspy import brm, load_dataset, prior
    >>> fit = brm("weight ~ group", load_dataset("plant_growth"), seed=1, progress=False)
    >>> draws = fit.prior_draws("sigma", prior=prior("normal(0, 1)", class_="b"))
    >>> bool((draws["sigma"] > 0).all())
    True
    """
    return prior_fit(fit, prior=prior, seed=seed).draws_df(variables)


def prior_predictive(
    fit: Fit,
    ndraws: int | None = None,
    *,
    prior: Prior | Sequence[Prior] | None = None,
    seed: int | None = None,
) -> xr.DataArray:
    """Return responses that the model expects before it has seen any.

    The model is fitted again without looking at the response, with the same program.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    ndraws : int, optional
        How many draws, evenly spaced; by default as many as the fit has.
    prior : Prior or sequence of Prior, optional
        Priors to set besides those of the fit; needed for parameters whose prior is flat.
    seed : int, optional
        Seed of the random numbers; by default the fit's own.

    Returns
    -------
    xarray.DataArray
        Dimensions (chain, draw, obs), for the rows that the model was fitted to.

    Raises
    ------
    PriorError
        If a prior is flat; says which, and what could be set.

    References
    ----------
    Gabry, J., Simpson, D., Vehtari, A., Betancourt, M. and Gelman, A. (2019). Visualization in
    Bayesian workflow. Journal of the Royal Statistical Society A, 182(2), section 3.
    https://doi.org/10.1111/rssa.12378

    Examples
    --------
    >>> from brmspy import brm, load_dataset, prior
    >>> fit = brm("weight ~ group", load_dataset("plant_growth"), seed=1, progress=False)
    >>> fit.prior_predictive(100, prior=prior("normal(0, 1)", class_="b")).sizes["obs"]
    30
    """
    return posterior_predict(prior_fit(fit, prior=prior, seed=seed), ndraws=ndraws, seed=seed)


def prior_fit(
    fit: Fit, *, prior: Prior | Sequence[Prior] | None = None, seed: int | None = None
) -> Fit:
    """Return a fit of the same model to its priors alone.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model; returned as it is if its draws are from the prior.
    prior : Prior or sequence of Prior, optional
        Priors to set besides those of the fit.
    seed : int, optional
        Seed of the random numbers; by default the fit's own.

    Returns
    -------
    BrmsFit

    Raises
    ------
    PriorError
        If a prior is flat.
    """
    if fit.model.sample_prior == "only" and prior is None:
        return fit
    rows = _merged(fit, prior)
    _check_proper(fit, rows)
    return refit(
        fit,
        prior=rows,
        sample_prior="only",
        seed=fit.record.seed if seed is None else seed,
        progress=False,
    )


def _merged(fit: Fit, prior: Prior | Sequence[Prior] | None) -> list[Prior] | None:
    """Return the fit's priors with others in their place or beside them; None for no others."""
    if prior is None:
        return None
    new = [prior] if isinstance(prior, Prior) else list(prior)
    if not all(isinstance(row, Prior) for row in new):
        raise PriorError('prior= takes what prior(...) returns, such as prior("normal(0, 1)").')
    places = {_place(row) for row in new}
    old = [Prior.from_dict(row) for row in fit.model.spec()["priors"]]
    return [*(row for row in old if _place(row) not in places), *new]


def _place(row: Prior) -> tuple[str, ...]:
    return row.class_, row.coef, row.group, row.dpar, row.nlpar


def _check_proper(fit: Fit, rows: Sequence[Prior] | None) -> None:
    """Refuse flat priors, from which nothing can be drawn, with one that would do."""
    flat = [
        (
            priors,
            [
                (coef, name)
                for coef, name, element in zip(
                    priors.block.coefs, priors.block.names, priors.elements, strict=True
                )
                if element.improper and not _is_set(priors, coef, rows)
            ],
        )
        for priors in fit.model.priors.blocks
    ]
    missing = [(priors, members) for priors, members in flat if members]
    if not missing:
        return
    names = [name for _, members in missing for _, name in members]
    advice = ", ".join(
        _suggestion(fit, priors, [coef for coef, _ in members]) for priors, members in missing
    )
    raise PriorError(
        f"Nothing can be drawn from flat priors, which {', '.join(names)} "
        f"{'has' if len(names) == 1 else 'have'}. Set priors that say which values you hold "
        f"possible, in brm() or here, such as prior=[{advice}]."
    )


def _is_set(priors: BlockPriors, coef: str, rows: Sequence[Prior] | None) -> bool:
    """Say whether the user has now set a prior for a parameter."""
    block = priors.block
    return any(
        row.class_ == block.class_
        and row.coef in ("", coef)
        and (row.dpar, row.nlpar, row.group) == (*block.scope, block.group)
        and row.prior not in ("", "flat")
        for row in rows or ()
    )


def _suggestion(fit: Fit, priors: BlockPriors, coefs: Sequence[str]) -> str:
    """Return a prior that would do for a block of parameters, as it is written."""
    block = priors.block
    where = "".join(
        f", {name}={value!r}"
        for name, value in (("dpar", block.dpar), ("nlpar", block.nlpar), ("group", block.group))
        if value
    )
    class_ = f", class_={block.class_!r}"
    if block.nlpar:
        return f'prior("normal(<likely value>, <its uncertainty>)"{class_}{where})'
    return f'prior("normal(0, {_scale(fit, block.dpar or "mu", coefs):.2g})"{class_}{where})'


def _scale(fit: Fit, predictor: str, coefs: Sequence[str]) -> float:
    """Return a wide scale for coefficients: what moves the response by some of its spread."""
    design = fit.model.design
    info = design.predictors[predictor]
    columns = [place for place, coef in enumerate(info.coefs) if coef.brms in coefs]
    spread = design.arrays.predictors[predictor].X[:, columns].std(axis=0)
    identity = predictor == "mu" and fit.family.link.name == "identity"
    response = float(np.std(fit.model.response)) if identity else 1.0
    known = spread[spread > 0]
    return _WIDE * (response or 1.0) / float(known.min() if known.size else 1.0)
