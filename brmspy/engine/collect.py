"""Decide which chains count, and turn what they wrote into arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from cmdstanpy.stanfit import InferenceMetadata

from brmspy.engine.messages import Failure, explain, incomplete, rejections, sampling_error
from brmspy.engine.output import ChainOutput

__all__ = ["Outcome", "draws_and_stats", "draws_of", "judge"]

_MANY_REJECTIONS = 0.01  # of the draws

# CmdStan's name, ArviZ' name, type, and the value for samplers that do not have it.
_STATS: tuple[tuple[str, str, type, float], ...] = (
    ("lp__", "lp", np.float64, np.nan),
    ("accept_stat__", "acceptance_rate", np.float64, np.nan),
    ("stepsize__", "step_size", np.float64, np.nan),
    ("treedepth__", "tree_depth", np.int64, 0),
    ("n_leapfrog__", "n_steps", np.int64, 0),
    ("divergent__", "diverging", np.bool_, 0),
    ("energy__", "energy", np.float64, np.nan),
)


@dataclass(frozen=True)
class Outcome:
    """Which chains count.

    Parameters
    ----------
    kept : tuple of ChainOutput
        The chains whose draws are used.
    num_draws : int
        Draws that each of them has.
    failures : tuple of str
        What happened to the others.
    warnings : tuple of str
        What the user should know.
    """

    kept: tuple[ChainOutput, ...]
    num_draws: int
    failures: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def judge(chains: Sequence[ChainOutput], interrupted: bool, num_draws: int) -> Outcome:
    """Decide which chains count once all have ended.

    Parameters
    ----------
    chains : sequence of ChainOutput
        The chains.
    interrupted : bool
        Whether the run was interrupted.
    num_draws : int
        Draws that each was asked for.

    Returns
    -------
    Outcome

    Raises
    ------
    SamplingError
        If all chains failed.
    KeyboardInterrupt
        If the run was interrupted and there are no draws.
    """
    failed = {chain: _failure(chain, num_draws) for chain in chains if not chain.stopped}
    failures = {chain: failure for chain, failure in failed.items() if failure is not None}
    good = [chain for chain in chains if chain not in failures]
    described = tuple(
        f"chain {chain.number} {failure.reason}" for chain, failure in failures.items()
    )
    if interrupted:
        kept, common = _most_useful([chain for chain in good if chain.num_draws])
        if not kept:
            raise KeyboardInterrupt
        left_out = tuple(
            f"chain {chain.number} was stopped {_where(chain)}"
            for chain in good
            if chain not in kept
        )
        message = _interrupted_message(kept, common, num_draws, [*described, *left_out])
        return Outcome(kept, common, described + left_out, (message,))
    if not good:
        raise sampling_error(_failed_message(failures, len(chains)), failures.values())
    notes = [_rejection_message(chain, num_draws) for chain in good]
    if failures:
        notes.insert(0, _failed_message(failures, len(chains)))
    return Outcome(tuple(good), num_draws, described, tuple(note for note in notes if note))


def draws_and_stats(
    header: str,
    tables: Sequence[npt.NDArray[np.float64]],
    variables: Sequence[str] | None,
    max_treedepth: int,
) -> tuple[dict[str, npt.NDArray[np.float64]], dict[str, npt.NDArray[Any]]]:
    """Split the chains' tables into variables and statistics.

    Parameters
    ----------
    header : str
        Names of the columns.
    tables : sequence of ndarray of shape (draw, column)
        One for each chain.
    variables : sequence of str or None
        The variables wanted; None for all.
    max_treedepth : int
        The limit of the tree depth.

    Returns
    -------
    tuple of dict
        Arrays (chain, draw, *shape) by Stan variable, and (chain, draw) by statistic.
    """
    draws = draws_of(header, tables, variables)
    return draws, _stats(header.split(","), tables, max_treedepth)


def draws_of(
    header: str,
    tables: Sequence[npt.NDArray[np.float64]],
    variables: Sequence[str] | None = None,
) -> dict[str, npt.NDArray[np.float64]]:
    """Give the columns of tables their shape.

    Parameters
    ----------
    header : str
        Names of the columns.
    tables : sequence of ndarray of shape (draw, column)
        One for each chain.
    variables : sequence of str or None
        The variables wanted; None for all.

    Returns
    -------
    dict of str to ndarray, shape (chain, draw, *shape)
        By Stan variable.
    """
    wanted = {
        name: variable
        for name, variable in InferenceMetadata({"raw_header": header}).stan_vars.items()
        if variables is None or name in variables
    }
    return {
        name: np.ascontiguousarray(np.stack([_values(variable, table) for table in tables]))
        for name, variable in wanted.items()
    }


def _values(variable: Any, table: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    """Return a variable's draws with its shape; Stan writes matrices column by column."""
    if variable.num_elts() != variable.elt_size():  # complex numbers and tuples
        return np.asarray(variable.extract_reshape(table))
    columns = table[:, variable.start_idx : variable.end_idx]
    reversed_shape = columns.reshape(len(table), *variable.dimensions[::-1])
    return reversed_shape.transpose(0, *range(len(variable.dimensions), 0, -1))


