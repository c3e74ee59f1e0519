"""What is said about draws that have problems, and that nothing is said about others."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from brmspy.errors import SamplingWarning
from brmspy.fit import Fit


def flags(count: int) -> np.ndarray:
    return (np.arange(2000) < count).reshape(4, 500)


def random_walk() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(4, 500)).cumsum(axis=1)


def shift_chain(by: float) -> Callable[[dict[str, np.ndarray]], object]:
    def change(draws: dict[str, np.ndarray]) -> None:
        draws["b"][0, :, 1] += by

    return change


def make_sticky(draws: dict[str, np.ndarray]) -> None:
    """Give sigma 25 draws a chain, each twenty times."""
    rng = np.random.default_rng(8)
    draws["sigma"][:] = np.repeat(rng.normal(size=(4, 25)), 20, axis=1)


def spoil(draws: dict[str, np.ndarray]) -> None:
    draws["sd_g"][0, 3, 1] = np.nan


def stats(**changed: np.ndarray) -> dict[str, Any]:
    return {"changed_stats": changed}


CASES: dict[str, tuple[dict[str, Any], dict[str, list[str]]]] = {
    "nothing": ({}, {}),
    "divergences": (
        stats(diverging=flags(7)),
        {"divergences": ["7 of 2000 draws (0.35 %)", "adapt_delta=0.95"]},
    ),
    "divergences at 0.95": (
        {**stats(diverging=flags(1)), "options": {"adapt_delta": 0.95}},
        {"divergences": ["1 of 2000 draws", "adapt_delta=0.99"]},
    ),
    "divergences at 0.999": (
        {**stats(diverging=flags(1)), "options": {"adapt_delta": 0.999}},
        {"divergences": ["1 of 2000 draws", "Use stronger priors"]},
    ),
    "tree depth": (
        stats(reached_max_treedepth=flags(40)),
        {"treedepth": ["40 of 2000 draws", "depth of 10", "max_treedepth=12"]},
    ),
    "energy": (
        stats(energy=random_walk()),
        {"e_bfmi": ["< 0.3", "chain 1, 2, 3, 4", "stronger priors"]},
    ),
    "a chain elsewhere": (
        {"change": shift_chain(4)},
        {"rhat": ["have not converged", "(> 1.05) for b_x.", "Do not use"], "ess": ["b_x"]},
    ),
    "a chain a little off": (
        {"change": shift_chain(0.3)},
        {"rhat": ["have not mixed well", "(> 1.01) for b_x.", "raise iter_sampling"]},
    ),
    "sticky": (
        {"change": make_sticky},
        {
            "rhat": ["sigma"],
            "ess": ["Bulk ESS is down to", "(< 400) for sigma", "Tail ESS", "intervals"],
        },
    ),
    "not a number": ({"change": spoil}, {"not_finite": ["Draws of sd_g__x are not finite"]}),
    "interrupted": (
        {
            "chains": 3,
            "interrupted": True,
            "failures": ("chain 4 was stopped in its warm-up",),
            "options": {"chains": 4, "iter_sampling": 2000, "thin": 2},
        },
        {"interrupted": ["3 of 4 chains", "500 of 1000 draws each", "chain 4 was stopped"]},
    ),
    "a chain failed": (
        {"chains": 3, "failures": ("chain 2 found no initial value",), "options": {"chains": 4}},
        {"failed_chains": ["1 chain failed: chain 2 found no initial value."]},
    ),
}


def make(support: SimpleNamespace, arguments: dict[str, Any]) -> Fit:
    given = dict(arguments)
    chains = given.get("chains", 4)
    given["stats"] = support.make_stats(chains) | given.pop("changed_stats", {})
    options = {"chains": chains, "iter_sampling": 500} | given.pop("options", {})
    fit: Fit = support.make_fit(options=support.options(**options), **given)
    return fit


@pytest.mark.parametrize("case", CASES)
def test_each_problem_is_one_warning_with_advice(support: SimpleNamespace, case: str) -> None:
    arguments, expected = CASES[case]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = make(support, arguments)
    assert [finding.kind for finding in fit.findings] == list(expected)
    # The sampler has warned of chains that are missing.
    unsaid = [f for f in fit.findings if f.kind not in ("interrupted", "failed_chains")]
    assert [str(warning.message) for warning in caught] == list(map(str, unsaid))
    assert all(warning.category is SamplingWarning for warning in caught)
    for finding, texts in zip(fit.findings, expected.values(), strict=True):
        for text in texts:
            assert text in str(finding)
        # The printed fit says it too.
        assert " ".join(str(finding).split()) in " ".join(str(fit).split())


def test_a_list_of_parameters_is_short(support: SimpleNamespace) -> None:
    def change(draws: dict[str, np.ndarray]) -> None:
        draws["r_g"][0] += np.arange(1, 7).reshape(3, 2) / 2

    with pytest.warns(SamplingWarning):
        fit = support.make_fit(change=change)
    (message,) = [str(finding) for finding in fit.findings if finding.kind == "rhat"]
    # The worst first, and how many there are besides.
    assert "for r_g[c d,x], r_g[c d,Intercept], r_g[b,x] and 2 other parameters." in message


def test_statistics_that_a_sampler_lacks_are_not_checked(support: SimpleNamespace) -> None:
    fit = support.make_fit(stats={"lp": support.make_stats()["lp"]})
    assert fit.findings == ()


def test_one_line_says_how_it_went(support: SimpleNamespace) -> None:
    fit = support.make_fit()
    worst = fit.diagnostics
    expected = (
        f" Checks: 4 chains, max Rhat {worst['Rhat'].max():.3f}, min ESS "
        f"{worst[['Bulk_ESS', 'Tail_ESS']].min(axis=None):.0f}, 0 divergences"
    )
    assert expected in str(fit).splitlines()
    with pytest.warns(SamplingWarning):
        bad = support.make_fit(chains=1, stats=support.make_stats(1) | {"diverging": flags(1)[:1]})
    assert re.search(
        r"Checks: 1 chain, max Rhat [\d.]+, min ESS \d+, 1 divergence$", str(bad), re.M
    )
    stats = {name: s for name, s in support.make_stats().items() if name != "diverging"}
    assert "divergence" not in str(support.make_fit(stats=stats))
