"""Exact draws from the prior, and fits made of them, without Stan."""

from __future__ import annotations

from brmspy.apriori.draws import Marginal, PriorDraws
from brmspy.apriori.fit import prior_draws_fit

__all__ = ["Marginal", "PriorDraws", "prior_draws_fit"]
