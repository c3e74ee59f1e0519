"""Grouping factors whose levels say little: few of them, or few rows in each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brmspy.data import Design
from brmspy.fit import Fit
from brmspy.priors.curves import curve_in_use

__all__ = ["ThinGroups", "few_levels", "thin_groups"]

_FEW_LEVELS = 5  # Gelman and Hill (2007), section 11.5: below, the sd is hardly estimated


@dataclass(frozen=True)
class ThinGroups:
    """Levels with fewer rows than effects.

    Attributes
    ----------
    group : str
        The grouping factor.
    effects : int
        What varies between its levels.
    levels : tuple of (str, int)
        These levels with what they have, the fewest first.
    counted : str
        What they have too few of: ``"row"``, or ``"different input"`` for curves.
    of : int
        Number of all levels of the factor.
    residuals : bool
        Whether no level has more, so that nothing tells the effects from the residuals.
    """

    group: str
    effects: int
    levels: tuple[tuple[str, int], ...]
    counted: str
    of: int
    residuals: bool


def few_levels(fit: Fit) -> list[tuple[str, int]]:
    """Return the grouping factors that have too few levels to estimate a spread from.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.

    Returns
    -------
    list of (str, int)
        Factor and number of levels.

    References
    ----------
    Gelman, A. and Hill, J. (2007). Data Analysis Using Regression and Multilevel/Hierarchical
    Models. Cambridge University Press, section 11.5.
    """
    return [(group, levels) for group, levels in fit.ngrps.items() if levels < _FEW_LEVELS]


def thin_groups(fit: Fit) -> list[ThinGroups]:
    """Return the grouping factors some of whose levels have fewer rows than effects.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.

    Returns
    -------
    list of ThinGroups
    """
    design = fit.model.design
    known = {parameter.name for parameter in design.terms.fixed}
    residual = "sigma" in set(fit.family.dpar_names) - known
    found = []
    for group in fit.ngrps:
        places = [i for i, info in enumerate(design.groups) if info.group == group]
        effects = sum(len(design.groups[i].coefs) for i in places)
        labels = design.groups[places[0]].levels
        rows = np.bincount(design.arrays.groups[places[0]].index, minlength=len(labels))
        alone = residual and bool(np.all(rows <= 1))
        points = _points(design, places[0], rows)
        thin = np.flatnonzero(points < effects) if not alone else np.arange(len(labels))
        if len(thin):
            counts = sorted(((labels[i], int(points[i])) for i in thin), key=lambda item: item[1])
            found.append(
                ThinGroups(
                    group,
                    effects,
                    tuple(counts),
                    "row" if np.array_equal(points, rows) else "different input",
                    len(labels),
                    alone,
                )
            )
    return found


def _points(design: Design, place: int, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return how many rows each level has, for a curve those with different inputs."""
    use = curve_in_use(design)
    coefs = design.groups[place].coefs
    if use is None or not any(coef.predictor in use.nlpars for coef in coefs):
        return rows
    index = design.arrays.groups[place].index
    different = np.unique(np.column_stack([index, *use.inputs.values()]), axis=0)
    return np.bincount(different[:, 0].astype(np.intp), minlength=len(rows))
