"""A fit like another one, with something changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from brmspy.data import as_frame
from brmspy.errors import BrmspyError, FormulaError, PriorError
from brmspy.families import Family
from brmspy.fit import Fit
from brmspy.fitting import refit
from brmspy.formula import Formula, update_formula
from brmspy.priors import Prior
from brmspy.priors.matching import key_of

__all__ = ["update"]

F = TypeVar("F", bound=Fit)


def update(
    fit: F,
    formula: str | Formula | None = None,
    newdata: Any = None,
    prior: Prior | Sequence[Prior] | None = None,
    *,
    data: Any = None,
    family: str | Family | None = None,
    keep_priors: bool = True,
    executor: Any = None,
    **settings: Any,
) -> F:
    """Fit a model again with something changed, and all else as it was.

    Nothing is compiled if the structure of the model stays the same, whatever the data and the
    numbers in the priors are.

    Parameters
    ----------
    fit : BrmsFit
        A fitted model.
    formula : str or Formula, optional
        The new formula, in which ``.`` stands for what was there, as in R: ``"~ . + x"`` adds a
        term, ``". ~ . - (1 | g)"`` removes one, ``"log(.) ~ ."`` transforms the response. Dots are
        for the main formula. Formulas of other parameters, ``bf(". ~ .", sigma="~ x")``, replace
        those of the same parameter.
    newdata : DataFrame, optional
        Other data. A fit only keeps the columns that it uses: give its data again, with more
        columns, if the new formula needs them.
    prior : Prior or sequence of Prior, optional
        Priors in place of those that the user set for the same parameters.
    data : DataFrame, optional
        Another name for `newdata`.
    family : str or Family, optional
        Another family.
    keep_priors : bool
        Whether the other priors that the user set are kept.
    executor : concurrent.futures.Executor or dask.distributed.Client, optional
        Where the chains run; as for `brmspy.brm`.
    **settings
        Other arguments of `brmspy.brm`: `chains`, `seed`, `adapt_delta`, and so on. Those that are
        not given are as they were for `fit`, but for the seed, which is drawn anew.

    Returns
    -------
    BrmsFit

    Raises
    ------
    FormulaError
        If the formula is not valid, removes a term that is not there, or needs a column that the
        data do not have.
    PriorError
        If a prior is for a parameter that there is not, or no longer.
    BrmspyError
        If `fit` combines fits to several data sets, and no data are given.
    DataError, SamplingError, CompileError
        As `brmspy.brm`.

    Notes
    -----
    Default priors that follow from the data stay those of the old data, so that fits to other data,
    as in cross-validation, share them. With `prior`, `formula` or `family` they are derived again.

    Chains start as those of `brmspy.brm` do, around a quick approximation of the new posterior. To
    start them from the draws, step size and metric of `fit` instead was measured on six models,
    three seeds each: warm-up takes as many steps (-2 % to +7 %), and chains that start from the
    draws of one posterior could hide that they do not find another.

    Examples
    --------
    >>> from brmspy import brm, load_dataset, update
    >>> sleepstudy = load_dataset("sleepstudy")
    >>> fit = brm("Reaction ~ Days", sleepstudy, seed=1, chains=2, progress=False)
    >>> late = update(fit, newdata=sleepstudy.query("Days >= 2"), seed=1, progress=False)
    >>> late.nobs
    144
    >>> print(update(fit, "~ . - Days", seed=1, progress=False).formula)
    Reaction ~ 1
    """
    if newdata is not None and data is not None:
        raise BrmspyError("newdata and data are two names for the same. Give one of them.")
    given = data if newdata is None else newdata
    frame = None if given is None else as_frame(given)
    sets = len(fit.record.data_sets)
    if given is None and sets > 1:
        raise BrmspyError(
            f"The fit combines fits to {sets} data sets, of which it keeps the first. Give "
            "newdata= to fit one data set, or call brm_multiple() with all of them."
        )
    columns = [str(name) for name in (fit.data if frame is None else frame).columns]
    new = None if formula is None else update_formula(fit.formula, formula, columns)
    rows = _merged(fit, prior, keep_priors)
    changed = new is not None or family is not None
    try:
        return refit(
            fit,
            frame,
            formula=new,
            family=family,
            prior=rows if prior is not None or not keep_priors else None,
            executor=executor,
            **settings,
        )
    except FormulaError as error:
        if given is not None or not error.message.startswith("The data have no column"):
            raise
        hint = "The fit keeps only the columns that it uses: give newdata= with all of them."
        raise FormulaError(
            error.message, error.source, error.span, f"{error.hint or ''}\n{hint}".lstrip()
        ) from error
    except PriorError as error:
        if not changed or not any(str(error).startswith(str(row)) for row in rows):
            raise
        raise PriorError(
            f"{error}\nThis prior is one of those set for the fit that is updated. "
            "keep_priors=False leaves them all out; give those that still hold with prior=."
        ) from error


def _merged(fit: Fit, prior: Prior | Sequence[Prior] | None, keep: bool) -> list[Prior]:
    """Return the user's priors, new ones in place of old ones for the same parameters."""
    new = [] if prior is None else [prior] if isinstance(prior, Prior) else list(prior)
    old = [Prior.from_dict(row) for row in fit.model.spec()["priors"]] if keep else []
    taken = {key_of(row) for row in new if isinstance(row, Prior)}
    return [*(row for row in old if key_of(row) not in taken), *new]
