"""Effects do not depend on how factors are coded: the same posterior in other coordinates."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy import BrmsFit, bf, brm, load, load_dataset

MadeFit = Callable[..., BrmsFit]
Fits = tuple[BrmsFit, BrmsFit]

CROSSED = pd.DataFrame(
    [(f, o, flag) for f in "cab" for o in ("lo", "mid", "hi", "top") for flag in (True, False)],
    columns=["f", "o", "flag"],
)

# All combinations of levels, so that every coefficient is determined.
DATA = pd.concat([CROSSED.assign(x=x) for x in (-1.0, 0.5, 2.0)], ignore_index=True).assign(
    y=lambda rows: np.arange(len(rows), dtype=float),
    count=lambda rows: np.arange(len(rows)) % 7,
    g=lambda rows: np.resize(list("uvw"), len(rows)),
    f=lambda rows: pd.Categorical(rows["f"], list("cab")),
    o=lambda rows: pd.Categorical(rows["o"], ["lo", "mid", "hi", "top"], ordered=True),
)

# A formula, in which the factor f may be written otherwise, and how factors are coded.
CASES: dict[str, tuple[str, str, str, dict[str, Any] | None]] = {
    "words": (
        "y ~ {f} * flag + o + x + (1 | g)",
        "gaussian",
        "f",
        {"f": "helmert", "o": "sum", "flag": "poly"},
    ),
    "matrices": (
        "y ~ {f} * x + o:flag + (1 | g)",
        "gaussian",
        "f",
        {"f": {"ab - c": [-2, 1, 1], "b - a": [0, -1, 1]}, "o": [2.0, 1.0, 5.0, 3.0]},
    ),
    "in the formula": ("y ~ {f} * flag + o", "student", "C(f, Sum)", {"o": "sdif"}),
    "not the first level": ("count ~ {f} * o", "poisson", "C(f, Treatment('b'))", {"o": "SAS"}),
}


@pytest.fixture(params=CASES)
def fits(request: pytest.FixtureRequest, made_fit: MadeFit) -> Fits:
    """Return a fit with R's default coding, and one with the same means, coded otherwise."""
    formula, family, name, contrasts = CASES[request.param]
    usual = made_fit(formula.format(f="f"), DATA, family, length=50)
    written = functools.partial(
        made_fit, formula.format(f=name), DATA, family, contrasts=contrasts, length=50
    )
    first, second = (fit.model.design.arrays.predictors["mu"].X for fit in (usual, written()))
    # Both matrices span the same columns: these are the other coefficients of the same means.
    change = np.linalg.lstsq(second, first, rcond=None)[0]
    np.testing.assert_allclose(second @ change, first, atol=1e-10)
    assert np.abs(change - np.eye(*change.shape)).max() > 0.1
    return usual, written(draws={"b": usual["b"].to_numpy() @ change.T})


class TestTheSameMeans:
    def test_marginal_means_and_joint_tests(self, fits: Fits) -> None:
        usual, other = fits
        for specs in ("f", "pairwise ~ f | o"):
            means, again = usual.emmeans(specs), other.emmeans(specs)
            np.testing.assert_allclose(again.draws, means.draws, atol=1e-9)
            pd.testing.assert_frame_equal(again.table, means.table)
            if means.contrasts is not None:
                assert again.contrasts is not None
                pd.testing.assert_frame_equal(again.contrasts.table, means.contrasts.table)
        pd.testing.assert_frame_equal(
            other.joint_tests().table, usual.joint_tests().table, rtol=1e-6
        )

    def test_conditional_effects_comparisons_and_predictions(self, fits: Fits) -> None:
        usual, other = fits
        effects, again = usual.conditional_effects(), other.conditional_effects()
        assert set(again) == set(effects)
        for name, effect in effects.items():
            columns = ["estimate__", "se__", "lower__", "upper__"]
            np.testing.assert_allclose(
                again[name].table[columns], effect.table[columns], rtol=1e-7, atol=1e-9
            )
        for variables in ("f", {"o": "sequential"}):
            table = usual.comparisons(variables, average=True).table
            pd.testing.assert_frame_equal(
                other.comparisons(variables, average=True).table, table, atol=1e-8
            )
        rows = CROSSED.assign(x=0.25).iloc[[3, 17]].astype({"f": str, "o": str})
        np.testing.assert_allclose(
            other.posterior_epred(rows, re_formula="NA"),
            usual.posterior_epred(rows, re_formula="NA"),
            rtol=1e-9,
        )


