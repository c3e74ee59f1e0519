"""What the README says is so: its code runs and prints what it shows, its tables hold."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import brmspy
from brmspy.__main__ import main
from brmspy.families import FAMILIES
from brmspy.formula.curves import CURVES

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", re.DOTALL | re.MULTILINE)
# A row of a summary: a name, and seven numbers.
ESTIMATES = re.compile(rf"^(\S+)((?: +{NUMBER.pattern}){{7}})$", re.MULTILINE)


def table(heading: str) -> list[list[str]]:
    """Return the rows of the first table under a heading, cell by cell, its own head left out."""
    section = re.split(r"^##+ ", TEXT.partition(f"## {heading}\n")[2], flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines[2:]]
    return [[cell.strip().replace(r"\|", "|") for cell in row] for row in rows]


def snippets(heading: str) -> list[str]:
    """Return what stands between backticks in the first column of a table."""
    return [code for row in table(heading) for code in re.findall(r"`([^`]+)`", row[0])]


def columns() -> pd.DataFrame:
    """Return data with every column that the table of the grammar uses."""
    rng = np.random.default_rng(1)
    real = {name: rng.normal(size=60) for name in ("y", "x", "x1", "x2")}
    positive = {name: rng.uniform(1.0, 2.0, 60) for name in ("t", "w")}
    text = {name: rng.choice(list("pqrs"), 60) for name in ("f", "g", "h")}
    whole = {"k": rng.integers(1, 4, 60), "count": rng.integers(0, 10, 60)}
    return pd.DataFrame({**real, **positive, **text, **whole, "n": rng.integers(10, 20, 60)})


def words(text: str) -> list[str]:
    """Return a text without its numbers and its spacing."""
    return NUMBER.sub("", text).split()


def estimates(text: str) -> dict[str, list[float]]:
    """Return estimate, error and interval of each row of a printed summary."""
    return {
        name: [float(number) for number in numbers.split()[:4]]
        for name, numbers in ESTIMATES.findall(text)
    }


def check_printed(printed: str, shown: str) -> None:
    """Compare an output with the one shown; draws differ a little between compilers."""
    assert words(printed) == words(shown)
    found, expected = estimates(printed), estimates(shown)
    assert found.keys() == expected.keys()
    for name, numbers in expected.items():
        error = numbers[1]
        np.testing.assert_allclose(found[name], numbers, atol=0.3 * error, rtol=0, err_msg=name)
    if not expected:
        assert printed == shown


@pytest.mark.compiled
def test_code_runs_and_prints_what_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {}
    blocks = BLOCK.findall(TEXT)
    assert len(blocks) == TEXT.count("```python")
    for code, shown in blocks:
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(code, namespace)
        check_printed(output.getvalue(), shown)
    assert estimates(str(namespace["fit"])).keys() >= {"sd(Days)", "Days", "sigma"}
    assert brmspy.load("sleep.nc").nobs == 180


@pytest.mark.parametrize("code", snippets("The grammar at a glance"))
def test_grammar_is_understood(code: str) -> None:
    names = {name: getattr(brmspy, name) for name in ("bf", "lf", "nlf")}
    formula = eval(code, names) if code.startswith("bf(") else code
    if code.startswith("weights("):
        formula = f"y | {code} ~ x"
    family = "binomial" if "trials" in code else "gaussian"
    assert "parameters {" in brmspy.stancode(formula, columns(), family)


def test_all_curves_are_named() -> None:
    paragraph = TEXT.partition("\nCurves: ")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", paragraph)) == set(CURVES)


@pytest.mark.parametrize("code", snippets("Priors"))
def test_priors_are_accepted(code: str) -> None:
    row = eval(code, {"prior": brmspy.prior})
    formula, data = "Reaction ~ Days + (Days | Subject)", brmspy.load_dataset("sleepstudy")
    assert brmspy.stancode(formula, data, prior=row) != brmspy.stancode(formula, data)


def test_families_have_the_links_of_the_table() -> None:
    rows = table("Families and links")
    assert [row[0].strip("`") for row in rows] == list(FAMILIES)
    for name, _, links in rows:
        shown = {
            parameter.strip("` "): tuple(values.strip().split(", "))
            for parameter, values in (part.split(":") for part in links.split(";"))
        }
        assert shown == {dpar.name: dpar.links for dpar in FAMILIES[name.strip("`")]().dpars}


@pytest.mark.parametrize(
    "arguments", sorted(set(re.findall(r"python -m brmspy ([a-z -]*[a-z])", TEXT)))
)
def test_commands_exist(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*arguments.split(), "--help"])
    assert ended.value.code == 0
    assert arguments.split()[-1] in capsys.readouterr().out


def test_targets_and_files_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", TEXT, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for link in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (ROOT / link).exists(), link


# What the recipes in CONTRIBUTING.md would add.
NOT_THERE = {
    "brmspy/families/geometric.py",
    "brmspy/program/terms/random_walks.py",
    "templates/families/geometric.stan.j2",
    "templates/terms/random_walks.stan.j2",
}


def test_contributing_names_files_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:brmspy|templates|tests)/[\w./]*\w", text))
    assert named > NOT_THERE
    assert [name for name in sorted(named - NOT_THERE) if not (ROOT / name).exists()] == []
