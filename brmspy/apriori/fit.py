"""A fit whose draws come from the prior: everything that predicts can then predict from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from brmspy.apriori.draws import PriorDraws
from brmspy.errors import PriorError
from brmspy.fit import Fit, FitRecord
from brmspy.fit.contract import FittedModel
from brmspy.fit.datasets import RESERVED_DIMS, draws_dataset
from brmspy.fit.naming import posterior_variables
from brmspy.fit.variables import Variable, unique_dims

__all__ = ["prior_draws_fit"]

_EXAMPLE = 'prior("normal(<likely value>, <its uncertainty>)"{where})'


def prior_draws_fit(
    model: FittedModel, count: int, seed: int, variables: Sequence[Variable] | None = None
) -> Fit:
    """Return independent draws from the prior of a model, as if it had been fitted to nothing.

    Parameters
    ----------
    model : FittedModel
        The model.
    count : int
        Number of draws, which come as one chain.
    seed : int
        Seed of the random numbers.
    variables : sequence of Variable, optional
        Names and labels of the model's parameters, if there is a fit of it.

    Returns
    -------
    Fit
        Without `lprior` and statistics of a sampler.

    Raises
    ------
    PriorError
        If a prior is flat; says which.
    """
    if model.priors.improper:
        raise PriorError(_flat(model))
    if variables is None:
        found = posterior_variables(model.design, model.program)
        variables = unique_dims(found, RESERVED_DIMS)
    parameters = tuple(variable for variable in variables if variable.section != "internal")
    record = FitRecord(
        stan_code="",
        toolchain={},
        options={"algorithm": "prior"},
        seed=seed,
        chain_ids=(1,),
        seconds=((0.0, 0.0),),
    )
    named = Fit(model, parameters, {}, record)
    draws = PriorDraws(named, count, seed)
    values = {}
    for variable in parameters:
        drawn = np.empty((1, count, *variable.shape))
        for index in np.ndindex(variable.shape):
            drawn[(0, slice(None), *index)] = draws.parameter(str(variable.brms[index]))
        values[variable.name] = drawn
    posterior = draws_dataset(parameters, values, {})
    return Fit(model, parameters, {"posterior": posterior}, record)


def _flat(model: FittedModel) -> str:
    """Say which priors are flat, and how to set them."""
    names = model.priors.improper
    wheres = {
        "".join(
            f", {key}={value!r}"
            for key, value in (
                ("class_", priors.block.class_),
                ("dpar", priors.block.dpar),
                ("nlpar", priors.block.nlpar),
                ("group", priors.block.group),
            )
            if value
        ): None
        for priors in model.priors.blocks
        if any(element.improper for element in priors.elements)
    }
    lines = "".join(f"\n  {_EXAMPLE.format(where=where)}" for where in wheres)
    return (
        f"Nothing can be drawn from flat priors, which {', '.join(names)} "
        f"{'has' if len(names) == 1 else 'have'}. Set priors that say which values you hold "
        f"possible:{lines}"
    )
