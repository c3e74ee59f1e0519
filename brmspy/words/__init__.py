"""A fitted model in words for a paper, and in LaTeX."""

from __future__ import annotations

from brmspy.words.describe import describe
from brmspy.words.latex import latex
from brmspy.words.texts import Latex, Paragraphs

__all__ = ["Latex", "Paragraphs", "describe", "latex"]
