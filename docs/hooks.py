"""What the site does to its pages: it adds those of the notebooks in examples/notebooks.

`make docs` sets BRMSPY_EXECUTE_NOTEBOOKS, and the pages show what the notebooks print and draw.
Without it they show the code alone.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

_CODE = re.compile(r"`[^`]*`")
_LINK = re.compile(r"\]\((\w+)\.ipynb\)")  # to another notebook
_STYLE = re.compile(r"<style scoped.*?</style>", re.DOTALL)
_NOTEBOOKS = Path(__file__).resolve().parent.parent / "examples" / "notebooks"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page, and its figures, for each notebook."""
    for path in sorted(_NOTEBOOKS.glob("*.ipynb")):
        page, figures = as_markdown(path, execute="BRMSPY_EXECUTE_NOTEBOOKS" in os.environ)
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=page))
        for name, content in figures.items():
            files.append(File.generated(config, f"notebooks/{name}", content=content))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Take the backslash from bars in tables' code, where GitHub needs it and MkDocs shows it."""
    lines = markdown.split("\n")
    return "\n".join(
        _CODE.sub(lambda code: code[0].replace(r"\|", "|"), line) if line.startswith("|") else line
        for line in lines
    )


def as_markdown(path: Path, *, execute: bool) -> tuple[str, dict[str, bytes]]:
    """Return a notebook as a page of Markdown, and its figures by name.

    Parameters
    ----------
    path : Path
        The notebook.
    execute : bool
        Whether to run it.

    Returns
    -------
    str
        The page.
    dict of str to bytes
        The figures that it shows.
    """
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    if execute:
        print(f"Running {path.name} ...", flush=True)
        run(notebook, path.parent)
    parts, figures = [], {}
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            parts.append(_LINK.sub(r"](\1.md)", cell.source))
            continue
        parts.append(f"```python\n{cell.source}\n```")
        for place, output in enumerate(_joined(cell.get("outputs", []))):
            text, pictures = _output(output, f"{path.stem}-{number}-{place}")
            parts.append(text)
            figures.update(pictures)
    note = f"This page is the notebook `examples/notebooks/{path.name}`."
    return "\n\n".join([*parts, f"*{note}*"]) + "\n", figures


def run(notebook: Any, folder: Path) -> None:
    """Execute a notebook in place, in its folder.

    Parameters
    ----------
    notebook : NotebookNode
        The notebook; its outputs are replaced.
    folder : Path
        Where it is.
    """
    from nbclient import NotebookClient

    NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()


def _joined(outputs: list[Any]) -> list[Any]:
    """Return outputs with what was printed one after the other in one piece."""
    found: list[Any] = []
    for output in outputs:
        before = found[-1] if found else {}
        if output.get("name", "") == before.get("name", None):
            before["text"] += output["text"]
        else:
            found.append(output)
    return found


def _output(output: Any, name: str) -> tuple[str, dict[str, bytes]]:
    """Return an output of a cell as Markdown, and its figures."""
    from base64 import b64decode

    if output.output_type == "stream":
        # What goes to standard error is progress.
        text = output.text if output.name == "stdout" else ""
        return (f"```text\n{text.rstrip()}\n```" if text.strip() else ""), {}
    data = output.get("data", {})
    if "image/png" in data:
        file = f"{name}.png"
        return f"![Figure]({file})", {file: b64decode(data["image/png"])}
    if output.output_type == "display_data":
        return "", {}  # progress
    if "text/html" in data:
        html = _STYLE.sub("", data["text/html"])  # of data frames; the site has its own
        # A blank line would end the block of HTML.
        lines = [line for line in html.splitlines() if line.strip()]
        return '<div class="brmspy-output">\n' + "\n".join(lines) + "\n</div>", {}
    if "text/latex" in data:
        return data["text/latex"], {}
    return f"```text\n{data.get('text/plain', '').rstrip()}\n```", {}
