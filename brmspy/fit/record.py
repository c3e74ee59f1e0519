"""How a fit came about: what is kept beside the model and its draws."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import numpy as np

from brmspy._version import __version__
from brmspy.errors import BrmspyError
from brmspy.fit.contract import FittedModel

if TYPE_CHECKING:
    from brmspy.engine.approximate import ApproximateOptions, ApproximateRun
    from brmspy.engine.sampling import SampleOptions, SamplerRun

__all__ = ["Approximation", "FitRecord"]


@dataclass(frozen=True)
class Approximation:
    """What the draws are instead of those of Markov chains.

    Attributes
    ----------
    algorithm : str
        ``"pathfinder"``, ``"laplace"``, ``"meanfield"`` or ``"fullrank"``.
    title : str
        What it is called in a sentence.
    pareto_k : float
        How well it covers the posterior: below 0.5 good, up to 0.7 usable; see
        `brmspy.fit.importance`.
    candidates : int
        Draws of the approximation that k was estimated from.
    ess : float
        Number of draws of the posterior that the candidates are worth once they are weighted.
    resampled : bool
        Whether the fit's draws were taken from the candidates in proportion to their weights; else
        they are the first of the candidates.
    paths : int
        Paths of the optimizer that they come from; 1 but for Pathfinder.
    """

    algorithm: str
    title: str
    pareto_k: float
    candidates: int
    ess: float
    resampled: bool
    paths: int = 1


@dataclass(frozen=True)
class FitRecord:
    """How a fit came about.

    Attributes
    ----------
    stan_code : str
        The program that was run.
    toolchain : mapping of str to str
        What compiled it.
    options : mapping of str to Any
        Options of the sampler; plain values, ready for JSON.
    seed : int
        Seed of the random numbers.
    chain_ids : tuple of int
        The chains that finished.
    seconds : tuple of tuple of float
        Warm-up and sampling time of each chain; nan for chains that were stopped.
    step_size : Any
        Step size of each chain after adaptation; plain values.
    inv_metric : Any
        Inverse metric of each chain after adaptation; plain values.
    interrupted : bool
        Whether the user stopped the sampler.
    failures : tuple of str
        Why chains or paths failed, or that an approximation has not converged.
    dropped : str
        Rows left out because of missing values; empty if there were none.
    created_at : str
        When, in ISO 8601.
    version : str
        Version of brmspy.
    approximation : Approximation or None
        How good the approximation is; None for NUTS.
    arguments : mapping of str to Any
        Arguments of `brm` that ask for the same again, but for the seed.
    """

    stan_code: str
    toolchain: Mapping[str, str]
    options: Mapping[str, Any]
    seed: int
    chain_ids: tuple[int, ...]
    seconds: tuple[tuple[float, float], ...]
    step_size: Any = None
    inv_metric: Any = None
    interrupted: bool = False
    failures: tuple[str, ...] = ()
    dropped: str = ""
    created_at: str = ""
    version: str = __version__
    approximation: Approximation | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        model: FittedModel,
        run: SamplerRun,
        options: SampleOptions,
        toolchain: Mapping[str, str],
        arguments: Mapping[str, Any] | None = None,
    ) -> FitRecord:
        """Note how a run was made.

        Parameters
        ----------
        model : FittedModel
            The model.
        run : SamplerRun
            What the sampler returned.
        options : SampleOptions
            What it was asked for.
        toolchain : mapping of str to str
            The toolchain's description.
        arguments : mapping of str to Any, optional
            Arguments of `brm` that ask for the same again.
        """
        return cls(
            **_common(model, run, options, toolchain, arguments),
            chain_ids=tuple(int(chain) for chain in run.chain_ids),
            seconds=tuple((float(warmup), float(sampling)) for warmup, sampling in run.seconds),
            step_size=plain(run.step_size, "step_size"),
            inv_metric=plain(run.inv_metric, "inv_metric"),
            interrupted=bool(run.interrupted),
        )

    @classmethod
    def of_approximation(
        cls,
        model: FittedModel,
        run: ApproximateRun,
        options: ApproximateOptions,
        toolchain: Mapping[str, str],
        approximation: Approximation,
        arguments: Mapping[str, Any] | None = None,
    ) -> FitRecord:
        """Note how an approximation was made.

        Parameters
        ----------
        model : FittedModel
            The model.
        run : ApproximateRun
            What Stan returned.
        options : ApproximateOptions
            What it was asked for.
        toolchain : mapping of str to str
            The toolchain's description.
        approximation : Approximation
            How good it is.
        arguments : mapping of str to Any, optional
            Arguments of `brm` that ask for the same again.
        """
        return cls(
            **_common(model, run, options, toolchain, arguments),
            chain_ids=(1,),
            seconds=((0.0, float(run.seconds)),),
            approximation=approximation,
        )

    @property
    def algorithm(self) -> str:
        """``"nuts"``, or the approximation's algorithm."""
        return "nuts" if self.approximation is None else self.approximation.algorithm

    @property
    def stan_code_sha(self) -> str:
        """SHA-256 of the program."""
        return hashlib.sha256(self.stan_code.encode()).hexdigest()

    @property
    def sampling_time(self) -> float:
        """Seconds that the slowest of the chains that ran to their end took; 0 if none did."""
        times = [sum(chain) for chain in self.seconds]
        return max((time for time in times if not math.isnan(time)), default=0.0)

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain values, ready for JSON."""
        values = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        if self.approximation is not None:
            values["approximation"] = dataclasses.asdict(self.approximation)
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FitRecord:
        """Make a record of what `to_dict` returned.

        Parameters
        ----------
        values : mapping of str to Any
            Plain values.
        """
        known = dict(values)
        known["chain_ids"] = tuple(known["chain_ids"])
        known["seconds"] = tuple((warmup, sampling) for warmup, sampling in known["seconds"])
        known["failures"] = tuple(known["failures"])
        if known.get("approximation") is not None:
            known["approximation"] = Approximation(**known["approximation"])
        return cls(**known)


def _common(
    model: FittedModel,
    run: SamplerRun | ApproximateRun,
    options: SampleOptions | ApproximateOptions,
    toolchain: Mapping[str, str],
    arguments: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return the fields of a record that every algorithm has."""
    dropped = model.design.dropped
    fields = {item.name: getattr(options, item.name) for item in dataclasses.fields(options)}
    return {
        "stan_code": model.program.code,
        "toolchain": dict(toolchain),
        "options": plain(fields, "options"),
        "arguments": plain(arguments or {}, "arguments"),
        "seed": int(run.seed),
        "failures": tuple(run.failures),
        "dropped": str(dropped) if dropped.count else "",
        "created_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def plain(value: Any, name: str) -> Any:
    """Turn arrays, mappings and sequences into lists and dicts of numbers and text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(item, f"{name}[{key!r}]") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, f"{name}[{place}]") for place, item in enumerate(value)]
    raise BrmspyError(
        f"{name} is a {type(value).__name__}, which cannot be kept with the fit. Use numbers, "
        "text, arrays, or lists and dicts of them."
    )
