"""On a machine that lacks something, make says what and how to get it, before anything slow."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).resolve().parents[2] / "Makefile"

# What stands in for a Python: one that is too old, and one without ensurepip.
OLD = "exit 1"
WITHOUT_PIP = 'case "$2" in *ensurepip*) exit 1 ;; esac'
COMPILER = "exit 0"


@pytest.mark.parametrize(
    ("python", "compiler", "says"),
    [
        (OLD, COMPILER, "needs Python 3.10 or newer"),
        (WITHOUT_PIP, COMPILER, "sudo apt install python3-venv"),
        (WITHOUT_PIP, None, "needs a C++ compiler"),
    ],
)
def test_make_names_what_is_missing(
    python: str, compiler: str | None, says: str, tmp_path: Path
) -> None:
    shutil.copy(MAKEFILE, tmp_path)
    (tmp_path / "pyproject.toml").touch()
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, script in {"python3": python, "g++": compiler}.items():
        if script is not None:
            (tools / name).write_text(f"#!/bin/sh\n{script}\n")
            (tools / name).chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if key != "CXX"}
    make = shutil.which("make")
    assert make is not None
    result = subprocess.run(
        [make, "demo"],
        cwd=tmp_path,
        env={**environment, "PATH": str(tools)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert says in result.stderr
    assert not (tmp_path / ".venv").exists()
