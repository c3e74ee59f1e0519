"""Hold back Ctrl-C while processes are started, watched and ended."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType

__all__ = ["DeferredInterrupts"]


class DeferredInterrupts:
    """Note Ctrl-C, or a kernel's interrupt, instead of raising `KeyboardInterrupt` anywhere.

    An exception between the start of a process and the line that records it would leave the
    process behind. Inside the ``with`` block the interrupt only sets `received`, which the block
    looks at when it suits. Signals reach the main thread only, so in others nothing is done; nor is
    it if the interrupt is ignored, as for a command that was started with ``nohup``.

    Attributes
    ----------
    received : bool
        Whether there was an interrupt.
    """

    def __init__(self) -> None:
        self.received = False
        self._previous: object = None

    def __enter__(self) -> DeferredInterrupts:
        current = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is threading.main_thread() and callable(current):
            self._previous = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if callable(self._previous):
            signal.signal(signal.SIGINT, self._previous)

    def _note(self, number: int, frame: FrameType | None) -> None:
        """Handle the signal."""
        self.received = True
