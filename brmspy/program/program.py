"""The Stan program of a model: its text, its data, and the way back from draws to parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.data import Design
from brmspy.families import Family
from brmspy.pilot import pilot_fit
from brmspy.priors import PriorSet
from brmspy.program.choice import choose_coordinates
from brmspy.program.compose import TermSet, compose_terms, prior_scope
from brmspy.program.integrate import block_to_integrate
from brmspy.program.names import stan_suffixes
from brmspy.program.parameters import StanParameter
from brmspy.program.plan import SamplerPlan, sampler_plan
from brmspy.program.predictors import covariates_of, family_parameters, likelihood, predictors_of
from brmspy.program.recover import recover_draws
from brmspy.program.render import helper_function, render
from brmspy.program.rows import Rows, program_rows
from brmspy.program.start import Start
from brmspy.program.starting import start_of
from brmspy.program.threads import slices, with_named_coordinates

__all__ = ["Program", "build_program"]

Draws = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Program:
    """A Stan program with its data.

    Attributes
    ----------
    code : str
        The Stan program.
    data : mapping of str to Any
        Its data: numbers and NumPy arrays.
    design : Design
        The design that it was made from.
    terms : TermSet
        The terms that the program was composed of.
    family_parameters : mapping of str to StanParameter
        Distributional parameters that are estimated as one number.
    fixed : mapping of str to float
        Distributional parameters that the formula fixes.
    start : Start or None
        Where chains start, and with which scales; None to leave that to Stan.
    plan : SamplerPlan
        What was chosen for the sampler, in words.
    threads : int
        Threads of a chain that share the rows; 1 if the program knows of none.
    """

    code: str
    data: Mapping[str, Any] = field(repr=False)
    design: Design = field(repr=False)
    terms: TermSet = field(repr=False)
    family_parameters: Mapping[str, StanParameter] = field(repr=False)
    fixed: Mapping[str, float] = field(repr=False)
    plan: SamplerPlan = field(repr=False)
    start: Start | None = field(default=None, repr=False)
    threads: int = 1

    @property
    def parameters(self) -> tuple[StanParameter, ...]:
        """All blocks of parameters, in the order of the program."""
        return _parameters(self.terms, self.family_parameters)

    @property
    def sampled(self) -> tuple[str, ...]:
        """Names of the Stan variables that `recover` and `log_prior` read."""
        return tuple(p.name for p in self.parameters if p.fixed != "all" and not p.internal)

    def complete(self, draws: Draws) -> dict[str, NDArray[np.float64]]:
        """Return `draws` with the blocks that ``constant()`` fixes, and those of length zero.

        Parameters
        ----------
        draws : mapping of str to ndarray, shape (chain, draw, ...)
            The variables named in `sampled`.

        Returns
        -------
        dict of str to ndarray
            Every block of parameters.
        """
        complete = dict(draws)
        shape = next(iter(draws.values())).shape[:2] if draws else (1, 1)
        for parameter in self.parameters:
            if parameter.fixed == "all":
                value = np.asarray(self.data[parameter.name], dtype=float)
                complete[parameter.name] = np.broadcast_to(value, shape + value.shape)
            elif parameter.name not in complete and not parameter.internal:
                # Stan writes nothing for a block without elements.
                sizes = tuple(self._size(text) for text in parameter.size.split(", "))
                complete[parameter.name] = np.zeros(shape + sizes)
        return complete

    def _size(self, text: str) -> int:
        """Return what a size of a block is: a difference of numbers in the data, or one of them."""
        first, *others = (int(self.data[name]) for name in text.split(" - "))
        return first - sum(others)

    def recover(self, draws: Draws) -> dict[str, NDArray[np.float64]]:
        """Return the user's parameters.

        Parameters
        ----------
        draws : mapping of str to ndarray, shape (chain, draw, ...)
            The variables named in `sampled`, as the sampler drew them.

        Returns
        -------
        dict of str to ndarray
            ``b``, ``b_<predictor>``: (chain, draw, coef); ``sd_<group>``: (chain, draw, coef);
            ``cor_<group>``: (chain, draw, pair); ``r_<group>``: (chain, draw, level, coef);
            distributional parameters: (chain, draw).
        """
        return recover_draws(
            {**self.complete(draws), **self._fixed_draws(draws)},
            self.terms,
            self.design.groups,
            tuple(self.family_parameters),
        )

    def _fixed_draws(self, draws: Draws) -> dict[str, NDArray[np.float64]]:
        """Return the parameters that the formula fixes, repeated for each draw."""
        shape = next(iter(draws.values())).shape[:2]
        return {name: np.full(shape, value) for name, value in self.fixed.items()}

    @property
    def initial_names(self) -> tuple[str, ...]:
        """Names of what can be given an initial value."""
        named = (p for p in self.parameters if p.fixed != "all" and not p.internal)
        return tuple(p.free if p.fixed == "some" else p.name for p in named)

    def initial(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return initial values as the Stan program takes them.

        Parameters
        ----------
        values : mapping of str to number or array_like
            Values of some of `initial_names`.

        Returns
        -------
        dict of str to Any
            The same in the sampler's coordinates.
        """
        standard = self.terms.standard
        return dict(values) if standard is None else standard.coordinates(values)

    def log_prior(self, draws: Draws) -> NDArray[np.float64]:
        """Return the log density of the user's priors, shape (chain, draw).

        Normalised, truncation by bounds included; the standard normal density of standardised
        effects is not part of it. Flat priors and constants count nothing.

        Parameters
        ----------
        draws : mapping of str to ndarray, shape (chain, draw, ...)
            The variables named in `sampled`.

        Returns
        -------
        ndarray, shape (chain, draw)
        """
        complete = self.complete(draws)
        total = np.zeros(next(iter(complete.values())).shape[:2])
        for parameter in (p for p in self.parameters if p.elements):
            total = total + parameter.log_prior(complete[parameter.name])
        return total


