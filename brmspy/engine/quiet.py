"""Keep cmdstanpy from talking, in any number of threads at once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet_cmdstanpy"]

_lock = threading.Lock()
_inside = 0
_before = False


@contextmanager
def quiet_cmdstanpy() -> Iterator[None]:
    """Switch cmdstanpy's logger off until the last thread has left.

    `cmdstanpy.disable_logging` restores what it found: of two threads that overlap, the second
    finds the logger switched off, and leaves it so.
    """
    global _inside, _before
    logger = logging.getLogger("cmdstanpy")
    with _lock:
        if not _inside:
            _before, logger.disabled = logger.disabled, True
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                logger.disabled = _before
