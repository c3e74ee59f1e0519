"""Fitting a model again: to other data, with other priors, with another formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from brmspy.data import as_frame
from brmspy.data.codings import codings_still_read
from brmspy.families import Family, family_from_dict, get_family
from brmspy.fit import Fit
from brmspy.fitting.arguments import settings_from
from brmspy.fitting.run import run_model
from brmspy.formula import Formula, parse
from brmspy.model import Model, build
from brmspy.priors import Prior

__all__ = ["rebuilt", "refit"]

F = TypeVar("F", bound=Fit)

# brms' words for arguments, and what they stand in place of.
_SYNONYMS = {
    "iter": ("iter_warmup", "iter_sampling"),
    "warmup": ("iter_warmup",),
    "control": ("adapt_delta", "max_treedepth"),
}
_OF_MODEL = ("contrasts", "default_priors", "sample_prior", "marginalize", "parameterization")


def rebuilt(
    fit: Fit,
    data: Any = None,
    *,
    formula: str | Formula | None = None,
    family: str | Family | None = None,
    prior: Prior | Sequence[Prior] | None = None,
    threads: int | None = None,
    **options: Any,
) -> Model:
    """Return the model of a fit with some of its parts replaced, not yet fitted.

    Parameters
    ----------
    fit : BrmsFit
        A fitted model.
    data : DataFrame, optional
        Other data.
    formula : str or Formula, optional
        Another formula.
    family : str or Family, optional
        Another family.
    prior : Prior or sequence of Prior, optional
        Priors in place of all that the user set. Without them, the fit's priors are kept, those
        that followed from its data included, so that fits to parts of the data share their priors.
    threads : int, optional
        Threads within a chain.
    **options
        `contrasts`, `default_priors`, `sample_prior`, `marginalize` and `parameterization`, as for
        `brmspy.brm`. With another formula, the contrasts are kept of those factors that it reads.

    Returns
    -------
    Model

    Raises
    ------
    FormulaError, DataError, PriorError
        If the new parts do not go together.
    """
    spec = fit.model.spec()
    kept = {name: spec[name] for name in _OF_MODEL}
    kept["marginalize"] = "auto" if kept["marginalize"] else False
    the_family = family_from_dict(spec["family"]) if family is None else get_family(family)
    kept["contrasts"] = fit.model.design.contrasts
    if formula is not None and kept["contrasts"] and "contrasts" not in options:
        columns = [str(name) for name in (fit.data if data is None else as_frame(data)).columns]
        terms = parse(formula, the_family.dpar_names, columns)
        kept["contrasts"] = codings_still_read(kept["contrasts"], terms)
    frozen = prior is None and formula is None and family is None
    rows = [Prior.from_dict(row) for row in spec["priors"]] if prior is None else prior
    return build(
        fit.formula if formula is None else formula,
        fit.data if data is None else data,
        the_family,
        rows,
        threads=spec["threads"] if threads is None else threads,
        defaults=fit.model.default_priors if frozen else None,
        **(kept | options),
    )


def refit(
    fit: F,
    data: Any = None,
    *,
    formula: str | Formula | None = None,
    family: str | Family | None = None,
    prior: Prior | Sequence[Prior] | None = None,
    executor: Any = None,
    **options: Any,
) -> F:
    """Fit a model again with some of its parts or of its settings replaced.

    The executable is reused where the structure of the model is the same, whatever the data and
    the numbers in the priors are.

    Parameters
    ----------
    fit : BrmsFit
        A fitted model.
    data : DataFrame, optional
        Other data.
    formula : str or Formula, optional
        Another formula.
    family : str or Family, optional
        Another family.
    prior : Prior or sequence of Prior, optional
        Priors in place of all that the user set. Without them, the fit's priors are kept, those
        that followed from its data included, so that fits to parts of the data share their priors;
        but with another formula or family the defaults are derived again.
    executor : concurrent.futures.Executor or dask.distributed.Client, optional
        Where the chains run.
    **options
        Other arguments of `brmspy.brm`; those that are not given are as they were for `fit`, but
        for the seed, which is drawn anew.

    Returns
    -------
    BrmsFit

    Raises
    ------
    FormulaError, DataError, PriorError, SamplingError, CompileError
        As `brmspy.brm`.
    """
    of_model = {name: options.pop(name) for name in _OF_MODEL if name in options}
    same = formula is None and family is None
    others = ("formula", "family", "prior", "executor", *_OF_MODEL)
    settings = settings_from({**_kept(fit, options, same), **options}, others)
    model = rebuilt(
        fit,
        data,
        formula=formula,
        family=family,
        prior=prior,
        threads=settings.options.threads,
        **of_model,
    )
    return run_model(type(fit), model, settings, executor)


def _kept(fit: Fit, options: Mapping[str, Any], same: bool) -> dict[str, Any]:
    """Return the arguments of the first fit that still hold."""
    kept = dict(fit.record.arguments)
    replaced = [new for new in _SYNONYMS if options.get(new) is not None]
    for name in {old for new in replaced for old in _SYNONYMS[new]} - {*options}:
        kept.pop(name, None)
    init = kept.get("init")
    if isinstance(init, Mapping | Sequence) and not isinstance(init, str):
        one_each = isinstance(init, Sequence) and "chains" in options
        if one_each or not same:  # values for other parameters, or for other chains
            kept.pop("init")
    algorithm = options.get("algorithm", kept.get("algorithm", "nuts"))
    if algorithm != kept.get("algorithm"):  # what is said of chains has no meaning for the others
        kept = {name: kept[name] for name in ("chains", "iter_sampling", "cores") if name in kept}
    return kept
