"""The notebooks run from top to bottom, without warnings, and are committed without outputs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))


def named(path: Path) -> str:
    return path.stem


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_committed_without_outputs(path: Path) -> None:
    notebook = read(path)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) > 5
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_tells_a_story(path: Path) -> None:
    texts = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    assert texts[0].startswith("# ")
    assert "?**" in texts[0], "the question"
    assert texts[-1].startswith("## Conclusion")


@pytest.mark.compiled
@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_runs(
    path: Path, docs_script: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *_python_path()]))
    monkeypatch.delenv("MPLBACKEND")  # the kernel has its own
    notebook = read(path)
    docs_script("hooks").run(notebook, path.parent)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    warned = [
        output.text
        for output in outputs
        if output.output_type == "stream" and "Warning" in output.text
    ]
    assert warned == []
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 2


def _python_path() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def test_each_has_a_page() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    index = (ROOT / "docs" / "notebooks" / "index.md").read_text(encoding="utf-8")
    for path in NOTEBOOKS:
        assert f"notebooks/{path.stem}.md" in navigation
        assert f"({path.stem}.md)" in index
