"""The fitted model with all that can be done with it."""

from __future__ import annotations

from dataclasses import dataclass

from brmspy import (
    checks,
    effects,
    grids,
    growth,
    hypotheses,
    parameters,
    plots,
    several,
    twin,
    words,
)
from brmspy import predict as prediction
from brmspy.fit import Fit

__all__ = ["BrmsFit"]


@dataclass(frozen=True, eq=False, repr=False)
class BrmsFit(Fit):
    """A fitted model: named draws from the posterior, and what can be done with them.

    Printing it shows a summary. ``fit["sd_Subject__Days"]`` returns the draws of a parameter by its
    brms name, and `idata` all of them for ArviZ. A fit does not change; `idata` is the user's to
    extend.

    Every method but those of `Fit` is also a function of the same name, as in brms:
    ``fit.loo()`` and ``brmspy.loo(fit)`` are the same.

    Attributes
    ----------
    model : FittedModel
        Formula, family, design, priors and Stan program.
    variables : tuple of Variable
        The posterior's variables with their labels, ``lprior`` included.
    groups : mapping of str to xarray.Dataset
        The draws and data, by group of InferenceData.
    record : FitRecord
        Toolchain, options, seed, times.

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> fit.summary().loc["b_Days", "Estimate"].round(0)
    np.float64(10.0)
    >>> fit["sd_Subject__Days"].dims
    ('chain', 'draw')
    """

    posterior_epred = prediction.posterior_epred
    posterior_linpred = prediction.posterior_linpred
    posterior_predict = prediction.posterior_predict
    log_lik = prediction.log_lik
    fitted = prediction.fitted
    predict = prediction.predict
    residuals = prediction.residuals
    conditional_effects = effects.conditional_effects
    predictions = effects.predictions
    comparisons = effects.comparisons
    slopes = effects.slopes
    emmeans = effects.emmeans
    joint_tests = effects.joint_tests
    grid = grids.grid

    fixef = parameters.fixef
    ranef = parameters.ranef
    coef = parameters.coef
    VarCorr = parameters.VarCorr
    posterior_summary = parameters.posterior_summary

    hypothesis = hypotheses.hypothesis

    describe = words.describe
    latex = words.latex

    plot = plots.plot
    plot_trace = plots.plot_trace
    plot_rank = plots.plot_rank
    plot_intervals = plots.plot_intervals
    plot_pairs = plots.plot_pairs
    plot_prior = plots.plot_prior
    plot_groups = plots.plot_groups
    mcmc_plot = plots.mcmc_plot
    pp_check = plots.pp_check
    curves = plots.curves
    curve_table = plots.curve_table
    prior_curves = plots.prior_curves
    time_to = growth.time_to

    update = several.update

    compare_frequentist = twin.compare_frequentist

    check = checks.check
    loo = checks.loo
    waic = checks.waic
    reloo = checks.reloo
    kfold = checks.kfold
    loo_compare = checks.loo_compare
    model_weights = checks.model_weights
    bayes_R2 = checks.bayes_R2  # noqa: N815 -- brms' name
    loo_R2 = checks.loo_R2  # noqa: N815
    powerscale_sensitivity = checks.powerscale_sensitivity
    prior_draws = checks.prior_draws
    prior_predictive = checks.prior_predictive
    extend = checks.extend
