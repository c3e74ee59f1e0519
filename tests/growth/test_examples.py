"""Times and rates of fitted models, free-form formulas among them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from brmspy import BrmsFit
from brmspy.errors import BrmspyError

pytestmark = pytest.mark.compiled

Example = Callable[[str], BrmsFit]


def test_free_form_curve_of_pines(example_fit: Example) -> None:
    fit = example_fit("loblolly_wide")
    A, R0, lrc = (fit[f"b_{name}_Intercept"].to_numpy() for name in ("Asym", "R0", "lrc"))
    times = fit.time_to((0.5, 0.9), levels=["301"])
    for place, fraction in enumerate((0.5, 0.9)):
        exact = -np.log((1 - fraction) * A / (A - R0)) / np.exp(lrc)
        np.testing.assert_allclose(times.draws[..., place], exact, rtol=1e-6)
    A = A + fit["r_Seed__Asym[301,Intercept]"].to_numpy()
    lrc = lrc + fit["r_Seed__lrc[301,Intercept]"].to_numpy()
    exact = -np.log(0.1 * A / (A - R0)) / np.exp(lrc)
    np.testing.assert_allclose(times.draws[..., 3], exact, rtol=1e-6)
    # R's nlme(..., random = pdDiag(Asym + lrc ~ 1)) has Asym 101.852, R0 -8.59039, lrc -3.24011.
    estimate = -np.log(0.5 * 101.852 / (101.852 + 8.59039)) / np.exp(-3.24011)
    row = times.table.iloc[0]
    assert row["Estimate"] == pytest.approx(estimate, abs=2 * row["Est.Error"])


def test_rates_of_an_enzyme(example_fit: Example) -> None:
    fit = example_fit("puromycin")
    table = fit.curve_table("conc", by="state", slope=True, resolution=5)
    treated = table[table["state"] == "treated"]
    x = treated["conc"].to_numpy()
    Vm, K = (fit[f"b_{name}_statetreated"].to_numpy()[..., None] for name in ("Vm", "K"))
    exact = (Vm * K / (K + x) ** 2).reshape(-1, len(x))
    np.testing.assert_allclose(treated["Estimate"], exact.mean(axis=0), rtol=1e-9)
    half = fit.time_to(0.5, by="state").draws
    np.testing.assert_allclose(half[..., 0], K[..., 0], rtol=1e-6)


def test_people_who_do_not_approach_anything(example_fit: Example) -> None:
    with pytest.raises(BrmspyError, match="The population's curve has no asymptote"):
        example_fit("sleepstudy").time_to()
