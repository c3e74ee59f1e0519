"""The model before it is fitted: everything from the formula to the Stan program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from brmspy.data import Design, as_frame, design
from brmspy.engine.options import check_count
from brmspy.errors import (
    BrmspyError,
    BrmspyWarning,
    DataError,
    FormulaError,
    PriorError,
    check_choice,
    warn,
)
from brmspy.families import Family, family_from_dict, get_family
from brmspy.formula import Formula, ModelTerms, parse
from brmspy.formula.codings import codings_from_dict
from brmspy.priors import (
    NlparGuess,
    ParameterBlock,
    Prior,
    PriorSet,
    curve_defaults,
    default_prior_table,
    parameter_blocks,
    resolve,
    starting_coefficients,
)
from brmspy.program import Program, build_program

__all__ = ["Model", "build", "default_prior", "model_from_spec", "stancode", "standata"]

_SAMPLE_PRIOR = ("no", "only")
_MARGINALIZE = ("auto", False)
_PARAMETERIZATION = ("auto", "centered", "noncentered")
_DEFAULT_PRIORS = ("auto", "brms")
_PRIOR_EXAMPLE = 'Write for example prior("normal(0, 1)", class_="b").'


@dataclass(frozen=True)
class Model:
    """A model that is ready to be compiled and sampled.

    Attributes
    ----------
    formula : Formula
        What the user wrote.
    family : Family
        The response's family.
    design : Design
        Names, levels and arrays.
    response : ndarray, shape (nobs,)
        The response, coded as the family wants it.
    user_priors : tuple of Prior
        What the user set.
    priors : PriorSet
        One prior for every parameter.
    program : Program
        The Stan program and its data.
    sample_prior : {"no", "only"}
        Whether the draws are to come from the prior alone.
    marginalize : bool
        Whether group-level effects are integrated out where that has a closed form.
    parameterization : {"auto", "centered", "noncentered"}
        Coordinates of the group-level effects that are sampled.
    threads : int
        Threads of a chain that share the rows.
    defaults : mapping of str to str or None
        Default priors taken from another model; None if they follow from the data.
    default_rule : {"auto", "brms"}
        What default priors of a named curve's parameters follow from.
    guesses : mapping of str to NlparGuess
        What the data say about the parameters of a named curve, by linear predictor.
    """

    formula: Formula
    family: Family
    design: Design = field(repr=False)
    response: NDArray[Any] = field(repr=False)
    user_priors: tuple[Prior, ...]
    priors: PriorSet = field(repr=False)
    program: Program = field(repr=False)
    sample_prior: str = "no"
    marginalize: bool = field(default=True, repr=False)
    parameterization: str = field(default="auto", repr=False)
    threads: int = field(default=1, repr=False)
    defaults: Mapping[str, str] | None = field(default=None, repr=False)
    default_rule: str = field(default="auto", repr=False)
    guesses: Mapping[str, NlparGuess] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        formula = str(self.formula).replace("\n", "\n         ")
        return "\n".join(
            [
                f" Family: {self.family}",
                f"Formula: {formula}",
                *str(self.design).splitlines(),
                "Priors:" if self.sample_prior == "no" else "Priors, to be drawn from:",
                str(self.priors),
            ]
        )

    @property
    def terms(self) -> ModelTerms:
        """The parsed formula."""
        return self.design.terms

    @property
    def nobs(self) -> int:
        """Number of rows that the model uses."""
        return self.design.arrays.nobs

    def spec(self) -> dict[str, Any]:
        """Return what, with the data, makes the same model again; ready for JSON."""
        codings = self.design.contrasts
        return {
            "formula": self.formula.to_dict(),
            "family": self.family.to_dict(),
            "priors": [row.to_dict() for row in self.user_priors],
            "sample_prior": self.sample_prior,
            "marginalize": self.marginalize,
            "parameterization": self.parameterization,
            "threads": self.threads,
            "defaults": self.defaults,
            "default_priors": self.default_rule,
            "contrasts": {name: coding.to_dict() for name, coding in codings.items()},
        }

    @property
    def default_priors(self) -> dict[str, str]:
        """The default prior of each class of parameters, for `build` of a model like this."""
        blocks = [priors.block for priors in self.priors.blocks]
        defaults = {_place(block): block.default for block in blocks}
        for block in blocks:
            named = zip(block.coefs, block.coef_defaults, strict=False)
            defaults |= {f"{_place(block)}/{coef}": text for coef, text in named}
        return defaults


def build(
    formula: str | Formula,
    data: Any,
    family: str | Family | Any = "gaussian",
    prior: Prior | Sequence[Prior] | None = None,
    *,
    sample_prior: str = "no",
    marginalize: str | bool = "auto",
    parameterization: str = "auto",
    threads: int | None = None,
    data2: Mapping[str, Any] | None = None,
    default_priors: str = "auto",
    contrasts: Mapping[str, Any] | None = None,
    defaults: Mapping[str, str] | None = None,
) -> Model:
    """Go from a formula to the Stan program, without compiling it.

    Parameters
    ----------
    formula : str or Formula
        The formula, as text or made by `brmspy.bf`.
    data : DataFrame
        The data: pandas, or anything that narwhals reads.
    family : str or Family
        The response's family.
    prior : Prior or sequence of Prior, optional
        Priors that replace the defaults.
    sample_prior : {"no", "only"}
        Whether to ignore the response and draw from the prior.
    marginalize : {"auto", False}
        Whether to integrate group-level effects out of the likelihood where that has a closed form.
    parameterization : {"auto", "centered", "noncentered"}
        Coordinates of the group-level effects that are sampled.
    threads : int, optional
        Threads within a chain, which share the rows of the data.
    data2 : mapping, optional
        Data that do not fit into the data frame. No term supported so far takes any.
    default_priors : {"auto", "brms"}
        What the default priors of a named curve's parameters follow from: the curve's self-start,
        or brms' rules, which make them flat.
    contrasts : mapping of str to str or matrix, optional
        How factors are coded: see `brmspy.brm`.
    defaults : mapping of str to str, optional
        Default priors of another model to use in place of those that follow from the data: its
        `Model.default_priors`. Classes of parameters that it does not name keep their own.

    Returns
    -------
    Model

    Raises
    ------
    FormulaError, DataError, PriorError
        If formula, data or priors are not valid.
    SamplingError
        If `threads` is not a whole number of at least 1.

    Warns
    -----
    BrmspyWarning
        If threads have no rows to share, as effects are integrated out.

    Examples
    --------
    >>> from brmspy import load_dataset
    >>> from brmspy.model import build
    >>> build("Reaction ~ Days + (Days | Subject)", load_dataset("sleepstudy")).nobs
    180
    """
    check_choice("sample_prior", sample_prior, _SAMPLE_PRIOR)
    if marginalize not in _MARGINALIZE:
        raise BrmspyError(f"marginalize = {marginalize!r} is not valid. It is 'auto' or False.")
    check_choice("parameterization", parameterization, _PARAMETERIZATION)
    if threads is not None:
        check_count("threads", threads, 1)
    if data2:
        raise DataError("No term that is supported so far uses data2. Leave it out.")
    rows = _prior_rows(prior)
    parts = _parts(
        formula, data, family, rows, default_priors, contrasts, lenient=defaults is not None
    )
    built, the_family, response = parts.design, parts.family, parts.response
    priors = resolve([_frozen(block, defaults or {}) for block in parts.blocks], rows)
    if sample_prior == "only" and priors.improper:
        raise PriorError(
            "sample_prior = 'only' needs a proper prior for every parameter. These are flat: "
            + ", ".join(priors.improper)
            + '. Set one with prior("normal(0, 10)", ...).'
        )
    program = build_program(
        built,
        the_family,
        response,
        priors,
        prior_only=sample_prior == "only",
        marginalize=marginalize == "auto",
        parameterization=parameterization,
        threads=threads or 1,
        start={name: starting_coefficients(built, g) for name, g in parts.guesses.items()},
    )
    if threads is not None and program.threads < threads:
        warn(_no_rows(program, threads), BrmspyWarning)
    return Model(
        built.terms.formula,
        the_family,
        built,
        response,
        rows,
        priors,
        program,
        sample_prior,
        marginalize == "auto",
        parameterization,
        program.threads,
        dict(defaults) if defaults else None,
        default_priors,
        parts.guesses,
    )


def _no_rows(program: Program, threads: int) -> str:
    """Say why threads have nothing to do."""
    integrated = program.terms.integrated
    assert integrated is not None, "a program with rows shares them"
    return (
        f"threads = {threads} is not used: the effects of {integrated.group} are integrated out, "
        "so that the likelihood takes the same time for any number of rows and leaves none for "
        "threads to share. Chains run side by side, as with threads = 1. marginalize=False "
        "samples the effects and shares the rows, which rarely is as fast."
    )


@dataclass(frozen=True)
class _Parts:
    """What a model's priors and program are made of."""

    blocks: tuple[ParameterBlock, ...]
    design: Design
    family: Family
    response: NDArray[Any]
    guesses: Mapping[str, NlparGuess]


