"""Group-level effects that are integrated out: the marginal density and the effects' draws."""

from __future__ import annotations

import logging

import cmdstanpy
import numpy as np
import pandas as pd
import pytest
from scipy import linalg, stats

from brmspy import bf, gaussian, load_dataset, prior
from brmspy.engine.cache import compiled
from brmspy.engine.interface import CompileOptions
from brmspy.engine.stan_json import write_json
from brmspy.engine.toolchain import find_toolchain
from brmspy.model import build
from brmspy.program import group_members
from brmspy.program.integrate import FactorColumns, statistics
from brmspy.program.rotate import rotated_rows


def unbalanced(name):
    """Data in which the levels differ in their rows."""
    data = load_dataset(name)
    return data[np.random.default_rng(0).random(len(data)) < 0.8]


def schools():
    """Pupils in classes in schools, of several sizes, some of them equal, and who taught them."""
    rng = np.random.default_rng(5)
    classes = [[3, 3, 4], [2, 2], [3, 3, 4], [5], [2, 3, 3]]
    rows = [
        (school, f"{school}.{number}", pupil)
        for school, sizes in enumerate(classes)
        for number, size in enumerate(sizes)
        for pupil in range(size)
    ]
    data = pd.DataFrame(rows, columns=["school", "class", "pupil"])
    twice = data.loc[np.repeat(data.index, 2)].reset_index(drop=True)
    twice["child"] = twice["class"] + "." + twice["pupil"].astype(str)
    twice["time"] = np.tile([0.0, 1.0], len(data))
    twice["teacher"] = rng.integers(4, size=len(twice)).astype(str)
    twice["times"] = rng.integers(1, 4, size=len(twice))
    twice["score"] = rng.normal(100.0, 20.0, size=len(twice))
    return twice


def balanced():
    """Three children in each of two classes in each of four schools, twice."""
    rng = np.random.default_rng(6)
    data = pd.DataFrame({"row": np.arange(48)})
    data["child"], data["class"] = data["row"] // 2, data["row"] // 6
    data["school"], data["time"] = data["row"] // 12, (data["row"] % 2).astype(float)
    return data.assign(score=rng.normal(100.0, 20.0, size=48))


# Formula, data, and number of factors of the chain that is integrated out.
MODELS = {
    "correlated": ("Reaction ~ Days + (Days | Subject)", lambda: unbalanced("sleepstudy"), 1),
    "balanced": ("Reaction ~ Days + (Days | Subject)", lambda: load_dataset("sleepstudy"), 1),
    "uncorrelated": (
        "Reaction ~ Days + offset(Days) + (Days || Subject)",
        lambda: unbalanced("sleepstudy"),
        1,
    ),
    "two blocks of one factor": (
        "Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)",
        lambda: unbalanced("sleepstudy"),
        1,
    ),
    "weighted": (
        "Reaction | weights(Days) ~ Days + (Days | Subject)",
        lambda: unbalanced("sleepstudy").query("Days > 0"),
        1,
    ),
    "nested": ("yields ~ nitrogen + (1 | blocks/varieties)", lambda: unbalanced("oats"), 2),
    "nested, balanced": (
        "yields ~ nitrogen * varieties + (1 | blocks/varieties)",
        lambda: load_dataset("oats"),
        2,
    ),
    "three nested": ("score ~ time + (1 | school/class/child)", schools, 3),
    "three nested, balanced": ("score ~ time + (1 | school/class/child)", balanced, 3),
    "three nested, weights and offset": (
        "score | weights(times) ~ time + offset(2 * time) + (1 | school/class/child)",
        schools,
        3,
    ),
    "nested with slopes": ("score ~ time + (time | school/class)", schools, 2),
    "nested with slopes, balanced": ("score ~ time + (time | school/class)", balanced, 2),
    "slopes of the coarser factor": (
        "score ~ time + (time | school) + (1 | school:class)",
        schools,
        2,
    ),
    "nested, another crossed": (
        "score ~ time + (1 | school/class) + (1 | teacher)",
        schools,
        2,
    ),
    "slopes, another crossed": (
        "yields ~ nitrogen + (nitrogen | blocks) + (1 | varieties)",
        lambda: unbalanced("oats"),
        1,
    ),
}


def model_of(name):
    """Build a model, in coordinates for which the tests know the density."""
    formula, data, factors = MODELS[name]
    model = build(formula, data(), parameterization="noncentered")
    assert len(model.program.terms.integrated.statistics.factors) == factors
    return model


