"""Names of coefficients: R's column names and the short ones brms makes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["CoefName", "brms_name", "coef_names"]

_BRMS_RENAMES = str.maketrans(
    {
        **dict.fromkeys(" ()[],\"'?`", None),
        "+": "P",
        "-": "M",
        "*": "MU",
        "/": "D",
        "^": "E",
        "=": "EQ",
        "$": "USD",
    }
)


@dataclass(frozen=True, slots=True)
class CoefName:
    """The name of one coefficient.

    Parameters
    ----------
    label : str
        R's name of the column, in the user's words: ``"I(x^2)"``, ``"hw-x"``, ``"Intercept"``.
    brms : str
        The name that brms gives it: ``"IxE2"``, ``"hwMx"``, ``"Intercept"``.
    """

    label: str
    brms: str

    def __str__(self) -> str:
        return self.label


def brms_name(label: str) -> str:
    """Return the name that brms makes of a column's name.

    Examples
    --------
    >>> from brmspy.data.names import brms_name
    >>> brms_name("poly(x, 2)1"), brms_name("I(x^2)")
    ('polyx21', 'IxE2')
    """
    return label.translate(_BRMS_RENAMES)


def coef_names(labels: Sequence[str]) -> tuple[CoefName, ...]:
    """Name the coefficients of one predictor; where brms' names would collide, labels stay."""
    short = [brms_name(label) for label in labels]
    uses = Counter(short)
    return tuple(
        CoefName(label, name if uses[name] == 1 else label)
        for label, name in zip(labels, short, strict=True)
    )