def build_program(
    design: Design,
    family: Family,
    y: NDArray[Any],
    priors: PriorSet,
    *,
    prior_only: bool = False,
    marginalize: bool = True,
    parameterization: str = "auto",
    threads: int = 1,
) -> Program:
    """Write the Stan program of a model.

    Parameters
    ----------
    design : Design
        Arrays and names.
    family : Family
        The response's family.
    y : ndarray, shape (nobs,)
        The response, coded as the family wants it.
    priors : PriorSet
        One prior for every parameter.
    prior_only : bool
        Whether the program is to ignore the response; this is data, not text.
    marginalize : bool
        Integrate group-level effects out of the likelihood where that has a closed form, and add
        up equal rows where their sum says as much.
    parameterization : {"auto", "centered", "noncentered"}
        Coordinates of group-level effects: chosen from the data, or the same for all levels.
    threads : int
        Threads of a chain. With more than one, the likelihood is summed over slices of rows; unless
        the program has no rows, as effects are integrated out.

    Returns
    -------
    Program
    """
    header = _header(design, family)
    whole = design
    rows = program_rows(design, family, y) if marginalize else Rows(design, family, y)
    design, family, y = rows.design, rows.family, rows.y
    integrate = block_to_integrate(design, family) if marginalize else None
    suffixes = stan_suffixes(p.name for p in design.terms.predictors)
    pilot = None
    if parameterization != "noncentered":
        scopes = {p.name: prior_scope(p) for p in design.terms.predictors}
        pilot = pilot_fit(design, family, y, priors, scopes)
    coordinates = choose_coordinates(design, pilot, parameterization, prior_only)
    terms = compose_terms(design, priors, suffixes, y, coordinates, integrate, prior_only)
    shared_rows = threads > 1 and terms.integrated is None
    if shared_rows:
        terms = with_named_coordinates(terms)
    scalars = family_parameters(design, family, priors)
    fixed = {parameter.name: parameter.value for parameter in design.terms.fixed}
    parameters = _parameters(terms, scalars)
    covariates = covariates_of(design)
    predictors, helpers = predictors_of(design, family, terms, suffixes, covariates)
    sliced = None
    if shared_rows:
        sliced = slices(design, family, terms, covariates, (*scalars, *fixed), threads)
        helpers = (*helpers, *sliced.helpers)
    arrays = design.arrays
    skeleton = {
        "header": header,
        "functions": [helper_function(name) for name in (*terms.helpers, *helpers)],
        "slices": sliced,
        "integrated": terms.integrated,
        "family": family,
        "response": design.terms.response.label,
        "trials": arrays.trials is not None,
        "weighted": arrays.weights is not None,
        "summed": rows.summed,
        "covariates": covariates,
        "terms": terms.all,
        "parameters": parameters,
        "assembled": [p for p in parameters if p.fixed == "some" or p.definition],
        "has_priors": any(p.priors for p in parameters),
        "fixed": tuple(fixed),
        "predictors": predictors,
        "likelihood": likelihood(design, family, terms),
    }
    data: dict[str, Any] = {}
    if terms.integrated is None:
        data |= {"N": arrays.nobs, "Y": y}
        if arrays.trials is not None:
            data["trials"] = arrays.trials
        if arrays.weights is not None:
            data["weights"] = arrays.weights
    if rows.summed:
        data["log_lik_constant"] = rows.constant
    data |= {covariate.stan: arrays.covariates[covariate.name] for covariate in covariates}
    for term in terms.all:
        data |= term.data
    for parameter in parameters:
        data |= parameter.data
    data |= fixed | ({} if sliced is None else sliced.data)
    data["log_prior_mass"] = sum(p.log_mass for p in parameters)
    data["prior_only"] = int(prior_only)
    start = None
    if pilot is not None and not prior_only:
        start = start_of(pilot, terms, scalars, parameters)
    in_words = _likelihood_in_words(skeleton, whole.arrays.nobs)
    if sliced is not None:
        in_words += f", shared by {threads} threads"
    return Program(
        render(skeleton),
        data,
        whole,
        terms,
        scalars,
        fixed,
        sampler_plan(design, terms, pilot, in_words),
        start,
        threads if shared_rows else 1,
    )


def _parameters(
    terms: TermSet, family_parameters: Mapping[str, StanParameter]
) -> tuple[StanParameter, ...]:
    """Return all blocks of parameters: population, family, then group level."""
    standard = [] if terms.standard is None else [terms.standard]
    population = [p for term in (*standard, *terms.population.values()) for p in term.parameters]
    integrated = [] if terms.integrated is None else [terms.integrated]
    sampled = (*terms.uncorrelated.values(), *terms.correlated, *integrated)
    group = [p for term in sampled for p in term.parameters]
    return (*population, *family_parameters.values(), *group)


def _likelihood_in_words(skeleton: Mapping[str, Any], rows: int) -> str:
    """Return how the response enters the program."""
    if skeleton["integrated"]:
        return f"sufficient statistics of {rows} rows"
    if skeleton["summed"]:
        return f"{rows} rows, equal ones added up"
    if skeleton["likelihood"].glm:
        return f"{rows} rows, Stan's generalised linear model"
    return f"{rows} rows"


def _header(design: Design, family: Family) -> list[str]:
    """Return the lines that head the program: the model in the user's words."""
    formula = str(design.terms.formula).splitlines()
    return [*formula, f"family: {family}", "written by brmspy"]
