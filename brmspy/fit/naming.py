"""The names of a model's parameters: the posterior's variables, their labels and brms' names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from brmspy.data import Design, GroupCoef, PredictorInfo
from brmspy.fit.variables import Variable
from brmspy.program import Program, coefficient_variable, correlated_pairs, group_members

__all__ = ["posterior_variables"]


def posterior_variables(design: Design, program: Program) -> tuple[Variable, ...]:
    """Return the variables that `Program.recover` computes, with their labels.

    Parameters
    ----------
    design : Design
        Names of coefficients, groups and levels.
    program : Program
        Which distributional parameters are estimated as one number.

    Returns
    -------
    tuple of Variable
        Group-level standard deviations and correlations, coefficients, family parameters, and
        the group-level effects last.
    """
    members = group_members(design.groups)
    coefs = {
        group: tuple(design.groups[block].coefs[i] for block, i in positions)
        for group, positions in members.items()
    }
    levels = {info.group: info.levels for info in design.groups}
    variables: list[Variable] = []
    for group, group_coefs in coefs.items():
        variables.append(_standard_deviations(group, group_coefs))
        pairs = [
            (design.groups[block].coefs[first], design.groups[block].coefs[second])
            for block, first, second in correlated_pairs(design.groups, group)
        ]
        if pairs:
            variables.append(_correlations(group, pairs))
    variables += [
        _coefficients(design.predictors[name])
        for name in program.terms.population
        if design.predictors[name].coefs
    ]
    variables += [_scalar(name) for name in program.family_parameters]
    variables += [
        _effects(group, group_coefs, levels[group]) for group, group_coefs in coefs.items()
    ]
    return tuple(variables)


def _names(values: Sequence[str]) -> NDArray[np.object_]:
    """Return text as an array of objects, which keeps its shape whatever the text."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _coefficients(info: PredictorInfo) -> Variable:
    """Return the variable of a predictor's population-level coefficients."""
    prefix = "" if info.name == "mu" else f"{info.name}_"
    name = coefficient_variable(info.name)
    dim = "coef" if info.name == "mu" else f"coef_{info.name}"
    return Variable(
        name=name,
        section="population",
        dims=(dim,),
        coords={dim: tuple(coef.label for coef in info.coefs)},
        brms=_names([f"b_{prefix}{coef.brms}" for coef in info.coefs]),
        labels=_names([prefix + coef.brms for coef in info.coefs]),
    )


def _scalar(name: str) -> Variable:
    """Return the variable of a distributional parameter that is one number."""
    text = np.array(name, dtype=object)
    return Variable(name=name, section="family", dims=(), coords={}, brms=text, labels=text)


def _standard_deviations(group: str, coefs: Sequence[GroupCoef]) -> Variable:
    """Return the variable of a group's standard deviations."""
    dim = f"{group}__coef"
    return Variable(
        name=f"sd_{group}",
        section="group_sd",
        dims=(dim,),
        coords={dim: tuple(coef.label for coef in coefs)},
        brms=_names([f"sd_{group}__{coef.brms_label}" for coef in coefs]),
        labels=_names([f"sd({coef.brms_label})" for coef in coefs]),
        group=group,
    )


def _correlations(group: str, pairs: Sequence[tuple[GroupCoef, GroupCoef]]) -> Variable:
    """Return the variable of a group's correlations."""
    dim = f"{group}__pair"
    return Variable(
        name=f"cor_{group}",
        section="group_cor",
        dims=(dim,),
        coords={dim: tuple(f"{a.label}, {b.label}" for a, b in pairs)},
        brms=_names([f"cor_{group}__{a.brms_label}__{b.brms_label}" for a, b in pairs]),
        labels=_names([f"cor({a.brms_label},{b.brms_label})" for a, b in pairs]),
        group=group,
    )


def _effects(group: str, coefs: Sequence[GroupCoef], levels: Sequence[str]) -> Variable:
    """Return the variable of the effects of a group's levels."""
    dims = (group, f"{group}__coef")
    brms = np.array(
        [[_effect_name(group, level, c) for c in coefs] for level in levels], dtype=object
    )
    return Variable(
        name=f"r_{group}",
        section="group_effects",
        dims=dims,
        coords={group: tuple(levels), dims[1]: tuple(coef.label for coef in coefs)},
        brms=brms.reshape(len(levels), len(coefs)),
        labels=brms.reshape(len(levels), len(coefs)),
        group=group,
    )


def _effect_name(group: str, level: str, coef: GroupCoef) -> str:
    """Return brms' name of one effect; the level keeps its text, but spaces become dots."""
    part = "" if coef.predictor == "mu" else f"__{coef.predictor}"
    return f"r_{group}{part}[{level.replace(' ', '.')},{coef.name.brms}]"
