"""What the sampler can be told, checked before anything is compiled or started."""

from __future__ import annotations

import math
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt

from brmspy.errors import SamplingError, did_you_mean

__all__ = ["SampleOptions", "check_count"]

_METRICS = ("diag_e", "dense_e", "unit_e")
_LARGEST_SEED = 2**32 - 1  # Stan's seed is an unsigned integer of 32 bits
_LARGEST_COUNT = 2**31 - 1


@dataclass(frozen=True)
class SampleOptions:
    """How to draw from the posterior.

    Parameters
    ----------
    chains : int
        Number of chains.
    iter_warmup, iter_sampling : int
        Iterations of each chain before and after adaptation ends. Without warm-up
        (``iter_warmup=0``) nothing is adapted: give `inv_metric` and `step_size`.
    thin : int
        Keep every `thin`-th draw.
    cores : int, optional
        Processors to use; by default all.
    seed : int, optional
        Seed of the random numbers; drawn if not given.
    adapt_delta : float
        Target acceptance probability, between 0 and 1.
    max_treedepth : int
        Limit of the trajectories' length, as a power of two.
    metric : {"diag_e", "dense_e", "unit_e"}
        Shape of the metric that is adapted.
    inits : float, mapping or sequence of mappings, optional
        Initial values: a number x draws them from (-x, x) on the unconstrained scale (Stan's own
        choice is 2); a mapping from the names of the Stan program to values holds for all chains,
        a sequence has one mapping for each chain.
    inv_metric : array or sequence of arrays, optional
        Inverse metric to start from: the variances of the unconstrained parameters or, for a dense
        metric, their covariance matrix. A list or tuple has one array for each chain.
    step_size : float or sequence of float, optional
        Step size to start from; a sequence has one for each chain.
    threads : int, optional
        Threads of each chain, for models compiled with threads; 1 if not given.
    save_warmup : bool
        Keep the warm-up draws too.

    Raises
    ------
    SamplingError
        If a value is not valid; says what is.

    Examples
    --------
    >>> from brmspy.engine.sampling import SampleOptions
    >>> SampleOptions(chains=2, adapt_delta=0.95).draws_per_chain
    1000
    """

    chains: int = 4
    iter_warmup: int = 1000
    iter_sampling: int = 1000
    thin: int = 1
    cores: int | None = None
    seed: int | None = None
    adapt_delta: float = 0.8
    max_treedepth: int = 10
    metric: str = "diag_e"
    inits: float | Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    inv_metric: npt.ArrayLike | Sequence[npt.ArrayLike] | None = field(default=None, compare=False)
    step_size: float | Sequence[float] | None = None
    threads: int | None = None
    save_warmup: bool = False

    def __post_init__(self) -> None:
        check_count("chains", self.chains, 1)
        check_count("iter_warmup", self.iter_warmup, 0)
        check_count("iter_sampling", self.iter_sampling, 1)
        check_count("thin", self.thin, 1)
        check_count("max_treedepth", self.max_treedepth, 1)
        for name in ("cores", "threads"):
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name), 1)
        if self.seed is not None:
            check_count("seed", self.seed, 0, _LARGEST_SEED)
        if not _is_real(self.adapt_delta) or not 0 < self.adapt_delta < 1:
            raise SamplingError(
                f"adapt_delta = {self.adapt_delta!r} is not valid: it is a probability between "
                "0 and 1, both excluded. The default is 0.8; 0.95 or 0.99 help against divergences."
            )
        if self.metric not in _METRICS:
            raise SamplingError(
                f"metric = {self.metric!r} is not valid. {did_you_mean(str(self.metric), _METRICS)}"
            )
        _check_inits(self.inits, self.chains)
        self._check_step_size()
        self._check_inv_metric()

    @property
    def draws_per_chain(self) -> int:
        """Draws that each chain keeps after warm-up."""
        return math.ceil(self.iter_sampling / self.thin)

    @property
    def parallel_chains(self) -> int:
        """Chains that run at once: as many as their threads have processors, but at least one."""
        at_once = (self.cores or _processors()) // (self.threads or 1)
        return min(self.chains, max(1, at_once))

    def seed_to_use(self) -> int:
        """Return the seed, or a new one if none was given."""
        return secrets.randbelow(_LARGEST_COUNT) + 1 if self.seed is None else int(self.seed)

    def step_sizes(self) -> list[float] | None:
        """Return the step size that each chain starts from, or None."""
        if self.step_size is None:
            return None
        if isinstance(self.step_size, Real):
            return [float(self.step_size)] * self.chains
        return [float(value) for value in np.asarray(self.step_size)]

    def initial_values(self) -> float | list[Mapping[str, Any]] | None:
        """Return the range of initial values, or the values that each chain starts from."""
        if self.inits is None:
            return None
        if isinstance(self.inits, Mapping):
            return [self.inits] * self.chains
        return list(self.inits) if isinstance(self.inits, Sequence) else float(self.inits)

    def inverse_metrics(self) -> list[npt.NDArray[np.float64]] | None:
        """Return the inverse metric that each chain starts from, or None."""
        if self.inv_metric is None:
            return None
        if isinstance(self.inv_metric, (list, tuple)) and np.ndim(self.inv_metric[0]) > 0:
            return [np.asarray(value, dtype=np.float64) for value in self.inv_metric]
        return [np.asarray(self.inv_metric, dtype=np.float64)] * self.chains

    def _check_step_size(self) -> None:
        """Check number and sign of the step sizes."""
        sizes = self.step_sizes()
        if sizes is None:
            return
        if len(sizes) != self.chains:
            raise SamplingError(_wrong_number("step_size", len(sizes), self.chains))
        if not all(0 < size < math.inf for size in sizes):
            raise SamplingError(
                f"step_size = {self.step_size!r} is not valid: step sizes are positive numbers."
            )

    def _check_inv_metric(self) -> None:
        """Check number and shape of the inverse metrics."""
        metrics = self.inverse_metrics()
        if metrics is None:
            return
        if self.metric == "unit_e":
            raise SamplingError(
                "inv_metric is given, but metric = 'unit_e' has none. "
                "Use metric = 'diag_e' for variances or 'dense_e' for a covariance matrix."
            )
        if len(metrics) != self.chains:
            raise SamplingError(_wrong_number("inv_metric", len(metrics), self.chains))
        dimensions = 1 if self.metric == "diag_e" else 2
        for value in metrics:
            if value.ndim != dimensions or not np.isfinite(value).all():
                wanted = "a vector of variances" if dimensions == 1 else "a covariance matrix"
                raise SamplingError(
                    f"metric = {self.metric!r} needs {wanted} of finite numbers as inv_metric, "
                    f"found an array of shape {value.shape}."
                )