def _stats(
    columns: list[str], tables: Sequence[npt.NDArray[np.float64]], max_treedepth: int
) -> dict[str, npt.NDArray[Any]]:
    """Return the sampler's statistics by their ArviZ names."""
    stats: dict[str, npt.NDArray[Any]] = {
        name: np.array([table[:, columns.index(column)] for table in tables]).astype(dtype)
        if column in columns
        else np.full((len(tables), len(tables[0])), missing, dtype)
        for column, name, dtype, missing in _STATS
    }
    stats["reached_max_treedepth"] = stats["tree_depth"] >= max_treedepth
    return stats


def _failure(chain: ChainOutput, num_draws: int) -> Failure | None:
    """Return why a chain that was not stopped failed; None if it did not."""
    if chain.lost is not None:
        return chain.lost
    if chain.status is None:  # never started, because of an interrupt
        return None
    if chain.status != 0:
        return explain(chain.console, chain.status)
    if chain.num_draws != num_draws:
        return incomplete(chain.console, chain.num_draws, num_draws)
    return None


def _most_useful(chains: Sequence[ChainOutput]) -> tuple[tuple[ChainOutput, ...], int]:
    """Return the chains to keep of an interrupted run, and how many draws they have in common.

    One chain that had hardly begun would shorten all others. Chains count more than draws
    (chains² × draws), for only several chains can show that they have not converged.
    """
    lengths = sorted({chain.num_draws for chain in chains}, reverse=True)
    choices = [
        (tuple(chain for chain in chains if chain.num_draws >= length), length)
        for length in lengths
    ]
    return max(choices, key=lambda choice: len(choice[0]) ** 2 * choice[1], default=((), 0))


def _where(chain: ChainOutput) -> str:
    """Say where a chain was stopped."""
    if chain.status is None:
        return "before it started"
    if not chain.num_draws:
        return "during its warm-up"
    return f"after {chain.num_draws} draws"


def _interrupted_message(
    kept: Sequence[ChainOutput], common: int, wanted: int, left_out: Sequence[str]
) -> str:
    """Say what is left of an interrupted run."""
    text = (
        f"Sampling was interrupted. The fit holds {common} of {wanted} draws of "
        f"{_chains([chain.number for chain in kept])}."
    )
    if left_out:
        text += f" Left out: {', '.join(left_out)}."
    return text + " Fit the model again for reliable results."


def _failed_message(failures: dict[ChainOutput, Failure], total: int) -> str:
    """Say which chains failed and why, once for each reason."""
    together: dict[str, list[ChainOutput]] = {}
    for chain, failure in failures.items():
        together.setdefault(failure.reason, []).append(chain)
    lines = []
    for reason, chains in together.items():
        who = _chains([chain.number for chain in chains])
        what = reason.replace("was ", "were ", 1) if len(chains) > 1 else reason
        lines += [f"{who.capitalize()} {what}.", str(failures[chains[0]])]
    finished = total - len(failures)
    if finished:
        lines.append(f"The fit holds the {finished} of {total} chains that finished.")
    return "\n".join(lines)


def _rejection_message(chain: ChainOutput, num_draws: int) -> str:
    """Say that a chain's proposals were often rejected by an error; empty if they were not."""
    number, reason = rejections(chain.console)
    if number <= _MANY_REJECTIONS * num_draws:
        return ""
    return (
        f"In chain {chain.number}, {number} proposals after warm-up were rejected because the "
        f"density could not be evaluated: {reason}\n"
        "The draws may avoid a part of the posterior. Narrower priors, or adapt_delta closer to 1, "
        "often help."
    )


def _chains(numbers: Sequence[int]) -> str:
    """Return the name of chains, such as "chains 1, 2 and 4"."""
    if len(numbers) == 1:
        return f"chain {numbers[0]}"
    return "chains " + ", ".join(map(str, numbers[:-1])) + f" and {numbers[-1]}"
