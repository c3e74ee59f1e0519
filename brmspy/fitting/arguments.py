"""The arguments of `brm()` that say how to draw, checked and translated."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from brmspy.engine.approximate import ALGORITHMS, ApproximateOptions
from brmspy.engine.sampling import SampleOptions
from brmspy.errors import SamplingError, did_you_mean

__all__ = ["Settings", "settings_from", "settings_of"]

# Those of brm(), to see whether an argument is given together with brms' name for it.
_DEFAULTS = {"iter_warmup": None, "iter_sampling": 1000, "adapt_delta": None, "max_treedepth": 10}

# What only Markov chains have, as it is when it is not given.
_OF_CHAINS: Mapping[str, Any] = {
    "iter_warmup": None,
    "thin": 1,
    "adapt_delta": None,
    "max_treedepth": 10,
    "save_warmup": False,
    "iter": None,
    "warmup": None,
    "control": None,
}
_LEAST_PATHS = 4  # of Pathfinder
# Other words for the algorithms, and what they may mean.
_SYNONYMS = {
    **dict.fromkeys(("advi", "vi", "vb", "variational"), ("meanfield", "fullrank")),
    **dict.fromkeys(("mcmc", "hmc"), ("nuts",)),
    **dict.fromkeys(("map", "optimize", "optimizing"), ("laplace",)),
}


@dataclass(frozen=True)
class Settings:
    """How to draw from the posterior of any model.

    Attributes
    ----------
    algorithm : str
        ``"nuts"`` or an approximation.
    options : SampleOptions
        Those of the sampler; for an approximation, chains are its paths.
    draws : int
        Number of draws of an approximation.
    iter_warmup : int or None
        Length of warm-up, as given to `brm`; None leaves it to the model's plan.
    adapt_delta : float or None
        Target acceptance probability, likewise.
    init : "auto", float, mapping or sequence of mappings
        Initial values, as given to `brm`.
    toolchain : str or None
        What to compile with, as given to `brm`.
    progress : bool
        Whether to show progress.
    verbose : bool
        Whether to say what is fitted.
    """

    algorithm: str
    options: SampleOptions
    draws: int
    iter_warmup: int | None = None
    adapt_delta: float | None = None
    init: Any = "auto"
    toolchain: str | None = None
    progress: bool = True
    verbose: bool = False

    @property
    def processes(self) -> int:
        """How many processes there are: chains, or starts of an approximation."""
        listed = isinstance(self.options.inits, Sequence)
        if self.algorithm == "nuts" or (self.algorithm == "pathfinder" and listed):
            return self.options.chains
        return max(_LEAST_PATHS, self.options.chains) if self.algorithm == "pathfinder" else 1

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of `brm` that make the same settings, but for the seed."""
        options = self.options
        given: dict[str, Any] = {
            "algorithm": self.algorithm,
            "chains": options.chains,
            "iter_sampling": options.iter_sampling,
            "cores": options.cores,
            "init": self.init,
            "threads": options.threads,
            "toolchain": self.toolchain,
        }
        of_chains = ("thin", "max_treedepth", "save_warmup")
        if self.algorithm == "nuts":
            given |= {name: getattr(options, name) for name in of_chains}
            given |= {"adapt_delta": self.adapt_delta, "iter_warmup": self.iter_warmup}
        return given

    def approximation(self, options: SampleOptions) -> ApproximateOptions:
        """Return how to approximate the posterior, from the options of as many chains as paths."""
        return ApproximateOptions(
            self.algorithm,
            draws=self.draws,
            paths=options.chains,
            cores=options.cores,
            seed=options.seed,
            inits=options.inits,
            threads=options.threads,
        )


def settings_of(
    *,
    algorithm: str = "nuts",
    chains: int = 4,
    iter_warmup: int | None = None,
    iter_sampling: int = 1000,
    thin: int = 1,
    cores: int | None = None,
    seed: int | None = None,
    adapt_delta: float | None = None,
    max_treedepth: int = 10,
    init: str | float | Mapping[str, Any] | Sequence[Mapping[str, Any]] = "auto",
    threads: int | None = None,
    save_warmup: bool = False,
    toolchain: str | None = None,
    progress: bool = True,
    verbose: bool = False,
    iter: int | None = None,  # noqa: A002 -- brms' name
    warmup: int | None = None,
    control: Mapping[str, Any] | None = None,
) -> Settings:
    """Check the arguments of `brm` that say how to draw.

    Parameters
    ----------
    algorithm, chains, iter_warmup, iter_sampling, thin, cores, seed, adapt_delta, max_treedepth, \
init, threads, save_warmup, toolchain, progress, verbose, iter, warmup, control
        As for `brmspy.brm`.

    Returns
    -------
    Settings

    Raises
    ------
    SamplingError
        If a value is not valid, or has no meaning for the algorithm.
    """
    method = _algorithm(algorithm)
    _check_of_chains(
        method,
        iter_warmup=iter_warmup,
        thin=thin,
        adapt_delta=adapt_delta,
        max_treedepth=max_treedepth,
        save_warmup=save_warmup,
        iter=iter,
        warmup=warmup,
        control=control,
    )
    iterations = _iterations(iter_warmup, iter_sampling, iter, warmup)
    tuning = _tuning(adapt_delta, max_treedepth, control)
    options = SampleOptions(
        chains=chains,
        iter_warmup=1000 if iterations[0] is None else iterations[0],
        iter_sampling=iterations[1],
        thin=thin,
        cores=cores,
        seed=seed,
        adapt_delta=0.8 if tuning["adapt_delta"] is None else tuning["adapt_delta"],
        max_treedepth=tuning["max_treedepth"],
        inits=None if init == "auto" else init,  # type: ignore[arg-type]  # text is refused there
        threads=threads,
        save_warmup=save_warmup,
    )
    several = isinstance(options.inits, Sequence) and chains > 1
    if several and method not in ("nuts", "pathfinder"):
        raise SamplingError(
            f"init has {chains} values, but algorithm={method!r} starts once. Give one mapping."
        )
    return Settings(
        algorithm=method,
        options=options,
        draws=chains * iter_sampling,
        iter_warmup=iterations[0],
        adapt_delta=tuning["adapt_delta"],
        init=init,
        toolchain=toolchain,
        progress=progress,
        verbose=verbose,
    )


