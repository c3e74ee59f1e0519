"""The compile cache: what is one entry, what is whole, who compiles, what is removed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from brmspy.engine import cache
from brmspy.engine.cache import clear_cache, compiled, list_cache
from brmspy.engine.directories import cache_directory, models_directory, runners_directory
from brmspy.engine.interface import CompileOptions, Toolchain
from brmspy.errors import CompileError

WORKS = "#!/bin/sh\necho stan_version_major = 2\n"
PROGRAM = "parameters { real x; } model { target += -x^2; }"


@dataclass(frozen=True)
class Scribe(Toolchain):
    """Writes a shell script instead of compiling."""

    text: str = WORKS
    mark: str = "v1"
    size: int = 0
    failure: str = ""
    compiled: list[str] = field(default_factory=list)
    name: str = "embedded"
    stan_version: str = "2.35.0"

    def fingerprint(self, options: CompileOptions) -> str:
        return f"{self.mark} {options.threads}"

    def check(self, code: str, name: str = "model", pedantic: bool = False) -> tuple[str, ...]:
        return ()

    def is_prepared(self, options: CompileOptions) -> bool:
        return True

    def prepare(self, options: CompileOptions, *, header: bool = False) -> None:
        pass

    def compile(self, stan_file: Path, exe: Path, options: CompileOptions) -> None:
        self.compiled.append(stan_file.read_text(encoding="utf-8"))
        if self.failure:
            (exe.parent / "half.o").write_text("half")
            raise CompileError(self.failure)
        exe.write_text(self.text + "#" * self.size)
        exe.chmod(0o755)

    def describe(self) -> dict[str, str]:
        return {"toolchain": self.name, "stan": self.stan_version}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the cache's folder, an empty one for each test."""
    monkeypatch.setenv("BRMSPY_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("BRMSPY_CACHE_SIZE", raising=False)
    return tmp_path / "cache"


class TestEntries:
    def test_second_time_nothing_is_compiled(self) -> None:
        toolchain, stages = Scribe(), []
        first = compiled(PROGRAM, toolchain, on_stage=stages.append)
        second = compiled(PROGRAM, toolchain, on_stage=stages.append)
        assert (first.was_cached, second.was_cached) == (False, True)
        assert first.exe == second.exe
        assert first.exe.is_relative_to(models_directory())
        assert (len(toolchain.compiled), stages) == (1, ["compile"])
        assert first.seconds > 0 == second.seconds

    @pytest.mark.parametrize(
        "other",
        [
            "// what it is\n" + PROGRAM,
            PROGRAM.replace("{", "{ // brace\n"),
            PROGRAM.replace("real x;", "/* a\n long // one */ real x;"),
            PROGRAM.replace(" ", "\n\t "),
            PROGRAM + "\n\n",
        ],
    )
    def test_comments_and_blanks_do_not_matter(self, other: str) -> None:
        toolchain = Scribe()
        assert compiled(PROGRAM, toolchain).key == compiled(other, toolchain).key
        assert len(toolchain.compiled) == 1

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (PROGRAM, PROGRAM.replace("x^2", "x^3")),
            ('transformed data { print("a // b"); }', 'transformed data { print("a // c"); }'),
            ('transformed data { print("a  b"); }', 'transformed data { print("a b"); }'),
            ("data { int a; int b; }", "data { inta; int b; }"),
        ],
    )
    def test_other_programs_are_other_entries(self, one: str, other: str) -> None:
        toolchain = Scribe()
        assert compiled(one, toolchain).key != compiled(other, toolchain).key
        assert len(toolchain.compiled) == 2

    def test_toolchain_and_options_make_other_entries(self) -> None:
        keys = {
            compiled(PROGRAM, Scribe(), CompileOptions(threads=False)).key,
            compiled(PROGRAM, Scribe(), CompileOptions(threads=True)).key,
            compiled(PROGRAM, Scribe(mark="v2")).key,
        }
        assert len(keys) == 3

    def test_the_record_tells_what_it_is(self) -> None:
        before = time.time()
        compiled(PROGRAM, Scribe())
        (entry,) = list_cache()
        assert entry.code == PROGRAM
        assert entry.toolchain == {"toolchain": "embedded", "stan": "2.35.0"}
        assert before - 1 <= entry.created <= time.time()
        assert entry.size >= len(WORKS)


