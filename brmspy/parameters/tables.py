"""Draws as rows of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brmspy.fit import Fit
from brmspy.predict import summarise_values

__all__ = ["posterior_summary", "summary_of", "table_of"]

FloatArray = NDArray[np.float64]


def posterior_summary(
    fit: Fit,
    variables: str | Sequence[str] | None = None,
    *,
    prob: float = 0.95,
    robust: bool = False,
) -> pd.DataFrame:
    """Summarise every parameter, the effects of all levels included.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    variables : str or sequence of str, optional
        Only these: names of parameters (``"sd_Subject__Days"``) or of variables (``"b"``). By
        default all, and ``lprior`` and ``lp__`` at the end.
    prob : float
        Probability of the central interval.
    robust : bool
        Use the median and the scaled median absolute deviation for the mean and the standard
        deviation.

    Returns
    -------
    DataFrame
        Indexed by brms' names. Columns Estimate, Est.Error, and the interval's ends, such as Q2.5
        and Q97.5. `BrmsFit.summary` has the diagnostics too.

    Raises
    ------
    BrmspyError
        If there is no such parameter, or `prob` is no probability.

    Examples
    --------
    >>> from brmspy import brm, load_dataset, posterior_summary
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> posterior_summary(fit, "b").round(0)
                 Estimate  Est.Error   Q2.5  Q97.5
    b_Intercept     251.0        7.0  237.0  266.0
    b_Days           10.0        2.0    7.0   14.0
    """
    frame = fit.draws_df(variables).iloc[:, 3:]  # after .chain, .iteration and .draw
    table = summary_of(frame.to_numpy()[None], prob, robust)
    return table.set_index(pd.Index(list(frame.columns), dtype=object))


def summary_of(draws: FloatArray, prob: float, robust: bool) -> pd.DataFrame:
    """Summarise draws, a row for each element.

    Parameters
    ----------
    draws : ndarray, shape (chain, draw, element)
        The draws.
    prob, robust
        As for `posterior_summary`.

    Returns
    -------
    DataFrame
        Numbered rows; columns Estimate, Est.Error, and the interval's ends.

    Raises
    ------
    BrmspyError
        If `prob` is no probability.
    """
    return summarise_values(draws.reshape(-1, draws.shape[-1]), prob, robust)


def table_of(labels: Mapping[str, Sequence[str]], summary: pd.DataFrame) -> pd.DataFrame:
    """Put labels before the columns of a summary.

    Parameters
    ----------
    labels : mapping of str to sequence of str
        By column.
    summary : DataFrame
        As many rows as there are labels in a column.

    Returns
    -------
    DataFrame
    """
    texts = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in labels.items()})
    return pd.concat([texts, summary], axis=1)
