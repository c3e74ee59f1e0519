"""What the sampler is told unless the user says otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from brmspy import bf, load_dataset, prior
from brmspy.model import build

GROWTH = [
    prior("normal(100, 20)", nlpar="Asym"),
    prior("normal(-8, 5)", nlpar="R0"),
    prior("normal(-3, 1)", nlpar="lrc"),
]


def growth(**sub_formulas: str) -> Any:
    body = "height ~ Asym + (R0 - Asym) * exp(-exp(lrc) * age)"
    parts = {"Asym": "1", "R0": "1", "lrc": "1"} | sub_formulas
    return bf(body, *(f"{name} ~ {part}" for name, part in parts.items()), nl=True)


@pytest.mark.parametrize(
    ("formula", "options", "expected"),
    [
        (growth(), {}, 0.8),
        (growth(Asym="1 + (1 | Seed)"), {}, 0.8),
        (growth(Asym="1 + (1 | Seed)", lrc="1 + (1 | Seed)"), {}, 0.95),
        (growth(lrc="1 + (1 | Seed)"), {"parameterization": "noncentered"}, 0.8),
    ],
    ids=["no groups", "centred", "little known", "textbook"],
)
def test_smaller_steps_where_posteriors_bend(
    formula: Any, options: dict[str, Any], expected: float
) -> None:
    model = build(formula, load_dataset("loblolly"), prior=GROWTH, **options)
    assert model.program.plan.adapt_delta == expected
    assert f"target acceptance {expected}" in str(model.program.plan)


def test_smaller_steps_with_few_rows() -> None:
    data = load_dataset("loblolly")
    targets = [
        build(growth(), data.head(rows), prior=GROWTH).program.plan.adapt_delta for rows in (12, 36)
    ]
    assert targets == [0.95, 0.8]


def test_still_smaller_steps_with_few_levels() -> None:
    formula = growth(Asym="1 + (1 | Seed)", lrc="1 + (1 | Seed)")
    data = load_dataset("loblolly")
    few = data[data["Seed"].isin(["301", "303", "305", "307", "309", "311"])]
    assert build(formula, few, prior=GROWTH).program.plan.adapt_delta == 0.99


def test_smaller_steps_where_little_is_known_about_levels() -> None:
    data = load_dataset("cbpp").assign(id=range(1, 57))
    formula = "incidence | trials(size) ~ period + (1 | herd)"
    plans = [
        build(text, data, "binomial").program.plan for text in (formula, formula + " + (1 | id)")
    ]
    assert [plan.adapt_delta for plan in plans] == [0.8, 0.85]


def test_few_levels_are_not_centred_unless_their_sd_is_clear_of_zero() -> None:
    data = load_dataset("oats")
    nested = "yields ~ nitrogen + (1 | blocks/varieties)"
    plan = build(nested, data, marginalize=False).program.plan
    assert plan.table()["centred"].tolist() == [0, 0]
    plan = build("yields ~ nitrogen + (1 | blocks)", data, marginalize=False).program.plan
    assert plan.table()["centred"].tolist() == [6]


def test_shorter_warm_up_with_many_rows() -> None:
    few = load_dataset("poisson_sim")[["y", "x1", "g"]]
    many = pd.concat([few] * 4, ignore_index=True)
    formula = "y ~ x1 + (1 | g)"
    plans = [
        build(formula, few, "poisson").program.plan,
        build(formula, many, "poisson").program.plan,
        build(formula, many, "poisson", parameterization="noncentered").program.plan,
        build(formula, many, "gaussian").program.plan,
    ]
    assert [plan.iter_warmup for plan in plans] == [1000, 300, 1000, 1000]
    assert "warm-up: 300 iterations" in str(plans[1])


def test_larger_steps_in_high_dimensions() -> None:
    rng = np.random.default_rng(1)
    levels = np.repeat(np.arange(600), 20)
    x = rng.normal(size=len(levels))
    effects = rng.normal(size=(2, 600))[:, levels]
    data = pd.DataFrame({"y": rng.poisson(np.exp(2 + effects[0])), "x": x, "g": levels})
    varying = data.assign(y=rng.poisson(np.exp(2 + effects[0] + x * effects[1])))
    targets = [
        build(formula, rows, "poisson").program.plan.adapt_delta
        for formula, rows in (
            ("y ~ x + (1 | g)", varying),  # 600 coordinates
            ("y ~ x + (x | g)", varying),
            ("y ~ x + (x || g)", varying),
            ("y ~ x + (x || g)", data),  # the slopes do not vary: their effects are standardised
        )
    ]
    assert targets == [0.8, 0.65, 0.65, 0.8]
