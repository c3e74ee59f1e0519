"""`brm()`: from formula and data to a fitted model."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any

from brmspy.engine.approximate import ALGORITHMS, ApproximateOptions, approximate
from brmspy.engine.cache import CompiledModel, compiled
from brmspy.engine.interface import CompileOptions, Toolchain
from brmspy.engine.progress import Progress
from brmspy.engine.sampling import SampleOptions, sample
from brmspy.engine.toolchain import find_toolchain
from brmspy.errors import SamplingError, did_you_mean
from brmspy.families import Family
from brmspy.fit import BrmsFit
from brmspy.fit.naming import posterior_variables
from brmspy.formula import Formula
from brmspy.model import Model, build, model_from_spec
from brmspy.priors import Prior
from brmspy.program import Program

__all__ = ["brm", "load"]

# Those of brm(), to see whether an argument is given together with brms' name for it.
_DEFAULTS = {"iter_warmup": 1000, "iter_sampling": 1000, "adapt_delta": 0.8, "max_treedepth": 10}

# What only Markov chains have, as it is when it is not given.
_OF_CHAINS: Mapping[str, Any] = {
    "iter_warmup": 1000,
    "thin": 1,
    "adapt_delta": 0.8,
    "max_treedepth": 10,
    "save_warmup": False,
    "iter": None,
    "warmup": None,
    "control": None,
}
# Other words for the algorithms, and what they may mean.
_SYNONYMS = {
    **dict.fromkeys(("advi", "vi", "vb", "variational"), ("meanfield", "fullrank")),
    **dict.fromkeys(("mcmc", "hmc"), ("nuts",)),
    **dict.fromkeys(("map", "optimize", "optimizing"), ("laplace",)),
}
_LEAST_PATHS = 4  # of Pathfinder


def brm(
    formula: str | Formula,
    data: Any,
    family: str | Family | Any = "gaussian",
    prior: Prior | Sequence[Prior] | None = None,
    *,
    data2: Mapping[str, Any] | None = None,
    sample_prior: str = "no",
    marginalize: str | bool = "auto",
    parameterization: str = "auto",
    algorithm: str = "nuts",
    chains: int = 4,
    iter_warmup: int = 1000,
    iter_sampling: int = 1000,
    thin: int = 1,
    cores: int | None = None,
    seed: int | None = None,
    adapt_delta: float = 0.8,
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
) -> BrmsFit:
    """Fit a Bayesian multilevel model with Stan: by NUTS, or by a fast approximation.

    Parameters
    ----------
    formula : str or Formula
        ``"y ~ x + (x | g)"``, or what `bf` returns.
    data : DataFrame
        One row for each observation: pandas, or anything that narwhals reads.
    family : str or Family
        ``"gaussian"``, ``"student"``, ``"bernoulli"``, ``"binomial"``, ``"poisson"``,
        ``"negbinomial"``, or a family object such as ``bernoulli(link="probit")``.
    prior : Prior or sequence of Prior, optional
        Priors made by `prior`; the others keep their defaults (see `default_prior`).
    data2 : mapping, optional
        Data that do not fit into the data frame.
    sample_prior : {"no", "only"}
        ``"only"`` ignores the response and draws from the prior.
    marginalize : {"auto", False}
        Integrate group-level effects out of a normal likelihood and draw them afterwards, exactly:
        the same posterior, many times faster. False samples them with everything else.
    parameterization : {"auto", "centered", "noncentered"}
        Coordinates of the group-level effects that are sampled: chosen for each level from how much
        the data say about it; or hierarchical means for all levels; or standardised effects for
        all, as brms has them. The posterior is the same. See `BrmsFit.sampler_plan`.
    algorithm : {"nuts", "pathfinder", "laplace", "meanfield", "fullrank"}
        ``"nuts"`` (brms' word for it, ``"sampling"``, is understood) samples from the posterior.
        The others approximate it in a fraction of the time by a normal distribution of the
        unconstrained parameters: near the mode (``"laplace"``), along the way to it
        (``"pathfinder"``), or by variational inference with independent or correlated parameters
        (``"meanfield"``, ``"fullrank"``). The draws are weighted by their importance; the summary
        begins with Pareto k, which says whether they can be trusted, and a warning is given if not.
        See `BrmsFit.from_approximation`.
    chains : int
        Number of Markov chains. Approximations return ``chains * iter_sampling`` draws as one
        chain; Pathfinder follows as many paths as there are chains, and four at least.
    iter_warmup, iter_sampling : int
        Iterations of each chain before and after adaptation ends. `iter_warmup`, and all of `thin`,
        `adapt_delta`, `max_treedepth`, `save_warmup`, `iter`, `warmup` and `control`, are refused
        if they are given with an approximation, which has no Markov chains.
    thin : int
        Keep every `thin`-th draw.
    cores : int, optional
        Processors to use; by default all. Chains, or paths of Pathfinder, run at once as many as
        there are cores, or with threads, ``cores // threads``, but at least one.
    seed : int, optional
        Seed of the random numbers. Drawn, and kept with the fit, if not given.
    adapt_delta : float
        Target acceptance probability; raise it towards 1 if there are divergences.
    max_treedepth : int
        Limit of the trajectories' length, as a power of two.
    init : "auto", float, mapping or sequence of mappings
        Initial values. ``"auto"`` starts the chains around a quick approximation of the posterior,
        spread by two of its standard deviations, and with its scales; a number x draws them from
        (-x, x) on the unconstrained scale (brms' choice is 2); a mapping holds values by the names
        of the Stan program for all chains, a sequence one mapping for each. An approximation
        starts at one such point, Pathfinder at one for each path.
    threads : int, optional
        Threads within a chain, which share the rows of the data. Chains side by side (see `cores`)
        use processors better; threads help when there are more processors than chains, and ten
        thousand rows or more. With more than one, the Stan program is another and is compiled anew.
        Where group-level effects are integrated out, threads have nothing to do, which a warning
        says.
    save_warmup : bool
        Keep the warm-up draws too.
    toolchain : {"cmdstan", "embedded"}, optional
        What to compile with; by default an installed CmdStan, else the embedded toolchain.
    progress : bool
        Show progress.
    verbose : bool
        Also say, on standard error, what is fitted: the design, the priors in use, the toolchain
        and the executable.
    iter, warmup, control
        As in brms: `iter` counts warm-up too, and `control` holds ``adapt_delta`` and
        ``max_treedepth``. Translated to the above.

    Returns
    -------
    BrmsFit
        The fitted model; ``print`` it, or take its ``idata``.

    Raises
    ------
    FormulaError, DataError, PriorError
        If the model is not valid; before anything is compiled.
    SamplingError
        If an argument of the algorithm is not valid, before anything is compiled; or it fails.
    CompileError
        If there is no compiler, or Stan cannot translate the program.

    References
    ----------
    Bürkner, P.-C. (2017). brms: An R package for Bayesian multilevel models using Stan. Journal of
    Statistical Software, 80(1). https://doi.org/10.18637/jss.v080.i01

    Zhang, L., Carpenter, B., Gelman, A. and Vehtari, A. (2022). Pathfinder: Parallel quasi-Newton
    variational inference. Journal of Machine Learning Research, 23(306).
    https://jmlr.org/papers/v23/21-0889.html

    Kucukelbir, A., Tran, D., Ranganath, R., Gelman, A. and Blei, D. M. (2017). Automatic
    differentiation variational inference. Journal of Machine Learning Research, 18(14).
    https://jmlr.org/papers/v18/16-107.html

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> fit.summary().loc["b_Days", "Estimate"].round(0)
    np.float64(10.0)

    A first look, in a fraction of a second once the model is compiled:

    >>> quick = brm("Reaction ~ Days", sleepstudy, algorithm="laplace", seed=1, progress=False)
    >>> quick.record.approximation.pareto_k < 0.7
    True
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
        iter_warmup=iterations[0],
        iter_sampling=iterations[1],
        thin=thin,
        cores=cores,
        seed=seed,
        adapt_delta=tuning["adapt_delta"],
        max_treedepth=tuning["max_treedepth"],
        inits=None if init == "auto" else init,  # type: ignore[arg-type]  # text is refused there
        threads=threads,
        save_warmup=save_warmup,
    )
    paths = _paths(method, options)
    model = build(
        formula,
        data,
        family,
        prior,
        sample_prior=sample_prior,
        marginalize=marginalize,
        parameterization=parameterization,
        threads=threads,
        data2=data2,
    )
    options = replace(options, chains=paths, threads=model.threads)
    options = _with_start(options, init, model.program)
    tools = find_toolchain(toolchain)
    with Progress(show=progress) as display:
        compile_options = CompileOptions(threads=model.threads > 1)
        binary = compiled(model.program.code, tools, compile_options, on_stage=display.stage)
        if verbose:
            _describe(model, tools, binary)
        variables = posterior_variables(model.design, model.program)
        if method != "nuts":
            how = _approximation(method, options, chains * iter_sampling)
            draws = approximate(binary.exe, model.program.data, how, progress=display)
            return BrmsFit.from_approximation(model, variables, draws, how, tools.describe())
        run = sample(binary.exe, model.program.data, options, progress=display)
    return BrmsFit.from_run(model, variables, run, options, tools.describe())


def load(path: str | Path) -> BrmsFit:
    """Read a fitted model that `BrmsFit.save` wrote; needs no compiler.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    BrmsFit

    Raises
    ------
    BrmspyError
        If there is no such file, it holds no fit, or a newer brmspy wrote it.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from brmspy import brm, load, load_dataset
    >>> fit = brm("Reaction ~ Days", load_dataset("sleepstudy"), seed=1, progress=False)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fit.save(Path(folder) / "fit.nc")
    ...     again = load(Path(folder) / "fit.nc")
    >>> again.nobs
    180
    """
    return BrmsFit.load(path, model_from_spec)


def _describe(model: Model, toolchain: Toolchain, binary: CompiledModel) -> None:
    """Say on standard error what is about to be sampled."""
    compiled_in = "cached" if binary.was_cached else f"compiled in {binary.seconds:.0f} s"
    lines = [
        repr(model.design),
        f"family: {model.family}",
        "priors:",
        model.priors.formatted(),
        "toolchain: " + ", ".join(f"{k} {v}" for k, v in toolchain.describe().items()),
        f"executable: {binary.exe} ({compiled_in})",
    ]
    print("\n".join(lines), file=sys.stderr)


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


def _paths(algorithm: str, options: SampleOptions) -> int:
    """Return how many processes there are: chains, or starts of an approximation."""
    listed = isinstance(options.inits, Sequence)
    if algorithm == "nuts" or (algorithm == "pathfinder" and listed):
        return options.chains
    if algorithm == "pathfinder":
        return max(_LEAST_PATHS, options.chains)
    if listed and options.chains > 1:
        raise SamplingError(
            f"init has {options.chains} values, but algorithm={algorithm!r} starts once. Give one "
            "mapping."
        )
    return 1


def _approximation(algorithm: str, options: SampleOptions, draws: int) -> ApproximateOptions:
    """Return how to approximate the posterior, from the options of as many chains as paths."""
    return ApproximateOptions(
        algorithm,
        draws=draws,
        paths=options.chains,
        cores=options.cores,
        seed=options.seed,
        inits=options.inits,
        threads=options.threads,
    )


def _iterations(
    iter_warmup: int, iter_sampling: int, total: int | None, warmup: int | None
) -> tuple[int, int]:
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
    adapt_delta: float, max_treedepth: int, control: Mapping[str, Any] | None
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


def _with_start(options: SampleOptions, init: Any, program: Program) -> SampleOptions:
    """Return the options with initial values as the Stan program takes them."""
    if init == "auto":
        if program.start is None:
            return options
        seed = options.seed_to_use()
        return replace(
            options,
            seed=seed,
            inits=program.start.points(seed, options.chains),
            inv_metric=program.start.inverse_metric(),
        )
    if isinstance(init, Mapping):
        _check_init(init, program)
        return replace(options, inits=program.initial(init))
    if isinstance(init, Sequence):
        for values in init:
            _check_init(values, program)
        return replace(options, inits=[program.initial(values) for values in init])
    return options


def _check_init(init: Mapping[str, Any], program: Program) -> None:
    """Refuse initial values of what the program does not sample, which Stan would ignore."""
    for name in init:
        if name not in program.initial_names:
            raise SamplingError(
                f"init has a value for {name!r}, which the Stan program does not sample. "
                f"{did_you_mean(str(name), program.initial_names)} See stancode(...) for its "
                "parameters."
            )
