"""What a check says about the rows: which are unusual, and whether that matters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brmspy.checks.display import count, row_labels
from brmspy.checks.likelihood import relative_efficiency, smoothed_log_weights
from brmspy.checks.loo import Loo
from brmspy.checks.suspicion import Suspicion, note
from brmspy.fit import Fit
from brmspy.predict import log_lik

__all__ = ["row_findings"]

FloatArray = NDArray[np.float64]

_MANY_ROWS = 10  # from as many on, kfold takes fewer fits than reloo
_SHOWN = 4
_WORST = 40  # rows whose weight in the posterior is looked at
# A row that moves a coefficient by more than a standard deviation is influential, in data of
# moderate size: Kutner, Nachtsheim and Neter (2004), Applied Linear Regression Models, 10.4.
_SMALL_MOVE = 1.0
_FEW = 0.1  # of all rows


def row_findings(fit: Fit, estimate: Loo) -> Iterator[Suspicion]:
    """Yield what there is to say about rows that the model does not expect.

    Parameters
    ----------
    fit : BrmsFit
        The fitted model.
    estimate : Loo
        Its leave-one-out cross-validation.

    Yields
    ------
    Suspicion
    """
    number = len(fit.names)
    surprised = estimate.p > number
    if surprised:
        yield Suspicion(
            "The data surprise the model",
            f"p_loo, the effective number of parameters, is {estimate.p:.1f}: more than the "
            f"{number} parameters that the model has.",
            "Often the spread is larger than the family allows for: see where the data are unlike "
            "what the model predicts, and take a family with a parameter for the spread, or an "
            "effect for each row.",
            "fit.pp_check()",
        )
    labels = list(estimate.bad_rows.index)
    if not labels:
        return
    bad = np.flatnonzero((estimate.pareto_k > estimate.k_threshold) & ~estimate.refitted)
    order = np.argsort(-estimate.pareto_k.to_numpy()[bad], kind="stable")
    effect = _effect_of(fit, bad[order][:_WORST])
    few = len(labels) <= max(_FEW * fit.nobs, 1.0)
    calm = few and not surprised and effect.coefficients.size < _SMALL_MOVE
    alone = any(levels == fit.nobs for levels in fit.ngrps.values())
    many = alone or len(labels) > _MANY_ROWS
    each = "it" if len(labels) == 1 else "each"
    again = "cross-validation by fitting again" if many else f"fitting again without {each}"
    look = f"fit.data.loc[[{row_labels(labels[:_SHOWN])}]]"
    evidence = (
        f"Pareto k is above {estimate.k_threshold:.2f} in {len(labels)} of {fit.nobs} rows, up to "
        f"{estimate.bad_rows.iloc[0]:.2f}: {row_labels(labels)}. {effect.text(labels)}"
    )
    call = "fit.kfold(K=10)" if many else "fit.reloo()"
    if alone and not surprised:
        yield note(
            "fit.loo() is unsure, as each row has a level to itself",
            evidence,
            "Nothing is left to learn about a level without its only row, so that a high Pareto k "
            "says little about the rows. Compare such models by cross-validation.",
            call,
        )
        return
    if calm:
        yield note(
            f"{count(len(labels), 'unusual row')}",
            evidence,
            f"No coefficient hangs on {'it' if len(labels) == 1 else 'one of them'}"
            + (", the spread does" if effect.others.size >= _SMALL_MOVE else "")
            + f": see {look}. fit.loo() is unsure of {'it' if len(labels) == 1 else 'them'}; "
            f"{again} is not, which matters when models are compared.",
            call,
        )
        return
    yield Suspicion(
        "Rows that move the posterior",
        evidence,
        f"Look at {look}: errors in the data, or rows that another family would expect (student, "
        f"negbinomial). fit.loo() is unsure of them; {again} is not.",
        call,
    )


@dataclass(frozen=True)
class _Move:
    """The farthest that a parameter would move without a row.

    Attributes
    ----------
    size : float
        In posterior standard deviations.
    name : str
        The parameter; empty if there is none.
    row : int
        The row's place.
    """

    size: float = 0.0
    name: str = ""
    row: int = 0


@dataclass(frozen=True)
class _Effect:
    """What rows do to coefficients, and to other parameters."""

    coefficients: _Move
    others: _Move

    def text(self, labels: list[Any]) -> str:
        """Say what would move without the rows."""
        moves = [move for move in (self.coefficients, self.others) if move.name]
        moves.sort(key=lambda move: -move.size)
        told: list[str] = []
        for move in moves:
            row = "it" if len(labels) == 1 else f"row {row_labels([labels[move.row]])}"
            unit = "" if told else " of its posterior standard deviation"
            told.append(f"without {row}, {move.name} would move by about {move.size:.1f}{unit}")
        if len(moves) == 2 and moves[0].row == moves[1].row:
            told[1] = f"{moves[1].name} by about {moves[1].size:.1f}"
        text = "; ".join(told)
        return f"{text[0].upper()}{text[1:]}." if text else ""


def _effect_of(fit: Fit, rows: NDArray[np.intp]) -> _Effect:
    """Return what would move the farthest without one of some rows."""
    moves, names = _moves(fit, rows)
    population = {str(n) for v in fit.variables if v.section == "population" for n in v.brms.flat}
    found = []
    for wanted in (True, False):
        places = [i for i, name in enumerate(names) if (name in population) == wanted]
        if not places:
            found.append(_Move())
            continue
        part = moves[:, places]
        row, place = np.unravel_index(int(np.argmax(part)), part.shape)
        found.append(_Move(float(part[row, place]), names[places[place]], int(row)))
    return _Effect(*found)


def _moves(fit: Fit, rows: NDArray[np.intp]) -> tuple[FloatArray, list[str]]:
    """Return how far each parameter would move without each row, in its posterior deviations.

    The means of the draws with the weights that stand for the posterior without the row. Where
    Pareto k is high these are rough.
    """
    names = list(fit.summary().index)
    draws = fit.draws_df(names)[names].to_numpy()
    density = log_lik(fit, fit.data.iloc[rows]).to_numpy().reshape(len(draws), len(rows))
    log_weights, _ = smoothed_log_weights(-density, relative_efficiency(fit))
    weights = np.exp(log_weights)
    means = weights.T @ draws / weights.sum(axis=0)[:, None]
    spread = draws.std(axis=0)
    spread[spread == 0.0] = np.inf
    return np.abs(means - draws.mean(axis=0)) / spread, names
