"""From posterior draws to linear predictors, means, new responses and densities of any data."""

from __future__ import annotations

from brmspy.predict.along import Along, along
from brmspy.predict.density import log_density
from brmspy.predict.linear import distributional_parameters, linear_predictors
from brmspy.predict.own import own_effects
from brmspy.predict.posterior import (
    log_lik,
    posterior_epred,
    posterior_linpred,
    posterior_predict,
)
from brmspy.predict.summaries import (
    check_probability,
    fitted,
    predict,
    residuals,
    summarise,
    summarise_values,
)

__all__ = [
    "Along",
    "along",
    "check_probability",
    "distributional_parameters",
    "fitted",
    "linear_predictors",
    "log_density",
    "log_lik",
    "own_effects",
    "posterior_epred",
    "posterior_linpred",
    "posterior_predict",
    "predict",
    "residuals",
    "summarise",
    "summarise_values",
]
