"""Fits without draws, and calls of brm() that end before Stan starts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from brmspy import BrmsFit
from brmspy.fit import FitRecord
from brmspy.fitting import Plan, many, run, settings_of
from brmspy.model import build


class Started(Exception):  # noqa: N818 -- it says how far a call came
    """Stan would have been started in this way."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        super().__init__()


@pytest.fixture
def without_stan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Go no further than to the start of Stan."""

    def start(kind: object, plan: Plan, display: object) -> None:
        raise Started(plan)

    monkeypatch.setattr(run, "run_here", start)
    monkeypatch.setattr(many, "run_here", start)


@pytest.fixture
def started(without_stan: None) -> Callable[..., Plan]:
    """Return a function that makes a call, and returns what Stan would have been started with."""

    def plan_of(call: Callable[..., Any], *arguments: Any, **named: Any) -> Plan:
        with pytest.raises(Started) as caught:
            call(*arguments, **named)
        return caught.value.plan

    return plan_of


@pytest.fixture
def unfitted() -> Callable[..., BrmsFit]:
    """Return a function that makes a fit that knows its model, but has no draws."""

    def make(
        formula: Any,
        data: Any,
        family: Any = "gaussian",
        prior: Any = None,
        *,
        marginalize: Any = "auto",
        contrasts: Any = None,
        **settings: Any,
    ) -> BrmsFit:
        model = build(formula, data, family, prior, marginalize=marginalize, contrasts=contrasts)
        arguments = settings_of(**settings).arguments()
        record = FitRecord(model.program.code, {}, {}, 1, (1,), ((0, 0),), arguments=arguments)
        return BrmsFit(model, (), {}, record)

    return make
