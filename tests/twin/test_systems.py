"""Precisions of effects, factorised in three ways, against dense matrices written out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import linalg

from brmspy.twin import EffectBlock, systems
from brmspy.twin.effects import Effects

# Effects up to which a matrix is dense: all of it, that of the smaller factors, nothing.
WAYS = {"dense": (400, 3000), "leading": (0, 3000), "sparse": (0, 0)}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("largest", [0, 1, 2])
def test_precision_of_crossed_factors(monkeypatch, way, largest):
    monkeypatch.setattr(systems, "_DENSE", WAYS[way][0])
    monkeypatch.setattr(systems, "_DENSE_REST", WAYS[way][1])
    rng = np.random.default_rng(largest)
    n = 300
    X = np.column_stack([np.ones(n), rng.normal(size=n)])
    levels = [9, 9, 9]
    levels[largest] = 40
    blocks = [
        EffectBlock(X[:, :1], rng.integers(0, levels[0], n), levels[0]),
        EffectBlock(X, rng.integers(0, levels[1], n), levels[1]),
        EffectBlock(X, rng.integers(0, levels[2], n), levels[2], correlated=False),
    ]
    effects = Effects.checked(blocks, n)
    factors = effects.factors(rng.normal(size=len(effects.start)))
    U = np.concatenate(
        [
            np.einsum("nl,nc->nlc", np.eye(block.levels)[block.index], block.Z @ T).reshape(n, -1)
            for block, T in zip(blocks, factors, strict=True)
        ],
        axis=1,
    )
    weights = rng.random(n)
    expected = U.T @ (weights[:, None] * U) + np.eye(U.shape[1])
    columns = effects.columns(factors)
    system = columns.precision(weights)
    assert system.log_determinant == pytest.approx(np.linalg.slogdet(expected)[1])
    right = rng.normal(size=(effects.size, 3))
    assert system.solve(right) == pytest.approx(np.linalg.solve(expected, right))
    assert system.solve(right[:, 0]) == pytest.approx(np.linalg.solve(expected, right[:, 0]))
    u = rng.normal(size=effects.size)
    assert columns.times(u) == pytest.approx(U @ u)
    assert columns.crossed(X) == pytest.approx(U.T @ X)
    sds = effects.standard_deviations(factors, system)
    turns = [np.kron(np.eye(block.levels), T) for block, T in zip(blocks, factors, strict=True)]
    turn = linalg.block_diag(*turns)
    variances = np.diagonal(turn @ np.linalg.inv(expected) @ turn.T)
    assert np.concatenate([sd.ravel() for sd in sds]) == pytest.approx(np.sqrt(variances))


def test_an_indefinite_matrix_is_refused(monkeypatch):
    one = np.ones((6, 1))
    effects = Effects.checked([EffectBlock(one, [0, 0, 1, 1, 2, 2], 3)], 6)
    columns = effects.columns(effects.factors(np.array([2.0])))
    for dense in (400, 0):
        monkeypatch.setattr(systems, "_DENSE", dense)
        with pytest.raises(np.linalg.LinAlgError):
            columns.precision(np.full(6, -1.0))
