"""What all tests share."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from brmspy import BrmsFit

# Set before anything imports Matplotlib: no test needs a screen.
os.environ["MPLBACKEND"] = "agg"

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    """Close all figures after each test: Matplotlib warns of more than twenty."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@functools.cache
def _example_fit(name: str) -> BrmsFit:
    """Return the fit of an example, 4 chains with 1000 draws each; made once in each process."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    delta = 0.99 if name == "loblolly_wide" else 0.95
    with warnings.catch_warnings():
        # Of few divergences, in models whose standard deviations may be zero.
        warnings.simplefilter("ignore")
        fit: BrmsFit = module.fit(seed=20260101, adapt_delta=delta, progress=False)
    return fit


@pytest.fixture(scope="session")
def example_fit() -> Callable[[str], BrmsFit]:
    """Return the function that fits an example of ``examples/``; mark its tests ``compiled``."""
    return _example_fit
