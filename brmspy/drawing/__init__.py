"""How pictures look, and the shapes that they are made of: plain arrays drawn on axes.

Matplotlib is an optional dependency, ``pip install "brmspy[plots]"``, and is imported when
something is drawn. Its settings are left as they are.
"""

from __future__ import annotations

from brmspy.drawing.density import density_curve
from brmspy.drawing.panels import Panels, axes_for
from brmspy.drawing.shapes import (
    bars,
    density,
    density_overlay,
    ecdf,
    ecdf_overlay,
    intervals,
    line,
    points,
    rootogram,
    spaghetti,
)
from brmspy.drawing.style import BLUE, GREY, INK, SKY, VERMILION, Look, house_style, looks
from brmspy.drawing.words import categories, joined, legend_text, plain, shorten

__all__ = [
    "BLUE",
    "GREY",
    "INK",
    "SKY",
    "VERMILION",
    "Look",
    "Panels",
    "axes_for",
    "bars",
    "categories",
    "density",
    "density_curve",
    "density_overlay",
    "ecdf",
    "ecdf_overlay",
    "house_style",
    "intervals",
    "joined",
    "legend_text",
    "line",
    "looks",
    "plain",
    "points",
    "rootogram",
    "shorten",
    "spaghetti",
]
