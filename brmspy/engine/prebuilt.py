"""What the embedded toolchain compiles once for each machine: the runner, and Stan's headers.

A folder holds the object file of the runner, a copy of TBB that executables are linked with (so
that they outlive the virtual environment they were compiled in) and, after `warmup`, the
precompiled header. Everything is built aside and moved into place.
"""

from __future__ import annotations

import functools
import hashlib
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from brmspy.engine.compilers import Compiler, Jobs
from brmspy.errors import CompileError

__all__ = ["Prebuilt", "runner_hash"]

_SOURCES = Path(__file__).parent / "runner"
_HEADER = Path("stan", "model", "model_header.hpp")
# The runner's own code is a small part of what runs: -O1 samples as fast as -O3 here.
_RUNNER_OPTIMISE = "-O1"


@dataclass(frozen=True)
class Prebuilt:
    """The folder of one toolchain's runner and headers.

    Parameters
    ----------
    folder : Path
        The folder, which need not exist.
    httpstan : Path
        The installed httpstan package.
    compiler : Compiler
        The C++ compiler.
    flags : tuple of str
        Flags shared by runner and models, without optimisation.
    optimise : str
        How models are optimised; the precompiled header fits no other.
    """

    folder: Path
    httpstan: Path
    compiler: Compiler
    flags: tuple[str, ...]
    optimise: str

    @property
    def runner(self) -> Path:
        """The runner's object file."""
        return self.folder / "runner.o"

    @property
    def tbb(self) -> Path:
        """The copy of TBB."""
        return self.folder / self._tbb_name()

    @property
    def header(self) -> Path:
        """The precompiled header, which need not exist."""
        if self.compiler.family == "clang":
            return self.folder / "model_header.pch"
        return self.folder / "precompiled" / f"{_HEADER}.gch"

    @property
    def is_ready(self) -> bool:
        """Whether the runner is compiled."""
        return self.runner.exists() and self.tbb.exists()

    def header_flags(self) -> tuple[str, ...]:
        """Return the flags that make a model use the precompiled header."""
        if self.compiler.family == "clang":
            return ("-include-pch", str(self.header))
        # GCC takes it in place of the header of the same name, whose folder comes later.
        return ("-I", str(self.folder / "precompiled"))

    def build_runner(self, jobs: Jobs) -> None:
        """Compile the runner unless it is there.

        Parameters
        ----------
        jobs : Jobs
            Runs the compiler.

        Raises
        ------
        CompileError
            If the compiler fails.
        """
        if self.is_ready:
            return
        with self._lock(), self._aside() as aside:
            if self.is_ready:  # another process compiled it meanwhile
                return
            flags = [*self.flags, _RUNNER_OPTIMISE]
            source, target = _SOURCES / "runner.cpp", aside / "runner.o"
            arguments = [*flags, "-c", str(source), "-o", str(target)]
            jobs.run(self.compiler, arguments, "Compiling the runner")
            for library in self._tbb_files():
                shutil.copy2(library, aside)
            self._move_into_place(aside)

    def build_header(self, jobs: Jobs) -> None:
        """Precompile Stan's headers unless that is done.

        Parameters
        ----------
        jobs : Jobs
            Runs the compiler.

        Raises
        ------
        CompileError
            If the compiler fails.
        """
        if self.header.exists():
            return
        with self._lock(), self._aside() as aside:
            if self.header.exists():
                return
            target = aside / self.header.relative_to(self.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            source = self.httpstan / "include" / _HEADER
            flags = [*self.flags, self.optimise, "-x", "c++-header"]
            arguments = [*flags, str(source), "-o", str(target)]
            jobs.run(self.compiler, arguments, "Precompiling Stan's headers")
            self._move_into_place(aside)

    def drop_header(self) -> None:
        """Remove a precompiled header that does not work."""
        self.header.unlink(missing_ok=True)

    def _tbb_files(self) -> list[Path]:
        """Return the TBB libraries of the wheel; on macOS they come with an allocator."""
        libraries = sorted((self.httpstan / "lib").glob("libtbb*"))
        if not any(library.name == self._tbb_name() for library in libraries):
            raise CompileError(
                f"The package httpstan in {self.httpstan} lacks lib/{self._tbb_name()}. "
                "Reinstall it: `pip install --force-reinstall httpstan`."
            )
        return libraries

    @staticmethod
    def _tbb_name() -> str:
        """Return the file name of TBB on this system."""
        return "libtbb.dylib" if platform.system() == "Darwin" else "libtbb.so.2"

    def _lock(self) -> FileLock:
        """Return the lock that a builder holds."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        return FileLock(self.folder.with_suffix(".lock"))

    @contextmanager
    def _aside(self) -> Iterator[Path]:
        """Give a temporary folder on the same file system."""
        with tempfile.TemporaryDirectory(prefix=".building-", dir=self.folder.parent) as path:
            yield Path(path)

    def _move_into_place(self, aside: Path) -> None:
        """Move the files built aside into the folder, the runner's object file last."""
        files = sorted(path for path in aside.rglob("*") if path.is_file())
        for file in sorted(files, key=lambda path: path.name == self.runner.name):
            target = self.folder / file.relative_to(aside)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)


@functools.cache
def runner_hash() -> str:
    """Return a digest of the runner's source and how it is optimised."""
    digest = hashlib.sha256(_RUNNER_OPTIMISE.encode())
    for source in sorted(_SOURCES.glob("*.[ch]pp")):
        digest.update(source.name.encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()
