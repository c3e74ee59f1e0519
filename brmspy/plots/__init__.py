"""Pictures of a fit, one call each; every function returns the axes that it drew on."""

from __future__ import annotations

from brmspy.plots.forest import mcmc_plot, plot_intervals
from brmspy.plots.groups import plot_groups
from brmspy.plots.growth import curve_table, curves
from brmspy.plots.pairs import plot_pairs
from brmspy.plots.ppc import pp_check
from brmspy.plots.prior import plot_prior
from brmspy.plots.prior_growth import prior_curves
from brmspy.plots.trace import plot_rank, plot_trace

plot = plot_trace
"""brms' name."""

__all__ = [
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
]
