"""Formulas that are not valid: what the message says, where the carets stand, what it advises."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

from brmspy.errors import FormulaError
from brmspy.formula import Formula, NonlinearPredictor, bf, lf, nlf, parse, parse_groups, parse_rhs

COLUMNS = ("y", "x", "z", "age", "f", "g", "h", "n", "w", "height")


@dataclass(frozen=True)
class Bad:
    """A bad formula; the text between « and » is where the carets must stand."""

    formula: str | Formula
    message: str
    advice: str | None = None
    dpars: tuple[str, ...] = ("mu", "sigma")


def model(*formulas: str, **options: Any) -> Formula:
    return bf(*formulas, **options)


SYNTAX = [
    Bad("«»", "The formula is empty", "y ~ x"),
    Bad("   ", "The formula is empty", "y ~ x"),
    Bad("«y + x»", "has no '~'", "y ~ x"),
    Bad("y «=» x", "'=' has no meaning here", "Write '~'"),
    Bad("y ~ x «~» z", "only one '~'"),
    Bad("y «~»", "nothing on the right of '~'"),
    Bad("«~» x", "no response", "on the left"),
    Bad("y ~ x «+»", "nothing on the right of '+'"),
    Bad("y ~ x + «*» z", "nothing on the left of '*'"),
    Bad("y ~ «*» x", "nothing on the left of '*'"),
    Bad("y ~ x «z»", "no operator between 'x' and 'z'", "`x z`"),
    Bad("y ~ log(x) «2»", "no operator between 'log(x)' and '2'", "joined by '+'"),
    Bad("y ~ «(»x + z", "never closed"),
    Bad("y ~ x + «(»1 | g", "never closed"),
    Bad("y ~ log«(»x", "never closed"),
    Bad("y ~ x«)»", "no matching '('"),
    Bad("y ~ x + «()»", "nothing between these parentheses"),
    Bad("y ~ poly(x, «,» 2)", "An argument is missing"),
    Bad("y ~ poly(x, degree «=»)", "'degree' has no value"),
    Bad("y ~ (x«,» z)", "outside a function call"),
    Bad("y ~ x < 1 «<» z", "cannot be chained", "one by one"),
    Bad("y ~ x «%in» z", "no operator '%in'", "%in%"),
    Bad("y ~ 'x", "This quote is never closed"),
    Bad("y ~ x «−» 1", "'−' has no meaning", "'-'"),
    Bad("y ~ df«$»x", "'$' has no meaning", "on their own"),
    Bad("y ~ «2x»", "neither a number nor a name", "backticks"),
    Bad("y ~ ((((«(»x", "never closed"),
]

TERMS = [
    Bad("y ~ «ages»", "no column 'ages'", "'age'"),
    Bad("y ~ x + log(«hieght»)", "no column 'hieght'", "'height'"),
    Bad("y ~ x:«q»", "no column 'q'", "Valid names: 'y', 'x'"),
    Bad("«Y» ~ x", "no column 'Y'", "'y'"),
    Bad("y ~ x + «2»", "'2' is not a term", "I(x * 2)"),
    Bad("y ~ x * «2»", "no operand of '*'", "I(...)"),
    Bad("y ~ «1»:x", "no operand of ':'", "I(...)"),
    Bad("y ~ «x^2»", "'x^2' is the same as 'x'", "I(x^2)"),
    Bad("y ~ x + «x**3»", "is the same as 'x'", "I(x^3)"),
    Bad("y ~ (x + z)^«0.5»", "whole number on its right: '(a + b)^2'", "I("),
    Bad("y ~ (x + z)^«x»", "whole number on its right: '(a + b)^2'", "I("),
    Bad("y ~ «'x'»", "is not a term", "without quotes"),
    Bad("y ~ «TRUE»", "TRUE is not a term"),
    Bad("y ~ «y» + x", "'y' is the response", "cannot predict itself"),
    Bad("y ~ x * «y»", "'y' is the response", "cannot predict itself"),
    Bad("y ~ «Intercept» + x", "is here already", "0 + Intercept"),
    Bad("y ~ 0 + «Intercept»:x", "interacts with nothing"),
    Bad("y ~ x - «Intercept»", "no term that can be removed", "0 +"),
    Bad("y ~ log(«.»)", "inside a function call"),
    Bad("y ~ x - «offset(z)»", "can only be added"),
    Bad("y ~ x:«offset(z)»", "can only be added"),
    Bad("y ~ «offset(x, z)»", "one expression: 'offset(log(time))'"),
    Bad("y ~ offset(«expousre»)", "no column 'expousre'"),
]

SPECIAL = [
    Bad("y ~ «s(x)»", "Smooth terms, s(), are not supported yet", "poly(x, 3)"),
    Bad("y ~ «t2(x, z)»", "t2(), are not supported yet"),
    Bad("y ~ «gp(x)»", "Gaussian processes, gp(), are not supported yet"),
    Bad("y ~ «mo(x)»", "Monotonic effects, mo(), are not supported yet", "polynomial contrasts"),
    Bad("y ~ «me(x, z)»", "measurement error, me(), are not supported yet"),
    Bad("y ~ «mi(x)»", "missing values, mi(), are not supported yet"),
    Bad("y ~ «cs(x)»", "Category-specific effects, cs(), are not supported yet"),
    Bad("y ~ x + «ar(time = x, gr = g)»", "Autoregressive terms, ar(), are not supported yet"),
    Bad("y ~ x + «cosy(x, g)»", "cosy(), are not supported yet"),
    Bad("y ~ x + «car(w)»", "car(), are not supported yet"),
    Bad("y ~ x:«mo(z)»", "mo(), are not supported yet"),
    Bad("y ~ («s(x)» | g)", "s(), are not supported yet"),
    Bad("y ~ (1 | «mm(g, h)»)", "Multi-membership terms, mm(), are not supported yet"),
    Bad("y ~ «SSlogis(age, Asym, xmid, scal)»", "non-linear curve", "'Asym + xmid + scal ~ 1'"),
]

GROUPS = [
    Bad("y ~ «x + 1 | g»", "needs parentheses", "'(x + 1 | g)'"),
    Bad("y ~ «1 | g + x»", "needs parentheses", "'(1 | g + x)'"),
    Bad("y ~ x:«(1 | g)»", "can only be added", "(x:z | g)"),
    Bad("y ~ x - «(1 | g)»", "can only be added"),
    Bad("y ~ «x (1 | g)»", "no operator between 'x' and the group-level term", "'+'"),
    Bad("y ~ (1 | «gg»)", "no column 'gg'", "'g'"),
    Bad("y ~ («days» | g)", "no column 'days'"),
    Bad("y ~ (1 | «factor(g)»)", "'factor(g)' cannot be a grouping factor", "a column"),
    Bad("y ~ (1 | «1»)", "'1' cannot be a grouping factor"),
    Bad("y ~ (1 | «g == 2»)", "cannot be a grouping factor", "(1 | g/h)"),
    Bad("y ~ (1 | «g^2»)", "is the same as 'g'"),
    Bad("y ~ «(0 | g)»", "Nothing varies", "(0 + x | g)"),
    Bad("y ~ «(x - x - 1 | g)»", "Nothing varies"),
    Bad("y ~ «(x + offset(z) | g)»", "An offset does not vary", "outside the parentheses"),
    Bad("y ~ («(1 | h)» + x | g)", "cannot hold another one"),
    Bad("y ~ (1 | g) + «(x | g)»", "'Intercept' varies twice", "(0 + x | g)"),
    Bad("y ~ (x | g) + «(0 + x | g)»", "'x' varies twice", "Leave out"),
    Bad("y ~ (1 | g/h) + «(1 | h:g)»", "'Intercept' varies twice", "Leave out"),
    Bad("y ~ (1 | g) + «(1 | g/h)»", "'Intercept' varies twice between the levels of 'g'"),
    Bad("y ~ (1 | p | g) + «(1 | p | h)»", "ID 'p' is shared by the grouping factors 'g' and 'h'"),
    Bad("y ~ «(1 | p | g/h)»", "ID 'p' is shared", "one term for each"),
    Bad(
        model("y ~ (1 | p | g)", "sigma ~ «(1 | p | h)»"),
        "ID 'p' is shared by the grouping factors 'g' and 'h'",
        "each its own ID",
    ),
    Bad("y ~ «(x || p | g)»", "'||' says that it does not", "(x | ID | g)"),
    Bad("y ~ «(1 | a | b | g)»", "at most two bars"),
    Bad("y ~ (1 | «log(x)» | g)", "This is no ID", "one word"),
    Bad("y ~ (1 | gr(g, by = «f»))", "gr(by = ...), are not supported yet"),
    Bad("y ~ (1 | gr(g, cov = «w»))", "gr(cov = ...), are not supported yet"),
    Bad("y ~ (1 | gr(g, dist = «'student'»))", "gr(dist = ...), are not supported yet"),
    Bad("y ~ (1 | gr(g, corr = «FALSE»))", "no argument 'corr'", "'cor'"),
    Bad("y ~ (1 | gr(g, cor = «x»))", "either TRUE or FALSE"),
    Bad("y ~ (1 | «gr()»)", "lacks its argument 'g'"),
    Bad("y ~ «(x | p | gr(g, cor = FALSE))»", "estimates correlations, and this one is without"),
    Bad("y ~ (x | p | gr(g, id = «'q'»))", "two IDs"),
    Bad("y ~ (1 | «gr(g)»:h)", "gr() takes one grouping factor"),
]

RESPONSES = [
    Bad("y | «trails»(n) ~ x", "no response term trails()", "'trials'"),
    Bad("y | trials(«N»)  ~ x", "no column 'N'", "'n'"),
    Bad("y | «trials()» ~ x", "lacks its argument 'x'", "trials(x)"),
    Bad("y | trials(n, «2») ~ x", "too many arguments"),
    Bad("y | «n» ~ x", "'n' is not a response term", "trials(n)"),
    Bad("y | trials(n) + «trials(n)» ~ x", "trials() is there twice"),
    Bad("y | weights(w, scal = «TRUE») ~ x", "no argument 'scal'", "'scale'"),
    Bad("y | weights(w, scale = «2») ~ x", "either TRUE or FALSE"),
    Bad("y «||» trials(n) ~ x", "one '|'"),
    Bad("«y | trials(n)» | weights(w) ~ x", "behind one '|'", "trials(n) + weights(w)"),
    *[
        Bad(f"y | «{name}(w)» ~ x", f"{name}(), are not supported yet")
        for name in (
            *("se", "cens", "trunc", "rate", "mi", "subset", "index"),
            *("cat", "thres", "dec", "bhaz", "vreal", "vint"),
        )
    ],
    Bad("«mvbind(y, z)» ~ x", "Multivariate responses, mvbind(), are not supported yet"),
    Bad("«cbind(y, n)» ~ x", "cbind(), are not supported yet", "successes | trials(number)"),
    Bad("«trials(y)» ~ x", "trials() is not a response", "y | trials(y)"),
    Bad("«1» ~ x", "reads no column"),
    Bad("«.» ~ x", "left of '~'"),
]

PARTS = [
    Bad(model("y ~ x", "«~» z"), "does not say which parameter", "sigma ~ x"),
    Bad(model("y ~ x", "«sgima» ~ z"), "'sgima' is not a parameter of this family", "'sigma'"),
    Bad(model("y ~ x", "«nu» ~ z"), "which has mu, sigma"),
    Bad(model("y ~ x", "«mu» ~ z"), "'mu' has a formula already", "'y ~ x'"),
    Bad(model("y ~ x", "sigma ~ z", "«sigma» ~ x"), "two formulas"),
    Bad(model("y ~ x", "«log(sigma)» ~ z"), "not the name of a parameter"),
    Bad(model("y ~ x", "sigma | «weights(w)» ~ z"), "belongs to the response", "main formula"),
    Bad(model("y ~ x", "sigma ~ «zz»"), "no column 'zz'", "'z'"),
    Bad(model("y ~ x", "sigma ~ «y»"), "'y' is the response"),
    Bad(model("y ~ x", "sigma ~ z", sigma=1.0), "fixed and predicted", "Leave out"),
    Bad(model("y ~ x", sgima=1.0), "'sgima' is not a parameter", "'sigma'"),
    Bad(model("y ~ x", mu=1.0), "'mu' is fixed and predicted"),
    Bad(bf(bf("y ~ x", sigma=1.0), sigma=2.0), "'sigma' is fixed twice"),
]

NONLINEAR = [
    # brms-behaviour, 3.2, row 24, and Appendix B, 3 to 5
    Bad(model("y ~ «x * z»", nl=True), "has no parameters", "'x + z ~ 1'"),
    Bad(model("y ~ «k» * x", nl=True), "no column of the data and has no formula", "'k ~ 1'"),
    Bad(
        model("y ~ a * exp(«b» * x)", "a ~ 1", nl=True),
        "'b' is no column of the data and has no formula",
        "'b ~ 1'",
    ),
    Bad(
        model("height ~ Asym * exp(«lcr» * age)", "Asym + lrc ~ 1", nl=True),
        "'lcr' is no column",
        "Did you mean 'lrc'",
    ),
    Bad(
        model("height ~ Asym + (R0 - Asym) * exp(-exp(lrc) * age)", "«Asym» + R0 + lrc ~ 1"),
        "'Asym' is not a parameter of this family",
        "nl=True",
    ),
    Bad(
        model("height ~ SSasymp(age, Asym, R0, lrc)", "«Asym» + R0 + lrc ~ 1"),
        "'Asym' is not a parameter of this family",
        "nl=True",
    ),
    Bad(
        "height ~ «SSasymp(age, Asym, R0, lrc)»",
        "SSasymp() is a non-linear curve, and this formula is linear",
        "'Asym + R0 + lrc ~ 1', nl=True",
    ),
    Bad(
        model("y ~ mu * x", "«mu» ~ 1", nl=True),
        "'mu' has a formula already: the main one",
        "another name",
    ),
    Bad(
        model("y ~ «sigma» * x", "sigma ~ 1", nl=True),
        "'sigma' is a parameter of the family",
        "another name",
    ),
    Bad(model("y ~ x * age", "«x» ~ 1", nl=True), "'x' is a column of the data", "another name"),
    Bad(model("y ~ a * x", "a ~ 1", "«y» ~ 1", nl=True), "'y' is the response"),
    Bad(model("y ~ a * «y»", "a ~ 1", nl=True), "'y' is the response, and stands on the right"),
    Bad(
        model("y ~ a * x", "a ~ 1", "«b» ~ 1", nl=True),
        "'b' has a formula, but no non-linear formula reads it",
    ),
    Bad(
        model("y ~ a * x", "a ~ 1", "«sgima» ~ 1", nl=True),
        "no non-linear formula reads it",
        "'sigma'",
    ),
    Bad(model("y ~ a * x", "a ~ 1", "«pi» ~ 1", nl=True), "'pi' is not the name of a parameter"),
    Bad(model("y ~ a * x", "a ~ 1", "«.» ~ 1", nl=True), "'.' is not the name of a parameter"),
    Bad(
        model("y ~ a * x", nl=True) + nlf("a ~ b + 1", "b ~ exp(«a»)"),
        "'a' depends on itself: a -> b -> a",
    ),
    Bad(model("y ~ a * x", nl=True) + nlf("a ~ «a» + 1"), "'a' depends on itself: a -> a"),
    Bad(
        model("y ~ a * x", nl=True) + nlf("a ~ b * x") + lf("b ~ «q»"),
        "no column 'q'",
    ),
    Bad(model("y ~ a * «expp»(x)", "a ~ 1", nl=True), "no function expp()", "'exp'"),
    Bad(model("y ~ «SSlogist»(x, a)", "a ~ 1", nl=True), "no function SSlogist()", "'SSlogis'"),
    Bad(model("y ~ a * «np.exp»(x)", "a ~ 1", nl=True), "no function np.exp()", "'exp'"),
    Bad(model("y ~ a * «dgamma»(x)", "a ~ 1", nl=True), "no function dgamma()", "'digamma'"),
    Bad(model("y ~ a * «mean(x)»", "a ~ 1", nl=True), "does not work row by row", "column"),
    Bad(model("y ~ a * «max(x, 1)»", "a ~ 1", nl=True), "does not work row by row", "pmax()"),
    Bad(model("y ~ «a»(x - 1)", "a ~ 1", nl=True), "'a', which is not a function", "'a * (...)'"),
    Bad(
        model("y ~ «SSasymp(age, a, b)»", "a + b ~ 1", nl=True),
        "lacks its argument 'lrc'",
        "SSasymp(input, Asym, R0, lrc)",
    ),
    Bad(
        model("y ~ SSmicmen(x, a, b, «2»)", "a + b ~ 1", nl=True),
        "too many arguments",
        "SSmicmen(input, Vm, K)",
    ),
    Bad(
        model("y ~ SSlogis(x, a, b, skal = «1»)", "a + b ~ 1", nl=True),
        "no argument 'skal'",
        "'scal'",
    ),
    Bad(
        model("y ~ SSlogis(x, Asym = a, Asym = «b»)", "a + b ~ 1", nl=True),
        "given 'Asym' twice",
    ),
    Bad(model("y ~ a * «atan2(x)»", "a ~ 1", nl=True), "lacks its argument 'x'", "atan2(y, x)"),
    Bad(model("y ~ a * exp(x, «2»)", "a ~ 1", nl=True), "too many arguments", "exp(x)"),
    Bad(
        model("y ~ a * x + («1 | g»)", "a ~ 1", nl=True),
        "no group-level terms",
        "formula of a parameter",
    ),
    Bad(model("y ~ a «:» x", "a ~ 1", nl=True), "':' has no meaning", "'a * b'"),
    Bad(model("y ~ a «%in%» x", "a ~ 1", nl=True), "'%in%' has no meaning"),
    Bad(model("y ~ a + «offset(x)»", "a ~ 1", nl=True), "no offset()", "'+ x'"),
    Bad(model("y ~ a * «s(x)»", "a ~ 1", nl=True), "s(), are not supported yet"),
    Bad(model("y ~ a * «.»", "a ~ 1", nl=True), "'.' cannot stand in a non-linear formula"),
    Bad(model("y ~ a * «NA»", "a ~ 1", nl=True), "NA is not a number"),
    Bad(
        model("y ~ ifelse(f == «'b'», a, 0)", "a ~ 1", nl=True),
        "with numbers, not with text",
        "zeros and ones",
    ),
    Bad(
        model("y ~ a * x", "a ~ 1", nl=True, center=False),
        "mean nothing to a non-linear formula",
        "lf(",
    ),
    Bad(model("y ~ a * x", "a ~ 1 + (1 | «subject»)", nl=True), "no column 'subject'"),
]

CASES = {
    "syntax": SYNTAX,
    "terms": TERMS,
    "special": SPECIAL,
    "groups": GROUPS,
    "responses": RESPONSES,
    "parts": PARTS,
    "nonlinear": NONLINEAR,
}


def unmarked(formula: str | Formula) -> str | Formula:
    if isinstance(formula, str):
        return re.sub("[«»]", "", formula)
    values = formula.to_dict()
    values["main"] = re.sub("[«»]", "", values["main"])
    for part in values["parts"]:
        part["source"] = re.sub("[«»]", "", part["source"])
    return Formula.from_dict(values)


def sources(formula: str | Formula) -> list[str]:
    if isinstance(formula, str):
        return [formula]
    return [formula.main, *(part.source for part in formula.parts)]


@pytest.mark.parametrize(
    "bad", [pytest.param(bad, id=f"{room}-{bad.formula}") for room in CASES for bad in CASES[room]]
)
def test_message_caret_and_advice(bad: Bad) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(unmarked(bad.formula), dpars=bad.dpars, columns=COLUMNS)
    error = caught.value
    assert bad.message in error.message
    if bad.advice is not None:
        assert bad.advice in (error.hint or "")
    marked = [source for source in sources(bad.formula) if "«" in source]
    if not marked or marked == ["«»"]:
        return
    (source,) = marked
    assert error.source == re.sub("[«»]", "", source)
    assert error.span == (source.index("«"), source.index("»") - 1)
    assert error.source[slice(*error.span)] in str(error)


def test_there_are_many() -> None:
    assert sum(map(len, CASES.values())) > 150


def test_the_whole_message() -> None:
    with pytest.raises(FormulaError) as caught:
        parse("Reaction ~ Dayz + (Days | Subject)", columns=["Reaction", "Days", "Subject"])
    assert str(caught.value) == (
        "The data have no column 'Dayz'.\n"
        "  Reaction ~ Dayz + (Days | Subject)\n"
        "             ^^^^\n"
        "Did you mean 'Days'?"
    )


def test_caret_on_the_right_line() -> None:
    with pytest.raises(FormulaError) as caught:
        parse("y ~ x +\n    zz", columns=["y", "x", "z"])
    assert "\n      zz\n      ^^\n" in str(caught.value)


def test_dot_needs_the_columns() -> None:
    with pytest.raises(FormulaError, match="Name the columns"):
        parse("y ~ .")


def test_unknown_names_are_fine_while_the_data_are_unknown() -> None:
    assert parse("y ~ anything").variables == ("y", "anything")


def test_population_level_formula_takes_no_group_level_terms() -> None:
    with pytest.raises(FormulaError, match="no place in this formula"):
        parse_rhs("~ x + (1 | g)")


def test_group_level_formula_takes_no_population_level_terms() -> None:
    with pytest.raises(FormulaError, match="group-level terms only"):
        parse_groups("~ x + (1 | g)")


def test_column_named_as_a_family_parameter_is_no_such_parameter() -> None:
    columns = ["y", "x", "sigma"]
    plain = parse(bf("y ~ a * sigma", "a ~ 1", nl=True), columns=columns).predictor("mu")
    assert isinstance(plain, NonlinearPredictor)
    assert plain.covariates == ("sigma",)
    with pytest.raises(FormulaError, match="'sigma' is a parameter of the family"):
        parse(bf("y ~ a * sigma", "a ~ 1", "sigma ~ x", nl=True), columns=columns)


def test_deep_nesting_is_an_error_not_a_crash() -> None:
    with pytest.raises(FormulaError, match="nested too deeply"):
        parse("y ~ " + "(" * 2000 + "x" + ")" * 2000)
