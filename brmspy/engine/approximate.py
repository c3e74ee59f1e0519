"""Approximate the posterior with Stan's Pathfinder, Laplace or variational methods.

The approximation is a normal distribution of the unconstrained parameters, of which Stan returns
independent draws with two log densities: the posterior's and the approximation's own. Their
difference says how good it is.

References
----------
Kucukelbir, A., Tran, D., Ranganath, R., Gelman, A. and Blei, D. M. (2017). Automatic
differentiation variational inference. Journal of Machine Learning Research, 18(14).
https://jmlr.org/papers/v18/16-107.html

Zhang, L., Carpenter, B., Gelman, A. and Vehtari, A. (2022). Pathfinder: Parallel quasi-Newton
variational inference. Journal of Machine Learning Research, 23(306).
https://jmlr.org/papers/v23/21-0889.html
"""

from __future__ import annotations

import json
import math
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from cmdstanpy.cmdstan_args import (
    CmdStanArgs,
    LaplaceArgs,
    OptimizeArgs,
    PathfinderArgs,
    VariationalArgs,
)

from brmspy.engine.chains import Chain, ChainFiles, run_chains
from brmspy.engine.collect import draws_of
from brmspy.engine.messages import Failure, explain, incomplete, sampling_error
from brmspy.engine.options import SampleOptions, check_count
from brmspy.engine.progress import Progress
from brmspy.engine.quiet import quiet_cmdstanpy
from brmspy.engine.stan_json import write_json
from brmspy.errors import SamplingError, did_you_mean

__all__ = ["ALGORITHMS", "ApproximateOptions", "ApproximateRun", "approximate"]

ALGORITHMS: Mapping[str, str] = MappingProxyType(
    {
        "pathfinder": "Pathfinder",
        "laplace": "the Laplace approximation",
        "meanfield": "mean-field ADVI",
        "fullrank": "full-rank ADVI",
    }
)
"""What each algorithm is called in a sentence."""

_DIGITS = 12  # as for the sampler
_ALL_DIGITS = 18  # of the mode, at which the curvature is computed
_LEAST_DRAWS_OF_A_PATH = 1000  # Stan's own number, from which the weights' tail is estimated
_DRAWS_TO_START = 100
_ATTEMPTS_TO_START = 4
_OPTIMIZER_ITERATIONS = 10_000
_ADVI_ITERATIONS = 10_000
_QUIET = 1_000_000  # iterations between two lines of progress

_MODE_ADVICE = (
    "The posterior may have no maximum, as when a standard deviation may be zero. Use stronger "
    'priors, start elsewhere (init=0.1, or values), or use algorithm="pathfinder" or "nuts".'
)
# (what Stan prints, what it means, what to do); the first that is found counts.
_MEANINGS = (
    (
        r"[Ll]ine search failed|Optimization terminated with error|None of the LBFGS iterations",
        "did not find the maximum of the density",
        _MODE_ADVICE,
    ),
    (
        r"All proposed step-sizes|Cannot compute ELBO|dropped evaluations",
        "did not find a step size at which the approximation improves",
        "It starts with standard deviations of one, which is too wide where there are many "
        'parameters or the data say much about them. Use algorithm="pathfinder", "laplace" or '
        '"nuts".',
    ),
    (
        r"has 0 parameters",
        "cannot approximate a model without parameters",
        'Use algorithm="nuts".',
    ),
)
_NO_MODE = Failure("did not reach a maximum of the density", _MODE_ADVICE, "")
_NO_NORMAL = Failure(
    "found a point at which the density does not curve downwards in every direction",
    _MODE_ADVICE,
    "",
)


