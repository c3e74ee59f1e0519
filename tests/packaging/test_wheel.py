"""The wheel holds everything that a user without the checkout needs."""

from __future__ import annotations

import fnmatch
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]

USE = """
import pandas as pd
import brmspy

print(brmspy.__file__)
data = pd.DataFrame({"y": [1.0, 2.5, 2.0, 4.0], "x": [0.0, 1.0, 2.0, 3.0], "g": list("aabb")})
print(brmspy.stancode("y ~ x + (1 | g)", data))
"""


def run(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command and fail with what it said."""
    result = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, **options
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the build back end that is installed here."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (path,) = folder.glob("brmspy-*.whl")
    return path


@pytest.fixture(scope="module")
def outside(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Install the wheel away from the checkout; return how to run something that imports it."""
    site = tmp_path_factory.mktemp("site")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "install", "--no-deps", "--no-index", "--target", site, wheel)
    # PYTHONPATH comes before an editable installation of the checkout.
    return {"cwd": site.parent, "env": {**os.environ, "PYTHONPATH": str(site)}}


def test_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    def files(folder: Path, inside: str) -> set[str]:
        return {
            f"{inside}/{path.relative_to(folder).as_posix()}"
            for path in folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }

    expected = files(ROOT / "brmspy", "brmspy") | files(ROOT / "templates", "brmspy/_templates")
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == expected


@pytest.mark.parametrize(
    "pattern",
    ["_templates/*", "engine/runner/*.cpp", "engine/runner/*.hpp", "datasets/*.csv", "py.typed"],
)
def test_wheel_holds_what_is_not_python(wheel: Path, pattern: str) -> None:
    assert fnmatch.filter(zipfile.ZipFile(wheel).namelist(), f"brmspy/{pattern}")


def test_installed_wheel_writes_programs(outside: dict[str, Any], tmp_path: Path) -> None:
    output = run(sys.executable, "-c", USE, **outside).stdout
    assert not output.startswith(str(ROOT))
    assert "parameters {" in output


@pytest.mark.compiled
def test_installed_wheel_compiles_and_samples(outside: dict[str, Any]) -> None:
    run(sys.executable, "-m", "brmspy", "doctor", **outside)