class TestBrokenEntries:
    def spoil_executable(self, exe: Path) -> None:
        exe.write_bytes(b"\x7fELF and nothing more")

    def remove_executable(self, exe: Path) -> None:
        exe.unlink()

    def empty_executable(self, exe: Path) -> None:
        exe.write_bytes(b"")

    def forbid_executable(self, exe: Path) -> None:
        exe.chmod(0o644)

    def break_executable(self, exe: Path) -> None:
        exe.write_text("#!/bin/sh\necho libtbb.so.2: cannot open >&2; exit 127\n")

    def remove_record(self, exe: Path) -> None:
        (exe.parent / "entry.json").unlink()

    @pytest.mark.parametrize(
        "damage",
        [
            "spoil_executable",
            "remove_executable",
            "empty_executable",
            "forbid_executable",
            "break_executable",
            "remove_record",
        ],
    )
    def test_is_compiled_again(self, damage: str) -> None:
        toolchain = Scribe()
        first = compiled(PROGRAM, toolchain)
        getattr(self, damage)(first.exe)
        again = compiled(PROGRAM, toolchain)
        assert not again.was_cached
        assert again.exe.read_text() == WORKS
        assert compiled(PROGRAM, toolchain).was_cached

    def test_a_spoilt_record_is_not_listed_and_not_fatal(self) -> None:
        exe = compiled(PROGRAM, Scribe()).exe
        (exe.parent / "entry.json").write_text("{")
        assert list_cache() == []

    def test_failure_leaves_nothing(self) -> None:
        with pytest.raises(CompileError, match="no luck"):
            compiled(PROGRAM, Scribe(failure="no luck"))
        assert [path.name for path in models_directory().iterdir() if path.is_dir()] == []
        assert not compiled(PROGRAM, Scribe()).was_cached

    def test_an_executable_that_does_not_run_is_not_kept(self) -> None:
        with pytest.raises(CompileError, match="does not run"):
            compiled(PROGRAM, Scribe(text="#!/bin/sh\nexit 1\n"))
        assert list_cache() == []


SHARED = """
import sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_cache import PROGRAM, Scribe
from brmspy.engine.cache import compiled

class Slow(Scribe):
    def compile(self, stan_file, exe, options):
        with open({log!r}, "a") as log:
            log.write("compiled\\n")
        time.sleep(0.5)
        super().compile(stan_file, exe, options)

print(compiled(PROGRAM, Slow()).was_cached)
"""


@pytest.mark.slow
def test_two_processes_compile_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = SHARED.format(tests=str(Path(__file__).parent), log=str(log))
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment)
        for _ in range(3)
    ]
    said = sorted(process.communicate(timeout=60)[0].decode().strip() for process in processes)
    assert said == ["False", "True", "True"]
    assert log.read_text() == "compiled\n"


