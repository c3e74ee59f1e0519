"""From design, family and priors to the Stan program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.data import Arrays, Design
from brmspy.families import Family
from brmspy.pilot import Pilot, best_start, pilot_fit
from brmspy.priors import PriorSet
from brmspy.program.choice import choose_coordinates
from brmspy.program.compose import TermSet, compose_terms, prior_scope
from brmspy.program.integrate import chain_to_integrate
from brmspy.program.names import stan_suffixes
from brmspy.program.parameters import StanParameter
from brmspy.program.plan import SamplerPlan, sampler_plan
from brmspy.program.predictors import (
    Covariate,
    StanPredictor,
    covariates_of,
    family_parameters,
    likelihood,
    predictors_of,
)
from brmspy.program.program import Program, all_parameters
from brmspy.program.render import helper_function, render
from brmspy.program.rows import Rows, program_rows
from brmspy.program.start import Start
from brmspy.program.starting import start_of
from brmspy.program.threads import Slices, slices, with_named_coordinates

__all__ = ["build_program"]


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
    start: Mapping[str, NDArray[np.float64]] | None = None,
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
    start : mapping of str to ndarray, shape (coefficients,), optional
        Where the pilot fit starts, by linear predictor; by default at the priors' centres, and with
        a non-linear formula at the best of several random tries.

    Returns
    -------
    Program
    """
    rows = program_rows(design, family, y) if marginalize else Rows(design, family, y)
    pilot = None
    if parameterization != "noncentered":
        scopes = {p.name: prior_scope(p) for p in design.terms.predictors}
        model = (rows.design, rows.family, rows.y, priors, scopes)
        pilot = pilot_fit(*model, start or best_start(*model))
    terms, suffixes = _terms(
        rows, priors, pilot, parameterization, marginalize=marginalize, prior_only=prior_only
    )
    shared = threads > 1 and terms.integrated is None
    pieces = _Pieces.of(rows, priors, terms, suffixes, threads if shared else 1)
    return Program(
        code=render(pieces.skeleton() | {"header": _header(design, family)}),
        data=pieces.data() | {"prior_only": int(prior_only)},
        design=design,
        terms=pieces.terms,
        family_parameters=pieces.scalars,
        fixed=pieces.fixed,
        plan=pieces.plan(pilot, design.arrays.nobs),
        start=None if pilot is None or prior_only else pieces.start(pilot),
        threads=pieces.threads,
    )


def _terms(
    rows: Rows,
    priors: PriorSet,
    pilot: Pilot | None,
    parameterization: str,
    *,
    marginalize: bool,
    prior_only: bool,
) -> tuple[TermSet, Mapping[str, str]]:
    """Return the terms of the program, and what the names of each predictor's variables end in."""
    design = rows.design
    suffixes = stan_suffixes(p.name for p in design.terms.predictors)
    integrate = chain_to_integrate(design, rows.family) if marginalize else ()
    coordinates = choose_coordinates(design, pilot, parameterization, prior_only)
    terms = compose_terms(design, priors, suffixes, rows.y, coordinates, integrate, prior_only)
    return terms, suffixes


