"""Links: NumPy and Stan forms, ranges, tails."""

from __future__ import annotations

import math
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from brmspy.errors import BrmspyError
from brmspy.families import LINKS, Link, get_link
from brmspy.resources import templates_directory

# The inverse of each link by another road: distribution functions of SciPy, or textbook formulas.
INVERSES: dict[str, Callable[[float], float]] = {
    "identity": lambda x: x,
    "log": math.exp,
    "inverse": lambda x: 1 / x,
    "sqrt": lambda x: x * x,
    "logit": stats.logistic.cdf,
    "probit": stats.norm.cdf,
    "probit_approx": lambda x: stats.logistic.cdf(0.07056 * x**3 + 1.5976 * x),
    "cloglog": stats.gumbel_l.cdf,
    "cauchit": stats.cauchy.cdf,
    "softit": lambda x: math.log1p(math.exp(x)) / (1 + math.log1p(math.exp(x))),
    "softplus": lambda x: math.log1p(math.exp(x)),
    "squareplus": lambda x: (x + math.sqrt(x * x + 4)) / 2,
    "logm1": lambda x: 1 + math.exp(x),
}

# Stan's functions, as its reference defines them.
STAN: dict[str, Any] = {
    "exp": math.exp,
    "inv": lambda x: 1 / x,
    "square": lambda x: x * x,
    "sqrt": math.sqrt,
    "log1p_exp": lambda x: math.log1p(math.exp(x)),
    "inv_logit": lambda x: 1 / (1 + math.exp(-x)),
    "Phi": lambda x: 0.5 * math.erfc(-x / math.sqrt(2)),
    "Phi_approx": lambda x: 1 / (1 + math.exp(-(0.07056 * x**3 + 1.5976 * x))),
    "inv_cloglog": lambda x: 1 - math.exp(-math.exp(x)),
    "atan2": math.atan2,
    "abs": abs,
    "fmax": max,
    "pi": lambda: math.pi,
}

# Where each inverse is one to one and moderate.
GRID = np.array([0.05, 0.4, 1.0, 1.7, 3.1])
BOTH_SIDES = np.concatenate([-GRID, GRID])


def grid(link: Link) -> np.ndarray:
    return GRID if link.name == "sqrt" else BOTH_SIDES


def stan_value(link: Link, x: float) -> float:
    """Evaluate the Stan text of a link's inverse, helper functions included."""
    functions = dict(STAN)
    if link.helper is not None:
        text = (templates_directory() / "functions" / f"{link.helper}.stan").read_text()
        found = re.search(rf"real {link.helper}\(real x\) \{{\s*return (.*);", text)
        assert found is not None
        body = found[1]
        functions[link.helper] = lambda x: eval(body, {**STAN, "x": x})
    return float(eval(link.stan_inverse.format(x="x"), {**functions, "x": x}))


def test_every_link_is_tested() -> None:
    assert LINKS.keys() == INVERSES.keys()


@pytest.mark.parametrize("link", LINKS.values(), ids=repr)
def test_inverse(link: Link) -> None:
    expected = [float(INVERSES[link.name](x)) for x in grid(link)]
    np.testing.assert_allclose(link.inverse(grid(link)), expected, rtol=1e-13)


@pytest.mark.parametrize("link", LINKS.values(), ids=repr)
def test_stan_text_is_the_inverse(link: Link) -> None:
    expected = [float(INVERSES[link.name](x)) for x in grid(link)]
    values = [stan_value(link, float(x)) for x in grid(link)]
    np.testing.assert_allclose(values, expected, rtol=1e-13)


@pytest.mark.parametrize("link", LINKS.values(), ids=repr)
def test_forward_undoes_the_inverse(link: Link) -> None:
    np.testing.assert_allclose(link.forward(link.inverse(grid(link))), grid(link), rtol=1e-8)


