"""Say what a fit is doing: compiling, warming up, sampling; how far it is, and how long to go."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import TextIO

from brmspy.engine.display import KINDS, Renderer, choose_renderer
from brmspy.engine.state import ChainState, ProgressState
from brmspy.errors import BrmspyError, did_you_mean

__all__ = ["ChainState", "Progress", "ProgressState"]


class Progress:
    """Shows the progress of a fit in the terminal or the notebook, or nothing at all.

    Used as a context manager around compilation and sampling. In a terminal a block of lines is
    updated in place; where the output goes to a file there are a few plain lines; a notebook
    shows bars. Everything is written to standard error, so that standard output stays the
    program's own.

    Parameters
    ----------
    show : bool or {"terminal", "lines", "notebook"}
        True chooses by where the output goes, False shows nothing.
    stream : text stream, optional
        Where to write, by default `sys.stderr`.

    Attributes
    ----------
    state : ProgressState
        What is shown.

    Examples
    --------
    >>> from brmspy.engine.progress import Progress
    >>> with Progress(show=False) as progress:
    ...     progress.stage("compile")
    >>> progress.state.stage
    'compile'
    """

    def __init__(self, show: bool | str = True, stream: TextIO | None = None) -> None:
        if isinstance(show, str) and show not in KINDS:
            raise BrmspyError(f"progress = {show!r} is not valid. {did_you_mean(show, KINDS)}")
        self.state = ProgressState()
        self._show = show
        self._stream = stream
        self._renderer: Renderer | None = None
        self._since = 0.0
        self._drawn = 0.0

    def __enter__(self) -> Progress:
        self._renderer = choose_renderer(self._show, self._stream or sys.stderr)
        self._since = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close(failed=kind is not None)

    def finish(self) -> None:
        """Say how it ended and show nothing more; the second time, do nothing.

        Of several fits only the last is the end.
        """
        if self.state.fit[0] == self.state.fit[1]:
            self._close(failed=False)

    def fit(self, number: int, total: int) -> None:
        """Begin one of several fits.

        Parameters
        ----------
        number : int
            Its number, from 1.
        total : int
            How many there are.
        """
        self.state = replace(
            self._timed(), fit=(number, total), earlier=self.state.divergences, chains=()
        )

    def jobs(self, done: int, total: int) -> None:
        """Show how far chains are that an executor runs.

        Parameters
        ----------
        done : int
            How many have ended.
        total : int
            How many there are.
        """
        self.state = replace(self.state, jobs=(done, total))
        if self.state.stage == "jobs":
            self._draw()
        else:
            self.stage("jobs")

    def stage(self, name: str) -> None:
        """Begin a stage.

        Parameters
        ----------
        name : str
            ``"compile"``, ``"sample"``, or any other word that says what is being done.
        """
        timed = self._timed()
        past = (*timed.past, (timed.stage, timed.elapsed)) if timed.stage else ()
        self._since = time.monotonic()
        self.state = ProgressState(
            stage=name, past=past, fit=timed.fit, earlier=timed.earlier, jobs=timed.jobs
        )
        self._draw()

    def update(self, chains: Sequence[ChainState], at_once: int) -> None:
        """Show how far the chains are.

        Parameters
        ----------
        chains : sequence of ChainState
            All chains.
        at_once : int
            How many run at the same time.
        """
        before = [chain.phase for chain in self.state.chains]
        self.state = replace(self.state, chains=tuple(chains), at_once=at_once)
        changed = before != [chain.phase for chain in chains]
        if self._renderer is not None and (
            changed or time.monotonic() - self._drawn >= self._renderer.interval
        ):
            self._draw()

    def _close(self, *, failed: bool) -> None:
        """Say how it ended."""
        self.state = self._timed()
        if self._renderer is not None:
            self._renderer.close(self.state, failed)
            self._renderer = None

    def _timed(self) -> ProgressState:
        """Return the state as of now."""
        return replace(self.state, elapsed=time.monotonic() - self._since)

    def _draw(self) -> None:
        """Show the state."""
        self.state = self._timed()
        self._drawn = time.monotonic()
        if self._renderer is not None:
            self._renderer.draw(self.state)
