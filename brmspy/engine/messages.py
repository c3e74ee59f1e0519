"""Say in plain words what Stan means."""

from __future__ import annotations

import re
import signal
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from brmspy.errors import SamplingError

__all__ = ["Failure", "NoStartError", "explain", "incomplete", "rejections", "sampling_error"]

_SHOWN_LINES = 12

# What says nothing about a failure: the settings that Stan lists, progress, timing, and advice
# that is repeated below in our words.
_NOISE = re.compile(
    r"""^\s*(
        [a-z_0-9]+\s*=.*               # num_samples = 1000 (Default)
      | [a-z_]+                         # data
      | (Chain\ \[\d+\]\ )?Iteration:.*
      | Gradient\ evaluation\ took.*
      | 1000\ transitions\ using.*
      | Adjust\ your\ expectations.*
      | Elapsed\ Time.*
      | [\d.e+-]+\ seconds\ \(.*
      | Stan\ can't\ start\ sampling\ from\ this\ initial\ value\.
      | Try\ specifying\ initial\ values,.*
      | Informational\ Message:.*
      | If\ this\ warning\ occurs\ .*
      | but\ if\ this\ warning\ occurs\ .*
      | -{9,}                           # what ADVI says of itself
      | EXPERIMENTAL\ ALGORITHM:
      | This\ procedure\ has\ not\ been\ thoroughly\ tested.*
      | or\ buggy\.\ The\ interface.*
      | Begin\ (eta\ adaptation|stochastic\ gradient\ ascent)\.
      | iter\ +ELBO.*
      | Success!\ Found\ best\ value.*
    )?$""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_REJECTED = re.compile(r"proposal is about to be rejected because of the following issue:\s*(.*)")
_SAMPLING = re.compile(r"Iteration:.*\(Sampling\)")


@dataclass(frozen=True)
class Failure:
    """Why a chain failed.

    Parameters
    ----------
    reason : str
        What happened, as the end of "chain 1 ...".
    advice : str
        What to do.
    evidence : str
        What Stan said, without its settings and repetitions; may be empty.
    """

    reason: str
    advice: str
    evidence: str

    def __str__(self) -> str:
        said = "\n".join("    " + line for line in self.evidence.splitlines())
        return (f"  Stan says:\n{said}\n" if said else "") + f"  {self.advice}"


class NoStartError(SamplingError):
    """Stan found no initial values."""


_NO_START = "found no initial values at which the log density is finite"
_REPORT = (
    "If you did not change the Stan program or its data, this is a defect of brmspy: please report "
    "it with the formula."
)

# (what Stan prints, what it means, what to do); the first that is found counts.
_MEANINGS = (
    (
        r"std::bad_alloc|[Cc]annot allocate memory",
        "ran out of memory",
        "Run fewer chains at once (cores=1), or fit the model to fewer rows.",
    ),
    (
        r"No space left on device",
        "could not write its draws: the disk is full",
        "Free some space, or set the environment variable TMPDIR to a folder on another disk.",
    ),
    (
        r"processing stage=(parameter |transform_?)?init",
        "was given initial values that do not fit the model",
        "Name parameters as the Stan program does, with the same dimensions.",
    ),
    (
        r"processing stage=data initialization|JSON|[Cc]an't open specified file",
        "could not read the data",
        _REPORT,
    ),
    (
        r"Rejecting initial value|[Ii]nitialization (between|from source)? ?.*failed",
        _NO_START,
        "Start closer to zero with init=0.1 or init=0, or give initial values; narrow very wide "
        "priors; check that the response is possible under the family. A non-linear model needs "
        "initial values or priors near the solution.",
    ),
    (
        r"mistyped or misplaced|Failed to parse command arguments|is not a valid value",
        "did not understand its arguments",
        "The toolchain may be too old: run `python -m brmspy doctor`.",
    ),
    (
        r"error while loading shared libraries|dyld|Library not loaded",
        "could not be started, a shared library is missing",
        "Compile the model again: `python -m brmspy cache clear`, then fit it once more.",
    ),
    (
        r"Exception: .*(lower bound|upper bound|greater than or equal|less than or equal)",
        "found a value outside its bounds",
        _REPORT,
    ),
    (r"Exception", "stopped with an error in the model", _REPORT),
)

_SIGNALS = {
    "SIGKILL": (
        "was killed, most likely because memory ran out",
        "Run fewer chains at once (cores=1), close other programs, or fit the model to fewer rows.",
    ),
    "SIGTERM": (
        "was terminated by another program",
        "Fit the model again; a batch system may have a limit of time or memory.",
    ),
    "SIGXCPU": (
        "used more processor time than the system allows",
        "Raise the limit (`ulimit -t`), or run fewer iterations.",
    ),
}


def explain(console: str, status: int, special: Sequence[tuple[str, str, str]] = ()) -> Failure:
    """Say why a chain, or the run of another method, ended with an error.

    Parameters
    ----------
    console : str
        What Stan printed.
    status : int
        Exit status of the process; negative if a signal ended it.
    special : sequence of (str, str, str)
        What only this method prints, as a regular expression; what it means; what to do. Looked
        for before what all methods print.

    Returns
    -------
    Failure
    """
    evidence = _evidence(console)
    for pattern, reason, advice in (*special, *_MEANINGS):
        if re.search(pattern, evidence):
            return Failure(reason, advice, evidence)
    if status < 0:
        name = _signal_name(-status)
        crashed = (f"crashed (signal {name})", _REPORT)
        return Failure(*_SIGNALS.get(name, crashed), evidence)
    return Failure(f"ended with exit status {status}", _REPORT, evidence)


def sampling_error(message: str, failures: Iterable[Failure]) -> SamplingError:
    """Return the error that says that nothing came of a run.

    Parameters
    ----------
    message : str
        What it says.
    failures : iterable of Failure
        What happened to the chains or paths.

    Returns
    -------
    SamplingError
        `NoStartError` if they found no initial values.
    """
    no_start = any(failure.reason == _NO_START for failure in failures)
    return (NoStartError if no_start else SamplingError)(message)


def incomplete(console: str, found: int, wanted: int) -> Failure:
    """Say that a chain ended well but did not write all its draws.

    Parameters
    ----------
    console : str
        What Stan printed.
    found, wanted : int
        Draws in its file, and draws asked for.

    Returns
    -------
    Failure
    """
    return Failure(
        f"wrote only {found} of {wanted} draws",
        "The disk may be full: free some space, or set the environment variable TMPDIR to a folder "
        "on another disk.",
        _evidence(console),
    )


def rejections(console: str) -> tuple[int, str]:
    """Count the proposals after warm-up that an error in the density rejected.

    Parameters
    ----------
    console : str
        What Stan printed.

    Returns
    -------
    tuple of int and str
        Their number and the most frequent reason; the reason is empty if there are none.
    """
    start = _SAMPLING.search(console)
    reasons = _REJECTED.findall(console[start.start() :]) if start else []
    if not reasons:
        return 0, ""
    first = {_without_numbers(reason): reason for reason in reversed(reasons)}
    [(most, _)] = Counter(map(_without_numbers, reasons)).most_common(1)
    return len(reasons), first[most].removeprefix("Exception: ")


def _evidence(console: str) -> str:
    """Return what Stan printed, without noise; lines that differ in numbers only are counted."""
    lines = [line.strip() for line in console.splitlines() if not _NOISE.match(line)]
    counts = Counter(map(_without_numbers, lines))
    first = {_without_numbers(line): line for line in reversed(lines)}
    shown = [
        first[key] + (f" ({count} times)" if count > 1 else "") for key, count in counts.items()
    ]
    return "\n".join(shown[-_SHOWN_LINES:])


def _without_numbers(line: str) -> str:
    """Return a line with its numbers replaced, to compare it with others."""
    return _NUMBER.sub("#", line)


def _signal_name(number: int) -> str:
    """Return the name of a signal."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
