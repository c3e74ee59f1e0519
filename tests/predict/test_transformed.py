"""Transformed parameters are predicted on their natural scale, by their own name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from brmspy import bf, load_dataset

FORMULA = bf(
    "height ~ SSasymp(age, Asym, R0, lrc)",
    "Asym ~ 1 + (1 | Seed)",
    "R0 + lrc ~ 1",
    nl=True,
    transform={"Asym": "log"},
)


def test_natural_scale(made_fit: Callable[..., Any]) -> None:
    fit = made_fit(FORMULA, load_dataset("loblolly"))
    natural = fit.posterior_linpred(nlpar="Asym")
    inner = fit.posterior_linpred(nlpar="logAsym")
    np.testing.assert_allclose(natural.values, np.exp(inner.values))
    # With the effects of the levels: the coefficient and the effect of the row's level.
    rows = fit.data["Seed"].cat.codes.to_numpy()
    effects = fit["r_Seed"].values[..., rows, 0]
    expected = fit["b_logAsym_Intercept"].values[..., None] + effects
    np.testing.assert_allclose(inner.values, expected)
    alone = fit.posterior_linpred(nlpar="Asym", re_formula="NA")
    np.testing.assert_allclose(alone.values[..., 0], np.exp(fit["b_logAsym_Intercept"].values))
