"""brms' names of coefficients."""

from __future__ import annotations

import pytest

from brmspy.data.names import brms_name, coef_names


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Intercept", "Intercept"),
        ("x", "x"),
        ("I(x^2)", "IxE2"),
        ("hw-x", "hwMx"),
        ("hu v", "huv"),
        ("poly(x, 2)1", "polyx21"),
        ("log(x + 1)", "logxP1"),
        ("I(x * 2/z)", "IxMU2Dz"),
        ("fb:x", "fb:x"),
        ("o.L", "o.L"),
        ('relevel(f, ref = "b")a', "relevelfrefEQba"),
        ("I(a == b)TRUE", "IaEQEQbTRUE"),
        ("cost$", "costUSD"),
        ("`my x`", "myx"),
        ("really?", "really"),
        ("[0]", "0"),
    ],
)
def test_brms_renaming(label: str, expected: str) -> None:
    assert brms_name(label) == expected


def test_colliding_names_keep_their_labels() -> None:
    names = coef_names(["Intercept", "hx y", "hxy", "I(z^2)"])
    assert [name.brms for name in names] == ["Intercept", "hx y", "hxy", "IzE2"]
    assert [name.label for name in names] == ["Intercept", "hx y", "hxy", "I(z^2)"]
