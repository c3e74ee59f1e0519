"""The table of default priors against brms' own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from brmspy.datasets import load_dataset
from brmspy.families import FAMILIES, get_family
from brmspy.formula import bf
from brmspy.priors import ParameterBlock, default_prior_table
from brmspy.priors.table import COLUMNS

BlocksOf = Callable[..., tuple[ParameterBlock, ...]]

# brms 2.23: default_prior() of each model.
CASES = json.loads(
    (Path(__file__).parent / "reference" / "default_priors.json").read_text(encoding="utf-8")
)
NOT_SUPPORTED = {"gamma", "lognormal", "beta_binomial"}


def family_of(case: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return the family's name, and its link if one is given."""
    match = re.fullmatch(r"(\w+)(?:\((\w+)\))?", case["family"])
    assert match is not None
    return match[1], (match[2],) if match[2] else ()


SUPPORTED = {case["id"]: case for case in CASES if family_of(case)[0] not in NOT_SUPPORTED}


def test_every_supported_family_is_compared() -> None:
    assert {family_of(case)[0] for case in CASES} - set(FAMILIES) == NOT_SUPPORTED
    assert len(SUPPORTED) == 16


@pytest.mark.parametrize("case_id", SUPPORTED)
def test_rows_equal_those_of_brms(case_id: str, blocks_of: BlocksOf) -> None:
    case = SUPPORTED[case_id]
    name, link = family_of(case)
    data = load_dataset(case["data"].split()[0])
    if case["id"] == "bernoulli":
        data["slow"] = (data["Reaction"] > 300).astype(int)
    family = FAMILIES[name](*link) if link else get_family(name)
    parts = dict(case["pforms"]).values()  # an empty list in R's JSON where there are none
    formula = bf(case["formula"], *parts, nl=case["nl"])
    table = default_prior_table(blocks_of(formula, data, family))
    assert table.to_dict("records") == case["priors"]


def test_columns_are_there_without_rows() -> None:
    assert tuple(default_prior_table([]).columns) == COLUMNS


def test_order_of_names() -> None:
    # R sorts signs before digits before letters, and looks at case last.
    names = ["x10", "B", "a", "x1", "A", "x:z", "x", "b", "x_1", "xa"]
    block = ParameterBlock("b", coefs=tuple(names), labels=tuple(names))
    coefs = default_prior_table([block])["coef"].tolist()
    assert coefs == ["", "a", "A", "b", "B", "x", "x_1", "x:z", "x1", "x10", "xa"]


def test_bounds_are_text() -> None:
    blocks = [
        ParameterBlock("sigma", lower=0.0),
        ParameterBlock("zi", lower=0.0, upper=1.0),
        ParameterBlock("cor", group="g", lower=-1.0, upper=1.0, default="lkj(1)"),
    ]
    table = default_prior_table(blocks)
    assert table[["class", "group", "lb", "ub"]].to_numpy().tolist() == [
        ["cor", "", "", ""],
        ["cor", "g", "", ""],
        ["sigma", "", "0", ""],
        ["zi", "", "0", "1"],
    ]
