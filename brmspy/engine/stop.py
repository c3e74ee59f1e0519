"""Tell chains that run in other threads and processes to stop."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

try:
    import fcntl
except ImportError:  # Windows: the end of the other process is not noticed
    fcntl = None  # type: ignore[assignment]

__all__ = ["StopFlag", "StopSign", "asked_to_stop"]

_STOP, _ALIVE = "stop", "alive"
_asked: ContextVar[Callable[[], bool]] = ContextVar("_asked", default=lambda: False)


def asked_to_stop() -> bool:
    """Tell whether chains that run here are to be stopped, as someone elsewhere wants it.

    Returns
    -------
    bool
    """
    return _asked.get()()


class StopFlag:
    """What a thread or a process looks at that runs chains for another one.

    In threads of the same process it is a flag in memory. Sent to another process, it is a folder
    with a file that the first process keeps locked as long as it lives, and another one that says
    stop.

    Parameters
    ----------
    sign : StopSign
        Whose flag it is.
    """

    def __init__(self, sign: StopSign) -> None:
        self._sign = sign

    def __reduce__(self) -> tuple[type[_FolderFlag], tuple[Path | None, int]]:
        return _FolderFlag, (self._sign.folder(), os.getpid())

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Have chains that run inside of this end when the other one says so."""
        with _watching(self._sign.asked):
            yield


@dataclass(frozen=True)
class _FolderFlag:
    """A flag in another process than its sign.

    Attributes
    ----------
    folder : Path or None
        The folder; None if the sign has gone already.
    owner : int
        The process of the sign.
    """

    folder: Path | None
    owner: int

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Have chains that run inside of this end when the other process says so, or has ended.

        On a machine that does not share the other's folders, they end when Dask takes the job back;
        other executors have no way to say so, and a chain runs to its end.
        """
        if self.folder is None:
            asked = _always
        elif self.folder.is_dir():
            asked = self._asked
        else:
            asked = _taken_back_by_dask()
        with _watching(asked):
            yield

    def _asked(self) -> bool:
        """Look into the folder."""
        assert self.folder is not None
        if not self.folder.is_dir() or (self.folder / _STOP).exists():
            return True
        # The lock belongs to a process: its own would always be granted, and lost by asking.
        if self.owner == os.getpid() or not _is_free(self.folder / _ALIVE):
            return False
        shutil.rmtree(self.folder, ignore_errors=True)  # as its owner cannot any more
        return True


class StopSign:
    """Asks for chains to be stopped that run in other threads and processes of this machine.

    Used as a context manager, at whose end chains that still run are stopped too.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._lock: Any = None
        self._making = threading.Lock()  # executors pickle in threads of their own
        self._closed = False

    def __enter__(self) -> StopSign:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._making:
            self._closed = True
            self._event.set()
            if self._folder is not None:
                self._lock.close()
                self._folder.cleanup()

    @property
    def flag(self) -> StopFlag:
        """What the others look at."""
        return StopFlag(self)

    def asked(self) -> bool:
        """Tell whether chains are to be stopped.

        Returns
        -------
        bool
        """
        return self._event.is_set()

    def ask(self) -> None:
        """Ask for the chains to be stopped; what they have finished is returned."""
        with self._making:
            self._event.set()
            if self._folder is not None and not self._closed:
                (Path(self._folder.name) / _STOP).touch()

    def folder(self) -> Path | None:
        """Return the folder that other processes look at, made when it is first needed.

        Returns
        -------
        Path or None
            None once the sign has gone.
        """
        with self._making:
            if self._closed:
                return None
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="brmspy-")
                self._lock = (Path(self._folder.name) / _ALIVE).open("wb")
                if fcntl is not None:
                    fcntl.lockf(self._lock, fcntl.LOCK_EX)
                if self._event.is_set():
                    (Path(self._folder.name) / _STOP).touch()
            return Path(self._folder.name)


def _always() -> bool:
    return True


def _never() -> bool:
    return False


def _taken_back_by_dask() -> Callable[[], bool]:
    """Return whether Dask, if this is a worker of it, wants the result of the job no more."""
    distributed: Any = sys.modules.get("distributed")  # of which a worker has imported it
    try:
        worker = distributed.get_worker()
        key = worker.get_current_task()
        tasks = worker.state.tasks
    except (AttributeError, ValueError):  # no worker of Dask, or not in a task
        return _never

    def asked() -> bool:
        task = tasks.get(key)
        return task is None or task.state == "cancelled"

    return asked


@contextmanager
def _watching(asked: Callable[[], bool]) -> Iterator[None]:
    """Have `asked_to_stop` ask this function inside of the block."""
    token = _asked.set(asked)
    try:
        yield
    finally:
        _asked.reset(token)


def _is_free(path: Path) -> bool:
    """Tell whether no process holds the lock of a file: the one that did has ended."""
    if fcntl is None:
        return False
    with suppress(OSError), path.open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