@dataclass(frozen=True)
class ApproximateOptions:
    """How to approximate the posterior.

    Parameters
    ----------
    algorithm : {"pathfinder", "laplace", "meanfield", "fullrank"}
        The method.
    draws : int
        Draws wanted.
    paths : int
        Paths that Pathfinder follows; the other methods have one.
    cores : int, optional
        Paths that run at once; by default as many as there are processors.
    seed : int, optional
        Seed of the random numbers; drawn if not given.
    inits : float, mapping or sequence of mappings, optional
        Initial values, as for the sampler; a sequence has one mapping for each path.
    threads : int, optional
        Threads of each path, for models compiled with threads.

    Raises
    ------
    SamplingError
        If a value is not valid; says what is.

    Examples
    --------
    >>> from brmspy.engine.approximate import ApproximateOptions
    >>> ApproximateOptions("pathfinder", draws=4000, paths=4).draws_per_path
    1000
    """

    algorithm: str
    draws: int = 4000
    paths: int = 1
    cores: int | None = None
    seed: int | None = None
    inits: float | Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.algorithm not in ALGORITHMS:
            raise SamplingError(
                f"algorithm = {self.algorithm!r} is not an approximation. "
                + did_you_mean(str(self.algorithm), ALGORITHMS)
            )
        check_count("draws", self.draws, 1)
        check_count("paths", self.paths, 1)
        if self.paths > 1 and self.algorithm != "pathfinder":
            raise SamplingError(
                f"paths = {self.paths!r} is not valid: only Pathfinder follows several paths."
            )
        self.start()

    @property
    def draws_per_path(self) -> int:
        """Draws of each path, before they are weighted: 1000, or more if more are wanted."""
        return max(_LEAST_DRAWS_OF_A_PATH, math.ceil(self.draws / self.paths))

    @property
    def title(self) -> str:
        """What the algorithm is called in a sentence."""
        return ALGORITHMS[self.algorithm]

    def start(self) -> SampleOptions:
        """Return seed, initial values and cores as options of chains, one for each path."""
        return SampleOptions(
            chains=self.paths,
            cores=self.cores,
            seed=self.seed,
            inits=self.inits,
            threads=self.threads,
        )


@dataclass(frozen=True)
class ApproximateRun:
    """Independent draws from an approximation of the posterior.

    Parameters
    ----------
    draws : mapping of str to ndarray
        For each Stan variable an array (1, draw, *shape). They are not weighted yet, and there may
        be more than were asked for; Pathfinder's are those of one path after the other.
    lp : ndarray of shape (draw,)
        Log density of the posterior in the unconstrained parameters, up to the model's constant;
        minus infinity where it could not be evaluated.
    log_q : ndarray of shape (draw,)
        Log density of the approximation in the same coordinates; except for Pathfinder up to a
        constant, which is the same for all draws.
    paths : int
        Paths that the draws come from.
    seed : int
        The seed that was used.
    seconds : float
        Time from the start of Stan to its end.
    failures : tuple of str
        What happened to paths that are missing, or that ADVI has not converged.
    """

    draws: Mapping[str, npt.NDArray[np.float64]]
    lp: npt.NDArray[np.float64]
    log_q: npt.NDArray[np.float64]
    paths: int
    seed: int
    seconds: float
    failures: tuple[str, ...] = ()


def approximate(
    exe: Path, data: Mapping[str, Any], options: ApproximateOptions, *, progress: Progress
) -> ApproximateRun:
    """Approximate the posterior of a compiled model.

    Pathfinder follows the path of a quasi-Newton optimizer and takes, of the normal approximations
    along it, the one nearest to the posterior by the Kullback-Leibler divergence; each path runs in
    a process of its own. The Laplace approximation is the normal distribution with the curvature at
    the posterior's mode. ADVI maximises the evidence's lower bound over normal distributions, with
    independent (mean-field) or correlated (full-rank) parameters.

    Parameters
    ----------
    exe : Path
        The executable.
    data : mapping of str to array_like
        The data by the names of the Stan program.
    options : ApproximateOptions
        The method and its settings.
    progress : Progress
        Shows what is being done.

    Returns
    -------
    ApproximateRun

    Raises
    ------
    SamplingError
        If the method fails; names the reason.
    DataError
        If a value cannot be passed to Stan.
    KeyboardInterrupt
        If the run is interrupted.

    References
    ----------
    Zhang et al. (2022) for Pathfinder, Kucukelbir et al. (2017) for ADVI; see the module.
    """
    title = options.title.removeprefix("the ")
    progress.stage(title[0].upper() + title[1:])
    seed = options.start().seed_to_use()
    with (
        quiet_cmdstanpy(),
        tempfile.TemporaryDirectory(prefix="brmspy-") as folder,
    ):
        stan = _Stan(exe, Path(folder), options, seed)
        write_json(stan.data, data)
        start = time.monotonic()
        output = _METHODS[options.algorithm](stan)
        seconds = time.monotonic() - start
        progress.finish()
    columns = output.header.split(",")
    lp, log_q = (output.table[:, columns.index(name)] for name in (output.lp, output.log_q))
    return ApproximateRun(
        draws=draws_of(output.header, [output.table]),
        lp=np.where(np.isnan(lp), -np.inf, lp),
        log_q=log_q,
        paths=output.paths,
        seed=seed,
        seconds=seconds,
        failures=output.failures,
    )


