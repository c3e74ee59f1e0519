"""What users write about priors."""

from __future__ import annotations

import json
import math
import pickle
from typing import Any

import pytest

from brmspy.errors import PriorError
from brmspy.priors import Prior, prior, set_prior

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"prior": "normal(0, -1)"}, "sigma must be positive"),
    ({"prior": 3}, "prior = 3 of a prior is not text"),
    ({"prior": "flat", "class_": None}, "class_ = None of a prior is not text"),
    ({"prior": "flat", "coef": 1}, "coef = 1 of a prior is not text"),
    ({"prior": "flat", "resp": "y1"}, "models have one response"),
    ({"prior": "flat", "lb": 1, "ub": 1}, "lb = 1 is not less than ub = 1"),
    ({"prior": "flat", "lb": 2, "ub": 1}, "lb = 2 is not less than ub = 1"),
    ({"prior": "flat", "lb": math.nan}, "None means no bound"),
    ({"prior": "flat", "ub": "Inf - Inf"}, "None means no bound"),
    ({"prior": "flat", "lb": "zero"}, "lb = 'zero' of a prior is not a number"),
    ({"prior": "flat", "lb": [0]}, "lb = [0] of a prior is not a number"),
    ({"prior": "flat", "ub": True}, "ub = True of a prior is not a number"),
]

TEXTS = [
    (prior("normal(0, 1)"), "prior('normal(0, 1)', class_='b')"),
    (
        prior(" normal(0,  1) ", "sd", coef="x", group="g", nlpar="Asym", lb=1, ub=2.5),
        "prior('normal(0, 1)', class_='sd', coef='x', group='g', nlpar='Asym', lb=1, ub=2.5)",
    ),
    (
        prior("flat", "Intercept", dpar="sigma", lb=-math.pi, ub="1e6"),
        "prior('flat', class_='Intercept', dpar='sigma', lb=-3.141592653589793, ub=1000000)",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(PriorError) as caught:
        prior(**arguments)
    assert message in str(caught.value)


@pytest.mark.parametrize(("row", "text"), TEXTS)
def test_text_can_be_written_back(row: Prior, text: str) -> None:
    assert str(row) == text
    assert eval(text, {"prior": prior}) == row


def test_bounds_are_numbers_or_text() -> None:
    row = prior("flat", lb="-1/4", ub="")
    assert (row.lb, row.ub) == (-0.25, None)


def test_mu_is_the_predictor_without_name() -> None:
    assert prior("flat", dpar="mu") == prior("flat")


def test_set_prior_is_the_same() -> None:
    assert set_prior("normal(0, 1)", class_="sd") == prior("normal(0, 1)", class_="sd")


def test_rows_are_joined_by_plus_and_in_lists() -> None:
    a, b, c = prior("normal(0, 1)"), prior("lkj(2)", "cor"), prior("flat", "sd")
    assert a + b == (a, b)
    assert a + b + c == (a, b, c)
    assert a + (b + c) == (a, b, c)
    first, last = [a, b], [b, c]
    assert first + c == (a, b, c)
    assert a + last == (a, b, c)
    assert (a + b) + (c + a) == (a, b, c, a)


@pytest.mark.parametrize(
    "row",
    [
        prior("normal(0, 1)", "sd", coef="x", group="g", nlpar="Asym", lb=0.5),
        prior("flat", lb="-Inf", ub=1),
        prior("", dpar="sigma"),
    ],
)
def test_rows_survive_json_and_pickle(row: Prior) -> None:
    text = json.dumps(row.to_dict(), allow_nan=False)
    assert Prior.from_dict(json.loads(text)) == row
    copied = pickle.loads(pickle.dumps(row))
    assert copied == row
    assert copied.density == row.density