def _parts(
    formula: str | Formula,
    data: Any,
    family: str | Family | Any,
    rows: Sequence[Prior],
    default_priors: str,
    contrasts: Mapping[str, Any] | None,
    *,
    lenient: bool = False,
) -> _Parts:
    """Return the parameters of a model with their default priors, and what they follow from."""
    check_choice("default_priors", default_priors, _DEFAULT_PRIORS)
    the_family = get_family(family)
    built, terms = _design(formula, data, the_family, contrasts)
    arrays = built.arrays
    assert arrays.response is not None, "a training design has its response"
    response = the_family.code_response(arrays.response, terms.response.label, trials=arrays.trials)
    blocks = parameter_blocks(built, the_family, response)
    guesses: Mapping[str, NlparGuess] = {}
    if default_priors == "auto":
        blocks, guesses = curve_defaults(blocks, built, the_family, response, rows, lenient=lenient)
    return _Parts(blocks, built, the_family, response, guesses)


def _frozen(block: ParameterBlock, defaults: Mapping[str, str]) -> ParameterBlock:
    """Return a block with the default priors of another model, as far as that has the block."""
    place = _place(block)
    if place not in defaults:
        return block
    own = tuple(defaults.get(f"{place}/{coef}", "") for coef in block.coefs)
    return replace(block, default=defaults[place], coef_defaults=own if any(own) else ())