def check_count(name: str, value: object, least: int, most: int = _LARGEST_COUNT) -> None:
    """Refuse what is not a whole number between `least` and `most`.

    Parameters
    ----------
    name : str
        What the user calls it.
    value : object
        What the user gave.
    least, most : int
        The limits, both included.

    Raises
    ------
    SamplingError
        If it is something else; says what it must be.
    """
    whole = isinstance(value, Integral) and not isinstance(value, (bool, np.bool_))
    if not whole or not least <= int(value) <= most:  # type: ignore[call-overload]  # Integral
        limits = f"of at least {least}" if most == _LARGEST_COUNT else f"from {least} to {most}"
        raise SamplingError(f"{name} = {value!r} is not valid: it must be a whole number {limits}.")


def _check_inits(inits: object, chains: int) -> None:
    """Check the kind and number of the initial values."""
    if inits is None or isinstance(inits, Mapping):
        return
    if _is_real(inits):
        if not 0 <= inits < math.inf:  # type: ignore[operator]  # a real number, checked above
            raise SamplingError(
                f"init = {inits!r} is not valid: a number x draws initial values from (-x, x) on "
                "the unconstrained scale, so it cannot be negative."
            )
        return
    if isinstance(inits, (list, tuple)) and all(isinstance(item, Mapping) for item in inits):
        if len(inits) != chains:
            raise SamplingError(_wrong_number("init", len(inits), chains))
        return
    raise SamplingError(
        f"init = {inits!r} is not valid. Give a number (0 starts at zero, 2 is Stan's range), a "
        "mapping from names to values, or a list of mappings, one for each chain."
    )


def _wrong_number(name: str, found: int, chains: int) -> str:
    """Say that a list does not have one value for each chain."""
    values = "1 value" if found == 1 else f"{found} values"
    return f"{name} has {values} for {chains} chains. Give one for each chain, or one for all."


def _is_real(value: object) -> bool:
    """Tell whether a value is a number (and not a truth value)."""
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_))


def _processors() -> int:
    """Return the number of processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
