"""Fits that look alike, as their coefficients have the same names, and are not to be combined."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from brmspy import BrmsFit, BrmspyError, combine

MadeFit = Callable[..., BrmsFit]

DATA = pd.DataFrame({"y": [1.0, 3.0, 2.0, 5.0, 4.0, 6.0], "f": list("aabbcc")})


def test_other_contrasts(made_fit: MadeFit) -> None:
    sums, helmert = (
        made_fit("y ~ f", DATA, contrasts={"f": kind}, seed=seed)
        for seed, kind in enumerate(("sum", "helmert"))
    )
    assert sums.names == helmert.names
    with pytest.raises(BrmspyError, match="factor f is coded by other contrasts"):
        combine(sums, helmert)
    words = made_fit("y ~ f", DATA, contrasts={"f": [[1, 0], [0, 1], [-1, -1]]}, seed=2)
    assert combine(sums, words)["b_f1"].sizes["chain"] == 4


def test_other_levels(made_fit: MadeFit) -> None:
    first = made_fit("y ~ f", DATA, contrasts={"f": "sum"}, seed=1)
    second = made_fit("y ~ f", DATA.assign(f=list("aabbdd")), contrasts={"f": "sum"}, seed=2)
    with pytest.raises(BrmspyError, match=r"factor f are 'a', 'b', 'd',.*'a', 'b', 'c'\."):
        combine(first, second)
