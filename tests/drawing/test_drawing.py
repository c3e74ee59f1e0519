"""What is drawn, on which axes, and that Matplotlib is left as it was."""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from brmspy import drawing
from brmspy.errors import BrmspyError


@pytest.fixture
def ax() -> Iterator[Axes]:
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def text_of(figure: Figure) -> str:
    figure.canvas.draw()
    return figure.get_supxlabel()


def test_settings_of_others_stay() -> None:
    # A notebook's backend, loaded with the first figure, makes Matplotlib interactive; were that
    # undone, no figure after the first would be shown.
    before = mpl.rcParams["interactive"]
    try:
        with drawing.house_style():
            mpl.rcParams["interactive"] = not before
        assert mpl.rcParams["interactive"] is not before
    finally:
        mpl.rcParams["interactive"] = before


def test_the_style_ends_with_its_block() -> None:
    before = dict(mpl.rcParams)
    with drawing.house_style():
        drawing.axes_for(2)
        assert not mpl.rcParams["axes.spines.top"]
    assert dict(mpl.rcParams) == before


def test_a_failing_plot_leaves_no_figure_and_keeps_the_users() -> None:
    @drawing.house_style()
    def failing() -> None:
        drawing.axes_for(1)
        raise KeyError

    mine = plt.figure()
    with pytest.raises(KeyError):
        failing()
    assert plt.get_fignums() == [mine.number]


def test_without_matplotlib_the_error_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = builtins.__import__

    def absent(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(BrmspyError, match=r'pip install "brmspy\[plots\]"'), drawing.house_style():
        pass
    with pytest.raises(BrmspyError, match=r'pip install "brmspy\[plots\]"'):
        drawing.axes_for(1)


@pytest.mark.parametrize("count", [1, 2, 7, 12, 60])
def test_every_series_has_its_own_colour(count: int) -> None:
    looks = drawing.looks(count)
    colours = {mpl.colors.to_hex(look.colour) for look in looks}
    assert len(looks) == len(colours) == count
    # Light colours do not show on white.
    assert all(min(mpl.colors.to_rgb(colour)) < 0.75 for colour in colours)


@pytest.mark.parametrize(
    ("count", "columns", "shape"),
    [
        (1, None, (1, 1)),
        (4, None, (2, 2)),
        (7, None, (3, 3)),
        (14, None, (3, 5)),
        (18, None, (3, 6)),
        (5, 2, (3, 2)),
    ],
)
def test_panels_fill_a_grid(count: int, columns: int | None, shape: tuple[int, int]) -> None:
    with drawing.house_style():
        panels = drawing.axes_for(count, columns=columns)
    grid = panels[0].get_gridspec()
    assert (grid.nrows, grid.ncols) == shape
    assert len(panels) == len(panels.figure.axes) == count
    assert panels.own
    assert (panels.result is panels[0]) == (count == 1)


def test_one_panel_has_the_size_for_a_notebook() -> None:
    with drawing.house_style():
        figure = drawing.axes_for(1).figure
    assert tuple(figure.get_size_inches()) == (7.0, 4.5)


def test_axes_of_the_user_are_drawn_on() -> None:
    figure, grid = plt.subplots(2, 2)
    panels = drawing.axes_for(4, grid)
    assert list(panels) == list(grid.flat)
    assert not panels.own
    assert plt.get_fignums() == [figure.number]
    assert drawing.axes_for(1, grid[0, 0]).result is grid[0, 0]
    assert list(drawing.axes_for(2, [grid[0, 0], grid[1, 1]])) == [grid[0, 0], grid[1, 1]]


@pytest.mark.parametrize(
    ("count", "given", "message"),
    [(2, "one", "2 Matplotlib Axes"), (1, "two", "is 2 of them"), (1, 3, "is a int")],
)
def test_other_axes_are_refused(count: int, given: Any, message: str) -> None:
    _, two = plt.subplots(1, 2)
    ax = {"one": two[0], "two": two}.get(given, given)
    with pytest.raises(BrmspyError, match=message):
        drawing.axes_for(count, ax)


def test_labels_stand_at_the_edge_of_the_grid() -> None:
    with drawing.house_style():
        panels = drawing.axes_for(5, columns=3)
        panels.labels("Days", "cost ($)")
    assert [ax.get_xlabel() for ax in panels] == ["", "", "Days", "Days", "Days"]
    assert [ax.get_ylabel() for ax in panels] == [r"cost (\$)", "", "", r"cost (\$)", ""]
    panels.figure.canvas.draw()


def test_shared_axes_keep_their_numbers_above_a_gap() -> None:
    with drawing.house_style():
        panels = drawing.axes_for(5, columns=3, share_x=True)
    panels.figure.canvas.draw()
    shown = [any(label.get_visible() for label in ax.get_xticklabels()) for ax in panels]
    assert shown == [False, False, True, True, True]


def test_a_legend_keeps_every_label(ax: Axes) -> None:
    first, second = ax.plot([0, 1])[0], ax.plot([1, 2])[0]
    entries = [(first, "_a"), (second, "$b$"), (second, "_a")]
    with drawing.house_style():
        own = drawing.axes_for(1)
        own.legend(entries, title="group")
    drawing.axes_for(1, ax).legend(entries)
    for legend in (own.figure.legends[0], ax.get_legend()):
        assert legend is not None
        assert [text.get_text() for text in legend.get_texts()] == [" _a", r"\$b\$"]
    assert own.figure.legends[0].get_title().get_text() == "group"


def test_a_note_says_all_of_a_long_text(ax: Axes) -> None:
    text = "Others held at: " + ", ".join(f"variable{i} = {i}" for i in range(30)) + "."
    with drawing.house_style():
        panels = drawing.axes_for(3)
        panels.note(text)
        panels.note("")
    assert text_of(panels.figure).replace("\n", " ") == text
    ax.set_xlabel("Days")
    drawing.axes_for(1, ax).note("20 of 30 shown")
    assert ax.get_xlabel() == "Days\n20 of 30 shown"


def test_titles() -> None:
    with drawing.house_style():
        one, two = drawing.axes_for(1), drawing.axes_for(2)
        one.title("a")
        two.title("b")
        two.legend([(two[0].plot([0, 1])[0], "c")])
    assert one[0].get_title(loc="left") == "a"
    assert two.figure.get_suptitle() == "b"
    # Above the panels it would lie on the title.
    assert two.figure.legends[0]._outside_loc == "right"


def test_lines_and_bands(ax: Axes) -> None:
    x = np.arange(5.0)
    drawing.line(ax, x, x**2, bands=[(x - 2, x + 2), (x - 1, x + 1)])
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), x**2)
    ends = [band.get_paths()[0].get_extents() for band in ax.collections]
    assert [(end.ymin, end.ymax) for end in ends] == [(-2, 6), (-1, 5)]


