"""A stand-in for a compiled model."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from brmspy.engine.cache import compiled
from brmspy.engine.toolchain import find_toolchain

FAKE = Path(__file__).with_name("fake_stan.py")


@pytest.fixture(scope="session")
def fake_exe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an executable that writes CmdStan's output without Stan."""
    path = tmp_path_factory.mktemp("fake") / "model"
    path.write_text(f"#!{sys.executable} -SE\n" + FAKE.read_text(encoding="utf-8"))
    path.chmod(0o755)
    return path


@pytest.fixture
def behave(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that tells the stand-in what to do."""

    def tell(**settings: object) -> None:
        monkeypatch.setenv("FAKE_STAN", json.dumps(settings))

    return tell


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder where the stand-in leaves a note for each chain."""
    folder = tmp_path / "log"
    folder.mkdir()
    monkeypatch.setenv("FAKE_STAN_LOG", str(folder))
    return folder


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder for temporary files; at the end there must be none of brmspy's."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    yield folder
    assert list(folder.glob("brmspy-*")) == []


@pytest.fixture(scope="session")
def schools() -> Path:
    """Return the compiled model that CmdStan's reference output was made with."""
    code = Path(__file__).with_name("data").joinpath("model.stan").read_text(encoding="utf-8")
    return compiled(code, find_toolchain("embedded")).exe
