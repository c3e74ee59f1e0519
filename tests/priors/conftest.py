"""What the tests of priors share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from brmspy.data import design
from brmspy.datasets import load_dataset
from brmspy.families import Family, gaussian
from brmspy.formula import Formula, parse
from brmspy.priors import ParameterBlock, parameter_blocks

Blocks = tuple[ParameterBlock, ...]


@pytest.fixture(scope="session")
def blocks_of() -> Callable[..., Blocks]:
    """Return a function from formula, data and family to what can have a prior."""

    def blocks_of(
        formula: str | Formula, data: pd.DataFrame | str, family: Family | None = None
    ) -> Blocks:
        the_family = family or gaussian()
        frame: Any = load_dataset(data) if isinstance(data, str) else data
        terms = parse(formula, the_family.dpar_names, tuple(frame.columns))
        made = design(terms, frame)
        assert made.arrays.response is not None
        y = the_family.code_response(made.arrays.response, terms.response.label, made.arrays.trials)
        return parameter_blocks(made, the_family, y)

    return blocks_of
