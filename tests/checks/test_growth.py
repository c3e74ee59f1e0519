"""How far rows go towards the asymptote, in curves whose way is known in closed form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy import BrmsFit, bf, register_curve, unregister_curve
from brmspy.checks.found_curve import curve_findings
from brmspy.checks.growth import curve_reach

MakeFit = Callable[..., BrmsFit]

RATE, ASYM, R0 = 0.1, 100.0, -8.0
ASYMP = bf("height ~ SSasymp(age, Asym, R0, lrc)", "Asym ~ 1 + (1 | tree)", "R0 + lrc ~ 1", nl=True)


def noisy(seed: int, centre: float, sd: float = 0.01) -> np.ndarray:
    return np.random.default_rng(seed).normal(centre, sd, size=(4000, 1))


def trees(last: dict[str, float]) -> pd.DataFrame:
    """Return six heights of each tree, evenly spaced up to its last age."""
    frames = [
        pd.DataFrame({"tree": name, "age": np.linspace(age / 6, age, 6)})
        for name, age in last.items()
    ]
    data = pd.concat(frames, ignore_index=True)
    noise = np.random.default_rng(1).normal(0, 0.5, size=len(data))
    return data.assign(height=ASYM + (R0 - ASYM) * np.exp(-RATE * data["age"]) + noise)


def grown(make_fit: MakeFit, last: dict[str, float]) -> BrmsFit:
    data = trees(last)
    draws = {
        "b_Asym": noisy(1, ASYM),
        "b_R0": noisy(2, R0),
        "b_lrc": noisy(3, np.log(RATE), 0.001),
        "sigma": np.full(4000, 0.5),
        "sd_tree": np.abs(noisy(4, 1.0)),
        "r_tree": np.zeros((4000, len(last), 1)),
    }
    return make_fit(ASYMP, data, draws)


FAR = dict.fromkeys("abcdef", 40.0)  # 1 - exp(-4) = 98 %


def behind(age: float, first: float) -> float:
    """Return the share of the way that an asymptotic regression has behind it."""
    return float(1.0 - np.exp(-RATE * (age - first)))


def test_share_of_the_way_of_each_group(make_fit: MakeFit) -> None:
    reach = curve_reach(grown(make_fit, FAR | {"b": 5.0, "e": 12.0}))
    assert reach is not None
    assert (reach.curve, reach.asymptote, reach.input, reach.by) == (
        "SSasymp",
        "Asym",
        "age",
        "tree",
    )
    assert reach.rows == 36
    assert [group.label for group in reach.groups[:2]] == ["b", "e"]
    assert [group.share for group in reach.groups[:3]] == pytest.approx(
        [behind(age, 5.0 / 6.0) for age in (5.0, 12.0, 40.0)], abs=1e-3
    )
    assert [group.at for group in reach.groups[:2]] == [5.0, 12.0]


def test_nothing_to_say_where_rows_come_near(make_fit: MakeFit) -> None:
    assert list(curve_findings(grown(make_fit, FAR))) == []


def test_what_rounds_to_nine_tenths_is_near(make_fit: MakeFit) -> None:
    # From age / 6 on the way is 1 - exp(-0.1 * 5 / 6 * age).
    for share, notes in ((0.896, 0), (0.89, 1)):
        age = -np.log(1.0 - share) * 12.0
        assert len(list(curve_findings(grown(make_fit, dict.fromkeys("abcdef", age))))) == notes


def test_groups_that_end_early_are_named(make_fit: MakeFit) -> None:
    (found,) = curve_findings(grown(make_fit, FAR | {"b": 5.0}))
    assert found.kind == "note"
    assert found.finding == "Groups without rows near the asymptote"
    assert "1 of 6 groups (tree)" in found.evidence
    assert "b (6 rows, 34 % at age = 5)" in found.evidence
    assert found.call == "fit.curves('age')"


def test_an_asymptote_beyond_all_rows(make_fit: MakeFit) -> None:
    (found,) = curve_findings(grown(make_fit, dict.fromkeys("abcdef", 10.0)))
    assert found.kind == "note"
    assert found.finding == "Asym lies beyond the data"
    assert "36 rows of 6 groups (tree)" in found.evidence
    assert f"{100 * behind(10.0, 10.0 / 6.0):.0f} %" in found.evidence


def test_no_rows_near_the_asymptote(make_fit: MakeFit) -> None:
    fit = grown(make_fit, dict.fromkeys("abcdef", 4.0))
    (found,) = curve_findings(fit)
    assert found.kind == "problem"
    assert f"{100 * behind(4.0, 4.0 / 6.0):.0f} %" in found.evidence
    check = fit.check()
    assert not check.ok
    assert found in check.findings


def test_groups_by_a_factor_without_group_level_terms(make_fit: MakeFit) -> None:
    data = pd.DataFrame(
        {"conc": np.tile([0.1, 0.3, 1.0, 3.0], 4), "state": np.repeat(["on", "off"], 8)}
    )
    data["rate"] = 10 * data["conc"] / (0.2 + data["conc"])
    fit = make_fit(
        bf("rate ~ SSmicmen(conc, V, half)", "V ~ 1", "half ~ 0 + state", nl=True),
        data,
        {
            "b_V": noisy(1, 10.0),
            "b_half": np.column_stack([np.full(4000, 0.2), np.full(4000, 9.0)]),
            "sigma": np.ones(4000),
        },
    )
    reach = curve_reach(fit)
    assert reach is not None
    assert (reach.by, reach.asymptote) == ("state", "V")
    shares = {group.label: group.share for group in reach.groups}

    def share(half: float) -> float:
        first, last = 0.1 / (half + 0.1), 3.0 / (half + 3.0)
        return (last - first) / (1.0 - first)

    # Levels in alphabetical order: off, on.
    assert shares == pytest.approx({"off": share(0.2), "on": share(9.0)})


@pytest.mark.parametrize(("scal", "known"), [(-1.0, False), (1.0, True)])
def test_the_limit_of_a_logistic_curve_follows_its_sign(
    scal: float, known: bool, make_fit: MakeFit
) -> None:
    data = pd.DataFrame({"x": np.arange(10.0)})
    data["y"] = 5.0 / (1.0 + np.exp((5.0 - data["x"]) / scal)) + 0.01 * np.cos(data["x"])
    fit = make_fit(
        bf("y ~ SSlogis(x, top, mid, scal)", "top + mid + scal ~ 1", nl=True),
        data,
        {
            "b_top": np.full((4000, 1), 5.0),
            "b_mid": np.full((4000, 1), 5.0),
            "b_scal": np.full((4000, 1), scal),
            "sigma": np.ones(4000),
        },
    )
    reach = curve_reach(fit)
    assert (reach is not None) is known  # it falls to zero, which is known
    if reach is not None:
        assert (reach.asymptote, reach.by, reach.first) == ("top", "", 0.0)
        (group,) = reach.groups
        assert (group.label, group.rows, group.at) == ("", 10, 9.0)
        first, last = 1.0 / (1.0 + np.exp(5.0)), 1.0 / (1.0 + np.exp(-4.0))
        assert group.share == pytest.approx((last - first) / (1.0 - first))


def test_asymptotes_that_are_no_parameter(make_fit: MakeFit) -> None:
    data = pd.DataFrame({"prey": [1.0, 2.0, 5.0, 10.0, 20.0, 40.0]})
    data["eaten"] = 2.0 * data["prey"] / (1 + 0.2 * data["prey"])
    fit = make_fit(
        bf("eaten ~ SSholling2(prey, attack, wait)", "attack + wait ~ 1", nl=True),
        data,
        {
            "b_attack": np.full((4000, 1), 2.0),
            "b_wait": np.full((4000, 1), 0.1),
            "sigma": np.ones(4000),
        },
    )
    reach = curve_reach(fit)
    assert reach is not None
    assert reach.asymptote == "1 / wait"
    first, last = 2.0 / 1.2, 80.0 / 9.0
    assert reach.groups[0].share == pytest.approx((last - first) / (10.0 - first))


@pytest.mark.parametrize(
    ("formula", "variables"),
    [
        (bf("y ~ SSexpdecay(x, top, rate)", "top + rate ~ 1", nl=True), ("b_top", "b_rate")),
        (bf("y ~ a * exp(-b * x)", "a + b ~ 1", nl=True), ("b_a", "b_b")),
        ("y ~ 1", ("b",)),
    ],
)
def test_models_without_an_asymptote(
    formula: Any, variables: tuple[str, ...], make_fit: MakeFit
) -> None:
    data = pd.DataFrame({"x": np.arange(8.0)})
    data["y"] = np.exp(-0.3 * data["x"]) + 0.01 * np.cos(data["x"])
    draws = {name: np.ones((4000, 1)) for name in variables}
    fit = make_fit(formula, data, {**draws, "sigma": np.ones(4000)})
    assert curve_reach(fit) is None


def test_users_curves_can_have_an_asymptote(make_fit: MakeFit) -> None:
    register_curve(
        "monomol",
        "exp(top) * -expm1(-rate * x)",
        ["x", "top", "rate"],
        inputs="x",
        limit="exp(top)",
    )
    try:
        data = pd.DataFrame({"x": np.arange(1.0, 9.0)})
        data["y"] = 3.0 * -np.expm1(-0.2 * data["x"])
        fit = make_fit(
            bf("y ~ monomol(x, A, k)", "A + k ~ 1", nl=True),
            data,
            {
                "b_A": np.full((4000, 1), np.log(3.0)),
                "b_k": np.full((4000, 1), 0.2),
                "sigma": np.ones(4000),
            },
        )
        reach = curve_reach(fit)
    finally:
        unregister_curve("monomol")
    assert reach is not None
    assert reach.asymptote == "exp(A)"
    assert reach.groups[0].share == pytest.approx(-np.expm1(-1.4))
