"""What is to be estimated: a model's arrays and the names of its parameters, without priors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.data import Design
from brmspy.families import Family
from brmspy.fit import FittedModel, Variable
from brmspy.formula import LinearPredictor, NonlinearPredictor
from brmspy.predict import distributional_parameters, linear_predictors, log_density
from brmspy.program import coefficient_variable
from brmspy.twin.estimate import EffectBlock

__all__ = ["Problem"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """A model as maximum likelihood sees it.

    Attributes
    ----------
    formula : str
        What the user wrote.
    family : Family
        The response's family.
    design : Design
        Names, levels and arrays.
    response : ndarray, shape (nobs,)
        The response, coded as the family wants it.
    variables : tuple of Variable
        The parameters of the model with their names; without those that are no parameters.
    """

    formula: str
    family: Family
    design: Design
    response: NDArray[Any]
    variables: tuple[Variable, ...]

    @classmethod
    def of(cls, model: FittedModel, variables: Sequence[Variable]) -> Problem:
        """Return the problem of a model.

        Parameters
        ----------
        model : FittedModel
            The model.
        variables : sequence of Variable
            Its parameters.
        """
        kept = tuple(v for v in variables if v.section != "internal")
        return cls(str(model.formula), model.family, model.design, model.response, kept)

    def pooled(self) -> Problem:
        """Return the problem without group-level effects: complete pooling."""
        design = replace(self.design, groups=(), arrays=replace(self.design.arrays, groups=()))
        kept = tuple(v for v in self.variables if not v.section.startswith("group"))
        return replace(self, design=design, variables=kept)

    @property
    def nobs(self) -> int:
        """Number of rows."""
        return self.design.arrays.nobs

    @property
    def y(self) -> FloatArray:
        """The response as real numbers, shape (nobs,)."""
        return np.asarray(self.response, dtype=np.float64)

    @property
    def trials(self) -> FloatArray | None:
        """Numbers of trials, shape (nobs,)."""
        trials = self.design.arrays.trials
        return None if trials is None else np.asarray(trials, dtype=np.float64)

    @property
    def weights(self) -> FloatArray | None:
        """How often each row counts, shape (nobs,)."""
        return self.design.arrays.weights

    @property
    def total_weight(self) -> float:
        """How many rows there are, if each counts as often as its weight says."""
        return float(self.nobs) if self.weights is None else float(self.weights.sum())

    @property
    def X(self) -> FloatArray:  # noqa: N802 -- the matrix
        """Columns of the coefficients of the mean, shape (nobs, coefs)."""
        return self.design.arrays.predictors["mu"].X

    @property
    def offset(self) -> FloatArray:
        """Offset of the mean's predictor, shape (nobs,)."""
        found = self.design.arrays.predictors["mu"].offset
        return np.zeros(self.nobs) if found is None else found

    @property
    def has_offset(self) -> bool:
        """Whether the mean's predictor has an offset."""
        return self.design.arrays.predictors["mu"].offset is not None

    @property
    def nonlinear(self) -> bool:
        """Whether a non-linear formula is part of the model."""
        return any(isinstance(p, NonlinearPredictor) for p in self.design.terms.predictors)

    @property
    def linear_normal(self) -> bool:
        """Whether the response is normal around what is predicted, not around a function of it."""
        return self.family.likelihood.linear_normal

    @property
    def distributional(self) -> tuple[str, ...]:
        """Distributional parameters other than the mean that have a formula."""
        names = self.family.dpar_names[1:]
        return tuple(p.name for p in self.design.terms.predictors if p.name in names)

    @property
    def fixed(self) -> Mapping[str, float]:
        """Distributional parameters that the formula sets to a number."""
        return {parameter.name: parameter.value for parameter in self.design.terms.fixed}

    @cached_property
    def coefficients(self) -> tuple[tuple[str, Variable], ...]:
        """The linear predictors that have coefficients, each with the variable of these."""
        predictors = {coefficient_variable(name): name for name in self.design.predictors}
        return tuple((predictors[v.name], v) for v in self.variables if v.section == "population")

    @property
    def scalars(self) -> tuple[str, ...]:
        """Distributional parameters that are one number each."""
        return tuple(v.name for v in self.variables if v.section == "family")

    @property
    def coefficient_names(self) -> list[str]:
        """Brms' names of all coefficients."""
        return [str(name) for _, variable in self.coefficients for name in variable.brms]

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return sum(variable.brms.size for _, variable in self.coefficients)

    @cached_property
    def linear(self) -> tuple[str, ...]:
        """The linear predictors: those with coefficients in their order, then the others."""
        order = [name for name, _ in self.coefficients]
        order += [
            p.name
            for p in self.design.terms.predictors
            if isinstance(p, LinearPredictor) and p.name not in order
        ]
        return tuple(order)

    @cached_property
    def blocks(self) -> tuple[EffectBlock, ...]:
        """The blocks of group-level effects; their coefficients belong to those of `linear`."""
        order = self.linear
        return tuple(
            EffectBlock(
                arrays.Z,
                arrays.index,
                len(info.levels),
                info.correlated,
                tuple(order.index(coef.predictor) for coef in info.coefs),
            )
            for info, arrays in zip(self.design.groups, self.design.arrays.groups, strict=True)
        )

    def split(self, coefficients: FloatArray) -> dict[str, FloatArray]:
        """Return coefficients (..., size) by variable."""
        ends = np.cumsum([variable.brms.size for _, variable in self.coefficients])
        parts = np.split(coefficients, ends[:-1], axis=-1) if len(ends) else []
        return {
            variable.name: part
            for (_, variable), part in zip(self.coefficients, parts, strict=True)
        }

    def draws(
        self,
        coefficients: FloatArray,
        scalars: Mapping[str, FloatArray] | None = None,
        effects: Mapping[str, FloatArray] | None = None,
    ) -> dict[str, FloatArray]:
        """Return points in the space of the parameters, as if they were draws.

        Parameters
        ----------
        coefficients : ndarray, shape (point, size)
            All coefficients.
        scalars : mapping of str to ndarray, shape (point,), optional
            Distributional parameters.
        effects : mapping of str to ndarray, shape (point, level, coef), optional
            Group-level effects by variable; zero for those that are not given.
        """
        points = len(coefficients)
        # Predictors without coefficients still need to know how many points there are.
        draws = {"": np.empty((points, 0)), **self.split(coefficients), **(scalars or {})}
        for variable in self.variables:
            if variable.section == "group_effects":
                given = (effects or {}).get(variable.name)
                zero = np.zeros((points, *variable.shape))
                draws[variable.name] = zero if given is None else given
        return draws

    def predictors(self, draws: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """Return every linear predictor, shape (point, nobs)."""
        return linear_predictors(self.design, draws, self.design.arrays)

    def log_density(self, draws: Mapping[str, FloatArray]) -> FloatArray:
        """Return the weighted log density of each row, shape (point, nobs)."""
        return log_density(self.design, self.family, self.response, draws, self.design.arrays)

    def mean(self, draws: Mapping[str, FloatArray]) -> FloatArray:
        """Return the expected response, counts where there are trials, shape (point, nobs)."""
        parameters = distributional_parameters(
            self.design, self.family, draws, self.predictors(draws)
        )
        mean = self.family.mean(parameters, trials=self.design.arrays.trials)
        return np.broadcast_to(mean, (len(mean), self.nobs))
