"""The optimizer's line search ends, whatever the density."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import brmspy.engine
from brmspy.engine.embedded import find_embedded

pytestmark = pytest.mark.compiled

SOURCE = Path(__file__).with_name("line_search.cpp")


def test_a_search_up_to_where_the_density_ends_comes_to_an_end(tmp_path: Path) -> None:
    # With Stan's own function, a third of the searches do not.
    toolchain = find_embedded()
    runner = Path(brmspy.engine.__file__).with_name("runner")
    command = [*toolchain.compiler.command, *toolchain.prebuilt.flags, "-I", str(runner)]
    subprocess.run([*command, str(SOURCE), "-o", str(tmp_path / "search")], check=True)
    run = subprocess.run([tmp_path / "search"], capture_output=True, text=True, timeout=60)
    assert run.stdout == "0\n"
