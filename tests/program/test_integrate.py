"""Group-level effects that are integrated out: the marginal density and the effects' draws."""

from __future__ import annotations

import logging

import cmdstanpy
import numpy as np
import pytest
from scipy import stats

from brmspy import bf, load_dataset, prior
from brmspy.engine.cache import compiled
from brmspy.engine.interface import CompileOptions
from brmspy.engine.stan_json import write_json
from brmspy.engine.toolchain import find_toolchain
from brmspy.model import build

MODELS = {
    "correlated": ("Reaction ~ Days + (Days | Subject)", "sleepstudy"),
    "uncorrelated": ("Reaction ~ Days + offset(Days) + (Days || Subject)", "sleepstudy"),
    "weighted": ("Reaction | weights(Days) ~ Days + (Days | Subject)", "sleepstudy"),
    "nested": ("yields ~ nitrogen + (1 | blocks/varieties)", "oats"),
    "two blocks": ("yields ~ nitrogen + (nitrogen | blocks) + (1 | varieties)", "oats"),
}


def unbalanced(name):
    """Data in which the levels differ in their rows."""
    data = load_dataset(name)
    return data[np.random.default_rng(0).random(len(data)) < 0.8]


def random_draws(program, shape=(1, 3), seed=1):
    """Values of the program's parameters."""
    rng = np.random.default_rng(seed)
    draws = {}
    for parameter in program.parameters:
        data = program.data
        if parameter.type == "cholesky_factor_corr":
            size = data[parameter.size]
            matrices = np.full((*shape, size, size), 0.4) + 0.6 * np.eye(size)
            draws[parameter.name] = np.linalg.cholesky(matrices)
        elif parameter.name.startswith(("sd", "sigma")):
            length = () if not parameter.size else (data[parameter.size],)
            draws[parameter.name] = rng.uniform(5, 30, size=(*shape, *length))
        else:
            length = () if not parameter.size else (data[parameter.size],)
            draws[parameter.name] = rng.normal(size=(*shape, *length))
    return draws


def marginal(model, sampled, draws, draw):
    """Mean and covariance of the response with the integrated effects left out of the mean."""
    design = model.design
    arrays = design.arrays
    block = model.program.terms.integrated.block
    mean = arrays.predictors["mu"].X @ sampled["b"][0, draw]
    if arrays.predictors["mu"].offset is not None:
        mean = mean + arrays.predictors["mu"].offset
    for other, (info, group) in enumerate(zip(design.groups, arrays.groups, strict=True)):
        if other != block:
            r = sampled[f"r_{info.group}"][0, draw]
            mean = mean + (group.Z * r[group.index]).sum(axis=1)
    term = model.program.terms.integrated
    scale = np.diag(draws[term.sd.name][0, draw])
    if term.cholesky is not None:
        scale = scale @ draws[term.cholesky.name][0, draw]
    group = arrays.groups[block]
    same = group.index[:, None] == group.index[None, :]
    return mean, same * (group.Z @ scale @ scale.T @ group.Z.T), scale