def random_draws(program, shape=(1, 3), seed=1):
    """Values of the program's parameters."""
    rng = np.random.default_rng(seed)
    draws = {}
    for parameter in program.parameters:
        if parameter.internal:
            continue
        sizes = [program.data[size] for size in parameter.size.split(", ") if size]
        if parameter.type == "cholesky_factor_corr":
            matrices = np.full((*shape, *sizes, *sizes), 0.4) + 0.6 * np.eye(*sizes)
            draws[parameter.name] = np.linalg.cholesky(matrices)
        elif parameter.name.startswith(("sd", "sigma")):
            draws[parameter.name] = rng.uniform(5, 30, size=(*shape, *sizes))
        else:
            draws[parameter.name] = rng.normal(size=(*shape, *sizes))
    return draws


def integrated(model, draws, draw):
    """Columns of the effects that are integrated out, and the effects' covariance."""
    columns, covariances = [], []
    term = model.program.terms.integrated
    for part in term.parts:
        info, group = model.design.groups[part.block], model.design.arrays.groups[part.block]
        own = slice(part.first, part.first + part.size)
        scale = np.diag(draws[term.sd.name][0, draw, own])
        if part.cholesky is not None:
            scale = scale @ draws[part.cholesky.name][0, draw]
        member = group.index[:, None] == np.arange(len(info.levels))
        columns.append((group.Z[:, :, None] * member[:, None, :]).reshape(model.nobs, -1))
        covariances.append(np.kron(scale @ scale.T, np.eye(len(info.levels))))
    return np.hstack(columns), linalg.block_diag(*covariances)


def mean_without(model, sampled, draw):
    """Mean of the response with the integrated effects left out."""
    design, arrays = model.design, model.design.arrays
    mean = arrays.predictors["mu"].X @ sampled["b"][0, draw]
    if arrays.predictors["mu"].offset is not None:
        mean = mean + arrays.predictors["mu"].offset
    for block, (info, group) in enumerate(zip(design.groups, arrays.groups, strict=True)):
        if block not in model.program.terms.integrated.blocks:
            r = sampled[f"r_{info.group}"][0, draw]
            mean = mean + (group.Z * r[group.index]).sum(axis=1)
    return mean


def weights_of(model):
    weights = model.design.arrays.weights
    return np.ones(model.nobs) if weights is None else weights


