"""The embedded toolchain: Stan from the httpstan wheel and the machine's C++ compiler."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from brmspy.engine import stanc
from brmspy.engine.compilers import Compiler, Jobs, find_compiler, how_to_install
from brmspy.engine.directories import runners_directory
from brmspy.engine.interface import CompileOptions, Toolchain
from brmspy.errors import CompileError

__all__ = ["EmbeddedToolchain", "find_embedded"]

_RUNNER = Path(__file__).parent / "runner"
_DEFINES = (
    "-DNDEBUG",
    "-D_REENTRANT",
    "-DBOOST_DISABLE_ASSERTS",
    "-DTBB_INTERFACE_NEW",
)
_OPTIMISE = ("-O1",)


@dataclass(frozen=True)
class EmbeddedToolchain(Toolchain):
    """Stan's headers and translator from the httpstan wheel, and a C++ compiler.

    Parameters
    ----------
    home : Path
        The installed httpstan package.
    version : str
        The version of httpstan.
    stan_version : str
        The version of Stan it holds.
    compiler : Compiler
        The C++ compiler.
    """

    home: Path
    version: str
    stan_version: str
    compiler: Compiler
    name: str = "embedded"

    @property
    def stanc(self) -> Path:
        """The translator."""
        return self.home / "stanc"

    def fingerprint(self, options: CompileOptions) -> str:
        """Return all that decides what an executable looks like."""
        return "\n".join(
            (
                f"{self.name} stan {self.stan_version} httpstan {self.version}",
                f"{platform.system()} {platform.machine()}",
                self.compiler.version,
                " ".join((*self.compiler.command, *_compile_flags(options))),
                _runner_hash(),
            )
        )

    def check(self, code: str, name: str = "model", pedantic: bool = False) -> tuple[str, ...]:
        """Check a Stan program without compiling it."""
        return stanc.check(self.stanc, code, name, pedantic)

    def compile(self, stan_file: Path, exe: Path, options: CompileOptions) -> None:
        """Compile a Stan program and link it with the runner."""
        cpp_file = exe.with_name(exe.name + ".cpp")
        object_file = exe.with_name(exe.name + ".o")
        stanc.translate(self.stanc, stan_file, cpp_file)
        # The runner is missing only at the first fit; it compiles beside the model then.
        # Jobs is left before the pool, which would wait for the processes.
        with ThreadPoolExecutor(max_workers=1) as pool, Jobs() as jobs:
            runner = pool.submit(self._runner, jobs, options)
            doing = f"Compiling {stan_file.name}"
            self._compile_object(jobs, cpp_file, object_file, options, doing)
            home = runner.result()
            self._link(jobs, object_file, home, exe)
        cpp_file.unlink()
        object_file.unlink()

    def describe(self) -> dict[str, str]:
        """Return what a reader of a saved fit needs to know about this toolchain."""
        return {
            "toolchain": self.name,
            "stan": self.stan_version,
            "httpstan": self.version,
            "compiler": self.compiler.version,
        }

    def _compile_object(
        self, jobs: Jobs, source: Path, target: Path, options: CompileOptions, doing: str
    ) -> None:
        """Compile one C++ file."""
        flags = (*_compile_flags(options), "-isystem", str(self.home / "include"))
        jobs.run(self.compiler, [*flags, "-c", str(source), "-o", str(target)], doing)

    def _runner(self, jobs: Jobs, options: CompileOptions) -> Path:
        """Return the folder with the runner's object file and TBB, building it if needed."""
        key = hashlib.sha256(self.fingerprint(options).encode()).hexdigest()[:20]
        home = runners_directory() / key
        if (home / "runner.o").exists():
            return home
        with _building(home) as folder:
            if folder is not None:
                source, target = _RUNNER / "runner.cpp", folder / "runner.o"
                self._compile_object(jobs, source, target, options, "Compiling the runner")
                for library in (self.home / "lib").glob("libtbb*"):
                    shutil.copy2(library, folder)
        return home

    def _link(self, jobs: Jobs, object_file: Path, runner: Path, exe: Path) -> None:
        """Link a model with the runner, Stan's libraries and TBB."""
        libraries = sorted((self.home / "lib").glob("libsundials_*.a"))
        extension = ".dylib" if platform.system() == "Darwin" else ".so.2"
        arguments = [
            str(object_file),
            str(runner / "runner.o"),
            *map(str, libraries),
            str(runner / f"libtbb{extension}"),
            f"-Wl,-rpath,{runner}",
            "-pthread",
            "-o",
            str(exe),
        ]
        jobs.run(self.compiler, arguments, "Linking the model")


def find_embedded() -> EmbeddedToolchain:
    """Find the embedded toolchain.

    Returns
    -------
    EmbeddedToolchain

    Raises
    ------
    CompileError
        If httpstan or a C++ compiler is missing; says how to install it.
    """
    spec = importlib.util.find_spec("httpstan")
    if spec is None or spec.origin is None:
        raise CompileError(
            "The embedded toolchain needs the package httpstan, which is not installed "
            f"({_advice_without_httpstan()})"
        )
    home = Path(spec.origin).parent
    if not (home / "stanc").exists():
        raise CompileError(
            f"The package httpstan in {home} lacks the translator stanc. "
            "Reinstall it: `pip install --force-reinstall httpstan`."
        )
    compiler = find_compiler()
    if compiler is None:
        chosen = os.environ.get("CXX")
        problem = f"CXX={chosen} cannot be run." if chosen else "No C++ compiler was found."
        raise CompileError(f"{problem} {how_to_install()}")
    return EmbeddedToolchain(
        home=home,
        version=importlib.metadata.version("httpstan"),
        stan_version=_stan_version(home),
        compiler=compiler,
    )


def _advice_without_httpstan() -> str:
    """Return how to get a toolchain where httpstan is missing."""
    if platform.system() == "Windows":
        return "for Windows, install CmdStan: `python -m cmdstanpy.install_cmdstan`)."
    return "`pip install httpstan`)."


def _compile_flags(options: CompileOptions) -> tuple[str, ...]:
    """Return the flags for model and runner, which must agree on STAN_THREADS."""
    threads = ("-DSTAN_THREADS",) if options.threads else ()
    return ("-std=c++17", *_OPTIMISE, "-w", "-pthread", *_DEFINES, *threads)


@functools.cache
def _runner_hash() -> str:
    """Return a digest of the runner's source."""
    digest = hashlib.sha256()
    for source in sorted(_RUNNER.glob("*.[ch]pp")):
        digest.update(source.name.encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _stan_version(home: Path) -> str:
    """Read Stan's version from its header."""
    parts = {}
    for line in (home / "include" / "stan" / "version.hpp").read_text().splitlines():
        words = line.split()
        if len(words) == 3 and words[1].startswith("STAN_"):
            parts[words[1]] = words[2]
    return f"{parts['STAN_MAJOR']}.{parts['STAN_MINOR']}.{parts['STAN_PATCH']}"


@contextmanager
def _building(home: Path) -> Iterator[Path | None]:
    """Give a temporary folder that becomes `home` at the end; None if another process was first."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(home.with_suffix(".lock")):
        if home.exists():
            yield None
            return
        with tempfile.TemporaryDirectory(prefix=".building-", dir=home.parent) as parent:
            folder = Path(parent, "runner")
            folder.mkdir()
            yield folder
            folder.rename(home)
