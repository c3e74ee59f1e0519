"""The prior of one parameter within its bounds, and elements grouped for a program."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from brmspy.priors.elements import ElementPrior, element_prior, group_by_distribution
from brmspy.priors.syntax import parse_density

INF = math.inf


def element(text: str, lower: float = -INF, upper: float = INF) -> ElementPrior:
    """Return the prior that a text says."""
    return element_prior(parse_density(text), lower, upper, text)


@pytest.mark.parametrize(
    ("text", "lower", "upper", "expected"),
    [
        ("normal(0, 1)", -INF, INF, 0.0),
        ("normal(0, 5)", 0.0, INF, math.log(0.5)),
        ("student_t(3, 0, 59.3)", 0.0, INF, math.log(0.5)),
        ("normal(0, 1)", -1.0, 1.0, math.log(math.erf(math.sqrt(0.5)))),
        ("exponential(2)", 0.0, INF, 0.0),
        ("exponential(2)", 1.0, INF, -2.0),
        ("gamma(2, 0.1)", 1.0, INF, -0.1 + math.log(1.1)),  # nu of student
        ("gamma(2, 0.1)", 0.0, INF, 0.0),
        ("constant(2)", 0.0, INF, 0.0),
        ("lkj(2)", -1.0, 1.0, 0.0),
        ("flat", 0.0, INF, 0.0),
        ("", -INF, INF, 0.0),
    ],
)
def test_log_normaliser(text: str, lower: float, upper: float, expected: float) -> None:
    assert element(text, lower, upper).log_normaliser == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "lower", "upper"),
    [
        ("normal(1, 2)", 0.0, INF),
        ("student_t(3, 0, 2.5)", -1.0, 2.0),
        ("gamma(2, 0.1)", 1.0, INF),
        ("lognormal(0, 1)", 0.5, 4.0),
        ("cauchy(0, 1)", 3.0, 10.0),
    ],
)
def test_density_integrates_to_one_between_bounds(text: str, lower: float, upper: float) -> None:
    prior = element(text, lower, upper)
    total, _ = integrate.quad(lambda x: float(np.exp(prior.log_density(x))), lower, upper)
    assert total == pytest.approx(1.0, abs=1e-7)


def test_density_is_scipys_truncated_normal() -> None:
    x = np.array([[0.1, 1.0], [2.0, 7.0]])
    expected = stats.truncnorm(-0.5, INF, loc=1.0, scale=2.0).logpdf(x)
    found = element("normal(1, 2)", 0.0).log_density(x)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("text", ["flat", "", "constant(2)"])
def test_flat_and_constant_count_nothing(text: str) -> None:
    np.testing.assert_array_equal(element(text).log_density(np.array([1.0, 2.0])), np.zeros(2))


def test_groups_leave_out_flat_and_constant_elements() -> None:
    texts = ["normal(0, 1)", "flat", "cauchy(0, 2)", "constant(1)", "normal(3, 4)", ""]
    groups = {g.stan_name: g for g in group_by_distribution([element(text) for text in texts])}
    assert set(groups) == {"normal", "cauchy"}
    assert groups["normal"].indices == (0, 4)
    assert groups["normal"].argument_names == ("mu", "sigma")
    np.testing.assert_array_equal(groups["normal"].arguments, [[0.0, 3.0], [1.0, 4.0]])
    assert groups["cauchy"].indices == (2,)


def test_order_of_groups_depends_on_densities_only() -> None:
    texts = ["student_t(3, 0, 1)", "cauchy(0, 2)", "normal(0, 1)"]
    orders = {
        tuple(g.stan_name for g in group_by_distribution([element(t) for t in order]))
        for order in (texts, texts[::-1], [*texts[1:], texts[0]])
    }
    assert len(orders) == 1


def test_nothing_to_group() -> None:
    assert group_by_distribution([element("flat"), element("constant(1)")]) == ()
