"""The widely applicable information criterion."""

from __future__ import annotations

import numpy as np

from brmspy.checks.display import row_labels
from brmspy.checks.elpd import Elpd, estimates, one_line, rowwise
from brmspy.checks.likelihood import log_mean_exp, number_of_draws, require_posterior, row_blocks
from brmspy.checks.loo import likelihood_notes
from brmspy.checks.observed import Observed
from brmspy.fit import Fit

__all__ = ["waic"]

_LARGE = 0.4  # Vehtari, Gelman and Gabry (2017), section 2.2


def waic(fit: Fit, *, pointwise: bool = True) -> Elpd:
    """Estimate how well a model predicts new rows, by the spread of their log densities.

    `loo` estimates the same and says for which rows it cannot be trusted: prefer it.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    pointwise : bool
        Whether to keep the contribution of each row, which comparisons need.

    Returns
    -------
    Elpd
        With `elpd`, `table` and `pointwise`.

    Raises
    ------
    BrmspyError
        If the draws are from the prior, or the log likelihood is not finite.

    References
    ----------
    Watanabe, S. (2010). Asymptotic equivalence of Bayes cross validation and widely applicable
    information criterion in singular learning theory. Journal of Machine Learning Research, 11.
    https://jmlr.org/papers/v11/watanabe10a.html

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> fit = brm("weight ~ group", load_dataset("plant_growth"), seed=1, progress=False)
    >>> fit.waic().table.columns.tolist()
    ['Estimate', 'SE']
    """
    require_posterior(fit, "waic")
    lpd, p = np.empty(fit.nobs), np.empty(fit.nobs)
    for rows, values in row_blocks(fit):
        lpd[rows] = log_mean_exp(values)
        p[rows] = values.var(axis=0, ddof=1)
    table = rowwise(fit, "waic", lpd - p, p)
    high = np.flatnonzero(p > _LARGE)
    labels = list(table.index[high[np.argsort(-p[high], kind="stable")]])
    advice = (
        f"Warning: p_waic is above {_LARGE} in {len(labels)} of {fit.nobs} rows "
        f"({row_labels(labels)}), for which waic is not reliable. Use fit.loo().",
    )
    return Elpd(
        criterion="waic",
        formula=one_line(fit),
        table=estimates(table),
        pointwise=table if pointwise else None,
        observed=Observed.of(fit),
        draws=number_of_draws(fit),
        notes=(*(advice if labels else ()), *likelihood_notes(fit)),
    )
