"""Bayesian multilevel regression from an R-style formula, in Python, on Stan.

Examples
--------
>>> from brmspy import load_dataset, stancode
>>> code = stancode("Reaction ~ Days + (Days | Subject)", load_dataset("sleepstudy"))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from brmspy._version import __version__

if TYPE_CHECKING:
    from brmspy.api import brm, brm_multiple, load
    from brmspy.brmsfit import BrmsFit
    from brmspy.card import ModelCard, model_card
    from brmspy.checks import (
        bayes_R2,
        check,
        extend,
        kfold,
        loo,
        loo_compare,
        loo_R2,
        model_weights,
        powerscale_sensitivity,
        prior_draws,
        prior_predictive,
        reloo,
        waic,
    )
    from brmspy.data import model_matrix
    from brmspy.datasets import list_datasets, load_dataset
    from brmspy.effects import (
        comparisons,
        conditional_effects,
        emmeans,
        joint_tests,
        predictions,
        slopes,
    )
    from brmspy.errors import (
        BrmspyError,
        BrmspyWarning,
        CompileError,
        DataError,
        DataWarning,
        FormulaError,
        PriorError,
        PriorWarning,
        SamplingError,
        SamplingWarning,
        SomeFitsFailedError,
    )
    from brmspy.families import bernoulli, binomial, gaussian, negbinomial, poisson, student
    from brmspy.formula import Formula, bf, lf, nlf, parse
    from brmspy.grids import grid
    from brmspy.growth import time_to
    from brmspy.hypotheses import Hypotheses, hypothesis
    from brmspy.model import default_prior, stancode, standata
    from brmspy.parameters import VarCorr, coef, fixef, posterior_summary, ranef
    from brmspy.plots import (
        curve_table,
        curves,
        mcmc_plot,
        plot,
        plot_groups,
        plot_intervals,
        plot_pairs,
        plot_prior,
        plot_rank,
        plot_trace,
        pp_check,
        prior_curves,
    )
    from brmspy.predict import (
        fitted,
        log_lik,
        posterior_epred,
        posterior_linpred,
        posterior_predict,
        residuals,
    )
    from brmspy.priors import Prior, prior, set_prior
    from brmspy.selfstart import named_curves, register_curve, unregister_curve
    from brmspy.several import combine, update
    from brmspy.twin import (
        FrequentistComparison,
        FrequentistFit,
        compare_frequentist,
        frequentist,
    )
    from brmspy.words import describe, latex

# Where each public name lives. Nothing is imported before it is asked for: pandas, formulae and
# SciPy together take longer to load than `import brmspy` should.
_HOMES = {
    "brmspy.api": ("brm", "brm_multiple", "load"),
    "brmspy.brmsfit": ("BrmsFit",),
    "brmspy.card": ("ModelCard", "model_card"),
    "brmspy.checks": (
        "bayes_R2",
        "check",
        "extend",
        "kfold",
        "loo",
        "loo_R2",
        "loo_compare",
        "model_weights",
        "powerscale_sensitivity",
        "prior_draws",
        "prior_predictive",
        "reloo",
        "waic",
    ),
    "brmspy.data": ("model_matrix",),
    "brmspy.datasets": ("list_datasets", "load_dataset"),
    "brmspy.effects": (
        "comparisons",
        "conditional_effects",
        "emmeans",
        "joint_tests",
        "predictions",
        "slopes",
    ),
    "brmspy.errors": (
        "BrmspyError",
        "BrmspyWarning",
        "CompileError",
        "DataError",
        "DataWarning",
        "FormulaError",
        "PriorError",
        "PriorWarning",
        "SamplingError",
        "SamplingWarning",
        "SomeFitsFailedError",
    ),
    "brmspy.families": (
        "bernoulli",
        "binomial",
        "gaussian",
        "negbinomial",
        "poisson",
        "student",
    ),
    "brmspy.formula": ("Formula", "bf", "lf", "nlf", "parse"),
    "brmspy.twin": (
        "FrequentistComparison",
        "FrequentistFit",
        "compare_frequentist",
        "frequentist",
    ),
    "brmspy.grids": ("grid",),
    "brmspy.growth": ("time_to",),
    "brmspy.hypotheses": ("Hypotheses", "hypothesis"),
    "brmspy.model": ("default_prior", "stancode", "standata"),
    "brmspy.parameters": ("VarCorr", "coef", "fixef", "posterior_summary", "ranef"),
    "brmspy.plots": (
        "curve_table",
        "curves",
        "mcmc_plot",
        "plot",
        "plot_groups",
        "plot_intervals",
        "plot_pairs",
        "plot_prior",
        "plot_rank",
        "plot_trace",
        "pp_check",
        "prior_curves",
    ),
    "brmspy.predict": (
        "fitted",
        "log_lik",
        "posterior_epred",
        "posterior_linpred",
        "posterior_predict",
        "residuals",
    ),
    "brmspy.priors": ("Prior", "prior", "set_prior"),
    "brmspy.selfstart": ("named_curves", "register_curve", "unregister_curve"),
    "brmspy.words": ("describe", "latex"),
    "brmspy.several": ("combine", "update"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "BrmsFit",
    "BrmspyError",
    "BrmspyWarning",
    "CompileError",
    "DataError",
    "DataWarning",
    "Formula",
    "FormulaError",
    "FrequentistComparison",
    "FrequentistFit",
    "Hypotheses",
    "ModelCard",
    "Prior",
    "PriorError",
    "PriorWarning",
    "SamplingError",
    "SamplingWarning",
    "SomeFitsFailedError",
    "VarCorr",
    "__version__",
    "bayes_R2",
    "bernoulli",
    "bf",
    "binomial",
    "brm",
    "brm_multiple",
    "check",
    "coef",
    "combine",
    "compare_frequentist",
    "comparisons",
    "conditional_effects",
    "curve_table",
    "curves",
    "default_prior",
    "describe",
    "emmeans",
    "extend",
    "fitted",
    "fixef",
    "frequentist",
    "gaussian",
    "grid",
    "hypothesis",
    "joint_tests",
    "kfold",
    "latex",
    "lf",
    "list_datasets",
    "load",
    "load_dataset",
    "log_lik",
    "loo",
    "loo_R2",
    "loo_compare",
    "mcmc_plot",
    "model_card",
    "model_matrix",
    "model_weights",
    "named_curves",
    "negbinomial",
    "nlf",
    "parse",
    "plot",
    "plot_groups",
    "plot_intervals",
    "plot_pairs",
    "plot_prior",
    "plot_rank",
    "plot_trace",
    "poisson",
    "posterior_epred",
    "posterior_linpred",
    "posterior_predict",
    "posterior_summary",
    "powerscale_sensitivity",
    "pp_check",
    "predictions",
    "prior",
    "prior_curves",
    "prior_draws",
    "prior_predictive",
    "ranef",
    "register_curve",
    "reloo",
    "residuals",
    "set_prior",
    "slopes",
    "stancode",
    "standata",
    "student",
    "time_to",
    "unregister_curve",
    "update",
    "waic",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'brmspy' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
