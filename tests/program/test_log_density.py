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
from brmspy.predict import log_lik

pytestmark = pytest.mark.compiled


def latent_density(draws):
    """Standard normal density of all standardised effects."""
    total = 0.0
    for name, values in draws.items():
        if name.split("_")[0] == "z":
            flat = values.reshape(*values.shape[:2], -1)
            total = total - 0.5 * (flat**2 + np.log(2 * np.pi)).sum(axis=-1)
    return total


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
def test_identity(compiled_case, tmp_path):
    model = compiled_case.model(marginalize=False)
    program = model.program
    exe = compiled(program.code, find_toolchain("embedded"), CompileOptions()).exe
    options = SampleOptions(chains=1, iter_warmup=30, iter_sampling=4, seed=1, inits=0.5)
    with Progress(show=False) as progress:
        run = sample(exe, program.data, options, progress=progress)
    parameters = program.recover(run.draws)
    flat = {name: value[0] for name, value in parameters.items()}
    likelihood = log_lik(model.design, model.family, model.response, flat, model.design.arrays)
    ours = likelihood.sum(axis=1) + program.log_prior(run.draws)[0]
    ours = ours + np.asarray(latent_density(run.draws)).ravel()
    data = tmp_path / "data.json"
    write_json(data, program.data)
    stan = stan_log_density(exe, str(data), run.draws)
    np.testing.assert_allclose(ours, stan, rtol=1e-8)