@pytest.mark.compiled
@pytest.mark.parametrize("name", MODELS)
def test_stan_has_the_marginal_density(name, tmp_path):
    """Weights multiply the log density, as if a row were there that often."""
    model = model_of(name)
    program = model.program
    draws = random_draws(program)
    sampled = program.recover(draws)
    logging.getLogger("cmdstanpy").setLevel(logging.CRITICAL)
    exe = compiled(program.code, find_toolchain("embedded"), CompileOptions()).exe
    write_json(tmp_path / "data.json", program.data)
    for draw in range(3):
        values = program.initial({key: value[0, draw].tolist() for key, value in draws.items()})
        stan = (
            cmdstanpy.CmdStanModel(exe_file=str(exe))
            .log_prob(values, data=str(tmp_path / "data.json"), jacobian=False, sig_figs=17)["lp__"]
            .item()
        )
        times = np.repeat(np.arange(model.nobs), weights_of(model).astype(int))
        Z, covariance = integrated(model, draws, draw)
        Z = Z[times]
        noise = draws["sigma"][0, draw] ** 2 * np.eye(len(times))
        mean = mean_without(model, sampled, draw)[times]
        ours = stats.multivariate_normal(mean, Z @ covariance @ Z.T + noise).logpdf(
            model.response[times]
        )
        ours += program.log_prior(draws)[0, draw]
        latent = [draws[key][0, draw] for key in draws if key.split("_")[0] == "z"]
        ours += sum(stats.norm.logpdf(z).sum() for z in latent)
        assert stan == pytest.approx(ours, rel=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_effects_follow_their_conditional_distribution(name):
    """Mean and covariance of many draws, of all effects together, given all else."""
    model = model_of(name)
    program = model.program
    once = random_draws(program, (1, 1))
    count = 20_000
    draws = {key: np.repeat(value, count, axis=1) for key, value in once.items()}
    sampled = program.recover(draws)
    Z, prior_covariance = integrated(model, once, 0)
    ZW = (Z * weights_of(model)[:, None]).T / once["sigma"][0, 0] ** 2
    covariance = np.linalg.inv(np.linalg.inv(prior_covariance) + ZW @ Z)
    expected = covariance @ ZW @ (model.response - mean_without(model, sampled, 0))
    columns = {
        member: sampled[f"r_{group}"][0, :, :, column]
        for group, members in group_members(model.design.groups).items()
        for column, member in enumerate(members)
    }
    parts = program.terms.integrated.parts
    r = np.hstack([columns[part.block, m] for part in parts for m in range(part.size)])
    sds = np.sqrt(np.diag(covariance))
    assert np.all(np.abs(r.mean(axis=0) - expected) < 5 * sds / np.sqrt(count))
    np.testing.assert_allclose(
        np.cov(r.T) / np.outer(sds, sds), covariance / np.outer(sds, sds), atol=0.05
    )


# The chain with most effects; others are sampled.
CHAINS = {
    "score ~ 1 + (1 | school) + (1 | class) + (1 | child)": ["child", "class", "school"],
    "score ~ 1 + (1 | school) + (1 | child)": ["child", "school"],
    "score ~ 1 + (time || school) + (1 | teacher) + (1 | class)": ["class", "school"],
    "score ~ 1 + (1 | teacher) + (1 | school)": ["school"],
    "score ~ 1 + (time | school) + (0 + pupil | school)": ["school", "school"],
    "score ~ 1 + (1 | class) + (time | child:teacher) + (1 | teacher) + (1 | child)": [
        "child:teacher",
        "child",
        "class",
    ],
}


@pytest.mark.parametrize("formula", CHAINS)
def test_the_chain_with_most_effects_is_integrated_out(formula):
    program = build(formula, schools()).program
    groups = [part.group for part in program.terms.integrated.parts]
    assert groups == CHAINS[formula]


@pytest.mark.parametrize("name", ["balanced", "nested, balanced", "three nested, balanced"])
def test_balanced_data_need_few_rows(name):
    """No more than a row for each stratum and each column that varies in it, and the response."""
    term = model_of(name).program.terms.integrated
    columns = sum(factor.size for factor in term.statistics.factors)
    rows = sum(len(factor.kind) for factor in term.rows.factors)
    levels = sum(len(factor.kind) for factor in term.statistics.factors)
    assert rows < levels / 2
    assert all(len(factor.kind) <= 2 * columns + 2 for factor in term.rows.factors[1:])


def test_rotation_keeps_the_sums_of_products_of_each_kind():
    rng = np.random.default_rng(0)
    index = np.repeat(np.arange(60), np.resize([2, 3, 4], 60))
    count = len(index)
    Z = np.column_stack([np.ones(count), np.arange(count) % 2])
    X = np.column_stack([np.ones(count), rng.normal(size=(count, 2))])
    found = statistics(rng.normal(size=count), X, None, [FactorColumns(Z, index, 60)], None)
    rows = rotated_rows(found)
    levels = np.concatenate([found.Ze[..., None], found.ZX], axis=-1)
    assert rows.values.shape[1] < 60
    for kind in range(len(found.ZZ)):
        ours, theirs = (
            values[:, factor.kind == kind].swapaxes(0, 1).reshape(-1, 8)
            for values, factor in ((rows.values, rows.factors[0]), (levels, found.factors[0]))
        )
        np.testing.assert_allclose(ours.T @ ours, theirs.T @ theirs, rtol=1e-10, atol=1e-10)


def test_small_differences_between_levels_count_beside_large_columns():
    """Two rows or three of level zero, with the same sums of a column in the millions."""
    index = np.array([0, 0, 1, 1, 1])
    Z = np.column_stack([np.ones(5), [0.0, 1e8, 0.0, 0.0, 1e8]])
    found = statistics(np.arange(5.0), np.ones((5, 1)), None, [FactorColumns(Z, index, 2)], None)
    assert len(found.ZZ) == 2


def test_the_same_draws_give_the_same_effects():
    model = build(MODELS["correlated"][0], load_dataset("sleepstudy"))
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


def test_a_sum_that_is_always_zero_leaves_a_row():
    """A column whose sums over levels vanish, and a response that it explains."""
    index, x = np.repeat(np.arange(4), 2), np.tile([-1.0, 1.0], 4)
    Z = np.ones((8, 1))
    found = statistics(3.0 * x, x[:, None], None, [FactorColumns(Z, index, 4)], None)
    np.testing.assert_allclose(rotated_rows(found).values, np.zeros((1, 1, 2)), atol=1e-14)
