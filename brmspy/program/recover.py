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
    for predictor, population in terms.population.items():
        coefficients = population.recover(draws)
        if coefficients is not None:
            recovered[coefficient_variable(predictor)] = coefficients
    sds: dict[tuple[int, int], NDArray[np.float64]] = {}
    effects: dict[tuple[int, int], NDArray[np.float64]] = {}
    correlations: dict[int, NDArray[np.float64]] = {}
    for uncorrelated in terms.uncorrelated.values():
        uncorrelated.recover(draws, sds, effects)
    for correlated in terms.correlated:
        factor = correlated.recover(draws, sds, effects)
        correlations[correlated.block] = factor @ np.swapaxes(factor, -1, -2)
    if terms.integrated is not None:
        theta = _coefficients(draws, terms, effects)
        root = terms.integrated.recover(draws, theta, draws["sigma"], sds, effects)
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


def _coefficients(
    draws: Mapping[str, NDArray[np.float64]],
    terms: TermSet,
    effects: Mapping[tuple[int, int], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return what the mean depends on linearly and is not integrated out, (chain, draw, P)."""
    parts = []
    population = terms.population["mu"]
    if population.intercept is not None:
        parts.append(draws[population.intercept.name][..., None])
    if population.coefficients is not None:
        parts.append(draws[population.coefficients.name])
    if "mu" in terms.uncorrelated:
        parts += [effects[member] for member in terms.uncorrelated["mu"].members]
    for block in terms.correlated:
        if any(use.predictor == "mu" for use in block.uses):
            members = range(block.uses[0].first - 1, block.uses[0].last)
            stacked = np.stack([effects[block.block, i] for i in members], axis=-1)
            parts.append(stacked.reshape(*stacked.shape[:2], -1))
    return np.concatenate(parts, axis=-1)
