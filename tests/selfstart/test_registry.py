"""Curves that users add."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy import bf, default_prior, named_curves, register_curve, unregister_curve
from brmspy.errors import BrmspyError, DataError, FormulaError
from brmspy.formula import CURVES, RATE, RESPONSE

X = np.linspace(0.0, 10.0, 12)
DATA = pd.DataFrame({"x": X, "y": 6.0 * (1.0 - np.exp(-0.3 * X)) + 0.01 * np.cos(7.0 * X)})
ARGUMENTS = {"x": "age", "top": "final size", "rate": "speed"}


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    before = set(CURVES)
    yield
    for name in set(CURVES) - before:
        unregister_curve(name)


def monomol(**options: Any) -> Any:
    given = {"units": {"top": RESPONSE, "rate": RATE}, "bounds": {"rate": (0.0, np.inf)}}
    return register_curve(
        "monomol", "-top * expm1(-rate * x)", ARGUMENTS, inputs="x", **(given | options)
    )


def priors() -> dict[str, str]:
    table = default_prior(bf("y ~ monomol(x, A, k)", "A + k ~ 1", nl=True), DATA)
    rows = table[(table["class"] == "b") & (table["coef"] == "")]
    return dict(zip(rows["nlpar"], rows["prior"], strict=True))


def centre(prior: str) -> float:
    return float(prior.removeprefix("normal(").split(",")[0])


def test_a_registered_curve_has_default_priors_without_a_self_start() -> None:
    monomol()
    found = priors()
    assert centre(found["A"]) == pytest.approx(6.0, abs=0.3)
    assert centre(found["k"]) == pytest.approx(0.3, abs=0.05)


def test_a_self_start_is_asked() -> None:
    asked = []

    def start(inputs: Any, y: Any) -> list[dict[str, float]]:
        asked.append((set(inputs), len(y)))
        return [{"top": 5.0, "rate": 0.2}]

    monomol(start=start)
    assert centre(priors()["A"]) == pytest.approx(6.0, abs=0.3)
    assert asked[0] == ({"x"}, 12)


def test_a_self_start_must_return_all_parameters() -> None:
    monomol(start=lambda inputs, y: [{"top": 5.0}])
    with pytest.raises(DataError, match=r"returns no value of rate: it must return all of top"):
        priors()


def test_natural_bounds_are_kept() -> None:
    monomol()
    table = default_prior(bf("y ~ monomol(x, A, k)", "A + k ~ 1", nl=True), DATA)
    assert set(table.loc[(table["nlpar"] == "k") & (table["coef"] == ""), "lb"]) == {"0"}


def test_curves_are_listed() -> None:
    monomol(meaning="monomolecular growth")
    assert named_curves().loc["monomol"].tolist() == [
        "monomolecular growth",
        "monomol(x, top, rate)",
        "-top * expm1(-rate * x)",
    ]
    table = named_curves("monomol")
    assert table.loc["x", "unit"] == "data"
    assert table.loc["rate", ["meaning", "lower"]].tolist() == ["speed", 0.0]


def test_names_can_be_used_again() -> None:
    monomol()
    with pytest.raises(FormulaError, match="was added before"):
        monomol()
    assert monomol(replace=True).name == "monomol"
    unregister_curve("monomol")
    assert "monomol" not in CURVES
    with pytest.raises(FormulaError, match="no function monomol"):
        priors()


GOOD: dict[str, Any] = {
    "name": "mine",
    "body": "a * exp(-b * x)",
    "arguments": ["x", "a", "b"],
    "inputs": "x",
}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": "SSlogis"}, r"SSlogis\(\) exists already"),
        ({"name": "exp"}, r"exp\(\) exists already"),
        ({"name": "1st"}, "cannot be the name of a curve"),
        ({"name": "my_curve"}, "letters, digits and dots"),
        ({"body": "a * exp(-c * x)"}, "reads 'c', which is not among its arguments"),
        ({"body": "a * exp(-x)"}, "an argument 'b', which its body never reads"),
        ({"body": "a * expo(-b * x)"}, r"no function expo\(\)"),
        ({"body": "a * exp(-b * x"}, "never closed"),
        ({"inputs": "t"}, "has no argument 't'"),
        ({"inputs": ()}, "needs inputs"),
        ({"inputs": ("x", "a", "b")}, "and parameters"),
        ({"units": {"c": "mm"}}, "has no argument 'c'"),
        ({"bounds": {"a": (1.0, 0.0)}}, "leave nothing between them"),
        ({"start": 3}, "is not a function"),
        ({"limit": "x"}, "limit of the curve mine reads 'x', which is an input"),
        ({"limit": "2 * c"}, "reads 'c', which is not among its arguments"),
        ({"limit": "a + "}, "nothing on the right of"),
        ({"limit": "top(a)"}, r"no function top\(\)"),
    ],
)
def test_what_is_no_curve(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(BrmspyError, match=message):
        register_curve(**(GOOD | changed))
    assert "mine" not in CURVES


def test_unknown_names() -> None:
    with pytest.raises(FormulaError, match="Did you mean 'SSlogis'"):
        named_curves("SSlogi")
    with pytest.raises(FormulaError, match="No curve 'SSlogis' was added"):
        unregister_curve("SSlogis")
