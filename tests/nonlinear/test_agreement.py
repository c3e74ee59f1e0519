"""R's text, the NumPy value and the Stan text of one formula mean the same.

Python reads arithmetic with the precedence of R and of Stan, so that it can be the judge of both:
each random formula is evaluated as R text, as Stan text, and by `evaluate`.
"""

from __future__ import annotations

import random
import re

import numpy as np
import pytest
from scipy.special import expit

from brmspy.formula import NonlinearPredictor, bf, parse
from brmspy.nonlinear import evaluate, to_stan

VALUES = {
    "x": np.array([0.7, 1.3, 2.1]),
    "v": np.array([1.9, 0.4, 1.1]),
    "a": np.array(1.7),
    "b": np.array(0.6),
}
PARAMETERS = ("v", "a", "b")
LANGUAGE = {
    "exp": np.exp,
    "plogis": expit,
    "inv_logit": expit,
    "sqrt": np.sqrt,
    "square": np.square,
    "inv": np.reciprocal,
    "inv_sqrt": lambda x: 1 / np.sqrt(x),
    "inv_square": lambda x: 1 / np.square(x),
    "hypot": np.hypot,
}


def formula(rng: random.Random, depth: int) -> str:
    """Write a random formula in R."""
    if depth == 0 or rng.random() < 0.1:
        return rng.choice([*VALUES, "2", "1", "0.5", "3"])
    kind = rng.random()
    if kind < 0.6:
        operator = rng.choice([" + ", " - ", "*", "/", "^"])
        return formula(rng, depth - 1) + operator + formula(rng, depth - 1)
    if kind < 0.75:
        return f"({formula(rng, depth - 1)})"
    if kind < 0.85:
        return f"-{formula(rng, depth - 1)}"
    if kind < 0.95:
        return f"{rng.choice(['exp', 'plogis', 'sqrt'])}({formula(rng, depth - 1)})"
    return f"hypot({formula(rng, depth - 1)}, {formula(rng, depth - 1)})"


def python(text: str, values: dict[str, object]) -> object:
    """Evaluate R or Stan arithmetic."""
    for symbol, meaning in ((".^", "**"), (".*", "*"), ("./", "/"), ("^", "**")):
        text = text.replace(symbol, meaning)
    # Whole numbers of NumPy have no negative powers.
    text = re.sub(r"(?<![\w.])(\d+)(?![\w.])", r"\1.0", text)
    return eval(text, {"__builtins__": {}}, {**LANGUAGE, **values})


@pytest.mark.parametrize("seed", range(400))
def test_three_readings_of_a_formula(seed: int) -> None:
    text = formula(random.Random(seed), depth=4) + " + 0 * (v + a + b)"
    predictor = parse(bf(f"y ~ {text}", "v + a + b ~ 1", nl=True)).predictor("mu")
    assert isinstance(predictor, NonlinearPredictor)
    value = evaluate(predictor.body, VALUES)
    stan = to_stan(predictor.body, {name: name for name in VALUES}, {"a", "b"})
    with np.errstate(all="ignore"):
        local = dict(VALUES)
        for statement in stan.statements:
            match = re.fullmatch(r"(?:real|vector\[N\]) (\w+) = (.*);", statement)
            assert match is not None
            local[match[1]] = np.asarray(python(match[2], local))
        np.testing.assert_allclose(value, python(text, VALUES), rtol=1e-9)
        np.testing.assert_allclose(value, python(stan.expression, local), rtol=1e-9)


def test_enough_of_them_are_finite() -> None:
    finite = 0
    for seed in range(400):
        text = formula(random.Random(seed), depth=4)
        with np.errstate(all="ignore"):
            finite += bool(np.isfinite(python(text, VALUES)).all())
    assert finite > 200
