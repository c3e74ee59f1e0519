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
OPTIONS = CompileOptions()


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    """Return a function that tells the fake compiler what to do at which word."""
    return lambda actions: monkeypatch.setenv("FAKE_CXX", json.dumps(actions))


def write(folder: Path) -> tuple[Path, Path]:
    """Write the program; return its path and that of its executable."""
    folder.mkdir(exist_ok=True)
    (folder / "model.stan").write_text(PROGRAM)
    return folder / "model.stan", folder / "model"


def compile_in(folder: Path, toolchain: EmbeddedToolchain) -> Path:
    """Compile the program."""
    stan_file, exe = write(folder)
    toolchain.compile(stan_file, exe, OPTIONS)
    return exe


class TestEmbeddedBuild:
    def test_runner_is_compiled_once(self, compiler: Any, tmp_path: Path) -> None:
        toolchain = find_embedded()
        assert not toolchain.is_prepared(OPTIONS)
        exe = compile_in(tmp_path / "one", toolchain)
        assert toolchain.is_prepared(OPTIONS)
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

    def test_warmup_command(self, compiler: Any, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["warmup"]) == 0
        assert capsys.readouterr().out.startswith("Ready after")
        assert find_embedded().is_prepared(OPTIONS)
        assert not find_embedded().prebuilt.header.exists()
        assert len(compiler.calls) == 1

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


class TestPrecompiledHeader:
    @pytest.mark.parametrize(
        ("version", "flag"), [("g++ 12.2.0", "-I"), ("clang version 15.0.0", "-include-pch")]
    )
    def test_is_used_when_it_is_there(
        self,
        version: str,
        flag: str,
        compiler: Any,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("FAKE_CXX_VERSION", version)
        compile_in(tmp_path / "one", find_embedded())
        assert main(["warmup", "--header"]) == 0
        header = find_embedded().prebuilt.header
        assert header.exists()
        compile_in(tmp_path / "two", find_embedded())
        (build,) = compiler.named("c++-header")
        without, with_header = compiler.named("model.cpp")
        assert flag not in without
        assert with_header[0] == flag
        assert header == Path(with_header[1]) or header.is_relative_to(with_header[1])
        # GCC takes a precompiled header only with the flags it was made with.
        wanted = ("-O", "-D", "-std", "-pthread")
        assert [word for word in build if word.startswith(wanted)] == [
            word for word in without if word.startswith(wanted)
        ]

    def test_a_broken_one_is_dropped(
        self, compiler: Any, tell: Callable[[dict[str, str]], None], tmp_path: Path
    ) -> None:
        find_embedded().prepare(OPTIONS, header=True)
        tell({str(find_embedded().prebuilt.folder / "precompiled"): "error: not a PCH file"})
        exe = compile_in(tmp_path / "one", find_embedded())
        assert exe.exists()
        assert not find_embedded().prebuilt.header.exists()
        assert len(compiler.named("model.cpp")) == 2

    @pytest.mark.usefixtures("compiler")
    def test_a_good_one_survives_a_bad_program(
        self, tell: Callable[[dict[str, str]], None], tmp_path: Path
    ) -> None:
        find_embedded().prepare(OPTIONS, header=True)
        tell({"model.cpp": "error"})
        with pytest.raises(CompileError):
            compile_in(tmp_path / "one", find_embedded())
        assert find_embedded().prebuilt.header.exists()

    @pytest.mark.usefixtures("compiler")
    def test_failure_leaves_no_half(self, tell: Callable[[dict[str, str]], None]) -> None:
        tell({"c++-header": "error"})
        with pytest.raises(CompileError, match="Precompiling Stan's headers failed"):
            find_embedded().prepare(OPTIONS, header=True)
        assert not find_embedded().prebuilt.header.exists()
