"""The examples in docstrings run and print what they say."""

from __future__ import annotations

import ast
import doctest
import importlib
import io
import re
from pathlib import Path

import pytest

import brmspy

PACKAGE = Path(brmspy.__file__).parent
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS

# Examples that build a model with the C++ compiler.
COMPILES = re.compile(r"\b(brm|brm_multiple|compiled)\(")


def compiles(source: str) -> bool:
    """Say whether any example in a docstring compiles a model."""
    examples = doctest.DocTestParser().get_examples(source)
    return any(COMPILES.search(example.source) for example in examples)


def cases() -> list[object]:
    """Return (module, whether its compiling examples are meant) for every module with examples."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    found: list[object] = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        docstrings = [
            ast.get_docstring(node) or "" for node in nodes if isinstance(node, documented)
        ]
        kinds = {compiles(text) for text in docstrings if ">>>" in text}
        for kind in sorted(kinds):
            marks = [pytest.mark.compiled] if kind else []
            found.append(pytest.param(name, kind, marks=marks, id=name + "-compiled" * kind))
    return found


@pytest.mark.parametrize(("name", "compiled"), cases())
def test_examples_run(
    name: str, compiled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name.removesuffix(".__init__"))
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    report = io.StringIO()
    for test in doctest.DocTestFinder(exclude_empty=True).find(module):
        if compiles(test.docstring or "") == compiled:
            runner.run(test, out=report.write)
    assert runner.tries > 0
    assert runner.failures == 0, report.getvalue()


def test_no_example_is_skipped() -> None:
    skipping = [
        path.relative_to(PACKAGE.parent).as_posix()
        for path in sorted(PACKAGE.rglob("*.py"))
        if "+SKIP" in path.read_text(encoding="utf-8")
    ]
    assert skipping == []
