"""Groups that ArviZ knows, added to the fit's InferenceData."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from brmspy.checks.likelihood import require_posterior
from brmspy.checks.prior import prior_fit
from brmspy.errors import BrmspyError, did_you_mean
from brmspy.fit import Fit
from brmspy.predict import log_lik, posterior_predict

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["extend"]

F = TypeVar("F", bound=Fit)


def extend(fit: F, *groups: str, seed: int | None = None) -> F:
    """Add groups to ``fit.idata``, so that ArviZ' functions work on it as it is.

    With ``"log_likelihood"`` there are ``az.loo`` and ``az.compare``; with
    ``"posterior_predictive"`` ``az.plot_ppc`` and ``az.plot_bpv``; with ``"prior"`` and
    ``"prior_predictive"`` ``az.plot_dist_comparison`` and ``az.plot_ppc(group="prior")``.
    `BrmsFit.save` keeps what was added.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model; its `idata` is changed in place.
    *groups : {"log_likelihood", "posterior_predictive", "prior", "prior_predictive"}
        What to add. A group that is there already is made again.
    seed : int, optional
        Seed of the random numbers; by default the fit's own, so that calls can be repeated.

    Returns
    -------
    BrmsFit
        The same fit.

    Raises
    ------
    BrmspyError
        If there is no such group.
    PriorError
        If groups of the prior are asked for and a prior is flat; see `prior_predictive`.

    References
    ----------
    The InferenceData schema: https://python.arviz.org/en/stable/schema/schema.html

    Examples
    --------
    >>> import arviz as az
    >>> from brmspy import brm, load_dataset
    >>> fit = brm("weight ~ group", load_dataset("plant_growth"), seed=1, progress=False)
    >>> fit.extend("log_likelihood", "posterior_predictive").idata.log_likelihood.sizes["obs"]
    30
    >>> int(az.loo(fit.idata).n_data_points)
    30
    """
    if not groups:
        raise BrmspyError(f"Name the groups to add, of {', '.join(map(repr, _MAKERS))}.")
    for name in groups:
        if name not in _MAKERS:
            raise BrmspyError(f"There is no group {name!r} to add. {did_you_mean(name, _MAKERS)}")
    drawn: dict[str, Fit] = {}

    def from_prior() -> Fit:
        if "prior" not in drawn:
            drawn["prior"] = prior_fit(fit, seed=seed)
        return drawn["prior"]

    # All are made before any is added: an error leaves idata as it was.
    made = {name: _MAKERS[name](fit, from_prior, seed) for name in dict.fromkeys(groups)}
    for name, dataset in made.items():
        if name in fit.idata.groups():
            del fit.idata[name]
        fit.idata.add_groups({name: dataset})  # type: ignore[no-untyped-call]
    return fit


def _log_likelihood(fit: Fit, from_prior: Callable[[], Fit], seed: int | None) -> xr.Dataset:
    require_posterior(fit, 'extend("log_likelihood")')
    return _of_response(fit, log_lik(fit, seed=seed))


def _posterior_predictive(fit: Fit, from_prior: Callable[[], Fit], seed: int | None) -> xr.Dataset:
    require_posterior(fit, 'extend("posterior_predictive")')
    return _of_response(fit, posterior_predict(fit, seed=seed))


def _prior(fit: Fit, from_prior: Callable[[], Fit], seed: int | None) -> xr.Dataset:
    return from_prior().groups["posterior"].copy(deep=False)


def _prior_predictive(fit: Fit, from_prior: Callable[[], Fit], seed: int | None) -> xr.Dataset:
    return _of_response(fit, posterior_predict(from_prior(), seed=seed))


_MAKERS: dict[str, Callable[[Fit, Callable[[], Fit], int | None], xr.Dataset]] = {
    "log_likelihood": _log_likelihood,
    "posterior_predictive": _posterior_predictive,
    "prior": _prior,
    "prior_predictive": _prior_predictive,
}


def _of_response(fit: Fit, values: xr.DataArray) -> xr.Dataset:
    """Return values named after the response, along its dimension, as ArviZ pairs them."""
    observed = fit.groups["observed_data"]
    (name,) = observed.data_vars
    (dim,) = observed[name].dims
    renamed: Any = values if dim == "obs" else values.rename({"obs": dim})
    attrs = dict(fit.groups["posterior"].attrs)
    return renamed.to_dataset(name=name).assign_attrs(attrs)
