"""The prior of one parameter within its bounds, and elements grouped for a program."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from brmspy.errors import PriorError
from brmspy.priors.elements import (
    ElementPrior,
    element_prior,
    group_by_distribution,
    log_prior_density,
)
from brmspy.priors.lkj import lkj_cholesky_log_density
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
        ("flat", -1.0, 3.0, math.log(4.0)),
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


@pytest.mark.parametrize(
    ("text", "lower", "upper"),
    [("exponential(1)", -2.0, -1.0), ("normal(0, 1)", 1e200, INF), ("beta(2, 2)", 1.0, 2.0)],
)
def test_bounds_that_leave_nothing_are_refused(text: str, lower: float, upper: float) -> None:
    with pytest.raises(PriorError, match="has practically no mass between"):
        element(text, lower, upper)


@pytest.mark.parametrize(
    ("text", "lower", "upper", "improper"),
    [
        ("flat", -INF, INF, True),
        ("flat", 0.0, INF, True),
        ("flat", 0.0, 1.0, False),
        ("cauchy(0, 1)", -INF, INF, False),
        ("constant(1)", -INF, INF, False),
        ("lkj(1)", -1.0, 1.0, False),
    ],
)
def test_only_flat_densities_without_end_are_improper(
    text: str, lower: float, upper: float, improper: bool
) -> None:
    assert element(text, lower, upper).improper is improper


def test_density_is_nothing_beyond_the_bounds() -> None:
    for text in ("normal(0, 1)", "flat"):
        density = element(text, -1.0, 1.0).log_density(np.array([-1.1, -1.0, 1.0, 1.1]))
        np.testing.assert_array_equal(np.isneginf(density), [True, False, False, True])


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


def test_a_block_has_the_sum_of_its_elements() -> None:
    elements = [
        element("normal(0, 1)"),
        element("student_t(3, 0, 2.5)", 0.0),
        element("constant(4)"),
        element("normal(1, 2)", 0.0, 5.0),
        element("flat"),
        element("flat", 0.0, 4.0),
    ]
    draws = np.random.default_rng(1).uniform(0.0, 4.0, size=(2, 3, 6))
    expected = (
        stats.norm.logpdf(draws[..., 0])
        + stats.t.logpdf(draws[..., 1], 3.0, 0.0, 2.5)
        + math.log(2.0)
        + stats.truncnorm.logpdf(draws[..., 3], -0.5, 2.0, loc=1.0, scale=2.0)
        - math.log(4.0)
    )
    np.testing.assert_allclose(log_prior_density(elements, draws), expected, rtol=1e-12)


def test_a_block_has_no_density_beyond_any_bound() -> None:
    elements = [element("normal(0, 1)"), element("flat", 0.0), element("constant(-1)", -2.0, 0.0)]
    draws = np.array([[-1.0, 1.0, -1.0], [-1.0, -1.0, -1.0]])
    expected = [stats.norm.logpdf(-1.0), -INF]
    np.testing.assert_allclose(log_prior_density(elements, draws), expected, rtol=1e-14)


def test_correlations_are_given_as_cholesky_factors() -> None:
    factors = np.linalg.cholesky(np.array([[[1.0, 0.5], [0.5, 1.0]], [[1.0, -0.2], [-0.2, 1.0]]]))
    found = log_prior_density([element("lkj(3)", -1.0, 1.0)], factors)
    np.testing.assert_array_equal(found, lkj_cholesky_log_density(factors, 3.0))
