"""Show the progress of a fit: in a terminal, line by line in a log, or in a notebook."""

from __future__ import annotations

import html
import os
import shutil
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TextIO

from brmspy.engine.state import ChainState, ProgressState
from brmspy.engine.wording import chain_note, headline, outcome

__all__ = ["KINDS", "Renderer", "choose_renderer"]

KINDS = ("terminal", "lines", "notebook")

_UP = "\x1b[{}A"
_CLEAR_LINE = "\x1b[K"
_CLEAR_BELOW = "\x1b[J"
_AMBER, _PLAIN = "\x1b[33m", "\x1b[0m"
_BAR_WIDTH = 24
_SECONDS_BETWEEN_LINES = 5.0
_AMBER_HTML, _BLUE_HTML, _GREEN_HTML, _RED_HTML = "#d08700", "#3b7dd8", "#3a9d5d", "#c9372c"


class Renderer(ABC):
    """Shows states; `interval` is the least number of seconds between two of the same kind."""

    interval: float

    @abstractmethod
    def draw(self, state: ProgressState) -> None:
        """Show a state in place of the one before."""

    @abstractmethod
    def close(self, state: ProgressState, failed: bool) -> None:
        """Show how it ended and what remains to be read."""


def choose_renderer(show: bool | str, stream: TextIO) -> Renderer | None:
    """Return the renderer for where the output goes; None if nothing is shown.

    Parameters
    ----------
    show : bool or str
        As in `Progress`.
    stream : text stream
        Where terminal and lines are written.

    Returns
    -------
    Renderer or None
    """
    kind = show if isinstance(show, str) else _kind(stream) if show else None
    if kind is None:
        return None
    if kind == "terminal":
        return TerminalRenderer(stream)
    if kind == "lines":
        return LineRenderer(stream)
    return NotebookRenderer()


class TerminalRenderer(Renderer):
    """A block of lines that is overwritten in place."""

    interval = 0.1

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._height = 0
        self._full, self._empty = ("━", "╌") if _can_write(stream, "━╌·") else ("#", ".")

    def draw(self, state: ProgressState) -> None:
        """Overwrite the block."""
        size = shutil.get_terminal_size()
        lines = [(headline(state), state.divergences > 0)]
        # Lines above the top of the screen cannot be overwritten.
        if len(state.chains) + 1 < size.lines:
            lines += [(self._chain_line(chain), chain.divergences > 0) for chain in state.chains]
        self._write([(text[: size.columns - 1], amber) for text, amber in lines])

    def close(self, state: ProgressState, failed: bool) -> None:
        """Replace the block by one line."""
        text = outcome(state, failed)
        if text:
            self._write([(text, state.divergences > 0)])

    def _write(self, lines: list[tuple[str, bool]]) -> None:
        """Replace the block by other lines, amber or plain; the cursor stays below it."""
        back = _UP.format(self._height) if self._height else ""
        text = "".join(f"\r{self._coloured(*line)}{_CLEAR_LINE}\n" for line in lines)
        self._stream.write(back + text + _CLEAR_BELOW)
        self._stream.flush()
        self._height = len(lines)

    def _coloured(self, text: str, amber: bool) -> str:
        """Return what to write for a text."""
        text = _printable(text, self._stream)
        return f"{_AMBER}{text}{_PLAIN}" if amber and "NO_COLOR" not in os.environ else text

    def _chain_line(self, chain: ChainState) -> str:
        """Return the bar of a chain."""
        full = round(_BAR_WIDTH * chain.fraction)
        bar = self._full * full + self._empty * (_BAR_WIDTH - full)
        return f"  chain {chain.chain:<2} {bar} {chain_note(chain)}"


class LineRenderer(Renderer):
    """A line now and then, for logs."""

    interval = 0.5

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._written = time.monotonic()
        self._begun: tuple[str, tuple[int, int]] = ("", (1, 1))
        self._quarter = 0

    def draw(self, state: ProgressState) -> None:
        """Write a line when a stage begins that takes long, and at each quarter of the way."""
        now = time.monotonic()
        begun = (state.stage, state.fit)
        if begun != self._begun:
            self._begun, self._quarter = begun, 0
            # Of several fits, the later ones take as long as the first.
            if state.stage == "jobs" or (state.stage != "sample" and state.fit[0] == 1):
                self._line(headline(state))
            return
        done, jobs = state.jobs
        quarter = int(4 * (done / jobs if state.stage == "jobs" else state.fraction))
        if quarter > self._quarter and now - self._written >= _SECONDS_BETWEEN_LINES:
            self._quarter = quarter
            self._line(headline(state))

    def close(self, state: ProgressState, failed: bool) -> None:
        """Write how it ended."""
        text = outcome(state, failed)
        if text:
            self._line(text)

    def _line(self, text: str) -> None:
        """Write a line."""
        self._stream.write(_printable(text, self._stream) + "\n")
        self._stream.flush()
        self._written = time.monotonic()


class NotebookRenderer(Renderer):
    """Bars in a notebook's cell, updated in place; plain text where HTML is not shown."""

    interval = 0.25

    def __init__(self) -> None:
        self._handle: Any = None

    def draw(self, state: ProgressState) -> None:
        """Update the cell."""
        self._show(headline(state), state)

    def close(self, state: ProgressState, failed: bool) -> None:
        """Say how it ended, and keep the bars."""
        text = outcome(state, failed)
        if text:
            self._show(text, state)

    def _show(self, title: str, state: ProgressState) -> None:
        """Display the text and the bars."""
        from IPython import display

        show: Callable[..., Any] = display.display
        bundle = {"text/html": _html(title, state), "text/plain": title}
        if self._handle is None:
            self._handle = show(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


def _kind(stream: TextIO) -> str:
    """Return the kind of output: a notebook, a terminal that understands escapes, or a file."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if getattr(shell, "kernel", None) is not None:
        return "notebook"
    old_console = os.name == "nt" and "WT_SESSION" not in os.environ
    if stream.isatty() and os.environ.get("TERM") != "dumb" and not old_console:
        return "terminal"
    return "lines"


def _can_write(stream: TextIO, text: str) -> bool:
    """Tell whether the stream's encoding has the characters."""
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _printable(text: str, stream: TextIO) -> str:
    """Replace what the stream's encoding lacks."""
    return text if _can_write(stream, text) else text.encode("ascii", "replace").decode()


def _html(title: str, state: ProgressState) -> str:
    """Return title and bars; colours that show on light and dark pages."""
    rows = "".join(_html_row(chain) for chain in state.chains)
    return (
        '<div style="font-size:0.9em;line-height:1.5">'
        f"<div>{html.escape(title)}</div>"
        f'<table style="border:none;margin:0">{rows}</table></div>'
    )


def _html_row(chain: ChainState) -> str:
    """Return the bar of a chain."""
    colour = _AMBER_HTML if chain.divergences else _BLUE_HTML
    if chain.phase == "done" and not chain.divergences:
        colour = _GREEN_HTML
    if chain.phase == "failed":
        colour = _RED_HTML
    width = round(100 * chain.fraction, 1)
    bar = (
        '<div style="width:14em;height:0.6em;border-radius:0.3em;background:rgba(128,128,128,.25)">'
        f'<div style="width:{width}%;height:100%;border-radius:0.3em;background:{colour}"></div>'
        "</div>"
    )
    cell = '<td style="border:none;text-align:left;padding:0 0.8em 0 0;background:none">'
    return f"<tr>{cell}chain {chain.chain}</td>{cell}{bar}</td>{cell}{chain_note(chain)}</td></tr>"
