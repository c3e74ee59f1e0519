"""Stan's log density equals log likelihood + log prior + latent density, computed in NumPy."""

from __future__ import annotations

import logging

import cmdstanpy
import numpy as np
import pytest

from brmspy.engine.cache import compiled
from brmspy.engine.interface import CompileOptions
from brmspy.engine.progress import Progress
from brmspy.engine.sampling import SampleOptions, sample
from brmspy.engine.stan_json import write_json
from brmspy.engine.toolchain import find_toolchain
from brmspy.predict import log_density
from brmspy.program import group_members

pytestmark = pytest.mark.compiled


def standard_normal(values):
    """Log density, summed over all but chain and draw."""
    flat = values.reshape(*values.shape[:2], -1)
    return -0.5 * (flat**2 + np.log(2 * np.pi)).sum(axis=-1)


def latent_density(model, draws, parameters):
    """Density of effects of centred levels given their scale, and of the others standardised."""
    total = 0.0
    for name, values in draws.items():
        if name.split("_")[0] == "z":
            total = total + standard_normal(values)
    groups, terms = model.design.groups, model.program.terms
    effects = effects_by_member(groups, parameters)
    for population in terms.population.values():
        if population.bounded:
            coefs = population.stack(model.program.complete(draws))
            total = total + log_jacobian(coefs, population.lower, population.upper).sum(axis=-1)
    for term in terms.uncorrelated.values():
        for number, (member, centred) in enumerate(zip(term.members, term.centred, strict=True)):
            if not centred.any():
                continue
            sd = model.program.complete(draws)[term.sd.name][..., number, None]
            r = effects[member][..., centred]
            total = total + standard_normal(r / sd) - centred.sum() * np.log(sd[..., 0])
    for term in terms.joint:
        complete = model.program.complete(draws)
        sds = [terms.uncorrelated[groups[b].coefs[m].predictor].sd.name for b, m in term.members]
        sd = np.concatenate([complete[name] for name in sds], axis=-1)
        for T, lead in zip(term.combinations, term.lead, strict=True):
            scaled = T[:lead] * sd[..., None, :]
            total = total - 0.5 * np.linalg.slogdet(scaled @ np.swapaxes(scaled, -1, -2))[1]
    for term in terms.correlated:
        if not term.centred.any():
            continue
        complete, lead = model.program.complete(draws), term.lead
        scale = complete[term.sd.name][..., None] * complete[term.cholesky.name]
        scale = scale[..., :lead, :lead]
        r = np.stack([effects[term.block, m][..., term.centred] for m in range(lead)], axis=-2)
        total = total + standard_normal(np.linalg.solve(scale, r))
        logs = np.log(np.diagonal(scale, axis1=-2, axis2=-1)).sum(axis=-1)
        total = total - term.centred.sum() * logs
        if term.v is not None:
            total = total + standard_normal(complete[term.v.name])
    return total


def log_jacobian(values, lower, upper):
    """Log derivative of values between bounds by the unconstrained ones that Stan moves in."""
    below = np.where(np.isfinite(lower), values - lower, 1.0)
    above = np.where(np.isfinite(upper), upper - values, 1.0)
    both = np.isfinite(lower) & np.isfinite(upper)
    return np.log(below * above / np.where(both, upper - lower, 1.0))


def effects_by_member(groups, parameters):
    """The effects of each block and coefficient, from the user's parameters."""
    return {
        member: parameters[f"r_{group}"][..., column]
        for group, members in group_members(groups).items()
        for column, member in enumerate(members)
    }


def stan_log_density(exe, data, draws):
    """Stan's log density without Jacobian, draw by draw."""
    logging.getLogger("cmdstanpy").setLevel(logging.CRITICAL)
    model = cmdstanpy.CmdStanModel(exe_file=str(exe))
    values = []
    for draw in range(next(iter(draws.values())).shape[1]):
        parameters = {name: value[0, draw].tolist() for name, value in draws.items()}
        frame = model.log_prob(parameters, data=data, jacobian=False, sig_figs=17)
        values.append(frame["lp__"].item())
    return np.array(values)


@pytest.mark.filterwarnings("ignore::brmspy.SamplingWarning")  # so few iterations
def test_identity(compiled_case, parameterization, tmp_path):
    model = compiled_case.model(
        marginalize=compiled_case.compiled_with, parameterization=parameterization
    )
    program = model.program
    if parameterization == "centered":
        assert "n_centred" in program.code
    exe = compiled(program.code, find_toolchain("embedded"), CompileOptions()).exe
    options = SampleOptions(chains=1, iter_warmup=30, iter_sampling=4, seed=1, inits=0.5)
    with Progress(show=False) as progress:
        run = sample(exe, program.data, options, progress=progress)
    parameters = program.recover(run.draws)
    flat = {name: value[0] for name, value in parameters.items()}
    likelihood = log_density(model.design, model.family, model.response, flat, model.design.arrays)
    ours = likelihood.sum(axis=1) + program.log_prior(run.draws)[0]
    ours = ours + np.asarray(latent_density(model, run.draws, parameters)).ravel()
    data = tmp_path / "data.json"
    write_json(data, program.data)
    stan = stan_log_density(exe, str(data), run.draws)
    np.testing.assert_allclose(ours, stan, rtol=1e-8)
