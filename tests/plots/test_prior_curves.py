"""Curves of the prior over the data: what is drawn, without Stan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from brmspy import BrmsFit, bf, load_dataset, model_card, prior, prior_curves
from brmspy.errors import BrmspyError, PriorError

pytestmark = pytest.mark.slow  # together: drawing takes time

Make = Callable[..., BrmsFit]

LOBLOLLY = load_dataset("loblolly")
GROWTH = bf(
    "height ~ SSasymp(age, Asym, R0, lrc)", "R0 + lrc ~ 1", "Asym ~ 1 + (1 | Seed)", nl=True
)


def note(axes: Any) -> str:
    return str(np.ravel(axes)[0].get_figure().get_supxlabel()).replace("\n", " ")


def segments(ax: Any) -> np.ndarray:
    """Return the thin curves."""
    from matplotlib.collections import LineCollection

    (thin,) = [item for item in ax.collections if isinstance(item, LineCollection)]
    return np.array(thin.get_segments())


def test_named_curve_from_defaults() -> None:
    ax = prior_curves(GROWTH, LOBLOLLY, xlim=(0, 40), ndraws=30, resolution=20)
    thin = segments(ax)
    assert thin.shape == (30, 20, 2)
    np.testing.assert_allclose(thin[0, :, 0], np.linspace(0, 40, 20))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("age", "height")
    (scatter,) = [item for item in ax.collections if len(item.get_offsets()) == len(LOBLOLLY)]
    np.testing.assert_allclose(np.asarray(scatter.get_offsets()), LOBLOLLY[["age", "height"]])
    assert "Band: 90 % of the curves at each age." in note(ax)
    low, high = ax.get_ylim()
    assert low < LOBLOLLY["height"].min()
    assert high > LOBLOLLY["height"].max()


def test_band_and_median_against_the_prior() -> None:
    rows = [prior("normal(10, 2)", nlpar="a"), prior("normal(0, 1)", class_="sd", nlpar="a")]
    data = pd.DataFrame({"y": [1.0, 5.0, 20.0], "x": [0.0, 1.0, 2.0], "g": ["u", "v", "u"]})
    formula = bf("y ~ a * x", "a ~ 1 + (1 | g)", nl=True)
    ax = prior_curves(formula, data, prior=rows, prob=0.5, resolution=3)
    middle = ax.lines[0].get_ydata()
    np.testing.assert_allclose(middle, [0, 10, 20], atol=0.4)
    band = ax.collections[1].get_paths()[0].get_extents()
    assert band.ymax == pytest.approx(2 * (10 + 0.6745 * 2), abs=0.4)  # a quartile of the prior
    # Those of new levels vary by their standard deviation, too: half normal, of mean square 1.
    levels = prior_curves(formula, data, prior=rows, group="g", ndraws=2000, resolution=2)
    slopes = segments(levels)[:, 1, 1] / 2
    assert slopes.std() == pytest.approx(np.sqrt(4 + 1), rel=0.05)
    assert "Each curve is of a new level of g." in note(levels)


def test_panels_of_a_factor() -> None:
    puromycin = load_dataset("puromycin")
    formula = bf("rate ~ SSmicmen(conc, Vm, K)", "Vm + K ~ 0 + state", nl=True)
    axes = prior_curves(formula, puromycin, by="state")
    assert [ax.get_title(loc="left") or ax.get_title() for ax in axes] == [
        "state = treated",
        "state = untreated",
    ]
    for ax, state in zip(axes, ("treated", "untreated"), strict=True):
        mine = puromycin[puromycin["state"] == state]
        assert any(len(item.get_offsets()) == len(mine) for item in ax.collections)
    held = prior_curves(formula, puromycin, at={"state": "untreated"})
    assert "Prior of the population at state = untreated." in note(held)


def test_heavy_tails_do_not_flatten_the_data() -> None:
    data = pd.DataFrame({"y": [1.0, 2.0, 3.0], "x": [1.0, 2.0, 3.0]})
    ax = prior_curves(
        bf("y ~ a * x", "a ~ 1", nl=True), data, prior=prior("cauchy(0, 500)", nlpar="a")
    )
    low, high = ax.get_ylim()
    assert high - low < 6 * 2.0
    assert "% of the curves leave the picture." in note(ax)


def test_counts_and_linear_models() -> None:
    data = pd.DataFrame({"k": [1, 2, 3, 5], "n": [5, 5, 5, 6], "dose": [0.0, 1.0, 2.0, 3.0]})
    rows = [prior("normal(0, 1)"), prior("normal(0, 1)", class_="Intercept")]
    ax = prior_curves("k | trials(n) ~ dose", data, "binomial", rows)
    assert ax.get_ylabel() == "k / n"
    assert segments(ax)[..., 1].max() <= 1.0
    assert prior_curves("k ~ dose", data, "poisson", rows).get_ylabel() == "k"


def test_of_a_fit_and_of_a_card(made_fit: Make) -> None:
    fit = made_fit(GROWTH, LOBLOLLY)
    ours = segments(fit.prior_curves(resolution=5))
    np.testing.assert_allclose(ours, segments(prior_curves(GROWTH, LOBLOLLY, resolution=5)))
    card = model_card(GROWTH, LOBLOLLY)
    np.testing.assert_allclose(ours, segments(prior_curves(card, resolution=5)))
    other = segments(prior_curves(GROWTH, LOBLOLLY, resolution=5, seed=2))
    assert not np.allclose(ours, other)


def test_on_axes_of_the_user_without_data() -> None:
    _, given = plt.subplots()
    ax = prior_curves(GROWTH, LOBLOLLY, ax=given, points=False)
    assert ax is given
    assert not any(len(item.get_offsets()) == len(LOBLOLLY) for item in ax.collections)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((GROWTH,), {}, r"A formula needs data: prior_curves\(formula, data\)"),
        ((7, LOBLOLLY), {}, "not an object of type int"),
        ((GROWTH, LOBLOLLY), {"x": "Age"}, "x = 'Age' is no predictor"),
        ((GROWTH, LOBLOLLY), {"x": "Seed"}, "only tells groups apart"),
        ((GROWTH, LOBLOLLY), {"by": "age"}, "x and by are both 'age'"),
        ((GROWTH, LOBLOLLY), {"group": "plot"}, "no grouping factor 'plot'"),
        ((GROWTH, LOBLOLLY), {"ndraws": 1}, "ndraws = 1 is not valid"),
        ((GROWTH, LOBLOLLY), {"resolution": 2.5}, "resolution = 2.5 is not valid"),
        ((GROWTH, LOBLOLLY), {"xlim": (40, 0)}, r"xlim = \(40, 0\) is not valid"),
        ((GROWTH, LOBLOLLY), {"prob": 0}, "prob = 0 is not valid"),
    ],
)
def test_bad_arguments(arguments: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(BrmspyError, match=message):
        prior_curves(*arguments, **options)


def test_flat_priors_and_fits_with_data(made_fit: Make) -> None:
    with pytest.raises(PriorError, match="which b_age has"):
        prior_curves("height ~ age", LOBLOLLY)
    with pytest.raises(PriorError, match="b_Asym_Intercept"):
        prior_curves(GROWTH, LOBLOLLY, default_priors="brms")
    with pytest.raises(BrmspyError, match=r"prior_curves\(fit\.formula, data, prior=\.\.\.\)"):
        made_fit("height ~ age", LOBLOLLY).prior_curves(prior=prior("normal(0, 1)"))
