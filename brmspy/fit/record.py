"""How a fit came about: what is kept beside the model and its draws."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import numpy as np

from brmspy._version import __version__
from brmspy.errors import BrmspyError
from brmspy.fit.contract import FittedModel

if TYPE_CHECKING:
    from brmspy.engine.approximate import ApproximateOptions, ApproximateRun
    from brmspy.engine.sampling import SampleOptions, SamplerRun

__all__ = ["Approximation", "FitRecord", "Part"]


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

    @classmethod
    def combined(cls, several: Sequence[Approximation]) -> Approximation:
        """Return what is said of several approximations together: k is the worst.

        Parameters
        ----------
        several : sequence of Approximation
            One for each fit.
        """
        return replace(
            several[0],
            pareto_k=max(one.pareto_k for one in several),
            candidates=sum(one.candidates for one in several),
            ess=sum(one.ess for one in several),
            resampled=all(one.resampled for one in several),
            paths=sum(one.paths for one in several),
        )


@dataclass(frozen=True)
class Part:
    """One of the fits that were combined.

    Attributes
    ----------
    chains : int
        Number of its chains.
    seed : int
        Its seed.
    data : int
        Its data set, from 1; fits to the same data have the same number.
    """

    chains: int
    seed: int
    data: int


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
    parts : tuple of Part
        The fits that were combined to this one, in the order of their chains; none if it is one
        fit. What is said of chains is then said of the chains of all, one fit after the other.
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
    parts: tuple[Part, ...] = ()

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

    @classmethod
    def combined(cls, records: Sequence[FitRecord], data: Sequence[int]) -> FitRecord:
        """Return the record of several fits of one model, whose chains are put together.

        Parameters
        ----------
        records : sequence of FitRecord
            Those of the fits.
        data : sequence of int
            The data set of each fit, from 1; for a fit that is itself combined, the first of its
            data sets.
        """
        first = records[0]
        parts = _all_parts(records, data)
        failures = (
            f"fit {number}: {failure}"
            for number, record in enumerate(records, start=1)
            for failure in record.failures
        )
        found = [record.approximation for record in records if record.approximation is not None]
        options = dict(first.options)
        if "chains" in options:
            options["chains"] = sum(record.options["chains"] for record in records)
        return replace(
            first,
            options=options,
            chain_ids=tuple(range(1, sum(part.chains for part in parts) + 1)),
            seconds=tuple(chain for record in records for chain in record.seconds),
            step_size=_joined([record.step_size for record in records]),
            inv_metric=_joined([record.inv_metric for record in records]),
            interrupted=any(record.interrupted for record in records),
            failures=tuple(failures),
            created_at=max(record.created_at for record in records),
            approximation=Approximation.combined(found) if found else None,
            parts=parts,
        )

    @property
    def algorithm(self) -> str:
        """``"nuts"``, or the approximation's algorithm."""
        return "nuts" if self.approximation is None else self.approximation.algorithm

    @property
    def fits(self) -> tuple[tuple[int, ...], ...]:
        """Places of the chains of each fit that is part of this one."""
        if not self.parts:
            return (tuple(range(len(self.chain_ids))),)
        ends = np.cumsum([part.chains for part in self.parts]).tolist()
        return tuple(
            tuple(range(end - part.chains, end)) for part, end in zip(self.parts, ends, strict=True)
        )

    @property
    def data_sets(self) -> tuple[tuple[int, ...], ...]:
        """Places of the chains that draw from the posterior of each data set."""
        found: dict[int, tuple[int, ...]] = {}
        numbers = [part.data for part in self.parts] or [1]
        for number, chains in zip(numbers, self.fits, strict=True):
            found[number] = (*found.get(number, ()), *chains)
        return tuple(found.values())

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
        values["parts"] = [dataclasses.asdict(part) for part in self.parts]
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
        known["parts"] = tuple(Part(**part) for part in known.get("parts", ()))
        return cls(**known)


def _all_parts(records: Sequence[FitRecord], data: Sequence[int]) -> tuple[Part, ...]:
    """Return the fits that several records stand for, data sets numbered anew."""
    numbers: dict[tuple[int, int], int] = {}
    parts = []
    for place, (record, first) in enumerate(zip(records, data, strict=True)):
        own = record.parts or (Part(len(record.chain_ids), record.seed, 1),)
        for part in own:
            # What is known to be shared is a fit's first data set, as only this is kept.
            key = (-1, first) if part.data == own[0].data else (place, part.data)
            number = numbers.setdefault(key, len(numbers) + 1)
            parts.append(replace(part, data=number))
    return tuple(parts)


def _joined(values: Sequence[Any]) -> list[Any] | None:
    """Return what is known of each chain, for the chains of all fits; None unless all know it."""
    if any(value is None for value in values):
        return None
    return [item for value in values for item in value]


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
