"""From posterior draws to linear predictors and densities of any data, vectorised over draws."""

from __future__ import annotations

from brmspy.predict.density import log_lik
from brmspy.predict.linear import distributional_parameters, linear_predictors

__all__ = ["distributional_parameters", "linear_predictors", "log_lik"]
