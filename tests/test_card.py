"""The model card: what is said of a model before it is fitted."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import brmspy
from brmspy import bf, load_dataset, model_card, prior
from brmspy.engine import cache
from brmspy.errors import CompileError, FormulaError

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(autouse=True)
def _no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here asks for the compiler, or depends on what it has compiled."""
    monkeypatch.setattr("brmspy.card.find_toolchain", lambda name: name)
    monkeypatch.setattr("brmspy.card.is_cached", lambda *_: True)


def words(text: str) -> list[str]:
    return re.sub(r"[:\s]+", " ", text).split()


def cards() -> dict[str, Any]:
    return {
        "sleepstudy": lambda: model_card(
            "Reaction ~ Days + (Days | Subject)",
            load_dataset("sleepstudy"),
            prior=[prior("normal(0, 10)"), prior("exponential(0.1)", class_="sd", ub=300)],
        ),
        "loblolly": lambda: model_card(
            bf(
                "height ~ SSasymp(age, Asym, R0, lrc)",
                "R0 + lrc ~ 1",
                "Asym ~ 1 + (1 | Seed)",
                nl=True,
            ),
            load_dataset("loblolly"),
            prior=[prior("normal(101, 0.1)", nlpar="Asym", lb=100, ub=102)],
        ),
        "cbpp": lambda: model_card(
            "incidence | trials(size) ~ period + (1 | herd)", load_dataset("cbpp"), "binomial"
        ),
    }


@pytest.mark.parametrize("name", ["sleepstudy", "loblolly", "cbpp"])
def test_printed_text(name: str) -> None:
    text = (GOLDEN / f"card_{name}.txt").read_text(encoding="utf-8")
    assert str(cards()[name]()) + "\n" == text


@pytest.mark.parametrize("name", ["sleepstudy", "loblolly", "cbpp"])
def test_html_says_the_same(name: str) -> None:
    card = cards()[name]()
    html = re.sub("<style>.*?</style>", "", card._repr_html_())
    assert words(unescape(re.sub(r"<[^>]+>", " ", html))) == words(str(card))


def test_groups_and_their_rows() -> None:
    card = model_card("incidence | trials(size) ~ 1 + (1 | herd)", load_dataset("cbpp"), "binomial")
    counts = load_dataset("cbpp")["herd"].value_counts()
    row = card.groups.iloc[0]
    assert (row["levels"], row["min_rows"], row["max_rows"]) == (15, counts.min(), counts.max())
    assert not row["correlated"]
    assert model_card("Reaction ~ Days", load_dataset("sleepstudy")).groups.empty


def test_counts_of_parameters() -> None:
    card = cards()["sleepstudy"]()
    assert card.parameters == {
        "coefficient": 2,
        "standard deviation": 2,
        "correlation": 1,
        "family parameter": 1,
        "effect of levels": 36,
    }


def test_dropped_rows() -> None:
    data = pd.DataFrame({"y": [1.0, 2.0, 3.5, np.nan], "x": [0.0, 1.0, 2.0, 3.0]})
    with pytest.warns(brmspy.DataWarning):
        card = model_card("y ~ x", data)
    assert "3 observations; missing values left out 1 row: y (1)" in str(card)


def test_chosen_contrasts() -> None:
    oats = load_dataset("oats")
    card = str(model_card("yields ~ nitrogen", oats, contrasts={"nitrogen": "Poly"}))
    assert "Contrasts: nitrogen = Poly" in card
    assert "b_nitrogen.L, b_nitrogen.Q, b_nitrogen.C" in card
    assert "Contrasts" not in str(model_card("yields ~ nitrogen", oats))


def test_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "compiled before" in str(cards()["cbpp"]())
    monkeypatch.setattr("brmspy.card.is_cached", lambda *_: False)
    assert "not compiled yet" in str(cards()["cbpp"]())

    def without(name: str | None) -> None:
        raise CompileError("There is no C++ compiler.")

    monkeypatch.setattr("brmspy.card.find_toolchain", without)
    assert "cannot be compiled here: There is no C++ compiler." in str(cards()["cbpp"]())


def test_priors_that_are_equal_share_a_row() -> None:
    data = pd.DataFrame(np.random.default_rng(1).normal(size=(30, 11)), columns=list("yabcdefghij"))
    card = model_card("y ~ .", data, prior=prior("normal(0, 3)", coef="c"))
    text = str(card)
    assert "b_a, b_b" in text
    assert re.search(r"b_c +normal\(0, 3\) +user", text)
    assert re.search(r"b_d, b_e, b_f, b_g, b_h, b_i and 1 more +flat +default", text)


def test_latex_and_code() -> None:
    card = cards()["cbpp"]()
    assert r"\operatorname{Binomial}" in card.latex()
    assert "binomial" in card.stancode
    assert set(card.priors["class"]) == {"b", "Intercept", "sd"}


def test_from_the_prior() -> None:
    card = model_card(
        "y ~ 1", {"y": [1.0, 2.0, 4.0]}, sample_prior="only", family="student", toolchain="embedded"
    )
    assert "to be drawn from the prior" in str(card)


def test_bad_models_are_refused() -> None:
    with pytest.raises(FormulaError):
        model_card("Reaction ~ Dayz", load_dataset("sleepstudy"))


def test_html_is_escaped() -> None:
    data = pd.DataFrame({"y": [1.0, 2.0, 3.0], "<b>x</b>": [0.0, 1.0, 3.0]})
    html = model_card("y ~ `<b>x</b>`", data)._repr_html_()
    assert "<b>" not in html


def test_is_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Tools:
        def fingerprint(self, options: object) -> str:
            return "tools"

    monkeypatch.setenv("BRMSPY_CACHE_DIR", str(tmp_path))
    assert not cache.is_cached("data {}", Tools())  # type: ignore[arg-type]
