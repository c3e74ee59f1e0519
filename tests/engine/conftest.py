"""A stand-in for a compiled model."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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


class FakeCompiler:
    """What the stand-in for a C++ compiler was asked to do."""

    def __init__(self, path: Path, log: Path) -> None:
        self.path = path
        self._log = log

    @property
    def calls(self) -> list[list[str]]:
        """The arguments of each call."""
        return [call["arguments"] for call in self._read()]

    @property
    def pids(self) -> list[int]:
        """The process of each call."""
        return [call["pid"] for call in self._read()]

    def named(self, word: str) -> list[list[str]]:
        """Return the calls with an argument that holds this text."""
        return [call for call in self.calls if any(word in argument for argument in call)]

    def _read(self) -> list[dict[str, Any]]:
        if not self._log.exists():
            return []
        return [json.loads(line) for line in self._log.read_text().splitlines()]


@pytest.fixture
def as_script(tmp_path: Path) -> Callable[[str, str], Path]:
    """Return a function that makes an executable of one of the stand-ins here."""

    def make(source: str, name: str) -> Path:
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        text = Path(__file__).with_name(source).read_text(encoding="utf-8")
        path.write_text(f"#!{sys.executable} -SE\n{text}")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use no cache, compiler or CmdStan but those of the test."""
    monkeypatch.setenv("BRMSPY_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("BRMSPY_TOOLCHAIN", "CMDSTAN", "CXX", "CXXFLAGS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def compiler(
    own_folders: None,
    as_script: Callable[[str, str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> FakeCompiler:
    """Use a stand-in for the C++ compiler."""
    fake = FakeCompiler(as_script("fake_cxx.py", "c++"), tmp_path / "calls")
    monkeypatch.setenv("CXX", str(fake.path))
    monkeypatch.setenv("FAKE_CXX_LOG", str(tmp_path / "calls"))
    return fake
