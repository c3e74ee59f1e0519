"""Pictures of effects show what the tables say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection

from brmspy import BrmsFit
from brmspy.errors import BrmspyError

FitOf = Callable[..., BrmsFit]


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt.close("all")


def offsets(ax: Any) -> Any:
    """Return the places of all points."""
    found = [item for item in ax.collections if isinstance(item, PathCollection)]
    return np.vstack([np.asarray(item.get_offsets()) for item in found])


def note(ax: Any) -> str:
    """Return the text below a picture, as one line."""
    text = ax.get_figure().get_supxlabel()
    return " ".join(text.split())


def test_line_over_numbers(fit_of: FitOf) -> None:
    fit = fit_of("y ~ x + f")
    effect = fit.conditional_effects("x", resolution=9)["x"]
    ax = effect.plot()
    line = ax.lines[0]
    np.testing.assert_allclose(line.get_xdata(), effect.table["x"])
    np.testing.assert_allclose(line.get_ydata(), effect.table["estimate__"])
    np.testing.assert_allclose(offsets(ax), fit.data[["x", "y"]])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")
    assert note(ax) == "Held at f = b (first level)."


def test_points_can_be_left_out(fit_of: FitOf) -> None:
    ax = fit_of("y ~ x").conditional_effects("x")["x"].plot(points=False)
    assert not [item for item in ax.collections if isinstance(item, PathCollection)]


def test_intervals_over_levels(fit_of: FitOf) -> None:
    fit = fit_of("y ~ x + f")
    effect = fit.conditional_effects("f")["f"]
    ax = effect.plot()
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["b", "a", "c"]
    dots = ax.lines[0]
    np.testing.assert_allclose(dots.get_xdata(), [0, 1, 2])
    np.testing.assert_allclose(dots.get_ydata(), effect.table["estimate__"])
    bars = next(item for item in ax.collections if isinstance(item, LineCollection))
    ends = np.array([segment[:, 1] for segment in bars.get_segments()])
    np.testing.assert_allclose(ends, effect.table[["lower__", "upper__"]])
    places = {"b": 0, "a": 1, "c": 2}
    near = np.abs(offsets(ax)[:, 0] - fit.data["f"].astype(str).map(places).to_numpy())
    assert near.max() < 0.3


def test_one_series_for_each_level_with_its_points(fit_of: FitOf) -> None:
    fit = fit_of("y ~ x * f")
    effect = fit.conditional_effects("x:f", resolution=5)["x:f"]
    ax = effect.plot()
    assert len(ax.lines) == 3
    legend = ax.get_figure().legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["b", "a", "c"]
    assert legend.get_title().get_text() == "f"
    clouds = [item for item in ax.collections if isinstance(item, PathCollection)]
    assert [len(np.asarray(cloud.get_offsets())) for cloud in clouds] == [3, 3, 2]


def test_names_of_values_and_nearest_points(fit_of: FitOf) -> None:
    fit = fit_of("y ~ x * z")
    effect = fit.conditional_effects(
        "x:z", int_conditions={"z": {"low": 1.0, "high": 3.0}}, resolution=5
    )["x:z"]
    ax = effect.plot()
    texts = [text.get_text() for text in ax.get_figure().legends[0].get_texts()]
    assert texts == ["low", "high"]
    clouds = [item for item in ax.collections if isinstance(item, PathCollection)]
    # z = 1, 2, 4, 3, 2.5, 1.5, 3.5, 0.5; 2 is as near to 1 as to 3.
    assert [len(np.asarray(cloud.get_offsets())) for cloud in clouds] == [4, 4]


def test_a_panel_for_each_condition_has_the_points_of_its_level(fit_of: FitOf) -> None:
    fit = fit_of("y ~ x + f")
    axes = fit.conditional_effects("x", conditions={"f": ["b", "c"]}, resolution=3)["x"].plot()
    assert [ax.get_title(loc="left") for ax in axes] == ["f = b", "f = c"]
    assert [len(offsets(ax)) for ax in axes] == [3, 2]


def test_lines_of_single_draws(fit_of: FitOf) -> None:
    effects = fit_of("y ~ x").conditional_effects("x", spaghetti=True, resolution=4)
    ax = effects.plot(lines=30)
    curves = next(item for item in ax.collections if isinstance(item, LineCollection))
    assert len(curves.get_segments()) == 30
    without = effects["x"].plot(spaghetti=False)
    assert not [item for item in without.collections if isinstance(item, LineCollection)]


def test_all_effects_in_panels(fit_of: FitOf) -> None:
    effects = fit_of("y ~ x * f + flag + (1 | g)").conditional_effects(resolution=4)
    axes = effects.plot()
    assert [ax.get_xlabel() for ax in axes] == ["x", "f", "flag", "x"]
    assert note(axes[0]) == (
        "Where not shown, held at f = b (first level), flag = False (first level), "
        "x = 3.812 (mean); group-level effects left out."
    )


def test_axes_of_the_user(fit_of: FitOf) -> None:
    effects = fit_of("y ~ x + f").conditional_effects(resolution=4)
    _, own = plt.subplots(1, 2)
    assert list(effects.plot(ax=own)) == list(own)
    with pytest.raises(BrmspyError, match="2 Matplotlib Axes"):
        effects.plot(ax=own[0])


@pytest.mark.parametrize(
    ("formula", "family", "method"),
    [
        ("count | trials(size) ~ x * z", "binomial", "posterior_epred"),
        ("bit ~ x * flag", "bernoulli", "posterior_epred"),
        ("count ~ x * factor(bit)", "poisson", "posterior_linpred"),
        ("count ~ x", "negbinomial", "posterior_predict"),
    ],
)
def test_other_models(fit_of: FitOf, formula: str, family: str, method: str) -> None:
    effects = fit_of(formula, family).conditional_effects(method=method, resolution=5)
    effects.plot()
    plt.gcf().canvas.draw()


def test_marginal_means(fit_of: FitOf) -> None:
    means = fit_of("y ~ x + f * flag").emmeans("~ f | flag")
    axes = means.plot()
    assert [ax.get_title(loc="left") for ax in axes] == ["False", "True"]
    np.testing.assert_allclose(axes[1].lines[0].get_ydata(), means.table["emmean"][3:])
    crossed = fit_of("y ~ x + f * flag").emmeans("~ f * flag").plot()
    texts = [text.get_text() for text in crossed.get_figure().legends[0].get_texts()]
    assert texts == ["False", "True"]
    fit_of("y ~ f").emmeans("~ 1").plot()
    plt.gcf().canvas.draw()
