"""Notebook representations: the same content as the text, accessible, escaped, without colours."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

import pytest

from brmspy import bf, lf, prior
from brmspy.markup import Table, block, decimals_for, field_lines, fields, number, warning
from brmspy.priors import ParameterBlock, resolve


class Checker(HTMLParser):
    """Follows tags, which must be closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def text_of(html: str) -> str:
    """Return what a reader sees; checks that the HTML is well formed."""
    checker = Checker()
    checker.feed(html)
    assert checker.open == []
    html = re.sub("<style>.*?</style>", "", html)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


TABLE = Table(
    "~g", ("n", "what"), (("<a>", ("1", "x & y")), ("b", ("10", "z"))), frozenset({"what"})
)


def test_tables_as_text() -> None:
    assert TABLE.lines() == [
        "~g",
        "     n what",
        "<a>  1 x & y",
        "b   10 z",
    ]
    headed = Table("", ("n",), (("b", ("1",)),), corner="name")
    assert headed.lines() == ["name n", "b    1"]


def test_tables_as_html() -> None:
    html = TABLE.html()
    assert text_of(html) == "~g n what <a> 1 x & y b 10 z"
    assert "<caption>" in html
    assert html.count('scope="row"') == 2
    assert html.count('scope="col"') == 2
    assert "<a>" not in html


def test_fields() -> None:
    pairs = [("Formula", "y ~ x\nsigma ~ x"), ("N", "<3>")]
    assert field_lines(pairs) == ["Formula: y ~ x", "         sigma ~ x", "      N: <3>"]
    assert text_of(fields(pairs)) == "Formula y ~ x sigma ~ x N <3>"


def test_blocks_follow_the_theme() -> None:
    html = block("card", "A <card>", ["<p>x</p>"])
    assert 'aria-label="A &lt;card&gt;"' in html
    assert "prefers-color-scheme:dark" in html
    colours = set(re.findall(r"(?<![-\w])color:([^;}]+)", html))
    assert colours == {"inherit"}
    assert "background:#" not in html
    assert len(html) < 1500
    assert 'role="alert"' in warning("<oh>")
    assert "&lt;oh&gt;" in warning("<oh>")


@pytest.mark.parametrize(
    ("errors", "decimals"),
    [
        ([10.0, 3.0], 2),
        ([0.5], 2),
        ([0.004, 3.0], 3),
        ([0.0], 2),
        ([float("nan")], 2),
        ([1e-30], 12),
    ],
)
def test_decimals(errors: list[float], decimals: int) -> None:
    assert decimals_for(errors) == decimals
    assert number(float("nan"), decimals) == "NA"


def test_formulas() -> None:
    formula = bf("y ~ a * exp(-b * x) & 1 < 2", "a + b ~ 1", nl=True, sigma=0.5)
    html = formula._repr_html_()
    assert text_of(html) == "y ~ a * exp(-b * x) & 1 < 2 a + b ~ 1 sigma = 0.5 nl=True"
    assert html.count("<code>") == 3
    plain = bf("y ~ x") + lf("sigma ~ x")
    assert text_of(plain._repr_html_()) == " ".join(str(plain).split())


def test_priors() -> None:
    one = prior("normal(0, 1)", coef="<x>")
    assert text_of(one._repr_html_()) == str(one)
    blocks = [ParameterBlock("b", coefs=("x", "z"), labels=("x", "z"))]
    priors = resolve(blocks, [prior("normal(0, 5)", coef="z")])
    assert text_of(priors._repr_html_()).split() == str(priors).split()