def test_effects_of_groups_under_any_coding(made_fit: MadeFit) -> None:
    formula = "y ~ x + (0 + f | g)"
    usual = made_fit(formula, DATA)
    other = made_fit(formula, DATA, contrasts={"f": "sum"})
    # Without an intercept, a factor has an effect for each of its levels, however it is coded.
    assert other["r_g"].coords["g__coef"].to_numpy().tolist() == ["fc", "fa", "fb"]
    rows = DATA.iloc[[0, 30, 60]]
    np.testing.assert_array_equal(other.posterior_epred(rows), usual.posterior_epred(rows))

    coded = made_fit("y ~ x + (f | g)", DATA, contrasts={"f": "sum"})
    assert coded["r_g"].coords["g__coef"].to_numpy().tolist() == ["Intercept", "f1", "f2"]
    effects = coded["r_g"].sel(g="v").to_numpy()
    base = (coded["b_Intercept"] + 0.5 * coded["b_x"]).to_numpy()
    new = pd.DataFrame({"x": 0.5, "f": ["c", "a", "b"], "g": "v"})
    found = coded.posterior_epred(new).to_numpy()
    for place, signs in enumerate([(1, 1, 0), (1, 0, 1), (1, -1, -1)]):
        np.testing.assert_allclose(found[..., place], base + effects @ np.array(signs), rtol=1e-9)


def test_numbers_that_a_formula_makes_a_factor_of(made_fit: MadeFit) -> None:
    data = DATA.assign(dose=np.resize([0.5, 1.0, 2.0], len(DATA)))
    fit = made_fit(bf("y ~ C(dose, Sum) + x", "sigma ~ C(dose, Sum)"), data)
    means = fit.emmeans("dose")
    first, second = (fit[f"b_CdoseSum{place}"].to_numpy().ravel() for place in (1, 2))
    middle = (fit["b_Intercept"] + fit["b_x"] * data["x"].mean()).to_numpy().ravel()
    expected = np.column_stack([middle + first, middle + second, middle - first - second])
    np.testing.assert_allclose(means.draws.to_numpy().reshape(-1, 3), expected)
    assert means.table["dose"].tolist() == [0.5, 1.0, 2.0]
    assert fit.conditional_effects("dose")["dose"].table["dose"].tolist() == [0.5, 1.0, 2.0]


@pytest.mark.compiled
def test_two_fits_agree(tmp_path: Any) -> None:
    growth = load_dataset("plant_growth")
    options: dict[str, Any] = {"seed": 20260101, "progress": False}
    usual = brm("weight ~ group", growth, **options)
    fit = brm("weight ~ group", growth, contrasts={"group": "sum"}, **options)
    # Flat priors of the coefficients: the posterior of the means is the same.
    means, again = usual.emmeans("group"), fit.emmeans("group")
    first, second = (found.draws.to_numpy().reshape(-1, 3) for found in (means, again))
    error = first.std(axis=0) * np.sqrt(2 / 1500)
    assert (np.abs(first.mean(axis=0) - second.mean(axis=0)) < 4 * error).all()
    np.testing.assert_allclose(second.std(axis=0), first.std(axis=0), rtol=0.1)
    # The coefficients are what contr.sum makes of them: deviations from the mean of means.
    sums = np.column_stack([fit["b_group1"].to_numpy().ravel(), fit["b_group2"].to_numpy().ravel()])
    np.testing.assert_allclose(sums, (second - second.mean(axis=1, keepdims=True))[:, :2])
    f_usual, f_again = (found.joint_tests().table["F.ratio"].item() for found in (usual, fit))
    assert f_again == pytest.approx(f_usual, rel=0.1)
    assert "group = sum" in str(fit)
    assert "group (sum)" in fit.describe()

    fit.save(tmp_path / "fit.nc")
    loaded = load(tmp_path / "fit.nc")
    new = pd.DataFrame({"group": ["trt2", "ctrl"]})
    np.testing.assert_array_equal(loaded.posterior_epred(new), fit.posterior_epred(new))
    np.testing.assert_array_equal(loaded.posterior_epred(new), second[:, [2, 0]].reshape(4, -1, 2))
    refitted = loaded.update(newdata=growth.iloc[5:], **options)
    assert refitted.model.design.predictors["mu"].coefs[1].label == "group1"
