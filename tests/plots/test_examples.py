"""Pictures of the examples: they are readable, and agree with ArviZ and with Stan's draws."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import arviz as az
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text

from brmspy import BrmsFit, bf, brm, load_dataset, prior

pytestmark = pytest.mark.compiled

Example = Callable[[str], BrmsFit]

PICTURES: dict[str, Callable[[BrmsFit], Any]] = {
    "trace": lambda fit: fit.plot(),
    "rank": lambda fit: fit.plot_rank(),
    "intervals": lambda fit: fit.plot_intervals(),
    "pairs": lambda fit: fit.plot_pairs(),
    "prior": lambda fit: fit.plot_prior(),
    "groups": lambda fit: fit.plot_groups(),
    "check": lambda fit: fit.pp_check(),
    "stat": lambda fit: fit.pp_check("stat_2d"),
    "rows": lambda fit: fit.pp_check("intervals"),
    "pit": lambda fit: fit.pp_check("loo_pit_qq"),
}
CURVES: dict[str, dict[str, Any]] = {
    "sleepstudy": {"x": "Days", "facet": True},
    "cbpp": {"x": "period"},
    "epil": {"x": "lbase", "by": "trt"},
    "loblolly_seed_prior": {"x": "age", "facet": True},
    "salamander": {"x": "Cross", "group": "Female"},
    "oats": {"x": "nitrogen", "by": "varieties"},
    "puromycin": {"x": "conc", "by": "state"},
}


def words_of(ax: Axes) -> Iterator[Text]:
    """Yield the texts of a panel that are seen, but the ticks."""
    titles = (ax.title, ax._left_title, ax._right_title)
    for text in (*titles, ax.xaxis.label, ax.yaxis.label, *ax.texts):
        if text.get_visible() and text.get_text() and ax.axison:
            yield text


def tick_labels(ax: Axes) -> Iterator[list[Text]]:
    """Yield the labels along each axis that are seen, in order."""
    for axis, ticks in ((ax.xaxis, ax.get_xticklabels()), (ax.yaxis, ax.get_yticklabels())):
        low, high = sorted(axis.get_view_interval())
        slack = 1e-9 * (high - low)
        along = 0 if axis is ax.xaxis else 1
        yield [
            tick
            for tick in ticks
            if tick.get_text()
            and tick.get_visible()
            and ax.axison
            and low - slack <= tick.get_position()[along] <= high + slack
        ]


def unreadable(axes: Any) -> list[str]:
    """Say which texts of a figure stand on each other or beyond its edge."""
    panels = list(np.ravel(axes))
    figure = panels[0].get_figure()
    figure.canvas.draw()
    problems = []
    outer = figure.bbox.padded(1.5)
    written = [text for ax in panels for text in words_of(ax)]
    ticks = [labels for ax in panels for labels in tick_labels(ax)]
    for text in (*written, *itertools.chain(*ticks), *figure.texts):
        box = text.get_window_extent()
        if not (outer.contains(box.x0, box.y0) and outer.contains(box.x1, box.y1)):
            problems.append(f"beyond the edge: {text.get_text()!r}")
    for labels in ticks:
        for first, second in itertools.pairwise(labels):
            if (
                first.get_window_extent()
                .padded(-0.5)
                .overlaps(second.get_window_extent().padded(-0.5))
            ):
                problems.append(f"ticks overlap: {first.get_text()!r}, {second.get_text()!r}")
    for first, second in itertools.combinations(written, 2):
        if first.get_window_extent().padded(-1).overlaps(second.get_window_extent().padded(-1)):
            problems.append(f"overlap: {first.get_text()!r}, {second.get_text()!r}")
    return problems


@pytest.mark.parametrize("name", CURVES)
def test_pictures_are_readable(example_fit: Example, name: str) -> None:
    fit = example_fit(name)
    before = dict(mpl.rcParams)
    problems = {}
    # All pictures of one model, and of the others those whose texts are the data's.
    of_data = ("prior", "check", "groups") if fit.ngrps else ("prior", "check")
    chosen = PICTURES if name == "sleepstudy" else {key: PICTURES[key] for key in of_data}
    for what, picture in {**chosen, "curves": lambda fit: fit.curves(**CURVES[name])}.items():
        problems[what] = unreadable(picture(fit))
        plt.close("all")
    assert {what: found for what, found in problems.items() if found} == {}
    assert dict(mpl.rcParams) == before


def test_pit_agrees_with_arviz(example_fit: Example) -> None:
    """ArviZ counts simulated responses, ours are exact given the weights."""
    fit = example_fit("sleepstudy")
    found = np.asarray(fit.pp_check("loo_pit_qq").collections[1].get_offsets())[:, 1]
    likelihood = fit.log_lik().stack(sample=("chain", "draw")).to_numpy()
    drawn = fit.posterior_predict(seed=1).stack(sample=("chain", "draw")).to_numpy()
    weights, _ = az.psislw(-likelihood, reff=1.0)
    y = fit.data["Reaction"].to_numpy(dtype=float)
    expected = az.loo_pit(y=y, y_hat=drawn, log_weights=weights)
    np.testing.assert_allclose(found, np.sort(expected), atol=0.03)


def test_draws_from_the_prior_follow_the_curve_of_the_prior() -> None:
    fit = brm(
        bf(
            "height ~ Asym + (R0 - Asym) * exp(-exp(lrc) * age)",
            "R0 + lrc ~ 1",
            "Asym ~ 1 + (1 | Seed)",
            nl=True,
        ),
        load_dataset("loblolly"),
        prior=[
            prior("normal(101, 0.1)", nlpar="Asym", lb=100, ub=102),
            prior("normal(-8, 1)", nlpar="R0", lb=-10),
            prior("normal(-3, 3)", nlpar="lrc", lb=-9),
            prior("normal(3, 0.2)", class_="sigma"),
        ],
        sample_prior="only",
        seed=1,
        progress=False,
    )
    for ax in fit.plot_prior(["b_R0", "b_lrc", "b_Asym", "sigma"]):
        drawn, exact = (np.asarray(line.get_data(), dtype=float) for line in ax.lines)
        inside = slice(20, -20)  # the estimate rounds off what is cut at a bound
        expected = np.interp(drawn[0], *exact)[inside]
        assert np.abs(drawn[1][inside] - expected).max() < 0.12 * expected.max()


def test_shrinkage_points_to_the_population(example_fit: Example) -> None:
    """The means of ten people's lines lie nearer to the population than their own regressions."""
    fit = example_fit("sleepstudy")
    ax = fit.plot_groups(coef="Days", sort=False)
    own = np.asarray(ax.lines[2].get_xdata(), dtype=float)
    by_hand = [
        np.polyfit(rows["Days"].astype(float), rows["Reaction"].astype(float), 1)[0]
        for _, rows in load_dataset("sleepstudy").groupby("Subject", observed=True)
    ]
    np.testing.assert_allclose(own, by_hand, rtol=1e-4)
    mean = float(fit["b_Days"].mean())
    assert np.std(np.asarray(ax.lines[0].get_xdata())) < 0.95 * np.std(own)
    assert np.abs(np.asarray(ax.lines[0].get_xdata()).mean() - mean) < 0.5
