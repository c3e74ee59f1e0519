"""VarCorr: products of draws by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import brmspy
from brmspy import BrmsFit
from brmspy.errors import BrmspyError


def frame(rows: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "y": rng.normal(size=rows),
            "k": rng.integers(0, 5, rows),
            "x": rng.uniform(1, 3, size=rows),
            "z": rng.uniform(1, 3, size=rows),
            "g": np.arange(rows) % 5,
            "h": np.arange(rows) % 3,
        }
    )


def entry(table: pd.DataFrame, kind: str, first: str, second: str, group: str = "g") -> float:
    rows = table[(table["group"] == group) & (table["kind"] == kind)]
    return rows[(rows["coef"] == first) & (rows["coef2"] == second)]["Estimate"].item()


def test_standard_deviations_correlations_and_covariances(made_fit: Callable[..., BrmsFit]) -> None:
    fit = made_fit("y ~ x + (x + z | g)", frame())
    table = fit.VarCorr()
    assert list(table.columns)[:4] == ["group", "kind", "coef", "coef2"]
    assert table["kind"].tolist() == ["sd"] * 3 + ["cor"] * 3 + ["cov"] * 6 + ["sd", "cov"]
    sd = {name: fit[f"sd_g__{name}"].to_numpy() for name in ("Intercept", "x", "z")}
    cor = fit["cor_g__x__z"].to_numpy()
    assert entry(table, "sd", "x", "x") == pytest.approx(sd["x"].mean())
    assert entry(table, "cor", "x", "z") == pytest.approx(cor.mean())
    assert entry(table, "cov", "x", "x") == pytest.approx((sd["x"] ** 2).mean())
    assert entry(table, "cov", "x", "z") == pytest.approx((cor * sd["x"] * sd["z"]).mean())
    sigma = fit["sigma"].to_numpy()
    assert entry(table, "sd", "", "", "residual__") == pytest.approx(sigma.mean())
    assert entry(table, "cov", "", "", "residual__") == pytest.approx((sigma**2).mean())


def test_draws_are_matrices(made_fit: Callable[..., BrmsFit]) -> None:
    fit = made_fit("y ~ x + (x | g)", frame())
    found = fit.VarCorr(summary=False)
    assert list(found) == ["g", "residual__"]
    data = found["g"]
    assert data["cov"].dims == ("chain", "draw", "coef", "coef2")
    one = data.isel(chain=1, draw=7)
    sd, rho = (fit[name].to_numpy()[1, 7] for name in ("sd_g", "cor_g__Intercept__x"))
    D = np.diag(sd)
    np.testing.assert_allclose(one["cov"], D @ np.array([[1, rho], [rho, 1]]) @ D)
    np.testing.assert_allclose(one["cor"].sel(coef="x", coef2="Intercept"), rho)
    np.testing.assert_array_equal(found["residual__"]["sd"].squeeze("coef"), fit["sigma"])


def test_what_is_uncorrelated_in_the_model_is_not_estimated(
    made_fit: Callable[..., BrmsFit],
) -> None:
    fit = made_fit("y ~ x + (x || g) + (1 | h)", frame())
    table = fit.VarCorr()
    assert set(table["kind"]) == {"sd", "cov"}
    assert table["group"].unique().tolist() == ["g", "h", "residual__"]
    cov = fit.VarCorr(summary=False)["g"]["cov"]
    assert (cov.sel(coef="x", coef2="Intercept") == 0).all()


def test_two_terms_of_one_group(made_fit: Callable[..., BrmsFit]) -> None:
    fit = made_fit("y ~ x + (1 | g) + (0 + x + z | g)", frame())
    table = fit.VarCorr()
    pairs = table[table["kind"] == "cor"][["coef", "coef2"]].to_numpy().tolist()
    assert pairs == [["x", "z"]]
    cor = fit.VarCorr(summary=False)["g"]["cor"]
    np.testing.assert_allclose(cor.sel(coef="z", coef2="x"), fit["cor_g__x__z"])
    assert (cor.sel(coef="Intercept", coef2="x") == 0).all()


def test_a_predicted_or_fixed_sigma_is_no_residual(made_fit: Callable[..., BrmsFit]) -> None:
    predicted = made_fit(brmspy.bf("y ~ x + (1 |p| g)", "sigma ~ x + (1 |p| g)"), frame())
    table = predicted.VarCorr()
    assert table["group"].unique().tolist() == ["g"]
    assert entry(table, "cor", "Intercept", "sigma_Intercept") == pytest.approx(
        float(predicted["cor_g"].mean())
    )
    fixed = made_fit(brmspy.bf("y ~ x + (1 | g)", sigma=0.5), frame())
    assert fixed.VarCorr()["group"].unique().tolist() == ["g"]


def test_without_groups(made_fit: Callable[..., BrmsFit]) -> None:
    assert made_fit("y ~ x", frame(), "student").VarCorr()["group"].tolist() == ["residual__"] * 2
    with pytest.raises(BrmspyError, match=r"poisson model .* no standard deviations"):
        made_fit("k ~ x", frame(), "poisson").VarCorr()


def test_arguments(made_fit: Callable[..., BrmsFit]) -> None:
    fit = made_fit("y ~ x + (1 | g)", frame())
    table = fit.VarCorr(prob=0.5, robust=True)
    draws = fit["sd_g__Intercept"].to_numpy()
    assert table.loc[0, "Estimate"] == pytest.approx(np.median(draws))
    assert table.loc[0, "Q75"] == pytest.approx(np.quantile(draws, 0.75))
    with pytest.raises(BrmspyError, match="prob"):
        fit.VarCorr(prob=1.5)


@pytest.mark.compiled
def test_sleepstudy(example_fit: Callable[[str], BrmsFit]) -> None:
    table = example_fit("sleepstudy").VarCorr()
    # Of brms: posterior means of the same model.
    assert entry(table, "sd", "Intercept", "Intercept", "Subject") == pytest.approx(26.9, abs=1.0)
    assert entry(table, "sd", "Days", "Days", "Subject") == pytest.approx(6.6, abs=0.3)
    assert entry(table, "cor", "Intercept", "Days", "Subject") == pytest.approx(0.08, abs=0.06)