def settings_from(arguments: Mapping[str, Any], others: Iterable[str] = ()) -> Settings:
    """Check arguments of `brm` that came as keywords of another function.

    Parameters
    ----------
    arguments : mapping of str to Any
        Those that say how to draw.
    others : iterable of str
        Names of what else the function takes, for the message.

    Returns
    -------
    Settings

    Raises
    ------
    SamplingError
        If there is no such argument, or a value is not valid.
    """
    known = [*inspect.signature(settings_of).parameters, *others]
    for name in arguments:
        if name not in known:
            raise SamplingError(f"There is no argument {name!r}. {did_you_mean(name, known)}")
    return settings_of(**arguments)


def _algorithm(name: str) -> str:
    """Return the algorithm that is meant, in our words."""
    names = ("nuts", *ALGORITHMS)
    if name == "sampling":
        return "nuts"
    if name in names:
        return name
    near = _SYNONYMS.get(str(name).casefold())
    hint = did_you_mean(str(name), names)
    if near is not None:
        hint = f"Did you mean {' or '.join(map(repr, near))}?"
    raise SamplingError(f"algorithm = {name!r} is not valid. {hint}")


def _check_of_chains(algorithm: str, **given: Any) -> None:
    """Refuse what only Markov chains have, rather than ignore it."""
    if algorithm == "nuts":
        return
    for name, value in given.items():
        if value != _OF_CHAINS[name]:
            raise SamplingError(
                f"{name} = {value!r} has no meaning with algorithm={algorithm!r}, which runs no "
                "Markov chains. Leave it out (the number of draws is chains * iter_sampling), or "
                'use algorithm="nuts".'
            )


def _iterations(
    iter_warmup: int | None, iter_sampling: int, total: int | None, warmup: int | None
) -> tuple[int | None, int]:
    """Translate brms' counts of iterations, which include the warm-up."""
    given = {"iter_warmup": iter_warmup, "iter_sampling": iter_sampling}
    replaced = [] if total is None and warmup is None else ["iter_warmup"]
    replaced += [] if total is None else ["iter_sampling"]
    for name in replaced:
        if given[name] != _DEFAULTS[name]:
            raise SamplingError(
                f"{name} = {given[name]!r} is given together with iter or warmup. Use iter_warmup "
                "and iter_sampling, or brms' iter (which counts the warm-up too) and warmup."
            )
    for name, count in (("iter", total), ("warmup", warmup)):
        if count is not None and (isinstance(count, bool) or not isinstance(count, Integral)):
            raise SamplingError(f"{name} = {count!r} is not valid: it must be a whole number.")
    if total is None:
        return iter_warmup if warmup is None else warmup, iter_sampling
    before = total // 2 if warmup is None else warmup
    if not 0 <= before < total:
        raise SamplingError(
            f"iter = {total} counts warm-up and sampling together, so warmup = {before} leaves "
            "no draws. Raise iter, or use iter_warmup and iter_sampling."
        )
    return before, total - before


def _tuning(
    adapt_delta: float | None, max_treedepth: int, control: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Merge brms' `control` with the arguments that brmspy has for the same."""
    tuning: dict[str, Any] = {"adapt_delta": adapt_delta, "max_treedepth": max_treedepth}
    if control is None:
        return tuning
    if not isinstance(control, Mapping):
        raise SamplingError(
            f"control = {control!r} is not valid: it is a dict, such as {{'adapt_delta': 0.95}}."
        )
    for name, value in control.items():
        if name not in tuning:
            raise SamplingError(f"control has no {name!r}. " + did_you_mean(str(name), tuning))
        if tuning[name] not in (_DEFAULTS[name], value):
            raise SamplingError(
                f"{name} is {tuning[name]!r} as an argument and {value!r} in control. Give it once."
            )
        tuning[name] = value
    return tuning
