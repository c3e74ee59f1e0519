"""What is said of flat priors, and of default priors that are guesses."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import brmspy
from brmspy import bf, load_dataset, prior
from brmspy.errors import PriorWarning
from brmspy.model import build
from brmspy.proposals import advise_priors

LOBLOLLY = load_dataset("loblolly")
FREE = bf(
    "height ~ Asym + (R0 - Asym) * exp(-exp(lrc) * age)",
    "Asym ~ 1 + (1 | Seed)",
    "R0 + lrc ~ 1",
    nl=True,
)


def test_flat_priors_are_named_with_something_better() -> None:
    with pytest.warns(PriorWarning, match="prior of Asym, R0 and lrc is flat") as caught:
        advise_priors(build(FREE, LOBLOLLY))
    message = str(caught[0].message)
    lines = [line.strip() for line in message.splitlines() if line.strip().startswith("prior(")]
    rows = [eval(line, {"prior": prior}) for line in lines]
    assert [row.nlpar for row in rows] == ["Asym", "R0", "lrc"]
    # The proposals are accepted, about right, and leave nothing to say.
    assert rows[0].density.args[0] == pytest.approx(102, abs=6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        advise_priors(build(FREE, LOBLOLLY, prior=rows))


def test_only_what_is_flat_is_named() -> None:
    with pytest.warns(PriorWarning, match=r"prior of lrc is flat"):
        advise_priors(
            build(
                FREE,
                LOBLOLLY,
                prior=[prior("normal(100, 20)", nlpar="Asym"), prior("normal(-8, 5)", nlpar="R0")],
            )
        )


@pytest.mark.parametrize(
    "model",
    [
        lambda: build(FREE, LOBLOLLY, default_priors="brms"),
        lambda: build("height ~ age", LOBLOLLY),
        lambda: build(
            bf("height ~ SSasymp(age, Asym, R0, lrc)", "Asym + R0 + lrc ~ 1", nl=True), LOBLOLLY
        ),
    ],
    ids=["asked for", "linear", "named curve"],
)
def test_there_is_nothing_to_say(model) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        advise_priors(model())


def test_what_the_data_leave_open_is_said() -> None:
    x = np.linspace(0, 10, 20)
    data = pd.DataFrame({"x": x, "y": 3 + 2 * x + 0.1 * np.cos(9 * x)})
    formula = bf("y ~ SSasymp(x, Asym, R0, lrc)", "Asym + R0 + lrc ~ 1", nl=True)
    with pytest.warns(PriorWarning, match=r"leave open .*(Asym|lrc).* of the curve"):
        advise_priors(build(formula, data))


def test_brm_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brmspy.api.run_model", lambda kind, model, *rest: model)
    with pytest.warns(PriorWarning, match="is flat"):
        brmspy.brm(FREE, LOBLOLLY)