@pytest.mark.compiled
@pytest.mark.parametrize("name", MODELS)
def test_stan_has_the_marginal_density(name, tmp_path):
    """Weights multiply the log density, as if a row were there that often."""
    formula, data = MODELS[name]
    frame = unbalanced(data)
    if name == "weighted":
        frame = frame[frame["Days"] > 0]
    model = build(formula, frame)
    program = model.program
    assert program.terms.integrated is not None
    draws = random_draws(program)
    sampled = program.recover(draws)
    logging.getLogger("cmdstanpy").setLevel(logging.CRITICAL)
    exe = compiled(program.code, find_toolchain("embedded"), CompileOptions()).exe
    write_json(tmp_path / "data.json", program.data)
    for draw in range(3):
        values = {key: value[0, draw].tolist() for key, value in draws.items()}
        stan = (
            cmdstanpy.CmdStanModel(exe_file=str(exe))
            .log_prob(values, data=str(tmp_path / "data.json"), jacobian=False, sig_figs=17)["lp__"]
            .item()
        )
        mean, covariance, _ = marginal(model, sampled, draws, draw)
        weights = model.design.arrays.weights
        weights = np.ones(model.nobs) if weights is None else weights
        times = np.repeat(np.arange(model.nobs), weights.astype(int))
        sigma = draws["sigma"][0, draw]
        ours = stats.multivariate_normal(
            mean[times], covariance[np.ix_(times, times)] + sigma**2 * np.eye(len(times))
        ).logpdf(model.response[times])
        ours += program.log_prior(draws)[0, draw]
        latent = [draws[key][0, draw] for key in draws if key.split("_")[0] == "z"]
        ours += sum(stats.norm.logpdf(z).sum() for z in latent)
        assert stan == pytest.approx(ours, rel=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_effects_follow_their_conditional_distribution(name):
    """Mean and variance of many draws, given one value of everything else."""
    formula, data = MODELS[name]
    model = build(formula, unbalanced(data))
    program = model.program
    once = random_draws(program, (1, 1))
    count = 20_000
    draws = {key: np.repeat(value, count, axis=1) for key, value in once.items()}
    sampled = program.recover(draws)
    mean, _, scale = marginal(model, sampled, once, 0)
    term = program.terms.integrated
    info, group = model.design.groups[term.block], model.design.arrays.groups[term.block]
    weights = model.design.arrays.weights
    weights = np.ones(model.nobs) if weights is None else weights
    r = sampled[f"r_{info.group}"][0]
    sigma = once["sigma"][0, 0]
    for level in range(len(info.levels)):
        rows = group.index == level
        ZW = (group.Z[rows] * weights[rows, None]).T / sigma**2
        precision = np.linalg.inv(scale @ scale.T) + ZW @ group.Z[rows]
        expected = np.linalg.solve(precision, ZW @ (model.response[rows] - mean[rows]))
        covariance = np.linalg.inv(precision)
        errors = np.sqrt(np.diag(covariance) / count)
        assert np.all(np.abs(r[:, level].mean(axis=0) - expected) < 5 * errors)
        np.testing.assert_allclose(
            np.cov(r[:, level].T).reshape(covariance.shape),
            covariance,
            atol=0.06 * np.diag(covariance).max(),
        )


def test_the_same_draws_give_the_same_effects():
    model = build(*(MODELS["correlated"][0], load_dataset("sleepstudy")))
    draws = random_draws(model.program)
    first, second = (model.program.recover(draws)["r_Subject"] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not np.allclose(first[0, 0], first[0, 1])


def test_effects_of_the_prior_ignore_the_response():
    proper = [prior("normal(0, 10)"), prior("normal(0, 1)", class_="sigma")]
    model = build(
        "Reaction ~ Days + (1 | Subject)",
        load_dataset("sleepstudy"),
        prior=proper,
        sample_prior="only",
    )
    once = random_draws(model.program, (1, 1))
    draws = {key: np.repeat(value, 20_000, axis=1) for key, value in once.items()}
    r = model.program.recover(draws)["r_Subject"][0, :, :, 0]
    sd = once["sd_1"][0, 0, 0]
    assert np.abs(r.mean(axis=0)).max() < 5 * sd / np.sqrt(20_000)
    np.testing.assert_allclose(r.std(axis=0), sd, rtol=0.03)


NOT_INTEGRATED = {
    "asked not to": ("Reaction ~ Days + (Days | Subject)", {"marginalize": False}),
    "another family": ("Reaction ~ Days + (Days | Subject)", {"family": "student"}),
    "another link": ("Reaction ~ Days + (Days | Subject)", {"family": "gaussian_log"}),
    "sigma differs by row": (bf("Reaction ~ Days + (Days | Subject)", "sigma ~ Days"), {}),
    "effects shared with sigma": (
        bf("Reaction ~ Days + (1 | p | Subject)", "sigma ~ (1 | p | Subject)"),
        {},
    ),
    "no population-level effects": ("Reaction ~ 0 + (1 | Subject)", {}),
    "no groups": ("Reaction ~ Days", {}),
}


@pytest.mark.parametrize("name", NOT_INTEGRATED)
def test_models_whose_effects_are_sampled(name):
    from brmspy import gaussian

    formula, options = NOT_INTEGRATED[name]
    if options.get("family") == "gaussian_log":
        options = {"family": gaussian(link="log")}
    model = build(formula, load_dataset("sleepstudy"), **options)
    assert model.program.terms.integrated is None


def test_the_size_of_the_program_s_data_does_not_grow_with_the_rows():
    data = load_dataset("sleepstudy")
    many = data.loc[np.repeat(data.index, 20)].reset_index(drop=True)
    sizes = [
        sum(np.size(value) for value in build(MODELS["correlated"][0], frame).program.data.values())
        for frame in (data, many)
    ]
    assert sizes[0] == sizes[1]
