"""The names that predictors have in a Stan program."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

__all__ = ["stan_suffixes"]


def stan_suffixes(predictors: Iterable[str]) -> Mapping[str, str]:
    """Return what is appended to a variable's name for each predictor: nothing for ``mu``.

    A non-linear parameter may have any name in the user's formula; what Stan would not take in an
    identifier becomes an underscore, and a number keeps the result unique.
    """
    suffixes: dict[str, str] = {}
    for predictor in predictors:
        if predictor == "mu":
            suffixes[predictor] = ""
            continue
        base = "_" + (re.sub(r"\W|__+|_$", "_", predictor, flags=re.ASCII).strip("_") or "p")
        suffix, number = base, 1
        while suffix in suffixes.values():
            number += 1
            suffix = f"{base}{number}"
        suffixes[predictor] = suffix
    return suffixes
