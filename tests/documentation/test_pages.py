"""The code on the site's pages runs, prints what they show, and draws what they show."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
RUN = [page for page in PAGES if "\n```python\n" in page.read_text(encoding="utf-8")]

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
SECONDS = re.compile(r"\d+(?:\.\d+)? s\b")


def named(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


def words(text: str) -> list[str]:
    """Return a text without its numbers, times and spacing."""
    return NUMBER.sub("", SECONDS.sub("", text)).split()


def numbers(text: str) -> Iterator[tuple[float, float]]:
    """Yield each number of a text and the size of those in its line."""
    for line in SECONDS.sub("", text).splitlines():
        found = [float(number) for number in NUMBER.findall(line)]
        for number in found:
            yield number, float(np.median(np.abs(found)))


def check_printed(printed: str, shown: str) -> None:
    """Compare an output with the one shown: numbers differ a little between compilers."""
    assert words(printed) == words(shown)
    for (found, _), (expected, size) in zip(numbers(printed), numbers(shown), strict=True):
        assert found == pytest.approx(expected, rel=0.35, abs=0.15 * size), printed


@pytest.mark.compiled
@pytest.mark.slow
@pytest.mark.parametrize("page", RUN, ids=named)
def test_code_runs_and_shows_what_the_page_shows(
    page: Path, docs_script: Callable[[str], ModuleType]
) -> None:
    outcomes = list(docs_script("pages").run(page))
    assert len(outcomes) == page.read_text(encoding="utf-8").count("\n```python\n")
    for outcome in outcomes:
        if outcome.shown is not None:
            assert outcome.shown, f"No output is shown: run docs/pages.py\n{outcome.code}"
            check_printed(outcome.printed, outcome.shown)
        else:
            assert not outcome.printed, f"The page does not show it:\n{outcome.printed}"
        assert outcome.drawn == bool(outcome.image), outcome.code


def test_outputs_are_compared() -> None:
    shown = "x  10.46 1.67 2188\nSampled in 0.4 s"
    check_printed("x  10.51 1.70 2400\nSampled in 1.2 s", shown)
    for other in ("y  10.46 1.67 2188", "x  20.46 1.67 2188", "x  10.46 1.67"):
        with pytest.raises((AssertionError, ValueError)):
            check_printed(f"{other}\nSampled in 0.4 s", shown)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_figures_are_small(page: Path, docs_script: Callable[[str], ModuleType]) -> None:
    images = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    for alt, image in images:
        size = (page.parent / image).stat().st_size
        assert size <= docs_script("pages").LARGEST, f"{image}: {size}"
        assert len(alt) > 20, f"{image}: say what one sees"


def test_all_figures_are_shown() -> None:
    texts = [page.read_text(encoding="utf-8") for page in (*PAGES, DOCS.parent / "README.md")]
    unused = [
        picture.name
        for picture in sorted((DOCS / "images").iterdir())
        if not any(f"images/{picture.name})" in text for text in texts)
    ]
    assert unused == []
