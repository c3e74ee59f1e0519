"""Rendering of the Jinja templates into a Stan program."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import jinja2

from brmspy.resources import templates_directory

__all__ = ["helper_function", "render"]


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    """Return the environment that finds the templates; undefined names are errors."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates_directory()),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def render(program: Any) -> str:
    """Return the Stan code of a program skeleton (see ``templates/program.stan.j2``)."""
    code = _environment().get_template("program.stan.j2").render(program=program)
    return re.sub(r"\n{2,}", "\n", code).strip() + "\n"


def helper_function(name: str) -> str:
    """Return the text of a Stan function that brmspy adds to the language."""
    return (templates_directory() / "functions" / f"{name}.stan").read_text().strip()
