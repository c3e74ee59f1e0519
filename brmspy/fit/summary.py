"""Posterior summaries: a row of numbers for each parameter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.errors import BrmspyError
from brmspy.fit.diagnostics import Diagnostics, mcse_mean

__all__ = ["MAD_SCALE", "interval_names", "summarise"]

FloatArray = NDArray[np.float64]

# Makes the median absolute deviation estimate a normal distribution's standard deviation.
MAD_SCALE = 1.482602218505602


def summarise(
    names: Sequence[str],
    draws: FloatArray,
    diagnostics: Diagnostics | None,
    *,
    prob: float = 0.95,
    robust: bool = False,
    mc_se: bool = False,
    pools: Sequence[Sequence[int]] = (),
) -> pd.DataFrame:
    """Summarise the draws of each parameter.

    Parameters
    ----------
    names : sequence of str
        Names of the parameters.
    draws : ndarray, shape (chain, draw, parameter)
        Their draws.
    diagnostics : Diagnostics or None
        Their diagnostics, shape (parameter,); None for draws that are not those of chains.
    prob : float
        Probability of the central interval.
    robust : bool
        Use the median and the scaled median absolute deviation for the mean and the standard
        deviation.
    mc_se : bool
        Add the Monte Carlo standard error of the mean.
    pools : sequence of sequence of int, optional
        Places of the chains that draw from the same distribution, if not all do.

    Returns
    -------
    DataFrame
        Columns Estimate, (MC.Error,) Est.Error, l-95% CI, u-95% CI, Rhat, Bulk_ESS, Tail_ESS. The
        last three are NaN for constants, and absent without diagnostics.

    Raises
    ------
    BrmspyError
        If `prob` is no probability.
    """
    lower, upper = interval_names(prob)
    flat = draws.reshape(draws.shape[0] * draws.shape[1], draws.shape[2])
    low, middle, high = np.quantile(flat, [(1 - prob) / 2, 0.5, (1 + prob) / 2], axis=0)
    if robust:
        estimate = middle
        error = MAD_SCALE * np.median(np.abs(flat - middle), axis=0)
    else:
        estimate = flat.mean(axis=0)
        error = flat.std(axis=0, ddof=1) if len(flat) > 1 else np.full(flat.shape[1], np.nan)
    constant = (flat == flat[:1]).all(axis=0)
    # The mean of equal numbers may differ from them in the last digit.
    estimate, error = np.where(constant, flat[0], estimate), np.where(constant, 0.0, error)
    columns = {"Estimate": estimate}
    if mc_se:
        columns["MC.Error"] = np.where(constant, 0.0, mcse_mean(draws, pools))
    columns |= {"Est.Error": error, lower: low, upper: high}
    if diagnostics is not None:
        for name, values in (
            ("Rhat", diagnostics.rhat),
            ("Bulk_ESS", diagnostics.ess_bulk),
            ("Tail_ESS", diagnostics.ess_tail),
        ):
            columns[name] = np.where(constant, np.nan, values)
    return pd.DataFrame(columns, index=pd.Index(list(names), dtype=object))


def interval_names(prob: float) -> tuple[str, str]:
    """Return the names of the columns with an interval's ends.

    Parameters
    ----------
    prob : float
        Probability of the interval.

    Returns
    -------
    tuple of str
        ``("l-95% CI", "u-95% CI")``.

    Raises
    ------
    BrmspyError
        If `prob` is no probability.
    """
    if not 0 < prob < 1:
        raise BrmspyError(
            f"prob = {prob!r} is not a probability between 0 and 1. For a 95 % interval, give "
            "prob=0.95."
        )
    percent = f"{100 * prob:.10g}"
    return f"l-{percent}% CI", f"u-{percent}% CI"
