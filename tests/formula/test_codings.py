"""C(): how a formula says how factors are coded."""

from __future__ import annotations

import pytest

from brmspy.errors import FormulaError
from brmspy.formula import parse, parse_rhs
from brmspy.formula.codings import Coding, coded_factor, coding_from_text
from brmspy.formula.expression import deparse
from brmspy.formula.grammar import parse_expression

COLUMNS = ("y", "f", "x", "sum")


def coding_of(text: str) -> Coding | None:
    found = coded_factor(parse_expression(text), text)
    assert found is not None
    return found.coding


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("C(f, sum)", "sum"),
        ("C(f, Sum)", "sum"),
        ('C(f, "sum")', "sum"),
        ("C(f, 'contr.sum')", "sum"),
        ("C(f, contr.sum)", "sum"),
        ("C(f, contr.sum(3))", "sum"),
        ("C(f, Sum())", "sum"),
        ("C(f, contr=helmert)", "helmert"),
        ("C(object=f, contr.helmert)", "helmert"),
        ("C(contrast=Helmert, f)", "helmert"),
        ("C(data=f, poly)", "poly"),
        ("C(f, Poly)", "poly"),
        ("C(f, contr.poly)", "poly"),
        ("C(f, contr.SAS)", "SAS"),
        ("C(f, Diff)", "sdif"),
        ("C(f, Treatment)", "treatment"),
    ],
)
def test_names_of_r_and_patsy(text: str, kind: str) -> None:
    coding = coding_of(text)
    assert coding is not None
    assert (coding.kind, coding.base, coding.count) == (kind, None, None)


@pytest.mark.parametrize(
    ("text", "base", "size"),
    [
        ("C(f, contr.treatment(3, base=2))", 2, 3),
        ("C(f, contr.treatment(3, 2))", 2, 3),
        ("C(f, contr.treatment(base=2))", 2, None),
        ("C(f, contr.treatment, base=2)", 2, None),
        ("C(f, treatment, base='b')", "b", None),
        ("C(f, base=2)", 2, None),
        ("C(f, Treatment('b'))", "b", None),
        ("C(f, Treatment(2001))", "2001", None),
        ("C(f, Treatment(reference=TRUE))", "TRUE", None),
        ("C(f, treatment(base=3))", 3, None),
        ("C(f, Sum('a'))", "a", None),
    ],
)
def test_levels_that_are_singled_out(text: str, base: object, size: int | None) -> None:
    coding = coding_of(text)
    assert coding is not None
    assert (coding.base, coding.size) == (base, size)


def test_number_of_columns_scores_and_levels() -> None:
    linear = coding_of("C(f, poly, 1)")
    assert linear is not None
    assert (linear.kind, linear.count) == ("poly", 1)
    apart = coding_of("C(f, contr.poly, scores = c(1, 2, 4))")
    assert apart is not None
    assert apart.scores == (1.0, 2.0, 4.0)
    found = coded_factor(parse_expression("C(x, Sum, levels=c(3, 1, 2))"), "")
    assert found is not None
    assert deparse(found.factor) == "factor(x, levels = c(3, 1, 2))"


def test_without_a_coding_it_is_a_factor() -> None:
    assert coding_of("C(f)") is None
    assert coding_of("C(f, NULL)") is None
    assert coding_of("C(f, None)") is None
    assert coded_factor(parse_expression("log(x)"), "log(x)") is None


def test_names_of_codings_are_no_columns() -> None:
    terms = parse("y ~ C(f, sum) * x + (C(f, Helmert) | f)", columns=COLUMNS)
    assert terms.variables == ("y", "f", "x")
    assert [term.label for term in parse_rhs("~ C( f,sum ):x").terms] == ["C(f, sum):x"]
    assert parse("y ~ sum", columns=COLUMNS).variables == ("y", "sum")


def test_the_text_is_part_of_the_name() -> None:
    labels = [term.label for term in parse_rhs("~ C(f, Sum) + C(f, 'Sum') + C(f)").terms]
    assert labels == ["C(f, Sum)", 'C(f, "Sum")', "C(f)"]


BAD: dict[str, tuple[str, ...]] = {
    "C(f, «summ»)": ("no coding of factors 'summ'", "Did you mean 'sum'"),
    "C(f, «contr.summ»)": ("no coding of factors 'contr.summ'", "Did you mean 'contr.sum'"),
    "C(f, Treatment(«b»))": ("no level", "between quotes: 'b'"),
    "C(f, contr.treatment(base=«0»))": ("'base'", "whole number of at least 1"),
    "C(f, contr.sum(«2.5»))": ("'n'", "whole number"),
    "C(f, contr.sum(contrasts=«FALSE»))": ("contr.sum() has no argument 'contrasts'",),
    "C(f, Helmert(«2»))": ("Helmert() is given too many arguments",),
    "C(f, poly, «0»)": ("'how.many'", "whole number"),
    "«C()»": ("C() lacks its argument 'x'",),
    "C(f, sum, colour=«1»)": ("C() has no argument 'colour'", "C(f, Sum)"),
    "C(f, «3»)": ("'3' is no coding", "cbind"),
    "C(f, c(1, «x»))": ("This is no number",),
    "C(f, c(1, «1/0»))": ("This is no number",),
    "C(f, «cbind(c(1, 0), c(1, 0, -1))»)": ("not of one length",),
    "C(f, «cbind(a = c(1, -1), c(0, 1))»)": ("Name all columns, or none",),
    "C(f, cbind(«x»))": ("no column of numbers", "c(-1, 0, 1)"),
    "C(f, «matrix(c(1, 2, 3), ncol=2)»)": ("3 numbers make no matrix",),
    "C(f, c(1, 0, -1), base=«2»)": ("'base' has no meaning for a matrix",),
    "C(f, Treatment(base=«2», reference='b'))": ("two names for one level",),
}


@pytest.mark.parametrize(("marked", "parts"), BAD.items())
def test_what_is_not_valid_is_refused(marked: str, parts: tuple[str, ...]) -> None:
    text = marked.replace("«", "").replace("»", "")
    with pytest.raises(FormulaError) as caught:
        coded_factor(parse_expression(text), text)
    assert caught.value.span == (marked.index("«"), marked.index("»") - 1)
    for part in parts:
        assert part in str(caught.value)


def test_text_that_is_no_coding() -> None:
    with pytest.raises(FormulaError, match="Did you mean 'helmert'"):
        coding_from_text("helmet")
