"""Find the C++ compiler and run it."""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from brmspy.errors import CompileError

__all__ = ["Compiler", "Jobs", "find_compiler", "how_to_install"]

_SHOWN_LINES = 20


@dataclass(frozen=True)
class Compiler:
    """A C++ compiler.

    Parameters
    ----------
    command : tuple of str
        The program and the arguments it is always called with.
    version : str
        The first line it prints for ``--version``.
    family : str
        ``"gcc"`` or ``"clang"``.
    """

    command: tuple[str, ...]
    version: str
    family: str


class Jobs:
    """The compiler processes of one build, ended together when the build is abandoned.

    Used as a context manager: leaving the block with an exception ends what still runs.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._abandoned = False

    def __enter__(self) -> Jobs:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._abandon()

    def run(self, compiler: Compiler, arguments: Sequence[str], doing: str) -> None:
        """Run the compiler and wait for it; may be called from several threads.

        Parameters
        ----------
        compiler : Compiler
            The compiler.
        arguments : sequence of str
            Its arguments.
        doing : str
            What is being done, for the error message.

        Raises
        ------
        CompileError
            If the compiler fails; holds the last lines it printed.
        """
        command = [*compiler.command, *arguments]
        process = self._start(command, doing)
        try:
            output, _ = process.communicate()
        except BaseException:
            _end(process)
            raise
        finally:
            with self._lock:
                self._running.discard(process)
        if process.returncode != 0:
            raise CompileError(_failure(doing, command, process.returncode, output))

    def _start(self, command: Sequence[str], doing: str) -> subprocess.Popen[str]:
        """Start a process unless the build has been abandoned meanwhile."""
        with self._lock:
            if self._abandoned:
                raise CompileError(f"{doing} was abandoned because another step failed.")
            # In a session of its own, the compiler and what it starts can be ended together.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
            self._running.add(process)
        return process

    def _abandon(self) -> None:
        """End all running processes and start no more."""
        with self._lock:
            self._abandoned = True
            for process in self._running:
                _end(process)


def find_compiler() -> Compiler | None:
    """Find a C++ compiler: the one ``CXX`` names, else the system's.

    Returns
    -------
    Compiler or None
        None if there is none that runs.
    """
    chosen = os.environ.get("CXX")
    if chosen:
        return _probe(tuple(shlex.split(chosen)))
    names = (
        ("clang++", "c++", "g++") if platform.system() == "Darwin" else ("g++", "clang++", "c++")
    )
    for name in names:
        found = shutil.which(name)
        compiler = _probe((found,)) if found else None
        if compiler is not None:
            return compiler
    return None


def how_to_install() -> str:
    """Return the sentence that says how to install a C++ compiler on this system."""
    if platform.system() == "Darwin":
        return "Install Apple's command line tools: `xcode-select --install`."
    if platform.system() == "Windows":
        return (
            "Install CmdStan with its compiler: "
            "`python -m cmdstanpy.install_cmdstan --compiler`, or use WSL."
        )
    commands = {
        "apt-get": "sudo apt-get install g++",
        "dnf": "sudo dnf install gcc-c++",
        "zypper": "sudo zypper install gcc-c++",
        "pacman": "sudo pacman -S gcc",
        "apk": "apk add g++",
    }
    for program, command in commands.items():
        if shutil.which(program):
            return f"Install a C++ compiler: `{command}` (or `conda install -c conda-forge gxx`)."
    return "Install a C++ compiler, for example `conda install -c conda-forge gxx`."


@functools.cache
def _probe(command: tuple[str, ...]) -> Compiler | None:
    """Ask a compiler for its version; None if it cannot be run."""
    try:
        done = subprocess.run(
            [*command, "--version"], capture_output=True, encoding="utf-8", timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    version = done.stdout.splitlines()[0] if done.stdout else ""
    family = "clang" if "clang" in done.stdout.casefold() else "gcc"
    return Compiler(command, version, family)


def _end(process: subprocess.Popen[str]) -> None:
    """End a process and all it started."""
    with contextlib.suppress(ProcessLookupError):  # it ended by itself meanwhile
        os.killpg(process.pid, signal.SIGKILL)


def _failure(doing: str, command: Sequence[str], status: int, output: str) -> str:
    """Say what failed, with the compiler's last lines and the likely remedy."""
    lines = output.strip().splitlines()
    shown = "\n".join(lines[-_SHOWN_LINES:])
    out_of_memory = status == -signal.SIGKILL or "Killed signal" in output
    remedy = (
        "The compiler was killed, most likely because memory ran out: it needs up to 3 GB. "
        "Close other programs and try again."
        if out_of_memory
        else "Run `python -m brmspy doctor` to check the toolchain."
    )
    return (
        f"{doing} failed (exit status {status}).\nCommand: {shlex.join(command)}\n{shown}\n{remedy}"
    )