@dataclass(frozen=True)
class _Output:
    """What a method wrote, and the names of the columns with the two densities."""

    header: str
    table: npt.NDArray[np.float64]
    lp: str
    log_q: str
    paths: int = 1
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Stan:
    """A compiled model with its data, ready to run Stan's methods."""

    exe: Path
    folder: Path
    options: ApproximateOptions
    seed: int

    @property
    def data(self) -> Path:
        """The file of the data."""
        return self.folder / "data.json"

    def run(
        self,
        name: str,
        method: Any,
        *,
        inits: bool,
        digits: int = _DIGITS,
        details: str = "",
        first: int = 1,
    ) -> list[Chain]:
        """Run a method, once for each path.

        Parameters
        ----------
        name : str
            First word of the files' names.
        method : PathfinderArgs or another of cmdstanpy's
            What to run.
        inits : bool
            Whether it takes initial values.
        digits : int
            Digits of the numbers written.
        details : str
            Name of a file for what the method says about itself; empty for none.
        first : int
            Number of the first path, which with the seed decides the random numbers.

        Returns
        -------
        list of Chain
            The processes, all ended.

        Raises
        ------
        KeyboardInterrupt
            If the run is interrupted.
        """
        start = self.options.start()
        numbers = list(range(first, first + start.chains))
        arguments = CmdStanArgs(
            model_name=self.exe.stem,
            model_exe=str(self.exe),
            chain_ids=numbers,
            data=str(self.data),
            seed=self.seed,
            inits=self._write_inits(start) if inits else None,
            sig_figs=digits,
            refresh=_QUIET,
            method_args=method,
        )
        details_file = str(self.folder / details) if details else None
        files = [
            ChainFiles(self.folder / f"{name}-{n}.csv", self.folder / f"{name}-{n}.txt")
            for n in numbers
        ]
        chains = [
            Chain(
                number,
                arguments.compose_command(
                    number - first, str(file.csv), diagnostic_file=details_file
                ),
                file,
                iter_warmup=0,
                iter_sampling=self.options.draws_per_path,
                thin=1,
            )
            for number, file in zip(numbers, files, strict=True)
        ]
        interrupted = run_chains(
            chains,
            at_once=start.parallel_chains,
            environment={**os.environ, "STAN_NUM_THREADS": str(start.threads or 1)},
            folder=self.folder,
            report=lambda states: None,
        )
        if interrupted:
            raise KeyboardInterrupt
        return chains

    def _write_inits(self, start: SampleOptions) -> float | list[str] | None:
        """Write the initial values of each path and return the files, or the number given."""
        inits = start.initial_values()
        if not isinstance(inits, list):
            return inits
        files = [self.folder / f"inits-{i + 1}.json" for i in range(len(inits))]
        for file, values in zip(files, inits, strict=True):
            write_json(file, values)
        return [str(file) for file in files]


def _pathfinder(stan: _Stan) -> _Output:
    """Follow several paths; those that fail are left out as long as one remains.

    Stan would resample the draws by their importance, and return neither the draws that it dropped
    nor the weights. With one path for each process there is nothing to resample, so that the
    weights can be judged; `brmspy.fit.importance` resamples. The draws are those that Stan weights
    if the same paths run in one process.
    """
    options = stan.options
    method = PathfinderArgs(num_paths=1, num_draws=options.draws_per_path, psis_resample=False)
    paths = stan.run("path", method, inits=True)
    failures = _failures(paths, 1)
    good = [path for path in paths if path not in failures]
    if not good:
        first = next(iter(failures.values()))
        raise sampling_error(_sentence(options.algorithm, first), [first])
    return _Output(
        good[0].csv.header,
        np.concatenate([path.csv.draws() for path in good]),
        lp="lp__",
        log_q="lp_approx__",
        paths=len(good),
        failures=tuple(f"path {path.number} {what.reason}" for path, what in failures.items()),
    )


