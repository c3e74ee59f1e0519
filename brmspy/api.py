"""The calls that make fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from brmspy.brmsfit import BrmsFit
from brmspy.families import Family
from brmspy.fitting import (
    plans_alike,
    run_model,
    run_plans,
    settings_from,
    settings_of,
    telling_which,
)
from brmspy.formula import Formula
from brmspy.model import Model, build, model_from_spec
from brmspy.priors import Prior
from brmspy.proposals import advise_priors
from brmspy.several import check_frames, check_models, seeds_of
from brmspy.several import combine as combined

__all__ = ["brm", "brm_multiple", "load"]


def brm(
    formula: str | Formula,
    data: Any,
    family: str | Family | Any = "gaussian",
    prior: Prior | Sequence[Prior] | None = None,
    *,
    data2: Mapping[str, Any] | None = None,
    contrasts: Mapping[str, Any] | None = None,
    default_priors: str = "auto",
    sample_prior: str = "no",
    marginalize: str | bool = "auto",
    parameterization: str = "auto",
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
    executor: Any = None,
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
    contrasts : mapping of str to str or matrix, optional
        How factors are coded, ``{"f": "sum"}``; by default as in R, by treatment contrasts, or by
        polynomials if they are ordered. ``"treatment"`` (other bases: ``'treatment("b")'``),
        ``"sum"``, ``"helmert"``, ``"poly"``, ``"SAS"`` and ``"sdif"`` are R's ``contr.treatment``
        and so on. A matrix has a row for each level, in their order, and at most one column less:
        an array, or a data frame or dict of columns, which name the coefficients; a single column
        without a name is completed as in R. In the formula, ``C(f, sum)`` and ``C(f, Sum)`` say the
        same, of numbers as well.
    default_priors : {"auto", "brms"}
        Where the formula is a named curve, such as ``SSlogis(age, Asym, xmid, scal)`` (see
        `named_curves`), ``"auto"`` gives its parameters normal priors around the curve's self-start
        estimate, each on its own scale, and ``"brms"`` flat ones. All other defaults are brms'.
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
        Iterations of each chain before and after adaptation ends. By default 1000 each, but with
        10,000 rows or more 300 of warm-up, if chains start around a pilot fit (see `init`), which
        adapt no better in more. `iter_warmup`, and all of `thin`, `adapt_delta`, `max_treedepth`,
        `save_warmup`, `iter`, `warmup` and `control`, are refused if they are given with an
        approximation, which has no Markov chains.
    thin : int
        Keep every `thin`-th draw.
    cores : int, optional
        Processors to use; by default all. Chains, or paths of Pathfinder, run at once as many as
        there are cores, or with threads, ``cores // threads``, but at least one.
    seed : int, optional
        Seed of the random numbers. Drawn, and kept with the fit, if not given.
    adapt_delta : float, optional
        Target acceptance probability; raise it towards 1 if there are divergences. By default 0.8,
        and 0.95 for non-linear models with group-level effects that the data say little about,
        whose posteriors bend.
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
    executor : concurrent.futures.Executor or dask.distributed.Client, optional
        Where the chains run, one job each: threads or processes of this machine, or a cluster's
        workers, which compile the model if they do not have it. A chain draws the same numbers
        wherever it runs; if a worker dies, another one runs its chain again. `cores` has no meaning
        then. By default the chains run in processes of this machine.

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
    settings = settings_of(
        algorithm=algorithm,
        chains=chains,
        iter_warmup=iter_warmup,
        iter_sampling=iter_sampling,
        thin=thin,
        cores=cores,
        seed=seed,
        adapt_delta=adapt_delta,
        max_treedepth=max_treedepth,
        init=init,
        threads=threads,
        save_warmup=save_warmup,
        toolchain=toolchain,
        progress=progress,
        verbose=verbose,
        iter=iter,
        warmup=warmup,
        control=control,
    )
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
        contrasts=contrasts,
        default_priors=default_priors,
    )
    advise_priors(model)
    return run_model(BrmsFit, model, settings, executor)


def brm_multiple(
    formula: str | Formula,
    data: Sequence[Any],
    family: str | Family | Any = "gaussian",
    prior: Prior | Sequence[Prior] | None = None,
    *,
    combine: bool = True,
    executor: Any = None,
    contrasts: Mapping[str, Any] | None = None,
    default_priors: str = "auto",
    sample_prior: str = "no",
    marginalize: str | bool = "auto",
    parameterization: str = "auto",
    seed: int | None = None,
    **settings: Any,
) -> BrmsFit | list[BrmsFit]:
    """Fit a model to several data sets, such as multiple imputations of one.

    The model is compiled once. All fits share their priors: defaults that follow from the data are
    those of the first data set.

    Parameters
    ----------
    formula : str or Formula
        As for `brm`.
    data : sequence of DataFrame
        The data sets. They have the same columns, rows and levels.
    family : str or Family
        As for `brm`.
    prior : Prior or sequence of Prior, optional
        As for `brm`.
    combine : bool
        Whether to put the chains of all fits together; else they are returned one by one.
    executor : concurrent.futures.Executor or dask.distributed.Client, optional
        Where the chains run, those of all fits at once; see `brm`. By default one fit is made after
        the other, on this machine.
    contrasts, default_priors, sample_prior, marginalize, parameterization
        As for `brm`.
    seed : int, optional
        The seeds of the fits are derived from it.
    **settings
        Other arguments of `brm`: `chains`, `iter_sampling`, `adapt_delta`, `progress`, and so on.

    Returns
    -------
    BrmsFit or list of BrmsFit
        The combined fit, or one for each data set. Chains of different data sets need not agree:
        `BrmsFit.rhats` has R-hat for each fit, and the summary the largest of them.

    Raises
    ------
    DataError
        If a data set differs from the first in columns, rows or levels; names how.
    SomeFitsFailedError
        If fits failed while others finished, which are in the error's `fits`.
    FormulaError, PriorError, SamplingError, CompileError
        As `brm`.

    Warns
    -----
    SamplingWarning
        What there is to say about a fit, with the number of its data set; or, after Ctrl-C, which
        data sets are missing from what is returned.

    References
    ----------
    Gelman, A., Carlin, J. B., Stern, H. S., Dunson, D. B., Vehtari, A. and Rubin, D. B. (2013).
    Bayesian Data Analysis, third edition, section 18.2.
    http://www.stat.columbia.edu/~gelman/book/

    Examples
    --------
    >>> from brmspy import brm_multiple, load_dataset
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> imputed = [sleepstudy.assign(Reaction=sleepstudy["Reaction"] + noise) for noise in (-1, 1)]
    >>> fit = brm_multiple("Reaction ~ Days", imputed, seed=1, chains=2, progress=False)
    >>> fit["sigma"].sizes["chain"]
    4
    >>> bool((fit.rhats < 1.01).all(axis=None))
    True
    """
    given = {**settings, "seed": seed}
    others = (
        "combine",
        "executor",
        "contrasts",
        "default_priors",
        "sample_prior",
        "marginalize",
        "parameterization",
    )
    chosen = settings_from(given, others)
    base = chosen.options.seed_to_use()
    frames = check_frames(data)
    models: list[Model] = []
    for number, frame in enumerate(frames, start=1):
        with telling_which(number):
            model = build(
                formula,
                frame,
                family,
                prior,
                sample_prior=sample_prior,
                marginalize=marginalize,
                parameterization=parameterization,
                threads=chosen.options.threads,
                contrasts=contrasts,
                default_priors=default_priors,
                defaults=models[0].default_priors if models else None,
            )
        models.append(model)
    check_models(models)
    advise_priors(models[0])
    plans = plans_alike(models, chosen, seeds_of(base, len(models)))
    made = run_plans(BrmsFit, plans, executor, progress=chosen.progress)
    if not combine:
        return list(made.fits.values())
    fit = combined(*made.finished())
    return replace(fit, record=replace(fit.record, seed=base))


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
