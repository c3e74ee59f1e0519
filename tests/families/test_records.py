"""What each family's record says, how families are made, named, compared and stored."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from brmspy.errors import BrmspyError
from brmspy.families import (
    FAMILIES,
    Family,
    bernoulli,
    binomial,
    family_from_dict,
    gaussian,
    get_family,
    negbinomial,
    poisson,
    student,
)
from brmspy.resources import templates_directory

REAL = [
    "identity",
    "log",
    "inverse",
    "softplus",
    "squareplus",
    "logit",
    "probit",
    "probit_approx",
    "cloglog",
    "cauchit",
    "softit",
]
PROBABILITY = [
    "logit",
    "probit",
    "probit_approx",
    "cloglog",
    "cauchit",
    "softit",
    "identity",
    "log",
]
COUNT = ["log", "identity", "sqrt", "softplus", "squareplus"]
POSITIVE = ["log", "identity", "softplus", "squareplus"]

# brms' links, the default first.
LINKS: dict[str, dict[str, list[str]]] = {
    "gaussian": {"mu": REAL, "sigma": POSITIVE},
    "student": {"mu": REAL, "sigma": POSITIVE, "nu": ["logm1", "identity"]},
    "bernoulli": {"mu": PROBABILITY},
    "binomial": {"mu": PROBABILITY},
    "poisson": {"mu": COUNT},
    "negbinomial": {"mu": COUNT, "shape": POSITIVE},
}

# brms' default priors: estimated as one number, and of the intercept when predicted.
PRIORS: dict[str, tuple[str | None, str | None]] = {
    "sigma": (None, None),
    "nu": ("gamma(2, 0.1)", "normal(2.7, 0.8)"),
    "shape": ("inv_gamma(0.4, 0.3)", "student_t(3, 0, 2.5)"),
}

BOUNDS = {"sigma": (0.0, np.inf), "nu": (1.0, np.inf), "shape": (0.0, np.inf)}

MU_BOUNDS = {
    "gaussian": (-np.inf, np.inf),
    "student": (-np.inf, np.inf),
    "bernoulli": (0.0, 1.0),
    "binomial": (0.0, 1.0),
    "poisson": (0.0, np.inf),
    "negbinomial": (0.0, np.inf),
}

# Stan's densities by link of the mean: function, GLM form, whether it takes the predictor itself.
LIKELIHOODS = [
    (gaussian(), "normal", "normal_id_glm", False),
    (gaussian("log"), "normal", None, False),
    (student(), "student_t", None, False),
    (student("log"), "student_t", None, False),
    (bernoulli(), "bernoulli_logit", "bernoulli_logit_glm", True),
    (bernoulli("probit"), "bernoulli", None, False),
    (binomial(), "binomial_logit", "binomial_logit_glm", True),
    (binomial("cloglog"), "binomial", None, False),
    (poisson(), "poisson_log", "poisson_log_glm", True),
    (poisson("sqrt"), "poisson", None, False),
    (negbinomial(), "neg_binomial_2_log", "neg_binomial_2_log_glm", True),
    (negbinomial("identity"), "neg_binomial_2", None, False),
]

EVERY_LINK = [
    make(**{"link" if dpar == "mu" else f"link_{dpar}": link})
    for name, make in FAMILIES.items()
    for dpar, links in LINKS[name].items()
    for link in links
]


@pytest.mark.parametrize("name", FAMILIES)
def test_parameters_and_links(name: str) -> None:
    family = FAMILIES[name]()
    assert family.name == name
    assert {dpar.name: list(dpar.links) for dpar in family.dpars} == LINKS[name]
    assert all(dpar.link.name == dpar.links[0] for dpar in family.dpars)
    assert family.dpar_names == tuple(LINKS[name])
    assert (family.dpars[0].lower, family.dpars[0].upper) == MU_BOUNDS[name]
    for dpar in family.dpars[1:]:
        assert (dpar.prior, dpar.intercept_prior) == PRIORS[dpar.name]
        assert (dpar.lower, dpar.upper) == BOUNDS[dpar.name]


@pytest.mark.parametrize("name", FAMILIES)
def test_default_links_keep_parameters_in_range(name: str) -> None:
    for dpar in FAMILIES[name]().dpars:
        assert dpar.lower <= dpar.link.lower
        assert dpar.link.upper <= dpar.upper


@pytest.mark.parametrize("name", FAMILIES)
def test_templates_exist(name: str) -> None:
    family = FAMILIES[name]()
    assert (templates_directory() / "families" / f"{family.template}.stan.j2").is_file()
    for dpar in family.dpars:
        if dpar.link.helper is not None:
            assert (templates_directory() / "functions" / f"{dpar.link.helper}.stan").is_file()


@pytest.mark.parametrize(
    ("name", "title", "symbol"),
    [
        ("gaussian", "normal", "Normal"),
        ("student", "Student's t", "StudentT"),
        ("bernoulli", "Bernoulli", "Bernoulli"),
        ("binomial", "binomial", "Binomial"),
        ("poisson", "Poisson", "Poisson"),
        ("negbinomial", "negative binomial", "NegBinomial"),
    ],
)
def test_names_in_words_and_formulas(name: str, title: str, symbol: str) -> None:
    family = get_family(name)
    assert (family.title, family.symbol) == (title, symbol)
    assert sorted(family.arguments or family.dpar_names) == sorted(family.dpar_names)


def test_every_family_has_names_in_words_and_formulas() -> None:
    for name in FAMILIES:
        family = get_family(name)
        assert family.title
        assert family.symbol


def test_only_binomial_needs_trials() -> None:
    assert {name: make().needs for name, make in FAMILIES.items() if make().needs} == {
        "binomial": ("trials",)
    }


@pytest.mark.parametrize(("family", "function", "glm", "on_link_scale"), LIKELIHOODS)
def test_likelihoods(family: Family, function: str, glm: str | None, on_link_scale: bool) -> None:
    likelihood = family.likelihood
    assert likelihood.function == function
    assert likelihood.glm == glm
    assert likelihood.mu_on_link_scale is on_link_scale


@pytest.mark.parametrize("family", EVERY_LINK, ids=repr)
def test_density_from_the_predictor_equals_density_from_the_mean(family: Family) -> None:
    # All of these linear predictors give a valid mean under every link but log of a probability.
    eta = np.array([[0.2, 0.35, 0.5, 0.9]])
    if family.dpar("mu").upper == 1.0 and family.link.name == "log":
        eta = -eta
    parameters = {"mu": family.link.inverse(eta)}
    parameters |= {name: np.array([[2.5]]) for name in family.dpar_names[1:]}
    options: dict[str, Any] = {"trials": np.full(4, 3)} if family.needs else {}
    y = np.array([0, 1, 1, 0])
    np.testing.assert_allclose(
        family.log_density(y, parameters, eta=eta, **options),
        family.log_density(y, parameters, **options),
        rtol=1e-12,
    )


@pytest.mark.parametrize("family", EVERY_LINK, ids=repr)
def test_families_survive_copies(family: Family) -> None:
    stored = json.loads(json.dumps(family.to_dict()))
    for other in (
        family_from_dict(stored),
        pickle.loads(pickle.dumps(family)),
        copy.deepcopy(family),
        eval(repr(family), dict(FAMILIES)),
        get_family(family),
    ):
        assert other == family
        assert hash(other) == hash(family)
        assert other.link is family.link
        assert other.likelihood == family.likelihood


def test_families_differ_by_name_and_by_every_link() -> None:
    others = sum(len(links) - 1 for dpars in LINKS.values() for links in dpars.values())
    assert len(set(EVERY_LINK)) == len(LINKS) + others
    assert gaussian() != "gaussian"
    assert poisson() != negbinomial()
    assert gaussian(link_sigma="identity") != gaussian()


@pytest.mark.parametrize(
    ("family", "text", "code"),
    [
        (binomial(), "binomial(link = 'logit')", "binomial(link='logit')"),
        (
            student(link_nu="identity"),
            "student(link = 'identity')",
            "student(link='identity', link_sigma='log', link_nu='identity')",
        ),
    ],
)
def test_texts(family: Family, text: str, code: str) -> None:
    assert str(family) == text
    assert repr(family) == code


def test_links_by_argument() -> None:
    family = student("log", link_sigma="softplus", link_nu="identity")
    assert family.to_dict() == {
        "name": "student",
        "links": {"mu": "log", "sigma": "softplus", "nu": "identity"},
    }
    assert family.link.name == "log"
    assert family.dpar("nu").link.name == "identity"


@pytest.mark.parametrize(
    "given", ["poisson", "Poisson", " POISSON ", poisson, poisson(), poisson(link="log")]
)
def test_families_by_name_function_and_object(given: Any) -> None:
    assert get_family(given) == poisson()


BAD_LINKS: list[tuple[Callable[[], Family], str]] = [
    (lambda: gaussian("lgo"), r"'lgo' is not a link for mu of gaussian\. Did you mean 'log'"),
    (
        lambda: gaussian("sqrt"),
        r"'sqrt' is not a link for mu of gaussian\. Valid names: 'identity', 'log'",
    ),
    (lambda: poisson("logit"), r"'logit' is not a link for mu of poisson\. Did you mean 'log'"),
    (lambda: bernoulli("sqrt"), r"'sqrt' is not a link for mu of bernoulli"),
    (lambda: binomial("probitt"), r"mu of binomial\. Did you mean 'probit'"),
    (
        lambda: gaussian(link_sigma="logit"),
        r"'logit' is not a link for sigma of gaussian\. Did you mean 'log'",
    ),
    (lambda: student(link_nu="log"), r"link for nu of student\. Did you mean 'logm1'"),
    (lambda: negbinomial(link_shape="sqrt"), r"'sqrt' is not a link for shape of negbinomial"),
    (lambda: gaussian().with_links({"tau": "log"}), r"gaussian has no parameter 'tau'"),
    (lambda: gaussian(3), r"3 is not a link for mu of gaussian"),
]


@pytest.mark.parametrize(("make", "message"), BAD_LINKS)
def test_bad_links(make: Callable[[], Family], message: str) -> None:
    with pytest.raises(BrmspyError, match=message):
        make()


BAD_FAMILIES: list[tuple[Any, str]] = [
    ("normal", r"There is no family 'normal'\. Did you mean 'gaussian'\?"),
    ("gausian", r"Did you mean 'gaussian'\?"),
    ("Gaussion", r"Did you mean 'gaussian'\?"),
    ("t", r"Did you mean 'student'\?"),
    ("student_t", r"Did you mean 'student'\?"),
    ("logistic", r"Did you mean 'bernoulli'\?"),
    ("neg_binomial_2", r"Did you mean 'negbinomial'\?"),
    ("poison", r"Did you mean 'poisson'\?"),
    (
        "binomial(link='probit')",
        r"looks like a call\. Leave the quotes out: family=binomial\(link='probit'\), after `from "
        r"brmspy import binomial`",
    ),
    ("zzz", r"Valid names: 'gaussian', 'student', 'bernoulli'"),
    ("", r"There is no family ''\. Valid names"),
    ("gamma", r"'gamma' is not supported yet\. Supported: gaussian, student, bernoulli, binomial"),
    ("Beta", r"'Beta' is not supported yet"),
    ("cumulative", r"'cumulative' is not supported yet"),
    ("zero_inflated_poisson", r"'zero_inflated_poisson' is not supported yet"),
    ("lognormal", r"'lognormal' is not supported yet"),
    (3, r"family=3 is not a family\. Give a name, such as 'gaussian'"),
    (None, r"family=None is not a family"),
    (print, r"is not a family\. Give a name"),
    (lambda required: required, r"is not a family\. Give a name"),
]


@pytest.mark.parametrize(("given", "message"), BAD_FAMILIES)
def test_bad_families(given: Any, message: str) -> None:
    with pytest.raises(BrmspyError, match=message):
        get_family(given)


def test_unknown_parameter() -> None:
    with pytest.raises(BrmspyError, match=r"student has no parameter 'sigm'. Did you mean 'sigma'"):
        student().dpar("sigm")


def test_records_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        gaussian().name = "normal"