@pytest.mark.parametrize("link", LINKS.values(), ids=repr)
def test_inverse_stays_in_its_range(link: Link) -> None:
    far = np.array([-1e6, -800.0, -40.0, -1.0, 0.5, 1.0, 40.0, 800.0, 1e6])
    values = link.inverse(far)
    assert not np.isnan(values).any()
    assert (values >= link.lower).all()
    assert (values <= link.upper).all()
    bounds = [bound for bound in (link.lower, link.upper) if np.isfinite(bound)]
    ends = link.inverse(np.array([0.0])) if link.name == "sqrt" else values
    for bound in bounds:
        assert np.abs(ends - bound).min() < 1e-5, "the range is wider than the values"


# Where the naive formula loses its digits or overflows.
TAILS = [
    ("logit", -40.0, math.exp(-40.0)),
    ("probit", -10.0, stats.norm.sf(10.0)),
    ("cloglog", -40.0, math.exp(-40.0)),
    ("cauchit", -1e10, 1e-10 / math.pi),
    ("softit", -40.0, math.exp(-40.0)),
    ("softplus", -40.0, math.exp(-40.0)),
    ("softplus", 1000.0, 1000.0),
    ("squareplus", -1e8, 1e-8),
    ("squareplus", 1e200, 1e200),
    ("log", 1000.0, math.inf),
    ("logm1", -40.0, 1.0),
    ("inverse", 0.0, math.inf),
]


@pytest.mark.parametrize(("name", "x", "expected"), TAILS)
def test_tails_of_the_inverse(name: str, x: float, expected: float) -> None:
    assert get_link(name).inverse(x) == pytest.approx(expected, rel=1e-12, abs=0.0)


FORWARD_TAILS = [
    ("softplus", math.exp(-40.0), -40.0),
    ("softplus", 1000.0, 1000.0),
    ("squareplus", 1e-8, -1e8),
    ("cauchit", 0.25, -1.0),
    ("cloglog", math.exp(-40.0), -40.0),
    ("log", 0.0, -math.inf),
    ("logit", 1.0, math.inf),
    ("logm1", 1.0, -math.inf),
]


@pytest.mark.parametrize(("name", "y", "expected"), FORWARD_TAILS)
def test_tails_of_the_link(name: str, y: float, expected: float) -> None:
    assert get_link(name).forward(y) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("link", LINKS.values(), ids=repr)
def test_links_keep_shapes_and_take_whole_numbers(link: Link) -> None:
    assert link.inverse(np.ones((2, 3), dtype=int)).shape == (2, 3)
    assert link.inverse(1).dtype == np.float64
    assert pickle.loads(pickle.dumps(link)) is link


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lgo", r"'lgo' is not a link\. Did you mean 'log'"),
        ("Logit", r"'Logit' is not a link\. Did you mean 'logit'"),
        ("", r"'' is not a link\. Valid names: 'identity'"),
    ],
)
def test_unknown_links(name: str, message: str) -> None:
    with pytest.raises(BrmspyError, match=message):
        get_link(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("identity", r"\mu_i"),
        ("log", r"\log(\mu_i)"),
        ("inverse", r"1 / \mu_i"),
        ("sqrt", r"\sqrt{\mu_i}"),
        ("logit", r"\operatorname{logit}(\mu_i)"),
        ("probit", r"\Phi^{-1}(\mu_i)"),
        ("probit_approx", r"\operatorname{probit\_approx}(\mu_i)"),
        ("cloglog", r"\log(-\log(1 - \mu_i))"),
        ("cauchit", r"\tan(\pi (\mu_i - 1/2))"),
        ("softit", r"\operatorname{softit}(\mu_i)"),
        ("softplus", r"\log(e^{\mu_i} - 1)"),
        ("squareplus", r"\mu_i - 1 / \mu_i"),
        ("logm1", r"\log(\mu_i - 1)"),
    ],
)
def test_latex(name: str, expected: str) -> None:
    assert get_link(name).in_latex(r"\mu_i") == expected
