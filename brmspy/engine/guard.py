"""End the chains if Python dies."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

__all__ = ["Guard"]

# Reads a line of process ids after each change; the input ends without "done" if Python died.
_SCRIPT = """
while read -r line; do pids=$line; done
[ "$pids" = done ] && exit
[ -n "$pids" ] && kill -9 $pids
rm -rf -- "$1"
"""


class Guard:
    """A shell that waits for this interpreter: if it is killed, the chains and their files go too.

    A kernel that is restarted while it samples is killed; without a guard its chains would run on
    for hours. Systems without a POSIX shell have no guard.

    Parameters
    ----------
    folder : Path
        The folder that holds the chains' files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shell: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Guard:
        if os.name == "posix" and os.access("/bin/sh", os.X_OK):
            self._shell = subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT, "brmspy-guard", str(self._folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._tell("done")
        if self._shell is not None and self._shell.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._shell.stdin.close()
            self._shell.wait()

    def watch(self, pids: Iterable[int]) -> None:
        """Say which processes are running.

        Parameters
        ----------
        pids : iterable of int
            Their ids.
        """
        self._tell(" ".join(map(str, pids)))

    def _tell(self, line: str) -> None:
        """Write a line to the shell; if someone killed it, sampling goes on without."""
        if self._shell is not None and self._shell.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._shell.stdin.write(line.encode() + b"\n")
                self._shell.stdin.flush()