def _laplace(stan: _Stan) -> _Output:
    """Find the mode in unconstrained coordinates, and draw from the normal distribution there."""
    algorithm = stan.options.algorithm
    search = OptimizeArgs(algorithm="lbfgs", jacobian=True, iter=_OPTIMIZER_ITERATIONS)
    [mode] = _near_mode(stan).run("mode", search, inits=True, digits=_ALL_DIGITS)
    _check(algorithm, mode, 1)
    if "Maximum number of iterations hit" in mode.console():
        raise SamplingError(_sentence(algorithm, _NO_MODE))
    wanted = stan.options.draws_per_path
    method = LaplaceArgs(mode=str(mode.files.csv), draws=wanted)
    [draws] = stan.run("draws", method, inits=False, details="curvature.json")
    _check(algorithm, draws, wanted)
    # Where the curvature is not that of a maximum, Stan draws all the same, from nothing in
    # particular.
    curvature = json.loads((stan.folder / "curvature.json").read_text(encoding="utf-8"))
    if not _is_positive_definite(-np.array(curvature["Hessian"], dtype=np.float64)):
        raise SamplingError(_sentence(algorithm, _NO_NORMAL))
    return _Output(draws.csv.header, draws.csv.draws(), lp="log_p__", log_q="log_q__")


def _variational(stan: _Stan) -> _Output:
    """Maximise the evidence's lower bound by stochastic gradients, and draw."""
    options = stan.options
    method = VariationalArgs(
        algorithm=options.algorithm,
        iter=_ADVI_ITERATIONS,
        output_samples=options.draws_per_path,
    )
    [run] = _near_mode(stan).run("draws", method, inits=True)
    _check(options.algorithm, run, options.draws_per_path + 1)
    # Which does not mean much for itself: where the bound is near zero, its relative change stays
    # large.
    ended = "maximum number of iterations is reached" in run.console()
    # The first row is the approximation's mean.
    return _Output(
        run.csv.header,
        run.csv.draws()[1:],
        lp="log_p__",
        log_q="log_g__",
        failures=(f"ADVI has not converged in {_ADVI_ITERATIONS} iterations",) if ended else (),
    )


def _near_mode(stan: _Stan) -> _Stan:
    """Return the same with initial values where the posterior is, unless the user gave some.

    From Stan's start, at random within (-2, 2), ADVI does not reach parameters that are far away,
    such as an intercept of 250, and an optimizer may not get anywhere. Pathfinder follows a path
    that begins there too, but notices if it fails, and then another is tried; its likeliest draw is
    the start. If all fail, the start is Stan's.
    """
    if stan.options.inits is not None:
        return stan
    method = PathfinderArgs(num_paths=1, num_draws=_DRAWS_TO_START, psis_resample=False)
    for attempt in range(1, _ATTEMPTS_TO_START + 1):
        name = f"start-{attempt}"
        [path] = stan.run(name, method, inits=True, digits=_ALL_DIGITS, first=attempt)
        if _failures([path], 1):
            continue
        table = path.csv.draws()
        lp = table[:, path.csv.columns.index("lp__")]
        best = table[[np.argmax(np.where(np.isnan(lp), -np.inf, lp))]]
        inits = {name: values[0, 0] for name, values in draws_of(path.csv.header, [best]).items()}
        return replace(stan, options=replace(stan.options, inits=inits))
    return stan


_METHODS: Mapping[str, Callable[[_Stan], _Output]] = {
    "pathfinder": _pathfinder,
    "laplace": _laplace,
    "meanfield": _variational,
    "fullrank": _variational,
}


def _failures(runs: Sequence[Chain], least: int) -> dict[Chain, Failure]:
    """Return what went wrong with the runs that failed or wrote fewer rows than `least`."""
    found = {}
    for run in runs:
        if run.status != 0:
            found[run] = explain(run.console(), run.status or 0, _MEANINGS)
        elif run.csv.num_draws < least:
            found[run] = incomplete(run.console(), run.csv.num_draws, least)
    return found


def _check(algorithm: str, run: Chain, least: int) -> None:
    """Raise what went wrong with a run, if anything did."""
    for failure in _failures([run], least).values():
        raise sampling_error(_sentence(algorithm, failure), [failure])


def _sentence(algorithm: str, failure: Failure) -> str:
    """Say that a method failed, why, and what to do."""
    name = ALGORITHMS[algorithm]
    return f"{name[0].upper()}{name[1:]} {failure.reason}.\n{failure}"


def _is_positive_definite(matrix: npt.NDArray[np.float64]) -> bool:
    """Tell whether a symmetric matrix is a precision matrix."""
    if not np.isfinite(matrix).all():
        return False
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return False
    return True