def test_spaghetti(ax: Axes) -> None:
    curves = np.array([[0.0, 5.0], [1.0, 8.0], [-2.0, 2.0]])
    drawn = drawing.spaghetti(ax, [10, 20], curves)
    np.testing.assert_array_equal([part[:, 1] for part in drawn.get_segments()], curves)
    low, high = ax.get_ylim()
    assert low < -2 < 8 < high


def test_points_jitter_only_as_far_as_asked(ax: Axes) -> None:
    x = np.repeat([1.0, 2.0], 50)
    drawing.points(ax, x, x, jitter=0.1)
    offsets = np.asarray(ax.collections[0].get_offsets())
    assert 0.05 < np.abs(offsets[:, 0] - x).max() <= 0.1
    np.testing.assert_array_equal(offsets[:, 1], x)
    drawing.points(ax, x, x)
    np.testing.assert_array_equal(np.asarray(ax.collections[1].get_offsets())[:, 0], x)


def test_many_points_are_fainter(ax: Axes) -> None:
    for count in (10, 100, 10_000):
        drawing.points(ax, np.zeros(count), np.zeros(count))
    few, some, many = (points.get_alpha() for points in ax.collections)
    assert few > some > many >= 0.2


@pytest.mark.parametrize("horizontal", [False, True])
def test_intervals(ax: Axes, horizontal: bool) -> None:
    drawing.intervals(
        ax,
        [0, 1],
        [5.0, 6.0],
        outer=([1.0, 2.0], [9.0, 10.0]),
        inner=([4.0, 5.0], [6.0, 7.0]),
        horizontal=horizontal,
    )
    along = 0 if horizontal else 1
    wide, narrow = (
        np.array([part[:, along] for part in lines.get_segments()]) for lines in ax.collections
    )
    np.testing.assert_array_equal(wide, [[1, 9], [2, 10]])
    np.testing.assert_array_equal(narrow, [[4, 6], [5, 7]])
    dots = ax.lines[0].get_xdata() if horizontal else ax.lines[0].get_ydata()
    np.testing.assert_array_equal(dots, [5, 6])


