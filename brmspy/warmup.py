"""The programs that `python -m brmspy warmup` compiles ahead: those of the commonest models.

A program serves every model of its structure: any data, any number of coefficients, any numbers in
the priors, any number of terms ``(1 | g)``.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from brmspy.model import build

__all__ = ["common_programs"]

_PREDICTORS = ("x", "x + (1 | g)", "x + (x | g)")
# Equal rows of binary responses are added up, which is another program.
_EQUAL_ROWS = ("f", "f + (1 | g)")
_MODELS = (
    ("gaussian", "y", _PREDICTORS),
    ("binomial", "successes | trials(n)", (*_PREDICTORS, *_EQUAL_ROWS)),
    ("bernoulli", "yes", (*_PREDICTORS, *_EQUAL_ROWS)),
    ("poisson", "count", _PREDICTORS),
)


def common_programs() -> Iterator[tuple[str, str]]:
    """Yield the Stan programs of the commonest models.

    Yields
    ------
    tuple of str, str
        What the model is, and its program.

    Examples
    --------
    >>> from brmspy.warmup import common_programs
    >>> [title for title, _ in common_programs()][:3]
    ['gaussian, y ~ x', 'gaussian, y ~ x + (1 | g)', 'gaussian, y ~ x + (x | g)']
    """
    data = _made_up_data()
    for family, response, right_hand_sides in _MODELS:
        for predictors in right_hand_sides:
            formula = f"{response} ~ {predictors}"
            yield f"{family}, {formula}", build(formula, data, family).program.code


def _made_up_data() -> pd.DataFrame:
    """Return data for all of these models; the programs do not depend on the numbers."""
    rng = np.random.default_rng(1)
    groups, rows = 10, 200
    group = np.arange(rows) % groups
    x = rng.normal(size=rows)
    intercepts, slopes = rng.normal(size=(2, groups)) * [[0.8], [0.5]]
    mean = 0.5 + intercepts[group] + (0.3 + slopes[group]) * x
    probability = 1 / (1 + np.exp(-mean))
    n = np.full(rows, 8)
    return pd.DataFrame(
        {
            "y": mean + rng.normal(size=rows),
            "successes": rng.binomial(n, probability),
            "n": n,
            "yes": rng.binomial(1, probability),
            "count": rng.poisson(np.exp(mean)),
            "x": x,
            "f": np.where(x > 0, "high", "low"),
            "g": pd.Categorical(group),
        }
    )