def _design(
    formula: str | Formula, data: Any, family: Family, contrasts: Mapping[str, Any] | None
) -> tuple[Design, ModelTerms]:
    """Parse the formula and evaluate it in the data."""
    if not isinstance(formula, str | Formula):
        swapped = isinstance(data, str | Formula)
        raise FormulaError(
            f"The first argument is the formula, but got an object of type "
            f"{type(formula).__name__}.",
            hint="The data come second: swap the two."
            if swapped
            else "A formula is text such as 'y ~ x', or what bf(...) returns.",
        )
    frame = as_frame(data)
    terms = parse(formula, family.dpar_names, tuple(map(str, frame.columns)))
    _check_fixed(terms, family)
    return design(terms, frame, contrasts), terms


def _check_fixed(terms: ModelTerms, family: Family) -> None:
    """Refuse values that a fixed distributional parameter cannot have."""
    for parameter in terms.fixed:
        dpar = family.dpar(parameter.name)
        # A scale can be anything above zero; degrees of freedom can be one, which is Cauchy's.
        scale = dpar.lower == 0.0
        if not dpar.lower <= parameter.value <= dpar.upper or (scale and parameter.value == 0.0):
            raise FormulaError(
                f"{dpar.name} = {parameter.value:g} is not valid: {dpar.name} of {family.name} "
                f"must be {'greater than' if scale else 'at least'} {dpar.lower:g}.",
                hint="Fixed parameters are on their natural scale, not on the scale of the link.",
            )


def _prior_rows(prior: Prior | Sequence[Prior] | None) -> tuple[Prior, ...]:
    """Return the user's priors as a tuple."""
    if prior is None:
        return ()
    if isinstance(prior, Prior):
        return (prior,)
    rows = tuple(prior) if isinstance(prior, list | tuple) else (prior,)
    for row in rows:
        if not isinstance(row, Prior):
            written = f'Write prior("{row}").' if isinstance(row, str) else _PRIOR_EXAMPLE
            raise PriorError(
                "prior= takes what prior(...) returns, or a list of them, not "
                f"{row if isinstance(row, str) else type(row).__name__!r}. {written}"
            )
    return rows


