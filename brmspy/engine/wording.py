"""The words for how far a fit is."""

from __future__ import annotations

from brmspy.engine.state import ChainState, ProgressState

__all__ = ["chain_note", "duration", "headline", "outcome"]


def duration(seconds: float) -> str:
    """Return a time as people say it.

    Parameters
    ----------
    seconds : float
        The time.

    Returns
    -------
    str

    Examples
    --------
    >>> from brmspy.engine.wording import duration
    >>> [duration(seconds) for seconds in (3.21, 59.6, 125, 7500)]
    ['3.2 s', '1 min 0 s', '2 min 5 s', '2 h 5 min']
    """
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def headline(state: ProgressState) -> str:
    """Return a line that says what is being done.

    Parameters
    ----------
    state : ProgressState
        How far the fit is.

    Returns
    -------
    str
    """
    number, total = state.fit
    which = f"Fit {number} of {total}: " if total > 1 else ""
    if state.stage == "compile":
        return f"{which}Compiling the model (kept for the next fit) …"
    if state.stage == "jobs":
        return f"{_on_executor('Sampling', state)}: {state.jobs[0]} done, {duration(_whole(state))}"
    if state.stage != "sample":
        return f"{which}{state.stage} …"
    left = state.seconds_left
    return which + ", ".join(
        [
            f"Sampling {_count(len(state.chains), 'chain')}: {state.fraction:.0%}",
            duration(state.elapsed),
            *([f"about {duration(left)} left"] if left else []),
            *_divergences(state.divergences),
        ]
    )


def chain_note(chain: ChainState) -> str:
    """Return what a chain is doing.

    Parameters
    ----------
    chain : ChainState
        How far it is.

    Returns
    -------
    str
    """
    where = f"{chain.phase} {chain.iteration}/{chain.total}" if chain.running else chain.phase
    return ", ".join([where, *_divergences(chain.divergences)])


def outcome(state: ProgressState, failed: bool) -> str:
    """Return a line that says how it ended; empty if nothing was begun.

    Parameters
    ----------
    state : ProgressState
        How far the fit came.
    failed : bool
        Whether an error ended it.

    Returns
    -------
    str
    """
    if not state.stage:
        return ""
    number, total = state.fit
    if number == total > 1 and not failed and state.stage != "jobs":
        notes = "; ".join(_divergences(state.divergences))
        return f"{total} fits done in {duration(_whole(state))}{f' ({notes})' if notes else ''}."
    which = f"Fit {number} of {total}: " if total > 1 and state.stage != "jobs" else ""
    return which + _outcome_of_one(state, failed)


def _outcome_of_one(state: ProgressState, failed: bool) -> str:
    """Return a line that says how a fit ended."""
    took = duration(state.elapsed)
    if state.stage == "jobs":
        ended, jobs = state.jobs
        if ended == jobs and not failed:
            return f"{_on_executor('Sampled', state)} in {took}."
        return f"Sampling on the executor ended after {took}: {ended} of {jobs} chains done."
    if state.stage != "sample":
        what = "Compilation" if state.stage == "compile" else state.stage
        return f"{what} {'failed' if failed else 'done'} after {took}."
    finished = [chain for chain in state.chains if chain.phase == "done"]
    compiled = [
        f"compiled in {duration(seconds)}" for name, seconds in state.past if name == "compile"
    ]
    notes = "; ".join([*compiled, *_divergences(state.divergences)])
    notes = f" ({notes})" if notes else ""
    if failed or any(chain.phase == "failed" for chain in state.chains):
        done = f"{len(finished)} of {_count(len(state.chains), 'chain')} finished"
        return f"Sampling failed after {took}: {done}{notes}."
    if len(finished) < len(state.chains):
        return f"Sampling stopped after {took}, at {state.fraction:.0%}{notes}."
    return f"Sampled {_count(len(finished), 'chain')} in {took}{notes}."


def _on_executor(verb: str, state: ProgressState) -> str:
    """Say what an executor does."""
    fits = f" of {state.fit[1]} fits" if state.fit[1] > 1 else ""
    return f"{verb} {_count(state.jobs[1], 'chain')}{fits} on the executor"


def _whole(state: ProgressState) -> float:
    """Return the seconds that everything has taken so far."""
    return state.elapsed + sum(seconds for _, seconds in state.past)


def _divergences(number: int) -> list[str]:
    """Return the number of divergences, if there are any."""
    return [_count(number, "divergence")] if number else []


def _count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
