"""`python -m brmspy warmup`: what is compiled ahead, and that common models find it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from brmspy import load_dataset, stancode
from brmspy.__main__ import main
from brmspy.engine.cache import compiled
from brmspy.engine.embedded import find_embedded
from brmspy.engine.interface import CompileOptions

pytestmark = pytest.mark.slow


def test_command(
    compiler: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["warmup"]) == 0
    first = capsys.readouterr().out.splitlines()
    assert first[0].startswith("What every model needs ...")
    assert re.match(r"\[1/\d+\] gaussian, y ~ x \.\.\. \d+ s$", first[1])
    assert first[-1].startswith("Ready after")
    assert find_embedded().is_prepared(CompileOptions())
    assert len(compiler.named("runner.cpp")) == 1

    calls = len(compiler.calls)
    assert main(["warmup"]) == 0
    second = capsys.readouterr().out.splitlines()
    assert len(compiler.calls) == calls, "nothing is compiled twice"
    assert all(line.endswith("cached") for line in second[:-1])


MODELS = (
    ("Reaction ~ Days", "sleepstudy", "gaussian"),
    ("Reaction ~ Days + (1 | Subject)", "sleepstudy", "gaussian"),
    ("Reaction ~ Days + (Days | Subject)", "sleepstudy", "gaussian"),
    ("yields ~ nitrogen + (nitrogen | blocks)", "oats", "gaussian"),
    ("incidence | trials(size) ~ period + (1 | herd)", "cbpp", "binomial"),
    ("Mate ~ Cross + (1 | Male)", "salamander", "bernoulli"),
    ("y ~ x1 + x2 + (1 | g)", "poisson_sim", "poisson"),
    ("y ~ lbase * trt", "epil", "poisson"),
)


@pytest.mark.usefixtures("compiler")
def test_common_models_are_found() -> None:
    main(["warmup"])
    for formula, data, family in MODELS:
        code = stancode(formula, load_dataset(data), family)
        assert compiled(code, find_embedded()).was_cached, formula
