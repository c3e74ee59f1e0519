"""How far a fit is, and how long it will still take."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ChainState", "ProgressState"]

# Before this the speed of the chains says little.
_SECONDS_TO_JUDGE = 0.5
_ITERATIONS_TO_JUDGE = 20


@dataclass(frozen=True)
class ChainState:
    """How far a chain is.

    Parameters
    ----------
    chain : int
        Its number, from 1.
    phase : {"waiting", "warm-up", "sampling", "done", "failed", "stopped"}
        What it is doing.
    iteration : int
        The last iteration that is known to be finished, warm-up included.
    warmup, total : int
        Iterations of the warm-up, and of warm-up and sampling together.
    divergences : int
        Divergent transitions after warm-up so far.
    seconds, phase_seconds : float
        Time since it started, and since its phase began.
    """

    chain: int
    phase: str
    iteration: int
    warmup: int
    total: int
    divergences: int = 0
    seconds: float = 0.0
    phase_seconds: float = 0.0

    @property
    def fraction(self) -> float:
        """Part of the iterations that is finished."""
        return min(1.0, self.iteration / self.total)

    @property
    def running(self) -> bool:
        """Whether the chain is at work."""
        return self.phase in ("warm-up", "sampling")

    @property
    def seconds_left(self) -> float | None:
        """Time that it still needs, at the speed of its phase or at first of all its iterations.

        None if the speed is not known yet.
        """
        if not self.running:
            return 0.0 if self.phase != "waiting" else None
        in_phase = self.iteration - (self.warmup if self.phase == "sampling" else 0)
        for done, seconds in ((in_phase, self.phase_seconds), (self.iteration, self.seconds)):
            if done >= _ITERATIONS_TO_JUDGE and seconds >= _SECONDS_TO_JUDGE:
                return (self.total - self.iteration) * seconds / done
        return None


@dataclass(frozen=True)
class ProgressState:
    """What a fit is doing.

    Parameters
    ----------
    stage : str
        The stage it is in; empty before the first.
    past : tuple of (str, float)
        The stages before, and the seconds that each took.
    chains : tuple of ChainState
        The chains, once they have started.
    at_once : int
        Chains that run at the same time.
    elapsed : float
        Seconds since the stage began.
    fit : tuple of int
        Which of how many fits this is about, from 1.
    earlier : int
        Divergent transitions in the fits before.
    jobs : tuple of int
        Of the chains of all fits that an executor runs: how many have ended, and how many there
        are.
    """

    stage: str = ""
    past: tuple[tuple[str, float], ...] = ()
    chains: tuple[ChainState, ...] = ()
    at_once: int = 1
    elapsed: float = 0.0
    fit: tuple[int, int] = (1, 1)
    earlier: int = 0
    jobs: tuple[int, int] = (0, 0)

    @property
    def divergences(self) -> int:
        """Divergent transitions after warm-up in all chains so far."""
        return self.earlier + sum(chain.divergences for chain in self.chains)

    @property
    def fraction(self) -> float:
        """Part of all iterations that is finished."""
        total = sum(chain.total for chain in self.chains)
        return sum(chain.fraction * chain.total for chain in self.chains) / total if total else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Time until the last chain ends; None if that is not known yet.

        Chains of unknown speed are taken to last as long as the others do on average.
        """
        known = {
            chain: chain.seconds_left for chain in self.chains if chain.seconds_left is not None
        }
        if not known:
            return None
        length = sum(chain.seconds + left for chain, left in known.items()) / len(known)
        left = [known.get(chain, max(0.0, length - chain.seconds)) for chain in self.chains]
        running = [rest for chain, rest in zip(self.chains, left, strict=True) if chain.running]
        return max(0.0, *running, sum(left) / self.at_once)