@dataclass(frozen=True)
class _Pieces:
    """What a program consists of.

    Attributes
    ----------
    rows : Rows
        What the likelihood is made of.
    terms : TermSet
        The terms.
    scalars : mapping of str to StanParameter
        Distributional parameters that are estimated as one number.
    covariates : tuple of Covariate
        Columns that non-linear formulas read.
    predictors : tuple of StanPredictor
        Predicted parameters in the order of their evaluation.
    helpers : tuple of str
        Stan functions that they call.
    slices : Slices or None
        How threads share the rows.
    threads : int
        How many threads do.
    """

    rows: Rows
    terms: TermSet
    scalars: Mapping[str, StanParameter]
    covariates: tuple[Covariate, ...]
    predictors: tuple[StanPredictor, ...]
    helpers: tuple[str, ...]
    slices: Slices | None
    threads: int

    @classmethod
    def of(
        cls,
        rows: Rows,
        priors: PriorSet,
        terms: TermSet,
        suffixes: Mapping[str, str],
        threads: int,
    ) -> _Pieces:
        """Put a program's pieces together."""
        design, family = rows.design, rows.family
        if threads > 1:
            terms = with_named_coordinates(terms)
        scalars = family_parameters(design, family, priors)
        covariates = covariates_of(design)
        predictors, helpers = predictors_of(design, family, terms, suffixes, covariates)
        sliced = None
        if threads > 1:
            names = (*scalars, *(p.name for p in design.terms.fixed))
            sliced = slices(design, family, terms, covariates, names, threads)
            helpers = (*helpers, *sliced.helpers)
        return cls(rows, terms, scalars, covariates, predictors, helpers, sliced, threads)

    @property
    def arrays(self) -> Arrays:
        """The arrays of the rows."""
        return self.rows.design.arrays

    @property
    def fixed(self) -> dict[str, float]:
        """Distributional parameters that the formula fixes."""
        return {parameter.name: parameter.value for parameter in self.rows.design.terms.fixed}

    @property
    def parameters(self) -> tuple[StanParameter, ...]:
        """All blocks of parameters."""
        return all_parameters(self.terms, self.scalars)

    @property
    def without_constant(self) -> bool:
        """Whether the likelihood leaves out what depends on the data alone, computed once instead.

        Threads call densities in a function of their own, which cannot leave it out.
        """
        return self.rows.family.has_constant and self.slices is None

    def skeleton(self) -> dict[str, Any]:
        """Return what the templates read."""
        design, family, terms = self.rows.design, self.rows.family, self.terms
        parameters = self.parameters
        return {
            "functions": [helper_function(name) for name in (*terms.helpers, *self.helpers)],
            "slices": self.slices,
            "integrated": terms.integrated,
            "family": family,
            "response": design.terms.response.label,
            "trials": self.arrays.trials is not None,
            "weighted": self.arrays.weights is not None,
            "summed": self.rows.summed,
            "covariates": self.covariates,
            "terms": terms.all,
            "parameters": parameters,
            "assembled": [p for p in parameters if p.fixed == "some" or p.definition],
            "has_priors": any(p.priors for p in parameters),
            "fixed": tuple(self.fixed),
            "predictors": self.predictors,
            "likelihood": likelihood(design, family, terms, self.without_constant),
            "without_constant": self.without_constant,
        }

    def data(self) -> dict[str, Any]:
        """Return the data of the program, but for the flag that ignores the response."""
        data: dict[str, Any] = self._response()
        for covariate in self.covariates:
            data[covariate.stan] = self.arrays.covariates[covariate.name]
        for term in self.terms.all:
            data |= term.data
        for parameter in self.parameters:
            data |= parameter.data
        data |= self.fixed | ({} if self.slices is None else self.slices.data)
        data["log_prior_mass"] = sum(p.log_mass for p in self.parameters)
        return data

    def _response(self) -> dict[str, Any]:
        """Return the response and what belongs to its rows."""
        if self.terms.integrated is not None:
            return {}
        data: dict[str, Any] = {"N": self.arrays.nobs, "Y": self.rows.y}
        if self.arrays.trials is not None:
            data["trials"] = self.arrays.trials
        if self.arrays.weights is not None:
            data["weights"] = self.arrays.weights
        if self.rows.summed:
            data["log_lik_constant"] = self.rows.constant
        if self.without_constant:
            constants = self.rows.family.log_constant(self.rows.y, trials=self.arrays.trials)
            weights = 1.0 if self.arrays.weights is None else self.arrays.weights
            data["log_lik_left_out"] = float(np.sum(weights * constants))
        return data

    def start(self, pilot: Pilot) -> Start:
        """Return where the chains start."""
        return start_of(pilot, self.terms, self.scalars, self.parameters)

    def plan(self, pilot: Pilot | None, nobs: int) -> SamplerPlan:
        """Return what was chosen for the sampler, in words."""
        text = f"{nobs} rows"
        if self.terms.integrated is not None:
            text = f"sufficient statistics of {text}"
        elif self.rows.summed:
            text += ", equal ones added up"
        elif likelihood(self.rows.design, self.rows.family, self.terms).glm:
            text += ", Stan's generalised linear model"
        if self.slices is not None:
            text += f", shared by {self.threads} threads"
        return sampler_plan(self.rows.design, self.terms, pilot, text)


def _header(design: Design, family: Family) -> list[str]:
    """Return the lines that head the program: the model in the user's words."""
    formula = str(design.terms.formula).splitlines()
    return [*formula, f"family: {family}", "written by brmspy"]
