"""`brm()`: from formula and data to a fitted model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from brmspy.engine.cache import compiled
from brmspy.engine.interface import CompileOptions
from brmspy.engine.progress import Progress
from brmspy.engine.sampling import SampleOptions, sample
from brmspy.engine.toolchain import find_toolchain
from brmspy.errors import BrmspyError, did_you_mean
from brmspy.families import Family
from brmspy.fit import BrmsFit
from brmspy.fit.naming import posterior_variables
from brmspy.formula import Formula
from brmspy.model import build, model_from_spec
from brmspy.priors import Prior

__all__ = ["brm", "load"]


def brm(
    formula: str | Formula,
    data: Any,
    family: str | Family | Any = "gaussian",
    prior: Prior | Sequence[Prior] | None = None,
    *,
    data2: Mapping[str, Any] | None = None,
    sample_prior: str = "no",
    chains: int = 4,
    iter_warmup: int = 1000,
    iter_sampling: int = 1000,
    thin: int = 1,
    cores: int | None = None,
    seed: int | None = None,
    adapt_delta: float = 0.8,
    max_treedepth: int = 10,
    init: float | Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    save_warmup: bool = False,
    toolchain: str | None = None,
    progress: bool = True,
    iter: int | None = None,  # noqa: A002 -- brms' name
    warmup: int | None = None,
    control: Mapping[str, Any] | None = None,
) -> BrmsFit:
    """Fit a Bayesian multilevel model with Stan's NUTS.

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
    chains : int
        Number of Markov chains.
    iter_warmup, iter_sampling : int
        Iterations of each chain before and after adaptation ends.
    thin : int
        Keep every `thin`-th draw.
    cores : int, optional
        Chains that run at once; by default as many as there are processors.
    seed : int, optional
        Seed of the random numbers. Drawn, and kept with the fit, if not given.
    adapt_delta : float
        Target acceptance probability; raise it towards 1 if there are divergences.
    max_treedepth : int
        Limit of the trajectories' length, as a power of two.
    init : float, mapping or sequence of mappings, optional
        Initial values: a number x draws them from (-x, x) on the unconstrained scale; a mapping
        holds values by the names of the Stan program.
    save_warmup : bool
        Keep the warm-up draws too.
    toolchain : {"cmdstan", "embedded"}, optional
        What to compile with; by default an installed CmdStan, else the embedded toolchain.
    progress : bool
        Show progress.
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
    CompileError, SamplingError
        If Stan fails.

    References
    ----------
    Bürkner, P.-C. (2017). brms: An R package for Bayesian multilevel models using Stan. Journal of
    Statistical Software, 80(1). https://doi.org/10.18637/jss.v080.i01

    Examples
    --------
    >>> from brmspy import brm, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days + (Days | Subject)", sleepstudy, seed=1, progress=False)
    >>> fit.summary().loc["b_Days", "Estimate"].round(0)
    np.float64(10.0)
    """
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
        inits=init,
        save_warmup=save_warmup,
    )
    model = build(formula, data, family, prior, sample_prior=sample_prior, data2=data2)
    tools = find_toolchain(toolchain)
    with Progress(show=progress) as display:
        binary = compiled(model.program.code, tools, CompileOptions(), on_stage=display.stage)
        run = sample(binary.exe, model.program.data, options, progress=display)
    variables = posterior_variables(model.design, model.program)
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


def _iterations(
    iter_warmup: int, iter_sampling: int, total: int | None, warmup: int | None
) -> tuple[int, int]:
    """Translate brms' counts of iterations, which include the warm-up."""
    if total is None and warmup is None:
        return iter_warmup, iter_sampling
    if total is None:
        return warmup if warmup is not None else iter_warmup, iter_sampling
    before = total // 2 if warmup is None else warmup
    if not 0 <= before < total:
        raise BrmspyError(
            f"iter = {total} counts warm-up and sampling together, so warmup = {before} leaves "
            "no draws. Raise iter, or use iter_warmup and iter_sampling."
        )
    return before, total - before


def _tuning(
    adapt_delta: float, max_treedepth: int, control: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Merge brms' `control` with the arguments that brmspy has for the same."""
    tuning: dict[str, Any] = {"adapt_delta": adapt_delta, "max_treedepth": max_treedepth}
    for name, value in (control or {}).items():
        if name not in tuning:
            raise BrmspyError(f"control has no {name!r}. " + did_you_mean(name, tuning))
        tuning[name] = value
    return tuning
