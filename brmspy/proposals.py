"""What to say about default priors before a model is fitted: which are flat, and which are guesses.

What is proposed in place of a flat prior comes from a rough least-squares fit of the formula, each
non-linear parameter being one number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from brmspy.errors import PriorWarning, warn
from brmspy.formula import LinearPredictor, NonlinearPredictor
from brmspy.model import Model
from brmspy.nonlinear import evaluate
from brmspy.priors import NlparGuess
from brmspy.priors.curves import link_scale_response
from brmspy.priors.numbers import format_number
from brmspy.selfstart import LeastSquares, least_squares, random_guesses

__all__ = ["advise_priors", "flat_nonlinear", "proposed_priors"]

FloatArray = NDArray[np.float64]

_ERRORS = 10.0  # standard errors within a proposed prior's standard deviation
_ROWS = 500


def advise_priors(model: Model) -> None:
    """Warn of non-linear parameters with flat priors, and of default priors that are guesses.

    Parameters
    ----------
    model : Model
        The model.

    Warns
    -----
    PriorWarning
        Unless there is nothing to say, or the user asked for brms' flat priors.
    """
    if model.default_rule == "brms":
        return
    unsure = [guess for guess in model.guesses.values() if guess.unsure]
    if unsure and not model.defaults:
        warn(
            f"The data leave open {_listed([_called(guess) for guess in unsure])} of the curve: "
            "the best value lies far beyond them, and the default prior is a wide guess. Check "
            "that the response and the curve's input are not swapped, and set a prior that says "
            "what you know: "
            + ", ".join(f'prior("normal(..., ...)", nlpar="{guess.name}")' for guess in unsure)
            + ", or take a curve with fewer parameters.",
            PriorWarning,
        )
    flat = flat_nonlinear(model)
    if flat:
        lines = "\n".join(f"  {line}" for line in proposed_priors(model, flat))
        warn(
            f"The prior of {_listed(flat)} is flat, as {_reason(model)}. Where the data say "
            "little, chains then wander far. Priors to begin with, to be replaced by what you "
            f"know:\n{lines}\n"
            'default_priors="brms" keeps flat priors without a word.',
            PriorWarning,
        )


def _called(guess: NlparGuess) -> str:
    """Return what a parameter is called, in the curve and in the model."""
    if guess.argument == guess.name:
        return guess.name
    return f"{guess.argument} ({guess.name})"


def _reason(model: Model) -> str:
    """Say why parameters have no default prior."""
    calls = [
        predictor.curve
        for predictor in model.design.terms.predictors
        if isinstance(predictor, NonlinearPredictor) and predictor.curve is not None
    ]
    if not calls:
        return (
            "nothing is known of a formula that is not a named curve and nothing else "
            "(named_curves() lists those that have default priors)"
        )
    name = calls[0].curve
    if link_scale_response(model.design, model.family, model.response) is None:
        return (
            f"{name}() finds its parameters in responses on its own scale, which those of the "
            f"family {model.family.name} with the link {model.family.link.name!r} are not"
        )
    return (
        f"{name}() finds its parameters only where each is a number, or has a formula of its own, "
        "and where its inputs are data"
    )


def flat_nonlinear(model: Model) -> tuple[str, ...]:
    """Return the non-linear parameters with a linear predictor that has flat priors.

    Parameters
    ----------
    model : Model
        The model.

    Returns
    -------
    tuple of str
    """
    names = [
        priors.block.nlpar
        for priors in model.priors.blocks
        if priors.block.nlpar
        and priors.block.class_ in ("b", "Intercept")
        and any(element.distribution == "flat" for element in priors.elements)
    ]
    return tuple(dict.fromkeys(names))


def proposed_priors(model: Model, names: Sequence[str]) -> tuple[str, ...]:
    """Return priors to begin with, as calls of `prior`.

    Parameters
    ----------
    model : Model
        The model.
    names : sequence of str
        Non-linear parameters with a linear predictor.

    Returns
    -------
    tuple of str
        One call for each.
    """
    found = _rough_fit(model)
    lines = []
    for name in names:
        value, error = found.get(name, (0.0, math.inf))
        size = abs(value) if value else 1.0
        scale = float(np.clip(_ERRORS * error, 0.1 * size, 2.0 * size))
        if name not in found:
            scale = 10.0
        scale = float(f"{scale:.1e}")
        digits = 1 - math.floor(math.log10(scale))
        centre = round(value, digits) + 0.0
        lines.append(
            f'prior("normal({format_number(centre)}, {format_number(scale)})", nlpar="{name}")'
        )
    return tuple(lines)


def _rough_fit(model: Model) -> dict[str, tuple[float, float]]:
    """Return estimate and standard error of non-linear parameters, each taken for one number."""
    design = model.design
    y = link_scale_response(design, model.family, model.response)
    terms = design.terms.predictors
    names = [p.name for p in terms if p.nlpar and isinstance(p, LinearPredictor)]
    if y is None or not names:
        return {}
    rows = np.flatnonzero(np.isfinite(y))
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), _ROWS)).round().astype(np.intp)]
    covariates = {name: x[rows] for name, x in design.arrays.covariates.items()}
    nonlinear = [p for p in terms if isinstance(p, NonlinearPredictor)]
    if "mu" not in {p.name for p in nonlinear}:
        return {}

    def curve(theta: FloatArray) -> FloatArray:
        values = {**covariates, **dict(zip(names, theta, strict=True))}
        for predictor in nonlinear:
            if predictor.nlpar or predictor.name == "mu":
                values[predictor.name] = evaluate(predictor.body, values)
        return np.broadcast_to(values["mu"], rows.shape)

    fits: list[LeastSquares] = []
    for guess in random_guesses(curve, names, y[rows], inputs=covariates):
        found = least_squares(curve, y[rows], list(guess.values()), steps=100)
        if found is not None and np.all(np.isfinite(found.values)):
            fits.append(found)
    if not fits:
        return {}
    best = min(fits, key=lambda item: item.loss)
    return {
        name: (float(value), float(error))
        for name, value, error in zip(names, best.values, best.errors, strict=True)
    }


def _listed(names: Sequence[str]) -> str:
    """Return names in a row."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
