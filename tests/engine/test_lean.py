"""Programs call nothing but what is precompiled, so that none waits for all of Stan's headers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from brmspy.engine import generated, stanc
from brmspy.engine.embedded import EmbeddedToolchain
from brmspy.engine.toolchain import find_toolchain

GOLDEN = sorted((Path(__file__).parents[1] / "program" / "golden").glob("*.stan"))

pytestmark = pytest.mark.compiled


@pytest.mark.parametrize("program", GOLDEN, ids=lambda path: path.stem)
def test_programs_need_declarations_only(program: Path, tmp_path: Path) -> None:
    toolchain = find_toolchain("embedded")
    assert isinstance(toolchain, EmbeddedToolchain)
    cpp, lean = tmp_path / "model.cpp", tmp_path / "model.lean.cpp"
    stanc.translate(toolchain.stanc, program, cpp)
    code = generated.lean(cpp.read_text(encoding="utf-8"))
    assert code is not None
    lean.write_text(code, encoding="utf-8")
    flags = [*toolchain.prebuilt.flags, *generated.INCLUDE, "-fsyntax-only", str(lean)]
    done = subprocess.run(
        [*toolchain.compiler.command, *flags], capture_output=True, text=True, check=False
    )
    errors = [line for line in done.stderr.splitlines() if "error:" in line]
    assert done.returncode == 0, "\n".join(errors)