def model_from_spec(spec: Mapping[str, Any], data: pd.DataFrame) -> Model:
    """Make the model again from what `Model.spec` returned and the data it was built on."""
    return build(
        Formula.from_dict(spec["formula"]),
        data,
        family_from_dict(spec["family"]),
        [Prior.from_dict(row) for row in spec["priors"]],
        sample_prior=spec["sample_prior"],
        marginalize="auto" if spec["marginalize"] else False,
        parameterization=spec["parameterization"],
        threads=spec["threads"],
        # What was saved before there was a choice had flat priors.
        default_priors=spec.get("default_priors", "brms"),
        contrasts=codings_from_dict(spec.get("contrasts", {})),
        defaults=spec["defaults"],
    )


def _place(block: ParameterBlock) -> str:
    """Return the class of a block's parameters, what they belong to included."""
    return "/".join((block.class_, *block.scope, block.group))


def stancode(
    formula: str | Formula,
    data: Any,
    family: str | Family | Any = "gaussian",
    prior: Prior | Sequence[Prior] | None = None,
    *,
    sample_prior: str = "no",
    marginalize: str | bool = "auto",
    parameterization: str = "auto",
    threads: int | None = None,
    default_priors: str = "auto",
    contrasts: Mapping[str, Any] | None = None,
) -> str:
    """Return the Stan program of a model, without compiling it.

    Parameters
    ----------
    formula, data, family, prior, sample_prior, marginalize, parameterization, threads, \
default_priors, contrasts
        As for `brmspy.brm`.

    Returns
    -------
    str

    Examples
    --------
    >>> from brmspy import load_dataset, stancode
    >>> print(stancode("Reaction ~ Days", load_dataset("sleepstudy")))  # doctest: +ELLIPSIS
    // Reaction ~ Days
    ...
    """
    return build(
        formula,
        data,
        family,
        prior,
        sample_prior=sample_prior,
        marginalize=marginalize,
        parameterization=parameterization,
        threads=threads,
        default_priors=default_priors,
        contrasts=contrasts,
    ).program.code


def standata(
    formula: str | Formula,
    data: Any,
    family: str | Family | Any = "gaussian",
    prior: Prior | Sequence[Prior] | None = None,
    *,
    sample_prior: str = "no",
    marginalize: str | bool = "auto",
    parameterization: str = "auto",
    threads: int | None = None,
    default_priors: str = "auto",
    contrasts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the data of a model's Stan program.

    Parameters
    ----------
    formula, data, family, prior, sample_prior, marginalize, parameterization, threads, \
default_priors, contrasts
        As for `brmspy.brm`.

    Returns
    -------
    dict of str to int, float or ndarray
        By the names of the program's data block.

    Examples
    --------
    >>> from brmspy import load_dataset, standata
    >>> standata("Reaction ~ Days", load_dataset("sleepstudy"))["N"]
    180
    """
    return dict(
        build(
            formula,
            data,
            family,
            prior,
            sample_prior=sample_prior,
            marginalize=marginalize,
            parameterization=parameterization,
            threads=threads,
            default_priors=default_priors,
            contrasts=contrasts,
        ).program.data
    )


def default_prior(
    formula: str | Formula,
    data: Any,
    family: str | Family | Any = "gaussian",
    *,
    default_priors: str = "auto",
    contrasts: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Return every parameter that can have a prior, with its default.

    The defaults follow brms' rules: flat for coefficients, and Student's t scaled to the response
    for intercepts and standard deviations. Parameters of a named curve, such as ``SSlogis()``, are
    an exception: brms has flat priors for them, here they follow from the curve's self-start,
    unless ``default_priors="brms"``.

    Parameters
    ----------
    formula, data, family, default_priors, contrasts
        As for `brmspy.brm`.

    Returns
    -------
    DataFrame
        Columns prior, class, coef, group, resp, dpar, nlpar, lb, ub, source; a blank prior is flat,
        or inherited from the row above it that has no coef.

    Examples
    --------
    >>> from brmspy import default_prior, load_dataset
    >>> table = default_prior("Reaction ~ Days + (Days | Subject)", load_dataset("sleepstudy"))
    >>> table.loc[table["class"] == "sigma", "prior"].item()
    'student_t(3, 0, 59.3)'
    """
    return default_prior_table(_parts(formula, data, family, (), default_priors, contrasts).blocks)
