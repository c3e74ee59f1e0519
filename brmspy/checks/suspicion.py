"""What a check can find."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Suspicion", "note"]


@dataclass(frozen=True)
class Suspicion:
    """Something that may be wrong, or that one should know.

    Attributes
    ----------
    finding : str
        What, in a few words.
    evidence : str
        How it shows.
    advice : str
        What to do.
    call : str
        The call that would help.
    kind : {"problem", "note"}
        Whether results may be wrong, or only need a word when they are reported.
    """

    finding: str
    evidence: str
    advice: str
    call: str
    kind: str = "problem"


def note(finding: str, evidence: str, advice: str, call: str) -> Suspicion:
    """Return what one should know, though nothing is wrong.

    Parameters
    ----------
    finding, evidence, advice, call : str
        As for `Suspicion`.

    Returns
    -------
    Suspicion
    """
    return Suspicion(finding, evidence, advice, call, "note")
