"""Texts that a notebook shows as what they are."""

from __future__ import annotations

from html import escape

from brmspy.markup import block

__all__ = ["Latex", "Paragraphs"]


class Paragraphs(str):
    """Paragraphs of text; ``print`` it, or paste it. A notebook shows it as prose."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        paragraphs = (f'<p class="words">{escape(text)}</p>' for text in self.split("\n\n"))
        return block("description", "Description of the model", paragraphs)


class Latex(str):
    """LaTeX; ``print`` it, or paste it. A notebook shows it as formulas.

    It stands in the environment ``align*`` of the package amsmath.
    """

    __slots__ = ()

    def _repr_latex_(self) -> str:
        # Notebooks know "aligned" within a display, some of them no other environment.
        return f"$${self.replace('{align*}', '{aligned}')}$$"
