"""Named curves are fitted without priors or starting values, and find what nls and nlme find."""

from __future__ import annotations

from typing import Any

import pytest

from brmspy import BrmsFit, bf, brm, load_dataset

pytestmark = pytest.mark.compiled

# Formula, data, and the maximum likelihood estimates of R.
MODELS: dict[str, tuple[Any, str, dict[str, float]]] = {
    # nlme(height ~ SSasymp(age, Asym, R0, lrc), random = Asym ~ 1 | Seed)
    "loblolly": (
        bf(
            "height ~ SSasymp(age, Asym, R0, lrc)",
            "Asym ~ 1 + (1 | Seed)",
            "R0 ~ 1",
            "lrc ~ 1",
            nl=True,
        ),
        "loblolly",
        {
            "b_Asym_Intercept": 101.4496000168,
            "b_R0_Intercept": -8.6273307283,
            "b_lrc_Intercept": -3.2337507439,
            "sd_Seed__Asym_Intercept": 3.6506418,
            "sigma": 0.7188625,
        },
    ),
    # nls(rate ~ SSmicmen(conc, Vm, K)) for each state
    "puromycin": (
        bf("rate ~ SSmicmen(conc, Vm, K)", "Vm + K ~ 0 + state", nl=True),
        "puromycin",
        {
            "b_Vm_statetreated": 212.6837072712,
            "b_Vm_stateuntreated": 160.2801158935,
            "b_K_statetreated": 0.064121225794,
            "b_K_stateuntreated": 0.047708292268,
        },
    ),
    # nls(circumference ~ SSlogis(age, Asym, xmid, scal)), all trees together
    "orange": (
        bf(
            "circumference ~ SSlogis(age, Asym, xmid, scal)",
            "Asym ~ 1 + (1 | Tree)",
            "xmid + scal ~ 1",
            nl=True,
        ),
        "orange",
        {"b_Asym_Intercept": 192.69, "b_xmid_Intercept": 728.76, "b_scal_Intercept": 353.53},
    ),
}


def fitted(name: str, seed: int, **options: Any) -> BrmsFit:
    formula, data, _ = MODELS[name]
    return brm(formula, load_dataset(data), seed=seed, progress=False, **options)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", MODELS)
def test_fits_from_defaults(name: str, seed: int) -> None:
    fit = fitted(name, seed)
    table = fit.summary()
    assert (table["Rhat"] < 1.01).all()
    assert (table["Bulk_ESS"] > 1000).all()
    assert int(fit.idata["sample_stats"]["diverging"].sum()) == 0
    for parameter, estimate in MODELS[name][2].items():
        row = table.loc[parameter]
        assert abs(row["Estimate"] - estimate) < 2 * row["Est.Error"], parameter


def test_initial_values_by_name_reach_the_same_posterior() -> None:
    usual, own = fitted("loblolly", 1), fitted("loblolly", 1, init={"Asym": 90.0, "lrc": -2.8})
    for parameter in MODELS["loblolly"][2]:
        row = usual.summary().loc[parameter]
        difference = own.summary().loc[parameter, "Estimate"] - row["Estimate"]
        assert abs(difference) < 0.15 * row["Est.Error"], parameter
