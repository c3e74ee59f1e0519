"""The parameters of a fit as tables: coefficients, group-level effects, variances."""

from __future__ import annotations

from brmspy.parameters.covariances import VarCorr
from brmspy.parameters.effects import coef, fixef, ranef
from brmspy.parameters.tables import posterior_summary

__all__ = ["VarCorr", "coef", "fixef", "posterior_summary", "ranef"]
