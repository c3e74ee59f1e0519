"""Priors: what users set, brms' defaults, and the densities behind the names."""

from brmspy.priors.curves import NlparGuess, curve_defaults, starting_coefficients
from brmspy.priors.defaults import parameter_blocks
from brmspy.priors.distributions import DISTRIBUTIONS, Distribution
from brmspy.priors.elements import (
    DistributionGroup,
    ElementPrior,
    group_by_distribution,
    log_prior_density,
)
from brmspy.priors.lkj import lkj_cholesky_log_density, lkj_log_density
from brmspy.priors.parameters import ParameterBlock
from brmspy.priors.prior_set import BlockPriors, PriorSet
from brmspy.priors.resolve import resolve
from brmspy.priors.rows import Prior, prior, set_prior
from brmspy.priors.table import default_prior_table

__all__ = [
    "DISTRIBUTIONS",
    "BlockPriors",
    "Distribution",
    "DistributionGroup",
    "ElementPrior",
    "NlparGuess",
    "ParameterBlock",
    "Prior",
    "PriorSet",
    "curve_defaults",
    "default_prior_table",
    "group_by_distribution",
    "lkj_cholesky_log_density",
    "lkj_log_density",
    "log_prior_density",
    "parameter_blocks",
    "prior",
    "resolve",
    "set_prior",
    "starting_coefficients",
]
