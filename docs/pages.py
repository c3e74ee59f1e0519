"""Runs the code of this site's pages, and writes down what it prints and draws.

    python docs/pages.py docs/tutorial.md docs/howto/priors.md

On a page, blocks that open with ```python run from top to bottom. A ```text block that follows one
holds what it printed, or the value of its last line. An image that comes next is the figure that it
drew. This script brings both up to date; `tests/site/test_pages.py` runs the same blocks and
compares.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
LARGEST = 60_000  # bytes of a figure

_BLOCK = re.compile(
    r"^```python\n(?P<code>.*?)^```\n"
    r"(?:\n```text\n(?P<shown>.*?)^```\n)?"
    r"(?:\n!\[(?P<alt>[^\]]*)\]\((?P<image>[^)]+)\))?",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Outcome:
    """What one block of a page did.

    Attributes
    ----------
    code : str
        The block.
    shown : str or None
        What the page says that it prints; None if it says nothing.
    printed : str
        What it printed.
    image : str
        The figure that belongs to it, relative to the page; empty if there is none.
    drawn : bool
        Whether it drew something.
    """

    code: str
    shown: str | None
    printed: str
    image: str
    drawn: bool


def run(page: Path, *, keep_figures: bool = False) -> Iterator[Outcome]:
    """Run the blocks of a page, in one namespace and an empty folder.

    Parameters
    ----------
    page : Path
        The Markdown file.
    keep_figures : bool
        Whether to write the figures that the page shows.

    Yields
    ------
    Outcome
        One for each block.
    """
    import matplotlib.pyplot as plt
    import pandas as pd

    namespace: dict[str, Any] = {"__name__": "__page__"}
    with _empty_folder(), pd.option_context("display.width", 100, "display.max_columns", 20):
        for block in _BLOCK.finditer(page.read_text(encoding="utf-8")):
            plt.close("all")
            printed = _printed(block["code"], namespace, value=block["shown"] is not None)
            drawn = bool(plt.get_fignums())
            image = block["image"] or ""
            if image and drawn and keep_figures:
                _write_figure(page.parent / image)
            yield Outcome(block["code"], block["shown"], printed, image, drawn)
    plt.close("all")


def has_code(page: Path) -> bool:
    """Say whether a page has blocks to run."""
    return _BLOCK.search(page.read_text(encoding="utf-8")) is not None


def update(page: Path) -> None:
    """Bring the outputs and figures of a page up to date."""
    outcomes = run(page, keep_figures=True)

    def renewed(block: re.Match[str]) -> str:
        outcome = next(outcomes)
        text = block[0]
        if outcome.image and not outcome.drawn:
            raise SystemExit(f"{page}: nothing was drawn for {outcome.image}")
        if outcome.shown is None:
            return text
        start, end = (place - block.start() for place in block.span("shown"))
        return text[:start] + outcome.printed + text[end:]

    text = _BLOCK.sub(renewed, page.read_text(encoding="utf-8"))
    list(outcomes)  # leaves its folder
    page.write_text(text, encoding="utf-8")


def _printed(code: str, namespace: dict[str, Any], *, value: bool) -> str:
    """Run a block and return what it printed, and the value of its last line if that is asked."""
    tree = ast.parse(code)
    last = tree.body[-1]
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        if value and isinstance(last, ast.Expr):
            exec(compile(ast.Module(tree.body[:-1], []), "<page>", "exec"), namespace)
            found = eval(compile(ast.Expression(last.value), "<page>", "eval"), namespace)
            if found is not None:
                print(found)
        else:
            exec(compile(tree, "<page>", "exec"), namespace)
    lines = [line.rstrip() for line in output.getvalue().splitlines()]
    return "\n".join(lines) + "\n" if lines else ""


def _write_figure(path: Path) -> None:
    """Write the current figure with few colours, so that it is small."""
    import matplotlib.pyplot as plt
    from PIL import Image

    path.parent.mkdir(exist_ok=True)
    buffer = io.BytesIO()
    plt.gcf().savefig(buffer, dpi=110, facecolor="white", bbox_inches="tight", pad_inches=0.08)
    picture = Image.open(buffer).convert("RGB")
    for colours in (128, 48, 24):
        picture.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size <= LARGEST:
            return
    raise SystemExit(f"{path} has {path.stat().st_size:,} bytes, more than {LARGEST:,}")


@contextlib.contextmanager
def _empty_folder() -> Iterator[None]:
    """Work in a temporary folder."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def main() -> None:
    """Update the pages named on the command line."""
    os.environ["MPLBACKEND"] = "agg"
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", r"\s*ArviZ is undergoing", FutureWarning)
    for name in sys.argv[1:]:
        page = Path(name).resolve()
        print(page.relative_to(DOCS), flush=True)
        update(page)


if __name__ == "__main__":
    main()
