"""The site builds without warnings and documents every public name."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import brmspy

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"


def documented() -> list[str]:
    """Return the names under ``:::`` on the pages of the reference."""
    texts = [page.read_text(encoding="utf-8") for page in sorted(REFERENCE.glob("*.md"))]
    return re.findall(r"^::: brmspy\.([\w.]+)$", "\n".join(texts), re.MULTILINE)


@pytest.mark.slow
def test_site_builds_without_warnings(tmp_path: Path) -> None:
    pytest.importorskip("mkdocstrings")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    built = subprocess.run(
        [*command, "--site-dir", tmp_path],
        cwd=ROOT,
        env={"PATH": "", "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr
    page = (tmp_path / "reference" / "fitting.html").read_text(encoding="utf-8")
    assert 'id="brmspy.brm"' in page
    assert "Target acceptance probability" in page
    formulas = (tmp_path / "howto" / "formulas.html").read_text(encoding="utf-8")
    assert "<code>(x || g)</code>" in formulas
    notebook = (tmp_path / "notebooks" / "sleepstudy.html").read_text(encoding="utf-8")
    assert "load_dataset" in notebook


def test_reference_is_complete() -> None:
    names = documented()
    assert len(set(names)) == len(names)
    assert set(brmspy.__all__) - {"__version__"} <= {name.split(".")[-1] for name in names}


def test_page_of_the_fit_names_all_methods() -> None:
    text = (REFERENCE / "fit.md").read_text(encoding="utf-8")
    made = {"from_run", "from_approximation", "load"}  # not for users of a fit
    public = {name for name in dir(brmspy.BrmsFit) if not name.startswith("_")} - made
    missing = [name for name in sorted(public) if not re.search(rf"(`|- ){name}\b", text)]
    assert missing == []


def test_table_of_calls_names_what_exists() -> None:
    known = {*brmspy.__all__, *dir(brmspy.BrmsFit), "plot", "contrast", "table"}
    for name in ("from-brms.md", "from-lme4.md", "from-bambi.md"):
        text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        called = set(re.findall(r"\bfit\.(\w+)", text))
        assert called - known == set(), name


def test_gallery_lists_its_pages() -> None:
    folder = ROOT / "docs" / "gallery"
    pages = {page.name for page in folder.glob("*.md")} - {"index.md"}
    rows = re.findall(
        r"^\| \[[^\]]+\]\((\w+\.md)\)", (folder / "index.md").read_text(), re.MULTILINE
    )
    assert len(pages) >= 10
    assert sorted(rows) == sorted(pages)
