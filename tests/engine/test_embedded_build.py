"""How the embedded toolchain builds: what is compiled once, what failures leave behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brmspy.__main__ import main
from brmspy.engine.cache import compiled
from brmspy.engine.embedded import EmbeddedToolchain, find_embedded
from brmspy.engine.interface import CompileOptions
from brmspy.errors import CompileError

pytestmark = pytest.mark.usefixtures("own_folders")

PROGRAM = "parameters { real x; } model { x ~ normal(0, 1); }"
# Without `~`, as brmspy writes programs.
PLAIN = "parameters { real x; } model { target += normal_lpdf(x | 0, 1); }"
OPTIONS = CompileOptions()


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    """Return a function that tells the fake compiler what to do at which word."""
    return lambda actions: monkeypatch.setenv("FAKE_CXX", json.dumps(actions))


def write(folder: Path, program: str = PROGRAM) -> tuple[Path, Path]:
    """Write a program; return its path and that of its executable."""
    folder.mkdir(exist_ok=True)
    (folder / "model.stan").write_text(program)
    return folder / "model.stan", folder / "model"


def compile_in(folder: Path, toolchain: EmbeddedToolchain, program: str = PROGRAM) -> Path:
    """Compile a program."""
    stan_file, exe = write(folder, program)
    toolchain.compile(stan_file, exe, OPTIONS)
    return exe


class TestEmbeddedBuild:
    def test_runner_is_compiled_once(self, compiler: Any, tmp_path: Path) -> None:
        toolchain = find_embedded()
        assert not toolchain.is_prepared(OPTIONS)
        exe = compile_in(tmp_path / "one", toolchain)
        assert not toolchain.is_prepared(OPTIONS), "other programs need functions"
        compile_in(tmp_path / "two", toolchain)
        assert len(compiler.named("runner.cpp")) == 1
        assert len(compiler.named("model.cpp")) == 2
        assert len(compiler.named("-Wl,-rpath")) == 2
        assert sorted(path.name for path in exe.parent.iterdir()) == ["model", "model.stan"]

    def test_model_and_runner_agree_and_keep_the_digits(
        self, compiler: Any, tmp_path: Path
    ) -> None:
        compile_in(tmp_path / "one", find_embedded())
        (runner,), (model,) = compiler.named("runner.cpp"), compiler.named("model.cpp")
        assert {flag for flag in runner if flag.startswith("-D")} == {
            flag for flag in model if flag.startswith("-D")
        }
        for flags in (runner, model):
            assert not {"-ffast-math", "-Ofast", "-march=native"} & set(flags)

    def test_executables_do_not_need_the_wheel(self, compiler: Any, tmp_path: Path) -> None:
        toolchain = find_embedded()
        compile_in(tmp_path / "one", toolchain)
        (link,) = compiler.named("-Wl,-rpath")
        folder = toolchain.prebuilt.folder
        assert f"-Wl,-rpath,{folder}" in link
        assert any(Path(word).parent == folder and "tbb" in word for word in link)
        assert toolchain.prebuilt.tbb.stat().st_size > 100_000

    def test_threads_make_no_other_model(self) -> None:
        toolchain = find_embedded()
        assert toolchain.fingerprint(CompileOptions(threads=True)) == toolchain.fingerprint(OPTIONS)

    def test_runner_lacks_a_part(self, compiler: Any, tmp_path: Path) -> None:
        toolchain = find_embedded()
        compile_in(tmp_path / "one", toolchain)
        toolchain.prebuilt.tbb.unlink()
        compile_in(tmp_path / "two", toolchain)
        assert toolchain.prebuilt.tbb.exists()
        assert len(compiler.named("runner.cpp")) == 2

    def test_little_memory(
        self, compiler: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("brmspy.engine.embedded._memory", lambda: 4 * 1024**3)
        compile_in(tmp_path / "one", find_embedded())
        order = [any("runner.cpp" in word for word in call) for call in compiler.calls]
        assert order == [True, False, False]


class TestBuildFailures:
    @pytest.mark.parametrize(
        ("word", "doing"),
        [
            ("model.cpp", r"Compiling model\.stan failed"),
            ("runner.cpp", "Compiling the runner failed"),
            ("-Wl,-rpath", "Linking the model failed"),
        ],
    )
    @pytest.mark.usefixtures("compiler")
    def test_message(
        self, word: str, doing: str, tell: Callable[[dict[str, str]], None], tmp_path: Path
    ) -> None:
        tell({word: "error: the last line"})
        with pytest.raises(CompileError, match=doing) as caught:
            compile_in(tmp_path / "one", find_embedded())
        text = str(caught.value)
        assert "error: the last line" in text
        assert "noise 99" in text
        assert "noise 1\n" not in text
        assert "brmspy doctor" in text
        tell({})
        compile_in(tmp_path / "two", find_embedded())

    @pytest.mark.usefixtures("compiler")
    def test_out_of_memory(self, tell: Callable[[dict[str, str]], None], tmp_path: Path) -> None:
        tell({"model.cpp": "out of memory"})
        with pytest.raises(CompileError, match="memory ran out"):
            compile_in(tmp_path / "one", find_embedded())

    @pytest.mark.usefixtures("compiler")
    def test_nothing_reaches_the_cache(self, tell: Callable[[dict[str, str]], None]) -> None:
        tell({"runner.cpp": "error"})
        with pytest.raises(CompileError):
            compiled(PROGRAM, find_embedded())
        assert not find_embedded().is_prepared(OPTIONS)
        tell({})
        assert not compiled(PROGRAM, find_embedded()).was_cached

    def test_failing_model_ends_the_runner(
        self, compiler: Any, tell: Callable[[dict[str, str]], None], tmp_path: Path
    ) -> None:
        tell({"runner.cpp": "sleep", "model.cpp": "error"})
        start = time.monotonic()
        with pytest.raises(CompileError, match=r"Compiling model\.stan"):
            compile_in(tmp_path / "one", find_embedded())
        assert time.monotonic() - start < 30
        assert not any(alive(pid) for pid in compiler.pids)

    def test_interrupt_ends_all_compilers(
        self, compiler: Any, tell: Callable[[dict[str, str]], None], tmp_path: Path
    ) -> None:
        tell({".cpp": "sleep"})
        stan_file, exe = write(tmp_path / "one")
        code = (
            "import sys; from pathlib import Path\n"
            "from brmspy.engine.toolchain import CompileOptions, find_toolchain\n"
            "find_toolchain('embedded').compile(Path(sys.argv[1]), Path(sys.argv[2]), "
            "CompileOptions())"
        )
        root = Path(__file__).resolve().parents[2]
        process = subprocess.Popen(
            [sys.executable, "-c", code, stan_file, exe],
            env={**os.environ, "PYTHONPATH": str(root)},
            stderr=subprocess.PIPE,
        )
        for _ in range(400):
            if len(compiler.pids) == 2:
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=20)
        assert b"KeyboardInterrupt" in error
        assert len(compiler.pids) == 2
        assert not any(alive(pid) for pid in compiler.pids)


def alive(pid: int) -> bool:
    """Tell whether a process group has a living member."""
    for _ in range(200):  # what it started is reaped by the system, in its own time
        try:
            os.killpg(pid, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return True


class TestFunctions:
    def test_are_compiled_once_and_linked(self, compiler: Any, tmp_path: Path) -> None:
        toolchain = find_embedded()
        for name in ("one", "two"):
            exe = compile_in(tmp_path / name, toolchain, PLAIN)
        assert len(compiler.named("functions.cpp")) == 1
        assert len(compiler.named("model.lean.cpp")) == 2
        assert compiler.named("model.cpp") == []
        functions = str(toolchain.prebuilt.functions)
        for link in compiler.named("-Wl,-rpath"):
            assert functions in link
            assert link.index(functions) < link.index(str(toolchain.prebuilt.runner))
        assert toolchain.is_prepared(OPTIONS)
        assert sorted(path.name for path in exe.parent.iterdir()) == ["model", "model.stan"]

    def test_agree_with_runner_and_model(self, compiler: Any, tmp_path: Path) -> None:
        compile_in(tmp_path / "one", find_embedded(), PLAIN)
        sources = ("runner.cpp", "functions.cpp", "model.lean.cpp")
        flags = [{word for word in compiler.named(name)[0] if word[:2] == "-D"} for name in sources]
        assert flags[0] == flags[1] == flags[2]
        assert "-DSTAN_THREADS" in flags[0]

    def test_a_program_that_drops_constants_does_without(
        self, compiler: Any, tmp_path: Path
    ) -> None:
        compile_in(tmp_path / "one", find_embedded(), PROGRAM)
        assert compiler.named("functions.cpp") == []
        (link,) = compiler.named("-Wl,-rpath")
        assert not any("functions" in word for word in link)

    def test_what_is_not_declared_is_compiled_with_all_headers(
        self, compiler: Any, tell: Callable[[dict[str, str]], None], tmp_path: Path
    ) -> None:
        tell({"model.lean.cpp": "error: incomplete type"})
        compile_in(tmp_path / "one", find_embedded(), PLAIN)
        assert len(compiler.named("model.cpp")) == 1
        (link,) = compiler.named("-Wl,-rpath")
        assert not any("functions" in word for word in link)
        assert not find_embedded().prebuilt.functions_failed.exists()

    def test_a_program_that_is_wrong_gives_the_message_of_the_full_headers(
        self, compiler: Any, tell: Callable[[dict[str, str]], None], tmp_path: Path
    ) -> None:
        tell({"model.lean.cpp": "error: incomplete type", "model.cpp": "error: no such function"})
        with pytest.raises(CompileError, match="no such function"):
            compile_in(tmp_path / "one", find_embedded(), PLAIN)

    def test_compiler_that_cannot_compile_them(
        self,
        compiler: Any,
        tell: Callable[[dict[str, str]], None],
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        tell({"functions.cpp": "internal compiler error"})
        toolchain = find_embedded()
        for name in ("one", "two"):
            assert compile_in(tmp_path / name, toolchain, PLAIN).exists()
        assert len(compiler.named("functions.cpp")) == 1, "it is tried once"
        assert len(compiler.named("model.cpp")) == 2
        assert toolchain.is_prepared(OPTIONS)
        assert "internal compiler error" in toolchain.prebuilt.functions_failed.read_text()
        main(["doctor", "--toolchain", "embedded"])
        out = capsys.readouterr().out
        assert "Stan's functions cannot be" in out
        assert str(toolchain.prebuilt.functions_failed) in out
        tell({})
        assert main(["cache", "clear", "--all"]) == 0
        compile_in(tmp_path / "three", toolchain, PLAIN)
        assert toolchain.prebuilt.functions.exists()

    def test_failure_leaves_no_half(
        self, compiler: Any, tell: Callable[[dict[str, str]], None]
    ) -> None:
        tell({"functions.cpp": "error"})
        with pytest.raises(CompileError, match="Compiling Stan's functions failed"):
            find_embedded().prepare(OPTIONS)
        assert not find_embedded().prebuilt.functions.exists()
        assert not find_embedded().prebuilt.functions_failed.exists()
        assert list(find_embedded().prebuilt.folder.parent.glob(".building-*")) == []

    def test_failing_runner_ends_their_compiler(
        self, compiler: Any, tell: Callable[[dict[str, str]], None], tmp_path: Path
    ) -> None:
        tell({"functions.cpp": "sleep", "runner.cpp": "error"})
        start = time.monotonic()
        with pytest.raises(CompileError, match="Compiling the runner failed"):
            find_embedded().prepare(OPTIONS)
        assert time.monotonic() - start < 30
        assert not any(alive(pid) for pid in compiler.pids)
