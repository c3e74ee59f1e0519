"""The methods paragraph: every fact in it, for every kind of model."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import brmspy
from brmspy import BrmsFit

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("name", ["multilevel", "non-linear", "distributional"])
def test_whole_text(fit_of: Callable[..., BrmsFit], name: str) -> None:
    text = str(fit_of(name).describe())
    # What the draws decide, and what a release changes, is not in the golden file.
    text = re.sub(r"at most \d\.\d+|at least \d+|and \d+ \(tail\)", "N", text)
    text = re.sub(r" Caution: .*", "", text).replace(brmspy.__version__, "VERSION")
    golden = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    assert text + "\n" == golden


def test_every_model_has_its_sentences(any_fit: BrmsFit) -> None:
    text = any_fit.describe()
    assert any_fit.model.design.terms.response.label in text
    assert any_fit.family.title in text
    for info in any_fit.model.design.groups:
        assert f"{len(info.levels)} levels of {info.group}" in text
    assert "seed 1" in text
    assert "None" not in text
    assert "  " not in text
    assert ".." not in text
    # Every reference is cited, and every citation has its reference.
    body, _, sources = text.partition("References\n")
    cited = set(re.findall(r"\[(\d+)\]", body))
    assert cited == set(re.findall(r"^\[(\d+)\]", sources, re.MULTILINE))


def test_family_words(fit_of: Callable[..., BrmsFit]) -> None:
    text = fit_of("binomial").describe()
    assert "We modelled k out of n trials in 40 observations by a binomial distribution" in text
    assert "with a logit link for the probability of success" in text
    assert "The intercept varied between the 5 levels of g." in text
    assert "log(w)" in fit_of("poisson").describe()
    assert "Observations were weighted by w." in fit_of("student").describe()
    assert "The degrees of freedom nu was fixed at 4." in fit_of("distributional").describe()


def test_priors_say_whose_they_are(fit_of: Callable[..., BrmsFit]) -> None:
    text = fit_of("multilevel").describe()
    ours = text[text.index("We set these priors") : text.index("The other priors")]
    assert "normal(0, 10) for the coefficient x" in ours
    assert "exponential(1) for the standard deviations of Intercept and x" in ours
    assert "student_t" not in ours
    assert "The priors were the defaults of brms: flat for the coefficient x" in (
        fit_of("plain").describe()
    )
    bounded = fit_of("non-linear").describe()
    assert "normal(101, 0.1) (above 100 and below 102) for the coefficients" in bounded


def test_dropped_rows(made_fit: Callable[..., BrmsFit]) -> None:
    data = {"y": [1.0, 2.0, 3.5, np.nan], "x": [0.0, 1.0, 2.0, 3.0]}
    with pytest.warns(brmspy.DataWarning):
        fit = made_fit("y ~ x", data)
    assert "Because of missing values, 1 row: y (1) was left out." in fit.describe()


def test_divergences_are_told(fit_of: Callable[..., BrmsFit]) -> None:
    diverging = np.zeros((2, 150), dtype=bool)
    diverging[0, :3] = True
    text = fit_of("plain", stats={"diverging": diverging}).describe()
    assert "3 transitions diverged." in text
    assert "Caution: 3 of 300 draws (1 %) ended in a divergence" in text
    assert "No transition diverged." in fit_of("plain").describe()


def test_draws_from_the_prior(fit_of: Callable[..., BrmsFit]) -> None:
    fit = fit_of(formula="y ~ x", prior=brmspy.prior("normal(0, 1)"), sample_prior="only")
    assert "We drew from the prior with" in fit.describe()


def test_html_is_escaped(fit_of: Callable[..., BrmsFit]) -> None:
    html = fit_of("odd names").describe()._repr_html_()
    assert "x_1 &amp; 50% {a}" in html


@pytest.mark.compiled
def test_an_approximation_says_so() -> None:
    data = brmspy.load_dataset("sleepstudy")
    fit = brmspy.brm("Reaction ~ Days", data, algorithm="laplace", seed=1, progress=False)
    text = fit.describe()
    assert "was not sampled but approximated by" in text
    assert (
        f"The Pareto k of the approximation [3] is {fit.record.approximation.pareto_k:.2f}" in text
    )
    assert "R-hat" not in text
    assert "No-U-Turn" not in text


@pytest.mark.compiled
def test_sleepstudy(example_fit: Callable[[str], BrmsFit]) -> None:
    text = example_fit("sleepstudy").describe()
    assert "We modelled Reaction in 180 observations by a normal distribution" in text
    assert "4 chains of 1000 iterations of warm-up and 1000 iterations after it" in text
    assert "The effects of Subject were integrated out of the likelihood" in text
    assert "Caution" not in text