def test_density_of_normal_numbers() -> None:
    sample = stats.norm(10, 3).ppf((np.arange(4000) + 0.5) / 4000)
    x, density = drawing.density_curve(sample)
    np.testing.assert_allclose(density, stats.norm(10, 3).pdf(x), atol=0.006)
    np.testing.assert_allclose(np.trapezoid(density, x), 1, atol=0.01)


def test_density_keeps_its_mass_at_a_bound() -> None:
    sample = stats.halfnorm(scale=2).ppf((np.arange(4000) + 0.5) / 4000)
    x, density = drawing.density_curve(sample, lower=0)
    assert x[0] == pytest.approx(0, abs=0.02)
    np.testing.assert_allclose(density, stats.halfnorm(scale=2).pdf(x), atol=0.03)
    assert drawing.density_curve(sample)[0][0] < -0.5


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_density_at_any_scale(scale: float) -> None:
    sample = scale * stats.norm(0, 1).ppf((np.arange(1000) + 0.5) / 1000)
    x, density = drawing.density_curve(sample)
    np.testing.assert_allclose(density.max() * scale, stats.norm.pdf(0), rtol=0.05)
    assert abs(x[density.argmax()]) < 0.2 * scale


def test_a_sample_without_spread_is_a_line(ax: Axes) -> None:
    assert drawing.density_curve([2.0, 2.0, np.nan])[0].size == 0
    drawing.density(ax, [2.0, 2.0])
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), [2, 2])


def test_density_overlay(ax: Axes) -> None:
    rng = np.random.default_rng(1)
    drawn = drawing.density_overlay(ax, rng.normal(size=50), rng.normal(size=(7, 60)))
    assert len(drawn) == 2
    assert len(ax.lines) == 1
    assert len(ax.collections[0].get_segments()) == 7
    assert ax.get_ylim()[0] == 0
    assert len(drawing.density_overlay(ax, [], rng.normal(size=(7, 60)))) == 1


def test_ecdf_steps_at_each_value(ax: Axes) -> None:
    drawing.ecdf(ax, [3, 1, 1, 2])
    steps = ax.lines[0]
    assert steps.get_drawstyle() == "steps-post"
    np.testing.assert_array_equal(steps.get_xdata(), [1, 1, 2, 3])
    np.testing.assert_array_equal(steps.get_ydata(), [0, 0.5, 0.75, 1])


def test_ecdf_overlay(ax: Axes) -> None:
    drawn = drawing.ecdf_overlay(ax, [1, 2], [[1, 3], [2, 2], [0, 5]])
    assert len(drawn) == 2
    assert len(ax.lines) == 4


def test_rootogram(ax: Axes) -> None:
    drawing.rootogram(ax, [0, 1, 2], [4, 9, 1], [5, 8, 2], [([3, 6, 1], [7, 10, 3])])
    assert [bar.get_height() for bar in ax.patches] == [4, 9, 1]
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [5, 8, 2])
    # Square roots: 1 is halfway between 0 and 4.
    heights = ax.transData.transform([(0, 0), (0, 1), (0, 4)])[:, 1]
    assert heights[1] - heights[0] == pytest.approx(heights[2] - heights[1])


@pytest.mark.parametrize("axis", ["x", "y"])
def test_sixty_categories_do_not_overlap(axis: Any) -> None:
    labels = [f"$level_{i}$ with a rather long name" for i in range(60)]
    with drawing.house_style():
        panels = drawing.axes_for(1, height=9)
        drawing.categories(panels[0], labels, axis)
    figure = panels.figure
    figure.canvas.draw()
    ticks = panels[0].get_xticklabels() if axis == "x" else panels[0].get_yticklabels()
    boxes = [tick.get_window_extent() for tick in ticks]
    assert len(boxes) == 60
    pairs = itertools.pairwise(boxes)
    assert not any(first.padded(-0.5).overlaps(second.padded(-0.5)) for first, second in pairs)


def test_words() -> None:
    assert drawing.joined(["a"]) == "a"
    assert drawing.joined(["a", "b"], "or") == "a or b"
    assert drawing.shorten("x" * 28) == "x" * 28
    assert len(drawing.shorten("x" * 29)) == 28
