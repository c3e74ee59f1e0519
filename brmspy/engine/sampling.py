"""Draw from the posterior: run the chains of a compiled model and collect what they wrote.

cmdstanpy composes CmdStan's command lines and understands its files. The processes are ours, not
those of `cmdstanpy.CmdStanModel.sample`: that waits for a pool of threads, so that an interrupt
leaves its chains running and loses their draws.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from cmdstanpy.cmdstan_args import CmdStanArgs, SamplerArgs

from brmspy.engine.chains import Chain, ChainFiles, run_chains
from brmspy.engine.collect import Outcome, draws_and_stats, judge
from brmspy.engine.options import SampleOptions
from brmspy.engine.output import ChainOutput
from brmspy.engine.progress import Progress
from brmspy.engine.quiet import quiet_cmdstanpy
from brmspy.engine.stan_json import write_json
from brmspy.engine.state import ChainState
from brmspy.errors import SamplingWarning, warn

__all__ = ["SampleOptions", "SamplerRun", "sample", "sample_chains", "sampler_run"]

# Stan's default of 6 loses the spread of a parameter that is far from zero; with 12, a mean a
# million times its standard deviation still has six digits of the latter. All 17 would take 1.3
# times the space and 3 times the time to read.
_DIGITS = 12
_REPORTS_OF_ITERATIONS = 50  # for each chain's warm-up


@dataclass(frozen=True)
class SamplerRun:
    """What the sampler returned.

    Parameters
    ----------
    draws : mapping of str to ndarray
        For each Stan variable an array (chain, draw, *shape), float64 in C order. Variables of
        size zero have no columns in Stan's output and are absent.
    stats : mapping of str to ndarray
        The sampler's statistics (chain, draw) by their ArviZ names: ``lp``, ``acceptance_rate``,
        ``step_size``, ``tree_depth``, ``n_steps``, ``diverging``, ``energy`` and
        ``reached_max_treedepth``.
    warmup_draws, warmup_stats : mapping of str to ndarray or None
        The same for the warm-up, if it was saved.
    chain_ids : tuple of int
        The chains, from 1; those that failed or were stopped early are not among them.
    seconds : ndarray of shape (chain, 2)
        Time of warm-up and sampling; nan for chains that were stopped.
    step_size : ndarray of shape (chain,)
        The step size after adaptation.
    inv_metric : ndarray of shape (chain, n) or (chain, n, n), or None
        The inverse metric after adaptation; None for the unit metric.
    seed : int
        The seed that was used.
    interrupted : bool
        Whether the run was stopped; the draws are those that were finished.
    failures : tuple of str
        What happened to the chains that are missing.
    """

    draws: Mapping[str, npt.NDArray[np.float64]]
    stats: Mapping[str, npt.NDArray[Any]]
    warmup_draws: Mapping[str, npt.NDArray[np.float64]] | None
    warmup_stats: Mapping[str, npt.NDArray[Any]] | None
    chain_ids: tuple[int, ...]
    seconds: npt.NDArray[np.float64]
    step_size: npt.NDArray[np.float64]
    inv_metric: npt.NDArray[np.float64] | None
    seed: int
    interrupted: bool
    failures: tuple[str, ...]


def sample(
    exe: Path,
    data: Mapping[str, Any],
    options: SampleOptions,
    *,
    progress: Progress,
    variables: Sequence[str] | None = None,
) -> SamplerRun:
    """Sample from a compiled model.

    Parameters
    ----------
    exe : Path
        The executable.
    data : mapping of str to array_like
        The data by the names of the Stan program.
    options : SampleOptions
        Number of chains, iterations and the sampler's settings.
    progress : Progress
        Shows how far the chains are.
    variables : sequence of str, optional
        The Stan variables to return; by default all.

    Returns
    -------
    SamplerRun

    Raises
    ------
    SamplingError
        If no chain finishes; names the reason.
    DataError
        If a value cannot be passed to Stan.
    KeyboardInterrupt
        If the run is interrupted before any chain has finished its warm-up. Later, what is
        finished is returned.

    Warns
    -----
    SamplingWarning
        If chains failed while others finished, if the run was interrupted, or if the density
        could not be evaluated at many proposals.
    """
    progress.stage("sample")
    seed = options.seed_to_use()
    outputs, interrupted = sample_chains(
        exe,
        data,
        options,
        seed,
        range(1, options.chains + 1),
        report=lambda states: progress.update(states, options.parallel_chains),
    )
    progress.finish()
    return sampler_run(outputs, options, seed, interrupted=interrupted, variables=variables)


def sample_chains(
    exe: Path,
    data: Mapping[str, Any],
    options: SampleOptions,
    seed: int,
    numbers: Sequence[int],
    *,
    report: Callable[[Sequence[ChainState]], None] = lambda states: None,
) -> tuple[list[ChainOutput], bool]:
    """Run some of the chains of a compiled model.

    Parameters
    ----------
    exe : Path
        The executable.
    data : mapping of str to array_like
        The data by the names of the Stan program.
    options : SampleOptions
        The settings of all chains.
    seed : int
        The seed of all chains, which draw different numbers from it.
    numbers : sequence of int
        Which chains to run, from 1. A chain draws the same whichever others run.
    report : callable, optional
        Called with the states of the chains as they change.

    Returns
    -------
    outputs : list of ChainOutput
        What they have left, finished or not.
    interrupted : bool
        Whether they were stopped.

    Raises
    ------
    DataError
        If a value cannot be passed to Stan.
    """
    with (
        quiet_cmdstanpy(),
        tempfile.TemporaryDirectory(prefix="brmspy-") as name,
    ):
        folder = Path(name)
        chains = _prepare(exe, data, options, seed, folder, numbers)
        interrupted = run_chains(
            chains,
            at_once=options.parallel_chains,
            environment={**os.environ, "STAN_NUM_THREADS": str(options.threads or 1)},
            folder=folder,
            report=report,
        )
        return [chain.output() for chain in chains], interrupted


def sampler_run(
    outputs: Sequence[ChainOutput],
    options: SampleOptions,
    seed: int,
    *,
    interrupted: bool,
    variables: Sequence[str] | None = None,
) -> SamplerRun:
    """Put together what chains have left, and warn of those that failed.

    Parameters
    ----------
    outputs : sequence of ChainOutput
        What each of the chains has left.
    options : SampleOptions
        What they were asked for.
    seed : int
        Their seed.
    interrupted : bool
        Whether they were stopped.
    variables : sequence of str, optional
        The Stan variables to return; by default all.

    Returns
    -------
    SamplerRun

    Raises
    ------
    SamplingError
        If no chain finished; names the reason.
    KeyboardInterrupt
        If the run was interrupted and there are no draws.

    Warns
    -----
    SamplingWarning
        As `sample`.
    """
    outcome = judge(outputs, interrupted, options.draws_per_chain)
    run = _collect(outcome, options, seed, interrupted, variables)
    for message in outcome.warnings:
        warn(message, SamplingWarning)
    return run


def _prepare(
    exe: Path,
    data: Mapping[str, Any],
    options: SampleOptions,
    seed: int,
    folder: Path,
    numbers: Sequence[int],
) -> list[Chain]:
    """Write the input files and compose the chains' commands."""
    data_file = folder / "data.json"
    write_json(data_file, data)
    sizes = options.step_sizes()
    adapts = options.iter_warmup > 0
    arguments = CmdStanArgs(
        model_name=exe.stem,
        model_exe=str(exe),
        chain_ids=list(numbers),
        data=str(data_file),
        seed=seed,
        inits=_write_inits(options, folder, numbers),
        sig_figs=_DIGITS,
        refresh=max(1, options.iter_warmup // _REPORTS_OF_ITERATIONS),
        method_args=SamplerArgs(
            iter_warmup=options.iter_warmup,
            iter_sampling=options.iter_sampling,
            save_warmup=options.save_warmup,
            thin=options.thin,
            max_treedepth=options.max_treedepth,
            metric_type=options.metric,
            metric_file=_write_metrics(options, folder, numbers),
            step_size=None if sizes is None else [sizes[n - 1] for n in numbers],
            adapt_engaged=adapts,
            adapt_delta=options.adapt_delta if adapts else None,
        ),
    )
    files = [ChainFiles(folder / f"chain-{n}.csv", folder / f"chain-{n}.txt") for n in numbers]
    return [
        Chain(
            number,
            arguments.compose_command(place, str(file.csv)),
            file,
            iter_warmup=options.iter_warmup,
            iter_sampling=options.iter_sampling,
            thin=options.thin,
        )
        for place, (number, file) in enumerate(zip(numbers, files, strict=True))
    ]


def _write_inits(
    options: SampleOptions, folder: Path, numbers: Sequence[int]
) -> float | list[str] | None:
    """Write the initial values of chains and return the files, or the number that is given."""
    inits = options.initial_values()
    return _write_each(inits, folder, "inits", numbers) if isinstance(inits, list) else inits


def _write_metrics(
    options: SampleOptions, folder: Path, numbers: Sequence[int]
) -> list[str] | None:
    """Write the inverse metrics that chains start from and return the files."""
    metrics = options.inverse_metrics()
    if metrics is None:
        return None
    return _write_each([{"inv_metric": metric} for metric in metrics], folder, "metric", numbers)


def _write_each(
    values: Sequence[Mapping[str, Any]], folder: Path, name: str, numbers: Sequence[int]
) -> list[str]:
    """Write one file for each of some chains, from the values of all."""
    files = [folder / f"{name}-{number}.json" for number in numbers]
    for file, number in zip(files, numbers, strict=True):
        write_json(file, values[number - 1])
    return [str(file) for file in files]


def _collect(
    outcome: Outcome,
    options: SampleOptions,
    seed: int,
    interrupted: bool,
    variables: Sequence[str] | None,
) -> SamplerRun:
    """Put together what the chains wrote."""
    kept = outcome.kept
    depth = options.max_treedepth
    tables = [chain.draws[: outcome.num_draws] for chain in kept]
    draws, stats = draws_and_stats(kept[0].header, tables, variables, depth)
    warmup: tuple[Any, Any] = (None, None)
    if options.save_warmup:
        warmup_tables = [chain.warmup for chain in kept]
        warmup = draws_and_stats(kept[0].header, warmup_tables, variables, depth)
    metrics = [chain.inv_metric for chain in kept]
    return SamplerRun(
        draws=draws,
        stats=stats,
        warmup_draws=warmup[0],
        warmup_stats=warmup[1],
        chain_ids=tuple(chain.number for chain in kept),
        seconds=np.array([chain.seconds for chain in kept]),
        step_size=stats["step_size"][:, -1],
        inv_metric=None if any(metric is None for metric in metrics) else np.array(metrics),
        seed=seed,
        interrupted=interrupted,
        failures=outcome.failures,
    )
