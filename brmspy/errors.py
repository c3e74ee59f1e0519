"""Every error and warning that brmspy raises on purpose.

A message says what is wrong, where, and what to do, and names the closest valid names.
"""

from __future__ import annotations

import difflib
import inspect
import os
import warnings
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

__all__ = [
    "BrmspyError",
    "BrmspyWarning",
    "CompileError",
    "DataError",
    "DataWarning",
    "FormulaError",
    "PriorError",
    "PriorWarning",
    "SamplingError",
    "SamplingWarning",
    "SomeFitsFailedError",
    "check_choice",
    "closest",
    "did_you_mean",
    "warn",
]


class BrmspyError(Exception):
    """Base class of all errors raised by brmspy."""


class FormulaError(BrmspyError):
    """A formula is not valid; shows a caret under the offending text.

    Parameters
    ----------
    message : str
        What is wrong.
    source : str, optional
        The whole text of the formula.
    span : tuple of int, optional
        Start and end offsets of the offending text in `source`.
    hint : str, optional
        How to fix it.
    """

    def __init__(
        self,
        message: str,
        source: str | None = None,
        span: tuple[int, int] | None = None,
        hint: str | None = None,
    ) -> None:
        self.message = message
        self.source = source
        self.span = span
        self.hint = hint
        super().__init__(self._render())

    def _render(self) -> str:
        lines = [self.message]
        if self.source is not None and self.span is not None:
            lines += _caret_lines(self.source, self.span)
        if self.hint:
            lines.append(self.hint)
        return "\n".join(lines)

    def __reduce__(
        self,
    ) -> tuple[type[FormulaError], tuple[str, str | None, tuple[int, int] | None, str | None]]:
        return type(self), (self.message, self.source, self.span, self.hint)


class DataError(BrmspyError):
    """The data do not fit the model."""


class PriorError(BrmspyError):
    """A prior is not valid or matches no parameter."""


class CompileError(BrmspyError):
    """The Stan program could not be translated or compiled."""


class SamplingError(BrmspyError):
    """Sampling failed."""


class SomeFitsFailedError(SamplingError):
    """Some of several fits failed; those that were finished are kept.

    Parameters
    ----------
    message : str
        What happened.
    fits : mapping of int to BrmsFit
        The fits that were finished, by the number of their data set, from 1.
    """

    def __init__(self, message: str, fits: Mapping[int, Any]) -> None:
        self.fits = dict(fits)
        super().__init__(message)

    def __reduce__(self) -> tuple[type[SomeFitsFailedError], tuple[str, dict[int, Any]]]:
        return type(self), (str(self), self.fits)


class BrmspyWarning(UserWarning):
    """Base class of all warnings issued by brmspy."""


class DataWarning(BrmspyWarning):
    """Something about the data that the user should know, such as dropped rows."""


class PriorWarning(BrmspyWarning):
    """Something about the priors that the user should know."""


class SamplingWarning(BrmspyWarning):
    """The draws may not be trustworthy; the message gives advice."""


def warn(message: str, category: type[BrmspyWarning]) -> None:
    """Issue a warning that points at the user's line, whatever called whom in between.

    Parameters
    ----------
    message : str
        What the user should know.
    category : type
        Subclass of `BrmspyWarning`.
    """
    package = f"{Path(__file__).parent}{os.sep}"
    frame = inspect.currentframe()
    level = users = 1
    while frame is not None:
        level += 1
        if frame.f_code.co_filename.startswith(package):
            users = level
        frame = frame.f_back
    warnings.warn(message, category, stacklevel=users)


def _caret_lines(source: str, span: tuple[int, int]) -> list[str]:
    """Return the line of `source` that holds `span`, and carets under it."""
    start, end = span
    line_start = source.rfind("\n", 0, start) + 1
    line_end = source.find("\n", start)
    line = source[line_start:] if line_end < 0 else source[line_start:line_end]
    width = max(1, min(end, line_start + len(line)) - start)
    return [f"  {line}", "  " + " " * (start - line_start) + "^" * width]


def closest(name: str, valid: Iterable[str], n: int = 3) -> list[str]:
    """Return the up to `n` names in `valid` that look most like `name`."""
    by_folded = {candidate.casefold(): candidate for candidate in valid}
    found = difflib.get_close_matches(name.casefold(), by_folded, n=n, cutoff=0.6)
    return [by_folded[key] for key in found]


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """Return a sentence with the closest valid names, or with all of them if none is close.

    Examples
    --------
    >>> from brmspy.errors import did_you_mean
    >>> did_you_mean("Dayz", ["Days", "Subject"])
    "Did you mean 'Days'?"
    """
    names = list(dict.fromkeys(valid))
    near = closest(name, names)
    if near:
        return "Did you mean " + " or ".join(repr(item) for item in near) + "?"
    if not names:
        return "There are none to choose from."
    shown = ", ".join(repr(item) for item in names[:20])
    return f"Valid names: {shown}" + (", …" if len(names) > 20 else ".")


def check_choice(name: str, value: object, valid: Collection[str]) -> None:
    """Refuse a word that is not among those that are valid.

    Parameters
    ----------
    name : str
        The argument.
    value : Any
        What the user gave.
    valid : collection of str
        What it may be.

    Raises
    ------
    BrmspyError
        If it is another.
    """
    if value not in valid:
        raise BrmspyError(f"{name} = {value!r} is not valid. {did_you_mean(str(value), valid)}")
