"""How a response is called on an axis."""

from __future__ import annotations

from brmspy.fit import Fit
from brmspy.formula.expression import deparse

__all__ = ["counts_trials", "mean_label", "response_label", "response_levels"]


def response_label(fit: Fit) -> str:
    """Return the name of the response, as the user wrote it.

    Parameters
    ----------
    fit : Fit
        The fitted model.

    Returns
    -------
    str
    """
    return fit.model.design.terms.response.label


def response_levels(fit: Fit) -> tuple[str, ...]:
    """Return the names of the response's values, if they have names.

    Parameters
    ----------
    fit : Fit
        The fitted model.

    Returns
    -------
    tuple of str
        In the order of their codes; empty if the response is a number.
    """
    response = fit.model.design.arrays.response
    assert response is not None, "models have a response"
    if response.dtype.kind == "b":
        return "False", "True"
    categories = getattr(response.dtype, "categories", None)
    return () if categories is None else tuple(map(str, categories))


def counts_trials(fit: Fit) -> bool:
    """Say whether the response counts successes among trials.

    Parameters
    ----------
    fit : Fit
        The fitted model.

    Returns
    -------
    bool
    """
    return fit.model.design.arrays.trials is not None


def mean_label(fit: Fit) -> str:
    """Return what the expected response of one trial is, in words.

    Parameters
    ----------
    fit : Fit
        The fitted model.

    Returns
    -------
    str
        The response; per trial, for counts among trials; a probability, for responses with two
        values.
    """
    response = fit.model.design.terms.response
    if response.trials is not None:
        return f"{response.label} / {deparse(response.trials)}"
    levels = response_levels(fit)
    if fit.family.discrete and fit.family.dpars[0].upper == 1.0:
        return f"probability that {response.label} is {levels[1] if levels else 1}"
    return response.label
