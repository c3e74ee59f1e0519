"""Probabilities of intervals: checked, in words, and as quantiles."""

from __future__ import annotations

from brmspy.errors import BrmspyError

__all__ = ["check_probabilities", "interval_words", "percent"]


def check_probabilities(*, prob: float, prob_outer: float) -> None:
    """Refuse probabilities of intervals that are none, or in the wrong order.

    Parameters
    ----------
    prob, prob_outer : float
        Of the narrow and of the wide interval.

    Raises
    ------
    BrmspyError
        If they are not between 0 and 1, the second at least as large as the first.
    """
    for name, value in (("prob", prob), ("prob_outer", prob_outer)):
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
            raise BrmspyError(f"{name} = {value!r} is not valid: it is between 0 and 1, like 0.9.")
    if prob > prob_outer:
        raise BrmspyError(
            f"prob = {prob} is larger than prob_outer = {prob_outer}: prob is that of the inner "
            "interval, drawn thick."
        )


def interval_words(prob: float, prob_outer: float) -> str:
    """Return what intervals are shown, in words.

    Parameters
    ----------
    prob, prob_outer : float
        Of the narrow and of the wide interval.

    Returns
    -------
    str

    Examples
    --------
    >>> from brmspy.plots.probabilities import interval_words
    >>> interval_words(0.5, 0.95)
    '50 % and 95 % intervals'
    """
    if prob == prob_outer:
        return f"{percent(prob)} intervals"
    return f"{percent(prob)} and {percent(prob_outer)} intervals"


def percent(prob: float) -> str:
    """Return a probability in percent.

    Parameters
    ----------
    prob : float
        The probability.

    Returns
    -------
    str

    Examples
    --------
    >>> from brmspy.plots.probabilities import percent
    >>> percent(0.95)
    '95 %'
    """
    return f"{100 * prob:.4g} %"
