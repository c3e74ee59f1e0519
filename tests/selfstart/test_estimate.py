"""Self-starts: exact curves give their parameters back, and real data the estimates of R."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from brmspy import load_dataset
from brmspy.errors import DataError
from brmspy.formula import CURVES, Curve, curve_body
from brmspy.nonlinear import evaluate
from brmspy.selfstart import CurveEstimate, Grouping, estimate_curve, self_start

TIMES = np.array([0.25, 0.57, 1.12, 2.02, 3.82, 5.1, 7.03, 9.05, 12.12, 24.37])
DOSES = np.array([0.02, 0.06, 0.11, 0.22, 0.56, 1.1])

# Inputs, and parameters to be found again.
EXACT: dict[str, tuple[np.ndarray, dict[str, float]]] = {
    "SSasymp": (np.linspace(0.5, 30, 12), {"Asym": 103.1, "R0": -8.6, "lrc": -3.2}),
    "SSasympOff": (np.linspace(1, 1000, 9), {"Asym": 29.1, "lrc": -5.8, "c0": 40.0}),
    "SSasympOrig": (np.linspace(1, 30, 9), {"Asym": 96.1, "lrc": -3.4}),
    "SSbiexp": (TIMES[:9], {"A1": 2.03, "lrc1": 0.58, "A2": 0.19, "lrc2": -1.8}),
    "SSfol": (np.tile(TIMES, 3), {"lKe": -2.5, "lKa": 0.5, "lCl": -3.0}),
    "SSfpl": (np.linspace(0, 40, 12), {"A": 27.5, "B": 348.9, "xmid": 19.4, "scal": 6.7}),
    "SSgompertz": (np.linspace(0, 10, 12), {"Asym": 4.6, "b2": 2.27, "b3": 0.7}),
    "SSlogis": (np.linspace(0, 24, 9), {"Asym": 368.0, "xmid": 14.0, "scal": 6.0}),
    "SSmicmen": (DOSES, {"Vm": 212.7, "K": 0.064}),
    "SSweibull": (
        np.linspace(0, 30, 16),
        {"Asym": 160.0, "Drop": 115.0, "lrc": -5.5, "pwr": 2.5},
    ),
    "SSvonbert": (np.arange(1.0, 12.0), {"Linf": 80.0, "K": 0.25, "t0": -0.6}),
    "SSexpdecay": (np.linspace(0, 8, 9), {"R0": 5.0, "lrc": -1.0}),
    "SSexpgrowth": (np.linspace(0, 8, 9), {"R0": 5.0, "lrc": -1.0}),
    "SSrichards": (
        np.linspace(0, 24, 19),
        {"Asym": 68.0, "xmid": 9.0, "scal": 2.0, "nu": 2.3},
    ),
    "SSbilogis": (
        np.linspace(0, 100, 31),
        {"Asym1": 30.0, "xmid1": 20.0, "scal1": 4.0, "Asym2": 50.0, "xmid2": 70.0, "scal2": 6.0},
    ),
    "SShill": (np.append(0.0, DOSES), {"Emax": 212.7, "EC50": 0.1, "n": 1.8}),
    "SSholling2": (np.linspace(1, 90, 11), {"a": 0.8, "h": 0.05}),
    "SSpowerlaw": (np.linspace(0.5, 9, 11), {"a": 1.3, "b": 0.75}),
}


def inputs_of(curve: Curve, x: np.ndarray) -> dict[str, np.ndarray]:
    if curve.name == "SSfol":
        return {"Dose": np.repeat([4.0, 4.4, 3.2], len(TIMES)), "input": x}
    return {curve.inputs[0]: x}


def found(name: str, x: Any, y: Any, **options: Any) -> CurveEstimate:
    curve = CURVES[name]
    inputs = inputs_of(curve, np.asarray(x, dtype=float))
    return estimate_curve(curve, inputs, np.asarray(y, dtype=float), **options)


def test_every_curve_has_a_self_start() -> None:
    assert set(EXACT) == set(CURVES)
    assert all(self_start(name) is not None for name in CURVES)


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("unit", [1.0, 1e-3, 1e4], ids=["", "small", "large"])
def test_exact_curves_give_their_parameters_back(name: str, unit: float) -> None:
    x, parameters = EXACT[name]
    # In other units of the response only the parameters that are in these units change.
    scaled = {
        key: value * unit if CURVES[name].units[key] == "unit of the response" else value
        for key, value in parameters.items()
    }
    if name == "SSfol":
        scaled["lCl"] = parameters["lCl"] - np.log(unit)
    if name == "SSholling2":
        scaled = {"a": parameters["a"] * unit, "h": parameters["h"] / unit}
    curve = CURVES[name]
    inputs = inputs_of(curve, x)
    y = evaluate(curve_body(curve), {**inputs, **scaled})
    estimate = estimate_curve(curve, inputs, y)
    assert estimate.unsure == ()
    for key, value in scaled.items():
        assert estimate.values[key] == pytest.approx(value, rel=1e-6), key


def test_falling_curves() -> None:
    x = np.linspace(0, 10, 12)
    estimate = found("SSlogis", x, 7.0 / (1 + np.exp((x - 4.0) / 1.5)))
    assert estimate.values == pytest.approx({"Asym": 7.0, "xmid": 4.0, "scal": -1.5}, rel=1e-6)
    estimate = found("SSasymp", x, 2.0 + 6.0 * np.exp(-0.4 * x))
    expected = {"Asym": 2.0, "R0": 8.0, "lrc": np.log(0.4)}
    assert estimate.values == pytest.approx(expected, rel=1e-6)


def test_inputs_far_from_zero() -> None:
    x = np.linspace(1960, 2020, 13)
    estimate = found("SSlogis", x, 10.0 / (1 + np.exp((1990.0 - x) / 8.0)))
    assert estimate.values == pytest.approx({"Asym": 10.0, "xmid": 1990.0, "scal": 8.0}, rel=1e-6)


LOBLOLLY, PUROMYCIN = load_dataset("loblolly"), load_dataset("puromycin")
ORANGE, INDOMETH = load_dataset("orange"), load_dataset("indometh")
TREE = LOBLOLLY[LOBLOLLY["Seed"] == "329"]
TREATED = PUROMYCIN[PUROMYCIN["state"] == "treated"]
UNTREATED = PUROMYCIN[PUROMYCIN["state"] == "untreated"]
DNASE, CHICKS, CO2 = load_dataset("dnase"), load_dataset("chick_weight"), load_dataset("co2")
RUN = DNASE[DNASE["Run"] == "1"]
CHICK_1, CHICK_6 = CHICKS[CHICKS["Chick"] == "1"], CHICKS[CHICKS["Chick"] == "6"].query("Time > 0")
PLANT = CO2[CO2["Plant"] == "Qn1"]

# Estimates and standard errors of R's nls(); residual standard error.
NLS: dict[str, tuple[str, Any, Any, dict[str, tuple[float, float]], float]] = {
    "loblolly 329": (
        "SSasymp",
        TREE["age"],
        TREE["height"],
        {
            "Asym": (94.1282041981, 8.4030176192),
            "R0": (-8.2507532489, 1.2261079711),
            "lrc": (-3.2175781779, 0.1385836659),
        },
        0.74931111916,
    ),
    "puromycin treated": (
        "SSmicmen",
        TREATED["conc"],
        TREATED["rate"],
        {"Vm": (212.6837072712, 6.9471531979), "K": (0.064121225794, 0.0082809435242)},
        10.9336581913,
    ),
    "puromycin untreated": (
        "SSmicmen",
        UNTREATED["conc"],
        UNTREATED["rate"],
        {"Vm": (160.2801158935, 6.48025031), "K": (0.047708292268, 0.0077818892521)},
        9.7730030287,
    ),
    # The examples of ?SSgompertz, ?SSlogis, ?SSfpl, ?SSasympOff.
    "dnase gompertz": (
        "SSgompertz",
        np.log(RUN["conc"]),
        RUN["density"],
        {"Asym": (4.60333, 0.65321), "b2": (2.27134, 0.14373), "b3": (0.71647, 0.02206)},
        0.02684,
    ),
    "dnase logistic": (
        "SSlogis",
        np.log(RUN["conc"]),
        RUN["density"],
        {"Asym": (2.34518, 0.07815), "xmid": (1.48309, 0.08135), "scal": (1.04145, 0.03227)},
        0.01919,
    ),
    "chick 1": (
        "SSfpl",
        CHICK_1["Time"],
        CHICK_1["weight"],
        {
            "A": (27.4532, 6.6007),
            "B": (348.971, 57.899),
            "xmid": (19.3905, 2.1944),
            "scal": (6.6726, 1.0016),
        },
        2.351,
    ),
    "co2 plant": (
        "SSasympOff",
        PLANT["conc"],
        PLANT["uptake"],
        {"Asym": (38.1398, 0.9164), "lrc": (-4.3807, 0.2042), "c0": (51.2232, 11.6698)},
        1.663,
    ),
}


@pytest.mark.parametrize("case", NLS)
def test_estimates_of_nls(case: str) -> None:
    name, x, y, expected, sigma = NLS[case]
    estimate = found(name, x, y)
    for key, (value, error) in expected.items():
        assert estimate.values[key] == pytest.approx(value, rel=2e-5), key
        assert estimate.errors[key] == pytest.approx(error, rel=1e-3), key
    assert estimate.residual_sd == pytest.approx(sigma, rel=5e-4)


def test_weibull_curve_of_a_chick() -> None:
    # The example of ?SSweibull.
    estimate = found("SSweibull", CHICK_6["Time"], CHICK_6["weight"])
    assert estimate.values["Asym"] == pytest.approx(158.501, rel=1e-5)
    assert estimate.values["Drop"] == pytest.approx(110.997, rel=1e-5)
    assert estimate.errors["Drop"] == pytest.approx(2.633, rel=1e-3)
    assert estimate.residual_sd == pytest.approx(2.061, rel=5e-4)


def test_orange_trees() -> None:
    # R: nls(circumference ~ SSlogis(age, Asym, xmid, scal), Orange)
    estimate = found("SSlogis", ORANGE["age"], ORANGE["circumference"])
    assert estimate.values == pytest.approx({"Asym": 192.69, "xmid": 728.76, "scal": 353.53}, 1e-4)
    assert estimate.residual_sd == pytest.approx(23.37, rel=1e-3)


def test_groups_are_estimated_one_by_one() -> None:
    codes = ORANGE["Tree"].cat.codes.to_numpy().astype(np.intp)
    grouping = Grouping("Tree", codes, ("1", "2", "3", "4", "5"), ("Asym",))
    x, y = ORANGE["age"].to_numpy(float), ORANGE["circumference"].to_numpy(float)
    estimate = found("SSlogis", x, y, groupings=[grouping])
    groups = estimate.groups["Tree"]
    assert groups.labels == ("1", "2", "3", "4", "5")
    # Given the shape, an asymptote follows from a regression through the origin.
    share = 1 / (1 + np.exp((estimate.values["xmid"] - x) / estimate.values["scal"]))
    by_hand = [
        float(share[codes == tree] @ y[codes == tree] / np.sum(share[codes == tree] ** 2))
        for tree in range(5)
    ]
    np.testing.assert_allclose(groups.values["Asym"], by_hand, rtol=0.01)
    # Rows are nearer to the curves of their trees than to one for all.
    assert estimate.residual_sd == pytest.approx(groups.residual_sd)
    assert groups.residual_sd < 10.0


def test_groups_with_too_few_rows_are_left_out() -> None:
    x = np.tile(np.linspace(0, 10, 8), 3)
    y = np.repeat([5.0, 6.0, 7.0], 8) * (1 - np.exp(-0.4 * x))
    keep = np.r_[0:16, 20]
    grouping = Grouping("g", np.repeat([0, 1, 2], 8)[keep], ("a", "b", "c"), ("Asym", "lrc"))
    estimate = found("SSasympOrig", x[keep], y[keep], groupings=[grouping])
    assert estimate.groups["g"].labels == ("a", "b")
    np.testing.assert_allclose(estimate.groups["g"].values["Asym"], [5.0, 6.0], rtol=0.02)


def test_known_parameters_are_kept() -> None:
    x, parameters = EXACT["SSweibull"]
    curve = CURVES["SSweibull"]
    y = evaluate(curve_body(curve), {"x": x, **parameters})
    estimate = estimate_curve(curve, {"x": x}, y, fixed={"pwr": 2.5})
    assert set(estimate.values) == {"Asym", "Drop", "lrc"}
    assert estimate.values["Drop"] == pytest.approx(115.0, rel=1e-6)


def test_weights_count() -> None:
    x = np.tile(np.linspace(0, 10, 8), 2)
    y = np.repeat([5.0, 9.0], 8) * (1 - np.exp(-0.4 * x))
    weights = np.repeat([1.0, 0.0], 8)
    assert found("SSasympOrig", x, y, weights=weights).values["Asym"] == pytest.approx(5.0)


def test_straight_lines_leave_the_asymptote_open() -> None:
    x = np.linspace(0, 10, 12)
    estimate = found("SSasymp", x, 3.0 + 2.0 * x)
    assert {"Asym", "lrc"} & set(estimate.unsure)
    assert abs(estimate.values["Asym"]) < 200.0


def test_missing_values_are_left_out() -> None:
    x = np.append(np.linspace(0, 10, 8), 11.0)
    y = np.append(5.0 * (1 - np.exp(-0.4 * x[:-1])), np.nan)
    assert found("SSasympOrig", x, y).values["Asym"] == pytest.approx(5.0, rel=1e-6)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1, 2, 3, 4], [5, 5, 5, 5], "is 5 in all rows"),
        ([1, 2], [1, 2], "has 3 parameters to estimate, but the data have 2 rows"),
        ([1, 1, 2, 2], [1, 2, 3, 4], "only 2 different values. At least 3"),
    ],
)
def test_data_without_a_curve(x: list[float], y: list[float], message: str) -> None:
    with pytest.raises(DataError, match=message):
        found("SSlogis", x, y)