class TestPruning:
    @staticmethod
    def fill(count: int, size: int = 10_000) -> list[str]:
        """Compile programs, each used later than the one before."""
        keys = []
        for i in range(count):
            keys.append(compiled(f"parameters {{ real x{i}; }}", Scribe(size=size)).key)
            record = models_directory() / keys[-1] / "entry.json"
            os.utime(record, (1_000_000 + i, 1_000_000 + i))
        return keys

    def kept(self) -> set[str]:
        return {entry.key for entry in list_cache()}

    def test_the_least_recently_used_go_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        keys = self.fill(4)
        compiled("parameters { real x0; }", Scribe(size=10_000))  # the oldest is used again
        monkeypatch.setenv("BRMSPY_CACHE_SIZE", "35K")
        new = compiled("parameters { real y; }", Scribe(size=10_000)).key
        assert self.kept() == {keys[0], keys[3], new}

    def test_the_new_one_stays_even_if_it_is_too_large(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("BRMSPY_CACHE_SIZE", "1")
        self.fill(2)
        assert len(self.kept()) == 1

    def test_runners_are_never_pruned(self, monkeypatch: pytest.MonkeyPatch) -> None:
        runner = runners_directory() / "abc" / "runner.o"
        runner.parent.mkdir(parents=True)
        runner.write_bytes(b"x" * 100_000)
        monkeypatch.setenv("BRMSPY_CACHE_SIZE", "50K")
        self.fill(3)
        assert runner.exists()
        assert len(self.kept()) == 3

    @pytest.mark.parametrize(
        ("text", "size"),
        [
            ("", 2 * 1024**3),
            ("1000", 1000),
            ("500M", 500 * 1024**2),
            ("1.5G", 1.5 * 1024**3),
            ("3 kb", 3 * 1024),
        ],
    )
    def test_sizes(self, monkeypatch: pytest.MonkeyPatch, text: str, size: float) -> None:
        monkeypatch.setenv("BRMSPY_CACHE_SIZE", text)
        assert cache.size_limit() == size

    @pytest.mark.parametrize("text", ["much", "-1", "1.2.3", "5X"])
    def test_what_is_not_a_size(self, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        toolchain = Scribe()
        monkeypatch.setenv("BRMSPY_CACHE_SIZE", text)
        with pytest.raises(CompileError, match=r"BRMSPY_CACHE_SIZE=.* is not a size"):
            compiled(PROGRAM, toolchain)
        assert toolchain.compiled == []


class TestListAndClear:
    def test_last_used_first(self) -> None:
        keys = TestPruning.fill(3)
        assert [entry.key for entry in list_cache()] == keys[::-1]

    def test_empty(self) -> None:
        assert list_cache() == []
        assert clear_cache() == 0

    def test_clear(self) -> None:
        TestPruning.fill(2, size=5_000)
        runner = runners_directory() / "abc" / "runner.o"
        runner.parent.mkdir(parents=True)
        runner.write_bytes(b"x" * 700)
        assert clear_cache() > 10_000
        assert list_cache() == []
        assert runner.exists()
        assert clear_cache(runners=True) == 700
        assert not runner.exists()
        assert not compiled(PROGRAM, Scribe()).was_cached


class TestFolder:
    def test_environment_variable(self, folder: Path) -> None:
        assert cache_directory() == folder

    def test_home_is_understood(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BRMSPY_CACHE_DIR", "~/somewhere")
        assert cache_directory() == Path.home() / "somewhere"

    def test_default(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.delenv("BRMSPY_CACHE_DIR")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        monkeypatch.setenv("HOME", str(tmp_path))
        assert cache_directory().is_relative_to(tmp_path)
        assert cache_directory().name == "brmspy"

    def test_importing_creates_nothing(self, folder: Path) -> None:
        assert not folder.exists()


Main = Callable[[list[str]], int]


class TestCommands:
    def test_list(self, main: Main, capsys: pytest.CaptureFixture[str]) -> None:
        key = compiled(PROGRAM, Scribe()).key
        assert main(["cache", "list"]) == 0
        first, last = capsys.readouterr().out.splitlines()
        assert first.startswith(key)
        assert "embedded 2.35.0" in first
        assert last.startswith("1 models")
        assert str(cache_directory()) in last

    def test_clear(self, main: Main, capsys: pytest.CaptureFixture[str]) -> None:
        compiled(PROGRAM, Scribe())
        assert main(["cache", "clear", "--all"]) == 0
        assert capsys.readouterr().out.startswith("Removed 0.0 MiB")
        assert list_cache() == []

    @pytest.fixture
    def main(self) -> Main:
        from brmspy.__main__ import main

        return main


def test_the_record_is_json() -> None:
    exe = compiled(PROGRAM, Scribe()).exe
    record = json.loads((exe.parent / "entry.json").read_text(encoding="utf-8"))
    assert set(record) == {"created", "toolchain", "code"}
