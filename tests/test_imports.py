"""Importing brmspy is quick, because it leaves the heavy libraries until they are needed."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ["arviz", "cmdstanpy", "formulae", "httpstan", "matplotlib", "scipy.stats", "xarray"]


def test_import_leaves_heavy_libraries_alone() -> None:
    code = f"import sys, brmspy; print(*(name for name in {HEAVY} if name in sys.modules))"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == []
