"""What the embedded toolchain compiles once for each machine: the runner, and Stan's functions.

A folder holds the object file of the runner, that of the functions that models call, and a copy of
TBB that executables are linked with, so that they outlive the virtual environment they were
compiled in. Everything is built aside and moved into place.
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
from brmspy.engine.generated import LEAN
from brmspy.errors import CompileError

__all__ = ["Prebuilt", "functions_hash", "runner_hash"]

_RUNNER = Path(__file__).parent / "runner"
# The runner's own code is a small part of what runs: -O1 samples as fast as -O3 here.
_RUNNER_OPTIMISE = "-O1"
_FUNCTIONS_OPTIMISE = "-O2"


@dataclass(frozen=True)
class Prebuilt:
    """The folder of one toolchain's runner and functions.

    Parameters
    ----------
    folder : Path
        The folder, which need not exist.
    httpstan : Path
        The installed httpstan package.
    compiler : Compiler
        The C++ compiler.
    flags : tuple of str
        Flags shared by runner, functions and models, without optimisation.
    """

    folder: Path
    httpstan: Path
    compiler: Compiler
    flags: tuple[str, ...]

    @property
    def runner(self) -> Path:
        """The runner's object file."""
        return self.folder / "runner.o"

    @property
    def functions(self) -> Path:
        """The functions' object file, one for each list of them."""
        return self.folder / f"functions-{functions_hash()[:8]}.o"

    @property
    def tbb(self) -> Path:
        """The copy of TBB."""
        return self.folder / self._tbb_name()

    @property
    def is_ready(self) -> bool:
        """Whether everything is compiled."""
        return self._has_runner and (self.functions.exists() or self.functions_failed.exists())

    @property
    def functions_failed(self) -> Path:
        """The compiler's message if it cannot compile the functions; models then do without."""
        return self.functions.with_suffix(".failed")

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
        if self._has_runner:
            return
        with self._building(self.runner) as aside:
            if self._has_runner:  # another process compiled it meanwhile
                return
            for library in self._tbb_files():
                shutil.copy2(library, aside)
            target = aside / self.runner.name
            flags = (*self.flags, _RUNNER_OPTIMISE, "-c", str(_RUNNER / "runner.cpp"))
            jobs.run(self.compiler, [*flags, "-o", str(target)], "Compiling the runner")
            self._move_into_place(target)

    def build_functions(self, jobs: Jobs) -> None:
        """Compile the functions that models call unless they are there.

        Parameters
        ----------
        jobs : Jobs
            Runs the compiler.

        Raises
        ------
        CompileError
            If the compiler fails.
        """
        if self.functions.exists():
            return
        with self._building(self.functions) as aside:
            if self.functions.exists():
                return
            target = aside / self.functions.name
            flags = (*self.flags, _FUNCTIONS_OPTIMISE, "-c", str(LEAN / "functions.cpp"))
            jobs.run(self.compiler, [*flags, "-o", str(target)], "Compiling Stan's functions")
            self._move_into_place(target)

    def do_without_functions(self, reason: CompileError) -> None:
        """Note that this compiler cannot compile the functions, so as not to try again.

        Parameters
        ----------
        reason : CompileError
            What it said.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.functions_failed.write_text(str(reason), encoding="utf-8")

    @property
    def _has_runner(self) -> bool:
        return self.runner.exists() and self.tbb.exists()

    def _move_into_place(self, target: Path) -> None:
        """Move the files built aside into the folder; where the last one is, the others are."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for file in sorted(target.parent.iterdir(), key=lambda path: path == target):
            file.replace(self.folder / file.name)

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

    @contextmanager
    def _building(self, target: Path) -> Iterator[Path]:
        """Give a temporary folder on the same file system while no one else builds the target."""
        parent = self.folder.parent
        parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(parent / f"{self.folder.name}-{target.stem}.lock")
        with lock, tempfile.TemporaryDirectory(prefix=".building-", dir=parent) as path:
            yield Path(path)


@functools.cache
def runner_hash() -> str:
    """Return a digest of the runner's source and how it is optimised.

    Returns
    -------
    str
    """
    return _hash(_RUNNER, _RUNNER_OPTIMISE)


@functools.cache
def functions_hash() -> str:
    """Return a digest of the functions' source, their list included, and how they are optimised.

    Returns
    -------
    str
    """
    return _hash(LEAN, _FUNCTIONS_OPTIMISE)


def _hash(folder: Path, optimise: str) -> str:
    """Return a digest of the C++ files in a folder and a flag."""
    digest = hashlib.sha256(optimise.encode())
    for source in sorted(folder.glob("*.[ch]pp")):
        digest.update(source.name.encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()
