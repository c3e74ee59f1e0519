"""Toolchains: which one is found, what it says when it cannot be used, how it calls compilers."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brmspy.engine import compilers
from brmspy.engine.cache import compiled
from brmspy.engine.cmdstan import CmdStanToolchain
from brmspy.engine.compilers import find_compiler
from brmspy.engine.embedded import EmbeddedToolchain
from brmspy.engine.toolchain import CompileOptions, find_toolchain
from brmspy.errors import CompileError

PROGRAM = "parameters { real x; } model { x ~ normal(0, 1); }"
OPTIONS = CompileOptions()


pytestmark = pytest.mark.usefixtures("own_folders")


def write(folder: Path) -> tuple[Path, Path]:
    """Write the program; return its path and that of its executable."""
    folder.mkdir(exist_ok=True)
    (folder / "model.stan").write_text(PROGRAM)
    return folder / "model.stan", folder / "model"


def embedded() -> EmbeddedToolchain:
    toolchain = find_toolchain("embedded")
    assert isinstance(toolchain, EmbeddedToolchain)
    return toolchain


def fake_cmdstan(home: Path, version: str = "2.36.0", *, built: bool = True) -> Path:
    """Make a folder that looks like CmdStan, whose stanc is the real one of httpstan."""
    home.mkdir(parents=True)
    (home / "makefile").write_text(f"## CmdStan\nCMDSTAN_VERSION := {version}\n")
    if built:
        (home / "bin").mkdir()
        (home / "bin" / "stanc").symlink_to(embedded().stanc)
    return home


class TestChoice:
    def test_embedded_without_cmdstan(self) -> None:
        toolchain = find_toolchain()
        assert (toolchain.name, toolchain.stan_version) == ("embedded", "2.35.0")
        assert toolchain.describe()["toolchain"] == "embedded"

    def test_cmdstan_named_by_the_environment(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home = fake_cmdstan(tmp_path / "stan home", "2.36.0")
        monkeypatch.setenv("CMDSTAN", str(home))
        toolchain = find_toolchain()
        assert (toolchain.name, toolchain.stan_version) == ("cmdstan", "2.36.0")
        assert toolchain.describe()["cmdstan"] == str(home)

    def test_newest_cmdstan_in_the_home_folder(self, tmp_path: Path) -> None:
        for version in ("2.9.0", "2.36.0", "2.34.1", "2.37.0-rc1"):
            fake_cmdstan(tmp_path / ".cmdstan" / f"cmdstan-{version}", version)
        assert find_toolchain().stan_version == "2.37.0-rc1"
        fake_cmdstan(tmp_path / ".cmdstan" / "cmdstan-2.37.0", "2.37.0")
        assert find_toolchain().stan_version == "2.37.0"

    def test_cmdstan_of_the_conda_environment(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home = fake_cmdstan(tmp_path / "env" / "bin" / "cmdstan")
        monkeypatch.setattr("sys.prefix", str(tmp_path / "env"))
        assert find_toolchain().describe()["cmdstan"] == str(home)

    def test_the_variable_and_the_argument(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CMDSTAN", str(fake_cmdstan(tmp_path / "cmdstan")))
        monkeypatch.setenv("BRMSPY_TOOLCHAIN", "embedded")
        assert find_toolchain().name == "embedded"
        assert find_toolchain("cmdstan").name == "cmdstan"

    @pytest.mark.parametrize("name", ["cmdstam", "rstan"])
    def test_unknown_name(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(CompileError, match=f"toolchain='{name}' is unknown.*'cmdstan'"):
            find_toolchain(name)
        monkeypatch.setenv("BRMSPY_TOOLCHAIN", name)
        with pytest.raises(CompileError, match=f"BRMSPY_TOOLCHAIN='{name}' is unknown"):
            find_toolchain()

    def test_cmdstan_wanted_but_absent(self) -> None:
        with pytest.raises(CompileError, match=r"No CmdStan .* cmdstanpy\.install_cmdstan"):
            find_toolchain("cmdstan")

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda home: None, r"\(named by CMDSTAN\) is not a CmdStan installation"),
            (lambda home: fake_cmdstan(home, "2.26.1"), r"2\.26\.1 .* is too old, .* 2\.32"),
            (lambda home: fake_cmdstan(home, built=False), "is not built: .*stanc is missing"),
            (lambda home: fake_cmdstan(home, ""), "does not say which version"),
        ],
    )
    def test_cmdstan_that_cannot_be_used(
        self,
        make: Callable[[Path], Path | None],
        message: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        make(tmp_path / "cmdstan")
        monkeypatch.setenv("CMDSTAN", str(tmp_path / "cmdstan"))
        with pytest.raises(CompileError, match=message) as caught:
            find_toolchain()
        assert "BRMSPY_TOOLCHAIN=embedded" in str(caught.value)
        assert find_toolchain("embedded").name == "embedded"

    def test_no_httpstan(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(CompileError, match=r"httpstan is not .* `pip install httpstan`"):
            find_toolchain()


class TestCompiler:
    def test_none(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(CompileError, match=r"No C\+\+ compiler was found.* Install"):
            find_toolchain()

    def test_chosen_one_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CXX", "no-such-compiler -O2")
        with pytest.raises(CompileError, match="CXX=no-such-compiler -O2 cannot be run"):
            find_toolchain()

    @pytest.mark.parametrize(
        ("system", "program", "advice"),
        [
            ("Linux", "apt-get", r"sudo apt-get install g\+\+"),
            ("Linux", "dnf", r"sudo dnf install gcc-c\+\+"),
            ("Linux", "pacman", "sudo pacman -S gcc"),
            ("Linux", "none of them", "conda install -c conda-forge gxx"),
            ("Darwin", "brew", "xcode-select --install"),
            ("Windows", "choco", "install_cmdstan --compiler"),
        ],
    )
    def test_advice(
        self, system: str, program: str, advice: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("platform.system", lambda: system)
        monkeypatch.setattr("shutil.which", lambda name: f"/{name}" if name == program else None)
        assert re.search(advice, compilers.how_to_install())

    @pytest.mark.parametrize(
        ("version", "family"),
        [
            ("g++ (Debian 12.2.0-14) 12.2.0", "gcc"),
            ("Apple clang version 15.0.0 (clang-1500.3.9.4)", "clang"),
            ("Debian clang version 14.0.6", "clang"),
        ],
    )
    @pytest.mark.usefixtures("compiler")
    def test_family(self, version: str, family: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FAKE_CXX_VERSION", version)
        found = find_compiler()
        assert found is not None
        assert (found.version, found.family) == (version, family)


class TestFingerprint:
    def test_changes_with_the_compiler(
        self,
        compiler: Any,
        as_script: Callable[[str, str], Path],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        first = find_toolchain().fingerprint(OPTIONS)
        other = as_script("fake_cxx.py", "other-c++")
        monkeypatch.setenv("CXX", str(other))
        assert find_toolchain().fingerprint(OPTIONS) != first
        monkeypatch.setenv("CXX", str(compiler.path))
        assert find_toolchain().fingerprint(OPTIONS) == first

    def test_of_cmdstan_changes_with_its_settings(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home = fake_cmdstan(tmp_path / "cmdstan")
        monkeypatch.setenv("CMDSTAN", str(home))
        toolchain = find_toolchain()
        seen = {
            toolchain.fingerprint(CompileOptions(threads=False)),
            toolchain.fingerprint(CompileOptions(threads=True)),
        }
        (home / "make").mkdir()
        (home / "make" / "local").write_text("CXXFLAGS += -O1\n")
        seen.add(toolchain.fingerprint(OPTIONS))
        monkeypatch.setenv("CXXFLAGS", "-march=native")
        seen.add(toolchain.fingerprint(OPTIONS))
        assert len(seen) == 4


@pytest.mark.stanc
class TestCheck:
    def test_valid(self) -> None:
        assert find_toolchain().check(PROGRAM) == ()

    @pytest.mark.parametrize(
        ("code", "message"),
        [
            ("parameters { real x }", "Syntax error in 'model.stan', line 1, column 20"),
            ("model { y ~ normal(0, 1); }", "Semantic error in 'model.stan'.*'y' not in scope"),
        ],
    )
    def test_invalid(self, code: str, message: str) -> None:
        with pytest.raises(CompileError) as caught:
            find_toolchain().check(code)
        text = " ".join(str(caught.value).split())
        assert text.startswith("The Stan program is not valid.")
        assert re.search(message, text)

    def test_name_in_messages(self) -> None:
        with pytest.raises(CompileError, match=r"sleep\.stan"):
            find_toolchain().check("model {", "sleep")

    def test_pedantic(self) -> None:
        code = "parameters { real x; real unused; } model { x ~ normal(0, 1000); }"
        assert find_toolchain().check(code) == ()
        warnings = find_toolchain().check(code, pedantic=True)
        assert len(warnings) == 2
        assert any("unused" in warning for warning in warnings)
        assert all(warning.startswith("Warning") for warning in warnings)


class TestCmdStan:
    @pytest.fixture
    def toolchain(
        self,
        as_script: Callable[[str, str], Path],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> CmdStanToolchain:
        home = fake_cmdstan(tmp_path / "cmdstan")
        monkeypatch.setenv("CMDSTAN", str(home))
        monkeypatch.setenv("MAKE", str(as_script("fake_make.py", "make")))
        monkeypatch.setenv("FAKE_MAKE_LOG", str(tmp_path / "make.json"))
        toolchain = find_toolchain()
        assert isinstance(toolchain, CmdStanToolchain)
        return toolchain

    @pytest.mark.parametrize("threads", [False, True])
    def test_compile(self, toolchain: CmdStanToolchain, tmp_path: Path, threads: bool) -> None:
        stan_file, exe = write(tmp_path / "one")
        toolchain.compile(stan_file, exe, CompileOptions(threads=threads))
        call = json.loads((tmp_path / "make.json").read_text())
        assert Path(call["folder"]) == toolchain.home
        assert ("STAN_THREADS=True" in call["arguments"]) is threads
        assert sorted(path.name for path in exe.parent.iterdir()) == ["model", "model.stan"]

    def test_through_the_cache(
        self, toolchain: CmdStanToolchain, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert not compiled(PROGRAM, toolchain).was_cached
        assert compiled(PROGRAM, toolchain).was_cached
        assert capsys.readouterr() == ("", "")

    def test_invalid_program(self, toolchain: CmdStanToolchain, tmp_path: Path) -> None:
        (tmp_path / "model.stan").write_text("model { y ~ normal(0, 1); }")
        with pytest.raises(CompileError, match="The Stan program is not valid"):
            toolchain.compile(tmp_path / "model.stan", tmp_path / "model", OPTIONS)
        assert not (tmp_path / "make.json").exists()

    def test_make_fails(
        self, toolchain: CmdStanToolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FAKE_MAKE_FAILS", "yes")
        with pytest.raises(CompileError, match="CmdStan could not compile") as caught:
            toolchain.compile(*write(tmp_path / "one"), OPTIONS)
        assert "no rule for C++" in str(caught.value)
        assert "BRMSPY_TOOLCHAIN=embedded" in str(caught.value)

    def test_the_environment_is_left_as_it_was(
        self, toolchain: CmdStanToolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("CMDSTAN")
        toolchain.compile(*write(tmp_path / "one"), OPTIONS)
        assert "CMDSTAN" not in os.environ

    def test_nothing_to_prepare(self, toolchain: CmdStanToolchain) -> None:
        toolchain.prepare(OPTIONS)
        assert toolchain.is_prepared(OPTIONS)
