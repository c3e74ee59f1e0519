"""From the sampler's coordinates to the parameters that users meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from brmspy.data import GroupInfo
from brmspy.program.compose import TermSet

__all__ = ["coefficient_variable", "correlated_pairs", "group_members", "recover_draws"]


def coefficient_variable(predictor: str) -> str:
    """Return the name of the posterior variable of a predictor's coefficients.

    Parameters
    ----------
    predictor : str
        The predicted parameter.

    Returns
    -------
    str
        ``"b"`` for the mean, else ``"b_<predictor>"``.
    """
    return "b" if predictor == "mu" else f"b_{predictor}"


def group_members(groups: Sequence[GroupInfo]) -> dict[str, list[tuple[int, int]]]:
    """Return the coefficients of each grouping factor.

    Parameters
    ----------
    groups : sequence of GroupInfo
        The blocks of group-level effects.

    Returns
    -------
    dict of str to list of (int, int)
        By grouping factor: block, and position within it, in the order of the formula.
    """
    members: dict[str, list[tuple[int, int]]] = {}
    for block, group in enumerate(groups):
        members.setdefault(group.group, []).extend((block, i) for i in range(len(group.coefs)))
    return members


def correlated_pairs(groups: Sequence[GroupInfo], group: str) -> list[tuple[int, int, int]]:
    """Return the correlations of a grouping factor, in brms' order.

    Parameters
    ----------
    groups : sequence of GroupInfo
        The blocks of group-level effects.
    group : str
        The grouping factor.

    Returns
    -------
    list of (int, int, int)
        Block, first and second coefficient.
    """
    return [
        (block, first, second)
        for block, info in enumerate(groups)
        if info.group == group and info.correlated
        for second in range(1, len(info.coefs))
        for first in range(second)
    ]


def recover_draws(
    draws: Mapping[str, NDArray[np.float64]],
    terms: TermSet,
    groups: Sequence[GroupInfo],
    family_parameters: Sequence[str],
) -> dict[str, NDArray[np.float64]]:
    """Return the user's parameters; see `Program.recover`.

    Parameters
    ----------
    draws : mapping of str to ndarray, shape (chain, draw, ...)
        Every block of parameters of the program.
    terms : TermSet
        The terms of the program.
    groups : sequence of GroupInfo
        The blocks of group-level effects.
    family_parameters : sequence of str
        Distributional parameters that are one number.

    Returns
    -------
    dict of str to ndarray, shape (chain, draw, ...)
    """
    recovered: dict[str, NDArray[np.float64]] = {}
    stacks: dict[str, NDArray[np.float64]] = {}
    for predictor, population in terms.population.items():
        stacks[predictor] = population.stack(draws)
        recovered[coefficient_variable(predictor)] = population.recover(draws)
    sds: dict[tuple[int, int], NDArray[np.float64]] = {}
    effects: dict[tuple[int, int], NDArray[np.float64]] = {}
    correlations: dict[int, NDArray[np.float64]] = {}
    coordinates = {
        predictor: _coordinates(draws, terms, predictor, stacks.get(predictor))
        for predictor in terms.effects
    }
    for predictor, uncorrelated in terms.uncorrelated.items():
        w = coordinates[predictor]
        uncorrelated.recover(draws, stacks.get(predictor), w, sds, effects)
    for correlated in terms.correlated:
        predictor = correlated.uses[0].predictor
        correlated.recover(draws, stacks.get(predictor), coordinates[predictor], sds, effects)
        factor = draws[correlated.cholesky.name]
        correlations[correlated.block] = factor @ np.swapaxes(factor, -1, -2)
    if terms.integrated is not None:
        theta = [stacks["mu"], *([coordinates["mu"]] if "mu" in coordinates else [])]
        root = terms.integrated.recover(
            draws, np.concatenate(theta, axis=-1), draws["sigma"], sds, effects
        )
        if root is not None:
            correlations[terms.integrated.block] = root @ np.swapaxes(root, -1, -2)
    for group, members in group_members(groups).items():
        recovered[f"sd_{group}"] = np.stack([sds[member] for member in members], axis=-1)
        pairs = correlated_pairs(groups, group)
        if pairs:
            recovered[f"cor_{group}"] = np.stack(
                [correlations[block][..., first, second] for block, first, second in pairs],
                axis=-1,
            )
        recovered[f"r_{group}"] = np.stack([effects[member] for member in members], axis=-1)
    recovered |= {name: draws[name] for name in family_parameters}
    return recovered


def _coordinates(
    draws: Mapping[str, NDArray[np.float64]],
    terms: TermSet,
    predictor: str,
    coefficients: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """Return all coordinates of a predictor's group-level effects, (chain, draw, Q)."""
    parts = []
    if predictor in terms.uncorrelated:
        parts.append(terms.uncorrelated[predictor].stack(draws))
    parts += [
        block.stack(draws, predictor, coefficients)
        for block in terms.correlated
        if any(use.predictor == predictor for use in block.uses)
    ]
    return np.concatenate(parts, axis=-1)
