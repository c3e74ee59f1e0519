"""The doctor finds what is wrong and says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from brmspy.__main__ import main
from brmspy.engine import doctor
from brmspy.engine.embedded import EmbeddedToolchain
from brmspy.engine.interface import CompileOptions
from brmspy.engine.toolchain import find_toolchain
from brmspy.errors import CompileError


@pytest.mark.compiled
@pytest.mark.slow
def test_all_is_well_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--toolchain", "embedded"]) == 0
    out = capsys.readouterr().out
    assert "FAILED" not in out
    for line in ("ok     toolchain: embedded (stan 2.35", "ok     run it: 50 draws"):
        assert line in out
    assert out.endswith("Models can be compiled and run.\n")


@pytest.fixture
def sick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """Use a cache and a toolchain of the test's own, which compiles to a failing program."""
    monkeypatch.setenv("BRMSPY_CACHE_DIR", str(tmp_path / "cache"))

    def compile_nothing(
        self: EmbeddedToolchain, stan_file: Path, exe: Path, options: CompileOptions
    ) -> None:
        exe.write_text("#!/bin/sh\necho libtbb.so.2: cannot open >&2\nexit 127\n")
        exe.chmod(0o755)

    monkeypatch.setattr(EmbeddedToolchain, "compile", compile_nothing)
    return monkeypatch


def test_no_toolchain(sick: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    sick.setenv("CXX", "no-such-compiler")
    assert main(["doctor", "--toolchain", "embedded"]) == 1
    out = capsys.readouterr().out
    assert "FAILED toolchain: CXX=no-such-compiler cannot be run.\n       -> Install" in out
    assert "run it" not in out


def test_a_model_that_does_not_run(
    sick: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--toolchain", "embedded"]) == 1
    out = capsys.readouterr().out
    assert "FAILED run it: exit status 127\nlibtbb.so.2: cannot open" in out
    assert "cache clear --all" in out
    assert out.endswith("Models cannot be compiled and run.\n")


def test_a_compiler_that_fails(
    sick: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(self: EmbeddedToolchain, *_: object) -> None:
        raise CompileError("Compiling test.stan failed.\nerror: no space left\nFree some space.")

    sick.setattr(EmbeddedToolchain, "compile", fail)
    assert main(["doctor", "--toolchain", "embedded"]) == 1
    out = capsys.readouterr().out
    assert "FAILED compile a model: Compiling test.stan failed.\nerror: no space left\n" in out
    assert "       -> Free some space." in out


def test_a_cache_that_cannot_be_written(
    sick: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    sick.setenv("BRMSPY_CACHE_DIR", str(tmp_path / "file"))
    assert main(["doctor", "--toolchain", "embedded"]) == 1
    assert "FAILED cache" in (out := capsys.readouterr().out)
    assert "Set BRMSPY_CACHE_DIR" in out


def test_little_disk(sick: pytest.MonkeyPatch) -> None:
    sick.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 10**8}))
    (cache,) = [finding for finding in doctor.examine("embedded") if finding.subject == "cache"]
    assert not cache.ok
    assert "0.1 GiB free" in cache.detail


def test_a_translator_that_does_not_run(sick: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "httpstan"
    broken.mkdir()
    (broken / "stanc").write_bytes(b"\x7fELF")
    whole = find_toolchain("embedded")
    assert isinstance(whole, EmbeddedToolchain)
    sick.setattr(doctor, "find_toolchain", lambda name: replace(whole, home=broken))
    findings = {finding.subject: finding for finding in doctor.examine()}
    assert not findings["translator"].ok
    assert "stanc" in findings["translator"].detail


@pytest.mark.parametrize("words", [[], ["cache"], ["cache", "burn"], ["doctor", "--x"]])
def test_a_command_line_that_does_not_fit(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "usage: brmspy" in capsys.readouterr().err


def test_errors_are_told_without_a_traceback(
    sick: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sick.setenv("CXX", "no-such-compiler")
    assert main(["warmup", "--toolchain", "embedded"]) == 1
    assert capsys.readouterr().err.startswith("CXX=no-such-compiler cannot be run.")
